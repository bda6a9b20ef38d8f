"use strict";var z0=Object.create;var Na=Object.defineProperty;var Q0=Object.getOwnPropertyDescriptor;var K0=Object.getOwnPropertyNames;var j0=Object.getPrototypeOf,W0=Object.prototype.hasOwnProperty;var $d=(e,t)=>(t=Symbol[e])?t:Symbol.for("Symbol."+e),wd=e=>{throw TypeError(e)};var i=(e,t)=>Na(e,"name",{value:t,configurable:!0});var Me=(e,t)=>()=>{try{return t||e((t={exports:{}}).exports,t),t.exports}catch(n){throw t=0,n}};var q0=(e,t,n,r)=>{if(t&&typeof t=="object"||typeof t=="function")for(let o of K0(t))!W0.call(e,o)&&o!==n&&Na(e,o,{get:()=>t[o],enumerable:!(r=Q0(t,o))||r.enumerable});return e};var mt=(e,t,n)=>(n=e!=null?z0(j0(e)):{},q0(t||!e||!e.__esModule?Na(n,"default",{value:e,enumerable:!0}):n,e));var yd=Uint8Array.fromBase64||(e=>new Uint8Array(Buffer.from(e,"base64")));var tr=(e,t,n)=>{if(t!=null){typeof t!="object"&&typeof t!="function"&&wd("Object expected");var r,o;n&&(r=t[$d("asyncDispose")]),r===void 0&&(r=t[$d("dispose")],n&&(o=r)),typeof r!="function"&&wd("Object not disposable"),o&&(r=function(){try{o.call(this)}catch(s){return Promise.reject(s)}}),e.push([n,r,t])}else n&&e.push([n]);return t},Sr=(e,t,n)=>{var r=typeof SuppressedError=="function"?SuppressedError:function(a,c,u,l){return l=Error(u),l.name="SuppressedError",l.error=a,l.suppressed=c,l},o=a=>t=n?new r(a,t,"An error was suppressed during disposal"):(n=!0,a),s=a=>{for(;a=e.pop();)try{var c=a[1]&&a[1].call(a[2]);if(a[0])return Promise.resolve(c).then(s,u=>(o(u),s()))}catch(u){o(u)}if(n)throw t};return s()};var kd=Me(Ed=>{Ed.HttpClient=class{}});var vd=Me(Sd=>{Sd.BearerCredentialHandler=class{}});var Vp=Me((bO,Yp)=>{"use strict";var $n=i(e=>e!==null&&typeof e=="object"&&typeof e.pipe=="function","isStream");$n.writable=e=>$n(e)&&e.writable!==!1&&typeof e._write=="function"&&typeof e._writableState=="object";$n.readable=e=>$n(e)&&e.readable!==!1&&typeof e._read=="function"&&typeof e._readableState=="object";$n.duplex=e=>$n.writable(e)&&$n.readable(e);$n.transform=e=>$n.duplex(e)&&typeof e._transform=="function";Yp.exports=$n});var Xp=Me(()=>{});var Jp=Me(()=>{});var t_=Me((vO,e_)=>{e_.exports=aE;function aE(e){var t=[];return e.forEach(function(n){/^[A-Za-z0-9_\/-]+$/.test(n)||(n="'"+n.replace(/'/g,"'\\''")+"'",n=n.replace(/^(?:'')+/g,"").replace(/\\'''/g,"\\'")),t.push(n)}),t.join(" ")}i(aE,"shellescape")});var si=Me((CO,n_)=>{n_.exports={newInvalidAsn1Error:i(function(e){var t=new Error;return t.name="InvalidAsn1Error",t.message=e||"",t},"newInvalidAsn1Error")}});var ii=Me((TO,r_)=>{r_.exports={EOC:0,Boolean:1,Integer:2,BitString:3,OctetString:4,Null:5,OID:6,ObjectDescriptor:7,External:8,Real:9,Enumeration:10,PDV:11,Utf8String:12,RelativeOID:13,Sequence:16,Set:17,NumericString:18,PrintableString:19,T61String:20,VideotexString:21,IA5String:22,UTCTime:23,GeneralizedTime:24,GraphicString:25,VisibleString:26,GeneralString:28,UniversalString:29,CharacterString:30,BMPString:31,Constructor:32,Context:128}});var Wc=Me((PO,o_)=>{"use strict";var ai=require("buffer"),Lr=ai.Buffer,Gt={},Yt;for(Yt in ai)ai.hasOwnProperty(Yt)&&(Yt==="SlowBuffer"||Yt==="Buffer"||(Gt[Yt]=ai[Yt]));var Ur=Gt.Buffer={};for(Yt in Lr)Lr.hasOwnProperty(Yt)&&(Yt==="allocUnsafe"||Yt==="allocUnsafeSlow"||(Ur[Yt]=Lr[Yt]));Gt.Buffer.prototype=Lr.prototype;(!Ur.from||Ur.from===Uint8Array.from)&&(Ur.from=function(e,t,n){if(typeof e=="number")throw new TypeError('The "value" argument must not be of type number. Received type '+typeof e);if(e&&typeof e.length>"u")throw new TypeError("The first argument must be one of type string, Buffer, ArrayBuffer, Array, or Array-like Object. Received type "+typeof e);return Lr(e,t,n)});Ur.alloc||(Ur.alloc=function(e,t,n){if(typeof e!="number")throw new TypeError('The "size" argument must be of type number. Received type '+typeof e);if(e<0||e>=2*(1<<30))throw new RangeError('The value "'+e+'" is invalid for option "size"');var r=Lr(e);return!t||t.length===0?r.fill(0):typeof n=="string"?r.fill(t,n):r.fill(t),r});if(!Gt.kStringMaxLength)try{Gt.kStringMaxLength=process.binding("buffer").kStringMaxLength}catch{}Gt.constants||(Gt.constants={MAX_LENGTH:Gt.kMaxLength},Gt.kStringMaxLength&&(Gt.constants.MAX_STRING_LENGTH=Gt.kStringMaxLength));o_.exports=Gt});var a_=Me((BO,i_)=>{var cE=require("assert"),s_=Wc().Buffer,Po=ii(),uE=si(),Dr=uE.newInvalidAsn1Error;function Lt(e){if(!e||!s_.isBuffer(e))throw new TypeError("data must be a node Buffer");this._buf=e,this._size=e.length,this._len=0,this._offset=0}i(Lt,"Reader");Object.defineProperty(Lt.prototype,"length",{enumerable:!0,get:i(function(){return this._len},"get")});Object.defineProperty(Lt.prototype,"offset",{enumerable:!0,get:i(function(){return this._offset},"get")});Object.defineProperty(Lt.prototype,"remain",{get:i(function(){return this._size-this._offset},"get")});Object.defineProperty(Lt.prototype,"buffer",{get:i(function(){return this._buf.slice(this._offset)},"get")});Lt.prototype.readByte=function(e){if(this._size-this._offset<1)return null;var t=this._buf[this._offset]&255;return e||(this._offset+=1),t};Lt.prototype.peek=function(){return this.readByte(!0)};Lt.prototype.readLength=function(e){if(e===void 0&&(e=this._offset),e>=this._size)return null;var t=this._buf[e++]&255;if(t===null)return null;if((t&128)===128){if(t&=127,t===0)throw Dr("Indefinite length not supported");if(t>4)throw Dr("encoding too long");if(this._size-e<t)return null;this._len=0;for(var n=0;n<t;n++)this._len=(this._len<<8)+(this._buf[e++]&255)}else this._len=t;return e};Lt.prototype.readSequence=function(e){var t=this.peek();if(t===null)return null;if(e!==void 0&&e!==t)throw Dr("Expected 0x"+e.toString(16)+": got 0x"+t.toString(16));var n=this.readLength(this._offset+1);return n===null?null:(this._offset=n,t)};Lt.prototype.readInt=function(){return this._readTag(Po.Integer)};Lt.prototype.readBoolean=function(){return this._readTag(Po.Boolean)!==0};Lt.prototype.readEnumeration=function(){return this._readTag(Po.Enumeration)};Lt.prototype.readString=function(e,t){e||(e=Po.OctetString);var n=this.peek();if(n===null)return null;if(n!==e)throw Dr("Expected 0x"+e.toString(16)+": got 0x"+n.toString(16));var r=this.readLength(this._offset+1);if(r===null||this.length>this._size-r)return null;if(this._offset=r,this.length===0)return t?s_.alloc(0):"";var o=this._buf.slice(this._offset,this._offset+this.length);return this._offset+=this.length,t?o:o.toString("utf8")};Lt.prototype.readOID=function(e){e||(e=Po.OID);var t=this.readString(e,!0);if(t===null)return null;for(var n=[],r=0,o=0;o<t.length;o++){var s=t[o]&255;r<<=7,r+=s&127,(s&128)===0&&(n.push(r),r=0)}return r=n.shift(),n.unshift(r%40),n.unshift(r/40>>0),n.join(".")};Lt.prototype._readTag=function(e){cE.ok(e!==void 0);var t=this.peek();if(t===null)return null;if(t!==e)throw Dr("Expected 0x"+e.toString(16)+": got 0x"+t.toString(16));var n=this.readLength(this._offset+1);if(n===null)return null;if(this.length>4)throw Dr("Integer too long: "+this.length);if(this.length>this._size-n)return null;this._offset=n;for(var r=this._buf[this._offset],o=0,s=0;s<this.length;s++)o<<=8,o|=this._buf[this._offset++]&255;return(r&128)===128&&s!==4&&(o-=1<<s*8),o>>0};i_.exports=Lt});var u_=Me((OO,c_)=>{var Kn=require("assert"),ci=Wc().Buffer,jn=ii(),lE=si(),ui=lE.newInvalidAsn1Error,dE={size:1024,growthFactor:8};function fE(e,t){Kn.ok(e),Kn.equal(typeof e,"object"),Kn.ok(t),Kn.equal(typeof t,"object");var n=Object.getOwnPropertyNames(e);return n.forEach(function(r){if(!t[r]){var o=Object.getOwnPropertyDescriptor(e,r);Object.defineProperty(t,r,o)}}),t}i(fE,"merge");function Nt(e){e=fE(dE,e||{}),this._buf=ci.alloc(e.size||1024),this._size=this._buf.length,this._offset=0,this._options=e,this._seq=[]}i(Nt,"Writer");Object.defineProperty(Nt.prototype,"buffer",{get:i(function(){if(this._seq.length)throw ui(this._seq.length+" unended sequence(s)");return this._buf.slice(0,this._offset)},"get")});Nt.prototype.writeByte=function(e){if(typeof e!="number")throw new TypeError("argument must be a Number");this._ensure(1),this._buf[this._offset++]=e};Nt.prototype.writeInt=function(e,t){if(typeof e!="number")throw new TypeError("argument must be a Number");typeof t!="number"&&(t=jn.Integer);for(var n=4;((e&4286578688)===0||(e&4286578688)===-8388608)&&n>1;)n--,e<<=8;if(n>4)throw ui("BER ints cannot be > 0xffffffff");for(this._ensure(2+n),this._buf[this._offset++]=t,this._buf[this._offset++]=n;n-- >0;)this._buf[this._offset++]=(e&4278190080)>>>24,e<<=8};Nt.prototype.writeNull=function(){this.writeByte(jn.Null),this.writeByte(0)};Nt.prototype.writeEnumeration=function(e,t){if(typeof e!="number")throw new TypeError("argument must be a Number");return typeof t!="number"&&(t=jn.Enumeration),this.writeInt(e,t)};Nt.prototype.writeBoolean=function(e,t){if(typeof e!="boolean")throw new TypeError("argument must be a Boolean");typeof t!="number"&&(t=jn.Boolean),this._ensure(3),this._buf[this._offset++]=t,this._buf[this._offset++]=1,this._buf[this._offset++]=e?255:0};Nt.prototype.writeString=function(e,t){if(typeof e!="string")throw new TypeError("argument must be a string (was: "+typeof e+")");typeof t!="number"&&(t=jn.OctetString);var n=ci.byteLength(e);this.writeByte(t),this.writeLength(n),n&&(this._ensure(n),this._buf.write(e,this._offset),this._offset+=n)};Nt.prototype.writeBuffer=function(e,t){if(typeof t!="number")throw new TypeError("tag must be a number");if(!ci.isBuffer(e))throw new TypeError("argument must be a buffer");this.writeByte(t),this.writeLength(e.length),this._ensure(e.length),e.copy(this._buf,this._offset,0,e.length),this._offset+=e.length};Nt.prototype.writeStringArray=function(e){if(!e instanceof Array)throw new TypeError("argument must be an Array[String]");var t=this;e.forEach(function(n){t.writeString(n)})};Nt.prototype.writeOID=function(e,t){if(typeof e!="string")throw new TypeError("argument must be a string");if(typeof t!="number"&&(t=jn.OID),!/^([0-9]+\.){3,}[0-9]+$/.test(e))throw new Error("argument is not a valid OID string");function n(a,c){c<128?a.push(c):c<16384?(a.push(c>>>7|128),a.push(c&127)):c<2097152?(a.push(c>>>14|128),a.push((c>>>7|128)&255),a.push(c&127)):c<268435456?(a.push(c>>>21|128),a.push((c>>>14|128)&255),a.push((c>>>7|128)&255),a.push(c&127)):(a.push((c>>>28|128)&255),a.push((c>>>21|128)&255),a.push((c>>>14|128)&255),a.push((c>>>7|128)&255),a.push(c&127))}i(n,"encodeOctet");var r=e.split("."),o=[];o.push(parseInt(r[0],10)*40+parseInt(r[1],10)),r.slice(2).forEach(function(a){n(o,parseInt(a,10))});var s=this;this._ensure(2+o.length),this.writeByte(t),this.writeLength(o.length),o.forEach(function(a){s.writeByte(a)})};Nt.prototype.writeLength=function(e){if(typeof e!="number")throw new TypeError("argument must be a Number");if(this._ensure(4),e<=127)this._buf[this._offset++]=e;else if(e<=255)this._buf[this._offset++]=129,this._buf[this._offset++]=e;else if(e<=65535)this._buf[this._offset++]=130,this._buf[this._offset++]=e>>8,this._buf[this._offset++]=e;else if(e<=16777215)this._buf[this._offset++]=131,this._buf[this._offset++]=e>>16,this._buf[this._offset++]=e>>8,this._buf[this._offset++]=e;else throw ui("Length too long (> 4 bytes)")};Nt.prototype.startSequence=function(e){typeof e!="number"&&(e=jn.Sequence|jn.Constructor),this.writeByte(e),this._seq.push(this._offset),this._ensure(3),this._offset+=3};Nt.prototype.endSequence=function(){var e=this._seq.pop(),t=e+3,n=this._offset-t;if(n<=127)this._shift(t,n,-2),this._buf[e]=n;else if(n<=255)this._shift(t,n,-1),this._buf[e]=129,this._buf[e+1]=n;else if(n<=65535)this._buf[e]=130,this._buf[e+1]=n>>8,this._buf[e+2]=n;else if(n<=16777215)this._shift(t,n,1),this._buf[e]=131,this._buf[e+1]=n>>16,this._buf[e+2]=n>>8,this._buf[e+3]=n;else throw ui("Sequence too long")};Nt.prototype._shift=function(e,t,n){Kn.ok(e!==void 0),Kn.ok(t!==void 0),Kn.ok(n),this._buf.copy(this._buf,e+n,e,e+t),this._offset+=n};Nt.prototype._ensure=function(e){if(Kn.ok(e),this._size-this._offset<e){var t=this._size*this._options.growthFactor;t-this._offset<e&&(t+=e);var n=ci.alloc(t);this._buf.copy(n,0,0,this._offset),this._buf=n,this._size=t}};c_.exports=Nt});var l_=Me((UO,fi)=>{var qc=si(),Zc=ii(),hE=a_(),pE=u_();fi.exports={Reader:hE,Writer:pE};for(li in Zc)Zc.hasOwnProperty(li)&&(fi.exports[li]=Zc[li]);var li;for(di in qc)qc.hasOwnProperty(di)&&(fi.exports[di]=qc[di]);var di});var hi=Me((DO,d_)=>{var Gc=l_();d_.exports={Ber:Gc,BerReader:Gc.Reader,BerWriter:Gc.Writer}});var f_=Me((HO,pi)=>{(function(e){"use strict";var t=i(function(_){var $,g=new Float64Array(16);if(_)for($=0;$<_.length;$++)g[$]=_[$];return g},"gf"),n=i(function(){throw new Error("no PRNG")},"randombytes"),r=new Uint8Array(16),o=new Uint8Array(32);o[0]=9;var s=t(),a=t([1]),c=t([56129,1]),u=t([30883,4953,19914,30187,55467,16705,2637,112,59544,30585,16505,36039,65139,11119,27886,20995]),l=t([61785,9906,39828,60374,45398,33411,5274,224,53552,61171,33010,6542,64743,22239,55772,9222]),d=t([54554,36645,11616,51542,42930,38181,51040,26924,56412,64982,57905,49316,21502,52590,14035,8553]),h=t([26200,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214]),p=t([41136,18958,6951,50414,58488,44335,6150,12099,55207,15867,153,11085,57099,20417,9344,11139]);function m(_,$,g,f){_[$]=g>>24&255,_[$+1]=g>>16&255,_[$+2]=g>>8&255,_[$+3]=g&255,_[$+4]=f>>24&255,_[$+5]=f>>16&255,_[$+6]=f>>8&255,_[$+7]=f&255}i(m,"ts64");function b(_,$,g,f,w){var S,C=0;for(S=0;S<w;S++)C|=_[$+S]^g[f+S];return(1&C-1>>>8)-1}i(b,"vn");function A(_,$,g,f){return b(_,$,g,f,16)}i(A,"crypto_verify_16");function y(_,$,g,f){return b(_,$,g,f,32)}i(y,"crypto_verify_32");function E(_,$,g,f){for(var w=f[0]&255|(f[1]&255)<<8|(f[2]&255)<<16|(f[3]&255)<<24,S=g[0]&255|(g[1]&255)<<8|(g[2]&255)<<16|(g[3]&255)<<24,C=g[4]&255|(g[5]&255)<<8|(g[6]&255)<<16|(g[7]&255)<<24,H=g[8]&255|(g[9]&255)<<8|(g[10]&255)<<16|(g[11]&255)<<24,q=g[12]&255|(g[13]&255)<<8|(g[14]&255)<<16|(g[15]&255)<<24,oe=f[4]&255|(f[5]&255)<<8|(f[6]&255)<<16|(f[7]&255)<<24,J=$[0]&255|($[1]&255)<<8|($[2]&255)<<16|($[3]&255)<<24,We=$[4]&255|($[5]&255)<<8|($[6]&255)<<16|($[7]&255)<<24,ne=$[8]&255|($[9]&255)<<8|($[10]&255)<<16|($[11]&255)<<24,ke=$[12]&255|($[13]&255)<<8|($[14]&255)<<16|($[15]&255)<<24,Se=f[8]&255|(f[9]&255)<<8|(f[10]&255)<<16|(f[11]&255)<<24,Te=g[16]&255|(g[17]&255)<<8|(g[18]&255)<<16|(g[19]&255)<<24,Re=g[20]&255|(g[21]&255)<<8|(g[22]&255)<<16|(g[23]&255)<<24,ve=g[24]&255|(g[25]&255)<<8|(g[26]&255)<<16|(g[27]&255)<<24,Ce=g[28]&255|(g[29]&255)<<8|(g[30]&255)<<16|(g[31]&255)<<24,Ie=f[12]&255|(f[13]&255)<<8|(f[14]&255)<<16|(f[15]&255)<<24,se=w,he=S,ee=C,ie=H,le=q,X=oe,T=J,P=We,Q=ne,D=ke,F=Se,j=Te,be=Re,Pe=ve,Ne=Ce,Be=Ie,x,Ue=0;Ue<20;Ue+=2)x=se+be|0,le^=x<<7|x>>>25,x=le+se|0,Q^=x<<9|x>>>23,x=Q+le|0,be^=x<<13|x>>>19,x=be+Q|0,se^=x<<18|x>>>14,x=X+he|0,D^=x<<7|x>>>25,x=D+X|0,Pe^=x<<9|x>>>23,x=Pe+D|0,he^=x<<13|x>>>19,x=he+Pe|0,X^=x<<18|x>>>14,x=F+T|0,Ne^=x<<7|x>>>25,x=Ne+F|0,ee^=x<<9|x>>>23,x=ee+Ne|0,T^=x<<13|x>>>19,x=T+ee|0,F^=x<<18|x>>>14,x=Be+j|0,ie^=x<<7|x>>>25,x=ie+Be|0,P^=x<<9|x>>>23,x=P+ie|0,j^=x<<13|x>>>19,x=j+P|0,Be^=x<<18|x>>>14,x=se+ie|0,he^=x<<7|x>>>25,x=he+se|0,ee^=x<<9|x>>>23,x=ee+he|0,ie^=x<<13|x>>>19,x=ie+ee|0,se^=x<<18|x>>>14,x=X+le|0,T^=x<<7|x>>>25,x=T+X|0,P^=x<<9|x>>>23,x=P+T|0,le^=x<<13|x>>>19,x=le+P|0,X^=x<<18|x>>>14,x=F+D|0,j^=x<<7|x>>>25,x=j+F|0,Q^=x<<9|x>>>23,x=Q+j|0,D^=x<<13|x>>>19,x=D+Q|0,F^=x<<18|x>>>14,x=Be+Ne|0,be^=x<<7|x>>>25,x=be+Be|0,Pe^=x<<9|x>>>23,x=Pe+be|0,Ne^=x<<13|x>>>19,x=Ne+Pe|0,Be^=x<<18|x>>>14;se=se+w|0,he=he+S|0,ee=ee+C|0,ie=ie+H|0,le=le+q|0,X=X+oe|0,T=T+J|0,P=P+We|0,Q=Q+ne|0,D=D+ke|0,F=F+Se|0,j=j+Te|0,be=be+Re|0,Pe=Pe+ve|0,Ne=Ne+Ce|0,Be=Be+Ie|0,_[0]=se>>>0&255,_[1]=se>>>8&255,_[2]=se>>>16&255,_[3]=se>>>24&255,_[4]=he>>>0&255,_[5]=he>>>8&255,_[6]=he>>>16&255,_[7]=he>>>24&255,_[8]=ee>>>0&255,_[9]=ee>>>8&255,_[10]=ee>>>16&255,_[11]=ee>>>24&255,_[12]=ie>>>0&255,_[13]=ie>>>8&255,_[14]=ie>>>16&255,_[15]=ie>>>24&255,_[16]=le>>>0&255,_[17]=le>>>8&255,_[18]=le>>>16&255,_[19]=le>>>24&255,_[20]=X>>>0&255,_[21]=X>>>8&255,_[22]=X>>>16&255,_[23]=X>>>24&255,_[24]=T>>>0&255,_[25]=T>>>8&255,_[26]=T>>>16&255,_[27]=T>>>24&255,_[28]=P>>>0&255,_[29]=P>>>8&255,_[30]=P>>>16&255,_[31]=P>>>24&255,_[32]=Q>>>0&255,_[33]=Q>>>8&255,_[34]=Q>>>16&255,_[35]=Q>>>24&255,_[36]=D>>>0&255,_[37]=D>>>8&255,_[38]=D>>>16&255,_[39]=D>>>24&255,_[40]=F>>>0&255,_[41]=F>>>8&255,_[42]=F>>>16&255,_[43]=F>>>24&255,_[44]=j>>>0&255,_[45]=j>>>8&255,_[46]=j>>>16&255,_[47]=j>>>24&255,_[48]=be>>>0&255,_[49]=be>>>8&255,_[50]=be>>>16&255,_[51]=be>>>24&255,_[52]=Pe>>>0&255,_[53]=Pe>>>8&255,_[54]=Pe>>>16&255,_[55]=Pe>>>24&255,_[56]=Ne>>>0&255,_[57]=Ne>>>8&255,_[58]=Ne>>>16&255,_[59]=Ne>>>24&255,_[60]=Be>>>0&255,_[61]=Be>>>8&255,_[62]=Be>>>16&255,_[63]=Be>>>24&255}i(E,"core_salsa20");function I(_,$,g,f){for(var w=f[0]&255|(f[1]&255)<<8|(f[2]&255)<<16|(f[3]&255)<<24,S=g[0]&255|(g[1]&255)<<8|(g[2]&255)<<16|(g[3]&255)<<24,C=g[4]&255|(g[5]&255)<<8|(g[6]&255)<<16|(g[7]&255)<<24,H=g[8]&255|(g[9]&255)<<8|(g[10]&255)<<16|(g[11]&255)<<24,q=g[12]&255|(g[13]&255)<<8|(g[14]&255)<<16|(g[15]&255)<<24,oe=f[4]&255|(f[5]&255)<<8|(f[6]&255)<<16|(f[7]&255)<<24,J=$[0]&255|($[1]&255)<<8|($[2]&255)<<16|($[3]&255)<<24,We=$[4]&255|($[5]&255)<<8|($[6]&255)<<16|($[7]&255)<<24,ne=$[8]&255|($[9]&255)<<8|($[10]&255)<<16|($[11]&255)<<24,ke=$[12]&255|($[13]&255)<<8|($[14]&255)<<16|($[15]&255)<<24,Se=f[8]&255|(f[9]&255)<<8|(f[10]&255)<<16|(f[11]&255)<<24,Te=g[16]&255|(g[17]&255)<<8|(g[18]&255)<<16|(g[19]&255)<<24,Re=g[20]&255|(g[21]&255)<<8|(g[22]&255)<<16|(g[23]&255)<<24,ve=g[24]&255|(g[25]&255)<<8|(g[26]&255)<<16|(g[27]&255)<<24,Ce=g[28]&255|(g[29]&255)<<8|(g[30]&255)<<16|(g[31]&255)<<24,Ie=f[12]&255|(f[13]&255)<<8|(f[14]&255)<<16|(f[15]&255)<<24,se=w,he=S,ee=C,ie=H,le=q,X=oe,T=J,P=We,Q=ne,D=ke,F=Se,j=Te,be=Re,Pe=ve,Ne=Ce,Be=Ie,x,Ue=0;Ue<20;Ue+=2)x=se+be|0,le^=x<<7|x>>>25,x=le+se|0,Q^=x<<9|x>>>23,x=Q+le|0,be^=x<<13|x>>>19,x=be+Q|0,se^=x<<18|x>>>14,x=X+he|0,D^=x<<7|x>>>25,x=D+X|0,Pe^=x<<9|x>>>23,x=Pe+D|0,he^=x<<13|x>>>19,x=he+Pe|0,X^=x<<18|x>>>14,x=F+T|0,Ne^=x<<7|x>>>25,x=Ne+F|0,ee^=x<<9|x>>>23,x=ee+Ne|0,T^=x<<13|x>>>19,x=T+ee|0,F^=x<<18|x>>>14,x=Be+j|0,ie^=x<<7|x>>>25,x=ie+Be|0,P^=x<<9|x>>>23,x=P+ie|0,j^=x<<13|x>>>19,x=j+P|0,Be^=x<<18|x>>>14,x=se+ie|0,he^=x<<7|x>>>25,x=he+se|0,ee^=x<<9|x>>>23,x=ee+he|0,ie^=x<<13|x>>>19,x=ie+ee|0,se^=x<<18|x>>>14,x=X+le|0,T^=x<<7|x>>>25,x=T+X|0,P^=x<<9|x>>>23,x=P+T|0,le^=x<<13|x>>>19,x=le+P|0,X^=x<<18|x>>>14,x=F+D|0,j^=x<<7|x>>>25,x=j+F|0,Q^=x<<9|x>>>23,x=Q+j|0,D^=x<<13|x>>>19,x=D+Q|0,F^=x<<18|x>>>14,x=Be+Ne|0,be^=x<<7|x>>>25,x=be+Be|0,Pe^=x<<9|x>>>23,x=Pe+be|0,Ne^=x<<13|x>>>19,x=Ne+Pe|0,Be^=x<<18|x>>>14;_[0]=se>>>0&255,_[1]=se>>>8&255,_[2]=se>>>16&255,_[3]=se>>>24&255,_[4]=X>>>0&255,_[5]=X>>>8&255,_[6]=X>>>16&255,_[7]=X>>>24&255,_[8]=F>>>0&255,_[9]=F>>>8&255,_[10]=F>>>16&255,_[11]=F>>>24&255,_[12]=Be>>>0&255,_[13]=Be>>>8&255,_[14]=Be>>>16&255,_[15]=Be>>>24&255,_[16]=T>>>0&255,_[17]=T>>>8&255,_[18]=T>>>16&255,_[19]=T>>>24&255,_[20]=P>>>0&255,_[21]=P>>>8&255,_[22]=P>>>16&255,_[23]=P>>>24&255,_[24]=Q>>>0&255,_[25]=Q>>>8&255,_[26]=Q>>>16&255,_[27]=Q>>>24&255,_[28]=D>>>0&255,_[29]=D>>>8&255,_[30]=D>>>16&255,_[31]=D>>>24&255}i(I,"core_hsalsa20");function L(_,$,g,f){E(_,$,g,f)}i(L,"crypto_core_salsa20");function B(_,$,g,f){I(_,$,g,f)}i(B,"crypto_core_hsalsa20");var Z=new Uint8Array([101,120,112,97,110,100,32,51,50,45,98,121,116,101,32,107]);function ae(_,$,g,f,w,S,C){var H=new Uint8Array(16),q=new Uint8Array(64),oe,J;for(J=0;J<16;J++)H[J]=0;for(J=0;J<8;J++)H[J]=S[J];for(;w>=64;){for(L(q,H,C,Z),J=0;J<64;J++)_[$+J]=g[f+J]^q[J];for(oe=1,J=8;J<16;J++)oe=oe+(H[J]&255)|0,H[J]=oe&255,oe>>>=8;w-=64,$+=64,f+=64}if(w>0)for(L(q,H,C,Z),J=0;J<w;J++)_[$+J]=g[f+J]^q[J];return 0}i(ae,"crypto_stream_salsa20_xor");function ye(_,$,g,f,w){var S=new Uint8Array(16),C=new Uint8Array(64),H,q;for(q=0;q<16;q++)S[q]=0;for(q=0;q<8;q++)S[q]=f[q];for(;g>=64;){for(L(C,S,w,Z),q=0;q<64;q++)_[$+q]=C[q];for(H=1,q=8;q<16;q++)H=H+(S[q]&255)|0,S[q]=H&255,H>>>=8;g-=64,$+=64}if(g>0)for(L(C,S,w,Z),q=0;q<g;q++)_[$+q]=C[q];return 0}i(ye,"crypto_stream_salsa20");function M(_,$,g,f,w){var S=new Uint8Array(32);B(S,f,w,Z);for(var C=new Uint8Array(8),H=0;H<8;H++)C[H]=f[H+16];return ye(_,$,g,C,S)}i(M,"crypto_stream");function G(_,$,g,f,w,S,C){var H=new Uint8Array(32);B(H,S,C,Z);for(var q=new Uint8Array(8),oe=0;oe<8;oe++)q[oe]=S[oe+16];return ae(_,$,g,f,w,q,H)}i(G,"crypto_stream_xor");var W=i(function(_){this.buffer=new Uint8Array(16),this.r=new Uint16Array(10),this.h=new Uint16Array(10),this.pad=new Uint16Array(8),this.leftover=0,this.fin=0;var $,g,f,w,S,C,H,q;$=_[0]&255|(_[1]&255)<<8,this.r[0]=$&8191,g=_[2]&255|(_[3]&255)<<8,this.r[1]=($>>>13|g<<3)&8191,f=_[4]&255|(_[5]&255)<<8,this.r[2]=(g>>>10|f<<6)&7939,w=_[6]&255|(_[7]&255)<<8,this.r[3]=(f>>>7|w<<9)&8191,S=_[8]&255|(_[9]&255)<<8,this.r[4]=(w>>>4|S<<12)&255,this.r[5]=S>>>1&8190,C=_[10]&255|(_[11]&255)<<8,this.r[6]=(S>>>14|C<<2)&8191,H=_[12]&255|(_[13]&255)<<8,this.r[7]=(C>>>11|H<<5)&8065,q=_[14]&255|(_[15]&255)<<8,this.r[8]=(H>>>8|q<<8)&8191,this.r[9]=q>>>5&127,this.pad[0]=_[16]&255|(_[17]&255)<<8,this.pad[1]=_[18]&255|(_[19]&255)<<8,this.pad[2]=_[20]&255|(_[21]&255)<<8,this.pad[3]=_[22]&255|(_[23]&255)<<8,this.pad[4]=_[24]&255|(_[25]&255)<<8,this.pad[5]=_[26]&255|(_[27]&255)<<8,this.pad[6]=_[28]&255|(_[29]&255)<<8,this.pad[7]=_[30]&255|(_[31]&255)<<8},"poly1305");W.prototype.blocks=function(_,$,g){for(var f=this.fin?0:2048,w,S,C,H,q,oe,J,We,ne,ke,Se,Te,Re,ve,Ce,Ie,se,he,ee,ie=this.h[0],le=this.h[1],X=this.h[2],T=this.h[3],P=this.h[4],Q=this.h[5],D=this.h[6],F=this.h[7],j=this.h[8],be=this.h[9],Pe=this.r[0],Ne=this.r[1],Be=this.r[2],x=this.r[3],Ue=this.r[4],qe=this.r[5],Ze=this.r[6],Oe=this.r[7],Qe=this.r[8],Ke=this.r[9];g>=16;)w=_[$+0]&255|(_[$+1]&255)<<8,ie+=w&8191,S=_[$+2]&255|(_[$+3]&255)<<8,le+=(w>>>13|S<<3)&8191,C=_[$+4]&255|(_[$+5]&255)<<8,X+=(S>>>10|C<<6)&8191,H=_[$+6]&255|(_[$+7]&255)<<8,T+=(C>>>7|H<<9)&8191,q=_[$+8]&255|(_[$+9]&255)<<8,P+=(H>>>4|q<<12)&8191,Q+=q>>>1&8191,oe=_[$+10]&255|(_[$+11]&255)<<8,D+=(q>>>14|oe<<2)&8191,J=_[$+12]&255|(_[$+13]&255)<<8,F+=(oe>>>11|J<<5)&8191,We=_[$+14]&255|(_[$+15]&255)<<8,j+=(J>>>8|We<<8)&8191,be+=We>>>5|f,ne=0,ke=ne,ke+=ie*Pe,ke+=le*(5*Ke),ke+=X*(5*Qe),ke+=T*(5*Oe),ke+=P*(5*Ze),ne=ke>>>13,ke&=8191,ke+=Q*(5*qe),ke+=D*(5*Ue),ke+=F*(5*x),ke+=j*(5*Be),ke+=be*(5*Ne),ne+=ke>>>13,ke&=8191,Se=ne,Se+=ie*Ne,Se+=le*Pe,Se+=X*(5*Ke),Se+=T*(5*Qe),Se+=P*(5*Oe),ne=Se>>>13,Se&=8191,Se+=Q*(5*Ze),Se+=D*(5*qe),Se+=F*(5*Ue),Se+=j*(5*x),Se+=be*(5*Be),ne+=Se>>>13,Se&=8191,Te=ne,Te+=ie*Be,Te+=le*Ne,Te+=X*Pe,Te+=T*(5*Ke),Te+=P*(5*Qe),ne=Te>>>13,Te&=8191,Te+=Q*(5*Oe),Te+=D*(5*Ze),Te+=F*(5*qe),Te+=j*(5*Ue),Te+=be*(5*x),ne+=Te>>>13,Te&=8191,Re=ne,Re+=ie*x,Re+=le*Be,Re+=X*Ne,Re+=T*Pe,Re+=P*(5*Ke),ne=Re>>>13,Re&=8191,Re+=Q*(5*Qe),Re+=D*(5*Oe),Re+=F*(5*Ze),Re+=j*(5*qe),Re+=be*(5*Ue),ne+=Re>>>13,Re&=8191,ve=ne,ve+=ie*Ue,ve+=le*x,ve+=X*Be,ve+=T*Ne,ve+=P*Pe,ne=ve>>>13,ve&=8191,ve+=Q*(5*Ke),ve+=D*(5*Qe),ve+=F*(5*Oe),ve+=j*(5*Ze),ve+=be*(5*qe),ne+=ve>>>13,ve&=8191,Ce=ne,Ce+=ie*qe,Ce+=le*Ue,Ce+=X*x,Ce+=T*Be,Ce+=P*Ne,ne=Ce>>>13,Ce&=8191,Ce+=Q*Pe,Ce+=D*(5*Ke),Ce+=F*(5*Qe),Ce+=j*(5*Oe),Ce+=be*(5*Ze),ne+=Ce>>>13,Ce&=8191,Ie=ne,Ie+=ie*Ze,Ie+=le*qe,Ie+=X*Ue,Ie+=T*x,Ie+=P*Be,ne=Ie>>>13,Ie&=8191,Ie+=Q*Ne,Ie+=D*Pe,Ie+=F*(5*Ke),Ie+=j*(5*Qe),Ie+=be*(5*Oe),ne+=Ie>>>13,Ie&=8191,se=ne,se+=ie*Oe,se+=le*Ze,se+=X*qe,se+=T*Ue,se+=P*x,ne=se>>>13,se&=8191,se+=Q*Be,se+=D*Ne,se+=F*Pe,se+=j*(5*Ke),se+=be*(5*Qe),ne+=se>>>13,se&=8191,he=ne,he+=ie*Qe,he+=le*Oe,he+=X*Ze,he+=T*qe,he+=P*Ue,ne=he>>>13,he&=8191,he+=Q*x,he+=D*Be,he+=F*Ne,he+=j*Pe,he+=be*(5*Ke),ne+=he>>>13,he&=8191,ee=ne,ee+=ie*Ke,ee+=le*Qe,ee+=X*Oe,ee+=T*Ze,ee+=P*qe,ne=ee>>>13,ee&=8191,ee+=Q*Ue,ee+=D*x,ee+=F*Be,ee+=j*Ne,ee+=be*Pe,ne+=ee>>>13,ee&=8191,ne=(ne<<2)+ne|0,ne=ne+ke|0,ke=ne&8191,ne=ne>>>13,Se+=ne,ie=ke,le=Se,X=Te,T=Re,P=ve,Q=Ce,D=Ie,F=se,j=he,be=ee,$+=16,g-=16;this.h[0]=ie,this.h[1]=le,this.h[2]=X,this.h[3]=T,this.h[4]=P,this.h[5]=Q,this.h[6]=D,this.h[7]=F,this.h[8]=j,this.h[9]=be},W.prototype.finish=function(_,$){var g=new Uint16Array(10),f,w,S,C;if(this.leftover){for(C=this.leftover,this.buffer[C++]=1;C<16;C++)this.buffer[C]=0;this.fin=1,this.blocks(this.buffer,0,16)}for(f=this.h[1]>>>13,this.h[1]&=8191,C=2;C<10;C++)this.h[C]+=f,f=this.h[C]>>>13,this.h[C]&=8191;for(this.h[0]+=f*5,f=this.h[0]>>>13,this.h[0]&=8191,this.h[1]+=f,f=this.h[1]>>>13,this.h[1]&=8191,this.h[2]+=f,g[0]=this.h[0]+5,f=g[0]>>>13,g[0]&=8191,C=1;C<10;C++)g[C]=this.h[C]+f,f=g[C]>>>13,g[C]&=8191;for(g[9]-=8192,w=(f^1)-1,C=0;C<10;C++)g[C]&=w;for(w=~w,C=0;C<10;C++)this.h[C]=this.h[C]&w|g[C];for(this.h[0]=(this.h[0]|this.h[1]<<13)&65535,this.h[1]=(this.h[1]>>>3|this.h[2]<<10)&65535,this.h[2]=(this.h[2]>>>6|this.h[3]<<7)&65535,this.h[3]=(this.h[3]>>>9|this.h[4]<<4)&65535,this.h[4]=(this.h[4]>>>12|this.h[5]<<1|this.h[6]<<14)&65535,this.h[5]=(this.h[6]>>>2|this.h[7]<<11)&65535,this.h[6]=(this.h[7]>>>5|this.h[8]<<8)&65535,this.h[7]=(this.h[8]>>>8|this.h[9]<<5)&65535,S=this.h[0]+this.pad[0],this.h[0]=S&65535,C=1;C<8;C++)S=(this.h[C]+this.pad[C]|0)+(S>>>16)|0,this.h[C]=S&65535;_[$+0]=this.h[0]>>>0&255,_[$+1]=this.h[0]>>>8&255,_[$+2]=this.h[1]>>>0&255,_[$+3]=this.h[1]>>>8&255,_[$+4]=this.h[2]>>>0&255,_[$+5]=this.h[2]>>>8&255,_[$+6]=this.h[3]>>>0&255,_[$+7]=this.h[3]>>>8&255,_[$+8]=this.h[4]>>>0&255,_[$+9]=this.h[4]>>>8&255,_[$+10]=this.h[5]>>>0&255,_[$+11]=this.h[5]>>>8&255,_[$+12]=this.h[6]>>>0&255,_[$+13]=this.h[6]>>>8&255,_[$+14]=this.h[7]>>>0&255,_[$+15]=this.h[7]>>>8&255},W.prototype.update=function(_,$,g){var f,w;if(this.leftover){for(w=16-this.leftover,w>g&&(w=g),f=0;f<w;f++)this.buffer[this.leftover+f]=_[$+f];if(g-=w,$+=w,this.leftover+=w,this.leftover<16)return;this.blocks(this.buffer,0,16),this.leftover=0}if(g>=16&&(w=g-g%16,this.blocks(_,$,w),$+=w,g-=w),g){for(f=0;f<g;f++)this.buffer[this.leftover+f]=_[$+f];this.leftover+=g}};function K(_,$,g,f,w,S){var C=new W(S);return C.update(g,f,w),C.finish(_,$),0}i(K,"crypto_onetimeauth");function te(_,$,g,f,w,S){var C=new Uint8Array(16);return K(C,0,g,f,w,S),A(_,$,C,0)}i(te,"crypto_onetimeauth_verify");function _e(_,$,g,f,w){var S;if(g<32)return-1;for(G(_,0,$,0,g,f,w),K(_,16,_,32,g-32,_),S=0;S<16;S++)_[S]=0;return 0}i(_e,"crypto_secretbox");function Y(_,$,g,f,w){var S,C=new Uint8Array(32);if(g<32||(M(C,0,32,f,w),te($,16,$,32,g-32,C)!==0))return-1;for(G(_,0,$,0,g,f,w),S=0;S<32;S++)_[S]=0;return 0}i(Y,"crypto_secretbox_open");function re(_,$){var g;for(g=0;g<16;g++)_[g]=$[g]|0}i(re,"set25519");function fe(_){var $,g,f=1;for($=0;$<16;$++)g=_[$]+f+65535,f=Math.floor(g/65536),_[$]=g-f*65536;_[0]+=f-1+37*(f-1)}i(fe,"car25519");function $e(_,$,g){for(var f,w=~(g-1),S=0;S<16;S++)f=w&(_[S]^$[S]),_[S]^=f,$[S]^=f}i($e,"sel25519");function R(_,$){var g,f,w,S=t(),C=t();for(g=0;g<16;g++)C[g]=$[g];for(fe(C),fe(C),fe(C),f=0;f<2;f++){for(S[0]=C[0]-65517,g=1;g<15;g++)S[g]=C[g]-65535-(S[g-1]>>16&1),S[g-1]&=65535;S[15]=C[15]-32767-(S[14]>>16&1),w=S[15]>>16&1,S[14]&=65535,$e(C,S,1-w)}for(g=0;g<16;g++)_[2*g]=C[g]&255,_[2*g+1]=C[g]>>8}i(R,"pack25519");function O(_,$){var g=new Uint8Array(32),f=new Uint8Array(32);return R(g,_),R(f,$),y(g,0,f,0)}i(O,"neq25519");function N(_){var $=new Uint8Array(32);return R($,_),$[0]&1}i(N,"par25519");function z(_,$){var g;for(g=0;g<16;g++)_[g]=$[2*g]+($[2*g+1]<<8);_[15]&=32767}i(z,"unpack25519");function ce(_,$,g){for(var f=0;f<16;f++)_[f]=$[f]+g[f]}i(ce,"A");function de(_,$,g){for(var f=0;f<16;f++)_[f]=$[f]-g[f]}i(de,"Z");function ue(_,$,g){var f,w,S=0,C=0,H=0,q=0,oe=0,J=0,We=0,ne=0,ke=0,Se=0,Te=0,Re=0,ve=0,Ce=0,Ie=0,se=0,he=0,ee=0,ie=0,le=0,X=0,T=0,P=0,Q=0,D=0,F=0,j=0,be=0,Pe=0,Ne=0,Be=0,x=g[0],Ue=g[1],qe=g[2],Ze=g[3],Oe=g[4],Qe=g[5],Ke=g[6],_t=g[7],Ye=g[8],dt=g[9],ft=g[10],ht=g[11],At=g[12],Rt=g[13],Tt=g[14],Pt=g[15];f=$[0],S+=f*x,C+=f*Ue,H+=f*qe,q+=f*Ze,oe+=f*Oe,J+=f*Qe,We+=f*Ke,ne+=f*_t,ke+=f*Ye,Se+=f*dt,Te+=f*ft,Re+=f*ht,ve+=f*At,Ce+=f*Rt,Ie+=f*Tt,se+=f*Pt,f=$[1],C+=f*x,H+=f*Ue,q+=f*qe,oe+=f*Ze,J+=f*Oe,We+=f*Qe,ne+=f*Ke,ke+=f*_t,Se+=f*Ye,Te+=f*dt,Re+=f*ft,ve+=f*ht,Ce+=f*At,Ie+=f*Rt,se+=f*Tt,he+=f*Pt,f=$[2],H+=f*x,q+=f*Ue,oe+=f*qe,J+=f*Ze,We+=f*Oe,ne+=f*Qe,ke+=f*Ke,Se+=f*_t,Te+=f*Ye,Re+=f*dt,ve+=f*ft,Ce+=f*ht,Ie+=f*At,se+=f*Rt,he+=f*Tt,ee+=f*Pt,f=$[3],q+=f*x,oe+=f*Ue,J+=f*qe,We+=f*Ze,ne+=f*Oe,ke+=f*Qe,Se+=f*Ke,Te+=f*_t,Re+=f*Ye,ve+=f*dt,Ce+=f*ft,Ie+=f*ht,se+=f*At,he+=f*Rt,ee+=f*Tt,ie+=f*Pt,f=$[4],oe+=f*x,J+=f*Ue,We+=f*qe,ne+=f*Ze,ke+=f*Oe,Se+=f*Qe,Te+=f*Ke,Re+=f*_t,ve+=f*Ye,Ce+=f*dt,Ie+=f*ft,se+=f*ht,he+=f*At,ee+=f*Rt,ie+=f*Tt,le+=f*Pt,f=$[5],J+=f*x,We+=f*Ue,ne+=f*qe,ke+=f*Ze,Se+=f*Oe,Te+=f*Qe,Re+=f*Ke,ve+=f*_t,Ce+=f*Ye,Ie+=f*dt,se+=f*ft,he+=f*ht,ee+=f*At,ie+=f*Rt,le+=f*Tt,X+=f*Pt,f=$[6],We+=f*x,ne+=f*Ue,ke+=f*qe,Se+=f*Ze,Te+=f*Oe,Re+=f*Qe,ve+=f*Ke,Ce+=f*_t,Ie+=f*Ye,se+=f*dt,he+=f*ft,ee+=f*ht,ie+=f*At,le+=f*Rt,X+=f*Tt,T+=f*Pt,f=$[7],ne+=f*x,ke+=f*Ue,Se+=f*qe,Te+=f*Ze,Re+=f*Oe,ve+=f*Qe,Ce+=f*Ke,Ie+=f*_t,se+=f*Ye,he+=f*dt,ee+=f*ft,ie+=f*ht,le+=f*At,X+=f*Rt,T+=f*Tt,P+=f*Pt,f=$[8],ke+=f*x,Se+=f*Ue,Te+=f*qe,Re+=f*Ze,ve+=f*Oe,Ce+=f*Qe,Ie+=f*Ke,se+=f*_t,he+=f*Ye,ee+=f*dt,ie+=f*ft,le+=f*ht,X+=f*At,T+=f*Rt,P+=f*Tt,Q+=f*Pt,f=$[9],Se+=f*x,Te+=f*Ue,Re+=f*qe,ve+=f*Ze,Ce+=f*Oe,Ie+=f*Qe,se+=f*Ke,he+=f*_t,ee+=f*Ye,ie+=f*dt,le+=f*ft,X+=f*ht,T+=f*At,P+=f*Rt,Q+=f*Tt,D+=f*Pt,f=$[10],Te+=f*x,Re+=f*Ue,ve+=f*qe,Ce+=f*Ze,Ie+=f*Oe,se+=f*Qe,he+=f*Ke,ee+=f*_t,ie+=f*Ye,le+=f*dt,X+=f*ft,T+=f*ht,P+=f*At,Q+=f*Rt,D+=f*Tt,F+=f*Pt,f=$[11],Re+=f*x,ve+=f*Ue,Ce+=f*qe,Ie+=f*Ze,se+=f*Oe,he+=f*Qe,ee+=f*Ke,ie+=f*_t,le+=f*Ye,X+=f*dt,T+=f*ft,P+=f*ht,Q+=f*At,D+=f*Rt,F+=f*Tt,j+=f*Pt,f=$[12],ve+=f*x,Ce+=f*Ue,Ie+=f*qe,se+=f*Ze,he+=f*Oe,ee+=f*Qe,ie+=f*Ke,le+=f*_t,X+=f*Ye,T+=f*dt,P+=f*ft,Q+=f*ht,D+=f*At,F+=f*Rt,j+=f*Tt,be+=f*Pt,f=$[13],Ce+=f*x,Ie+=f*Ue,se+=f*qe,he+=f*Ze,ee+=f*Oe,ie+=f*Qe,le+=f*Ke,X+=f*_t,T+=f*Ye,P+=f*dt,Q+=f*ft,D+=f*ht,F+=f*At,j+=f*Rt,be+=f*Tt,Pe+=f*Pt,f=$[14],Ie+=f*x,se+=f*Ue,he+=f*qe,ee+=f*Ze,ie+=f*Oe,le+=f*Qe,X+=f*Ke,T+=f*_t,P+=f*Ye,Q+=f*dt,D+=f*ft,F+=f*ht,j+=f*At,be+=f*Rt,Pe+=f*Tt,Ne+=f*Pt,f=$[15],se+=f*x,he+=f*Ue,ee+=f*qe,ie+=f*Ze,le+=f*Oe,X+=f*Qe,T+=f*Ke,P+=f*_t,Q+=f*Ye,D+=f*dt,F+=f*ft,j+=f*ht,be+=f*At,Pe+=f*Rt,Ne+=f*Tt,Be+=f*Pt,S+=38*he,C+=38*ee,H+=38*ie,q+=38*le,oe+=38*X,J+=38*T,We+=38*P,ne+=38*Q,ke+=38*D,Se+=38*F,Te+=38*j,Re+=38*be,ve+=38*Pe,Ce+=38*Ne,Ie+=38*Be,w=1,f=S+w+65535,w=Math.floor(f/65536),S=f-w*65536,f=C+w+65535,w=Math.floor(f/65536),C=f-w*65536,f=H+w+65535,w=Math.floor(f/65536),H=f-w*65536,f=q+w+65535,w=Math.floor(f/65536),q=f-w*65536,f=oe+w+65535,w=Math.floor(f/65536),oe=f-w*65536,f=J+w+65535,w=Math.floor(f/65536),J=f-w*65536,f=We+w+65535,w=Math.floor(f/65536),We=f-w*65536,f=ne+w+65535,w=Math.floor(f/65536),ne=f-w*65536,f=ke+w+65535,w=Math.floor(f/65536),ke=f-w*65536,f=Se+w+65535,w=Math.floor(f/65536),Se=f-w*65536,f=Te+w+65535,w=Math.floor(f/65536),Te=f-w*65536,f=Re+w+65535,w=Math.floor(f/65536),Re=f-w*65536,f=ve+w+65535,w=Math.floor(f/65536),ve=f-w*65536,f=Ce+w+65535,w=Math.floor(f/65536),Ce=f-w*65536,f=Ie+w+65535,w=Math.floor(f/65536),Ie=f-w*65536,f=se+w+65535,w=Math.floor(f/65536),se=f-w*65536,S+=w-1+37*(w-1),w=1,f=S+w+65535,w=Math.floor(f/65536),S=f-w*65536,f=C+w+65535,w=Math.floor(f/65536),C=f-w*65536,f=H+w+65535,w=Math.floor(f/65536),H=f-w*65536,f=q+w+65535,w=Math.floor(f/65536),q=f-w*65536,f=oe+w+65535,w=Math.floor(f/65536),oe=f-w*65536,f=J+w+65535,w=Math.floor(f/65536),J=f-w*65536,f=We+w+65535,w=Math.floor(f/65536),We=f-w*65536,f=ne+w+65535,w=Math.floor(f/65536),ne=f-w*65536,f=ke+w+65535,w=Math.floor(f/65536),ke=f-w*65536,f=Se+w+65535,w=Math.floor(f/65536),Se=f-w*65536,f=Te+w+65535,w=Math.floor(f/65536),Te=f-w*65536,f=Re+w+65535,w=Math.floor(f/65536),Re=f-w*65536,f=ve+w+65535,w=Math.floor(f/65536),ve=f-w*65536,f=Ce+w+65535,w=Math.floor(f/65536),Ce=f-w*65536,f=Ie+w+65535,w=Math.floor(f/65536),Ie=f-w*65536,f=se+w+65535,w=Math.floor(f/65536),se=f-w*65536,S+=w-1+37*(w-1),_[0]=S,_[1]=C,_[2]=H,_[3]=q,_[4]=oe,_[5]=J,_[6]=We,_[7]=ne,_[8]=ke,_[9]=Se,_[10]=Te,_[11]=Re,_[12]=ve,_[13]=Ce,_[14]=Ie,_[15]=se}i(ue,"M");function st(_,$){ue(_,$,$)}i(st,"S");function yt(_,$){var g=t(),f;for(f=0;f<16;f++)g[f]=$[f];for(f=253;f>=0;f--)st(g,g),f!==2&&f!==4&&ue(g,g,$);for(f=0;f<16;f++)_[f]=g[f]}i(yt,"inv25519");function uo(_,$){var g=t(),f;for(f=0;f<16;f++)g[f]=$[f];for(f=250;f>=0;f--)st(g,g),f!==1&&ue(g,g,$);for(f=0;f<16;f++)_[f]=g[f]}i(uo,"pow2523");function $r(_,$,g){var f=new Uint8Array(32),w=new Float64Array(80),S,C,H=t(),q=t(),oe=t(),J=t(),We=t(),ne=t();for(C=0;C<31;C++)f[C]=$[C];for(f[31]=$[31]&127|64,f[0]&=248,z(w,g),C=0;C<16;C++)q[C]=w[C],J[C]=H[C]=oe[C]=0;for(H[0]=J[0]=1,C=254;C>=0;--C)S=f[C>>>3]>>>(C&7)&1,$e(H,q,S),$e(oe,J,S),ce(We,H,oe),de(H,H,oe),ce(oe,q,J),de(q,q,J),st(J,We),st(ne,H),ue(H,oe,H),ue(oe,q,We),ce(We,H,oe),de(H,H,oe),st(q,H),de(oe,J,ne),ue(H,oe,c),ce(H,H,J),ue(oe,oe,H),ue(H,J,ne),ue(J,q,w),st(q,We),$e(H,q,S),$e(oe,J,S);for(C=0;C<16;C++)w[C+16]=H[C],w[C+32]=oe[C],w[C+48]=q[C],w[C+64]=J[C];var ke=w.subarray(32),Se=w.subarray(16);return yt(ke,ke),ue(Se,Se,ke),R(_,Se),0}i($r,"crypto_scalarmult");function wr(_,$){return $r(_,$,o)}i(wr,"crypto_scalarmult_base");function xn(_,$){return n($,32),wr(_,$)}i(xn,"crypto_box_keypair");function yr(_,$,g){var f=new Uint8Array(32);return $r(f,g,$),B(_,r,f,Z)}i(yr,"crypto_box_beforenm");var lo=_e,ms=Y;function fo(_,$,g,f,w,S){var C=new Uint8Array(32);return yr(C,w,S),lo(_,$,g,f,C)}i(fo,"crypto_box");function br(_,$,g,f,w,S){var C=new Uint8Array(32);return yr(C,w,S),ms(_,$,g,f,C)}i(br,"crypto_box_open");var Ar=[1116352408,3609767458,1899447441,602891725,3049323471,3964484399,3921009573,2173295548,961987163,4081628472,1508970993,3053834265,2453635748,2937671579,2870763221,3664609560,3624381080,2734883394,310598401,1164996542,607225278,1323610764,1426881987,3590304994,1925078388,4068182383,2162078206,991336113,2614888103,633803317,3248222580,3479774868,3835390401,2666613458,4022224774,944711139,264347078,2341262773,604807628,2007800933,770255983,1495990901,1249150122,1856431235,1555081692,3175218132,1996064986,2198950837,2554220882,3999719339,2821834349,766784016,2952996808,2566594879,3210313671,3203337956,3336571891,1034457026,3584528711,2466948901,113926993,3758326383,338241895,168717936,666307205,1188179964,773529912,1546045734,1294757372,1522805485,1396182291,2643833823,1695183700,2343527390,1986661051,1014477480,2177026350,1206759142,2456956037,344077627,2730485921,1290863460,2820302411,3158454273,3259730800,3505952657,3345764771,106217008,3516065817,3606008344,3600352804,1432725776,4094571909,1467031594,275423344,851169720,430227734,3100823752,506948616,1363258195,659060556,3750685593,883997877,3785050280,958139571,3318307427,1322822218,3812723403,1537002063,2003034995,1747873779,3602036899,1955562222,1575990012,2024104815,1125592928,2227730452,2716904306,2361852424,442776044,2428436474,593698344,2756734187,3733110249,3204031479,2999351573,3329325298,3815920427,3391569614,3928383900,3515267271,566280711,3940187606,3454069534,4118630271,4000239992,116418474,1914138554,174292421,2731055270,289380356,3203993006,460393269,320620315,685471733,587496836,852142971,1086792851,1017036298,365543100,1126000580,2618297676,1288033470,3409855158,1501505948,4234509866,1607167915,987167468,1816402316,1246189591];function U(_,$,g,f){for(var w=new Int32Array(16),S=new Int32Array(16),C,H,q,oe,J,We,ne,ke,Se,Te,Re,ve,Ce,Ie,se,he,ee,ie,le,X,T,P,Q,D,F,j,be=_[0],Pe=_[1],Ne=_[2],Be=_[3],x=_[4],Ue=_[5],qe=_[6],Ze=_[7],Oe=$[0],Qe=$[1],Ke=$[2],_t=$[3],Ye=$[4],dt=$[5],ft=$[6],ht=$[7],At=0;f>=128;){for(le=0;le<16;le++)X=8*le+At,w[le]=g[X+0]<<24|g[X+1]<<16|g[X+2]<<8|g[X+3],S[le]=g[X+4]<<24|g[X+5]<<16|g[X+6]<<8|g[X+7];for(le=0;le<80;le++)if(C=be,H=Pe,q=Ne,oe=Be,J=x,We=Ue,ne=qe,ke=Ze,Se=Oe,Te=Qe,Re=Ke,ve=_t,Ce=Ye,Ie=dt,se=ft,he=ht,T=Ze,P=ht,Q=P&65535,D=P>>>16,F=T&65535,j=T>>>16,T=(x>>>14|Ye<<18)^(x>>>18|Ye<<14)^(Ye>>>9|x<<23),P=(Ye>>>14|x<<18)^(Ye>>>18|x<<14)^(x>>>9|Ye<<23),Q+=P&65535,D+=P>>>16,F+=T&65535,j+=T>>>16,T=x&Ue^~x&qe,P=Ye&dt^~Ye&ft,Q+=P&65535,D+=P>>>16,F+=T&65535,j+=T>>>16,T=Ar[le*2],P=Ar[le*2+1],Q+=P&65535,D+=P>>>16,F+=T&65535,j+=T>>>16,T=w[le%16],P=S[le%16],Q+=P&65535,D+=P>>>16,F+=T&65535,j+=T>>>16,D+=Q>>>16,F+=D>>>16,j+=F>>>16,ee=F&65535|j<<16,ie=Q&65535|D<<16,T=ee,P=ie,Q=P&65535,D=P>>>16,F=T&65535,j=T>>>16,T=(be>>>28|Oe<<4)^(Oe>>>2|be<<30)^(Oe>>>7|be<<25),P=(Oe>>>28|be<<4)^(be>>>2|Oe<<30)^(be>>>7|Oe<<25),Q+=P&65535,D+=P>>>16,F+=T&65535,j+=T>>>16,T=be&Pe^be&Ne^Pe&Ne,P=Oe&Qe^Oe&Ke^Qe&Ke,Q+=P&65535,D+=P>>>16,F+=T&65535,j+=T>>>16,D+=Q>>>16,F+=D>>>16,j+=F>>>16,ke=F&65535|j<<16,he=Q&65535|D<<16,T=oe,P=ve,Q=P&65535,D=P>>>16,F=T&65535,j=T>>>16,T=ee,P=ie,Q+=P&65535,D+=P>>>16,F+=T&65535,j+=T>>>16,D+=Q>>>16,F+=D>>>16,j+=F>>>16,oe=F&65535|j<<16,ve=Q&65535|D<<16,Pe=C,Ne=H,Be=q,x=oe,Ue=J,qe=We,Ze=ne,be=ke,Qe=Se,Ke=Te,_t=Re,Ye=ve,dt=Ce,ft=Ie,ht=se,Oe=he,le%16===15)for(X=0;X<16;X++)T=w[X],P=S[X],Q=P&65535,D=P>>>16,F=T&65535,j=T>>>16,T=w[(X+9)%16],P=S[(X+9)%16],Q+=P&65535,D+=P>>>16,F+=T&65535,j+=T>>>16,ee=w[(X+1)%16],ie=S[(X+1)%16],T=(ee>>>1|ie<<31)^(ee>>>8|ie<<24)^ee>>>7,P=(ie>>>1|ee<<31)^(ie>>>8|ee<<24)^(ie>>>7|ee<<25),Q+=P&65535,D+=P>>>16,F+=T&65535,j+=T>>>16,ee=w[(X+14)%16],ie=S[(X+14)%16],T=(ee>>>19|ie<<13)^(ie>>>29|ee<<3)^ee>>>6,P=(ie>>>19|ee<<13)^(ee>>>29|ie<<3)^(ie>>>6|ee<<26),Q+=P&65535,D+=P>>>16,F+=T&65535,j+=T>>>16,D+=Q>>>16,F+=D>>>16,j+=F>>>16,w[X]=F&65535|j<<16,S[X]=Q&65535|D<<16;T=be,P=Oe,Q=P&65535,D=P>>>16,F=T&65535,j=T>>>16,T=_[0],P=$[0],Q+=P&65535,D+=P>>>16,F+=T&65535,j+=T>>>16,D+=Q>>>16,F+=D>>>16,j+=F>>>16,_[0]=be=F&65535|j<<16,$[0]=Oe=Q&65535|D<<16,T=Pe,P=Qe,Q=P&65535,D=P>>>16,F=T&65535,j=T>>>16,T=_[1],P=$[1],Q+=P&65535,D+=P>>>16,F+=T&65535,j+=T>>>16,D+=Q>>>16,F+=D>>>16,j+=F>>>16,_[1]=Pe=F&65535|j<<16,$[1]=Qe=Q&65535|D<<16,T=Ne,P=Ke,Q=P&65535,D=P>>>16,F=T&65535,j=T>>>16,T=_[2],P=$[2],Q+=P&65535,D+=P>>>16,F+=T&65535,j+=T>>>16,D+=Q>>>16,F+=D>>>16,j+=F>>>16,_[2]=Ne=F&65535|j<<16,$[2]=Ke=Q&65535|D<<16,T=Be,P=_t,Q=P&65535,D=P>>>16,F=T&65535,j=T>>>16,T=_[3],P=$[3],Q+=P&65535,D+=P>>>16,F+=T&65535,j+=T>>>16,D+=Q>>>16,F+=D>>>16,j+=F>>>16,_[3]=Be=F&65535|j<<16,$[3]=_t=Q&65535|D<<16,T=x,P=Ye,Q=P&65535,D=P>>>16,F=T&65535,j=T>>>16,T=_[4],P=$[4],Q+=P&65535,D+=P>>>16,F+=T&65535,j+=T>>>16,D+=Q>>>16,F+=D>>>16,j+=F>>>16,_[4]=x=F&65535|j<<16,$[4]=Ye=Q&65535|D<<16,T=Ue,P=dt,Q=P&65535,D=P>>>16,F=T&65535,j=T>>>16,T=_[5],P=$[5],Q+=P&65535,D+=P>>>16,F+=T&65535,j+=T>>>16,D+=Q>>>16,F+=D>>>16,j+=F>>>16,_[5]=Ue=F&65535|j<<16,$[5]=dt=Q&65535|D<<16,T=qe,P=ft,Q=P&65535,D=P>>>16,F=T&65535,j=T>>>16,T=_[6],P=$[6],Q+=P&65535,D+=P>>>16,F+=T&65535,j+=T>>>16,D+=Q>>>16,F+=D>>>16,j+=F>>>16,_[6]=qe=F&65535|j<<16,$[6]=ft=Q&65535|D<<16,T=Ze,P=ht,Q=P&65535,D=P>>>16,F=T&65535,j=T>>>16,T=_[7],P=$[7],Q+=P&65535,D+=P>>>16,F+=T&65535,j+=T>>>16,D+=Q>>>16,F+=D>>>16,j+=F>>>16,_[7]=Ze=F&65535|j<<16,$[7]=ht=Q&65535|D<<16,At+=128,f-=128}return f}i(U,"crypto_hashblocks_hl");function V(_,$,g){var f=new Int32Array(8),w=new Int32Array(8),S=new Uint8Array(256),C,H=g;for(f[0]=1779033703,f[1]=3144134277,f[2]=1013904242,f[3]=2773480762,f[4]=1359893119,f[5]=2600822924,f[6]=528734635,f[7]=1541459225,w[0]=4089235720,w[1]=2227873595,w[2]=4271175723,w[3]=1595750129,w[4]=2917565137,w[5]=725511199,w[6]=4215389547,w[7]=327033209,U(f,w,$,g),g%=128,C=0;C<g;C++)S[C]=$[H-g+C];for(S[g]=128,g=256-128*(g<112?1:0),S[g-9]=0,m(S,g-8,H/536870912|0,H<<3),U(f,w,S,g),C=0;C<8;C++)m(_,8*C,f[C],w[C]);return 0}i(V,"crypto_hash");function me(_,$){var g=t(),f=t(),w=t(),S=t(),C=t(),H=t(),q=t(),oe=t(),J=t();de(g,_[1],_[0]),de(J,$[1],$[0]),ue(g,g,J),ce(f,_[0],_[1]),ce(J,$[0],$[1]),ue(f,f,J),ue(w,_[3],$[3]),ue(w,w,l),ue(S,_[2],$[2]),ce(S,S,S),de(C,f,g),de(H,S,w),ce(q,S,w),ce(oe,f,g),ue(_[0],C,H),ue(_[1],oe,q),ue(_[2],q,H),ue(_[3],C,oe)}i(me,"add");function Ee(_,$,g){var f;for(f=0;f<4;f++)$e(_[f],$[f],g)}i(Ee,"cswap");function ze(_,$){var g=t(),f=t(),w=t();yt(w,$[2]),ue(g,$[0],w),ue(f,$[1],w),R(_,f),_[31]^=N(g)<<7}i(ze,"pack");function gt(_,$,g){var f,w;for(re(_[0],s),re(_[1],a),re(_[2],a),re(_[3],s),w=255;w>=0;--w)f=g[w/8|0]>>(w&7)&1,Ee(_,$,f),me($,_),me(_,_),Ee(_,$,f)}i(gt,"scalarmult");function fn(_,$){var g=[t(),t(),t(),t()];re(g[0],d),re(g[1],h),re(g[2],a),ue(g[3],d,h),gt(_,g,$)}i(fn,"scalarbase");function Ft(_,$,g){var f=new Uint8Array(64),w=[t(),t(),t(),t()],S;for(g||n($,32),V(f,$,32),f[0]&=248,f[31]&=127,f[31]|=64,fn(w,f),ze(_,w),S=0;S<32;S++)$[S+32]=_[S];return 0}i(Ft,"crypto_sign_keypair");var xr=new Float64Array([237,211,245,92,26,99,18,88,214,156,247,162,222,249,222,20,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,16]);function Ge(_,$){var g,f,w,S;for(f=63;f>=32;--f){for(g=0,w=f-32,S=f-12;w<S;++w)$[w]+=g-16*$[f]*xr[w-(f-32)],g=$[w]+128>>8,$[w]-=g*256;$[w]+=g,$[f]=0}for(g=0,w=0;w<32;w++)$[w]+=g-($[31]>>4)*xr[w],g=$[w]>>8,$[w]&=255;for(w=0;w<32;w++)$[w]-=g*xr[w];for(f=0;f<32;f++)$[f+1]+=$[f]>>8,_[f]=$[f]&255}i(Ge,"modL");function xt(_){var $=new Float64Array(64),g;for(g=0;g<64;g++)$[g]=_[g];for(g=0;g<64;g++)_[g]=0;Ge(_,$)}i(xt,"reduce");function bt(_,$,g,f){var w=new Uint8Array(64),S=new Uint8Array(64),C=new Uint8Array(64),H,q,oe=new Float64Array(64),J=[t(),t(),t(),t()];V(w,f,32),w[0]&=248,w[31]&=127,w[31]|=64;var We=g+64;for(H=0;H<g;H++)_[64+H]=$[H];for(H=0;H<32;H++)_[32+H]=w[32+H];for(V(C,_.subarray(32),g+32),xt(C),fn(J,C),ze(_,J),H=32;H<64;H++)_[H]=f[H];for(V(S,_,g+64),xt(S),H=0;H<64;H++)oe[H]=0;for(H=0;H<32;H++)oe[H]=C[H];for(H=0;H<32;H++)for(q=0;q<32;q++)oe[H+q]+=S[H]*w[q];return Ge(_.subarray(32),oe),We}i(bt,"crypto_sign");function ut(_,$){var g=t(),f=t(),w=t(),S=t(),C=t(),H=t(),q=t();return re(_[2],a),z(_[1],$),st(w,_[1]),ue(S,w,u),de(w,w,_[2]),ce(S,_[2],S),st(C,S),st(H,C),ue(q,H,C),ue(g,q,w),ue(g,g,S),uo(g,g),ue(g,g,w),ue(g,g,S),ue(g,g,S),ue(_[0],g,S),st(f,_[0]),ue(f,f,S),O(f,w)&&ue(_[0],_[0],p),st(f,_[0]),ue(f,f,S),O(f,w)?-1:(N(_[0])===$[31]>>7&&de(_[0],s,_[0]),ue(_[3],_[0],_[1]),0)}i(ut,"unpackneg");function tt(_,$,g,f){var w,S,C=new Uint8Array(32),H=new Uint8Array(64),q=[t(),t(),t(),t()],oe=[t(),t(),t(),t()];if(S=-1,g<64||ut(oe,f))return-1;for(w=0;w<g;w++)_[w]=$[w];for(w=0;w<32;w++)_[w+32]=f[w];if(V(H,_,g),xt(H),gt(q,oe,H),fn(oe,$.subarray(32)),me(q,oe),ze(C,q),g-=64,y($,0,C,0)){for(w=0;w<g;w++)_[w]=0;return-1}for(w=0;w<g;w++)_[w]=$[w+64];return S=g,S}i(tt,"crypto_sign_open");var Wt=32,lt=24,Jn=32,Er=16,ho=32,gs=32,po=32,_o=32,Ta=32,_d=lt,H0=Jn,F0=Er,En=64,er=32,kr=64,Pa=32,Ba=64;e.lowlevel={crypto_core_hsalsa20:B,crypto_stream_xor:G,crypto_stream:M,crypto_stream_salsa20_xor:ae,crypto_stream_salsa20:ye,crypto_onetimeauth:K,crypto_onetimeauth_verify:te,crypto_verify_16:A,crypto_verify_32:y,crypto_secretbox:_e,crypto_secretbox_open:Y,crypto_scalarmult:$r,crypto_scalarmult_base:wr,crypto_box_beforenm:yr,crypto_box_afternm:lo,crypto_box:fo,crypto_box_open:br,crypto_box_keypair:xn,crypto_hash:V,crypto_sign:bt,crypto_sign_keypair:Ft,crypto_sign_open:tt,crypto_secretbox_KEYBYTES:Wt,crypto_secretbox_NONCEBYTES:lt,crypto_secretbox_ZEROBYTES:Jn,crypto_secretbox_BOXZEROBYTES:Er,crypto_scalarmult_BYTES:ho,crypto_scalarmult_SCALARBYTES:gs,crypto_box_PUBLICKEYBYTES:po,crypto_box_SECRETKEYBYTES:_o,crypto_box_BEFORENMBYTES:Ta,crypto_box_NONCEBYTES:_d,crypto_box_ZEROBYTES:H0,crypto_box_BOXZEROBYTES:F0,crypto_sign_BYTES:En,crypto_sign_PUBLICKEYBYTES:er,crypto_sign_SECRETKEYBYTES:kr,crypto_sign_SEEDBYTES:Pa,crypto_hash_BYTES:Ba};function md(_,$){if(_.length!==Wt)throw new Error("bad key size");if($.length!==lt)throw new Error("bad nonce size")}i(md,"checkLengths");function M0(_,$){if(_.length!==po)throw new Error("bad public key size");if($.length!==_o)throw new Error("bad secret key size")}i(M0,"checkBoxLengths");function Mt(){var _,$;for($=0;$<arguments.length;$++)if((_=Object.prototype.toString.call(arguments[$]))!=="[object Uint8Array]")throw new TypeError("unexpected type "+_+", use Uint8Array")}i(Mt,"checkArrayTypes");function gd(_){for(var $=0;$<_.length;$++)_[$]=0}i(gd,"cleanup"),e.util||(e.util={},e.util.decodeUTF8=e.util.encodeUTF8=e.util.encodeBase64=e.util.decodeBase64=function(){throw new Error("nacl.util moved into separate package: https://github.com/dchest/tweetnacl-util-js")}),e.randomBytes=function(_){var $=new Uint8Array(_);return n($,_),$},e.secretbox=function(_,$,g){Mt(_,$,g),md(g,$);for(var f=new Uint8Array(Jn+_.length),w=new Uint8Array(f.length),S=0;S<_.length;S++)f[S+Jn]=_[S];return _e(w,f,f.length,$,g),w.subarray(Er)},e.secretbox.open=function(_,$,g){Mt(_,$,g),md(g,$);for(var f=new Uint8Array(Er+_.length),w=new Uint8Array(f.length),S=0;S<_.length;S++)f[S+Er]=_[S];return f.length<32||Y(w,f,f.length,$,g)!==0?!1:w.subarray(Jn)},e.secretbox.keyLength=Wt,e.secretbox.nonceLength=lt,e.secretbox.overheadLength=Er,e.scalarMult=function(_,$){if(Mt(_,$),_.length!==gs)throw new Error("bad n size");if($.length!==ho)throw new Error("bad p size");var g=new Uint8Array(ho);return $r(g,_,$),g},e.scalarMult.base=function(_){if(Mt(_),_.length!==gs)throw new Error("bad n size");var $=new Uint8Array(ho);return wr($,_),$},e.scalarMult.scalarLength=gs,e.scalarMult.groupElementLength=ho,e.box=function(_,$,g,f){var w=e.box.before(g,f);return e.secretbox(_,$,w)},e.box.before=function(_,$){Mt(_,$),M0(_,$);var g=new Uint8Array(Ta);return yr(g,_,$),g},e.box.after=e.secretbox,e.box.open=function(_,$,g,f){var w=e.box.before(g,f);return e.secretbox.open(_,$,w)},e.box.open.after=e.secretbox.open,e.box.keyPair=function(){var _=new Uint8Array(po),$=new Uint8Array(_o);return xn(_,$),{publicKey:_,secretKey:$}},e.box.keyPair.fromSecretKey=function(_){if(Mt(_),_.length!==_o)throw new Error("bad secret key size");var $=new Uint8Array(po);return wr($,_),{publicKey:$,secretKey:new Uint8Array(_)}},e.box.publicKeyLength=po,e.box.secretKeyLength=_o,e.box.sharedKeyLength=Ta,e.box.nonceLength=_d,e.box.overheadLength=e.secretbox.overheadLength,e.sign=function(_,$){if(Mt(_,$),$.length!==kr)throw new Error("bad secret key size");var g=new Uint8Array(En+_.length);return bt(g,_,_.length,$),g},e.sign.open=function(_,$){if(arguments.length!==2)throw new Error("nacl.sign.open accepts 2 arguments; did you mean to use nacl.sign.detached.verify?");if(Mt(_,$),$.length!==er)throw new Error("bad public key size");var g=new Uint8Array(_.length),f=tt(g,_,_.length,$);if(f<0)return null;for(var w=new Uint8Array(f),S=0;S<w.length;S++)w[S]=g[S];return w},e.sign.detached=function(_,$){for(var g=e.sign(_,$),f=new Uint8Array(En),w=0;w<f.length;w++)f[w]=g[w];return f},e.sign.detached.verify=function(_,$,g){if(Mt(_,$,g),$.length!==En)throw new Error("bad signature size");if(g.length!==er)throw new Error("bad public key size");var f=new Uint8Array(En+_.length),w=new Uint8Array(En+_.length),S;for(S=0;S<En;S++)f[S]=$[S];for(S=0;S<_.length;S++)f[S+En]=_[S];return tt(w,f,f.length,g)>=0},e.sign.keyPair=function(){var _=new Uint8Array(er),$=new Uint8Array(kr);return Ft(_,$),{publicKey:_,secretKey:$}},e.sign.keyPair.fromSecretKey=function(_){if(Mt(_),_.length!==kr)throw new Error("bad secret key size");for(var $=new Uint8Array(er),g=0;g<$.length;g++)$[g]=_[32+g];return{publicKey:$,secretKey:new Uint8Array(_)}},e.sign.keyPair.fromSeed=function(_){if(Mt(_),_.length!==Pa)throw new Error("bad seed size");for(var $=new Uint8Array(er),g=new Uint8Array(kr),f=0;f<32;f++)g[f]=_[f];return Ft($,g,!0),{publicKey:$,secretKey:g}},e.sign.publicKeyLength=er,e.sign.secretKeyLength=kr,e.sign.seedLength=Pa,e.sign.signatureLength=En,e.hash=function(_){Mt(_);var $=new Uint8Array(Ba);return V($,_,_.length),$},e.hash.hashLength=Ba,e.verify=function(_,$){return Mt(_,$),_.length===0||$.length===0||_.length!==$.length?!1:b(_,0,$,0,_.length)===0},e.setPRNG=function(_){n=_},(function(){var _=typeof self<"u"?self.crypto||self.msCrypto:null;if(_&&_.getRandomValues){var $=65536;e.setPRNG(function(g,f){var w,S=new Uint8Array(f);for(w=0;w<f;w+=$)_.getRandomValues(S.subarray(w,w+Math.min(f-w,$)));for(w=0;w<f;w++)g[w]=S[w];gd(S)})}else typeof require<"u"&&(_=require("crypto"),_&&_.randomBytes&&e.setPRNG(function(g,f){var w,S=_.randomBytes(f);for(w=0;w<f;w++)g[w]=S[w];gd(S)}))})()})(typeof pi<"u"&&pi.exports?pi.exports:self.nacl=self.nacl||{})});var p_=Me((MO,h_)=>{"use strict";var Yc=f_().lowlevel.crypto_hash,Rn=0,lr=i(function(){this.S=[new Uint32Array([3509652390,2564797868,805139163,3491422135,3101798381,1780907670,3128725573,4046225305,614570311,3012652279,134345442,2240740374,1667834072,1901547113,2757295779,4103290238,227898511,1921955416,1904987480,2182433518,2069144605,3260701109,2620446009,720527379,3318853667,677414384,3393288472,3101374703,2390351024,1614419982,1822297739,2954791486,3608508353,3174124327,2024746970,1432378464,3864339955,2857741204,1464375394,1676153920,1439316330,715854006,3033291828,289532110,2706671279,2087905683,3018724369,1668267050,732546397,1947742710,3462151702,2609353502,2950085171,1814351708,2050118529,680887927,999245976,1800124847,3300911131,1713906067,1641548236,4213287313,1216130144,1575780402,4018429277,3917837745,3693486850,3949271944,596196993,3549867205,258830323,2213823033,772490370,2760122372,1774776394,2652871518,566650946,4142492826,1728879713,2882767088,1783734482,3629395816,2517608232,2874225571,1861159788,326777828,3124490320,2130389656,2716951837,967770486,1724537150,2185432712,2364442137,1164943284,2105845187,998989502,3765401048,2244026483,1075463327,1455516326,1322494562,910128902,469688178,1117454909,936433444,3490320968,3675253459,1240580251,122909385,2157517691,634681816,4142456567,3825094682,3061402683,2540495037,79693498,3249098678,1084186820,1583128258,426386531,1761308591,1047286709,322548459,995290223,1845252383,2603652396,3431023940,2942221577,3202600964,3727903485,1712269319,422464435,3234572375,1170764815,3523960633,3117677531,1434042557,442511882,3600875718,1076654713,1738483198,4213154764,2393238008,3677496056,1014306527,4251020053,793779912,2902807211,842905082,4246964064,1395751752,1040244610,2656851899,3396308128,445077038,3742853595,3577915638,679411651,2892444358,2354009459,1767581616,3150600392,3791627101,3102740896,284835224,4246832056,1258075500,768725851,2589189241,3069724005,3532540348,1274779536,3789419226,2764799539,1660621633,3471099624,4011903706,913787905,3497959166,737222580,2514213453,2928710040,3937242737,1804850592,3499020752,2949064160,2386320175,2390070455,2415321851,4061277028,2290661394,2416832540,1336762016,1754252060,3520065937,3014181293,791618072,3188594551,3933548030,2332172193,3852520463,3043980520,413987798,3465142937,3030929376,4245938359,2093235073,3534596313,375366246,2157278981,2479649556,555357303,3870105701,2008414854,3344188149,4221384143,3956125452,2067696032,3594591187,2921233993,2428461,544322398,577241275,1471733935,610547355,4027169054,1432588573,1507829418,2025931657,3646575487,545086370,48609733,2200306550,1653985193,298326376,1316178497,3007786442,2064951626,458293330,2589141269,3591329599,3164325604,727753846,2179363840,146436021,1461446943,4069977195,705550613,3059967265,3887724982,4281599278,3313849956,1404054877,2845806497,146425753,1854211946]),new Uint32Array([1266315497,3048417604,3681880366,3289982499,290971e4,1235738493,2632868024,2414719590,3970600049,1771706367,1449415276,3266420449,422970021,1963543593,2690192192,3826793022,1062508698,1531092325,1804592342,2583117782,2714934279,4024971509,1294809318,4028980673,1289560198,2221992742,1669523910,35572830,157838143,1052438473,1016535060,1802137761,1753167236,1386275462,3080475397,2857371447,1040679964,2145300060,2390574316,1461121720,2956646967,4031777805,4028374788,33600511,2920084762,1018524850,629373528,3691585981,3515945977,2091462646,2486323059,586499841,988145025,935516892,3367335476,2599673255,2839830854,265290510,3972581182,2759138881,3795373465,1005194799,847297441,406762289,1314163512,1332590856,1866599683,4127851711,750260880,613907577,1450815602,3165620655,3734664991,3650291728,3012275730,3704569646,1427272223,778793252,1343938022,2676280711,2052605720,1946737175,3164576444,3914038668,3967478842,3682934266,1661551462,3294938066,4011595847,840292616,3712170807,616741398,312560963,711312465,1351876610,322626781,1910503582,271666773,2175563734,1594956187,70604529,3617834859,1007753275,1495573769,4069517037,2549218298,2663038764,504708206,2263041392,3941167025,2249088522,1514023603,1998579484,1312622330,694541497,2582060303,2151582166,1382467621,776784248,2618340202,3323268794,2497899128,2784771155,503983604,4076293799,907881277,423175695,432175456,1378068232,4145222326,3954048622,3938656102,3820766613,2793130115,2977904593,26017576,3274890735,3194772133,1700274565,1756076034,4006520079,3677328699,720338349,1533947780,354530856,688349552,3973924725,1637815568,332179504,3949051286,53804574,2852348879,3044236432,1282449977,3583942155,3416972820,4006381244,1617046695,2628476075,3002303598,1686838959,431878346,2686675385,1700445008,1080580658,1009431731,832498133,3223435511,2605976345,2271191193,2516031870,1648197032,4164389018,2548247927,300782431,375919233,238389289,3353747414,2531188641,2019080857,1475708069,455242339,2609103871,448939670,3451063019,1395535956,2413381860,1841049896,1491858159,885456874,4264095073,4001119347,1565136089,3898914787,1108368660,540939232,1173283510,2745871338,3681308437,4207628240,3343053890,4016749493,1699691293,1103962373,3625875870,2256883143,3830138730,1031889488,3479347698,1535977030,4236805024,3251091107,2132092099,1774941330,1199868427,1452454533,157007616,2904115357,342012276,595725824,1480756522,206960106,497939518,591360097,863170706,2375253569,3596610801,1814182875,2094937945,3421402208,1082520231,3463918190,2785509508,435703966,3908032597,1641649973,2842273706,3305899714,1510255612,2148256476,2655287854,3276092548,4258621189,236887753,3681803219,274041037,1734335097,3815195456,3317970021,1899903192,1026095262,4050517792,356393447,2410691914,3873677099,3682840055]),new Uint32Array([3913112168,2491498743,4132185628,2489919796,1091903735,1979897079,3170134830,3567386728,3557303409,857797738,1136121015,1342202287,507115054,2535736646,337727348,3213592640,1301675037,2528481711,1895095763,1721773893,3216771564,62756741,2142006736,835421444,2531993523,1442658625,3659876326,2882144922,676362277,1392781812,170690266,3921047035,1759253602,3611846912,1745797284,664899054,1329594018,3901205900,3045908486,2062866102,2865634940,3543621612,3464012697,1080764994,553557557,3656615353,3996768171,991055499,499776247,1265440854,648242737,3940784050,980351604,3713745714,1749149687,3396870395,4211799374,3640570775,1161844396,3125318951,1431517754,545492359,4268468663,3499529547,1437099964,2702547544,3433638243,2581715763,2787789398,1060185593,1593081372,2418618748,4260947970,69676912,2159744348,86519011,2512459080,3838209314,1220612927,3339683548,133810670,1090789135,1078426020,1569222167,845107691,3583754449,4072456591,1091646820,628848692,1613405280,3757631651,526609435,236106946,48312990,2942717905,3402727701,1797494240,859738849,992217954,4005476642,2243076622,3870952857,3732016268,765654824,3490871365,2511836413,1685915746,3888969200,1414112111,2273134842,3281911079,4080962846,172450625,2569994100,980381355,4109958455,2819808352,2716589560,2568741196,3681446669,3329971472,1835478071,660984891,3704678404,4045999559,3422617507,3040415634,1762651403,1719377915,3470491036,2693910283,3642056355,3138596744,1364962596,2073328063,1983633131,926494387,3423689081,2150032023,4096667949,1749200295,3328846651,309677260,2016342300,1779581495,3079819751,111262694,1274766160,443224088,298511866,1025883608,3806446537,1145181785,168956806,3641502830,3584813610,1689216846,3666258015,3200248200,1692713982,2646376535,4042768518,1618508792,1610833997,3523052358,4130873264,2001055236,3610705100,2202168115,4028541809,2961195399,1006657119,2006996926,3186142756,1430667929,3210227297,1314452623,4074634658,4101304120,2273951170,1399257539,3367210612,3027628629,1190975929,2062231137,2333990788,2221543033,2438960610,1181637006,548689776,2362791313,3372408396,3104550113,3145860560,296247880,1970579870,3078560182,3769228297,1714227617,3291629107,3898220290,166772364,1251581989,493813264,448347421,195405023,2709975567,677966185,3703036547,1463355134,2715995803,1338867538,1343315457,2802222074,2684532164,233230375,2599980071,2000651841,3277868038,1638401717,4028070440,3237316320,6314154,819756386,300326615,590932579,1405279636,3267499572,3150704214,2428286686,3959192993,3461946742,1862657033,1266418056,963775037,2089974820,2263052895,1917689273,448879540,3550394620,3981727096,150775221,3627908307,1303187396,508620638,2975983352,2726630617,1817252668,1876281319,1457606340,908771278,3720792119,3617206836,2455994898,1729034894,1080033504]),new Uint32Array([976866871,3556439503,2881648439,1522871579,1555064734,1336096578,3548522304,2579274686,3574697629,3205460757,3593280638,3338716283,3079412587,564236357,2993598910,1781952180,1464380207,3163844217,3332601554,1699332808,1393555694,1183702653,3581086237,1288719814,691649499,2847557200,2895455976,3193889540,2717570544,1781354906,1676643554,2592534050,3230253752,1126444790,2770207658,2633158820,2210423226,2615765581,2414155088,3127139286,673620729,2805611233,1269405062,4015350505,3341807571,4149409754,1057255273,2012875353,2162469141,2276492801,2601117357,993977747,3918593370,2654263191,753973209,36408145,2530585658,25011837,3520020182,2088578344,530523599,2918365339,1524020338,1518925132,3760827505,3759777254,1202760957,3985898139,3906192525,674977740,4174734889,2031300136,2019492241,3983892565,4153806404,3822280332,352677332,2297720250,60907813,90501309,3286998549,1016092578,2535922412,2839152426,457141659,509813237,4120667899,652014361,1966332200,2975202805,55981186,2327461051,676427537,3255491064,2882294119,3433927263,1307055953,942726286,933058658,2468411793,3933900994,4215176142,1361170020,2001714738,2830558078,3274259782,1222529897,1679025792,2729314320,3714953764,1770335741,151462246,3013232138,1682292957,1483529935,471910574,1539241949,458788160,3436315007,1807016891,3718408830,978976581,1043663428,3165965781,1927990952,4200891579,2372276910,3208408903,3533431907,1412390302,2931980059,4132332400,1947078029,3881505623,4168226417,2941484381,1077988104,1320477388,886195818,18198404,3786409e3,2509781533,112762804,3463356488,1866414978,891333506,18488651,661792760,1628790961,3885187036,3141171499,876946877,2693282273,1372485963,791857591,2686433993,3759982718,3167212022,3472953795,2716379847,445679433,3561995674,3504004811,3574258232,54117162,3331405415,2381918588,3769707343,4154350007,1140177722,4074052095,668550556,3214352940,367459370,261225585,2610173221,4209349473,3468074219,3265815641,314222801,3066103646,3808782860,282218597,3406013506,3773591054,379116347,1285071038,846784868,2669647154,3771962079,3550491691,2305946142,453669953,1268987020,3317592352,3279303384,3744833421,2610507566,3859509063,266596637,3847019092,517658769,3462560207,3443424879,370717030,4247526661,2224018117,4143653529,4112773975,2788324899,2477274417,1456262402,2901442914,1517677493,1846949527,2295493580,3734397586,2176403920,1280348187,1908823572,3871786941,846861322,1172426758,3287448474,3383383037,1655181056,3139813346,901632758,1897031941,2986607138,3066810236,3447102507,1393639104,373351379,950779232,625454576,3124240540,4148612726,2007998917,544563296,2244738638,2330496472,2058025392,1291430526,424198748,50039436,29584100,3605783033,2429876329,2791104160,1057563949,3255363231,3075367218,3463963227,1469046755,985887462])],this.P=new Uint32Array([608135816,2242054355,320440878,57701188,2752067618,698298832,137296536,3964562569,1160258022,953160567,3193202383,887688300,3232508343,3380367581,1065670069,3041331479,2450970073,2306472731])},"Blowfish");function mi(e,t,n){return(e[0][t[n+3]]+e[1][t[n+2]]^e[2][t[n+1]])+e[3][t[n]]}i(mi,"F");lr.prototype.encipher=function(e,t){t===void 0&&(t=new Uint8Array(e.buffer),e.byteOffset!==0&&(t=t.subarray(e.byteOffset))),e[0]^=this.P[0];for(var n=1;n<16;n+=2)e[1]^=mi(this.S,t,0)^this.P[n],e[0]^=mi(this.S,t,4)^this.P[n+1];var r=e[0];e[0]=e[1]^this.P[17],e[1]=r};lr.prototype.decipher=function(e){var t=new Uint8Array(e.buffer);e.byteOffset!==0&&(t=t.subarray(e.byteOffset)),e[0]^=this.P[17];for(var n=16;n>0;n-=2)e[1]^=mi(this.S,t,0)^this.P[n],e[0]^=mi(this.S,t,4)^this.P[n-1];var r=e[0];e[0]=e[1]^this.P[0],e[1]=r};function ur(e,t){var n,r=0;for(n=0;n<4;n++,Rn++)Rn>=t&&(Rn=0),r=r<<8|e[Rn];return r}i(ur,"stream2word");lr.prototype.expand0state=function(e,t){var n=new Uint32Array(2),r,o,s=new Uint8Array(n.buffer);for(r=0,Rn=0;r<18;r++)this.P[r]^=ur(e,t);for(Rn=0,r=0;r<18;r+=2)this.encipher(n,s),this.P[r]=n[0],this.P[r+1]=n[1];for(r=0;r<4;r++)for(o=0;o<256;o+=2)this.encipher(n,s),this.S[r][o]=n[0],this.S[r][o+1]=n[1]};lr.prototype.expandstate=function(e,t,n,r){var o=new Uint32Array(2),s,a;for(s=0,Rn=0;s<18;s++)this.P[s]^=ur(n,r);for(s=0,Rn=0;s<18;s+=2)o[0]^=ur(e,t),o[1]^=ur(e,t),this.encipher(o),this.P[s]=o[0],this.P[s+1]=o[1];for(s=0;s<4;s++)for(a=0;a<256;a+=2)o[0]^=ur(e,t),o[1]^=ur(e,t),this.encipher(o),this.S[s][a]=o[0],this.S[s][a+1]=o[1];Rn=0};lr.prototype.enc=function(e,t){for(var n=0;n<t;n++)this.encipher(e.subarray(n*2))};lr.prototype.dec=function(e,t){for(var n=0;n<t;n++)this.decipher(e.subarray(n*2))};var _i=8,Vc=32;function Xc(e,t,n){var r=new lr,o=new Uint32Array(_i),s,a=new Uint8Array([79,120,121,99,104,114,111,109,97,116,105,99,66,108,111,119,102,105,115,104,83,119,97,116,68,121,110,97,109,105,116,101]);for(r.expandstate(t,64,e,64),s=0;s<64;s++)r.expand0state(t,64),r.expand0state(e,64);for(s=0;s<_i;s++)o[s]=ur(a,a.byteLength);for(s=0;s<64;s++)r.enc(o,o.byteLength/8);for(s=0;s<_i;s++)n[4*s+3]=o[s]>>>24,n[4*s+2]=o[s]>>>16,n[4*s+1]=o[s]>>>8,n[4*s+0]=o[s]}i(Xc,"bcrypt_hash");function _E(e,t,n,r,o,s,a){var c=new Uint8Array(64),u=new Uint8Array(64),l=new Uint8Array(Vc),d=new Uint8Array(Vc),h=new Uint8Array(r+4),p,m,b,A,y,E,I=s;if(a<1||t===0||r===0||s===0||s>l.byteLength*l.byteLength||r>1<<20)return-1;for(A=Math.floor((s+l.byteLength-1)/l.byteLength),b=Math.floor((s+A-1)/A),p=0;p<r;p++)h[p]=n[p];for(Yc(c,e,t),E=1;s>0;E++){for(h[r+0]=E>>>24,h[r+1]=E>>>16,h[r+2]=E>>>8,h[r+3]=E,Yc(u,h,r+4),Xc(c,u,d),p=l.byteLength;p--;)l[p]=d[p];for(p=1;p<a;p++)for(Yc(u,d,d.byteLength),Xc(c,u,d),m=0;m<l.byteLength;m++)l[m]^=d[m];for(b=Math.min(b,s),p=0;p<b&&(y=p*A+(E-1),!(y>=I));p++)o[y]=l[p];s-=p}return 0}i(_E,"bcrypt_pbkdf");h_.exports={BLOCKS:_i,HASHSIZE:Vc,hash:Xc,pbkdf:_E}});var m_=Me(__=>{__.pbkdf=(...e)=>p_().pbkdf(...e)});var g_=Me(()=>{});var qn=Me((WO,$i)=>{"use strict";var Tn=require("crypto"),Fr;try{Fr=g_()()}catch{}var{bindingAvailable:$_,CIPHER_INFO:mE,MAC_INFO:gE}=Mr(),w_=(()=>{if(typeof Tn.sign=="function"&&typeof Tn.verify=="function"){let e=`-----BEGIN PRIVATE KEY-----\r
MC4CAQAwBQYDK2VwBCIEIHKj+sVa9WcD/q2DJUJaf43Kptc8xYuUQA4bOFj9vC8T\r
-----END PRIVATE KEY-----`,t=Buffer.from("a"),n,r;try{n=Tn.sign(null,t,e),r=Tn.verify(null,t,e,n)}catch{}return Buffer.isBuffer(n)&&n.length===64&&r===!0}return!1})(),y_=typeof Tn.diffieHellman=="function"&&typeof Tn.generateKeyPairSync=="function"&&typeof Tn.createPublicKey=="function",gi=["ecdh-sha2-nistp256","ecdh-sha2-nistp384","ecdh-sha2-nistp521","diffie-hellman-group-exchange-sha256","diffie-hellman-group14-sha256","diffie-hellman-group15-sha512","diffie-hellman-group16-sha512","diffie-hellman-group17-sha512","diffie-hellman-group18-sha512"];y_&&(gi.unshift("curve25519-sha256"),gi.unshift("curve25519-sha256@libssh.org"));var $E=gi.concat(["diffie-hellman-group-exchange-sha1","diffie-hellman-group14-sha1","diffie-hellman-group1-sha1"]),Jc=["ecdsa-sha2-nistp256","ecdsa-sha2-nistp384","ecdsa-sha2-nistp521","rsa-sha2-512","rsa-sha2-256","ssh-rsa"];w_&&Jc.unshift("ssh-ed25519");var wE=Jc.concat(["ssh-dss"]),b_=(()=>{let e=Tn.getCiphers();return t=>e.includes(mE[t].sslName)})(),Wn=["aes128-gcm@openssh.com","aes256-gcm@openssh.com","aes128-ctr","aes192-ctr","aes256-ctr"];Fr&&Fr.flags&&!Fr.flags.aes?$_?Wn.unshift("chacha20-poly1305@openssh.com"):Wn.push("chacha20-poly1305@openssh.com"):$_&&Fr&&Fr.arch==="x86"?Wn.splice(4,0,"chacha20-poly1305@openssh.com"):Wn.push("chacha20-poly1305@openssh.com");Wn=Wn.filter(b_);var yE=Wn.concat(["aes256-cbc","aes192-cbc","aes128-cbc","blowfish-cbc","3des-cbc","aes128-gcm","aes256-gcm","arcfour256","arcfour128","cast128-cbc","arcfour"].filter(b_)),A_=(()=>{let e=Tn.getHashes();return t=>e.includes(gE[t].sslName)})(),x_=["hmac-sha2-256-etm@openssh.com","hmac-sha2-512-etm@openssh.com","hmac-sha1-etm@openssh.com","hmac-sha2-256","hmac-sha2-512","hmac-sha1"].filter(A_),bE=x_.concat(["hmac-md5","hmac-sha2-256-96","hmac-sha2-512-96","hmac-ripemd160","hmac-sha1-96","hmac-md5-96"].filter(A_)),E_=["none","zlib@openssh.com","zlib"],AE=E_.concat([]),Hr={BAD_DHGEX:1,OLD_EXIT:2,DYN_RPORT_BUG:4,BUG_DHGEX_LARGE:8,IMPLY_RSA_SHA2_SIGALGS:16};$i.exports={MESSAGE:{DISCONNECT:1,IGNORE:2,UNIMPLEMENTED:3,DEBUG:4,SERVICE_REQUEST:5,SERVICE_ACCEPT:6,EXT_INFO:7,KEXINIT:20,NEWKEYS:21,KEXDH_INIT:30,KEXDH_REPLY:31,KEXDH_GEX_GROUP:31,KEXDH_GEX_INIT:32,KEXDH_GEX_REPLY:33,KEXDH_GEX_REQUEST:34,KEXECDH_INIT:30,KEXECDH_REPLY:31,USERAUTH_REQUEST:50,USERAUTH_FAILURE:51,USERAUTH_SUCCESS:52,USERAUTH_BANNER:53,USERAUTH_PASSWD_CHANGEREQ:60,USERAUTH_PK_OK:60,USERAUTH_INFO_REQUEST:60,USERAUTH_INFO_RESPONSE:61,GLOBAL_REQUEST:80,REQUEST_SUCCESS:81,REQUEST_FAILURE:82,CHANNEL_OPEN:90,CHANNEL_OPEN_CONFIRMATION:91,CHANNEL_OPEN_FAILURE:92,CHANNEL_WINDOW_ADJUST:93,CHANNEL_DATA:94,CHANNEL_EXTENDED_DATA:95,CHANNEL_EOF:96,CHANNEL_CLOSE:97,CHANNEL_REQUEST:98,CHANNEL_SUCCESS:99,CHANNEL_FAILURE:100},DISCONNECT_REASON:{HOST_NOT_ALLOWED_TO_CONNECT:1,PROTOCOL_ERROR:2,KEY_EXCHANGE_FAILED:3,RESERVED:4,MAC_ERROR:5,COMPRESSION_ERROR:6,SERVICE_NOT_AVAILABLE:7,PROTOCOL_VERSION_NOT_SUPPORTED:8,HOST_KEY_NOT_VERIFIABLE:9,CONNECTION_LOST:10,BY_APPLICATION:11,TOO_MANY_CONNECTIONS:12,AUTH_CANCELED_BY_USER:13,NO_MORE_AUTH_METHODS_AVAILABLE:14,ILLEGAL_USER_NAME:15},DISCONNECT_REASON_STR:void 0,CHANNEL_OPEN_FAILURE:{ADMINISTRATIVELY_PROHIBITED:1,CONNECT_FAILED:2,UNKNOWN_CHANNEL_TYPE:3,RESOURCE_SHORTAGE:4},TERMINAL_MODE:{TTY_OP_END:0,VINTR:1,VQUIT:2,VERASE:3,VKILL:4,VEOF:5,VEOL:6,VEOL2:7,VSTART:8,VSTOP:9,VSUSP:10,VDSUSP:11,VREPRINT:12,VWERASE:13,VLNEXT:14,VFLUSH:15,VSWTCH:16,VSTATUS:17,VDISCARD:18,IGNPAR:30,PARMRK:31,INPCK:32,ISTRIP:33,INLCR:34,IGNCR:35,ICRNL:36,IUCLC:37,IXON:38,IXANY:39,IXOFF:40,IMAXBEL:41,ISIG:50,ICANON:51,XCASE:52,ECHO:53,ECHOE:54,ECHOK:55,ECHONL:56,NOFLSH:57,TOSTOP:58,IEXTEN:59,ECHOCTL:60,ECHOKE:61,PENDIN:62,OPOST:70,OLCUC:71,ONLCR:72,OCRNL:73,ONOCR:74,ONLRET:75,CS7:90,CS8:91,PARENB:92,PARODD:93,TTY_OP_ISPEED:128,TTY_OP_OSPEED:129},CHANNEL_EXTENDED_DATATYPE:{STDERR:1},SIGNALS:["ABRT","ALRM","FPE","HUP","ILL","INT","QUIT","SEGV","TERM","USR1","USR2","KILL","PIPE"].reduce((e,t)=>({...e,[t]:1}),{}),COMPAT:Hr,COMPAT_CHECKS:[["Cisco-1.25",Hr.BAD_DHGEX],[/^Cisco-1[.]/,Hr.BUG_DHGEX_LARGE],[/^[0-9.]+$/,Hr.OLD_EXIT],[/^OpenSSH_5[.][0-9]+/,Hr.DYN_RPORT_BUG],[/^OpenSSH_7[.]4/,Hr.IMPLY_RSA_SHA2_SIGALGS]],DEFAULT_KEX:gi,SUPPORTED_KEX:$E,DEFAULT_SERVER_HOST_KEY:Jc,SUPPORTED_SERVER_HOST_KEY:wE,DEFAULT_CIPHER:Wn,SUPPORTED_CIPHER:yE,DEFAULT_MAC:x_,SUPPORTED_MAC:bE,DEFAULT_COMPRESSION:E_,SUPPORTED_COMPRESSION:AE,curve25519Supported:y_,eddsaSupported:w_};$i.exports.DISCONNECT_REASON_BY_VALUE=Array.from(Object.entries($i.exports.DISCONNECT_REASON)).reduce((e,[t,n])=>({...e,[n]:t}),{})});var Pn=Me((qO,I_)=>{"use strict";var Vt=hi().Ber,wi,v_=Buffer[Symbol.species],xE=Object.getPrototypeOf(Uint8Array.prototype).fill;function k_(e,t){return e[t++]*16777216+e[t++]*65536+e[t++]*256+e[t]}i(k_,"readUInt32BE");function Bo(e,t,n,r,o){o||(o=0),r>e.length&&(r=e.length);let s=r-n,a=t.length-o;return s>a&&(s=a),t.set(new Uint8Array(e.buffer,e.byteOffset+n,s),o),s}i(Bo,"bufferCopy");function No(e,t,n){return n===void 0&&(n=e.length),new v_(e.buffer,e.byteOffset+t,n-t)}i(No,"bufferSlice");function tu(){let e=0,t,n={init:i((r,o)=>{t=r,e=typeof o=="number"?o:0},"init"),pos:i(()=>e,"pos"),length:i(()=>t?t.length:0,"length"),avail:i(()=>t&&e<t.length?t.length-e:0,"avail"),clear:i(()=>{t=void 0},"clear"),readUInt32BE:i(()=>{if(!(!t||e+3>=t.length))return t[e++]*16777216+t[e++]*65536+t[e++]*256+t[e++]},"readUInt32BE"),readUInt64BE:i(r=>{if(!(!t||e+7>=t.length))switch(r){case"always":return BigInt(`0x${t.hexSlice(e,e+=8)}`);case"maybe":if(t[e]>31)return BigInt(`0x${t.hexSlice(e,e+=8)}`);default:return t[e++]*72057594037927940+t[e++]*281474976710656+t[e++]*1099511627776+t[e++]*4294967296+t[e++]*16777216+t[e++]*65536+t[e++]*256+t[e++]}},"readUInt64BE"),skip:i(r=>{t&&r>0&&(e+=r)},"skip"),skipString:i(()=>{let r=n.readUInt32BE();if(r!==void 0)return e+=r,e<=t.length?r:void 0},"skipString"),readByte:i(()=>{if(t&&e<t.length)return t[e++]},"readByte"),readBool:i(()=>{if(t&&e<t.length)return!!t[e++]},"readBool"),readList:i(()=>{let r=n.readString(!0);if(r!==void 0)return r?r.split(","):[]},"readList"),readString:i((r,o)=>{typeof r=="number"&&(o=r,r=void 0);let s=n.readUInt32BE();if(s!==void 0&&!(t.length-e<s||typeof o=="number"&&s>o))return r?Buffer.isBuffer(r)?Bo(t,r,e,e+=s):t.utf8Slice(e,e+=s):No(t,e,e+=s)},"readString"),readRaw:i(r=>{if(t){if(typeof r!="number")return No(t,e,e+=t.length-e);if(t.length-e>=r)return No(t,e,e+=r)}},"readRaw")};return n}i(tu,"makeBufferParser");function S_(e,t,n){let r=new Error(e);return typeof t=="boolean"?(n=t,r.level="protocol"):r.level=t||"protocol",r.fatal=!!n,r}i(S_,"makeError");function eu(e,t,n){return e[n++]=t>>>24,e[n++]=t>>>16,e[n++]=t>>>8,e[n++]=t,n}i(eu,"writeUInt32BE");var yi=tu();I_.exports={bufferCopy:Bo,bufferSlice:No,FastBuffer:v_,bufferFill:i((e,t,n,r)=>xE.call(e,t,n,r),"bufferFill"),makeError:S_,doFatalError:i((e,t,n,r)=>{let o;return wi===void 0&&({DISCONNECT_REASON:wi}=qn()),t instanceof Error?(o=t,typeof n!="number"?r=wi.PROTOCOL_ERROR:r=n):o=S_(t,n,!0),typeof r!="number"&&(r=wi.PROTOCOL_ERROR),e.disconnect(r),e._destruct(),e._onError(o),1/0},"doFatalError"),readUInt32BE:k_,writeUInt32BE:eu,writeUInt32LE:i((e,t,n)=>(e[n++]=t,e[n++]=t>>>8,e[n++]=t>>>16,e[n++]=t>>>24,n),"writeUInt32LE"),makeBufferParser:tu,bufferParser:tu(),readString:i((e,t,n,r)=>{typeof n=="number"&&(r=n,n=void 0),t===void 0&&(t=0);let o=e.length-t;if(t<0||t>=e.length||o<4)return;let s=k_(e,t);if(o<4+s||typeof r=="number"&&s>r)return;t+=4;let a=t+s;return e._pos=a,n?Buffer.isBuffer(n)?Bo(e,n,t,a):e.utf8Slice(t,a):No(e,t,a)},"readString"),sigSSHToASN1:i((e,t)=>{switch(t){case"ssh-dss":{if(e.length>40)return e;let n=new Vt.Writer;n.startSequence();let r=e.slice(0,20),o=e.slice(20);if(r[0]&128){let s=Buffer.allocUnsafe(21);s[0]=0,r.copy(s,1),r=s}else r[0]===0&&!(r[1]&128)&&(r=r.slice(1));if(o[0]&128){let s=Buffer.allocUnsafe(21);s[0]=0,o.copy(s,1),o=s}else o[0]===0&&!(o[1]&128)&&(o=o.slice(1));return n.writeBuffer(r,Vt.Integer),n.writeBuffer(o,Vt.Integer),n.endSequence(),n.buffer}case"ecdsa-sha2-nistp256":case"ecdsa-sha2-nistp384":case"ecdsa-sha2-nistp521":{yi.init(e,0);let n=yi.readString(),r=yi.readString();if(yi.clear(),n===void 0||r===void 0)return;let o=new Vt.Writer;return o.startSequence(),o.writeBuffer(n,Vt.Integer),o.writeBuffer(r,Vt.Integer),o.endSequence(),o.buffer}default:return e}},"sigSSHToASN1"),convertSignature:i((e,t)=>{switch(t){case"ssh-dss":{if(e.length<=40)return e;let n=new Vt.Reader(e);n.readSequence();let r=n.readString(Vt.Integer,!0),o=n.readString(Vt.Integer,!0),s=0,a=0;if(r.length<20){let u=Buffer.allocUnsafe(20);u.set(r,1),r=u,r[0]=0}if(o.length<20){let u=Buffer.allocUnsafe(20);u.set(o,1),o=u,o[0]=0}r.length>20&&r[0]===0&&(s=1),o.length>20&&o[0]===0&&(a=1);let c=Buffer.allocUnsafe(r.length-s+(o.length-a));return Bo(r,c,s,r.length,0),Bo(o,c,a,o.length,r.length-s),c}case"ecdsa-sha2-nistp256":case"ecdsa-sha2-nistp384":case"ecdsa-sha2-nistp521":{if(e[0]===0)return e;let n=new Vt.Reader(e);n.readSequence();let r=n.readString(Vt.Integer,!0),o=n.readString(Vt.Integer,!0);if(r===null||o===null)return;let s=Buffer.allocUnsafe(4+r.length+4+o.length);return eu(s,r.length,0),s.set(r,4),eu(s,o.length,4+r.length),s.set(o,8+r.length),s}}return e},"convertSignature"),sendPacket:i((e,t,n)=>!n&&e._kexinit!==void 0?(e._queue===void 0&&(e._queue=[]),e._queue.push(t),e._debug&&e._debug("Outbound: ... packet queued"),!1):(e._cipher.encrypt(t),!0),"sendPacket")}});var C_=Me((bi,ru)=>{var nu=(function(){var e=typeof document<"u"&&document.currentScript?document.currentScript.src:void 0;return typeof __filename<"u"&&(e=e||__filename),(function(t){t=t||{};var n;n||(n=typeof t<"u"?t:{});var r,o;n.ready=new Promise(function(U,V){r=U,o=V});var s={},a;for(a in n)n.hasOwnProperty(a)&&(s[a]=n[a]);var c=typeof window=="object",u=typeof importScripts=="function",l=typeof process=="object"&&typeof process.versions=="object"&&typeof process.versions.node=="string",d="",h,p,m,b,A;l?(d=u?require("path").dirname(d)+"/":__dirname+"/",h=i(function(U,V){var me=xn(U);return me?V?me:me.toString():(b||(b=require("fs")),A||(A=require("path")),U=A.normalize(U),b.readFileSync(U,V?null:"utf8"))},"C"),m=i(function(U){return U=h(U,!0),U.buffer||(U=new Uint8Array(U)),Z(U.buffer),U},"E"),p=i(function(U,V,me){var Ee=xn(U);Ee&&V(Ee),b||(b=require("fs")),A||(A=require("path")),U=A.normalize(U),b.readFile(U,function(ze,gt){ze?me(ze):V(gt.buffer)})},"D"),1<process.argv.length&&process.argv[1].replace(/\\/g,"/"),process.argv.slice(2),n.inspect=function(){return"[Emscripten Module object]"}):(c||u)&&(u?d=self.location.href:typeof document<"u"&&document.currentScript&&(d=document.currentScript.src),e&&(d=e),d.indexOf("blob:")!==0?d=d.substr(0,d.lastIndexOf("/")+1):d="",h=i(function(U){try{var V=new XMLHttpRequest;return V.open("GET",U,!1),V.send(null),V.responseText}catch(ze){if(U=xn(U)){V=[];for(var me=0;me<U.length;me++){var Ee=U[me];255<Ee&&($r&&Z(!1,"Character code "+Ee+" ("+String.fromCharCode(Ee)+")  at offset "+me+" not in 0x00-0xFF."),Ee&=255),V.push(String.fromCharCode(Ee))}return V.join("")}throw ze}},"C"),u&&(m=i(function(U){try{var V=new XMLHttpRequest;return V.open("GET",U,!1),V.responseType="arraybuffer",V.send(null),new Uint8Array(V.response)}catch(me){if(U=xn(U))return U;throw me}},"E")),p=i(function(U,V,me){var Ee=new XMLHttpRequest;Ee.open("GET",U,!0),Ee.responseType="arraybuffer",Ee.onload=function(){if(Ee.status==200||Ee.status==0&&Ee.response)V(Ee.response);else{var ze=xn(U);ze?V(ze.buffer):me()}},Ee.onerror=me,Ee.send(null)},"D")),n.print||console.log.bind(console);var y=n.printErr||console.warn.bind(console);for(a in s)s.hasOwnProperty(a)&&(n[a]=s[a]);s=null;var E;n.wasmBinary&&(E=n.wasmBinary);var I=n.noExitRuntime||!0;typeof WebAssembly!="object"&&z("no native wasm support detected");var L,B=!1;function Z(U,V){U||z("Assertion failed: "+V)}i(Z,"assert");function ae(U){var V=n["_"+U];return Z(V,"Cannot call unknown function "+U+", make sure it is exported"),V}i(ae,"N");function ye(U,V,me,Ee){var ze={string:i(function(Ge){var xt=0;if(Ge!=null&&Ge!==0){var bt=(Ge.length<<2)+1;xt=fo(bt);var ut=xt,tt=K;if(0<bt){bt=ut+bt-1;for(var Wt=0;Wt<Ge.length;++Wt){var lt=Ge.charCodeAt(Wt);if(55296<=lt&&57343>=lt){var Jn=Ge.charCodeAt(++Wt);lt=65536+((lt&1023)<<10)|Jn&1023}if(127>=lt){if(ut>=bt)break;tt[ut++]=lt}else{if(2047>=lt){if(ut+1>=bt)break;tt[ut++]=192|lt>>6}else{if(65535>=lt){if(ut+2>=bt)break;tt[ut++]=224|lt>>12}else{if(ut+3>=bt)break;tt[ut++]=240|lt>>18,tt[ut++]=128|lt>>12&63}tt[ut++]=128|lt>>6&63}tt[ut++]=128|lt&63}}tt[ut]=0}}return xt},"string"),array:i(function(Ge){var xt=fo(Ge.length);return W.set(Ge,xt),xt},"array")},gt=ae(U),fn=[];if(U=0,Ee)for(var Ft=0;Ft<Ee.length;Ft++){var xr=ze[me[Ft]];xr?(U===0&&(U=lo()),fn[Ft]=xr(Ee[Ft])):fn[Ft]=Ee[Ft]}return me=gt.apply(null,fn),me=(function(Ge){if(V==="string")if(Ge){for(var xt=K,bt=Ge+NaN,ut=Ge;xt[ut]&&!(ut>=bt);)++ut;if(16<ut-Ge&&xt.subarray&&M)Ge=M.decode(xt.subarray(Ge,ut));else{for(bt="";Ge<ut;){var tt=xt[Ge++];if(tt&128){var Wt=xt[Ge++]&63;if((tt&224)==192)bt+=String.fromCharCode((tt&31)<<6|Wt);else{var lt=xt[Ge++]&63;tt=(tt&240)==224?(tt&15)<<12|Wt<<6|lt:(tt&7)<<18|Wt<<12|lt<<6|xt[Ge++]&63,65536>tt?bt+=String.fromCharCode(tt):(tt-=65536,bt+=String.fromCharCode(55296|tt>>10,56320|tt&1023))}}else bt+=String.fromCharCode(tt)}Ge=bt}}else Ge="";else Ge=V==="boolean"?!!Ge:Ge;return Ge})(me),U!==0&&ms(U),me}i(ye,"ca");var M=typeof TextDecoder<"u"?new TextDecoder("utf8"):void 0,G,W,K;function te(){var U=L.buffer;G=U,n.HEAP8=W=new Int8Array(U),n.HEAP16=new Int16Array(U),n.HEAP32=new Int32Array(U),n.HEAPU8=K=new Uint8Array(U),n.HEAPU16=new Uint16Array(U),n.HEAPU32=new Uint32Array(U),n.HEAPF32=new Float32Array(U),n.HEAPF64=new Float64Array(U)}i(te,"ia");var _e,Y=[],re=[],fe=[];function $e(){var U=n.preRun.shift();Y.unshift(U)}i($e,"ma");var R=0,O=null,N=null;n.preloadedImages={},n.preloadedAudios={};function z(U){throw n.onAbort&&n.onAbort(U),y(U),B=!0,U=new WebAssembly.RuntimeError("abort("+U+"). Build with -s ASSERTIONS=1 for more info."),o(U),U}i(z,"K");var ce="data:application/octet-stream;base64,",de;if(de="data:application/octet-stream;base64,AGFzbQEAAAABIAZgAX8Bf2ADf39/AGABfwBgAABgAAF/YAZ/f39/f38AAgcBAWEBYQAAAwsKAAEDAQAAAgQFAgQFAXABAQEFBwEBgAKAgAIGCQF/AUGAjMACCwclCQFiAgABYwADAWQACQFlAAgBZgAHAWcABgFoAAUBaQAKAWoBAAqGTQpPAQJ/QYAIKAIAIgEgAEEDakF8cSICaiEAAkAgAkEAIAAgAU0bDQAgAD8AQRB0SwRAIAAQAEUNAQtBgAggADYCACABDwtBhAhBMDYCAEF/C4wFAg5+Cn8gACgCJCEUIAAoAiAhFSAAKAIcIREgACgCGCESIAAoAhQhEyACQRBPBEAgAC0ATEVBGHQhFyAAKAIEIhZBBWytIQ8gACgCCCIYQQVsrSENIAAoAgwiGUEFbK0hCyAAKAIQIhpBBWytIQkgADUCACEIIBqtIRAgGa0hDiAYrSEMIBatIQoDQCASIAEtAAMiEiABLQAEQQh0ciABLQAFQRB0ciABLQAGIhZBGHRyQQJ2Qf///x9xaq0iAyAOfiABLwAAIAEtAAJBEHRyIBNqIBJBGHRBgICAGHFqrSIEIBB+fCARIAEtAAdBCHQgFnIgAS0ACEEQdHIgAS0ACSIRQRh0ckEEdkH///8fcWqtIgUgDH58IAEtAApBCHQgEXIgAS0AC0EQdHIgAS0ADEEYdHJBBnYgFWqtIgYgCn58IBQgF2ogAS8ADSABLQAPQRB0cmqtIgcgCH58IAMgDH4gBCAOfnwgBSAKfnwgBiAIfnwgByAJfnwgAyAKfiAEIAx+fCAFIAh+fCAGIAl+fCAHIAt+fCADIAh+IAQgCn58IAUgCX58IAYgC358IAcgDX58IAMgCX4gBCAIfnwgBSALfnwgBiANfnwgByAPfnwiA0IaiEL/////D4N8IgRCGohC/////w+DfCIFQhqIQv////8Pg3wiBkIaiEL/////D4N8IgdCGoinQQVsIAOnQf///x9xaiITQRp2IASnQf///x9xaiESIAWnQf///x9xIREgBqdB////H3EhFSAHp0H///8fcSEUIBNB////H3EhEyABQRBqIQEgAkEQayICQQ9LDQALCyAAIBQ2AiQgACAVNgIgIAAgETYCHCAAIBI2AhggACATNgIUCwMAAQu2BAEGfwJAIAAoAjgiBARAIABBPGohBQJAIAJBECAEayIDIAIgA0kbIgZFDQAgBkEDcSEHAkAgBkEBa0EDSQRAQQAhAwwBCyAGQXxxIQhBACEDA0AgBSADIARqaiABIANqLQAAOgAAIAUgA0EBciIEIAAoAjhqaiABIARqLQAAOgAAIAUgA0ECciIEIAAoAjhqaiABIARqLQAAOgAAIAUgA0EDciIEIAAoAjhqaiABIARqLQAAOgAAIANBBGohAyAAKAI4IQQgCEEEayIIDQALCyAHRQ0AA0AgBSADIARqaiABIANqLQAAOgAAIANBAWohAyAAKAI4IQQgB0EBayIHDQALCyAAIAQgBmoiAzYCOCADQRBJDQEgACAFQRAQAiAAQQA2AjggAiAGayECIAEgBmohAQsgAkEQTwRAIAAgASACQXBxIgMQAiACQQ9xIQIgASADaiEBCyACRQ0AIAJBA3EhBCAAQTxqIQVBACEDIAJBAWtBA08EQCACQXxxIQcDQCAFIAAoAjggA2pqIAEgA2otAAA6AAAgBSADQQFyIgYgACgCOGpqIAEgBmotAAA6AAAgBSADQQJyIgYgACgCOGpqIAEgBmotAAA6AAAgBSADQQNyIgYgACgCOGpqIAEgBmotAAA6AAAgA0EEaiEDIAdBBGsiBw0ACwsgBARAA0AgBSAAKAI4IANqaiABIANqLQAAOgAAIANBAWohAyAEQQFrIgQNAAsLIAAgACgCOCACajYCOAsLoS0BDH8jAEEQayIMJAACQAJAAkACQAJAAkACQAJAAkACQAJAAkAgAEH0AU0EQEGICCgCACIFQRAgAEELakF4cSAAQQtJGyIIQQN2IgJ2IgFBA3EEQCABQX9zQQFxIAJqIgNBA3QiAUG4CGooAgAiBEEIaiEAAkAgBCgCCCICIAFBsAhqIgFGBEBBiAggBUF+IAN3cTYCAAwBCyACIAE2AgwgASACNgIICyAEIANBA3QiAUEDcjYCBCABIARqIgEgASgCBEEBcjYCBAwNCyAIQZAIKAIAIgpNDQEgAQRAAkBBAiACdCIAQQAgAGtyIAEgAnRxIgBBACAAa3FBAWsiACAAQQx2QRBxIgJ2IgFBBXZBCHEiACACciABIAB2IgFBAnZBBHEiAHIgASAAdiIBQQF2QQJxIgByIAEgAHYiAUEBdkEBcSIAciABIAB2aiIDQQN0IgBBuAhqKAIAIgQoAggiASAAQbAIaiIARgRAQYgIIAVBfiADd3EiBTYCAAwBCyABIAA2AgwgACABNgIICyAEQQhqIQAgBCAIQQNyNgIEIAQgCGoiAiADQQN0IgEgCGsiA0EBcjYCBCABIARqIAM2AgAgCgRAIApBA3YiAUEDdEGwCGohB0GcCCgCACEEAn8gBUEBIAF0IgFxRQRAQYgIIAEgBXI2AgAgBwwBCyAHKAIICyEBIAcgBDYCCCABIAQ2AgwgBCAHNgIMIAQgATYCCAtBnAggAjYCAEGQCCADNgIADA0LQYwIKAIAIgZFDQEgBkEAIAZrcUEBayIAIABBDHZBEHEiAnYiAUEFdkEIcSIAIAJyIAEgAHYiAUECdkEEcSIAciABIAB2IgFBAXZBAnEiAHIgASAAdiIBQQF2QQFxIgByIAEgAHZqQQJ0QbgKaigCACIBKAIEQXhxIAhrIQMgASECA0ACQCACKAIQIgBFBEAgAigCFCIARQ0BCyAAKAIEQXhxIAhrIgIgAyACIANJIgIbIQMgACABIAIbIQEgACECDAELCyABIAhqIgkgAU0NAiABKAIYIQsgASABKAIMIgRHBEAgASgCCCIAQZgIKAIASRogACAENgIMIAQgADYCCAwMCyABQRRqIgIoAgAiAEUEQCABKAIQIgBFDQQgAUEQaiECCwNAIAIhByAAIgRBFGoiAigCACIADQAgBEEQaiECIAQoAhAiAA0ACyAHQQA2AgAMCwtBfyEIIABBv39LDQAgAEELaiIAQXhxIQhBjAgoAgAiCUUNAEEAIAhrIQMCQAJAAkACf0EAIAhBgAJJDQAaQR8gCEH///8HSw0AGiAAQQh2IgAgAEGA/j9qQRB2QQhxIgJ0IgAgAEGA4B9qQRB2QQRxIgF0IgAgAEGAgA9qQRB2QQJxIgB0QQ92IAEgAnIgAHJrIgBBAXQgCCAAQRVqdkEBcXJBHGoLIgVBAnRBuApqKAIAIgJFBEBBACEADAELQQAhACAIQQBBGSAFQQF2ayAFQR9GG3QhAQNAAkAgAigCBEF4cSAIayIHIANPDQAgAiEEIAciAw0AQQAhAyACIQAMAwsgACACKAIUIgcgByACIAFBHXZBBHFqKAIQIgJGGyAAIAcbIQAgAUEBdCEBIAINAAsLIAAgBHJFBEBBACEEQQIgBXQiAEEAIABrciAJcSIARQ0DIABBACAAa3FBAWsiACAAQQx2QRBxIgJ2IgFBBXZBCHEiACACciABIAB2IgFBAnZBBHEiAHIgASAAdiIBQQF2QQJxIgByIAEgAHYiAUEBdkEBcSIAciABIAB2akECdEG4CmooAgAhAAsgAEUNAQsDQCAAKAIEQXhxIAhrIgEgA0khAiABIAMgAhshAyAAIAQgAhshBCAAKAIQIgEEfyABBSAAKAIUCyIADQALCyAERQ0AIANBkAgoAgAgCGtPDQAgBCAIaiIGIARNDQEgBCgCGCEFIAQgBCgCDCIBRwRAIAQoAggiAEGYCCgCAEkaIAAgATYCDCABIAA2AggMCgsgBEEUaiICKAIAIgBFBEAgBCgCECIARQ0EIARBEGohAgsDQCACIQcgACIBQRRqIgIoAgAiAA0AIAFBEGohAiABKAIQIgANAAsgB0EANgIADAkLIAhBkAgoAgAiAk0EQEGcCCgCACEDAkAgAiAIayIBQRBPBEBBkAggATYCAEGcCCADIAhqIgA2AgAgACABQQFyNgIEIAIgA2ogATYCACADIAhBA3I2AgQMAQtBnAhBADYCAEGQCEEANgIAIAMgAkEDcjYCBCACIANqIgAgACgCBEEBcjYCBAsgA0EIaiEADAsLIAhBlAgoAgAiBkkEQEGUCCAGIAhrIgE2AgBBoAhBoAgoAgAiAiAIaiIANgIAIAAgAUEBcjYCBCACIAhBA3I2AgQgAkEIaiEADAsLQQAhACAIQS9qIgkCf0HgCygCAARAQegLKAIADAELQewLQn83AgBB5AtCgKCAgICABDcCAEHgCyAMQQxqQXBxQdiq1aoFczYCAEH0C0EANgIAQcQLQQA2AgBBgCALIgFqIgVBACABayIHcSICIAhNDQpBwAsoAgAiBARAQbgLKAIAIgMgAmoiASADTQ0LIAEgBEsNCwtBxAstAABBBHENBQJAAkBBoAgoAgAiAwRAQcgLIQADQCADIAAoAgAiAU8EQCABIAAoAgRqIANLDQMLIAAoAggiAA0ACwtBABABIgFBf0YNBiACIQVB5AsoAgAiA0EBayIAIAFxBEAgAiABayAAIAFqQQAgA2txaiEFCyAFIAhNDQYgBUH+////B0sNBkHACygCACIEBEBBuAsoAgAiAyAFaiIAIANNDQcgACAESw0HCyAFEAEiACABRw0BDAgLIAUgBmsgB3EiBUH+////B0sNBSAFEAEiASAAKAIAIAAoAgRqRg0EIAEhAAsCQCAAQX9GDQAgCEEwaiAFTQ0AQegLKAIAIgEgCSAFa2pBACABa3EiAUH+////B0sEQCAAIQEMCAsgARABQX9HBEAgASAFaiEFIAAhAQwIC0EAIAVrEAEaDAULIAAiAUF/Rw0GDAQLAAtBACEEDAcLQQAhAQwFCyABQX9HDQILQcQLQcQLKAIAQQRyNgIACyACQf7///8HSw0BIAIQASEBQQAQASEAIAFBf0YNASAAQX9GDQEgACABTQ0BIAAgAWsiBSAIQShqTQ0BC0G4C0G4CygCACAFaiIANgIAQbwLKAIAIABJBEBBvAsgADYCAAsCQAJAAkBBoAgoAgAiBwRAQcgLIQADQCABIAAoAgAiAyAAKAIEIgJqRg0CIAAoAggiAA0ACwwCC0GYCCgCACIAQQAgACABTRtFBEBBmAggATYCAAtBACEAQcwLIAU2AgBByAsgATYCAEGoCEF/NgIAQawIQeALKAIANgIAQdQLQQA2AgADQCAAQQN0IgNBuAhqIANBsAhqIgI2AgAgA0G8CGogAjYCACAAQQFqIgBBIEcNAAtBlAggBUEoayIDQXggAWtBB3FBACABQQhqQQdxGyIAayICNgIAQaAIIAAgAWoiADYCACAAIAJBAXI2AgQgASADakEoNgIEQaQIQfALKAIANgIADAILIAAtAAxBCHENACADIAdLDQAgASAHTQ0AIAAgAiAFajYCBEGgCCAHQXggB2tBB3FBACAHQQhqQQdxGyIAaiICNgIAQZQIQZQIKAIAIAVqIgEgAGsiADYCACACIABBAXI2AgQgASAHakEoNgIEQaQIQfALKAIANgIADAELQZgIKAIAIAFLBEBBmAggATYCAAsgASAFaiECQcgLIQACQAJAAkACQAJAAkADQCACIAAoAgBHBEAgACgCCCIADQEMAgsLIAAtAAxBCHFFDQELQcgLIQADQCAHIAAoAgAiAk8EQCACIAAoAgRqIgQgB0sNAwsgACgCCCEADAALAAsgACABNgIAIAAgACgCBCAFajYCBCABQXggAWtBB3FBACABQQhqQQdxG2oiCSAIQQNyNgIEIAJBeCACa0EHcUEAIAJBCGpBB3EbaiIFIAggCWoiBmshAiAFIAdGBEBBoAggBjYCAEGUCEGUCCgCACACaiIANgIAIAYgAEEBcjYCBAwDCyAFQZwIKAIARgRAQZwIIAY2AgBBkAhBkAgoAgAgAmoiADYCACAGIABBAXI2AgQgACAGaiAANgIADAMLIAUoAgQiAEEDcUEBRgRAIABBeHEhBwJAIABB/wFNBEAgBSgCCCIDIABBA3YiAEEDdEGwCGpGGiADIAUoAgwiAUYEQEGICEGICCgCAEF+IAB3cTYCAAwCCyADIAE2AgwgASADNgIIDAELIAUoAhghCAJAIAUgBSgCDCIBRwRAIAUoAggiACABNgIMIAEgADYCCAwBCwJAIAVBFGoiACgCACIDDQAgBUEQaiIAKAIAIgMNAEEAIQEMAQsDQCAAIQQgAyIBQRRqIgAoAgAiAw0AIAFBEGohACABKAIQIgMNAAsgBEEANgIACyAIRQ0AAkAgBSAFKAIcIgNBAnRBuApqIgAoAgBGBEAgACABNgIAIAENAUGMCEGMCCgCAEF+IAN3cTYCAAwCCyAIQRBBFCAIKAIQIAVGG2ogATYCACABRQ0BCyABIAg2AhggBSgCECIABEAgASAANgIQIAAgATYCGAsgBSgCFCIARQ0AIAEgADYCFCAAIAE2AhgLIAUgB2ohBSACIAdqIQILIAUgBSgCBEF+cTYCBCAGIAJBAXI2AgQgAiAGaiACNgIAIAJB/wFNBEAgAkEDdiIAQQN0QbAIaiECAn9BiAgoAgAiAUEBIAB0IgBxRQRAQYgIIAAgAXI2AgAgAgwBCyACKAIICyEAIAIgBjYCCCAAIAY2AgwgBiACNgIMIAYgADYCCAwDC0EfIQAgAkH///8HTQRAIAJBCHYiACAAQYD+P2pBEHZBCHEiA3QiACAAQYDgH2pBEHZBBHEiAXQiACAAQYCAD2pBEHZBAnEiAHRBD3YgASADciAAcmsiAEEBdCACIABBFWp2QQFxckEcaiEACyAGIAA2AhwgBkIANwIQIABBAnRBuApqIQQCQEGMCCgCACIDQQEgAHQiAXFFBEBBjAggASADcjYCACAEIAY2AgAgBiAENgIYDAELIAJBAEEZIABBAXZrIABBH0YbdCEAIAQoAgAhAQNAIAEiAygCBEF4cSACRg0DIABBHXYhASAAQQF0IQAgAyABQQRxaiIEKAIQIgENAAsgBCAGNgIQIAYgAzYCGAsgBiAGNgIMIAYgBjYCCAwCC0GUCCAFQShrIgNBeCABa0EHcUEAIAFBCGpBB3EbIgBrIgI2AgBBoAggACABaiIANgIAIAAgAkEBcjYCBCABIANqQSg2AgRBpAhB8AsoAgA2AgAgByAEQScgBGtBB3FBACAEQSdrQQdxG2pBL2siACAAIAdBEGpJGyICQRs2AgQgAkHQCykCADcCECACQcgLKQIANwIIQdALIAJBCGo2AgBBzAsgBTYCAEHICyABNgIAQdQLQQA2AgAgAkEYaiEAA0AgAEEHNgIEIABBCGohASAAQQRqIQAgASAESQ0ACyACIAdGDQMgAiACKAIEQX5xNgIEIAcgAiAHayIEQQFyNgIEIAIgBDYCACAEQf8BTQRAIARBA3YiAEEDdEGwCGohAgJ/QYgIKAIAIgFBASAAdCIAcUUEQEGICCAAIAFyNgIAIAIMAQsgAigCCAshACACIAc2AgggACAHNgIMIAcgAjYCDCAHIAA2AggMBAtBHyEAIAdCADcCECAEQf///wdNBEAgBEEIdiIAIABBgP4/akEQdkEIcSICdCIAIABBgOAfakEQdkEEcSIBdCIAIABBgIAPakEQdkECcSIAdEEPdiABIAJyIAByayIAQQF0IAQgAEEVanZBAXFyQRxqIQALIAcgADYCHCAAQQJ0QbgKaiEDAkBBjAgoAgAiAkEBIAB0IgFxRQRAQYwIIAEgAnI2AgAgAyAHNgIAIAcgAzYCGAwBCyAEQQBBGSAAQQF2ayAAQR9GG3QhACADKAIAIQEDQCABIgIoAgRBeHEgBEYNBCAAQR12IQEgAEEBdCEAIAIgAUEEcWoiAygCECIBDQALIAMgBzYCECAHIAI2AhgLIAcgBzYCDCAHIAc2AggMAwsgAygCCCIAIAY2AgwgAyAGNgIIIAZBADYCGCAGIAM2AgwgBiAANgIICyAJQQhqIQAMBQsgAigCCCIAIAc2AgwgAiAHNgIIIAdBADYCGCAHIAI2AgwgByAANgIIC0GUCCgCACIAIAhNDQBBlAggACAIayIBNgIAQaAIQaAIKAIAIgIgCGoiADYCACAAIAFBAXI2AgQgAiAIQQNyNgIEIAJBCGohAAwDC0GECEEwNgIAQQAhAAwCCwJAIAVFDQACQCAEKAIcIgJBAnRBuApqIgAoAgAgBEYEQCAAIAE2AgAgAQ0BQYwIIAlBfiACd3EiCTYCAAwCCyAFQRBBFCAFKAIQIARGG2ogATYCACABRQ0BCyABIAU2AhggBCgCECIABEAgASAANgIQIAAgATYCGAsgBCgCFCIARQ0AIAEgADYCFCAAIAE2AhgLAkAgA0EPTQRAIAQgAyAIaiIAQQNyNgIEIAAgBGoiACAAKAIEQQFyNgIEDAELIAQgCEEDcjYCBCAGIANBAXI2AgQgAyAGaiADNgIAIANB/wFNBEAgA0EDdiIAQQN0QbAIaiECAn9BiAgoAgAiAUEBIAB0IgBxRQRAQYgIIAAgAXI2AgAgAgwBCyACKAIICyEAIAIgBjYCCCAAIAY2AgwgBiACNgIMIAYgADYCCAwBC0EfIQAgA0H///8HTQRAIANBCHYiACAAQYD+P2pBEHZBCHEiAnQiACAAQYDgH2pBEHZBBHEiAXQiACAAQYCAD2pBEHZBAnEiAHRBD3YgASACciAAcmsiAEEBdCADIABBFWp2QQFxckEcaiEACyAGIAA2AhwgBkIANwIQIABBAnRBuApqIQICQAJAIAlBASAAdCIBcUUEQEGMCCABIAlyNgIAIAIgBjYCACAGIAI2AhgMAQsgA0EAQRkgAEEBdmsgAEEfRht0IQAgAigCACEIA0AgCCIBKAIEQXhxIANGDQIgAEEddiECIABBAXQhACABIAJBBHFqIgIoAhAiCA0ACyACIAY2AhAgBiABNgIYCyAGIAY2AgwgBiAGNgIIDAELIAEoAggiACAGNgIMIAEgBjYCCCAGQQA2AhggBiABNgIMIAYgADYCCAsgBEEIaiEADAELAkAgC0UNAAJAIAEoAhwiAkECdEG4CmoiACgCACABRgRAIAAgBDYCACAEDQFBjAggBkF+IAJ3cTYCAAwCCyALQRBBFCALKAIQIAFGG2ogBDYCACAERQ0BCyAEIAs2AhggASgCECIABEAgBCAANgIQIAAgBDYCGAsgASgCFCIARQ0AIAQgADYCFCAAIAQ2AhgLAkAgA0EPTQRAIAEgAyAIaiIAQQNyNgIEIAAgAWoiACAAKAIEQQFyNgIEDAELIAEgCEEDcjYCBCAJIANBAXI2AgQgAyAJaiADNgIAIAoEQCAKQQN2IgBBA3RBsAhqIQRBnAgoAgAhAgJ/QQEgAHQiACAFcUUEQEGICCAAIAVyNgIAIAQMAQsgBCgCCAshACAEIAI2AgggACACNgIMIAIgBDYCDCACIAA2AggLQZwIIAk2AgBBkAggAzYCAAsgAUEIaiEACyAMQRBqJAAgAAsQACMAIABrQXBxIgAkACAACwYAIAAkAAsEACMAC4AJAgh/BH4jAEGQAWsiBiQAIAYgBS0AA0EYdEGAgIAYcSAFLwAAIAUtAAJBEHRycjYCACAGIAUoAANBAnZBg/7/H3E2AgQgBiAFKAAGQQR2Qf+B/x9xNgIIIAYgBSgACUEGdkH//8AfcTYCDCAFLwANIQggBS0ADyEJIAZCADcCFCAGQgA3AhwgBkEANgIkIAYgCCAJQRB0QYCAPHFyNgIQIAYgBSgAEDYCKCAGIAUoABQ2AiwgBiAFKAAYNgIwIAUoABwhBSAGQQA6AEwgBkEANgI4IAYgBTYCNCAGIAEgAhAEIAQEQCAGIAMgBBAECyAGKAI4IgEEQCAGQTxqIgIgAWpBAToAACABQQFqQQ9NBEAgASAGakE9aiEEAkBBDyABayIDRQ0AIAMgBGoiAUEBa0EAOgAAIARBADoAACADQQNJDQAgAUECa0EAOgAAIARBADoAASABQQNrQQA6AAAgBEEAOgACIANBB0kNACABQQRrQQA6AAAgBEEAOgADIANBCUkNACAEQQAgBGtBA3EiAWoiBEEANgIAIAQgAyABa0F8cSIBaiIDQQRrQQA2AgAgAUEJSQ0AIARBADYCCCAEQQA2AgQgA0EIa0EANgIAIANBDGtBADYCACABQRlJDQAgBEEANgIYIARBADYCFCAEQQA2AhAgBEEANgIMIANBEGtBADYCACADQRRrQQA2AgAgA0EYa0EANgIAIANBHGtBADYCACABIARBBHFBGHIiAWsiA0EgSQ0AIAEgBGohAQNAIAFCADcDGCABQgA3AxAgAUIANwMIIAFCADcDACABQSBqIQEgA0EgayIDQR9LDQALCwsgBkEBOgBMIAYgAkEQEAILIAY1AjQhECAGNQIwIREgBjUCLCEOIAAgBjUCKCAGKAIkIAYoAiAgBigCHCAGKAIYIgNBGnZqIgJBGnZqIgFBGnZqIgtBgICAYHIgAUH///8fcSINIAJB////H3EiCCAGKAIUIAtBGnZBBWxqIgFB////H3EiCUEFaiIFQRp2IANB////H3EgAUEadmoiA2oiAUEadmoiAkEadmoiBEEadmoiDEEfdSIHIANxIAEgDEEfdkEBayIDQf///x9xIgpxciIBQRp0IAUgCnEgByAJcXJyrXwiDzwAACAAIA9CGIg8AAMgACAPQhCIPAACIAAgD0IIiDwAASAAIA4gByAIcSACIApxciICQRR0IAFBBnZyrXwgD0IgiHwiDjwABCAAIA5CGIg8AAcgACAOQhCIPAAGIAAgDkIIiDwABSAAIBEgByANcSAEIApxciIBQQ50IAJBDHZyrXwgDkIgiHwiDjwACCAAIA5CGIg8AAsgACAOQhCIPAAKIAAgDkIIiDwACSAAIBAgAyAMcSAHIAtxckEIdCABQRJ2cq18IA5CIIh8Ig48AAwgACAOQhiIPAAPIAAgDkIQiDwADiAAIA5CCIg8AA0gBkIANwIwIAZCADcCKCAGQgA3AiAgBkIANwIYIAZCADcCECAGQgA3AgggBkIANwIAIAZBkAFqJAALpwwBB38CQCAARQ0AIABBCGsiAyAAQQRrKAIAIgFBeHEiAGohBQJAIAFBAXENACABQQNxRQ0BIAMgAygCACIBayIDQZgIKAIASQ0BIAAgAWohACADQZwIKAIARwRAIAFB/wFNBEAgAygCCCICIAFBA3YiBEEDdEGwCGpGGiACIAMoAgwiAUYEQEGICEGICCgCAEF+IAR3cTYCAAwDCyACIAE2AgwgASACNgIIDAILIAMoAhghBgJAIAMgAygCDCIBRwRAIAMoAggiAiABNgIMIAEgAjYCCAwBCwJAIANBFGoiAigCACIEDQAgA0EQaiICKAIAIgQNAEEAIQEMAQsDQCACIQcgBCIBQRRqIgIoAgAiBA0AIAFBEGohAiABKAIQIgQNAAsgB0EANgIACyAGRQ0BAkAgAyADKAIcIgJBAnRBuApqIgQoAgBGBEAgBCABNgIAIAENAUGMCEGMCCgCAEF+IAJ3cTYCAAwDCyAGQRBBFCAGKAIQIANGG2ogATYCACABRQ0CCyABIAY2AhggAygCECICBEAgASACNgIQIAIgATYCGAsgAygCFCICRQ0BIAEgAjYCFCACIAE2AhgMAQsgBSgCBCIBQQNxQQNHDQBBkAggADYCACAFIAFBfnE2AgQgAyAAQQFyNgIEIAAgA2ogADYCAA8LIAMgBU8NACAFKAIEIgFBAXFFDQACQCABQQJxRQRAIAVBoAgoAgBGBEBBoAggAzYCAEGUCEGUCCgCACAAaiIANgIAIAMgAEEBcjYCBCADQZwIKAIARw0DQZAIQQA2AgBBnAhBADYCAA8LIAVBnAgoAgBGBEBBnAggAzYCAEGQCEGQCCgCACAAaiIANgIAIAMgAEEBcjYCBCAAIANqIAA2AgAPCyABQXhxIABqIQACQCABQf8BTQRAIAUoAggiAiABQQN2IgRBA3RBsAhqRhogAiAFKAIMIgFGBEBBiAhBiAgoAgBBfiAEd3E2AgAMAgsgAiABNgIMIAEgAjYCCAwBCyAFKAIYIQYCQCAFIAUoAgwiAUcEQCAFKAIIIgJBmAgoAgBJGiACIAE2AgwgASACNgIIDAELAkAgBUEUaiICKAIAIgQNACAFQRBqIgIoAgAiBA0AQQAhAQwBCwNAIAIhByAEIgFBFGoiAigCACIEDQAgAUEQaiECIAEoAhAiBA0ACyAHQQA2AgALIAZFDQACQCAFIAUoAhwiAkECdEG4CmoiBCgCAEYEQCAEIAE2AgAgAQ0BQYwIQYwIKAIAQX4gAndxNgIADAILIAZBEEEUIAYoAhAgBUYbaiABNgIAIAFFDQELIAEgBjYCGCAFKAIQIgIEQCABIAI2AhAgAiABNgIYCyAFKAIUIgJFDQAgASACNgIUIAIgATYCGAsgAyAAQQFyNgIEIAAgA2ogADYCACADQZwIKAIARw0BQZAIIAA2AgAPCyAFIAFBfnE2AgQgAyAAQQFyNgIEIAAgA2ogADYCAAsgAEH/AU0EQCAAQQN2IgFBA3RBsAhqIQACf0GICCgCACICQQEgAXQiAXFFBEBBiAggASACcjYCACAADAELIAAoAggLIQIgACADNgIIIAIgAzYCDCADIAA2AgwgAyACNgIIDwtBHyECIANCADcCECAAQf///wdNBEAgAEEIdiIBIAFBgP4/akEQdkEIcSIBdCICIAJBgOAfakEQdkEEcSICdCIEIARBgIAPakEQdkECcSIEdEEPdiABIAJyIARyayIBQQF0IAAgAUEVanZBAXFyQRxqIQILIAMgAjYCHCACQQJ0QbgKaiEBAkACQAJAQYwIKAIAIgRBASACdCIHcUUEQEGMCCAEIAdyNgIAIAEgAzYCACADIAE2AhgMAQsgAEEAQRkgAkEBdmsgAkEfRht0IQIgASgCACEBA0AgASIEKAIEQXhxIABGDQIgAkEddiEBIAJBAXQhAiAEIAFBBHFqIgdBEGooAgAiAQ0ACyAHIAM2AhAgAyAENgIYCyADIAM2AgwgAyADNgIIDAELIAQoAggiACADNgIMIAQgAzYCCCADQQA2AhggAyAENgIMIAMgADYCCAtBqAhBqAgoAgBBAWsiAEF/IAAbNgIACwsLCQEAQYEICwIGUA==",!de.startsWith(ce)){var ue=de;de=n.locateFile?n.locateFile(ue,d):d+ue}function st(){var U=de;try{if(U==de&&E)return new Uint8Array(E);var V=xn(U);if(V)return V;if(m)return m(U);throw"both async and sync fetching of the wasm failed"}catch(me){z(me)}}i(st,"pa");function yt(){if(!E&&(c||u)){if(typeof fetch=="function"&&!de.startsWith("file://"))return fetch(de,{credentials:"same-origin"}).then(function(U){if(!U.ok)throw"failed to load wasm binary file at '"+de+"'";return U.arrayBuffer()}).catch(function(){return st()});if(p)return new Promise(function(U,V){p(de,function(me){U(new Uint8Array(me))},V)})}return Promise.resolve().then(function(){return st()})}i(yt,"qa");function uo(U){for(;0<U.length;){var V=U.shift();if(typeof V=="function")V(n);else{var me=V.m;typeof me=="number"?V.l===void 0?_e.get(me)():_e.get(me)(V.l):me(V.l===void 0?null:V.l)}}}i(uo,"X");var $r=!1,wr=typeof atob=="function"?atob:function(U){var V="",me=0;U=U.replace(/[^A-Za-z0-9\+\/=]/g,"");do{var Ee="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".indexOf(U.charAt(me++)),ze="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".indexOf(U.charAt(me++)),gt="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".indexOf(U.charAt(me++)),fn="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".indexOf(U.charAt(me++));Ee=Ee<<2|ze>>4,ze=(ze&15)<<4|gt>>2;var Ft=(gt&3)<<6|fn;V+=String.fromCharCode(Ee),gt!==64&&(V+=String.fromCharCode(ze)),fn!==64&&(V+=String.fromCharCode(Ft))}while(me<U.length);return V};function xn(U){if(U.startsWith(ce)){if(U=U.slice(ce.length),typeof l=="boolean"&&l){var V=Buffer.from(U,"base64");V=new Uint8Array(V.buffer,V.byteOffset,V.byteLength)}else try{var me=wr(U),Ee=new Uint8Array(me.length);for(U=0;U<me.length;++U)Ee[U]=me.charCodeAt(U);V=Ee}catch{throw Error("Converting base64 string to bytes failed.")}return V}}i(xn,"H");var yr={a:i(function(U){var V=K.length;if(U>>>=0,2147483648<U)return!1;for(var me=1;4>=me;me*=2){var Ee=V*(1+.2/me);Ee=Math.min(Ee,U+100663296),Ee=Math.max(U,Ee),0<Ee%65536&&(Ee+=65536-Ee%65536);e:{try{L.grow(Math.min(2147483648,Ee)-G.byteLength+65535>>>16),te();var ze=1;break e}catch{}ze=void 0}if(ze)return!0}return!1},"a")};(function(){function U(ze){n.asm=ze.exports,L=n.asm.b,te(),_e=n.asm.j,re.unshift(n.asm.c),R--,n.monitorRunDependencies&&n.monitorRunDependencies(R),R==0&&(O!==null&&(clearInterval(O),O=null),N&&(ze=N,N=null,ze()))}i(U,"a");function V(ze){U(ze.instance)}i(V,"c");function me(ze){return yt().then(function(gt){return WebAssembly.instantiate(gt,Ee)}).then(ze,function(gt){y("failed to asynchronously prepare wasm: "+gt),z(gt)})}i(me,"d");var Ee={a:yr};if(R++,n.monitorRunDependencies&&n.monitorRunDependencies(R),n.instantiateWasm)try{return n.instantiateWasm(Ee,U)}catch(ze){return y("Module.instantiateWasm callback failed with error: "+ze),!1}return(function(){return E||typeof WebAssembly.instantiateStreaming!="function"||de.startsWith(ce)||de.startsWith("file://")||typeof fetch!="function"?me(V):fetch(de,{credentials:"same-origin"}).then(function(ze){return WebAssembly.instantiateStreaming(ze,Ee).then(V,function(gt){return y("wasm streaming compile failed: "+gt),y("falling back to ArrayBuffer instantiation"),me(V)})})})().catch(o),{}})(),n.___wasm_call_ctors=function(){return(n.___wasm_call_ctors=n.asm.c).apply(null,arguments)},n._poly1305_auth=function(){return(n._poly1305_auth=n.asm.d).apply(null,arguments)};var lo=n.stackSave=function(){return(lo=n.stackSave=n.asm.e).apply(null,arguments)},ms=n.stackRestore=function(){return(ms=n.stackRestore=n.asm.f).apply(null,arguments)},fo=n.stackAlloc=function(){return(fo=n.stackAlloc=n.asm.g).apply(null,arguments)};n._malloc=function(){return(n._malloc=n.asm.h).apply(null,arguments)},n._free=function(){return(n._free=n.asm.i).apply(null,arguments)},n.cwrap=function(U,V,me,Ee){me=me||[];var ze=me.every(function(gt){return gt==="number"});return V!=="string"&&ze&&!Ee?ae(U):function(){return ye(U,V,me,arguments)}};var br;N=i(function U(){br||Ar(),br||(N=U)},"ta");function Ar(){function U(){if(!br&&(br=!0,n.calledRun=!0,!B)){if(uo(re),r(n),n.onRuntimeInitialized&&n.onRuntimeInitialized(),n.postRun)for(typeof n.postRun=="function"&&(n.postRun=[n.postRun]);n.postRun.length;){var V=n.postRun.shift();fe.unshift(V)}uo(fe)}}if(i(U,"a"),!(0<R)){if(n.preRun)for(typeof n.preRun=="function"&&(n.preRun=[n.preRun]);n.preRun.length;)$e();uo(Y),0<R||(n.setStatus?(n.setStatus("Running..."),setTimeout(function(){setTimeout(function(){n.setStatus("")},1),U()},1)):U())}}if(i(Ar,"Z"),n.run=Ar,n.preInit)for(typeof n.preInit=="function"&&(n.preInit=[n.preInit]);0<n.preInit.length;)n.preInit.pop()();return Ar(),t.ready})})();typeof bi=="object"&&typeof ru=="object"?ru.exports=nu:typeof define=="function"&&define.amd?define([],function(){return nu}):typeof bi=="object"&&(bi.createPoly1305=nu)});var Mr=Me((YO,N_)=>{"use strict";var{createCipheriv:Qr,createDecipheriv:Ai,createHmac:ou,randomFillSync:dr,timingSafeEqual:su}=require("crypto"),{readUInt32BE:Lo,writeUInt32BE:Kt}=Pn(),Zn=Buffer[Symbol.species],R_=2**32-1,T_=Buffer.alloc(0),zr=Buffer.alloc(4),xi=new Map,fr=35e3,iu,bu,Au,xu,Eu,ku,Su;try{iu=require("./crypto/build/Release/sshcrypto.node"),{AESGCMCipher:bu,ChaChaPolyCipher:Au,GenericCipher:xu,AESGCMDecipher:Eu,ChaChaPolyDecipher:ku,GenericDecipher:Su}=iu}catch{}var Ct=1,EE=(()=>{function e(t,n,r,o,s,a,c){return{sslName:t,blockLen:n,keyLen:r,ivLen:o!==0||c&Ct?o:n,authLen:s,discardLen:a,stream:!!(c&Ct)}}return i(e,"info"),{"chacha20-poly1305@openssh.com":e("chacha20",8,64,0,16,0,Ct),"aes128-gcm":e("aes-128-gcm",16,16,12,16,0,Ct),"aes256-gcm":e("aes-256-gcm",16,32,12,16,0,Ct),"aes128-gcm@openssh.com":e("aes-128-gcm",16,16,12,16,0,Ct),"aes256-gcm@openssh.com":e("aes-256-gcm",16,32,12,16,0,Ct),"aes128-cbc":e("aes-128-cbc",16,16,0,0,0,0),"aes192-cbc":e("aes-192-cbc",16,24,0,0,0,0),"aes256-cbc":e("aes-256-cbc",16,32,0,0,0,0),"rijndael-cbc@lysator.liu.se":e("aes-256-cbc",16,32,0,0,0,0),"3des-cbc":e("des-ede3-cbc",8,24,0,0,0,0),"blowfish-cbc":e("bf-cbc",8,16,0,0,0,0),"idea-cbc":e("idea-cbc",8,16,0,0,0,0),"cast128-cbc":e("cast-cbc",8,16,0,0,0,0),"aes128-ctr":e("aes-128-ctr",16,16,16,0,0,Ct),"aes192-ctr":e("aes-192-ctr",16,24,16,0,0,Ct),"aes256-ctr":e("aes-256-ctr",16,32,16,0,0,Ct),"3des-ctr":e("des-ede3",8,24,8,0,0,Ct),"blowfish-ctr":e("bf-ecb",8,16,8,0,0,Ct),"cast128-ctr":e("cast5-ecb",8,16,8,0,0,Ct),arcfour:e("rc4",8,16,0,0,1536,Ct),arcfour128:e("rc4",8,16,0,0,1536,Ct),arcfour256:e("rc4",8,32,0,0,1536,Ct),arcfour512:e("rc4",8,64,0,0,1536,Ct)}})(),kE=(()=>{function e(t,n,r,o){return{sslName:t,len:n,actualLen:r,isETM:o}}return i(e,"info"),{"hmac-md5":e("md5",16,16,!1),"hmac-md5-96":e("md5",16,12,!1),"hmac-ripemd160":e("ripemd160",20,20,!1),"hmac-sha1":e("sha1",20,20,!1),"hmac-sha1-etm@openssh.com":e("sha1",20,20,!0),"hmac-sha1-96":e("sha1",20,12,!1),"hmac-sha2-256":e("sha256",32,32,!1),"hmac-sha2-256-etm@openssh.com":e("sha256",32,32,!0),"hmac-sha2-256-96":e("sha256",32,12,!1),"hmac-sha2-512":e("sha512",64,64,!1),"hmac-sha2-512-etm@openssh.com":e("sha512",64,64,!0),"hmac-sha2-512-96":e("sha512",64,12,!1)}})(),au=class{static{i(this,"NullCipher")}constructor(t,n){this.outSeqno=t,this._onWrite=n,this._dead=!1}free(){this._dead=!0}allocPacket(t){let n=5+t,r=8-(n&7);r<4&&(r+=8),n+=r;let o=Buffer.allocUnsafe(n);return Kt(o,n-4,0),o[4]=r,dr(o,5+t,r),o}encrypt(t){this._dead||(this._onWrite(t),this.outSeqno=this.outSeqno+1>>>0)}},P_=Buffer.alloc(32),Dt=Buffer.alloc(16),Oo,Uo,vu,cu=class{static{i(this,"ChaChaPolyCipherNative")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._encKeyMain=n.cipherKey.slice(0,32),this._encKeyPktLen=n.cipherKey.slice(32),this._dead=!1}free(){this._dead=!0}allocPacket(t){let n=5+t,r=8-(n-4&7);r<4&&(r+=8),n+=r;let o=Buffer.allocUnsafe(n);return Kt(o,n-4,0),o[4]=r,dr(o,5+t,r),o}encrypt(t){if(this._dead)return;Dt[0]=0,Kt(Dt,this.outSeqno,12);let n=Qr("chacha20",this._encKeyMain,Dt).update(P_),r=Qr("chacha20",this._encKeyPktLen,Dt).update(t.slice(0,4));this._onWrite(r),Dt[0]=1;let o=Qr("chacha20",this._encKeyMain,Dt).update(t.slice(4));this._onWrite(o),vu(Uo,r,r.length,o,o.length,n);let s=Buffer.allocUnsafe(16);s.set(new Uint8Array(Oo.HEAPU8.buffer,Uo,16),0),this._onWrite(s),this.outSeqno=this.outSeqno+1>>>0}},uu=class{static{i(this,"ChaChaPolyCipherBinding")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._instance=new Au(n.cipherKey),this._dead=!1}free(){this._dead=!0,this._instance.free()}allocPacket(t){let n=5+t,r=8-(n-4&7);r<4&&(r+=8),n+=r;let o=Buffer.allocUnsafe(n+16);return Kt(o,n-4,0),o[4]=r,dr(o,5+t,r),o}encrypt(t){this._dead||(this._instance.encrypt(t,this.outSeqno),this._onWrite(t),this.outSeqno=this.outSeqno+1>>>0)}},lu=class{static{i(this,"AESGCMCipherNative")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._encSSLName=n.cipherInfo.sslName,this._encKey=n.cipherKey,this._encIV=n.cipherIV,this._dead=!1}free(){this._dead=!0}allocPacket(t){let n=5+t,r=16-(n-4&15);r<4&&(r+=16),n+=r;let o=Buffer.allocUnsafe(n);return Kt(o,n-4,0),o[4]=r,dr(o,5+t,r),o}encrypt(t){if(this._dead)return;let n=Qr(this._encSSLName,this._encKey,this._encIV);n.setAutoPadding(!1);let r=t.slice(0,4);n.setAAD(r),this._onWrite(r);let o=n.update(t.slice(4));this._onWrite(o);let s=n.final();s.length&&this._onWrite(s);let a=n.getAuthTag();this._onWrite(a),B_(this._encIV),this.outSeqno=this.outSeqno+1>>>0}},du=class{static{i(this,"AESGCMCipherBinding")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._instance=new bu(n.cipherInfo.sslName,n.cipherKey,n.cipherIV),this._dead=!1}free(){this._dead=!0,this._instance.free()}allocPacket(t){let n=5+t,r=16-(n-4&15);r<4&&(r+=16),n+=r;let o=Buffer.allocUnsafe(n+16);return Kt(o,n-4,0),o[4]=r,dr(o,5+t,r),o}encrypt(t){this._dead||(this._instance.encrypt(t),this._onWrite(t),this.outSeqno=this.outSeqno+1>>>0)}},fu=class{static{i(this,"GenericCipherNative")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._encBlockLen=n.cipherInfo.blockLen,this._cipherInstance=Qr(n.cipherInfo.sslName,n.cipherKey,n.cipherIV),this._macSSLName=n.macInfo.sslName,this._macKey=n.macKey,this._macActualLen=n.macInfo.actualLen,this._macETM=n.macInfo.isETM,this._aadLen=this._macETM?4:0,this._dead=!1;let r=n.cipherInfo.discardLen;if(r){let o=xi.get(r);o===void 0&&(o=Buffer.alloc(r),xi.set(r,o)),this._cipherInstance.update(o)}}free(){this._dead=!0}allocPacket(t){let n=this._encBlockLen,r=5+t,o=n-(r-this._aadLen&n-1);o<4&&(o+=n),r+=o;let s=Buffer.allocUnsafe(r);return Kt(s,r-4,0),s[4]=o,dr(s,5+t,o),s}encrypt(t){if(this._dead)return;let n;if(this._macETM){let o=new Uint8Array(t.buffer,t.byteOffset,4),s=this._cipherInstance.update(new Uint8Array(t.buffer,t.byteOffset+4,t.length-4));this._onWrite(o),this._onWrite(s),n=ou(this._macSSLName,this._macKey),Kt(zr,this.outSeqno,0),n.update(zr),n.update(o),n.update(s)}else{let o=this._cipherInstance.update(t);this._onWrite(o),n=ou(this._macSSLName,this._macKey),Kt(zr,this.outSeqno,0),n.update(zr),n.update(t)}let r=n.digest();r.length>this._macActualLen&&(r=r.slice(0,this._macActualLen)),this._onWrite(r),this.outSeqno=this.outSeqno+1>>>0}},hu=class{static{i(this,"GenericCipherBinding")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._encBlockLen=n.cipherInfo.blockLen,this._macLen=n.macInfo.len,this._macActualLen=n.macInfo.actualLen,this._aadLen=n.macInfo.isETM?4:0,this._instance=new xu(n.cipherInfo.sslName,n.cipherKey,n.cipherIV,n.macInfo.sslName,n.macKey,n.macInfo.isETM),this._dead=!1}free(){this._dead=!0,this._instance.free()}allocPacket(t){let n=this._encBlockLen,r=5+t,o=n-(r-this._aadLen&n-1);o<4&&(o+=n),r+=o;let s=Buffer.allocUnsafe(r+this._macLen);return Kt(s,r-4,0),s[4]=o,dr(s,5+t,o),s}encrypt(t){this._dead||(this._instance.encrypt(t,this.outSeqno),this._macActualLen<this._macLen&&(t=new Zn(t.buffer,t.byteOffset,t.length-(this._macLen-this._macActualLen))),this._onWrite(t),this.outSeqno=this.outSeqno+1>>>0)}},pu=class{static{i(this,"NullDecipher")}constructor(t,n){this.inSeqno=t,this._onPayload=n,this._len=0,this._lenBytes=0,this._packet=null,this._packetPos=0}free(){}decrypt(t,n,r){for(;n<r;){if(this._lenBytes<4){let s=Math.min(4-this._lenBytes,r-n);for(this._lenBytes+=s;s--;)this._len=(this._len<<8)+t[n++];if(this._lenBytes<4)return;if(this._len>fr||this._len<8||(4+this._len&7)!==0)throw new Error("Bad packet length");if(n>=r)return}if(this._packetPos<this._len){let s=Math.min(this._len-this._packetPos,r-n),a;if(n!==0||s!==r?a=new Uint8Array(t.buffer,t.byteOffset+n,s):a=t,s===this._len?this._packet=a:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(a,this._packetPos)),n+=s,this._packetPos+=s,this._packetPos<this._len)return}let o=this._packet?new Zn(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1):T_;this.inSeqno=this.inSeqno+1>>>0,this._len=0,this._lenBytes=0,this._packet=null,this._packetPos=0;{let s=this._onPayload(o);if(s!==void 0)return s===!1?n:s}}}},_u=class{static{i(this,"ChaChaPolyDecipherNative")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._decKeyMain=n.decipherKey.slice(0,32),this._decKeyPktLen=n.decipherKey.slice(32),this._len=0,this._lenBuf=Buffer.alloc(4),this._lenPos=0,this._packet=null,this._pktLen=0,this._mac=Buffer.allocUnsafe(16),this._calcMac=Buffer.allocUnsafe(16),this._macPos=0}free(){}decrypt(t,n,r){for(;n<r;){if(this._lenPos<4){let c=Math.min(4-this._lenPos,r-n);for(;c--;)this._lenBuf[this._lenPos++]=t[n++];if(this._lenPos<4)return;Dt[0]=0,Kt(Dt,this.inSeqno,12);let u=Ai("chacha20",this._decKeyPktLen,Dt).update(this._lenBuf);if(this._len=Lo(u,0),this._len>fr||this._len<8||(this._len&7)!==0)throw new Error("Bad packet length")}if(this._pktLen<this._len){if(n>=r)return;let c=Math.min(this._len-this._pktLen,r-n),u;if(n!==0||c!==r?u=new Uint8Array(t.buffer,t.byteOffset+n,c):u=t,c===this._len?this._packet=u:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(u,this._pktLen)),n+=c,this._pktLen+=c,this._pktLen<this._len||n>=r)return}{let c=Math.min(16-this._macPos,r-n);if(n!==0||c!==r?this._mac.set(new Uint8Array(t.buffer,t.byteOffset+n,c),this._macPos):this._mac.set(t,this._macPos),n+=c,this._macPos+=c,this._macPos<16)return}Dt[0]=0,Kt(Dt,this.inSeqno,12);let o=Qr("chacha20",this._decKeyMain,Dt).update(P_);if(vu(Uo,this._lenBuf,4,this._packet,this._packet.length,o),this._calcMac.set(new Uint8Array(Oo.HEAPU8.buffer,Uo,16),0),!su(this._calcMac,this._mac))throw new Error("Invalid MAC");Dt[0]=1;let s=Ai("chacha20",this._decKeyMain,Dt).update(this._packet),a=new Zn(s.buffer,s.byteOffset+1,s.length-s[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._len=0,this._lenPos=0,this._packet=null,this._pktLen=0,this._macPos=0;{let c=this._onPayload(a);if(c!==void 0)return c===!1?n:c}}}},mu=class{static{i(this,"ChaChaPolyDecipherBinding")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._instance=new ku(n.decipherKey),this._len=0,this._lenBuf=Buffer.alloc(4),this._lenPos=0,this._packet=null,this._pktLen=0,this._mac=Buffer.allocUnsafe(16),this._macPos=0}free(){this._instance.free()}decrypt(t,n,r){for(;n<r;){if(this._lenPos<4){let s=Math.min(4-this._lenPos,r-n);for(;s--;)this._lenBuf[this._lenPos++]=t[n++];if(this._lenPos<4)return;if(this._len=this._instance.decryptLen(this._lenBuf,this.inSeqno),this._len>fr||this._len<8||(this._len&7)!==0)throw new Error("Bad packet length");if(n>=r)return}if(this._pktLen<this._len){let s=Math.min(this._len-this._pktLen,r-n),a;if(n!==0||s!==r?a=new Uint8Array(t.buffer,t.byteOffset+n,s):a=t,s===this._len?this._packet=a:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(a,this._pktLen)),n+=s,this._pktLen+=s,this._pktLen<this._len||n>=r)return}{let s=Math.min(16-this._macPos,r-n);if(n!==0||s!==r?this._mac.set(new Uint8Array(t.buffer,t.byteOffset+n,s),this._macPos):this._mac.set(t,this._macPos),n+=s,this._macPos+=s,this._macPos<16)return}this._instance.decrypt(this._packet,this._mac,this.inSeqno);let o=new Zn(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._len=0,this._lenPos=0,this._packet=null,this._pktLen=0,this._macPos=0;{let s=this._onPayload(o);if(s!==void 0)return s===!1?n:s}}}},gu=class{static{i(this,"AESGCMDecipherNative")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._decipherInstance=null,this._decipherSSLName=n.decipherInfo.sslName,this._decipherKey=n.decipherKey,this._decipherIV=n.decipherIV,this._len=0,this._lenBytes=0,this._packet=null,this._packetPos=0,this._pktLen=0,this._tag=Buffer.allocUnsafe(16),this._tagPos=0}free(){}decrypt(t,n,r){for(;n<r;){if(this._lenBytes<4){let s=Math.min(4-this._lenBytes,r-n);for(this._lenBytes+=s;s--;)this._len=(this._len<<8)+t[n++];if(this._lenBytes<4)return;if(this._len+20>fr||this._len<16||(this._len&15)!==0)throw new Error("Bad packet length");this._decipherInstance=Ai(this._decipherSSLName,this._decipherKey,this._decipherIV),this._decipherInstance.setAutoPadding(!1),this._decipherInstance.setAAD(SE(this._len))}if(this._pktLen<this._len){if(n>=r)return;let s=Math.min(this._len-this._pktLen,r-n),a;if(n!==0||s!==r?a=this._decipherInstance.update(new Uint8Array(t.buffer,t.byteOffset+n,s)):a=this._decipherInstance.update(t),a.length&&(s===this._len?this._packet=a:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(a,this._packetPos)),this._packetPos+=a.length),n+=s,this._pktLen+=s,this._pktLen<this._len||n>=r)return}{let s=Math.min(16-this._tagPos,r-n);if(n!==0||s!==r?this._tag.set(new Uint8Array(t.buffer,t.byteOffset+n,s),this._tagPos):this._tag.set(t,this._tagPos),n+=s,this._tagPos+=s,this._tagPos<16)return}{this._decipherInstance.setAuthTag(this._tag);let s=this._decipherInstance.final();s.length&&(this._packet?this._packet.set(s,this._packetPos):this._packet=s)}let o=this._packet?new Zn(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1):T_;this.inSeqno=this.inSeqno+1>>>0,B_(this._decipherIV),this._len=0,this._lenBytes=0,this._packet=null,this._packetPos=0,this._pktLen=0,this._tagPos=0;{let s=this._onPayload(o);if(s!==void 0)return s===!1?n:s}}}},$u=class{static{i(this,"AESGCMDecipherBinding")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._instance=new Eu(n.decipherInfo.sslName,n.decipherKey,n.decipherIV),this._len=0,this._lenBytes=0,this._packet=null,this._pktLen=0,this._tag=Buffer.allocUnsafe(16),this._tagPos=0}free(){}decrypt(t,n,r){for(;n<r;){if(this._lenBytes<4){let s=Math.min(4-this._lenBytes,r-n);for(this._lenBytes+=s;s--;)this._len=(this._len<<8)+t[n++];if(this._lenBytes<4)return;if(this._len+20>fr||this._len<16||(this._len&15)!==0)throw new Error(`Bad packet length: ${this._len}`)}if(this._pktLen<this._len){if(n>=r)return;let s=Math.min(this._len-this._pktLen,r-n),a;if(n!==0||s!==r?a=new Uint8Array(t.buffer,t.byteOffset+n,s):a=t,s===this._len?this._packet=a:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(a,this._pktLen)),n+=s,this._pktLen+=s,this._pktLen<this._len||n>=r)return}{let s=Math.min(16-this._tagPos,r-n);if(n!==0||s!==r?this._tag.set(new Uint8Array(t.buffer,t.byteOffset+n,s),this._tagPos):this._tag.set(t,this._tagPos),n+=s,this._tagPos+=s,this._tagPos<16)return}this._instance.decrypt(this._packet,this._len,this._tag);let o=new Zn(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._len=0,this._lenBytes=0,this._packet=null,this._pktLen=0,this._tagPos=0;{let s=this._onPayload(o);if(s!==void 0)return s===!1?n:s}}}},wu=class{static{i(this,"GenericDecipherNative")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._decipherInstance=Ai(n.decipherInfo.sslName,n.decipherKey,n.decipherIV),this._decipherInstance.setAutoPadding(!1),this._block=Buffer.allocUnsafe(n.macInfo.isETM?4:n.decipherInfo.blockLen),this._blockSize=n.decipherInfo.blockLen,this._blockPos=0,this._len=0,this._packet=null,this._packetPos=0,this._pktLen=0,this._mac=Buffer.allocUnsafe(n.macInfo.actualLen),this._macPos=0,this._macSSLName=n.macInfo.sslName,this._macKey=n.macKey,this._macActualLen=n.macInfo.actualLen,this._macETM=n.macInfo.isETM,this._macInstance=null;let r=n.decipherInfo.discardLen;if(r){let o=xi.get(r);o===void 0&&(o=Buffer.alloc(r),xi.set(r,o)),this._decipherInstance.update(o)}}free(){}decrypt(t,n,r){for(;n<r;){if(this._blockPos<this._block.length){let a=Math.min(this._block.length-this._blockPos,r-n);if(n!==0||a!==r||a<t.length?this._block.set(new Uint8Array(t.buffer,t.byteOffset+n,a),this._blockPos):this._block.set(t,this._blockPos),n+=a,this._blockPos+=a,this._blockPos<this._block.length)return;let c,u;if(this._macETM?this._len=u=Lo(this._block,0):(c=this._decipherInstance.update(this._block),this._len=Lo(c,0),u=4+this._len-this._blockSize),this._len>fr||this._len<5||(u&this._blockSize-1)!==0)throw new Error("Bad packet length");if(this._macInstance=ou(this._macSSLName,this._macKey),Kt(zr,this.inSeqno,0),this._macInstance.update(zr),this._macETM?this._macInstance.update(this._block):(this._macInstance.update(new Uint8Array(c.buffer,c.byteOffset,4)),this._pktLen=c.length-4,this._packetPos=this._pktLen,this._packet=Buffer.allocUnsafe(this._len),this._packet.set(new Uint8Array(c.buffer,c.byteOffset+4,this._packetPos),0)),n>=r)return}if(this._pktLen<this._len){let a=Math.min(this._len-this._pktLen,r-n),c;n!==0||a!==r?c=new Uint8Array(t.buffer,t.byteOffset+n,a):c=t,this._macETM&&this._macInstance.update(c);let u=this._decipherInstance.update(c);if(u.length&&(a===this._len?this._packet=u:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(u,this._packetPos)),this._packetPos+=u.length),n+=a,this._pktLen+=a,this._pktLen<this._len||n>=r)return}{let a=Math.min(this._macActualLen-this._macPos,r-n);if(n!==0||a!==r?this._mac.set(new Uint8Array(t.buffer,t.byteOffset+n,a),this._macPos):this._mac.set(t,this._macPos),n+=a,this._macPos+=a,this._macPos<this._macActualLen)return}this._macETM||this._macInstance.update(this._packet);let o=this._macInstance.digest();if(this._macActualLen<o.length&&(o=new Uint8Array(o.buffer,o.byteOffset,this._macActualLen)),!vE(o,this._mac))throw new Error("Invalid MAC");let s=new Zn(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._blockPos=0,this._len=0,this._packet=null,this._packetPos=0,this._pktLen=0,this._macPos=0,this._macInstance=null;{let a=this._onPayload(s);if(a!==void 0)return a===!1?n:a}}}},yu=class{static{i(this,"GenericDecipherBinding")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._instance=new Su(n.decipherInfo.sslName,n.decipherKey,n.decipherIV,n.macInfo.sslName,n.macKey,n.macInfo.isETM,n.macInfo.actualLen),this._block=Buffer.allocUnsafe(n.macInfo.isETM||n.decipherInfo.stream?4:n.decipherInfo.blockLen),this._blockPos=0,this._len=0,this._packet=null,this._pktLen=0,this._mac=Buffer.allocUnsafe(n.macInfo.actualLen),this._macPos=0,this._macActualLen=n.macInfo.actualLen,this._macETM=n.macInfo.isETM}free(){this._instance.free()}decrypt(t,n,r){for(;n<r;){if(this._blockPos<this._block.length){let s=Math.min(this._block.length-this._blockPos,r-n);if(n!==0||s!==r||s<t.length?this._block.set(new Uint8Array(t.buffer,t.byteOffset+n,s),this._blockPos):this._block.set(t,this._blockPos),n+=s,this._blockPos+=s,this._blockPos<this._block.length)return;let a;if(this._macETM?this._len=a=Lo(this._block,0):(this._instance.decryptBlock(this._block),this._len=Lo(this._block,0),a=4+this._len-this._block.length),this._len>fr||this._len<5||(a&this._block.length-1)!==0)throw new Error("Bad packet length");if(this._macETM||(this._pktLen=this._block.length-4,this._pktLen&&(this._packet=Buffer.allocUnsafe(this._len),this._packet.set(new Uint8Array(this._block.buffer,this._block.byteOffset+4,this._pktLen),0))),n>=r)return}if(this._pktLen<this._len){let s=Math.min(this._len-this._pktLen,r-n),a;if(n!==0||s!==r?a=new Uint8Array(t.buffer,t.byteOffset+n,s):a=t,s===this._len?this._packet=a:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(a,this._pktLen)),n+=s,this._pktLen+=s,this._pktLen<this._len||n>=r)return}{let s=Math.min(this._macActualLen-this._macPos,r-n);if(n!==0||s!==r?this._mac.set(new Uint8Array(t.buffer,t.byteOffset+n,s),this._macPos):this._mac.set(t,this._macPos),n+=s,this._macPos+=s,this._macPos<this._macActualLen)return}this._instance.decrypt(this._packet,this.inSeqno,this._block,this._mac);let o=new Zn(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._blockPos=0,this._len=0,this._packet=null,this._pktLen=0,this._macPos=0,this._macInstance=null;{let s=this._onPayload(o);if(s!==void 0)return s===!1?n:s}}}};function B_(e){++e[11]>>>8&&++e[10]>>>8&&++e[9]>>>8&&++e[8]>>>8&&++e[7]>>>8&&++e[6]>>>8&&++e[5]>>>8&&++e[4]>>>8}i(B_,"ivIncrement");var SE=(()=>{let e=Buffer.alloc(4);return t=>(e[0]=t>>>24,e[1]=t>>>16,e[2]=t>>>8,e[3]=t,e)})();function vE(e,t){return e.length!==t.length?(su(e,e),!1):su(e,t)}i(vE,"timingSafeEquals");function IE(e){if(typeof e!="object"||e===null)throw new Error("Invalid config");if(typeof e.outbound!="object"||e.outbound===null)throw new Error("Invalid outbound");let t=e.outbound;if(typeof t.onWrite!="function")throw new Error("Invalid outbound.onWrite");if(typeof t.cipherInfo!="object"||t.cipherInfo===null)throw new Error("Invalid outbound.cipherInfo");if(!Buffer.isBuffer(t.cipherKey)||t.cipherKey.length!==t.cipherInfo.keyLen)throw new Error("Invalid outbound.cipherKey");if(t.cipherInfo.ivLen&&(!Buffer.isBuffer(t.cipherIV)||t.cipherIV.length!==t.cipherInfo.ivLen))throw new Error("Invalid outbound.cipherIV");if(typeof t.seqno!="number"||t.seqno<0||t.seqno>R_)throw new Error("Invalid outbound.seqno");let n=!!t.forceNative;switch(t.cipherInfo.sslName){case"aes-128-gcm":case"aes-256-gcm":return bu&&!n?new du(e):new lu(e);case"chacha20":return Au&&!n?new uu(e):new cu(e);default:{if(typeof t.macInfo!="object"||t.macInfo===null)throw new Error("Invalid outbound.macInfo");if(!Buffer.isBuffer(t.macKey)||t.macKey.length!==t.macInfo.len)throw new Error("Invalid outbound.macKey");return xu&&!n?new hu(e):new fu(e)}}}i(IE,"createCipher");function CE(e){if(typeof e!="object"||e===null)throw new Error("Invalid config");if(typeof e.inbound!="object"||e.inbound===null)throw new Error("Invalid inbound");let t=e.inbound;if(typeof t.onPayload!="function")throw new Error("Invalid inbound.onPayload");if(typeof t.decipherInfo!="object"||t.decipherInfo===null)throw new Error("Invalid inbound.decipherInfo");if(!Buffer.isBuffer(t.decipherKey)||t.decipherKey.length!==t.decipherInfo.keyLen)throw new Error("Invalid inbound.decipherKey");if(t.decipherInfo.ivLen&&(!Buffer.isBuffer(t.decipherIV)||t.decipherIV.length!==t.decipherInfo.ivLen))throw new Error("Invalid inbound.decipherIV");if(typeof t.seqno!="number"||t.seqno<0||t.seqno>R_)throw new Error("Invalid inbound.seqno");let n=!!t.forceNative;switch(t.decipherInfo.sslName){case"aes-128-gcm":case"aes-256-gcm":return Eu&&!n?new $u(e):new gu(e);case"chacha20":return ku&&!n?new mu(e):new _u(e);default:{if(typeof t.macInfo!="object"||t.macInfo===null)throw new Error("Invalid inbound.macInfo");if(!Buffer.isBuffer(t.macKey)||t.macKey.length!==t.macInfo.len)throw new Error("Invalid inbound.macKey");return Su&&!n?new yu(e):new wu(e)}}}i(CE,"createDecipher");N_.exports={CIPHER_INFO:EE,MAC_INFO:kE,bindingAvailable:!!iu,init:new Promise(async(e,t)=>{try{Oo=await C_()(),Uo=Oo._malloc(16),vu=Oo.cwrap("poly1305_auth",null,["number","array","number","array","number","array"])}catch(n){return t(n)}e()}),NullCipher:au,createCipher:IE,NullDecipher:pu,createDecipher:CE}});var pr=Me((XO,K_)=>{"use strict";var{createDecipheriv:Cu,createECDH:RE,createHash:Ho,createHmac:TE,createSign:PE,createVerify:BE,getCiphers:NE,sign:O_,verify:L_}=require("crypto"),OE=NE(),{Ber:xe}=hi(),LE=m_().pbkdf,{CIPHER_INFO:Fo}=Mr(),{eddsaSupported:Ru,SUPPORTED_CIPHER:UE}=qn(),{bufferSlice:hr,makeBufferParser:DE,readString:Ae,readUInt32BE:Do,writeUInt32BE:Et}=Pn(),Bn=Symbol("Hash Algorithm"),un=Symbol("Private key PEM"),wn=Symbol("Public key PEM"),Gn=Symbol("Public key SSH"),Kr=Symbol("Decrypted Key"),Iu=Object.create(null);{let e=Object.keys(Fo);for(let t=0;t<e.length;++t){let n=Fo[e[t]].sslName;!n||Iu[n]||(Iu[n]=Fo[e[t]])}}var Ei=DE();function ln(e,t){t=t.base64Slice(0,t.length);let n=t.replace(/.{64}/g,`$&
`);return t.length&63&&(n+=`
`),`-----BEGIN ${e} KEY-----
${n}-----END ${e} KEY-----`}i(ln,"makePEM");function Mo(e,t){let n=Buffer.allocUnsafe(e.length+t.length);return n.set(e,0),n.set(t,e.length),n}i(Mo,"combineBuffers");function Tu(e,t){let n=e.length,r=e._pos||0;for(let o=0;o<t;++o){let s=n-r;if(r>=n||s<4)return!1;let a=Do(e,r);if(s<4+a)return!1;r+=4+a}return e._pos=r,!0}i(Tu,"skipFields");function zo(e,t){let n=new xe.Writer;return n.startSequence(),n.startSequence(),n.writeOID("1.2.840.113549.1.1.1"),n.writeNull(),n.endSequence(),n.startSequence(xe.BitString),n.writeByte(0),n.startSequence(),n.writeBuffer(e,xe.Integer),n.writeBuffer(t,xe.Integer),n.endSequence(),n.endSequence(),n.endSequence(),ln("PUBLIC",n.buffer)}i(zo,"genOpenSSLRSAPub");function Qo(e,t){let n=Buffer.allocUnsafe(15+t.length+4+e.length);Et(n,7,0),n.utf8Write("ssh-rsa",4,7);let r=11;return Et(n,t.length,r),n.set(t,r+=4),Et(n,e.length,r+=t.length),n.set(e,r+4),n}i(Qo,"genOpenSSHRSAPub");var U_=(()=>{function e(r,o,s,a,c,u,l,d){let h=new xe.Writer;return h.startSequence(),h.writeInt(0,xe.Integer),h.writeBuffer(r,xe.Integer),h.writeBuffer(o,xe.Integer),h.writeBuffer(s,xe.Integer),h.writeBuffer(a,xe.Integer),h.writeBuffer(c,xe.Integer),h.writeBuffer(u,xe.Integer),h.writeBuffer(l,xe.Integer),h.writeBuffer(d,xe.Integer),h.endSequence(),h.buffer}i(e,"genRSAASN1Buf");function t(r){return BigInt(`0x${r.hexSlice(0,r.length)}`)}i(t,"bigIntFromBuffer");function n(r){let o=r.toString(16);if((o.length&1)!==0)o=`0${o}`;else{let s=o.charCodeAt(0);(s===56||s===57||s>=97&&s<=102)&&(o=`00${o}`)}return Buffer.from(o,"hex")}return i(n,"bigIntToBuffer"),i(function(o,s,a,c,u,l){let d=t(a),h=n(d%(t(u)-1n)),p=n(d%(t(l)-1n));return ln("RSA PRIVATE",e(o,s,a,u,l,h,p,c))},"genOpenSSLRSAPriv")})();function Ko(e,t,n,r){let o=new xe.Writer;return o.startSequence(),o.startSequence(),o.writeOID("1.2.840.10040.4.1"),o.startSequence(),o.writeBuffer(e,xe.Integer),o.writeBuffer(t,xe.Integer),o.writeBuffer(n,xe.Integer),o.endSequence(),o.endSequence(),o.startSequence(xe.BitString),o.writeByte(0),o.writeBuffer(r,xe.Integer),o.endSequence(),o.endSequence(),ln("PUBLIC",o.buffer)}i(Ko,"genOpenSSLDSAPub");function jo(e,t,n,r){let o=Buffer.allocUnsafe(15+e.length+4+t.length+4+n.length+4+r.length);Et(o,7,0),o.utf8Write("ssh-dss",4,7);let s=11;return Et(o,e.length,s),o.set(e,s+=4),Et(o,t.length,s+=e.length),o.set(t,s+=4),Et(o,n.length,s+=t.length),o.set(n,s+=4),Et(o,r.length,s+=n.length),o.set(r,s+4),o}i(jo,"genOpenSSHDSAPub");function D_(e,t,n,r,o){let s=new xe.Writer;return s.startSequence(),s.writeInt(0,xe.Integer),s.writeBuffer(e,xe.Integer),s.writeBuffer(t,xe.Integer),s.writeBuffer(n,xe.Integer),s.writeBuffer(r,xe.Integer),s.writeBuffer(o,xe.Integer),s.endSequence(),ln("DSA PRIVATE",s.buffer)}i(D_,"genOpenSSLDSAPriv");function H_(e){let t=new xe.Writer;return t.startSequence(),t.startSequence(),t.writeOID("1.3.101.112"),t.endSequence(),t.startSequence(xe.BitString),t.writeByte(0),t._ensure(e.length),t._buf.set(e,t._offset),t._offset+=e.length,t.endSequence(),t.endSequence(),ln("PUBLIC",t.buffer)}i(H_,"genOpenSSLEdPub");function F_(e){let t=Buffer.allocUnsafe(19+e.length);return Et(t,11,0),t.utf8Write("ssh-ed25519",4,11),Et(t,e.length,15),t.set(e,19),t}i(F_,"genOpenSSHEdPub");function HE(e){let t=new xe.Writer;return t.startSequence(),t.writeInt(0,xe.Integer),t.startSequence(),t.writeOID("1.3.101.112"),t.endSequence(),t.startSequence(xe.OctetString),t.writeBuffer(e,xe.OctetString),t.endSequence(),t.endSequence(),ln("PRIVATE",t.buffer)}i(HE,"genOpenSSLEdPriv");function Pu(e,t){let n=new xe.Writer;return n.startSequence(),n.startSequence(),n.writeOID("1.2.840.10045.2.1"),n.writeOID(e),n.endSequence(),n.startSequence(xe.BitString),n.writeByte(0),n._ensure(t.length),n._buf.set(t,n._offset),n._offset+=t.length,n.endSequence(),n.endSequence(),ln("PUBLIC",n.buffer)}i(Pu,"genOpenSSLECDSAPub");function Bu(e,t){let n;switch(e){case"1.2.840.10045.3.1.7":n="nistp256";break;case"1.3.132.0.34":n="nistp384";break;case"1.3.132.0.35":n="nistp521";break;default:return}let r=Buffer.allocUnsafe(39+t.length);return Et(r,19,0),r.utf8Write(`ecdsa-sha2-${n}`,4,19),Et(r,8,23),r.utf8Write(n,27,8),Et(r,t.length,35),r.set(t,39),r}i(Bu,"genOpenSSHECDSAPub");function FE(e,t,n){let r=new xe.Writer;return r.startSequence(),r.writeInt(1,xe.Integer),r.writeBuffer(n,xe.OctetString),r.startSequence(160),r.writeOID(e),r.endSequence(),r.startSequence(161),r.startSequence(xe.BitString),r.writeByte(0),r._ensure(t.length),r._buf.set(t,r._offset),r._offset+=t.length,r.endSequence(),r.endSequence(),r.endSequence(),ln("EC PRIVATE",r.buffer)}i(FE,"genOpenSSLECDSAPriv");function ME(e,t){let n=RE(e);return n.setPrivateKey(t),n.getPublicKey()}i(ME,"genOpenSSLECDSAPubFromPriv");var Wo={sign:i(typeof O_=="function"?function(t,n){let r=this[un];if(r===null)return new Error("No private key available");(!n||typeof n!="string")&&(n=this[Bn]);try{return O_(n,t,r)}catch(o){return o}}:function(t,n){let r=this[un];if(r===null)return new Error("No private key available");(!n||typeof n!="string")&&(n=this[Bn]);let o=PE(n);o.update(t);try{return o.sign(r)}catch(s){return s}},"sign"),verify:i(typeof L_=="function"?function(t,n,r){let o=this[wn];if(o===null)return new Error("No public key available");(!r||typeof r!="string")&&(r=this[Bn]);try{return L_(r,t,o,n)}catch(s){return s}}:function(t,n,r){let o=this[wn];if(o===null)return new Error("No public key available");(!r||typeof r!="string")&&(r=this[Bn]);let s=BE(r);s.update(t);try{return s.verify(o,n)}catch(a){return a}},"verify"),isPrivateKey:i(function(){return this[un]!==null},"isPrivateKey"),getPrivatePEM:i(function(){return this[un]},"getPrivatePEM"),getPublicPEM:i(function(){return this[wn]},"getPublicPEM"),getPublicSSH:i(function(){return this[Gn]},"getPublicSSH"),equals:i(function(t){let n=Q_(t);return n instanceof Error?!1:this.type===n.type&&this[un]===n[un]&&this[wn]===n[wn]&&this[Gn].equals(n[Gn])},"equals")};function ki(e,t,n,r,o,s,a){this.type=e,this.comment=t,this[un]=n,this[wn]=r,this[Gn]=o,this[Bn]=s,this[Kr]=a}i(ki,"OpenSSH_Private");ki.prototype=Wo;{let t=function(n,r,o){let s=[];if(n.length<8)return new Error("Malformed OpenSSH private key");let a=Do(n,0),c=Do(n,4);if(a!==c)return o?new Error("OpenSSH key integrity check failed -- bad passphrase?"):new Error("OpenSSH key integrity check failed");n._pos=8;let u,l;for(u=0;u<r;++u){let h,p,m,b,A=Ae(n,n._pos,!0);if(A===void 0)return new Error("Malformed OpenSSH private key");switch(A){case"ssh-rsa":{let E=Ae(n,n._pos);if(E===void 0)return new Error("Malformed OpenSSH private key");let I=Ae(n,n._pos);if(I===void 0)return new Error("Malformed OpenSSH private key");let L=Ae(n,n._pos);if(L===void 0)return new Error("Malformed OpenSSH private key");let B=Ae(n,n._pos);if(B===void 0)return new Error("Malformed OpenSSH private key");let Z=Ae(n,n._pos);if(Z===void 0)return new Error("Malformed OpenSSH private key");let ae=Ae(n,n._pos);if(ae===void 0)return new Error("Malformed OpenSSH private key");m=zo(E,I),b=Qo(E,I),p=U_(E,I,L,B,Z,ae),h="sha1";break}case"ssh-dss":{let E=Ae(n,n._pos);if(E===void 0)return new Error("Malformed OpenSSH private key");let I=Ae(n,n._pos);if(I===void 0)return new Error("Malformed OpenSSH private key");let L=Ae(n,n._pos);if(L===void 0)return new Error("Malformed OpenSSH private key");let B=Ae(n,n._pos);if(B===void 0)return new Error("Malformed OpenSSH private key");let Z=Ae(n,n._pos);if(Z===void 0)return new Error("Malformed OpenSSH private key");m=Ko(E,I,L,B),b=jo(E,I,L,B),p=D_(E,I,L,B,Z),h="sha1";break}case"ssh-ed25519":{if(!Ru)return new Error(`Unsupported OpenSSH private key type: ${A}`);let E=Ae(n,n._pos);if(E===void 0||E.length!==32)return new Error("Malformed OpenSSH private key");let I=Ae(n,n._pos);if(I===void 0||I.length!==64)return new Error("Malformed OpenSSH private key");m=H_(E),b=F_(E),p=HE(hr(I,0,32)),h=null;break}case"ecdsa-sha2-nistp256":h="sha256",l="1.2.840.10045.3.1.7";case"ecdsa-sha2-nistp384":h===void 0&&(h="sha384",l="1.3.132.0.34");case"ecdsa-sha2-nistp521":{if(h===void 0&&(h="sha512",l="1.3.132.0.35"),!Tu(n,1))return new Error("Malformed OpenSSH private key");let E=Ae(n,n._pos);if(E===void 0)return new Error("Malformed OpenSSH private key");let I=Ae(n,n._pos);if(I===void 0)return new Error("Malformed OpenSSH private key");m=Pu(l,E),b=Bu(l,E),p=FE(l,E,I);break}default:return new Error(`Unsupported OpenSSH private key type: ${A}`)}let y=Ae(n,n._pos,!0);if(y===void 0)return new Error("Malformed OpenSSH private key");s.push(new ki(A,y,p,m,b,h,o))}let d=0;for(u=n._pos;u<n.length;++u)if(n[u]!==++d%255)return new Error("Malformed OpenSSH private key");return s};i(t,"parseOpenSSHPrivKeys");let e=/^-----BEGIN OPENSSH PRIVATE KEY-----(?:\r\n|\n)([\s\S]+)(?:\r\n|\n)-----END OPENSSH PRIVATE KEY-----$/;ki.parse=(n,r)=>{let o=e.exec(n);if(o===null)return null;let s,a=Buffer.from(o[1],"base64");if(a.length<31)return new Error("Malformed OpenSSH private key");let c=a.utf8Slice(0,15);if(c!=="openssh-key-v1\0")return new Error(`Unsupported OpenSSH key magic: ${c}`);let u=Ae(a,15,!0);if(u===void 0)return new Error("Malformed OpenSSH private key");if(u!=="none"&&UE.indexOf(u)===-1)return new Error(`Unsupported cipher for OpenSSH key: ${u}`);let l=Ae(a,a._pos,!0);if(l===void 0)return new Error("Malformed OpenSSH private key");if(l!=="none"){if(u==="none")return new Error("Malformed OpenSSH private key");if(l!=="bcrypt")return new Error(`Unsupported kdf name for OpenSSH key: ${l}`);if(!r)return new Error("Encrypted private OpenSSH key detected, but no passphrase given")}else if(u!=="none")return new Error("Malformed OpenSSH private key");let d,h,p;u!=="none"&&(d=Fo[u]);let m=Ae(a,a._pos);if(m===void 0)return new Error("Malformed OpenSSH private key");if(m.length)switch(l){case"none":return new Error("Malformed OpenSSH private key");case"bcrypt":{let A=Ae(m,0);if(A===void 0||m._pos+4>m.length)return new Error("Malformed OpenSSH private key");let y=Do(m,m._pos),E=Buffer.allocUnsafe(d.keyLen+d.ivLen);if(LE(r,r.length,A,A.length,E,E.length,y)!==0)return new Error("Failed to generate information to decrypt key");h=hr(E,0,d.keyLen),p=hr(E,d.keyLen,E.length);break}}else if(l!=="none")return new Error("Malformed OpenSSH private key");if(a._pos+3>=a.length)return new Error("Malformed OpenSSH private key");let b=Do(a,a._pos);if(a._pos+=4,b>0){for(let y=0;y<b;++y){let E=Ae(a,a._pos);if(E===void 0)return new Error("Malformed OpenSSH private key");if(Ae(E,0,!0)===void 0)return new Error("Malformed OpenSSH private key")}let A=Ae(a,a._pos);if(A===void 0)return new Error("Malformed OpenSSH private key");if(h!==void 0){if(A.length<d.blockLen||A.length%d.blockLen!==0)return new Error("Malformed OpenSSH private key");try{let y={authTagLength:d.authLen},E=Cu(d.sslName,h,p,y);if(E.setAutoPadding(!1),d.authLen>0){if(a.length-a._pos<d.authLen)return new Error("Malformed OpenSSH private key");E.setAuthTag(hr(a,a._pos,a._pos+=d.authLen))}A=Mo(E.update(A),E.final())}catch(y){return y}}if(a._pos!==a.length)return new Error("Malformed OpenSSH private key");s=t(A,b,h!==void 0)}else s=[];return s instanceof Error?s:s[0]}}function Si(e,t,n,r,o,s,a){this.type=e,this.comment=t,this[un]=n,this[wn]=r,this[Gn]=o,this[Bn]=s,this[Kr]=a}i(Si,"OpenSSH_Old_Private");Si.prototype=Wo;{let e=/^-----BEGIN (RSA|DSA|EC) PRIVATE KEY-----(?:\r\n|\n)((?:[^:]+:\s*[\S].*(?:\r\n|\n))*)([\s\S]+)(?:\r\n|\n)-----END (RSA|DSA|EC) PRIVATE KEY-----$/;Si.parse=(t,n)=>{let r=e.exec(t);if(r===null)return null;let o=Buffer.from(r[3],"base64"),s=r[2],a=!1;if(s!==void 0){s=s.split(/\r\n|\n/g);for(let b=0;b<s.length;++b){let A=s[b],y=A.indexOf(":");if(A.slice(0,y)==="DEK-Info"){let E=A.slice(y+2);if(y=E.indexOf(","),y===-1)continue;let I=E.slice(0,y).toLowerCase();if(OE.indexOf(I)===-1)return new Error(`Cipher (${I}) not supported for encrypted OpenSSH private key`);let L=Iu[I];if(!L)return new Error(`Cipher (${I}) not supported for encrypted OpenSSH private key`);let B=Buffer.from(E.slice(y+1),"hex");if(B.length!==L.ivLen)return new Error("Malformed encrypted OpenSSH private key");if(!n)return new Error("Encrypted OpenSSH private key detected, but no passphrase given");let Z=hr(B,0,8),ae=Ho("md5").update(n).update(Z).digest();for(;ae.length<L.keyLen;)ae=Mo(ae,Ho("md5").update(ae).update(n).update(Z).digest());ae.length>L.keyLen&&(ae=hr(ae,0,L.keyLen));try{let ye=Cu(I,ae,B);ye.setAutoPadding(!1),o=Mo(ye.update(o),ye.final()),a=!0}catch(ye){return ye}}}}let c,u,l,d,h,p,m="Malformed OpenSSH private key";switch(a&&(m+=". Bad passphrase?"),r[1]){case"RSA":c="ssh-rsa",u=ln("RSA PRIVATE",o);try{p=new xe.Reader(o),p.readSequence(),p.readInt();let b=p.readString(xe.Integer,!0);if(b===null)return new Error(m);let A=p.readString(xe.Integer,!0);if(A===null)return new Error(m);l=zo(b,A),d=Qo(b,A)}catch{return new Error(m)}h="sha1";break;case"DSA":c="ssh-dss",u=ln("DSA PRIVATE",o);try{p=new xe.Reader(o),p.readSequence(),p.readInt();let b=p.readString(xe.Integer,!0);if(b===null)return new Error(m);let A=p.readString(xe.Integer,!0);if(A===null)return new Error(m);let y=p.readString(xe.Integer,!0);if(y===null)return new Error(m);let E=p.readString(xe.Integer,!0);if(E===null)return new Error(m);l=Ko(b,A,y,E),d=jo(b,A,y,E)}catch{return new Error(m)}h="sha1";break;case"EC":{let b,A,y;try{p=new xe.Reader(o),p.readSequence(),p.readInt(),A=p.readString(xe.OctetString,!0),p.readByte();let I=p.readLength();if(I!==null){if(p._offset=I,y=p.readOID(),y===null)return new Error(m);switch(y){case"1.2.840.10045.3.1.7":b="prime256v1",c="ecdsa-sha2-nistp256",h="sha256";break;case"1.3.132.0.34":b="secp384r1",c="ecdsa-sha2-nistp384",h="sha384";break;case"1.3.132.0.35":b="secp521r1",c="ecdsa-sha2-nistp521",h="sha512";break;default:return new Error(`Unsupported private key EC OID: ${y}`)}}else return new Error(m)}catch{return new Error(m)}u=ln("EC PRIVATE",o);let E=ME(b,A);l=Pu(y,E),d=Bu(y,E);break}}return new Si(c,"",u,l,d,h,a)}}function vi(e,t,n,r,o,s,a){this.type=e,this.comment=t,this[un]=n,this[wn]=r,this[Gn]=o,this[Bn]=s,this[Kr]=a}i(vi,"PPK_Private");vi.prototype=Wo;{let e=Buffer.alloc(0),t=Buffer.from([0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]),n=Buffer.from([0,0,0,0]),r=Buffer.from([0,0,0,1]),o=/^PuTTY-User-Key-File-2: (ssh-(?:rsa|dss))\r?\nEncryption: (aes256-cbc|none)\r?\nComment: ([^\r\n]*)\r?\nPublic-Lines: \d+\r?\n([\s\S]+?)\r?\nPrivate-Lines: \d+\r?\n([\s\S]+?)\r?\nPrivate-MAC: ([^\r\n]+)/;vi.parse=(s,a)=>{let c=o.exec(s);if(c===null)return null;let u=c[2],l=u!=="none";if(l&&!a)return new Error("Encrypted PPK private key detected, but no passphrase given");let d=Buffer.from(c[5],"base64");if(l){let W=Fo[u],K=Mo(Ho("sha1").update(n).update(a).digest(),Ho("sha1").update(r).update(a).digest());K.length>W.keyLen&&(K=hr(K,0,W.keyLen));try{let te=Cu(W.sslName,K,t);te.setAutoPadding(!1),d=Mo(te.update(d),te.final())}catch(te){return te}}let h=c[1],p=c[3],m=Buffer.from(c[4],"base64"),b=c[6],A=h.length,y=u.length,E=Buffer.byteLength(p),I=m.length,L=d.length,B=Buffer.allocUnsafe(4+A+4+y+4+E+4+I+4+L),Z=0;if(Et(B,A,Z),B.utf8Write(h,Z+=4,A),Et(B,y,Z+=A),B.utf8Write(u,Z+=4,y),Et(B,E,Z+=y),B.utf8Write(p,Z+=4,E),Et(B,I,Z+=E),B.set(m,Z+=4),Et(B,L,Z+=I),B.set(d,Z+4),a||(a=e),TE("sha1",Ho("sha1").update("putty-private-key-file-mac-key").update(a).digest()).update(B).digest("hex")!==b)return l?new Error("PPK private key integrity check failed -- bad passphrase?"):new Error("PPK private key integrity check failed");let ye,M,G;switch(m._pos=0,Tu(m,1),h){case"ssh-rsa":{let W=Ae(m,m._pos);if(W===void 0)return new Error("Malformed PPK public key");let K=Ae(m,m._pos);if(K===void 0)return new Error("Malformed PPK public key");let te=Ae(d,0);if(te===void 0)return new Error("Malformed PPK private key");let _e=Ae(d,d._pos);if(_e===void 0)return new Error("Malformed PPK private key");let Y=Ae(d,d._pos);if(Y===void 0)return new Error("Malformed PPK private key");let re=Ae(d,d._pos);if(re===void 0)return new Error("Malformed PPK private key");ye=zo(K,W),M=Qo(K,W),G=U_(K,W,te,re,_e,Y);break}case"ssh-dss":{let W=Ae(m,m._pos);if(W===void 0)return new Error("Malformed PPK public key");let K=Ae(m,m._pos);if(K===void 0)return new Error("Malformed PPK public key");let te=Ae(m,m._pos);if(te===void 0)return new Error("Malformed PPK public key");let _e=Ae(m,m._pos);if(_e===void 0)return new Error("Malformed PPK public key");let Y=Ae(d,0);if(Y===void 0)return new Error("Malformed PPK private key");ye=Ko(W,K,te,_e),M=jo(W,K,te,_e),G=D_(W,K,te,_e,Y);break}}return new vi(h,p,G,ye,M,"sha1",l)}}function Ci(e,t,n,r,o){this.type=e,this.comment=t,this[un]=null,this[wn]=n,this[Gn]=r,this[Bn]=o,this[Kr]=!1}i(Ci,"OpenSSH_Public");Ci.prototype=Wo;{let e;Ru?e=/^(((?:ssh-(?:rsa|dss|ed25519))|ecdsa-sha2-nistp(?:256|384|521))(?:-cert-v0[01]@openssh.com)?) ([A-Z0-9a-z/+=]+)(?:$|\s+([\S].*)?)$/:e=/^(((?:ssh-(?:rsa|dss))|ecdsa-sha2-nistp(?:256|384|521))(?:-cert-v0[01]@openssh.com)?) ([A-Z0-9a-z/+=]+)(?:$|\s+([\S].*)?)$/,Ci.parse=t=>{let n=e.exec(t);if(n===null)return null;let r=n[1],o=n[2],s=Buffer.from(n[3],"base64"),a=n[4]||"",c=Ae(s,s._pos,!0);return c===void 0||c.indexOf(o)!==0?new Error("Malformed OpenSSH public key"):Nu(s,o,a,r)}}function Ii(e,t,n,r,o){this.type=e,this.comment=t,this[un]=null,this[wn]=n,this[Gn]=r,this[Bn]=o,this[Kr]=!1}i(Ii,"RFC4716_Public");Ii.prototype=Wo;{let e=/^---- BEGIN SSH2 PUBLIC KEY ----(?:\r?\n)((?:.{0,72}\r?\n)+)---- END SSH2 PUBLIC KEY ----$/,t=/^[A-Z0-9a-z/+=\r\n]+$/,n=/^([\x21-\x39\x3B-\x7E]{1,64}): ((?:[^\\]*\\\r?\n)*[^\r\n]+)\r?\n/gm,r=/\\\r?\n/g;Ii.parse=o=>{let s=e.exec(o);if(s===null)return null;let a=s[1],c=0,u="";for(;s=n.exec(a);){let m=s[1],b=s[2].replace(r,"");if(b.length>1024)return n.lastIndex=0,new Error("Malformed RFC4716 public key");c=n.lastIndex,m.toLowerCase()==="comment"&&(u=b,u.length>1&&u.charCodeAt(0)===34&&u.charCodeAt(u.length-1)===34&&(u=u.slice(1,-1)))}let l=a.slice(c);if(!t.test(l))return new Error("Malformed RFC4716 public key");l=Buffer.from(l,"base64");let d=Ae(l,0,!0);if(d===void 0)return new Error("Malformed RFC4716 public key");let h=null,p=null;switch(d){case"ssh-rsa":{let m=Ae(l,l._pos);if(m===void 0)return new Error("Malformed RFC4716 public key");let b=Ae(l,l._pos);if(b===void 0)return new Error("Malformed RFC4716 public key");h=zo(b,m),p=Qo(b,m);break}case"ssh-dss":{let m=Ae(l,l._pos);if(m===void 0)return new Error("Malformed RFC4716 public key");let b=Ae(l,l._pos);if(b===void 0)return new Error("Malformed RFC4716 public key");let A=Ae(l,l._pos);if(A===void 0)return new Error("Malformed RFC4716 public key");let y=Ae(l,l._pos);if(y===void 0)return new Error("Malformed RFC4716 public key");h=Ko(m,b,A,y),p=jo(m,b,A,y);break}default:return new Error("Malformed RFC4716 public key")}return new Ii(d,u,h,p,"sha1")}}function Nu(e,t,n,r){if(!M_(t))return new Error(`Unsupported OpenSSH public key type: ${t}`);let o,s,a=null,c=null;switch(t){case"ssh-rsa":{let u=Ae(e,e._pos||0);if(u===void 0)return new Error("Malformed OpenSSH public key");let l=Ae(e,e._pos);if(l===void 0)return new Error("Malformed OpenSSH public key");a=zo(l,u),c=Qo(l,u),o="sha1";break}case"ssh-dss":{let u=Ae(e,e._pos||0);if(u===void 0)return new Error("Malformed OpenSSH public key");let l=Ae(e,e._pos);if(l===void 0)return new Error("Malformed OpenSSH public key");let d=Ae(e,e._pos);if(d===void 0)return new Error("Malformed OpenSSH public key");let h=Ae(e,e._pos);if(h===void 0)return new Error("Malformed OpenSSH public key");a=Ko(u,l,d,h),c=jo(u,l,d,h),o="sha1";break}case"ssh-ed25519":{let u=Ae(e,e._pos||0);if(u===void 0||u.length!==32)return new Error("Malformed OpenSSH public key");a=H_(u),c=F_(u),o=null;break}case"ecdsa-sha2-nistp256":o="sha256",s="1.2.840.10045.3.1.7";case"ecdsa-sha2-nistp384":o===void 0&&(o="sha384",s="1.3.132.0.34");case"ecdsa-sha2-nistp521":{if(o===void 0&&(o="sha512",s="1.3.132.0.35"),!Tu(e,1))return new Error("Malformed OpenSSH public key");let u=Ae(e,e._pos||0);if(u===void 0)return new Error("Malformed OpenSSH public key");a=Pu(s,u),c=Bu(s,u);break}default:return new Error(`Unsupported OpenSSH public key type: ${t}`)}return new Ci(r,n,a,c,o)}i(Nu,"parseDER");function M_(e){switch(e){case"ssh-rsa":case"ssh-dss":case"ecdsa-sha2-nistp256":case"ecdsa-sha2-nistp384":case"ecdsa-sha2-nistp521":return!0;case"ssh-ed25519":if(Ru)return!0;default:return!1}}i(M_,"isSupportedKeyType");function z_(e){return e?typeof e[Kr]=="boolean":!1}i(z_,"isParsedKey");function Q_(e,t){if(z_(e))return e;let n;if(Buffer.isBuffer(e))n=e,e=e.utf8Slice(0,e.length).trim();else if(typeof e=="string")e=e.trim();else return new Error("Key data must be a Buffer or string");if(t!=null){if(typeof t=="string")t=Buffer.from(t);else if(!Buffer.isBuffer(t))return new Error("Passphrase must be a string or Buffer when supplied")}let r;if((r=ki.parse(e,t))!==null||(r=Si.parse(e,t))!==null||(r=vi.parse(e,t))!==null||(r=Ci.parse(e))!==null||(r=Ii.parse(e))!==null)return r;if(n){Ei.init(n,0);let o=Ei.readString(!0);o!==void 0&&(e=Ei.readRaw(),e!==void 0&&(r=Nu(e,o,"",o),r instanceof Error&&(r=null))),Ei.clear()}return r||new Error("Unsupported key format")}i(Q_,"parseKey");K_.exports={isParsedKey:z_,isSupportedKeyType:M_,parseDERKey:i((e,t)=>Nu(e,t,"",t),"parseDERKey"),parseKey:Q_}});var Fu=Me((r5,em)=>{"use strict";var{Socket:Z_}=require("net"),{Duplex:G_}=require("stream"),{resolve:zE}=require("path"),{readFile:j_}=require("fs"),{execFile:QE,spawn:KE}=require("child_process"),{isParsedKey:W_,parseKey:qo}=pr(),{makeBufferParser:jE,readUInt32BE:Hu,writeUInt32BE:Ht,writeUInt32LE:q_}=Pn();function Zo(e){let t=!1;return(...n)=>{t||(t=!0,e(...n))}}i(Zo,"once");function WE(e,t){let n=Buffer.allocUnsafe(e.length+t.length);return e.copy(n,0),t.copy(n,e.length),n}i(WE,"concat");function Lu(){}i(Lu,"noop");var qE=Buffer.alloc(0),ct=jE(),Go=class{static{i(this,"BaseAgent")}getIdentities(t){t(new Error("Missing getIdentities() implementation"))}sign(t,n,r,o){typeof r=="function"&&(o=r),o(new Error("Missing sign() implementation"))}},Wr=class extends Go{static{i(this,"OpenSSHAgent")}constructor(t){super(),this.socketPath=t}getStream(t){t=Zo(t);let n=new Z_;n.on("connect",()=>{t(null,n)}),n.on("close",r).on("end",r).on("error",r),n.connect(this.socketPath);function r(){try{n.destroy()}catch{}t(new Error("Failed to connect to agent"))}i(r,"onFail")}getIdentities(t){t=Zo(t),this.getStream((n,r)=>{function o(a){if(r)try{r.destroy()}catch{}a||(a=new Error("Failed to retrieve identities from agent")),t(a)}if(i(o,"onFail"),n)return o(n);let s=new Uu(!0);s.on("error",o),s.pipe(r).pipe(s),r.on("close",o).on("end",o).on("error",o),s.getIdentities((a,c)=>{if(a)return o(a);try{r.destroy()}catch{}t(null,c)})})}sign(t,n,r,o){typeof r=="function"?(o=r,r=void 0):(typeof r!="object"||r===null)&&(r=void 0),o=Zo(o),this.getStream((s,a)=>{function c(l){if(a)try{a.destroy()}catch{}l||(l=new Error("Failed to sign data with agent")),o(l)}if(i(c,"onFail"),s)return c(s);let u=new Uu(!0);u.on("error",c),u.pipe(a).pipe(u),a.on("close",c).on("end",c).on("error",c),u.sign(t,n,r,(l,d)=>{if(l)return c(l);try{a.destroy()}catch{}o(null,d)})})}},Y_=(()=>{let a=zE(__dirname,"..","util/pagent.exe"),c={10:new Error("Invalid pagent.exe arguments"),11:new Error("Pageant is not running"),12:new Error("pagent.exe could not create an mmap"),13:new Error("pagent.exe could not set mode for stdin"),14:new Error("pagent.exe could not set mode for stdout"),15:new Error("pagent.exe did not get expected input payload")};function u(d){d.buffer=null,d.proc&&(d.proc.kill(),d.proc=void 0)}i(u,"destroy");class l extends G_{static{i(this,"PageantSocket")}constructor(){super(),this.proc=void 0,this.buffer=null}_read(h){}_write(h,p,m){if(this.buffer===null)this.buffer=h;else{let E=Buffer.allocUnsafe(this.buffer.length+h.length);this.buffer.copy(E,0),h.copy(E,this.buffer.length),this.buffer=E}if(this.buffer.length<4)return m();let b=Hu(this.buffer,0);if(this.buffer.length-4<b)return m();if(h=this.buffer.slice(0,4+b),this.buffer.length>4+b)return m(new Error("Unexpected multiple agent requests"));this.buffer=null;let A,y=this.proc=KE(a,[h.length]);y.stdout.on("data",E=>{this.push(E)}),y.on("error",E=>{A=E,m(A)}),y.on("close",E=>{if(this.proc=void 0,!A){if(A=c[E])return m(A);m()}}),y.stdin.end(h)}_final(h){u(this),h()}_destroy(h,p){u(this),p()}}return class extends Wr{static{i(this,"PageantAgent")}getStream(h){h(null,new l)}}})(),V_=(()=>{let e=/^!<socket >(\d+) s ([A-Z0-9]{8}-[A-Z0-9]{8}-[A-Z0-9]{8}-[A-Z0-9]{8})/;return class extends Wr{static{i(this,"CygwinAgent")}getStream(n){n=Zo(n);let r=this.socketPath,o=!1;j_(r,i(function s(a,c){if(a){if(o)return n(new Error("Invalid cygwin unix socket path"));QE("cygpath",["-w",r],(ae,ye,M)=>{if(ae||ye.length===0)return n(new Error("Invalid cygwin unix socket path"));o=!0,r=ye.toString().replace(/[\r\n]/g,""),j_(r,s)});return}let u=e.exec(c.toString("ascii"));if(!u)return n(new Error("Malformed cygwin unix socket file"));let l,d=0,h=!1,p=[],m,b=Buffer.alloc(12),A=parseInt(u[1],10),y=u[2].replace(/-/g,""),E=Buffer.allocUnsafe(16);for(let ae=0,ye=0;ye<32;++ae,ye+=2)E[ae]=parseInt(y.substring(ye,ye+2),16);for(let ae=0;ae<16;ae+=4)q_(E,Hu(E,ae),ae);Z();function I(){d=0,l="secret",m.write(E)}i(I,"_onconnect");function L(ae){if(d+=ae.length,l==="secret"){d===16&&(d=0,l="creds",m.write(b));return}if(l==="creds"&&(h||p.push(ae),d===12)){if(m.removeListener("connect",I),m.removeListener("data",L),m.removeListener("error",B),m.removeListener("end",B),m.removeListener("close",B),h)return n(null,m);h=!0,b=Buffer.concat(p),q_(b,process.pid,0),m.on("error",()=>{}),m.destroy(),Z()}}i(L,"_ondata");function B(){n(new Error("Problem negotiating cygwin unix socket security"))}i(B,"onFail");function Z(){m=new Z_,m.on("connect",I),m.on("data",L),m.on("error",B),m.on("end",B),m.on("close",B),m.connect(A)}i(Z,"tryConnect")},"readCygsocket"))}}})(),ZE=/^[/\\][/\\]\.[/\\]pipe[/\\].+/;function X_(e){return process.platform==="win32"&&!ZE.test(e)?e==="pageant"?new Y_:new V_(e):new Wr(e)}i(X_,"createAgent");var Uu=(()=>{function l(M){let G;for(;M[I].length;){let W=M[I][0][h];if(W===void 0)break;M[I].shift(),G=M.push(W)}return G}i(l,"processResponses");let d=Symbol("Inbound Request Type"),h=Symbol("Inbound Request Response"),p=Symbol("Inbound Request Context");class m{static{i(this,"AgentInboundRequest")}constructor(G,W){this[d]=G,this[h]=void 0,this[p]=W}hasResponded(){return this[h]!==void 0}getType(){return this[d]}getContext(){return this[p]}}function b(M,G,W){return G[h]=W,l(M)}i(b,"respond");function A(M){if(M[B]=null,M[L]===0){let G=M[I];if(G&&G.length){M[I]=[];for(let W of G)W.cb(new Error("No reply from server"))}}try{M.end()}catch{}setImmediate(()=>{M[ye]||M.emit("end"),M[ae]||M.emit("close")})}i(A,"cleanup");function y(){this[ae]=!0}i(y,"onClose");function E(){this[ye]=!0}i(E,"onEnd");let I=Symbol("Requests"),L=Symbol("Agent Protocol Role"),B=Symbol("Agent Protocol Buffer"),Z=Symbol("Agent Protocol Current Message Length"),ae=Symbol("Agent Protocol Closed"),ye=Symbol("Agent Protocol Ended");return class extends G_{static{i(this,"AgentProtocol")}constructor(G){super({autoDestroy:!0,emitClose:!1}),this[L]=G?0:1,this[I]=[],this[B]=null,this[Z]=-1,this.once("end",E),this.once("close",y)}_read(G){}_write(G,W,K){this[B]===null?this[B]=G:this[B]=WE(this[B],G);let te=this[B],_e=te.length,Y=0;for(;Y<_e&&!(_e<5||(this[Z]===-1&&(this[Z]=Hu(te,Y)),_e<4+this[Z]));){let re=te[Y+=4];if(++Y,this[L]===0){if(this[I].length===0)return K(new Error("Received unexpected message from server"));let fe=this[I].shift();switch(re){case 5:fe.cb(new Error("Agent responded with failure"));break;case 12:{if(fe.type!==11)return K(new Error("Agent responded with wrong message type"));ct.init(te,Y);let $e=ct.readUInt32BE();if($e===void 0)return ct.clear(),K(new Error("Malformed agent response"));let R=[];for(let O=0;O<$e;++O){let N=ct.readString();if(N===void 0)return ct.clear(),K(new Error("Malformed agent response"));let z=ct.readString(!0);if(z===void 0)return ct.clear(),K(new Error("Malformed agent response"));N=qo(N),!(N instanceof Error)&&(N.comment=N.comment||z,R.push(N))}Y=ct.pos(),ct.clear(),fe.cb(null,R);break}case 14:{if(fe.type!==13)return K(new Error("Agent responded with wrong message type"));ct.init(te,Y);let $e=ct.readString();if(Y=ct.pos(),ct.clear(),$e===void 0)return K(new Error("Malformed agent response"));if(ct.init($e,0),ct.readString(!0),$e=ct.readString(),ct.clear(),$e===void 0)return K(new Error("Malformed OpenSSH signature format"));fe.cb(null,$e);break}default:return K(new Error("Agent responded with unsupported message type"))}}else switch(re){case 11:{let fe=new m(re);this[I].push(fe),this.emit("identities",fe);break}case 13:{ct.init(te,Y);let fe=ct.readString(),$e=ct.readString(),R=ct.readUInt32BE();if(Y=ct.pos(),ct.clear(),R===void 0){let ce=new m(re);return this[I].push(ce),this.failureReply(ce)}if(fe=qo(fe),fe instanceof Error){let ce=new m(re);return this[I].push(ce),this.failureReply(ce)}let O={hash:void 0},N;fe.type==="ssh-rsa"&&(R&2?(N="rsa-sha2-256",O.hash="sha256"):R&4&&(N="rsa-sha2-512",O.hash="sha512")),N===void 0&&(N=fe.type);let z=new m(re,N);this[I].push(z),this.emit("sign",z,fe,$e,O);break}default:{let fe=new m(re);this[I].push(fe),this.failureReply(fe)}}if(this[Z]=-1,Y===_e){this[B]=null;break}else this[B]=te=te.slice(Y),_e=te.length,Y=0}K()}_destroy(G,W){A(this),W()}_final(G){A(this),G()}sign(G,W,K,te){if(this[L]!==0)throw new Error("Client-only method called with server role");typeof K=="function"?(te=K,K=void 0):(typeof K!="object"||K===null)&&(K=void 0);let _e=0;if(G=qo(G),G instanceof Error)throw new Error("Invalid public key argument");if(G.type==="ssh-rsa"&&K)switch(K.hash){case"sha256":_e=2;break;case"sha512":_e=4;break}G=G.getPublicSSH();let Y=13,re=G.length,fe=W.length,$e=0,R=Buffer.allocUnsafe(9+re+4+fe+4);return Ht(R,R.length-4,$e),R[$e+=4]=Y,Ht(R,re,++$e),G.copy(R,$e+=4),Ht(R,fe,$e+=re),W.copy(R,$e+=4),Ht(R,_e,$e+=fe),typeof te!="function"&&(te=Lu),this[I].push({type:Y,cb:te}),this.push(R)}getIdentities(G){if(this[L]!==0)throw new Error("Client-only method called with server role");let W=11,K=0,te=Buffer.allocUnsafe(5);return Ht(te,te.length-4,K),te[K+=4]=W,typeof G!="function"&&(G=Lu),this[I].push({type:W,cb:G}),this.push(te)}failureReply(G){if(this[L]!==1)throw new Error("Server-only method called with client role");if(!(G instanceof m))throw new Error("Wrong request argument");if(G.hasResponded())return!0;let W=0,K=Buffer.allocUnsafe(5);return Ht(K,K.length-4,W),K[W+=4]=5,b(this,G,K)}getIdentitiesReply(G,W){if(this[L]!==1)throw new Error("Server-only method called with client role");if(!(G instanceof m))throw new Error("Wrong request argument");if(G.hasResponded())return!0;if(G.getType()!==11)throw new Error("Invalid response to request");if(!Array.isArray(W))throw new Error("Keys argument must be an array");let K=4,te=[];for(let re=0;re<W.length;++re){let fe=W[re];if(typeof fe!="object"||fe===null)throw new Error(`Invalid key entry: ${fe}`);let $e,R;if(W_(fe))$e=fe;else if(W_(fe.pubKey))$e=fe.pubKey;else if(typeof fe.pubKey!="object"||fe.pubKey===null||({pubKey:$e,comment:R}=fe.pubKey,$e=qo($e),$e instanceof Error))continue;R=$e.comment||R,$e=$e.getPublicSSH(),K+=4+$e.length,R&&typeof R=="string"?R=Buffer.from(R):Buffer.isBuffer(R)||(R=qE),K+=4+R.length,te.push({pubKey:$e,comment:R})}let _e=0,Y=Buffer.allocUnsafe(5+K);Ht(Y,Y.length-4,_e),Y[_e+=4]=12,Ht(Y,te.length,++_e),_e+=4;for(let re=0;re<te.length;++re){let{pubKey:fe,comment:$e}=te[re];Ht(Y,fe.length,_e),fe.copy(Y,_e+=4),Ht(Y,$e.length,_e+=fe.length),_e+=4,$e.length&&($e.copy(Y,_e),_e+=$e.length)}return b(this,G,Y)}signReply(G,W){if(this[L]!==1)throw new Error("Server-only method called with client role");if(!(G instanceof m))throw new Error("Wrong request argument");if(G.hasResponded())return!0;if(G.getType()!==13)throw new Error("Invalid response to request");if(!Buffer.isBuffer(W))throw new Error("Signature argument must be a Buffer");if(W.length===0)throw new Error("Signature argument must be non-empty");let K=0,te=G.getContext(),_e=Buffer.byteLength(te),Y=Buffer.allocUnsafe(13+_e+4+W.length);return Ht(Y,Y.length-4,K),Y[K+=4]=14,Ht(Y,4+_e+4+W.length,++K),Ht(Y,_e,K+=4),Y.utf8Write(te,K+=4,_e),Ht(Y,W.length,K+=_e),W.copy(Y,K+=4),b(this,G,Y)}}})(),Ou=Symbol("Agent"),dn=Symbol("Agent Keys"),Nn=Symbol("Agent Keys Index"),jr=Symbol("Agent Init Callbacks"),Du=class{static{i(this,"AgentContext")}constructor(t){if(typeof t=="string")t=X_(t);else if(!J_(t))throw new Error("Invalid agent argument");this[Ou]=t,this[dn]=null,this[Nn]=-1,this[jr]=null}init(t){if(typeof t!="function"&&(t=Lu),this[dn]===null)if(this[jr]===null){this[jr]=[t];let n=i((...r)=>{process.nextTick(()=>{let o=this[jr];this[jr]=null;for(let s of o)s(...r)})},"doCbs");this[Ou].getIdentities(Zo((r,o)=>{if(r)return n(r);if(!Array.isArray(o))return n(new Error("Agent implementation failed to provide keys"));let s=[];for(let a of o)a=qo(a),!(a instanceof Error)&&s.push(a);this[dn]=s,this[Nn]=-1,n()}))}else this[jr].push(t);else process.nextTick(t)}nextKey(){return this[dn]===null||++this[Nn]>=this[dn].length?!1:this[dn][this[Nn]]}currentKey(){return this[dn]===null||this[Nn]>=this[dn].length?null:this[dn][this[Nn]]}pos(){return this[dn]===null||this[Nn]>=this[dn].length?-1:this[Nn]}reset(){this[Nn]=-1}sign(...t){this[Ou].sign(...t)}};function J_(e){return e instanceof Go}i(J_,"isAgent");em.exports={AgentContext:Du,AgentProtocol:Uu,BaseAgent:Go,createAgent:X_,CygwinAgent:V_,isAgent:J_,OpenSSHAgent:Wr,PageantAgent:Y_}});var tm=Me(()=>{});var Ri=Me(nm=>{nm.SFTP=class{}});var Wu=Me((u5,rm)=>{"use strict";var{kMaxLength:GE}=require("buffer"),{createInflate:YE,constants:{DEFLATE:VE,INFLATE:XE,Z_DEFAULT_CHUNK:JE,Z_DEFAULT_COMPRESSION:e1,Z_DEFAULT_MEMLEVEL:t1,Z_DEFAULT_STRATEGY:n1,Z_DEFAULT_WINDOWBITS:r1,Z_PARTIAL_FLUSH:o1}}=require("zlib"),s1=YE()._handle.constructor;function i1(){throw new Error("Should not get here")}i(i1,"processCallback");function a1(e,t,n){let r=this._owner,o=new Error(e);o.errno=t,o.code=n,r._err=o}i(a1,"zlibOnError");function ju(e){e._handle&&(e._handle.close(),e._handle=null)}i(ju,"_close");var Ti=class{static{i(this,"Zlib")}constructor(t){let n=r1,r=e1,o=t1,s=n1,a=void 0;this._err=void 0,this._writeState=new Uint32Array(2),this._chunkSize=JE,this._maxOutputLength=GE,this._outBuffer=Buffer.allocUnsafe(this._chunkSize),this._outOffset=0,this._handle=new s1(t),this._handle._owner=this,this._handle.onerror=a1,this._handle.init(n,r,o,s,this._writeState,i1,a)}writeSync(t,n){let r=this._handle;if(!r)throw new Error("Invalid Zlib instance");let o=t.length,s=this._chunkSize-this._outOffset,a=0,c,u,l,d=0,h=this._writeState,p=this._outBuffer,m=this._outOffset,b=this._chunkSize;for(;;){if(r.writeSync(o1,t,a,o,p,m,s),this._err)throw this._err;c=h[0],u=h[1];let y=o-u,E=s-c;if(E>0){let I=m===0&&E===p.length?p:p.slice(m,m+E);if(m+=E,l?l.push===void 0?l=[l,I]:l.push(I):l=I,d+=I.byteLength,d>this._maxOutputLength)throw ju(this),new Error(`Output length exceeded maximum of ${this._maxOutputLength}`)}else if(E!==0)throw new Error("have should not go down");if((c===0||m>=b)&&(s=b,m=0,p=Buffer.allocUnsafe(b)),c===0)a+=y,o=u;else break}if(this._outBuffer=p,this._outOffset=m,d===0&&(l=Buffer.alloc(0)),n)return l.totalLen=d,l;if(l.push===void 0)return l;let A=Buffer.allocUnsafe(d);for(let y=0,E=0;y<l.length;++y){let I=l[y];A.set(I,E),E+=I.length}return A}},Mu=class{static{i(this,"ZlibPacketWriter")}constructor(t){this.allocStart=0,this.allocStartKEX=0,this._protocol=t,this._zlib=new Ti(VE)}cleanup(){this._zlib&&ju(this._zlib)}alloc(t,n){return Buffer.allocUnsafe(t)}finalize(t,n){if(this._protocol._kexinit===void 0||n){let r=this._zlib.writeSync(t,!0),o=this._protocol._cipher.allocPacket(r.totalLen);if(r.push===void 0)o.set(r,5);else for(let s=0,a=5;s<r.length;++s){let c=r[s];o.set(c,a),a+=c.length}return o}return t}},zu=class{static{i(this,"PacketWriter")}constructor(t){this.allocStart=5,this.allocStartKEX=5,this._protocol=t}cleanup(){}alloc(t,n){return this._protocol._kexinit===void 0||n?this._protocol._cipher.allocPacket(t):Buffer.allocUnsafe(t)}finalize(t,n){return t}},Qu=class{static{i(this,"ZlibPacketReader")}constructor(){this._zlib=new Ti(XE)}cleanup(){this._zlib&&ju(this._zlib)}read(t){return this._zlib.writeSync(t,!1)}},Ku=class{static{i(this,"PacketReader")}cleanup(){}read(t){return t}};rm.exports={PacketReader:Ku,PacketWriter:zu,ZlibPacketReader:Qu,ZlibPacketWriter:Mu}});var cm=Me((d5,am)=>{"use strict";var{bufferSlice:qu,bufferParser:v,doFatalError:rt,sigSSHToASN1:om,writeUInt32BE:sm}=Pn(),{CHANNEL_OPEN_FAILURE:c1,COMPAT:u1,MESSAGE:ot,TERMINAL_MODE:im}=qn(),{parseKey:l1}=pr(),d1=Array.from(Object.entries(im)).reduce((e,[t,n])=>({...e,[t]:n}),{});am.exports={[ot.DISCONNECT]:(e,t)=>{v.init(t,1);let n=v.readUInt32BE(),r=v.readString(!0),o=v.readString();if(v.clear(),o===void 0)return rt(e,"Inbound: Malformed DISCONNECT packet");e._debug&&e._debug(`Inbound: Received DISCONNECT (${n}, "${r}")`);let s=e._handlers.DISCONNECT;s&&s(e,n,r)},[ot.IGNORE]:(e,t)=>{e._debug&&e._debug("Inbound: Received IGNORE")},[ot.UNIMPLEMENTED]:(e,t)=>{v.init(t,1);let n=v.readUInt32BE();if(v.clear(),n===void 0)return rt(e,"Inbound: Malformed UNIMPLEMENTED packet");e._debug&&e._debug(`Inbound: Received UNIMPLEMENTED (seqno ${n})`)},[ot.DEBUG]:(e,t)=>{v.init(t,1);let n=v.readBool(),r=v.readString(!0),o=v.readString();if(v.clear(),o===void 0)return rt(e,"Inbound: Malformed DEBUG packet");e._debug&&e._debug("Inbound: Received DEBUG");let s=e._handlers.DEBUG;s&&s(e,n,r)},[ot.SERVICE_REQUEST]:(e,t)=>{v.init(t,1);let n=v.readString(!0);if(v.clear(),n===void 0)return rt(e,"Inbound: Malformed SERVICE_REQUEST packet");e._debug&&e._debug(`Inbound: Received SERVICE_REQUEST (${n})`);let r=e._handlers.SERVICE_REQUEST;r&&r(e,n)},[ot.SERVICE_ACCEPT]:(e,t)=>{v.init(t,1);let n=v.readString(!0);if(v.clear(),n===void 0)return rt(e,"Inbound: Malformed SERVICE_ACCEPT packet");e._debug&&e._debug(`Inbound: Received SERVICE_ACCEPT (${n})`);let r=e._handlers.SERVICE_ACCEPT;r&&r(e,n)},[ot.EXT_INFO]:(e,t)=>{v.init(t,1);let n=v.readUInt32BE(),r;if(n!==void 0){r=[];for(let s=0;s<n;++s){let a=v.readString(!0),c=v.readString();if(c!==void 0)if(a==="server-sig-algs"){let u=c.latin1Slice(0,c.length).split(",");r.push({name:a,algs:u});continue}else continue;r=void 0;break}}if(v.clear(),r===void 0)return rt(e,"Inbound: Malformed EXT_INFO packet");e._debug&&e._debug("Inbound: Received EXT_INFO");let o=e._handlers.EXT_INFO;o&&o(e,r)},[ot.USERAUTH_REQUEST]:(e,t)=>{v.init(t,1);let n=v.readString(!0),r=v.readString(!0),o=v.readString(!0),s,a;switch(o){case"none":s=null;break;case"password":{let u=v.readBool();if(u!==void 0&&(s=v.readString(!0),s!==void 0&&u)){let l=v.readString(!0);l!==void 0?s={oldPassword:s,newPassword:l}:s=void 0}break}case"publickey":{let u=v.readBool();if(u!==void 0){let l=v.readString(!0),d=l,h=v.readString(),p;switch(l){case"rsa-sha2-256":d="ssh-rsa",p="sha256";break;case"rsa-sha2-512":d="ssh-rsa",p="sha512";break}if(u){let m=v.pos(),b=v.readString();if(b!==void 0&&(b.length>4+l.length+4&&b.utf8Slice(4,4+l.length)===l&&(b=qu(b,4+l.length+4)),b=om(b,d),b)){let A=e._kex.sessionID,y=Buffer.allocUnsafe(4+A.length+m);sm(y,A.length,0),y.set(A,4),y.set(new Uint8Array(t.buffer,t.byteOffset,m),4+A.length),s={keyAlgo:d,key:h,signature:b,blob:y,hashAlgo:p}}}else s={keyAlgo:d,key:h,hashAlgo:p},a="publickey -- check"}break}case"hostbased":{let u=v.readString(!0),l=u,d=v.readString(),h=v.readString(!0),p=v.readString(!0),m;switch(u){case"rsa-sha2-256":l="ssh-rsa",m="sha256";break;case"rsa-sha2-512":l="ssh-rsa",m="sha512";break}let b=v.pos(),A=v.readString();if(A!==void 0&&(A.length>4+u.length+4&&A.utf8Slice(4,4+u.length)===u&&(A=qu(A,4+u.length+4)),A=om(A,l),A!==void 0)){let y=e._kex.sessionID,E=Buffer.allocUnsafe(4+y.length+b);sm(E,y.length,0),E.set(y,4),E.set(new Uint8Array(t.buffer,t.byteOffset,b),4+y.length),s={keyAlgo:l,key:d,signature:A,blob:E,localHostname:h,localUsername:p,hashAlgo:m}}break}case"keyboard-interactive":v.skipString(),s=v.readList();break;default:o!==void 0&&(s=v.readRaw())}if(v.clear(),s===void 0)return rt(e,"Inbound: Malformed USERAUTH_REQUEST packet");a===void 0&&(a=o),e._authsQueue.push(o),e._debug&&e._debug(`Inbound: Received USERAUTH_REQUEST (${a})`);let c=e._handlers.USERAUTH_REQUEST;c&&c(e,n,r,o,s)},[ot.USERAUTH_FAILURE]:(e,t)=>{v.init(t,1);let n=v.readList(),r=v.readBool();if(v.clear(),r===void 0)return rt(e,"Inbound: Malformed USERAUTH_FAILURE packet");e._debug&&e._debug(`Inbound: Received USERAUTH_FAILURE (${n})`),e._authsQueue.shift();let o=e._handlers.USERAUTH_FAILURE;o&&o(e,n,r)},[ot.USERAUTH_SUCCESS]:(e,t)=>{e._debug&&e._debug("Inbound: Received USERAUTH_SUCCESS"),e._authsQueue.shift();let n=e._handlers.USERAUTH_SUCCESS;n&&n(e)},[ot.USERAUTH_BANNER]:(e,t)=>{v.init(t,1);let n=v.readString(!0),r=v.readString();if(v.clear(),r===void 0)return rt(e,"Inbound: Malformed USERAUTH_BANNER packet");e._debug&&e._debug("Inbound: Received USERAUTH_BANNER");let o=e._handlers.USERAUTH_BANNER;o&&o(e,n)},60:(e,t)=>{if(!e._authsQueue.length){e._debug&&e._debug("Inbound: Received payload type 60 without auth");return}switch(e._authsQueue[0]){case"password":{v.init(t,1);let n=v.readString(!0),r=v.readString();if(v.clear(),r===void 0)return rt(e,"Inbound: Malformed USERAUTH_PASSWD_CHANGEREQ packet");e._debug&&e._debug("Inbound: Received USERAUTH_PASSWD_CHANGEREQ");let o=e._handlers.USERAUTH_PASSWD_CHANGEREQ;o&&o(e,n);break}case"publickey":{v.init(t,1);let n=v.readString(!0),r=v.readString();if(v.clear(),r===void 0)return rt(e,"Inbound: Malformed USERAUTH_PK_OK packet");e._debug&&e._debug("Inbound: Received USERAUTH_PK_OK"),e._authsQueue.shift();let o=e._handlers.USERAUTH_PK_OK;o&&o(e,n,r);break}case"keyboard-interactive":{v.init(t,1);let n=v.readString(!0),r=v.readString(!0);v.readString();let o=v.readUInt32BE(),s;if(o!==void 0){s=new Array(o);let c;for(c=0;c<o;++c){let u=v.readString(!0),l=v.readBool();if(l===void 0)break;s[c]={prompt:u,echo:l}}c!==o&&(s=void 0)}if(v.clear(),s===void 0)return rt(e,"Inbound: Malformed USERAUTH_INFO_REQUEST packet");e._debug&&e._debug("Inbound: Received USERAUTH_INFO_REQUEST");let a=e._handlers.USERAUTH_INFO_REQUEST;a&&a(e,n,r,s);break}default:e._debug&&e._debug("Inbound: Received unexpected payload type 60")}},61:(e,t)=>{if(!e._authsQueue.length){e._debug&&e._debug("Inbound: Received payload type 61 without auth");return}if(e._authsQueue[0]!=="keyboard-interactive")return rt(e,"Inbound: Received unexpected payload type 61");v.init(t,1);let n=v.readUInt32BE(),r;if(n!==void 0){r=new Array(n);let s;for(s=0;s<n;++s){let a=v.readString(!0);if(a===void 0)break;r[s]=a}s!==n&&(r=void 0)}if(v.clear(),r===void 0)return rt(e,"Inbound: Malformed USERAUTH_INFO_RESPONSE packet");e._debug&&e._debug("Inbound: Received USERAUTH_INFO_RESPONSE");let o=e._handlers.USERAUTH_INFO_RESPONSE;o&&o(e,r)},[ot.GLOBAL_REQUEST]:(e,t)=>{v.init(t,1);let n=v.readString(!0),r=v.readBool(),o;if(r!==void 0)switch(n){case"tcpip-forward":case"cancel-tcpip-forward":{let a=v.readString(!0),c=v.readUInt32BE();c!==void 0&&(o={bindAddr:a,bindPort:c});break}case"streamlocal-forward@openssh.com":case"cancel-streamlocal-forward@openssh.com":{let a=v.readString(!0);a!==void 0&&(o={socketPath:a});break}case"no-more-sessions@openssh.com":o=null;break;case"hostkeys-00@openssh.com":{for(o=[];v.avail()>0;){let a=v.readString();if(a===void 0){o=void 0;break}let c=l1(a);c instanceof Error||o.push(c)}break}default:o=v.readRaw()}if(v.clear(),o===void 0)return rt(e,"Inbound: Malformed GLOBAL_REQUEST packet");e._debug&&e._debug(`Inbound: GLOBAL_REQUEST (${n})`);let s=e._handlers.GLOBAL_REQUEST;s?s(e,n,r,o):e.requestFailure()},[ot.REQUEST_SUCCESS]:(e,t)=>{let n=t.length>1?qu(t,1):null;e._debug&&e._debug("Inbound: REQUEST_SUCCESS");let r=e._handlers.REQUEST_SUCCESS;r&&r(e,n)},[ot.REQUEST_FAILURE]:(e,t)=>{e._debug&&e._debug("Inbound: Received REQUEST_FAILURE");let n=e._handlers.REQUEST_FAILURE;n&&n(e)},[ot.CHANNEL_OPEN]:(e,t)=>{v.init(t,1);let n=v.readString(!0),r=v.readUInt32BE(),o=v.readUInt32BE(),s=v.readUInt32BE(),a;switch(n){case"forwarded-tcpip":case"direct-tcpip":{let u=v.readString(!0),l=v.readUInt32BE(),d=v.readString(!0),h=v.readUInt32BE();h!==void 0&&(a={type:n,sender:r,window:o,packetSize:s,data:{destIP:u,destPort:l,srcIP:d,srcPort:h}});break}case"forwarded-streamlocal@openssh.com":case"direct-streamlocal@openssh.com":{let u=v.readString(!0);u!==void 0&&(a={type:n,sender:r,window:o,packetSize:s,data:{socketPath:u}});break}case"x11":{let u=v.readString(!0),l=v.readUInt32BE();l!==void 0&&(a={type:n,sender:r,window:o,packetSize:s,data:{srcIP:u,srcPort:l}});break}default:a={type:n,sender:r,window:o,packetSize:s,data:{}}}if(v.clear(),a===void 0)return rt(e,"Inbound: Malformed CHANNEL_OPEN packet");e._debug&&e._debug(`Inbound: CHANNEL_OPEN (s:${r}, ${n})`);let c=e._handlers.CHANNEL_OPEN;c?c(e,a):e.channelOpenFail(a.sender,c1.ADMINISTRATIVELY_PROHIBITED,"","")},[ot.CHANNEL_OPEN_CONFIRMATION]:(e,t)=>{v.init(t,1);let n=v.readUInt32BE(),r=v.readUInt32BE(),o=v.readUInt32BE(),s=v.readUInt32BE(),a=v.avail()?v.readRaw():void 0;if(v.clear(),s===void 0)return rt(e,"Inbound: Malformed CHANNEL_OPEN_CONFIRMATION packet");e._debug&&e._debug(`Inbound: CHANNEL_OPEN_CONFIRMATION (r:${n}, s:${r})`);let c=e._handlers.CHANNEL_OPEN_CONFIRMATION;c&&c(e,{recipient:n,sender:r,window:o,packetSize:s,data:a})},[ot.CHANNEL_OPEN_FAILURE]:(e,t)=>{v.init(t,1);let n=v.readUInt32BE(),r=v.readUInt32BE(),o=v.readString(!0),s=v.readString();if(v.clear(),s===void 0)return rt(e,"Inbound: Malformed CHANNEL_OPEN_FAILURE packet");e._debug&&e._debug(`Inbound: CHANNEL_OPEN_FAILURE (r:${n})`);let a=e._handlers.CHANNEL_OPEN_FAILURE;a&&a(e,n,r,o)},[ot.CHANNEL_WINDOW_ADJUST]:(e,t)=>{v.init(t,1);let n=v.readUInt32BE(),r=v.readUInt32BE();if(v.clear(),r===void 0)return rt(e,"Inbound: Malformed CHANNEL_WINDOW_ADJUST packet");e._debug&&e._debug(`Inbound: CHANNEL_WINDOW_ADJUST (r:${n}, ${r})`);let o=e._handlers.CHANNEL_WINDOW_ADJUST;o&&o(e,n,r)},[ot.CHANNEL_DATA]:(e,t)=>{v.init(t,1);let n=v.readUInt32BE(),r=v.readString();if(v.clear(),r===void 0)return rt(e,"Inbound: Malformed CHANNEL_DATA packet");e._debug&&e._debug(`Inbound: CHANNEL_DATA (r:${n}, ${r.length})`);let o=e._handlers.CHANNEL_DATA;o&&o(e,n,r)},[ot.CHANNEL_EXTENDED_DATA]:(e,t)=>{v.init(t,1);let n=v.readUInt32BE(),r=v.readUInt32BE(),o=v.readString();if(v.clear(),o===void 0)return rt(e,"Inbound: Malformed CHANNEL_EXTENDED_DATA packet");e._debug&&e._debug(`Inbound: CHANNEL_EXTENDED_DATA (r:${n}, ${o.length})`);let s=e._handlers.CHANNEL_EXTENDED_DATA;s&&s(e,n,o,r)},[ot.CHANNEL_EOF]:(e,t)=>{v.init(t,1);let n=v.readUInt32BE();if(v.clear(),n===void 0)return rt(e,"Inbound: Malformed CHANNEL_EOF packet");e._debug&&e._debug(`Inbound: CHANNEL_EOF (r:${n})`);let r=e._handlers.CHANNEL_EOF;r&&r(e,n)},[ot.CHANNEL_CLOSE]:(e,t)=>{v.init(t,1);let n=v.readUInt32BE();if(v.clear(),n===void 0)return rt(e,"Inbound: Malformed CHANNEL_CLOSE packet");e._debug&&e._debug(`Inbound: CHANNEL_CLOSE (r:${n})`);let r=e._handlers.CHANNEL_CLOSE;r&&r(e,n)},[ot.CHANNEL_REQUEST]:(e,t)=>{v.init(t,1);let n=v.readUInt32BE(),r=v.readString(!0),o=v.readBool(),s;if(o!==void 0)switch(r){case"exit-status":s=v.readUInt32BE(),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${s})`);break;case"exit-signal":{let c,u;if(e._compatFlags&u1.OLD_EXIT){let d=v.readUInt32BE();switch(d){case 1:c="HUP";break;case 2:c="INT";break;case 3:c="QUIT";break;case 6:c="ABRT";break;case 9:c="KILL";break;case 14:c="ALRM";break;case 15:c="TERM";break;default:d!==void 0&&(c=`UNKNOWN (${d})`)}u=!1}else c=v.readString(!0),u=v.readBool(),u===void 0&&(c=void 0);let l=v.readString(!0);v.skipString()!==void 0&&(s={signal:c,coreDumped:u,errorMessage:l}),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${c})`);break}case"pty-req":{let c=v.readString(!0),u=v.readUInt32BE(),l=v.readUInt32BE(),d=v.readUInt32BE(),h=v.readUInt32BE(),p=v.readString();if(p!==void 0){v.init(p,1);let m={};for(;v.avail();){let b=v.readByte();if(b===im.TTY_OP_END)break;let A=d1[b],y=v.readUInt32BE();if(b===void 0||A===void 0||y===void 0){m=void 0;break}m[A]=y}m!==void 0&&(s={term:c,cols:u,rows:l,width:d,height:h,modes:m})}e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break}case"window-change":{let c=v.readUInt32BE(),u=v.readUInt32BE(),l=v.readUInt32BE(),d=v.readUInt32BE();d!==void 0&&(s={cols:c,rows:u,width:l,height:d}),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break}case"x11-req":{let c=v.readBool(),u=v.readString(!0),l=v.readString(),d=v.readUInt32BE();d!==void 0&&(s={single:c,protocol:u,cookie:l,screen:d}),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break}case"env":{let c=v.readString(!0),u=v.readString(!0);u!==void 0&&(s={name:c,value:u}),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${c}=${u})`);break}case"shell":s=null,e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break;case"exec":s=v.readString(!0),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${s})`);break;case"subsystem":s=v.readString(!0),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${s})`);break;case"signal":s=v.readString(!0),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${s})`);break;case"xon-xoff":s=v.readBool(),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${s})`);break;case"auth-agent-req@openssh.com":s=null,e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break;default:s=v.avail()?v.readRaw():null,e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`)}if(v.clear(),s===void 0)return rt(e,"Inbound: Malformed CHANNEL_REQUEST packet");let a=e._handlers.CHANNEL_REQUEST;a&&a(e,n,r,o,s)},[ot.CHANNEL_SUCCESS]:(e,t)=>{v.init(t,1);let n=v.readUInt32BE();if(v.clear(),n===void 0)return rt(e,"Inbound: Malformed CHANNEL_SUCCESS packet");e._debug&&e._debug(`Inbound: CHANNEL_SUCCESS (r:${n})`);let r=e._handlers.CHANNEL_SUCCESS;r&&r(e,n)},[ot.CHANNEL_FAILURE]:(e,t)=>{v.init(t,1);let n=v.readUInt32BE();if(v.clear(),n===void 0)return rt(e,"Inbound: Malformed CHANNEL_FAILURE packet");e._debug&&e._debug(`Inbound: CHANNEL_FAILURE (r:${n})`);let r=e._handlers.CHANNEL_FAILURE;r&&r(e,n)}}});var Pi=Me((f5,um)=>{"use strict";var Zu=new Array(256);[Gu().HANDLERS,cm()].forEach(e=>{for(let[t,n]of Object.entries(e))t=+t,isFinite(t)&&t>=0&&t<Zu.length&&(Zu[t]=n)});um.exports=Zu});var Gu=Me((p5,wm)=>{"use strict";var{createDiffieHellman:f1,createDiffieHellmanGroup:h1,createECDH:p1,createHash:Vu,createPublicKey:_1,diffieHellman:m1,generateKeyPairSync:g1,randomFillSync:$1}=require("crypto"),{Ber:lm}=hi(),{COMPAT:Xu,curve25519Supported:w1,DEFAULT_KEX:dm,DEFAULT_SERVER_HOST_KEY:fm,DEFAULT_CIPHER:Bi,DEFAULT_MAC:Ni,DEFAULT_COMPRESSION:Oi,DISCONNECT_REASON:He,MESSAGE:Je}=qn(),{CIPHER_INFO:Gr,createCipher:y1,createDecipher:b1,MAC_INFO:hm}=Mr(),{parseDERKey:A1}=pr(),{bufferFill:x1,bufferParser:De,convertSignature:E1,doFatalError:Fe,FastBuffer:k1,sigSSHToASN1:S1,writeUInt32BE:kt}=Pn(),{PacketReader:pm,PacketWriter:_m,ZlibPacketReader:Li,ZlibPacketWriter:Ui}=Wu(),qr,v1=2048,I1=8192,C1=Buffer.alloc(0);function mm(e){let t;if(e._compatFlags&Xu.BAD_DHGEX){let n=e._offer.lists.kex,r=n.array,o=!1;for(let s=0;s<r.length;++s)r[s].includes("group-exchange")&&(o||(o=!0,r=r.slice()),r.splice(s--,1));if(o){let s=17+e._offer.totalSize+1+4,a=Buffer.from(r.join(","));s-=n.buffer.length-a.length;let c=e._offer.lists.all,u=new Uint8Array(c.buffer,c.byteOffset+4+n.buffer.length,c.length-(4+n.buffer.length));t=Buffer.allocUnsafe(s),kt(t,a.length,17),t.set(a,21),t.set(u,21+a.length)}}t===void 0&&(t=Buffer.allocUnsafe(17+e._offer.totalSize+1+4),e._offer.copyAllTo(t,17)),e._debug&&e._debug("Outbound: Sending KEXINIT"),t[0]=Je.KEXINIT,$1(t,1,16),x1(t,0,t.length-5),e._kexinit=t,e._packetRW.write.allocStart=0;{let n=e._packetRW.write.allocStartKEX,r=e._packetRW.write.alloc(t.length,!0);r.set(t,n),e._cipher.encrypt(e._packetRW.write.finalize(r,!0))}}i(mm,"kexinit");function gm(e,t){let n={kex:void 0,serverHostKey:void 0,cs:{cipher:void 0,mac:void 0,compress:void 0,lang:void 0},sc:{cipher:void 0,mac:void 0,compress:void 0,lang:void 0}};if(De.init(t,17),(n.kex=De.readList())===void 0||(n.serverHostKey=De.readList())===void 0||(n.cs.cipher=De.readList())===void 0||(n.sc.cipher=De.readList())===void 0||(n.cs.mac=De.readList())===void 0||(n.sc.mac=De.readList())===void 0||(n.cs.compress=De.readList())===void 0||(n.sc.compress=De.readList())===void 0||(n.cs.lang=De.readList())===void 0||(n.sc.lang=De.readList())===void 0)return De.clear(),Fe(e,"Received malformed KEXINIT","handshake",He.KEY_EXCHANGE_FAILED);let r=De.pos(),o=r<t.length&&t[r]===1;De.clear();let s=e._offer,a=n,c=s.lists.kex.array;if(e._compatFlags&Xu.BAD_DHGEX){let B=!1;for(let Z=0;Z<c.length;++Z)c[Z].indexOf("group-exchange")!==-1&&(B||(B=!0,c=c.slice()),c.splice(Z--,1))}let u,l,d,h=e._debug;h&&h("Inbound: Handshake in progress"),h&&h(`Handshake: (local) KEX method: ${c}`),h&&h(`Handshake: (remote) KEX method: ${a.kex}`);let p;if(e._server?(l=c,u=a.kex,p=u.indexOf("ext-info-c")!==-1):(l=a.kex,u=c,p=l.indexOf("ext-info-s")!==-1),e._strictMode===void 0&&(e._server?e._strictMode=u.indexOf("kex-strict-c-v00@openssh.com")!==-1:e._strictMode=l.indexOf("kex-strict-s-v00@openssh.com")!==-1,e._strictMode&&(h&&h("Handshake: strict KEX mode enabled"),e._decipher.inSeqno!==1)))return h&&h("Handshake: KEXINIT not first packet in strict KEX mode"),Fe(e,"Handshake failed: KEXINIT not first packet in strict KEX mode","handshake",He.KEY_EXCHANGE_FAILED);for(d=0;d<u.length&&l.indexOf(u[d])===-1;++d);if(d===u.length)return h&&h("Handshake: no matching key exchange algorithm"),Fe(e,"Handshake failed: no matching key exchange algorithm","handshake",He.KEY_EXCHANGE_FAILED);n.kex=u[d],h&&h(`Handshake: KEX algorithm: ${u[d]}`),o&&(!a.kex.length||u[d]!==a.kex[0])&&(e._skipNextInboundPacket=!0);let m=s.lists.serverHostKey.array;for(h&&h(`Handshake: (local) Host key format: ${m}`),h&&h(`Handshake: (remote) Host key format: ${a.serverHostKey}`),e._server?(l=m,u=a.serverHostKey):(l=a.serverHostKey,u=m),d=0;d<u.length&&l.indexOf(u[d])===-1;++d);if(d===u.length)return h&&h("Handshake: No matching host key format"),Fe(e,"Handshake failed: no matching host key format","handshake",He.KEY_EXCHANGE_FAILED);n.serverHostKey=u[d],h&&h(`Handshake: Host key format: ${u[d]}`);let b=s.lists.cs.cipher.array;for(h&&h(`Handshake: (local) C->S cipher: ${b}`),h&&h(`Handshake: (remote) C->S cipher: ${a.cs.cipher}`),e._server?(l=b,u=a.cs.cipher):(l=a.cs.cipher,u=b),d=0;d<u.length&&l.indexOf(u[d])===-1;++d);if(d===u.length)return h&&h("Handshake: No matching C->S cipher"),Fe(e,"Handshake failed: no matching C->S cipher","handshake",He.KEY_EXCHANGE_FAILED);n.cs.cipher=u[d],h&&h(`Handshake: C->S Cipher: ${u[d]}`);let A=s.lists.sc.cipher.array;for(h&&h(`Handshake: (local) S->C cipher: ${A}`),h&&h(`Handshake: (remote) S->C cipher: ${a.sc.cipher}`),e._server?(l=A,u=a.sc.cipher):(l=a.sc.cipher,u=A),d=0;d<u.length&&l.indexOf(u[d])===-1;++d);if(d===u.length)return h&&h("Handshake: No matching S->C cipher"),Fe(e,"Handshake failed: no matching S->C cipher","handshake",He.KEY_EXCHANGE_FAILED);n.sc.cipher=u[d],h&&h(`Handshake: S->C cipher: ${u[d]}`);let y=s.lists.cs.mac.array;if(h&&h(`Handshake: (local) C->S MAC: ${y}`),h&&h(`Handshake: (remote) C->S MAC: ${a.cs.mac}`),Gr[n.cs.cipher].authLen>0)n.cs.mac="",h&&h("Handshake: C->S MAC: <implicit>");else{for(e._server?(l=y,u=a.cs.mac):(l=a.cs.mac,u=y),d=0;d<u.length&&l.indexOf(u[d])===-1;++d);if(d===u.length)return h&&h("Handshake: No matching C->S MAC"),Fe(e,"Handshake failed: no matching C->S MAC","handshake",He.KEY_EXCHANGE_FAILED);n.cs.mac=u[d],h&&h(`Handshake: C->S MAC: ${u[d]}`)}let E=s.lists.sc.mac.array;if(h&&h(`Handshake: (local) S->C MAC: ${E}`),h&&h(`Handshake: (remote) S->C MAC: ${a.sc.mac}`),Gr[n.sc.cipher].authLen>0)n.sc.mac="",h&&h("Handshake: S->C MAC: <implicit>");else{for(e._server?(l=E,u=a.sc.mac):(l=a.sc.mac,u=E),d=0;d<u.length&&l.indexOf(u[d])===-1;++d);if(d===u.length)return h&&h("Handshake: No matching S->C MAC"),Fe(e,"Handshake failed: no matching S->C MAC","handshake",He.KEY_EXCHANGE_FAILED);n.sc.mac=u[d],h&&h(`Handshake: S->C MAC: ${u[d]}`)}let I=s.lists.cs.compress.array;for(h&&h(`Handshake: (local) C->S compression: ${I}`),h&&h(`Handshake: (remote) C->S compression: ${a.cs.compress}`),e._server?(l=I,u=a.cs.compress):(l=a.cs.compress,u=I),d=0;d<u.length&&l.indexOf(u[d])===-1;++d);if(d===u.length)return h&&h("Handshake: No matching C->S compression"),Fe(e,"Handshake failed: no matching C->S compression","handshake",He.KEY_EXCHANGE_FAILED);n.cs.compress=u[d],h&&h(`Handshake: C->S compression: ${u[d]}`);let L=s.lists.sc.compress.array;for(h&&h(`Handshake: (local) S->C compression: ${L}`),h&&h(`Handshake: (remote) S->C compression: ${a.sc.compress}`),e._server?(l=L,u=a.sc.compress):(l=a.sc.compress,u=L),d=0;d<u.length&&l.indexOf(u[d])===-1;++d);if(d===u.length)return h&&h("Handshake: No matching S->C compression"),Fe(e,"Handshake failed: no matching S->C compression","handshake",He.KEY_EXCHANGE_FAILED);n.sc.compress=u[d],h&&h(`Handshake: S->C compression: ${u[d]}`),n.cs.lang="",n.sc.lang="",e._kex&&(e._kexinit||mm(e),e._decipher._onPayload=$m.bind(e,{firstPacket:!1})),e._kex=R1(n,e,t),e._kex.remoteExtInfoEnabled=p,e._kex.start()}i(gm,"handleKexInit");var R1=(()=>{function e(a){let c=0,u=a.length;for(;a[c]===0;)++c,--u;let l;return a[c]&128?(l=Buffer.allocUnsafe(1+u),l[0]=0,a.copy(l,1,c),a=l):u!==a.length&&(l=Buffer.allocUnsafe(u),a.copy(l,0,c),a=l),a}i(e,"convertToMpint");class t{static{i(this,"KeyExchange")}constructor(c,u,l){this._protocol=u,this.sessionID=u._kex?u._kex.sessionID:void 0,this.negotiated=c,this.remoteExtInfoEnabled=!1,this._step=1,this._public=null,this._dh=null,this._sentNEWKEYS=!1,this._receivedNEWKEYS=!1,this._finished=!1,this._hostVerified=!1,this._kexinit=u._kexinit,this._remoteKexinit=l,this._identRaw=u._identRaw,this._remoteIdentRaw=u._remoteIdentRaw,this._hostKey=void 0,this._dhData=void 0,this._sig=void 0}finish(c){if(this._finished)return!1;this._finished=!0;let u=this._protocol._server,l=this.negotiated,d=this.convertPublicKey(this._dhData),h=this.computeSecret(this._dhData);if(h instanceof Error)return h.message=`Error while computing DH secret (${this.type}): ${h.message}`,h.level="handshake",Fe(this._protocol,h,He.KEY_EXCHANGE_FAILED);let p=Vu(this.hashName);yn(p,u?this._remoteIdentRaw:this._identRaw),yn(p,u?this._identRaw:this._remoteIdentRaw),yn(p,u?this._remoteKexinit:this._kexinit),yn(p,u?this._kexinit:this._remoteKexinit);let m=u?this._hostKey.getPublicSSH():this._hostKey;if(yn(p,m),this.type==="groupex"){let L=this.getDHParams(),B=Buffer.allocUnsafe(4);kt(B,this._minBits,0),p.update(B),kt(B,this._prefBits,0),p.update(B),kt(B,this._maxBits,0),p.update(B),yn(p,L.prime),yn(p,L.generator)}yn(p,u?d:this.getPublicKey());let b=u?this.getPublicKey():d;yn(p,b),yn(p,h);let A=p.digest();if(u){let L;switch(this.negotiated.serverHostKey){case"rsa-sha2-256":L="sha256";break;case"rsa-sha2-512":L="sha512";break}this._protocol._debug&&this._protocol._debug("Generating signature ...");let B=this._hostKey.sign(A,L);if(B instanceof Error)return Fe(this._protocol,`Handshake failed: signature generation failed for ${this._hostKey.type} host key: ${B.message}`,"handshake",He.KEY_EXCHANGE_FAILED);if(B=E1(B,this._hostKey.type),B===!1)return Fe(this._protocol,`Handshake failed: signature conversion failed for ${this._hostKey.type} host key`,"handshake",He.KEY_EXCHANGE_FAILED);let Z=this.negotiated.serverHostKey,ae=Buffer.byteLength(Z),ye=4+ae+4+B.length,M=this._protocol._packetRW.write.allocStartKEX,G=this._protocol._packetRW.write.alloc(5+m.length+4+b.length+4+ye,!0);if(G[M]=Je.KEXDH_REPLY,kt(G,m.length,++M),G.set(m,M+=4),kt(G,b.length,M+=m.length),G.set(b,M+=4),kt(G,ye,M+=b.length),kt(G,ae,M+=4),G.utf8Write(Z,M+=4,ae),kt(G,B.length,M+=ae),G.set(B,M+=4),this._protocol._debug){let W;switch(this.type){case"group":W="KEXDH_REPLY";break;case"groupex":W="KEXDH_GEX_REPLY";break;default:W="KEXECDH_REPLY"}this._protocol._debug(`Outbound: Sending ${W}`)}this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(G,!0))}else{De.init(this._sig,0);let L=De.readString(!0);if(!L)return Fe(this._protocol,"Malformed packet while reading signature","handshake",He.KEY_EXCHANGE_FAILED);if(L!==l.serverHostKey)return Fe(this._protocol,`Wrong signature type: ${L}, expected: ${l.serverHostKey}`,"handshake",He.KEY_EXCHANGE_FAILED);let B=De.readString();if(De.clear(),B===void 0)return Fe(this._protocol,"Malformed packet while reading signature","handshake",He.KEY_EXCHANGE_FAILED);if(!(B=S1(B,L)))return Fe(this._protocol,"Malformed signature","handshake",He.KEY_EXCHANGE_FAILED);let Z;{De.init(this._hostKey,0);let M=De.readString(!0),G=this._hostKey.slice(De.pos());if(De.clear(),Z=A1(G,M),Z instanceof Error)return Z.level="handshake",Fe(this._protocol,Z,He.KEY_EXCHANGE_FAILED)}let ae;switch(this.negotiated.serverHostKey){case"rsa-sha2-256":ae="sha256";break;case"rsa-sha2-512":ae="sha512";break}this._protocol._debug&&this._protocol._debug("Verifying signature ...");let ye=Z.verify(A,B,ae);if(ye!==!0)return ye instanceof Error?this._protocol._debug&&this._protocol._debug(`Signature verification failed: ${ye.stack}`):this._protocol._debug&&this._protocol._debug("Signature verification failed"),Fe(this._protocol,"Handshake failed: signature verification failed","handshake",He.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Verified signature")}(u||!c)&&Di(this);let y,E,I=i(L=>{if(y)return Di(this),y.outbound.seqno=this._protocol._cipher.outSeqno,this._protocol._cipher.free(),this._protocol._cipher=y1(y),this._protocol._packetRW.write=E,y=void 0,E=void 0,this._protocol._onHandshakeComplete(l),!1;this.sessionID||(this.sessionID=A);{let fe=Buffer.allocUnsafe(4+h.length);kt(fe,h.length,0),fe.set(h,4),h=fe}let B=Gr[l.cs.cipher],Z=Gr[l.sc.cipher],ae=Zr(B.ivLen,this.hashName,h,A,this.sessionID,"A"),ye=Zr(Z.ivLen,this.hashName,h,A,this.sessionID,"B"),M=Zr(B.keyLen,this.hashName,h,A,this.sessionID,"C"),G=Zr(Z.keyLen,this.hashName,h,A,this.sessionID,"D"),W,K;B.authLen||(W=hm[l.cs.mac],K=Zr(W.len,this.hashName,h,A,this.sessionID,"E"));let te,_e;Z.authLen||(te=hm[l.sc.mac],_e=Zr(te.len,this.hashName,h,A,this.sessionID,"F"));let Y={inbound:{onPayload:this._protocol._onPayload,seqno:this._protocol._decipher.inSeqno,decipherInfo:u?B:Z,decipherIV:u?ae:ye,decipherKey:u?M:G,macInfo:u?W:te,macKey:u?K:_e},outbound:{onWrite:this._protocol._onWrite,seqno:this._protocol._cipher.outSeqno,cipherInfo:u?Z:B,cipherIV:u?ye:ae,cipherKey:u?G:M,macInfo:u?te:W,macKey:u?_e:K}};this._protocol._decipher.free(),y=Y,this._protocol._decipher=b1(Y);let re={read:void 0,write:void 0};switch(l.cs.compress){case"zlib":u?re.read=new Li:re.write=new Ui(this._protocol);break;case"zlib@openssh.com":if(this._protocol._authenticated){u?re.read=new Li:re.write=new Ui(this._protocol);break}default:u?re.read=new pm:re.write=new _m(this._protocol)}switch(l.sc.compress){case"zlib":u?re.write=new Ui(this._protocol):re.read=new Li;break;case"zlib@openssh.com":if(this._protocol._authenticated){u?re.write=new Ui(this._protocol):re.read=new Li;break}default:u?re.write=new _m(this._protocol):re.read=new pm}return this._protocol._packetRW.read.cleanup(),this._protocol._packetRW.write.cleanup(),this._protocol._packetRW.read=re.read,E=re.write,this._public=null,this._dh=null,this._kexinit=this._protocol._kexinit=void 0,this._remoteKexinit=void 0,this._identRaw=void 0,this._remoteIdentRaw=void 0,this._hostKey=void 0,this._dhData=void 0,this._sig=void 0,L?!1:I()},"completeHandshake");if((u||c)&&(this.finish=I),!u)return I(c)}start(){if(!this._protocol._server){if(this._protocol._debug){let d;this.type==="group"?d="KEXDH_INIT":d="KEXECDH_INIT",this._protocol._debug(`Outbound: Sending ${d}`)}let c=this.getPublicKey(),u=this._protocol._packetRW.write.allocStartKEX,l=this._protocol._packetRW.write.alloc(5+c.length,!0);l[u]=Je.KEXDH_INIT,kt(l,c.length,++u),l.set(c,u+=4),this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(l,!0))}}getPublicKey(){this.generateKeys();let c=this._public;if(c)return this.convertPublicKey(c)}convertPublicKey(c){let u,l=0,d=c.length;for(;c[l]===0;)++l,--d;return c[l]&128?(u=Buffer.allocUnsafe(1+d),u[0]=0,c.copy(u,1,l),u):(d!==c.length&&(u=Buffer.allocUnsafe(d),c.copy(u,0,l),c=u),c)}computeSecret(c){this.generateKeys();try{return e(this._dh.computeSecret(c))}catch(u){return u}}parse(c){let u=c[0];switch(this._step){case 1:if(this._protocol._server){if(u!==Je.KEXDH_INIT)return Fe(this._protocol,`Received packet ${u} instead of ${Je.KEXDH_INIT}`,"handshake",He.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Received DH Init"),De.init(c,1);let l=De.readString();if(De.clear(),l===void 0)return Fe(this._protocol,"Received malformed KEX*_INIT","handshake",He.KEY_EXCHANGE_FAILED);this._dhData=l;let d=this._protocol._hostKeys[this.negotiated.serverHostKey];Array.isArray(d)&&(d=d[0]),this._hostKey=d,this.finish()}else{if(u!==Je.KEXDH_REPLY)return Fe(this._protocol,`Received packet ${u} instead of ${Je.KEXDH_REPLY}`,"handshake",He.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Received DH Reply"),De.init(c,1);let l,d,h;if((l=De.readString())===void 0||(d=De.readString())===void 0||(h=De.readString())===void 0)return De.clear(),Fe(this._protocol,"Received malformed KEX*_REPLY","handshake",He.KEY_EXCHANGE_FAILED);De.clear(),De.init(l,0);let p=De.readString(!0);if(De.clear(),p===void 0)return Fe(this._protocol,"Received malformed host public key","handshake",He.KEY_EXCHANGE_FAILED);if(p!==this.negotiated.serverHostKey)switch(this.negotiated.serverHostKey){case"rsa-sha2-256":case"rsa-sha2-512":if(p==="ssh-rsa")break;default:return Fe(this._protocol,"Host key does not match negotiated type","handshake",He.KEY_EXCHANGE_FAILED)}this._hostKey=l,this._dhData=d,this._sig=h;let m=!1,b;if(this._protocol._hostVerifier===void 0?(b=!0,this._protocol._debug&&this._protocol._debug("Host accepted by default (no verification)")):b=this._protocol._hostVerifier(l,A=>{if(!m){if(m=!0,A===!1)return this._protocol._debug&&this._protocol._debug("Host denied (verification failed)"),Fe(this._protocol,"Host denied (verification failed)","handshake",He.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Host accepted (verified)"),this._hostVerified=!0,this._receivedNEWKEYS?this.finish():Di(this)}}),b===void 0){++this._step;return}if(m=!0,b===!1)return this._protocol._debug&&this._protocol._debug("Host denied (verification failed)"),Fe(this._protocol,"Host denied (verification failed)","handshake",He.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Host accepted (verified)"),this._hostVerified=!0,Di(this)}++this._step;break;case 2:return u!==Je.NEWKEYS?Fe(this._protocol,`Received packet ${u} instead of ${Je.NEWKEYS}`,"handshake",He.KEY_EXCHANGE_FAILED):(this._protocol._debug&&this._protocol._debug("Inbound: NEWKEYS"),this._receivedNEWKEYS=!0,this._protocol._strictMode&&(this._protocol._decipher.inSeqno=0),++this._step,this.finish(!this._protocol._server&&!this._hostVerified));default:return Fe(this._protocol,`Received unexpected packet ${u} after NEWKEYS`,"handshake",He.KEY_EXCHANGE_FAILED)}}}class n extends t{static{i(this,"Curve25519Exchange")}constructor(c,...u){super(...u),this.type="25519",this.hashName=c,this._keys=null}generateKeys(){this._keys||(this._keys=g1("x25519"))}getPublicKey(){return this.generateKeys(),this._keys.publicKey.export({type:"spki",format:"der"}).slice(-32)}convertPublicKey(c){let u,l=0,d=c.length;for(;c[l]===0;)++l,--d;return c.length===32||d!==c.length&&(u=Buffer.allocUnsafe(d),c.copy(u,0,l),c=u),c}computeSecret(c){this.generateKeys();try{let u=new lm.Writer;return u.startSequence(),u.startSequence(),u.writeOID("1.3.101.110"),u.endSequence(),u.startSequence(lm.BitString),u.writeByte(0),u._ensure(c.length),c.copy(u._buf,u._offset,0,c.length),u._offset+=c.length,u.endSequence(),u.endSequence(),e(m1({privateKey:this._keys.privateKey,publicKey:_1({key:u.buffer,type:"spki",format:"der"})}))}catch(u){return u}}}class r extends t{static{i(this,"ECDHExchange")}constructor(c,u,...l){super(...l),this.type="ecdh",this.curveName=c,this.hashName=u}generateKeys(){this._dh||(this._dh=p1(this.curveName),this._public=this._dh.generateKeys())}}class o extends t{static{i(this,"DHGroupExchange")}constructor(c,...u){super(...u),this.type="groupex",this.hashName=c,this._prime=null,this._generator=null,this._minBits=v1,this._prefBits=T1(this.negotiated),this._protocol._compatFlags&Xu.BUG_DHGEX_LARGE&&(this._prefBits=Math.min(this._prefBits,4096)),this._maxBits=I1}start(){if(this._protocol._server)return;this._protocol._debug&&this._protocol._debug("Outbound: Sending KEXDH_GEX_REQUEST");let c=this._protocol._packetRW.write.allocStartKEX,u=this._protocol._packetRW.write.alloc(13,!0);u[c]=Je.KEXDH_GEX_REQUEST,kt(u,this._minBits,++c),kt(u,this._prefBits,c+=4),kt(u,this._maxBits,c+=4),this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(u,!0))}generateKeys(){!this._dh&&this._prime&&this._generator&&(this._dh=f1(this._prime,this._generator),this._public=this._dh.generateKeys())}setDHParams(c,u){if(!Buffer.isBuffer(c))throw new Error("Invalid prime value");if(!Buffer.isBuffer(u))throw new Error("Invalid generator value");this._prime=c,this._generator=u}getDHParams(){if(this._dh)return{prime:e(this._dh.getPrime()),generator:e(this._dh.getGenerator())}}parse(c){let u=c[0];switch(this._step){case 1:{if(this._protocol._server)return u!==Je.KEXDH_GEX_REQUEST?Fe(this._protocol,`Received packet ${u} instead of `+Je.KEXDH_GEX_REQUEST,"handshake",He.KEY_EXCHANGE_FAILED):Fe(this._protocol,"Group exchange not implemented for server","handshake",He.KEY_EXCHANGE_FAILED);if(u!==Je.KEXDH_GEX_GROUP)return Fe(this._protocol,`Received packet ${u} instead of ${Je.KEXDH_GEX_GROUP}`,"handshake",He.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Received DH GEX Group"),De.init(c,1);let l,d;if((l=De.readString())===void 0||(d=De.readString())===void 0)return De.clear(),Fe(this._protocol,"Received malformed KEXDH_GEX_GROUP","handshake",He.KEY_EXCHANGE_FAILED);De.clear(),this.setDHParams(l,d),this.generateKeys();let h=this.getPublicKey();this._protocol._debug&&this._protocol._debug("Outbound: Sending KEXDH_GEX_INIT");let p=this._protocol._packetRW.write.allocStartKEX,m=this._protocol._packetRW.write.alloc(5+h.length,!0);m[p]=Je.KEXDH_GEX_INIT,kt(m,h.length,++p),m.set(h,p+=4),this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(m,!0)),++this._step;break}case 2:if(this._protocol._server)return u!==Je.KEXDH_GEX_INIT?Fe(this._protocol,`Received packet ${u} instead of ${Je.KEXDH_GEX_INIT}`,"handshake",He.KEY_EXCHANGE_FAILED):(this._protocol._debug&&this._protocol._debug("Received DH GEX Init"),Fe(this._protocol,"Group exchange not implemented for server","handshake",He.KEY_EXCHANGE_FAILED));if(u!==Je.KEXDH_GEX_REPLY)return Fe(this._protocol,`Received packet ${u} instead of ${Je.KEXDH_GEX_REPLY}`,"handshake",He.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Received DH GEX Reply"),this._step=1,c[0]=Je.KEXDH_REPLY,this.parse=t.prototype.parse,this.parse(c)}}}class s extends t{static{i(this,"DHExchange")}constructor(c,u,...l){super(...l),this.type="group",this.groupName=c,this.hashName=u}start(){if(!this._protocol._server){this._protocol._debug&&this._protocol._debug("Outbound: Sending KEXDH_INIT");let c=this.getPublicKey(),u=this._protocol._packetRW.write.allocStartKEX,l=this._protocol._packetRW.write.alloc(5+c.length,!0);l[u]=Je.KEXDH_INIT,kt(l,c.length,++u),l.set(c,u+=4),this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(l,!0))}}generateKeys(){this._dh||(this._dh=h1(this.groupName),this._public=this._dh.generateKeys())}getDHParams(){if(this._dh)return{prime:e(this._dh.getPrime()),generator:e(this._dh.getGenerator())}}}return(a,...c)=>{if(typeof a!="object"||a===null)throw new Error("Invalid negotiated argument");let u=a.kex;if(typeof u=="string"){switch(c=[a,...c],u){case"curve25519-sha256":case"curve25519-sha256@libssh.org":if(!w1)break;return new n("sha256",...c);case"ecdh-sha2-nistp256":return new r("prime256v1","sha256",...c);case"ecdh-sha2-nistp384":return new r("secp384r1","sha384",...c);case"ecdh-sha2-nistp521":return new r("secp521r1","sha512",...c);case"diffie-hellman-group1-sha1":return new s("modp2","sha1",...c);case"diffie-hellman-group14-sha1":return new s("modp14","sha1",...c);case"diffie-hellman-group14-sha256":return new s("modp14","sha256",...c);case"diffie-hellman-group15-sha512":return new s("modp15","sha512",...c);case"diffie-hellman-group16-sha512":return new s("modp16","sha512",...c);case"diffie-hellman-group17-sha512":return new s("modp17","sha512",...c);case"diffie-hellman-group18-sha512":return new s("modp18","sha512",...c);case"diffie-hellman-group-exchange-sha1":return new o("sha1",...c);case"diffie-hellman-group-exchange-sha256":return new o("sha256",...c)}throw new Error(`Unsupported key exchange algorithm: ${u}`)}throw new Error(`Invalid key exchange type: ${u}`)}})(),Yu=(()=>{let e=["kex","serverHostKey",["cs","cipher"],["sc","cipher"],["cs","mac"],["sc","mac"],["cs","compress"],["sc","compress"],["cs","lang"],["sc","lang"]];return class{static{i(this,"KexInit")}constructor(n){if(typeof n!="object"||n===null)throw new TypeError("Argument must be an object");let r={kex:void 0,serverHostKey:void 0,cs:{cipher:void 0,mac:void 0,compress:void 0,lang:void 0},sc:{cipher:void 0,mac:void 0,compress:void 0,lang:void 0},all:void 0},o=0;for(let c of e){let u,l,d,h;if(typeof c=="string")u=r,l=n[c],d=h=c;else{let m=c[0];u=r[m],h=c[1],l=n[m][h],d=`${m}.${h}`}let p={array:void 0,buffer:void 0};if(Buffer.isBuffer(l))p.array=(""+l).split(","),p.buffer=l,o+=4+l.length;else{if(typeof l=="string"&&(l=l.split(",")),Array.isArray(l))p.array=l,p.buffer=Buffer.from(l.join(","));else throw new TypeError(`Invalid \`${d}\` type: ${typeof l}`);o+=4+p.buffer.length}u[h]=p}let s=Buffer.allocUnsafe(o);r.all=s;let a=0;for(let c of e){let u;typeof c=="string"?u=r[c].buffer:u=r[c[0]][c[1]].buffer,a=kt(s,u.length,a),s.set(u,a),a+=u.length}this.totalSize=o,this.lists=r}copyAllTo(n,r){let o=this.lists.all;if(typeof r!="number")throw new TypeError(`Invalid offset value: ${typeof r}`);if(n.length-r<o.length)throw new Error("Insufficient space to copy list");return n.set(o,r),o.length}}})(),yn=(()=>{let e=Buffer.allocUnsafe(4);return(t,n)=>{kt(e,n.length,0),t.update(e),t.update(n)}})();function Zr(e,t,n,r,o,s){let a;if(e){let c=Vu(t).update(n).update(r).update(s).update(o).digest();for(;c.length<e;){let u=Vu(t).update(n).update(r).update(c).digest(),l=Buffer.allocUnsafe(c.length+u.length);l.set(c,0),l.set(u,c.length),c=l}c.length===e?a=c:a=new k1(c.buffer,c.byteOffset,e)}else a=C1;return a}i(Zr,"generateKEXVal");function $m(e,t){if(t.length===0){this._debug&&this._debug("Inbound: Skipping empty packet payload");return}if(this._skipNextInboundPacket){this._skipNextInboundPacket=!1;return}t=this._packetRW.read.read(t);let n=t[0];if(!this._strictMode)switch(n){case Je.IGNORE:case Je.UNIMPLEMENTED:case Je.DEBUG:return qr||(qr=Pi()),qr[n](this,t)}switch(n){case Je.DISCONNECT:return qr||(qr=Pi()),qr[n](this,t);case Je.KEXINIT:return e.firstPacket?(e.firstPacket=!1,gm(this,t)):Fe(this,"Received extra KEXINIT during handshake","handshake",He.KEY_EXCHANGE_FAILED);default:if(n<20||n>49)return Fe(this,`Received unexpected packet type ${n}`,"handshake",He.KEY_EXCHANGE_FAILED)}return this._kex.parse(t)}i($m,"onKEXPayload");function T1(e){let t=Gr[e.cs.cipher],n=Gr[e.sc.cipher],r=Math.max(0,t.sslName==="des-ede3-cbc"?14:t.keyLen,t.blockLen,t.ivLen,n.sslName==="des-ede3-cbc"?14:n.keyLen,n.blockLen,n.ivLen)*8;return r<=112?2048:r<=128?3072:r<=192?7680:8192}i(T1,"dhEstimate");function Di(e){if(!e._sentNEWKEYS){e._protocol._debug&&e._protocol._debug("Outbound: Sending NEWKEYS");let t=e._protocol._packetRW.write.allocStartKEX,n=e._protocol._packetRW.write.alloc(1,!0);n[t]=Je.NEWKEYS,e._protocol._cipher.encrypt(e._protocol._packetRW.write.finalize(n,!0)),e._sentNEWKEYS=!0,e._protocol._strictMode&&(e._protocol._cipher.outSeqno=0)}}i(Di,"trySendNEWKEYS");wm.exports={KexInit:Yu,kexinit:mm,onKEXPayload:$m,DEFAULT_KEXINIT_CLIENT:new Yu({kex:dm.concat(["ext-info-c","kex-strict-c-v00@openssh.com"]),serverHostKey:fm,cs:{cipher:Bi,mac:Ni,compress:Oi,lang:[]},sc:{cipher:Bi,mac:Ni,compress:Oi,lang:[]}}),DEFAULT_KEXINIT_SERVER:new Yu({kex:dm.concat(["kex-strict-s-v00@openssh.com"]),serverHostKey:fm,cs:{cipher:Bi,mac:Ni,compress:Oi,lang:[]},sc:{cipher:Bi,mac:Ni,compress:Oi,lang:[]}}),HANDLERS:{[Je.KEXINIT]:gm}}});var ym=Me((m5,P1)=>{P1.exports={name:"ssh2",version:"1.17.0",author:"Brian White <mscdex@mscdex.net>",description:"SSH2 client and server modules written in pure JavaScript for node.js",main:"./lib/index.js",engines:{node:">=10.16.0"},dependencies:{asn1:"^0.2.6","bcrypt-pbkdf":"^1.0.2"},devDependencies:{"@mscdex/eslint-config":"^1.1.0",eslint:"^7.32.0"},optionalDependencies:{"cpu-features":"~0.0.10",nan:"^2.23.0"},scripts:{install:"node install.js",rebuild:"node install.js",test:"node test/test.js",lint:"eslint --cache --report-unused-disable-directives --ext=.js .eslintrc.js examples lib test","lint:fix":"npm run lint -- --fix"},keywords:["ssh","ssh2","sftp","secure","shell","exec","remote","client"],licenses:[{type:"MIT",url:"http://github.com/mscdex/ssh2/raw/master/LICENSE"}],repository:{type:"git",url:"http://github.com/mscdex/ssh2.git"}}});var Nm=Me((g5,Bm)=>{"use strict";var{inspect:Sm}=require("util"),{bindingAvailable:B1,NullCipher:N1,NullDecipher:O1}=Mr(),{COMPAT_CHECKS:L1,DISCONNECT_REASON:vm,eddsaSupported:U1,MESSAGE:ge,SIGNALS:bm,TERMINAL_MODE:el}=qn(),{DEFAULT_KEXINIT_CLIENT:D1,DEFAULT_KEXINIT_SERVER:H1,KexInit:Am,kexinit:Im,onKEXPayload:F1}=Gu(),{parseKey:xm}=pr(),M1=Pi(),{bufferCopy:Hi,bufferFill:z1,bufferSlice:Cm,convertSignature:Em,sendPacket:we,writeUInt32BE:k}=Pn(),{PacketReader:Q1,PacketWriter:K1,ZlibPacketReader:Rm,ZlibPacketWriter:Tm}=Wu(),j1=ym().version,W1=new Map(Object.values(vm).map(e=>[e,1])),Pm=Buffer.from(`SSH-2.0-ssh2js${j1}`),q1=Buffer.from(`${Pm}\r
`),Z1=8192,G1=1024,km=Buffer.from([ge.GLOBAL_REQUEST,0,0,0,21,107,101,101,112,97,108,105,118,101,64,111,112,101,110,115,115,104,46,99,111,109,1]),Y1=Buffer.from([el.TTY_OP_END]);function Ju(){}i(Ju,"noop");var tl=class{static{i(this,"Protocol")}constructor(t){let n=t.onWrite;if(typeof n!="function")throw new Error("Missing onWrite function");this._onWrite=m=>{n(m)};let r=t.onError;if(typeof r!="function")throw new Error("Missing onError function");this._onError=m=>{r(m)};let o=t.debug;this._debug=typeof o=="function"?m=>{o(m)}:void 0;let s=t.onHeader;this._onHeader=typeof s=="function"?(...m)=>{s(...m)}:Ju;let a=t.onPacket;this._onPacket=typeof a=="function"?()=>{a()}:Ju;let c=t.onHandshakeComplete;typeof c!="function"&&(c=Ju);let u;this._onHandshakeComplete=(...m)=>{this._debug&&this._debug("Handshake completed"),u===void 0?u=!0:u=!1;let b=this._queue;if(b){this._queue=void 0,this._debug&&this._debug(`Draining outbound queue (${b.length}) ...`);for(let A=0;A<b.length;++A){let y=b[A],E=this._packetRW.write.finalize(y);if(E===y){let I=this._cipher.allocPacket(y.length);I.set(y,5),E=I}we(this,E)}this._debug&&this._debug("... finished draining outbound queue")}u&&this._server&&this._kex.remoteExtInfoEnabled&&rk(this),c(...m)},this._queue=void 0;let l=t.messageHandlers;typeof l=="object"&&l!==null?this._handlers=l:this._handlers={},this._onPayload=ek.bind(this),this._server=!!t.server,this._banner=void 0;let d;if(this._server){if(typeof t.hostKeys!="object"||t.hostKeys===null)throw new Error("Missing server host key(s)");this._hostKeys=t.hostKeys,typeof t.greeting=="string"&&t.greeting.length&&(d=t.greeting.slice(-2)===`\r
`?t.greeting:`${t.greeting}\r
`),typeof t.banner=="string"&&t.banner.length&&(this._banner=t.banner.slice(-2)===`\r
`?t.banner:`${t.banner}\r
`)}else this._hostKeys=void 0;let h=t.offer;typeof h!="object"||h===null?h=this._server?H1:D1:h.constructor!==Am&&(this._server?h.kex=h.kex.concat(["kex-strict-s-v00@openssh.com"]):h.kex=h.kex.concat(["ext-info-c","kex-strict-c-v00@openssh.com"]),h=new Am(h)),this._kex=void 0,this._strictMode=void 0,this._kexinit=void 0,this._offer=h,this._cipher=new N1(0,this._onWrite),this._decipher=void 0,this._skipNextInboundPacket=!1,this._packetRW={read:new Q1,write:new K1(this)},this._hostVerifier=!this._server&&typeof t.hostVerifier=="function"?t.hostVerifier:void 0,this._parse=X1,this._buffer=void 0,this._authsQueue=[],this._authenticated=!1,this._remoteIdentRaw=void 0;let p;if(typeof t.ident=="string")this._identRaw=Buffer.from(`SSH-2.0-${t.ident}`),p=Buffer.allocUnsafe(this._identRaw.length+2),p.set(this._identRaw,0),p[p.length-2]=13,p[p.length-1]=10;else if(Buffer.isBuffer(t.ident)){let m=Buffer.allocUnsafe(8+t.ident.length);m.latin1Write("SSH-2.0-",0,8),m.set(t.ident,8),this._identRaw=m,p=Buffer.allocUnsafe(m.length+2),p.set(m,0),p[p.length-2]=13,p[p.length-1]=10}else this._identRaw=Pm,p=q1;this._compatFlags=0,this._debug&&(B1?this._debug("Custom crypto binding available"):this._debug("Custom crypto binding not available")),this._debug&&this._debug(`Local ident: ${Sm(this._identRaw.toString())}`),this.start=()=>{this.start=void 0,d&&this._onWrite(d),this._onWrite(p)}}_destruct(t){this._packetRW.read.cleanup(),this._packetRW.write.cleanup(),this._cipher&&this._cipher.free(),this._decipher&&this._decipher.free(),(typeof t!="string"||t.length===0)&&(t="fatal error"),this.parse=()=>{throw new Error(`Instance unusable after ${t}`)},this._onWrite=()=>{throw new Error(`Instance unusable after ${t}`)},this._destruct=void 0}cleanup(){this._destruct&&this._destruct()}parse(t,n,r){for(;n<r;)n=this._parse(t,n,r)}disconnect(t){let r=this._packetRW.write.allocStartKEX,o=this._packetRW.write.alloc(13,!0),s=r+13;W1.has(t)||(t=vm.PROTOCOL_ERROR),o[r]=ge.DISCONNECT,k(o,t,++r),o.fill(0,r+=4,s),this._debug&&this._debug(`Outbound: Sending DISCONNECT (${t})`),we(this,this._packetRW.write.finalize(o,!0),!0)}ping(){let t=this._packetRW.write.allocStart,n=this._packetRW.write.alloc(km.length);n.set(km,t),this._debug&&this._debug("Outbound: Sending ping (GLOBAL_REQUEST: keepalive@openssh.com)"),we(this,this._packetRW.write.finalize(n))}rekey(){this._kexinit===void 0?(this._debug&&this._debug("Outbound: Initiated explicit rekey"),this._queue=[],Im(this)):this._debug&&this._debug("Outbound: Ignoring rekey during handshake")}requestSuccess(t){let n=this._packetRW.write.allocStart,r;Buffer.isBuffer(t)?(r=this._packetRW.write.alloc(1+t.length),r[n]=ge.REQUEST_SUCCESS,r.set(t,++n)):(r=this._packetRW.write.alloc(1),r[n]=ge.REQUEST_SUCCESS),this._debug&&this._debug("Outbound: Sending REQUEST_SUCCESS"),we(this,this._packetRW.write.finalize(r))}requestFailure(){let t=this._packetRW.write.allocStart,n=this._packetRW.write.alloc(1);n[t]=ge.REQUEST_FAILURE,this._debug&&this._debug("Outbound: Sending REQUEST_FAILURE"),we(this,this._packetRW.write.finalize(n))}channelSuccess(t){let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(5);r[n]=ge.CHANNEL_SUCCESS,k(r,t,++n),this._debug&&this._debug(`Outbound: Sending CHANNEL_SUCCESS (r:${t})`),we(this,this._packetRW.write.finalize(r))}channelFailure(t){let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(5);r[n]=ge.CHANNEL_FAILURE,k(r,t,++n),this._debug&&this._debug(`Outbound: Sending CHANNEL_FAILURE (r:${t})`),we(this,this._packetRW.write.finalize(r))}channelEOF(t){let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(5);r[n]=ge.CHANNEL_EOF,k(r,t,++n),this._debug&&this._debug(`Outbound: Sending CHANNEL_EOF (r:${t})`),we(this,this._packetRW.write.finalize(r))}channelClose(t){let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(5);r[n]=ge.CHANNEL_CLOSE,k(r,t,++n),this._debug&&this._debug(`Outbound: Sending CHANNEL_CLOSE (r:${t})`),we(this,this._packetRW.write.finalize(r))}channelWindowAdjust(t,n){let r=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(9);o[r]=ge.CHANNEL_WINDOW_ADJUST,k(o,t,++r),k(o,n,r+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_WINDOW_ADJUST (r:${t}, ${n})`),we(this,this._packetRW.write.finalize(o))}channelData(t,n){let r=Buffer.isBuffer(n),o=r?n.length:Buffer.byteLength(n),s=this._packetRW.write.allocStart,a=this._packetRW.write.alloc(9+o);a[s]=ge.CHANNEL_DATA,k(a,t,++s),k(a,o,s+=4),r?a.set(n,s+=4):a.utf8Write(n,s+=4,o),this._debug&&this._debug(`Outbound: Sending CHANNEL_DATA (r:${t}, ${o})`),we(this,this._packetRW.write.finalize(a))}channelExtData(t,n,r){let o=Buffer.isBuffer(n),s=o?n.length:Buffer.byteLength(n),a=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(13+s);c[a]=ge.CHANNEL_EXTENDED_DATA,k(c,t,++a),k(c,r,a+=4),k(c,s,a+=4),o?c.set(n,a+=4):c.utf8Write(n,a+=4,s),this._debug&&this._debug(`Outbound: Sending CHANNEL_EXTENDED_DATA (r:${t})`),we(this,this._packetRW.write.finalize(c))}channelOpenConfirm(t,n,r,o){let s=this._packetRW.write.allocStart,a=this._packetRW.write.alloc(17);a[s]=ge.CHANNEL_OPEN_CONFIRMATION,k(a,t,++s),k(a,n,s+=4),k(a,r,s+=4),k(a,o,s+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN_CONFIRMATION (r:${t}, l:${n})`),we(this,this._packetRW.write.finalize(a))}channelOpenFail(t,n,r){typeof r!="string"&&(r="");let o=Buffer.byteLength(r),s=this._packetRW.write.allocStart,a=this._packetRW.write.alloc(13+o+4);a[s]=ge.CHANNEL_OPEN_FAILURE,k(a,t,++s),k(a,n,s+=4),k(a,o,s+=4),s+=4,o&&(a.utf8Write(r,s,o),s+=o),k(a,0,s),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN_FAILURE (r:${t})`),we(this,this._packetRW.write.finalize(a))}service(t){if(this._server)throw new Error("Client-only method called in server mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(5+n);o[r]=ge.SERVICE_REQUEST,k(o,n,++r),o.utf8Write(t,r+=4,n),this._debug&&this._debug(`Outbound: Sending SERVICE_REQUEST (${t})`),we(this,this._packetRW.write.finalize(o))}authPassword(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let o=Buffer.byteLength(t),s=Buffer.byteLength(n),a=r?Buffer.byteLength(r):0,c=this._packetRW.write.allocStart,u=this._packetRW.write.alloc(5+o+4+14+4+8+1+4+s+(r?4+a:0));u[c]=ge.USERAUTH_REQUEST,k(u,o,++c),u.utf8Write(t,c+=4,o),k(u,14,c+=o),u.utf8Write("ssh-connection",c+=4,14),k(u,8,c+=14),u.utf8Write("password",c+=4,8),u[c+=8]=r?1:0,k(u,s,++c),Buffer.isBuffer(n)?Hi(n,u,0,s,c+=4):u.utf8Write(n,c+=4,s),r?(k(u,a,c+=s),Buffer.isBuffer(r)?Hi(r,u,0,a,c+=4):u.utf8Write(r,c+=4,a),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (changed password)")):this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (password)"),this._authsQueue.push("password"),we(this,this._packetRW.write.finalize(u))}authPK(t,n,r,o){if(this._server)throw new Error("Client-only method called in server mode");if(n=xm(n),n instanceof Error)throw new Error("Invalid key");let s=n.type;n=n.getPublicSSH(),typeof r=="function"&&(o=r,r=void 0),r||(r=s);let a=Buffer.byteLength(t),c=Buffer.byteLength(r),u=n.length,l=this._kex.sessionID,d=l.length,h=(o?4+d:0)+1+4+a+4+14+4+9+1+4+c+4+u,p,m;if(o?(p=Buffer.allocUnsafe(h),m=0,k(p,d,m),p.set(l,m+=4),m+=d):(p=this._packetRW.write.alloc(h),m=this._packetRW.write.allocStart),p[m]=ge.USERAUTH_REQUEST,k(p,a,++m),p.utf8Write(t,m+=4,a),k(p,14,m+=a),p.utf8Write("ssh-connection",m+=4,14),k(p,9,m+=14),p.utf8Write("publickey",m+=4,9),p[m+=9]=o?1:0,k(p,c,++m),p.utf8Write(r,m+=4,c),k(p,u,m+=c),p.set(n,m+=4),!o){this._authsQueue.push("publickey"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (publickey -- check)"),we(this,this._packetRW.write.finalize(p));return}o(p,b=>{if(b=Em(b,s),b===!1)throw new Error("Error while converting handshake signature");let A=b.length;m=this._packetRW.write.allocStart,p=this._packetRW.write.alloc(5+a+4+14+4+9+1+4+c+4+u+4+4+c+4+A),p[m]=ge.USERAUTH_REQUEST,k(p,a,++m),p.utf8Write(t,m+=4,a),k(p,14,m+=a),p.utf8Write("ssh-connection",m+=4,14),k(p,9,m+=14),p.utf8Write("publickey",m+=4,9),p[m+=9]=1,k(p,c,++m),p.utf8Write(r,m+=4,c),k(p,u,m+=c),p.set(n,m+=4),k(p,4+c+4+A,m+=u),k(p,c,m+=4),p.utf8Write(r,m+=4,c),k(p,A,m+=c),p.set(b,m+=4),this._authsQueue.push("publickey"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (publickey)"),we(this,this._packetRW.write.finalize(p))})}authHostbased(t,n,r,o,s,a){if(this._server)throw new Error("Client-only method called in server mode");if(n=xm(n),n instanceof Error)throw new Error("Invalid key");let c=n.type;n=n.getPublicSSH(),typeof s=="function"&&(a=s,s=void 0),s||(s=c);let u=Buffer.byteLength(t),l=Buffer.byteLength(s),d=n.length,h=this._kex.sessionID,p=h.length,m=Buffer.byteLength(r),b=Buffer.byteLength(o),A=Buffer.allocUnsafe(4+p+1+4+u+4+14+4+9+4+l+4+d+4+m+4+b),y=0;k(A,p,y),A.set(h,y+=4),A[y+=p]=ge.USERAUTH_REQUEST,k(A,u,++y),A.utf8Write(t,y+=4,u),k(A,14,y+=u),A.utf8Write("ssh-connection",y+=4,14),k(A,9,y+=14),A.utf8Write("hostbased",y+=4,9),k(A,l,y+=9),A.utf8Write(s,y+=4,l),k(A,d,y+=l),A.set(n,y+=4),k(A,m,y+=d),A.utf8Write(r,y+=4,m),k(A,b,y+=m),A.utf8Write(o,y+=4,b),a(A,E=>{if(E=Em(E,c),!E)throw new Error("Error while converting handshake signature");let I=E.length,L=A.length-p-4;y=this._packetRW.write.allocStart;let B=this._packetRW.write.alloc(L+4+4+l+4+I);Hi(A,B,4+p,A.length,y),k(B,4+l+4+I,y+=L),k(B,l,y+=4),B.utf8Write(s,y+=4,l),k(B,I,y+=l),B.set(E,y+=4),this._authsQueue.push("hostbased"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (hostbased)"),we(this,this._packetRW.write.finalize(B))})}authKeyboard(t){if(this._server)throw new Error("Client-only method called in server mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(5+n+4+14+4+20+4+4);o[r]=ge.USERAUTH_REQUEST,k(o,n,++r),o.utf8Write(t,r+=4,n),k(o,14,r+=n),o.utf8Write("ssh-connection",r+=4,14),k(o,20,r+=14),o.utf8Write("keyboard-interactive",r+=4,20),k(o,0,r+=20),k(o,0,r+=4),this._authsQueue.push("keyboard-interactive"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (keyboard-interactive)"),we(this,this._packetRW.write.finalize(o))}authNone(t){if(this._server)throw new Error("Client-only method called in server mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(5+n+4+14+4+4);o[r]=ge.USERAUTH_REQUEST,k(o,n,++r),o.utf8Write(t,r+=4,n),k(o,14,r+=n),o.utf8Write("ssh-connection",r+=4,14),k(o,4,r+=14),o.utf8Write("none",r+=4,4),this._authsQueue.push("none"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (none)"),we(this,this._packetRW.write.finalize(o))}authInfoRes(t){if(this._server)throw new Error("Client-only method called in server mode");let n=0,r;if(t){r=new Array(t.length);for(let a=0;a<t.length;++a){let c=Buffer.byteLength(t[a]);r[a]=c,n+=4+c}}let o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(5+n);if(s[o]=ge.USERAUTH_INFO_RESPONSE,t){k(s,t.length,++o),o+=4;for(let a=0;a<t.length;++a){let c=r[a];k(s,c,o),o+=4,c&&(s.utf8Write(t[a],o,c),o+=c)}}else k(s,0,++o);this._debug&&this._debug("Outbound: Sending USERAUTH_INFO_RESPONSE"),we(this,this._packetRW.write.finalize(s))}tcpipForward(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let o=Buffer.byteLength(t),s=this._packetRW.write.allocStart,a=this._packetRW.write.alloc(23+o+4);a[s]=ge.GLOBAL_REQUEST,k(a,13,++s),a.utf8Write("tcpip-forward",s+=4,13),a[s+=13]=r===void 0||r===!0?1:0,k(a,o,++s),a.utf8Write(t,s+=4,o),k(a,n,s+=o),this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (tcpip-forward)"),we(this,this._packetRW.write.finalize(a))}cancelTcpipForward(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let o=Buffer.byteLength(t),s=this._packetRW.write.allocStart,a=this._packetRW.write.alloc(30+o+4);a[s]=ge.GLOBAL_REQUEST,k(a,20,++s),a.utf8Write("cancel-tcpip-forward",s+=4,20),a[s+=20]=r===void 0||r===!0?1:0,k(a,o,++s),a.utf8Write(t,s+=4,o),k(a,n,s+=o),this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (cancel-tcpip-forward)"),we(this,this._packetRW.write.finalize(a))}openssh_streamLocalForward(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=Buffer.byteLength(t),o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(41+r);s[o]=ge.GLOBAL_REQUEST,k(s,31,++o),s.utf8Write("streamlocal-forward@openssh.com",o+=4,31),s[o+=31]=n===void 0||n===!0?1:0,k(s,r,++o),s.utf8Write(t,o+=4,r),this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (streamlocal-forward@openssh.com)"),we(this,this._packetRW.write.finalize(s))}openssh_cancelStreamLocalForward(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=Buffer.byteLength(t),o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(48+r);s[o]=ge.GLOBAL_REQUEST,k(s,38,++o),s.utf8Write("cancel-streamlocal-forward@openssh.com",o+=4,38),s[o+=38]=n===void 0||n===!0?1:0,k(s,r,++o),s.utf8Write(t,o+=4,r),this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (cancel-streamlocal-forward@openssh.com)"),we(this,this._packetRW.write.finalize(s))}directTcpip(t,n,r,o){if(this._server)throw new Error("Client-only method called in server mode");let s=Buffer.byteLength(o.srcIP),a=Buffer.byteLength(o.dstIP),c=this._packetRW.write.allocStart,u=this._packetRW.write.alloc(33+s+4+4+a+4);u[c]=ge.CHANNEL_OPEN,k(u,12,++c),u.utf8Write("direct-tcpip",c+=4,12),k(u,t,c+=12),k(u,n,c+=4),k(u,r,c+=4),k(u,a,c+=4),u.utf8Write(o.dstIP,c+=4,a),k(u,o.dstPort,c+=a),k(u,s,c+=4),u.utf8Write(o.srcIP,c+=4,s),k(u,o.srcPort,c+=s),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, direct-tcpip)`),we(this,this._packetRW.write.finalize(u))}openssh_directStreamLocal(t,n,r,o){if(this._server)throw new Error("Client-only method called in server mode");let s=Buffer.byteLength(o.socketPath),a=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(51+s+4+4);c[a]=ge.CHANNEL_OPEN,k(c,30,++a),c.utf8Write("direct-streamlocal@openssh.com",a+=4,30),k(c,t,a+=30),k(c,n,a+=4),k(c,r,a+=4),k(c,s,a+=4),c.utf8Write(o.socketPath,a+=4,s),z1(c,0,a+=s,a+8),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, direct-streamlocal@openssh.com)`),we(this,this._packetRW.write.finalize(c))}openssh_noMoreSessions(t){if(this._server)throw new Error("Client-only method called in server mode");let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(34);r[n]=ge.GLOBAL_REQUEST,k(r,28,++n),r.utf8Write("no-more-sessions@openssh.com",n+=4,28),r[n+=28]=t===void 0||t===!0?1:0,this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (no-more-sessions@openssh.com)"),we(this,this._packetRW.write.finalize(r))}session(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(24);s[o]=ge.CHANNEL_OPEN,k(s,7,++o),s.utf8Write("session",o+=4,7),k(s,t,o+=7),k(s,n,o+=4),k(s,r,o+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, session)`),we(this,this._packetRW.write.finalize(s))}windowChange(t,n,r,o,s){if(this._server)throw new Error("Client-only method called in server mode");let a=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(39);c[a]=ge.CHANNEL_REQUEST,k(c,t,++a),k(c,13,a+=4),c.utf8Write("window-change",a+=4,13),c[a+=13]=0,k(c,r,++a),k(c,n,a+=4),k(c,s,a+=4),k(c,o,a+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, window-change)`),we(this,this._packetRW.write.finalize(c))}pty(t,n,r,o,s,a,c,u){if(this._server)throw new Error("Client-only method called in server mode");(!a||!a.length)&&(a="vt100"),c&&!Buffer.isBuffer(c)&&!Array.isArray(c)&&typeof c=="object"&&c!==null&&(c=nk(c)),(!c||!c.length)&&(c=Y1);let l=a.length,d=c.length,h=this._packetRW.write.allocStart,p=this._packetRW.write.alloc(21+l+4+4+4+4+4+d);if(p[h]=ge.CHANNEL_REQUEST,k(p,t,++h),k(p,7,h+=4),p.utf8Write("pty-req",h+=4,7),p[h+=7]=u===void 0||u===!0?1:0,k(p,l,++h),p.utf8Write(a,h+=4,l),k(p,r,h+=l),k(p,n,h+=4),k(p,s,h+=4),k(p,o,h+=4),k(p,d,h+=4),h+=4,Array.isArray(c))for(let m=0;m<d;++m)p[h++]=c[m];else Buffer.isBuffer(c)&&p.set(c,h);this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, pty-req)`),we(this,this._packetRW.write.finalize(p))}shell(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(15);o[r]=ge.CHANNEL_REQUEST,k(o,t,++r),k(o,5,r+=4),o.utf8Write("shell",r+=4,5),o[r+=5]=n===void 0||n===!0?1:0,this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, shell)`),we(this,this._packetRW.write.finalize(o))}exec(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let o=Buffer.isBuffer(n),s=o?n.length:Buffer.byteLength(n),a=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(18+s);c[a]=ge.CHANNEL_REQUEST,k(c,t,++a),k(c,4,a+=4),c.utf8Write("exec",a+=4,4),c[a+=4]=r===void 0||r===!0?1:0,k(c,s,++a),o?c.set(n,a+=4):c.utf8Write(n,a+=4,s),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, exec: ${n})`),we(this,this._packetRW.write.finalize(c))}signal(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=n;if(n=n.toUpperCase(),n.slice(0,3)==="SIG"&&(n=n.slice(3)),bm[n]!==1)throw new Error(`Invalid signal: ${r}`);let o=n.length,s=this._packetRW.write.allocStart,a=this._packetRW.write.alloc(20+o);a[s]=ge.CHANNEL_REQUEST,k(a,t,++s),k(a,6,s+=4),a.utf8Write("signal",s+=4,6),a[s+=6]=0,k(a,o,++s),a.utf8Write(n,s+=4,o),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, signal: ${n})`),we(this,this._packetRW.write.finalize(a))}env(t,n,r,o){if(this._server)throw new Error("Client-only method called in server mode");let s=Buffer.byteLength(n),a=Buffer.isBuffer(r),c=a?r.length:Buffer.byteLength(r),u=this._packetRW.write.allocStart,l=this._packetRW.write.alloc(17+s+4+c);l[u]=ge.CHANNEL_REQUEST,k(l,t,++u),k(l,3,u+=4),l.utf8Write("env",u+=4,3),l[u+=3]=o===void 0||o===!0?1:0,k(l,s,++u),l.utf8Write(n,u+=4,s),k(l,c,u+=s),a?l.set(r,u+=4):l.utf8Write(r,u+=4,c),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, env: ${n}=${r})`),we(this,this._packetRW.write.finalize(l))}x11Forward(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let o=n.protocol,s=n.cookie,a=Buffer.isBuffer(o),c=a?o.length:Buffer.byteLength(o),u=Buffer.isBuffer(s),l=u?s.length:Buffer.byteLength(s),d=this._packetRW.write.allocStart,h=this._packetRW.write.alloc(22+c+4+l+4);h[d]=ge.CHANNEL_REQUEST,k(h,t,++d),k(h,7,d+=4),h.utf8Write("x11-req",d+=4,7),h[d+=7]=r===void 0||r===!0?1:0,h[++d]=n.single?1:0,k(h,c,++d),a?h.set(o,d+=4):h.utf8Write(o,d+=4,c),k(h,l,d+=c),u?h.set(s,d+=4):h.latin1Write(s,d+=4,l),k(h,n.screen||0,d+=l),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, x11-req)`),we(this,this._packetRW.write.finalize(h))}subsystem(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let o=Buffer.byteLength(n),s=this._packetRW.write.allocStart,a=this._packetRW.write.alloc(23+o);a[s]=ge.CHANNEL_REQUEST,k(a,t,++s),k(a,9,s+=4),a.utf8Write("subsystem",s+=4,9),a[s+=9]=r===void 0||r===!0?1:0,k(a,o,++s),a.utf8Write(n,s+=4,o),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, subsystem: ${n})`),we(this,this._packetRW.write.finalize(a))}openssh_agentForward(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(36);o[r]=ge.CHANNEL_REQUEST,k(o,t,++r),k(o,26,r+=4),o.utf8Write("auth-agent-req@openssh.com",r+=4,26),o[r+=26]=n===void 0||n===!0?1:0,this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, auth-agent-req@openssh.com)`),we(this,this._packetRW.write.finalize(o))}openssh_hostKeysProve(t){if(this._server)throw new Error("Client-only method called in server mode");let n=0,r=[];for(let a of t){let c=a.getPublicSSH();n+=4+c.length,r.push(c)}let o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(35+n);s[o]=ge.GLOBAL_REQUEST,k(s,29,++o),s.utf8Write("hostkeys-prove-00@openssh.com",o+=4,29),s[o+=29]=1,++o;for(let a of r)k(s,a.length,o),Hi(a,s,0,a.length,o+=4),o+=a.length;this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (hostkeys-prove-00@openssh.com)"),we(this,this._packetRW.write.finalize(s))}serviceAccept(t){if(!this._server)throw new Error("Server-only method called in client mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(5+n);if(o[r]=ge.SERVICE_ACCEPT,k(o,n,++r),o.utf8Write(t,r+=4,n),this._debug&&this._debug(`Outbound: Sending SERVICE_ACCEPT (${t})`),we(this,this._packetRW.write.finalize(o)),this._server&&this._banner&&t==="ssh-userauth"){let s=this._banner;this._banner=void 0;let a=Buffer.byteLength(s);r=this._packetRW.write.allocStart;let c=this._packetRW.write.alloc(5+a+4);c[r]=ge.USERAUTH_BANNER,k(c,a,++r),c.utf8Write(s,r+=4,a),k(c,0,r+=a),this._debug&&this._debug("Outbound: Sending USERAUTH_BANNER"),we(this,this._packetRW.write.finalize(c))}}forwardedTcpip(t,n,r,o){if(!this._server)throw new Error("Server-only method called in client mode");let s=Buffer.byteLength(o.boundAddr),a=Buffer.byteLength(o.remoteAddr),c=this._packetRW.write.allocStart,u=this._packetRW.write.alloc(36+s+4+4+a+4);u[c]=ge.CHANNEL_OPEN,k(u,15,++c),u.utf8Write("forwarded-tcpip",c+=4,15),k(u,t,c+=15),k(u,n,c+=4),k(u,r,c+=4),k(u,s,c+=4),u.utf8Write(o.boundAddr,c+=4,s),k(u,o.boundPort,c+=s),k(u,a,c+=4),u.utf8Write(o.remoteAddr,c+=4,a),k(u,o.remotePort,c+=a),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, forwarded-tcpip)`),we(this,this._packetRW.write.finalize(u))}x11(t,n,r,o){if(!this._server)throw new Error("Server-only method called in client mode");let s=Buffer.byteLength(o.originAddr),a=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(24+s+4);c[a]=ge.CHANNEL_OPEN,k(c,3,++a),c.utf8Write("x11",a+=4,3),k(c,t,a+=3),k(c,n,a+=4),k(c,r,a+=4),k(c,s,a+=4),c.utf8Write(o.originAddr,a+=4,s),k(c,o.originPort,a+=s),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, x11)`),we(this,this._packetRW.write.finalize(c))}openssh_authAgent(t,n,r){if(!this._server)throw new Error("Server-only method called in client mode");let o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(39);s[o]=ge.CHANNEL_OPEN,k(s,22,++o),s.utf8Write("auth-agent@openssh.com",o+=4,22),k(s,t,o+=22),k(s,n,o+=4),k(s,r,o+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, auth-agent@openssh.com)`),we(this,this._packetRW.write.finalize(s))}openssh_forwardedStreamLocal(t,n,r,o){if(!this._server)throw new Error("Server-only method called in client mode");let s=Buffer.byteLength(o.socketPath),a=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(54+s+4);c[a]=ge.CHANNEL_OPEN,k(c,33,++a),c.utf8Write("forwarded-streamlocal@openssh.com",a+=4,33),k(c,t,a+=33),k(c,n,a+=4),k(c,r,a+=4),k(c,s,a+=4),c.utf8Write(o.socketPath,a+=4,s),k(c,0,a+=s),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, forwarded-streamlocal@openssh.com)`),we(this,this._packetRW.write.finalize(c))}exitStatus(t,n){if(!this._server)throw new Error("Server-only method called in client mode");let r=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(25);o[r]=ge.CHANNEL_REQUEST,k(o,t,++r),k(o,11,r+=4),o.utf8Write("exit-status",r+=4,11),o[r+=11]=0,k(o,n,++r),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, exit-status: ${n})`),we(this,this._packetRW.write.finalize(o))}exitSignal(t,n,r,o){if(!this._server)throw new Error("Server-only method called in client mode");let s=n;if(typeof s!="string"||!s)throw new Error(`Invalid signal: ${s}`);let a=n.toUpperCase();if(a.slice(0,3)==="SIG"&&(a=a.slice(3)),bm[a]!==1)throw new Error(`Invalid signal: ${s}`);let c=Buffer.byteLength(a),u=o?Buffer.byteLength(o):0,l=this._packetRW.write.allocStart,d=this._packetRW.write.alloc(25+c+1+4+u+4);d[l]=ge.CHANNEL_REQUEST,k(d,t,++l),k(d,11,l+=4),d.utf8Write("exit-signal",l+=4,11),d[l+=11]=0,k(d,c,++l),d.utf8Write(a,l+=4,c),d[l+=c]=r?1:0,k(d,u,++l),l+=4,u&&(d.utf8Write(o,l,u),l+=u),k(d,0,l),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, exit-signal: ${n})`),we(this,this._packetRW.write.finalize(d))}authFailure(t,n){if(!this._server)throw new Error("Server-only method called in client mode");if(this._authsQueue.length===0)throw new Error("No auth in progress");let r;if(typeof t=="boolean"&&(n=t,t=void 0),t){r=[];for(let c=0;c<t.length;++c)t[c].toLowerCase()!=="none"&&r.push(t[c]);r=r.join(",")}else r="";let o=r.length,s=this._packetRW.write.allocStart,a=this._packetRW.write.alloc(5+o+1);a[s]=ge.USERAUTH_FAILURE,k(a,o,++s),a.utf8Write(r,s+=4,o),a[s+=o]=n===!0?1:0,this._authsQueue.shift(),this._debug&&this._debug("Outbound: Sending USERAUTH_FAILURE"),we(this,this._packetRW.write.finalize(a))}authSuccess(){if(!this._server)throw new Error("Server-only method called in client mode");if(this._authsQueue.length===0)throw new Error("No auth in progress");let t=this._packetRW.write.allocStart,n=this._packetRW.write.alloc(1);n[t]=ge.USERAUTH_SUCCESS,this._authsQueue.shift(),this._authenticated=!0,this._debug&&this._debug("Outbound: Sending USERAUTH_SUCCESS"),we(this,this._packetRW.write.finalize(n)),this._kex.negotiated.cs.compress==="zlib@openssh.com"&&(this._packetRW.read=new Rm),this._kex.negotiated.sc.compress==="zlib@openssh.com"&&(this._packetRW.write=new Tm(this))}authPKOK(t,n){if(!this._server)throw new Error("Server-only method called in client mode");if(this._authsQueue.length===0||this._authsQueue[0]!=="publickey")throw new Error('"publickey" auth not in progress');let r=Buffer.byteLength(t),o=n.length,s=this._packetRW.write.allocStart,a=this._packetRW.write.alloc(5+r+4+o);a[s]=ge.USERAUTH_PK_OK,k(a,r,++s),a.utf8Write(t,s+=4,r),k(a,o,s+=r),a.set(n,s+=4),this._authsQueue.shift(),this._debug&&this._debug("Outbound: Sending USERAUTH_PK_OK"),we(this,this._packetRW.write.finalize(a))}authPasswdChg(t){if(!this._server)throw new Error("Server-only method called in client mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(5+n+4);o[r]=ge.USERAUTH_PASSWD_CHANGEREQ,k(o,n,++r),o.utf8Write(t,r+=4,n),k(o,0,r+=n),this._debug&&this._debug("Outbound: Sending USERAUTH_PASSWD_CHANGEREQ"),we(this,this._packetRW.write.finalize(o))}authInfoReq(t,n,r){if(!this._server)throw new Error("Server-only method called in client mode");let o=0,s=t?Buffer.byteLength(t):0,a=n?Buffer.byteLength(n):0;for(let l=0;l<r.length;++l)o+=4+Buffer.byteLength(r[l].prompt)+1;let c=this._packetRW.write.allocStart,u=this._packetRW.write.alloc(5+s+4+a+4+4+o);u[c]=ge.USERAUTH_INFO_REQUEST,k(u,s,++c),c+=4,t&&(u.utf8Write(t,c,s),c+=s),k(u,a,c),c+=4,n&&(u.utf8Write(n,c,a),c+=a),k(u,0,c),k(u,r.length,c+=4),c+=4;for(let l=0;l<r.length;++l){let d=r[l],h=Buffer.byteLength(d.prompt);k(u,h,c),c+=4,h&&(u.utf8Write(d.prompt,c,h),c+=h),u[c++]=d.echo?1:0}this._debug&&this._debug("Outbound: Sending USERAUTH_INFO_REQUEST"),we(this,this._packetRW.write.finalize(u))}},V1=/^SSH-(2\.0|1\.99)-([^ ]+)(?: (.*))?$/;function X1(e,t,n){let r,o;this._buffer?(r=Buffer.allocUnsafe(this._buffer.length+(n-t)),r.set(this._buffer,0),t===0?r.set(e,this._buffer.length):r.set(new Uint8Array(e.buffer,e.byteOffset+t,n-t),this._buffer.length),o=this._buffer.length,t=0):(r=e,o=0);let s=t,a=t,c=t,u=!1,l=0,d=0;for(;t<r.length;++t){let h=r[t];if(h===13){u=!0;continue}if(h===10){if(c>a&&c-a>4&&r[a]===83&&r[a+1]===83&&r[a+2]===72&&r[a+3]===45){let p=r.latin1Slice(s,c+1),m=a===s?p:p.slice(a-s),b=V1.exec(m);if(!b)throw new Error("Invalid identification string");let A={greeting:a===s?"":p.slice(0,a-s),identRaw:m,versions:{protocol:b[1],software:b[2]},comments:b[3]};return this._remoteIdentRaw=Buffer.from(m),this._debug&&this._debug(`Remote ident: ${Sm(m)}`),this._compatFlags=tk(A),this._buffer=void 0,this._decipher=new O1(0,F1.bind(this,{firstPacket:!0})),this._parse=J1,this._onHeader(A),this._destruct?(Im(this),t+1-o):n}if(this._server)throw new Error("Greetings from clients not permitted");if(++d>G1)throw new Error("Max greeting lines exceeded");u=!1,a=t+1,l=0}else{if(u)throw new Error("Invalid header: expected newline");if(++l>=Z1)throw new Error("Header line too long")}c=t}return this._buffer||(this._buffer=Cm(r,s)),t-o}i(X1,"parseHeader");function J1(e,t,n){return this._decipher.decrypt(e,t,n)}i(J1,"parsePacket");function ek(e){if(this._onPacket(),e.length===0){this._debug&&this._debug("Inbound: Skipping empty packet payload");return}e=this._packetRW.read.read(e);let t=e[0];t===ge.USERAUTH_SUCCESS&&!this._server&&!this._authenticated&&(this._authenticated=!0,this._kex.negotiated.cs.compress==="zlib@openssh.com"&&(this._packetRW.write=new Tm(this)),this._kex.negotiated.sc.compress==="zlib@openssh.com"&&(this._packetRW.read=new Rm));let n=M1[t];if(n===void 0){this._debug&&this._debug(`Inbound: Unsupported message type: ${t}`);return}return n(this,e)}i(ek,"onPayload");function tk(e){let t=e.versions.software,n=0;for(let r of L1)typeof r[0]=="string"?t===r[0]&&(n|=r[1]):r[0].test(t)&&(n|=r[1]);return n}i(tk,"getCompatFlags");function nk(e){let t=Object.keys(e),n=Buffer.allocUnsafe(5*t.length+1),r=0;for(let o=0;o<t.length;++o){let s=t[o];if(s==="TTY_OP_END")continue;let a=el[s];if(a===void 0)continue;let c=e[s];typeof c=="number"&&isFinite(c)&&(n[r++]=a,n[r++]=c>>>24,n[r++]=c>>>16,n[r++]=c>>>8,n[r++]=c)}return n[r++]=el.TTY_OP_END,r<n.length?Cm(n,0,r):n}i(nk,"modesToBytes");function rk(e){let t="ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521rsa-sha2-512,rsa-sha2-256,ssh-rsa,ssh-dss";U1&&(t=`ssh-ed25519,${t}`);let n=Buffer.byteLength(t),r=e._packetRW.write.allocStart,o=e._packetRW.write.alloc(28+n);o[r]=ge.EXT_INFO,k(o,1,++r),k(o,15,r+=4),o.utf8Write("server-sig-algs",r+=4,15),k(o,n,r+=15),o.utf8Write(t,r+=4,n),e._debug&&e._debug("Outbound: Sending EXT_INFO"),we(e,e._packetRW.write.finalize(o))}i(rk,"sendExtInfo");Bm.exports=tl});var Hm=Me((w5,Dm)=>{"use strict";var{Duplex:ok,Readable:sk,Writable:ik}=require("stream"),{CHANNEL_EXTENDED_DATATYPE:{STDERR:Om}}=qn(),{bufferSlice:Fi}=Pn(),ak=32*1024,Yo=2*1024*1024,sl=Yo/2,nl=class extends sk{static{i(this,"ClientStderr")}constructor(t,n){super(n),this._channel=t}_read(t){this._channel._waitChanDrain&&(this._channel._waitChanDrain=!1,this._channel.incoming.window<=sl&&il(this._channel))}},rl=class extends ik{static{i(this,"ServerStderr")}constructor(t){super({highWaterMark:Yo}),this._channel=t}_write(t,n,r){let o=this._channel,s=o._client._protocol,a=o.outgoing,c=a.packetSize,u=a.id,l=a.window,d=t.length,h=0;if(a.state==="open"){for(;d-h>0&&l>0;){let p=d-h;p>l&&(p=l),p>c&&(p=c),h===0&&p===d?s.channelExtData(u,t,Om):s.channelExtData(u,Fi(t,h,h+p),Om),h+=p,l-=p}if(a.window=l,d-h>0){l===0&&(o._waitWindow=!0),h>0?o._chunkErr=Fi(t,h,d):o._chunkErr=t,o._chunkcbErr=r;return}r()}}},ol=class extends ok{static{i(this,"Channel")}constructor(t,n,r){let o={highWaterMark:Yo,allowHalfOpen:!r||r&&r.allowHalfOpen!==!1,emitClose:!1};super(o),this.allowHalfOpen=o.allowHalfOpen;let s=!!(r&&r.server);this.server=s,this.type=n.type,this.subtype=void 0,this.incoming=n.incoming,this.outgoing=n.outgoing,this._callbacks=[],this._client=t,this._hasX11=!1,this._exit={code:void 0,signal:void 0,dump:void 0,desc:void 0},this.stdin=this.stdout=this,s?this.stderr=new rl(this):this.stderr=new nl(this,o),this._waitWindow=!1,this._waitChanDrain=!1,this._chunk=void 0,this._chunkcb=void 0,this._chunkErr=void 0,this._chunkcbErr=void 0,this.on("finish",Lm).on("prefinish",Lm),this.on("end",Um).on("close",Um)}_read(t){this._waitChanDrain&&(this._waitChanDrain=!1,this.incoming.window<=sl&&il(this))}_write(t,n,r){let o=this._client._protocol,s=this.outgoing,a=s.packetSize,c=s.id,u=s.window,l=t.length,d=0;if(s.state==="open"){for(;l-d>0&&u>0;){let h=l-d;h>u&&(h=u),h>a&&(h=a),d===0&&h===l?o.channelData(c,t):o.channelData(c,Fi(t,d,d+h)),d+=h,u-=h}if(s.window=u,l-d>0){u===0&&(this._waitWindow=!0),d>0?this._chunk=Fi(t,d,l):this._chunk=t,this._chunkcb=r;return}r()}}eof(){this.outgoing.state==="open"&&(this.outgoing.state="eof",this._client._protocol.channelEOF(this.outgoing.id))}close(){(this.outgoing.state==="open"||this.outgoing.state==="eof")&&(this.outgoing.state="closing",this._client._protocol.channelClose(this.outgoing.id))}destroy(){return this.end(),this.close(),this}setWindow(t,n,r,o){if(this.server)throw new Error("Client-only method called in server mode");this.type==="session"&&(this.subtype==="shell"||this.subtype==="exec")&&this.writable&&this.outgoing.state==="open"&&this._client._protocol.windowChange(this.outgoing.id,t,n,r,o)}signal(t){if(this.server)throw new Error("Client-only method called in server mode");this.type==="session"&&this.writable&&this.outgoing.state==="open"&&this._client._protocol.signal(this.outgoing.id,t)}exit(t,n,r){if(!this.server)throw new Error("Server-only method called in client mode");this.type==="session"&&this.writable&&this.outgoing.state==="open"&&(typeof t=="number"?this._client._protocol.exitStatus(this.outgoing.id,t):this._client._protocol.exitSignal(this.outgoing.id,t,n,r))}};function Lm(){this.eof(),(this.server||!this.allowHalfOpen)&&this.close(),this.writable=!1}i(Lm,"onFinish");function Um(){this.readable=!1}i(Um,"onEnd");function il(e){if(e.outgoing.state==="closed")return;let t=Yo-e.incoming.window;t<=0||(e.incoming.window+=t,e._client._protocol.channelWindowAdjust(e.outgoing.id,t))}i(il,"windowAdjust");Dm.exports={Channel:ol,MAX_WINDOW:Yo,PACKET_SIZE:ak,windowAdjust:il,WINDOW_THRESHOLD:sl}});var Qm=Me((b5,zm)=>{"use strict";var{SFTP:ck}=Ri(),Vo=2**32-1;function Fm(e,t,n,r){if(e._chanMgr.remove(t),typeof r!="function")return;let o;n instanceof Error?o=n:typeof n=="object"&&n!==null?(o=new Error(`(SSH) Channel open failure: ${n.description}`),o.reason=n.reason):(o=new Error("(SSH) Channel open failure: server closed channel unexpectedly"),o.reason=""),r(o)}i(Fm,"onChannelOpenFailure");function Mm(e,t,n,r,o){if(typeof n=="function"){Fm(e,t,r,n);return}if(typeof n!="object"||n===null||n.incoming&&n.incoming.state==="closed"||(e._chanMgr.remove(t),n.server&&n.constructor.name==="Session"))return;n.incoming.state="closed",n.readable&&n.push(null),n.server?n.stderr.writable&&n.stderr.end():n.stderr.readable&&n.stderr.push(null),n.constructor!==ck&&(n.outgoing.state==="open"||n.outgoing.state==="eof")&&!o&&n.close(),n.outgoing.state==="closing"&&(n.outgoing.state="closed");let s=n._readableState,a=n._writableState;a&&!a.ending&&!a.finished&&!o&&n.end();let c=n._callbacks;n._callbacks=[];for(let u=0;u<c.length;++u)c[u](!0);if(n.server)!n.readable||n.destroyed||s&&s.endEmitted?n.emit("close"):n.once("end",()=>n.emit("close"));else{let u;switch(n.type){case"direct-streamlocal@openssh.com":case"direct-tcpip":u=i(()=>n.emit("close"),"doClose");break;default:{let d=n._exit;u=i(()=>{d.code===null?n.emit("close",d.code,d.signal,d.dump,d.desc):n.emit("close",d.code)},"doClose")}}!n.readable||n.destroyed||s&&s.endEmitted?u():n.once("end",u);let l=n.stderr._readableState;!n.stderr.readable||n.stderr.destroyed||l&&l.endEmitted?n.stderr.emit("close"):n.stderr.once("end",()=>n.stderr.emit("close"))}}i(Mm,"onCHANNEL_CLOSE");var cl=class{static{i(this,"ChannelManager")}constructor(t){this._client=t,this._channels={},this._cur=-1,this._count=0}add(t){let n;if(this._cur<Vo)n=++this._cur;else if(this._count===0)this._cur=0,n=0;else{let r=this._channels;for(let o=0;o<Vo;++o)if(r[o]===void 0){n=o;break}}return n===void 0?-1:(this._channels[n]=t||!0,++this._count,n)}update(t,n){if(typeof t!="number"||t<0||t>=Vo||!isFinite(t))throw new Error(`Invalid channel id: ${t}`);n&&this._channels[t]&&(this._channels[t]=n)}get(t){if(typeof t!="number"||t<0||t>=Vo||!isFinite(t))throw new Error(`Invalid channel id: ${t}`);return this._channels[t]}remove(t){if(typeof t!="number"||t<0||t>=Vo||!isFinite(t))throw new Error(`Invalid channel id: ${t}`);this._channels[t]&&(delete this._channels[t],this._count&&--this._count)}cleanup(t){let n=this._channels;this._channels={},this._cur=-1,this._count=0;let r=Object.keys(n),o=this._client;for(let s=0;s<r.length;++s){let a=+r[s],c=n[a];Mm(o,a,c._channel||c,t,!0)}}},al=(()=>{let e=Object.prototype.toString;return t=>e.call(t)==="[object RegExp]"})();function uk(e,t,n){if(Array.isArray(e)&&e.length>0){for(let r=0;r<e.length;++r)if(n.indexOf(e[r])===-1)throw new Error(`Unsupported algorithm: ${e[r]}`);return e}if(typeof e=="object"&&e!==null){let r=Object.keys(e),o=t;for(let s=0;s<r.length;++s){let a=r[s],c=e[a];switch(a){case"append":if(Array.isArray(c)||(c=[c]),Array.isArray(c))for(let u=0;u<c.length;++u){let l=c[u];if(typeof l=="string"){if(!l||o.indexOf(l)!==-1)continue;if(n.indexOf(l)===-1)throw new Error(`Unsupported algorithm: ${l}`);o===t&&(o=o.slice()),o.push(l)}else if(al(l))for(let d=0;d<n.length;++d){let h=n[d];if(l.test(h)){if(o.indexOf(h)!==-1)continue;o===t&&(o=o.slice()),o.push(h)}}}break;case"prepend":if(Array.isArray(c)||(c=[c]),Array.isArray(c))for(let u=c.length;u>=0;--u){let l=c[u];if(typeof l=="string"){if(!l||o.indexOf(l)!==-1)continue;if(n.indexOf(l)===-1)throw new Error(`Unsupported algorithm: ${l}`);o===t&&(o=o.slice()),o.unshift(l)}else if(al(l))for(let d=n.length;d>=0;--d){let h=n[d];if(l.test(h)){if(o.indexOf(h)!==-1)continue;o===t&&(o=o.slice()),o.unshift(h)}}}break;case"remove":if(Array.isArray(c)||(c=[c]),Array.isArray(c))for(let u=0;u<c.length;++u){let l=c[u];if(typeof l=="string"){if(!l)continue;let d=o.indexOf(l);if(d===-1)continue;o===t&&(o=o.slice()),o.splice(d,1)}else if(al(l))for(let d=0;d<o.length;++d)l.test(o[d])&&(o===t&&(o=o.slice()),o.splice(d,1),--d)}break}}return o}return t}i(uk,"generateAlgorithmList");zm.exports={ChannelManager:cl,generateAlgorithmList:uk,onChannelOpenFailure:Fm,onCHANNEL_CLOSE:Mm,isWritable:i(e=>e&&e.writable&&e._readableState&&e._readableState.ended===!1,"isWritable")}});var lg=Me((x5,ug)=>{"use strict";var{createHash:lk,getHashes:dk,randomFillSync:fk}=require("crypto"),{Socket:hk}=require("net"),{lookup:pk}=require("dns"),_k=require("events"),mk=dk(),{COMPAT:ig,CHANNEL_EXTENDED_DATATYPE:{STDERR:gk},CHANNEL_OPEN_FAILURE:Xo,DEFAULT_CIPHER:Km,DEFAULT_COMPRESSION:jm,DEFAULT_KEX:Wm,DEFAULT_MAC:qm,DEFAULT_SERVER_HOST_KEY:Zm,DISCONNECT_REASON:Gm,DISCONNECT_REASON_BY_VALUE:$k,SUPPORTED_CIPHER:wk,SUPPORTED_COMPRESSION:yk,SUPPORTED_KEX:bk,SUPPORTED_MAC:Ak,SUPPORTED_SERVER_HOST_KEY:xk}=qn(),{init:Ek}=Mr(),kk=Nm(),{parseKey:Qi}=pr(),{SFTP:Sk}=Ri(),{bufferCopy:Ym,makeBufferParser:ag,makeError:vk,readUInt32BE:Ik,sigSSHToASN1:Ck,writeUInt32BE:ul}=Pn(),{AgentContext:Vm,createAgent:Xm,isAgent:Jm}=Fu(),{Channel:cg,MAX_WINDOW:Ki,PACKET_SIZE:ji,windowAdjust:eg,WINDOW_THRESHOLD:tg}=Hm(),{ChannelManager:Rk,generateAlgorithmList:Jo,isWritable:wt,onChannelOpenFailure:Tk,onCHANNEL_CLOSE:Pk}=Qm(),Mi=ag(),zi=ag(),es=/^OpenSSH_(?:(?![0-4])\d)|(?:\d{2,})/,hl=i(e=>{},"noop"),pl=class extends _k{static{i(this,"Client")}constructor(){super(),this.config={host:void 0,port:void 0,localAddress:void 0,localPort:void 0,forceIPv4:void 0,forceIPv6:void 0,keepaliveCountMax:void 0,keepaliveInterval:void 0,readyTimeout:void 0,ident:void 0,username:void 0,password:void 0,privateKey:void 0,tryKeyboard:void 0,agent:void 0,allowAgentFwd:void 0,authHandler:void 0,hostHashAlgo:void 0,hostHashCb:void 0,strictVendor:void 0,debug:void 0},this._agent=void 0,this._readyTimeout=void 0,this._chanMgr=void 0,this._callbacks=void 0,this._forwarding=void 0,this._forwardingUnix=void 0,this._acceptX11=void 0,this._agentFwdEnabled=void 0,this._remoteVer=void 0,this._protocol=void 0,this._sock=void 0,this._resetKA=void 0}connect(t){if(this._sock&&wt(this._sock))return this.once("close",()=>{this.connect(t)}),this.end(),this;this.config.host=t.hostname||t.host||"localhost",this.config.port=t.port||22,this.config.localAddress=typeof t.localAddress=="string"?t.localAddress:void 0,this.config.localPort=typeof t.localPort=="string"||typeof t.localPort=="number"?t.localPort:void 0,this.config.forceIPv4=t.forceIPv4||!1,this.config.forceIPv6=t.forceIPv6||!1,this.config.keepaliveCountMax=typeof t.keepaliveCountMax=="number"&&t.keepaliveCountMax>=0?t.keepaliveCountMax:3,this.config.keepaliveInterval=typeof t.keepaliveInterval=="number"&&t.keepaliveInterval>0?t.keepaliveInterval:0,this.config.readyTimeout=typeof t.readyTimeout=="number"&&t.readyTimeout>=0?t.readyTimeout:2e4,this.config.ident=typeof t.ident=="string"||Buffer.isBuffer(t.ident)?t.ident:void 0;let n={kex:void 0,serverHostKey:void 0,cs:{cipher:void 0,mac:void 0,compress:void 0,lang:[]},sc:void 0},r=!0;if(typeof t.algorithms=="object"&&t.algorithms!==null&&(n.kex=Jo(t.algorithms.kex,Wm,bk),n.kex!==Wm&&(r=!1),n.serverHostKey=Jo(t.algorithms.serverHostKey,Zm,xk),n.serverHostKey!==Zm&&(r=!1),n.cs.cipher=Jo(t.algorithms.cipher,Km,wk),n.cs.cipher!==Km&&(r=!1),n.cs.mac=Jo(t.algorithms.hmac,qm,Ak),n.cs.mac!==qm&&(r=!1),n.cs.compress=Jo(t.algorithms.compress,jm,yk),n.cs.compress!==jm&&(r=!1),r||(n.sc=n.cs)),typeof t.username=="string")this.config.username=t.username;else if(typeof t.user=="string")this.config.username=t.user;else throw new Error("Invalid username");this.config.password=typeof t.password=="string"?t.password:void 0,this.config.privateKey=typeof t.privateKey=="string"||Buffer.isBuffer(t.privateKey)?t.privateKey:void 0,this.config.localHostname=typeof t.localHostname=="string"?t.localHostname:void 0,this.config.localUsername=typeof t.localUsername=="string"?t.localUsername:void 0,this.config.tryKeyboard=t.tryKeyboard===!0,typeof t.agent=="string"&&t.agent.length?this.config.agent=Xm(t.agent):Jm(t.agent)?this.config.agent=t.agent:this.config.agent=void 0,this.config.allowAgentFwd=t.agentForward===!0&&this.config.agent!==void 0;let o=this.config.authHandler=typeof t.authHandler=="function"||Array.isArray(t.authHandler)?t.authHandler:void 0;this.config.strictVendor=typeof t.strictVendor=="boolean"?t.strictVendor:!0;let s=this.config.debug=typeof t.debug=="function"?t.debug:void 0;if(t.agentForward===!0&&!this.config.allowAgentFwd)throw new Error("You must set a valid agent path to allow agent forwarding");let a=this._callbacks=[];this._chanMgr=new Rk(this),this._forwarding={},this._forwardingUnix={},this._acceptX11=0,this._agentFwdEnabled=!1,this._agent=this.config.agent?this.config.agent:void 0,this._remoteVer=void 0;let c;if(this.config.privateKey){if(c=Qi(this.config.privateKey,t.passphrase),c instanceof Error)throw new Error(`Cannot parse privateKey: ${c.message}`);if(Array.isArray(c)&&(c=c[0]),c.getPrivatePEM()===null)throw new Error("privateKey value does not contain a (valid) private key")}let u;if(typeof t.hostVerifier=="function"){let R=t.hostVerifier,O;mk.indexOf(t.hostHash)!==-1&&(O=t.hostHash),u=i((N,z)=>{O&&(N=lk(O).update(N).digest("hex"));let ce=R(N,z);ce!==void 0&&z(ce)},"hostVerifier")}let l=this._sock=t.sock||new hk,d=!1,h=!1;this._protocol&&this._protocol.cleanup();let p=s?(R,O,N)=>{s(`Debug output from server: ${JSON.stringify(N)}`)}:void 0,m,b=this._protocol=new kk({ident:this.config.ident,offer:r?void 0:n,onWrite:i(R=>{wt(l)&&l.write(R)},"onWrite"),onError:i(R=>{R.level==="handshake"&&clearTimeout(this._readyTimeout),b._destruct||l.removeAllListeners("data"),this.emit("error",R);try{l.end()}catch{}},"onError"),onHeader:i(R=>{h=!0,this._remoteVer=R.versions.software,R.greeting&&this.emit("greeting",R.greeting)},"onHeader"),onHandshakeComplete:i(R=>{this.emit("handshake",R),d||(d=!0,b.service("ssh-userauth"))},"onHandshakeComplete"),debug:s,hostVerifier:u,messageHandlers:{DEBUG:p,DISCONNECT:i((R,O,N)=>{if(O!==Gm.BY_APPLICATION){N||(N=$k[O],N===void 0&&(N=`Unexpected disconnection reason: ${O}`));let z=new Error(N);z.code=O,this.emit("error",z)}l.end()},"DISCONNECT"),SERVICE_ACCEPT:i((R,O)=>{O==="ssh-userauth"&&re()},"SERVICE_ACCEPT"),EXT_INFO:i((R,O)=>{if(m===void 0){for(let N of O)if(N.name==="server-sig-algs"){m=N.algs;return}m=null}},"EXT_INFO"),USERAUTH_BANNER:i((R,O)=>{this.emit("banner",O)},"USERAUTH_BANNER"),USERAUTH_SUCCESS:i(R=>{B(),clearTimeout(this._readyTimeout),this.emit("ready")},"USERAUTH_SUCCESS"),USERAUTH_FAILURE:i((R,O,N)=>{if(M.keyAlgos){let z=M.keyAlgos[0][0];if(s&&s(`Client: ${M.type} (${z}) auth failed`),M.keyAlgos.shift(),M.keyAlgos.length){let[ce,de]=M.keyAlgos[0];switch(M.type){case"agent":b.authPK(M.username,M.agentCtx.currentKey(),ce);return;case"publickey":b.authPK(M.username,M.key,ce);return;case"hostbased":b.authHostbased(M.username,M.key,M.localHostname,M.localUsername,ce,(ue,st)=>{let yt=M.key.sign(ue,de);if(yt instanceof Error)return yt.message=`Error while signing with key: ${yt.message}`,yt.level="client-authentication",this.emit("error",yt),re();st(yt)});return}}else M.keyAlgos=void 0}if(M.type==="agent"){let z=M.agentCtx.pos();return s&&s(`Client: Agent key #${z+1} failed`),fe()}s&&s(`Client: ${M.type} auth failed`),G=N,W=O,re()},"USERAUTH_FAILURE"),USERAUTH_PASSWD_CHANGEREQ:i((R,O)=>{M.type==="password"&&this.emit("change password",O,N=>{b.authPassword(this.config.username,this.config.password,N)})},"USERAUTH_PASSWD_CHANGEREQ"),USERAUTH_PK_OK:i(R=>{let O,N;if(M.keyAlgos&&([O,N]=M.keyAlgos[0]),M.type==="agent"){let z=M.agentCtx.currentKey();b.authPK(M.username,z,O,(ce,de)=>{let ue={hash:N};M.agentCtx.sign(z,ce,ue,(st,yt)=>{if(st)st.level="agent",this.emit("error",st);else return de(yt);fe()})})}else M.type==="publickey"&&b.authPK(M.username,M.key,O,(z,ce)=>{let de=M.key.sign(z,N);if(de instanceof Error)return de.message=`Error signing data with key: ${de.message}`,de.level="client-authentication",this.emit("error",de),re();ce(de)})},"USERAUTH_PK_OK"),USERAUTH_INFO_REQUEST:i((R,O,N,z)=>{if(M.type==="keyboard-interactive"){if((Array.isArray(z)?z.length:0)===0){s&&s("Client: Sending automatic USERAUTH_INFO_RESPONSE"),b.authInfoRes();return}M.prompt(O,N,"",z,de=>{b.authInfoRes(de)})}},"USERAUTH_INFO_REQUEST"),REQUEST_SUCCESS:i((R,O)=>{a.length&&a.shift()(!1,O)},"REQUEST_SUCCESS"),REQUEST_FAILURE:i(R=>{a.length&&a.shift()(!0)},"REQUEST_FAILURE"),GLOBAL_REQUEST:i((R,O,N,z)=>{O==="hostkeys-00@openssh.com"?(Uk(this,z,(ce,de)=>{ce||this.emit("hostkeys",de)}),N&&b.requestSuccess()):N&&b.requestFailure()},"GLOBAL_REQUEST"),CHANNEL_OPEN:i((R,O)=>{Ok(this,O)},"CHANNEL_OPEN"),CHANNEL_OPEN_CONFIRMATION:i((R,O)=>{let N=this._chanMgr.get(O.recipient);if(typeof N!="function")return;let z=N.type==="sftp",de={type:z?"session":N.type,incoming:{id:O.recipient,window:Ki,packetSize:ji,state:"open"},outgoing:{id:O.sender,window:O.window,packetSize:O.packetSize,state:"open"}},ue=z?new Sk(this,de,{debug:s}):new cg(this,de);this._chanMgr.update(O.recipient,ue),N(void 0,ue)},"CHANNEL_OPEN_CONFIRMATION"),CHANNEL_OPEN_FAILURE:i((R,O,N,z)=>{let ce=this._chanMgr.get(O);if(typeof ce!="function")return;Tk(this,O,{reason:N,description:z},ce)},"CHANNEL_OPEN_FAILURE"),CHANNEL_DATA:i((R,O,N)=>{let z=this._chanMgr.get(O);if(!(typeof z!="object"||z===null)&&z.incoming.window!==0){if(z.incoming.window-=N.length,z.push(N)===!1){z._waitChanDrain=!0;return}z.incoming.window<=tg&&eg(z)}},"CHANNEL_DATA"),CHANNEL_EXTENDED_DATA:i((R,O,N,z)=>{if(z!==gk)return;let ce=this._chanMgr.get(O);if(!(typeof ce!="object"||ce===null)&&ce.incoming.window!==0){if(ce.incoming.window-=N.length,!ce.stderr.push(N)){ce._waitChanDrain=!0;return}ce.incoming.window<=tg&&eg(ce)}},"CHANNEL_EXTENDED_DATA"),CHANNEL_WINDOW_ADJUST:i((R,O,N)=>{let z=this._chanMgr.get(O);typeof z!="object"||z===null||(z.outgoing.window+=N,z._waitWindow&&(z._waitWindow=!1,z._chunk?z._write(z._chunk,null,z._chunkcb):z._chunkcb?z._chunkcb():z._chunkErr?z.stderr._write(z._chunkErr,null,z._chunkcbErr):z._chunkcbErr&&z._chunkcbErr()))},"CHANNEL_WINDOW_ADJUST"),CHANNEL_SUCCESS:i((R,O)=>{let N=this._chanMgr.get(O);typeof N!="object"||N===null||(this._resetKA(),N._callbacks.length&&N._callbacks.shift()(!1))},"CHANNEL_SUCCESS"),CHANNEL_FAILURE:i((R,O)=>{let N=this._chanMgr.get(O);typeof N!="object"||N===null||(this._resetKA(),N._callbacks.length&&N._callbacks.shift()(!0))},"CHANNEL_FAILURE"),CHANNEL_REQUEST:i((R,O,N,z,ce)=>{let de=this._chanMgr.get(O);if(typeof de!="object"||de===null)return;let ue=de._exit;if(ue.code===void 0){switch(N){case"exit-status":de.emit("exit",ue.code=ce);return;case"exit-signal":de.emit("exit",ue.code=null,ue.signal=`SIG${ce.signal}`,ue.dump=ce.coreDumped,ue.desc=ce.errorMessage);return}z&&R.channelFailure(de.outgoing.id)}},"CHANNEL_REQUEST"),CHANNEL_EOF:i((R,O)=>{let N=this._chanMgr.get(O);typeof N!="object"||N===null||N.incoming.state==="open"&&(N.incoming.state="eof",N.readable&&N.push(null),N.stderr.readable&&N.stderr.push(null))},"CHANNEL_EOF"),CHANNEL_CLOSE:i((R,O)=>{Pk(this,O,this._chanMgr.get(O))},"CHANNEL_CLOSE")}});l.pause();let A=this.config.keepaliveInterval,y=this.config.keepaliveCountMax,E=0,I,L=i(()=>{if(++E>y){if(clearInterval(I),l.readable){let R=new Error("Keepalive timeout");R.level="client-timeout",this.emit("error",R),l.destroy()}return}wt(l)?(a.push(B),b.ping()):clearInterval(I)},"sendKA");function B(){A>0&&(E=0,clearInterval(I),wt(l)&&(I=setInterval(L,A)))}i(B,"resetKA"),this._resetKA=B;let Z=(()=>{let R=!1;return()=>{if(!R&&(R=!0,ye&&!h)){let O=vk("Connection lost before handshake","protocol",!0);this.emit("error",O)}}})(),ae=(()=>{let R=!1;return()=>{R||(R=!0,ye=!0,s&&s("Socket connected"),this.emit("connect"),Ek.then(()=>{b.start(),l.on("data",O=>{try{b.parse(O,0,O.length)}catch(N){this.emit("error",N);try{wt(l)&&l.end()}catch{}}}),l.stderr&&typeof l.stderr.resume=="function"&&l.stderr.resume(),l.resume()}).catch(O=>{this.emit("error",O);try{wt(l)&&l.end()}catch{}}))}})(),ye=!1;l.on("connect",ae).on("timeout",()=>{this.emit("timeout")}).on("error",R=>{s&&s(`Socket error: ${R.message}`),clearTimeout(this._readyTimeout),R.level="client-socket",this.emit("error",R)}).on("end",()=>{s&&s("Socket ended"),Z(),b.cleanup(),clearTimeout(this._readyTimeout),clearInterval(I),this.emit("end")}).on("close",()=>{s&&s("Socket closed"),Z(),b.cleanup(),clearTimeout(this._readyTimeout),clearInterval(I),this.emit("close");let R=a;a=this._callbacks=[];let O=new Error("No response from server");for(let N=0;N<R.length;++N)R[N](O);this._chanMgr.cleanup(O)});let M,G=null,W=null,K=["none"];this.config.password!==void 0&&K.push("password"),c!==void 0&&K.push("publickey"),this._agent!==void 0&&K.push("agent"),this.config.tryKeyboard&&K.push("keyboard-interactive"),c!==void 0&&this.config.localHostname!==void 0&&this.config.localUsername!==void 0&&K.push("hostbased"),Array.isArray(o)?o=sg(o):typeof o!="function"&&(o=sg(K));let te=!1,_e=i(R=>{if(!te){if(te=!0,R===!1){let O=new Error("All configured authentication methods failed");O.level="client-authentication",this.emit("error",O),this.end();return}if(typeof R=="string"){let O=R;if(K.indexOf(O)===-1)return Y(`Authentication method not allowed: ${O}`);let N=this.config.username;switch(O){case"password":R={type:O,username:N,password:this.config.password};break;case"publickey":R={type:O,username:N,key:c};break;case"hostbased":R={type:O,username:N,key:c,localHostname:this.config.localHostname,localUsername:this.config.localUsername};break;case"agent":R={type:O,username:N,agentCtx:new Vm(this._agent)};break;case"keyboard-interactive":R={type:O,username:N,prompt:i((...z)=>this.emit("keyboard-interactive",...z),"prompt")};break;case"none":R={type:O,username:N};break;default:return Y(`Skipping unsupported authentication method: ${R}`)}}else{if(typeof R!="object"||R===null)return Y(`Skipping invalid authentication attempt: ${R}`);{let O=R.username;if(typeof O!="string")return Y(`Skipping invalid authentication attempt: ${R}`);let N=R.type;switch(N){case"password":{let{password:z}=R;if(typeof z!="string"&&!Buffer.isBuffer(z))return Y("Skipping invalid password auth attempt");R={type:N,username:O,password:z};break}case"publickey":{let z=Qi(R.key,R.passphrase);if(z instanceof Error)return Y("Skipping invalid key auth attempt");if(!z.isPrivateKey())return Y("Skipping non-private key");R={type:N,username:O,key:z};break}case"hostbased":{let{localHostname:z,localUsername:ce}=R,de=Qi(R.key,R.passphrase);if(de instanceof Error||typeof z!="string"||typeof ce!="string")return Y("Skipping invalid hostbased auth attempt");if(!de.isPrivateKey())return Y("Skipping non-private key");R={type:N,username:O,key:de,localHostname:z,localUsername:ce};break}case"agent":{let z=R.agent;if(typeof z=="string"&&z.length)z=Xm(z);else if(!Jm(z))return Y(`Skipping invalid agent: ${R.agent}`);R={type:N,username:O,agentCtx:new Vm(z)};break}case"keyboard-interactive":{let{prompt:z}=R;if(typeof z!="function")return Y("Skipping invalid keyboard-interactive auth attempt");R={type:N,username:O,prompt:z};break}case"none":R={type:N,username:O};break;default:return Y(`Skipping unsupported authentication method: ${R}`)}}}M=R;try{let O=M.username;switch(M.type){case"password":b.authPassword(O,M.password);break;case"publickey":{let N;if(M.keyAlgos=fl(this,M.key,m),M.keyAlgos)if(M.keyAlgos.length)N=M.keyAlgos[0][0];else return Y("Skipping key authentication (no mutual hash algorithm)");b.authPK(O,M.key,N);break}case"hostbased":{let N,z;if(M.keyAlgos=fl(this,M.key,m),M.keyAlgos)if(M.keyAlgos.length)[N,z]=M.keyAlgos[0];else return Y("Skipping hostbased authentication (no mutual hash algorithm)");b.authHostbased(O,M.key,M.localHostname,M.localUsername,N,(ce,de)=>{let ue=M.key.sign(ce,z);if(ue instanceof Error)return ue.message=`Error while signing with key: ${ue.message}`,ue.level="client-authentication",this.emit("error",ue),re();de(ue)});break}case"agent":M.agentCtx.init(N=>{if(N)return N.level="agent",this.emit("error",N),re();fe()});break;case"keyboard-interactive":b.authKeyboard(O);break;case"none":b.authNone(O);break}}finally{te=!1}}},"doNextAuth");function Y(R){s&&s(R),process.nextTick(re)}i(Y,"skipAuth");function re(){te=!1;let R=o(W,G,_e);te||R===void 0||_e(R)}i(re,"tryNextAuth");let fe=i(()=>{if(M.type==="agent"){let R=M.agentCtx.nextKey();if(R===!1)s&&s("Agent: No more keys left to try"),s&&s("Client: agent auth failed"),re();else{let O=M.agentCtx.pos(),N;if(M.keyAlgos=fl(this,R,m),M.keyAlgos)if(M.keyAlgos.length)N=M.keyAlgos[0][0];else{s&&s(`Agent: Skipping key #${O+1} (no mutual hash algorithm)`),fe();return}s&&s(`Agent: Trying key #${O+1}`),b.authPK(M.username,R,N)}}},"tryNextAgentKey"),$e=i(()=>{this.config.readyTimeout>0&&(this._readyTimeout=setTimeout(()=>{let R=new Error("Timed out while waiting for handshake");R.level="client-timeout",this.emit("error",R),l.destroy()},this.config.readyTimeout))},"startTimeout");if(t.sock)$e(),typeof l.connecting=="boolean"&&l.connecting||ae();else{let R=this.config.host,O=this.config.forceIPv4,N=this.config.forceIPv6;s&&s(`Client: Trying ${R} on port ${this.config.port} ...`);let z=i(()=>{$e(),l.connect({host:R,port:this.config.port,localAddress:this.config.localAddress,localPort:this.config.localPort}),l.setMaxListeners(0),l.setTimeout(typeof t.timeout=="number"?t.timeout:0)},"doConnect");!O&&!N||O&&N?z():pk(R,O?4:6,(ce,de,ue)=>{if(ce){let st=O?"IPv4":"IPv6",yt=new Error(`Error while looking up ${st} address for '${R}': ${ce}`);clearTimeout(this._readyTimeout),yt.level="client-dns",this.emit("error",yt),this.emit("close");return}R=de,z()})}return this}end(){return this._sock&&wt(this._sock)&&(this._protocol.disconnect(Gm.BY_APPLICATION),this._sock.end()),this}destroy(){return this._sock&&wt(this._sock)&&this._sock.destroy(),this}exec(t,n,r){if(!this._sock||!wt(this._sock))throw new Error("Not connected");typeof n=="function"&&(r=n,n={});let o={allowHalfOpen:n.allowHalfOpen!==!1};return Yr(this,"session",o,(s,a)=>{if(s){r(s);return}let c=[];function u(l){if(l){a.close(),r(l);return}c.length&&c.shift()()}i(u,"reqCb"),(this.config.allowAgentFwd===!0||n&&n.agentForward===!0&&this._agent!==void 0)&&c.push(()=>og(a,u)),typeof n=="object"&&n!==null&&(typeof n.env=="object"&&n.env!==null&&ll(a,n.env),(typeof n.pty=="object"&&n.pty!==null||n.pty===!0)&&c.push(()=>rg(a,n.pty,u)),(typeof n.x11=="object"&&n.x11!==null||n.x11==="number"||n.x11===!0)&&c.push(()=>ng(a,n.x11,u))),c.push(()=>Nk(a,t,n,r)),c.shift()()}),this}shell(t,n,r){if(!this._sock||!wt(this._sock))throw new Error("Not connected");return typeof t=="function"?(r=t,t=n=void 0):typeof n=="function"&&(r=n,n=void 0),t&&(t.x11!==void 0||t.env!==void 0)&&(n=t,t=void 0),Yr(this,"session",(o,s)=>{if(o){r(o);return}let a=[];function c(u){if(u){s.close(),r(u);return}a.length&&a.shift()()}i(c,"reqCb"),(this.config.allowAgentFwd===!0||n&&n.agentForward===!0&&this._agent!==void 0)&&a.push(()=>og(s,c)),t!==!1&&a.push(()=>rg(s,t,c)),typeof n=="object"&&n!==null&&(typeof n.env=="object"&&n.env!==null&&ll(s,n.env),(typeof n.x11=="object"&&n.x11!==null||n.x11==="number"||n.x11===!0)&&a.push(()=>ng(s,n.x11,c))),a.push(()=>Bk(s,r)),a.shift()()}),this}subsys(t,n){if(!this._sock||!wt(this._sock))throw new Error("Not connected");return Yr(this,"session",(r,o)=>{if(r){n(r);return}dl(o,t,(s,a)=>{if(s){n(s);return}n(void 0,a)})}),this}forwardIn(t,n,r){if(!this._sock||!wt(this._sock))throw new Error("Not connected");let o=typeof r=="function";return o&&this._callbacks.push((s,a)=>{if(s){r(s!==!0?s:new Error(`Unable to bind to ${t}:${n}`));return}let c=n;n===0&&a&&a.length>=4&&(c=Ik(a,0),this._protocol._compatFlags&ig.DYN_RPORT_BUG||(n=c)),this._forwarding[`${t}:${n}`]=c,r(void 0,c)}),this._protocol.tcpipForward(t,n,o),this}unforwardIn(t,n,r){if(!this._sock||!wt(this._sock))throw new Error("Not connected");let o=typeof r=="function";return o&&this._callbacks.push(s=>{if(s){r(s!==!0?s:new Error(`Unable to unbind from ${t}:${n}`));return}delete this._forwarding[`${t}:${n}`],r()}),this._protocol.cancelTcpipForward(t,n,o),this}forwardOut(t,n,r,o,s){if(!this._sock||!wt(this._sock))throw new Error("Not connected");let a={srcIP:t,srcPort:n,dstIP:r,dstPort:o};return typeof s!="function"&&(s=hl),Yr(this,"direct-tcpip",a,s),this}openssh_noMoreSessions(t){if(!this._sock||!wt(this._sock))throw new Error("Not connected");let n=typeof t=="function";return!this.config.strictVendor||this.config.strictVendor&&es.test(this._remoteVer)?(n&&this._callbacks.push(r=>{if(r){t(r!==!0?r:new Error("Unable to disable future sessions"));return}t()}),this._protocol.openssh_noMoreSessions(n),this):n?(process.nextTick(t,new Error("strictVendor enabled and server is not OpenSSH or compatible version")),this):this}openssh_forwardInStreamLocal(t,n){if(!this._sock||!wt(this._sock))throw new Error("Not connected");let r=typeof n=="function";return!this.config.strictVendor||this.config.strictVendor&&es.test(this._remoteVer)?(r&&this._callbacks.push(o=>{if(o){n(o!==!0?o:new Error(`Unable to bind to ${t}`));return}this._forwardingUnix[t]=!0,n()}),this._protocol.openssh_streamLocalForward(t,r),this):r?(process.nextTick(n,new Error("strictVendor enabled and server is not OpenSSH or compatible version")),this):this}openssh_unforwardInStreamLocal(t,n){if(!this._sock||!wt(this._sock))throw new Error("Not connected");let r=typeof n=="function";return!this.config.strictVendor||this.config.strictVendor&&es.test(this._remoteVer)?(r&&this._callbacks.push(o=>{if(o){n(o!==!0?o:new Error(`Unable to unbind from ${t}`));return}delete this._forwardingUnix[t],n()}),this._protocol.openssh_cancelStreamLocalForward(t,r),this):r?(process.nextTick(n,new Error("strictVendor enabled and server is not OpenSSH or compatible version")),this):this}openssh_forwardOutStreamLocal(t,n){if(!this._sock||!wt(this._sock))throw new Error("Not connected");return typeof n!="function"&&(n=hl),!this.config.strictVendor||this.config.strictVendor&&es.test(this._remoteVer)?(Yr(this,"direct-streamlocal@openssh.com",{socketPath:t},n),this):(process.nextTick(n,new Error("strictVendor enabled and server is not OpenSSH or compatible version")),this)}sftp(t,n){if(!this._sock||!wt(this._sock))throw new Error("Not connected");return typeof t=="function"&&(n=t,t=void 0),Yr(this,"sftp",(r,o)=>{if(r){n(r);return}let s=i((a,c)=>{if(a){n(a);return}function u(){o.removeListener("ready",l),o.removeListener("error",d),o.removeListener("exit",h),o.removeListener("close",h)}i(u,"removeListeners");function l(){u(),n(void 0,o)}i(l,"onReady");function d(p){u(),n(p)}i(d,"onError");function h(p,m){u();let b;typeof p=="number"?b=`Received exit code ${p} while establishing SFTP session`:m!==void 0?b=`Received signal ${m} while establishing SFTP session`:b="Received unexpected SFTP session termination";let A=new Error(b);A.code=p,A.signal=m,n(A)}i(h,"onExit"),o.on("ready",l).on("error",d).on("exit",h).on("close",h),o._init()},"reqSubsystemCb");typeof t=="object"&&t!==null?ll(o,t,a=>{if(a){n(a);return}dl(o,"sftp",s)}):dl(o,"sftp",s)}),this}setNoDelay(t){return this._sock&&typeof this._sock.setNoDelay=="function"&&this._sock.setNoDelay(t),this}};function Yr(e,t,n,r){let o=Ki,s=ji;typeof n=="function"&&(r=n,n={});let a=i((u,l)=>{r(u,l)},"wrapper");a.type=t;let c=e._chanMgr.add(a);if(c===-1){r(new Error("No free channels available"));return}switch(t){case"session":case"sftp":e._protocol.session(c,o,s);break;case"direct-tcpip":e._protocol.directTcpip(c,o,s,n);break;case"direct-streamlocal@openssh.com":e._protocol.openssh_directStreamLocal(c,o,s,n);break;default:throw new Error(`Unsupported channel type: ${t}`)}}i(Yr,"openChannel");function ng(e,t,n){let r={single:!1,protocol:"MIT-MAGIC-COOKIE-1",cookie:void 0,screen:0};typeof t=="function"?n=t:typeof t=="object"&&t!==null&&(typeof t.single=="boolean"&&(r.single=t.single),typeof t.screen=="number"&&(r.screen=t.screen),typeof t.protocol=="string"&&(r.protocol=t.protocol),typeof t.cookie=="string"?r.cookie=t.cookie:Buffer.isBuffer(t.cookie)&&(r.cookie=t.cookie.hexSlice(0,t.cookie.length))),r.cookie===void 0&&(r.cookie=Lk());let o=typeof n=="function";if(e.outgoing.state!=="open"){o&&n(new Error("Channel is not open"));return}o&&e._callbacks.push(s=>{if(s){n(s!==!0?s:new Error("Unable to request X11"));return}e._hasX11=!0,++e._client._acceptX11,e.once("close",()=>{e._client._acceptX11&&--e._client._acceptX11}),n()}),e._client._protocol.x11Forward(e.outgoing.id,r,o)}i(ng,"reqX11");function rg(e,t,n){let r=24,o=80,s=640,a=480,c="vt100",u=null;typeof t=="function"?n=t:typeof t=="object"&&t!==null&&(typeof t.rows=="number"&&(r=t.rows),typeof t.cols=="number"&&(o=t.cols),typeof t.width=="number"&&(s=t.width),typeof t.height=="number"&&(a=t.height),typeof t.term=="string"&&(c=t.term),typeof t.modes=="object"&&(u=t.modes));let l=typeof n=="function";if(e.outgoing.state!=="open"){l&&n(new Error("Channel is not open"));return}l&&e._callbacks.push(d=>{if(d){n(d!==!0?d:new Error("Unable to request a pseudo-terminal"));return}n()}),e._client._protocol.pty(e.outgoing.id,r,o,a,s,c,u,l)}i(rg,"reqPty");function og(e,t){let n=typeof t=="function";if(e.outgoing.state!=="open"){n&&t(new Error("Channel is not open"));return}if(e._client._agentFwdEnabled){n&&t(!1);return}e._client._agentFwdEnabled=!0,e._callbacks.push(r=>{if(r){e._client._agentFwdEnabled=!1,n&&t(r!==!0?r:new Error("Unable to request agent forwarding"));return}n&&t()}),e._client._protocol.openssh_agentForward(e.outgoing.id,!0)}i(og,"reqAgentFwd");function Bk(e,t){if(e.outgoing.state!=="open"){t(new Error("Channel is not open"));return}e._callbacks.push(n=>{if(n){t(n!==!0?n:new Error("Unable to open shell"));return}e.subtype="shell",t(void 0,e)}),e._client._protocol.shell(e.outgoing.id,!0)}i(Bk,"reqShell");function Nk(e,t,n,r){if(e.outgoing.state!=="open"){r(new Error("Channel is not open"));return}e._callbacks.push(o=>{if(o){r(o!==!0?o:new Error("Unable to exec"));return}e.subtype="exec",e.allowHalfOpen=n.allowHalfOpen!==!1,r(void 0,e)}),e._client._protocol.exec(e.outgoing.id,t,!0)}i(Nk,"reqExec");function ll(e,t,n){let r=typeof n=="function";if(e.outgoing.state!=="open"){r&&n(new Error("Channel is not open"));return}r&&e._callbacks.push(s=>{if(s){n(s!==!0?s:new Error("Unable to set environment"));return}n()});let o=Object.keys(t||{});for(let s=0;s<o.length;++s){let a=o[s],c=t[a];e._client._protocol.env(e.outgoing.id,a,c,r)}}i(ll,"reqEnv");function dl(e,t,n){if(e.outgoing.state!=="open"){n(new Error("Channel is not open"));return}e._callbacks.push(r=>{if(r){n(r!==!0?r:new Error(`Unable to start subsystem: ${t}`));return}e.subtype="subsystem",n(void 0,e)}),e._client._protocol.subsystem(e.outgoing.id,t,!0)}i(dl,"reqSubsystem");function Ok(e,t){let n=-1,r,o=i(()=>{let u={type:t.type,incoming:{id:n,window:Ki,packetSize:ji,state:"open"},outgoing:{id:t.sender,window:t.window,packetSize:t.packetSize,state:"open"}},l=new cg(e,u);return e._chanMgr.update(n,l),e._protocol.channelOpenConfirm(t.sender,n,Ki,ji),l},"accept"),s=i(()=>{r===void 0&&(n===-1?r=Xo.RESOURCE_SHORTAGE:r=Xo.CONNECT_FAILED),n!==-1&&e._chanMgr.remove(n),e._protocol.channelOpenFail(t.sender,r,"")},"reject"),a=i(()=>(n=e._chanMgr.add(),n===-1&&(r=Xo.RESOURCE_SHORTAGE,e.config.debug&&e.config.debug("Client: Automatic rejection of incoming channel open: no channels available")),n!==-1),"reserveChannel"),c=t.data;switch(t.type){case"forwarded-tcpip":{let u=e._forwarding[`${c.destIP}:${c.destPort}`];if(u!==void 0&&a()){c.destPort===0&&(c.destPort=u),e.emit("tcp connection",c,o,s);return}break}case"forwarded-streamlocal@openssh.com":if(e._forwardingUnix[c.socketPath]!==void 0&&a()){e.emit("unix connection",c,o,s);return}break;case"auth-agent@openssh.com":if(e._agentFwdEnabled&&typeof e._agent.getStream=="function"&&a()){e._agent.getStream((u,l)=>{if(u)return s();let d=o();d.pipe(l).pipe(d)});return}break;case"x11":if(e._acceptX11!==0&&a()){e.emit("x11",c,o,s);return}break;default:r=Xo.UNKNOWN_CHANNEL_TYPE,e.config.debug&&e.config.debug(`Client: Automatic rejection of unsupported incoming channel open type: ${t.type}`)}r===void 0&&(r=Xo.ADMINISTRATIVELY_PROHIBITED,e.config.debug&&e.config.debug("Client: Automatic rejection of unexpected incoming channel open for: "+t.type)),s()}i(Ok,"onCHANNEL_OPEN");var Lk=(()=>{let e=Buffer.allocUnsafe(16);return()=>(fk(e,0,16),e.hexSlice(0,16))})();function sg(e){if(!Array.isArray(e))throw new Error("authList must be an array");let t=0;return(n,r,o)=>t===e.length?!1:e[t++]}i(sg,"makeSimpleAuthHandler");function Uk(e,t,n){if(!e._sock||!wt(e._sock))return;if(typeof n!="function"&&(n=hl),!Array.isArray(t))throw new TypeError("Invalid keys argument type");let r=[];for(let o of t){let s=Qi(o);if(s instanceof Error)throw s;r.push(s)}if(!e.config.strictVendor||e.config.strictVendor&&es.test(e._remoteVer)){e._callbacks.push((o,s)=>{if(o){n(o!==!0?o:new Error("Server failed to prove supplied keys"));return}let a=[],c=0;for(Mi.init(s,0);Mi.avail()&&c!==r.length;){let u=r[c++],l=u.getPublicSSH(),d=Mi.readString();zi.init(d,0);let h=zi.readString(!0),p=zi.readString(),m;if(h!==u.type)if(u.type==="ssh-rsa")switch(h){case"rsa-sha2-256":m="sha256";break;case"rsa-sha2-512":m="sha512";break;default:continue}else continue;let b=e._protocol._kex.sessionID,A=Buffer.allocUnsafe(37+b.length+4+l.length),y=0;ul(A,29,y),A.utf8Write("hostkeys-prove-00@openssh.com",y+=4,29),ul(A,b.length,y+=29),Ym(b,A,0,b.length,y+=4),ul(A,l.length,y+=b.length),Ym(l,A,0,l.length,y+=4),(p=Ck(p,h))&&u.verify(A,p,m)===!0&&a.push(u)}zi.clear(),Mi.clear(),n(null,a)}),e._protocol.openssh_hostKeysProve(r);return}process.nextTick(n,new Error("strictVendor enabled and server is not OpenSSH or compatible version"))}i(Uk,"hostKeysProve");function fl(e,t,n){switch(t.type){case"ssh-rsa":if(e._protocol._compatFlags&ig.IMPLY_RSA_SHA2_SIGALGS&&(Array.isArray(n)?n=["rsa-sha2-256","rsa-sha2-512",...n]:n=["rsa-sha2-256","rsa-sha2-512"]),Array.isArray(n)){if(n.indexOf("rsa-sha2-256")!==-1)return[["rsa-sha2-256","sha256"]];if(n.indexOf("rsa-sha2-512")!==-1)return[["rsa-sha2-512","sha512"]];if(n.indexOf("ssh-rsa")===-1)return[]}return[["ssh-rsa","sha1"]]}}i(fl,"getKeyAlgos");ug.exports=pl});var dg=Me(()=>{});var fg=Me(()=>{});var ts=Me((C5,hg)=>{"use strict";var{AgentProtocol:Dk,BaseAgent:Hk,createAgent:Fk,CygwinAgent:Mk,OpenSSHAgent:zk,PageantAgent:Qk}=Fu(),{SSHTTPAgent:Kk,SSHTTPSAgent:jk}=tm(),{parseKey:Wk}=pr(),{flagsToString:qk,OPEN_MODE:Zk,STATUS_CODE:Gk,stringToFlags:Yk}=Ri();hg.exports={AgentProtocol:Dk,BaseAgent:Hk,createAgent:Fk,Client:lg(),CygwinAgent:Mk,HTTPAgent:Kk,HTTPSAgent:jk,OpenSSHAgent:zk,PageantAgent:Qk,Server:dg(),utils:{parseKey:Wk,...fg(),sftp:{flagsToString:qk,OPEN_MODE:Zk,STATUS_CODE:Gk,stringToFlags:Yk}}}});var Ad=mt(require("os"),1);function kn(e){return e==null?"":typeof e=="string"||e instanceof String?e:JSON.stringify(e)}i(kn,"toCommandValue");function La(e,t,n){let r=new Oa(e,t,n);process.stdout.write(r.toString()+Ad.EOL)}i(La,"issueCommand");var bd="::",Oa=class{static{i(this,"Command")}constructor(t,n,r){t||(t="missing.command"),this.command=t,this.properties=n,this.message=r}toString(){let t=bd+this.command;if(this.properties&&Object.keys(this.properties).length>0){t+=" ";let n=!0;for(let r in this.properties)if(this.properties.hasOwnProperty(r)){let o=this.properties[r];o&&(n?n=!1:t+=",",t+=`${r}=${G0(o)}`)}}return t+=`${bd}${Z0(this.message)}`,t}};function Z0(e){return kn(e).replace(/%/g,"%25").replace(/\r/g,"%0D").replace(/\n/g,"%0A")}i(Z0,"escapeData");function G0(e){return kn(e).replace(/%/g,"%25").replace(/\r/g,"%0D").replace(/\n/g,"%0A").replace(/:/g,"%3A").replace(/,/g,"%2C")}i(G0,"escapeProperty");var xd=mt(require("crypto"),1),ws=mt(require("fs"),1),$s=mt(require("os"),1);function Ua(e,t){let n=process.env[`GITHUB_${e}`];if(!n)throw new Error(`Unable to find environment variable for file command ${e}`);if(!ws.existsSync(n))throw new Error(`Missing file at path: ${n}`);ws.appendFileSync(n,`${kn(t)}${$s.EOL}`,{encoding:"utf8"})}i(Ua,"issueFileCommand");function Da(e,t){let n=`ghadelimiter_${xd.randomUUID()}`,r=kn(t);if(e.includes(n))throw new Error(`Unexpected input: name should not contain the delimiter "${n}"`);if(r.includes(n))throw new Error(`Unexpected input: value should not contain the delimiter "${n}"`);return`${e}<<${n}${$s.EOL}${r}${$s.EOL}${n}`}i(Da,"prepareKeyValueMessage");var Pd=mt(require("os"),1);var Y0=mt(kd(),1),V0=mt(vd(),1);var Cd=require("os"),mo=require("fs");var Ha=function(e,t,n,r){function o(s){return s instanceof n?s:new n(function(a){a(s)})}return i(o,"adopt"),new(n||(n=Promise))(function(s,a){function c(d){try{l(r.next(d))}catch(h){a(h)}}i(c,"fulfilled");function u(d){try{l(r.throw(d))}catch(h){a(h)}}i(u,"rejected");function l(d){d.done?s(d.value):o(d.value).then(c,u)}i(l,"step"),l((r=r.apply(e,t||[])).next())})},{access:X0,appendFile:J0,writeFile:ey}=mo.promises,Id="GITHUB_STEP_SUMMARY";var Fa=class{static{i(this,"Summary")}constructor(){this._buffer=""}filePath(){return Ha(this,void 0,void 0,function*(){if(this._filePath)return this._filePath;let t=process.env[Id];if(!t)throw new Error(`Unable to find environment variable for $${Id}. Check if your runtime environment supports job summaries.`);try{yield X0(t,mo.constants.R_OK|mo.constants.W_OK)}catch{throw new Error(`Unable to access summary file: '${t}'. Check if the file has correct read/write permissions.`)}return this._filePath=t,this._filePath})}wrap(t,n,r={}){let o=Object.entries(r).map(([s,a])=>` ${s}="${a}"`).join("");return n?`<${t}${o}>${n}</${t}>`:`<${t}${o}>`}write(t){return Ha(this,void 0,void 0,function*(){let n=!!t?.overwrite,r=yield this.filePath();return yield(n?ey:J0)(r,this._buffer,{encoding:"utf8"}),this.emptyBuffer()})}clear(){return Ha(this,void 0,void 0,function*(){return this.emptyBuffer().write({overwrite:!0})})}stringify(){return this._buffer}isEmptyBuffer(){return this._buffer.length===0}emptyBuffer(){return this._buffer="",this}addRaw(t,n=!1){return this._buffer+=t,n?this.addEOL():this}addEOL(){return this.addRaw(Cd.EOL)}addCodeBlock(t,n){let r=Object.assign({},n&&{lang:n}),o=this.wrap("pre",this.wrap("code",t),r);return this.addRaw(o).addEOL()}addList(t,n=!1){let r=n?"ol":"ul",o=t.map(a=>this.wrap("li",a)).join(""),s=this.wrap(r,o);return this.addRaw(s).addEOL()}addTable(t){let n=t.map(o=>{let s=o.map(a=>{if(typeof a=="string")return this.wrap("td",a);let{header:c,data:u,colspan:l,rowspan:d}=a,h=c?"th":"td",p=Object.assign(Object.assign({},l&&{colspan:l}),d&&{rowspan:d});return this.wrap(h,u,p)}).join("");return this.wrap("tr",s)}).join(""),r=this.wrap("table",n);return this.addRaw(r).addEOL()}addDetails(t,n){let r=this.wrap("details",this.wrap("summary",t)+n);return this.addRaw(r).addEOL()}addImage(t,n,r){let{width:o,height:s}=r||{},a=Object.assign(Object.assign({},o&&{width:o}),s&&{height:s}),c=this.wrap("img",null,Object.assign({src:t,alt:n},a));return this.addRaw(c).addEOL()}addHeading(t,n){let r=`h${n}`,o=["h1","h2","h3","h4","h5","h6"].includes(r)?r:"h1",s=this.wrap(o,t);return this.addRaw(s).addEOL()}addSeparator(){let t=this.wrap("hr",null);return this.addRaw(t).addEOL()}addBreak(){let t=this.wrap("br",null);return this.addRaw(t).addEOL()}addQuote(t,n){let r=Object.assign({},n&&{cite:n}),o=this.wrap("blockquote",t,r);return this.addRaw(o).addEOL()}addLink(t,n){let r=this.wrap("a",t,{href:n});return this.addRaw(r).addEOL()}},ty=new Fa;var Ma=ty;var za=mt(require("os"),1);var ys=mt(require("fs"),1);var{chmod:ny,copyFile:ry,lstat:oy,mkdir:sy,open:vC,readdir:iy,rename:ay,rm:cy,rmdir:IC,stat:uy,symlink:ly,unlink:dy}=ys.promises,fy=process.platform==="win32";var CC=ys.constants.O_RDONLY;var LC=process.platform==="win32";var zC=za.default.platform(),QC=za.default.arch();var Td;(function(e){e[e.Success=0]="Success",e[e.Failure=1]="Failure"})(Td||(Td={}));function Bd(e,t){if(process.env.GITHUB_OUTPUT||"")return Ua("OUTPUT",Da(e,t));process.stdout.write(Pd.EOL),La("set-output",{name:e},kn(t))}i(Bd,"setOutput");function Qa(e,t){if(process.env.GITHUB_STATE||"")return Ua("STATE",Da(e,t));La("save-state",{name:e},kn(t))}i(Qa,"saveState");function Ka(e){return process.env[`STATE_${e}`]||""}i(Ka,"getState");function je(e){return e.replace(wy,"").replace(yy,by)}i(je,"oneLine");var wy=/[\ufe0e\ufe0f]/g,yy=/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;function go(e){return e.replaceAll("##[","##\\[").replace(/^(\s*):(?=:)/,"$1\\:")}i(go,"defused");function vr(e){return Jt(go(je(e)),500)}i(vr,"escapeForeign");function Jt(e,t){if(e.length<=t)return e;let n=/[\ud800-\udbff]/.test(e.charAt(t-1))?t-1:t;return`${e.slice(0,n)}…`}i(Jt,"shortened");function by(e){if(e==="	")return e;let t=e.codePointAt(0)??0;return t>65535?`\\u{${t.toString(16)}}`:t<256?`\\x${t.toString(16).padStart(2,"0")}`:`\\u${t.toString(16).padStart(4,"0")}`}i(by,"escapeCharacter");function Od(e,t){return qt(e.trimEnd()).slice(-t)}i(Od,"lastLines");function qt(e){return e.split(/\r\n|\n/)}i(qt,"linesOf");var Dn=["unchanged","active","untouched","staged","rolled-back","unknown","broken"],at=class extends Error{static{i(this,"Failure")}fields;constructor(t){super(Wa(t),t.cause===void 0?void 0:{cause:t.cause}),this.name=new.target.name,this.fields=t}},zt=class extends at{static{i(this,"InputError")}constructor(t){super({what:"Reading the inputs",why:t.map(vr).join(`
`),remedy:"correct the `with:` block of this step."})}},Le=class extends at{static{i(this,"ConnectionError")}},en=class extends at{static{i(this,"TargetError")}};var $o=class extends at{static{i(this,"ForgejoError")}};function Wa({what:e,where:t,why:n,state:r,remedy:o,output:s}){let a=t?` on ${vr(t)}`:"";return[`${vr(e)}${a} failed.`,ja("why",n),...r?[ja("state",r)]:[],ja("do",o),...s?.trim()?[Ay("output",s)]:[]].join(`
`)}i(Wa,"formatFailure");function ja(e,t){let[n,...r]=t.split(`
`).map(vr);return[`  ${`${e}:`.padEnd(8)}${n}`,...r.map(o=>`          ${o}`)].join(`
`)}i(ja,"field");function Ay(e,t){let[n,...r]=Od(t,20).map(vr);return[`  ${`${e}:`.padEnd(8)}| ${n??""}`,...r.map(o=>`          | ${o}`)].join(`
`)}i(Ay,"quoted");var xy=/^(INPUT_|STATE_|ACTIONS_|(GITHUB|FORGEJO|GITEA)_TOKEN$)/i;function Ld(e){let t=Object.entries(e).filter(([n,r])=>r!==void 0&&!xy.test(n));return Object.fromEntries(t)}i(Ld,"childEnvironment");function Ud(e,t){let n=i(a=>a.toLowerCase().replace(/[-_ ]/g,""),"plain"),r=t.find(a=>n(a)===n(e)||e!==""&&a.startsWith(e));if(r)return r;if(e.length>40)return;let o=e.length<6?1:2,s=t.map(a=>({one:a,edits:Ey(n(e),n(a))}));return s.sort((a,c)=>a.edits-c.edits),s[0]&&s[0].edits<=o?s[0].one:void 0}i(Ud,"nearest");function Ey(e,t){let[n,r]=[[],Array.from({length:t.length+1},(o,s)=>s)];for(let o=1;o<=e.length;o+=1){let s=[o];for(let a=1;a<=t.length;a+=1){let c=(r[a-1]??0)+(e[o-1]===t[a-1]?0:1),u=o>1&&a>1&&e[o-1]===t[a-2]&&e[o-2]===t[a-1]?(n[a-2]??0)+1:c;s.push(Math.min(c,u,(r[a]??0)+1,(s[a-1]??0)+1))}[n,r]=[r,s]}return r[t.length]??0}i(Ey,"editsBetween");var Dd="INPUT_";function Za(e,t){let n=ky(t),r=Object.keys(n).filter(c=>!(c in qa(e))),o=Object.fromEntries(Object.entries(n).filter(([,c])=>c!==""));for(let c of r)delete o[c];let s=e.safeParse(o),a=[...r.map(c=>`Unknown input '${c}'${vy(c,Object.keys(qa(e)))}`),...s.success?[]:s.error.issues.map(c=>Sy(c,o))];if(!s.success||a.length>0)throw new zt(a);return s.data}i(Za,"readInputs");function ky(e){let t={};for(let[n,r]of Object.entries(e))n.startsWith(Dd)&&(t[n.slice(Dd.length).toLowerCase()]=(r??"").replaceAll(`\r
`,`
`).replace(/\n+$/,""),delete e[n]);return t}i(ky,"takeInputs");function qa(e){let{def:t}=e;return t.shape??(t.in?qa(t.in):{})}i(qa,"shapeOf");function Sy(e,t){let n=String(e.path[0]??""),r=t[n];return n===""?e.message:r===void 0&&e.code==="invalid_type"?`Input '${n}': required, but not set.`:`Input '${n}': ${e.message}.`}i(Sy,"problem");function vy(e,t){let n=Ud(e,t);return n?`; did you mean '${n}'?`:"."}i(vy,"closest");var Fd=require("node:os"),Md=require("node:timers/promises");var Iy=4,Cy=8,Ry=new Set([...Dn,"database","debugging","development","disabled","external","hostname","information","internal","localhost","optional","password","postgres","postgresql","production","rabbitmq","readonly","required","standalone","standard","undefined","unlimited","username","warnings"]);function Ga(e){return e.split(/\r\n|\r|\n/).map(t=>t.trim()).filter(t=>t.length>=Iy&&!t.startsWith("-----")&&!new RegExp("\\p{Cc}","u").test(t))}i(Ga,"hideableLines");function Hd(e){return e.length>=Cy&&!/^[\d.,:+-]+$/.test(e)&&!Ry.has(e.toLowerCase())}i(Hd,"isWorthHiding");function Ir(e,t){return{...e,line:i(n=>e.line(`${t} | ${n}`),"line"),phase:i((n,r,o)=>e.phase(n,`${t} | ${r}`,o),"phase"),warning:i(n=>e.warning(`${t} | ${n}`),"warning")}}i(Ir,"prefixed");var Ty=300;function zd(e){let t=[],n=i(r=>{t.push(r),t.length>Ty&&t.shift()},"hold");return{log:{...e,line:i(r=>n(()=>e.line(r)),"line"),phase:i((r,o,s=performance.now())=>n(()=>e.phase(r,o,s)),"phase")},tell:i(()=>{for(let r of t.splice(0))r()},"tell")}}i(zd,"heldBack");var Py=8e3;function Qd(e){process.stdout.on("error",()=>{});let t=i(c=>{process.stdout.write(`${c}${Fd.EOL}`)},"write"),n=i(c=>Jt(go(je(c)),Py),"plain"),r=i((c,[u="",...l])=>{if(e==="github")t(`::${c.toLowerCase()}::${Kd([u,...l].join(`
`))}`);else for(let d of[`${c}: ${u}`,...l])t(d)},"annotated"),o=performance.now(),s=new Set,a=i(c=>{if(!s.has(c)){s.add(c);for(let u of By(c,e))t(`::add-mask::${u}`)}},"hide");return{line:i(c=>t(n(c)),"line"),phase:i((c,u,l=performance.now())=>{let d=((l-o)/1e3).toFixed(1);t(n(`[${d.padStart(5)} s] ${c.padEnd(15)} ${u}`))},"phase"),warning:i(c=>r("Warning",[n(c)]),"warning"),failure:i(c=>r("Error",qt(c).map(n)),"failure"),mask:i(c=>Ga(c??"").forEach(a),"mask"),maskValue:i(c=>Ga(c).filter(Hd).forEach(a),"maskValue"),drain:i(async c=>{await new Promise(u=>process.stdout.write("",u)),c&&await(0,Md.setTimeout)(500)},"drain")}}i(Qd,"openLog");function By(e,t){let n=Kd(e);return t==="github"||n===e?[n]:t==="forgejo"?[e]:/%0[AD]/i.test(e)?[n]:[e,n]}i(By,"maskForms");function Kd(e){return e.replaceAll("%","%25").replaceAll("\r","%0D").replaceAll(`
`,"%0A")}i(Kd,"escapeCommand");var jd=256*1024,Ny=8e3;async function Wd(e){if(process.env.GITHUB_OUTPUT)for(let[t,n]of Object.entries(e))Bd(t,Oy(n))}i(Wd,"writeOutputs");async function qd(e){process.env.GITHUB_STEP_SUMMARY&&await Ma.addRaw(Ly(e),!0).write()}i(qd,"writeSummary");function Oy(e){if(e===void 0)return"";if(typeof e=="string")return Zd(e);if(typeof e!="object")return String(e);let t=Va(e);return Buffer.byteLength(t)<=jd?t:JSON.stringify({cut:`the whole value has ${Buffer.byteLength(t)} bytes, above ${jd}`})}i(Oy,"outputText");function Va(e){return JSON.stringify(e,(t,n)=>typeof n=="string"?Zd(n):n,1)}i(Va,"harmlessJson");function Zd(e){return Jt(qt(e).map(t=>go(je(t))).join(`
`),Ny)}i(Zd,"harmless");function Ly({title:e,list:t=[],head:n,rows:r}){let o=i(s=>`| ${n.map((a,c)=>Ya(s[c]??"")).join(" | ")} |`,"row");return[`### ${Ya(e)}`,"",...t.length>0?[...t.map(s=>`- ${Ya(s)}`),""]:[],o(n),`|${" --- |".repeat(n.length)}`,...r.map(o),""].join(`
`)}i(Ly,"summaryMarkdown");var Uy=500,Dy=/^[\p{L}\p{N}✓✗ .,/()?>-]*$/u,Hy=/^([-+>]|\d+[.)](\s|$))|www\./i;function Ya(e){let t=Jt(je(e).trim(),Uy);return Dy.test(t)&&!Hy.test(t)?t:`<code>${t.replace(/[^\p{L}\p{N}✓✗ ,/()?-]/gu,r=>`&#${r.codePointAt(0)};`)}</code>`}i(Ya,"literal");function Xa(e){let t=e.FORGEJO_ACTIONS?"forgejo":e.GITEA_ACTIONS?"gitea":"github",n=(e.GITHUB_SERVER_URL??"").replace(/\/+$/,""),r=e.GITHUB_REPOSITORY??"",o=(e.GITHUB_WORKFLOW_REF??"").replace(/@.*$/,""),s=t==="github"?e.GITHUB_RUN_ID:e.GITHUB_RUN_NUMBER;return{platform:t,serverUrl:n,apiUrl:(e.GITHUB_API_URL||n&&`${n}/api/v1`).replace(/\/+$/,""),repository:r,url:n&&r&&s?`${n}/${r}/actions/runs/${s}`:"",workflow:e.GITHUB_WORKFLOW||o,series:[n,r,o||(e.GITHUB_WORKFLOW??"")].join(" "),number:Number.parseInt(e.GITHUB_RUN_NUMBER??"",10)||0,attempt:Number.parseInt(e.GITHUB_RUN_ATTEMPT??"",10)||1,actor:e.GITHUB_ACTOR??"",sha:e.GITHUB_SHA??"",ref:e.GITHUB_REF??"",job:e.GITHUB_JOB??""}}i(Xa,"readRun");var Gd="phase";async function Yd({schema:e,main:t,outputs:n,post:r}){let o=Qd(Xa(process.env).platform),s=new AbortController;for(let u of["SIGINT","SIGTERM","SIGHUP"])process.on(u,()=>s.abort(u));let a=i(async u=>{let l=u!==void 0;l&&o.failure(u instanceof at?u.message:My(u)),process.exitCode||=l?1:0,await o.drain(l),process.exit()},"end");process.on("uncaughtException",u=>{a(u??new Error("no reason was given"))});let c={log:o,run:Xa(process.env),signal:s.signal,env:i(u=>process.env[u]||void 0,"env"),childEnvironment:i(()=>Ld(process.env),"childEnvironment"),outputs:Wd,summary:qd,save:i((u,l)=>Qa(u,l),"save")};try{Fy(process.versions.node),Ka(Gd)==="main"?await r?.(Ka,()=>Za(e,process.env),c):(Qa(Gd,"main"),n&&await c.outputs(n),await t(Za(e,process.env),c))}catch(u){return a(u??new Error("no reason was given"))}return a()}i(Yd,"action");function Fy(e){if(!(Number.parseInt(e,10)>=20))throw new at({what:"Starting the action",why:`it needs Node.js 20 or later, but the runner's \`node\` is ${e}.`,remedy:"install a newer Node.js where the job runs (its image, or the host), and put it first in PATH."})}i(Fy,"requireNode");function My(e){return Wa({what:"The action",why:`an unexpected error: ${e instanceof Error?e.message:String(e)}`,remedy:"report this as a bug, with the output below.",output:e instanceof Error?e.stack:void 0})}i(My,"unexpected");function tc(e){let t=Object.values(e).filter(r=>typeof r=="number");return Object.entries(e).filter(([r,o])=>t.indexOf(+r)===-1).map(([r,o])=>o)}i(tc,"getEnumValues");function Vd(e,t){return typeof t=="bigint"?t.toString():t}i(Vd,"jsonStringifyReplacer");var ec=class{static{i(this,"Cached")}constructor(t){this._getter=t,this._value=void 0}get value(){let t=this._getter;return t!==void 0&&(this._value=t(),this._getter=void 0),this._value}};function Xd(e){return new ec(e)}i(Xd,"cached");function Jd(e){let t=e.startsWith("^")?1:0,n=e.endsWith("$")?e.length-1:e.length;return e.slice(t,n)}i(Jd,"cleanRegex");function ef(e,t,n){Object.defineProperty(e,t,{value:n,writable:!0,enumerable:!0,configurable:!0})}i(ef,"assignProp");var nc="captureStackTrace"in Error?Error.captureStackTrace:(...e)=>{};function bs(e){return typeof e=="object"&&e!==null&&!Array.isArray(e)}i(bs,"isObject");function tf(e){if(bs(e)===!1)return!1;let t=e.constructor;if(t===void 0||typeof t!="function")return!0;let n=t.prototype;return!(bs(n)===!1||Object.prototype.hasOwnProperty.call(n,"isPrototypeOf")===!1)}i(tf,"isPlainObject");function rc(e){return tf(e)?{...e}:Array.isArray(e)?[...e]:e instanceof Map?new Map(e):e instanceof Set?new Set(e):e}i(rc,"shallowClone");var nf=new Set(["string","number","symbol"]);function rf(e){return e.replace(/[.*+?^${}()|[\]\\]/g,"\\$&")}i(rf,"escapeRegex");function As(e,t,n){let r=new e._zod.constr(t??e._zod.def);return(!t||n?.parent)&&(r._zod.parent=e),r}i(As,"clone");function Fn(e){let t=e;if(!t)return{};if(typeof t=="string")return{error:i(()=>t,"error")};if(t?.message!==void 0){if(t?.error!==void 0)throw new Error("Cannot specify both `message` and `error` params");t.error=t.message}return delete t.message,typeof t.error=="string"?{...t,error:i(()=>t.error,"error")}:t}i(Fn,"normalizeParams");function of(e){return Object.keys(e).filter(t=>e[t]._zod.optin!==void 0&&e[t]._zod.optout==="optional")}i(of,"optionalKeys");function Mn(e,t=0){if(e.aborted===!0)return!0;for(let n=t;n<e.issues.length;n++)if(e.issues[n]?.continue!==!0)return!0;return!1}i(Mn,"aborted");function sf(e,t=0){if(e.aborted===!0)return!0;for(let n=t;n<e.issues.length;n++)if(e.issues[n]?.continue===!1)return!0;return!1}i(sf,"explicitlyAborted");function oc(e,t){return t.map(n=>{var r;return(r=n).path??(r.path=[]),n.path.unshift(e),n})}i(oc,"prefixIssues");function wo(e){return typeof e=="string"?e:e?.message}i(wo,"unwrapMessage");function sc(e){let t=[];for(let n of e??[]){let r=n._zod.def;if(!/_(length|size)$|_equals$/.test(r.check))break;let o=r.maximum??r.length??r.size;o>=0&&t.push([o,n])}return t}i(sc,"sizeCaps");function xs(e,t,n){var r;for(let o=t;o<e.length;o++)(r=e[o]).schema??(r.schema=n)}i(xs,"attachSchema");function Cr(e,t,n){var r;let o=e.inst?._zod?.traits;o?.has("$ZodType")&&(o.has("$ZodCheck")?(r=e).schema??(r.schema=e.inst):e.schema=e.inst);let s=e.schema!==e.inst?e.schema?._zod.def?.error:void 0,a=e.message?e.message:wo(e.inst?._zod.def?.error?.(e))??wo(s?.(e))??wo(t?.error?.(e))??wo(n.customError?.(e))??wo(n.localeError?.(e))??"Invalid input",c={};for(let u of Object.keys(e))u==="inst"||u==="schema"||u==="continue"||u==="input"||u==="__proto__"||(c[u]=e[u]);return c.path??(c.path=[]),c.message=a,t?.reportInput&&(c.input=e.input),c}i(Cr,"finalizeIssue");function ic(...e){let[t,n,r]=e;return typeof t=="string"?{message:t,code:"custom",input:n,inst:r}:{...t}}i(ic,"issue");function af(e,t){for(let n in t){let r=Object.getOwnPropertyDescriptor(t,n);r.get?Object.defineProperty(e,n,{...r,enumerable:!1}):zy(e,n,r.value)}}i(af,"members");function nr(e,t,n,r=!0){return Object.defineProperty(e,t,{configurable:!0,writable:!0,enumerable:r,value:n}),n}i(nr,"own");function cf(e,t,n){return nr(e,t,n,!1)}i(cf,"hide");function zy(e,t,n){Object.defineProperty(e,t,{configurable:!0,get(){return this==null?n:nr(this,t,n.bind(this))},set(r){nr(this,t,r)}})}i(zy,"defineBound");function Qy(e,t){let n=Object.getPrototypeOf(e);return t in n?void 0:n}i(Qy,"claim");var Ja,Hn=!1,Ky={configurable:!0,get(){Hn=!0}};function tn(e,t,n){let r=Object.getPrototypeOf(e._zod);if(t in r&&Ja!==e._zod){Ja=void 0;return}Ja=e._zod,Object.defineProperty(r,t,{configurable:!0,get(){Object.defineProperty(this,t,Ky);let o=Hn;Hn=!1;try{let s=n(this);return Hn?delete this[t]:Object.defineProperty(this,t,{configurable:!0,writable:!0,value:s}),Hn=Hn||o,s}catch(s){throw delete this[t],Hn=Hn||o,s}},set(o){Object.defineProperty(this,t,{configurable:!0,writable:!0,value:o})}})}i(tn,"defineLazyInternal");function uf(e,t,n,r){let o=Qy(e,t);o&&Object.defineProperty(o,t,{configurable:!0,get(){let s={configurable:!0,writable:!0,enumerable:r,value:void 0};return Object.defineProperty(this,t,s),s.value=n(this),Object.defineProperty(this,t,s),s.value},set(s){Object.defineProperty(this,t,{configurable:!0,writable:!0,enumerable:r,value:s})}})}i(uf,"installLazyProp");var lf;var ac={value:void 0,enumerable:!1},df="captureStackTrace"in Error?Error:null;function jy(e){let t=df;if(t){let n=t.stackTraceLimit;if(typeof n=="number"){try{t.stackTraceLimit=0}catch{return df=null,new e}try{return new e}finally{t.stackTraceLimit=n}}}return new e}i(jy,"newError");function et(e,t,n,r){let o={};function s(p){this.def=p,this.constr=h,this.traits=new Set}i(s,"Internals"),s.prototype=o;let a=n,c=a&&new WeakSet;function u(p,m){if(p._zod){if(p._zod.traits.has(e))return}else{ac.value=new s(m);try{Object.defineProperty(p,"_zod",ac)}finally{ac.value=void 0}}if(p._zod.traits.add(e),t(p,m),c){let A=Object.getPrototypeOf(p),y=p._zod.constr.prototype,E=A;for(;E&&E!==y;)E=Object.getPrototypeOf(E);let I=E??A;c.has(I)||(c.add(I),af(I,a))}let b=h.prototype;for(let A in b)Object.prototype.hasOwnProperty.call(b,A)&&(A in p||(p[A]=b[A].bind(p)))}i(u,"init");let l=r?.Parent??Object;class d extends l{static{i(this,"Definition")}}Object.defineProperty(d,"name",{value:e});function h(p){let m=r?.Parent?jy(d):this;u(m,p);let b=m._zod.deferred;if(b){for(let y of b)y();m._zod.deferred=void 0}let A=globalThis.__zod_globalConfig?.postProcessor;return A&&A(m),m}return i(h,"_"),Object.defineProperty(h,"init",{value:u}),Object.defineProperty(h,Symbol.hasInstance,{value:i(p=>r?.Parent&&p instanceof r.Parent?!0:p?._zod?.traits?.has(e),"value")}),Object.defineProperty(h,"name",{value:e}),h}i(et,"$constructor");var hn=class extends Error{static{i(this,"$ZodAsyncError")}constructor(){super("Encountered Promise during synchronous parse. Use .parseAsync() instead.")}},Es=class extends Error{static{i(this,"$ZodEncodeError")}constructor(t){super(`Encountered unidirectional transform during encode: ${t}`),this.name="ZodEncodeError"}};(lf=globalThis).__zod_globalConfig??(lf.__zod_globalConfig={});var Tr=globalThis.__zod_globalConfig;function Pr(e){return e&&Object.assign(Tr,e),Tr}i(Pr,"config");function Wy(){let e=this._zod;return e.message??(e.message=JSON.stringify(e.def,Vd,2)),e.message}i(Wy,"_getMessage");function qy(e){this._zod.message=e}i(qy,"_setMessage");var Zy={get:Wy,set:qy,enumerable:!0,configurable:!0},uc={value:void 0,enumerable:!1},ff=new WeakSet([Object.prototype,Error.prototype]),hf=i((e,t)=>{e.name="$ZodError",uc.value=t,Object.defineProperty(e,"issues",uc),uc.value=void 0,Object.defineProperty(e,"message",Zy);let n=Object.getPrototypeOf(e);ff.has(n)||(ff.add(n),Object.defineProperty(n,"toString",{configurable:!0,enumerable:!1,get(){let r=i(()=>this.message,"value");return Object.defineProperty(this,"toString",{value:r,configurable:!0,writable:!0}),r},set(r){Object.defineProperty(this,"toString",{value:r,configurable:!0,writable:!0})}}))},"initializer"),QR=et("$ZodError",hf),yo=et("$ZodError",hf,void 0,{Parent:Error});var Yy=i(e=>{let t=i((n,r,o,s)=>{let a=o?{...o,async:!1}:{async:!1},c=n._zod.run({value:r,issues:[]},a);if(c instanceof Promise)throw new hn;if(c.issues.length){let u=new(s?.Err??e)(c.issues.map(l=>Cr(l,a,Pr())));throw nc(u,s?.callee??t),u}return c.value},"fn");return t},"_parse"),lc=Yy(yo),Vy=i(e=>{let t=i(async(n,r,o,s)=>{let a=o?{...o,async:!0}:{async:!0},c=n._zod.run({value:r,issues:[]},a);if(c instanceof Promise&&(c=await c),c.issues.length){let u=new(s?.Err??e)(c.issues.map(l=>Cr(l,a,Pr())));throw nc(u,s?.callee??t),u}return c.value},"fn");return t},"_parseAsync"),dc=Vy(yo),Xy=i(e=>(t,n,r)=>{let o=r?{...r,async:!1}:{async:!1},s=t._zod.run({value:n,issues:[]},o);if(s instanceof Promise)throw new hn;return s.issues.length?pf(e,s.issues,o):{success:!0,data:s.value}},"_safeParse"),fc=Xy(yo);function pf(e,t,n){let r;return{success:!1,get error(){return r||(r=new e(t.map(o=>Cr(o,n,Pr()))),t=void 0,n=void 0),r},set error(o){r=o,t=void 0,n=void 0}}}i(pf,"failure");var Jy=i(e=>async(t,n,r)=>{let o=r?{...r,async:!0}:{async:!0},s=t._zod.run({value:n,issues:[]},o);return s instanceof Promise&&(s=await s),s.issues.length?pf(e,s.issues,o):{success:!0,data:s.value}},"_safeParseAsync"),hc=Jy(yo);var _f=/^[\s\S]{0,}$/;var ks=et("$ZodCheck",(e,t)=>{var n;e._zod??(e._zod={}),e._zod.def=t,(n=e._zod).onattach??(n.onattach=[])});var gf={major:4,minor:6,patch:7};var nn=et("$ZodType",(e,t)=>{var n;e??(e={}),e._zod.def=t,e._zod.bag=e._zod.bag||{},e._zod.version=gf;let r=e._zod.def.checks,o=e._zod.traits.has("$ZodCheck")?[e,...r??[]]:r?.length?[...r]:[];for(let s of o)for(let a of s._zod.onattach)a(e);if(o.length===0)(n=e._zod).deferred??(n.deferred=[]),e._zod.deferred?.push(()=>{e._zod.run=e._zod.parse});else{let s=i((c,u,l)=>{if(c.memo)return c;let d=Mn(c),h;for(let p of u){if(p._zod.def.when){if(sf(c)||!p._zod.def.when(c))continue}else if(d)continue;let m=c.issues.length,b=p._zod.check(c);if(b instanceof Promise&&l?.async===!1)throw new hn;if(h||b instanceof Promise)h=(h??Promise.resolve()).then(async()=>{await b,c.issues.length!==m&&(xs(c.issues,m,e),d||(d=Mn(c,m)))});else{if(c.issues.length===m)continue;xs(c.issues,m,e),d||(d=Mn(c,m))}}return h?h.then(()=>c):c},"runChecks"),a=i((c,u,l)=>{if(Mn(c))return c.aborted=!0,c;let d=s(u,o,l);if(d instanceof Promise){if(l.async===!1)throw new hn;return d.then(h=>e._zod.parse(h,l))}return e._zod.parse(d,l)},"handleCanaryResult");e._zod.run=(c,u)=>{if(u.skipChecks)return e._zod.parse(c,u);if(u.direction==="backward"){let d=e._zod.parse({value:c.value,issues:[]},{...u,skipChecks:!0});return d instanceof Promise?d.then(h=>a(h,c,u)):a(d,c,u)}let l=e._zod.parse(c,u);if(l instanceof Promise){if(u.async===!1)throw new hn;return l.then(d=>s(d,o,u))}return s(l,o,u)}}},{get"~standard"(){return cf(this,"~standard",nb(this))},set"~standard"(e){nr(this,"~standard",e)}}),Af=i((e,t)=>e.issues.length?{issues:e.issues.map(n=>Cr(n,t,Pr()))}:{value:e.value},"toStandardResult");async function tb(e,t){let n={async:!0};return Af(await e._zod.run({value:t,issues:[]},n),n)}i(tb,"validateAsync");function nb(e){return{validate:i(t=>{let n={async:!1};try{let r=e._zod.run({value:t,issues:[]},n);if(!(r instanceof Promise))return Af(r,n)}catch{}return tb(e,t)},"validate"),vendor:"zod",version:1}}i(nb,"standardProps");var xf=et("$ZodString",(e,t)=>{nn.init(e,t),e._zod.pattern=t.pattern??_f,e._zod.parse=(n,r)=>{if(t.coerce)try{n.value=String(n.value)}catch{}return typeof n.value=="string"||n.issues.push({expected:"string",code:"invalid_type",input:n.value,inst:e}),n}});function rb(e,t){let n=sc(e._zod.def.checks);if(!n.length)return;let r=Math.min(...n.map(s=>s[0])),o=e._zod.parse;e._zod.parse=(s,a)=>{let c=t(s.value);if(c>r&&!a?.skipChecks&&a?.direction!=="backward"){for(let[u,l]of sc(e._zod.def.checks))if(c>u&&l._zod.def.when(s)){let d=s.issues.length;return l._zod.check(s),s.issues[d].continue=!1,xs(s.issues,d,e),s}}return o(s,a)}}i(rb,"capSize");var ob=i(e=>Array.isArray(e)?e.length:-1,"arraySize");function $f(e,t,n){e.issues.length&&t.issues.push(...oc(n,e.issues)),t.value[n]=e.value}i($f,"handleArrayResult");var Ef=et("$ZodArray",(e,t)=>{nn.init(e,t);let n=Tr.memoizer;n?.attach(e),e._zod.parse=(r,o)=>{let s=r.value;if(!Array.isArray(s))return r.issues.push({expected:"array",code:"invalid_type",input:s,inst:e}),r;r.value=n?n.alloc(e,r,Array(s.length),o):Array(s.length);let a=[],c=o?.abortEarly;for(let u=0;u<s.length;u++){let l=s[u],d=t.element._zod.run({value:l,issues:[]},o);if(d instanceof Promise)a.push(d.then(h=>$f(h,r,u)));else if($f(d,r,u),c&&d.issues.length!==0&&Mn(d))break}return a.length?Promise.all(a).then(()=>r):r},rb(e,ob)});function vs(e,t,n,r,o,s){let a=n in r,c=s==="optional";if(!(!a&&c&&o==="optional")){if(e.issues.length){if(o!==void 0&&c&&!a)return;t.issues.push(...oc(n,e.issues))}if(!a&&o===void 0){e.issues.length||t.issues.push({code:"invalid_type",expected:"nonoptional",input:void 0,path:[n]});return}e.value===void 0?(a||o==="defaulted"&&!c)&&(t.value[n]=void 0):t.value[n]=e.value}}i(vs,"handlePropertyResult");var sb=[];function ib(e){let t=Object.keys(e.shape),n=Object.getOwnPropertySymbols(e.shape),r=n.length?n:sb,o=r.length?[...t,...r]:t;for(let a of o)if(!e.shape?.[a]?._zod?.traits?.has("$ZodType"))throw new Error(`Invalid element at key "${String(a)}": expected a Zod schema`);let s=of(e.shape);return{...e,allKeys:o,symbolKeys:r,keySet:new Set(t),numKeys:t.length,optionalKeys:new Set(s)}}i(ib,"normalizeDef");function ab(e,t,n,r,o,s,a){let c=[],u=o.keySet,l=o.catchall._zod,d=l.def.type,h=l.optin,p=l.optout,m=0;for(let b in t){if(a&&n.issues.length!==m){if(Mn(n,m))break;m=n.issues.length}if(u.has(b))continue;if(b==="__proto__"){d==="never"&&c.push(b);continue}if(d==="never"){c.push(b);continue}let A=l.run({value:t[b],issues:[]},r);A instanceof Promise?e.push(A.then(y=>vs(y,n,b,t,h,p))):vs(A,n,b,t,h,p)}return c.length&&n.issues.push({code:"unrecognized_keys",keys:c,input:t,inst:s,continue:!0}),e.length?Promise.all(e).then(()=>n):n}i(ab,"handleCatchall");var kf=et("$ZodObject",(e,t)=>{nn.init(e,t);let n=Object.getOwnPropertyDescriptor(t,"shape"),r=n?.get?n.get.raw:t.shape??{};if(r){let l=i(()=>{let d={...r};return Object.defineProperty(t,"shape",{value:d}),l.raw=d,d},"get");l.raw=r,Object.defineProperty(t,"shape",{get:l})}let o=Xd(()=>ib(t));tn(e,"propValues",l=>{let d=l.def.shape,h={};for(let p in d){let m=d[p]._zod;if(m.values){Object.prototype.hasOwnProperty.call(h,p)||ef(h,p,new Set);for(let b of m.values)h[p].add(b);m.optin!==void 0&&h[p].add(void 0)}}return h});let s=bs,a=t.catchall,c,u=Tr.memoizer;u?.attach(e),e._zod.parse=(l,d)=>{c??(c=o.value);let h=l.value;if(!s(h))return l.issues.push({expected:"object",code:"invalid_type",input:h,inst:e}),l;l.value=u?u.alloc(e,l,{},d):{};let p=[],m=c.shape,b=d?.abortEarly,A=l.issues.length;for(let y of c.allKeys){if(b&&l.issues.length!==A){if(Mn(l,A))break;A=l.issues.length}if(y==="__proto__")continue;let E=m[y],I=E._zod.optin,L=E._zod.optout,B=E._zod.run({value:h[y],issues:[]},d);B instanceof Promise?p.push(B.then(Z=>vs(Z,l,y,h,I,L))):vs(B,l,y,h,I,L)}return a?ab(p,h,l,d,o.value,e,b===!0):p.length?Promise.all(p).then(()=>l):l}});var Sf=et("$ZodEnum",(e,t)=>{nn.init(e,t);let n=tc(t.entries),r=new Set(n);e._zod.values=r,tn(e,"pattern",o=>{let s=tc(o.def.entries).filter(a=>nf.has(typeof a));return new RegExp(s.length?`^(${s.map(a=>rf(a.toString())).join("|")})$`:"^[^\\s\\S]$")}),e._zod.parse=(o,s)=>{let a=o.value;return r.has(a)||o.issues.push({code:"invalid_value",values:n,input:a,inst:e}),o}});var vf=et("$ZodTransform",(e,t)=>{nn.init(e,t),e._zod.optin="optional",Tr.memoizer?.guard(e),e._zod.parse=(n,r)=>{if(r.direction==="backward")throw new Es(e.constructor.name);let o=t.transform(n.value,n);if(r.async)return(o instanceof Promise?o:Promise.resolve(o)).then(a=>(n.value=a,n));if(o instanceof Promise)throw new hn;return n.value=o,n}});function wf(e,t){return e.value=t.issues.length?void 0:t.value,e}i(wf,"handleOptionalResult");var If=et("$ZodOptional",(e,t)=>{nn.init(e,t),tn(e,"optin",n=>n.def.innerType._zod.optin==="defaulted"?"defaulted":"optional"),e._zod.optout="optional",tn(e,"values",n=>{let r=n.def.innerType._zod.values;return r?new Set([...r,void 0]):void 0}),tn(e,"pattern",n=>{let r=n.def.innerType._zod.pattern;return r?new RegExp(`^(${Jd(r.source)})?$`):void 0}),e._zod.parse=(n,r)=>{if(n.value===void 0){if(t.innerType._zod.optin!=="defaulted")return n;let o=t.innerType._zod.run({value:n.value,issues:[]},r);return o instanceof Promise?o.then(s=>wf(n,s)):wf(n,o)}return t.innerType._zod.run(n,r)}});var Cf=et("$ZodDefault",(e,t)=>{nn.init(e,t),e._zod.optin="defaulted",tn(e,"values",n=>n.def.innerType._zod.values),e._zod.parse=(n,r)=>{if(r.direction==="backward")return t.innerType._zod.run(n,r);if(n.value===void 0)return n.value=t.defaultValue,n;let o=t.innerType._zod.run(n,r);return o instanceof Promise?o.then(s=>yf(s,t)):yf(o,t)}});function yf(e,t){return e.value===void 0&&(e.value=t.defaultValue),e}i(yf,"handleDefaultResult");var Rf=et("$ZodPipe",(e,t)=>{nn.init(e,t),tn(e,"values",n=>n.def.in._zod.values),tn(e,"optin",n=>n.def.in._zod.optin),tn(e,"optout",n=>n.def.out._zod.optout),tn(e,"propValues",n=>n.def.in._zod.propValues),e._zod.parse=(n,r)=>{if(r.direction==="backward"){let s=t.out._zod.run(n,r);return s instanceof Promise?s.then(a=>Ss(a,t.in,r)):Ss(s,t.in,r)}let o=t.in._zod.run(n,r);return o instanceof Promise?o.then(s=>Ss(s,t.out,r)):Ss(o,t.out,r)}});function Ss(e,t,n){return e.issues.some(r=>r.code!=="unrecognized_keys")?(e.aborted=!0,e):t._zod.run({value:e.value,issues:e.issues},n)}i(Ss,"handlePipeResult");var Tf=et("$ZodCustom",(e,t)=>{ks.init(e,t),nn.init(e,t),e._zod.parse=(n,r)=>n,e._zod.check=n=>{let r=n.value,o=t.fn(r);if(o instanceof Promise)return o.then(s=>bf(s,n,r,e));bf(o,n,r,e)}});function bf(e,t,n,r){if(!e){let o={code:"custom",input:n,inst:r,path:[...r._zod.def.path??[]],continue:!r._zod.def.abort};r._zod.def.params&&(o.params=r._zod.def.params),t.issues.push(ic(o))}}i(bf,"handleRefineResult");function cb(e){return e.checks&&(e.checks=[...e.checks]),e}i(cb,"snapshotChecks");function Pf(e,t){return new e(cb({type:"string",...Fn(t)}))}i(Pf,"_string");function Bf(e,t,n){return new e({type:"custom",check:"custom",fn:t,...Fn(n)})}i(Bf,"_refine");var Sn=et("ZodMiniType",(e,t)=>{if(!e._zod)throw new Error("Uninitialized schema in ZodMiniType.");nn.init(e,t),e.def=t,e.type=t.type},{get with(){return this.check},set with(e){nr(this,"with",e)},parse(e,t){return lc(this,e,t,{callee:this.parse})},parseAsync(e,t){return dc(this,e,t,{callee:this.parseAsync})},safeParse(e,t){return fc(this,e,t)},safeParseAsync(e,t){return hc(this,e,t)},check(...e){let t=this.def;return this.clone({...t,checks:[...t.checks??[],...e.map(n=>typeof n=="function"?{_zod:{check:n,def:{check:"custom"},onattach:[]}}:n)]},{parent:!0})},clone(e,t){return As(this,e,t)},brand(){return this},register(e,t){return e.add(this,t),this},apply(e,...t){return t.length===0?e(this):e(this,...t)}}),lb=et("ZodMiniString",(e,t)=>{xf.init(e,t),Sn.init(e,t)});function rn(e){return Pf(lb,e)}i(rn,"string");var db=et("ZodMiniArray",(e,t)=>{Ef.init(e,t),Sn.init(e,t)});function Nf(e,t){return new db({type:"array",element:e,...Fn(t)})}i(Nf,"array");var fb=et("ZodMiniObject",(e,t)=>{kf.init(e,t),Sn.init(e,t),uf(e,"shape",n=>n._zod.def.shape,!1)});function vn(e,t){let n={type:"object",shape:e??{},...Fn(t)};return new fb(n)}i(vn,"object");var hb=et("ZodMiniEnum",(e,t)=>{Sf.init(e,t),Sn.init(e,t),e.options=[...e._zod.values]});function Is(e,t){let n=Array.isArray(e)?Object.fromEntries(e.map(r=>[r,r])):e;return new hb({type:"enum",entries:n,...Fn(t)})}i(Is,"_enum");var pb=et("ZodMiniTransform",(e,t)=>{vf.init(e,t),Sn.init(e,t)});function rr(e){return new pb({type:"transform",transform:e})}i(rr,"transform");var _b=et("ZodMiniOptional",(e,t)=>{If.init(e,t),Sn.init(e,t)});function nt(e){return new _b({type:"optional",innerType:e})}i(nt,"optional");var mb=et("ZodMiniDefault",(e,t)=>{Cf.init(e,t),Sn.init(e,t)});function on(e,t){return new mb({type:"default",innerType:e,get defaultValue(){return typeof t=="function"?t():rc(t)}})}i(on,"_default");var gb=et("ZodMiniPipe",(e,t)=>{Rf.init(e,t),Sn.init(e,t)});function zn(e,t){return new gb({type:"pipe",in:e,out:t})}i(zn,"pipe");var $b=et("ZodMiniCustom",(e,t)=>{Tf.init(e,t),Sn.init(e,t)});function Of(e,t){let n=new ks({check:"custom",...Fn(t)});return n._zod.check=e,n}i(Of,"check");function or(e,t={}){return Bf($b,e,t)}i(or,"refine");var wb={"User-Agent":"health",Accept:"*/*"},yb=["connection","content-length","expect","te","trailer","transfer-encoding","upgrade"],bb=["host","accept","user-agent"],Lf=/^([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([^\s\p{Cc}][^\p{Cc}]*)$/u;function Uf(e){let[,t=""]=Lf.exec(e)??[];return t!==""&&!yb.includes(t.toLowerCase())}i(Uf,"isHeader");function Cs(e){return Hf(e).filter(([t])=>!bb.includes(t.toLowerCase())).flatMap(([,t])=>[t,t.replace(/^[A-Za-z][A-Za-z0-9-]* +/,"")])}i(Cs,"headerSecrets");function Df(e,t){if(!e)return{health_headers:"",health_curl:""};let n=Hf(t);return{health_headers:[...[...Object.entries({Host:new URL(e).host,...wb}).filter(([s])=>!n.some(([a])=>a.toLowerCase()===s.toLowerCase())),...n].map(([s,a])=>`${s}: ${a}`),"Connection: close"].join(`
`),health_curl:n.map(([s,a])=>`header = "${Ab(`${s}: ${a}`)}"`).join(`
`)}}i(Df,"headerValues");function Hf(e){return e.map(t=>{let[,n="",r=""]=Lf.exec(t)??[];return[n,r.trim()]})}i(Hf,"parsed");function Ab(e){return e.replace(/["\\]/g,"\\$&")}i(Ab,"escaped");var xb=4,Rs=8;function pn(e,{url:t,headers:n=[]}={}){let r=[...e.map(a=>a.slice(a.indexOf("=")+1)),...Cs(n)],o=t&&URL.canParse(t)?{url:t,shown:_n(t),values:Eb(t)}:void 0,s=[...new Set([...r,...o?.values??[]].flatMap(kb))].filter(a=>a.length>=xb).sort((a,c)=>c.length-a.length);return a=>{let c=o&&o.url!==o.shown?a.replaceAll(o.url,o.shown):a;return s.reduce((u,l)=>Ib(u.replaceAll(l,"***"),l),c)}}i(pn,"hiding");function _n(e){if(!URL.canParse(e))return"(a malformed URL)";let[,t="",n=""]=/^([a-z][a-z0-9+.-]*:\/\/)?(.*)$/is.exec(e)??[],[r="",...o]=(n.split("#")[0]??"").split("?"),s=/^[^/]*@/,a=o.join("?"),c=a.split("&").map(u=>u.includes("=")?`${u.slice(0,u.indexOf("="))}=***`:"***");return`${t}${r.replace(s,"")}${a===""?"":`?${c.join("&")}`}`}i(_n,"shownUrl");function Eb(e){let{search:t,searchParams:n,username:r,password:o,hash:s}=new URL(e),a=i(u=>{try{return decodeURIComponent(u)}catch{return u}},"decoded"),c=t.slice(1).split("&").map(u=>u.slice(u.indexOf("=")+1));return[...n.values(),...c,r,o,s.slice(1)].flatMap(u=>[u,a(u)])}i(Eb,"queryValues");function kb(e){let t=JSON.stringify(e).slice(1,-1),n=i((u,l)=>l.replace(u,d=>`\\u${d.charCodeAt(0).toString(16).padStart(4,"0")}`),"unicode"),r=Buffer.from(e).toString(),o=encodeURIComponent(r),s=o.replace(/%[0-9A-F]{2}/g,u=>u.toLowerCase()),a=o.replace(/[!'()*]/g,u=>`%${u.charCodeAt(0).toString(16).toUpperCase()}`),c=[e,e.replaceAll("'","'\\''"),e.replaceAll("'",`'"'"'`),e.replace(/["$`\\]/g,"\\$&"),e.replace(/['\\]/g,"\\$&"),e.replace(/[^A-Za-z0-9_@%+=:,./\n-]/g,"\\$&"),e.replace(/[^A-Za-z0-9_@%+=:,./\n\u0080-\uffff-]/g,"\\$&"),Sb(e.replace(/['\\]/g,"\\$&")),t,t.replaceAll("/","\\/"),n(/[<>&]/g,t),n(/[^\0-\x7f]/g,t),n(/[^\0-\x7f<>&]|[<>&]/g,t)];return[...c,...c.map(u=>u.replaceAll("\\","\\\\")),o,s,a,pc(o),pc(s),pc(a),encodeURI(r),...vb(e)]}i(kb,"formsOf");function Sb(e){return e.replace(/[\u0080-\uffff]+/g,t=>[...Buffer.from(t)].map(n=>`\\${n.toString(8)}`).join(""))}i(Sb,"octal");function pc(e){return e.replaceAll("%20","+")}i(pc,"encodedAsForm");function vb(e){let t=e.replaceAll("&","&amp;").replaceAll("<","&lt;").replaceAll(">","&gt;");return[t,t.replaceAll('"',"&quot;").replaceAll("'","&#39;"),t.replaceAll('"',"&#34;").replaceAll("'","&#39;"),t.replaceAll('"',"&quot;").replaceAll("'","&#x27;")]}i(vb,"htmlForms");function Ib(e,t){if(e.length<Rs)return e;if(t.includes(e))return"***";let n=Ff(e.slice(0,Rs),t).map(s=>t.slice(s)).find(s=>e.startsWith(s)),r=n===void 0?e:`***${e.slice(n.length)}`,o=Ff(r.slice(-Rs),t).map(s=>t.slice(0,s+Rs)).findLast(s=>r.endsWith(s));return o===void 0?r:`${r.slice(0,-o.length)}***`}i(Ib,"withoutPieces");function Ff(e,t){let n=[];for(let r=t.indexOf(e);r>=0;r=t.indexOf(e,r+1))n.push(r);return n}i(Ff,"placesOf");function Br(e){return e.startsWith("/")&&e!=="/"&&!e.split("/").includes("..")&&!/[\u0000-\u001f\u007f]/.test(e)}i(Br,"isPlainPath");function zf(e){let t=URL.canParse(e)?new URL(e):void 0;return/^https?:$/.test(t?.protocol??"")&&t?.username===""&&t.password===""&&!/[\s"\\]/.test(e)}i(zf,"isHttpUrl");function Nr(e){return/^[^\p{Cc}:/-][^\p{Cc}:/]*$/u.test(e)&&e.trim()===e}i(Nr,"isAccountName");function Qf(e){let t=e.split(":");return t.length<=2&&t.every(Nr)}i(Qf,"isOwner");function Kf(e){return/^\s*\d{3}(-\d{3})?(\s*,\s*\d{3}(-\d{3})?)*\s*$/.test(e)}i(Kf,"isStatusList");function jf(e,t){return Mf(e)===Mf(t)}i(jf,"sameCapabilities");function Mf(e){return e.toLowerCase().split(/\s+/).filter(Boolean).flatMap(r=>{let[o="",...s]=r.split(/[=+]+/);return o.split(",").map(a=>`${a}=${[...s.join("")].sort().join("")}`)}).sort().join(" ")}i(Mf,"eachCapability");function Wf(e){return Number.parseInt(e,8).toString(8).padStart(4,"0")}i(Wf,"octalMode");function Qt(e){return e.slice(0,12)}i(Qt,"short");function It(e){return e>=1e9?`${(e/1e9).toFixed(2)} GB`:e>=1e6?`${(e/1e6).toFixed(1)} MB`:e>=1e3?`${(e/1e3).toFixed(1)} kB`:`${e} bytes`}i(It,"megabytes");var $t=i(()=>nt(rn()),"optional");function pt(e,t){let n=e instanceof RegExp?r=>e.test(r):e;return rn().check(or(n,{error:i(({input:r})=>`expected ${t}, got '${r}'`,"error")}))}i(pt,"matching");function Ps(){return rn().check(or(zf,{error:i(({input:e})=>`expected an http or https URL without a user in it, got '${_n(String(e))}'`,"error")}))}i(Ps,"httpUrl");function mn(e,t){return nt(_c(e,t,!0))}i(mn,"wholeNumber");function sn(e,t,n){return on(_c(t,n,!0),e)}i(sn,"wholeNumberOr");function Bs(e,t,n){return on(_c(t,n,!1),e)}i(Bs,"secondsOr");function sr(e){return on(zn(rn().check(or(t=>/^(true|false)$/i.test(t),{error:i(({input:t})=>`expected true or false, got '${t}'`,"error")})),rr(t=>t.toLowerCase()==="true")),e)}i(sr,"flagOr");function an(e){return on(Is(e,{error:i(({input:t})=>`expected ${e.join(", ")}, got '${t}'`,"error")}),e[0])}i(an,"choice");function qf(){return Vf(e=>Ns(e).filter(t=>!t.startsWith("#")).map(t=>t.replace(/^export\s+(?=[A-Za-z_]\w*=)/,"")))}i(qf,"environmentLines");function Zf(e){return e.flatMap(t=>/^(\w+)=(["']).*\2$/s.exec(t)?.[1]??[])}i(Zf,"quotedNames");function Gf(){return on(zn(zn(rn(),rr(Ns)),Nf(rn()).check(e=>{let t=e.value.findIndex(r=>!Uf(r));if(t<0)return;let n=`line ${t+1} must be \`Name: value\`, and not a header that ends the request`;e.issues.push({code:"custom",message:n,input:e.value})})),[])}i(Gf,"headerLines");function Yf(){return Vf(e=>e.split(`
`).filter(t=>t.trim()!==""))}i(Yf,"literalLines");function Vf(e){return on(zn(rn(),rr(e)),[])}i(Vf,"linesBy");function Ns(e){return e.split(`
`).map(t=>t.trim()).filter(t=>t!=="")}i(Ns,"splitLines");function _c(e,t,n){let r=n?"a whole number":"a number";return zn(rn().check(or(o=>(n?/^\d{1,15}$/:/^\d{1,12}(\.\d{1,6})?$/).test(o)&&+o>=e&&+o<=t,{error:i(({input:o})=>`expected ${r} from ${e} to ${t}, got '${o}'`,"error")})),rr(o=>Number(o)))}i(_c,"numberText");function Xf(e){return Of(t=>{for(let[n,r]of e(t.value))t.issues.push({code:"custom",message:r,path:[n],input:t.value})},{when:i(()=>!0,"when")})}i(Xf,"without");var Jf=require("node:crypto"),In=require("node:fs/promises"),Ut=require("node:path");async function eh(e,t){if(e===void 0)return async()=>{};let n=await Cb(e);return async r=>{let o=`${n}.${(0,Jf.randomUUID)()}`;try{await(0,In.writeFile)(o,`${Va(r)}
`,{flag:"wx"}),await(0,In.rename)(o,n)}catch(s){await(0,In.rm)(o,{force:!0}),t.warning(`report-file ${e} could not be written: ${s.message}`)}}}i(eh,"openReportFile");async function Cb(e){let t=i(o=>new zt([`Input 'report-file': ${o}.`]),"problem"),n=await(0,In.realpath)((0,Ut.dirname)((0,Ut.resolve)(e))).catch(()=>{});if(n===void 0)throw t(`there is no folder ${(0,Ut.dirname)(e)} on the runner`);let r=(0,Ut.relative)(await(0,In.realpath)("."),n);if(!(0,Ut.isAbsolute)(e)&&(r.startsWith("..")||(0,Ut.isAbsolute)(r)))throw t(`${e} leads out of the workspace`);return(0,Ut.join)(n,(0,Ut.basename)(e))}i(Cb,"fileAt");var gc=require("node:timers/promises");var nh=`(?:(?!-)[^\\s/@:\\\\?#'"]+@)?`,rh="(?!-)[\\p{L}\\p{N}._-]+|\\[(?!-)[\\w.:%-]+\\]",Rb=new RegExp(`^${nh}(?!(?:https?|ssh|file):/)(?<host>${rh}):(?![-:]|//)(?<path>.+)$`,"iu"),Tb=new RegExp(`^(?:https?|ssh)://${nh}(?:${rh})(?::\\d+)?(?:[/?#]|$)`,"iu"),th=/^file:\/\/(?=\/)/i,Pb=/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/,Bb=4096;function oh(e){if(Pb.test(e)||e.length>Bb)return;if(e.startsWith("/"))return{url:e,kind:"file",host:"",path:Os(e)};if(th.test(e))return{url:e,kind:"file",host:"",path:Os(e.replace(th,""))};let t=Rb.exec(e)?.groups;if(t)return{url:e,kind:"ssh",host:t.host??"",path:Os(t.path??"")};if(!Tb.test(e)||e.includes("\\")||!URL.canParse(e))return;let{protocol:n,host:r,pathname:o,origin:s}=new URL(e);if(n!=="ssh:"&&/\s/.test(e))return;let a=Os(Nb(o));return n==="ssh:"?{url:e,kind:"ssh",host:r,path:a}:{url:e,kind:"http",host:s,path:a}}i(oh,"parseRemote");function Os(e){return e.replace(/\/{2,}/g,"/").replace(/^\//,"").replace(/\/$/,"").replace(/\.git$/,"")}i(Os,"plainPath");function Nb(e){try{return decodeURIComponent(e)}catch{return e}}i(Nb,"decoded");var Ob=/^(?!\.{1,2}\/)[\w.-]+\/(?!\.{1,2}$)[\w.-]+$/;function sh(e){return Ob.test(e)}i(sh,"isOwnerAndName");function ih({env:e}){return e("FORGEJO_TOKEN")??e("GITEA_TOKEN")??e("GITHUB_TOKEN")}i(ih,"automaticToken");function ah(e,t){let n=oh(e);if(!n)return;let r=n.path.split("/").slice(-2).join("/");if(Lb(n,t.serverUrl))return{apiUrl:t.apiUrl,repository:r,kind:t.platform};if(n.kind!=="http")return;if(n.host==="https://github.com")return{apiUrl:"https://api.github.com",repository:r,kind:"github"};let o=n.path.split("/").slice(0,-2);return{apiUrl:[n.host,...o,"api/v1"].join("/"),repository:r,kind:"forgejo"}}i(ah,"apiOf");function Lb({kind:e,host:t},n){if(!URL.canParse(n))return!1;let r=new URL(n);return e==="http"?t===r.origin:e==="ssh"&&t.replace(/:\d+$/,"").toLowerCase()===r.hostname}i(Lb,"isOn");var _h=require("node:timers/promises");function ch(e,t={}){let{status:n,location:r,isLimited:o,retryAfterSeconds:s}=e;if(n===429||o){let c=s===void 0?"later":`in ${s} s`;return[`the forge is limiting the rate of requests (${n}).`,`re-run the job ${c}.`]}let a=t[n]??Ub[n];return a||(n>=300&&n<400?[`the forge redirects to ${r||"another address"} (${n}), where no token is sent.`,"set `repository` to its new address."]:n>=500?t[500]??[`the forge failed (${n}).`,"read its answer below, then re-run the job."]:n<300?[`the answer (${n}) is not JSON; a proxy may have answered instead of the forge.`,"check the address, and any proxy in front of it."]:[`the forge refused the request (${n}).`,"read its answer below."])}i(ch,"reasonOf");var Ub={401:["the token is refused (401).","create a new token, and store it as the secret that `token` uses."],403:["the token lacks permission (403).","set `token` to that of a user with write access (scope write:repository); the run's automatic token is limited to its own repository."],404:["not found, or not visible to this token (404).","correct the name, or set another `token`: the run's automatic token is limited to its own repository."]},Ls="if the forge has its own certificate authority, give the file of it to Node.js in the runner (NODE_EXTRA_CA_CERTS); otherwise renew the certificate there.",Db={ENOTFOUND:["no such host is known.","check the name in the address, and the DNS of the runner."],EAI_AGAIN:["the name of the host could not be resolved.","check the DNS of the runner, then re-run the job."],ECONNREFUSED:["nothing listens at that address.","check the address and its port, and that the forge is running."],CERT_HAS_EXPIRED:["its certificate has expired.","renew the certificate there."],CERT_NOT_YET_VALID:["its certificate is not valid yet.","check the clock of the runner and of the forge."],ERR_TLS_CERT_ALTNAME_INVALID:["its certificate is for another host name.","give the address with the name that is in the certificate."],DEPTH_ZERO_SELF_SIGNED_CERT:["its certificate is self-signed.",Ls],SELF_SIGNED_CERT_IN_CHAIN:["its certificate comes from an authority that the runner does not know.",Ls],UNABLE_TO_GET_ISSUER_CERT_LOCALLY:["its certificate comes from an authority that the runner does not know.",Ls],UNABLE_TO_VERIFY_LEAF_SIGNATURE:["its certificate comes without those in between it and an authority that the runner knows.",Ls],ERR_SSL_WRONG_VERSION_NUMBER:["it does not answer in TLS: that port speaks http, or another protocol.","check the port, and whether the address is one with http: or https:."]};function uh(e,t){let{name:n,message:r,cause:o}=e,s="check the address and the network, then re-run the job.";if(n==="TimeoutError")return[`the forge did not answer within ${t} s.`,s];let[a,c]=Db[o?.code??""]??[];return a&&c?[`the forge can't be reached: ${a.replace(/\.$/,"")} (${o?.code}).`,c]:[`the forge can't be reached: ${o?.code??o?.message??r}.`,s]}i(uh,"unreachableReason");async function lh(e,t,n){let r=AbortSignal.timeout(3e4),o={range:`bytes=-${t}`,accept:"text/plain, */*"},s={redirect:"manual",signal:r},a=await fetch(e,{...s,headers:{...o,...n}}),c=a.headers.get("location");if(a.status>=300&&a.status<400&&c&&Hb(c,e)&&(await a.body?.cancel(),a=await fetch(new URL(c,e),{...s,headers:o})),a.status===416)return"";if(!a.ok){await a.body?.cancel();return}return Fb(a,t)}i(lh,"readTail");function Hb(e,t){if(!URL.canParse(e,t))return!1;let{protocol:n}=new URL(e,t);return n==="https:"||n===new URL(t).protocol}i(Hb,"isAllowed");async function Fb(e,t){let n=[],r=0;for await(let o of e.body??[])for(n.push(o),r+=o.length;n[0]!==void 0&&r-n[0].length>=t;)r-=n.shift()?.length??0;return Buffer.concat(n).subarray(-t).toString("utf8")}i(Fb,"lastOf");var mh=30,Mb=4,zb=15,Qb=500,Kb=1e4,jb=60,dh=8*1024*1024,Wb=2e3;function gh(e){let t=`${e.apiUrl}/repos/${e.repository}`;return{repository:e.repository,kind:e.kind,page:`${e.apiUrl.replace(/\/api\/v\d+$/,"")}/${e.repository}`,get:i(async(n,r)=>{let o=Date.now()+(r.patienceSeconds??0)*1e3,s=0;for(let a=1;;a+=1){let c=a>=Mb&&Date.now()>=o||e.signal?.aborted===!0,u=await mc(e,{method:"GET",url:t+n}).catch(d=>{if(c)throw ph(e,r,d)});if(u&&(c||!qb(u)))return hh(e,u,r);if(Date.now()-s>=zb*1e3){s=Date.now();let d=u?`the forge answered ${u.status}`:"the forge can't be reached";e.onRetry?.(`${r.what}: ${d}; trying again`)}let l=Math.min(Kb,Qb*2**(a-1));await(0,_h.setTimeout)(Math.max(l,(u?.retryAfterSeconds??0)*1e3),void 0,{signal:e.signal}).catch(()=>{})}},"get"),send:i(async(n,r,{body:o,told:s})=>{let a=await mc(e,{method:n,url:t+r,body:o}).catch(c=>{throw ph(e,s,c)});return hh(e,a,s)},"send"),tail:i((n,r)=>lh(t+n,r,$h(e)),"tail"),login:i(()=>fh(e,"/user","login"),"login"),version:i(()=>fh(e,"/version","version"),"version")}}i(gh,"openForge");async function fh(e,t,n){let r=await mc(e,{method:"GET",url:e.apiUrl+t}).catch(()=>{}),o=r?.status===200?r.body?.[n]:void 0;return typeof o=="string"?o:""}i(fh,"askText");function qb({status:e,isLimited:t,retryAfterSeconds:n=0}){return e>=500||(e===429||t)&&n<=jb}i(qb,"isPassing");async function mc({token:e,kind:t},{method:n,url:r,body:o}){let s=await fetch(r,{method:n,redirect:"manual",signal:AbortSignal.timeout(mh*1e3),headers:{accept:"application/json",...$h({token:e,kind:t}),...o?{"content-type":"application/json"}:{}},...o?{body:JSON.stringify(o)}:{}}),a=await Zb(s),{status:c,headers:u}=s,l=u.get("retry-after")??"";return{status:c,body:Gb(a),text:a,at:Date.parse(u.get("date")??"")||0,location:u.get("location")??"",retryAfterSeconds:/^\d{1,6}$/.test(l)?Number(l):void 0,isLimited:c===403&&l!==""||c>=400&&u.get("x-ratelimit-remaining")==="0"}}i(mc,"ask");function $h({token:e,kind:t}){return{"user-agent":"forgejo-deploy-toolkit",authorization:t==="github"?`Bearer ${e}`:`token ${e}`}}i($h,"headersOf");async function Zb(e){let t=[],n=0;for await(let r of e.body??[]){if(n+=r.length,n>dh)throw new Error(`its answer is longer than ${dh} bytes`);t.push(r)}return Buffer.concat(t).toString("utf8")}i(Zb,"readLimited");function Gb(e){try{return JSON.parse(e)}catch{return}}i(Gb,"parsed");function hh(e,t,{what:n,accept:r=[],acceptIf:o,reasons:s}){let{status:a,body:c,text:u,at:l}=t,d=a===204||c!==void 0;if(a>=200&&a<300&&d||r.includes(a)||o?.(t))return{status:a,body:c,at:l};let[h,p]=ch(t,s);throw new $o({what:n,where:`${e.apiUrl}/repos/${e.repository}`,why:h,remedy:p,output:(Yb(c)??u).replaceAll(e.token,"***").slice(0,Wb)})}i(hh,"judged");function Yb(e){let{message:t}=e??{};return typeof t=="string"?t:void 0}i(Yb,"messageOf");function ph({apiUrl:e},{what:t},n){let[r,o]=uh(n,mh);return new $o({what:t,where:e,why:r,remedy:o,cause:n})}i(ph,"unreachable");var wh=4,Vb=2,Xb=500,yh=10,Jb=200,eA=140;function bh(e,{context:t,token:n},r){let o=t===void 0?void 0:tA(n,r);if(!o||t===void 0)return{set:i(()=>{},"set"),[Symbol.asyncDispose]:async()=>{}};let{log:s,run:a}=r,c=[],u=Array.from({length:wh},()=>Promise.resolve()),l=!1,d=i(m=>{l||s.warning(`The commit status could not be set: ${m} The deploy does not depend on it.`),l=!0},"giveUp"),h=i(async(m,{state:b,description:A})=>{if(l)return;let y={state:b,context:Jt(je(`${t}/${e[m]}`),Jb),description:Jt(je(A),eA-1),...a.url?{target_url:a.url}:{}};await nA(o,a.sha,y).catch(E=>d(rA(E)))},"send"),p=i((m,b)=>{if(!b)return;let A=c[m];if(A?.state===b.state&&A.description===b.description)return;c[m]=b;let y=m%wh;u[y]=u[y].then(()=>h(m,b))},"set");for(let m of e.keys())p(m,{state:"pending",description:"in progress"});return{set:p,[Symbol.asyncDispose]:async()=>{for(let[A,y]of c.entries())y?.state==="pending"&&p(A,{state:"error",description:"the step ended before"});let m=(0,gc.setTimeout)(yh*1e3,"late",{ref:!1});await Promise.race([Promise.all(u),m])==="late"&&d(`the forge did not take all of them within ${yh} s.`)}}}i(bh,"openStatuses");function tA(e,t){let{run:n,log:r}=t;r.mask(e);let o=sh(n.repository)?ah(`${n.serverUrl}/${n.repository}`,n):void 0,s=e??ih(t);if(o&&s&&n.sha)return gh({...o,token:s});let a=s?"the runner does not say which commit of which repository this is.":"there is no `token`.";r.warning(`The commit status could not be set: ${a}`)}i(tA,"forgeOf");async function nA(e,t,n){for(let r=1;;r+=1)try{await e.send("POST",`/statuses/${encodeURIComponent(t)}`,{body:n,told:{what:"Setting the commit status"}});return}catch(o){if(r===Vb)throw o;await(0,gc.setTimeout)(Xb)}}i(nA,"setStatus");function rA(e){return e instanceof at?e.fields.why:String(e)}i(rA,"reasonOf");var Ms=require("node:fs/promises");var Ah=`prelude() {
PATH=/run/wrappers/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin
LC_ALL=C
export PATH LC_ALL
IFS=' 	
'
unset CDPATH ENV BASH_ENV
umask 077
core_limit=\${core_limit-$(ulimit -S -c)}
ulimit -S -c 0
}
begin() {
printf 'begin\\n'
}
end() {
printf 'end\\n'
}
say() {
case $2 in
*\\\\* | *"$newline"*)
say_rest=$2
say_value=
while [ -n "$say_rest" ]; do
case $say_rest in
*\\\\* | *"$newline"*) ;;
*) break ;;
esac
say_plain=\${say_rest%%[\\\\"$newline"]*}
say_rest=\${say_rest#"$say_plain"}
case $say_rest in
\\\\*) say_value=$say_value$say_plain'\\\\' ;;
*) say_value=$say_value$say_plain'\\n' ;;
esac
say_rest=\${say_rest#?}
done
printf '%s=%s\\n' "$1" "$say_value$say_rest"
;;
*) printf '%s=%s\\n' "$1" "$2" ;;
esac
}
newline=$(printf '\\n.')
newline=\${newline%.}
usual_ifs=$(printf ' \\t\\n.')
usual_ifs=\${usual_ifs%.}
find_root_tool() {
root_tool_error=
for root_tool in sudo doas; do
command -v "$root_tool" >/dev/null || continue
if root_tool_said=$($root_tool -n -- /bin/sh -c : 2>&1 </dev/null); then return 0; fi
root_tool_error="$root_tool_error\${root_tool_error:+; }$root_tool refuses: \${root_tool_said:-no reason given}"
done
root_tool_error=\${root_tool_error:-there is neither sudo nor doas}
return 1
}
root_tool_remedy() {
allowing /bin/sh ''
printf '%s' "$allowing"
}
allowing() {
allowing_name=$(id -un)
allowing_tool=sudo
if command -v doas >/dev/null && ! command -v sudo >/dev/null; then
allowing_tool=doas
case $allowing_name in
*[!A-Za-z0-9_.@-]*) allowing_name=\\"$(printf '%s' "$allowing_name" | sed 's/[\\\\"]/\\\\&/g')\\" ;;
esac
allowing="add to /etc/doas.conf: permit nopass $allowing_name as root cmd $1"
[ -z "$2" ] || allowing="$allowing args $(printf '%s' "$2" | sed 's/[\\\\]/\\\\&/g')"
return
fi
allowing_name=$(printf '%s' "$allowing_name" | sed 's/[\\\\ ,:=()!@]/\\\\&/g')
allowing="add to sudoers (visudo): $allowing_name ALL=(root) NOPASSWD: $1"
[ -z "$2" ] || allowing="$allowing $(printf '%s' "$2" | sed 's/[\\\\,:=]/\\\\&/g')"
command -v sudo >/dev/null || allowing="install sudo there, and $allowing"
}
main() {
prelude
set -u
PATH=$PATH:/snap/bin
tool=$in_kind
case $in_kind in
lxd)
tool=lxc
sockets="\${LXD_SOCKET:-\${LXD_DIR:-/var/lib/lxd}/unix.socket} /var/snap/lxd/common/lxd/unix.socket /var/snap/lxd/common/lxd-user/unix.socket"
;;
incus) sockets="\${INCUS_SOCKET:-\${INCUS_DIR:-/var/lib/incus}/unix.socket} \${INCUS_DIR:-/var/lib/incus}/unix.socket.user" ;;
docker) sockets=/var/run/docker.sock ;;
*) sockets= ;;
esac
command -v "$tool" >/dev/null || { refuse "there is no $tool on the host" "install $tool there, or name the kind of container that the host has."; return; }
root_tool=
if needs_sudo; then
find_root_tool || { refuse "$(id -un) may not use $tool, and $root_tool_error" "put $(id -un) into the group that may use $tool, or $(root_tool_remedy)."; return; }
fi
enter
}
needs_sudo() {
[ "$(id -u)" != 0 ] || return 1
case $in_sudo/$in_remote in
always/*) return 0 ;;
never/* | */?*) return 1 ;;
esac
needs_sudo=1
for socket in $sockets; do
[ ! -w "$socket" ] || return 1
[ ! -e "$socket" ] || needs_sudo=0
done
return "$needs_sudo"
}
enter() {
case $in_kind in
lxd | incus) set -- \${in_project:+--project "$in_project"} -T "\${in_remote:+$in_remote:}$in_name" -- ;;
*) set -- -i -u 0 "$in_name" ;;
esac
set -- "$(command -v "$tool")" exec "$@" /bin/sh -c '[ -x /usr/bin/env ] && exec /usr/bin/env -i "PATH=$PATH" /bin/sh -c "$0"; exec /bin/sh -c "$0"' "$in_run_program"
[ -z "$root_tool" ] || set -- "$root_tool" -n -- /bin/sh -c 'exec "$@"' sh "$@"
exec "$@"
}
refuse() {
begin
say container_error "$1"
say container_remedy "$2"
end
}
main`;var wc="ready-reader",yc="exit",bc="unfit-reader",bo=["echo; core_limit=$(command -v printf; command -v local; ulimit -S -c)",`case $core_limit in printf?local?*) core_limit=\${core_limit#printf?local?} ;; *) echo ${bc}; exit 1 ;; esac`,`ulimit -S -c 0; echo ${wc}`,`IFS= read -r size; [ "$size" = ${yc} ] && IFS= read -r size`,"line=$(dd bs=$size count=1 iflag=fullblock 2>/dev/null)",'[ -n "$line" ] || IFS= read -r line','case $line in *#end) eval "$(printf %b "$line")"; esac'].join("; "),sA="/run/wrappers/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin",$c=`/usr/bin/env -i PATH=${sA}`,iA=['command -v doas >/dev/null || exec sudo -n -- /bin/sh -c "$0"','sudo -n -- /bin/sh -c : 2>/dev/null && exec sudo -n -- /bin/sh -c "$0"','exec doas -n -- /bin/sh -c "$0"'].join("; "),aA=["HOME USER LOGNAME XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_DATA_HOME DBUS_SESSION_BUS_ADDRESS","DOCKER_HOST DOCKER_CONTEXT DOCKER_CONFIG DOCKER_CERT_PATH DOCKER_TLS_VERIFY CONTAINER_HOST CONTAINERS_CONF CONTAINERS_STORAGE_CONF","LXD_DIR LXD_SOCKET LXD_CONF LXD_PROJECT INCUS_DIR INCUS_SOCKET INCUS_CONF INCUS_PROJECT"].join(" "),cA=[`set --; for name in ${aA}`,'do eval "value=\\${$name-}"; case $value in ?*) set -- "$@" "$name=$value" ;; esac; done',`exec ${$c} "$@" /bin/sh -c "$0"`].join("; ");function Us(e){return e==="login"?`exec ${$c} /bin/sh -c '${bo}'`:e==="root"?`exec ${$c} /bin/sh -c '${iA}' '${bo}'`:`exec /bin/sh -c '${cA}' '${bo}'`}i(Us,"bootstrapCommand");function Ac(e){let t=`${uA(e)}
#end`.replaceAll("\\","\\\\").replaceAll(`
`,"\\n");return`${Buffer.byteLength(t)+1}
${t}
`}i(Ac,"programLines");function uA({text:e,values:t}){return[...Object.entries(t).map(([r,o])=>`in_${r}=${Ao(o===void 0?"":String(o))}`),e].join(`
`)}i(uA,"programText");function Ao(e){if(e.includes("\0"))throw new RangeError("a value for a shell contains a NUL byte");return`'${e.replaceAll("'","'\\''")}'`}i(Ao,"quote");var lA=["lxd","incus","docker","podman"],dA=/^([a-z]+):(?:([^:/]+):)?(?:([^:/]+)\/)?([^:/]+)$/,fA=/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/,xh="lxd:[REMOTE:][PROJECT/]NAME, incus:[REMOTE:][PROJECT/]NAME, docker:NAME or podman:NAME";function Ds(e){let[,t,n,r,o]=dA.exec(e.trim())??[],s=lA.find(c=>c===t),a=[n,r,o].filter(c=>c!==void 0);if(!(!s||!o||!a.every(c=>fA.test(c)))&&!((n||r)&&s!=="lxd"&&s!=="incus"))return{kind:s,...n?{remote:n}:{},...r?{project:r}:{},name:o}}i(Ds,"parseContainer");function Eh({kind:e,remote:t,project:n,name:r}){return`${e}:${t?`${t}:`:""}${n?`${n}/`:""}${r}`}i(Eh,"containerName");function kh({kind:e,remote:t,project:n,name:r},o){return{text:Ah,values:{kind:e,remote:t,project:n,name:r,sudo:o,run_program:bo}}}i(kh,"enterProgram");var Fs={host:rn().check(or(e=>Hs(e).length>0&&Hs(e).every(t=>Cn(t)!==void 0),{error:i(({input:e})=>`expected a host, user@host, user@host:port or alias per line, got '${e}'`,"error")})),user:nt(pt(e=>Nr(e),"the name of an account")),port:mn(1,65535),"ssh-key":$t(),"ssh-key-passphrase":$t(),"known-hosts":$t(),"host-key-checking":nt(Is(["strict","accept-new","insecure"],{error:i(({input:e})=>`expected strict, accept-new or insecure, got '${e}'`,"error")})),"ssh-config":$t(),transport:an(["auto","builtin","openssh"]),"ssh-certificate":$t(),"proxy-jump":nt(pt(e=>e.split(",").every(t=>Cn(t)!==void 0),"user@host:port[,…]")),sudo:an(["auto","always","never"]),container:nt(pt(e=>Ds(e)!==void 0,xh)),"connect-timeout-seconds":mn(1,600),"keepalive-seconds":mn(1,600)},iB=vn(Fs);function Hs(e){return[...new Set(Ns(e))]}i(Hs,"hostsOf");function Cn(e){let t=/^(?:ssh:\/\/)?(?:(?<user>[^\p{Cc}:/]+)@)?(?:\[(?<v6>[0-9a-f:.]+(?:%[\w.-]+)?)\]|(?<host>[^@\s:/[\]-][^@\s:/[\]]*))(?::(?<port>\d{1,5}))?\/?$/iu.exec(e.trim()),n=/^(?:(?<user>[^\p{Cc}:/]+)@)?(?<v6>[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*)$/iu.exec(e.trim()),r=(t??n)?.groups,o=r?.port===void 0?void 0:Number(r.port);if(!(!r||o===0||(o??1)>65535||r.user!==void 0&&!Nr(r.user)))return{user:r.user,host:r.v6??r.host??"",port:o}}i(Cn,"parseHost");var ir=1e4,xc={"hosts-file":$t(),canary:sn(0,0,ir),batch:nt(pt(e=>Ih(e,ir)!==void 0,"a number from 1, or a percentage from 1% to 100%")),"pause-seconds":Bs(0,0,86400),"max-parallel":mn(1,1e3),"max-failures":sn(0,0,ir),unreachable:an(["fail","skip"]),shard:nt(pt(e=>Ec(e)!==void 0,"a part and the number of parts, such as 2/8"))},lB=vn(xc);function Sh(e){let t=[];return e.batch!==void 0&&e["max-parallel"]!==void 0&&t.push(["batch","replaces `max-parallel`: set one of them"]),Number(e["pause-seconds"]??0)>0&&e.batch===void 0&&!e.canary&&t.push(["pause-seconds","only valid with `batch` or `canary`: it is the pause between two batches"]),t}i(Sh,"rolloutContradictions");function vh(e,t){return{canary:e.canary,atATime:e.batch===void 0?e["max-parallel"]??1:Ih(e.batch,t)??1,inBatches:e.batch!==void 0,maxFailures:e["max-failures"],skipsUnreachable:e.unreachable==="skip"}}i(vh,"policyOf");function Ih(e,t){let[,n,r]=/^([1-9]\d{0,4})(%?)$/.exec(e.trim())??[];if(n!==void 0)return r?Number(n)<=100?Math.max(1,Math.ceil(Number(n)*t/100)):void 0:Number(n)<=ir?Number(n):void 0}i(Ih,"sizeOf");function Ec(e){let[,t,n]=/^(\d{1,4})\s*\/\s*(\d{1,4})$/.exec(e.trim())??[];if(!(Number(t)<1||!(Number(t)<=Number(n))))return{number:Number(t),of:Number(n)}}i(Ec,"parseShard");var hA=1<<20;async function Ch(e,{"hosts-file":t,shard:n}){let r=[...new Set([...e,...t===void 0?[]:await pA(t)])];if(r.length===0)throw new zt(["Input 'host': required, unless `hosts-file` names at least one host."]);if(r.length>ir)throw new zt([`Input 'hosts-file': ${r.length} hosts; the limit of a step is ${ir}.`]);let o=n===void 0?void 0:Ec(n);return o?r.filter((s,a)=>a%o.of===o.number-1):r}i(Ch,"hostsOfStep");async function pA(e){let t=i(a=>new zt([`Input 'hosts-file': ${a}.`]),"problem"),n=await(0,Ms.stat)(e).catch(()=>{});if(!n?.isFile())throw t(`there is no file ${e} on the runner`);if(n.size>hA)throw t(`${e} has ${n.size} bytes; the limit is 1 MiB`);let o=(await(0,Ms.readFile)(e,"utf8")).replace(/^\uFEFF/,"").split(`
`).map(a=>a.replace(/(^|\s)#.*$/,"").trim()),s=o.flatMap((a,c)=>a===""||Cn(a)?[]:[`line ${c+1} of ${e}: expected a host, user@host, user@host:port or alias, got '${a}'`]);if(s.length>0)throw new zt(s.slice(0,20).map(a=>`Input 'hosts-file': ${a}.`));return o.filter(a=>a!=="")}i(pA,"hostsOfFile");var Th=require("node:timers/promises");function Rh(e,t){let{waiting:n,running:r,proved:o,failed:s,unreachable:a}=mA(e);if(n===0)return r>0?{does:"wait"}:{does:"stop"};let c=Math.max(0,t.canary-o),u=s+(t.skipsUnreachable?0:a);if(u>0&&c>0)return{does:"stop",because:"a canary failed"};if(u>t.maxFailures)return{does:"stop",because:gA(u,t.maxFailures)};let l=t.inBatches||_A(e,t.canary);if(r>0&&l&&c===0)return{does:"wait"};let d=(c>0?Math.min(c,t.atATime):t.atATime)-r;return d<=0?{does:"wait"}:{does:"start",targets:[...e.keys()].filter(p=>e[p]==="waiting").slice(0,d),afterPause:l&&o>0&&r===0}}i(Rh,"decide");function _A(e,t){let n=0,r=e.findIndex(o=>(o==="proved"&&(n+=1),n===t));return t>0&&r>=0&&(e[r+1]??"waiting")==="waiting"}i(_A,"isJustAfterCanaries");function mA(e){let t={waiting:0,running:0,proved:0,failed:0,unreachable:0};for(let n of e)t[n]+=1;return t}i(mA,"counts");function gA(e,t){return t===0?"another target failed":`${e} targets failed, more than max-failures (${t})`}i(gA,"tooMany");async function Ph(e,{policy:t,pauseSeconds:n,signal:r,onPause:o},s){let a=Array.from({length:e},()=>"waiting"),c=new Set,u,l=i(p=>{a[p]="running";let m=s(p).then(b=>{a[p]=b}).catch(b=>{a[p]="failed",u??=b??new Error("no reason was given")}).finally(()=>c.delete(m));c.add(m)},"start"),h=await i(async()=>{for(;u===void 0;){if(r.aborted)return a.includes("waiting")?"the step was cancelled":void 0;let p=Rh(a,t);if(p.does==="stop")return p.because;if(p.does==="wait")await Promise.race(c);else{if(p.afterPause&&n>0&&(o(a),await(0,Th.setTimeout)(n*1e3,void 0,{signal:r}).catch(()=>{}),r.aborted))continue;p.targets.forEach(l)}}},"goOn")();if(await Promise.all(c),u!==void 0)throw u;return h}i(Ph,"rollOut");var Oh=require("node:crypto"),Lh=require("node:fs"),zs=require("node:fs/promises");var $A={3:"i386",8:"mips",20:"ppc",21:"ppc64",22:"s390x",40:"arm",62:"x86_64",183:"aarch64",243:"riscv64",258:"loongarch64"},wA=3;async function Bh(e){let t=await kc(e,0,64);if(t.length<52||t.readUInt32BE(0)!==2135247942)return;let n=t[4]===2?64:32,r=yA(t[5]===2),[o,s,a]=n===64?[Number(r.u64(t,32)),r.u16(t,54),r.u16(t,56)]:[r.u32(t,28),r.u16(t,42),r.u16(t,44)],c=r.u16(t,18),u=$A[c]??`ELF machine ${c}`,l=await kc(e,o,s*a);for(let d=0;d+s<=l.length&&s>0;d+=s){if(r.u32(l,d)!==wA)continue;let[h,p]=n===64?[Number(r.u64(l,d+8)),Number(r.u64(l,d+32))]:[r.u32(l,d+4),r.u32(l,d+16)],m=await kc(e,h,Math.min(p,4096));return{machine:u,bits:n,interpreter:m.toString("utf8").replace(/\0.*$/s,"")}}return{machine:u,bits:n,interpreter:void 0}}i(Bh,"readElf");function Nh({machine:e},t){return e===t?!0:e==="i386"?/^(i[3-6]86|x86_64)$/.test(t):e==="arm"?/^(arm|aarch64)/.test(t):e==="ppc64"?t.startsWith("ppc64"):e==="mips"?t.startsWith("mips"):!1}i(Nh,"runsOn");async function kc(e,t,n){let r=Buffer.alloc(Math.max(0,Math.min(n,1048576))),{bytesRead:o}=await e.read(r,0,r.length,t);return r.subarray(0,o)}i(kc,"readAt");function yA(e){return{u16:i((t,n)=>e?t.readUInt16BE(n):t.readUInt16LE(n),"u16"),u32:i((t,n)=>e?t.readUInt32BE(n):t.readUInt32LE(n),"u32"),u64:i((t,n)=>e?t.readBigUInt64BE(n):t.readBigUInt64LE(n),"u64")}}i(yA,"reader");var bA=1<<20;async function Uh(e,t,n){let r=await AA(e),o=t.map(d=>Buffer.from(d)),s=Math.max(0,...o.map(d=>d.length-1)),a=new Set(o),c=(0,Oh.createHash)("sha256"),u=Buffer.alloc(0);for await(let d of(0,Lh.createReadStream)(e,{highWaterMark:bA})){if(c.update(d),a.size===0)continue;let h=s>0?Buffer.concat([u,d]):d;for(let p of a)h.includes(p)&&a.delete(p);u=Buffer.from(h.subarray(-s||h.length))}if(a.size>0)throw EA(e,a);let l=c.digest("hex");if(n!==void 0&&l!==n)throw kA(e,l,n);return{path:e,bytes:r,sha256:l,elf:await xA(e)}}i(Uh,"readSource");async function AA(e){let t=i(r=>new at({what:`Reading the source ${e}`,why:r,state:"untouched.",remedy:"check the path and the build step before this one."}),"why"),n=await(0,zs.stat)(e).catch(r=>{throw t(r.code==="ENOENT"?"the file does not exist on the runner.":r.message)});if(!n.isFile())throw t("it is not a regular file.");if(n.size===0)throw t("it is empty.");return n.size}i(AA,"sizeOf");async function xA(e){let t=await(0,zs.open)(e);try{return await Bh(t)}finally{await t.close()}}i(xA,"elfOf");function EA(e,t){let n=[...t].map(r=>`'${r.toString()}'`).join(", ");return new at({what:`Checking the source ${e}`,why:`it does not contain ${n} (expect-strings).`,state:"untouched. Nothing was sent.",remedy:"check that this is the build of the intended commit, or correct `expect-strings`."})}i(EA,"missingStrings");function kA(e,t,n){return new at({what:`Checking the source ${e}`,why:`its sha256 is ${t}, not ${n} (sha256).`,state:"untouched. Nothing was sent.",remedy:"deploy the file that was tested: take it from the job that built it, and the digest from the outputs of that job."})}i(kA,"otherDigest");var Lc=require("node:fs"),_p=require("node:fs/promises"),mp=require("node:os");var Dh=yd("AGFzbQEAAAABLgdgA39/fwF/YAJ/fwBgA39/fwBgBH9/f38AYAR/f39/AX9gAAF/YAV/f39/fwACDwEDZW52Bm1lbW9yeQIAAQMKCQIAAwEEAQUGAAZREH8BQQALfwFBAAt/AUEAC38BQQALfwFBAAt/AUEAC38BQQALfwFBAAt/AUEAC38BQQALfwFBAAt/AUEAC38BQQALfwFBAAt/AUEAC38BQQALBzoHBGZyZWUABgViZWdpbgAHBWluZGV4AAUEdGFrZQACBWFsaWduAAgHcmVzdG9yZQADBm1lbW9yeQIADAEBCr8OCa8BAQR/IAAiBCABaiIGQQBIBH9BAAUgAiMBIAZrIgAgACACShsiAEEAIABBAE4bCyECA0AgA0EQaiIAIAJMBEAgBSMFIARqIANq/QAEACMAIAZqIANq/QAEAP0j/WRpaiEFIAAhAwwBCwsDQCACIANKBEAgBUEBaiAFIwUgBGogA2otAAAjACAGaiADai0AAEYbIQUgA0EBaiEDDAELCyAFIw9MBEAPCyAFJA8gASQOC/QBAgR/AXsgASIEQQBIBH9BAAUgAiMBIARrIgEgASACShsiAUEAIAFBAE4bCyEFA0AgA0EQaiIBIAVMBEAjByAAaiADaiMFIABqIANq/QAEACMAIARqIANq/QAEAP1xIgf9CwQAIAYgB/0MAAAAAAAAAAAAAAAAAAAAAP0j/WRpaiEGIAEhAwwBCwsDQCADIAVIBEAjByAAaiADaiMFIABqIANqLQAAIwAgBGogA2otAABrIgE6AAAgBiAGQQFqIAFB/wFxGyEGIANBAWohAwwBCwsgAiAFSgRAIAAgBWoiACMHaiMFIABqIAIgBWv8CgAACyAGCxIAIAAkBSABJAYgAiQHIAMkCAsSACMHIABqIwUgAGogAfwKAAAL2wMCBn8BfiMNQQBKBEAjDUEBayQNIANBCmwgAkEDbE4PC0GAASMGIABrIgMgA0GAAUobIgdBA2xBCm0iBiQPIAAgASMKaiAHEABBACEDA0AgAyMLSARAIAAgASADQQJ0QYAIaigCAGogBxAAIANBAWohAwwBCwsgAEEgaiIDIwZBCGsiCCADIAhIGyEIIAAhAwNAIARBEEggAyAITHEEfyMPQQpsIAdBCWxIBUEACwRAIwMjBSADaikDACIKp0Gx893xeWwgCkIgiKdB95Svr3hscyIJQQ92IAlzQe347OACbCMEdkECdGooAgBBAWsiCUF/IAlBAE4EfyMAIAlqKQMAIApRBUEACxsiCUEASAR/QQEFIw4gCSADa0YjDyAGSnELRQRAIAAgCSADayAHEAAgBEEBaiEECyADQQFqIQMMAQsLIw8gBkoiBiMOIAEjCmpHcQRAQQAkDCMKIQMjDiABayIEJAoDQCADIARHIAVBCEhxBEAgBUECdEGACGohByAFIwtIBH8gBygCAAUgBAsgByADNgIAIAUjC0YEQCMLQQFqJAsLIQMgBUEBaiEFDAELCyAAIAAjDmogAhABGgUjDEEBaiQMQQMjDEEBdSIAIABBA04bJA0LIAYLdwIBfgJ/IAEjAUEHayIDIAEgA0gbIQMDQCAAIANIBEAjACAAaikDACICQiCIpyIEIAKnIgFHBEAjAyABQbHz3fF5bCAEQfeUr694bHMiAUEPdiABc0Ht+OzgAmwjBHZBAnRqIABBAWo2AgALIABBEGohAAwBCwsLBQBBoAgLJAAgACQAIAEkASACJAIgAyQDQSAgBGskBEEAIAJrJApBACQLC+8FAQZ/QQAkCQNAIAAgAUgEQCACIwpqIQQgAEH/B3FFIABBgAhqIAFMcQR/An9BACAAIARqIgVBAEgEf0EABUGACCMBIAVrIgMgA0GACEobIgNBACADQQBOGwtBgAhIDQAaQQAhAwNAIANBgAhIBEBBACMFIABqIANq/QAEACMAIAVqIANq/QAEAP1R/VMNAhogA0EQaiEDDAELCyMHIABqQQBBgAj8CwBBAQsFQQALBEAjAiAAIARqaiEDIwgjCUEBa0EDdGohBAJAIwlBAEoEQCADQYCAgIB4RiAEKAIAIgUgBCgCBCIGaiADRiAGQYCAgIB4RhsEQCAEIAVBgAhqNgIADAILCyAEQYAINgIIIAQgAzYCDCMJQQFqJAkLIABBgAhqIQAMAgsgACAAIARqQSAgASAAayIDIANBIEobIgQQASIDQQpsIARBB2xOBH9BAQUgACACIAQgAxAECwRAIAIjCmoiAyAAaiIFQQBIBH9BAAUgBCMBIAVrIgUgBCAFSBsiBUEAIAVBAE4bCyIFQQBKBEACQCMCIAAgA2pqIQYjCCMJQQFrQQN0aiEHIwlBAEoEQCAGQYCAgIB4RiAHKAIAIgMgBygCBCIIaiAGRiAIQYCAgIB4RhsEQCAHIAMgBWo2AgAMAgsLIAcgBTYCCCAHIAY2AgwjCUEBaiQJCwsgBCAFSgRAAkAgBCAFayEDIwgjCUEBa0EDdGohBSMJQQBKBEAgBSgCACIGIAUoAgQiB2pBgICAgHhGIAdBgICAgHhGcgRAIAUgAyAGajYCAAwCCwsgBSADNgIIIAVBgICAgHg2AgwjCUEBaiQJCwsFIwcgAGojBSAAaiAE/AoAACMIIwlBAWtBA3RqIQMCQCMJQQBKBEAgAygCACIFIAMoAgQiBmpBgICAgHhGIAZBgICAgHhGcgRAIAMgBCAFajYCAAwCCwsgAyAENgIIIANBgICAgHg2AgwjCUEBaiQJCwsgACAEaiEADAELCyMJCwsnAQBBgAgLIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");var Fh=require("node:zlib");var Sc=8192,vA=.1,IA=.9;function Mh(e,t){let n=Math.max(0,Math.floor((e.length-Sc)/2)),r=t.subarray(n,n+Sc),o=0;for(let s=0;s<r.length;s+=1)r[s]===0&&(o+=1);return r.length-o<r.length*vA?!1:Hh(e.subarray(n,n+Sc))<IA*Hh(r)}i(Mh,"packsBetter");function Hh(e){return(0,Fh.deflateRawSync)(e,{level:1}).length}i(Hh,"packed");var ar=-(2**31),Qs=65536,xo=4*Qs,zh=16*(Qs/32),CA=16,RA=2**24,TA=65536;async function Kh(e){let t=Math.ceil(Math.log2(Math.min(RA,Math.max(256,e/CA)))),n=new WebAssembly.Memory({initial:1}),{instance:r}=await WebAssembly.instantiate(Dh,{env:{memory:n}}),o=r.exports,s=o.free(),c=[e,4*2**t,xo,xo,xo,zh].map(y=>{let E=s;return s=Math.ceil((s+y)/64)*64,[E,y]});n.grow(Math.ceil(s/TA));let[u,l,d,h,p,m]=c.map(([y,E])=>Buffer.from(n.buffer,y,E)),b=new Int32Array(n.buffer,m.byteOffset,zh/4),A=!1;return{pieces:[d,h],begin:i(y=>(A&&l.fill(0),A=!0,o.begin(u.byteOffset,e,y,l.byteOffset,t),u),"begin"),index:o.index,align:i((y,E)=>{o.take(y.byteOffset,y.length,p.byteOffset,m.byteOffset);let I=[];for(let L=0;L<y.length;L+=Qs){let B=Math.min(L+Qs,y.length),Z=o.align(L,B,E);if(Mh(y.subarray(L,B),p.subarray(L,B)))o.restore(L,B-L),Qh(I,{bytes:B-L,from:ar});else for(let[ae,ye]of PA(b.subarray(0,2*Z)))Qh(I,{bytes:ae,from:ye})}return{stretches:I,difference:p.subarray(0,y.length)}},"align")}}i(Kh,"openAligner");function*PA(e){for(let t=0;t<e.length;t+=2)yield[e[t],e[t+1]]}i(PA,"pairs");function Qh(e,{bytes:t,from:n}){let r=e.at(-1),o=r&&(r.from===ar?ar:r.from+r.bytes);r&&o===n?r.bytes+=t:e.push({bytes:t,from:n})}i(Qh,"add");function jh(e,t){if(e===0)return[];if(t<=268435456)return[{fresh:{begin:0,end:e},old:{begin:0,end:t}}];let n=[];for(let r=0;r<e;r+=134217728){let o=Math.min(r+134217728,e),s=(r+o)/2*(t/e),a=Math.floor(Math.min(Math.max(0,s-268435456/2),t-268435456));n.push({fresh:{begin:r,end:o},old:{begin:a,end:a+268435456}})}return n}i(jh,"planParts");var BA=1<<20;async function*qh(e,t){let n=jh(e.bytes,t.bytes),[r]=n;if(!r)return;let o=await Kh(r.old.end-r.old.begin),s=0;for(let a of n){let c=o.begin(a.old.begin),u=i(d=>c.subarray(d-a.old.begin,d-a.old.begin+BA),"oldBlock");for await(let{at:d,block:h}of Wh(t,a.old,u))o.index(d-a.old.begin,d-a.old.begin+h.length);let l=i(d=>o.pieces[d/xo%2],"piece");for await(let{at:d,block:h}of Wh(e,a.fresh,l)){let p=o.align(h,d),m=OA(p,s);s=m.end,yield Buffer.concat([m.bytes,p.difference])}}}i(qh,"deltaOf");async function*Wh(e,{begin:t,end:n},r){let o=i(s=>{if(s>=n)return;let a=r(s).subarray(0,n-s),c=NA(e,s,a);return c.catch(()=>{}),{at:s,block:a,done:c}},"read");for(let s=o(t);s!==void 0;){let{at:a,block:c,done:u}=s;await u,s=o(a+c.length),yield{at:a,block:c}}}i(Wh,"blocksOf");async function NA({handle:e},t,n){for(let r=0;r<n.length;){let{bytesRead:o}=await e.read(n,r,n.length-r,t+r);if(o===0)throw new Error("the file was shortened while it was being read");r+=o}}i(NA,"fill");function OA({stretches:e,difference:t},n){let r=Buffer.allocUnsafe(8+8*e.length);r.writeUInt32BE(e.length,0),r.writeUInt32BE(t.length,4);let o=n;for(let[s,{bytes:a,from:c}]of e.entries())r.writeInt32BE(a,8+8*s),r.writeInt32BE(c===ar?ar:c-o,12+8*s),c!==ar&&(o=c+a);return{bytes:r,end:o}}i(OA,"headOf");var Ks=require("node:child_process"),Zh=require("node:events"),js=require("node:stream"),Gh=require("node:stream/promises"),vc=mt(require("node:zlib"),1);var Ic=256*1024;function Yh(){return(0,Ks.spawnSync)("zstd",["--version"],{stdio:"ignore"}).status===0?{zstd:"program"}:{zstd:Vh().createZstdCompress?"node":void 0}}i(Yh,"findCompressors");async function*Cc(e,{by:t,level:n,adapt:r,has:o}){let{stage:s,ended:a,stop:c}=t==="gzip"?LA():o.zstd==="program"?UA(n,r):DA(n),u=(0,Gh.pipeline)(js.Readable.from(e,{objectMode:!1,highWaterMark:Ic}),s);u.catch(()=>{});try{for await(let l of s)yield l;await u,await a?.()}finally{s.destroy(),c?.()}}i(Cc,"compress");function LA(){return{stage:vc.createGzip({level:1,chunkSize:Ic})}}i(LA,"gzip");function UA(e,t){let n=t?[`--adapt=min=${e},max=12`]:[`-${e}`,"-B2M","--long=24"],r=(0,Ks.spawn)("zstd",["-q","-c","-T0",...n],{stdio:["pipe","pipe","ignore"]}),o=(0,Zh.once)(r,"close");o.catch(()=>{});let s=js.Duplex.from({writable:r.stdin,readable:r.stdout});return r.once("error",a=>s.destroy(a)),{stage:s,stop:i(()=>r.kill(),"stop"),ended:i(async()=>{let[a]=await o;if(a!==0)throw new Error(`zstd exited with code ${a}`)},"ended")}}i(UA,"zstdProgram");function DA(e){let{createZstdCompress:t,constants:n}=Vh();if(!t)throw new Error("this runner has no zstd");return{stage:t({chunkSize:Ic,params:{[n.ZSTD_c_compressionLevel??100]:e}})}}i(DA,"zstdOfNode");function Vh(){return vc}i(Vh,"zlibZstd");var Eo=require("node:crypto"),Or=require("node:fs"),Xe=require("node:fs/promises"),Tc=require("node:path");var HA={files:8,bytes:4*2**30},FA=1<<20,MA=36e5,Rc=/^[0-9a-f]{64}$/,zA=/^\.new-/,QA=/^note-/,KA=2160*36e5,jA="forgejo-deploy-toolkit",WA=/^[0-9a-f]{32}$/;function Xh(e,{serverUrl:t,repository:n}){let r=(0,Eo.createHash)("sha256").update(JSON.stringify([t,n])).digest("hex");return`${e}/${jA}/${r.slice(0,32)}`}i(Xh,"keptFolder");async function Jh(e,t=HA){for(let n of[(0,Tc.dirname)(e),e])await qA(n);return{open:i(async n=>Rc.test(n)?ZA(`${e}/${n}`,n):void 0,"open"),keep:i(async(n,r)=>{if(!Rc.test(r))throw new Error("its digest is not a sha256");await YA(`${e}/${r}`)||(await VA(n,{folder:e,sha256:r,most:t.bytes}),await XA(e,t))},"keep")}}i(Jh,"openKept");async function qA(e){await(0,Xe.mkdir)(e,{recursive:!0,mode:448});let t=await(0,Xe.lstat)(e);if(!t.isDirectory())throw new Error(`${e} is not a folder`);if(t.uid!==process.getuid?.())throw new Error(`${e} belongs to another account`);(t.mode&511)!==448&&await(0,Xe.chmod)(e,448)}i(qA,"makeOwn");async function ZA(e,t){let n;try{n=await(0,Xe.open)(e,Or.constants.O_RDONLY|Or.constants.O_NOFOLLOW|Or.constants.O_NONBLOCK)}catch(o){o.code==="ELOOP"&&await(0,Xe.rm)(e,{force:!0});return}let r=await n.stat();if(r.isFile()&&await GA(n)===t)return await(0,Xe.utimes)(e,new Date,new Date).catch(()=>{}),{handle:n,bytes:r.size};await n.close(),await(0,Xe.rm)(e,{force:!0,recursive:!0})}i(ZA,"openProved");async function GA(e){let t=(0,Eo.createHash)("sha256"),n=Buffer.allocUnsafe(FA);for(let r=0;;){let{bytesRead:o}=await e.read(n,0,n.length,r);if(o===0)return t.digest("hex");t.update(n.subarray(0,o)),r+=o}}i(GA,"digestOf");async function YA(e){try{return await(0,Xe.utimes)(e,new Date,new Date),(await(0,Xe.lstat)(e)).isFile()}catch{return!1}}i(YA,"touched");async function VA(e,t){let{size:n}=await(0,Xe.lstat)(e),{bavail:r,bsize:o}=await(0,Xe.statfs)(t.folder);if(n>t.most)throw new Error("it is too large to be kept");if(r*o<3*n)throw new Error(`too little room is left in ${t.folder}`);let s=`${t.folder}/.new-${(0,Eo.randomUUID)()}`;try{await(0,Xe.copyFile)(e,s,Or.constants.COPYFILE_EXCL|Or.constants.COPYFILE_FICLONE),await(0,Xe.chmod)(s,384),await(0,Xe.rename)(s,`${t.folder}/${t.sha256}`)}finally{await(0,Xe.rm)(s,{force:!0})}}i(VA,"copy");async function XA(e,t){let n=(0,Tc.dirname)(e),r=(await ep(n)).filter(h=>WA.test(h)).map(h=>`${n}/${h}`),o=(await Promise.all([...new Set([e,...r])].map(JA))).flat(),s=0,a=0,u=o.filter(({name:h})=>Rc.test(h)).sort((h,p)=>p.usedAt-h.usedAt).filter(h=>(s+=h.bytes,h.folder===e&&(a+=1),s>t.bytes||h.folder===e&&a>t.files)),l=[{names:zA,before:Date.now()-MA},{names:QA,before:Date.now()-KA}],d=o.filter(({name:h,usedAt:p})=>l.some(({names:m,before:b})=>m.test(h)&&p<b));for(let h of[...u,...d])await(0,Xe.rm)(`${h.folder}/${h.name}`,{force:!0,recursive:!0})}i(XA,"prune");async function JA(e){return Promise.all((await ep(e)).map(async t=>{let n=await(0,Xe.lstat)(`${e}/${t}`).catch(()=>{});return{folder:e,name:t,usedAt:n?.mtimeMs??0,bytes:n?.size??0}}))}i(JA,"filesIn");async function ep(e){return(0,Xe.readdir)(e).catch(()=>[])}i(ep,"namesIn");var Ws=require("node:crypto"),Qn=require("node:fs/promises");async function tp(e,t){let n=await(0,Qn.readFile)(sp(e,t),"utf8").catch(()=>"{}");try{let{bytesPerSecond:r,roundTripMs:o,left:s,deltaBy:a}=JSON.parse(n);return{...typeof r=="number"&&r>0?{bytesPerSecond:r}:{},...typeof o=="number"&&o>0?{roundTripMs:o}:{},...Array.isArray(s)&&s.every(ex)?{left:s.slice(0,rp)}:{},...a==="zstd"||a==="gzip"?{deltaBy:a}:{}}}catch{return{}}}i(tp,"readNote");async function np(e,t,n){let r=`${e}/.new-${(0,Ws.randomUUID)()}`;try{await(0,Qn.writeFile)(r,JSON.stringify(n),{mode:384,flag:"wx"}),await(0,Qn.rename)(r,sp(e,t))}finally{await(0,Qn.rm)(r,{force:!0})}}i(np,"writeNote");var rp=8;function op(e,{left:t=[]}){return[e,...t.filter(n=>n!==e)].slice(0,rp)}i(op,"leftWith");function ex(e){return typeof e=="string"&&/^[0-9a-f]{64}$/.test(e)}i(ex,"isDigest");function sp(e,t){return`${e}/note-${(0,Ws.createHash)("sha256").update(t).digest("hex").slice(0,16)}`}i(sp,"noteFile");var ip=require("node:crypto"),ko=require("node:events"),qs=require("node:fs/promises");var cr=class extends Error{static{i(this,"PayloadError")}},tx=256*1024,nx=8*2**20,rx=64*2**20;function Pc(e){return{read:i(async function*(){try{yield*e()}catch(t){throw cp(t)}},"read"),[Symbol.asyncDispose]:async()=>{}}}i(Pc,"streamed");async function ap(e,t){let n=`${t}/.payload-${(0,ip.randomUUID)()}`,r=await(0,qs.open)(n,"wx+",384);await(0,qs.unlink)(n);let o=new ko.EventEmitter().setMaxListeners(0),s=0,a,c,l=i(async()=>{for await(let d of e()){for(;!c&&s-(a??0)>(a===void 0?rx:nx);)await(0,ko.once)(o,"taken");if(c)return;await r.write(d,0,d.length,s),s+=d.length,o.emit("written")}},"fill")().then(()=>({}),d=>({error:cp(d)})).then(d=>{c??=d,o.emit("written")});return{read:i(async function*(){for(let d=0;;){if(d===s){if(c?.error)throw c.error;if(c)return;await(0,ko.once)(o,"written");continue}let h=Buffer.allocUnsafe(Math.min(tx,s-d)),{bytesRead:p}=await r.read(h,0,h.length,d);d+=p,a=Math.max(a??0,d),o.emit("taken"),yield h.subarray(0,p)}},"read"),[Symbol.asyncDispose]:async()=>{c??={error:new cr("the step has finished")},o.emit("taken"),o.emit("written"),await l,await r.close()}}}i(ap,"spooled");function cp(e){return e instanceof cr?e:new cr(e instanceof Error?e.message:String(e),{cause:e})}i(cp,"payloadError");var ox=16384,sx=1e6,ix={zstd:.27,gzip:.31,"delta-zstd":.05,"delta-gzip":.08,plain:1},ax={zstd:3e8,gzip:7e7,"delta-zstd":15e7,"delta-gzip":7e7,plain:7e8},cx=4e8;function Zs(e){let{wanted:t,bytes:n,near:r,compressors:o,base:s,link:a}=e,c=i((y,E)=>({encoding:y,level:lx(y,a.bytesPerSecond),why:`${dx(y,s)}, ${E}`}),"plan"),[u]=o,l=ux(e);if(t==="plain")return c("plain","because transfer is plain");if(t==="auto"&&r)return c("plain","because the target is this machine");if(n<ox)return c("plain",`because ${It(n)} is too small to compress`);if(!u)return c("plain","because runner and target share neither zstd nor gzip");if(t==="compressed")return c(u,"because transfer is compressed");if(t==="delta")return l?c(u,`no delta, because ${l}`):c(`delta-${u}`,"because transfer is delta");let h=[...l?[]:[`delta-${u}`],u,"plain"].map(y=>({encoding:y,seconds:Bc(y,n,a)})),[p,...m]=h.sort((y,E)=>y.seconds-E.seconds),b=[p,...m].map(({encoding:y,seconds:E})=>`${fx(y)} ${E.toFixed(1)} s`),A=`${It(a.bytesPerSecond)}/s (${a.from})`;return c(p.encoding,`at ${A}: ${b.join(", ")}${l?`; no delta, because ${l}`:""}`)}i(Zs,"planTransfer");var up={ofWhatIsLeft:.5,seconds:10};function lp(e,t,n){let{bytes:r,link:o}=t,s=Bc(e,r,o)-n/o.bytesPerSecond,a=Zs(t),c=s-Bc(a.encoding,r,o);return c>up.seconds&&c>up.ofWhatIsLeft*s?a:void 0}i(lp,"soonerWay");function Nc(e){return{bytesPerSecond:e<3?11e7:e<15?25e6:6e6,from:`assumed from a round trip of ${Math.round(e)} ms`}}i(Nc,"assumedLink");function ux({wanted:e,base:t,bytes:n}){return"lacks"in t?t.lacks:e==="auto"&&n<sx?`${It(n)} is too small for one`:void 0}i(ux,"deltaLacks");function Bc(e,t,n){return(e.startsWith("delta")?t/cx:0)+Math.max(t*ix[e]/n.bytesPerSecond,t/ax[e])}i(Bc,"secondsOf");function lx(e,t=0){return e.startsWith("delta")?t>6e7?1:t>5e6?3:t>1e6?7:12:t>3e7?1:t>1e7?3:t>4e6?6:9}i(lx,"levelFor");function dx(e,t){let[,n]=e.split("-");return n?`a delta against ${"sha256"in t?Qt(t.sha256):"the present file"} with ${n}`:e==="plain"?"plain":`compressed with ${e}`}i(dx,"named");function fx(e){return e.startsWith("delta")?"delta":e==="plain"?"plain":"compressed"}i(fx,"plainName");var hx="measured last time",px="measured on the first bytes",_x=5e7,dp=256*1024;function gp({wanted:e,several:t},{env:n,log:r,run:o}){let s=n("RUNNER_TOOL_CACHE"),a=s&&Xh(s,o),c=Oc(()=>a?Jh(a):Promise.reject(new Error("RUNNER_TOOL_CACHE is not set"))),u=Oc(Yh),l=new Map,d=new Map,h=[],p=i(y=>e==="delta"||e==="auto"&&!y,"deltaHelps"),m=i(y=>{let E=l.get(y)??mx(c,y);return l.set(y,E),E},"baseOf"),b=i((y,{encoding:E,level:I},L)=>{let B=E.startsWith("delta")&&"file"in L?L:void 0,Z=`${E} ${B?.sha256??""}`,ae=i(()=>wx(y,{encoding:E,level:I,base:B?.file,has:u()}),"make"),ye=d.get(Z)??(E!=="plain"&&(t||B)?ap(ae,n("RUNNER_TEMP")??(0,mp.tmpdir)()).catch(()=>Pc(ae)):Promise.resolve(Pc(ae)));return d.set(Z,ye),ye},"payloadOf"),A=Oc(y=>c().then(E=>E.keep(y.path,y.sha256)).catch(E=>r.line(`Not kept for the next delta: ${E.message}.`)));return{to:i((y,E)=>{let I=a&&p(!1)?tp(a,y):Promise.resolve({}),L={},B,Z=!1,ae="nothing",ye=i(W=>{L.bytesPerSecond=Math.round(W)},"remember"),M=i(async W=>!a||(await I).left?.includes(W)?m(W):{lacks:"this runner did not deploy the target's present file"},"baseThere");return i(async()=>{let{left:[W]=[],deltaBy:K,roundTripMs:te,..._e}=await I,Y=fp(_e)??(te&&Nc(te));if(!W||!K||!Y)return;let[re,fe]=await Promise.all([E,m(W)]);if(!re||re.sha256===W)return;let $e=Zs({wanted:e,bytes:re.bytes,near:!1,compressors:[K],base:fe,link:Y});$e.encoding.startsWith("delta")&&await b(re,$e,fe)},"begin")().catch(()=>{}),{choose:i(async(W,K)=>{let te=B??fp(await I),_e=te??Nc(K.roundTripMs),Y=K.near&&(!te||te.bytesPerSecond>_x);Z=!Y;let re=p(Y)?$x(W,K):"none was requested",{present:fe,tools:$e}=K,R=re||"lacks"in fe?{lacks:re??""}:await M(fe.sha256),O=e==="plain"||e==="auto"&&Y?[]:hp(u(),$e);$e.has("perl")&&O[0]&&(L.deltaBy=O[0]),Number.isFinite(K.roundTripMs)&&(L.roundTripMs=K.roundTripMs);let N={wanted:e,bytes:W.bytes,near:Y,compressors:O,base:R,link:_e},z=Zs(N);ae=gx(z.encoding,K.near),p(Y)&&h.push(A(W));let ce=i((de,ue)=>{if(e!=="auto"||B||z.encoding.startsWith("delta"))return!1;let st={...N,near:!1,compressors:hp(u(),$e)},yt={bytesPerSecond:ue,from:px};return lp(z.encoding,{...st,link:yt},de)?(B=yt,ye(ue),!0):!1},"isTooSlow");return{encoding:z.encoding,why:z.why,payload:await b(W,z,R),isTooSlow:ce}},"choose"),measured:i(async W=>{let{bytesPerSecond:K=Number.POSITIVE_INFINITY}=await I;!W||ae==="nothing"||(ae==="the rate"||W>K)&&ye(W)},"measured"),arrived:i((W,K)=>{if(!p(K&&!Z))return;let te=i(async()=>{await A(W);let _e=await I;L={..._e,...L,left:op(W.sha256,_e)},a&&await np(a,y,L)},"note");h.push(te().catch(()=>{}))},"arrived")}},"to"),[Symbol.asyncDispose]:async()=>{await Promise.all(h);for(let y of await Promise.allSettled(d.values()))y.status==="fulfilled"&&await y.value[Symbol.asyncDispose]();for(let y of await Promise.all(l.values()))"file"in y&&await y.file.handle.close()}}}i(gp,"openTransfers");function Oc(e){let t;return(...n)=>(t??={value:e(...n)},t.value)}i(Oc,"once");async function mx(e,t){try{let n=await(await e()).open(t);return n?n.bytes<=2147483647?{sha256:t,file:n}:(await n.handle.close(),{lacks:"the files are too large for one"}):{lacks:"this runner did not keep the target's present file"}}catch(n){return{lacks:`this runner keeps no files: ${n.message}`}}}i(mx,"openBase");function fp({bytesPerSecond:e}){return e?{bytesPerSecond:e,from:hx}:void 0}i(fp,"rememberedLink");function gx(e,t){return e==="plain"?"the rate":t?"nothing":e.startsWith("delta")?"a higher rate":"the rate"}i(gx,"tellsOf");function $x({bytes:e},{tools:t,present:n}){return"lacks"in n?n.lacks:t.has("perl")?e>2147483647?"the files are too large for one":void 0:"the target has no perl"}i($x,"deltaLacks");function hp({zstd:e},t){return[...e&&t.has("zstd")?["zstd"]:[],...t.has("gzip")?["gzip"]:[]]}i(hp,"inCommon");async function*wx(e,t){let{encoding:n,level:r,base:o,has:s}=t;if(n==="plain"){yield*(0,Lc.createReadStream)(e.path,{highWaterMark:dp});return}let a=n.endsWith("zstd")?"zstd":"gzip";if(!o){let u=(0,Lc.createReadStream)(e.path,{highWaterMark:dp});yield*Cc(u,{by:a,level:r,adapt:!0,has:s});return}let c=await(0,_p.open)(e.path);try{yield*Cc(qh({handle:c,bytes:e.bytes},o),{by:a,level:r,adapt:!1,has:s})}finally{await c.close()}}i(wx,"encode");function Uc(e){return Dn.findLast(t=>e.includes(t))??"unchanged"}i(Uc,"worst");function $p(e,t){let n=e.map(()=>"untouched"),r=new Map,o=i(async()=>{t.save("begun",r.size===0?"":JSON.stringify([...r.values()])),await t.outputs({state:Uc(n)})},"write");return e.map((s,a)=>{let c;return{begin:i(async u=>{c={host:s,...u},r.set(s,c),n[a]="unknown",await o()},"begin"),begun:i(()=>c,"begun"),end:i(async u=>{u!=="unknown"&&r.delete(s),n[a]=u,await o()},"end")}})}i($p,"openBook");var B$=require("node:timers/promises");function wp(e,t){let n=t==="inet6"?void 0:yx(e);if(n!==void 0)return n;if(e.includes(":")&&t!=="inet"){let r=bx(e);return r.toLowerCase()===e.toLowerCase()?e:r}return/[%:]/.test(e)||/^[\d.]*$/.test(e)?e:e.toLowerCase()}i(wp,"canonicalHost");function yx(e){let t=e.split(".");if(t.length>4||!t.every(s=>/^(0x[\da-f]+|0[0-7]*|[1-9]\d*)$/i.test(s)))return;let n=t.map(s=>/^0[0-7]+$/.test(s)?Number.parseInt(s,8):Number(s)),r=n.pop()??0;if(n.some(s=>s>255)||r>=256**(4-n.length))return;let o=Array.from({length:4-n.length},(s,a)=>Math.floor(r/256**a)%256).reverse();return[...n,...o].join(".")}i(yx,"v4Of");function bx(e){if(!URL.canParse(`http://[${e}]`))return e;let t=new URL(`http://[${e}]`).hostname.slice(1,-1),[,n,r]=/^::ffff:([\da-f]+):([\da-f]+)$/.exec(t)??[];if(n===void 0||r===void 0)return t;let[o,s]=[Number.parseInt(n,16),Number.parseInt(r,16)];return`::ffff:${o>>8}.${o&255}.${s>>8}.${s&255}`}i(bx,"v6Of");var Ax={followed:`Host Match Include HostName User Port IdentityFile IdentitiesOnly IdentityAgent ProxyJump UserKnownHostsFile
    GlobalKnownHostsFile HostKeyAlias StrictHostKeyChecking ConnectTimeout ServerAliveInterval ServerAliveCountMax AddressFamily
    BindAddress HostKeyAlgorithms RequiredRSASize HashKnownHosts IgnoreUnknown Tag`,identity:"CertificateFile PKCS11Provider",refused:`ProxyCommand CanonicalizeHostname CanonicalizePermittedCNAMEs RevokedHostKeys KnownHostsCommand CheckHostIP
    BindInterface RefuseConnection`,harmless:`AddKeysToAgent BatchMode CanonicalDomains CanonicalizeFallbackLocal CanonicalizeMaxDots CASignatureAlgorithms
    ChannelTimeout Ciphers ClearAllForwardings Compression ConnectionAttempts ControlMaster ControlPath ControlPersist
    DynamicForward EnableEscapeCommandline EnableSSHKeysign EscapeChar ExitOnForwardFailure FingerprintHash
    ForkAfterAuthentication ForwardAgent ForwardX11 ForwardX11Timeout ForwardX11Trusted GatewayPorts GSSAPIAuthentication
    GSSAPIClientIdentity GSSAPIDelegateCredentials GSSAPIKexAlgorithms GSSAPIKeyExchange GSSAPIRenewalForcesRekey
    GSSAPIServerIdentity GSSAPITrustDns HostbasedAcceptedAlgorithms HostbasedAuthentication IPQoS KbdInteractiveAuthentication
    KbdInteractiveDevices KexAlgorithms LocalCommand LocalForward LogLevel LogVerbose MACs
    NoHostAuthenticationForLocalhost NumberOfPasswordPrompts ObscureKeystrokeTiming PasswordAuthentication
    PermitLocalCommand PermitRemoteOpen PreferredAuthentications ProxyUseFdpass PubkeyAcceptedAlgorithms
    PubkeyAuthentication RekeyLimit RemoteCommand RemoteForward RequestTTY SecurityKeyProvider SendEnv SessionType SetEnv
    StdinNull StreamLocalBindMask StreamLocalBindUnlink SyslogFacility TCPKeepAlive Tunnel TunnelDevice UpdateHostKeys
    VerifyHostKeyDNS VersionAddendum VisualHostKey WarnWeakCrypto XAuthLocation
    Protocol Cipher FallBackToRsh GlobalKnownHostsFile2 RhostsAuthentication UserKnownHostsFile2 UseRoaming UseRsh
    UsePrivilegedPort AFSTokenPassing KerberosAuthentication KerberosTGTPassing RSAAuthentication RhostsRSAAuthentication
    CompressionLevel`},xx={identityfile2:"identityfile",challengeresponseauthentication:"kbdinteractiveauthentication",skeyauthentication:"kbdinteractiveauthentication",tisauthentication:"kbdinteractiveauthentication",dsaauthentication:"pubkeyauthentication",hostbasedkeytypes:"hostbasedacceptedalgorithms",pubkeyacceptedkeytypes:"pubkeyacceptedalgorithms",keepalive:"tcpkeepalive",smartcarddevice:"pkcs11provider",rsaminsize:"requiredrsasize",protocolkeepalives:"serveraliveinterval",setuptimeout:"serveraliveinterval"},Ex=new Map(Object.entries(Ax).flatMap(([e,t])=>t.split(/\s+/).map(n=>[n.toLowerCase(),{kind:e,spelling:n}])));function Dc(e){let t=xx[e]??e,n=Ex.get(t);return n&&{name:t,...n}}i(Dc,"keywordOf");var yp={proxycommand:{unless:["none"],remedy:"use ProxyJump there, or the input proxy-jump"},canonicalizehostname:{unless:["no","false"],remedy:"write the whole name in host"},canonicalizepermittedcnames:{unless:["none"],remedy:"write the whole name in host"},revokedhostkeys:{unless:["none"],remedy:"give @revoked lines in known-hosts, and another config with ssh-config"},knownhostscommand:{unless:["none"],remedy:"give the lines in known-hosts, and another config with ssh-config"},checkhostip:{unless:["no","false"],remedy:"leave it at `no`, its default"},bindinterface:{unless:[],remedy:"use BindAddress with an address of that interface"},refuseconnection:{unless:[],remedy:"use another host, or another config with ssh-config"}};var Ve=class extends Error{static{i(this,"LineError")}};function bp(e){let[t,n]=Gs(e.replace(/[ \t\r\n\f]+$/,""));if(t===""&&n!==void 0&&([t,n]=Gs(n)),!(t===void 0||t===""||t.startsWith("#"))){if(n=(n??"").replace(/^[ \t\r\n]+/,""),n==="")throw new Ve(`${t} has no value`);return{keyword:t.toLowerCase(),rest:n,words:kx(n)}}}i(bp,"readLine");function Gs(e){let t=e.search(/[ \t\r\n"=]/);if(t<0)return[e,void 0];if(e[t]==='"'){let r=e.indexOf('"',t+1);if(r<0)throw new Ve("a quote is never closed");return[e.slice(0,t)+e.slice(t+1,r),e.slice(r+1).replace(/^[ \t\r\n]+/,"")]}let n=e.slice(t+1).replace(/^[ \t\r\n]+/,"");return[e.slice(0,t),e[t]!=="="&&n.startsWith("=")?n.slice(1).replace(/^[ \t\r\n]+/,""):n]}i(Gs,"nextToken");function kx(e){let t=[],n=0;for(;n<e.length;){if(e[n]===" "||e[n]==="	"){n+=1;continue}if(e[n]==="#")break;let{word:r,end:o}=Sx(e,n);t.push(r),n=o}return t}i(kx,"splitWords");function Sx(e,t){let n="",r="",o=t;for(;o<e.length;o+=1){let s=e[o]??"",a=e[o+1]??"";if(s==="\\"&&a!==""&&(`'"\\`.includes(a)||r===""&&a===" "))n+=a,o+=1;else{if(r===""&&(s===" "||s==="	"))break;r===""&&(s==='"'||s==="'")?r=s:s===r?r="":n+=s}}if(r!=="")throw new Ve("a quote is never closed");return{word:n,end:o}}i(Sx,"readWord");function Ap(e,t){let n=t.replace(/[.+^${}()|[\]\\]/g,"\\$&").replaceAll(/\*+/g,"[^]*").replaceAll("?","[^]");return new RegExp(`^${n}$`).test(e)}i(Ap,"matchesPattern");function gn(e,t){return t.filter(r=>r.startsWith("!")).map(r=>r.slice(1)).some(r=>Ap(e,r))?!1:t.some(r=>!r.startsWith("!")&&Ap(e,r))}i(gn,"matchesPatterns");function So(e,t){return gn(e.toLowerCase(),t.map(n=>n.toLowerCase()))}i(So,"matchesHostPatterns");var vx=["exec","localnetwork","version","sessiontype","command"];function Ep(e,t){let n={applies:!0,wantsFinal:!1,unknown:[]},r=e,o=0,s=i(()=>{if(r===void 0)return;let[a,c]=Gs(r);return r=c,a},"next");for(let a=s();a!==void 0&&a!==""&&!a.startsWith("#");a=s()){let c=a.startsWith("!"),u=a.slice(c?1:0).toLowerCase();if(u==="all"){let d=s();if(o>1||d!==void 0&&d!==""&&!d.startsWith("#"))throw new Ve("`all` stands beside other criteria");return c?{...n,applies:!1}:xp(n)}if(o+=1,u==="final"||u==="canonical"){u==="final"&&c?n.unknown.push("!final"):u==="final"&&(n.wantsFinal=!0),t.final===c&&(n.applies=!1);continue}let l=s();if(l===void 0||l===""&&u!=="tagged"||l.startsWith("#"))throw new Ve(`Match ${u} has no value`);vx.includes(u)?n.unknown.push(u):Ix(u,l,t)===c&&(n.applies=!1)}if(o===0)throw new Ve("Match has no criteria");return xp(n)}i(Ep,"evaluateMatch");function xp(e){let t=e.applies&&e.unknown.length>0?void 0:e.applies;return{...e,applies:t}}i(xp,"settled");function Ix(e,t,n){let r=t.split(",");if(e==="host")return So(n.host(),r);if(e==="originalhost")return So(n.originalHost,r);if(e==="user")return gn(n.user,r);if(e==="localuser")return gn(n.localUser,r);if(e==="tagged")return n.tag===""?t==="":gn(n.tag,r);throw new Ve(`Match ${e} is not known to ssh`)}i(Ix,"meets");function Ip(e,{words:t,rest:n}){return(Cx[e]??vo)(t,n)}i(Ip,"readValues");var vo=i(e=>{let[t]=e;if(t===void 0||t==="")throw new Ve("the value is empty");if(e.length>1)throw new Ve("there are more values than one");return[t]},"one"),Hc={yes:"yes",true:"yes",no:"no",false:"no"},Cx={identitiesonly:Ys(Hc),hashknownhosts:Ys(Hc),stricthostkeychecking:Ys({...Hc,ask:"ask",off:"no","accept-new":"accept-new"}),addressfamily:Ys({inet:"inet",inet6:"inet6",any:"any"}),port:i((e,t)=>{let[n=""]=vo(e,t)??[],r=n==="ssh"?22:Number(/^\d{1,5}$/.test(n)?n:Number.NaN);if(!(r>=1&&r<=65535))throw new Ve(`'${n}' is not a port`);return[String(r)]},"port"),connecttimeout:Sp,serveraliveinterval:Sp,serveralivecountmax:kp,requiredrsasize:kp,userknownhostsfile:vp,globalknownhostsfile:vp,proxycommand:i((e,t)=>[t],"proxycommand"),knownhostscommand:i((e,t)=>[t],"knownhostscommand"),refuseconnection:i(e=>[e.join(" ")],"refuseconnection"),proxyjump:i((e,t)=>[t.replace(/#.*$/,"").trimEnd()],"proxyjump")};function Ys(e){return(t,n)=>{let[r=""]=vo(t,n)??[],o=e[r.toLowerCase()];if(o===void 0)throw new Ve(`'${r}' is not one of ${Object.keys(e).join(", ")}`);return[o]}}i(Ys,"oneOf");function kp(e,t){let[n=""]=vo(e,t)??[];if(!/^\d{1,9}$/.test(n))throw new Ve(`'${n}' is not a number`);return[String(Number(n))]}i(kp,"wholeNumber");function Sp(e,t){let[n=""]=vo(e,t)??[];if(n==="none")return;if(!/^(\d{1,9}[smhdw])*(\d{1,9})?$/i.test(n))throw new Ve(`'${n}' is not a duration`);let o=[...n.toLowerCase().matchAll(/(\d+)([smhdw]?)/g)].reduce((s,[,a,c])=>s+Number(a)*(Rx[c||"s"]??1),0);if(o>2**31-1)throw new Ve(`'${n}' is too long`);return[String(o)]}i(Sp,"seconds");var Rx={s:1,m:60,h:3600,d:86400,w:604800};function vp(e){if(e.length===0||e.includes(""))throw new Ve("the value is empty");if(e.length>1&&e.some(t=>t.toLowerCase()==="none"))throw new Ve("`none` stands beside other files");return e}i(vp,"files");var cn=class extends Error{static{i(this,"TokenError")}};function Vs(e,t,n){return e.replace(n?/%(.?)|\$\{([^}]*)(\}?)/gs:/%(.?)/gs,(r,o,s,a)=>{if(r.startsWith("%")){if(o==="%")return"%";let u=t[o];if(u===void 0)throw new cn(`the token %${o} in '${e}' is not supported`);return u}if(s===""||a==="")throw new cn(`the variable in '${e}' has no name or no closing }`);let c=n?.(s);if(c===void 0)throw new cn(`the environment variable ${s} is not set`);return c})}i(Vs,"expandTokens");function Io(e,t,n){let[,r,o=""]=/^~([^/]*)\/*(.*)$/s.exec(e)??[];if(r===void 0)return e;let s=r===""?t:n(r);if(s===void 0)throw new cn(`the runner has no account ${r} (${e})`);return`${s.replace(/\/$/,"")}/${o}`}i(Io,"expandTilde");var it=class extends Error{static{i(this,"ConfigError")}remedy;constructor(t,n){super(t),this.remedy=n}},Tx=new Set(["identityfile","certificatefile"]),Px=16;function Cp(e,t){let n={question:t,host:t.host,values:new Map,places:new Map,final:!1,wantsFinal:!1},r=i(()=>{for(let s of e)Tp(s,n,{applies:!0,depth:0})},"readAll");r();let o=Dx(n);return n.wantsFinal&&(n.values.set("hostname",[o.replaceAll("%","%%")]),Object.assign(n,{host:o,final:!0}),r()),{host:o,values:n.values,places:n.places}}i(Cp,"resolveConfig");function Rp({values:e,places:t},n){for(let[r,{unless:o,remedy:s}]of Object.entries(yp)){let a=e.get(r)?.[0];if(a===void 0||o.includes(a.toLowerCase())||n.includes(r))continue;let c=Dc(r)?.spelling;return new it(`${t.get(r)}: ${c} is set to '${a}', which is not supported`,`${s}.`)}}i(Rp,"refusedKeyword");function Tp({path:e,text:t,system:n=!1},r,{applies:o,depth:s}){let a=o;for(let[c,u]of t.split(`
`).entries()){let l=`${e}:${c+1}`;try{let d=bp(u);if(!d)continue;let h=Dc(d.keyword);h?.name==="host"?a=o&&Bx(d.words,r):h?.name==="match"?a=Nx(d.rest,r,o):h?.name==="include"?Ox(d.words,{reading:r,system:n},{applies:a,depth:s}):Ux(d,h,{reading:r,where:l,applies:a})}catch(d){throw d instanceof Ve||d instanceof cn?new it(`${l}: ${d.message}`):d}}}i(Tp,"readFile");function Bx(e,{host:t}){if(e.includes(""))throw new Ve("a pattern is empty");return gn(t,e)}i(Bx,"hostLineApplies");function Nx(e,t,n){let{question:r,values:o}=t,{applies:s,wantsFinal:a,unknown:c}=Ep(e,{host:i(()=>Pp(t),"host"),originalHost:r.host,user:r.user??o.get("user")?.[0]??r.localUser,localUser:r.localUser,tag:o.get("tag")?.[0]??"",final:t.final});if(a&&!t.final&&(t.wantsFinal=!0),s===void 0&&n)throw new Ve(`Match ${c.join(", ")} is not supported`);return n&&s===!0}i(Nx,"matchLineApplies");function Ox(e,{reading:t,system:n},{applies:r,depth:o}){if(o>=Px)throw new Ve("Include is nested too deeply");for(let s of e){if(s==="")throw new Ve("the value is empty");if(r&&/%|\$\{/.test(s))throw new Ve(`tokens in Include (${s}) are not supported`);for(let a of Lx(s,t.question,n))for(let c of t.question.include(a))Tp({...c,system:n},t,{applies:r,depth:o+1})}}i(Ox,"include");function Lx(e,{homes:t,homeOf:n},r){if(e.startsWith("/"))return[e];if(r&&e.startsWith("~"))throw new Ve(`${e} is not a path for the system's config`);return r?[`/etc/ssh/${e}`]:e.startsWith("~")?[...new Set(t.map(o=>Io(e,o,n)))]:t.map(o=>`${o}/.ssh/${e}`)}i(Lx,"includedPaths");function Ux(e,t,{reading:n,where:r,applies:o}){let{values:s,places:a}=n;if(t===void 0){let l=s.get("ignoreunknown")?.[0]?.toLowerCase().split(",")??[];if(!o||gn(e.keyword,l))return;throw new Ve(`the keyword ${e.keyword} is not known (IgnoreUnknown ${e.keyword} before it leaves it out)`)}if(t.kind==="harmless")return;let c=Ip(t.name,e);if(!o||c===void 0)return;let u=s.get(t.name);u&&!Tx.has(t.name)||(s.set(t.name,[...new Set([...u??[],...c])]),u||a.set(t.name,r))}i(Ux,"setValue");function Dx(e){try{return wp(Pp(e),e.values.get("addressfamily")?.[0])}catch(t){throw t instanceof cn?new it(`${e.places.get("hostname")}: ${t.message}`):t}}i(Dx,"destinationOf");function Pp({values:e,question:t}){return Vs(e.get("hostname")?.[0]??"%h",{h:t.host})}i(Pp,"hostNameOf");function Bp(e){let t=new Map;for(let n of e.split(`
`)){let[,r,o]=/^([a-z0-9]+) (.*)$/i.exec(n.replace(/\r$/,""))??[];if(r===void 0||o===void 0)continue;let s=r.toLowerCase();t.set(s,[...t.get(s)??[],o])}return t}i(Bp,"parseSettings");function Zt(e,t){let[n]=e.get(t)??[];return n===void 0||n.toLowerCase()==="none"||n===""?void 0:n}i(Zt,"settingOf");var Np={major:8,minor:0};function Op(e){if(e===void 0)return{unusable:"there is no `ssh` on this runner"};let[,t,n]=/^OpenSSH_(?:for_Windows_)?(\d+)\.(\d+)/.exec(e.trim())??[];if(t===void 0||n===void 0)return{unusable:`the \`ssh\` of this runner is ${/^Dropbear/i.test(e.trim())?"dropbear's client":"not OpenSSH"}`};let r={major:Number(t),minor:Number(n)};return Co(r,Np)?{version:r}:{unusable:`the \`ssh\` of this runner is OpenSSH ${Xs(r)}; ${Xs(Np)} or later is needed`}}i(Op,"parseSshVersion");function Co(e,t){return e.major>t.major||e.major===t.major&&e.minor>=t.minor}i(Co,"isSince");function Xs({major:e,minor:t}){return`${e}.${t}`}i(Xs,"nameOf");var Lp="install OpenSSH 8.0 or later where the job runs (openssh-client)";function Up(e){let{wanted:t,ssh:n,hasCertificate:r}=e;if(t==="builtin"&&r)return Fc("the built-in client knows no certificates","leave out `transport: builtin`, or `ssh-certificate`.");if(t==="builtin")return{transport:"builtin"};if("unusable"in n)return Hx(e,n.unusable);if(t==="openssh")return{transport:"openssh",because:"`transport` is `openssh`"};let o=[...Hp(e),...Fx(e),...Mx(e)];return o.length>0?{transport:"openssh",because:o.join("; ")}:{transport:"builtin"}}i(Up,"chooseTransport");function Dp(e,t){if(!(e.transport!=="openssh"||"unusable"in t))return`Connecting with the runner's OpenSSH ${Xs(t.version)}, because ${e.because}.`}i(Dp,"choiceLine");function Hx(e,t){if(e.wanted==="openssh")return Fc(`\`transport: openssh\` needs OpenSSH, and ${t}`,`${Lp}, or leave out \`transport\`.`);let[n]=Hp(e);if(n===void 0)return{transport:"builtin"};let r=e.builtin instanceof it?e.builtin.remedy?.replace(/\.$/,""):void 0;return Fc(`${n}, and ${t}`,`${Lp}${r===void 0?"":`, or: ${r}`}.`)}i(Hx,"withoutSsh");function Fc(e,t){return{transport:"none",why:`${e}.`,remedy:t}}i(Fc,"none");function Hp({builtin:e,settings:t,hasCertificate:n,isKnownByAuthority:r,ssh:o}){let s=n?["`ssh-certificate` is set"]:[];return r&&s.push("the host is known by a certificate authority alone (@cert-authority)"),e instanceof it&&("version"in o?t!==void 0:/not supported|not known/.test(e.message))?[...s,e.message.replace(", which is not supported","")]:s}i(Hp,"configNeeds");function Fx({hasKey:e,foreignIdentities:t,hasTickets:n,settings:r}){if(e||!r)return[];let o=i(s=>Zt(r,s)==="yes","isOn");return[...t,...n&&o("gssapiauthentication")?["GSSAPIAuthentication is on, and there is a Kerberos ticket"]:[],...o("hostbasedauthentication")?["HostbasedAuthentication is on"]:[]]}i(Fx,"identityNeeds");function Mx({builtin:e,settings:t}){return e instanceof it||!t?[]:[["HostName",e.host,Zt(t,"hostname")],["User",e.user,Zt(t,"user")],["Port",String(e.port),Zt(t,"port")],["HostKeyAlias",e.hostKeyAlias??"",Zt(t,"hostkeyalias")??""],["ProxyJump",String(e.jumps.length>0),String(Zt(t,"proxyjump")!==void 0)]].filter(([,r,o])=>o!==void 0&&r.toLowerCase()!==o.toLowerCase()).map(([r])=>`it reads ${r} of the SSH config differently`)}i(Mx,"differences");var Kp=require("node:fs"),jp=require("node:os");var Js=require("node:fs");var To=require("node:fs");var Fp=/[*?[\\]/;function Mp(e){if(!Fp.test(e))return(0,To.existsSync)(e)?[e]:[];let t=e.split("/").filter(r=>r!==""),n=[e.startsWith("/")?"":"."];for(let r of t)n=n.flatMap(o=>zx(o,r));return n.sort((r,o)=>Buffer.compare(Buffer.from(r),Buffer.from(o)))}i(Mp,"globPaths");function zx(e,t){if(!Fp.test(t))return(0,To.existsSync)(`${e}/${t}`)?[`${e}/${t}`]:[];let n=Qx(t);try{return(0,To.readdirSync)(`${e}/`).filter(o=>n.test(o)).filter(o=>!o.startsWith(".")||t.startsWith(".")).map(o=>`${e}/${o}`)}catch{return[]}}i(zx,"entriesOf");function Qx(e){let t="";for(let n=0;n<e.length;n+=1){let r=e[n]??"",o=r==="["?Kx(e,n):void 0;o?(t+=o.source,n=o.end):r==="*"?t+="[^]*":r==="?"?t+="[^]":r==="\\"&&n+1<e.length?(n+=1,t+=Ro(e[n]??"")):t+=Ro(r)}return new RegExp(`^${t}$`,"u")}i(Qx,"patternOf");function Kx(e,t){let n=/^\[(!?)((?:\]|\[:\w+:\]|[^\]])(?:\[:\w+:\]|[^\]])*)\]/u.exec(e.slice(t));if(!n)return;let[r,o,s=""]=n,c=[...s.matchAll(/\[:(\w+):\]|(.)-(.)|(.)/gsu)].map(([,l,d,h,p])=>l!==void 0?jx[l]??"":p!==void 0?Ro(p):(d??"")<=(h??"")?`${Ro(d??"")}-${Ro(h??"")}`:"").join("");return{source:c===""?o?"[^]":"[^\\s\\S]":`[${o?"^":""}${c}]`,end:t+r.length-1}}i(Kx,"setAt");var jx={alnum:"A-Za-z0-9",alpha:"A-Za-z",digit:"0-9",lower:"a-z",punct:"!-\\/:-@\\[-`\\{-~",space:"\\s",upper:"A-Z",xdigit:"0-9A-Fa-f"};function Ro(e){return e.replace(/[\\^$.*+?()[\]{}|/-]/,"\\$&")}i(Ro,"literal");var Wx="/etc/ssh/ssh_config";function ei(e,t){if(e===void 0)return[...t.flatMap(s=>Qp(`${s}/.ssh/config`)),...Bt(Wx).map(s=>({...s,system:!0}))];let n=e.startsWith("~/")?t.map(o=>`${o}/${e.slice(2)}`):[e],r=n.flatMap(o=>Bt(o))[0];if(r)return[r];throw new Le({what:"Reading the SSH config",why:`there is no readable file ${n[0]} on the runner.`,remedy:"correct ssh-config, or leave it out to use ~/.ssh/config."})}i(ei,"configFiles");function zp(e){return Mp(e).flatMap(t=>Qp(t))}i(zp,"includedFiles");function Bt(e){try{return[{path:e,text:(0,Js.readFileSync)(e,"utf8")}]}catch{return[]}}i(Bt,"readIfThere");function Qp(e){let t=qx(e);if(!t||t.isDirectory())return[];if(!(t.uid===0||t.uid===process.getuid?.())||(t.mode&18)!==0)throw new it(`${e} may be written by others than its owner, or has another owner; ssh refuses it too`,`give it to the account that runs the job, and run: chmod go-w ${e}`);let[r]=Bt(e);if(!r)throw new it(`${e} can't be read`);return[r]}i(Qp,"readChecked");function qx(e){try{return(0,Js.statSync)(e)}catch{return}}i(qx,"statOf");var ti=require("node:os");function Mc(){try{return(0,ti.userInfo)()}catch{return}}i(Mc,"runnerAccount");function ni(e){let t=[Mc()?.homedir,e??(0,ti.homedir)()];return[...new Set(t.filter(n=>n!==void 0))]}i(ni,"runnerHomes");var Zx=["id_rsa","id_ecdsa","id_ed25519"];function zc(e){if(e.length<2||e.some(n=>/["\n%$]/.test(n)))return{identityFiles:[],knownHostsFiles:[]};let t=i(n=>e.flatMap(r=>n.map(o=>`${r}/.ssh/${o}`)),"files");return{identityFiles:t(Zx),knownHostsFiles:t(["known_hosts","known_hosts2"])}}i(zc,"usualFiles");var Gx=["id_ed25519","id_ecdsa","id_rsa","id_ecdsa_sk","id_ed25519_sk"],Yx={inet:4,inet6:6};function Qc(e,t,{runner:n,inputs:r}){let{host:o,values:s}=t,a=i(y=>s.get(y)?.[0],"one"),c=i(y=>Number(a(y)??0),"number"),u=r.user??e.user??a("user")??n.localUser,l=r.port??e.port??(c("port")||22),{container:d}=r,h=Jx({written:e,host:o,port:l,user:u,alias:a("hostkeyalias")?.toLowerCase()},n),p=(s.get("identityfile")??[]).filter(y=>y.toLowerCase()!=="none").flatMap(y=>h(y)),m=s.has("identityfile")?[]:Gx.flatMap(y=>h(`~/.ssh/${y}`)),b=(s.get("userknownhostsfile")??["~/.ssh/known_hosts","~/.ssh/known_hosts2"]).filter(y=>y.toLowerCase()!=="none").flatMap(y=>h(y)),A=(s.get("globalknownhostsfile")??Vx).filter(y=>y.toLowerCase()!=="none").map(y=>Io(y,n.homes[0]??"/",n.homeOf));return{written:e.host,user:u,host:o,port:l,name:`${u}@${o.includes(":")?`[${o}]`:o}:${l}${d?`/${Eh(d)}`:""}`,container:d,addressFamily:Yx[a("addressfamily")??""]??0,bindAddress:a("bindaddress"),hostKeyAlias:a("hostkeyalias")?.toLowerCase(),hostKeyAlgorithms:a("hostkeyalgorithms"),rsaBitsAtLeast:c("requiredrsasize")||1024,identityFiles:[...p.map(y=>({path:y,named:!0})),...m.map(y=>({path:y,named:!1}))],identitiesOnly:a("identitiesonly")==="yes",notOffered:nE(t),agent:tE(a("identityagent"),n,y=>h(y)[0]),knownHostsFiles:[...b,...A],newKeysFile:eE(b,s.has("userknownhostsfile"),n),hashKnownHosts:a("hashknownhosts")==="yes",strictHostKeyChecking:a("stricthostkeychecking"),connectTimeoutSeconds:r.connectTimeoutSeconds??(c("connecttimeout")||15),keepaliveSeconds:r.keepaliveSeconds??(c("serveraliveinterval")||5),keepaliveMissed:c("serveralivecountmax")||3,jumps:Xx(t,r)}}i(Qc,"resolveTarget");var Vx=["/etc/ssh/ssh_known_hosts","/etc/ssh/ssh_known_hosts2"];function Xx(e,{proxyJump:t}){let n=[...e.places.keys()].filter(a=>a==="proxyjump"||a==="proxycommand"),r=t!==void 0||n[0]==="proxyjump",o=Rp(e,r?["proxycommand"]:[]);if(o)throw o;let s=n[0]==="proxyjump"?e.values.get("proxyjump")?.[0]:void 0;return(t??s??"").split(",").map(a=>a.trim()).filter(a=>a!==""&&a.toLowerCase()!=="none")}i(Xx,"jumpsOf");function Jx(e,{homes:t,homeOf:n,hostname:r,uid:o,localUser:s,env:a}){let c={L:r.replace(/\..*$/,""),d:t[0]??"/",h:e.host,i:String(o),k:e.alias??e.written.host,l:r,n:e.written.host,p:String(e.port),r:e.user,u:s};return u=>{let l=t.map(d=>Io(u,d,n));return[...new Set(l.map(d=>Vs(d,c,a)))]}}i(Jx,"pathsFor");function eE(e,t,{homes:n}){return t||e.length===0?e[0]:`${n.at(-1)}/.ssh/known_hosts`}i(eE,"newKeysFile");function tE(e,{env:t},n){return e===void 0||e==="SSH_AUTH_SOCK"?t("SSH_AUTH_SOCK"):/^\$\w+$/.test(e)?t(e.slice(1)):e.toLowerCase()==="none"?void 0:n(e)}i(tE,"agentOf");function nE({values:e}){let t=(e.get("certificatefile")??[]).map(r=>`CertificateFile ${r}`),n=e.get("pkcs11provider")?.filter(r=>r!=="none")??[];return[...t,...n.map(r=>`PKCS11Provider ${r}`)].map(r=>`${r}: the built-in client can't use it`)}i(nE,"notOffered");function ri(e,t,n){let r=Kc(e,t,n);if(r instanceof it)throw jc(e,r);return r}i(ri,"targetOf");function Kc(e,t,n){let r=Zp(n),o=Cn(e);if(o===void 0)return new it(`the jump host '${e}' is not a valid user@host:port`);let s=t.user??o.user;try{let a=ei(t["ssh-config"],r.homes),c=Cp(a,{...r,host:o.host,user:s,include:zp});return Qc(o,c,{runner:r,inputs:qp(t)})}catch(a){if(a instanceof cn)return new it(a.message);if(a instanceof it)return a;throw a}}i(Kc,"readConfig");function Wp(e,t,n){let r=Cn(e.host),o=new Map(oE.flatMap(a=>{let c=Zt(t,a);return c===void 0?[]:[[a,[rE[c]??c]]]}));o.set("identityfile",t.get("identityfile")??[]);let s={host:Zt(t,"hostname")??r.host,values:o,places:new Map};return Qc(r,s,{runner:Zp(n),inputs:qp(e)})}i(Wp,"targetBySsh");var rE={true:"yes",false:"no"},oE=["user","port","connecttimeout","serveraliveinterval","stricthostkeychecking","hostkeyalias"];function qp(e){let t=e.container===void 0?void 0:Ds(e.container);return{user:e.user,port:e.port,proxyJump:e["proxy-jump"],connectTimeoutSeconds:e["connect-timeout-seconds"],keepaliveSeconds:e["keepalive-seconds"],container:t&&{...t,sudo:e.sudo}}}i(qp,"targetInputs");function Zp(e){return{localUser:Mc()?.username??e.env("USER")??String(process.getuid?.()),homes:ni(e.env("HOME")),homeOf:i(t=>iE(sE(),t),"homeOf"),hostname:(0,jp.hostname)(),uid:process.getuid?.()??0,env:e.env}}i(Zp,"runnerOf");function sE(){try{return(0,Kp.readFileSync)("/etc/passwd","utf8")}catch{return""}}i(sE,"readPasswd");function iE(e,t){return e.split(`
`).find(r=>r.startsWith(`${t}:`))?.split(":")[5]}i(iE,"homeIn");function jc(e,t){return new Le({what:`Reading the SSH config for ${e}`,why:`${t.message}.`,remedy:t.remedy??"correct the config, or give another one with ssh-config."})}i(jc,"configFailure");function oi(e,t,n){return Gp(e,[],(r,{first:o})=>ri(r,{...t,user:void 0,port:void 0,container:void 0,"proxy-jump":o?void 0:"none"},n))}i(oi,"hopsTo");function Gp(e,t,n){let r=e.jumps.filter(o=>!t.includes(o));return r.flatMap((o,s)=>{let a=n(o,{first:s===0});return[...Gp(a,[...t,...r],n),a]})}i(Gp,"hopsOf");var pe=mt(require("assert"),1),Xr=mt(require("fs"),1),ml=mt(Vp(),1),mg=mt(Xp(),1),Ot=mt(require("path"),1);var gl=mt(Jp(),1),$l=mt(t_(),1),gg=mt(ts(),1);var _l=1,pg=i(e=>!Ot.default.basename(e).startsWith("."),"DEFAULT_VALIDATE"),_g=i(()=>{},"DEFAULT_TICK"),qi=class extends Error{static{i(this,"SSHError")}constructor(t,n=null){super(t),this.code=n}};function Wi(e){return e.includes("\\")?e.split("\\").join("/"):e}i(Wi,"unixifyPath");async function Vk(e){return new Promise((t,n)=>{Xr.default.readFile(e,"utf8",(r,o)=>{r?n(r):t(o)})})}i(Vk,"readFile");var Xk=/Error: (E[\S]+): /;async function Jk(e,t){let n=null;try{n=await new Promise((r,o)=>{t.stat(e,(s,a)=>{s?o(s):r(a)})})}catch{}if(n){if(n.isDirectory())return;throw new Error("mkdir() failed, target already exists and is not a directory")}try{await new Promise((r,o)=>{t.mkdir(e,s=>{s?o(s):r()})})}catch(r){if(r!=null&&typeof r.stack=="string"){let o=Xk.exec(r.stack);throw o!=null?new qi(r.message,o[1]):r}}}i(Jk,"makeDirectoryWithSftp");var Zi=class{static{i(this,"NodeSSH")}constructor(){this.connection=null}getConnection(){let{connection:t}=this;if(t==null)throw new Error("Not connected to server");return t}async connect(t){(0,pe.default)(t!=null&&typeof t=="object","config must be a valid object");let n={...t};if((0,pe.default)(n.username!=null&&typeof n.username=="string","config.username must be a valid string"),n.host!=null)(0,pe.default)(typeof n.host=="string","config.host must be a valid string");else if(n.sock!=null)(0,pe.default)(typeof n.sock=="object","config.sock must be a valid object");else throw new pe.AssertionError({message:"Either config.host or config.sock must be provided"});if(n.privateKey!=null||n.privateKeyPath!=null){if(n.privateKey!=null?((0,pe.default)(typeof n.privateKey=="string","config.privateKey must be a valid string"),(0,pe.default)(n.privateKeyPath==null,"config.privateKeyPath must not be specified when config.privateKey is specified")):n.privateKeyPath!=null&&((0,pe.default)(typeof n.privateKeyPath=="string","config.privateKeyPath must be a valid string"),(0,pe.default)(n.privateKey==null,"config.privateKey must not be specified when config.privateKeyPath is specified")),(0,pe.default)(n.passphrase==null||typeof n.passphrase=="string","config.passphrase must be null or a valid string"),n.privateKeyPath!=null)try{n.privateKey=await Vk(n.privateKeyPath)}catch(o){throw o!=null&&o.code==="ENOENT"?new pe.AssertionError({message:"config.privateKeyPath does not exist at given fs path"}):o}}else n.password!=null&&(0,pe.default)(typeof n.password=="string","config.password must be a valid string");if(n.tryKeyboard!=null&&(0,pe.default)(typeof n.tryKeyboard=="boolean","config.tryKeyboard must be a valid boolean"),n.tryKeyboard){let{password:o}=n;n.onKeyboardInteractive!=null?(0,pe.default)(typeof n.onKeyboardInteractive=="function","config.onKeyboardInteractive must be a valid function"):o!=null&&(n.onKeyboardInteractive=(s,a,c,u,l)=>{u.length>0&&u[0].prompt.toLowerCase().includes("password")&&l([o])})}let r=new gg.default.Client;return this.connection=r,await new Promise((o,s)=>{r.on("error",s),n.onKeyboardInteractive&&r.on("keyboard-interactive",n.onKeyboardInteractive),r.on("ready",()=>{r.removeListener("error",s),o()}),r.on("end",()=>{this.connection===r&&(this.connection=null)}),r.on("close",()=>{this.connection===r&&(this.connection=null),s(new qi("No response from server","ETIMEDOUT"))}),r.connect(n)}),this}isConnected(){return this.connection!=null}async requestShell(t){let n=this.getConnection();return new Promise((r,o)=>{n.on("error",o);let s=i((a,c)=>{n.removeListener("error",o),a?o(a):r(c)},"callback");t==null?n.shell(s):n.shell(t,s)})}async withShell(t,n){(0,pe.default)(typeof t=="function","callback must be a valid function");let r=await this.requestShell(n);try{await t(r)}finally{r.destroy()}}async requestSFTP(){let t=this.getConnection();return new Promise((n,r)=>{t.on("error",r),t.sftp((o,s)=>{t.removeListener("error",r),o?r(o):n(s)})})}async withSFTP(t){(0,pe.default)(typeof t=="function","callback must be a valid function");let n=await this.requestSFTP();try{await t(n)}finally{n.end()}}async execCommand(t,n={}){(0,pe.default)(typeof t=="string","command must be a valid string"),(0,pe.default)(n!=null&&typeof n=="object","options must be a valid object"),(0,pe.default)(n.cwd==null||typeof n.cwd=="string","options.cwd must be a valid string"),(0,pe.default)(n.stdin==null||typeof n.stdin=="string"||ml.default.readable(n.stdin),"options.stdin must be a valid string or readable stream"),(0,pe.default)(n.execOptions==null||typeof n.execOptions=="object","options.execOptions must be a valid object"),(0,pe.default)(n.encoding==null||typeof n.encoding=="string","options.encoding must be a valid string"),(0,pe.default)(n.onChannel==null||typeof n.onChannel=="function","options.onChannel must be a valid function"),(0,pe.default)(n.onStdout==null||typeof n.onStdout=="function","options.onStdout must be a valid function"),(0,pe.default)(n.onStderr==null||typeof n.onStderr=="function","options.onStderr must be a valid function"),(0,pe.default)(n.noTrim==null||typeof n.noTrim=="boolean","options.noTrim must be a boolean");let r=t;n.cwd&&(r=`cd ${(0,$l.default)([n.cwd])} ; ${r}`);let o=this.getConnection(),s={stdout:[],stderr:[]};return new Promise((a,c)=>{o.on("error",c),o.exec(r,n.execOptions!=null?n.execOptions:{},(u,l)=>{if(o.removeListener("error",c),u){c(u);return}n.onChannel&&n.onChannel(l),l.on("data",p=>{n.onStdout&&n.onStdout(p),s.stdout.push(p.toString(n.encoding))}),l.stderr.on("data",p=>{n.onStderr&&n.onStderr(p),s.stderr.push(p.toString(n.encoding))}),n.stdin!=null?ml.default.readable(n.stdin)?n.stdin.pipe(l,{end:!0}):(l.write(n.stdin),l.end()):l.end();let d=null,h=null;l.on("exit",(p,m)=>{d=p??null,h=m??null}),l.on("close",()=>{let p=s.stdout.join(""),m=s.stderr.join("");n.noTrim!==!0&&(p=p.trim(),m=m.trim()),a({code:d??null,signal:h??null,stdout:p,stderr:m})})})})}async exec(t,n,r={}){(0,pe.default)(typeof t=="string","command must be a valid string"),(0,pe.default)(Array.isArray(n),"parameters must be a valid array"),(0,pe.default)(r!=null&&typeof r=="object","options must be a valid object"),(0,pe.default)(r.stream==null||["both","stdout","stderr"].includes(r.stream),"options.stream must be one of both, stdout, stderr");for(let a=0,{length:c}=n;a<c;a+=1)(0,pe.default)(typeof n[a]=="string",`parameters[${a}] must be a valid string`);let o=`${t}${n.length>0?` ${(0,$l.default)(n)}`:""}`,s=await this.execCommand(o,r);if(r.stream==null||r.stream==="stdout"){if(s.stderr)throw new Error(s.stderr);return s.stdout}return r.stream==="stderr"?s.stderr:s}async mkdir(t,n="sftp",r=null){if((0,pe.default)(typeof t=="string","path must be a valid string"),(0,pe.default)(typeof n=="string"&&(n==="sftp"||n==="exec"),"method must be either sftp or exec"),(0,pe.default)(r==null||typeof r=="object","sftp must be a valid object"),n==="exec"){await this.exec("mkdir",["-p",Wi(t)]);return}let o=r||await this.requestSFTP(),s=i(async a=>Jk(Wi(t),o).catch(async c=>{if(!a||c==null||c.message!=="No such file"&&c.code!=="ENOENT")throw c;await this.mkdir(Ot.default.dirname(t),"sftp",o),await s(!1)}),"makeSftpDirectory");try{await s(!0)}finally{r||o.end()}}async getFile(t,n,r=null,o=null){(0,pe.default)(typeof t=="string","localFile must be a valid string"),(0,pe.default)(typeof n=="string","remoteFile must be a valid string"),(0,pe.default)(r==null||typeof r=="object","sftp must be a valid object"),(0,pe.default)(o==null||typeof o=="object","transferOptions must be a valid object");let s=r||await this.requestSFTP();try{await new Promise((a,c)=>{s.fastGet(Wi(n),t,o||{},u=>{u?c(u):a()})})}finally{r||s.end()}}async putFile(t,n,r=null,o=null){(0,pe.default)(typeof t=="string","localFile must be a valid string"),(0,pe.default)(typeof n=="string","remoteFile must be a valid string"),(0,pe.default)(r==null||typeof r=="object","sftp must be a valid object"),(0,pe.default)(o==null||typeof o=="object","transferOptions must be a valid object"),(0,pe.default)(await new Promise(c=>{Xr.default.access(t,Xr.default.constants.R_OK,u=>{c(u===null)})}),`localFile does not exist at ${t}`);let s=r||await this.requestSFTP(),a=i(c=>new Promise((u,l)=>{s.fastPut(t,Wi(n),o||{},d=>{if(d==null){u();return}d.message==="No such file"&&c?u(this.mkdir(Ot.default.dirname(n),"sftp",s).then(()=>a(!1))):l(d)})}),"putFile");try{await a(!0)}finally{r||s.end()}}async putFiles(t,{concurrency:n=_l,sftp:r=null,transferOptions:o={}}={}){(0,pe.default)(Array.isArray(t),"files must be an array");for(let u=0,{length:l}=t;u<l;u+=1){let d=t[u];(0,pe.default)(d,"files items must be valid objects"),(0,pe.default)(d.local&&typeof d.local=="string",`files[${u}].local must be a string`),(0,pe.default)(d.remote&&typeof d.remote=="string",`files[${u}].remote must be a string`)}let s=[],a=r||await this.requestSFTP(),c=new(void 0)({concurrency:n});try{await new Promise((u,l)=>{t.forEach(d=>{c.add(async()=>{await this.putFile(d.local,d.remote,a,o),s.push(d)}).catch(l)}),c.waitTillIdle().then(u)})}catch(u){throw u!=null&&(u.transferred=s),u}finally{r||a.end()}}async putDirectory(t,n,{concurrency:r=_l,sftp:o=null,transferOptions:s={},recursive:a=!0,tick:c=_g,validate:u=pg}={}){(0,pe.default)(typeof t=="string"&&t,"localDirectory must be a string"),(0,pe.default)(typeof n=="string"&&n,"remoteDirectory must be a string");let l=await new Promise(A=>{Xr.default.stat(t,(y,E)=>{A(E||null)})});(0,pe.default)(l!=null,`localDirectory does not exist at ${t}`),(0,pe.default)(l.isDirectory(),`localDirectory is not a directory at ${t}`);let d=o||await this.requestSFTP(),h=await(0,gl.default)(t,{recursive:a,validate:u}),p=h.files.map(A=>Ot.default.relative(t,A)),m=h.directories.map(A=>Ot.default.relative(t,A));m.sort((A,y)=>A.length-y.length);let b=!1;try{await new Promise((A,y)=>{let E=new(void 0)({concurrency:r});m.forEach(I=>{E.add(async()=>{await this.mkdir(Ot.default.join(n,I),"sftp",d)}).catch(y)}),A(E.waitTillIdle())}),await new Promise((A,y)=>{let E=new(void 0)({concurrency:r});p.forEach(I=>{E.add(async()=>{let L=Ot.default.join(t,I),B=Ot.default.join(n,I);try{await this.putFile(L,B,d,s),c(L,B,null)}catch(Z){b=!0,c(L,B,Z)}}).catch(y)}),A(E.waitTillIdle())})}finally{o||d.end()}return!b}async getDirectory(t,n,{concurrency:r=_l,sftp:o=null,transferOptions:s={},recursive:a=!0,tick:c=_g,validate:u=pg}={}){(0,pe.default)(typeof t=="string"&&t,"localDirectory must be a string"),(0,pe.default)(typeof n=="string"&&n,"remoteDirectory must be a string");let l=await new Promise(A=>{Xr.default.stat(t,(y,E)=>{A(E||null)})});(0,pe.default)(l!=null,`localDirectory does not exist at ${t}`),(0,pe.default)(l.isDirectory(),`localDirectory is not a directory at ${t}`);let d=o||await this.requestSFTP(),h=await(0,gl.default)(n,{recursive:a,validate:u,concurrency:r,fileSystem:{basename(A){return Ot.default.posix.basename(A)},join(A,y){return Ot.default.posix.join(A,y)},readdir(A){return new Promise((y,E)=>{d.readdir(A,(I,L)=>{I?E(I):y(L.map(B=>B.filename))})})},stat(A){return new Promise((y,E)=>{d.stat(A,(I,L)=>{I?E(I):y(L)})})}}}),p=h.files.map(A=>Ot.default.relative(n,A)),m=h.directories.map(A=>Ot.default.relative(n,A));m.sort((A,y)=>A.length-y.length);let b=!1;try{await new Promise((A,y)=>{let E=new(void 0)({concurrency:r});m.forEach(I=>{E.add(async()=>{await(0,mg.default)(Ot.default.join(t,I))}).catch(y)}),A(E.waitTillIdle())}),await new Promise((A,y)=>{let E=new(void 0)({concurrency:r});p.forEach(I=>{E.add(async()=>{let L=Ot.default.join(t,I),B=Ot.default.join(n,I);try{await this.getFile(L,B,d,s),c(L,B,null)}catch(Z){b=!0,c(L,B,Z)}}).catch(y)}),A(E.waitTillIdle())})}finally{o||d.end()}return!b}forwardIn(t,n,r){let o=this.getConnection();return new Promise((s,a)=>{o.forwardIn(t,n,(c,u)=>{if(c){a(c);return}let l=i((h,p,m)=>{h.destIP===t&&h.destPort===u&&r?.(h,p,m)},"handler");r&&o.on("tcp connection",l),s({port:u,dispose:i(()=>new Promise((h,p)=>{o.off("tcp connection",l),o.unforwardIn(t,u,m=>{m&&p(c),h()})}),"dispose")})})})}forwardOut(t,n,r,o){let s=this.getConnection();return new Promise((a,c)=>{s.forwardOut(t,n,r,o,(u,l)=>{if(u){c(u);return}a(l)})})}forwardInStreamLocal(t,n){let r=this.getConnection();return new Promise((o,s)=>{r.openssh_forwardInStreamLocal(t,a=>{if(a){s(a);return}let c=i((l,d,h)=>{l.socketPath===t&&n?.(l,d,h)},"handler");n&&r.on("unix connection",c),o({dispose:i(()=>new Promise((l,d)=>{r.off("unix connection",c),r.openssh_unforwardInStreamLocal(t,h=>{h&&d(h),l()})}),"dispose")})})})}forwardOutStreamLocal(t){let n=this.getConnection();return new Promise((r,o)=>{n.openssh_forwardOutStreamLocal(t,(s,a)=>{if(s){o(s);return}r(a)})})}dispose(){this.connection&&(this.connection.end(),this.connection=null)}};var wg=require("node:timers/promises");function Gi(e){return/^(::ffff:)?127\.|^::1$/.test(e)}i(Gi,"isLoopback");var $g=require("node:timers/promises");var Yn=class extends Error{static{i(this,"SlowSessionError")}},eS=3,tS=150;function Yi({target:e,open:t,gone:n}){let r=0,o=i(async c=>{let u=await t(c,{isFirst:r===0});return r+=1,u},"openNow"),s,a=i(async c=>{let{command:u,channel:l}=s??{};s=void 0;let d=await l;if(u===c&&d?.input.writable)return d;d?.destroy()},"takePrepared");return{prepare:i(c=>{let u=o(c).catch(()=>{});return s={command:c,channel:u},u.then(()=>{})},"prepare"),exec:i(async c=>{for(let u=1;;u+=1)try{return await a(c)??await o(c)}catch(l){if(!(u<eS&&n()===void 0&&!(l instanceof Yn)))throw nS(e,{error:n()??l,opened:r});await(0,$g.setTimeout)(u*tS)}},"exec")}}i(Yi,"sessionsOver");function nS({name:e},{error:t,opened:n}){let r={what:"Opening a session",where:e,why:`${t.message}.`,cause:t};if(t instanceof Yn){let o="check what logins wait for on the host (PAM, systemd-logind); it may need connect-timeout-seconds.";return new Le({...r,remedy:o})}if(n>0){let o=`the server refused a further session on this connection (${t.message}): it allows fewer than are needed (MaxSessions in sshd_config; tinysshd allows one).`;return new Le({...r,why:o,remedy:"raise MaxSessions there, or run OpenSSH beside that server."})}return new Le({...r,remedy:"check the log of sshd there (MaxSessions, ForceCommand, the login shell)."})}i(nS,"sessionFailure");var rS=500;function yg(e,t,{socket:n,shortestMs:r,firstSessionSeconds:o}){let s=!1,a,c=Number.POSITIVE_INFINITY,u=new Promise(p=>{t.on("error",m=>{a=m}),t.on("close",()=>p(s?void 0:a??new Error("the connection was closed")))}),l=i((p,{isFirst:m})=>new Promise((b,A)=>{u.then(I=>A(I??new Error("the connection is closed")));let y=performance.now(),E=m?sS(t,o,A):void 0;t.exec(p,(I,L)=>(E?.end(),c=Math.min(c,performance.now()-y),I?A(I):b(oS(L))))}),"open"),d=i(()=>a??(s?new Error("the connection is closed"):void 0),"gone"),h=i(()=>Math.min(r,c/2),"roundTripMs");return{...Yi({target:e,open:l,gone:d}),target:e,isNear:i(()=>"remoteAddress"in n&&Gi(n.remoteAddress??"")&&h()<20,"isNear"),roundTripMs:h,lost:u,forward:i(p=>iS(t,{from:e,to:p}),"forward"),[Symbol.asyncDispose]:async()=>{s=!0,t.end(),await Promise.race([u,(0,wg.setTimeout)(1e3,void 0,{ref:!1})]),t.destroy()}}}i(yg,"openHost");function oS(e){let t=null;return e.on("exit",n=>{t=n}),{input:e,output:e,errors:e.stderr,closed:new Promise(n=>{e.on("close",()=>n(t)).on("error",()=>n(t))}),destroy:i(()=>e.destroy(),"destroy")}}i(oS,"channelOf");function sS(e,t,n){let{_resetKA:r}=e,o=setInterval(()=>r?.(),rS),s=i(()=>{clearInterval(o),clearTimeout(a)},"end"),a=setTimeout(()=>{s(),n(new Yn(`the login was accepted, but no session was opened within ${t} s`))},t*1e3);return{end:s}}i(sS,"bePatient");async function iS(e,{from:t,to:n}){return new Promise((r,o)=>{let s=i(u=>o(new Le({what:"Connecting",where:n.name,why:`the jump host ${t.name} can't reach it: ${u.message}.`,remedy:"check the address from the jump host, and AllowTcpForwarding there.",cause:u})),"fail"),a=Object.assign(new Error(`no answer within ${n.connectTimeoutSeconds} s`),{level:"client-timeout"}),c=setTimeout(s,n.connectTimeoutSeconds*1e3,a);e.forwardOut("127.0.0.1",0,n.host,n.port,(u,l)=>{clearTimeout(c),u?s(u):r(l)})})}i(iS,"forward");function bl(e){let{code:t="",level:n,message:r=""}=e??{};return yl.test(r)||["ECONNREFUSED","ECONNRESET","ETIMEDOUT","EHOSTUNREACH","ENETUNREACH","EPIPE","EAI_AGAIN"].includes(`${t}`)?!0:n==="client-timeout"}i(bl,"isTransient");function Al({fields:{cause:e}}){return e!==void 0&&(bl(e)||e.code==="ENOTFOUND")}i(Al,"isUnreachable");function bg(e){let{message:t=""}=e??{};return/no matching|bad packet length/i.test(t)}i(bg,"mayNeedOpenSsh");var yl=/lost before handshake|No response from server/i;function Ag(e,t,n){let{code:r="",level:o=""}=e,s=je(e.message),a=`${t.host} port ${t.port}`;return r==="ECONNREFUSED"?{why:`${a} refused the connection.`,remedy:"check that sshd is running there and listens on that port."}:r==="ENOTFOUND"||r==="EAI_AGAIN"?{why:`the name ${t.host} can't be resolved.`,remedy:"correct host, or add it to the SSH config or DNS of the runner."}:r==="EHOSTUNREACH"||r==="ENETUNREACH"?{why:`there is no route to ${a}.`,remedy:"check the address and the network of the runner."}:r==="EADDRNOTAVAIL"?{why:`the runner can't connect to ${a} from ${t.bindAddress??"any of its addresses"}.`,remedy:"correct BindAddress and AddressFamily in the SSH config."}:!yl.test(s)&&(r==="ETIMEDOUT"||o==="client-timeout")?n.offers.keys.length>0?{why:`${a} did not finish the login within ${t.connectTimeoutSeconds} s.`,remedy:"check what logins wait for there (PAM, a directory, DNS); a slow one needs connect-timeout-seconds."}:{why:`${a} did not answer within ${t.connectTimeoutSeconds} s.`,remedy:"check the address, the firewall, and whether the host is up; a slow one needs connect-timeout-seconds."}:o==="client-authentication"?lS(t,n):/too many authentication failures/i.test(s)?dS(t,n):r==="ECONNRESET"||yl.test(s)?aS(a,n):/bad packet length/i.test(s)?{why:`${a} sent a packet above 35 kB, more than the built-in client reads: most likely its Banner.`,remedy:"shorten the file that Banner in sshd_config names."}:/no matching/i.test(s)?uS(s,n):/protocol|handshake|ident|version/i.test(s)||o==="protocol"?{why:`${a} does not speak SSH as expected: ${s}.`,remedy:"check that an SSH server listens on that port."}:{why:`${s}.`,remedy:"check the address, the port and the SSH server there."}}i(Ag,"whyNotConnected");function aS(e,{offers:t}){return t.keys.length===0?{why:`${e} closed the connection before the login.`,remedy:"check there whether it is full (MaxStartups) or bans this address (fail2ban, PerSourcePenalties)."}:{why:`${e} closed the connection during the login.`,remedy:"check the log of the SSH server there: it may not admit this account (AllowUsers, DenyUsers, an expired account)."}}i(aS,"closed");function xg(){let e={};return{read:i(t=>{let[,n,r]=/^Handshake: \(remote\) (.+?): (.*)$/.exec(t)??[];n!==void 0&&r!==void 0&&(e[n]=r)},"read"),found:i(()=>e,"found")}}i(xg,"serverAlgorithms");var cS=[[/key exchange/i,"KEX method","KexAlgorithms"],[/host key/i,"Host key format","HostKeyAlgorithms"],[/cipher/i,"C->S cipher","Ciphers"],[/mac/i,"C->S MAC","MACs"],[/compression/i,"C->S compression","Compression"]];function uS(e,{algorithms:t}){let[,n="",r=""]=cS.find(([a])=>a.test(e))??[],o=t[n]?.replaceAll(",",", "),s=o?` The server offers only ${o}.`:"";return{why:`no algorithm in common: ${e.replace(/^Handshake failed: /,"")}.${s}`,remedy:`allow further algorithms in sshd_config there (${r}), or update the server; outdated ones are not used.`}}i(uS,"noCommonAlgorithm");function lS({user:e},{offers:t,skipped:n}){let{keys:r,methods:o,partial:s,accepted:a,prompts:c}=t,u=n.length>0?` Not offered: ${n.join("; ")}.`:"";if(s){let l=c.length>0?` It asks: ${c.join(" ")}`:"";return{why:`the server accepted the key (${a}) and wants a second factor besides: ${o.join(", ")}.${l}`,remedy:`let ${e} log in with a key alone there (Match User ${e}, AuthenticationMethods publickey), or use another account.`}}return o.length>0&&!o.includes("publickey")?{why:`the server accepts no keys for ${e}, only ${o.join(", ")}.`,remedy:"allow PubkeyAuthentication there."}:r.length===0?{why:`there is no key to log in with.${u}`,remedy:"set ssh-key, or put a key where the SSH config or agent of the runner has it."}:{why:`the server accepts none of the keys offered for ${e}: ${r.join(", ")}.${u}`,remedy:`add the public key to ~/.ssh/authorized_keys of ${e} there, or correct user and ssh-key.`}}i(lS,"loginRefused");function dS({user:e},{offers:{keys:t}}){let n=t.length===1?"the first key":`${t.length} keys`;return{why:`the server ended the login for ${e} after ${n} (MaxAuthTries): ${t.join(", ")}.`,remedy:"give the right key alone in ssh-key, or name it in the SSH config with IdentityFile and IdentitiesOnly."}}i(dS,"tooManyKeys");var eo=require("node:crypto");function Vi(e){return e.split(`
`).flatMap(t=>{let[,n="",r=""]=/^[ \t]*(?:(@[^ ]+)[ \t]+)?(.*)$/.exec(t.replace(/\r+$/,""))??[],[o="",s="",a=""]=r.split(/[ \t]+/);if(o===""||o.startsWith("#")||!["","@revoked","@cert-authority"].includes(n))return[];if(!/^[A-Za-z0-9+/]+={0,2}$/.test(a)||a.length%4!==0)return[];let c=Buffer.from(a,"base64");return!hS(c)||(fS[s]??s)!==Jr(c)?[]:[{marker:n,hosts:o,type:Jr(c),key:c}]})}i(Vi,"parseKnownHosts");var fS={"rsa-sha2-256":"ssh-rsa","rsa-sha2-512":"ssh-rsa"};function kg(e,t,n){if(e.some(u=>u.marker==="@revoked"&&u.key.equals(n)&&ta(u,t)))return"revoked";let[o="",...s]=t,a=Eg(e,o,n);return a==="unknown"&&s.some(u=>Eg(e,u,n)==="known")?"known":a}i(kg,"judgeHostKey");function Eg(e,t,n){let r=e.filter(o=>o.marker===""&&ta(o,[t]));return r.some(o=>o.key.equals(n))?"known":r.some(({type:o})=>o===Jr(n))?"changed":r.length>0?"other type known":"unknown"}i(Eg,"judgeByName");function Xi(e,t){for(let n of t){let r=e.filter(o=>o.marker===""&&ta(o,[n])).map(({type:o})=>o);if(r.length>0)return[...new Set(r)]}return[]}i(Xi,"knownTypes");function Ji(e,t){return e.some(n=>n.marker==="@cert-authority"&&ta(n,t))}i(Ji,"hasAuthority");function to(e,t,n){if(n)return[n];let r=e.toLowerCase();return t===22?[r]:[`[${r}]:${t}`,r]}i(to,"lookupNames");function ea(e,t){return`${e} ${Jr(t)} ${t.toString("base64")}`}i(ea,"knownHostsLine");function On(e){return`SHA256:${(0,eo.createHash)("sha256").update(e).digest("base64").replace(/=+$/,"")}`}i(On,"fingerprint");function Jr(e){return e.subarray(4,4+(e.length>=4?e.readUInt32BE(0):0)).toString("latin1")}i(Jr,"hostKeyType");function xl(e,t=(0,eo.randomBytes)(20)){let n=(0,eo.createHmac)("sha1",t).update(e).digest("base64");return`|1|${t.toString("base64")}|${n}`}i(xl,"hashedName");function ns(e){let[t,,n]=Sg(e)??[];if(!(t?.toString("latin1")!=="ssh-rsa"||!n))return vg(n)}i(ns,"rsaBits");function ta({hosts:e},t){let[,,n]=e.split("|");return t.some(r=>e.startsWith("|")?n!==void 0&&xl(r,Buffer.from(n,"base64"))===e:So(r,e.split(",")))}i(ta,"isFor");function hS(e){let t=Sg(e);if(!t)return!1;let[n="",...r]=[t[0]?.toString("latin1")??"",...t.slice(1)];return pS[n]!==r.length?!1:n==="ssh-ed25519"?r[0].length===32:n!=="ssh-rsa"||vg(r[1])>=1024}i(hS,"isWholeKey");var pS={"ssh-ed25519":1,"ssh-rsa":2,"ssh-dss":4,"ecdsa-sha2-nistp256":2,"ecdsa-sha2-nistp384":2,"ecdsa-sha2-nistp521":2,"sk-ssh-ed25519@openssh.com":2,"sk-ecdsa-sha2-nistp256@openssh.com":3};function Sg(e){let t=[];for(let n=0;n<e.length;){let r=n+4<=e.length?n+4+e.readUInt32BE(n):Number.POSITIVE_INFINITY;if(r>e.length)return;t.push(e.subarray(n+4,r)),n=r}return t}i(Sg,"fieldsOf");function vg(e){let t=e.findIndex(n=>n!==0);return t<0?0:(e.length-t)*8-Math.clz32(e[t]??0)+24}i(vg,"bitsOf");var Ig={"ssh-ed25519":["ssh-ed25519"],"ecdsa-sha2-nistp256":["ecdsa-sha2-nistp256"],"ecdsa-sha2-nistp384":["ecdsa-sha2-nistp384"],"ecdsa-sha2-nistp521":["ecdsa-sha2-nistp521"],"ssh-rsa":["rsa-sha2-512","rsa-sha2-256"]};function Cg(e,{checking:t,given:n,log:r}){let o=n??e.knownHostsFiles.flatMap(h=>Bt(h)).map(h=>h.text).join(`
`),s=Vi(o),a=to(e.host,e.port,e.hostKeyAlias),c=Xi(s,a),u=c.flatMap(h=>Ig[h]??[]),l,d;return{algorithms:_S([...new Set([...u,...Object.values(Ig).flat()])],e),refusal:i(()=>l,"refusal"),newKey:i(()=>d,"newKey"),accepts:i(h=>{let p=kg(s,a,h),m=mS(h,e);if(p==="known"&&!m)return!0;if(t==="insecure")return r.warning(`The host key of ${e.name} was not checked (host-key-checking: insecure): ${On(h)}`),!0;let b=ea(a[0]??e.host,h);return t==="accept-new"&&p==="unknown"&&!m?(r.warning(`New host key of ${e.name} accepted (host-key-checking: accept-new): ${b}`),n===void 0&&(d=h),!0):(l=gS(e,{reason:m?"short":p,key:h,line:b,types:c,authority:Ji(s,a)}),!1)},"accepts")}}i(Cg,"hostKeyJudge");function _S(e,{hostKeyAlgorithms:t,written:n}){if(t===void 0||t.startsWith("+"))return e;let r=t.replace(/^[-^]/,"").split(","),o=i(a=>gn(a,r),"named");if(t.startsWith("-"))return s(e.filter(a=>!o(a)));if(t.startsWith("^"))return[...e].sort((a,c)=>Number(o(c))-Number(o(a)));return s(e.filter(o));function s(a){if(a.length>0)return a;throw new Le({what:`Reading the SSH config for ${n}`,why:`HostKeyAlgorithms ${t} leaves nothing that the built-in client knows (${e.join(", ")}).`,remedy:"allow one of them there, or give another config with ssh-config."})}}i(_S,"allowed");function mS(e,{rsaBitsAtLeast:t}){return(ns(e)??t)<t}i(mS,"isShort");function gS(e,{reason:t,key:n,line:r,types:o,authority:s}){let a=`${Jr(n)} ${On(n)}`,c={revoked:`its host key is marked as revoked: ${a}.`,changed:`its host key has changed: it offers ${a}, which is not the one known for it.`,"other type known":`known_hosts has only ${o.join(", ")} for it, but it offered ${a}.`,unknown:s?`its host key is known only through a certificate authority (@cert-authority), which is not supported; it offers ${a}.`:`its host key is unknown: it offers ${a}.`,short:`its host key is too short: it offers ${a} with ${ns(n)} bits, and RequiredRSASize is ${e.rsaBitsAtLeast}.`,known:""}[t],u={revoked:"find out which host answers there, and why its key was revoked.",changed:`find out why before you trust it (new machine, or somebody in between). If it is right, replace its known_hosts line by:
${r}`,"other type known":`if that is the right host, add this line to known-hosts:
${r}`,unknown:`compare the fingerprint with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there), then add this line to known-hosts:
${r}`,short:"give the host a longer key (ssh-keygen -t ed25519), or lower RequiredRSASize in the SSH config.",known:""}[t];return new Le({what:"Connecting",where:e.name,why:c,remedy:u})}i(gS,"refusal");var Ng=mt(ts(),1);var na=mt(ts(),1);var Rg=5;async function Tg(e){let t=new na.default.OpenSSHAgent(e),n,r=new Promise(s=>{n=setTimeout(s,Rg*1e3,`it did not answer within ${Rg} s`)}),o=new Promise(s=>{t.getIdentities((a,c=[])=>{if(a)return s(a.message);let u=c.map(l=>na.default.utils.parseKey(l)).flatMap(l=>Array.isArray(l)?l:[l]);return s(u.flatMap(l=>l instanceof Error?[]:[{key:l,agent:new El(e,l)}]))})});try{return await Promise.race([o,r])}finally{clearTimeout(n)}}i(Tg,"agentKeys");var El=class extends na.default.OpenSSHAgent{static{i(this,"OneKey")}#e;constructor(t,n){super(t),this.#e=n}getIdentities(t){t(void 0,[this.#e])}};var Pg=require("node:crypto"),Bg=mt(ts(),1);function St(e){let t=Buffer.from(e),n=Buffer.alloc(4);return n.writeUInt32BE(t.length),Buffer.concat([n,t])}i(St,"lengthFirst");function kl(e,t){let n=$S(e);if(n.includes("PuTTY-User-Key-File"))return"it is a PuTTY key: export it as an OpenSSH key first";let r=[...n.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----/gs)];if(r.length===0)return wS(n);let o=[];for(let[s,[,a="",c=""]]of r.entries()){let u=yS(a,c,t);if(typeof u=="string")return r.length>1?`key ${s+1} of ${r.length}: ${u}`:u;o.push(u)}return o}i(kl,"parseKeys");function $S(e){let t=e.replace(/^\uFEFF/,"").trim().replace(/^(["'])(.*)\1$/s,"$2").replaceAll(/\\r|\r/g,"").replaceAll("\\n",`
`);if(t.includes("-----")||!/^[A-Za-z0-9+/=\s]+$/.test(t))return t;let n=Buffer.from(t,"base64").toString("latin1");return n.includes("-----BEGIN ")?n.replaceAll("\r",""):n.startsWith("openssh-key-v1\0")?Sl("OPENSSH PRIVATE KEY",t):t}i($S,"repaired");function wS(e){return/^(ssh-|ecdsa-|sk-)[\w@.-]*-cert-v01@/.test(e)?"it is a certificate; the private key is needed":/^(ssh-|ecdsa-|sk-)/.test(e)?"it is a public key; the private one is needed":/-----BEGIN [A-Z0-9 ]+-----/.test(e)?"it is cut off: its last line (-----END …-----) is missing":/-----END [A-Z0-9 ]+-----/.test(e)?"its first line (-----BEGIN …-----) is missing":"it is not a private key in a known format (OpenSSH, PEM)"}i(wS,"whyNoBlock");function yS(e,t,n){if(e.endsWith("PUBLIC KEY"))return"it is a public key; the private one is needed";if(e.includes("CERTIFICATE"))return"it is a certificate; the private key is needed";let r=Sl(e,t);if(e==="OPENSSH PRIVATE KEY"&&vl(r))return"it belongs to a security key (FIDO), which somebody would have to touch; use a key without one";let o=e.endsWith("PRIVATE KEY")&&/^(ENCRYPTED )?PRIVATE KEY$/.test(e)?bS(r,n):r,s=Bg.default.utils.parseKey(o,n),a=Array.isArray(s)?s[0]:s;return a===void 0?"it holds no key":a instanceof Error?xS(a.message,n):a.isPrivateKey()?a:"it is a public key; the private one is needed"}i(yS,"parseBlock");function Sl(e,t){let n=[...t.matchAll(/(Proc-Type|DEK-Info): *(\S+)/g)].map(([s])=>s),r=t.replace(/(Proc-Type|DEK-Info): *\S+/g,"").replace(/\s+/g,""),o=[...n.length>0?[...n,""]:[],...r.match(/.{1,64}/g)??[]];return`-----BEGIN ${e}-----
${o.join(`
`)}
-----END ${e}-----
`}i(Sl,"block");function vl(e){let[,t=""]=/-----BEGIN OPENSSH PRIVATE KEY-----(.*?)-----END/s.exec(e)??[],n=Buffer.from(t.replace(/\s+/g,""),"base64").subarray(0,300).toString("latin1");return/sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com/.test(n)}i(vl,"isForSecurityKey");function bS(e,t){try{let n=(0,Pg.createPrivateKey)({key:e,...t===void 0?{}:{passphrase:t}});if(n.asymmetricKeyType==="rsa")return n.export({type:"pkcs1",format:"pem"}).toString();if(n.asymmetricKeyType==="ec")return n.export({type:"sec1",format:"pem"}).toString();if(n.asymmetricKeyType==="ed25519"){let{x:r="",d:o=""}=n.export({format:"jwk"});return AS(Buffer.from(r,"base64url"),Buffer.from(o,"base64url"))}}catch{}return e}i(bS,"fromPkcs8");function AS(e,t){let n=St("ssh-ed25519"),r=Buffer.alloc(8),o=Buffer.concat([r,n,St(e),St(Buffer.concat([t,e])),St("")]),s=Buffer.from(Array.from({length:(8-o.length%8)%8},(l,d)=>d+1)),a=St("none"),c=Buffer.from([0,0,0,1]),u=Buffer.concat([Buffer.from("openssh-key-v1\0"),a,a,St(""),c,St(Buffer.concat([n,St(e)])),St(Buffer.concat([o,s]))]);return Sl("OPENSSH PRIVATE KEY",u.toString("base64"))}i(AS,"openSshEd25519");function xS(e,t){return/no passphrase given|passphrase required/i.test(e)?"it is encrypted, and no passphrase is given (ssh-key-passphrase)":/integrity|bad passphrase|bad decrypt|decrypt/i.test(e)&&t!==void 0?"its passphrase is wrong":/unsupported key format/i.test(e)?"it is not a private key in a known format (OpenSSH, PEM)":`it can't be read: ${e}`}i(xS,"unusable");async function Og({sshKey:e,passphrase:t},n){if(e!==void 0)return{identities:ra("ssh-key",e,t),skipped:[]};let r=[...n.notOffered],o=i(l=>n.identityFiles.filter(d=>d.named===l).flatMap(({path:d})=>Ug(d,t,r)),"fromFiles"),s=o(!0),a=o(!1),c=await ES(n,r),u=[...s,...c,...a].filter(l=>SS(l,n,r));return{identities:vS(u),skipped:r}}i(Og,"identitiesOf");function ra(e,t,n){let r=kl(t,n);if(typeof r!="string")return r.map((o,s)=>({label:r.length>1?`${e} (${s+1} of ${r.length})`:e,key:o,agent:void 0}));throw new Le({what:`Reading ${e}`,why:`${r}.`,remedy:"store the whole private key, with its first and last line, as the secret; and its passphrase in ssh-key-passphrase."})}i(ra,"givenKeys");function Lg({identityFiles:e},t){return e.flatMap(({path:n})=>Ug(n,t,[]))}i(Lg,"keysInFiles");function Ug(e,t,n){let[r]=Bt(e);if(!r)return[];Bt(`${e}-cert.pub`).length>0&&n.push(`${e}-cert.pub: the built-in client can't use certificates`);let o=kl(r.text,t);return typeof o!="string"?o.map(s=>({label:e,key:s,agent:void 0})):(n.push(`${e}: ${o}`),[])}i(Ug,"fileKeys");async function ES({agent:e,identitiesOnly:t,identityFiles:n},r){if(e===void 0)return[];let o=await Tg(e);if(typeof o=="string")return r.push(`agent ${e}: ${o}`),[];let s=t?n.flatMap(({path:a})=>kS(a)):[];return o.filter(({key:a})=>!t||s.some(c=>c.equals(a.getPublicSSH()))).map(({key:a,agent:c})=>({label:`agent ${e}, ${a.type} ${On(a.getPublicSSH())}`,key:a,agent:c}))}i(ES,"fromAgent");function kS(e){return[...Bt(e),...Bt(`${e}.pub`)].flatMap(({text:t})=>Ng.default.utils.parseKey(t)).flatMap(t=>t instanceof Error?[]:[t.getPublicSSH()])}i(kS,"publicKeys");function SS({label:e,key:t},{rsaBitsAtLeast:n},r){let o=ns(t.getPublicSSH());return o===void 0||o>=n?!0:(r.push(`${e}: it has ${o} bits, and RequiredRSASize is ${n}`),!1)}i(SS,"isLongEnough");function vS(e){let t=new Set;return e.filter(({key:n})=>{let r=n.getPublicSSH().toString("base64");return t.has(r)?!1:(t.add(r),!0)})}i(vS,"withoutRepeats");function Dg(e,t,n){let r={keys:[],accepted:void 0,methods:[],partial:!1,prompts:[]},o=t.map(a=>({method:"publickey",identity:a})),s;return{offers:r,handler:i((a,c,u)=>{for(s===void 0&&(o.length===0||IS(n()))&&o.unshift({method:"none"}),a&&(r.methods=a),c&&(Object.assign(r,{partial:!0,accepted:TS(s)}),o.push({method:"keyboard-interactive"})),s=o.shift();s&&!CS(s,r);)s=o.shift();s?.identity&&r.keys.push(s.identity.label),u(s?RS(s,e,r):!1)},"handler")}}i(Dg,"offerInTurn");function IS(e){let{_remoteVer:t=""}=e??{};return!/^(OpenSSH|dropbear)/i.test(t)}i(IS,"mayNeedNoKey");function CS({method:e},{methods:t,partial:n}){return e==="none"?!n:t.length===0||t.includes(e)}i(CS,"isWorthAsking");function RS({method:e,identity:t},n,r){return t?.agent?{type:"agent",username:n,agent:t.agent}:t?{type:"publickey",username:n,key:t.key}:e==="none"?{type:"none",username:n}:{type:"keyboard-interactive",username:n,prompt:i((o,s,a,c,u)=>{r.prompts.push(...c.map(({prompt:l})=>l.trim())),u([])},"prompt")}}i(RS,"methodOf");function TS(e){return e?.identity?.label}i(TS,"labelOf");var Hg=require("node:dns/promises"),Fg=require("node:net");async function Mg(e){let{host:t,port:n,addressFamily:r,bindAddress:o,connectTimeoutSeconds:s}=e,a=s*1e3,c,u,l=new Promise((p,m)=>{u=setTimeout(()=>m(Object.assign(new Error("no answer"),{level:"client-timeout"})),a)}),h=i(async()=>{let p=await(0,Hg.lookup)(t,{all:!0,family:r});c=(0,Fg.connect)({host:t,port:n,noDelay:!0,lookup:PS(p),...o===void 0?{}:{localAddress:o},autoSelectFamily:p.length>1,autoSelectFamilyAttemptTimeout:Math.max(10,Math.floor(a/p.length))});let m=c;return await new Promise((b,A)=>{m.once("connect",b).once("error",y=>A(BS(y)))}),m},"opened")();try{return await Promise.race([h,l])}catch(p){throw h.catch(()=>{}),c?.on("error",()=>{}).destroy(),p}finally{clearTimeout(u)}}i(Mg,"openSocket");function PS(e){return(t,n,r)=>{n.all?r(null,e):r(null,e[0]?.address??"",e[0]?.family)}}i(PS,"answerWith");function BS(e){let t=e instanceof AggregateError?e.errors:[];for(let n of["ECONNREFUSED","ETIMEDOUT"])for(let r of t)if(r.code===n)return r;return t[0]??e}i(BS,"mostTelling");var oa=require("node:fs"),zg=require("node:path");function Qg(e,t){let{newKeysFile:n,hashKnownHosts:r}=e,[o=e.host]=to(e.host,e.port,e.hostKeyAlias);if(n===void 0)return;let s=ea(r?xl(o):o,t);try{(0,oa.mkdirSync)((0,zg.dirname)(n),{recursive:!0,mode:448});let a=Bt(n)[0]?.text??"",c=a===""||a.endsWith(`
`)?"":`
`;(0,oa.appendFileSync)(n,`${c}${s}
`,{mode:384})}catch{}}i(Qg,"rememberHostKey");var NS=[[/^Outbound: Sending KEX(EC)?DH_INIT/,/^Received DH Reply/],[/^Outbound: Sending SERVICE_REQUEST /,/^Inbound: Received SERVICE_ACCEPT /],[/^Outbound: Sending USERAUTH_REQUEST \(publickey -- check\)/,/^Inbound: Received USERAUTH_(PK_OK|FAILURE)/]];function Kg(e=()=>performance.now()){let t,n=Number.POSITIVE_INFINITY;return{read:i(r=>{let o=NS.find(([s])=>s.test(r));o?t={at:e(),answers:o[1]}:t?.answers.test(r)&&(n=Math.min(n,e()-t.at),t=void 0)},"read"),shortestMs:i(()=>n,"shortestMs")}}i(Kg,"timeHandshake");var rs=60;async function jg(e,{inputs:t,context:n,sock:r,jump:o}){let{log:s}=n,a=Cg(e,{checking:Il(t,e,s),given:t["known-hosts"],log:s}),c={sshKey:t["ssh-key"],passphrase:t["ssh-key-passphrase"]},u=await Og(c,e),{client:l,socket:d,shortestMs:h,accepted:p}=await OS(e,{judge:a,identities:u,sock:r,jump:o});return c.sshKey===void 0&&s.line(`Logged in to ${e.name} with ${p}; ssh-key is not set.`),yg(e,l,{socket:d,shortestMs:h,firstSessionSeconds:t["connect-timeout-seconds"]??rs})}i(jg,"login");async function OS(e,{judge:t,identities:n,sock:r,jump:o}){let{skipped:s}=n,a=performance.now(),c=new Zi,{offers:u,handler:l}=Dg(e.user,n.identities,()=>c.connection),d=xg(),h=Kg(),p=r;try{p??=await Mg(e),LS(p),await c.connect({sock:p,username:e.user,readyTimeout:Math.max(1,e.connectTimeoutSeconds*1e3-(performance.now()-a)),keepaliveInterval:e.keepaliveSeconds*1e3,keepaliveCountMax:e.keepaliveMissed,hostVerifier:i(b=>t.accepts(b),"hostVerifier"),authHandler:l,debug:i(b=>{d.read(b),h.read(b)},"debug"),algorithms:{cipher:["aes128-gcm@openssh.com","aes256-gcm@openssh.com","aes128-ctr","aes256-ctr","chacha20-poly1305@openssh.com"],serverHostKey:t.algorithms}})}catch(b){p?.destroy();let A=t.refusal();if(A)throw A;let y=Ag(b,e,{offers:u,skipped:s,algorithms:d.found()}),E=o?"Connecting to the jump host":"Connecting";throw new Le({what:E,where:e.name,...y,cause:b})}finally{let b=t.newKey();b&&Qg(e,b)}let m=c.connection;return delete m._protocol._debug,{client:m,socket:p,shortestMs:h.shortestMs(),accepted:u.keys.at(-1)??"no key"}}i(OS,"handshake");function Il(e,t,n){let r=e["host-key-checking"];if(r)return r;let o=t.strictHostKeyChecking;return o==="accept-new"||o==="no"?(n.line(`The SSH config sets StrictHostKeyChecking ${o} for ${t.written}: treated as accept-new.`),"accept-new"):"strict"}i(Il,"checkingOf");function LS(e){let t=e.write.bind(e),n=!1;e.write=(...r)=>(n||(n=!0,e.cork(),process.nextTick(()=>{n=!1,e.uncork()})),t(...r))}i(LS,"gatherWrites");async function Cl(e,t,n){let r=oi(e,t,n),o=[];try{for(let[a,c]of[...r,e].entries()){let l=await o.at(-1)?.forward(c);o.push(await jg(c,{inputs:t,context:n,sock:l,jump:a<r.length}))}}catch(a){for(let c of o.reverse())await c[Symbol.asyncDispose]();throw a}let s=o.pop();return{...s,[Symbol.asyncDispose]:async()=>{await s[Symbol.asyncDispose]();for(let a of o.reverse())await a[Symbol.asyncDispose]()}}}i(Cl,"connectBuiltin");var k$=require("node:fs/promises");var US={"ssh-ed25519-cert-v01@openssh.com":1,"ssh-rsa-cert-v01@openssh.com":2,"ssh-dss-cert-v01@openssh.com":4,"ecdsa-sha2-nistp256-cert-v01@openssh.com":2,"ecdsa-sha2-nistp384-cert-v01@openssh.com":2,"ecdsa-sha2-nistp521-cert-v01@openssh.com":2,"sk-ssh-ed25519-cert-v01@openssh.com":2,"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com":3};function qg(e){let[,t="",n=""]=/^(\S+-cert-v01@openssh\.com)\s+([A-Za-z0-9+/]+={0,2})(\s|$)/.exec(e.trim())??[],r=US[t];if(r!==void 0)try{return DS(t,r,Buffer.from(n,"base64"))}catch{return}}i(qg,"parseCertificate");function DS(e,t,n){let r=0,o=i(()=>{let m=r+4+n.readUInt32BE(r);if(m>n.length)throw new RangeError("cut off");let b=n.subarray(r+4,m);return r=m,b},"field");if(o().toString("latin1")!==e)return;o();let s=r;for(let m=0;m<t;m+=1)o();let a=n.subarray(s,r),c=Buffer.from(e.replace("-cert-v01@openssh.com",e.startsWith("sk-")?"@openssh.com":"")),u=Buffer.alloc(4);u.writeUInt32BE(c.length),r+=8;let l=n.readUInt32BE(r)===1;r+=4,o();let d=HS(o()),h=Number(n.readBigUInt64BE(r)),p=Number(n.readBigUInt64BE(r+8));return{type:e,isForUsers:l,principals:d,validAfter:h,validBefore:p,key:Buffer.concat([u,c,a])}}i(DS,"read");function HS(e){let t=[];for(let n=0;n+4<=e.length;){let r=n+4+e.readUInt32BE(n);t.push(e.subarray(n+4,r).toString("utf8")),n=r}return t}i(HS,"namesIn");function Zg({isForUsers:e,principals:t,validAfter:n,validBefore:r},{user:o,nowSeconds:s}){if(!e)return"it is a host certificate; one for users is needed";if(s>=r)return`it expired at ${Wg(r)}`;if(s<n)return`it is valid from ${Wg(n)} on`;if(t.length>0&&!t.includes(o))return`it is for ${t.join(", ")}, not for ${o} (AuthorizedPrincipalsFile there may map them)`}i(Zg,"certificateProblem");function Wg(e){return`${new Date(e*1e3).toISOString().slice(0,16)}Z`}i(Wg,"timeText");function Gg(e,t){return(e??"").split(`
`).map(r=>r.trim()).filter(r=>r!=="").map(r=>{let o=qg(r),s=i((a,c)=>new Le({what:"Reading ssh-certificate",why:a,remedy:c}),"fail");if(!o)throw s("it is not an OpenSSH certificate.","give the one line of the file that ends in -cert.pub (ssh-ed25519-cert-v01@openssh.com AAAA…).");if(t.length>0&&!t.some(({key:a})=>a.getPublicSSH().equals(o.key)))throw s(`it is for the key ${On(o.key)}, which is not one of ssh-key.`,"give the private key that was signed as ssh-key.");return{line:r,certificate:o}})}i(Gg,"certificatesOf");var FS=15,MS=5,zS=3,QS=["LogLevel DEBUG1","PasswordAuthentication no","NumberOfPasswordPrompts 1","UpdateHostKeys no","AddKeysToAgent no","ForwardAgent no","ForwardX11 no","ClearAllForwardings yes","PermitLocalCommand no","RemoteCommand none","RequestTTY no","Tunnel no","Compression no","ControlMaster no","ControlPath none","ControlPersist no"],KS=["SessionType default","StdinNull no","ForkAfterAuthentication no"];function Yg(e){let{version:t,runnerConfig:n}=e;return[...QS,...Co(t,{major:8,minor:7})?KS:[],...jS(e),...WS(e),...qS(e),...n.files.flatMap(r=>["Match all",`Include ${Vn(r)}`]),"Match all",`ConnectTimeout ${FS}`,`ServerAliveInterval ${MS}`,`ServerAliveCountMax ${zS}`,...Co(t,{major:8,minor:1})?["Ciphers ^aes128-gcm@openssh.com"]:[],...Xg(n),""].join(`
`)}i(Yg,"ownConfig");function Vg({files:e,usual:t}){return[...e.flatMap(n=>["Match all",`Include ${Vn(n)}`]),"Match all",...Xg({files:e,usual:t}),""].join(`
`)}i(Vg,"configToAsk");function Xg({usual:e}){let t=e.knownHostsFiles;return[...e.identityFiles.map(n=>`IdentityFile ${Vn(n)}`),...t.length>0?[`UserKnownHostsFile ${t.map(Vn).join(" ")}`]:[]]}i(Xg,"usualLines");function jS({version:e,checking:t,knownHostsFile:n}){let r=[`StrictHostKeyChecking ${t}`];return n===void 0?r:(r.push(`UserKnownHostsFile ${Vn(n)}`,"GlobalKnownHostsFile /dev/null","VerifyHostKeyDNS no"),Co(e,{major:8,minor:5})?[...r,"KnownHostsCommand none"]:r)}i(jS,"hostKeyLines");function WS({agentSocket:e,certificateFiles:t}){return e===void 0?t.map(n=>`CertificateFile ${Vn(n)}`):[`IdentityAgent ${Vn(e)}`,"IdentityFile none","IdentitiesOnly no","GSSAPIAuthentication no","HostbasedAuthentication no",...t.map(n=>`CertificateFile ${Vn(n)}`)]}i(WS,"identityLines");function qS({connectTimeoutSeconds:e,keepaliveSeconds:t,keepaliveMissed:n}){return[["ConnectTimeout",e],["ServerAliveInterval",t],["ServerAliveCountMax",n]].filter(([,o])=>o!==void 0).map(([o,s])=>`${o} ${s}`)}i(qS,"timeLines");function Vn(e){return`"${e}"`}i(Vn,"quoted");function Jg(e,t){return["-G",...e===void 0?[]:["-F",e],...Rl(t)]}i(Jg,"questionWords");function e$(e,t,n){return["-F",e,"-M","-S",t,"-o","ControlPersist=no","-N","-T",...Rl(n)]}i(e$,"masterWords");function t$(e,t){return["-v","-F","none","-S",e,"-o","ProxyCommand=false","-T","--","host",t]}i(t$,"sessionWords");function n$(e,t,n){let r=["StrictHostKeyChecking=accept-new",`UserKnownHostsFile=${t}`,"GlobalKnownHostsFile=/dev/null","HashKnownHosts=no","PreferredAuthentications=none"];return["-F",e,...r.flatMap(o=>["-o",o]),"-N","-T",...Rl(n)]}i(n$,"hostKeyWords");function Rl({host:e,user:t,port:n,proxyJump:r}){return[...t===void 0?[]:["-l",t],...n===void 0?[]:["-p",String(n)],...r===void 0?[]:["-J",r],"--",e]}i(Rl,"destinationWords");function Tl(e){let{log:t,limitSeconds:n}=e,r=t.stages.at(-1);return r&&!r.isIn&&r.offered.length>0?{why:`${no(r.host,r.port)} did not finish the login within ${n} s.`,remedy:"check what logins wait for there (PAM, a directory, DNS); a slow one needs connect-timeout-seconds.",code:"ETIMEDOUT"}:r?.isIn?{why:`the jump host ${sa(r)} can't reach the next one: ${`no answer within ${n} s`}.`,remedy:"check the address from the jump host, and AllowTcpForwarding there.",code:"ETIMEDOUT"}:{why:`${os(e)} did not answer within ${n} s.`,remedy:"check the address, the firewall, and whether the host is up; a slow one needs connect-timeout-seconds.",code:"ETIMEDOUT"}}i(Tl,"late");function r$(e){return{why:`its host key is marked as revoked: ${ss(e)}.`,remedy:"find out which host answers there, and why its key was revoked."}}i(r$,"revoked");function o$(e){return{why:`its host key has changed: it offers ${ss(e)}, which is not the one known for it.`,remedy:`find out why before you trust it (new machine, or somebody in between). If it is right, replace its known_hosts line${i$(e)}`}}i(o$,"changed");function s$(e){return{why:`its host key is unknown: it offers ${ss(e)}.`,remedy:`compare the fingerprint with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there), then add its line to known-hosts${i$(e)}`}}i(s$,"unknown");function i$({offeredLine:e}){return e===void 0?".":`:
${e}`}i(i$,"lineOf");function a$({log:e}){let{user:t="",offered:n=[]}=e.stages.at(-1)??{},r=n.length===1?"the first key":`${n.length} keys`;return{why:`the server ended the login for ${t} after ${r} (MaxAuthTries): ${n.join(", ")}.`,remedy:"give the right key alone in ssh-key, or name it in the SSH config with IdentityFile and IdentitiesOnly."}}i(a$,"tooManyKeys");function c$(e,{log:t,certificateNotes:n}){let{user:r="the account",offered:o=[],accepted:s,partial:a}=t.stages.at(-1)??{},c=[...n,...ZS(t)].map(u=>` ${u}.`).join("");return a?{why:`the server accepted the key (${s?.label}) and wants a second factor besides: ${e.join(", ")}.${c}`,remedy:`let ${r} log in with a key alone there (Match User ${r}, AuthenticationMethods publickey), or use another account.`}:e.includes("publickey")?o.length===0?{why:`there is no key to log in with.${c}`,remedy:"set ssh-key, or put a key where the SSH config or agent of the runner has it."}:{why:`the server accepts none of the keys offered for ${r}: ${o.join(", ")}.${c}`,remedy:`add the public key to ~/.ssh/authorized_keys of ${r} there, or correct user and ssh-key.`}:{why:`the server accepts no keys for ${r}, only ${e.join(", ")}.`,remedy:"allow PubkeyAuthentication there."}}i(c$,"refused");function ZS({sentences:e}){return e.filter(t=>/^(Load key|Load certificate|sign_and_send_pubkey|Confirm user presence)/.test(t)).map(t=>je(t).replace(/\.$/,""))}i(ZS,"unusableKeys");function Pl(e){let{offered:t=[]}=e.log.stages.at(-1)??{};return t.length===0?{why:`${os(e)} closed the connection before the login.`,remedy:"check there whether it is full (MaxStartups) or bans this address (fail2ban, PerSourcePenalties).",code:"ECONNRESET"}:{why:`${os(e)} closed the connection during the login.`,remedy:"read the log of the SSH server there: it may not admit this account (AllowUsers, DenyUsers, an expired account).",code:"ECONNRESET"}}i(Pl,"closed");function ss({log:e}){return e.stages.at(-1)?.hostKey??"none"}i(ss,"hostKeyOf");function sa(e){return e?`${e.user}@${e.host}:${e.port}`:"on the way"}i(sa,"nameOf");function os({log:e}){let t=e.stages.at(-1);return t?no(t.host,t.port):e.address?no(e.address.ip,e.address.port):"the host"}i(os,"placeOf");function no(e,t){return`${e} port ${t}`}i(no,"place");function u$(e){return(e??"").replace(/^./,t=>t.toLowerCase()).replace(/\.$/,"")}i(u$,"lower");function l$(e){let t=e.log.sentences.join(`
`);for(let[n,r]of YS){let o=n.exec(t);if(o)return r(o.map(s=>je(s??"")),e)}return e.isLate?Tl(e):{why:`ssh ended: ${je(e.log.sentences.at(-1)??"it printed nothing")}`.replace(/\.?$/,"."),remedy:"run `ssh -v` with that host in a shell of the runner, and correct what it reports."}}i(l$,"whyNotConnected");var GS="correct the SSH config of the runner, or give another one with ssh-config.",YS=[[/No user exists for uid (\d+)/,([,e])=>({why:`the account of the runner (uid ${e}) has no name, and OpenSSH needs one.`,remedy:"add the account to /etc/passwd where the job runs, or set `transport: builtin`."})],[/^(?:.*?: )?Bad owner or permissions on (.*)$/m,([,e])=>({why:`${e} may be written by others than its owner, or has another owner; ssh refuses it.`,remedy:`give it to the account that runs the job, and run: chmod go-w ${e}`})],[/^(.*?):? line (\d+): (.*)$/m,([,e,t,n])=>({why:`${e}:${t}: ${n}`.replace(/\.?$/,"."),remedy:GS})],[/Could not resolve hostname (\S+?): (.*)/,([,e,t])=>({why:`the name ${e} can't be resolved.`,remedy:"correct host, or add it to the SSH config or DNS of the runner.",code:/temporary failure/i.test(t??"")?"EAI_AGAIN":"ENOTFOUND"})],[/open failed: connect failed: (.*)/,([,e],t)=>({why:`the jump host ${sa(t.log.stages[0])} can't reach the next one: ${u$(e)}.`,remedy:"check the address from the jump host, and AllowTcpForwarding there."})],[/open failed: administratively prohibited/,(e,t)=>({why:`the jump host ${sa(t.log.stages[0])} does not let connections through.`,remedy:"allow AllowTcpForwarding and PermitOpen for this account there."})],[/connect to (?:host|address) (\S+) port (\d+): Connection refused/,([,e,t])=>({why:`${no(e,t)} refused the connection.`,remedy:"check that sshd is running there and listens on that port.",code:"ECONNREFUSED"})],[/connect to (?:host|address) (\S+) port (\d+): (?:No route to host|Network is unreachable)/,([,e,t])=>({why:`there is no route to ${no(e,t)}.`,remedy:"check the address and the network of the runner.",code:"EHOSTUNREACH"})],[/(?:Connection|Operation) timed out|Timeout, server .* not responding/,(e,t)=>Tl(t)],[/REVOKED HOST KEY DETECTED|revoked host key|Host key .* was revoked|marked as revoked/i,(e,t)=>r$(t)],[/Certificate invalid: (.*)/,([,e],t)=>({why:`its host certificate is not valid: ${e}; it offers ${ss(t)}.`,remedy:"sign the host key anew with the right names and time (ssh-keygen -s CA -h -n NAME -V +52w KEY.pub)."})],[/HOST IDENTIFICATION HAS CHANGED|Host key for .* has changed/,(e,t)=>o$(t)],[/Host key verification failed|No \S+ host key is known for/,(e,t)=>s$(t)],[/Too many authentication failures/,(e,t)=>a$(t)],[/Permission denied \(([^)]*)\)/,([,e=""],t)=>c$(e.split(","),t)],[/no matching (.*?) found\. Their offer: (.*)/,([,e,t=""])=>({why:`no algorithm in common: ${`no matching ${e}`}.${` The server offers only ${t.replaceAll(",",", ")}.`}`,remedy:"allow further algorithms in sshd_config there, or update the server; outdated ones are not used."})],[/banner exchange: .*invalid format|banner line|Protocol major versions differ|Bad remote protocol version/,([e],t)=>({why:`${os(t)} does not speak SSH as expected: ${e}.`,remedy:"check that an SSH server listens on that port."})],[/closed by UNKNOWN port 65535|kex_exchange_identification: Connection closed by remote host/,(e,t)=>t.log.isProxied?{why:"the ProxyCommand, or the jump host, ended before the connection was there.",remedy:"read what it printed below, and try it in a shell of the runner.",code:"ECONNRESET"}:Pl(t)],[/Connection (?:closed|reset) by|Broken pipe|Connection reset/,(e,t)=>Pl(t)],[/path ".*" too long for Unix domain socket|ControlPath .* too long/,()=>({why:"the folder for temporary files has too long a path for a socket.",remedy:"set TMPDIR to a short one."})]];var Xn=require("node:fs/promises"),aa=require("node:os"),ca=require("node:path");var ia=require("node:fs/promises"),d$=require("node:net"),f$=require("node:os"),Bl=require("node:path");async function h$(e,t=(0,f$.tmpdir)()){let n=await(0,ia.mkdtemp)((0,Bl.join)(t,"agent-")),r=new Set,o=(0,d$.createServer)(a=>{r.add(a),a.on("error",()=>{}).on("close",()=>r.delete(a)),sv(a,e)}),s=(0,Bl.join)(n,"socket");return await new Promise((a,c)=>o.once("error",c).listen(s,a)),{socket:s,publicKey:e.map(({key:a})=>`${a.type} ${a.getPublicSSH().toString("base64")}`)[0]??"",[Symbol.asyncDispose]:async()=>{for(let a of r)a.destroy();await new Promise(a=>o.close(a)),await(0,ia.rm)(n,{recursive:!0,force:!0})}}}i(h$,"agentWith");var VS=5,XS=11,JS=12,ev=13,tv=14,nv=2,rv=4,ov=256*1024;function sv(e,t){let n=Buffer.alloc(0);e.on("data",r=>{for(n=Buffer.concat([n,r]);n.length>=4;){let o=n.readUInt32BE();if(o>ov)return void e.destroy();if(n.length<4+o)return;e.write(St(iv(n.subarray(4,4+o),t))),n=n.subarray(4+o)}})}i(sv,"serve");function iv(e,t){if(e[0]===XS){let h=Buffer.from([JS,0,0,0,t.length]);return Buffer.concat([h,...t.flatMap(({key:p,label:m})=>[St(p.getPublicSSH()),St(m)])])}let n=Buffer.from([VS]);if(e[0]!==ev)return n;let[r,o,s]=av(e.subarray(1)),a=t.find(h=>r?.equals(h.key.getPublicSSH()))?.key;if(!a||o===void 0||s===void 0)return n;let[c,u]=cv(a,s.length===4?s.readUInt32BE():0),l=a.sign(o,u);if(l instanceof Error)return n;let d=a.type.startsWith("ecdsa-")?uv(l):l;return Buffer.concat([Buffer.from([tv]),St(Buffer.concat([St(Buffer.from(c)),St(d)]))])}i(iv,"answer");function av(e){let t=[],n=e;for(let r=0;r<2;r+=1){if(n.length<4||n.length<4+n.readUInt32BE())return[];let o=4+n.readUInt32BE();t.push(n.subarray(4,o)),n=n.subarray(o)}return[...t,n]}i(av,"fieldsOf");function cv({type:e},t){return e!=="ssh-rsa"?[e,void 0]:t&rv?["rsa-sha2-512","sha512"]:t&nv?["rsa-sha2-256","sha256"]:[e,"sha1"]}i(cv,"algorithmOf");function uv(e){let t=(e[1]??0)>127?3:2,n=[];for(let r=0;r<2;r+=1){let o=t+2+(e[t+1]??0);n.push(St(e.subarray(t+2,o))),t=o}return Buffer.concat(n)}i(uv,"fromDer");var lv=60;async function p$(e){let t=(0,aa.tmpdir)().length<=lv&&!/[%"\s$]/.test((0,aa.tmpdir)()),n=await(0,Xn.mkdtemp)((0,ca.join)(t?(0,aa.tmpdir)():"/tmp","ssh-")),r=e.keys.length>0?await h$(e.keys,n):void 0,o=i(async()=>{await r?.[Symbol.asyncDispose](),await(0,Xn.rm)(n,{recursive:!0,force:!0})},"dispose");try{return await Nl(`${n}/config`,await dv(e,{path:n,agentSocket:r?.socket})),{path:n,config:`${n}/config`,socket:`${n}/socket`,[Symbol.asyncDispose]:o}}catch(s){throw await o(),s}}i(p$,"openSshFolder");async function dv({target:e,inputs:t,version:n,runnerConfig:r,certificates:o,isPatient:s,log:a},{path:c,agentSocket:u}){let l=Il(t,e,a),d=t["known-hosts"];d!==void 0&&await Nl(`${c}/known_hosts`,d.trim());let h=d===void 0?void 0:`${c}/known_hosts`,[p]=r.usual.knownHostsFiles;l==="accept-new"&&p!==void 0&&await(0,Xn.mkdir)((0,ca.dirname)(p),{recursive:!0,mode:448}).catch(()=>{});let m=[];for(let[A,{line:y}]of o.entries())m.push(`${c}/${A+1}-cert.pub`),await Nl(`${c}/${A+1}-cert.pub`,y);let b=Math.ceil((t["connect-timeout-seconds"]??rs)/e.keepaliveSeconds);return Yg({version:n,checking:fv[l],knownHostsFile:l==="insecure"?"/dev/null":h,agentSocket:u,certificateFiles:m,connectTimeoutSeconds:t["connect-timeout-seconds"],keepaliveSeconds:t["keepalive-seconds"],keepaliveMissed:s?Math.max(b,e.keepaliveMissed):void 0,runnerConfig:r})}i(dv,"configText");var fv={strict:"yes","accept-new":"accept-new",insecure:"no"};async function Nl(e,t){await(0,Xn.writeFile)(e,`${t}
`,{mode:384})}i(Nl,"write");var y$=require("node:stream");var ua=require("node:child_process"),m$=require("node:timers/promises");var _$=`watch() {
trap '' HUP INT TERM
IFS= read -r _ <&3 && exit
kill -TERM "-$2"
rm -rf -- "$1"
sleep 1
kill -KILL "-$2"
}
main() {
folder=$1
shift
watch "$folder" "$$" </dev/null >/dev/null 2>&1 &
exec "$@" 3<&-
}
main "$@"`;var pv=15,_v=1024*1024;async function g$(e){let{out:t,err:n,isThere:r}=await is(["-V"],{env:e,limitSeconds:pv});return Op(r?n||t:void 0)}i(g$,"findSsh");function is(e,{env:t,limitSeconds:n}){return new Promise(r=>{let o=(0,ua.spawn)("ssh",e,{env:t,stdio:["ignore","pipe","pipe"],detached:!0}),s={code:null,out:"",err:"",isThere:!0},a=setTimeout(()=>{Ol(o,"SIGKILL"),r(s)},n*1e3),c=i(u=>l=>{s[u].length<_v&&(s[u]+=l)},"keep");o.stdout.setEncoding("utf8").on("data",c("out")),o.stderr.setEncoding("utf8").on("data",c("err")),o.on("error",()=>{s.isThere=!1}),o.on("close",u=>{clearTimeout(a),r({...s,code:u})})})}i(is,"askSsh");var mv=1;function $$(e,{env:t,folder:n}){let r=(0,ua.spawn)("/bin/sh",["-c",_$,"hold-master",n,"ssh",...e],{env:t,stdio:["ignore","ignore","pipe","pipe"],detached:!0}),[,,o,s]=r.stdio;s.on("error",()=>{}),o.on("error",()=>{});let a=new Promise(c=>{r.once("exit",()=>c()).once("error",()=>c())});return{onErrorText:i(c=>{o.setEncoding("utf8").on("data",c)},"onErrorText"),ended:a,end:i(async()=>{s.end(`done
`),Ol(r,"SIGTERM"),await Promise.race([a,(0,m$.setTimeout)(mv*1e3,void 0,{ref:!1})]),Ol(r,"SIGKILL")},"end")}}i($$,"startMaster");function Ol({pid:e},t){if(e!==void 0)try{process.kill(-e,t)}catch{}}i(Ol,"endGroup");function w$(e,t){return(0,ua.spawn)("ssh",e,{env:t,stdio:["pipe","pipe","pipe"],detached:!0})}i(w$,"startSession");function b$(e,t){let{master:n,log:r,socket:o,env:s,firstSessionSeconds:a}=t,c=!1,u,l=Number.POSITIVE_INFINITY,d=n.ended.then(()=>{if(!c)return u=new Error(r.sentences.at(-1)?.replace(/\.$/,"")??"the connection was closed"),u}),h=i(async(m,{isFirst:b})=>{if(u||c)throw u??new Error("the connection is closed");let A=w$(t$(o,m),s),y=b?a:void 0,{channel:E,ms:I}=await yv(A,y);return l=Math.min(l,I),E},"open"),p=i(()=>Math.min(r.shortestMs,l),"roundTripMs");return{...Yi({target:e,open:h,gone:i(()=>u??(c?new Error("the connection is closed"):void 0),"gone")}),target:e,isNear:i(()=>!r.isProxied&&Gi(r.address?.ip??"")&&p()<20,"isNear"),roundTripMs:p,lost:d,[Symbol.asyncDispose]:async()=>{c=!0,await t.release()}}}i(b$,"openSshHost");var gv=/^debug1: mux_client_request_session: master session id: \d+$/,$v=/^(debug1: |OpenSSH_)/,wv=4e3;function yv(e,t){let n=new y$.PassThrough,r=!1,o=performance.now(),s="",a=new Promise(c=>{e.once("close",u=>{n.end(),c(u===255?null:u)})});for(let c of[e.stdin,e.stdout,e.stderr])c.on("error",()=>{});return new Promise((c,u)=>{let l=i(h=>{clearTimeout(d),e.kill("SIGKILL"),u(h)},"fail"),d=t===void 0?void 0:setTimeout(()=>{let h=`the login was accepted, but no session was opened within ${t} s`;l(new Yn(h))},t*1e3);e.once("error",l),a.then(()=>l(new Error(bv(s)))),e.stderr.on("data",h=>{if(r)return void n.write(h);s=(s+h.toString("latin1")).slice(-wv);let p=s.split(`
`),m=p.findIndex(E=>gv.test(E.trimEnd()));if(m<0){p.length<=2&&(o=performance.now());return}r=!0,clearTimeout(d),n.write(Buffer.from(p.slice(m+1).join(`
`),"latin1"));let{stdin:b,stdout:A}=e;c({channel:{input:b,output:A,errors:n,closed:a,destroy:i(()=>{for(let E of[b,A,n])E.destroy();e.kill("SIGTERM")},"destroy")},ms:performance.now()-o})})})}i(yv,"accepted");function bv(e){let[,t]=/session request failed: (.*)/.exec(e)??[];return t!==void 0?t.trim().replace(/^Session open refused by peer$/,"open failed"):e.split(`
`).map(r=>r.trim()).filter(r=>r!==""&&!$v.test(r)).at(-1)??"ssh ended without a word"}i(bv,"refusalIn");function x$(e=()=>performance.now()){let t={stages:[],address:void 0,isProxied:!1,isAlmostReady:!1,isReady:!1,newKeys:[],shortestMs:Number.POSITIVE_INFINITY,sentences:[]},n="",r,o=i(s=>{r!==void 0&&xv.test(s)&&(t.shortestMs=Math.min(t.shortestMs,e()-r),r=void 0),Av.test(s)&&(r=e());for(let[a,c]of Ev){let u=a.exec(s);u&&c(t,u.slice(1).map(l=>l??""))}s===""||/^debug1: |^OpenSSH_|^Authenticated to /.test(s)||(t.sentences=[...t.sentences,s].slice(-60))},"read");return{log:t,push:i(s=>{let a=(n+s).split(`
`);n=(a.pop()??"").slice(0,2e3);for(let c of a)o(c.replace(/\r$/,"").slice(0,2e3))},"push")}}i(x$,"readSshLog");var Av=/^debug1: (expecting SSH2_MSG_KEX\w+_REPLY|SSH2_MSG_(NEWKEYS|SERVICE_ACCEPT) received|Offering public key: .*)$/,xv=/^debug1: (SSH2_MSG_(KEX\w+_REPLY|SERVICE_ACCEPT) received|Server accepts key: .*|Authentications that can continue: .*)$/,Ev=[[/^debug1: Connecting to \S+ \[([^\]]+)\] port (\d+)\.$/,(e,[t="",n])=>{e.address={ip:t,port:Number(n)}}],[/^debug1: Executing proxy command: /,e=>{e.isProxied=!0}],[/^debug1: Authenticating to (\S+):(\d+) as '(.*)'$/,({stages:e},[t="",n,r=""])=>{let o={hostKey:void 0,offered:[],accepted:void 0,methods:[],partial:!1,isIn:!1};e.push({host:t,port:Number(n),user:r,...o})}],[/^debug1: Server host (?:key|certificate): (\S+ SHA256:\S+)/,({stages:e},[t])=>{let n=e.at(-1);n&&(n.hostKey=t)}],[/^debug1: Offering public key: (.*)$/,({stages:e},[t=""])=>{e.at(-1)?.offered.push(A$(t).label)}],[/^debug1: Server accepts key: (.*)$/,({stages:e},[t=""])=>{let n=e.at(-1);n&&(n.accepted=A$(t))}],[/^debug1: Authentications that can continue: (.*)$/,({stages:e},[t=""])=>{let n=e.at(-1);n&&(n.methods=t.split(","))}],[/^Authenticated using "[^"]*" with partial success\.$/,({stages:e})=>{let t=e.at(-1);t&&(t.partial=!0)}],[/^Warning: Permanently added '?([^' ]+)'?(.*) to the list of known hosts\.$/,({newKeys:e},[t="",n=""])=>{e.push(`${t}${n}`)}],[/^Authenticated to /,({stages:e})=>{let t=e.at(-1);t&&(t.isIn=!0)}],[/^debug1: setting up multiplex master socket$/,e=>{e.isAlmostReady=!0}],[/^debug1: Entering interactive session\.$/,e=>{e.isReady=e.isAlmostReady}]];function A$(e){let[,t=e,n="",r=""]=/^(.*) (\S+) (SHA256:\S+)(?: explicit| token| authenticator| agent)*$/.exec(e)??[],o=n.endsWith("-CERT")?" (certificate)":"";return{label:`${t||r}${o}`,fingerprint:r}}i(A$,"keyOf");var kv=30;async function S$(e,t){let{target:n}=e,{inputs:r,context:o}=t,s=Sv(r,n),a=Gg(r["ssh-certificate"],s),c={...e,inputs:r,keys:s,certificates:a,isPatient:t.isPatient,log:o.log},u=await p$(c),l=vv(o.childEnvironment()),d=$$(e$(u.config,u.socket,e.to),{env:l,folder:u.path}),h=i(async()=>{await d.end(),await u[Symbol.asyncDispose]()},"release"),{push:p,log:m}=x$();try{let b=n.connectTimeoutSeconds*(1+e.jumps.length),A=await Iv(d,p,m,{limitSeconds:b,signal:o.signal});if(!m.isReady){let L=await Cv(m,{config:u.config,folder:u.path,to:e.to,env:l});throw E$(e,m,{limitSeconds:b,isLate:A,offeredLine:L,certificates:a})}r["ssh-key"]!==void 0&&Tv(m,s,n),Pv(m,{target:n,inputs:r,context:o});let y=r["connect-timeout-seconds"]??rs,{socket:E}=u,I=b$(n,{master:d,log:m,socket:E,env:l,firstSessionSeconds:y,release:h});if(await I.prepare(Us(n.container?"host":"login")),m.sentences.some(L=>/^Timeout, server/.test(L)))throw E$(e,m,{limitSeconds:b,isLate:!1,offeredLine:void 0,certificates:a});return I}catch(b){throw await h(),b}}i(S$,"connectOpenSsh");function Sv(e,t){let{"ssh-key":n,"ssh-key-passphrase":r}=e;return n!==void 0?ra("ssh-key",n,r):r===void 0?[]:Lg(t,r)}i(Sv,"keysOf");function vv(e){let{DISPLAY:t,SSH_ASKPASS:n,...r}=e;return{...r,SSH_ASKPASS_REQUIRE:"never"}}i(vv,"withoutPrompts");async function Iv(e,t,n,{limitSeconds:r,signal:o}){let s,a=new Promise(u=>{s=setTimeout(u,r*1e3,!0),o.addEventListener("abort",()=>u(!1),{once:!0})}),c=new Promise(u=>{e.onErrorText(l=>{t(l),n.isReady&&u(!1)})});try{return await Promise.race([c,e.ended.then(()=>!1),a])}finally{clearTimeout(s)}}i(Iv,"untilReady");async function Cv({sentences:e},{config:t,folder:n,to:r,env:o}){if(!e.some(c=>/Host key verification failed/.test(c)))return;let s=`${n}/offered`;return await is(n$(t,s,r),{env:o,limitSeconds:kv}),(await(0,k$.readFile)(s,"utf8").catch(()=>"")).trim().split(`
`).at(-1)?.trim()||void 0}i(Cv,"shownKey");function E$({target:e,jumps:t},n,{limitSeconds:r,isLate:o,offeredLine:s,certificates:a}){let c=Date.now()/1e3,u=a.flatMap(({certificate:p})=>{let m=Zg(p,{user:e.user,nowSeconds:c});return m===void 0?[]:[`Of the certificate: ${m}`]}),{code:l,...d}=l$({log:n,limitSeconds:r,isLate:o,offeredLine:s,certificateNotes:u}),h=Rv(n,e,t);return new Le({what:h===void 0?"Connecting":"Connecting to the jump host",where:h??e.name,...d,output:n.sentences.join(`
`),cause:Object.assign(new Error(d.why),{code:l})})}i(E$,"connectionError");function Rv({stages:e},t,n){let r=e.at(-1);return r&&!r.isIn?e.length>n.length||r.host===t.host&&r.port===t.port?void 0:`${r.user}@${r.host}:${r.port}`:n[e.length]}i(Rv,"failedJump");function Tv({stages:e},t,n){if(t.length===0)return;let r=t.map(({key:o})=>On(o.getPublicSSH()));for(let{user:o,host:s,port:a,accepted:c,offered:u}of e)if(!(c===void 0||r.includes(c.fingerprint)))throw new Le({what:"Connecting",where:n.name,why:`${o}@${s}:${a} accepts none of the keys of ssh-key (${u.length} were offered); it would accept ${je(c.label)}, which the runner has, and which is not used because ssh-key is set.`,remedy:"give the right key as ssh-key, or leave ssh-key out."})}i(Tv,"judgeIdentity");function Pv(e,{target:t,inputs:n,context:r}){let{accepted:o,hostKey:s}=e.stages.at(-1)??{};if(n["host-key-checking"]==="insecure")r.log.warning(`The host key of ${t.name} was not checked (host-key-checking: insecure): ${s}`);else for(let l of e.newKeys)r.log.warning(`New host key of ${je(l)} accepted (host-key-checking: accept-new): ${s}`);let{label:a="no key",fingerprint:c=""}=o??{},u=o===void 0||a.includes("/")?je(a):`${je(a)}, ${c}, of the agent`;n["ssh-key"]===void 0&&r.log.line(`Logged in to ${t.name} with ${u}; ssh-key is not set.`)}i(Pv,"report");var Ll=require("node:fs"),ro=require("node:fs/promises"),C$=require("node:os"),la=require("node:path");var v$=require("node:net");var Bv=5,Nv=256*1024,Ov=Buffer.from([0,0,0,1,11]);function I$(e){return new Promise(t=>{let n=(0,v$.createConnection)(e),r=Buffer.alloc(0),o=i(a=>{clearTimeout(s),n.destroy(),t(a)},"end"),s=setTimeout(o,Bv*1e3,[]);n.on("error",()=>o([])),n.on("close",()=>o([])),n.on("connect",()=>n.write(Ov)),n.on("data",a=>{r=Buffer.concat([r,a]),r.length>Nv?o([]):r.length>=4&&r.length>=4+r.readUInt32BE()&&o(Lv(r.subarray(9)))})})}i(I$,"agentKeyTypes");function Lv(e){let t=[],n=0,r=i(()=>{let o=n+4+e.readUInt32BE(n),s=e.subarray(n+4,o);return n=o,s},"field");try{for(;n<e.length;){let o=r();t.push(o.subarray(4,4+o.readUInt32BE()).toString("latin1")),r()}}catch{}return t}i(Lv,"typesIn");var Uv=30;async function R$(e,t){let n=t.childEnvironment(),r=Hv(e,t),o=ni(t.env("HOME")),s=Fv(e["ssh-config"],o),[a,c]=await Promise.all([g$(n),zv(Ul(e),{runnerConfig:s,inputs:e,env:n})]),u=r instanceof it?void 0:r,l=e["ssh-key"]!==void 0;return{wanted:e.transport,ssh:a,settings:c,builtin:r,hasKey:l,hasCertificate:e["ssh-certificate"]!==void 0,foreignIdentities:u&&!l?await Qv(u):[],isKnownByAuthority:u!==void 0&&Kv(u,e),hasTickets:t.env("KRB5CCNAME")!==void 0||(0,Ll.existsSync)(`/tmp/krb5cc_${process.getuid?.()??0}`),runnerConfig:{...s,usual:{...s.usual,identityFiles:Dv(s,c)}}}}i(R$,"transportFacts");function Dv({usual:e},t){return(t?.get("identityfile")??[]).some(r=>!e.identityFiles.includes(r))?[]:e.identityFiles.filter(r=>(0,Ll.existsSync)(r))}i(Dv,"unlessNamed");function Hv(e,t){let n=Kc(e.host,e,t);if(n instanceof it)return n;try{return oi(n,e,t),n}catch(r){if(!(r instanceof Le))throw r;return new it(r.fields.why.replace(/\.$/,""),r.fields.remedy)}}i(Hv,"readWhole");function Ul(e){let t=Cn(e.host);return{host:t?.host??e.host,user:e.user??t?.user,port:e.port??t?.port,proxyJump:e["proxy-jump"]}}i(Ul,"destinationOf");function Fv(e,t){return{files:Mv(e,t).map(({path:r})=>(0,la.resolve)(r)),usual:{...zc(t),knownHostsFiles:zc([...t].reverse()).knownHostsFiles}}}i(Fv,"runnerConfigOf");function Mv(e,t){try{return ei(e,t)}catch(n){throw n instanceof it?new Le({what:"Reading the SSH config",why:`${n.message}.`,remedy:n.remedy??"correct the config, or give another one with ssh-config."}):n}}i(Mv,"readable");async function zv(e,{runnerConfig:t,inputs:n,env:r}){let o=i(async a=>{let{code:c,out:u}=await is(Jg(a,e),{env:r,limitSeconds:Uv});return c===0?Bp(u):void 0},"ask");if(n["ssh-config"]!==void 0)return o(t.files[0]);if(t.usual.knownHostsFiles.length===0)return o(void 0);let s=await(0,ro.mkdtemp)((0,la.join)((0,C$.tmpdir)(),"ssh-"));try{return await(0,ro.writeFile)(`${s}/config`,Vg(t),{mode:384}),await o(`${s}/config`)}finally{await(0,ro.rm)(s,{recursive:!0,force:!0})}}i(zv,"settingsOf");async function Qv({notOffered:e,identityFiles:t,agent:n,identitiesOnly:r}){let o=t.flatMap(({path:a})=>Bt(`${a}-cert.pub`).length>0?[`${a}-cert.pub is a certificate`]:Bt(a).some(({text:c})=>vl(c))?[`${a} belongs to a security key`]:[]),s=n===void 0||r?[]:await I$(n);return[...e.map(a=>a.replace(/:.*$/," is set")),...o,...s.some(a=>a.includes("-cert-v01@"))?["the agent holds a certificate"]:[],...s.some(a=>a.startsWith("sk-"))?["the agent holds a security key"]:[]]}i(Qv,"foreignIdentities");function Kv(e,t){let n=t["known-hosts"],r=n===void 0?e.knownHostsFiles.flatMap(Bt).map(({text:a})=>a):[n],o=Vi(r.join(`
`)),s=to(e.host,e.port,e.hostKeyAlias);return Ji(o,s)&&Xi(o,s).length===0}i(Kv,"isKnownByAuthority");var T$=3;async function da(e,t){let{log:n}=t;n.mask(e["ssh-key"]),n.mask(e["ssh-key-passphrase"]);let r=await jv(e,t);for(let o=1;;o+=1)try{return await r({isPatient:o>1})}catch(s){if(o>=T$||!(s instanceof Le)||!bl(s.fields.cause)||t.signal.aborted)throw s;n.line(`Attempt ${o} of ${T$} failed: ${s.fields.why}`),await(0,B$.setTimeout)(o*(500+Math.random()*1e3),void 0,{signal:t.signal}).catch(()=>{})}}i(da,"connect");async function jv(e,t){if(e.transport==="builtin"&&e["ssh-certificate"]===void 0){let l=ri(e.host,e,t);return()=>Cl(l,e,t)}let n=await R$(e,t),{ssh:r,settings:o,builtin:s}=n,a=Up(n);if(a.transport==="none")throw new Le({what:`Connecting to ${e.host}`,why:a.why,remedy:a.remedy});let c=Dp(a,r);if(c!==void 0&&t.log.line(c),a.transport==="openssh"&&"version"in r)return P$(r.version,n,{inputs:e,context:t});if(s instanceof it)throw jc(e.host,s);let u=i(()=>Cl(s,e,t),"byBuiltin");return o===void 0||"unusable"in r?u:Wv(u,P$(r.version,n,{inputs:e,context:t}),t)}i(jv,"chooseWay");function P$(e,{settings:t=new Map,runnerConfig:n},{inputs:r,context:o}){let s=Wp(r,t,o),c=(r["proxy-jump"]??Zt(t,"proxyjump")??"").split(",").filter(l=>l!==""&&l.toLowerCase()!=="none"),u={to:Ul(r),target:s,version:e,runnerConfig:n,jumps:c};return({isPatient:l})=>S$(u,{inputs:r,context:o,isPatient:l})}i(P$,"byOpenSsh");function Wv(e,t,{log:n}){let r=e;return async o=>{try{return await r(o)}catch(s){if(!(s instanceof Le)||!bg(s.fields.cause))throw s;return n.line(`Connecting with the runner's OpenSSH, because the built-in client can't: ${s.fields.why}`),r=t,r(o)}}}i(Wv,"unlessNewer");var Ln=class extends en{static{i(this,"AnswerError")}};function Dl(e,t,n=r=>r){let r=i(l=>e.filter(([d])=>d===l).map(([,d])=>d),"all"),o=i(l=>r(l).filter(d=>d!==""),"told"),s=i(l=>e.findLast(([d])=>d===l)?.[1],"last"),a=i((l,d,h)=>{throw Hl(t,`the target answered something that is not ${h}: ${l}=${Jv(n(d))}`)},"refuse"),c=i((l,d,h)=>{let p=s(l);if(!(p===void 0||p===""))return h(p)??a(l,p,d)},"formed"),u={has:i(l=>s(l)!==void 0,"has"),yes:i(l=>u.oneOf(l,["yes","no"])==="yes","yes"),digest:i(l=>c(l,"a sha256",d=>qv.test(d)?d:void 0),"digest"),pid:i(l=>c(l,"a pid",d=>Zv.test(d)?Number(d):void 0),"pid"),number:i(l=>c(l,"a whole number",d=>Vv.test(d)?Number(d):void 0),"number"),oneOf:i((l,d)=>c(l,`one of ${d.join(", ")}`,h=>d.find(p=>p===h)),"oneOf"),text:i(l=>c(l,"a text",je),"text"),texts:i(l=>r(l).map(je),"texts"),pids:i(l=>c(l,"a list of pids",d=>Gv.test(d)?d:void 0)??"","pids"),numbers:i(l=>c(l,"a list of numbers",d=>Yv.test(d)?d:void 0)??"","numbers"),quote:i(l=>c(l,"a text",d=>qt(n(d)).map(je).join(" | ")),"quote"),quotedLines:i(l=>r(l).flatMap(d=>qt(n(d)).map(je)),"quotedLines"),verbatim:s,verbatims:r,parts:i((l,d,h)=>o(l).map(p=>d.exec(p)?.slice(1).map(m=>m??"")??a(l,p,h)),"parts"),records:i(l=>o(l).map(d=>Dl(eI(d),t,n)),"records")};return u}i(Dl,"answerOf");function Hl({what:e,where:t,state:n},r){return new Ln({what:e,where:t,why:`${r}.`,state:n,remedy:"find out who changed what runs on that host: the programs of this step never answer like this."})}i(Hl,"unusable");var qv=/^[0-9a-f]{64}$/,Zv=/^[1-9][0-9]{0,9}$/,Gv=/^[1-9][0-9]{0,9}( [1-9][0-9]{0,9})*$/,Yv=/^[0-9]{1,15}( [0-9]{1,15})*$/,Vv=/^[0-9]{1,15}$/,Xv=80;function Jv(e){return`'${Jt(je(e),Xv)}'`}i(Jv,"shown");function eI(e){let t=[];for(let n of e.split(" ")){let r=Math.max(0,n.indexOf("=")),o=t.at(-1);L$.test(n.slice(0,r))?t.push([n.slice(0,r),n.slice(r+1)]):o&&!n.includes("=")&&(o[1]+=` ${n}`)}return t}i(eI,"pairsOf");var L$=/^[a-z][a-z0-9_]{0,63}$/,tI=4*2**20,N$=2e4;function U$(e){let t=[],n=!1,r=!1,o=!1,s=!1,a=0,c=0,u=[],l="",d,h,p,m=new Promise(I=>{h=i(()=>I(void 0),"resolveEnded")}),b=new Promise(I=>{p=I}),A=i(I=>(u=[],d=`the target answered more than ${I}`,h(),!0),"exceeds"),y=i(I=>{if(I===bc&&!o)r=!0,h();else if(I===wc&&!n)n=!0,p();else if(I==="begin"&&n)o=!0;else if(!o)l=`${l}${I}
`.slice(0,O$);else if(I==="end")s=!0,h();else{let L=I.indexOf("=");if(!L$.test(I.slice(0,Math.max(0,L))))return;let B=[I.slice(0,L),nI(I.slice(L+1))];t.push(B),e?.(...B)}},"line"),E=i(I=>(s||(c+=Buffer.byteLength(I)),c>tI&&A("4 MiB")),"count");return{count:E,push:i(I=>{if(s||d||E(I))return;let[L="",...B]=I.split(`
`);u.push(L);for(let Z of B){if(y(u.join("")),u=[Z],a+=1,s)return;if(a>N$){A(`${N$} lines`);return}}},"push"),ready:b,ended:m,result:i(()=>({said:t,complete:s,isReady:n,unfit:r,excess:d,before:`${l}${o?"":u.join("")}`.slice(0,O$)}),"result")}}i(U$,"readSaid");var O$=4096;function nI(e){return e.replace(/\\(.)/g,(t,n)=>n==="n"?`
`:n)}i(nI,"unescapeSaid");var D$=`use strict;
use Fcntl;
sysopen my $old, $ARGV[0], O_RDONLY | O_NOFOLLOW | O_NONBLOCK or die "the present file can't be read: $!\\n";
-f $old or die "the present file is no regular file any more\\n";
binmode STDIN;
binmode STDOUT;
my @shift = map {
my $bits = $_;
my $table = join '', map { sprintf '\\\\x%02x', $_ << $bits & 255 } 0 .. 255;
eval "sub { (my \\$bytes = \\$_[0]) =~ tr/\\\\x00-\\\\xff/$table/; \\$bytes }";
} 1, 2, 4;
sub added {
my ($left, $right) = @_;
return $left unless $right =~ tr/\\0//c;
my $sum = $left ^ $right;
my ($carries, $passes) = ($left & $right, $sum);
for my $shift (@shift) {
$carries |= $passes & $shift->($carries);
$passes &= $shift->($passes);
}
return $sum ^ $shift[0]->($carries);
}
my $slice = 16384;
my $at = 0;
while (my $got = read STDIN, my $head, 8) {
$got == 8 or die "the delta ends in the middle of a piece\\n";
my ($stretches, $bytes) = unpack 'NN', $head;
read(STDIN, my $list, 8 * $stretches) == 8 * $stretches or die "the delta ends in the middle of a piece\\n";
read(STDIN, my $difference, $bytes) == $bytes or die "the delta ends in the middle of a piece\\n";
my @numbers = unpack 'l>*', $list;
my $aligned = '';
while (my ($length, $jump) = splice @numbers, 0, 2) {
if ($jump == -2147483648) {
$aligned .= "\\0" x $length;
next;
}
sysseek $old, $at += $jump, 0;
sysread $old, $aligned, $length, length $aligned;
$at += $length;
}
for (my $done = 0; $done < $bytes; $done += $slice) {
my $sum = added(substr($aligned, $done, $slice), substr($difference, $done, $slice));
print $sum or die "the new file can't be written: $!\\n";
}
}
close STDOUT or die "the new file can't be written: $!\\n";`;var Q$=require("node:timers/promises");var oI=10,sI=5,iI=64*1024,H$=60,aI=10,F$="the login shell did not run the command passed to it";async function bn(e,t,n){let{container:r}=e.target,o=Us(r?"host":n.sudo?"root":"login"),s=pI(n,e),a={what:n.what,where:e.target.name,state:n.state},c=n.clean??(ye=>ye),u=U$(n.onSay),l,d=null,h="",p,m=new AbortController;try{l=await Promise.race([e.exec(o),s.passed]),n.another&&e.roundTripMs()>oI&&e.prepare(o),l.output.setEncoding("utf8").on("data",u.push),l.errors.setEncoding("utf8").on("data",K=>{u.count(K)||(h=(h+K).slice(-iI))});let ye=l.closed.then(K=>{d=K}),M=e.lost.then(K=>K?.message??"the connection was closed"),G=u.ready.then(()=>dI(l,e,t,n.payload)),W=uI(l,u.ready);p=await Promise.race([ye,u.ended,M,G,W,s.passed,hI(n.signal,m.signal)])}finally{m.abort(),s.stop(),l?.destroy()}let{said:b,complete:A,isReady:y,unfit:E,before:I,excess:L}=u.result();if(L)throw Hl(a,L);if(E)throw lI(e,n.what);p??=y?"the session closed before the answer was complete":F$;let B=Dl(b,a,c),Z=B.text("container_error");if(Z!==void 0){let ye=B.text("container_remedy")??"";throw new Le({what:"Entering the container",where:e.target.name,why:`${Z}.`,remedy:ye})}let ae=b.length>0;return{answer:B,complete:A,begun:ae,code:d,prose:c(ae?h:I+h),cut:c(p)}}i(bn,"runProgram");function fa(e,{what:t,state:n},r){let{container:o,name:s}=e.target,a=!o||r.begun;return new Le({what:t,where:s,why:a?`the answer was cut short: ${je(r.cut)}.`:`could not enter the container: ${je(cI(r.prose)??r.cut)}`,state:n,remedy:a?"check that the login there runs the commands given to it (`ssh HOST true`): its shell, a start file such as ~/.bashrc that ends in `exec`, ForceCommand in sshd_config, `command=` in authorized_keys.":`check on the host that ${o?.name} exists, is running and has a /bin/sh.`,output:r.prose})}i(fa,"notAnswered");function cI(e){return e.trimEnd().split(`
`).at(-1)||void 0}i(cI,"lastLine");function uI(e,t){return new Promise(n=>{let r=setTimeout(()=>e.input.write(`${yc}
`),aI*1e3),o=setTimeout(n,H$*1e3,`${F$} within ${H$} s`),s=i(()=>{clearTimeout(r),clearTimeout(o)},"stop");t.then(s),e.closed.then(s)})}i(uI,"notReady");function lI(e,t){return new Le({what:t,where:e.target.name,why:"/bin/sh there is a shell whose printf or local is not a builtin (such as mksh or ksh93).",state:"untouched. Nothing was sent to it.",remedy:"make /bin/sh dash, bash or busybox."})}i(lI,"unfitShell");function dI(e,t,n,r){let{container:o}=t.target;return o&&e.input.write(Ac(kh(o,o.sudo))),fI(e,n,r)}i(dI,"sendAll");function fI(e,t,n){return new Promise(r=>{e.input.write(Ac(t)),n?n(e.input).catch(o=>r(o.message)):e.input.end()})}i(fI,"send");function hI(e,t){return new Promise(n=>{let r=i(()=>{let o=setTimeout(()=>n(`the step was cancelled (${e?.reason})`),sI*1e3);t.addEventListener("abort",()=>clearTimeout(o),{once:!0})},"begin");e?.aborted?r():e?.addEventListener("abort",r,{once:!0,signal:t})})}i(hI,"cancelled");function pI({limitSeconds:e,what:t},n){let r;return{passed:new Promise((s,a)=>{r=setTimeout(()=>{a(new Le({what:t,where:n.target.name,why:`timed out after ${e} s.`,remedy:"check the load of the host, and what its login shell does when it starts."}))},e*1e3)}),stop:i(()=>clearTimeout(r),"stop")}}i(pI,"startLimit");var M$=`prelude() {
PATH=/run/wrappers/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin
LC_ALL=C
export PATH LC_ALL
IFS=' 	
'
unset CDPATH ENV BASH_ENV
umask 077
core_limit=\${core_limit-$(ulimit -S -c)}
ulimit -S -c 0
}
begin() {
printf 'begin\\n'
}
end() {
printf 'end\\n'
}
say() {
case $2 in
*\\\\* | *"$newline"*)
say_rest=$2
say_value=
while [ -n "$say_rest" ]; do
case $say_rest in
*\\\\* | *"$newline"*) ;;
*) break ;;
esac
say_plain=\${say_rest%%[\\\\"$newline"]*}
say_rest=\${say_rest#"$say_plain"}
case $say_rest in
\\\\*) say_value=$say_value$say_plain'\\\\' ;;
*) say_value=$say_value$say_plain'\\n' ;;
esac
say_rest=\${say_rest#?}
done
printf '%s=%s\\n' "$1" "$say_value$say_rest"
;;
*) printf '%s=%s\\n' "$1" "$2" ;;
esac
}
newline=$(printf '\\n.')
newline=\${newline%.}
usual_ifs=$(printf ' \\t\\n.')
usual_ifs=\${usual_ifs%.}
pause_cs() {
pause_ms "$(($1 * 10))"
}
pause_ms() {
pause_part=$(($1 % 1000))
while [ "\${#pause_part}" -lt 3 ]; do pause_part=0$pause_part; done
sleep "$(($1 / 1000)).$pause_part" 2>/dev/null || sleep "$((($1 + 999) / 1000))"
}
know_me() {
me_name=$(id)
me_name=\${me_name#uid=}
me_name=\${me_name%% gid=*}
me=\${me_name%%(*}
me_name=\${me_name#*(}
me_name=\${me_name%)}
}
enter_folder() {
if [ "$me" != 0 ]; then
cd -P -- "$1" 2>/dev/null && return 0
refused="$1 can't be entered by $me_name"
return 1
fi
cd / || return 1
walk_rest=$1
walk_links=0
while [ -n "$walk_rest" ]; do
walk_step=\${walk_rest%%/*}
case $walk_rest in */*) walk_rest=\${walk_rest#*/} ;; *) walk_rest= ;; esac
case $walk_step in '' | .) continue ;; esac
if [ -L "./$walk_step" ]; then
follow_link "./$walk_step" || return 1
continue
fi
walk_at=\${PWD%/}
cd -P "./$walk_step" 2>/dev/null || { refused="$walk_at/$walk_step is not a folder"; return 1; }
[ "$walk_step" = .. ] || [ "$PWD" = "$walk_at/$walk_step" ] || { refused="$walk_at/$walk_step was swapped while it was entered"; return 1; }
done
}
follow_link() {
if [ "$(stat -c %u "$1")" != 0 ]; then
refused="$PWD/\${1#./} is a symbolic link of another account, and root does not follow it"
return 1
fi
walk_links=$((walk_links + 1))
[ "$walk_links" -le 20 ] || { refused='too many symbolic links in the path'; return 1; }
walk_link=$(readlink "$1" && echo x)
walk_link=\${walk_link%?x}
case $walk_link in /*) cd / ;; esac
walk_rest=$walk_link/$walk_rest
}
end_of() {
end_state=
[ -f ended ] || return 1
while IFS=' ' read -r end_id end_is end_process end_by; do
[ "$end_id" = "$1" ] || continue
end_state=$end_is
end_pid=\${end_process#-}
end_run=$end_by
done <ended
[ -n "$end_state" ]
}
enter_state() {
state_folder=.$in_name.deploy
if [ ! -e "./$state_folder" ] && [ ! -L "./$state_folder" ]; then
[ "\${1:-}" = create ] || return 2
mkdir -m 700 "./$state_folder" || { refused="$PWD/$state_folder can't be made"; return 1; }
fi
go_into_state || return 1
case $(stat -c '%u %a' .) in
"$me 700") ;;
"$me "*) chmod 700 . ;;
*) refused="$state_at/$state_folder is owned by another account, not by $me_name, which deploys"; return 1 ;;
esac
}
go_into_state() {
state_folder=.$in_name.deploy
state_at=\${PWD%/}
if [ -L "./$state_folder" ] || ! cd -P "./$state_folder" 2>/dev/null || [ "$PWD" != "$state_at/$state_folder" ]; then
refused="$state_at/$state_folder was not created by this tool"
return 1
fi
}
process_start() {
process_start=
process_parent=
process_stat=
[ -n "$1" ] || return 1
{ while IFS= read -r process_line; do process_stat=$process_stat$process_line; done <"/proc/$1/stat"; } 2>/dev/null
process_stat=\${process_stat##*) }
set -- $process_stat
[ "$#" -ge 20 ] || return 1
process_start=\${20}
process_state=$1
process_parent=$2
process_session=$4
}
process_alive() {
process_start "$1" || return 1
case $process_state in Z | X) return 1 ;; esac
[ "$process_start" = "$2" ]
}
follow() {
follow_ended=
follow_pid=
follow_pause=1
exec 8<progress
while [ -z "$follow_ended" ]; do
process_alive "$1" "$2" || follow_ended=yes
while IFS= read -r follow_line <&8; do
case $follow_line in
begin) continue ;;
end)
[ -z "$follow_pid" ] || is_there "$follow_pid" || say gone "$follow_pid"
end
return 0
;;
pid=*) follow_pid=\${follow_line#pid=} ;;
esac
printf '%s\\n' "$follow_line"
follow_pause=1
done
[ -n "$follow_ended" ] || pause_cs "$follow_pause"
[ "$follow_pause" -ge 10 ] || follow_pause=$((follow_pause + 1))
done
say died yes
end
}
is_there() {
process_start "$1" || return 1
case $process_state in Z | X) return 1 ;; esac
}
main() {
prelude
set -u
begin
know_me
refused=
if ! enter_folder "$in_folder" || ! enter_state; then
say never yes
end
return
fi
wait_for_transaction
if [ -n "$transaction" ]; then
follow "$transaction" "$transaction_start"
return
fi
if end_of "$in_id"; then tell_end; elif is_ours_unfinished; then say died yes; else say never yes; fi
end
}
wait_for_transaction() {
while :; do
is_free=yes
[ ! -f lock ] || flock -n -s 9 9<lock || is_free=
is_handed && return 0
[ -z "$is_free" ] || return 0
! end_of "$in_id" || return 0
pause_cs 20
done
}
is_handed() {
handed_id=
transaction=
[ ! -f handed ] || IFS=' ' read -r handed_id transaction transaction_start <handed
[ "$handed_id" = "$in_id" ] || transaction=
[ -n "$transaction" ]
}
tell_end() {
case $end_state in
active) ;;
*)
say failed transaction
say why "it was finished on the target before the connection was restored, by the run $end_run"
;;
esac
say pid "$end_pid"
say state "$end_state"
}
is_ours_unfinished() {
[ -f journal ] && [ "$(sed -n 's/^id=//p' journal | head -n 1)" = "$in_id" ] || return 1
case $(tail -n 1 journal) in phase=end) return 1 ;; esac
}
main`;var _r=class extends Error{static{i(this,"OutdatedError")}},Xt=class extends Error{static{i(this,"DiedError")}},oo=class extends Error{static{i(this,"DeltaError")}};function vt(e){return{failed:"",why:"",output:"",untrusted:!1,broken:"",pid:void 0,downtimeMs:void 0,bytesSent:0,phases:[],...e}}i(vt,"bareOutcome");function so(e){return vt({state:"unknown",failed:"answer",why:e.fields.why.replace(/\.$/,"")})}i(so,"unusableOutcome");var mI=["active","untouched","staged","rolled-back","broken"],gI=/^([a-z][a-z-]{0,40}) ([0-9]{1,12})$/;function ha({answer:e,complete:t=!1}){if(!t||!e)return;let n=e.oneOf("gave_up",["changed","delta","locked","refused","release"]);if(n==="changed")throw new _r;if(n!==void 0){let s=e.quote("why")??"";if(n==="delta")throw new oo(s);let a=`another deploy of this file holds the lock: ${s}`,c={locked:"lock",refused:"stage",release:"release"}[n],u=e.digest("staged")?"staged":"untouched";return vt({state:u,failed:c,why:n==="locked"?a:s})}if(e.yes("died"))throw new Xt;let r=e.oneOf("state",mI);if(r===void 0)return;let o=e.pid("gone");if(o!==void 0&&["active","rolled-back"].includes(r)){let s=`it finished as ${r}, but pid ${o} has since exited`;return vt({state:"broken",failed:"transaction",why:"the target may have gone down",broken:s})}return{state:r,failed:e.text("failed")??"",why:e.quote("why")??"",output:e.quotedLines("output").join(`
`),untrusted:e.has("health_untrusted"),broken:e.quote("broken")??"",pid:e.pid("pid"),downtimeMs:e.number("downtime_ms"),bytesSent:0,phases:$I(e)}}i(ha,"outcomeOf");function $I(e){return e.parts("phase",gI,"a phase").map(([t="",n])=>({phase:t,afterMs:Number(n)*10}))}i($I,"phasesOf");var wI={staged:"new file is on the target; sha256 verified",stop:"stopping the running program",receive:"receiving the new file",swap:"replacing the file",start:"starting the new version",stable:"healthy; confirming stability",accept:"new version accepted",rollback:"new version failed; rolling back","restart-old":"starting the previous version","rollback-stable":"previous version healthy; confirming stability"},z$=100;function pa(e,{environment:t,health:n},{isDeploy:r=!0,others:o={}}={}){let s={...wI,...o},a=pn(t,n),c=0;return(u,l)=>{let d=u==="phase"?l.split(" ")[0]??"":u,h=(u==="phase"||u==="staged")&&Object.hasOwn(s,d)?s[d]:void 0;h===void 0&&u!=="note"||h===""||(c+=1,c===z$&&e.line("  (further lines from the target are not shown)"),!(c>=z$)&&(h!==void 0?e.phase(d,r||d!=="rollback"?h:"rolling back"):e.line(`  ${a(l)}`)))}}i(pa,"tellPhases");async function _a({inputs:e,log:t,signal:n,sudo:r,limitSeconds:o,reconnect:s},a){let c={...t,phase:i((y,E)=>t.phase(y,`${E} (recorded on the target)`),"phase")},u=Date.now()+o*1e3,l="the target could not be reached again",d=i(y=>{y!==l&&t.line(`The transaction could not be followed: ${y}. Trying again until its time limit.`),l=y},"tryAgain");for(;Date.now()<u&&!n.aborted;){try{var h=[];try{let y=tr(h,await s(),!0);let E=await bn(y,{text:M$,values:{folder:e.folder,name:e.name,id:a}},{sudo:r,what:"Following the transaction",limitSeconds:Math.max(5,(u-Date.now())/1e3),signal:n,clean:pn(e.environment,e.health),onSay:pa(c,e)});if(E.complete&&E.answer.yes("never"))return vt({state:"untouched",failed:"upload",why:"the connection was lost before the transaction started"});let I=ha(E);if(I)return I;d(E.complete?"its result is missing":E.cut)}catch(p){var m=p,b=!0}finally{var A=Sr(h,m,b);A&&await A}}catch(y){if(y instanceof Xt)throw y;if(y instanceof Ln)return so(y);d(y instanceof at?y.fields.why.replace(/\.$/,""):y.message)}await(0,Q$.setTimeout)(1e3,void 0,{signal:n}).catch(()=>{})}return vt({state:"unknown",failed:"connection",why:n.aborted?`the step was cancelled (${n.reason})`:l})}i(_a,"learn");function ma(e){return 120+Math.ceil(e/5e4)}i(ma,"uploadLimitSeconds");function yI({stopTimeoutSeconds:e,health:t}){return 2*(e+30+2*t.timeoutSeconds+10+t.stableSeconds+10)+60}i(yI,"transactionLimitSeconds");function Un({inputs:e,membership:t}){return yI(e)+2*(t?.waitSeconds??0)}i(Un,"limitSecondsOf");var Ml=require("node:events");var zl=class extends Error{static{i(this,"StallError")}},Fl=2*2**20,bI=50,AI=.5,xI=500;async function K$(e,t,{stallSeconds:n,onProgress:r}){let o=new AbortController,s=new AbortController,a,c=i(b=>{a??=b??new Error("the session was closed"),s.abort()},"fail");t.on("error",c).on("close",c);let u,l=i(()=>{clearTimeout(u),u=setTimeout(()=>o.abort(),n*1e3)},"moved"),d=AbortSignal.any([o.signal,s.signal]),h=e[Symbol.asyncIterator](),p=0,m=kI();l();try{for(;;){clearTimeout(u);let{value:y,done:E}=await EI(h.next(),d);if(l(),E)break;if(p+=y.length,!t.write(y)){let I=performance.now();await(0,Ml.once)(t,"drain",{signal:d}),m.add(p,performance.now()-I)}l(),r?.(p,m.rate(xI))}let b=performance.now(),A=(0,Ml.once)(t,"finish",{signal:d});return t.end(),await A,m.add(p,performance.now()-b),{bytes:p,bytesPerSecond:m.rate(bI)}}catch(b){throw o.signal.aborted?new zl(`no data was transferred for ${n} s`):a??b}finally{clearTimeout(u),h.return?.().catch(()=>{}),t.off("error",c).off("close",c)}}i(K$,"upload");function EI(e,t){return new Promise((n,r)=>{let o=i(()=>r(t.reason),"abort");t.aborted&&o(),t.addEventListener("abort",o,{once:!0}),e.then(n,r).finally(()=>t.removeEventListener("abort",o))})}i(EI,"unlessAborted");function kI(){let e={bytes:Fl,at:performance.now(),waitedMs:0},[t,n]=[];return{add:i((r,o)=>{n={bytes:r,at:performance.now(),waitedMs:(n?.waitedMs??0)+o},t??=n},"add"),rate:i(r=>{if(!t||!n||n.bytes<=Fl)return;let o=n.bytes-t.bytes<Fl?e:t,[s,a]=[n.waitedMs-o.waitedMs,n.at-o.at];if(!(s<r||s<AI*a))return(n.bytes-o.bytes)/a*1e3},"rate")}}i(kI,"openMarks");var j$=`timed() {
find_timeout
if [ "$timeout_kills" = yes ]; then
timeout -k 2 "$@" 3<&- 7>&- 8<&- 9>&-
else
timed_by_hand "$@" 6<&0 3<&- 7>&- 8<&- 9>&-
fi
}
limited() {
timed "$@" </dev/null
}
find_timeout() {
[ -z "\${timeout_kills:-}" ] || return 0
timeout_kills=no
! timeout -k 1 5 true 2>/dev/null 3<&- 7>&- 8<&- 9>&- || timeout_kills=yes
}
timed_by_hand() {
hand_seconds=$1
shift
setsid "$@" <&6 6<&- &
hand_pid=$!
end_late "$hand_pid" "$hand_seconds" </dev/null >/dev/null 2>&1 6<&- &
hand_dog=$!
wait "$hand_pid"
hand_code=$?
kill "$hand_dog" 2>/dev/null
wait "$hand_dog" 2>/dev/null
return "$hand_code"
}
end_late() {
trap 'kill $late_pause 2>/dev/null; exit' TERM
sleep "$2" &
late_pause=$!
wait "$late_pause"
kill -s TERM -- "-$1"
sleep 2 &
late_pause=$!
wait "$late_pause"
kill -s KILL -- "-$1"
}
is_number() {
case $1 in
'' | *[!0-9]* | 0?* | ????????????????*) return 1 ;;
esac
}
begin() {
printf 'begin\\n'
}
end() {
printf 'end\\n'
}
say() {
case $2 in
*\\\\* | *"$newline"*)
say_rest=$2
say_value=
while [ -n "$say_rest" ]; do
case $say_rest in
*\\\\* | *"$newline"*) ;;
*) break ;;
esac
say_plain=\${say_rest%%[\\\\"$newline"]*}
say_rest=\${say_rest#"$say_plain"}
case $say_rest in
\\\\*) say_value=$say_value$say_plain'\\\\' ;;
*) say_value=$say_value$say_plain'\\n' ;;
esac
say_rest=\${say_rest#?}
done
printf '%s=%s\\n' "$1" "$say_value$say_rest"
;;
*) printf '%s=%s\\n' "$1" "$2" ;;
esac
}
newline=$(printf '\\n.')
newline=\${newline%.}
usual_ifs=$(printf ' \\t\\n.')
usual_ifs=\${usual_ifs%.}
quoted() {
quoted_rest=$1
quoted=
while :; do
case $quoted_rest in
*\\'*)
quoted=$quoted\${quoted_rest%%\\'*}"'\\\\''"
quoted_rest=\${quoted_rest#*\\'}
;;
*) break ;;
esac
done
quoted="'$quoted$quoted_rest'"
}
zero_words() {
tr '\\n\\0' '\\001\\n' <"$1" | sed "$2; s/'/'\\\\\\\\''/g; s/^/'/; s/\\$/'/" | tr '\\n\\001' ' \\n'
}
know_me() {
me_name=$(id)
me_name=\${me_name#uid=}
me_name=\${me_name%% gid=*}
me=\${me_name%%(*}
me_name=\${me_name#*(}
me_name=\${me_name%)}
}
owner_of() {
owner_rest=$(stat -c '%a:%U:%G:%u:%g' "$1" 2>/dev/null) || return 1
owner_mode=\${owner_rest%%:*}
owner_rest=\${owner_rest#*:}
owner_user=\${owner_rest%%:*}
owner_rest=\${owner_rest#*:}
owner_group=\${owner_rest%%:*}
owner_rest=\${owner_rest#*:}
owner_uid=\${owner_rest%:*}
owner_gid=\${owner_rest#*:}
[ "$owner_user" != UNKNOWN ] || owner_user=$owner_uid
[ "$owner_group" != UNKNOWN ] || owner_group=$owner_gid
}
name_of() {
name_of=
case $2 in
'' | *[!0-9]*) ;;
*) name_of=$({ getent "$1" "$2" || cat "/etc/$1"; } 2>/dev/null | sed -n "s/^\\([^:]*\\):[^:]*:$2:.*/\\1/p" | head -n 1) ;;
esac
name_of=\${name_of:-$2}
}
account_of() {
account_name=$1
account_home=/
account_shell=/bin/sh
account_line=$(getent passwd "$1" 2>/dev/null </dev/null) || account_line=$(line_of_passwd "$1")
case $account_line in *:*:*:*:*:*:*) ;; *) return 0 ;; esac
account_name=\${account_line%%:*}
account_shell=\${account_line##*:}
account_line=\${account_line%:*}
account_home=\${account_line##*:}
account_home=\${account_home:-/}
account_shell=\${account_shell:-/bin/sh}
}
line_of_passwd() {
while IFS= read -r passwd_line; do
passwd_rest=\${passwd_line#*:*:}
case $1 in "\${passwd_line%%:*}" | "\${passwd_rest%%:*}") ;; *) continue ;; esac
printf '%s\\n' "$passwd_line"
return 0
done </etc/passwd
}
account_environment() {
account_of "$1"
account_environment=
host_language
for account_word in "PATH=$PATH" "HOME=$account_home" "USER=$account_name" "LOGNAME=$account_name" "SHELL=$account_shell" "LANG=$host_language"; do
quoted "$account_word"
account_environment="$account_environment\${account_environment:+ }$quoted"
done
}
host_language() {
host_language=
for language_file in /etc/default/locale /etc/locale.conf; do
[ -f "$language_file" ] || continue
while IFS= read -r language_line; do
case $language_line in LANG=*) host_language=\${language_line#LANG=} ;; esac
done <"$language_file"
done
host_language=\${host_language#[\\"\\']}
host_language=\${host_language%[\\"\\']}
case $host_language in '' | *[!A-Za-z0-9_.@-]*) host_language=C.UTF-8 ;; esac
}
user_says() {
find_timeout
user_said=$(as_user "$@" 2>/dev/null | timed "$((\${user_limit:-10} + 5))" head -c 8000)
[ -n "$user_said" ]
}
as_user() {
user_words "$1"
shift
if [ "\${user_tool:-}" = su ] && [ -n "$user_words" ]; then
limited "\${user_limit:-10}" env -i "PATH=$PATH" LC_ALL=C $user_words "$user_name" -c 'exec "$0" "$@"' -- "$@"
else
limited "\${user_limit:-10}" env -i "PATH=$PATH" LC_ALL=C $user_words "$@"
fi
}
user_words() {
user_name=$1
user_words=
[ "$1" != "$me_name" ] && [ "$1" != "$me" ] || return 0
find_user_tool
user_groups=--init-groups
if user_group=$(id -g -- "$1" 2>/dev/null) && user_number=$(id -u -- "$1" 2>/dev/null); then :; else
user_number=$1 user_group=$1 user_groups=--clear-groups
fi
case $user_tool in
*/setpriv) user_words="$user_tool --reuid=$user_number --regid=$user_group $user_groups --" ;;
*/chroot) user_words="$user_tool --userspec=$user_number:$user_group /" ;;
su)
name_of passwd "$1"
user_name=$name_of
user_words='su -s /bin/sh'
;;
esac
}
find_user_tool() {
[ -z "\${user_tool:-}" ] || return 0
for user_tool in /usr/bin/setpriv /bin/setpriv /run/current-system/sw/bin/setpriv; do
[ -x "$user_tool" ] || continue
case $("$user_tool" --help 2>&1) in *--reuid*) return 0 ;; esac
done
for user_tool in /usr/sbin/chroot /usr/bin/chroot /sbin/chroot; do
[ -x "$user_tool" ] || continue
case $("$user_tool" --help 2>&1) in *--userspec*) return 0 ;; esac
done
user_tool=su
}
user_shell() {
user_shell=/bin/sh
for user_shell_try in /bin/dash /usr/bin/dash; do
[ ! -x "$user_shell_try" ] || ! "$user_shell_try" -c : 2>/dev/null || user_shell=$user_shell_try
done
user_words "$1"
}
systemctl_for() {
systemctl_user=$1
shift
if [ -z "$systemctl_user" ]; then
limited "\${systemctl_seconds:-30}" systemctl "$@"
else
systemctl_uid=$(id -u -- "$systemctl_user") || return 1
systemctl_said=$(
{
user_limit=\${systemctl_seconds:-30}
as_user "$systemctl_user" env "XDG_RUNTIME_DIR=/run/user/$systemctl_uid" systemctl --user "$@" 2>&1
printf '\\n%s' "$?"
} | timed "$((\${systemctl_seconds:-30} + 5))" head -c 65536
)
printf '%s' "\${systemctl_said%"$newline"*}"
is_number "\${systemctl_said##*"$newline"}" && return "\${systemctl_said##*"$newline"}"
fi
}
show_units() {
show_user=$1
show_call=$2
show_names=$3
shift 3
unit_error=
if ! show_answer=$(systemctl_for "$show_user" show --property="$show_names" -- "$@" 2>&1); then
unit_error=$show_answer
return 1
fi
show_rest=$show_answer$newline$newline
while [ -n "\${show_rest#"$newline"}" ]; do
show_block=\${show_rest%%"$newline$newline"*}
show_rest=\${show_rest#*"$newline$newline"}
show_clear
IFS=$newline
set -f
set -- $show_block
set +f
IFS=$usual_ifs
for show_line in "$@"; do
show_name=\${show_line%%=*}
case ,$show_names, in
*",$show_name,"*) eval "show_$show_name=\\\${show_$show_name:+\\$show_$show_name\\$newline}\\\${show_line#*=}" ;;
esac
done
"$show_call"
done
}
show_clear() {
show_Accept='' show_ActiveState='' show_BindsTo='' show_BoundBy='' show_ConditionResult=''
show_ConsistsOf='' show_ControlGroup='' show_ExecMainCode='' show_ExecMainPID='' show_ExecMainStatus=''
show_ExecStart='' show_Id='' show_InvocationID='' show_Job='' show_KillMode=''
show_LoadState='' show_MainPID='' show_NRestarts='' show_Names='' show_NeedDaemonReload=''
show_PropagatesStopTo='' show_RefuseManualStart='' show_RefuseManualStop='' show_RemainAfterExit='' show_RequiredBy=''
show_Requires='' show_Result='' show_SubState='' show_Transient='' show_TriggeredBy=''
show_Type='' show_UID='' show_UnitFileState='' show_User='' show_Wants=''
}
read_world() {
world=
show_units "$unit_user" note_state Id,ActiveState $units $restarted_units $dependents $watched_units
world=\${world# }
}
note_state() {
world="$world $show_Id=$show_ActiveState"
}
was_active() {
[ -n "$world" ] || return 0
case " $world " in
*" $1=inactive "* | *" $1=failed "*) return 1 ;;
*" $1="*) return 0 ;;
esac
return 1
}
active_before() {
active_before=
for before_unit in "$@"; do
! was_active "$before_unit" || active_before="$active_before $before_unit"
done
active_before=\${active_before# }
}
restore_world() {
[ -n "$dependents$watched_units" ] || return 0
uptime_cs
world_until=$((now_cs + $1 * 100))
world_pushed=' '
while :; do
world_off=
world_wrong=
show_units "$unit_user" compare_state Id,ActiveState,Job,Result $dependents $watched_units || { refused="systemd could not be queried: $unit_error"; return 1; }
[ -n "$world_off" ] || return 0
push_back $world_wrong
uptime_cs
[ "$now_cs" -lt "$world_until" ] || break
pause_cs 10
done
refused="not as before the deploy: \${world_off#, }"
return 1
}
compare_state() {
if was_active "$show_Id"; then
case $show_ActiveState/\${show_Job:-0} in
active/0 | reloading/* | refreshing/*) return 0 ;;
activating/*)
case " $world " in *" $show_Id=activating "*) return 0 ;; esac
;;
inactive/0 | failed/0) world_wrong="$world_wrong start:$show_Id" ;;
esac
world_off="$world_off, $show_Id was active and is $show_ActiveState"
else
case $show_ActiveState/\${show_Job:-0} in
inactive/0 | failed/0 | deactivating/*) return 0 ;;
activating/*) return 0 ;;
esac
case " $world " in *" $show_Id="*) ;; *) return 0 ;; esac
world_wrong="$world_wrong stop:$show_Id"
world_off="$world_off, $show_Id was stopped and is $show_ActiveState"
fi
}
push_back() {
for push_word in "$@"; do
case $world_pushed in *" $push_word "*) continue ;; esac
world_pushed="$world_pushed$push_word "
( exec 9>&-; systemctl_for "$unit_user" --no-block --job-mode=ignore-dependencies "\${push_word%%:*}" -- "\${push_word#*:}" ) >/dev/null 2>&1
done
}
enter_state() {
state_folder=.$in_name.deploy
if [ ! -e "./$state_folder" ] && [ ! -L "./$state_folder" ]; then
[ "\${1:-}" = create ] || return 2
mkdir -m 700 "./$state_folder" || { refused="$PWD/$state_folder can't be made"; return 1; }
fi
go_into_state || return 1
case $(stat -c '%u %a' .) in
"$me 700") ;;
"$me "*) chmod 700 . ;;
*) refused="$state_at/$state_folder is owned by another account, not by $me_name, which deploys"; return 1 ;;
esac
}
go_into_state() {
state_folder=.$in_name.deploy
state_at=\${PWD%/}
if [ -L "./$state_folder" ] || ! cd -P "./$state_folder" 2>/dev/null || [ "$PWD" != "$state_at/$state_folder" ]; then
refused="$state_at/$state_folder was not created by this tool"
return 1
fi
}
read_last() {
{
read -r _ last_device last_inode _
read -r _
read -r _
read -r _
read -r _
read -r _
IFS= read -r last_run_as
} <live
last_image=\${last_device:-}:\${last_inode:-}
}
http_client() {
http_client=
if command -v curl >/dev/null; then
http_client=curl
return
fi
case $1 in
http://*)
if command -v perl >/dev/null && perl -MIO::Socket::INET -e 1 2>/dev/null; then
http_client=perl
return
elif command -v nc >/dev/null; then
http_client=nc
return
fi
;;
esac
[ -z "$in_health_curl" ] || return 0
command -v wget >/dev/null || return 0
case $(limited 5 wget --version 2>/dev/null) in
*'GNU Wget'*) http_client=wget ;;
*) case $1 in *[@?]*) ;; *) http_client=wget ;; esac ;;
esac
}
http_get() {
http_status=
http_untrusted=
http_body=
http_error=
[ -n "\${http_client:-}" ] || http_client "$1"
case $http_client in
curl) http_by_curl "$1" "$2" ;;
perl | nc) http_by_socket "$1" "$2" ;;
wget) http_by_wget "$1" "$2" ;;
*) http_error='the target has no HTTP client' ;;
esac
[ -n "$http_status" ]
}
http_by_curl() {
http_answer=$(printf 'url = "%s"\\n%s\\n' "$1" "$in_health_curl" | curl -q -g -s -S -i --noproxy '*' --max-time "$2" -K - 2>&1 | http_cut)
http_read && return
http_error=\${http_answer#curl: }
http_error=\${http_error%%"$newline"*}
case $http_error in '(60)'* | '(51)'*) http_untrusted=yes ;; esac
}
http_cut() {
tr -d '\\000' | head -c 65536
}
http_read() {
http_rest=$newline$http_answer
while :; do
case $http_rest in *"\${newline}HTTP/"*) ;; *) return 1 ;; esac
http_rest=\${http_rest#*"\${newline}HTTP/"}
http_code=\${http_rest#* }
http_code=\${http_code%"\${http_code#???}"}
case $http_code in
1[0-9][0-9]) ;;
[0-9][0-9][0-9]) break ;;
*) return 1 ;;
esac
done
http_status=$http_code
case $http_rest in *"$newline$http_return$newline"*) http_body=\${http_rest#*"$newline$http_return$newline"} ;; esac
}
http_by_socket() {
http_rest=\${1#http://}
http_host=\${http_rest%%[/?#]*}
http_path=\${http_rest#"$http_host"}
http_path=\${http_path%%#*}
case $http_path in /*) ;; *) http_path=/$http_path ;; esac
case $http_host in
\\[*\\]:*) http_port=\${http_host##*:} http_name=\${http_host%]:*} http_name=\${http_name#[} ;;
\\[*\\]) http_port=80 http_name=\${http_host#[} http_name=\${http_name%]} ;;
*:*) http_port=\${http_host##*:} http_name=\${http_host%:*} ;;
*) http_port=80 http_name=$http_host ;;
esac
http_names=$http_name
[ "$http_name" != localhost ] || http_names='127.0.0.1 ::1'
for http_name in $http_names; do
http_answer=$(http_request | http_exchange "$2" 2>/dev/null | http_cut)
http_read && return
done
http_error="no HTTP answer from $http_host within $2 s"
}
http_request() {
IFS=$newline
set -f
printf '%s\\r\\n' "GET $http_path HTTP/1.0" $in_health_headers ''
}
http_exchange() {
if [ "$http_client" = perl ]; then
timed "$1" perl -e '
use Socket qw(:all);
my ($name, $port) = @ARGV;
my $request = do { local $/; <STDIN> };
my $v6 = $name =~ /:/;
my $socket;
my $address = $v6 ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $name) || exit 1) : pack_sockaddr_in($port, inet_aton($name) || exit 1);
socket($socket, $v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0) && connect($socket, $address) || exit 1;
syswrite($socket, $request);
while (sysread($socket, my $block, 65536)) { syswrite(STDOUT, $block) }
' "$http_name" "$http_port"
else
http_sent=$(cat; printf .)
http_reply=$(printf '%s' "\${http_sent%.}" | timed "$1" nc "$http_name" "$http_port")
case $http_reply in
HTTP/*) ;;
*) [ -z "$http_reply" ] && port_answers && http_reply=$({ printf '%s' "\${http_sent%.}"; sleep "$1"; } | timed "$1" nc "$http_name" "$http_port") ;;
esac
printf '%s' "$http_reply"
fi
}
port_answers() {
limited 2 nc "$http_name" "$http_port" >/dev/null 2>&1
}
http_by_wget() {
http_answer=$(http_wget "$1" "$2" -S -O /dev/null 2>&1 | http_cut)
case $http_answer in
*"  HTTP/"*" "[0-9][0-9][0-9]*)
http_status=\${http_answer#*"  HTTP/"}
http_status=\${http_status#* }
http_status=\${http_status%"\${http_status#???}"}
http_body=$(http_wget "$1" "$2" -q -O - 2>/dev/null | http_cut)
;;
*)
http_error=\${http_answer##*"$newline"}
case $http_answer in
*ERROR:*certificate*)
http_untrusted=yes
http_error='the certificate is not trusted'
;;
esac
;;
esac
}
http_wget() (
unset http_proxy https_proxy
HOME=/dev/null
export HOME
http_url=$1
http_seconds=$2
shift 2
case $http_url in
*[@?]*) printf '%s\\n' "$http_url" | timed "$http_seconds" wget "$@" -i - ;;
*) limited "$http_seconds" wget "$@" -- "$http_url" ;;
esac
)
http_return=$(printf '\\r')
port_inodes() {
port_inodes=
[ "\${port_hex_of:-}" = "$1" ] || port_hex=$(printf '%04X' "$1")
port_hex_of=$1
port_net=/proc/\${2:-self}/net
port_inodes=$(sed -n "s/^ *[0-9]*: [0-9A-F]*:$port_hex [0-9A-F]*:0000 0A [^ ]* [^ ]* [^ ]* *[0-9]* *[0-9]* \\([0-9]*\\) .*/\\1/p" "$port_net/tcp" "$port_net/tcp6" 2>/dev/null)
}
port_owned_by() {
port_number=$1
shift
for port_pid in "$@"; do
port_inodes "$port_number" "$port_pid"
[ -n "$port_inodes" ] || continue
port_held_by "$port_pid" && return 0
done
return 1
}
port_held_by() {
port_links=$(ls -l "/proc/$1/fd" 2>/dev/null)
for port_inode in $port_inodes; do
case $port_links in *"socket:[$port_inode]"*) return 0 ;; esac
done
return 1
}
port_owner() {
port_owner_pids=
port_unseen=
port_inodes "$1"
[ -n "$port_inodes" ] || return 0
for port_proc in /proc/[0-9]*; do
if port_held_by "\${port_proc#/proc/}"; then port_owner_pids="$port_owner_pids \${port_proc#/proc/}"; fi
done
port_owner_pids=\${port_owner_pids# }
[ -n "$port_owner_pids" ] || port_unseen=yes
}
command_environment() {
[ -z "\${command_environment:-}" ] || return 0
account_environment "$me_name"
command_environment=$account_environment
[ ! -d "/run/user/$me" ] || command_environment="$command_environment XDG_RUNTIME_DIR=/run/user/$me"
}
run_command() (
command_environment
cd /
eval "limited \\"\\$1\\" env -i $command_environment /bin/sh -c \\"\\$2\\""
)
open_output() {
rm -f command.pipe command.output
: >command.output
if mkfifo command.pipe; then
exec 6<>command.pipe
exec 5<command.pipe
exec 4>command.pipe 6>&-
keep_output &
exec 5<&-
else
exec 4>/dev/null
fi
rm -f command.pipe
}
keep_output() {
exec <&5 >/dev/null 2>&1 3<&- 4>&- 7>&- 8<&- 9>&-
trap '' HUP INT TERM
exec 5>command.output
cd / || exit
dd bs=4096 count=256 >&5 2>/dev/null
exec 5>&-
exec cat >/dev/null
}
health_check() {
health_contains=$1
shift
health_reason=
health_hopeless=
if [ -n "$in_health_port" ] && ! port_owned_by "$in_health_port" "$@"; then
health_reason="pid $* does not listen on port $in_health_port"
port_inodes "$in_health_port"
[ -z "$port_inodes" ] || health_reason="another process than pid $* listens on port $in_health_port"
return 1
fi
[ -z "$in_health_url" ] || health_url || return 1
[ -n "$in_health_command" ] || return 0
run_command 10 "$in_health_command" >/dev/null 2>&1 && return 0
health_reason="the health command exited with code $?"
return 1
}
health_url() {
if ! http_get "$in_health_url" 5; then
health_reason="$in_health_url: \${http_error:-no answer}"
[ -z "$http_untrusted" ] || health_hopeless=yes
return 1
fi
if ! status_in "$http_status" "$in_health_status"; then
health_reason="$in_health_url answers $http_status, not $in_health_status: $(health_excerpt)"
return 1
fi
[ "$health_contains" = yes ] && [ -n "$in_health_contains" ] || return 0
case $http_body in *"$in_health_contains"*) return 0 ;; esac
health_reason="$in_health_url answers $http_status without '$in_health_contains': $(health_excerpt)"
return 1
}
health_excerpt() {
printf '%s' "$http_body" | head -c 200
}
status_in() {
status_rest=$2,
while [ -n "$status_rest" ]; do
status_range=\${status_rest%%,*}
status_rest=\${status_rest#*,}
if [ "$1" -ge "\${status_range%-*}" ] && [ "$1" -le "\${status_range#*-}" ]; then return 0; fi
done
return 1
}
uptime_cs() {
IFS='. ' read -r uptime_whole uptime_part _ </proc/uptime
uptime_part=\${uptime_part#0}
now_cs=$((uptime_whole * 100 + \${uptime_part:-0}))
}
pause_cs() {
pause_ms "$(($1 * 10))"
}
pause_ms() {
pause_part=$(($1 % 1000))
while [ "\${#pause_part}" -lt 3 ]; do pause_part=0$pause_part; done
sleep "$(($1 / 1000)).$pause_part" 2>/dev/null || sleep "$((($1 + 999) / 1000))"
}
say_unit_output() {
command -v journalctl >/dev/null || return 0
read_all_output
set --
for output_id in $failed_ids; do
set -- "$@" + "_SYSTEMD_INVOCATION_ID=$output_id"
[ -n "$unit_user" ] || set -- "$@" + "INVOCATION_ID=$output_id" _PID=1
done
if [ -z "$unit_user" ]; then
for output_unit in $failed_units; do
nameless_pids "$output_unit"
for output_pid in $failed_pids $nameless_pids; do set -- "$@" + "_SYSTEMD_UNIT=$output_unit" "_PID=$output_pid"; done
done
elif output_uid=$(id -u -- "$unit_user"); then
for output_pid in $failed_pids; do set -- "$@" + "_UID=$output_uid" "_PID=$output_pid"; done
fi
[ "$#" -gt 0 ] || return 0
shift
say output "$(limited 5 journalctl --quiet --no-pager --boot -o cat -n 30 "$@" 2>/dev/null | tail -c 8000)"
}
remember_start_output() {
failed_ids=\${unit_ids:-}
failed_pids=\${unit_pids:-}
failed_units=\${proved_units:-}
failed_mark=\${start_mark:-}
}
read_all_output() {
limited 3 journalctl --sync >/dev/null 2>&1 || pause_cs 20
}
nameless_pids() {
nameless_since=$(date +%s)
uptime_cs
nameless_since=$((nameless_since - (now_cs - failed_mark) / 100 - 1))
nameless_pids=
for nameless_pid in $(limited 3 journalctl --quiet --no-pager -o json --output-fields=_PID,_SYSTEMD_INVOCATION_ID "--since=@$nameless_since" "_SYSTEMD_UNIT=$1" 2>/dev/null | sed -n '/"_SYSTEMD_INVOCATION_ID"/d; s/.*"_PID" *: *"\\([0-9]*\\)".*/\\1/p' | sort -u); do
case " \${present_pids:-} " in *" $nameless_pid "*) ;; *) nameless_pids="$nameless_pids $nameless_pid" ;; esac
done
}
exit_in_journal() {
how_ended='how is not known'
command -v journalctl >/dev/null || return 0
find_exit "$1"
[ -n "$exit_status" ] || { read_all_output; find_exit "$1"; }
case $exit_status in
'' | *[!0-9A-Z]*) ;;
*[!0-9]*) how_ended="killed by signal $exit_status" ;;
*) how_ended="exit status $exit_status" ;;
esac
}
find_exit() {
exit_status=$(limited 3 journalctl --quiet -n 1 -o cat --output-fields=EXIT_STATUS MESSAGE_ID=98e322203f7a4ed290d09fe03c09fe15 "INVOCATION_ID=$1" 2>/dev/null)
}
remember_end() {
add_line history "$(date -u +%Y-%m-%dT%H:%M:%SZ) \${new_sha:--} \${in_run:--} \${in_actor:--} $1"
[ -z "\${journal_id:-}" ] || [ "\${journal_is_open:-}" != yes ] || add_line ended "$journal_id $1 \${pid:--} $in_run"
[ "\${journal_id:-}" = "$in_id" ] && [ "\${journal_is_open:-}" = yes ] || add_line ended "$in_id $1 \${pid:--} $in_run"
shorten history
shorten ended
sync history ended
} 2>/dev/null
add_line() {
[ -z "$(tail -c 1 "$1")" ] || printf '\\n' >>"$1"
printf '%s\\n' "$2" >>"$1"
}
shorten() {
[ "$(wc -l <"$1")" -ge 200 ] || return 0
tail -n 100 "$1" >"$1.new" && sync "$1.new" && mv -f "$1.new" "$1" || rm -f "$1.new"
}
keep_reserve() {
head -c 65536 /dev/urandom >reserve && sync reserve
} 2>/dev/null
free_reserve() {
rm -f reserve
}
journal_open() {
journal_is_open=
journal_error=$( (journal_lines >journal.new && sync journal.new && mv -f journal.new journal && sync .) 2>&1) ||
{ refused="the journal could not be written: \${journal_error##*: }"; return 1; }
journal_is_open=yes
}
JOURNAL_KEYS='part_kind release release_part release_parts release_folder release_name members'
journal_lines() {
printf 'transaction=%s\\nid=%s\\n' "$in_run" "$journal_id" || return 1
for journal_key in $JOURNAL_KEYS $PART_KEYS; do
eval "say $journal_key \\"\\\${$journal_key-}\\"" || return 1
done
}
journal() {
phase=$1
uptime_cs
say phase "$phase $((now_cs - began_cs))"
refused_journal='the journal could not be written'
[ "\${journal_is_open:-}" = yes ] || { refused=$refused_journal; return 1; }
case $phase in start | accept | restart-old | rollback-stable | end) journal_also=.. ;; *) journal_also= ;; esac
journal_line '' && return 0
free_reserve
journal_line "$newline" && return 0
refused=$refused_journal
return 1
}
journal_line() {
printf '%sphase=%s\\n' "$1" "$phase" >>journal || return 1
[ -z "$journal_also" ] || ! sync journal .. || return 0
sync journal
} 2>/dev/null
journal_read() {
journal_phase=
journal_id=
[ -f journal ] || return 1
while IFS= read -r journal_line; do
journal_value=\${journal_line#*=}
case $journal_line in
phase=*) journal_phase=$journal_value ;;
transaction=*) journal_run=$journal_value ;;
id=*) journal_id=$journal_value ;;
*=*)
journal_key=\${journal_line%%=*}
case $journal_key in *[!a-z_]*) continue ;; esac
case " $JOURNAL_KEYS $PART_KEYS " in
*" $journal_key "*)
unsaid "$journal_value"
eval "$journal_key=\\$unsaid"
;;
esac
;;
esac
done <journal
[ -n "$journal_phase" ] && journal_is_open=yes
}
unsaid() {
case $1 in
*\\\\*) unsaid=$(printf '%b.' "$1") && unsaid=\${unsaid%.} ;;
*) unsaid=$1 ;;
esac
}
is_my_journal() {
[ -f journal ] || return 0
while IFS= read -r journal_line; do
case $journal_line in part_kind=?*) ;; *) continue ;; esac
[ "\${journal_line#part_kind=}" != "$PART_KIND" ] || return 0
refused="the unfinished deploy is one of a \${journal_line#part_kind=}; run that release again"
return 1
done <journal
}
remember_release() {
printf '%s %s %s\\n' "\${release:-$journal_id}" "\${old_sha:-none}" "$(date +%s)" >last-release.new && mv -f last-release.new last-release
} 2>/dev/null
digest() {
if command -v openssl >/dev/null; then
digest_line=$(openssl dgst -sha256 -r 2>/dev/null) || digest_line=
else
digest_line=$(sha256sum)
fi
printf '%s\\n' "\${digest_line%% *}"
}
file_identity() {
file_identity=$(TZ=UTC0 stat -c '%d %i %s %y %z' "$1" 2>/dev/null)
}
is_same_file() {
file_identity "$2"
is_same=\${1% *}
is_same=\${is_same% *}
is_same=\${is_same% *}
case $file_identity in "$is_same "*) [ -n "$is_same" ] ;; *) return 1 ;; esac
}
live_of_old() {
old_live=
case $(head -n 1 live 2>/dev/null) in "$old_sha "*) old_live=$(sed -n 2,4p live) ;; esac
old_live=\${old_live:-$newline$newline}
}
remember_live() {
free_reserve
file_identity "../$in_name"
read -r boot_id </proc/sys/kernel/random/boot_id
live_run_as=
[ "$restart" != process ] || live_run_as=$run_user
{
printf '%s %s\\n' "$1" "$file_identity"
printf '%s\\n' "$2" "\${log_inode:-0} \${log_from:-0}" "\${boot_id:-unknown} $(date +%s)" "$live_run_as"
} >live.new && sync live.new && mv -f live.new live || rm -f live live.new
} 2>/dev/null
take_original() {
rm -f original
if ! ln "../$in_name" original 2>/dev/null; then
[ -f "../$in_name" ] && [ ! -L "../$in_name" ] && timed 600 cp -P -p "../$in_name" original || return 1
fi
[ -f original ] && [ ! -L original ]
}
live_is() {
if take_original && [ "$(digest <original)" = "$1" ]; then live_is=yes; else live_is=no; fi
rm -f original
[ "$live_is" = yes ]
}
enter_folder() {
if [ "$me" != 0 ]; then
cd -P -- "$1" 2>/dev/null && return 0
refused="$1 can't be entered by $me_name"
return 1
fi
cd / || return 1
walk_rest=$1
walk_links=0
while [ -n "$walk_rest" ]; do
walk_step=\${walk_rest%%/*}
case $walk_rest in */*) walk_rest=\${walk_rest#*/} ;; *) walk_rest= ;; esac
case $walk_step in '' | .) continue ;; esac
if [ -L "./$walk_step" ]; then
follow_link "./$walk_step" || return 1
continue
fi
walk_at=\${PWD%/}
cd -P "./$walk_step" 2>/dev/null || { refused="$walk_at/$walk_step is not a folder"; return 1; }
[ "$walk_step" = .. ] || [ "$PWD" = "$walk_at/$walk_step" ] || { refused="$walk_at/$walk_step was swapped while it was entered"; return 1; }
done
}
follow_link() {
if [ "$(stat -c %u "$1")" != 0 ]; then
refused="$PWD/\${1#./} is a symbolic link of another account, and root does not follow it"
return 1
fi
walk_links=$((walk_links + 1))
[ "$walk_links" -le 20 ] || { refused='too many symbolic links in the path'; return 1; }
walk_link=$(readlink "$1" && echo x)
walk_link=\${walk_link%?x}
case $walk_link in /*) cd / ;; esac
walk_rest=$walk_link/$walk_rest
}
process_start() {
process_start=
process_parent=
process_stat=
[ -n "$1" ] || return 1
{ while IFS= read -r process_line; do process_stat=$process_stat$process_line; done <"/proc/$1/stat"; } 2>/dev/null
process_stat=\${process_stat##*) }
set -- $process_stat
[ "$#" -ge 20 ] || return 1
process_start=\${20}
process_state=$1
process_parent=$2
process_session=$4
}
process_alive() {
process_start "$1" || return 1
case $process_state in Z | X) return 1 ;; esac
[ "$process_start" = "$2" ]
}
process_uid() {
process_uid=
process_effective_uid=
{ while read -r uid_key uid_real uid_effective _; do
case $uid_key in
Uid:)
process_uid=$uid_real
process_effective_uid=$uid_effective
break
;;
esac
done <"/proc/$1/status"; } 2>/dev/null
[ -n "$process_uid" ]
}
short_name() {
short_name=$1
while [ "\${#short_name}" -gt 15 ]; do short_name=\${short_name%?}; done
}
descends_from() {
descends_pid=$1
while [ "\${descends_pid:-0}" -gt 1 ]; do
process_start "$descends_pid" || return 1
descends_pid=$process_parent
[ "$descends_pid" != "$2" ] || return 0
done
return 1
}
release_at=/proc/self/fd/8
release_is_open=\${release_is_open:-}
hold_release() {
hold_from=$PWD
[ ! -L "./release.$in_release" ] && cd -P "./release.$in_release" 2>/dev/null || return 1
if [ "$PWD" = "$hold_from/release.$in_release" ] && [ "$(stat -c '%u %a' .)" = "$me 700" ]; then
exec 8<.
release_is_open=yes
fi
cd -P .. || return 1
}
enter_release() {
enter_own_name=$in_name
in_name=$in_first_name
if enter_folder "$in_first_folder" && enter_state; then hold_release || :; fi
in_name=$enter_own_name
[ -n "$release_is_open" ]
}
newest_releases() {
newest_rank=99999999
for newest_about in $(ls -t releases 2>/dev/null); do
case $newest_about in *.about) ;; *) continue ;; esac
newest_rank=$((newest_rank - 1))
release_sequence "releases/$newest_about"
printf '%08d %s %s\\n' "$release_sequence" "$newest_rank" "\${newest_about%.about}"
done | sort -r | while read -r _ _ newest_sha; do printf '%s\\n' "$newest_sha"; done
}
next_sequence() {
next_sequence=1
for sequence_of in releases/*.about; do
[ -f "$sequence_of" ] || continue
release_sequence "$sequence_of"
[ "$release_sequence" -lt "$next_sequence" ] || next_sequence=$((release_sequence + 1))
done
}
release_sequence() {
release_sequence=
{ read -r _ && read -r release_sequence; } <"$1"
release_sequence=\${release_sequence#sequence=}
case $release_sequence in '' | 0* | *[!0-9]* | ?????????*) release_sequence=0 ;; esac
}
keep_previous() {
[ -n "$old_sha" ] || return 0
refused="the previous release could not be kept$(room_left)"
kept_now=$old_sha
take_original || return 1
is_same_file "\${in_seen%%"$newline"*}" original || sha256_is "$old_sha" <original || return 1
rm -f "releases/$old_sha"
mv -f original "releases/$old_sha" && write_about && sync "releases/$old_sha" releases
}
keep_packed() {
[ -n "$old_sha" ] || return 0
refused="the previous release could not be kept, not even compressed$(room_left)"
kept_now=$old_sha
take_original || return 1
if ! is_same_file "\${in_seen%%"$newline"*}" original; then sha256_is "$old_sha" <original || return 1; fi
if ! prove_kept "$old_sha"; then
drop_release "$old_sha"
packed=zst
command -v zstd >/dev/null || packed=gz
case $packed in zst) pack='zstd -q -c -1' ;; gz) pack='gzip -c -1' ;; esac
$pack <original >"releases/packed.$packed" && unpack "releases/packed.$packed" | sha256_is "$old_sha" &&
sync "releases/packed.$packed" && mv -f "releases/packed.$packed" "releases/$old_sha.$packed" ||
{ rm -f "releases/packed.$packed"; return 1; }
fi
keep_attributes
rm -f original
write_about && sync releases
}
keep_attributes() {
kept_context=
[ ! -e /sys/fs/selinux/enforce ] || kept_context=,context
rm -f releases/like
if cp --attributes-only "--preserve=mode,xattr$kept_context" original releases/like 2>/dev/null; then
sync releases/like && mv -f releases/like "releases/$old_sha.like"
else
rm -f releases/like "releases/$old_sha.like"
fi
}
write_about() {
next_sequence
printf '%s %s %s\\nsequence=%s\\n' "$old_about" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$in_run" "$next_sequence" >releases/about &&
sync releases/about && mv -f releases/about "releases/$old_sha.about"
}
prove_kept() {
refused="the kept release $1 is gone"
for release_file in "releases/$1" "releases/$1.zst" "releases/$1.gz"; do
[ -f "$release_file" ] || continue
if unpack "$release_file" 2>/dev/null | sha256_is "$1"; then return 0; fi
refused="the kept release $1 was changed after it was kept; it is not used"
done
return 1
}
unpack() {
case $1 in
*.zst) zstd -q -d -c "$1" ;;
*.gz) gzip -d -c "$1" ;;
*) cat "$1" ;;
esac
}
sha256_is() {
[ "$(digest)" = "$1" ]
}
restore_file() {
refused="the kept release $1 is gone"
for release_file in "releases/$1" "releases/$1.zst" "releases/$1.gz"; do
[ -f "$release_file" ] || continue
rm -f restored
if ! restore_from "$release_file"; then
refused="the kept release $1 could not be written$(room_left)"
elif ! sha256_is "$1" <restored; then
refused="the kept release $1 was changed after it was kept; it is not used"
elif ! restore_metadata "$1" "$release_file" || ! sync restored; then
refused="the metadata of the kept release $1 could not be restored"
else
refused=
return 0
fi
done
rm -f restored
return 1
}
restore_from() {
case $1 in
*.zst | *.gz) unpack "$1" >restored ;;
*) ln "$1" restored || cp -p "$1" restored ;;
esac
} 2>/dev/null
restore_metadata() {
case $2 in *.zst | *.gz) ;; *) return 0 ;; esac
read_about "$1" || return 1
chown "$about_owner" restored 2>/dev/null || [ "$me" != 0 ] || return 1
[ ! -f "releases/$1.like" ] || cp --attributes-only --preserve=mode,xattr "releases/$1.like" restored || return 1
chmod "$about_mode" restored
}
read_about() {
about_owner=
about_mode=
IFS= read -r about_rest <"releases/$1.about" || return 1
while :; do
case $about_rest in *' '*) ;; *) return 1 ;; esac
about_mode=\${about_rest%% *}
about_rest=\${about_rest#* }
case $about_mode/$about_rest in [0-7][0-7][0-7]*/[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T*) break ;; esac
about_owner=$about_owner\${about_owner:+ }$about_mode
done
[ -n "$about_owner" ]
}
drop_release() {
rm -f "releases/$1" "releases/$1.zst" "releases/$1.gz" "releases/$1.like" "releases/$1.about"
}
prune_releases() {
drop_release "$1"
newest_releases | {
prune_seen=0
while read -r prune_sha; do
prune_seen=$((prune_seen + 1))
[ "$prune_seen" -le "$in_keep_releases" ] || drop_release "$prune_sha"
done
}
}
room_left() {
df -P . 2>/dev/null | { read -r _ && read -r _ _ _ df_free _ && printf '; %s kB are free in this folder' "$df_free"; }
df -P -i . 2>/dev/null | { read -r _ && read -r _ df_all _ df_free _ && [ "$df_all" -gt 0 ] && [ "$df_free" -lt 20 ] && printf ', and %s inodes' "$df_free"; } 2>/dev/null
}
enter_own() {
if [ -n "$in_release" ] && [ "$in_part" != 1 ]; then join_release || return 1; fi
enter_folder "$in_folder" && enter_state create || return 1
if [ -n "$in_release" ] && [ "$in_part" = 1 ]; then make_release || return 1; fi
[ -z "$in_release" ] || join_as_member
}
make_release() {
refused="the release folder could not be made in $PWD$(room_left)"
mkdir -m 700 "release.$in_release" && sync "release.$in_release" . && hold_release && [ -n "$release_is_open" ] && refused=
} 2>/dev/null
join_release() {
uptime_cs
join_until=$((now_cs + 6000))
until enter_release; do
uptime_cs
[ "$now_cs" -lt "$join_until" ] || { refused="the release folder in $in_first_folder did not appear within 60 s"; return 1; }
still_connected
pause_ms 20
done
}
join_as_member() {
process_start "$$"
member_mark="$$ $process_start"
vote member && return 0
refused="the release folder can't be written"
return 1
}
vote() {
[ -n "$in_release" ] || return 0
printf '%s\\n' "$member_mark" 2>/dev/null >"$release_at/$1.$in_part"
}
has_voted() {
[ -s "$release_at/$1.$2" ]
}
member_is_alive() {
alive_pid=
{ IFS=' ' read -r alive_pid alive_start <"$release_at/member.$1"; } 2>/dev/null
[ -n "$alive_pid" ] && process_alive "$alive_pid" "$alive_start"
}
member_name() {
name_left=$1
name_rest=$in_members$newline
while [ "$name_left" -gt 1 ]; do
name_rest=\${name_rest#*"$newline"}
name_left=$((name_left - 1))
done
member_name=\${name_rest%%"$newline"*}
}
prepare_decision() {
[ -n "$in_release" ] || return 0
refused="the release folder could not be written, or its file system has no hard links$(room_left)"
printf 'commit\\n' >"$release_at/commit.$in_part" && printf 'abort\\n' >"$release_at/abort.$in_part" &&
rm -f "$release_at/try.$in_part" && ln "$release_at/abort.$in_part" "$release_at/try.$in_part" &&
sync "$release_at/commit.$in_part" "$release_at/abort.$in_part" "$release_at/." && refused=
} 2>/dev/null
read_decision() {
decision=
{ IFS= read -r decision <"$release_at/decision"; } 2>/dev/null
[ -n "$decision" ]
}
decide() {
decision=
[ -n "$in_release" ] || return 0
read_decision || ln "$release_at/$1.$in_part" "$release_at/decision" 2>/dev/null || free_reserve
read_decision || ln "$release_at/$1.$in_part" "$release_at/decision" 2>/dev/null
read_decision && sync "$release_at/."
}
leave_release() {
[ -n "$in_release" ] && [ -n "$release_is_open" ] || return 0
vote ended
leave_other=1
while [ "$leave_other" -le "$in_parts" ]; do
has_voted ended "$leave_other" || return 0
leave_other=$((leave_other + 1))
done
rm -f "$release_at"/* 2>/dev/null
rmdir "$release_at/../release.$in_release" 2>/dev/null || :
}
drop_old_releases() {
for drop_folder in release.*; do
[ -d "$drop_folder" ] && [ ! -L "$drop_folder" ] && [ "$drop_folder" != "release.$in_release" ] || continue
release_is_over "$drop_folder" || continue
rm -rf "./$drop_folder"
done
}
release_is_over() {
for over_file in "$1"/begun.* "$1"/member.*; do
[ -f "$over_file" ] || continue
over_number=\${over_file##*.}
[ ! -f "$1/ended.$over_number" ] || continue
case $over_file in "$1"/begun.*) return 1 ;; esac
IFS=' ' read -r over_pid over_start <"$over_file" || continue
! process_alive "$over_pid" "$over_start" || return 1
done
}
meet() {
[ -n "$in_release" ] || return 0
vote "$1" || { refused="the release folder can't be written"; return 1; }
meet_other=1
while [ "$meet_other" -le "$in_parts" ]; do
await "$1" "$meet_other" || return 1
meet_other=$((meet_other + 1))
done
}
await_next() {
[ -n "$in_release" ] && [ "$in_part" -lt "$in_parts" ] || return 0
await "$1" "$((in_part + 1))"
}
await_previous() {
[ -n "$in_release" ] && [ "$in_part" -gt 1 ] || return 0
await "$1" "$((in_part - 1))"
}
await() {
[ -n "$in_release" ] || return 0
uptime_cs
await_until=$((now_cs + in_wait_seconds * 100))
until has_voted "$1" "$2"; do
release_holds || return 1
uptime_cs
if [ "$now_cs" -ge "$await_until" ]; then
member_name "$2"
failed=release
refused="$member_name did not come to \\\`$1\\\` within $in_wait_seconds s"
return 1
fi
still_connected
pause_ms 10
done
}
await_go() {
[ -n "$in_release" ] && [ "$in_waits" = yes ] || return 0
say waits yes
uptime_cs
await_until=$((now_cs + in_wait_seconds * 100))
until [ -e "$release_at/go" ]; do
release_holds || return 1
uptime_cs
[ "$now_cs" -lt "$await_until" ] || { refused="the runner did not let it go on within $in_wait_seconds s"; return 1; }
still_connected
pause_ms 20
done
}
release_holds() {
[ -n "$in_release" ] || return 0
holds_other=1
while [ "$holds_other" -le "$in_parts" ]; do
if [ -e "$release_at/failed.$holds_other" ]; then
member_name "$holds_other"
failed=release
refused="$member_name failed"
return 1
fi
if ! member_is_alive "$holds_other" && ! has_voted ended "$holds_other"; then
if has_voted member "$holds_other"; then holds_why='was killed'; else holds_why='did not start within 60 s'; fi
uptime_cs
if [ "$holds_why" = 'was killed' ] || [ "$now_cs" -ge "$((began_cs + 6000))" ]; then
member_name "$holds_other"
failed=release
refused="the transaction of $member_name $holds_why"
return 1
fi
fi
holds_other=$((holds_other + 1))
done
if read_decision && [ "$decision" = abort ]; then
failed=release
refused='another part of the release failed'
return 1
fi
}
holds_while_proved() {
[ -z "$in_release" ] || [ "\${stable_phase:-stable}" != stable ] || release_holds
}
still_connected() {
[ "\${in_detached:-}" != yes ] || return 0
[ "$now_cs" -ge "\${connected_until:-0}" ] || return 0
connected_until=$((now_cs + 100))
printf '\\n'
}
take_turn() {
[ -n "$in_release" ] && [ "$2" -ge 1 ] && [ "$2" -le "$in_parts" ] || return 0
uptime_cs
turn_until=$((now_cs + in_wait_seconds * 100))
until has_voted "$1" "$2" || has_voted ended "$2" || ! member_is_alive "$2"; do
uptime_cs
[ "$now_cs" -lt "$turn_until" ] || return 0
pause_ms 10
done
}
take_turns() {
[ -n "$in_release" ] || return 0
vote "$1"
turns_other=1
while [ "$turns_other" -le "$in_parts" ]; do
[ "$turns_other" = "$in_part" ] || take_turn "$1" "$turns_other"
turns_other=$((turns_other + 1))
done
}
reach_health() {
case \${stable_phase:-stable} in
stable) meet healthy ;;
rollback-stable) vote undo-healthy || : ;;
esac
}
reload_together() {
[ -n "$in_release" ] && [ -n "$in_reloads" ] || return 0
if [ "$in_reloads" = "$in_part" ]; then
part_reload
vote "$1"
elif [ "$1" = reloaded ]; then
await "$1" "$in_reloads"
else
take_turn "$1" "$in_reloads"
fi
}
commit_release() {
[ -n "$in_release" ] || return 0
meet stable || return 1
decide commit
[ "$decision" != commit ] || return 0
failed=release
refused='another part of the release failed'
return 1
}
abort_release() {
[ -n "$in_release" ] || return 0
vote failed
decide abort
[ "$decision" != commit ]
}
read_regular() {
find_nofollow
if [ "$me" != 0 ]; then
limited 100 cat -- "$1"
elif [ "$nofollow" = yes ]; then
limited 100 dd "if=$1" iflag=nofollow,nonblock bs=262144
else
(user_limit=100 && cd -P -- "\${1%/*}/" && owner_of . && as_user "$owner_uid" cat -- "./\${1##*/}")
fi 2>/dev/null
}
find_nofollow() {
[ -z "\${nofollow:-}" ] || return 0
nofollow=no
case $(limited 5 dd --version 2>/dev/null) in 'dd (coreutils)'*) nofollow=yes ;; esac
}
image_of() {
image=$(stat -c '%d:%i %f' "$1" 2>/dev/null) || image=
case $image in
*' 8'???) image=\${image% *} ;;
*) image= ;;
esac
}
executes() {
[ -n "$2" ] && [ "$(stat -L -c '%d:%i' "/proc/$1/exe" 2>/dev/null)" = "$2" ]
}
find_running() {
running=''
strangers=''
contained=''
running_unseen=''
find_path=$1
shift
find_images=" $* "
sees_all
find_list=$(stat -L -c '%n %d:%i %h' /proc/[0-9]*/exe 2>/dev/null)
find_matches=
find_noted=
find_deleted=
IFS=$newline
for find_line in $find_list; do
find_image=\${find_line#* }
find_pid=\${find_line%%/exe*}
find_pid=\${find_pid#/proc/}
case $find_images in
*" \${find_image% *} "*)
case " \${noted_images:-} " in
*" \${find_image% *} "*) find_noted="$find_noted $find_pid" ;;
*) find_matches="$find_matches $find_pid" ;;
esac
;;
*) case $find_image in *' 0') find_deleted="$find_deleted $find_pid" ;; esac ;;
esac
done
IFS=$usual_ifs
for find_pid in $find_matches; do sort_in "$find_pid"; done
for find_pid in $find_noted; do
case $(readlink "/proc/$find_pid/exe" 2>/dev/null) in "\${find_path%/*}/"*) sort_in "$find_pid" ;; esac
done
for find_pid in $find_deleted; do
is_trusted "$find_pid" && [ "$(readlink "/proc/$find_pid/exe" 2>/dev/null)" = "$find_path (deleted)" ] && sort_in "$find_pid"
done
[ "$sees_all" = yes ] || find_unseen "\${find_path##*/}"
running=\${running# }
strangers=\${strangers# }
contained=\${contained# }
running_unseen=\${running_unseen# }
}
sort_in() {
if [ "/proc/$1/root/." -ef /. ]; then
if is_trusted "$1"; then running="$running $1"; elif [ -n "$process_uid" ]; then strangers="$strangers $1"; fi
elif is_trusted "$1"; then
contained="$contained $1"
fi
}
is_trusted() {
process_uid "$1" || return 1
case " $trusted " in *" $process_uid "*) ;; *) return 1 ;; esac
case " $trusted " in *" $process_effective_uid "*) ;; *) return 1 ;; esac
}
sees_all() {
[ -z "\${sees_all:-}" ] || return 0
sees_all=no
while read -r sees_key sees_value; do
case $sees_key/$sees_value in CapEff:/*[89a-f]????) sees_all=yes ;; esac
done </proc/self/status
}
find_unseen() {
short_name "$1"
for find_proc in /proc/[0-9]*; do
find_name=
{ IFS= read -r find_name <"$find_proc/comm"; } 2>/dev/null || continue
[ "$find_name" = "$short_name" ] && ! readlink "$find_proc/exe" >/dev/null 2>&1 || continue
process_start "\${find_proc#/proc/}" || continue
case $process_state in Z | X) ;; *) running_unseen="$running_unseen \${find_proc#/proc/}" ;; esac
done
}
main_process() {
main_pid=
main_pids=
for find_pid in $running; do
process_start "$find_pid" && process_uid "$find_pid" || continue
[ -z "\${1:-}" ] || [ "$process_uid" = "$1" ] || continue
case " $running " in *" \${process_parent:-none} "*) ;; *) main_pids="$main_pids $find_pid" ;; esac
done
main_pids=\${main_pids# }
main_pid=\${main_pids%% *}
}
cgroup_unit() {
cgroup_path=
cgroup_unit=
cgroup_uid=
{ while IFS=: read -r cgroup_level cgroup_controllers cgroup_read; do
case $cgroup_level:$cgroup_controllers:$cgroup_read in
*:name=systemd:/?*) cgroup_path=$cgroup_read ;;
0::/?*) cgroup_path=\${cgroup_path:-$cgroup_read} ;;
esac
done <"/proc/$1/cgroup"; } 2>/dev/null
cgroup_rest=$cgroup_path
while [ -n "$cgroup_rest" ]; do
cgroup_step=\${cgroup_rest%%/*}
case $cgroup_rest in */*) cgroup_rest=\${cgroup_rest#*/} ;; *) cgroup_rest= ;; esac
case $cgroup_step in
user@*.service)
cgroup_uid=\${cgroup_step#user@}
cgroup_uid=\${cgroup_uid%.service}
cgroup_unit=
;;
*.service) cgroup_unit=$cgroup_step ;;
esac
done
[ -n "$cgroup_unit" ]
}
in_cgroup() {
cgroup_unit "$1" || :
[ -n "$2" ] || return 1
case $cgroup_path/ in "$2"/* | */*"$2"/*) return 0 ;; esac
return 1
}
stop_units() {
[ -n "$units" ] || return 0
stop_tries=0
systemctl_seconds=$in_stop_timeout_seconds
until unit_error=$(exec 9>&-; systemctl_for "$unit_user" stop -- $units 2>&1); do
stop_code=$?
case $stop_code in
124 | 137 | 143) ;;
*)
systemctl_seconds=30
refused="systemd could not stop $units: $unit_error"
return 1
;;
esac
stop_tries=$((stop_tries + 1))
if [ "$stop_tries" -gt 4 ]; then
systemctl_seconds=30
refused="$units did not stop, not even after KILL"
return 1
fi
[ "$stop_tries" -gt 1 ] || say note "$units did not stop within $in_stop_timeout_seconds s; sending KILL"
systemctl_seconds=3
kill_units $units $dependents
done
systemctl_seconds=30
}
kill_units() {
( exec 9>&-; systemctl_for "$unit_user" kill --signal=KILL -- "$@" ) >/dev/null 2>&1
}
spare_units() {
[ -n "$restarted_units$left_units" ] || return 0
not_spared $running
running=$not_spared
not_spared $strangers
strangers=$not_spared
}
not_spared() {
not_spared=
for spare_pid in "$@"; do
cgroup_unit "$spare_pid"
case " $restarted_units $left_units " in
*" \${cgroup_unit:-/} "*) ;;
*) is_instance_left "$cgroup_unit" || not_spared="$not_spared $spare_pid" ;;
esac
done
not_spared=\${not_spared# }
}
is_instance_left() {
case $1 in *@*) ;; *) return 1 ;; esac
case " $left_units" in *" \${1%%@*}@"*) ;; *) return 1 ;; esac
}
reset_units() {
( exec 9>&-; systemctl_for "$unit_user" reset-failed -- $units $restarted_units ) >/dev/null 2>&1
}
choose_units() {
started_units=$units
if [ "$starting" = old ]; then
active_before $units
started_units=$active_before
fi
proved_units="$started_units $restarted_units"
proved_units=\${proved_units# }
proved_units=\${proved_units% }
units_reset=
unit_ids=
unit_pids=
unit_starts=
}
start_units() {
start_mode=
if [ "$in_start_alone" = yes ]; then
start_mode=--job-mode=ignore-dependencies
[ -z "$in_start_first" ] || change_units start "$start_mode" $in_start_first || return 1
elif [ "$#" -gt 0 ]; then
active_before $dependents
for start_unit in $active_before; do
case $start_unit in *.target) ;; *) set -- "$@" "$start_unit" ;; esac
done
fi
[ "$#" = 0 ] || change_units start --no-block $start_mode "$@" || return 1
[ -z "$restarted_units" ] || restart_units
}
start_rest() {
active_before $dependents
set --
for rest_unit in $active_before; do
case $in_start_alone/$rest_unit in yes/* | *.target) set -- "$@" "$rest_unit" ;; esac
done
[ "$#" = 0 ] || change_units start --no-block --job-mode=ignore-dependencies "$@"
}
change_units() {
unit_error=$(exec 9>&-; systemctl_for "$unit_user" "$@" 2>&1) && return 0
refused="systemd could not $1 the unit: $unit_error"
return 1
}
restart_units() {
restart_marks=
find_running '' $old_image $back_image
for restart_pid in $running $strangers; do
cgroup_unit "$restart_pid"
case " $restarted_units " in *" \${cgroup_unit:-/} "*) ;; *) continue ;; esac
process_start "$restart_pid" && restart_marks="$restart_marks $restart_pid:$process_start"
[ "$starting" = old ] || present_pids="$present_pids $restart_pid"
done
uptime_cs
down_mark=\${down_mark:-$now_cs}
[ "$starting" != old ] || revive_triggers
change_units restart --no-block $start_mode $restarted_units || return 1
restart_until=$((now_cs + in_stop_timeout_seconds * 100))
restart_killed=
restart_pause=1
for restart_mark in $restart_marks; do
while process_alive "\${restart_mark%:*}" "\${restart_mark#*:}"; do
uptime_cs
if [ "$now_cs" -ge "$restart_until" ]; then
[ "$restart_killed" != yes ] || { refused="pid \${restart_mark%:*} is still alive 5 s after KILL"; return 1; }
say note "pid \${restart_mark%:*} did not exit within $in_stop_timeout_seconds s; sending KILL"
kill_units $restarted_units
restart_killed=yes
restart_until=$((now_cs + 500))
fi
pause_ms "$restart_pause"
[ "$restart_pause" -ge 8 ] || restart_pause=$((restart_pause * 2))
done
done
}
revive_triggers() {
dead_triggers=
[ -z "$watched_units" ] || show_units "$unit_user" note_dead_trigger Id,ActiveState $watched_units
[ -n "$dead_triggers" ] || return 0
change_units stop $restarted_units || refused=
change_units start $dead_triggers || refused=
}
note_dead_trigger() {
case $show_Id/$show_ActiveState in
*.socket/failed | *.socket/inactive | *.path/failed | *.timer/failed) ! was_active "$show_Id" || dead_triggers="$dead_triggers $show_Id" ;;
esac
}
units_up() {
pid=
units_seen=
units_marks=
units_found=
health_reason=
show_units "$unit_user" judge_unit Id,ActiveState,SubState,MainPID,NRestarts,Result,ExecMainPID,ExecMainCode,ExecMainStatus,ControlGroup,InvocationID,Job,ConditionResult $proved_units || {
health_reason="systemd could not be queried: $unit_error"
return 1
}
[ -z "$gone" ] && [ -z "$health_reason" ]
}
judge_unit() {
[ -z "$gone" ] || return 0
unit_label=
[ "$proved_units" = "$show_Id" ] || unit_label="$show_Id: "
case $show_ActiveState/$show_SubState in
failed/*) unit_failed ;;
*/auto-restart*)
how_ended
unit_ended "the program exited ($how_ended), and systemd keeps restarting it"
;;
inactive/*)
if [ -n "\${show_Job#0}" ]; then health_reason="\${unit_label}waiting for systemd to start it"; else unit_inactive; fi
;;
deactivating/*) health_reason="$unit_label$show_SubState" ;;
*) unit_alive ;;
esac
}
note_start() {
case "$unit_pids " in *" $show_ExecMainPID "*) ;; *) unit_pids="$unit_pids \${show_ExecMainPID#0}" ;; esac
case "$unit_ids " in *" $show_InvocationID "*) ;; *) unit_ids="$unit_ids $show_InvocationID" ;; esac
case "$unit_starts " in
*" $show_Id="*) ;;
*) unit_starts="$unit_starts $show_Id=$show_InvocationID" ;;
esac
first_start=\${unit_starts#*" $show_Id="}
first_start=\${first_start%% *}
}
how_ended() {
note_start
case $show_ExecMainCode in
1) how_ended="exit status $show_ExecMainStatus" ;;
2 | 3) how_ended="killed by signal $show_ExecMainStatus" ;;
*) how_ended='how is not known' ;;
esac
}
unit_ended() {
gone=yes
refused="$unit_label$1"
}
unit_failed() {
if [ "$show_Result" = start-limit-hit ] && [ -z "$units_reset" ]; then
units_reset=yes
reset_units
change_units start --no-block $proved_units || refused=
health_reason="\${unit_label}start limit hit; started once more"
return
fi
how_ended
unit_ended "the unit failed: $show_Result, $how_ended"
}
unit_inactive() {
how_ended
if [ "$show_ConditionResult" = no ]; then
unit_ended 'a condition of the unit (Condition…=) is not met, so systemd did not start it'
elif [ "\${show_ExecMainPID:-0}" = 0 ]; then
unit_ended 'systemd did not start the unit; one that it requires may have failed'
else
unit_ended "the program exited ($how_ended)"
fi
}
unit_alive() {
note_start
if [ "\${show_NRestarts:-0}" -gt 0 ]; then
exit_in_journal "\${first_start:-none}"
unit_ended "the program exited ($how_ended), and systemd started it again"
return
fi
if [ "$show_ActiveState" = activating ]; then
health_reason="\${unit_label}systemd is still starting it ($show_SubState)"
return
fi
unit_process || { health_reason="\${unit_label}no process executes the file yet"; return; }
process_start "$unit_process" || { health_reason="\${unit_label}pid $unit_process just exited"; return; }
units_marks="$units_marks $unit_process:$process_start"
units_seen="$units_seen $show_Id:\${show_MainPID:-0}:\${show_NRestarts:-0}"
[ "$show_Id" != "$unit" ] && [ -n "$pid" ] || pid=$unit_process
}
unit_process() {
unit_process=\${show_MainPID:-0}
if [ "$unit_process" != 0 ] && executes "$unit_process" "$live_image"; then return 0; fi
if [ -z "$units_found" ]; then
find_running '' "$live_image"
units_found=yes
fi
for unit_candidate in $running \${strangers:-}; do
if in_cgroup "$unit_candidate" "$show_ControlGroup" || { [ -z "$cgroup_unit" ] && [ "$unit_process" != 0 ] && descends_from "$unit_candidate" "$unit_process"; }; then
unit_process=$unit_candidate
return 0
fi
done
[ "$unit_process" != 0 ] && is_script
}
units_stable() {
stable_seen=$units_seen
stable_marks=$units_marks
uptime_cs
stable_until=$((stable_from + in_stable_cs))
while [ "$now_cs" -lt "$stable_until" ]; do
stable_left=$((stable_until - now_cs))
if [ "$stable_left" -gt 5 ]; then pause_cs 5; else pause_cs "$stable_left"; fi
for stable_mark in $stable_marks; do
process_alive "\${stable_mark%:*}" "\${stable_mark#*:}" && continue
pause_cs 2
units_up
refused=\${refused:-"pid \${stable_mark%:*} exited within the stable window"}
return 1
done
uptime_cs
done
units_up || { refused=\${refused:-"no longer as at the start of the stable window: $health_reason"}; return 1; }
[ "$units_seen" = "$stable_seen" ] || { refused="systemd restarted it within the stable window (unit, main process and restarts:$stable_seen, then$units_seen)"; return 1; }
}
stop_all() {
case $restart in
systemd) stop_units || return 1 ;;
command) [ -z "$in_stop_command" ] || stop_by_command || return 1 ;;
esac
stop_processes
}
stop_by_command() {
open_output
run_command "$((in_stop_timeout_seconds + 10))" "$in_stop_command" >&4 2>&1 4>&-
stop_code=$?
exec 4>&-
[ "$stop_code" -ne 0 ] || return 0
refused="the stop command exited with code $stop_code"
return 1
}
stop_processes() {
find_executors
stop_signal=$in_stop_signal
stop_seconds=$in_stop_timeout_seconds
while [ -n "$running$strangers" ]; do
stop_with "$stop_signal" "$stop_seconds"
find_executors
[ -n "$running" ] || [ "$stop_signal" != KILL ] || strangers=
if [ "$stop_signal" = KILL ] && [ -n "$running" ]; then
refused="still alive 5 s after KILL: pid $running"
return 1
fi
[ -z "$running" ] || say note "pid $running did not exit within $stop_seconds s of $stop_signal; sending KILL"
stop_signal=KILL
stop_seconds=5
done
}
stop_with() {
stop_marks=
for stop_pid in $running $strangers; do
process_start "$stop_pid" || continue
kill -s "$1" "$stop_pid" 2>/dev/null || continue
case " $running " in *" $stop_pid "*) stop_marks="$stop_marks $stop_pid:$process_start" ;; esac
done
uptime_cs
stop_until=$((now_cs + $2 * 100))
stop_pause=1
for stop_mark in $stop_marks; do
while process_alive "\${stop_mark%:*}" "\${stop_mark#*:}"; do
uptime_cs
[ "$now_cs" -lt "$stop_until" ] || return 0
pause_ms "$stop_pause"
[ "$stop_pause" -ge 8 ] || stop_pause=$((stop_pause * 2))
done
done
}
find_executors() {
find_running "\${PWD%/*}/$in_name" $old_image $new_image $back_image $last_image
[ "$restart" != systemd ] || spare_units
}
only_proved() {
find_executors
for only_pid in $running; do
if ! executes "$only_pid" "$live_image"; then
process_running "$only_pid" || continue
started_by "$only_pid"
refused="pid $only_pid still runs another version of the file$started_by"
return 1
fi
[ "$restart" = process ] || continue
belongs_to "$only_pid" "$stable_pid" && continue
process_running "$only_pid" || continue
started_by "$only_pid"
refused="pid $only_pid also runs the file, besides pid $stable_pid$started_by"
return 1
done
only_others=
for only_pid in $strangers; do
case "\${units_marks:-} " in *" $only_pid:"*) ;; *) only_others="$only_others $only_pid" ;; esac
done
[ -z "$only_others" ] || say note "other accounts also execute the file: pid$only_others"
}
belongs_to() {
[ "$1" != "$2" ] || return 0
process_start "$2" && belongs_session=$process_session
process_start "$1" || return 0
[ "$process_session" != "\${belongs_session:-none}" ] || return 0
descends_from "$1" "$2"
}
started_by() {
started_by=
process_start "$1" && [ "$process_parent" -gt 1 ] || return 0
started_name=
{ IFS= read -r started_name <"/proc/$process_parent/comm"; } 2>/dev/null
started_by="; pid $process_parent ($started_name) started it and may start it again"
}
read_bytes() {
find_nofollow
bytes_seen=$(read_regular "../$in_name" | digest)
}
prove_bytes() {
bytes_sha=$new_sha
[ "$starting" = new ] || bytes_sha=$old_sha
[ "$bytes_seen" != "$bytes_sha" ] || return 0
refused="the bytes of $in_folder/$in_name were changed after it was put there"
return 1
}
program_words() {
program_words=$(zero_words "/proc/$1/cmdline" 1d)
words_rest=$program_words
while :; do
case $words_rest in "'' "*) words_rest=\${words_rest#"'' "} ;; *) break ;; esac
done
[ -z "$words_rest" ] || return 0
[ -z "$program_words" ] || return 1
case $in_folder/$in_name in *' '*) return 0 ;; esac
case $(zero_words "/proc/$1/cmdline" '2,$d') in *' '?*) return 1 ;; esac
}
prepare_process() {
open_start_errors
undo_ignored
user_shell "$run_user"
starter_values
starter="umask $run_umask
ulimit -S -c $core_limit
set -- $run_words
$starter_values
$(starter_lines)
\${run_env:+export $run_env
}exec $undo_ignored \\"\\$@\\" </dev/null 2>&1"
}
starter_values() {
run_path=$in_folder/$in_name
if [ "\${run_relative:-}" = yes ] && [ "$run_dir" -ef .. ]; then run_path=./$in_name; fi
run_second_log=
[ "$run_log" = "$in_log_file" ] || run_second_log=$in_log_file
starter_values=
for starter_value in "fdt_path=$run_path" "fdt_whole=$in_folder/$in_name" "fdt_dir=$run_dir" "fdt_dir2=$run_other_dir" "fdt_log=$run_log" "fdt_log2=$run_second_log"; do
quoted "\${starter_value#*=}"
starter_values="$starter_values\${starter_value%%=*}=$quoted "
done
[ "\${run_whole_env:-}" != yes ] || return 0
account_environment "$run_user"
run_env="$account_environment\${run_env:+ }$run_env"
}
starter_lines() {
printf '%s\\n' 'fdt_opens() {' \\
'if [ -e "$1" ] || [ -L "$1" ]; then' \\
'[ -f "$1" ] || return 1' \\
'[ -w "$1" ] || { mv -- "$1" "$1.until-$(date -u +%Y%m%dT%H%M%SZ)" 2>/dev/null && echo starter moved >&2; } || return 1' \\
'fi' \\
'{ true >>"$1"; } 2>/dev/null' \\
'}' \\
'if cd -- "$fdt_dir" 2>/dev/null; then :' \\
'elif [ -n "$fdt_dir2" ]; then' \\
'fdt_path=$fdt_whole' \\
'echo starter folder >&2' \\
'cd -- "$fdt_dir2" 2>/dev/null || cd /' \\
'else' \\
'echo "the folder $fdt_dir can not be entered" >&2' \\
'exit 1' \\
'fi' \\
'for fdt_at in "$fdt_log" "$fdt_log2" /dev/null; do' \\
'if [ "$fdt_at" = /dev/null ] || fdt_opens "$fdt_at"; then break; fi' \\
'done' \\
'exec >>"$fdt_at"' \\
'case $fdt_at in' \\
'"$fdt_log") ;;' \\
'/dev/null) echo starter nowhere >&2 ;;' \\
'*) echo starter log >&2 ;;' \\
'esac' \\
'if [ "$fdt_at" = /dev/null ]; then echo starter ran >&2; else stat -L -c "starter mark %i %s" -- "$fdt_at" >&2; fi' \\
'set -- "$fdt_path" "$@"' \\
'[ -x "$1" ] || { echo "$1 can not be executed by this account" >&2; exit 126; }' \\
'unset -f fdt_opens' \\
'unset fdt_path fdt_whole fdt_dir fdt_dir2 fdt_log fdt_log2 fdt_at OLDPWD PWD SHLVL'
}
open_start_errors() {
[ -z "\${start_pipe:-}" ] || return 0
start_pipe=yes
rm -f start.errors
if mkfifo start.errors; then exec 7<>start.errors; else exec 7<>/dev/null; fi
rm -f start.errors
}
start_process() {
printf '%s\\n' "$starter" | {
limit_by_hand
if [ "\${user_tool:-}" = su ] && [ -n "$user_words" ]; then
exec $limit_words setsid env -i "PATH=$PATH" $user_words "$user_name"
else
exec $limit_words setsid env -i "PATH=$PATH" $user_words "$user_shell"
fi
} >/dev/null 2>&7 3<&- 7>&- 8<&- 9>&- &
pid=$!
start_unread=yes
}
read_start() {
[ "\${start_unread:-}" = yes ] || return 0
start_unread=
start_errors=
start_rest=$(timed 1 dd bs=8000 count=1 2>/dev/null <&7)$newline
while [ -n "$start_rest" ]; do
start_line=\${start_rest%%"$newline"*}
start_rest=\${start_rest#*"$newline"}
case $start_line in
'' | 'starter ran') ;;
'starter moved') say note "the log belonged to an account other than $run_user; it was moved to LOG.until-TIME" ;;
'starter folder') say note "$run_user can no longer enter the working directory of the previous process; it runs in another one" ;;
'starter log') say note "$run_user can no longer write to the previous log; the output goes to $in_log_file" ;;
'starter nowhere') say note "$run_user can't write to any log; the output is lost" ;;
'starter mark '*) begin_log "\${start_line#starter mark }" ;;
*) start_errors=$start_errors$start_line$newline ;;
esac
done
}
begin_log() {
[ -z "\${log_from:-}" ] || return 0
is_number "\${1%% *}" && is_number "\${1#* }" || return 0
log_inode=\${1%% *}
log_from=\${1#* }
}
carry_limits() {
limit_words=
limit_soft=
limit_hard=
limit_files=
limit_processes=
while read -r limit_1 limit_2 limit_3 limit_4 limit_5 _; do
case "$limit_1 $limit_2 $limit_3" in
'Max open files') limit_files=$limit_4:$limit_5 ;;
"Max processes $limit_3") limit_processes=$limit_3:$limit_4 ;;
esac
done 2>/dev/null <"/proc/$1/limits"
[ -n "$limit_files" ] || return 0
if command -v prlimit >/dev/null; then
for limit_word in "--nofile=$limit_files" \${limit_processes:+"--nproc=$limit_processes"}; do
! prlimit "$limit_word" true 2>/dev/null || limit_words="$limit_words\${limit_words:+ }$limit_word"
done
limit_words=\${limit_words:+prlimit $limit_words}
else
limit_soft=\${limit_files%:*}
limit_hard=\${limit_files#*:}
fi
}
limit_by_hand() {
[ -n "\${limit_soft:-}" ] || return 0
for limit_way in "-S -n $limit_soft" "-H -n $limit_hard" "-S -n $limit_soft"; do
ulimit $limit_way 2>/dev/null
done
}
undo_ignored() {
undo_ignored=
case $in_folder/$in_name in *=*) return 0 ;; esac
if env --default-signal=INT,QUIT true 2>/dev/null; then
undo_ignored="$(command -v env) --default-signal=INT,QUIT"
fi
}
start_it() {
mark_start
case $restart in
none) return 0 ;;
systemd) start_unit ;;
command) start_by_command ;;
process) start_process ;;
esac
}
mark_start() {
pid=
reaped=
adopted=
image_pid=
uptime_cs
start_mark=$now_cs
}
start_unit() {
choose_units
[ "$starting" != old ] || reset_units
start_units $started_units
}
start_by_command() {
command_environment
open_output
(
cd / || exit
ulimit -S -c "$core_limit"
eval "exec env -i $command_environment setsid /bin/sh -c \\"\\$in_start_command\\""
) </dev/null >&4 2>&1 3<&- 4>&- 7>&- 8<&- 9>&- &
command_pid=$!
exec 4>&-
}
remember_present() {
find_executors
[ -z "$running" ] || was_running=yes
present_pids=$running
accounts=$trusted
old_user=$in_run_as
old_uid=$in_run_uid
[ "$restart" = process ] || return 0
main_process "$in_run_uid"
if [ -z "$main_pid" ] && [ -n "$in_last_run_uid" ]; then
main_process "$in_last_run_uid"
[ -z "$main_pid" ] || { old_user=$in_last_run_as; old_uid=$in_last_run_uid; }
fi
[ -z "$main_pid" ] || remember_running "$main_pid"
[ -z "$old_pid" ] || remember_parent
}
remember_parent() {
process_start "$old_pid" && [ "$process_parent" -gt 1 ] || return 0
parent_pid=$process_parent
process_start "$parent_pid" && respawner=$parent_pid:$process_start
}
adopt_respawned() {
uptime_cs
respawn_until=$((now_cs + $1))
while [ -n "$respawner" ] && process_alive "\${respawner%:*}" "\${respawner#*:}"; do
find_executors
for respawn_pid in $running; do
executes "$respawn_pid" "$live_image" || ! process_start "$respawn_pid" || kill -s KILL "$respawn_pid" 2>/dev/null
done
if find_forked; then
adopted=yes
started_by "$pid"
say note "pid $pid, which this step did not start, is taken as the program$started_by"
return 0
fi
uptime_cs
[ "$now_cs" -lt "$respawn_until" ] || return 1
pause_cs 2
done
return 1
}
remember_running() {
process_start "$1" || return 0
remember_start=$process_start
if program_words "$1"; then
old_words=$program_words
else
old_words=$in_args
say note "pid $1 shows a title in the place of its arguments; a rollback starts it with those of this step"
fi
old_env=$(environment_of "$1")
old_dir=$(readlink "/proc/$1/cwd")
old_log=$(readlink "/proc/$1/fd/1" 2>/dev/null)
case $old_log in /*' (deleted)' | '') old_log=/dev/null ;; /*) ;; *) old_log=/dev/null ;; esac
old_umask=022
while read -r remember_key remember_value; do
case $remember_key in Umask:) old_umask=$remember_value ;; esac
done <"/proc/$1/status"
carry_limits "$1"
was_relative "$1"
process_alive "$1" "$remember_start" && old_remembered=yes && old_pid=$1
}
was_relative() {
run_relative=no
case $(limited 2 head -c 2 "/proc/$1/cmdline" 2>/dev/null) in ./) run_relative=yes ;; esac
}
environment_of() {
zero_words "/proc/$1/environ" '/^[A-Za-z_][A-Za-z0-9_]*=/!d; /^\\(UID\\|EUID\\|PPID\\|SHELLOPTS\\|BASHOPTS\\|BASH_VERSINFO\\|_\\)=/d'
}
prove() {
failed=health
prove_contains=$1
uptime_cs
prove_until=$((start_mark + in_health_timeout_seconds * 100))
until prove_once; do
[ -z "$gone" ] || return 1
holds_while_proved || return 1
uptime_cs
if [ "$now_cs" -ge "$prove_until" ]; then
refused="not healthy within $in_health_timeout_seconds s: $health_reason"
return 1
fi
prove_pause=$(((now_cs - start_mark) / 10))
[ "$prove_pause" -ge 1 ] || prove_pause=1
[ "$prove_pause" -le 10 ] || prove_pause=10
pause_cs "$prove_pause"
done
uptime_cs
[ -z "$down_mark" ] || downtime_cs=$((now_cs - down_mark))
reach_health || return 1
failed=stable
journal "\${stable_phase:-stable}"
[ "$restart" != none ] || return 0
uptime_cs
stable_from=$now_cs
read_bytes
prove_stable
}
prove_once() {
gone=
[ "$restart" != none ] || return 0
find_pid || return 1
health_check "$prove_contains" "$pid" && return 0
[ -n "$health_hopeless" ] || return 1
gone=yes
say health_untrusted yes
refused="not healthy: $health_reason"
return 1
}
find_pid() {
health_reason='no process executes the file yet'
if [ "$restart" = systemd ]; then
[ -n "$proved_units" ] || { health_reason=; return 0; }
units_up
return
fi
if [ -n "$pid" ] && { { [ "$pid" = "$image_pid" ] && process_running "$pid"; } || executes "$pid" "$live_image"; }; then
image_pid=$pid
health_reason=
return 0
fi
case $restart in
process)
if process_running "$pid"; then
find_child
return
fi
find_forked || adopt_respawned 100 || process_ended
;;
command)
find_forked && return 0
! hidden_start || return 1
command_ended
[ -z "$gone" ] && is_script && health_reason=
;;
esac
}
find_child() {
uptime_cs
[ "$((now_cs - start_mark))" -ge 30 ] || return 1
child_parent=$pid
find_forked && descends_from "$pid" "$child_parent" && adopted=yes && return 0
pid=$child_parent
health_reason='no process executes the file yet'
return 1
}
find_forked() {
find_running '' "$live_image"
if [ "$restart" = process ]; then main_process "$run_uid"; else main_process; fi
[ -n "$main_pid" ] || return 1
pid=$main_pid
health_reason=
}
hidden_start() {
[ "$sees_all" != yes ] && [ -n "\${unseen_before+known}" ] || return 1
running_unseen=
find_unseen "$in_name"
for hidden_pid in $running_unseen; do
case " $unseen_before " in *" $hidden_pid "*) continue ;; esac
gone=yes
refused="the start command started pid $hidden_pid, but $me_name can't see what that executes; log in as its account, or allow sudo"
return 0
done
return 1
}
is_script() {
[ -f "../$in_name" ] && [ ! -L "../$in_name" ] || return 1
[ "$(read_regular "../$in_name" | head -c 4 | tail -c 3)" != ELF ]
}
process_running() {
process_start "$1" && process_alive "$1" "$process_start"
}
reap() {
[ "$reaped" = "$1" ] && return 0
wait "$1" 2>/dev/null
ended_code=$?
reaped=$1
}
process_ended() {
gone=yes
if [ -n "$adopted" ]; then
refused="pid $pid exited"
return 1
fi
reap "$pid"
uptime_cs
ended_after=$((now_cs - start_mark))
if [ "$ended_code" -gt 128 ] && [ "$ended_code" -le 192 ]; then ended_how="was killed by signal $((ended_code - 128))"; else ended_how="exited with code $ended_code"; fi
seconds_text "$ended_after"
refused="the process $ended_how after $seconds_text"
return 1
}
command_ended() {
if [ -z "$command_pid" ]; then
gone=yes
refused='the program exited'
return 1
fi
process_running "$command_pid" && return 1
reap "$command_pid"
[ "$ended_code" -ne 0 ] || return 1
gone=yes
refused="the start command exited with code $ended_code"
return 1
}
seconds_text() {
seconds_text="$(($1 / 100)).$(($1 % 100 / 10)) s"
}
went_to_background() {
[ "$restart" = process ] && [ -z "$adopted" ] || return 1
reap "$stable_pid"
[ "$ended_code" = 0 ] && find_forked || return 1
adopted=yes
uptime_cs
stable_from=$now_cs
}
prove_stable() {
if [ "$restart" = systemd ]; then
prove_units_stable
return
fi
stable_pid=$pid
[ -z "$pid" ] || process_start "$pid"
stable_start=\${process_start:-}
stable_until=$((stable_from + in_stable_cs))
while :; do
uptime_cs
[ "$now_cs" -lt "$stable_until" ] || break
holds_while_proved || return 1
stable_left=$((stable_until - now_cs))
if [ "$stable_left" -gt 20 ]; then pause_cs 20; else pause_cs "$stable_left"; fi
if [ -n "$stable_pid" ] && ! process_alive "$stable_pid" "$stable_start"; then
if went_to_background; then
prove_stable
return
fi
if [ "$restart" = process ] && [ "$stable_pid" = "$pid" ]; then
process_ended
else
refused="pid $stable_pid exited within the stable window"
fi
return 1
fi
done
executes "$stable_pid" "$live_image" || is_script || { refused="pid $stable_pid now executes a different file"; return 1; }
prove_end "$stable_pid"
}
prove_units_stable() {
if [ -n "$proved_units" ]; then
start_rest || refused=
units_stable || return 1
fi
prove_end "$pid" || return 1
restore_world "$in_health_timeout_seconds"
}
prove_end() {
image_of "../$in_name"
[ "$image" = "$live_image" ] || { refused="$in_folder/$in_name was replaced by another file within the stable window"; return 1; }
prove_bytes || return 1
only_proved || return 1
health_check "$prove_contains" "$1" || { refused="no longer healthy after the stable window: $health_reason"; return 1; }
}
dress() {
[ -z "$in_owner" ] || chown "$in_owner" "$1" || { refused="the owner can't be set to $in_owner"; return 1; }
if [ "$in_same_owner" = yes ]; then dress_like_old "$1" || return 1; else dress_label "$1"; fi
chmod "$in_mode" "$1" || { refused="the mode can't be set to $in_mode"; return 1; }
if [ -n "$in_capabilities" ]; then
setcap "$in_capabilities" "$1" || { refused="the capabilities $in_capabilities can't be set"; return 1; }
fi
sync "$1" || { refused='the new file could not be written to disk'; return 1; }
}
dress_like_old() {
dress_like=
[ -z "$old_sha" ] || dress_like=releases/$old_sha
[ "$in_strategy" != in-place ] || [ ! -f "$dress_like.like" ] || dress_like=$dress_like.like
if [ -n "$dress_like" ] && [ -f "$dress_like" ]; then
if cp --attributes-only --preserve=mode,xattr "$dress_like" "$1" 2>/dev/null; then
! command -v setfattr >/dev/null || setfattr -x security.ima "$1" 2>/dev/null || :
[ ! -e /sys/fs/selinux/enforce ] || cp --attributes-only --preserve=context "$dress_like" "$1" 2>/dev/null || :
return 0
fi
dress_missing=': neither GNU cp nor setcap does it here'
fi
[ -n "$in_old_capabilities" ] && [ -z "$in_capabilities" ] || return 0
setcap "$in_old_capabilities" "$1" || { refused="the capabilities $in_old_capabilities can't be carried over\${dress_missing-}"; return 1; }
}
dress_label() {
[ -e /sys/fs/selinux/enforce ] && command -v matchpathcon >/dev/null || return 0
dress_context=$(matchpathcon -n "$in_folder/$in_name") && chcon "$dress_context" "$1" || :
} 2>/dev/null
receive() {
rm -f incoming
received=$(decode 2>decode.errors 9>&- | digest 9>&-)
exec 3<&-
received_bytes=$(stat -c %s incoming 2>/dev/null || echo 0)
if [ "$received_bytes" != "$in_size" ]; then
refused="$received_bytes of $in_size bytes arrived$(decode_error)$(room_left)"
return 1
fi
if [ "$received" != "$in_sha256" ]; then
refused="the bytes that arrived have sha256 \${received:-unknown}, not $in_sha256"
return 1
fi
}
decode() {
case $in_encoding in
zstd) arriving zstd -q -d -c | tee incoming ;;
gzip) arriving gzip -d -c | tee incoming ;;
delta-zstd) arriving zstd -q -d -c | apply_delta | tee incoming ;;
delta-gzip) arriving gzip -d -c | apply_delta | tee incoming ;;
*) arriving tee incoming ;;
esac
}
arriving() {
timeout "$in_upload_limit_seconds" "$@" <&3 &
arriving_pid=$!
end_silence "$arriving_pid" </dev/null >/dev/null 2>&1 3<&- &
silence_pid=$!
wait "$arriving_pid"
kill "$silence_pid" 2>/dev/null
wait "$silence_pid" 2>/dev/null
}
end_silence() {
silence_pause=
trap 'kill $silence_pause 2>/dev/null; exit' TERM
silence_size=
silence_left=$in_silence_seconds
silence_tick=0.1
while [ "$silence_left" -gt 0 ]; do
sleep "$silence_tick" &
silence_pause=$!
wait "$silence_pause"
kill -0 "$1" || return
case $silence_tick in 0.1) silence_tick=0.3 ;; *) silence_tick=1 ;; esac
silence_left=$((silence_left - 1))
silence_now=$(stat -c %s incoming)
[ "$silence_now" != "$silence_size" ] || continue
silence_size=$silence_now
silence_left=$in_silence_seconds
sync incoming
done
printf 'nothing came for %s s\\n' "$in_silence_seconds" >decode.errors
kill "$1"
}
apply_delta() {
PERL5OPT='' PERL5LIB='' perl -e "$in_apply" "../$in_name"
}
decode_error() {
[ ! -s decode.errors ] || { IFS= read -r decode_error <decode.errors && printf ' (%s)' "$decode_error"; }
rm -f decode.errors
}
take_release() {
restore_file "$in_sha256" && mv -f restored incoming
}
copy_live() {
cp "releases/$old_sha" incoming && sha256_is "$in_sha256" <incoming && return 0
refused='the file changed while it was copied'
return 1
}
find_rename() {
rename_way='mv'
true >trial && true >trial.to || return 1
for rename_way in mv perl; do
rename_file trial trial.to 2>/dev/null && [ ! -e trial ] && return 0
done
owner_of ..
rename_way=plain
case $owner_uid/$owner_mode in "$me"/*[0145][0145]) return 0 ;; esac
refused="\\\`mv\\\` on the target has no option -T, and others can write to $in_folder: install coreutils or perl there"
return 1
}
rename_file() {
case $rename_way in
mv) mv -fT "$1" "$2" 2>/dev/null || is_one_file "$1" "$2" || return 1 ;;
perl) perl -e 'rename $ARGV[0], $ARGV[1] or exit 1' "$1" "$2" || return 1 ;;
plain) [ ! -d "$2" ] && mv -f "$1" "$2" || return 1 ;;
esac
[ ! -e "$1" ] || rm -f "$1"
}
is_one_file() {
is_one=$(stat -c '%d %i' "$1" 2>/dev/null) && [ "$is_one" = "$(stat -c '%d %i' "$2" 2>/dev/null)" ]
}
swap() {
failed=swap
[ "$in_encoding" != none ] || return 0
if [ "$in_strategy" = in-place ]; then
rm -f "../$in_name"
journal receive || return 1
obtain && dress incoming || return 1
image_of incoming
new_image=$image
say new_image "$new_image" >>journal || return 1
fi
journal swap || return 1
put_live incoming
}
obtain() {
case $in_encoding in
release | copy) take_release ;;
*) receive ;;
esac
}
put_live() {
rename_file "$1" "../$in_name" || { refused="the file could not be renamed to $in_folder/$in_name"; return 1; }
}
remember_failure() {
failure=$refused
failed_in=$failed
say failed "$failed_in"
say why "$failure"
case $restart in
systemd) remember_start_output ;;
command) [ ! -s command.output ] || say output "$(tail -c 8000 command.output)" ;;
esac
read_start
[ -z "\${start_errors:-}" ] || say output "$start_errors"
if [ -n "$in_log_file" ] && [ -n "\${log_from:-}" ]; then
! user_says "$run_user" /bin/sh -c '[ -f "$1" ] && size=$(stat -L -c %s -- "$1") && size=$((size - $2)) && [ "$size" -gt 0 ] || exit; [ "$size" -le 8000 ] || size=8000; tail -c "$size" -- "$1"' sh "$in_log_file" "$log_from" || say output "$user_said"
fi
rm -f command.output
}
go_back() {
journal rollback
if part_is_untouched; then
part_keep
return
fi
take_turn undo-stopped "$((\${in_part:-0} + 1))"
if ! part_undo_stop; then
leave_broken "$refused"
return
fi
vote undo-stopped
part_undo_swap
case $? in
0) ;;
2)
finish rolled-back
return
;;
*)
leave_broken "$refused"
return
;;
esac
take_turns undo-restored
reload_together undo-reloaded
take_turn undo-healthy "$((\${in_part:-0} - 1))"
part_undo_start
stable_phase=rollback-stable
if [ "$refused" = '' ] && part_undo_prove; then
finish rolled-back
else
leave_broken "the previous version was restored, but $refused"
fi
}
prove_old() {
if [ "$restart" = systemd ] && [ -z "$proved_units$left_units" ]; then
pid=
restore_world "$in_health_timeout_seconds"
else
prove ''
fi
}
restore_old() {
rm -f incoming
restore_to_live && return 0
[ "$in_strategy" = in-place ] && prove_kept "$old_sha" || return 1
rm -f "../$in_name"
restore_to_live
}
restore_to_live() {
restore_file "$old_sha" || return 1
image_of restored
back_image=$image
live_image=$image
put_live restored
}
nothing_happened() {
[ "$failed" = stop ] && live_is_old || return 1
live_image=$old_image
[ "$was_running" != yes ] || find_forked
}
keep_running() {
starting=old
[ "$restart" != systemd ] || start_unit
keep_pid=$pid
mark_start
pid=$keep_pid
stable_phase=rollback-stable
if prove ''; then finish rolled-back; else leave_broken "the previous version is still running, but $refused"; fi
}
live_is_old() {
[ -n "$old_sha" ] || { [ ! -e "../$in_name" ] && [ ! -L "../$in_name" ]; return; }
[ ! -f "releases/$old_sha" ] || [ "releases/$old_sha" -ef "../$in_name" ] || return 1
live_is "$old_sha"
}
start_old() {
refused=
starting=old
run_words=$old_words
run_env=$old_env
run_dir=$old_dir
run_other_dir=$in_working_directory
run_user=$old_user
run_log=$old_log
run_umask=$old_umask
run_uid=$old_uid
if [ "$old_remembered" != yes ]; then
run_words=$in_args
run_dir=$in_working_directory
run_log=$in_log_file
run_umask=022
fi
run_whole_env=yes
[ -n "$run_env" ] || run_env=$in_environment run_whole_env=no
[ -n "$run_log" ] || run_log=/dev/null
[ "$restart" != process ] || prepare_process
journal restart-old
mark_start
[ "$restart" = process ] && adopt_respawned 30 || start_it || :
}
leave_broken() {
say broken "$1"
finish broken
}
activate() {
part_prepare
meet prepared && await_next stopped && journal stop || { leave_unbegun; return; }
if part_stop && meet stopped && part_swap && meet swapped && reload_together reloaded; then
if await_previous healthy && part_start && part_prove && accept; then return; fi
fi
abort_release || { keep_committed; return; }
remember_failure
[ "$in_rollback" = true ] || part_is_untouched || { leave_broken 'rollback is disabled (\`rollback: false\`)'; return; }
go_back
}
stop_all_and_check() {
failed=stop
uptime_cs
down_mark=$now_cs
stop_all && port_is_free
}
port_is_free() {
[ -z "$restarted_units$left_units" ] || return 0
for free_port in $in_health_port $in_health_url_port; do
uptime_cs
free_until=$((now_cs + 300))
while port_inodes "$free_port" && [ -n "$port_inodes" ]; do
uptime_cs
if [ "$now_cs" -ge "$free_until" ]; then
[ "$free_port" = "$in_health_port" ] || health_is_foreign || break
port_owner "$free_port"
refused="port $free_port is held by another process\${port_owner_pids:+: pid $port_owner_pids}"
return 1
fi
if [ "$free_port" != "$in_health_port" ] && ! health_is_foreign; then break; fi
pause_cs 5
done
done
}
health_is_foreign() {
( in_health_port='' in_health_command=''; health_check yes '' ) >/dev/null 2>&1
}
prepare_new() {
run_user=$in_run_as
run_uid=$in_run_uid
run_dir=$in_working_directory
run_other_dir=
run_words=$in_args
run_env=$in_environment
run_whole_env=no
run_log=\${in_log_file:-/dev/null}
run_umask=022
log_from=
find_timeout
command_environment
[ "$restart" != process ] || prepare_process
running_unseen=
[ "$restart" != command ] || [ "$sees_all" = yes ] || find_unseen "$in_name"
unseen_before=$running_unseen
}
start_new() {
failed=start
starting=new
log_mark
journal start || return 1
start_it
}
log_mark() {
[ "$restart" != process ] && [ -n "$in_log_file" ] || return 0
! user_says "$run_user" stat -L -c '%i %s' -- "$in_log_file" || begin_log "$user_said"
}
accept() {
read_start
failed=accept
commit_release || return 1
journal accept || [ -n "$in_release" ] || return 1
part_accept
remember_release
finish active
}
keep_committed() {
failed=
refused=
journal accept || :
part_accept
remember_release
finish active
}
leave_unbegun() {
say failed "\${failed:-stage}"
say why "$refused"
abort_release || :
drop_release "\${old_sha:-none}"
unbegun=staged
case $in_strategy/$in_encoding in in-place/* | */none) unbegun=untouched ;; esac
finish "$unbegun"
}
finish() {
read_start
free_reserve
printf '\\n'
rm -f incoming restored original trial trial.to command.output command.pipe start.errors decode.errors journal.new live.new
remember_end "$1"
if journal end >/dev/null || [ "\${journal_is_open:-}" != yes ]; then leave_release; fi
if [ "$1" = broken ] && [ -n "$down_mark" ]; then
uptime_cs
downtime_cs=$((now_cs - down_mark))
fi
[ -z "\${failed_mark:-}" ] || say_unit_output
say state "$1"
say pid "$pid"
say downtime_ms "$((\${downtime_cs:-0} * 10))"
end
}
try_tools() {
rename_way='mv'
refused="no file could be written in $PWD$(room_left)"
printf 'trial\\n' >trial || return 1
sync trial || { refused='\`sync FILE\` fails on the target'; return 1; }
case $(stat -c '%d %i %s %y' trial 2>/dev/null) in
[0-9]*' '[0-9]*' 6 '[0-9]*) ;;
*) refused='\`stat -c\` on the target does not understand %d %i %s %y'; return 1 ;;
esac
[ "$(tail -c +3 trial 2>/dev/null)" = ial ] || { refused='\`tail -c +N\` fails on the target'; return 1; }
timed 10 true || { refused='\`timeout\` fails on the target'; return 1; }
setsid true || { refused='\`setsid\` fails on the target'; return 1; }
refused="no file could be written in $PWD$(room_left)"
find_rename || return 1
rm -f trial trial.to
} 2>/dev/null
begin_part() {
new_sha=$in_sha256
old_sha=$in_old_sha
old_about=$in_old_about
new_live=$in_workflow$newline$in_run_number$newline$in_run
live_of_old
pid=''
old_image='' new_image='' back_image='' live_image='' last_image=''
}
part_seen() {
file_identity "../$in_name"
printf '%s\\n' "\${file_identity:-none}"
}
part_is_new() {
live_is "$new_sha"
}
restore_previous() {
if ! live_is_old && ! restore_old; then
refused="the previous release $old_sha could not be restored: $refused"
return 1
fi
rm -f restored
}
PART_KIND=binary
PART_KEYS='new_sha new_live new_image old_sha old_about old_live old_image was_running old_remembered old_words old_dir old_user old_uid old_log old_umask run_relative limit_words limit_soft limit_hard accounts restart unit unit_user units restarted_units left_units dependents watched_units world'
part_stage() {
if [ "$in_strategy" = in-place ] && [ "$in_encoding" != none ]; then
case $in_encoding in release | copy) exec 3<&- ;; esac
[ "$in_encoding" != release ] || prove_kept "$in_sha256" || return 1
keep_packed || return 1
has_room_in_place || return 1
true >trial && dress trial && rm -f trial
return
fi
case $in_encoding in
none | copy) exec 3<&- ;;
release)
exec 3<&-
take_release || return 1
;;
delta-*) receive || give_up delta ;;
*) receive || return 1 ;;
esac
say staged "$in_sha256"
keep_previous || return 1
[ "$in_encoding" != copy ] || copy_live || return 1
[ "$in_encoding" = none ] || dress incoming
}
has_room_in_place() {
case $in_encoding in release | copy) return 0 ;; esac
room_kb=$(df -P . | { read -r _ && read -r _ _ _ df_free _ && printf '%s' "$df_free"; }) || return 0
freed_kb=0
room_rest=$(stat -c '%h %b' "../$in_name" 2>/dev/null) || room_rest=
case $room_rest in '1 '[0-9]*) freed_kb=$((\${room_rest#1 } / 2)) ;; esac
[ "$(((room_kb + freed_kb) * 1024))" -ge "$((in_size + 200000))" ] && return 0
refused="$in_size bytes are needed in place, but only $(((room_kb + freed_kb) * 1024)) would be free without the old file"
return 1
}
part_unstage() {
rm -f incoming restored original trial trial.to reserve decode.errors
drop_release "\${kept_now:-none}"
}
part_begin() {
begin_part
restart=$in_restart
unit=$in_unit
unit_user=$in_unit_user
units=$in_units
restarted_units=$in_restarted_units
left_units=$in_left_units
dependents=$in_dependents
watched_units=$in_watched_units
world=''
starting=new
image_pid=''
trusted=$in_accounts
run_uid=$in_run_uid
[ ! -f live ] || read_last
noted_images=$last_image
old_words='' old_env='' old_dir='' old_user='' old_log='' old_umask='' old_pid='' limit_words='' limit_soft='' limit_hard='' run_relative=no respawner='' old_remembered=no
accounts='' old_uid='' command_pid=''
was_running=no
}
part_remember() {
old_image=$(seen_image)
[ "$last_image" != "$old_image" ] || noted_images=
remember_present
[ "$in_strategy" = in-place ] || [ "$in_encoding" = none ] || { image_of incoming; new_image=$image; }
[ "$in_encoding" != none ] || new_image=$old_image
[ "$restart" != systemd ] || prepare_units
}
seen_image() {
case $in_seen in
none*) ;;
*)
seen_rest=\${in_seen#* }
printf '%s:%s\\n' "\${in_seen%% *}" "\${seen_rest%% *}"
;;
esac
}
prepare_units() {
[ "$in_daemon_reload" != yes ] || part_reload
reset_units
read_world
}
part_reload() {
( exec 9>&-; systemctl_for "$unit_user" daemon-reload ) >/dev/null 2>&1
}
part_prepare() {
prepare_new
}
part_stop() {
stop_all_and_check
}
part_swap() {
swap && live_image=$new_image
}
part_start() {
start_new
}
part_prove() {
prove yes
}
part_accept() {
remember_live "$new_sha" "$new_live"
prune_releases "$new_sha"
}
part_is_untouched() {
nothing_happened
}
part_keep() {
live_image=$old_image
if find_forked; then
keep_running
else
drop_release "\${old_sha:-none}"
finish staged
fi
}
part_undo_stop() {
stop_all
}
part_undo_swap() {
if [ -z "$old_sha" ]; then
rm -f "../$in_name"
pid=
return 2
fi
live_image=$old_image
restore_previous
}
part_undo_start() {
start_old
}
part_undo_prove() {
prove_old || return 1
drop_release "$old_sha"
remember_live "$old_sha" "$old_live"
}
part_recall() {
known_account
recover_environment
}
part_resume() {
live_image=$new_image
command_pid=
mark_start
[ "$restart" != systemd ] || choose_units
find_forked || start_it || :
[ -z "$refused" ] && prove '' && remember_live "$new_sha" "$new_live"
}
prelude() {
PATH=/run/wrappers/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin
LC_ALL=C
export PATH LC_ALL
IFS=' 	
'
unset CDPATH ENV BASH_ENV
umask 077
core_limit=\${core_limit-$(ulimit -S -c)}
ulimit -S -c 0
}
recover() {
journal_read || { finish untouched; return; }
settle_release
part_recall
if [ "$decision" = commit ]; then
if part_is_new; then keep_accepted; else leave_broken 'the release was accepted, but its file is not in place'; fi
return
fi
if [ -z "$decision" ] && [ "$journal_phase" = accept ] && part_is_new; then keep_accepted; else go_back; fi
}
settle_release() {
decision=
[ -n "$release" ] || return 0
if rejoin_release; then
decide abort
elif [ "$journal_phase" = accept ]; then
decision=commit
else
decision=abort
fi
refused=
}
rejoin_release() {
in_release=$release
in_part=$release_part
in_parts=$release_parts
in_members=$members
in_first_folder=$release_folder
in_first_name=$release_name
exec 6<.
enter_release || in_release=
cd -P /proc/self/fd/6 || return 1
exec 6<&-
[ -n "$in_release" ] && join_as_member && prepare_decision
}
known_account() {
trusted="$trusted $accounts"
[ -n "$old_uid" ] || { old_user=$in_run_as; old_uid=$in_run_uid; }
}
recover_environment() {
known_live_image
find_executors
main_process "$old_uid"
old_env=
[ -z "$main_pid" ] || old_env=$(environment_of "$main_pid")
}
known_live_image() {
noted_images="$last_image $old_image $new_image"
take_original || return 0
image_of original
known_sum=$(digest <original)
rm -f original
case $known_sum in
"$new_sha") new_image=$image ;;
"$old_sha") back_image=$image ;;
*) return 0 ;;
esac
case " $noted_images " in *" $image "*) noted_images= ;; esac
}
keep_accepted() {
part_prepare
stable_phase=accept
starting=new
if part_resume; then
remember_release
finish active
else
remember_failure
[ "$decision" != commit ] || { leave_broken "the accepted version does not run: $failure"; return; }
stable_phase=rollback-stable
go_back
fi
}
revert() {
journal_read || { leave_broken 'the journal is gone'; return; }
[ "$journal_id" = "$in_reverted" ] || { journal_is_open=; leave_broken 'the journal belongs to another deploy'; return; }
part_recall
go_back
}
detached() {
trap : HUP INT TERM QUIT PIPE USR1 USR2
know_me
begin
journal_id=$in_id
journal_is_open=
part_kind=$PART_KIND
refused='' failed='' down_mark='' downtime_cs=''
release=$in_release
release_part=$in_part
release_parts=$in_parts
release_folder=$in_first_folder
release_name=$in_first_name
members=$in_members
part_begin
[ -z "$in_release" ] || join_as_member && prepare_decision || { [ "$in_action" != deploy ] || { leave_unbegun; return; }; }
case $in_action in
recover) recover ;;
revert) revert ;;
deploy)
part_remember
if journal_open && vote begun; then activate; else leave_unbegun; fi
;;
esac
}
take_lock() {
lock_error=$( (true >>lock) 2>&1) || { refused="$PWD/lock could not be written: \${lock_error##*: }"; return 2; }
exec 9>>lock
uptime_cs
lock_until=$((now_cs + $1 * 100))
lock_said=$now_cs
until flock -n 9; do
uptime_cs
lock_holder=
IFS= read -r lock_holder <lock
[ "$now_cs" -lt "$lock_until" ] || return 1
if [ "$now_cs" -ge "$lock_said" ]; then
say note "waiting for another deploy of this file: \${lock_holder:-unknown}"
lock_said=$((now_cs + 1500))
fi
pause_cs 20
done
printf '%s\\n' "$in_run (started $(date -u +%Y-%m-%dT%H:%M:%SZ), at most $in_limit_seconds s)" >lock
}
follow() {
follow_ended=
follow_pid=
follow_pause=1
exec 8<progress
while [ -z "$follow_ended" ]; do
process_alive "$1" "$2" || follow_ended=yes
while IFS= read -r follow_line <&8; do
case $follow_line in
begin) continue ;;
end)
[ -z "$follow_pid" ] || is_there "$follow_pid" || say gone "$follow_pid"
end
return 0
;;
pid=*) follow_pid=\${follow_line#pid=} ;;
esac
printf '%s\\n' "$follow_line"
follow_pause=1
done
[ -n "$follow_ended" ] || pause_cs "$follow_pause"
[ "$follow_pause" -ge 10 ] || follow_pause=$((follow_pause + 1))
done
say died yes
end
}
is_there() {
process_start "$1" || return 1
case $process_state in Z | X) return 1 ;; esac
}
session() {
begin
know_me
handed=
kept_now=
refused=
trap 'exit 130' HUP INT TERM PIPE
trap leave EXIT
enter_own || give_up refused
[ -z "$in_lock_after" ] || await locked "$in_lock_after" || give_up release
if ! take_lock "$in_lock_timeout_seconds"; then
[ -z "$refused" ] || give_up refused
give_up locked "$lock_holder"
fi
vote locked
[ "$in_action" = revert ] || [ "$(seen)" = "$in_seen" ] || give_up changed
[ "$in_action" != deploy ] || ! is_unfinished || give_up changed
if [ ! -d releases ] && ! mkdir releases; then give_up refused "$PWD/releases could not be made"; fi
drop_old_releases
old_sha=$in_old_sha
old_about=$in_old_about
exec 3<&0
free_reserve
try_tools || [ "$in_action" != deploy ] || give_up refused
stage || give_up refused
meet staged && await_go || give_up release
hand_over
}
seen() {
part_seen
[ ! -f journal ] || tail -n 1 journal
}
is_unfinished() {
[ -f journal ] || return 1
case $(tail -n 1 journal) in phase=end) return 1 ;; phase=*) return 0 ;; esac
return 1
}
stage() {
case $in_action in
deploy) part_stage ;;
recover)
exec 3<&-
is_my_journal || return 1
;;
revert)
exec 3<&-
handed_id=
[ ! -f handed ] || IFS=' ' read -r handed_id _ <handed
[ "$handed_id" = "$in_reverted" ] || { refused='another deploy has run since'; return 1; }
;;
esac
}
leave() {
[ -z "$handed" ] || return 0
case $PWD in */".$in_name.deploy") part_unstage ;; esac
[ -z "$release_is_open" ] || { vote failed; leave_release; }
}
give_up() {
say gave_up "$1"
say why "\${2:-\${refused:-}}"
end
exit 1
}
hand_over() {
rm -f progress handed
if ! true >progress || ! printf '%s %60s\\n' "$in_id" '' >handed || ! keep_reserve; then
[ "$in_action" != deploy ] || give_up refused "there is no room for the journal$(room_left)"
fi
handed=yes
scope_words
printf 'in_detached=yes\\\\ncore_limit=%s\\\\nrename_way=%s\\\\nrelease_is_open=%s\\\\n%s' "$core_limit" "$rename_way" "$release_is_open" "$line" |
exec $scope_words setsid /bin/sh -c 'line=$(cat); case $line in *#end) eval "$(printf %b "$line")"; esac' >progress 2>/dev/null &
transaction=$!
process_start "$transaction"
printf '%s\\n' "$in_id $transaction $process_start" 1<>handed
exec 9>&- 3<&-
follow "$transaction" "$process_start"
}
scope_words() {
scope_words=
[ "$in_session_kills" = yes ] || return 0
if [ "$me" = 0 ]; then
scope_words='systemd-run --quiet --scope --collect --slice=system.slice --'
else
XDG_RUNTIME_DIR=/run/user/$me
export XDG_RUNTIME_DIR
scope_words='systemd-run --quiet --user --scope --collect --'
fi
}
main() {
prelude
set -u
uptime_cs
began_cs=$now_cs
if [ "\${in_detached:-}" = yes ]; then detached; else session; fi
}
main`;async function Kl(e,t,{values:n,sending:r,form:o}){let{inputs:s,found:a,plan:c,transfers:u,log:l,signal:d,membership:h,onSay:p,kind:m}=t;r.failure=void 0;let b=pa(l,s,{isDeploy:n.action==="deploy",others:m?.phases});try{return await bn(e,{text:m?.text??j$,values:n},{sudo:a.sudo,what:`Activating ${s.destination}`,limitSeconds:ma(c.file.bytes)+s.lockTimeoutSeconds+Un(t),signal:d,clean:pn(s.environment,s.health),onSay:i((A,y)=>{p?.(A,y),m?.onSay?.(A,y),b(A,y)},"onSay"),payload:i(async A=>{if(!o?.payload){A.end();return}let y=s.strategy==="staged"&&s.lockTimeoutSeconds>=5&&!h,E=r.bytes,I=vI(l),L=i((B,Z)=>{if(r.bytes=E+B,I(B),!(!y||!Z||!o.isTooSlow?.(B,Z)))throw new mr(`The link carries ${It(Z)}/s`)},"onProgress");try{let B=await K$(o.payload.read(),A,{stallSeconds:30,onProgress:L});r.whole=!0,await u.measured(B.bytesPerSecond)}catch(B){throw(B instanceof cr||B instanceof mr)&&(r.failure=B),B}},"payload")})}catch(A){return{error:A}}}i(Kl,"runDeploy");async function W$(e,{plan:t,found:n,source:r,transfers:o,log:s,kind:a},c){if(a?.form)return a.form();if(t.file.from==="release")return{encoding:"release"};if(t.file.from==="a copy of it")return{encoding:"copy"};if(t.file.from==="in place already"||!r)return{encoding:"none"};let[u,l]=[e.isNear(),e.roundTripMs()],d=await o.choose(r,{near:u,roundTripMs:l,tools:n.tools,present:c});return s.phase("transfer",d.why),d}i(W$,"chooseForm");function ga({error:e}){return e instanceof at?e.fields.why.replace(/\.$/,""):e?.message??"the connection was lost"}i(ga,"lostWhy");function q$({found:{file:e},inputs:t,noDelta:n}){return n?{lacks:n}:e?.sha256?t.strategy==="in-place"?{lacks:"in-place removes the present file first"}:e:{lacks:"there is no file yet"}}i(q$,"presentFile");function vI(e){let t=Date.now(),n=2e3;return r=>{Date.now()-t<n||(t=Date.now(),n=Math.min(2*n,3e4),e.phase("upload",`${It(r)} sent`))}}i(vI,"tellProgress");var mr=class extends Error{static{i(this,"TooSlowError")}};var yw=require("node:crypto");function as(e){return/\.(service|socket|timer|path|target|mount|automount|swap|slice|scope|device)$/.test(e)?e:`${e}.service`}i(as,"unitName");var Z$=`prelude() {
PATH=/run/wrappers/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin
LC_ALL=C
export PATH LC_ALL
IFS=' 	
'
unset CDPATH ENV BASH_ENV
umask 077
core_limit=\${core_limit-$(ulimit -S -c)}
ulimit -S -c 0
}
begin() {
printf 'begin\\n'
}
end() {
printf 'end\\n'
}
say() {
case $2 in
*\\\\* | *"$newline"*)
say_rest=$2
say_value=
while [ -n "$say_rest" ]; do
case $say_rest in
*\\\\* | *"$newline"*) ;;
*) break ;;
esac
say_plain=\${say_rest%%[\\\\"$newline"]*}
say_rest=\${say_rest#"$say_plain"}
case $say_rest in
\\\\*) say_value=$say_value$say_plain'\\\\' ;;
*) say_value=$say_value$say_plain'\\n' ;;
esac
say_rest=\${say_rest#?}
done
printf '%s=%s\\n' "$1" "$say_value$say_rest"
;;
*) printf '%s=%s\\n' "$1" "$2" ;;
esac
}
newline=$(printf '\\n.')
newline=\${newline%.}
usual_ifs=$(printf ' \\t\\n.')
usual_ifs=\${usual_ifs%.}
timed() {
find_timeout
if [ "$timeout_kills" = yes ]; then
timeout -k 2 "$@" 3<&- 7>&- 8<&- 9>&-
else
timed_by_hand "$@" 6<&0 3<&- 7>&- 8<&- 9>&-
fi
}
limited() {
timed "$@" </dev/null
}
find_timeout() {
[ -z "\${timeout_kills:-}" ] || return 0
timeout_kills=no
! timeout -k 1 5 true 2>/dev/null 3<&- 7>&- 8<&- 9>&- || timeout_kills=yes
}
timed_by_hand() {
hand_seconds=$1
shift
setsid "$@" <&6 6<&- &
hand_pid=$!
end_late "$hand_pid" "$hand_seconds" </dev/null >/dev/null 2>&1 6<&- &
hand_dog=$!
wait "$hand_pid"
hand_code=$?
kill "$hand_dog" 2>/dev/null
wait "$hand_dog" 2>/dev/null
return "$hand_code"
}
end_late() {
trap 'kill $late_pause 2>/dev/null; exit' TERM
sleep "$2" &
late_pause=$!
wait "$late_pause"
kill -s TERM -- "-$1"
sleep 2 &
late_pause=$!
wait "$late_pause"
kill -s KILL -- "-$1"
}
http_client() {
http_client=
if command -v curl >/dev/null; then
http_client=curl
return
fi
case $1 in
http://*)
if command -v perl >/dev/null && perl -MIO::Socket::INET -e 1 2>/dev/null; then
http_client=perl
return
elif command -v nc >/dev/null; then
http_client=nc
return
fi
;;
esac
[ -z "$in_health_curl" ] || return 0
command -v wget >/dev/null || return 0
case $(limited 5 wget --version 2>/dev/null) in
*'GNU Wget'*) http_client=wget ;;
*) case $1 in *[@?]*) ;; *) http_client=wget ;; esac ;;
esac
}
http_get() {
http_status=
http_untrusted=
http_body=
http_error=
[ -n "\${http_client:-}" ] || http_client "$1"
case $http_client in
curl) http_by_curl "$1" "$2" ;;
perl | nc) http_by_socket "$1" "$2" ;;
wget) http_by_wget "$1" "$2" ;;
*) http_error='the target has no HTTP client' ;;
esac
[ -n "$http_status" ]
}
http_by_curl() {
http_answer=$(printf 'url = "%s"\\n%s\\n' "$1" "$in_health_curl" | curl -q -g -s -S -i --noproxy '*' --max-time "$2" -K - 2>&1 | http_cut)
http_read && return
http_error=\${http_answer#curl: }
http_error=\${http_error%%"$newline"*}
case $http_error in '(60)'* | '(51)'*) http_untrusted=yes ;; esac
}
http_cut() {
tr -d '\\000' | head -c 65536
}
http_read() {
http_rest=$newline$http_answer
while :; do
case $http_rest in *"\${newline}HTTP/"*) ;; *) return 1 ;; esac
http_rest=\${http_rest#*"\${newline}HTTP/"}
http_code=\${http_rest#* }
http_code=\${http_code%"\${http_code#???}"}
case $http_code in
1[0-9][0-9]) ;;
[0-9][0-9][0-9]) break ;;
*) return 1 ;;
esac
done
http_status=$http_code
case $http_rest in *"$newline$http_return$newline"*) http_body=\${http_rest#*"$newline$http_return$newline"} ;; esac
}
http_by_socket() {
http_rest=\${1#http://}
http_host=\${http_rest%%[/?#]*}
http_path=\${http_rest#"$http_host"}
http_path=\${http_path%%#*}
case $http_path in /*) ;; *) http_path=/$http_path ;; esac
case $http_host in
\\[*\\]:*) http_port=\${http_host##*:} http_name=\${http_host%]:*} http_name=\${http_name#[} ;;
\\[*\\]) http_port=80 http_name=\${http_host#[} http_name=\${http_name%]} ;;
*:*) http_port=\${http_host##*:} http_name=\${http_host%:*} ;;
*) http_port=80 http_name=$http_host ;;
esac
http_names=$http_name
[ "$http_name" != localhost ] || http_names='127.0.0.1 ::1'
for http_name in $http_names; do
http_answer=$(http_request | http_exchange "$2" 2>/dev/null | http_cut)
http_read && return
done
http_error="no HTTP answer from $http_host within $2 s"
}
http_request() {
IFS=$newline
set -f
printf '%s\\r\\n' "GET $http_path HTTP/1.0" $in_health_headers ''
}
http_exchange() {
if [ "$http_client" = perl ]; then
timed "$1" perl -e '
use Socket qw(:all);
my ($name, $port) = @ARGV;
my $request = do { local $/; <STDIN> };
my $v6 = $name =~ /:/;
my $socket;
my $address = $v6 ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $name) || exit 1) : pack_sockaddr_in($port, inet_aton($name) || exit 1);
socket($socket, $v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0) && connect($socket, $address) || exit 1;
syswrite($socket, $request);
while (sysread($socket, my $block, 65536)) { syswrite(STDOUT, $block) }
' "$http_name" "$http_port"
else
http_sent=$(cat; printf .)
http_reply=$(printf '%s' "\${http_sent%.}" | timed "$1" nc "$http_name" "$http_port")
case $http_reply in
HTTP/*) ;;
*) [ -z "$http_reply" ] && port_answers && http_reply=$({ printf '%s' "\${http_sent%.}"; sleep "$1"; } | timed "$1" nc "$http_name" "$http_port") ;;
esac
printf '%s' "$http_reply"
fi
}
port_answers() {
limited 2 nc "$http_name" "$http_port" >/dev/null 2>&1
}
http_by_wget() {
http_answer=$(http_wget "$1" "$2" -S -O /dev/null 2>&1 | http_cut)
case $http_answer in
*"  HTTP/"*" "[0-9][0-9][0-9]*)
http_status=\${http_answer#*"  HTTP/"}
http_status=\${http_status#* }
http_status=\${http_status%"\${http_status#???}"}
http_body=$(http_wget "$1" "$2" -q -O - 2>/dev/null | http_cut)
;;
*)
http_error=\${http_answer##*"$newline"}
case $http_answer in
*ERROR:*certificate*)
http_untrusted=yes
http_error='the certificate is not trusted'
;;
esac
;;
esac
}
http_wget() (
unset http_proxy https_proxy
HOME=/dev/null
export HOME
http_url=$1
http_seconds=$2
shift 2
case $http_url in
*[@?]*) printf '%s\\n' "$http_url" | timed "$http_seconds" wget "$@" -i - ;;
*) limited "$http_seconds" wget "$@" -- "$http_url" ;;
esac
)
http_return=$(printf '\\r')
port_inodes() {
port_inodes=
[ "\${port_hex_of:-}" = "$1" ] || port_hex=$(printf '%04X' "$1")
port_hex_of=$1
port_net=/proc/\${2:-self}/net
port_inodes=$(sed -n "s/^ *[0-9]*: [0-9A-F]*:$port_hex [0-9A-F]*:0000 0A [^ ]* [^ ]* [^ ]* *[0-9]* *[0-9]* \\([0-9]*\\) .*/\\1/p" "$port_net/tcp" "$port_net/tcp6" 2>/dev/null)
}
port_owned_by() {
port_number=$1
shift
for port_pid in "$@"; do
port_inodes "$port_number" "$port_pid"
[ -n "$port_inodes" ] || continue
port_held_by "$port_pid" && return 0
done
return 1
}
port_held_by() {
port_links=$(ls -l "/proc/$1/fd" 2>/dev/null)
for port_inode in $port_inodes; do
case $port_links in *"socket:[$port_inode]"*) return 0 ;; esac
done
return 1
}
port_owner() {
port_owner_pids=
port_unseen=
port_inodes "$1"
[ -n "$port_inodes" ] || return 0
for port_proc in /proc/[0-9]*; do
if port_held_by "\${port_proc#/proc/}"; then port_owner_pids="$port_owner_pids \${port_proc#/proc/}"; fi
done
port_owner_pids=\${port_owner_pids# }
[ -n "$port_owner_pids" ] || port_unseen=yes
}
quoted() {
quoted_rest=$1
quoted=
while :; do
case $quoted_rest in
*\\'*)
quoted=$quoted\${quoted_rest%%\\'*}"'\\\\''"
quoted_rest=\${quoted_rest#*\\'}
;;
*) break ;;
esac
done
quoted="'$quoted$quoted_rest'"
}
encoded() {
encoded_rest=$1
encoded=
while :; do
case $encoded_rest in *[\\\\"$newline"]*) ;; *) break ;; esac
encoded_plain=\${encoded_rest%%[\\\\"$newline"]*}
encoded_rest=\${encoded_rest#"$encoded_plain"}
case $encoded_rest in
\\\\*) encoded=$encoded$encoded_plain'\\\\' ;;
*) encoded=$encoded$encoded_plain'\\n' ;;
esac
encoded_rest=\${encoded_rest#?}
done
encoded=$encoded$encoded_rest
}
zero_words() {
tr '\\n\\0' '\\001\\n' <"$1" | sed "$2; s/'/'\\\\\\\\''/g; s/^/'/; s/\\$/'/" | tr '\\n\\001' ' \\n'
}
know_me() {
me_name=$(id)
me_name=\${me_name#uid=}
me_name=\${me_name%% gid=*}
me=\${me_name%%(*}
me_name=\${me_name#*(}
me_name=\${me_name%)}
}
owner_of() {
owner_rest=$(stat -c '%a:%U:%G:%u:%g' "$1" 2>/dev/null) || return 1
owner_mode=\${owner_rest%%:*}
owner_rest=\${owner_rest#*:}
owner_user=\${owner_rest%%:*}
owner_rest=\${owner_rest#*:}
owner_group=\${owner_rest%%:*}
owner_rest=\${owner_rest#*:}
owner_uid=\${owner_rest%:*}
owner_gid=\${owner_rest#*:}
[ "$owner_user" != UNKNOWN ] || owner_user=$owner_uid
[ "$owner_group" != UNKNOWN ] || owner_group=$owner_gid
}
name_of() {
name_of=
case $2 in
'' | *[!0-9]*) ;;
*) name_of=$({ getent "$1" "$2" || cat "/etc/$1"; } 2>/dev/null | sed -n "s/^\\([^:]*\\):[^:]*:$2:.*/\\1/p" | head -n 1) ;;
esac
name_of=\${name_of:-$2}
}
account_of() {
account_name=$1
account_home=/
account_shell=/bin/sh
account_line=$(getent passwd "$1" 2>/dev/null </dev/null) || account_line=$(line_of_passwd "$1")
case $account_line in *:*:*:*:*:*:*) ;; *) return 0 ;; esac
account_name=\${account_line%%:*}
account_shell=\${account_line##*:}
account_line=\${account_line%:*}
account_home=\${account_line##*:}
account_home=\${account_home:-/}
account_shell=\${account_shell:-/bin/sh}
}
line_of_passwd() {
while IFS= read -r passwd_line; do
passwd_rest=\${passwd_line#*:*:}
case $1 in "\${passwd_line%%:*}" | "\${passwd_rest%%:*}") ;; *) continue ;; esac
printf '%s\\n' "$passwd_line"
return 0
done </etc/passwd
}
account_environment() {
account_of "$1"
account_environment=
host_language
for account_word in "PATH=$PATH" "HOME=$account_home" "USER=$account_name" "LOGNAME=$account_name" "SHELL=$account_shell" "LANG=$host_language"; do
quoted "$account_word"
account_environment="$account_environment\${account_environment:+ }$quoted"
done
}
host_language() {
host_language=
for language_file in /etc/default/locale /etc/locale.conf; do
[ -f "$language_file" ] || continue
while IFS= read -r language_line; do
case $language_line in LANG=*) host_language=\${language_line#LANG=} ;; esac
done <"$language_file"
done
host_language=\${host_language#[\\"\\']}
host_language=\${host_language%[\\"\\']}
case $host_language in '' | *[!A-Za-z0-9_.@-]*) host_language=C.UTF-8 ;; esac
}
ids_of() {
entry_of passwd "\${1%%:*}"
ids_uid=$entry_id
ids_gid=$entry_group
case $1 in
*:*)
entry_of group "\${1#*:}"
ids_gid=$entry_id
;;
esac
}
exists() {
entry_of "$@"
[ -n "$entry_id" ]
}
entry_of() {
entry_line=$(getent "$1" "$2" 2>/dev/null) || entry_line=$(entry_in_file "$@")
entry_line=\${entry_line#*:}
entry_line=\${entry_line#*:}
entry_id=\${entry_line%%:*}
entry_line=\${entry_line#*:}
entry_group=\${entry_line%%:*}
[ "$1" = passwd ] || entry_group=
case $2/$entry_id in */[0-9]*) ;; *[!0-9]*/) ;; *) entry_id=$2 ;; esac
}
entry_in_file() {
while IFS=: read -r entry_name _ entry_number entry_rest; do
[ "$entry_name" != "$2" ] && [ "$entry_number" != "$2" ] || { printf '%s::%s:%s\\n' "$entry_name" "$entry_number" "$entry_rest"; return; }
done <"/etc/$1"
} 2>/dev/null
command_environment() {
[ -z "\${command_environment:-}" ] || return 0
account_environment "$me_name"
command_environment=$account_environment
[ ! -d "/run/user/$me" ] || command_environment="$command_environment XDG_RUNTIME_DIR=/run/user/$me"
}
run_command() (
command_environment
cd /
eval "limited \\"\\$1\\" env -i $command_environment /bin/sh -c \\"\\$2\\""
)
health_check() {
health_contains=$1
shift
health_reason=
health_hopeless=
if [ -n "$in_health_port" ] && ! port_owned_by "$in_health_port" "$@"; then
health_reason="pid $* does not listen on port $in_health_port"
port_inodes "$in_health_port"
[ -z "$port_inodes" ] || health_reason="another process than pid $* listens on port $in_health_port"
return 1
fi
[ -z "$in_health_url" ] || health_url || return 1
[ -n "$in_health_command" ] || return 0
run_command 10 "$in_health_command" >/dev/null 2>&1 && return 0
health_reason="the health command exited with code $?"
return 1
}
health_url() {
if ! http_get "$in_health_url" 5; then
health_reason="$in_health_url: \${http_error:-no answer}"
[ -z "$http_untrusted" ] || health_hopeless=yes
return 1
fi
if ! status_in "$http_status" "$in_health_status"; then
health_reason="$in_health_url answers $http_status, not $in_health_status: $(health_excerpt)"
return 1
fi
[ "$health_contains" = yes ] && [ -n "$in_health_contains" ] || return 0
case $http_body in *"$in_health_contains"*) return 0 ;; esac
health_reason="$in_health_url answers $http_status without '$in_health_contains': $(health_excerpt)"
return 1
}
health_excerpt() {
printf '%s' "$http_body" | head -c 200
}
status_in() {
status_rest=$2,
while [ -n "$status_rest" ]; do
status_range=\${status_rest%%,*}
status_rest=\${status_rest#*,}
if [ "$1" -ge "\${status_range%-*}" ] && [ "$1" -le "\${status_range#*-}" ]; then return 0; fi
done
return 1
}
cgroup_unit() {
cgroup_path=
cgroup_unit=
cgroup_uid=
{ while IFS=: read -r cgroup_level cgroup_controllers cgroup_read; do
case $cgroup_level:$cgroup_controllers:$cgroup_read in
*:name=systemd:/?*) cgroup_path=$cgroup_read ;;
0::/?*) cgroup_path=\${cgroup_path:-$cgroup_read} ;;
esac
done <"/proc/$1/cgroup"; } 2>/dev/null
cgroup_rest=$cgroup_path
while [ -n "$cgroup_rest" ]; do
cgroup_step=\${cgroup_rest%%/*}
case $cgroup_rest in */*) cgroup_rest=\${cgroup_rest#*/} ;; *) cgroup_rest= ;; esac
case $cgroup_step in
user@*.service)
cgroup_uid=\${cgroup_step#user@}
cgroup_uid=\${cgroup_uid%.service}
cgroup_unit=
;;
*.service) cgroup_unit=$cgroup_step ;;
esac
done
[ -n "$cgroup_unit" ]
}
in_cgroup() {
cgroup_unit "$1" || :
[ -n "$2" ] || return 1
case $cgroup_path/ in "$2"/* | */*"$2"/*) return 0 ;; esac
return 1
}
is_number() {
case $1 in
'' | *[!0-9]* | 0?* | ????????????????*) return 1 ;;
esac
}
user_can() {
as_user "$@" >/dev/null 2>&1
}
user_says() {
find_timeout
user_said=$(as_user "$@" 2>/dev/null | timed "$((\${user_limit:-10} + 5))" head -c 8000)
[ -n "$user_said" ]
}
as_user() {
user_words "$1"
shift
if [ "\${user_tool:-}" = su ] && [ -n "$user_words" ]; then
limited "\${user_limit:-10}" env -i "PATH=$PATH" LC_ALL=C $user_words "$user_name" -c 'exec "$0" "$@"' -- "$@"
else
limited "\${user_limit:-10}" env -i "PATH=$PATH" LC_ALL=C $user_words "$@"
fi
}
user_words() {
user_name=$1
user_words=
[ "$1" != "$me_name" ] && [ "$1" != "$me" ] || return 0
find_user_tool
user_groups=--init-groups
if user_group=$(id -g -- "$1" 2>/dev/null) && user_number=$(id -u -- "$1" 2>/dev/null); then :; else
user_number=$1 user_group=$1 user_groups=--clear-groups
fi
case $user_tool in
*/setpriv) user_words="$user_tool --reuid=$user_number --regid=$user_group $user_groups --" ;;
*/chroot) user_words="$user_tool --userspec=$user_number:$user_group /" ;;
su)
name_of passwd "$1"
user_name=$name_of
user_words='su -s /bin/sh'
;;
esac
}
find_user_tool() {
[ -z "\${user_tool:-}" ] || return 0
for user_tool in /usr/bin/setpriv /bin/setpriv /run/current-system/sw/bin/setpriv; do
[ -x "$user_tool" ] || continue
case $("$user_tool" --help 2>&1) in *--reuid*) return 0 ;; esac
done
for user_tool in /usr/sbin/chroot /usr/bin/chroot /sbin/chroot; do
[ -x "$user_tool" ] || continue
case $("$user_tool" --help 2>&1) in *--userspec*) return 0 ;; esac
done
user_tool=su
}
systemctl_for() {
systemctl_user=$1
shift
if [ -z "$systemctl_user" ]; then
limited "\${systemctl_seconds:-30}" systemctl "$@"
else
systemctl_uid=$(id -u -- "$systemctl_user") || return 1
systemctl_said=$(
{
user_limit=\${systemctl_seconds:-30}
as_user "$systemctl_user" env "XDG_RUNTIME_DIR=/run/user/$systemctl_uid" systemctl --user "$@" 2>&1
printf '\\n%s' "$?"
} | timed "$((\${systemctl_seconds:-30} + 5))" head -c 65536
)
printf '%s' "\${systemctl_said%"$newline"*}"
is_number "\${systemctl_said##*"$newline"}" && return "\${systemctl_said##*"$newline"}"
fi
}
show_units() {
show_user=$1
show_call=$2
show_names=$3
shift 3
unit_error=
if ! show_answer=$(systemctl_for "$show_user" show --property="$show_names" -- "$@" 2>&1); then
unit_error=$show_answer
return 1
fi
show_rest=$show_answer$newline$newline
while [ -n "\${show_rest#"$newline"}" ]; do
show_block=\${show_rest%%"$newline$newline"*}
show_rest=\${show_rest#*"$newline$newline"}
show_clear
IFS=$newline
set -f
set -- $show_block
set +f
IFS=$usual_ifs
for show_line in "$@"; do
show_name=\${show_line%%=*}
case ,$show_names, in
*",$show_name,"*) eval "show_$show_name=\\\${show_$show_name:+\\$show_$show_name\\$newline}\\\${show_line#*=}" ;;
esac
done
"$show_call"
done
}
show_clear() {
show_Accept='' show_ActiveState='' show_BindsTo='' show_BoundBy='' show_ConditionResult=''
show_ConsistsOf='' show_ControlGroup='' show_ExecMainCode='' show_ExecMainPID='' show_ExecMainStatus=''
show_ExecStart='' show_Id='' show_InvocationID='' show_Job='' show_KillMode=''
show_LoadState='' show_MainPID='' show_NRestarts='' show_Names='' show_NeedDaemonReload=''
show_PropagatesStopTo='' show_RefuseManualStart='' show_RefuseManualStop='' show_RemainAfterExit='' show_RequiredBy=''
show_Requires='' show_Result='' show_SubState='' show_Transient='' show_TriggeredBy=''
show_Type='' show_UID='' show_UnitFileState='' show_User='' show_Wants=''
}
unit_facts() {
unit_load='' unit_active='' unit_sub='' unit_main=0 unit_restarts=0 unit_result='' unit_group='' unit_kill='' unit_id='' unit_uid=''
show_units "$2" take_facts Id,LoadState,ActiveState,SubState,MainPID,NRestarts,Result,ControlGroup,KillMode,User,UID "$1"
}
take_facts() {
unit_id=$show_Id
unit_load=$show_LoadState
unit_active=$show_ActiveState
unit_sub=$show_SubState
unit_main=\${show_MainPID:-0}
unit_restarts=\${show_NRestarts:-0}
unit_result=$show_Result
unit_group=$show_ControlGroup
unit_kill=$show_KillMode
case $show_UID in
'' | *[!0-9]*) unit_uid=$(id -u -- "\${show_User:-0}" 2>/dev/null) || unit_uid=\${show_User:+none} ;;
*) unit_uid=$show_UID ;;
esac
[ -n "$show_User" ] || unit_uid=0
}
unit_of() {
unit=
unit_user=
command -v systemctl >/dev/null && cgroup_unit "$1" || return 1
unit_facts "$cgroup_unit" "$cgroup_uid" || return 1
unit_manages "$1" "$unit_main" "$unit_kill" || return 1
unit=$cgroup_unit
unit_user=$cgroup_uid
}
unit_manages() {
[ "$2" != "$1" ] && [ "$2" != 0 ] || return 0
manages_comm=
{ IFS= read -r manages_comm <"/proc/$2/comm"; } 2>/dev/null
case $manages_comm in sshd* | dropbear* | cron* | atd | login | agetty | *runner* | containerd* | dockerd* | lxd*) return 1 ;; esac
[ "$3" != process ]
}
process_start() {
process_start=
process_parent=
process_stat=
[ -n "$1" ] || return 1
{ while IFS= read -r process_line; do process_stat=$process_stat$process_line; done <"/proc/$1/stat"; } 2>/dev/null
process_stat=\${process_stat##*) }
set -- $process_stat
[ "$#" -ge 20 ] || return 1
process_start=\${20}
process_state=$1
process_parent=$2
process_session=$4
}
process_uid() {
process_uid=
process_effective_uid=
{ while read -r uid_key uid_real uid_effective _; do
case $uid_key in
Uid:)
process_uid=$uid_real
process_effective_uid=$uid_effective
break
;;
esac
done <"/proc/$1/status"; } 2>/dev/null
[ -n "$process_uid" ]
}
short_name() {
short_name=$1
while [ "\${#short_name}" -gt 15 ]; do short_name=\${short_name%?}; done
}
descends_from() {
descends_pid=$1
while [ "\${descends_pid:-0}" -gt 1 ]; do
process_start "$descends_pid" || return 1
descends_pid=$process_parent
[ "$descends_pid" != "$2" ] || return 0
done
return 1
}
image_of() {
image=$(stat -c '%d:%i %f' "$1" 2>/dev/null) || image=
case $image in
*' 8'???) image=\${image% *} ;;
*) image= ;;
esac
}
executes() {
[ -n "$2" ] && [ "$(stat -L -c '%d:%i' "/proc/$1/exe" 2>/dev/null)" = "$2" ]
}
find_running() {
running=''
strangers=''
contained=''
running_unseen=''
find_path=$1
shift
find_images=" $* "
sees_all
find_list=$(stat -L -c '%n %d:%i %h' /proc/[0-9]*/exe 2>/dev/null)
find_matches=
find_noted=
find_deleted=
IFS=$newline
for find_line in $find_list; do
find_image=\${find_line#* }
find_pid=\${find_line%%/exe*}
find_pid=\${find_pid#/proc/}
case $find_images in
*" \${find_image% *} "*)
case " \${noted_images:-} " in
*" \${find_image% *} "*) find_noted="$find_noted $find_pid" ;;
*) find_matches="$find_matches $find_pid" ;;
esac
;;
*) case $find_image in *' 0') find_deleted="$find_deleted $find_pid" ;; esac ;;
esac
done
IFS=$usual_ifs
for find_pid in $find_matches; do sort_in "$find_pid"; done
for find_pid in $find_noted; do
case $(readlink "/proc/$find_pid/exe" 2>/dev/null) in "\${find_path%/*}/"*) sort_in "$find_pid" ;; esac
done
for find_pid in $find_deleted; do
is_trusted "$find_pid" && [ "$(readlink "/proc/$find_pid/exe" 2>/dev/null)" = "$find_path (deleted)" ] && sort_in "$find_pid"
done
[ "$sees_all" = yes ] || find_unseen "\${find_path##*/}"
running=\${running# }
strangers=\${strangers# }
contained=\${contained# }
running_unseen=\${running_unseen# }
}
sort_in() {
if [ "/proc/$1/root/." -ef /. ]; then
if is_trusted "$1"; then running="$running $1"; elif [ -n "$process_uid" ]; then strangers="$strangers $1"; fi
elif is_trusted "$1"; then
contained="$contained $1"
fi
}
is_trusted() {
process_uid "$1" || return 1
case " $trusted " in *" $process_uid "*) ;; *) return 1 ;; esac
case " $trusted " in *" $process_effective_uid "*) ;; *) return 1 ;; esac
}
sees_all() {
[ -z "\${sees_all:-}" ] || return 0
sees_all=no
while read -r sees_key sees_value; do
case $sees_key/$sees_value in CapEff:/*[89a-f]????) sees_all=yes ;; esac
done </proc/self/status
}
hides_processes() {
[ "$(id -u)" != 0 ] || return 1
while read -r _ hides_at _ hides_options _; do
[ "$hides_at" = /proc ] || continue
case ,$hides_options, in *,hidepid=[124],* | *,hidepid=noaccess,* | *,hidepid=invisible,* | *,hidepid=ptraceable,*) return 0 ;; esac
done </proc/self/mounts
return 1
}
find_unseen() {
short_name "$1"
for find_proc in /proc/[0-9]*; do
find_name=
{ IFS= read -r find_name <"$find_proc/comm"; } 2>/dev/null || continue
[ "$find_name" = "$short_name" ] && ! readlink "$find_proc/exe" >/dev/null 2>&1 || continue
process_start "\${find_proc#/proc/}" || continue
case $process_state in Z | X) ;; *) running_unseen="$running_unseen \${find_proc#/proc/}" ;; esac
done
}
trust() {
case $1 in
*[!0-9]*) trust_uid=$(id -u -- "$1" 2>/dev/null) || trust_uid= ;;
*) trust_uid=$1 ;;
esac
trust_number "$trust_uid"
}
trust_number() {
[ -n "$1" ] || return 0
case " $trusted " in *" $1 "*) ;; *) trusted="$trusted $1" ;; esac
}
trust_units() {
trust_before=$trusted
trust_left=10
for trust_pid in $strangers; do
[ "$trust_left" -gt 0 ] || break
trust_left=$((trust_left - 1))
unit_of "$trust_pid" && [ -z "$unit_user" ] && process_uid "$trust_pid" || continue
[ "$unit_uid" != "$process_uid" ] || trust_number "$process_uid"
done
[ "$trusted" != "$trust_before" ]
}
enter_state() {
state_folder=.$in_name.deploy
if [ ! -e "./$state_folder" ] && [ ! -L "./$state_folder" ]; then
[ "\${1:-}" = create ] || return 2
mkdir -m 700 "./$state_folder" || { refused="$PWD/$state_folder can't be made"; return 1; }
fi
go_into_state || return 1
case $(stat -c '%u %a' .) in
"$me 700") ;;
"$me "*) chmod 700 . ;;
*) refused="$state_at/$state_folder is owned by another account, not by $me_name, which deploys"; return 1 ;;
esac
}
go_into_state() {
state_folder=.$in_name.deploy
state_at=\${PWD%/}
if [ -L "./$state_folder" ] || ! cd -P "./$state_folder" 2>/dev/null || [ "$PWD" != "$state_at/$state_folder" ]; then
refused="$state_at/$state_folder was not created by this tool"
return 1
fi
}
look_for_unfinished() {
state_phase=
[ -f journal ] || return 0
state_phase=$(state_lines tail -n 1 journal)
case $state_phase in
phase=end) ;;
phase=*)
say unfinished "\${state_phase#phase=}"
state_lines head -n 9 journal | while IFS= read -r state_line; do
state_value=\${state_line#*=}
case $state_line in
transaction=*) say unfinished_run "$state_value" ;;
id=*) say unfinished_id "$state_value" ;;
release=?*) say unfinished_release "$state_value" ;;
part_kind=?*) say unfinished_kind "$state_value" ;;
members=?*) printf 'unfinished_members=%s\\n' "$state_value" ;;
esac
done
;;
esac
}
state_lines() {
owner_of .
user_says "$owner_user" "$@" && printf '%s\\n' "$user_said"
}
last_deploy() {
last_image=''
last_run_as=''
last_text=$(go_into_state && [ -O . ] && [ -f live ] && sed -n '1p; 7p' live) || return 0
case $last_text in *' '*' '*) ;; *) return 0 ;; esac
last_rest=\${last_text#* }
last_image=\${last_rest%% *}
last_rest=\${last_rest#* }
last_image=$last_image:\${last_rest%% *}
case $last_text in *"$newline"*) last_run_as=\${last_text#*"$newline"} ;; esac
}
know_accounts() {
last_image=''
last_run_as=''
last_run_uid=''
trusted=0
trust_number "$me"
[ -z "\${in_login:-}" ] || trust "$in_login"
if [ -n "$folder_entered" ]; then
last_deploy
trust_number "$(stat -c %u .)"
if owner_of "./$in_name"; then
file_user=$owner_user
trust_number "$owner_uid"
fi
fi
run_as=\${in_run_as:-\${in_owner%%:*}}
[ -n "$run_as" ] || run_as=$file_user
trust "$run_as"
run_uid=$trust_uid
[ -z "$in_owner" ] || trust "\${in_owner%%:*}"
if [ -n "$last_run_as" ]; then
trust "$last_run_as"
last_run_uid=$trust_uid
fi
}
name_wanted() {
wanted_ids=
if [ -n "$in_owner" ]; then
ids_of "$in_owner"
wanted_ids=$ids_uid\${ids_gid:+:$ids_gid}
fi
ids_of "\${in_login:-$me_name}"
login_ids=$ids_uid\${ids_gid:+:$ids_gid}
name_of passwd "$in_run_as"
in_run_as=$name_of
name_of passwd "\${in_owner%%:*}"
wanted_user=$name_of
case $in_owner in
*:*)
name_of group "\${in_owner#*:}"
in_owner=$wanted_user:$name_of
;;
*) in_owner=$wanted_user ;;
esac
}
look_at_accounts() {
for account in \${in_owner:+"\${in_owner%%:*}"} \${in_run_as:+"$in_run_as"}; do
exists passwd "$account" || say missing_user "$account"
done
case $in_owner in
*:*) exists group "\${in_owner#*:}" || say missing_group "\${in_owner#*:}" ;;
esac
}
inspect_aliases() {
inspect_names
while read -r _ alias_point _; do
[ "$alias_point" != "\${PWD%/}/$in_name" ] || say mount_point yes
done </proc/self/mounts
[ -n "$running" ] || inspect_siblings
}
inspect_names() {
alias_count=$(stat -c %h "./$in_name" 2>/dev/null) || return 0
alias_count=$((alias_count - 1))
[ "$alias_count" -gt 0 ] || return 0
for alias_own in "./.$in_name.deploy/releases"/* "./.$in_name.deploy"/original "./.$in_name.deploy"/restored; do
[ -L "$alias_own" ] || [ ! "$alias_own" -ef "./$in_name" ] || alias_count=$((alias_count - 1))
done
[ "$alias_count" -le 0 ] || say other_names "$alias_count"
}
inspect_siblings() {
short_name "$in_name"
for alias_proc in /proc/[0-9]*; do
alias_name=
{ IFS= read -r alias_name <"$alias_proc/comm"; } 2>/dev/null || continue
[ "$alias_name" = "$short_name" ] && is_trusted "\${alias_proc#/proc/}" && [ "$alias_proc/root/." -ef /. ] || continue
alias_path=$(readlink "$alias_proc/exe" 2>/dev/null) || continue
case $alias_path in "\${PWD%/}"/*) say sibling "pid=\${alias_proc#/proc/} path=$alias_path" ;; esac
done
}
find_root_tool() {
root_tool_error=
for root_tool in sudo doas; do
command -v "$root_tool" >/dev/null || continue
if root_tool_said=$($root_tool -n -- /bin/sh -c : 2>&1 </dev/null); then return 0; fi
root_tool_error="$root_tool_error\${root_tool_error:+; }$root_tool refuses: \${root_tool_said:-no reason given}"
done
root_tool_error=\${root_tool_error:-there is neither sudo nor doas}
return 1
}
root_tool_remedy() {
allowing /bin/sh ''
printf '%s' "$allowing"
}
unit_remedy() {
systemctl_path=$(command -v systemctl)
unit_word=$1
case $1 in *\\\\*) quoted "$1" && unit_word=$quoted ;; esac
remedy_lines=
for unit_verb in stop reset-failed start; do
allowing "$systemctl_path" "$unit_verb $1"
case $allowing_tool/$remedy_lines in
*/) remedy_lines=$allowing ;;
sudo/*) remedy_lines="$remedy_lines, \${allowing#*NOPASSWD: }" ;;
*) remedy_lines="$remedy_lines and: \${allowing#*: }" ;;
esac
done
unit_command="$allowing_tool -n $systemctl_path"
printf '%s; then set restart: command, stop-command: %s, start-command: %s' "$remedy_lines" \\
"$unit_command stop $unit_word" "$unit_command reset-failed $unit_word; $unit_command start $unit_word"
}
allowing() {
allowing_name=$(id -un)
allowing_tool=sudo
if command -v doas >/dev/null && ! command -v sudo >/dev/null; then
allowing_tool=doas
case $allowing_name in
*[!A-Za-z0-9_.@-]*) allowing_name=\\"$(printf '%s' "$allowing_name" | sed 's/[\\\\"]/\\\\&/g')\\" ;;
esac
allowing="add to /etc/doas.conf: permit nopass $allowing_name as root cmd $1"
[ -z "$2" ] || allowing="$allowing args $(printf '%s' "$2" | sed 's/[\\\\]/\\\\&/g')"
return
fi
allowing_name=$(printf '%s' "$allowing_name" | sed 's/[\\\\ ,:=()!@]/\\\\&/g')
allowing="add to sudoers (visudo): $allowing_name ALL=(root) NOPASSWD: $1"
[ -z "$2" ] || allowing="$allowing $(printf '%s' "$2" | sed 's/[\\\\,:=]/\\\\&/g')"
command -v sudo >/dev/null || allowing="install sudo there, and $allowing"
}
inspect_commands() {
for given_commands in "$in_stop_command" "$in_start_command"; do
given_commands=$given_commands';'
while [ -n "$given_commands" ]; do
inspect_command "\${given_commands%%;*}"
given_commands=\${given_commands#*;}
done
done
}
inspect_command() {
sudo_words=\${1# }
case $sudo_words in
*[!A-Za-z0-9' '_./@:,+%=-]*) return ;;
'sudo -n '*) sudo_words=\${sudo_words#sudo -n } ;;
*) return ;;
esac
sudo_words=\${sudo_words#-- }
case $sudo_words in -*) return ;; esac
! limited 5 sudo -n -l -- $sudo_words >/dev/null 2>&1 || return 0
say command_refused "$sudo_words"
sudo_program=$(command -v "\${sudo_words%% *}") || sudo_program=\${sudo_words%% *}
case $sudo_words in *' '*) allowing "$sudo_program" "\${sudo_words#* }" ;; *) allowing "$sudo_program" '' ;; esac
say command_remedy "$allowing"
}
look_at_folder() {
say folder "$PWD"
owner_of .
say folder_owner "$owner_user"
say folder_mode "$owner_mode"
[ ! -w . ] || say folder_writable yes
df -P . | {
read -r _
read -r _ _ _ folder_free _ folder_mount
say free_kb "$folder_free"
say mount "$folder_mount"
folder_options=
while read -r _ mount_point _ mount_options _; do
[ "$mount_point" != "$folder_mount" ] || folder_options=$mount_options
done </proc/self/mounts
say mount_options "$folder_options"
}
df -P -i . 2>/dev/null | {
read -r _
read -r _ folder_inodes _ folder_free _
case $folder_inodes in 0 | '' | *[!0-9]*) ;; *) say free_inodes "$folder_free" ;; esac
}
look_for_immutable folder -d .
}
look_for_immutable() {
command -v lsattr >/dev/null || return 0
immutable_name=$1
shift
immutable_flags=$(lsattr "$@" 2>/dev/null)
case \${immutable_flags%% *} in *[ia]*) say immutable "$immutable_name" ;; esac
}
digest() {
if command -v openssl >/dev/null; then
digest_line=$(openssl dgst -sha256 -r 2>/dev/null) || digest_line=
else
digest_line=$(sha256sum)
fi
printf '%s\\n' "\${digest_line%% *}"
}
read_regular() {
find_nofollow
if [ "$me" != 0 ]; then
limited 100 cat -- "$1"
elif [ "$nofollow" = yes ]; then
limited 100 dd "if=$1" iflag=nofollow,nonblock bs=262144
else
(user_limit=100 && cd -P -- "\${1%/*}/" && owner_of . && as_user "$owner_uid" cat -- "./\${1##*/}")
fi 2>/dev/null
}
find_nofollow() {
[ -z "\${nofollow:-}" ] || return 0
nofollow=no
case $(limited 5 dd --version 2>/dev/null) in 'dd (coreutils)'*) nofollow=yes ;; esac
}
file_identity() {
file_identity=$(TZ=UTC0 stat -c '%d %i %s %y %z' "$1" 2>/dev/null)
}
live_digest() {
[ -f live ] || return 1
{
IFS=' ' read -r known_sha known_identity
read -r _ && read -r _ && read -r _ && read -r _
IFS=' ' read -r known_boot known_second
} <live
boot_id=
read -r boot_id </proc/sys/kernel/random/boot_id
[ -n "$boot_id" ] && [ "$known_boot" = "$boot_id" ] && [ "$known_identity" = "$1" ] || return 1
known_change=$(stat -c %Z "../$in_name") && [ "$known_change" -lt "$known_second" ] && printf '%s\\n' "$known_sha"
} 2>/dev/null
look_at_file() {
file_identity "./$in_name"
file_seen=\${file_identity:-none}
if [ -L "./$in_name" ]; then
say file_link "$(readlink "./$in_name")"
elif [ -d "./$in_name" ]; then
say file_folder yes
elif [ -e "./$in_name" ] && [ ! -f "./$in_name" ]; then
say file_odd "$(stat -c %F "./$in_name")"
elif [ -e "./$in_name" ]; then
look_at_program
fi
}
look_at_program() {
owner_of "./$in_name" && file_user=$owner_user
say file_owner "$owner_user:$owner_group"
say file_ids "$owner_uid:$owner_gid"
say file_mode "$owner_mode"
file_bytes=\${file_seen#* * }
say file_bytes "\${file_bytes%% *}"
look_for_immutable file "./$in_name"
if command -v getcap >/dev/null; then
file_capabilities=$(getcap "./$in_name" 2>/dev/null)
file_capabilities=\${file_capabilities#"./$in_name"}
file_capabilities=\${file_capabilities# = }
say file_capabilities "\${file_capabilities# }"
fi
file_sha256
}
file_sha256() {
file_sum=$(enter_state && live_digest "$file_seen")
if [ -n "$file_sum" ]; then
say file_sha256 "$file_sum"
return
fi
if [ ! -r "./$in_name" ]; then
say file_unreadable yes
return
fi
file_sum=$(read_regular "./$in_name" | digest)
say file_sha256 "$file_sum"
}
look_at_log() {
[ -n "$in_log_file" ] || return 0
log_folder=\${in_log_file%/*}
log_folder=\${log_folder:-/}
log_question='if [ ! -d "$2" ]; then echo folder_missing; elif [ -d "$1" ]; then echo is_folder; '
log_question=$log_question'elif [ -f "$1" ] && [ -w "$1" ]; then echo fine; elif [ -f "$1" ] && [ -w "$2" ] && [ ! -k "$2" ]; then echo foreign; '
log_question=$log_question'elif [ -f "$1" ]; then echo unwritable; elif [ -p "$1" ]; then echo pipe; elif [ -c "$1" ]; then echo device; '
log_question=$log_question'elif [ -e "$1" ] || [ -L "$1" ]; then echo odd; elif [ ! -w "$2" ]; then echo folder_unwritable; elif [ -d "$2" ]; then echo fine; fi'
user_says "$run_as" /bin/sh -c "$log_question" sh "$in_log_file" "$log_folder"
case $user_said in
fine) ;;
folder_missing) say log_folder_missing "$log_folder" ;;
is_folder) say log_is_folder yes ;;
foreign) say log_foreign yes ;;
pipe | device) say log_is_odd "$user_said" ;;
odd) say log_is_odd 'file of another kind, or a link to nothing' ;;
folder_unwritable) say log_unwritable "$log_folder" ;;
*) say log_unwritable "$in_log_file" ;;
esac
}
look_at_working_directory() {
case $in_restart in auto | process) ;; *) return 0 ;; esac
user_can "$run_as" test -x "$in_working_directory/." || say directory_closed yes
}
look_at_passwords() {
for password_of in "$@"; do
case " \${password_seen:-} " in *" $password_of "*) continue ;; esac
password_seen="\${password_seen:-} $password_of"
password_expired "$password_of" || continue
say note "the password of $password_of has expired: sudo, su and cron may refuse it (\\\`passwd $password_of\\\`, or \\\`chage -M -1 $password_of\\\`)"
done
}
password_expired() {
if [ ! -r /etc/shadow ]; then
[ "$1" = "$me_name" ] && command -v chage >/dev/null || return 1
case $(limited 5 chage -l "$1" 2>/dev/null) in *'must be changed'*) return 0 ;; esac
return 1
fi
while IFS=: read -r shadow_name _ shadow_last _ shadow_most _; do
[ "$shadow_name" = "$1" ] || continue
[ "$shadow_last" != 0 ] || return 0
is_number "$shadow_last" && is_number "$shadow_most" || return 1
[ "$((shadow_last + shadow_most))" -lt "$(($(date +%s) / 86400))" ]
return
done </etc/shadow
return 1
}
say_strangers() {
strangers_left=10
for stranger_pid in $strangers; do
[ "$strangers_left" -gt 0 ] || break
strangers_left=$((strangers_left - 1))
process_uid "$stranger_pid" || continue
name_of passwd "$process_uid"
say stranger "pid=$stranger_pid uid=$process_uid user=$name_of"
done
}
supervisor_of() {
supervisor_above "$1" || supervisor_by_environment "$1" || return 1
supervised=
case $supervisor in
runsv | s6-supervise | supervise) supervised=$(readlink "/proc/$supervisor_pid/cwd" 2>/dev/null) ;;
supervisord)
started_with "$1" SUPERVISOR_GROUP_NAME
supervised_group=$started_with
started_with "$1" SUPERVISOR_PROCESS_NAME
supervised=$started_with
[ -z "$supervised" ] || [ "$supervised_group" = "$supervised" ] || supervised=$supervised_group:$supervised
;;
pm2) started_with "$1" name && supervised=$started_with ;;
monit) started_with "$1" MONIT_SERVICE && supervised=$started_with ;;
esac
case $supervised in *[!A-Za-z0-9_./:@+-]*) supervised= ;; esac
}
supervisor_above() {
supervisor=
supervisor_pid=$1
while :; do
process_start "$supervisor_pid" && supervisor_pid=$process_parent || return 1
[ "$supervisor_pid" -gt 0 ] || return 1
{ IFS= read -r supervisor <"/proc/$supervisor_pid/comm"; } 2>/dev/null
case $supervisor in
supervisord | runsv | s6-supervise | monit | supervise | circusd) return 0 ;;
PM2*) supervisor=pm2; return 0 ;;
esac
supervisor=
done
}
supervisor_by_environment() {
started_with "$1" MONIT_SERVICE || return 1
for supervisor_proc in /proc/[0-9]*; do
supervisor_name=
{ IFS= read -r supervisor_name <"$supervisor_proc/comm"; } 2>/dev/null
[ "$supervisor_name" = monit ] || continue
supervisor=monit
supervisor_pid=\${supervisor_proc#/proc/}
return 0
done
return 1
}
started_with() {
started_with=$(tr '\\n\\0' ' \\n' 2>/dev/null <"/proc/$1/environ" | sed -n "s/^$2=//p" | head -n 1)
[ -n "$started_with" ]
} 2>/dev/null
program_words() {
program_words=$(zero_words "/proc/$1/cmdline" 1d)
words_rest=$program_words
while :; do
case $words_rest in "'' "*) words_rest=\${words_rest#"'' "} ;; *) break ;; esac
done
[ -z "$words_rest" ] || return 0
[ -z "$program_words" ] || return 1
case $in_folder/$in_name in *' '*) return 0 ;; esac
case $(zero_words "/proc/$1/cmdline" '2,$d') in *' '?*) return 1 ;; esac
}
look_at_processes() {
say accounts "$trusted"
say run_uid "$run_uid"
say last_run_as "$last_run_as"
say last_run_uid "$last_run_uid"
say unseen "$running_unseen"
say maybe "$maybe_running"
say contained "$contained"
for found_pid in $running; do look_at_process "$found_pid"; done
say_strangers
}
look_at_process() {
found_same=yes
! program_words "$1" || [ "\${program_words% }" = "$in_args" ] || found_same=args
[ "/proc/$1/cwd" -ef "$in_working_directory" ] || [ "/proc/$1/cwd" -ef / ] || found_same=folder
same_environment "$1" || found_same=environment
found_live=no
! executes "$1" "$live_image" || found_live=yes
process_start "$1" && process_uid "$1" || return 0
found_worker=no
case " $running " in *" $process_parent "*) found_worker=yes ;; esac
account_name "$process_uid"
supervisor_of "$1" || supervisor_pid='' supervised=''
say process "pid=$1 uid=$process_uid worker=$found_worker live=$found_live same=$found_same supervisor=$supervisor supervisor_pid=$supervisor_pid supervised=$supervised user=$account_name"
}
account_name() {
case $1 in
"$run_uid") account_name=$run_as ;;
"$me") account_name=$me_name ;;
*)
name_of passwd "$1"
account_name=$name_of
;;
esac
}
same_environment() {
[ -n "$in_environment" ] || return 0
found_env=" $(zero_words "/proc/$1/environ" '')"
eval "set -- $in_environment"
for wanted in "$@"; do
quoted "$wanted"
case $found_env in *" $quoted "*) ;; *) return 1 ;; esac
done
}
narrow_unseen() {
maybe_running=
[ -n "$running_unseen" ] || return 0
narrow_left=
narrow_owner=$(stat -c %U "$in_folder/$in_name" 2>/dev/null)
for narrow_pid in $running_unseen; do
case $(stat -c %U "/proc/$narrow_pid" 2>/dev/null) in
root | "\${in_run_as:-root}" | "\${in_owner%%:*}" | "\${narrow_owner:-root}") narrow_left="$narrow_left $narrow_pid" ;;
esac
done
[ -n "$running" ] || maybe_running=$running_unseen
running_unseen=\${narrow_left# }
}
reason_for_root() {
if [ -z "$folder_entered" ] || [ ! -w . ]; then
root_reason="$me_name can't write to $in_folder"
elif [ -e "./.$in_name.deploy" ] && [ ! -O "./.$in_name.deploy" ]; then
root_reason="the releases in $in_folder/.$in_name.deploy belong to another account"
elif [ -e "./$in_name" ] && [ ! -O "./$in_name" ]; then
root_reason="$in_folder/$in_name belongs to another account"
elif [ -n "$in_owner" ] && ! is_me "\${in_owner%%:*}"; then
root_reason="the file's owner must be set to $in_owner"
elif [ -n "$in_run_as" ] && ! is_me "$in_run_as"; then
root_reason="the program runs as $in_run_as"
elif [ -n "$in_capabilities" ]; then
root_reason='file capabilities are to be set'
elif [ -n "$(getcap "./$in_name" 2>/dev/null)" ]; then
root_reason='its file capabilities are to be carried over'
elif [ -n "$running_unseen$maybe_running" ]; then
root_reason="pid \${running_unseen:-$maybe_running} may run the file, and $me_name can't see it"
elif [ -z "$running" ] && hides_processes; then
root_reason="the processes of other accounts are hidden from $me_name (hidepid)"
elif [ -n "$in_service" ] && [ "$in_service_is_user" != yes ]; then
root_reason="$in_service is a system unit"
! unit_facts "$in_service" '' || [ "$unit_uid" != "$me" ] || root_unit=$unit_id
else
reason_of_processes
fi
}
reason_of_processes() {
for reason_pid in $running; do
if [ ! -O "/proc/$reason_pid" ]; then
root_reason="pid $reason_pid belongs to another account"
elif unit_of "$reason_pid" && [ -z "$unit_user" ] && [ "$in_restart" != command ]; then
root_reason="pid $reason_pid belongs to the system unit $unit"
root_unit=$unit
fi
done
}
is_me() {
[ "$1" = "$me_name" ] || [ "$1" = "$me" ]
}
inspect_root_path() {
case " $run_uid $last_run_uid " in *' 0 '*) ;; *) return 0 ;; esac
if ! find_open "$PWD"; then
say open_folder "$open_folder"
say open_to "$open_to"
fi
case $in_log_file in /*/*) ;; *) return 0 ;; esac
open_log=$(cd -P "\${in_log_file%/*}" 2>/dev/null && pwd -P) || return 0
find_open "$open_log" && return 0
say open_log "$open_folder"
say open_log_to "$open_to"
}
find_open() {
open_folder=
open_rest=\${1%/}/
while [ -n "$open_rest" ]; do
open_folder=$open_folder\${open_rest%%/*}/
open_rest=\${open_rest#*/}
owner_of "$open_folder." || continue
find_changer
[ -z "$open_to" ] || return 1
done
}
find_changer() {
open_to=
[ "$owner_uid" = 0 ] || { open_to=$owner_user; return; }
case $owner_mode in
[1357]???) ;;
*[2367]) open_to=everybody ;;
*[2367]?)
case $owner_gid/$owner_group in 0/* | */staff) ;; *) open_to="the group $owner_group" ;; esac
;;
esac
}
look_at_session() {
[ -d /run/systemd/sessions ] && [ "\${in_login:-$me_name}" != root ] || return 0
session_cgroup=$(cat /proc/self/cgroup)
case $session_cgroup in *session-*.scope*) ;; *) return 0 ;; esac
session_kills=$(limited 5 busctl get-property org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager KillUserProcesses 2>/dev/null)
[ "$session_kills" = 'b true' ] || return 0
say session_kills yes
[ ! -e "/var/lib/systemd/linger/$me_name" ] || say lingers yes
}
say_last_release() {
[ -f last-release ] || return 0
IFS= read -r last_release <last-release
say last_release "$last_release"
}
newest_releases() {
newest_rank=99999999
for newest_about in $(ls -t releases 2>/dev/null); do
case $newest_about in *.about) ;; *) continue ;; esac
newest_rank=$((newest_rank - 1))
release_sequence "releases/$newest_about"
printf '%08d %s %s\\n' "$release_sequence" "$newest_rank" "\${newest_about%.about}"
done | sort -r | while read -r _ _ newest_sha; do printf '%s\\n' "$newest_sha"; done
}
release_sequence() {
release_sequence=
{ read -r _ && read -r release_sequence; } <"$1"
release_sequence=\${release_sequence#sequence=}
case $release_sequence in '' | 0* | *[!0-9]* | ?????????*) release_sequence=0 ;; esac
}
look_at_state() {
state_seen=$file_seen
(
if enter_state; then
look_into_state
else
[ $? = 2 ] || say state_refused "$refused"
say seen "$state_seen"
fi
)
}
look_into_state() {
look_for_unfinished
say seen "$state_seen\${state_phase:+"$newline$state_phase"}"
if [ -f lock ] && ! flock -n -s 9 9<lock; then
IFS= read -r state_holder <lock
say locked "$state_holder"
fi
if [ -f live ]; then
{
IFS=' ' read -r state_sha _
read -r state_workflow && read -r state_number && read -r state_run
say live_sha256 "$state_sha"
say live_workflow "$state_workflow"
say live_run_number "$state_number"
say live_run "$state_run"
} <live
fi
newest_releases | while read -r state_sha; do say release "$state_sha"; done
say_last_release
[ ! -f ended ] || tail -n 20 ended | while IFS= read -r state_line; do say ended "$state_line"; done
[ ! -f history ] || tail -n 5 history | while IFS= read -r state_line; do say history "$state_line"; done
}
inspect_units() {
command -v systemctl >/dev/null && [ -d /run/systemd/system ] || {
[ -z "$in_service" ] || say service_error 'systemd is not running there'
return 0
}
world_file=\${PWD%/}/$in_name
world_last=$(go_into_state && [ -O . ] && [ -f journal ] && sed -n 's/^unit=//p' journal | head -n 1)
world_uid=$(id -u "$run_as" 2>/dev/null)
system_candidates=
user_candidates=
for world_pid in $running \${strangers:-}; do add_candidates "$world_pid"; done
if [ -n "$in_service" ]; then
if [ "$in_service_is_user" = yes ]; then user_candidates="$in_service $user_candidates"; else system_candidates="$in_service $system_candidates"; fi
fi
search_unit_files ''
inspect_manager '' "$system_candidates $world_last"
inspect_user_manager
}
add_candidates() {
add_pid=$1
while [ "\${add_pid:-0}" -gt 1 ]; do
if cgroup_unit "$add_pid"; then
case $cgroup_uid in
'') system_candidates="$system_candidates $cgroup_unit" ;;
"$world_uid") user_candidates="$user_candidates $cgroup_unit" ;;
*) say other_user_unit "pid=$1 uid=$cgroup_uid unit=$cgroup_unit" ;;
esac
return
fi
process_start "$add_pid" || return 0
add_pid=$process_parent
done
}
search_unit_files() {
if [ -z "$1" ]; then
search_files=$(limited 10 grep -rlsF -- "/$in_name" /etc/systemd/system /run/systemd/system /run/systemd/generator.late /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system /etc/init.d 2>/dev/null | head -n 50)
else
search_home=$(getent passwd "$1" 2>/dev/null | cut -d : -f 6)
search_files=$(as_user "$1" timeout 10 grep -rlsF -- "/$in_name" /etc/systemd/user /usr/lib/systemd/user "\${search_home:-/nonexistent}/.config/systemd/user" </dev/null 2>/dev/null | head -n 50)
fi
search_found=
IFS=$newline
for search_path in $search_files; do
search_name=\${search_path##*/}
case $search_path in
*.service.d/*)
search_name=\${search_path%/*}
search_name=\${search_name##*/}
search_name=\${search_name%.d}
;;
/etc/init.d/*) search_name=$search_name.service ;;
esac
is_unit_name "$search_name" || continue
case $search_name in
*@.service) add_instances "$1" "\${search_name%.service}" ;;
*.service) search_found="$search_found $search_name" ;;
esac
done
IFS=$usual_ifs
if [ -z "$1" ]; then system_candidates="$system_candidates$search_found"; else user_candidates="$user_candidates$search_found"; fi
}
is_unit_name() {
case $1 in '' | *[!A-Za-z0-9:_.@\\\\-]*) return 1 ;; esac
}
add_instances() {
instances=$(IFS=$usual_ifs; systemctl_for "$1" list-units --all --plain --no-legend --full "$2*.service" 2>/dev/null | while read -r instance _; do printf '%s\\n' "$instance"; done)
for instance in $instances /etc/systemd/system/*.wants/"$2"*.service; do
instance=\${instance##*/}
[ "$instance" = "$2.service" ] || ! is_unit_name "$instance" || search_found="$search_found $instance"
done
}
inspect_user_manager() {
[ -n "$world_uid" ] || return 0
if [ "$me" != 0 ] && [ "$me" != "$world_uid" ]; then return 0; fi
[ ! -e "/var/lib/systemd/linger/$run_as" ] || say run_as_lingers yes
if [ ! -S "/run/user/$world_uid/systemd/private" ]; then
[ "$in_service_is_user" != yes ] || say user_manager none
return 0
fi
search_unit_files "$run_as"
[ -n "$user_candidates" ] || return 0
inspect_manager "$run_as" "$user_candidates"
}
inspect_manager() {
world_user=$1
world_todo=$2
world_seen=' '
world_role=program
world_step=0
while [ -n "\${world_todo# }" ] && [ "$world_step" -lt 5 ]; do
world_next=
world_ask=
for world_name in $world_todo; do
world_entry=\${world_name##*,}
case "$world_seen" in *" $world_entry "*) continue ;; esac
world_seen="$world_seen$world_entry "
world_ask="$world_ask $world_entry"
done
world_roles=" $world_todo "
[ -n "$world_ask" ] || break
show_units "$world_user" say_unit "$WORLD_PROPERTIES" $world_ask || {
say service_error "\${unit_error:-systemd does not answer}"
return
}
world_todo=$world_next
world_role=
world_step=$((world_step + 1))
done
}
WORLD_PROPERTIES=Id,Names,LoadState,ActiveState,SubState,UnitFileState,Type,User,MainPID,RemainAfterExit,Transient,NeedDaemonReload,ExecStart,KillMode,ControlGroup,TriggeredBy,RequiredBy,BoundBy,ConsistsOf,PropagatesStopTo,Requires,Wants,BindsTo,Accept,RefuseManualStart,RefuseManualStop
say_unit() {
world_role=program
for unit_entry in $world_roles; do
case $unit_entry in
"$show_Id") world_role=program; break ;;
*",$show_Id") world_role=\${unit_entry%%,*}; break ;;
esac
done
unit_command=no
unit_pids=
if [ "$world_role" = program ]; then
command_of_unit
pids_of_unit
[ "$show_Id" != "$world_last" ] || [ "$unit_command" != no ] || unit_command=last
case " $show_Names $show_Id " in
*" \${in_service:-/} "*) ;;
*) [ -n "$unit_pids" ] || [ "$unit_command" != no ] || return 0 ;;
esac
fi
case $world_role in trigger | wanted) ;; *) follow_unit ;; esac
joined "$show_Names" && unit_names=$joined
joined "$show_TriggeredBy" && unit_triggers=$joined
joined "$unit_pids" && unit_pids=$joined
joined "$show_Requires $show_Wants $show_BindsTo" && unit_wants=$joined
joined "$show_RequiredBy $show_BoundBy $show_ConsistsOf $show_PropagatesStopTo" && unit_dependents=$joined
say unit "name=$show_Id role=$world_role user=$world_user names=$unit_names load=$show_LoadState active=$show_ActiveState sub=$show_SubState enabled=$show_UnitFileState type=$show_Type account=$show_User main=$show_MainPID remain=$show_RemainAfterExit transient=$show_Transient reload=$show_NeedDaemonReload accept=$show_Accept command=$unit_command pids=$unit_pids triggers=$unit_triggers dependents=$unit_dependents wants=$unit_wants start_refused=$show_RefuseManualStart stop_refused=$show_RefuseManualStop"
}
follow_unit() {
if [ "$world_role" = program ]; then
for follow_name in $show_TriggeredBy; do world_next="$world_next trigger,$follow_name"; done
fi
for follow_name in $show_Requires $show_Wants $show_BindsTo; do
case $follow_name in
*.service | *.path | *.timer | *.socket) world_next="$world_next wanted,$follow_name" ;;
esac
done
case $show_ActiveState in inactive | failed) return 0 ;; esac
for follow_name in $show_RequiredBy $show_BoundBy $show_ConsistsOf $show_PropagatesStopTo; do
world_next="$world_next dependent,$follow_name"
done
}
command_of_unit() {
case $show_ExecStart in
*"path=$world_file ;"* | *"path=$in_folder/$in_name ;"*) unit_command=exact ;;
*"path=/etc/init.d/"*) unit_command=script ;;
*[\\ \\'\\"=]"$world_file"[\\ \\'\\"\\;]* | *[\\ \\'\\"=]"$in_folder/$in_name"[\\ \\'\\"\\;]*) unit_command=mention ;;
*"/$in_name ;"*)
command_path=\${show_ExecStart#*path=}
[ ! "\${command_path%% ;*}" -ef "$world_file" ] || unit_command=exact
;;
esac
}
pids_of_unit() {
for unit_pid in $running \${strangers:-}; do
if ! in_cgroup "$unit_pid" "$show_ControlGroup"; then
[ -z "$cgroup_unit" ] && [ "\${show_MainPID:-0}" != 0 ] && descends_from "$unit_pid" "$show_MainPID" || continue
fi
unit_manages "$unit_pid" "\${show_MainPID:-0}" "$show_KillMode" || continue
unit_pids="$unit_pids $unit_pid"
done
}
joined() {
joined=
for joined_word in $1; do joined=$joined,$joined_word; done
joined=\${joined#,}
}
elevate() {
root_reason=
root_unit=
[ "$me" != 0 ] && [ "$in_sudo" != never ] || return 1
if [ "$in_sudo" = always ]; then root_reason='sudo: always'; else reason_for_root; fi
[ -n "$root_reason" ] || return 1
say needs_root "$root_reason"
if ! find_root_tool; then
say sudo_error "$root_tool_error"
say sudo_remedy "$(root_tool_remedy)"
[ -z "$root_unit" ] || say unit_remedy "$(unit_remedy "$root_unit")"
return 1
fi
quoted "$me_name"
encoded "in_elevated=yes
in_root_tool=$root_tool
in_login=$quoted"
printf '%s' "$encoded\\\\n$line" |
$root_tool -n -- /bin/sh -c 'line=$(cat); case $line in *#end) eval "$(printf %b "$line")"; esac'
}
enter_folder() {
if [ "$me" != 0 ]; then
cd -P -- "$1" 2>/dev/null && return 0
refused="$1 can't be entered by $me_name"
return 1
fi
cd / || return 1
walk_rest=$1
walk_links=0
while [ -n "$walk_rest" ]; do
walk_step=\${walk_rest%%/*}
case $walk_rest in */*) walk_rest=\${walk_rest#*/} ;; *) walk_rest= ;; esac
case $walk_step in '' | .) continue ;; esac
if [ -L "./$walk_step" ]; then
follow_link "./$walk_step" || return 1
continue
fi
walk_at=\${PWD%/}
cd -P "./$walk_step" 2>/dev/null || { refused="$walk_at/$walk_step is not a folder"; return 1; }
[ "$walk_step" = .. ] || [ "$PWD" = "$walk_at/$walk_step" ] || { refused="$walk_at/$walk_step was swapped while it was entered"; return 1; }
done
}
follow_link() {
if [ "$(stat -c %u "$1")" != 0 ]; then
refused="$PWD/\${1#./} is a symbolic link of another account, and root does not follow it"
return 1
fi
walk_links=$((walk_links + 1))
[ "$walk_links" -le 20 ] || { refused='too many symbolic links in the path'; return 1; }
walk_link=$(readlink "$1" && echo x)
walk_link=\${walk_link%?x}
case $walk_link in /*) cd / ;; esac
walk_rest=$walk_link/$walk_rest
}
main() {
prelude
set -u
know_me
find_timeout
[ "\${in_elevated:-}" = yes ] || begin
kernel=$(uname -sm)
machine=\${kernel##* }
kernel=\${kernel% *}
if [ "$kernel" != Linux ]; then
say kernel "$kernel"
end
return
fi
look
end
}
look() {
refused=
folder_entered=
file_sum=
file_seen=none
file_user=\${in_login:-$me_name}
name_wanted
live_image=
if enter_folder "$in_folder"; then
folder_entered=yes
image_of "./$in_name"
live_image=$image
fi
know_accounts
noted_images=$last_image
[ "$last_image" != "$live_image" ] || noted_images=
find_running "\${PWD%/}/$in_name" $live_image $last_image
! trust_units || find_running "\${PWD%/}/$in_name" $live_image $last_image
narrow_unseen
if [ "\${in_elevated:-}" != yes ] && elevate; then exit 0; fi
say user "$me_name"
say login "\${in_login:-$me_name}"
say root_tool "\${in_root_tool:-}"
say uid "$me"
say wanted_owner "$in_owner"
say wanted_ids "$wanted_ids"
say login_ids "$login_ids"
say wanted_run_as "$in_run_as"
say machine "$machine"
look_at_tools
look_at_accounts
look_at_processes
look_at_session
if [ -z "$folder_entered" ]; then
say folder_refused "\${refused:-$in_folder does not exist}"
return
fi
look_at_folder
inspect_root_path
inspect_aliases
look_at_file
look_at_state
inspect_units
look_at_health
look_at_log
look_at_working_directory
inspect_commands
look_at_passwords "\${in_login:-$me_name}" "$run_as"
}
look_at_tools() {
[ ! -e /proc/self/stat ] || say tool /proc
for tool in zstd gzip perl flock setsid sha256sum stat timeout; do
! command -v "$tool" >/dev/null || say tool "$tool"
done
case $(timeout --help 2>&1) in *[Tt]oybox*) say toybox_timeout yes ;; esac
[ -z "$in_interpreter" ] || [ ! -e "$in_interpreter" ] || say interpreter yes
}
look_at_health() {
if [ -n "$in_health_url" ]; then
http_client "$in_health_url"
say http_client "$http_client"
case $in_health_url in
https:*) http_get "$in_health_url" 5 || [ -z "$http_untrusted" ] || say health_untrusted "$http_error" ;;
esac
fi
if [ -n "$in_health_port" ] && port_inodes "$in_health_port" && [ -n "$port_inodes" ]; then
if [ -z "$running" ] || ! port_owned_by "$in_health_port" $running; then
port_owner "$in_health_port"
say port_holder "\${port_owner_pids:-unknown}"
fi
fi
case $file_sum in "$in_sha256"*) ;; *) return 0 ;; esac
[ -n "$in_sha256" ] && [ -n "$running" ] || return 0
if health_check yes "\${running%% *}"; then say health ok; else say health "$health_reason"; fi
}
main`;function G$(e){let t=e.text("folder");if(t!==void 0)return{path:t,owner:e.text("folder_owner")??"",mode:e.text("folder_mode")??"",writable:e.yes("folder_writable"),mount:e.text("mount")??"",options:(e.text("mount_options")??"").split(",")}}i(G$,"toFolder");function jl(e,t=""){return e===void 0?void 0:{path:e==="/"?e:e.replace(/\/$/,""),to:t}}i(jl,"toOpenFolder");function Y$(e){let[[t="0"]=[]]=e.parts("free_kb",/^(-?[0-9]{1,15}|-)$/,"an amount of free space");return t==="-"?Number.POSITIVE_INFINITY:Math.max(0,Number(t))*1024}i(Y$,"toFreeBytes");function V$(e){let t=e.number("file_bytes");if(t!==void 0)return{owner:e.text("file_owner")??"",ids:e.text("file_ids")??"",mode:(e.text("file_mode")??"").padStart(4,"0"),bytes:t,sha256:e.digest("file_sha256")??"",capabilities:e.text("file_capabilities")??""}}i(V$,"toFile");function X$(e,t){let n=e.text("file_link"),r=e.text("file_odd");if(n!==void 0)return`${t} is a symbolic link to ${n}`;if(e.yes("file_folder"))return`${t} is a folder`;if(r!==void 0)return`${t} is a ${r}`;if(e.yes("file_unreadable"))return`${t} can't be read by this account`}i(X$,"fileProblem");function J$(e){let t=e.text("log_folder_missing"),n=e.text("log_unwritable");if(t!==void 0)return`the folder ${t} of the log file does not exist`;let r=e.text("log_is_odd");if(e.yes("log_is_folder"))return"the log file is a folder";if(r!==void 0)return`the log file is not a regular file (${r}), so the program could block on it or fill it`;if(n!==void 0)return`the account that the program runs as can't write to ${n}`}i(J$,"logProblem");var ew=["yes","args","folder","environment"];var CI=/^([0-9a-f-]{1,64}) ([0-9a-f]{64}|none) ([0-9]{1,12})$/;function tw(e){let[t]=e.parts("last_release",CI,"a release");if(!t)return;let[n="",r="",o]=t;return{id:n,sha256:r==="none"?void 0:r,seconds:Number(o)}}i(tw,"lastRelease");function nw(e){let t=e.texts("command_remedy"),n=e.text("login")??"",r=e.number("uid")===0;return{login:n,asRoot:r,sudo:r&&n!==e.text("user"),needsRoot:e.text("needs_root"),sudoError:e.has("sudo_error")?e.quote("sudo_error")??"":void 0,sudoRemedy:e.text("sudo_remedy"),unitRemedy:e.text("unit_remedy"),rootTool:e.oneOf("root_tool",["sudo","doas"])??"sudo",commandsRefused:e.texts("command_refused").map((o,s)=>({command:o,remedy:t[s]??""}))}}i(nw,"toRights");function rw(e){return{tools:new Set(e.texts("tool")),toyboxTimeout:e.yes("toybox_timeout")}}i(rw,"toTools");var RI=["program","trigger","dependent","wanted"],TI=["exact","mention","script","last","no"];function ow(e){return e.records("unit").map(PI)}i(ow,"foundUnits");function sw(e){return e.records("other_user_unit").map(t=>({pid:t.pid("pid")??0,uid:t.numbers("uid"),unit:iw(t,"unit")}))}i(sw,"otherUserUnits");function PI(e){let t=i(n=>e.text(n)??"","word");return{name:iw(e,"name"),role:e.oneOf("role",RI)??"program",user:t("user"),names:cs(e,"names"),load:t("load"),active:t("active"),sub:t("sub"),enabled:t("enabled"),type:t("type"),account:t("account"),remain:e.yes("remain"),transient:e.yes("transient"),reload:e.yes("reload"),accept:e.yes("accept"),command:e.oneOf("command",TI)??"no",pids:e.has("pids")?aw(t("pids")).filter(n=>NI.test(n)).map(Number):[],triggers:cs(e,"triggers"),dependents:cs(e,"dependents"),wants:cs(e,"wants"),startRefused:e.yes("start_refused"),stopRefused:e.yes("stop_refused")}}i(PI,"toUnit");var BI=/^[A-Za-z0-9:_.@\\-]{1,255}$/,NI=/^[1-9][0-9]{0,9}$/;function iw(e,t){let[n=""]=cs(e,t);return n}i(iw,"unitName");function cs(e,t){return aw(e.text(t)??"").filter(n=>BI.test(n))}i(cs,"unitNames");function aw(e){return e.split(",").filter(t=>t!=="")}i(aw,"listed");function jt({type:e,remain:t}){return e==="oneshot"&&!t}i(jt,"isJob");function An({active:e}){return e!==""&&e!=="inactive"&&e!=="failed"}i(An,"isActive");function $a(e){return e.active!=="inactive"||e.enabled==="enabled"}i($a,"isMeant");var OI=120;async function io(e,t,n,{another:r=!t.dryRun}={}){let o={what:"Inspecting the target",state:"untouched. Inspection changes nothing."},s=pn(t.environment,t.health),a=await bn(e,{text:Z$,values:LI(t,n)},{...o,clean:s,sudo:!1,limitSeconds:OI,another:r});if(!a.complete)throw fa(e,o,a);return UI(a.answer,t)}i(io,"inspect");function LI(e,t){return{folder:e.folder,name:e.name,sudo:e.sudo,owner:e.owner,run_as:e.runAs,capabilities:e.capabilities,restart:e.restart,stop_command:e.stopCommand,start_command:e.startCommand,service:e.service&&as(e.service.replace(/^user:/,"")),service_is_user:e.service?.startsWith("user:")?"yes":"",interpreter:t?.elf?.interpreter,args:us(e.args),environment:us(e.environment),working_directory:e.workingDirectory??e.folder,log_file:e.logFile,sha256:t?.sha256??e.rollbackTo,...Wl(e)}}i(LI,"inspectValues");function Wl({health:e}){let t=e.url?new URL(e.url):void 0,n=t&&/^(localhost|127\.[\d.]+|\[::1\])$/.test(t.hostname);return{health_url:e.url,...Df(e.url,e.headers),health_url_port:n?t.port||(t.protocol==="https:"?"443":"80"):void 0,health_status:e.status,health_contains:e.contains,health_port:e.port,health_command:e.command}}i(Wl,"healthValues");function us(e){return e.map(Ao).join(" ")}i(us,"words");function UI(e,t){return{otherKernel:e.text("kernel"),...nw(e),machine:e.text("machine")??"",...rw(e),interpreterExists:e.yes("interpreter"),wantedOwner:e.text("wanted_owner"),wantedIds:e.text("wanted_ids"),loginIds:e.text("login_ids")??"",wantedRunAs:e.text("wanted_run_as"),missingUsers:[...new Set(e.texts("missing_user"))],missingGroup:e.text("missing_group"),accounts:e.numbers("accounts"),runUid:e.numbers("run_uid"),lastRunAs:e.verbatim("last_run_as")??"",lastRunUid:e.numbers("last_run_uid"),processes:e.records("process").flatMap(n=>zI(n)??[]),strangers:e.records("stranger").flatMap(n=>cw(n)??[]),contained:e.pids("contained"),maybe:e.pids("maybe"),otherNames:e.number("other_names")??0,isMountPoint:e.yes("mount_point"),siblings:e.records("sibling").map(n=>({pid:n.pid("pid")??0,path:n.text("path")??""})),unseen:e.pids("unseen"),sessionKills:e.yes("session_kills"),lingers:e.yes("lingers"),folderRefused:e.text("folder_refused"),folder:G$(e),openFolder:jl(e.text("open_folder"),e.text("open_to")),openLog:jl(e.text("open_log"),e.text("open_log_to")),freeBytes:Y$(e),freeInodes:e.number("free_inodes"),immutable:e.texts("immutable"),file:V$(e),fileProblem:X$(e,t.destination),seen:e.verbatim("seen")??"",stateRefused:e.text("state_refused"),unfinished:KI(e),locked:e.has("locked")?e.text("locked")??"an unknown run":void 0,live:QI(e),releases:e.parts("release",HI,"a sha256").map(([n=""])=>({sha256:n})),lastRelease:tw(e),ended:e.parts("ended",FI,"the end of a transaction").map(MI),history:e.texts("history"),units:ow(e),otherUserUnits:sw(e),userManager:e.text("user_manager")!=="none",runAsLingers:e.yes("run_as_lingers"),serviceError:e.has("service_error")?e.quote("service_error")??"":void 0,httpClient:e.has("http_client")?e.text("http_client")??"":void 0,healthUntrusted:e.has("health_untrusted")?e.quote("health_untrusted")??"":void 0,health:e.quote("health"),portHolder:e.text("port_holder")==="unknown"?"unknown":e.pids("port_holder")||void 0,logProblem:J$(e),logForeign:e.yes("log_foreign"),notes:e.texts("note"),directoryClosed:e.yes("directory_closed")}}i(UI,"toFound");var DI=100,HI=/^([0-9a-f]{64})$/,FI=/^([0-9a-f-]{1,64}) ([a-z-]{1,20}) ([0-9]{0,10}|-) (.*)$/s;function MI([e="",t="",n="",r=""]){return{id:e,state:t,pid:n==="-"?"":n,run:je(r)}}i(MI,"toEnd");function cw(e){let t=e.pid("pid");if(t!==void 0)return{pid:t,uid:e.numbers("uid"),user:e.text("user")??""}}i(cw,"toExecutor");function zI(e){let t=cw(e);if(t)return{...t,worker:e.yes("worker"),live:e.yes("live"),same:e.oneOf("same",ew)??"args",supervisor:e.text("supervisor")??"",supervised:e.text("supervised")??"",supervisorPid:e.pid("supervisor_pid")??0}}i(zI,"toProcess");function QI(e){if(e.has("live_workflow"))return{workflow:e.text("live_workflow")??"",runNumber:e.number("live_run_number")??0,run:e.text("live_run")??"",sha256:e.digest("live_sha256")}}i(QI,"toLive");function KI(e){let t=e.text("unfinished");if(t!==void 0)return{phase:t,run:e.text("unfinished_run")??"an unknown run",id:e.text("unfinished_id")??"",release:e.text("unfinished_release")??"",kind:e.text("unfinished_kind")??"binary",members:(e.verbatim("unfinished_members")??"").split(`
`).filter(Br).slice(0,DI)}}i(KI,"toUnfinished");function uw(e,t){let n=e.missingUsers.map(o=>({why:`there is no user ${o} on the target.`,remedy:"create it on the target, or correct `owner` and `run-as`."}));return e.missingGroup&&n.push({why:`there is no group ${e.missingGroup} on the target.`,remedy:"create it on the target, or correct `owner`."}),t.restart!=="process"||n.length>0||(!(e.asRoot||t.runAs===e.login)&&e.sudoError===void 0&&n.push({why:`${e.login} can't start a program as ${t.runAs}.`,remedy:"allow sudo, or log in as that account."}),jI(e,t)&&n.push(...WI(e,t))),n}i(uw,"accountObstacles");function jI({runUid:e},{runAs:t}){return e==="0"||ql(t)}i(jI,"isRoot");function WI(e,t){let n=[],r=dw(e),o=qI(t);return r&&n.push({why:`root would run a file from ${r.path}, which ${r.to} can replace.`,remedy:"set `run-as` to the service account, or make root the owner of the folder."}),o&&n.push({why:`root would run a file that ${o} can change.`,remedy:"set `run-as` to the service account, or make the file writable by root only (`owner`, `mode`)."}),e.openLog&&n.push({why:`root would write to a log in ${e.openLog.path}, where ${e.openLog.to} can link it to another file.`,remedy:"set `run-as` to the service account, or choose a `log-file` in a folder that only root can change."}),n}i(WI,"rootObstacles");function lw(e){let t=e.lastRunUid!=="0"||!dw(e)&&e.file?.ids.split(":")[0]==="0";return{last_run_as:t?e.lastRunAs:"",last_run_uid:t?e.lastRunUid:""}}i(lw,"lastAccount");function dw({folder:e,openFolder:t}){return t||(e&&!ql(e.owner)?{path:e.path,to:e.owner}:void 0)}i(dw,"openTo");function qI({owner:e,ownerIds:t,mode:n}){let[r="",o=""]=e.split(":"),[s,a]=t.split(":"),c=Number.parseInt(n,8);return s!=="0"&&!ql(r)?r:c&2?"everybody":c&16&&a!=="0"?`the group ${o||a}`:void 0}i(qI,"whoChanges");function ql(e){return["root","0"].includes(e)}i(ql,"isRootsName");function hw(e,t,n){return[...ZI(e,t,n),...GI(e,t,n),...e2(e,t),...t2(e,n.plan)]}i(hw,"unitObstacles");function ZI(e,t,{plan:n,runAs:r}){let o=[],s=e.service&&as(e.service.replace(/^user:/,""));t.serviceError!==void 0&&o.push({why:`systemd could not be queried for ${s??"the units of the file"}: ${t.serviceError}.`,remedy:"check that systemd runs on the target, and the user manager for a user unit."});let a=e.service?.startsWith("user:")||n.user!=="";return a&&!t.userManager?o.push({why:`no user manager of ${r} is running, so the unit ${s??n.unit} can't be managed.`,remedy:`run \`loginctl enable-linger ${r}\` on the target once, or set \`run-as\` to the account of the unit.`}):a&&!t.runAsLingers&&o.push({why:`the user units of ${r} stop when its last login ends, because lingering is not enabled.`,remedy:`run \`loginctl enable-linger ${r}\` on the target once.`}),o}i(ZI,"managerObstacles");function GI(e,t,{plan:n,named:r}){let{restart:o,service:s}=e,a=[],c=t.units.filter(({role:p,pids:m})=>p==="program"&&m.length>0),u=t.processes.filter(({pid:p})=>!c.some(({pids:m})=>m.includes(p)));s&&t.serviceError===void 0&&!(s.startsWith("user:")&&!t.userManager)&&a.push(...YI(as(s.replace(/^user:/,"")),r,c)),o==="systemd"&&!n.unit&&!s&&a.push({why:"no unit runs the file or has it as its command, so the unit is unknown.",remedy:"set `service` to the name of the unit."});let l=c.filter(({user:p})=>p!==n.user);n.unit&&l.length>0&&a.push({why:`${l.map(({name:p})=>p).join(", ")} also runs the file, under a different manager than ${n.unit}.`,remedy:"stop one of them, so that one manager runs the file."});for(let{pid:p,uid:m,unit:b}of t.otherUserUnits)a.push({why:`pid ${p} runs the file as the user unit ${b} of account ${m}, which this deploy does not manage.`,remedy:"set `run-as` to that account and `service` to user:NAME, or stop that unit."});(o==="process"||o==="none")&&a.push(...VI(o,c));let[d,h]=n.units;return!s&&d&&h&&!fw(d)&&!fw(h)?a.push({why:`${n.units.map(({name:p})=>p).join(", ")} have the file as their command, and none of them is active.`,remedy:"set `service` to the name of the unit to start."}):!s&&n.unit&&u.length>0&&c.length===0&&[...n.units,...n.restarted].some($a)&&a.push({why:`pid ${u.map(({pid:p})=>p).join(", ")} runs the file outside its unit ${n.unit}, which is ${d?.active??"not active"}.`,remedy:"stop that process and start the unit, or set `restart: process` to leave the unit out."}),a}i(GI,"choiceObstacles");function fw(e){return An(e)||e.pids.length>0}i(fw,"isRun");function YI(e,t,n){if(t?.load!=="loaded"){let o=t?.load??"not-found";return[{why:`the unit ${e} is ${o}.`,remedy:o==="masked"?`run \`systemctl unmask ${e}\` on the target, or correct \`service\`.`:"install and load the unit first (`systemctl daemon-reload`), or correct `service`."}]}if(t.pids.length>0||t.command!=="no"||n.length===0)return[];let r=n.map(({name:o})=>o).join(", ");return[{why:`service names ${t.name}, but the file is run by ${r}.`,remedy:`set \`service\` to ${n[0]?.name}, or leave it out.`}]}i(YI,"namedObstacles");function VI(e,t){let n=t.filter(r=>!jt(r));return n.length===0||e==="none"?[]:[{why:`restart is ${e}, but pid ${n.flatMap(({pids:r})=>r).join(", ")} belongs to the unit ${n.map(({name:r})=>r).join(", ")}.`,remedy:"set `restart: auto`, so that the unit is restarted; or stop and disable the unit first."}]}i(VI,"takenAway");var XI={supervisord:i(e=>`stop-command: supervisorctl stop ${e}, start-command: supervisorctl start ${e}`,"supervisord"),pm2:i(e=>`stop-command: pm2 stop ${e}, start-command: pm2 start ${e}`,"pm2"),runsv:i(e=>`stop-command: sv stop ${e}, start-command: sv start ${e}`,"runsv"),"s6-supervise":i(e=>`stop-command: s6-svc -d ${e}, start-command: s6-svc -u ${e}`,"s6-supervise"),supervise:i(e=>`stop-command: svc -d ${e}, start-command: svc -u ${e}`,"supervise"),monit:i(e=>`stop-command: monit stop ${e}, start-command: monit start ${e}`,"monit"),circusd:i(e=>`stop-command: circusctl stop ${e}, start-command: circusctl start ${e}`,"circusd")},JI={"s6-supervise":"/run/service/",supervise:"/service/"};function e2(e,t){if(e.restart==="command")return[];let n=t.processes.find(({supervisor:c})=>c!=="");if(!n)return[];let r=t.units.find(({pids:c})=>c.includes(n.pid)),o=`${JI[n.supervisor]??""}${e.name}`,s=XI[n.supervisor]?.(n.supervised||o)??"its stop and start commands",a=n.supervised?"":` (use the name that ${n.supervisor} has for it)`;return[{why:`pid ${n.pid} is kept running by ${n.supervisor} (pid ${n.supervisorPid})${r?`, the unit ${r.name}`:""}.`,remedy:`set \`restart: command\` with ${s}${a}.`}]}i(e2,"supervisorObstacles");function t2(e,t){let n=[];for(let a of[...t.units,...t.restarted])a.transient&&n.push({why:`the unit ${a.name} is transient (systemd-run): once stopped, it can't be started again.`,remedy:"write a unit file for the program, or stop the unit and set `restart: process`."}),(a.startRefused||a.stopRefused)&&n.push({why:`the unit ${a.name} refuses to be ${a.startRefused?"started":"stopped"} by hand.`,remedy:`remove RefuseManual${a.startRefused?"Start":"Stop"}= from it, or set \`service\` to the unit that controls it.`});e.strategy==="in-place"&&t.restarted.length>0&&n.push({why:`${t.restarted.map(({name:a})=>a).join(", ")} can be started at any moment by what triggers it, so the path must never be empty.`,remedy:"set `strategy: staged`."});let r=t.left.find(a=>!jt(a));r&&t.units.length+t.restarted.length===0&&e.health.port!==void 0&&n.push({why:`the unit ${r.name} runs only when its socket, timer or path starts it, so no process listens on port ${e.health.port}.`,remedy:"use `health-url`, whose request starts it, or leave out `health-port`."});let[o]=t.left.filter(jt),s=e.health.url??e.health.port??e.health.command;return o&&t.units.length+t.restarted.length===0&&s!==void 0&&n.push({why:`the unit ${o.name} is a job that ends, so it cannot be health-checked.`,remedy:"leave out `health-url`, `health-port` and `health-command`: only the file is replaced."}),n}i(t2,"stateObstacles");var n2={unit:"",user:"",because:"",units:[],restarted:[],left:[],dependents:[],triggers:[],wanted:[],notes:[],obstacles:[]};function _w(e,t,n){let r=e.service?r2(e.service,t.units):void 0,o=e.restart==="auto"||e.restart==="systemd"?o2(t,r):[],[s]=o,a=s?.user??(e.service?.startsWith("user:")?n:""),c=t.units.filter(m=>m.user===a),u=o.filter(m=>jt(m)||i2(m,c)),l=o.filter(m=>!u.includes(m)),d=l.filter(m=>a2(m,c)),h=l.filter(m=>!d.includes(m)),p={...n2,unit:s?.name??"",user:a,because:s?c2(e,s):"",units:h,restarted:d.filter(m=>An(m)||m.pids.length>0),left:[...u,...d.filter(m=>!An(m)&&m.pids.length===0)],dependents:s2(l,c),triggers:c.filter(m=>m.role==="trigger"),wanted:c.filter(m=>m.role==="wanted")};return{...p,notes:u2(e,p),obstacles:hw(e,t,{plan:p,named:r,runAs:n})}}i(_w,"planUnits");function mw(e){return $w(e).length>0}i(mw,"startsAlone");function gw({wanted:e}){return e.filter(t=>!An(t)&&t.load==="loaded"&&jt(t))}i(gw,"startedFirst");function $w({units:e,restarted:t,dependents:n,wanted:r,triggers:o}){let s=n.filter(({name:c})=>!c.endsWith(".target")),a=[...e,...t,...s].flatMap(({wants:c})=>c);return[...r,...o].filter(c=>!An(c)&&c.load==="loaded"&&!jt(c)&&a.includes(c.name))}i($w,"keptStopped");function r2(e,t){let n=e.startsWith("user:"),r=e.replace(/^user:/,"");return t.find(({role:o,user:s,names:a,name:c})=>o==="program"&&s!==""===n&&[c,...a].some(u=>u===r||u===`${r}.service`))}i(r2,"findNamed");function o2({units:e,processes:t},n){let o=e.filter(({role:p,load:m})=>p==="program"&&m!=="not-found").filter(({user:p})=>!n||p===n.user),s=o.filter(({pids:p})=>p.length>0),c=o.filter(p=>An(p)&&!jt(p)).filter(({command:p})=>p==="exact"||s.length===0&&p!=="no"),u=[...new Set([...s,...c])];if(n)return[n,...u.filter(p=>p!==n)];if(u.length>0)return u.sort((p,m)=>wa(p)-wa(m)||(p.name<m.name?-1:1));let l=o.filter(p=>p.command!=="no"&&(t.length===0||$a(p))),d=l.filter(p=>!jt(p)),h=Math.min(...d.map(wa));return d.length>0?d.filter(p=>wa(p)===h):l}i(o2,"choose");function wa(e){return(jt(e)?2:0)+(e.command==="exact"?0:1)}i(wa,"rank");function s2(e,t){let n=[...e];for(let{dependents:r}of n)n.push(...t.filter(o=>r.includes(o.name)&&An(o)&&!n.includes(o)));return n.slice(e.length)}i(s2,"dependentsOf");function i2(e,t){return ww(e,t).some(({name:n,accept:r})=>n.endsWith(".socket")&&r)}i(i2,"isPerConnection");function a2(e,t){return ww(e,t).some(An)}i(a2,"isTriggered");function ww(e,t){return t.filter(({role:n,name:r})=>n==="trigger"&&e.triggers.includes(r))}i(ww,"triggersOf");function c2({service:e},t){return e?"the input `service` names it":t.pids.length>0?`it manages pid ${t.pids.join(", ")}, which runs the file`:t.command==="last"?"the last deploy started it":"its command is the file"}i(c2,"whyChosen");function u2(e,t){let n=i(l=>l.map(({name:d})=>d).join(", "),"names"),r=[],o=[...t.units,...t.restarted],s=[...o,...t.left].filter(({reload:l})=>l);s.length>0&&!e.daemonReload&&r.push(`${n(s)} changed on disk, and systemd still uses the old definition: set \`daemon-reload: true\`, or run \`systemctl daemon-reload\` on the target.`);let a=$w(t);a.length>0&&r.push(`${n(a)} ${pw(a)} stopped now, and will stay stopped.`);let c=o.filter(({enabled:l})=>l==="disabled");c.length>0&&r.push(`${n(c)} ${pw(c)} disabled, and will not start when the target boots.`);let u=o.filter(({active:l})=>l==="failed");return u.length>0&&r.push(`${n(u)} had failed before this deploy.`),r}i(u2,"unitNotes");function pw(e){return e.length===1?"is":"are"}i(pw,"areOrIs");function Zl(e){let{inputs:t,found:n,plan:r,run:o}=e;return{id:(0,yw.randomUUID)(),folder:t.folder,name:t.name,run:o.url||"a run outside a workflow",actor:o.actor,workflow:o.series,run_number:o.number,seen:n.seen,size:r.file.bytes,sha256:r.file.sha256,old_sha:n.file?.sha256,old_about:n.file?`${n.file.ids} ${n.file.mode}`:"",old_capabilities:n.file?.capabilities,owner:r.ownerIds,same_owner:r.sameOwner?"yes":"",mode:r.mode,capabilities:t.capabilities,strategy:t.strategy,restart:r.restart,...d2(e),stop_command:t.stopCommand,start_command:t.startCommand,stop_signal:t.stopSignal,stop_timeout_seconds:t.stopTimeoutSeconds,run_as:r.runAs,run_uid:n.runUid,accounts:n.accounts,...lw(n),args:us(t.args),environment:us(t.environment),working_directory:t.workingDirectory??t.folder,log_file:t.logFile,...Wl(t),health_timeout_seconds:t.health.timeoutSeconds,stable_cs:Math.round(t.health.stableSeconds*100),stable_seconds:t.health.stableSeconds,rollback:String(t.rollback),keep_releases:t.keepReleases,lock_timeout_seconds:t.lockTimeoutSeconds,upload_limit_seconds:ma(r.file.bytes),silence_seconds:30,limit_seconds:Un(e),session_kills:n.sessionKills?"yes":"",...l2(e.membership),...e.kind?.values}}i(Zl,"deployValues");function l2(e){return{release:e?.release,part:e?.part,parts:e?.members.length,first_folder:e?.first.folder,first_name:e?.first.name,lock_after:e?.lockAfter,members:e?.members.join(`
`),waits:e?.waits?"yes":"",wait_seconds:e?.waitSeconds??60,reloads:e?.reloads}}i(l2,"membershipValues");function d2({inputs:e,plan:t}){let{units:n}=t,r=i(s=>s.map(({name:a})=>a).join(" "),"names"),o=mw(n);return{unit:n.unit,unit_user:n.user,units:r(n.units),restarted_units:r(n.restarted),left_units:r(n.left),dependents:r(n.dependents),watched_units:r([...n.triggers,...n.wanted]),start_alone:o?"yes":"",start_first:o?r(gw(n)):"",daemon_reload:e.daemonReload&&n.unit!==""?"yes":""}}i(d2,"unitValues");async function bw(e,t){let n={bytes:0,whole:!1},r=q$(t);for(;;)try{return await f2(e,t,{sending:n,form:await W$(e,t,r)})}catch(o){if(o instanceof oo&&(t.membership?.members.length??1)===1)t.log.line(`Delta failed (${o.message}); sending the whole file instead.`),r={lacks:"the first one failed"};else if(o instanceof mr)t.log.line(`${o.message}; restarting the upload with a faster encoding.`);else throw o}}i(bw,"activate");async function f2(e,t,{sending:n,form:r}){let{inputs:o,plan:s}=t,{encoding:a,payload:c}=r;n.whole=c===void 0;let u=a.startsWith("delta")?D$:void 0,l={...Zl(t),action:"deploy",encoding:a,apply:u};await t.onBegin({id:l.id,sudo:t.found.sudo,limitSeconds:Un(t)});let d=await Kl(e,t,{values:l,sending:n,form:r}),h=kw(d);if(!h&&n.failure instanceof mr)throw n.failure;if(u&&!h&&n.failure)throw new oo(n.failure.message);return h?{...h,bytesSent:n.bytes}:!n.whole&&o.strategy==="staged"?vt({state:"untouched",failed:"upload",why:`${ga(d)} before the upload (${It(s.file.bytes)}) was complete`,bytesSent:n.bytes}):{...await Sw(t,l.id,ga(d)),bytesSent:n.bytes}}i(f2,"attempt");function Aw(e,t){return Ew(e,t,{action:"recover"})}i(Aw,"recover");function xw(e,t,n){return Ew(e,t,{action:"revert",reverted:n})}i(xw,"revert");async function Ew(e,t,n){let r={...Zl(t),...n,encoding:"none"},o=await Kl(e,t,{values:r,sending:{bytes:0,whole:!0}});return kw(o)??await Sw(t,r.id,ga(o))}i(Ew,"work");function kw(e){try{return ha(e)}catch(t){if(t instanceof Ln)return so(t);throw t}}i(kw,"usableOutcome");function Sw(e,t,n){return e.log.line(`Connection lost: ${n}. The transaction continues on the target; reconnecting to follow it.`),_a({...e,sudo:e.found.sudo,limitSeconds:Un(e)},t)}i(Sw,"learnAfter");var vw=require("node:crypto");function Iw({inputs:e}){if(!e.hooks["before-command"]||e.strategy==="in-place")return;let{folder:t,name:n,destination:r}=e;return{release:(0,vw.randomUUID)(),part:1,members:[r],first:{folder:t,name:n},lockAfter:void 0,waits:!0,waitSeconds:e.hooks["before-timeout-seconds"]+120,reloads:void 0}}i(Iw,"waitingAlone");function Cw({units:e,dependents:t,because:n}){if(e.length===0)return[];let r=t.length>0?`, and with ${Gl(e)} ${ao(t)}`:"";return[{does:`stop the ${ya(e)}${r}`,because:n}]}i(Cw,"unitStops");function Rw({units:e,restarted:t,left:n,dependents:r,triggers:o,because:s}){let a=[];if(e.length>0){let c=r.length>0?`, then ${ao(r)}`:"";a.push({does:`start the ${ya(e)}${c}`,because:s})}if(t.length>0){let c=o.filter(({name:u})=>t.some(l=>l.triggers.includes(u)));a.push({does:`restart the ${ya(t)} while ${ao(c)} stays as it is`,because:`${ao(c)} may start ${Gl(t)} at any moment`})}return n.length>0&&a.push({does:`leave the ${ya(n)} alone`,because:`the next start of ${Gl(n)} runs the new file`}),a}i(Rw,"unitStarts");function Tw({unit:e,units:t,restarted:n},{processes:r}){for(let a of[...t,...n])if(a.pids.length===0)return`the unit ${a.name} is not running it`;let o=[...t,...n].flatMap(({pids:a})=>a),s=r.find(({pid:a})=>!o.includes(a));return s&&o.length>0?`pid ${s.pid} runs it outside the unit ${e}`:void 0}i(Tw,"unitDifference");function ya(e){return e.length===1?`unit ${ao(e)}`:`units ${ao(e)}`}i(ya,"named");function Gl(e){return e.length===1?"it":"them"}i(Gl,"those");function ao(e){return e.map(({name:t})=>t).join(", ")}i(ao,"list");function Pw(e,t,n){let{file:r,processes:o}=t;if(!r)return"the file does not exist yet";if(n.file.from==="upload"||n.file.from==="release")return"its sha256 differs";if(e.force)return"force is set";let s=Yl(e,t,n);if(s)return s;if(n.restart==="none")return;if(n.restart==="systemd"){let l=Tw(n.units,t);if(l)return l}else if(o.length===0)return"no process runs it";let a=n.units.left.flatMap(l=>l.pids),c=o.find(({pid:l,live:d})=>!d&&!a.includes(l));if(c)return`pid ${c.pid} runs an outdated image of it`;if(n.restart==="process"){let l=o.find(({uid:h})=>h!==t.runUid);if(l)return`pid ${l.pid} runs as ${l.user}, not ${n.runAs}`;let d=o.find(({same:h})=>h!=="yes");if(d)return`pid ${d.pid} was started with ${h2[d.same]}`}return(e.health.url??e.health.port??e.health.command)!==void 0&&t.health!=="ok"?`it is not healthy: ${t.health}`:void 0}i(Pw,"whatDiffers");var h2={yes:"the same command",args:"different arguments",folder:"a different working directory",environment:"a different environment"};function Yl(e,{file:t},n){if(!t)return;if(!(e.owner?.includes(":")?n.ownerIds===t.ids:n.sameOwner))return`its owner is ${t.owner}, not ${n.owner}`;if(n.mode!==t.mode)return`its mode is ${t.mode}, not ${n.mode}`;if(e.capabilities&&!jf(e.capabilities,t.capabilities))return"its capabilities differ"}i(Yl,"metadataDiffers");function Vl(e){return e.split(":")[0]}i(Vl,"userOf");function Bw(e,t){let n=[];if(t.folderRefused&&n.push({why:`${t.folderRefused}.`,remedy:`create ${e.folder} with the intended owner, or correct \`destination\`.`}),t.fileProblem&&n.push({why:`${t.fileProblem}.`,remedy:"set `destination` to the regular file itself, and make it readable by this account."}),!t.folder)return n;let{path:r,owner:o,mode:s,mount:a,options:c}=t.folder;c.includes("ro")?n.push({why:`${a} is mounted read-only.`,remedy:`remount ${a} read-write; if it became read-only on its own, check its disk.`}):!t.folder.writable&&t.sudoError===void 0&&n.push({why:`${t.login} can't write to ${r} (${o}, ${s}).`,remedy:"allow sudo, or log in as an account that may write there."}),c.includes("noexec")&&n.push({why:`${a} is mounted noexec, so nothing in ${r} can be started.`,remedy:"choose a destination on another file system."});for(let u of t.immutable)n.push({why:`the ${u==="file"?"file":`folder ${r}`} is immutable or append-only.`,remedy:`run \`chattr -i -a ${u==="file"?e.destination:r}\` on the target, if this was not intended.`});return n}i(Bw,"fileObstacles");var Xl="use an http URL of the program itself, or add the certificate to the trusted ones on the target.",p2={why:"nothing on the target can send health-headers: wget would show them in its argument list.",remedy:"install curl there (for an http URL, perl or nc will do), or use health-command."};function Nw({health:e},t){let n=[];if(e.url&&t.httpClient===""){let r={why:`the target has no HTTP client to request ${_n(e.url)} with.`,remedy:"install curl on the target, or use `health-port` or `health-command`."};n.push(e.headers.length>0?p2:r)}return e.url&&t.healthUntrusted!==void 0&&n.push({why:`the target does not trust the certificate of ${_n(e.url)}: ${t.healthUntrusted}`,remedy:Xl}),t.portHolder&&n.push({why:`port ${e.port} is held by another process (pid ${t.portHolder}), which does not run the file.`,remedy:"stop that process, or correct `health-port`."}),n}i(Nw,"healthObstacles");function Ow({destination:e},t){let[,n="",r=""]=/^(.*)\/([^/]+)\/?$/.exec(e)??[],o=`${n}/.${r}.deploy`,s=[];t.tools.has("/proc")||s.push({why:"the target has no `/proc`, so its processes cannot be seen.",remedy:"mount it on the target: `mount -t proc proc /proc`."});for(let a of["flock","setsid","sha256sum","stat","timeout"])t.tools.has(a)||s.push({why:`the target has no \`${a}\`.`,remedy:"install util-linux and coreutils, or busybox, on the target."});if(t.toyboxTimeout&&s.push({why:"the `timeout` of the target is the one of toybox, which often fails to run its command.",remedy:"install coreutils there, or busybox."}),t.sudoError!==void 0){let a=t.sudoRemedy||`give ${t.login} passwordless sudo on the target`;s.push({why:`root is needed, because ${t.needsRoot}, and ${t.sudoError}`,remedy:t.unitRemedy?`${a}; or, to allow no more than a restart of the unit, ${t.unitRemedy}.`:`${a}; or log in as the account that owns the file.`})}for(let{command:a,remedy:c}of t.commandsRefused)s.push({why:`${t.login} may not run \`${a}\` by sudo.`,remedy:`${c}.`});return t.stateRefused&&s.push({why:`${t.stateRefused}.`,remedy:`deploy with the account that owns it; or, where a recursive chown of ${n} caused this, run \`mv ${o} ${o}.old\` on the target (its kept releases go with it).`}),s}i(Ow,"hostObstacles");function Lw({unfinished:e},t){return{why:e?`an earlier deploy (${e.run}) is unfinished, and recovering it failed.`:`the target changed each of the ${t} times it was inspected, before the lock was held.`,remedy:"find out what else changes the file or its state folder, and check the disk; then re-run the job."}}i(Lw,"restless");function Uw(e){return{why:`the target runs ${e}; only Linux is supported.`,remedy:"deploy to a Linux target: processes are identified through its `/proc`."}}i(Uw,"otherKernel");function Dw(e,t,{restart:n,runAs:r}){let o=[];if(t.contained&&o.push({why:`pid ${t.contained} runs the file inside a container.`,remedy:"deploy into the container (input `container`), or stop it first."}),t.isMountPoint&&o.push({why:`something is mounted at ${e.destination}, so it can't be replaced by a rename.`,remedy:"deploy to the path of the file that is mounted there."}),t.otherNames>0&&!e.force&&o.push({why:`${e.destination} has ${t.otherNames} other name${t.otherNames>1?"s":""} (hard links), so what runs it may belong to something else.`,remedy:"replace it with a separate copy, or set `force: true` to stop every process that executes the file."}),n==="none")return o;let[s]=t.siblings;if(s&&!e.force&&o.push({why:`pid ${s.pid} has the name of the file, but executes ${s.path}: the previous version may have been moved away by hand.`,remedy:"stop it if it is the previous version, or set `force: true` if it is another program."}),t.maybe&&!t.unseen&&!e.force&&o.push({why:`no process is seen to run the file, but ${t.login} can't inspect pid ${t.maybe}, which has its name.`,remedy:"allow sudo, or log in as the account that runs the program, or set `force: true` if it is another program."}),n!=="process")return o;let a=t.processes.filter(({uid:l,worker:d})=>l===t.runUid&&!d),c=[...t.processes,...t.strangers].filter(({uid:l})=>l!==t.runUid),[u]=c;return a.length===0&&u&&e.runAs===void 0&&o.push({why:`pid ${u.pid} runs the file as ${u.user}, but this step would start it as ${r}.`,remedy:`set \`run-as\` to the account that the program is to run as: ${r} or ${u.user}.`}),a.length>1&&o.push({why:`${a.length} separate instances run the file (${ba(a)}), and this step starts only one.`,remedy:"use a systemd unit for each, or `restart: command` with a `start-command` that starts them all."}),o}i(Dw,"processObstacles");function Hw(e,{restart:t}){let n=[],r=e.units.filter(jt).flatMap(s=>s.pids),o=e.processes.filter(({pid:s})=>!r.includes(s));return t==="none"&&o.length>0&&n.push({why:`restart is none, but ${ba(o)} runs the file.`,remedy:"stop it first, or set `restart: auto` so that this step restarts it."}),e.unseen&&e.sudoError===void 0&&n.push({why:`${e.login} may not inspect pid ${e.unseen}, which may be running the file.`,remedy:e.asRoot?"start the container with `--cap-add SYS_PTRACE`; without it, its root may not inspect other processes.":"log in as root or as its account, or allow sudo."}),e.sessionKills&&!e.asRoot&&!e.lingers&&t!=="systemd"&&n.push({why:`logind on the target kills everything that ${e.login} started when the connection closes (KillUserProcesses=yes).`,remedy:`run \`loginctl enable-linger ${e.login}\` on the target once.`}),n}i(Hw,"restartObstacles");function ba(e){return`pid ${e.map(({pid:t})=>t).join(", ")}`}i(ba,"pids");function Fw({rollbackTo:e},t,n){if(!e||n)return[];let r=t.releases.map(({sha256:s})=>s.slice(0,12)).join(", ")||"none";return[{why:`${t.releases.filter(({sha256:s})=>s.startsWith(e)).length>1?"more than one kept release matches":"no kept release matches"} ${e}; available: ${r}.`,remedy:"choose one of those, or deploy the version from its source."}]}i(Fw,"releaseObstacles");function Mw({allowOlder:e,rollbackTo:t},{live:n},r){return e||t||!n||n.workflow!==r.workflow||n.runNumber<=r.number?[]:[{why:`run ${n.runNumber} of this workflow is already deployed (${n.run}); this is the older run ${r.number}.`,remedy:"nothing, if the newer build should stay; otherwise, or if the run numbers of this workflow restarted (its repository was created anew), set `allow-older: true` for this run."}]}i(Mw,"orderObstacles");function Qw({strategy:e},t,n){return n.from!=="upload"||!t.folder?[]:(e==="staged"?n.bytes:n.bytes-(t.file?.bytes??0)*(1-1/3))+_2<=t.freeBytes?[]:[{why:`${It(n.bytes)} needed, ${It(t.freeBytes)} free on ${t.folder.mount}.`,remedy:e==="staged"?"free some space there, or use `strategy: in-place`.":"free some space there."}]}i(Qw,"roomObstacles");var _2=1e6;function Kw({folder:e,freeInodes:t}){return!e||t===void 0||t>=zw?[]:[{why:`${zw} inodes needed, ${t} free on ${e.mount}.`,remedy:"delete some files there, of any size."}]}i(Kw,"inodeObstacles");var zw=20;function jw({health:e},t,{source:n,restart:r}){let o=[];return n?n.elf?(Nh(n.elf,t.machine)?n.elf.interpreter&&!t.interpreterExists&&o.push({why:`${n.path} needs the loader ${n.elf.interpreter}, which the target does not have.`,remedy:/musl/.test(n.elf.interpreter)?"build it for glibc, or link it statically.":"build it for the C library of the target (musl?), or link it statically."}):o.push({why:`${n.path} is built for ${n.elf.machine}, but the target is ${t.machine}.`,remedy:"build for the target, or correct `host`."}),o):(r==="process"?o.push({why:`${n.path} is not an ELF binary, so the process that runs it can't be identified.`,remedy:"deploy the compiled binary; for a script use `restart: systemd`, `command` or `none`."}):r==="command"&&(e.port!==void 0||!(e.url||e.command))&&o.push({why:`${n.path} is not an ELF binary, so its process and port cannot be identified after the start command.`,remedy:"set `health-url` or `health-command`, and leave out `health-port`."}),o):o}i(jw,"sourceObstacles");function Ww(e,t,{restart:n,runAs:r}){let o=t.missingUsers.length===0&&(t.asRoot||r===t.login);if(n!=="process"||!o)return[];let s=[];return t.logProblem&&s.push({why:`${t.logProblem}.`,remedy:"create it as a regular file with the right owner, or correct `log-file`."}),t.directoryClosed&&s.push({why:`${r} cannot enter the working directory ${e.workingDirectory??e.folder}.`,remedy:"create it, give that account access, or correct `working-directory`."}),s}i(Ww,"startObstacles");function qw(e,t,{plan:n,difference:r,because:o}){let s=[],a=e.strategy==="in-place",c={does:`upload ${It(n.file.bytes)} ${a?"once the program is stopped":"next to the live file"}`,because:r};n.file.from==="upload"&&!a&&s.push(c),n.file.from==="release"&&s.push({does:`use the kept release ${Qt(n.file.sha256)}`,because:"rollback-to selects it"}),n.restart==="systemd"&&s.push(...Cw(n.units)),n.restart==="command"&&e.stopCommand&&s.push({does:"run the stop command",because:o}),t.processes.length>0&&n.restart!=="systemd"&&s.push({does:`stop ${ba(t.processes)} (${e.stopSignal}, then KILL after ${e.stopTimeoutSeconds} s)`,because:n.file.from==="in place already"?r:"it runs the file being replaced"});let u=[...n.restart==="process"?t.processes:[],...t.strangers].filter(({uid:l})=>l!==t.runUid);return u.length>0&&n.restart!=="none"&&s.push({does:`do not restart ${u.map(({pid:l,user:d})=>`pid ${l} (${d})`).join(", ")}`,because:`only ${n.runAs} is to run the program`}),n.file.from==="upload"&&a&&s.push(c),n.file.from==="in place already"?s.push({does:`leave the file as it is (${n.owner}, ${n.mode})`,because:"its sha256 already matches"}):s.push({does:`${t.file?"replace the file":"move the file into place"} with an atomic rename (owner ${n.owner}, mode ${n.mode})`,because:"the path never holds a partial file"}),t.file&&!n.sameOwner&&n.file.from!=="in place already"&&s.push({does:`drop its ACL, capabilities, set-ID bits and write permission for others${e.mode||e.capabilities?", except those given":""}`,because:`the owner changes from ${t.file.owner} to ${n.owner}`}),s.push(...m2(e,t,n),...g2(e,n,o)),s}i(qw,"steps");function m2(e,t,{restart:n,runAs:r}){if(n!=="process"||!t.logForeign)return[];let o=e.logFile;return[{does:`move ${o} to ${o}.until-TIME and start a new one`,because:`${r} can't write to it`}]}i(m2,"logSteps");function g2(e,t,n){let{health:r}=e,o={none:[],systemd:Rw(t.units),command:[{does:"run the start command",because:n}],process:[{does:`start it as ${t.runAs} in ${e.workingDirectory??e.folder}`,because:n}]};if(t.restart==="none")return[];let s=[r.port===void 0?"":`the process to listen on port ${r.port}`,r.url?`${_n(r.url)} to return ${r.status}${r.contains?" with the expected text":""}`:"",r.command?"the health command to succeed":""].filter(a=>a!=="");return[...o[t.restart],{does:`require ${s.join(" and ")||"the process to run this file"} within ${r.timeoutSeconds} s and to stay healthy for ${r.stableSeconds} s`,because:e.rollback?"otherwise the previous version is restored":"otherwise the step fails (`rollback: false`)"}]}i(g2,"startSteps");function Aa(e,t,{source:n,build:r,needed:o}){let s=e.rollbackTo?y2(e.rollbackTo,t):void 0,a=t.wantedOwner??t.file?.owner??t.login,c=t.wantedRunAs??(a.split(":")[0]||t.login),u=_w(e,t,c),{restart:l,because:d}=b2(e,u),h=t.wantedIds??t.file?.ids??t.loginIds,p={file:{from:"upload",sha256:"",bytes:0},owner:a,ownerIds:h,sameOwner:t.file!==void 0&&Vl(h)===Vl(t.file.ids),mode:e.mode??$2(t.file,h),restart:l,units:u,runAs:c};p.file=w2(t,n,{release:s?.sha256,looksRight:!Yl(e,t,p)});let m=[...Ow(e,t),...jw(e,t,{source:n,restart:l}),...Bw(e,t),...Qw(e,t,p.file),...Kw(t),...uw(t,p),...Dw(e,t,p),...Hw(t,p),...u.obstacles,...Ww(e,t,p),...Nw(e,t),...Fw(e,t,s),...Mw(e,t,r)];if(m.length>0)return{...p,kind:"refused",obstacles:m,steps:[]};let b=Pw(e,t,p)??o;return b?{...p,kind:"deploy",obstacles:m,steps:qw(e,t,{plan:p,difference:b,because:d})}:{...p,kind:"unchanged",obstacles:m,steps:[]}}i(Aa,"planDeploy");function $2(e,t){if(!e)return"0755";let[n,r]=e.ids.split(":"),[o,s]=t.split(":"),a=n===o?s===void 0||r===s?0:1024:3090;return(Number.parseInt(e.mode,8)&~a).toString(8).padStart(4,"0")}i($2,"carriedMode");function w2(e,t,{release:n,looksRight:r}){let o=t?.sha256??n??"",s=t?.bytes??0;return e.file?.sha256!==o?{from:t?"upload":"release",sha256:o,bytes:s}:{from:r?"in place already":"a copy of it",sha256:o,bytes:e.file.bytes}}i(w2,"newFile");function y2(e,t){if(e==="previous")return t.releases[0];let n=t.releases.filter(({sha256:r})=>r.startsWith(e));return n.length===0&&t.file?.sha256.startsWith(e)?{sha256:t.file.sha256}:n.length===1?n[0]:void 0}i(y2,"findRelease");function b2(e,t){return e.service||t.unit?{restart:"systemd",because:t.because}:e.restart==="auto"?{restart:"process",because:"no unit manages the program"}:{restart:e.restart,because:`restart is ${e.restart}`}}i(b2,"chooseRestart");async function xa(e,{limit:t,stopped:n},r){let o=e.entries(),s=i(async()=>{for(let[a,c]of o){if(n())return;await r(c,a)}},"worker");await Promise.all(Array.from({length:Math.min(t,e.length)},s))}i(xa,"inParallel");var Jl=require("node:timers/promises");var Ea=3;function ls({inputs:e,source:t,transfers:n,context:r,reconnect:o,book:s},a,c){let{run:u,log:l,signal:d}=r;return{inputs:e,found:a,plan:c,source:t,transfers:n,run:u,log:l,signal:d,onBegin:s.begin,reconnect:o}}i(ls,"deployOf");async function ds(e,t){let{log:n,found:r}=t,{run:o,phase:s}=r.unfinished??{run:"an unknown run",phase:"unknown"};n.line(`An earlier deploy (${o}) was interrupted during \`${s}\`; recovering it first.`);let a=await Aw(e,t),c=a.pid?`, pid ${a.pid}`:"";return n.line(`  finished: ${a.state}${c}${a.broken?`: ${a.broken}`:""}`),a}i(ds,"finishInterrupted");function fs(e){if(e instanceof Xt||e instanceof _r)return e;throw e}i(fs,"deathUnlessOutdated");function ed(e){return vt({state:"broken",failed:"recovery",why:`${e}, and each of ${Ea} attempts to recover it was killed on the target too`,broken:"the journal is kept, and the next run continues the recovery; until then the program may be down"})}i(ed,"givenUp");async function Zw(e,{deploy:t,id:n,parts:r}){try{return await xw(e,t,n)}catch(o){if(o instanceof Xt)return await td(t,r);throw o}}i(Zw,"takeBack");async function td(e,t){let n=Date.now()+Un(e)*1e3,r="the transaction was killed on the target";for(let l=0;;)try{var o=[];try{let d=tr(o,await e.reconnect(),!0);let h=await io(d,e.inputs,e.source);let p=t.book.begun()?.id;let m=h.unfinished&&(h.unfinished.id===p||h.unfinished.id==="");if(!m)return{...A2(h,e,p),failed:"transaction",why:r};if(!h.locked){let b=await ds(d,ls(t,h,e.plan)).catch(fs);if(!(b instanceof Error))return{...b,failed:"transaction",why:r};if(l+=b instanceof Xt?1:0,l>=Ea)return ed(r)}await(0,Jl.setTimeout)(500,void 0,{signal:e.signal})}catch(s){var a=s,c=!0}finally{var u=Sr(o,a,c);u&&await u}}catch(d){if(d instanceof Ln)return so(d);if(Date.now()>=n||e.signal.aborted)return vt({state:"unknown",failed:"transaction",why:`${r}, and the target no longer responds`});await(0,Jl.setTimeout)(1e3,void 0,{signal:e.signal}).catch(()=>{})}}i(td,"undoDead");function A2(e,t,n){let r=e.ended.findLast(a=>a.id===n),o=Dn.find(a=>a===r?.state);if(r&&o)return vt({state:o,pid:Number(r.pid)||void 0});let s=e.unfinished===void 0&&!x2(t.found,e);return vt({state:s?"unknown":"staged"})}i(A2,"endOfDead");function x2(e,t){let n=i(({processes:r})=>r.map(({pid:o})=>o).join(),"pids");return e.file?.sha256===t.file?.sha256&&n(e)===n(t)&&n(t)!==""}i(x2,"isAsBefore");var E2=8;async function Yw(e,t,{unfinished:n,known:r}){let o=n.members.filter(s=>!r.includes(s));await xa(o,{limit:E2,stopped:i(()=>t.context.signal.aborted,"stopped")},async s=>{let a=k2(t.inputs,s),c=await io(e,a,void 0,{another:!1});if(c.unfinished?.release!==n.release||c.locked)return;let u={...t.context,log:Ir(t.context.log,a.name)};if(c.unfinished.kind!=="binary"){u.log.warning(`This ${c.unfinished.kind} is a part of the interrupted release; re-run that release.`);return}let l=Aa(a,c,{source:void 0,build:{workflow:"",number:0}}),d={...t,inputs:a,context:u,source:void 0};await ds(e,ls(d,c,l)).catch(fs)})}i(Yw,"recoverMembers");function k2(e,t){let n=t.lastIndexOf("/");return{...e,...Gw,health:{...Gw.health,timeoutSeconds:e.health.timeoutSeconds},destination:t,folder:t.slice(0,n)||"/",name:t.slice(n+1)}}i(k2,"inputsOf");var Gw={source:void 0,owner:void 0,mode:void 0,capabilities:void 0,restart:"auto",service:void 0,stopCommand:void 0,startCommand:void 0,daemonReload:!1,stopSignal:"TERM",stopTimeoutSeconds:10,runAs:void 0,args:[],workingDirectory:void 0,environment:[],logFile:void 0,health:{url:void 0,status:"200-399",contains:void 0,headers:[],port:void 0,command:void 0,timeoutSeconds:60,stableSeconds:3},expectStrings:[]};function Xw({inputs:e,plan:t,outcome:n}){let{health:r,dryRun:o}=e,{state:s,failed:a,why:c}=n,u=(s==="active"||s==="unchanged")&&!o||a==="stable";if(!u&&a!=="health")return[];let l=`healthy for ${r.stableSeconds} s, as the same process`,d=[["health-port",r.port===void 0?void 0:`the process listens on ${r.port}`],["health-url",r.url&&`${_n(r.url)} answers ${r.status}`],["health-contains",r.contains&&"the expected text in the response"],["health-command",r.command&&"exit code 0"]],h=[nd("sha256",t.file.sha256)];if(!u)return[...h,Vw("health",`within ${r.timeoutSeconds} s`,c)];for(let[p,m]of d)m&&h.push(nd(p,m));return a==="stable"?[...h,Vw("stable",l,c)]:s==="active"&&t.restart!=="none"?[...h,nd("stable",l)]:h}i(Xw,"checksOf");function nd(e,t){return{name:e,expected:t,found:t,ok:!0}}i(nd,"good");function Vw(e,t,n){return{name:e,expected:t,found:n,ok:!1}}i(Vw,"bad");var ka={state:"untouched",changed:!1,"downtime-ms":0,"bytes-sent":0,report:[]},e0="untouched. Nothing on the target was changed.";function t0(e){return e.fields.state!==void 0?e:new Le({...e.fields,state:e0})}i(t0,"asUntouched");async function n0(e,t){if(await t.outputs({...od(e),"duration-ms":e.durationMs,report:[sd(e)]}),e.inputs.dryRun)return;let n=id(e);t.log.line("");for(let[r,o]of n)t.log.line(`  ${r.padEnd(10)}${o}`);if(t.log.line(""),await t.summary({title:`Deploy of ${e.inputs.name}`,head:["",""],rows:n}),!Sa(e.outcome))throw ad(e)}i(n0,"report");function hs(e){return e==="active"||e==="unchanged"}i(hs,"isGreen");function Sa({state:e,failed:t}){return hs(e)&&t!=="after-command"}i(Sa,"isSuccess");function rd(e){return e==="active"||e==="unknown"}i(rd,"hasChanged");function r0({kind:e,steps:t,units:n}){return e==="unchanged"?["Plan: nothing to do. File, process and health already match."]:["Plan",...t.map(({does:r,because:o})=>`  - ${r}: ${o}`),...n.notes.map(r=>`  Note: ${r}`)]}i(r0,"planLines");function o0(e,t){let{file:n,processes:r,strangers:o,releases:s,unseen:a,history:c,unfinished:u}=e,l=i(h=>e.units.find(({pids:p})=>p.includes(h))?.name,"unitOf"),d=r.map(({pid:h,user:p,live:m})=>`pid ${h} (${p}${l(h)?`, unit ${l(h)}`:""}${m?"":", outdated image"})`);return[...e.sudo?[`Using ${e.rootTool}, because ${e.needsRoot}`]:[],n?`Found ${t}: sha256 ${Qt(n.sha256)}, ${It(n.bytes)}, ${n.owner} ${n.mode}${n.capabilities?`, ${n.capabilities}`:""}`:`Found nothing at ${t}`,...d.length>0?[`  running as ${d.join(" and ")}`]:[],...d.length===0&&(n||a)?[`  not running${a?`; ${e.login} may not inspect pid ${a}`:""}`]:[],...o.length>0?[`  also run by other accounts: ${o.map(({pid:h,user:p})=>`pid ${h} (${p})`).join(", ")}`]:[],...s.length>0?[`  kept releases: ${s.map(({sha256:h})=>Qt(h)).join(", ")}`]:[],...u?[`  an earlier deploy (${u.run}) stopped during \`${u.phase}\``]:[],...e.notes.map(h=>`  note: ${h}`),...c.length>0?[`  last deploy: ${c.at(-1)?.replace(/\b[0-9a-f]{64}\b/g,Qt)}`]:[]]}i(o0,"foundLines");function ps(e,t,n){return new en({what:`Preparing ${t}`,where:e,why:n.map(({why:r})=>r).join(`
`),state:e0,remedy:n.map(({remedy:r})=>r).join(`
`)})}i(ps,"refusal");function od({plan:e,found:t,outcome:n}){return{state:n.state,changed:rd(n.state),sha256:e.file.sha256,"previous-sha256":t.file?.sha256??"",pid:n.pid??"","downtime-ms":n.downtimeMs??0,"bytes-sent":n.bytesSent}}i(od,"scalarsOf");function sd(e){let{plan:t,found:n,outcome:r,target:o,inputs:s,durationMs:a}=e;return{target:o,destination:s.destination,state:r.state,sha256:t.file.sha256,previousSha256:n.file?.sha256??"",pid:r.pid??null,downtimeMs:r.downtimeMs??null,bytesSent:r.bytesSent,durationMs:a,failed:r.failed,why:r.why,phases:r.phases,checks:Xw(e)}}i(sd,"entryOf");function id({target:e,plan:t,found:n,outcome:r,inputs:o,durationMs:s}){let a=n.file?Qt(n.file.sha256):"nothing",c=Qt(t.file.sha256),u=[["state",r.state],["target",e],["file",o.destination],["sha256",S2(r.state,a,c)]];return r.pid&&u.push(["pid",String(r.pid)]),r.downtimeMs!==void 0&&u.push(["downtime",`${r.downtimeMs} ms`]),u.push(["sent",It(r.bytesSent)],["time",`${(s/1e3).toFixed(1)} s`]),u}i(id,"tableOf");function S2(e,t,n){return t===n?t:e==="active"?`${t} -> ${n}`:e==="broken"||e==="unknown"?`was ${t}, tried ${n}`:`${t} (${n} is not deployed)`}i(S2,"digests");var Jw={lock:"Waiting for the lock of",stage:"Staging",upload:"Uploading",stop:"Stopping",recovery:"Recovering",connection:"Following the deploy of"};function ad({target:e,inputs:t,found:n,outcome:r}){return new en({what:`${Object.hasOwn(Jw,r.failed)&&Jw[r.failed]||"Activating"} ${t.destination}`,where:e,why:`${r.why||"no reason was given"}.`,state:`${r.state}. ${v2(r,n,t)}`,remedy:C2(r,t),output:r.output})}i(ad,"failureOf");function v2({state:e,failed:t,pid:n,broken:r},o,s){let a=o.file?`The previous version (sha256 ${Qt(o.file.sha256)})`:"";return{active:"The new version is running.",unchanged:"The target already matched.",untouched:"Nothing on the target was changed.",staged:`${I2(a,o)}; the uploaded file was removed.`,"rolled-back":a?`${a} is running again${n?` as pid ${n}`:""}.`:"There was no previous version; the new file was removed and nothing is running.",broken:`${R2(r)}. Manual inspection of ${s.folder} is required.`,unknown:t==="answer"?"The outcome of the deploy is not known.":"The connection was lost and the outcome is not known; the target finishes the transaction on its own."}[e]}i(v2,"stateSentence");function I2(e,{processes:t}){let n=t.length>0;return e?`${e} is unchanged${n?" and still running":""}`:n?"The running program is unchanged":"There was no previous version"}i(I2,"stagedSentence");function C2({state:e,failed:t,output:n,untrusted:r},o){return t==="answer"?"log in and inspect the host: the programs of this step never answer like this, so somebody may have changed what runs there.":e==="unknown"?"run verify-deploy, or re-run this job: it completes or rolls back what it finds.":t==="recovery"?"find out what kills processes there (the kernel for want of memory, a limit, a person), then re-run the job: it continues the recovery.":t==="before-command"?"read what the command printed above, fix the cause, then re-run the job.":t==="after-command"?"the new version stays; fix the cause, then run the command by hand.":r?Xl:e==="broken"?"log in and inspect the host; `rollback-to: previous` restores the last kept release.":t==="lock"?"wait for the other deploy, or raise `lock-timeout-seconds`.":["upload","stage","swap","accept"].includes(t)?"check the connection and free disk space, then re-run the job.":t==="stop"?"find out what keeps the program from exiting, then re-run the job.":n?"read the last lines of the program below, fix the cause, then re-run the job.":o.logFile?`the program logged nothing to ${o.logFile}; run it manually, fix the cause, then re-run the job.`:"set `log-file` to see what the program prints, fix the cause, then re-run the job."}i(C2,"remedyOf");function R2(e){return e.charAt(0).toUpperCase()+e.slice(1)}i(R2,"capitalised");var s0=`prelude() {
PATH=/run/wrappers/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin
LC_ALL=C
export PATH LC_ALL
IFS=' 	
'
unset CDPATH ENV BASH_ENV
umask 077
core_limit=\${core_limit-$(ulimit -S -c)}
ulimit -S -c 0
}
begin() {
printf 'begin\\n'
}
end() {
printf 'end\\n'
}
say() {
case $2 in
*\\\\* | *"$newline"*)
say_rest=$2
say_value=
while [ -n "$say_rest" ]; do
case $say_rest in
*\\\\* | *"$newline"*) ;;
*) break ;;
esac
say_plain=\${say_rest%%[\\\\"$newline"]*}
say_rest=\${say_rest#"$say_plain"}
case $say_rest in
\\\\*) say_value=$say_value$say_plain'\\\\' ;;
*) say_value=$say_value$say_plain'\\n' ;;
esac
say_rest=\${say_rest#?}
done
printf '%s=%s\\n' "$1" "$say_value$say_rest"
;;
*) printf '%s=%s\\n' "$1" "$2" ;;
esac
}
newline=$(printf '\\n.')
newline=\${newline%.}
usual_ifs=$(printf ' \\t\\n.')
usual_ifs=\${usual_ifs%.}
quoted() {
quoted_rest=$1
quoted=
while :; do
case $quoted_rest in
*\\'*)
quoted=$quoted\${quoted_rest%%\\'*}"'\\\\''"
quoted_rest=\${quoted_rest#*\\'}
;;
*) break ;;
esac
done
quoted="'$quoted$quoted_rest'"
}
know_me() {
me_name=$(id)
me_name=\${me_name#uid=}
me_name=\${me_name%% gid=*}
me=\${me_name%%(*}
me_name=\${me_name#*(}
me_name=\${me_name%)}
}
account_of() {
account_name=$1
account_home=/
account_shell=/bin/sh
account_line=$(getent passwd "$1" 2>/dev/null </dev/null) || account_line=$(line_of_passwd "$1")
case $account_line in *:*:*:*:*:*:*) ;; *) return 0 ;; esac
account_name=\${account_line%%:*}
account_shell=\${account_line##*:}
account_line=\${account_line%:*}
account_home=\${account_line##*:}
account_home=\${account_home:-/}
account_shell=\${account_shell:-/bin/sh}
}
line_of_passwd() {
while IFS= read -r passwd_line; do
passwd_rest=\${passwd_line#*:*:}
case $1 in "\${passwd_line%%:*}" | "\${passwd_rest%%:*}") ;; *) continue ;; esac
printf '%s\\n' "$passwd_line"
return 0
done </etc/passwd
}
account_environment() {
account_of "$1"
account_environment=
host_language
for account_word in "PATH=$PATH" "HOME=$account_home" "USER=$account_name" "LOGNAME=$account_name" "SHELL=$account_shell" "LANG=$host_language"; do
quoted "$account_word"
account_environment="$account_environment\${account_environment:+ }$quoted"
done
}
host_language() {
host_language=
for language_file in /etc/default/locale /etc/locale.conf; do
[ -f "$language_file" ] || continue
while IFS= read -r language_line; do
case $language_line in LANG=*) host_language=\${language_line#LANG=} ;; esac
done <"$language_file"
done
host_language=\${host_language#[\\"\\']}
host_language=\${host_language%[\\"\\']}
case $host_language in '' | *[!A-Za-z0-9_.@-]*) host_language=C.UTF-8 ;; esac
}
timed() {
find_timeout
if [ "$timeout_kills" = yes ]; then
timeout -k 2 "$@" 3<&- 7>&- 8<&- 9>&-
else
timed_by_hand "$@" 6<&0 3<&- 7>&- 8<&- 9>&-
fi
}
limited() {
timed "$@" </dev/null
}
find_timeout() {
[ -z "\${timeout_kills:-}" ] || return 0
timeout_kills=no
! timeout -k 1 5 true 2>/dev/null 3<&- 7>&- 8<&- 9>&- || timeout_kills=yes
}
timed_by_hand() {
hand_seconds=$1
shift
setsid "$@" <&6 6<&- &
hand_pid=$!
end_late "$hand_pid" "$hand_seconds" </dev/null >/dev/null 2>&1 6<&- &
hand_dog=$!
wait "$hand_pid"
hand_code=$?
kill "$hand_dog" 2>/dev/null
wait "$hand_dog" 2>/dev/null
return "$hand_code"
}
end_late() {
trap 'kill $late_pause 2>/dev/null; exit' TERM
sleep "$2" &
late_pause=$!
wait "$late_pause"
kill -s TERM -- "-$1"
sleep 2 &
late_pause=$!
wait "$late_pause"
kill -s KILL -- "-$1"
}
http_client() {
http_client=
if command -v curl >/dev/null; then
http_client=curl
return
fi
case $1 in
http://*)
if command -v perl >/dev/null && perl -MIO::Socket::INET -e 1 2>/dev/null; then
http_client=perl
return
elif command -v nc >/dev/null; then
http_client=nc
return
fi
;;
esac
[ -z "$in_health_curl" ] || return 0
command -v wget >/dev/null || return 0
case $(limited 5 wget --version 2>/dev/null) in
*'GNU Wget'*) http_client=wget ;;
*) case $1 in *[@?]*) ;; *) http_client=wget ;; esac ;;
esac
}
http_get() {
http_status=
http_untrusted=
http_body=
http_error=
[ -n "\${http_client:-}" ] || http_client "$1"
case $http_client in
curl) http_by_curl "$1" "$2" ;;
perl | nc) http_by_socket "$1" "$2" ;;
wget) http_by_wget "$1" "$2" ;;
*) http_error='the target has no HTTP client' ;;
esac
[ -n "$http_status" ]
}
http_by_curl() {
http_answer=$(printf 'url = "%s"\\n%s\\n' "$1" "$in_health_curl" | curl -q -g -s -S -i --noproxy '*' --max-time "$2" -K - 2>&1 | http_cut)
http_read && return
http_error=\${http_answer#curl: }
http_error=\${http_error%%"$newline"*}
case $http_error in '(60)'* | '(51)'*) http_untrusted=yes ;; esac
}
http_cut() {
tr -d '\\000' | head -c 65536
}
http_read() {
http_rest=$newline$http_answer
while :; do
case $http_rest in *"\${newline}HTTP/"*) ;; *) return 1 ;; esac
http_rest=\${http_rest#*"\${newline}HTTP/"}
http_code=\${http_rest#* }
http_code=\${http_code%"\${http_code#???}"}
case $http_code in
1[0-9][0-9]) ;;
[0-9][0-9][0-9]) break ;;
*) return 1 ;;
esac
done
http_status=$http_code
case $http_rest in *"$newline$http_return$newline"*) http_body=\${http_rest#*"$newline$http_return$newline"} ;; esac
}
http_by_socket() {
http_rest=\${1#http://}
http_host=\${http_rest%%[/?#]*}
http_path=\${http_rest#"$http_host"}
http_path=\${http_path%%#*}
case $http_path in /*) ;; *) http_path=/$http_path ;; esac
case $http_host in
\\[*\\]:*) http_port=\${http_host##*:} http_name=\${http_host%]:*} http_name=\${http_name#[} ;;
\\[*\\]) http_port=80 http_name=\${http_host#[} http_name=\${http_name%]} ;;
*:*) http_port=\${http_host##*:} http_name=\${http_host%:*} ;;
*) http_port=80 http_name=$http_host ;;
esac
http_names=$http_name
[ "$http_name" != localhost ] || http_names='127.0.0.1 ::1'
for http_name in $http_names; do
http_answer=$(http_request | http_exchange "$2" 2>/dev/null | http_cut)
http_read && return
done
http_error="no HTTP answer from $http_host within $2 s"
}
http_request() {
IFS=$newline
set -f
printf '%s\\r\\n' "GET $http_path HTTP/1.0" $in_health_headers ''
}
http_exchange() {
if [ "$http_client" = perl ]; then
timed "$1" perl -e '
use Socket qw(:all);
my ($name, $port) = @ARGV;
my $request = do { local $/; <STDIN> };
my $v6 = $name =~ /:/;
my $socket;
my $address = $v6 ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $name) || exit 1) : pack_sockaddr_in($port, inet_aton($name) || exit 1);
socket($socket, $v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0) && connect($socket, $address) || exit 1;
syswrite($socket, $request);
while (sysread($socket, my $block, 65536)) { syswrite(STDOUT, $block) }
' "$http_name" "$http_port"
else
http_sent=$(cat; printf .)
http_reply=$(printf '%s' "\${http_sent%.}" | timed "$1" nc "$http_name" "$http_port")
case $http_reply in
HTTP/*) ;;
*) [ -z "$http_reply" ] && port_answers && http_reply=$({ printf '%s' "\${http_sent%.}"; sleep "$1"; } | timed "$1" nc "$http_name" "$http_port") ;;
esac
printf '%s' "$http_reply"
fi
}
port_answers() {
limited 2 nc "$http_name" "$http_port" >/dev/null 2>&1
}
http_by_wget() {
http_answer=$(http_wget "$1" "$2" -S -O /dev/null 2>&1 | http_cut)
case $http_answer in
*"  HTTP/"*" "[0-9][0-9][0-9]*)
http_status=\${http_answer#*"  HTTP/"}
http_status=\${http_status#* }
http_status=\${http_status%"\${http_status#???}"}
http_body=$(http_wget "$1" "$2" -q -O - 2>/dev/null | http_cut)
;;
*)
http_error=\${http_answer##*"$newline"}
case $http_answer in
*ERROR:*certificate*)
http_untrusted=yes
http_error='the certificate is not trusted'
;;
esac
;;
esac
}
http_wget() (
unset http_proxy https_proxy
HOME=/dev/null
export HOME
http_url=$1
http_seconds=$2
shift 2
case $http_url in
*[@?]*) printf '%s\\n' "$http_url" | timed "$http_seconds" wget "$@" -i - ;;
*) limited "$http_seconds" wget "$@" -- "$http_url" ;;
esac
)
http_return=$(printf '\\r')
port_inodes() {
port_inodes=
[ "\${port_hex_of:-}" = "$1" ] || port_hex=$(printf '%04X' "$1")
port_hex_of=$1
port_net=/proc/\${2:-self}/net
port_inodes=$(sed -n "s/^ *[0-9]*: [0-9A-F]*:$port_hex [0-9A-F]*:0000 0A [^ ]* [^ ]* [^ ]* *[0-9]* *[0-9]* \\([0-9]*\\) .*/\\1/p" "$port_net/tcp" "$port_net/tcp6" 2>/dev/null)
}
command_environment() {
[ -z "\${command_environment:-}" ] || return 0
account_environment "$me_name"
command_environment=$account_environment
[ ! -d "/run/user/$me" ] || command_environment="$command_environment XDG_RUNTIME_DIR=/run/user/$me"
}
run_command() (
command_environment
cd /
eval "limited \\"\\$1\\" env -i $command_environment /bin/sh -c \\"\\$2\\""
)
status_in() {
status_rest=$2,
while [ -n "$status_rest" ]; do
status_range=\${status_rest%%,*}
status_rest=\${status_rest#*,}
if [ "$1" -ge "\${status_range%-*}" ] && [ "$1" -le "\${status_range#*-}" ]; then return 0; fi
done
return 1
}
main() {
prelude
set -u
begin
know_me
find_timeout
in_health_curl=
in_health_plain=
eval "set -- $in_urls"
for gate_url in "$@"; do check_url "$gate_url"; done
for gate_port in $in_ports; do
port_inodes "$gate_port"
[ -n "$port_inodes" ] || say gate "nothing listens on port $gate_port (require-port)"
done
[ -z "$in_command" ] || check_command
end
}
check_url() {
http_client=
if ! http_get "$1" 5; then
say gate "$1: \${http_error:-no answer} (require-url)"
elif ! status_in "$http_status" 200-399; then
say gate "$1 answers $http_status, not 200-399 (require-url)"
fi
}
check_command() {
run_command "$in_limit_seconds" "$in_command" >/dev/null 2>&1
gate_code=$?
[ "$gate_code" = 0 ] || say gate "the command exited with code $gate_code (require-command)"
}
main`;var i0=`prelude() {
PATH=/run/wrappers/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin
LC_ALL=C
export PATH LC_ALL
IFS=' 	
'
unset CDPATH ENV BASH_ENV
umask 077
core_limit=\${core_limit-$(ulimit -S -c)}
ulimit -S -c 0
}
begin() {
printf 'begin\\n'
}
end() {
printf 'end\\n'
}
say() {
case $2 in
*\\\\* | *"$newline"*)
say_rest=$2
say_value=
while [ -n "$say_rest" ]; do
case $say_rest in
*\\\\* | *"$newline"*) ;;
*) break ;;
esac
say_plain=\${say_rest%%[\\\\"$newline"]*}
say_rest=\${say_rest#"$say_plain"}
case $say_rest in
\\\\*) say_value=$say_value$say_plain'\\\\' ;;
*) say_value=$say_value$say_plain'\\n' ;;
esac
say_rest=\${say_rest#?}
done
printf '%s=%s\\n' "$1" "$say_value$say_rest"
;;
*) printf '%s=%s\\n' "$1" "$2" ;;
esac
}
newline=$(printf '\\n.')
newline=\${newline%.}
usual_ifs=$(printf ' \\t\\n.')
usual_ifs=\${usual_ifs%.}
know_me() {
me_name=$(id)
me_name=\${me_name#uid=}
me_name=\${me_name%% gid=*}
me=\${me_name%%(*}
me_name=\${me_name#*(}
me_name=\${me_name%)}
}
enter_folder() {
if [ "$me" != 0 ]; then
cd -P -- "$1" 2>/dev/null && return 0
refused="$1 can't be entered by $me_name"
return 1
fi
cd / || return 1
walk_rest=$1
walk_links=0
while [ -n "$walk_rest" ]; do
walk_step=\${walk_rest%%/*}
case $walk_rest in */*) walk_rest=\${walk_rest#*/} ;; *) walk_rest= ;; esac
case $walk_step in '' | .) continue ;; esac
if [ -L "./$walk_step" ]; then
follow_link "./$walk_step" || return 1
continue
fi
walk_at=\${PWD%/}
cd -P "./$walk_step" 2>/dev/null || { refused="$walk_at/$walk_step is not a folder"; return 1; }
[ "$walk_step" = .. ] || [ "$PWD" = "$walk_at/$walk_step" ] || { refused="$walk_at/$walk_step was swapped while it was entered"; return 1; }
done
}
follow_link() {
if [ "$(stat -c %u "$1")" != 0 ]; then
refused="$PWD/\${1#./} is a symbolic link of another account, and root does not follow it"
return 1
fi
walk_links=$((walk_links + 1))
[ "$walk_links" -le 20 ] || { refused='too many symbolic links in the path'; return 1; }
walk_link=$(readlink "$1" && echo x)
walk_link=\${walk_link%?x}
case $walk_link in /*) cd / ;; esac
walk_rest=$walk_link/$walk_rest
}
enter_state() {
state_folder=.$in_name.deploy
if [ ! -e "./$state_folder" ] && [ ! -L "./$state_folder" ]; then
[ "\${1:-}" = create ] || return 2
mkdir -m 700 "./$state_folder" || { refused="$PWD/$state_folder can't be made"; return 1; }
fi
go_into_state || return 1
case $(stat -c '%u %a' .) in
"$me 700") ;;
"$me "*) chmod 700 . ;;
*) refused="$state_at/$state_folder is owned by another account, not by $me_name, which deploys"; return 1 ;;
esac
}
go_into_state() {
state_folder=.$in_name.deploy
state_at=\${PWD%/}
if [ -L "./$state_folder" ] || ! cd -P "./$state_folder" 2>/dev/null || [ "$PWD" != "$state_at/$state_folder" ]; then
refused="$state_at/$state_folder was not created by this tool"
return 1
fi
}
release_at=/proc/self/fd/8
release_is_open=\${release_is_open:-}
hold_release() {
hold_from=$PWD
[ ! -L "./release.$in_release" ] && cd -P "./release.$in_release" 2>/dev/null || return 1
if [ "$PWD" = "$hold_from/release.$in_release" ] && [ "$(stat -c '%u %a' .)" = "$me 700" ]; then
exec 8<.
release_is_open=yes
fi
cd -P .. || return 1
}
enter_release() {
enter_own_name=$in_name
in_name=$in_first_name
if enter_folder "$in_first_folder" && enter_state; then hold_release || :; fi
in_name=$enter_own_name
[ -n "$release_is_open" ]
}
main() {
prelude
set -u
begin
know_me
refused=
in_name=
if enter_release && let_go; then say let_go yes; else say why "$refused"; fi
end
}
let_go() {
refused="the release folder can't be written"
if [ "$in_goes" = yes ]; then
: >"$release_at/go"
else
printf 'abort\\n' >"$release_at/abort.0" && ln "$release_at/abort.0" "$release_at/decision"
fi
} 2>/dev/null
main`;var a0=`prelude() {
PATH=/run/wrappers/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin
LC_ALL=C
export PATH LC_ALL
IFS=' 	
'
unset CDPATH ENV BASH_ENV
umask 077
core_limit=\${core_limit-$(ulimit -S -c)}
ulimit -S -c 0
}
begin() {
printf 'begin\\n'
}
end() {
printf 'end\\n'
}
say() {
case $2 in
*\\\\* | *"$newline"*)
say_rest=$2
say_value=
while [ -n "$say_rest" ]; do
case $say_rest in
*\\\\* | *"$newline"*) ;;
*) break ;;
esac
say_plain=\${say_rest%%[\\\\"$newline"]*}
say_rest=\${say_rest#"$say_plain"}
case $say_rest in
\\\\*) say_value=$say_value$say_plain'\\\\' ;;
*) say_value=$say_value$say_plain'\\n' ;;
esac
say_rest=\${say_rest#?}
done
printf '%s=%s\\n' "$1" "$say_value$say_rest"
;;
*) printf '%s=%s\\n' "$1" "$2" ;;
esac
}
newline=$(printf '\\n.')
newline=\${newline%.}
usual_ifs=$(printf ' \\t\\n.')
usual_ifs=\${usual_ifs%.}
quoted() {
quoted_rest=$1
quoted=
while :; do
case $quoted_rest in
*\\'*)
quoted=$quoted\${quoted_rest%%\\'*}"'\\\\''"
quoted_rest=\${quoted_rest#*\\'}
;;
*) break ;;
esac
done
quoted="'$quoted$quoted_rest'"
}
know_me() {
me_name=$(id)
me_name=\${me_name#uid=}
me_name=\${me_name%% gid=*}
me=\${me_name%%(*}
me_name=\${me_name#*(}
me_name=\${me_name%)}
}
account_of() {
account_name=$1
account_home=/
account_shell=/bin/sh
account_line=$(getent passwd "$1" 2>/dev/null </dev/null) || account_line=$(line_of_passwd "$1")
case $account_line in *:*:*:*:*:*:*) ;; *) return 0 ;; esac
account_name=\${account_line%%:*}
account_shell=\${account_line##*:}
account_line=\${account_line%:*}
account_home=\${account_line##*:}
account_home=\${account_home:-/}
account_shell=\${account_shell:-/bin/sh}
}
line_of_passwd() {
while IFS= read -r passwd_line; do
passwd_rest=\${passwd_line#*:*:}
case $1 in "\${passwd_line%%:*}" | "\${passwd_rest%%:*}") ;; *) continue ;; esac
printf '%s\\n' "$passwd_line"
return 0
done </etc/passwd
}
account_environment() {
account_of "$1"
account_environment=
host_language
for account_word in "PATH=$PATH" "HOME=$account_home" "USER=$account_name" "LOGNAME=$account_name" "SHELL=$account_shell" "LANG=$host_language"; do
quoted "$account_word"
account_environment="$account_environment\${account_environment:+ }$quoted"
done
}
host_language() {
host_language=
for language_file in /etc/default/locale /etc/locale.conf; do
[ -f "$language_file" ] || continue
while IFS= read -r language_line; do
case $language_line in LANG=*) host_language=\${language_line#LANG=} ;; esac
done <"$language_file"
done
host_language=\${host_language#[\\"\\']}
host_language=\${host_language%[\\"\\']}
case $host_language in '' | *[!A-Za-z0-9_.@-]*) host_language=C.UTF-8 ;; esac
}
timed() {
find_timeout
if [ "$timeout_kills" = yes ]; then
timeout -k 2 "$@" 3<&- 7>&- 8<&- 9>&-
else
timed_by_hand "$@" 6<&0 3<&- 7>&- 8<&- 9>&-
fi
}
limited() {
timed "$@" </dev/null
}
find_timeout() {
[ -z "\${timeout_kills:-}" ] || return 0
timeout_kills=no
! timeout -k 1 5 true 2>/dev/null 3<&- 7>&- 8<&- 9>&- || timeout_kills=yes
}
timed_by_hand() {
hand_seconds=$1
shift
setsid "$@" <&6 6<&- &
hand_pid=$!
end_late "$hand_pid" "$hand_seconds" </dev/null >/dev/null 2>&1 6<&- &
hand_dog=$!
wait "$hand_pid"
hand_code=$?
kill "$hand_dog" 2>/dev/null
wait "$hand_dog" 2>/dev/null
return "$hand_code"
}
end_late() {
trap 'kill $late_pause 2>/dev/null; exit' TERM
sleep "$2" &
late_pause=$!
wait "$late_pause"
kill -s TERM -- "-$1"
sleep 2 &
late_pause=$!
wait "$late_pause"
kill -s KILL -- "-$1"
}
command_environment() {
[ -z "\${command_environment:-}" ] || return 0
account_environment "$me_name"
command_environment=$account_environment
[ ! -d "/run/user/$me" ] || command_environment="$command_environment XDG_RUNTIME_DIR=/run/user/$me"
}
run_command() (
command_environment
cd /
eval "limited \\"\\$1\\" env -i $command_environment /bin/sh -c \\"\\$2\\""
)
main() {
prelude
set -u
begin
know_me
find_timeout
exec 5>&1
command_code=$({ { run_command "$in_limit_seconds" "$in_command" 2>&1 5>&- 6>&-; printf '%s' "$?" >&6; } | show_output >&5 5>&- 6>&-; } 6>&1)
say command_code "$command_code"
end
}
show_output() {
timed "$((in_limit_seconds + 5))" head -c 64000 | while IFS= read -r output_line || [ -n "$output_line" ]; do say output "$output_line"; done
timed 5 cat >/dev/null
}
main`;var c0=200,u0=30,l0=30;async function cd(e,t){let{hooks:n}=t,r=n["before-command"]??"",o=n["before-on"]==="host",s=o?{...e,target:{...e.target,container:void 0}}:e;return await f0(s,{...t,sudo:t.sudo&&!o},{name:"before-command",command:r,limitSeconds:n["before-timeout-seconds"]})}i(cd,"runBefore");async function d0(e,t){let n=t.hooks["after-command"]??"";return await f0(e,t,{name:"after-command",command:n,limitSeconds:t.hooks["after-timeout-seconds"]})}i(d0,"runAfter");async function f0(e,{sudo:t,log:n,run:r,clean:o,signal:s},{name:a,command:c,limitSeconds:u}){n.phase(a,`running it, for at most ${u} s`);let l=0,d=i((p,m)=>{p==="output"&&(l+=1,l<=c0&&n.line(`  | ${je(o(m))}`),l===c0+1&&n.line("  | (more lines of the command are not shown)"))},"onSay"),h={what:`Running ${a}`,state:void 0};try{let p={command:c.replaceAll("{run}",String(r)),limit_seconds:u},m=await bn(e,{text:a0,values:p},{what:h.what,sudo:t,limitSeconds:u+l0,clean:o,signal:s,onSay:d}),b=m.answer.number("command_code");return!m.complete||b===void 0?`${a} was cut off: ${m.cut}`:b===0?void 0:[124,137,143].includes(b)?`${a} did not finish within ${u} s, or was killed`:`${a} exited with code ${b}`}catch(p){return`${a} could not be run: ${p.message.split(`
`)[0]}`}}i(f0,"run");async function h0(e,{hooks:t,sudo:n,clean:r,signal:o}){let{"require-url":s,"require-port":a,"require-command":c}=t;if(s===void 0&&a===void 0&&c===void 0)return[];let u={what:"Checking what the deploy requires",state:"untouched. Nothing on the target was changed."},l={urls:s&&Ao(s),ports:a,command:c,limit_seconds:u0},d={...u,sudo:n,limitSeconds:2*u0,clean:r,signal:o},h=await bn(e,{text:s0,values:l},d);if(!h.complete)throw fa(e,u,h);return h.answer.quotedLines("gate")}i(h0,"closedGates");async function p0(e,{release:t,first:n},{goes:r,sudo:o,signal:s}){let a={release:t,first_folder:n.folder,first_name:n.name,goes:r?"yes":""},c={what:"Continuing the release",sudo:o,limitSeconds:l0,signal:s};try{let u=await bn(e,{text:i0,values:a},c);return u.complete&&u.answer.yes("let_go")?void 0:`the release could not be continued: ${u.answer.quote("why")||u.cut}`}catch(u){return`the release could not be continued: ${u.message.split(`
`)[0]}`}}i(p0,"tellRelease");function _0(e,t){let n=0,r;return{onSay:i(o=>{o==="waits"&&(n+=1,n===e&&(r=t()))},"onSay"),finished:i(async()=>r,"finished")}}i(_0,"whenAllWait");async function m0(e,t){return(await h0(e,va(t))).map(r=>({why:`${r}.`,remedy:"fix that on the target first, or correct the input."}))}i(m0,"gateObstacles");function g0(e,t){let[n]=t,r=n?.membership;if(!n||!r?.waits)return{deploys:t,failure:i(async()=>{},"failure")};let o,s=va(n),a=_0(t.length,async()=>{o=await cd(e,s);let c=await p0(e,r,{...s,goes:o===void 0});o??=c});return{deploys:t.map(c=>({...c,onSay:a.onSay})),failure:i(async()=>(await a.finished(),o),"failure")}}i(g0,"withBefore");async function $0(e,t){if(!t.inputs.hooks["before-command"]||t.inputs.strategy!=="in-place")return;let n=await cd(e,va(t));return n===void 0?void 0:vt({state:"untouched",failed:"before-command",why:n})}i($0,"beforeInPlace");async function w0(e,t,n){if(n.state!=="active"||!t.inputs.hooks["after-command"])return n;let r=await d0(e,va(t));return r===void 0?n:{...n,failed:"after-command",why:r}}i(w0,"afterAccepted");function y0(e,t){return t===void 0||e.failed!=="release"?e:{...e,failed:"before-command",why:t}}i(y0,"withBeforeFailure");function va({inputs:e,found:t,log:n,run:r,signal:o}){let s=pn(e.environment,e.health);return{hooks:e.hooks,sudo:t.sudo,log:n,run:r.number,clean:s,signal:o}}i(va,"hookContextOf");var ud=4;async function b0(e,{source:t,...n}){let{inputs:r,context:o,book:s}=n,a=Date.now(),c=i(()=>da(e,o),"reconnect"),[u,l]=await L2(t,c());try{let{name:d}=l.target;o.log.phase("connect",d.includes(e.host)?d:`${d} (${e.host})`);let h={...n,source:u,reconnect:c},{found:p,plan:m,outcome:b,deploy:A}=await N2(l,h),y=s.begun()?.id;await s.end(b.state),u&&hs(b.state)&&n.transfers.arrived(u,l.isNear());let E=b.state==="active"&&A&&y?L=>Zw(L,{deploy:A,id:y,parts:h}):void 0,I=Date.now()-a;return{target:l.target.name,inputs:r,found:p,plan:m,outcome:b,durationMs:I,undo:E,host:l,reconnect:c}}catch(d){throw await l[Symbol.asyncDispose](),d}}i(b0,"deployTarget");async function N2(e,t){let{inputs:n,source:r,context:o}=t,{log:s,run:a}=o,c=0;for(let u=1;;u+=1){let l=await io(e,n,r);if(l.otherKernel)throw ps(e.target.name,n.destination,[Uw(l.otherKernel)]);let d={workflow:a.series,number:a.number},h=Aa(n,l,{source:r,build:d}),p=ls(t,l,h);if(l.unfinished&&!l.locked&&!n.dryRun&&u<ud){let b=await ds(e,p).catch(fs);if(c+=b instanceof Xt?1:0,c>=Ea)return{found:l,plan:h,outcome:ed(`an earlier deploy (${l.unfinished.run}) was interrupted`)};await Yw(e,t,{unfinished:l.unfinished,known:[n.destination]});continue}for(let b of o0(l,n.destination))s.line(b);if(h.kind==="refused")throw ps(e.target.name,n.destination,h.obstacles);for(let b of r0(h))s.line(b);if(n.dryRun)return s.line("dry-run is set: nothing was changed."),{found:l,plan:h,outcome:vt({state:"unchanged"})};if(h.kind==="unchanged")return{found:l,plan:h,outcome:vt({state:"unchanged",pid:l.processes[0]?.pid})};let m=await m0(e,p);if(m.length>0)throw ps(e.target.name,n.destination,m);try{return{found:l,plan:h,outcome:await O2(e,p),deploy:p}}catch(b){if(b instanceof Xt)return{found:l,plan:h,outcome:await td(p,t)};if(!(b instanceof _r))throw b;if(u>=ud)throw ps(e.target.name,n.destination,[Lw(l,ud)]);s.line("Another deploy ran in the meantime; inspecting again."),await t.book.end("untouched")}}}i(N2,"carryOut");async function O2(e,t){let n=await $0(e,t);if(n)return n;let{deploys:r,failure:o}=g0(e,[{...t,membership:Iw(t)}]),s=await bw(e,r[0]??t);return await w0(e,t,y0(s,await o()))}i(O2,"activateWithHooks");async function L2(e,t){let[n,r]=await Promise.allSettled([e,t]);if(n.status==="rejected")throw r.status==="fulfilled"&&await r.value[Symbol.asyncDispose](),n.reason;if(r.status==="rejected")throw r.reason;return[n.value,r.value]}i(L2,"both");function A0(e,t,{unreachable:n}){if(!(t instanceof Le||t instanceof en))throw t;return e.failure=t0(t),e.isSkipped=n==="skip"&&Al(t),Al(t)?"unreachable":"failed"}i(A0,"noteFailure");function x0(e,t){for(let n of e)!n.done&&!n.failure&&(n.skipped=t??"the rollout ended")}i(x0,"markSkipped");var Ia=200,gr=10,U2=200*1024,ld=["target","state","sha256","pid","downtime","sent","time"];function co({done:e,failure:t,isSkipped:n}){return t!==void 0&&!n||e!==void 0&&!Sa(e.outcome)}i(co,"isRed");function Ca(e){return e.map(({done:t,...n})=>t?sd(t):{target:n.target,state:"untouched",why:C0(n)})}i(Ca,"entriesOf");async function E0(e,t,n){await t.outputs({...S0(e),"duration-ms":n});let r=[ld,...H2(e).slice(0,Ia).map(F2)],o=e.length>Ia?[`  and ${e.length-Ia} more`]:[],s=I0(e);for(let a of["",...M2(r),...o,`  ${s}`,""])t.log.line(a);if(await t.summary({title:"Deploy to several targets",list:[s],head:ld,rows:r.slice(1)}),e.some(_s)||e.every(({done:a})=>!a))throw z2(e)}i(E0,"reportSeveral");async function k0(e,t,n){throw await t.outputs({...S0([e]),"duration-ms":n}),e.failure}i(k0,"reportFailure");function S0(e){let t=e.flatMap(({done:s})=>s??[]),n=e.filter(({isSkipped:s})=>!s),r=Uc((n.length>0?n:e).map(dd)),o=t.find(({outcome:s})=>s.state===r)??t[0];return{...o&&od(o),state:r,changed:t.some(({outcome:s})=>rd(s.state)),"downtime-ms":Math.max(0,...t.map(({outcome:s})=>s.downtimeMs??0)),"bytes-sent":t.reduce((s,{outcome:a})=>s+a.bytesSent,0),report:D2(e)}}i(S0,"outputsOf");function D2(e){let t=Ca(e),n=Buffer.byteLength(JSON.stringify(t,null,1));if(n<=U2)return t;let r=Object.fromEntries(v0(e)),o=Ca(e.filter(_s).slice(0,gr));return{cut:`the whole report has ${n} bytes; set report-file for it`,targets:e.length,states:r,red:o}}i(D2,"shortReport");function _s(e){return co(e)||e.done===void 0&&!e.isSkipped}i(_s,"isMissed");function H2(e){return e.length<=Ia?[...e]:[...e.filter(_s),...e.filter(t=>!_s(t))]}i(H2,"redFirst");function v0(e){let t=[...Dn,"skipped"],n=i(r=>r.isSkipped?"skipped":dd(r),"nameOf");return t.flatMap(r=>{let o=e.filter(s=>n(s)===r).length;return o>0?[[r,o]]:[]})}i(v0,"countsOf");function I0(e){let t=v0(e).map(([n,r])=>`${r} ${n}`);return`${e.length} targets: ${t.join(", ")}`}i(I0,"countStates");function F2({done:e,...t}){if(!e)return[t.target,"untouched",C0(t)];let n=new Map(id(e));return ld.map(r=>r==="target"?t.target:n.get(r)??"")}i(F2,"rowOf");function C0({failure:e,isSkipped:t,skipped:n}){let r=e?.fields.why.split(`
`)[0]??`not started: ${n}`;return t?`skipped: ${r}`:r}i(C0,"whyNot");function dd({done:e}){return e?.outcome.state??"untouched"}i(dd,"stateOf");function M2(e){let t=(e[0]??[]).map((n,r)=>Math.max(...e.map(o=>o[r]?.length??0)));return e.map(n=>`  ${n.map((r,o)=>r.padEnd(t[o]??0)).join("  ")}`.trimEnd())}i(M2,"aligned");function z2(e){let t=e.flatMap(({target:s,done:a,failure:c})=>{let u=a&&!Sa(a.outcome)&&a.outcome.failed!=="revert-all",l=c??(u?ad(a):void 0);return l?[{target:s,...l.fields}]:[]}),n=t.slice(0,gr).map(({target:s,what:a,why:c})=>`${s}: ${a}: ${c}`);t.length>n.length&&n.push(`and ${t.length-n.length} more`);let r=e.filter(s=>e.length<=gr||_s(s)).slice(0,gr),o=r.map(s=>`${s.target}: ${dd(s)}`);return e.length>r.length&&o.push(I0(e)),new en({what:"Deploying",where:Q2(t.map(({target:s})=>s)),why:n.join(`
`)||"the step was cancelled.",state:o.join(`
`),remedy:t[0]?.remedy??"re-run the job; targets that are already deployed are left as they are.",output:t[0]?.output})}i(z2,"failureOfAll");function Q2(e){let t=e.slice(0,gr).join(", ");return e.length>gr?`${t} and ${e.length-gr} more`:t}i(Q2,"listed");async function R0(e,t){let n=e.find(co);n&&await xa(e,{limit:t,stopped:i(()=>!1,"stopped")},r=>K2(r,n.target))}i(R0,"revertDone");async function K2(e,t){let{done:n,context:r,page:o}=e;if(!n?.undo)return;r.log.line(`${t} failed and revert-all is set: restoring the previous version.`);try{e.host??=await n.reconnect()}catch(l){if(!(l instanceof at))throw l;r.log.warning(`Not reverted, and still running the new version: it could not be reached: ${l.fields.why}`);return}let s=await n.undo(e.host);if(s.state==="untouched"){r.log.line(`Not reverted: ${s.why}.`),await o.end(n.outcome.state);return}let a=`${t} failed and revert-all is set${s.why?`; ${s.why}`:""}`,{downtimeMs:c,bytesSent:u}=n.outcome;n.outcome={...s,failed:"revert-all",why:a,downtimeMs:c,bytesSent:u},await o.end(s.state),r.log.line(`finished: ${s.state}`)}i(K2,"revertOne");function fd({done:e,failure:t,isSkipped:n,skipped:r}){if(e){let{state:o}=e.outcome;return{state:hs(o)?"success":"failure",description:`${o} (${Qt(e.plan.file.sha256)})`}}return t?n?{state:"error",description:"skipped, because it could not be reached"}:{state:"failure",description:"untouched: the deploy was refused or failed before any change"}:r===void 0?void 0:{state:"error",description:"not started"}}i(fd,"statusOf");var Ra=20;async function T0(e,t){var h=[];try{let n=Date.now();for(let y of e.environment)t.log.maskValue(y.slice(y.indexOf("=")+1));for(let y of Zf(e.environment))t.log.warning(`\`environment\`: the quotes around the value of ${y} are part of it; leave them out if they are not meant.`);for(let y of Cs(e.health.headers))t.log.maskValue(y);let r=await eh(e.reportFile,t.log);let o=await Ch(e.hosts,e.rollout);if(o.length===0)return t.log.line(`Shard ${e.rollout.shard} has no target: nothing to do.`),t.outputs({...ka,state:"unchanged"});let s=$p(o,t);let a=tr(h,bh(o,e.status,t),!0);let c=tr(h,gp({wanted:e.transfer,several:o.length>1},t),!0);let u=await j2({inputs:e,context:t,hosts:o,pages:s,transfers:c,statuses:a});try{e.revertAll&&await R0(u,Ra)}finally{await Promise.all(u.map(y=>y.host?.[Symbol.asyncDispose]()));for(let[y,E]of u.entries())a.set(y,fd(E))}let[l]=u;let d=Date.now()-n;await r(Ca(u));u.length>1?await E0(u,t,d):l?.failure?await k0(l,t,d):l?.done&&await n0(l.done,t)}catch(p){var m=p,b=!0}finally{var A=Sr(h,m,b);A&&await A}}i(T0,"deploy");async function j2(e){let{inputs:t,context:n,hosts:r,pages:o}=e,s=t.source===void 0?void 0:Uh(t.source,t.expectStrings,t.sha256);s?.catch(()=>{});let a=r.map((u,l)=>{let d={log:r.length>1?Ir(n.log,u):n.log};return{target:u,page:o[l],context:{...n,...d}}}),c=await Ph(r.length,{policy:vh(t.rollout,r.length),pauseSeconds:t.rollout["pause-seconds"],signal:n.signal,onPause:i(u=>n.log.line(`${G2(u)}; waiting ${t.rollout["pause-seconds"]} s.`),"onPause")},async u=>{let l=a[u],d=await W2(l,r[u],{...e,source:s});return e.statuses.set(u,fd(l)),r.length>Ra&&n.log.line(`${Z2(a)} of ${r.length} targets finished`),d});return x0(a,c),a}i(j2,"deployAll");async function W2(e,t,{inputs:n,hosts:r,transfers:o,source:s}){let a=r.length>Ra?zd(e.context.log):void 0,c=a?{...e.context,log:a.log}:e.context,{user:u,port:l,container:d}=n.connection,h=[u,t,l,d,n.destination].join(" "),p=n.dryRun||n.strategy==="in-place"?void 0:s,m;try{let b={...n.connection,host:t},A=o.to(h,p),y=await b0(b,{inputs:n,context:c,book:e.page,transfers:A,source:s});Object.assign(e,{done:y,target:y.target}),n.revertAll&&y.undo&&r.length<=Ra?e.host=y.host:await y.host[Symbol.asyncDispose]()}catch(b){m=A0(e,b,n.rollout)}return co(e)&&a?.tell(),q2(e,{isOnly:r.length===1}),m??(co(e)?"failed":"proved")}i(W2,"deployOne");function q2({done:e,failure:t,isSkipped:n,context:{log:r}},{isOnly:o}){if(!o)if(n)r.warning(`skipped, because it could not be reached: ${t?.fields.why}`);else if(t)for(let s of qt(t.message))r.line(s);else e&&r.line(`finished: ${e.outcome.state}`)}i(q2,"tellEnd");function Z2(e){return e.filter(({done:t,failure:n})=>t??n).length}i(Z2,"countEnded");function G2(e){let t=e.filter(n=>n!=="waiting");return`${t.length} of ${e.length} targets finished, ${t.filter(n=>n!=="proved").length} of them failed or unreachable`}i(G2,"countLine");var hd={"before-command":$t(),"before-on":an(["target","host"]),"before-timeout-seconds":sn(300,1,86400),"after-command":$t(),"after-timeout-seconds":sn(300,1,86400),"require-url":nt(Ps()),"require-port":mn(1,65535),"require-command":$t()},HF=vn(hd);function P0(e){return e["before-on"]!=="host"?[]:e["before-command"]?e.container?[]:[["before-on","only valid with `container`: otherwise the target is the host"]]:[["before-on","only valid with `before-command`"]]}i(P0,"hookContradictions");function pd(e){let t=[],n,r="";for(let o=0;o<e.length;o+=1){let s=e.charAt(o);if(r==="'")s==="'"?r="":n+=s;else if(s==="\\"){o+=1;let a=e.charAt(o);if(a==="")throw new RangeError("a backslash ends it");if(a===`
`)continue;n=(n??"")+(r==='"'&&!'"\\$`'.includes(a)?`\\${a}`:a)}else r==='"'?s==='"'?r="":n+=s:s==="'"||s==='"'?(r=s,n??=""):` 	
`.includes(s)?(n!==void 0&&t.push(n),n=void 0):n=(n??"")+s}if(r)throw new RangeError(`the quote ${r} is never closed`);return n!==void 0&&t.push(n),t}i(pd,"splitWords");var B0=["auto","process","systemd","command","none"],N0=["TERM","INT","QUIT","HUP","USR1","USR2","WINCH","KILL"],O0={source:$t(),sha256:nt(pt(/^[0-9a-f]{64}$/i,"a sha256 digest of 64 hexadecimal digits")),destination:pt(Br,'an absolute path without ".." or control characters'),owner:nt(pt(Qf,"user, user:group or numbers")),mode:nt(pt(/^0?[0-7]{3,4}$/,"an octal mode such as 0755")),capabilities:nt(pt(/^[a-z0-9_,=+ -]+$/i,"capabilities such as cap_net_bind_service=+ep")),restart:an(B0),service:nt(pt(/^(user:)?[A-Za-z0-9:_.@\\-]+$/,"the name of a unit, or user:NAME")),"stop-command":$t(),"start-command":$t(),"daemon-reload":sr(!1),"stop-signal":on(pt(tC,`one of ${N0.join(", ")}`),"TERM"),"stop-timeout-seconds":sn(10,1,3600),"run-as":nt(pt(Nr,"the name of an account")),args:on(pt(nC,"arguments whose quotes are closed"),""),"working-directory":nt(pt(e=>e==="/"||Br(e),"an absolute path")),environment:qf(),"log-file":nt(pt(Br,"an absolute path")),"health-url":nt(Ps()),"health-status":on(pt(Kf,"status codes and ranges such as 200-399 or 200,204"),"200-399"),"health-contains":$t(),"health-headers":Gf(),"health-port":mn(1,65535),"health-command":$t(),"health-timeout-seconds":sn(60,1,3600),"stable-seconds":Bs(3,0,3600),"expect-strings":Yf()},Y2=vn({...Fs,...O0,...xc,...hd,host:nt(Fs.host),strategy:an(["staged","in-place"]),rollback:sr(!0),"rollback-to":nt(pt(/^(previous|[0-9a-f]{4,64})$/i,"previous or at least 4 digits of a sha256")),"keep-releases":sn(3,0,100),"allow-older":sr(!1),force:sr(!1),transfer:an(["auto","delta","compressed","plain"]),"lock-timeout-seconds":sn(60,0,86400),"revert-all":sr(!1),"dry-run":sr(!1),"report-file":$t(),"status-context":nt(pt(/^[^\s\p{Cc}][^\p{Cc}]{0,99}$/u,"at most 100 characters in one line")),token:$t()}).check(Xf(J2)),YF=vn(O0),L0=zn(Y2,rr(V2));function V2(e){return{...X2(e),hosts:Hs(e.host??""),connection:e,rollout:e,hooks:e,sudo:e.sudo,strategy:e.strategy,rollback:e.rollback,rollbackTo:e["rollback-to"]?.toLowerCase(),keepReleases:e["keep-releases"],allowOlder:e["allow-older"],force:e.force,transfer:e.transfer,lockTimeoutSeconds:e["lock-timeout-seconds"],revertAll:e["revert-all"],dryRun:e["dry-run"],reportFile:e["report-file"],status:{context:e["dry-run"]?void 0:e["status-context"],token:e.token}}}i(V2,"toDeployInputs");function X2(e){let t=e.destination.endsWith("/")?`${e.destination}${e.source?.split("/").at(-1)??""}`:e.destination,[,n="",r=""]=/^(.*)\/([^/]*)$/.exec(t.replace(/\/{2,}/g,"/"))??[];return{source:e.source,sha256:e.sha256?.toLowerCase(),folder:n||"/",name:r,destination:`${n}/${r}`,owner:e.owner,mode:e.mode&&Wf(e.mode),capabilities:e.capabilities,restart:e.restart,service:e.service,stopCommand:e["stop-command"],startCommand:e["start-command"],daemonReload:e["daemon-reload"],stopSignal:U0(e["stop-signal"]),stopTimeoutSeconds:e["stop-timeout-seconds"],runAs:e["run-as"],args:pd(e.args),workingDirectory:e["working-directory"],environment:e.environment,logFile:e["log-file"],health:{url:e["health-url"],status:e["health-status"].replace(/\s/g,""),contains:e["health-contains"],headers:e["health-headers"],port:e["health-port"],command:e["health-command"],timeoutSeconds:e["health-timeout-seconds"],stableSeconds:e["stable-seconds"]},expectStrings:e["expect-strings"]}}i(X2,"toProgram");function J2(e){let t=[...Sh(e),...P0(e)];return!e.host&&!e["hosts-file"]&&t.push(["host","required, but not set"]),e.sha256&&!e.source&&t.push(["sha256","only valid with `source`, whose digest it is"]),!e.source&&!e["rollback-to"]&&t.push(["source","required, unless `rollback-to` is set"]),e.source&&e["rollback-to"]&&t.push(["rollback-to","cannot be combined with `source`: it activates a kept release"]),e.destination?.endsWith("/")&&!e.source&&t.push(["destination","must name the file itself if there is no `source`"]),e["revert-all"]===!0&&e["keep-releases"]===0&&t.push(["keep-releases","must be 1 or more with `revert-all`, which restores the previous release"]),[...t,...eC(e)]}i(J2,"contradictions");function eC(e){let t=B0.find(r=>r===e.restart),n=[];t==="command"&&!e["start-command"]&&n.push(["start-command","required with `restart: command`"]),t&&t!=="command"&&(e["start-command"]||e["stop-command"])&&n.push([e["start-command"]?"start-command":"stop-command","only valid with `restart: command`"]),e.service&&t&&!["auto","systemd"].includes(t)&&n.push(["service","only valid with `restart: systemd` or `restart: auto`"]);for(let r of["health-contains","health-headers"])!e["health-url"]&&(e[r]?.length??0)>0&&n.push([r,"only valid with `health-url`"]);if(e.restart==="none")for(let r of["health-url","health-port","health-command"])e[r]&&n.push([r,"has no effect with `restart: none`, which starts nothing"]);for(let[r,o]of(e.environment??[]).entries())/^[A-Za-z_][A-Za-z0-9_]*=/.test(o)||n.push(["environment",`line ${r+1} must be KEY=VALUE with a name a shell can export`]);return n}i(eC,"programContradictions");function tC(e){return N0.includes(U0(e))}i(tC,"isSignal");function U0(e){return e.toUpperCase().replace(/^SIG/,"")}i(U0,"signalName");function nC(e){try{return pd(e),!e.includes("\0")}catch{return!1}}i(nC,"isSplittable");async function D0(e,t,n){let r=JSON.parse(e("begun")||"[]");if(r.length===0)return;let{log:o}=n;o.line("The main step was stopped during a deploy. The target will finish it on its own, as active or rolled-back.");let s=oC(t);if(!s){let c=Math.max(...r.map(u=>u.limitSeconds));o.line(`This runner passes no inputs to post steps, so the target can't be queried. It will finish within ${c} s; check with verify-deploy.`);return}let a=r.length===1;await Promise.all(r.map(c=>{let u=a?n:{...n,log:Ir(o,c.host)};return rC(c,{inputs:s,connection:{...s.connection,host:c.host}},u)}))}i(D0,"reportInterrupted");async function rC({id:e,sudo:t,limitSeconds:n},{inputs:r,connection:o},s){let{log:a,signal:c}=s,u=i(()=>da(o,s),"reconnect");try{let{state:l,pid:d,why:h}=await _a({inputs:r,log:a,signal:c,sudo:t,limitSeconds:n,reconnect:u},e);a.line(`Finished: ${l}${d?`, pid ${d}`:""}${h?`: ${h}`:""}.`)}catch(l){let d=l instanceof at?l.message:"The transaction was killed on the target; the next deploy restores the previous version.";for(let h of qt(d))a.line(h)}}i(rC,"followInterrupted");function oC(e){try{return e()}catch(t){if(t instanceof zt)return;throw t}}i(oC,"inputsOf");Yd({schema:L0,main:T0,outputs:ka,post:D0});
