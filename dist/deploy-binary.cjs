"use strict";var bp=Object.create;var Ko=Object.defineProperty;var wp=Object.getOwnPropertyDescriptor;var xp=Object.getOwnPropertyNames;var Ep=Object.getPrototypeOf,$p=Object.prototype.hasOwnProperty;var Pc=(e,n)=>(n=Symbol[e])?n:Symbol.for("Symbol."+e),Tc=e=>{throw TypeError(e)};var c=(e,n)=>Ko(e,"name",{value:n,configurable:!0});var ze=(e,n)=>()=>{try{return n||e((n={exports:{}}).exports,n),n.exports}catch(t){throw n=0,t}};var kp=(e,n,t,r)=>{if(n&&typeof n=="object"||typeof n=="function")for(let i of xp(n))!$p.call(e,i)&&i!==t&&Ko(e,i,{get:()=>n[i],enumerable:!(r=wp(n,i))||r.enumerable});return e};var _t=(e,n,t)=>(t=e!=null?bp(Ep(e)):{},kp(n||!e||!e.__esModule?Ko(t,"default",{value:e,enumerable:!0}):t,e));var Nc=Uint8Array.fromBase64||(e=>new Uint8Array(Buffer.from(e,"base64")));var jn=(e,n,t)=>{if(n!=null){typeof n!="object"&&typeof n!="function"&&Tc("Object expected");var r,i;t&&(r=n[Pc("asyncDispose")]),r===void 0&&(r=n[Pc("dispose")],t&&(i=r)),typeof r!="function"&&Tc("Object not disposable"),i&&(r=function(){try{i.call(this)}catch(o){return Promise.reject(o)}}),e.push([t,r,n])}else t&&e.push([t]);return n},Gn=(e,n,t)=>{var r=typeof SuppressedError=="function"?SuppressedError:function(s,a,u,l){return l=Error(u),l.name="SuppressedError",l.error=s,l.suppressed=a,l},i=s=>n=t?new r(s,n,"An error was suppressed during disposal"):(t=!0,s),o=s=>{for(;s=e.pop();)try{var a=s[1]&&s[1].call(s[2]);if(s[0])return Promise.resolve(a).then(o,u=>(i(u),o()))}catch(u){i(u)}if(t)throw n};return o()};var Hc=ze(Dc=>{Dc.HttpClient=class{}});var Fc=ze(zc=>{zc.BearerCredentialHandler=class{}});var qu=ze((Lx,Gu)=>{"use strict";var qt=c(e=>e!==null&&typeof e=="object"&&typeof e.pipe=="function","isStream");qt.writable=e=>qt(e)&&e.writable!==!1&&typeof e._write=="function"&&typeof e._writableState=="object";qt.readable=e=>qt(e)&&e.readable!==!1&&typeof e._read=="function"&&typeof e._readableState=="object";qt.duplex=e=>qt.writable(e)&&qt.readable(e);qt.transform=e=>qt.duplex(e)&&typeof e._transform=="function";Gu.exports=qt});var Yu=ze(()=>{});var Xu=ze(()=>{});var Ju=ze((Qx,Vu)=>{Vu.exports=ig;function ig(e){var n=[];return e.forEach(function(t){/^[A-Za-z0-9_\/-]+$/.test(t)||(t="'"+t.replace(/'/g,"'\\''")+"'",t=t.replace(/^(?:'')+/g,"").replace(/\\'''/g,"\\'")),n.push(t)}),n.join(" ")}c(ig,"shellescape")});var Ri=ze((Kx,ef)=>{ef.exports={newInvalidAsn1Error:c(function(e){var n=new Error;return n.name="InvalidAsn1Error",n.message=e||"",n},"newInvalidAsn1Error")}});var Pi=ze((Zx,tf)=>{tf.exports={EOC:0,Boolean:1,Integer:2,BitString:3,OctetString:4,Null:5,OID:6,ObjectDescriptor:7,External:8,Real:9,Enumeration:10,PDV:11,Utf8String:12,RelativeOID:13,Sequence:16,Set:17,NumericString:18,PrintableString:19,T61String:20,VideotexString:21,IA5String:22,UTCTime:23,GeneralizedTime:24,GraphicString:25,VisibleString:26,GeneralString:28,UniversalString:29,CharacterString:30,BMPString:31,Constructor:32,Context:128}});var ms=ze((jx,nf)=>{"use strict";var Ti=require("buffer"),Xn=Ti.Buffer,Ut={},Dt;for(Dt in Ti)Ti.hasOwnProperty(Dt)&&(Dt==="SlowBuffer"||Dt==="Buffer"||(Ut[Dt]=Ti[Dt]));var Vn=Ut.Buffer={};for(Dt in Xn)Xn.hasOwnProperty(Dt)&&(Dt==="allocUnsafe"||Dt==="allocUnsafeSlow"||(Vn[Dt]=Xn[Dt]));Ut.Buffer.prototype=Xn.prototype;(!Vn.from||Vn.from===Uint8Array.from)&&(Vn.from=function(e,n,t){if(typeof e=="number")throw new TypeError('The "value" argument must not be of type number. Received type '+typeof e);if(e&&typeof e.length>"u")throw new TypeError("The first argument must be one of type string, Buffer, ArrayBuffer, Array, or Array-like Object. Received type "+typeof e);return Xn(e,n,t)});Vn.alloc||(Vn.alloc=function(e,n,t){if(typeof e!="number")throw new TypeError('The "size" argument must be of type number. Received type '+typeof e);if(e<0||e>=2*(1<<30))throw new RangeError('The value "'+e+'" is invalid for option "size"');var r=Xn(e);return!n||n.length===0?r.fill(0):typeof t=="string"?r.fill(n,t):r.fill(n),r});if(!Ut.kStringMaxLength)try{Ut.kStringMaxLength=process.binding("buffer").kStringMaxLength}catch{}Ut.constants||(Ut.constants={MAX_LENGTH:Ut.kMaxLength},Ut.kStringMaxLength&&(Ut.constants.MAX_STRING_LENGTH=Ut.kStringMaxLength));nf.exports=Ut});var sf=ze((Gx,of)=>{var og=require("assert"),rf=ms().Buffer,Dr=Pi(),sg=Ri(),Jn=sg.newInvalidAsn1Error;function Bt(e){if(!e||!rf.isBuffer(e))throw new TypeError("data must be a node Buffer");this._buf=e,this._size=e.length,this._len=0,this._offset=0}c(Bt,"Reader");Object.defineProperty(Bt.prototype,"length",{enumerable:!0,get:c(function(){return this._len},"get")});Object.defineProperty(Bt.prototype,"offset",{enumerable:!0,get:c(function(){return this._offset},"get")});Object.defineProperty(Bt.prototype,"remain",{get:c(function(){return this._size-this._offset},"get")});Object.defineProperty(Bt.prototype,"buffer",{get:c(function(){return this._buf.slice(this._offset)},"get")});Bt.prototype.readByte=function(e){if(this._size-this._offset<1)return null;var n=this._buf[this._offset]&255;return e||(this._offset+=1),n};Bt.prototype.peek=function(){return this.readByte(!0)};Bt.prototype.readLength=function(e){if(e===void 0&&(e=this._offset),e>=this._size)return null;var n=this._buf[e++]&255;if(n===null)return null;if((n&128)===128){if(n&=127,n===0)throw Jn("Indefinite length not supported");if(n>4)throw Jn("encoding too long");if(this._size-e<n)return null;this._len=0;for(var t=0;t<n;t++)this._len=(this._len<<8)+(this._buf[e++]&255)}else this._len=n;return e};Bt.prototype.readSequence=function(e){var n=this.peek();if(n===null)return null;if(e!==void 0&&e!==n)throw Jn("Expected 0x"+e.toString(16)+": got 0x"+n.toString(16));var t=this.readLength(this._offset+1);return t===null?null:(this._offset=t,n)};Bt.prototype.readInt=function(){return this._readTag(Dr.Integer)};Bt.prototype.readBoolean=function(){return this._readTag(Dr.Boolean)!==0};Bt.prototype.readEnumeration=function(){return this._readTag(Dr.Enumeration)};Bt.prototype.readString=function(e,n){e||(e=Dr.OctetString);var t=this.peek();if(t===null)return null;if(t!==e)throw Jn("Expected 0x"+e.toString(16)+": got 0x"+t.toString(16));var r=this.readLength(this._offset+1);if(r===null||this.length>this._size-r)return null;if(this._offset=r,this.length===0)return n?rf.alloc(0):"";var i=this._buf.slice(this._offset,this._offset+this.length);return this._offset+=this.length,n?i:i.toString("utf8")};Bt.prototype.readOID=function(e){e||(e=Dr.OID);var n=this.readString(e,!0);if(n===null)return null;for(var t=[],r=0,i=0;i<n.length;i++){var o=n[i]&255;r<<=7,r+=o&127,(o&128)===0&&(t.push(r),r=0)}return r=t.shift(),t.unshift(r%40),t.unshift(r/40>>0),t.join(".")};Bt.prototype._readTag=function(e){og.ok(e!==void 0);var n=this.peek();if(n===null)return null;if(n!==e)throw Jn("Expected 0x"+e.toString(16)+": got 0x"+n.toString(16));var t=this.readLength(this._offset+1);if(t===null)return null;if(this.length>4)throw Jn("Integer too long: "+this.length);if(this.length>this._size-t)return null;this._offset=t;for(var r=this._buf[this._offset],i=0,o=0;o<this.length;o++)i<<=8,i|=this._buf[this._offset++]&255;return(r&128)===128&&o!==4&&(i-=1<<o*8),i>>0};of.exports=Bt});var cf=ze((Yx,af)=>{var _n=require("assert"),Ni=ms().Buffer,gn=Pi(),ag=Ri(),Oi=ag.newInvalidAsn1Error,cg={size:1024,growthFactor:8};function ug(e,n){_n.ok(e),_n.equal(typeof e,"object"),_n.ok(n),_n.equal(typeof n,"object");var t=Object.getOwnPropertyNames(e);return t.forEach(function(r){if(!n[r]){var i=Object.getOwnPropertyDescriptor(e,r);Object.defineProperty(n,r,i)}}),n}c(ug,"merge");function kt(e){e=ug(cg,e||{}),this._buf=Ni.alloc(e.size||1024),this._size=this._buf.length,this._offset=0,this._options=e,this._seq=[]}c(kt,"Writer");Object.defineProperty(kt.prototype,"buffer",{get:c(function(){if(this._seq.length)throw Oi(this._seq.length+" unended sequence(s)");return this._buf.slice(0,this._offset)},"get")});kt.prototype.writeByte=function(e){if(typeof e!="number")throw new TypeError("argument must be a Number");this._ensure(1),this._buf[this._offset++]=e};kt.prototype.writeInt=function(e,n){if(typeof e!="number")throw new TypeError("argument must be a Number");typeof n!="number"&&(n=gn.Integer);for(var t=4;((e&4286578688)===0||(e&4286578688)===-8388608)&&t>1;)t--,e<<=8;if(t>4)throw Oi("BER ints cannot be > 0xffffffff");for(this._ensure(2+t),this._buf[this._offset++]=n,this._buf[this._offset++]=t;t-- >0;)this._buf[this._offset++]=(e&4278190080)>>>24,e<<=8};kt.prototype.writeNull=function(){this.writeByte(gn.Null),this.writeByte(0)};kt.prototype.writeEnumeration=function(e,n){if(typeof e!="number")throw new TypeError("argument must be a Number");return typeof n!="number"&&(n=gn.Enumeration),this.writeInt(e,n)};kt.prototype.writeBoolean=function(e,n){if(typeof e!="boolean")throw new TypeError("argument must be a Boolean");typeof n!="number"&&(n=gn.Boolean),this._ensure(3),this._buf[this._offset++]=n,this._buf[this._offset++]=1,this._buf[this._offset++]=e?255:0};kt.prototype.writeString=function(e,n){if(typeof e!="string")throw new TypeError("argument must be a string (was: "+typeof e+")");typeof n!="number"&&(n=gn.OctetString);var t=Ni.byteLength(e);this.writeByte(n),this.writeLength(t),t&&(this._ensure(t),this._buf.write(e,this._offset),this._offset+=t)};kt.prototype.writeBuffer=function(e,n){if(typeof n!="number")throw new TypeError("tag must be a number");if(!Ni.isBuffer(e))throw new TypeError("argument must be a buffer");this.writeByte(n),this.writeLength(e.length),this._ensure(e.length),e.copy(this._buf,this._offset,0,e.length),this._offset+=e.length};kt.prototype.writeStringArray=function(e){if(!e instanceof Array)throw new TypeError("argument must be an Array[String]");var n=this;e.forEach(function(t){n.writeString(t)})};kt.prototype.writeOID=function(e,n){if(typeof e!="string")throw new TypeError("argument must be a string");if(typeof n!="number"&&(n=gn.OID),!/^([0-9]+\.){3,}[0-9]+$/.test(e))throw new Error("argument is not a valid OID string");function t(s,a){a<128?s.push(a):a<16384?(s.push(a>>>7|128),s.push(a&127)):a<2097152?(s.push(a>>>14|128),s.push((a>>>7|128)&255),s.push(a&127)):a<268435456?(s.push(a>>>21|128),s.push((a>>>14|128)&255),s.push((a>>>7|128)&255),s.push(a&127)):(s.push((a>>>28|128)&255),s.push((a>>>21|128)&255),s.push((a>>>14|128)&255),s.push((a>>>7|128)&255),s.push(a&127))}c(t,"encodeOctet");var r=e.split("."),i=[];i.push(parseInt(r[0],10)*40+parseInt(r[1],10)),r.slice(2).forEach(function(s){t(i,parseInt(s,10))});var o=this;this._ensure(2+i.length),this.writeByte(n),this.writeLength(i.length),i.forEach(function(s){o.writeByte(s)})};kt.prototype.writeLength=function(e){if(typeof e!="number")throw new TypeError("argument must be a Number");if(this._ensure(4),e<=127)this._buf[this._offset++]=e;else if(e<=255)this._buf[this._offset++]=129,this._buf[this._offset++]=e;else if(e<=65535)this._buf[this._offset++]=130,this._buf[this._offset++]=e>>8,this._buf[this._offset++]=e;else if(e<=16777215)this._buf[this._offset++]=131,this._buf[this._offset++]=e>>16,this._buf[this._offset++]=e>>8,this._buf[this._offset++]=e;else throw Oi("Length too long (> 4 bytes)")};kt.prototype.startSequence=function(e){typeof e!="number"&&(e=gn.Sequence|gn.Constructor),this.writeByte(e),this._seq.push(this._offset),this._ensure(3),this._offset+=3};kt.prototype.endSequence=function(){var e=this._seq.pop(),n=e+3,t=this._offset-n;if(t<=127)this._shift(n,t,-2),this._buf[e]=t;else if(t<=255)this._shift(n,t,-1),this._buf[e]=129,this._buf[e+1]=t;else if(t<=65535)this._buf[e]=130,this._buf[e+1]=t>>8,this._buf[e+2]=t;else if(t<=16777215)this._shift(n,t,1),this._buf[e]=131,this._buf[e+1]=t>>16,this._buf[e+2]=t>>8,this._buf[e+3]=t;else throw Oi("Sequence too long")};kt.prototype._shift=function(e,n,t){_n.ok(e!==void 0),_n.ok(n!==void 0),_n.ok(t),this._buf.copy(this._buf,e+t,e,e+n),this._offset+=t};kt.prototype._ensure=function(e){if(_n.ok(e),this._size-this._offset<e){var n=this._size*this._options.growthFactor;n-this._offset<e&&(n+=e);var t=Ni.alloc(n);this._buf.copy(t,0,0,this._offset),this._buf=t,this._size=n}};af.exports=kt});var uf=ze((Vx,Di)=>{var As=Ri(),ys=Pi(),fg=sf(),lg=cf();Di.exports={Reader:fg,Writer:lg};for(Li in ys)ys.hasOwnProperty(Li)&&(Di.exports[Li]=ys[Li]);var Li;for(Ui in As)As.hasOwnProperty(Ui)&&(Di.exports[Ui]=As[Ui]);var Ui});var Hi=ze((Jx,ff)=>{var bs=uf();ff.exports={Ber:bs,BerReader:bs.Reader,BerWriter:bs.Writer}});var lf=ze((eE,zi)=>{(function(e){"use strict";var n=c(function(p){var m,g=new Float64Array(16);if(p)for(m=0;m<p.length;m++)g[m]=p[m];return g},"gf"),t=c(function(){throw new Error("no PRNG")},"randombytes"),r=new Uint8Array(16),i=new Uint8Array(32);i[0]=9;var o=n(),s=n([1]),a=n([56129,1]),u=n([30883,4953,19914,30187,55467,16705,2637,112,59544,30585,16505,36039,65139,11119,27886,20995]),l=n([61785,9906,39828,60374,45398,33411,5274,224,53552,61171,33010,6542,64743,22239,55772,9222]),d=n([54554,36645,11616,51542,42930,38181,51040,26924,56412,64982,57905,49316,21502,52590,14035,8553]),h=n([26200,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214]),_=n([41136,18958,6951,50414,58488,44335,6150,12099,55207,15867,153,11085,57099,20417,9344,11139]);function A(p,m,g,f){p[m]=g>>24&255,p[m+1]=g>>16&255,p[m+2]=g>>8&255,p[m+3]=g&255,p[m+4]=f>>24&255,p[m+5]=f>>16&255,p[m+6]=f>>8&255,p[m+7]=f&255}c(A,"ts64");function x(p,m,g,f,y){var k,v=0;for(k=0;k<y;k++)v|=p[m+k]^g[f+k];return(1&v-1>>>8)-1}c(x,"vn");function b(p,m,g,f){return x(p,m,g,f,16)}c(b,"crypto_verify_16");function E(p,m,g,f){return x(p,m,g,f,32)}c(E,"crypto_verify_32");function I(p,m,g,f){for(var y=f[0]&255|(f[1]&255)<<8|(f[2]&255)<<16|(f[3]&255)<<24,k=g[0]&255|(g[1]&255)<<8|(g[2]&255)<<16|(g[3]&255)<<24,v=g[4]&255|(g[5]&255)<<8|(g[6]&255)<<16|(g[7]&255)<<24,H=g[8]&255|(g[9]&255)<<8|(g[10]&255)<<16|(g[11]&255)<<24,W=g[12]&255|(g[13]&255)<<8|(g[14]&255)<<16|(g[15]&255)<<24,ne=f[4]&255|(f[5]&255)<<8|(f[6]&255)<<16|(f[7]&255)<<24,X=m[0]&255|(m[1]&255)<<8|(m[2]&255)<<16|(m[3]&255)<<24,Ke=m[4]&255|(m[5]&255)<<8|(m[6]&255)<<16|(m[7]&255)<<24,te=m[8]&255|(m[9]&255)<<8|(m[10]&255)<<16|(m[11]&255)<<24,ke=m[12]&255|(m[13]&255)<<8|(m[14]&255)<<16|(m[15]&255)<<24,Se=f[8]&255|(f[9]&255)<<8|(f[10]&255)<<16|(f[11]&255)<<24,Re=g[16]&255|(g[17]&255)<<8|(g[18]&255)<<16|(g[19]&255)<<24,Be=g[20]&255|(g[21]&255)<<8|(g[22]&255)<<16|(g[23]&255)<<24,Ie=g[24]&255|(g[25]&255)<<8|(g[26]&255)<<16|(g[27]&255)<<24,Ce=g[28]&255|(g[29]&255)<<8|(g[30]&255)<<16|(g[31]&255)<<24,ve=f[12]&255|(f[13]&255)<<8|(f[14]&255)<<16|(f[15]&255)<<24,re=y,he=k,ee=v,oe=H,ae=W,Y=ne,B=X,R=Ke,Q=te,D=ke,z=Se,K=Re,be=Be,Pe=Ie,Ne=Ce,Te=ve,w,Le=0;Le<20;Le+=2)w=re+be|0,ae^=w<<7|w>>>25,w=ae+re|0,Q^=w<<9|w>>>23,w=Q+ae|0,be^=w<<13|w>>>19,w=be+Q|0,re^=w<<18|w>>>14,w=Y+he|0,D^=w<<7|w>>>25,w=D+Y|0,Pe^=w<<9|w>>>23,w=Pe+D|0,he^=w<<13|w>>>19,w=he+Pe|0,Y^=w<<18|w>>>14,w=z+B|0,Ne^=w<<7|w>>>25,w=Ne+z|0,ee^=w<<9|w>>>23,w=ee+Ne|0,B^=w<<13|w>>>19,w=B+ee|0,z^=w<<18|w>>>14,w=Te+K|0,oe^=w<<7|w>>>25,w=oe+Te|0,R^=w<<9|w>>>23,w=R+oe|0,K^=w<<13|w>>>19,w=K+R|0,Te^=w<<18|w>>>14,w=re+oe|0,he^=w<<7|w>>>25,w=he+re|0,ee^=w<<9|w>>>23,w=ee+he|0,oe^=w<<13|w>>>19,w=oe+ee|0,re^=w<<18|w>>>14,w=Y+ae|0,B^=w<<7|w>>>25,w=B+Y|0,R^=w<<9|w>>>23,w=R+B|0,ae^=w<<13|w>>>19,w=ae+R|0,Y^=w<<18|w>>>14,w=z+D|0,K^=w<<7|w>>>25,w=K+z|0,Q^=w<<9|w>>>23,w=Q+K|0,D^=w<<13|w>>>19,w=D+Q|0,z^=w<<18|w>>>14,w=Te+Ne|0,be^=w<<7|w>>>25,w=be+Te|0,Pe^=w<<9|w>>>23,w=Pe+be|0,Ne^=w<<13|w>>>19,w=Ne+Pe|0,Te^=w<<18|w>>>14;re=re+y|0,he=he+k|0,ee=ee+v|0,oe=oe+H|0,ae=ae+W|0,Y=Y+ne|0,B=B+X|0,R=R+Ke|0,Q=Q+te|0,D=D+ke|0,z=z+Se|0,K=K+Re|0,be=be+Be|0,Pe=Pe+Ie|0,Ne=Ne+Ce|0,Te=Te+ve|0,p[0]=re>>>0&255,p[1]=re>>>8&255,p[2]=re>>>16&255,p[3]=re>>>24&255,p[4]=he>>>0&255,p[5]=he>>>8&255,p[6]=he>>>16&255,p[7]=he>>>24&255,p[8]=ee>>>0&255,p[9]=ee>>>8&255,p[10]=ee>>>16&255,p[11]=ee>>>24&255,p[12]=oe>>>0&255,p[13]=oe>>>8&255,p[14]=oe>>>16&255,p[15]=oe>>>24&255,p[16]=ae>>>0&255,p[17]=ae>>>8&255,p[18]=ae>>>16&255,p[19]=ae>>>24&255,p[20]=Y>>>0&255,p[21]=Y>>>8&255,p[22]=Y>>>16&255,p[23]=Y>>>24&255,p[24]=B>>>0&255,p[25]=B>>>8&255,p[26]=B>>>16&255,p[27]=B>>>24&255,p[28]=R>>>0&255,p[29]=R>>>8&255,p[30]=R>>>16&255,p[31]=R>>>24&255,p[32]=Q>>>0&255,p[33]=Q>>>8&255,p[34]=Q>>>16&255,p[35]=Q>>>24&255,p[36]=D>>>0&255,p[37]=D>>>8&255,p[38]=D>>>16&255,p[39]=D>>>24&255,p[40]=z>>>0&255,p[41]=z>>>8&255,p[42]=z>>>16&255,p[43]=z>>>24&255,p[44]=K>>>0&255,p[45]=K>>>8&255,p[46]=K>>>16&255,p[47]=K>>>24&255,p[48]=be>>>0&255,p[49]=be>>>8&255,p[50]=be>>>16&255,p[51]=be>>>24&255,p[52]=Pe>>>0&255,p[53]=Pe>>>8&255,p[54]=Pe>>>16&255,p[55]=Pe>>>24&255,p[56]=Ne>>>0&255,p[57]=Ne>>>8&255,p[58]=Ne>>>16&255,p[59]=Ne>>>24&255,p[60]=Te>>>0&255,p[61]=Te>>>8&255,p[62]=Te>>>16&255,p[63]=Te>>>24&255}c(I,"core_salsa20");function P(p,m,g,f){for(var y=f[0]&255|(f[1]&255)<<8|(f[2]&255)<<16|(f[3]&255)<<24,k=g[0]&255|(g[1]&255)<<8|(g[2]&255)<<16|(g[3]&255)<<24,v=g[4]&255|(g[5]&255)<<8|(g[6]&255)<<16|(g[7]&255)<<24,H=g[8]&255|(g[9]&255)<<8|(g[10]&255)<<16|(g[11]&255)<<24,W=g[12]&255|(g[13]&255)<<8|(g[14]&255)<<16|(g[15]&255)<<24,ne=f[4]&255|(f[5]&255)<<8|(f[6]&255)<<16|(f[7]&255)<<24,X=m[0]&255|(m[1]&255)<<8|(m[2]&255)<<16|(m[3]&255)<<24,Ke=m[4]&255|(m[5]&255)<<8|(m[6]&255)<<16|(m[7]&255)<<24,te=m[8]&255|(m[9]&255)<<8|(m[10]&255)<<16|(m[11]&255)<<24,ke=m[12]&255|(m[13]&255)<<8|(m[14]&255)<<16|(m[15]&255)<<24,Se=f[8]&255|(f[9]&255)<<8|(f[10]&255)<<16|(f[11]&255)<<24,Re=g[16]&255|(g[17]&255)<<8|(g[18]&255)<<16|(g[19]&255)<<24,Be=g[20]&255|(g[21]&255)<<8|(g[22]&255)<<16|(g[23]&255)<<24,Ie=g[24]&255|(g[25]&255)<<8|(g[26]&255)<<16|(g[27]&255)<<24,Ce=g[28]&255|(g[29]&255)<<8|(g[30]&255)<<16|(g[31]&255)<<24,ve=f[12]&255|(f[13]&255)<<8|(f[14]&255)<<16|(f[15]&255)<<24,re=y,he=k,ee=v,oe=H,ae=W,Y=ne,B=X,R=Ke,Q=te,D=ke,z=Se,K=Re,be=Be,Pe=Ie,Ne=Ce,Te=ve,w,Le=0;Le<20;Le+=2)w=re+be|0,ae^=w<<7|w>>>25,w=ae+re|0,Q^=w<<9|w>>>23,w=Q+ae|0,be^=w<<13|w>>>19,w=be+Q|0,re^=w<<18|w>>>14,w=Y+he|0,D^=w<<7|w>>>25,w=D+Y|0,Pe^=w<<9|w>>>23,w=Pe+D|0,he^=w<<13|w>>>19,w=he+Pe|0,Y^=w<<18|w>>>14,w=z+B|0,Ne^=w<<7|w>>>25,w=Ne+z|0,ee^=w<<9|w>>>23,w=ee+Ne|0,B^=w<<13|w>>>19,w=B+ee|0,z^=w<<18|w>>>14,w=Te+K|0,oe^=w<<7|w>>>25,w=oe+Te|0,R^=w<<9|w>>>23,w=R+oe|0,K^=w<<13|w>>>19,w=K+R|0,Te^=w<<18|w>>>14,w=re+oe|0,he^=w<<7|w>>>25,w=he+re|0,ee^=w<<9|w>>>23,w=ee+he|0,oe^=w<<13|w>>>19,w=oe+ee|0,re^=w<<18|w>>>14,w=Y+ae|0,B^=w<<7|w>>>25,w=B+Y|0,R^=w<<9|w>>>23,w=R+B|0,ae^=w<<13|w>>>19,w=ae+R|0,Y^=w<<18|w>>>14,w=z+D|0,K^=w<<7|w>>>25,w=K+z|0,Q^=w<<9|w>>>23,w=Q+K|0,D^=w<<13|w>>>19,w=D+Q|0,z^=w<<18|w>>>14,w=Te+Ne|0,be^=w<<7|w>>>25,w=be+Te|0,Pe^=w<<9|w>>>23,w=Pe+be|0,Ne^=w<<13|w>>>19,w=Ne+Pe|0,Te^=w<<18|w>>>14;p[0]=re>>>0&255,p[1]=re>>>8&255,p[2]=re>>>16&255,p[3]=re>>>24&255,p[4]=Y>>>0&255,p[5]=Y>>>8&255,p[6]=Y>>>16&255,p[7]=Y>>>24&255,p[8]=z>>>0&255,p[9]=z>>>8&255,p[10]=z>>>16&255,p[11]=z>>>24&255,p[12]=Te>>>0&255,p[13]=Te>>>8&255,p[14]=Te>>>16&255,p[15]=Te>>>24&255,p[16]=B>>>0&255,p[17]=B>>>8&255,p[18]=B>>>16&255,p[19]=B>>>24&255,p[20]=R>>>0&255,p[21]=R>>>8&255,p[22]=R>>>16&255,p[23]=R>>>24&255,p[24]=Q>>>0&255,p[25]=Q>>>8&255,p[26]=Q>>>16&255,p[27]=Q>>>24&255,p[28]=D>>>0&255,p[29]=D>>>8&255,p[30]=D>>>16&255,p[31]=D>>>24&255}c(P,"core_hsalsa20");function M(p,m,g,f){I(p,m,g,f)}c(M,"crypto_core_salsa20");function O(p,m,g,f){P(p,m,g,f)}c(O,"crypto_core_hsalsa20");var G=new Uint8Array([101,120,112,97,110,100,32,51,50,45,98,121,116,101,32,107]);function _e(p,m,g,f,y,k,v){var H=new Uint8Array(16),W=new Uint8Array(64),ne,X;for(X=0;X<16;X++)H[X]=0;for(X=0;X<8;X++)H[X]=k[X];for(;y>=64;){for(M(W,H,v,G),X=0;X<64;X++)p[m+X]=g[f+X]^W[X];for(ne=1,X=8;X<16;X++)ne=ne+(H[X]&255)|0,H[X]=ne&255,ne>>>=8;y-=64,m+=64,f+=64}if(y>0)for(M(W,H,v,G),X=0;X<y;X++)p[m+X]=g[f+X]^W[X];return 0}c(_e,"crypto_stream_salsa20_xor");function le(p,m,g,f,y){var k=new Uint8Array(16),v=new Uint8Array(64),H,W;for(W=0;W<16;W++)k[W]=0;for(W=0;W<8;W++)k[W]=f[W];for(;g>=64;){for(M(v,k,y,G),W=0;W<64;W++)p[m+W]=v[W];for(H=1,W=8;W<16;W++)H=H+(k[W]&255)|0,k[W]=H&255,H>>>=8;g-=64,m+=64}if(g>0)for(M(v,k,y,G),W=0;W<g;W++)p[m+W]=v[W];return 0}c(le,"crypto_stream_salsa20");function L(p,m,g,f,y){var k=new Uint8Array(32);O(k,f,y,G);for(var v=new Uint8Array(8),H=0;H<8;H++)v[H]=f[H+16];return le(p,m,g,v,k)}c(L,"crypto_stream");function Z(p,m,g,f,y,k,v){var H=new Uint8Array(32);O(H,k,v,G);for(var W=new Uint8Array(8),ne=0;ne<8;ne++)W[ne]=k[ne+16];return _e(p,m,g,f,y,W,H)}c(Z,"crypto_stream_xor");var V=c(function(p){this.buffer=new Uint8Array(16),this.r=new Uint16Array(10),this.h=new Uint16Array(10),this.pad=new Uint16Array(8),this.leftover=0,this.fin=0;var m,g,f,y,k,v,H,W;m=p[0]&255|(p[1]&255)<<8,this.r[0]=m&8191,g=p[2]&255|(p[3]&255)<<8,this.r[1]=(m>>>13|g<<3)&8191,f=p[4]&255|(p[5]&255)<<8,this.r[2]=(g>>>10|f<<6)&7939,y=p[6]&255|(p[7]&255)<<8,this.r[3]=(f>>>7|y<<9)&8191,k=p[8]&255|(p[9]&255)<<8,this.r[4]=(y>>>4|k<<12)&255,this.r[5]=k>>>1&8190,v=p[10]&255|(p[11]&255)<<8,this.r[6]=(k>>>14|v<<2)&8191,H=p[12]&255|(p[13]&255)<<8,this.r[7]=(v>>>11|H<<5)&8065,W=p[14]&255|(p[15]&255)<<8,this.r[8]=(H>>>8|W<<8)&8191,this.r[9]=W>>>5&127,this.pad[0]=p[16]&255|(p[17]&255)<<8,this.pad[1]=p[18]&255|(p[19]&255)<<8,this.pad[2]=p[20]&255|(p[21]&255)<<8,this.pad[3]=p[22]&255|(p[23]&255)<<8,this.pad[4]=p[24]&255|(p[25]&255)<<8,this.pad[5]=p[26]&255|(p[27]&255)<<8,this.pad[6]=p[28]&255|(p[29]&255)<<8,this.pad[7]=p[30]&255|(p[31]&255)<<8},"poly1305");V.prototype.blocks=function(p,m,g){for(var f=this.fin?0:2048,y,k,v,H,W,ne,X,Ke,te,ke,Se,Re,Be,Ie,Ce,ve,re,he,ee,oe=this.h[0],ae=this.h[1],Y=this.h[2],B=this.h[3],R=this.h[4],Q=this.h[5],D=this.h[6],z=this.h[7],K=this.h[8],be=this.h[9],Pe=this.r[0],Ne=this.r[1],Te=this.r[2],w=this.r[3],Le=this.r[4],We=this.r[5],Ze=this.r[6],Oe=this.r[7],Qe=this.r[8],Me=this.r[9];g>=16;)y=p[m+0]&255|(p[m+1]&255)<<8,oe+=y&8191,k=p[m+2]&255|(p[m+3]&255)<<8,ae+=(y>>>13|k<<3)&8191,v=p[m+4]&255|(p[m+5]&255)<<8,Y+=(k>>>10|v<<6)&8191,H=p[m+6]&255|(p[m+7]&255)<<8,B+=(v>>>7|H<<9)&8191,W=p[m+8]&255|(p[m+9]&255)<<8,R+=(H>>>4|W<<12)&8191,Q+=W>>>1&8191,ne=p[m+10]&255|(p[m+11]&255)<<8,D+=(W>>>14|ne<<2)&8191,X=p[m+12]&255|(p[m+13]&255)<<8,z+=(ne>>>11|X<<5)&8191,Ke=p[m+14]&255|(p[m+15]&255)<<8,K+=(X>>>8|Ke<<8)&8191,be+=Ke>>>5|f,te=0,ke=te,ke+=oe*Pe,ke+=ae*(5*Me),ke+=Y*(5*Qe),ke+=B*(5*Oe),ke+=R*(5*Ze),te=ke>>>13,ke&=8191,ke+=Q*(5*We),ke+=D*(5*Le),ke+=z*(5*w),ke+=K*(5*Te),ke+=be*(5*Ne),te+=ke>>>13,ke&=8191,Se=te,Se+=oe*Ne,Se+=ae*Pe,Se+=Y*(5*Me),Se+=B*(5*Qe),Se+=R*(5*Oe),te=Se>>>13,Se&=8191,Se+=Q*(5*Ze),Se+=D*(5*We),Se+=z*(5*Le),Se+=K*(5*w),Se+=be*(5*Te),te+=Se>>>13,Se&=8191,Re=te,Re+=oe*Te,Re+=ae*Ne,Re+=Y*Pe,Re+=B*(5*Me),Re+=R*(5*Qe),te=Re>>>13,Re&=8191,Re+=Q*(5*Oe),Re+=D*(5*Ze),Re+=z*(5*We),Re+=K*(5*Le),Re+=be*(5*w),te+=Re>>>13,Re&=8191,Be=te,Be+=oe*w,Be+=ae*Te,Be+=Y*Ne,Be+=B*Pe,Be+=R*(5*Me),te=Be>>>13,Be&=8191,Be+=Q*(5*Qe),Be+=D*(5*Oe),Be+=z*(5*Ze),Be+=K*(5*We),Be+=be*(5*Le),te+=Be>>>13,Be&=8191,Ie=te,Ie+=oe*Le,Ie+=ae*w,Ie+=Y*Te,Ie+=B*Ne,Ie+=R*Pe,te=Ie>>>13,Ie&=8191,Ie+=Q*(5*Me),Ie+=D*(5*Qe),Ie+=z*(5*Oe),Ie+=K*(5*Ze),Ie+=be*(5*We),te+=Ie>>>13,Ie&=8191,Ce=te,Ce+=oe*We,Ce+=ae*Le,Ce+=Y*w,Ce+=B*Te,Ce+=R*Ne,te=Ce>>>13,Ce&=8191,Ce+=Q*Pe,Ce+=D*(5*Me),Ce+=z*(5*Qe),Ce+=K*(5*Oe),Ce+=be*(5*Ze),te+=Ce>>>13,Ce&=8191,ve=te,ve+=oe*Ze,ve+=ae*We,ve+=Y*Le,ve+=B*w,ve+=R*Te,te=ve>>>13,ve&=8191,ve+=Q*Ne,ve+=D*Pe,ve+=z*(5*Me),ve+=K*(5*Qe),ve+=be*(5*Oe),te+=ve>>>13,ve&=8191,re=te,re+=oe*Oe,re+=ae*Ze,re+=Y*We,re+=B*Le,re+=R*w,te=re>>>13,re&=8191,re+=Q*Te,re+=D*Ne,re+=z*Pe,re+=K*(5*Me),re+=be*(5*Qe),te+=re>>>13,re&=8191,he=te,he+=oe*Qe,he+=ae*Oe,he+=Y*Ze,he+=B*We,he+=R*Le,te=he>>>13,he&=8191,he+=Q*w,he+=D*Te,he+=z*Ne,he+=K*Pe,he+=be*(5*Me),te+=he>>>13,he&=8191,ee=te,ee+=oe*Me,ee+=ae*Qe,ee+=Y*Oe,ee+=B*Ze,ee+=R*We,te=ee>>>13,ee&=8191,ee+=Q*Le,ee+=D*w,ee+=z*Te,ee+=K*Ne,ee+=be*Pe,te+=ee>>>13,ee&=8191,te=(te<<2)+te|0,te=te+ke|0,ke=te&8191,te=te>>>13,Se+=te,oe=ke,ae=Se,Y=Re,B=Be,R=Ie,Q=Ce,D=ve,z=re,K=he,be=ee,m+=16,g-=16;this.h[0]=oe,this.h[1]=ae,this.h[2]=Y,this.h[3]=B,this.h[4]=R,this.h[5]=Q,this.h[6]=D,this.h[7]=z,this.h[8]=K,this.h[9]=be},V.prototype.finish=function(p,m){var g=new Uint16Array(10),f,y,k,v;if(this.leftover){for(v=this.leftover,this.buffer[v++]=1;v<16;v++)this.buffer[v]=0;this.fin=1,this.blocks(this.buffer,0,16)}for(f=this.h[1]>>>13,this.h[1]&=8191,v=2;v<10;v++)this.h[v]+=f,f=this.h[v]>>>13,this.h[v]&=8191;for(this.h[0]+=f*5,f=this.h[0]>>>13,this.h[0]&=8191,this.h[1]+=f,f=this.h[1]>>>13,this.h[1]&=8191,this.h[2]+=f,g[0]=this.h[0]+5,f=g[0]>>>13,g[0]&=8191,v=1;v<10;v++)g[v]=this.h[v]+f,f=g[v]>>>13,g[v]&=8191;for(g[9]-=8192,y=(f^1)-1,v=0;v<10;v++)g[v]&=y;for(y=~y,v=0;v<10;v++)this.h[v]=this.h[v]&y|g[v];for(this.h[0]=(this.h[0]|this.h[1]<<13)&65535,this.h[1]=(this.h[1]>>>3|this.h[2]<<10)&65535,this.h[2]=(this.h[2]>>>6|this.h[3]<<7)&65535,this.h[3]=(this.h[3]>>>9|this.h[4]<<4)&65535,this.h[4]=(this.h[4]>>>12|this.h[5]<<1|this.h[6]<<14)&65535,this.h[5]=(this.h[6]>>>2|this.h[7]<<11)&65535,this.h[6]=(this.h[7]>>>5|this.h[8]<<8)&65535,this.h[7]=(this.h[8]>>>8|this.h[9]<<5)&65535,k=this.h[0]+this.pad[0],this.h[0]=k&65535,v=1;v<8;v++)k=(this.h[v]+this.pad[v]|0)+(k>>>16)|0,this.h[v]=k&65535;p[m+0]=this.h[0]>>>0&255,p[m+1]=this.h[0]>>>8&255,p[m+2]=this.h[1]>>>0&255,p[m+3]=this.h[1]>>>8&255,p[m+4]=this.h[2]>>>0&255,p[m+5]=this.h[2]>>>8&255,p[m+6]=this.h[3]>>>0&255,p[m+7]=this.h[3]>>>8&255,p[m+8]=this.h[4]>>>0&255,p[m+9]=this.h[4]>>>8&255,p[m+10]=this.h[5]>>>0&255,p[m+11]=this.h[5]>>>8&255,p[m+12]=this.h[6]>>>0&255,p[m+13]=this.h[6]>>>8&255,p[m+14]=this.h[7]>>>0&255,p[m+15]=this.h[7]>>>8&255},V.prototype.update=function(p,m,g){var f,y;if(this.leftover){for(y=16-this.leftover,y>g&&(y=g),f=0;f<y;f++)this.buffer[this.leftover+f]=p[m+f];if(g-=y,m+=y,this.leftover+=y,this.leftover<16)return;this.blocks(this.buffer,0,16),this.leftover=0}if(g>=16&&(y=g-g%16,this.blocks(p,m,y),m+=y,g-=y),g){for(f=0;f<g;f++)this.buffer[this.leftover+f]=p[m+f];this.leftover+=g}};function j(p,m,g,f,y,k){var v=new V(k);return v.update(g,f,y),v.finish(p,m),0}c(j,"crypto_onetimeauth");function ie(p,m,g,f,y,k){var v=new Uint8Array(16);return j(v,0,g,f,y,k),b(p,m,v,0)}c(ie,"crypto_onetimeauth_verify");function me(p,m,g,f,y){var k;if(g<32)return-1;for(Z(p,0,m,0,g,f,y),j(p,16,p,32,g-32,p),k=0;k<16;k++)p[k]=0;return 0}c(me,"crypto_secretbox");function J(p,m,g,f,y){var k,v=new Uint8Array(32);if(g<32||(L(v,0,32,f,y),ie(m,16,m,32,g-32,v)!==0))return-1;for(Z(p,0,m,0,g,f,y),k=0;k<32;k++)p[k]=0;return 0}c(J,"crypto_secretbox_open");function ce(p,m){var g;for(g=0;g<16;g++)p[g]=m[g]|0}c(ce,"set25519");function de(p){var m,g,f=1;for(m=0;m<16;m++)g=p[m]+f+65535,f=Math.floor(g/65536),p[m]=g-f*65536;p[0]+=f-1+37*(f-1)}c(de,"car25519");function xe(p,m,g){for(var f,y=~(g-1),k=0;k<16;k++)f=y&(p[k]^m[k]),p[k]^=f,m[k]^=f}c(xe,"sel25519");function C(p,m){var g,f,y,k=n(),v=n();for(g=0;g<16;g++)v[g]=m[g];for(de(v),de(v),de(v),f=0;f<2;f++){for(k[0]=v[0]-65517,g=1;g<15;g++)k[g]=v[g]-65535-(k[g-1]>>16&1),k[g-1]&=65535;k[15]=v[15]-32767-(k[14]>>16&1),y=k[15]>>16&1,k[14]&=65535,xe(v,k,1-y)}for(g=0;g<16;g++)p[2*g]=v[g]&255,p[2*g+1]=v[g]>>8}c(C,"pack25519");function N(p,m){var g=new Uint8Array(32),f=new Uint8Array(32);return C(g,p),C(f,m),E(g,0,f,0)}c(N,"neq25519");function T(p){var m=new Uint8Array(32);return C(m,p),m[0]&1}c(T,"par25519");function F(p,m){var g;for(g=0;g<16;g++)p[g]=m[2*g]+(m[2*g+1]<<8);p[15]&=32767}c(F,"unpack25519");function se(p,m,g){for(var f=0;f<16;f++)p[f]=m[f]+g[f]}c(se,"A");function ue(p,m,g){for(var f=0;f<16;f++)p[f]=m[f]-g[f]}c(ue,"Z");function fe(p,m,g){var f,y,k=0,v=0,H=0,W=0,ne=0,X=0,Ke=0,te=0,ke=0,Se=0,Re=0,Be=0,Ie=0,Ce=0,ve=0,re=0,he=0,ee=0,oe=0,ae=0,Y=0,B=0,R=0,Q=0,D=0,z=0,K=0,be=0,Pe=0,Ne=0,Te=0,w=g[0],Le=g[1],We=g[2],Ze=g[3],Oe=g[4],Qe=g[5],Me=g[6],ft=g[7],Ge=g[8],st=g[9],at=g[10],ct=g[11],pt=g[12],xt=g[13],Et=g[14],$t=g[15];f=m[0],k+=f*w,v+=f*Le,H+=f*We,W+=f*Ze,ne+=f*Oe,X+=f*Qe,Ke+=f*Me,te+=f*ft,ke+=f*Ge,Se+=f*st,Re+=f*at,Be+=f*ct,Ie+=f*pt,Ce+=f*xt,ve+=f*Et,re+=f*$t,f=m[1],v+=f*w,H+=f*Le,W+=f*We,ne+=f*Ze,X+=f*Oe,Ke+=f*Qe,te+=f*Me,ke+=f*ft,Se+=f*Ge,Re+=f*st,Be+=f*at,Ie+=f*ct,Ce+=f*pt,ve+=f*xt,re+=f*Et,he+=f*$t,f=m[2],H+=f*w,W+=f*Le,ne+=f*We,X+=f*Ze,Ke+=f*Oe,te+=f*Qe,ke+=f*Me,Se+=f*ft,Re+=f*Ge,Be+=f*st,Ie+=f*at,Ce+=f*ct,ve+=f*pt,re+=f*xt,he+=f*Et,ee+=f*$t,f=m[3],W+=f*w,ne+=f*Le,X+=f*We,Ke+=f*Ze,te+=f*Oe,ke+=f*Qe,Se+=f*Me,Re+=f*ft,Be+=f*Ge,Ie+=f*st,Ce+=f*at,ve+=f*ct,re+=f*pt,he+=f*xt,ee+=f*Et,oe+=f*$t,f=m[4],ne+=f*w,X+=f*Le,Ke+=f*We,te+=f*Ze,ke+=f*Oe,Se+=f*Qe,Re+=f*Me,Be+=f*ft,Ie+=f*Ge,Ce+=f*st,ve+=f*at,re+=f*ct,he+=f*pt,ee+=f*xt,oe+=f*Et,ae+=f*$t,f=m[5],X+=f*w,Ke+=f*Le,te+=f*We,ke+=f*Ze,Se+=f*Oe,Re+=f*Qe,Be+=f*Me,Ie+=f*ft,Ce+=f*Ge,ve+=f*st,re+=f*at,he+=f*ct,ee+=f*pt,oe+=f*xt,ae+=f*Et,Y+=f*$t,f=m[6],Ke+=f*w,te+=f*Le,ke+=f*We,Se+=f*Ze,Re+=f*Oe,Be+=f*Qe,Ie+=f*Me,Ce+=f*ft,ve+=f*Ge,re+=f*st,he+=f*at,ee+=f*ct,oe+=f*pt,ae+=f*xt,Y+=f*Et,B+=f*$t,f=m[7],te+=f*w,ke+=f*Le,Se+=f*We,Re+=f*Ze,Be+=f*Oe,Ie+=f*Qe,Ce+=f*Me,ve+=f*ft,re+=f*Ge,he+=f*st,ee+=f*at,oe+=f*ct,ae+=f*pt,Y+=f*xt,B+=f*Et,R+=f*$t,f=m[8],ke+=f*w,Se+=f*Le,Re+=f*We,Be+=f*Ze,Ie+=f*Oe,Ce+=f*Qe,ve+=f*Me,re+=f*ft,he+=f*Ge,ee+=f*st,oe+=f*at,ae+=f*ct,Y+=f*pt,B+=f*xt,R+=f*Et,Q+=f*$t,f=m[9],Se+=f*w,Re+=f*Le,Be+=f*We,Ie+=f*Ze,Ce+=f*Oe,ve+=f*Qe,re+=f*Me,he+=f*ft,ee+=f*Ge,oe+=f*st,ae+=f*at,Y+=f*ct,B+=f*pt,R+=f*xt,Q+=f*Et,D+=f*$t,f=m[10],Re+=f*w,Be+=f*Le,Ie+=f*We,Ce+=f*Ze,ve+=f*Oe,re+=f*Qe,he+=f*Me,ee+=f*ft,oe+=f*Ge,ae+=f*st,Y+=f*at,B+=f*ct,R+=f*pt,Q+=f*xt,D+=f*Et,z+=f*$t,f=m[11],Be+=f*w,Ie+=f*Le,Ce+=f*We,ve+=f*Ze,re+=f*Oe,he+=f*Qe,ee+=f*Me,oe+=f*ft,ae+=f*Ge,Y+=f*st,B+=f*at,R+=f*ct,Q+=f*pt,D+=f*xt,z+=f*Et,K+=f*$t,f=m[12],Ie+=f*w,Ce+=f*Le,ve+=f*We,re+=f*Ze,he+=f*Oe,ee+=f*Qe,oe+=f*Me,ae+=f*ft,Y+=f*Ge,B+=f*st,R+=f*at,Q+=f*ct,D+=f*pt,z+=f*xt,K+=f*Et,be+=f*$t,f=m[13],Ce+=f*w,ve+=f*Le,re+=f*We,he+=f*Ze,ee+=f*Oe,oe+=f*Qe,ae+=f*Me,Y+=f*ft,B+=f*Ge,R+=f*st,Q+=f*at,D+=f*ct,z+=f*pt,K+=f*xt,be+=f*Et,Pe+=f*$t,f=m[14],ve+=f*w,re+=f*Le,he+=f*We,ee+=f*Ze,oe+=f*Oe,ae+=f*Qe,Y+=f*Me,B+=f*ft,R+=f*Ge,Q+=f*st,D+=f*at,z+=f*ct,K+=f*pt,be+=f*xt,Pe+=f*Et,Ne+=f*$t,f=m[15],re+=f*w,he+=f*Le,ee+=f*We,oe+=f*Ze,ae+=f*Oe,Y+=f*Qe,B+=f*Me,R+=f*ft,Q+=f*Ge,D+=f*st,z+=f*at,K+=f*ct,be+=f*pt,Pe+=f*xt,Ne+=f*Et,Te+=f*$t,k+=38*he,v+=38*ee,H+=38*oe,W+=38*ae,ne+=38*Y,X+=38*B,Ke+=38*R,te+=38*Q,ke+=38*D,Se+=38*z,Re+=38*K,Be+=38*be,Ie+=38*Pe,Ce+=38*Ne,ve+=38*Te,y=1,f=k+y+65535,y=Math.floor(f/65536),k=f-y*65536,f=v+y+65535,y=Math.floor(f/65536),v=f-y*65536,f=H+y+65535,y=Math.floor(f/65536),H=f-y*65536,f=W+y+65535,y=Math.floor(f/65536),W=f-y*65536,f=ne+y+65535,y=Math.floor(f/65536),ne=f-y*65536,f=X+y+65535,y=Math.floor(f/65536),X=f-y*65536,f=Ke+y+65535,y=Math.floor(f/65536),Ke=f-y*65536,f=te+y+65535,y=Math.floor(f/65536),te=f-y*65536,f=ke+y+65535,y=Math.floor(f/65536),ke=f-y*65536,f=Se+y+65535,y=Math.floor(f/65536),Se=f-y*65536,f=Re+y+65535,y=Math.floor(f/65536),Re=f-y*65536,f=Be+y+65535,y=Math.floor(f/65536),Be=f-y*65536,f=Ie+y+65535,y=Math.floor(f/65536),Ie=f-y*65536,f=Ce+y+65535,y=Math.floor(f/65536),Ce=f-y*65536,f=ve+y+65535,y=Math.floor(f/65536),ve=f-y*65536,f=re+y+65535,y=Math.floor(f/65536),re=f-y*65536,k+=y-1+37*(y-1),y=1,f=k+y+65535,y=Math.floor(f/65536),k=f-y*65536,f=v+y+65535,y=Math.floor(f/65536),v=f-y*65536,f=H+y+65535,y=Math.floor(f/65536),H=f-y*65536,f=W+y+65535,y=Math.floor(f/65536),W=f-y*65536,f=ne+y+65535,y=Math.floor(f/65536),ne=f-y*65536,f=X+y+65535,y=Math.floor(f/65536),X=f-y*65536,f=Ke+y+65535,y=Math.floor(f/65536),Ke=f-y*65536,f=te+y+65535,y=Math.floor(f/65536),te=f-y*65536,f=ke+y+65535,y=Math.floor(f/65536),ke=f-y*65536,f=Se+y+65535,y=Math.floor(f/65536),Se=f-y*65536,f=Re+y+65535,y=Math.floor(f/65536),Re=f-y*65536,f=Be+y+65535,y=Math.floor(f/65536),Be=f-y*65536,f=Ie+y+65535,y=Math.floor(f/65536),Ie=f-y*65536,f=Ce+y+65535,y=Math.floor(f/65536),Ce=f-y*65536,f=ve+y+65535,y=Math.floor(f/65536),ve=f-y*65536,f=re+y+65535,y=Math.floor(f/65536),re=f-y*65536,k+=y-1+37*(y-1),p[0]=k,p[1]=v,p[2]=H,p[3]=W,p[4]=ne,p[5]=X,p[6]=Ke,p[7]=te,p[8]=ke,p[9]=Se,p[10]=Re,p[11]=Be,p[12]=Ie,p[13]=Ce,p[14]=ve,p[15]=re}c(fe,"M");function rt(p,m){fe(p,m,m)}c(rt,"S");function wt(p,m){var g=n(),f;for(f=0;f<16;f++)g[f]=m[f];for(f=253;f>=0;f--)rt(g,g),f!==2&&f!==4&&fe(g,g,m);for(f=0;f<16;f++)p[f]=g[f]}c(wt,"inv25519");function Cr(p,m){var g=n(),f;for(f=0;f<16;f++)g[f]=m[f];for(f=250;f>=0;f--)rt(g,g),f!==1&&fe(g,g,m);for(f=0;f<16;f++)p[f]=g[f]}c(Cr,"pow2523");function Hn(p,m,g){var f=new Uint8Array(32),y=new Float64Array(80),k,v,H=n(),W=n(),ne=n(),X=n(),Ke=n(),te=n();for(v=0;v<31;v++)f[v]=m[v];for(f[31]=m[31]&127|64,f[0]&=248,F(y,g),v=0;v<16;v++)W[v]=y[v],X[v]=H[v]=ne[v]=0;for(H[0]=X[0]=1,v=254;v>=0;--v)k=f[v>>>3]>>>(v&7)&1,xe(H,W,k),xe(ne,X,k),se(Ke,H,ne),ue(H,H,ne),se(ne,W,X),ue(W,W,X),rt(X,Ke),rt(te,H),fe(H,ne,H),fe(ne,W,Ke),se(Ke,H,ne),ue(H,H,ne),rt(W,H),ue(ne,X,te),fe(H,ne,a),se(H,H,X),fe(ne,ne,H),fe(H,X,te),fe(X,W,y),rt(W,Ke),xe(H,W,k),xe(ne,X,k);for(v=0;v<16;v++)y[v+16]=H[v],y[v+32]=ne[v],y[v+48]=W[v],y[v+64]=X[v];var ke=y.subarray(32),Se=y.subarray(16);return wt(ke,ke),fe(Se,Se,ke),C(p,Se),0}c(Hn,"crypto_scalarmult");function zn(p,m){return Hn(p,m,i)}c(zn,"crypto_scalarmult_base");function nn(p,m){return t(m,32),zn(p,m)}c(nn,"crypto_box_keypair");function Fn(p,m,g){var f=new Uint8Array(32);return Hn(f,g,m),O(p,r,f,G)}c(Fn,"crypto_box_beforenm");var Br=me,gi=J;function Rr(p,m,g,f,y,k){var v=new Uint8Array(32);return Fn(v,y,k),Br(p,m,g,f,v)}c(Rr,"crypto_box");function Qn(p,m,g,f,y,k){var v=new Uint8Array(32);return Fn(v,y,k),gi(p,m,g,f,v)}c(Qn,"crypto_box_open");var Mn=[1116352408,3609767458,1899447441,602891725,3049323471,3964484399,3921009573,2173295548,961987163,4081628472,1508970993,3053834265,2453635748,2937671579,2870763221,3664609560,3624381080,2734883394,310598401,1164996542,607225278,1323610764,1426881987,3590304994,1925078388,4068182383,2162078206,991336113,2614888103,633803317,3248222580,3479774868,3835390401,2666613458,4022224774,944711139,264347078,2341262773,604807628,2007800933,770255983,1495990901,1249150122,1856431235,1555081692,3175218132,1996064986,2198950837,2554220882,3999719339,2821834349,766784016,2952996808,2566594879,3210313671,3203337956,3336571891,1034457026,3584528711,2466948901,113926993,3758326383,338241895,168717936,666307205,1188179964,773529912,1546045734,1294757372,1522805485,1396182291,2643833823,1695183700,2343527390,1986661051,1014477480,2177026350,1206759142,2456956037,344077627,2730485921,1290863460,2820302411,3158454273,3259730800,3505952657,3345764771,106217008,3516065817,3606008344,3600352804,1432725776,4094571909,1467031594,275423344,851169720,430227734,3100823752,506948616,1363258195,659060556,3750685593,883997877,3785050280,958139571,3318307427,1322822218,3812723403,1537002063,2003034995,1747873779,3602036899,1955562222,1575990012,2024104815,1125592928,2227730452,2716904306,2361852424,442776044,2428436474,593698344,2756734187,3733110249,3204031479,2999351573,3329325298,3815920427,3391569614,3928383900,3515267271,566280711,3940187606,3454069534,4118630271,4000239992,116418474,1914138554,174292421,2731055270,289380356,3203993006,460393269,320620315,685471733,587496836,852142971,1086792851,1017036298,365543100,1126000580,2618297676,1288033470,3409855158,1501505948,4234509866,1607167915,987167468,1816402316,1246189591];function U(p,m,g,f){for(var y=new Int32Array(16),k=new Int32Array(16),v,H,W,ne,X,Ke,te,ke,Se,Re,Be,Ie,Ce,ve,re,he,ee,oe,ae,Y,B,R,Q,D,z,K,be=p[0],Pe=p[1],Ne=p[2],Te=p[3],w=p[4],Le=p[5],We=p[6],Ze=p[7],Oe=m[0],Qe=m[1],Me=m[2],ft=m[3],Ge=m[4],st=m[5],at=m[6],ct=m[7],pt=0;f>=128;){for(ae=0;ae<16;ae++)Y=8*ae+pt,y[ae]=g[Y+0]<<24|g[Y+1]<<16|g[Y+2]<<8|g[Y+3],k[ae]=g[Y+4]<<24|g[Y+5]<<16|g[Y+6]<<8|g[Y+7];for(ae=0;ae<80;ae++)if(v=be,H=Pe,W=Ne,ne=Te,X=w,Ke=Le,te=We,ke=Ze,Se=Oe,Re=Qe,Be=Me,Ie=ft,Ce=Ge,ve=st,re=at,he=ct,B=Ze,R=ct,Q=R&65535,D=R>>>16,z=B&65535,K=B>>>16,B=(w>>>14|Ge<<18)^(w>>>18|Ge<<14)^(Ge>>>9|w<<23),R=(Ge>>>14|w<<18)^(Ge>>>18|w<<14)^(w>>>9|Ge<<23),Q+=R&65535,D+=R>>>16,z+=B&65535,K+=B>>>16,B=w&Le^~w&We,R=Ge&st^~Ge&at,Q+=R&65535,D+=R>>>16,z+=B&65535,K+=B>>>16,B=Mn[ae*2],R=Mn[ae*2+1],Q+=R&65535,D+=R>>>16,z+=B&65535,K+=B>>>16,B=y[ae%16],R=k[ae%16],Q+=R&65535,D+=R>>>16,z+=B&65535,K+=B>>>16,D+=Q>>>16,z+=D>>>16,K+=z>>>16,ee=z&65535|K<<16,oe=Q&65535|D<<16,B=ee,R=oe,Q=R&65535,D=R>>>16,z=B&65535,K=B>>>16,B=(be>>>28|Oe<<4)^(Oe>>>2|be<<30)^(Oe>>>7|be<<25),R=(Oe>>>28|be<<4)^(be>>>2|Oe<<30)^(be>>>7|Oe<<25),Q+=R&65535,D+=R>>>16,z+=B&65535,K+=B>>>16,B=be&Pe^be&Ne^Pe&Ne,R=Oe&Qe^Oe&Me^Qe&Me,Q+=R&65535,D+=R>>>16,z+=B&65535,K+=B>>>16,D+=Q>>>16,z+=D>>>16,K+=z>>>16,ke=z&65535|K<<16,he=Q&65535|D<<16,B=ne,R=Ie,Q=R&65535,D=R>>>16,z=B&65535,K=B>>>16,B=ee,R=oe,Q+=R&65535,D+=R>>>16,z+=B&65535,K+=B>>>16,D+=Q>>>16,z+=D>>>16,K+=z>>>16,ne=z&65535|K<<16,Ie=Q&65535|D<<16,Pe=v,Ne=H,Te=W,w=ne,Le=X,We=Ke,Ze=te,be=ke,Qe=Se,Me=Re,ft=Be,Ge=Ie,st=Ce,at=ve,ct=re,Oe=he,ae%16===15)for(Y=0;Y<16;Y++)B=y[Y],R=k[Y],Q=R&65535,D=R>>>16,z=B&65535,K=B>>>16,B=y[(Y+9)%16],R=k[(Y+9)%16],Q+=R&65535,D+=R>>>16,z+=B&65535,K+=B>>>16,ee=y[(Y+1)%16],oe=k[(Y+1)%16],B=(ee>>>1|oe<<31)^(ee>>>8|oe<<24)^ee>>>7,R=(oe>>>1|ee<<31)^(oe>>>8|ee<<24)^(oe>>>7|ee<<25),Q+=R&65535,D+=R>>>16,z+=B&65535,K+=B>>>16,ee=y[(Y+14)%16],oe=k[(Y+14)%16],B=(ee>>>19|oe<<13)^(oe>>>29|ee<<3)^ee>>>6,R=(oe>>>19|ee<<13)^(ee>>>29|oe<<3)^(oe>>>6|ee<<26),Q+=R&65535,D+=R>>>16,z+=B&65535,K+=B>>>16,D+=Q>>>16,z+=D>>>16,K+=z>>>16,y[Y]=z&65535|K<<16,k[Y]=Q&65535|D<<16;B=be,R=Oe,Q=R&65535,D=R>>>16,z=B&65535,K=B>>>16,B=p[0],R=m[0],Q+=R&65535,D+=R>>>16,z+=B&65535,K+=B>>>16,D+=Q>>>16,z+=D>>>16,K+=z>>>16,p[0]=be=z&65535|K<<16,m[0]=Oe=Q&65535|D<<16,B=Pe,R=Qe,Q=R&65535,D=R>>>16,z=B&65535,K=B>>>16,B=p[1],R=m[1],Q+=R&65535,D+=R>>>16,z+=B&65535,K+=B>>>16,D+=Q>>>16,z+=D>>>16,K+=z>>>16,p[1]=Pe=z&65535|K<<16,m[1]=Qe=Q&65535|D<<16,B=Ne,R=Me,Q=R&65535,D=R>>>16,z=B&65535,K=B>>>16,B=p[2],R=m[2],Q+=R&65535,D+=R>>>16,z+=B&65535,K+=B>>>16,D+=Q>>>16,z+=D>>>16,K+=z>>>16,p[2]=Ne=z&65535|K<<16,m[2]=Me=Q&65535|D<<16,B=Te,R=ft,Q=R&65535,D=R>>>16,z=B&65535,K=B>>>16,B=p[3],R=m[3],Q+=R&65535,D+=R>>>16,z+=B&65535,K+=B>>>16,D+=Q>>>16,z+=D>>>16,K+=z>>>16,p[3]=Te=z&65535|K<<16,m[3]=ft=Q&65535|D<<16,B=w,R=Ge,Q=R&65535,D=R>>>16,z=B&65535,K=B>>>16,B=p[4],R=m[4],Q+=R&65535,D+=R>>>16,z+=B&65535,K+=B>>>16,D+=Q>>>16,z+=D>>>16,K+=z>>>16,p[4]=w=z&65535|K<<16,m[4]=Ge=Q&65535|D<<16,B=Le,R=st,Q=R&65535,D=R>>>16,z=B&65535,K=B>>>16,B=p[5],R=m[5],Q+=R&65535,D+=R>>>16,z+=B&65535,K+=B>>>16,D+=Q>>>16,z+=D>>>16,K+=z>>>16,p[5]=Le=z&65535|K<<16,m[5]=st=Q&65535|D<<16,B=We,R=at,Q=R&65535,D=R>>>16,z=B&65535,K=B>>>16,B=p[6],R=m[6],Q+=R&65535,D+=R>>>16,z+=B&65535,K+=B>>>16,D+=Q>>>16,z+=D>>>16,K+=z>>>16,p[6]=We=z&65535|K<<16,m[6]=at=Q&65535|D<<16,B=Ze,R=ct,Q=R&65535,D=R>>>16,z=B&65535,K=B>>>16,B=p[7],R=m[7],Q+=R&65535,D+=R>>>16,z+=B&65535,K+=B>>>16,D+=Q>>>16,z+=D>>>16,K+=z>>>16,p[7]=Ze=z&65535|K<<16,m[7]=ct=Q&65535|D<<16,pt+=128,f-=128}return f}c(U,"crypto_hashblocks_hl");function q(p,m,g){var f=new Int32Array(8),y=new Int32Array(8),k=new Uint8Array(256),v,H=g;for(f[0]=1779033703,f[1]=3144134277,f[2]=1013904242,f[3]=2773480762,f[4]=1359893119,f[5]=2600822924,f[6]=528734635,f[7]=1541459225,y[0]=4089235720,y[1]=2227873595,y[2]=4271175723,y[3]=1595750129,y[4]=2917565137,y[5]=725511199,y[6]=4215389547,y[7]=327033209,U(f,y,m,g),g%=128,v=0;v<g;v++)k[v]=m[H-g+v];for(k[g]=128,g=256-128*(g<112?1:0),k[g-9]=0,A(k,g-8,H/536870912|0,H<<3),U(f,y,k,g),v=0;v<8;v++)A(p,8*v,f[v],y[v]);return 0}c(q,"crypto_hash");function ge(p,m){var g=n(),f=n(),y=n(),k=n(),v=n(),H=n(),W=n(),ne=n(),X=n();ue(g,p[1],p[0]),ue(X,m[1],m[0]),fe(g,g,X),se(f,p[0],p[1]),se(X,m[0],m[1]),fe(f,f,X),fe(y,p[3],m[3]),fe(y,y,l),fe(k,p[2],m[2]),se(k,k,k),ue(v,f,g),ue(H,k,y),se(W,k,y),se(ne,f,g),fe(p[0],v,H),fe(p[1],ne,W),fe(p[2],W,H),fe(p[3],v,ne)}c(ge,"add");function $e(p,m,g){var f;for(f=0;f<4;f++)xe(p[f],m[f],g)}c($e,"cswap");function Fe(p,m){var g=n(),f=n(),y=n();wt(y,m[2]),fe(g,m[0],y),fe(f,m[1],y),C(p,f),p[31]^=T(g)<<7}c(Fe,"pack");function lt(p,m,g){var f,y;for(ce(p[0],o),ce(p[1],s),ce(p[2],s),ce(p[3],o),y=255;y>=0;--y)f=g[y/8|0]>>(y&7)&1,$e(p,m,f),ge(m,p),ge(p,p),$e(p,m,f)}c(lt,"scalarmult");function jt(p,m){var g=[n(),n(),n(),n()];ce(g[0],d),ce(g[1],h),ce(g[2],s),fe(g[3],d,h),lt(p,g,m)}c(jt,"scalarbase");function Tt(p,m,g){var f=new Uint8Array(64),y=[n(),n(),n(),n()],k;for(g||t(m,32),q(f,m,32),f[0]&=248,f[31]&=127,f[31]|=64,jt(y,f),Fe(p,y),k=0;k<32;k++)m[k+32]=p[k];return 0}c(Tt,"crypto_sign_keypair");var Kn=new Float64Array([237,211,245,92,26,99,18,88,214,156,247,162,222,249,222,20,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,16]);function je(p,m){var g,f,y,k;for(f=63;f>=32;--f){for(g=0,y=f-32,k=f-12;y<k;++y)m[y]+=g-16*m[f]*Kn[y-(f-32)],g=m[y]+128>>8,m[y]-=g*256;m[y]+=g,m[f]=0}for(g=0,y=0;y<32;y++)m[y]+=g-(m[31]>>4)*Kn[y],g=m[y]>>8,m[y]&=255;for(y=0;y<32;y++)m[y]-=g*Kn[y];for(f=0;f<32;f++)m[f+1]+=m[f]>>8,p[f]=m[f]&255}c(je,"modL");function gt(p){var m=new Float64Array(64),g;for(g=0;g<64;g++)m[g]=p[g];for(g=0;g<64;g++)p[g]=0;je(p,m)}c(gt,"reduce");function ht(p,m,g,f){var y=new Uint8Array(64),k=new Uint8Array(64),v=new Uint8Array(64),H,W,ne=new Float64Array(64),X=[n(),n(),n(),n()];q(y,f,32),y[0]&=248,y[31]&=127,y[31]|=64;var Ke=g+64;for(H=0;H<g;H++)p[64+H]=m[H];for(H=0;H<32;H++)p[32+H]=y[32+H];for(q(v,p.subarray(32),g+32),gt(v),jt(X,v),Fe(p,X),H=32;H<64;H++)p[H]=f[H];for(q(k,p,g+64),gt(k),H=0;H<64;H++)ne[H]=0;for(H=0;H<32;H++)ne[H]=v[H];for(H=0;H<32;H++)for(W=0;W<32;W++)ne[H+W]+=k[H]*y[W];return je(p.subarray(32),ne),Ke}c(ht,"crypto_sign");function it(p,m){var g=n(),f=n(),y=n(),k=n(),v=n(),H=n(),W=n();return ce(p[2],s),F(p[1],m),rt(y,p[1]),fe(k,y,u),ue(y,y,p[2]),se(k,p[2],k),rt(v,k),rt(H,v),fe(W,H,v),fe(g,W,y),fe(g,g,k),Cr(g,g),fe(g,g,y),fe(g,g,k),fe(g,g,k),fe(p[0],g,k),rt(f,p[0]),fe(f,f,k),N(f,y)&&fe(p[0],p[0],_),rt(f,p[0]),fe(f,f,k),N(f,y)?-1:(T(p[0])===m[31]>>7&&ue(p[0],o,p[0]),fe(p[3],p[0],p[1]),0)}c(it,"unpackneg");function Ve(p,m,g,f){var y,k,v=new Uint8Array(32),H=new Uint8Array(64),W=[n(),n(),n(),n()],ne=[n(),n(),n(),n()];if(k=-1,g<64||it(ne,f))return-1;for(y=0;y<g;y++)p[y]=m[y];for(y=0;y<32;y++)p[y+32]=f[y];if(q(H,p,g),gt(H),lt(W,ne,H),jt(ne,m.subarray(32)),ge(W,ne),Fe(v,W),g-=64,E(m,0,v,0)){for(y=0;y<g;y++)p[y]=0;return-1}for(y=0;y<g;y++)p[y]=m[y+64];return k=g,k}c(Ve,"crypto_sign_open");var Lt=32,ot=24,kn=32,Wn=16,Pr=32,mi=32,Tr=32,Nr=32,Fo=32,Cc=ot,mp=kn,Ap=Wn,rn=64,Sn=32,Zn=64,Qo=32,Mo=64;e.lowlevel={crypto_core_hsalsa20:O,crypto_stream_xor:Z,crypto_stream:L,crypto_stream_salsa20_xor:_e,crypto_stream_salsa20:le,crypto_onetimeauth:j,crypto_onetimeauth_verify:ie,crypto_verify_16:b,crypto_verify_32:E,crypto_secretbox:me,crypto_secretbox_open:J,crypto_scalarmult:Hn,crypto_scalarmult_base:zn,crypto_box_beforenm:Fn,crypto_box_afternm:Br,crypto_box:Rr,crypto_box_open:Qn,crypto_box_keypair:nn,crypto_hash:q,crypto_sign:ht,crypto_sign_keypair:Tt,crypto_sign_open:Ve,crypto_secretbox_KEYBYTES:Lt,crypto_secretbox_NONCEBYTES:ot,crypto_secretbox_ZEROBYTES:kn,crypto_secretbox_BOXZEROBYTES:Wn,crypto_scalarmult_BYTES:Pr,crypto_scalarmult_SCALARBYTES:mi,crypto_box_PUBLICKEYBYTES:Tr,crypto_box_SECRETKEYBYTES:Nr,crypto_box_BEFORENMBYTES:Fo,crypto_box_NONCEBYTES:Cc,crypto_box_ZEROBYTES:mp,crypto_box_BOXZEROBYTES:Ap,crypto_sign_BYTES:rn,crypto_sign_PUBLICKEYBYTES:Sn,crypto_sign_SECRETKEYBYTES:Zn,crypto_sign_SEEDBYTES:Qo,crypto_hash_BYTES:Mo};function Bc(p,m){if(p.length!==Lt)throw new Error("bad key size");if(m.length!==ot)throw new Error("bad nonce size")}c(Bc,"checkLengths");function yp(p,m){if(p.length!==Tr)throw new Error("bad public key size");if(m.length!==Nr)throw new Error("bad secret key size")}c(yp,"checkBoxLengths");function Nt(){var p,m;for(m=0;m<arguments.length;m++)if((p=Object.prototype.toString.call(arguments[m]))!=="[object Uint8Array]")throw new TypeError("unexpected type "+p+", use Uint8Array")}c(Nt,"checkArrayTypes");function Rc(p){for(var m=0;m<p.length;m++)p[m]=0}c(Rc,"cleanup"),e.util||(e.util={},e.util.decodeUTF8=e.util.encodeUTF8=e.util.encodeBase64=e.util.decodeBase64=function(){throw new Error("nacl.util moved into separate package: https://github.com/dchest/tweetnacl-util-js")}),e.randomBytes=function(p){var m=new Uint8Array(p);return t(m,p),m},e.secretbox=function(p,m,g){Nt(p,m,g),Bc(g,m);for(var f=new Uint8Array(kn+p.length),y=new Uint8Array(f.length),k=0;k<p.length;k++)f[k+kn]=p[k];return me(y,f,f.length,m,g),y.subarray(Wn)},e.secretbox.open=function(p,m,g){Nt(p,m,g),Bc(g,m);for(var f=new Uint8Array(Wn+p.length),y=new Uint8Array(f.length),k=0;k<p.length;k++)f[k+Wn]=p[k];return f.length<32||J(y,f,f.length,m,g)!==0?!1:y.subarray(kn)},e.secretbox.keyLength=Lt,e.secretbox.nonceLength=ot,e.secretbox.overheadLength=Wn,e.scalarMult=function(p,m){if(Nt(p,m),p.length!==mi)throw new Error("bad n size");if(m.length!==Pr)throw new Error("bad p size");var g=new Uint8Array(Pr);return Hn(g,p,m),g},e.scalarMult.base=function(p){if(Nt(p),p.length!==mi)throw new Error("bad n size");var m=new Uint8Array(Pr);return zn(m,p),m},e.scalarMult.scalarLength=mi,e.scalarMult.groupElementLength=Pr,e.box=function(p,m,g,f){var y=e.box.before(g,f);return e.secretbox(p,m,y)},e.box.before=function(p,m){Nt(p,m),yp(p,m);var g=new Uint8Array(Fo);return Fn(g,p,m),g},e.box.after=e.secretbox,e.box.open=function(p,m,g,f){var y=e.box.before(g,f);return e.secretbox.open(p,m,y)},e.box.open.after=e.secretbox.open,e.box.keyPair=function(){var p=new Uint8Array(Tr),m=new Uint8Array(Nr);return nn(p,m),{publicKey:p,secretKey:m}},e.box.keyPair.fromSecretKey=function(p){if(Nt(p),p.length!==Nr)throw new Error("bad secret key size");var m=new Uint8Array(Tr);return zn(m,p),{publicKey:m,secretKey:new Uint8Array(p)}},e.box.publicKeyLength=Tr,e.box.secretKeyLength=Nr,e.box.sharedKeyLength=Fo,e.box.nonceLength=Cc,e.box.overheadLength=e.secretbox.overheadLength,e.sign=function(p,m){if(Nt(p,m),m.length!==Zn)throw new Error("bad secret key size");var g=new Uint8Array(rn+p.length);return ht(g,p,p.length,m),g},e.sign.open=function(p,m){if(arguments.length!==2)throw new Error("nacl.sign.open accepts 2 arguments; did you mean to use nacl.sign.detached.verify?");if(Nt(p,m),m.length!==Sn)throw new Error("bad public key size");var g=new Uint8Array(p.length),f=Ve(g,p,p.length,m);if(f<0)return null;for(var y=new Uint8Array(f),k=0;k<y.length;k++)y[k]=g[k];return y},e.sign.detached=function(p,m){for(var g=e.sign(p,m),f=new Uint8Array(rn),y=0;y<f.length;y++)f[y]=g[y];return f},e.sign.detached.verify=function(p,m,g){if(Nt(p,m,g),m.length!==rn)throw new Error("bad signature size");if(g.length!==Sn)throw new Error("bad public key size");var f=new Uint8Array(rn+p.length),y=new Uint8Array(rn+p.length),k;for(k=0;k<rn;k++)f[k]=m[k];for(k=0;k<p.length;k++)f[k+rn]=p[k];return Ve(y,f,f.length,g)>=0},e.sign.keyPair=function(){var p=new Uint8Array(Sn),m=new Uint8Array(Zn);return Tt(p,m),{publicKey:p,secretKey:m}},e.sign.keyPair.fromSecretKey=function(p){if(Nt(p),p.length!==Zn)throw new Error("bad secret key size");for(var m=new Uint8Array(Sn),g=0;g<m.length;g++)m[g]=p[32+g];return{publicKey:m,secretKey:new Uint8Array(p)}},e.sign.keyPair.fromSeed=function(p){if(Nt(p),p.length!==Qo)throw new Error("bad seed size");for(var m=new Uint8Array(Sn),g=new Uint8Array(Zn),f=0;f<32;f++)g[f]=p[f];return Tt(m,g,!0),{publicKey:m,secretKey:g}},e.sign.publicKeyLength=Sn,e.sign.secretKeyLength=Zn,e.sign.seedLength=Qo,e.sign.signatureLength=rn,e.hash=function(p){Nt(p);var m=new Uint8Array(Mo);return q(m,p,p.length),m},e.hash.hashLength=Mo,e.verify=function(p,m){return Nt(p,m),p.length===0||m.length===0||p.length!==m.length?!1:x(p,0,m,0,p.length)===0},e.setPRNG=function(p){t=p},(function(){var p=typeof self<"u"?self.crypto||self.msCrypto:null;if(p&&p.getRandomValues){var m=65536;e.setPRNG(function(g,f){var y,k=new Uint8Array(f);for(y=0;y<f;y+=m)p.getRandomValues(k.subarray(y,y+Math.min(f-y,m)));for(y=0;y<f;y++)g[y]=k[y];Rc(k)})}else typeof require<"u"&&(p=require("crypto"),p&&p.randomBytes&&e.setPRNG(function(g,f){var y,k=p.randomBytes(f);for(y=0;y<f;y++)g[y]=k[y];Rc(k)}))})()})(typeof zi<"u"&&zi.exports?zi.exports:self.nacl=self.nacl||{})});var hf=ze((nE,df)=>{"use strict";var ws=lf().lowlevel.crypto_hash,an=0,Bn=c(function(){this.S=[new Uint32Array([3509652390,2564797868,805139163,3491422135,3101798381,1780907670,3128725573,4046225305,614570311,3012652279,134345442,2240740374,1667834072,1901547113,2757295779,4103290238,227898511,1921955416,1904987480,2182433518,2069144605,3260701109,2620446009,720527379,3318853667,677414384,3393288472,3101374703,2390351024,1614419982,1822297739,2954791486,3608508353,3174124327,2024746970,1432378464,3864339955,2857741204,1464375394,1676153920,1439316330,715854006,3033291828,289532110,2706671279,2087905683,3018724369,1668267050,732546397,1947742710,3462151702,2609353502,2950085171,1814351708,2050118529,680887927,999245976,1800124847,3300911131,1713906067,1641548236,4213287313,1216130144,1575780402,4018429277,3917837745,3693486850,3949271944,596196993,3549867205,258830323,2213823033,772490370,2760122372,1774776394,2652871518,566650946,4142492826,1728879713,2882767088,1783734482,3629395816,2517608232,2874225571,1861159788,326777828,3124490320,2130389656,2716951837,967770486,1724537150,2185432712,2364442137,1164943284,2105845187,998989502,3765401048,2244026483,1075463327,1455516326,1322494562,910128902,469688178,1117454909,936433444,3490320968,3675253459,1240580251,122909385,2157517691,634681816,4142456567,3825094682,3061402683,2540495037,79693498,3249098678,1084186820,1583128258,426386531,1761308591,1047286709,322548459,995290223,1845252383,2603652396,3431023940,2942221577,3202600964,3727903485,1712269319,422464435,3234572375,1170764815,3523960633,3117677531,1434042557,442511882,3600875718,1076654713,1738483198,4213154764,2393238008,3677496056,1014306527,4251020053,793779912,2902807211,842905082,4246964064,1395751752,1040244610,2656851899,3396308128,445077038,3742853595,3577915638,679411651,2892444358,2354009459,1767581616,3150600392,3791627101,3102740896,284835224,4246832056,1258075500,768725851,2589189241,3069724005,3532540348,1274779536,3789419226,2764799539,1660621633,3471099624,4011903706,913787905,3497959166,737222580,2514213453,2928710040,3937242737,1804850592,3499020752,2949064160,2386320175,2390070455,2415321851,4061277028,2290661394,2416832540,1336762016,1754252060,3520065937,3014181293,791618072,3188594551,3933548030,2332172193,3852520463,3043980520,413987798,3465142937,3030929376,4245938359,2093235073,3534596313,375366246,2157278981,2479649556,555357303,3870105701,2008414854,3344188149,4221384143,3956125452,2067696032,3594591187,2921233993,2428461,544322398,577241275,1471733935,610547355,4027169054,1432588573,1507829418,2025931657,3646575487,545086370,48609733,2200306550,1653985193,298326376,1316178497,3007786442,2064951626,458293330,2589141269,3591329599,3164325604,727753846,2179363840,146436021,1461446943,4069977195,705550613,3059967265,3887724982,4281599278,3313849956,1404054877,2845806497,146425753,1854211946]),new Uint32Array([1266315497,3048417604,3681880366,3289982499,290971e4,1235738493,2632868024,2414719590,3970600049,1771706367,1449415276,3266420449,422970021,1963543593,2690192192,3826793022,1062508698,1531092325,1804592342,2583117782,2714934279,4024971509,1294809318,4028980673,1289560198,2221992742,1669523910,35572830,157838143,1052438473,1016535060,1802137761,1753167236,1386275462,3080475397,2857371447,1040679964,2145300060,2390574316,1461121720,2956646967,4031777805,4028374788,33600511,2920084762,1018524850,629373528,3691585981,3515945977,2091462646,2486323059,586499841,988145025,935516892,3367335476,2599673255,2839830854,265290510,3972581182,2759138881,3795373465,1005194799,847297441,406762289,1314163512,1332590856,1866599683,4127851711,750260880,613907577,1450815602,3165620655,3734664991,3650291728,3012275730,3704569646,1427272223,778793252,1343938022,2676280711,2052605720,1946737175,3164576444,3914038668,3967478842,3682934266,1661551462,3294938066,4011595847,840292616,3712170807,616741398,312560963,711312465,1351876610,322626781,1910503582,271666773,2175563734,1594956187,70604529,3617834859,1007753275,1495573769,4069517037,2549218298,2663038764,504708206,2263041392,3941167025,2249088522,1514023603,1998579484,1312622330,694541497,2582060303,2151582166,1382467621,776784248,2618340202,3323268794,2497899128,2784771155,503983604,4076293799,907881277,423175695,432175456,1378068232,4145222326,3954048622,3938656102,3820766613,2793130115,2977904593,26017576,3274890735,3194772133,1700274565,1756076034,4006520079,3677328699,720338349,1533947780,354530856,688349552,3973924725,1637815568,332179504,3949051286,53804574,2852348879,3044236432,1282449977,3583942155,3416972820,4006381244,1617046695,2628476075,3002303598,1686838959,431878346,2686675385,1700445008,1080580658,1009431731,832498133,3223435511,2605976345,2271191193,2516031870,1648197032,4164389018,2548247927,300782431,375919233,238389289,3353747414,2531188641,2019080857,1475708069,455242339,2609103871,448939670,3451063019,1395535956,2413381860,1841049896,1491858159,885456874,4264095073,4001119347,1565136089,3898914787,1108368660,540939232,1173283510,2745871338,3681308437,4207628240,3343053890,4016749493,1699691293,1103962373,3625875870,2256883143,3830138730,1031889488,3479347698,1535977030,4236805024,3251091107,2132092099,1774941330,1199868427,1452454533,157007616,2904115357,342012276,595725824,1480756522,206960106,497939518,591360097,863170706,2375253569,3596610801,1814182875,2094937945,3421402208,1082520231,3463918190,2785509508,435703966,3908032597,1641649973,2842273706,3305899714,1510255612,2148256476,2655287854,3276092548,4258621189,236887753,3681803219,274041037,1734335097,3815195456,3317970021,1899903192,1026095262,4050517792,356393447,2410691914,3873677099,3682840055]),new Uint32Array([3913112168,2491498743,4132185628,2489919796,1091903735,1979897079,3170134830,3567386728,3557303409,857797738,1136121015,1342202287,507115054,2535736646,337727348,3213592640,1301675037,2528481711,1895095763,1721773893,3216771564,62756741,2142006736,835421444,2531993523,1442658625,3659876326,2882144922,676362277,1392781812,170690266,3921047035,1759253602,3611846912,1745797284,664899054,1329594018,3901205900,3045908486,2062866102,2865634940,3543621612,3464012697,1080764994,553557557,3656615353,3996768171,991055499,499776247,1265440854,648242737,3940784050,980351604,3713745714,1749149687,3396870395,4211799374,3640570775,1161844396,3125318951,1431517754,545492359,4268468663,3499529547,1437099964,2702547544,3433638243,2581715763,2787789398,1060185593,1593081372,2418618748,4260947970,69676912,2159744348,86519011,2512459080,3838209314,1220612927,3339683548,133810670,1090789135,1078426020,1569222167,845107691,3583754449,4072456591,1091646820,628848692,1613405280,3757631651,526609435,236106946,48312990,2942717905,3402727701,1797494240,859738849,992217954,4005476642,2243076622,3870952857,3732016268,765654824,3490871365,2511836413,1685915746,3888969200,1414112111,2273134842,3281911079,4080962846,172450625,2569994100,980381355,4109958455,2819808352,2716589560,2568741196,3681446669,3329971472,1835478071,660984891,3704678404,4045999559,3422617507,3040415634,1762651403,1719377915,3470491036,2693910283,3642056355,3138596744,1364962596,2073328063,1983633131,926494387,3423689081,2150032023,4096667949,1749200295,3328846651,309677260,2016342300,1779581495,3079819751,111262694,1274766160,443224088,298511866,1025883608,3806446537,1145181785,168956806,3641502830,3584813610,1689216846,3666258015,3200248200,1692713982,2646376535,4042768518,1618508792,1610833997,3523052358,4130873264,2001055236,3610705100,2202168115,4028541809,2961195399,1006657119,2006996926,3186142756,1430667929,3210227297,1314452623,4074634658,4101304120,2273951170,1399257539,3367210612,3027628629,1190975929,2062231137,2333990788,2221543033,2438960610,1181637006,548689776,2362791313,3372408396,3104550113,3145860560,296247880,1970579870,3078560182,3769228297,1714227617,3291629107,3898220290,166772364,1251581989,493813264,448347421,195405023,2709975567,677966185,3703036547,1463355134,2715995803,1338867538,1343315457,2802222074,2684532164,233230375,2599980071,2000651841,3277868038,1638401717,4028070440,3237316320,6314154,819756386,300326615,590932579,1405279636,3267499572,3150704214,2428286686,3959192993,3461946742,1862657033,1266418056,963775037,2089974820,2263052895,1917689273,448879540,3550394620,3981727096,150775221,3627908307,1303187396,508620638,2975983352,2726630617,1817252668,1876281319,1457606340,908771278,3720792119,3617206836,2455994898,1729034894,1080033504]),new Uint32Array([976866871,3556439503,2881648439,1522871579,1555064734,1336096578,3548522304,2579274686,3574697629,3205460757,3593280638,3338716283,3079412587,564236357,2993598910,1781952180,1464380207,3163844217,3332601554,1699332808,1393555694,1183702653,3581086237,1288719814,691649499,2847557200,2895455976,3193889540,2717570544,1781354906,1676643554,2592534050,3230253752,1126444790,2770207658,2633158820,2210423226,2615765581,2414155088,3127139286,673620729,2805611233,1269405062,4015350505,3341807571,4149409754,1057255273,2012875353,2162469141,2276492801,2601117357,993977747,3918593370,2654263191,753973209,36408145,2530585658,25011837,3520020182,2088578344,530523599,2918365339,1524020338,1518925132,3760827505,3759777254,1202760957,3985898139,3906192525,674977740,4174734889,2031300136,2019492241,3983892565,4153806404,3822280332,352677332,2297720250,60907813,90501309,3286998549,1016092578,2535922412,2839152426,457141659,509813237,4120667899,652014361,1966332200,2975202805,55981186,2327461051,676427537,3255491064,2882294119,3433927263,1307055953,942726286,933058658,2468411793,3933900994,4215176142,1361170020,2001714738,2830558078,3274259782,1222529897,1679025792,2729314320,3714953764,1770335741,151462246,3013232138,1682292957,1483529935,471910574,1539241949,458788160,3436315007,1807016891,3718408830,978976581,1043663428,3165965781,1927990952,4200891579,2372276910,3208408903,3533431907,1412390302,2931980059,4132332400,1947078029,3881505623,4168226417,2941484381,1077988104,1320477388,886195818,18198404,3786409e3,2509781533,112762804,3463356488,1866414978,891333506,18488651,661792760,1628790961,3885187036,3141171499,876946877,2693282273,1372485963,791857591,2686433993,3759982718,3167212022,3472953795,2716379847,445679433,3561995674,3504004811,3574258232,54117162,3331405415,2381918588,3769707343,4154350007,1140177722,4074052095,668550556,3214352940,367459370,261225585,2610173221,4209349473,3468074219,3265815641,314222801,3066103646,3808782860,282218597,3406013506,3773591054,379116347,1285071038,846784868,2669647154,3771962079,3550491691,2305946142,453669953,1268987020,3317592352,3279303384,3744833421,2610507566,3859509063,266596637,3847019092,517658769,3462560207,3443424879,370717030,4247526661,2224018117,4143653529,4112773975,2788324899,2477274417,1456262402,2901442914,1517677493,1846949527,2295493580,3734397586,2176403920,1280348187,1908823572,3871786941,846861322,1172426758,3287448474,3383383037,1655181056,3139813346,901632758,1897031941,2986607138,3066810236,3447102507,1393639104,373351379,950779232,625454576,3124240540,4148612726,2007998917,544563296,2244738638,2330496472,2058025392,1291430526,424198748,50039436,29584100,3605783033,2429876329,2791104160,1057563949,3255363231,3075367218,3463963227,1469046755,985887462])],this.P=new Uint32Array([608135816,2242054355,320440878,57701188,2752067618,698298832,137296536,3964562569,1160258022,953160567,3193202383,887688300,3232508343,3380367581,1065670069,3041331479,2450970073,2306472731])},"Blowfish");function Qi(e,n,t){return(e[0][n[t+3]]+e[1][n[t+2]]^e[2][n[t+1]])+e[3][n[t]]}c(Qi,"F");Bn.prototype.encipher=function(e,n){n===void 0&&(n=new Uint8Array(e.buffer),e.byteOffset!==0&&(n=n.subarray(e.byteOffset))),e[0]^=this.P[0];for(var t=1;t<16;t+=2)e[1]^=Qi(this.S,n,0)^this.P[t],e[0]^=Qi(this.S,n,4)^this.P[t+1];var r=e[0];e[0]=e[1]^this.P[17],e[1]=r};Bn.prototype.decipher=function(e){var n=new Uint8Array(e.buffer);e.byteOffset!==0&&(n=n.subarray(e.byteOffset)),e[0]^=this.P[17];for(var t=16;t>0;t-=2)e[1]^=Qi(this.S,n,0)^this.P[t],e[0]^=Qi(this.S,n,4)^this.P[t-1];var r=e[0];e[0]=e[1]^this.P[0],e[1]=r};function Cn(e,n){var t,r=0;for(t=0;t<4;t++,an++)an>=n&&(an=0),r=r<<8|e[an];return r}c(Cn,"stream2word");Bn.prototype.expand0state=function(e,n){var t=new Uint32Array(2),r,i,o=new Uint8Array(t.buffer);for(r=0,an=0;r<18;r++)this.P[r]^=Cn(e,n);for(an=0,r=0;r<18;r+=2)this.encipher(t,o),this.P[r]=t[0],this.P[r+1]=t[1];for(r=0;r<4;r++)for(i=0;i<256;i+=2)this.encipher(t,o),this.S[r][i]=t[0],this.S[r][i+1]=t[1]};Bn.prototype.expandstate=function(e,n,t,r){var i=new Uint32Array(2),o,s;for(o=0,an=0;o<18;o++)this.P[o]^=Cn(t,r);for(o=0,an=0;o<18;o+=2)i[0]^=Cn(e,n),i[1]^=Cn(e,n),this.encipher(i),this.P[o]=i[0],this.P[o+1]=i[1];for(o=0;o<4;o++)for(s=0;s<256;s+=2)i[0]^=Cn(e,n),i[1]^=Cn(e,n),this.encipher(i),this.S[o][s]=i[0],this.S[o][s+1]=i[1];an=0};Bn.prototype.enc=function(e,n){for(var t=0;t<n;t++)this.encipher(e.subarray(t*2))};Bn.prototype.dec=function(e,n){for(var t=0;t<n;t++)this.decipher(e.subarray(t*2))};var Fi=8,xs=32;function Es(e,n,t){var r=new Bn,i=new Uint32Array(Fi),o,s=new Uint8Array([79,120,121,99,104,114,111,109,97,116,105,99,66,108,111,119,102,105,115,104,83,119,97,116,68,121,110,97,109,105,116,101]);for(r.expandstate(n,64,e,64),o=0;o<64;o++)r.expand0state(n,64),r.expand0state(e,64);for(o=0;o<Fi;o++)i[o]=Cn(s,s.byteLength);for(o=0;o<64;o++)r.enc(i,i.byteLength/8);for(o=0;o<Fi;o++)t[4*o+3]=i[o]>>>24,t[4*o+2]=i[o]>>>16,t[4*o+1]=i[o]>>>8,t[4*o+0]=i[o]}c(Es,"bcrypt_hash");function dg(e,n,t,r,i,o,s){var a=new Uint8Array(64),u=new Uint8Array(64),l=new Uint8Array(xs),d=new Uint8Array(xs),h=new Uint8Array(r+4),_,A,x,b,E,I,P=o;if(s<1||n===0||r===0||o===0||o>l.byteLength*l.byteLength||r>1<<20)return-1;for(b=Math.floor((o+l.byteLength-1)/l.byteLength),x=Math.floor((o+b-1)/b),_=0;_<r;_++)h[_]=t[_];for(ws(a,e,n),I=1;o>0;I++){for(h[r+0]=I>>>24,h[r+1]=I>>>16,h[r+2]=I>>>8,h[r+3]=I,ws(u,h,r+4),Es(a,u,d),_=l.byteLength;_--;)l[_]=d[_];for(_=1;_<s;_++)for(ws(u,d,d.byteLength),Es(a,u,d),A=0;A<l.byteLength;A++)l[A]^=d[A];for(x=Math.min(x,o),_=0;_<x&&(E=_*b+(I-1),!(E>=P));_++)i[E]=l[_];o-=_}return 0}c(dg,"bcrypt_pbkdf");df.exports={BLOCKS:Fi,HASHSIZE:xs,hash:Es,pbkdf:dg}});var _f=ze(pf=>{pf.pbkdf=(...e)=>hf().pbkdf(...e)});var gf=ze(()=>{});var An=ze((aE,Ki)=>{"use strict";var cn=require("crypto"),tr;try{tr=gf()()}catch{}var{bindingAvailable:mf,CIPHER_INFO:hg,MAC_INFO:pg}=nr(),Af=(()=>{if(typeof cn.sign=="function"&&typeof cn.verify=="function"){let e=`-----BEGIN PRIVATE KEY-----\r
MC4CAQAwBQYDK2VwBCIEIHKj+sVa9WcD/q2DJUJaf43Kptc8xYuUQA4bOFj9vC8T\r
-----END PRIVATE KEY-----`,n=Buffer.from("a"),t,r;try{t=cn.sign(null,n,e),r=cn.verify(null,n,e,t)}catch{}return Buffer.isBuffer(t)&&t.length===64&&r===!0}return!1})(),yf=typeof cn.diffieHellman=="function"&&typeof cn.generateKeyPairSync=="function"&&typeof cn.createPublicKey=="function",Mi=["ecdh-sha2-nistp256","ecdh-sha2-nistp384","ecdh-sha2-nistp521","diffie-hellman-group-exchange-sha256","diffie-hellman-group14-sha256","diffie-hellman-group15-sha512","diffie-hellman-group16-sha512","diffie-hellman-group17-sha512","diffie-hellman-group18-sha512"];yf&&(Mi.unshift("curve25519-sha256"),Mi.unshift("curve25519-sha256@libssh.org"));var _g=Mi.concat(["diffie-hellman-group-exchange-sha1","diffie-hellman-group14-sha1","diffie-hellman-group1-sha1"]),$s=["ecdsa-sha2-nistp256","ecdsa-sha2-nistp384","ecdsa-sha2-nistp521","rsa-sha2-512","rsa-sha2-256","ssh-rsa"];Af&&$s.unshift("ssh-ed25519");var gg=$s.concat(["ssh-dss"]),bf=(()=>{let e=cn.getCiphers();return n=>e.includes(hg[n].sslName)})(),mn=["aes128-gcm@openssh.com","aes256-gcm@openssh.com","aes128-ctr","aes192-ctr","aes256-ctr"];tr&&tr.flags&&!tr.flags.aes?mf?mn.unshift("chacha20-poly1305@openssh.com"):mn.push("chacha20-poly1305@openssh.com"):mf&&tr&&tr.arch==="x86"?mn.splice(4,0,"chacha20-poly1305@openssh.com"):mn.push("chacha20-poly1305@openssh.com");mn=mn.filter(bf);var mg=mn.concat(["aes256-cbc","aes192-cbc","aes128-cbc","blowfish-cbc","3des-cbc","aes128-gcm","aes256-gcm","arcfour256","arcfour128","cast128-cbc","arcfour"].filter(bf)),wf=(()=>{let e=cn.getHashes();return n=>e.includes(pg[n].sslName)})(),xf=["hmac-sha2-256-etm@openssh.com","hmac-sha2-512-etm@openssh.com","hmac-sha1-etm@openssh.com","hmac-sha2-256","hmac-sha2-512","hmac-sha1"].filter(wf),Ag=xf.concat(["hmac-md5","hmac-sha2-256-96","hmac-sha2-512-96","hmac-ripemd160","hmac-sha1-96","hmac-md5-96"].filter(wf)),Ef=["none","zlib@openssh.com","zlib"],yg=Ef.concat([]),er={BAD_DHGEX:1,OLD_EXIT:2,DYN_RPORT_BUG:4,BUG_DHGEX_LARGE:8,IMPLY_RSA_SHA2_SIGALGS:16};Ki.exports={MESSAGE:{DISCONNECT:1,IGNORE:2,UNIMPLEMENTED:3,DEBUG:4,SERVICE_REQUEST:5,SERVICE_ACCEPT:6,EXT_INFO:7,KEXINIT:20,NEWKEYS:21,KEXDH_INIT:30,KEXDH_REPLY:31,KEXDH_GEX_GROUP:31,KEXDH_GEX_INIT:32,KEXDH_GEX_REPLY:33,KEXDH_GEX_REQUEST:34,KEXECDH_INIT:30,KEXECDH_REPLY:31,USERAUTH_REQUEST:50,USERAUTH_FAILURE:51,USERAUTH_SUCCESS:52,USERAUTH_BANNER:53,USERAUTH_PASSWD_CHANGEREQ:60,USERAUTH_PK_OK:60,USERAUTH_INFO_REQUEST:60,USERAUTH_INFO_RESPONSE:61,GLOBAL_REQUEST:80,REQUEST_SUCCESS:81,REQUEST_FAILURE:82,CHANNEL_OPEN:90,CHANNEL_OPEN_CONFIRMATION:91,CHANNEL_OPEN_FAILURE:92,CHANNEL_WINDOW_ADJUST:93,CHANNEL_DATA:94,CHANNEL_EXTENDED_DATA:95,CHANNEL_EOF:96,CHANNEL_CLOSE:97,CHANNEL_REQUEST:98,CHANNEL_SUCCESS:99,CHANNEL_FAILURE:100},DISCONNECT_REASON:{HOST_NOT_ALLOWED_TO_CONNECT:1,PROTOCOL_ERROR:2,KEY_EXCHANGE_FAILED:3,RESERVED:4,MAC_ERROR:5,COMPRESSION_ERROR:6,SERVICE_NOT_AVAILABLE:7,PROTOCOL_VERSION_NOT_SUPPORTED:8,HOST_KEY_NOT_VERIFIABLE:9,CONNECTION_LOST:10,BY_APPLICATION:11,TOO_MANY_CONNECTIONS:12,AUTH_CANCELED_BY_USER:13,NO_MORE_AUTH_METHODS_AVAILABLE:14,ILLEGAL_USER_NAME:15},DISCONNECT_REASON_STR:void 0,CHANNEL_OPEN_FAILURE:{ADMINISTRATIVELY_PROHIBITED:1,CONNECT_FAILED:2,UNKNOWN_CHANNEL_TYPE:3,RESOURCE_SHORTAGE:4},TERMINAL_MODE:{TTY_OP_END:0,VINTR:1,VQUIT:2,VERASE:3,VKILL:4,VEOF:5,VEOL:6,VEOL2:7,VSTART:8,VSTOP:9,VSUSP:10,VDSUSP:11,VREPRINT:12,VWERASE:13,VLNEXT:14,VFLUSH:15,VSWTCH:16,VSTATUS:17,VDISCARD:18,IGNPAR:30,PARMRK:31,INPCK:32,ISTRIP:33,INLCR:34,IGNCR:35,ICRNL:36,IUCLC:37,IXON:38,IXANY:39,IXOFF:40,IMAXBEL:41,ISIG:50,ICANON:51,XCASE:52,ECHO:53,ECHOE:54,ECHOK:55,ECHONL:56,NOFLSH:57,TOSTOP:58,IEXTEN:59,ECHOCTL:60,ECHOKE:61,PENDIN:62,OPOST:70,OLCUC:71,ONLCR:72,OCRNL:73,ONOCR:74,ONLRET:75,CS7:90,CS8:91,PARENB:92,PARODD:93,TTY_OP_ISPEED:128,TTY_OP_OSPEED:129},CHANNEL_EXTENDED_DATATYPE:{STDERR:1},SIGNALS:["ABRT","ALRM","FPE","HUP","ILL","INT","QUIT","SEGV","TERM","USR1","USR2","KILL","PIPE"].reduce((e,n)=>({...e,[n]:1}),{}),COMPAT:er,COMPAT_CHECKS:[["Cisco-1.25",er.BAD_DHGEX],[/^Cisco-1[.]/,er.BUG_DHGEX_LARGE],[/^[0-9.]+$/,er.OLD_EXIT],[/^OpenSSH_5[.][0-9]+/,er.DYN_RPORT_BUG],[/^OpenSSH_7[.]4/,er.IMPLY_RSA_SHA2_SIGALGS]],DEFAULT_KEX:Mi,SUPPORTED_KEX:_g,DEFAULT_SERVER_HOST_KEY:$s,SUPPORTED_SERVER_HOST_KEY:gg,DEFAULT_CIPHER:mn,SUPPORTED_CIPHER:mg,DEFAULT_MAC:xf,SUPPORTED_MAC:Ag,DEFAULT_COMPRESSION:Ef,SUPPORTED_COMPRESSION:yg,curve25519Supported:yf,eddsaSupported:Af};Ki.exports.DISCONNECT_REASON_BY_VALUE=Array.from(Object.entries(Ki.exports.DISCONNECT_REASON)).reduce((e,[n,t])=>({...e,[t]:n}),{})});var un=ze((cE,If)=>{"use strict";var Ht=Hi().Ber,Wi,Sf=Buffer[Symbol.species],bg=Object.getPrototypeOf(Uint8Array.prototype).fill;function $f(e,n){return e[n++]*16777216+e[n++]*65536+e[n++]*256+e[n]}c($f,"readUInt32BE");function Hr(e,n,t,r,i){i||(i=0),r>e.length&&(r=e.length);let o=r-t,s=n.length-i;return o>s&&(o=s),n.set(new Uint8Array(e.buffer,e.byteOffset+t,o),i),o}c(Hr,"bufferCopy");function zr(e,n,t){return t===void 0&&(t=e.length),new Sf(e.buffer,e.byteOffset+n,t-n)}c(zr,"bufferSlice");function Ss(){let e=0,n,t={init:c((r,i)=>{n=r,e=typeof i=="number"?i:0},"init"),pos:c(()=>e,"pos"),length:c(()=>n?n.length:0,"length"),avail:c(()=>n&&e<n.length?n.length-e:0,"avail"),clear:c(()=>{n=void 0},"clear"),readUInt32BE:c(()=>{if(!(!n||e+3>=n.length))return n[e++]*16777216+n[e++]*65536+n[e++]*256+n[e++]},"readUInt32BE"),readUInt64BE:c(r=>{if(!(!n||e+7>=n.length))switch(r){case"always":return BigInt(`0x${n.hexSlice(e,e+=8)}`);case"maybe":if(n[e]>31)return BigInt(`0x${n.hexSlice(e,e+=8)}`);default:return n[e++]*72057594037927940+n[e++]*281474976710656+n[e++]*1099511627776+n[e++]*4294967296+n[e++]*16777216+n[e++]*65536+n[e++]*256+n[e++]}},"readUInt64BE"),skip:c(r=>{n&&r>0&&(e+=r)},"skip"),skipString:c(()=>{let r=t.readUInt32BE();if(r!==void 0)return e+=r,e<=n.length?r:void 0},"skipString"),readByte:c(()=>{if(n&&e<n.length)return n[e++]},"readByte"),readBool:c(()=>{if(n&&e<n.length)return!!n[e++]},"readBool"),readList:c(()=>{let r=t.readString(!0);if(r!==void 0)return r?r.split(","):[]},"readList"),readString:c((r,i)=>{typeof r=="number"&&(i=r,r=void 0);let o=t.readUInt32BE();if(o!==void 0&&!(n.length-e<o||typeof i=="number"&&o>i))return r?Buffer.isBuffer(r)?Hr(n,r,e,e+=o):n.utf8Slice(e,e+=o):zr(n,e,e+=o)},"readString"),readRaw:c(r=>{if(n){if(typeof r!="number")return zr(n,e,e+=n.length-e);if(n.length-e>=r)return zr(n,e,e+=r)}},"readRaw")};return t}c(Ss,"makeBufferParser");function kf(e,n,t){let r=new Error(e);return typeof n=="boolean"?(t=n,r.level="protocol"):r.level=n||"protocol",r.fatal=!!t,r}c(kf,"makeError");function ks(e,n,t){return e[t++]=n>>>24,e[t++]=n>>>16,e[t++]=n>>>8,e[t++]=n,t}c(ks,"writeUInt32BE");var Zi=Ss();If.exports={bufferCopy:Hr,bufferSlice:zr,FastBuffer:Sf,bufferFill:c((e,n,t,r)=>bg.call(e,n,t,r),"bufferFill"),makeError:kf,doFatalError:c((e,n,t,r)=>{let i;return Wi===void 0&&({DISCONNECT_REASON:Wi}=An()),n instanceof Error?(i=n,typeof t!="number"?r=Wi.PROTOCOL_ERROR:r=t):i=kf(n,t,!0),typeof r!="number"&&(r=Wi.PROTOCOL_ERROR),e.disconnect(r),e._destruct(),e._onError(i),1/0},"doFatalError"),readUInt32BE:$f,writeUInt32BE:ks,writeUInt32LE:c((e,n,t)=>(e[t++]=n,e[t++]=n>>>8,e[t++]=n>>>16,e[t++]=n>>>24,t),"writeUInt32LE"),makeBufferParser:Ss,bufferParser:Ss(),readString:c((e,n,t,r)=>{typeof t=="number"&&(r=t,t=void 0),n===void 0&&(n=0);let i=e.length-n;if(n<0||n>=e.length||i<4)return;let o=$f(e,n);if(i<4+o||typeof r=="number"&&o>r)return;n+=4;let s=n+o;return e._pos=s,t?Buffer.isBuffer(t)?Hr(e,t,n,s):e.utf8Slice(n,s):zr(e,n,s)},"readString"),sigSSHToASN1:c((e,n)=>{switch(n){case"ssh-dss":{if(e.length>40)return e;let t=new Ht.Writer;t.startSequence();let r=e.slice(0,20),i=e.slice(20);if(r[0]&128){let o=Buffer.allocUnsafe(21);o[0]=0,r.copy(o,1),r=o}else r[0]===0&&!(r[1]&128)&&(r=r.slice(1));if(i[0]&128){let o=Buffer.allocUnsafe(21);o[0]=0,i.copy(o,1),i=o}else i[0]===0&&!(i[1]&128)&&(i=i.slice(1));return t.writeBuffer(r,Ht.Integer),t.writeBuffer(i,Ht.Integer),t.endSequence(),t.buffer}case"ecdsa-sha2-nistp256":case"ecdsa-sha2-nistp384":case"ecdsa-sha2-nistp521":{Zi.init(e,0);let t=Zi.readString(),r=Zi.readString();if(Zi.clear(),t===void 0||r===void 0)return;let i=new Ht.Writer;return i.startSequence(),i.writeBuffer(t,Ht.Integer),i.writeBuffer(r,Ht.Integer),i.endSequence(),i.buffer}default:return e}},"sigSSHToASN1"),convertSignature:c((e,n)=>{switch(n){case"ssh-dss":{if(e.length<=40)return e;let t=new Ht.Reader(e);t.readSequence();let r=t.readString(Ht.Integer,!0),i=t.readString(Ht.Integer,!0),o=0,s=0;if(r.length<20){let u=Buffer.allocUnsafe(20);u.set(r,1),r=u,r[0]=0}if(i.length<20){let u=Buffer.allocUnsafe(20);u.set(i,1),i=u,i[0]=0}r.length>20&&r[0]===0&&(o=1),i.length>20&&i[0]===0&&(s=1);let a=Buffer.allocUnsafe(r.length-o+(i.length-s));return Hr(r,a,o,r.length,0),Hr(i,a,s,i.length,r.length-o),a}case"ecdsa-sha2-nistp256":case"ecdsa-sha2-nistp384":case"ecdsa-sha2-nistp521":{if(e[0]===0)return e;let t=new Ht.Reader(e);t.readSequence();let r=t.readString(Ht.Integer,!0),i=t.readString(Ht.Integer,!0);if(r===null||i===null)return;let o=Buffer.allocUnsafe(4+r.length+4+i.length);return ks(o,r.length,0),o.set(r,4),ks(o,i.length,4+r.length),o.set(i,8+r.length),o}}return e},"convertSignature"),sendPacket:c((e,n,t)=>!t&&e._kexinit!==void 0?(e._queue===void 0&&(e._queue=[]),e._queue.push(n),e._debug&&e._debug("Outbound: ... packet queued"),!1):(e._cipher.encrypt(n),!0),"sendPacket")}});var vf=ze((ji,vs)=>{var Is=(function(){var e=typeof document<"u"&&document.currentScript?document.currentScript.src:void 0;return typeof __filename<"u"&&(e=e||__filename),(function(n){n=n||{};var t;t||(t=typeof n<"u"?n:{});var r,i;t.ready=new Promise(function(U,q){r=U,i=q});var o={},s;for(s in t)t.hasOwnProperty(s)&&(o[s]=t[s]);var a=typeof window=="object",u=typeof importScripts=="function",l=typeof process=="object"&&typeof process.versions=="object"&&typeof process.versions.node=="string",d="",h,_,A,x,b;l?(d=u?require("path").dirname(d)+"/":__dirname+"/",h=c(function(U,q){var ge=nn(U);return ge?q?ge:ge.toString():(x||(x=require("fs")),b||(b=require("path")),U=b.normalize(U),x.readFileSync(U,q?null:"utf8"))},"C"),A=c(function(U){return U=h(U,!0),U.buffer||(U=new Uint8Array(U)),G(U.buffer),U},"E"),_=c(function(U,q,ge){var $e=nn(U);$e&&q($e),x||(x=require("fs")),b||(b=require("path")),U=b.normalize(U),x.readFile(U,function(Fe,lt){Fe?ge(Fe):q(lt.buffer)})},"D"),1<process.argv.length&&process.argv[1].replace(/\\/g,"/"),process.argv.slice(2),t.inspect=function(){return"[Emscripten Module object]"}):(a||u)&&(u?d=self.location.href:typeof document<"u"&&document.currentScript&&(d=document.currentScript.src),e&&(d=e),d.indexOf("blob:")!==0?d=d.substr(0,d.lastIndexOf("/")+1):d="",h=c(function(U){try{var q=new XMLHttpRequest;return q.open("GET",U,!1),q.send(null),q.responseText}catch(Fe){if(U=nn(U)){q=[];for(var ge=0;ge<U.length;ge++){var $e=U[ge];255<$e&&(Hn&&G(!1,"Character code "+$e+" ("+String.fromCharCode($e)+")  at offset "+ge+" not in 0x00-0xFF."),$e&=255),q.push(String.fromCharCode($e))}return q.join("")}throw Fe}},"C"),u&&(A=c(function(U){try{var q=new XMLHttpRequest;return q.open("GET",U,!1),q.responseType="arraybuffer",q.send(null),new Uint8Array(q.response)}catch(ge){if(U=nn(U))return U;throw ge}},"E")),_=c(function(U,q,ge){var $e=new XMLHttpRequest;$e.open("GET",U,!0),$e.responseType="arraybuffer",$e.onload=function(){if($e.status==200||$e.status==0&&$e.response)q($e.response);else{var Fe=nn(U);Fe?q(Fe.buffer):ge()}},$e.onerror=ge,$e.send(null)},"D")),t.print||console.log.bind(console);var E=t.printErr||console.warn.bind(console);for(s in o)o.hasOwnProperty(s)&&(t[s]=o[s]);o=null;var I;t.wasmBinary&&(I=t.wasmBinary);var P=t.noExitRuntime||!0;typeof WebAssembly!="object"&&F("no native wasm support detected");var M,O=!1;function G(U,q){U||F("Assertion failed: "+q)}c(G,"assert");function _e(U){var q=t["_"+U];return G(q,"Cannot call unknown function "+U+", make sure it is exported"),q}c(_e,"N");function le(U,q,ge,$e){var Fe={string:c(function(je){var gt=0;if(je!=null&&je!==0){var ht=(je.length<<2)+1;gt=Rr(ht);var it=gt,Ve=j;if(0<ht){ht=it+ht-1;for(var Lt=0;Lt<je.length;++Lt){var ot=je.charCodeAt(Lt);if(55296<=ot&&57343>=ot){var kn=je.charCodeAt(++Lt);ot=65536+((ot&1023)<<10)|kn&1023}if(127>=ot){if(it>=ht)break;Ve[it++]=ot}else{if(2047>=ot){if(it+1>=ht)break;Ve[it++]=192|ot>>6}else{if(65535>=ot){if(it+2>=ht)break;Ve[it++]=224|ot>>12}else{if(it+3>=ht)break;Ve[it++]=240|ot>>18,Ve[it++]=128|ot>>12&63}Ve[it++]=128|ot>>6&63}Ve[it++]=128|ot&63}}Ve[it]=0}}return gt},"string"),array:c(function(je){var gt=Rr(je.length);return V.set(je,gt),gt},"array")},lt=_e(U),jt=[];if(U=0,$e)for(var Tt=0;Tt<$e.length;Tt++){var Kn=Fe[ge[Tt]];Kn?(U===0&&(U=Br()),jt[Tt]=Kn($e[Tt])):jt[Tt]=$e[Tt]}return ge=lt.apply(null,jt),ge=(function(je){if(q==="string")if(je){for(var gt=j,ht=je+NaN,it=je;gt[it]&&!(it>=ht);)++it;if(16<it-je&&gt.subarray&&L)je=L.decode(gt.subarray(je,it));else{for(ht="";je<it;){var Ve=gt[je++];if(Ve&128){var Lt=gt[je++]&63;if((Ve&224)==192)ht+=String.fromCharCode((Ve&31)<<6|Lt);else{var ot=gt[je++]&63;Ve=(Ve&240)==224?(Ve&15)<<12|Lt<<6|ot:(Ve&7)<<18|Lt<<12|ot<<6|gt[je++]&63,65536>Ve?ht+=String.fromCharCode(Ve):(Ve-=65536,ht+=String.fromCharCode(55296|Ve>>10,56320|Ve&1023))}}else ht+=String.fromCharCode(Ve)}je=ht}}else je="";else je=q==="boolean"?!!je:je;return je})(ge),U!==0&&gi(U),ge}c(le,"ca");var L=typeof TextDecoder<"u"?new TextDecoder("utf8"):void 0,Z,V,j;function ie(){var U=M.buffer;Z=U,t.HEAP8=V=new Int8Array(U),t.HEAP16=new Int16Array(U),t.HEAP32=new Int32Array(U),t.HEAPU8=j=new Uint8Array(U),t.HEAPU16=new Uint16Array(U),t.HEAPU32=new Uint32Array(U),t.HEAPF32=new Float32Array(U),t.HEAPF64=new Float64Array(U)}c(ie,"ia");var me,J=[],ce=[],de=[];function xe(){var U=t.preRun.shift();J.unshift(U)}c(xe,"ma");var C=0,N=null,T=null;t.preloadedImages={},t.preloadedAudios={};function F(U){throw t.onAbort&&t.onAbort(U),E(U),O=!0,U=new WebAssembly.RuntimeError("abort("+U+"). Build with -s ASSERTIONS=1 for more info."),i(U),U}c(F,"K");var se="data:application/octet-stream;base64,",ue;if(ue="data:application/octet-stream;base64,AGFzbQEAAAABIAZgAX8Bf2ADf39/AGABfwBgAABgAAF/YAZ/f39/f38AAgcBAWEBYQAAAwsKAAEDAQAAAgQFAgQFAXABAQEFBwEBgAKAgAIGCQF/AUGAjMACCwclCQFiAgABYwADAWQACQFlAAgBZgAHAWcABgFoAAUBaQAKAWoBAAqGTQpPAQJ/QYAIKAIAIgEgAEEDakF8cSICaiEAAkAgAkEAIAAgAU0bDQAgAD8AQRB0SwRAIAAQAEUNAQtBgAggADYCACABDwtBhAhBMDYCAEF/C4wFAg5+Cn8gACgCJCEUIAAoAiAhFSAAKAIcIREgACgCGCESIAAoAhQhEyACQRBPBEAgAC0ATEVBGHQhFyAAKAIEIhZBBWytIQ8gACgCCCIYQQVsrSENIAAoAgwiGUEFbK0hCyAAKAIQIhpBBWytIQkgADUCACEIIBqtIRAgGa0hDiAYrSEMIBatIQoDQCASIAEtAAMiEiABLQAEQQh0ciABLQAFQRB0ciABLQAGIhZBGHRyQQJ2Qf///x9xaq0iAyAOfiABLwAAIAEtAAJBEHRyIBNqIBJBGHRBgICAGHFqrSIEIBB+fCARIAEtAAdBCHQgFnIgAS0ACEEQdHIgAS0ACSIRQRh0ckEEdkH///8fcWqtIgUgDH58IAEtAApBCHQgEXIgAS0AC0EQdHIgAS0ADEEYdHJBBnYgFWqtIgYgCn58IBQgF2ogAS8ADSABLQAPQRB0cmqtIgcgCH58IAMgDH4gBCAOfnwgBSAKfnwgBiAIfnwgByAJfnwgAyAKfiAEIAx+fCAFIAh+fCAGIAl+fCAHIAt+fCADIAh+IAQgCn58IAUgCX58IAYgC358IAcgDX58IAMgCX4gBCAIfnwgBSALfnwgBiANfnwgByAPfnwiA0IaiEL/////D4N8IgRCGohC/////w+DfCIFQhqIQv////8Pg3wiBkIaiEL/////D4N8IgdCGoinQQVsIAOnQf///x9xaiITQRp2IASnQf///x9xaiESIAWnQf///x9xIREgBqdB////H3EhFSAHp0H///8fcSEUIBNB////H3EhEyABQRBqIQEgAkEQayICQQ9LDQALCyAAIBQ2AiQgACAVNgIgIAAgETYCHCAAIBI2AhggACATNgIUCwMAAQu2BAEGfwJAIAAoAjgiBARAIABBPGohBQJAIAJBECAEayIDIAIgA0kbIgZFDQAgBkEDcSEHAkAgBkEBa0EDSQRAQQAhAwwBCyAGQXxxIQhBACEDA0AgBSADIARqaiABIANqLQAAOgAAIAUgA0EBciIEIAAoAjhqaiABIARqLQAAOgAAIAUgA0ECciIEIAAoAjhqaiABIARqLQAAOgAAIAUgA0EDciIEIAAoAjhqaiABIARqLQAAOgAAIANBBGohAyAAKAI4IQQgCEEEayIIDQALCyAHRQ0AA0AgBSADIARqaiABIANqLQAAOgAAIANBAWohAyAAKAI4IQQgB0EBayIHDQALCyAAIAQgBmoiAzYCOCADQRBJDQEgACAFQRAQAiAAQQA2AjggAiAGayECIAEgBmohAQsgAkEQTwRAIAAgASACQXBxIgMQAiACQQ9xIQIgASADaiEBCyACRQ0AIAJBA3EhBCAAQTxqIQVBACEDIAJBAWtBA08EQCACQXxxIQcDQCAFIAAoAjggA2pqIAEgA2otAAA6AAAgBSADQQFyIgYgACgCOGpqIAEgBmotAAA6AAAgBSADQQJyIgYgACgCOGpqIAEgBmotAAA6AAAgBSADQQNyIgYgACgCOGpqIAEgBmotAAA6AAAgA0EEaiEDIAdBBGsiBw0ACwsgBARAA0AgBSAAKAI4IANqaiABIANqLQAAOgAAIANBAWohAyAEQQFrIgQNAAsLIAAgACgCOCACajYCOAsLoS0BDH8jAEEQayIMJAACQAJAAkACQAJAAkACQAJAAkACQAJAAkAgAEH0AU0EQEGICCgCACIFQRAgAEELakF4cSAAQQtJGyIIQQN2IgJ2IgFBA3EEQCABQX9zQQFxIAJqIgNBA3QiAUG4CGooAgAiBEEIaiEAAkAgBCgCCCICIAFBsAhqIgFGBEBBiAggBUF+IAN3cTYCAAwBCyACIAE2AgwgASACNgIICyAEIANBA3QiAUEDcjYCBCABIARqIgEgASgCBEEBcjYCBAwNCyAIQZAIKAIAIgpNDQEgAQRAAkBBAiACdCIAQQAgAGtyIAEgAnRxIgBBACAAa3FBAWsiACAAQQx2QRBxIgJ2IgFBBXZBCHEiACACciABIAB2IgFBAnZBBHEiAHIgASAAdiIBQQF2QQJxIgByIAEgAHYiAUEBdkEBcSIAciABIAB2aiIDQQN0IgBBuAhqKAIAIgQoAggiASAAQbAIaiIARgRAQYgIIAVBfiADd3EiBTYCAAwBCyABIAA2AgwgACABNgIICyAEQQhqIQAgBCAIQQNyNgIEIAQgCGoiAiADQQN0IgEgCGsiA0EBcjYCBCABIARqIAM2AgAgCgRAIApBA3YiAUEDdEGwCGohB0GcCCgCACEEAn8gBUEBIAF0IgFxRQRAQYgIIAEgBXI2AgAgBwwBCyAHKAIICyEBIAcgBDYCCCABIAQ2AgwgBCAHNgIMIAQgATYCCAtBnAggAjYCAEGQCCADNgIADA0LQYwIKAIAIgZFDQEgBkEAIAZrcUEBayIAIABBDHZBEHEiAnYiAUEFdkEIcSIAIAJyIAEgAHYiAUECdkEEcSIAciABIAB2IgFBAXZBAnEiAHIgASAAdiIBQQF2QQFxIgByIAEgAHZqQQJ0QbgKaigCACIBKAIEQXhxIAhrIQMgASECA0ACQCACKAIQIgBFBEAgAigCFCIARQ0BCyAAKAIEQXhxIAhrIgIgAyACIANJIgIbIQMgACABIAIbIQEgACECDAELCyABIAhqIgkgAU0NAiABKAIYIQsgASABKAIMIgRHBEAgASgCCCIAQZgIKAIASRogACAENgIMIAQgADYCCAwMCyABQRRqIgIoAgAiAEUEQCABKAIQIgBFDQQgAUEQaiECCwNAIAIhByAAIgRBFGoiAigCACIADQAgBEEQaiECIAQoAhAiAA0ACyAHQQA2AgAMCwtBfyEIIABBv39LDQAgAEELaiIAQXhxIQhBjAgoAgAiCUUNAEEAIAhrIQMCQAJAAkACf0EAIAhBgAJJDQAaQR8gCEH///8HSw0AGiAAQQh2IgAgAEGA/j9qQRB2QQhxIgJ0IgAgAEGA4B9qQRB2QQRxIgF0IgAgAEGAgA9qQRB2QQJxIgB0QQ92IAEgAnIgAHJrIgBBAXQgCCAAQRVqdkEBcXJBHGoLIgVBAnRBuApqKAIAIgJFBEBBACEADAELQQAhACAIQQBBGSAFQQF2ayAFQR9GG3QhAQNAAkAgAigCBEF4cSAIayIHIANPDQAgAiEEIAciAw0AQQAhAyACIQAMAwsgACACKAIUIgcgByACIAFBHXZBBHFqKAIQIgJGGyAAIAcbIQAgAUEBdCEBIAINAAsLIAAgBHJFBEBBACEEQQIgBXQiAEEAIABrciAJcSIARQ0DIABBACAAa3FBAWsiACAAQQx2QRBxIgJ2IgFBBXZBCHEiACACciABIAB2IgFBAnZBBHEiAHIgASAAdiIBQQF2QQJxIgByIAEgAHYiAUEBdkEBcSIAciABIAB2akECdEG4CmooAgAhAAsgAEUNAQsDQCAAKAIEQXhxIAhrIgEgA0khAiABIAMgAhshAyAAIAQgAhshBCAAKAIQIgEEfyABBSAAKAIUCyIADQALCyAERQ0AIANBkAgoAgAgCGtPDQAgBCAIaiIGIARNDQEgBCgCGCEFIAQgBCgCDCIBRwRAIAQoAggiAEGYCCgCAEkaIAAgATYCDCABIAA2AggMCgsgBEEUaiICKAIAIgBFBEAgBCgCECIARQ0EIARBEGohAgsDQCACIQcgACIBQRRqIgIoAgAiAA0AIAFBEGohAiABKAIQIgANAAsgB0EANgIADAkLIAhBkAgoAgAiAk0EQEGcCCgCACEDAkAgAiAIayIBQRBPBEBBkAggATYCAEGcCCADIAhqIgA2AgAgACABQQFyNgIEIAIgA2ogATYCACADIAhBA3I2AgQMAQtBnAhBADYCAEGQCEEANgIAIAMgAkEDcjYCBCACIANqIgAgACgCBEEBcjYCBAsgA0EIaiEADAsLIAhBlAgoAgAiBkkEQEGUCCAGIAhrIgE2AgBBoAhBoAgoAgAiAiAIaiIANgIAIAAgAUEBcjYCBCACIAhBA3I2AgQgAkEIaiEADAsLQQAhACAIQS9qIgkCf0HgCygCAARAQegLKAIADAELQewLQn83AgBB5AtCgKCAgICABDcCAEHgCyAMQQxqQXBxQdiq1aoFczYCAEH0C0EANgIAQcQLQQA2AgBBgCALIgFqIgVBACABayIHcSICIAhNDQpBwAsoAgAiBARAQbgLKAIAIgMgAmoiASADTQ0LIAEgBEsNCwtBxAstAABBBHENBQJAAkBBoAgoAgAiAwRAQcgLIQADQCADIAAoAgAiAU8EQCABIAAoAgRqIANLDQMLIAAoAggiAA0ACwtBABABIgFBf0YNBiACIQVB5AsoAgAiA0EBayIAIAFxBEAgAiABayAAIAFqQQAgA2txaiEFCyAFIAhNDQYgBUH+////B0sNBkHACygCACIEBEBBuAsoAgAiAyAFaiIAIANNDQcgACAESw0HCyAFEAEiACABRw0BDAgLIAUgBmsgB3EiBUH+////B0sNBSAFEAEiASAAKAIAIAAoAgRqRg0EIAEhAAsCQCAAQX9GDQAgCEEwaiAFTQ0AQegLKAIAIgEgCSAFa2pBACABa3EiAUH+////B0sEQCAAIQEMCAsgARABQX9HBEAgASAFaiEFIAAhAQwIC0EAIAVrEAEaDAULIAAiAUF/Rw0GDAQLAAtBACEEDAcLQQAhAQwFCyABQX9HDQILQcQLQcQLKAIAQQRyNgIACyACQf7///8HSw0BIAIQASEBQQAQASEAIAFBf0YNASAAQX9GDQEgACABTQ0BIAAgAWsiBSAIQShqTQ0BC0G4C0G4CygCACAFaiIANgIAQbwLKAIAIABJBEBBvAsgADYCAAsCQAJAAkBBoAgoAgAiBwRAQcgLIQADQCABIAAoAgAiAyAAKAIEIgJqRg0CIAAoAggiAA0ACwwCC0GYCCgCACIAQQAgACABTRtFBEBBmAggATYCAAtBACEAQcwLIAU2AgBByAsgATYCAEGoCEF/NgIAQawIQeALKAIANgIAQdQLQQA2AgADQCAAQQN0IgNBuAhqIANBsAhqIgI2AgAgA0G8CGogAjYCACAAQQFqIgBBIEcNAAtBlAggBUEoayIDQXggAWtBB3FBACABQQhqQQdxGyIAayICNgIAQaAIIAAgAWoiADYCACAAIAJBAXI2AgQgASADakEoNgIEQaQIQfALKAIANgIADAILIAAtAAxBCHENACADIAdLDQAgASAHTQ0AIAAgAiAFajYCBEGgCCAHQXggB2tBB3FBACAHQQhqQQdxGyIAaiICNgIAQZQIQZQIKAIAIAVqIgEgAGsiADYCACACIABBAXI2AgQgASAHakEoNgIEQaQIQfALKAIANgIADAELQZgIKAIAIAFLBEBBmAggATYCAAsgASAFaiECQcgLIQACQAJAAkACQAJAAkADQCACIAAoAgBHBEAgACgCCCIADQEMAgsLIAAtAAxBCHFFDQELQcgLIQADQCAHIAAoAgAiAk8EQCACIAAoAgRqIgQgB0sNAwsgACgCCCEADAALAAsgACABNgIAIAAgACgCBCAFajYCBCABQXggAWtBB3FBACABQQhqQQdxG2oiCSAIQQNyNgIEIAJBeCACa0EHcUEAIAJBCGpBB3EbaiIFIAggCWoiBmshAiAFIAdGBEBBoAggBjYCAEGUCEGUCCgCACACaiIANgIAIAYgAEEBcjYCBAwDCyAFQZwIKAIARgRAQZwIIAY2AgBBkAhBkAgoAgAgAmoiADYCACAGIABBAXI2AgQgACAGaiAANgIADAMLIAUoAgQiAEEDcUEBRgRAIABBeHEhBwJAIABB/wFNBEAgBSgCCCIDIABBA3YiAEEDdEGwCGpGGiADIAUoAgwiAUYEQEGICEGICCgCAEF+IAB3cTYCAAwCCyADIAE2AgwgASADNgIIDAELIAUoAhghCAJAIAUgBSgCDCIBRwRAIAUoAggiACABNgIMIAEgADYCCAwBCwJAIAVBFGoiACgCACIDDQAgBUEQaiIAKAIAIgMNAEEAIQEMAQsDQCAAIQQgAyIBQRRqIgAoAgAiAw0AIAFBEGohACABKAIQIgMNAAsgBEEANgIACyAIRQ0AAkAgBSAFKAIcIgNBAnRBuApqIgAoAgBGBEAgACABNgIAIAENAUGMCEGMCCgCAEF+IAN3cTYCAAwCCyAIQRBBFCAIKAIQIAVGG2ogATYCACABRQ0BCyABIAg2AhggBSgCECIABEAgASAANgIQIAAgATYCGAsgBSgCFCIARQ0AIAEgADYCFCAAIAE2AhgLIAUgB2ohBSACIAdqIQILIAUgBSgCBEF+cTYCBCAGIAJBAXI2AgQgAiAGaiACNgIAIAJB/wFNBEAgAkEDdiIAQQN0QbAIaiECAn9BiAgoAgAiAUEBIAB0IgBxRQRAQYgIIAAgAXI2AgAgAgwBCyACKAIICyEAIAIgBjYCCCAAIAY2AgwgBiACNgIMIAYgADYCCAwDC0EfIQAgAkH///8HTQRAIAJBCHYiACAAQYD+P2pBEHZBCHEiA3QiACAAQYDgH2pBEHZBBHEiAXQiACAAQYCAD2pBEHZBAnEiAHRBD3YgASADciAAcmsiAEEBdCACIABBFWp2QQFxckEcaiEACyAGIAA2AhwgBkIANwIQIABBAnRBuApqIQQCQEGMCCgCACIDQQEgAHQiAXFFBEBBjAggASADcjYCACAEIAY2AgAgBiAENgIYDAELIAJBAEEZIABBAXZrIABBH0YbdCEAIAQoAgAhAQNAIAEiAygCBEF4cSACRg0DIABBHXYhASAAQQF0IQAgAyABQQRxaiIEKAIQIgENAAsgBCAGNgIQIAYgAzYCGAsgBiAGNgIMIAYgBjYCCAwCC0GUCCAFQShrIgNBeCABa0EHcUEAIAFBCGpBB3EbIgBrIgI2AgBBoAggACABaiIANgIAIAAgAkEBcjYCBCABIANqQSg2AgRBpAhB8AsoAgA2AgAgByAEQScgBGtBB3FBACAEQSdrQQdxG2pBL2siACAAIAdBEGpJGyICQRs2AgQgAkHQCykCADcCECACQcgLKQIANwIIQdALIAJBCGo2AgBBzAsgBTYCAEHICyABNgIAQdQLQQA2AgAgAkEYaiEAA0AgAEEHNgIEIABBCGohASAAQQRqIQAgASAESQ0ACyACIAdGDQMgAiACKAIEQX5xNgIEIAcgAiAHayIEQQFyNgIEIAIgBDYCACAEQf8BTQRAIARBA3YiAEEDdEGwCGohAgJ/QYgIKAIAIgFBASAAdCIAcUUEQEGICCAAIAFyNgIAIAIMAQsgAigCCAshACACIAc2AgggACAHNgIMIAcgAjYCDCAHIAA2AggMBAtBHyEAIAdCADcCECAEQf///wdNBEAgBEEIdiIAIABBgP4/akEQdkEIcSICdCIAIABBgOAfakEQdkEEcSIBdCIAIABBgIAPakEQdkECcSIAdEEPdiABIAJyIAByayIAQQF0IAQgAEEVanZBAXFyQRxqIQALIAcgADYCHCAAQQJ0QbgKaiEDAkBBjAgoAgAiAkEBIAB0IgFxRQRAQYwIIAEgAnI2AgAgAyAHNgIAIAcgAzYCGAwBCyAEQQBBGSAAQQF2ayAAQR9GG3QhACADKAIAIQEDQCABIgIoAgRBeHEgBEYNBCAAQR12IQEgAEEBdCEAIAIgAUEEcWoiAygCECIBDQALIAMgBzYCECAHIAI2AhgLIAcgBzYCDCAHIAc2AggMAwsgAygCCCIAIAY2AgwgAyAGNgIIIAZBADYCGCAGIAM2AgwgBiAANgIICyAJQQhqIQAMBQsgAigCCCIAIAc2AgwgAiAHNgIIIAdBADYCGCAHIAI2AgwgByAANgIIC0GUCCgCACIAIAhNDQBBlAggACAIayIBNgIAQaAIQaAIKAIAIgIgCGoiADYCACAAIAFBAXI2AgQgAiAIQQNyNgIEIAJBCGohAAwDC0GECEEwNgIAQQAhAAwCCwJAIAVFDQACQCAEKAIcIgJBAnRBuApqIgAoAgAgBEYEQCAAIAE2AgAgAQ0BQYwIIAlBfiACd3EiCTYCAAwCCyAFQRBBFCAFKAIQIARGG2ogATYCACABRQ0BCyABIAU2AhggBCgCECIABEAgASAANgIQIAAgATYCGAsgBCgCFCIARQ0AIAEgADYCFCAAIAE2AhgLAkAgA0EPTQRAIAQgAyAIaiIAQQNyNgIEIAAgBGoiACAAKAIEQQFyNgIEDAELIAQgCEEDcjYCBCAGIANBAXI2AgQgAyAGaiADNgIAIANB/wFNBEAgA0EDdiIAQQN0QbAIaiECAn9BiAgoAgAiAUEBIAB0IgBxRQRAQYgIIAAgAXI2AgAgAgwBCyACKAIICyEAIAIgBjYCCCAAIAY2AgwgBiACNgIMIAYgADYCCAwBC0EfIQAgA0H///8HTQRAIANBCHYiACAAQYD+P2pBEHZBCHEiAnQiACAAQYDgH2pBEHZBBHEiAXQiACAAQYCAD2pBEHZBAnEiAHRBD3YgASACciAAcmsiAEEBdCADIABBFWp2QQFxckEcaiEACyAGIAA2AhwgBkIANwIQIABBAnRBuApqIQICQAJAIAlBASAAdCIBcUUEQEGMCCABIAlyNgIAIAIgBjYCACAGIAI2AhgMAQsgA0EAQRkgAEEBdmsgAEEfRht0IQAgAigCACEIA0AgCCIBKAIEQXhxIANGDQIgAEEddiECIABBAXQhACABIAJBBHFqIgIoAhAiCA0ACyACIAY2AhAgBiABNgIYCyAGIAY2AgwgBiAGNgIIDAELIAEoAggiACAGNgIMIAEgBjYCCCAGQQA2AhggBiABNgIMIAYgADYCCAsgBEEIaiEADAELAkAgC0UNAAJAIAEoAhwiAkECdEG4CmoiACgCACABRgRAIAAgBDYCACAEDQFBjAggBkF+IAJ3cTYCAAwCCyALQRBBFCALKAIQIAFGG2ogBDYCACAERQ0BCyAEIAs2AhggASgCECIABEAgBCAANgIQIAAgBDYCGAsgASgCFCIARQ0AIAQgADYCFCAAIAQ2AhgLAkAgA0EPTQRAIAEgAyAIaiIAQQNyNgIEIAAgAWoiACAAKAIEQQFyNgIEDAELIAEgCEEDcjYCBCAJIANBAXI2AgQgAyAJaiADNgIAIAoEQCAKQQN2IgBBA3RBsAhqIQRBnAgoAgAhAgJ/QQEgAHQiACAFcUUEQEGICCAAIAVyNgIAIAQMAQsgBCgCCAshACAEIAI2AgggACACNgIMIAIgBDYCDCACIAA2AggLQZwIIAk2AgBBkAggAzYCAAsgAUEIaiEACyAMQRBqJAAgAAsQACMAIABrQXBxIgAkACAACwYAIAAkAAsEACMAC4AJAgh/BH4jAEGQAWsiBiQAIAYgBS0AA0EYdEGAgIAYcSAFLwAAIAUtAAJBEHRycjYCACAGIAUoAANBAnZBg/7/H3E2AgQgBiAFKAAGQQR2Qf+B/x9xNgIIIAYgBSgACUEGdkH//8AfcTYCDCAFLwANIQggBS0ADyEJIAZCADcCFCAGQgA3AhwgBkEANgIkIAYgCCAJQRB0QYCAPHFyNgIQIAYgBSgAEDYCKCAGIAUoABQ2AiwgBiAFKAAYNgIwIAUoABwhBSAGQQA6AEwgBkEANgI4IAYgBTYCNCAGIAEgAhAEIAQEQCAGIAMgBBAECyAGKAI4IgEEQCAGQTxqIgIgAWpBAToAACABQQFqQQ9NBEAgASAGakE9aiEEAkBBDyABayIDRQ0AIAMgBGoiAUEBa0EAOgAAIARBADoAACADQQNJDQAgAUECa0EAOgAAIARBADoAASABQQNrQQA6AAAgBEEAOgACIANBB0kNACABQQRrQQA6AAAgBEEAOgADIANBCUkNACAEQQAgBGtBA3EiAWoiBEEANgIAIAQgAyABa0F8cSIBaiIDQQRrQQA2AgAgAUEJSQ0AIARBADYCCCAEQQA2AgQgA0EIa0EANgIAIANBDGtBADYCACABQRlJDQAgBEEANgIYIARBADYCFCAEQQA2AhAgBEEANgIMIANBEGtBADYCACADQRRrQQA2AgAgA0EYa0EANgIAIANBHGtBADYCACABIARBBHFBGHIiAWsiA0EgSQ0AIAEgBGohAQNAIAFCADcDGCABQgA3AxAgAUIANwMIIAFCADcDACABQSBqIQEgA0EgayIDQR9LDQALCwsgBkEBOgBMIAYgAkEQEAILIAY1AjQhECAGNQIwIREgBjUCLCEOIAAgBjUCKCAGKAIkIAYoAiAgBigCHCAGKAIYIgNBGnZqIgJBGnZqIgFBGnZqIgtBgICAYHIgAUH///8fcSINIAJB////H3EiCCAGKAIUIAtBGnZBBWxqIgFB////H3EiCUEFaiIFQRp2IANB////H3EgAUEadmoiA2oiAUEadmoiAkEadmoiBEEadmoiDEEfdSIHIANxIAEgDEEfdkEBayIDQf///x9xIgpxciIBQRp0IAUgCnEgByAJcXJyrXwiDzwAACAAIA9CGIg8AAMgACAPQhCIPAACIAAgD0IIiDwAASAAIA4gByAIcSACIApxciICQRR0IAFBBnZyrXwgD0IgiHwiDjwABCAAIA5CGIg8AAcgACAOQhCIPAAGIAAgDkIIiDwABSAAIBEgByANcSAEIApxciIBQQ50IAJBDHZyrXwgDkIgiHwiDjwACCAAIA5CGIg8AAsgACAOQhCIPAAKIAAgDkIIiDwACSAAIBAgAyAMcSAHIAtxckEIdCABQRJ2cq18IA5CIIh8Ig48AAwgACAOQhiIPAAPIAAgDkIQiDwADiAAIA5CCIg8AA0gBkIANwIwIAZCADcCKCAGQgA3AiAgBkIANwIYIAZCADcCECAGQgA3AgggBkIANwIAIAZBkAFqJAALpwwBB38CQCAARQ0AIABBCGsiAyAAQQRrKAIAIgFBeHEiAGohBQJAIAFBAXENACABQQNxRQ0BIAMgAygCACIBayIDQZgIKAIASQ0BIAAgAWohACADQZwIKAIARwRAIAFB/wFNBEAgAygCCCICIAFBA3YiBEEDdEGwCGpGGiACIAMoAgwiAUYEQEGICEGICCgCAEF+IAR3cTYCAAwDCyACIAE2AgwgASACNgIIDAILIAMoAhghBgJAIAMgAygCDCIBRwRAIAMoAggiAiABNgIMIAEgAjYCCAwBCwJAIANBFGoiAigCACIEDQAgA0EQaiICKAIAIgQNAEEAIQEMAQsDQCACIQcgBCIBQRRqIgIoAgAiBA0AIAFBEGohAiABKAIQIgQNAAsgB0EANgIACyAGRQ0BAkAgAyADKAIcIgJBAnRBuApqIgQoAgBGBEAgBCABNgIAIAENAUGMCEGMCCgCAEF+IAJ3cTYCAAwDCyAGQRBBFCAGKAIQIANGG2ogATYCACABRQ0CCyABIAY2AhggAygCECICBEAgASACNgIQIAIgATYCGAsgAygCFCICRQ0BIAEgAjYCFCACIAE2AhgMAQsgBSgCBCIBQQNxQQNHDQBBkAggADYCACAFIAFBfnE2AgQgAyAAQQFyNgIEIAAgA2ogADYCAA8LIAMgBU8NACAFKAIEIgFBAXFFDQACQCABQQJxRQRAIAVBoAgoAgBGBEBBoAggAzYCAEGUCEGUCCgCACAAaiIANgIAIAMgAEEBcjYCBCADQZwIKAIARw0DQZAIQQA2AgBBnAhBADYCAA8LIAVBnAgoAgBGBEBBnAggAzYCAEGQCEGQCCgCACAAaiIANgIAIAMgAEEBcjYCBCAAIANqIAA2AgAPCyABQXhxIABqIQACQCABQf8BTQRAIAUoAggiAiABQQN2IgRBA3RBsAhqRhogAiAFKAIMIgFGBEBBiAhBiAgoAgBBfiAEd3E2AgAMAgsgAiABNgIMIAEgAjYCCAwBCyAFKAIYIQYCQCAFIAUoAgwiAUcEQCAFKAIIIgJBmAgoAgBJGiACIAE2AgwgASACNgIIDAELAkAgBUEUaiICKAIAIgQNACAFQRBqIgIoAgAiBA0AQQAhAQwBCwNAIAIhByAEIgFBFGoiAigCACIEDQAgAUEQaiECIAEoAhAiBA0ACyAHQQA2AgALIAZFDQACQCAFIAUoAhwiAkECdEG4CmoiBCgCAEYEQCAEIAE2AgAgAQ0BQYwIQYwIKAIAQX4gAndxNgIADAILIAZBEEEUIAYoAhAgBUYbaiABNgIAIAFFDQELIAEgBjYCGCAFKAIQIgIEQCABIAI2AhAgAiABNgIYCyAFKAIUIgJFDQAgASACNgIUIAIgATYCGAsgAyAAQQFyNgIEIAAgA2ogADYCACADQZwIKAIARw0BQZAIIAA2AgAPCyAFIAFBfnE2AgQgAyAAQQFyNgIEIAAgA2ogADYCAAsgAEH/AU0EQCAAQQN2IgFBA3RBsAhqIQACf0GICCgCACICQQEgAXQiAXFFBEBBiAggASACcjYCACAADAELIAAoAggLIQIgACADNgIIIAIgAzYCDCADIAA2AgwgAyACNgIIDwtBHyECIANCADcCECAAQf///wdNBEAgAEEIdiIBIAFBgP4/akEQdkEIcSIBdCICIAJBgOAfakEQdkEEcSICdCIEIARBgIAPakEQdkECcSIEdEEPdiABIAJyIARyayIBQQF0IAAgAUEVanZBAXFyQRxqIQILIAMgAjYCHCACQQJ0QbgKaiEBAkACQAJAQYwIKAIAIgRBASACdCIHcUUEQEGMCCAEIAdyNgIAIAEgAzYCACADIAE2AhgMAQsgAEEAQRkgAkEBdmsgAkEfRht0IQIgASgCACEBA0AgASIEKAIEQXhxIABGDQIgAkEddiEBIAJBAXQhAiAEIAFBBHFqIgdBEGooAgAiAQ0ACyAHIAM2AhAgAyAENgIYCyADIAM2AgwgAyADNgIIDAELIAQoAggiACADNgIMIAQgAzYCCCADQQA2AhggAyAENgIMIAMgADYCCAtBqAhBqAgoAgBBAWsiAEF/IAAbNgIACwsLCQEAQYEICwIGUA==",!ue.startsWith(se)){var fe=ue;ue=t.locateFile?t.locateFile(fe,d):d+fe}function rt(){var U=ue;try{if(U==ue&&I)return new Uint8Array(I);var q=nn(U);if(q)return q;if(A)return A(U);throw"both async and sync fetching of the wasm failed"}catch(ge){F(ge)}}c(rt,"pa");function wt(){if(!I&&(a||u)){if(typeof fetch=="function"&&!ue.startsWith("file://"))return fetch(ue,{credentials:"same-origin"}).then(function(U){if(!U.ok)throw"failed to load wasm binary file at '"+ue+"'";return U.arrayBuffer()}).catch(function(){return rt()});if(_)return new Promise(function(U,q){_(ue,function(ge){U(new Uint8Array(ge))},q)})}return Promise.resolve().then(function(){return rt()})}c(wt,"qa");function Cr(U){for(;0<U.length;){var q=U.shift();if(typeof q=="function")q(t);else{var ge=q.m;typeof ge=="number"?q.l===void 0?me.get(ge)():me.get(ge)(q.l):ge(q.l===void 0?null:q.l)}}}c(Cr,"X");var Hn=!1,zn=typeof atob=="function"?atob:function(U){var q="",ge=0;U=U.replace(/[^A-Za-z0-9\+\/=]/g,"");do{var $e="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".indexOf(U.charAt(ge++)),Fe="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".indexOf(U.charAt(ge++)),lt="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".indexOf(U.charAt(ge++)),jt="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".indexOf(U.charAt(ge++));$e=$e<<2|Fe>>4,Fe=(Fe&15)<<4|lt>>2;var Tt=(lt&3)<<6|jt;q+=String.fromCharCode($e),lt!==64&&(q+=String.fromCharCode(Fe)),jt!==64&&(q+=String.fromCharCode(Tt))}while(ge<U.length);return q};function nn(U){if(U.startsWith(se)){if(U=U.slice(se.length),typeof l=="boolean"&&l){var q=Buffer.from(U,"base64");q=new Uint8Array(q.buffer,q.byteOffset,q.byteLength)}else try{var ge=zn(U),$e=new Uint8Array(ge.length);for(U=0;U<ge.length;++U)$e[U]=ge.charCodeAt(U);q=$e}catch{throw Error("Converting base64 string to bytes failed.")}return q}}c(nn,"H");var Fn={a:c(function(U){var q=j.length;if(U>>>=0,2147483648<U)return!1;for(var ge=1;4>=ge;ge*=2){var $e=q*(1+.2/ge);$e=Math.min($e,U+100663296),$e=Math.max(U,$e),0<$e%65536&&($e+=65536-$e%65536);e:{try{M.grow(Math.min(2147483648,$e)-Z.byteLength+65535>>>16),ie();var Fe=1;break e}catch{}Fe=void 0}if(Fe)return!0}return!1},"a")};(function(){function U(Fe){t.asm=Fe.exports,M=t.asm.b,ie(),me=t.asm.j,ce.unshift(t.asm.c),C--,t.monitorRunDependencies&&t.monitorRunDependencies(C),C==0&&(N!==null&&(clearInterval(N),N=null),T&&(Fe=T,T=null,Fe()))}c(U,"a");function q(Fe){U(Fe.instance)}c(q,"c");function ge(Fe){return wt().then(function(lt){return WebAssembly.instantiate(lt,$e)}).then(Fe,function(lt){E("failed to asynchronously prepare wasm: "+lt),F(lt)})}c(ge,"d");var $e={a:Fn};if(C++,t.monitorRunDependencies&&t.monitorRunDependencies(C),t.instantiateWasm)try{return t.instantiateWasm($e,U)}catch(Fe){return E("Module.instantiateWasm callback failed with error: "+Fe),!1}return(function(){return I||typeof WebAssembly.instantiateStreaming!="function"||ue.startsWith(se)||ue.startsWith("file://")||typeof fetch!="function"?ge(q):fetch(ue,{credentials:"same-origin"}).then(function(Fe){return WebAssembly.instantiateStreaming(Fe,$e).then(q,function(lt){return E("wasm streaming compile failed: "+lt),E("falling back to ArrayBuffer instantiation"),ge(q)})})})().catch(i),{}})(),t.___wasm_call_ctors=function(){return(t.___wasm_call_ctors=t.asm.c).apply(null,arguments)},t._poly1305_auth=function(){return(t._poly1305_auth=t.asm.d).apply(null,arguments)};var Br=t.stackSave=function(){return(Br=t.stackSave=t.asm.e).apply(null,arguments)},gi=t.stackRestore=function(){return(gi=t.stackRestore=t.asm.f).apply(null,arguments)},Rr=t.stackAlloc=function(){return(Rr=t.stackAlloc=t.asm.g).apply(null,arguments)};t._malloc=function(){return(t._malloc=t.asm.h).apply(null,arguments)},t._free=function(){return(t._free=t.asm.i).apply(null,arguments)},t.cwrap=function(U,q,ge,$e){ge=ge||[];var Fe=ge.every(function(lt){return lt==="number"});return q!=="string"&&Fe&&!$e?_e(U):function(){return le(U,q,ge,arguments)}};var Qn;T=c(function U(){Qn||Mn(),Qn||(T=U)},"ta");function Mn(){function U(){if(!Qn&&(Qn=!0,t.calledRun=!0,!O)){if(Cr(ce),r(t),t.onRuntimeInitialized&&t.onRuntimeInitialized(),t.postRun)for(typeof t.postRun=="function"&&(t.postRun=[t.postRun]);t.postRun.length;){var q=t.postRun.shift();de.unshift(q)}Cr(de)}}if(c(U,"a"),!(0<C)){if(t.preRun)for(typeof t.preRun=="function"&&(t.preRun=[t.preRun]);t.preRun.length;)xe();Cr(J),0<C||(t.setStatus?(t.setStatus("Running..."),setTimeout(function(){setTimeout(function(){t.setStatus("")},1),U()},1)):U())}}if(c(Mn,"Z"),t.run=Mn,t.preInit)for(typeof t.preInit=="function"&&(t.preInit=[t.preInit]);0<t.preInit.length;)t.preInit.pop()();return Mn(),n.ready})})();typeof ji=="object"&&typeof vs=="object"?vs.exports=Is:typeof define=="function"&&define.amd?define([],function(){return Is}):typeof ji=="object"&&(ji.createPoly1305=Is)});var nr=ze((lE,Tf)=>{"use strict";var{createCipheriv:ir,createDecipheriv:Gi,createHmac:Cs,randomFillSync:Rn,timingSafeEqual:Bs}=require("crypto"),{readUInt32BE:Qr,writeUInt32BE:Ot}=un(),yn=Buffer[Symbol.species],Cf=2**32-1,Bf=Buffer.alloc(0),rr=Buffer.alloc(4),qi=new Map,Pn=35e3,Rs,Zs,js,Gs,qs,Ys,Xs;try{Rs=require("./crypto/build/Release/sshcrypto.node"),{AESGCMCipher:Zs,ChaChaPolyCipher:js,GenericCipher:Gs,AESGCMDecipher:qs,ChaChaPolyDecipher:Ys,GenericDecipher:Xs}=Rs}catch{}var yt=1,wg=(()=>{function e(n,t,r,i,o,s,a){return{sslName:n,blockLen:t,keyLen:r,ivLen:i!==0||a&yt?i:t,authLen:o,discardLen:s,stream:!!(a&yt)}}return c(e,"info"),{"chacha20-poly1305@openssh.com":e("chacha20",8,64,0,16,0,yt),"aes128-gcm":e("aes-128-gcm",16,16,12,16,0,yt),"aes256-gcm":e("aes-256-gcm",16,32,12,16,0,yt),"aes128-gcm@openssh.com":e("aes-128-gcm",16,16,12,16,0,yt),"aes256-gcm@openssh.com":e("aes-256-gcm",16,32,12,16,0,yt),"aes128-cbc":e("aes-128-cbc",16,16,0,0,0,0),"aes192-cbc":e("aes-192-cbc",16,24,0,0,0,0),"aes256-cbc":e("aes-256-cbc",16,32,0,0,0,0),"rijndael-cbc@lysator.liu.se":e("aes-256-cbc",16,32,0,0,0,0),"3des-cbc":e("des-ede3-cbc",8,24,0,0,0,0),"blowfish-cbc":e("bf-cbc",8,16,0,0,0,0),"idea-cbc":e("idea-cbc",8,16,0,0,0,0),"cast128-cbc":e("cast-cbc",8,16,0,0,0,0),"aes128-ctr":e("aes-128-ctr",16,16,16,0,0,yt),"aes192-ctr":e("aes-192-ctr",16,24,16,0,0,yt),"aes256-ctr":e("aes-256-ctr",16,32,16,0,0,yt),"3des-ctr":e("des-ede3",8,24,8,0,0,yt),"blowfish-ctr":e("bf-ecb",8,16,8,0,0,yt),"cast128-ctr":e("cast5-ecb",8,16,8,0,0,yt),arcfour:e("rc4",8,16,0,0,1536,yt),arcfour128:e("rc4",8,16,0,0,1536,yt),arcfour256:e("rc4",8,32,0,0,1536,yt),arcfour512:e("rc4",8,64,0,0,1536,yt)}})(),xg=(()=>{function e(n,t,r,i){return{sslName:n,len:t,actualLen:r,isETM:i}}return c(e,"info"),{"hmac-md5":e("md5",16,16,!1),"hmac-md5-96":e("md5",16,12,!1),"hmac-ripemd160":e("ripemd160",20,20,!1),"hmac-sha1":e("sha1",20,20,!1),"hmac-sha1-etm@openssh.com":e("sha1",20,20,!0),"hmac-sha1-96":e("sha1",20,12,!1),"hmac-sha2-256":e("sha256",32,32,!1),"hmac-sha2-256-etm@openssh.com":e("sha256",32,32,!0),"hmac-sha2-256-96":e("sha256",32,12,!1),"hmac-sha2-512":e("sha512",64,64,!1),"hmac-sha2-512-etm@openssh.com":e("sha512",64,64,!0),"hmac-sha2-512-96":e("sha512",64,12,!1)}})(),Ps=class{static{c(this,"NullCipher")}constructor(n,t){this.outSeqno=n,this._onWrite=t,this._dead=!1}free(){this._dead=!0}allocPacket(n){let t=5+n,r=8-(t&7);r<4&&(r+=8),t+=r;let i=Buffer.allocUnsafe(t);return Ot(i,t-4,0),i[4]=r,Rn(i,5+n,r),i}encrypt(n){this._dead||(this._onWrite(n),this.outSeqno=this.outSeqno+1>>>0)}},Rf=Buffer.alloc(32),Rt=Buffer.alloc(16),Fr,Mr,Vs,Ts=class{static{c(this,"ChaChaPolyCipherNative")}constructor(n){let t=n.outbound;this.outSeqno=t.seqno,this._onWrite=t.onWrite,this._encKeyMain=t.cipherKey.slice(0,32),this._encKeyPktLen=t.cipherKey.slice(32),this._dead=!1}free(){this._dead=!0}allocPacket(n){let t=5+n,r=8-(t-4&7);r<4&&(r+=8),t+=r;let i=Buffer.allocUnsafe(t);return Ot(i,t-4,0),i[4]=r,Rn(i,5+n,r),i}encrypt(n){if(this._dead)return;Rt[0]=0,Ot(Rt,this.outSeqno,12);let t=ir("chacha20",this._encKeyMain,Rt).update(Rf),r=ir("chacha20",this._encKeyPktLen,Rt).update(n.slice(0,4));this._onWrite(r),Rt[0]=1;let i=ir("chacha20",this._encKeyMain,Rt).update(n.slice(4));this._onWrite(i),Vs(Mr,r,r.length,i,i.length,t);let o=Buffer.allocUnsafe(16);o.set(new Uint8Array(Fr.HEAPU8.buffer,Mr,16),0),this._onWrite(o),this.outSeqno=this.outSeqno+1>>>0}},Ns=class{static{c(this,"ChaChaPolyCipherBinding")}constructor(n){let t=n.outbound;this.outSeqno=t.seqno,this._onWrite=t.onWrite,this._instance=new js(t.cipherKey),this._dead=!1}free(){this._dead=!0,this._instance.free()}allocPacket(n){let t=5+n,r=8-(t-4&7);r<4&&(r+=8),t+=r;let i=Buffer.allocUnsafe(t+16);return Ot(i,t-4,0),i[4]=r,Rn(i,5+n,r),i}encrypt(n){this._dead||(this._instance.encrypt(n,this.outSeqno),this._onWrite(n),this.outSeqno=this.outSeqno+1>>>0)}},Os=class{static{c(this,"AESGCMCipherNative")}constructor(n){let t=n.outbound;this.outSeqno=t.seqno,this._onWrite=t.onWrite,this._encSSLName=t.cipherInfo.sslName,this._encKey=t.cipherKey,this._encIV=t.cipherIV,this._dead=!1}free(){this._dead=!0}allocPacket(n){let t=5+n,r=16-(t-4&15);r<4&&(r+=16),t+=r;let i=Buffer.allocUnsafe(t);return Ot(i,t-4,0),i[4]=r,Rn(i,5+n,r),i}encrypt(n){if(this._dead)return;let t=ir(this._encSSLName,this._encKey,this._encIV);t.setAutoPadding(!1);let r=n.slice(0,4);t.setAAD(r),this._onWrite(r);let i=t.update(n.slice(4));this._onWrite(i);let o=t.final();o.length&&this._onWrite(o);let s=t.getAuthTag();this._onWrite(s),Pf(this._encIV),this.outSeqno=this.outSeqno+1>>>0}},Ls=class{static{c(this,"AESGCMCipherBinding")}constructor(n){let t=n.outbound;this.outSeqno=t.seqno,this._onWrite=t.onWrite,this._instance=new Zs(t.cipherInfo.sslName,t.cipherKey,t.cipherIV),this._dead=!1}free(){this._dead=!0,this._instance.free()}allocPacket(n){let t=5+n,r=16-(t-4&15);r<4&&(r+=16),t+=r;let i=Buffer.allocUnsafe(t+16);return Ot(i,t-4,0),i[4]=r,Rn(i,5+n,r),i}encrypt(n){this._dead||(this._instance.encrypt(n),this._onWrite(n),this.outSeqno=this.outSeqno+1>>>0)}},Us=class{static{c(this,"GenericCipherNative")}constructor(n){let t=n.outbound;this.outSeqno=t.seqno,this._onWrite=t.onWrite,this._encBlockLen=t.cipherInfo.blockLen,this._cipherInstance=ir(t.cipherInfo.sslName,t.cipherKey,t.cipherIV),this._macSSLName=t.macInfo.sslName,this._macKey=t.macKey,this._macActualLen=t.macInfo.actualLen,this._macETM=t.macInfo.isETM,this._aadLen=this._macETM?4:0,this._dead=!1;let r=t.cipherInfo.discardLen;if(r){let i=qi.get(r);i===void 0&&(i=Buffer.alloc(r),qi.set(r,i)),this._cipherInstance.update(i)}}free(){this._dead=!0}allocPacket(n){let t=this._encBlockLen,r=5+n,i=t-(r-this._aadLen&t-1);i<4&&(i+=t),r+=i;let o=Buffer.allocUnsafe(r);return Ot(o,r-4,0),o[4]=i,Rn(o,5+n,i),o}encrypt(n){if(this._dead)return;let t;if(this._macETM){let i=new Uint8Array(n.buffer,n.byteOffset,4),o=this._cipherInstance.update(new Uint8Array(n.buffer,n.byteOffset+4,n.length-4));this._onWrite(i),this._onWrite(o),t=Cs(this._macSSLName,this._macKey),Ot(rr,this.outSeqno,0),t.update(rr),t.update(i),t.update(o)}else{let i=this._cipherInstance.update(n);this._onWrite(i),t=Cs(this._macSSLName,this._macKey),Ot(rr,this.outSeqno,0),t.update(rr),t.update(n)}let r=t.digest();r.length>this._macActualLen&&(r=r.slice(0,this._macActualLen)),this._onWrite(r),this.outSeqno=this.outSeqno+1>>>0}},Ds=class{static{c(this,"GenericCipherBinding")}constructor(n){let t=n.outbound;this.outSeqno=t.seqno,this._onWrite=t.onWrite,this._encBlockLen=t.cipherInfo.blockLen,this._macLen=t.macInfo.len,this._macActualLen=t.macInfo.actualLen,this._aadLen=t.macInfo.isETM?4:0,this._instance=new Gs(t.cipherInfo.sslName,t.cipherKey,t.cipherIV,t.macInfo.sslName,t.macKey,t.macInfo.isETM),this._dead=!1}free(){this._dead=!0,this._instance.free()}allocPacket(n){let t=this._encBlockLen,r=5+n,i=t-(r-this._aadLen&t-1);i<4&&(i+=t),r+=i;let o=Buffer.allocUnsafe(r+this._macLen);return Ot(o,r-4,0),o[4]=i,Rn(o,5+n,i),o}encrypt(n){this._dead||(this._instance.encrypt(n,this.outSeqno),this._macActualLen<this._macLen&&(n=new yn(n.buffer,n.byteOffset,n.length-(this._macLen-this._macActualLen))),this._onWrite(n),this.outSeqno=this.outSeqno+1>>>0)}},Hs=class{static{c(this,"NullDecipher")}constructor(n,t){this.inSeqno=n,this._onPayload=t,this._len=0,this._lenBytes=0,this._packet=null,this._packetPos=0}free(){}decrypt(n,t,r){for(;t<r;){if(this._lenBytes<4){let o=Math.min(4-this._lenBytes,r-t);for(this._lenBytes+=o;o--;)this._len=(this._len<<8)+n[t++];if(this._lenBytes<4)return;if(this._len>Pn||this._len<8||(4+this._len&7)!==0)throw new Error("Bad packet length");if(t>=r)return}if(this._packetPos<this._len){let o=Math.min(this._len-this._packetPos,r-t),s;if(t!==0||o!==r?s=new Uint8Array(n.buffer,n.byteOffset+t,o):s=n,o===this._len?this._packet=s:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(s,this._packetPos)),t+=o,this._packetPos+=o,this._packetPos<this._len)return}let i=this._packet?new yn(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1):Bf;this.inSeqno=this.inSeqno+1>>>0,this._len=0,this._lenBytes=0,this._packet=null,this._packetPos=0;{let o=this._onPayload(i);if(o!==void 0)return o===!1?t:o}}}},zs=class{static{c(this,"ChaChaPolyDecipherNative")}constructor(n){let t=n.inbound;this.inSeqno=t.seqno,this._onPayload=t.onPayload,this._decKeyMain=t.decipherKey.slice(0,32),this._decKeyPktLen=t.decipherKey.slice(32),this._len=0,this._lenBuf=Buffer.alloc(4),this._lenPos=0,this._packet=null,this._pktLen=0,this._mac=Buffer.allocUnsafe(16),this._calcMac=Buffer.allocUnsafe(16),this._macPos=0}free(){}decrypt(n,t,r){for(;t<r;){if(this._lenPos<4){let a=Math.min(4-this._lenPos,r-t);for(;a--;)this._lenBuf[this._lenPos++]=n[t++];if(this._lenPos<4)return;Rt[0]=0,Ot(Rt,this.inSeqno,12);let u=Gi("chacha20",this._decKeyPktLen,Rt).update(this._lenBuf);if(this._len=Qr(u,0),this._len>Pn||this._len<8||(this._len&7)!==0)throw new Error("Bad packet length")}if(this._pktLen<this._len){if(t>=r)return;let a=Math.min(this._len-this._pktLen,r-t),u;if(t!==0||a!==r?u=new Uint8Array(n.buffer,n.byteOffset+t,a):u=n,a===this._len?this._packet=u:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(u,this._pktLen)),t+=a,this._pktLen+=a,this._pktLen<this._len||t>=r)return}{let a=Math.min(16-this._macPos,r-t);if(t!==0||a!==r?this._mac.set(new Uint8Array(n.buffer,n.byteOffset+t,a),this._macPos):this._mac.set(n,this._macPos),t+=a,this._macPos+=a,this._macPos<16)return}Rt[0]=0,Ot(Rt,this.inSeqno,12);let i=ir("chacha20",this._decKeyMain,Rt).update(Rf);if(Vs(Mr,this._lenBuf,4,this._packet,this._packet.length,i),this._calcMac.set(new Uint8Array(Fr.HEAPU8.buffer,Mr,16),0),!Bs(this._calcMac,this._mac))throw new Error("Invalid MAC");Rt[0]=1;let o=Gi("chacha20",this._decKeyMain,Rt).update(this._packet),s=new yn(o.buffer,o.byteOffset+1,o.length-o[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._len=0,this._lenPos=0,this._packet=null,this._pktLen=0,this._macPos=0;{let a=this._onPayload(s);if(a!==void 0)return a===!1?t:a}}}},Fs=class{static{c(this,"ChaChaPolyDecipherBinding")}constructor(n){let t=n.inbound;this.inSeqno=t.seqno,this._onPayload=t.onPayload,this._instance=new Ys(t.decipherKey),this._len=0,this._lenBuf=Buffer.alloc(4),this._lenPos=0,this._packet=null,this._pktLen=0,this._mac=Buffer.allocUnsafe(16),this._macPos=0}free(){this._instance.free()}decrypt(n,t,r){for(;t<r;){if(this._lenPos<4){let o=Math.min(4-this._lenPos,r-t);for(;o--;)this._lenBuf[this._lenPos++]=n[t++];if(this._lenPos<4)return;if(this._len=this._instance.decryptLen(this._lenBuf,this.inSeqno),this._len>Pn||this._len<8||(this._len&7)!==0)throw new Error("Bad packet length");if(t>=r)return}if(this._pktLen<this._len){let o=Math.min(this._len-this._pktLen,r-t),s;if(t!==0||o!==r?s=new Uint8Array(n.buffer,n.byteOffset+t,o):s=n,o===this._len?this._packet=s:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(s,this._pktLen)),t+=o,this._pktLen+=o,this._pktLen<this._len||t>=r)return}{let o=Math.min(16-this._macPos,r-t);if(t!==0||o!==r?this._mac.set(new Uint8Array(n.buffer,n.byteOffset+t,o),this._macPos):this._mac.set(n,this._macPos),t+=o,this._macPos+=o,this._macPos<16)return}this._instance.decrypt(this._packet,this._mac,this.inSeqno);let i=new yn(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._len=0,this._lenPos=0,this._packet=null,this._pktLen=0,this._macPos=0;{let o=this._onPayload(i);if(o!==void 0)return o===!1?t:o}}}},Qs=class{static{c(this,"AESGCMDecipherNative")}constructor(n){let t=n.inbound;this.inSeqno=t.seqno,this._onPayload=t.onPayload,this._decipherInstance=null,this._decipherSSLName=t.decipherInfo.sslName,this._decipherKey=t.decipherKey,this._decipherIV=t.decipherIV,this._len=0,this._lenBytes=0,this._packet=null,this._packetPos=0,this._pktLen=0,this._tag=Buffer.allocUnsafe(16),this._tagPos=0}free(){}decrypt(n,t,r){for(;t<r;){if(this._lenBytes<4){let o=Math.min(4-this._lenBytes,r-t);for(this._lenBytes+=o;o--;)this._len=(this._len<<8)+n[t++];if(this._lenBytes<4)return;if(this._len+20>Pn||this._len<16||(this._len&15)!==0)throw new Error("Bad packet length");this._decipherInstance=Gi(this._decipherSSLName,this._decipherKey,this._decipherIV),this._decipherInstance.setAutoPadding(!1),this._decipherInstance.setAAD(Eg(this._len))}if(this._pktLen<this._len){if(t>=r)return;let o=Math.min(this._len-this._pktLen,r-t),s;if(t!==0||o!==r?s=this._decipherInstance.update(new Uint8Array(n.buffer,n.byteOffset+t,o)):s=this._decipherInstance.update(n),s.length&&(o===this._len?this._packet=s:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(s,this._packetPos)),this._packetPos+=s.length),t+=o,this._pktLen+=o,this._pktLen<this._len||t>=r)return}{let o=Math.min(16-this._tagPos,r-t);if(t!==0||o!==r?this._tag.set(new Uint8Array(n.buffer,n.byteOffset+t,o),this._tagPos):this._tag.set(n,this._tagPos),t+=o,this._tagPos+=o,this._tagPos<16)return}{this._decipherInstance.setAuthTag(this._tag);let o=this._decipherInstance.final();o.length&&(this._packet?this._packet.set(o,this._packetPos):this._packet=o)}let i=this._packet?new yn(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1):Bf;this.inSeqno=this.inSeqno+1>>>0,Pf(this._decipherIV),this._len=0,this._lenBytes=0,this._packet=null,this._packetPos=0,this._pktLen=0,this._tagPos=0;{let o=this._onPayload(i);if(o!==void 0)return o===!1?t:o}}}},Ms=class{static{c(this,"AESGCMDecipherBinding")}constructor(n){let t=n.inbound;this.inSeqno=t.seqno,this._onPayload=t.onPayload,this._instance=new qs(t.decipherInfo.sslName,t.decipherKey,t.decipherIV),this._len=0,this._lenBytes=0,this._packet=null,this._pktLen=0,this._tag=Buffer.allocUnsafe(16),this._tagPos=0}free(){}decrypt(n,t,r){for(;t<r;){if(this._lenBytes<4){let o=Math.min(4-this._lenBytes,r-t);for(this._lenBytes+=o;o--;)this._len=(this._len<<8)+n[t++];if(this._lenBytes<4)return;if(this._len+20>Pn||this._len<16||(this._len&15)!==0)throw new Error(`Bad packet length: ${this._len}`)}if(this._pktLen<this._len){if(t>=r)return;let o=Math.min(this._len-this._pktLen,r-t),s;if(t!==0||o!==r?s=new Uint8Array(n.buffer,n.byteOffset+t,o):s=n,o===this._len?this._packet=s:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(s,this._pktLen)),t+=o,this._pktLen+=o,this._pktLen<this._len||t>=r)return}{let o=Math.min(16-this._tagPos,r-t);if(t!==0||o!==r?this._tag.set(new Uint8Array(n.buffer,n.byteOffset+t,o),this._tagPos):this._tag.set(n,this._tagPos),t+=o,this._tagPos+=o,this._tagPos<16)return}this._instance.decrypt(this._packet,this._len,this._tag);let i=new yn(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._len=0,this._lenBytes=0,this._packet=null,this._pktLen=0,this._tagPos=0;{let o=this._onPayload(i);if(o!==void 0)return o===!1?t:o}}}},Ks=class{static{c(this,"GenericDecipherNative")}constructor(n){let t=n.inbound;this.inSeqno=t.seqno,this._onPayload=t.onPayload,this._decipherInstance=Gi(t.decipherInfo.sslName,t.decipherKey,t.decipherIV),this._decipherInstance.setAutoPadding(!1),this._block=Buffer.allocUnsafe(t.macInfo.isETM?4:t.decipherInfo.blockLen),this._blockSize=t.decipherInfo.blockLen,this._blockPos=0,this._len=0,this._packet=null,this._packetPos=0,this._pktLen=0,this._mac=Buffer.allocUnsafe(t.macInfo.actualLen),this._macPos=0,this._macSSLName=t.macInfo.sslName,this._macKey=t.macKey,this._macActualLen=t.macInfo.actualLen,this._macETM=t.macInfo.isETM,this._macInstance=null;let r=t.decipherInfo.discardLen;if(r){let i=qi.get(r);i===void 0&&(i=Buffer.alloc(r),qi.set(r,i)),this._decipherInstance.update(i)}}free(){}decrypt(n,t,r){for(;t<r;){if(this._blockPos<this._block.length){let s=Math.min(this._block.length-this._blockPos,r-t);if(t!==0||s!==r||s<n.length?this._block.set(new Uint8Array(n.buffer,n.byteOffset+t,s),this._blockPos):this._block.set(n,this._blockPos),t+=s,this._blockPos+=s,this._blockPos<this._block.length)return;let a,u;if(this._macETM?this._len=u=Qr(this._block,0):(a=this._decipherInstance.update(this._block),this._len=Qr(a,0),u=4+this._len-this._blockSize),this._len>Pn||this._len<5||(u&this._blockSize-1)!==0)throw new Error("Bad packet length");if(this._macInstance=Cs(this._macSSLName,this._macKey),Ot(rr,this.inSeqno,0),this._macInstance.update(rr),this._macETM?this._macInstance.update(this._block):(this._macInstance.update(new Uint8Array(a.buffer,a.byteOffset,4)),this._pktLen=a.length-4,this._packetPos=this._pktLen,this._packet=Buffer.allocUnsafe(this._len),this._packet.set(new Uint8Array(a.buffer,a.byteOffset+4,this._packetPos),0)),t>=r)return}if(this._pktLen<this._len){let s=Math.min(this._len-this._pktLen,r-t),a;t!==0||s!==r?a=new Uint8Array(n.buffer,n.byteOffset+t,s):a=n,this._macETM&&this._macInstance.update(a);let u=this._decipherInstance.update(a);if(u.length&&(s===this._len?this._packet=u:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(u,this._packetPos)),this._packetPos+=u.length),t+=s,this._pktLen+=s,this._pktLen<this._len||t>=r)return}{let s=Math.min(this._macActualLen-this._macPos,r-t);if(t!==0||s!==r?this._mac.set(new Uint8Array(n.buffer,n.byteOffset+t,s),this._macPos):this._mac.set(n,this._macPos),t+=s,this._macPos+=s,this._macPos<this._macActualLen)return}this._macETM||this._macInstance.update(this._packet);let i=this._macInstance.digest();if(this._macActualLen<i.length&&(i=new Uint8Array(i.buffer,i.byteOffset,this._macActualLen)),!$g(i,this._mac))throw new Error("Invalid MAC");let o=new yn(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._blockPos=0,this._len=0,this._packet=null,this._packetPos=0,this._pktLen=0,this._macPos=0,this._macInstance=null;{let s=this._onPayload(o);if(s!==void 0)return s===!1?t:s}}}},Ws=class{static{c(this,"GenericDecipherBinding")}constructor(n){let t=n.inbound;this.inSeqno=t.seqno,this._onPayload=t.onPayload,this._instance=new Xs(t.decipherInfo.sslName,t.decipherKey,t.decipherIV,t.macInfo.sslName,t.macKey,t.macInfo.isETM,t.macInfo.actualLen),this._block=Buffer.allocUnsafe(t.macInfo.isETM||t.decipherInfo.stream?4:t.decipherInfo.blockLen),this._blockPos=0,this._len=0,this._packet=null,this._pktLen=0,this._mac=Buffer.allocUnsafe(t.macInfo.actualLen),this._macPos=0,this._macActualLen=t.macInfo.actualLen,this._macETM=t.macInfo.isETM}free(){this._instance.free()}decrypt(n,t,r){for(;t<r;){if(this._blockPos<this._block.length){let o=Math.min(this._block.length-this._blockPos,r-t);if(t!==0||o!==r||o<n.length?this._block.set(new Uint8Array(n.buffer,n.byteOffset+t,o),this._blockPos):this._block.set(n,this._blockPos),t+=o,this._blockPos+=o,this._blockPos<this._block.length)return;let s;if(this._macETM?this._len=s=Qr(this._block,0):(this._instance.decryptBlock(this._block),this._len=Qr(this._block,0),s=4+this._len-this._block.length),this._len>Pn||this._len<5||(s&this._block.length-1)!==0)throw new Error("Bad packet length");if(this._macETM||(this._pktLen=this._block.length-4,this._pktLen&&(this._packet=Buffer.allocUnsafe(this._len),this._packet.set(new Uint8Array(this._block.buffer,this._block.byteOffset+4,this._pktLen),0))),t>=r)return}if(this._pktLen<this._len){let o=Math.min(this._len-this._pktLen,r-t),s;if(t!==0||o!==r?s=new Uint8Array(n.buffer,n.byteOffset+t,o):s=n,o===this._len?this._packet=s:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(s,this._pktLen)),t+=o,this._pktLen+=o,this._pktLen<this._len||t>=r)return}{let o=Math.min(this._macActualLen-this._macPos,r-t);if(t!==0||o!==r?this._mac.set(new Uint8Array(n.buffer,n.byteOffset+t,o),this._macPos):this._mac.set(n,this._macPos),t+=o,this._macPos+=o,this._macPos<this._macActualLen)return}this._instance.decrypt(this._packet,this.inSeqno,this._block,this._mac);let i=new yn(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._blockPos=0,this._len=0,this._packet=null,this._pktLen=0,this._macPos=0,this._macInstance=null;{let o=this._onPayload(i);if(o!==void 0)return o===!1?t:o}}}};function Pf(e){++e[11]>>>8&&++e[10]>>>8&&++e[9]>>>8&&++e[8]>>>8&&++e[7]>>>8&&++e[6]>>>8&&++e[5]>>>8&&++e[4]>>>8}c(Pf,"ivIncrement");var Eg=(()=>{let e=Buffer.alloc(4);return n=>(e[0]=n>>>24,e[1]=n>>>16,e[2]=n>>>8,e[3]=n,e)})();function $g(e,n){return e.length!==n.length?(Bs(e,e),!1):Bs(e,n)}c($g,"timingSafeEquals");function kg(e){if(typeof e!="object"||e===null)throw new Error("Invalid config");if(typeof e.outbound!="object"||e.outbound===null)throw new Error("Invalid outbound");let n=e.outbound;if(typeof n.onWrite!="function")throw new Error("Invalid outbound.onWrite");if(typeof n.cipherInfo!="object"||n.cipherInfo===null)throw new Error("Invalid outbound.cipherInfo");if(!Buffer.isBuffer(n.cipherKey)||n.cipherKey.length!==n.cipherInfo.keyLen)throw new Error("Invalid outbound.cipherKey");if(n.cipherInfo.ivLen&&(!Buffer.isBuffer(n.cipherIV)||n.cipherIV.length!==n.cipherInfo.ivLen))throw new Error("Invalid outbound.cipherIV");if(typeof n.seqno!="number"||n.seqno<0||n.seqno>Cf)throw new Error("Invalid outbound.seqno");let t=!!n.forceNative;switch(n.cipherInfo.sslName){case"aes-128-gcm":case"aes-256-gcm":return Zs&&!t?new Ls(e):new Os(e);case"chacha20":return js&&!t?new Ns(e):new Ts(e);default:{if(typeof n.macInfo!="object"||n.macInfo===null)throw new Error("Invalid outbound.macInfo");if(!Buffer.isBuffer(n.macKey)||n.macKey.length!==n.macInfo.len)throw new Error("Invalid outbound.macKey");return Gs&&!t?new Ds(e):new Us(e)}}}c(kg,"createCipher");function Sg(e){if(typeof e!="object"||e===null)throw new Error("Invalid config");if(typeof e.inbound!="object"||e.inbound===null)throw new Error("Invalid inbound");let n=e.inbound;if(typeof n.onPayload!="function")throw new Error("Invalid inbound.onPayload");if(typeof n.decipherInfo!="object"||n.decipherInfo===null)throw new Error("Invalid inbound.decipherInfo");if(!Buffer.isBuffer(n.decipherKey)||n.decipherKey.length!==n.decipherInfo.keyLen)throw new Error("Invalid inbound.decipherKey");if(n.decipherInfo.ivLen&&(!Buffer.isBuffer(n.decipherIV)||n.decipherIV.length!==n.decipherInfo.ivLen))throw new Error("Invalid inbound.decipherIV");if(typeof n.seqno!="number"||n.seqno<0||n.seqno>Cf)throw new Error("Invalid inbound.seqno");let t=!!n.forceNative;switch(n.decipherInfo.sslName){case"aes-128-gcm":case"aes-256-gcm":return qs&&!t?new Ms(e):new Qs(e);case"chacha20":return Ys&&!t?new Fs(e):new zs(e);default:{if(typeof n.macInfo!="object"||n.macInfo===null)throw new Error("Invalid inbound.macInfo");if(!Buffer.isBuffer(n.macKey)||n.macKey.length!==n.macInfo.len)throw new Error("Invalid inbound.macKey");return Xs&&!t?new Ws(e):new Ks(e)}}}c(Sg,"createDecipher");Tf.exports={CIPHER_INFO:wg,MAC_INFO:xg,bindingAvailable:!!Rs,init:new Promise(async(e,n)=>{try{Fr=await vf()(),Mr=Fr._malloc(16),Vs=Fr.cwrap("poly1305_auth",null,["number","array","number","array","number","array"])}catch(t){return n(t)}e()}),NullCipher:Ps,createCipher:kg,NullDecipher:Hs,createDecipher:Sg}});var Nn=ze((hE,Mf)=>{"use strict";var{createDecipheriv:ea,createECDH:Ig,createHash:Wr,createHmac:vg,createSign:Cg,createVerify:Bg,getCiphers:Rg,sign:Nf,verify:Of}=require("crypto"),Pg=Rg(),{Ber:Ee}=Hi(),Tg=_f().pbkdf,{CIPHER_INFO:Zr}=nr(),{eddsaSupported:ta,SUPPORTED_CIPHER:Ng}=An(),{bufferSlice:Tn,makeBufferParser:Og,readString:we,readUInt32BE:Kr,writeUInt32BE:mt}=un(),fn=Symbol("Hash Algorithm"),Qt=Symbol("Private key PEM"),Yt=Symbol("Public key PEM"),bn=Symbol("Public key SSH"),or=Symbol("Decrypted Key"),Js=Object.create(null);{let e=Object.keys(Zr);for(let n=0;n<e.length;++n){let t=Zr[e[n]].sslName;!t||Js[t]||(Js[t]=Zr[e[n]])}}var Yi=Og();function Mt(e,n){n=n.base64Slice(0,n.length);let t=n.replace(/.{64}/g,`$&
`);return n.length&63&&(t+=`
`),`-----BEGIN ${e} KEY-----
${t}-----END ${e} KEY-----`}c(Mt,"makePEM");function jr(e,n){let t=Buffer.allocUnsafe(e.length+n.length);return t.set(e,0),t.set(n,e.length),t}c(jr,"combineBuffers");function na(e,n){let t=e.length,r=e._pos||0;for(let i=0;i<n;++i){let o=t-r;if(r>=t||o<4)return!1;let s=Kr(e,r);if(o<4+s)return!1;r+=4+s}return e._pos=r,!0}c(na,"skipFields");function Gr(e,n){let t=new Ee.Writer;return t.startSequence(),t.startSequence(),t.writeOID("1.2.840.113549.1.1.1"),t.writeNull(),t.endSequence(),t.startSequence(Ee.BitString),t.writeByte(0),t.startSequence(),t.writeBuffer(e,Ee.Integer),t.writeBuffer(n,Ee.Integer),t.endSequence(),t.endSequence(),t.endSequence(),Mt("PUBLIC",t.buffer)}c(Gr,"genOpenSSLRSAPub");function qr(e,n){let t=Buffer.allocUnsafe(15+n.length+4+e.length);mt(t,7,0),t.utf8Write("ssh-rsa",4,7);let r=11;return mt(t,n.length,r),t.set(n,r+=4),mt(t,e.length,r+=n.length),t.set(e,r+4),t}c(qr,"genOpenSSHRSAPub");var Lf=(()=>{function e(r,i,o,s,a,u,l,d){let h=new Ee.Writer;return h.startSequence(),h.writeInt(0,Ee.Integer),h.writeBuffer(r,Ee.Integer),h.writeBuffer(i,Ee.Integer),h.writeBuffer(o,Ee.Integer),h.writeBuffer(s,Ee.Integer),h.writeBuffer(a,Ee.Integer),h.writeBuffer(u,Ee.Integer),h.writeBuffer(l,Ee.Integer),h.writeBuffer(d,Ee.Integer),h.endSequence(),h.buffer}c(e,"genRSAASN1Buf");function n(r){return BigInt(`0x${r.hexSlice(0,r.length)}`)}c(n,"bigIntFromBuffer");function t(r){let i=r.toString(16);if((i.length&1)!==0)i=`0${i}`;else{let o=i.charCodeAt(0);(o===56||o===57||o>=97&&o<=102)&&(i=`00${i}`)}return Buffer.from(i,"hex")}return c(t,"bigIntToBuffer"),c(function(i,o,s,a,u,l){let d=n(s),h=t(d%(n(u)-1n)),_=t(d%(n(l)-1n));return Mt("RSA PRIVATE",e(i,o,s,u,l,h,_,a))},"genOpenSSLRSAPriv")})();function Yr(e,n,t,r){let i=new Ee.Writer;return i.startSequence(),i.startSequence(),i.writeOID("1.2.840.10040.4.1"),i.startSequence(),i.writeBuffer(e,Ee.Integer),i.writeBuffer(n,Ee.Integer),i.writeBuffer(t,Ee.Integer),i.endSequence(),i.endSequence(),i.startSequence(Ee.BitString),i.writeByte(0),i.writeBuffer(r,Ee.Integer),i.endSequence(),i.endSequence(),Mt("PUBLIC",i.buffer)}c(Yr,"genOpenSSLDSAPub");function Xr(e,n,t,r){let i=Buffer.allocUnsafe(15+e.length+4+n.length+4+t.length+4+r.length);mt(i,7,0),i.utf8Write("ssh-dss",4,7);let o=11;return mt(i,e.length,o),i.set(e,o+=4),mt(i,n.length,o+=e.length),i.set(n,o+=4),mt(i,t.length,o+=n.length),i.set(t,o+=4),mt(i,r.length,o+=t.length),i.set(r,o+4),i}c(Xr,"genOpenSSHDSAPub");function Uf(e,n,t,r,i){let o=new Ee.Writer;return o.startSequence(),o.writeInt(0,Ee.Integer),o.writeBuffer(e,Ee.Integer),o.writeBuffer(n,Ee.Integer),o.writeBuffer(t,Ee.Integer),o.writeBuffer(r,Ee.Integer),o.writeBuffer(i,Ee.Integer),o.endSequence(),Mt("DSA PRIVATE",o.buffer)}c(Uf,"genOpenSSLDSAPriv");function Df(e){let n=new Ee.Writer;return n.startSequence(),n.startSequence(),n.writeOID("1.3.101.112"),n.endSequence(),n.startSequence(Ee.BitString),n.writeByte(0),n._ensure(e.length),n._buf.set(e,n._offset),n._offset+=e.length,n.endSequence(),n.endSequence(),Mt("PUBLIC",n.buffer)}c(Df,"genOpenSSLEdPub");function Hf(e){let n=Buffer.allocUnsafe(19+e.length);return mt(n,11,0),n.utf8Write("ssh-ed25519",4,11),mt(n,e.length,15),n.set(e,19),n}c(Hf,"genOpenSSHEdPub");function Lg(e){let n=new Ee.Writer;return n.startSequence(),n.writeInt(0,Ee.Integer),n.startSequence(),n.writeOID("1.3.101.112"),n.endSequence(),n.startSequence(Ee.OctetString),n.writeBuffer(e,Ee.OctetString),n.endSequence(),n.endSequence(),Mt("PRIVATE",n.buffer)}c(Lg,"genOpenSSLEdPriv");function ra(e,n){let t=new Ee.Writer;return t.startSequence(),t.startSequence(),t.writeOID("1.2.840.10045.2.1"),t.writeOID(e),t.endSequence(),t.startSequence(Ee.BitString),t.writeByte(0),t._ensure(n.length),t._buf.set(n,t._offset),t._offset+=n.length,t.endSequence(),t.endSequence(),Mt("PUBLIC",t.buffer)}c(ra,"genOpenSSLECDSAPub");function ia(e,n){let t;switch(e){case"1.2.840.10045.3.1.7":t="nistp256";break;case"1.3.132.0.34":t="nistp384";break;case"1.3.132.0.35":t="nistp521";break;default:return}let r=Buffer.allocUnsafe(39+n.length);return mt(r,19,0),r.utf8Write(`ecdsa-sha2-${t}`,4,19),mt(r,8,23),r.utf8Write(t,27,8),mt(r,n.length,35),r.set(n,39),r}c(ia,"genOpenSSHECDSAPub");function Ug(e,n,t){let r=new Ee.Writer;return r.startSequence(),r.writeInt(1,Ee.Integer),r.writeBuffer(t,Ee.OctetString),r.startSequence(160),r.writeOID(e),r.endSequence(),r.startSequence(161),r.startSequence(Ee.BitString),r.writeByte(0),r._ensure(n.length),r._buf.set(n,r._offset),r._offset+=n.length,r.endSequence(),r.endSequence(),r.endSequence(),Mt("EC PRIVATE",r.buffer)}c(Ug,"genOpenSSLECDSAPriv");function Dg(e,n){let t=Ig(e);return t.setPrivateKey(n),t.getPublicKey()}c(Dg,"genOpenSSLECDSAPubFromPriv");var Vr={sign:c(typeof Nf=="function"?function(n,t){let r=this[Qt];if(r===null)return new Error("No private key available");(!t||typeof t!="string")&&(t=this[fn]);try{return Nf(t,n,r)}catch(i){return i}}:function(n,t){let r=this[Qt];if(r===null)return new Error("No private key available");(!t||typeof t!="string")&&(t=this[fn]);let i=Cg(t);i.update(n);try{return i.sign(r)}catch(o){return o}},"sign"),verify:c(typeof Of=="function"?function(n,t,r){let i=this[Yt];if(i===null)return new Error("No public key available");(!r||typeof r!="string")&&(r=this[fn]);try{return Of(r,n,i,t)}catch(o){return o}}:function(n,t,r){let i=this[Yt];if(i===null)return new Error("No public key available");(!r||typeof r!="string")&&(r=this[fn]);let o=Bg(r);o.update(n);try{return o.verify(i,t)}catch(s){return s}},"verify"),isPrivateKey:c(function(){return this[Qt]!==null},"isPrivateKey"),getPrivatePEM:c(function(){return this[Qt]},"getPrivatePEM"),getPublicPEM:c(function(){return this[Yt]},"getPublicPEM"),getPublicSSH:c(function(){return this[bn]},"getPublicSSH"),equals:c(function(n){let t=Qf(n);return t instanceof Error?!1:this.type===t.type&&this[Qt]===t[Qt]&&this[Yt]===t[Yt]&&this[bn].equals(t[bn])},"equals")};function Xi(e,n,t,r,i,o,s){this.type=e,this.comment=n,this[Qt]=t,this[Yt]=r,this[bn]=i,this[fn]=o,this[or]=s}c(Xi,"OpenSSH_Private");Xi.prototype=Vr;{let n=function(t,r,i){let o=[];if(t.length<8)return new Error("Malformed OpenSSH private key");let s=Kr(t,0),a=Kr(t,4);if(s!==a)return i?new Error("OpenSSH key integrity check failed -- bad passphrase?"):new Error("OpenSSH key integrity check failed");t._pos=8;let u,l;for(u=0;u<r;++u){let h,_,A,x,b=we(t,t._pos,!0);if(b===void 0)return new Error("Malformed OpenSSH private key");switch(b){case"ssh-rsa":{let I=we(t,t._pos);if(I===void 0)return new Error("Malformed OpenSSH private key");let P=we(t,t._pos);if(P===void 0)return new Error("Malformed OpenSSH private key");let M=we(t,t._pos);if(M===void 0)return new Error("Malformed OpenSSH private key");let O=we(t,t._pos);if(O===void 0)return new Error("Malformed OpenSSH private key");let G=we(t,t._pos);if(G===void 0)return new Error("Malformed OpenSSH private key");let _e=we(t,t._pos);if(_e===void 0)return new Error("Malformed OpenSSH private key");A=Gr(I,P),x=qr(I,P),_=Lf(I,P,M,O,G,_e),h="sha1";break}case"ssh-dss":{let I=we(t,t._pos);if(I===void 0)return new Error("Malformed OpenSSH private key");let P=we(t,t._pos);if(P===void 0)return new Error("Malformed OpenSSH private key");let M=we(t,t._pos);if(M===void 0)return new Error("Malformed OpenSSH private key");let O=we(t,t._pos);if(O===void 0)return new Error("Malformed OpenSSH private key");let G=we(t,t._pos);if(G===void 0)return new Error("Malformed OpenSSH private key");A=Yr(I,P,M,O),x=Xr(I,P,M,O),_=Uf(I,P,M,O,G),h="sha1";break}case"ssh-ed25519":{if(!ta)return new Error(`Unsupported OpenSSH private key type: ${b}`);let I=we(t,t._pos);if(I===void 0||I.length!==32)return new Error("Malformed OpenSSH private key");let P=we(t,t._pos);if(P===void 0||P.length!==64)return new Error("Malformed OpenSSH private key");A=Df(I),x=Hf(I),_=Lg(Tn(P,0,32)),h=null;break}case"ecdsa-sha2-nistp256":h="sha256",l="1.2.840.10045.3.1.7";case"ecdsa-sha2-nistp384":h===void 0&&(h="sha384",l="1.3.132.0.34");case"ecdsa-sha2-nistp521":{if(h===void 0&&(h="sha512",l="1.3.132.0.35"),!na(t,1))return new Error("Malformed OpenSSH private key");let I=we(t,t._pos);if(I===void 0)return new Error("Malformed OpenSSH private key");let P=we(t,t._pos);if(P===void 0)return new Error("Malformed OpenSSH private key");A=ra(l,I),x=ia(l,I),_=Ug(l,I,P);break}default:return new Error(`Unsupported OpenSSH private key type: ${b}`)}let E=we(t,t._pos,!0);if(E===void 0)return new Error("Malformed OpenSSH private key");o.push(new Xi(b,E,_,A,x,h,i))}let d=0;for(u=t._pos;u<t.length;++u)if(t[u]!==++d%255)return new Error("Malformed OpenSSH private key");return o};c(n,"parseOpenSSHPrivKeys");let e=/^-----BEGIN OPENSSH PRIVATE KEY-----(?:\r\n|\n)([\s\S]+)(?:\r\n|\n)-----END OPENSSH PRIVATE KEY-----$/;Xi.parse=(t,r)=>{let i=e.exec(t);if(i===null)return null;let o,s=Buffer.from(i[1],"base64");if(s.length<31)return new Error("Malformed OpenSSH private key");let a=s.utf8Slice(0,15);if(a!=="openssh-key-v1\0")return new Error(`Unsupported OpenSSH key magic: ${a}`);let u=we(s,15,!0);if(u===void 0)return new Error("Malformed OpenSSH private key");if(u!=="none"&&Ng.indexOf(u)===-1)return new Error(`Unsupported cipher for OpenSSH key: ${u}`);let l=we(s,s._pos,!0);if(l===void 0)return new Error("Malformed OpenSSH private key");if(l!=="none"){if(u==="none")return new Error("Malformed OpenSSH private key");if(l!=="bcrypt")return new Error(`Unsupported kdf name for OpenSSH key: ${l}`);if(!r)return new Error("Encrypted private OpenSSH key detected, but no passphrase given")}else if(u!=="none")return new Error("Malformed OpenSSH private key");let d,h,_;u!=="none"&&(d=Zr[u]);let A=we(s,s._pos);if(A===void 0)return new Error("Malformed OpenSSH private key");if(A.length)switch(l){case"none":return new Error("Malformed OpenSSH private key");case"bcrypt":{let b=we(A,0);if(b===void 0||A._pos+4>A.length)return new Error("Malformed OpenSSH private key");let E=Kr(A,A._pos),I=Buffer.allocUnsafe(d.keyLen+d.ivLen);if(Tg(r,r.length,b,b.length,I,I.length,E)!==0)return new Error("Failed to generate information to decrypt key");h=Tn(I,0,d.keyLen),_=Tn(I,d.keyLen,I.length);break}}else if(l!=="none")return new Error("Malformed OpenSSH private key");if(s._pos+3>=s.length)return new Error("Malformed OpenSSH private key");let x=Kr(s,s._pos);if(s._pos+=4,x>0){for(let E=0;E<x;++E){let I=we(s,s._pos);if(I===void 0)return new Error("Malformed OpenSSH private key");if(we(I,0,!0)===void 0)return new Error("Malformed OpenSSH private key")}let b=we(s,s._pos);if(b===void 0)return new Error("Malformed OpenSSH private key");if(h!==void 0){if(b.length<d.blockLen||b.length%d.blockLen!==0)return new Error("Malformed OpenSSH private key");try{let E={authTagLength:d.authLen},I=ea(d.sslName,h,_,E);if(I.setAutoPadding(!1),d.authLen>0){if(s.length-s._pos<d.authLen)return new Error("Malformed OpenSSH private key");I.setAuthTag(Tn(s,s._pos,s._pos+=d.authLen))}b=jr(I.update(b),I.final())}catch(E){return E}}if(s._pos!==s.length)return new Error("Malformed OpenSSH private key");o=n(b,x,h!==void 0)}else o=[];return o instanceof Error?o:o[0]}}function Vi(e,n,t,r,i,o,s){this.type=e,this.comment=n,this[Qt]=t,this[Yt]=r,this[bn]=i,this[fn]=o,this[or]=s}c(Vi,"OpenSSH_Old_Private");Vi.prototype=Vr;{let e=/^-----BEGIN (RSA|DSA|EC) PRIVATE KEY-----(?:\r\n|\n)((?:[^:]+:\s*[\S].*(?:\r\n|\n))*)([\s\S]+)(?:\r\n|\n)-----END (RSA|DSA|EC) PRIVATE KEY-----$/;Vi.parse=(n,t)=>{let r=e.exec(n);if(r===null)return null;let i=Buffer.from(r[3],"base64"),o=r[2],s=!1;if(o!==void 0){o=o.split(/\r\n|\n/g);for(let x=0;x<o.length;++x){let b=o[x],E=b.indexOf(":");if(b.slice(0,E)==="DEK-Info"){let I=b.slice(E+2);if(E=I.indexOf(","),E===-1)continue;let P=I.slice(0,E).toLowerCase();if(Pg.indexOf(P)===-1)return new Error(`Cipher (${P}) not supported for encrypted OpenSSH private key`);let M=Js[P];if(!M)return new Error(`Cipher (${P}) not supported for encrypted OpenSSH private key`);let O=Buffer.from(I.slice(E+1),"hex");if(O.length!==M.ivLen)return new Error("Malformed encrypted OpenSSH private key");if(!t)return new Error("Encrypted OpenSSH private key detected, but no passphrase given");let G=Tn(O,0,8),_e=Wr("md5").update(t).update(G).digest();for(;_e.length<M.keyLen;)_e=jr(_e,Wr("md5").update(_e).update(t).update(G).digest());_e.length>M.keyLen&&(_e=Tn(_e,0,M.keyLen));try{let le=ea(P,_e,O);le.setAutoPadding(!1),i=jr(le.update(i),le.final()),s=!0}catch(le){return le}}}}let a,u,l,d,h,_,A="Malformed OpenSSH private key";switch(s&&(A+=". Bad passphrase?"),r[1]){case"RSA":a="ssh-rsa",u=Mt("RSA PRIVATE",i);try{_=new Ee.Reader(i),_.readSequence(),_.readInt();let x=_.readString(Ee.Integer,!0);if(x===null)return new Error(A);let b=_.readString(Ee.Integer,!0);if(b===null)return new Error(A);l=Gr(x,b),d=qr(x,b)}catch{return new Error(A)}h="sha1";break;case"DSA":a="ssh-dss",u=Mt("DSA PRIVATE",i);try{_=new Ee.Reader(i),_.readSequence(),_.readInt();let x=_.readString(Ee.Integer,!0);if(x===null)return new Error(A);let b=_.readString(Ee.Integer,!0);if(b===null)return new Error(A);let E=_.readString(Ee.Integer,!0);if(E===null)return new Error(A);let I=_.readString(Ee.Integer,!0);if(I===null)return new Error(A);l=Yr(x,b,E,I),d=Xr(x,b,E,I)}catch{return new Error(A)}h="sha1";break;case"EC":{let x,b,E;try{_=new Ee.Reader(i),_.readSequence(),_.readInt(),b=_.readString(Ee.OctetString,!0),_.readByte();let P=_.readLength();if(P!==null){if(_._offset=P,E=_.readOID(),E===null)return new Error(A);switch(E){case"1.2.840.10045.3.1.7":x="prime256v1",a="ecdsa-sha2-nistp256",h="sha256";break;case"1.3.132.0.34":x="secp384r1",a="ecdsa-sha2-nistp384",h="sha384";break;case"1.3.132.0.35":x="secp521r1",a="ecdsa-sha2-nistp521",h="sha512";break;default:return new Error(`Unsupported private key EC OID: ${E}`)}}else return new Error(A)}catch{return new Error(A)}u=Mt("EC PRIVATE",i);let I=Dg(x,b);l=ra(E,I),d=ia(E,I);break}}return new Vi(a,"",u,l,d,h,s)}}function Ji(e,n,t,r,i,o,s){this.type=e,this.comment=n,this[Qt]=t,this[Yt]=r,this[bn]=i,this[fn]=o,this[or]=s}c(Ji,"PPK_Private");Ji.prototype=Vr;{let e=Buffer.alloc(0),n=Buffer.from([0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]),t=Buffer.from([0,0,0,0]),r=Buffer.from([0,0,0,1]),i=/^PuTTY-User-Key-File-2: (ssh-(?:rsa|dss))\r?\nEncryption: (aes256-cbc|none)\r?\nComment: ([^\r\n]*)\r?\nPublic-Lines: \d+\r?\n([\s\S]+?)\r?\nPrivate-Lines: \d+\r?\n([\s\S]+?)\r?\nPrivate-MAC: ([^\r\n]+)/;Ji.parse=(o,s)=>{let a=i.exec(o);if(a===null)return null;let u=a[2],l=u!=="none";if(l&&!s)return new Error("Encrypted PPK private key detected, but no passphrase given");let d=Buffer.from(a[5],"base64");if(l){let V=Zr[u],j=jr(Wr("sha1").update(t).update(s).digest(),Wr("sha1").update(r).update(s).digest());j.length>V.keyLen&&(j=Tn(j,0,V.keyLen));try{let ie=ea(V.sslName,j,n);ie.setAutoPadding(!1),d=jr(ie.update(d),ie.final())}catch(ie){return ie}}let h=a[1],_=a[3],A=Buffer.from(a[4],"base64"),x=a[6],b=h.length,E=u.length,I=Buffer.byteLength(_),P=A.length,M=d.length,O=Buffer.allocUnsafe(4+b+4+E+4+I+4+P+4+M),G=0;if(mt(O,b,G),O.utf8Write(h,G+=4,b),mt(O,E,G+=b),O.utf8Write(u,G+=4,E),mt(O,I,G+=E),O.utf8Write(_,G+=4,I),mt(O,P,G+=I),O.set(A,G+=4),mt(O,M,G+=P),O.set(d,G+4),s||(s=e),vg("sha1",Wr("sha1").update("putty-private-key-file-mac-key").update(s).digest()).update(O).digest("hex")!==x)return l?new Error("PPK private key integrity check failed -- bad passphrase?"):new Error("PPK private key integrity check failed");let le,L,Z;switch(A._pos=0,na(A,1),h){case"ssh-rsa":{let V=we(A,A._pos);if(V===void 0)return new Error("Malformed PPK public key");let j=we(A,A._pos);if(j===void 0)return new Error("Malformed PPK public key");let ie=we(d,0);if(ie===void 0)return new Error("Malformed PPK private key");let me=we(d,d._pos);if(me===void 0)return new Error("Malformed PPK private key");let J=we(d,d._pos);if(J===void 0)return new Error("Malformed PPK private key");let ce=we(d,d._pos);if(ce===void 0)return new Error("Malformed PPK private key");le=Gr(j,V),L=qr(j,V),Z=Lf(j,V,ie,ce,me,J);break}case"ssh-dss":{let V=we(A,A._pos);if(V===void 0)return new Error("Malformed PPK public key");let j=we(A,A._pos);if(j===void 0)return new Error("Malformed PPK public key");let ie=we(A,A._pos);if(ie===void 0)return new Error("Malformed PPK public key");let me=we(A,A._pos);if(me===void 0)return new Error("Malformed PPK public key");let J=we(d,0);if(J===void 0)return new Error("Malformed PPK private key");le=Yr(V,j,ie,me),L=Xr(V,j,ie,me),Z=Uf(V,j,ie,me,J);break}}return new Ji(h,_,Z,le,L,"sha1",l)}}function to(e,n,t,r,i){this.type=e,this.comment=n,this[Qt]=null,this[Yt]=t,this[bn]=r,this[fn]=i,this[or]=!1}c(to,"OpenSSH_Public");to.prototype=Vr;{let e;ta?e=/^(((?:ssh-(?:rsa|dss|ed25519))|ecdsa-sha2-nistp(?:256|384|521))(?:-cert-v0[01]@openssh.com)?) ([A-Z0-9a-z/+=]+)(?:$|\s+([\S].*)?)$/:e=/^(((?:ssh-(?:rsa|dss))|ecdsa-sha2-nistp(?:256|384|521))(?:-cert-v0[01]@openssh.com)?) ([A-Z0-9a-z/+=]+)(?:$|\s+([\S].*)?)$/,to.parse=n=>{let t=e.exec(n);if(t===null)return null;let r=t[1],i=t[2],o=Buffer.from(t[3],"base64"),s=t[4]||"",a=we(o,o._pos,!0);return a===void 0||a.indexOf(i)!==0?new Error("Malformed OpenSSH public key"):oa(o,i,s,r)}}function eo(e,n,t,r,i){this.type=e,this.comment=n,this[Qt]=null,this[Yt]=t,this[bn]=r,this[fn]=i,this[or]=!1}c(eo,"RFC4716_Public");eo.prototype=Vr;{let e=/^---- BEGIN SSH2 PUBLIC KEY ----(?:\r?\n)((?:.{0,72}\r?\n)+)---- END SSH2 PUBLIC KEY ----$/,n=/^[A-Z0-9a-z/+=\r\n]+$/,t=/^([\x21-\x39\x3B-\x7E]{1,64}): ((?:[^\\]*\\\r?\n)*[^\r\n]+)\r?\n/gm,r=/\\\r?\n/g;eo.parse=i=>{let o=e.exec(i);if(o===null)return null;let s=o[1],a=0,u="";for(;o=t.exec(s);){let A=o[1],x=o[2].replace(r,"");if(x.length>1024)return t.lastIndex=0,new Error("Malformed RFC4716 public key");a=t.lastIndex,A.toLowerCase()==="comment"&&(u=x,u.length>1&&u.charCodeAt(0)===34&&u.charCodeAt(u.length-1)===34&&(u=u.slice(1,-1)))}let l=s.slice(a);if(!n.test(l))return new Error("Malformed RFC4716 public key");l=Buffer.from(l,"base64");let d=we(l,0,!0);if(d===void 0)return new Error("Malformed RFC4716 public key");let h=null,_=null;switch(d){case"ssh-rsa":{let A=we(l,l._pos);if(A===void 0)return new Error("Malformed RFC4716 public key");let x=we(l,l._pos);if(x===void 0)return new Error("Malformed RFC4716 public key");h=Gr(x,A),_=qr(x,A);break}case"ssh-dss":{let A=we(l,l._pos);if(A===void 0)return new Error("Malformed RFC4716 public key");let x=we(l,l._pos);if(x===void 0)return new Error("Malformed RFC4716 public key");let b=we(l,l._pos);if(b===void 0)return new Error("Malformed RFC4716 public key");let E=we(l,l._pos);if(E===void 0)return new Error("Malformed RFC4716 public key");h=Yr(A,x,b,E),_=Xr(A,x,b,E);break}default:return new Error("Malformed RFC4716 public key")}return new eo(d,u,h,_,"sha1")}}function oa(e,n,t,r){if(!zf(n))return new Error(`Unsupported OpenSSH public key type: ${n}`);let i,o,s=null,a=null;switch(n){case"ssh-rsa":{let u=we(e,e._pos||0);if(u===void 0)return new Error("Malformed OpenSSH public key");let l=we(e,e._pos);if(l===void 0)return new Error("Malformed OpenSSH public key");s=Gr(l,u),a=qr(l,u),i="sha1";break}case"ssh-dss":{let u=we(e,e._pos||0);if(u===void 0)return new Error("Malformed OpenSSH public key");let l=we(e,e._pos);if(l===void 0)return new Error("Malformed OpenSSH public key");let d=we(e,e._pos);if(d===void 0)return new Error("Malformed OpenSSH public key");let h=we(e,e._pos);if(h===void 0)return new Error("Malformed OpenSSH public key");s=Yr(u,l,d,h),a=Xr(u,l,d,h),i="sha1";break}case"ssh-ed25519":{let u=we(e,e._pos||0);if(u===void 0||u.length!==32)return new Error("Malformed OpenSSH public key");s=Df(u),a=Hf(u),i=null;break}case"ecdsa-sha2-nistp256":i="sha256",o="1.2.840.10045.3.1.7";case"ecdsa-sha2-nistp384":i===void 0&&(i="sha384",o="1.3.132.0.34");case"ecdsa-sha2-nistp521":{if(i===void 0&&(i="sha512",o="1.3.132.0.35"),!na(e,1))return new Error("Malformed OpenSSH public key");let u=we(e,e._pos||0);if(u===void 0)return new Error("Malformed OpenSSH public key");s=ra(o,u),a=ia(o,u);break}default:return new Error(`Unsupported OpenSSH public key type: ${n}`)}return new to(r,t,s,a,i)}c(oa,"parseDER");function zf(e){switch(e){case"ssh-rsa":case"ssh-dss":case"ecdsa-sha2-nistp256":case"ecdsa-sha2-nistp384":case"ecdsa-sha2-nistp521":return!0;case"ssh-ed25519":if(ta)return!0;default:return!1}}c(zf,"isSupportedKeyType");function Ff(e){return e?typeof e[or]=="boolean":!1}c(Ff,"isParsedKey");function Qf(e,n){if(Ff(e))return e;let t;if(Buffer.isBuffer(e))t=e,e=e.utf8Slice(0,e.length).trim();else if(typeof e=="string")e=e.trim();else return new Error("Key data must be a Buffer or string");if(n!=null){if(typeof n=="string")n=Buffer.from(n);else if(!Buffer.isBuffer(n))return new Error("Passphrase must be a string or Buffer when supplied")}let r;if((r=Xi.parse(e,n))!==null||(r=Vi.parse(e,n))!==null||(r=Ji.parse(e,n))!==null||(r=to.parse(e))!==null||(r=eo.parse(e))!==null)return r;if(t){Yi.init(t,0);let i=Yi.readString(!0);i!==void 0&&(e=Yi.readRaw(),e!==void 0&&(r=oa(e,i,"",i),r instanceof Error&&(r=null))),Yi.clear()}return r||new Error("Unsupported key format")}c(Qf,"parseKey");Mf.exports={isParsedKey:Ff,isSupportedKeyType:zf,parseDERKey:c((e,n)=>oa(e,n,"",n),"parseDERKey"),parseKey:Qf}});var la=ze((AE,Jf)=>{"use strict";var{Socket:jf}=require("net"),{Duplex:Gf}=require("stream"),{resolve:Hg}=require("path"),{readFile:Kf}=require("fs"),{execFile:zg,spawn:Fg}=require("child_process"),{isParsedKey:Wf,parseKey:Jr}=Nn(),{makeBufferParser:Qg,readUInt32BE:fa,writeUInt32BE:Pt,writeUInt32LE:Zf}=un();function ei(e){let n=!1;return(...t)=>{n||(n=!0,e(...t))}}c(ei,"once");function Mg(e,n){let t=Buffer.allocUnsafe(e.length+n.length);return e.copy(t,0),n.copy(t,e.length),t}c(Mg,"concat");function aa(){}c(aa,"noop");var Kg=Buffer.alloc(0),nt=Qg(),ti=class{static{c(this,"BaseAgent")}getIdentities(n){n(new Error("Missing getIdentities() implementation"))}sign(n,t,r,i){typeof r=="function"&&(i=r),i(new Error("Missing sign() implementation"))}},ar=class extends ti{static{c(this,"OpenSSHAgent")}constructor(n){super(),this.socketPath=n}getStream(n){n=ei(n);let t=new jf;t.on("connect",()=>{n(null,t)}),t.on("close",r).on("end",r).on("error",r),t.connect(this.socketPath);function r(){try{t.destroy()}catch{}n(new Error("Failed to connect to agent"))}c(r,"onFail")}getIdentities(n){n=ei(n),this.getStream((t,r)=>{function i(s){if(r)try{r.destroy()}catch{}s||(s=new Error("Failed to retrieve identities from agent")),n(s)}if(c(i,"onFail"),t)return i(t);let o=new ca(!0);o.on("error",i),o.pipe(r).pipe(o),r.on("close",i).on("end",i).on("error",i),o.getIdentities((s,a)=>{if(s)return i(s);try{r.destroy()}catch{}n(null,a)})})}sign(n,t,r,i){typeof r=="function"?(i=r,r=void 0):(typeof r!="object"||r===null)&&(r=void 0),i=ei(i),this.getStream((o,s)=>{function a(l){if(s)try{s.destroy()}catch{}l||(l=new Error("Failed to sign data with agent")),i(l)}if(c(a,"onFail"),o)return a(o);let u=new ca(!0);u.on("error",a),u.pipe(s).pipe(u),s.on("close",a).on("end",a).on("error",a),u.sign(n,t,r,(l,d)=>{if(l)return a(l);try{s.destroy()}catch{}i(null,d)})})}},qf=(()=>{let s=Hg(__dirname,"..","util/pagent.exe"),a={10:new Error("Invalid pagent.exe arguments"),11:new Error("Pageant is not running"),12:new Error("pagent.exe could not create an mmap"),13:new Error("pagent.exe could not set mode for stdin"),14:new Error("pagent.exe could not set mode for stdout"),15:new Error("pagent.exe did not get expected input payload")};function u(d){d.buffer=null,d.proc&&(d.proc.kill(),d.proc=void 0)}c(u,"destroy");class l extends Gf{static{c(this,"PageantSocket")}constructor(){super(),this.proc=void 0,this.buffer=null}_read(h){}_write(h,_,A){if(this.buffer===null)this.buffer=h;else{let I=Buffer.allocUnsafe(this.buffer.length+h.length);this.buffer.copy(I,0),h.copy(I,this.buffer.length),this.buffer=I}if(this.buffer.length<4)return A();let x=fa(this.buffer,0);if(this.buffer.length-4<x)return A();if(h=this.buffer.slice(0,4+x),this.buffer.length>4+x)return A(new Error("Unexpected multiple agent requests"));this.buffer=null;let b,E=this.proc=Fg(s,[h.length]);E.stdout.on("data",I=>{this.push(I)}),E.on("error",I=>{b=I,A(b)}),E.on("close",I=>{if(this.proc=void 0,!b){if(b=a[I])return A(b);A()}}),E.stdin.end(h)}_final(h){u(this),h()}_destroy(h,_){u(this),_()}}return class extends ar{static{c(this,"PageantAgent")}getStream(h){h(null,new l)}}})(),Yf=(()=>{let e=/^!<socket >(\d+) s ([A-Z0-9]{8}-[A-Z0-9]{8}-[A-Z0-9]{8}-[A-Z0-9]{8})/;return class extends ar{static{c(this,"CygwinAgent")}getStream(t){t=ei(t);let r=this.socketPath,i=!1;Kf(r,c(function o(s,a){if(s){if(i)return t(new Error("Invalid cygwin unix socket path"));zg("cygpath",["-w",r],(_e,le,L)=>{if(_e||le.length===0)return t(new Error("Invalid cygwin unix socket path"));i=!0,r=le.toString().replace(/[\r\n]/g,""),Kf(r,o)});return}let u=e.exec(a.toString("ascii"));if(!u)return t(new Error("Malformed cygwin unix socket file"));let l,d=0,h=!1,_=[],A,x=Buffer.alloc(12),b=parseInt(u[1],10),E=u[2].replace(/-/g,""),I=Buffer.allocUnsafe(16);for(let _e=0,le=0;le<32;++_e,le+=2)I[_e]=parseInt(E.substring(le,le+2),16);for(let _e=0;_e<16;_e+=4)Zf(I,fa(I,_e),_e);G();function P(){d=0,l="secret",A.write(I)}c(P,"_onconnect");function M(_e){if(d+=_e.length,l==="secret"){d===16&&(d=0,l="creds",A.write(x));return}if(l==="creds"&&(h||_.push(_e),d===12)){if(A.removeListener("connect",P),A.removeListener("data",M),A.removeListener("error",O),A.removeListener("end",O),A.removeListener("close",O),h)return t(null,A);h=!0,x=Buffer.concat(_),Zf(x,process.pid,0),A.on("error",()=>{}),A.destroy(),G()}}c(M,"_ondata");function O(){t(new Error("Problem negotiating cygwin unix socket security"))}c(O,"onFail");function G(){A=new jf,A.on("connect",P),A.on("data",M),A.on("error",O),A.on("end",O),A.on("close",O),A.connect(b)}c(G,"tryConnect")},"readCygsocket"))}}})(),Wg=/^[/\\][/\\]\.[/\\]pipe[/\\].+/;function Xf(e){return process.platform==="win32"&&!Wg.test(e)?e==="pageant"?new qf:new Yf(e):new ar(e)}c(Xf,"createAgent");var ca=(()=>{function l(L){let Z;for(;L[P].length;){let V=L[P][0][h];if(V===void 0)break;L[P].shift(),Z=L.push(V)}return Z}c(l,"processResponses");let d=Symbol("Inbound Request Type"),h=Symbol("Inbound Request Response"),_=Symbol("Inbound Request Context");class A{static{c(this,"AgentInboundRequest")}constructor(Z,V){this[d]=Z,this[h]=void 0,this[_]=V}hasResponded(){return this[h]!==void 0}getType(){return this[d]}getContext(){return this[_]}}function x(L,Z,V){return Z[h]=V,l(L)}c(x,"respond");function b(L){if(L[O]=null,L[M]===0){let Z=L[P];if(Z&&Z.length){L[P]=[];for(let V of Z)V.cb(new Error("No reply from server"))}}try{L.end()}catch{}setImmediate(()=>{L[le]||L.emit("end"),L[_e]||L.emit("close")})}c(b,"cleanup");function E(){this[_e]=!0}c(E,"onClose");function I(){this[le]=!0}c(I,"onEnd");let P=Symbol("Requests"),M=Symbol("Agent Protocol Role"),O=Symbol("Agent Protocol Buffer"),G=Symbol("Agent Protocol Current Message Length"),_e=Symbol("Agent Protocol Closed"),le=Symbol("Agent Protocol Ended");return class extends Gf{static{c(this,"AgentProtocol")}constructor(Z){super({autoDestroy:!0,emitClose:!1}),this[M]=Z?0:1,this[P]=[],this[O]=null,this[G]=-1,this.once("end",I),this.once("close",E)}_read(Z){}_write(Z,V,j){this[O]===null?this[O]=Z:this[O]=Mg(this[O],Z);let ie=this[O],me=ie.length,J=0;for(;J<me&&!(me<5||(this[G]===-1&&(this[G]=fa(ie,J)),me<4+this[G]));){let ce=ie[J+=4];if(++J,this[M]===0){if(this[P].length===0)return j(new Error("Received unexpected message from server"));let de=this[P].shift();switch(ce){case 5:de.cb(new Error("Agent responded with failure"));break;case 12:{if(de.type!==11)return j(new Error("Agent responded with wrong message type"));nt.init(ie,J);let xe=nt.readUInt32BE();if(xe===void 0)return nt.clear(),j(new Error("Malformed agent response"));let C=[];for(let N=0;N<xe;++N){let T=nt.readString();if(T===void 0)return nt.clear(),j(new Error("Malformed agent response"));let F=nt.readString(!0);if(F===void 0)return nt.clear(),j(new Error("Malformed agent response"));T=Jr(T),!(T instanceof Error)&&(T.comment=T.comment||F,C.push(T))}J=nt.pos(),nt.clear(),de.cb(null,C);break}case 14:{if(de.type!==13)return j(new Error("Agent responded with wrong message type"));nt.init(ie,J);let xe=nt.readString();if(J=nt.pos(),nt.clear(),xe===void 0)return j(new Error("Malformed agent response"));if(nt.init(xe,0),nt.readString(!0),xe=nt.readString(),nt.clear(),xe===void 0)return j(new Error("Malformed OpenSSH signature format"));de.cb(null,xe);break}default:return j(new Error("Agent responded with unsupported message type"))}}else switch(ce){case 11:{let de=new A(ce);this[P].push(de),this.emit("identities",de);break}case 13:{nt.init(ie,J);let de=nt.readString(),xe=nt.readString(),C=nt.readUInt32BE();if(J=nt.pos(),nt.clear(),C===void 0){let se=new A(ce);return this[P].push(se),this.failureReply(se)}if(de=Jr(de),de instanceof Error){let se=new A(ce);return this[P].push(se),this.failureReply(se)}let N={hash:void 0},T;de.type==="ssh-rsa"&&(C&2?(T="rsa-sha2-256",N.hash="sha256"):C&4&&(T="rsa-sha2-512",N.hash="sha512")),T===void 0&&(T=de.type);let F=new A(ce,T);this[P].push(F),this.emit("sign",F,de,xe,N);break}default:{let de=new A(ce);this[P].push(de),this.failureReply(de)}}if(this[G]=-1,J===me){this[O]=null;break}else this[O]=ie=ie.slice(J),me=ie.length,J=0}j()}_destroy(Z,V){b(this),V()}_final(Z){b(this),Z()}sign(Z,V,j,ie){if(this[M]!==0)throw new Error("Client-only method called with server role");typeof j=="function"?(ie=j,j=void 0):(typeof j!="object"||j===null)&&(j=void 0);let me=0;if(Z=Jr(Z),Z instanceof Error)throw new Error("Invalid public key argument");if(Z.type==="ssh-rsa"&&j)switch(j.hash){case"sha256":me=2;break;case"sha512":me=4;break}Z=Z.getPublicSSH();let J=13,ce=Z.length,de=V.length,xe=0,C=Buffer.allocUnsafe(9+ce+4+de+4);return Pt(C,C.length-4,xe),C[xe+=4]=J,Pt(C,ce,++xe),Z.copy(C,xe+=4),Pt(C,de,xe+=ce),V.copy(C,xe+=4),Pt(C,me,xe+=de),typeof ie!="function"&&(ie=aa),this[P].push({type:J,cb:ie}),this.push(C)}getIdentities(Z){if(this[M]!==0)throw new Error("Client-only method called with server role");let V=11,j=0,ie=Buffer.allocUnsafe(5);return Pt(ie,ie.length-4,j),ie[j+=4]=V,typeof Z!="function"&&(Z=aa),this[P].push({type:V,cb:Z}),this.push(ie)}failureReply(Z){if(this[M]!==1)throw new Error("Server-only method called with client role");if(!(Z instanceof A))throw new Error("Wrong request argument");if(Z.hasResponded())return!0;let V=0,j=Buffer.allocUnsafe(5);return Pt(j,j.length-4,V),j[V+=4]=5,x(this,Z,j)}getIdentitiesReply(Z,V){if(this[M]!==1)throw new Error("Server-only method called with client role");if(!(Z instanceof A))throw new Error("Wrong request argument");if(Z.hasResponded())return!0;if(Z.getType()!==11)throw new Error("Invalid response to request");if(!Array.isArray(V))throw new Error("Keys argument must be an array");let j=4,ie=[];for(let ce=0;ce<V.length;++ce){let de=V[ce];if(typeof de!="object"||de===null)throw new Error(`Invalid key entry: ${de}`);let xe,C;if(Wf(de))xe=de;else if(Wf(de.pubKey))xe=de.pubKey;else if(typeof de.pubKey!="object"||de.pubKey===null||({pubKey:xe,comment:C}=de.pubKey,xe=Jr(xe),xe instanceof Error))continue;C=xe.comment||C,xe=xe.getPublicSSH(),j+=4+xe.length,C&&typeof C=="string"?C=Buffer.from(C):Buffer.isBuffer(C)||(C=Kg),j+=4+C.length,ie.push({pubKey:xe,comment:C})}let me=0,J=Buffer.allocUnsafe(5+j);Pt(J,J.length-4,me),J[me+=4]=12,Pt(J,ie.length,++me),me+=4;for(let ce=0;ce<ie.length;++ce){let{pubKey:de,comment:xe}=ie[ce];Pt(J,de.length,me),de.copy(J,me+=4),Pt(J,xe.length,me+=de.length),me+=4,xe.length&&(xe.copy(J,me),me+=xe.length)}return x(this,Z,J)}signReply(Z,V){if(this[M]!==1)throw new Error("Server-only method called with client role");if(!(Z instanceof A))throw new Error("Wrong request argument");if(Z.hasResponded())return!0;if(Z.getType()!==13)throw new Error("Invalid response to request");if(!Buffer.isBuffer(V))throw new Error("Signature argument must be a Buffer");if(V.length===0)throw new Error("Signature argument must be non-empty");let j=0,ie=Z.getContext(),me=Buffer.byteLength(ie),J=Buffer.allocUnsafe(13+me+4+V.length);return Pt(J,J.length-4,j),J[j+=4]=14,Pt(J,4+me+4+V.length,++j),Pt(J,me,j+=4),J.utf8Write(ie,j+=4,me),Pt(J,V.length,j+=me),V.copy(J,j+=4),x(this,Z,J)}}})(),sa=Symbol("Agent"),Kt=Symbol("Agent Keys"),ln=Symbol("Agent Keys Index"),sr=Symbol("Agent Init Callbacks"),ua=class{static{c(this,"AgentContext")}constructor(n){if(typeof n=="string")n=Xf(n);else if(!Vf(n))throw new Error("Invalid agent argument");this[sa]=n,this[Kt]=null,this[ln]=-1,this[sr]=null}init(n){if(typeof n!="function"&&(n=aa),this[Kt]===null)if(this[sr]===null){this[sr]=[n];let t=c((...r)=>{process.nextTick(()=>{let i=this[sr];this[sr]=null;for(let o of i)o(...r)})},"doCbs");this[sa].getIdentities(ei((r,i)=>{if(r)return t(r);if(!Array.isArray(i))return t(new Error("Agent implementation failed to provide keys"));let o=[];for(let s of i)s=Jr(s),!(s instanceof Error)&&o.push(s);this[Kt]=o,this[ln]=-1,t()}))}else this[sr].push(n);else process.nextTick(n)}nextKey(){return this[Kt]===null||++this[ln]>=this[Kt].length?!1:this[Kt][this[ln]]}currentKey(){return this[Kt]===null||this[ln]>=this[Kt].length?null:this[Kt][this[ln]]}pos(){return this[Kt]===null||this[ln]>=this[Kt].length?-1:this[ln]}reset(){this[ln]=-1}sign(...n){this[sa].sign(...n)}};function Vf(e){return e instanceof ti}c(Vf,"isAgent");Jf.exports={AgentContext:ua,AgentProtocol:ca,BaseAgent:ti,createAgent:Xf,CygwinAgent:Yf,isAgent:Vf,OpenSSHAgent:ar,PageantAgent:qf}});var el=ze(()=>{});var no=ze(tl=>{tl.SFTP=class{}});var ma=ze(($E,nl)=>{"use strict";var{kMaxLength:Zg}=require("buffer"),{createInflate:jg,constants:{DEFLATE:Gg,INFLATE:qg,Z_DEFAULT_CHUNK:Yg,Z_DEFAULT_COMPRESSION:Xg,Z_DEFAULT_MEMLEVEL:Vg,Z_DEFAULT_STRATEGY:Jg,Z_DEFAULT_WINDOWBITS:em,Z_PARTIAL_FLUSH:tm}}=require("zlib"),nm=jg()._handle.constructor;function rm(){throw new Error("Should not get here")}c(rm,"processCallback");function im(e,n,t){let r=this._owner,i=new Error(e);i.errno=n,i.code=t,r._err=i}c(im,"zlibOnError");function ga(e){e._handle&&(e._handle.close(),e._handle=null)}c(ga,"_close");var ro=class{static{c(this,"Zlib")}constructor(n){let t=em,r=Xg,i=Vg,o=Jg,s=void 0;this._err=void 0,this._writeState=new Uint32Array(2),this._chunkSize=Yg,this._maxOutputLength=Zg,this._outBuffer=Buffer.allocUnsafe(this._chunkSize),this._outOffset=0,this._handle=new nm(n),this._handle._owner=this,this._handle.onerror=im,this._handle.init(t,r,i,o,this._writeState,rm,s)}writeSync(n,t){let r=this._handle;if(!r)throw new Error("Invalid Zlib instance");let i=n.length,o=this._chunkSize-this._outOffset,s=0,a,u,l,d=0,h=this._writeState,_=this._outBuffer,A=this._outOffset,x=this._chunkSize;for(;;){if(r.writeSync(tm,n,s,i,_,A,o),this._err)throw this._err;a=h[0],u=h[1];let E=i-u,I=o-a;if(I>0){let P=A===0&&I===_.length?_:_.slice(A,A+I);if(A+=I,l?l.push===void 0?l=[l,P]:l.push(P):l=P,d+=P.byteLength,d>this._maxOutputLength)throw ga(this),new Error(`Output length exceeded maximum of ${this._maxOutputLength}`)}else if(I!==0)throw new Error("have should not go down");if((a===0||A>=x)&&(o=x,A=0,_=Buffer.allocUnsafe(x)),a===0)s+=E,i=u;else break}if(this._outBuffer=_,this._outOffset=A,d===0&&(l=Buffer.alloc(0)),t)return l.totalLen=d,l;if(l.push===void 0)return l;let b=Buffer.allocUnsafe(d);for(let E=0,I=0;E<l.length;++E){let P=l[E];b.set(P,I),I+=P.length}return b}},da=class{static{c(this,"ZlibPacketWriter")}constructor(n){this.allocStart=0,this.allocStartKEX=0,this._protocol=n,this._zlib=new ro(Gg)}cleanup(){this._zlib&&ga(this._zlib)}alloc(n,t){return Buffer.allocUnsafe(n)}finalize(n,t){if(this._protocol._kexinit===void 0||t){let r=this._zlib.writeSync(n,!0),i=this._protocol._cipher.allocPacket(r.totalLen);if(r.push===void 0)i.set(r,5);else for(let o=0,s=5;o<r.length;++o){let a=r[o];i.set(a,s),s+=a.length}return i}return n}},ha=class{static{c(this,"PacketWriter")}constructor(n){this.allocStart=5,this.allocStartKEX=5,this._protocol=n}cleanup(){}alloc(n,t){return this._protocol._kexinit===void 0||t?this._protocol._cipher.allocPacket(n):Buffer.allocUnsafe(n)}finalize(n,t){return n}},pa=class{static{c(this,"ZlibPacketReader")}constructor(){this._zlib=new ro(qg)}cleanup(){this._zlib&&ga(this._zlib)}read(n){return this._zlib.writeSync(n,!1)}},_a=class{static{c(this,"PacketReader")}cleanup(){}read(n){return n}};nl.exports={PacketReader:_a,PacketWriter:ha,ZlibPacketReader:pa,ZlibPacketWriter:da}});var al=ze((SE,sl)=>{"use strict";var{bufferSlice:Aa,bufferParser:S,doFatalError:Je,sigSSHToASN1:rl,writeUInt32BE:il}=un(),{CHANNEL_OPEN_FAILURE:om,COMPAT:sm,MESSAGE:tt,TERMINAL_MODE:ol}=An(),{parseKey:am}=Nn(),cm=Array.from(Object.entries(ol)).reduce((e,[n,t])=>({...e,[n]:t}),{});sl.exports={[tt.DISCONNECT]:(e,n)=>{S.init(n,1);let t=S.readUInt32BE(),r=S.readString(!0),i=S.readString();if(S.clear(),i===void 0)return Je(e,"Inbound: Malformed DISCONNECT packet");e._debug&&e._debug(`Inbound: Received DISCONNECT (${t}, "${r}")`);let o=e._handlers.DISCONNECT;o&&o(e,t,r)},[tt.IGNORE]:(e,n)=>{e._debug&&e._debug("Inbound: Received IGNORE")},[tt.UNIMPLEMENTED]:(e,n)=>{S.init(n,1);let t=S.readUInt32BE();if(S.clear(),t===void 0)return Je(e,"Inbound: Malformed UNIMPLEMENTED packet");e._debug&&e._debug(`Inbound: Received UNIMPLEMENTED (seqno ${t})`)},[tt.DEBUG]:(e,n)=>{S.init(n,1);let t=S.readBool(),r=S.readString(!0),i=S.readString();if(S.clear(),i===void 0)return Je(e,"Inbound: Malformed DEBUG packet");e._debug&&e._debug("Inbound: Received DEBUG");let o=e._handlers.DEBUG;o&&o(e,t,r)},[tt.SERVICE_REQUEST]:(e,n)=>{S.init(n,1);let t=S.readString(!0);if(S.clear(),t===void 0)return Je(e,"Inbound: Malformed SERVICE_REQUEST packet");e._debug&&e._debug(`Inbound: Received SERVICE_REQUEST (${t})`);let r=e._handlers.SERVICE_REQUEST;r&&r(e,t)},[tt.SERVICE_ACCEPT]:(e,n)=>{S.init(n,1);let t=S.readString(!0);if(S.clear(),t===void 0)return Je(e,"Inbound: Malformed SERVICE_ACCEPT packet");e._debug&&e._debug(`Inbound: Received SERVICE_ACCEPT (${t})`);let r=e._handlers.SERVICE_ACCEPT;r&&r(e,t)},[tt.EXT_INFO]:(e,n)=>{S.init(n,1);let t=S.readUInt32BE(),r;if(t!==void 0){r=[];for(let o=0;o<t;++o){let s=S.readString(!0),a=S.readString();if(a!==void 0)if(s==="server-sig-algs"){let u=a.latin1Slice(0,a.length).split(",");r.push({name:s,algs:u});continue}else continue;r=void 0;break}}if(S.clear(),r===void 0)return Je(e,"Inbound: Malformed EXT_INFO packet");e._debug&&e._debug("Inbound: Received EXT_INFO");let i=e._handlers.EXT_INFO;i&&i(e,r)},[tt.USERAUTH_REQUEST]:(e,n)=>{S.init(n,1);let t=S.readString(!0),r=S.readString(!0),i=S.readString(!0),o,s;switch(i){case"none":o=null;break;case"password":{let u=S.readBool();if(u!==void 0&&(o=S.readString(!0),o!==void 0&&u)){let l=S.readString(!0);l!==void 0?o={oldPassword:o,newPassword:l}:o=void 0}break}case"publickey":{let u=S.readBool();if(u!==void 0){let l=S.readString(!0),d=l,h=S.readString(),_;switch(l){case"rsa-sha2-256":d="ssh-rsa",_="sha256";break;case"rsa-sha2-512":d="ssh-rsa",_="sha512";break}if(u){let A=S.pos(),x=S.readString();if(x!==void 0&&(x.length>4+l.length+4&&x.utf8Slice(4,4+l.length)===l&&(x=Aa(x,4+l.length+4)),x=rl(x,d),x)){let b=e._kex.sessionID,E=Buffer.allocUnsafe(4+b.length+A);il(E,b.length,0),E.set(b,4),E.set(new Uint8Array(n.buffer,n.byteOffset,A),4+b.length),o={keyAlgo:d,key:h,signature:x,blob:E,hashAlgo:_}}}else o={keyAlgo:d,key:h,hashAlgo:_},s="publickey -- check"}break}case"hostbased":{let u=S.readString(!0),l=u,d=S.readString(),h=S.readString(!0),_=S.readString(!0),A;switch(u){case"rsa-sha2-256":l="ssh-rsa",A="sha256";break;case"rsa-sha2-512":l="ssh-rsa",A="sha512";break}let x=S.pos(),b=S.readString();if(b!==void 0&&(b.length>4+u.length+4&&b.utf8Slice(4,4+u.length)===u&&(b=Aa(b,4+u.length+4)),b=rl(b,l),b!==void 0)){let E=e._kex.sessionID,I=Buffer.allocUnsafe(4+E.length+x);il(I,E.length,0),I.set(E,4),I.set(new Uint8Array(n.buffer,n.byteOffset,x),4+E.length),o={keyAlgo:l,key:d,signature:b,blob:I,localHostname:h,localUsername:_,hashAlgo:A}}break}case"keyboard-interactive":S.skipString(),o=S.readList();break;default:i!==void 0&&(o=S.readRaw())}if(S.clear(),o===void 0)return Je(e,"Inbound: Malformed USERAUTH_REQUEST packet");s===void 0&&(s=i),e._authsQueue.push(i),e._debug&&e._debug(`Inbound: Received USERAUTH_REQUEST (${s})`);let a=e._handlers.USERAUTH_REQUEST;a&&a(e,t,r,i,o)},[tt.USERAUTH_FAILURE]:(e,n)=>{S.init(n,1);let t=S.readList(),r=S.readBool();if(S.clear(),r===void 0)return Je(e,"Inbound: Malformed USERAUTH_FAILURE packet");e._debug&&e._debug(`Inbound: Received USERAUTH_FAILURE (${t})`),e._authsQueue.shift();let i=e._handlers.USERAUTH_FAILURE;i&&i(e,t,r)},[tt.USERAUTH_SUCCESS]:(e,n)=>{e._debug&&e._debug("Inbound: Received USERAUTH_SUCCESS"),e._authsQueue.shift();let t=e._handlers.USERAUTH_SUCCESS;t&&t(e)},[tt.USERAUTH_BANNER]:(e,n)=>{S.init(n,1);let t=S.readString(!0),r=S.readString();if(S.clear(),r===void 0)return Je(e,"Inbound: Malformed USERAUTH_BANNER packet");e._debug&&e._debug("Inbound: Received USERAUTH_BANNER");let i=e._handlers.USERAUTH_BANNER;i&&i(e,t)},60:(e,n)=>{if(!e._authsQueue.length){e._debug&&e._debug("Inbound: Received payload type 60 without auth");return}switch(e._authsQueue[0]){case"password":{S.init(n,1);let t=S.readString(!0),r=S.readString();if(S.clear(),r===void 0)return Je(e,"Inbound: Malformed USERAUTH_PASSWD_CHANGEREQ packet");e._debug&&e._debug("Inbound: Received USERAUTH_PASSWD_CHANGEREQ");let i=e._handlers.USERAUTH_PASSWD_CHANGEREQ;i&&i(e,t);break}case"publickey":{S.init(n,1);let t=S.readString(!0),r=S.readString();if(S.clear(),r===void 0)return Je(e,"Inbound: Malformed USERAUTH_PK_OK packet");e._debug&&e._debug("Inbound: Received USERAUTH_PK_OK"),e._authsQueue.shift();let i=e._handlers.USERAUTH_PK_OK;i&&i(e,t,r);break}case"keyboard-interactive":{S.init(n,1);let t=S.readString(!0),r=S.readString(!0);S.readString();let i=S.readUInt32BE(),o;if(i!==void 0){o=new Array(i);let a;for(a=0;a<i;++a){let u=S.readString(!0),l=S.readBool();if(l===void 0)break;o[a]={prompt:u,echo:l}}a!==i&&(o=void 0)}if(S.clear(),o===void 0)return Je(e,"Inbound: Malformed USERAUTH_INFO_REQUEST packet");e._debug&&e._debug("Inbound: Received USERAUTH_INFO_REQUEST");let s=e._handlers.USERAUTH_INFO_REQUEST;s&&s(e,t,r,o);break}default:e._debug&&e._debug("Inbound: Received unexpected payload type 60")}},61:(e,n)=>{if(!e._authsQueue.length){e._debug&&e._debug("Inbound: Received payload type 61 without auth");return}if(e._authsQueue[0]!=="keyboard-interactive")return Je(e,"Inbound: Received unexpected payload type 61");S.init(n,1);let t=S.readUInt32BE(),r;if(t!==void 0){r=new Array(t);let o;for(o=0;o<t;++o){let s=S.readString(!0);if(s===void 0)break;r[o]=s}o!==t&&(r=void 0)}if(S.clear(),r===void 0)return Je(e,"Inbound: Malformed USERAUTH_INFO_RESPONSE packet");e._debug&&e._debug("Inbound: Received USERAUTH_INFO_RESPONSE");let i=e._handlers.USERAUTH_INFO_RESPONSE;i&&i(e,r)},[tt.GLOBAL_REQUEST]:(e,n)=>{S.init(n,1);let t=S.readString(!0),r=S.readBool(),i;if(r!==void 0)switch(t){case"tcpip-forward":case"cancel-tcpip-forward":{let s=S.readString(!0),a=S.readUInt32BE();a!==void 0&&(i={bindAddr:s,bindPort:a});break}case"streamlocal-forward@openssh.com":case"cancel-streamlocal-forward@openssh.com":{let s=S.readString(!0);s!==void 0&&(i={socketPath:s});break}case"no-more-sessions@openssh.com":i=null;break;case"hostkeys-00@openssh.com":{for(i=[];S.avail()>0;){let s=S.readString();if(s===void 0){i=void 0;break}let a=am(s);a instanceof Error||i.push(a)}break}default:i=S.readRaw()}if(S.clear(),i===void 0)return Je(e,"Inbound: Malformed GLOBAL_REQUEST packet");e._debug&&e._debug(`Inbound: GLOBAL_REQUEST (${t})`);let o=e._handlers.GLOBAL_REQUEST;o?o(e,t,r,i):e.requestFailure()},[tt.REQUEST_SUCCESS]:(e,n)=>{let t=n.length>1?Aa(n,1):null;e._debug&&e._debug("Inbound: REQUEST_SUCCESS");let r=e._handlers.REQUEST_SUCCESS;r&&r(e,t)},[tt.REQUEST_FAILURE]:(e,n)=>{e._debug&&e._debug("Inbound: Received REQUEST_FAILURE");let t=e._handlers.REQUEST_FAILURE;t&&t(e)},[tt.CHANNEL_OPEN]:(e,n)=>{S.init(n,1);let t=S.readString(!0),r=S.readUInt32BE(),i=S.readUInt32BE(),o=S.readUInt32BE(),s;switch(t){case"forwarded-tcpip":case"direct-tcpip":{let u=S.readString(!0),l=S.readUInt32BE(),d=S.readString(!0),h=S.readUInt32BE();h!==void 0&&(s={type:t,sender:r,window:i,packetSize:o,data:{destIP:u,destPort:l,srcIP:d,srcPort:h}});break}case"forwarded-streamlocal@openssh.com":case"direct-streamlocal@openssh.com":{let u=S.readString(!0);u!==void 0&&(s={type:t,sender:r,window:i,packetSize:o,data:{socketPath:u}});break}case"x11":{let u=S.readString(!0),l=S.readUInt32BE();l!==void 0&&(s={type:t,sender:r,window:i,packetSize:o,data:{srcIP:u,srcPort:l}});break}default:s={type:t,sender:r,window:i,packetSize:o,data:{}}}if(S.clear(),s===void 0)return Je(e,"Inbound: Malformed CHANNEL_OPEN packet");e._debug&&e._debug(`Inbound: CHANNEL_OPEN (s:${r}, ${t})`);let a=e._handlers.CHANNEL_OPEN;a?a(e,s):e.channelOpenFail(s.sender,om.ADMINISTRATIVELY_PROHIBITED,"","")},[tt.CHANNEL_OPEN_CONFIRMATION]:(e,n)=>{S.init(n,1);let t=S.readUInt32BE(),r=S.readUInt32BE(),i=S.readUInt32BE(),o=S.readUInt32BE(),s=S.avail()?S.readRaw():void 0;if(S.clear(),o===void 0)return Je(e,"Inbound: Malformed CHANNEL_OPEN_CONFIRMATION packet");e._debug&&e._debug(`Inbound: CHANNEL_OPEN_CONFIRMATION (r:${t}, s:${r})`);let a=e._handlers.CHANNEL_OPEN_CONFIRMATION;a&&a(e,{recipient:t,sender:r,window:i,packetSize:o,data:s})},[tt.CHANNEL_OPEN_FAILURE]:(e,n)=>{S.init(n,1);let t=S.readUInt32BE(),r=S.readUInt32BE(),i=S.readString(!0),o=S.readString();if(S.clear(),o===void 0)return Je(e,"Inbound: Malformed CHANNEL_OPEN_FAILURE packet");e._debug&&e._debug(`Inbound: CHANNEL_OPEN_FAILURE (r:${t})`);let s=e._handlers.CHANNEL_OPEN_FAILURE;s&&s(e,t,r,i)},[tt.CHANNEL_WINDOW_ADJUST]:(e,n)=>{S.init(n,1);let t=S.readUInt32BE(),r=S.readUInt32BE();if(S.clear(),r===void 0)return Je(e,"Inbound: Malformed CHANNEL_WINDOW_ADJUST packet");e._debug&&e._debug(`Inbound: CHANNEL_WINDOW_ADJUST (r:${t}, ${r})`);let i=e._handlers.CHANNEL_WINDOW_ADJUST;i&&i(e,t,r)},[tt.CHANNEL_DATA]:(e,n)=>{S.init(n,1);let t=S.readUInt32BE(),r=S.readString();if(S.clear(),r===void 0)return Je(e,"Inbound: Malformed CHANNEL_DATA packet");e._debug&&e._debug(`Inbound: CHANNEL_DATA (r:${t}, ${r.length})`);let i=e._handlers.CHANNEL_DATA;i&&i(e,t,r)},[tt.CHANNEL_EXTENDED_DATA]:(e,n)=>{S.init(n,1);let t=S.readUInt32BE(),r=S.readUInt32BE(),i=S.readString();if(S.clear(),i===void 0)return Je(e,"Inbound: Malformed CHANNEL_EXTENDED_DATA packet");e._debug&&e._debug(`Inbound: CHANNEL_EXTENDED_DATA (r:${t}, ${i.length})`);let o=e._handlers.CHANNEL_EXTENDED_DATA;o&&o(e,t,i,r)},[tt.CHANNEL_EOF]:(e,n)=>{S.init(n,1);let t=S.readUInt32BE();if(S.clear(),t===void 0)return Je(e,"Inbound: Malformed CHANNEL_EOF packet");e._debug&&e._debug(`Inbound: CHANNEL_EOF (r:${t})`);let r=e._handlers.CHANNEL_EOF;r&&r(e,t)},[tt.CHANNEL_CLOSE]:(e,n)=>{S.init(n,1);let t=S.readUInt32BE();if(S.clear(),t===void 0)return Je(e,"Inbound: Malformed CHANNEL_CLOSE packet");e._debug&&e._debug(`Inbound: CHANNEL_CLOSE (r:${t})`);let r=e._handlers.CHANNEL_CLOSE;r&&r(e,t)},[tt.CHANNEL_REQUEST]:(e,n)=>{S.init(n,1);let t=S.readUInt32BE(),r=S.readString(!0),i=S.readBool(),o;if(i!==void 0)switch(r){case"exit-status":o=S.readUInt32BE(),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${t}, ${r}: ${o})`);break;case"exit-signal":{let a,u;if(e._compatFlags&sm.OLD_EXIT){let d=S.readUInt32BE();switch(d){case 1:a="HUP";break;case 2:a="INT";break;case 3:a="QUIT";break;case 6:a="ABRT";break;case 9:a="KILL";break;case 14:a="ALRM";break;case 15:a="TERM";break;default:d!==void 0&&(a=`UNKNOWN (${d})`)}u=!1}else a=S.readString(!0),u=S.readBool(),u===void 0&&(a=void 0);let l=S.readString(!0);S.skipString()!==void 0&&(o={signal:a,coreDumped:u,errorMessage:l}),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${t}, ${r}: ${a})`);break}case"pty-req":{let a=S.readString(!0),u=S.readUInt32BE(),l=S.readUInt32BE(),d=S.readUInt32BE(),h=S.readUInt32BE(),_=S.readString();if(_!==void 0){S.init(_,1);let A={};for(;S.avail();){let x=S.readByte();if(x===ol.TTY_OP_END)break;let b=cm[x],E=S.readUInt32BE();if(x===void 0||b===void 0||E===void 0){A=void 0;break}A[b]=E}A!==void 0&&(o={term:a,cols:u,rows:l,width:d,height:h,modes:A})}e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${t}, ${r})`);break}case"window-change":{let a=S.readUInt32BE(),u=S.readUInt32BE(),l=S.readUInt32BE(),d=S.readUInt32BE();d!==void 0&&(o={cols:a,rows:u,width:l,height:d}),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${t}, ${r})`);break}case"x11-req":{let a=S.readBool(),u=S.readString(!0),l=S.readString(),d=S.readUInt32BE();d!==void 0&&(o={single:a,protocol:u,cookie:l,screen:d}),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${t}, ${r})`);break}case"env":{let a=S.readString(!0),u=S.readString(!0);u!==void 0&&(o={name:a,value:u}),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${t}, ${r}: ${a}=${u})`);break}case"shell":o=null,e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${t}, ${r})`);break;case"exec":o=S.readString(!0),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${t}, ${r}: ${o})`);break;case"subsystem":o=S.readString(!0),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${t}, ${r}: ${o})`);break;case"signal":o=S.readString(!0),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${t}, ${r}: ${o})`);break;case"xon-xoff":o=S.readBool(),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${t}, ${r}: ${o})`);break;case"auth-agent-req@openssh.com":o=null,e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${t}, ${r})`);break;default:o=S.avail()?S.readRaw():null,e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${t}, ${r})`)}if(S.clear(),o===void 0)return Je(e,"Inbound: Malformed CHANNEL_REQUEST packet");let s=e._handlers.CHANNEL_REQUEST;s&&s(e,t,r,i,o)},[tt.CHANNEL_SUCCESS]:(e,n)=>{S.init(n,1);let t=S.readUInt32BE();if(S.clear(),t===void 0)return Je(e,"Inbound: Malformed CHANNEL_SUCCESS packet");e._debug&&e._debug(`Inbound: CHANNEL_SUCCESS (r:${t})`);let r=e._handlers.CHANNEL_SUCCESS;r&&r(e,t)},[tt.CHANNEL_FAILURE]:(e,n)=>{S.init(n,1);let t=S.readUInt32BE();if(S.clear(),t===void 0)return Je(e,"Inbound: Malformed CHANNEL_FAILURE packet");e._debug&&e._debug(`Inbound: CHANNEL_FAILURE (r:${t})`);let r=e._handlers.CHANNEL_FAILURE;r&&r(e,t)}}});var io=ze((IE,cl)=>{"use strict";var ya=new Array(256);[ba().HANDLERS,al()].forEach(e=>{for(let[n,t]of Object.entries(e))n=+n,isFinite(n)&&n>=0&&n<ya.length&&(ya[n]=t)});cl.exports=ya});var ba=ze((CE,Al)=>{"use strict";var{createDiffieHellman:um,createDiffieHellmanGroup:fm,createECDH:lm,createHash:xa,createPublicKey:dm,diffieHellman:hm,generateKeyPairSync:pm,randomFillSync:_m}=require("crypto"),{Ber:ul}=Hi(),{COMPAT:Ea,curve25519Supported:gm,DEFAULT_KEX:fl,DEFAULT_SERVER_HOST_KEY:ll,DEFAULT_CIPHER:oo,DEFAULT_MAC:so,DEFAULT_COMPRESSION:ao,DISCONNECT_REASON:De,MESSAGE:Ye}=An(),{CIPHER_INFO:fr,createCipher:mm,createDecipher:Am,MAC_INFO:dl}=nr(),{parseDERKey:ym}=Nn(),{bufferFill:bm,bufferParser:Ue,convertSignature:wm,doFatalError:He,FastBuffer:xm,sigSSHToASN1:Em,writeUInt32BE:At}=un(),{PacketReader:hl,PacketWriter:pl,ZlibPacketReader:co,ZlibPacketWriter:uo}=ma(),cr,$m=2048,km=8192,Sm=Buffer.alloc(0);function _l(e){let n;if(e._compatFlags&Ea.BAD_DHGEX){let t=e._offer.lists.kex,r=t.array,i=!1;for(let o=0;o<r.length;++o)r[o].includes("group-exchange")&&(i||(i=!0,r=r.slice()),r.splice(o--,1));if(i){let o=17+e._offer.totalSize+1+4,s=Buffer.from(r.join(","));o-=t.buffer.length-s.length;let a=e._offer.lists.all,u=new Uint8Array(a.buffer,a.byteOffset+4+t.buffer.length,a.length-(4+t.buffer.length));n=Buffer.allocUnsafe(o),At(n,s.length,17),n.set(s,21),n.set(u,21+s.length)}}n===void 0&&(n=Buffer.allocUnsafe(17+e._offer.totalSize+1+4),e._offer.copyAllTo(n,17)),e._debug&&e._debug("Outbound: Sending KEXINIT"),n[0]=Ye.KEXINIT,_m(n,1,16),bm(n,0,n.length-5),e._kexinit=n,e._packetRW.write.allocStart=0;{let t=e._packetRW.write.allocStartKEX,r=e._packetRW.write.alloc(n.length,!0);r.set(n,t),e._cipher.encrypt(e._packetRW.write.finalize(r,!0))}}c(_l,"kexinit");function gl(e,n){let t={kex:void 0,serverHostKey:void 0,cs:{cipher:void 0,mac:void 0,compress:void 0,lang:void 0},sc:{cipher:void 0,mac:void 0,compress:void 0,lang:void 0}};if(Ue.init(n,17),(t.kex=Ue.readList())===void 0||(t.serverHostKey=Ue.readList())===void 0||(t.cs.cipher=Ue.readList())===void 0||(t.sc.cipher=Ue.readList())===void 0||(t.cs.mac=Ue.readList())===void 0||(t.sc.mac=Ue.readList())===void 0||(t.cs.compress=Ue.readList())===void 0||(t.sc.compress=Ue.readList())===void 0||(t.cs.lang=Ue.readList())===void 0||(t.sc.lang=Ue.readList())===void 0)return Ue.clear(),He(e,"Received malformed KEXINIT","handshake",De.KEY_EXCHANGE_FAILED);let r=Ue.pos(),i=r<n.length&&n[r]===1;Ue.clear();let o=e._offer,s=t,a=o.lists.kex.array;if(e._compatFlags&Ea.BAD_DHGEX){let O=!1;for(let G=0;G<a.length;++G)a[G].indexOf("group-exchange")!==-1&&(O||(O=!0,a=a.slice()),a.splice(G--,1))}let u,l,d,h=e._debug;h&&h("Inbound: Handshake in progress"),h&&h(`Handshake: (local) KEX method: ${a}`),h&&h(`Handshake: (remote) KEX method: ${s.kex}`);let _;if(e._server?(l=a,u=s.kex,_=u.indexOf("ext-info-c")!==-1):(l=s.kex,u=a,_=l.indexOf("ext-info-s")!==-1),e._strictMode===void 0&&(e._server?e._strictMode=u.indexOf("kex-strict-c-v00@openssh.com")!==-1:e._strictMode=l.indexOf("kex-strict-s-v00@openssh.com")!==-1,e._strictMode&&(h&&h("Handshake: strict KEX mode enabled"),e._decipher.inSeqno!==1)))return h&&h("Handshake: KEXINIT not first packet in strict KEX mode"),He(e,"Handshake failed: KEXINIT not first packet in strict KEX mode","handshake",De.KEY_EXCHANGE_FAILED);for(d=0;d<u.length&&l.indexOf(u[d])===-1;++d);if(d===u.length)return h&&h("Handshake: no matching key exchange algorithm"),He(e,"Handshake failed: no matching key exchange algorithm","handshake",De.KEY_EXCHANGE_FAILED);t.kex=u[d],h&&h(`Handshake: KEX algorithm: ${u[d]}`),i&&(!s.kex.length||u[d]!==s.kex[0])&&(e._skipNextInboundPacket=!0);let A=o.lists.serverHostKey.array;for(h&&h(`Handshake: (local) Host key format: ${A}`),h&&h(`Handshake: (remote) Host key format: ${s.serverHostKey}`),e._server?(l=A,u=s.serverHostKey):(l=s.serverHostKey,u=A),d=0;d<u.length&&l.indexOf(u[d])===-1;++d);if(d===u.length)return h&&h("Handshake: No matching host key format"),He(e,"Handshake failed: no matching host key format","handshake",De.KEY_EXCHANGE_FAILED);t.serverHostKey=u[d],h&&h(`Handshake: Host key format: ${u[d]}`);let x=o.lists.cs.cipher.array;for(h&&h(`Handshake: (local) C->S cipher: ${x}`),h&&h(`Handshake: (remote) C->S cipher: ${s.cs.cipher}`),e._server?(l=x,u=s.cs.cipher):(l=s.cs.cipher,u=x),d=0;d<u.length&&l.indexOf(u[d])===-1;++d);if(d===u.length)return h&&h("Handshake: No matching C->S cipher"),He(e,"Handshake failed: no matching C->S cipher","handshake",De.KEY_EXCHANGE_FAILED);t.cs.cipher=u[d],h&&h(`Handshake: C->S Cipher: ${u[d]}`);let b=o.lists.sc.cipher.array;for(h&&h(`Handshake: (local) S->C cipher: ${b}`),h&&h(`Handshake: (remote) S->C cipher: ${s.sc.cipher}`),e._server?(l=b,u=s.sc.cipher):(l=s.sc.cipher,u=b),d=0;d<u.length&&l.indexOf(u[d])===-1;++d);if(d===u.length)return h&&h("Handshake: No matching S->C cipher"),He(e,"Handshake failed: no matching S->C cipher","handshake",De.KEY_EXCHANGE_FAILED);t.sc.cipher=u[d],h&&h(`Handshake: S->C cipher: ${u[d]}`);let E=o.lists.cs.mac.array;if(h&&h(`Handshake: (local) C->S MAC: ${E}`),h&&h(`Handshake: (remote) C->S MAC: ${s.cs.mac}`),fr[t.cs.cipher].authLen>0)t.cs.mac="",h&&h("Handshake: C->S MAC: <implicit>");else{for(e._server?(l=E,u=s.cs.mac):(l=s.cs.mac,u=E),d=0;d<u.length&&l.indexOf(u[d])===-1;++d);if(d===u.length)return h&&h("Handshake: No matching C->S MAC"),He(e,"Handshake failed: no matching C->S MAC","handshake",De.KEY_EXCHANGE_FAILED);t.cs.mac=u[d],h&&h(`Handshake: C->S MAC: ${u[d]}`)}let I=o.lists.sc.mac.array;if(h&&h(`Handshake: (local) S->C MAC: ${I}`),h&&h(`Handshake: (remote) S->C MAC: ${s.sc.mac}`),fr[t.sc.cipher].authLen>0)t.sc.mac="",h&&h("Handshake: S->C MAC: <implicit>");else{for(e._server?(l=I,u=s.sc.mac):(l=s.sc.mac,u=I),d=0;d<u.length&&l.indexOf(u[d])===-1;++d);if(d===u.length)return h&&h("Handshake: No matching S->C MAC"),He(e,"Handshake failed: no matching S->C MAC","handshake",De.KEY_EXCHANGE_FAILED);t.sc.mac=u[d],h&&h(`Handshake: S->C MAC: ${u[d]}`)}let P=o.lists.cs.compress.array;for(h&&h(`Handshake: (local) C->S compression: ${P}`),h&&h(`Handshake: (remote) C->S compression: ${s.cs.compress}`),e._server?(l=P,u=s.cs.compress):(l=s.cs.compress,u=P),d=0;d<u.length&&l.indexOf(u[d])===-1;++d);if(d===u.length)return h&&h("Handshake: No matching C->S compression"),He(e,"Handshake failed: no matching C->S compression","handshake",De.KEY_EXCHANGE_FAILED);t.cs.compress=u[d],h&&h(`Handshake: C->S compression: ${u[d]}`);let M=o.lists.sc.compress.array;for(h&&h(`Handshake: (local) S->C compression: ${M}`),h&&h(`Handshake: (remote) S->C compression: ${s.sc.compress}`),e._server?(l=M,u=s.sc.compress):(l=s.sc.compress,u=M),d=0;d<u.length&&l.indexOf(u[d])===-1;++d);if(d===u.length)return h&&h("Handshake: No matching S->C compression"),He(e,"Handshake failed: no matching S->C compression","handshake",De.KEY_EXCHANGE_FAILED);t.sc.compress=u[d],h&&h(`Handshake: S->C compression: ${u[d]}`),t.cs.lang="",t.sc.lang="",e._kex&&(e._kexinit||_l(e),e._decipher._onPayload=ml.bind(e,{firstPacket:!1})),e._kex=Im(t,e,n),e._kex.remoteExtInfoEnabled=_,e._kex.start()}c(gl,"handleKexInit");var Im=(()=>{function e(s){let a=0,u=s.length;for(;s[a]===0;)++a,--u;let l;return s[a]&128?(l=Buffer.allocUnsafe(1+u),l[0]=0,s.copy(l,1,a),s=l):u!==s.length&&(l=Buffer.allocUnsafe(u),s.copy(l,0,a),s=l),s}c(e,"convertToMpint");class n{static{c(this,"KeyExchange")}constructor(a,u,l){this._protocol=u,this.sessionID=u._kex?u._kex.sessionID:void 0,this.negotiated=a,this.remoteExtInfoEnabled=!1,this._step=1,this._public=null,this._dh=null,this._sentNEWKEYS=!1,this._receivedNEWKEYS=!1,this._finished=!1,this._hostVerified=!1,this._kexinit=u._kexinit,this._remoteKexinit=l,this._identRaw=u._identRaw,this._remoteIdentRaw=u._remoteIdentRaw,this._hostKey=void 0,this._dhData=void 0,this._sig=void 0}finish(a){if(this._finished)return!1;this._finished=!0;let u=this._protocol._server,l=this.negotiated,d=this.convertPublicKey(this._dhData),h=this.computeSecret(this._dhData);if(h instanceof Error)return h.message=`Error while computing DH secret (${this.type}): ${h.message}`,h.level="handshake",He(this._protocol,h,De.KEY_EXCHANGE_FAILED);let _=xa(this.hashName);Xt(_,u?this._remoteIdentRaw:this._identRaw),Xt(_,u?this._identRaw:this._remoteIdentRaw),Xt(_,u?this._remoteKexinit:this._kexinit),Xt(_,u?this._kexinit:this._remoteKexinit);let A=u?this._hostKey.getPublicSSH():this._hostKey;if(Xt(_,A),this.type==="groupex"){let M=this.getDHParams(),O=Buffer.allocUnsafe(4);At(O,this._minBits,0),_.update(O),At(O,this._prefBits,0),_.update(O),At(O,this._maxBits,0),_.update(O),Xt(_,M.prime),Xt(_,M.generator)}Xt(_,u?d:this.getPublicKey());let x=u?this.getPublicKey():d;Xt(_,x),Xt(_,h);let b=_.digest();if(u){let M;switch(this.negotiated.serverHostKey){case"rsa-sha2-256":M="sha256";break;case"rsa-sha2-512":M="sha512";break}this._protocol._debug&&this._protocol._debug("Generating signature ...");let O=this._hostKey.sign(b,M);if(O instanceof Error)return He(this._protocol,`Handshake failed: signature generation failed for ${this._hostKey.type} host key: ${O.message}`,"handshake",De.KEY_EXCHANGE_FAILED);if(O=wm(O,this._hostKey.type),O===!1)return He(this._protocol,`Handshake failed: signature conversion failed for ${this._hostKey.type} host key`,"handshake",De.KEY_EXCHANGE_FAILED);let G=this.negotiated.serverHostKey,_e=Buffer.byteLength(G),le=4+_e+4+O.length,L=this._protocol._packetRW.write.allocStartKEX,Z=this._protocol._packetRW.write.alloc(5+A.length+4+x.length+4+le,!0);if(Z[L]=Ye.KEXDH_REPLY,At(Z,A.length,++L),Z.set(A,L+=4),At(Z,x.length,L+=A.length),Z.set(x,L+=4),At(Z,le,L+=x.length),At(Z,_e,L+=4),Z.utf8Write(G,L+=4,_e),At(Z,O.length,L+=_e),Z.set(O,L+=4),this._protocol._debug){let V;switch(this.type){case"group":V="KEXDH_REPLY";break;case"groupex":V="KEXDH_GEX_REPLY";break;default:V="KEXECDH_REPLY"}this._protocol._debug(`Outbound: Sending ${V}`)}this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(Z,!0))}else{Ue.init(this._sig,0);let M=Ue.readString(!0);if(!M)return He(this._protocol,"Malformed packet while reading signature","handshake",De.KEY_EXCHANGE_FAILED);if(M!==l.serverHostKey)return He(this._protocol,`Wrong signature type: ${M}, expected: ${l.serverHostKey}`,"handshake",De.KEY_EXCHANGE_FAILED);let O=Ue.readString();if(Ue.clear(),O===void 0)return He(this._protocol,"Malformed packet while reading signature","handshake",De.KEY_EXCHANGE_FAILED);if(!(O=Em(O,M)))return He(this._protocol,"Malformed signature","handshake",De.KEY_EXCHANGE_FAILED);let G;{Ue.init(this._hostKey,0);let L=Ue.readString(!0),Z=this._hostKey.slice(Ue.pos());if(Ue.clear(),G=ym(Z,L),G instanceof Error)return G.level="handshake",He(this._protocol,G,De.KEY_EXCHANGE_FAILED)}let _e;switch(this.negotiated.serverHostKey){case"rsa-sha2-256":_e="sha256";break;case"rsa-sha2-512":_e="sha512";break}this._protocol._debug&&this._protocol._debug("Verifying signature ...");let le=G.verify(b,O,_e);if(le!==!0)return le instanceof Error?this._protocol._debug&&this._protocol._debug(`Signature verification failed: ${le.stack}`):this._protocol._debug&&this._protocol._debug("Signature verification failed"),He(this._protocol,"Handshake failed: signature verification failed","handshake",De.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Verified signature")}(u||!a)&&fo(this);let E,I,P=c(M=>{if(E)return fo(this),E.outbound.seqno=this._protocol._cipher.outSeqno,this._protocol._cipher.free(),this._protocol._cipher=mm(E),this._protocol._packetRW.write=I,E=void 0,I=void 0,this._protocol._onHandshakeComplete(l),!1;this.sessionID||(this.sessionID=b);{let de=Buffer.allocUnsafe(4+h.length);At(de,h.length,0),de.set(h,4),h=de}let O=fr[l.cs.cipher],G=fr[l.sc.cipher],_e=ur(O.ivLen,this.hashName,h,b,this.sessionID,"A"),le=ur(G.ivLen,this.hashName,h,b,this.sessionID,"B"),L=ur(O.keyLen,this.hashName,h,b,this.sessionID,"C"),Z=ur(G.keyLen,this.hashName,h,b,this.sessionID,"D"),V,j;O.authLen||(V=dl[l.cs.mac],j=ur(V.len,this.hashName,h,b,this.sessionID,"E"));let ie,me;G.authLen||(ie=dl[l.sc.mac],me=ur(ie.len,this.hashName,h,b,this.sessionID,"F"));let J={inbound:{onPayload:this._protocol._onPayload,seqno:this._protocol._decipher.inSeqno,decipherInfo:u?O:G,decipherIV:u?_e:le,decipherKey:u?L:Z,macInfo:u?V:ie,macKey:u?j:me},outbound:{onWrite:this._protocol._onWrite,seqno:this._protocol._cipher.outSeqno,cipherInfo:u?G:O,cipherIV:u?le:_e,cipherKey:u?Z:L,macInfo:u?ie:V,macKey:u?me:j}};this._protocol._decipher.free(),E=J,this._protocol._decipher=Am(J);let ce={read:void 0,write:void 0};switch(l.cs.compress){case"zlib":u?ce.read=new co:ce.write=new uo(this._protocol);break;case"zlib@openssh.com":if(this._protocol._authenticated){u?ce.read=new co:ce.write=new uo(this._protocol);break}default:u?ce.read=new hl:ce.write=new pl(this._protocol)}switch(l.sc.compress){case"zlib":u?ce.write=new uo(this._protocol):ce.read=new co;break;case"zlib@openssh.com":if(this._protocol._authenticated){u?ce.write=new uo(this._protocol):ce.read=new co;break}default:u?ce.write=new pl(this._protocol):ce.read=new hl}return this._protocol._packetRW.read.cleanup(),this._protocol._packetRW.write.cleanup(),this._protocol._packetRW.read=ce.read,I=ce.write,this._public=null,this._dh=null,this._kexinit=this._protocol._kexinit=void 0,this._remoteKexinit=void 0,this._identRaw=void 0,this._remoteIdentRaw=void 0,this._hostKey=void 0,this._dhData=void 0,this._sig=void 0,M?!1:P()},"completeHandshake");if((u||a)&&(this.finish=P),!u)return P(a)}start(){if(!this._protocol._server){if(this._protocol._debug){let d;this.type==="group"?d="KEXDH_INIT":d="KEXECDH_INIT",this._protocol._debug(`Outbound: Sending ${d}`)}let a=this.getPublicKey(),u=this._protocol._packetRW.write.allocStartKEX,l=this._protocol._packetRW.write.alloc(5+a.length,!0);l[u]=Ye.KEXDH_INIT,At(l,a.length,++u),l.set(a,u+=4),this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(l,!0))}}getPublicKey(){this.generateKeys();let a=this._public;if(a)return this.convertPublicKey(a)}convertPublicKey(a){let u,l=0,d=a.length;for(;a[l]===0;)++l,--d;return a[l]&128?(u=Buffer.allocUnsafe(1+d),u[0]=0,a.copy(u,1,l),u):(d!==a.length&&(u=Buffer.allocUnsafe(d),a.copy(u,0,l),a=u),a)}computeSecret(a){this.generateKeys();try{return e(this._dh.computeSecret(a))}catch(u){return u}}parse(a){let u=a[0];switch(this._step){case 1:if(this._protocol._server){if(u!==Ye.KEXDH_INIT)return He(this._protocol,`Received packet ${u} instead of ${Ye.KEXDH_INIT}`,"handshake",De.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Received DH Init"),Ue.init(a,1);let l=Ue.readString();if(Ue.clear(),l===void 0)return He(this._protocol,"Received malformed KEX*_INIT","handshake",De.KEY_EXCHANGE_FAILED);this._dhData=l;let d=this._protocol._hostKeys[this.negotiated.serverHostKey];Array.isArray(d)&&(d=d[0]),this._hostKey=d,this.finish()}else{if(u!==Ye.KEXDH_REPLY)return He(this._protocol,`Received packet ${u} instead of ${Ye.KEXDH_REPLY}`,"handshake",De.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Received DH Reply"),Ue.init(a,1);let l,d,h;if((l=Ue.readString())===void 0||(d=Ue.readString())===void 0||(h=Ue.readString())===void 0)return Ue.clear(),He(this._protocol,"Received malformed KEX*_REPLY","handshake",De.KEY_EXCHANGE_FAILED);Ue.clear(),Ue.init(l,0);let _=Ue.readString(!0);if(Ue.clear(),_===void 0)return He(this._protocol,"Received malformed host public key","handshake",De.KEY_EXCHANGE_FAILED);if(_!==this.negotiated.serverHostKey)switch(this.negotiated.serverHostKey){case"rsa-sha2-256":case"rsa-sha2-512":if(_==="ssh-rsa")break;default:return He(this._protocol,"Host key does not match negotiated type","handshake",De.KEY_EXCHANGE_FAILED)}this._hostKey=l,this._dhData=d,this._sig=h;let A=!1,x;if(this._protocol._hostVerifier===void 0?(x=!0,this._protocol._debug&&this._protocol._debug("Host accepted by default (no verification)")):x=this._protocol._hostVerifier(l,b=>{if(!A){if(A=!0,b===!1)return this._protocol._debug&&this._protocol._debug("Host denied (verification failed)"),He(this._protocol,"Host denied (verification failed)","handshake",De.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Host accepted (verified)"),this._hostVerified=!0,this._receivedNEWKEYS?this.finish():fo(this)}}),x===void 0){++this._step;return}if(A=!0,x===!1)return this._protocol._debug&&this._protocol._debug("Host denied (verification failed)"),He(this._protocol,"Host denied (verification failed)","handshake",De.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Host accepted (verified)"),this._hostVerified=!0,fo(this)}++this._step;break;case 2:return u!==Ye.NEWKEYS?He(this._protocol,`Received packet ${u} instead of ${Ye.NEWKEYS}`,"handshake",De.KEY_EXCHANGE_FAILED):(this._protocol._debug&&this._protocol._debug("Inbound: NEWKEYS"),this._receivedNEWKEYS=!0,this._protocol._strictMode&&(this._protocol._decipher.inSeqno=0),++this._step,this.finish(!this._protocol._server&&!this._hostVerified));default:return He(this._protocol,`Received unexpected packet ${u} after NEWKEYS`,"handshake",De.KEY_EXCHANGE_FAILED)}}}class t extends n{static{c(this,"Curve25519Exchange")}constructor(a,...u){super(...u),this.type="25519",this.hashName=a,this._keys=null}generateKeys(){this._keys||(this._keys=pm("x25519"))}getPublicKey(){return this.generateKeys(),this._keys.publicKey.export({type:"spki",format:"der"}).slice(-32)}convertPublicKey(a){let u,l=0,d=a.length;for(;a[l]===0;)++l,--d;return a.length===32||d!==a.length&&(u=Buffer.allocUnsafe(d),a.copy(u,0,l),a=u),a}computeSecret(a){this.generateKeys();try{let u=new ul.Writer;return u.startSequence(),u.startSequence(),u.writeOID("1.3.101.110"),u.endSequence(),u.startSequence(ul.BitString),u.writeByte(0),u._ensure(a.length),a.copy(u._buf,u._offset,0,a.length),u._offset+=a.length,u.endSequence(),u.endSequence(),e(hm({privateKey:this._keys.privateKey,publicKey:dm({key:u.buffer,type:"spki",format:"der"})}))}catch(u){return u}}}class r extends n{static{c(this,"ECDHExchange")}constructor(a,u,...l){super(...l),this.type="ecdh",this.curveName=a,this.hashName=u}generateKeys(){this._dh||(this._dh=lm(this.curveName),this._public=this._dh.generateKeys())}}class i extends n{static{c(this,"DHGroupExchange")}constructor(a,...u){super(...u),this.type="groupex",this.hashName=a,this._prime=null,this._generator=null,this._minBits=$m,this._prefBits=vm(this.negotiated),this._protocol._compatFlags&Ea.BUG_DHGEX_LARGE&&(this._prefBits=Math.min(this._prefBits,4096)),this._maxBits=km}start(){if(this._protocol._server)return;this._protocol._debug&&this._protocol._debug("Outbound: Sending KEXDH_GEX_REQUEST");let a=this._protocol._packetRW.write.allocStartKEX,u=this._protocol._packetRW.write.alloc(13,!0);u[a]=Ye.KEXDH_GEX_REQUEST,At(u,this._minBits,++a),At(u,this._prefBits,a+=4),At(u,this._maxBits,a+=4),this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(u,!0))}generateKeys(){!this._dh&&this._prime&&this._generator&&(this._dh=um(this._prime,this._generator),this._public=this._dh.generateKeys())}setDHParams(a,u){if(!Buffer.isBuffer(a))throw new Error("Invalid prime value");if(!Buffer.isBuffer(u))throw new Error("Invalid generator value");this._prime=a,this._generator=u}getDHParams(){if(this._dh)return{prime:e(this._dh.getPrime()),generator:e(this._dh.getGenerator())}}parse(a){let u=a[0];switch(this._step){case 1:{if(this._protocol._server)return u!==Ye.KEXDH_GEX_REQUEST?He(this._protocol,`Received packet ${u} instead of `+Ye.KEXDH_GEX_REQUEST,"handshake",De.KEY_EXCHANGE_FAILED):He(this._protocol,"Group exchange not implemented for server","handshake",De.KEY_EXCHANGE_FAILED);if(u!==Ye.KEXDH_GEX_GROUP)return He(this._protocol,`Received packet ${u} instead of ${Ye.KEXDH_GEX_GROUP}`,"handshake",De.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Received DH GEX Group"),Ue.init(a,1);let l,d;if((l=Ue.readString())===void 0||(d=Ue.readString())===void 0)return Ue.clear(),He(this._protocol,"Received malformed KEXDH_GEX_GROUP","handshake",De.KEY_EXCHANGE_FAILED);Ue.clear(),this.setDHParams(l,d),this.generateKeys();let h=this.getPublicKey();this._protocol._debug&&this._protocol._debug("Outbound: Sending KEXDH_GEX_INIT");let _=this._protocol._packetRW.write.allocStartKEX,A=this._protocol._packetRW.write.alloc(5+h.length,!0);A[_]=Ye.KEXDH_GEX_INIT,At(A,h.length,++_),A.set(h,_+=4),this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(A,!0)),++this._step;break}case 2:if(this._protocol._server)return u!==Ye.KEXDH_GEX_INIT?He(this._protocol,`Received packet ${u} instead of ${Ye.KEXDH_GEX_INIT}`,"handshake",De.KEY_EXCHANGE_FAILED):(this._protocol._debug&&this._protocol._debug("Received DH GEX Init"),He(this._protocol,"Group exchange not implemented for server","handshake",De.KEY_EXCHANGE_FAILED));if(u!==Ye.KEXDH_GEX_REPLY)return He(this._protocol,`Received packet ${u} instead of ${Ye.KEXDH_GEX_REPLY}`,"handshake",De.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Received DH GEX Reply"),this._step=1,a[0]=Ye.KEXDH_REPLY,this.parse=n.prototype.parse,this.parse(a)}}}class o extends n{static{c(this,"DHExchange")}constructor(a,u,...l){super(...l),this.type="group",this.groupName=a,this.hashName=u}start(){if(!this._protocol._server){this._protocol._debug&&this._protocol._debug("Outbound: Sending KEXDH_INIT");let a=this.getPublicKey(),u=this._protocol._packetRW.write.allocStartKEX,l=this._protocol._packetRW.write.alloc(5+a.length,!0);l[u]=Ye.KEXDH_INIT,At(l,a.length,++u),l.set(a,u+=4),this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(l,!0))}}generateKeys(){this._dh||(this._dh=fm(this.groupName),this._public=this._dh.generateKeys())}getDHParams(){if(this._dh)return{prime:e(this._dh.getPrime()),generator:e(this._dh.getGenerator())}}}return(s,...a)=>{if(typeof s!="object"||s===null)throw new Error("Invalid negotiated argument");let u=s.kex;if(typeof u=="string"){switch(a=[s,...a],u){case"curve25519-sha256":case"curve25519-sha256@libssh.org":if(!gm)break;return new t("sha256",...a);case"ecdh-sha2-nistp256":return new r("prime256v1","sha256",...a);case"ecdh-sha2-nistp384":return new r("secp384r1","sha384",...a);case"ecdh-sha2-nistp521":return new r("secp521r1","sha512",...a);case"diffie-hellman-group1-sha1":return new o("modp2","sha1",...a);case"diffie-hellman-group14-sha1":return new o("modp14","sha1",...a);case"diffie-hellman-group14-sha256":return new o("modp14","sha256",...a);case"diffie-hellman-group15-sha512":return new o("modp15","sha512",...a);case"diffie-hellman-group16-sha512":return new o("modp16","sha512",...a);case"diffie-hellman-group17-sha512":return new o("modp17","sha512",...a);case"diffie-hellman-group18-sha512":return new o("modp18","sha512",...a);case"diffie-hellman-group-exchange-sha1":return new i("sha1",...a);case"diffie-hellman-group-exchange-sha256":return new i("sha256",...a)}throw new Error(`Unsupported key exchange algorithm: ${u}`)}throw new Error(`Invalid key exchange type: ${u}`)}})(),wa=(()=>{let e=["kex","serverHostKey",["cs","cipher"],["sc","cipher"],["cs","mac"],["sc","mac"],["cs","compress"],["sc","compress"],["cs","lang"],["sc","lang"]];return class{static{c(this,"KexInit")}constructor(t){if(typeof t!="object"||t===null)throw new TypeError("Argument must be an object");let r={kex:void 0,serverHostKey:void 0,cs:{cipher:void 0,mac:void 0,compress:void 0,lang:void 0},sc:{cipher:void 0,mac:void 0,compress:void 0,lang:void 0},all:void 0},i=0;for(let a of e){let u,l,d,h;if(typeof a=="string")u=r,l=t[a],d=h=a;else{let A=a[0];u=r[A],h=a[1],l=t[A][h],d=`${A}.${h}`}let _={array:void 0,buffer:void 0};if(Buffer.isBuffer(l))_.array=(""+l).split(","),_.buffer=l,i+=4+l.length;else{if(typeof l=="string"&&(l=l.split(",")),Array.isArray(l))_.array=l,_.buffer=Buffer.from(l.join(","));else throw new TypeError(`Invalid \`${d}\` type: ${typeof l}`);i+=4+_.buffer.length}u[h]=_}let o=Buffer.allocUnsafe(i);r.all=o;let s=0;for(let a of e){let u;typeof a=="string"?u=r[a].buffer:u=r[a[0]][a[1]].buffer,s=At(o,u.length,s),o.set(u,s),s+=u.length}this.totalSize=i,this.lists=r}copyAllTo(t,r){let i=this.lists.all;if(typeof r!="number")throw new TypeError(`Invalid offset value: ${typeof r}`);if(t.length-r<i.length)throw new Error("Insufficient space to copy list");return t.set(i,r),i.length}}})(),Xt=(()=>{let e=Buffer.allocUnsafe(4);return(n,t)=>{At(e,t.length,0),n.update(e),n.update(t)}})();function ur(e,n,t,r,i,o){let s;if(e){let a=xa(n).update(t).update(r).update(o).update(i).digest();for(;a.length<e;){let u=xa(n).update(t).update(r).update(a).digest(),l=Buffer.allocUnsafe(a.length+u.length);l.set(a,0),l.set(u,a.length),a=l}a.length===e?s=a:s=new xm(a.buffer,a.byteOffset,e)}else s=Sm;return s}c(ur,"generateKEXVal");function ml(e,n){if(n.length===0){this._debug&&this._debug("Inbound: Skipping empty packet payload");return}if(this._skipNextInboundPacket){this._skipNextInboundPacket=!1;return}n=this._packetRW.read.read(n);let t=n[0];if(!this._strictMode)switch(t){case Ye.IGNORE:case Ye.UNIMPLEMENTED:case Ye.DEBUG:return cr||(cr=io()),cr[t](this,n)}switch(t){case Ye.DISCONNECT:return cr||(cr=io()),cr[t](this,n);case Ye.KEXINIT:return e.firstPacket?(e.firstPacket=!1,gl(this,n)):He(this,"Received extra KEXINIT during handshake","handshake",De.KEY_EXCHANGE_FAILED);default:if(t<20||t>49)return He(this,`Received unexpected packet type ${t}`,"handshake",De.KEY_EXCHANGE_FAILED)}return this._kex.parse(n)}c(ml,"onKEXPayload");function vm(e){let n=fr[e.cs.cipher],t=fr[e.sc.cipher],r=Math.max(0,n.sslName==="des-ede3-cbc"?14:n.keyLen,n.blockLen,n.ivLen,t.sslName==="des-ede3-cbc"?14:t.keyLen,t.blockLen,t.ivLen)*8;return r<=112?2048:r<=128?3072:r<=192?7680:8192}c(vm,"dhEstimate");function fo(e){if(!e._sentNEWKEYS){e._protocol._debug&&e._protocol._debug("Outbound: Sending NEWKEYS");let n=e._protocol._packetRW.write.allocStartKEX,t=e._protocol._packetRW.write.alloc(1,!0);t[n]=Ye.NEWKEYS,e._protocol._cipher.encrypt(e._protocol._packetRW.write.finalize(t,!0)),e._sentNEWKEYS=!0,e._protocol._strictMode&&(e._protocol._cipher.outSeqno=0)}}c(fo,"trySendNEWKEYS");Al.exports={KexInit:wa,kexinit:_l,onKEXPayload:ml,DEFAULT_KEXINIT_CLIENT:new wa({kex:fl.concat(["ext-info-c","kex-strict-c-v00@openssh.com"]),serverHostKey:ll,cs:{cipher:oo,mac:so,compress:ao,lang:[]},sc:{cipher:oo,mac:so,compress:ao,lang:[]}}),DEFAULT_KEXINIT_SERVER:new wa({kex:fl.concat(["kex-strict-s-v00@openssh.com"]),serverHostKey:ll,cs:{cipher:oo,mac:so,compress:ao,lang:[]},sc:{cipher:oo,mac:so,compress:ao,lang:[]}}),HANDLERS:{[Ye.KEXINIT]:gl}}});var yl=ze((RE,Cm)=>{Cm.exports={name:"ssh2",version:"1.17.0",author:"Brian White <mscdex@mscdex.net>",description:"SSH2 client and server modules written in pure JavaScript for node.js",main:"./lib/index.js",engines:{node:">=10.16.0"},dependencies:{asn1:"^0.2.6","bcrypt-pbkdf":"^1.0.2"},devDependencies:{"@mscdex/eslint-config":"^1.1.0",eslint:"^7.32.0"},optionalDependencies:{"cpu-features":"~0.0.10",nan:"^2.23.0"},scripts:{install:"node install.js",rebuild:"node install.js",test:"node test/test.js",lint:"eslint --cache --report-unused-disable-directives --ext=.js .eslintrc.js examples lib test","lint:fix":"npm run lint -- --fix"},keywords:["ssh","ssh2","sftp","secure","shell","exec","remote","client"],licenses:[{type:"MIT",url:"http://github.com/mscdex/ssh2/raw/master/LICENSE"}],repository:{type:"git",url:"http://github.com/mscdex/ssh2.git"}}});var Tl=ze((PE,Pl)=>{"use strict";var{inspect:kl}=require("util"),{bindingAvailable:Bm,NullCipher:Rm,NullDecipher:Pm}=nr(),{COMPAT_CHECKS:Tm,DISCONNECT_REASON:Sl,eddsaSupported:Nm,MESSAGE:Ae,SIGNALS:bl,TERMINAL_MODE:ka}=An(),{DEFAULT_KEXINIT_CLIENT:Om,DEFAULT_KEXINIT_SERVER:Lm,KexInit:wl,kexinit:Il,onKEXPayload:Um}=ba(),{parseKey:xl}=Nn(),Dm=io(),{bufferCopy:lo,bufferFill:Hm,bufferSlice:vl,convertSignature:El,sendPacket:ye,writeUInt32BE:$}=un(),{PacketReader:zm,PacketWriter:Fm,ZlibPacketReader:Cl,ZlibPacketWriter:Bl}=ma(),Qm=yl().version,Mm=new Map(Object.values(Sl).map(e=>[e,1])),Rl=Buffer.from(`SSH-2.0-ssh2js${Qm}`),Km=Buffer.from(`${Rl}\r
`),Wm=8192,Zm=1024,$l=Buffer.from([Ae.GLOBAL_REQUEST,0,0,0,21,107,101,101,112,97,108,105,118,101,64,111,112,101,110,115,115,104,46,99,111,109,1]),jm=Buffer.from([ka.TTY_OP_END]);function $a(){}c($a,"noop");var Sa=class{static{c(this,"Protocol")}constructor(n){let t=n.onWrite;if(typeof t!="function")throw new Error("Missing onWrite function");this._onWrite=A=>{t(A)};let r=n.onError;if(typeof r!="function")throw new Error("Missing onError function");this._onError=A=>{r(A)};let i=n.debug;this._debug=typeof i=="function"?A=>{i(A)}:void 0;let o=n.onHeader;this._onHeader=typeof o=="function"?(...A)=>{o(...A)}:$a;let s=n.onPacket;this._onPacket=typeof s=="function"?()=>{s()}:$a;let a=n.onHandshakeComplete;typeof a!="function"&&(a=$a);let u;this._onHandshakeComplete=(...A)=>{this._debug&&this._debug("Handshake completed"),u===void 0?u=!0:u=!1;let x=this._queue;if(x){this._queue=void 0,this._debug&&this._debug(`Draining outbound queue (${x.length}) ...`);for(let b=0;b<x.length;++b){let E=x[b],I=this._packetRW.write.finalize(E);if(I===E){let P=this._cipher.allocPacket(E.length);P.set(E,5),I=P}ye(this,I)}this._debug&&this._debug("... finished draining outbound queue")}u&&this._server&&this._kex.remoteExtInfoEnabled&&e0(this),a(...A)},this._queue=void 0;let l=n.messageHandlers;typeof l=="object"&&l!==null?this._handlers=l:this._handlers={},this._onPayload=Xm.bind(this),this._server=!!n.server,this._banner=void 0;let d;if(this._server){if(typeof n.hostKeys!="object"||n.hostKeys===null)throw new Error("Missing server host key(s)");this._hostKeys=n.hostKeys,typeof n.greeting=="string"&&n.greeting.length&&(d=n.greeting.slice(-2)===`\r
`?n.greeting:`${n.greeting}\r
`),typeof n.banner=="string"&&n.banner.length&&(this._banner=n.banner.slice(-2)===`\r
`?n.banner:`${n.banner}\r
`)}else this._hostKeys=void 0;let h=n.offer;typeof h!="object"||h===null?h=this._server?Lm:Om:h.constructor!==wl&&(this._server?h.kex=h.kex.concat(["kex-strict-s-v00@openssh.com"]):h.kex=h.kex.concat(["ext-info-c","kex-strict-c-v00@openssh.com"]),h=new wl(h)),this._kex=void 0,this._strictMode=void 0,this._kexinit=void 0,this._offer=h,this._cipher=new Rm(0,this._onWrite),this._decipher=void 0,this._skipNextInboundPacket=!1,this._packetRW={read:new zm,write:new Fm(this)},this._hostVerifier=!this._server&&typeof n.hostVerifier=="function"?n.hostVerifier:void 0,this._parse=qm,this._buffer=void 0,this._authsQueue=[],this._authenticated=!1,this._remoteIdentRaw=void 0;let _;if(typeof n.ident=="string")this._identRaw=Buffer.from(`SSH-2.0-${n.ident}`),_=Buffer.allocUnsafe(this._identRaw.length+2),_.set(this._identRaw,0),_[_.length-2]=13,_[_.length-1]=10;else if(Buffer.isBuffer(n.ident)){let A=Buffer.allocUnsafe(8+n.ident.length);A.latin1Write("SSH-2.0-",0,8),A.set(n.ident,8),this._identRaw=A,_=Buffer.allocUnsafe(A.length+2),_.set(A,0),_[_.length-2]=13,_[_.length-1]=10}else this._identRaw=Rl,_=Km;this._compatFlags=0,this._debug&&(Bm?this._debug("Custom crypto binding available"):this._debug("Custom crypto binding not available")),this._debug&&this._debug(`Local ident: ${kl(this._identRaw.toString())}`),this.start=()=>{this.start=void 0,d&&this._onWrite(d),this._onWrite(_)}}_destruct(n){this._packetRW.read.cleanup(),this._packetRW.write.cleanup(),this._cipher&&this._cipher.free(),this._decipher&&this._decipher.free(),(typeof n!="string"||n.length===0)&&(n="fatal error"),this.parse=()=>{throw new Error(`Instance unusable after ${n}`)},this._onWrite=()=>{throw new Error(`Instance unusable after ${n}`)},this._destruct=void 0}cleanup(){this._destruct&&this._destruct()}parse(n,t,r){for(;t<r;)t=this._parse(n,t,r)}disconnect(n){let r=this._packetRW.write.allocStartKEX,i=this._packetRW.write.alloc(13,!0),o=r+13;Mm.has(n)||(n=Sl.PROTOCOL_ERROR),i[r]=Ae.DISCONNECT,$(i,n,++r),i.fill(0,r+=4,o),this._debug&&this._debug(`Outbound: Sending DISCONNECT (${n})`),ye(this,this._packetRW.write.finalize(i,!0),!0)}ping(){let n=this._packetRW.write.allocStart,t=this._packetRW.write.alloc($l.length);t.set($l,n),this._debug&&this._debug("Outbound: Sending ping (GLOBAL_REQUEST: keepalive@openssh.com)"),ye(this,this._packetRW.write.finalize(t))}rekey(){this._kexinit===void 0?(this._debug&&this._debug("Outbound: Initiated explicit rekey"),this._queue=[],Il(this)):this._debug&&this._debug("Outbound: Ignoring rekey during handshake")}requestSuccess(n){let t=this._packetRW.write.allocStart,r;Buffer.isBuffer(n)?(r=this._packetRW.write.alloc(1+n.length),r[t]=Ae.REQUEST_SUCCESS,r.set(n,++t)):(r=this._packetRW.write.alloc(1),r[t]=Ae.REQUEST_SUCCESS),this._debug&&this._debug("Outbound: Sending REQUEST_SUCCESS"),ye(this,this._packetRW.write.finalize(r))}requestFailure(){let n=this._packetRW.write.allocStart,t=this._packetRW.write.alloc(1);t[n]=Ae.REQUEST_FAILURE,this._debug&&this._debug("Outbound: Sending REQUEST_FAILURE"),ye(this,this._packetRW.write.finalize(t))}channelSuccess(n){let t=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(5);r[t]=Ae.CHANNEL_SUCCESS,$(r,n,++t),this._debug&&this._debug(`Outbound: Sending CHANNEL_SUCCESS (r:${n})`),ye(this,this._packetRW.write.finalize(r))}channelFailure(n){let t=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(5);r[t]=Ae.CHANNEL_FAILURE,$(r,n,++t),this._debug&&this._debug(`Outbound: Sending CHANNEL_FAILURE (r:${n})`),ye(this,this._packetRW.write.finalize(r))}channelEOF(n){let t=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(5);r[t]=Ae.CHANNEL_EOF,$(r,n,++t),this._debug&&this._debug(`Outbound: Sending CHANNEL_EOF (r:${n})`),ye(this,this._packetRW.write.finalize(r))}channelClose(n){let t=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(5);r[t]=Ae.CHANNEL_CLOSE,$(r,n,++t),this._debug&&this._debug(`Outbound: Sending CHANNEL_CLOSE (r:${n})`),ye(this,this._packetRW.write.finalize(r))}channelWindowAdjust(n,t){let r=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(9);i[r]=Ae.CHANNEL_WINDOW_ADJUST,$(i,n,++r),$(i,t,r+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_WINDOW_ADJUST (r:${n}, ${t})`),ye(this,this._packetRW.write.finalize(i))}channelData(n,t){let r=Buffer.isBuffer(t),i=r?t.length:Buffer.byteLength(t),o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(9+i);s[o]=Ae.CHANNEL_DATA,$(s,n,++o),$(s,i,o+=4),r?s.set(t,o+=4):s.utf8Write(t,o+=4,i),this._debug&&this._debug(`Outbound: Sending CHANNEL_DATA (r:${n}, ${i})`),ye(this,this._packetRW.write.finalize(s))}channelExtData(n,t,r){let i=Buffer.isBuffer(t),o=i?t.length:Buffer.byteLength(t),s=this._packetRW.write.allocStart,a=this._packetRW.write.alloc(13+o);a[s]=Ae.CHANNEL_EXTENDED_DATA,$(a,n,++s),$(a,r,s+=4),$(a,o,s+=4),i?a.set(t,s+=4):a.utf8Write(t,s+=4,o),this._debug&&this._debug(`Outbound: Sending CHANNEL_EXTENDED_DATA (r:${n})`),ye(this,this._packetRW.write.finalize(a))}channelOpenConfirm(n,t,r,i){let o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(17);s[o]=Ae.CHANNEL_OPEN_CONFIRMATION,$(s,n,++o),$(s,t,o+=4),$(s,r,o+=4),$(s,i,o+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN_CONFIRMATION (r:${n}, l:${t})`),ye(this,this._packetRW.write.finalize(s))}channelOpenFail(n,t,r){typeof r!="string"&&(r="");let i=Buffer.byteLength(r),o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(13+i+4);s[o]=Ae.CHANNEL_OPEN_FAILURE,$(s,n,++o),$(s,t,o+=4),$(s,i,o+=4),o+=4,i&&(s.utf8Write(r,o,i),o+=i),$(s,0,o),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN_FAILURE (r:${n})`),ye(this,this._packetRW.write.finalize(s))}service(n){if(this._server)throw new Error("Client-only method called in server mode");let t=Buffer.byteLength(n),r=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(5+t);i[r]=Ae.SERVICE_REQUEST,$(i,t,++r),i.utf8Write(n,r+=4,t),this._debug&&this._debug(`Outbound: Sending SERVICE_REQUEST (${n})`),ye(this,this._packetRW.write.finalize(i))}authPassword(n,t,r){if(this._server)throw new Error("Client-only method called in server mode");let i=Buffer.byteLength(n),o=Buffer.byteLength(t),s=r?Buffer.byteLength(r):0,a=this._packetRW.write.allocStart,u=this._packetRW.write.alloc(5+i+4+14+4+8+1+4+o+(r?4+s:0));u[a]=Ae.USERAUTH_REQUEST,$(u,i,++a),u.utf8Write(n,a+=4,i),$(u,14,a+=i),u.utf8Write("ssh-connection",a+=4,14),$(u,8,a+=14),u.utf8Write("password",a+=4,8),u[a+=8]=r?1:0,$(u,o,++a),Buffer.isBuffer(t)?lo(t,u,0,o,a+=4):u.utf8Write(t,a+=4,o),r?($(u,s,a+=o),Buffer.isBuffer(r)?lo(r,u,0,s,a+=4):u.utf8Write(r,a+=4,s),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (changed password)")):this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (password)"),this._authsQueue.push("password"),ye(this,this._packetRW.write.finalize(u))}authPK(n,t,r,i){if(this._server)throw new Error("Client-only method called in server mode");if(t=xl(t),t instanceof Error)throw new Error("Invalid key");let o=t.type;t=t.getPublicSSH(),typeof r=="function"&&(i=r,r=void 0),r||(r=o);let s=Buffer.byteLength(n),a=Buffer.byteLength(r),u=t.length,l=this._kex.sessionID,d=l.length,h=(i?4+d:0)+1+4+s+4+14+4+9+1+4+a+4+u,_,A;if(i?(_=Buffer.allocUnsafe(h),A=0,$(_,d,A),_.set(l,A+=4),A+=d):(_=this._packetRW.write.alloc(h),A=this._packetRW.write.allocStart),_[A]=Ae.USERAUTH_REQUEST,$(_,s,++A),_.utf8Write(n,A+=4,s),$(_,14,A+=s),_.utf8Write("ssh-connection",A+=4,14),$(_,9,A+=14),_.utf8Write("publickey",A+=4,9),_[A+=9]=i?1:0,$(_,a,++A),_.utf8Write(r,A+=4,a),$(_,u,A+=a),_.set(t,A+=4),!i){this._authsQueue.push("publickey"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (publickey -- check)"),ye(this,this._packetRW.write.finalize(_));return}i(_,x=>{if(x=El(x,o),x===!1)throw new Error("Error while converting handshake signature");let b=x.length;A=this._packetRW.write.allocStart,_=this._packetRW.write.alloc(5+s+4+14+4+9+1+4+a+4+u+4+4+a+4+b),_[A]=Ae.USERAUTH_REQUEST,$(_,s,++A),_.utf8Write(n,A+=4,s),$(_,14,A+=s),_.utf8Write("ssh-connection",A+=4,14),$(_,9,A+=14),_.utf8Write("publickey",A+=4,9),_[A+=9]=1,$(_,a,++A),_.utf8Write(r,A+=4,a),$(_,u,A+=a),_.set(t,A+=4),$(_,4+a+4+b,A+=u),$(_,a,A+=4),_.utf8Write(r,A+=4,a),$(_,b,A+=a),_.set(x,A+=4),this._authsQueue.push("publickey"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (publickey)"),ye(this,this._packetRW.write.finalize(_))})}authHostbased(n,t,r,i,o,s){if(this._server)throw new Error("Client-only method called in server mode");if(t=xl(t),t instanceof Error)throw new Error("Invalid key");let a=t.type;t=t.getPublicSSH(),typeof o=="function"&&(s=o,o=void 0),o||(o=a);let u=Buffer.byteLength(n),l=Buffer.byteLength(o),d=t.length,h=this._kex.sessionID,_=h.length,A=Buffer.byteLength(r),x=Buffer.byteLength(i),b=Buffer.allocUnsafe(4+_+1+4+u+4+14+4+9+4+l+4+d+4+A+4+x),E=0;$(b,_,E),b.set(h,E+=4),b[E+=_]=Ae.USERAUTH_REQUEST,$(b,u,++E),b.utf8Write(n,E+=4,u),$(b,14,E+=u),b.utf8Write("ssh-connection",E+=4,14),$(b,9,E+=14),b.utf8Write("hostbased",E+=4,9),$(b,l,E+=9),b.utf8Write(o,E+=4,l),$(b,d,E+=l),b.set(t,E+=4),$(b,A,E+=d),b.utf8Write(r,E+=4,A),$(b,x,E+=A),b.utf8Write(i,E+=4,x),s(b,I=>{if(I=El(I,a),!I)throw new Error("Error while converting handshake signature");let P=I.length,M=b.length-_-4;E=this._packetRW.write.allocStart;let O=this._packetRW.write.alloc(M+4+4+l+4+P);lo(b,O,4+_,b.length,E),$(O,4+l+4+P,E+=M),$(O,l,E+=4),O.utf8Write(o,E+=4,l),$(O,P,E+=l),O.set(I,E+=4),this._authsQueue.push("hostbased"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (hostbased)"),ye(this,this._packetRW.write.finalize(O))})}authKeyboard(n){if(this._server)throw new Error("Client-only method called in server mode");let t=Buffer.byteLength(n),r=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(5+t+4+14+4+20+4+4);i[r]=Ae.USERAUTH_REQUEST,$(i,t,++r),i.utf8Write(n,r+=4,t),$(i,14,r+=t),i.utf8Write("ssh-connection",r+=4,14),$(i,20,r+=14),i.utf8Write("keyboard-interactive",r+=4,20),$(i,0,r+=20),$(i,0,r+=4),this._authsQueue.push("keyboard-interactive"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (keyboard-interactive)"),ye(this,this._packetRW.write.finalize(i))}authNone(n){if(this._server)throw new Error("Client-only method called in server mode");let t=Buffer.byteLength(n),r=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(5+t+4+14+4+4);i[r]=Ae.USERAUTH_REQUEST,$(i,t,++r),i.utf8Write(n,r+=4,t),$(i,14,r+=t),i.utf8Write("ssh-connection",r+=4,14),$(i,4,r+=14),i.utf8Write("none",r+=4,4),this._authsQueue.push("none"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (none)"),ye(this,this._packetRW.write.finalize(i))}authInfoRes(n){if(this._server)throw new Error("Client-only method called in server mode");let t=0,r;if(n){r=new Array(n.length);for(let s=0;s<n.length;++s){let a=Buffer.byteLength(n[s]);r[s]=a,t+=4+a}}let i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(5+t);if(o[i]=Ae.USERAUTH_INFO_RESPONSE,n){$(o,n.length,++i),i+=4;for(let s=0;s<n.length;++s){let a=r[s];$(o,a,i),i+=4,a&&(o.utf8Write(n[s],i,a),i+=a)}}else $(o,0,++i);this._debug&&this._debug("Outbound: Sending USERAUTH_INFO_RESPONSE"),ye(this,this._packetRW.write.finalize(o))}tcpipForward(n,t,r){if(this._server)throw new Error("Client-only method called in server mode");let i=Buffer.byteLength(n),o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(23+i+4);s[o]=Ae.GLOBAL_REQUEST,$(s,13,++o),s.utf8Write("tcpip-forward",o+=4,13),s[o+=13]=r===void 0||r===!0?1:0,$(s,i,++o),s.utf8Write(n,o+=4,i),$(s,t,o+=i),this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (tcpip-forward)"),ye(this,this._packetRW.write.finalize(s))}cancelTcpipForward(n,t,r){if(this._server)throw new Error("Client-only method called in server mode");let i=Buffer.byteLength(n),o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(30+i+4);s[o]=Ae.GLOBAL_REQUEST,$(s,20,++o),s.utf8Write("cancel-tcpip-forward",o+=4,20),s[o+=20]=r===void 0||r===!0?1:0,$(s,i,++o),s.utf8Write(n,o+=4,i),$(s,t,o+=i),this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (cancel-tcpip-forward)"),ye(this,this._packetRW.write.finalize(s))}openssh_streamLocalForward(n,t){if(this._server)throw new Error("Client-only method called in server mode");let r=Buffer.byteLength(n),i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(41+r);o[i]=Ae.GLOBAL_REQUEST,$(o,31,++i),o.utf8Write("streamlocal-forward@openssh.com",i+=4,31),o[i+=31]=t===void 0||t===!0?1:0,$(o,r,++i),o.utf8Write(n,i+=4,r),this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (streamlocal-forward@openssh.com)"),ye(this,this._packetRW.write.finalize(o))}openssh_cancelStreamLocalForward(n,t){if(this._server)throw new Error("Client-only method called in server mode");let r=Buffer.byteLength(n),i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(48+r);o[i]=Ae.GLOBAL_REQUEST,$(o,38,++i),o.utf8Write("cancel-streamlocal-forward@openssh.com",i+=4,38),o[i+=38]=t===void 0||t===!0?1:0,$(o,r,++i),o.utf8Write(n,i+=4,r),this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (cancel-streamlocal-forward@openssh.com)"),ye(this,this._packetRW.write.finalize(o))}directTcpip(n,t,r,i){if(this._server)throw new Error("Client-only method called in server mode");let o=Buffer.byteLength(i.srcIP),s=Buffer.byteLength(i.dstIP),a=this._packetRW.write.allocStart,u=this._packetRW.write.alloc(33+o+4+4+s+4);u[a]=Ae.CHANNEL_OPEN,$(u,12,++a),u.utf8Write("direct-tcpip",a+=4,12),$(u,n,a+=12),$(u,t,a+=4),$(u,r,a+=4),$(u,s,a+=4),u.utf8Write(i.dstIP,a+=4,s),$(u,i.dstPort,a+=s),$(u,o,a+=4),u.utf8Write(i.srcIP,a+=4,o),$(u,i.srcPort,a+=o),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${n}, direct-tcpip)`),ye(this,this._packetRW.write.finalize(u))}openssh_directStreamLocal(n,t,r,i){if(this._server)throw new Error("Client-only method called in server mode");let o=Buffer.byteLength(i.socketPath),s=this._packetRW.write.allocStart,a=this._packetRW.write.alloc(51+o+4+4);a[s]=Ae.CHANNEL_OPEN,$(a,30,++s),a.utf8Write("direct-streamlocal@openssh.com",s+=4,30),$(a,n,s+=30),$(a,t,s+=4),$(a,r,s+=4),$(a,o,s+=4),a.utf8Write(i.socketPath,s+=4,o),Hm(a,0,s+=o,s+8),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${n}, direct-streamlocal@openssh.com)`),ye(this,this._packetRW.write.finalize(a))}openssh_noMoreSessions(n){if(this._server)throw new Error("Client-only method called in server mode");let t=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(34);r[t]=Ae.GLOBAL_REQUEST,$(r,28,++t),r.utf8Write("no-more-sessions@openssh.com",t+=4,28),r[t+=28]=n===void 0||n===!0?1:0,this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (no-more-sessions@openssh.com)"),ye(this,this._packetRW.write.finalize(r))}session(n,t,r){if(this._server)throw new Error("Client-only method called in server mode");let i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(24);o[i]=Ae.CHANNEL_OPEN,$(o,7,++i),o.utf8Write("session",i+=4,7),$(o,n,i+=7),$(o,t,i+=4),$(o,r,i+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${n}, session)`),ye(this,this._packetRW.write.finalize(o))}windowChange(n,t,r,i,o){if(this._server)throw new Error("Client-only method called in server mode");let s=this._packetRW.write.allocStart,a=this._packetRW.write.alloc(39);a[s]=Ae.CHANNEL_REQUEST,$(a,n,++s),$(a,13,s+=4),a.utf8Write("window-change",s+=4,13),a[s+=13]=0,$(a,r,++s),$(a,t,s+=4),$(a,o,s+=4),$(a,i,s+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${n}, window-change)`),ye(this,this._packetRW.write.finalize(a))}pty(n,t,r,i,o,s,a,u){if(this._server)throw new Error("Client-only method called in server mode");(!s||!s.length)&&(s="vt100"),a&&!Buffer.isBuffer(a)&&!Array.isArray(a)&&typeof a=="object"&&a!==null&&(a=Jm(a)),(!a||!a.length)&&(a=jm);let l=s.length,d=a.length,h=this._packetRW.write.allocStart,_=this._packetRW.write.alloc(21+l+4+4+4+4+4+d);if(_[h]=Ae.CHANNEL_REQUEST,$(_,n,++h),$(_,7,h+=4),_.utf8Write("pty-req",h+=4,7),_[h+=7]=u===void 0||u===!0?1:0,$(_,l,++h),_.utf8Write(s,h+=4,l),$(_,r,h+=l),$(_,t,h+=4),$(_,o,h+=4),$(_,i,h+=4),$(_,d,h+=4),h+=4,Array.isArray(a))for(let A=0;A<d;++A)_[h++]=a[A];else Buffer.isBuffer(a)&&_.set(a,h);this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${n}, pty-req)`),ye(this,this._packetRW.write.finalize(_))}shell(n,t){if(this._server)throw new Error("Client-only method called in server mode");let r=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(15);i[r]=Ae.CHANNEL_REQUEST,$(i,n,++r),$(i,5,r+=4),i.utf8Write("shell",r+=4,5),i[r+=5]=t===void 0||t===!0?1:0,this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${n}, shell)`),ye(this,this._packetRW.write.finalize(i))}exec(n,t,r){if(this._server)throw new Error("Client-only method called in server mode");let i=Buffer.isBuffer(t),o=i?t.length:Buffer.byteLength(t),s=this._packetRW.write.allocStart,a=this._packetRW.write.alloc(18+o);a[s]=Ae.CHANNEL_REQUEST,$(a,n,++s),$(a,4,s+=4),a.utf8Write("exec",s+=4,4),a[s+=4]=r===void 0||r===!0?1:0,$(a,o,++s),i?a.set(t,s+=4):a.utf8Write(t,s+=4,o),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${n}, exec: ${t})`),ye(this,this._packetRW.write.finalize(a))}signal(n,t){if(this._server)throw new Error("Client-only method called in server mode");let r=t;if(t=t.toUpperCase(),t.slice(0,3)==="SIG"&&(t=t.slice(3)),bl[t]!==1)throw new Error(`Invalid signal: ${r}`);let i=t.length,o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(20+i);s[o]=Ae.CHANNEL_REQUEST,$(s,n,++o),$(s,6,o+=4),s.utf8Write("signal",o+=4,6),s[o+=6]=0,$(s,i,++o),s.utf8Write(t,o+=4,i),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${n}, signal: ${t})`),ye(this,this._packetRW.write.finalize(s))}env(n,t,r,i){if(this._server)throw new Error("Client-only method called in server mode");let o=Buffer.byteLength(t),s=Buffer.isBuffer(r),a=s?r.length:Buffer.byteLength(r),u=this._packetRW.write.allocStart,l=this._packetRW.write.alloc(17+o+4+a);l[u]=Ae.CHANNEL_REQUEST,$(l,n,++u),$(l,3,u+=4),l.utf8Write("env",u+=4,3),l[u+=3]=i===void 0||i===!0?1:0,$(l,o,++u),l.utf8Write(t,u+=4,o),$(l,a,u+=o),s?l.set(r,u+=4):l.utf8Write(r,u+=4,a),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${n}, env: ${t}=${r})`),ye(this,this._packetRW.write.finalize(l))}x11Forward(n,t,r){if(this._server)throw new Error("Client-only method called in server mode");let i=t.protocol,o=t.cookie,s=Buffer.isBuffer(i),a=s?i.length:Buffer.byteLength(i),u=Buffer.isBuffer(o),l=u?o.length:Buffer.byteLength(o),d=this._packetRW.write.allocStart,h=this._packetRW.write.alloc(22+a+4+l+4);h[d]=Ae.CHANNEL_REQUEST,$(h,n,++d),$(h,7,d+=4),h.utf8Write("x11-req",d+=4,7),h[d+=7]=r===void 0||r===!0?1:0,h[++d]=t.single?1:0,$(h,a,++d),s?h.set(i,d+=4):h.utf8Write(i,d+=4,a),$(h,l,d+=a),u?h.set(o,d+=4):h.latin1Write(o,d+=4,l),$(h,t.screen||0,d+=l),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${n}, x11-req)`),ye(this,this._packetRW.write.finalize(h))}subsystem(n,t,r){if(this._server)throw new Error("Client-only method called in server mode");let i=Buffer.byteLength(t),o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(23+i);s[o]=Ae.CHANNEL_REQUEST,$(s,n,++o),$(s,9,o+=4),s.utf8Write("subsystem",o+=4,9),s[o+=9]=r===void 0||r===!0?1:0,$(s,i,++o),s.utf8Write(t,o+=4,i),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${n}, subsystem: ${t})`),ye(this,this._packetRW.write.finalize(s))}openssh_agentForward(n,t){if(this._server)throw new Error("Client-only method called in server mode");let r=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(36);i[r]=Ae.CHANNEL_REQUEST,$(i,n,++r),$(i,26,r+=4),i.utf8Write("auth-agent-req@openssh.com",r+=4,26),i[r+=26]=t===void 0||t===!0?1:0,this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${n}, auth-agent-req@openssh.com)`),ye(this,this._packetRW.write.finalize(i))}openssh_hostKeysProve(n){if(this._server)throw new Error("Client-only method called in server mode");let t=0,r=[];for(let s of n){let a=s.getPublicSSH();t+=4+a.length,r.push(a)}let i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(35+t);o[i]=Ae.GLOBAL_REQUEST,$(o,29,++i),o.utf8Write("hostkeys-prove-00@openssh.com",i+=4,29),o[i+=29]=1,++i;for(let s of r)$(o,s.length,i),lo(s,o,0,s.length,i+=4),i+=s.length;this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (hostkeys-prove-00@openssh.com)"),ye(this,this._packetRW.write.finalize(o))}serviceAccept(n){if(!this._server)throw new Error("Server-only method called in client mode");let t=Buffer.byteLength(n),r=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(5+t);if(i[r]=Ae.SERVICE_ACCEPT,$(i,t,++r),i.utf8Write(n,r+=4,t),this._debug&&this._debug(`Outbound: Sending SERVICE_ACCEPT (${n})`),ye(this,this._packetRW.write.finalize(i)),this._server&&this._banner&&n==="ssh-userauth"){let o=this._banner;this._banner=void 0;let s=Buffer.byteLength(o);r=this._packetRW.write.allocStart;let a=this._packetRW.write.alloc(5+s+4);a[r]=Ae.USERAUTH_BANNER,$(a,s,++r),a.utf8Write(o,r+=4,s),$(a,0,r+=s),this._debug&&this._debug("Outbound: Sending USERAUTH_BANNER"),ye(this,this._packetRW.write.finalize(a))}}forwardedTcpip(n,t,r,i){if(!this._server)throw new Error("Server-only method called in client mode");let o=Buffer.byteLength(i.boundAddr),s=Buffer.byteLength(i.remoteAddr),a=this._packetRW.write.allocStart,u=this._packetRW.write.alloc(36+o+4+4+s+4);u[a]=Ae.CHANNEL_OPEN,$(u,15,++a),u.utf8Write("forwarded-tcpip",a+=4,15),$(u,n,a+=15),$(u,t,a+=4),$(u,r,a+=4),$(u,o,a+=4),u.utf8Write(i.boundAddr,a+=4,o),$(u,i.boundPort,a+=o),$(u,s,a+=4),u.utf8Write(i.remoteAddr,a+=4,s),$(u,i.remotePort,a+=s),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${n}, forwarded-tcpip)`),ye(this,this._packetRW.write.finalize(u))}x11(n,t,r,i){if(!this._server)throw new Error("Server-only method called in client mode");let o=Buffer.byteLength(i.originAddr),s=this._packetRW.write.allocStart,a=this._packetRW.write.alloc(24+o+4);a[s]=Ae.CHANNEL_OPEN,$(a,3,++s),a.utf8Write("x11",s+=4,3),$(a,n,s+=3),$(a,t,s+=4),$(a,r,s+=4),$(a,o,s+=4),a.utf8Write(i.originAddr,s+=4,o),$(a,i.originPort,s+=o),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${n}, x11)`),ye(this,this._packetRW.write.finalize(a))}openssh_authAgent(n,t,r){if(!this._server)throw new Error("Server-only method called in client mode");let i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(39);o[i]=Ae.CHANNEL_OPEN,$(o,22,++i),o.utf8Write("auth-agent@openssh.com",i+=4,22),$(o,n,i+=22),$(o,t,i+=4),$(o,r,i+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${n}, auth-agent@openssh.com)`),ye(this,this._packetRW.write.finalize(o))}openssh_forwardedStreamLocal(n,t,r,i){if(!this._server)throw new Error("Server-only method called in client mode");let o=Buffer.byteLength(i.socketPath),s=this._packetRW.write.allocStart,a=this._packetRW.write.alloc(54+o+4);a[s]=Ae.CHANNEL_OPEN,$(a,33,++s),a.utf8Write("forwarded-streamlocal@openssh.com",s+=4,33),$(a,n,s+=33),$(a,t,s+=4),$(a,r,s+=4),$(a,o,s+=4),a.utf8Write(i.socketPath,s+=4,o),$(a,0,s+=o),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${n}, forwarded-streamlocal@openssh.com)`),ye(this,this._packetRW.write.finalize(a))}exitStatus(n,t){if(!this._server)throw new Error("Server-only method called in client mode");let r=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(25);i[r]=Ae.CHANNEL_REQUEST,$(i,n,++r),$(i,11,r+=4),i.utf8Write("exit-status",r+=4,11),i[r+=11]=0,$(i,t,++r),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${n}, exit-status: ${t})`),ye(this,this._packetRW.write.finalize(i))}exitSignal(n,t,r,i){if(!this._server)throw new Error("Server-only method called in client mode");let o=t;if(typeof o!="string"||!o)throw new Error(`Invalid signal: ${o}`);let s=t.toUpperCase();if(s.slice(0,3)==="SIG"&&(s=s.slice(3)),bl[s]!==1)throw new Error(`Invalid signal: ${o}`);let a=Buffer.byteLength(s),u=i?Buffer.byteLength(i):0,l=this._packetRW.write.allocStart,d=this._packetRW.write.alloc(25+a+1+4+u+4);d[l]=Ae.CHANNEL_REQUEST,$(d,n,++l),$(d,11,l+=4),d.utf8Write("exit-signal",l+=4,11),d[l+=11]=0,$(d,a,++l),d.utf8Write(s,l+=4,a),d[l+=a]=r?1:0,$(d,u,++l),l+=4,u&&(d.utf8Write(i,l,u),l+=u),$(d,0,l),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${n}, exit-signal: ${t})`),ye(this,this._packetRW.write.finalize(d))}authFailure(n,t){if(!this._server)throw new Error("Server-only method called in client mode");if(this._authsQueue.length===0)throw new Error("No auth in progress");let r;if(typeof n=="boolean"&&(t=n,n=void 0),n){r=[];for(let a=0;a<n.length;++a)n[a].toLowerCase()!=="none"&&r.push(n[a]);r=r.join(",")}else r="";let i=r.length,o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(5+i+1);s[o]=Ae.USERAUTH_FAILURE,$(s,i,++o),s.utf8Write(r,o+=4,i),s[o+=i]=t===!0?1:0,this._authsQueue.shift(),this._debug&&this._debug("Outbound: Sending USERAUTH_FAILURE"),ye(this,this._packetRW.write.finalize(s))}authSuccess(){if(!this._server)throw new Error("Server-only method called in client mode");if(this._authsQueue.length===0)throw new Error("No auth in progress");let n=this._packetRW.write.allocStart,t=this._packetRW.write.alloc(1);t[n]=Ae.USERAUTH_SUCCESS,this._authsQueue.shift(),this._authenticated=!0,this._debug&&this._debug("Outbound: Sending USERAUTH_SUCCESS"),ye(this,this._packetRW.write.finalize(t)),this._kex.negotiated.cs.compress==="zlib@openssh.com"&&(this._packetRW.read=new Cl),this._kex.negotiated.sc.compress==="zlib@openssh.com"&&(this._packetRW.write=new Bl(this))}authPKOK(n,t){if(!this._server)throw new Error("Server-only method called in client mode");if(this._authsQueue.length===0||this._authsQueue[0]!=="publickey")throw new Error('"publickey" auth not in progress');let r=Buffer.byteLength(n),i=t.length,o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(5+r+4+i);s[o]=Ae.USERAUTH_PK_OK,$(s,r,++o),s.utf8Write(n,o+=4,r),$(s,i,o+=r),s.set(t,o+=4),this._authsQueue.shift(),this._debug&&this._debug("Outbound: Sending USERAUTH_PK_OK"),ye(this,this._packetRW.write.finalize(s))}authPasswdChg(n){if(!this._server)throw new Error("Server-only method called in client mode");let t=Buffer.byteLength(n),r=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(5+t+4);i[r]=Ae.USERAUTH_PASSWD_CHANGEREQ,$(i,t,++r),i.utf8Write(n,r+=4,t),$(i,0,r+=t),this._debug&&this._debug("Outbound: Sending USERAUTH_PASSWD_CHANGEREQ"),ye(this,this._packetRW.write.finalize(i))}authInfoReq(n,t,r){if(!this._server)throw new Error("Server-only method called in client mode");let i=0,o=n?Buffer.byteLength(n):0,s=t?Buffer.byteLength(t):0;for(let l=0;l<r.length;++l)i+=4+Buffer.byteLength(r[l].prompt)+1;let a=this._packetRW.write.allocStart,u=this._packetRW.write.alloc(5+o+4+s+4+4+i);u[a]=Ae.USERAUTH_INFO_REQUEST,$(u,o,++a),a+=4,n&&(u.utf8Write(n,a,o),a+=o),$(u,s,a),a+=4,t&&(u.utf8Write(t,a,s),a+=s),$(u,0,a),$(u,r.length,a+=4),a+=4;for(let l=0;l<r.length;++l){let d=r[l],h=Buffer.byteLength(d.prompt);$(u,h,a),a+=4,h&&(u.utf8Write(d.prompt,a,h),a+=h),u[a++]=d.echo?1:0}this._debug&&this._debug("Outbound: Sending USERAUTH_INFO_REQUEST"),ye(this,this._packetRW.write.finalize(u))}},Gm=/^SSH-(2\.0|1\.99)-([^ ]+)(?: (.*))?$/;function qm(e,n,t){let r,i;this._buffer?(r=Buffer.allocUnsafe(this._buffer.length+(t-n)),r.set(this._buffer,0),n===0?r.set(e,this._buffer.length):r.set(new Uint8Array(e.buffer,e.byteOffset+n,t-n),this._buffer.length),i=this._buffer.length,n=0):(r=e,i=0);let o=n,s=n,a=n,u=!1,l=0,d=0;for(;n<r.length;++n){let h=r[n];if(h===13){u=!0;continue}if(h===10){if(a>s&&a-s>4&&r[s]===83&&r[s+1]===83&&r[s+2]===72&&r[s+3]===45){let _=r.latin1Slice(o,a+1),A=s===o?_:_.slice(s-o),x=Gm.exec(A);if(!x)throw new Error("Invalid identification string");let b={greeting:s===o?"":_.slice(0,s-o),identRaw:A,versions:{protocol:x[1],software:x[2]},comments:x[3]};return this._remoteIdentRaw=Buffer.from(A),this._debug&&this._debug(`Remote ident: ${kl(A)}`),this._compatFlags=Vm(b),this._buffer=void 0,this._decipher=new Pm(0,Um.bind(this,{firstPacket:!0})),this._parse=Ym,this._onHeader(b),this._destruct?(Il(this),n+1-i):t}if(this._server)throw new Error("Greetings from clients not permitted");if(++d>Zm)throw new Error("Max greeting lines exceeded");u=!1,s=n+1,l=0}else{if(u)throw new Error("Invalid header: expected newline");if(++l>=Wm)throw new Error("Header line too long")}a=n}return this._buffer||(this._buffer=vl(r,o)),n-i}c(qm,"parseHeader");function Ym(e,n,t){return this._decipher.decrypt(e,n,t)}c(Ym,"parsePacket");function Xm(e){if(this._onPacket(),e.length===0){this._debug&&this._debug("Inbound: Skipping empty packet payload");return}e=this._packetRW.read.read(e);let n=e[0];n===Ae.USERAUTH_SUCCESS&&!this._server&&!this._authenticated&&(this._authenticated=!0,this._kex.negotiated.cs.compress==="zlib@openssh.com"&&(this._packetRW.write=new Bl(this)),this._kex.negotiated.sc.compress==="zlib@openssh.com"&&(this._packetRW.read=new Cl));let t=Dm[n];if(t===void 0){this._debug&&this._debug(`Inbound: Unsupported message type: ${n}`);return}return t(this,e)}c(Xm,"onPayload");function Vm(e){let n=e.versions.software,t=0;for(let r of Tm)typeof r[0]=="string"?n===r[0]&&(t|=r[1]):r[0].test(n)&&(t|=r[1]);return t}c(Vm,"getCompatFlags");function Jm(e){let n=Object.keys(e),t=Buffer.allocUnsafe(5*n.length+1),r=0;for(let i=0;i<n.length;++i){let o=n[i];if(o==="TTY_OP_END")continue;let s=ka[o];if(s===void 0)continue;let a=e[o];typeof a=="number"&&isFinite(a)&&(t[r++]=s,t[r++]=a>>>24,t[r++]=a>>>16,t[r++]=a>>>8,t[r++]=a)}return t[r++]=ka.TTY_OP_END,r<t.length?vl(t,0,r):t}c(Jm,"modesToBytes");function e0(e){let n="ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521rsa-sha2-512,rsa-sha2-256,ssh-rsa,ssh-dss";Nm&&(n=`ssh-ed25519,${n}`);let t=Buffer.byteLength(n),r=e._packetRW.write.allocStart,i=e._packetRW.write.alloc(28+t);i[r]=Ae.EXT_INFO,$(i,1,++r),$(i,15,r+=4),i.utf8Write("server-sig-algs",r+=4,15),$(i,t,r+=15),i.utf8Write(n,r+=4,t),e._debug&&e._debug("Outbound: Sending EXT_INFO"),ye(e,e._packetRW.write.finalize(i))}c(e0,"sendExtInfo");Pl.exports=Sa});var Dl=ze((NE,Ul)=>{"use strict";var{Duplex:t0,Readable:n0,Writable:r0}=require("stream"),{CHANNEL_EXTENDED_DATATYPE:{STDERR:Nl}}=An(),{bufferSlice:ho}=un(),i0=32*1024,ni=2*1024*1024,Ba=ni/2,Ia=class extends n0{static{c(this,"ClientStderr")}constructor(n,t){super(t),this._channel=n}_read(n){this._channel._waitChanDrain&&(this._channel._waitChanDrain=!1,this._channel.incoming.window<=Ba&&Ra(this._channel))}},va=class extends r0{static{c(this,"ServerStderr")}constructor(n){super({highWaterMark:ni}),this._channel=n}_write(n,t,r){let i=this._channel,o=i._client._protocol,s=i.outgoing,a=s.packetSize,u=s.id,l=s.window,d=n.length,h=0;if(s.state==="open"){for(;d-h>0&&l>0;){let _=d-h;_>l&&(_=l),_>a&&(_=a),h===0&&_===d?o.channelExtData(u,n,Nl):o.channelExtData(u,ho(n,h,h+_),Nl),h+=_,l-=_}if(s.window=l,d-h>0){l===0&&(i._waitWindow=!0),h>0?i._chunkErr=ho(n,h,d):i._chunkErr=n,i._chunkcbErr=r;return}r()}}},Ca=class extends t0{static{c(this,"Channel")}constructor(n,t,r){let i={highWaterMark:ni,allowHalfOpen:!r||r&&r.allowHalfOpen!==!1,emitClose:!1};super(i),this.allowHalfOpen=i.allowHalfOpen;let o=!!(r&&r.server);this.server=o,this.type=t.type,this.subtype=void 0,this.incoming=t.incoming,this.outgoing=t.outgoing,this._callbacks=[],this._client=n,this._hasX11=!1,this._exit={code:void 0,signal:void 0,dump:void 0,desc:void 0},this.stdin=this.stdout=this,o?this.stderr=new va(this):this.stderr=new Ia(this,i),this._waitWindow=!1,this._waitChanDrain=!1,this._chunk=void 0,this._chunkcb=void 0,this._chunkErr=void 0,this._chunkcbErr=void 0,this.on("finish",Ol).on("prefinish",Ol),this.on("end",Ll).on("close",Ll)}_read(n){this._waitChanDrain&&(this._waitChanDrain=!1,this.incoming.window<=Ba&&Ra(this))}_write(n,t,r){let i=this._client._protocol,o=this.outgoing,s=o.packetSize,a=o.id,u=o.window,l=n.length,d=0;if(o.state==="open"){for(;l-d>0&&u>0;){let h=l-d;h>u&&(h=u),h>s&&(h=s),d===0&&h===l?i.channelData(a,n):i.channelData(a,ho(n,d,d+h)),d+=h,u-=h}if(o.window=u,l-d>0){u===0&&(this._waitWindow=!0),d>0?this._chunk=ho(n,d,l):this._chunk=n,this._chunkcb=r;return}r()}}eof(){this.outgoing.state==="open"&&(this.outgoing.state="eof",this._client._protocol.channelEOF(this.outgoing.id))}close(){(this.outgoing.state==="open"||this.outgoing.state==="eof")&&(this.outgoing.state="closing",this._client._protocol.channelClose(this.outgoing.id))}destroy(){return this.end(),this.close(),this}setWindow(n,t,r,i){if(this.server)throw new Error("Client-only method called in server mode");this.type==="session"&&(this.subtype==="shell"||this.subtype==="exec")&&this.writable&&this.outgoing.state==="open"&&this._client._protocol.windowChange(this.outgoing.id,n,t,r,i)}signal(n){if(this.server)throw new Error("Client-only method called in server mode");this.type==="session"&&this.writable&&this.outgoing.state==="open"&&this._client._protocol.signal(this.outgoing.id,n)}exit(n,t,r){if(!this.server)throw new Error("Server-only method called in client mode");this.type==="session"&&this.writable&&this.outgoing.state==="open"&&(typeof n=="number"?this._client._protocol.exitStatus(this.outgoing.id,n):this._client._protocol.exitSignal(this.outgoing.id,n,t,r))}};function Ol(){this.eof(),(this.server||!this.allowHalfOpen)&&this.close(),this.writable=!1}c(Ol,"onFinish");function Ll(){this.readable=!1}c(Ll,"onEnd");function Ra(e){if(e.outgoing.state==="closed")return;let n=ni-e.incoming.window;n<=0||(e.incoming.window+=n,e._client._protocol.channelWindowAdjust(e.outgoing.id,n))}c(Ra,"windowAdjust");Ul.exports={Channel:Ca,MAX_WINDOW:ni,PACKET_SIZE:i0,windowAdjust:Ra,WINDOW_THRESHOLD:Ba}});var Ql=ze((LE,Fl)=>{"use strict";var{SFTP:o0}=no(),ri=2**32-1;function Hl(e,n,t,r){if(e._chanMgr.remove(n),typeof r!="function")return;let i;t instanceof Error?i=t:typeof t=="object"&&t!==null?(i=new Error(`(SSH) Channel open failure: ${t.description}`),i.reason=t.reason):(i=new Error("(SSH) Channel open failure: server closed channel unexpectedly"),i.reason=""),r(i)}c(Hl,"onChannelOpenFailure");function zl(e,n,t,r,i){if(typeof t=="function"){Hl(e,n,r,t);return}if(typeof t!="object"||t===null||t.incoming&&t.incoming.state==="closed"||(e._chanMgr.remove(n),t.server&&t.constructor.name==="Session"))return;t.incoming.state="closed",t.readable&&t.push(null),t.server?t.stderr.writable&&t.stderr.end():t.stderr.readable&&t.stderr.push(null),t.constructor!==o0&&(t.outgoing.state==="open"||t.outgoing.state==="eof")&&!i&&t.close(),t.outgoing.state==="closing"&&(t.outgoing.state="closed");let o=t._readableState,s=t._writableState;s&&!s.ending&&!s.finished&&!i&&t.end();let a=t._callbacks;t._callbacks=[];for(let u=0;u<a.length;++u)a[u](!0);if(t.server)!t.readable||t.destroyed||o&&o.endEmitted?t.emit("close"):t.once("end",()=>t.emit("close"));else{let u;switch(t.type){case"direct-streamlocal@openssh.com":case"direct-tcpip":u=c(()=>t.emit("close"),"doClose");break;default:{let d=t._exit;u=c(()=>{d.code===null?t.emit("close",d.code,d.signal,d.dump,d.desc):t.emit("close",d.code)},"doClose")}}!t.readable||t.destroyed||o&&o.endEmitted?u():t.once("end",u);let l=t.stderr._readableState;!t.stderr.readable||t.stderr.destroyed||l&&l.endEmitted?t.stderr.emit("close"):t.stderr.once("end",()=>t.stderr.emit("close"))}}c(zl,"onCHANNEL_CLOSE");var Ta=class{static{c(this,"ChannelManager")}constructor(n){this._client=n,this._channels={},this._cur=-1,this._count=0}add(n){let t;if(this._cur<ri)t=++this._cur;else if(this._count===0)this._cur=0,t=0;else{let r=this._channels;for(let i=0;i<ri;++i)if(r[i]===void 0){t=i;break}}return t===void 0?-1:(this._channels[t]=n||!0,++this._count,t)}update(n,t){if(typeof n!="number"||n<0||n>=ri||!isFinite(n))throw new Error(`Invalid channel id: ${n}`);t&&this._channels[n]&&(this._channels[n]=t)}get(n){if(typeof n!="number"||n<0||n>=ri||!isFinite(n))throw new Error(`Invalid channel id: ${n}`);return this._channels[n]}remove(n){if(typeof n!="number"||n<0||n>=ri||!isFinite(n))throw new Error(`Invalid channel id: ${n}`);this._channels[n]&&(delete this._channels[n],this._count&&--this._count)}cleanup(n){let t=this._channels;this._channels={},this._cur=-1,this._count=0;let r=Object.keys(t),i=this._client;for(let o=0;o<r.length;++o){let s=+r[o],a=t[s];zl(i,s,a._channel||a,n,!0)}}},Pa=(()=>{let e=Object.prototype.toString;return n=>e.call(n)==="[object RegExp]"})();function s0(e,n,t){if(Array.isArray(e)&&e.length>0){for(let r=0;r<e.length;++r)if(t.indexOf(e[r])===-1)throw new Error(`Unsupported algorithm: ${e[r]}`);return e}if(typeof e=="object"&&e!==null){let r=Object.keys(e),i=n;for(let o=0;o<r.length;++o){let s=r[o],a=e[s];switch(s){case"append":if(Array.isArray(a)||(a=[a]),Array.isArray(a))for(let u=0;u<a.length;++u){let l=a[u];if(typeof l=="string"){if(!l||i.indexOf(l)!==-1)continue;if(t.indexOf(l)===-1)throw new Error(`Unsupported algorithm: ${l}`);i===n&&(i=i.slice()),i.push(l)}else if(Pa(l))for(let d=0;d<t.length;++d){let h=t[d];if(l.test(h)){if(i.indexOf(h)!==-1)continue;i===n&&(i=i.slice()),i.push(h)}}}break;case"prepend":if(Array.isArray(a)||(a=[a]),Array.isArray(a))for(let u=a.length;u>=0;--u){let l=a[u];if(typeof l=="string"){if(!l||i.indexOf(l)!==-1)continue;if(t.indexOf(l)===-1)throw new Error(`Unsupported algorithm: ${l}`);i===n&&(i=i.slice()),i.unshift(l)}else if(Pa(l))for(let d=t.length;d>=0;--d){let h=t[d];if(l.test(h)){if(i.indexOf(h)!==-1)continue;i===n&&(i=i.slice()),i.unshift(h)}}}break;case"remove":if(Array.isArray(a)||(a=[a]),Array.isArray(a))for(let u=0;u<a.length;++u){let l=a[u];if(typeof l=="string"){if(!l)continue;let d=i.indexOf(l);if(d===-1)continue;i===n&&(i=i.slice()),i.splice(d,1)}else if(Pa(l))for(let d=0;d<i.length;++d)l.test(i[d])&&(i===n&&(i=i.slice()),i.splice(d,1),--d)}break}}return i}return n}c(s0,"generateAlgorithmList");Fl.exports={ChannelManager:Ta,generateAlgorithmList:s0,onChannelOpenFailure:Hl,onCHANNEL_CLOSE:zl,isWritable:c(e=>e&&e.writable&&e._readableState&&e._readableState.ended===!1,"isWritable")}});var ud=ze((DE,cd)=>{"use strict";var{createHash:a0,getHashes:c0,randomFillSync:u0}=require("crypto"),{Socket:f0}=require("net"),{lookup:l0}=require("dns"),d0=require("events"),h0=c0(),{COMPAT:od,CHANNEL_EXTENDED_DATATYPE:{STDERR:p0},CHANNEL_OPEN_FAILURE:ii,DEFAULT_CIPHER:Ml,DEFAULT_COMPRESSION:Kl,DEFAULT_KEX:Wl,DEFAULT_MAC:Zl,DEFAULT_SERVER_HOST_KEY:jl,DISCONNECT_REASON:Gl,DISCONNECT_REASON_BY_VALUE:_0,SUPPORTED_CIPHER:g0,SUPPORTED_COMPRESSION:m0,SUPPORTED_KEX:A0,SUPPORTED_MAC:y0,SUPPORTED_SERVER_HOST_KEY:b0}=An(),{init:w0}=nr(),x0=Tl(),{parseKey:go}=Nn(),{SFTP:E0}=no(),{bufferCopy:ql,makeBufferParser:sd,makeError:$0,readUInt32BE:k0,sigSSHToASN1:S0,writeUInt32BE:Na}=un(),{AgentContext:Yl,createAgent:Xl,isAgent:Vl}=la(),{Channel:ad,MAX_WINDOW:mo,PACKET_SIZE:Ao,windowAdjust:Jl,WINDOW_THRESHOLD:ed}=Dl(),{ChannelManager:I0,generateAlgorithmList:oi,isWritable:dt,onChannelOpenFailure:v0,onCHANNEL_CLOSE:C0}=Ql(),po=sd(),_o=sd(),si=/^OpenSSH_(?:(?![0-4])\d)|(?:\d{2,})/,Da=c(e=>{},"noop"),Ha=class extends d0{static{c(this,"Client")}constructor(){super(),this.config={host:void 0,port:void 0,localAddress:void 0,localPort:void 0,forceIPv4:void 0,forceIPv6:void 0,keepaliveCountMax:void 0,keepaliveInterval:void 0,readyTimeout:void 0,ident:void 0,username:void 0,password:void 0,privateKey:void 0,tryKeyboard:void 0,agent:void 0,allowAgentFwd:void 0,authHandler:void 0,hostHashAlgo:void 0,hostHashCb:void 0,strictVendor:void 0,debug:void 0},this._agent=void 0,this._readyTimeout=void 0,this._chanMgr=void 0,this._callbacks=void 0,this._forwarding=void 0,this._forwardingUnix=void 0,this._acceptX11=void 0,this._agentFwdEnabled=void 0,this._remoteVer=void 0,this._protocol=void 0,this._sock=void 0,this._resetKA=void 0}connect(n){if(this._sock&&dt(this._sock))return this.once("close",()=>{this.connect(n)}),this.end(),this;this.config.host=n.hostname||n.host||"localhost",this.config.port=n.port||22,this.config.localAddress=typeof n.localAddress=="string"?n.localAddress:void 0,this.config.localPort=typeof n.localPort=="string"||typeof n.localPort=="number"?n.localPort:void 0,this.config.forceIPv4=n.forceIPv4||!1,this.config.forceIPv6=n.forceIPv6||!1,this.config.keepaliveCountMax=typeof n.keepaliveCountMax=="number"&&n.keepaliveCountMax>=0?n.keepaliveCountMax:3,this.config.keepaliveInterval=typeof n.keepaliveInterval=="number"&&n.keepaliveInterval>0?n.keepaliveInterval:0,this.config.readyTimeout=typeof n.readyTimeout=="number"&&n.readyTimeout>=0?n.readyTimeout:2e4,this.config.ident=typeof n.ident=="string"||Buffer.isBuffer(n.ident)?n.ident:void 0;let t={kex:void 0,serverHostKey:void 0,cs:{cipher:void 0,mac:void 0,compress:void 0,lang:[]},sc:void 0},r=!0;if(typeof n.algorithms=="object"&&n.algorithms!==null&&(t.kex=oi(n.algorithms.kex,Wl,A0),t.kex!==Wl&&(r=!1),t.serverHostKey=oi(n.algorithms.serverHostKey,jl,b0),t.serverHostKey!==jl&&(r=!1),t.cs.cipher=oi(n.algorithms.cipher,Ml,g0),t.cs.cipher!==Ml&&(r=!1),t.cs.mac=oi(n.algorithms.hmac,Zl,y0),t.cs.mac!==Zl&&(r=!1),t.cs.compress=oi(n.algorithms.compress,Kl,m0),t.cs.compress!==Kl&&(r=!1),r||(t.sc=t.cs)),typeof n.username=="string")this.config.username=n.username;else if(typeof n.user=="string")this.config.username=n.user;else throw new Error("Invalid username");this.config.password=typeof n.password=="string"?n.password:void 0,this.config.privateKey=typeof n.privateKey=="string"||Buffer.isBuffer(n.privateKey)?n.privateKey:void 0,this.config.localHostname=typeof n.localHostname=="string"?n.localHostname:void 0,this.config.localUsername=typeof n.localUsername=="string"?n.localUsername:void 0,this.config.tryKeyboard=n.tryKeyboard===!0,typeof n.agent=="string"&&n.agent.length?this.config.agent=Xl(n.agent):Vl(n.agent)?this.config.agent=n.agent:this.config.agent=void 0,this.config.allowAgentFwd=n.agentForward===!0&&this.config.agent!==void 0;let i=this.config.authHandler=typeof n.authHandler=="function"||Array.isArray(n.authHandler)?n.authHandler:void 0;this.config.strictVendor=typeof n.strictVendor=="boolean"?n.strictVendor:!0;let o=this.config.debug=typeof n.debug=="function"?n.debug:void 0;if(n.agentForward===!0&&!this.config.allowAgentFwd)throw new Error("You must set a valid agent path to allow agent forwarding");let s=this._callbacks=[];this._chanMgr=new I0(this),this._forwarding={},this._forwardingUnix={},this._acceptX11=0,this._agentFwdEnabled=!1,this._agent=this.config.agent?this.config.agent:void 0,this._remoteVer=void 0;let a;if(this.config.privateKey){if(a=go(this.config.privateKey,n.passphrase),a instanceof Error)throw new Error(`Cannot parse privateKey: ${a.message}`);if(Array.isArray(a)&&(a=a[0]),a.getPrivatePEM()===null)throw new Error("privateKey value does not contain a (valid) private key")}let u;if(typeof n.hostVerifier=="function"){let C=n.hostVerifier,N;h0.indexOf(n.hostHash)!==-1&&(N=n.hostHash),u=c((T,F)=>{N&&(T=a0(N).update(T).digest("hex"));let se=C(T,F);se!==void 0&&F(se)},"hostVerifier")}let l=this._sock=n.sock||new f0,d=!1,h=!1;this._protocol&&this._protocol.cleanup();let _=o?(C,N,T)=>{o(`Debug output from server: ${JSON.stringify(T)}`)}:void 0,A,x=this._protocol=new x0({ident:this.config.ident,offer:r?void 0:t,onWrite:c(C=>{dt(l)&&l.write(C)},"onWrite"),onError:c(C=>{C.level==="handshake"&&clearTimeout(this._readyTimeout),x._destruct||l.removeAllListeners("data"),this.emit("error",C);try{l.end()}catch{}},"onError"),onHeader:c(C=>{h=!0,this._remoteVer=C.versions.software,C.greeting&&this.emit("greeting",C.greeting)},"onHeader"),onHandshakeComplete:c(C=>{this.emit("handshake",C),d||(d=!0,x.service("ssh-userauth"))},"onHandshakeComplete"),debug:o,hostVerifier:u,messageHandlers:{DEBUG:_,DISCONNECT:c((C,N,T)=>{if(N!==Gl.BY_APPLICATION){T||(T=_0[N],T===void 0&&(T=`Unexpected disconnection reason: ${N}`));let F=new Error(T);F.code=N,this.emit("error",F)}l.end()},"DISCONNECT"),SERVICE_ACCEPT:c((C,N)=>{N==="ssh-userauth"&&ce()},"SERVICE_ACCEPT"),EXT_INFO:c((C,N)=>{if(A===void 0){for(let T of N)if(T.name==="server-sig-algs"){A=T.algs;return}A=null}},"EXT_INFO"),USERAUTH_BANNER:c((C,N)=>{this.emit("banner",N)},"USERAUTH_BANNER"),USERAUTH_SUCCESS:c(C=>{O(),clearTimeout(this._readyTimeout),this.emit("ready")},"USERAUTH_SUCCESS"),USERAUTH_FAILURE:c((C,N,T)=>{if(L.keyAlgos){let F=L.keyAlgos[0][0];if(o&&o(`Client: ${L.type} (${F}) auth failed`),L.keyAlgos.shift(),L.keyAlgos.length){let[se,ue]=L.keyAlgos[0];switch(L.type){case"agent":x.authPK(L.username,L.agentCtx.currentKey(),se);return;case"publickey":x.authPK(L.username,L.key,se);return;case"hostbased":x.authHostbased(L.username,L.key,L.localHostname,L.localUsername,se,(fe,rt)=>{let wt=L.key.sign(fe,ue);if(wt instanceof Error)return wt.message=`Error while signing with key: ${wt.message}`,wt.level="client-authentication",this.emit("error",wt),ce();rt(wt)});return}}else L.keyAlgos=void 0}if(L.type==="agent"){let F=L.agentCtx.pos();return o&&o(`Client: Agent key #${F+1} failed`),de()}o&&o(`Client: ${L.type} auth failed`),Z=T,V=N,ce()},"USERAUTH_FAILURE"),USERAUTH_PASSWD_CHANGEREQ:c((C,N)=>{L.type==="password"&&this.emit("change password",N,T=>{x.authPassword(this.config.username,this.config.password,T)})},"USERAUTH_PASSWD_CHANGEREQ"),USERAUTH_PK_OK:c(C=>{let N,T;if(L.keyAlgos&&([N,T]=L.keyAlgos[0]),L.type==="agent"){let F=L.agentCtx.currentKey();x.authPK(L.username,F,N,(se,ue)=>{let fe={hash:T};L.agentCtx.sign(F,se,fe,(rt,wt)=>{if(rt)rt.level="agent",this.emit("error",rt);else return ue(wt);de()})})}else L.type==="publickey"&&x.authPK(L.username,L.key,N,(F,se)=>{let ue=L.key.sign(F,T);if(ue instanceof Error)return ue.message=`Error signing data with key: ${ue.message}`,ue.level="client-authentication",this.emit("error",ue),ce();se(ue)})},"USERAUTH_PK_OK"),USERAUTH_INFO_REQUEST:c((C,N,T,F)=>{if(L.type==="keyboard-interactive"){if((Array.isArray(F)?F.length:0)===0){o&&o("Client: Sending automatic USERAUTH_INFO_RESPONSE"),x.authInfoRes();return}L.prompt(N,T,"",F,ue=>{x.authInfoRes(ue)})}},"USERAUTH_INFO_REQUEST"),REQUEST_SUCCESS:c((C,N)=>{s.length&&s.shift()(!1,N)},"REQUEST_SUCCESS"),REQUEST_FAILURE:c(C=>{s.length&&s.shift()(!0)},"REQUEST_FAILURE"),GLOBAL_REQUEST:c((C,N,T,F)=>{N==="hostkeys-00@openssh.com"?(N0(this,F,(se,ue)=>{se||this.emit("hostkeys",ue)}),T&&x.requestSuccess()):T&&x.requestFailure()},"GLOBAL_REQUEST"),CHANNEL_OPEN:c((C,N)=>{P0(this,N)},"CHANNEL_OPEN"),CHANNEL_OPEN_CONFIRMATION:c((C,N)=>{let T=this._chanMgr.get(N.recipient);if(typeof T!="function")return;let F=T.type==="sftp",ue={type:F?"session":T.type,incoming:{id:N.recipient,window:mo,packetSize:Ao,state:"open"},outgoing:{id:N.sender,window:N.window,packetSize:N.packetSize,state:"open"}},fe=F?new E0(this,ue,{debug:o}):new ad(this,ue);this._chanMgr.update(N.recipient,fe),T(void 0,fe)},"CHANNEL_OPEN_CONFIRMATION"),CHANNEL_OPEN_FAILURE:c((C,N,T,F)=>{let se=this._chanMgr.get(N);if(typeof se!="function")return;v0(this,N,{reason:T,description:F},se)},"CHANNEL_OPEN_FAILURE"),CHANNEL_DATA:c((C,N,T)=>{let F=this._chanMgr.get(N);if(!(typeof F!="object"||F===null)&&F.incoming.window!==0){if(F.incoming.window-=T.length,F.push(T)===!1){F._waitChanDrain=!0;return}F.incoming.window<=ed&&Jl(F)}},"CHANNEL_DATA"),CHANNEL_EXTENDED_DATA:c((C,N,T,F)=>{if(F!==p0)return;let se=this._chanMgr.get(N);if(!(typeof se!="object"||se===null)&&se.incoming.window!==0){if(se.incoming.window-=T.length,!se.stderr.push(T)){se._waitChanDrain=!0;return}se.incoming.window<=ed&&Jl(se)}},"CHANNEL_EXTENDED_DATA"),CHANNEL_WINDOW_ADJUST:c((C,N,T)=>{let F=this._chanMgr.get(N);typeof F!="object"||F===null||(F.outgoing.window+=T,F._waitWindow&&(F._waitWindow=!1,F._chunk?F._write(F._chunk,null,F._chunkcb):F._chunkcb?F._chunkcb():F._chunkErr?F.stderr._write(F._chunkErr,null,F._chunkcbErr):F._chunkcbErr&&F._chunkcbErr()))},"CHANNEL_WINDOW_ADJUST"),CHANNEL_SUCCESS:c((C,N)=>{let T=this._chanMgr.get(N);typeof T!="object"||T===null||(this._resetKA(),T._callbacks.length&&T._callbacks.shift()(!1))},"CHANNEL_SUCCESS"),CHANNEL_FAILURE:c((C,N)=>{let T=this._chanMgr.get(N);typeof T!="object"||T===null||(this._resetKA(),T._callbacks.length&&T._callbacks.shift()(!0))},"CHANNEL_FAILURE"),CHANNEL_REQUEST:c((C,N,T,F,se)=>{let ue=this._chanMgr.get(N);if(typeof ue!="object"||ue===null)return;let fe=ue._exit;if(fe.code===void 0){switch(T){case"exit-status":ue.emit("exit",fe.code=se);return;case"exit-signal":ue.emit("exit",fe.code=null,fe.signal=`SIG${se.signal}`,fe.dump=se.coreDumped,fe.desc=se.errorMessage);return}F&&C.channelFailure(ue.outgoing.id)}},"CHANNEL_REQUEST"),CHANNEL_EOF:c((C,N)=>{let T=this._chanMgr.get(N);typeof T!="object"||T===null||T.incoming.state==="open"&&(T.incoming.state="eof",T.readable&&T.push(null),T.stderr.readable&&T.stderr.push(null))},"CHANNEL_EOF"),CHANNEL_CLOSE:c((C,N)=>{C0(this,N,this._chanMgr.get(N))},"CHANNEL_CLOSE")}});l.pause();let b=this.config.keepaliveInterval,E=this.config.keepaliveCountMax,I=0,P,M=c(()=>{if(++I>E){if(clearInterval(P),l.readable){let C=new Error("Keepalive timeout");C.level="client-timeout",this.emit("error",C),l.destroy()}return}dt(l)?(s.push(O),x.ping()):clearInterval(P)},"sendKA");function O(){b>0&&(I=0,clearInterval(P),dt(l)&&(P=setInterval(M,b)))}c(O,"resetKA"),this._resetKA=O;let G=(()=>{let C=!1;return()=>{if(!C&&(C=!0,le&&!h)){let N=$0("Connection lost before handshake","protocol",!0);this.emit("error",N)}}})(),_e=(()=>{let C=!1;return()=>{C||(C=!0,le=!0,o&&o("Socket connected"),this.emit("connect"),w0.then(()=>{x.start(),l.on("data",N=>{try{x.parse(N,0,N.length)}catch(T){this.emit("error",T);try{dt(l)&&l.end()}catch{}}}),l.stderr&&typeof l.stderr.resume=="function"&&l.stderr.resume(),l.resume()}).catch(N=>{this.emit("error",N);try{dt(l)&&l.end()}catch{}}))}})(),le=!1;l.on("connect",_e).on("timeout",()=>{this.emit("timeout")}).on("error",C=>{o&&o(`Socket error: ${C.message}`),clearTimeout(this._readyTimeout),C.level="client-socket",this.emit("error",C)}).on("end",()=>{o&&o("Socket ended"),G(),x.cleanup(),clearTimeout(this._readyTimeout),clearInterval(P),this.emit("end")}).on("close",()=>{o&&o("Socket closed"),G(),x.cleanup(),clearTimeout(this._readyTimeout),clearInterval(P),this.emit("close");let C=s;s=this._callbacks=[];let N=new Error("No response from server");for(let T=0;T<C.length;++T)C[T](N);this._chanMgr.cleanup(N)});let L,Z=null,V=null,j=["none"];this.config.password!==void 0&&j.push("password"),a!==void 0&&j.push("publickey"),this._agent!==void 0&&j.push("agent"),this.config.tryKeyboard&&j.push("keyboard-interactive"),a!==void 0&&this.config.localHostname!==void 0&&this.config.localUsername!==void 0&&j.push("hostbased"),Array.isArray(i)?i=id(i):typeof i!="function"&&(i=id(j));let ie=!1,me=c(C=>{if(!ie){if(ie=!0,C===!1){let N=new Error("All configured authentication methods failed");N.level="client-authentication",this.emit("error",N),this.end();return}if(typeof C=="string"){let N=C;if(j.indexOf(N)===-1)return J(`Authentication method not allowed: ${N}`);let T=this.config.username;switch(N){case"password":C={type:N,username:T,password:this.config.password};break;case"publickey":C={type:N,username:T,key:a};break;case"hostbased":C={type:N,username:T,key:a,localHostname:this.config.localHostname,localUsername:this.config.localUsername};break;case"agent":C={type:N,username:T,agentCtx:new Yl(this._agent)};break;case"keyboard-interactive":C={type:N,username:T,prompt:c((...F)=>this.emit("keyboard-interactive",...F),"prompt")};break;case"none":C={type:N,username:T};break;default:return J(`Skipping unsupported authentication method: ${C}`)}}else{if(typeof C!="object"||C===null)return J(`Skipping invalid authentication attempt: ${C}`);{let N=C.username;if(typeof N!="string")return J(`Skipping invalid authentication attempt: ${C}`);let T=C.type;switch(T){case"password":{let{password:F}=C;if(typeof F!="string"&&!Buffer.isBuffer(F))return J("Skipping invalid password auth attempt");C={type:T,username:N,password:F};break}case"publickey":{let F=go(C.key,C.passphrase);if(F instanceof Error)return J("Skipping invalid key auth attempt");if(!F.isPrivateKey())return J("Skipping non-private key");C={type:T,username:N,key:F};break}case"hostbased":{let{localHostname:F,localUsername:se}=C,ue=go(C.key,C.passphrase);if(ue instanceof Error||typeof F!="string"||typeof se!="string")return J("Skipping invalid hostbased auth attempt");if(!ue.isPrivateKey())return J("Skipping non-private key");C={type:T,username:N,key:ue,localHostname:F,localUsername:se};break}case"agent":{let F=C.agent;if(typeof F=="string"&&F.length)F=Xl(F);else if(!Vl(F))return J(`Skipping invalid agent: ${C.agent}`);C={type:T,username:N,agentCtx:new Yl(F)};break}case"keyboard-interactive":{let{prompt:F}=C;if(typeof F!="function")return J("Skipping invalid keyboard-interactive auth attempt");C={type:T,username:N,prompt:F};break}case"none":C={type:T,username:N};break;default:return J(`Skipping unsupported authentication method: ${C}`)}}}L=C;try{let N=L.username;switch(L.type){case"password":x.authPassword(N,L.password);break;case"publickey":{let T;if(L.keyAlgos=Ua(this,L.key,A),L.keyAlgos)if(L.keyAlgos.length)T=L.keyAlgos[0][0];else return J("Skipping key authentication (no mutual hash algorithm)");x.authPK(N,L.key,T);break}case"hostbased":{let T,F;if(L.keyAlgos=Ua(this,L.key,A),L.keyAlgos)if(L.keyAlgos.length)[T,F]=L.keyAlgos[0];else return J("Skipping hostbased authentication (no mutual hash algorithm)");x.authHostbased(N,L.key,L.localHostname,L.localUsername,T,(se,ue)=>{let fe=L.key.sign(se,F);if(fe instanceof Error)return fe.message=`Error while signing with key: ${fe.message}`,fe.level="client-authentication",this.emit("error",fe),ce();ue(fe)});break}case"agent":L.agentCtx.init(T=>{if(T)return T.level="agent",this.emit("error",T),ce();de()});break;case"keyboard-interactive":x.authKeyboard(N);break;case"none":x.authNone(N);break}}finally{ie=!1}}},"doNextAuth");function J(C){o&&o(C),process.nextTick(ce)}c(J,"skipAuth");function ce(){ie=!1;let C=i(V,Z,me);ie||C===void 0||me(C)}c(ce,"tryNextAuth");let de=c(()=>{if(L.type==="agent"){let C=L.agentCtx.nextKey();if(C===!1)o&&o("Agent: No more keys left to try"),o&&o("Client: agent auth failed"),ce();else{let N=L.agentCtx.pos(),T;if(L.keyAlgos=Ua(this,C,A),L.keyAlgos)if(L.keyAlgos.length)T=L.keyAlgos[0][0];else{o&&o(`Agent: Skipping key #${N+1} (no mutual hash algorithm)`),de();return}o&&o(`Agent: Trying key #${N+1}`),x.authPK(L.username,C,T)}}},"tryNextAgentKey"),xe=c(()=>{this.config.readyTimeout>0&&(this._readyTimeout=setTimeout(()=>{let C=new Error("Timed out while waiting for handshake");C.level="client-timeout",this.emit("error",C),l.destroy()},this.config.readyTimeout))},"startTimeout");if(n.sock)xe(),typeof l.connecting=="boolean"&&l.connecting||_e();else{let C=this.config.host,N=this.config.forceIPv4,T=this.config.forceIPv6;o&&o(`Client: Trying ${C} on port ${this.config.port} ...`);let F=c(()=>{xe(),l.connect({host:C,port:this.config.port,localAddress:this.config.localAddress,localPort:this.config.localPort}),l.setMaxListeners(0),l.setTimeout(typeof n.timeout=="number"?n.timeout:0)},"doConnect");!N&&!T||N&&T?F():l0(C,N?4:6,(se,ue,fe)=>{if(se){let rt=N?"IPv4":"IPv6",wt=new Error(`Error while looking up ${rt} address for '${C}': ${se}`);clearTimeout(this._readyTimeout),wt.level="client-dns",this.emit("error",wt),this.emit("close");return}C=ue,F()})}return this}end(){return this._sock&&dt(this._sock)&&(this._protocol.disconnect(Gl.BY_APPLICATION),this._sock.end()),this}destroy(){return this._sock&&dt(this._sock)&&this._sock.destroy(),this}exec(n,t,r){if(!this._sock||!dt(this._sock))throw new Error("Not connected");typeof t=="function"&&(r=t,t={});let i={allowHalfOpen:t.allowHalfOpen!==!1};return lr(this,"session",i,(o,s)=>{if(o){r(o);return}let a=[];function u(l){if(l){s.close(),r(l);return}a.length&&a.shift()()}c(u,"reqCb"),(this.config.allowAgentFwd===!0||t&&t.agentForward===!0&&this._agent!==void 0)&&a.push(()=>rd(s,u)),typeof t=="object"&&t!==null&&(typeof t.env=="object"&&t.env!==null&&Oa(s,t.env),(typeof t.pty=="object"&&t.pty!==null||t.pty===!0)&&a.push(()=>nd(s,t.pty,u)),(typeof t.x11=="object"&&t.x11!==null||t.x11==="number"||t.x11===!0)&&a.push(()=>td(s,t.x11,u))),a.push(()=>R0(s,n,t,r)),a.shift()()}),this}shell(n,t,r){if(!this._sock||!dt(this._sock))throw new Error("Not connected");return typeof n=="function"?(r=n,n=t=void 0):typeof t=="function"&&(r=t,t=void 0),n&&(n.x11!==void 0||n.env!==void 0)&&(t=n,n=void 0),lr(this,"session",(i,o)=>{if(i){r(i);return}let s=[];function a(u){if(u){o.close(),r(u);return}s.length&&s.shift()()}c(a,"reqCb"),(this.config.allowAgentFwd===!0||t&&t.agentForward===!0&&this._agent!==void 0)&&s.push(()=>rd(o,a)),n!==!1&&s.push(()=>nd(o,n,a)),typeof t=="object"&&t!==null&&(typeof t.env=="object"&&t.env!==null&&Oa(o,t.env),(typeof t.x11=="object"&&t.x11!==null||t.x11==="number"||t.x11===!0)&&s.push(()=>td(o,t.x11,a))),s.push(()=>B0(o,r)),s.shift()()}),this}subsys(n,t){if(!this._sock||!dt(this._sock))throw new Error("Not connected");return lr(this,"session",(r,i)=>{if(r){t(r);return}La(i,n,(o,s)=>{if(o){t(o);return}t(void 0,s)})}),this}forwardIn(n,t,r){if(!this._sock||!dt(this._sock))throw new Error("Not connected");let i=typeof r=="function";return i&&this._callbacks.push((o,s)=>{if(o){r(o!==!0?o:new Error(`Unable to bind to ${n}:${t}`));return}let a=t;t===0&&s&&s.length>=4&&(a=k0(s,0),this._protocol._compatFlags&od.DYN_RPORT_BUG||(t=a)),this._forwarding[`${n}:${t}`]=a,r(void 0,a)}),this._protocol.tcpipForward(n,t,i),this}unforwardIn(n,t,r){if(!this._sock||!dt(this._sock))throw new Error("Not connected");let i=typeof r=="function";return i&&this._callbacks.push(o=>{if(o){r(o!==!0?o:new Error(`Unable to unbind from ${n}:${t}`));return}delete this._forwarding[`${n}:${t}`],r()}),this._protocol.cancelTcpipForward(n,t,i),this}forwardOut(n,t,r,i,o){if(!this._sock||!dt(this._sock))throw new Error("Not connected");let s={srcIP:n,srcPort:t,dstIP:r,dstPort:i};return typeof o!="function"&&(o=Da),lr(this,"direct-tcpip",s,o),this}openssh_noMoreSessions(n){if(!this._sock||!dt(this._sock))throw new Error("Not connected");let t=typeof n=="function";return!this.config.strictVendor||this.config.strictVendor&&si.test(this._remoteVer)?(t&&this._callbacks.push(r=>{if(r){n(r!==!0?r:new Error("Unable to disable future sessions"));return}n()}),this._protocol.openssh_noMoreSessions(t),this):t?(process.nextTick(n,new Error("strictVendor enabled and server is not OpenSSH or compatible version")),this):this}openssh_forwardInStreamLocal(n,t){if(!this._sock||!dt(this._sock))throw new Error("Not connected");let r=typeof t=="function";return!this.config.strictVendor||this.config.strictVendor&&si.test(this._remoteVer)?(r&&this._callbacks.push(i=>{if(i){t(i!==!0?i:new Error(`Unable to bind to ${n}`));return}this._forwardingUnix[n]=!0,t()}),this._protocol.openssh_streamLocalForward(n,r),this):r?(process.nextTick(t,new Error("strictVendor enabled and server is not OpenSSH or compatible version")),this):this}openssh_unforwardInStreamLocal(n,t){if(!this._sock||!dt(this._sock))throw new Error("Not connected");let r=typeof t=="function";return!this.config.strictVendor||this.config.strictVendor&&si.test(this._remoteVer)?(r&&this._callbacks.push(i=>{if(i){t(i!==!0?i:new Error(`Unable to unbind from ${n}`));return}delete this._forwardingUnix[n],t()}),this._protocol.openssh_cancelStreamLocalForward(n,r),this):r?(process.nextTick(t,new Error("strictVendor enabled and server is not OpenSSH or compatible version")),this):this}openssh_forwardOutStreamLocal(n,t){if(!this._sock||!dt(this._sock))throw new Error("Not connected");return typeof t!="function"&&(t=Da),!this.config.strictVendor||this.config.strictVendor&&si.test(this._remoteVer)?(lr(this,"direct-streamlocal@openssh.com",{socketPath:n},t),this):(process.nextTick(t,new Error("strictVendor enabled and server is not OpenSSH or compatible version")),this)}sftp(n,t){if(!this._sock||!dt(this._sock))throw new Error("Not connected");return typeof n=="function"&&(t=n,n=void 0),lr(this,"sftp",(r,i)=>{if(r){t(r);return}let o=c((s,a)=>{if(s){t(s);return}function u(){i.removeListener("ready",l),i.removeListener("error",d),i.removeListener("exit",h),i.removeListener("close",h)}c(u,"removeListeners");function l(){u(),t(void 0,i)}c(l,"onReady");function d(_){u(),t(_)}c(d,"onError");function h(_,A){u();let x;typeof _=="number"?x=`Received exit code ${_} while establishing SFTP session`:A!==void 0?x=`Received signal ${A} while establishing SFTP session`:x="Received unexpected SFTP session termination";let b=new Error(x);b.code=_,b.signal=A,t(b)}c(h,"onExit"),i.on("ready",l).on("error",d).on("exit",h).on("close",h),i._init()},"reqSubsystemCb");typeof n=="object"&&n!==null?Oa(i,n,s=>{if(s){t(s);return}La(i,"sftp",o)}):La(i,"sftp",o)}),this}setNoDelay(n){return this._sock&&typeof this._sock.setNoDelay=="function"&&this._sock.setNoDelay(n),this}};function lr(e,n,t,r){let i=mo,o=Ao;typeof t=="function"&&(r=t,t={});let s=c((u,l)=>{r(u,l)},"wrapper");s.type=n;let a=e._chanMgr.add(s);if(a===-1){r(new Error("No free channels available"));return}switch(n){case"session":case"sftp":e._protocol.session(a,i,o);break;case"direct-tcpip":e._protocol.directTcpip(a,i,o,t);break;case"direct-streamlocal@openssh.com":e._protocol.openssh_directStreamLocal(a,i,o,t);break;default:throw new Error(`Unsupported channel type: ${n}`)}}c(lr,"openChannel");function td(e,n,t){let r={single:!1,protocol:"MIT-MAGIC-COOKIE-1",cookie:void 0,screen:0};typeof n=="function"?t=n:typeof n=="object"&&n!==null&&(typeof n.single=="boolean"&&(r.single=n.single),typeof n.screen=="number"&&(r.screen=n.screen),typeof n.protocol=="string"&&(r.protocol=n.protocol),typeof n.cookie=="string"?r.cookie=n.cookie:Buffer.isBuffer(n.cookie)&&(r.cookie=n.cookie.hexSlice(0,n.cookie.length))),r.cookie===void 0&&(r.cookie=T0());let i=typeof t=="function";if(e.outgoing.state!=="open"){i&&t(new Error("Channel is not open"));return}i&&e._callbacks.push(o=>{if(o){t(o!==!0?o:new Error("Unable to request X11"));return}e._hasX11=!0,++e._client._acceptX11,e.once("close",()=>{e._client._acceptX11&&--e._client._acceptX11}),t()}),e._client._protocol.x11Forward(e.outgoing.id,r,i)}c(td,"reqX11");function nd(e,n,t){let r=24,i=80,o=640,s=480,a="vt100",u=null;typeof n=="function"?t=n:typeof n=="object"&&n!==null&&(typeof n.rows=="number"&&(r=n.rows),typeof n.cols=="number"&&(i=n.cols),typeof n.width=="number"&&(o=n.width),typeof n.height=="number"&&(s=n.height),typeof n.term=="string"&&(a=n.term),typeof n.modes=="object"&&(u=n.modes));let l=typeof t=="function";if(e.outgoing.state!=="open"){l&&t(new Error("Channel is not open"));return}l&&e._callbacks.push(d=>{if(d){t(d!==!0?d:new Error("Unable to request a pseudo-terminal"));return}t()}),e._client._protocol.pty(e.outgoing.id,r,i,s,o,a,u,l)}c(nd,"reqPty");function rd(e,n){let t=typeof n=="function";if(e.outgoing.state!=="open"){t&&n(new Error("Channel is not open"));return}if(e._client._agentFwdEnabled){t&&n(!1);return}e._client._agentFwdEnabled=!0,e._callbacks.push(r=>{if(r){e._client._agentFwdEnabled=!1,t&&n(r!==!0?r:new Error("Unable to request agent forwarding"));return}t&&n()}),e._client._protocol.openssh_agentForward(e.outgoing.id,!0)}c(rd,"reqAgentFwd");function B0(e,n){if(e.outgoing.state!=="open"){n(new Error("Channel is not open"));return}e._callbacks.push(t=>{if(t){n(t!==!0?t:new Error("Unable to open shell"));return}e.subtype="shell",n(void 0,e)}),e._client._protocol.shell(e.outgoing.id,!0)}c(B0,"reqShell");function R0(e,n,t,r){if(e.outgoing.state!=="open"){r(new Error("Channel is not open"));return}e._callbacks.push(i=>{if(i){r(i!==!0?i:new Error("Unable to exec"));return}e.subtype="exec",e.allowHalfOpen=t.allowHalfOpen!==!1,r(void 0,e)}),e._client._protocol.exec(e.outgoing.id,n,!0)}c(R0,"reqExec");function Oa(e,n,t){let r=typeof t=="function";if(e.outgoing.state!=="open"){r&&t(new Error("Channel is not open"));return}r&&e._callbacks.push(o=>{if(o){t(o!==!0?o:new Error("Unable to set environment"));return}t()});let i=Object.keys(n||{});for(let o=0;o<i.length;++o){let s=i[o],a=n[s];e._client._protocol.env(e.outgoing.id,s,a,r)}}c(Oa,"reqEnv");function La(e,n,t){if(e.outgoing.state!=="open"){t(new Error("Channel is not open"));return}e._callbacks.push(r=>{if(r){t(r!==!0?r:new Error(`Unable to start subsystem: ${n}`));return}e.subtype="subsystem",t(void 0,e)}),e._client._protocol.subsystem(e.outgoing.id,n,!0)}c(La,"reqSubsystem");function P0(e,n){let t=-1,r,i=c(()=>{let u={type:n.type,incoming:{id:t,window:mo,packetSize:Ao,state:"open"},outgoing:{id:n.sender,window:n.window,packetSize:n.packetSize,state:"open"}},l=new ad(e,u);return e._chanMgr.update(t,l),e._protocol.channelOpenConfirm(n.sender,t,mo,Ao),l},"accept"),o=c(()=>{r===void 0&&(t===-1?r=ii.RESOURCE_SHORTAGE:r=ii.CONNECT_FAILED),t!==-1&&e._chanMgr.remove(t),e._protocol.channelOpenFail(n.sender,r,"")},"reject"),s=c(()=>(t=e._chanMgr.add(),t===-1&&(r=ii.RESOURCE_SHORTAGE,e.config.debug&&e.config.debug("Client: Automatic rejection of incoming channel open: no channels available")),t!==-1),"reserveChannel"),a=n.data;switch(n.type){case"forwarded-tcpip":{let u=e._forwarding[`${a.destIP}:${a.destPort}`];if(u!==void 0&&s()){a.destPort===0&&(a.destPort=u),e.emit("tcp connection",a,i,o);return}break}case"forwarded-streamlocal@openssh.com":if(e._forwardingUnix[a.socketPath]!==void 0&&s()){e.emit("unix connection",a,i,o);return}break;case"auth-agent@openssh.com":if(e._agentFwdEnabled&&typeof e._agent.getStream=="function"&&s()){e._agent.getStream((u,l)=>{if(u)return o();let d=i();d.pipe(l).pipe(d)});return}break;case"x11":if(e._acceptX11!==0&&s()){e.emit("x11",a,i,o);return}break;default:r=ii.UNKNOWN_CHANNEL_TYPE,e.config.debug&&e.config.debug(`Client: Automatic rejection of unsupported incoming channel open type: ${n.type}`)}r===void 0&&(r=ii.ADMINISTRATIVELY_PROHIBITED,e.config.debug&&e.config.debug("Client: Automatic rejection of unexpected incoming channel open for: "+n.type)),o()}c(P0,"onCHANNEL_OPEN");var T0=(()=>{let e=Buffer.allocUnsafe(16);return()=>(u0(e,0,16),e.hexSlice(0,16))})();function id(e){if(!Array.isArray(e))throw new Error("authList must be an array");let n=0;return(t,r,i)=>n===e.length?!1:e[n++]}c(id,"makeSimpleAuthHandler");function N0(e,n,t){if(!e._sock||!dt(e._sock))return;if(typeof t!="function"&&(t=Da),!Array.isArray(n))throw new TypeError("Invalid keys argument type");let r=[];for(let i of n){let o=go(i);if(o instanceof Error)throw o;r.push(o)}if(!e.config.strictVendor||e.config.strictVendor&&si.test(e._remoteVer)){e._callbacks.push((i,o)=>{if(i){t(i!==!0?i:new Error("Server failed to prove supplied keys"));return}let s=[],a=0;for(po.init(o,0);po.avail()&&a!==r.length;){let u=r[a++],l=u.getPublicSSH(),d=po.readString();_o.init(d,0);let h=_o.readString(!0),_=_o.readString(),A;if(h!==u.type)if(u.type==="ssh-rsa")switch(h){case"rsa-sha2-256":A="sha256";break;case"rsa-sha2-512":A="sha512";break;default:continue}else continue;let x=e._protocol._kex.sessionID,b=Buffer.allocUnsafe(37+x.length+4+l.length),E=0;Na(b,29,E),b.utf8Write("hostkeys-prove-00@openssh.com",E+=4,29),Na(b,x.length,E+=29),ql(x,b,0,x.length,E+=4),Na(b,l.length,E+=x.length),ql(l,b,0,l.length,E+=4),(_=S0(_,h))&&u.verify(b,_,A)===!0&&s.push(u)}_o.clear(),po.clear(),t(null,s)}),e._protocol.openssh_hostKeysProve(r);return}process.nextTick(t,new Error("strictVendor enabled and server is not OpenSSH or compatible version"))}c(N0,"hostKeysProve");function Ua(e,n,t){switch(n.type){case"ssh-rsa":if(e._protocol._compatFlags&od.IMPLY_RSA_SHA2_SIGALGS&&(Array.isArray(t)?t=["rsa-sha2-256","rsa-sha2-512",...t]:t=["rsa-sha2-256","rsa-sha2-512"]),Array.isArray(t)){if(t.indexOf("rsa-sha2-256")!==-1)return[["rsa-sha2-256","sha256"]];if(t.indexOf("rsa-sha2-512")!==-1)return[["rsa-sha2-512","sha512"]];if(t.indexOf("ssh-rsa")===-1)return[]}return[["ssh-rsa","sha1"]]}}c(Ua,"getKeyAlgos");cd.exports=Ha});var fd=ze(()=>{});var ld=ze(()=>{});var za=ze((KE,dd)=>{"use strict";var{AgentProtocol:O0,BaseAgent:L0,createAgent:U0,CygwinAgent:D0,OpenSSHAgent:H0,PageantAgent:z0}=la(),{SSHTTPAgent:F0,SSHTTPSAgent:Q0}=el(),{parseKey:M0}=Nn(),{flagsToString:K0,OPEN_MODE:W0,STATUS_CODE:Z0,stringToFlags:j0}=no();dd.exports={AgentProtocol:O0,BaseAgent:L0,createAgent:U0,Client:ud(),CygwinAgent:D0,HTTPAgent:F0,HTTPSAgent:Q0,OpenSSHAgent:H0,PageantAgent:z0,Server:fd(),utils:{parseKey:M0,...ld(),sftp:{flagsToString:K0,OPEN_MODE:W0,STATUS_CODE:Z0,stringToFlags:j0}}}});var Lc=_t(require("os"),1);function on(e){return e==null?"":typeof e=="string"||e instanceof String?e:JSON.stringify(e)}c(on,"toCommandValue");function Zo(e,n,t){let r=new Wo(e,n,t);process.stdout.write(r.toString()+Lc.EOL)}c(Zo,"issueCommand");var Oc="::",Wo=class{static{c(this,"Command")}constructor(n,t,r){n||(n="missing.command"),this.command=n,this.properties=t,this.message=r}toString(){let n=Oc+this.command;if(this.properties&&Object.keys(this.properties).length>0){n+=" ";let t=!0;for(let r in this.properties)if(this.properties.hasOwnProperty(r)){let i=this.properties[r];i&&(t?t=!1:n+=",",n+=`${r}=${Ip(i)}`)}}return n+=`${Oc}${Sp(this.message)}`,n}};function Sp(e){return on(e).replace(/%/g,"%25").replace(/\r/g,"%0D").replace(/\n/g,"%0A")}c(Sp,"escapeData");function Ip(e){return on(e).replace(/%/g,"%25").replace(/\r/g,"%0D").replace(/\n/g,"%0A").replace(/:/g,"%3A").replace(/,/g,"%2C")}c(Ip,"escapeProperty");var Uc=_t(require("crypto"),1),yi=_t(require("fs"),1),Ai=_t(require("os"),1);function jo(e,n){let t=process.env[`GITHUB_${e}`];if(!t)throw new Error(`Unable to find environment variable for file command ${e}`);if(!yi.existsSync(t))throw new Error(`Missing file at path: ${t}`);yi.appendFileSync(t,`${on(n)}${Ai.EOL}`,{encoding:"utf8"})}c(jo,"issueFileCommand");function Go(e,n){let t=`ghadelimiter_${Uc.randomUUID()}`,r=on(n);if(e.includes(t))throw new Error(`Unexpected input: name should not contain the delimiter "${t}"`);if(r.includes(t))throw new Error(`Unexpected input: value should not contain the delimiter "${t}"`);return`${e}<<${t}${Ai.EOL}${r}${Ai.EOL}${t}`}c(Go,"prepareKeyValueMessage");var Zc=_t(require("os"),1);var vp=_t(Hc(),1),Cp=_t(Fc(),1);var Mc=require("os"),Or=require("fs");var qo=function(e,n,t,r){function i(o){return o instanceof t?o:new t(function(s){s(o)})}return c(i,"adopt"),new(t||(t=Promise))(function(o,s){function a(d){try{l(r.next(d))}catch(h){s(h)}}c(a,"fulfilled");function u(d){try{l(r.throw(d))}catch(h){s(h)}}c(u,"rejected");function l(d){d.done?o(d.value):i(d.value).then(a,u)}c(l,"step"),l((r=r.apply(e,n||[])).next())})},{access:Bp,appendFile:Rp,writeFile:Pp}=Or.promises,Qc="GITHUB_STEP_SUMMARY";var Yo=class{static{c(this,"Summary")}constructor(){this._buffer=""}filePath(){return qo(this,void 0,void 0,function*(){if(this._filePath)return this._filePath;let n=process.env[Qc];if(!n)throw new Error(`Unable to find environment variable for $${Qc}. Check if your runtime environment supports job summaries.`);try{yield Bp(n,Or.constants.R_OK|Or.constants.W_OK)}catch{throw new Error(`Unable to access summary file: '${n}'. Check if the file has correct read/write permissions.`)}return this._filePath=n,this._filePath})}wrap(n,t,r={}){let i=Object.entries(r).map(([o,s])=>` ${o}="${s}"`).join("");return t?`<${n}${i}>${t}</${n}>`:`<${n}${i}>`}write(n){return qo(this,void 0,void 0,function*(){let t=!!n?.overwrite,r=yield this.filePath();return yield(t?Pp:Rp)(r,this._buffer,{encoding:"utf8"}),this.emptyBuffer()})}clear(){return qo(this,void 0,void 0,function*(){return this.emptyBuffer().write({overwrite:!0})})}stringify(){return this._buffer}isEmptyBuffer(){return this._buffer.length===0}emptyBuffer(){return this._buffer="",this}addRaw(n,t=!1){return this._buffer+=n,t?this.addEOL():this}addEOL(){return this.addRaw(Mc.EOL)}addCodeBlock(n,t){let r=Object.assign({},t&&{lang:t}),i=this.wrap("pre",this.wrap("code",n),r);return this.addRaw(i).addEOL()}addList(n,t=!1){let r=t?"ol":"ul",i=n.map(s=>this.wrap("li",s)).join(""),o=this.wrap(r,i);return this.addRaw(o).addEOL()}addTable(n){let t=n.map(i=>{let o=i.map(s=>{if(typeof s=="string")return this.wrap("td",s);let{header:a,data:u,colspan:l,rowspan:d}=s,h=a?"th":"td",_=Object.assign(Object.assign({},l&&{colspan:l}),d&&{rowspan:d});return this.wrap(h,u,_)}).join("");return this.wrap("tr",o)}).join(""),r=this.wrap("table",t);return this.addRaw(r).addEOL()}addDetails(n,t){let r=this.wrap("details",this.wrap("summary",n)+t);return this.addRaw(r).addEOL()}addImage(n,t,r){let{width:i,height:o}=r||{},s=Object.assign(Object.assign({},i&&{width:i}),o&&{height:o}),a=this.wrap("img",null,Object.assign({src:n,alt:t},s));return this.addRaw(a).addEOL()}addHeading(n,t){let r=`h${t}`,i=["h1","h2","h3","h4","h5","h6"].includes(r)?r:"h1",o=this.wrap(i,n);return this.addRaw(o).addEOL()}addSeparator(){let n=this.wrap("hr",null);return this.addRaw(n).addEOL()}addBreak(){let n=this.wrap("br",null);return this.addRaw(n).addEOL()}addQuote(n,t){let r=Object.assign({},t&&{cite:t}),i=this.wrap("blockquote",n,r);return this.addRaw(i).addEOL()}addLink(n,t){let r=this.wrap("a",n,{href:t});return this.addRaw(r).addEOL()}},Tp=new Yo;var Xo=Tp;var Vo=_t(require("os"),1);var bi=_t(require("fs"),1);var{chmod:Np,copyFile:Op,lstat:Lp,mkdir:Up,open:Mb,readdir:Dp,rename:Hp,rm:zp,rmdir:Kb,stat:Fp,symlink:Qp,unlink:Mp}=bi.promises,Kp=process.platform==="win32";var Wb=bi.constants.O_RDONLY;var Vb=process.platform==="win32";var iw=Vo.default.platform(),ow=Vo.default.arch();var Wc;(function(e){e[e.Success=0]="Success",e[e.Failure=1]="Failure"})(Wc||(Wc={}));function jc(e,n){if(process.env.GITHUB_OUTPUT||"")return jo("OUTPUT",Go(e,n));process.stdout.write(Zc.EOL),Zo("set-output",{name:e},on(n))}c(jc,"setOutput");function Jo(e,n){if(process.env.GITHUB_STATE||"")return jo("STATE",Go(e,n));Zo("save-state",{name:e},on(n))}c(Jo,"saveState");function es(e){return process.env[`STATE_${e}`]||""}c(es,"getState");function ts(e){let n=e.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,Xp).replaceAll("##[","##\\[").replace(/^(\s*):(?=:)/,"$1\\:");return n.length>500?`${n.slice(0,500)}…`:n}c(ts,"escapeForeign");function Xp(e){let n=e.codePointAt(0)??0;return n<256?`\\x${n.toString(16).padStart(2,"0")}`:`\\u${n.toString(16)}`}c(Xp,"escapeCharacter");function qc(e,n){return e.replace(/\s+$/,"").split(/\r?\n/).slice(-n)}c(qc,"lastLines");var Yc=["unchanged","active","untouched","staged","rolled-back","unknown","broken"],vt=class extends Error{static{c(this,"Failure")}fields;constructor(n){super(rs(n),n.cause===void 0?void 0:{cause:n.cause}),this.name=new.target.name,this.fields=n}},qn=class extends vt{static{c(this,"InputError")}constructor(n){super({what:"Reading the inputs",why:n.join(`
`),remedy:"correct the `with:` block of this step."})}},ut=class extends vt{static{c(this,"ConnectionError")}},sn=class extends vt{static{c(this,"TargetError")}};function rs({what:e,where:n,why:t,state:r,remedy:i,output:o}){let s=n?` on ${n}`:"";return[`${e}${s} failed.`,ns("why",t),...r?[ns("state",r)]:[],ns("do",i),...o?.trim()?[Vp("output",o)]:[]].join(`
`)}c(rs,"formatFailure");function ns(e,n){let[t,...r]=n.split(`
`).map(ts);return[`  ${`${e}:`.padEnd(8)}${t}`,...r.map(i=>`          ${i}`)].join(`
`)}c(ns,"field");function Vp(e,n){let[t,...r]=qc(n,20).map(ts);return[`  ${`${e}:`.padEnd(8)}| ${t??""}`,...r.map(i=>`          | ${i}`)].join(`
`)}c(Vp,"quoted");var Xc="INPUT_";function os(e,n){let t=Jp(n),r=Object.keys(t).filter(a=>!(a in is(e))),i=Object.fromEntries(Object.entries(t).filter(([,a])=>a!==""));for(let a of r)delete i[a];let o=e.safeParse(i),s=[...r.map(a=>`Input '${a}': there is no such input${t_(a,Object.keys(is(e)))}.`),...o.success?[]:o.error.issues.map(a=>e_(a,i))];if(!o.success||s.length>0)throw new qn(s);return o.data}c(os,"readInputs");function Jp(e){let n={};for(let[t,r]of Object.entries(e))t.startsWith(Xc)&&(n[t.slice(Xc.length).toLowerCase()]=(r??"").replaceAll(`\r
`,`
`),delete e[t]);return n}c(Jp,"takeInputs");function is(e){let{def:n}=e;return n.shape??(n.in?is(n.in):{})}c(is,"shapeOf");function e_(e,n){let t=String(e.path[0]??""),r=n[t];return t===""?e.message:r===void 0&&e.code==="invalid_type"?`Input '${t}': required, but not set.`:`Input '${t}': ${e.message}.`}c(e_,"problem");function t_(e,n){let t=c(i=>i.replace(/[-_]/g,""),"plain"),r=n.find(i=>t(i)===t(e)||i.startsWith(e));return r?`; is '${r}' meant`:""}c(t_,"closest");var Jc=require("node:os"),eu=require("node:timers/promises");function wi(e,n){let t=c(r=>r.split(`
`).map(i=>`${n} | ${i}`).join(`
`),"each");return{...e,line:c(r=>e.line(t(r)),"line"),phase:c((r,i)=>e.phase(r,`${n} | ${i}`),"phase"),warning:c(r=>e.warning(t(r)),"warning")}}c(wi,"prefixed");var n_=4;function tu(e){let n=c(o=>{process.stdout.write(`${o}${Jc.EOL}`)},"write"),t=c((o,s)=>e==="github"?`::${o}::${Vc(s)}`:`${o==="error"?"Error":"Warning"}: ${s}`,"annotated"),r=performance.now(),i=new Set;return{line:n,phase:c((o,s)=>{let a=((performance.now()-r)/1e3).toFixed(1);n(`[${a.padStart(5)} s] ${o.padEnd(15)} ${s}`)},"phase"),warning:c(o=>n(t("warning",o)),"warning"),failure:c(o=>n(t("error",o)),"failure"),mask:c(o=>{for(let s of r_(o??"").filter(a=>!i.has(a)))i.add(s),n(`::add-mask::${e==="github"?Vc(s):s}`)},"mask"),drain:c(async o=>{await new Promise(s=>process.stdout.write("",s)),o&&await(0,eu.setTimeout)(500)},"drain")}}c(tu,"openLog");function r_(e){return e.split(/\r?\n/).map(n=>n.trim()).filter(n=>n.length>=n_&&!n.startsWith("-----"))}c(r_,"maskable");function Vc(e){return e.replaceAll("%","%25").replaceAll("\r","%0D").replaceAll(`
`,"%0A")}c(Vc,"escapeCommand");var nu=256*1024;async function ru(e){if(process.env.GITHUB_OUTPUT)for(let[n,t]of Object.entries(e))jc(n,i_(t))}c(ru,"writeOutputs");async function iu(e){process.env.GITHUB_STEP_SUMMARY&&await Xo.addRaw(e,!0).write()}c(iu,"writeSummary");function i_(e){if(e===void 0)return"";if(typeof e!="object")return String(e);let n=JSON.stringify(e,null,1);return Buffer.byteLength(n)<=nu?n:JSON.stringify({cut:`the whole value has ${Buffer.byteLength(n)} bytes, above ${nu}`})}c(i_,"outputText");function ss(e){let n=e.FORGEJO_ACTIONS?"forgejo":e.GITEA_ACTIONS?"gitea":"github",t=(e.GITHUB_SERVER_URL??"").replace(/\/+$/,""),r=e.GITHUB_REPOSITORY??"",i=n==="github"?e.GITHUB_RUN_ID:e.GITHUB_RUN_NUMBER;return{platform:n,serverUrl:t,apiUrl:(e.GITHUB_API_URL||t&&`${t}/api/v1`).replace(/\/+$/,""),repository:r,url:t&&r&&i?`${t}/${r}/actions/runs/${i}`:"",workflow:e.GITHUB_WORKFLOW||(e.GITHUB_WORKFLOW_REF??"").replace(/@.*$/,""),number:Number.parseInt(e.GITHUB_RUN_NUMBER??"",10)||0,attempt:Number.parseInt(e.GITHUB_RUN_ATTEMPT??"",10)||1,actor:e.GITHUB_ACTOR??"",sha:e.GITHUB_SHA??"",ref:e.GITHUB_REF??"",job:e.GITHUB_JOB??""}}c(ss,"readRun");var ou="phase";async function su({schema:e,main:n,post:t}){let r=tu(ss(process.env).platform),i=new AbortController;for(let s of["SIGINT","SIGTERM","SIGHUP"])process.on(s,()=>i.abort(s));let o={log:r,run:ss(process.env),signal:i.signal,env:c(s=>process.env[s]||void 0,"env"),outputs:ru,summary:iu,save:c((s,a)=>Jo(s,a),"save")};try{o_(process.versions.node),es(ou)==="main"?await t?.(es,()=>os(e,process.env),o):(Jo(ou,"main"),await n(os(e,process.env),o)),process.exitCode=0}catch(s){r.failure(s instanceof vt?s.message:s_(s)),process.exitCode=1}await r.drain(process.exitCode!==0),process.exit()}c(su,"action");function o_(e){if(!(Number.parseInt(e,10)>=20))throw new vt({what:"Starting the action",why:`it needs Node.js 20 or later, the runner's \`node\` is ${e}.`,remedy:"install a newer Node.js where the job runs (its image, or the host), first in PATH."})}c(o_,"requireNode");function s_(e){return rs({what:"The action",why:`an unexpected error: ${e instanceof Error?e.message:String(e)}`,remedy:"report it with the lines below.",output:e instanceof Error?e.stack:void 0})}c(s_,"unexpected");async function au(e,{limit:n,stopped:t},r){let i=e.entries(),o=c(async()=>{for(let[s,a]of i){if(t())return;await r(a,s)}},"worker");await Promise.all(Array.from({length:Math.min(n,e.length)},o))}c(au,"inParallel");var fu=require("node:crypto"),lu=require("node:fs"),xi=require("node:fs/promises");var a_={3:"i386",8:"mips",20:"ppc",21:"ppc64",22:"s390x",40:"arm",62:"x86_64",183:"aarch64",243:"riscv64",258:"loongarch64"},c_=3;async function cu(e){let n=await as(e,0,64);if(n.length<52||n.readUInt32BE(0)!==2135247942)return;let t=n[4]===2?64:32,r=u_(n[5]===2),[i,o,s]=t===64?[Number(r.u64(n,32)),r.u16(n,54),r.u16(n,56)]:[r.u32(n,28),r.u16(n,42),r.u16(n,44)],a=r.u16(n,18),u=a_[a]??`ELF machine ${a}`,l=await as(e,i,o*s);for(let d=0;d+o<=l.length&&o>0;d+=o){if(r.u32(l,d)!==c_)continue;let[h,_]=t===64?[Number(r.u64(l,d+8)),Number(r.u64(l,d+32))]:[r.u32(l,d+4),r.u32(l,d+16)],A=await as(e,h,Math.min(_,4096));return{machine:u,bits:t,interpreter:A.toString("utf8").replace(/\0.*$/s,"")}}return{machine:u,bits:t,interpreter:void 0}}c(cu,"readElf");function uu({machine:e},n){return e===n?!0:e==="i386"?/^(i[3-6]86|x86_64)$/.test(n):e==="arm"?/^(arm|aarch64)/.test(n):e==="ppc64"?n.startsWith("ppc64"):e==="mips"?n.startsWith("mips"):!1}c(uu,"runsOn");async function as(e,n,t){let r=Buffer.alloc(Math.max(0,Math.min(t,1048576))),{bytesRead:i}=await e.read(r,0,r.length,n);return r.subarray(0,i)}c(as,"readAt");function u_(e){return{u16:c((n,t)=>e?n.readUInt16BE(t):n.readUInt16LE(t),"u16"),u32:c((n,t)=>e?n.readUInt32BE(t):n.readUInt32LE(t),"u32"),u64:c((n,t)=>e?n.readBigUInt64BE(t):n.readBigUInt64LE(t),"u64")}}c(u_,"reader");var f_=1<<20;async function du(e,n){let t=await l_(e),r=n.map(u=>Buffer.from(u)),i=Math.max(0,...r.map(u=>u.length-1)),o=new Set(r),s=(0,fu.createHash)("sha256"),a=Buffer.alloc(0);for await(let u of(0,lu.createReadStream)(e,{highWaterMark:f_})){if(s.update(u),o.size===0)continue;let l=i>0?Buffer.concat([a,u]):u;for(let d of o)l.includes(d)&&o.delete(d);a=Buffer.from(l.subarray(-i||l.length))}if(o.size>0)throw h_(e,o);return{path:e,bytes:t,sha256:s.digest("hex"),elf:await d_(e)}}c(du,"readSource");async function l_(e){let n=c(r=>new vt({what:`Reading the source ${e}`,why:r,state:"untouched.",remedy:"check the path and the build step before this one."}),"why"),t=await(0,xi.stat)(e).catch(r=>{throw n(r.code==="ENOENT"?"there is no such file on the runner.":r.message)});if(!t.isFile())throw n("it is no regular file.");if(t.size===0)throw n("it is empty.");return t.size}c(l_,"sizeOf");async function d_(e){let n=await(0,xi.open)(e);try{return await cu(n)}finally{await n.close()}}c(d_,"elfOf");function h_(e,n){let t=[...n].map(r=>`'${r.toString()}'`).join(", ");return new vt({what:`Checking the source ${e}`,why:`it does not contain ${t} (expect-strings).`,state:"untouched. Nothing was sent.",remedy:"is it the build of the commit you meant? Look at the build step, or correct expect-strings."})}c(h_,"missingStrings");var _s=require("node:fs"),Ku=require("node:fs/promises"),Wu=require("node:os");var hu=Nc("AGFzbQEAAAABJgZgA39/fwBgA39/fwF/YAJ/fwBgBH9/f38AYAABf2AFf39/f38AAg8BA2VudgZtZW1vcnkCAAEDCgkAAQADAgIEBQEGRw5/AUEAC38BQQALfwFBAAt/AUEAC38BQQALfwFBAAt/AUEAC38BQQALfwFBAAt/AUEAC38BQQALfwFBAAt/AUEAC38BQQALBzoHBGZyZWUABgViZWdpbgAHBWluZGV4AAUEdGFrZQADBWFsaWduAAgHcmVzdG9yZQAEBm1lbW9yeQIADAEBCoQOCa8BAQR/IAAiBCABaiIGQQBIBH9BAAUgAiMBIAZrIgAgACACShsiAEEAIABBAE4bCyECA0AgA0EQaiIAIAJMBEAgBSMFIARqIANq/QAEACMAIAZqIANq/QAEAP0j/WRpaiEFIAAhAwwBCwsDQCACIANKBEAgBUEBaiAFIwUgBGogA2otAAAjACAGaiADai0AAEYbIQUgA0EBaiEDDAELCyAFIw1MBEAPCyAFJA0gASQMC/QBAgR/AXsgASIEQQBIBH9BAAUgAiMBIARrIgEgASACShsiAUEAIAFBAE4bCyEFA0AgA0EQaiIBIAVMBEAjByAAaiADaiMFIABqIANq/QAEACMAIARqIANq/QAEAP1xIgf9CwQAIAYgB/0MAAAAAAAAAAAAAAAAAAAAAP0j/WRpaiEGIAEhAwwBCwsDQCADIAVIBEAjByAAaiADaiMFIABqIANqLQAAIwAgBGogA2otAABrIgE6AAAgBiAGQQFqIAFB/wFxGyEGIANBAWohAwwBCwsgAiAFSgRAIAAgBWoiACMHaiMFIABqIAIgBWv8CgAACyAGC48CAQN/IAAgAWoiA0EASAR/QQAFIAIjASADayIDIAIgA0gbIgNBACADQQBOGwsiA0EASgRAAkAjAiAAIAFqaiEEIwgjCUEBa0EDdGohBSMJQQBKBEAgBEGAgICAeEYgBSgCACIAIAUoAgQiAWogBEYgAUGAgICAeEYbBEAgBSAAIANqNgIADAILCyAFIAM2AgggBSAENgIMIwlBAWokCQsLIAIgA0oEQAJAIAIgA2shACMIIwlBAWtBA3RqIQEjCUEASgRAIAEoAgAiAiABKAIEIgNqQYCAgIB4RiADQYCAgIB4RnIEQCABIAAgAmo2AgAMAgsLIAEgADYCCCABQYCAgIB4NgIMIwlBAWokCQsLCxIAIAAkBSABJAYgAiQHIAMkCAsSACMHIABqIwUgAGogAfwKAAALdwIBfgJ/IAEjAUEHayIDIAEgA0gbIQMDQCAAIANIBEAjACAAaikDACICQiCIpyIEIAKnIgFHBEAjAyABQbHz3fF5bCAEQfeUr694bHMiAUEPdiABc0Ht+OzgAmwjBHZBAnRqIABBAWo2AgALIABBEGohAAwBCwsLBQBBoAgLJAAgACQAIAEkASACJAIgAyQDQSAgBGskBEEAIAJrJApBACQLC4AHAgh/AX5BACQJA0AgACABSARAIAIjCmohBiAAQf8HcUUgAEGACGogAUxxBH8Cf0EAIAAgBmoiA0EASAR/QQAFQYAIIwEgA2siBCAEQYAIShsiBEEAIARBAE4bC0GACEgNABpBACEEA0AgBEGACEgEQEEAIwUgAGogBGr9AAQAIwAgA2ogBGr9AAQA/VH9Uw0CGiAEQRBqIQQMAQsLIwcgAGpBAEGACPwLAEEBCwVBAAsEQCMCIAAgBmpqIQMjCCMJQQFrQQN0aiEEAkAjCUEASgRAIANBgICAgHhGIAQoAgAiBSAEKAIEIgZqIANGIAZBgICAgHhGGwRAIAQgBUGACGo2AgAMAgsLIARBgAg2AgggBCADNgIMIwlBAWokCQsgAEGACGohAAwCCyAAIAAgBmpBICABIABrIgMgA0EgShsiBxABQQpsIAdBB2xOBEAgACAGIAcQAgVBgAEjBiAAayIDIANBgAFKGyIIQQNsQQptIgUkDSAAIAIjCmogCBAAQQAhBANAIAQjC0gEQCAAIAIgBEECdEGACGooAgBqIAgQACAEQQFqIQQMAQsLIABBIGoiAyMGQQhrIgQgAyAESBshCUEAIQMgACEEA0AgA0EQSCAEIAlMcQR/Iw1BCmwgCEEJbEgFQQALBEAjAyMFIARqKQMAIgunQbHz3fF5bCALQiCIp0H3lK+veGxzIgpBD3YgCnNB7fjs4AJsIwR2QQJ0aigCAEEBayIKQX8gCkEATgR/IwAgCmopAwAgC1EFQQALGyIKQQBIBH9BAQUjDCAKIARrRiMNIAVKcQtFBEAgACAKIARrIAgQACADQQFqIQMLIARBAWohBAwBCwsjDSAFSgRAIwwgBkcEQCMKIQMjDCACayIFJApBACEGA0AgAyAFRyAGQQhIcQRAIAZBAnRBgAhqIQggBiMLSAR/IAgoAgAFIAULIAggAzYCACAGIwtGBEAjC0EBaiQLCyEDIAZBAWohBgwBCwsgACAAIwxqIAcQARoLIAAjDCAHEAIFIwcgAGojBSAAaiAH/AoAACMIIwlBAWtBA3RqIQMCQCMJQQBKBEAgAygCACIEIAMoAgQiBWpBgICAgHhGIAVBgICAgHhGcgRAIAMgBCAHajYCAAwCCwsgAyAHNgIIIANBgICAgHg2AgwjCUEBaiQJCwsLIAAgB2ohAAwBCwsjCQsLJwEAQYAICyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==");var _u=require("node:zlib");var cs=8192,__=.1,g_=.9;function gu(e,n){let t=Math.max(0,Math.floor((e.length-cs)/2)),r=n.subarray(t,t+cs),i=0;for(let o=0;o<r.length;o+=1)r[o]===0&&(i+=1);return r.length-i<r.length*__?!1:pu(e.subarray(t,t+cs))<g_*pu(r)}c(gu,"packsBetter");function pu(e){return(0,_u.deflateRawSync)(e,{level:1}).length}c(pu,"packed");var In=-(2**31),Ei=65536,Lr=4*Ei,mu=16*(Ei/32),m_=16,A_=2**24,y_=65536;async function yu(e){let n=Math.ceil(Math.log2(Math.min(A_,Math.max(256,e/m_)))),t=new WebAssembly.Memory({initial:1}),{instance:r}=await WebAssembly.instantiate(hu,{env:{memory:t}}),i=r.exports,o=i.free(),a=[e,4*2**n,Lr,Lr,Lr,mu].map(E=>{let I=o;return o=Math.ceil((o+E)/64)*64,[I,E]});t.grow(Math.ceil(o/y_));let[u,l,d,h,_,A]=a.map(([E,I])=>Buffer.from(t.buffer,E,I)),x=new Int32Array(t.buffer,A.byteOffset,mu/4),b=!1;return{pieces:[d,h],begin:c(E=>(b&&l.fill(0),b=!0,i.begin(u.byteOffset,e,E,l.byteOffset,n),u),"begin"),index:i.index,align:c((E,I)=>{i.take(E.byteOffset,E.length,_.byteOffset,A.byteOffset);let P=[];for(let M=0;M<E.length;M+=Ei){let O=Math.min(M+Ei,E.length),G=i.align(M,O,I);if(gu(E.subarray(M,O),_.subarray(M,O)))i.restore(M,O-M),Au(P,{bytes:O-M,from:In});else for(let[_e,le]of b_(x.subarray(0,2*G)))Au(P,{bytes:_e,from:le})}return{stretches:P,difference:_.subarray(0,E.length)}},"align")}}c(yu,"openAligner");function*b_(e){for(let n=0;n<e.length;n+=2)yield[e[n],e[n+1]]}c(b_,"pairs");function Au(e,{bytes:n,from:t}){let r=e.at(-1),i=r&&(r.from===In?In:r.from+r.bytes);r&&i===t?r.bytes+=n:e.push({bytes:n,from:t})}c(Au,"add");function bu(e,n){if(e===0)return[];if(n<=268435456)return[{fresh:{begin:0,end:e},old:{begin:0,end:n}}];let t=[];for(let r=0;r<e;r+=134217728){let i=Math.min(r+134217728,e),o=(r+i)/2*(n/e),s=Math.floor(Math.min(Math.max(0,o-268435456/2),n-268435456));t.push({fresh:{begin:r,end:i},old:{begin:s,end:s+268435456}})}return t}c(bu,"planParts");var w_=1<<20;async function*xu(e,n){let t=bu(e.bytes,n.bytes),[r]=t;if(!r)return;let i=await yu(r.old.end-r.old.begin),o=0;for(let s of t){let a=i.begin(s.old.begin),u=c(d=>a.subarray(d-s.old.begin,d-s.old.begin+w_),"oldBlock");for await(let{at:d,block:h}of wu(n,s.old,u))i.index(d-s.old.begin,d-s.old.begin+h.length);let l=c(d=>i.pieces[d/Lr%2],"piece");for await(let{at:d,block:h}of wu(e,s.fresh,l)){let _=i.align(h,d),A=E_(_,o);o=A.end,yield Buffer.concat([A.bytes,_.difference])}}}c(xu,"deltaOf");async function*wu(e,{begin:n,end:t},r){let i=c(o=>{if(o>=t)return;let s=r(o).subarray(0,t-o),a=x_(e,o,s);return a.catch(()=>{}),{at:o,block:s,done:a}},"read");for(let o=i(n);o!==void 0;){let{at:s,block:a,done:u}=o;await u,o=i(s+a.length),yield{at:s,block:a}}}c(wu,"blocksOf");async function x_({handle:e},n,t){for(let r=0;r<t.length;){let{bytesRead:i}=await e.read(t,r,t.length-r,n+r);if(i===0)throw new Error("the file became shorter while it was read");r+=i}}c(x_,"fill");function E_({stretches:e,difference:n},t){let r=Buffer.allocUnsafe(8+8*e.length);r.writeUInt32BE(e.length,0),r.writeUInt32BE(n.length,4);let i=t;for(let[o,{bytes:s,from:a}]of e.entries())r.writeInt32BE(s,8+8*o),r.writeInt32BE(a===In?In:a-i,12+8*o),a!==In&&(i=a+s);return{bytes:r,end:i}}c(E_,"headOf");var $i=require("node:child_process"),Eu=require("node:events"),ki=require("node:stream"),$u=require("node:stream/promises"),us=_t(require("node:zlib"),1);var fs=256*1024;function ku(){return(0,$i.spawnSync)("zstd",["--version"],{stdio:"ignore"}).status===0?{zstd:"program"}:{zstd:Su().createZstdCompress?"node":void 0}}c(ku,"findCompressors");async function*ls(e,{by:n,level:t,adapt:r,has:i}){let{stage:o,ended:s,stop:a}=n==="gzip"?$_():i.zstd==="program"?k_(t,r):S_(t),u=(0,$u.pipeline)(ki.Readable.from(e,{objectMode:!1,highWaterMark:fs}),o);u.catch(()=>{});try{for await(let l of o)yield l;await u,await s?.()}finally{o.destroy(),a?.()}}c(ls,"compress");function $_(){return{stage:us.createGzip({level:1,chunkSize:fs})}}c($_,"gzip");function k_(e,n){let t=n?[`--adapt=min=${e},max=12`]:[`-${e}`,"-B2M","--long=24"],r=(0,$i.spawn)("zstd",["-q","-c","-T0",...t],{stdio:["pipe","pipe","ignore"]}),i=(0,Eu.once)(r,"close");i.catch(()=>{});let o=ki.Duplex.from({writable:r.stdin,readable:r.stdout});return r.once("error",s=>o.destroy(s)),{stage:o,stop:c(()=>r.kill(),"stop"),ended:c(async()=>{let[s]=await i;if(s!==0)throw new Error(`zstd ended with code ${s}`)},"ended")}}c(k_,"zstdProgram");function S_(e){let{createZstdCompress:n,constants:t}=Su();if(!n)throw new Error("this runner has no zstd");return{stage:n({chunkSize:fs,params:{[t.ZSTD_c_compressionLevel??100]:e}})}}c(S_,"zstdOfNode");function Su(){return us}c(Su,"zlibZstd");var Si=require("node:crypto"),Yn=require("node:fs"),qe=require("node:fs/promises");var I_={files:8,bytes:4*2**30},v_=1<<20,C_=36e5,B_=/^[0-9a-f]{64}$/,R_=/^\.new-/,P_=/^note-/,T_=2160*36e5;async function Iu(e,n=I_){await(0,qe.mkdir)(e,{recursive:!0,mode:448});let t=await(0,qe.lstat)(e);if(!t.isDirectory())throw new Error(`${e} is no folder`);if(t.uid!==process.getuid?.())throw new Error(`${e} belongs to another account`);return(t.mode&511)!==448&&await(0,qe.chmod)(e,448),{open:c(r=>N_(`${e}/${r}`,r),"open"),keep:c(async(r,i)=>{await L_(`${e}/${i}`)||(await U_(r,{folder:e,sha256:i,most:n.bytes}),await D_(e,n))},"keep")}}c(Iu,"openKept");async function N_(e,n){let t;try{t=await(0,qe.open)(e,Yn.constants.O_RDONLY|Yn.constants.O_NOFOLLOW|Yn.constants.O_NONBLOCK)}catch(i){i.code==="ELOOP"&&await(0,qe.rm)(e,{force:!0});return}let r=await t.stat();if(r.isFile()&&await O_(t)===n)return await(0,qe.utimes)(e,new Date,new Date).catch(()=>{}),{handle:t,bytes:r.size};await t.close(),await(0,qe.rm)(e,{force:!0,recursive:!0})}c(N_,"openProved");async function O_(e){let n=(0,Si.createHash)("sha256"),t=Buffer.allocUnsafe(v_);for(let r=0;;){let{bytesRead:i}=await e.read(t,0,t.length,r);if(i===0)return n.digest("hex");n.update(t.subarray(0,i)),r+=i}}c(O_,"digestOf");async function L_(e){try{return await(0,qe.utimes)(e,new Date,new Date),(await(0,qe.lstat)(e)).isFile()}catch{return!1}}c(L_,"touched");async function U_(e,n){let{size:t}=await(0,qe.lstat)(e),{bavail:r,bsize:i}=await(0,qe.statfs)(n.folder);if(t>n.most)throw new Error("it is too large to be kept");if(r*i<3*t)throw new Error(`too little room is left in ${n.folder}`);let o=`${n.folder}/.new-${(0,Si.randomUUID)()}`;try{await(0,qe.copyFile)(e,o,Yn.constants.COPYFILE_EXCL|Yn.constants.COPYFILE_FICLONE),await(0,qe.chmod)(o,384),await(0,qe.rename)(o,`${n.folder}/${n.sha256}`)}finally{await(0,qe.rm)(o,{force:!0})}}c(U_,"copy");async function D_(e,n){let t=await(0,qe.readdir)(e),r=await Promise.all(t.map(async l=>{let d=await(0,qe.lstat)(`${e}/${l}`).catch(()=>{});return{name:l,usedAt:d?.mtimeMs??0,bytes:d?.size??0}})),i=0,s=r.filter(({name:l})=>B_.test(l)).sort((l,d)=>d.usedAt-l.usedAt).filter((l,d)=>(i+=l.bytes,d>=n.files||i>n.bytes)),a=[{names:R_,before:Date.now()-C_},{names:P_,before:Date.now()-T_}],u=r.filter(({name:l,usedAt:d})=>a.some(({names:h,before:_})=>h.test(l)&&d<_));for(let{name:l}of[...s,...u])await(0,qe.rm)(`${e}/${l}`,{force:!0,recursive:!0})}c(D_,"prune");var Ii=require("node:crypto"),pn=require("node:fs/promises");async function vu(e,n){let t=await(0,pn.readFile)(Bu(e,n),"utf8").catch(()=>"{}");try{let{bytesPerSecond:r,sha256:i,deltaBy:o}=JSON.parse(t);return{...typeof r=="number"&&r>0?{bytesPerSecond:r}:{},...typeof i=="string"&&/^[0-9a-f]{64}$/.test(i)?{sha256:i}:{},...o==="zstd"||o==="gzip"?{deltaBy:o}:{}}}catch{return{}}}c(vu,"readNote");async function Cu(e,n,t){let r=`${e}/.new-${(0,Ii.randomUUID)()}`;try{await(0,pn.writeFile)(r,JSON.stringify(t),{mode:384,flag:"wx"}),await(0,pn.rename)(r,Bu(e,n))}finally{await(0,pn.rm)(r,{force:!0})}}c(Cu,"writeNote");function Bu(e,n){return`${e}/note-${(0,Ii.createHash)("sha256").update(n).digest("hex").slice(0,16)}`}c(Bu,"fileOf");var Ru=require("node:crypto"),Ur=require("node:events"),vi=require("node:fs/promises");var vn=class extends Error{static{c(this,"PayloadError")}},H_=256*1024,z_=8*2**20,F_=64*2**20;function ds(e){return{read:c(async function*(){try{yield*e()}catch(n){throw Tu(n)}},"read"),[Symbol.asyncDispose]:async()=>{}}}c(ds,"streamed");async function Pu(e,n){let t=`${n}/.payload-${(0,Ru.randomUUID)()}`,r=await(0,vi.open)(t,"wx+",384);await(0,vi.unlink)(t);let i=new Ur.EventEmitter().setMaxListeners(0),o=0,s,a,l=c(async()=>{for await(let d of e()){for(;!a&&o-(s??0)>(s===void 0?F_:z_);)await(0,Ur.once)(i,"taken");if(a)return;await r.write(d,0,d.length,o),o+=d.length,i.emit("written")}},"fill")().then(()=>({}),d=>({error:Tu(d)})).then(d=>{a??=d,i.emit("written")});return{read:c(async function*(){for(let d=0;;){if(d===o){if(a?.error)throw a.error;if(a)return;await(0,Ur.once)(i,"written");continue}let h=Buffer.allocUnsafe(Math.min(H_,o-d)),{bytesRead:_}=await r.read(h,0,h.length,d);d+=_,s=Math.max(s??0,d),i.emit("taken"),yield h.subarray(0,_)}},"read"),[Symbol.asyncDispose]:async()=>{a??={error:new vn("the step has ended")},i.emit("taken"),i.emit("written"),await l,await r.close()}}}c(Pu,"spooled");function Tu(e){return e instanceof vn?e:new vn(e instanceof Error?e.message:String(e),{cause:e})}c(Tu,"payloadError");function Ci(e){return e.startsWith("/")&&e!=="/"&&!e.split("/").includes("..")&&!/[\u0000-\u001f\u007f]/.test(e)}c(Ci,"isPlainPath");function Nu(e){let n=URL.canParse(e)?new URL(e):void 0;return/^https?:$/.test(n?.protocol??"")&&n?.username===""&&!/[\s"\\]/.test(e)}c(Nu,"isHttpUrl");function Ou(e){return/^\s*\d{3}(-\d{3})?(\s*,\s*\d{3}(-\d{3})?)*\s*$/.test(e)}c(Ou,"isStatusList");function Lu(e,n){let t=c(r=>r.toLowerCase().replace(/[=+\s]/g,""),"plain");return t(e)===t(n)}c(Lu,"sameCapabilities");function Gt(e){return e.slice(0,12)}c(Gt,"short");function Ct(e){return e>=1e9?`${(e/1e9).toFixed(2)} GB`:e>=1e6?`${(e/1e6).toFixed(1)} MB`:e>=1e3?`${(e/1e3).toFixed(1)} kB`:`${e} bytes`}c(Ct,"megabytes");var Q_=16384,M_=1e6,K_={zstd:.27,gzip:.31,"delta-zstd":.05,"delta-gzip":.08,plain:1},W_={zstd:3e8,gzip:7e7,"delta-zstd":15e7,"delta-gzip":7e7,plain:7e8},Z_=4e8;function Bi(e){let{wanted:n,bytes:t,near:r,compressors:i,base:o,link:s}=e,a=c((E,I)=>({encoding:E,level:G_(E,s.bytesPerSecond),why:`${q_(E,o)}, ${I}`}),"plan"),[u]=i,l=j_(e);if(n==="plain")return a("plain","as wanted");if(n==="auto"&&r)return a("plain","because the target is this machine");if(t<Q_)return a("plain",`because ${Ct(t)} are not worth more`);if(!u)return a("plain","because runner and target have neither zstd nor gzip in common");if(n==="compressed")return a(u,"as wanted");if(n==="delta")return l?a(u,`no delta, because ${l}`):a(`delta-${u}`,"as wanted");let h=[...l?[]:[`delta-${u}`],u,"plain"].map(E=>({encoding:E,seconds:hs(E,t,s)})),[_,...A]=h.sort((E,I)=>E.seconds-I.seconds),x=[_,...A].map(({encoding:E,seconds:I})=>`${Y_(E)} ${I.toFixed(1)} s`),b=`${Ct(s.bytesPerSecond)}/s (${s.from})`;return a(_.encoding,`at ${b}: ${x.join(", ")}${l?`; no delta, because ${l}`:""}`)}c(Bi,"planTransfer");var Uu={ofWhatIsLeft:.5,seconds:10};function Du(e,n,t){let{bytes:r,link:i}=n,o=hs(e,r,i)-t/i.bytesPerSecond,s=Bi(n),a=o-hs(s.encoding,r,i);return a>Uu.seconds&&a>Uu.ofWhatIsLeft*o?s:void 0}c(Du,"soonerWay");function Hu(e){return{bytesPerSecond:e<3?11e7:e<15?25e6:6e6,from:`assumed from a round trip of ${Math.round(e)} ms`}}c(Hu,"assumedLink");function j_({wanted:e,base:n,bytes:t}){return"lacks"in n?n.lacks:e==="auto"&&t<M_?`${Ct(t)} are not worth it`:void 0}c(j_,"deltaLacks");function hs(e,n,t){return(e.startsWith("delta")?n/Z_:0)+Math.max(n*K_[e]/t.bytesPerSecond,n/W_[e])}c(hs,"secondsOf");function G_(e,n=0){return e.startsWith("delta")?n>6e7?1:n>5e6?3:10:n>3e7?1:n>1e7?3:n>4e6?6:9}c(G_,"levelFor");function q_(e,n){let[,t]=e.split("-");return t?`a delta against ${"sha256"in n?Gt(n.sha256):"the present file"} with ${t}`:e==="plain"?"plain":`compressed with ${e}`}c(q_,"named");function Y_(e){return e.startsWith("delta")?"delta":e==="plain"?"plain":"compressed"}c(Y_,"plainName");var X_="forgejo-deploy-toolkit",V_="measured last time",J_="measured on the first bytes",eg=5e7,zu=256*1024;function Zu({wanted:e,several:n},{env:t,log:r}){let i=t("RUNNER_TOOL_CACHE"),o=i&&`${i}/${X_}`,s=ps(()=>o?Iu(o):Promise.reject(new Error("RUNNER_TOOL_CACHE is not set"))),a=ps(ku),u=new Map,l=new Map,d=[],h=c(b=>e==="delta"||e==="auto"&&!b,"deltaHelps"),_=c(b=>{let E=u.get(b)??tg(s,b);return u.set(b,E),E},"baseOf"),A=c((b,{encoding:E,level:I},P)=>{let M=E.startsWith("delta")&&"file"in P?P:void 0,O=`${E} ${M?.sha256??""}`,G=c(()=>rg(b,{encoding:E,level:I,base:M?.file,has:a()}),"make"),_e=l.get(O)??(E!=="plain"&&(n||M)?Pu(G,t("RUNNER_TEMP")??(0,Wu.tmpdir)()).catch(()=>ds(G)):Promise.resolve(ds(G)));return l.set(O,_e),_e},"payloadOf"),x=ps(b=>s().then(E=>E.keep(b.path,b.sha256)).catch(E=>r.line(`Not kept for a delta next time: ${E.message}.`)));return{to:c((b,E)=>{let I=o&&h(!1)?vu(o,b):Promise.resolve({}),P={},M,O=!1,G=c(le=>{P.bytesPerSecond=Math.round(le)},"remember");return c(async()=>{let{sha256:le,deltaBy:L,...Z}=await I,V=Fu(Z);if(!le||!L||!V)return;let[j,ie]=await Promise.all([E,_(le)]);if(!j||j.sha256===le)return;let me=Bi({wanted:e,bytes:j.bytes,near:!1,compressors:[L],base:ie,link:V});me.encoding.startsWith("delta")&&await A(j,me,ie)},"begin")().catch(()=>{}),{choose:c(async(le,L)=>{let Z=M??Fu(await I),V=Z??Hu(L.roundTripMs),j=L.near&&(!Z||Z.bytesPerSecond>eg);O=!j;let ie=h(j)?ng(le,L):"none is wanted",{present:me,tools:J}=L,ce=ie||"lacks"in me?{lacks:ie??""}:await _(me.sha256),de=e==="plain"||e==="auto"&&j?[]:Qu(a(),J);J.has("perl")&&de[0]&&(P.deltaBy=de[0]);let xe={wanted:e,bytes:le.bytes,near:j,compressors:de,base:ce,link:V},C=Bi(xe);h(j)&&d.push(x(le));let N=c((T,F)=>{if(e!=="auto"||M||C.encoding.startsWith("delta"))return!1;let se={...xe,near:!1,compressors:Qu(a(),J)},ue={bytesPerSecond:F,from:J_};return Du(C.encoding,{...se,link:ue},T)?(M=ue,G(F),!0):!1},"isTooSlow");return{encoding:C.encoding,why:C.why,payload:await A(le,C,ce),isTooSlow:N}},"choose"),measured:c(le=>{le&&G(le)},"measured"),arrived:c((le,L)=>{if(!h(L&&!O))return;let Z=c(async()=>{await x(le),P={...await I,...P,sha256:le.sha256},o&&await Cu(o,b,P)},"note");d.push(Z().catch(()=>{}))},"arrived")}},"to"),[Symbol.asyncDispose]:async()=>{await Promise.all(d);for(let b of await Promise.allSettled(l.values()))b.status==="fulfilled"&&await b.value[Symbol.asyncDispose]();for(let b of await Promise.all(u.values()))"file"in b&&await b.file.handle.close()}}}c(Zu,"openTransfers");function ps(e){let n;return(...t)=>(n??={value:e(...t)},n.value)}c(ps,"once");async function tg(e,n){try{let t=await(await e()).open(n);return t?t.bytes<=2147483647?{sha256:n,file:t}:(await t.handle.close(),{lacks:"the files are too large for one"}):{lacks:"this runner has not kept the target's present file"}}catch(t){return{lacks:`this runner keeps no files: ${t.message}`}}}c(tg,"openBase");function Fu({bytesPerSecond:e}){return e?{bytesPerSecond:e,from:V_}:void 0}c(Fu,"rememberedLink");function ng({bytes:e},{tools:n,present:t}){return"lacks"in t?t.lacks:n.has("perl")?e>2147483647?"the files are too large for one":void 0:"the target has no perl"}c(ng,"deltaLacks");function Qu({zstd:e},n){return[...e&&n.has("zstd")?["zstd"]:[],...n.has("gzip")?["gzip"]:[]]}c(Qu,"inCommon");async function*rg(e,n){let{encoding:t,level:r,base:i,has:o}=n;if(t==="plain"){yield*(0,_s.createReadStream)(e.path,{highWaterMark:zu});return}let s=t.endsWith("zstd")?"zstd":"gzip";if(!i){let u=(0,_s.createReadStream)(e.path,{highWaterMark:zu});yield*ls(u,{by:s,level:r,adapt:!0,has:o});return}let a=await(0,Ku.open)(e.path);try{yield*ls(xu({handle:a,bytes:e.bytes},i),{by:s,level:r,adapt:!1,has:o})}finally{await a.close()}}c(rg,"encode");function gs(e){return Yc.findLast(n=>e.includes(n))??"unchanged"}c(gs,"worst");function ju(e,n){let t=Array.from({length:e},()=>"untouched"),r=new Map,i=c(async()=>{n.save("begun",r.size===0?"":JSON.stringify([...r.values()])),await n.outputs({state:gs(t)})},"write");return t.map((o,s)=>{let a;return{begin:c(async u=>{a={target:s,...u},r.set(s,a),t[s]="unknown",await i()},"begin"),begun:c(()=>a,"begun"),end:c(async u=>{u!=="unknown"&&r.delete(s),t[s]=u,await i()},"end")}})}c(ju,"openBook");var ip=require("node:timers/promises");var Ch=require("node:net"),di=require("node:os"),No=require("node:timers/promises");var pe=_t(require("assert"),1),hr=_t(require("fs"),1),Qa=_t(qu(),1),_d=_t(Yu(),1),St=_t(require("path"),1);var Ma=_t(Xu(),1),Ka=_t(Ju(),1),gd=_t(za(),1);var Fa=1,hd=c(e=>!St.default.basename(e).startsWith("."),"DEFAULT_VALIDATE"),pd=c(()=>{},"DEFAULT_TICK"),bo=class extends Error{static{c(this,"SSHError")}constructor(n,t=null){super(n),this.code=t}};function yo(e){return e.includes("\\")?e.split("\\").join("/"):e}c(yo,"unixifyPath");async function G0(e){return new Promise((n,t)=>{hr.default.readFile(e,"utf8",(r,i)=>{r?t(r):n(i)})})}c(G0,"readFile");var q0=/Error: (E[\S]+): /;async function Y0(e,n){let t=null;try{t=await new Promise((r,i)=>{n.stat(e,(o,s)=>{o?i(o):r(s)})})}catch{}if(t){if(t.isDirectory())return;throw new Error("mkdir() failed, target already exists and is not a directory")}try{await new Promise((r,i)=>{n.mkdir(e,o=>{o?i(o):r()})})}catch(r){if(r!=null&&typeof r.stack=="string"){let i=q0.exec(r.stack);throw i!=null?new bo(r.message,i[1]):r}}}c(Y0,"makeDirectoryWithSftp");var wo=class{static{c(this,"NodeSSH")}constructor(){this.connection=null}getConnection(){let{connection:n}=this;if(n==null)throw new Error("Not connected to server");return n}async connect(n){(0,pe.default)(n!=null&&typeof n=="object","config must be a valid object");let t={...n};if((0,pe.default)(t.username!=null&&typeof t.username=="string","config.username must be a valid string"),t.host!=null)(0,pe.default)(typeof t.host=="string","config.host must be a valid string");else if(t.sock!=null)(0,pe.default)(typeof t.sock=="object","config.sock must be a valid object");else throw new pe.AssertionError({message:"Either config.host or config.sock must be provided"});if(t.privateKey!=null||t.privateKeyPath!=null){if(t.privateKey!=null?((0,pe.default)(typeof t.privateKey=="string","config.privateKey must be a valid string"),(0,pe.default)(t.privateKeyPath==null,"config.privateKeyPath must not be specified when config.privateKey is specified")):t.privateKeyPath!=null&&((0,pe.default)(typeof t.privateKeyPath=="string","config.privateKeyPath must be a valid string"),(0,pe.default)(t.privateKey==null,"config.privateKey must not be specified when config.privateKeyPath is specified")),(0,pe.default)(t.passphrase==null||typeof t.passphrase=="string","config.passphrase must be null or a valid string"),t.privateKeyPath!=null)try{t.privateKey=await G0(t.privateKeyPath)}catch(i){throw i!=null&&i.code==="ENOENT"?new pe.AssertionError({message:"config.privateKeyPath does not exist at given fs path"}):i}}else t.password!=null&&(0,pe.default)(typeof t.password=="string","config.password must be a valid string");if(t.tryKeyboard!=null&&(0,pe.default)(typeof t.tryKeyboard=="boolean","config.tryKeyboard must be a valid boolean"),t.tryKeyboard){let{password:i}=t;t.onKeyboardInteractive!=null?(0,pe.default)(typeof t.onKeyboardInteractive=="function","config.onKeyboardInteractive must be a valid function"):i!=null&&(t.onKeyboardInteractive=(o,s,a,u,l)=>{u.length>0&&u[0].prompt.toLowerCase().includes("password")&&l([i])})}let r=new gd.default.Client;return this.connection=r,await new Promise((i,o)=>{r.on("error",o),t.onKeyboardInteractive&&r.on("keyboard-interactive",t.onKeyboardInteractive),r.on("ready",()=>{r.removeListener("error",o),i()}),r.on("end",()=>{this.connection===r&&(this.connection=null)}),r.on("close",()=>{this.connection===r&&(this.connection=null),o(new bo("No response from server","ETIMEDOUT"))}),r.connect(t)}),this}isConnected(){return this.connection!=null}async requestShell(n){let t=this.getConnection();return new Promise((r,i)=>{t.on("error",i);let o=c((s,a)=>{t.removeListener("error",i),s?i(s):r(a)},"callback");n==null?t.shell(o):t.shell(n,o)})}async withShell(n,t){(0,pe.default)(typeof n=="function","callback must be a valid function");let r=await this.requestShell(t);try{await n(r)}finally{r.destroy()}}async requestSFTP(){let n=this.getConnection();return new Promise((t,r)=>{n.on("error",r),n.sftp((i,o)=>{n.removeListener("error",r),i?r(i):t(o)})})}async withSFTP(n){(0,pe.default)(typeof n=="function","callback must be a valid function");let t=await this.requestSFTP();try{await n(t)}finally{t.end()}}async execCommand(n,t={}){(0,pe.default)(typeof n=="string","command must be a valid string"),(0,pe.default)(t!=null&&typeof t=="object","options must be a valid object"),(0,pe.default)(t.cwd==null||typeof t.cwd=="string","options.cwd must be a valid string"),(0,pe.default)(t.stdin==null||typeof t.stdin=="string"||Qa.default.readable(t.stdin),"options.stdin must be a valid string or readable stream"),(0,pe.default)(t.execOptions==null||typeof t.execOptions=="object","options.execOptions must be a valid object"),(0,pe.default)(t.encoding==null||typeof t.encoding=="string","options.encoding must be a valid string"),(0,pe.default)(t.onChannel==null||typeof t.onChannel=="function","options.onChannel must be a valid function"),(0,pe.default)(t.onStdout==null||typeof t.onStdout=="function","options.onStdout must be a valid function"),(0,pe.default)(t.onStderr==null||typeof t.onStderr=="function","options.onStderr must be a valid function"),(0,pe.default)(t.noTrim==null||typeof t.noTrim=="boolean","options.noTrim must be a boolean");let r=n;t.cwd&&(r=`cd ${(0,Ka.default)([t.cwd])} ; ${r}`);let i=this.getConnection(),o={stdout:[],stderr:[]};return new Promise((s,a)=>{i.on("error",a),i.exec(r,t.execOptions!=null?t.execOptions:{},(u,l)=>{if(i.removeListener("error",a),u){a(u);return}t.onChannel&&t.onChannel(l),l.on("data",_=>{t.onStdout&&t.onStdout(_),o.stdout.push(_.toString(t.encoding))}),l.stderr.on("data",_=>{t.onStderr&&t.onStderr(_),o.stderr.push(_.toString(t.encoding))}),t.stdin!=null?Qa.default.readable(t.stdin)?t.stdin.pipe(l,{end:!0}):(l.write(t.stdin),l.end()):l.end();let d=null,h=null;l.on("exit",(_,A)=>{d=_??null,h=A??null}),l.on("close",()=>{let _=o.stdout.join(""),A=o.stderr.join("");t.noTrim!==!0&&(_=_.trim(),A=A.trim()),s({code:d??null,signal:h??null,stdout:_,stderr:A})})})})}async exec(n,t,r={}){(0,pe.default)(typeof n=="string","command must be a valid string"),(0,pe.default)(Array.isArray(t),"parameters must be a valid array"),(0,pe.default)(r!=null&&typeof r=="object","options must be a valid object"),(0,pe.default)(r.stream==null||["both","stdout","stderr"].includes(r.stream),"options.stream must be one of both, stdout, stderr");for(let s=0,{length:a}=t;s<a;s+=1)(0,pe.default)(typeof t[s]=="string",`parameters[${s}] must be a valid string`);let i=`${n}${t.length>0?` ${(0,Ka.default)(t)}`:""}`,o=await this.execCommand(i,r);if(r.stream==null||r.stream==="stdout"){if(o.stderr)throw new Error(o.stderr);return o.stdout}return r.stream==="stderr"?o.stderr:o}async mkdir(n,t="sftp",r=null){if((0,pe.default)(typeof n=="string","path must be a valid string"),(0,pe.default)(typeof t=="string"&&(t==="sftp"||t==="exec"),"method must be either sftp or exec"),(0,pe.default)(r==null||typeof r=="object","sftp must be a valid object"),t==="exec"){await this.exec("mkdir",["-p",yo(n)]);return}let i=r||await this.requestSFTP(),o=c(async s=>Y0(yo(n),i).catch(async a=>{if(!s||a==null||a.message!=="No such file"&&a.code!=="ENOENT")throw a;await this.mkdir(St.default.dirname(n),"sftp",i),await o(!1)}),"makeSftpDirectory");try{await o(!0)}finally{r||i.end()}}async getFile(n,t,r=null,i=null){(0,pe.default)(typeof n=="string","localFile must be a valid string"),(0,pe.default)(typeof t=="string","remoteFile must be a valid string"),(0,pe.default)(r==null||typeof r=="object","sftp must be a valid object"),(0,pe.default)(i==null||typeof i=="object","transferOptions must be a valid object");let o=r||await this.requestSFTP();try{await new Promise((s,a)=>{o.fastGet(yo(t),n,i||{},u=>{u?a(u):s()})})}finally{r||o.end()}}async putFile(n,t,r=null,i=null){(0,pe.default)(typeof n=="string","localFile must be a valid string"),(0,pe.default)(typeof t=="string","remoteFile must be a valid string"),(0,pe.default)(r==null||typeof r=="object","sftp must be a valid object"),(0,pe.default)(i==null||typeof i=="object","transferOptions must be a valid object"),(0,pe.default)(await new Promise(a=>{hr.default.access(n,hr.default.constants.R_OK,u=>{a(u===null)})}),`localFile does not exist at ${n}`);let o=r||await this.requestSFTP(),s=c(a=>new Promise((u,l)=>{o.fastPut(n,yo(t),i||{},d=>{if(d==null){u();return}d.message==="No such file"&&a?u(this.mkdir(St.default.dirname(t),"sftp",o).then(()=>s(!1))):l(d)})}),"putFile");try{await s(!0)}finally{r||o.end()}}async putFiles(n,{concurrency:t=Fa,sftp:r=null,transferOptions:i={}}={}){(0,pe.default)(Array.isArray(n),"files must be an array");for(let u=0,{length:l}=n;u<l;u+=1){let d=n[u];(0,pe.default)(d,"files items must be valid objects"),(0,pe.default)(d.local&&typeof d.local=="string",`files[${u}].local must be a string`),(0,pe.default)(d.remote&&typeof d.remote=="string",`files[${u}].remote must be a string`)}let o=[],s=r||await this.requestSFTP(),a=new(void 0)({concurrency:t});try{await new Promise((u,l)=>{n.forEach(d=>{a.add(async()=>{await this.putFile(d.local,d.remote,s,i),o.push(d)}).catch(l)}),a.waitTillIdle().then(u)})}catch(u){throw u!=null&&(u.transferred=o),u}finally{r||s.end()}}async putDirectory(n,t,{concurrency:r=Fa,sftp:i=null,transferOptions:o={},recursive:s=!0,tick:a=pd,validate:u=hd}={}){(0,pe.default)(typeof n=="string"&&n,"localDirectory must be a string"),(0,pe.default)(typeof t=="string"&&t,"remoteDirectory must be a string");let l=await new Promise(b=>{hr.default.stat(n,(E,I)=>{b(I||null)})});(0,pe.default)(l!=null,`localDirectory does not exist at ${n}`),(0,pe.default)(l.isDirectory(),`localDirectory is not a directory at ${n}`);let d=i||await this.requestSFTP(),h=await(0,Ma.default)(n,{recursive:s,validate:u}),_=h.files.map(b=>St.default.relative(n,b)),A=h.directories.map(b=>St.default.relative(n,b));A.sort((b,E)=>b.length-E.length);let x=!1;try{await new Promise((b,E)=>{let I=new(void 0)({concurrency:r});A.forEach(P=>{I.add(async()=>{await this.mkdir(St.default.join(t,P),"sftp",d)}).catch(E)}),b(I.waitTillIdle())}),await new Promise((b,E)=>{let I=new(void 0)({concurrency:r});_.forEach(P=>{I.add(async()=>{let M=St.default.join(n,P),O=St.default.join(t,P);try{await this.putFile(M,O,d,o),a(M,O,null)}catch(G){x=!0,a(M,O,G)}}).catch(E)}),b(I.waitTillIdle())})}finally{i||d.end()}return!x}async getDirectory(n,t,{concurrency:r=Fa,sftp:i=null,transferOptions:o={},recursive:s=!0,tick:a=pd,validate:u=hd}={}){(0,pe.default)(typeof n=="string"&&n,"localDirectory must be a string"),(0,pe.default)(typeof t=="string"&&t,"remoteDirectory must be a string");let l=await new Promise(b=>{hr.default.stat(n,(E,I)=>{b(I||null)})});(0,pe.default)(l!=null,`localDirectory does not exist at ${n}`),(0,pe.default)(l.isDirectory(),`localDirectory is not a directory at ${n}`);let d=i||await this.requestSFTP(),h=await(0,Ma.default)(t,{recursive:s,validate:u,concurrency:r,fileSystem:{basename(b){return St.default.posix.basename(b)},join(b,E){return St.default.posix.join(b,E)},readdir(b){return new Promise((E,I)=>{d.readdir(b,(P,M)=>{P?I(P):E(M.map(O=>O.filename))})})},stat(b){return new Promise((E,I)=>{d.stat(b,(P,M)=>{P?I(P):E(M)})})}}}),_=h.files.map(b=>St.default.relative(t,b)),A=h.directories.map(b=>St.default.relative(t,b));A.sort((b,E)=>b.length-E.length);let x=!1;try{await new Promise((b,E)=>{let I=new(void 0)({concurrency:r});A.forEach(P=>{I.add(async()=>{await(0,_d.default)(St.default.join(n,P))}).catch(E)}),b(I.waitTillIdle())}),await new Promise((b,E)=>{let I=new(void 0)({concurrency:r});_.forEach(P=>{I.add(async()=>{let M=St.default.join(n,P),O=St.default.join(t,P);try{await this.getFile(M,O,d,o),a(M,O,null)}catch(G){x=!0,a(M,O,G)}}).catch(E)}),b(I.waitTillIdle())})}finally{i||d.end()}return!x}forwardIn(n,t,r){let i=this.getConnection();return new Promise((o,s)=>{i.forwardIn(n,t,(a,u)=>{if(a){s(a);return}let l=c((h,_,A)=>{h.destIP===n&&h.destPort===u&&r?.(h,_,A)},"handler");r&&i.on("tcp connection",l),o({port:u,dispose:c(()=>new Promise((h,_)=>{i.off("tcp connection",l),i.unforwardIn(n,u,A=>{A&&_(a),h()})}),"dispose")})})})}forwardOut(n,t,r,i){let o=this.getConnection();return new Promise((s,a)=>{o.forwardOut(n,t,r,i,(u,l)=>{if(u){a(u);return}s(l)})})}forwardInStreamLocal(n,t){let r=this.getConnection();return new Promise((i,o)=>{r.openssh_forwardInStreamLocal(n,s=>{if(s){o(s);return}let a=c((l,d,h)=>{l.socketPath===n&&t?.(l,d,h)},"handler");t&&r.on("unix connection",a),i({dispose:c(()=>new Promise((l,d)=>{r.off("unix connection",a),r.openssh_unforwardInStreamLocal(n,h=>{h&&d(h),l()})}),"dispose")})})})}forwardOutStreamLocal(n){let t=this.getConnection();return new Promise((r,i)=>{t.openssh_forwardOutStreamLocal(n,(o,s)=>{if(o){i(o);return}r(s)})})}dispose(){this.connection&&(this.connection.end(),this.connection=null)}};var Wt=class extends Error{static{c(this,"ConfigError")}},X0=new Set(["identityfile","certificatefile"]),V0=16;function md(e,n){let t=new Map;for(let r of e)Ad(r,{question:n,found:t,depth:0},!0);return t}c(md,"resolveConfig");function Ad({path:e,text:n},t,r){let{question:i,found:o,depth:s}=t,a=r;for(let[u,l]of n.split(/\r?\n/).entries()){let d=`${e}:${u+1}`,[h,..._]=J0(l,d);if(h===void 0)continue;let A=h.toLowerCase();if(A==="host")a=r&&dn(i.host,_);else if(A==="match")a=r&&tA(_,t,d);else if(a)if(A==="include"){if(s>=V0)throw new Wt(`${d}: Include is nested too deep`);for(let x of _)for(let b of i.include(eA(x,i.home)))Ad(b,{...t,depth:s+1},!0)}else X0.has(A)?o.set(A,[...o.get(A)??[],..._]):o.has(A)||o.set(A,_);else continue}}c(Ad,"readFile");function J0(e,n){let t=e.trim();if(t===""||t.startsWith("#"))return[];let[,r="",i=""]=/^([^\s=]+)(?:\s*=\s*|\s+|$)(.*)$/.exec(t)??[],o=[];for(let s of i.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(#.*)|([^\s"']+)|(["'])/g)){let[,a,u,l,d,h]=s;if(l!==void 0)break;if(h!==void 0)throw new Wt(`${n}: a quote is never closed`);o.push(a?.replace(/\\(["\\])/g,"$1")??u??d??"")}return[r,...o]}c(J0,"splitLine");function eA(e,n){let t=e.replace(/^~(?=\/|$)/,n);return t.startsWith("/")?t:`${n}/.ssh/${t}`}c(eA,"absoluteInclude");function tA(e,{question:n,found:t},r){let i=[...e];for(;i.length>0;){let[,o,s=""]=/^(!?)(.*)$/.exec(i.shift()?.toLowerCase()??"")??[];if(nA(s,i,{question:n,found:t},r)===(o==="!"))return!1}return!0}c(tA,"matchesCriteria");function nA(e,n,{question:t,found:r},i){if(e==="all")return!0;if(e==="canonical"||e==="final")return!1;let o=n.shift()?.split(",")??[];if(e==="originalhost")return dn(t.host,o);if(e==="host")return dn(r.get("hostname")?.[0]?.replaceAll("%h",t.host)??t.host,o);if(e==="user")return dn(t.user??r.get("user")?.[0]??t.localUser,o);if(e==="localuser")return dn(t.localUser,o);throw new Wt(`${i}: Match ${e} is not supported; host, originalhost, user, localuser and all are`)}c(nA,"matchesCriterion");function dn(e,n){let t=!1;for(let r of n){let i=r.startsWith("!");if(rA(i?r.slice(1):r).test(e)){if(i)return!1;t=!0}}return t}c(dn,"matchesPatterns");function rA(e){let n=e.replace(/[.+^${}()|[\]\\]/g,"\\$&").replaceAll("*",".*").replaceAll("?",".");return new RegExp(`^${n}$`,"is")}c(rA,"globOf");var xo=require("node:fs"),yd=require("node:path");function bd(e,n){if(e===void 0)return[`${n}/.ssh/config`,"/etc/ssh/ssh_config"].flatMap(i=>On(i));let t=e.replace(/^~(?=\/|$)/,n),r=On(t);if(r.length>0)return r;throw new ut({what:"Reading the SSH config",why:`there is no readable file ${t} on the runner.`,remedy:"correct ssh-config, or leave it out to use ~/.ssh/config."})}c(bd,"configFiles");function wd(e){return xd(e).flatMap(n=>On(n))}c(wd,"includedFiles");function On(e){try{return[{path:e,text:(0,xo.readFileSync)(e,"utf8")}]}catch{return[]}}c(On,"readIfThere");function xd(e){if(!/[*?]/.test(e))return[e];let n=(0,yd.dirname)(e),t=e.slice(n.length+1);return xd(n).flatMap(r=>{try{return(0,xo.readdirSync)(r).filter(o=>!o.startsWith(".")&&dn(o,[t])).sort().map(o=>`${r}/${o}`)}catch{return[]}})}c(xd,"expand");var Ed=`prelude() {
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin
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
main() {
prelude
set -u
PATH=$PATH:/snap/bin
socket=
case $in_kind in
lxd)
tool=lxc
socket=\${LXD_DIR:-/var/lib/lxd}/unix.socket
[ -e "$socket" ] || socket=/var/snap/lxd/common/lxd/unix.socket
;;
incus)
tool=incus
socket=\${INCUS_DIR:-/var/lib/incus}/unix.socket
;;
docker)
tool=docker
socket=/var/run/docker.sock
;;
*) tool=$in_kind ;;
esac
command -v "$tool" >/dev/null || { refuse "there is no $tool on the host" "install $tool there, or name the kind of container that the host has."; return; }
by_sudo=
if needs_sudo; then
sudo_error=$(sudo -n true 2>&1) || { refuse "$(id -un) may not use $tool, and sudo -n refuses: $sudo_error" "put $(id -un) into the group that may use $tool, or allow it sudo without a password."; return; }
by_sudo='sudo -n --'
fi
enter
}
needs_sudo() {
case $in_sudo in
always) [ "$(id -u)" != 0 ] ;;
never) return 1 ;;
*) [ "$(id -u)" != 0 ] && [ -e "$socket" ] && [ ! -w "$socket" ] ;;
esac
}
enter() {
case $in_kind in
lxd | incus) set -- -T "$in_name" -- ;;
*) set -- -i -u 0 "$in_name" ;;
esac
exec $by_sudo "$tool" exec "$@" /bin/sh -c 'core_limit=$(ulimit -S -c); ulimit -S -c 0; IFS= read -r line && eval "$(printf %b "$line")"'
}
refuse() {
begin
say container_error "$1"
say container_remedy "$2"
end
}
main`;var oA=["lxd","incus","docker","podman"];function Eo(e){let[,n,t]=/^([a-z]+):([A-Za-z0-9][A-Za-z0-9_.-]{0,127})$/.exec(e.trim())??[],r=oA.find(i=>i===n);return r&&t?{kind:r,name:t}:void 0}c(Eo,"parseContainer");function $d({kind:e,name:n},t){return{text:Ed,values:{kind:e,name:n,sudo:t}}}c($d,"enterProgram");function kd(e){let{code:n="",level:t,message:r=""}=e??{};return["ECONNREFUSED","ECONNRESET","ETIMEDOUT","EHOSTUNREACH","ENETUNREACH","EPIPE","EAI_AGAIN"].includes(n)?!0:t==="client-timeout"||/lost before handshake/i.test(r)}c(kd,"isTransient");function Sd(e,n,{offered:t,skipped:r}){let{code:i="",level:o="",message:s}=e,a=`${n.host} port ${n.port}`;return i==="ECONNREFUSED"?{why:`${a} refused the connection.`,remedy:"is sshd running there, and on that port?"}:i==="ENOTFOUND"||i==="EAI_AGAIN"?{why:`the name ${n.host} can't be resolved.`,remedy:"correct host, or add it to the SSH config or DNS of the runner."}:i==="EHOSTUNREACH"||i==="ENETUNREACH"?{why:`there is no route to ${a}.`,remedy:"check the address and the network of the runner."}:i==="ETIMEDOUT"||o==="client-timeout"?{why:`${a} did not answer within ${n.connectTimeoutSeconds} s.`,remedy:"check the address, the firewall, and whether the host is up; a slow one needs connect-timeout-seconds."}:i==="ECONNRESET"||/lost before handshake/i.test(s)?{why:`${a} closed the connection before the login.`,remedy:"is the server full (MaxStartups), or is this address banned there (fail2ban, PerSourcePenalties)?"}:o==="client-authentication"?sA(n,{offered:t,skipped:r}):/no matching/i.test(s)?{why:`no algorithm in common: ${s}.`,remedy:"update the SSH server there; outdated algorithms are not used."}:/protocol|handshake|ident|version/i.test(s)||o==="protocol"?{why:`${a} does not speak SSH as expected: ${s}.`,remedy:"is an SSH server on that port?"}:{why:`${s}.`,remedy:"check the address, the port and the SSH server there."}}c(Sd,"whyNotConnected");function sA({user:e},{offered:n,skipped:t}){let r=n.filter(a=>a.startsWith("(server: ")).at(-1),i=n.filter(a=>!a.startsWith("(server: ")),o=r?.slice(9,-1)??"",s=t.length>0?` Not offered: ${t.join("; ")}.`:"";return i.length===0&&!o?{why:`there is no key to log in with.${s}`,remedy:"set ssh-key, or put a key where the SSH config or agent of the runner has it."}:o&&!o.split(", ").includes("publickey")?{why:`the server accepts no keys for ${e}, only ${o}.`,remedy:"allow PubkeyAuthentication there."}:i.length===0?{why:`there is no key to log in with.${s}`,remedy:"set ssh-key, or put a key where the SSH config or agent of the runner has it."}:{why:`the server accepts none of the keys offered for ${e}: ${i.join(", ")}.${s}`,remedy:`add the public key to ~/.ssh/authorized_keys of ${e} there, or correct user and ssh-key.`}}c(sA,"loginRefused");var ko=require("node:fs"),Nd=require("node:path");var pr=require("node:crypto");function Id(e){return e.split(`
`).flatMap(n=>{let t=n.trim().split(/\s+/),r=t[0]?.startsWith("@")?t.shift():"",[i,o,s]=t;return!i||i.startsWith("#")||!o||!s?[]:[{marker:r,patterns:i.split(","),type:o,key:Buffer.from(s,"base64")}]})}c(Id,"parseKnownHosts");function vd(e,n,t){let r=$o(t);if(e.some(s=>s.marker==="@revoked"&&s.key.equals(t)&&ai(s,n)))return"revoked";let i=e.filter(({marker:s})=>s==="");if(i.some(s=>s.key.equals(t)&&ai(s,n)))return"known";let o=i.filter(s=>ai(s,n.slice(0,1)));return o.some(s=>s.type===r)?"changed":o.length>0?"other type known":"unknown"}c(vd,"judgeHostKey");function Cd(e,n){let t=e.filter(r=>r.marker===""&&ai(r,n)).map(({type:r})=>r);return[...new Set(t)]}c(Cd,"knownTypes");function Bd(e,n){return e.some(t=>t.marker==="@cert-authority"&&ai(t,n))}c(Bd,"onlyByAuthority");function Rd(e,n,t){if(t)return[t];let r=e.toLowerCase();return n===22?[r]:[`[${r}]:${n}`,r]}c(Rd,"lookupNames");function Pd(e,n){return`${e} ${$o(n)} ${n.toString("base64")}`}c(Pd,"knownHostsLine");function Wa(e){return`SHA256:${(0,pr.createHash)("sha256").update(e).digest("base64").replace(/=+$/,"")}`}c(Wa,"fingerprint");function $o(e){return e.subarray(4,4+(e.length>=4?e.readUInt32BE(0):0)).toString("latin1")}c($o,"hostKeyType");function ai(e,n){return n.some(t=>{let[r=""]=e.patterns;return r.startsWith("|1|")?cA(r,t):dn(t,e.patterns.map(aA))})}c(ai,"matchesAny");function aA(e){return e.toLowerCase()}c(aA,"escapePort");function cA(e,n){let[,,t="",r=""]=e.split("|"),i=Buffer.from(r,"base64"),o=(0,pr.createHmac)("sha1",Buffer.from(t,"base64")).update(n).digest();return i.length===o.length&&(0,pr.timingSafeEqual)(i,o)}c(cA,"isHashOf");var Td={"ssh-ed25519":["ssh-ed25519"],"ecdsa-sha2-nistp256":["ecdsa-sha2-nistp256"],"ecdsa-sha2-nistp384":["ecdsa-sha2-nistp384"],"ecdsa-sha2-nistp521":["ecdsa-sha2-nistp521"],"ssh-rsa":["rsa-sha2-512","rsa-sha2-256"]};function Od(e,{checking:n,given:t,log:r}){let i=t??e.knownHostsFiles.flatMap(h=>On(h)).map(h=>h.text).join(`
`),o=Id(i),s=Rd(e.host,e.port,e.hostKeyAlias),a=Cd(o,s),u=a.flatMap(h=>Td[h]??[]),l=Object.values(Td).flat(),d;return{algorithms:[...new Set([...u,...l])],refusal:c(()=>d,"refusal"),accepts:c(h=>{let _=vd(o,s,h);if(_==="known")return!0;if(n==="insecure")return r.warning(`The host key of ${e.name} was not checked (host-key-checking: insecure): ${Wa(h)}`),!0;let A=Pd(s[0]??e.host,h);return n==="accept-new"&&_==="unknown"?(r.warning(`New host key of ${e.name} accepted (host-key-checking: accept-new): ${A}`),t===void 0&&uA(e.knownHostsFiles[0],A),!0):(d=fA(e,{verdict:_,key:h,line:A,types:a,authority:Bd(o,s)}),!1)},"accepts")}}c(Od,"hostKeyJudge");function uA(e,n){if(e!==void 0)try{(0,ko.mkdirSync)((0,Nd.dirname)(e),{recursive:!0,mode:448}),(0,ko.appendFileSync)(e,`${n}
`,{mode:384})}catch{}}c(uA,"remember");function fA(e,{verdict:n,key:t,line:r,types:i,authority:o}){let s=`${$o(t)} ${Wa(t)}`,a={revoked:`its host key is marked as revoked: ${s}.`,changed:`its host key has changed: it offers ${s}, which is not the one known for it.`,"other type known":`it is known by ${i.join(", ")}, but offers ${s}.`,unknown:o?`its host key is known only through a certificate authority (@cert-authority), which is not supported; it offers ${s}.`:`its host key is unknown: it offers ${s}.`,known:""}[n],u={revoked:"find out which host answers there, and why its key was revoked.",changed:`find out why before you trust it (new machine, or somebody in between). If it is right, replace its known_hosts line by:
${r}`,"other type known":`if that is the right host, add this line to known-hosts:
${r}`,unknown:`compare the fingerprint with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there), then add this line to known-hosts:
${r}`,known:""}[n];return new ut({what:"Connecting",where:e.name,why:a,remedy:u})}c(fA,"refusal");var Ld=require("node:crypto"),Ud=_t(za(),1);var lA=["id_ed25519","id_ecdsa","id_rsa"];function Dd({sshKey:e,passphrase:n},t,r){if(e!==void 0)return{identities:[dA(e,n)],skipped:[]};let i=[],o=c(l=>l.flatMap(d=>{let[h]=On(d);if(!h)return[];let _=Hd(h.text,n);return typeof _!="string"?[{kind:"key",label:d,key:_}]:(i.push(`${d}: ${_}`),[])}),"fromFiles"),s=o(t.identityFiles),a=t.agent&&!t.identitiesOnly?[{kind:"agent",label:`agent ${t.agent}`,socket:t.agent}]:[],u=t.identityFiles.length>0?[]:o(lA.map(l=>`${r}/.ssh/${l}`));return{identities:[...s,...a,...u],skipped:i}}c(Dd,"identitiesOf");function dA(e,n){let t=Hd(e,n);if(typeof t!="string")return{kind:"key",label:"ssh-key",key:t};throw new ut({what:"Reading ssh-key",why:`${t}.`,remedy:"store the whole private key, with its first and last line, as the secret; and its passphrase in ssh-key-passphrase."})}c(dA,"givenKey");function Hd(e,n){let t=`${e.replaceAll("\r","").split(`
`).map(o=>o.trim()).join(`
`).trim()}
`;if(t.startsWith("PuTTY-User-Key-File"))return"it is a PuTTY key: export it as an OpenSSH key first";let r=Ud.default.utils.parseKey(hA(t,n),n),i=Array.isArray(r)?r[0]:r;return i===void 0?"it holds no key":i instanceof Error?pA(i.message,n):i.isPrivateKey()?i:"it is a public key; the private one is needed"}c(Hd,"parseKey");function hA(e,n){if(!/^-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/.test(e))return e;try{let t=(0,Ld.createPrivateKey)({key:e,...n===void 0?{}:{passphrase:n}});if(t.asymmetricKeyType==="rsa")return t.export({type:"pkcs1",format:"pem"}).toString();if(t.asymmetricKeyType==="ec")return t.export({type:"sec1",format:"pem"}).toString()}catch{}return e}c(hA,"fromPkcs8");function pA(e,n){return/no passphrase given/i.test(e)?"it is encrypted, and no passphrase is given (ssh-key-passphrase)":/integrity|bad passphrase|bad decrypt|decrypt/i.test(e)&&n!==void 0?"its passphrase is wrong":/unsupported key format/i.test(e)?"it is no private key in a known format (OpenSSH, PEM)":`it can't be read: ${e}`}c(pA,"unusable");function Ga(e){let n=Object.values(e).filter(r=>typeof r=="number");return Object.entries(e).filter(([r,i])=>n.indexOf(+r)===-1).map(([r,i])=>i)}c(Ga,"getEnumValues");function zd(e,n){return typeof n=="bigint"?n.toString():n}c(zd,"jsonStringifyReplacer");var ja=class{static{c(this,"Cached")}constructor(n){this._getter=n,this._value=void 0}get value(){let n=this._getter;return n!==void 0&&(this._value=n(),this._getter=void 0),this._value}};function Fd(e){return new ja(e)}c(Fd,"cached");function Qd(e){let n=e.startsWith("^")?1:0,t=e.endsWith("$")?e.length-1:e.length;return e.slice(n,t)}c(Qd,"cleanRegex");function Md(e,n,t){Object.defineProperty(e,n,{value:t,writable:!0,enumerable:!0,configurable:!0})}c(Md,"assignProp");var qa="captureStackTrace"in Error?Error.captureStackTrace:(...e)=>{};function So(e){return typeof e=="object"&&e!==null&&!Array.isArray(e)}c(So,"isObject");function Kd(e){if(So(e)===!1)return!1;let n=e.constructor;if(n===void 0||typeof n!="function")return!0;let t=n.prototype;return!(So(t)===!1||Object.prototype.hasOwnProperty.call(t,"isPrototypeOf")===!1)}c(Kd,"isPlainObject");function Ya(e){return Kd(e)?{...e}:Array.isArray(e)?[...e]:e instanceof Map?new Map(e):e instanceof Set?new Set(e):e}c(Ya,"shallowClone");var Wd=new Set(["string","number","symbol"]);function Zd(e){return e.replace(/[.*+?^${}()|[\]\\]/g,"\\$&")}c(Zd,"escapeRegex");function Io(e,n,t){let r=new e._zod.constr(n??e._zod.def);return(!n||t?.parent)&&(r._zod.parent=e),r}c(Io,"clone");function Un(e){let n=e;if(!n)return{};if(typeof n=="string")return{error:c(()=>n,"error")};if(n?.message!==void 0){if(n?.error!==void 0)throw new Error("Cannot specify both `message` and `error` params");n.error=n.message}return delete n.message,typeof n.error=="string"?{...n,error:c(()=>n.error,"error")}:n}c(Un,"normalizeParams");function jd(e){return Object.keys(e).filter(n=>e[n]._zod.optin!==void 0&&e[n]._zod.optout==="optional")}c(jd,"optionalKeys");function Dn(e,n=0){if(e.aborted===!0)return!0;for(let t=n;t<e.issues.length;t++)if(e.issues[t]?.continue!==!0)return!0;return!1}c(Dn,"aborted");function Gd(e,n=0){if(e.aborted===!0)return!0;for(let t=n;t<e.issues.length;t++)if(e.issues[t]?.continue===!1)return!0;return!1}c(Gd,"explicitlyAborted");function qd(e,n){return n.map(t=>{var r;return(r=t).path??(r.path=[]),t.path.unshift(e),t})}c(qd,"prefixIssues");function ci(e){return typeof e=="string"?e:e?.message}c(ci,"unwrapMessage");function Xa(e,n,t){var r;for(let i=n;i<e.length;i++)(r=e[i]).schema??(r.schema=t)}c(Xa,"attachSchema");function _r(e,n,t){var r;let i=e.inst?._zod?.traits;i?.has("$ZodType")&&(i.has("$ZodCheck")?(r=e).schema??(r.schema=e.inst):e.schema=e.inst);let o=e.schema!==e.inst?e.schema?._zod.def?.error:void 0,s=e.message?e.message:ci(e.inst?._zod.def?.error?.(e))??ci(o?.(e))??ci(n?.error?.(e))??ci(t.customError?.(e))??ci(t.localeError?.(e))??"Invalid input",a={};for(let u of Object.keys(e))u==="inst"||u==="schema"||u==="continue"||u==="input"||u==="__proto__"||(a[u]=e[u]);return a.path??(a.path=[]),a.message=s,n?.reportInput&&(a.input=e.input),a}c(_r,"finalizeIssue");function Va(...e){let[n,t,r]=e;return typeof n=="string"?{message:n,code:"custom",input:t,inst:r}:{...n}}c(Va,"issue");function Yd(e,n){for(let t in n){let r=Object.getOwnPropertyDescriptor(n,t);r.get?Object.defineProperty(e,t,{...r,enumerable:!1}):_A(e,t,r.value)}}c(Yd,"members");function Ln(e,n,t,r=!0){return Object.defineProperty(e,n,{configurable:!0,writable:!0,enumerable:r,value:t}),t}c(Ln,"own");function Xd(e,n,t){return Ln(e,n,t,!1)}c(Xd,"hide");function _A(e,n,t){Object.defineProperty(e,n,{configurable:!0,get(){return this==null?t:Ln(this,n,t.bind(this))},set(r){Ln(this,n,r)}})}c(_A,"defineBound");function gA(e,n){let t=Object.getPrototypeOf(e);return n in t?void 0:t}c(gA,"claim");var Za,wn=!1,mA={configurable:!0,get(){wn=!0}};function Zt(e,n,t){let r=Object.getPrototypeOf(e._zod);if(n in r&&Za!==e._zod){Za=void 0;return}Za=e._zod,Object.defineProperty(r,n,{configurable:!0,get(){Object.defineProperty(this,n,mA);let i=wn;wn=!1;try{let o=t(this);return wn?delete this[n]:Object.defineProperty(this,n,{configurable:!0,writable:!0,value:o}),wn=wn||i,o}catch(o){throw delete this[n],wn=wn||i,o}},set(i){Object.defineProperty(this,n,{configurable:!0,writable:!0,value:i})}})}c(Zt,"defineLazyInternal");function Vd(e,n,t,r){let i=gA(e,n);i&&Object.defineProperty(i,n,{configurable:!0,get(){let o={configurable:!0,writable:!0,enumerable:r,value:void 0};return Object.defineProperty(this,n,o),o.value=t(this),Object.defineProperty(this,n,o),o.value},set(o){Object.defineProperty(this,n,{configurable:!0,writable:!0,enumerable:r,value:o})}})}c(Vd,"installLazyProp");var Jd;var Ja={value:void 0,enumerable:!1},eh="captureStackTrace"in Error?Error:null;function AA(e){let n=eh;if(n){let t=n.stackTraceLimit;if(typeof t=="number"){try{n.stackTraceLimit=0}catch{return eh=null,new e}try{return new e}finally{n.stackTraceLimit=t}}}return new e}c(AA,"newError");function Xe(e,n,t,r){let i={};function o(_){this.def=_,this.constr=h,this.traits=new Set}c(o,"Internals"),o.prototype=i;let s=t,a=s&&new WeakSet;function u(_,A){if(_._zod){if(_._zod.traits.has(e))return}else{Ja.value=new o(A);try{Object.defineProperty(_,"_zod",Ja)}finally{Ja.value=void 0}}if(_._zod.traits.add(e),n(_,A),a){let b=Object.getPrototypeOf(_),E=_._zod.constr.prototype,I=b;for(;I&&I!==E;)I=Object.getPrototypeOf(I);let P=I??b;a.has(P)||(a.add(P),Yd(P,s))}let x=h.prototype;for(let b in x)Object.prototype.hasOwnProperty.call(x,b)&&(b in _||(_[b]=x[b].bind(_)))}c(u,"init");let l=r?.Parent??Object;class d extends l{static{c(this,"Definition")}}Object.defineProperty(d,"name",{value:e});function h(_){let A=r?.Parent?AA(d):this;u(A,_);let x=A._zod.deferred;if(x){for(let E of x)E();A._zod.deferred=void 0}let b=globalThis.__zod_globalConfig?.postProcessor;return b&&b(A),A}return c(h,"_"),Object.defineProperty(h,"init",{value:u}),Object.defineProperty(h,Symbol.hasInstance,{value:c(_=>r?.Parent&&_ instanceof r.Parent?!0:_?._zod?.traits?.has(e),"value")}),Object.defineProperty(h,"name",{value:e}),h}c(Xe,"$constructor");var Vt=class extends Error{static{c(this,"$ZodAsyncError")}constructor(){super("Encountered Promise during synchronous parse. Use .parseAsync() instead.")}},vo=class extends Error{static{c(this,"$ZodEncodeError")}constructor(n){super(`Encountered unidirectional transform during encode: ${n}`),this.name="ZodEncodeError"}};(Jd=globalThis).__zod_globalConfig??(Jd.__zod_globalConfig={});var ui=globalThis.__zod_globalConfig;function mr(e){return e&&Object.assign(ui,e),ui}c(mr,"config");function yA(){let e=this._zod;return e.message??(e.message=JSON.stringify(e.def,zd,2)),e.message}c(yA,"_getMessage");function bA(e){this._zod.message=e}c(bA,"_setMessage");var wA={get:yA,set:bA,enumerable:!0,configurable:!0},tc={value:void 0,enumerable:!1},th=new WeakSet([Object.prototype,Error.prototype]),nh=c((e,n)=>{e.name="$ZodError",tc.value=n,Object.defineProperty(e,"issues",tc),tc.value=void 0,Object.defineProperty(e,"message",wA);let t=Object.getPrototypeOf(e);th.has(t)||(th.add(t),Object.defineProperty(t,"toString",{configurable:!0,enumerable:!1,get(){let r=c(()=>this.message,"value");return Object.defineProperty(this,"toString",{value:r,configurable:!0,writable:!0}),r},set(r){Object.defineProperty(this,"toString",{value:r,configurable:!0,writable:!0})}}))},"initializer"),w$=Xe("$ZodError",nh),fi=Xe("$ZodError",nh,void 0,{Parent:Error});var EA=c(e=>{let n=c((t,r,i,o)=>{let s=i?{...i,async:!1}:{async:!1},a=t._zod.run({value:r,issues:[]},s);if(a instanceof Promise)throw new Vt;if(a.issues.length){let u=new(o?.Err??e)(a.issues.map(l=>_r(l,s,mr())));throw qa(u,o?.callee??n),u}return a.value},"fn");return n},"_parse"),nc=EA(fi),$A=c(e=>{let n=c(async(t,r,i,o)=>{let s=i?{...i,async:!0}:{async:!0},a=t._zod.run({value:r,issues:[]},s);if(a instanceof Promise&&(a=await a),a.issues.length){let u=new(o?.Err??e)(a.issues.map(l=>_r(l,s,mr())));throw qa(u,o?.callee??n),u}return a.value},"fn");return n},"_parseAsync"),rc=$A(fi),kA=c(e=>(n,t,r)=>{let i=r?{...r,async:!1}:{async:!1},o=n._zod.run({value:t,issues:[]},i);if(o instanceof Promise)throw new Vt;return o.issues.length?rh(e,o.issues,i):{success:!0,data:o.value}},"_safeParse"),ic=kA(fi);function rh(e,n,t){let r;return{success:!1,get error(){return r||(r=new e(n.map(i=>_r(i,t,mr()))),n=void 0,t=void 0),r},set error(i){r=i,n=void 0,t=void 0}}}c(rh,"failure");var SA=c(e=>async(n,t,r)=>{let i=r?{...r,async:!0}:{async:!0},o=n._zod.run({value:t,issues:[]},i);return o instanceof Promise&&(o=await o),o.issues.length?rh(e,o.issues,i):{success:!0,data:o.value}},"_safeParseAsync"),oc=SA(fi);var ih=/^[\s\S]{0,}$/;var li=Xe("$ZodCheck",(e,n)=>{var t;e._zod??(e._zod={}),e._zod.def=n,(t=e._zod).onattach??(t.onattach=[])});var sh=Xe("$ZodCheckStringFormat",(e,n)=>{var t,r;li.init(e,n),n.pattern?(t=e._zod).check??(t.check=i=>{n.pattern.lastIndex=0,!n.pattern.test(i.value)&&i.issues.push({origin:"string",code:"invalid_format",format:n.format,input:i.value,...n.pattern?{pattern:n.pattern.toString()}:{},inst:e,continue:!n.abort})}):(r=e._zod).check??(r.check=()=>{})}),ah=Xe("$ZodCheckRegex",(e,n)=>{sh.init(e,n),e._zod.check=t=>{n.pattern.lastIndex=0,!n.pattern.test(t.value)&&t.issues.push({origin:"string",code:"invalid_format",format:"regex",input:t.value,pattern:n.pattern.toString(),inst:e,continue:!n.abort})}});var uh={major:4,minor:6,patch:7};var Jt=Xe("$ZodType",(e,n)=>{var t;e??(e={}),e._zod.def=n,e._zod.bag=e._zod.bag||{},e._zod.version=uh;let r=e._zod.def.checks,i=e._zod.traits.has("$ZodCheck")?[e,...r??[]]:r?.length?[...r]:[];for(let o of i)for(let s of o._zod.onattach)s(e);if(i.length===0)(t=e._zod).deferred??(t.deferred=[]),e._zod.deferred?.push(()=>{e._zod.run=e._zod.parse});else{let o=c((a,u,l)=>{if(a.memo)return a;let d=Dn(a),h;for(let _ of u){if(_._zod.def.when){if(Gd(a)||!_._zod.def.when(a))continue}else if(d)continue;let A=a.issues.length,x=_._zod.check(a);if(x instanceof Promise&&l?.async===!1)throw new Vt;if(h||x instanceof Promise)h=(h??Promise.resolve()).then(async()=>{await x,a.issues.length!==A&&(Xa(a.issues,A,e),d||(d=Dn(a,A)))});else{if(a.issues.length===A)continue;Xa(a.issues,A,e),d||(d=Dn(a,A))}}return h?h.then(()=>a):a},"runChecks"),s=c((a,u,l)=>{if(Dn(a))return a.aborted=!0,a;let d=o(u,i,l);if(d instanceof Promise){if(l.async===!1)throw new Vt;return d.then(h=>e._zod.parse(h,l))}return e._zod.parse(d,l)},"handleCanaryResult");e._zod.run=(a,u)=>{if(u.skipChecks)return e._zod.parse(a,u);if(u.direction==="backward"){let d=e._zod.parse({value:a.value,issues:[]},{...u,skipChecks:!0});return d instanceof Promise?d.then(h=>s(h,a,u)):s(d,a,u)}let l=e._zod.parse(a,u);if(l instanceof Promise){if(u.async===!1)throw new Vt;return l.then(d=>o(d,i,u))}return o(l,i,u)}}},{get"~standard"(){return Xd(this,"~standard",vA(this))},set"~standard"(e){Ln(this,"~standard",e)}}),hh=c((e,n)=>e.issues.length?{issues:e.issues.map(t=>_r(t,n,mr()))}:{value:e.value},"toStandardResult");async function IA(e,n){let t={async:!0};return hh(await e._zod.run({value:n,issues:[]},t),t)}c(IA,"validateAsync");function vA(e){return{validate:c(n=>{let t={async:!1};try{let r=e._zod.run({value:n,issues:[]},t);if(!(r instanceof Promise))return hh(r,t)}catch{}return IA(e,n)},"validate"),vendor:"zod",version:1}}c(vA,"standardProps");var ph=Xe("$ZodString",(e,n)=>{Jt.init(e,n),e._zod.pattern=n.pattern??ih,e._zod.parse=(t,r)=>{if(n.coerce)try{t.value=String(t.value)}catch{}return typeof t.value=="string"||t.issues.push({expected:"string",code:"invalid_type",input:t.value,inst:e}),t}});function Bo(e,n,t,r,i,o){let s=t in r,a=o==="optional";if(!(!s&&a&&i==="optional")){if(e.issues.length){if(i!==void 0&&a&&!s)return;n.issues.push(...qd(t,e.issues))}if(!s&&i===void 0){e.issues.length||n.issues.push({code:"invalid_type",expected:"nonoptional",input:void 0,path:[t]});return}e.value===void 0?(s||i==="defaulted"&&!a)&&(n.value[t]=void 0):n.value[t]=e.value}}c(Bo,"handlePropertyResult");var CA=[];function BA(e){let n=Object.keys(e.shape),t=Object.getOwnPropertySymbols(e.shape),r=t.length?t:CA,i=r.length?[...n,...r]:n;for(let s of i)if(!e.shape?.[s]?._zod?.traits?.has("$ZodType"))throw new Error(`Invalid element at key "${String(s)}": expected a Zod schema`);let o=jd(e.shape);return{...e,allKeys:i,symbolKeys:r,keySet:new Set(n),numKeys:n.length,optionalKeys:new Set(o)}}c(BA,"normalizeDef");function RA(e,n,t,r,i,o,s){let a=[],u=i.keySet,l=i.catchall._zod,d=l.def.type,h=l.optin,_=l.optout,A=0;for(let x in n){if(s&&t.issues.length!==A){if(Dn(t,A))break;A=t.issues.length}if(u.has(x))continue;if(x==="__proto__"){d==="never"&&a.push(x);continue}if(d==="never"){a.push(x);continue}let b=l.run({value:n[x],issues:[]},r);b instanceof Promise?e.push(b.then(E=>Bo(E,t,x,n,h,_))):Bo(b,t,x,n,h,_)}return a.length&&t.issues.push({code:"unrecognized_keys",keys:a,input:n,inst:o,continue:!0}),e.length?Promise.all(e).then(()=>t):t}c(RA,"handleCatchall");var _h=Xe("$ZodObject",(e,n)=>{Jt.init(e,n);let t=Object.getOwnPropertyDescriptor(n,"shape"),r=t?.get?t.get.raw:n.shape??{};if(r){let l=c(()=>{let d={...r};return Object.defineProperty(n,"shape",{value:d}),l.raw=d,d},"get");l.raw=r,Object.defineProperty(n,"shape",{get:l})}let i=Fd(()=>BA(n));Zt(e,"propValues",l=>{let d=l.def.shape,h={};for(let _ in d){let A=d[_]._zod;if(A.values){Object.prototype.hasOwnProperty.call(h,_)||Md(h,_,new Set);for(let x of A.values)h[_].add(x);A.optin!==void 0&&h[_].add(void 0)}}return h});let o=So,s=n.catchall,a,u=ui.memoizer;u?.attach(e),e._zod.parse=(l,d)=>{a??(a=i.value);let h=l.value;if(!o(h))return l.issues.push({expected:"object",code:"invalid_type",input:h,inst:e}),l;l.value=u?u.alloc(e,l,{},d):{};let _=[],A=a.shape,x=d?.abortEarly,b=l.issues.length;for(let E of a.allKeys){if(x&&l.issues.length!==b){if(Dn(l,b))break;b=l.issues.length}if(E==="__proto__")continue;let I=A[E],P=I._zod.optin,M=I._zod.optout,O=I._zod.run({value:h[E],issues:[]},d);O instanceof Promise?_.push(O.then(G=>Bo(G,l,E,h,P,M))):Bo(O,l,E,h,P,M)}return s?RA(_,h,l,d,i.value,e,x===!0):_.length?Promise.all(_).then(()=>l):l}});var gh=Xe("$ZodEnum",(e,n)=>{Jt.init(e,n);let t=Ga(n.entries),r=new Set(t);e._zod.values=r,Zt(e,"pattern",i=>{let o=Ga(i.def.entries).filter(s=>Wd.has(typeof s));return new RegExp(o.length?`^(${o.map(s=>Zd(s.toString())).join("|")})$`:"^[^\\s\\S]$")}),e._zod.parse=(i,o)=>{let s=i.value;return r.has(s)||i.issues.push({code:"invalid_value",values:t,input:s,inst:e}),i}});var mh=Xe("$ZodTransform",(e,n)=>{Jt.init(e,n),e._zod.optin="optional",ui.memoizer?.guard(e),e._zod.parse=(t,r)=>{if(r.direction==="backward")throw new vo(e.constructor.name);let i=n.transform(t.value,t);if(r.async)return(i instanceof Promise?i:Promise.resolve(i)).then(s=>(t.value=s,t));if(i instanceof Promise)throw new Vt;return t.value=i,t}});function fh(e,n){return e.value=n.issues.length?void 0:n.value,e}c(fh,"handleOptionalResult");var Ah=Xe("$ZodOptional",(e,n)=>{Jt.init(e,n),Zt(e,"optin",t=>t.def.innerType._zod.optin==="defaulted"?"defaulted":"optional"),e._zod.optout="optional",Zt(e,"values",t=>{let r=t.def.innerType._zod.values;return r?new Set([...r,void 0]):void 0}),Zt(e,"pattern",t=>{let r=t.def.innerType._zod.pattern;return r?new RegExp(`^(${Qd(r.source)})?$`):void 0}),e._zod.parse=(t,r)=>{if(t.value===void 0){if(n.innerType._zod.optin!=="defaulted")return t;let i=n.innerType._zod.run({value:t.value,issues:[]},r);return i instanceof Promise?i.then(o=>fh(t,o)):fh(t,i)}return n.innerType._zod.run(t,r)}});var yh=Xe("$ZodDefault",(e,n)=>{Jt.init(e,n),e._zod.optin="defaulted",Zt(e,"values",t=>t.def.innerType._zod.values),e._zod.parse=(t,r)=>{if(r.direction==="backward")return n.innerType._zod.run(t,r);if(t.value===void 0)return t.value=n.defaultValue,t;let i=n.innerType._zod.run(t,r);return i instanceof Promise?i.then(o=>lh(o,n)):lh(i,n)}});function lh(e,n){return e.value===void 0&&(e.value=n.defaultValue),e}c(lh,"handleDefaultResult");var bh=Xe("$ZodPipe",(e,n)=>{Jt.init(e,n),Zt(e,"values",t=>t.def.in._zod.values),Zt(e,"optin",t=>t.def.in._zod.optin),Zt(e,"optout",t=>t.def.out._zod.optout),Zt(e,"propValues",t=>t.def.in._zod.propValues),e._zod.parse=(t,r)=>{if(r.direction==="backward"){let o=n.out._zod.run(t,r);return o instanceof Promise?o.then(s=>Co(s,n.in,r)):Co(o,n.in,r)}let i=n.in._zod.run(t,r);return i instanceof Promise?i.then(o=>Co(o,n.out,r)):Co(i,n.out,r)}});function Co(e,n,t){return e.issues.some(r=>r.code!=="unrecognized_keys")?(e.aborted=!0,e):n._zod.run({value:e.value,issues:e.issues},t)}c(Co,"handlePipeResult");var wh=Xe("$ZodCustom",(e,n)=>{li.init(e,n),Jt.init(e,n),e._zod.parse=(t,r)=>t,e._zod.check=t=>{let r=t.value,i=n.fn(r);if(i instanceof Promise)return i.then(o=>dh(o,t,r,e));dh(i,t,r,e)}});function dh(e,n,t,r){if(!e){let i={code:"custom",input:t,inst:r,path:[...r._zod.def.path??[]],continue:!r._zod.def.abort};r._zod.def.params&&(i.params=r._zod.def.params),n.issues.push(Va(i))}}c(dh,"handleRefineResult");function PA(e){return e.checks&&(e.checks=[...e.checks]),e}c(PA,"snapshotChecks");function xh(e,n){return new e(PA({type:"string",...Un(n)}))}c(xh,"_string");function sc(e,n){return new ah({check:"string_format",format:"regex",...Un(n),pattern:e})}c(sc,"_regex");function Eh(e,n,t){return new e({type:"custom",check:"custom",fn:n,...Un(t)})}c(Eh,"_refine");var xn=Xe("ZodMiniType",(e,n)=>{if(!e._zod)throw new Error("Uninitialized schema in ZodMiniType.");Jt.init(e,n),e.def=n,e.type=n.type},{get with(){return this.check},set with(e){Ln(this,"with",e)},parse(e,n){return nc(this,e,n,{callee:this.parse})},parseAsync(e,n){return rc(this,e,n,{callee:this.parseAsync})},safeParse(e,n){return ic(this,e,n)},safeParseAsync(e,n){return oc(this,e,n)},check(...e){let n=this.def;return this.clone({...n,checks:[...n.checks??[],...e.map(t=>typeof t=="function"?{_zod:{check:t,def:{check:"custom"},onattach:[]}}:t)]},{parent:!0})},clone(e,n){return Io(this,e,n)},brand(){return this},register(e,n){return e.add(this,n),this},apply(e,...n){return n.length===0?e(this):e(this,...n)}}),NA=Xe("ZodMiniString",(e,n)=>{ph.init(e,n),xn.init(e,n)});function hn(e){return xh(NA,e)}c(hn,"string");var OA=Xe("ZodMiniObject",(e,n)=>{_h.init(e,n),xn.init(e,n),Vd(e,"shape",t=>t._zod.def.shape,!1)});function Ro(e,n){let t={type:"object",shape:e??{},...Un(n)};return new OA(t)}c(Ro,"object");var LA=Xe("ZodMiniEnum",(e,n)=>{gh.init(e,n),xn.init(e,n),e.options=[...e._zod.values]});function Po(e,n){let t=Array.isArray(e)?Object.fromEntries(e.map(r=>[r,r])):e;return new LA({type:"enum",entries:t,...Un(n)})}c(Po,"_enum");var UA=Xe("ZodMiniTransform",(e,n)=>{mh.init(e,n),xn.init(e,n)});function Ar(e){return new UA({type:"transform",transform:e})}c(Ar,"transform");var DA=Xe("ZodMiniOptional",(e,n)=>{Ah.init(e,n),xn.init(e,n)});function bt(e){return new DA({type:"optional",innerType:e})}c(bt,"optional");var HA=Xe("ZodMiniDefault",(e,n)=>{yh.init(e,n),xn.init(e,n)});function en(e,n){return new HA({type:"default",innerType:e,get defaultValue(){return typeof n=="function"?n():Ya(n)}})}c(en,"_default");var zA=Xe("ZodMiniPipe",(e,n)=>{bh.init(e,n),xn.init(e,n)});function yr(e,n){return new zA({type:"pipe",in:e,out:n})}c(yr,"pipe");var FA=Xe("ZodMiniCustom",(e,n)=>{wh.init(e,n),xn.init(e,n)});function br(e,n={}){return Eh(FA,e,n)}c(br,"refine");var zt=c(()=>bt(hn()),"optional");function It(e,n){let t=e instanceof RegExp?r=>e.test(r):e;return hn().check(br(t,{error:c(({input:r})=>`expected ${n}, got '${r}'`,"error")}))}c(It,"matching");function wr(e,n){return bt(uc(e,n,!0))}c(wr,"wholeNumber");function xr(e,n,t){return en(uc(n,t,!0),e)}c(xr,"wholeNumberOr");function kh(e,n,t){return en(uc(n,t,!1),e)}c(kh,"secondsOr");function Er(e){return en(yr(hn().check(br(n=>/^(true|false)$/i.test(n),{error:c(({input:n})=>`expected true or false, got '${n}'`,"error")})),Ar(n=>n.toLowerCase()==="true")),e)}c(Er,"flagOr");function $r(e){return en(Po(e,{error:c(({input:n})=>`expected ${e.join(", ")}, got '${n}'`,"error")}),e[0])}c($r,"choice");function ac(){return en(yr(hn(),Ar(e=>cc(e))),[])}c(ac,"lines");function cc(e){return e.split(`
`).map(n=>n.trim()).filter(n=>n!=="")}c(cc,"splitLines");function uc(e,n,t){let r=t?"a whole number":"a number";return yr(hn().check(br(i=>(t?/^\d{1,15}$/:/^\d{1,12}(\.\d{1,6})?$/).test(i)&&+i>=e&&+i<=n,{error:c(({input:i})=>`expected ${r} from ${e} to ${n}, got '${i}'`,"error")})),Ar(i=>Number(i)))}c(uc,"numberText");var lc={host:hn().check(br(e=>fc(e).length>0&&fc(e).every(n=>dc(n)!==void 0),{error:c(({input:e})=>`expected a host, user@host, user@host:port or alias per line, got '${e}'`,"error")})),user:bt(hn().check(sc(/^[^\s:@]+$/,"expected the name of an account"))),port:wr(1,65535),"ssh-key":zt(),"ssh-key-passphrase":zt(),"known-hosts":zt(),"host-key-checking":bt(Po(["strict","accept-new","insecure"],{error:c(({input:e})=>`expected strict, accept-new or insecure, got '${e}'`,"error")})),"ssh-config":zt(),"proxy-jump":zt(),sudo:$r(["auto","always","never"]),container:bt(It(e=>Eo(e)!==void 0,"lxd:NAME, incus:NAME, docker:NAME or podman:NAME")),"connect-timeout-seconds":wr(1,600),"keepalive-seconds":wr(1,600)},MI=Ro(lc);function Sh(e){return fc(e.host).map(n=>({...e,host:n}))}c(Sh,"connectionsOf");function fc(e){return[...new Set(cc(e))]}c(fc,"hostsOf");function dc(e){let n=/^(?:ssh:\/\/)?(?:(?<user>[^@\s:/]+)@)?(?:\[(?<v6>[0-9a-f:.]+(?:%[\w.-]+)?)\]|(?<host>[^@\s:/[\]-][^@\s:/[\]]*))(?::(?<port>\d{1,5}))?\/?$/i.exec(e.trim()),t=/^(?:(?<user>[^@\s:/]+)@)?(?<v6>[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*)$/i.exec(e.trim()),r=(n??t)?.groups,i=r?.port===void 0?void 0:Number(r.port);if(!(!r||i===0||(i??1)>65535))return{user:r.user,host:r.v6??r.host??"",port:i}}c(dc,"parseHost");function Ih(e,n,t){let r=c(h=>n.get(h)?.[0],"one"),{container:i}=t,o=t.user??e.user??r("user")??t.localUser,s=t.port??e.port??To(r("port"),"Port")??22,a=(r("hostname")??"%h").replaceAll("%h",e.host).replaceAll("%%","%"),u={"%":"%",d:t.home,h:a,p:String(s),r:o,u:t.localUser,n:e.host},l=c(h=>h.replace(/^~(?=\/|$)/,t.home).replace(/%([%dhprun])/g,(_,A)=>u[A]??""),"path"),d=n.get("proxycommand");if(d&&d[0]?.toLowerCase()!=="none")throw new Wt(`ProxyCommand is set for ${e.host}, which is not supported; use ProxyJump`);return{written:e.host,user:o,host:a,port:s,name:`${o}@${a.includes(":")?`[${a}]`:a}:${s}${i?`/${i.kind}:${i.name}`:""}`,container:i,hostKeyAlias:r("hostkeyalias"),identityFiles:(n.get("identityfile")??[]).filter(h=>h.toLowerCase()!=="none").map(l),identitiesOnly:r("identitiesonly")?.toLowerCase()==="yes",agent:KA(r("identityagent"),t.agent,l),knownHostsFiles:(n.get("userknownhostsfile")??["~/.ssh/known_hosts","~/.ssh/known_hosts2"]).concat(n.get("globalknownhostsfile")??["/etc/ssh/ssh_known_hosts"]).filter(h=>h.toLowerCase()!=="none").map(l),strictHostKeyChecking:r("stricthostkeychecking")?.toLowerCase(),connectTimeoutSeconds:t.connectTimeoutSeconds??To(r("connecttimeout"),"ConnectTimeout")??15,keepaliveSeconds:t.keepaliveSeconds??(To(r("serveraliveinterval"),"ServerAliveInterval")||5),keepaliveMissed:To(r("serveralivecountmax"),"ServerAliveCountMax")??3,jumps:(t.proxyJump??r("proxyjump")??"").split(",").map(h=>h.trim()).filter(h=>h!==""&&h.toLowerCase()!=="none")}}c(Ih,"resolveTarget");function KA(e,n,t){return e===void 0||e==="SSH_AUTH_SOCK"?n:e.toLowerCase()==="none"?void 0:t(e)}c(KA,"agentOf");function To(e,n){if(!(e===void 0||e.toLowerCase()==="none")){if(!/^\d+$/.test(e))throw new Wt(`${n} '${e}' is no number`);return Number(e)}}c(To,"numberOf");var hc=3,WA=150,ZA=40;async function Oo(e,n){let{log:t}=n;t.mask(e["ssh-key"]),t.mask(e["ssh-key-passphrase"]);let r=Bh(e.host,e,n);for(let i=1;;i+=1)try{return await jA(r,e,n)}catch(o){if(i>=hc||!(o instanceof ut)||!kd(o.fields.cause)||n.signal.aborted)throw o;t.line(`Try ${i} of ${hc}: ${o.fields.why}`),await(0,No.setTimeout)(i*(500+Math.random()*1e3),void 0,{signal:n.signal}).catch(()=>{})}}c(Oo,"connect");async function jA(e,n,t){let r=e.jumps.map(s=>Bh(s,{...n,user:void 0,port:void 0,container:void 0,"proxy-jump":"none"},t)),i=[];try{for(let[s,a]of[...r,e].entries()){let u=i.at(-1),l=u?await JA(u,a):void 0;i.push(await GA(a,{inputs:n,context:t,sock:l,jump:s<r.length}))}}catch(s){for(let a of i.reverse())await a[Symbol.asyncDispose]();throw s}let o=i.pop();return{...o,[Symbol.asyncDispose]:async()=>{await o[Symbol.asyncDispose]();for(let s of i.reverse())await s[Symbol.asyncDispose]()}}}c(jA,"connectThrough");function Bh(e,n,t){let r=t.env("HOME")??(0,di.homedir)(),i=(0,di.userInfo)().username,o=dc(e);if(o===void 0)throw vh(e,new Wt(`the jump host '${e}' is no user@host:port`));let s=n.user??o.user,a=n.container===void 0?void 0:Eo(n.container);try{let u=md(bd(n["ssh-config"],r),{host:o.host,user:s,localUser:i,home:r,include:wd});return Ih(o,u,{localUser:i,home:r,agent:t.env("SSH_AUTH_SOCK"),user:n.user,port:n.port,proxyJump:n["proxy-jump"],connectTimeoutSeconds:n["connect-timeout-seconds"],keepaliveSeconds:n["keepalive-seconds"],container:a&&{...a,sudo:n.sudo}})}catch(u){throw u instanceof Wt?vh(e,u):u}}c(Bh,"targetOf");function vh(e,n){return new ut({what:`Reading the SSH config for ${e}`,why:`${n.message}.`,remedy:"correct the config, or give another one with ssh-config."})}c(vh,"configFailure");async function GA(e,{inputs:n,context:t,sock:r,jump:i}){let{log:o}=t,s=t.env("HOME")??(0,di.homedir)(),a=Od(e,{checking:qA(n,e,o),given:n["known-hosts"],log:o}),{identities:u,skipped:l}=Dd({sshKey:n["ssh-key"],passphrase:n["ssh-key-passphrase"]},e,s),d=[],h=new wo,_=r??(0,Ch.connect)({host:e.host,port:e.port,noDelay:!0});VA(_);try{await h.connect({sock:_,username:e.user,readyTimeout:e.connectTimeoutSeconds*1e3,keepaliveInterval:e.keepaliveSeconds*1e3,keepaliveCountMax:e.keepaliveMissed,hostVerifier:c(A=>a.accepts(A),"hostVerifier"),authHandler:YA(e.user,u,d),algorithms:{cipher:["aes128-gcm@openssh.com","aes256-gcm@openssh.com","aes128-ctr","aes256-ctr","chacha20-poly1305@openssh.com"],serverHostKey:a.algorithms}})}catch(A){_.destroy();let x=a.refusal();if(x)throw x;let{why:b,remedy:E}=Sd(A,e,{offered:d,skipped:l});throw new ut({what:i?"Connecting to the jump host":"Connecting",where:e.name,why:b,remedy:E,cause:A})}return XA(e,h.connection,_)}c(GA,"login");function qA(e,n,t){let r=e["host-key-checking"];if(r)return r;let i=n.strictHostKeyChecking;return i==="accept-new"||i==="no"||i==="off"?(t.line(`The SSH config sets StrictHostKeyChecking ${i} for ${n.written}: taken as accept-new.`),"accept-new"):"strict"}c(qA,"checkingOf");function YA(e,n,t){let r=[...n];return(i,o,s)=>{let a=i&&!i.includes("publickey")?void 0:r.shift();if(i&&t.push(`(server: ${i.join(", ")})`),!a){s(!1);return}t.push(a.label),a.kind==="agent"?s({type:"agent",username:e,agent:a.socket}):s({type:"publickey",username:e,key:a.key})}}c(YA,"offerInTurn");function XA(e,n,t){let r=!1,i,o=Number.POSITIVE_INFINITY,s=new Promise(h=>{n.on("error",_=>{i=_}),n.on("close",()=>h(r?void 0:i??new Error("the connection was closed")))}),a=c(h=>new Promise((_,A)=>{s.then(b=>A(b??new Error("the connection is closed")));let x=performance.now();n.exec(h,(b,E)=>{o=Math.min(o,performance.now()-x),b?A(b):_(E)})}),"open"),u,l=c(async h=>{let{command:_,channel:A}=u??{};u=void 0;let x=await A;if(_===h&&x?.writable)return x;x?.destroy()},"takePrepared"),d=c(h=>new ut({what:"Opening a session",where:e.name,why:`${i?.message??h.message}.`,remedy:"look at the log of sshd there (MaxSessions, ForceCommand, the login shell).",cause:h}),"sessionFailure");return{target:e,isNear:c(()=>"remoteAddress"in t&&/^(::ffff:)?127\.|^::1$/.test(t.remoteAddress??"")&&o<ZA,"isNear"),roundTripMs:c(()=>o/2,"roundTripMs"),lost:s,prepare:c(h=>{u={command:h,channel:a(h).catch(()=>{})}},"prepare"),exec:c(async h=>{for(let _=1;;_+=1)try{return await l(h)??await a(h)}catch(A){if(_<hc&&i===void 0&&!r)await(0,No.setTimeout)(_*WA);else throw d(A)}},"exec"),[Symbol.asyncDispose]:async()=>{r=!0,n.end(),await Promise.race([s,(0,No.setTimeout)(1e3,void 0,{ref:!1})]),n.destroy()},client:n}}c(XA,"openHost");function VA(e){let n=e.write.bind(e),t=!1;e.write=(...r)=>(t||(t=!0,e.cork(),process.nextTick(()=>{t=!1,e.uncork()})),n(...r))}c(VA,"gatherWrites");async function JA(e,n){let{client:t}=e;return new Promise((r,i)=>{t.forwardOut("127.0.0.1",0,n.host,n.port,(o,s)=>{o?i(new ut({what:"Connecting",where:n.name,why:`the jump host ${e.target.name} can't reach it: ${o.message}.`,remedy:"check the address from the jump host, and AllowTcpForwarding there.",cause:o})):r(s)})})}c(JA,"forward");var Fh=require("node:crypto");var Rh=`use strict;
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
close STDOUT or die "the new file can't be written: $!\\n";`;function Ph(e){let n=`/bin/sh -c 'core_limit=$(ulimit -S -c); ulimit -S -c 0; IFS= read -r line && eval "$(printf %b "$line")"'`;return e?`exec sudo -n -- ${n}`:`exec ${n}`}c(Ph,"bootstrapCommand");function pc(e){return`${ty(e).replaceAll("\\","\\\\").replaceAll(`
`,"\\n")}
`}c(pc,"programLine");function ty({text:e,values:n}){return[...Object.entries(n).map(([r,i])=>`in_${r}=${_c(i===void 0?"":String(i))}`),e].join(`
`)}c(ty,"programText");function _c(e){if(e.includes("\0"))throw new RangeError("a value for a shell contains a NUL byte");return`'${e.replaceAll("'","'\\''")}'`}c(_c,"quote");var ny=10,ry=5,iy=64*1024;async function kr(e,n,t){let{container:r}=e.target,i=Ph(t.sudo),o=await e.exec(i);t.another&&e.roundTripMs()>ny&&e.prepare(i),r&&o.write(pc($d(r,r.sudo)));let s=uy(t.onSay),a=null,u="";o.setEncoding("utf8").on("data",s.push),o.stderr.setEncoding("utf8").on("data",E=>{u=(u+E).slice(-iy)}),o.on("exit",E=>{a=E});let l=new Promise(E=>{o.on("close",()=>E(void 0)).on("error",()=>E(void 0))}),d=e.lost.then(E=>E?.message??"the connection was closed"),h=cy(t,e),_;try{let E=sy(o,n,t.payload);_=await Promise.race([l,s.ended,d,E,h.passed,ay(t.signal)])}finally{h.stop(),o.destroy()}let{said:A,complete:x}=s.result(),b=et(A,"container_error");if(b!==void 0){let E=et(A,"container_remedy")??"";throw new ut({what:"Entering the container",where:e.target.name,why:`${b}.`,remedy:E})}return{said:A,complete:x,code:a,prose:u,cut:_??"the session ended before its last word"}}c(kr,"runProgram");function Th(e,{what:n,state:t},r){let{container:i,name:o}=e.target,s=!i||r.said.length>0;return new ut({what:n,where:o,why:s?`the answer was cut short: ${r.cut}.`:`the container can't be entered: ${oy(r.prose)??r.cut}`,state:t,remedy:s?"run `ssh` to that host with a harmless command: does its login shell run commands given to it?":`look on the host whether ${i?.name} exists, is running and has a /bin/sh.`,output:r.prose})}c(Th,"notAnswered");function oy(e){return e.trimEnd().split(`
`).at(-1)||void 0}c(oy,"lastLine");function sy(e,n,t){return new Promise(r=>{e.write(pc(n)),t?t(e).catch(i=>r(i.message)):e.end()})}c(sy,"send");function ay(e){return new Promise(n=>{let t=c(()=>setTimeout(()=>n(`the step was cancelled (${e?.reason})`),ry*1e3).unref(),"begin");e?.aborted?t():e?.addEventListener("abort",t,{once:!0})})}c(ay,"cancelled");function cy({limitSeconds:e,what:n},t){let r;return{passed:new Promise((o,s)=>{r=setTimeout(()=>{s(new ut({what:n,where:t.target.name,why:`no end within ${e} s.`,remedy:"look at the load of the host, and at what its login shell does at start."}))},e*1e3)}),stop:c(()=>clearTimeout(r),"stop")}}c(cy,"startLimit");function uy(e){let n=[],t=!1,r=!1,i="",o,s=new Promise(u=>{o=c(()=>u(void 0),"resolveEnded")}),a=c(u=>{if(u==="begin")t=!0;else if(t&&!r&&u==="end")r=!0,o();else if(t&&!r){let l=u.indexOf("=");if(l<=0)return;let d=[u.slice(0,l),fy(u.slice(l+1))];n.push(d),e?.(...d)}},"line");return{push:c(u=>{let l=(i+u).split(`
`);i=l.pop()??"",l.forEach(a)},"push"),ended:s,result:c(()=>({said:n,complete:r}),"result")}}c(uy,"readSaid");function fy(e){return e.replace(/\\(.)/g,(n,t)=>t==="n"?`
`:t)}c(fy,"unescapeSaid");function et(e,n){return e.findLast(([t])=>t===n)?.[1]}c(et,"saidOnce");function tn(e,n){return e.filter(([t])=>t===n).map(([,t])=>t)}c(tn,"saidAll");function gc(e){let n=e.split(" ").filter(t=>t.includes("="));return Object.fromEntries(n.map(t=>[t.slice(0,t.indexOf("=")),t.slice(t.indexOf("=")+1)]))}c(gc,"saidPairs");var mc=require("node:events");var Ac=class extends Error{static{c(this,"StallError")}},Nh=2*2**20,ly=50,dy=500;async function Oh(e,n,{stallSeconds:t,onProgress:r}){let i=new AbortController,o=new AbortController,s,a=c(b=>{s??=b??new Error("the session was closed"),o.abort()},"fail");n.on("error",a).on("close",a);let u,l=c(()=>{clearTimeout(u),u=setTimeout(()=>i.abort(),t*1e3)},"moved"),d=AbortSignal.any([i.signal,o.signal]),h=e[Symbol.asyncIterator](),_=0,A=0,x=c(b=>A<b?void 0:(_-Nh)/A*1e3,"rate");l();try{for(;;){clearTimeout(u);let{value:E,done:I}=await hy(h.next(),d);if(l(),I)break;if(_+=E.length,!n.write(E)){let P=performance.now();await(0,mc.once)(n,"drain",{signal:d}),_>Nh&&(A+=performance.now()-P)}l(),r?.(_,x(dy))}let b=(0,mc.once)(n,"finish",{signal:d});n.end(),await b}catch(b){throw i.signal.aborted?new Ac(`no byte moved for ${t} s`):s??b}finally{clearTimeout(u),h.return?.().catch(()=>{}),n.off("error",a).off("close",a)}return{bytes:_,bytesPerSecond:x(ly)}}c(Oh,"upload");function hy(e,n){return new Promise((t,r)=>{let i=c(()=>r(n.reason),"abort");n.aborted&&i(),n.addEventListener("abort",i,{once:!0}),e.then(t,r).finally(()=>n.removeEventListener("abort",i))})}c(hy,"unlessAborted");function Lo(e){return/\.[a-z]+$/.test(e)?e:`${e}.service`}c(Lo,"unitName");var Lh=`prelude() {
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin
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
timed() {
timeout "$@" 9>&-
}
limited() {
timed "$@" </dev/null
}
digest() {
if command -v openssl >/dev/null; then
digest_line=$(openssl dgst -sha256 -r 2>/dev/null) || digest_line=
else
digest_line=$(sha256sum)
fi
printf '%s\\n' "\${digest_line%% *}"
}
find_running() {
running=
running_unseen=
sees_all
find_comm=\${1##*/}
while [ "\${#find_comm}" -gt 15 ]; do find_comm=\${find_comm%?}; done
for find_proc in /proc/[0-9]*; do
for find_candidate in "$@"; do
[ "$find_proc/exe" -ef "$find_candidate" ] || continue
running="$running \${find_proc#/proc/}"
continue 2
done
[ "$sees_all" = yes ] || find_unseen "$find_proc"
done
find_deleted "$1"
running=\${running# }
running_unseen=\${running_unseen# }
}
find_deleted() {
find_links=$(ls -ln /proc/[0-9]*/exe 2>/dev/null)
case $find_links in *" -> $1 (deleted)"*) ;; *) return 0 ;; esac
find_links=$find_links$newline
while [ -n "$find_links" ]; do
find_link=\${find_links%%"$newline"*}
find_links=\${find_links#*"$newline"}
case $find_link in
*"/exe -> $1 (deleted)")
find_pid=\${find_link%"/exe -> $1 (deleted)"}
find_pid=\${find_pid##*/proc/}
[ ! "/proc/$find_pid/root/." -ef /. ] || running="$running $find_pid"
;;
esac
done
}
sees_all() {
[ -z "\${sees_all:-}" ] || return 0
sees_all=no
while read -r sees_key sees_value; do
case $sees_key/$sees_value in CapEff:/*[89a-f]????) sees_all=yes ;; esac
done </proc/self/status
}
find_unseen() {
find_name=
{ IFS= read -r find_name <"$1/comm"; } 2>/dev/null || return 0
if [ "$find_name" = "$find_comm" ] && ! readlink "$1/exe" >/dev/null 2>&1; then
process_start "\${1#/proc/}" || return 0
case $process_state in Z | X) ;; *) running_unseen="$running_unseen \${1#/proc/}" ;; esac
fi
}
eldest_running() {
eldest=\${running%% *}
for find_pid in $running; do
find_parent=
{ while read -r find_key find_value; do
case $find_key in PPid:) find_parent=$find_value ;; esac
done <"/proc/$find_pid/status"; } 2>/dev/null
case " $running " in
*" \${find_parent:-none} "*) ;;
*)
eldest=$find_pid
return 0
;;
esac
done
}
process_start() {
process_start=
{ IFS= read -r process_stat <"/proc/$1/stat"; } 2>/dev/null || return 1
process_stat=\${process_stat##*) }
set -- $process_stat
process_start=\${20}
process_state=$1
}
process_alive() {
process_start "$1" || return 1
case $process_state in Z | X) return 1 ;; esac
[ "$process_start" = "$2" ]
}
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
! command -v wget >/dev/null || http_client=wget
}
http_get() {
http_status=
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
http_answer=$(printf 'url = "%s"\\n' "$1" | curl -q -g -s -S --noproxy '*' --max-time "$2" -w '\\n%{http_code}' -K - 2>&1 | http_cut)
http_status=\${http_answer##*"$newline"}
http_body=\${http_answer%"$newline"*}
case $http_status in
000 | *[!0-9]* | '')
http_status=
http_error=\${http_body#curl: }
http_error=\${http_error%%"$newline"*}
http_body=
;;
esac
}
http_cut() {
tr -d '\\0' | tail -c 65536
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
http_answer=$(printf 'GET %s HTTP/1.0\\r\\nHost: %s\\r\\nUser-Agent: health\\r\\nAccept: */*\\r\\nConnection: close\\r\\n\\r\\n' "$http_path" "$http_host" |
http_exchange "$2" 2>/dev/null | tr -d '\\0' | head -c 65536)
case $http_answer in
HTTP/*\\ [0-9][0-9][0-9]*)
http_status=\${http_answer#* }
http_status=\${http_status%"\${http_status#???}"}
http_body=\${http_answer#*"$newline$http_return$newline"}
return
;;
esac
done
http_error="no HTTP answer from $http_host within $2 s"
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
http_request=$(cat; printf .)
http_reply=$(printf '%s' "\${http_request%.}" | timed "$1" nc "$http_name" "$http_port")
case $http_reply in
HTTP/*) ;;
*) [ -z "$http_reply" ] && port_answers && http_reply=$({ printf '%s' "\${http_request%.}"; sleep "$1"; } | timed "$1" nc "$http_name" "$http_port") ;;
esac
printf '%s' "$http_reply"
fi
}
port_answers() {
limited 2 nc "$http_name" "$http_port" >/dev/null 2>&1
}
http_by_wget() {
http_answer=$(timed "$2" wget -S -O - -T "$2" -- "$1" 2>&1 | http_cut)
case $http_answer in
*HTTP/*)
http_status=\${http_answer##*HTTP/}
http_status=\${http_status#* }
http_status=\${http_status%"\${http_status#???}"}
http_body=$http_answer
;;
*) http_error=\${http_answer%%"$newline"*} ;;
esac
}
http_return=$(printf '\\r')
health_check() {
health_contains=$1
shift
health_reason=
if [ -n "$in_health_port" ] && ! port_owned_by "$in_health_port" "$@"; then
health_reason="pid $* does not listen on port $in_health_port"
port_inodes "$in_health_port"
[ -z "$port_inodes" ] || health_reason="another process than pid $* listens on port $in_health_port"
return 1
fi
[ -z "$in_health_url" ] || health_url || return 1
[ -n "$in_health_command" ] || return 0
limited 10 /bin/sh -c "$in_health_command" >/dev/null 2>&1 9>&- && return 0
health_reason="the health command ended with exit code $?"
return 1
}
health_url() {
if ! http_get "$in_health_url" 5; then
health_reason="$in_health_url: \${http_error:-no answer}"
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
user_shell_words() {
user_shell=/bin/sh
for user_shell_try in /bin/dash /usr/bin/dash; do
[ ! -x "$user_shell_try" ] || user_shell=$user_shell_try
done
user_words "$1"
case $user_words in
su*) user_shell_words="$user_words" ;;
*) user_shell_words="$user_words $user_shell" ;;
esac
user_shell_words=\${user_shell_words# }
}
user_words() {
user_words=
[ "$1" != "$(id -un)" ] && [ "$1" != "$(id -u)" ] || return 0
if command -v setpriv >/dev/null && setpriv --help 2>&1 | grep -q -- --reuid; then
user_words="setpriv --reuid=$1 --regid=$(id -g "$1") --init-groups --"
elif chroot --help 2>&1 | grep -q -- --userspec; then
user_words="chroot --userspec=$1: /"
else
user_words="su -s /bin/sh $1"
fi
}
as_user() {
user_words "$1"
shift
case $user_words in
su*) $user_words -c 'exec "$0" "$@"' -- "$@" ;;
*) $user_words "$@" ;;
esac
}
systemctl_for() {
systemctl_user=$1
shift
if [ -z "$systemctl_user" ]; then
limited 30 systemctl "$@"
else
systemctl_uid=$(id -u "$systemctl_user") || return 1
( XDG_RUNTIME_DIR=/run/user/$systemctl_uid && export XDG_RUNTIME_DIR && as_user "$systemctl_user" timeout 30 systemctl --user "$@" </dev/null 9>&- )
fi
}
unit_of() {
unit=
unit_user=
command -v systemctl >/dev/null || return 1
unit_path=
while IFS=: read -r unit_level unit_controllers unit_cgroup; do
case $unit_level:$unit_controllers in *:name=systemd | 0:) ;; *) continue ;; esac
case $unit_cgroup in *.service | *.service/*) unit_path=$unit_cgroup ;; esac
done <"/proc/$1/cgroup"
[ -n "$unit_path" ] || return 1
unit_name=
unit_manager=
unit_rest=$unit_path
while [ -n "$unit_rest" ]; do
unit_step=\${unit_rest%%/*}
case $unit_rest in */*) unit_rest=\${unit_rest#*/} ;; *) unit_rest= ;; esac
case $unit_step in
user@*.service) unit_manager=\${unit_step#user@} unit_manager=\${unit_manager%.service} unit_name= ;;
*.service) unit_name=$unit_step ;;
esac
done
[ -n "$unit_name" ] || return 1
if [ -n "$unit_manager" ]; then
unit_manager=$(stat -c %U "/proc/$1/." 2>/dev/null) || return 1
fi
unit_facts "$unit_name" "$unit_manager" || return 1
unit_manages "$1" || return 1
unit=$unit_name
unit_user=$unit_manager
}
unit_manages() {
[ "$unit_main" != 0 ] || return 1
IFS= read -r unit_comm <"/proc/$unit_main/comm" 2>/dev/null || return 1
unit_pid=$1
[ "$unit_pid" != "$unit_main" ] || return 0
case $unit_comm in sshd* | dropbear* | cron* | atd | login | agetty | *runner* | containerd* | dockerd* | lxd*) return 1 ;; esac
while [ "$unit_pid" -gt 1 ]; do
unit_parent=
while read -r unit_key unit_value; do
case $unit_key in PPid:) unit_parent=$unit_value ;; esac
done <"/proc/$unit_pid/status"
unit_pid=\${unit_parent:-0}
[ "$unit_pid" != "$unit_main" ] || return 0
done
return 1
}
unit_facts() {
unit_load='' unit_active='' unit_sub='' unit_main=0 unit_restarts=0 unit_type='' unit_triggers='' unit_exit='' unit_result=''
unit_error=
if ! unit_answer=$(systemctl_for "$2" show -p LoadState -p ActiveState -p SubState -p MainPID -p NRestarts -p Type -p TriggeredBy -p ExecMainStatus -p Result -- "$1" 2>&1); then
unit_error=$unit_answer
return 1
fi
unit_rest=$unit_answer$newline
while [ -n "$unit_rest" ]; do
unit_line=\${unit_rest%%"$newline"*}
unit_rest=\${unit_rest#*"$newline"}
unit_value=\${unit_line#*=}
case $unit_line in
LoadState=*) unit_load=$unit_value ;;
ActiveState=*) unit_active=$unit_value ;;
SubState=*) unit_sub=$unit_value ;;
MainPID=*) unit_main=$unit_value ;;
NRestarts=*) unit_restarts=$unit_value ;;
Type=*) unit_type=$unit_value ;;
TriggeredBy=*) unit_triggers=$unit_value ;;
ExecMainStatus=*) unit_exit=$unit_value ;;
Result=*) unit_result=$unit_value ;;
esac
done
}
unit_stop() {
unit_change stop "$@"
}
unit_start() {
systemctl_for "$2" reset-failed -- "$1" >/dev/null 2>&1
unit_change start "$@"
}
unit_change() {
unit_error=$( (
exec 9>&-
systemctl_for "$3" --no-block "$1" -- "$2" 2>&1
)) || return 1
uptime_cs
unit_until=$((now_cs + $4 * 100))
while :; do
unit_job=$(systemctl_for "$3" show -p Job -p ActiveState -- "$2" 2>&1) || { unit_error=$unit_job; return 1; }
case $unit_job in
*Job=[1-9]*) ;;
*)
case $1:$unit_job in
stop:*ActiveState=inactive* | stop:*ActiveState=failed* | start:*ActiveState=active* | start:*ActiveState=reloading*) return 0 ;;
start:*ActiveState=activating*) ;;
start:*) unit_error='it did not become active'; return 1 ;;
esac
;;
esac
uptime_cs
if [ "$now_cs" -ge "$unit_until" ]; then
unit_error="no end within $4 s"
return 1
fi
pause_cs 2
done
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
cd -P "./$walk_step" 2>/dev/null || { refused="$walk_at/$walk_step is no folder"; return 1; }
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
state_at=\${PWD%/}
if [ -L "./$state_folder" ] || ! cd -P "./$state_folder" 2>/dev/null || [ "$PWD" != "$state_at/$state_folder" ]; then
refused="$state_at/$state_folder is no folder of ours"
return 1
fi
case $(stat -c '%u %a' .) in
"$me 700") ;;
"$me "*) chmod 700 . ;;
*) refused="$state_at/$state_folder belongs to another account than $me_name, who deploys"; return 1 ;;
esac
}
look_for_unfinished() {
state_phase=
[ -f journal ] || return 0
state_owner=$(stat -c %U .)
state_phase=$(as_user "$state_owner" tail -n 1 journal)
case $state_phase in
phase=end) ;;
phase=*)
say unfinished "\${state_phase#phase=}"
state_run=$(as_user "$state_owner" head -n 1 journal)
say unfinished_run "\${state_run#transaction=}"
;;
esac
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
zero_words() {
tr '\\n\\0' '\\001\\n' <"$1" | sed "$2; s/'/'\\\\\\\\''/g; s/^/'/; s/\\$/'/" | tr '\\n\\001' ' \\n'
}
elevate() {
root_reason=
[ "$me" != 0 ] && [ "$in_sudo" != never ] || return 1
if [ "$in_sudo" = always ]; then root_reason='sudo: always'; else reason_for_root; fi
[ -n "$root_reason" ] || return 1
say needs_root "$root_reason"
if ! sudo_error=$(sudo -n true 2>&1); then
say sudo_error "$sudo_error"
return 1
fi
printf 'in_elevated=yes\\\\nin_login=%s\\\\n%s\\n' "$me_name" "$line" |
sudo -n -- /bin/sh -c 'IFS= read -r line && eval "$(printf %b "$line")"'
}
reason_for_root() {
if [ -z "$folder_entered" ] || [ ! -w . ]; then
root_reason="$me_name can't write to $in_folder"
elif [ -e "./.$in_name.deploy" ] && [ ! -O "./.$in_name.deploy" ]; then
root_reason="the releases in $in_folder/.$in_name.deploy belong to another account"
elif [ -e "./$in_name" ] && [ ! -O "./$in_name" ]; then
root_reason="$in_folder/$in_name belongs to another account"
elif [ -n "$in_owner" ] && ! is_me "\${in_owner%%:*}"; then
root_reason="the owner is to be $in_owner"
elif [ -n "$in_run_as" ] && ! is_me "$in_run_as"; then
root_reason="the program runs as $in_run_as"
elif [ -n "$in_capabilities" ]; then
root_reason='file capabilities are to be set'
elif [ -n "$running_unseen" ]; then
root_reason="pid $running_unseen may run the file, and $me_name can't see it"
elif [ -n "$in_service" ] && [ "$in_service_is_user" != yes ]; then
root_reason="$in_service is a system unit"
else
reason_of_processes
fi
}
reason_of_processes() {
for reason_pid in $running; do
if [ ! -O "/proc/$reason_pid" ]; then
root_reason="pid $reason_pid belongs to another account"
elif unit_of "$reason_pid" && [ -z "$unit_user" ]; then
root_reason="pid $reason_pid belongs to the system unit $unit"
fi
done
}
is_me() {
[ "$1" = "$me_name" ] || [ "$1" = "$me" ]
}
main() {
prelude
set -u
me=$(id -u)
me_name=$(id -un 2>/dev/null) || me_name=$me
[ "\${in_elevated:-}" = yes ] || begin
kernel=$(uname -s)
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
if enter_folder "$in_folder"; then folder_entered=yes; fi
find_running "$in_folder/$in_name"
narrow_unseen
if [ "\${in_elevated:-}" != yes ] && elevate; then exit 0; fi
say user "$me_name"
say login "\${in_login:-$me_name}"
say uid "$me"
say machine "$(uname -m)"
look_at_tools
look_at_accounts
look_at_processes
look_at_session
if [ -z "$folder_entered" ]; then
say folder_refused "\${refused:-$in_folder does not exist}"
return
fi
look_at_folder
look_at_file
run_as=\${in_run_as:-\${in_owner%%:*}}
[ -n "$run_as" ] || run_as=$file_user
look_at_state
look_at_service
look_at_health
look_at_log
}
narrow_unseen() {
narrow_left=
narrow_owner=$(stat -c %U "$in_folder/$in_name" 2>/dev/null)
for narrow_pid in $running_unseen; do
case $(stat -c %U "/proc/$narrow_pid" 2>/dev/null) in
root | "\${in_run_as:-root}" | "\${in_owner%%:*}" | "\${narrow_owner:-root}") narrow_left="$narrow_left $narrow_pid" ;;
esac
done
running_unseen=\${narrow_left# }
}
look_at_tools() {
for tool in zstd gzip perl flock setsid sha256sum stat timeout; do
! command -v "$tool" >/dev/null || say tool "$tool"
done
[ -z "$in_interpreter" ] || [ ! -e "$in_interpreter" ] || say interpreter yes
}
look_at_accounts() {
for account in \${in_owner:+"\${in_owner%%:*}"} \${in_run_as:+"$in_run_as"}; do
account_exists "$account" || say missing_user "$account"
done
case $in_owner in
*:*) group_exists "\${in_owner#*:}" || say missing_group "\${in_owner#*:}" ;;
esac
}
account_exists() {
case $1 in *[!0-9]*) id -u -- "$1" >/dev/null 2>&1 ;; esac
}
group_exists() {
case $1 in *[!0-9]*) grep -q "^$1:" /etc/group || getent group "$1" >/dev/null 2>&1 ;; esac
}
look_at_processes() {
say unseen "$running_unseen"
for found_pid in $running; do
found_unit=
found_unit_user=
if unit_of "$found_pid"; then
found_unit=$unit
found_unit_user=$unit_user
fi
found_same=yes
found_words=$(zero_words "/proc/$found_pid/cmdline" 1d)
[ "\${found_words% }" = "$in_args" ] || found_same=args
[ "$(readlink "/proc/$found_pid/cwd")" = "$in_working_directory" ] || found_same=folder
same_environment || found_same=environment
found_live=no
[ ! "/proc/$found_pid/exe" -ef "$in_folder/$in_name" ] || found_live=yes
say process "pid=$found_pid user=$(stat -c %U "/proc/$found_pid") live=$found_live same=$found_same unit=$found_unit unit_user=$found_unit_user"
done
}
same_environment() {
[ -n "$in_environment" ] || return 0
found_env=" $(zero_words "/proc/$found_pid/environ" '')"
eval "set -- $in_environment"
for wanted in "$@"; do
quoted "$wanted"
case $found_env in *" $quoted "*) ;; *) return 1 ;; esac
done
}
look_at_session() {
[ -d /run/systemd/sessions ] || return 0
session_cgroup=$(cat /proc/self/cgroup)
case $session_cgroup in *session-*.scope*) ;; *) return 0 ;; esac
case \${in_login:-$me_name} in root) return 0 ;; esac
session_kills=$(limited 5 busctl get-property org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager KillUserProcesses 2>/dev/null)
[ "$session_kills" = 'b true' ] || return 0
say session_kills yes
[ ! -e "/var/lib/systemd/linger/$me_name" ] || say lingers yes
}
look_at_folder() {
say folder "$PWD"
say folder_owner "$(stat -c %U .)"
say folder_mode "$(stat -c %a .)"
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
look_for_immutable folder -d .
}
look_for_immutable() {
command -v lsattr >/dev/null || return 0
immutable_name=$1
shift
immutable_flags=$(lsattr "$@" 2>/dev/null)
case \${immutable_flags%% *} in *[ia]*) say immutable "$immutable_name" ;; esac
}
look_at_file() {
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
file_user=$(stat -c %U "./$in_name")
file_seen=$(stat -c '%d %i %s %Y %Z' "./$in_name")
say file_about "$(stat -c '%U:%G %a' "./$in_name")"
say file_bytes "$(stat -c %s "./$in_name")"
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
if [ -O "./.$in_name.deploy" ] && [ ! -L "./.$in_name.deploy" ] && [ -f "./.$in_name.deploy/live" ]; then
IFS=' ' read -r live_sha live_seen <"./.$in_name.deploy/live"
if [ "$live_seen" = "$file_seen" ]; then
file_sum=$live_sha
say file_sha256 "$file_sum"
return
fi
fi
if [ ! -r "./$in_name" ]; then
say file_unreadable yes
return
fi
file_sum=$(digest <"./$in_name")
say file_sha256 "$file_sum"
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
read -r _
read -r state_workflow
read -r state_number
read -r state_run
say live_workflow "$state_workflow"
say live_run_number "$state_number"
say live_run "$state_run"
} <live
fi
for state_about in releases/*.about; do
[ -f "$state_about" ] || continue
state_sha=\${state_about#releases/}
say release "\${state_sha%.about} $(stat -c %Y "$state_about") $(cat "$state_about")"
done
[ ! -f history ] || tail -n 5 history | while IFS= read -r state_line; do say history "$state_line"; done
}
look_at_service() {
[ -n "$in_service" ] || return 0
service_user=
[ "$in_service_is_user" != yes ] || service_user=$run_as
if unit_facts "$in_service" "$service_user"; then
say service "user=$service_user load=$unit_load active=$unit_active sub=$unit_sub type=$unit_type"
else
say service_error "\${unit_error:-systemd does not answer}"
fi
}
look_at_health() {
if [ -n "$in_health_url" ]; then
http_client "$in_health_url"
say http_client "$http_client"
fi
if [ -n "$in_health_port" ] && port_inodes "$in_health_port" && [ -n "$port_inodes" ]; then
if [ -z "$running" ] || ! port_owned_by "$in_health_port" $running; then
port_owner "$in_health_port"
say port_holder "\${port_owner_pids:-unknown}"
fi
fi
[ "$file_sum" = "$in_sha256" ] && [ -n "$in_sha256" ] && [ -n "$running" ] || return 0
if health_check yes "\${running%% *}"; then say health ok; else say health "$health_reason"; fi
}
look_at_log() {
[ -n "$in_log_file" ] || return 0
log_folder=\${in_log_file%/*}
if [ ! -d "\${log_folder:-/}" ]; then
say log_folder_missing "\${log_folder:-/}"
elif [ -d "$in_log_file" ]; then
say log_is_folder yes
elif [ -e "$in_log_file" ]; then
as_user "$run_as" test -w "$in_log_file" || say log_unwritable "$in_log_file"
else
as_user "$run_as" test -w "\${log_folder:-/}" || say log_unwritable "\${log_folder:-/}"
fi
}
main`;var _y=120;async function yc(e,n,t){let r="Looking at the target",i=await kr(e,{text:Lh,values:gy(n,t)},{sudo:!1,limitSeconds:_y,what:r,another:!n.dryRun});if(!i.complete)throw Th(e,{what:r,state:"untouched. Nothing was changed by looking."},i);return my(i.said,n)}c(yc,"inspect");function gy(e,n){return{folder:e.folder,name:e.name,sudo:e.sudo,owner:e.owner,run_as:e.runAs,capabilities:e.capabilities,restart:e.restart,service:e.service&&Lo(e.service.replace(/^user:/,"")),service_is_user:e.service?.startsWith("user:")?"yes":"",interpreter:n?.elf?.interpreter,args:hi(e.args),environment:hi(e.environment),working_directory:e.workingDirectory??e.folder,log_file:e.logFile,sha256:n?.sha256,...bc(e)}}c(gy,"inspectValues");function bc({health:e}){let n=e.url?new URL(e.url):void 0,t=n&&/^(localhost|127\.[\d.]+|\[::1\])$/.test(n.hostname);return{health_url:e.url,health_url_port:t?n.port||(n.protocol==="https:"?"443":"80"):void 0,health_status:e.status,health_contains:e.contains,health_port:e.port,health_command:e.command}}c(bc,"healthValues");function hi(e){return e.map(_c).join(" ")}c(hi,"words");function my(e,n){let t=c(a=>et(e,a),"one"),r=t("login")??"",i=t("uid")==="0",[o="",s=""]=(t("file_about")??"").split(" ");return{otherKernel:t("kernel"),login:r,asRoot:i,sudo:i&&r!==t("user"),needsRoot:t("needs_root"),sudoError:t("sudo_error"),machine:t("machine")??"",tools:new Set(tn(e,"tool")),interpreterExists:t("interpreter")==="yes",missingUsers:[...new Set(tn(e,"missing_user"))],missingGroup:t("missing_group"),processes:tn(e,"process").map(Ay),unseen:t("unseen")??"",sessionKills:t("session_kills")==="yes",lingers:t("lingers")==="yes",folderRefused:t("folder_refused"),folder:t("folder")?{path:t("folder")??"",owner:t("folder_owner")??"",mode:t("folder_mode")??"",writable:t("folder_writable")==="yes",mount:t("mount")??"",options:(t("mount_options")??"").split(",")}:void 0,freeBytes:Number(t("free_kb")??0)*1024,immutable:tn(e,"immutable"),file:t("file_bytes")?{owner:o,mode:s.padStart(4,"0"),bytes:Number(t("file_bytes")),sha256:t("file_sha256")??"",capabilities:t("file_capabilities")??""}:void 0,fileProblem:by(e,n.destination),seen:t("seen")??"",stateRefused:t("state_refused"),unfinished:t("unfinished")?{phase:t("unfinished")??"",run:t("unfinished_run")||"an unknown run"}:void 0,locked:t("locked"),live:t("live_workflow")===void 0?void 0:{workflow:t("live_workflow")??"",runNumber:Number(t("live_run_number")??0),run:t("live_run")??""},releases:tn(e,"release").map(yy).sort((a,u)=>u.keptAt-a.keptAt),history:tn(e,"history"),service:t("service")===void 0?void 0:gc(t("service")??""),serviceError:t("service_error"),httpClient:t("http_client"),health:t("health"),portHolder:t("port_holder"),logProblem:wy(e)}}c(my,"toFound");function Ay(e){let{pid:n,user:t,live:r,same:i,unit:o,unit_user:s}=gc(e);return{pid:Number(n),user:t??"",live:r==="yes",same:i??"args",unit:o??"",unitUser:s??""}}c(Ay,"toProcess");function yy(e){let[n="",t="0",r="",i=""]=e.split(" ");return{sha256:n,keptAt:Number(t),about:`${r} ${i}`}}c(yy,"toRelease");function by(e,n){let t=et(e,"file_link"),r=et(e,"file_odd");if(t!==void 0)return`${n} is a symbolic link to ${t}`;if(et(e,"file_folder"))return`${n} is a folder`;if(r!==void 0)return`${n} is a ${r}`;if(et(e,"file_unreadable"))return`${n} can't be read by this account`}c(by,"fileProblem");function wy(e){let n=et(e,"log_folder_missing"),t=et(e,"log_unwritable");if(n!==void 0)return`the folder ${n} of the log file does not exist`;if(et(e,"log_is_folder"))return"the log file is a folder";if(t!==void 0)return`the account the program runs as can't write to ${t}`}c(wy,"logProblem");var Hh=require("node:timers/promises");var pi=class extends Error{static{c(this,"OutdatedError")}},En=class extends Error{static{c(this,"DiedError")}},Sr=class extends Error{static{c(this,"DeltaError")}};function Ft(e){return{failed:"",why:"",output:"",broken:"",pid:void 0,downtimeMs:void 0,bytesSent:0,phases:[],...e}}c(Ft,"bareOutcome");function _i({said:e=[],complete:n=!1},t){if(!n)return;let r=c(a=>Ey(a??"",t),"prose"),i=et(e,"gave_up");if(i==="changed")throw new pi;if(i!==void 0){let a=r(et(e,"why"));if(i==="delta")throw new Sr(a);let u=`another deploy of it holds the lock: ${a}`;return Ft({state:et(e,"staged")?"staged":"untouched",failed:i==="locked"?"lock":"stage",why:i==="locked"?u:a})}if(et(e,"died")!==void 0)throw new En;let o=et(e,"state");if(o===void 0)return;let s=et(e,"gone");if(s!==void 0&&["active","rolled-back"].includes(o)){let a=`it ended as ${o}, but pid ${s} is gone since`;return Ft({state:"broken",failed:"transaction",why:"the target may have gone down",broken:a})}return{state:o,failed:et(e,"failed")??"",why:r(et(e,"why")),output:r(tn(e,"output").join(`
`)),broken:r(et(e,"broken")),pid:Number(et(e,"pid"))||void 0,downtimeMs:et(e,"downtime_ms")===void 0?void 0:Number(et(e,"downtime_ms")),bytesSent:0,phases:$y(e)}}c(_i,"outcomeOf");var xy=4;function Ey(e,n){return n.map(r=>r.slice(r.indexOf("=")+1)).filter(r=>r.length>=xy).reduce((r,i)=>r.replaceAll(i,"***"),e)}c(Ey,"withoutValues");function $y(e){return tn(e,"phase").map(n=>{let[t="",r="0"]=n.split(" ");return{phase:t,afterMs:Number(r)*10}})}c($y,"phasesOf");var Uh={staged:"the new file is on the target, its sha256 checked there",stop:"stopping what runs the file",receive:"receiving the new file",swap:"replacing the file",start:"starting the new version",stable:"healthy; watching that it stays so",accept:"the new version holds",rollback:"the new version failed: going back","restart-old":"starting the previous version","rollback-stable":"the previous version is healthy; watching that it stays so"};function Uo(e){return(n,t)=>{let r=n==="phase"?t.split(" ")[0]:n;n==="note"&&e.line(`  ${t}`),(n==="phase"||n==="staged")&&r&&Uh[r]&&e.phase(r,Uh[r])}}c(Uo,"tellPhases");var Dh=`prelude() {
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin
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
find_running() {
running=
running_unseen=
sees_all
find_comm=\${1##*/}
while [ "\${#find_comm}" -gt 15 ]; do find_comm=\${find_comm%?}; done
for find_proc in /proc/[0-9]*; do
for find_candidate in "$@"; do
[ "$find_proc/exe" -ef "$find_candidate" ] || continue
running="$running \${find_proc#/proc/}"
continue 2
done
[ "$sees_all" = yes ] || find_unseen "$find_proc"
done
find_deleted "$1"
running=\${running# }
running_unseen=\${running_unseen# }
}
find_deleted() {
find_links=$(ls -ln /proc/[0-9]*/exe 2>/dev/null)
case $find_links in *" -> $1 (deleted)"*) ;; *) return 0 ;; esac
find_links=$find_links$newline
while [ -n "$find_links" ]; do
find_link=\${find_links%%"$newline"*}
find_links=\${find_links#*"$newline"}
case $find_link in
*"/exe -> $1 (deleted)")
find_pid=\${find_link%"/exe -> $1 (deleted)"}
find_pid=\${find_pid##*/proc/}
[ ! "/proc/$find_pid/root/." -ef /. ] || running="$running $find_pid"
;;
esac
done
}
sees_all() {
[ -z "\${sees_all:-}" ] || return 0
sees_all=no
while read -r sees_key sees_value; do
case $sees_key/$sees_value in CapEff:/*[89a-f]????) sees_all=yes ;; esac
done </proc/self/status
}
find_unseen() {
find_name=
{ IFS= read -r find_name <"$1/comm"; } 2>/dev/null || return 0
if [ "$find_name" = "$find_comm" ] && ! readlink "$1/exe" >/dev/null 2>&1; then
process_start "\${1#/proc/}" || return 0
case $process_state in Z | X) ;; *) running_unseen="$running_unseen \${1#/proc/}" ;; esac
fi
}
eldest_running() {
eldest=\${running%% *}
for find_pid in $running; do
find_parent=
{ while read -r find_key find_value; do
case $find_key in PPid:) find_parent=$find_value ;; esac
done <"/proc/$find_pid/status"; } 2>/dev/null
case " $running " in
*" \${find_parent:-none} "*) ;;
*)
eldest=$find_pid
return 0
;;
esac
done
}
process_start() {
process_start=
{ IFS= read -r process_stat <"/proc/$1/stat"; } 2>/dev/null || return 1
process_stat=\${process_stat##*) }
set -- $process_stat
process_start=\${20}
process_state=$1
}
process_alive() {
process_start "$1" || return 1
case $process_state in Z | X) return 1 ;; esac
[ "$process_start" = "$2" ]
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
cd -P "./$walk_step" 2>/dev/null || { refused="$walk_at/$walk_step is no folder"; return 1; }
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
state_at=\${PWD%/}
if [ -L "./$state_folder" ] || ! cd -P "./$state_folder" 2>/dev/null || [ "$PWD" != "$state_at/$state_folder" ]; then
refused="$state_at/$state_folder is no folder of ours"
return 1
fi
case $(stat -c '%u %a' .) in
"$me 700") ;;
"$me "*) chmod 700 . ;;
*) refused="$state_at/$state_folder belongs to another account than $me_name, who deploys"; return 1 ;;
esac
}
look_for_unfinished() {
state_phase=
[ -f journal ] || return 0
state_owner=$(stat -c %U .)
state_phase=$(as_user "$state_owner" tail -n 1 journal)
case $state_phase in
phase=end) ;;
phase=*)
say unfinished "\${state_phase#phase=}"
state_run=$(as_user "$state_owner" head -n 1 journal)
say unfinished_run "\${state_run#transaction=}"
;;
esac
}
follow() {
follow_ended=
follow_pid=
exec 8<progress
while [ -z "$follow_ended" ]; do
process_alive "$1" "$2" || follow_ended=yes
while IFS= read -r follow_line <&8; do
case $follow_line in
begin) continue ;;
end)
[ -z "$follow_pid" ] || [ -e "/proc/$follow_pid" ] || say gone "$follow_pid"
end
return 0
;;
pid=*) follow_pid=\${follow_line#pid=} ;;
esac
printf '%s\\n' "$follow_line"
done
[ -n "$follow_ended" ] || pause_cs 3
done
say died yes
end
}
main() {
prelude
set -u
begin
me=$(id -u)
me_name=$(id -un)
refused=
if ! enter_folder "$in_folder" || ! enter_state; then
say never yes
end
return
fi
wait_for_transaction
transaction=
transaction_start=
[ ! -f handed ] || IFS=' ' read -r transaction_id transaction transaction_start <handed
if [ -z "$transaction" ] || [ "$transaction_id" != "$in_id" ]; then
say never yes
end
return
fi
follow "$transaction" "$transaction_start"
}
wait_for_transaction() {
while :; do
[ ! -f handed ] || IFS=' ' read -r transaction_id _ <handed
[ "\${transaction_id:-}" != "$in_id" ] || return 0
[ -f lock ] || return 0
if flock -n -s 9 9<lock; then return 0; fi
pause_cs 20
done
}
main`;async function Do({inputs:e,log:n,signal:t,sudo:r,limitSeconds:i,reconnect:o},s){let a=Date.now()+i*1e3,u="the target could not be reached again";for(;Date.now()<a&&!t.aborted;){try{var l=[];try{let x=jn(l,await o(),!0);let b=await kr(x,{text:Dh,values:{folder:e.folder,name:e.name,id:s}},{sudo:r,what:"Learning the end of the transaction",limitSeconds:Math.max(5,(a-Date.now())/1e3),signal:t,onSay:Uo(n)});if(b.complete&&et(b.said,"never")!==void 0)return Ft({state:"untouched",failed:"upload",why:"the connection was lost before the transaction began"});let E=_i(b,e.environment);if(E)return E}catch(d){var h=d,_=!0}finally{var A=Gn(l,h,_);A&&await A}}catch(x){if(x instanceof En)throw x;u=x.message.split(`
`)[0]??u}await(0,Hh.setTimeout)(1e3,void 0,{signal:t}).catch(()=>{})}return Ft({state:"unknown",failed:"connection",why:t.aborted?`the step was cancelled (${t.reason})`:u})}c(Do,"learn");var zh=`prelude() {
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin
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
timed() {
timeout "$@" 9>&-
}
limited() {
timed "$@" </dev/null
}
digest() {
if command -v openssl >/dev/null; then
digest_line=$(openssl dgst -sha256 -r 2>/dev/null) || digest_line=
else
digest_line=$(sha256sum)
fi
printf '%s\\n' "\${digest_line%% *}"
}
find_running() {
running=
running_unseen=
sees_all
find_comm=\${1##*/}
while [ "\${#find_comm}" -gt 15 ]; do find_comm=\${find_comm%?}; done
for find_proc in /proc/[0-9]*; do
for find_candidate in "$@"; do
[ "$find_proc/exe" -ef "$find_candidate" ] || continue
running="$running \${find_proc#/proc/}"
continue 2
done
[ "$sees_all" = yes ] || find_unseen "$find_proc"
done
find_deleted "$1"
running=\${running# }
running_unseen=\${running_unseen# }
}
find_deleted() {
find_links=$(ls -ln /proc/[0-9]*/exe 2>/dev/null)
case $find_links in *" -> $1 (deleted)"*) ;; *) return 0 ;; esac
find_links=$find_links$newline
while [ -n "$find_links" ]; do
find_link=\${find_links%%"$newline"*}
find_links=\${find_links#*"$newline"}
case $find_link in
*"/exe -> $1 (deleted)")
find_pid=\${find_link%"/exe -> $1 (deleted)"}
find_pid=\${find_pid##*/proc/}
[ ! "/proc/$find_pid/root/." -ef /. ] || running="$running $find_pid"
;;
esac
done
}
sees_all() {
[ -z "\${sees_all:-}" ] || return 0
sees_all=no
while read -r sees_key sees_value; do
case $sees_key/$sees_value in CapEff:/*[89a-f]????) sees_all=yes ;; esac
done </proc/self/status
}
find_unseen() {
find_name=
{ IFS= read -r find_name <"$1/comm"; } 2>/dev/null || return 0
if [ "$find_name" = "$find_comm" ] && ! readlink "$1/exe" >/dev/null 2>&1; then
process_start "\${1#/proc/}" || return 0
case $process_state in Z | X) ;; *) running_unseen="$running_unseen \${1#/proc/}" ;; esac
fi
}
eldest_running() {
eldest=\${running%% *}
for find_pid in $running; do
find_parent=
{ while read -r find_key find_value; do
case $find_key in PPid:) find_parent=$find_value ;; esac
done <"/proc/$find_pid/status"; } 2>/dev/null
case " $running " in
*" \${find_parent:-none} "*) ;;
*)
eldest=$find_pid
return 0
;;
esac
done
}
process_start() {
process_start=
{ IFS= read -r process_stat <"/proc/$1/stat"; } 2>/dev/null || return 1
process_stat=\${process_stat##*) }
set -- $process_stat
process_start=\${20}
process_state=$1
}
process_alive() {
process_start "$1" || return 1
case $process_state in Z | X) return 1 ;; esac
[ "$process_start" = "$2" ]
}
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
! command -v wget >/dev/null || http_client=wget
}
http_get() {
http_status=
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
http_answer=$(printf 'url = "%s"\\n' "$1" | curl -q -g -s -S --noproxy '*' --max-time "$2" -w '\\n%{http_code}' -K - 2>&1 | http_cut)
http_status=\${http_answer##*"$newline"}
http_body=\${http_answer%"$newline"*}
case $http_status in
000 | *[!0-9]* | '')
http_status=
http_error=\${http_body#curl: }
http_error=\${http_error%%"$newline"*}
http_body=
;;
esac
}
http_cut() {
tr -d '\\0' | tail -c 65536
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
http_answer=$(printf 'GET %s HTTP/1.0\\r\\nHost: %s\\r\\nUser-Agent: health\\r\\nAccept: */*\\r\\nConnection: close\\r\\n\\r\\n' "$http_path" "$http_host" |
http_exchange "$2" 2>/dev/null | tr -d '\\0' | head -c 65536)
case $http_answer in
HTTP/*\\ [0-9][0-9][0-9]*)
http_status=\${http_answer#* }
http_status=\${http_status%"\${http_status#???}"}
http_body=\${http_answer#*"$newline$http_return$newline"}
return
;;
esac
done
http_error="no HTTP answer from $http_host within $2 s"
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
http_request=$(cat; printf .)
http_reply=$(printf '%s' "\${http_request%.}" | timed "$1" nc "$http_name" "$http_port")
case $http_reply in
HTTP/*) ;;
*) [ -z "$http_reply" ] && port_answers && http_reply=$({ printf '%s' "\${http_request%.}"; sleep "$1"; } | timed "$1" nc "$http_name" "$http_port") ;;
esac
printf '%s' "$http_reply"
fi
}
port_answers() {
limited 2 nc "$http_name" "$http_port" >/dev/null 2>&1
}
http_by_wget() {
http_answer=$(timed "$2" wget -S -O - -T "$2" -- "$1" 2>&1 | http_cut)
case $http_answer in
*HTTP/*)
http_status=\${http_answer##*HTTP/}
http_status=\${http_status#* }
http_status=\${http_status%"\${http_status#???}"}
http_body=$http_answer
;;
*) http_error=\${http_answer%%"$newline"*} ;;
esac
}
http_return=$(printf '\\r')
health_check() {
health_contains=$1
shift
health_reason=
if [ -n "$in_health_port" ] && ! port_owned_by "$in_health_port" "$@"; then
health_reason="pid $* does not listen on port $in_health_port"
port_inodes "$in_health_port"
[ -z "$port_inodes" ] || health_reason="another process than pid $* listens on port $in_health_port"
return 1
fi
[ -z "$in_health_url" ] || health_url || return 1
[ -n "$in_health_command" ] || return 0
limited 10 /bin/sh -c "$in_health_command" >/dev/null 2>&1 9>&- && return 0
health_reason="the health command ended with exit code $?"
return 1
}
health_url() {
if ! http_get "$in_health_url" 5; then
health_reason="$in_health_url: \${http_error:-no answer}"
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
user_shell_words() {
user_shell=/bin/sh
for user_shell_try in /bin/dash /usr/bin/dash; do
[ ! -x "$user_shell_try" ] || user_shell=$user_shell_try
done
user_words "$1"
case $user_words in
su*) user_shell_words="$user_words" ;;
*) user_shell_words="$user_words $user_shell" ;;
esac
user_shell_words=\${user_shell_words# }
}
user_words() {
user_words=
[ "$1" != "$(id -un)" ] && [ "$1" != "$(id -u)" ] || return 0
if command -v setpriv >/dev/null && setpriv --help 2>&1 | grep -q -- --reuid; then
user_words="setpriv --reuid=$1 --regid=$(id -g "$1") --init-groups --"
elif chroot --help 2>&1 | grep -q -- --userspec; then
user_words="chroot --userspec=$1: /"
else
user_words="su -s /bin/sh $1"
fi
}
as_user() {
user_words "$1"
shift
case $user_words in
su*) $user_words -c 'exec "$0" "$@"' -- "$@" ;;
*) $user_words "$@" ;;
esac
}
systemctl_for() {
systemctl_user=$1
shift
if [ -z "$systemctl_user" ]; then
limited 30 systemctl "$@"
else
systemctl_uid=$(id -u "$systemctl_user") || return 1
( XDG_RUNTIME_DIR=/run/user/$systemctl_uid && export XDG_RUNTIME_DIR && as_user "$systemctl_user" timeout 30 systemctl --user "$@" </dev/null 9>&- )
fi
}
unit_of() {
unit=
unit_user=
command -v systemctl >/dev/null || return 1
unit_path=
while IFS=: read -r unit_level unit_controllers unit_cgroup; do
case $unit_level:$unit_controllers in *:name=systemd | 0:) ;; *) continue ;; esac
case $unit_cgroup in *.service | *.service/*) unit_path=$unit_cgroup ;; esac
done <"/proc/$1/cgroup"
[ -n "$unit_path" ] || return 1
unit_name=
unit_manager=
unit_rest=$unit_path
while [ -n "$unit_rest" ]; do
unit_step=\${unit_rest%%/*}
case $unit_rest in */*) unit_rest=\${unit_rest#*/} ;; *) unit_rest= ;; esac
case $unit_step in
user@*.service) unit_manager=\${unit_step#user@} unit_manager=\${unit_manager%.service} unit_name= ;;
*.service) unit_name=$unit_step ;;
esac
done
[ -n "$unit_name" ] || return 1
if [ -n "$unit_manager" ]; then
unit_manager=$(stat -c %U "/proc/$1/." 2>/dev/null) || return 1
fi
unit_facts "$unit_name" "$unit_manager" || return 1
unit_manages "$1" || return 1
unit=$unit_name
unit_user=$unit_manager
}
unit_manages() {
[ "$unit_main" != 0 ] || return 1
IFS= read -r unit_comm <"/proc/$unit_main/comm" 2>/dev/null || return 1
unit_pid=$1
[ "$unit_pid" != "$unit_main" ] || return 0
case $unit_comm in sshd* | dropbear* | cron* | atd | login | agetty | *runner* | containerd* | dockerd* | lxd*) return 1 ;; esac
while [ "$unit_pid" -gt 1 ]; do
unit_parent=
while read -r unit_key unit_value; do
case $unit_key in PPid:) unit_parent=$unit_value ;; esac
done <"/proc/$unit_pid/status"
unit_pid=\${unit_parent:-0}
[ "$unit_pid" != "$unit_main" ] || return 0
done
return 1
}
unit_facts() {
unit_load='' unit_active='' unit_sub='' unit_main=0 unit_restarts=0 unit_type='' unit_triggers='' unit_exit='' unit_result=''
unit_error=
if ! unit_answer=$(systemctl_for "$2" show -p LoadState -p ActiveState -p SubState -p MainPID -p NRestarts -p Type -p TriggeredBy -p ExecMainStatus -p Result -- "$1" 2>&1); then
unit_error=$unit_answer
return 1
fi
unit_rest=$unit_answer$newline
while [ -n "$unit_rest" ]; do
unit_line=\${unit_rest%%"$newline"*}
unit_rest=\${unit_rest#*"$newline"}
unit_value=\${unit_line#*=}
case $unit_line in
LoadState=*) unit_load=$unit_value ;;
ActiveState=*) unit_active=$unit_value ;;
SubState=*) unit_sub=$unit_value ;;
MainPID=*) unit_main=$unit_value ;;
NRestarts=*) unit_restarts=$unit_value ;;
Type=*) unit_type=$unit_value ;;
TriggeredBy=*) unit_triggers=$unit_value ;;
ExecMainStatus=*) unit_exit=$unit_value ;;
Result=*) unit_result=$unit_value ;;
esac
done
}
unit_stop() {
unit_change stop "$@"
}
unit_start() {
systemctl_for "$2" reset-failed -- "$1" >/dev/null 2>&1
unit_change start "$@"
}
unit_change() {
unit_error=$( (
exec 9>&-
systemctl_for "$3" --no-block "$1" -- "$2" 2>&1
)) || return 1
uptime_cs
unit_until=$((now_cs + $4 * 100))
while :; do
unit_job=$(systemctl_for "$3" show -p Job -p ActiveState -- "$2" 2>&1) || { unit_error=$unit_job; return 1; }
case $unit_job in
*Job=[1-9]*) ;;
*)
case $1:$unit_job in
stop:*ActiveState=inactive* | stop:*ActiveState=failed* | start:*ActiveState=active* | start:*ActiveState=reloading*) return 0 ;;
start:*ActiveState=activating*) ;;
start:*) unit_error='it did not become active'; return 1 ;;
esac
;;
esac
uptime_cs
if [ "$now_cs" -ge "$unit_until" ]; then
unit_error="no end within $4 s"
return 1
fi
pause_cs 2
done
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
cd -P "./$walk_step" 2>/dev/null || { refused="$walk_at/$walk_step is no folder"; return 1; }
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
state_at=\${PWD%/}
if [ -L "./$state_folder" ] || ! cd -P "./$state_folder" 2>/dev/null || [ "$PWD" != "$state_at/$state_folder" ]; then
refused="$state_at/$state_folder is no folder of ours"
return 1
fi
case $(stat -c '%u %a' .) in
"$me 700") ;;
"$me "*) chmod 700 . ;;
*) refused="$state_at/$state_folder belongs to another account than $me_name, who deploys"; return 1 ;;
esac
}
look_for_unfinished() {
state_phase=
[ -f journal ] || return 0
state_owner=$(stat -c %U .)
state_phase=$(as_user "$state_owner" tail -n 1 journal)
case $state_phase in
phase=end) ;;
phase=*)
say unfinished "\${state_phase#phase=}"
state_run=$(as_user "$state_owner" head -n 1 journal)
say unfinished_run "\${state_run#transaction=}"
;;
esac
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
zero_words() {
tr '\\n\\0' '\\001\\n' <"$1" | sed "$2; s/'/'\\\\\\\\''/g; s/^/'/; s/\\$/'/" | tr '\\n\\001' ' \\n'
}
take_lock() {
exec 9>>lock || return 1
uptime_cs
lock_until=$((now_cs + $1 * 100))
until flock -n 9; do
uptime_cs
if [ "$now_cs" -ge "$lock_until" ]; then
lock_holder=
IFS= read -r lock_holder <lock
return 1
fi
pause_cs 20
done
printf '%s\\n' "$in_run (started $(date -u +%Y-%m-%dT%H:%M:%SZ), at most $in_limit_seconds s)" >lock
}
journal_open() {
{
printf 'transaction=%s\\n' "$in_run"
for journal_key in new_sha old_sha old_about was_running old_words old_dir old_user old_log old_umask restart unit unit_user sockets; do
eval "say $journal_key \\"\\\${$journal_key-}\\""
done
} >journal.new && sync journal.new && mv -f journal.new journal && sync .
}
journal() {
phase=$1
uptime_cs
say phase "$phase $((now_cs - began_cs))"
printf 'phase=%s\\n' "$phase" >>journal && sync journal
}
journal_read() {
journal_phase=
[ -f journal ] || return 1
while IFS= read -r journal_line; do
journal_value=\${journal_line#*=}
case $journal_line in
phase=*) journal_phase=$journal_value ;;
transaction=*) journal_run=$journal_value ;;
new_sha=* | old_sha=* | old_about=* | was_running=* | old_words=* | old_dir=* | old_user=* | old_log=* | old_umask=* | restart=* | unit=* | unit_user=* | sockets=*)
unsaid "$journal_value"
eval "\${journal_line%%=*}=\\$unsaid"
;;
esac
done <journal
[ -n "$journal_phase" ]
}
unsaid() {
case $1 in
*\\\\*) unsaid=$(printf '%b.' "$1") && unsaid=\${unsaid%.} ;;
*) unsaid=$1 ;;
esac
}
keep_previous() {
[ -n "$old_sha" ] || return 0
rm -f "releases/$old_sha"
kept_now=$old_sha
ln "../$in_name" "releases/$old_sha" 2>/dev/null || cp -p "../$in_name" "releases/$old_sha" || return 1
if [ -L "releases/$old_sha" ] || [ ! -f "releases/$old_sha" ] || ! sha256_of_seen; then
return 1
fi
printf '%s %s %s\\n' "$old_about" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$in_run" >"releases/$old_sha.about"
sync "releases/$old_sha" "releases/$old_sha.about" releases
}
sha256_of_seen() {
case $in_seen in
"$(stat -c '%d %i %s %Y' "releases/$old_sha") "*) ;;
*) sha256_is "$old_sha" <"releases/$old_sha" ;;
esac
}
keep_packed() {
[ -n "$old_sha" ] || return 0
for packed in "releases/$old_sha" "releases/$old_sha.zst" "releases/$old_sha.gz"; do
[ ! -e "$packed" ] || return 0
done
if command -v zstd >/dev/null; then packed=releases/$old_sha.zst; pack='zstd -q -c -1'; else packed=releases/$old_sha.gz; pack='gzip -c -1'; fi
$pack <"../$in_name" >"$packed" || { rm -f "$packed"; return 1; }
unpack "$packed" | sha256_is "$old_sha" || { rm -f "$packed"; return 1; }
printf '%s %s %s\\n' "$old_about" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$in_run" >"releases/$old_sha.about"
sync "$packed" "releases/$old_sha.about" releases
}
release_file() {
for release_file in "releases/$1" "releases/$1.zst" "releases/$1.gz"; do
[ ! -f "$release_file" ] || return 0
done
release_file=
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
release_file "$1" || return 1
rm -f restored
case $release_file in
*.zst | *.gz) unpack "$release_file" >restored && restore_metadata "$1" restored ;;
*) ln "$release_file" restored 2>/dev/null || cp -p "$release_file" restored ;;
esac && sync restored
}
restore_metadata() {
IFS=' ' read -r about_owner about_mode about_rest <"releases/$1.about" || return 1
chown "$about_owner" "$2" 2>/dev/null || [ "$me" != 0 ] || return 1
chmod "$about_mode" "$2"
}
prune_releases() {
rm -f "releases/$1" "releases/$1.zst" "releases/$1.gz" "releases/$1.about"
prune_seen=0
for prune_about in $(ls -t releases); do
case $prune_about in *.about) ;; *) continue ;; esac
prune_seen=$((prune_seen + 1))
[ "$prune_seen" -gt "$in_keep_releases" ] || continue
prune_sha=\${prune_about%.about}
rm -f "releases/$prune_sha" "releases/$prune_sha.zst" "releases/$prune_sha.gz" "releases/$prune_about"
done
}
receive() {
rm -f incoming
received=$(decode 2>decode.errors 9>&- | digest 9>&-)
exec 3<&-
received_bytes=$(stat -c %s incoming 2>/dev/null || echo 0)
if [ "$received_bytes" != "$in_size" ]; then
refused="$received_bytes of $in_size bytes arrived$(room_left)"
return 1
fi
if [ "$received" != "$in_sha256" ]; then
refused="the bytes that arrived have sha256 \${received:-unknown}, not $in_sha256"
return 1
fi
rm -f decode.errors
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
while [ "$silence_left" -gt 0 ]; do
sleep 1 &
silence_pause=$!
wait "$silence_pause"
kill -0 "$1" || return
silence_left=$((silence_left - 1))
silence_now=$(stat -c %s incoming)
[ "$silence_now" != "$silence_size" ] || continue
silence_size=$silence_now
silence_left=$in_silence_seconds
done
printf 'nothing came for %s s\\n' "$in_silence_seconds" >decode.errors
kill "$1"
}
apply_delta() {
PERL5OPT='' PERL5LIB='' perl -e "$in_apply" "../$in_name"
}
room_left() {
IFS= read -r decode_error <decode.errors && printf ' (%s)' "$decode_error"
df -P . | { read -r _ && read -r _ _ _ df_free _ && printf '; %s kB are free in this folder' "$df_free"; }
rm -f decode.errors
}
take_release() {
restore_file "$in_sha256" || { refused="the release $in_sha256 is gone"; return 1; }
if ! sha256_is "$in_sha256" <restored; then
refused="the kept release $in_sha256 was changed since it was kept; it is not used"
return 1
fi
mv -f restored incoming
}
copy_live() {
cp "releases/$old_sha" incoming && sha256_is "$in_sha256" <incoming && return 0
refused='the file changed while it was copied'
return 1
}
dress() {
dress_like=
[ -z "$old_sha" ] || [ "$in_strategy" != staged ] || dress_like=releases/$old_sha
[ -z "$in_owner" ] || chown "$in_owner" incoming || { refused="the owner can't be set to $in_owner"; return 1; }
if [ -n "$dress_like" ] && [ -f "$dress_like" ]; then
if cp --attributes-only --preserve=mode,xattr "$dress_like" incoming 2>dress.errors; then
[ ! -e /sys/fs/selinux/enforce ] || cp --attributes-only --preserve=context "$dress_like" incoming 2>>dress.errors || :
elif [ -n "$in_old_capabilities" ]; then
setcap "$in_old_capabilities" incoming || { refused="the capabilities $in_old_capabilities can't be carried over: neither GNU cp nor setcap does it here"; return 1; }
fi
rm -f dress.errors
elif [ -n "$in_old_capabilities" ] && [ -z "$in_capabilities" ]; then
setcap "$in_old_capabilities" incoming || { refused="the capabilities $in_old_capabilities can't be carried over"; return 1; }
fi
chmod "$in_mode" incoming || { refused="the mode can't be set to $in_mode"; return 1; }
if [ -n "$in_capabilities" ]; then
setcap "$in_capabilities" incoming || { refused="the capabilities $in_capabilities can't be set"; return 1; }
fi
sync incoming || { refused='the new file could not be written to disk'; return 1; }
}
stop_all() {
case $restart in
systemd) unit_stop_all || return 1 ;;
command) [ -z "$in_stop_command" ] || stop_by_command || return 1 ;;
esac
stop_processes
}
unit_stop_all() {
for stop_unit in $sockets $unit; do
unit_stop "$stop_unit" "$unit_user" "$((in_stop_timeout_seconds + 10))" || { refused="systemd could not stop $stop_unit: $unit_error"; return 1; }
done
}
stop_by_command() {
limited "$((in_stop_timeout_seconds + 10))" /bin/sh -c "$in_stop_command" >command.output 2>&1 9>&- && return 0
refused="the stop command ended with exit code $?"
return 1
}
stop_processes() {
find_executors
stop_kill=$in_stop_signal
stop_seconds=$in_stop_timeout_seconds
while [ -n "$running" ]; do
stop_with "$stop_kill" "$stop_seconds"
find_executors
[ -n "$running" ] || break
if [ "$stop_kill" = KILL ]; then
refused="still alive 5 s after KILL: pid $running"
return 1
fi
say note "no end on $stop_kill within $stop_seconds s, so KILL: pid $running"
stop_kill=KILL
stop_seconds=5
done
}
stop_with() {
stop_marks=
for stop_pid in $running; do
process_start "$stop_pid" && stop_marks="$stop_marks $stop_pid:$process_start"
done
uptime_cs
stop_until=$((now_cs + $2 * 100))
kill -s "$1" $running 2>/dev/null
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
find_running "$in_folder/$in_name" "releases/$old_sha" incoming
}
start_it() {
pid=
reaped=
adopted=
uptime_cs
start_mark=$now_cs
case $restart in
none) return 0 ;;
systemd) start_unit ;;
command) start_by_command ;;
process) start_process ;;
esac
}
start_unit() {
for start_name in $unit $sockets; do
unit_start "$start_name" "$unit_user" "$in_health_timeout_seconds" || { refused="systemd could not start $start_name: $unit_error"; return 1; }
done
unit_main_pid
}
unit_main_pid() {
unit_facts "$unit" "$unit_user" || return 0
pid=$unit_main
[ "$pid" != 0 ] || pid=
}
start_by_command() {
: >command.output
(ulimit -S -c "$core_limit"; exec setsid /bin/sh -c "$in_start_command") </dev/null >command.output 2>&1 9>&- &
command_pid=$!
}
prepare_process() {
quoted "$run_dir" && start_dir=$quoted
quoted "$run_log" && start_log=$quoted
if [ "$run_dir" = "$in_folder" ]; then quoted "./$in_name"; else quoted "$in_folder/$in_name"; fi
undo_ignored
starter="umask $run_umask
ulimit -S -c $core_limit
\${run_env:+export $run_env
}cd -- $start_dir && exec $undo_ignored $quoted $run_words </dev/null >>$start_log 2>&1 9>&- 3<&- 8<&-"
user_shell_words "$run_user"
}
start_process() {
printf '%s\\n' "$starter" | exec setsid $user_shell_words >/dev/null 2>start.errors 9>&- &
pid=$!
}
undo_ignored() {
undo_ignored=
case $in_folder/$in_name in *=*) return 0 ;; esac
if env --default-signal=INT,QUIT true 2>/dev/null; then
undo_ignored="$(command -v env) --default-signal=INT,QUIT"
fi
}
remember_running() {
old_words=$(zero_words "/proc/$1/cmdline" 1d)
old_env=$(zero_words "/proc/$1/environ" '/^[A-Za-z_][A-Za-z0-9_]*=/!d; /^\\(UID\\|EUID\\|PPID\\|SHELLOPTS\\|BASHOPTS\\|BASH_VERSINFO\\|_\\)=/d')
old_dir=$(readlink "/proc/$1/cwd")
old_log=$(readlink "/proc/$1/fd/1" 2>/dev/null)
case $old_log in /*' (deleted)' | '') old_log=/dev/null ;; /*) ;; *) old_log=/dev/null ;; esac
old_umask=022
while read -r remember_key remember_value; do
case $remember_key in Umask:) old_umask=$remember_value ;; esac
done <"/proc/$1/status"
old_user=$(stat -c %U "/proc/$1")
}
prove() {
failed=health
prove_contains=$1
uptime_cs
prove_until=$((start_mark + in_health_timeout_seconds * 100))
prove_pause=1
until prove_once; do
[ -z "$gone" ] || return 1
uptime_cs
if [ "$now_cs" -ge "$prove_until" ]; then
refused="not healthy within $in_health_timeout_seconds s: $health_reason"
return 1
fi
pause_cs "$prove_pause"
[ "$prove_pause" -ge 50 ] || prove_pause=$((prove_pause * 3 / 2 + 1))
done
uptime_cs
[ -z "$down_mark" ] || downtime_cs=$((now_cs - down_mark))
failed=stable
journal "\${stable_phase:-stable}"
[ "$restart" = none ] || prove_stable
}
prove_once() {
gone=
[ "$restart" != none ] || return 0
find_pid || return 1
health_check "$prove_contains" "$pid"
}
find_pid() {
health_reason='no process executes the file yet'
[ "$restart" != systemd ] || unit_main_pid
if [ -n "$pid" ] && [ "/proc/$pid/exe" -ef "../$in_name" ]; then
health_reason=
return 0
fi
case $restart in
process)
if process_running "$pid"; then return 1; fi
find_forked || process_ended
;;
command)
find_forked && return 0
command_ended
;;
systemd)
unit_facts "$unit" "$unit_user"
case $unit_active/$unit_sub in
failed/*)
gone=yes
refused="the unit failed: $unit_result, exit status $unit_exit"
;;
*/auto-restart)
gone=yes
refused="the program ended at once (exit status $unit_exit) and systemd starts it again"
;;
*) find_forked ;;
esac
;;
esac
}
find_forked() {
find_running "$in_folder/$in_name"
[ -n "$running" ] || return 1
eldest_running
pid=$eldest
health_reason=
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
reap "$pid"
uptime_cs
ended_after=$((now_cs - start_mark))
if [ "$ended_code" -gt 128 ]; then ended_how="was killed by signal $((ended_code - 128))"; else ended_how="exited with code $ended_code"; fi
seconds_text "$ended_after"
refused="the process $ended_how after $seconds_text"
return 1
}
command_ended() {
process_running "$command_pid" && return 1
wait "$command_pid" 2>/dev/null
ended_code=$?
[ "$ended_code" -ne 0 ] || return 1
gone=yes
refused="the start command ended with exit code $ended_code"
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
}
prove_stable() {
stable_pid=$pid
process_start "$pid"
stable_start=$process_start
stable_restarts=\${unit_restarts:-0}
uptime_cs
stable_until=$((now_cs + in_stable_cs))
while :; do
uptime_cs
[ "$now_cs" -lt "$stable_until" ] || break
stable_left=$((stable_until - now_cs))
if [ "$stable_left" -gt 20 ]; then pause_cs 20; else pause_cs "$stable_left"; fi
if ! process_alive "$stable_pid" "$stable_start"; then
if went_to_background; then
prove_stable
return
fi
if [ "$restart" = process ] && [ "$stable_pid" = "$pid" ]; then
process_ended
else
refused="pid $stable_pid ended within the stable window"
fi
return 1
fi
done
if [ "$restart" = systemd ]; then
unit_facts "$unit" "$unit_user"
if [ "$unit_main" != "$stable_pid" ] || [ "\${unit_restarts:-0}" != "$stable_restarts" ]; then
refused="systemd restarted it within the stable window (pid $stable_pid, then $unit_main)"
return 1
fi
fi
[ "/proc/$stable_pid/exe" -ef "../$in_name" ] || { refused="pid $stable_pid executes another file now"; return 1; }
health_check "$prove_contains" "$stable_pid" || { refused="no longer healthy after the stable window: $health_reason"; return 1; }
}
activate() {
prepare_new
if stop_all_and_check; then
if swap && start_new && prove yes; then
accept
return
fi
fi
[ "$in_rollback" = true ] || { leave_broken 'going back is switched off (rollback: false)'; return; }
remember_failure
go_back
}
stop_all_and_check() {
failed=stop
journal stop || { refused='the journal can not be written'; return 1; }
uptime_cs
down_mark=$now_cs
stop_all && port_is_free
}
port_is_free() {
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
swap() {
failed=swap
if [ "$in_strategy" = in-place ]; then
rm -f "../$in_name"
journal receive
receive && dress || return 1
fi
[ "$in_encoding" != none ] || return 0
journal swap || { refused='the journal can not be written'; return 1; }
put_live incoming
}
put_live() {
[ ! "$1" -ef "../$in_name" ] || { rm -f "$1"; return 0; }
mv -fT "$1" "../$in_name" 2>/dev/null || { refused="the new file can't be renamed to $in_folder/$in_name"; return 1; }
}
prepare_new() {
run_user=$in_run_as
run_dir=$in_working_directory
run_words=$in_args
run_env=$in_environment
run_log=$in_log_file
[ -n "$run_log" ] || run_log=/dev/null
run_umask=022
[ "$restart" != process ] || prepare_process
log_inode=0
[ -z "$in_log_file" ] || log_inode=$(as_user "$run_user" stat -L -c %i "$in_log_file" 2>/dev/null)
}
start_new() {
failed=start
log_mark
journal start || { refused='the journal can not be written'; return 1; }
start_it
}
log_mark() {
log_from=0
[ -n "$in_log_file" ] || return 0
log_from=$(as_user "$run_user" wc -c "$in_log_file" 2>/dev/null)
log_from=\${log_from%% *}
log_from=\${log_from:-0}
}
accept() {
journal accept
sync ..
remember_live "$new_sha"
prune_releases "$new_sha"
finish active
}
remember_failure() {
failure=$refused
failed_in=$failed
say failed "$failed_in"
say why "$failure"
case $restart in
systemd)
if [ -z "$unit_user" ]; then
say output "$(limited 5 journalctl -u "$unit" -n 20 -o cat --no-pager 2>/dev/null | tail -c 8000)"
fi
;;
command) [ ! -s command.output ] || say output "$(tail -c 8000 command.output)" ;;
esac
if [ -n "$in_log_file" ] && [ "$failed_in" != stop ]; then
say output "$(as_user "$run_user" tail -c "+$((log_from + 1))" "$in_log_file" 2>/dev/null | tail -c 8000)"
fi
rm -f command.output start.errors
}
go_back() {
journal rollback
if [ "$failed" = stop ] && live_is_old; then
if find_forked; then
keep_running
return
elif [ "$was_running" != yes ]; then
rm -f "releases/$old_sha" "releases/$old_sha.about"
finish staged
return
fi
fi
if ! stop_all; then
leave_broken "$refused"
return
fi
if [ -z "$old_sha" ]; then
rm -f "../$in_name"
pid=
finish rolled-back
return
fi
if ! live_is_old; then
rm -f incoming
if ! { restore_file "$old_sha" && put_live restored; }; then
leave_broken "the previous release $old_sha can't be put back"
return
fi
fi
rm -f restored
start_old
stable_phase=rollback-stable
if [ "$refused" = '' ] && prove ''; then
rm -f "releases/$old_sha" "releases/$old_sha.zst" "releases/$old_sha.gz" "releases/$old_sha.about"
remember_live "$old_sha"
finish rolled-back
else
leave_broken "the previous version is in place again, but $refused"
fi
}
keep_running() {
reaped=
adopted=
uptime_cs
start_mark=$now_cs
stable_phase=rollback-stable
if prove ''; then finish rolled-back; else leave_broken "the previous version still runs, but $refused"; fi
}
live_is_old() {
[ -f "../$in_name" ] && [ ! -L "../$in_name" ] || return 1
[ ! -f "releases/$old_sha" ] || { [ "releases/$old_sha" -ef "../$in_name" ]; return; }
sha256_is "$old_sha" <"../$in_name"
}
start_old() {
refused=
run_words=$old_words
run_env=$old_env
run_dir=$old_dir
run_user=$old_user
run_log=$old_log
run_umask=$old_umask
if [ "$was_running" != yes ]; then
run_words=$in_args
run_dir=$in_working_directory
run_user=$in_run_as
run_log=$in_log_file
run_umask=022
fi
[ -n "$run_env" ] || run_env=$in_environment
[ -n "$run_log" ] || run_log=/dev/null
[ "$restart" != process ] || prepare_process
journal restart-old
start_it || :
}
leave_broken() {
say broken "$1"
finish broken
}
remember_live() {
printf '%s %s\\n' "$1" "$(stat -c '%d %i %s %Y %Z' "../$in_name")" >live.new
printf '%s\\n' "$in_workflow" "$in_run_number" "$in_run" "\${log_inode:-0} \${log_from:-0}" >>live.new
mv -f live.new live
}
finish() {
journal end >/dev/null
printf '%s %s %s %s %s\\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "\${new_sha:--}" "\${in_run:--}" "\${in_actor:--}" "$1" >>history
tail -n 100 history >history.new && mv -f history.new history
rm -f incoming restored command.output start.errors decode.errors
say state "$1"
say pid "$pid"
say downtime_ms "$((\${downtime_cs:-0} * 10))"
end
}
follow() {
follow_ended=
follow_pid=
exec 8<progress
while [ -z "$follow_ended" ]; do
process_alive "$1" "$2" || follow_ended=yes
while IFS= read -r follow_line <&8; do
case $follow_line in
begin) continue ;;
end)
[ -z "$follow_pid" ] || [ -e "/proc/$follow_pid" ] || say gone "$follow_pid"
end
return 0
;;
pid=*) follow_pid=\${follow_line#pid=} ;;
esac
printf '%s\\n' "$follow_line"
done
[ -n "$follow_ended" ] || pause_cs 3
done
say died yes
end
}
main() {
prelude
set -u
uptime_cs
began_cs=$now_cs
if [ "\${in_detached:-}" = yes ]; then detached; else session; fi
}
session() {
begin
me=$(id -u)
me_name=$(id -un)
handed=
kept_now=
trap 'exit 130' HUP INT TERM PIPE
trap leave EXIT
enter_folder "$in_folder" && enter_state create || give_up refused
take_lock "$in_lock_timeout_seconds" || give_up locked "$lock_holder"
[ "$in_action" = revert ] || [ "$(seen)" = "$in_seen" ] || give_up changed
mkdir -p releases
old_sha=$in_old_sha
old_about=$in_old_about
exec 3<&0
stage || give_up refused
hand_over
}
seen() {
stat -c '%d %i %s %Y %Z' "../$in_name" 2>/dev/null || printf 'none\\n'
[ ! -f journal ] || tail -n 1 journal
}
stage() {
if [ "$in_action" = revert ]; then
exec 3<&-
handed_id=
[ ! -f handed ] || IFS=' ' read -r handed_id _ <handed
[ "$handed_id" = "$in_reverted" ] || { refused='another deploy has come since'; return 1; }
return 0
fi
if [ "$in_action" = recover ]; then
exec 3<&-
return 0
fi
if [ "$in_strategy" = in-place ] && [ "$in_encoding" != none ]; then
keep_packed || { refused='the previous release could not be kept, even compressed'; return 1; }
return 0
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
keep_previous || { refused='the previous release could not be kept'; return 1; }
[ "$in_encoding" != copy ] || copy_live || return 1
[ "$in_encoding" = none ] || dress
}
leave() {
[ -z "$handed" ] || return 0
case $PWD in */".$in_name.deploy") rm -f incoming restored decode.errors "releases/\${kept_now:-none}" "releases/\${kept_now:-none}.about" ;; esac
}
give_up() {
say gave_up "$1"
say why "\${2:-\${refused:-}}"
end
exit 1
}
hand_over() {
rm -f progress handed
: >progress
handed=yes
scope_words
printf 'in_detached=yes\\\\ncore_limit=%s\\\\n%s\\n' "$core_limit" "$line" |
exec $scope_words setsid /bin/sh -c 'IFS= read -r line && eval "$(printf %b "$line")"' >progress 2>/dev/null &
transaction=$!
process_start "$transaction"
printf '%s\\n' "$in_id $transaction $process_start" >handed
exec 9>&- 3<&-
say handed "$transaction"
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
detached() {
trap : HUP INT TERM QUIT PIPE USR1 USR2
me=$(id -u)
begin
new_sha=$in_sha256
old_sha=$in_old_sha
old_about=$in_old_about
restart=$in_restart
unit=$in_unit
unit_user=$in_unit_user
sockets=
if [ "$restart" = systemd ] && unit_facts "$unit" "$unit_user"; then sockets=$unit_triggers; fi
refused='' failed='' down_mark='' downtime_cs='' pid=''
old_words='' old_env='' old_dir='' old_user='' old_log='' old_umask=''
was_running=no
find_executors
if [ -n "$running" ]; then
was_running=yes
eldest_running
[ "$restart" != process ] || remember_running "$eldest"
fi
case $in_action in
recover) recover ;;
revert) revert ;;
deploy)
journal_open
activate
;;
esac
}
recover() {
recover_env=$old_env
journal_read || { finish untouched; return; }
old_env=$recover_env
was_running=\${was_running:-no}
case $journal_phase in
accept) keep_accepted ;;
*) go_back ;;
esac
}
keep_accepted() {
prepare_new
command_pid=
reaped=
adopted=
uptime_cs
start_mark=$now_cs
stable_phase=accept
if [ -n "$running" ]; then pid=$eldest; else start_it || :; fi
if [ -z "$refused" ] && prove ''; then
remember_live "$new_sha"
finish active
else
stable_phase=rollback-stable
remember_failure
go_back
fi
}
revert() {
revert_env=$old_env
journal_read || { refused='the journal is gone'; leave_broken "$refused"; return; }
old_env=$revert_env
go_back
}
main`;var Qh=30,Iy=5e4;async function Mh(e,n){let t={bytes:0,whole:!1},r=By(n);for(;;)try{return await vy(e,n,{sending:t,form:await Cy(e,n,r)})}catch(i){if(i instanceof Sr)n.log.line(`The delta came to nothing: ${i.message}.`),r={lacks:"it came to nothing"};else if(i instanceof Ir)n.log.line(`${i.message}: another way ends sooner.`);else throw i}}c(Mh,"activate");async function vy(e,n,{sending:t,form:r}){let{inputs:i,plan:o}=n,{encoding:s,payload:a}=r;t.whole=a===void 0;let u=s.startsWith("delta")?Rh:void 0,l={...Yh(n),action:"deploy",encoding:s,apply:u};await n.onBegin({id:l.id,sudo:n.found.sudo,limitSeconds:$n(i)});let d=await Gh(e,n,{values:l,sending:t,form:r}),h=_i(d,n.inputs.environment);if(!h&&t.failure instanceof Ir)throw t.failure;if(u&&!h&&t.failure)throw new Sr(t.failure.message);return h?{...h,bytesSent:t.bytes}:!t.whole&&i.strategy==="staged"?Ft({state:"untouched",failed:"upload",why:`${wc(d)} before the upload of ${Ct(o.file.bytes)} was whole`,bytesSent:t.bytes}):{...await jh(n,l.id,wc(d)),bytesSent:t.bytes}}c(vy,"attempt");function Kh(e,n){return Zh(e,n,{action:"recover"})}c(Kh,"recover");function Wh(e,n,t){return Zh(e,n,{action:"revert",reverted:t})}c(Wh,"revert");async function Zh(e,n,t){let r={...Yh(n),...t,encoding:"none"},i=await Gh(e,n,{values:r,sending:{bytes:0,whole:!0}});return _i(i,n.inputs.environment)??await jh(n,r.id,wc(i))}c(Zh,"work");function jh(e,n,t){return e.log.line(`Lost the target: ${t}. The transaction goes on there by itself; connecting again to learn its end.`),Do({...e,sudo:e.found.sudo,limitSeconds:$n(e.inputs)},n)}c(jh,"learnAfter");var Ir=class extends Error{static{c(this,"TooSlowError")}};async function Gh(e,{inputs:n,found:t,plan:r,transfers:i,log:o,signal:s},{values:a,sending:u,form:l}){u.failure=void 0;try{return await kr(e,{text:zh,values:a},{sudo:t.sudo,what:`Activating ${n.destination}`,limitSeconds:qh(r.file.bytes)+n.lockTimeoutSeconds+$n(n),signal:s,onSay:Uo(o),payload:c(async d=>{if(!l?.payload){d.end();return}let h=n.strategy==="staged"&&n.lockTimeoutSeconds>=5,_=u.bytes,A=Ry(o),x=c((b,E)=>{if(u.bytes=_+b,A(b),!(!h||!E||!l.isTooSlow?.(b,E)))throw new Ir(`The link carries ${Ct(E)}/s`)},"onProgress");try{let b=await Oh(l.payload.read(),d,{stallSeconds:Qh,onProgress:x});u.whole=!0,i.measured(b.bytesPerSecond)}catch(b){throw(b instanceof vn||b instanceof Ir)&&(u.failure=b),b}},"payload")})}catch(d){return{error:d}}}c(Gh,"runDeploy");function wc({error:e}){return e instanceof ut?e.fields.why.replace(/\.$/,""):e?.message??"the connection was lost"}c(wc,"lostWhy");async function Cy(e,{plan:n,found:t,source:r,transfers:i,log:o},s){if(n.file.from==="release")return{encoding:"release"};if(n.file.from==="a copy of it")return{encoding:"copy"};if(n.file.from==="in place already"||!r)return{encoding:"none"};let[a,u]=[e.isNear(),e.roundTripMs()],l=await i.choose(r,{near:a,roundTripMs:u,tools:t.tools,present:s});return o.phase("transfer",l.why),l}c(Cy,"chooseForm");function By({found:{file:e},inputs:n}){return e?.sha256?n.strategy==="in-place"?{lacks:"in-place removes the present file first"}:e:{lacks:"there is no file yet"}}c(By,"presentFile");function qh(e){return 120+Math.ceil(e/Iy)}c(qh,"uploadLimitSeconds");function $n({stopTimeoutSeconds:e,health:n}){return 2*(e+20+n.timeoutSeconds+10+n.stableSeconds+10)+60}c($n,"transactionLimitSeconds");function Yh({inputs:e,found:n,plan:t,run:r}){return{id:(0,Fh.randomUUID)(),folder:e.folder,name:e.name,run:r.url||"a run outside a workflow",actor:r.actor,workflow:`${r.repository} ${r.workflow}`,run_number:r.number,seen:n.seen,size:t.file.bytes,sha256:t.file.sha256,old_sha:n.file?.sha256,old_about:n.file?`${n.file.owner} ${n.file.mode}`:"",old_capabilities:n.file?.capabilities,owner:t.owner.includes(":")?t.owner:`${t.owner}:`,mode:t.mode,capabilities:e.capabilities,strategy:e.strategy,restart:t.restart,unit:t.unit,unit_user:t.unitUser,stop_command:e.stopCommand,start_command:e.startCommand,stop_signal:e.stopSignal,stop_timeout_seconds:e.stopTimeoutSeconds,run_as:t.runAs,args:hi(e.args),environment:hi(e.environment),working_directory:e.workingDirectory??e.folder,log_file:e.logFile,...bc(e),health_timeout_seconds:e.health.timeoutSeconds,stable_cs:Math.round(e.health.stableSeconds*100),stable_seconds:e.health.stableSeconds,rollback:String(e.rollback),keep_releases:e.keepReleases,lock_timeout_seconds:e.lockTimeoutSeconds,upload_limit_seconds:qh(t.file.bytes),silence_seconds:Qh,limit_seconds:$n(e),session_kills:n.sessionKills?"yes":""}}c(Yh,"deployValues");function Ry(e){let n=Date.now(),t=2e3;return r=>{Date.now()-n<t||(n=Date.now(),t=Math.min(2*t,3e4),e.phase("upload",`${Ct(r)} sent`))}}c(Ry,"tellProgress");function Xh(e,n,{source:t,build:r}){let i=e.rollbackTo?Ty(e.rollbackTo,n):void 0,{restart:o,unit:s,unitUser:a,because:u}=Ny(e,n),l=e.owner??n.file?.owner??n.login,d={file:{from:"upload",sha256:"",bytes:0},owner:l,mode:e.mode??n.file?.mode??"0755",restart:o,unit:s,unitUser:a,runAs:e.runAs??(l.split(":")[0]||n.login)};d.file=Py(n,t,{release:i?.sha256,looksRight:!Vh(e,n,d)});let h=[...Oy(e,n,t),...Ly(e,n),...Uy(e,n,d.file),...Hy(n,d),...zy(n,d),...Fy(e,n),...Qy(e,n,i),...My(e,n,r)];if(h.length>0)return{...d,kind:"refused",obstacles:h,steps:[]};let _=Ky(e,n,d);return _?{...d,kind:"deploy",obstacles:h,steps:Zy(e,n,{plan:d,difference:_,because:u})}:{...d,kind:"unchanged",obstacles:h,steps:[]}}c(Xh,"planDeploy");function Py(e,n,{release:t,looksRight:r}){let i=n?.sha256??t??"",o=n?.bytes??0;return e.file?.sha256!==i?{from:n?"upload":"release",sha256:i,bytes:o}:{from:r?"in place already":"a copy of it",sha256:i,bytes:e.file.bytes}}c(Py,"newFile");function Ty(e,n){if(e==="previous")return n.releases[0];let t=n.releases.filter(({sha256:r})=>r.startsWith(e));return t.length===0&&n.file?.sha256.startsWith(e)?{sha256:n.file.sha256}:t.length===1?t[0]:void 0}c(Ty,"findRelease");function Ny(e,n){let t=n.processes.find(({unit:o})=>o!=="");if(e.service){let o=Lo(e.service.replace(/^user:/,"")),s=n.service?.user??"";return{restart:"systemd",unit:o,unitUser:s,because:"the input service names it"}}if((e.restart==="auto"||e.restart==="systemd")&&t){let{unit:o,unitUser:s}=t;return{restart:"systemd",unit:o,unitUser:s,because:`it manages pid ${t.pid}, which runs the file`}}let r=e.restart==="auto"?"process":e.restart,i=e.restart==="auto"?"no unit manages the program":`restart is ${r}`;return{restart:r,unit:"",unitUser:"",because:i}}c(Ny,"chooseRestart");function Oy(e,n,t){let r=[];for(let i of["flock","setsid","sha256sum","stat","timeout"])n.tools.has(i)||r.push({why:`the target has no \`${i}\`.`,remedy:"install util-linux and coreutils there, or busybox."});return n.sudoError!==void 0&&r.push({why:`root is needed, because ${n.needsRoot}, and sudo refuses: ${n.sudoError||"no reason given"}`,remedy:`allow ${n.login} to use sudo without a password there, or log in as the account that owns the file.`}),n.stateRefused&&r.push({why:`${n.stateRefused}.`,remedy:"deploy with the account that owns it, or move it away (its kept releases go with it)."}),t?t.elf?(uu(t.elf,n.machine)?t.elf.interpreter&&!n.interpreterExists&&r.push({why:`${t.path} needs the loader ${t.elf.interpreter}, which the target does not have.`,remedy:/musl/.test(t.elf.interpreter)?"build it for glibc, or link it statically.":"build it for the C library of the target (musl?), or link it statically."}):r.push({why:`${t.path} is built for ${t.elf.machine}, the target is ${n.machine}.`,remedy:"build for the target, or correct host."}),r):(["auto","process"].includes(e.restart)&&r.push({why:`${t.path} is no ELF program, so the process that runs it can't be found by what it executes.`,remedy:"ship the compiled binary; for a script use restart: systemd, command or none."}),r):r}c(Oy,"hostObstacles");function Ly(e,n){let t=[];if(n.folderRefused&&t.push({why:`${n.folderRefused}.`,remedy:`create the folder ${e.folder} with the owner it is to have, or correct destination.`}),n.fileProblem&&t.push({why:`${n.fileProblem}.`,remedy:"name the regular file itself as destination, readable to this account."}),!n.folder)return t;let{path:r,owner:i,mode:o,mount:s,options:a}=n.folder;a.includes("ro")?t.push({why:`${s} is mounted read-only.`,remedy:`remount ${s} read-write; if it became read-only by itself, check its disk.`}):!n.folder.writable&&n.sudoError===void 0&&t.push({why:`${n.login} can't write to ${r} (${i}, ${o}).`,remedy:"allow sudo, or log in as an account that may."}),a.includes("noexec")&&t.push({why:`${s} is mounted noexec, so nothing in ${r} can be started.`,remedy:"choose a destination on another file system."});for(let u of n.immutable)t.push({why:`the ${u==="file"?"file":`folder ${r}`} is immutable or append-only.`,remedy:`run \`chattr -i -a ${u==="file"?e.destination:r}\` there if that was not meant.`});return t}c(Ly,"fileObstacles");function Uy({strategy:e},n,t){return t.from!=="upload"||!n.folder?[]:(e==="staged"?t.bytes:t.bytes-(n.file?.bytes??0)*(1-1/3))+Dy<=n.freeBytes?[]:[{why:`${Ct(t.bytes)} are to be written, ${Ct(n.freeBytes)} are free on ${n.folder.mount}.`,remedy:e==="staged"?"free some room there, or use strategy: in-place.":"free some room there."}]}c(Uy,"roomObstacles");var Dy=1e6;function Hy(e,n){let t=e.missingUsers.map(i=>({why:`there is no user ${i} on the target.`,remedy:"create it there, or correct owner and run-as."}));return e.missingGroup&&t.push({why:`there is no group ${e.missingGroup} on the target.`,remedy:"create it there, or correct owner."}),n.restart!=="process"||t.length>0||(!(e.asRoot||n.runAs===e.login)&&e.sudoError===void 0&&t.push({why:`${e.login} can't start a program as ${n.runAs}.`,remedy:"allow sudo, or log in as that account."}),n.runAs==="root"&&e.folder&&!["root","0"].includes(e.folder.owner)&&t.push({why:`root would execute a file from ${e.folder.path}, where ${e.folder.owner} can put another one.`,remedy:"set run-as to the service account, or give the folder to root."})),t}c(Hy,"accountObstacles");function zy(e,{restart:n,unit:t}){let r=[];return n==="systemd"&&!t&&r.push({why:"no unit runs the file now, so which one is meant is unknown.",remedy:"set service to the name of the unit."}),e.serviceError!==void 0?r.push({why:`the unit ${t} can't be asked for: ${e.serviceError}.`,remedy:"is systemd running there, and the user manager for a user unit?"}):e.service&&e.service.load!=="loaded"&&r.push({why:`the unit ${t} is ${e.service.load||"not there"}.`,remedy:"install and load the unit first (systemctl daemon-reload), or correct service."}),n==="none"&&e.processes.length>0&&r.push({why:`restart is none, but ${Jh(e.processes)} runs the file.`,remedy:"stop it first, or let this step restart it: restart: auto."}),e.unseen&&e.sudoError===void 0&&r.push({why:`pid ${e.unseen} may run the file, but ${e.login} can't see what it executes.`,remedy:e.asRoot?"start the container with --cap-add SYS_PTRACE: its root may not look into other processes.":"log in as root or as its account, or allow sudo."}),e.sessionKills&&!e.asRoot&&!e.lingers&&n!=="systemd"&&r.push({why:`logind there ends everything that ${e.login} started when the connection closes (KillUserProcesses=yes).`,remedy:`run \`loginctl enable-linger ${e.login}\` there once.`}),e.logProblem&&n==="process"&&r.push({why:`${e.logProblem}.`,remedy:"create it with the right owner, or correct log-file."}),r}c(zy,"restartObstacles");function Fy({health:e},n){let t=[];return e.url&&n.httpClient===""&&t.push({why:`nothing on the target can ask ${e.url}.`,remedy:"install curl there, or use health-port or health-command."}),n.portHolder&&t.push({why:`port ${e.port} is held by another process (pid ${n.portHolder}), which does not run the file.`,remedy:"stop that process, or correct health-port."}),t}c(Fy,"healthObstacles");function Qy({rollbackTo:e},n,t){if(!e||t)return[];let r=n.releases.map(({sha256:o})=>o.slice(0,12)).join(", ")||"none";return[{why:`${n.releases.filter(({sha256:o})=>o.startsWith(e)).length>1?"more than one kept release begins with":"no kept release is"} ${e}; kept are: ${r}.`,remedy:"choose one of those, or deploy the version from its source."}]}c(Qy,"releaseObstacles");function My({allowOlder:e,rollbackTo:n},{live:t},r){return e||n||!t||t.workflow!==r.workflow||t.runNumber<=r.number?[]:[{why:`run ${t.runNumber} of this workflow is deployed already (${t.run}); this is the older run ${r.number}.`,remedy:"nothing, if the newer build is meant to stay; else set allow-older: true."}]}c(My,"orderObstacles");function Ky(e,n,t){let{file:r,processes:i}=n;if(!r)return"there is no such file yet";if(t.file.from==="upload"||t.file.from==="release")return"its sha256 differs";if(e.force)return"force is set";let o=Vh(e,n,t);if(o)return o;if(t.restart==="none")return;if(i.length===0)return"no process runs it";let s=i.find(({live:u})=>!u);if(s)return`pid ${s.pid} still runs an older image of it`;if(t.restart==="process"){let u=i.find(({user:d})=>d!==t.runAs);if(u)return`pid ${u.pid} runs as ${u.user}, not ${t.runAs}`;let l=i.find(({same:d})=>d!=="yes");if(l)return`pid ${l.pid} was started with ${l.same==="folder"?"another working directory":`other ${l.same}`}`}return t.restart==="systemd"&&!i.some(({unit:u})=>u===t.unit)?`${t.unit} does not run it`:(e.health.url??e.health.port??e.health.command)!==void 0&&n.health!=="ok"?`it is not healthy: ${n.health}`:void 0}c(Ky,"whatDiffers");function Vh(e,{file:n},t){if(n){if(!Wy(t.owner,n.owner))return`its owner is ${n.owner}, not ${t.owner}`;if(t.mode!==n.mode)return`its mode is ${n.mode}, not ${t.mode}`;if(e.capabilities&&!Lu(e.capabilities,n.capabilities))return"its capabilities differ"}}c(Vh,"metadataDiffers");function Wy(e,n){return e.includes(":")?e===n:e===n.split(":")[0]}c(Wy,"sameOwner");function Zy(e,n,{plan:t,difference:r,because:i}){let o=[],s=e.strategy==="in-place",a={does:`upload ${Ct(t.file.bytes)} ${s?"once the program is stopped":"beside the live file"}`,because:r};return t.file.from==="upload"&&!s&&o.push(a),t.file.from==="release"&&o.push({does:`take the kept release ${Gt(t.file.sha256)}`,because:"rollback-to names it"}),t.restart==="systemd"&&o.push({does:`stop the unit ${t.unit}`,because:i}),t.restart==="command"&&e.stopCommand&&o.push({does:"run the stop command",because:i}),n.processes.length>0&&t.restart!=="systemd"&&o.push({does:`stop ${Jh(n.processes)} with ${e.stopSignal}, after ${e.stopTimeoutSeconds} s with KILL`,because:t.file.from==="in place already"?r:"it runs the file that is replaced"}),t.file.from==="upload"&&s&&o.push(a),t.file.from==="in place already"?o.push({does:`leave the file as it is (${t.owner}, ${t.mode})`,because:"its sha256 is the wanted one"}):o.push({does:`replace the file by one rename, owner ${t.owner}, mode ${t.mode}`,because:n.file?"the path is always whole that way, old or new":"nothing is there yet"}),o.push(...jy(e,t,i)),o}c(Zy,"steps");function jy(e,n,t){let{health:r}=e,i={none:[],systemd:[{does:`start the unit ${n.unit}`,because:t}],command:[{does:"run the start command",because:t}],process:[{does:`start it as ${n.runAs} in ${e.workingDirectory??e.folder}`,because:t}]};if(n.restart==="none")return[];let o=[r.port===void 0?"":`it listens on port ${r.port}`,r.url?`${r.url} answers ${r.status}${r.contains?" with the text wanted":""}`:"",r.command?"the health command succeeds":""].filter(s=>s!=="");return[...i[n.restart],{does:`prove that ${o.join(" and ")||"the process runs this file"} within ${r.timeoutSeconds} s, and stays so for ${r.stableSeconds} s`,because:e.rollback?"the previous version is put back if not":"the step fails if not (rollback is false)"}]}c(jy,"startSteps");function Jh(e){return`pid ${e.map(({pid:n})=>n).join(", ")}`}c(Jh,"pids");async function ep(e,n){if(await n.outputs({...$c(e),"duration-ms":e.durationMs,report:[kc(e)]}),e.inputs.dryRun)return;let t=Sc(e);n.log.line("");for(let[r,i]of t)n.log.line(`  ${r.padEnd(10)}${i}`);if(n.log.line(""),await n.summary(qy(e,t)),!vr(e.outcome.state))throw Ic(e)}c(ep,"report");function vr(e){return e==="active"||e==="unchanged"}c(vr,"isGreen");function xc(e){return e==="active"||e==="unknown"}c(xc,"hasChanged");function tp({kind:e,steps:n}){return e==="unchanged"?["Plan: nothing. The file, what runs it and its health are already as wanted."]:["Plan",...n.map(({does:t,because:r})=>`  - ${t}, because ${r}`)]}c(tp,"planLines");function np(e,n){let{file:t,processes:r,releases:i,unseen:o,history:s,unfinished:a}=e,u=r.map(({pid:l,user:d,live:h,unit:_})=>`pid ${l} (${d}${_?`, unit ${_}`:""}${h?"":", an older image of it"})`);return[...e.sudo?[`Working as root by sudo, because ${e.needsRoot}`]:[],t?`Found ${n}: sha256 ${Gt(t.sha256)}, ${Ct(t.bytes)}, ${t.owner} ${t.mode}${t.capabilities?`, ${t.capabilities}`:""}`:`Found nothing at ${n}`,u.length>0?`  run by ${u.join(" and ")}`:`  no process runs it${o?`; can't see pid ${o}`:""}`,...i.length>0?[`  kept releases: ${i.map(({sha256:l})=>Gt(l)).join(", ")}`]:[],...a?[`  an earlier deploy (${a.run}) is unfinished, in the phase ${a.phase}`]:[],...s.length>0?[`  last deploy: ${s.at(-1)}`]:[]]}c(np,"foundLines");function Ec(e,n,t){return new sn({what:`Preparing ${n}`,where:e,why:t.map(({why:r})=>r).join(`
`),state:"untouched. Nothing on the target was changed.",remedy:t.map(({remedy:r})=>r).join(`
`)})}c(Ec,"refusal");function $c({plan:e,found:n,outcome:t}){return{state:t.state,changed:xc(t.state),sha256:e.file.sha256,"previous-sha256":n.file?.sha256??"",pid:t.pid??"","downtime-ms":t.downtimeMs??0,"bytes-sent":t.bytesSent}}c($c,"scalarsOf");function kc({plan:e,found:n,outcome:t,target:r,inputs:i,durationMs:o}){return{target:r,destination:i.destination,state:t.state,sha256:e.file.sha256,previousSha256:n.file?.sha256??"",pid:t.pid??null,downtimeMs:t.downtimeMs??null,bytesSent:t.bytesSent,durationMs:o,failed:t.failed,why:t.why,phases:t.phases}}c(kc,"entryOf");function Sc({target:e,plan:n,found:t,outcome:r,inputs:i,durationMs:o}){let s=t.file?Gt(t.file.sha256):"nothing",a=Gt(n.file.sha256),u=[["state",r.state],["target",e],["file",i.destination],["sha256",Gy(r.state,s,a)]];return r.pid&&u.push(["pid",String(r.pid)]),r.downtimeMs!==void 0&&u.push(["downtime",`${r.downtimeMs} ms`]),u.push(["sent",Ct(r.bytesSent)],["time",`${(o/1e3).toFixed(1)} s`]),u}c(Sc,"tableOf");function Gy(e,n,t){return n===t?n:e==="active"?`${n} -> ${t}`:e==="broken"||e==="unknown"?`was ${n}, tried ${t}`:`${n} (${t} is not deployed)`}c(Gy,"digests");function qy({inputs:e},n){let t=n.map(([r,i])=>`| ${r} | ${i.replaceAll("|","\\|")} |`);return[`### Deploy of ${e.name}`,"","| | |","| --- | --- |",...t,""].join(`
`)}c(qy,"summaryOf");var Yy={lock:"Waiting for the lock of",stage:"Staging",upload:"Uploading",stop:"Stopping",connection:"Following the deploy of","revert-all":"Keeping the new version of"};function Ic({target:e,inputs:n,found:t,outcome:r}){return new sn({what:`${Yy[r.failed]??"Activating"} ${n.destination}`,where:e,why:`${r.why||"no reason was given"}.`,state:`${r.state}. ${Xy(r,t,n)}`,remedy:Vy(r,n),output:r.output})}c(Ic,"failureOf");function Xy({state:e,pid:n,broken:t},r,i){let o=r.file?`The previous version (sha256 ${Gt(r.file.sha256)})`:"";return{active:"The new version runs.",unchanged:"It already was exactly so.",untouched:"Nothing on the target was changed.",staged:`${o||"What was there"} ${r.processes.length>0?"runs":"is"} as before; the new file was uploaded and removed again.`,"rolled-back":o?`${o} is running again${n?` as pid ${n}`:""}.`:"There was no version before; the new file was removed and nothing runs.",broken:`${Jy(t)}. A person must look at ${i.folder}.`,unknown:"The connection was lost and the end could not be learned; the target ends the transaction by itself."}[e]}c(Xy,"stateSentence");function Vy({state:e,failed:n,output:t},r){return e==="unknown"?"run verify-deploy, or this job again: it finishes or undoes what it finds.":e==="broken"?"log in and look; a kept release can be activated with rollback-to: previous.":n==="lock"?"wait for the other deploy, or raise lock-timeout-seconds.":n==="upload"||n==="stage"?"look at the connection and the free space, then run the job again.":n==="revert-all"?"look at the target that failed; then run the job again.":n==="stop"?"find out what keeps the program from ending, then run the job again.":t?"read the last lines of the program below, fix the cause, run the job again.":r.logFile?`the program wrote nothing to ${r.logFile}; run it by hand, fix the cause, run the job again.`:"set log-file to see what the program says, fix the cause, run the job again."}c(Vy,"remedyOf");function Jy(e){return e.charAt(0).toUpperCase()+e.slice(1)}c(Jy,"capitalised");var rp=4;async function op(e,{source:n,...t}){let{inputs:r,context:i,book:o}=t,s=Date.now(),a=c(()=>Oo(e,i),"reconnect"),[u,l]=await ib(n,a());try{i.log.phase("connect",`${l.target.name}`);let d={...t,source:u,reconnect:a},{found:h,plan:_,outcome:A,deploy:x}=await eb(l,d),b=o.begun()?.id;await o.end(A.state),u&&vr(A.state)&&t.transfers.arrived(u,l.isNear());let E=A.state==="active"&&x&&b?()=>tb(l,{deploy:x,id:b,parts:d}):void 0,I=Date.now()-s;return{target:l.target.name,inputs:r,found:h,plan:_,outcome:A,durationMs:I,undo:E,host:l}}catch(d){throw await l[Symbol.asyncDispose](),d}}c(op,"deployTarget");async function eb(e,n){let{inputs:t,source:r,context:i}=n,{log:o,run:s}=i;for(let a=1;;a+=1){let u=await yc(e,t,r);if(u.otherKernel)throw Ec(e.target.name,t.destination,[rb(u.otherKernel)]);let l={workflow:`${s.repository} ${s.workflow}`,number:s.number},d=Xh(t,u,{source:r,build:l}),h=sp(n,u,d);if(u.unfinished&&!u.locked&&!t.dryRun&&a<rp){await ap(e,h);continue}for(let _ of np(u,t.destination))o.line(_);if(d.kind==="refused")throw Ec(e.target.name,t.destination,d.obstacles);for(let _ of tp(d))o.line(_);if(t.dryRun)return o.line("dry-run is set: nothing was changed."),{found:u,plan:d,outcome:Ft({state:"unchanged"})};if(d.kind==="unchanged")return{found:u,plan:d,outcome:Ft({state:"unchanged",pid:u.processes[0]?.pid})};try{return{found:u,plan:d,outcome:await Mh(e,h),deploy:h}}catch(_){if(_ instanceof En)return{found:u,plan:d,outcome:await cp(h,n)};if(!(_ instanceof pi)||a>=rp)throw _;o.line("Another deploy came in between: looking again."),await n.book.end("untouched")}}}c(eb,"carryOut");function sp({inputs:e,source:n,transfers:t,context:r,reconnect:i,book:o},s,a){let{run:u,log:l,signal:d}=r;return{inputs:e,found:s,plan:a,source:n,transfers:t,run:u,log:l,signal:d,onBegin:o.begin,reconnect:i}}c(sp,"deployOf");async function ap(e,n){let{log:t,found:r}=n,{run:i,phase:o}=r.unfinished??{run:"an unknown run",phase:"unknown"};t.line(`An earlier deploy (${i}) was interrupted in the phase ${o}: finishing it first.`);let s=await Kh(e,n),a=s.pid?`, pid ${s.pid}`:"";return t.line(`  ended as ${s.state}${a}${s.broken?`: ${s.broken}`:""}`),s}c(ap,"finishInterrupted");async function tb(e,{deploy:n,id:t,parts:r}){try{return await Wh(e,n,t)}catch(i){if(i instanceof En)return await cp(n,r);throw i}}c(tb,"takeBack");async function cp(e,n){let t=Date.now()+$n(e.inputs)*1e3,r="the transaction was killed on the target";for(;;)try{var i=[];try{let l=jn(i,await e.reconnect(),!0);let d=await yc(l,e.inputs,e.source);if(!d.unfinished){let _=nb(e.found,d)?"staged":"unknown";return Ft({state:_,failed:"transaction",why:r})}let h=await ap(l,sp(n,d,e.plan));return{...h,failed:"transaction",why:r}}catch(o){var s=o,a=!0}finally{var u=Gn(i,s,a);u&&await u}}catch{if(Date.now()>=t||e.signal.aborted)return Ft({state:"unknown",failed:"transaction",why:`${r}, and it can't be asked any more`});await(0,ip.setTimeout)(1e3,void 0,{signal:e.signal}).catch(()=>{})}}c(cp,"undoDead");function nb(e,n){let t=c(({processes:r})=>r.map(({pid:i})=>i).join(),"pids");return e.file?.sha256===n.file?.sha256&&t(e)===t(n)&&t(n)!==""}c(nb,"isAsBefore");function rb(e){return{why:`the target is no Linux system but ${e}.`,remedy:"deploy to Linux, where a process can be found by what it executes (/proc)."}}c(rb,"otherKernel");async function ib(e,n){let[t,r]=await Promise.allSettled([e,n]);if(t.status==="rejected")throw r.status==="fulfilled"&&await r.value[Symbol.asyncDispose](),t.reason;if(r.status==="rejected")throw r.reason;return[t.value,r.value]}c(ib,"both");var Ho=["target","state","sha256","pid","downtime","sent","time"];function zo({done:e,failure:n}){return n!==void 0||e!==void 0&&!vr(e.outcome.state)}c(zo,"isRed");async function up(e,n,t){await n.outputs({...ob(e),"duration-ms":t});let r=[Ho,...e.map(sb)];for(let i of["",...ab(r),""])n.log.line(i);if(await n.summary(cb(r)),e.some(i=>i.done===void 0||zo(i)))throw ub(e)}c(up,"reportSeveral");function ob(e){let n=e.flatMap(({done:i})=>i??[]),t=gs(e.map(lp)),r=n.find(({outcome:i})=>i.state===t)??n[0];return{...r&&$c(r),state:t,changed:n.some(({outcome:i})=>xc(i.state)),"downtime-ms":Math.max(0,...n.map(({outcome:i})=>i.downtimeMs??0)),"bytes-sent":n.reduce((i,{outcome:o})=>i+o.bytesSent,0),report:e.map(({done:i,...o})=>i?kc(i):{target:o.target,state:"untouched",why:fp(o)})}}c(ob,"outputsOf");function sb({done:e,...n}){if(!e)return[n.target,"untouched",fp(n)];let t=new Map(Sc(e));return Ho.map(r=>r==="target"?n.target:t.get(r)??"")}c(sb,"rowOf");function fp({failure:e,skipped:n}){return e?.fields.why.split(`
`)[0]??`not begun, since ${n}`}c(fp,"whyNot");function lp({done:e}){return e?.outcome.state??"untouched"}c(lp,"stateOf");function ab(e){let n=Ho.map((t,r)=>Math.max(...e.map(i=>i[r]?.length??0)));return e.map(t=>`  ${t.map((r,i)=>r.padEnd(n[i]??0)).join("  ")}`.trimEnd())}c(ab,"aligned");function cb(e){let[n,...t]=e.map(r=>`| ${r.map(i=>i.replaceAll("|","\\|")).join(" | ")} |`);return["### Deploy to several targets","",n,`|${" --- |".repeat(Ho.length)}`,...t,""].join(`
`)}c(cb,"markdown");function ub(e){let n=e.flatMap(({target:t,done:r,failure:i})=>{let o=r&&!vr(r.outcome.state)&&r.outcome.failed!=="revert-all",s=i??(o?Ic(r):void 0);return s?[{target:t,...s.fields}]:[]});return new sn({what:"Deploying",where:n.map(({target:t})=>t).join(", "),why:n.map(({target:t,what:r,why:i})=>`${t}: ${r}: ${i}`).join(`
`)||"the step was cancelled.",state:e.map(t=>`${t.target}: ${lp(t)}`).join(`
`),remedy:n[0]?.remedy??"run the job again; targets that are done will be left as they are.",output:n[0]?.output})}c(ub,"failureOfAll");async function dp(e,n){var a=[];try{await n.outputs({state:"untouched",changed:!1});let t=Date.now();for(let _ of e.environment)n.log.mask(_.slice(_.indexOf("=")+1));let r=ju(e.connections.length,n);let i=jn(a,Zu({wanted:e.transfer,several:e.connections.length>1},n),!0);let o=await fb(e,n,{pages:r,transfers:i});try{e.revertAll&&await lb(o,r)}finally{await Promise.all(o.map(_=>_.done?.host[Symbol.asyncDispose]()))}let[s]=o;if(o.length>1)await up(o,n,Date.now()-t);else{if(s?.failure)throw s.failure;s?.done&&await ep(s.done,n)}}catch(u){var l=u,d=!0}finally{var h=Gn(a,l,d);h&&await h}}c(dp,"deploy");async function fb(e,n,{pages:t,transfers:r}){let i=e.source===void 0?void 0:du(e.source,e.expectStrings);i?.catch(()=>{});let o=e.connections.length>1,s=e.connections.map(({host:d})=>({target:d,context:o?{...n,log:wi(n.log,d)}:n})),a,u=c(()=>a!==void 0||n.signal.aborted||s.some(zo),"stopped");if(await au(s,{limit:e.maxParallel,stopped:u},async(d,h)=>{let _=e.connections[h],A=t[h];try{let{host:x,user:b,port:E,container:I}=_,P=[b,x,E,I,e.destination].join(" "),M=e.dryRun||e.strategy==="in-place"?void 0:i,O=r.to(P,M);d.done=await op(_,{inputs:e,context:d.context,book:A,transfers:O,source:i}),d.target=d.done.target,(!e.revertAll||!d.done.undo)&&await d.done.host[Symbol.asyncDispose](),o&&d.context.log.line(`ended as ${d.done.outcome.state}`)}catch(x){x instanceof ut||x instanceof sn?d.failure=x:a??=x,o&&x instanceof vt&&d.context.log.line(x.message)}}),a!==void 0)throw a;let l=n.signal.aborted?"the step was cancelled":"another target failed";for(let d of s)!d.done&&!d.failure&&(d.skipped=l);return s}c(fb,"deployAll");async function lb(e,n){let t=e.find(zo);t&&await Promise.all(e.map(async(r,i)=>{let{done:o,context:s}=r;if(!o?.undo)return;s.log.line(`revert-all is set, and ${t.target} failed: putting the previous version back.`);let a=await o.undo();if(a.state==="untouched"){s.log.line(`It stays as it is: ${a.why}.`),await n[i]?.end(o.outcome.state);return}let u=`${t.target} failed, and revert-all is set${a.why?`; ${a.why}`:""}`,{downtimeMs:l,bytesSent:d}=o.outcome;o.outcome={...a,failed:"revert-all",why:u,downtimeMs:l,bytesSent:d},await n[i]?.end(a.state),s.log.line(`ended as ${a.state}`)}))}c(lb,"revertDone");function vc(e){let n=[],t,r="";for(let i=0;i<e.length;i+=1){let o=e.charAt(i);if(r==="'")o==="'"?r="":t+=o;else if(o==="\\"){i+=1;let s=e.charAt(i);if(s==="")throw new RangeError("a backslash ends it");if(s===`
`)continue;t=(t??"")+(r==='"'&&!'"\\$`'.includes(s)?`\\${s}`:s)}else r==='"'?o==='"'?r="":t+=o:o==="'"||o==='"'?(r=o,t??=""):/\s/.test(o)?(t!==void 0&&n.push(t),t=void 0):t=(t??"")+o}if(r)throw new RangeError(`the quote ${r} is never closed`);return t!==void 0&&n.push(t),n}c(vc,"splitWords");var hp=["TERM","INT","QUIT","HUP","USR1","USR2","WINCH","KILL"],db=/^([A-Za-z_][A-Za-z0-9_.-]*\$?|\d{1,10})$/,hb=/^([A-Za-z_][A-Za-z0-9_.-]*\$?|\d{1,10})(:([A-Za-z_][A-Za-z0-9_.-]*\$?|\d{1,10}))?$/,pb=Ro({...lc,source:zt(),destination:It(Ci,'an absolute path without ".." or control characters'),owner:bt(It(hb,"user, user:group or numbers")),mode:bt(It(/^0?[0-7]{3,4}$/,"an octal mode such as 0755")),capabilities:bt(It(/^[a-z0-9_,=+ -]+$/i,"capabilities such as cap_net_bind_service=+ep")),strategy:$r(["staged","in-place"]),restart:$r(["auto","process","systemd","command","none"]),service:bt(It(/^(user:)?[A-Za-z0-9:_.@\\-]+$/,"the name of a unit, or user:NAME")),"stop-command":zt(),"start-command":zt(),"stop-signal":en(It(mb,`one of ${hp.join(", ")}`),"TERM"),"stop-timeout-seconds":xr(10,1,3600),"run-as":bt(It(db,"the name of an account")),args:en(It(Ab,"arguments whose quotes are closed"),""),"working-directory":bt(It(Ci,"an absolute path")),environment:ac(),"log-file":bt(It(Ci,"an absolute path")),"health-url":bt(It(Nu,"an http or https URL without a user in it")),"health-status":en(It(Ou,"status codes and ranges such as 200-399 or 200,204"),"200-399"),"health-contains":zt(),"health-port":wr(1,65535),"health-command":zt(),"health-timeout-seconds":xr(60,1,3600),"stable-seconds":kh(3,0,3600),rollback:Er(!0),"rollback-to":bt(It(/^(previous|[0-9a-f]{4,64})$/i,"previous or at least 4 digits of a sha256")),"keep-releases":xr(3,0,100),"expect-strings":ac(),"allow-older":Er(!1),force:Er(!1),transfer:$r(["auto","delta","compressed","plain"]),"lock-timeout-seconds":xr(60,0,86400),"max-parallel":xr(1,1,1e3),"revert-all":Er(!1),"dry-run":Er(!1)}).check(e=>{for(let[n,t]of gb(e.value))e.issues.push({code:"custom",message:t,path:[n],input:e.value})}),pp=yr(pb,Ar(_b));function _b(e){let n=e.destination.endsWith("/")?`${e.destination}${e.source?.split("/").at(-1)??""}`:e.destination,[,t="",r=""]=/^(.*)\/([^/]*)$/.exec(n.replace(/\/{2,}/g,"/"))??[];return{connections:Sh(e),sudo:e.sudo,source:e.source,folder:t||"/",name:r,destination:`${t}/${r}`,owner:e.owner,mode:e.mode?.padStart(4,"0"),capabilities:e.capabilities,strategy:e.strategy,restart:e.restart,service:e.service,stopCommand:e["stop-command"],startCommand:e["start-command"],stopSignal:_p(e["stop-signal"]),stopTimeoutSeconds:e["stop-timeout-seconds"],runAs:e["run-as"],args:vc(e.args),workingDirectory:e["working-directory"],environment:e.environment,logFile:e["log-file"],health:{url:e["health-url"],status:e["health-status"].replace(/\s/g,""),contains:e["health-contains"],port:e["health-port"],command:e["health-command"],timeoutSeconds:e["health-timeout-seconds"],stableSeconds:e["stable-seconds"]},rollback:e.rollback,rollbackTo:e["rollback-to"]?.toLowerCase(),keepReleases:e["keep-releases"],expectStrings:e["expect-strings"],allowOlder:e["allow-older"],force:e.force,transfer:e.transfer,lockTimeoutSeconds:e["lock-timeout-seconds"],maxParallel:e["max-parallel"],revertAll:e["revert-all"],dryRun:e["dry-run"]}}c(_b,"toDeployInputs");function gb(e){let n=[];if(!e.source&&!e["rollback-to"]&&n.push(["source","required, unless rollback-to is set"]),e.source&&e["rollback-to"]&&n.push(["rollback-to","goes without source: it activates a kept release"]),e.destination?.endsWith("/")&&!e.source&&n.push(["destination","must name the file where there is no source"]),e.restart==="command"&&!e["start-command"]&&n.push(["start-command","required with restart: command"]),e.restart!=="command"&&(e["start-command"]||e["stop-command"])&&n.push([e["start-command"]?"start-command":"stop-command","goes only with restart: command"]),e.service&&!["auto","systemd"].includes(e.restart)&&n.push(["service","goes only with restart: systemd or auto"]),e["revert-all"]&&e["keep-releases"]===0&&n.push(["keep-releases","must be 1 or more with revert-all, which puts the previous release back"]),!e["health-url"]&&e["health-contains"]&&n.push(["health-contains","needs health-url"]),e.restart==="none")for(let t of["health-url","health-port","health-command"])e[t]&&n.push([t,"can prove nothing with restart: none, which starts nothing"]);for(let t of e.environment??[])/^[A-Za-z_][A-Za-z0-9_]*=/.test(t)||n.push(["environment",`every line must be KEY=VALUE with a name a shell can export, not '${t.replace(/=.*/s,"=…").slice(0,40)}'`]);return n}c(gb,"contradictions");function mb(e){return hp.includes(_p(e))}c(mb,"isSignal");function _p(e){return e.toUpperCase().replace(/^SIG/,"")}c(_p,"signalName");function Ab(e){try{return vc(e),!e.includes("\0")}catch{return!1}}c(Ab,"isSplittable");async function gp(e,n,t){let r=JSON.parse(e("begun")||"[]");if(r.length===0)return;let{log:i}=t;i.line("The main step was ended in the middle of a deploy. The target ends it by itself, as active or rolled-back.");let o=bb(n);if(!o){let s=Math.max(...r.map(a=>a.limitSeconds));i.line(`This runner gives a post step no inputs, so it can't be asked; it ends within ${s} s. verify-deploy tells.`);return}await Promise.all(r.map(s=>yb(s,o,t)))}c(gp,"lookAfter");async function yb({id:e,sudo:n,target:t},r,i){let o=r.connections[t]??r.connections[0];if(!o)return;let s=r.connections.length>1?wi(i.log,o.host):i.log,a=$n(r),u=c(()=>Oo(o,{...i,log:s}),"reconnect");try{let{state:l,pid:d,why:h}=await Do({inputs:r,log:s,signal:i.signal,sudo:n,limitSeconds:a,reconnect:u},e);s.line(`It ended as ${l}${d?`, pid ${d}`:""}${h?`: ${h}`:""}.`)}catch(l){s.line(l instanceof vt?l.message:"The transaction was killed on the target; the next deploy puts the previous version back.")}}c(yb,"lookAfterOne");function bb(e){try{return e()}catch(n){if(n instanceof qn)return;throw n}}c(bb,"inputsOf");su({schema:pp,main:dp,post:gp});
