"use strict";var bx=Object.create;var Eu=Object.defineProperty;var Ax=Object.getOwnPropertyDescriptor;var xx=Object.getOwnPropertyNames;var Ex=Object.getPrototypeOf,kx=Object.prototype.hasOwnProperty;var xp=(e,t)=>(t=Symbol[e])?t:Symbol.for("Symbol."+e),Ep=e=>{throw TypeError(e)};var a=(e,t)=>Eu(e,"name",{value:t,configurable:!0});var q=(e,t)=>()=>{try{return t||e((t={exports:{}}).exports,t),t.exports}catch(n){throw t=0,n}};var Sx=(e,t,n,r)=>{if(t&&typeof t=="object"||typeof t=="function")for(let s of xx(t))!kx.call(e,s)&&s!==n&&Eu(e,s,{get:()=>t[s],enumerable:!(r=Ax(t,s))||r.enumerable});return e};var _t=(e,t,n)=>(n=e!=null?bx(Ex(e)):{},Sx(t||!e||!e.__esModule?Eu(n,"default",{value:e,enumerable:!0}):n,e));var kp=Uint8Array.fromBase64||(e=>new Uint8Array(Buffer.from(e,"base64")));var es=(e,t,n)=>{if(t!=null){typeof t!="object"&&typeof t!="function"&&Ep("Object expected");var r,s;n&&(r=t[xp("asyncDispose")]),r===void 0&&(r=t[xp("dispose")],n&&(s=r)),typeof r!="function"&&Ep("Object not disposable"),s&&(r=function(){try{s.call(this)}catch(i){return Promise.reject(i)}}),e.push([n,r,t])}else n&&e.push([n]);return t},ts=(e,t,n)=>{var r=typeof SuppressedError=="function"?SuppressedError:function(o,c,u,l){return l=Error(u),l.name="SuppressedError",l.error=o,l.suppressed=c,l},s=o=>t=n?new r(o,t,"An error was suppressed during disposal"):(n=!0,o),i=o=>{for(;o=e.pop();)try{var c=o[1]&&o[1].call(o[2]);if(o[0])return Promise.resolve(c).then(i,u=>(s(u),i()))}catch(u){s(u)}if(n)throw t};return i()};var Pp=q(Cp=>{Cp.HttpClient=class{}});var Tp=q(Np=>{Np.BearerCredentialHandler=class{}});var ym=q((VU,gm)=>{"use strict";var Cn=a(e=>e!==null&&typeof e=="object"&&typeof e.pipe=="function","isStream");Cn.writable=e=>Cn(e)&&e.writable!==!1&&typeof e._write=="function"&&typeof e._writableState=="object";Cn.readable=e=>Cn(e)&&e.readable!==!1&&typeof e._read=="function"&&typeof e._readableState=="object";Cn.duplex=e=>Cn.writable(e)&&Cn.readable(e);Cn.transform=e=>Cn.duplex(e)&&typeof e._transform=="function";gm.exports=Cn});var wm=q(()=>{});var $m=q(()=>{});var Am=q((r8,bm)=>{bm.exports=Ek;function Ek(e){var t=[];return e.forEach(function(n){/^[A-Za-z0-9_\/-]+$/.test(n)||(n="'"+n.replace(/'/g,"'\\''")+"'",n=n.replace(/^(?:'')+/g,"").replace(/\\'''/g,"\\'")),t.push(n)}),t.join(" ")}a(Ek,"shellescape")});var ea=q((i8,xm)=>{xm.exports={newInvalidAsn1Error:a(function(e){var t=new Error;return t.name="InvalidAsn1Error",t.message=e||"",t},"newInvalidAsn1Error")}});var ta=q((a8,Em)=>{Em.exports={EOC:0,Boolean:1,Integer:2,BitString:3,OctetString:4,Null:5,OID:6,ObjectDescriptor:7,External:8,Real:9,Enumeration:10,PDV:11,Utf8String:12,RelativeOID:13,Sequence:16,Set:17,NumericString:18,PrintableString:19,T61String:20,VideotexString:21,IA5String:22,UTCTime:23,GeneralizedTime:24,GraphicString:25,VisibleString:26,GeneralString:28,UniversalString:29,CharacterString:30,BMPString:31,Constructor:32,Context:128}});var _l=q((c8,km)=>{"use strict";var na=require("buffer"),ps=na.Buffer,tn={},nn;for(nn in na)na.hasOwnProperty(nn)&&(nn==="SlowBuffer"||nn==="Buffer"||(tn[nn]=na[nn]));var _s=tn.Buffer={};for(nn in ps)ps.hasOwnProperty(nn)&&(nn==="allocUnsafe"||nn==="allocUnsafeSlow"||(_s[nn]=ps[nn]));tn.Buffer.prototype=ps.prototype;(!_s.from||_s.from===Uint8Array.from)&&(_s.from=function(e,t,n){if(typeof e=="number")throw new TypeError('The "value" argument must not be of type number. Received type '+typeof e);if(e&&typeof e.length>"u")throw new TypeError("The first argument must be one of type string, Buffer, ArrayBuffer, Array, or Array-like Object. Received type "+typeof e);return ps(e,t,n)});_s.alloc||(_s.alloc=function(e,t,n){if(typeof e!="number")throw new TypeError('The "size" argument must be of type number. Received type '+typeof e);if(e<0||e>=2*(1<<30))throw new RangeError('The value "'+e+'" is invalid for option "size"');var r=ps(e);return!t||t.length===0?r.fill(0):typeof n=="string"?r.fill(t,n):r.fill(t),r});if(!tn.kStringMaxLength)try{tn.kStringMaxLength=process.binding("buffer").kStringMaxLength}catch{}tn.constants||(tn.constants={MAX_LENGTH:tn.kMaxLength},tn.kStringMaxLength&&(tn.constants.MAX_STRING_LENGTH=tn.kStringMaxLength));km.exports=tn});var Im=q((u8,vm)=>{var kk=require("assert"),Sm=_l().Buffer,di=ta(),Sk=ea(),ms=Sk.newInvalidAsn1Error;function Ht(e){if(!e||!Sm.isBuffer(e))throw new TypeError("data must be a node Buffer");this._buf=e,this._size=e.length,this._len=0,this._offset=0}a(Ht,"Reader");Object.defineProperty(Ht.prototype,"length",{enumerable:!0,get:a(function(){return this._len},"get")});Object.defineProperty(Ht.prototype,"offset",{enumerable:!0,get:a(function(){return this._offset},"get")});Object.defineProperty(Ht.prototype,"remain",{get:a(function(){return this._size-this._offset},"get")});Object.defineProperty(Ht.prototype,"buffer",{get:a(function(){return this._buf.slice(this._offset)},"get")});Ht.prototype.readByte=function(e){if(this._size-this._offset<1)return null;var t=this._buf[this._offset]&255;return e||(this._offset+=1),t};Ht.prototype.peek=function(){return this.readByte(!0)};Ht.prototype.readLength=function(e){if(e===void 0&&(e=this._offset),e>=this._size)return null;var t=this._buf[e++]&255;if(t===null)return null;if((t&128)===128){if(t&=127,t===0)throw ms("Indefinite length not supported");if(t>4)throw ms("encoding too long");if(this._size-e<t)return null;this._len=0;for(var n=0;n<t;n++)this._len=(this._len<<8)+(this._buf[e++]&255)}else this._len=t;return e};Ht.prototype.readSequence=function(e){var t=this.peek();if(t===null)return null;if(e!==void 0&&e!==t)throw ms("Expected 0x"+e.toString(16)+": got 0x"+t.toString(16));var n=this.readLength(this._offset+1);return n===null?null:(this._offset=n,t)};Ht.prototype.readInt=function(){return this._readTag(di.Integer)};Ht.prototype.readBoolean=function(){return this._readTag(di.Boolean)!==0};Ht.prototype.readEnumeration=function(){return this._readTag(di.Enumeration)};Ht.prototype.readString=function(e,t){e||(e=di.OctetString);var n=this.peek();if(n===null)return null;if(n!==e)throw ms("Expected 0x"+e.toString(16)+": got 0x"+n.toString(16));var r=this.readLength(this._offset+1);if(r===null||this.length>this._size-r)return null;if(this._offset=r,this.length===0)return t?Sm.alloc(0):"";var s=this._buf.slice(this._offset,this._offset+this.length);return this._offset+=this.length,t?s:s.toString("utf8")};Ht.prototype.readOID=function(e){e||(e=di.OID);var t=this.readString(e,!0);if(t===null)return null;for(var n=[],r=0,s=0;s<t.length;s++){var i=t[s]&255;r<<=7,r+=i&127,(i&128)===0&&(n.push(r),r=0)}return r=n.shift(),n.unshift(r%40),n.unshift(r/40>>0),n.join(".")};Ht.prototype._readTag=function(e){kk.ok(e!==void 0);var t=this.peek();if(t===null)return null;if(t!==e)throw ms("Expected 0x"+e.toString(16)+": got 0x"+t.toString(16));var n=this.readLength(this._offset+1);if(n===null)return null;if(this.length>4)throw ms("Integer too long: "+this.length);if(this.length>this._size-n)return null;this._offset=n;for(var r=this._buf[this._offset],s=0,i=0;i<this.length;i++)s<<=8,s|=this._buf[this._offset++]&255;return(r&128)===128&&i!==4&&(s-=1<<i*8),s>>0};vm.exports=Ht});var Pm=q((f8,Cm)=>{var ir=require("assert"),ra=_l().Buffer,or=ta(),vk=ea(),sa=vk.newInvalidAsn1Error,Ik={size:1024,growthFactor:8};function Ck(e,t){ir.ok(e),ir.equal(typeof e,"object"),ir.ok(t),ir.equal(typeof t,"object");var n=Object.getOwnPropertyNames(e);return n.forEach(function(r){if(!t[r]){var s=Object.getOwnPropertyDescriptor(e,r);Object.defineProperty(t,r,s)}}),t}a(Ck,"merge");function Mt(e){e=Ck(Ik,e||{}),this._buf=ra.alloc(e.size||1024),this._size=this._buf.length,this._offset=0,this._options=e,this._seq=[]}a(Mt,"Writer");Object.defineProperty(Mt.prototype,"buffer",{get:a(function(){if(this._seq.length)throw sa(this._seq.length+" unended sequence(s)");return this._buf.slice(0,this._offset)},"get")});Mt.prototype.writeByte=function(e){if(typeof e!="number")throw new TypeError("argument must be a Number");this._ensure(1),this._buf[this._offset++]=e};Mt.prototype.writeInt=function(e,t){if(typeof e!="number")throw new TypeError("argument must be a Number");typeof t!="number"&&(t=or.Integer);for(var n=4;((e&4286578688)===0||(e&4286578688)===-8388608)&&n>1;)n--,e<<=8;if(n>4)throw sa("BER ints cannot be > 0xffffffff");for(this._ensure(2+n),this._buf[this._offset++]=t,this._buf[this._offset++]=n;n-- >0;)this._buf[this._offset++]=(e&4278190080)>>>24,e<<=8};Mt.prototype.writeNull=function(){this.writeByte(or.Null),this.writeByte(0)};Mt.prototype.writeEnumeration=function(e,t){if(typeof e!="number")throw new TypeError("argument must be a Number");return typeof t!="number"&&(t=or.Enumeration),this.writeInt(e,t)};Mt.prototype.writeBoolean=function(e,t){if(typeof e!="boolean")throw new TypeError("argument must be a Boolean");typeof t!="number"&&(t=or.Boolean),this._ensure(3),this._buf[this._offset++]=t,this._buf[this._offset++]=1,this._buf[this._offset++]=e?255:0};Mt.prototype.writeString=function(e,t){if(typeof e!="string")throw new TypeError("argument must be a string (was: "+typeof e+")");typeof t!="number"&&(t=or.OctetString);var n=ra.byteLength(e);this.writeByte(t),this.writeLength(n),n&&(this._ensure(n),this._buf.write(e,this._offset),this._offset+=n)};Mt.prototype.writeBuffer=function(e,t){if(typeof t!="number")throw new TypeError("tag must be a number");if(!ra.isBuffer(e))throw new TypeError("argument must be a buffer");this.writeByte(t),this.writeLength(e.length),this._ensure(e.length),e.copy(this._buf,this._offset,0,e.length),this._offset+=e.length};Mt.prototype.writeStringArray=function(e){if(!e instanceof Array)throw new TypeError("argument must be an Array[String]");var t=this;e.forEach(function(n){t.writeString(n)})};Mt.prototype.writeOID=function(e,t){if(typeof e!="string")throw new TypeError("argument must be a string");if(typeof t!="number"&&(t=or.OID),!/^([0-9]+\.){3,}[0-9]+$/.test(e))throw new Error("argument is not a valid OID string");function n(o,c){c<128?o.push(c):c<16384?(o.push(c>>>7|128),o.push(c&127)):c<2097152?(o.push(c>>>14|128),o.push((c>>>7|128)&255),o.push(c&127)):c<268435456?(o.push(c>>>21|128),o.push((c>>>14|128)&255),o.push((c>>>7|128)&255),o.push(c&127)):(o.push((c>>>28|128)&255),o.push((c>>>21|128)&255),o.push((c>>>14|128)&255),o.push((c>>>7|128)&255),o.push(c&127))}a(n,"encodeOctet");var r=e.split("."),s=[];s.push(parseInt(r[0],10)*40+parseInt(r[1],10)),r.slice(2).forEach(function(o){n(s,parseInt(o,10))});var i=this;this._ensure(2+s.length),this.writeByte(t),this.writeLength(s.length),s.forEach(function(o){i.writeByte(o)})};Mt.prototype.writeLength=function(e){if(typeof e!="number")throw new TypeError("argument must be a Number");if(this._ensure(4),e<=127)this._buf[this._offset++]=e;else if(e<=255)this._buf[this._offset++]=129,this._buf[this._offset++]=e;else if(e<=65535)this._buf[this._offset++]=130,this._buf[this._offset++]=e>>8,this._buf[this._offset++]=e;else if(e<=16777215)this._buf[this._offset++]=131,this._buf[this._offset++]=e>>16,this._buf[this._offset++]=e>>8,this._buf[this._offset++]=e;else throw sa("Length too long (> 4 bytes)")};Mt.prototype.startSequence=function(e){typeof e!="number"&&(e=or.Sequence|or.Constructor),this.writeByte(e),this._seq.push(this._offset),this._ensure(3),this._offset+=3};Mt.prototype.endSequence=function(){var e=this._seq.pop(),t=e+3,n=this._offset-t;if(n<=127)this._shift(t,n,-2),this._buf[e]=n;else if(n<=255)this._shift(t,n,-1),this._buf[e]=129,this._buf[e+1]=n;else if(n<=65535)this._buf[e]=130,this._buf[e+1]=n>>8,this._buf[e+2]=n;else if(n<=16777215)this._shift(t,n,1),this._buf[e]=131,this._buf[e+1]=n>>16,this._buf[e+2]=n>>8,this._buf[e+3]=n;else throw sa("Sequence too long")};Mt.prototype._shift=function(e,t,n){ir.ok(e!==void 0),ir.ok(t!==void 0),ir.ok(n),this._buf.copy(this._buf,e+n,e,e+t),this._offset+=n};Mt.prototype._ensure=function(e){if(ir.ok(e),this._size-this._offset<e){var t=this._size*this._options.growthFactor;t-this._offset<e&&(t+=e);var n=ra.alloc(t);this._buf.copy(n,0,0,this._offset),this._buf=n,this._size=t}};Cm.exports=Mt});var Nm=q((h8,aa)=>{var ml=ea(),gl=ta(),Pk=Im(),Nk=Pm();aa.exports={Reader:Pk,Writer:Nk};for(ia in gl)gl.hasOwnProperty(ia)&&(aa.exports[ia]=gl[ia]);var ia;for(oa in ml)ml.hasOwnProperty(oa)&&(aa.exports[oa]=ml[oa]);var oa});var ca=q((p8,Tm)=>{var yl=Nm();Tm.exports={Ber:yl,BerReader:yl.Reader,BerWriter:yl.Writer}});var Rm=q((_8,ua)=>{(function(e){"use strict";var t=a(function(m){var $,w=new Float64Array(16);if(m)for($=0;$<m.length;$++)w[$]=m[$];return w},"gf"),n=a(function(){throw new Error("no PRNG")},"randombytes"),r=new Uint8Array(16),s=new Uint8Array(32);s[0]=9;var i=t(),o=t([1]),c=t([56129,1]),u=t([30883,4953,19914,30187,55467,16705,2637,112,59544,30585,16505,36039,65139,11119,27886,20995]),l=t([61785,9906,39828,60374,45398,33411,5274,224,53552,61171,33010,6542,64743,22239,55772,9222]),f=t([54554,36645,11616,51542,42930,38181,51040,26924,56412,64982,57905,49316,21502,52590,14035,8553]),d=t([26200,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214]),p=t([41136,18958,6951,50414,58488,44335,6150,12099,55207,15867,153,11085,57099,20417,9344,11139]);function _(m,$,w,h){m[$]=w>>24&255,m[$+1]=w>>16&255,m[$+2]=w>>8&255,m[$+3]=w&255,m[$+4]=h>>24&255,m[$+5]=h>>16&255,m[$+6]=h>>8&255,m[$+7]=h&255}a(_,"ts64");function b(m,$,w,h,A){var I,T=0;for(I=0;I<A;I++)T|=m[$+I]^w[h+I];return(1&T-1>>>8)-1}a(b,"vn");function g(m,$,w,h){return b(m,$,w,h,16)}a(g,"crypto_verify_16");function y(m,$,w,h){return b(m,$,w,h,32)}a(y,"crypto_verify_32");function x(m,$,w,h){for(var A=h[0]&255|(h[1]&255)<<8|(h[2]&255)<<16|(h[3]&255)<<24,I=w[0]&255|(w[1]&255)<<8|(w[2]&255)<<16|(w[3]&255)<<24,T=w[4]&255|(w[5]&255)<<8|(w[6]&255)<<16|(w[7]&255)<<24,H=w[8]&255|(w[9]&255)<<8|(w[10]&255)<<16|(w[11]&255)<<24,V=w[12]&255|(w[13]&255)<<8|(w[14]&255)<<16|(w[15]&255)<<24,ae=h[4]&255|(h[5]&255)<<8|(h[6]&255)<<16|(h[7]&255)<<24,re=$[0]&255|($[1]&255)<<8|($[2]&255)<<16|($[3]&255)<<24,Qe=$[4]&255|($[5]&255)<<8|($[6]&255)<<16|($[7]&255)<<24,ie=$[8]&255|($[9]&255)<<8|($[10]&255)<<16|($[11]&255)<<24,Se=$[12]&255|($[13]&255)<<8|($[14]&255)<<16|($[15]&255)<<24,ve=h[8]&255|(h[9]&255)<<8|(h[10]&255)<<16|(h[11]&255)<<24,Te=w[16]&255|(w[17]&255)<<8|(w[18]&255)<<16|(w[19]&255)<<24,Ne=w[20]&255|(w[21]&255)<<8|(w[22]&255)<<16|(w[23]&255)<<24,Ie=w[24]&255|(w[25]&255)<<8|(w[26]&255)<<16|(w[27]&255)<<24,Pe=w[28]&255|(w[29]&255)<<8|(w[30]&255)<<16|(w[31]&255)<<24,Ce=h[12]&255|(h[13]&255)<<8|(h[14]&255)<<16|(h[15]&255)<<24,ce=A,me=I,se=T,ue=H,de=V,ne=ae,O=re,B=Qe,W=ie,F=Se,z=ve,Y=Te,Ae=Ne,Re=Ie,Be=Pe,Oe=Ce,E,De=0;De<20;De+=2)E=ce+Ae|0,de^=E<<7|E>>>25,E=de+ce|0,W^=E<<9|E>>>23,E=W+de|0,Ae^=E<<13|E>>>19,E=Ae+W|0,ce^=E<<18|E>>>14,E=ne+me|0,F^=E<<7|E>>>25,E=F+ne|0,Re^=E<<9|E>>>23,E=Re+F|0,me^=E<<13|E>>>19,E=me+Re|0,ne^=E<<18|E>>>14,E=z+O|0,Be^=E<<7|E>>>25,E=Be+z|0,se^=E<<9|E>>>23,E=se+Be|0,O^=E<<13|E>>>19,E=O+se|0,z^=E<<18|E>>>14,E=Oe+Y|0,ue^=E<<7|E>>>25,E=ue+Oe|0,B^=E<<9|E>>>23,E=B+ue|0,Y^=E<<13|E>>>19,E=Y+B|0,Oe^=E<<18|E>>>14,E=ce+ue|0,me^=E<<7|E>>>25,E=me+ce|0,se^=E<<9|E>>>23,E=se+me|0,ue^=E<<13|E>>>19,E=ue+se|0,ce^=E<<18|E>>>14,E=ne+de|0,O^=E<<7|E>>>25,E=O+ne|0,B^=E<<9|E>>>23,E=B+O|0,de^=E<<13|E>>>19,E=de+B|0,ne^=E<<18|E>>>14,E=z+F|0,Y^=E<<7|E>>>25,E=Y+z|0,W^=E<<9|E>>>23,E=W+Y|0,F^=E<<13|E>>>19,E=F+W|0,z^=E<<18|E>>>14,E=Oe+Be|0,Ae^=E<<7|E>>>25,E=Ae+Oe|0,Re^=E<<9|E>>>23,E=Re+Ae|0,Be^=E<<13|E>>>19,E=Be+Re|0,Oe^=E<<18|E>>>14;ce=ce+A|0,me=me+I|0,se=se+T|0,ue=ue+H|0,de=de+V|0,ne=ne+ae|0,O=O+re|0,B=B+Qe|0,W=W+ie|0,F=F+Se|0,z=z+ve|0,Y=Y+Te|0,Ae=Ae+Ne|0,Re=Re+Ie|0,Be=Be+Pe|0,Oe=Oe+Ce|0,m[0]=ce>>>0&255,m[1]=ce>>>8&255,m[2]=ce>>>16&255,m[3]=ce>>>24&255,m[4]=me>>>0&255,m[5]=me>>>8&255,m[6]=me>>>16&255,m[7]=me>>>24&255,m[8]=se>>>0&255,m[9]=se>>>8&255,m[10]=se>>>16&255,m[11]=se>>>24&255,m[12]=ue>>>0&255,m[13]=ue>>>8&255,m[14]=ue>>>16&255,m[15]=ue>>>24&255,m[16]=de>>>0&255,m[17]=de>>>8&255,m[18]=de>>>16&255,m[19]=de>>>24&255,m[20]=ne>>>0&255,m[21]=ne>>>8&255,m[22]=ne>>>16&255,m[23]=ne>>>24&255,m[24]=O>>>0&255,m[25]=O>>>8&255,m[26]=O>>>16&255,m[27]=O>>>24&255,m[28]=B>>>0&255,m[29]=B>>>8&255,m[30]=B>>>16&255,m[31]=B>>>24&255,m[32]=W>>>0&255,m[33]=W>>>8&255,m[34]=W>>>16&255,m[35]=W>>>24&255,m[36]=F>>>0&255,m[37]=F>>>8&255,m[38]=F>>>16&255,m[39]=F>>>24&255,m[40]=z>>>0&255,m[41]=z>>>8&255,m[42]=z>>>16&255,m[43]=z>>>24&255,m[44]=Y>>>0&255,m[45]=Y>>>8&255,m[46]=Y>>>16&255,m[47]=Y>>>24&255,m[48]=Ae>>>0&255,m[49]=Ae>>>8&255,m[50]=Ae>>>16&255,m[51]=Ae>>>24&255,m[52]=Re>>>0&255,m[53]=Re>>>8&255,m[54]=Re>>>16&255,m[55]=Re>>>24&255,m[56]=Be>>>0&255,m[57]=Be>>>8&255,m[58]=Be>>>16&255,m[59]=Be>>>24&255,m[60]=Oe>>>0&255,m[61]=Oe>>>8&255,m[62]=Oe>>>16&255,m[63]=Oe>>>24&255}a(x,"core_salsa20");function k(m,$,w,h){for(var A=h[0]&255|(h[1]&255)<<8|(h[2]&255)<<16|(h[3]&255)<<24,I=w[0]&255|(w[1]&255)<<8|(w[2]&255)<<16|(w[3]&255)<<24,T=w[4]&255|(w[5]&255)<<8|(w[6]&255)<<16|(w[7]&255)<<24,H=w[8]&255|(w[9]&255)<<8|(w[10]&255)<<16|(w[11]&255)<<24,V=w[12]&255|(w[13]&255)<<8|(w[14]&255)<<16|(w[15]&255)<<24,ae=h[4]&255|(h[5]&255)<<8|(h[6]&255)<<16|(h[7]&255)<<24,re=$[0]&255|($[1]&255)<<8|($[2]&255)<<16|($[3]&255)<<24,Qe=$[4]&255|($[5]&255)<<8|($[6]&255)<<16|($[7]&255)<<24,ie=$[8]&255|($[9]&255)<<8|($[10]&255)<<16|($[11]&255)<<24,Se=$[12]&255|($[13]&255)<<8|($[14]&255)<<16|($[15]&255)<<24,ve=h[8]&255|(h[9]&255)<<8|(h[10]&255)<<16|(h[11]&255)<<24,Te=w[16]&255|(w[17]&255)<<8|(w[18]&255)<<16|(w[19]&255)<<24,Ne=w[20]&255|(w[21]&255)<<8|(w[22]&255)<<16|(w[23]&255)<<24,Ie=w[24]&255|(w[25]&255)<<8|(w[26]&255)<<16|(w[27]&255)<<24,Pe=w[28]&255|(w[29]&255)<<8|(w[30]&255)<<16|(w[31]&255)<<24,Ce=h[12]&255|(h[13]&255)<<8|(h[14]&255)<<16|(h[15]&255)<<24,ce=A,me=I,se=T,ue=H,de=V,ne=ae,O=re,B=Qe,W=ie,F=Se,z=ve,Y=Te,Ae=Ne,Re=Ie,Be=Pe,Oe=Ce,E,De=0;De<20;De+=2)E=ce+Ae|0,de^=E<<7|E>>>25,E=de+ce|0,W^=E<<9|E>>>23,E=W+de|0,Ae^=E<<13|E>>>19,E=Ae+W|0,ce^=E<<18|E>>>14,E=ne+me|0,F^=E<<7|E>>>25,E=F+ne|0,Re^=E<<9|E>>>23,E=Re+F|0,me^=E<<13|E>>>19,E=me+Re|0,ne^=E<<18|E>>>14,E=z+O|0,Be^=E<<7|E>>>25,E=Be+z|0,se^=E<<9|E>>>23,E=se+Be|0,O^=E<<13|E>>>19,E=O+se|0,z^=E<<18|E>>>14,E=Oe+Y|0,ue^=E<<7|E>>>25,E=ue+Oe|0,B^=E<<9|E>>>23,E=B+ue|0,Y^=E<<13|E>>>19,E=Y+B|0,Oe^=E<<18|E>>>14,E=ce+ue|0,me^=E<<7|E>>>25,E=me+ce|0,se^=E<<9|E>>>23,E=se+me|0,ue^=E<<13|E>>>19,E=ue+se|0,ce^=E<<18|E>>>14,E=ne+de|0,O^=E<<7|E>>>25,E=O+ne|0,B^=E<<9|E>>>23,E=B+O|0,de^=E<<13|E>>>19,E=de+B|0,ne^=E<<18|E>>>14,E=z+F|0,Y^=E<<7|E>>>25,E=Y+z|0,W^=E<<9|E>>>23,E=W+Y|0,F^=E<<13|E>>>19,E=F+W|0,z^=E<<18|E>>>14,E=Oe+Be|0,Ae^=E<<7|E>>>25,E=Ae+Oe|0,Re^=E<<9|E>>>23,E=Re+Ae|0,Be^=E<<13|E>>>19,E=Be+Re|0,Oe^=E<<18|E>>>14;m[0]=ce>>>0&255,m[1]=ce>>>8&255,m[2]=ce>>>16&255,m[3]=ce>>>24&255,m[4]=ne>>>0&255,m[5]=ne>>>8&255,m[6]=ne>>>16&255,m[7]=ne>>>24&255,m[8]=z>>>0&255,m[9]=z>>>8&255,m[10]=z>>>16&255,m[11]=z>>>24&255,m[12]=Oe>>>0&255,m[13]=Oe>>>8&255,m[14]=Oe>>>16&255,m[15]=Oe>>>24&255,m[16]=O>>>0&255,m[17]=O>>>8&255,m[18]=O>>>16&255,m[19]=O>>>24&255,m[20]=B>>>0&255,m[21]=B>>>8&255,m[22]=B>>>16&255,m[23]=B>>>24&255,m[24]=W>>>0&255,m[25]=W>>>8&255,m[26]=W>>>16&255,m[27]=W>>>24&255,m[28]=F>>>0&255,m[29]=F>>>8&255,m[30]=F>>>16&255,m[31]=F>>>24&255}a(k,"core_hsalsa20");function N(m,$,w,h){x(m,$,w,h)}a(N,"crypto_core_salsa20");function v(m,$,w,h){k(m,$,w,h)}a(v,"crypto_core_hsalsa20");var L=new Uint8Array([101,120,112,97,110,100,32,51,50,45,98,121,116,101,32,107]);function K(m,$,w,h,A,I,T){var H=new Uint8Array(16),V=new Uint8Array(64),ae,re;for(re=0;re<16;re++)H[re]=0;for(re=0;re<8;re++)H[re]=I[re];for(;A>=64;){for(N(V,H,T,L),re=0;re<64;re++)m[$+re]=w[h+re]^V[re];for(ae=1,re=8;re<16;re++)ae=ae+(H[re]&255)|0,H[re]=ae&255,ae>>>=8;A-=64,$+=64,h+=64}if(A>0)for(N(V,H,T,L),re=0;re<A;re++)m[$+re]=w[h+re]^V[re];return 0}a(K,"crypto_stream_salsa20_xor");function ee(m,$,w,h,A){var I=new Uint8Array(16),T=new Uint8Array(64),H,V;for(V=0;V<16;V++)I[V]=0;for(V=0;V<8;V++)I[V]=h[V];for(;w>=64;){for(N(T,I,A,L),V=0;V<64;V++)m[$+V]=T[V];for(H=1,V=8;V<16;V++)H=H+(I[V]&255)|0,I[V]=H&255,H>>>=8;w-=64,$+=64}if(w>0)for(N(T,I,A,L),V=0;V<w;V++)m[$+V]=T[V];return 0}a(ee,"crypto_stream_salsa20");function P(m,$,w,h,A){var I=new Uint8Array(32);v(I,h,A,L);for(var T=new Uint8Array(8),H=0;H<8;H++)T[H]=h[H+16];return ee(m,$,w,T,I)}a(P,"crypto_stream");function Z(m,$,w,h,A,I,T){var H=new Uint8Array(32);v(H,I,T,L);for(var V=new Uint8Array(8),ae=0;ae<8;ae++)V[ae]=I[ae+16];return K(m,$,w,h,A,V,H)}a(Z,"crypto_stream_xor");var j=a(function(m){this.buffer=new Uint8Array(16),this.r=new Uint16Array(10),this.h=new Uint16Array(10),this.pad=new Uint16Array(8),this.leftover=0,this.fin=0;var $,w,h,A,I,T,H,V;$=m[0]&255|(m[1]&255)<<8,this.r[0]=$&8191,w=m[2]&255|(m[3]&255)<<8,this.r[1]=($>>>13|w<<3)&8191,h=m[4]&255|(m[5]&255)<<8,this.r[2]=(w>>>10|h<<6)&7939,A=m[6]&255|(m[7]&255)<<8,this.r[3]=(h>>>7|A<<9)&8191,I=m[8]&255|(m[9]&255)<<8,this.r[4]=(A>>>4|I<<12)&255,this.r[5]=I>>>1&8190,T=m[10]&255|(m[11]&255)<<8,this.r[6]=(I>>>14|T<<2)&8191,H=m[12]&255|(m[13]&255)<<8,this.r[7]=(T>>>11|H<<5)&8065,V=m[14]&255|(m[15]&255)<<8,this.r[8]=(H>>>8|V<<8)&8191,this.r[9]=V>>>5&127,this.pad[0]=m[16]&255|(m[17]&255)<<8,this.pad[1]=m[18]&255|(m[19]&255)<<8,this.pad[2]=m[20]&255|(m[21]&255)<<8,this.pad[3]=m[22]&255|(m[23]&255)<<8,this.pad[4]=m[24]&255|(m[25]&255)<<8,this.pad[5]=m[26]&255|(m[27]&255)<<8,this.pad[6]=m[28]&255|(m[29]&255)<<8,this.pad[7]=m[30]&255|(m[31]&255)<<8},"poly1305");j.prototype.blocks=function(m,$,w){for(var h=this.fin?0:2048,A,I,T,H,V,ae,re,Qe,ie,Se,ve,Te,Ne,Ie,Pe,Ce,ce,me,se,ue=this.h[0],de=this.h[1],ne=this.h[2],O=this.h[3],B=this.h[4],W=this.h[5],F=this.h[6],z=this.h[7],Y=this.h[8],Ae=this.h[9],Re=this.r[0],Be=this.r[1],Oe=this.r[2],E=this.r[3],De=this.r[4],je=this.r[5],We=this.r[6],Le=this.r[7],ze=this.r[8],Ke=this.r[9];w>=16;)A=m[$+0]&255|(m[$+1]&255)<<8,ue+=A&8191,I=m[$+2]&255|(m[$+3]&255)<<8,de+=(A>>>13|I<<3)&8191,T=m[$+4]&255|(m[$+5]&255)<<8,ne+=(I>>>10|T<<6)&8191,H=m[$+6]&255|(m[$+7]&255)<<8,O+=(T>>>7|H<<9)&8191,V=m[$+8]&255|(m[$+9]&255)<<8,B+=(H>>>4|V<<12)&8191,W+=V>>>1&8191,ae=m[$+10]&255|(m[$+11]&255)<<8,F+=(V>>>14|ae<<2)&8191,re=m[$+12]&255|(m[$+13]&255)<<8,z+=(ae>>>11|re<<5)&8191,Qe=m[$+14]&255|(m[$+15]&255)<<8,Y+=(re>>>8|Qe<<8)&8191,Ae+=Qe>>>5|h,ie=0,Se=ie,Se+=ue*Re,Se+=de*(5*Ke),Se+=ne*(5*ze),Se+=O*(5*Le),Se+=B*(5*We),ie=Se>>>13,Se&=8191,Se+=W*(5*je),Se+=F*(5*De),Se+=z*(5*E),Se+=Y*(5*Oe),Se+=Ae*(5*Be),ie+=Se>>>13,Se&=8191,ve=ie,ve+=ue*Be,ve+=de*Re,ve+=ne*(5*Ke),ve+=O*(5*ze),ve+=B*(5*Le),ie=ve>>>13,ve&=8191,ve+=W*(5*We),ve+=F*(5*je),ve+=z*(5*De),ve+=Y*(5*E),ve+=Ae*(5*Oe),ie+=ve>>>13,ve&=8191,Te=ie,Te+=ue*Oe,Te+=de*Be,Te+=ne*Re,Te+=O*(5*Ke),Te+=B*(5*ze),ie=Te>>>13,Te&=8191,Te+=W*(5*Le),Te+=F*(5*We),Te+=z*(5*je),Te+=Y*(5*De),Te+=Ae*(5*E),ie+=Te>>>13,Te&=8191,Ne=ie,Ne+=ue*E,Ne+=de*Oe,Ne+=ne*Be,Ne+=O*Re,Ne+=B*(5*Ke),ie=Ne>>>13,Ne&=8191,Ne+=W*(5*ze),Ne+=F*(5*Le),Ne+=z*(5*We),Ne+=Y*(5*je),Ne+=Ae*(5*De),ie+=Ne>>>13,Ne&=8191,Ie=ie,Ie+=ue*De,Ie+=de*E,Ie+=ne*Oe,Ie+=O*Be,Ie+=B*Re,ie=Ie>>>13,Ie&=8191,Ie+=W*(5*Ke),Ie+=F*(5*ze),Ie+=z*(5*Le),Ie+=Y*(5*We),Ie+=Ae*(5*je),ie+=Ie>>>13,Ie&=8191,Pe=ie,Pe+=ue*je,Pe+=de*De,Pe+=ne*E,Pe+=O*Oe,Pe+=B*Be,ie=Pe>>>13,Pe&=8191,Pe+=W*Re,Pe+=F*(5*Ke),Pe+=z*(5*ze),Pe+=Y*(5*Le),Pe+=Ae*(5*We),ie+=Pe>>>13,Pe&=8191,Ce=ie,Ce+=ue*We,Ce+=de*je,Ce+=ne*De,Ce+=O*E,Ce+=B*Oe,ie=Ce>>>13,Ce&=8191,Ce+=W*Be,Ce+=F*Re,Ce+=z*(5*Ke),Ce+=Y*(5*ze),Ce+=Ae*(5*Le),ie+=Ce>>>13,Ce&=8191,ce=ie,ce+=ue*Le,ce+=de*We,ce+=ne*je,ce+=O*De,ce+=B*E,ie=ce>>>13,ce&=8191,ce+=W*Oe,ce+=F*Be,ce+=z*Re,ce+=Y*(5*Ke),ce+=Ae*(5*ze),ie+=ce>>>13,ce&=8191,me=ie,me+=ue*ze,me+=de*Le,me+=ne*We,me+=O*je,me+=B*De,ie=me>>>13,me&=8191,me+=W*E,me+=F*Oe,me+=z*Be,me+=Y*Re,me+=Ae*(5*Ke),ie+=me>>>13,me&=8191,se=ie,se+=ue*Ke,se+=de*ze,se+=ne*Le,se+=O*We,se+=B*je,ie=se>>>13,se&=8191,se+=W*De,se+=F*E,se+=z*Oe,se+=Y*Be,se+=Ae*Re,ie+=se>>>13,se&=8191,ie=(ie<<2)+ie|0,ie=ie+Se|0,Se=ie&8191,ie=ie>>>13,ve+=ie,ue=Se,de=ve,ne=Te,O=Ne,B=Ie,W=Pe,F=Ce,z=ce,Y=me,Ae=se,$+=16,w-=16;this.h[0]=ue,this.h[1]=de,this.h[2]=ne,this.h[3]=O,this.h[4]=B,this.h[5]=W,this.h[6]=F,this.h[7]=z,this.h[8]=Y,this.h[9]=Ae},j.prototype.finish=function(m,$){var w=new Uint16Array(10),h,A,I,T;if(this.leftover){for(T=this.leftover,this.buffer[T++]=1;T<16;T++)this.buffer[T]=0;this.fin=1,this.blocks(this.buffer,0,16)}for(h=this.h[1]>>>13,this.h[1]&=8191,T=2;T<10;T++)this.h[T]+=h,h=this.h[T]>>>13,this.h[T]&=8191;for(this.h[0]+=h*5,h=this.h[0]>>>13,this.h[0]&=8191,this.h[1]+=h,h=this.h[1]>>>13,this.h[1]&=8191,this.h[2]+=h,w[0]=this.h[0]+5,h=w[0]>>>13,w[0]&=8191,T=1;T<10;T++)w[T]=this.h[T]+h,h=w[T]>>>13,w[T]&=8191;for(w[9]-=8192,A=(h^1)-1,T=0;T<10;T++)w[T]&=A;for(A=~A,T=0;T<10;T++)this.h[T]=this.h[T]&A|w[T];for(this.h[0]=(this.h[0]|this.h[1]<<13)&65535,this.h[1]=(this.h[1]>>>3|this.h[2]<<10)&65535,this.h[2]=(this.h[2]>>>6|this.h[3]<<7)&65535,this.h[3]=(this.h[3]>>>9|this.h[4]<<4)&65535,this.h[4]=(this.h[4]>>>12|this.h[5]<<1|this.h[6]<<14)&65535,this.h[5]=(this.h[6]>>>2|this.h[7]<<11)&65535,this.h[6]=(this.h[7]>>>5|this.h[8]<<8)&65535,this.h[7]=(this.h[8]>>>8|this.h[9]<<5)&65535,I=this.h[0]+this.pad[0],this.h[0]=I&65535,T=1;T<8;T++)I=(this.h[T]+this.pad[T]|0)+(I>>>16)|0,this.h[T]=I&65535;m[$+0]=this.h[0]>>>0&255,m[$+1]=this.h[0]>>>8&255,m[$+2]=this.h[1]>>>0&255,m[$+3]=this.h[1]>>>8&255,m[$+4]=this.h[2]>>>0&255,m[$+5]=this.h[2]>>>8&255,m[$+6]=this.h[3]>>>0&255,m[$+7]=this.h[3]>>>8&255,m[$+8]=this.h[4]>>>0&255,m[$+9]=this.h[4]>>>8&255,m[$+10]=this.h[5]>>>0&255,m[$+11]=this.h[5]>>>8&255,m[$+12]=this.h[6]>>>0&255,m[$+13]=this.h[6]>>>8&255,m[$+14]=this.h[7]>>>0&255,m[$+15]=this.h[7]>>>8&255},j.prototype.update=function(m,$,w){var h,A;if(this.leftover){for(A=16-this.leftover,A>w&&(A=w),h=0;h<A;h++)this.buffer[this.leftover+h]=m[$+h];if(w-=A,$+=A,this.leftover+=A,this.leftover<16)return;this.blocks(this.buffer,0,16),this.leftover=0}if(w>=16&&(A=w-w%16,this.blocks(m,$,A),$+=A,w-=A),w){for(h=0;h<w;h++)this.buffer[this.leftover+h]=m[$+h];this.leftover+=w}};function G(m,$,w,h,A,I){var T=new j(I);return T.update(w,h,A),T.finish(m,$),0}a(G,"crypto_onetimeauth");function X(m,$,w,h,A,I){var T=new Uint8Array(16);return G(T,0,w,h,A,I),g(m,$,T,0)}a(X,"crypto_onetimeauth_verify");function pe(m,$,w,h,A){var I;if(w<32)return-1;for(Z(m,0,$,0,w,h,A),G(m,16,m,32,w-32,m),I=0;I<16;I++)m[I]=0;return 0}a(pe,"crypto_secretbox");function J(m,$,w,h,A){var I,T=new Uint8Array(32);if(w<32||(P(T,0,32,h,A),X($,16,$,32,w-32,T)!==0))return-1;for(Z(m,0,$,0,w,h,A),I=0;I<32;I++)m[I]=0;return 0}a(J,"crypto_secretbox_open");function oe(m,$){var w;for(w=0;w<16;w++)m[w]=$[w]|0}a(oe,"set25519");function _e(m){var $,w,h=1;for($=0;$<16;$++)w=m[$]+h+65535,h=Math.floor(w/65536),m[$]=w-h*65536;m[0]+=h-1+37*(h-1)}a(_e,"car25519");function $e(m,$,w){for(var h,A=~(w-1),I=0;I<16;I++)h=A&(m[I]^$[I]),m[I]^=h,$[I]^=h}a($e,"sel25519");function R(m,$){var w,h,A,I=t(),T=t();for(w=0;w<16;w++)T[w]=$[w];for(_e(T),_e(T),_e(T),h=0;h<2;h++){for(I[0]=T[0]-65517,w=1;w<15;w++)I[w]=T[w]-65535-(I[w-1]>>16&1),I[w-1]&=65535;I[15]=T[15]-32767-(I[14]>>16&1),A=I[15]>>16&1,I[14]&=65535,$e(T,I,1-A)}for(w=0;w<16;w++)m[2*w]=T[w]&255,m[2*w+1]=T[w]>>8}a(R,"pack25519");function U(m,$){var w=new Uint8Array(32),h=new Uint8Array(32);return R(w,m),R(h,$),y(w,0,h,0)}a(U,"neq25519");function D(m){var $=new Uint8Array(32);return R($,m),$[0]&1}a(D,"par25519");function Q(m,$){var w;for(w=0;w<16;w++)m[w]=$[2*w]+($[2*w+1]<<8);m[15]&=32767}a(Q,"unpack25519");function le(m,$,w){for(var h=0;h<16;h++)m[h]=$[h]+w[h]}a(le,"A");function he(m,$,w){for(var h=0;h<16;h++)m[h]=$[h]-w[h]}a(he,"Z");function fe(m,$,w){var h,A,I=0,T=0,H=0,V=0,ae=0,re=0,Qe=0,ie=0,Se=0,ve=0,Te=0,Ne=0,Ie=0,Pe=0,Ce=0,ce=0,me=0,se=0,ue=0,de=0,ne=0,O=0,B=0,W=0,F=0,z=0,Y=0,Ae=0,Re=0,Be=0,Oe=0,E=w[0],De=w[1],je=w[2],We=w[3],Le=w[4],ze=w[5],Ke=w[6],mt=w[7],Ye=w[8],dt=w[9],ht=w[10],pt=w[11],xt=w[12],Rt=w[13],Ot=w[14],Bt=w[15];h=$[0],I+=h*E,T+=h*De,H+=h*je,V+=h*We,ae+=h*Le,re+=h*ze,Qe+=h*Ke,ie+=h*mt,Se+=h*Ye,ve+=h*dt,Te+=h*ht,Ne+=h*pt,Ie+=h*xt,Pe+=h*Rt,Ce+=h*Ot,ce+=h*Bt,h=$[1],T+=h*E,H+=h*De,V+=h*je,ae+=h*We,re+=h*Le,Qe+=h*ze,ie+=h*Ke,Se+=h*mt,ve+=h*Ye,Te+=h*dt,Ne+=h*ht,Ie+=h*pt,Pe+=h*xt,Ce+=h*Rt,ce+=h*Ot,me+=h*Bt,h=$[2],H+=h*E,V+=h*De,ae+=h*je,re+=h*We,Qe+=h*Le,ie+=h*ze,Se+=h*Ke,ve+=h*mt,Te+=h*Ye,Ne+=h*dt,Ie+=h*ht,Pe+=h*pt,Ce+=h*xt,ce+=h*Rt,me+=h*Ot,se+=h*Bt,h=$[3],V+=h*E,ae+=h*De,re+=h*je,Qe+=h*We,ie+=h*Le,Se+=h*ze,ve+=h*Ke,Te+=h*mt,Ne+=h*Ye,Ie+=h*dt,Pe+=h*ht,Ce+=h*pt,ce+=h*xt,me+=h*Rt,se+=h*Ot,ue+=h*Bt,h=$[4],ae+=h*E,re+=h*De,Qe+=h*je,ie+=h*We,Se+=h*Le,ve+=h*ze,Te+=h*Ke,Ne+=h*mt,Ie+=h*Ye,Pe+=h*dt,Ce+=h*ht,ce+=h*pt,me+=h*xt,se+=h*Rt,ue+=h*Ot,de+=h*Bt,h=$[5],re+=h*E,Qe+=h*De,ie+=h*je,Se+=h*We,ve+=h*Le,Te+=h*ze,Ne+=h*Ke,Ie+=h*mt,Pe+=h*Ye,Ce+=h*dt,ce+=h*ht,me+=h*pt,se+=h*xt,ue+=h*Rt,de+=h*Ot,ne+=h*Bt,h=$[6],Qe+=h*E,ie+=h*De,Se+=h*je,ve+=h*We,Te+=h*Le,Ne+=h*ze,Ie+=h*Ke,Pe+=h*mt,Ce+=h*Ye,ce+=h*dt,me+=h*ht,se+=h*pt,ue+=h*xt,de+=h*Rt,ne+=h*Ot,O+=h*Bt,h=$[7],ie+=h*E,Se+=h*De,ve+=h*je,Te+=h*We,Ne+=h*Le,Ie+=h*ze,Pe+=h*Ke,Ce+=h*mt,ce+=h*Ye,me+=h*dt,se+=h*ht,ue+=h*pt,de+=h*xt,ne+=h*Rt,O+=h*Ot,B+=h*Bt,h=$[8],Se+=h*E,ve+=h*De,Te+=h*je,Ne+=h*We,Ie+=h*Le,Pe+=h*ze,Ce+=h*Ke,ce+=h*mt,me+=h*Ye,se+=h*dt,ue+=h*ht,de+=h*pt,ne+=h*xt,O+=h*Rt,B+=h*Ot,W+=h*Bt,h=$[9],ve+=h*E,Te+=h*De,Ne+=h*je,Ie+=h*We,Pe+=h*Le,Ce+=h*ze,ce+=h*Ke,me+=h*mt,se+=h*Ye,ue+=h*dt,de+=h*ht,ne+=h*pt,O+=h*xt,B+=h*Rt,W+=h*Ot,F+=h*Bt,h=$[10],Te+=h*E,Ne+=h*De,Ie+=h*je,Pe+=h*We,Ce+=h*Le,ce+=h*ze,me+=h*Ke,se+=h*mt,ue+=h*Ye,de+=h*dt,ne+=h*ht,O+=h*pt,B+=h*xt,W+=h*Rt,F+=h*Ot,z+=h*Bt,h=$[11],Ne+=h*E,Ie+=h*De,Pe+=h*je,Ce+=h*We,ce+=h*Le,me+=h*ze,se+=h*Ke,ue+=h*mt,de+=h*Ye,ne+=h*dt,O+=h*ht,B+=h*pt,W+=h*xt,F+=h*Rt,z+=h*Ot,Y+=h*Bt,h=$[12],Ie+=h*E,Pe+=h*De,Ce+=h*je,ce+=h*We,me+=h*Le,se+=h*ze,ue+=h*Ke,de+=h*mt,ne+=h*Ye,O+=h*dt,B+=h*ht,W+=h*pt,F+=h*xt,z+=h*Rt,Y+=h*Ot,Ae+=h*Bt,h=$[13],Pe+=h*E,Ce+=h*De,ce+=h*je,me+=h*We,se+=h*Le,ue+=h*ze,de+=h*Ke,ne+=h*mt,O+=h*Ye,B+=h*dt,W+=h*ht,F+=h*pt,z+=h*xt,Y+=h*Rt,Ae+=h*Ot,Re+=h*Bt,h=$[14],Ce+=h*E,ce+=h*De,me+=h*je,se+=h*We,ue+=h*Le,de+=h*ze,ne+=h*Ke,O+=h*mt,B+=h*Ye,W+=h*dt,F+=h*ht,z+=h*pt,Y+=h*xt,Ae+=h*Rt,Re+=h*Ot,Be+=h*Bt,h=$[15],ce+=h*E,me+=h*De,se+=h*je,ue+=h*We,de+=h*Le,ne+=h*ze,O+=h*Ke,B+=h*mt,W+=h*Ye,F+=h*dt,z+=h*ht,Y+=h*pt,Ae+=h*xt,Re+=h*Rt,Be+=h*Ot,Oe+=h*Bt,I+=38*me,T+=38*se,H+=38*ue,V+=38*de,ae+=38*ne,re+=38*O,Qe+=38*B,ie+=38*W,Se+=38*F,ve+=38*z,Te+=38*Y,Ne+=38*Ae,Ie+=38*Re,Pe+=38*Be,Ce+=38*Oe,A=1,h=I+A+65535,A=Math.floor(h/65536),I=h-A*65536,h=T+A+65535,A=Math.floor(h/65536),T=h-A*65536,h=H+A+65535,A=Math.floor(h/65536),H=h-A*65536,h=V+A+65535,A=Math.floor(h/65536),V=h-A*65536,h=ae+A+65535,A=Math.floor(h/65536),ae=h-A*65536,h=re+A+65535,A=Math.floor(h/65536),re=h-A*65536,h=Qe+A+65535,A=Math.floor(h/65536),Qe=h-A*65536,h=ie+A+65535,A=Math.floor(h/65536),ie=h-A*65536,h=Se+A+65535,A=Math.floor(h/65536),Se=h-A*65536,h=ve+A+65535,A=Math.floor(h/65536),ve=h-A*65536,h=Te+A+65535,A=Math.floor(h/65536),Te=h-A*65536,h=Ne+A+65535,A=Math.floor(h/65536),Ne=h-A*65536,h=Ie+A+65535,A=Math.floor(h/65536),Ie=h-A*65536,h=Pe+A+65535,A=Math.floor(h/65536),Pe=h-A*65536,h=Ce+A+65535,A=Math.floor(h/65536),Ce=h-A*65536,h=ce+A+65535,A=Math.floor(h/65536),ce=h-A*65536,I+=A-1+37*(A-1),A=1,h=I+A+65535,A=Math.floor(h/65536),I=h-A*65536,h=T+A+65535,A=Math.floor(h/65536),T=h-A*65536,h=H+A+65535,A=Math.floor(h/65536),H=h-A*65536,h=V+A+65535,A=Math.floor(h/65536),V=h-A*65536,h=ae+A+65535,A=Math.floor(h/65536),ae=h-A*65536,h=re+A+65535,A=Math.floor(h/65536),re=h-A*65536,h=Qe+A+65535,A=Math.floor(h/65536),Qe=h-A*65536,h=ie+A+65535,A=Math.floor(h/65536),ie=h-A*65536,h=Se+A+65535,A=Math.floor(h/65536),Se=h-A*65536,h=ve+A+65535,A=Math.floor(h/65536),ve=h-A*65536,h=Te+A+65535,A=Math.floor(h/65536),Te=h-A*65536,h=Ne+A+65535,A=Math.floor(h/65536),Ne=h-A*65536,h=Ie+A+65535,A=Math.floor(h/65536),Ie=h-A*65536,h=Pe+A+65535,A=Math.floor(h/65536),Pe=h-A*65536,h=Ce+A+65535,A=Math.floor(h/65536),Ce=h-A*65536,h=ce+A+65535,A=Math.floor(h/65536),ce=h-A*65536,I+=A-1+37*(A-1),m[0]=I,m[1]=T,m[2]=H,m[3]=V,m[4]=ae,m[5]=re,m[6]=Qe,m[7]=ie,m[8]=Se,m[9]=ve,m[10]=Te,m[11]=Ne,m[12]=Ie,m[13]=Pe,m[14]=Ce,m[15]=ce}a(fe,"M");function at(m,$){fe(m,$,$)}a(at,"S");function bt(m,$){var w=t(),h;for(h=0;h<16;h++)w[h]=$[h];for(h=253;h>=0;h--)at(w,w),h!==2&&h!==4&&fe(w,w,$);for(h=0;h<16;h++)m[h]=w[h]}a(bt,"inv25519");function Xs(m,$){var w=t(),h;for(h=0;h<16;h++)w[h]=$[h];for(h=250;h>=0;h--)at(w,w),h!==1&&fe(w,w,$);for(h=0;h<16;h++)m[h]=w[h]}a(Xs,"pow2523");function jr(m,$,w){var h=new Uint8Array(32),A=new Float64Array(80),I,T,H=t(),V=t(),ae=t(),re=t(),Qe=t(),ie=t();for(T=0;T<31;T++)h[T]=$[T];for(h[31]=$[31]&127|64,h[0]&=248,Q(A,w),T=0;T<16;T++)V[T]=A[T],re[T]=H[T]=ae[T]=0;for(H[0]=re[0]=1,T=254;T>=0;--T)I=h[T>>>3]>>>(T&7)&1,$e(H,V,I),$e(ae,re,I),le(Qe,H,ae),he(H,H,ae),le(ae,V,re),he(V,V,re),at(re,Qe),at(ie,H),fe(H,ae,H),fe(ae,V,Qe),le(Qe,H,ae),he(H,H,ae),at(V,H),he(ae,re,ie),fe(H,ae,c),le(H,H,re),fe(ae,ae,H),fe(H,re,ie),fe(re,V,A),at(V,Qe),$e(H,V,I),$e(ae,re,I);for(T=0;T<16;T++)A[T+16]=H[T],A[T+32]=ae[T],A[T+48]=V[T],A[T+64]=re[T];var Se=A.subarray(32),ve=A.subarray(16);return bt(Se,Se),fe(ve,ve,Se),R(m,ve),0}a(jr,"crypto_scalarmult");function Wr(m,$){return jr(m,$,s)}a(Wr,"crypto_scalarmult_base");function Dn(m,$){return n($,32),Wr(m,$)}a(Dn,"crypto_box_keypair");function Zr(m,$,w){var h=new Uint8Array(32);return jr(h,w,$),v(m,r,h,L)}a(Zr,"crypto_box_beforenm");var Js=pe,Ro=J;function ei(m,$,w,h,A,I){var T=new Uint8Array(32);return Zr(T,A,I),Js(m,$,w,h,T)}a(ei,"crypto_box");function Gr(m,$,w,h,A,I){var T=new Uint8Array(32);return Zr(T,A,I),Ro(m,$,w,h,T)}a(Gr,"crypto_box_open");var Yr=[1116352408,3609767458,1899447441,602891725,3049323471,3964484399,3921009573,2173295548,961987163,4081628472,1508970993,3053834265,2453635748,2937671579,2870763221,3664609560,3624381080,2734883394,310598401,1164996542,607225278,1323610764,1426881987,3590304994,1925078388,4068182383,2162078206,991336113,2614888103,633803317,3248222580,3479774868,3835390401,2666613458,4022224774,944711139,264347078,2341262773,604807628,2007800933,770255983,1495990901,1249150122,1856431235,1555081692,3175218132,1996064986,2198950837,2554220882,3999719339,2821834349,766784016,2952996808,2566594879,3210313671,3203337956,3336571891,1034457026,3584528711,2466948901,113926993,3758326383,338241895,168717936,666307205,1188179964,773529912,1546045734,1294757372,1522805485,1396182291,2643833823,1695183700,2343527390,1986661051,1014477480,2177026350,1206759142,2456956037,344077627,2730485921,1290863460,2820302411,3158454273,3259730800,3505952657,3345764771,106217008,3516065817,3606008344,3600352804,1432725776,4094571909,1467031594,275423344,851169720,430227734,3100823752,506948616,1363258195,659060556,3750685593,883997877,3785050280,958139571,3318307427,1322822218,3812723403,1537002063,2003034995,1747873779,3602036899,1955562222,1575990012,2024104815,1125592928,2227730452,2716904306,2361852424,442776044,2428436474,593698344,2756734187,3733110249,3204031479,2999351573,3329325298,3815920427,3391569614,3928383900,3515267271,566280711,3940187606,3454069534,4118630271,4000239992,116418474,1914138554,174292421,2731055270,289380356,3203993006,460393269,320620315,685471733,587496836,852142971,1086792851,1017036298,365543100,1126000580,2618297676,1288033470,3409855158,1501505948,4234509866,1607167915,987167468,1816402316,1246189591];function M(m,$,w,h){for(var A=new Int32Array(16),I=new Int32Array(16),T,H,V,ae,re,Qe,ie,Se,ve,Te,Ne,Ie,Pe,Ce,ce,me,se,ue,de,ne,O,B,W,F,z,Y,Ae=m[0],Re=m[1],Be=m[2],Oe=m[3],E=m[4],De=m[5],je=m[6],We=m[7],Le=$[0],ze=$[1],Ke=$[2],mt=$[3],Ye=$[4],dt=$[5],ht=$[6],pt=$[7],xt=0;h>=128;){for(de=0;de<16;de++)ne=8*de+xt,A[de]=w[ne+0]<<24|w[ne+1]<<16|w[ne+2]<<8|w[ne+3],I[de]=w[ne+4]<<24|w[ne+5]<<16|w[ne+6]<<8|w[ne+7];for(de=0;de<80;de++)if(T=Ae,H=Re,V=Be,ae=Oe,re=E,Qe=De,ie=je,Se=We,ve=Le,Te=ze,Ne=Ke,Ie=mt,Pe=Ye,Ce=dt,ce=ht,me=pt,O=We,B=pt,W=B&65535,F=B>>>16,z=O&65535,Y=O>>>16,O=(E>>>14|Ye<<18)^(E>>>18|Ye<<14)^(Ye>>>9|E<<23),B=(Ye>>>14|E<<18)^(Ye>>>18|E<<14)^(E>>>9|Ye<<23),W+=B&65535,F+=B>>>16,z+=O&65535,Y+=O>>>16,O=E&De^~E&je,B=Ye&dt^~Ye&ht,W+=B&65535,F+=B>>>16,z+=O&65535,Y+=O>>>16,O=Yr[de*2],B=Yr[de*2+1],W+=B&65535,F+=B>>>16,z+=O&65535,Y+=O>>>16,O=A[de%16],B=I[de%16],W+=B&65535,F+=B>>>16,z+=O&65535,Y+=O>>>16,F+=W>>>16,z+=F>>>16,Y+=z>>>16,se=z&65535|Y<<16,ue=W&65535|F<<16,O=se,B=ue,W=B&65535,F=B>>>16,z=O&65535,Y=O>>>16,O=(Ae>>>28|Le<<4)^(Le>>>2|Ae<<30)^(Le>>>7|Ae<<25),B=(Le>>>28|Ae<<4)^(Ae>>>2|Le<<30)^(Ae>>>7|Le<<25),W+=B&65535,F+=B>>>16,z+=O&65535,Y+=O>>>16,O=Ae&Re^Ae&Be^Re&Be,B=Le&ze^Le&Ke^ze&Ke,W+=B&65535,F+=B>>>16,z+=O&65535,Y+=O>>>16,F+=W>>>16,z+=F>>>16,Y+=z>>>16,Se=z&65535|Y<<16,me=W&65535|F<<16,O=ae,B=Ie,W=B&65535,F=B>>>16,z=O&65535,Y=O>>>16,O=se,B=ue,W+=B&65535,F+=B>>>16,z+=O&65535,Y+=O>>>16,F+=W>>>16,z+=F>>>16,Y+=z>>>16,ae=z&65535|Y<<16,Ie=W&65535|F<<16,Re=T,Be=H,Oe=V,E=ae,De=re,je=Qe,We=ie,Ae=Se,ze=ve,Ke=Te,mt=Ne,Ye=Ie,dt=Pe,ht=Ce,pt=ce,Le=me,de%16===15)for(ne=0;ne<16;ne++)O=A[ne],B=I[ne],W=B&65535,F=B>>>16,z=O&65535,Y=O>>>16,O=A[(ne+9)%16],B=I[(ne+9)%16],W+=B&65535,F+=B>>>16,z+=O&65535,Y+=O>>>16,se=A[(ne+1)%16],ue=I[(ne+1)%16],O=(se>>>1|ue<<31)^(se>>>8|ue<<24)^se>>>7,B=(ue>>>1|se<<31)^(ue>>>8|se<<24)^(ue>>>7|se<<25),W+=B&65535,F+=B>>>16,z+=O&65535,Y+=O>>>16,se=A[(ne+14)%16],ue=I[(ne+14)%16],O=(se>>>19|ue<<13)^(ue>>>29|se<<3)^se>>>6,B=(ue>>>19|se<<13)^(se>>>29|ue<<3)^(ue>>>6|se<<26),W+=B&65535,F+=B>>>16,z+=O&65535,Y+=O>>>16,F+=W>>>16,z+=F>>>16,Y+=z>>>16,A[ne]=z&65535|Y<<16,I[ne]=W&65535|F<<16;O=Ae,B=Le,W=B&65535,F=B>>>16,z=O&65535,Y=O>>>16,O=m[0],B=$[0],W+=B&65535,F+=B>>>16,z+=O&65535,Y+=O>>>16,F+=W>>>16,z+=F>>>16,Y+=z>>>16,m[0]=Ae=z&65535|Y<<16,$[0]=Le=W&65535|F<<16,O=Re,B=ze,W=B&65535,F=B>>>16,z=O&65535,Y=O>>>16,O=m[1],B=$[1],W+=B&65535,F+=B>>>16,z+=O&65535,Y+=O>>>16,F+=W>>>16,z+=F>>>16,Y+=z>>>16,m[1]=Re=z&65535|Y<<16,$[1]=ze=W&65535|F<<16,O=Be,B=Ke,W=B&65535,F=B>>>16,z=O&65535,Y=O>>>16,O=m[2],B=$[2],W+=B&65535,F+=B>>>16,z+=O&65535,Y+=O>>>16,F+=W>>>16,z+=F>>>16,Y+=z>>>16,m[2]=Be=z&65535|Y<<16,$[2]=Ke=W&65535|F<<16,O=Oe,B=mt,W=B&65535,F=B>>>16,z=O&65535,Y=O>>>16,O=m[3],B=$[3],W+=B&65535,F+=B>>>16,z+=O&65535,Y+=O>>>16,F+=W>>>16,z+=F>>>16,Y+=z>>>16,m[3]=Oe=z&65535|Y<<16,$[3]=mt=W&65535|F<<16,O=E,B=Ye,W=B&65535,F=B>>>16,z=O&65535,Y=O>>>16,O=m[4],B=$[4],W+=B&65535,F+=B>>>16,z+=O&65535,Y+=O>>>16,F+=W>>>16,z+=F>>>16,Y+=z>>>16,m[4]=E=z&65535|Y<<16,$[4]=Ye=W&65535|F<<16,O=De,B=dt,W=B&65535,F=B>>>16,z=O&65535,Y=O>>>16,O=m[5],B=$[5],W+=B&65535,F+=B>>>16,z+=O&65535,Y+=O>>>16,F+=W>>>16,z+=F>>>16,Y+=z>>>16,m[5]=De=z&65535|Y<<16,$[5]=dt=W&65535|F<<16,O=je,B=ht,W=B&65535,F=B>>>16,z=O&65535,Y=O>>>16,O=m[6],B=$[6],W+=B&65535,F+=B>>>16,z+=O&65535,Y+=O>>>16,F+=W>>>16,z+=F>>>16,Y+=z>>>16,m[6]=je=z&65535|Y<<16,$[6]=ht=W&65535|F<<16,O=We,B=pt,W=B&65535,F=B>>>16,z=O&65535,Y=O>>>16,O=m[7],B=$[7],W+=B&65535,F+=B>>>16,z+=O&65535,Y+=O>>>16,F+=W>>>16,z+=F>>>16,Y+=z>>>16,m[7]=We=z&65535|Y<<16,$[7]=pt=W&65535|F<<16,xt+=128,h-=128}return h}a(M,"crypto_hashblocks_hl");function te(m,$,w){var h=new Int32Array(8),A=new Int32Array(8),I=new Uint8Array(256),T,H=w;for(h[0]=1779033703,h[1]=3144134277,h[2]=1013904242,h[3]=2773480762,h[4]=1359893119,h[5]=2600822924,h[6]=528734635,h[7]=1541459225,A[0]=4089235720,A[1]=2227873595,A[2]=4271175723,A[3]=1595750129,A[4]=2917565137,A[5]=725511199,A[6]=4215389547,A[7]=327033209,M(h,A,$,w),w%=128,T=0;T<w;T++)I[T]=$[H-w+T];for(I[w]=128,w=256-128*(w<112?1:0),I[w-9]=0,_(I,w-8,H/536870912|0,H<<3),M(h,A,I,w),T=0;T<8;T++)_(m,8*T,h[T],A[T]);return 0}a(te,"crypto_hash");function ye(m,$){var w=t(),h=t(),A=t(),I=t(),T=t(),H=t(),V=t(),ae=t(),re=t();he(w,m[1],m[0]),he(re,$[1],$[0]),fe(w,w,re),le(h,m[0],m[1]),le(re,$[0],$[1]),fe(h,h,re),fe(A,m[3],$[3]),fe(A,A,l),fe(I,m[2],$[2]),le(I,I,I),he(T,h,w),he(H,I,A),le(V,I,A),le(ae,h,w),fe(m[0],T,H),fe(m[1],ae,V),fe(m[2],V,H),fe(m[3],T,ae)}a(ye,"add");function ke(m,$,w){var h;for(h=0;h<4;h++)$e(m[h],$[h],w)}a(ke,"cswap");function He(m,$){var w=t(),h=t(),A=t();bt(A,$[2]),fe(w,$[0],A),fe(h,$[1],A),R(m,h),m[31]^=D(w)<<7}a(He,"pack");function gt(m,$,w){var h,A;for(oe(m[0],i),oe(m[1],o),oe(m[2],o),oe(m[3],i),A=255;A>=0;--A)h=w[A/8|0]>>(A&7)&1,ke(m,$,h),ye($,m),ye(m,m),ke(m,$,h)}a(gt,"scalarmult");function xn(m,$){var w=[t(),t(),t(),t()];oe(w[0],f),oe(w[1],d),oe(w[2],o),fe(w[3],f,d),gt(m,w,$)}a(xn,"scalarbase");function Zt(m,$,w){var h=new Uint8Array(64),A=[t(),t(),t(),t()],I;for(w||n($,32),te(h,$,32),h[0]&=248,h[31]&=127,h[31]|=64,xn(A,h),He(m,A),I=0;I<32;I++)$[I+32]=m[I];return 0}a(Zt,"crypto_sign_keypair");var Vr=new Float64Array([237,211,245,92,26,99,18,88,214,156,247,162,222,249,222,20,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,16]);function Ze(m,$){var w,h,A,I;for(h=63;h>=32;--h){for(w=0,A=h-32,I=h-12;A<I;++A)$[A]+=w-16*$[h]*Vr[A-(h-32)],w=$[A]+128>>8,$[A]-=w*256;$[A]+=w,$[h]=0}for(w=0,A=0;A<32;A++)$[A]+=w-($[31]>>4)*Vr[A],w=$[A]>>8,$[A]&=255;for(A=0;A<32;A++)$[A]-=w*Vr[A];for(h=0;h<32;h++)$[h+1]+=$[h]>>8,m[h]=$[h]&255}a(Ze,"modL");function It(m){var $=new Float64Array(64),w;for(w=0;w<64;w++)$[w]=m[w];for(w=0;w<64;w++)m[w]=0;Ze(m,$)}a(It,"reduce");function At(m,$,w,h){var A=new Uint8Array(64),I=new Uint8Array(64),T=new Uint8Array(64),H,V,ae=new Float64Array(64),re=[t(),t(),t(),t()];te(A,h,32),A[0]&=248,A[31]&=127,A[31]|=64;var Qe=w+64;for(H=0;H<w;H++)m[64+H]=$[H];for(H=0;H<32;H++)m[32+H]=A[32+H];for(te(T,m.subarray(32),w+32),It(T),xn(re,T),He(m,re),H=32;H<64;H++)m[H]=h[H];for(te(I,m,w+64),It(I),H=0;H<64;H++)ae[H]=0;for(H=0;H<32;H++)ae[H]=T[H];for(H=0;H<32;H++)for(V=0;V<32;V++)ae[H+V]+=I[H]*A[V];return Ze(m.subarray(32),ae),Qe}a(At,"crypto_sign");function lt(m,$){var w=t(),h=t(),A=t(),I=t(),T=t(),H=t(),V=t();return oe(m[2],o),Q(m[1],$),at(A,m[1]),fe(I,A,u),he(A,A,m[2]),le(I,m[2],I),at(T,I),at(H,T),fe(V,H,T),fe(w,V,A),fe(w,w,I),Xs(w,w),fe(w,w,A),fe(w,w,I),fe(w,w,I),fe(m[0],w,I),at(h,m[0]),fe(h,h,I),U(h,A)&&fe(m[0],m[0],p),at(h,m[0]),fe(h,h,I),U(h,A)?-1:(D(m[0])===$[31]>>7&&he(m[0],i,m[0]),fe(m[3],m[0],m[1]),0)}a(lt,"unpackneg");function st(m,$,w,h){var A,I,T=new Uint8Array(32),H=new Uint8Array(64),V=[t(),t(),t(),t()],ae=[t(),t(),t(),t()];if(I=-1,w<64||lt(ae,h))return-1;for(A=0;A<w;A++)m[A]=$[A];for(A=0;A<32;A++)m[A+32]=h[A];if(te(H,m,w),It(H),gt(V,ae,H),xn(ae,$.subarray(32)),ye(V,ae),He(T,V),w-=64,y($,0,T,0)){for(A=0;A<w;A++)m[A]=0;return-1}for(A=0;A<w;A++)m[A]=$[A+64];return I=w,I}a(st,"crypto_sign_open");var Xt=32,ft=24,xr=32,Xr=16,ti=32,Oo=32,ni=32,ri=32,bu=32,$p=ft,yx=xr,wx=Xr,Un=64,Er=32,Jr=64,Au=32,xu=64;e.lowlevel={crypto_core_hsalsa20:v,crypto_stream_xor:Z,crypto_stream:P,crypto_stream_salsa20_xor:K,crypto_stream_salsa20:ee,crypto_onetimeauth:G,crypto_onetimeauth_verify:X,crypto_verify_16:g,crypto_verify_32:y,crypto_secretbox:pe,crypto_secretbox_open:J,crypto_scalarmult:jr,crypto_scalarmult_base:Wr,crypto_box_beforenm:Zr,crypto_box_afternm:Js,crypto_box:ei,crypto_box_open:Gr,crypto_box_keypair:Dn,crypto_hash:te,crypto_sign:At,crypto_sign_keypair:Zt,crypto_sign_open:st,crypto_secretbox_KEYBYTES:Xt,crypto_secretbox_NONCEBYTES:ft,crypto_secretbox_ZEROBYTES:xr,crypto_secretbox_BOXZEROBYTES:Xr,crypto_scalarmult_BYTES:ti,crypto_scalarmult_SCALARBYTES:Oo,crypto_box_PUBLICKEYBYTES:ni,crypto_box_SECRETKEYBYTES:ri,crypto_box_BEFORENMBYTES:bu,crypto_box_NONCEBYTES:$p,crypto_box_ZEROBYTES:yx,crypto_box_BOXZEROBYTES:wx,crypto_sign_BYTES:Un,crypto_sign_PUBLICKEYBYTES:Er,crypto_sign_SECRETKEYBYTES:Jr,crypto_sign_SEEDBYTES:Au,crypto_hash_BYTES:xu};function bp(m,$){if(m.length!==Xt)throw new Error("bad key size");if($.length!==ft)throw new Error("bad nonce size")}a(bp,"checkLengths");function $x(m,$){if(m.length!==ni)throw new Error("bad public key size");if($.length!==ri)throw new Error("bad secret key size")}a($x,"checkBoxLengths");function Gt(){var m,$;for($=0;$<arguments.length;$++)if((m=Object.prototype.toString.call(arguments[$]))!=="[object Uint8Array]")throw new TypeError("unexpected type "+m+", use Uint8Array")}a(Gt,"checkArrayTypes");function Ap(m){for(var $=0;$<m.length;$++)m[$]=0}a(Ap,"cleanup"),e.util||(e.util={},e.util.decodeUTF8=e.util.encodeUTF8=e.util.encodeBase64=e.util.decodeBase64=function(){throw new Error("nacl.util moved into separate package: https://github.com/dchest/tweetnacl-util-js")}),e.randomBytes=function(m){var $=new Uint8Array(m);return n($,m),$},e.secretbox=function(m,$,w){Gt(m,$,w),bp(w,$);for(var h=new Uint8Array(xr+m.length),A=new Uint8Array(h.length),I=0;I<m.length;I++)h[I+xr]=m[I];return pe(A,h,h.length,$,w),A.subarray(Xr)},e.secretbox.open=function(m,$,w){Gt(m,$,w),bp(w,$);for(var h=new Uint8Array(Xr+m.length),A=new Uint8Array(h.length),I=0;I<m.length;I++)h[I+Xr]=m[I];return h.length<32||J(A,h,h.length,$,w)!==0?!1:A.subarray(xr)},e.secretbox.keyLength=Xt,e.secretbox.nonceLength=ft,e.secretbox.overheadLength=Xr,e.scalarMult=function(m,$){if(Gt(m,$),m.length!==Oo)throw new Error("bad n size");if($.length!==ti)throw new Error("bad p size");var w=new Uint8Array(ti);return jr(w,m,$),w},e.scalarMult.base=function(m){if(Gt(m),m.length!==Oo)throw new Error("bad n size");var $=new Uint8Array(ti);return Wr($,m),$},e.scalarMult.scalarLength=Oo,e.scalarMult.groupElementLength=ti,e.box=function(m,$,w,h){var A=e.box.before(w,h);return e.secretbox(m,$,A)},e.box.before=function(m,$){Gt(m,$),$x(m,$);var w=new Uint8Array(bu);return Zr(w,m,$),w},e.box.after=e.secretbox,e.box.open=function(m,$,w,h){var A=e.box.before(w,h);return e.secretbox.open(m,$,A)},e.box.open.after=e.secretbox.open,e.box.keyPair=function(){var m=new Uint8Array(ni),$=new Uint8Array(ri);return Dn(m,$),{publicKey:m,secretKey:$}},e.box.keyPair.fromSecretKey=function(m){if(Gt(m),m.length!==ri)throw new Error("bad secret key size");var $=new Uint8Array(ni);return Wr($,m),{publicKey:$,secretKey:new Uint8Array(m)}},e.box.publicKeyLength=ni,e.box.secretKeyLength=ri,e.box.sharedKeyLength=bu,e.box.nonceLength=$p,e.box.overheadLength=e.secretbox.overheadLength,e.sign=function(m,$){if(Gt(m,$),$.length!==Jr)throw new Error("bad secret key size");var w=new Uint8Array(Un+m.length);return At(w,m,m.length,$),w},e.sign.open=function(m,$){if(arguments.length!==2)throw new Error("nacl.sign.open accepts 2 arguments; did you mean to use nacl.sign.detached.verify?");if(Gt(m,$),$.length!==Er)throw new Error("bad public key size");var w=new Uint8Array(m.length),h=st(w,m,m.length,$);if(h<0)return null;for(var A=new Uint8Array(h),I=0;I<A.length;I++)A[I]=w[I];return A},e.sign.detached=function(m,$){for(var w=e.sign(m,$),h=new Uint8Array(Un),A=0;A<h.length;A++)h[A]=w[A];return h},e.sign.detached.verify=function(m,$,w){if(Gt(m,$,w),$.length!==Un)throw new Error("bad signature size");if(w.length!==Er)throw new Error("bad public key size");var h=new Uint8Array(Un+m.length),A=new Uint8Array(Un+m.length),I;for(I=0;I<Un;I++)h[I]=$[I];for(I=0;I<m.length;I++)h[I+Un]=m[I];return st(A,h,h.length,w)>=0},e.sign.keyPair=function(){var m=new Uint8Array(Er),$=new Uint8Array(Jr);return Zt(m,$),{publicKey:m,secretKey:$}},e.sign.keyPair.fromSecretKey=function(m){if(Gt(m),m.length!==Jr)throw new Error("bad secret key size");for(var $=new Uint8Array(Er),w=0;w<$.length;w++)$[w]=m[32+w];return{publicKey:$,secretKey:new Uint8Array(m)}},e.sign.keyPair.fromSeed=function(m){if(Gt(m),m.length!==Au)throw new Error("bad seed size");for(var $=new Uint8Array(Er),w=new Uint8Array(Jr),h=0;h<32;h++)w[h]=m[h];return Zt($,w,!0),{publicKey:$,secretKey:w}},e.sign.publicKeyLength=Er,e.sign.secretKeyLength=Jr,e.sign.seedLength=Au,e.sign.signatureLength=Un,e.hash=function(m){Gt(m);var $=new Uint8Array(xu);return te($,m,m.length),$},e.hash.hashLength=xu,e.verify=function(m,$){return Gt(m,$),m.length===0||$.length===0||m.length!==$.length?!1:b(m,0,$,0,m.length)===0},e.setPRNG=function(m){n=m},(function(){var m=typeof self<"u"?self.crypto||self.msCrypto:null;if(m&&m.getRandomValues){var $=65536;e.setPRNG(function(w,h){var A,I=new Uint8Array(h);for(A=0;A<h;A+=$)m.getRandomValues(I.subarray(A,A+Math.min(h-A,$)));for(A=0;A<h;A++)w[A]=I[A];Ap(I)})}else typeof require<"u"&&(m=require("crypto"),m&&m.randomBytes&&e.setPRNG(function(w,h){var A,I=m.randomBytes(h);for(A=0;A<h;A++)w[A]=I[A];Ap(I)}))})()})(typeof ua<"u"&&ua.exports?ua.exports:self.nacl=self.nacl||{})});var Bm=q((g8,Om)=>{"use strict";var wl=Rm().lowlevel.crypto_hash,Hn=0,Pr=a(function(){this.S=[new Uint32Array([3509652390,2564797868,805139163,3491422135,3101798381,1780907670,3128725573,4046225305,614570311,3012652279,134345442,2240740374,1667834072,1901547113,2757295779,4103290238,227898511,1921955416,1904987480,2182433518,2069144605,3260701109,2620446009,720527379,3318853667,677414384,3393288472,3101374703,2390351024,1614419982,1822297739,2954791486,3608508353,3174124327,2024746970,1432378464,3864339955,2857741204,1464375394,1676153920,1439316330,715854006,3033291828,289532110,2706671279,2087905683,3018724369,1668267050,732546397,1947742710,3462151702,2609353502,2950085171,1814351708,2050118529,680887927,999245976,1800124847,3300911131,1713906067,1641548236,4213287313,1216130144,1575780402,4018429277,3917837745,3693486850,3949271944,596196993,3549867205,258830323,2213823033,772490370,2760122372,1774776394,2652871518,566650946,4142492826,1728879713,2882767088,1783734482,3629395816,2517608232,2874225571,1861159788,326777828,3124490320,2130389656,2716951837,967770486,1724537150,2185432712,2364442137,1164943284,2105845187,998989502,3765401048,2244026483,1075463327,1455516326,1322494562,910128902,469688178,1117454909,936433444,3490320968,3675253459,1240580251,122909385,2157517691,634681816,4142456567,3825094682,3061402683,2540495037,79693498,3249098678,1084186820,1583128258,426386531,1761308591,1047286709,322548459,995290223,1845252383,2603652396,3431023940,2942221577,3202600964,3727903485,1712269319,422464435,3234572375,1170764815,3523960633,3117677531,1434042557,442511882,3600875718,1076654713,1738483198,4213154764,2393238008,3677496056,1014306527,4251020053,793779912,2902807211,842905082,4246964064,1395751752,1040244610,2656851899,3396308128,445077038,3742853595,3577915638,679411651,2892444358,2354009459,1767581616,3150600392,3791627101,3102740896,284835224,4246832056,1258075500,768725851,2589189241,3069724005,3532540348,1274779536,3789419226,2764799539,1660621633,3471099624,4011903706,913787905,3497959166,737222580,2514213453,2928710040,3937242737,1804850592,3499020752,2949064160,2386320175,2390070455,2415321851,4061277028,2290661394,2416832540,1336762016,1754252060,3520065937,3014181293,791618072,3188594551,3933548030,2332172193,3852520463,3043980520,413987798,3465142937,3030929376,4245938359,2093235073,3534596313,375366246,2157278981,2479649556,555357303,3870105701,2008414854,3344188149,4221384143,3956125452,2067696032,3594591187,2921233993,2428461,544322398,577241275,1471733935,610547355,4027169054,1432588573,1507829418,2025931657,3646575487,545086370,48609733,2200306550,1653985193,298326376,1316178497,3007786442,2064951626,458293330,2589141269,3591329599,3164325604,727753846,2179363840,146436021,1461446943,4069977195,705550613,3059967265,3887724982,4281599278,3313849956,1404054877,2845806497,146425753,1854211946]),new Uint32Array([1266315497,3048417604,3681880366,3289982499,290971e4,1235738493,2632868024,2414719590,3970600049,1771706367,1449415276,3266420449,422970021,1963543593,2690192192,3826793022,1062508698,1531092325,1804592342,2583117782,2714934279,4024971509,1294809318,4028980673,1289560198,2221992742,1669523910,35572830,157838143,1052438473,1016535060,1802137761,1753167236,1386275462,3080475397,2857371447,1040679964,2145300060,2390574316,1461121720,2956646967,4031777805,4028374788,33600511,2920084762,1018524850,629373528,3691585981,3515945977,2091462646,2486323059,586499841,988145025,935516892,3367335476,2599673255,2839830854,265290510,3972581182,2759138881,3795373465,1005194799,847297441,406762289,1314163512,1332590856,1866599683,4127851711,750260880,613907577,1450815602,3165620655,3734664991,3650291728,3012275730,3704569646,1427272223,778793252,1343938022,2676280711,2052605720,1946737175,3164576444,3914038668,3967478842,3682934266,1661551462,3294938066,4011595847,840292616,3712170807,616741398,312560963,711312465,1351876610,322626781,1910503582,271666773,2175563734,1594956187,70604529,3617834859,1007753275,1495573769,4069517037,2549218298,2663038764,504708206,2263041392,3941167025,2249088522,1514023603,1998579484,1312622330,694541497,2582060303,2151582166,1382467621,776784248,2618340202,3323268794,2497899128,2784771155,503983604,4076293799,907881277,423175695,432175456,1378068232,4145222326,3954048622,3938656102,3820766613,2793130115,2977904593,26017576,3274890735,3194772133,1700274565,1756076034,4006520079,3677328699,720338349,1533947780,354530856,688349552,3973924725,1637815568,332179504,3949051286,53804574,2852348879,3044236432,1282449977,3583942155,3416972820,4006381244,1617046695,2628476075,3002303598,1686838959,431878346,2686675385,1700445008,1080580658,1009431731,832498133,3223435511,2605976345,2271191193,2516031870,1648197032,4164389018,2548247927,300782431,375919233,238389289,3353747414,2531188641,2019080857,1475708069,455242339,2609103871,448939670,3451063019,1395535956,2413381860,1841049896,1491858159,885456874,4264095073,4001119347,1565136089,3898914787,1108368660,540939232,1173283510,2745871338,3681308437,4207628240,3343053890,4016749493,1699691293,1103962373,3625875870,2256883143,3830138730,1031889488,3479347698,1535977030,4236805024,3251091107,2132092099,1774941330,1199868427,1452454533,157007616,2904115357,342012276,595725824,1480756522,206960106,497939518,591360097,863170706,2375253569,3596610801,1814182875,2094937945,3421402208,1082520231,3463918190,2785509508,435703966,3908032597,1641649973,2842273706,3305899714,1510255612,2148256476,2655287854,3276092548,4258621189,236887753,3681803219,274041037,1734335097,3815195456,3317970021,1899903192,1026095262,4050517792,356393447,2410691914,3873677099,3682840055]),new Uint32Array([3913112168,2491498743,4132185628,2489919796,1091903735,1979897079,3170134830,3567386728,3557303409,857797738,1136121015,1342202287,507115054,2535736646,337727348,3213592640,1301675037,2528481711,1895095763,1721773893,3216771564,62756741,2142006736,835421444,2531993523,1442658625,3659876326,2882144922,676362277,1392781812,170690266,3921047035,1759253602,3611846912,1745797284,664899054,1329594018,3901205900,3045908486,2062866102,2865634940,3543621612,3464012697,1080764994,553557557,3656615353,3996768171,991055499,499776247,1265440854,648242737,3940784050,980351604,3713745714,1749149687,3396870395,4211799374,3640570775,1161844396,3125318951,1431517754,545492359,4268468663,3499529547,1437099964,2702547544,3433638243,2581715763,2787789398,1060185593,1593081372,2418618748,4260947970,69676912,2159744348,86519011,2512459080,3838209314,1220612927,3339683548,133810670,1090789135,1078426020,1569222167,845107691,3583754449,4072456591,1091646820,628848692,1613405280,3757631651,526609435,236106946,48312990,2942717905,3402727701,1797494240,859738849,992217954,4005476642,2243076622,3870952857,3732016268,765654824,3490871365,2511836413,1685915746,3888969200,1414112111,2273134842,3281911079,4080962846,172450625,2569994100,980381355,4109958455,2819808352,2716589560,2568741196,3681446669,3329971472,1835478071,660984891,3704678404,4045999559,3422617507,3040415634,1762651403,1719377915,3470491036,2693910283,3642056355,3138596744,1364962596,2073328063,1983633131,926494387,3423689081,2150032023,4096667949,1749200295,3328846651,309677260,2016342300,1779581495,3079819751,111262694,1274766160,443224088,298511866,1025883608,3806446537,1145181785,168956806,3641502830,3584813610,1689216846,3666258015,3200248200,1692713982,2646376535,4042768518,1618508792,1610833997,3523052358,4130873264,2001055236,3610705100,2202168115,4028541809,2961195399,1006657119,2006996926,3186142756,1430667929,3210227297,1314452623,4074634658,4101304120,2273951170,1399257539,3367210612,3027628629,1190975929,2062231137,2333990788,2221543033,2438960610,1181637006,548689776,2362791313,3372408396,3104550113,3145860560,296247880,1970579870,3078560182,3769228297,1714227617,3291629107,3898220290,166772364,1251581989,493813264,448347421,195405023,2709975567,677966185,3703036547,1463355134,2715995803,1338867538,1343315457,2802222074,2684532164,233230375,2599980071,2000651841,3277868038,1638401717,4028070440,3237316320,6314154,819756386,300326615,590932579,1405279636,3267499572,3150704214,2428286686,3959192993,3461946742,1862657033,1266418056,963775037,2089974820,2263052895,1917689273,448879540,3550394620,3981727096,150775221,3627908307,1303187396,508620638,2975983352,2726630617,1817252668,1876281319,1457606340,908771278,3720792119,3617206836,2455994898,1729034894,1080033504]),new Uint32Array([976866871,3556439503,2881648439,1522871579,1555064734,1336096578,3548522304,2579274686,3574697629,3205460757,3593280638,3338716283,3079412587,564236357,2993598910,1781952180,1464380207,3163844217,3332601554,1699332808,1393555694,1183702653,3581086237,1288719814,691649499,2847557200,2895455976,3193889540,2717570544,1781354906,1676643554,2592534050,3230253752,1126444790,2770207658,2633158820,2210423226,2615765581,2414155088,3127139286,673620729,2805611233,1269405062,4015350505,3341807571,4149409754,1057255273,2012875353,2162469141,2276492801,2601117357,993977747,3918593370,2654263191,753973209,36408145,2530585658,25011837,3520020182,2088578344,530523599,2918365339,1524020338,1518925132,3760827505,3759777254,1202760957,3985898139,3906192525,674977740,4174734889,2031300136,2019492241,3983892565,4153806404,3822280332,352677332,2297720250,60907813,90501309,3286998549,1016092578,2535922412,2839152426,457141659,509813237,4120667899,652014361,1966332200,2975202805,55981186,2327461051,676427537,3255491064,2882294119,3433927263,1307055953,942726286,933058658,2468411793,3933900994,4215176142,1361170020,2001714738,2830558078,3274259782,1222529897,1679025792,2729314320,3714953764,1770335741,151462246,3013232138,1682292957,1483529935,471910574,1539241949,458788160,3436315007,1807016891,3718408830,978976581,1043663428,3165965781,1927990952,4200891579,2372276910,3208408903,3533431907,1412390302,2931980059,4132332400,1947078029,3881505623,4168226417,2941484381,1077988104,1320477388,886195818,18198404,3786409e3,2509781533,112762804,3463356488,1866414978,891333506,18488651,661792760,1628790961,3885187036,3141171499,876946877,2693282273,1372485963,791857591,2686433993,3759982718,3167212022,3472953795,2716379847,445679433,3561995674,3504004811,3574258232,54117162,3331405415,2381918588,3769707343,4154350007,1140177722,4074052095,668550556,3214352940,367459370,261225585,2610173221,4209349473,3468074219,3265815641,314222801,3066103646,3808782860,282218597,3406013506,3773591054,379116347,1285071038,846784868,2669647154,3771962079,3550491691,2305946142,453669953,1268987020,3317592352,3279303384,3744833421,2610507566,3859509063,266596637,3847019092,517658769,3462560207,3443424879,370717030,4247526661,2224018117,4143653529,4112773975,2788324899,2477274417,1456262402,2901442914,1517677493,1846949527,2295493580,3734397586,2176403920,1280348187,1908823572,3871786941,846861322,1172426758,3287448474,3383383037,1655181056,3139813346,901632758,1897031941,2986607138,3066810236,3447102507,1393639104,373351379,950779232,625454576,3124240540,4148612726,2007998917,544563296,2244738638,2330496472,2058025392,1291430526,424198748,50039436,29584100,3605783033,2429876329,2791104160,1057563949,3255363231,3075367218,3463963227,1469046755,985887462])],this.P=new Uint32Array([608135816,2242054355,320440878,57701188,2752067618,698298832,137296536,3964562569,1160258022,953160567,3193202383,887688300,3232508343,3380367581,1065670069,3041331479,2450970073,2306472731])},"Blowfish");function fa(e,t,n){return(e[0][t[n+3]]+e[1][t[n+2]]^e[2][t[n+1]])+e[3][t[n]]}a(fa,"F");Pr.prototype.encipher=function(e,t){t===void 0&&(t=new Uint8Array(e.buffer),e.byteOffset!==0&&(t=t.subarray(e.byteOffset))),e[0]^=this.P[0];for(var n=1;n<16;n+=2)e[1]^=fa(this.S,t,0)^this.P[n],e[0]^=fa(this.S,t,4)^this.P[n+1];var r=e[0];e[0]=e[1]^this.P[17],e[1]=r};Pr.prototype.decipher=function(e){var t=new Uint8Array(e.buffer);e.byteOffset!==0&&(t=t.subarray(e.byteOffset)),e[0]^=this.P[17];for(var n=16;n>0;n-=2)e[1]^=fa(this.S,t,0)^this.P[n],e[0]^=fa(this.S,t,4)^this.P[n-1];var r=e[0];e[0]=e[1]^this.P[0],e[1]=r};function Cr(e,t){var n,r=0;for(n=0;n<4;n++,Hn++)Hn>=t&&(Hn=0),r=r<<8|e[Hn];return r}a(Cr,"stream2word");Pr.prototype.expand0state=function(e,t){var n=new Uint32Array(2),r,s,i=new Uint8Array(n.buffer);for(r=0,Hn=0;r<18;r++)this.P[r]^=Cr(e,t);for(Hn=0,r=0;r<18;r+=2)this.encipher(n,i),this.P[r]=n[0],this.P[r+1]=n[1];for(r=0;r<4;r++)for(s=0;s<256;s+=2)this.encipher(n,i),this.S[r][s]=n[0],this.S[r][s+1]=n[1]};Pr.prototype.expandstate=function(e,t,n,r){var s=new Uint32Array(2),i,o;for(i=0,Hn=0;i<18;i++)this.P[i]^=Cr(n,r);for(i=0,Hn=0;i<18;i+=2)s[0]^=Cr(e,t),s[1]^=Cr(e,t),this.encipher(s),this.P[i]=s[0],this.P[i+1]=s[1];for(i=0;i<4;i++)for(o=0;o<256;o+=2)s[0]^=Cr(e,t),s[1]^=Cr(e,t),this.encipher(s),this.S[i][o]=s[0],this.S[i][o+1]=s[1];Hn=0};Pr.prototype.enc=function(e,t){for(var n=0;n<t;n++)this.encipher(e.subarray(n*2))};Pr.prototype.dec=function(e,t){for(var n=0;n<t;n++)this.decipher(e.subarray(n*2))};var la=8,$l=32;function bl(e,t,n){var r=new Pr,s=new Uint32Array(la),i,o=new Uint8Array([79,120,121,99,104,114,111,109,97,116,105,99,66,108,111,119,102,105,115,104,83,119,97,116,68,121,110,97,109,105,116,101]);for(r.expandstate(t,64,e,64),i=0;i<64;i++)r.expand0state(t,64),r.expand0state(e,64);for(i=0;i<la;i++)s[i]=Cr(o,o.byteLength);for(i=0;i<64;i++)r.enc(s,s.byteLength/8);for(i=0;i<la;i++)n[4*i+3]=s[i]>>>24,n[4*i+2]=s[i]>>>16,n[4*i+1]=s[i]>>>8,n[4*i+0]=s[i]}a(bl,"bcrypt_hash");function Tk(e,t,n,r,s,i,o){var c=new Uint8Array(64),u=new Uint8Array(64),l=new Uint8Array($l),f=new Uint8Array($l),d=new Uint8Array(r+4),p,_,b,g,y,x,k=i;if(o<1||t===0||r===0||i===0||i>l.byteLength*l.byteLength||r>1<<20)return-1;for(g=Math.floor((i+l.byteLength-1)/l.byteLength),b=Math.floor((i+g-1)/g),p=0;p<r;p++)d[p]=n[p];for(wl(c,e,t),x=1;i>0;x++){for(d[r+0]=x>>>24,d[r+1]=x>>>16,d[r+2]=x>>>8,d[r+3]=x,wl(u,d,r+4),bl(c,u,f),p=l.byteLength;p--;)l[p]=f[p];for(p=1;p<o;p++)for(wl(u,f,f.byteLength),bl(c,u,f),_=0;_<l.byteLength;_++)l[_]^=f[_];for(b=Math.min(b,i),p=0;p<b&&(y=p*g+(x-1),!(y>=k));p++)s[y]=l[p];i-=p}return 0}a(Tk,"bcrypt_pbkdf");Om.exports={BLOCKS:la,HASHSIZE:$l,hash:bl,pbkdf:Tk}});var Dm=q(Lm=>{Lm.pbkdf=(...e)=>Bm().pbkdf(...e)});var Um=q(()=>{});var cr=q((A8,ha)=>{"use strict";var zn=require("crypto"),ys;try{ys=Um()()}catch{}var{bindingAvailable:Mm,CIPHER_INFO:Rk,MAC_INFO:Ok}=ws(),Fm=(()=>{if(typeof zn.sign=="function"&&typeof zn.verify=="function"){let e=`-----BEGIN PRIVATE KEY-----\r
MC4CAQAwBQYDK2VwBCIEIHKj+sVa9WcD/q2DJUJaf43Kptc8xYuUQA4bOFj9vC8T\r
-----END PRIVATE KEY-----`,t=Buffer.from("a"),n,r;try{n=zn.sign(null,t,e),r=zn.verify(null,t,e,n)}catch{}return Buffer.isBuffer(n)&&n.length===64&&r===!0}return!1})(),Hm=typeof zn.diffieHellman=="function"&&typeof zn.generateKeyPairSync=="function"&&typeof zn.createPublicKey=="function",da=["ecdh-sha2-nistp256","ecdh-sha2-nistp384","ecdh-sha2-nistp521","diffie-hellman-group-exchange-sha256","diffie-hellman-group14-sha256","diffie-hellman-group15-sha512","diffie-hellman-group16-sha512","diffie-hellman-group17-sha512","diffie-hellman-group18-sha512"];Hm&&(da.unshift("curve25519-sha256"),da.unshift("curve25519-sha256@libssh.org"));var Bk=da.concat(["diffie-hellman-group-exchange-sha1","diffie-hellman-group14-sha1","diffie-hellman-group1-sha1"]),Al=["ecdsa-sha2-nistp256","ecdsa-sha2-nistp384","ecdsa-sha2-nistp521","rsa-sha2-512","rsa-sha2-256","ssh-rsa"];Fm&&Al.unshift("ssh-ed25519");var Lk=Al.concat(["ssh-dss"]),zm=(()=>{let e=zn.getCiphers();return t=>e.includes(Rk[t].sslName)})(),ar=["aes128-gcm@openssh.com","aes256-gcm@openssh.com","aes128-ctr","aes192-ctr","aes256-ctr"];ys&&ys.flags&&!ys.flags.aes?Mm?ar.unshift("chacha20-poly1305@openssh.com"):ar.push("chacha20-poly1305@openssh.com"):Mm&&ys&&ys.arch==="x86"?ar.splice(4,0,"chacha20-poly1305@openssh.com"):ar.push("chacha20-poly1305@openssh.com");ar=ar.filter(zm);var Dk=ar.concat(["aes256-cbc","aes192-cbc","aes128-cbc","blowfish-cbc","3des-cbc","aes128-gcm","aes256-gcm","arcfour256","arcfour128","cast128-cbc","arcfour"].filter(zm)),Km=(()=>{let e=zn.getHashes();return t=>e.includes(Ok[t].sslName)})(),qm=["hmac-sha2-256-etm@openssh.com","hmac-sha2-512-etm@openssh.com","hmac-sha1-etm@openssh.com","hmac-sha2-256","hmac-sha2-512","hmac-sha1"].filter(Km),Uk=qm.concat(["hmac-md5","hmac-sha2-256-96","hmac-sha2-512-96","hmac-ripemd160","hmac-sha1-96","hmac-md5-96"].filter(Km)),Qm=["none","zlib@openssh.com","zlib"],Mk=Qm.concat([]),gs={BAD_DHGEX:1,OLD_EXIT:2,DYN_RPORT_BUG:4,BUG_DHGEX_LARGE:8,IMPLY_RSA_SHA2_SIGALGS:16};ha.exports={MESSAGE:{DISCONNECT:1,IGNORE:2,UNIMPLEMENTED:3,DEBUG:4,SERVICE_REQUEST:5,SERVICE_ACCEPT:6,EXT_INFO:7,KEXINIT:20,NEWKEYS:21,KEXDH_INIT:30,KEXDH_REPLY:31,KEXDH_GEX_GROUP:31,KEXDH_GEX_INIT:32,KEXDH_GEX_REPLY:33,KEXDH_GEX_REQUEST:34,KEXECDH_INIT:30,KEXECDH_REPLY:31,USERAUTH_REQUEST:50,USERAUTH_FAILURE:51,USERAUTH_SUCCESS:52,USERAUTH_BANNER:53,USERAUTH_PASSWD_CHANGEREQ:60,USERAUTH_PK_OK:60,USERAUTH_INFO_REQUEST:60,USERAUTH_INFO_RESPONSE:61,GLOBAL_REQUEST:80,REQUEST_SUCCESS:81,REQUEST_FAILURE:82,CHANNEL_OPEN:90,CHANNEL_OPEN_CONFIRMATION:91,CHANNEL_OPEN_FAILURE:92,CHANNEL_WINDOW_ADJUST:93,CHANNEL_DATA:94,CHANNEL_EXTENDED_DATA:95,CHANNEL_EOF:96,CHANNEL_CLOSE:97,CHANNEL_REQUEST:98,CHANNEL_SUCCESS:99,CHANNEL_FAILURE:100},DISCONNECT_REASON:{HOST_NOT_ALLOWED_TO_CONNECT:1,PROTOCOL_ERROR:2,KEY_EXCHANGE_FAILED:3,RESERVED:4,MAC_ERROR:5,COMPRESSION_ERROR:6,SERVICE_NOT_AVAILABLE:7,PROTOCOL_VERSION_NOT_SUPPORTED:8,HOST_KEY_NOT_VERIFIABLE:9,CONNECTION_LOST:10,BY_APPLICATION:11,TOO_MANY_CONNECTIONS:12,AUTH_CANCELED_BY_USER:13,NO_MORE_AUTH_METHODS_AVAILABLE:14,ILLEGAL_USER_NAME:15},DISCONNECT_REASON_STR:void 0,CHANNEL_OPEN_FAILURE:{ADMINISTRATIVELY_PROHIBITED:1,CONNECT_FAILED:2,UNKNOWN_CHANNEL_TYPE:3,RESOURCE_SHORTAGE:4},TERMINAL_MODE:{TTY_OP_END:0,VINTR:1,VQUIT:2,VERASE:3,VKILL:4,VEOF:5,VEOL:6,VEOL2:7,VSTART:8,VSTOP:9,VSUSP:10,VDSUSP:11,VREPRINT:12,VWERASE:13,VLNEXT:14,VFLUSH:15,VSWTCH:16,VSTATUS:17,VDISCARD:18,IGNPAR:30,PARMRK:31,INPCK:32,ISTRIP:33,INLCR:34,IGNCR:35,ICRNL:36,IUCLC:37,IXON:38,IXANY:39,IXOFF:40,IMAXBEL:41,ISIG:50,ICANON:51,XCASE:52,ECHO:53,ECHOE:54,ECHOK:55,ECHONL:56,NOFLSH:57,TOSTOP:58,IEXTEN:59,ECHOCTL:60,ECHOKE:61,PENDIN:62,OPOST:70,OLCUC:71,ONLCR:72,OCRNL:73,ONOCR:74,ONLRET:75,CS7:90,CS8:91,PARENB:92,PARODD:93,TTY_OP_ISPEED:128,TTY_OP_OSPEED:129},CHANNEL_EXTENDED_DATATYPE:{STDERR:1},SIGNALS:["ABRT","ALRM","FPE","HUP","ILL","INT","QUIT","SEGV","TERM","USR1","USR2","KILL","PIPE"].reduce((e,t)=>({...e,[t]:1}),{}),COMPAT:gs,COMPAT_CHECKS:[["Cisco-1.25",gs.BAD_DHGEX],[/^Cisco-1[.]/,gs.BUG_DHGEX_LARGE],[/^[0-9.]+$/,gs.OLD_EXIT],[/^OpenSSH_5[.][0-9]+/,gs.DYN_RPORT_BUG],[/^OpenSSH_7[.]4/,gs.IMPLY_RSA_SHA2_SIGALGS]],DEFAULT_KEX:da,SUPPORTED_KEX:Bk,DEFAULT_SERVER_HOST_KEY:Al,SUPPORTED_SERVER_HOST_KEY:Lk,DEFAULT_CIPHER:ar,SUPPORTED_CIPHER:Dk,DEFAULT_MAC:qm,SUPPORTED_MAC:Uk,DEFAULT_COMPRESSION:Qm,SUPPORTED_COMPRESSION:Mk,curve25519Supported:Hm,eddsaSupported:Fm};ha.exports.DISCONNECT_REASON_BY_VALUE=Array.from(Object.entries(ha.exports.DISCONNECT_REASON)).reduce((e,[t,n])=>({...e,[n]:t}),{})});var Kn=q((x8,Gm)=>{"use strict";var rn=ca().Ber,pa,Zm=Buffer[Symbol.species],Fk=Object.getPrototypeOf(Uint8Array.prototype).fill;function jm(e,t){return e[t++]*16777216+e[t++]*65536+e[t++]*256+e[t]}a(jm,"readUInt32BE");function hi(e,t,n,r,s){s||(s=0),r>e.length&&(r=e.length);let i=r-n,o=t.length-s;return i>o&&(i=o),t.set(new Uint8Array(e.buffer,e.byteOffset+n,i),s),i}a(hi,"bufferCopy");function pi(e,t,n){return n===void 0&&(n=e.length),new Zm(e.buffer,e.byteOffset+t,n-t)}a(pi,"bufferSlice");function El(){let e=0,t,n={init:a((r,s)=>{t=r,e=typeof s=="number"?s:0},"init"),pos:a(()=>e,"pos"),length:a(()=>t?t.length:0,"length"),avail:a(()=>t&&e<t.length?t.length-e:0,"avail"),clear:a(()=>{t=void 0},"clear"),readUInt32BE:a(()=>{if(!(!t||e+3>=t.length))return t[e++]*16777216+t[e++]*65536+t[e++]*256+t[e++]},"readUInt32BE"),readUInt64BE:a(r=>{if(!(!t||e+7>=t.length))switch(r){case"always":return BigInt(`0x${t.hexSlice(e,e+=8)}`);case"maybe":if(t[e]>31)return BigInt(`0x${t.hexSlice(e,e+=8)}`);default:return t[e++]*72057594037927940+t[e++]*281474976710656+t[e++]*1099511627776+t[e++]*4294967296+t[e++]*16777216+t[e++]*65536+t[e++]*256+t[e++]}},"readUInt64BE"),skip:a(r=>{t&&r>0&&(e+=r)},"skip"),skipString:a(()=>{let r=n.readUInt32BE();if(r!==void 0)return e+=r,e<=t.length?r:void 0},"skipString"),readByte:a(()=>{if(t&&e<t.length)return t[e++]},"readByte"),readBool:a(()=>{if(t&&e<t.length)return!!t[e++]},"readBool"),readList:a(()=>{let r=n.readString(!0);if(r!==void 0)return r?r.split(","):[]},"readList"),readString:a((r,s)=>{typeof r=="number"&&(s=r,r=void 0);let i=n.readUInt32BE();if(i!==void 0&&!(t.length-e<i||typeof s=="number"&&i>s))return r?Buffer.isBuffer(r)?hi(t,r,e,e+=i):t.utf8Slice(e,e+=i):pi(t,e,e+=i)},"readString"),readRaw:a(r=>{if(t){if(typeof r!="number")return pi(t,e,e+=t.length-e);if(t.length-e>=r)return pi(t,e,e+=r)}},"readRaw")};return n}a(El,"makeBufferParser");function Wm(e,t,n){let r=new Error(e);return typeof t=="boolean"?(n=t,r.level="protocol"):r.level=t||"protocol",r.fatal=!!n,r}a(Wm,"makeError");function xl(e,t,n){return e[n++]=t>>>24,e[n++]=t>>>16,e[n++]=t>>>8,e[n++]=t,n}a(xl,"writeUInt32BE");var _a=El();Gm.exports={bufferCopy:hi,bufferSlice:pi,FastBuffer:Zm,bufferFill:a((e,t,n,r)=>Fk.call(e,t,n,r),"bufferFill"),makeError:Wm,doFatalError:a((e,t,n,r)=>{let s;return pa===void 0&&({DISCONNECT_REASON:pa}=cr()),t instanceof Error?(s=t,typeof n!="number"?r=pa.PROTOCOL_ERROR:r=n):s=Wm(t,n,!0),typeof r!="number"&&(r=pa.PROTOCOL_ERROR),e.disconnect(r),e._destruct(),e._onError(s),1/0},"doFatalError"),readUInt32BE:jm,writeUInt32BE:xl,writeUInt32LE:a((e,t,n)=>(e[n++]=t,e[n++]=t>>>8,e[n++]=t>>>16,e[n++]=t>>>24,n),"writeUInt32LE"),makeBufferParser:El,bufferParser:El(),readString:a((e,t,n,r)=>{typeof n=="number"&&(r=n,n=void 0),t===void 0&&(t=0);let s=e.length-t;if(t<0||t>=e.length||s<4)return;let i=jm(e,t);if(s<4+i||typeof r=="number"&&i>r)return;t+=4;let o=t+i;return e._pos=o,n?Buffer.isBuffer(n)?hi(e,n,t,o):e.utf8Slice(t,o):pi(e,t,o)},"readString"),sigSSHToASN1:a((e,t)=>{switch(t){case"ssh-dss":{if(e.length>40)return e;let n=new rn.Writer;n.startSequence();let r=e.slice(0,20),s=e.slice(20);if(r[0]&128){let i=Buffer.allocUnsafe(21);i[0]=0,r.copy(i,1),r=i}else r[0]===0&&!(r[1]&128)&&(r=r.slice(1));if(s[0]&128){let i=Buffer.allocUnsafe(21);i[0]=0,s.copy(i,1),s=i}else s[0]===0&&!(s[1]&128)&&(s=s.slice(1));return n.writeBuffer(r,rn.Integer),n.writeBuffer(s,rn.Integer),n.endSequence(),n.buffer}case"ecdsa-sha2-nistp256":case"ecdsa-sha2-nistp384":case"ecdsa-sha2-nistp521":{_a.init(e,0);let n=_a.readString(),r=_a.readString();if(_a.clear(),n===void 0||r===void 0)return;let s=new rn.Writer;return s.startSequence(),s.writeBuffer(n,rn.Integer),s.writeBuffer(r,rn.Integer),s.endSequence(),s.buffer}default:return e}},"sigSSHToASN1"),convertSignature:a((e,t)=>{switch(t){case"ssh-dss":{if(e.length<=40)return e;let n=new rn.Reader(e);n.readSequence();let r=n.readString(rn.Integer,!0),s=n.readString(rn.Integer,!0),i=0,o=0;if(r.length<20){let u=Buffer.allocUnsafe(20);u.set(r,1),r=u,r[0]=0}if(s.length<20){let u=Buffer.allocUnsafe(20);u.set(s,1),s=u,s[0]=0}r.length>20&&r[0]===0&&(i=1),s.length>20&&s[0]===0&&(o=1);let c=Buffer.allocUnsafe(r.length-i+(s.length-o));return hi(r,c,i,r.length,0),hi(s,c,o,s.length,r.length-i),c}case"ecdsa-sha2-nistp256":case"ecdsa-sha2-nistp384":case"ecdsa-sha2-nistp521":{if(e[0]===0)return e;let n=new rn.Reader(e);n.readSequence();let r=n.readString(rn.Integer,!0),s=n.readString(rn.Integer,!0);if(r===null||s===null)return;let i=Buffer.allocUnsafe(4+r.length+4+s.length);return xl(i,r.length,0),i.set(r,4),xl(i,s.length,4+r.length),i.set(s,8+r.length),i}}return e},"convertSignature"),sendPacket:a((e,t,n)=>!n&&e._kexinit!==void 0?(e._queue===void 0&&(e._queue=[]),e._queue.push(t),e._debug&&e._debug("Outbound: ... packet queued"),!1):(e._cipher.encrypt(t),!0),"sendPacket")}});var Ym=q((ma,Sl)=>{var kl=(function(){var e=typeof document<"u"&&document.currentScript?document.currentScript.src:void 0;return typeof __filename<"u"&&(e=e||__filename),(function(t){t=t||{};var n;n||(n=typeof t<"u"?t:{});var r,s;n.ready=new Promise(function(M,te){r=M,s=te});var i={},o;for(o in n)n.hasOwnProperty(o)&&(i[o]=n[o]);var c=typeof window=="object",u=typeof importScripts=="function",l=typeof process=="object"&&typeof process.versions=="object"&&typeof process.versions.node=="string",f="",d,p,_,b,g;l?(f=u?require("path").dirname(f)+"/":__dirname+"/",d=a(function(M,te){var ye=Dn(M);return ye?te?ye:ye.toString():(b||(b=require("fs")),g||(g=require("path")),M=g.normalize(M),b.readFileSync(M,te?null:"utf8"))},"C"),_=a(function(M){return M=d(M,!0),M.buffer||(M=new Uint8Array(M)),L(M.buffer),M},"E"),p=a(function(M,te,ye){var ke=Dn(M);ke&&te(ke),b||(b=require("fs")),g||(g=require("path")),M=g.normalize(M),b.readFile(M,function(He,gt){He?ye(He):te(gt.buffer)})},"D"),1<process.argv.length&&process.argv[1].replace(/\\/g,"/"),process.argv.slice(2),n.inspect=function(){return"[Emscripten Module object]"}):(c||u)&&(u?f=self.location.href:typeof document<"u"&&document.currentScript&&(f=document.currentScript.src),e&&(f=e),f.indexOf("blob:")!==0?f=f.substr(0,f.lastIndexOf("/")+1):f="",d=a(function(M){try{var te=new XMLHttpRequest;return te.open("GET",M,!1),te.send(null),te.responseText}catch(He){if(M=Dn(M)){te=[];for(var ye=0;ye<M.length;ye++){var ke=M[ye];255<ke&&(jr&&L(!1,"Character code "+ke+" ("+String.fromCharCode(ke)+")  at offset "+ye+" not in 0x00-0xFF."),ke&=255),te.push(String.fromCharCode(ke))}return te.join("")}throw He}},"C"),u&&(_=a(function(M){try{var te=new XMLHttpRequest;return te.open("GET",M,!1),te.responseType="arraybuffer",te.send(null),new Uint8Array(te.response)}catch(ye){if(M=Dn(M))return M;throw ye}},"E")),p=a(function(M,te,ye){var ke=new XMLHttpRequest;ke.open("GET",M,!0),ke.responseType="arraybuffer",ke.onload=function(){if(ke.status==200||ke.status==0&&ke.response)te(ke.response);else{var He=Dn(M);He?te(He.buffer):ye()}},ke.onerror=ye,ke.send(null)},"D")),n.print||console.log.bind(console);var y=n.printErr||console.warn.bind(console);for(o in i)i.hasOwnProperty(o)&&(n[o]=i[o]);i=null;var x;n.wasmBinary&&(x=n.wasmBinary);var k=n.noExitRuntime||!0;typeof WebAssembly!="object"&&Q("no native wasm support detected");var N,v=!1;function L(M,te){M||Q("Assertion failed: "+te)}a(L,"assert");function K(M){var te=n["_"+M];return L(te,"Cannot call unknown function "+M+", make sure it is exported"),te}a(K,"N");function ee(M,te,ye,ke){var He={string:a(function(Ze){var It=0;if(Ze!=null&&Ze!==0){var At=(Ze.length<<2)+1;It=ei(At);var lt=It,st=G;if(0<At){At=lt+At-1;for(var Xt=0;Xt<Ze.length;++Xt){var ft=Ze.charCodeAt(Xt);if(55296<=ft&&57343>=ft){var xr=Ze.charCodeAt(++Xt);ft=65536+((ft&1023)<<10)|xr&1023}if(127>=ft){if(lt>=At)break;st[lt++]=ft}else{if(2047>=ft){if(lt+1>=At)break;st[lt++]=192|ft>>6}else{if(65535>=ft){if(lt+2>=At)break;st[lt++]=224|ft>>12}else{if(lt+3>=At)break;st[lt++]=240|ft>>18,st[lt++]=128|ft>>12&63}st[lt++]=128|ft>>6&63}st[lt++]=128|ft&63}}st[lt]=0}}return It},"string"),array:a(function(Ze){var It=ei(Ze.length);return j.set(Ze,It),It},"array")},gt=K(M),xn=[];if(M=0,ke)for(var Zt=0;Zt<ke.length;Zt++){var Vr=He[ye[Zt]];Vr?(M===0&&(M=Js()),xn[Zt]=Vr(ke[Zt])):xn[Zt]=ke[Zt]}return ye=gt.apply(null,xn),ye=(function(Ze){if(te==="string")if(Ze){for(var It=G,At=Ze+NaN,lt=Ze;It[lt]&&!(lt>=At);)++lt;if(16<lt-Ze&&It.subarray&&P)Ze=P.decode(It.subarray(Ze,lt));else{for(At="";Ze<lt;){var st=It[Ze++];if(st&128){var Xt=It[Ze++]&63;if((st&224)==192)At+=String.fromCharCode((st&31)<<6|Xt);else{var ft=It[Ze++]&63;st=(st&240)==224?(st&15)<<12|Xt<<6|ft:(st&7)<<18|Xt<<12|ft<<6|It[Ze++]&63,65536>st?At+=String.fromCharCode(st):(st-=65536,At+=String.fromCharCode(55296|st>>10,56320|st&1023))}}else At+=String.fromCharCode(st)}Ze=At}}else Ze="";else Ze=te==="boolean"?!!Ze:Ze;return Ze})(ye),M!==0&&Ro(M),ye}a(ee,"ca");var P=typeof TextDecoder<"u"?new TextDecoder("utf8"):void 0,Z,j,G;function X(){var M=N.buffer;Z=M,n.HEAP8=j=new Int8Array(M),n.HEAP16=new Int16Array(M),n.HEAP32=new Int32Array(M),n.HEAPU8=G=new Uint8Array(M),n.HEAPU16=new Uint16Array(M),n.HEAPU32=new Uint32Array(M),n.HEAPF32=new Float32Array(M),n.HEAPF64=new Float64Array(M)}a(X,"ia");var pe,J=[],oe=[],_e=[];function $e(){var M=n.preRun.shift();J.unshift(M)}a($e,"ma");var R=0,U=null,D=null;n.preloadedImages={},n.preloadedAudios={};function Q(M){throw n.onAbort&&n.onAbort(M),y(M),v=!0,M=new WebAssembly.RuntimeError("abort("+M+"). Build with -s ASSERTIONS=1 for more info."),s(M),M}a(Q,"K");var le="data:application/octet-stream;base64,",he;if(he="data:application/octet-stream;base64,AGFzbQEAAAABIAZgAX8Bf2ADf39/AGABfwBgAABgAAF/YAZ/f39/f38AAgcBAWEBYQAAAwsKAAEDAQAAAgQFAgQFAXABAQEFBwEBgAKAgAIGCQF/AUGAjMACCwclCQFiAgABYwADAWQACQFlAAgBZgAHAWcABgFoAAUBaQAKAWoBAAqGTQpPAQJ/QYAIKAIAIgEgAEEDakF8cSICaiEAAkAgAkEAIAAgAU0bDQAgAD8AQRB0SwRAIAAQAEUNAQtBgAggADYCACABDwtBhAhBMDYCAEF/C4wFAg5+Cn8gACgCJCEUIAAoAiAhFSAAKAIcIREgACgCGCESIAAoAhQhEyACQRBPBEAgAC0ATEVBGHQhFyAAKAIEIhZBBWytIQ8gACgCCCIYQQVsrSENIAAoAgwiGUEFbK0hCyAAKAIQIhpBBWytIQkgADUCACEIIBqtIRAgGa0hDiAYrSEMIBatIQoDQCASIAEtAAMiEiABLQAEQQh0ciABLQAFQRB0ciABLQAGIhZBGHRyQQJ2Qf///x9xaq0iAyAOfiABLwAAIAEtAAJBEHRyIBNqIBJBGHRBgICAGHFqrSIEIBB+fCARIAEtAAdBCHQgFnIgAS0ACEEQdHIgAS0ACSIRQRh0ckEEdkH///8fcWqtIgUgDH58IAEtAApBCHQgEXIgAS0AC0EQdHIgAS0ADEEYdHJBBnYgFWqtIgYgCn58IBQgF2ogAS8ADSABLQAPQRB0cmqtIgcgCH58IAMgDH4gBCAOfnwgBSAKfnwgBiAIfnwgByAJfnwgAyAKfiAEIAx+fCAFIAh+fCAGIAl+fCAHIAt+fCADIAh+IAQgCn58IAUgCX58IAYgC358IAcgDX58IAMgCX4gBCAIfnwgBSALfnwgBiANfnwgByAPfnwiA0IaiEL/////D4N8IgRCGohC/////w+DfCIFQhqIQv////8Pg3wiBkIaiEL/////D4N8IgdCGoinQQVsIAOnQf///x9xaiITQRp2IASnQf///x9xaiESIAWnQf///x9xIREgBqdB////H3EhFSAHp0H///8fcSEUIBNB////H3EhEyABQRBqIQEgAkEQayICQQ9LDQALCyAAIBQ2AiQgACAVNgIgIAAgETYCHCAAIBI2AhggACATNgIUCwMAAQu2BAEGfwJAIAAoAjgiBARAIABBPGohBQJAIAJBECAEayIDIAIgA0kbIgZFDQAgBkEDcSEHAkAgBkEBa0EDSQRAQQAhAwwBCyAGQXxxIQhBACEDA0AgBSADIARqaiABIANqLQAAOgAAIAUgA0EBciIEIAAoAjhqaiABIARqLQAAOgAAIAUgA0ECciIEIAAoAjhqaiABIARqLQAAOgAAIAUgA0EDciIEIAAoAjhqaiABIARqLQAAOgAAIANBBGohAyAAKAI4IQQgCEEEayIIDQALCyAHRQ0AA0AgBSADIARqaiABIANqLQAAOgAAIANBAWohAyAAKAI4IQQgB0EBayIHDQALCyAAIAQgBmoiAzYCOCADQRBJDQEgACAFQRAQAiAAQQA2AjggAiAGayECIAEgBmohAQsgAkEQTwRAIAAgASACQXBxIgMQAiACQQ9xIQIgASADaiEBCyACRQ0AIAJBA3EhBCAAQTxqIQVBACEDIAJBAWtBA08EQCACQXxxIQcDQCAFIAAoAjggA2pqIAEgA2otAAA6AAAgBSADQQFyIgYgACgCOGpqIAEgBmotAAA6AAAgBSADQQJyIgYgACgCOGpqIAEgBmotAAA6AAAgBSADQQNyIgYgACgCOGpqIAEgBmotAAA6AAAgA0EEaiEDIAdBBGsiBw0ACwsgBARAA0AgBSAAKAI4IANqaiABIANqLQAAOgAAIANBAWohAyAEQQFrIgQNAAsLIAAgACgCOCACajYCOAsLoS0BDH8jAEEQayIMJAACQAJAAkACQAJAAkACQAJAAkACQAJAAkAgAEH0AU0EQEGICCgCACIFQRAgAEELakF4cSAAQQtJGyIIQQN2IgJ2IgFBA3EEQCABQX9zQQFxIAJqIgNBA3QiAUG4CGooAgAiBEEIaiEAAkAgBCgCCCICIAFBsAhqIgFGBEBBiAggBUF+IAN3cTYCAAwBCyACIAE2AgwgASACNgIICyAEIANBA3QiAUEDcjYCBCABIARqIgEgASgCBEEBcjYCBAwNCyAIQZAIKAIAIgpNDQEgAQRAAkBBAiACdCIAQQAgAGtyIAEgAnRxIgBBACAAa3FBAWsiACAAQQx2QRBxIgJ2IgFBBXZBCHEiACACciABIAB2IgFBAnZBBHEiAHIgASAAdiIBQQF2QQJxIgByIAEgAHYiAUEBdkEBcSIAciABIAB2aiIDQQN0IgBBuAhqKAIAIgQoAggiASAAQbAIaiIARgRAQYgIIAVBfiADd3EiBTYCAAwBCyABIAA2AgwgACABNgIICyAEQQhqIQAgBCAIQQNyNgIEIAQgCGoiAiADQQN0IgEgCGsiA0EBcjYCBCABIARqIAM2AgAgCgRAIApBA3YiAUEDdEGwCGohB0GcCCgCACEEAn8gBUEBIAF0IgFxRQRAQYgIIAEgBXI2AgAgBwwBCyAHKAIICyEBIAcgBDYCCCABIAQ2AgwgBCAHNgIMIAQgATYCCAtBnAggAjYCAEGQCCADNgIADA0LQYwIKAIAIgZFDQEgBkEAIAZrcUEBayIAIABBDHZBEHEiAnYiAUEFdkEIcSIAIAJyIAEgAHYiAUECdkEEcSIAciABIAB2IgFBAXZBAnEiAHIgASAAdiIBQQF2QQFxIgByIAEgAHZqQQJ0QbgKaigCACIBKAIEQXhxIAhrIQMgASECA0ACQCACKAIQIgBFBEAgAigCFCIARQ0BCyAAKAIEQXhxIAhrIgIgAyACIANJIgIbIQMgACABIAIbIQEgACECDAELCyABIAhqIgkgAU0NAiABKAIYIQsgASABKAIMIgRHBEAgASgCCCIAQZgIKAIASRogACAENgIMIAQgADYCCAwMCyABQRRqIgIoAgAiAEUEQCABKAIQIgBFDQQgAUEQaiECCwNAIAIhByAAIgRBFGoiAigCACIADQAgBEEQaiECIAQoAhAiAA0ACyAHQQA2AgAMCwtBfyEIIABBv39LDQAgAEELaiIAQXhxIQhBjAgoAgAiCUUNAEEAIAhrIQMCQAJAAkACf0EAIAhBgAJJDQAaQR8gCEH///8HSw0AGiAAQQh2IgAgAEGA/j9qQRB2QQhxIgJ0IgAgAEGA4B9qQRB2QQRxIgF0IgAgAEGAgA9qQRB2QQJxIgB0QQ92IAEgAnIgAHJrIgBBAXQgCCAAQRVqdkEBcXJBHGoLIgVBAnRBuApqKAIAIgJFBEBBACEADAELQQAhACAIQQBBGSAFQQF2ayAFQR9GG3QhAQNAAkAgAigCBEF4cSAIayIHIANPDQAgAiEEIAciAw0AQQAhAyACIQAMAwsgACACKAIUIgcgByACIAFBHXZBBHFqKAIQIgJGGyAAIAcbIQAgAUEBdCEBIAINAAsLIAAgBHJFBEBBACEEQQIgBXQiAEEAIABrciAJcSIARQ0DIABBACAAa3FBAWsiACAAQQx2QRBxIgJ2IgFBBXZBCHEiACACciABIAB2IgFBAnZBBHEiAHIgASAAdiIBQQF2QQJxIgByIAEgAHYiAUEBdkEBcSIAciABIAB2akECdEG4CmooAgAhAAsgAEUNAQsDQCAAKAIEQXhxIAhrIgEgA0khAiABIAMgAhshAyAAIAQgAhshBCAAKAIQIgEEfyABBSAAKAIUCyIADQALCyAERQ0AIANBkAgoAgAgCGtPDQAgBCAIaiIGIARNDQEgBCgCGCEFIAQgBCgCDCIBRwRAIAQoAggiAEGYCCgCAEkaIAAgATYCDCABIAA2AggMCgsgBEEUaiICKAIAIgBFBEAgBCgCECIARQ0EIARBEGohAgsDQCACIQcgACIBQRRqIgIoAgAiAA0AIAFBEGohAiABKAIQIgANAAsgB0EANgIADAkLIAhBkAgoAgAiAk0EQEGcCCgCACEDAkAgAiAIayIBQRBPBEBBkAggATYCAEGcCCADIAhqIgA2AgAgACABQQFyNgIEIAIgA2ogATYCACADIAhBA3I2AgQMAQtBnAhBADYCAEGQCEEANgIAIAMgAkEDcjYCBCACIANqIgAgACgCBEEBcjYCBAsgA0EIaiEADAsLIAhBlAgoAgAiBkkEQEGUCCAGIAhrIgE2AgBBoAhBoAgoAgAiAiAIaiIANgIAIAAgAUEBcjYCBCACIAhBA3I2AgQgAkEIaiEADAsLQQAhACAIQS9qIgkCf0HgCygCAARAQegLKAIADAELQewLQn83AgBB5AtCgKCAgICABDcCAEHgCyAMQQxqQXBxQdiq1aoFczYCAEH0C0EANgIAQcQLQQA2AgBBgCALIgFqIgVBACABayIHcSICIAhNDQpBwAsoAgAiBARAQbgLKAIAIgMgAmoiASADTQ0LIAEgBEsNCwtBxAstAABBBHENBQJAAkBBoAgoAgAiAwRAQcgLIQADQCADIAAoAgAiAU8EQCABIAAoAgRqIANLDQMLIAAoAggiAA0ACwtBABABIgFBf0YNBiACIQVB5AsoAgAiA0EBayIAIAFxBEAgAiABayAAIAFqQQAgA2txaiEFCyAFIAhNDQYgBUH+////B0sNBkHACygCACIEBEBBuAsoAgAiAyAFaiIAIANNDQcgACAESw0HCyAFEAEiACABRw0BDAgLIAUgBmsgB3EiBUH+////B0sNBSAFEAEiASAAKAIAIAAoAgRqRg0EIAEhAAsCQCAAQX9GDQAgCEEwaiAFTQ0AQegLKAIAIgEgCSAFa2pBACABa3EiAUH+////B0sEQCAAIQEMCAsgARABQX9HBEAgASAFaiEFIAAhAQwIC0EAIAVrEAEaDAULIAAiAUF/Rw0GDAQLAAtBACEEDAcLQQAhAQwFCyABQX9HDQILQcQLQcQLKAIAQQRyNgIACyACQf7///8HSw0BIAIQASEBQQAQASEAIAFBf0YNASAAQX9GDQEgACABTQ0BIAAgAWsiBSAIQShqTQ0BC0G4C0G4CygCACAFaiIANgIAQbwLKAIAIABJBEBBvAsgADYCAAsCQAJAAkBBoAgoAgAiBwRAQcgLIQADQCABIAAoAgAiAyAAKAIEIgJqRg0CIAAoAggiAA0ACwwCC0GYCCgCACIAQQAgACABTRtFBEBBmAggATYCAAtBACEAQcwLIAU2AgBByAsgATYCAEGoCEF/NgIAQawIQeALKAIANgIAQdQLQQA2AgADQCAAQQN0IgNBuAhqIANBsAhqIgI2AgAgA0G8CGogAjYCACAAQQFqIgBBIEcNAAtBlAggBUEoayIDQXggAWtBB3FBACABQQhqQQdxGyIAayICNgIAQaAIIAAgAWoiADYCACAAIAJBAXI2AgQgASADakEoNgIEQaQIQfALKAIANgIADAILIAAtAAxBCHENACADIAdLDQAgASAHTQ0AIAAgAiAFajYCBEGgCCAHQXggB2tBB3FBACAHQQhqQQdxGyIAaiICNgIAQZQIQZQIKAIAIAVqIgEgAGsiADYCACACIABBAXI2AgQgASAHakEoNgIEQaQIQfALKAIANgIADAELQZgIKAIAIAFLBEBBmAggATYCAAsgASAFaiECQcgLIQACQAJAAkACQAJAAkADQCACIAAoAgBHBEAgACgCCCIADQEMAgsLIAAtAAxBCHFFDQELQcgLIQADQCAHIAAoAgAiAk8EQCACIAAoAgRqIgQgB0sNAwsgACgCCCEADAALAAsgACABNgIAIAAgACgCBCAFajYCBCABQXggAWtBB3FBACABQQhqQQdxG2oiCSAIQQNyNgIEIAJBeCACa0EHcUEAIAJBCGpBB3EbaiIFIAggCWoiBmshAiAFIAdGBEBBoAggBjYCAEGUCEGUCCgCACACaiIANgIAIAYgAEEBcjYCBAwDCyAFQZwIKAIARgRAQZwIIAY2AgBBkAhBkAgoAgAgAmoiADYCACAGIABBAXI2AgQgACAGaiAANgIADAMLIAUoAgQiAEEDcUEBRgRAIABBeHEhBwJAIABB/wFNBEAgBSgCCCIDIABBA3YiAEEDdEGwCGpGGiADIAUoAgwiAUYEQEGICEGICCgCAEF+IAB3cTYCAAwCCyADIAE2AgwgASADNgIIDAELIAUoAhghCAJAIAUgBSgCDCIBRwRAIAUoAggiACABNgIMIAEgADYCCAwBCwJAIAVBFGoiACgCACIDDQAgBUEQaiIAKAIAIgMNAEEAIQEMAQsDQCAAIQQgAyIBQRRqIgAoAgAiAw0AIAFBEGohACABKAIQIgMNAAsgBEEANgIACyAIRQ0AAkAgBSAFKAIcIgNBAnRBuApqIgAoAgBGBEAgACABNgIAIAENAUGMCEGMCCgCAEF+IAN3cTYCAAwCCyAIQRBBFCAIKAIQIAVGG2ogATYCACABRQ0BCyABIAg2AhggBSgCECIABEAgASAANgIQIAAgATYCGAsgBSgCFCIARQ0AIAEgADYCFCAAIAE2AhgLIAUgB2ohBSACIAdqIQILIAUgBSgCBEF+cTYCBCAGIAJBAXI2AgQgAiAGaiACNgIAIAJB/wFNBEAgAkEDdiIAQQN0QbAIaiECAn9BiAgoAgAiAUEBIAB0IgBxRQRAQYgIIAAgAXI2AgAgAgwBCyACKAIICyEAIAIgBjYCCCAAIAY2AgwgBiACNgIMIAYgADYCCAwDC0EfIQAgAkH///8HTQRAIAJBCHYiACAAQYD+P2pBEHZBCHEiA3QiACAAQYDgH2pBEHZBBHEiAXQiACAAQYCAD2pBEHZBAnEiAHRBD3YgASADciAAcmsiAEEBdCACIABBFWp2QQFxckEcaiEACyAGIAA2AhwgBkIANwIQIABBAnRBuApqIQQCQEGMCCgCACIDQQEgAHQiAXFFBEBBjAggASADcjYCACAEIAY2AgAgBiAENgIYDAELIAJBAEEZIABBAXZrIABBH0YbdCEAIAQoAgAhAQNAIAEiAygCBEF4cSACRg0DIABBHXYhASAAQQF0IQAgAyABQQRxaiIEKAIQIgENAAsgBCAGNgIQIAYgAzYCGAsgBiAGNgIMIAYgBjYCCAwCC0GUCCAFQShrIgNBeCABa0EHcUEAIAFBCGpBB3EbIgBrIgI2AgBBoAggACABaiIANgIAIAAgAkEBcjYCBCABIANqQSg2AgRBpAhB8AsoAgA2AgAgByAEQScgBGtBB3FBACAEQSdrQQdxG2pBL2siACAAIAdBEGpJGyICQRs2AgQgAkHQCykCADcCECACQcgLKQIANwIIQdALIAJBCGo2AgBBzAsgBTYCAEHICyABNgIAQdQLQQA2AgAgAkEYaiEAA0AgAEEHNgIEIABBCGohASAAQQRqIQAgASAESQ0ACyACIAdGDQMgAiACKAIEQX5xNgIEIAcgAiAHayIEQQFyNgIEIAIgBDYCACAEQf8BTQRAIARBA3YiAEEDdEGwCGohAgJ/QYgIKAIAIgFBASAAdCIAcUUEQEGICCAAIAFyNgIAIAIMAQsgAigCCAshACACIAc2AgggACAHNgIMIAcgAjYCDCAHIAA2AggMBAtBHyEAIAdCADcCECAEQf///wdNBEAgBEEIdiIAIABBgP4/akEQdkEIcSICdCIAIABBgOAfakEQdkEEcSIBdCIAIABBgIAPakEQdkECcSIAdEEPdiABIAJyIAByayIAQQF0IAQgAEEVanZBAXFyQRxqIQALIAcgADYCHCAAQQJ0QbgKaiEDAkBBjAgoAgAiAkEBIAB0IgFxRQRAQYwIIAEgAnI2AgAgAyAHNgIAIAcgAzYCGAwBCyAEQQBBGSAAQQF2ayAAQR9GG3QhACADKAIAIQEDQCABIgIoAgRBeHEgBEYNBCAAQR12IQEgAEEBdCEAIAIgAUEEcWoiAygCECIBDQALIAMgBzYCECAHIAI2AhgLIAcgBzYCDCAHIAc2AggMAwsgAygCCCIAIAY2AgwgAyAGNgIIIAZBADYCGCAGIAM2AgwgBiAANgIICyAJQQhqIQAMBQsgAigCCCIAIAc2AgwgAiAHNgIIIAdBADYCGCAHIAI2AgwgByAANgIIC0GUCCgCACIAIAhNDQBBlAggACAIayIBNgIAQaAIQaAIKAIAIgIgCGoiADYCACAAIAFBAXI2AgQgAiAIQQNyNgIEIAJBCGohAAwDC0GECEEwNgIAQQAhAAwCCwJAIAVFDQACQCAEKAIcIgJBAnRBuApqIgAoAgAgBEYEQCAAIAE2AgAgAQ0BQYwIIAlBfiACd3EiCTYCAAwCCyAFQRBBFCAFKAIQIARGG2ogATYCACABRQ0BCyABIAU2AhggBCgCECIABEAgASAANgIQIAAgATYCGAsgBCgCFCIARQ0AIAEgADYCFCAAIAE2AhgLAkAgA0EPTQRAIAQgAyAIaiIAQQNyNgIEIAAgBGoiACAAKAIEQQFyNgIEDAELIAQgCEEDcjYCBCAGIANBAXI2AgQgAyAGaiADNgIAIANB/wFNBEAgA0EDdiIAQQN0QbAIaiECAn9BiAgoAgAiAUEBIAB0IgBxRQRAQYgIIAAgAXI2AgAgAgwBCyACKAIICyEAIAIgBjYCCCAAIAY2AgwgBiACNgIMIAYgADYCCAwBC0EfIQAgA0H///8HTQRAIANBCHYiACAAQYD+P2pBEHZBCHEiAnQiACAAQYDgH2pBEHZBBHEiAXQiACAAQYCAD2pBEHZBAnEiAHRBD3YgASACciAAcmsiAEEBdCADIABBFWp2QQFxckEcaiEACyAGIAA2AhwgBkIANwIQIABBAnRBuApqIQICQAJAIAlBASAAdCIBcUUEQEGMCCABIAlyNgIAIAIgBjYCACAGIAI2AhgMAQsgA0EAQRkgAEEBdmsgAEEfRht0IQAgAigCACEIA0AgCCIBKAIEQXhxIANGDQIgAEEddiECIABBAXQhACABIAJBBHFqIgIoAhAiCA0ACyACIAY2AhAgBiABNgIYCyAGIAY2AgwgBiAGNgIIDAELIAEoAggiACAGNgIMIAEgBjYCCCAGQQA2AhggBiABNgIMIAYgADYCCAsgBEEIaiEADAELAkAgC0UNAAJAIAEoAhwiAkECdEG4CmoiACgCACABRgRAIAAgBDYCACAEDQFBjAggBkF+IAJ3cTYCAAwCCyALQRBBFCALKAIQIAFGG2ogBDYCACAERQ0BCyAEIAs2AhggASgCECIABEAgBCAANgIQIAAgBDYCGAsgASgCFCIARQ0AIAQgADYCFCAAIAQ2AhgLAkAgA0EPTQRAIAEgAyAIaiIAQQNyNgIEIAAgAWoiACAAKAIEQQFyNgIEDAELIAEgCEEDcjYCBCAJIANBAXI2AgQgAyAJaiADNgIAIAoEQCAKQQN2IgBBA3RBsAhqIQRBnAgoAgAhAgJ/QQEgAHQiACAFcUUEQEGICCAAIAVyNgIAIAQMAQsgBCgCCAshACAEIAI2AgggACACNgIMIAIgBDYCDCACIAA2AggLQZwIIAk2AgBBkAggAzYCAAsgAUEIaiEACyAMQRBqJAAgAAsQACMAIABrQXBxIgAkACAACwYAIAAkAAsEACMAC4AJAgh/BH4jAEGQAWsiBiQAIAYgBS0AA0EYdEGAgIAYcSAFLwAAIAUtAAJBEHRycjYCACAGIAUoAANBAnZBg/7/H3E2AgQgBiAFKAAGQQR2Qf+B/x9xNgIIIAYgBSgACUEGdkH//8AfcTYCDCAFLwANIQggBS0ADyEJIAZCADcCFCAGQgA3AhwgBkEANgIkIAYgCCAJQRB0QYCAPHFyNgIQIAYgBSgAEDYCKCAGIAUoABQ2AiwgBiAFKAAYNgIwIAUoABwhBSAGQQA6AEwgBkEANgI4IAYgBTYCNCAGIAEgAhAEIAQEQCAGIAMgBBAECyAGKAI4IgEEQCAGQTxqIgIgAWpBAToAACABQQFqQQ9NBEAgASAGakE9aiEEAkBBDyABayIDRQ0AIAMgBGoiAUEBa0EAOgAAIARBADoAACADQQNJDQAgAUECa0EAOgAAIARBADoAASABQQNrQQA6AAAgBEEAOgACIANBB0kNACABQQRrQQA6AAAgBEEAOgADIANBCUkNACAEQQAgBGtBA3EiAWoiBEEANgIAIAQgAyABa0F8cSIBaiIDQQRrQQA2AgAgAUEJSQ0AIARBADYCCCAEQQA2AgQgA0EIa0EANgIAIANBDGtBADYCACABQRlJDQAgBEEANgIYIARBADYCFCAEQQA2AhAgBEEANgIMIANBEGtBADYCACADQRRrQQA2AgAgA0EYa0EANgIAIANBHGtBADYCACABIARBBHFBGHIiAWsiA0EgSQ0AIAEgBGohAQNAIAFCADcDGCABQgA3AxAgAUIANwMIIAFCADcDACABQSBqIQEgA0EgayIDQR9LDQALCwsgBkEBOgBMIAYgAkEQEAILIAY1AjQhECAGNQIwIREgBjUCLCEOIAAgBjUCKCAGKAIkIAYoAiAgBigCHCAGKAIYIgNBGnZqIgJBGnZqIgFBGnZqIgtBgICAYHIgAUH///8fcSINIAJB////H3EiCCAGKAIUIAtBGnZBBWxqIgFB////H3EiCUEFaiIFQRp2IANB////H3EgAUEadmoiA2oiAUEadmoiAkEadmoiBEEadmoiDEEfdSIHIANxIAEgDEEfdkEBayIDQf///x9xIgpxciIBQRp0IAUgCnEgByAJcXJyrXwiDzwAACAAIA9CGIg8AAMgACAPQhCIPAACIAAgD0IIiDwAASAAIA4gByAIcSACIApxciICQRR0IAFBBnZyrXwgD0IgiHwiDjwABCAAIA5CGIg8AAcgACAOQhCIPAAGIAAgDkIIiDwABSAAIBEgByANcSAEIApxciIBQQ50IAJBDHZyrXwgDkIgiHwiDjwACCAAIA5CGIg8AAsgACAOQhCIPAAKIAAgDkIIiDwACSAAIBAgAyAMcSAHIAtxckEIdCABQRJ2cq18IA5CIIh8Ig48AAwgACAOQhiIPAAPIAAgDkIQiDwADiAAIA5CCIg8AA0gBkIANwIwIAZCADcCKCAGQgA3AiAgBkIANwIYIAZCADcCECAGQgA3AgggBkIANwIAIAZBkAFqJAALpwwBB38CQCAARQ0AIABBCGsiAyAAQQRrKAIAIgFBeHEiAGohBQJAIAFBAXENACABQQNxRQ0BIAMgAygCACIBayIDQZgIKAIASQ0BIAAgAWohACADQZwIKAIARwRAIAFB/wFNBEAgAygCCCICIAFBA3YiBEEDdEGwCGpGGiACIAMoAgwiAUYEQEGICEGICCgCAEF+IAR3cTYCAAwDCyACIAE2AgwgASACNgIIDAILIAMoAhghBgJAIAMgAygCDCIBRwRAIAMoAggiAiABNgIMIAEgAjYCCAwBCwJAIANBFGoiAigCACIEDQAgA0EQaiICKAIAIgQNAEEAIQEMAQsDQCACIQcgBCIBQRRqIgIoAgAiBA0AIAFBEGohAiABKAIQIgQNAAsgB0EANgIACyAGRQ0BAkAgAyADKAIcIgJBAnRBuApqIgQoAgBGBEAgBCABNgIAIAENAUGMCEGMCCgCAEF+IAJ3cTYCAAwDCyAGQRBBFCAGKAIQIANGG2ogATYCACABRQ0CCyABIAY2AhggAygCECICBEAgASACNgIQIAIgATYCGAsgAygCFCICRQ0BIAEgAjYCFCACIAE2AhgMAQsgBSgCBCIBQQNxQQNHDQBBkAggADYCACAFIAFBfnE2AgQgAyAAQQFyNgIEIAAgA2ogADYCAA8LIAMgBU8NACAFKAIEIgFBAXFFDQACQCABQQJxRQRAIAVBoAgoAgBGBEBBoAggAzYCAEGUCEGUCCgCACAAaiIANgIAIAMgAEEBcjYCBCADQZwIKAIARw0DQZAIQQA2AgBBnAhBADYCAA8LIAVBnAgoAgBGBEBBnAggAzYCAEGQCEGQCCgCACAAaiIANgIAIAMgAEEBcjYCBCAAIANqIAA2AgAPCyABQXhxIABqIQACQCABQf8BTQRAIAUoAggiAiABQQN2IgRBA3RBsAhqRhogAiAFKAIMIgFGBEBBiAhBiAgoAgBBfiAEd3E2AgAMAgsgAiABNgIMIAEgAjYCCAwBCyAFKAIYIQYCQCAFIAUoAgwiAUcEQCAFKAIIIgJBmAgoAgBJGiACIAE2AgwgASACNgIIDAELAkAgBUEUaiICKAIAIgQNACAFQRBqIgIoAgAiBA0AQQAhAQwBCwNAIAIhByAEIgFBFGoiAigCACIEDQAgAUEQaiECIAEoAhAiBA0ACyAHQQA2AgALIAZFDQACQCAFIAUoAhwiAkECdEG4CmoiBCgCAEYEQCAEIAE2AgAgAQ0BQYwIQYwIKAIAQX4gAndxNgIADAILIAZBEEEUIAYoAhAgBUYbaiABNgIAIAFFDQELIAEgBjYCGCAFKAIQIgIEQCABIAI2AhAgAiABNgIYCyAFKAIUIgJFDQAgASACNgIUIAIgATYCGAsgAyAAQQFyNgIEIAAgA2ogADYCACADQZwIKAIARw0BQZAIIAA2AgAPCyAFIAFBfnE2AgQgAyAAQQFyNgIEIAAgA2ogADYCAAsgAEH/AU0EQCAAQQN2IgFBA3RBsAhqIQACf0GICCgCACICQQEgAXQiAXFFBEBBiAggASACcjYCACAADAELIAAoAggLIQIgACADNgIIIAIgAzYCDCADIAA2AgwgAyACNgIIDwtBHyECIANCADcCECAAQf///wdNBEAgAEEIdiIBIAFBgP4/akEQdkEIcSIBdCICIAJBgOAfakEQdkEEcSICdCIEIARBgIAPakEQdkECcSIEdEEPdiABIAJyIARyayIBQQF0IAAgAUEVanZBAXFyQRxqIQILIAMgAjYCHCACQQJ0QbgKaiEBAkACQAJAQYwIKAIAIgRBASACdCIHcUUEQEGMCCAEIAdyNgIAIAEgAzYCACADIAE2AhgMAQsgAEEAQRkgAkEBdmsgAkEfRht0IQIgASgCACEBA0AgASIEKAIEQXhxIABGDQIgAkEddiEBIAJBAXQhAiAEIAFBBHFqIgdBEGooAgAiAQ0ACyAHIAM2AhAgAyAENgIYCyADIAM2AgwgAyADNgIIDAELIAQoAggiACADNgIMIAQgAzYCCCADQQA2AhggAyAENgIMIAMgADYCCAtBqAhBqAgoAgBBAWsiAEF/IAAbNgIACwsLCQEAQYEICwIGUA==",!he.startsWith(le)){var fe=he;he=n.locateFile?n.locateFile(fe,f):f+fe}function at(){var M=he;try{if(M==he&&x)return new Uint8Array(x);var te=Dn(M);if(te)return te;if(_)return _(M);throw"both async and sync fetching of the wasm failed"}catch(ye){Q(ye)}}a(at,"pa");function bt(){if(!x&&(c||u)){if(typeof fetch=="function"&&!he.startsWith("file://"))return fetch(he,{credentials:"same-origin"}).then(function(M){if(!M.ok)throw"failed to load wasm binary file at '"+he+"'";return M.arrayBuffer()}).catch(function(){return at()});if(p)return new Promise(function(M,te){p(he,function(ye){M(new Uint8Array(ye))},te)})}return Promise.resolve().then(function(){return at()})}a(bt,"qa");function Xs(M){for(;0<M.length;){var te=M.shift();if(typeof te=="function")te(n);else{var ye=te.m;typeof ye=="number"?te.l===void 0?pe.get(ye)():pe.get(ye)(te.l):ye(te.l===void 0?null:te.l)}}}a(Xs,"X");var jr=!1,Wr=typeof atob=="function"?atob:function(M){var te="",ye=0;M=M.replace(/[^A-Za-z0-9\+\/=]/g,"");do{var ke="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".indexOf(M.charAt(ye++)),He="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".indexOf(M.charAt(ye++)),gt="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".indexOf(M.charAt(ye++)),xn="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".indexOf(M.charAt(ye++));ke=ke<<2|He>>4,He=(He&15)<<4|gt>>2;var Zt=(gt&3)<<6|xn;te+=String.fromCharCode(ke),gt!==64&&(te+=String.fromCharCode(He)),xn!==64&&(te+=String.fromCharCode(Zt))}while(ye<M.length);return te};function Dn(M){if(M.startsWith(le)){if(M=M.slice(le.length),typeof l=="boolean"&&l){var te=Buffer.from(M,"base64");te=new Uint8Array(te.buffer,te.byteOffset,te.byteLength)}else try{var ye=Wr(M),ke=new Uint8Array(ye.length);for(M=0;M<ye.length;++M)ke[M]=ye.charCodeAt(M);te=ke}catch{throw Error("Converting base64 string to bytes failed.")}return te}}a(Dn,"H");var Zr={a:a(function(M){var te=G.length;if(M>>>=0,2147483648<M)return!1;for(var ye=1;4>=ye;ye*=2){var ke=te*(1+.2/ye);ke=Math.min(ke,M+100663296),ke=Math.max(M,ke),0<ke%65536&&(ke+=65536-ke%65536);e:{try{N.grow(Math.min(2147483648,ke)-Z.byteLength+65535>>>16),X();var He=1;break e}catch{}He=void 0}if(He)return!0}return!1},"a")};(function(){function M(He){n.asm=He.exports,N=n.asm.b,X(),pe=n.asm.j,oe.unshift(n.asm.c),R--,n.monitorRunDependencies&&n.monitorRunDependencies(R),R==0&&(U!==null&&(clearInterval(U),U=null),D&&(He=D,D=null,He()))}a(M,"a");function te(He){M(He.instance)}a(te,"c");function ye(He){return bt().then(function(gt){return WebAssembly.instantiate(gt,ke)}).then(He,function(gt){y("failed to asynchronously prepare wasm: "+gt),Q(gt)})}a(ye,"d");var ke={a:Zr};if(R++,n.monitorRunDependencies&&n.monitorRunDependencies(R),n.instantiateWasm)try{return n.instantiateWasm(ke,M)}catch(He){return y("Module.instantiateWasm callback failed with error: "+He),!1}return(function(){return x||typeof WebAssembly.instantiateStreaming!="function"||he.startsWith(le)||he.startsWith("file://")||typeof fetch!="function"?ye(te):fetch(he,{credentials:"same-origin"}).then(function(He){return WebAssembly.instantiateStreaming(He,ke).then(te,function(gt){return y("wasm streaming compile failed: "+gt),y("falling back to ArrayBuffer instantiation"),ye(te)})})})().catch(s),{}})(),n.___wasm_call_ctors=function(){return(n.___wasm_call_ctors=n.asm.c).apply(null,arguments)},n._poly1305_auth=function(){return(n._poly1305_auth=n.asm.d).apply(null,arguments)};var Js=n.stackSave=function(){return(Js=n.stackSave=n.asm.e).apply(null,arguments)},Ro=n.stackRestore=function(){return(Ro=n.stackRestore=n.asm.f).apply(null,arguments)},ei=n.stackAlloc=function(){return(ei=n.stackAlloc=n.asm.g).apply(null,arguments)};n._malloc=function(){return(n._malloc=n.asm.h).apply(null,arguments)},n._free=function(){return(n._free=n.asm.i).apply(null,arguments)},n.cwrap=function(M,te,ye,ke){ye=ye||[];var He=ye.every(function(gt){return gt==="number"});return te!=="string"&&He&&!ke?K(M):function(){return ee(M,te,ye,arguments)}};var Gr;D=a(function M(){Gr||Yr(),Gr||(D=M)},"ta");function Yr(){function M(){if(!Gr&&(Gr=!0,n.calledRun=!0,!v)){if(Xs(oe),r(n),n.onRuntimeInitialized&&n.onRuntimeInitialized(),n.postRun)for(typeof n.postRun=="function"&&(n.postRun=[n.postRun]);n.postRun.length;){var te=n.postRun.shift();_e.unshift(te)}Xs(_e)}}if(a(M,"a"),!(0<R)){if(n.preRun)for(typeof n.preRun=="function"&&(n.preRun=[n.preRun]);n.preRun.length;)$e();Xs(J),0<R||(n.setStatus?(n.setStatus("Running..."),setTimeout(function(){setTimeout(function(){n.setStatus("")},1),M()},1)):M())}}if(a(Yr,"Z"),n.run=Yr,n.preInit)for(typeof n.preInit=="function"&&(n.preInit=[n.preInit]);0<n.preInit.length;)n.preInit.pop()();return Yr(),t.ready})})();typeof ma=="object"&&typeof Sl=="object"?Sl.exports=kl:typeof define=="function"&&define.amd?define([],function(){return kl}):typeof ma=="object"&&(ma.createPoly1305=kl)});var ws=q((S8,tg)=>{"use strict";var{createCipheriv:bs,createDecipheriv:ga,createHmac:vl,randomFillSync:Nr,timingSafeEqual:Il}=require("crypto"),{readUInt32BE:mi,writeUInt32BE:Yt}=Kn(),ur=Buffer[Symbol.species],Vm=2**32-1,Xm=Buffer.alloc(0),$s=Buffer.alloc(4),ya=new Map,Tr=35e3,Cl,ql,Ql,jl,Wl,Zl,Gl;try{Cl=require("./crypto/build/Release/sshcrypto.node"),{AESGCMCipher:ql,ChaChaPolyCipher:Ql,GenericCipher:jl,AESGCMDecipher:Wl,ChaChaPolyDecipher:Zl,GenericDecipher:Gl}=Cl}catch{}var Nt=1,Hk=(()=>{function e(t,n,r,s,i,o,c){return{sslName:t,blockLen:n,keyLen:r,ivLen:s!==0||c&Nt?s:n,authLen:i,discardLen:o,stream:!!(c&Nt)}}return a(e,"info"),{"chacha20-poly1305@openssh.com":e("chacha20",8,64,0,16,0,Nt),"aes128-gcm":e("aes-128-gcm",16,16,12,16,0,Nt),"aes256-gcm":e("aes-256-gcm",16,32,12,16,0,Nt),"aes128-gcm@openssh.com":e("aes-128-gcm",16,16,12,16,0,Nt),"aes256-gcm@openssh.com":e("aes-256-gcm",16,32,12,16,0,Nt),"aes128-cbc":e("aes-128-cbc",16,16,0,0,0,0),"aes192-cbc":e("aes-192-cbc",16,24,0,0,0,0),"aes256-cbc":e("aes-256-cbc",16,32,0,0,0,0),"rijndael-cbc@lysator.liu.se":e("aes-256-cbc",16,32,0,0,0,0),"3des-cbc":e("des-ede3-cbc",8,24,0,0,0,0),"blowfish-cbc":e("bf-cbc",8,16,0,0,0,0),"idea-cbc":e("idea-cbc",8,16,0,0,0,0),"cast128-cbc":e("cast-cbc",8,16,0,0,0,0),"aes128-ctr":e("aes-128-ctr",16,16,16,0,0,Nt),"aes192-ctr":e("aes-192-ctr",16,24,16,0,0,Nt),"aes256-ctr":e("aes-256-ctr",16,32,16,0,0,Nt),"3des-ctr":e("des-ede3",8,24,8,0,0,Nt),"blowfish-ctr":e("bf-ecb",8,16,8,0,0,Nt),"cast128-ctr":e("cast5-ecb",8,16,8,0,0,Nt),arcfour:e("rc4",8,16,0,0,1536,Nt),arcfour128:e("rc4",8,16,0,0,1536,Nt),arcfour256:e("rc4",8,32,0,0,1536,Nt),arcfour512:e("rc4",8,64,0,0,1536,Nt)}})(),zk=(()=>{function e(t,n,r,s){return{sslName:t,len:n,actualLen:r,isETM:s}}return a(e,"info"),{"hmac-md5":e("md5",16,16,!1),"hmac-md5-96":e("md5",16,12,!1),"hmac-ripemd160":e("ripemd160",20,20,!1),"hmac-sha1":e("sha1",20,20,!1),"hmac-sha1-etm@openssh.com":e("sha1",20,20,!0),"hmac-sha1-96":e("sha1",20,12,!1),"hmac-sha2-256":e("sha256",32,32,!1),"hmac-sha2-256-etm@openssh.com":e("sha256",32,32,!0),"hmac-sha2-256-96":e("sha256",32,12,!1),"hmac-sha2-512":e("sha512",64,64,!1),"hmac-sha2-512-etm@openssh.com":e("sha512",64,64,!0),"hmac-sha2-512-96":e("sha512",64,12,!1)}})(),Pl=class{static{a(this,"NullCipher")}constructor(t,n){this.outSeqno=t,this._onWrite=n,this._dead=!1}free(){this._dead=!0}allocPacket(t){let n=5+t,r=8-(n&7);r<4&&(r+=8),n+=r;let s=Buffer.allocUnsafe(n);return Yt(s,n-4,0),s[4]=r,Nr(s,5+t,r),s}encrypt(t){this._dead||(this._onWrite(t),this.outSeqno=this.outSeqno+1>>>0)}},Jm=Buffer.alloc(32),zt=Buffer.alloc(16),_i,gi,Yl,Nl=class{static{a(this,"ChaChaPolyCipherNative")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._encKeyMain=n.cipherKey.slice(0,32),this._encKeyPktLen=n.cipherKey.slice(32),this._dead=!1}free(){this._dead=!0}allocPacket(t){let n=5+t,r=8-(n-4&7);r<4&&(r+=8),n+=r;let s=Buffer.allocUnsafe(n);return Yt(s,n-4,0),s[4]=r,Nr(s,5+t,r),s}encrypt(t){if(this._dead)return;zt[0]=0,Yt(zt,this.outSeqno,12);let n=bs("chacha20",this._encKeyMain,zt).update(Jm),r=bs("chacha20",this._encKeyPktLen,zt).update(t.slice(0,4));this._onWrite(r),zt[0]=1;let s=bs("chacha20",this._encKeyMain,zt).update(t.slice(4));this._onWrite(s),Yl(gi,r,r.length,s,s.length,n);let i=Buffer.allocUnsafe(16);i.set(new Uint8Array(_i.HEAPU8.buffer,gi,16),0),this._onWrite(i),this.outSeqno=this.outSeqno+1>>>0}},Tl=class{static{a(this,"ChaChaPolyCipherBinding")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._instance=new Ql(n.cipherKey),this._dead=!1}free(){this._dead=!0,this._instance.free()}allocPacket(t){let n=5+t,r=8-(n-4&7);r<4&&(r+=8),n+=r;let s=Buffer.allocUnsafe(n+16);return Yt(s,n-4,0),s[4]=r,Nr(s,5+t,r),s}encrypt(t){this._dead||(this._instance.encrypt(t,this.outSeqno),this._onWrite(t),this.outSeqno=this.outSeqno+1>>>0)}},Rl=class{static{a(this,"AESGCMCipherNative")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._encSSLName=n.cipherInfo.sslName,this._encKey=n.cipherKey,this._encIV=n.cipherIV,this._dead=!1}free(){this._dead=!0}allocPacket(t){let n=5+t,r=16-(n-4&15);r<4&&(r+=16),n+=r;let s=Buffer.allocUnsafe(n);return Yt(s,n-4,0),s[4]=r,Nr(s,5+t,r),s}encrypt(t){if(this._dead)return;let n=bs(this._encSSLName,this._encKey,this._encIV);n.setAutoPadding(!1);let r=t.slice(0,4);n.setAAD(r),this._onWrite(r);let s=n.update(t.slice(4));this._onWrite(s);let i=n.final();i.length&&this._onWrite(i);let o=n.getAuthTag();this._onWrite(o),eg(this._encIV),this.outSeqno=this.outSeqno+1>>>0}},Ol=class{static{a(this,"AESGCMCipherBinding")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._instance=new ql(n.cipherInfo.sslName,n.cipherKey,n.cipherIV),this._dead=!1}free(){this._dead=!0,this._instance.free()}allocPacket(t){let n=5+t,r=16-(n-4&15);r<4&&(r+=16),n+=r;let s=Buffer.allocUnsafe(n+16);return Yt(s,n-4,0),s[4]=r,Nr(s,5+t,r),s}encrypt(t){this._dead||(this._instance.encrypt(t),this._onWrite(t),this.outSeqno=this.outSeqno+1>>>0)}},Bl=class{static{a(this,"GenericCipherNative")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._encBlockLen=n.cipherInfo.blockLen,this._cipherInstance=bs(n.cipherInfo.sslName,n.cipherKey,n.cipherIV),this._macSSLName=n.macInfo.sslName,this._macKey=n.macKey,this._macActualLen=n.macInfo.actualLen,this._macETM=n.macInfo.isETM,this._aadLen=this._macETM?4:0,this._dead=!1;let r=n.cipherInfo.discardLen;if(r){let s=ya.get(r);s===void 0&&(s=Buffer.alloc(r),ya.set(r,s)),this._cipherInstance.update(s)}}free(){this._dead=!0}allocPacket(t){let n=this._encBlockLen,r=5+t,s=n-(r-this._aadLen&n-1);s<4&&(s+=n),r+=s;let i=Buffer.allocUnsafe(r);return Yt(i,r-4,0),i[4]=s,Nr(i,5+t,s),i}encrypt(t){if(this._dead)return;let n;if(this._macETM){let s=new Uint8Array(t.buffer,t.byteOffset,4),i=this._cipherInstance.update(new Uint8Array(t.buffer,t.byteOffset+4,t.length-4));this._onWrite(s),this._onWrite(i),n=vl(this._macSSLName,this._macKey),Yt($s,this.outSeqno,0),n.update($s),n.update(s),n.update(i)}else{let s=this._cipherInstance.update(t);this._onWrite(s),n=vl(this._macSSLName,this._macKey),Yt($s,this.outSeqno,0),n.update($s),n.update(t)}let r=n.digest();r.length>this._macActualLen&&(r=r.slice(0,this._macActualLen)),this._onWrite(r),this.outSeqno=this.outSeqno+1>>>0}},Ll=class{static{a(this,"GenericCipherBinding")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._encBlockLen=n.cipherInfo.blockLen,this._macLen=n.macInfo.len,this._macActualLen=n.macInfo.actualLen,this._aadLen=n.macInfo.isETM?4:0,this._instance=new jl(n.cipherInfo.sslName,n.cipherKey,n.cipherIV,n.macInfo.sslName,n.macKey,n.macInfo.isETM),this._dead=!1}free(){this._dead=!0,this._instance.free()}allocPacket(t){let n=this._encBlockLen,r=5+t,s=n-(r-this._aadLen&n-1);s<4&&(s+=n),r+=s;let i=Buffer.allocUnsafe(r+this._macLen);return Yt(i,r-4,0),i[4]=s,Nr(i,5+t,s),i}encrypt(t){this._dead||(this._instance.encrypt(t,this.outSeqno),this._macActualLen<this._macLen&&(t=new ur(t.buffer,t.byteOffset,t.length-(this._macLen-this._macActualLen))),this._onWrite(t),this.outSeqno=this.outSeqno+1>>>0)}},Dl=class{static{a(this,"NullDecipher")}constructor(t,n){this.inSeqno=t,this._onPayload=n,this._len=0,this._lenBytes=0,this._packet=null,this._packetPos=0}free(){}decrypt(t,n,r){for(;n<r;){if(this._lenBytes<4){let i=Math.min(4-this._lenBytes,r-n);for(this._lenBytes+=i;i--;)this._len=(this._len<<8)+t[n++];if(this._lenBytes<4)return;if(this._len>Tr||this._len<8||(4+this._len&7)!==0)throw new Error("Bad packet length");if(n>=r)return}if(this._packetPos<this._len){let i=Math.min(this._len-this._packetPos,r-n),o;if(n!==0||i!==r?o=new Uint8Array(t.buffer,t.byteOffset+n,i):o=t,i===this._len?this._packet=o:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(o,this._packetPos)),n+=i,this._packetPos+=i,this._packetPos<this._len)return}let s=this._packet?new ur(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1):Xm;this.inSeqno=this.inSeqno+1>>>0,this._len=0,this._lenBytes=0,this._packet=null,this._packetPos=0;{let i=this._onPayload(s);if(i!==void 0)return i===!1?n:i}}}},Ul=class{static{a(this,"ChaChaPolyDecipherNative")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._decKeyMain=n.decipherKey.slice(0,32),this._decKeyPktLen=n.decipherKey.slice(32),this._len=0,this._lenBuf=Buffer.alloc(4),this._lenPos=0,this._packet=null,this._pktLen=0,this._mac=Buffer.allocUnsafe(16),this._calcMac=Buffer.allocUnsafe(16),this._macPos=0}free(){}decrypt(t,n,r){for(;n<r;){if(this._lenPos<4){let c=Math.min(4-this._lenPos,r-n);for(;c--;)this._lenBuf[this._lenPos++]=t[n++];if(this._lenPos<4)return;zt[0]=0,Yt(zt,this.inSeqno,12);let u=ga("chacha20",this._decKeyPktLen,zt).update(this._lenBuf);if(this._len=mi(u,0),this._len>Tr||this._len<8||(this._len&7)!==0)throw new Error("Bad packet length")}if(this._pktLen<this._len){if(n>=r)return;let c=Math.min(this._len-this._pktLen,r-n),u;if(n!==0||c!==r?u=new Uint8Array(t.buffer,t.byteOffset+n,c):u=t,c===this._len?this._packet=u:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(u,this._pktLen)),n+=c,this._pktLen+=c,this._pktLen<this._len||n>=r)return}{let c=Math.min(16-this._macPos,r-n);if(n!==0||c!==r?this._mac.set(new Uint8Array(t.buffer,t.byteOffset+n,c),this._macPos):this._mac.set(t,this._macPos),n+=c,this._macPos+=c,this._macPos<16)return}zt[0]=0,Yt(zt,this.inSeqno,12);let s=bs("chacha20",this._decKeyMain,zt).update(Jm);if(Yl(gi,this._lenBuf,4,this._packet,this._packet.length,s),this._calcMac.set(new Uint8Array(_i.HEAPU8.buffer,gi,16),0),!Il(this._calcMac,this._mac))throw new Error("Invalid MAC");zt[0]=1;let i=ga("chacha20",this._decKeyMain,zt).update(this._packet),o=new ur(i.buffer,i.byteOffset+1,i.length-i[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._len=0,this._lenPos=0,this._packet=null,this._pktLen=0,this._macPos=0;{let c=this._onPayload(o);if(c!==void 0)return c===!1?n:c}}}},Ml=class{static{a(this,"ChaChaPolyDecipherBinding")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._instance=new Zl(n.decipherKey),this._len=0,this._lenBuf=Buffer.alloc(4),this._lenPos=0,this._packet=null,this._pktLen=0,this._mac=Buffer.allocUnsafe(16),this._macPos=0}free(){this._instance.free()}decrypt(t,n,r){for(;n<r;){if(this._lenPos<4){let i=Math.min(4-this._lenPos,r-n);for(;i--;)this._lenBuf[this._lenPos++]=t[n++];if(this._lenPos<4)return;if(this._len=this._instance.decryptLen(this._lenBuf,this.inSeqno),this._len>Tr||this._len<8||(this._len&7)!==0)throw new Error("Bad packet length");if(n>=r)return}if(this._pktLen<this._len){let i=Math.min(this._len-this._pktLen,r-n),o;if(n!==0||i!==r?o=new Uint8Array(t.buffer,t.byteOffset+n,i):o=t,i===this._len?this._packet=o:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(o,this._pktLen)),n+=i,this._pktLen+=i,this._pktLen<this._len||n>=r)return}{let i=Math.min(16-this._macPos,r-n);if(n!==0||i!==r?this._mac.set(new Uint8Array(t.buffer,t.byteOffset+n,i),this._macPos):this._mac.set(t,this._macPos),n+=i,this._macPos+=i,this._macPos<16)return}this._instance.decrypt(this._packet,this._mac,this.inSeqno);let s=new ur(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._len=0,this._lenPos=0,this._packet=null,this._pktLen=0,this._macPos=0;{let i=this._onPayload(s);if(i!==void 0)return i===!1?n:i}}}},Fl=class{static{a(this,"AESGCMDecipherNative")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._decipherInstance=null,this._decipherSSLName=n.decipherInfo.sslName,this._decipherKey=n.decipherKey,this._decipherIV=n.decipherIV,this._len=0,this._lenBytes=0,this._packet=null,this._packetPos=0,this._pktLen=0,this._tag=Buffer.allocUnsafe(16),this._tagPos=0}free(){}decrypt(t,n,r){for(;n<r;){if(this._lenBytes<4){let i=Math.min(4-this._lenBytes,r-n);for(this._lenBytes+=i;i--;)this._len=(this._len<<8)+t[n++];if(this._lenBytes<4)return;if(this._len+20>Tr||this._len<16||(this._len&15)!==0)throw new Error("Bad packet length");this._decipherInstance=ga(this._decipherSSLName,this._decipherKey,this._decipherIV),this._decipherInstance.setAutoPadding(!1),this._decipherInstance.setAAD(Kk(this._len))}if(this._pktLen<this._len){if(n>=r)return;let i=Math.min(this._len-this._pktLen,r-n),o;if(n!==0||i!==r?o=this._decipherInstance.update(new Uint8Array(t.buffer,t.byteOffset+n,i)):o=this._decipherInstance.update(t),o.length&&(i===this._len?this._packet=o:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(o,this._packetPos)),this._packetPos+=o.length),n+=i,this._pktLen+=i,this._pktLen<this._len||n>=r)return}{let i=Math.min(16-this._tagPos,r-n);if(n!==0||i!==r?this._tag.set(new Uint8Array(t.buffer,t.byteOffset+n,i),this._tagPos):this._tag.set(t,this._tagPos),n+=i,this._tagPos+=i,this._tagPos<16)return}{this._decipherInstance.setAuthTag(this._tag);let i=this._decipherInstance.final();i.length&&(this._packet?this._packet.set(i,this._packetPos):this._packet=i)}let s=this._packet?new ur(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1):Xm;this.inSeqno=this.inSeqno+1>>>0,eg(this._decipherIV),this._len=0,this._lenBytes=0,this._packet=null,this._packetPos=0,this._pktLen=0,this._tagPos=0;{let i=this._onPayload(s);if(i!==void 0)return i===!1?n:i}}}},Hl=class{static{a(this,"AESGCMDecipherBinding")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._instance=new Wl(n.decipherInfo.sslName,n.decipherKey,n.decipherIV),this._len=0,this._lenBytes=0,this._packet=null,this._pktLen=0,this._tag=Buffer.allocUnsafe(16),this._tagPos=0}free(){}decrypt(t,n,r){for(;n<r;){if(this._lenBytes<4){let i=Math.min(4-this._lenBytes,r-n);for(this._lenBytes+=i;i--;)this._len=(this._len<<8)+t[n++];if(this._lenBytes<4)return;if(this._len+20>Tr||this._len<16||(this._len&15)!==0)throw new Error(`Bad packet length: ${this._len}`)}if(this._pktLen<this._len){if(n>=r)return;let i=Math.min(this._len-this._pktLen,r-n),o;if(n!==0||i!==r?o=new Uint8Array(t.buffer,t.byteOffset+n,i):o=t,i===this._len?this._packet=o:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(o,this._pktLen)),n+=i,this._pktLen+=i,this._pktLen<this._len||n>=r)return}{let i=Math.min(16-this._tagPos,r-n);if(n!==0||i!==r?this._tag.set(new Uint8Array(t.buffer,t.byteOffset+n,i),this._tagPos):this._tag.set(t,this._tagPos),n+=i,this._tagPos+=i,this._tagPos<16)return}this._instance.decrypt(this._packet,this._len,this._tag);let s=new ur(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._len=0,this._lenBytes=0,this._packet=null,this._pktLen=0,this._tagPos=0;{let i=this._onPayload(s);if(i!==void 0)return i===!1?n:i}}}},zl=class{static{a(this,"GenericDecipherNative")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._decipherInstance=ga(n.decipherInfo.sslName,n.decipherKey,n.decipherIV),this._decipherInstance.setAutoPadding(!1),this._block=Buffer.allocUnsafe(n.macInfo.isETM?4:n.decipherInfo.blockLen),this._blockSize=n.decipherInfo.blockLen,this._blockPos=0,this._len=0,this._packet=null,this._packetPos=0,this._pktLen=0,this._mac=Buffer.allocUnsafe(n.macInfo.actualLen),this._macPos=0,this._macSSLName=n.macInfo.sslName,this._macKey=n.macKey,this._macActualLen=n.macInfo.actualLen,this._macETM=n.macInfo.isETM,this._macInstance=null;let r=n.decipherInfo.discardLen;if(r){let s=ya.get(r);s===void 0&&(s=Buffer.alloc(r),ya.set(r,s)),this._decipherInstance.update(s)}}free(){}decrypt(t,n,r){for(;n<r;){if(this._blockPos<this._block.length){let o=Math.min(this._block.length-this._blockPos,r-n);if(n!==0||o!==r||o<t.length?this._block.set(new Uint8Array(t.buffer,t.byteOffset+n,o),this._blockPos):this._block.set(t,this._blockPos),n+=o,this._blockPos+=o,this._blockPos<this._block.length)return;let c,u;if(this._macETM?this._len=u=mi(this._block,0):(c=this._decipherInstance.update(this._block),this._len=mi(c,0),u=4+this._len-this._blockSize),this._len>Tr||this._len<5||(u&this._blockSize-1)!==0)throw new Error("Bad packet length");if(this._macInstance=vl(this._macSSLName,this._macKey),Yt($s,this.inSeqno,0),this._macInstance.update($s),this._macETM?this._macInstance.update(this._block):(this._macInstance.update(new Uint8Array(c.buffer,c.byteOffset,4)),this._pktLen=c.length-4,this._packetPos=this._pktLen,this._packet=Buffer.allocUnsafe(this._len),this._packet.set(new Uint8Array(c.buffer,c.byteOffset+4,this._packetPos),0)),n>=r)return}if(this._pktLen<this._len){let o=Math.min(this._len-this._pktLen,r-n),c;n!==0||o!==r?c=new Uint8Array(t.buffer,t.byteOffset+n,o):c=t,this._macETM&&this._macInstance.update(c);let u=this._decipherInstance.update(c);if(u.length&&(o===this._len?this._packet=u:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(u,this._packetPos)),this._packetPos+=u.length),n+=o,this._pktLen+=o,this._pktLen<this._len||n>=r)return}{let o=Math.min(this._macActualLen-this._macPos,r-n);if(n!==0||o!==r?this._mac.set(new Uint8Array(t.buffer,t.byteOffset+n,o),this._macPos):this._mac.set(t,this._macPos),n+=o,this._macPos+=o,this._macPos<this._macActualLen)return}this._macETM||this._macInstance.update(this._packet);let s=this._macInstance.digest();if(this._macActualLen<s.length&&(s=new Uint8Array(s.buffer,s.byteOffset,this._macActualLen)),!qk(s,this._mac))throw new Error("Invalid MAC");let i=new ur(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._blockPos=0,this._len=0,this._packet=null,this._packetPos=0,this._pktLen=0,this._macPos=0,this._macInstance=null;{let o=this._onPayload(i);if(o!==void 0)return o===!1?n:o}}}},Kl=class{static{a(this,"GenericDecipherBinding")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._instance=new Gl(n.decipherInfo.sslName,n.decipherKey,n.decipherIV,n.macInfo.sslName,n.macKey,n.macInfo.isETM,n.macInfo.actualLen),this._block=Buffer.allocUnsafe(n.macInfo.isETM||n.decipherInfo.stream?4:n.decipherInfo.blockLen),this._blockPos=0,this._len=0,this._packet=null,this._pktLen=0,this._mac=Buffer.allocUnsafe(n.macInfo.actualLen),this._macPos=0,this._macActualLen=n.macInfo.actualLen,this._macETM=n.macInfo.isETM}free(){this._instance.free()}decrypt(t,n,r){for(;n<r;){if(this._blockPos<this._block.length){let i=Math.min(this._block.length-this._blockPos,r-n);if(n!==0||i!==r||i<t.length?this._block.set(new Uint8Array(t.buffer,t.byteOffset+n,i),this._blockPos):this._block.set(t,this._blockPos),n+=i,this._blockPos+=i,this._blockPos<this._block.length)return;let o;if(this._macETM?this._len=o=mi(this._block,0):(this._instance.decryptBlock(this._block),this._len=mi(this._block,0),o=4+this._len-this._block.length),this._len>Tr||this._len<5||(o&this._block.length-1)!==0)throw new Error("Bad packet length");if(this._macETM||(this._pktLen=this._block.length-4,this._pktLen&&(this._packet=Buffer.allocUnsafe(this._len),this._packet.set(new Uint8Array(this._block.buffer,this._block.byteOffset+4,this._pktLen),0))),n>=r)return}if(this._pktLen<this._len){let i=Math.min(this._len-this._pktLen,r-n),o;if(n!==0||i!==r?o=new Uint8Array(t.buffer,t.byteOffset+n,i):o=t,i===this._len?this._packet=o:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(o,this._pktLen)),n+=i,this._pktLen+=i,this._pktLen<this._len||n>=r)return}{let i=Math.min(this._macActualLen-this._macPos,r-n);if(n!==0||i!==r?this._mac.set(new Uint8Array(t.buffer,t.byteOffset+n,i),this._macPos):this._mac.set(t,this._macPos),n+=i,this._macPos+=i,this._macPos<this._macActualLen)return}this._instance.decrypt(this._packet,this.inSeqno,this._block,this._mac);let s=new ur(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._blockPos=0,this._len=0,this._packet=null,this._pktLen=0,this._macPos=0,this._macInstance=null;{let i=this._onPayload(s);if(i!==void 0)return i===!1?n:i}}}};function eg(e){++e[11]>>>8&&++e[10]>>>8&&++e[9]>>>8&&++e[8]>>>8&&++e[7]>>>8&&++e[6]>>>8&&++e[5]>>>8&&++e[4]>>>8}a(eg,"ivIncrement");var Kk=(()=>{let e=Buffer.alloc(4);return t=>(e[0]=t>>>24,e[1]=t>>>16,e[2]=t>>>8,e[3]=t,e)})();function qk(e,t){return e.length!==t.length?(Il(e,e),!1):Il(e,t)}a(qk,"timingSafeEquals");function Qk(e){if(typeof e!="object"||e===null)throw new Error("Invalid config");if(typeof e.outbound!="object"||e.outbound===null)throw new Error("Invalid outbound");let t=e.outbound;if(typeof t.onWrite!="function")throw new Error("Invalid outbound.onWrite");if(typeof t.cipherInfo!="object"||t.cipherInfo===null)throw new Error("Invalid outbound.cipherInfo");if(!Buffer.isBuffer(t.cipherKey)||t.cipherKey.length!==t.cipherInfo.keyLen)throw new Error("Invalid outbound.cipherKey");if(t.cipherInfo.ivLen&&(!Buffer.isBuffer(t.cipherIV)||t.cipherIV.length!==t.cipherInfo.ivLen))throw new Error("Invalid outbound.cipherIV");if(typeof t.seqno!="number"||t.seqno<0||t.seqno>Vm)throw new Error("Invalid outbound.seqno");let n=!!t.forceNative;switch(t.cipherInfo.sslName){case"aes-128-gcm":case"aes-256-gcm":return ql&&!n?new Ol(e):new Rl(e);case"chacha20":return Ql&&!n?new Tl(e):new Nl(e);default:{if(typeof t.macInfo!="object"||t.macInfo===null)throw new Error("Invalid outbound.macInfo");if(!Buffer.isBuffer(t.macKey)||t.macKey.length!==t.macInfo.len)throw new Error("Invalid outbound.macKey");return jl&&!n?new Ll(e):new Bl(e)}}}a(Qk,"createCipher");function jk(e){if(typeof e!="object"||e===null)throw new Error("Invalid config");if(typeof e.inbound!="object"||e.inbound===null)throw new Error("Invalid inbound");let t=e.inbound;if(typeof t.onPayload!="function")throw new Error("Invalid inbound.onPayload");if(typeof t.decipherInfo!="object"||t.decipherInfo===null)throw new Error("Invalid inbound.decipherInfo");if(!Buffer.isBuffer(t.decipherKey)||t.decipherKey.length!==t.decipherInfo.keyLen)throw new Error("Invalid inbound.decipherKey");if(t.decipherInfo.ivLen&&(!Buffer.isBuffer(t.decipherIV)||t.decipherIV.length!==t.decipherInfo.ivLen))throw new Error("Invalid inbound.decipherIV");if(typeof t.seqno!="number"||t.seqno<0||t.seqno>Vm)throw new Error("Invalid inbound.seqno");let n=!!t.forceNative;switch(t.decipherInfo.sslName){case"aes-128-gcm":case"aes-256-gcm":return Wl&&!n?new Hl(e):new Fl(e);case"chacha20":return Zl&&!n?new Ml(e):new Ul(e);default:{if(typeof t.macInfo!="object"||t.macInfo===null)throw new Error("Invalid inbound.macInfo");if(!Buffer.isBuffer(t.macKey)||t.macKey.length!==t.macInfo.len)throw new Error("Invalid inbound.macKey");return Gl&&!n?new Kl(e):new zl(e)}}}a(jk,"createDecipher");tg.exports={CIPHER_INFO:Hk,MAC_INFO:zk,bindingAvailable:!!Cl,init:new Promise(async(e,t)=>{try{_i=await Ym()(),gi=_i._malloc(16),Yl=_i.cwrap("poly1305_auth",null,["number","array","number","array","number","array"])}catch(n){return t(n)}e()}),NullCipher:Pl,createCipher:Qk,NullDecipher:Dl,createDecipher:jk}});var Or=q((I8,fg)=>{"use strict";var{createDecipheriv:Xl,createECDH:Wk,createHash:wi,createHmac:Zk,createSign:Gk,createVerify:Yk,getCiphers:Vk,sign:ng,verify:rg}=require("crypto"),Xk=Vk(),{Ber:Ee}=ca(),Jk=Dm().pbkdf,{CIPHER_INFO:$i}=ws(),{eddsaSupported:Jl,SUPPORTED_CIPHER:eS}=cr(),{bufferSlice:Rr,makeBufferParser:tS,readString:xe,readUInt32BE:yi,writeUInt32BE:Ct}=Kn(),qn=Symbol("Hash Algorithm"),gn=Symbol("Private key PEM"),Pn=Symbol("Public key PEM"),lr=Symbol("Public key SSH"),As=Symbol("Decrypted Key"),Vl=Object.create(null);{let e=Object.keys($i);for(let t=0;t<e.length;++t){let n=$i[e[t]].sslName;!n||Vl[n]||(Vl[n]=$i[e[t]])}}var wa=tS();function yn(e,t){t=t.base64Slice(0,t.length);let n=t.replace(/.{64}/g,`$&
`);return t.length&63&&(n+=`
`),`-----BEGIN ${e} KEY-----
${n}-----END ${e} KEY-----`}a(yn,"makePEM");function bi(e,t){let n=Buffer.allocUnsafe(e.length+t.length);return n.set(e,0),n.set(t,e.length),n}a(bi,"combineBuffers");function ef(e,t){let n=e.length,r=e._pos||0;for(let s=0;s<t;++s){let i=n-r;if(r>=n||i<4)return!1;let o=yi(e,r);if(i<4+o)return!1;r+=4+o}return e._pos=r,!0}a(ef,"skipFields");function Ai(e,t){let n=new Ee.Writer;return n.startSequence(),n.startSequence(),n.writeOID("1.2.840.113549.1.1.1"),n.writeNull(),n.endSequence(),n.startSequence(Ee.BitString),n.writeByte(0),n.startSequence(),n.writeBuffer(e,Ee.Integer),n.writeBuffer(t,Ee.Integer),n.endSequence(),n.endSequence(),n.endSequence(),yn("PUBLIC",n.buffer)}a(Ai,"genOpenSSLRSAPub");function xi(e,t){let n=Buffer.allocUnsafe(15+t.length+4+e.length);Ct(n,7,0),n.utf8Write("ssh-rsa",4,7);let r=11;return Ct(n,t.length,r),n.set(t,r+=4),Ct(n,e.length,r+=t.length),n.set(e,r+4),n}a(xi,"genOpenSSHRSAPub");var sg=(()=>{function e(r,s,i,o,c,u,l,f){let d=new Ee.Writer;return d.startSequence(),d.writeInt(0,Ee.Integer),d.writeBuffer(r,Ee.Integer),d.writeBuffer(s,Ee.Integer),d.writeBuffer(i,Ee.Integer),d.writeBuffer(o,Ee.Integer),d.writeBuffer(c,Ee.Integer),d.writeBuffer(u,Ee.Integer),d.writeBuffer(l,Ee.Integer),d.writeBuffer(f,Ee.Integer),d.endSequence(),d.buffer}a(e,"genRSAASN1Buf");function t(r){return BigInt(`0x${r.hexSlice(0,r.length)}`)}a(t,"bigIntFromBuffer");function n(r){let s=r.toString(16);if((s.length&1)!==0)s=`0${s}`;else{let i=s.charCodeAt(0);(i===56||i===57||i>=97&&i<=102)&&(s=`00${s}`)}return Buffer.from(s,"hex")}return a(n,"bigIntToBuffer"),a(function(s,i,o,c,u,l){let f=t(o),d=n(f%(t(u)-1n)),p=n(f%(t(l)-1n));return yn("RSA PRIVATE",e(s,i,o,u,l,d,p,c))},"genOpenSSLRSAPriv")})();function Ei(e,t,n,r){let s=new Ee.Writer;return s.startSequence(),s.startSequence(),s.writeOID("1.2.840.10040.4.1"),s.startSequence(),s.writeBuffer(e,Ee.Integer),s.writeBuffer(t,Ee.Integer),s.writeBuffer(n,Ee.Integer),s.endSequence(),s.endSequence(),s.startSequence(Ee.BitString),s.writeByte(0),s.writeBuffer(r,Ee.Integer),s.endSequence(),s.endSequence(),yn("PUBLIC",s.buffer)}a(Ei,"genOpenSSLDSAPub");function ki(e,t,n,r){let s=Buffer.allocUnsafe(15+e.length+4+t.length+4+n.length+4+r.length);Ct(s,7,0),s.utf8Write("ssh-dss",4,7);let i=11;return Ct(s,e.length,i),s.set(e,i+=4),Ct(s,t.length,i+=e.length),s.set(t,i+=4),Ct(s,n.length,i+=t.length),s.set(n,i+=4),Ct(s,r.length,i+=n.length),s.set(r,i+4),s}a(ki,"genOpenSSHDSAPub");function ig(e,t,n,r,s){let i=new Ee.Writer;return i.startSequence(),i.writeInt(0,Ee.Integer),i.writeBuffer(e,Ee.Integer),i.writeBuffer(t,Ee.Integer),i.writeBuffer(n,Ee.Integer),i.writeBuffer(r,Ee.Integer),i.writeBuffer(s,Ee.Integer),i.endSequence(),yn("DSA PRIVATE",i.buffer)}a(ig,"genOpenSSLDSAPriv");function og(e){let t=new Ee.Writer;return t.startSequence(),t.startSequence(),t.writeOID("1.3.101.112"),t.endSequence(),t.startSequence(Ee.BitString),t.writeByte(0),t._ensure(e.length),t._buf.set(e,t._offset),t._offset+=e.length,t.endSequence(),t.endSequence(),yn("PUBLIC",t.buffer)}a(og,"genOpenSSLEdPub");function ag(e){let t=Buffer.allocUnsafe(19+e.length);return Ct(t,11,0),t.utf8Write("ssh-ed25519",4,11),Ct(t,e.length,15),t.set(e,19),t}a(ag,"genOpenSSHEdPub");function nS(e){let t=new Ee.Writer;return t.startSequence(),t.writeInt(0,Ee.Integer),t.startSequence(),t.writeOID("1.3.101.112"),t.endSequence(),t.startSequence(Ee.OctetString),t.writeBuffer(e,Ee.OctetString),t.endSequence(),t.endSequence(),yn("PRIVATE",t.buffer)}a(nS,"genOpenSSLEdPriv");function tf(e,t){let n=new Ee.Writer;return n.startSequence(),n.startSequence(),n.writeOID("1.2.840.10045.2.1"),n.writeOID(e),n.endSequence(),n.startSequence(Ee.BitString),n.writeByte(0),n._ensure(t.length),n._buf.set(t,n._offset),n._offset+=t.length,n.endSequence(),n.endSequence(),yn("PUBLIC",n.buffer)}a(tf,"genOpenSSLECDSAPub");function nf(e,t){let n;switch(e){case"1.2.840.10045.3.1.7":n="nistp256";break;case"1.3.132.0.34":n="nistp384";break;case"1.3.132.0.35":n="nistp521";break;default:return}let r=Buffer.allocUnsafe(39+t.length);return Ct(r,19,0),r.utf8Write(`ecdsa-sha2-${n}`,4,19),Ct(r,8,23),r.utf8Write(n,27,8),Ct(r,t.length,35),r.set(t,39),r}a(nf,"genOpenSSHECDSAPub");function rS(e,t,n){let r=new Ee.Writer;return r.startSequence(),r.writeInt(1,Ee.Integer),r.writeBuffer(n,Ee.OctetString),r.startSequence(160),r.writeOID(e),r.endSequence(),r.startSequence(161),r.startSequence(Ee.BitString),r.writeByte(0),r._ensure(t.length),r._buf.set(t,r._offset),r._offset+=t.length,r.endSequence(),r.endSequence(),r.endSequence(),yn("EC PRIVATE",r.buffer)}a(rS,"genOpenSSLECDSAPriv");function sS(e,t){let n=Wk(e);return n.setPrivateKey(t),n.getPublicKey()}a(sS,"genOpenSSLECDSAPubFromPriv");var Si={sign:a(typeof ng=="function"?function(t,n){let r=this[gn];if(r===null)return new Error("No private key available");(!n||typeof n!="string")&&(n=this[qn]);try{return ng(n,t,r)}catch(s){return s}}:function(t,n){let r=this[gn];if(r===null)return new Error("No private key available");(!n||typeof n!="string")&&(n=this[qn]);let s=Gk(n);s.update(t);try{return s.sign(r)}catch(i){return i}},"sign"),verify:a(typeof rg=="function"?function(t,n,r){let s=this[Pn];if(s===null)return new Error("No public key available");(!r||typeof r!="string")&&(r=this[qn]);try{return rg(r,t,s,n)}catch(i){return i}}:function(t,n,r){let s=this[Pn];if(s===null)return new Error("No public key available");(!r||typeof r!="string")&&(r=this[qn]);let i=Yk(r);i.update(t);try{return i.verify(s,n)}catch(o){return o}},"verify"),isPrivateKey:a(function(){return this[gn]!==null},"isPrivateKey"),getPrivatePEM:a(function(){return this[gn]},"getPrivatePEM"),getPublicPEM:a(function(){return this[Pn]},"getPublicPEM"),getPublicSSH:a(function(){return this[lr]},"getPublicSSH"),equals:a(function(t){let n=lg(t);return n instanceof Error?!1:this.type===n.type&&this[gn]===n[gn]&&this[Pn]===n[Pn]&&this[lr].equals(n[lr])},"equals")};function $a(e,t,n,r,s,i,o){this.type=e,this.comment=t,this[gn]=n,this[Pn]=r,this[lr]=s,this[qn]=i,this[As]=o}a($a,"OpenSSH_Private");$a.prototype=Si;{let t=function(n,r,s){let i=[];if(n.length<8)return new Error("Malformed OpenSSH private key");let o=yi(n,0),c=yi(n,4);if(o!==c)return s?new Error("OpenSSH key integrity check failed -- bad passphrase?"):new Error("OpenSSH key integrity check failed");n._pos=8;let u,l;for(u=0;u<r;++u){let d,p,_,b,g=xe(n,n._pos,!0);if(g===void 0)return new Error("Malformed OpenSSH private key");switch(g){case"ssh-rsa":{let x=xe(n,n._pos);if(x===void 0)return new Error("Malformed OpenSSH private key");let k=xe(n,n._pos);if(k===void 0)return new Error("Malformed OpenSSH private key");let N=xe(n,n._pos);if(N===void 0)return new Error("Malformed OpenSSH private key");let v=xe(n,n._pos);if(v===void 0)return new Error("Malformed OpenSSH private key");let L=xe(n,n._pos);if(L===void 0)return new Error("Malformed OpenSSH private key");let K=xe(n,n._pos);if(K===void 0)return new Error("Malformed OpenSSH private key");_=Ai(x,k),b=xi(x,k),p=sg(x,k,N,v,L,K),d="sha1";break}case"ssh-dss":{let x=xe(n,n._pos);if(x===void 0)return new Error("Malformed OpenSSH private key");let k=xe(n,n._pos);if(k===void 0)return new Error("Malformed OpenSSH private key");let N=xe(n,n._pos);if(N===void 0)return new Error("Malformed OpenSSH private key");let v=xe(n,n._pos);if(v===void 0)return new Error("Malformed OpenSSH private key");let L=xe(n,n._pos);if(L===void 0)return new Error("Malformed OpenSSH private key");_=Ei(x,k,N,v),b=ki(x,k,N,v),p=ig(x,k,N,v,L),d="sha1";break}case"ssh-ed25519":{if(!Jl)return new Error(`Unsupported OpenSSH private key type: ${g}`);let x=xe(n,n._pos);if(x===void 0||x.length!==32)return new Error("Malformed OpenSSH private key");let k=xe(n,n._pos);if(k===void 0||k.length!==64)return new Error("Malformed OpenSSH private key");_=og(x),b=ag(x),p=nS(Rr(k,0,32)),d=null;break}case"ecdsa-sha2-nistp256":d="sha256",l="1.2.840.10045.3.1.7";case"ecdsa-sha2-nistp384":d===void 0&&(d="sha384",l="1.3.132.0.34");case"ecdsa-sha2-nistp521":{if(d===void 0&&(d="sha512",l="1.3.132.0.35"),!ef(n,1))return new Error("Malformed OpenSSH private key");let x=xe(n,n._pos);if(x===void 0)return new Error("Malformed OpenSSH private key");let k=xe(n,n._pos);if(k===void 0)return new Error("Malformed OpenSSH private key");_=tf(l,x),b=nf(l,x),p=rS(l,x,k);break}default:return new Error(`Unsupported OpenSSH private key type: ${g}`)}let y=xe(n,n._pos,!0);if(y===void 0)return new Error("Malformed OpenSSH private key");i.push(new $a(g,y,p,_,b,d,s))}let f=0;for(u=n._pos;u<n.length;++u)if(n[u]!==++f%255)return new Error("Malformed OpenSSH private key");return i};a(t,"parseOpenSSHPrivKeys");let e=/^-----BEGIN OPENSSH PRIVATE KEY-----(?:\r\n|\n)([\s\S]+)(?:\r\n|\n)-----END OPENSSH PRIVATE KEY-----$/;$a.parse=(n,r)=>{let s=e.exec(n);if(s===null)return null;let i,o=Buffer.from(s[1],"base64");if(o.length<31)return new Error("Malformed OpenSSH private key");let c=o.utf8Slice(0,15);if(c!=="openssh-key-v1\0")return new Error(`Unsupported OpenSSH key magic: ${c}`);let u=xe(o,15,!0);if(u===void 0)return new Error("Malformed OpenSSH private key");if(u!=="none"&&eS.indexOf(u)===-1)return new Error(`Unsupported cipher for OpenSSH key: ${u}`);let l=xe(o,o._pos,!0);if(l===void 0)return new Error("Malformed OpenSSH private key");if(l!=="none"){if(u==="none")return new Error("Malformed OpenSSH private key");if(l!=="bcrypt")return new Error(`Unsupported kdf name for OpenSSH key: ${l}`);if(!r)return new Error("Encrypted private OpenSSH key detected, but no passphrase given")}else if(u!=="none")return new Error("Malformed OpenSSH private key");let f,d,p;u!=="none"&&(f=$i[u]);let _=xe(o,o._pos);if(_===void 0)return new Error("Malformed OpenSSH private key");if(_.length)switch(l){case"none":return new Error("Malformed OpenSSH private key");case"bcrypt":{let g=xe(_,0);if(g===void 0||_._pos+4>_.length)return new Error("Malformed OpenSSH private key");let y=yi(_,_._pos),x=Buffer.allocUnsafe(f.keyLen+f.ivLen);if(Jk(r,r.length,g,g.length,x,x.length,y)!==0)return new Error("Failed to generate information to decrypt key");d=Rr(x,0,f.keyLen),p=Rr(x,f.keyLen,x.length);break}}else if(l!=="none")return new Error("Malformed OpenSSH private key");if(o._pos+3>=o.length)return new Error("Malformed OpenSSH private key");let b=yi(o,o._pos);if(o._pos+=4,b>0){for(let y=0;y<b;++y){let x=xe(o,o._pos);if(x===void 0)return new Error("Malformed OpenSSH private key");if(xe(x,0,!0)===void 0)return new Error("Malformed OpenSSH private key")}let g=xe(o,o._pos);if(g===void 0)return new Error("Malformed OpenSSH private key");if(d!==void 0){if(g.length<f.blockLen||g.length%f.blockLen!==0)return new Error("Malformed OpenSSH private key");try{let y={authTagLength:f.authLen},x=Xl(f.sslName,d,p,y);if(x.setAutoPadding(!1),f.authLen>0){if(o.length-o._pos<f.authLen)return new Error("Malformed OpenSSH private key");x.setAuthTag(Rr(o,o._pos,o._pos+=f.authLen))}g=bi(x.update(g),x.final())}catch(y){return y}}if(o._pos!==o.length)return new Error("Malformed OpenSSH private key");i=t(g,b,d!==void 0)}else i=[];return i instanceof Error?i:i[0]}}function ba(e,t,n,r,s,i,o){this.type=e,this.comment=t,this[gn]=n,this[Pn]=r,this[lr]=s,this[qn]=i,this[As]=o}a(ba,"OpenSSH_Old_Private");ba.prototype=Si;{let e=/^-----BEGIN (RSA|DSA|EC) PRIVATE KEY-----(?:\r\n|\n)((?:[^:]+:\s*[\S].*(?:\r\n|\n))*)([\s\S]+)(?:\r\n|\n)-----END (RSA|DSA|EC) PRIVATE KEY-----$/;ba.parse=(t,n)=>{let r=e.exec(t);if(r===null)return null;let s=Buffer.from(r[3],"base64"),i=r[2],o=!1;if(i!==void 0){i=i.split(/\r\n|\n/g);for(let b=0;b<i.length;++b){let g=i[b],y=g.indexOf(":");if(g.slice(0,y)==="DEK-Info"){let x=g.slice(y+2);if(y=x.indexOf(","),y===-1)continue;let k=x.slice(0,y).toLowerCase();if(Xk.indexOf(k)===-1)return new Error(`Cipher (${k}) not supported for encrypted OpenSSH private key`);let N=Vl[k];if(!N)return new Error(`Cipher (${k}) not supported for encrypted OpenSSH private key`);let v=Buffer.from(x.slice(y+1),"hex");if(v.length!==N.ivLen)return new Error("Malformed encrypted OpenSSH private key");if(!n)return new Error("Encrypted OpenSSH private key detected, but no passphrase given");let L=Rr(v,0,8),K=wi("md5").update(n).update(L).digest();for(;K.length<N.keyLen;)K=bi(K,wi("md5").update(K).update(n).update(L).digest());K.length>N.keyLen&&(K=Rr(K,0,N.keyLen));try{let ee=Xl(k,K,v);ee.setAutoPadding(!1),s=bi(ee.update(s),ee.final()),o=!0}catch(ee){return ee}}}}let c,u,l,f,d,p,_="Malformed OpenSSH private key";switch(o&&(_+=". Bad passphrase?"),r[1]){case"RSA":c="ssh-rsa",u=yn("RSA PRIVATE",s);try{p=new Ee.Reader(s),p.readSequence(),p.readInt();let b=p.readString(Ee.Integer,!0);if(b===null)return new Error(_);let g=p.readString(Ee.Integer,!0);if(g===null)return new Error(_);l=Ai(b,g),f=xi(b,g)}catch{return new Error(_)}d="sha1";break;case"DSA":c="ssh-dss",u=yn("DSA PRIVATE",s);try{p=new Ee.Reader(s),p.readSequence(),p.readInt();let b=p.readString(Ee.Integer,!0);if(b===null)return new Error(_);let g=p.readString(Ee.Integer,!0);if(g===null)return new Error(_);let y=p.readString(Ee.Integer,!0);if(y===null)return new Error(_);let x=p.readString(Ee.Integer,!0);if(x===null)return new Error(_);l=Ei(b,g,y,x),f=ki(b,g,y,x)}catch{return new Error(_)}d="sha1";break;case"EC":{let b,g,y;try{p=new Ee.Reader(s),p.readSequence(),p.readInt(),g=p.readString(Ee.OctetString,!0),p.readByte();let k=p.readLength();if(k!==null){if(p._offset=k,y=p.readOID(),y===null)return new Error(_);switch(y){case"1.2.840.10045.3.1.7":b="prime256v1",c="ecdsa-sha2-nistp256",d="sha256";break;case"1.3.132.0.34":b="secp384r1",c="ecdsa-sha2-nistp384",d="sha384";break;case"1.3.132.0.35":b="secp521r1",c="ecdsa-sha2-nistp521",d="sha512";break;default:return new Error(`Unsupported private key EC OID: ${y}`)}}else return new Error(_)}catch{return new Error(_)}u=yn("EC PRIVATE",s);let x=sS(b,g);l=tf(y,x),f=nf(y,x);break}}return new ba(c,"",u,l,f,d,o)}}function Aa(e,t,n,r,s,i,o){this.type=e,this.comment=t,this[gn]=n,this[Pn]=r,this[lr]=s,this[qn]=i,this[As]=o}a(Aa,"PPK_Private");Aa.prototype=Si;{let e=Buffer.alloc(0),t=Buffer.from([0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]),n=Buffer.from([0,0,0,0]),r=Buffer.from([0,0,0,1]),s=/^PuTTY-User-Key-File-2: (ssh-(?:rsa|dss))\r?\nEncryption: (aes256-cbc|none)\r?\nComment: ([^\r\n]*)\r?\nPublic-Lines: \d+\r?\n([\s\S]+?)\r?\nPrivate-Lines: \d+\r?\n([\s\S]+?)\r?\nPrivate-MAC: ([^\r\n]+)/;Aa.parse=(i,o)=>{let c=s.exec(i);if(c===null)return null;let u=c[2],l=u!=="none";if(l&&!o)return new Error("Encrypted PPK private key detected, but no passphrase given");let f=Buffer.from(c[5],"base64");if(l){let j=$i[u],G=bi(wi("sha1").update(n).update(o).digest(),wi("sha1").update(r).update(o).digest());G.length>j.keyLen&&(G=Rr(G,0,j.keyLen));try{let X=Xl(j.sslName,G,t);X.setAutoPadding(!1),f=bi(X.update(f),X.final())}catch(X){return X}}let d=c[1],p=c[3],_=Buffer.from(c[4],"base64"),b=c[6],g=d.length,y=u.length,x=Buffer.byteLength(p),k=_.length,N=f.length,v=Buffer.allocUnsafe(4+g+4+y+4+x+4+k+4+N),L=0;if(Ct(v,g,L),v.utf8Write(d,L+=4,g),Ct(v,y,L+=g),v.utf8Write(u,L+=4,y),Ct(v,x,L+=y),v.utf8Write(p,L+=4,x),Ct(v,k,L+=x),v.set(_,L+=4),Ct(v,N,L+=k),v.set(f,L+4),o||(o=e),Zk("sha1",wi("sha1").update("putty-private-key-file-mac-key").update(o).digest()).update(v).digest("hex")!==b)return l?new Error("PPK private key integrity check failed -- bad passphrase?"):new Error("PPK private key integrity check failed");let ee,P,Z;switch(_._pos=0,ef(_,1),d){case"ssh-rsa":{let j=xe(_,_._pos);if(j===void 0)return new Error("Malformed PPK public key");let G=xe(_,_._pos);if(G===void 0)return new Error("Malformed PPK public key");let X=xe(f,0);if(X===void 0)return new Error("Malformed PPK private key");let pe=xe(f,f._pos);if(pe===void 0)return new Error("Malformed PPK private key");let J=xe(f,f._pos);if(J===void 0)return new Error("Malformed PPK private key");let oe=xe(f,f._pos);if(oe===void 0)return new Error("Malformed PPK private key");ee=Ai(G,j),P=xi(G,j),Z=sg(G,j,X,oe,pe,J);break}case"ssh-dss":{let j=xe(_,_._pos);if(j===void 0)return new Error("Malformed PPK public key");let G=xe(_,_._pos);if(G===void 0)return new Error("Malformed PPK public key");let X=xe(_,_._pos);if(X===void 0)return new Error("Malformed PPK public key");let pe=xe(_,_._pos);if(pe===void 0)return new Error("Malformed PPK public key");let J=xe(f,0);if(J===void 0)return new Error("Malformed PPK private key");ee=Ei(j,G,X,pe),P=ki(j,G,X,pe),Z=ig(j,G,X,pe,J);break}}return new Aa(d,p,Z,ee,P,"sha1",l)}}function Ea(e,t,n,r,s){this.type=e,this.comment=t,this[gn]=null,this[Pn]=n,this[lr]=r,this[qn]=s,this[As]=!1}a(Ea,"OpenSSH_Public");Ea.prototype=Si;{let e;Jl?e=/^(((?:ssh-(?:rsa|dss|ed25519))|ecdsa-sha2-nistp(?:256|384|521))(?:-cert-v0[01]@openssh.com)?) ([A-Z0-9a-z/+=]+)(?:$|\s+([\S].*)?)$/:e=/^(((?:ssh-(?:rsa|dss))|ecdsa-sha2-nistp(?:256|384|521))(?:-cert-v0[01]@openssh.com)?) ([A-Z0-9a-z/+=]+)(?:$|\s+([\S].*)?)$/,Ea.parse=t=>{let n=e.exec(t);if(n===null)return null;let r=n[1],s=n[2],i=Buffer.from(n[3],"base64"),o=n[4]||"",c=xe(i,i._pos,!0);return c===void 0||c.indexOf(s)!==0?new Error("Malformed OpenSSH public key"):rf(i,s,o,r)}}function xa(e,t,n,r,s){this.type=e,this.comment=t,this[gn]=null,this[Pn]=n,this[lr]=r,this[qn]=s,this[As]=!1}a(xa,"RFC4716_Public");xa.prototype=Si;{let e=/^---- BEGIN SSH2 PUBLIC KEY ----(?:\r?\n)((?:.{0,72}\r?\n)+)---- END SSH2 PUBLIC KEY ----$/,t=/^[A-Z0-9a-z/+=\r\n]+$/,n=/^([\x21-\x39\x3B-\x7E]{1,64}): ((?:[^\\]*\\\r?\n)*[^\r\n]+)\r?\n/gm,r=/\\\r?\n/g;xa.parse=s=>{let i=e.exec(s);if(i===null)return null;let o=i[1],c=0,u="";for(;i=n.exec(o);){let _=i[1],b=i[2].replace(r,"");if(b.length>1024)return n.lastIndex=0,new Error("Malformed RFC4716 public key");c=n.lastIndex,_.toLowerCase()==="comment"&&(u=b,u.length>1&&u.charCodeAt(0)===34&&u.charCodeAt(u.length-1)===34&&(u=u.slice(1,-1)))}let l=o.slice(c);if(!t.test(l))return new Error("Malformed RFC4716 public key");l=Buffer.from(l,"base64");let f=xe(l,0,!0);if(f===void 0)return new Error("Malformed RFC4716 public key");let d=null,p=null;switch(f){case"ssh-rsa":{let _=xe(l,l._pos);if(_===void 0)return new Error("Malformed RFC4716 public key");let b=xe(l,l._pos);if(b===void 0)return new Error("Malformed RFC4716 public key");d=Ai(b,_),p=xi(b,_);break}case"ssh-dss":{let _=xe(l,l._pos);if(_===void 0)return new Error("Malformed RFC4716 public key");let b=xe(l,l._pos);if(b===void 0)return new Error("Malformed RFC4716 public key");let g=xe(l,l._pos);if(g===void 0)return new Error("Malformed RFC4716 public key");let y=xe(l,l._pos);if(y===void 0)return new Error("Malformed RFC4716 public key");d=Ei(_,b,g,y),p=ki(_,b,g,y);break}default:return new Error("Malformed RFC4716 public key")}return new xa(f,u,d,p,"sha1")}}function rf(e,t,n,r){if(!cg(t))return new Error(`Unsupported OpenSSH public key type: ${t}`);let s,i,o=null,c=null;switch(t){case"ssh-rsa":{let u=xe(e,e._pos||0);if(u===void 0)return new Error("Malformed OpenSSH public key");let l=xe(e,e._pos);if(l===void 0)return new Error("Malformed OpenSSH public key");o=Ai(l,u),c=xi(l,u),s="sha1";break}case"ssh-dss":{let u=xe(e,e._pos||0);if(u===void 0)return new Error("Malformed OpenSSH public key");let l=xe(e,e._pos);if(l===void 0)return new Error("Malformed OpenSSH public key");let f=xe(e,e._pos);if(f===void 0)return new Error("Malformed OpenSSH public key");let d=xe(e,e._pos);if(d===void 0)return new Error("Malformed OpenSSH public key");o=Ei(u,l,f,d),c=ki(u,l,f,d),s="sha1";break}case"ssh-ed25519":{let u=xe(e,e._pos||0);if(u===void 0||u.length!==32)return new Error("Malformed OpenSSH public key");o=og(u),c=ag(u),s=null;break}case"ecdsa-sha2-nistp256":s="sha256",i="1.2.840.10045.3.1.7";case"ecdsa-sha2-nistp384":s===void 0&&(s="sha384",i="1.3.132.0.34");case"ecdsa-sha2-nistp521":{if(s===void 0&&(s="sha512",i="1.3.132.0.35"),!ef(e,1))return new Error("Malformed OpenSSH public key");let u=xe(e,e._pos||0);if(u===void 0)return new Error("Malformed OpenSSH public key");o=tf(i,u),c=nf(i,u);break}default:return new Error(`Unsupported OpenSSH public key type: ${t}`)}return new Ea(r,n,o,c,s)}a(rf,"parseDER");function cg(e){switch(e){case"ssh-rsa":case"ssh-dss":case"ecdsa-sha2-nistp256":case"ecdsa-sha2-nistp384":case"ecdsa-sha2-nistp521":return!0;case"ssh-ed25519":if(Jl)return!0;default:return!1}}a(cg,"isSupportedKeyType");function ug(e){return e?typeof e[As]=="boolean":!1}a(ug,"isParsedKey");function lg(e,t){if(ug(e))return e;let n;if(Buffer.isBuffer(e))n=e,e=e.utf8Slice(0,e.length).trim();else if(typeof e=="string")e=e.trim();else return new Error("Key data must be a Buffer or string");if(t!=null){if(typeof t=="string")t=Buffer.from(t);else if(!Buffer.isBuffer(t))return new Error("Passphrase must be a string or Buffer when supplied")}let r;if((r=$a.parse(e,t))!==null||(r=ba.parse(e,t))!==null||(r=Aa.parse(e,t))!==null||(r=Ea.parse(e))!==null||(r=xa.parse(e))!==null)return r;if(n){wa.init(n,0);let s=wa.readString(!0);s!==void 0&&(e=wa.readRaw(),e!==void 0&&(r=rf(e,s,"",s),r instanceof Error&&(r=null))),wa.clear()}return r||new Error("Unsupported key format")}a(lg,"parseKey");fg.exports={isParsedKey:ug,isSupportedKeyType:cg,parseDERKey:a((e,t)=>rf(e,t,"",t),"parseDERKey"),parseKey:lg}});var lf=q((R8,bg)=>{"use strict";var{Socket:_g}=require("net"),{Duplex:mg}=require("stream"),{resolve:iS}=require("path"),{readFile:dg}=require("fs"),{execFile:oS,spawn:aS}=require("child_process"),{isParsedKey:hg,parseKey:vi}=Or(),{makeBufferParser:cS,readUInt32BE:uf,writeUInt32BE:Kt,writeUInt32LE:pg}=Kn();function Ii(e){let t=!1;return(...n)=>{t||(t=!0,e(...n))}}a(Ii,"once");function uS(e,t){let n=Buffer.allocUnsafe(e.length+t.length);return e.copy(n,0),t.copy(n,e.length),n}a(uS,"concat");function of(){}a(of,"noop");var lS=Buffer.alloc(0),ut=cS(),Ci=class{static{a(this,"BaseAgent")}getIdentities(t){t(new Error("Missing getIdentities() implementation"))}sign(t,n,r,s){typeof r=="function"&&(s=r),s(new Error("Missing sign() implementation"))}},Es=class extends Ci{static{a(this,"OpenSSHAgent")}constructor(t){super(),this.socketPath=t}getStream(t){t=Ii(t);let n=new _g;n.on("connect",()=>{t(null,n)}),n.on("close",r).on("end",r).on("error",r),n.connect(this.socketPath);function r(){try{n.destroy()}catch{}t(new Error("Failed to connect to agent"))}a(r,"onFail")}getIdentities(t){t=Ii(t),this.getStream((n,r)=>{function s(o){if(r)try{r.destroy()}catch{}o||(o=new Error("Failed to retrieve identities from agent")),t(o)}if(a(s,"onFail"),n)return s(n);let i=new af(!0);i.on("error",s),i.pipe(r).pipe(i),r.on("close",s).on("end",s).on("error",s),i.getIdentities((o,c)=>{if(o)return s(o);try{r.destroy()}catch{}t(null,c)})})}sign(t,n,r,s){typeof r=="function"?(s=r,r=void 0):(typeof r!="object"||r===null)&&(r=void 0),s=Ii(s),this.getStream((i,o)=>{function c(l){if(o)try{o.destroy()}catch{}l||(l=new Error("Failed to sign data with agent")),s(l)}if(a(c,"onFail"),i)return c(i);let u=new af(!0);u.on("error",c),u.pipe(o).pipe(u),o.on("close",c).on("end",c).on("error",c),u.sign(t,n,r,(l,f)=>{if(l)return c(l);try{o.destroy()}catch{}s(null,f)})})}},gg=(()=>{let o=iS(__dirname,"..","util/pagent.exe"),c={10:new Error("Invalid pagent.exe arguments"),11:new Error("Pageant is not running"),12:new Error("pagent.exe could not create an mmap"),13:new Error("pagent.exe could not set mode for stdin"),14:new Error("pagent.exe could not set mode for stdout"),15:new Error("pagent.exe did not get expected input payload")};function u(f){f.buffer=null,f.proc&&(f.proc.kill(),f.proc=void 0)}a(u,"destroy");class l extends mg{static{a(this,"PageantSocket")}constructor(){super(),this.proc=void 0,this.buffer=null}_read(d){}_write(d,p,_){if(this.buffer===null)this.buffer=d;else{let x=Buffer.allocUnsafe(this.buffer.length+d.length);this.buffer.copy(x,0),d.copy(x,this.buffer.length),this.buffer=x}if(this.buffer.length<4)return _();let b=uf(this.buffer,0);if(this.buffer.length-4<b)return _();if(d=this.buffer.slice(0,4+b),this.buffer.length>4+b)return _(new Error("Unexpected multiple agent requests"));this.buffer=null;let g,y=this.proc=aS(o,[d.length]);y.stdout.on("data",x=>{this.push(x)}),y.on("error",x=>{g=x,_(g)}),y.on("close",x=>{if(this.proc=void 0,!g){if(g=c[x])return _(g);_()}}),y.stdin.end(d)}_final(d){u(this),d()}_destroy(d,p){u(this),p()}}return class extends Es{static{a(this,"PageantAgent")}getStream(d){d(null,new l)}}})(),yg=(()=>{let e=/^!<socket >(\d+) s ([A-Z0-9]{8}-[A-Z0-9]{8}-[A-Z0-9]{8}-[A-Z0-9]{8})/;return class extends Es{static{a(this,"CygwinAgent")}getStream(n){n=Ii(n);let r=this.socketPath,s=!1;dg(r,a(function i(o,c){if(o){if(s)return n(new Error("Invalid cygwin unix socket path"));oS("cygpath",["-w",r],(K,ee,P)=>{if(K||ee.length===0)return n(new Error("Invalid cygwin unix socket path"));s=!0,r=ee.toString().replace(/[\r\n]/g,""),dg(r,i)});return}let u=e.exec(c.toString("ascii"));if(!u)return n(new Error("Malformed cygwin unix socket file"));let l,f=0,d=!1,p=[],_,b=Buffer.alloc(12),g=parseInt(u[1],10),y=u[2].replace(/-/g,""),x=Buffer.allocUnsafe(16);for(let K=0,ee=0;ee<32;++K,ee+=2)x[K]=parseInt(y.substring(ee,ee+2),16);for(let K=0;K<16;K+=4)pg(x,uf(x,K),K);L();function k(){f=0,l="secret",_.write(x)}a(k,"_onconnect");function N(K){if(f+=K.length,l==="secret"){f===16&&(f=0,l="creds",_.write(b));return}if(l==="creds"&&(d||p.push(K),f===12)){if(_.removeListener("connect",k),_.removeListener("data",N),_.removeListener("error",v),_.removeListener("end",v),_.removeListener("close",v),d)return n(null,_);d=!0,b=Buffer.concat(p),pg(b,process.pid,0),_.on("error",()=>{}),_.destroy(),L()}}a(N,"_ondata");function v(){n(new Error("Problem negotiating cygwin unix socket security"))}a(v,"onFail");function L(){_=new _g,_.on("connect",k),_.on("data",N),_.on("error",v),_.on("end",v),_.on("close",v),_.connect(g)}a(L,"tryConnect")},"readCygsocket"))}}})(),fS=/^[/\\][/\\]\.[/\\]pipe[/\\].+/;function wg(e){return process.platform==="win32"&&!fS.test(e)?e==="pageant"?new gg:new yg(e):new Es(e)}a(wg,"createAgent");var af=(()=>{function l(P){let Z;for(;P[k].length;){let j=P[k][0][d];if(j===void 0)break;P[k].shift(),Z=P.push(j)}return Z}a(l,"processResponses");let f=Symbol("Inbound Request Type"),d=Symbol("Inbound Request Response"),p=Symbol("Inbound Request Context");class _{static{a(this,"AgentInboundRequest")}constructor(Z,j){this[f]=Z,this[d]=void 0,this[p]=j}hasResponded(){return this[d]!==void 0}getType(){return this[f]}getContext(){return this[p]}}function b(P,Z,j){return Z[d]=j,l(P)}a(b,"respond");function g(P){if(P[v]=null,P[N]===0){let Z=P[k];if(Z&&Z.length){P[k]=[];for(let j of Z)j.cb(new Error("No reply from server"))}}try{P.end()}catch{}setImmediate(()=>{P[ee]||P.emit("end"),P[K]||P.emit("close")})}a(g,"cleanup");function y(){this[K]=!0}a(y,"onClose");function x(){this[ee]=!0}a(x,"onEnd");let k=Symbol("Requests"),N=Symbol("Agent Protocol Role"),v=Symbol("Agent Protocol Buffer"),L=Symbol("Agent Protocol Current Message Length"),K=Symbol("Agent Protocol Closed"),ee=Symbol("Agent Protocol Ended");return class extends mg{static{a(this,"AgentProtocol")}constructor(Z){super({autoDestroy:!0,emitClose:!1}),this[N]=Z?0:1,this[k]=[],this[v]=null,this[L]=-1,this.once("end",x),this.once("close",y)}_read(Z){}_write(Z,j,G){this[v]===null?this[v]=Z:this[v]=uS(this[v],Z);let X=this[v],pe=X.length,J=0;for(;J<pe&&!(pe<5||(this[L]===-1&&(this[L]=uf(X,J)),pe<4+this[L]));){let oe=X[J+=4];if(++J,this[N]===0){if(this[k].length===0)return G(new Error("Received unexpected message from server"));let _e=this[k].shift();switch(oe){case 5:_e.cb(new Error("Agent responded with failure"));break;case 12:{if(_e.type!==11)return G(new Error("Agent responded with wrong message type"));ut.init(X,J);let $e=ut.readUInt32BE();if($e===void 0)return ut.clear(),G(new Error("Malformed agent response"));let R=[];for(let U=0;U<$e;++U){let D=ut.readString();if(D===void 0)return ut.clear(),G(new Error("Malformed agent response"));let Q=ut.readString(!0);if(Q===void 0)return ut.clear(),G(new Error("Malformed agent response"));D=vi(D),!(D instanceof Error)&&(D.comment=D.comment||Q,R.push(D))}J=ut.pos(),ut.clear(),_e.cb(null,R);break}case 14:{if(_e.type!==13)return G(new Error("Agent responded with wrong message type"));ut.init(X,J);let $e=ut.readString();if(J=ut.pos(),ut.clear(),$e===void 0)return G(new Error("Malformed agent response"));if(ut.init($e,0),ut.readString(!0),$e=ut.readString(),ut.clear(),$e===void 0)return G(new Error("Malformed OpenSSH signature format"));_e.cb(null,$e);break}default:return G(new Error("Agent responded with unsupported message type"))}}else switch(oe){case 11:{let _e=new _(oe);this[k].push(_e),this.emit("identities",_e);break}case 13:{ut.init(X,J);let _e=ut.readString(),$e=ut.readString(),R=ut.readUInt32BE();if(J=ut.pos(),ut.clear(),R===void 0){let le=new _(oe);return this[k].push(le),this.failureReply(le)}if(_e=vi(_e),_e instanceof Error){let le=new _(oe);return this[k].push(le),this.failureReply(le)}let U={hash:void 0},D;_e.type==="ssh-rsa"&&(R&2?(D="rsa-sha2-256",U.hash="sha256"):R&4&&(D="rsa-sha2-512",U.hash="sha512")),D===void 0&&(D=_e.type);let Q=new _(oe,D);this[k].push(Q),this.emit("sign",Q,_e,$e,U);break}default:{let _e=new _(oe);this[k].push(_e),this.failureReply(_e)}}if(this[L]=-1,J===pe){this[v]=null;break}else this[v]=X=X.slice(J),pe=X.length,J=0}G()}_destroy(Z,j){g(this),j()}_final(Z){g(this),Z()}sign(Z,j,G,X){if(this[N]!==0)throw new Error("Client-only method called with server role");typeof G=="function"?(X=G,G=void 0):(typeof G!="object"||G===null)&&(G=void 0);let pe=0;if(Z=vi(Z),Z instanceof Error)throw new Error("Invalid public key argument");if(Z.type==="ssh-rsa"&&G)switch(G.hash){case"sha256":pe=2;break;case"sha512":pe=4;break}Z=Z.getPublicSSH();let J=13,oe=Z.length,_e=j.length,$e=0,R=Buffer.allocUnsafe(9+oe+4+_e+4);return Kt(R,R.length-4,$e),R[$e+=4]=J,Kt(R,oe,++$e),Z.copy(R,$e+=4),Kt(R,_e,$e+=oe),j.copy(R,$e+=4),Kt(R,pe,$e+=_e),typeof X!="function"&&(X=of),this[k].push({type:J,cb:X}),this.push(R)}getIdentities(Z){if(this[N]!==0)throw new Error("Client-only method called with server role");let j=11,G=0,X=Buffer.allocUnsafe(5);return Kt(X,X.length-4,G),X[G+=4]=j,typeof Z!="function"&&(Z=of),this[k].push({type:j,cb:Z}),this.push(X)}failureReply(Z){if(this[N]!==1)throw new Error("Server-only method called with client role");if(!(Z instanceof _))throw new Error("Wrong request argument");if(Z.hasResponded())return!0;let j=0,G=Buffer.allocUnsafe(5);return Kt(G,G.length-4,j),G[j+=4]=5,b(this,Z,G)}getIdentitiesReply(Z,j){if(this[N]!==1)throw new Error("Server-only method called with client role");if(!(Z instanceof _))throw new Error("Wrong request argument");if(Z.hasResponded())return!0;if(Z.getType()!==11)throw new Error("Invalid response to request");if(!Array.isArray(j))throw new Error("Keys argument must be an array");let G=4,X=[];for(let oe=0;oe<j.length;++oe){let _e=j[oe];if(typeof _e!="object"||_e===null)throw new Error(`Invalid key entry: ${_e}`);let $e,R;if(hg(_e))$e=_e;else if(hg(_e.pubKey))$e=_e.pubKey;else if(typeof _e.pubKey!="object"||_e.pubKey===null||({pubKey:$e,comment:R}=_e.pubKey,$e=vi($e),$e instanceof Error))continue;R=$e.comment||R,$e=$e.getPublicSSH(),G+=4+$e.length,R&&typeof R=="string"?R=Buffer.from(R):Buffer.isBuffer(R)||(R=lS),G+=4+R.length,X.push({pubKey:$e,comment:R})}let pe=0,J=Buffer.allocUnsafe(5+G);Kt(J,J.length-4,pe),J[pe+=4]=12,Kt(J,X.length,++pe),pe+=4;for(let oe=0;oe<X.length;++oe){let{pubKey:_e,comment:$e}=X[oe];Kt(J,_e.length,pe),_e.copy(J,pe+=4),Kt(J,$e.length,pe+=_e.length),pe+=4,$e.length&&($e.copy(J,pe),pe+=$e.length)}return b(this,Z,J)}signReply(Z,j){if(this[N]!==1)throw new Error("Server-only method called with client role");if(!(Z instanceof _))throw new Error("Wrong request argument");if(Z.hasResponded())return!0;if(Z.getType()!==13)throw new Error("Invalid response to request");if(!Buffer.isBuffer(j))throw new Error("Signature argument must be a Buffer");if(j.length===0)throw new Error("Signature argument must be non-empty");let G=0,X=Z.getContext(),pe=Buffer.byteLength(X),J=Buffer.allocUnsafe(13+pe+4+j.length);return Kt(J,J.length-4,G),J[G+=4]=14,Kt(J,4+pe+4+j.length,++G),Kt(J,pe,G+=4),J.utf8Write(X,G+=4,pe),Kt(J,j.length,G+=pe),j.copy(J,G+=4),b(this,Z,J)}}})(),sf=Symbol("Agent"),wn=Symbol("Agent Keys"),Qn=Symbol("Agent Keys Index"),xs=Symbol("Agent Init Callbacks"),cf=class{static{a(this,"AgentContext")}constructor(t){if(typeof t=="string")t=wg(t);else if(!$g(t))throw new Error("Invalid agent argument");this[sf]=t,this[wn]=null,this[Qn]=-1,this[xs]=null}init(t){if(typeof t!="function"&&(t=of),this[wn]===null)if(this[xs]===null){this[xs]=[t];let n=a((...r)=>{process.nextTick(()=>{let s=this[xs];this[xs]=null;for(let i of s)i(...r)})},"doCbs");this[sf].getIdentities(Ii((r,s)=>{if(r)return n(r);if(!Array.isArray(s))return n(new Error("Agent implementation failed to provide keys"));let i=[];for(let o of s)o=vi(o),!(o instanceof Error)&&i.push(o);this[wn]=i,this[Qn]=-1,n()}))}else this[xs].push(t);else process.nextTick(t)}nextKey(){return this[wn]===null||++this[Qn]>=this[wn].length?!1:this[wn][this[Qn]]}currentKey(){return this[wn]===null||this[Qn]>=this[wn].length?null:this[wn][this[Qn]]}pos(){return this[wn]===null||this[Qn]>=this[wn].length?-1:this[Qn]}reset(){this[Qn]=-1}sign(...t){this[sf].sign(...t)}};function $g(e){return e instanceof Ci}a($g,"isAgent");bg.exports={AgentContext:cf,AgentProtocol:af,BaseAgent:Ci,createAgent:wg,CygwinAgent:yg,isAgent:$g,OpenSSHAgent:Es,PageantAgent:gg}});var Ag=q(()=>{});var ka=q(xg=>{xg.SFTP=class{}});var mf=q((M8,Eg)=>{"use strict";var{kMaxLength:dS}=require("buffer"),{createInflate:hS,constants:{DEFLATE:pS,INFLATE:_S,Z_DEFAULT_CHUNK:mS,Z_DEFAULT_COMPRESSION:gS,Z_DEFAULT_MEMLEVEL:yS,Z_DEFAULT_STRATEGY:wS,Z_DEFAULT_WINDOWBITS:$S,Z_PARTIAL_FLUSH:bS}}=require("zlib"),AS=hS()._handle.constructor;function xS(){throw new Error("Should not get here")}a(xS,"processCallback");function ES(e,t,n){let r=this._owner,s=new Error(e);s.errno=t,s.code=n,r._err=s}a(ES,"zlibOnError");function _f(e){e._handle&&(e._handle.close(),e._handle=null)}a(_f,"_close");var Sa=class{static{a(this,"Zlib")}constructor(t){let n=$S,r=gS,s=yS,i=wS,o=void 0;this._err=void 0,this._writeState=new Uint32Array(2),this._chunkSize=mS,this._maxOutputLength=dS,this._outBuffer=Buffer.allocUnsafe(this._chunkSize),this._outOffset=0,this._handle=new AS(t),this._handle._owner=this,this._handle.onerror=ES,this._handle.init(n,r,s,i,this._writeState,xS,o)}writeSync(t,n){let r=this._handle;if(!r)throw new Error("Invalid Zlib instance");let s=t.length,i=this._chunkSize-this._outOffset,o=0,c,u,l,f=0,d=this._writeState,p=this._outBuffer,_=this._outOffset,b=this._chunkSize;for(;;){if(r.writeSync(bS,t,o,s,p,_,i),this._err)throw this._err;c=d[0],u=d[1];let y=s-u,x=i-c;if(x>0){let k=_===0&&x===p.length?p:p.slice(_,_+x);if(_+=x,l?l.push===void 0?l=[l,k]:l.push(k):l=k,f+=k.byteLength,f>this._maxOutputLength)throw _f(this),new Error(`Output length exceeded maximum of ${this._maxOutputLength}`)}else if(x!==0)throw new Error("have should not go down");if((c===0||_>=b)&&(i=b,_=0,p=Buffer.allocUnsafe(b)),c===0)o+=y,s=u;else break}if(this._outBuffer=p,this._outOffset=_,f===0&&(l=Buffer.alloc(0)),n)return l.totalLen=f,l;if(l.push===void 0)return l;let g=Buffer.allocUnsafe(f);for(let y=0,x=0;y<l.length;++y){let k=l[y];g.set(k,x),x+=k.length}return g}},ff=class{static{a(this,"ZlibPacketWriter")}constructor(t){this.allocStart=0,this.allocStartKEX=0,this._protocol=t,this._zlib=new Sa(pS)}cleanup(){this._zlib&&_f(this._zlib)}alloc(t,n){return Buffer.allocUnsafe(t)}finalize(t,n){if(this._protocol._kexinit===void 0||n){let r=this._zlib.writeSync(t,!0),s=this._protocol._cipher.allocPacket(r.totalLen);if(r.push===void 0)s.set(r,5);else for(let i=0,o=5;i<r.length;++i){let c=r[i];s.set(c,o),o+=c.length}return s}return t}},df=class{static{a(this,"PacketWriter")}constructor(t){this.allocStart=5,this.allocStartKEX=5,this._protocol=t}cleanup(){}alloc(t,n){return this._protocol._kexinit===void 0||n?this._protocol._cipher.allocPacket(t):Buffer.allocUnsafe(t)}finalize(t,n){return t}},hf=class{static{a(this,"ZlibPacketReader")}constructor(){this._zlib=new Sa(_S)}cleanup(){this._zlib&&_f(this._zlib)}read(t){return this._zlib.writeSync(t,!1)}},pf=class{static{a(this,"PacketReader")}cleanup(){}read(t){return t}};Eg.exports={PacketReader:pf,PacketWriter:df,ZlibPacketReader:hf,ZlibPacketWriter:ff}});var Cg=q((H8,Ig)=>{"use strict";var{bufferSlice:gf,bufferParser:C,doFatalError:it,sigSSHToASN1:kg,writeUInt32BE:Sg}=Kn(),{CHANNEL_OPEN_FAILURE:kS,COMPAT:SS,MESSAGE:ot,TERMINAL_MODE:vg}=cr(),{parseKey:vS}=Or(),IS=Array.from(Object.entries(vg)).reduce((e,[t,n])=>({...e,[t]:n}),{});Ig.exports={[ot.DISCONNECT]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE(),r=C.readString(!0),s=C.readString();if(C.clear(),s===void 0)return it(e,"Inbound: Malformed DISCONNECT packet");e._debug&&e._debug(`Inbound: Received DISCONNECT (${n}, "${r}")`);let i=e._handlers.DISCONNECT;i&&i(e,n,r)},[ot.IGNORE]:(e,t)=>{e._debug&&e._debug("Inbound: Received IGNORE")},[ot.UNIMPLEMENTED]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE();if(C.clear(),n===void 0)return it(e,"Inbound: Malformed UNIMPLEMENTED packet");e._debug&&e._debug(`Inbound: Received UNIMPLEMENTED (seqno ${n})`)},[ot.DEBUG]:(e,t)=>{C.init(t,1);let n=C.readBool(),r=C.readString(!0),s=C.readString();if(C.clear(),s===void 0)return it(e,"Inbound: Malformed DEBUG packet");e._debug&&e._debug("Inbound: Received DEBUG");let i=e._handlers.DEBUG;i&&i(e,n,r)},[ot.SERVICE_REQUEST]:(e,t)=>{C.init(t,1);let n=C.readString(!0);if(C.clear(),n===void 0)return it(e,"Inbound: Malformed SERVICE_REQUEST packet");e._debug&&e._debug(`Inbound: Received SERVICE_REQUEST (${n})`);let r=e._handlers.SERVICE_REQUEST;r&&r(e,n)},[ot.SERVICE_ACCEPT]:(e,t)=>{C.init(t,1);let n=C.readString(!0);if(C.clear(),n===void 0)return it(e,"Inbound: Malformed SERVICE_ACCEPT packet");e._debug&&e._debug(`Inbound: Received SERVICE_ACCEPT (${n})`);let r=e._handlers.SERVICE_ACCEPT;r&&r(e,n)},[ot.EXT_INFO]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE(),r;if(n!==void 0){r=[];for(let i=0;i<n;++i){let o=C.readString(!0),c=C.readString();if(c!==void 0)if(o==="server-sig-algs"){let u=c.latin1Slice(0,c.length).split(",");r.push({name:o,algs:u});continue}else continue;r=void 0;break}}if(C.clear(),r===void 0)return it(e,"Inbound: Malformed EXT_INFO packet");e._debug&&e._debug("Inbound: Received EXT_INFO");let s=e._handlers.EXT_INFO;s&&s(e,r)},[ot.USERAUTH_REQUEST]:(e,t)=>{C.init(t,1);let n=C.readString(!0),r=C.readString(!0),s=C.readString(!0),i,o;switch(s){case"none":i=null;break;case"password":{let u=C.readBool();if(u!==void 0&&(i=C.readString(!0),i!==void 0&&u)){let l=C.readString(!0);l!==void 0?i={oldPassword:i,newPassword:l}:i=void 0}break}case"publickey":{let u=C.readBool();if(u!==void 0){let l=C.readString(!0),f=l,d=C.readString(),p;switch(l){case"rsa-sha2-256":f="ssh-rsa",p="sha256";break;case"rsa-sha2-512":f="ssh-rsa",p="sha512";break}if(u){let _=C.pos(),b=C.readString();if(b!==void 0&&(b.length>4+l.length+4&&b.utf8Slice(4,4+l.length)===l&&(b=gf(b,4+l.length+4)),b=kg(b,f),b)){let g=e._kex.sessionID,y=Buffer.allocUnsafe(4+g.length+_);Sg(y,g.length,0),y.set(g,4),y.set(new Uint8Array(t.buffer,t.byteOffset,_),4+g.length),i={keyAlgo:f,key:d,signature:b,blob:y,hashAlgo:p}}}else i={keyAlgo:f,key:d,hashAlgo:p},o="publickey -- check"}break}case"hostbased":{let u=C.readString(!0),l=u,f=C.readString(),d=C.readString(!0),p=C.readString(!0),_;switch(u){case"rsa-sha2-256":l="ssh-rsa",_="sha256";break;case"rsa-sha2-512":l="ssh-rsa",_="sha512";break}let b=C.pos(),g=C.readString();if(g!==void 0&&(g.length>4+u.length+4&&g.utf8Slice(4,4+u.length)===u&&(g=gf(g,4+u.length+4)),g=kg(g,l),g!==void 0)){let y=e._kex.sessionID,x=Buffer.allocUnsafe(4+y.length+b);Sg(x,y.length,0),x.set(y,4),x.set(new Uint8Array(t.buffer,t.byteOffset,b),4+y.length),i={keyAlgo:l,key:f,signature:g,blob:x,localHostname:d,localUsername:p,hashAlgo:_}}break}case"keyboard-interactive":C.skipString(),i=C.readList();break;default:s!==void 0&&(i=C.readRaw())}if(C.clear(),i===void 0)return it(e,"Inbound: Malformed USERAUTH_REQUEST packet");o===void 0&&(o=s),e._authsQueue.push(s),e._debug&&e._debug(`Inbound: Received USERAUTH_REQUEST (${o})`);let c=e._handlers.USERAUTH_REQUEST;c&&c(e,n,r,s,i)},[ot.USERAUTH_FAILURE]:(e,t)=>{C.init(t,1);let n=C.readList(),r=C.readBool();if(C.clear(),r===void 0)return it(e,"Inbound: Malformed USERAUTH_FAILURE packet");e._debug&&e._debug(`Inbound: Received USERAUTH_FAILURE (${n})`),e._authsQueue.shift();let s=e._handlers.USERAUTH_FAILURE;s&&s(e,n,r)},[ot.USERAUTH_SUCCESS]:(e,t)=>{e._debug&&e._debug("Inbound: Received USERAUTH_SUCCESS"),e._authsQueue.shift();let n=e._handlers.USERAUTH_SUCCESS;n&&n(e)},[ot.USERAUTH_BANNER]:(e,t)=>{C.init(t,1);let n=C.readString(!0),r=C.readString();if(C.clear(),r===void 0)return it(e,"Inbound: Malformed USERAUTH_BANNER packet");e._debug&&e._debug("Inbound: Received USERAUTH_BANNER");let s=e._handlers.USERAUTH_BANNER;s&&s(e,n)},60:(e,t)=>{if(!e._authsQueue.length){e._debug&&e._debug("Inbound: Received payload type 60 without auth");return}switch(e._authsQueue[0]){case"password":{C.init(t,1);let n=C.readString(!0),r=C.readString();if(C.clear(),r===void 0)return it(e,"Inbound: Malformed USERAUTH_PASSWD_CHANGEREQ packet");e._debug&&e._debug("Inbound: Received USERAUTH_PASSWD_CHANGEREQ");let s=e._handlers.USERAUTH_PASSWD_CHANGEREQ;s&&s(e,n);break}case"publickey":{C.init(t,1);let n=C.readString(!0),r=C.readString();if(C.clear(),r===void 0)return it(e,"Inbound: Malformed USERAUTH_PK_OK packet");e._debug&&e._debug("Inbound: Received USERAUTH_PK_OK"),e._authsQueue.shift();let s=e._handlers.USERAUTH_PK_OK;s&&s(e,n,r);break}case"keyboard-interactive":{C.init(t,1);let n=C.readString(!0),r=C.readString(!0);C.readString();let s=C.readUInt32BE(),i;if(s!==void 0){i=new Array(s);let c;for(c=0;c<s;++c){let u=C.readString(!0),l=C.readBool();if(l===void 0)break;i[c]={prompt:u,echo:l}}c!==s&&(i=void 0)}if(C.clear(),i===void 0)return it(e,"Inbound: Malformed USERAUTH_INFO_REQUEST packet");e._debug&&e._debug("Inbound: Received USERAUTH_INFO_REQUEST");let o=e._handlers.USERAUTH_INFO_REQUEST;o&&o(e,n,r,i);break}default:e._debug&&e._debug("Inbound: Received unexpected payload type 60")}},61:(e,t)=>{if(!e._authsQueue.length){e._debug&&e._debug("Inbound: Received payload type 61 without auth");return}if(e._authsQueue[0]!=="keyboard-interactive")return it(e,"Inbound: Received unexpected payload type 61");C.init(t,1);let n=C.readUInt32BE(),r;if(n!==void 0){r=new Array(n);let i;for(i=0;i<n;++i){let o=C.readString(!0);if(o===void 0)break;r[i]=o}i!==n&&(r=void 0)}if(C.clear(),r===void 0)return it(e,"Inbound: Malformed USERAUTH_INFO_RESPONSE packet");e._debug&&e._debug("Inbound: Received USERAUTH_INFO_RESPONSE");let s=e._handlers.USERAUTH_INFO_RESPONSE;s&&s(e,r)},[ot.GLOBAL_REQUEST]:(e,t)=>{C.init(t,1);let n=C.readString(!0),r=C.readBool(),s;if(r!==void 0)switch(n){case"tcpip-forward":case"cancel-tcpip-forward":{let o=C.readString(!0),c=C.readUInt32BE();c!==void 0&&(s={bindAddr:o,bindPort:c});break}case"streamlocal-forward@openssh.com":case"cancel-streamlocal-forward@openssh.com":{let o=C.readString(!0);o!==void 0&&(s={socketPath:o});break}case"no-more-sessions@openssh.com":s=null;break;case"hostkeys-00@openssh.com":{for(s=[];C.avail()>0;){let o=C.readString();if(o===void 0){s=void 0;break}let c=vS(o);c instanceof Error||s.push(c)}break}default:s=C.readRaw()}if(C.clear(),s===void 0)return it(e,"Inbound: Malformed GLOBAL_REQUEST packet");e._debug&&e._debug(`Inbound: GLOBAL_REQUEST (${n})`);let i=e._handlers.GLOBAL_REQUEST;i?i(e,n,r,s):e.requestFailure()},[ot.REQUEST_SUCCESS]:(e,t)=>{let n=t.length>1?gf(t,1):null;e._debug&&e._debug("Inbound: REQUEST_SUCCESS");let r=e._handlers.REQUEST_SUCCESS;r&&r(e,n)},[ot.REQUEST_FAILURE]:(e,t)=>{e._debug&&e._debug("Inbound: Received REQUEST_FAILURE");let n=e._handlers.REQUEST_FAILURE;n&&n(e)},[ot.CHANNEL_OPEN]:(e,t)=>{C.init(t,1);let n=C.readString(!0),r=C.readUInt32BE(),s=C.readUInt32BE(),i=C.readUInt32BE(),o;switch(n){case"forwarded-tcpip":case"direct-tcpip":{let u=C.readString(!0),l=C.readUInt32BE(),f=C.readString(!0),d=C.readUInt32BE();d!==void 0&&(o={type:n,sender:r,window:s,packetSize:i,data:{destIP:u,destPort:l,srcIP:f,srcPort:d}});break}case"forwarded-streamlocal@openssh.com":case"direct-streamlocal@openssh.com":{let u=C.readString(!0);u!==void 0&&(o={type:n,sender:r,window:s,packetSize:i,data:{socketPath:u}});break}case"x11":{let u=C.readString(!0),l=C.readUInt32BE();l!==void 0&&(o={type:n,sender:r,window:s,packetSize:i,data:{srcIP:u,srcPort:l}});break}default:o={type:n,sender:r,window:s,packetSize:i,data:{}}}if(C.clear(),o===void 0)return it(e,"Inbound: Malformed CHANNEL_OPEN packet");e._debug&&e._debug(`Inbound: CHANNEL_OPEN (s:${r}, ${n})`);let c=e._handlers.CHANNEL_OPEN;c?c(e,o):e.channelOpenFail(o.sender,kS.ADMINISTRATIVELY_PROHIBITED,"","")},[ot.CHANNEL_OPEN_CONFIRMATION]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE(),r=C.readUInt32BE(),s=C.readUInt32BE(),i=C.readUInt32BE(),o=C.avail()?C.readRaw():void 0;if(C.clear(),i===void 0)return it(e,"Inbound: Malformed CHANNEL_OPEN_CONFIRMATION packet");e._debug&&e._debug(`Inbound: CHANNEL_OPEN_CONFIRMATION (r:${n}, s:${r})`);let c=e._handlers.CHANNEL_OPEN_CONFIRMATION;c&&c(e,{recipient:n,sender:r,window:s,packetSize:i,data:o})},[ot.CHANNEL_OPEN_FAILURE]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE(),r=C.readUInt32BE(),s=C.readString(!0),i=C.readString();if(C.clear(),i===void 0)return it(e,"Inbound: Malformed CHANNEL_OPEN_FAILURE packet");e._debug&&e._debug(`Inbound: CHANNEL_OPEN_FAILURE (r:${n})`);let o=e._handlers.CHANNEL_OPEN_FAILURE;o&&o(e,n,r,s)},[ot.CHANNEL_WINDOW_ADJUST]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE(),r=C.readUInt32BE();if(C.clear(),r===void 0)return it(e,"Inbound: Malformed CHANNEL_WINDOW_ADJUST packet");e._debug&&e._debug(`Inbound: CHANNEL_WINDOW_ADJUST (r:${n}, ${r})`);let s=e._handlers.CHANNEL_WINDOW_ADJUST;s&&s(e,n,r)},[ot.CHANNEL_DATA]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE(),r=C.readString();if(C.clear(),r===void 0)return it(e,"Inbound: Malformed CHANNEL_DATA packet");e._debug&&e._debug(`Inbound: CHANNEL_DATA (r:${n}, ${r.length})`);let s=e._handlers.CHANNEL_DATA;s&&s(e,n,r)},[ot.CHANNEL_EXTENDED_DATA]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE(),r=C.readUInt32BE(),s=C.readString();if(C.clear(),s===void 0)return it(e,"Inbound: Malformed CHANNEL_EXTENDED_DATA packet");e._debug&&e._debug(`Inbound: CHANNEL_EXTENDED_DATA (r:${n}, ${s.length})`);let i=e._handlers.CHANNEL_EXTENDED_DATA;i&&i(e,n,s,r)},[ot.CHANNEL_EOF]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE();if(C.clear(),n===void 0)return it(e,"Inbound: Malformed CHANNEL_EOF packet");e._debug&&e._debug(`Inbound: CHANNEL_EOF (r:${n})`);let r=e._handlers.CHANNEL_EOF;r&&r(e,n)},[ot.CHANNEL_CLOSE]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE();if(C.clear(),n===void 0)return it(e,"Inbound: Malformed CHANNEL_CLOSE packet");e._debug&&e._debug(`Inbound: CHANNEL_CLOSE (r:${n})`);let r=e._handlers.CHANNEL_CLOSE;r&&r(e,n)},[ot.CHANNEL_REQUEST]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE(),r=C.readString(!0),s=C.readBool(),i;if(s!==void 0)switch(r){case"exit-status":i=C.readUInt32BE(),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${i})`);break;case"exit-signal":{let c,u;if(e._compatFlags&SS.OLD_EXIT){let f=C.readUInt32BE();switch(f){case 1:c="HUP";break;case 2:c="INT";break;case 3:c="QUIT";break;case 6:c="ABRT";break;case 9:c="KILL";break;case 14:c="ALRM";break;case 15:c="TERM";break;default:f!==void 0&&(c=`UNKNOWN (${f})`)}u=!1}else c=C.readString(!0),u=C.readBool(),u===void 0&&(c=void 0);let l=C.readString(!0);C.skipString()!==void 0&&(i={signal:c,coreDumped:u,errorMessage:l}),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${c})`);break}case"pty-req":{let c=C.readString(!0),u=C.readUInt32BE(),l=C.readUInt32BE(),f=C.readUInt32BE(),d=C.readUInt32BE(),p=C.readString();if(p!==void 0){C.init(p,1);let _={};for(;C.avail();){let b=C.readByte();if(b===vg.TTY_OP_END)break;let g=IS[b],y=C.readUInt32BE();if(b===void 0||g===void 0||y===void 0){_=void 0;break}_[g]=y}_!==void 0&&(i={term:c,cols:u,rows:l,width:f,height:d,modes:_})}e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break}case"window-change":{let c=C.readUInt32BE(),u=C.readUInt32BE(),l=C.readUInt32BE(),f=C.readUInt32BE();f!==void 0&&(i={cols:c,rows:u,width:l,height:f}),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break}case"x11-req":{let c=C.readBool(),u=C.readString(!0),l=C.readString(),f=C.readUInt32BE();f!==void 0&&(i={single:c,protocol:u,cookie:l,screen:f}),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break}case"env":{let c=C.readString(!0),u=C.readString(!0);u!==void 0&&(i={name:c,value:u}),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${c}=${u})`);break}case"shell":i=null,e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break;case"exec":i=C.readString(!0),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${i})`);break;case"subsystem":i=C.readString(!0),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${i})`);break;case"signal":i=C.readString(!0),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${i})`);break;case"xon-xoff":i=C.readBool(),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${i})`);break;case"auth-agent-req@openssh.com":i=null,e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break;default:i=C.avail()?C.readRaw():null,e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`)}if(C.clear(),i===void 0)return it(e,"Inbound: Malformed CHANNEL_REQUEST packet");let o=e._handlers.CHANNEL_REQUEST;o&&o(e,n,r,s,i)},[ot.CHANNEL_SUCCESS]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE();if(C.clear(),n===void 0)return it(e,"Inbound: Malformed CHANNEL_SUCCESS packet");e._debug&&e._debug(`Inbound: CHANNEL_SUCCESS (r:${n})`);let r=e._handlers.CHANNEL_SUCCESS;r&&r(e,n)},[ot.CHANNEL_FAILURE]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE();if(C.clear(),n===void 0)return it(e,"Inbound: Malformed CHANNEL_FAILURE packet");e._debug&&e._debug(`Inbound: CHANNEL_FAILURE (r:${n})`);let r=e._handlers.CHANNEL_FAILURE;r&&r(e,n)}}});var va=q((z8,Pg)=>{"use strict";var yf=new Array(256);[wf().HANDLERS,Cg()].forEach(e=>{for(let[t,n]of Object.entries(e))t=+t,isFinite(t)&&t>=0&&t<yf.length&&(yf[t]=n)});Pg.exports=yf});var wf=q((q8,Fg)=>{"use strict";var{createDiffieHellman:CS,createDiffieHellmanGroup:PS,createECDH:NS,createHash:bf,createPublicKey:TS,diffieHellman:RS,generateKeyPairSync:OS,randomFillSync:BS}=require("crypto"),{Ber:Ng}=ca(),{COMPAT:Af,curve25519Supported:LS,DEFAULT_KEX:Tg,DEFAULT_SERVER_HOST_KEY:Rg,DEFAULT_CIPHER:Ia,DEFAULT_MAC:Ca,DEFAULT_COMPRESSION:Pa,DISCONNECT_REASON:Me,MESSAGE:tt}=cr(),{CIPHER_INFO:vs,createCipher:DS,createDecipher:US,MAC_INFO:Og}=ws(),{parseDERKey:MS}=Or(),{bufferFill:FS,bufferParser:Ue,convertSignature:HS,doFatalError:Fe,FastBuffer:zS,sigSSHToASN1:KS,writeUInt32BE:Pt}=Kn(),{PacketReader:Bg,PacketWriter:Lg,ZlibPacketReader:Na,ZlibPacketWriter:Ta}=mf(),ks,qS=2048,QS=8192,jS=Buffer.alloc(0);function Dg(e){let t;if(e._compatFlags&Af.BAD_DHGEX){let n=e._offer.lists.kex,r=n.array,s=!1;for(let i=0;i<r.length;++i)r[i].includes("group-exchange")&&(s||(s=!0,r=r.slice()),r.splice(i--,1));if(s){let i=17+e._offer.totalSize+1+4,o=Buffer.from(r.join(","));i-=n.buffer.length-o.length;let c=e._offer.lists.all,u=new Uint8Array(c.buffer,c.byteOffset+4+n.buffer.length,c.length-(4+n.buffer.length));t=Buffer.allocUnsafe(i),Pt(t,o.length,17),t.set(o,21),t.set(u,21+o.length)}}t===void 0&&(t=Buffer.allocUnsafe(17+e._offer.totalSize+1+4),e._offer.copyAllTo(t,17)),e._debug&&e._debug("Outbound: Sending KEXINIT"),t[0]=tt.KEXINIT,BS(t,1,16),FS(t,0,t.length-5),e._kexinit=t,e._packetRW.write.allocStart=0;{let n=e._packetRW.write.allocStartKEX,r=e._packetRW.write.alloc(t.length,!0);r.set(t,n),e._cipher.encrypt(e._packetRW.write.finalize(r,!0))}}a(Dg,"kexinit");function Ug(e,t){let n={kex:void 0,serverHostKey:void 0,cs:{cipher:void 0,mac:void 0,compress:void 0,lang:void 0},sc:{cipher:void 0,mac:void 0,compress:void 0,lang:void 0}};if(Ue.init(t,17),(n.kex=Ue.readList())===void 0||(n.serverHostKey=Ue.readList())===void 0||(n.cs.cipher=Ue.readList())===void 0||(n.sc.cipher=Ue.readList())===void 0||(n.cs.mac=Ue.readList())===void 0||(n.sc.mac=Ue.readList())===void 0||(n.cs.compress=Ue.readList())===void 0||(n.sc.compress=Ue.readList())===void 0||(n.cs.lang=Ue.readList())===void 0||(n.sc.lang=Ue.readList())===void 0)return Ue.clear(),Fe(e,"Received malformed KEXINIT","handshake",Me.KEY_EXCHANGE_FAILED);let r=Ue.pos(),s=r<t.length&&t[r]===1;Ue.clear();let i=e._offer,o=n,c=i.lists.kex.array;if(e._compatFlags&Af.BAD_DHGEX){let v=!1;for(let L=0;L<c.length;++L)c[L].indexOf("group-exchange")!==-1&&(v||(v=!0,c=c.slice()),c.splice(L--,1))}let u,l,f,d=e._debug;d&&d("Inbound: Handshake in progress"),d&&d(`Handshake: (local) KEX method: ${c}`),d&&d(`Handshake: (remote) KEX method: ${o.kex}`);let p;if(e._server?(l=c,u=o.kex,p=u.indexOf("ext-info-c")!==-1):(l=o.kex,u=c,p=l.indexOf("ext-info-s")!==-1),e._strictMode===void 0&&(e._server?e._strictMode=u.indexOf("kex-strict-c-v00@openssh.com")!==-1:e._strictMode=l.indexOf("kex-strict-s-v00@openssh.com")!==-1,e._strictMode&&(d&&d("Handshake: strict KEX mode enabled"),e._decipher.inSeqno!==1)))return d&&d("Handshake: KEXINIT not first packet in strict KEX mode"),Fe(e,"Handshake failed: KEXINIT not first packet in strict KEX mode","handshake",Me.KEY_EXCHANGE_FAILED);for(f=0;f<u.length&&l.indexOf(u[f])===-1;++f);if(f===u.length)return d&&d("Handshake: no matching key exchange algorithm"),Fe(e,"Handshake failed: no matching key exchange algorithm","handshake",Me.KEY_EXCHANGE_FAILED);n.kex=u[f],d&&d(`Handshake: KEX algorithm: ${u[f]}`),s&&(!o.kex.length||u[f]!==o.kex[0])&&(e._skipNextInboundPacket=!0);let _=i.lists.serverHostKey.array;for(d&&d(`Handshake: (local) Host key format: ${_}`),d&&d(`Handshake: (remote) Host key format: ${o.serverHostKey}`),e._server?(l=_,u=o.serverHostKey):(l=o.serverHostKey,u=_),f=0;f<u.length&&l.indexOf(u[f])===-1;++f);if(f===u.length)return d&&d("Handshake: No matching host key format"),Fe(e,"Handshake failed: no matching host key format","handshake",Me.KEY_EXCHANGE_FAILED);n.serverHostKey=u[f],d&&d(`Handshake: Host key format: ${u[f]}`);let b=i.lists.cs.cipher.array;for(d&&d(`Handshake: (local) C->S cipher: ${b}`),d&&d(`Handshake: (remote) C->S cipher: ${o.cs.cipher}`),e._server?(l=b,u=o.cs.cipher):(l=o.cs.cipher,u=b),f=0;f<u.length&&l.indexOf(u[f])===-1;++f);if(f===u.length)return d&&d("Handshake: No matching C->S cipher"),Fe(e,"Handshake failed: no matching C->S cipher","handshake",Me.KEY_EXCHANGE_FAILED);n.cs.cipher=u[f],d&&d(`Handshake: C->S Cipher: ${u[f]}`);let g=i.lists.sc.cipher.array;for(d&&d(`Handshake: (local) S->C cipher: ${g}`),d&&d(`Handshake: (remote) S->C cipher: ${o.sc.cipher}`),e._server?(l=g,u=o.sc.cipher):(l=o.sc.cipher,u=g),f=0;f<u.length&&l.indexOf(u[f])===-1;++f);if(f===u.length)return d&&d("Handshake: No matching S->C cipher"),Fe(e,"Handshake failed: no matching S->C cipher","handshake",Me.KEY_EXCHANGE_FAILED);n.sc.cipher=u[f],d&&d(`Handshake: S->C cipher: ${u[f]}`);let y=i.lists.cs.mac.array;if(d&&d(`Handshake: (local) C->S MAC: ${y}`),d&&d(`Handshake: (remote) C->S MAC: ${o.cs.mac}`),vs[n.cs.cipher].authLen>0)n.cs.mac="",d&&d("Handshake: C->S MAC: <implicit>");else{for(e._server?(l=y,u=o.cs.mac):(l=o.cs.mac,u=y),f=0;f<u.length&&l.indexOf(u[f])===-1;++f);if(f===u.length)return d&&d("Handshake: No matching C->S MAC"),Fe(e,"Handshake failed: no matching C->S MAC","handshake",Me.KEY_EXCHANGE_FAILED);n.cs.mac=u[f],d&&d(`Handshake: C->S MAC: ${u[f]}`)}let x=i.lists.sc.mac.array;if(d&&d(`Handshake: (local) S->C MAC: ${x}`),d&&d(`Handshake: (remote) S->C MAC: ${o.sc.mac}`),vs[n.sc.cipher].authLen>0)n.sc.mac="",d&&d("Handshake: S->C MAC: <implicit>");else{for(e._server?(l=x,u=o.sc.mac):(l=o.sc.mac,u=x),f=0;f<u.length&&l.indexOf(u[f])===-1;++f);if(f===u.length)return d&&d("Handshake: No matching S->C MAC"),Fe(e,"Handshake failed: no matching S->C MAC","handshake",Me.KEY_EXCHANGE_FAILED);n.sc.mac=u[f],d&&d(`Handshake: S->C MAC: ${u[f]}`)}let k=i.lists.cs.compress.array;for(d&&d(`Handshake: (local) C->S compression: ${k}`),d&&d(`Handshake: (remote) C->S compression: ${o.cs.compress}`),e._server?(l=k,u=o.cs.compress):(l=o.cs.compress,u=k),f=0;f<u.length&&l.indexOf(u[f])===-1;++f);if(f===u.length)return d&&d("Handshake: No matching C->S compression"),Fe(e,"Handshake failed: no matching C->S compression","handshake",Me.KEY_EXCHANGE_FAILED);n.cs.compress=u[f],d&&d(`Handshake: C->S compression: ${u[f]}`);let N=i.lists.sc.compress.array;for(d&&d(`Handshake: (local) S->C compression: ${N}`),d&&d(`Handshake: (remote) S->C compression: ${o.sc.compress}`),e._server?(l=N,u=o.sc.compress):(l=o.sc.compress,u=N),f=0;f<u.length&&l.indexOf(u[f])===-1;++f);if(f===u.length)return d&&d("Handshake: No matching S->C compression"),Fe(e,"Handshake failed: no matching S->C compression","handshake",Me.KEY_EXCHANGE_FAILED);n.sc.compress=u[f],d&&d(`Handshake: S->C compression: ${u[f]}`),n.cs.lang="",n.sc.lang="",e._kex&&(e._kexinit||Dg(e),e._decipher._onPayload=Mg.bind(e,{firstPacket:!1})),e._kex=WS(n,e,t),e._kex.remoteExtInfoEnabled=p,e._kex.start()}a(Ug,"handleKexInit");var WS=(()=>{function e(o){let c=0,u=o.length;for(;o[c]===0;)++c,--u;let l;return o[c]&128?(l=Buffer.allocUnsafe(1+u),l[0]=0,o.copy(l,1,c),o=l):u!==o.length&&(l=Buffer.allocUnsafe(u),o.copy(l,0,c),o=l),o}a(e,"convertToMpint");class t{static{a(this,"KeyExchange")}constructor(c,u,l){this._protocol=u,this.sessionID=u._kex?u._kex.sessionID:void 0,this.negotiated=c,this.remoteExtInfoEnabled=!1,this._step=1,this._public=null,this._dh=null,this._sentNEWKEYS=!1,this._receivedNEWKEYS=!1,this._finished=!1,this._hostVerified=!1,this._kexinit=u._kexinit,this._remoteKexinit=l,this._identRaw=u._identRaw,this._remoteIdentRaw=u._remoteIdentRaw,this._hostKey=void 0,this._dhData=void 0,this._sig=void 0}finish(c){if(this._finished)return!1;this._finished=!0;let u=this._protocol._server,l=this.negotiated,f=this.convertPublicKey(this._dhData),d=this.computeSecret(this._dhData);if(d instanceof Error)return d.message=`Error while computing DH secret (${this.type}): ${d.message}`,d.level="handshake",Fe(this._protocol,d,Me.KEY_EXCHANGE_FAILED);let p=bf(this.hashName);Nn(p,u?this._remoteIdentRaw:this._identRaw),Nn(p,u?this._identRaw:this._remoteIdentRaw),Nn(p,u?this._remoteKexinit:this._kexinit),Nn(p,u?this._kexinit:this._remoteKexinit);let _=u?this._hostKey.getPublicSSH():this._hostKey;if(Nn(p,_),this.type==="groupex"){let N=this.getDHParams(),v=Buffer.allocUnsafe(4);Pt(v,this._minBits,0),p.update(v),Pt(v,this._prefBits,0),p.update(v),Pt(v,this._maxBits,0),p.update(v),Nn(p,N.prime),Nn(p,N.generator)}Nn(p,u?f:this.getPublicKey());let b=u?this.getPublicKey():f;Nn(p,b),Nn(p,d);let g=p.digest();if(u){let N;switch(this.negotiated.serverHostKey){case"rsa-sha2-256":N="sha256";break;case"rsa-sha2-512":N="sha512";break}this._protocol._debug&&this._protocol._debug("Generating signature ...");let v=this._hostKey.sign(g,N);if(v instanceof Error)return Fe(this._protocol,`Handshake failed: signature generation failed for ${this._hostKey.type} host key: ${v.message}`,"handshake",Me.KEY_EXCHANGE_FAILED);if(v=HS(v,this._hostKey.type),v===!1)return Fe(this._protocol,`Handshake failed: signature conversion failed for ${this._hostKey.type} host key`,"handshake",Me.KEY_EXCHANGE_FAILED);let L=this.negotiated.serverHostKey,K=Buffer.byteLength(L),ee=4+K+4+v.length,P=this._protocol._packetRW.write.allocStartKEX,Z=this._protocol._packetRW.write.alloc(5+_.length+4+b.length+4+ee,!0);if(Z[P]=tt.KEXDH_REPLY,Pt(Z,_.length,++P),Z.set(_,P+=4),Pt(Z,b.length,P+=_.length),Z.set(b,P+=4),Pt(Z,ee,P+=b.length),Pt(Z,K,P+=4),Z.utf8Write(L,P+=4,K),Pt(Z,v.length,P+=K),Z.set(v,P+=4),this._protocol._debug){let j;switch(this.type){case"group":j="KEXDH_REPLY";break;case"groupex":j="KEXDH_GEX_REPLY";break;default:j="KEXECDH_REPLY"}this._protocol._debug(`Outbound: Sending ${j}`)}this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(Z,!0))}else{Ue.init(this._sig,0);let N=Ue.readString(!0);if(!N)return Fe(this._protocol,"Malformed packet while reading signature","handshake",Me.KEY_EXCHANGE_FAILED);if(N!==l.serverHostKey)return Fe(this._protocol,`Wrong signature type: ${N}, expected: ${l.serverHostKey}`,"handshake",Me.KEY_EXCHANGE_FAILED);let v=Ue.readString();if(Ue.clear(),v===void 0)return Fe(this._protocol,"Malformed packet while reading signature","handshake",Me.KEY_EXCHANGE_FAILED);if(!(v=KS(v,N)))return Fe(this._protocol,"Malformed signature","handshake",Me.KEY_EXCHANGE_FAILED);let L;{Ue.init(this._hostKey,0);let P=Ue.readString(!0),Z=this._hostKey.slice(Ue.pos());if(Ue.clear(),L=MS(Z,P),L instanceof Error)return L.level="handshake",Fe(this._protocol,L,Me.KEY_EXCHANGE_FAILED)}let K;switch(this.negotiated.serverHostKey){case"rsa-sha2-256":K="sha256";break;case"rsa-sha2-512":K="sha512";break}this._protocol._debug&&this._protocol._debug("Verifying signature ...");let ee=L.verify(g,v,K);if(ee!==!0)return ee instanceof Error?this._protocol._debug&&this._protocol._debug(`Signature verification failed: ${ee.stack}`):this._protocol._debug&&this._protocol._debug("Signature verification failed"),Fe(this._protocol,"Handshake failed: signature verification failed","handshake",Me.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Verified signature")}(u||!c)&&Ra(this);let y,x,k=a(N=>{if(y)return Ra(this),y.outbound.seqno=this._protocol._cipher.outSeqno,this._protocol._cipher.free(),this._protocol._cipher=DS(y),this._protocol._packetRW.write=x,y=void 0,x=void 0,this._protocol._onHandshakeComplete(l),!1;this.sessionID||(this.sessionID=g);{let _e=Buffer.allocUnsafe(4+d.length);Pt(_e,d.length,0),_e.set(d,4),d=_e}let v=vs[l.cs.cipher],L=vs[l.sc.cipher],K=Ss(v.ivLen,this.hashName,d,g,this.sessionID,"A"),ee=Ss(L.ivLen,this.hashName,d,g,this.sessionID,"B"),P=Ss(v.keyLen,this.hashName,d,g,this.sessionID,"C"),Z=Ss(L.keyLen,this.hashName,d,g,this.sessionID,"D"),j,G;v.authLen||(j=Og[l.cs.mac],G=Ss(j.len,this.hashName,d,g,this.sessionID,"E"));let X,pe;L.authLen||(X=Og[l.sc.mac],pe=Ss(X.len,this.hashName,d,g,this.sessionID,"F"));let J={inbound:{onPayload:this._protocol._onPayload,seqno:this._protocol._decipher.inSeqno,decipherInfo:u?v:L,decipherIV:u?K:ee,decipherKey:u?P:Z,macInfo:u?j:X,macKey:u?G:pe},outbound:{onWrite:this._protocol._onWrite,seqno:this._protocol._cipher.outSeqno,cipherInfo:u?L:v,cipherIV:u?ee:K,cipherKey:u?Z:P,macInfo:u?X:j,macKey:u?pe:G}};this._protocol._decipher.free(),y=J,this._protocol._decipher=US(J);let oe={read:void 0,write:void 0};switch(l.cs.compress){case"zlib":u?oe.read=new Na:oe.write=new Ta(this._protocol);break;case"zlib@openssh.com":if(this._protocol._authenticated){u?oe.read=new Na:oe.write=new Ta(this._protocol);break}default:u?oe.read=new Bg:oe.write=new Lg(this._protocol)}switch(l.sc.compress){case"zlib":u?oe.write=new Ta(this._protocol):oe.read=new Na;break;case"zlib@openssh.com":if(this._protocol._authenticated){u?oe.write=new Ta(this._protocol):oe.read=new Na;break}default:u?oe.write=new Lg(this._protocol):oe.read=new Bg}return this._protocol._packetRW.read.cleanup(),this._protocol._packetRW.write.cleanup(),this._protocol._packetRW.read=oe.read,x=oe.write,this._public=null,this._dh=null,this._kexinit=this._protocol._kexinit=void 0,this._remoteKexinit=void 0,this._identRaw=void 0,this._remoteIdentRaw=void 0,this._hostKey=void 0,this._dhData=void 0,this._sig=void 0,N?!1:k()},"completeHandshake");if((u||c)&&(this.finish=k),!u)return k(c)}start(){if(!this._protocol._server){if(this._protocol._debug){let f;this.type==="group"?f="KEXDH_INIT":f="KEXECDH_INIT",this._protocol._debug(`Outbound: Sending ${f}`)}let c=this.getPublicKey(),u=this._protocol._packetRW.write.allocStartKEX,l=this._protocol._packetRW.write.alloc(5+c.length,!0);l[u]=tt.KEXDH_INIT,Pt(l,c.length,++u),l.set(c,u+=4),this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(l,!0))}}getPublicKey(){this.generateKeys();let c=this._public;if(c)return this.convertPublicKey(c)}convertPublicKey(c){let u,l=0,f=c.length;for(;c[l]===0;)++l,--f;return c[l]&128?(u=Buffer.allocUnsafe(1+f),u[0]=0,c.copy(u,1,l),u):(f!==c.length&&(u=Buffer.allocUnsafe(f),c.copy(u,0,l),c=u),c)}computeSecret(c){this.generateKeys();try{return e(this._dh.computeSecret(c))}catch(u){return u}}parse(c){let u=c[0];switch(this._step){case 1:if(this._protocol._server){if(u!==tt.KEXDH_INIT)return Fe(this._protocol,`Received packet ${u} instead of ${tt.KEXDH_INIT}`,"handshake",Me.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Received DH Init"),Ue.init(c,1);let l=Ue.readString();if(Ue.clear(),l===void 0)return Fe(this._protocol,"Received malformed KEX*_INIT","handshake",Me.KEY_EXCHANGE_FAILED);this._dhData=l;let f=this._protocol._hostKeys[this.negotiated.serverHostKey];Array.isArray(f)&&(f=f[0]),this._hostKey=f,this.finish()}else{if(u!==tt.KEXDH_REPLY)return Fe(this._protocol,`Received packet ${u} instead of ${tt.KEXDH_REPLY}`,"handshake",Me.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Received DH Reply"),Ue.init(c,1);let l,f,d;if((l=Ue.readString())===void 0||(f=Ue.readString())===void 0||(d=Ue.readString())===void 0)return Ue.clear(),Fe(this._protocol,"Received malformed KEX*_REPLY","handshake",Me.KEY_EXCHANGE_FAILED);Ue.clear(),Ue.init(l,0);let p=Ue.readString(!0);if(Ue.clear(),p===void 0)return Fe(this._protocol,"Received malformed host public key","handshake",Me.KEY_EXCHANGE_FAILED);if(p!==this.negotiated.serverHostKey)switch(this.negotiated.serverHostKey){case"rsa-sha2-256":case"rsa-sha2-512":if(p==="ssh-rsa")break;default:return Fe(this._protocol,"Host key does not match negotiated type","handshake",Me.KEY_EXCHANGE_FAILED)}this._hostKey=l,this._dhData=f,this._sig=d;let _=!1,b;if(this._protocol._hostVerifier===void 0?(b=!0,this._protocol._debug&&this._protocol._debug("Host accepted by default (no verification)")):b=this._protocol._hostVerifier(l,g=>{if(!_){if(_=!0,g===!1)return this._protocol._debug&&this._protocol._debug("Host denied (verification failed)"),Fe(this._protocol,"Host denied (verification failed)","handshake",Me.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Host accepted (verified)"),this._hostVerified=!0,this._receivedNEWKEYS?this.finish():Ra(this)}}),b===void 0){++this._step;return}if(_=!0,b===!1)return this._protocol._debug&&this._protocol._debug("Host denied (verification failed)"),Fe(this._protocol,"Host denied (verification failed)","handshake",Me.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Host accepted (verified)"),this._hostVerified=!0,Ra(this)}++this._step;break;case 2:return u!==tt.NEWKEYS?Fe(this._protocol,`Received packet ${u} instead of ${tt.NEWKEYS}`,"handshake",Me.KEY_EXCHANGE_FAILED):(this._protocol._debug&&this._protocol._debug("Inbound: NEWKEYS"),this._receivedNEWKEYS=!0,this._protocol._strictMode&&(this._protocol._decipher.inSeqno=0),++this._step,this.finish(!this._protocol._server&&!this._hostVerified));default:return Fe(this._protocol,`Received unexpected packet ${u} after NEWKEYS`,"handshake",Me.KEY_EXCHANGE_FAILED)}}}class n extends t{static{a(this,"Curve25519Exchange")}constructor(c,...u){super(...u),this.type="25519",this.hashName=c,this._keys=null}generateKeys(){this._keys||(this._keys=OS("x25519"))}getPublicKey(){return this.generateKeys(),this._keys.publicKey.export({type:"spki",format:"der"}).slice(-32)}convertPublicKey(c){let u,l=0,f=c.length;for(;c[l]===0;)++l,--f;return c.length===32||f!==c.length&&(u=Buffer.allocUnsafe(f),c.copy(u,0,l),c=u),c}computeSecret(c){this.generateKeys();try{let u=new Ng.Writer;return u.startSequence(),u.startSequence(),u.writeOID("1.3.101.110"),u.endSequence(),u.startSequence(Ng.BitString),u.writeByte(0),u._ensure(c.length),c.copy(u._buf,u._offset,0,c.length),u._offset+=c.length,u.endSequence(),u.endSequence(),e(RS({privateKey:this._keys.privateKey,publicKey:TS({key:u.buffer,type:"spki",format:"der"})}))}catch(u){return u}}}class r extends t{static{a(this,"ECDHExchange")}constructor(c,u,...l){super(...l),this.type="ecdh",this.curveName=c,this.hashName=u}generateKeys(){this._dh||(this._dh=NS(this.curveName),this._public=this._dh.generateKeys())}}class s extends t{static{a(this,"DHGroupExchange")}constructor(c,...u){super(...u),this.type="groupex",this.hashName=c,this._prime=null,this._generator=null,this._minBits=qS,this._prefBits=ZS(this.negotiated),this._protocol._compatFlags&Af.BUG_DHGEX_LARGE&&(this._prefBits=Math.min(this._prefBits,4096)),this._maxBits=QS}start(){if(this._protocol._server)return;this._protocol._debug&&this._protocol._debug("Outbound: Sending KEXDH_GEX_REQUEST");let c=this._protocol._packetRW.write.allocStartKEX,u=this._protocol._packetRW.write.alloc(13,!0);u[c]=tt.KEXDH_GEX_REQUEST,Pt(u,this._minBits,++c),Pt(u,this._prefBits,c+=4),Pt(u,this._maxBits,c+=4),this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(u,!0))}generateKeys(){!this._dh&&this._prime&&this._generator&&(this._dh=CS(this._prime,this._generator),this._public=this._dh.generateKeys())}setDHParams(c,u){if(!Buffer.isBuffer(c))throw new Error("Invalid prime value");if(!Buffer.isBuffer(u))throw new Error("Invalid generator value");this._prime=c,this._generator=u}getDHParams(){if(this._dh)return{prime:e(this._dh.getPrime()),generator:e(this._dh.getGenerator())}}parse(c){let u=c[0];switch(this._step){case 1:{if(this._protocol._server)return u!==tt.KEXDH_GEX_REQUEST?Fe(this._protocol,`Received packet ${u} instead of `+tt.KEXDH_GEX_REQUEST,"handshake",Me.KEY_EXCHANGE_FAILED):Fe(this._protocol,"Group exchange not implemented for server","handshake",Me.KEY_EXCHANGE_FAILED);if(u!==tt.KEXDH_GEX_GROUP)return Fe(this._protocol,`Received packet ${u} instead of ${tt.KEXDH_GEX_GROUP}`,"handshake",Me.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Received DH GEX Group"),Ue.init(c,1);let l,f;if((l=Ue.readString())===void 0||(f=Ue.readString())===void 0)return Ue.clear(),Fe(this._protocol,"Received malformed KEXDH_GEX_GROUP","handshake",Me.KEY_EXCHANGE_FAILED);Ue.clear(),this.setDHParams(l,f),this.generateKeys();let d=this.getPublicKey();this._protocol._debug&&this._protocol._debug("Outbound: Sending KEXDH_GEX_INIT");let p=this._protocol._packetRW.write.allocStartKEX,_=this._protocol._packetRW.write.alloc(5+d.length,!0);_[p]=tt.KEXDH_GEX_INIT,Pt(_,d.length,++p),_.set(d,p+=4),this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(_,!0)),++this._step;break}case 2:if(this._protocol._server)return u!==tt.KEXDH_GEX_INIT?Fe(this._protocol,`Received packet ${u} instead of ${tt.KEXDH_GEX_INIT}`,"handshake",Me.KEY_EXCHANGE_FAILED):(this._protocol._debug&&this._protocol._debug("Received DH GEX Init"),Fe(this._protocol,"Group exchange not implemented for server","handshake",Me.KEY_EXCHANGE_FAILED));if(u!==tt.KEXDH_GEX_REPLY)return Fe(this._protocol,`Received packet ${u} instead of ${tt.KEXDH_GEX_REPLY}`,"handshake",Me.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Received DH GEX Reply"),this._step=1,c[0]=tt.KEXDH_REPLY,this.parse=t.prototype.parse,this.parse(c)}}}class i extends t{static{a(this,"DHExchange")}constructor(c,u,...l){super(...l),this.type="group",this.groupName=c,this.hashName=u}start(){if(!this._protocol._server){this._protocol._debug&&this._protocol._debug("Outbound: Sending KEXDH_INIT");let c=this.getPublicKey(),u=this._protocol._packetRW.write.allocStartKEX,l=this._protocol._packetRW.write.alloc(5+c.length,!0);l[u]=tt.KEXDH_INIT,Pt(l,c.length,++u),l.set(c,u+=4),this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(l,!0))}}generateKeys(){this._dh||(this._dh=PS(this.groupName),this._public=this._dh.generateKeys())}getDHParams(){if(this._dh)return{prime:e(this._dh.getPrime()),generator:e(this._dh.getGenerator())}}}return(o,...c)=>{if(typeof o!="object"||o===null)throw new Error("Invalid negotiated argument");let u=o.kex;if(typeof u=="string"){switch(c=[o,...c],u){case"curve25519-sha256":case"curve25519-sha256@libssh.org":if(!LS)break;return new n("sha256",...c);case"ecdh-sha2-nistp256":return new r("prime256v1","sha256",...c);case"ecdh-sha2-nistp384":return new r("secp384r1","sha384",...c);case"ecdh-sha2-nistp521":return new r("secp521r1","sha512",...c);case"diffie-hellman-group1-sha1":return new i("modp2","sha1",...c);case"diffie-hellman-group14-sha1":return new i("modp14","sha1",...c);case"diffie-hellman-group14-sha256":return new i("modp14","sha256",...c);case"diffie-hellman-group15-sha512":return new i("modp15","sha512",...c);case"diffie-hellman-group16-sha512":return new i("modp16","sha512",...c);case"diffie-hellman-group17-sha512":return new i("modp17","sha512",...c);case"diffie-hellman-group18-sha512":return new i("modp18","sha512",...c);case"diffie-hellman-group-exchange-sha1":return new s("sha1",...c);case"diffie-hellman-group-exchange-sha256":return new s("sha256",...c)}throw new Error(`Unsupported key exchange algorithm: ${u}`)}throw new Error(`Invalid key exchange type: ${u}`)}})(),$f=(()=>{let e=["kex","serverHostKey",["cs","cipher"],["sc","cipher"],["cs","mac"],["sc","mac"],["cs","compress"],["sc","compress"],["cs","lang"],["sc","lang"]];return class{static{a(this,"KexInit")}constructor(n){if(typeof n!="object"||n===null)throw new TypeError("Argument must be an object");let r={kex:void 0,serverHostKey:void 0,cs:{cipher:void 0,mac:void 0,compress:void 0,lang:void 0},sc:{cipher:void 0,mac:void 0,compress:void 0,lang:void 0},all:void 0},s=0;for(let c of e){let u,l,f,d;if(typeof c=="string")u=r,l=n[c],f=d=c;else{let _=c[0];u=r[_],d=c[1],l=n[_][d],f=`${_}.${d}`}let p={array:void 0,buffer:void 0};if(Buffer.isBuffer(l))p.array=(""+l).split(","),p.buffer=l,s+=4+l.length;else{if(typeof l=="string"&&(l=l.split(",")),Array.isArray(l))p.array=l,p.buffer=Buffer.from(l.join(","));else throw new TypeError(`Invalid \`${f}\` type: ${typeof l}`);s+=4+p.buffer.length}u[d]=p}let i=Buffer.allocUnsafe(s);r.all=i;let o=0;for(let c of e){let u;typeof c=="string"?u=r[c].buffer:u=r[c[0]][c[1]].buffer,o=Pt(i,u.length,o),i.set(u,o),o+=u.length}this.totalSize=s,this.lists=r}copyAllTo(n,r){let s=this.lists.all;if(typeof r!="number")throw new TypeError(`Invalid offset value: ${typeof r}`);if(n.length-r<s.length)throw new Error("Insufficient space to copy list");return n.set(s,r),s.length}}})(),Nn=(()=>{let e=Buffer.allocUnsafe(4);return(t,n)=>{Pt(e,n.length,0),t.update(e),t.update(n)}})();function Ss(e,t,n,r,s,i){let o;if(e){let c=bf(t).update(n).update(r).update(i).update(s).digest();for(;c.length<e;){let u=bf(t).update(n).update(r).update(c).digest(),l=Buffer.allocUnsafe(c.length+u.length);l.set(c,0),l.set(u,c.length),c=l}c.length===e?o=c:o=new zS(c.buffer,c.byteOffset,e)}else o=jS;return o}a(Ss,"generateKEXVal");function Mg(e,t){if(t.length===0){this._debug&&this._debug("Inbound: Skipping empty packet payload");return}if(this._skipNextInboundPacket){this._skipNextInboundPacket=!1;return}t=this._packetRW.read.read(t);let n=t[0];if(!this._strictMode)switch(n){case tt.IGNORE:case tt.UNIMPLEMENTED:case tt.DEBUG:return ks||(ks=va()),ks[n](this,t)}switch(n){case tt.DISCONNECT:return ks||(ks=va()),ks[n](this,t);case tt.KEXINIT:return e.firstPacket?(e.firstPacket=!1,Ug(this,t)):Fe(this,"Received extra KEXINIT during handshake","handshake",Me.KEY_EXCHANGE_FAILED);default:if(n<20||n>49)return Fe(this,`Received unexpected packet type ${n}`,"handshake",Me.KEY_EXCHANGE_FAILED)}return this._kex.parse(t)}a(Mg,"onKEXPayload");function ZS(e){let t=vs[e.cs.cipher],n=vs[e.sc.cipher],r=Math.max(0,t.sslName==="des-ede3-cbc"?14:t.keyLen,t.blockLen,t.ivLen,n.sslName==="des-ede3-cbc"?14:n.keyLen,n.blockLen,n.ivLen)*8;return r<=112?2048:r<=128?3072:r<=192?7680:8192}a(ZS,"dhEstimate");function Ra(e){if(!e._sentNEWKEYS){e._protocol._debug&&e._protocol._debug("Outbound: Sending NEWKEYS");let t=e._protocol._packetRW.write.allocStartKEX,n=e._protocol._packetRW.write.alloc(1,!0);n[t]=tt.NEWKEYS,e._protocol._cipher.encrypt(e._protocol._packetRW.write.finalize(n,!0)),e._sentNEWKEYS=!0,e._protocol._strictMode&&(e._protocol._cipher.outSeqno=0)}}a(Ra,"trySendNEWKEYS");Fg.exports={KexInit:$f,kexinit:Dg,onKEXPayload:Mg,DEFAULT_KEXINIT_CLIENT:new $f({kex:Tg.concat(["ext-info-c","kex-strict-c-v00@openssh.com"]),serverHostKey:Rg,cs:{cipher:Ia,mac:Ca,compress:Pa,lang:[]},sc:{cipher:Ia,mac:Ca,compress:Pa,lang:[]}}),DEFAULT_KEXINIT_SERVER:new $f({kex:Tg.concat(["kex-strict-s-v00@openssh.com"]),serverHostKey:Rg,cs:{cipher:Ia,mac:Ca,compress:Pa,lang:[]},sc:{cipher:Ia,mac:Ca,compress:Pa,lang:[]}}),HANDLERS:{[tt.KEXINIT]:Ug}}});var Hg=q((j8,GS)=>{GS.exports={name:"ssh2",version:"1.17.0",author:"Brian White <mscdex@mscdex.net>",description:"SSH2 client and server modules written in pure JavaScript for node.js",main:"./lib/index.js",engines:{node:">=10.16.0"},dependencies:{asn1:"^0.2.6","bcrypt-pbkdf":"^1.0.2"},devDependencies:{"@mscdex/eslint-config":"^1.1.0",eslint:"^7.32.0"},optionalDependencies:{"cpu-features":"~0.0.10",nan:"^2.23.0"},scripts:{install:"node install.js",rebuild:"node install.js",test:"node test/test.js",lint:"eslint --cache --report-unused-disable-directives --ext=.js .eslintrc.js examples lib test","lint:fix":"npm run lint -- --fix"},keywords:["ssh","ssh2","sftp","secure","shell","exec","remote","client"],licenses:[{type:"MIT",url:"http://github.com/mscdex/ssh2/raw/master/LICENSE"}],repository:{type:"git",url:"http://github.com/mscdex/ssh2.git"}}});var ty=q((W8,ey)=>{"use strict";var{inspect:Wg}=require("util"),{bindingAvailable:YS,NullCipher:VS,NullDecipher:XS}=ws(),{COMPAT_CHECKS:JS,DISCONNECT_REASON:Zg,eddsaSupported:ev,MESSAGE:we,SIGNALS:zg,TERMINAL_MODE:Ef}=cr(),{DEFAULT_KEXINIT_CLIENT:tv,DEFAULT_KEXINIT_SERVER:nv,KexInit:Kg,kexinit:Gg,onKEXPayload:rv}=wf(),{parseKey:qg}=Or(),sv=va(),{bufferCopy:Oa,bufferFill:iv,bufferSlice:Yg,convertSignature:Qg,sendPacket:be,writeUInt32BE:S}=Kn(),{PacketReader:ov,PacketWriter:av,ZlibPacketReader:Vg,ZlibPacketWriter:Xg}=mf(),cv=Hg().version,uv=new Map(Object.values(Zg).map(e=>[e,1])),Jg=Buffer.from(`SSH-2.0-ssh2js${cv}`),lv=Buffer.from(`${Jg}\r
`),fv=8192,dv=1024,jg=Buffer.from([we.GLOBAL_REQUEST,0,0,0,21,107,101,101,112,97,108,105,118,101,64,111,112,101,110,115,115,104,46,99,111,109,1]),hv=Buffer.from([Ef.TTY_OP_END]);function xf(){}a(xf,"noop");var kf=class{static{a(this,"Protocol")}constructor(t){let n=t.onWrite;if(typeof n!="function")throw new Error("Missing onWrite function");this._onWrite=_=>{n(_)};let r=t.onError;if(typeof r!="function")throw new Error("Missing onError function");this._onError=_=>{r(_)};let s=t.debug;this._debug=typeof s=="function"?_=>{s(_)}:void 0;let i=t.onHeader;this._onHeader=typeof i=="function"?(..._)=>{i(..._)}:xf;let o=t.onPacket;this._onPacket=typeof o=="function"?()=>{o()}:xf;let c=t.onHandshakeComplete;typeof c!="function"&&(c=xf);let u;this._onHandshakeComplete=(..._)=>{this._debug&&this._debug("Handshake completed"),u===void 0?u=!0:u=!1;let b=this._queue;if(b){this._queue=void 0,this._debug&&this._debug(`Draining outbound queue (${b.length}) ...`);for(let g=0;g<b.length;++g){let y=b[g],x=this._packetRW.write.finalize(y);if(x===y){let k=this._cipher.allocPacket(y.length);k.set(y,5),x=k}be(this,x)}this._debug&&this._debug("... finished draining outbound queue")}u&&this._server&&this._kex.remoteExtInfoEnabled&&$v(this),c(..._)},this._queue=void 0;let l=t.messageHandlers;typeof l=="object"&&l!==null?this._handlers=l:this._handlers={},this._onPayload=gv.bind(this),this._server=!!t.server,this._banner=void 0;let f;if(this._server){if(typeof t.hostKeys!="object"||t.hostKeys===null)throw new Error("Missing server host key(s)");this._hostKeys=t.hostKeys,typeof t.greeting=="string"&&t.greeting.length&&(f=t.greeting.slice(-2)===`\r
`?t.greeting:`${t.greeting}\r
`),typeof t.banner=="string"&&t.banner.length&&(this._banner=t.banner.slice(-2)===`\r
`?t.banner:`${t.banner}\r
`)}else this._hostKeys=void 0;let d=t.offer;typeof d!="object"||d===null?d=this._server?nv:tv:d.constructor!==Kg&&(this._server?d.kex=d.kex.concat(["kex-strict-s-v00@openssh.com"]):d.kex=d.kex.concat(["ext-info-c","kex-strict-c-v00@openssh.com"]),d=new Kg(d)),this._kex=void 0,this._strictMode=void 0,this._kexinit=void 0,this._offer=d,this._cipher=new VS(0,this._onWrite),this._decipher=void 0,this._skipNextInboundPacket=!1,this._packetRW={read:new ov,write:new av(this)},this._hostVerifier=!this._server&&typeof t.hostVerifier=="function"?t.hostVerifier:void 0,this._parse=_v,this._buffer=void 0,this._authsQueue=[],this._authenticated=!1,this._remoteIdentRaw=void 0;let p;if(typeof t.ident=="string")this._identRaw=Buffer.from(`SSH-2.0-${t.ident}`),p=Buffer.allocUnsafe(this._identRaw.length+2),p.set(this._identRaw,0),p[p.length-2]=13,p[p.length-1]=10;else if(Buffer.isBuffer(t.ident)){let _=Buffer.allocUnsafe(8+t.ident.length);_.latin1Write("SSH-2.0-",0,8),_.set(t.ident,8),this._identRaw=_,p=Buffer.allocUnsafe(_.length+2),p.set(_,0),p[p.length-2]=13,p[p.length-1]=10}else this._identRaw=Jg,p=lv;this._compatFlags=0,this._debug&&(YS?this._debug("Custom crypto binding available"):this._debug("Custom crypto binding not available")),this._debug&&this._debug(`Local ident: ${Wg(this._identRaw.toString())}`),this.start=()=>{this.start=void 0,f&&this._onWrite(f),this._onWrite(p)}}_destruct(t){this._packetRW.read.cleanup(),this._packetRW.write.cleanup(),this._cipher&&this._cipher.free(),this._decipher&&this._decipher.free(),(typeof t!="string"||t.length===0)&&(t="fatal error"),this.parse=()=>{throw new Error(`Instance unusable after ${t}`)},this._onWrite=()=>{throw new Error(`Instance unusable after ${t}`)},this._destruct=void 0}cleanup(){this._destruct&&this._destruct()}parse(t,n,r){for(;n<r;)n=this._parse(t,n,r)}disconnect(t){let r=this._packetRW.write.allocStartKEX,s=this._packetRW.write.alloc(13,!0),i=r+13;uv.has(t)||(t=Zg.PROTOCOL_ERROR),s[r]=we.DISCONNECT,S(s,t,++r),s.fill(0,r+=4,i),this._debug&&this._debug(`Outbound: Sending DISCONNECT (${t})`),be(this,this._packetRW.write.finalize(s,!0),!0)}ping(){let t=this._packetRW.write.allocStart,n=this._packetRW.write.alloc(jg.length);n.set(jg,t),this._debug&&this._debug("Outbound: Sending ping (GLOBAL_REQUEST: keepalive@openssh.com)"),be(this,this._packetRW.write.finalize(n))}rekey(){this._kexinit===void 0?(this._debug&&this._debug("Outbound: Initiated explicit rekey"),this._queue=[],Gg(this)):this._debug&&this._debug("Outbound: Ignoring rekey during handshake")}requestSuccess(t){let n=this._packetRW.write.allocStart,r;Buffer.isBuffer(t)?(r=this._packetRW.write.alloc(1+t.length),r[n]=we.REQUEST_SUCCESS,r.set(t,++n)):(r=this._packetRW.write.alloc(1),r[n]=we.REQUEST_SUCCESS),this._debug&&this._debug("Outbound: Sending REQUEST_SUCCESS"),be(this,this._packetRW.write.finalize(r))}requestFailure(){let t=this._packetRW.write.allocStart,n=this._packetRW.write.alloc(1);n[t]=we.REQUEST_FAILURE,this._debug&&this._debug("Outbound: Sending REQUEST_FAILURE"),be(this,this._packetRW.write.finalize(n))}channelSuccess(t){let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(5);r[n]=we.CHANNEL_SUCCESS,S(r,t,++n),this._debug&&this._debug(`Outbound: Sending CHANNEL_SUCCESS (r:${t})`),be(this,this._packetRW.write.finalize(r))}channelFailure(t){let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(5);r[n]=we.CHANNEL_FAILURE,S(r,t,++n),this._debug&&this._debug(`Outbound: Sending CHANNEL_FAILURE (r:${t})`),be(this,this._packetRW.write.finalize(r))}channelEOF(t){let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(5);r[n]=we.CHANNEL_EOF,S(r,t,++n),this._debug&&this._debug(`Outbound: Sending CHANNEL_EOF (r:${t})`),be(this,this._packetRW.write.finalize(r))}channelClose(t){let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(5);r[n]=we.CHANNEL_CLOSE,S(r,t,++n),this._debug&&this._debug(`Outbound: Sending CHANNEL_CLOSE (r:${t})`),be(this,this._packetRW.write.finalize(r))}channelWindowAdjust(t,n){let r=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(9);s[r]=we.CHANNEL_WINDOW_ADJUST,S(s,t,++r),S(s,n,r+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_WINDOW_ADJUST (r:${t}, ${n})`),be(this,this._packetRW.write.finalize(s))}channelData(t,n){let r=Buffer.isBuffer(n),s=r?n.length:Buffer.byteLength(n),i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(9+s);o[i]=we.CHANNEL_DATA,S(o,t,++i),S(o,s,i+=4),r?o.set(n,i+=4):o.utf8Write(n,i+=4,s),this._debug&&this._debug(`Outbound: Sending CHANNEL_DATA (r:${t}, ${s})`),be(this,this._packetRW.write.finalize(o))}channelExtData(t,n,r){let s=Buffer.isBuffer(n),i=s?n.length:Buffer.byteLength(n),o=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(13+i);c[o]=we.CHANNEL_EXTENDED_DATA,S(c,t,++o),S(c,r,o+=4),S(c,i,o+=4),s?c.set(n,o+=4):c.utf8Write(n,o+=4,i),this._debug&&this._debug(`Outbound: Sending CHANNEL_EXTENDED_DATA (r:${t})`),be(this,this._packetRW.write.finalize(c))}channelOpenConfirm(t,n,r,s){let i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(17);o[i]=we.CHANNEL_OPEN_CONFIRMATION,S(o,t,++i),S(o,n,i+=4),S(o,r,i+=4),S(o,s,i+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN_CONFIRMATION (r:${t}, l:${n})`),be(this,this._packetRW.write.finalize(o))}channelOpenFail(t,n,r){typeof r!="string"&&(r="");let s=Buffer.byteLength(r),i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(13+s+4);o[i]=we.CHANNEL_OPEN_FAILURE,S(o,t,++i),S(o,n,i+=4),S(o,s,i+=4),i+=4,s&&(o.utf8Write(r,i,s),i+=s),S(o,0,i),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN_FAILURE (r:${t})`),be(this,this._packetRW.write.finalize(o))}service(t){if(this._server)throw new Error("Client-only method called in server mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(5+n);s[r]=we.SERVICE_REQUEST,S(s,n,++r),s.utf8Write(t,r+=4,n),this._debug&&this._debug(`Outbound: Sending SERVICE_REQUEST (${t})`),be(this,this._packetRW.write.finalize(s))}authPassword(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let s=Buffer.byteLength(t),i=Buffer.byteLength(n),o=r?Buffer.byteLength(r):0,c=this._packetRW.write.allocStart,u=this._packetRW.write.alloc(5+s+4+14+4+8+1+4+i+(r?4+o:0));u[c]=we.USERAUTH_REQUEST,S(u,s,++c),u.utf8Write(t,c+=4,s),S(u,14,c+=s),u.utf8Write("ssh-connection",c+=4,14),S(u,8,c+=14),u.utf8Write("password",c+=4,8),u[c+=8]=r?1:0,S(u,i,++c),Buffer.isBuffer(n)?Oa(n,u,0,i,c+=4):u.utf8Write(n,c+=4,i),r?(S(u,o,c+=i),Buffer.isBuffer(r)?Oa(r,u,0,o,c+=4):u.utf8Write(r,c+=4,o),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (changed password)")):this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (password)"),this._authsQueue.push("password"),be(this,this._packetRW.write.finalize(u))}authPK(t,n,r,s){if(this._server)throw new Error("Client-only method called in server mode");if(n=qg(n),n instanceof Error)throw new Error("Invalid key");let i=n.type;n=n.getPublicSSH(),typeof r=="function"&&(s=r,r=void 0),r||(r=i);let o=Buffer.byteLength(t),c=Buffer.byteLength(r),u=n.length,l=this._kex.sessionID,f=l.length,d=(s?4+f:0)+1+4+o+4+14+4+9+1+4+c+4+u,p,_;if(s?(p=Buffer.allocUnsafe(d),_=0,S(p,f,_),p.set(l,_+=4),_+=f):(p=this._packetRW.write.alloc(d),_=this._packetRW.write.allocStart),p[_]=we.USERAUTH_REQUEST,S(p,o,++_),p.utf8Write(t,_+=4,o),S(p,14,_+=o),p.utf8Write("ssh-connection",_+=4,14),S(p,9,_+=14),p.utf8Write("publickey",_+=4,9),p[_+=9]=s?1:0,S(p,c,++_),p.utf8Write(r,_+=4,c),S(p,u,_+=c),p.set(n,_+=4),!s){this._authsQueue.push("publickey"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (publickey -- check)"),be(this,this._packetRW.write.finalize(p));return}s(p,b=>{if(b=Qg(b,i),b===!1)throw new Error("Error while converting handshake signature");let g=b.length;_=this._packetRW.write.allocStart,p=this._packetRW.write.alloc(5+o+4+14+4+9+1+4+c+4+u+4+4+c+4+g),p[_]=we.USERAUTH_REQUEST,S(p,o,++_),p.utf8Write(t,_+=4,o),S(p,14,_+=o),p.utf8Write("ssh-connection",_+=4,14),S(p,9,_+=14),p.utf8Write("publickey",_+=4,9),p[_+=9]=1,S(p,c,++_),p.utf8Write(r,_+=4,c),S(p,u,_+=c),p.set(n,_+=4),S(p,4+c+4+g,_+=u),S(p,c,_+=4),p.utf8Write(r,_+=4,c),S(p,g,_+=c),p.set(b,_+=4),this._authsQueue.push("publickey"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (publickey)"),be(this,this._packetRW.write.finalize(p))})}authHostbased(t,n,r,s,i,o){if(this._server)throw new Error("Client-only method called in server mode");if(n=qg(n),n instanceof Error)throw new Error("Invalid key");let c=n.type;n=n.getPublicSSH(),typeof i=="function"&&(o=i,i=void 0),i||(i=c);let u=Buffer.byteLength(t),l=Buffer.byteLength(i),f=n.length,d=this._kex.sessionID,p=d.length,_=Buffer.byteLength(r),b=Buffer.byteLength(s),g=Buffer.allocUnsafe(4+p+1+4+u+4+14+4+9+4+l+4+f+4+_+4+b),y=0;S(g,p,y),g.set(d,y+=4),g[y+=p]=we.USERAUTH_REQUEST,S(g,u,++y),g.utf8Write(t,y+=4,u),S(g,14,y+=u),g.utf8Write("ssh-connection",y+=4,14),S(g,9,y+=14),g.utf8Write("hostbased",y+=4,9),S(g,l,y+=9),g.utf8Write(i,y+=4,l),S(g,f,y+=l),g.set(n,y+=4),S(g,_,y+=f),g.utf8Write(r,y+=4,_),S(g,b,y+=_),g.utf8Write(s,y+=4,b),o(g,x=>{if(x=Qg(x,c),!x)throw new Error("Error while converting handshake signature");let k=x.length,N=g.length-p-4;y=this._packetRW.write.allocStart;let v=this._packetRW.write.alloc(N+4+4+l+4+k);Oa(g,v,4+p,g.length,y),S(v,4+l+4+k,y+=N),S(v,l,y+=4),v.utf8Write(i,y+=4,l),S(v,k,y+=l),v.set(x,y+=4),this._authsQueue.push("hostbased"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (hostbased)"),be(this,this._packetRW.write.finalize(v))})}authKeyboard(t){if(this._server)throw new Error("Client-only method called in server mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(5+n+4+14+4+20+4+4);s[r]=we.USERAUTH_REQUEST,S(s,n,++r),s.utf8Write(t,r+=4,n),S(s,14,r+=n),s.utf8Write("ssh-connection",r+=4,14),S(s,20,r+=14),s.utf8Write("keyboard-interactive",r+=4,20),S(s,0,r+=20),S(s,0,r+=4),this._authsQueue.push("keyboard-interactive"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (keyboard-interactive)"),be(this,this._packetRW.write.finalize(s))}authNone(t){if(this._server)throw new Error("Client-only method called in server mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(5+n+4+14+4+4);s[r]=we.USERAUTH_REQUEST,S(s,n,++r),s.utf8Write(t,r+=4,n),S(s,14,r+=n),s.utf8Write("ssh-connection",r+=4,14),S(s,4,r+=14),s.utf8Write("none",r+=4,4),this._authsQueue.push("none"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (none)"),be(this,this._packetRW.write.finalize(s))}authInfoRes(t){if(this._server)throw new Error("Client-only method called in server mode");let n=0,r;if(t){r=new Array(t.length);for(let o=0;o<t.length;++o){let c=Buffer.byteLength(t[o]);r[o]=c,n+=4+c}}let s=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(5+n);if(i[s]=we.USERAUTH_INFO_RESPONSE,t){S(i,t.length,++s),s+=4;for(let o=0;o<t.length;++o){let c=r[o];S(i,c,s),s+=4,c&&(i.utf8Write(t[o],s,c),s+=c)}}else S(i,0,++s);this._debug&&this._debug("Outbound: Sending USERAUTH_INFO_RESPONSE"),be(this,this._packetRW.write.finalize(i))}tcpipForward(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let s=Buffer.byteLength(t),i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(23+s+4);o[i]=we.GLOBAL_REQUEST,S(o,13,++i),o.utf8Write("tcpip-forward",i+=4,13),o[i+=13]=r===void 0||r===!0?1:0,S(o,s,++i),o.utf8Write(t,i+=4,s),S(o,n,i+=s),this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (tcpip-forward)"),be(this,this._packetRW.write.finalize(o))}cancelTcpipForward(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let s=Buffer.byteLength(t),i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(30+s+4);o[i]=we.GLOBAL_REQUEST,S(o,20,++i),o.utf8Write("cancel-tcpip-forward",i+=4,20),o[i+=20]=r===void 0||r===!0?1:0,S(o,s,++i),o.utf8Write(t,i+=4,s),S(o,n,i+=s),this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (cancel-tcpip-forward)"),be(this,this._packetRW.write.finalize(o))}openssh_streamLocalForward(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=Buffer.byteLength(t),s=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(41+r);i[s]=we.GLOBAL_REQUEST,S(i,31,++s),i.utf8Write("streamlocal-forward@openssh.com",s+=4,31),i[s+=31]=n===void 0||n===!0?1:0,S(i,r,++s),i.utf8Write(t,s+=4,r),this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (streamlocal-forward@openssh.com)"),be(this,this._packetRW.write.finalize(i))}openssh_cancelStreamLocalForward(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=Buffer.byteLength(t),s=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(48+r);i[s]=we.GLOBAL_REQUEST,S(i,38,++s),i.utf8Write("cancel-streamlocal-forward@openssh.com",s+=4,38),i[s+=38]=n===void 0||n===!0?1:0,S(i,r,++s),i.utf8Write(t,s+=4,r),this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (cancel-streamlocal-forward@openssh.com)"),be(this,this._packetRW.write.finalize(i))}directTcpip(t,n,r,s){if(this._server)throw new Error("Client-only method called in server mode");let i=Buffer.byteLength(s.srcIP),o=Buffer.byteLength(s.dstIP),c=this._packetRW.write.allocStart,u=this._packetRW.write.alloc(33+i+4+4+o+4);u[c]=we.CHANNEL_OPEN,S(u,12,++c),u.utf8Write("direct-tcpip",c+=4,12),S(u,t,c+=12),S(u,n,c+=4),S(u,r,c+=4),S(u,o,c+=4),u.utf8Write(s.dstIP,c+=4,o),S(u,s.dstPort,c+=o),S(u,i,c+=4),u.utf8Write(s.srcIP,c+=4,i),S(u,s.srcPort,c+=i),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, direct-tcpip)`),be(this,this._packetRW.write.finalize(u))}openssh_directStreamLocal(t,n,r,s){if(this._server)throw new Error("Client-only method called in server mode");let i=Buffer.byteLength(s.socketPath),o=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(51+i+4+4);c[o]=we.CHANNEL_OPEN,S(c,30,++o),c.utf8Write("direct-streamlocal@openssh.com",o+=4,30),S(c,t,o+=30),S(c,n,o+=4),S(c,r,o+=4),S(c,i,o+=4),c.utf8Write(s.socketPath,o+=4,i),iv(c,0,o+=i,o+8),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, direct-streamlocal@openssh.com)`),be(this,this._packetRW.write.finalize(c))}openssh_noMoreSessions(t){if(this._server)throw new Error("Client-only method called in server mode");let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(34);r[n]=we.GLOBAL_REQUEST,S(r,28,++n),r.utf8Write("no-more-sessions@openssh.com",n+=4,28),r[n+=28]=t===void 0||t===!0?1:0,this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (no-more-sessions@openssh.com)"),be(this,this._packetRW.write.finalize(r))}session(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let s=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(24);i[s]=we.CHANNEL_OPEN,S(i,7,++s),i.utf8Write("session",s+=4,7),S(i,t,s+=7),S(i,n,s+=4),S(i,r,s+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, session)`),be(this,this._packetRW.write.finalize(i))}windowChange(t,n,r,s,i){if(this._server)throw new Error("Client-only method called in server mode");let o=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(39);c[o]=we.CHANNEL_REQUEST,S(c,t,++o),S(c,13,o+=4),c.utf8Write("window-change",o+=4,13),c[o+=13]=0,S(c,r,++o),S(c,n,o+=4),S(c,i,o+=4),S(c,s,o+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, window-change)`),be(this,this._packetRW.write.finalize(c))}pty(t,n,r,s,i,o,c,u){if(this._server)throw new Error("Client-only method called in server mode");(!o||!o.length)&&(o="vt100"),c&&!Buffer.isBuffer(c)&&!Array.isArray(c)&&typeof c=="object"&&c!==null&&(c=wv(c)),(!c||!c.length)&&(c=hv);let l=o.length,f=c.length,d=this._packetRW.write.allocStart,p=this._packetRW.write.alloc(21+l+4+4+4+4+4+f);if(p[d]=we.CHANNEL_REQUEST,S(p,t,++d),S(p,7,d+=4),p.utf8Write("pty-req",d+=4,7),p[d+=7]=u===void 0||u===!0?1:0,S(p,l,++d),p.utf8Write(o,d+=4,l),S(p,r,d+=l),S(p,n,d+=4),S(p,i,d+=4),S(p,s,d+=4),S(p,f,d+=4),d+=4,Array.isArray(c))for(let _=0;_<f;++_)p[d++]=c[_];else Buffer.isBuffer(c)&&p.set(c,d);this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, pty-req)`),be(this,this._packetRW.write.finalize(p))}shell(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(15);s[r]=we.CHANNEL_REQUEST,S(s,t,++r),S(s,5,r+=4),s.utf8Write("shell",r+=4,5),s[r+=5]=n===void 0||n===!0?1:0,this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, shell)`),be(this,this._packetRW.write.finalize(s))}exec(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let s=Buffer.isBuffer(n),i=s?n.length:Buffer.byteLength(n),o=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(18+i);c[o]=we.CHANNEL_REQUEST,S(c,t,++o),S(c,4,o+=4),c.utf8Write("exec",o+=4,4),c[o+=4]=r===void 0||r===!0?1:0,S(c,i,++o),s?c.set(n,o+=4):c.utf8Write(n,o+=4,i),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, exec: ${n})`),be(this,this._packetRW.write.finalize(c))}signal(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=n;if(n=n.toUpperCase(),n.slice(0,3)==="SIG"&&(n=n.slice(3)),zg[n]!==1)throw new Error(`Invalid signal: ${r}`);let s=n.length,i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(20+s);o[i]=we.CHANNEL_REQUEST,S(o,t,++i),S(o,6,i+=4),o.utf8Write("signal",i+=4,6),o[i+=6]=0,S(o,s,++i),o.utf8Write(n,i+=4,s),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, signal: ${n})`),be(this,this._packetRW.write.finalize(o))}env(t,n,r,s){if(this._server)throw new Error("Client-only method called in server mode");let i=Buffer.byteLength(n),o=Buffer.isBuffer(r),c=o?r.length:Buffer.byteLength(r),u=this._packetRW.write.allocStart,l=this._packetRW.write.alloc(17+i+4+c);l[u]=we.CHANNEL_REQUEST,S(l,t,++u),S(l,3,u+=4),l.utf8Write("env",u+=4,3),l[u+=3]=s===void 0||s===!0?1:0,S(l,i,++u),l.utf8Write(n,u+=4,i),S(l,c,u+=i),o?l.set(r,u+=4):l.utf8Write(r,u+=4,c),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, env: ${n}=${r})`),be(this,this._packetRW.write.finalize(l))}x11Forward(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let s=n.protocol,i=n.cookie,o=Buffer.isBuffer(s),c=o?s.length:Buffer.byteLength(s),u=Buffer.isBuffer(i),l=u?i.length:Buffer.byteLength(i),f=this._packetRW.write.allocStart,d=this._packetRW.write.alloc(22+c+4+l+4);d[f]=we.CHANNEL_REQUEST,S(d,t,++f),S(d,7,f+=4),d.utf8Write("x11-req",f+=4,7),d[f+=7]=r===void 0||r===!0?1:0,d[++f]=n.single?1:0,S(d,c,++f),o?d.set(s,f+=4):d.utf8Write(s,f+=4,c),S(d,l,f+=c),u?d.set(i,f+=4):d.latin1Write(i,f+=4,l),S(d,n.screen||0,f+=l),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, x11-req)`),be(this,this._packetRW.write.finalize(d))}subsystem(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let s=Buffer.byteLength(n),i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(23+s);o[i]=we.CHANNEL_REQUEST,S(o,t,++i),S(o,9,i+=4),o.utf8Write("subsystem",i+=4,9),o[i+=9]=r===void 0||r===!0?1:0,S(o,s,++i),o.utf8Write(n,i+=4,s),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, subsystem: ${n})`),be(this,this._packetRW.write.finalize(o))}openssh_agentForward(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(36);s[r]=we.CHANNEL_REQUEST,S(s,t,++r),S(s,26,r+=4),s.utf8Write("auth-agent-req@openssh.com",r+=4,26),s[r+=26]=n===void 0||n===!0?1:0,this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, auth-agent-req@openssh.com)`),be(this,this._packetRW.write.finalize(s))}openssh_hostKeysProve(t){if(this._server)throw new Error("Client-only method called in server mode");let n=0,r=[];for(let o of t){let c=o.getPublicSSH();n+=4+c.length,r.push(c)}let s=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(35+n);i[s]=we.GLOBAL_REQUEST,S(i,29,++s),i.utf8Write("hostkeys-prove-00@openssh.com",s+=4,29),i[s+=29]=1,++s;for(let o of r)S(i,o.length,s),Oa(o,i,0,o.length,s+=4),s+=o.length;this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (hostkeys-prove-00@openssh.com)"),be(this,this._packetRW.write.finalize(i))}serviceAccept(t){if(!this._server)throw new Error("Server-only method called in client mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(5+n);if(s[r]=we.SERVICE_ACCEPT,S(s,n,++r),s.utf8Write(t,r+=4,n),this._debug&&this._debug(`Outbound: Sending SERVICE_ACCEPT (${t})`),be(this,this._packetRW.write.finalize(s)),this._server&&this._banner&&t==="ssh-userauth"){let i=this._banner;this._banner=void 0;let o=Buffer.byteLength(i);r=this._packetRW.write.allocStart;let c=this._packetRW.write.alloc(5+o+4);c[r]=we.USERAUTH_BANNER,S(c,o,++r),c.utf8Write(i,r+=4,o),S(c,0,r+=o),this._debug&&this._debug("Outbound: Sending USERAUTH_BANNER"),be(this,this._packetRW.write.finalize(c))}}forwardedTcpip(t,n,r,s){if(!this._server)throw new Error("Server-only method called in client mode");let i=Buffer.byteLength(s.boundAddr),o=Buffer.byteLength(s.remoteAddr),c=this._packetRW.write.allocStart,u=this._packetRW.write.alloc(36+i+4+4+o+4);u[c]=we.CHANNEL_OPEN,S(u,15,++c),u.utf8Write("forwarded-tcpip",c+=4,15),S(u,t,c+=15),S(u,n,c+=4),S(u,r,c+=4),S(u,i,c+=4),u.utf8Write(s.boundAddr,c+=4,i),S(u,s.boundPort,c+=i),S(u,o,c+=4),u.utf8Write(s.remoteAddr,c+=4,o),S(u,s.remotePort,c+=o),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, forwarded-tcpip)`),be(this,this._packetRW.write.finalize(u))}x11(t,n,r,s){if(!this._server)throw new Error("Server-only method called in client mode");let i=Buffer.byteLength(s.originAddr),o=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(24+i+4);c[o]=we.CHANNEL_OPEN,S(c,3,++o),c.utf8Write("x11",o+=4,3),S(c,t,o+=3),S(c,n,o+=4),S(c,r,o+=4),S(c,i,o+=4),c.utf8Write(s.originAddr,o+=4,i),S(c,s.originPort,o+=i),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, x11)`),be(this,this._packetRW.write.finalize(c))}openssh_authAgent(t,n,r){if(!this._server)throw new Error("Server-only method called in client mode");let s=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(39);i[s]=we.CHANNEL_OPEN,S(i,22,++s),i.utf8Write("auth-agent@openssh.com",s+=4,22),S(i,t,s+=22),S(i,n,s+=4),S(i,r,s+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, auth-agent@openssh.com)`),be(this,this._packetRW.write.finalize(i))}openssh_forwardedStreamLocal(t,n,r,s){if(!this._server)throw new Error("Server-only method called in client mode");let i=Buffer.byteLength(s.socketPath),o=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(54+i+4);c[o]=we.CHANNEL_OPEN,S(c,33,++o),c.utf8Write("forwarded-streamlocal@openssh.com",o+=4,33),S(c,t,o+=33),S(c,n,o+=4),S(c,r,o+=4),S(c,i,o+=4),c.utf8Write(s.socketPath,o+=4,i),S(c,0,o+=i),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, forwarded-streamlocal@openssh.com)`),be(this,this._packetRW.write.finalize(c))}exitStatus(t,n){if(!this._server)throw new Error("Server-only method called in client mode");let r=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(25);s[r]=we.CHANNEL_REQUEST,S(s,t,++r),S(s,11,r+=4),s.utf8Write("exit-status",r+=4,11),s[r+=11]=0,S(s,n,++r),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, exit-status: ${n})`),be(this,this._packetRW.write.finalize(s))}exitSignal(t,n,r,s){if(!this._server)throw new Error("Server-only method called in client mode");let i=n;if(typeof i!="string"||!i)throw new Error(`Invalid signal: ${i}`);let o=n.toUpperCase();if(o.slice(0,3)==="SIG"&&(o=o.slice(3)),zg[o]!==1)throw new Error(`Invalid signal: ${i}`);let c=Buffer.byteLength(o),u=s?Buffer.byteLength(s):0,l=this._packetRW.write.allocStart,f=this._packetRW.write.alloc(25+c+1+4+u+4);f[l]=we.CHANNEL_REQUEST,S(f,t,++l),S(f,11,l+=4),f.utf8Write("exit-signal",l+=4,11),f[l+=11]=0,S(f,c,++l),f.utf8Write(o,l+=4,c),f[l+=c]=r?1:0,S(f,u,++l),l+=4,u&&(f.utf8Write(s,l,u),l+=u),S(f,0,l),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, exit-signal: ${n})`),be(this,this._packetRW.write.finalize(f))}authFailure(t,n){if(!this._server)throw new Error("Server-only method called in client mode");if(this._authsQueue.length===0)throw new Error("No auth in progress");let r;if(typeof t=="boolean"&&(n=t,t=void 0),t){r=[];for(let c=0;c<t.length;++c)t[c].toLowerCase()!=="none"&&r.push(t[c]);r=r.join(",")}else r="";let s=r.length,i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(5+s+1);o[i]=we.USERAUTH_FAILURE,S(o,s,++i),o.utf8Write(r,i+=4,s),o[i+=s]=n===!0?1:0,this._authsQueue.shift(),this._debug&&this._debug("Outbound: Sending USERAUTH_FAILURE"),be(this,this._packetRW.write.finalize(o))}authSuccess(){if(!this._server)throw new Error("Server-only method called in client mode");if(this._authsQueue.length===0)throw new Error("No auth in progress");let t=this._packetRW.write.allocStart,n=this._packetRW.write.alloc(1);n[t]=we.USERAUTH_SUCCESS,this._authsQueue.shift(),this._authenticated=!0,this._debug&&this._debug("Outbound: Sending USERAUTH_SUCCESS"),be(this,this._packetRW.write.finalize(n)),this._kex.negotiated.cs.compress==="zlib@openssh.com"&&(this._packetRW.read=new Vg),this._kex.negotiated.sc.compress==="zlib@openssh.com"&&(this._packetRW.write=new Xg(this))}authPKOK(t,n){if(!this._server)throw new Error("Server-only method called in client mode");if(this._authsQueue.length===0||this._authsQueue[0]!=="publickey")throw new Error('"publickey" auth not in progress');let r=Buffer.byteLength(t),s=n.length,i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(5+r+4+s);o[i]=we.USERAUTH_PK_OK,S(o,r,++i),o.utf8Write(t,i+=4,r),S(o,s,i+=r),o.set(n,i+=4),this._authsQueue.shift(),this._debug&&this._debug("Outbound: Sending USERAUTH_PK_OK"),be(this,this._packetRW.write.finalize(o))}authPasswdChg(t){if(!this._server)throw new Error("Server-only method called in client mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(5+n+4);s[r]=we.USERAUTH_PASSWD_CHANGEREQ,S(s,n,++r),s.utf8Write(t,r+=4,n),S(s,0,r+=n),this._debug&&this._debug("Outbound: Sending USERAUTH_PASSWD_CHANGEREQ"),be(this,this._packetRW.write.finalize(s))}authInfoReq(t,n,r){if(!this._server)throw new Error("Server-only method called in client mode");let s=0,i=t?Buffer.byteLength(t):0,o=n?Buffer.byteLength(n):0;for(let l=0;l<r.length;++l)s+=4+Buffer.byteLength(r[l].prompt)+1;let c=this._packetRW.write.allocStart,u=this._packetRW.write.alloc(5+i+4+o+4+4+s);u[c]=we.USERAUTH_INFO_REQUEST,S(u,i,++c),c+=4,t&&(u.utf8Write(t,c,i),c+=i),S(u,o,c),c+=4,n&&(u.utf8Write(n,c,o),c+=o),S(u,0,c),S(u,r.length,c+=4),c+=4;for(let l=0;l<r.length;++l){let f=r[l],d=Buffer.byteLength(f.prompt);S(u,d,c),c+=4,d&&(u.utf8Write(f.prompt,c,d),c+=d),u[c++]=f.echo?1:0}this._debug&&this._debug("Outbound: Sending USERAUTH_INFO_REQUEST"),be(this,this._packetRW.write.finalize(u))}},pv=/^SSH-(2\.0|1\.99)-([^ ]+)(?: (.*))?$/;function _v(e,t,n){let r,s;this._buffer?(r=Buffer.allocUnsafe(this._buffer.length+(n-t)),r.set(this._buffer,0),t===0?r.set(e,this._buffer.length):r.set(new Uint8Array(e.buffer,e.byteOffset+t,n-t),this._buffer.length),s=this._buffer.length,t=0):(r=e,s=0);let i=t,o=t,c=t,u=!1,l=0,f=0;for(;t<r.length;++t){let d=r[t];if(d===13){u=!0;continue}if(d===10){if(c>o&&c-o>4&&r[o]===83&&r[o+1]===83&&r[o+2]===72&&r[o+3]===45){let p=r.latin1Slice(i,c+1),_=o===i?p:p.slice(o-i),b=pv.exec(_);if(!b)throw new Error("Invalid identification string");let g={greeting:o===i?"":p.slice(0,o-i),identRaw:_,versions:{protocol:b[1],software:b[2]},comments:b[3]};return this._remoteIdentRaw=Buffer.from(_),this._debug&&this._debug(`Remote ident: ${Wg(_)}`),this._compatFlags=yv(g),this._buffer=void 0,this._decipher=new XS(0,rv.bind(this,{firstPacket:!0})),this._parse=mv,this._onHeader(g),this._destruct?(Gg(this),t+1-s):n}if(this._server)throw new Error("Greetings from clients not permitted");if(++f>dv)throw new Error("Max greeting lines exceeded");u=!1,o=t+1,l=0}else{if(u)throw new Error("Invalid header: expected newline");if(++l>=fv)throw new Error("Header line too long")}c=t}return this._buffer||(this._buffer=Yg(r,i)),t-s}a(_v,"parseHeader");function mv(e,t,n){return this._decipher.decrypt(e,t,n)}a(mv,"parsePacket");function gv(e){if(this._onPacket(),e.length===0){this._debug&&this._debug("Inbound: Skipping empty packet payload");return}e=this._packetRW.read.read(e);let t=e[0];t===we.USERAUTH_SUCCESS&&!this._server&&!this._authenticated&&(this._authenticated=!0,this._kex.negotiated.cs.compress==="zlib@openssh.com"&&(this._packetRW.write=new Xg(this)),this._kex.negotiated.sc.compress==="zlib@openssh.com"&&(this._packetRW.read=new Vg));let n=sv[t];if(n===void 0){this._debug&&this._debug(`Inbound: Unsupported message type: ${t}`);return}return n(this,e)}a(gv,"onPayload");function yv(e){let t=e.versions.software,n=0;for(let r of JS)typeof r[0]=="string"?t===r[0]&&(n|=r[1]):r[0].test(t)&&(n|=r[1]);return n}a(yv,"getCompatFlags");function wv(e){let t=Object.keys(e),n=Buffer.allocUnsafe(5*t.length+1),r=0;for(let s=0;s<t.length;++s){let i=t[s];if(i==="TTY_OP_END")continue;let o=Ef[i];if(o===void 0)continue;let c=e[i];typeof c=="number"&&isFinite(c)&&(n[r++]=o,n[r++]=c>>>24,n[r++]=c>>>16,n[r++]=c>>>8,n[r++]=c)}return n[r++]=Ef.TTY_OP_END,r<n.length?Yg(n,0,r):n}a(wv,"modesToBytes");function $v(e){let t="ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521rsa-sha2-512,rsa-sha2-256,ssh-rsa,ssh-dss";ev&&(t=`ssh-ed25519,${t}`);let n=Buffer.byteLength(t),r=e._packetRW.write.allocStart,s=e._packetRW.write.alloc(28+n);s[r]=we.EXT_INFO,S(s,1,++r),S(s,15,r+=4),s.utf8Write("server-sig-algs",r+=4,15),S(s,n,r+=15),s.utf8Write(t,r+=4,n),e._debug&&e._debug("Outbound: Sending EXT_INFO"),be(e,e._packetRW.write.finalize(s))}a($v,"sendExtInfo");ey.exports=kf});var oy=q((G8,iy)=>{"use strict";var{Duplex:bv,Readable:Av,Writable:xv}=require("stream"),{CHANNEL_EXTENDED_DATATYPE:{STDERR:ny}}=cr(),{bufferSlice:Ba}=Kn(),Ev=32*1024,Pi=2*1024*1024,Cf=Pi/2,Sf=class extends Av{static{a(this,"ClientStderr")}constructor(t,n){super(n),this._channel=t}_read(t){this._channel._waitChanDrain&&(this._channel._waitChanDrain=!1,this._channel.incoming.window<=Cf&&Pf(this._channel))}},vf=class extends xv{static{a(this,"ServerStderr")}constructor(t){super({highWaterMark:Pi}),this._channel=t}_write(t,n,r){let s=this._channel,i=s._client._protocol,o=s.outgoing,c=o.packetSize,u=o.id,l=o.window,f=t.length,d=0;if(o.state==="open"){for(;f-d>0&&l>0;){let p=f-d;p>l&&(p=l),p>c&&(p=c),d===0&&p===f?i.channelExtData(u,t,ny):i.channelExtData(u,Ba(t,d,d+p),ny),d+=p,l-=p}if(o.window=l,f-d>0){l===0&&(s._waitWindow=!0),d>0?s._chunkErr=Ba(t,d,f):s._chunkErr=t,s._chunkcbErr=r;return}r()}}},If=class extends bv{static{a(this,"Channel")}constructor(t,n,r){let s={highWaterMark:Pi,allowHalfOpen:!r||r&&r.allowHalfOpen!==!1,emitClose:!1};super(s),this.allowHalfOpen=s.allowHalfOpen;let i=!!(r&&r.server);this.server=i,this.type=n.type,this.subtype=void 0,this.incoming=n.incoming,this.outgoing=n.outgoing,this._callbacks=[],this._client=t,this._hasX11=!1,this._exit={code:void 0,signal:void 0,dump:void 0,desc:void 0},this.stdin=this.stdout=this,i?this.stderr=new vf(this):this.stderr=new Sf(this,s),this._waitWindow=!1,this._waitChanDrain=!1,this._chunk=void 0,this._chunkcb=void 0,this._chunkErr=void 0,this._chunkcbErr=void 0,this.on("finish",ry).on("prefinish",ry),this.on("end",sy).on("close",sy)}_read(t){this._waitChanDrain&&(this._waitChanDrain=!1,this.incoming.window<=Cf&&Pf(this))}_write(t,n,r){let s=this._client._protocol,i=this.outgoing,o=i.packetSize,c=i.id,u=i.window,l=t.length,f=0;if(i.state==="open"){for(;l-f>0&&u>0;){let d=l-f;d>u&&(d=u),d>o&&(d=o),f===0&&d===l?s.channelData(c,t):s.channelData(c,Ba(t,f,f+d)),f+=d,u-=d}if(i.window=u,l-f>0){u===0&&(this._waitWindow=!0),f>0?this._chunk=Ba(t,f,l):this._chunk=t,this._chunkcb=r;return}r()}}eof(){this.outgoing.state==="open"&&(this.outgoing.state="eof",this._client._protocol.channelEOF(this.outgoing.id))}close(){(this.outgoing.state==="open"||this.outgoing.state==="eof")&&(this.outgoing.state="closing",this._client._protocol.channelClose(this.outgoing.id))}destroy(){return this.end(),this.close(),this}setWindow(t,n,r,s){if(this.server)throw new Error("Client-only method called in server mode");this.type==="session"&&(this.subtype==="shell"||this.subtype==="exec")&&this.writable&&this.outgoing.state==="open"&&this._client._protocol.windowChange(this.outgoing.id,t,n,r,s)}signal(t){if(this.server)throw new Error("Client-only method called in server mode");this.type==="session"&&this.writable&&this.outgoing.state==="open"&&this._client._protocol.signal(this.outgoing.id,t)}exit(t,n,r){if(!this.server)throw new Error("Server-only method called in client mode");this.type==="session"&&this.writable&&this.outgoing.state==="open"&&(typeof t=="number"?this._client._protocol.exitStatus(this.outgoing.id,t):this._client._protocol.exitSignal(this.outgoing.id,t,n,r))}};function ry(){this.eof(),(this.server||!this.allowHalfOpen)&&this.close(),this.writable=!1}a(ry,"onFinish");function sy(){this.readable=!1}a(sy,"onEnd");function Pf(e){if(e.outgoing.state==="closed")return;let t=Pi-e.incoming.window;t<=0||(e.incoming.window+=t,e._client._protocol.channelWindowAdjust(e.outgoing.id,t))}a(Pf,"windowAdjust");iy.exports={Channel:If,MAX_WINDOW:Pi,PACKET_SIZE:Ev,windowAdjust:Pf,WINDOW_THRESHOLD:Cf}});var ly=q((V8,uy)=>{"use strict";var{SFTP:kv}=ka(),Ni=2**32-1;function ay(e,t,n,r){if(e._chanMgr.remove(t),typeof r!="function")return;let s;n instanceof Error?s=n:typeof n=="object"&&n!==null?(s=new Error(`(SSH) Channel open failure: ${n.description}`),s.reason=n.reason):(s=new Error("(SSH) Channel open failure: server closed channel unexpectedly"),s.reason=""),r(s)}a(ay,"onChannelOpenFailure");function cy(e,t,n,r,s){if(typeof n=="function"){ay(e,t,r,n);return}if(typeof n!="object"||n===null||n.incoming&&n.incoming.state==="closed"||(e._chanMgr.remove(t),n.server&&n.constructor.name==="Session"))return;n.incoming.state="closed",n.readable&&n.push(null),n.server?n.stderr.writable&&n.stderr.end():n.stderr.readable&&n.stderr.push(null),n.constructor!==kv&&(n.outgoing.state==="open"||n.outgoing.state==="eof")&&!s&&n.close(),n.outgoing.state==="closing"&&(n.outgoing.state="closed");let i=n._readableState,o=n._writableState;o&&!o.ending&&!o.finished&&!s&&n.end();let c=n._callbacks;n._callbacks=[];for(let u=0;u<c.length;++u)c[u](!0);if(n.server)!n.readable||n.destroyed||i&&i.endEmitted?n.emit("close"):n.once("end",()=>n.emit("close"));else{let u;switch(n.type){case"direct-streamlocal@openssh.com":case"direct-tcpip":u=a(()=>n.emit("close"),"doClose");break;default:{let f=n._exit;u=a(()=>{f.code===null?n.emit("close",f.code,f.signal,f.dump,f.desc):n.emit("close",f.code)},"doClose")}}!n.readable||n.destroyed||i&&i.endEmitted?u():n.once("end",u);let l=n.stderr._readableState;!n.stderr.readable||n.stderr.destroyed||l&&l.endEmitted?n.stderr.emit("close"):n.stderr.once("end",()=>n.stderr.emit("close"))}}a(cy,"onCHANNEL_CLOSE");var Tf=class{static{a(this,"ChannelManager")}constructor(t){this._client=t,this._channels={},this._cur=-1,this._count=0}add(t){let n;if(this._cur<Ni)n=++this._cur;else if(this._count===0)this._cur=0,n=0;else{let r=this._channels;for(let s=0;s<Ni;++s)if(r[s]===void 0){n=s;break}}return n===void 0?-1:(this._channels[n]=t||!0,++this._count,n)}update(t,n){if(typeof t!="number"||t<0||t>=Ni||!isFinite(t))throw new Error(`Invalid channel id: ${t}`);n&&this._channels[t]&&(this._channels[t]=n)}get(t){if(typeof t!="number"||t<0||t>=Ni||!isFinite(t))throw new Error(`Invalid channel id: ${t}`);return this._channels[t]}remove(t){if(typeof t!="number"||t<0||t>=Ni||!isFinite(t))throw new Error(`Invalid channel id: ${t}`);this._channels[t]&&(delete this._channels[t],this._count&&--this._count)}cleanup(t){let n=this._channels;this._channels={},this._cur=-1,this._count=0;let r=Object.keys(n),s=this._client;for(let i=0;i<r.length;++i){let o=+r[i],c=n[o];cy(s,o,c._channel||c,t,!0)}}},Nf=(()=>{let e=Object.prototype.toString;return t=>e.call(t)==="[object RegExp]"})();function Sv(e,t,n){if(Array.isArray(e)&&e.length>0){for(let r=0;r<e.length;++r)if(n.indexOf(e[r])===-1)throw new Error(`Unsupported algorithm: ${e[r]}`);return e}if(typeof e=="object"&&e!==null){let r=Object.keys(e),s=t;for(let i=0;i<r.length;++i){let o=r[i],c=e[o];switch(o){case"append":if(Array.isArray(c)||(c=[c]),Array.isArray(c))for(let u=0;u<c.length;++u){let l=c[u];if(typeof l=="string"){if(!l||s.indexOf(l)!==-1)continue;if(n.indexOf(l)===-1)throw new Error(`Unsupported algorithm: ${l}`);s===t&&(s=s.slice()),s.push(l)}else if(Nf(l))for(let f=0;f<n.length;++f){let d=n[f];if(l.test(d)){if(s.indexOf(d)!==-1)continue;s===t&&(s=s.slice()),s.push(d)}}}break;case"prepend":if(Array.isArray(c)||(c=[c]),Array.isArray(c))for(let u=c.length;u>=0;--u){let l=c[u];if(typeof l=="string"){if(!l||s.indexOf(l)!==-1)continue;if(n.indexOf(l)===-1)throw new Error(`Unsupported algorithm: ${l}`);s===t&&(s=s.slice()),s.unshift(l)}else if(Nf(l))for(let f=n.length;f>=0;--f){let d=n[f];if(l.test(d)){if(s.indexOf(d)!==-1)continue;s===t&&(s=s.slice()),s.unshift(d)}}}break;case"remove":if(Array.isArray(c)||(c=[c]),Array.isArray(c))for(let u=0;u<c.length;++u){let l=c[u];if(typeof l=="string"){if(!l)continue;let f=s.indexOf(l);if(f===-1)continue;s===t&&(s=s.slice()),s.splice(f,1)}else if(Nf(l))for(let f=0;f<s.length;++f)l.test(s[f])&&(s===t&&(s=s.slice()),s.splice(f,1),--f)}break}}return s}return t}a(Sv,"generateAlgorithmList");uy.exports={ChannelManager:Tf,generateAlgorithmList:Sv,onChannelOpenFailure:ay,onCHANNEL_CLOSE:cy,isWritable:a(e=>e&&e.writable&&e._readableState&&e._readableState.ended===!1,"isWritable")}});var Ny=q((J8,Py)=>{"use strict";var{createHash:vv,getHashes:Iv,randomFillSync:Cv}=require("crypto"),{Socket:Pv}=require("net"),{lookup:Nv}=require("dns"),Tv=require("events"),Rv=Iv(),{COMPAT:vy,CHANNEL_EXTENDED_DATATYPE:{STDERR:Ov},CHANNEL_OPEN_FAILURE:Ti,DEFAULT_CIPHER:fy,DEFAULT_COMPRESSION:dy,DEFAULT_KEX:hy,DEFAULT_MAC:py,DEFAULT_SERVER_HOST_KEY:_y,DISCONNECT_REASON:my,DISCONNECT_REASON_BY_VALUE:Bv,SUPPORTED_CIPHER:Lv,SUPPORTED_COMPRESSION:Dv,SUPPORTED_KEX:Uv,SUPPORTED_MAC:Mv,SUPPORTED_SERVER_HOST_KEY:Fv}=cr(),{init:Hv}=ws(),zv=ty(),{parseKey:Ua}=Or(),{SFTP:Kv}=ka(),{bufferCopy:gy,makeBufferParser:Iy,makeError:qv,readUInt32BE:Qv,sigSSHToASN1:jv,writeUInt32BE:Rf}=Kn(),{AgentContext:yy,createAgent:wy,isAgent:$y}=lf(),{Channel:Cy,MAX_WINDOW:Ma,PACKET_SIZE:Fa,windowAdjust:by,WINDOW_THRESHOLD:Ay}=oy(),{ChannelManager:Wv,generateAlgorithmList:Ri,isWritable:wt,onChannelOpenFailure:Zv,onCHANNEL_CLOSE:Gv}=ly(),La=Iy(),Da=Iy(),Oi=/^OpenSSH_(?:(?![0-4])\d)|(?:\d{2,})/,Df=a(e=>{},"noop"),Uf=class extends Tv{static{a(this,"Client")}constructor(){super(),this.config={host:void 0,port:void 0,localAddress:void 0,localPort:void 0,forceIPv4:void 0,forceIPv6:void 0,keepaliveCountMax:void 0,keepaliveInterval:void 0,readyTimeout:void 0,ident:void 0,username:void 0,password:void 0,privateKey:void 0,tryKeyboard:void 0,agent:void 0,allowAgentFwd:void 0,authHandler:void 0,hostHashAlgo:void 0,hostHashCb:void 0,strictVendor:void 0,debug:void 0},this._agent=void 0,this._readyTimeout=void 0,this._chanMgr=void 0,this._callbacks=void 0,this._forwarding=void 0,this._forwardingUnix=void 0,this._acceptX11=void 0,this._agentFwdEnabled=void 0,this._remoteVer=void 0,this._protocol=void 0,this._sock=void 0,this._resetKA=void 0}connect(t){if(this._sock&&wt(this._sock))return this.once("close",()=>{this.connect(t)}),this.end(),this;this.config.host=t.hostname||t.host||"localhost",this.config.port=t.port||22,this.config.localAddress=typeof t.localAddress=="string"?t.localAddress:void 0,this.config.localPort=typeof t.localPort=="string"||typeof t.localPort=="number"?t.localPort:void 0,this.config.forceIPv4=t.forceIPv4||!1,this.config.forceIPv6=t.forceIPv6||!1,this.config.keepaliveCountMax=typeof t.keepaliveCountMax=="number"&&t.keepaliveCountMax>=0?t.keepaliveCountMax:3,this.config.keepaliveInterval=typeof t.keepaliveInterval=="number"&&t.keepaliveInterval>0?t.keepaliveInterval:0,this.config.readyTimeout=typeof t.readyTimeout=="number"&&t.readyTimeout>=0?t.readyTimeout:2e4,this.config.ident=typeof t.ident=="string"||Buffer.isBuffer(t.ident)?t.ident:void 0;let n={kex:void 0,serverHostKey:void 0,cs:{cipher:void 0,mac:void 0,compress:void 0,lang:[]},sc:void 0},r=!0;if(typeof t.algorithms=="object"&&t.algorithms!==null&&(n.kex=Ri(t.algorithms.kex,hy,Uv),n.kex!==hy&&(r=!1),n.serverHostKey=Ri(t.algorithms.serverHostKey,_y,Fv),n.serverHostKey!==_y&&(r=!1),n.cs.cipher=Ri(t.algorithms.cipher,fy,Lv),n.cs.cipher!==fy&&(r=!1),n.cs.mac=Ri(t.algorithms.hmac,py,Mv),n.cs.mac!==py&&(r=!1),n.cs.compress=Ri(t.algorithms.compress,dy,Dv),n.cs.compress!==dy&&(r=!1),r||(n.sc=n.cs)),typeof t.username=="string")this.config.username=t.username;else if(typeof t.user=="string")this.config.username=t.user;else throw new Error("Invalid username");this.config.password=typeof t.password=="string"?t.password:void 0,this.config.privateKey=typeof t.privateKey=="string"||Buffer.isBuffer(t.privateKey)?t.privateKey:void 0,this.config.localHostname=typeof t.localHostname=="string"?t.localHostname:void 0,this.config.localUsername=typeof t.localUsername=="string"?t.localUsername:void 0,this.config.tryKeyboard=t.tryKeyboard===!0,typeof t.agent=="string"&&t.agent.length?this.config.agent=wy(t.agent):$y(t.agent)?this.config.agent=t.agent:this.config.agent=void 0,this.config.allowAgentFwd=t.agentForward===!0&&this.config.agent!==void 0;let s=this.config.authHandler=typeof t.authHandler=="function"||Array.isArray(t.authHandler)?t.authHandler:void 0;this.config.strictVendor=typeof t.strictVendor=="boolean"?t.strictVendor:!0;let i=this.config.debug=typeof t.debug=="function"?t.debug:void 0;if(t.agentForward===!0&&!this.config.allowAgentFwd)throw new Error("You must set a valid agent path to allow agent forwarding");let o=this._callbacks=[];this._chanMgr=new Wv(this),this._forwarding={},this._forwardingUnix={},this._acceptX11=0,this._agentFwdEnabled=!1,this._agent=this.config.agent?this.config.agent:void 0,this._remoteVer=void 0;let c;if(this.config.privateKey){if(c=Ua(this.config.privateKey,t.passphrase),c instanceof Error)throw new Error(`Cannot parse privateKey: ${c.message}`);if(Array.isArray(c)&&(c=c[0]),c.getPrivatePEM()===null)throw new Error("privateKey value does not contain a (valid) private key")}let u;if(typeof t.hostVerifier=="function"){let R=t.hostVerifier,U;Rv.indexOf(t.hostHash)!==-1&&(U=t.hostHash),u=a((D,Q)=>{U&&(D=vv(U).update(D).digest("hex"));let le=R(D,Q);le!==void 0&&Q(le)},"hostVerifier")}let l=this._sock=t.sock||new Pv,f=!1,d=!1;this._protocol&&this._protocol.cleanup();let p=i?(R,U,D)=>{i(`Debug output from server: ${JSON.stringify(D)}`)}:void 0,_,b=this._protocol=new zv({ident:this.config.ident,offer:r?void 0:n,onWrite:a(R=>{wt(l)&&l.write(R)},"onWrite"),onError:a(R=>{R.level==="handshake"&&clearTimeout(this._readyTimeout),b._destruct||l.removeAllListeners("data"),this.emit("error",R);try{l.end()}catch{}},"onError"),onHeader:a(R=>{d=!0,this._remoteVer=R.versions.software,R.greeting&&this.emit("greeting",R.greeting)},"onHeader"),onHandshakeComplete:a(R=>{this.emit("handshake",R),f||(f=!0,b.service("ssh-userauth"))},"onHandshakeComplete"),debug:i,hostVerifier:u,messageHandlers:{DEBUG:p,DISCONNECT:a((R,U,D)=>{if(U!==my.BY_APPLICATION){D||(D=Bv[U],D===void 0&&(D=`Unexpected disconnection reason: ${U}`));let Q=new Error(D);Q.code=U,this.emit("error",Q)}l.end()},"DISCONNECT"),SERVICE_ACCEPT:a((R,U)=>{U==="ssh-userauth"&&oe()},"SERVICE_ACCEPT"),EXT_INFO:a((R,U)=>{if(_===void 0){for(let D of U)if(D.name==="server-sig-algs"){_=D.algs;return}_=null}},"EXT_INFO"),USERAUTH_BANNER:a((R,U)=>{this.emit("banner",U)},"USERAUTH_BANNER"),USERAUTH_SUCCESS:a(R=>{v(),clearTimeout(this._readyTimeout),this.emit("ready")},"USERAUTH_SUCCESS"),USERAUTH_FAILURE:a((R,U,D)=>{if(P.keyAlgos){let Q=P.keyAlgos[0][0];if(i&&i(`Client: ${P.type} (${Q}) auth failed`),P.keyAlgos.shift(),P.keyAlgos.length){let[le,he]=P.keyAlgos[0];switch(P.type){case"agent":b.authPK(P.username,P.agentCtx.currentKey(),le);return;case"publickey":b.authPK(P.username,P.key,le);return;case"hostbased":b.authHostbased(P.username,P.key,P.localHostname,P.localUsername,le,(fe,at)=>{let bt=P.key.sign(fe,he);if(bt instanceof Error)return bt.message=`Error while signing with key: ${bt.message}`,bt.level="client-authentication",this.emit("error",bt),oe();at(bt)});return}}else P.keyAlgos=void 0}if(P.type==="agent"){let Q=P.agentCtx.pos();return i&&i(`Client: Agent key #${Q+1} failed`),_e()}i&&i(`Client: ${P.type} auth failed`),Z=D,j=U,oe()},"USERAUTH_FAILURE"),USERAUTH_PASSWD_CHANGEREQ:a((R,U)=>{P.type==="password"&&this.emit("change password",U,D=>{b.authPassword(this.config.username,this.config.password,D)})},"USERAUTH_PASSWD_CHANGEREQ"),USERAUTH_PK_OK:a(R=>{let U,D;if(P.keyAlgos&&([U,D]=P.keyAlgos[0]),P.type==="agent"){let Q=P.agentCtx.currentKey();b.authPK(P.username,Q,U,(le,he)=>{let fe={hash:D};P.agentCtx.sign(Q,le,fe,(at,bt)=>{if(at)at.level="agent",this.emit("error",at);else return he(bt);_e()})})}else P.type==="publickey"&&b.authPK(P.username,P.key,U,(Q,le)=>{let he=P.key.sign(Q,D);if(he instanceof Error)return he.message=`Error signing data with key: ${he.message}`,he.level="client-authentication",this.emit("error",he),oe();le(he)})},"USERAUTH_PK_OK"),USERAUTH_INFO_REQUEST:a((R,U,D,Q)=>{if(P.type==="keyboard-interactive"){if((Array.isArray(Q)?Q.length:0)===0){i&&i("Client: Sending automatic USERAUTH_INFO_RESPONSE"),b.authInfoRes();return}P.prompt(U,D,"",Q,he=>{b.authInfoRes(he)})}},"USERAUTH_INFO_REQUEST"),REQUEST_SUCCESS:a((R,U)=>{o.length&&o.shift()(!1,U)},"REQUEST_SUCCESS"),REQUEST_FAILURE:a(R=>{o.length&&o.shift()(!0)},"REQUEST_FAILURE"),GLOBAL_REQUEST:a((R,U,D,Q)=>{U==="hostkeys-00@openssh.com"?(eI(this,Q,(le,he)=>{le||this.emit("hostkeys",he)}),D&&b.requestSuccess()):D&&b.requestFailure()},"GLOBAL_REQUEST"),CHANNEL_OPEN:a((R,U)=>{Xv(this,U)},"CHANNEL_OPEN"),CHANNEL_OPEN_CONFIRMATION:a((R,U)=>{let D=this._chanMgr.get(U.recipient);if(typeof D!="function")return;let Q=D.type==="sftp",he={type:Q?"session":D.type,incoming:{id:U.recipient,window:Ma,packetSize:Fa,state:"open"},outgoing:{id:U.sender,window:U.window,packetSize:U.packetSize,state:"open"}},fe=Q?new Kv(this,he,{debug:i}):new Cy(this,he);this._chanMgr.update(U.recipient,fe),D(void 0,fe)},"CHANNEL_OPEN_CONFIRMATION"),CHANNEL_OPEN_FAILURE:a((R,U,D,Q)=>{let le=this._chanMgr.get(U);if(typeof le!="function")return;Zv(this,U,{reason:D,description:Q},le)},"CHANNEL_OPEN_FAILURE"),CHANNEL_DATA:a((R,U,D)=>{let Q=this._chanMgr.get(U);if(!(typeof Q!="object"||Q===null)&&Q.incoming.window!==0){if(Q.incoming.window-=D.length,Q.push(D)===!1){Q._waitChanDrain=!0;return}Q.incoming.window<=Ay&&by(Q)}},"CHANNEL_DATA"),CHANNEL_EXTENDED_DATA:a((R,U,D,Q)=>{if(Q!==Ov)return;let le=this._chanMgr.get(U);if(!(typeof le!="object"||le===null)&&le.incoming.window!==0){if(le.incoming.window-=D.length,!le.stderr.push(D)){le._waitChanDrain=!0;return}le.incoming.window<=Ay&&by(le)}},"CHANNEL_EXTENDED_DATA"),CHANNEL_WINDOW_ADJUST:a((R,U,D)=>{let Q=this._chanMgr.get(U);typeof Q!="object"||Q===null||(Q.outgoing.window+=D,Q._waitWindow&&(Q._waitWindow=!1,Q._chunk?Q._write(Q._chunk,null,Q._chunkcb):Q._chunkcb?Q._chunkcb():Q._chunkErr?Q.stderr._write(Q._chunkErr,null,Q._chunkcbErr):Q._chunkcbErr&&Q._chunkcbErr()))},"CHANNEL_WINDOW_ADJUST"),CHANNEL_SUCCESS:a((R,U)=>{let D=this._chanMgr.get(U);typeof D!="object"||D===null||(this._resetKA(),D._callbacks.length&&D._callbacks.shift()(!1))},"CHANNEL_SUCCESS"),CHANNEL_FAILURE:a((R,U)=>{let D=this._chanMgr.get(U);typeof D!="object"||D===null||(this._resetKA(),D._callbacks.length&&D._callbacks.shift()(!0))},"CHANNEL_FAILURE"),CHANNEL_REQUEST:a((R,U,D,Q,le)=>{let he=this._chanMgr.get(U);if(typeof he!="object"||he===null)return;let fe=he._exit;if(fe.code===void 0){switch(D){case"exit-status":he.emit("exit",fe.code=le);return;case"exit-signal":he.emit("exit",fe.code=null,fe.signal=`SIG${le.signal}`,fe.dump=le.coreDumped,fe.desc=le.errorMessage);return}Q&&R.channelFailure(he.outgoing.id)}},"CHANNEL_REQUEST"),CHANNEL_EOF:a((R,U)=>{let D=this._chanMgr.get(U);typeof D!="object"||D===null||D.incoming.state==="open"&&(D.incoming.state="eof",D.readable&&D.push(null),D.stderr.readable&&D.stderr.push(null))},"CHANNEL_EOF"),CHANNEL_CLOSE:a((R,U)=>{Gv(this,U,this._chanMgr.get(U))},"CHANNEL_CLOSE")}});l.pause();let g=this.config.keepaliveInterval,y=this.config.keepaliveCountMax,x=0,k,N=a(()=>{if(++x>y){if(clearInterval(k),l.readable){let R=new Error("Keepalive timeout");R.level="client-timeout",this.emit("error",R),l.destroy()}return}wt(l)?(o.push(v),b.ping()):clearInterval(k)},"sendKA");function v(){g>0&&(x=0,clearInterval(k),wt(l)&&(k=setInterval(N,g)))}a(v,"resetKA"),this._resetKA=v;let L=(()=>{let R=!1;return()=>{if(!R&&(R=!0,ee&&!d)){let U=qv("Connection lost before handshake","protocol",!0);this.emit("error",U)}}})(),K=(()=>{let R=!1;return()=>{R||(R=!0,ee=!0,i&&i("Socket connected"),this.emit("connect"),Hv.then(()=>{b.start(),l.on("data",U=>{try{b.parse(U,0,U.length)}catch(D){this.emit("error",D);try{wt(l)&&l.end()}catch{}}}),l.stderr&&typeof l.stderr.resume=="function"&&l.stderr.resume(),l.resume()}).catch(U=>{this.emit("error",U);try{wt(l)&&l.end()}catch{}}))}})(),ee=!1;l.on("connect",K).on("timeout",()=>{this.emit("timeout")}).on("error",R=>{i&&i(`Socket error: ${R.message}`),clearTimeout(this._readyTimeout),R.level="client-socket",this.emit("error",R)}).on("end",()=>{i&&i("Socket ended"),L(),b.cleanup(),clearTimeout(this._readyTimeout),clearInterval(k),this.emit("end")}).on("close",()=>{i&&i("Socket closed"),L(),b.cleanup(),clearTimeout(this._readyTimeout),clearInterval(k),this.emit("close");let R=o;o=this._callbacks=[];let U=new Error("No response from server");for(let D=0;D<R.length;++D)R[D](U);this._chanMgr.cleanup(U)});let P,Z=null,j=null,G=["none"];this.config.password!==void 0&&G.push("password"),c!==void 0&&G.push("publickey"),this._agent!==void 0&&G.push("agent"),this.config.tryKeyboard&&G.push("keyboard-interactive"),c!==void 0&&this.config.localHostname!==void 0&&this.config.localUsername!==void 0&&G.push("hostbased"),Array.isArray(s)?s=Sy(s):typeof s!="function"&&(s=Sy(G));let X=!1,pe=a(R=>{if(!X){if(X=!0,R===!1){let U=new Error("All configured authentication methods failed");U.level="client-authentication",this.emit("error",U),this.end();return}if(typeof R=="string"){let U=R;if(G.indexOf(U)===-1)return J(`Authentication method not allowed: ${U}`);let D=this.config.username;switch(U){case"password":R={type:U,username:D,password:this.config.password};break;case"publickey":R={type:U,username:D,key:c};break;case"hostbased":R={type:U,username:D,key:c,localHostname:this.config.localHostname,localUsername:this.config.localUsername};break;case"agent":R={type:U,username:D,agentCtx:new yy(this._agent)};break;case"keyboard-interactive":R={type:U,username:D,prompt:a((...Q)=>this.emit("keyboard-interactive",...Q),"prompt")};break;case"none":R={type:U,username:D};break;default:return J(`Skipping unsupported authentication method: ${R}`)}}else{if(typeof R!="object"||R===null)return J(`Skipping invalid authentication attempt: ${R}`);{let U=R.username;if(typeof U!="string")return J(`Skipping invalid authentication attempt: ${R}`);let D=R.type;switch(D){case"password":{let{password:Q}=R;if(typeof Q!="string"&&!Buffer.isBuffer(Q))return J("Skipping invalid password auth attempt");R={type:D,username:U,password:Q};break}case"publickey":{let Q=Ua(R.key,R.passphrase);if(Q instanceof Error)return J("Skipping invalid key auth attempt");if(!Q.isPrivateKey())return J("Skipping non-private key");R={type:D,username:U,key:Q};break}case"hostbased":{let{localHostname:Q,localUsername:le}=R,he=Ua(R.key,R.passphrase);if(he instanceof Error||typeof Q!="string"||typeof le!="string")return J("Skipping invalid hostbased auth attempt");if(!he.isPrivateKey())return J("Skipping non-private key");R={type:D,username:U,key:he,localHostname:Q,localUsername:le};break}case"agent":{let Q=R.agent;if(typeof Q=="string"&&Q.length)Q=wy(Q);else if(!$y(Q))return J(`Skipping invalid agent: ${R.agent}`);R={type:D,username:U,agentCtx:new yy(Q)};break}case"keyboard-interactive":{let{prompt:Q}=R;if(typeof Q!="function")return J("Skipping invalid keyboard-interactive auth attempt");R={type:D,username:U,prompt:Q};break}case"none":R={type:D,username:U};break;default:return J(`Skipping unsupported authentication method: ${R}`)}}}P=R;try{let U=P.username;switch(P.type){case"password":b.authPassword(U,P.password);break;case"publickey":{let D;if(P.keyAlgos=Lf(this,P.key,_),P.keyAlgos)if(P.keyAlgos.length)D=P.keyAlgos[0][0];else return J("Skipping key authentication (no mutual hash algorithm)");b.authPK(U,P.key,D);break}case"hostbased":{let D,Q;if(P.keyAlgos=Lf(this,P.key,_),P.keyAlgos)if(P.keyAlgos.length)[D,Q]=P.keyAlgos[0];else return J("Skipping hostbased authentication (no mutual hash algorithm)");b.authHostbased(U,P.key,P.localHostname,P.localUsername,D,(le,he)=>{let fe=P.key.sign(le,Q);if(fe instanceof Error)return fe.message=`Error while signing with key: ${fe.message}`,fe.level="client-authentication",this.emit("error",fe),oe();he(fe)});break}case"agent":P.agentCtx.init(D=>{if(D)return D.level="agent",this.emit("error",D),oe();_e()});break;case"keyboard-interactive":b.authKeyboard(U);break;case"none":b.authNone(U);break}}finally{X=!1}}},"doNextAuth");function J(R){i&&i(R),process.nextTick(oe)}a(J,"skipAuth");function oe(){X=!1;let R=s(j,Z,pe);X||R===void 0||pe(R)}a(oe,"tryNextAuth");let _e=a(()=>{if(P.type==="agent"){let R=P.agentCtx.nextKey();if(R===!1)i&&i("Agent: No more keys left to try"),i&&i("Client: agent auth failed"),oe();else{let U=P.agentCtx.pos(),D;if(P.keyAlgos=Lf(this,R,_),P.keyAlgos)if(P.keyAlgos.length)D=P.keyAlgos[0][0];else{i&&i(`Agent: Skipping key #${U+1} (no mutual hash algorithm)`),_e();return}i&&i(`Agent: Trying key #${U+1}`),b.authPK(P.username,R,D)}}},"tryNextAgentKey"),$e=a(()=>{this.config.readyTimeout>0&&(this._readyTimeout=setTimeout(()=>{let R=new Error("Timed out while waiting for handshake");R.level="client-timeout",this.emit("error",R),l.destroy()},this.config.readyTimeout))},"startTimeout");if(t.sock)$e(),typeof l.connecting=="boolean"&&l.connecting||K();else{let R=this.config.host,U=this.config.forceIPv4,D=this.config.forceIPv6;i&&i(`Client: Trying ${R} on port ${this.config.port} ...`);let Q=a(()=>{$e(),l.connect({host:R,port:this.config.port,localAddress:this.config.localAddress,localPort:this.config.localPort}),l.setMaxListeners(0),l.setTimeout(typeof t.timeout=="number"?t.timeout:0)},"doConnect");!U&&!D||U&&D?Q():Nv(R,U?4:6,(le,he,fe)=>{if(le){let at=U?"IPv4":"IPv6",bt=new Error(`Error while looking up ${at} address for '${R}': ${le}`);clearTimeout(this._readyTimeout),bt.level="client-dns",this.emit("error",bt),this.emit("close");return}R=he,Q()})}return this}end(){return this._sock&&wt(this._sock)&&(this._protocol.disconnect(my.BY_APPLICATION),this._sock.end()),this}destroy(){return this._sock&&wt(this._sock)&&this._sock.destroy(),this}exec(t,n,r){if(!this._sock||!wt(this._sock))throw new Error("Not connected");typeof n=="function"&&(r=n,n={});let s={allowHalfOpen:n.allowHalfOpen!==!1};return Is(this,"session",s,(i,o)=>{if(i){r(i);return}let c=[];function u(l){if(l){o.close(),r(l);return}c.length&&c.shift()()}a(u,"reqCb"),(this.config.allowAgentFwd===!0||n&&n.agentForward===!0&&this._agent!==void 0)&&c.push(()=>ky(o,u)),typeof n=="object"&&n!==null&&(typeof n.env=="object"&&n.env!==null&&Of(o,n.env),(typeof n.pty=="object"&&n.pty!==null||n.pty===!0)&&c.push(()=>Ey(o,n.pty,u)),(typeof n.x11=="object"&&n.x11!==null||n.x11==="number"||n.x11===!0)&&c.push(()=>xy(o,n.x11,u))),c.push(()=>Vv(o,t,n,r)),c.shift()()}),this}shell(t,n,r){if(!this._sock||!wt(this._sock))throw new Error("Not connected");return typeof t=="function"?(r=t,t=n=void 0):typeof n=="function"&&(r=n,n=void 0),t&&(t.x11!==void 0||t.env!==void 0)&&(n=t,t=void 0),Is(this,"session",(s,i)=>{if(s){r(s);return}let o=[];function c(u){if(u){i.close(),r(u);return}o.length&&o.shift()()}a(c,"reqCb"),(this.config.allowAgentFwd===!0||n&&n.agentForward===!0&&this._agent!==void 0)&&o.push(()=>ky(i,c)),t!==!1&&o.push(()=>Ey(i,t,c)),typeof n=="object"&&n!==null&&(typeof n.env=="object"&&n.env!==null&&Of(i,n.env),(typeof n.x11=="object"&&n.x11!==null||n.x11==="number"||n.x11===!0)&&o.push(()=>xy(i,n.x11,c))),o.push(()=>Yv(i,r)),o.shift()()}),this}subsys(t,n){if(!this._sock||!wt(this._sock))throw new Error("Not connected");return Is(this,"session",(r,s)=>{if(r){n(r);return}Bf(s,t,(i,o)=>{if(i){n(i);return}n(void 0,o)})}),this}forwardIn(t,n,r){if(!this._sock||!wt(this._sock))throw new Error("Not connected");let s=typeof r=="function";return s&&this._callbacks.push((i,o)=>{if(i){r(i!==!0?i:new Error(`Unable to bind to ${t}:${n}`));return}let c=n;n===0&&o&&o.length>=4&&(c=Qv(o,0),this._protocol._compatFlags&vy.DYN_RPORT_BUG||(n=c)),this._forwarding[`${t}:${n}`]=c,r(void 0,c)}),this._protocol.tcpipForward(t,n,s),this}unforwardIn(t,n,r){if(!this._sock||!wt(this._sock))throw new Error("Not connected");let s=typeof r=="function";return s&&this._callbacks.push(i=>{if(i){r(i!==!0?i:new Error(`Unable to unbind from ${t}:${n}`));return}delete this._forwarding[`${t}:${n}`],r()}),this._protocol.cancelTcpipForward(t,n,s),this}forwardOut(t,n,r,s,i){if(!this._sock||!wt(this._sock))throw new Error("Not connected");let o={srcIP:t,srcPort:n,dstIP:r,dstPort:s};return typeof i!="function"&&(i=Df),Is(this,"direct-tcpip",o,i),this}openssh_noMoreSessions(t){if(!this._sock||!wt(this._sock))throw new Error("Not connected");let n=typeof t=="function";return!this.config.strictVendor||this.config.strictVendor&&Oi.test(this._remoteVer)?(n&&this._callbacks.push(r=>{if(r){t(r!==!0?r:new Error("Unable to disable future sessions"));return}t()}),this._protocol.openssh_noMoreSessions(n),this):n?(process.nextTick(t,new Error("strictVendor enabled and server is not OpenSSH or compatible version")),this):this}openssh_forwardInStreamLocal(t,n){if(!this._sock||!wt(this._sock))throw new Error("Not connected");let r=typeof n=="function";return!this.config.strictVendor||this.config.strictVendor&&Oi.test(this._remoteVer)?(r&&this._callbacks.push(s=>{if(s){n(s!==!0?s:new Error(`Unable to bind to ${t}`));return}this._forwardingUnix[t]=!0,n()}),this._protocol.openssh_streamLocalForward(t,r),this):r?(process.nextTick(n,new Error("strictVendor enabled and server is not OpenSSH or compatible version")),this):this}openssh_unforwardInStreamLocal(t,n){if(!this._sock||!wt(this._sock))throw new Error("Not connected");let r=typeof n=="function";return!this.config.strictVendor||this.config.strictVendor&&Oi.test(this._remoteVer)?(r&&this._callbacks.push(s=>{if(s){n(s!==!0?s:new Error(`Unable to unbind from ${t}`));return}delete this._forwardingUnix[t],n()}),this._protocol.openssh_cancelStreamLocalForward(t,r),this):r?(process.nextTick(n,new Error("strictVendor enabled and server is not OpenSSH or compatible version")),this):this}openssh_forwardOutStreamLocal(t,n){if(!this._sock||!wt(this._sock))throw new Error("Not connected");return typeof n!="function"&&(n=Df),!this.config.strictVendor||this.config.strictVendor&&Oi.test(this._remoteVer)?(Is(this,"direct-streamlocal@openssh.com",{socketPath:t},n),this):(process.nextTick(n,new Error("strictVendor enabled and server is not OpenSSH or compatible version")),this)}sftp(t,n){if(!this._sock||!wt(this._sock))throw new Error("Not connected");return typeof t=="function"&&(n=t,t=void 0),Is(this,"sftp",(r,s)=>{if(r){n(r);return}let i=a((o,c)=>{if(o){n(o);return}function u(){s.removeListener("ready",l),s.removeListener("error",f),s.removeListener("exit",d),s.removeListener("close",d)}a(u,"removeListeners");function l(){u(),n(void 0,s)}a(l,"onReady");function f(p){u(),n(p)}a(f,"onError");function d(p,_){u();let b;typeof p=="number"?b=`Received exit code ${p} while establishing SFTP session`:_!==void 0?b=`Received signal ${_} while establishing SFTP session`:b="Received unexpected SFTP session termination";let g=new Error(b);g.code=p,g.signal=_,n(g)}a(d,"onExit"),s.on("ready",l).on("error",f).on("exit",d).on("close",d),s._init()},"reqSubsystemCb");typeof t=="object"&&t!==null?Of(s,t,o=>{if(o){n(o);return}Bf(s,"sftp",i)}):Bf(s,"sftp",i)}),this}setNoDelay(t){return this._sock&&typeof this._sock.setNoDelay=="function"&&this._sock.setNoDelay(t),this}};function Is(e,t,n,r){let s=Ma,i=Fa;typeof n=="function"&&(r=n,n={});let o=a((u,l)=>{r(u,l)},"wrapper");o.type=t;let c=e._chanMgr.add(o);if(c===-1){r(new Error("No free channels available"));return}switch(t){case"session":case"sftp":e._protocol.session(c,s,i);break;case"direct-tcpip":e._protocol.directTcpip(c,s,i,n);break;case"direct-streamlocal@openssh.com":e._protocol.openssh_directStreamLocal(c,s,i,n);break;default:throw new Error(`Unsupported channel type: ${t}`)}}a(Is,"openChannel");function xy(e,t,n){let r={single:!1,protocol:"MIT-MAGIC-COOKIE-1",cookie:void 0,screen:0};typeof t=="function"?n=t:typeof t=="object"&&t!==null&&(typeof t.single=="boolean"&&(r.single=t.single),typeof t.screen=="number"&&(r.screen=t.screen),typeof t.protocol=="string"&&(r.protocol=t.protocol),typeof t.cookie=="string"?r.cookie=t.cookie:Buffer.isBuffer(t.cookie)&&(r.cookie=t.cookie.hexSlice(0,t.cookie.length))),r.cookie===void 0&&(r.cookie=Jv());let s=typeof n=="function";if(e.outgoing.state!=="open"){s&&n(new Error("Channel is not open"));return}s&&e._callbacks.push(i=>{if(i){n(i!==!0?i:new Error("Unable to request X11"));return}e._hasX11=!0,++e._client._acceptX11,e.once("close",()=>{e._client._acceptX11&&--e._client._acceptX11}),n()}),e._client._protocol.x11Forward(e.outgoing.id,r,s)}a(xy,"reqX11");function Ey(e,t,n){let r=24,s=80,i=640,o=480,c="vt100",u=null;typeof t=="function"?n=t:typeof t=="object"&&t!==null&&(typeof t.rows=="number"&&(r=t.rows),typeof t.cols=="number"&&(s=t.cols),typeof t.width=="number"&&(i=t.width),typeof t.height=="number"&&(o=t.height),typeof t.term=="string"&&(c=t.term),typeof t.modes=="object"&&(u=t.modes));let l=typeof n=="function";if(e.outgoing.state!=="open"){l&&n(new Error("Channel is not open"));return}l&&e._callbacks.push(f=>{if(f){n(f!==!0?f:new Error("Unable to request a pseudo-terminal"));return}n()}),e._client._protocol.pty(e.outgoing.id,r,s,o,i,c,u,l)}a(Ey,"reqPty");function ky(e,t){let n=typeof t=="function";if(e.outgoing.state!=="open"){n&&t(new Error("Channel is not open"));return}if(e._client._agentFwdEnabled){n&&t(!1);return}e._client._agentFwdEnabled=!0,e._callbacks.push(r=>{if(r){e._client._agentFwdEnabled=!1,n&&t(r!==!0?r:new Error("Unable to request agent forwarding"));return}n&&t()}),e._client._protocol.openssh_agentForward(e.outgoing.id,!0)}a(ky,"reqAgentFwd");function Yv(e,t){if(e.outgoing.state!=="open"){t(new Error("Channel is not open"));return}e._callbacks.push(n=>{if(n){t(n!==!0?n:new Error("Unable to open shell"));return}e.subtype="shell",t(void 0,e)}),e._client._protocol.shell(e.outgoing.id,!0)}a(Yv,"reqShell");function Vv(e,t,n,r){if(e.outgoing.state!=="open"){r(new Error("Channel is not open"));return}e._callbacks.push(s=>{if(s){r(s!==!0?s:new Error("Unable to exec"));return}e.subtype="exec",e.allowHalfOpen=n.allowHalfOpen!==!1,r(void 0,e)}),e._client._protocol.exec(e.outgoing.id,t,!0)}a(Vv,"reqExec");function Of(e,t,n){let r=typeof n=="function";if(e.outgoing.state!=="open"){r&&n(new Error("Channel is not open"));return}r&&e._callbacks.push(i=>{if(i){n(i!==!0?i:new Error("Unable to set environment"));return}n()});let s=Object.keys(t||{});for(let i=0;i<s.length;++i){let o=s[i],c=t[o];e._client._protocol.env(e.outgoing.id,o,c,r)}}a(Of,"reqEnv");function Bf(e,t,n){if(e.outgoing.state!=="open"){n(new Error("Channel is not open"));return}e._callbacks.push(r=>{if(r){n(r!==!0?r:new Error(`Unable to start subsystem: ${t}`));return}e.subtype="subsystem",n(void 0,e)}),e._client._protocol.subsystem(e.outgoing.id,t,!0)}a(Bf,"reqSubsystem");function Xv(e,t){let n=-1,r,s=a(()=>{let u={type:t.type,incoming:{id:n,window:Ma,packetSize:Fa,state:"open"},outgoing:{id:t.sender,window:t.window,packetSize:t.packetSize,state:"open"}},l=new Cy(e,u);return e._chanMgr.update(n,l),e._protocol.channelOpenConfirm(t.sender,n,Ma,Fa),l},"accept"),i=a(()=>{r===void 0&&(n===-1?r=Ti.RESOURCE_SHORTAGE:r=Ti.CONNECT_FAILED),n!==-1&&e._chanMgr.remove(n),e._protocol.channelOpenFail(t.sender,r,"")},"reject"),o=a(()=>(n=e._chanMgr.add(),n===-1&&(r=Ti.RESOURCE_SHORTAGE,e.config.debug&&e.config.debug("Client: Automatic rejection of incoming channel open: no channels available")),n!==-1),"reserveChannel"),c=t.data;switch(t.type){case"forwarded-tcpip":{let u=e._forwarding[`${c.destIP}:${c.destPort}`];if(u!==void 0&&o()){c.destPort===0&&(c.destPort=u),e.emit("tcp connection",c,s,i);return}break}case"forwarded-streamlocal@openssh.com":if(e._forwardingUnix[c.socketPath]!==void 0&&o()){e.emit("unix connection",c,s,i);return}break;case"auth-agent@openssh.com":if(e._agentFwdEnabled&&typeof e._agent.getStream=="function"&&o()){e._agent.getStream((u,l)=>{if(u)return i();let f=s();f.pipe(l).pipe(f)});return}break;case"x11":if(e._acceptX11!==0&&o()){e.emit("x11",c,s,i);return}break;default:r=Ti.UNKNOWN_CHANNEL_TYPE,e.config.debug&&e.config.debug(`Client: Automatic rejection of unsupported incoming channel open type: ${t.type}`)}r===void 0&&(r=Ti.ADMINISTRATIVELY_PROHIBITED,e.config.debug&&e.config.debug("Client: Automatic rejection of unexpected incoming channel open for: "+t.type)),i()}a(Xv,"onCHANNEL_OPEN");var Jv=(()=>{let e=Buffer.allocUnsafe(16);return()=>(Cv(e,0,16),e.hexSlice(0,16))})();function Sy(e){if(!Array.isArray(e))throw new Error("authList must be an array");let t=0;return(n,r,s)=>t===e.length?!1:e[t++]}a(Sy,"makeSimpleAuthHandler");function eI(e,t,n){if(!e._sock||!wt(e._sock))return;if(typeof n!="function"&&(n=Df),!Array.isArray(t))throw new TypeError("Invalid keys argument type");let r=[];for(let s of t){let i=Ua(s);if(i instanceof Error)throw i;r.push(i)}if(!e.config.strictVendor||e.config.strictVendor&&Oi.test(e._remoteVer)){e._callbacks.push((s,i)=>{if(s){n(s!==!0?s:new Error("Server failed to prove supplied keys"));return}let o=[],c=0;for(La.init(i,0);La.avail()&&c!==r.length;){let u=r[c++],l=u.getPublicSSH(),f=La.readString();Da.init(f,0);let d=Da.readString(!0),p=Da.readString(),_;if(d!==u.type)if(u.type==="ssh-rsa")switch(d){case"rsa-sha2-256":_="sha256";break;case"rsa-sha2-512":_="sha512";break;default:continue}else continue;let b=e._protocol._kex.sessionID,g=Buffer.allocUnsafe(37+b.length+4+l.length),y=0;Rf(g,29,y),g.utf8Write("hostkeys-prove-00@openssh.com",y+=4,29),Rf(g,b.length,y+=29),gy(b,g,0,b.length,y+=4),Rf(g,l.length,y+=b.length),gy(l,g,0,l.length,y+=4),(p=jv(p,d))&&u.verify(g,p,_)===!0&&o.push(u)}Da.clear(),La.clear(),n(null,o)}),e._protocol.openssh_hostKeysProve(r);return}process.nextTick(n,new Error("strictVendor enabled and server is not OpenSSH or compatible version"))}a(eI,"hostKeysProve");function Lf(e,t,n){switch(t.type){case"ssh-rsa":if(e._protocol._compatFlags&vy.IMPLY_RSA_SHA2_SIGALGS&&(Array.isArray(n)?n=["rsa-sha2-256","rsa-sha2-512",...n]:n=["rsa-sha2-256","rsa-sha2-512"]),Array.isArray(n)){if(n.indexOf("rsa-sha2-256")!==-1)return[["rsa-sha2-256","sha256"]];if(n.indexOf("rsa-sha2-512")!==-1)return[["rsa-sha2-512","sha512"]];if(n.indexOf("ssh-rsa")===-1)return[]}return[["ssh-rsa","sha1"]]}}a(Lf,"getKeyAlgos");Py.exports=Uf});var Ty=q(()=>{});var Ry=q(()=>{});var Bi=q((iM,Oy)=>{"use strict";var{AgentProtocol:tI,BaseAgent:nI,createAgent:rI,CygwinAgent:sI,OpenSSHAgent:iI,PageantAgent:oI}=lf(),{SSHTTPAgent:aI,SSHTTPSAgent:cI}=Ag(),{parseKey:uI}=Or(),{flagsToString:lI,OPEN_MODE:fI,STATUS_CODE:dI,stringToFlags:hI}=ka();Oy.exports={AgentProtocol:tI,BaseAgent:nI,createAgent:rI,Client:Ny(),CygwinAgent:sI,HTTPAgent:aI,HTTPSAgent:cI,OpenSSHAgent:iI,PageantAgent:oI,Server:Ty(),utils:{parseKey:uI,...Ry(),sftp:{flagsToString:lI,OPEN_MODE:fI,STATUS_CODE:dI,stringToFlags:hI}}}});var qe=q(Tt=>{"use strict";var rd=Symbol.for("yaml.alias"),G0=Symbol.for("yaml.document"),ic=Symbol.for("yaml.map"),Y0=Symbol.for("yaml.pair"),sd=Symbol.for("yaml.scalar"),oc=Symbol.for("yaml.seq"),Zn=Symbol.for("yaml.node.type"),dC=a(e=>!!e&&typeof e=="object"&&e[Zn]===rd,"isAlias"),hC=a(e=>!!e&&typeof e=="object"&&e[Zn]===G0,"isDocument"),pC=a(e=>!!e&&typeof e=="object"&&e[Zn]===ic,"isMap"),_C=a(e=>!!e&&typeof e=="object"&&e[Zn]===Y0,"isPair"),V0=a(e=>!!e&&typeof e=="object"&&e[Zn]===sd,"isScalar"),mC=a(e=>!!e&&typeof e=="object"&&e[Zn]===oc,"isSeq");function X0(e){if(e&&typeof e=="object")switch(e[Zn]){case ic:case oc:return!0}return!1}a(X0,"isCollection");function gC(e){if(e&&typeof e=="object")switch(e[Zn]){case rd:case ic:case sd:case oc:return!0}return!1}a(gC,"isNode");var yC=a(e=>(V0(e)||X0(e))&&!!e.anchor,"hasAnchor");Tt.ALIAS=rd;Tt.DOC=G0;Tt.MAP=ic;Tt.NODE_TYPE=Zn;Tt.PAIR=Y0;Tt.SCALAR=sd;Tt.SEQ=oc;Tt.hasAnchor=yC;Tt.isAlias=dC;Tt.isCollection=X0;Tt.isDocument=hC;Tt.isMap=pC;Tt.isNode=gC;Tt.isPair=_C;Tt.isScalar=V0;Tt.isSeq=mC});var qi=q(id=>{"use strict";var vt=qe(),qt=Symbol("break visit"),J0=Symbol("skip children"),On=Symbol("remove node");function ac(e,t){let n=ew(t);vt.isDocument(e)?Bs(null,e.contents,n,Object.freeze([e]))===On&&(e.contents=null):Bs(null,e,n,Object.freeze([]))}a(ac,"visit");ac.BREAK=qt;ac.SKIP=J0;ac.REMOVE=On;function Bs(e,t,n,r){let s=tw(e,t,n,r);if(vt.isNode(s)||vt.isPair(s))return nw(e,r,s),Bs(e,s,n,r);if(typeof s!="symbol"){if(vt.isCollection(t)){r=Object.freeze(r.concat(t));for(let i=0;i<t.items.length;++i){let o=Bs(i,t.items[i],n,r);if(typeof o=="number")i=o-1;else{if(o===qt)return qt;o===On&&(t.items.splice(i,1),i-=1)}}}else if(vt.isPair(t)){r=Object.freeze(r.concat(t));let i=Bs("key",t.key,n,r);if(i===qt)return qt;i===On&&(t.key=null);let o=Bs("value",t.value,n,r);if(o===qt)return qt;o===On&&(t.value=null)}}return s}a(Bs,"visit_");async function cc(e,t){let n=ew(t);vt.isDocument(e)?await Ls(null,e.contents,n,Object.freeze([e]))===On&&(e.contents=null):await Ls(null,e,n,Object.freeze([]))}a(cc,"visitAsync");cc.BREAK=qt;cc.SKIP=J0;cc.REMOVE=On;async function Ls(e,t,n,r){let s=await tw(e,t,n,r);if(vt.isNode(s)||vt.isPair(s))return nw(e,r,s),Ls(e,s,n,r);if(typeof s!="symbol"){if(vt.isCollection(t)){r=Object.freeze(r.concat(t));for(let i=0;i<t.items.length;++i){let o=await Ls(i,t.items[i],n,r);if(typeof o=="number")i=o-1;else{if(o===qt)return qt;o===On&&(t.items.splice(i,1),i-=1)}}}else if(vt.isPair(t)){r=Object.freeze(r.concat(t));let i=await Ls("key",t.key,n,r);if(i===qt)return qt;i===On&&(t.key=null);let o=await Ls("value",t.value,n,r);if(o===qt)return qt;o===On&&(t.value=null)}}return s}a(Ls,"visitAsync_");function ew(e){return typeof e=="object"&&(e.Collection||e.Node||e.Value)?Object.assign({Alias:e.Node,Map:e.Node,Scalar:e.Node,Seq:e.Node},e.Value&&{Map:e.Value,Scalar:e.Value,Seq:e.Value},e.Collection&&{Map:e.Collection,Seq:e.Collection},e):e}a(ew,"initVisitor");function tw(e,t,n,r){if(typeof n=="function")return n(e,t,r);if(vt.isMap(t))return n.Map?.(e,t,r);if(vt.isSeq(t))return n.Seq?.(e,t,r);if(vt.isPair(t))return n.Pair?.(e,t,r);if(vt.isScalar(t))return n.Scalar?.(e,t,r);if(vt.isAlias(t))return n.Alias?.(e,t,r)}a(tw,"callVisitor");function nw(e,t,n){let r=t[t.length-1];if(vt.isCollection(r))r.items[e]=n;else if(vt.isPair(r))e==="key"?r.key=n:r.value=n;else if(vt.isDocument(r))r.contents=n;else{let s=vt.isAlias(r)?"alias":"scalar";throw new Error(`Cannot replace node with ${s} parent`)}}a(nw,"replaceNode");id.visit=ac;id.visitAsync=cc});var od=q(sw=>{"use strict";var rw=qe(),wC=qi(),$C={"!":"%21",",":"%2C","[":"%5B","]":"%5D","{":"%7B","}":"%7D"},bC=a(e=>e.replace(/[!,[\]{}]/g,t=>$C[t]),"escapeTagName"),Qi=class e{static{a(this,"Directives")}constructor(t,n){this.docStart=null,this.docEnd=!1,this.yaml=Object.assign({},e.defaultYaml,t),this.tags=Object.assign({},e.defaultTags,n)}clone(){let t=new e(this.yaml,this.tags);return t.docStart=this.docStart,t}atDocument(){let t=new e(this.yaml,this.tags);switch(this.yaml.version){case"1.1":this.atNextDocument=!0;break;case"1.2":this.atNextDocument=!1,this.yaml={explicit:e.defaultYaml.explicit,version:"1.2"},this.tags=Object.assign({},e.defaultTags);break}return t}add(t,n){this.atNextDocument&&(this.yaml={explicit:e.defaultYaml.explicit,version:"1.1"},this.tags=Object.assign({},e.defaultTags),this.atNextDocument=!1);let r=t.trim().split(/[ \t]+/),s=r.shift();switch(s){case"%TAG":{if(r.length!==2&&(n(0,"%TAG directive should contain exactly two parts"),r.length<2))return!1;let[i,o]=r;return this.tags[i]=o,!0}case"%YAML":{if(this.yaml.explicit=!0,r.length!==1)return n(0,"%YAML directive should contain exactly one part"),!1;let[i]=r;if(i==="1.1"||i==="1.2")return this.yaml.version=i,!0;{let o=/^\d+\.\d+$/.test(i);return n(6,`Unsupported YAML version ${i}`,o),!1}}default:return n(0,`Unknown directive ${s}`,!0),!1}}tagName(t,n){if(t==="!")return"!";if(t[0]!=="!")return n(`Not a valid tag: ${t}`),null;if(t[1]==="<"){let o=t.slice(2,-1);return o==="!"||o==="!!"?(n(`Verbatim tags aren't resolved, so ${t} is invalid.`),null):(t[t.length-1]!==">"&&n("Verbatim tags must end with a >"),o)}let[,r,s]=t.match(/^(.*!)([^!]*)$/s);s||n(`The ${t} tag has no suffix`);let i=this.tags[r];if(i)try{return i+decodeURIComponent(s)}catch(o){return n(String(o)),null}return r==="!"?t:(n(`Could not resolve tag: ${t}`),null)}tagString(t){for(let[n,r]of Object.entries(this.tags))if(t.startsWith(r))return n+bC(t.substring(r.length));return t[0]==="!"?t:`!<${t}>`}toString(t){let n=this.yaml.explicit?[`%YAML ${this.yaml.version||"1.2"}`]:[],r=Object.entries(this.tags),s;if(t&&r.length>0&&rw.isNode(t.contents)){let i={};wC.visit(t.contents,(o,c)=>{rw.isNode(c)&&c.tag&&(i[c.tag]=!0)}),s=Object.keys(i)}else s=[];for(let[i,o]of r)i==="!!"&&o==="tag:yaml.org,2002:"||(!t||s.some(c=>c.startsWith(o)))&&n.push(`%TAG ${i} ${o}`);return n.join(`
`)}};Qi.defaultYaml={explicit:!1,version:"1.2"};Qi.defaultTags={"!!":"tag:yaml.org,2002:"};sw.Directives=Qi});var uc=q(ji=>{"use strict";var iw=qe(),AC=qi();function xC(e){if(/[\x00-\x19\s,[\]{}]/.test(e)){let n=`Anchor must not contain whitespace or control characters: ${JSON.stringify(e)}`;throw new Error(n)}return!0}a(xC,"anchorIsValid");function ow(e){let t=new Set;return AC.visit(e,{Value(n,r){r.anchor&&t.add(r.anchor)}}),t}a(ow,"anchorNames");function aw(e,t){for(let n=1;;++n){let r=`${e}${n}`;if(!t.has(r))return r}}a(aw,"findNewAnchor");function EC(e,t){let n=[],r=new Map,s=null;return{onAnchor:a(i=>{n.push(i),s??(s=ow(e));let o=aw(t,s);return s.add(o),o},"onAnchor"),setAnchors:a(()=>{for(let i of n){let o=r.get(i);if(typeof o=="object"&&o.anchor&&(iw.isScalar(o.node)||iw.isCollection(o.node)))o.node.anchor=o.anchor;else{let c=new Error("Failed to resolve repeated object (this should not happen)");throw c.source=i,c}}},"setAnchors"),sourceObjects:r}}a(EC,"createNodeAnchors");ji.anchorIsValid=xC;ji.anchorNames=ow;ji.createNodeAnchors=EC;ji.findNewAnchor=aw});var ad=q(cw=>{"use strict";function Wi(e,t,n,r){if(r&&typeof r=="object")if(Array.isArray(r))for(let s=0,i=r.length;s<i;++s){let o=r[s],c=Wi(e,r,String(s),o);c===void 0?delete r[s]:c!==o&&(r[s]=c)}else if(r instanceof Map)for(let s of Array.from(r.keys())){let i=r.get(s),o=Wi(e,r,s,i);o===void 0?r.delete(s):o!==i&&r.set(s,o)}else if(r instanceof Set)for(let s of Array.from(r)){let i=Wi(e,r,s,s);i===void 0?r.delete(s):i!==s&&(r.delete(s),r.add(i))}else for(let[s,i]of Object.entries(r)){let o=Wi(e,r,s,i);o===void 0?delete r[s]:o!==i&&(r[s]=o)}return e.call(t,n,r)}a(Wi,"applyReviver");cw.applyReviver=Wi});var dr=q(lw=>{"use strict";var kC=qe();function uw(e,t,n){if(Array.isArray(e))return e.map((r,s)=>uw(r,String(s),n));if(e&&typeof e.toJSON=="function"){if(!n||!kC.hasAnchor(e))return e.toJSON(t,n);let r={aliasCount:0,count:1,res:void 0};n.anchors.set(e,r),n.onCreate=i=>{r.res=i,delete n.onCreate};let s=e.toJSON(t,n);return n.onCreate&&n.onCreate(s),s}return typeof e=="bigint"&&!n?.keep?Number(e):e}a(uw,"toJS");lw.toJS=uw});var lc=q(dw=>{"use strict";var SC=ad(),fw=qe(),vC=dr(),cd=class{static{a(this,"NodeBase")}constructor(t){Object.defineProperty(this,fw.NODE_TYPE,{value:t})}clone(){let t=Object.create(Object.getPrototypeOf(this),Object.getOwnPropertyDescriptors(this));return this.range&&(t.range=this.range.slice()),t}toJS(t,{mapAsMap:n,maxAliasCount:r,onAnchor:s,reviver:i}={}){if(!fw.isDocument(t))throw new TypeError("A document argument is required");let o={anchors:new Map,doc:t,keep:!0,mapAsMap:n===!0,mapKeyWarned:!1,maxAliasCount:typeof r=="number"?r:100},c=vC.toJS(this,"",o);if(typeof s=="function")for(let{count:u,res:l}of o.anchors.values())s(l,u);return typeof i=="function"?SC.applyReviver(i,{"":c},"",c):c}};dw.NodeBase=cd});var Zi=q(hw=>{"use strict";var IC=uc(),CC=qi(),Ds=qe(),PC=lc(),NC=dr(),ud=class extends PC.NodeBase{static{a(this,"Alias")}constructor(t){super(Ds.ALIAS),this.source=t,Object.defineProperty(this,"tag",{set(){throw new Error("Alias nodes cannot have tags")}})}resolve(t,n){if(n?.maxAliasCount===0)throw new ReferenceError("Alias resolution is disabled");let r;n?.aliasResolveCache?r=n.aliasResolveCache:(r=[],CC.visit(t,{Node:a((i,o)=>{(Ds.isAlias(o)||Ds.hasAnchor(o))&&r.push(o)},"Node")}),n&&(n.aliasResolveCache=r));let s;for(let i of r){if(i===this)break;i.anchor===this.source&&(s=i)}if(s&&n){let{anchors:i,doc:o,maxAliasCount:c}=n,u=i.get(s);if(u||(NC.toJS(s,null,n),u=i.get(s)),u?.res===void 0){let l="This should not happen: Alias anchor was not resolved?";throw new ReferenceError(l)}if(c>=0&&(u.count+=1,u.aliasCount===0&&(u.aliasCount=fc(o,s,i)),u.count*u.aliasCount>c)){let l="Excessive alias count indicates a resource exhaustion attack";throw new ReferenceError(l)}}return s}toJSON(t,n){if(!n)return{source:this.source};let r=this.resolve(n.doc,n);if(!r){let s=`Unresolved alias (the anchor must be set before the alias): ${this.source}`;throw new ReferenceError(s)}return n.anchors.get(r).res}toString(t,n,r){let s=`*${this.source}`;if(t){if(IC.anchorIsValid(this.source),t.options.verifyAliasOrder&&!t.anchors.has(this.source)){let i=`Unresolved alias (the anchor must be set before the alias): ${this.source}`;throw new Error(i)}if(t.implicitKey)return`${s} `}return s}};function fc(e,t,n){if(Ds.isAlias(t)){let r=t.resolve(e),s=n&&r&&n.get(r);return s?s.count*s.aliasCount:0}else if(Ds.isCollection(t)){let r=0;for(let s of t.items){let i=fc(e,s,n);i>r&&(r=i)}return r}else if(Ds.isPair(t)){let r=fc(e,t.key,n),s=fc(e,t.value,n);return Math.max(r,s)}return 1}a(fc,"getAliasCount");hw.Alias=ud});var $t=q(ld=>{"use strict";var TC=qe(),RC=lc(),OC=dr(),BC=a(e=>!e||typeof e!="function"&&typeof e!="object","isScalarValue"),hr=class extends RC.NodeBase{static{a(this,"Scalar")}constructor(t){super(TC.SCALAR),this.value=t}toJSON(t,n){return n?.keep?this.value:OC.toJS(this.value,t,n)}toString(){return String(this.value)}};hr.BLOCK_FOLDED="BLOCK_FOLDED";hr.BLOCK_LITERAL="BLOCK_LITERAL";hr.PLAIN="PLAIN";hr.QUOTE_DOUBLE="QUOTE_DOUBLE";hr.QUOTE_SINGLE="QUOTE_SINGLE";ld.Scalar=hr;ld.isScalarValue=BC});var Gi=q(_w=>{"use strict";var LC=Zi(),Br=qe(),pw=$t(),DC="tag:yaml.org,2002:";function UC(e,t,n){if(t){let r=n.filter(i=>i.tag===t),s=r.find(i=>!i.format)??r[0];if(!s)throw new Error(`Tag ${t} not found`);return s}return n.find(r=>r.identify?.(e)&&!r.format)}a(UC,"findTagObject");function MC(e,t,n){if(Br.isDocument(e)&&(e=e.contents),Br.isNode(e))return e;if(Br.isPair(e)){let d=n.schema[Br.MAP].createNode?.(n.schema,null,n);return d.items.push(e),d}(e instanceof String||e instanceof Number||e instanceof Boolean||typeof BigInt<"u"&&e instanceof BigInt)&&(e=e.valueOf());let{aliasDuplicateObjects:r,onAnchor:s,onTagObj:i,schema:o,sourceObjects:c}=n,u;if(r&&e&&typeof e=="object"){if(u=c.get(e),u)return u.anchor??(u.anchor=s(e)),new LC.Alias(u.anchor);u={anchor:null,node:null},c.set(e,u)}t?.startsWith("!!")&&(t=DC+t.slice(2));let l=UC(e,t,o.tags);if(!l){if(e&&typeof e.toJSON=="function"&&(e=e.toJSON()),!e||typeof e!="object"){let d=new pw.Scalar(e);return u&&(u.node=d),d}l=e instanceof Map?o[Br.MAP]:Symbol.iterator in Object(e)?o[Br.SEQ]:o[Br.MAP]}i&&(i(l),delete n.onTagObj);let f=l?.createNode?l.createNode(n.schema,e,n):typeof l?.nodeClass?.from=="function"?l.nodeClass.from(n.schema,e,n):new pw.Scalar(e);return t?f.tag=t:l.default||(f.tag=l.tag),u&&(u.node=f),f}a(MC,"createNode");_w.createNode=MC});var hc=q(dc=>{"use strict";var FC=Gi(),Bn=qe(),HC=lc();function fd(e,t,n){let r=n;for(let s=t.length-1;s>=0;--s){let i=t[s];if(typeof i=="number"&&Number.isInteger(i)&&i>=0){let o=[];o[i]=r,r=o}else r=new Map([[i,r]])}return FC.createNode(r,void 0,{aliasDuplicateObjects:!1,keepUndefined:!1,onAnchor:a(()=>{throw new Error("This should not happen, please report a bug.")},"onAnchor"),schema:e,sourceObjects:new Map})}a(fd,"collectionFromPath");var mw=a(e=>e==null||typeof e=="object"&&!!e[Symbol.iterator]().next().done,"isEmptyPath"),dd=class extends HC.NodeBase{static{a(this,"Collection")}constructor(t,n){super(t),Object.defineProperty(this,"schema",{value:n,configurable:!0,enumerable:!1,writable:!0})}clone(t){let n=Object.create(Object.getPrototypeOf(this),Object.getOwnPropertyDescriptors(this));return t&&(n.schema=t),n.items=n.items.map(r=>Bn.isNode(r)||Bn.isPair(r)?r.clone(t):r),this.range&&(n.range=this.range.slice()),n}addIn(t,n){if(mw(t))this.add(n);else{let[r,...s]=t,i=this.get(r,!0);if(Bn.isCollection(i))i.addIn(s,n);else if(i===void 0&&this.schema)this.set(r,fd(this.schema,s,n));else throw new Error(`Expected YAML collection at ${r}. Remaining path: ${s}`)}}deleteIn(t){let[n,...r]=t;if(r.length===0)return this.delete(n);let s=this.get(n,!0);if(Bn.isCollection(s))return s.deleteIn(r);throw new Error(`Expected YAML collection at ${n}. Remaining path: ${r}`)}getIn(t,n){let[r,...s]=t,i=this.get(r,!0);return s.length===0?!n&&Bn.isScalar(i)?i.value:i:Bn.isCollection(i)?i.getIn(s,n):void 0}hasAllNullValues(t){return this.items.every(n=>{if(!Bn.isPair(n))return!1;let r=n.value;return r==null||t&&Bn.isScalar(r)&&r.value==null&&!r.commentBefore&&!r.comment&&!r.tag})}hasIn(t){let[n,...r]=t;if(r.length===0)return this.has(n);let s=this.get(n,!0);return Bn.isCollection(s)?s.hasIn(r):!1}setIn(t,n){let[r,...s]=t;if(s.length===0)this.set(r,n);else{let i=this.get(r,!0);if(Bn.isCollection(i))i.setIn(s,n);else if(i===void 0&&this.schema)this.set(r,fd(this.schema,s,n));else throw new Error(`Expected YAML collection at ${r}. Remaining path: ${s}`)}}};dc.Collection=dd;dc.collectionFromPath=fd;dc.isEmptyPath=mw});var Yi=q(pc=>{"use strict";var zC=a(e=>e.replace(/^(?!$)(?: $)?/gm,"#"),"stringifyComment");function hd(e,t){return/^\n+$/.test(e)?e.substring(1):t?e.replace(/^(?! *$)/gm,t):e}a(hd,"indentComment");var KC=a((e,t,n)=>e.endsWith(`
`)?hd(n,t):n.includes(`
`)?`
`+hd(n,t):(e.endsWith(" ")?"":" ")+n,"lineComment");pc.indentComment=hd;pc.lineComment=KC;pc.stringifyComment=zC});var yw=q(Vi=>{"use strict";var qC="flow",pd="block",_c="quoted";function QC(e,t,n="flow",{indentAtStart:r,lineWidth:s=80,minContentWidth:i=20,onFold:o,onOverflow:c}={}){if(!s||s<0)return e;s<i&&(i=0);let u=Math.max(1+i,1+s-t.length);if(e.length<=u)return e;let l=[],f={},d=s-t.length;typeof r=="number"&&(r>s-Math.max(2,i)?l.push(0):d=s-r);let p,_,b=!1,g=-1,y=-1,x=-1;n===pd&&(g=gw(e,g,t.length),g!==-1&&(d=g+u));for(let N;N=e[g+=1];){if(n===_c&&N==="\\"){switch(y=g,e[g+1]){case"x":g+=3;break;case"u":g+=5;break;case"U":g+=9;break;default:g+=1}x=g}if(N===`
`)n===pd&&(g=gw(e,g,t.length)),d=g+t.length+u,p=void 0;else{if(N===" "&&_&&_!==" "&&_!==`
`&&_!=="	"){let v=e[g+1];v&&v!==" "&&v!==`
`&&v!=="	"&&(p=g)}if(g>=d)if(p)l.push(p),d=p+u,p=void 0;else if(n===_c){for(;_===" "||_==="	";)_=N,N=e[g+=1],b=!0;let v=g>x+1?g-2:y-1;if(f[v])return e;l.push(v),f[v]=!0,d=v+u,p=void 0}else b=!0}_=N}if(b&&c&&c(),l.length===0)return e;o&&o();let k=e.slice(0,l[0]);for(let N=0;N<l.length;++N){let v=l[N],L=l[N+1]||e.length;v===0?k=`
${t}${e.slice(0,L)}`:(n===_c&&f[v]&&(k+=`${e[v]}\\`),k+=`
${t}${e.slice(v+1,L)}`)}return k}a(QC,"foldFlowLines");function gw(e,t,n){let r=t,s=t+1,i=e[s];for(;i===" "||i==="	";)if(t<s+n)i=e[++t];else{do i=e[++t];while(i&&i!==`
`);r=t,s=t+1,i=e[s]}return r}a(gw,"consumeMoreIndentedLines");Vi.FOLD_BLOCK=pd;Vi.FOLD_FLOW=qC;Vi.FOLD_QUOTED=_c;Vi.foldFlowLines=QC});var Ji=q(ww=>{"use strict";var bn=$t(),pr=yw(),gc=a((e,t)=>({indentAtStart:t?e.indent.length:e.indentAtStart,lineWidth:e.options.lineWidth,minContentWidth:e.options.minContentWidth}),"getFoldOptions"),yc=a(e=>/^(%|---|\.\.\.)/m.test(e),"containsDocumentMarker");function jC(e,t,n){if(!t||t<0)return!1;let r=t-n,s=e.length;if(s<=r)return!1;for(let i=0,o=0;i<s;++i)if(e[i]===`
`){if(i-o>r)return!0;if(o=i+1,s-o<=r)return!1}return!0}a(jC,"lineLengthOverLimit");function Xi(e,t){let n=JSON.stringify(e);if(t.options.doubleQuotedAsJSON)return n;let{implicitKey:r}=t,s=t.options.doubleQuotedMinMultiLineLength,i=t.indent||(yc(e)?"  ":""),o="",c=0;for(let u=0,l=n[u];l;l=n[++u])if(l===" "&&n[u+1]==="\\"&&n[u+2]==="n"&&(o+=n.slice(c,u)+"\\ ",u+=1,c=u,l="\\"),l==="\\")switch(n[u+1]){case"u":{o+=n.slice(c,u);let f=n.substr(u+2,4);switch(f){case"0000":o+="\\0";break;case"0007":o+="\\a";break;case"000b":o+="\\v";break;case"001b":o+="\\e";break;case"0085":o+="\\N";break;case"00a0":o+="\\_";break;case"2028":o+="\\L";break;case"2029":o+="\\P";break;default:f.substr(0,2)==="00"?o+="\\x"+f.substr(2):o+=n.substr(u,6)}u+=5,c=u+1}break;case"n":if(r||n[u+2]==='"'||n.length<s)u+=1;else{for(o+=n.slice(c,u)+`

`;n[u+2]==="\\"&&n[u+3]==="n"&&n[u+4]!=='"';)o+=`
`,u+=2;o+=i,n[u+2]===" "&&(o+="\\"),u+=1,c=u+1}break;default:u+=1}return o=c?o+n.slice(c):n,r?o:pr.foldFlowLines(o,i,pr.FOLD_QUOTED,gc(t,!1))}a(Xi,"doubleQuotedString");function _d(e,t){if(t.options.singleQuote===!1||t.implicitKey&&e.includes(`
`)||/[ \t]\n|\n[ \t]/.test(e))return Xi(e,t);let n=t.indent||(yc(e)?"  ":""),r="'"+e.replace(/'/g,"''").replace(/\n+/g,`$&
${n}`)+"'";return t.implicitKey?r:pr.foldFlowLines(r,n,pr.FOLD_FLOW,gc(t,!1))}a(_d,"singleQuotedString");function Us(e,t){let{singleQuote:n}=t.options,r;if(n===!1)r=Xi;else{let s=e.includes('"'),i=e.includes("'");s&&!i?r=_d:i&&!s?r=Xi:r=n?_d:Xi}return r(e,t)}a(Us,"quotedString");var md;try{md=new RegExp(`(^|(?<!
))
+(?!
|$)`,"g")}catch{md=/\n+(?!\n|$)/g}function mc({comment:e,type:t,value:n},r,s,i){let{blockQuote:o,commentString:c,lineWidth:u}=r.options;if(!o||/\n[\t ]+$/.test(n))return Us(n,r);let l=r.indent||(r.forceBlockIndent||yc(n)?"  ":""),f=o==="literal"?!0:o==="folded"||t===bn.Scalar.BLOCK_FOLDED?!1:t===bn.Scalar.BLOCK_LITERAL?!0:!jC(n,u,l.length);if(!n)return f?`|
`:`>
`;let d,p;for(p=n.length;p>0;--p){let L=n[p-1];if(L!==`
`&&L!=="	"&&L!==" ")break}let _=n.substring(p),b=_.indexOf(`
`);b===-1?d="-":n===_||b!==_.length-1?(d="+",i&&i()):d="",_&&(n=n.slice(0,-_.length),_[_.length-1]===`
`&&(_=_.slice(0,-1)),_=_.replace(md,`$&${l}`));let g=!1,y,x=-1;for(y=0;y<n.length;++y){let L=n[y];if(L===" ")g=!0;else if(L===`
`)x=y;else break}let k=n.substring(0,x<y?x+1:y);k&&(n=n.substring(k.length),k=k.replace(/\n+/g,`$&${l}`));let v=(g?l?"2":"1":"")+d;if(e&&(v+=" "+c(e.replace(/ ?[\r\n]+/g," ")),s&&s()),!f){let L=n.replace(/\n+/g,`
$&`).replace(/(?:^|\n)([\t ].*)(?:([\n\t ]*)\n(?![\n\t ]))?/g,"$1$2").replace(/\n+/g,`$&${l}`),K=!1,ee=gc(r,!0);o!=="folded"&&t!==bn.Scalar.BLOCK_FOLDED&&(ee.onOverflow=()=>{K=!0});let P=pr.foldFlowLines(`${k}${L}${_}`,l,pr.FOLD_BLOCK,ee);if(!K)return`>${v}
${l}${P}`}return n=n.replace(/\n+/g,`$&${l}`),`|${v}
${l}${k}${n}${_}`}a(mc,"blockString");function WC(e,t,n,r){let{type:s,value:i}=e,{actualString:o,implicitKey:c,indent:u,indentStep:l,inFlow:f}=t;if(c&&i.includes(`
`)||f&&/[[\]{},]/.test(i))return Us(i,t);if(/^[\n\t ,[\]{}#&*!|>'"%@`]|^[?-]$|^[?-][ \t]|[\n:][ \t]|[ \t]\n|[\n\t ]#|[\n\t :]$/.test(i))return c||f||!i.includes(`
`)?Us(i,t):mc(e,t,n,r);if(!c&&!f&&s!==bn.Scalar.PLAIN&&i.includes(`
`))return mc(e,t,n,r);if(yc(i)){if(u==="")return t.forceBlockIndent=!0,mc(e,t,n,r);if(c&&u===l)return Us(i,t)}let d=i.replace(/\n+/g,`$&
${u}`);if(o){let p=a(g=>g.default&&g.tag!=="tag:yaml.org,2002:str"&&g.test?.test(d),"test"),{compat:_,tags:b}=t.doc.schema;if(b.some(p)||_?.some(p))return Us(i,t)}return c?d:pr.foldFlowLines(d,u,pr.FOLD_FLOW,gc(t,!1))}a(WC,"plainString");function ZC(e,t,n,r){let{implicitKey:s,inFlow:i}=t,o=typeof e.value=="string"?e:Object.assign({},e,{value:String(e.value)}),{type:c}=e;c!==bn.Scalar.QUOTE_DOUBLE&&/[\x00-\x08\x0b-\x1f\x7f-\x9f\u{D800}-\u{DFFF}]/u.test(o.value)&&(c=bn.Scalar.QUOTE_DOUBLE);let u=a(f=>{switch(f){case bn.Scalar.BLOCK_FOLDED:case bn.Scalar.BLOCK_LITERAL:return s||i?Us(o.value,t):mc(o,t,n,r);case bn.Scalar.QUOTE_DOUBLE:return Xi(o.value,t);case bn.Scalar.QUOTE_SINGLE:return _d(o.value,t);case bn.Scalar.PLAIN:return WC(o,t,n,r);default:return null}},"_stringify"),l=u(c);if(l===null){let{defaultKeyType:f,defaultStringType:d}=t.options,p=s&&f||d;if(l=u(p),l===null)throw new Error(`Unsupported default string type ${p}`)}return l}a(ZC,"stringifyString");ww.stringifyString=ZC});var eo=q(gd=>{"use strict";var GC=uc(),_r=qe(),YC=Yi(),VC=Ji();function XC(e,t){let n=Object.assign({blockQuote:!0,commentString:YC.stringifyComment,defaultKeyType:null,defaultStringType:"PLAIN",directives:null,doubleQuotedAsJSON:!1,doubleQuotedMinMultiLineLength:40,falseStr:"false",flowCollectionPadding:!0,indentSeq:!0,lineWidth:80,minContentWidth:20,nullStr:"null",simpleKeys:!1,singleQuote:null,trailingComma:!1,trueStr:"true",verifyAliasOrder:!0},e.schema.toStringOptions,t),r;switch(n.collectionStyle){case"block":r=!1;break;case"flow":r=!0;break;default:r=null}return{anchors:new Set,doc:e,flowCollectionPadding:n.flowCollectionPadding?" ":"",indent:"",indentStep:typeof n.indent=="number"?" ".repeat(n.indent):"  ",inFlow:r,options:n}}a(XC,"createStringifyContext");function JC(e,t){if(t.tag){let s=e.filter(i=>i.tag===t.tag);if(s.length>0)return s.find(i=>i.format===t.format)??s[0]}let n,r;if(_r.isScalar(t)){r=t.value;let s=e.filter(i=>i.identify?.(r));if(s.length>1){let i=s.filter(o=>o.test);i.length>0&&(s=i)}n=s.find(i=>i.format===t.format)??s.find(i=>!i.format)}else r=t,n=e.find(s=>s.nodeClass&&r instanceof s.nodeClass);if(!n){let s=r?.constructor?.name??(r===null?"null":typeof r);throw new Error(`Tag not resolved for ${s} value`)}return n}a(JC,"getTagObject");function eP(e,t,{anchors:n,doc:r}){if(!r.directives)return"";let s=[],i=(_r.isScalar(e)||_r.isCollection(e))&&e.anchor;i&&GC.anchorIsValid(i)&&(n.add(i),s.push(`&${i}`));let o=e.tag??(t.default?null:t.tag);return o&&s.push(r.directives.tagString(o)),s.join(" ")}a(eP,"stringifyProps");function tP(e,t,n,r){if(_r.isPair(e))return e.toString(t,n,r);if(_r.isAlias(e)){if(t.doc.directives)return e.toString(t);if(t.resolvedAliases?.has(e))throw new TypeError("Cannot stringify circular structure without alias nodes");t.resolvedAliases?t.resolvedAliases.add(e):t.resolvedAliases=new Set([e]),e=e.resolve(t.doc)}let s,i=_r.isNode(e)?e:t.doc.createNode(e,{onTagObj:a(u=>s=u,"onTagObj")});s??(s=JC(t.doc.schema.tags,i));let o=eP(i,s,t);o.length>0&&(t.indentAtStart=(t.indentAtStart??0)+o.length+1);let c=typeof s.stringify=="function"?s.stringify(i,t,n,r):_r.isScalar(i)?VC.stringifyString(i,t,n,r):i.toString(t,n,r);return o?_r.isScalar(i)||c[0]==="{"||c[0]==="["?`${o} ${c}`:`${o}
${t.indent}${c}`:c}a(tP,"stringify");gd.createStringifyContext=XC;gd.stringify=tP});var xw=q(Aw=>{"use strict";var Gn=qe(),$w=$t(),bw=eo(),to=Yi();function nP({key:e,value:t},n,r,s){let{allNullValues:i,doc:o,indent:c,indentStep:u,options:{commentString:l,indentSeq:f,simpleKeys:d}}=n,p=Gn.isNode(e)&&e.comment||null;if(d){if(p)throw new Error("With simple keys, key nodes cannot have comments");if(Gn.isCollection(e)||!Gn.isNode(e)&&typeof e=="object"){let ee="With simple keys, collection cannot be used as a key value";throw new Error(ee)}}let _=!d&&(!e||p&&t==null&&!n.inFlow||Gn.isCollection(e)||(Gn.isScalar(e)?e.type===$w.Scalar.BLOCK_FOLDED||e.type===$w.Scalar.BLOCK_LITERAL:typeof e=="object"));n=Object.assign({},n,{allNullValues:!1,implicitKey:!_&&(d||!i),indent:c+u});let b=!1,g=!1,y=bw.stringify(e,n,()=>b=!0,()=>g=!0);if(!_&&!n.inFlow&&y.length>1024){if(d)throw new Error("With simple keys, single line scalar must not span more than 1024 characters");_=!0}if(n.inFlow){if(i||t==null)return b&&r&&r(),y===""?"?":_?`? ${y}`:y}else if(i&&!d||t==null&&_)return y=`? ${y}`,p&&!b?y+=to.lineComment(y,n.indent,l(p)):g&&s&&s(),y;b&&(p=null),_?(p&&(y+=to.lineComment(y,n.indent,l(p))),y=`? ${y}
${c}:`):(y=`${y}:`,p&&(y+=to.lineComment(y,n.indent,l(p))));let x,k,N;Gn.isNode(t)?(x=!!t.spaceBefore,k=t.commentBefore,N=t.comment):(x=!1,k=null,N=null,t&&typeof t=="object"&&(t=o.createNode(t))),n.implicitKey=!1,!_&&!p&&Gn.isScalar(t)&&(n.indentAtStart=y.length+1),g=!1,!f&&u.length>=2&&!n.inFlow&&!_&&Gn.isSeq(t)&&!t.flow&&!t.tag&&!t.anchor&&(n.indent=n.indent.substring(2));let v=!1,L=bw.stringify(t,n,()=>v=!0,()=>g=!0),K=" ";if(p||x||k){if(K=x?`
`:"",k){let ee=l(k);K+=`
${to.indentComment(ee,n.indent)}`}L===""&&!n.inFlow?K===`
`&&N&&(K=`

`):K+=`
${n.indent}`}else if(!_&&Gn.isCollection(t)){let ee=L[0],P=L.indexOf(`
`),Z=P!==-1,j=n.inFlow??t.flow??t.items.length===0;if(Z||!j){let G=!1;if(Z&&(ee==="&"||ee==="!")){let X=L.indexOf(" ");ee==="&"&&X!==-1&&X<P&&L[X+1]==="!"&&(X=L.indexOf(" ",X+1)),(X===-1||P<X)&&(G=!0)}G||(K=`
${n.indent}`)}}else(L===""||L[0]===`
`)&&(K="");return y+=K+L,n.inFlow?v&&r&&r():N&&!v?y+=to.lineComment(y,n.indent,l(N)):g&&s&&s(),y}a(nP,"stringifyPair");Aw.stringifyPair=nP});var wd=q(yd=>{"use strict";var Ew=require("process");function rP(e,...t){e==="debug"&&console.log(...t)}a(rP,"debug");function sP(e,t){(e==="debug"||e==="warn")&&(typeof Ew.emitWarning=="function"?Ew.emitWarning(t):console.warn(t))}a(sP,"warn");yd.debug=rP;yd.warn=sP});var xc=q(Ac=>{"use strict";var bc=qe(),kw=$t(),wc="<<",$c={identify:a(e=>e===wc||typeof e=="symbol"&&e.description===wc,"identify"),default:"key",tag:"tag:yaml.org,2002:merge",test:/^<<$/,resolve:a(()=>Object.assign(new kw.Scalar(Symbol(wc)),{addToJSMap:Sw}),"resolve"),stringify:a(()=>wc,"stringify")},iP=a((e,t)=>($c.identify(t)||bc.isScalar(t)&&(!t.type||t.type===kw.Scalar.PLAIN)&&$c.identify(t.value))&&e?.doc.schema.tags.some(n=>n.tag===$c.tag&&n.default),"isMergeKey");function Sw(e,t,n){let r=vw(e,n);if(bc.isSeq(r))for(let s of r.items)$d(e,t,s);else if(Array.isArray(r))for(let s of r)$d(e,t,s);else $d(e,t,r)}a(Sw,"addMergeToJSMap");function $d(e,t,n){let r=vw(e,n);if(!bc.isMap(r))throw new Error("Merge sources must be maps or map aliases");let s=r.toJSON(null,e,Map);for(let[i,o]of s)t instanceof Map?t.has(i)||t.set(i,o):t instanceof Set?t.add(i):Object.prototype.hasOwnProperty.call(t,i)||Object.defineProperty(t,i,{value:o,writable:!0,enumerable:!0,configurable:!0});return t}a($d,"mergeValue");function vw(e,t){return e&&bc.isAlias(t)?t.resolve(e.doc,e):t}a(vw,"resolveAliasValue");Ac.addMergeToJSMap=Sw;Ac.isMergeKey=iP;Ac.merge=$c});var Ad=q(Pw=>{"use strict";var oP=wd(),Iw=xc(),aP=eo(),Cw=qe(),bd=dr();function cP(e,t,{key:n,value:r}){if(Cw.isNode(n)&&n.addToJSMap)n.addToJSMap(e,t,r);else if(Iw.isMergeKey(e,n))Iw.addMergeToJSMap(e,t,r);else{let s=bd.toJS(n,"",e);if(t instanceof Map)t.set(s,bd.toJS(r,s,e));else if(t instanceof Set)t.add(s);else{let i=uP(n,s,e),o=bd.toJS(r,i,e);i in t?Object.defineProperty(t,i,{value:o,writable:!0,enumerable:!0,configurable:!0}):t[i]=o}}return t}a(cP,"addPairToJSMap");function uP(e,t,n){if(t===null)return"";if(typeof t!="object")return String(t);if(Cw.isNode(e)&&n?.doc){let r=aP.createStringifyContext(n.doc,{});r.anchors=new Set;for(let i of n.anchors.keys())r.anchors.add(i.anchor);r.inFlow=!0,r.inStringifyKey=!0;let s=e.toString(r);if(!n.mapKeyWarned){let i=JSON.stringify(s);i.length>40&&(i=i.substring(0,36)+'..."'),oP.warn(n.doc.options.logLevel,`Keys with collection values will be stringified due to JS Object restrictions: ${i}. Set mapAsMap: true to use object keys.`),n.mapKeyWarned=!0}return s}return JSON.stringify(t)}a(uP,"stringifyKey");Pw.addPairToJSMap=cP});var mr=q(xd=>{"use strict";var Nw=Gi(),lP=xw(),fP=Ad(),Ec=qe();function dP(e,t,n){let r=Nw.createNode(e,void 0,n),s=Nw.createNode(t,void 0,n);return new kc(r,s)}a(dP,"createPair");var kc=class e{static{a(this,"Pair")}constructor(t,n=null){Object.defineProperty(this,Ec.NODE_TYPE,{value:Ec.PAIR}),this.key=t,this.value=n}clone(t){let{key:n,value:r}=this;return Ec.isNode(n)&&(n=n.clone(t)),Ec.isNode(r)&&(r=r.clone(t)),new e(n,r)}toJSON(t,n){let r=n?.mapAsMap?new Map:{};return fP.addPairToJSMap(n,r,this)}toString(t,n,r){return t?.doc?lP.stringifyPair(this,t,n,r):JSON.stringify(this)}};xd.Pair=kc;xd.createPair=dP});var Ed=q(Rw=>{"use strict";var Lr=qe(),Tw=eo(),Sc=Yi();function hP(e,t,n){return(t.inFlow??e.flow?_P:pP)(e,t,n)}a(hP,"stringifyCollection");function pP({comment:e,items:t},n,{blockItemPrefix:r,flowChars:s,itemIndent:i,onChompKeep:o,onComment:c}){let{indent:u,options:{commentString:l}}=n,f=Object.assign({},n,{indent:i,type:null}),d=!1,p=[];for(let b=0;b<t.length;++b){let g=t[b],y=null;if(Lr.isNode(g))!d&&g.spaceBefore&&p.push(""),vc(n,p,g.commentBefore,d),g.comment&&(y=g.comment);else if(Lr.isPair(g)){let k=Lr.isNode(g.key)?g.key:null;k&&(!d&&k.spaceBefore&&p.push(""),vc(n,p,k.commentBefore,d))}d=!1;let x=Tw.stringify(g,f,()=>y=null,()=>d=!0);y&&(x+=Sc.lineComment(x,i,l(y))),d&&y&&(d=!1),p.push(r+x)}let _;if(p.length===0)_=s.start+s.end;else{_=p[0];for(let b=1;b<p.length;++b){let g=p[b];_+=g?`
${u}${g}`:`
`}}return e?(_+=`
`+Sc.indentComment(l(e),u),c&&c()):d&&o&&o(),_}a(pP,"stringifyBlockCollection");function _P({items:e},t,{flowChars:n,itemIndent:r}){let{indent:s,indentStep:i,flowCollectionPadding:o,options:{commentString:c}}=t;r+=i;let u=Object.assign({},t,{indent:r,inFlow:!0,type:null}),l=!1,f=0,d=[];for(let b=0;b<e.length;++b){let g=e[b],y=null;if(Lr.isNode(g))g.spaceBefore&&d.push(""),vc(t,d,g.commentBefore,!1),g.comment&&(y=g.comment);else if(Lr.isPair(g)){let k=Lr.isNode(g.key)?g.key:null;k&&(k.spaceBefore&&d.push(""),vc(t,d,k.commentBefore,!1),k.comment&&(l=!0));let N=Lr.isNode(g.value)?g.value:null;N?(N.comment&&(y=N.comment),N.commentBefore&&(l=!0)):g.value==null&&k?.comment&&(y=k.comment)}y&&(l=!0);let x=Tw.stringify(g,u,()=>y=null);l||(l=d.length>f||x.includes(`
`)),b<e.length-1?x+=",":t.options.trailingComma&&(t.options.lineWidth>0&&(l||(l=d.reduce((k,N)=>k+N.length+2,2)+(x.length+2)>t.options.lineWidth)),l&&(x+=",")),y&&(x+=Sc.lineComment(x,r,c(y))),d.push(x),f=d.length}let{start:p,end:_}=n;if(d.length===0)return p+_;if(!l){let b=d.reduce((g,y)=>g+y.length+2,2);l=t.options.lineWidth>0&&b>t.options.lineWidth}if(l){let b=p;for(let g of d)b+=g?`
${i}${s}${g}`:`
`;return`${b}
${s}${_}`}else return`${p}${o}${d.join(" ")}${o}${_}`}a(_P,"stringifyFlowCollection");function vc({indent:e,options:{commentString:t}},n,r,s){if(r&&s&&(r=r.replace(/^\n+/,"")),r){let i=Sc.indentComment(t(r),e);n.push(i.trimStart())}}a(vc,"addCommentBefore");Rw.stringifyCollection=hP});var yr=q(Sd=>{"use strict";var mP=Ed(),gP=Ad(),yP=hc(),gr=qe(),Ic=mr(),wP=$t();function no(e,t){let n=gr.isScalar(t)?t.value:t;for(let r of e)if(gr.isPair(r)&&(r.key===t||r.key===n||gr.isScalar(r.key)&&r.key.value===n))return r}a(no,"findPair");var kd=class extends yP.Collection{static{a(this,"YAMLMap")}static get tagName(){return"tag:yaml.org,2002:map"}constructor(t){super(gr.MAP,t),this.items=[]}static from(t,n,r){let{keepUndefined:s,replacer:i}=r,o=new this(t),c=a((u,l)=>{if(typeof i=="function")l=i.call(n,u,l);else if(Array.isArray(i)&&!i.includes(u))return;(l!==void 0||s)&&o.items.push(Ic.createPair(u,l,r))},"add");if(n instanceof Map)for(let[u,l]of n)c(u,l);else if(n&&typeof n=="object")for(let u of Object.keys(n))c(u,n[u]);return typeof t.sortMapEntries=="function"&&o.items.sort(t.sortMapEntries),o}add(t,n){let r;gr.isPair(t)?r=t:!t||typeof t!="object"||!("key"in t)?r=new Ic.Pair(t,t?.value):r=new Ic.Pair(t.key,t.value);let s=no(this.items,r.key),i=this.schema?.sortMapEntries;if(s){if(!n)throw new Error(`Key ${r.key} already set`);gr.isScalar(s.value)&&wP.isScalarValue(r.value)?s.value.value=r.value:s.value=r.value}else if(i){let o=this.items.findIndex(c=>i(r,c)<0);o===-1?this.items.push(r):this.items.splice(o,0,r)}else this.items.push(r)}delete(t){let n=no(this.items,t);return n?this.items.splice(this.items.indexOf(n),1).length>0:!1}get(t,n){let s=no(this.items,t)?.value;return(!n&&gr.isScalar(s)?s.value:s)??void 0}has(t){return!!no(this.items,t)}set(t,n){this.add(new Ic.Pair(t,n),!0)}toJSON(t,n,r){let s=r?new r:n?.mapAsMap?new Map:{};n?.onCreate&&n.onCreate(s);for(let i of this.items)gP.addPairToJSMap(n,s,i);return s}toString(t,n,r){if(!t)return JSON.stringify(this);for(let s of this.items)if(!gr.isPair(s))throw new Error(`Map items must all be pairs; found ${JSON.stringify(s)} instead`);return!t.allNullValues&&this.hasAllNullValues(!1)&&(t=Object.assign({},t,{allNullValues:!0})),mP.stringifyCollection(this,t,{blockItemPrefix:"",flowChars:{start:"{",end:"}"},itemIndent:t.indent||"",onChompKeep:r,onComment:n})}};Sd.YAMLMap=kd;Sd.findPair=no});var Ms=q(Bw=>{"use strict";var $P=qe(),Ow=yr(),bP={collection:"map",default:!0,nodeClass:Ow.YAMLMap,tag:"tag:yaml.org,2002:map",resolve(e,t){return $P.isMap(e)||t("Expected a mapping for this tag"),e},createNode:a((e,t,n)=>Ow.YAMLMap.from(e,t,n),"createNode")};Bw.map=bP});var wr=q(Lw=>{"use strict";var AP=Gi(),xP=Ed(),EP=hc(),Pc=qe(),kP=$t(),SP=dr(),vd=class extends EP.Collection{static{a(this,"YAMLSeq")}static get tagName(){return"tag:yaml.org,2002:seq"}constructor(t){super(Pc.SEQ,t),this.items=[]}add(t){this.items.push(t)}delete(t){let n=Cc(t);return typeof n!="number"?!1:this.items.splice(n,1).length>0}get(t,n){let r=Cc(t);if(typeof r!="number")return;let s=this.items[r];return!n&&Pc.isScalar(s)?s.value:s}has(t){let n=Cc(t);return typeof n=="number"&&n<this.items.length}set(t,n){let r=Cc(t);if(typeof r!="number")throw new Error(`Expected a valid index, not ${t}.`);let s=this.items[r];Pc.isScalar(s)&&kP.isScalarValue(n)?s.value=n:this.items[r]=n}toJSON(t,n){let r=[];n?.onCreate&&n.onCreate(r);let s=0;for(let i of this.items)r.push(SP.toJS(i,String(s++),n));return r}toString(t,n,r){return t?xP.stringifyCollection(this,t,{blockItemPrefix:"- ",flowChars:{start:"[",end:"]"},itemIndent:(t.indent||"")+"  ",onChompKeep:r,onComment:n}):JSON.stringify(this)}static from(t,n,r){let{replacer:s}=r,i=new this(t);if(n&&Symbol.iterator in Object(n)){let o=0;for(let c of n){if(typeof s=="function"){let u=n instanceof Set?c:String(o++);c=s.call(n,u,c)}i.items.push(AP.createNode(c,void 0,r))}}return i}};function Cc(e){let t=Pc.isScalar(e)?e.value:e;return t&&typeof t=="string"&&(t=Number(t)),typeof t=="number"&&Number.isInteger(t)&&t>=0?t:null}a(Cc,"asItemIndex");Lw.YAMLSeq=vd});var Fs=q(Uw=>{"use strict";var vP=qe(),Dw=wr(),IP={collection:"seq",default:!0,nodeClass:Dw.YAMLSeq,tag:"tag:yaml.org,2002:seq",resolve(e,t){return vP.isSeq(e)||t("Expected a sequence for this tag"),e},createNode:a((e,t,n)=>Dw.YAMLSeq.from(e,t,n),"createNode")};Uw.seq=IP});var ro=q(Mw=>{"use strict";var CP=Ji(),PP={identify:a(e=>typeof e=="string","identify"),default:!0,tag:"tag:yaml.org,2002:str",resolve:a(e=>e,"resolve"),stringify(e,t,n,r){return t=Object.assign({actualString:!0},t),CP.stringifyString(e,t,n,r)}};Mw.string=PP});var Nc=q(zw=>{"use strict";var Fw=$t(),Hw={identify:a(e=>e==null,"identify"),createNode:a(()=>new Fw.Scalar(null),"createNode"),default:!0,tag:"tag:yaml.org,2002:null",test:/^(?:~|[Nn]ull|NULL)?$/,resolve:a(()=>new Fw.Scalar(null),"resolve"),stringify:a(({source:e},t)=>typeof e=="string"&&Hw.test.test(e)?e:t.options.nullStr,"stringify")};zw.nullTag=Hw});var Id=q(qw=>{"use strict";var NP=$t(),Kw={identify:a(e=>typeof e=="boolean","identify"),default:!0,tag:"tag:yaml.org,2002:bool",test:/^(?:[Tt]rue|TRUE|[Ff]alse|FALSE)$/,resolve:a(e=>new NP.Scalar(e[0]==="t"||e[0]==="T"),"resolve"),stringify({source:e,value:t},n){if(e&&Kw.test.test(e)){let r=e[0]==="t"||e[0]==="T";if(t===r)return e}return t?n.options.trueStr:n.options.falseStr}};qw.boolTag=Kw});var Hs=q(Qw=>{"use strict";function TP({format:e,minFractionDigits:t,tag:n,value:r}){if(typeof r=="bigint")return String(r);let s=typeof r=="number"?r:Number(r);if(!isFinite(s))return isNaN(s)?".nan":s<0?"-.inf":".inf";let i=Object.is(r,-0)?"-0":JSON.stringify(r);if(!e&&t&&(!n||n==="tag:yaml.org,2002:float")&&/^-?\d/.test(i)&&!i.includes("e")){let o=i.indexOf(".");o<0&&(o=i.length,i+=".");let c=t-(i.length-o-1);for(;c-- >0;)i+="0"}return i}a(TP,"stringifyNumber");Qw.stringifyNumber=TP});var Pd=q(Tc=>{"use strict";var RP=$t(),Cd=Hs(),OP={identify:a(e=>typeof e=="number","identify"),default:!0,tag:"tag:yaml.org,2002:float",test:/^(?:[-+]?\.(?:inf|Inf|INF)|\.nan|\.NaN|\.NAN)$/,resolve:a(e=>e.slice(-3).toLowerCase()==="nan"?NaN:e[0]==="-"?Number.NEGATIVE_INFINITY:Number.POSITIVE_INFINITY,"resolve"),stringify:Cd.stringifyNumber},BP={identify:a(e=>typeof e=="number","identify"),default:!0,tag:"tag:yaml.org,2002:float",format:"EXP",test:/^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+$/,resolve:a(e=>parseFloat(e),"resolve"),stringify(e){let t=Number(e.value);return isFinite(t)?t.toExponential():Cd.stringifyNumber(e)}},LP={identify:a(e=>typeof e=="number","identify"),default:!0,tag:"tag:yaml.org,2002:float",test:/^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)$/,resolve(e){let t=new RP.Scalar(parseFloat(e)),n=e.indexOf(".");return n!==-1&&e[e.length-1]==="0"&&(t.minFractionDigits=e.length-n-1),t},stringify:Cd.stringifyNumber};Tc.float=LP;Tc.floatExp=BP;Tc.floatNaN=OP});var Td=q(Oc=>{"use strict";var jw=Hs(),Rc=a(e=>typeof e=="bigint"||Number.isInteger(e),"intIdentify"),Nd=a((e,t,n,{intAsBigInt:r})=>r?BigInt(e):parseInt(e.substring(t),n),"intResolve");function Ww(e,t,n){let{value:r}=e;return Rc(r)&&r>=0?n+r.toString(t):jw.stringifyNumber(e)}a(Ww,"intStringify");var DP={identify:a(e=>Rc(e)&&e>=0,"identify"),default:!0,tag:"tag:yaml.org,2002:int",format:"OCT",test:/^0o[0-7]+$/,resolve:a((e,t,n)=>Nd(e,2,8,n),"resolve"),stringify:a(e=>Ww(e,8,"0o"),"stringify")},UP={identify:Rc,default:!0,tag:"tag:yaml.org,2002:int",test:/^[-+]?[0-9]+$/,resolve:a((e,t,n)=>Nd(e,0,10,n),"resolve"),stringify:jw.stringifyNumber},MP={identify:a(e=>Rc(e)&&e>=0,"identify"),default:!0,tag:"tag:yaml.org,2002:int",format:"HEX",test:/^0x[0-9a-fA-F]+$/,resolve:a((e,t,n)=>Nd(e,2,16,n),"resolve"),stringify:a(e=>Ww(e,16,"0x"),"stringify")};Oc.int=UP;Oc.intHex=MP;Oc.intOct=DP});var Gw=q(Zw=>{"use strict";var FP=Ms(),HP=Nc(),zP=Fs(),KP=ro(),qP=Id(),Rd=Pd(),Od=Td(),QP=[FP.map,zP.seq,KP.string,HP.nullTag,qP.boolTag,Od.intOct,Od.int,Od.intHex,Rd.floatNaN,Rd.floatExp,Rd.float];Zw.schema=QP});var Xw=q(Vw=>{"use strict";var jP=$t(),WP=Ms(),ZP=Fs();function Yw(e){return typeof e=="bigint"||Number.isInteger(e)}a(Yw,"intIdentify");var Bc=a(({value:e})=>JSON.stringify(e),"stringifyJSON"),GP=[{identify:a(e=>typeof e=="string","identify"),default:!0,tag:"tag:yaml.org,2002:str",resolve:a(e=>e,"resolve"),stringify:Bc},{identify:a(e=>e==null,"identify"),createNode:a(()=>new jP.Scalar(null),"createNode"),default:!0,tag:"tag:yaml.org,2002:null",test:/^null$/,resolve:a(()=>null,"resolve"),stringify:Bc},{identify:a(e=>typeof e=="boolean","identify"),default:!0,tag:"tag:yaml.org,2002:bool",test:/^true$|^false$/,resolve:a(e=>e==="true","resolve"),stringify:Bc},{identify:Yw,default:!0,tag:"tag:yaml.org,2002:int",test:/^-?(?:0|[1-9][0-9]*)$/,resolve:a((e,t,{intAsBigInt:n})=>n?BigInt(e):parseInt(e,10),"resolve"),stringify:a(({value:e})=>Yw(e)?e.toString():JSON.stringify(e),"stringify")},{identify:a(e=>typeof e=="number","identify"),default:!0,tag:"tag:yaml.org,2002:float",test:/^-?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?$/,resolve:a(e=>parseFloat(e),"resolve"),stringify:Bc}],YP={default:!0,tag:"",test:/^/,resolve(e,t){return t(`Unresolved plain scalar ${JSON.stringify(e)}`),e}},VP=[WP.map,ZP.seq].concat(GP,YP);Vw.schema=VP});var Ld=q(Jw=>{"use strict";var so=require("buffer"),Bd=$t(),XP=Ji(),JP={identify:a(e=>e instanceof Uint8Array,"identify"),default:!1,tag:"tag:yaml.org,2002:binary",resolve(e,t){if(typeof so.Buffer=="function")return so.Buffer.from(e,"base64");if(typeof atob=="function"){let n=atob(e.replace(/[\n\r]/g,"")),r=new Uint8Array(n.length);for(let s=0;s<n.length;++s)r[s]=n.charCodeAt(s);return r}else return t("This environment does not support reading binary tags; either Buffer or atob is required"),e},stringify({comment:e,type:t,value:n},r,s,i){if(!n)return"";let o=n,c;if(typeof so.Buffer=="function")c=o instanceof so.Buffer?o.toString("base64"):so.Buffer.from(o.buffer).toString("base64");else if(typeof btoa=="function"){let u="";for(let l=0;l<o.length;++l)u+=String.fromCharCode(o[l]);c=btoa(u)}else throw new Error("This environment does not support writing binary tags; either Buffer or btoa is required");if(t??(t=Bd.Scalar.BLOCK_LITERAL),t!==Bd.Scalar.QUOTE_DOUBLE){let u=Math.max(r.options.lineWidth-r.indent.length,r.options.minContentWidth),l=Math.ceil(c.length/u),f=new Array(l);for(let d=0,p=0;d<l;++d,p+=u)f[d]=c.substr(p,u);c=f.join(t===Bd.Scalar.BLOCK_LITERAL?`
`:" ")}return XP.stringifyString({comment:e,type:t,value:c},r,s,i)}};Jw.binary=JP});var Uc=q(Dc=>{"use strict";var Lc=qe(),Dd=mr(),eN=$t(),tN=wr();function e$(e,t){if(Lc.isSeq(e))for(let n=0;n<e.items.length;++n){let r=e.items[n];if(!Lc.isPair(r)){if(Lc.isMap(r)){r.items.length>1&&t("Each pair must have its own sequence indicator");let s=r.items[0]||new Dd.Pair(new eN.Scalar(null));if(r.commentBefore&&(s.key.commentBefore=s.key.commentBefore?`${r.commentBefore}
${s.key.commentBefore}`:r.commentBefore),r.comment){let i=s.value??s.key;i.comment=i.comment?`${r.comment}
${i.comment}`:r.comment}r=s}e.items[n]=Lc.isPair(r)?r:new Dd.Pair(r)}}else t("Expected a sequence for this tag");return e}a(e$,"resolvePairs");function t$(e,t,n){let{replacer:r}=n,s=new tN.YAMLSeq(e);s.tag="tag:yaml.org,2002:pairs";let i=0;if(t&&Symbol.iterator in Object(t))for(let o of t){typeof r=="function"&&(o=r.call(t,String(i++),o));let c,u;if(Array.isArray(o))if(o.length===2)c=o[0],u=o[1];else throw new TypeError(`Expected [key, value] tuple: ${o}`);else if(o&&o instanceof Object){let l=Object.keys(o);if(l.length===1)c=l[0],u=o[c];else throw new TypeError(`Expected tuple with one key, not ${l.length} keys`)}else c=o;s.items.push(Dd.createPair(c,u,n))}return s}a(t$,"createPairs");var nN={collection:"seq",default:!1,tag:"tag:yaml.org,2002:pairs",resolve:e$,createNode:t$};Dc.createPairs=t$;Dc.pairs=nN;Dc.resolvePairs=e$});var Fd=q(Md=>{"use strict";var n$=qe(),Ud=dr(),io=yr(),rN=wr(),r$=Uc(),Dr=class e extends rN.YAMLSeq{static{a(this,"YAMLOMap")}constructor(){super(),this.add=io.YAMLMap.prototype.add.bind(this),this.delete=io.YAMLMap.prototype.delete.bind(this),this.get=io.YAMLMap.prototype.get.bind(this),this.has=io.YAMLMap.prototype.has.bind(this),this.set=io.YAMLMap.prototype.set.bind(this),this.tag=e.tag}toJSON(t,n){if(!n)return super.toJSON(t);let r=new Map;n?.onCreate&&n.onCreate(r);for(let s of this.items){let i,o;if(n$.isPair(s)?(i=Ud.toJS(s.key,"",n),o=Ud.toJS(s.value,i,n)):i=Ud.toJS(s,"",n),r.has(i))throw new Error("Ordered maps must not include duplicate keys");r.set(i,o)}return r}static from(t,n,r){let s=r$.createPairs(t,n,r),i=new this;return i.items=s.items,i}};Dr.tag="tag:yaml.org,2002:omap";var sN={collection:"seq",identify:a(e=>e instanceof Map,"identify"),nodeClass:Dr,default:!1,tag:"tag:yaml.org,2002:omap",resolve(e,t){let n=r$.resolvePairs(e,t),r=[];for(let{key:s}of n.items)n$.isScalar(s)&&(r.includes(s.value)?t(`Ordered maps must not include duplicate keys: ${s.value}`):r.push(s.value));return Object.assign(new Dr,n)},createNode:a((e,t,n)=>Dr.from(e,t,n),"createNode")};Md.YAMLOMap=Dr;Md.omap=sN});var c$=q(Hd=>{"use strict";var s$=$t();function i$({value:e,source:t},n){return t&&(e?o$:a$).test.test(t)?t:e?n.options.trueStr:n.options.falseStr}a(i$,"boolStringify");var o$={identify:a(e=>e===!0,"identify"),default:!0,tag:"tag:yaml.org,2002:bool",test:/^(?:Y|y|[Yy]es|YES|[Tt]rue|TRUE|[Oo]n|ON)$/,resolve:a(()=>new s$.Scalar(!0),"resolve"),stringify:i$},a$={identify:a(e=>e===!1,"identify"),default:!0,tag:"tag:yaml.org,2002:bool",test:/^(?:N|n|[Nn]o|NO|[Ff]alse|FALSE|[Oo]ff|OFF)$/,resolve:a(()=>new s$.Scalar(!1),"resolve"),stringify:i$};Hd.falseTag=a$;Hd.trueTag=o$});var u$=q(Mc=>{"use strict";var iN=$t(),zd=Hs(),oN={identify:a(e=>typeof e=="number","identify"),default:!0,tag:"tag:yaml.org,2002:float",test:/^(?:[-+]?\.(?:inf|Inf|INF)|\.nan|\.NaN|\.NAN)$/,resolve:a(e=>e.slice(-3).toLowerCase()==="nan"?NaN:e[0]==="-"?Number.NEGATIVE_INFINITY:Number.POSITIVE_INFINITY,"resolve"),stringify:zd.stringifyNumber},aN={identify:a(e=>typeof e=="number","identify"),default:!0,tag:"tag:yaml.org,2002:float",format:"EXP",test:/^[-+]?(?:[0-9][0-9_]*)?(?:\.[0-9_]*)?[eE][-+]?[0-9]+$/,resolve:a(e=>parseFloat(e.replace(/_/g,"")),"resolve"),stringify(e){let t=Number(e.value);return isFinite(t)?t.toExponential():zd.stringifyNumber(e)}},cN={identify:a(e=>typeof e=="number","identify"),default:!0,tag:"tag:yaml.org,2002:float",test:/^[-+]?(?:[0-9][0-9_]*)?\.[0-9_]*$/,resolve(e){let t=new iN.Scalar(parseFloat(e.replace(/_/g,""))),n=e.indexOf(".");if(n!==-1){let r=e.substring(n+1).replace(/_/g,"");r[r.length-1]==="0"&&(t.minFractionDigits=r.length)}return t},stringify:zd.stringifyNumber};Mc.float=cN;Mc.floatExp=aN;Mc.floatNaN=oN});var f$=q(ao=>{"use strict";var l$=Hs(),oo=a(e=>typeof e=="bigint"||Number.isInteger(e),"intIdentify");function Fc(e,t,n,{intAsBigInt:r}){let s=e[0];if((s==="-"||s==="+")&&(t+=1),e=e.substring(t).replace(/_/g,""),r){switch(n){case 2:e=`0b${e}`;break;case 8:e=`0o${e}`;break;case 16:e=`0x${e}`;break}let o=BigInt(e);return s==="-"?BigInt(-1)*o:o}let i=parseInt(e,n);return s==="-"?-1*i:i}a(Fc,"intResolve");function Kd(e,t,n){let{value:r}=e;if(oo(r)){let s=r.toString(t);return r<0?"-"+n+s.substr(1):n+s}return l$.stringifyNumber(e)}a(Kd,"intStringify");var uN={identify:oo,default:!0,tag:"tag:yaml.org,2002:int",format:"BIN",test:/^[-+]?0b[0-1_]+$/,resolve:a((e,t,n)=>Fc(e,2,2,n),"resolve"),stringify:a(e=>Kd(e,2,"0b"),"stringify")},lN={identify:oo,default:!0,tag:"tag:yaml.org,2002:int",format:"OCT",test:/^[-+]?0[0-7_]+$/,resolve:a((e,t,n)=>Fc(e,1,8,n),"resolve"),stringify:a(e=>Kd(e,8,"0"),"stringify")},fN={identify:oo,default:!0,tag:"tag:yaml.org,2002:int",test:/^[-+]?[0-9][0-9_]*$/,resolve:a((e,t,n)=>Fc(e,0,10,n),"resolve"),stringify:l$.stringifyNumber},dN={identify:oo,default:!0,tag:"tag:yaml.org,2002:int",format:"HEX",test:/^[-+]?0x[0-9a-fA-F_]+$/,resolve:a((e,t,n)=>Fc(e,2,16,n),"resolve"),stringify:a(e=>Kd(e,16,"0x"),"stringify")};ao.int=fN;ao.intBin=uN;ao.intHex=dN;ao.intOct=lN});var Qd=q(qd=>{"use strict";var Kc=qe(),Hc=mr(),zc=yr(),Ur=class e extends zc.YAMLMap{static{a(this,"YAMLSet")}constructor(t){super(t),this.tag=e.tag}add(t){let n;Kc.isPair(t)?n=t:t&&typeof t=="object"&&"key"in t&&"value"in t&&t.value===null?n=new Hc.Pair(t.key,null):n=new Hc.Pair(t,null),zc.findPair(this.items,n.key)||this.items.push(n)}get(t,n){let r=zc.findPair(this.items,t);return!n&&Kc.isPair(r)?Kc.isScalar(r.key)?r.key.value:r.key:r}set(t,n){if(typeof n!="boolean")throw new Error(`Expected boolean value for set(key, value) in a YAML set, not ${typeof n}`);let r=zc.findPair(this.items,t);r&&!n?this.items.splice(this.items.indexOf(r),1):!r&&n&&this.items.push(new Hc.Pair(t))}toJSON(t,n){return super.toJSON(t,n,Set)}toString(t,n,r){if(!t)return JSON.stringify(this);if(this.hasAllNullValues(!0))return super.toString(Object.assign({},t,{allNullValues:!0}),n,r);throw new Error("Set items must all have null values")}static from(t,n,r){let{replacer:s}=r,i=new this(t);if(n&&Symbol.iterator in Object(n))for(let o of n)typeof s=="function"&&(o=s.call(n,o,o)),i.items.push(Hc.createPair(o,null,r));return i}};Ur.tag="tag:yaml.org,2002:set";var hN={collection:"map",identify:a(e=>e instanceof Set,"identify"),nodeClass:Ur,default:!1,tag:"tag:yaml.org,2002:set",createNode:a((e,t,n)=>Ur.from(e,t,n),"createNode"),resolve(e,t){if(Kc.isMap(e)){if(e.hasAllNullValues(!0))return Object.assign(new Ur,e);t("Set items must all have null values")}else t("Expected a mapping for this tag");return e}};qd.YAMLSet=Ur;qd.set=hN});var Wd=q(qc=>{"use strict";var pN=Hs();function jd(e,t){let n=e[0],r=n==="-"||n==="+"?e.substring(1):e,s=a(o=>t?BigInt(o):Number(o),"num"),i=r.replace(/_/g,"").split(":").reduce((o,c)=>o*s(60)+s(c),s(0));return n==="-"?s(-1)*i:i}a(jd,"parseSexagesimal");function d$(e){let{value:t}=e,n=a(o=>o,"num");if(typeof t=="bigint")n=a(o=>BigInt(o),"num");else if(isNaN(t)||!isFinite(t))return pN.stringifyNumber(e);let r="";t<0&&(r="-",t*=n(-1));let s=n(60),i=[t%s];return t<60?i.unshift(0):(t=(t-i[0])/s,i.unshift(t%s),t>=60&&(t=(t-i[0])/s,i.unshift(t))),r+i.map(o=>String(o).padStart(2,"0")).join(":").replace(/000000\d*$/,"")}a(d$,"stringifySexagesimal");var _N={identify:a(e=>typeof e=="bigint"||Number.isInteger(e),"identify"),default:!0,tag:"tag:yaml.org,2002:int",format:"TIME",test:/^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+$/,resolve:a((e,t,{intAsBigInt:n})=>jd(e,n),"resolve"),stringify:d$},mN={identify:a(e=>typeof e=="number","identify"),default:!0,tag:"tag:yaml.org,2002:float",format:"TIME",test:/^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*$/,resolve:a(e=>jd(e,!1),"resolve"),stringify:d$},h$={identify:a(e=>e instanceof Date,"identify"),default:!0,tag:"tag:yaml.org,2002:timestamp",test:RegExp("^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:(?:t|T|[ \\t]+)([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2}(\\.[0-9]+)?)(?:[ \\t]*(Z|[-+][012]?[0-9](?::[0-9]{2})?))?)?$"),resolve(e){let t=e.match(h$.test);if(!t)throw new Error("!!timestamp expects a date, starting with yyyy-mm-dd");let[,n,r,s,i,o,c]=t.map(Number),u=t[7]?Number((t[7]+"00").substr(1,3)):0,l=Date.UTC(n,r-1,s,i||0,o||0,c||0,u),f=t[8];if(f&&f!=="Z"){let d=jd(f,!1);Math.abs(d)<30&&(d*=60),l-=6e4*d}return new Date(l)},stringify:a(({value:e})=>e?.toISOString().replace(/(T00:00:00)?\.000Z$/,"")??"","stringify")};qc.floatTime=mN;qc.intTime=_N;qc.timestamp=h$});var m$=q(_$=>{"use strict";var gN=Ms(),yN=Nc(),wN=Fs(),$N=ro(),bN=Ld(),p$=c$(),Zd=u$(),Qc=f$(),AN=xc(),xN=Fd(),EN=Uc(),kN=Qd(),Gd=Wd(),SN=[gN.map,wN.seq,$N.string,yN.nullTag,p$.trueTag,p$.falseTag,Qc.intBin,Qc.intOct,Qc.int,Qc.intHex,Zd.floatNaN,Zd.floatExp,Zd.float,bN.binary,AN.merge,xN.omap,EN.pairs,kN.set,Gd.intTime,Gd.floatTime,Gd.timestamp];_$.schema=SN});var S$=q(Xd=>{"use strict";var $$=Ms(),vN=Nc(),b$=Fs(),IN=ro(),CN=Id(),Yd=Pd(),Vd=Td(),PN=Gw(),NN=Xw(),A$=Ld(),co=xc(),x$=Fd(),E$=Uc(),g$=m$(),k$=Qd(),jc=Wd(),y$=new Map([["core",PN.schema],["failsafe",[$$.map,b$.seq,IN.string]],["json",NN.schema],["yaml11",g$.schema],["yaml-1.1",g$.schema]]),w$={binary:A$.binary,bool:CN.boolTag,float:Yd.float,floatExp:Yd.floatExp,floatNaN:Yd.floatNaN,floatTime:jc.floatTime,int:Vd.int,intHex:Vd.intHex,intOct:Vd.intOct,intTime:jc.intTime,map:$$.map,merge:co.merge,null:vN.nullTag,omap:x$.omap,pairs:E$.pairs,seq:b$.seq,set:k$.set,timestamp:jc.timestamp},TN={"tag:yaml.org,2002:binary":A$.binary,"tag:yaml.org,2002:merge":co.merge,"tag:yaml.org,2002:omap":x$.omap,"tag:yaml.org,2002:pairs":E$.pairs,"tag:yaml.org,2002:set":k$.set,"tag:yaml.org,2002:timestamp":jc.timestamp};function RN(e,t,n){let r=y$.get(t);if(r&&!e)return n&&!r.includes(co.merge)?r.concat(co.merge):r.slice();let s=r;if(!s)if(Array.isArray(e))s=[];else{let i=Array.from(y$.keys()).filter(o=>o!=="yaml11").map(o=>JSON.stringify(o)).join(", ");throw new Error(`Unknown schema "${t}"; use one of ${i} or define customTags array`)}if(Array.isArray(e))for(let i of e)s=s.concat(i);else typeof e=="function"&&(s=e(s.slice()));return n&&(s=s.concat(co.merge)),s.reduce((i,o)=>{let c=typeof o=="string"?w$[o]:o;if(!c){let u=JSON.stringify(o),l=Object.keys(w$).map(f=>JSON.stringify(f)).join(", ");throw new Error(`Unknown custom tag ${u}; use one of ${l}`)}return i.includes(c)||i.push(c),i},[])}a(RN,"getTags");Xd.coreKnownTags=TN;Xd.getTags=RN});var th=q(v$=>{"use strict";var Jd=qe(),ON=Ms(),BN=Fs(),LN=ro(),Wc=S$(),DN=a((e,t)=>e.key<t.key?-1:e.key>t.key?1:0,"sortMapEntriesByKey"),eh=class e{static{a(this,"Schema")}constructor({compat:t,customTags:n,merge:r,resolveKnownTags:s,schema:i,sortMapEntries:o,toStringDefaults:c}){this.compat=Array.isArray(t)?Wc.getTags(t,"compat"):t?Wc.getTags(null,t):null,this.name=typeof i=="string"&&i||"core",this.knownTags=s?Wc.coreKnownTags:{},this.tags=Wc.getTags(n,this.name,r),this.toStringOptions=c??null,Object.defineProperty(this,Jd.MAP,{value:ON.map}),Object.defineProperty(this,Jd.SCALAR,{value:LN.string}),Object.defineProperty(this,Jd.SEQ,{value:BN.seq}),this.sortMapEntries=typeof o=="function"?o:o===!0?DN:null}clone(){let t=Object.create(e.prototype,Object.getOwnPropertyDescriptors(this));return t.tags=this.tags.slice(),t}};v$.Schema=eh});var C$=q(I$=>{"use strict";var UN=qe(),nh=eo(),uo=Yi();function MN(e,t){let n=[],r=t.directives===!0;if(t.directives!==!1&&e.directives){let u=e.directives.toString(e);u?(n.push(u),r=!0):e.directives.docStart&&(r=!0)}r&&n.push("---");let s=nh.createStringifyContext(e,t),{commentString:i}=s.options;if(e.commentBefore){n.length!==1&&n.unshift("");let u=i(e.commentBefore);n.unshift(uo.indentComment(u,""))}let o=!1,c=null;if(e.contents){if(UN.isNode(e.contents)){if(e.contents.spaceBefore&&r&&n.push(""),e.contents.commentBefore){let f=i(e.contents.commentBefore);n.push(uo.indentComment(f,""))}s.forceBlockIndent=!!e.comment,c=e.contents.comment}let u=c?void 0:()=>o=!0,l=nh.stringify(e.contents,s,()=>c=null,u);c&&(l+=uo.lineComment(l,"",i(c))),(l[0]==="|"||l[0]===">")&&n[n.length-1]==="---"?n[n.length-1]=`--- ${l}`:n.push(l)}else n.push(nh.stringify(e.contents,s));if(e.directives?.docEnd)if(e.comment){let u=i(e.comment);u.includes(`
`)?(n.push("..."),n.push(uo.indentComment(u,""))):n.push(`... ${u}`)}else n.push("...");else{let u=e.comment;u&&o&&(u=u.replace(/^\n+/,"")),u&&((!o||c)&&n[n.length-1]!==""&&n.push(""),n.push(uo.indentComment(i(u),"")))}return n.join(`
`)+`
`}a(MN,"stringifyDocument");I$.stringifyDocument=MN});var lo=q(P$=>{"use strict";var FN=Zi(),zs=hc(),cn=qe(),HN=mr(),zN=dr(),KN=th(),qN=C$(),rh=uc(),QN=ad(),jN=Gi(),sh=od(),ih=class e{static{a(this,"Document")}constructor(t,n,r){this.commentBefore=null,this.comment=null,this.errors=[],this.warnings=[],Object.defineProperty(this,cn.NODE_TYPE,{value:cn.DOC});let s=null;typeof n=="function"||Array.isArray(n)?s=n:r===void 0&&n&&(r=n,n=void 0);let i=Object.assign({intAsBigInt:!1,keepSourceTokens:!1,logLevel:"warn",prettyErrors:!0,strict:!0,stringKeys:!1,uniqueKeys:!0,version:"1.2"},r);this.options=i;let{version:o}=i;r?._directives?(this.directives=r._directives.atDocument(),this.directives.yaml.explicit&&(o=this.directives.yaml.version)):this.directives=new sh.Directives({version:o}),this.setSchema(o,r),this.contents=t===void 0?null:this.createNode(t,s,r)}clone(){let t=Object.create(e.prototype,{[cn.NODE_TYPE]:{value:cn.DOC}});return t.commentBefore=this.commentBefore,t.comment=this.comment,t.errors=this.errors.slice(),t.warnings=this.warnings.slice(),t.options=Object.assign({},this.options),this.directives&&(t.directives=this.directives.clone()),t.schema=this.schema.clone(),t.contents=cn.isNode(this.contents)?this.contents.clone(t.schema):this.contents,this.range&&(t.range=this.range.slice()),t}add(t){Ks(this.contents)&&this.contents.add(t)}addIn(t,n){Ks(this.contents)&&this.contents.addIn(t,n)}createAlias(t,n){if(!t.anchor){let r=rh.anchorNames(this);t.anchor=!n||r.has(n)?rh.findNewAnchor(n||"a",r):n}return new FN.Alias(t.anchor)}createNode(t,n,r){let s;if(typeof n=="function")t=n.call({"":t},"",t),s=n;else if(Array.isArray(n)){let y=a(k=>typeof k=="number"||k instanceof String||k instanceof Number,"keyToStr"),x=n.filter(y).map(String);x.length>0&&(n=n.concat(x)),s=n}else r===void 0&&n&&(r=n,n=void 0);let{aliasDuplicateObjects:i,anchorPrefix:o,flow:c,keepUndefined:u,onTagObj:l,tag:f}=r??{},{onAnchor:d,setAnchors:p,sourceObjects:_}=rh.createNodeAnchors(this,o||"a"),b={aliasDuplicateObjects:i??!0,keepUndefined:u??!1,onAnchor:d,onTagObj:l,replacer:s,schema:this.schema,sourceObjects:_},g=jN.createNode(t,f,b);return c&&cn.isCollection(g)&&(g.flow=!0),p(),g}createPair(t,n,r={}){let s=this.createNode(t,null,r),i=this.createNode(n,null,r);return new HN.Pair(s,i)}delete(t){return Ks(this.contents)?this.contents.delete(t):!1}deleteIn(t){return zs.isEmptyPath(t)?this.contents==null?!1:(this.contents=null,!0):Ks(this.contents)?this.contents.deleteIn(t):!1}get(t,n){return cn.isCollection(this.contents)?this.contents.get(t,n):void 0}getIn(t,n){return zs.isEmptyPath(t)?!n&&cn.isScalar(this.contents)?this.contents.value:this.contents:cn.isCollection(this.contents)?this.contents.getIn(t,n):void 0}has(t){return cn.isCollection(this.contents)?this.contents.has(t):!1}hasIn(t){return zs.isEmptyPath(t)?this.contents!==void 0:cn.isCollection(this.contents)?this.contents.hasIn(t):!1}set(t,n){this.contents==null?this.contents=zs.collectionFromPath(this.schema,[t],n):Ks(this.contents)&&this.contents.set(t,n)}setIn(t,n){zs.isEmptyPath(t)?this.contents=n:this.contents==null?this.contents=zs.collectionFromPath(this.schema,Array.from(t),n):Ks(this.contents)&&this.contents.setIn(t,n)}setSchema(t,n={}){typeof t=="number"&&(t=String(t));let r;switch(t){case"1.1":this.directives?this.directives.yaml.version="1.1":this.directives=new sh.Directives({version:"1.1"}),r={resolveKnownTags:!1,schema:"yaml-1.1"};break;case"1.2":case"next":this.directives?this.directives.yaml.version=t:this.directives=new sh.Directives({version:t}),r={resolveKnownTags:!0,schema:"core"};break;case null:this.directives&&delete this.directives,r=null;break;default:{let s=JSON.stringify(t);throw new Error(`Expected '1.1', '1.2' or null as first argument, but found: ${s}`)}}if(n.schema instanceof Object)this.schema=n.schema;else if(r)this.schema=new KN.Schema(Object.assign(r,n));else throw new Error("With a null YAML version, the { schema: Schema } option is required")}toJS({json:t,jsonArg:n,mapAsMap:r,maxAliasCount:s,onAnchor:i,reviver:o}={}){let c={anchors:new Map,doc:this,keep:!t,mapAsMap:r===!0,mapKeyWarned:!1,maxAliasCount:typeof s=="number"?s:100},u=zN.toJS(this.contents,n??"",c);if(typeof i=="function")for(let{count:l,res:f}of c.anchors.values())i(f,l);return typeof o=="function"?QN.applyReviver(o,{"":u},"",u):u}toJSON(t,n){return this.toJS({json:!0,jsonArg:t,mapAsMap:!1,onAnchor:n})}toString(t={}){if(this.errors.length>0)throw new Error("Document with errors cannot be stringified");if("indent"in t&&(!Number.isInteger(t.indent)||Number(t.indent)<=0)){let n=JSON.stringify(t.indent);throw new Error(`"indent" option must be a positive integer, not ${n}`)}return qN.stringifyDocument(this,t)}};function Ks(e){if(cn.isCollection(e))return!0;throw new Error("Expected a YAML collection as document contents")}a(Ks,"assertCollection");P$.Document=ih});var po=q(ho=>{"use strict";var fo=class extends Error{static{a(this,"YAMLError")}constructor(t,n,r,s){super(),this.name=t,this.code=r,this.message=s,this.pos=n}},oh=class extends fo{static{a(this,"YAMLParseError")}constructor(t,n,r){super("YAMLParseError",t,n,r)}},ah=class extends fo{static{a(this,"YAMLWarning")}constructor(t,n,r){super("YAMLWarning",t,n,r)}},WN=a((e,t)=>n=>{if(n.pos[0]===-1)return;n.linePos=n.pos.map(c=>t.linePos(c));let{line:r,col:s}=n.linePos[0];n.message+=` at line ${r}, column ${s}`;let i=s-1,o=e.substring(t.lineStarts[r-1],t.lineStarts[r]).replace(/[\n\r]+$/,"");if(i>=60&&o.length>80){let c=Math.min(i-39,o.length-79);o="…"+o.substring(c),i-=c-1}if(o.length>80&&(o=o.substring(0,79)+"…"),r>1&&/^ *$/.test(o.substring(0,i))){let c=e.substring(t.lineStarts[r-2],t.lineStarts[r-1]);c.length>80&&(c=c.substring(0,79)+`…
`),o=c+o}if(/[^ ]/.test(o)){let c=1,u=n.linePos[1];u?.line===r&&u.col>s&&(c=Math.max(1,Math.min(u.col-s,80-i)));let l=" ".repeat(i)+"^".repeat(c);n.message+=`:

${o}
${l}
`}},"prettifyError");ho.YAMLError=fo;ho.YAMLParseError=oh;ho.YAMLWarning=ah;ho.prettifyError=WN});var _o=q(N$=>{"use strict";function ZN(e,{flow:t,indicator:n,next:r,offset:s,onError:i,parentIndent:o,startOnNewline:c}){let u=!1,l=c,f=c,d="",p="",_=!1,b=!1,g=null,y=null,x=null,k=null,N=null,v=null,L=null;for(let P of e)switch(b&&(P.type!=="space"&&P.type!=="newline"&&P.type!=="comma"&&i(P.offset,"MISSING_CHAR","Tags and anchors must be separated from the next token by white space"),b=!1),g&&(l&&P.type!=="comment"&&P.type!=="newline"&&i(g,"TAB_AS_INDENT","Tabs are not allowed as indentation"),g=null),P.type){case"space":!t&&(n!=="doc-start"||r?.type!=="flow-collection")&&P.source.includes("	")&&(g=P),f=!0;break;case"comment":{f||i(P,"MISSING_CHAR","Comments must be separated from other tokens by white space characters");let Z=P.source.substring(1)||" ";d?d+=p+Z:d=Z,p="",l=!1;break}case"newline":l?d?d+=P.source:(!v||n!=="seq-item-ind")&&(u=!0):p+=P.source,l=!0,_=!0,(y||x)&&(k=P),f=!0;break;case"anchor":y&&i(P,"MULTIPLE_ANCHORS","A node can have at most one anchor"),P.source.endsWith(":")&&i(P.offset+P.source.length-1,"BAD_ALIAS","Anchor ending in : is ambiguous",!0),y=P,L??(L=P.offset),l=!1,f=!1,b=!0;break;case"tag":{x&&i(P,"MULTIPLE_TAGS","A node can have at most one tag"),x=P,L??(L=P.offset),l=!1,f=!1,b=!0;break}case n:(y||x)&&i(P,"BAD_PROP_ORDER",`Anchors and tags must be after the ${P.source} indicator`),v&&i(P,"UNEXPECTED_TOKEN",`Unexpected ${P.source} in ${t??"collection"}`),v=P,l=n==="seq-item-ind"||n==="explicit-key-ind",f=!1;break;case"comma":if(t){N&&i(P,"UNEXPECTED_TOKEN",`Unexpected , in ${t}`),N=P,l=!1,f=!1;break}default:i(P,"UNEXPECTED_TOKEN",`Unexpected ${P.type} token`),l=!1,f=!1}let K=e[e.length-1],ee=K?K.offset+K.source.length:s;return b&&r&&r.type!=="space"&&r.type!=="newline"&&r.type!=="comma"&&(r.type!=="scalar"||r.source!=="")&&i(r.offset,"MISSING_CHAR","Tags and anchors must be separated from the next token by white space"),g&&(l&&g.indent<=o||r?.type==="block-map"||r?.type==="block-seq")&&i(g,"TAB_AS_INDENT","Tabs are not allowed as indentation"),{comma:N,found:v,spaceBefore:u,comment:d,hasNewline:_,anchor:y,tag:x,newlineAfterProp:k,end:ee,start:L??ee}}a(ZN,"resolveProps");N$.resolveProps=ZN});var Zc=q(T$=>{"use strict";function ch(e){if(!e)return null;switch(e.type){case"alias":case"scalar":case"double-quoted-scalar":case"single-quoted-scalar":if(e.source.includes(`
`))return!0;if(e.end){for(let t of e.end)if(t.type==="newline")return!0}return!1;case"flow-collection":for(let t of e.items){for(let n of t.start)if(n.type==="newline")return!0;if(t.sep){for(let n of t.sep)if(n.type==="newline")return!0}if(ch(t.key)||ch(t.value))return!0}return!1;default:return!0}}a(ch,"containsNewline");T$.containsNewline=ch});var uh=q(R$=>{"use strict";var GN=Zc();function YN(e,t,n){if(t?.type==="flow-collection"){let r=t.end[0];r.indent===e&&(r.source==="]"||r.source==="}")&&GN.containsNewline(t)&&n(r,"BAD_INDENT","Flow end indicator should be more indented than parent",!0)}}a(YN,"flowIndentCheck");R$.flowIndentCheck=YN});var lh=q(B$=>{"use strict";var O$=qe();function VN(e,t,n){let{uniqueKeys:r}=e.options;if(r===!1)return!1;let s=typeof r=="function"?r:(i,o)=>i===o||O$.isScalar(i)&&O$.isScalar(o)&&i.value===o.value;return t.some(i=>s(i.key,n))}a(VN,"mapIncludes");B$.mapIncludes=VN});var H$=q(F$=>{"use strict";var L$=mr(),XN=yr(),D$=_o(),JN=Zc(),U$=uh(),eT=lh(),M$="All mapping items must start at the same column";function tT({composeNode:e,composeEmptyNode:t},n,r,s,i){let o=i?.nodeClass??XN.YAMLMap,c=new o(n.schema);n.atRoot&&(n.atRoot=!1);let u=r.offset,l=null;for(let f of r.items){let{start:d,key:p,sep:_,value:b}=f,g=D$.resolveProps(d,{indicator:"explicit-key-ind",next:p??_?.[0],offset:u,onError:s,parentIndent:r.indent,startOnNewline:!0}),y=!g.found;if(y){if(p&&(p.type==="block-seq"?s(u,"BLOCK_AS_IMPLICIT_KEY","A block sequence may not be used as an implicit map key"):"indent"in p&&p.indent!==r.indent&&s(u,"BAD_INDENT",M$)),!g.anchor&&!g.tag&&!_){l=g.end,g.comment&&(c.comment?c.comment+=`
`+g.comment:c.comment=g.comment);continue}(g.newlineAfterProp||JN.containsNewline(p))&&s(p??d[d.length-1],"MULTILINE_IMPLICIT_KEY","Implicit keys need to be on a single line")}else g.found?.indent!==r.indent&&s(u,"BAD_INDENT",M$);n.atKey=!0;let x=g.end,k=p?e(n,p,g,s):t(n,x,d,null,g,s);n.schema.compat&&U$.flowIndentCheck(r.indent,p,s),n.atKey=!1,eT.mapIncludes(n,c.items,k)&&s(x,"DUPLICATE_KEY","Map keys must be unique");let N=D$.resolveProps(_??[],{indicator:"map-value-ind",next:b,offset:k.range[2],onError:s,parentIndent:r.indent,startOnNewline:!p||p.type==="block-scalar"});if(u=N.end,N.found){y&&(b?.type==="block-map"&&!N.hasNewline&&s(u,"BLOCK_AS_IMPLICIT_KEY","Nested mappings are not allowed in compact mappings"),n.options.strict&&g.start<N.found.offset-1024&&s(k.range,"KEY_OVER_1024_CHARS","The : indicator must be at most 1024 chars after the start of an implicit block mapping key"));let v=b?e(n,b,N,s):t(n,u,_,null,N,s);n.schema.compat&&U$.flowIndentCheck(r.indent,b,s),u=v.range[2];let L=new L$.Pair(k,v);n.options.keepSourceTokens&&(L.srcToken=f),c.items.push(L)}else{y&&s(k.range,"MISSING_CHAR","Implicit map keys need to be followed by map values"),N.comment&&(k.comment?k.comment+=`
`+N.comment:k.comment=N.comment);let v=new L$.Pair(k);n.options.keepSourceTokens&&(v.srcToken=f),c.items.push(v)}}return l&&l<u&&s(l,"IMPOSSIBLE","Map comment with trailing content"),c.range=[r.offset,u,l??u],c}a(tT,"resolveBlockMap");F$.resolveBlockMap=tT});var K$=q(z$=>{"use strict";var nT=wr(),rT=_o(),sT=uh();function iT({composeNode:e,composeEmptyNode:t},n,r,s,i){let o=i?.nodeClass??nT.YAMLSeq,c=new o(n.schema);n.atRoot&&(n.atRoot=!1),n.atKey&&(n.atKey=!1);let u=r.offset,l=null;for(let{start:f,value:d}of r.items){let p=rT.resolveProps(f,{indicator:"seq-item-ind",next:d,offset:u,onError:s,parentIndent:r.indent,startOnNewline:!0});if(!p.found)if(p.anchor||p.tag||d)d?.type==="block-seq"?s(p.end,"BAD_INDENT","All sequence items must start at the same column"):s(u,"MISSING_CHAR","Sequence item without - indicator");else{l=p.end,p.comment&&(c.comment=p.comment);continue}let _=d?e(n,d,p,s):t(n,p.end,f,null,p,s);n.schema.compat&&sT.flowIndentCheck(r.indent,d,s),u=_.range[2],c.items.push(_)}return c.range=[r.offset,u,l??u],c}a(iT,"resolveBlockSeq");z$.resolveBlockSeq=iT});var qs=q(q$=>{"use strict";function oT(e,t,n,r){let s="";if(e){let i=!1,o="";for(let c of e){let{source:u,type:l}=c;switch(l){case"space":i=!0;break;case"comment":{n&&!i&&r(c,"MISSING_CHAR","Comments must be separated from other tokens by white space characters");let f=u.substring(1)||" ";s?s+=o+f:s=f,o="";break}case"newline":s&&(o+=u),i=!0;break;default:r(c,"UNEXPECTED_TOKEN",`Unexpected ${l} at node end`)}t+=u.length}}return{comment:s,offset:t}}a(oT,"resolveEnd");q$.resolveEnd=oT});var Z$=q(W$=>{"use strict";var aT=qe(),cT=mr(),Q$=yr(),uT=wr(),lT=qs(),j$=_o(),fT=Zc(),dT=lh(),fh="Block collections are not allowed within flow collections",dh=a(e=>e&&(e.type==="block-map"||e.type==="block-seq"),"isBlock");function hT({composeNode:e,composeEmptyNode:t},n,r,s,i){let o=r.start.source==="{",c=o?"flow map":"flow sequence",u=i?.nodeClass??(o?Q$.YAMLMap:uT.YAMLSeq),l=new u(n.schema);l.flow=!0;let f=n.atRoot;f&&(n.atRoot=!1),n.atKey&&(n.atKey=!1);let d=r.offset+r.start.source.length;for(let y=0;y<r.items.length;++y){let x=r.items[y],{start:k,key:N,sep:v,value:L}=x,K=j$.resolveProps(k,{flow:c,indicator:"explicit-key-ind",next:N??v?.[0],offset:d,onError:s,parentIndent:r.indent,startOnNewline:!1});if(!K.found){if(!K.anchor&&!K.tag&&!v&&!L){y===0&&K.comma?s(K.comma,"UNEXPECTED_TOKEN",`Unexpected , in ${c}`):y<r.items.length-1&&s(K.start,"UNEXPECTED_TOKEN",`Unexpected empty item in ${c}`),K.comment&&(l.comment?l.comment+=`
`+K.comment:l.comment=K.comment),d=K.end;continue}!o&&n.options.strict&&fT.containsNewline(N)&&s(N,"MULTILINE_IMPLICIT_KEY","Implicit keys of flow sequence pairs need to be on a single line")}if(y===0)K.comma&&s(K.comma,"UNEXPECTED_TOKEN",`Unexpected , in ${c}`);else if(K.comma||s(K.start,"MISSING_CHAR",`Missing , between ${c} items`),K.comment){let ee="";e:for(let P of k)switch(P.type){case"comma":case"space":break;case"comment":ee=P.source.substring(1);break e;default:break e}if(ee){let P=l.items[l.items.length-1];aT.isPair(P)&&(P=P.value??P.key),P.comment?P.comment+=`
`+ee:P.comment=ee,K.comment=K.comment.substring(ee.length+1)}}if(!o&&!v&&!K.found){let ee=L?e(n,L,K,s):t(n,K.end,v,null,K,s);l.items.push(ee),d=ee.range[2],dh(L)&&s(ee.range,"BLOCK_IN_FLOW",fh)}else{n.atKey=!0;let ee=K.end,P=N?e(n,N,K,s):t(n,ee,k,null,K,s);dh(N)&&s(P.range,"BLOCK_IN_FLOW",fh),n.atKey=!1;let Z=j$.resolveProps(v??[],{flow:c,indicator:"map-value-ind",next:L,offset:P.range[2],onError:s,parentIndent:r.indent,startOnNewline:!1});if(Z.found){if(!o&&!K.found&&n.options.strict){if(v)for(let X of v){if(X===Z.found)break;if(X.type==="newline"){s(X,"MULTILINE_IMPLICIT_KEY","Implicit keys of flow sequence pairs need to be on a single line");break}}K.start<Z.found.offset-1024&&s(Z.found,"KEY_OVER_1024_CHARS","The : indicator must be at most 1024 chars after the start of an implicit flow sequence key")}}else L&&("source"in L&&L.source?.[0]===":"?s(L,"MISSING_CHAR",`Missing space after : in ${c}`):s(Z.start,"MISSING_CHAR",`Missing , or : between ${c} items`));let j=L?e(n,L,Z,s):Z.found?t(n,Z.end,v,null,Z,s):null;j?dh(L)&&s(j.range,"BLOCK_IN_FLOW",fh):Z.comment&&(P.comment?P.comment+=`
`+Z.comment:P.comment=Z.comment);let G=new cT.Pair(P,j);if(n.options.keepSourceTokens&&(G.srcToken=x),o){let X=l;dT.mapIncludes(n,X.items,P)&&s(ee,"DUPLICATE_KEY","Map keys must be unique"),X.items.push(G)}else{let X=new Q$.YAMLMap(n.schema);X.flow=!0,X.items.push(G);let pe=(j??P).range;X.range=[P.range[0],pe[1],pe[2]],l.items.push(X)}d=j?j.range[2]:Z.end}}let p=o?"}":"]",[_,...b]=r.end,g=d;if(_?.source===p)g=_.offset+_.source.length;else{let y=c[0].toUpperCase()+c.substring(1),x=f?`${y} must end with a ${p}`:`${y} in block collection must be sufficiently indented and end with a ${p}`;s(d,f?"MISSING_CHAR":"BAD_INDENT",x),_&&_.source.length!==1&&b.unshift(_)}if(b.length>0){let y=lT.resolveEnd(b,g,n.options.strict,s);y.comment&&(l.comment?l.comment+=`
`+y.comment:l.comment=y.comment),l.range=[r.offset,g,y.offset]}else l.range=[r.offset,g,g];return l}a(hT,"resolveFlowCollection");W$.resolveFlowCollection=hT});var Y$=q(G$=>{"use strict";var pT=qe(),_T=$t(),mT=yr(),gT=wr(),yT=H$(),wT=K$(),$T=Z$();function hh(e,t,n,r,s,i){let o=n.type==="block-map"?yT.resolveBlockMap(e,t,n,r,i):n.type==="block-seq"?wT.resolveBlockSeq(e,t,n,r,i):$T.resolveFlowCollection(e,t,n,r,i),c=o.constructor;return s==="!"||s===c.tagName?(o.tag=c.tagName,o):(s&&(o.tag=s),o)}a(hh,"resolveCollection");function bT(e,t,n,r,s){let i=r.tag,o=i?t.directives.tagName(i.source,p=>s(i,"TAG_RESOLVE_FAILED",p)):null;if(n.type==="block-seq"){let{anchor:p,newlineAfterProp:_}=r,b=p&&i?p.offset>i.offset?p:i:p??i;b&&(!_||_.offset<b.offset)&&s(b,"MISSING_CHAR","Missing newline after block sequence props")}let c=n.type==="block-map"?"map":n.type==="block-seq"?"seq":n.start.source==="{"?"map":"seq";if(!i||!o||o==="!"||o===mT.YAMLMap.tagName&&c==="map"||o===gT.YAMLSeq.tagName&&c==="seq")return hh(e,t,n,s,o);let u=t.schema.tags.find(p=>p.tag===o&&p.collection===c);if(!u){let p=t.schema.knownTags[o];if(p?.collection===c)t.schema.tags.push(Object.assign({},p,{default:!1})),u=p;else return p?s(i,"BAD_COLLECTION_TYPE",`${p.tag} used for ${c} collection, but expects ${p.collection??"scalar"}`,!0):s(i,"TAG_RESOLVE_FAILED",`Unresolved tag: ${o}`,!0),hh(e,t,n,s,o)}let l=hh(e,t,n,s,o,u),f=u.resolve?.(l,p=>s(i,"TAG_RESOLVE_FAILED",p),t.options)??l,d=pT.isNode(f)?f:new _T.Scalar(f);return d.range=l.range,d.tag=o,u?.format&&(d.format=u.format),d}a(bT,"composeCollection");G$.composeCollection=bT});var _h=q(V$=>{"use strict";var ph=$t();function AT(e,t,n){let r=t.offset,s=xT(t,e.options.strict,n);if(!s)return{value:"",type:null,comment:"",range:[r,r,r]};let i=s.mode===">"?ph.Scalar.BLOCK_FOLDED:ph.Scalar.BLOCK_LITERAL,o=t.source?ET(t.source):[],c=o.length;for(let g=o.length-1;g>=0;--g){let y=o[g][1];if(y===""||y==="\r")c=g;else break}if(c===0){let g=s.chomp==="+"&&o.length>0?`
`.repeat(Math.max(1,o.length-1)):"",y=r+s.length;return t.source&&(y+=t.source.length),{value:g,type:i,comment:s.comment,range:[r,y,y]}}let u=t.indent+s.indent,l=t.offset+s.length,f=0;for(let g=0;g<c;++g){let[y,x]=o[g];if(x===""||x==="\r")s.indent===0&&y.length>u&&(u=y.length);else{y.length<u&&n(l+y.length,"MISSING_CHAR","Block scalars with more-indented leading empty lines must use an explicit indentation indicator"),s.indent===0&&(u=y.length),f=g,u===0&&!e.atRoot&&n(l,"BAD_INDENT","Block scalar values in collections must be indented");break}l+=y.length+x.length+1}for(let g=o.length-1;g>=c;--g)o[g][0].length>u&&(c=g+1);let d="",p="",_=!1;for(let g=0;g<f;++g)d+=o[g][0].slice(u)+`
`;for(let g=f;g<c;++g){let[y,x]=o[g];l+=y.length+x.length+1;let k=x[x.length-1]==="\r";if(k&&(x=x.slice(0,-1)),x&&y.length<u){let v=`Block scalar lines must not be less indented than their ${s.indent?"explicit indentation indicator":"first line"}`;n(l-x.length-(k?2:1),"BAD_INDENT",v),y=""}i===ph.Scalar.BLOCK_LITERAL?(d+=p+y.slice(u)+x,p=`
`):y.length>u||x[0]==="	"?(p===" "?p=`
`:!_&&p===`
`&&(p=`

`),d+=p+y.slice(u)+x,p=`
`,_=!0):x===""?p===`
`?d+=`
`:p=`
`:(d+=p+x,p=" ",_=!1)}switch(s.chomp){case"-":break;case"+":for(let g=c;g<o.length;++g)d+=`
`+o[g][0].slice(u);d[d.length-1]!==`
`&&(d+=`
`);break;default:d+=`
`}let b=r+s.length+t.source.length;return{value:d,type:i,comment:s.comment,range:[r,b,b]}}a(AT,"resolveBlockScalar");function xT({offset:e,props:t},n,r){if(t[0].type!=="block-scalar-header")return r(t[0],"IMPOSSIBLE","Block scalar header not found"),null;let{source:s}=t[0],i=s[0],o=0,c="",u=-1;for(let p=1;p<s.length;++p){let _=s[p];if(!c&&(_==="-"||_==="+"))c=_;else{let b=Number(_);!o&&b?o=b:u===-1&&(u=e+p)}}u!==-1&&r(u,"UNEXPECTED_TOKEN",`Block scalar header includes extra characters: ${s}`);let l=!1,f="",d=s.length;for(let p=1;p<t.length;++p){let _=t[p];switch(_.type){case"space":l=!0;case"newline":d+=_.source.length;break;case"comment":n&&!l&&r(_,"MISSING_CHAR","Comments must be separated from other tokens by white space characters"),d+=_.source.length,f=_.source.substring(1);break;case"error":r(_,"UNEXPECTED_TOKEN",_.message),d+=_.source.length;break;default:{let b=`Unexpected token in block scalar header: ${_.type}`;r(_,"UNEXPECTED_TOKEN",b);let g=_.source;g&&typeof g=="string"&&(d+=g.length)}}}return{mode:i,indent:o,chomp:c,comment:f,length:d}}a(xT,"parseBlockScalarHeader");function ET(e){let t=e.split(/\n( *)/),n=t[0],r=n.match(/^( *)/),i=[r?.[1]?[r[1],n.slice(r[1].length)]:["",n]];for(let o=1;o<t.length;o+=2)i.push([t[o],t[o+1]]);return i}a(ET,"splitLines");V$.resolveBlockScalar=AT});var gh=q(J$=>{"use strict";var mh=$t(),kT=qs();function ST(e,t,n){let{offset:r,type:s,source:i,end:o}=e,c,u,l=a((p,_,b)=>n(r+p,_,b),"_onError");switch(s){case"scalar":c=mh.Scalar.PLAIN,u=vT(i,l);break;case"single-quoted-scalar":c=mh.Scalar.QUOTE_SINGLE,u=IT(i,l);break;case"double-quoted-scalar":c=mh.Scalar.QUOTE_DOUBLE,u=CT(i,l);break;default:return n(e,"UNEXPECTED_TOKEN",`Expected a flow scalar value, but found: ${s}`),{value:"",type:null,comment:"",range:[r,r+i.length,r+i.length]}}let f=r+i.length,d=kT.resolveEnd(o,f,t,n);return{value:u,type:c,comment:d.comment,range:[r,f,d.offset]}}a(ST,"resolveFlowScalar");function vT(e,t){let n="";switch(e[0]){case"	":n="a tab character";break;case",":n="flow indicator character ,";break;case"%":n="directive indicator character %";break;case"|":case">":{n=`block scalar indicator ${e[0]}`;break}case"@":case"`":{n=`reserved character ${e[0]}`;break}}return n&&t(0,"BAD_SCALAR_START",`Plain value cannot start with ${n}`),X$(e)}a(vT,"plainValue");function IT(e,t){return(e[e.length-1]!=="'"||e.length===1)&&t(e.length,"MISSING_CHAR","Missing closing 'quote"),X$(e.slice(1,-1)).replace(/''/g,"'")}a(IT,"singleQuotedValue");function X$(e){let t=/(.*?)\r?\n/sy,n=t.exec(e);if(!n)return e;let r,s;try{r=new RegExp("(?<![ 	])[ 	]+$"),s=new RegExp("^[ 	]+|(?<![ 	])[ 	]+$","g")}catch{r=/[ \t]+$/,s=/^[ \t]+|[ \t]+$/g}let i=n[1].replace(r,""),o=" ",c=t.lastIndex;for(;n=t.exec(e);){let l=n[1].replace(s,"");l===""?o===`
`?i+=o:o=`
`:(i+=o+l,o=" "),c=t.lastIndex}let u=/[ \t]*(.*)/sy;return u.lastIndex=c,n=u.exec(e),i+o+(n?.[1]??"")}a(X$,"unfoldLines");function CT(e,t){let n="";for(let r=1;r<e.length-1;++r){let s=e[r];if(!(s==="\r"&&e[r+1]===`
`))if(s===`
`){let{fold:i,offset:o}=PT(e,r);n+=i,r=o}else if(s==="\\"){let i=e[++r],o=NT[i];if(o)n+=o;else if(i===`
`)for(i=e[r+1];i===" "||i==="	";)i=e[++r+1];else if(i==="\r"&&e[r+1]===`
`)for(i=e[++r+1];i===" "||i==="	";)i=e[++r+1];else if(i==="x"||i==="u"||i==="U"){let c=i==="x"?2:i==="u"?4:8;n+=TT(e,r+1,c,t),r+=c}else{let c=e.substr(r-1,2);t(r-1,"BAD_DQ_ESCAPE",`Invalid escape sequence ${c}`),n+=c}}else if(s===" "||s==="	"){let i=r,o=e[r+1];for(;o===" "||o==="	";)o=e[++r+1];o!==`
`&&!(o==="\r"&&e[r+2]===`
`)&&(n+=r>i?e.slice(i,r+1):s)}else n+=s}return(e[e.length-1]!=='"'||e.length===1)&&t(e.length,"MISSING_CHAR",'Missing closing "quote'),n}a(CT,"doubleQuotedValue");function PT(e,t){let n="",r=e[t+1];for(;(r===" "||r==="	"||r===`
`||r==="\r")&&!(r==="\r"&&e[t+2]!==`
`);)r===`
`&&(n+=`
`),t+=1,r=e[t+1];return n||(n=" "),{fold:n,offset:t}}a(PT,"foldNewline");var NT={0:"\0",a:"\x07",b:"\b",e:"\x1B",f:"\f",n:`
`,r:"\r",t:"	",v:"\v",N:"",_:" ",L:"\u2028",P:"\u2029"," ":" ",'"':'"',"/":"/","\\":"\\","	":"	"};function TT(e,t,n,r){let s=e.substr(t,n),o=s.length===n&&/^[0-9a-fA-F]+$/.test(s)?parseInt(s,16):NaN;try{return String.fromCodePoint(o)}catch{let c=e.substr(t-2,n+2);return r(t-2,"BAD_DQ_ESCAPE",`Invalid escape sequence ${c}`),c}}a(TT,"parseCharCode");J$.resolveFlowScalar=ST});var nb=q(tb=>{"use strict";var Mr=qe(),eb=$t(),RT=_h(),OT=gh();function BT(e,t,n,r){let{value:s,type:i,comment:o,range:c}=t.type==="block-scalar"?RT.resolveBlockScalar(e,t,r):OT.resolveFlowScalar(t,e.options.strict,r),u=n?e.directives.tagName(n.source,d=>r(n,"TAG_RESOLVE_FAILED",d)):null,l;e.options.stringKeys&&e.atKey?l=e.schema[Mr.SCALAR]:u?l=LT(e.schema,s,u,n,r):t.type==="scalar"?l=DT(e,s,t,r):l=e.schema[Mr.SCALAR];let f;try{let d=l.resolve(s,p=>r(n??t,"TAG_RESOLVE_FAILED",p),e.options);f=Mr.isScalar(d)?d:new eb.Scalar(d)}catch(d){let p=d instanceof Error?d.message:String(d);r(n??t,"TAG_RESOLVE_FAILED",p),f=new eb.Scalar(s)}return f.range=c,f.source=s,i&&(f.type=i),u&&(f.tag=u),l.format&&(f.format=l.format),o&&(f.comment=o),f}a(BT,"composeScalar");function LT(e,t,n,r,s){if(n==="!")return e[Mr.SCALAR];let i=[];for(let c of e.tags)if(!c.collection&&c.tag===n)if(c.default&&c.test)i.push(c);else return c;for(let c of i)if(c.test?.test(t))return c;let o=e.knownTags[n];return o&&!o.collection?(e.tags.push(Object.assign({},o,{default:!1,test:void 0})),o):(s(r,"TAG_RESOLVE_FAILED",`Unresolved tag: ${n}`,n!=="tag:yaml.org,2002:str"),e[Mr.SCALAR])}a(LT,"findScalarTagByName");function DT({atKey:e,directives:t,schema:n},r,s,i){let o=n.tags.find(c=>(c.default===!0||e&&c.default==="key")&&c.test?.test(r))||n[Mr.SCALAR];if(n.compat){let c=n.compat.find(u=>u.default&&u.test?.test(r))??n[Mr.SCALAR];if(o.tag!==c.tag){let u=t.tagString(o.tag),l=t.tagString(c.tag),f=`Value may be parsed as either ${u} or ${l}`;i(s,"TAG_RESOLVE_FAILED",f,!0)}}return o}a(DT,"findScalarTagByTest");tb.composeScalar=BT});var sb=q(rb=>{"use strict";function UT(e,t,n){if(t){n??(n=t.length);for(let r=n-1;r>=0;--r){let s=t[r];switch(s.type){case"space":case"comment":case"newline":e-=s.source.length;continue}for(s=t[++r];s?.type==="space";)e+=s.source.length,s=t[++r];break}}return e}a(UT,"emptyScalarPosition");rb.emptyScalarPosition=UT});var ab=q(wh=>{"use strict";var MT=Zi(),FT=qe(),HT=Y$(),ib=nb(),zT=qs(),KT=sb(),qT={composeNode:ob,composeEmptyNode:yh};function ob(e,t,n,r){let s=e.atKey,{spaceBefore:i,comment:o,anchor:c,tag:u}=n,l,f=!0;switch(t.type){case"alias":l=QT(e,t,r),(c||u)&&r(t,"ALIAS_PROPS","An alias node must not specify any properties");break;case"scalar":case"single-quoted-scalar":case"double-quoted-scalar":case"block-scalar":l=ib.composeScalar(e,t,u,r),c&&(l.anchor=c.source.substring(1));break;case"block-map":case"block-seq":case"flow-collection":try{l=HT.composeCollection(qT,e,t,n,r),c&&(l.anchor=c.source.substring(1))}catch(d){let p=d instanceof Error?d.message:String(d);r(t,"RESOURCE_EXHAUSTION",p)}break;default:{let d=t.type==="error"?t.message:`Unsupported token (type: ${t.type})`;r(t,"UNEXPECTED_TOKEN",d),f=!1}}return l??(l=yh(e,t.offset,void 0,null,n,r)),c&&l.anchor===""&&r(c,"BAD_ALIAS","Anchor cannot be an empty string"),s&&e.options.stringKeys&&(!FT.isScalar(l)||typeof l.value!="string"||l.tag&&l.tag!=="tag:yaml.org,2002:str")&&r(u??t,"NON_STRING_KEY","With stringKeys, all keys must be strings"),i&&(l.spaceBefore=!0),o&&(t.type==="scalar"&&t.source===""?l.comment=o:l.commentBefore=o),e.options.keepSourceTokens&&f&&(l.srcToken=t),l}a(ob,"composeNode");function yh(e,t,n,r,{spaceBefore:s,comment:i,anchor:o,tag:c,end:u},l){let f={type:"scalar",offset:KT.emptyScalarPosition(t,n,r),indent:-1,source:""},d=ib.composeScalar(e,f,c,l);return o&&(d.anchor=o.source.substring(1),d.anchor===""&&l(o,"BAD_ALIAS","Anchor cannot be an empty string")),s&&(d.spaceBefore=!0),i&&(d.comment=i,d.range[2]=u),d}a(yh,"composeEmptyNode");function QT({options:e},{offset:t,source:n,end:r},s){let i=new MT.Alias(n.substring(1));i.source===""&&s(t,"BAD_ALIAS","Alias cannot be an empty string"),i.source.endsWith(":")&&s(t+n.length-1,"BAD_ALIAS","Alias ending in : is ambiguous",!0);let o=t+n.length,c=zT.resolveEnd(r,o,e.strict,s);return i.range=[t,o,c.offset],c.comment&&(i.comment=c.comment),i}a(QT,"composeAlias");wh.composeEmptyNode=yh;wh.composeNode=ob});var lb=q(ub=>{"use strict";var jT=lo(),cb=ab(),WT=qs(),ZT=_o();function GT(e,t,{offset:n,start:r,value:s,end:i},o){let c=Object.assign({_directives:t},e),u=new jT.Document(void 0,c),l={atKey:!1,atRoot:!0,directives:u.directives,options:u.options,schema:u.schema},f=ZT.resolveProps(r,{indicator:"doc-start",next:s??i?.[0],offset:n,onError:o,parentIndent:0,startOnNewline:!0});f.found&&(u.directives.docStart=!0,s&&(s.type==="block-map"||s.type==="block-seq")&&!f.hasNewline&&o(f.end,"MISSING_CHAR","Block collection cannot start on same line with directives-end marker")),u.contents=s?cb.composeNode(l,s,f,o):cb.composeEmptyNode(l,f.end,r,null,f,o);let d=u.contents.range[2],p=WT.resolveEnd(i,d,!1,o);return p.comment&&(u.comment=p.comment),u.range=[n,d,p.offset],u}a(GT,"composeDoc");ub.composeDoc=GT});var bh=q(hb=>{"use strict";var YT=require("process"),VT=od(),XT=lo(),mo=po(),fb=qe(),JT=lb(),eR=qs();function go(e){if(typeof e=="number")return[e,e+1];if(Array.isArray(e))return e.length===2?e:[e[0],e[1]];let{offset:t,source:n}=e;return[t,t+(typeof n=="string"?n.length:1)]}a(go,"getErrorPos");function db(e){let t="",n=!1,r=!1;for(let s=0;s<e.length;++s){let i=e[s];switch(i[0]){case"#":t+=(t===""?"":r?`

`:`
`)+(i.substring(1)||" "),n=!0,r=!1;break;case"%":e[s+1]?.[0]!=="#"&&(s+=1),n=!1;break;default:n||(r=!0),n=!1}}return{comment:t,afterEmptyLine:r}}a(db,"parsePrelude");var $h=class{static{a(this,"Composer")}constructor(t={}){this.doc=null,this.atDirectives=!1,this.prelude=[],this.errors=[],this.warnings=[],this.onError=(n,r,s,i)=>{let o=go(n);i?this.warnings.push(new mo.YAMLWarning(o,r,s)):this.errors.push(new mo.YAMLParseError(o,r,s))},this.directives=new VT.Directives({version:t.version||"1.2"}),this.options=t}decorate(t,n){let{comment:r,afterEmptyLine:s}=db(this.prelude);if(r){let i=t.contents;if(n)t.comment=t.comment?`${t.comment}
${r}`:r;else if(s||t.directives.docStart||!i)t.commentBefore=r;else if(fb.isCollection(i)&&!i.flow&&i.items.length>0){let o=i.items[0];fb.isPair(o)&&(o=o.key);let c=o.commentBefore;o.commentBefore=c?`${r}
${c}`:r}else{let o=i.commentBefore;i.commentBefore=o?`${r}
${o}`:r}}if(n){for(let i=0;i<this.errors.length;++i)t.errors.push(this.errors[i]);for(let i=0;i<this.warnings.length;++i)t.warnings.push(this.warnings[i])}else t.errors=this.errors,t.warnings=this.warnings;this.prelude=[],this.errors=[],this.warnings=[]}streamInfo(){return{comment:db(this.prelude).comment,directives:this.directives,errors:this.errors,warnings:this.warnings}}*compose(t,n=!1,r=-1){for(let s of t)yield*this.next(s);yield*this.end(n,r)}*next(t){switch(YT.env.LOG_STREAM&&console.dir(t,{depth:null}),t.type){case"directive":this.directives.add(t.source,(n,r,s)=>{let i=go(t);i[0]+=n,this.onError(i,"BAD_DIRECTIVE",r,s)}),this.prelude.push(t.source),this.atDirectives=!0;break;case"document":{let n=JT.composeDoc(this.options,this.directives,t,this.onError);this.atDirectives&&!n.directives.docStart&&this.onError(t,"MISSING_CHAR","Missing directives-end/doc-start indicator line"),this.decorate(n,!1),this.doc&&(yield this.doc),this.doc=n,this.atDirectives=!1;break}case"byte-order-mark":case"space":break;case"comment":case"newline":this.prelude.push(t.source);break;case"error":{let n=t.source?`${t.message}: ${JSON.stringify(t.source)}`:t.message,r=new mo.YAMLParseError(go(t),"UNEXPECTED_TOKEN",n);this.atDirectives||!this.doc?this.errors.push(r):this.doc.errors.push(r);break}case"doc-end":{if(!this.doc){let r="Unexpected doc-end without preceding document";this.errors.push(new mo.YAMLParseError(go(t),"UNEXPECTED_TOKEN",r));break}this.doc.directives.docEnd=!0;let n=eR.resolveEnd(t.end,t.offset+t.source.length,this.doc.options.strict,this.onError);if(this.decorate(this.doc,!0),n.comment){let r=this.doc.comment;this.doc.comment=r?`${r}
${n.comment}`:n.comment}this.doc.range[2]=n.offset;break}default:this.errors.push(new mo.YAMLParseError(go(t),"UNEXPECTED_TOKEN",`Unsupported token ${t.type}`))}}*end(t=!1,n=-1){if(this.doc)this.decorate(this.doc,!0),yield this.doc,this.doc=null;else if(t){let r=Object.assign({_directives:this.directives},this.options),s=new XT.Document(void 0,r);this.atDirectives&&this.onError(n,"MISSING_CHAR","Missing directives-end indicator line"),s.range=[0,n,n],this.decorate(s,!1),yield s}}};hb.Composer=$h});var mb=q(Gc=>{"use strict";var tR=_h(),nR=gh(),rR=po(),pb=Ji();function sR(e,t=!0,n){if(e){let r=a((s,i,o)=>{let c=typeof s=="number"?s:Array.isArray(s)?s[0]:s.offset;if(n)n(c,i,o);else throw new rR.YAMLParseError([c,c+1],i,o)},"_onError");switch(e.type){case"scalar":case"single-quoted-scalar":case"double-quoted-scalar":return nR.resolveFlowScalar(e,t,r);case"block-scalar":return tR.resolveBlockScalar({options:{strict:t}},e,r)}}return null}a(sR,"resolveAsScalar");function iR(e,t){let{implicitKey:n=!1,indent:r,inFlow:s=!1,offset:i=-1,type:o="PLAIN"}=t,c=pb.stringifyString({type:o,value:e},{implicitKey:n,indent:r>0?" ".repeat(r):"",inFlow:s,options:{blockQuote:!0,lineWidth:-1}}),u=t.end??[{type:"newline",offset:-1,indent:r,source:`
`}];switch(c[0]){case"|":case">":{let l=c.indexOf(`
`),f=c.substring(0,l),d=c.substring(l+1)+`
`,p=[{type:"block-scalar-header",offset:i,indent:r,source:f}];return _b(p,u)||p.push({type:"newline",offset:-1,indent:r,source:`
`}),{type:"block-scalar",offset:i,indent:r,props:p,source:d}}case'"':return{type:"double-quoted-scalar",offset:i,indent:r,source:c,end:u};case"'":return{type:"single-quoted-scalar",offset:i,indent:r,source:c,end:u};default:return{type:"scalar",offset:i,indent:r,source:c,end:u}}}a(iR,"createScalarToken");function oR(e,t,n={}){let{afterKey:r=!1,implicitKey:s=!1,inFlow:i=!1,type:o}=n,c="indent"in e?e.indent:null;if(r&&typeof c=="number"&&(c+=2),!o)switch(e.type){case"single-quoted-scalar":o="QUOTE_SINGLE";break;case"double-quoted-scalar":o="QUOTE_DOUBLE";break;case"block-scalar":{let l=e.props[0];if(l.type!=="block-scalar-header")throw new Error("Invalid block scalar header");o=l.source[0]===">"?"BLOCK_FOLDED":"BLOCK_LITERAL";break}default:o="PLAIN"}let u=pb.stringifyString({type:o,value:t},{implicitKey:s||c===null,indent:c!==null&&c>0?" ".repeat(c):"",inFlow:i,options:{blockQuote:!0,lineWidth:-1}});switch(u[0]){case"|":case">":aR(e,u);break;case'"':Ah(e,u,"double-quoted-scalar");break;case"'":Ah(e,u,"single-quoted-scalar");break;default:Ah(e,u,"scalar")}}a(oR,"setScalarValue");function aR(e,t){let n=t.indexOf(`
`),r=t.substring(0,n),s=t.substring(n+1)+`
`;if(e.type==="block-scalar"){let i=e.props[0];if(i.type!=="block-scalar-header")throw new Error("Invalid block scalar header");i.source=r,e.source=s}else{let{offset:i}=e,o="indent"in e?e.indent:-1,c=[{type:"block-scalar-header",offset:i,indent:o,source:r}];_b(c,"end"in e?e.end:void 0)||c.push({type:"newline",offset:-1,indent:o,source:`
`});for(let u of Object.keys(e))u!=="type"&&u!=="offset"&&delete e[u];Object.assign(e,{type:"block-scalar",indent:o,props:c,source:s})}}a(aR,"setBlockScalarValue");function _b(e,t){if(t)for(let n of t)switch(n.type){case"space":case"comment":e.push(n);break;case"newline":return e.push(n),!0}return!1}a(_b,"addEndtoBlockProps");function Ah(e,t,n){switch(e.type){case"scalar":case"double-quoted-scalar":case"single-quoted-scalar":e.type=n,e.source=t;break;case"block-scalar":{let r=e.props.slice(1),s=t.length;e.props[0].type==="block-scalar-header"&&(s-=e.props[0].source.length);for(let i of r)i.offset+=s;delete e.props,Object.assign(e,{type:n,source:t,end:r});break}case"block-map":case"block-seq":{let s={type:"newline",offset:e.offset+t.length,indent:e.indent,source:`
`};delete e.items,Object.assign(e,{type:n,source:t,end:[s]});break}default:{let r="indent"in e?e.indent:-1,s="end"in e&&Array.isArray(e.end)?e.end.filter(i=>i.type==="space"||i.type==="comment"||i.type==="newline"):[];for(let i of Object.keys(e))i!=="type"&&i!=="offset"&&delete e[i];Object.assign(e,{type:n,indent:r,source:t,end:s})}}}a(Ah,"setFlowScalarValue");Gc.createScalarToken=iR;Gc.resolveAsScalar=sR;Gc.setScalarValue=oR});var yb=q(gb=>{"use strict";var cR=a(e=>"type"in e?Vc(e):Yc(e),"stringify");function Vc(e){switch(e.type){case"block-scalar":{let t="";for(let n of e.props)t+=Vc(n);return t+e.source}case"block-map":case"block-seq":{let t="";for(let n of e.items)t+=Yc(n);return t}case"flow-collection":{let t=e.start.source;for(let n of e.items)t+=Yc(n);for(let n of e.end)t+=n.source;return t}case"document":{let t=Yc(e);if(e.end)for(let n of e.end)t+=n.source;return t}default:{let t=e.source;if("end"in e&&e.end)for(let n of e.end)t+=n.source;return t}}}a(Vc,"stringifyToken");function Yc({start:e,key:t,sep:n,value:r}){let s="";for(let i of e)s+=i.source;if(t&&(s+=Vc(t)),n)for(let i of n)s+=i.source;return r&&(s+=Vc(r)),s}a(Yc,"stringifyItem");gb.stringify=cR});var Ab=q(bb=>{"use strict";var xh=Symbol("break visit"),uR=Symbol("skip children"),wb=Symbol("remove item");function Fr(e,t){"type"in e&&e.type==="document"&&(e={start:e.start,value:e.value}),$b(Object.freeze([]),e,t)}a(Fr,"visit");Fr.BREAK=xh;Fr.SKIP=uR;Fr.REMOVE=wb;Fr.itemAtPath=(e,t)=>{let n=e;for(let[r,s]of t){let i=n?.[r];if(i&&"items"in i)n=i.items[s];else return}return n};Fr.parentCollection=(e,t)=>{let n=Fr.itemAtPath(e,t.slice(0,-1)),r=t[t.length-1][0],s=n?.[r];if(s&&"items"in s)return s;throw new Error("Parent collection not found")};function $b(e,t,n){let r=n(t,e);if(typeof r=="symbol")return r;for(let s of["key","value"]){let i=t[s];if(i&&"items"in i){for(let o=0;o<i.items.length;++o){let c=$b(Object.freeze(e.concat([[s,o]])),i.items[o],n);if(typeof c=="number")o=c-1;else{if(c===xh)return xh;c===wb&&(i.items.splice(o,1),o-=1)}}typeof r=="function"&&s==="key"&&(r=r(t,e))}}return typeof r=="function"?r(t,e):r}a($b,"_visit");bb.visit=Fr});var Xc=q(Qt=>{"use strict";var Eh=mb(),lR=yb(),fR=Ab(),kh="\uFEFF",Sh="",vh="",Ih="",dR=a(e=>!!e&&"items"in e,"isCollection"),hR=a(e=>!!e&&(e.type==="scalar"||e.type==="single-quoted-scalar"||e.type==="double-quoted-scalar"||e.type==="block-scalar"),"isScalar");function pR(e){switch(e){case kh:return"<BOM>";case Sh:return"<DOC>";case vh:return"<FLOW_END>";case Ih:return"<SCALAR>";default:return JSON.stringify(e)}}a(pR,"prettyToken");function _R(e){switch(e){case kh:return"byte-order-mark";case Sh:return"doc-mode";case vh:return"flow-error-end";case Ih:return"scalar";case"---":return"doc-start";case"...":return"doc-end";case"":case`
`:case`\r
`:return"newline";case"-":return"seq-item-ind";case"?":return"explicit-key-ind";case":":return"map-value-ind";case"{":return"flow-map-start";case"}":return"flow-map-end";case"[":return"flow-seq-start";case"]":return"flow-seq-end";case",":return"comma"}switch(e[0]){case" ":case"	":return"space";case"#":return"comment";case"%":return"directive-line";case"*":return"alias";case"&":return"anchor";case"!":return"tag";case"'":return"single-quoted-scalar";case'"':return"double-quoted-scalar";case"|":case">":return"block-scalar-header"}return null}a(_R,"tokenType");Qt.createScalarToken=Eh.createScalarToken;Qt.resolveAsScalar=Eh.resolveAsScalar;Qt.setScalarValue=Eh.setScalarValue;Qt.stringify=lR.stringify;Qt.visit=fR.visit;Qt.BOM=kh;Qt.DOCUMENT=Sh;Qt.FLOW_END=vh;Qt.SCALAR=Ih;Qt.isCollection=dR;Qt.isScalar=hR;Qt.prettyToken=pR;Qt.tokenType=_R});var Nh=q(Eb=>{"use strict";var yo=Xc();function An(e){switch(e){case void 0:case" ":case`
`:case"\r":case"	":return!0;default:return!1}}a(An,"isEmpty");var xb=new Set("0123456789ABCDEFabcdef"),mR=new Set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-#;/?:@&=+$_.!~*'()"),Jc=new Set(",[]{}"),gR=new Set(` ,[]{}
\r	`),Ch=a(e=>!e||gR.has(e),"isNotAnchorChar"),Ph=class{static{a(this,"Lexer")}constructor(){this.atEnd=!1,this.blockScalarIndent=-1,this.blockScalarKeep=!1,this.buffer="",this.flowKey=!1,this.flowLevel=0,this.indentNext=0,this.indentValue=0,this.lineEndPos=null,this.next=null,this.pos=0}*lex(t,n=!1){if(t){if(typeof t!="string")throw TypeError("source is not a string");this.buffer=this.buffer?this.buffer+t:t,this.lineEndPos=null}this.atEnd=!n;let r=this.next??"stream";for(;r&&(n||this.hasChars(1));)r=yield*this.parseNext(r)}atLineEnd(){let t=this.pos,n=this.buffer[t];for(;n===" "||n==="	";)n=this.buffer[++t];return!n||n==="#"||n===`
`?!0:n==="\r"?this.buffer[t+1]===`
`:!1}charAt(t){return this.buffer[this.pos+t]}continueScalar(t){let n=this.buffer[t];if(this.indentNext>0){let r=0;for(;n===" ";)n=this.buffer[++r+t];if(n==="\r"){let s=this.buffer[r+t+1];if(s===`
`||!s&&!this.atEnd)return t+r+1}return n===`
`||r>=this.indentNext||!n&&!this.atEnd?t+r:-1}if(n==="-"||n==="."){let r=this.buffer.substr(t,3);if((r==="---"||r==="...")&&An(this.buffer[t+3]))return-1}return t}getLine(){let t=this.lineEndPos;return(typeof t!="number"||t!==-1&&t<this.pos)&&(t=this.buffer.indexOf(`
`,this.pos),this.lineEndPos=t),t===-1?this.atEnd?this.buffer.substring(this.pos):null:(this.buffer[t-1]==="\r"&&(t-=1),this.buffer.substring(this.pos,t))}hasChars(t){return this.pos+t<=this.buffer.length}setNext(t){return this.buffer=this.buffer.substring(this.pos),this.pos=0,this.lineEndPos=null,this.next=t,null}peek(t){return this.buffer.substr(this.pos,t)}*parseNext(t){switch(t){case"stream":return yield*this.parseStream();case"line-start":return yield*this.parseLineStart();case"block-start":return yield*this.parseBlockStart();case"doc":return yield*this.parseDocument();case"flow":return yield*this.parseFlowCollection();case"quoted-scalar":return yield*this.parseQuotedScalar();case"block-scalar":return yield*this.parseBlockScalar();case"plain-scalar":return yield*this.parsePlainScalar()}}*parseStream(){let t=this.getLine();if(t===null)return this.setNext("stream");if(t[0]===yo.BOM&&(yield*this.pushCount(1),t=t.substring(1)),t[0]==="%"){let n=t.length,r=t.indexOf("#");for(;r!==-1;){let i=t[r-1];if(i===" "||i==="	"){n=r-1;break}else r=t.indexOf("#",r+1)}for(;;){let i=t[n-1];if(i===" "||i==="	")n-=1;else break}let s=(yield*this.pushCount(n))+(yield*this.pushSpaces(!0));return yield*this.pushCount(t.length-s),this.pushNewline(),"stream"}if(this.atLineEnd()){let n=yield*this.pushSpaces(!0);return yield*this.pushCount(t.length-n),yield*this.pushNewline(),"stream"}return yield yo.DOCUMENT,yield*this.parseLineStart()}*parseLineStart(){let t=this.charAt(0);if(!t&&!this.atEnd)return this.setNext("line-start");if(t==="-"||t==="."){if(!this.atEnd&&!this.hasChars(4))return this.setNext("line-start");let n=this.peek(3);if((n==="---"||n==="...")&&An(this.charAt(3)))return yield*this.pushCount(3),this.indentValue=0,this.indentNext=0,n==="---"?"doc":"stream"}return this.indentValue=yield*this.pushSpaces(!1),this.indentNext>this.indentValue&&!An(this.charAt(1))&&(this.indentNext=this.indentValue),yield*this.parseBlockStart()}*parseBlockStart(){let[t,n]=this.peek(2);if(!n&&!this.atEnd)return this.setNext("block-start");if((t==="-"||t==="?"||t===":")&&An(n)){let r=(yield*this.pushCount(1))+(yield*this.pushSpaces(!0));return this.indentNext=this.indentValue+1,this.indentValue+=r,"block-start"}return"doc"}*parseDocument(){yield*this.pushSpaces(!0);let t=this.getLine();if(t===null)return this.setNext("doc");let n=yield*this.pushIndicators();switch(t[n]){case"#":yield*this.pushCount(t.length-n);case void 0:return yield*this.pushNewline(),yield*this.parseLineStart();case"{":case"[":return yield*this.pushCount(1),this.flowKey=!1,this.flowLevel=1,"flow";case"}":case"]":return yield*this.pushCount(1),"doc";case"*":return yield*this.pushUntil(Ch),"doc";case'"':case"'":return yield*this.parseQuotedScalar();case"|":case">":return n+=yield*this.parseBlockScalarHeader(),n+=yield*this.pushSpaces(!0),yield*this.pushCount(t.length-n),yield*this.pushNewline(),yield*this.parseBlockScalar();default:return yield*this.parsePlainScalar()}}*parseFlowCollection(){let t,n,r=-1;do t=yield*this.pushNewline(),t>0?(n=yield*this.pushSpaces(!1),this.indentValue=r=n):n=0,n+=yield*this.pushSpaces(!0);while(t+n>0);let s=this.getLine();if(s===null)return this.setNext("flow");if((r!==-1&&r<this.indentNext&&s[0]!=="#"||r===0&&(s.startsWith("---")||s.startsWith("..."))&&An(s[3]))&&!(r===this.indentNext-1&&this.flowLevel===1&&(s[0]==="]"||s[0]==="}")))return this.flowLevel=0,yield yo.FLOW_END,yield*this.parseLineStart();let i=0;for(;s[i]===",";)i+=yield*this.pushCount(1),i+=yield*this.pushSpaces(!0),this.flowKey=!1;switch(i+=yield*this.pushIndicators(),s[i]){case void 0:return"flow";case"#":return yield*this.pushCount(s.length-i),"flow";case"{":case"[":return yield*this.pushCount(1),this.flowKey=!1,this.flowLevel+=1,"flow";case"}":case"]":return yield*this.pushCount(1),this.flowKey=!0,this.flowLevel-=1,this.flowLevel?"flow":"doc";case"*":return yield*this.pushUntil(Ch),"flow";case'"':case"'":return this.flowKey=!0,yield*this.parseQuotedScalar();case":":{let o=this.charAt(1);if(this.flowKey||An(o)||o===",")return this.flowKey=!1,yield*this.pushCount(1),yield*this.pushSpaces(!0),"flow"}default:return this.flowKey=!1,yield*this.parsePlainScalar()}}*parseQuotedScalar(){let t=this.charAt(0),n=this.buffer.indexOf(t,this.pos+1);if(t==="'")for(;n!==-1&&this.buffer[n+1]==="'";)n=this.buffer.indexOf("'",n+2);else for(;n!==-1;){let i=0;for(;this.buffer[n-1-i]==="\\";)i+=1;if(i%2===0)break;n=this.buffer.indexOf('"',n+1)}let r=this.buffer.substring(0,n),s=r.indexOf(`
`,this.pos);if(s!==-1){for(;s!==-1;){let i=this.continueScalar(s+1);if(i===-1)break;s=r.indexOf(`
`,i)}s!==-1&&(n=s-(r[s-1]==="\r"?2:1))}if(n===-1){if(!this.atEnd)return this.setNext("quoted-scalar");n=this.buffer.length}return yield*this.pushToIndex(n+1,!1),this.flowLevel?"flow":"doc"}*parseBlockScalarHeader(){this.blockScalarIndent=-1,this.blockScalarKeep=!1;let t=this.pos;for(;;){let n=this.buffer[++t];if(n==="+")this.blockScalarKeep=!0;else if(n>"0"&&n<="9")this.blockScalarIndent=Number(n)-1;else if(n!=="-")break}return yield*this.pushUntil(n=>An(n)||n==="#")}*parseBlockScalar(){let t=this.pos-1,n=0,r;e:for(let i=this.pos;r=this.buffer[i];++i)switch(r){case" ":n+=1;break;case`
`:t=i,n=0;break;case"\r":{let o=this.buffer[i+1];if(!o&&!this.atEnd)return this.setNext("block-scalar");if(o===`
`)break}default:break e}if(!r&&!this.atEnd)return this.setNext("block-scalar");if(n>=this.indentNext){this.blockScalarIndent===-1?this.indentNext=n:this.indentNext=this.blockScalarIndent+(this.indentNext===0?1:this.indentNext);do{let i=this.continueScalar(t+1);if(i===-1)break;t=this.buffer.indexOf(`
`,i)}while(t!==-1);if(t===-1){if(!this.atEnd)return this.setNext("block-scalar");t=this.buffer.length}}let s=t+1;for(r=this.buffer[s];r===" ";)r=this.buffer[++s];if(r==="	"){for(;r==="	"||r===" "||r==="\r"||r===`
`;)r=this.buffer[++s];t=s-1}else if(!this.blockScalarKeep)do{let i=t-1,o=this.buffer[i];o==="\r"&&(o=this.buffer[--i]);let c=i;for(;o===" ";)o=this.buffer[--i];if(o===`
`&&i>=this.pos&&i+1+n>c)t=i;else break}while(!0);return yield yo.SCALAR,yield*this.pushToIndex(t+1,!0),yield*this.parseLineStart()}*parsePlainScalar(){let t=this.flowLevel>0,n=this.pos-1,r=this.pos-1,s;for(;s=this.buffer[++r];)if(s===":"){let i=this.buffer[r+1];if(An(i)||t&&Jc.has(i))break;n=r}else if(An(s)){let i=this.buffer[r+1];if(s==="\r"&&(i===`
`?(r+=1,s=`
`,i=this.buffer[r+1]):n=r),i==="#"||t&&Jc.has(i))break;if(s===`
`){let o=this.continueScalar(r+1);if(o===-1)break;r=Math.max(r,o-2)}}else{if(t&&Jc.has(s))break;n=r}return!s&&!this.atEnd?this.setNext("plain-scalar"):(yield yo.SCALAR,yield*this.pushToIndex(n+1,!0),t?"flow":"doc")}*pushCount(t){return t>0?(yield this.buffer.substr(this.pos,t),this.pos+=t,t):0}*pushToIndex(t,n){let r=this.buffer.slice(this.pos,t);return r?(yield r,this.pos+=r.length,r.length):(n&&(yield""),0)}*pushIndicators(){let t=0;e:for(;;){switch(this.charAt(0)){case"!":t+=yield*this.pushTag(),t+=yield*this.pushSpaces(!0);continue e;case"&":t+=yield*this.pushUntil(Ch),t+=yield*this.pushSpaces(!0);continue e;case"-":case"?":case":":{let n=this.flowLevel>0,r=this.charAt(1);if(An(r)||n&&Jc.has(r)){n?this.flowKey&&(this.flowKey=!1):this.indentNext=this.indentValue+1,t+=yield*this.pushCount(1),t+=yield*this.pushSpaces(!0);continue e}}}break e}return t}*pushTag(){if(this.charAt(1)==="<"){let t=this.pos+2,n=this.buffer[t];for(;!An(n)&&n!==">";)n=this.buffer[++t];return yield*this.pushToIndex(n===">"?t+1:t,!1)}else{let t=this.pos+1,n=this.buffer[t];for(;n;)if(mR.has(n))n=this.buffer[++t];else if(n==="%"&&xb.has(this.buffer[t+1])&&xb.has(this.buffer[t+2]))n=this.buffer[t+=3];else break;return yield*this.pushToIndex(t,!1)}}*pushNewline(){let t=this.buffer[this.pos];return t===`
`?yield*this.pushCount(1):t==="\r"&&this.charAt(1)===`
`?yield*this.pushCount(2):0}*pushSpaces(t){let n=this.pos-1,r;do r=this.buffer[++n];while(r===" "||t&&r==="	");let s=n-this.pos;return s>0&&(yield this.buffer.substr(this.pos,s),this.pos=n),s}*pushUntil(t){let n=this.pos,r=this.buffer[n];for(;!t(r);)r=this.buffer[++n];return yield*this.pushToIndex(n,!1)}};Eb.Lexer=Ph});var Rh=q(kb=>{"use strict";var Th=class{static{a(this,"LineCounter")}constructor(){this.lineStarts=[],this.addNewLine=t=>this.lineStarts.push(t),this.linePos=t=>{let n=0,r=this.lineStarts.length;for(;n<r;){let i=n+r>>1;this.lineStarts[i]<t?n=i+1:r=i}if(this.lineStarts[n]===t)return{line:n+1,col:1};if(n===0)return{line:0,col:t};let s=this.lineStarts[n-1];return{line:n,col:t-s+1}}}};kb.LineCounter=Th});var Bh=q(Pb=>{"use strict";var yR=require("process"),Sb=Xc(),wR=Nh();function $r(e,t){for(let n=0;n<e.length;++n)if(e[n].type===t)return!0;return!1}a($r,"includesToken");function vb(e){for(let t=0;t<e.length;++t)switch(e[t].type){case"space":case"comment":case"newline":break;default:return t}return-1}a(vb,"findNonEmptyIndex");function Cb(e){switch(e?.type){case"alias":case"scalar":case"single-quoted-scalar":case"double-quoted-scalar":case"flow-collection":return!0;default:return!1}}a(Cb,"isFlowToken");function eu(e){switch(e.type){case"document":return e.start;case"block-map":{let t=e.items[e.items.length-1];return t.sep??t.start}case"block-seq":return e.items[e.items.length-1].start;default:return[]}}a(eu,"getPrevProps");function Qs(e){if(e.length===0)return[];let t=e.length;e:for(;--t>=0;)switch(e[t].type){case"doc-start":case"explicit-key-ind":case"map-value-ind":case"seq-item-ind":case"newline":break e}for(;e[++t]?.type==="space";);return e.splice(t,e.length)}a(Qs,"getFirstKeyStartProps");function tu(e,t){if(t.length<1e5)Array.prototype.push.apply(e,t);else for(let n=0;n<t.length;++n)e.push(t[n])}a(tu,"arrayPushArray");function Ib(e){if(e.start.type==="flow-seq-start")for(let t of e.items)t.sep&&!t.value&&!$r(t.start,"explicit-key-ind")&&!$r(t.sep,"map-value-ind")&&(t.key&&(t.value=t.key),delete t.key,Cb(t.value)?t.value.end?tu(t.value.end,t.sep):t.value.end=t.sep:tu(t.start,t.sep),delete t.sep)}a(Ib,"fixFlowSeqItems");var Oh=class{static{a(this,"Parser")}constructor(t){this.atNewLine=!0,this.atScalar=!1,this.indent=0,this.offset=0,this.onKeyLine=!1,this.stack=[],this.source="",this.type="",this.lexer=new wR.Lexer,this.onNewLine=t}*parse(t,n=!1){this.onNewLine&&this.offset===0&&this.onNewLine(0);for(let r of this.lexer.lex(t,n))yield*this.next(r);n||(yield*this.end())}*next(t){if(this.source=t,yR.env.LOG_TOKENS&&console.log("|",Sb.prettyToken(t)),this.atScalar){this.atScalar=!1,yield*this.step(),this.offset+=t.length;return}let n=Sb.tokenType(t);if(n)if(n==="scalar")this.atNewLine=!1,this.atScalar=!0,this.type="scalar";else{switch(this.type=n,yield*this.step(),n){case"newline":this.atNewLine=!0,this.indent=0,this.onNewLine&&this.onNewLine(this.offset+t.length);break;case"space":this.atNewLine&&t[0]===" "&&(this.indent+=t.length);break;case"explicit-key-ind":case"map-value-ind":case"seq-item-ind":this.atNewLine&&(this.indent+=t.length);break;case"doc-mode":case"flow-error-end":return;default:this.atNewLine=!1}this.offset+=t.length}else{let r=`Not a YAML token: ${t}`;yield*this.pop({type:"error",offset:this.offset,message:r,source:t}),this.offset+=t.length}}*end(){for(;this.stack.length>0;)yield*this.pop()}get sourceToken(){return{type:this.type,offset:this.offset,indent:this.indent,source:this.source}}*step(){let t=this.peek(1);if(this.type==="doc-end"&&t?.type!=="doc-end"){for(;this.stack.length>0;)yield*this.pop();this.stack.push({type:"doc-end",offset:this.offset,source:this.source});return}if(!t)return yield*this.stream();switch(t.type){case"document":return yield*this.document(t);case"alias":case"scalar":case"single-quoted-scalar":case"double-quoted-scalar":return yield*this.scalar(t);case"block-scalar":return yield*this.blockScalar(t);case"block-map":return yield*this.blockMap(t);case"block-seq":return yield*this.blockSequence(t);case"flow-collection":return yield*this.flowCollection(t);case"doc-end":return yield*this.documentEnd(t)}yield*this.pop()}peek(t){return this.stack[this.stack.length-t]}*pop(t){let n=t??this.stack.pop();if(!n)yield{type:"error",offset:this.offset,source:"",message:"Tried to pop an empty stack"};else if(this.stack.length===0)yield n;else{let r=this.peek(1);switch(n.type==="block-scalar"?n.indent="indent"in r?r.indent:0:n.type==="flow-collection"&&r.type==="document"&&(n.indent=0),n.type==="flow-collection"&&Ib(n),r.type){case"document":r.value=n;break;case"block-scalar":r.props.push(n);break;case"block-map":{let s=r.items[r.items.length-1];if(s.value){r.items.push({start:[],key:n,sep:[]}),this.onKeyLine=!0;return}else if(s.sep)s.value=n;else{Object.assign(s,{key:n,sep:[]}),this.onKeyLine=!s.explicitKey;return}break}case"block-seq":{let s=r.items[r.items.length-1];s.value?r.items.push({start:[],value:n}):s.value=n;break}case"flow-collection":{let s=r.items[r.items.length-1];!s||s.value?r.items.push({start:[],key:n,sep:[]}):s.sep?s.value=n:Object.assign(s,{key:n,sep:[]});return}default:yield*this.pop(),yield*this.pop(n)}if((r.type==="document"||r.type==="block-map"||r.type==="block-seq")&&(n.type==="block-map"||n.type==="block-seq")){let s=n.items[n.items.length-1];s&&!s.sep&&!s.value&&s.start.length>0&&vb(s.start)===-1&&(n.indent===0||s.start.every(i=>i.type!=="comment"||i.indent<n.indent))&&(r.type==="document"?r.end=s.start:r.items.push({start:s.start}),n.items.splice(-1,1))}}}*stream(){switch(this.type){case"directive-line":yield{type:"directive",offset:this.offset,source:this.source};return;case"byte-order-mark":case"space":case"comment":case"newline":yield this.sourceToken;return;case"doc-mode":case"doc-start":{let t={type:"document",offset:this.offset,start:[]};this.type==="doc-start"&&t.start.push(this.sourceToken),this.stack.push(t);return}}yield{type:"error",offset:this.offset,message:`Unexpected ${this.type} token in YAML stream`,source:this.source}}*document(t){if(t.value)return yield*this.lineEnd(t);switch(this.type){case"doc-start":{vb(t.start)!==-1?(yield*this.pop(),yield*this.step()):t.start.push(this.sourceToken);return}case"anchor":case"tag":case"space":case"comment":case"newline":t.start.push(this.sourceToken);return}let n=this.startBlockValue(t);n?this.stack.push(n):yield{type:"error",offset:this.offset,message:`Unexpected ${this.type} token in YAML document`,source:this.source}}*scalar(t){if(this.type==="map-value-ind"){let n=eu(this.peek(2)),r=Qs(n),s;t.end?(s=t.end,s.push(this.sourceToken),delete t.end):s=[this.sourceToken];let i={type:"block-map",offset:t.offset,indent:t.indent,items:[{start:r,key:t,sep:s}]};this.onKeyLine=!0,this.stack[this.stack.length-1]=i}else yield*this.lineEnd(t)}*blockScalar(t){switch(this.type){case"space":case"comment":case"newline":t.props.push(this.sourceToken);return;case"scalar":if(t.source=this.source,this.atNewLine=!0,this.indent=0,this.onNewLine){let n=this.source.indexOf(`
`)+1;for(;n!==0;)this.onNewLine(this.offset+n),n=this.source.indexOf(`
`,n)+1}yield*this.pop();break;default:yield*this.pop(),yield*this.step()}}*blockMap(t){let n=t.items[t.items.length-1];switch(this.type){case"newline":if(this.onKeyLine=!1,n.value){let r="end"in n.value?n.value.end:void 0;(Array.isArray(r)?r[r.length-1]:void 0)?.type==="comment"?r?.push(this.sourceToken):t.items.push({start:[this.sourceToken]})}else n.sep?n.sep.push(this.sourceToken):n.start.push(this.sourceToken);return;case"space":case"comment":if(n.value)t.items.push({start:[this.sourceToken]});else if(n.sep)n.sep.push(this.sourceToken);else{if(this.atIndentedComment(n.start,t.indent)){let s=t.items[t.items.length-2]?.value?.end;if(Array.isArray(s)){tu(s,n.start),s.push(this.sourceToken),t.items.pop();return}}n.start.push(this.sourceToken)}return}if(this.indent>=t.indent){let r=!this.onKeyLine&&this.indent===t.indent,s=r&&(n.sep||n.explicitKey)&&this.type!=="seq-item-ind",i=[];if(s&&n.sep&&!n.value){let o=[];for(let c=0;c<n.sep.length;++c){let u=n.sep[c];switch(u.type){case"newline":o.push(c);break;case"space":break;case"comment":u.indent>t.indent&&(o.length=0);break;default:o.length=0}}o.length>=2&&(i=n.sep.splice(o[1]))}switch(this.type){case"anchor":case"tag":s||n.value?(i.push(this.sourceToken),t.items.push({start:i}),this.onKeyLine=!0):n.sep?n.sep.push(this.sourceToken):n.start.push(this.sourceToken);return;case"explicit-key-ind":!n.sep&&!n.explicitKey?(n.start.push(this.sourceToken),n.explicitKey=!0):s||n.value?(i.push(this.sourceToken),t.items.push({start:i,explicitKey:!0})):this.stack.push({type:"block-map",offset:this.offset,indent:this.indent,items:[{start:[this.sourceToken],explicitKey:!0}]}),this.onKeyLine=!0;return;case"map-value-ind":if(n.explicitKey)if(n.sep)if(n.value)t.items.push({start:[],key:null,sep:[this.sourceToken]});else if($r(n.sep,"map-value-ind"))this.stack.push({type:"block-map",offset:this.offset,indent:this.indent,items:[{start:i,key:null,sep:[this.sourceToken]}]});else if(Cb(n.key)&&!$r(n.sep,"newline")){let o=Qs(n.start),c=n.key,u=n.sep;u.push(this.sourceToken),delete n.key,delete n.sep,this.stack.push({type:"block-map",offset:this.offset,indent:this.indent,items:[{start:o,key:c,sep:u}]})}else i.length>0?n.sep=n.sep.concat(i,this.sourceToken):n.sep.push(this.sourceToken);else if($r(n.start,"newline"))Object.assign(n,{key:null,sep:[this.sourceToken]});else{let o=Qs(n.start);this.stack.push({type:"block-map",offset:this.offset,indent:this.indent,items:[{start:o,key:null,sep:[this.sourceToken]}]})}else n.sep?n.value||s?t.items.push({start:i,key:null,sep:[this.sourceToken]}):$r(n.sep,"map-value-ind")?this.stack.push({type:"block-map",offset:this.offset,indent:this.indent,items:[{start:[],key:null,sep:[this.sourceToken]}]}):n.sep.push(this.sourceToken):Object.assign(n,{key:null,sep:[this.sourceToken]});this.onKeyLine=!0;return;case"alias":case"scalar":case"single-quoted-scalar":case"double-quoted-scalar":{let o=this.flowScalar(this.type);s||n.value?(t.items.push({start:i,key:o,sep:[]}),this.onKeyLine=!0):n.sep?this.stack.push(o):(Object.assign(n,{key:o,sep:[]}),this.onKeyLine=!0);return}default:{let o=this.startBlockValue(t);if(o){if(o.type==="block-seq"){if(!n.explicitKey&&n.sep&&!$r(n.sep,"newline")){yield*this.pop({type:"error",offset:this.offset,message:"Unexpected block-seq-ind on same line with key",source:this.source});return}}else r&&t.items.push({start:i});this.stack.push(o);return}}}}yield*this.pop(),yield*this.step()}*blockSequence(t){let n=t.items[t.items.length-1];switch(this.type){case"newline":if(n.value){let r="end"in n.value?n.value.end:void 0;(Array.isArray(r)?r[r.length-1]:void 0)?.type==="comment"?r?.push(this.sourceToken):t.items.push({start:[this.sourceToken]})}else n.start.push(this.sourceToken);return;case"space":case"comment":if(n.value)t.items.push({start:[this.sourceToken]});else{if(this.atIndentedComment(n.start,t.indent)){let s=t.items[t.items.length-2]?.value?.end;if(Array.isArray(s)){tu(s,n.start),s.push(this.sourceToken),t.items.pop();return}}n.start.push(this.sourceToken)}return;case"anchor":case"tag":if(n.value||this.indent<=t.indent)break;n.start.push(this.sourceToken);return;case"seq-item-ind":if(this.indent!==t.indent)break;n.value||$r(n.start,"seq-item-ind")?t.items.push({start:[this.sourceToken]}):n.start.push(this.sourceToken);return}if(this.indent>t.indent){let r=this.startBlockValue(t);if(r){this.stack.push(r);return}}yield*this.pop(),yield*this.step()}*flowCollection(t){let n=t.items[t.items.length-1];if(this.type==="flow-error-end"){let r;do yield*this.pop(),r=this.peek(1);while(r?.type==="flow-collection")}else if(t.end.length===0){switch(this.type){case"comma":case"explicit-key-ind":!n||n.sep?t.items.push({start:[this.sourceToken]}):n.start.push(this.sourceToken);return;case"map-value-ind":!n||n.value?t.items.push({start:[],key:null,sep:[this.sourceToken]}):n.sep?n.sep.push(this.sourceToken):Object.assign(n,{key:null,sep:[this.sourceToken]});return;case"space":case"comment":case"newline":case"anchor":case"tag":!n||n.value?t.items.push({start:[this.sourceToken]}):n.sep?n.sep.push(this.sourceToken):n.start.push(this.sourceToken);return;case"alias":case"scalar":case"single-quoted-scalar":case"double-quoted-scalar":{let s=this.flowScalar(this.type);!n||n.value?t.items.push({start:[],key:s,sep:[]}):n.sep?this.stack.push(s):Object.assign(n,{key:s,sep:[]});return}case"flow-map-end":case"flow-seq-end":t.end.push(this.sourceToken);return}let r=this.startBlockValue(t);r?this.stack.push(r):(yield*this.pop(),yield*this.step())}else{let r=this.peek(2);if(r.type==="block-map"&&(this.type==="map-value-ind"&&r.indent===t.indent||this.type==="newline"&&!r.items[r.items.length-1].sep))yield*this.pop(),yield*this.step();else if(this.type==="map-value-ind"&&r.type!=="flow-collection"){let s=eu(r),i=Qs(s);Ib(t);let o=t.end.splice(1,t.end.length);o.push(this.sourceToken);let c={type:"block-map",offset:t.offset,indent:t.indent,items:[{start:i,key:t,sep:o}]};this.onKeyLine=!0,this.stack[this.stack.length-1]=c}else yield*this.lineEnd(t)}}flowScalar(t){if(this.onNewLine){let n=this.source.indexOf(`
`)+1;for(;n!==0;)this.onNewLine(this.offset+n),n=this.source.indexOf(`
`,n)+1}return{type:t,offset:this.offset,indent:this.indent,source:this.source}}startBlockValue(t){switch(this.type){case"alias":case"scalar":case"single-quoted-scalar":case"double-quoted-scalar":return this.flowScalar(this.type);case"block-scalar-header":return{type:"block-scalar",offset:this.offset,indent:this.indent,props:[this.sourceToken],source:""};case"flow-map-start":case"flow-seq-start":return{type:"flow-collection",offset:this.offset,indent:this.indent,start:this.sourceToken,items:[],end:[]};case"seq-item-ind":return{type:"block-seq",offset:this.offset,indent:this.indent,items:[{start:[this.sourceToken]}]};case"explicit-key-ind":{this.onKeyLine=!0;let n=eu(t),r=Qs(n);return r.push(this.sourceToken),{type:"block-map",offset:this.offset,indent:this.indent,items:[{start:r,explicitKey:!0}]}}case"map-value-ind":{this.onKeyLine=!0;let n=eu(t),r=Qs(n);return{type:"block-map",offset:this.offset,indent:this.indent,items:[{start:r,key:null,sep:[this.sourceToken]}]}}}return null}atIndentedComment(t,n){return this.type!=="comment"||this.indent<=n?!1:t.every(r=>r.type==="newline"||r.type==="space")}*documentEnd(t){this.type!=="doc-mode"&&(t.end?t.end.push(this.sourceToken):t.end=[this.sourceToken],this.type==="newline"&&(yield*this.pop()))}*lineEnd(t){switch(this.type){case"comma":case"doc-start":case"doc-end":case"flow-seq-end":case"flow-map-end":case"map-value-ind":yield*this.pop(),yield*this.step();break;case"newline":this.onKeyLine=!1;default:t.end?t.end.push(this.sourceToken):t.end=[this.sourceToken],this.type==="newline"&&(yield*this.pop())}}};Pb.Parser=Oh});var Bb=q($o=>{"use strict";var Nb=bh(),$R=lo(),wo=po(),bR=wd(),AR=qe(),xR=Rh(),Tb=Bh();function Rb(e){let t=e.prettyErrors!==!1;return{lineCounter:e.lineCounter||t&&new xR.LineCounter||null,prettyErrors:t}}a(Rb,"parseOptions");function ER(e,t={}){let{lineCounter:n,prettyErrors:r}=Rb(t),s=new Tb.Parser(n?.addNewLine),i=new Nb.Composer(t),o=Array.from(i.compose(s.parse(e)));if(r&&n)for(let c of o)c.errors.forEach(wo.prettifyError(e,n)),c.warnings.forEach(wo.prettifyError(e,n));return o.length>0?o:Object.assign([],{empty:!0},i.streamInfo())}a(ER,"parseAllDocuments");function Ob(e,t={}){let{lineCounter:n,prettyErrors:r}=Rb(t),s=new Tb.Parser(n?.addNewLine),i=new Nb.Composer(t),o=null;for(let c of i.compose(s.parse(e),!0,e.length))if(!o)o=c;else if(o.options.logLevel!=="silent"){o.errors.push(new wo.YAMLParseError(c.range.slice(0,2),"MULTIPLE_DOCS","Source contains multiple documents; please use YAML.parseAllDocuments()"));break}return r&&n&&(o.errors.forEach(wo.prettifyError(e,n)),o.warnings.forEach(wo.prettifyError(e,n))),o}a(Ob,"parseDocument");function kR(e,t,n){let r;typeof t=="function"?r=t:n===void 0&&t&&typeof t=="object"&&(n=t);let s=Ob(e,n);if(!s)return null;if(s.warnings.forEach(i=>bR.warn(s.options.logLevel,i)),s.errors.length>0){if(s.options.logLevel!=="silent")throw s.errors[0];s.errors=[]}return s.toJS(Object.assign({reviver:r},n))}a(kR,"parse");function SR(e,t,n){let r=null;if(typeof t=="function"||Array.isArray(t)?r=t:n===void 0&&t&&(n=t),typeof n=="string"&&(n=n.length),typeof n=="number"){let s=Math.round(n);n=s<1?void 0:s>8?{indent:8}:{indent:s}}if(e===void 0){let{keepUndefined:s}=n??t??{};if(!s)return}return AR.isDocument(e)&&!r?e.toString(n):new $R.Document(e,r,n).toString(n)}a(SR,"stringify");$o.parse=kR;$o.parseAllDocuments=ER;$o.parseDocument=Ob;$o.stringify=SR});var Db=q(Ge=>{"use strict";var vR=bh(),IR=lo(),CR=th(),Lh=po(),PR=Zi(),br=qe(),NR=mr(),TR=$t(),RR=yr(),OR=wr(),BR=Xc(),LR=Nh(),DR=Rh(),UR=Bh(),nu=Bb(),Lb=qi();Ge.Composer=vR.Composer;Ge.Document=IR.Document;Ge.Schema=CR.Schema;Ge.YAMLError=Lh.YAMLError;Ge.YAMLParseError=Lh.YAMLParseError;Ge.YAMLWarning=Lh.YAMLWarning;Ge.Alias=PR.Alias;Ge.isAlias=br.isAlias;Ge.isCollection=br.isCollection;Ge.isDocument=br.isDocument;Ge.isMap=br.isMap;Ge.isNode=br.isNode;Ge.isPair=br.isPair;Ge.isScalar=br.isScalar;Ge.isSeq=br.isSeq;Ge.Pair=NR.Pair;Ge.Scalar=TR.Scalar;Ge.YAMLMap=RR.YAMLMap;Ge.YAMLSeq=OR.YAMLSeq;Ge.CST=BR;Ge.Lexer=LR.Lexer;Ge.LineCounter=DR.LineCounter;Ge.Parser=UR.Parser;Ge.parse=nu.parse;Ge.parseAllDocuments=nu.parseAllDocuments;Ge.parseDocument=nu.parseDocument;Ge.stringify=nu.stringify;Ge.visit=Lb.visit;Ge.visitAsync=Lb.visitAsync});var vp=_t(require("os"),1);function Mn(e){return e==null?"":typeof e=="string"||e instanceof String?e:JSON.stringify(e)}a(Mn,"toCommandValue");function Su(e,t,n){let r=new ku(e,t,n);process.stdout.write(r.toString()+vp.EOL)}a(Su,"issueCommand");var Sp="::",ku=class{static{a(this,"Command")}constructor(t,n,r){t||(t="missing.command"),this.command=t,this.properties=n,this.message=r}toString(){let t=Sp+this.command;if(this.properties&&Object.keys(this.properties).length>0){t+=" ";let n=!0;for(let r in this.properties)if(this.properties.hasOwnProperty(r)){let s=this.properties[r];s&&(n?n=!1:t+=",",t+=`${r}=${Ix(s)}`)}}return t+=`${Sp}${vx(this.message)}`,t}};function vx(e){return Mn(e).replace(/%/g,"%25").replace(/\r/g,"%0D").replace(/\n/g,"%0A")}a(vx,"escapeData");function Ix(e){return Mn(e).replace(/%/g,"%25").replace(/\r/g,"%0D").replace(/\n/g,"%0A").replace(/:/g,"%3A").replace(/,/g,"%2C")}a(Ix,"escapeProperty");var Ip=_t(require("crypto"),1),Lo=_t(require("fs"),1),Bo=_t(require("os"),1);function vu(e,t){let n=process.env[`GITHUB_${e}`];if(!n)throw new Error(`Unable to find environment variable for file command ${e}`);if(!Lo.existsSync(n))throw new Error(`Missing file at path: ${n}`);Lo.appendFileSync(n,`${Mn(t)}${Bo.EOL}`,{encoding:"utf8"})}a(vu,"issueFileCommand");function Iu(e,t){let n=`ghadelimiter_${Ip.randomUUID()}`,r=Mn(t);if(e.includes(n))throw new Error(`Unexpected input: name should not contain the delimiter "${n}"`);if(r.includes(n))throw new Error(`Unexpected input: value should not contain the delimiter "${n}"`);return`${e}<<${n}${Bo.EOL}${r}${Bo.EOL}${n}`}a(Iu,"prepareKeyValueMessage");var Dp=_t(require("os"),1);var Cx=_t(Pp(),1),Px=_t(Tp(),1);var Op=require("os"),si=require("fs");var Cu=function(e,t,n,r){function s(i){return i instanceof n?i:new n(function(o){o(i)})}return a(s,"adopt"),new(n||(n=Promise))(function(i,o){function c(f){try{l(r.next(f))}catch(d){o(d)}}a(c,"fulfilled");function u(f){try{l(r.throw(f))}catch(d){o(d)}}a(u,"rejected");function l(f){f.done?i(f.value):s(f.value).then(c,u)}a(l,"step"),l((r=r.apply(e,t||[])).next())})},{access:Nx,appendFile:Tx,writeFile:Rx}=si.promises,Rp="GITHUB_STEP_SUMMARY";var Pu=class{static{a(this,"Summary")}constructor(){this._buffer=""}filePath(){return Cu(this,void 0,void 0,function*(){if(this._filePath)return this._filePath;let t=process.env[Rp];if(!t)throw new Error(`Unable to find environment variable for $${Rp}. Check if your runtime environment supports job summaries.`);try{yield Nx(t,si.constants.R_OK|si.constants.W_OK)}catch{throw new Error(`Unable to access summary file: '${t}'. Check if the file has correct read/write permissions.`)}return this._filePath=t,this._filePath})}wrap(t,n,r={}){let s=Object.entries(r).map(([i,o])=>` ${i}="${o}"`).join("");return n?`<${t}${s}>${n}</${t}>`:`<${t}${s}>`}write(t){return Cu(this,void 0,void 0,function*(){let n=!!t?.overwrite,r=yield this.filePath();return yield(n?Rx:Tx)(r,this._buffer,{encoding:"utf8"}),this.emptyBuffer()})}clear(){return Cu(this,void 0,void 0,function*(){return this.emptyBuffer().write({overwrite:!0})})}stringify(){return this._buffer}isEmptyBuffer(){return this._buffer.length===0}emptyBuffer(){return this._buffer="",this}addRaw(t,n=!1){return this._buffer+=t,n?this.addEOL():this}addEOL(){return this.addRaw(Op.EOL)}addCodeBlock(t,n){let r=Object.assign({},n&&{lang:n}),s=this.wrap("pre",this.wrap("code",t),r);return this.addRaw(s).addEOL()}addList(t,n=!1){let r=n?"ol":"ul",s=t.map(o=>this.wrap("li",o)).join(""),i=this.wrap(r,s);return this.addRaw(i).addEOL()}addTable(t){let n=t.map(s=>{let i=s.map(o=>{if(typeof o=="string")return this.wrap("td",o);let{header:c,data:u,colspan:l,rowspan:f}=o,d=c?"th":"td",p=Object.assign(Object.assign({},l&&{colspan:l}),f&&{rowspan:f});return this.wrap(d,u,p)}).join("");return this.wrap("tr",i)}).join(""),r=this.wrap("table",n);return this.addRaw(r).addEOL()}addDetails(t,n){let r=this.wrap("details",this.wrap("summary",t)+n);return this.addRaw(r).addEOL()}addImage(t,n,r){let{width:s,height:i}=r||{},o=Object.assign(Object.assign({},s&&{width:s}),i&&{height:i}),c=this.wrap("img",null,Object.assign({src:t,alt:n},o));return this.addRaw(c).addEOL()}addHeading(t,n){let r=`h${n}`,s=["h1","h2","h3","h4","h5","h6"].includes(r)?r:"h1",i=this.wrap(s,t);return this.addRaw(i).addEOL()}addSeparator(){let t=this.wrap("hr",null);return this.addRaw(t).addEOL()}addBreak(){let t=this.wrap("br",null);return this.addRaw(t).addEOL()}addQuote(t,n){let r=Object.assign({},n&&{cite:n}),s=this.wrap("blockquote",t,r);return this.addRaw(s).addEOL()}addLink(t,n){let r=this.wrap("a",t,{href:n});return this.addRaw(r).addEOL()}},Ox=new Pu;var Nu=Ox;var Tu=_t(require("os"),1);var Do=_t(require("fs"),1);var{chmod:Bx,copyFile:Lx,lstat:Dx,mkdir:Ux,open:b4,readdir:Mx,rename:Fx,rm:Hx,rmdir:A4,stat:zx,symlink:Kx,unlink:qx}=Do.promises,Qx=process.platform==="win32";var x4=Do.constants.O_RDONLY;var P4=process.platform==="win32";var L4=Tu.default.platform(),D4=Tu.default.arch();var Lp;(function(e){e[e.Success=0]="Success",e[e.Failure=1]="Failure"})(Lp||(Lp={}));function Up(e,t){if(process.env.GITHUB_OUTPUT||"")return vu("OUTPUT",Iu(e,t));process.stdout.write(Dp.EOL),Su("set-output",{name:e},Mn(t))}a(Up,"setOutput");function Ru(e,t){if(process.env.GITHUB_STATE||"")return vu("STATE",Iu(e,t));Su("save-state",{name:e},Mn(t))}a(Ru,"saveState");function Ou(e){return process.env[`STATE_${e}`]||""}a(Ou,"getState");function Et(e){return e.replace(Xx,"").replace(Jx,eE)}a(Et,"oneLine");var Xx=/[\ufe0e\ufe0f]/g,Jx=/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;function ii(e){return e.replaceAll("##[","##\\[").replace(/^(\s*):(?=:)/,"$1\\:")}a(ii,"defused");function ns(e){return Vn(ii(Et(e)),500)}a(ns,"escapeForeign");function Vn(e,t){if(e.length<=t)return e;let n=/[\ud800-\udbff]/.test(e.charAt(t-1))?t-1:t;return`${e.slice(0,n)}…`}a(Vn,"shortened");function eE(e){if(e==="	")return e;let t=e.codePointAt(0)??0;return t>65535?`\\u{${t.toString(16)}}`:t<256?`\\x${t.toString(16).padStart(2,"0")}`:`\\u${t.toString(16).padStart(4,"0")}`}a(eE,"escapeCharacter");function Fp(e,t){return Jt(e.trimEnd()).slice(-t)}a(Fp,"lastLines");function Jt(e){return e.split(/\r\n|\n/)}a(Jt,"linesOf");var rs=["unchanged","active","untouched","staged","rolled-back","unknown","broken"],kt=class extends Error{static{a(this,"Failure")}fields;constructor(t){super(Lu(t),t.cause===void 0?void 0:{cause:t.cause}),this.name=new.target.name,this.fields=t}},ct=class extends kt{static{a(this,"InputError")}constructor(t){super({what:"Reading the inputs",why:t.map(ns).join(`
`),remedy:"correct the `with:` block of this step."})}},Ve=class extends kt{static{a(this,"ConnectionError")}},ln=class extends kt{static{a(this,"TargetError")}};function Lu({what:e,where:t,why:n,state:r,remedy:s,output:i}){let o=t?` on ${ns(t)}`:"";return[`${ns(e)}${o} failed.`,Bu("why",n),...r?[Bu("state",r)]:[],Bu("do",s),...i?.trim()?[tE("output",i)]:[]].join(`
`)}a(Lu,"formatFailure");function Bu(e,t){let[n,...r]=t.split(`
`).map(ns);return[`  ${`${e}:`.padEnd(8)}${n}`,...r.map(s=>`          ${s}`)].join(`
`)}a(Bu,"field");function tE(e,t){let[n,...r]=Fp(t,20).map(ns);return[`  ${`${e}:`.padEnd(8)}| ${n??""}`,...r.map(s=>`          | ${s}`)].join(`
`)}a(tE,"quoted");function oi(e,t){let n=a(o=>o.toLowerCase().replace(/[-_ ]/g,""),"plain"),r=t.find(o=>n(o)===n(e)||e!==""&&o.startsWith(e));if(r)return r;if(e.length>40)return;let s=e.length<6?1:2,i=t.map(o=>({one:o,edits:nE(n(e),n(o))}));return i.sort((o,c)=>o.edits-c.edits),i[0]&&i[0].edits<=s?i[0].one:void 0}a(oi,"nearest");function nE(e,t){let[n,r]=[[],Array.from({length:t.length+1},(s,i)=>i)];for(let s=1;s<=e.length;s+=1){let i=[s];for(let o=1;o<=t.length;o+=1){let c=(r[o-1]??0)+(e[s-1]===t[o-1]?0:1),u=s>1&&o>1&&e[s-1]===t[o-2]&&e[s-2]===t[o-1]?(n[o-2]??0)+1:c;i.push(Math.min(c,u,(r[o]??0)+1,(i[o-1]??0)+1))}[n,r]=[r,i]}return r[t.length]??0}a(nE,"editsBetween");var Hp="INPUT_";function Uu(e,t){let n=rE(t),r=Object.keys(n).filter(c=>!(c in Du(e))),s=Object.fromEntries(Object.entries(n).filter(([,c])=>c!==""));for(let c of r)delete s[c];let i=e.safeParse(s),o=[...r.map(c=>`Unknown input '${c}'${iE(c,Object.keys(Du(e)))}`),...i.success?[]:i.error.issues.map(c=>sE(c,s))];if(!i.success||o.length>0)throw new ct(o);return i.data}a(Uu,"readInputs");function rE(e){let t={};for(let[n,r]of Object.entries(e))n.startsWith(Hp)&&(t[n.slice(Hp.length).toLowerCase()]=(r??"").replaceAll(`\r
`,`
`).replace(/\n+$/,""),delete e[n]);return t}a(rE,"takeInputs");function Du(e){let{def:t}=e;return t.shape??(t.in?Du(t.in):{})}a(Du,"shapeOf");function sE(e,t){let n=String(e.path[0]??""),r=t[n];return n===""?e.message:r===void 0&&e.code==="invalid_type"?`Input '${n}': required, but not set.`:`Input '${n}': ${e.message}.`}a(sE,"problem");function iE(e,t){let n=oi(e,t);return n?`; did you mean '${n}'?`:"."}a(iE,"closest");var Kp=require("node:os"),qp=require("node:timers/promises");var oE=4,aE=8,cE=new Set([...rs,"database","debugging","development","disabled","external","hostname","information","internal","localhost","optional","password","postgres","postgresql","production","rabbitmq","readonly","required","standalone","standard","undefined","unlimited","username","warnings"]);function Mu(e){return e.split(/\r\n|\r|\n/).map(t=>t.trim()).filter(t=>t.length>=oE&&!t.startsWith("-----")&&!new RegExp("\\p{Cc}","u").test(t))}a(Mu,"hideableLines");function zp(e){return e.length>=aE&&!/^[\d.,:+-]+$/.test(e)&&!cE.has(e.toLowerCase())}a(zp,"isWorthHiding");function En(e,t){return{...e,line:a(n=>e.line(`${t} | ${n}`),"line"),phase:a((n,r,s)=>e.phase(n,`${t} | ${r}`,s),"phase"),warning:a(n=>e.warning(`${t} | ${n}`),"warning")}}a(En,"prefixed");var uE=8e3;function Qp(e){process.stdout.on("error",()=>{});let t=a(c=>{process.stdout.write(`${c}${Kp.EOL}`)},"write"),n=a(c=>Vn(ii(Et(c)),uE),"plain"),r=a((c,[u="",...l])=>{if(e==="github")t(`::${c.toLowerCase()}::${jp([u,...l].join(`
`))}`);else for(let f of[`${c}: ${u}`,...l])t(f)},"annotated"),s=performance.now(),i=new Set,o=a(c=>{if(!i.has(c)){i.add(c);for(let u of lE(c,e))t(`::add-mask::${u}`)}},"hide");return{line:a(c=>t(n(c)),"line"),phase:a((c,u,l=performance.now())=>{let f=((l-s)/1e3).toFixed(1);t(n(`[${f.padStart(5)} s] ${c.padEnd(15)} ${u}`))},"phase"),warning:a(c=>r("Warning",[n(c)]),"warning"),failure:a(c=>r("Error",Jt(c).map(n)),"failure"),mask:a(c=>Mu(c??"").forEach(o),"mask"),maskValue:a(c=>Mu(c).filter(zp).forEach(o),"maskValue"),drain:a(async c=>{await new Promise(u=>process.stdout.write("",u)),c&&await(0,qp.setTimeout)(500)},"drain")}}a(Qp,"openLog");function lE(e,t){let n=jp(e);return t==="github"||n===e?[n]:t==="forgejo"?[e]:/%0[AD]/i.test(e)?[n]:[e,n]}a(lE,"maskForms");function jp(e){return e.replaceAll("%","%25").replaceAll("\r","%0D").replaceAll(`
`,"%0A")}a(jp,"escapeCommand");var Wp=256*1024,fE=8e3;async function Zp(e){if(process.env.GITHUB_OUTPUT)for(let[t,n]of Object.entries(e))Up(t,dE(n))}a(Zp,"writeOutputs");async function Gp(e){process.env.GITHUB_STEP_SUMMARY&&await Nu.addRaw(hE(e),!0).write()}a(Gp,"writeSummary");function dE(e){if(e===void 0)return"";if(typeof e=="string")return Yp(e);if(typeof e!="object")return String(e);let t=Hu(e);return Buffer.byteLength(t)<=Wp?t:JSON.stringify({cut:`the whole value has ${Buffer.byteLength(t)} bytes, above ${Wp}`})}a(dE,"outputText");function Hu(e){return JSON.stringify(e,(t,n)=>typeof n=="string"?Yp(n):n,1)}a(Hu,"harmlessJson");function Yp(e){return Vn(Jt(e).map(t=>ii(Et(t))).join(`
`),fE)}a(Yp,"harmless");function hE({title:e,list:t=[],head:n,rows:r}){let s=a(i=>`| ${n.map((o,c)=>Fu(i[c]??"")).join(" | ")} |`,"row");return[`### ${Fu(e)}`,"",...t.length>0?[...t.map(i=>`- ${Fu(i)}`),""]:[],s(n),`|${" --- |".repeat(n.length)}`,...r.map(s),""].join(`
`)}a(hE,"summaryMarkdown");var pE=500,_E=/^[\p{L}\p{N}✓✗ .,/()?>-]*$/u,mE=/^([-+>]|\d+[.)](\s|$))|www\./i;function Fu(e){let t=Vn(Et(e).trim(),pE);return _E.test(t)&&!mE.test(t)?t:`<code>${t.replace(/[^\p{L}\p{N}✓✗ ,/()?-]/gu,r=>`&#${r.codePointAt(0)};`)}</code>`}a(Fu,"literal");function zu(e){let t=e.FORGEJO_ACTIONS?"forgejo":e.GITEA_ACTIONS?"gitea":"github",n=(e.GITHUB_SERVER_URL??"").replace(/\/+$/,""),r=e.GITHUB_REPOSITORY??"",s=t==="github"?e.GITHUB_RUN_ID:e.GITHUB_RUN_NUMBER;return{platform:t,serverUrl:n,apiUrl:(e.GITHUB_API_URL||n&&`${n}/api/v1`).replace(/\/+$/,""),repository:r,url:n&&r&&s?`${n}/${r}/actions/runs/${s}`:"",workflow:e.GITHUB_WORKFLOW||(e.GITHUB_WORKFLOW_REF??"").replace(/@.*$/,""),number:Number.parseInt(e.GITHUB_RUN_NUMBER??"",10)||0,attempt:Number.parseInt(e.GITHUB_RUN_ATTEMPT??"",10)||1,actor:e.GITHUB_ACTOR??"",sha:e.GITHUB_SHA??"",ref:e.GITHUB_REF??"",job:e.GITHUB_JOB??""}}a(zu,"readRun");var Vp="phase";async function Xp({schema:e,main:t,outputs:n,post:r}){let s=Qp(zu(process.env).platform),i=new AbortController;for(let u of["SIGINT","SIGTERM","SIGHUP"])process.on(u,()=>i.abort(u));let o=a(async u=>{let l=u!==void 0;l&&s.failure(u instanceof kt?u.message:yE(u)),process.exitCode||=l?1:0,await s.drain(l),process.exit()},"end");process.on("uncaughtException",u=>{o(u??new Error("no reason was given"))});let c={log:s,run:zu(process.env),signal:i.signal,env:a(u=>process.env[u]||void 0,"env"),outputs:Zp,summary:Gp,save:a((u,l)=>Ru(u,l),"save")};try{gE(process.versions.node),Ou(Vp)==="main"?await r?.(Ou,()=>Uu(e,process.env),c):(Ru(Vp,"main"),n&&await c.outputs(n),await t(Uu(e,process.env),c))}catch(u){return o(u??new Error("no reason was given"))}return o()}a(Xp,"action");function gE(e){if(!(Number.parseInt(e,10)>=20))throw new kt({what:"Starting the action",why:`it needs Node.js 20 or later, but the runner's \`node\` is ${e}.`,remedy:"install a newer Node.js where the job runs (its image, or the host), and put it first in PATH."})}a(gE,"requireNode");function yE(e){return Lu({what:"The action",why:`an unexpected error: ${e instanceof Error?e.message:String(e)}`,remedy:"report this as a bug, with the output below.",output:e instanceof Error?e.stack:void 0})}a(yE,"unexpected");function Xn(e){return e.startsWith("/")&&e!=="/"&&!e.split("/").includes("..")&&!/[\u0000-\u001f\u007f]/.test(e)}a(Xn,"isPlainPath");function e_(e){let t=URL.canParse(e)?new URL(e):void 0;return/^https?:$/.test(t?.protocol??"")&&t?.username===""&&t.password===""&&!/[\s"\\]/.test(e)}a(e_,"isHttpUrl");function ss(e){return/^[^\p{Cc}:/-][^\p{Cc}:/]*$/u.test(e)&&e.trim()===e}a(ss,"isAccountName");function t_(e){let t=e.split(":");return t.length<=2&&t.every(ss)}a(t_,"isOwner");function n_(e){return/^\s*\d{3}(-\d{3})?(\s*,\s*\d{3}(-\d{3})?)*\s*$/.test(e)}a(n_,"isStatusList");function r_(e,t){return Jp(e)===Jp(t)}a(r_,"sameCapabilities");function Jp(e){return e.toLowerCase().split(/\s+/).filter(Boolean).flatMap(r=>{let[s="",...i]=r.split(/[=+]+/);return s.split(",").map(o=>`${o}=${[...i.join("")].sort().join("")}`)}).sort().join(" ")}a(Jp,"eachCapability");function Uo(e){return Number.parseInt(e,8).toString(8).padStart(4,"0")}a(Uo,"octalMode");function kn(e){return e.slice(0,12)}a(kn,"short");function Lt(e){return e>=1e9?`${(e/1e9).toFixed(2)} GB`:e>=1e6?`${(e/1e6).toFixed(1)} MB`:e>=1e3?`${(e/1e3).toFixed(1)} kB`:`${e} bytes`}a(Lt,"megabytes");var wE={"User-Agent":"health",Accept:"*/*"},$E=["connection","content-length","expect","te","trailer","transfer-encoding","upgrade"],bE=["host","accept","user-agent"],s_=/^([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([^\s\p{Cc}][^\p{Cc}]*)$/u;function i_(e){let[,t=""]=s_.exec(e)??[];return t!==""&&!$E.includes(t.toLowerCase())}a(i_,"isHeader");function o_(e){return c_(e).filter(([t])=>!bE.includes(t.toLowerCase())).flatMap(([,t])=>[t,t.replace(/^[A-Za-z][A-Za-z0-9-]* +/,"")])}a(o_,"headerSecrets");function a_(e,t){if(!e)return{health_headers:"",health_curl:""};let n=c_(t);return{health_headers:[...[...Object.entries({Host:new URL(e).host,...wE}).filter(([i])=>!n.some(([o])=>o.toLowerCase()===i.toLowerCase())),...n].map(([i,o])=>`${i}: ${o}`),"Connection: close"].join(`
`),health_curl:n.map(([i,o])=>`header = "${AE(`${i}: ${o}`)}"`).join(`
`)}}a(a_,"headerValues");function c_(e){return e.map(t=>{let[,n="",r=""]=s_.exec(t)??[];return[n,r.trim()]})}a(c_,"parsed");function AE(e){return e.replace(/["\\]/g,"\\$&")}a(AE,"escaped");var xE=4,Mo=8;function Jn(e,{url:t,headers:n=[]}={}){let r=[...e.map(o=>o.slice(o.indexOf("=")+1)),...o_(n)],s=t&&URL.canParse(t)?{url:t,shown:Sn(t),values:EE(t)}:void 0,i=[...new Set([...r,...s?.values??[]].flatMap(kE))].filter(o=>o.length>=xE).sort((o,c)=>c.length-o.length);return o=>{let c=s&&s.url!==s.shown?o.replaceAll(s.url,s.shown):o;return i.reduce((u,l)=>IE(u.replaceAll(l,"***"),l),c)}}a(Jn,"hiding");function Sn(e){if(!URL.canParse(e))return"(a malformed URL)";let[,t="",n=""]=/^([a-z][a-z0-9+.-]*:\/\/)?(.*)$/is.exec(e)??[],[r="",...s]=(n.split("#")[0]??"").split("?"),i=/^[^/]*@/,o=s.join("?"),c=o.split("&").map(u=>u.includes("=")?`${u.slice(0,u.indexOf("="))}=***`:"***");return`${t}${r.replace(i,"")}${o===""?"":`?${c.join("&")}`}`}a(Sn,"shownUrl");function EE(e){let{search:t,searchParams:n,username:r,password:s,hash:i}=new URL(e),o=a(u=>{try{return decodeURIComponent(u)}catch{return u}},"decoded"),c=t.slice(1).split("&").map(u=>u.slice(u.indexOf("=")+1));return[...n.values(),...c,r,s,i.slice(1)].flatMap(u=>[u,o(u)])}a(EE,"queryValues");function kE(e){let t=JSON.stringify(e).slice(1,-1),n=a((u,l)=>l.replace(u,f=>`\\u${f.charCodeAt(0).toString(16).padStart(4,"0")}`),"unicode"),r=Buffer.from(e).toString(),s=encodeURIComponent(r),i=s.replace(/%[0-9A-F]{2}/g,u=>u.toLowerCase()),o=s.replace(/[!'()*]/g,u=>`%${u.charCodeAt(0).toString(16).toUpperCase()}`),c=[e,e.replaceAll("'","'\\''"),e.replaceAll("'",`'"'"'`),e.replace(/["$`\\]/g,"\\$&"),e.replace(/['\\]/g,"\\$&"),e.replace(/[^A-Za-z0-9_@%+=:,./\n-]/g,"\\$&"),e.replace(/[^A-Za-z0-9_@%+=:,./\n\u0080-\uffff-]/g,"\\$&"),SE(e.replace(/['\\]/g,"\\$&")),t,t.replaceAll("/","\\/"),n(/[<>&]/g,t),n(/[^\0-\x7f]/g,t),n(/[^\0-\x7f<>&]|[<>&]/g,t)];return[...c,...c.map(u=>u.replaceAll("\\","\\\\")),s,i,o,Ku(s),Ku(i),Ku(o),encodeURI(r),...vE(e)]}a(kE,"formsOf");function SE(e){return e.replace(/[\u0080-\uffff]+/g,t=>[...Buffer.from(t)].map(n=>`\\${n.toString(8)}`).join(""))}a(SE,"octal");function Ku(e){return e.replaceAll("%20","+")}a(Ku,"encodedAsForm");function vE(e){let t=e.replaceAll("&","&amp;").replaceAll("<","&lt;").replaceAll(">","&gt;");return[t,t.replaceAll('"',"&quot;").replaceAll("'","&#39;"),t.replaceAll('"',"&#34;").replaceAll("'","&#39;"),t.replaceAll('"',"&quot;").replaceAll("'","&#x27;")]}a(vE,"htmlForms");function IE(e,t){if(e.length<Mo)return e;if(t.includes(e))return"***";let n=u_(e.slice(0,Mo),t).map(i=>t.slice(i)).find(i=>e.startsWith(i)),r=n===void 0?e:`***${e.slice(n.length)}`,s=u_(r.slice(-Mo),t).map(i=>t.slice(0,i+Mo)).findLast(i=>r.endsWith(i));return s===void 0?r:`${r.slice(0,-s.length)}***`}a(IE,"withoutPieces");function u_(e,t){let n=[];for(let r=t.indexOf(e);r>=0;r=t.indexOf(e,r+1))n.push(r);return n}a(u_,"placesOf");function f_({inputs:e,plan:t,outcome:n}){let{health:r,dryRun:s}=e,{state:i,failed:o,why:c}=n,u=(i==="active"||i==="unchanged")&&!s||o==="stable";if(!u&&o!=="health")return[];let l=`healthy for ${r.stableSeconds} s, as the same process`,f=[["health-port",r.port===void 0?void 0:`the process listens on ${r.port}`],["health-url",r.url&&`${Sn(r.url)} answers ${r.status}`],["health-contains",r.contains&&"the expected text in the response"],["health-command",r.command&&"exit code 0"]],d=[qu("sha256",t.file.sha256)];if(!u)return[...d,l_("health",`within ${r.timeoutSeconds} s`,c)];for(let[p,_]of f)_&&d.push(qu(p,_));return o==="stable"?[...d,l_("stable",l,c)]:i==="active"&&t.restart!=="none"?[...d,qu("stable",l)]:d}a(f_,"checksOf");function qu(e,t){return{name:e,expected:t,found:t,ok:!0}}a(qu,"good");function l_(e,t,n){return{name:e,expected:t,found:n,ok:!1}}a(l_,"bad");var Qu="use an http URL of the program itself, or add the certificate to the trusted ones on the target.",CE={why:"nothing on the target can send health-headers: wget would show them in its argument list.",remedy:"install curl there (for an http URL, perl or nc will do), or use health-command."};function d_({health:e},t){let n=[];if(e.url&&t.httpClient===""){let r={why:`the target has no HTTP client to request ${Sn(e.url)} with.`,remedy:"install curl on the target, or use `health-port` or `health-command`."};n.push(e.headers.length>0?CE:r)}return e.url&&t.healthUntrusted!==void 0&&n.push({why:`the target does not trust the certificate of ${Sn(e.url)}: ${t.healthUntrusted}`,remedy:Qu}),t.portHolder&&n.push({why:`port ${e.port} is held by another process (pid ${t.portHolder}), which does not run the file.`,remedy:"stop that process, or correct `health-port`."}),n}a(d_,"healthObstacles");var Fo={state:"untouched",changed:!1,"downtime-ms":0,"bytes-sent":0,report:[]},p_="untouched. Nothing on the target was changed.";function __(e){return e.fields.state!==void 0?e:new Ve({...e.fields,state:p_})}a(__,"asUntouched");function er(e){return e==="active"||e==="unchanged"}a(er,"isGreen");function m_(e){return e==="active"||e==="unknown"}a(m_,"hasChanged");function g_({kind:e,steps:t,units:n}){return e==="unchanged"?["Plan: nothing to do. File, process and health already match."]:["Plan",...t.map(({does:r,because:s})=>`  - ${r}: ${s}`),...n.notes.map(r=>`  Note: ${r}`)]}a(g_,"planLines");function y_(e,t){let{file:n,processes:r,strangers:s,releases:i,unseen:o,history:c,unfinished:u}=e,l=a(d=>e.units.find(({pids:p})=>p.includes(d))?.name,"unitOf"),f=r.map(({pid:d,user:p,live:_})=>`pid ${d} (${p}${l(d)?`, unit ${l(d)}`:""}${_?"":", outdated image"})`);return[...e.sudo?[`Using ${e.rootTool}, because ${e.needsRoot}`]:[],n?`Found ${t}: sha256 ${kn(n.sha256)}, ${Lt(n.bytes)}, ${n.owner} ${n.mode}${n.capabilities?`, ${n.capabilities}`:""}`:`Found nothing at ${t}`,f.length>0?`  running as ${f.join(" and ")}`:`  not running${o?`; ${e.login} may not inspect pid ${o}`:""}`,...s.length>0?[`  also run by other accounts: ${s.map(({pid:d,user:p})=>`pid ${d} (${p})`).join(", ")}`]:[],...i.length>0?[`  kept releases: ${i.map(({sha256:d})=>kn(d)).join(", ")}`]:[],...u?[`  an earlier deploy (${u.run}) stopped during \`${u.phase}\``]:[],...e.notes.map(d=>`  note: ${d}`),...c.length>0?[`  last deploy: ${c.at(-1)}`]:[]]}a(y_,"foundLines");function w_(e,t,n){return new ln({what:`Preparing ${t}`,where:e,why:n.map(({why:r})=>r).join(`
`),state:p_,remedy:n.map(({remedy:r})=>r).join(`
`)})}a(w_,"refusal");function $_(e){let{plan:t,found:n,outcome:r,target:s,inputs:i,durationMs:o}=e;return{target:s,destination:i.destination,state:r.state,sha256:t.file.sha256,previousSha256:n.file?.sha256??"",pid:r.pid??null,downtimeMs:r.downtimeMs??null,bytesSent:r.bytesSent,durationMs:o,failed:r.failed,why:r.why,phases:r.phases,checks:f_(e)}}a($_,"entryOf");function b_({target:e,plan:t,found:n,outcome:r,inputs:s,durationMs:i}){let o=n.file?kn(n.file.sha256):"nothing",c=kn(t.file.sha256),u=[["state",r.state],["target",e],["file",s.destination],["sha256",PE(r.state,o,c)]];return r.pid&&u.push(["pid",String(r.pid)]),r.downtimeMs!==void 0&&u.push(["downtime",`${r.downtimeMs} ms`]),u.push(["sent",Lt(r.bytesSent)],["time",`${(i/1e3).toFixed(1)} s`]),u}a(b_,"tableOf");function PE(e,t,n){return t===n?t:e==="active"?`${t} -> ${n}`:e==="broken"||e==="unknown"?`was ${t}, tried ${n}`:`${t} (${n} is not deployed)`}a(PE,"digests");var h_={lock:"Waiting for the lock of",stage:"Staging",upload:"Uploading",stop:"Stopping",recovery:"Recovering",connection:"Following the deploy of"};function ju({target:e,inputs:t,found:n,outcome:r}){return new ln({what:`${Object.hasOwn(h_,r.failed)&&h_[r.failed]||"Activating"} ${t.destination}`,where:e,why:`${r.why||"no reason was given"}.`,state:`${r.state}. ${NE(r,n,t)}`,remedy:RE(r,t),output:r.output})}a(ju,"failureOf");function NE({state:e,failed:t,pid:n,broken:r},s,i){let o=s.file?`The previous version (sha256 ${kn(s.file.sha256)})`:"";return{active:"The new version is running.",unchanged:"The target already matched.",untouched:"Nothing on the target was changed.",staged:`${TE(o,s)}; the uploaded file was removed.`,"rolled-back":o?`${o} is running again${n?` as pid ${n}`:""}.`:"There was no previous version; the new file was removed and nothing is running.",broken:`${OE(r)}. Manual inspection of ${i.folder} is required.`,unknown:t==="answer"?"The outcome of the deploy is not known.":"The connection was lost and the outcome is not known; the target finishes the transaction on its own."}[e]}a(NE,"stateSentence");function TE(e,{processes:t}){let n=t.length>0;return e?`${e} is unchanged${n?" and still running":""}`:n?"The running program is unchanged":"There was no previous version"}a(TE,"stagedSentence");function RE({state:e,failed:t,output:n,untrusted:r},s){return t==="answer"?"log in and inspect the host: the programs of this step never answer like this, so somebody may have changed what runs there.":e==="unknown"?"run verify-deploy, or re-run this job: it completes or rolls back what it finds.":t==="recovery"?"find out what kills processes there (the kernel for want of memory, a limit, a person), then re-run the job: it continues the recovery.":r?Qu:e==="broken"?"log in and inspect the host; `rollback-to: previous` restores the last kept release.":t==="lock"?"wait for the other deploy, or raise `lock-timeout-seconds`.":["upload","stage","swap","accept"].includes(t)?"check the connection and free disk space, then re-run the job.":t==="stop"?"find out what keeps the program from exiting, then re-run the job.":n?"read the last lines of the program below, fix the cause, then re-run the job.":s.logFile?`the program logged nothing to ${s.logFile}; run it manually, fix the cause, then re-run the job.`:"set `log-file` to see what the program prints, fix the cause, then re-run the job."}a(RE,"remedyOf");function OE(e){return e.charAt(0).toUpperCase()+e.slice(1)}a(OE,"capitalised");function Gu(e){let t=Object.values(e).filter(r=>typeof r=="number");return Object.entries(e).filter(([r,s])=>t.indexOf(+r)===-1).map(([r,s])=>s)}a(Gu,"getEnumValues");function A_(e,t){return typeof t=="bigint"?t.toString():t}a(A_,"jsonStringifyReplacer");var Zu=class{static{a(this,"Cached")}constructor(t){this._getter=t,this._value=void 0}get value(){let t=this._getter;return t!==void 0&&(this._value=t(),this._getter=void 0),this._value}};function x_(e){return new Zu(e)}a(x_,"cached");function E_(e){let t=e.startsWith("^")?1:0,n=e.endsWith("$")?e.length-1:e.length;return e.slice(t,n)}a(E_,"cleanRegex");function k_(e,t,n){Object.defineProperty(e,t,{value:n,writable:!0,enumerable:!0,configurable:!0})}a(k_,"assignProp");var Yu="captureStackTrace"in Error?Error.captureStackTrace:(...e)=>{};function Ho(e){return typeof e=="object"&&e!==null&&!Array.isArray(e)}a(Ho,"isObject");function S_(e){if(Ho(e)===!1)return!1;let t=e.constructor;if(t===void 0||typeof t!="function")return!0;let n=t.prototype;return!(Ho(n)===!1||Object.prototype.hasOwnProperty.call(n,"isPrototypeOf")===!1)}a(S_,"isPlainObject");function Vu(e){return S_(e)?{...e}:Array.isArray(e)?[...e]:e instanceof Map?new Map(e):e instanceof Set?new Set(e):e}a(Vu,"shallowClone");var v_=new Set(["string","number","symbol"]);function I_(e){return e.replace(/[.*+?^${}()|[\]\\]/g,"\\$&")}a(I_,"escapeRegex");function zo(e,t,n){let r=new e._zod.constr(t??e._zod.def);return(!t||n?.parent)&&(r._zod.parent=e),r}a(zo,"clone");function nr(e){let t=e;if(!t)return{};if(typeof t=="string")return{error:a(()=>t,"error")};if(t?.message!==void 0){if(t?.error!==void 0)throw new Error("Cannot specify both `message` and `error` params");t.error=t.message}return delete t.message,typeof t.error=="string"?{...t,error:a(()=>t.error,"error")}:t}a(nr,"normalizeParams");function C_(e){return Object.keys(e).filter(t=>e[t]._zod.optin!==void 0&&e[t]._zod.optout==="optional")}a(C_,"optionalKeys");function rr(e,t=0){if(e.aborted===!0)return!0;for(let n=t;n<e.issues.length;n++)if(e.issues[n]?.continue!==!0)return!0;return!1}a(rr,"aborted");function P_(e,t=0){if(e.aborted===!0)return!0;for(let n=t;n<e.issues.length;n++)if(e.issues[n]?.continue===!1)return!0;return!1}a(P_,"explicitlyAborted");function Xu(e,t){return t.map(n=>{var r;return(r=n).path??(r.path=[]),n.path.unshift(e),n})}a(Xu,"prefixIssues");function ai(e){return typeof e=="string"?e:e?.message}a(ai,"unwrapMessage");function Ju(e){let t=[];for(let n of e??[]){let r=n._zod.def;if(!/_(length|size)$|_equals$/.test(r.check))break;let s=r.maximum??r.length??r.size;s>=0&&t.push([s,n])}return t}a(Ju,"sizeCaps");function Ko(e,t,n){var r;for(let s=t;s<e.length;s++)(r=e[s]).schema??(r.schema=n)}a(Ko,"attachSchema");function is(e,t,n){var r;let s=e.inst?._zod?.traits;s?.has("$ZodType")&&(s.has("$ZodCheck")?(r=e).schema??(r.schema=e.inst):e.schema=e.inst);let i=e.schema!==e.inst?e.schema?._zod.def?.error:void 0,o=e.message?e.message:ai(e.inst?._zod.def?.error?.(e))??ai(i?.(e))??ai(t?.error?.(e))??ai(n.customError?.(e))??ai(n.localeError?.(e))??"Invalid input",c={};for(let u of Object.keys(e))u==="inst"||u==="schema"||u==="continue"||u==="input"||u==="__proto__"||(c[u]=e[u]);return c.path??(c.path=[]),c.message=o,t?.reportInput&&(c.input=e.input),c}a(is,"finalizeIssue");function el(...e){let[t,n,r]=e;return typeof t=="string"?{message:t,code:"custom",input:n,inst:r}:{...t}}a(el,"issue");function N_(e,t){for(let n in t){let r=Object.getOwnPropertyDescriptor(t,n);r.get?Object.defineProperty(e,n,{...r,enumerable:!1}):BE(e,n,r.value)}}a(N_,"members");function kr(e,t,n,r=!0){return Object.defineProperty(e,t,{configurable:!0,writable:!0,enumerable:r,value:n}),n}a(kr,"own");function T_(e,t,n){return kr(e,t,n,!1)}a(T_,"hide");function BE(e,t,n){Object.defineProperty(e,t,{configurable:!0,get(){return this==null?n:kr(this,t,n.bind(this))},set(r){kr(this,t,r)}})}a(BE,"defineBound");function LE(e,t){let n=Object.getPrototypeOf(e);return t in n?void 0:n}a(LE,"claim");var Wu,tr=!1,DE={configurable:!0,get(){tr=!0}};function fn(e,t,n){let r=Object.getPrototypeOf(e._zod);if(t in r&&Wu!==e._zod){Wu=void 0;return}Wu=e._zod,Object.defineProperty(r,t,{configurable:!0,get(){Object.defineProperty(this,t,DE);let s=tr;tr=!1;try{let i=n(this);return tr?delete this[t]:Object.defineProperty(this,t,{configurable:!0,writable:!0,value:i}),tr=tr||s,i}catch(i){throw delete this[t],tr=tr||s,i}},set(s){Object.defineProperty(this,t,{configurable:!0,writable:!0,value:s})}})}a(fn,"defineLazyInternal");function R_(e,t,n,r){let s=LE(e,t);s&&Object.defineProperty(s,t,{configurable:!0,get(){let i={configurable:!0,writable:!0,enumerable:r,value:void 0};return Object.defineProperty(this,t,i),i.value=n(this),Object.defineProperty(this,t,i),i.value},set(i){Object.defineProperty(this,t,{configurable:!0,writable:!0,enumerable:r,value:i})}})}a(R_,"installLazyProp");var O_;var tl={value:void 0,enumerable:!1},B_="captureStackTrace"in Error?Error:null;function UE(e){let t=B_;if(t){let n=t.stackTraceLimit;if(typeof n=="number"){try{t.stackTraceLimit=0}catch{return B_=null,new e}try{return new e}finally{t.stackTraceLimit=n}}}return new e}a(UE,"newError");function rt(e,t,n,r){let s={};function i(p){this.def=p,this.constr=d,this.traits=new Set}a(i,"Internals"),i.prototype=s;let o=n,c=o&&new WeakSet;function u(p,_){if(p._zod){if(p._zod.traits.has(e))return}else{tl.value=new i(_);try{Object.defineProperty(p,"_zod",tl)}finally{tl.value=void 0}}if(p._zod.traits.add(e),t(p,_),c){let g=Object.getPrototypeOf(p),y=p._zod.constr.prototype,x=g;for(;x&&x!==y;)x=Object.getPrototypeOf(x);let k=x??g;c.has(k)||(c.add(k),N_(k,o))}let b=d.prototype;for(let g in b)Object.prototype.hasOwnProperty.call(b,g)&&(g in p||(p[g]=b[g].bind(p)))}a(u,"init");let l=r?.Parent??Object;class f extends l{static{a(this,"Definition")}}Object.defineProperty(f,"name",{value:e});function d(p){let _=r?.Parent?UE(f):this;u(_,p);let b=_._zod.deferred;if(b){for(let y of b)y();_._zod.deferred=void 0}let g=globalThis.__zod_globalConfig?.postProcessor;return g&&g(_),_}return a(d,"_"),Object.defineProperty(d,"init",{value:u}),Object.defineProperty(d,Symbol.hasInstance,{value:a(p=>r?.Parent&&p instanceof r.Parent?!0:p?._zod?.traits?.has(e),"value")}),Object.defineProperty(d,"name",{value:e}),d}a(rt,"$constructor");var vn=class extends Error{static{a(this,"$ZodAsyncError")}constructor(){super("Encountered Promise during synchronous parse. Use .parseAsync() instead.")}},qo=class extends Error{static{a(this,"$ZodEncodeError")}constructor(t){super(`Encountered unidirectional transform during encode: ${t}`),this.name="ZodEncodeError"}};(O_=globalThis).__zod_globalConfig??(O_.__zod_globalConfig={});var as=globalThis.__zod_globalConfig;function cs(e){return e&&Object.assign(as,e),as}a(cs,"config");function ME(){let e=this._zod;return e.message??(e.message=JSON.stringify(e.def,A_,2)),e.message}a(ME,"_getMessage");function FE(e){this._zod.message=e}a(FE,"_setMessage");var HE={get:ME,set:FE,enumerable:!0,configurable:!0},rl={value:void 0,enumerable:!1},L_=new WeakSet([Object.prototype,Error.prototype]),D_=a((e,t)=>{e.name="$ZodError",rl.value=t,Object.defineProperty(e,"issues",rl),rl.value=void 0,Object.defineProperty(e,"message",HE);let n=Object.getPrototypeOf(e);L_.has(n)||(L_.add(n),Object.defineProperty(n,"toString",{configurable:!0,enumerable:!1,get(){let r=a(()=>this.message,"value");return Object.defineProperty(this,"toString",{value:r,configurable:!0,writable:!0}),r},set(r){Object.defineProperty(this,"toString",{value:r,configurable:!0,writable:!0})}}))},"initializer"),JL=rt("$ZodError",D_),ci=rt("$ZodError",D_,void 0,{Parent:Error});var KE=a(e=>{let t=a((n,r,s,i)=>{let o=s?{...s,async:!1}:{async:!1},c=n._zod.run({value:r,issues:[]},o);if(c instanceof Promise)throw new vn;if(c.issues.length){let u=new(i?.Err??e)(c.issues.map(l=>is(l,o,cs())));throw Yu(u,i?.callee??t),u}return c.value},"fn");return t},"_parse"),sl=KE(ci),qE=a(e=>{let t=a(async(n,r,s,i)=>{let o=s?{...s,async:!0}:{async:!0},c=n._zod.run({value:r,issues:[]},o);if(c instanceof Promise&&(c=await c),c.issues.length){let u=new(i?.Err??e)(c.issues.map(l=>is(l,o,cs())));throw Yu(u,i?.callee??t),u}return c.value},"fn");return t},"_parseAsync"),il=qE(ci),QE=a(e=>(t,n,r)=>{let s=r?{...r,async:!1}:{async:!1},i=t._zod.run({value:n,issues:[]},s);if(i instanceof Promise)throw new vn;return i.issues.length?U_(e,i.issues,s):{success:!0,data:i.value}},"_safeParse"),ol=QE(ci);function U_(e,t,n){let r;return{success:!1,get error(){return r||(r=new e(t.map(s=>is(s,n,cs()))),t=void 0,n=void 0),r},set error(s){r=s,t=void 0,n=void 0}}}a(U_,"failure");var jE=a(e=>async(t,n,r)=>{let s=r?{...r,async:!0}:{async:!0},i=t._zod.run({value:n,issues:[]},s);return i instanceof Promise&&(i=await i),i.issues.length?U_(e,i.issues,s):{success:!0,data:i.value}},"_safeParseAsync"),al=jE(ci);var M_=/^[\s\S]{0,}$/;var Qo=rt("$ZodCheck",(e,t)=>{var n;e._zod??(e._zod={}),e._zod.def=t,(n=e._zod).onattach??(n.onattach=[])});var H_={major:4,minor:6,patch:7};var dn=rt("$ZodType",(e,t)=>{var n;e??(e={}),e._zod.def=t,e._zod.bag=e._zod.bag||{},e._zod.version=H_;let r=e._zod.def.checks,s=e._zod.traits.has("$ZodCheck")?[e,...r??[]]:r?.length?[...r]:[];for(let i of s)for(let o of i._zod.onattach)o(e);if(s.length===0)(n=e._zod).deferred??(n.deferred=[]),e._zod.deferred?.push(()=>{e._zod.run=e._zod.parse});else{let i=a((c,u,l)=>{if(c.memo)return c;let f=rr(c),d;for(let p of u){if(p._zod.def.when){if(P_(c)||!p._zod.def.when(c))continue}else if(f)continue;let _=c.issues.length,b=p._zod.check(c);if(b instanceof Promise&&l?.async===!1)throw new vn;if(d||b instanceof Promise)d=(d??Promise.resolve()).then(async()=>{await b,c.issues.length!==_&&(Ko(c.issues,_,e),f||(f=rr(c,_)))});else{if(c.issues.length===_)continue;Ko(c.issues,_,e),f||(f=rr(c,_))}}return d?d.then(()=>c):c},"runChecks"),o=a((c,u,l)=>{if(rr(c))return c.aborted=!0,c;let f=i(u,s,l);if(f instanceof Promise){if(l.async===!1)throw new vn;return f.then(d=>e._zod.parse(d,l))}return e._zod.parse(f,l)},"handleCanaryResult");e._zod.run=(c,u)=>{if(u.skipChecks)return e._zod.parse(c,u);if(u.direction==="backward"){let f=e._zod.parse({value:c.value,issues:[]},{...u,skipChecks:!0});return f instanceof Promise?f.then(d=>o(d,c,u)):o(f,c,u)}let l=e._zod.parse(c,u);if(l instanceof Promise){if(u.async===!1)throw new vn;return l.then(f=>i(f,s,u))}return i(l,s,u)}}},{get"~standard"(){return T_(this,"~standard",GE(this))},set"~standard"(e){kr(this,"~standard",e)}}),j_=a((e,t)=>e.issues.length?{issues:e.issues.map(n=>is(n,t,cs()))}:{value:e.value},"toStandardResult");async function ZE(e,t){let n={async:!0};return j_(await e._zod.run({value:t,issues:[]},n),n)}a(ZE,"validateAsync");function GE(e){return{validate:a(t=>{let n={async:!1};try{let r=e._zod.run({value:t,issues:[]},n);if(!(r instanceof Promise))return j_(r,n)}catch{}return ZE(e,t)},"validate"),vendor:"zod",version:1}}a(GE,"standardProps");var W_=rt("$ZodString",(e,t)=>{dn.init(e,t),e._zod.pattern=t.pattern??M_,e._zod.parse=(n,r)=>{if(t.coerce)try{n.value=String(n.value)}catch{}return typeof n.value=="string"||n.issues.push({expected:"string",code:"invalid_type",input:n.value,inst:e}),n}});function YE(e,t){let n=Ju(e._zod.def.checks);if(!n.length)return;let r=Math.min(...n.map(i=>i[0])),s=e._zod.parse;e._zod.parse=(i,o)=>{let c=t(i.value);if(c>r&&!o?.skipChecks&&o?.direction!=="backward"){for(let[u,l]of Ju(e._zod.def.checks))if(c>u&&l._zod.def.when(i)){let f=i.issues.length;return l._zod.check(i),i.issues[f].continue=!1,Ko(i.issues,f,e),i}}return s(i,o)}}a(YE,"capSize");var VE=a(e=>Array.isArray(e)?e.length:-1,"arraySize");function z_(e,t,n){e.issues.length&&t.issues.push(...Xu(n,e.issues)),t.value[n]=e.value}a(z_,"handleArrayResult");var Z_=rt("$ZodArray",(e,t)=>{dn.init(e,t);let n=as.memoizer;n?.attach(e),e._zod.parse=(r,s)=>{let i=r.value;if(!Array.isArray(i))return r.issues.push({expected:"array",code:"invalid_type",input:i,inst:e}),r;r.value=n?n.alloc(e,r,Array(i.length),s):Array(i.length);let o=[],c=s?.abortEarly;for(let u=0;u<i.length;u++){let l=i[u],f=t.element._zod.run({value:l,issues:[]},s);if(f instanceof Promise)o.push(f.then(d=>z_(d,r,u)));else if(z_(f,r,u),c&&f.issues.length!==0&&rr(f))break}return o.length?Promise.all(o).then(()=>r):r},YE(e,VE)});function Wo(e,t,n,r,s,i){let o=n in r,c=i==="optional";if(!(!o&&c&&s==="optional")){if(e.issues.length){if(s!==void 0&&c&&!o)return;t.issues.push(...Xu(n,e.issues))}if(!o&&s===void 0){e.issues.length||t.issues.push({code:"invalid_type",expected:"nonoptional",input:void 0,path:[n]});return}e.value===void 0?(o||s==="defaulted"&&!c)&&(t.value[n]=void 0):t.value[n]=e.value}}a(Wo,"handlePropertyResult");var XE=[];function JE(e){let t=Object.keys(e.shape),n=Object.getOwnPropertySymbols(e.shape),r=n.length?n:XE,s=r.length?[...t,...r]:t;for(let o of s)if(!e.shape?.[o]?._zod?.traits?.has("$ZodType"))throw new Error(`Invalid element at key "${String(o)}": expected a Zod schema`);let i=C_(e.shape);return{...e,allKeys:s,symbolKeys:r,keySet:new Set(t),numKeys:t.length,optionalKeys:new Set(i)}}a(JE,"normalizeDef");function ek(e,t,n,r,s,i,o){let c=[],u=s.keySet,l=s.catchall._zod,f=l.def.type,d=l.optin,p=l.optout,_=0;for(let b in t){if(o&&n.issues.length!==_){if(rr(n,_))break;_=n.issues.length}if(u.has(b))continue;if(b==="__proto__"){f==="never"&&c.push(b);continue}if(f==="never"){c.push(b);continue}let g=l.run({value:t[b],issues:[]},r);g instanceof Promise?e.push(g.then(y=>Wo(y,n,b,t,d,p))):Wo(g,n,b,t,d,p)}return c.length&&n.issues.push({code:"unrecognized_keys",keys:c,input:t,inst:i,continue:!0}),e.length?Promise.all(e).then(()=>n):n}a(ek,"handleCatchall");var G_=rt("$ZodObject",(e,t)=>{dn.init(e,t);let n=Object.getOwnPropertyDescriptor(t,"shape"),r=n?.get?n.get.raw:t.shape??{};if(r){let l=a(()=>{let f={...r};return Object.defineProperty(t,"shape",{value:f}),l.raw=f,f},"get");l.raw=r,Object.defineProperty(t,"shape",{get:l})}let s=x_(()=>JE(t));fn(e,"propValues",l=>{let f=l.def.shape,d={};for(let p in f){let _=f[p]._zod;if(_.values){Object.prototype.hasOwnProperty.call(d,p)||k_(d,p,new Set);for(let b of _.values)d[p].add(b);_.optin!==void 0&&d[p].add(void 0)}}return d});let i=Ho,o=t.catchall,c,u=as.memoizer;u?.attach(e),e._zod.parse=(l,f)=>{c??(c=s.value);let d=l.value;if(!i(d))return l.issues.push({expected:"object",code:"invalid_type",input:d,inst:e}),l;l.value=u?u.alloc(e,l,{},f):{};let p=[],_=c.shape,b=f?.abortEarly,g=l.issues.length;for(let y of c.allKeys){if(b&&l.issues.length!==g){if(rr(l,g))break;g=l.issues.length}if(y==="__proto__")continue;let x=_[y],k=x._zod.optin,N=x._zod.optout,v=x._zod.run({value:d[y],issues:[]},f);v instanceof Promise?p.push(v.then(L=>Wo(L,l,y,d,k,N))):Wo(v,l,y,d,k,N)}return o?ek(p,d,l,f,s.value,e,b===!0):p.length?Promise.all(p).then(()=>l):l}});var Y_=rt("$ZodEnum",(e,t)=>{dn.init(e,t);let n=Gu(t.entries),r=new Set(n);e._zod.values=r,fn(e,"pattern",s=>{let i=Gu(s.def.entries).filter(o=>v_.has(typeof o));return new RegExp(i.length?`^(${i.map(o=>I_(o.toString())).join("|")})$`:"^[^\\s\\S]$")}),e._zod.parse=(s,i)=>{let o=s.value;return r.has(o)||s.issues.push({code:"invalid_value",values:n,input:o,inst:e}),s}});var V_=rt("$ZodTransform",(e,t)=>{dn.init(e,t),e._zod.optin="optional",as.memoizer?.guard(e),e._zod.parse=(n,r)=>{if(r.direction==="backward")throw new qo(e.constructor.name);let s=t.transform(n.value,n);if(r.async)return(s instanceof Promise?s:Promise.resolve(s)).then(o=>(n.value=o,n));if(s instanceof Promise)throw new vn;return n.value=s,n}});function K_(e,t){return e.value=t.issues.length?void 0:t.value,e}a(K_,"handleOptionalResult");var X_=rt("$ZodOptional",(e,t)=>{dn.init(e,t),fn(e,"optin",n=>n.def.innerType._zod.optin==="defaulted"?"defaulted":"optional"),e._zod.optout="optional",fn(e,"values",n=>{let r=n.def.innerType._zod.values;return r?new Set([...r,void 0]):void 0}),fn(e,"pattern",n=>{let r=n.def.innerType._zod.pattern;return r?new RegExp(`^(${E_(r.source)})?$`):void 0}),e._zod.parse=(n,r)=>{if(n.value===void 0){if(t.innerType._zod.optin!=="defaulted")return n;let s=t.innerType._zod.run({value:n.value,issues:[]},r);return s instanceof Promise?s.then(i=>K_(n,i)):K_(n,s)}return t.innerType._zod.run(n,r)}});var J_=rt("$ZodDefault",(e,t)=>{dn.init(e,t),e._zod.optin="defaulted",fn(e,"values",n=>n.def.innerType._zod.values),e._zod.parse=(n,r)=>{if(r.direction==="backward")return t.innerType._zod.run(n,r);if(n.value===void 0)return n.value=t.defaultValue,n;let s=t.innerType._zod.run(n,r);return s instanceof Promise?s.then(i=>q_(i,t)):q_(s,t)}});function q_(e,t){return e.value===void 0&&(e.value=t.defaultValue),e}a(q_,"handleDefaultResult");var em=rt("$ZodPipe",(e,t)=>{dn.init(e,t),fn(e,"values",n=>n.def.in._zod.values),fn(e,"optin",n=>n.def.in._zod.optin),fn(e,"optout",n=>n.def.out._zod.optout),fn(e,"propValues",n=>n.def.in._zod.propValues),e._zod.parse=(n,r)=>{if(r.direction==="backward"){let i=t.out._zod.run(n,r);return i instanceof Promise?i.then(o=>jo(o,t.in,r)):jo(i,t.in,r)}let s=t.in._zod.run(n,r);return s instanceof Promise?s.then(i=>jo(i,t.out,r)):jo(s,t.out,r)}});function jo(e,t,n){return e.issues.some(r=>r.code!=="unrecognized_keys")?(e.aborted=!0,e):t._zod.run({value:e.value,issues:e.issues},n)}a(jo,"handlePipeResult");var tm=rt("$ZodCustom",(e,t)=>{Qo.init(e,t),dn.init(e,t),e._zod.parse=(n,r)=>n,e._zod.check=n=>{let r=n.value,s=t.fn(r);if(s instanceof Promise)return s.then(i=>Q_(i,n,r,e));Q_(s,n,r,e)}});function Q_(e,t,n,r){if(!e){let s={code:"custom",input:n,inst:r,path:[...r._zod.def.path??[]],continue:!r._zod.def.abort};r._zod.def.params&&(s.params=r._zod.def.params),t.issues.push(el(s))}}a(Q_,"handleRefineResult");function tk(e){return e.checks&&(e.checks=[...e.checks]),e}a(tk,"snapshotChecks");function nm(e,t){return new e(tk({type:"string",...nr(t)}))}a(nm,"_string");function rm(e,t,n){return new e({type:"custom",check:"custom",fn:t,...nr(n)})}a(rm,"_refine");var Fn=rt("ZodMiniType",(e,t)=>{if(!e._zod)throw new Error("Uninitialized schema in ZodMiniType.");dn.init(e,t),e.def=t,e.type=t.type},{get with(){return this.check},set with(e){kr(this,"with",e)},parse(e,t){return sl(this,e,t,{callee:this.parse})},parseAsync(e,t){return il(this,e,t,{callee:this.parseAsync})},safeParse(e,t){return ol(this,e,t)},safeParseAsync(e,t){return al(this,e,t)},check(...e){let t=this.def;return this.clone({...t,checks:[...t.checks??[],...e.map(n=>typeof n=="function"?{_zod:{check:n,def:{check:"custom"},onattach:[]}}:n)]},{parent:!0})},clone(e,t){return zo(this,e,t)},brand(){return this},register(e,t){return e.add(this,t),this},apply(e,...t){return t.length===0?e(this):e(this,...t)}}),rk=rt("ZodMiniString",(e,t)=>{W_.init(e,t),Fn.init(e,t)});function hn(e){return nm(rk,e)}a(hn,"string");var sk=rt("ZodMiniArray",(e,t)=>{Z_.init(e,t),Fn.init(e,t)});function sm(e,t){return new sk({type:"array",element:e,...nr(t)})}a(sm,"array");var ik=rt("ZodMiniObject",(e,t)=>{G_.init(e,t),Fn.init(e,t),R_(e,"shape",n=>n._zod.def.shape,!1)});function Dt(e,t){let n={type:"object",shape:e??{},...nr(t)};return new ik(n)}a(Dt,"object");var ok=rt("ZodMiniEnum",(e,t)=>{Y_.init(e,t),Fn.init(e,t),e.options=[...e._zod.values]});function Zo(e,t){let n=Array.isArray(e)?Object.fromEntries(e.map(r=>[r,r])):e;return new ok({type:"enum",entries:n,...nr(t)})}a(Zo,"_enum");var ak=rt("ZodMiniTransform",(e,t)=>{V_.init(e,t),Fn.init(e,t)});function pn(e){return new ak({type:"transform",transform:e})}a(pn,"transform");var ck=rt("ZodMiniOptional",(e,t)=>{X_.init(e,t),Fn.init(e,t)});function Xe(e){return new ck({type:"optional",innerType:e})}a(Xe,"optional");var uk=rt("ZodMiniDefault",(e,t)=>{J_.init(e,t),Fn.init(e,t)});function _n(e,t){return new uk({type:"default",innerType:e,get defaultValue(){return typeof t=="function"?t():Vu(t)}})}a(_n,"_default");var lk=rt("ZodMiniPipe",(e,t)=>{em.init(e,t),Fn.init(e,t)});function en(e,t){return new lk({type:"pipe",in:e,out:t})}a(en,"pipe");var fk=rt("ZodMiniCustom",(e,t)=>{tm.init(e,t),Fn.init(e,t)});function us(e,t){let n=new Qo({check:"custom",...nr(t)});return n._zod.check=e,n}a(us,"check");function Sr(e,t={}){return rm(fk,e,t)}a(Sr,"refine");var yt=a(()=>Xe(hn()),"optional");function et(e,t){let n=e instanceof RegExp?r=>e.test(r):e;return hn().check(Sr(n,{error:a(({input:r})=>`expected ${t}, got '${r}'`,"error")}))}a(et,"matching");function im(){return hn().check(Sr(e_,{error:a(({input:e})=>`expected an http or https URL without a user in it, got '${Sn(String(e))}'`,"error")}))}a(im,"httpUrl");function sr(e,t){return Xe(cl(e,t,!0))}a(sr,"wholeNumber");function mn(e,t,n){return _n(cl(t,n,!0),e)}a(mn,"wholeNumberOr");function Go(e,t,n){return _n(cl(t,n,!1),e)}a(Go,"secondsOr");function Ut(e){return _n(en(hn().check(Sr(t=>/^(true|false)$/i.test(t),{error:a(({input:t})=>`expected true or false, got '${t}'`,"error")})),pn(t=>t.toLowerCase()==="true")),e)}a(Ut,"flagOr");function In(e){return _n(Zo(e,{error:a(({input:t})=>`expected ${e.join(", ")}, got '${t}'`,"error")}),e[0])}a(In,"choice");function om(){return cm(Yo)}a(om,"lines");function am(){return _n(en(en(hn(),pn(Yo)),sm(hn()).check(e=>{let t=e.value.findIndex(r=>!i_(r));if(t<0)return;let n=`line ${t+1} must be \`Name: value\`, and not a header that ends the request`;e.issues.push({code:"custom",message:n,input:e.value})})),[])}a(am,"headerLines");function fs(){return cm(e=>e.split(`
`).filter(t=>t.trim()!==""))}a(fs,"literalLines");function cm(e){return _n(en(hn(),pn(e)),[])}a(cm,"linesBy");function Yo(e){return e.split(`
`).map(t=>t.trim()).filter(t=>t!=="")}a(Yo,"splitLines");function cl(e,t,n){let r=n?"a whole number":"a number";return en(hn().check(Sr(s=>(n?/^\d{1,15}$/:/^\d{1,12}(\.\d{1,6})?$/).test(s)&&+s>=e&&+s<=t,{error:a(({input:s})=>`expected ${r} from ${e} to ${t}, got '${s}'`,"error")})),pn(s=>Number(s)))}a(cl,"numberText");var vr=1e4,ui={"hosts-file":yt(),canary:mn(0,0,vr),batch:Xe(et(e=>lm(e,vr)!==void 0,"a number from 1, or a percentage from 1% to 100%")),"pause-seconds":Go(0,0,86400),"max-parallel":sr(1,1e3),"max-failures":mn(0,0,vr),unreachable:In(["fail","skip"]),shard:Xe(et(e=>ul(e)!==void 0,"a part and the number of parts, such as 2/8"))},PU=Dt(ui);function Vo(e){let t=[];return e.batch!==void 0&&e["max-parallel"]!==void 0&&t.push(["batch","replaces `max-parallel`: set one of them"]),Number(e["pause-seconds"]??0)>0&&e.batch===void 0&&!e.canary&&t.push(["pause-seconds","only valid with `batch` or `canary`: it is the pause between two batches"]),t}a(Vo,"rolloutContradictions");function um(e,t){return{canary:e.canary,atATime:e.batch===void 0?e["max-parallel"]??1:lm(e.batch,t)??1,inBatches:e.batch!==void 0,maxFailures:e["max-failures"],skipsUnreachable:e.unreachable==="skip"}}a(um,"policyOf");function lm(e,t){let[,n,r]=/^([1-9]\d{0,4})(%?)$/.exec(e.trim())??[];if(n!==void 0)return r?Number(n)<=100?Math.max(1,Math.ceil(Number(n)*t/100)):void 0:Number(n)<=vr?Number(n):void 0}a(lm,"sizeOf");function ul(e){let[,t,n]=/^(\d{1,4})\s*\/\s*(\d{1,4})$/.exec(e.trim())??[];if(!(Number(t)<1||!(Number(t)<=Number(n))))return{number:Number(t),of:Number(n)}}a(ul,"parseShard");var fm=`prelude() {
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
main`;var fl="ready-reader",dl="exit",hl="unfit-reader",li=["echo; core_limit=$(command -v printf; command -v local; ulimit -S -c)",`case $core_limit in printf?local?*) core_limit=\${core_limit#printf?local?} ;; *) echo ${hl}; exit 1 ;; esac`,`ulimit -S -c 0; echo ${fl}`,`IFS= read -r size; [ "$size" = ${dl} ] && IFS= read -r size`,"line=$(dd bs=$size count=1 iflag=fullblock 2>/dev/null)",'[ -n "$line" ] || IFS= read -r line','case $line in *#end) eval "$(printf %b "$line")"; esac'].join("; "),hk="/run/wrappers/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin",ll=`/usr/bin/env -i PATH=${hk}`,pk=['command -v doas >/dev/null || exec sudo -n -- /bin/sh -c "$0"','sudo -n -- /bin/sh -c : 2>/dev/null && exec sudo -n -- /bin/sh -c "$0"','exec doas -n -- /bin/sh -c "$0"'].join("; "),_k=["HOME USER LOGNAME XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_DATA_HOME DBUS_SESSION_BUS_ADDRESS","DOCKER_HOST DOCKER_CONTEXT DOCKER_CONFIG DOCKER_CERT_PATH DOCKER_TLS_VERIFY CONTAINER_HOST CONTAINERS_CONF CONTAINERS_STORAGE_CONF","LXD_DIR LXD_SOCKET LXD_CONF LXD_PROJECT INCUS_DIR INCUS_SOCKET INCUS_CONF INCUS_PROJECT"].join(" "),mk=[`set --; for name in ${_k}`,'do eval "value=\\${$name-}"; case $value in ?*) set -- "$@" "$name=$value" ;; esac; done',`exec ${ll} "$@" /bin/sh -c "$0"`].join("; ");function dm(e){return e==="login"?`exec ${ll} /bin/sh -c '${li}'`:e==="root"?`exec ${ll} /bin/sh -c '${pk}' '${li}'`:`exec /bin/sh -c '${mk}' '${li}'`}a(dm,"bootstrapCommand");function pl(e){let t=`${gk(e)}
#end`.replaceAll("\\","\\\\").replaceAll(`
`,"\\n");return`${Buffer.byteLength(t)+1}
${t}
`}a(pl,"programLines");function gk({text:e,values:t}){return[...Object.entries(t).map(([r,s])=>`in_${r}=${fi(s===void 0?"":String(s))}`),e].join(`
`)}a(gk,"programText");function fi(e){if(e.includes("\0"))throw new RangeError("a value for a shell contains a NUL byte");return`'${e.replaceAll("'","'\\''")}'`}a(fi,"quote");var yk=["lxd","incus","docker","podman"],wk=/^([a-z]+):(?:([^:/]+):)?(?:([^:/]+)\/)?([^:/]+)$/,$k=/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/,hm="lxd:[REMOTE:][PROJECT/]NAME, incus:[REMOTE:][PROJECT/]NAME, docker:NAME or podman:NAME";function Xo(e){let[,t,n,r,s]=wk.exec(e.trim())??[],i=yk.find(c=>c===t),o=[n,r,s].filter(c=>c!==void 0);if(!(!i||!s||!o.every(c=>$k.test(c)))&&!((n||r)&&i!=="lxd"&&i!=="incus"))return{kind:i,...n?{remote:n}:{},...r?{project:r}:{},name:s}}a(Xo,"parseContainer");function pm({kind:e,remote:t,project:n,name:r}){return`${e}:${t?`${t}:`:""}${n?`${n}/`:""}${r}`}a(pm,"containerName");function _m({kind:e,remote:t,project:n,name:r},s){return{text:fm,values:{kind:e,remote:t,project:n,name:r,sudo:s,run_program:li}}}a(_m,"enterProgram");var Ir={host:hn().check(Sr(e=>ds(e).length>0&&ds(e).every(t=>hs(t)!==void 0),{error:a(({input:e})=>`expected a host, user@host, user@host:port or alias per line, got '${e}'`,"error")})),user:Xe(et(e=>ss(e),"the name of an account")),port:sr(1,65535),"ssh-key":yt(),"ssh-key-passphrase":yt(),"known-hosts":yt(),"host-key-checking":Xe(Zo(["strict","accept-new","insecure"],{error:a(({input:e})=>`expected strict, accept-new or insecure, got '${e}'`,"error")})),"ssh-config":yt(),"proxy-jump":Xe(et(e=>e.split(",").every(t=>hs(t)!==void 0),"user@host:port[,…]")),sudo:In(["auto","always","never"]),container:Xe(et(e=>Xo(e)!==void 0,hm)),"connect-timeout-seconds":sr(1,600),"keepalive-seconds":sr(1,600)},KU=Dt(Ir);function ds(e){return[...new Set(Yo(e))]}a(ds,"hostsOf");function hs(e){let t=/^(?:ssh:\/\/)?(?:(?<user>[^\p{Cc}:/]+)@)?(?:\[(?<v6>[0-9a-f:.]+(?:%[\w.-]+)?)\]|(?<host>[^@\s:/[\]-][^@\s:/[\]]*))(?::(?<port>\d{1,5}))?\/?$/iu.exec(e.trim()),n=/^(?:(?<user>[^\p{Cc}:/]+)@)?(?<v6>[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*)$/iu.exec(e.trim()),r=(t??n)?.groups,s=r?.port===void 0?void 0:Number(r.port);if(!(!r||s===0||(s??1)>65535||r.user!==void 0&&!ss(r.user)))return{user:r.user,host:r.v6??r.host??"",port:s}}a(hs,"parseHost");var bk=Dt({...Ir,...ui,host:Xe(Ir.host),parts:yt(),"parts-file":yt(),rollback:Ut(!0),"keep-releases":mn(3,0,100),"allow-older":Ut(!1),force:Ut(!1),transfer:In(["auto","delta","compressed","plain"]),"lock-timeout-seconds":mn(60,0,86400),"revert-all":Ut(!1),"dry-run":Ut(!1),"report-file":yt()}).check(us(e=>{for(let[t,n]of xk(e.value))e.issues.push({code:"custom",message:n,path:[t],input:e.value})},{when:a(()=>!0,"when")})),mm=en(bk,pn(Ak));function Ak(e){return{hosts:ds(e.host??""),connection:e,rollout:e,parts:e.parts,partsFile:e["parts-file"],sudo:e.sudo,rollback:e.rollback,keepReleases:e["keep-releases"],allowOlder:e["allow-older"],force:e.force,transfer:e.transfer,lockTimeoutSeconds:e["lock-timeout-seconds"],revertAll:e["revert-all"],dryRun:e["dry-run"],reportFile:e["report-file"]}}a(Ak,"toReleaseInputs");function Jo(e,t){return{...e,...t,strategy:"staged",rollbackTo:void 0}}a(Jo,"programInputs");function xk(e){let t=Vo(e);return!e.host&&!e["hosts-file"]&&t.push(["host","required, but not set"]),e["revert-all"]===!0&&e["keep-releases"]===0&&t.push(["keep-releases","must be 1 or more with revert-all, which restores the previous release"]),t}a(xk,"contradictions");var L0=require("node:timers/promises");var ge=_t(require("assert"),1),Ps=_t(require("fs"),1),Ff=_t(ym(),1),Dy=_t(wm(),1),Ft=_t(require("path"),1);var Hf=_t($m(),1),zf=_t(Am(),1),Uy=_t(Bi(),1);var Mf=1,By=a(e=>!Ft.default.basename(e).startsWith("."),"DEFAULT_VALIDATE"),Ly=a(()=>{},"DEFAULT_TICK"),za=class extends Error{static{a(this,"SSHError")}constructor(t,n=null){super(t),this.code=n}};function Ha(e){return e.includes("\\")?e.split("\\").join("/"):e}a(Ha,"unixifyPath");async function pI(e){return new Promise((t,n)=>{Ps.default.readFile(e,"utf8",(r,s)=>{r?n(r):t(s)})})}a(pI,"readFile");var _I=/Error: (E[\S]+): /;async function mI(e,t){let n=null;try{n=await new Promise((r,s)=>{t.stat(e,(i,o)=>{i?s(i):r(o)})})}catch{}if(n){if(n.isDirectory())return;throw new Error("mkdir() failed, target already exists and is not a directory")}try{await new Promise((r,s)=>{t.mkdir(e,i=>{i?s(i):r()})})}catch(r){if(r!=null&&typeof r.stack=="string"){let s=_I.exec(r.stack);throw s!=null?new za(r.message,s[1]):r}}}a(mI,"makeDirectoryWithSftp");var Ka=class{static{a(this,"NodeSSH")}constructor(){this.connection=null}getConnection(){let{connection:t}=this;if(t==null)throw new Error("Not connected to server");return t}async connect(t){(0,ge.default)(t!=null&&typeof t=="object","config must be a valid object");let n={...t};if((0,ge.default)(n.username!=null&&typeof n.username=="string","config.username must be a valid string"),n.host!=null)(0,ge.default)(typeof n.host=="string","config.host must be a valid string");else if(n.sock!=null)(0,ge.default)(typeof n.sock=="object","config.sock must be a valid object");else throw new ge.AssertionError({message:"Either config.host or config.sock must be provided"});if(n.privateKey!=null||n.privateKeyPath!=null){if(n.privateKey!=null?((0,ge.default)(typeof n.privateKey=="string","config.privateKey must be a valid string"),(0,ge.default)(n.privateKeyPath==null,"config.privateKeyPath must not be specified when config.privateKey is specified")):n.privateKeyPath!=null&&((0,ge.default)(typeof n.privateKeyPath=="string","config.privateKeyPath must be a valid string"),(0,ge.default)(n.privateKey==null,"config.privateKey must not be specified when config.privateKeyPath is specified")),(0,ge.default)(n.passphrase==null||typeof n.passphrase=="string","config.passphrase must be null or a valid string"),n.privateKeyPath!=null)try{n.privateKey=await pI(n.privateKeyPath)}catch(s){throw s!=null&&s.code==="ENOENT"?new ge.AssertionError({message:"config.privateKeyPath does not exist at given fs path"}):s}}else n.password!=null&&(0,ge.default)(typeof n.password=="string","config.password must be a valid string");if(n.tryKeyboard!=null&&(0,ge.default)(typeof n.tryKeyboard=="boolean","config.tryKeyboard must be a valid boolean"),n.tryKeyboard){let{password:s}=n;n.onKeyboardInteractive!=null?(0,ge.default)(typeof n.onKeyboardInteractive=="function","config.onKeyboardInteractive must be a valid function"):s!=null&&(n.onKeyboardInteractive=(i,o,c,u,l)=>{u.length>0&&u[0].prompt.toLowerCase().includes("password")&&l([s])})}let r=new Uy.default.Client;return this.connection=r,await new Promise((s,i)=>{r.on("error",i),n.onKeyboardInteractive&&r.on("keyboard-interactive",n.onKeyboardInteractive),r.on("ready",()=>{r.removeListener("error",i),s()}),r.on("end",()=>{this.connection===r&&(this.connection=null)}),r.on("close",()=>{this.connection===r&&(this.connection=null),i(new za("No response from server","ETIMEDOUT"))}),r.connect(n)}),this}isConnected(){return this.connection!=null}async requestShell(t){let n=this.getConnection();return new Promise((r,s)=>{n.on("error",s);let i=a((o,c)=>{n.removeListener("error",s),o?s(o):r(c)},"callback");t==null?n.shell(i):n.shell(t,i)})}async withShell(t,n){(0,ge.default)(typeof t=="function","callback must be a valid function");let r=await this.requestShell(n);try{await t(r)}finally{r.destroy()}}async requestSFTP(){let t=this.getConnection();return new Promise((n,r)=>{t.on("error",r),t.sftp((s,i)=>{t.removeListener("error",r),s?r(s):n(i)})})}async withSFTP(t){(0,ge.default)(typeof t=="function","callback must be a valid function");let n=await this.requestSFTP();try{await t(n)}finally{n.end()}}async execCommand(t,n={}){(0,ge.default)(typeof t=="string","command must be a valid string"),(0,ge.default)(n!=null&&typeof n=="object","options must be a valid object"),(0,ge.default)(n.cwd==null||typeof n.cwd=="string","options.cwd must be a valid string"),(0,ge.default)(n.stdin==null||typeof n.stdin=="string"||Ff.default.readable(n.stdin),"options.stdin must be a valid string or readable stream"),(0,ge.default)(n.execOptions==null||typeof n.execOptions=="object","options.execOptions must be a valid object"),(0,ge.default)(n.encoding==null||typeof n.encoding=="string","options.encoding must be a valid string"),(0,ge.default)(n.onChannel==null||typeof n.onChannel=="function","options.onChannel must be a valid function"),(0,ge.default)(n.onStdout==null||typeof n.onStdout=="function","options.onStdout must be a valid function"),(0,ge.default)(n.onStderr==null||typeof n.onStderr=="function","options.onStderr must be a valid function"),(0,ge.default)(n.noTrim==null||typeof n.noTrim=="boolean","options.noTrim must be a boolean");let r=t;n.cwd&&(r=`cd ${(0,zf.default)([n.cwd])} ; ${r}`);let s=this.getConnection(),i={stdout:[],stderr:[]};return new Promise((o,c)=>{s.on("error",c),s.exec(r,n.execOptions!=null?n.execOptions:{},(u,l)=>{if(s.removeListener("error",c),u){c(u);return}n.onChannel&&n.onChannel(l),l.on("data",p=>{n.onStdout&&n.onStdout(p),i.stdout.push(p.toString(n.encoding))}),l.stderr.on("data",p=>{n.onStderr&&n.onStderr(p),i.stderr.push(p.toString(n.encoding))}),n.stdin!=null?Ff.default.readable(n.stdin)?n.stdin.pipe(l,{end:!0}):(l.write(n.stdin),l.end()):l.end();let f=null,d=null;l.on("exit",(p,_)=>{f=p??null,d=_??null}),l.on("close",()=>{let p=i.stdout.join(""),_=i.stderr.join("");n.noTrim!==!0&&(p=p.trim(),_=_.trim()),o({code:f??null,signal:d??null,stdout:p,stderr:_})})})})}async exec(t,n,r={}){(0,ge.default)(typeof t=="string","command must be a valid string"),(0,ge.default)(Array.isArray(n),"parameters must be a valid array"),(0,ge.default)(r!=null&&typeof r=="object","options must be a valid object"),(0,ge.default)(r.stream==null||["both","stdout","stderr"].includes(r.stream),"options.stream must be one of both, stdout, stderr");for(let o=0,{length:c}=n;o<c;o+=1)(0,ge.default)(typeof n[o]=="string",`parameters[${o}] must be a valid string`);let s=`${t}${n.length>0?` ${(0,zf.default)(n)}`:""}`,i=await this.execCommand(s,r);if(r.stream==null||r.stream==="stdout"){if(i.stderr)throw new Error(i.stderr);return i.stdout}return r.stream==="stderr"?i.stderr:i}async mkdir(t,n="sftp",r=null){if((0,ge.default)(typeof t=="string","path must be a valid string"),(0,ge.default)(typeof n=="string"&&(n==="sftp"||n==="exec"),"method must be either sftp or exec"),(0,ge.default)(r==null||typeof r=="object","sftp must be a valid object"),n==="exec"){await this.exec("mkdir",["-p",Ha(t)]);return}let s=r||await this.requestSFTP(),i=a(async o=>mI(Ha(t),s).catch(async c=>{if(!o||c==null||c.message!=="No such file"&&c.code!=="ENOENT")throw c;await this.mkdir(Ft.default.dirname(t),"sftp",s),await i(!1)}),"makeSftpDirectory");try{await i(!0)}finally{r||s.end()}}async getFile(t,n,r=null,s=null){(0,ge.default)(typeof t=="string","localFile must be a valid string"),(0,ge.default)(typeof n=="string","remoteFile must be a valid string"),(0,ge.default)(r==null||typeof r=="object","sftp must be a valid object"),(0,ge.default)(s==null||typeof s=="object","transferOptions must be a valid object");let i=r||await this.requestSFTP();try{await new Promise((o,c)=>{i.fastGet(Ha(n),t,s||{},u=>{u?c(u):o()})})}finally{r||i.end()}}async putFile(t,n,r=null,s=null){(0,ge.default)(typeof t=="string","localFile must be a valid string"),(0,ge.default)(typeof n=="string","remoteFile must be a valid string"),(0,ge.default)(r==null||typeof r=="object","sftp must be a valid object"),(0,ge.default)(s==null||typeof s=="object","transferOptions must be a valid object"),(0,ge.default)(await new Promise(c=>{Ps.default.access(t,Ps.default.constants.R_OK,u=>{c(u===null)})}),`localFile does not exist at ${t}`);let i=r||await this.requestSFTP(),o=a(c=>new Promise((u,l)=>{i.fastPut(t,Ha(n),s||{},f=>{if(f==null){u();return}f.message==="No such file"&&c?u(this.mkdir(Ft.default.dirname(n),"sftp",i).then(()=>o(!1))):l(f)})}),"putFile");try{await o(!0)}finally{r||i.end()}}async putFiles(t,{concurrency:n=Mf,sftp:r=null,transferOptions:s={}}={}){(0,ge.default)(Array.isArray(t),"files must be an array");for(let u=0,{length:l}=t;u<l;u+=1){let f=t[u];(0,ge.default)(f,"files items must be valid objects"),(0,ge.default)(f.local&&typeof f.local=="string",`files[${u}].local must be a string`),(0,ge.default)(f.remote&&typeof f.remote=="string",`files[${u}].remote must be a string`)}let i=[],o=r||await this.requestSFTP(),c=new(void 0)({concurrency:n});try{await new Promise((u,l)=>{t.forEach(f=>{c.add(async()=>{await this.putFile(f.local,f.remote,o,s),i.push(f)}).catch(l)}),c.waitTillIdle().then(u)})}catch(u){throw u!=null&&(u.transferred=i),u}finally{r||o.end()}}async putDirectory(t,n,{concurrency:r=Mf,sftp:s=null,transferOptions:i={},recursive:o=!0,tick:c=Ly,validate:u=By}={}){(0,ge.default)(typeof t=="string"&&t,"localDirectory must be a string"),(0,ge.default)(typeof n=="string"&&n,"remoteDirectory must be a string");let l=await new Promise(g=>{Ps.default.stat(t,(y,x)=>{g(x||null)})});(0,ge.default)(l!=null,`localDirectory does not exist at ${t}`),(0,ge.default)(l.isDirectory(),`localDirectory is not a directory at ${t}`);let f=s||await this.requestSFTP(),d=await(0,Hf.default)(t,{recursive:o,validate:u}),p=d.files.map(g=>Ft.default.relative(t,g)),_=d.directories.map(g=>Ft.default.relative(t,g));_.sort((g,y)=>g.length-y.length);let b=!1;try{await new Promise((g,y)=>{let x=new(void 0)({concurrency:r});_.forEach(k=>{x.add(async()=>{await this.mkdir(Ft.default.join(n,k),"sftp",f)}).catch(y)}),g(x.waitTillIdle())}),await new Promise((g,y)=>{let x=new(void 0)({concurrency:r});p.forEach(k=>{x.add(async()=>{let N=Ft.default.join(t,k),v=Ft.default.join(n,k);try{await this.putFile(N,v,f,i),c(N,v,null)}catch(L){b=!0,c(N,v,L)}}).catch(y)}),g(x.waitTillIdle())})}finally{s||f.end()}return!b}async getDirectory(t,n,{concurrency:r=Mf,sftp:s=null,transferOptions:i={},recursive:o=!0,tick:c=Ly,validate:u=By}={}){(0,ge.default)(typeof t=="string"&&t,"localDirectory must be a string"),(0,ge.default)(typeof n=="string"&&n,"remoteDirectory must be a string");let l=await new Promise(g=>{Ps.default.stat(t,(y,x)=>{g(x||null)})});(0,ge.default)(l!=null,`localDirectory does not exist at ${t}`),(0,ge.default)(l.isDirectory(),`localDirectory is not a directory at ${t}`);let f=s||await this.requestSFTP(),d=await(0,Hf.default)(n,{recursive:o,validate:u,concurrency:r,fileSystem:{basename(g){return Ft.default.posix.basename(g)},join(g,y){return Ft.default.posix.join(g,y)},readdir(g){return new Promise((y,x)=>{f.readdir(g,(k,N)=>{k?x(k):y(N.map(v=>v.filename))})})},stat(g){return new Promise((y,x)=>{f.stat(g,(k,N)=>{k?x(k):y(N)})})}}}),p=d.files.map(g=>Ft.default.relative(n,g)),_=d.directories.map(g=>Ft.default.relative(n,g));_.sort((g,y)=>g.length-y.length);let b=!1;try{await new Promise((g,y)=>{let x=new(void 0)({concurrency:r});_.forEach(k=>{x.add(async()=>{await(0,Dy.default)(Ft.default.join(t,k))}).catch(y)}),g(x.waitTillIdle())}),await new Promise((g,y)=>{let x=new(void 0)({concurrency:r});p.forEach(k=>{x.add(async()=>{let N=Ft.default.join(t,k),v=Ft.default.join(n,k);try{await this.getFile(N,v,f,i),c(N,v,null)}catch(L){b=!0,c(N,v,L)}}).catch(y)}),g(x.waitTillIdle())})}finally{s||f.end()}return!b}forwardIn(t,n,r){let s=this.getConnection();return new Promise((i,o)=>{s.forwardIn(t,n,(c,u)=>{if(c){o(c);return}let l=a((d,p,_)=>{d.destIP===t&&d.destPort===u&&r?.(d,p,_)},"handler");r&&s.on("tcp connection",l),i({port:u,dispose:a(()=>new Promise((d,p)=>{s.off("tcp connection",l),s.unforwardIn(t,u,_=>{_&&p(c),d()})}),"dispose")})})})}forwardOut(t,n,r,s){let i=this.getConnection();return new Promise((o,c)=>{i.forwardOut(t,n,r,s,(u,l)=>{if(u){c(u);return}o(l)})})}forwardInStreamLocal(t,n){let r=this.getConnection();return new Promise((s,i)=>{r.openssh_forwardInStreamLocal(t,o=>{if(o){i(o);return}let c=a((l,f,d)=>{l.socketPath===t&&n?.(l,f,d)},"handler");n&&r.on("unix connection",c),s({dispose:a(()=>new Promise((l,f)=>{r.off("unix connection",c),r.openssh_unforwardInStreamLocal(t,d=>{d&&f(d),l()})}),"dispose")})})})}forwardOutStreamLocal(t){let n=this.getConnection();return new Promise((r,s)=>{n.openssh_forwardOutStreamLocal(t,(i,o)=>{if(i){s(i);return}r(o)})})}dispose(){this.connection&&(this.connection.end(),this.connection=null)}};var Kf=require("node:timers/promises");var gI=3,yI=150,wI=40,$I=500;function My(e,t,{socket:n,firstSessionSeconds:r}){let s=!1,i,o=Number.POSITIVE_INFINITY,c=0,u=new Promise(p=>{t.on("error",_=>{i=_}),t.on("close",()=>p(s?void 0:i??new Error("the connection was closed")))}),l=a(p=>new Promise((_,b)=>{u.then(x=>b(x??new Error("the connection is closed")));let g=performance.now(),y=c===0?AI(t,r,b):void 0;t.exec(p,(x,k)=>(y?.end(),o=Math.min(o,performance.now()-g),x?b(x):(c+=1,_(k))))}),"open"),f,d=a(async p=>{let{command:_,channel:b}=f??{};f=void 0;let g=await b;if(_===p&&g?.writable)return g;g?.destroy()},"takePrepared");return{target:e,isNear:a(()=>"remoteAddress"in n&&/^(::ffff:)?127\.|^::1$/.test(n.remoteAddress??"")&&o<wI,"isNear"),roundTripMs:a(()=>o/2,"roundTripMs"),lost:u,prepare:a(p=>{f={command:p,channel:l(p).catch(()=>{})}},"prepare"),exec:a(async p=>{for(let _=1;;_+=1)try{return bI(await d(p)??await l(p))}catch(b){if(!(_<gI&&i===void 0&&!s&&!(b instanceof Li)))throw xI(e,{error:i??b,sessions:c});await(0,Kf.setTimeout)(_*yI)}},"exec"),forward:a(p=>EI(t,{from:e,to:p}),"forward"),[Symbol.asyncDispose]:async()=>{s=!0,t.end(),await Promise.race([u,(0,Kf.setTimeout)(1e3,void 0,{ref:!1})]),t.destroy()}}}a(My,"openHost");function bI(e){let t=null;return e.on("exit",n=>{t=n}),{input:e,output:e,errors:e.stderr,closed:new Promise(n=>{e.on("close",()=>n(t)).on("error",()=>n(t))}),destroy:a(()=>e.destroy(),"destroy")}}a(bI,"channelOf");var Li=class extends Error{static{a(this,"SlowSessionError")}};function AI(e,t,n){let{_resetKA:r}=e,s=setInterval(()=>r?.(),$I),i=a(()=>{clearInterval(s),clearTimeout(o)},"end"),o=setTimeout(()=>{i(),n(new Li(`the login was accepted, but no session was opened within ${t} s`))},t*1e3);return{end:i}}a(AI,"bePatient");function xI({name:e},{error:t,sessions:n}){let r={what:"Opening a session",where:e,why:`${t.message}.`,cause:t};if(t instanceof Li){let s="check what logins wait for on the host (PAM, systemd-logind); it may need connect-timeout-seconds.";return new Ve({...r,remedy:s})}if(n>0){let s=`the server refused a further session on this connection (${t.message}): it allows fewer than are needed (MaxSessions in sshd_config; tinysshd allows one).`;return new Ve({...r,why:s,remedy:"raise MaxSessions there, or run OpenSSH beside that server."})}return new Ve({...r,remedy:"check the log of sshd there (MaxSessions, ForceCommand, the login shell)."})}a(xI,"sessionFailure");async function EI(e,{from:t,to:n}){return new Promise((r,s)=>{let i=a(u=>s(new Ve({what:"Connecting",where:n.name,why:`the jump host ${t.name} can't reach it: ${u.message}.`,remedy:"check the address from the jump host, and AllowTcpForwarding there.",cause:u})),"fail"),o=Object.assign(new Error(`no answer within ${n.connectTimeoutSeconds} s`),{level:"client-timeout"}),c=setTimeout(i,n.connectTimeoutSeconds*1e3,o);e.forwardOut("127.0.0.1",0,n.host,n.port,(u,l)=>{clearTimeout(c),u?i(u):r(l)})})}a(EI,"forward");function Qf(e){let{code:t="",level:n,message:r=""}=e??{};return qf.test(r)||["ECONNREFUSED","ECONNRESET","ETIMEDOUT","EHOSTUNREACH","ENETUNREACH","EPIPE","EAI_AGAIN"].includes(`${t}`)?!0:n==="client-timeout"}a(Qf,"isTransient");function jf({fields:{cause:e}}){return e!==void 0&&(Qf(e)||e.code==="ENOTFOUND")}a(jf,"isUnreachable");var qf=/lost before handshake|No response from server/i;function Fy(e,t,n){let{code:r="",level:s=""}=e,i=Et(e.message),o=`${t.host} port ${t.port}`;return r==="ECONNREFUSED"?{why:`${o} refused the connection.`,remedy:"check that sshd is running there and listens on that port."}:r==="ENOTFOUND"||r==="EAI_AGAIN"?{why:`the name ${t.host} can't be resolved.`,remedy:"correct host, or add it to the SSH config or DNS of the runner."}:r==="EHOSTUNREACH"||r==="ENETUNREACH"?{why:`there is no route to ${o}.`,remedy:"check the address and the network of the runner."}:r==="EADDRNOTAVAIL"?{why:`the runner can't connect to ${o} from ${t.bindAddress??"any of its addresses"}.`,remedy:"correct BindAddress and AddressFamily in the SSH config."}:!qf.test(i)&&(r==="ETIMEDOUT"||s==="client-timeout")?n.offers.keys.length>0?{why:`${o} did not finish the login within ${t.connectTimeoutSeconds} s.`,remedy:"check what logins wait for there (PAM, a directory, DNS); a slow one needs connect-timeout-seconds."}:{why:`${o} did not answer within ${t.connectTimeoutSeconds} s.`,remedy:"check the address, the firewall, and whether the host is up; a slow one needs connect-timeout-seconds."}:s==="client-authentication"?II(t,n):/too many authentication failures/i.test(i)?CI(t,n):r==="ECONNRESET"||qf.test(i)?kI(o,n):/bad packet length/i.test(i)?{why:`${o} sent a packet above 35 kB, more than the built-in client reads: most likely its Banner.`,remedy:"shorten the file that Banner in sshd_config names."}:/no matching/i.test(i)?vI(i,n):/protocol|handshake|ident|version/i.test(i)||s==="protocol"?{why:`${o} does not speak SSH as expected: ${i}.`,remedy:"check that an SSH server listens on that port."}:{why:`${i}.`,remedy:"check the address, the port and the SSH server there."}}a(Fy,"whyNotConnected");function kI(e,{offers:t}){return t.keys.length===0?{why:`${e} closed the connection before the login.`,remedy:"check there whether it is full (MaxStartups) or bans this address (fail2ban, PerSourcePenalties)."}:{why:`${e} closed the connection during the login.`,remedy:"check the log of the SSH server there: it may not admit this account (AllowUsers, DenyUsers, an expired account)."}}a(kI,"closed");function Hy(){let e={};return{read:a(t=>{let[,n,r]=/^Handshake: \(remote\) (.+?): (.*)$/.exec(t)??[];n!==void 0&&r!==void 0&&(e[n]=r)},"read"),found:a(()=>e,"found")}}a(Hy,"serverAlgorithms");var SI=[[/key exchange/i,"KEX method","KexAlgorithms"],[/host key/i,"Host key format","HostKeyAlgorithms"],[/cipher/i,"C->S cipher","Ciphers"],[/mac/i,"C->S MAC","MACs"],[/compression/i,"C->S compression","Compression"]];function vI(e,{algorithms:t}){let[,n="",r=""]=SI.find(([o])=>o.test(e))??[],s=t[n]?.replaceAll(",",", "),i=s?` The server offers only ${s}.`:"";return{why:`no algorithm in common: ${e.replace(/^Handshake failed: /,"")}.${i}`,remedy:`allow further algorithms in sshd_config there (${r}), or update the server; outdated ones are not used.`}}a(vI,"noCommonAlgorithm");function II({user:e},{offers:t,skipped:n}){let{keys:r,methods:s,partial:i,accepted:o,prompts:c}=t,u=n.length>0?` Not offered: ${n.join("; ")}.`:"";if(i){let l=c.length>0?` It asks: ${c.join(" ")}`:"";return{why:`the server accepted the key (${o}) and wants a second factor besides: ${s.join(", ")}.${l}`,remedy:`let ${e} log in with a key alone there (Match User ${e}, AuthenticationMethods publickey), or use another account.`}}return s.length>0&&!s.includes("publickey")?{why:`the server accepts no keys for ${e}, only ${s.join(", ")}.`,remedy:"allow PubkeyAuthentication there."}:r.length===0?{why:`there is no key to log in with.${u}`,remedy:"set ssh-key, or put a key where the SSH config or agent of the runner has it."}:{why:`the server accepts none of the keys offered for ${e}: ${r.join(", ")}.${u}`,remedy:`add the public key to ~/.ssh/authorized_keys of ${e} there, or correct user and ssh-key.`}}a(II,"loginRefused");function CI({user:e},{offers:{keys:t}}){let n=t.length===1?"the first key":`${t.length} keys`;return{why:`the server ended the login for ${e} after ${n} (MaxAuthTries): ${t.join(", ")}.`,remedy:"give the right key alone in ssh-key, or name it in the SSH config with IdentityFile and IdentitiesOnly."}}a(CI,"tooManyKeys");var Wa=require("node:fs");function zy(e,t){let n=t==="inet6"?void 0:PI(e);if(n!==void 0)return n;if(e.includes(":")&&t!=="inet"){let r=NI(e);return r.toLowerCase()===e.toLowerCase()?e:r}return/[%:]/.test(e)||/^[\d.]*$/.test(e)?e:e.toLowerCase()}a(zy,"canonicalHost");function PI(e){let t=e.split(".");if(t.length>4||!t.every(i=>/^(0x[\da-f]+|0[0-7]*|[1-9]\d*)$/i.test(i)))return;let n=t.map(i=>/^0[0-7]+$/.test(i)?Number.parseInt(i,8):Number(i)),r=n.pop()??0;if(n.some(i=>i>255)||r>=256**(4-n.length))return;let s=Array.from({length:4-n.length},(i,o)=>Math.floor(r/256**o)%256).reverse();return[...n,...s].join(".")}a(PI,"v4Of");function NI(e){if(!URL.canParse(`http://[${e}]`))return e;let t=new URL(`http://[${e}]`).hostname.slice(1,-1),[,n,r]=/^::ffff:([\da-f]+):([\da-f]+)$/.exec(t)??[];if(n===void 0||r===void 0)return t;let[s,i]=[Number.parseInt(n,16),Number.parseInt(r,16)];return`::ffff:${s>>8}.${s&255}.${i>>8}.${i&255}`}a(NI,"v6Of");var TI={followed:`Host Match Include HostName User Port IdentityFile IdentitiesOnly IdentityAgent ProxyJump UserKnownHostsFile
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
    CompressionLevel`},RI={identityfile2:"identityfile",challengeresponseauthentication:"kbdinteractiveauthentication",skeyauthentication:"kbdinteractiveauthentication",tisauthentication:"kbdinteractiveauthentication",dsaauthentication:"pubkeyauthentication",hostbasedkeytypes:"hostbasedacceptedalgorithms",pubkeyacceptedkeytypes:"pubkeyacceptedalgorithms",keepalive:"tcpkeepalive",smartcarddevice:"pkcs11provider",rsaminsize:"requiredrsasize",protocolkeepalives:"serveraliveinterval",setuptimeout:"serveraliveinterval"},OI=new Map(Object.entries(TI).flatMap(([e,t])=>t.split(/\s+/).map(n=>[n.toLowerCase(),{kind:e,spelling:n}])));function Wf(e){let t=RI[e]??e,n=OI.get(t);return n&&{name:t,...n}}a(Wf,"keywordOf");var Ky={proxycommand:{unless:["none"],remedy:"use ProxyJump there, or the input proxy-jump"},canonicalizehostname:{unless:["no","false"],remedy:"write the whole name in host"},canonicalizepermittedcnames:{unless:["none"],remedy:"write the whole name in host"},revokedhostkeys:{unless:["none"],remedy:"give @revoked lines in known-hosts, and another config with ssh-config"},knownhostscommand:{unless:["none"],remedy:"give the lines in known-hosts, and another config with ssh-config"},checkhostip:{unless:["no","false"],remedy:"leave it at `no`, its default"},bindinterface:{unless:[],remedy:"use BindAddress with an address of that interface"},refuseconnection:{unless:[],remedy:"use another host, or another config with ssh-config"}};var Je=class extends Error{static{a(this,"LineError")}};function qy(e){let[t,n]=qa(e.replace(/[ \t\r\n\f]+$/,""));if(t===""&&n!==void 0&&([t,n]=qa(n)),!(t===void 0||t===""||t.startsWith("#"))){if(n=(n??"").replace(/^[ \t\r\n]+/,""),n==="")throw new Je(`${t} has no value`);return{keyword:t.toLowerCase(),rest:n,words:BI(n)}}}a(qy,"readLine");function qa(e){let t=e.search(/[ \t\r\n"=]/);if(t<0)return[e,void 0];if(e[t]==='"'){let r=e.indexOf('"',t+1);if(r<0)throw new Je("a quote is never closed");return[e.slice(0,t)+e.slice(t+1,r),e.slice(r+1).replace(/^[ \t\r\n]+/,"")]}let n=e.slice(t+1).replace(/^[ \t\r\n]+/,"");return[e.slice(0,t),e[t]!=="="&&n.startsWith("=")?n.slice(1).replace(/^[ \t\r\n]+/,""):n]}a(qa,"nextToken");function BI(e){let t=[],n=0;for(;n<e.length;){if(e[n]===" "||e[n]==="	"){n+=1;continue}if(e[n]==="#")break;let{word:r,end:s}=LI(e,n);t.push(r),n=s}return t}a(BI,"splitWords");function LI(e,t){let n="",r="",s=t;for(;s<e.length;s+=1){let i=e[s]??"",o=e[s+1]??"";if(i==="\\"&&o!==""&&(`'"\\`.includes(o)||r===""&&o===" "))n+=o,s+=1;else{if(r===""&&(i===" "||i==="	"))break;r===""&&(i==='"'||i==="'")?r=i:i===r?r="":n+=i}}if(r!=="")throw new Je("a quote is never closed");return{word:n,end:s}}a(LI,"readWord");function Qy(e,t){let n=t.replace(/[.+^${}()|[\]\\]/g,"\\$&").replaceAll(/\*+/g,"[^]*").replaceAll("?","[^]");return new RegExp(`^${n}$`).test(e)}a(Qy,"matchesPattern");function Tn(e,t){return t.filter(r=>r.startsWith("!")).map(r=>r.slice(1)).some(r=>Qy(e,r))?!1:t.some(r=>!r.startsWith("!")&&Qy(e,r))}a(Tn,"matchesPatterns");function Di(e,t){return Tn(e.toLowerCase(),t.map(n=>n.toLowerCase()))}a(Di,"matchesHostPatterns");var DI=["exec","localnetwork","version","sessiontype","command"];function Wy(e,t){let n={applies:!0,wantsFinal:!1,unknown:[]},r=e,s=0,i=a(()=>{if(r===void 0)return;let[o,c]=qa(r);return r=c,o},"next");for(let o=i();o!==void 0&&o!==""&&!o.startsWith("#");o=i()){let c=o.startsWith("!"),u=o.slice(c?1:0).toLowerCase();if(u==="all"){let f=i();if(s>1||f!==void 0&&f!==""&&!f.startsWith("#"))throw new Je("`all` stands beside other criteria");return c?{...n,applies:!1}:jy(n)}if(s+=1,u==="final"||u==="canonical"){u==="final"&&c?n.unknown.push("!final"):u==="final"&&(n.wantsFinal=!0),t.final===c&&(n.applies=!1);continue}let l=i();if(l===void 0||l===""&&u!=="tagged"||l.startsWith("#"))throw new Je(`Match ${u} has no value`);DI.includes(u)?n.unknown.push(u):UI(u,l,t)===c&&(n.applies=!1)}if(s===0)throw new Je("Match has no criteria");return jy(n)}a(Wy,"evaluateMatch");function jy(e){let t=e.applies&&e.unknown.length>0?void 0:e.applies;return{...e,applies:t}}a(jy,"settled");function UI(e,t,n){let r=t.split(",");if(e==="host")return Di(n.host(),r);if(e==="originalhost")return Di(n.originalHost,r);if(e==="user")return Tn(n.user,r);if(e==="localuser")return Tn(n.localUser,r);if(e==="tagged")return n.tag===""?t==="":Tn(n.tag,r);throw new Je(`Match ${e} is not known to ssh`)}a(UI,"meets");function Vy(e,{words:t,rest:n}){return(MI[e]??Ui)(t,n)}a(Vy,"readValues");var Ui=a(e=>{let[t]=e;if(t===void 0||t==="")throw new Je("the value is empty");if(e.length>1)throw new Je("there are more values than one");return[t]},"one"),Zf={yes:"yes",true:"yes",no:"no",false:"no"},MI={identitiesonly:Qa(Zf),hashknownhosts:Qa(Zf),stricthostkeychecking:Qa({...Zf,ask:"ask",off:"no","accept-new":"accept-new"}),addressfamily:Qa({inet:"inet",inet6:"inet6",any:"any"}),port:a((e,t)=>{let[n=""]=Ui(e,t)??[],r=n==="ssh"?22:Number(/^\d{1,5}$/.test(n)?n:Number.NaN);if(!(r>=1&&r<=65535))throw new Je(`'${n}' is not a port`);return[String(r)]},"port"),connecttimeout:Gy,serveraliveinterval:Gy,serveralivecountmax:Zy,requiredrsasize:Zy,userknownhostsfile:Yy,globalknownhostsfile:Yy,proxycommand:a((e,t)=>[t],"proxycommand"),knownhostscommand:a((e,t)=>[t],"knownhostscommand"),refuseconnection:a(e=>[e.join(" ")],"refuseconnection"),proxyjump:a((e,t)=>[t.replace(/#.*$/,"").trimEnd()],"proxyjump")};function Qa(e){return(t,n)=>{let[r=""]=Ui(t,n)??[],s=e[r.toLowerCase()];if(s===void 0)throw new Je(`'${r}' is not one of ${Object.keys(e).join(", ")}`);return[s]}}a(Qa,"oneOf");function Zy(e,t){let[n=""]=Ui(e,t)??[];if(!/^\d{1,9}$/.test(n))throw new Je(`'${n}' is not a number`);return[String(Number(n))]}a(Zy,"wholeNumber");function Gy(e,t){let[n=""]=Ui(e,t)??[];if(n==="none")return;if(!/^(\d{1,9}[smhdw])*(\d{1,9})?$/i.test(n))throw new Je(`'${n}' is not a duration`);let s=[...n.toLowerCase().matchAll(/(\d+)([smhdw]?)/g)].reduce((i,[,o,c])=>i+Number(o)*(FI[c||"s"]??1),0);if(s>2**31-1)throw new Je(`'${n}' is too long`);return[String(s)]}a(Gy,"seconds");var FI={s:1,m:60,h:3600,d:86400,w:604800};function Yy(e){if(e.length===0||e.includes(""))throw new Je("the value is empty");if(e.length>1&&e.some(t=>t.toLowerCase()==="none"))throw new Je("`none` stands beside other files");return e}a(Yy,"files");var $n=class extends Error{static{a(this,"TokenError")}};function ja(e,t,n){return e.replace(n?/%(.?)|\$\{([^}]*)(\}?)/gs:/%(.?)/gs,(r,s,i,o)=>{if(r.startsWith("%")){if(s==="%")return"%";let u=t[s];if(u===void 0)throw new $n(`the token %${s} in '${e}' is not supported`);return u}if(i===""||o==="")throw new $n(`the variable in '${e}' has no name or no closing }`);let c=n?.(i);if(c===void 0)throw new $n(`the environment variable ${i} is not set`);return c})}a(ja,"expandTokens");function Mi(e,t,n){let[,r,s=""]=/^~([^/]*)\/*(.*)$/s.exec(e)??[];if(r===void 0)return e;let i=r===""?t:n(r);if(i===void 0)throw new $n(`the runner has no account ${r} (${e})`);return`${i.replace(/\/$/,"")}/${s}`}a(Mi,"expandTilde");var sn=class extends Error{static{a(this,"ConfigError")}remedy;constructor(t,n){super(t),this.remedy=n}},HI=new Set(["identityfile","certificatefile"]),zI=16;function Xy(e,t){let n={question:t,host:t.host,values:new Map,places:new Map,final:!1,wantsFinal:!1},r=a(()=>{for(let i of e)e0(i,n,{applies:!0,depth:0})},"readAll");r();let s=ZI(n);return n.wantsFinal&&(n.values.set("hostname",[s.replaceAll("%","%%")]),Object.assign(n,{host:s,final:!0}),r()),{host:s,values:n.values,places:n.places}}a(Xy,"resolveConfig");function Jy({values:e,places:t},n){for(let[r,{unless:s,remedy:i}]of Object.entries(Ky)){let o=e.get(r)?.[0];if(o===void 0||s.includes(o.toLowerCase())||n.includes(r))continue;let c=Wf(r)?.spelling;return new sn(`${t.get(r)}: ${c} is set to '${o}', which is not supported`,`${i}.`)}}a(Jy,"refusedKeyword");function e0({path:e,text:t,system:n=!1},r,{applies:s,depth:i}){let o=s;for(let[c,u]of t.split(`
`).entries()){let l=`${e}:${c+1}`;try{let f=qy(u);if(!f)continue;let d=Wf(f.keyword);d?.name==="host"?o=s&&KI(f.words,r):d?.name==="match"?o=qI(f.rest,r,s):d?.name==="include"?QI(f.words,{reading:r,system:n},{applies:o,depth:i}):WI(f,d,{reading:r,where:l,applies:o})}catch(f){throw f instanceof Je||f instanceof $n?new sn(`${l}: ${f.message}`):f}}}a(e0,"readFile");function KI(e,{host:t}){if(e.includes(""))throw new Je("a pattern is empty");return Tn(t,e)}a(KI,"hostLineApplies");function qI(e,t,n){let{question:r,values:s}=t,{applies:i,wantsFinal:o,unknown:c}=Wy(e,{host:a(()=>t0(t),"host"),originalHost:r.host,user:r.user??s.get("user")?.[0]??r.localUser,localUser:r.localUser,tag:s.get("tag")?.[0]??"",final:t.final});if(o&&!t.final&&(t.wantsFinal=!0),i===void 0&&n)throw new Je(`Match ${c.join(", ")} is not supported`);return n&&i===!0}a(qI,"matchLineApplies");function QI(e,{reading:t,system:n},{applies:r,depth:s}){if(s>=zI)throw new Je("Include is nested too deeply");for(let i of e){if(i==="")throw new Je("the value is empty");if(r&&/%|\$\{/.test(i))throw new Je(`tokens in Include (${i}) are not supported`);for(let o of jI(i,t.question,n))for(let c of t.question.include(o))e0({...c,system:n},t,{applies:r,depth:s+1})}}a(QI,"include");function jI(e,{homes:t,homeOf:n},r){if(e.startsWith("/"))return[e];if(r&&e.startsWith("~"))throw new Je(`${e} is not a path for the system's config`);return r?[`/etc/ssh/${e}`]:e.startsWith("~")?[...new Set(t.map(s=>Mi(e,s,n)))]:t.map(s=>`${s}/.ssh/${e}`)}a(jI,"includedPaths");function WI(e,t,{reading:n,where:r,applies:s}){let{values:i,places:o}=n;if(t===void 0){let l=i.get("ignoreunknown")?.[0]?.toLowerCase().split(",")??[];if(!s||Tn(e.keyword,l))return;throw new Je(`the keyword ${e.keyword} is not known (IgnoreUnknown ${e.keyword} before it leaves it out)`)}if(t.kind==="harmless")return;let c=Vy(t.name,e);if(!s||c===void 0)return;let u=i.get(t.name);u&&!HI.has(t.name)||(i.set(t.name,[...new Set([...u??[],...c])]),u||o.set(t.name,r))}a(WI,"setValue");function ZI(e){try{return zy(t0(e),e.values.get("addressfamily")?.[0])}catch(t){throw t instanceof $n?new sn(`${e.places.get("hostname")}: ${t.message}`):t}}a(ZI,"destinationOf");function t0({values:e,question:t}){return ja(e.get("hostname")?.[0]??"%h",{h:t.host})}a(t0,"hostNameOf");var Hi=require("node:fs");var n0=/[*?[\\]/;function r0(e){if(!n0.test(e))return(0,Hi.existsSync)(e)?[e]:[];let t=e.split("/").filter(r=>r!==""),n=[e.startsWith("/")?"":"."];for(let r of t)n=n.flatMap(s=>GI(s,r));return n.sort((r,s)=>Buffer.compare(Buffer.from(r),Buffer.from(s)))}a(r0,"globPaths");function GI(e,t){if(!n0.test(t))return(0,Hi.existsSync)(`${e}/${t}`)?[`${e}/${t}`]:[];let n=YI(t);try{return(0,Hi.readdirSync)(`${e}/`).filter(s=>n.test(s)).filter(s=>!s.startsWith(".")||t.startsWith(".")).map(s=>`${e}/${s}`)}catch{return[]}}a(GI,"entriesOf");function YI(e){let t="";for(let n=0;n<e.length;n+=1){let r=e[n]??"",s=r==="["?VI(e,n):void 0;s?(t+=s.source,n=s.end):r==="*"?t+="[^]*":r==="?"?t+="[^]":r==="\\"&&n+1<e.length?(n+=1,t+=Fi(e[n]??"")):t+=Fi(r)}return new RegExp(`^${t}$`,"u")}a(YI,"patternOf");function VI(e,t){let n=/^\[(!?)((?:\]|\[:\w+:\]|[^\]])(?:\[:\w+:\]|[^\]])*)\]/u.exec(e.slice(t));if(!n)return;let[r,s,i=""]=n,c=[...i.matchAll(/\[:(\w+):\]|(.)-(.)|(.)/gsu)].map(([,l,f,d,p])=>l!==void 0?XI[l]??"":p!==void 0?Fi(p):(f??"")<=(d??"")?`${Fi(f??"")}-${Fi(d??"")}`:"").join("");return{source:c===""?s?"[^]":"[^\\s\\S]":`[${s?"^":""}${c}]`,end:t+r.length-1}}a(VI,"setAt");var XI={alnum:"A-Za-z0-9",alpha:"A-Za-z",digit:"0-9",lower:"a-z",punct:"!-\\/:-@\\[-`\\{-~",space:"\\s",upper:"A-Z",xdigit:"0-9A-Fa-f"};function Fi(e){return e.replace(/[\\^$.*+?()[\]{}|/-]/,"\\$&")}a(Fi,"literal");var JI="/etc/ssh/ssh_config";function s0(e,t){if(e===void 0)return[...t.flatMap(i=>o0(`${i}/.ssh/config`)),...on(JI).map(i=>({...i,system:!0}))];let n=e.startsWith("~/")?t.map(s=>`${s}/${e.slice(2)}`):[e],r=n.flatMap(s=>on(s))[0];if(r)return[r];throw new Ve({what:"Reading the SSH config",why:`there is no readable file ${n[0]} on the runner.`,remedy:"correct ssh-config, or leave it out to use ~/.ssh/config."})}a(s0,"configFiles");function i0(e){return r0(e).flatMap(t=>o0(t))}a(i0,"includedFiles");function on(e){try{return[{path:e,text:(0,Wa.readFileSync)(e,"utf8")}]}catch{return[]}}a(on,"readIfThere");function o0(e){let t=e2(e);if(!t||t.isDirectory())return[];if(!(t.uid===0||t.uid===process.getuid?.())||(t.mode&18)!==0)throw new sn(`${e} may be written by others than its owner, or has another owner; ssh refuses it too`,`give it to the account that runs the job, and run: chmod go-w ${e}`);let[r]=on(e);if(!r)throw new sn(`${e} can't be read`);return[r]}a(o0,"readChecked");function e2(e){try{return(0,Wa.statSync)(e)}catch{return}}a(e2,"statOf");var Ts=require("node:crypto");function c0(e){return e.split(`
`).flatMap(t=>{let[,n="",r=""]=/^[ \t]*(?:(@[^ ]+)[ \t]+)?(.*)$/.exec(t.replace(/\r+$/,""))??[],[s="",i="",o=""]=r.split(/[ \t]+/);if(s===""||s.startsWith("#")||!["","@revoked","@cert-authority"].includes(n))return[];if(!/^[A-Za-z0-9+/]+={0,2}$/.test(o)||o.length%4!==0)return[];let c=Buffer.from(o,"base64");return!n2(c)||(t2[i]??i)!==Ns(c)?[]:[{marker:n,hosts:s,type:Ns(c),key:c}]})}a(c0,"parseKnownHosts");var t2={"rsa-sha2-256":"ssh-rsa","rsa-sha2-512":"ssh-rsa"};function u0(e,t,n){if(e.some(u=>u.marker==="@revoked"&&u.key.equals(n)&&Ya(u,t)))return"revoked";let[s="",...i]=t,o=a0(e,s,n);return o==="unknown"&&i.some(u=>a0(e,u,n)==="known")?"known":o}a(u0,"judgeHostKey");function a0(e,t,n){let r=e.filter(s=>s.marker===""&&Ya(s,[t]));return r.some(s=>s.key.equals(n))?"known":r.some(({type:s})=>s===Ns(n))?"changed":r.length>0?"other type known":"unknown"}a(a0,"judgeByName");function l0(e,t){for(let n of t){let r=e.filter(s=>s.marker===""&&Ya(s,[n])).map(({type:s})=>s);if(r.length>0)return[...new Set(r)]}return[]}a(l0,"knownTypes");function f0(e,t){return e.some(n=>n.marker==="@cert-authority"&&Ya(n,t))}a(f0,"hasAuthority");function Za(e,t,n){if(n)return[n];let r=e.toLowerCase();return t===22?[r]:[`[${r}]:${t}`,r]}a(Za,"lookupNames");function Ga(e,t){return`${e} ${Ns(t)} ${t.toString("base64")}`}a(Ga,"knownHostsLine");function zi(e){return`SHA256:${(0,Ts.createHash)("sha256").update(e).digest("base64").replace(/=+$/,"")}`}a(zi,"fingerprint");function Ns(e){return e.subarray(4,4+(e.length>=4?e.readUInt32BE(0):0)).toString("latin1")}a(Ns,"hostKeyType");function Gf(e,t=(0,Ts.randomBytes)(20)){let n=(0,Ts.createHmac)("sha1",t).update(e).digest("base64");return`|1|${t.toString("base64")}|${n}`}a(Gf,"hashedName");function Ki(e){let[t,,n]=d0(e)??[];if(!(t?.toString("latin1")!=="ssh-rsa"||!n))return h0(n)}a(Ki,"rsaBits");function Ya({hosts:e},t){let[,,n]=e.split("|");return t.some(r=>e.startsWith("|")?n!==void 0&&Gf(r,Buffer.from(n,"base64"))===e:Di(r,e.split(",")))}a(Ya,"isFor");function n2(e){let t=d0(e);if(!t)return!1;let[n="",...r]=[t[0]?.toString("latin1")??"",...t.slice(1)];return r2[n]!==r.length?!1:n==="ssh-ed25519"?r[0].length===32:n!=="ssh-rsa"||h0(r[1])>=1024}a(n2,"isWholeKey");var r2={"ssh-ed25519":1,"ssh-rsa":2,"ssh-dss":4,"ecdsa-sha2-nistp256":2,"ecdsa-sha2-nistp384":2,"ecdsa-sha2-nistp521":2,"sk-ssh-ed25519@openssh.com":2,"sk-ecdsa-sha2-nistp256@openssh.com":3};function d0(e){let t=[];for(let n=0;n<e.length;){let r=n+4<=e.length?n+4+e.readUInt32BE(n):Number.POSITIVE_INFINITY;if(r>e.length)return;t.push(e.subarray(n+4,r)),n=r}return t}a(d0,"fieldsOf");function h0(e){let t=e.findIndex(n=>n!==0);return t<0?0:(e.length-t)*8-Math.clz32(e[t]??0)+24}a(h0,"bitsOf");var p0={"ssh-ed25519":["ssh-ed25519"],"ecdsa-sha2-nistp256":["ecdsa-sha2-nistp256"],"ecdsa-sha2-nistp384":["ecdsa-sha2-nistp384"],"ecdsa-sha2-nistp521":["ecdsa-sha2-nistp521"],"ssh-rsa":["rsa-sha2-512","rsa-sha2-256"]};function _0(e,{checking:t,given:n,log:r}){let s=n??e.knownHostsFiles.flatMap(d=>on(d)).map(d=>d.text).join(`
`),i=c0(s),o=Za(e.host,e.port,e.hostKeyAlias),c=l0(i,o),u=c.flatMap(d=>p0[d]??[]),l,f;return{algorithms:s2([...new Set([...u,...Object.values(p0).flat()])],e),refusal:a(()=>l,"refusal"),newKey:a(()=>f,"newKey"),accepts:a(d=>{let p=u0(i,o,d),_=i2(d,e);if(p==="known"&&!_)return!0;if(t==="insecure")return r.warning(`The host key of ${e.name} was not checked (host-key-checking: insecure): ${zi(d)}`),!0;let b=Ga(o[0]??e.host,d);return t==="accept-new"&&p==="unknown"&&!_?(r.warning(`New host key of ${e.name} accepted (host-key-checking: accept-new): ${b}`),n===void 0&&(f=d),!0):(l=o2(e,{reason:_?"short":p,key:d,line:b,types:c,authority:f0(i,o)}),!1)},"accepts")}}a(_0,"hostKeyJudge");function s2(e,{hostKeyAlgorithms:t,written:n}){if(t===void 0||t.startsWith("+"))return e;let r=t.replace(/^[-^]/,"").split(","),s=a(o=>Tn(o,r),"named");if(t.startsWith("-"))return i(e.filter(o=>!s(o)));if(t.startsWith("^"))return[...e].sort((o,c)=>Number(s(c))-Number(s(o)));return i(e.filter(s));function i(o){if(o.length>0)return o;throw new Ve({what:`Reading the SSH config for ${n}`,why:`HostKeyAlgorithms ${t} leaves nothing that the built-in client knows (${e.join(", ")}).`,remedy:"allow one of them there, or give another config with ssh-config."})}}a(s2,"allowed");function i2(e,{rsaBitsAtLeast:t}){return(Ki(e)??t)<t}a(i2,"isShort");function o2(e,{reason:t,key:n,line:r,types:s,authority:i}){let o=`${Ns(n)} ${zi(n)}`,c={revoked:`its host key is marked as revoked: ${o}.`,changed:`its host key has changed: it offers ${o}, which is not the one known for it.`,"other type known":`known_hosts has only ${s.join(", ")} for it, but it offered ${o}.`,unknown:i?`its host key is known only through a certificate authority (@cert-authority), which is not supported; it offers ${o}.`:`its host key is unknown: it offers ${o}.`,short:`its host key is too short: it offers ${o} with ${Ki(n)} bits, and RequiredRSASize is ${e.rsaBitsAtLeast}.`,known:""}[t],u={revoked:"find out which host answers there, and why its key was revoked.",changed:`find out why before you trust it (new machine, or somebody in between). If it is right, replace its known_hosts line by:
${r}`,"other type known":`if that is the right host, add this line to known-hosts:
${r}`,unknown:`compare the fingerprint with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there), then add this line to known-hosts:
${r}`,short:"give the host a longer key (ssh-keygen -t ed25519), or lower RequiredRSASize in the SSH config.",known:""}[t];return new Ve({what:"Connecting",where:e.name,why:c,remedy:u})}a(o2,"refusal");var $0=_t(Bi(),1);var Va=_t(Bi(),1);var m0=5;async function g0(e){let t=new Va.default.OpenSSHAgent(e),n,r=new Promise(i=>{n=setTimeout(i,m0*1e3,`it did not answer within ${m0} s`)}),s=new Promise(i=>{t.getIdentities((o,c=[])=>{if(o)return i(o.message);let u=c.map(l=>Va.default.utils.parseKey(l)).flatMap(l=>Array.isArray(l)?l:[l]);return i(u.flatMap(l=>l instanceof Error?[]:[{key:l,agent:new Yf(e,l)}]))})});try{return await Promise.race([s,r])}finally{clearTimeout(n)}}a(g0,"agentKeys");var Yf=class extends Va.default.OpenSSHAgent{static{a(this,"OneKey")}#e;constructor(t,n){super(t),this.#e=n}getIdentities(t){t(void 0,[this.#e])}};var y0=require("node:crypto"),w0=_t(Bi(),1);function Rn(e){let t=Buffer.from(e),n=Buffer.alloc(4);return n.writeUInt32BE(t.length),Buffer.concat([n,t])}a(Rn,"lengthFirst");function Vf(e,t){let n=a2(e);if(n.includes("PuTTY-User-Key-File"))return"it is a PuTTY key: export it as an OpenSSH key first";let r=[...n.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----/gs)];if(r.length===0)return c2(n);let s=[];for(let[i,[,o="",c=""]]of r.entries()){let u=u2(o,c,t);if(typeof u=="string")return r.length>1?`key ${i+1} of ${r.length}: ${u}`:u;s.push(u)}return s}a(Vf,"parseKeys");function a2(e){let t=e.replace(/^\uFEFF/,"").trim().replace(/^(["'])(.*)\1$/s,"$2").replaceAll(/\\r|\r/g,"").replaceAll("\\n",`
`);if(t.includes("-----")||!/^[A-Za-z0-9+/=\s]+$/.test(t))return t;let n=Buffer.from(t,"base64").toString("latin1");return n.includes("-----BEGIN ")?n.replaceAll("\r",""):n.startsWith("openssh-key-v1\0")?Xf("OPENSSH PRIVATE KEY",t):t}a(a2,"repaired");function c2(e){return/^(ssh-|ecdsa-|sk-)[\w@.-]*-cert-v01@/.test(e)?"it is a certificate; the private key is needed":/^(ssh-|ecdsa-|sk-)/.test(e)?"it is a public key; the private one is needed":/-----BEGIN [A-Z0-9 ]+-----/.test(e)?"it is cut off: its last line (-----END …-----) is missing":/-----END [A-Z0-9 ]+-----/.test(e)?"its first line (-----BEGIN …-----) is missing":"it is not a private key in a known format (OpenSSH, PEM)"}a(c2,"whyNoBlock");function u2(e,t,n){if(e.endsWith("PUBLIC KEY"))return"it is a public key; the private one is needed";if(e.includes("CERTIFICATE"))return"it is a certificate; the private key is needed";let r=Xf(e,t);if(e==="OPENSSH PRIVATE KEY"&&l2(t))return"it belongs to a security key (FIDO), which somebody would have to touch; use a key without one";let s=e.endsWith("PRIVATE KEY")&&/^(ENCRYPTED )?PRIVATE KEY$/.test(e)?f2(r,n):r,i=w0.default.utils.parseKey(s,n),o=Array.isArray(i)?i[0]:i;return o===void 0?"it holds no key":o instanceof Error?h2(o.message,n):o.isPrivateKey()?o:"it is a public key; the private one is needed"}a(u2,"parseBlock");function Xf(e,t){let n=[...t.matchAll(/(Proc-Type|DEK-Info): *(\S+)/g)].map(([i])=>i),r=t.replace(/(Proc-Type|DEK-Info): *\S+/g,"").replace(/\s+/g,""),s=[...n.length>0?[...n,""]:[],...r.match(/.{1,64}/g)??[]];return`-----BEGIN ${e}-----
${s.join(`
`)}
-----END ${e}-----
`}a(Xf,"block");function l2(e){let t=Buffer.from(e.replace(/\s+/g,""),"base64").subarray(0,300).toString("latin1");return/sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com/.test(t)}a(l2,"isForSecurityKey");function f2(e,t){try{let n=(0,y0.createPrivateKey)({key:e,...t===void 0?{}:{passphrase:t}});if(n.asymmetricKeyType==="rsa")return n.export({type:"pkcs1",format:"pem"}).toString();if(n.asymmetricKeyType==="ec")return n.export({type:"sec1",format:"pem"}).toString();if(n.asymmetricKeyType==="ed25519"){let{x:r="",d:s=""}=n.export({format:"jwk"});return d2(Buffer.from(r,"base64url"),Buffer.from(s,"base64url"))}}catch{}return e}a(f2,"fromPkcs8");function d2(e,t){let n=Rn("ssh-ed25519"),r=Buffer.alloc(8),s=Buffer.concat([r,n,Rn(e),Rn(Buffer.concat([t,e])),Rn("")]),i=Buffer.from(Array.from({length:(8-s.length%8)%8},(l,f)=>f+1)),o=Rn("none"),c=Buffer.from([0,0,0,1]),u=Buffer.concat([Buffer.from("openssh-key-v1\0"),o,o,Rn(""),c,Rn(Buffer.concat([n,Rn(e)])),Rn(Buffer.concat([s,i]))]);return Xf("OPENSSH PRIVATE KEY",u.toString("base64"))}a(d2,"openSshEd25519");function h2(e,t){return/no passphrase given|passphrase required/i.test(e)?"it is encrypted, and no passphrase is given (ssh-key-passphrase)":/integrity|bad passphrase|bad decrypt|decrypt/i.test(e)&&t!==void 0?"its passphrase is wrong":/unsupported key format/i.test(e)?"it is not a private key in a known format (OpenSSH, PEM)":`it can't be read: ${e}`}a(h2,"unusable");async function b0({sshKey:e,passphrase:t},n){if(e!==void 0)return{identities:p2("ssh-key",e,t),skipped:[]};let r=[...n.notOffered],s=a(l=>n.identityFiles.filter(f=>f.named===l).flatMap(({path:f})=>_2(f,t,r)),"fromFiles"),i=s(!0),o=s(!1),c=await m2(n,r),u=[...i,...c,...o].filter(l=>y2(l,n,r));return{identities:w2(u),skipped:r}}a(b0,"identitiesOf");function p2(e,t,n){let r=Vf(t,n);if(typeof r!="string")return r.map((s,i)=>({label:r.length>1?`${e} (${i+1} of ${r.length})`:e,key:s,agent:void 0}));throw new Ve({what:`Reading ${e}`,why:`${r}.`,remedy:"store the whole private key, with its first and last line, as the secret; and its passphrase in ssh-key-passphrase."})}a(p2,"givenKeys");function _2(e,t,n){let[r]=on(e);if(!r)return[];on(`${e}-cert.pub`).length>0&&n.push(`${e}-cert.pub: the built-in client can't use certificates`);let s=Vf(r.text,t);return typeof s!="string"?s.map(i=>({label:e,key:i,agent:void 0})):(n.push(`${e}: ${s}`),[])}a(_2,"fileKeys");async function m2({agent:e,identitiesOnly:t,identityFiles:n},r){if(e===void 0)return[];let s=await g0(e);if(typeof s=="string")return r.push(`agent ${e}: ${s}`),[];let i=t?n.flatMap(({path:o})=>g2(o)):[];return s.filter(({key:o})=>!t||i.some(c=>c.equals(o.getPublicSSH()))).map(({key:o,agent:c})=>({label:`agent ${e}, ${o.type} ${zi(o.getPublicSSH())}`,key:o,agent:c}))}a(m2,"fromAgent");function g2(e){return[...on(e),...on(`${e}.pub`)].flatMap(({text:t})=>$0.default.utils.parseKey(t)).flatMap(t=>t instanceof Error?[]:[t.getPublicSSH()])}a(g2,"publicKeys");function y2({label:e,key:t},{rsaBitsAtLeast:n},r){let s=Ki(t.getPublicSSH());return s===void 0||s>=n?!0:(r.push(`${e}: it has ${s} bits, and RequiredRSASize is ${n}`),!1)}a(y2,"isLongEnough");function w2(e){let t=new Set;return e.filter(({key:n})=>{let r=n.getPublicSSH().toString("base64");return t.has(r)?!1:(t.add(r),!0)})}a(w2,"withoutRepeats");function A0(e,t,n){let r={keys:[],accepted:void 0,methods:[],partial:!1,prompts:[]},s=t.map(o=>({method:"publickey",identity:o})),i;return{offers:r,handler:a((o,c,u)=>{for(i===void 0&&(s.length===0||$2(n()))&&s.unshift({method:"none"}),o&&(r.methods=o),c&&(Object.assign(r,{partial:!0,accepted:x2(i)}),s.push({method:"keyboard-interactive"})),i=s.shift();i&&!b2(i,r);)i=s.shift();i?.identity&&r.keys.push(i.identity.label),u(i?A2(i,e,r):!1)},"handler")}}a(A0,"offerInTurn");function $2(e){let{_remoteVer:t=""}=e??{};return!/^(OpenSSH|dropbear)/i.test(t)}a($2,"mayNeedNoKey");function b2({method:e},{methods:t,partial:n}){return e==="none"?!n:t.length===0||t.includes(e)}a(b2,"isWorthAsking");function A2({method:e,identity:t},n,r){return t?.agent?{type:"agent",username:n,agent:t.agent}:t?{type:"publickey",username:n,key:t.key}:e==="none"?{type:"none",username:n}:{type:"keyboard-interactive",username:n,prompt:a((s,i,o,c,u)=>{r.prompts.push(...c.map(({prompt:l})=>l.trim())),u([])},"prompt")}}a(A2,"methodOf");function x2(e){return e?.identity?.label}a(x2,"labelOf");var x0=require("node:dns/promises"),E0=require("node:net");async function k0(e){let{host:t,port:n,addressFamily:r,bindAddress:s,connectTimeoutSeconds:i}=e,o=i*1e3,c,u,l=new Promise((p,_)=>{u=setTimeout(()=>_(Object.assign(new Error("no answer"),{level:"client-timeout"})),o)}),d=a(async()=>{let p=await(0,x0.lookup)(t,{all:!0,family:r});c=(0,E0.connect)({host:t,port:n,noDelay:!0,lookup:E2(p),...s===void 0?{}:{localAddress:s},autoSelectFamily:p.length>1,autoSelectFamilyAttemptTimeout:Math.max(10,Math.floor(o/p.length))});let _=c;return await new Promise((b,g)=>{_.once("connect",b).once("error",y=>g(k2(y)))}),_},"opened")();try{return await Promise.race([d,l])}catch(p){throw d.catch(()=>{}),c?.on("error",()=>{}).destroy(),p}finally{clearTimeout(u)}}a(k0,"openSocket");function E2(e){return(t,n,r)=>{n.all?r(null,e):r(null,e[0]?.address??"",e[0]?.family)}}a(E2,"answerWith");function k2(e){let t=e instanceof AggregateError?e.errors:[];for(let n of["ECONNREFUSED","ETIMEDOUT"])for(let r of t)if(r.code===n)return r;return t[0]??e}a(k2,"mostTelling");var Xa=require("node:fs"),S0=require("node:path");function v0(e,t){let{newKeysFile:n,hashKnownHosts:r}=e,[s=e.host]=Za(e.host,e.port,e.hostKeyAlias);if(n===void 0)return;let i=Ga(r?Gf(s):s,t);try{(0,Xa.mkdirSync)((0,S0.dirname)(n),{recursive:!0,mode:448});let o=on(n)[0]?.text??"",c=o===""||o.endsWith(`
`)?"":`
`;(0,Xa.appendFileSync)(n,`${c}${i}
`,{mode:384})}catch{}}a(v0,"rememberHostKey");var S2=60;async function I0(e,{inputs:t,context:n,sock:r,jump:s}){let{log:i}=n,o=_0(e,{checking:I2(t,e,i),given:t["known-hosts"],log:i}),c={sshKey:t["ssh-key"],passphrase:t["ssh-key-passphrase"]},u=await b0(c,e),{client:l,socket:f,accepted:d}=await v2(e,{judge:o,identities:u,sock:r,jump:s});return c.sshKey===void 0&&i.line(`Logged in to ${e.name} with ${d}; ssh-key is not set.`),My(e,l,{socket:f,firstSessionSeconds:t["connect-timeout-seconds"]??S2})}a(I0,"login");async function v2(e,{judge:t,identities:n,sock:r,jump:s}){let{skipped:i}=n,o=performance.now(),c=new Ka,{offers:u,handler:l}=A0(e.user,n.identities,()=>c.connection),f=Hy(),d=r;try{d??=await k0(e),C2(d),await c.connect({sock:d,username:e.user,readyTimeout:Math.max(1,e.connectTimeoutSeconds*1e3-(performance.now()-o)),keepaliveInterval:e.keepaliveSeconds*1e3,keepaliveCountMax:e.keepaliveMissed,hostVerifier:a(_=>t.accepts(_),"hostVerifier"),authHandler:l,debug:f.read,algorithms:{cipher:["aes128-gcm@openssh.com","aes256-gcm@openssh.com","aes128-ctr","aes256-ctr","chacha20-poly1305@openssh.com"],serverHostKey:t.algorithms}})}catch(_){d?.destroy();let b=t.refusal();if(b)throw b;let g=Fy(_,e,{offers:u,skipped:i,algorithms:f.found()}),y=s?"Connecting to the jump host":"Connecting";throw new Ve({what:y,where:e.name,...g,cause:_})}finally{let _=t.newKey();_&&v0(e,_)}let p=c.connection;return delete p._protocol._debug,{client:p,socket:d,accepted:u.keys.at(-1)??"no key"}}a(v2,"handshake");function I2(e,t,n){let r=e["host-key-checking"];if(r)return r;let s=t.strictHostKeyChecking;return s==="accept-new"||s==="no"?(n.line(`The SSH config sets StrictHostKeyChecking ${s} for ${t.written}: treated as accept-new.`),"accept-new"):"strict"}a(I2,"checkingOf");function C2(e){let t=e.write.bind(e),n=!1;e.write=(...r)=>(n||(n=!0,e.cork(),process.nextTick(()=>{n=!1,e.uncork()})),t(...r))}a(C2,"gatherWrites");var N0=require("node:fs"),T0=require("node:os");var Ja=require("node:os");function Jf(){try{return(0,Ja.userInfo)()}catch{return}}a(Jf,"runnerAccount");function C0(e){let t=[Jf()?.homedir,e??(0,Ja.homedir)()];return[...new Set(t.filter(n=>n!==void 0))]}a(C0,"runnerHomes");var P2=["id_ed25519","id_ecdsa","id_rsa","id_ecdsa_sk","id_ed25519_sk"],N2={inet:4,inet6:6};function P0(e,t,{runner:n,inputs:r}){let{host:s,values:i}=t,o=a(y=>i.get(y)?.[0],"one"),c=a(y=>Number(o(y)??0),"number"),u=r.user??e.user??o("user")??n.localUser,l=r.port??e.port??(c("port")||22),{container:f}=r,d=O2({written:e,host:s,port:l,user:u,alias:o("hostkeyalias")?.toLowerCase()},n),p=(i.get("identityfile")??[]).filter(y=>y.toLowerCase()!=="none").flatMap(y=>d(y)),_=i.has("identityfile")?[]:P2.flatMap(y=>d(`~/.ssh/${y}`)),b=(i.get("userknownhostsfile")??["~/.ssh/known_hosts","~/.ssh/known_hosts2"]).filter(y=>y.toLowerCase()!=="none").flatMap(y=>d(y)),g=(i.get("globalknownhostsfile")??T2).filter(y=>y.toLowerCase()!=="none").map(y=>Mi(y,n.homes[0]??"/",n.homeOf));return{written:e.host,user:u,host:s,port:l,name:`${u}@${s.includes(":")?`[${s}]`:s}:${l}${f?`/${pm(f)}`:""}`,container:f,addressFamily:N2[o("addressfamily")??""]??0,bindAddress:o("bindaddress"),hostKeyAlias:o("hostkeyalias")?.toLowerCase(),hostKeyAlgorithms:o("hostkeyalgorithms"),rsaBitsAtLeast:c("requiredrsasize")||1024,identityFiles:[...p.map(y=>({path:y,named:!0})),..._.map(y=>({path:y,named:!1}))],identitiesOnly:o("identitiesonly")==="yes",notOffered:D2(t),agent:L2(o("identityagent"),n,y=>d(y)[0]),knownHostsFiles:[...b,...g],newKeysFile:B2(b,i.has("userknownhostsfile"),n),hashKnownHosts:o("hashknownhosts")==="yes",strictHostKeyChecking:o("stricthostkeychecking"),connectTimeoutSeconds:r.connectTimeoutSeconds??(c("connecttimeout")||15),keepaliveSeconds:r.keepaliveSeconds??(c("serveraliveinterval")||5),keepaliveMissed:c("serveralivecountmax")||3,jumps:R2(t,r)}}a(P0,"resolveTarget");var T2=["/etc/ssh/ssh_known_hosts","/etc/ssh/ssh_known_hosts2"];function R2(e,{proxyJump:t}){let n=[...e.places.keys()].filter(o=>o==="proxyjump"||o==="proxycommand"),r=t!==void 0||n[0]==="proxyjump",s=Jy(e,r?["proxycommand"]:[]);if(s)throw s;let i=n[0]==="proxyjump"?e.values.get("proxyjump")?.[0]:void 0;return(t??i??"").split(",").map(o=>o.trim()).filter(o=>o!==""&&o.toLowerCase()!=="none")}a(R2,"jumpsOf");function O2(e,{homes:t,homeOf:n,hostname:r,uid:s,localUser:i,env:o}){let c={L:r.replace(/\..*$/,""),d:t[0]??"/",h:e.host,i:String(s),k:e.alias??e.written.host,l:r,n:e.written.host,p:String(e.port),r:e.user,u:i};return u=>{let l=t.map(f=>Mi(u,f,n));return[...new Set(l.map(f=>ja(f,c,o)))]}}a(O2,"pathsFor");function B2(e,t,{homes:n}){return t||e.length===0?e[0]:`${n.at(-1)}/.ssh/known_hosts`}a(B2,"newKeysFile");function L2(e,{env:t},n){return e===void 0||e==="SSH_AUTH_SOCK"?t("SSH_AUTH_SOCK"):/^\$\w+$/.test(e)?t(e.slice(1)):e.toLowerCase()==="none"?void 0:n(e)}a(L2,"agentOf");function D2({values:e}){let t=(e.get("certificatefile")??[]).map(r=>`CertificateFile ${r}`),n=e.get("pkcs11provider")?.filter(r=>r!=="none")??[];return[...t,...n.map(r=>`PKCS11Provider ${r}`)].map(r=>`${r}: the built-in client can't use it`)}a(D2,"notOffered");function ec(e,t,n){let r=U2(n),s=hs(e);if(s===void 0)throw ed(e,new sn(`the jump host '${e}' is not a valid user@host:port`));let i=t.user??s.user,o=t.container===void 0?void 0:Xo(t.container);try{let c=s0(t["ssh-config"],r.homes),u=Xy(c,{...r,host:s.host,user:i,include:i0});return P0(s,u,{runner:r,inputs:{user:t.user,port:t.port,proxyJump:t["proxy-jump"],connectTimeoutSeconds:t["connect-timeout-seconds"],keepaliveSeconds:t["keepalive-seconds"],container:o&&{...o,sudo:t.sudo}}})}catch(c){throw c instanceof $n?ed(e,new sn(c.message)):c instanceof sn?ed(e,c):c}}a(ec,"targetOf");function U2(e){return{localUser:Jf()?.username??e.env("USER")??String(process.getuid?.()),homes:C0(e.env("HOME")),homeOf:a(t=>F2(M2(),t),"homeOf"),hostname:(0,T0.hostname)(),uid:process.getuid?.()??0,env:e.env}}a(U2,"runnerOf");function M2(){try{return(0,N0.readFileSync)("/etc/passwd","utf8")}catch{return""}}a(M2,"readPasswd");function F2(e,t){return e.split(`
`).find(r=>r.startsWith(`${t}:`))?.split(":")[5]}a(F2,"homeIn");function ed(e,t){return new Ve({what:`Reading the SSH config for ${e}`,why:`${t.message}.`,remedy:t.remedy??"correct the config, or give another one with ssh-config."})}a(ed,"configFailure");async function R0(e,t,n){let r=O0(e,[],(o,{first:c})=>ec(o,{...t,user:void 0,port:void 0,container:void 0,"proxy-jump":c?void 0:"none"},n)),s=[];try{for(let[o,c]of[...r,e].entries()){let l=await s.at(-1)?.forward(c);s.push(await I0(c,{inputs:t,context:n,sock:l,jump:o<r.length}))}}catch(o){for(let c of s.reverse())await c[Symbol.asyncDispose]();throw o}let i=s.pop();return{...i,[Symbol.asyncDispose]:async()=>{await i[Symbol.asyncDispose]();for(let o of s.reverse())await o[Symbol.asyncDispose]()}}}a(R0,"connectBuiltin");function O0(e,t,n){let r=e.jumps.filter(s=>!t.includes(s));return r.flatMap((s,i)=>{let o=n(s,{first:i===0});return[...O0(o,[...t,...r],n),o]})}a(O0,"hopsOf");var B0=3;async function tc(e,t){let{log:n}=t;n.mask(e["ssh-key"]),n.mask(e["ssh-key-passphrase"]);let r=ec(e.host,e,t);for(let s=1;;s+=1)try{return await R0(r,e,t)}catch(i){if(s>=B0||!(i instanceof Ve)||!Qf(i.fields.cause)||t.signal.aborted)throw i;n.line(`Attempt ${s} of ${B0} failed: ${i.fields.why}`),await(0,L0.setTimeout)(s*(500+Math.random()*1e3),void 0,{signal:t.signal}).catch(()=>{})}}a(tc,"connect");var W0=require("node:timers/promises");var jn=class extends ln{static{a(this,"AnswerError")}};function td(e,t,n=r=>r){let r=a(l=>e.filter(([f])=>f===l).map(([,f])=>f),"all"),s=a(l=>r(l).filter(f=>f!==""),"told"),i=a(l=>e.findLast(([f])=>f===l)?.[1],"last"),o=a((l,f,d)=>{throw nd(t,`the target answered something that is not ${d}: ${l}=${W2(n(f))}`)},"refuse"),c=a((l,f,d)=>{let p=i(l);if(!(p===void 0||p===""))return d(p)??o(l,p,f)},"formed"),u={has:a(l=>i(l)!==void 0,"has"),yes:a(l=>u.oneOf(l,["yes","no"])==="yes","yes"),digest:a(l=>c(l,"a sha256",f=>H2.test(f)?f:void 0),"digest"),pid:a(l=>c(l,"a pid",f=>z2.test(f)?Number(f):void 0),"pid"),number:a(l=>c(l,"a whole number",f=>Q2.test(f)?Number(f):void 0),"number"),oneOf:a((l,f)=>c(l,`one of ${f.join(", ")}`,d=>f.find(p=>p===d)),"oneOf"),text:a(l=>c(l,"a text",Et),"text"),texts:a(l=>r(l).map(Et),"texts"),pids:a(l=>c(l,"a list of pids",f=>K2.test(f)?f:void 0)??"","pids"),numbers:a(l=>c(l,"a list of numbers",f=>q2.test(f)?f:void 0)??"","numbers"),quote:a(l=>c(l,"a text",f=>Jt(n(f)).map(Et).join(" | ")),"quote"),quotedLines:a(l=>r(l).flatMap(f=>Jt(n(f)).map(Et)),"quotedLines"),verbatim:i,verbatims:r,parts:a((l,f,d)=>s(l).map(p=>f.exec(p)?.slice(1).map(_=>_??"")??o(l,p,d)),"parts"),records:a(l=>s(l).map(f=>td(Z2(f),t,n)),"records")};return u}a(td,"answerOf");function nd({what:e,where:t,state:n},r){return new jn({what:e,where:t,why:`${r}.`,state:n,remedy:"find out who changed what runs on that host: the programs of this step never answer like this."})}a(nd,"unusable");var H2=/^[0-9a-f]{64}$/,z2=/^[1-9][0-9]{0,9}$/,K2=/^[1-9][0-9]{0,9}( [1-9][0-9]{0,9})*$/,q2=/^[0-9]{1,15}( [0-9]{1,15})*$/,Q2=/^[0-9]{1,15}$/,j2=80;function W2(e){return`'${Vn(Et(e),j2)}'`}a(W2,"shown");function Z2(e){let t=[];for(let n of e.split(" ")){let r=Math.max(0,n.indexOf("=")),s=t.at(-1);M0.test(n.slice(0,r))?t.push([n.slice(0,r),n.slice(r+1)]):s&&!n.includes("=")&&(s[1]+=` ${n}`)}return t}a(Z2,"pairsOf");var M0=/^[a-z][a-z0-9_]{0,63}$/,G2=4*2**20,D0=2e4;function F0(e){let t=[],n=!1,r=!1,s=!1,i=!1,o=0,c=0,u=[],l="",f,d,p,_=new Promise(k=>{d=a(()=>k(void 0),"resolveEnded")}),b=new Promise(k=>{p=k}),g=a(k=>(u=[],f=`the target answered more than ${k}`,d(),!0),"exceeds"),y=a(k=>{if(k===hl&&!s)r=!0,d();else if(k===fl&&!n)n=!0,p();else if(k==="begin"&&n)s=!0;else if(!s)l=`${l}${k}
`.slice(0,U0);else if(k==="end")i=!0,d();else{let N=k.indexOf("=");if(!M0.test(k.slice(0,Math.max(0,N))))return;let v=[k.slice(0,N),Y2(k.slice(N+1))];t.push(v),e?.(...v)}},"line"),x=a(k=>(i||(c+=Buffer.byteLength(k)),c>G2&&g("4 MiB")),"count");return{count:x,push:a(k=>{if(i||f||x(k))return;let[N="",...v]=k.split(`
`);u.push(N);for(let L of v){if(y(u.join("")),u=[L],o+=1,i)return;if(o>D0){g(`${D0} lines`);return}}},"push"),ready:b,ended:_,result:a(()=>({said:t,complete:i,isReady:n,unfit:r,excess:f,before:`${l}${s?"":u.join("")}`.slice(0,U0)}),"result")}}a(F0,"readSaid");var U0=4096;function Y2(e){return e.replace(/\\(.)/g,(t,n)=>n==="n"?`
`:n)}a(Y2,"unescapeSaid");var V2=10,X2=5,J2=64*1024,H0=60,eC=10,z0="the login shell did not run the command passed to it";async function Rs(e,t,n){let{container:r}=e.target,s=dm(r?"host":n.sudo?"root":"login"),i=aC(n,e),o={what:n.what,where:e.target.name,state:n.state},c=n.clean??(K=>K),u=F0(n.onSay),l,f=null,d="",p;try{l=await Promise.race([e.exec(s),i.passed]),n.another&&e.roundTripMs()>V2&&e.prepare(s),l.output.setEncoding("utf8").on("data",u.push),l.errors.setEncoding("utf8").on("data",j=>{u.count(j)||(d=(d+j).slice(-J2))});let K=l.closed.then(j=>{f=j}),ee=e.lost.then(j=>j?.message??"the connection was closed"),P=u.ready.then(()=>sC(l,e,t,n.payload)),Z=nC(l,u.ready);p=await Promise.race([K,u.ended,ee,P,Z,i.passed,oC(n.signal)])}finally{i.stop(),l?.destroy()}let{said:_,complete:b,isReady:g,unfit:y,before:x,excess:k}=u.result();if(k)throw nd(o,k);if(y)throw rC(e,n.what);p??=g?"the session closed before the answer was complete":z0;let N=td(_,o,c),v=N.text("container_error");if(v!==void 0){let K=N.text("container_remedy")??"";throw new Ve({what:"Entering the container",where:e.target.name,why:`${v}.`,remedy:K})}let L=_.length>0;return{answer:N,complete:b,begun:L,code:f,prose:c(L?d:x+d),cut:c(p)}}a(Rs,"runProgram");function K0(e,{what:t,state:n},r){let{container:s,name:i}=e.target,o=!s||r.begun;return new Ve({what:t,where:i,why:o?`the answer was cut short: ${Et(r.cut)}.`:`could not enter the container: ${Et(tC(r.prose)??r.cut)}`,state:n,remedy:o?"check that the login there runs the commands given to it (`ssh HOST true`): its shell, a start file such as ~/.bashrc that ends in `exec`, ForceCommand in sshd_config, `command=` in authorized_keys.":`check on the host that ${s?.name} exists, is running and has a /bin/sh.`,output:r.prose})}a(K0,"notAnswered");function tC(e){return e.trimEnd().split(`
`).at(-1)||void 0}a(tC,"lastLine");function nC(e,t){return new Promise(n=>{let r=setTimeout(()=>e.input.write(`${dl}
`),eC*1e3),s=setTimeout(n,H0*1e3,`${z0} within ${H0} s`),i=a(()=>{clearTimeout(r),clearTimeout(s)},"stop");t.then(i),e.closed.then(i)})}a(nC,"notReady");function rC(e,t){return new Ve({what:t,where:e.target.name,why:"/bin/sh there is a shell whose printf or local is not a builtin (such as mksh or ksh93).",state:"untouched. Nothing was sent to it.",remedy:"make /bin/sh dash, bash or busybox."})}a(rC,"unfitShell");function sC(e,t,n,r){let{container:s}=t.target;return s&&e.input.write(pl(_m(s,s.sudo))),iC(e,n,r)}a(sC,"sendAll");function iC(e,t,n){return new Promise(r=>{e.input.write(pl(t)),n?n(e.input).catch(s=>r(s.message)):e.input.end()})}a(iC,"send");function oC(e){return new Promise(t=>{let n=a(()=>setTimeout(()=>t(`the step was cancelled (${e?.reason})`),X2*1e3).unref(),"begin");e?.aborted?n():e?.addEventListener("abort",n,{once:!0})})}a(oC,"cancelled");function aC({limitSeconds:e,what:t},n){let r;return{passed:new Promise((i,o)=>{r=setTimeout(()=>{o(new Ve({what:t,where:n.target.name,why:`timed out after ${e} s.`,remedy:"check the load of the host, and what its login shell does when it starts."}))},e*1e3)}),stop:a(()=>clearTimeout(r),"stop")}}a(aC,"startLimit");var q0=`prelude() {
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
main`;var fr=class extends Error{static{a(this,"OutdatedError")}},an=class extends Error{static{a(this,"DiedError")}},Wn=class extends Error{static{a(this,"DeltaError")}};function St(e){return{failed:"",why:"",output:"",untrusted:!1,broken:"",pid:void 0,downtimeMs:void 0,bytesSent:0,phases:[],...e}}a(St,"bareOutcome");function Os(e){return St({state:"unknown",failed:"answer",why:e.fields.why.replace(/\.$/,"")})}a(Os,"unusableOutcome");var uC=["active","untouched","staged","rolled-back","broken"],lC=/^([a-z][a-z-]{0,40}) ([0-9]{1,12})$/;function nc({answer:e,complete:t=!1}){if(!t||!e)return;let n=e.oneOf("gave_up",["changed","delta","locked","refused","release"]);if(n==="changed")throw new fr;if(n!==void 0){let i=e.quote("why")??"";if(n==="delta")throw new Wn(i);let o=`another deploy of this file holds the lock: ${i}`,c={locked:"lock",refused:"stage",release:"release"}[n],u=e.digest("staged")?"staged":"untouched";return St({state:u,failed:c,why:n==="locked"?o:i})}if(e.yes("died"))throw new an;let r=e.oneOf("state",uC);if(r===void 0)return;let s=e.pid("gone");if(s!==void 0&&["active","rolled-back"].includes(r)){let i=`it finished as ${r}, but pid ${s} has since exited`;return St({state:"broken",failed:"transaction",why:"the target may have gone down",broken:i})}return{state:r,failed:e.text("failed")??"",why:e.quote("why")??"",output:e.quotedLines("output").join(`
`),untrusted:e.has("health_untrusted"),broken:e.quote("broken")??"",pid:e.pid("pid"),downtimeMs:e.number("downtime_ms"),bytesSent:0,phases:fC(e)}}a(nc,"outcomeOf");function fC(e){return e.parts("phase",lC,"a phase").map(([t="",n])=>({phase:t,afterMs:Number(n)*10}))}a(fC,"phasesOf");var Q0={staged:"new file is on the target; sha256 verified",stop:"stopping the running program",receive:"receiving the new file",swap:"replacing the file",start:"starting the new version",stable:"healthy; confirming stability",accept:"new version accepted",rollback:"new version failed; rolling back","restart-old":"starting the previous version","rollback-stable":"previous version healthy; confirming stability"},j0=100;function rc(e,{environment:t,health:n}){let r=Jn(t,n),s=0;return(i,o)=>{let c=i==="phase"?o.split(" ")[0]??"":i,u=(i==="phase"||i==="staged")&&Object.hasOwn(Q0,c)?Q0[c]:void 0;u===void 0&&i!=="note"||(s+=1,s===j0&&e.line("  (further lines from the target are not shown)"),!(s>=j0)&&(u!==void 0?e.phase(c,u):e.line(`  ${r(o)}`)))}}a(rc,"tellPhases");async function sc({inputs:e,log:t,signal:n,sudo:r,limitSeconds:s,reconnect:i},o){let c=Date.now()+s*1e3,u="the target could not be reached again";for(;Date.now()<c&&!n.aborted;){try{var l=[];try{let b=es(l,await i(),!0);let g=await Rs(b,{text:q0,values:{folder:e.folder,name:e.name,id:o}},{sudo:r,what:"Following the transaction",limitSeconds:Math.max(5,(c-Date.now())/1e3),signal:n,clean:Jn(e.environment,e.health),onSay:rc(t,e)});if(g.complete&&g.answer.yes("never"))return St({state:"untouched",failed:"upload",why:"the connection was lost before the transaction started"});let y=nc(g);if(y)return y}catch(f){var d=f,p=!0}finally{var _=ts(l,d,p);_&&await _}}catch(b){if(b instanceof an)throw b;if(b instanceof jn)return Os(b);u=b.message.split(`
`)[0]??u}await(0,W0.setTimeout)(1e3,void 0,{signal:n}).catch(()=>{})}return St({state:"unknown",failed:"connection",why:n.aborted?`the step was cancelled (${n.reason})`:u})}a(sc,"learn");async function Z0({id:e,sudo:t,limitSeconds:n},{inputs:r,connection:s},i){let{log:o,signal:c}=i,u=a(()=>tc(s,i),"reconnect");try{let{state:l,pid:f,why:d}=await sc({inputs:r,log:o,signal:c,sudo:t,limitSeconds:n,reconnect:u},e);o.line(`Finished: ${l}${f?`, pid ${f}`:""}${d?`: ${d}`:""}.`)}catch(l){let f=l instanceof kt?l.message:"The transaction was killed on the target; the next deploy restores the previous version.";for(let d of Jt(f))o.line(d)}}a(Z0,"followInterrupted");var zh=require("node:fs"),cA=require("node:fs/promises");var un=_t(Db(),1);var Ub=128*1024,Dh=2e4,Mb=12;function Hb(e){if(Buffer.byteLength(e)>Ub)return{problems:[{line:1,message:`the text is longer than ${Ub/1024} KiB`}]};let t=new un.LineCounter,n=a(l=>Math.max(1,t.linePos(l??0).line),"lineOf"),r=(0,un.parseAllDocuments)(e,{lineCounter:t,prettyErrors:!1,schema:"failsafe",stringKeys:!0,uniqueKeys:!1,logLevel:"silent"});if(!("length"in r))return{problems:[]};let s=r.flatMap(({errors:l})=>l.map(f=>({line:n(f.pos[0]),message:HR(f)}))),i=r[1];if(i&&s.push({line:n(i.range[0]),message:"there is a second document; only one is read"}),s.length>0)return{problems:Fb(s)};let o=r[0]?.contents??null;if(o===null||(0,un.isScalar)(o)&&o.type==="PLAIN"&&o.source==="")return{value:void 0,problems:[]};let c=MR(n),u=c.read(o,1);return c.problems.length>0?{problems:Fb(c.problems)}:{value:u,problems:[]}}a(Hb,"readYaml");function MR(e){let t=[],n=new Map,r=0,s=a((c,u)=>(t.push({line:c,message:u}),{kind:"empty",line:c}),"refuse"),i=a((c,u,l)=>{let f=l??e(c?.range?.[0]);if(r+=1,r>Dh)return r===Dh+1?s(f,`there are more than ${Dh} values, repeated ones included`):{kind:"empty",line:f};if(u>Mb)return s(f,`it is nested deeper than ${Mb} levels`);if(c===null)return{kind:"empty",line:f};if((0,un.isAlias)(c)){let d=n.get(c.source);return d?i(d,u,f):s(f,"an alias (`*`) names no anchor that stands before it")}if(c.anchor!==void 0&&l===void 0&&n.set(c.anchor,c),c.tag!==void 0&&!/^tag:yaml\.org,2002:(str|seq|map)$/.test(c.tag))return s(f,"a tag (`!`) is not read; quote a text that starts with `!`");if((0,un.isScalar)(c)){let d=String(c.value);return d===""&&c.type==="PLAIN"?{kind:"empty",line:f}:{kind:"text",line:f,text:d}}if((0,un.isSeq)(c)){let d=c.items.map(p=>i(p,u+1,l));return{kind:"list",line:f,items:d}}return{kind:"map",line:f,entries:o(c,u,l)}},"read"),o=a((c,u,l)=>{let f=new Map;return c.items.map(d=>{let{key:p,value:_}=d,[b,g]=[l??e(p.range?.[0]),(0,un.isScalar)(p)?String(p.value):""],y=f.get(g);return g==="<<"?s(b,"the merge key `<<` is not read; repeat the keys"):y!==void 0&&s(b,`the key \`${FR(g)}\` is given twice, first on line ${y}`),f.set(g,b),{key:g,line:b,value:i(_,u+1,_===null?b:l)}})},"entriesOf");return{problems:t,read:i}}a(MR,"openReader");function FR(e){return/^[a-z][a-z0-9-]{0,40}$/.test(e)?e:"…"}a(FR,"shownName");function HR({code:e}){return zR[e]??`it is not valid YAML (${e})`}a(HR,"messageOf");var zR={BAD_ALIAS:"an alias (`*`) is not valid; quote a text that starts with `*`",BAD_DQ_ESCAPE:"a backslash in double quotes starts no known escape; use single quotes",BAD_INDENT:"the indentation does not match the lines around it",BAD_SCALAR_START:"a text starts with a character that YAML reserves; quote it",BLOCK_AS_IMPLICIT_KEY:"a `:` stands where no key can be; quote the text, or indent it as a value of its own",MISSING_CHAR:"a closing quote, a bracket or the `:` after a key is missing",MULTILINE_IMPLICIT_KEY:"the `:` after a key is missing, or a text of several lines is not quoted",NON_STRING_KEY:"a key is not a text",RESOURCE_EXHAUSTION:"it is nested too deeply",TAB_AS_INDENT:"a tab is used as indentation; use blanks",UNEXPECTED_TOKEN:"something stands where YAML expects nothing; check quotes and indentation"};function Fb(e){let t=new Set;return e.filter(({line:r,message:s})=>{let i=`${r} ${s}`;return!t.has(i)&&t.add(i)}).sort((r,s)=>r.line-s.line)}a(Fb,"inOrder");function Uh(e){let t=[],n,r="";for(let s=0;s<e.length;s+=1){let i=e.charAt(s);if(r==="'")i==="'"?r="":n+=i;else if(i==="\\"){s+=1;let o=e.charAt(s);if(o==="")throw new RangeError("a backslash ends it");if(o===`
`)continue;n=(n??"")+(r==='"'&&!'"\\$`'.includes(o)?`\\${o}`:o)}else r==='"'?i==='"'?r="":n+=i:i==="'"||i==='"'?(r=i,n??=""):` 	
`.includes(i)?(n!==void 0&&t.push(n),n=void 0):n=(n??"")+i}if(r)throw new RangeError(`the quote ${r} is never closed`);return n!==void 0&&t.push(n),t}a(Uh,"splitWords");var zb=["auto","process","systemd","command","none"],Kb=["TERM","INT","QUIT","HUP","USR1","USR2","WINCH","KILL"],jt={source:yt(),sha256:Xe(et(/^[0-9a-f]{64}$/i,"a sha256 digest of 64 hexadecimal digits")),destination:et(Xn,'an absolute path without ".." or control characters'),owner:Xe(et(t_,"user, user:group or numbers")),mode:Xe(et(/^0?[0-7]{3,4}$/,"an octal mode such as 0755")),capabilities:Xe(et(/^[a-z0-9_,=+ -]+$/i,"capabilities such as cap_net_bind_service=+ep")),restart:In(zb),service:Xe(et(/^(user:)?[A-Za-z0-9:_.@\\-]+$/,"the name of a unit, or user:NAME")),"stop-command":yt(),"start-command":yt(),"daemon-reload":Ut(!1),"stop-signal":_n(et(jR,`one of ${Kb.join(", ")}`),"TERM"),"stop-timeout-seconds":mn(10,1,3600),"run-as":Xe(et(ss,"the name of an account")),args:_n(et(WR,"arguments whose quotes are closed"),""),"working-directory":Xe(et(e=>e==="/"||Xn(e),"an absolute path")),environment:om(),"log-file":Xe(et(Xn,"an absolute path")),"health-url":Xe(im()),"health-status":_n(et(n_,"status codes and ranges such as 200-399 or 200,204"),"200-399"),"health-contains":yt(),"health-headers":am(),"health-port":sr(1,65535),"health-command":yt(),"health-timeout-seconds":mn(60,1,3600),"stable-seconds":Go(3,0,3600),"expect-strings":fs()},KR=Dt({...Ir,...jt,...ui,host:Xe(Ir.host),strategy:In(["staged","in-place"]),rollback:Ut(!0),"rollback-to":Xe(et(/^(previous|[0-9a-f]{4,64})$/i,"previous or at least 4 digits of a sha256")),"keep-releases":mn(3,0,100),"allow-older":Ut(!1),force:Ut(!1),transfer:In(["auto","delta","compressed","plain"]),"lock-timeout-seconds":mn(60,0,86400),"revert-all":Ut(!1),"dry-run":Ut(!1),"report-file":yt()}).check(us(e=>{for(let[t,n]of QR(e.value))e.issues.push({code:"custom",message:n,path:[t],input:e.value})},{when:a(()=>!0,"when")})),CK=Dt(jt),PK=en(KR,pn(qR));function qR(e){return{...ru(e),hosts:ds(e.host??""),connection:e,rollout:e,sudo:e.sudo,strategy:e.strategy,rollback:e.rollback,rollbackTo:e["rollback-to"]?.toLowerCase(),keepReleases:e["keep-releases"],allowOlder:e["allow-older"],force:e.force,transfer:e.transfer,lockTimeoutSeconds:e["lock-timeout-seconds"],revertAll:e["revert-all"],dryRun:e["dry-run"],reportFile:e["report-file"]}}a(qR,"toDeployInputs");function ru(e){let t=e.destination.endsWith("/")?`${e.destination}${e.source?.split("/").at(-1)??""}`:e.destination,[,n="",r=""]=/^(.*)\/([^/]*)$/.exec(t.replace(/\/{2,}/g,"/"))??[];return{source:e.source,sha256:e.sha256?.toLowerCase(),folder:n||"/",name:r,destination:`${n}/${r}`,owner:e.owner,mode:e.mode&&Uo(e.mode),capabilities:e.capabilities,restart:e.restart,service:e.service,stopCommand:e["stop-command"],startCommand:e["start-command"],daemonReload:e["daemon-reload"],stopSignal:qb(e["stop-signal"]),stopTimeoutSeconds:e["stop-timeout-seconds"],runAs:e["run-as"],args:Uh(e.args),workingDirectory:e["working-directory"],environment:e.environment,logFile:e["log-file"],health:{url:e["health-url"],status:e["health-status"].replace(/\s/g,""),contains:e["health-contains"],headers:e["health-headers"],port:e["health-port"],command:e["health-command"],timeoutSeconds:e["health-timeout-seconds"],stableSeconds:e["stable-seconds"]},expectStrings:e["expect-strings"]}}a(ru,"toProgram");function QR(e){let t=Vo(e);return!e.host&&!e["hosts-file"]&&t.push(["host","required, but not set"]),e.sha256&&!e.source&&t.push(["sha256","only valid with `source`, whose digest it is"]),!e.source&&!e["rollback-to"]&&t.push(["source","required, unless `rollback-to` is set"]),e.source&&e["rollback-to"]&&t.push(["rollback-to","cannot be combined with `source`: it activates a kept release"]),e.destination?.endsWith("/")&&!e.source&&t.push(["destination","must name the file itself if there is no `source`"]),e["revert-all"]===!0&&e["keep-releases"]===0&&t.push(["keep-releases","must be 1 or more with `revert-all`, which restores the previous release"]),[...t,...Mh(e)]}a(QR,"contradictions");function Mh(e){let t=zb.find(r=>r===e.restart),n=[];t==="command"&&!e["start-command"]&&n.push(["start-command","required with `restart: command`"]),t&&t!=="command"&&(e["start-command"]||e["stop-command"])&&n.push([e["start-command"]?"start-command":"stop-command","only valid with `restart: command`"]),e.service&&t&&!["auto","systemd"].includes(t)&&n.push(["service","only valid with `restart: systemd` or `restart: auto`"]);for(let r of["health-contains","health-headers"])!e["health-url"]&&(e[r]?.length??0)>0&&n.push([r,"only valid with `health-url`"]);if(e.restart==="none")for(let r of["health-url","health-port","health-command"])e[r]&&n.push([r,"has no effect with `restart: none`, which starts nothing"]);for(let[r,s]of(e.environment??[]).entries())/^[A-Za-z_][A-Za-z0-9_]*=/.test(s)||n.push(["environment",`line ${r+1} must be KEY=VALUE with a name a shell can export`]);return n}a(Mh,"programContradictions");function jR(e){return Kb.includes(qb(e))}a(jR,"isSignal");function qb(e){return e.toUpperCase().replace(/^SIG/,"")}a(qb,"signalName");function WR(e){try{return Uh(e),!e.includes("\0")}catch{return!1}}a(WR,"isSplittable");var bo=["binary","folder","config","unit","restart"],ZR=/^\/(etc|run|usr\/lib|usr\/local\/lib|lib)\/systemd\/system$/,GR=/^[A-Za-z0-9:_.@\\-]+\.(service|socket|target|timer|path|mount|automount|swap|slice)$/,jb=et(e=>e!==""&&!e.includes("\0"),"a path on the runner"),Wb=et(YR,'an absolute path without ".." or control characters, outside of state folders (.NAME.deploy)'),Fh={source:jb,destination:Wb,owner:jt.owner,mode:Xe(et(/^0?[0-7]{3}$/,"an octal mode without set-ID bits, such as 0644")),"overwrite-drift":Ut(!1)},Qb={"health-url":jt["health-url"],"health-status":jt["health-status"],"health-contains":jt["health-contains"],"health-port":jt["health-port"],"health-command":jt["health-command"],"health-timeout-seconds":jt["health-timeout-seconds"],"stable-seconds":jt["stable-seconds"]},Hr={binary:{...jt,source:jb,destination:Wb},folder:{...Fh,exclude:fs(),keep:fs()},config:{...Fh,check:Xe(et(/\{file\}/,"a command that names the staged file as {file}")),apply:yt(),...Qb,"must-contain":fs(),"shrink-at-most":Xe(et(/^(\d{1,2}|100)%$/,"a percentage such as 50%"))},unit:{...Fh,enable:Ut(!1)},restart:{source:et(/^(user:)?[A-Za-z0-9:_.@\\-]+$/,"the name of a unit, or user:NAME"),...Qb}};function Zb(e){let t=Object.keys(Hr[e]).filter(n=>n!=="source"&&n!=="destination");return[e,...e==="restart"?[]:["to"],...t,"needs"]}a(Zb,"keysOf");function Gb(e,t){return t==="source"?e:t==="destination"?"to":t}a(Gb,"keyOf");function Yb(e){let t=e.lastIndexOf("/");return ZR.test(e.slice(0,t))&&GR.test(e.slice(t+1))}a(Yb,"isUnitFile");function YR(e){return Xn(e)&&!e.split("/").some(t=>/^\..+\.deploy$/.test(t))}a(YR,"isDestination");function zr(e){return/\.(service|socket|timer|path|target|mount|automount|swap|slice|scope|device)$/.test(e)?e:`${e}.service`}a(zr,"unitName");function Vb(e){let t=VR(e),n=[];return{parts:e.map(({line:s,own:i,needs:o,needsLine:c},u)=>{let l=o.map(f=>e.findIndex((d,p)=>XR(d,t[p],f)));for(let[f,d]of l.entries()){let p=JR({wanted:o[f]??"",index:d,at:u,names:t});p&&n.push({line:c,message:`\`needs\`: ${p}`})}return{...i,line:s,name:t[u]??"",needs:[...new Set(l)].sort((f,d)=>f-d)}}),clashes:[...e6(e),...t6(e)],unmet:n}}a(Vb,"relateParts");function Ao(e){return e.kind==="restart"?Xb(e.service):e.kind==="binary"?e.program.destination:e.destination}a(Ao,"placeOf");function VR(e){let t=e.map(({own:r})=>Ao(r)),n=t.map(r=>r.split("/").at(-1)??r);return t.map((r,s)=>n.filter(i=>i===n[s]).length>1?r:n[s]??"")}a(VR,"namesOf");function XR({own:e},t,n){return n===t||n===Ao(e)||e.kind==="restart"&&n===e.service}a(XR,"isNamed");function JR(e){let{wanted:t,index:n,at:r,names:s}=e;if(n>=0&&n<r)return;if(n===r)return"a part can't need itself";if(n>r)return`'${t}' stands later; move it before this part`;let i=s.slice(0,r);return`no part is named '${t}'${i.length>0?`; earlier parts are ${i.join(", ")}`:""}`}a(JR,"needsProblem");function e6(e){return e.flatMap(({line:t,own:n},r)=>{if(n.kind==="restart")return[];let s=Ao(n);for(let i of e.slice(0,r)){if(i.own.kind==="restart")continue;let o=Ao(i.own);if(o===s)return[{line:t,message:`\`to\`: the part on line ${i.line} has the same destination`}];let[c,u]=o.length<s.length?[i.own,s]:[n,o];if(c.kind==="folder"&&u.startsWith(`${Ao(c)}/`))return[{line:t,message:`\`to\`: it ${c===n?"contains":"lies inside of"} the destination of the part on line ${i.line}`}]}return[]})}a(e6,"overlaps");function t6(e){let t=new Map;return e.flatMap(({line:n,own:r})=>{let s=r.kind==="restart"?r.service:r.kind==="binary"?r.program.service:void 0;if(s===void 0)return[];let i=Xb(s),o=t.get(i);return o===void 0&&t.set(i,n),o===void 0?[]:[{line:n,message:`${i} is restarted by the part on line ${o} already`}]})}a(t6,"sharedUnits");function Xb(e){let t=e.startsWith("user:")?"user:":"";return`${t}${zr(e.slice(t.length))}`}a(Xb,"wholeUnit");var n6=Dt(jt),xo={binary:Dt(Hr.binary),folder:Dt(Hr.folder),config:Dt(Hr.config),unit:Dt(Hr.unit),restart:Dt(Hr.restart)},tA={binary:Eo(xo.binary,Mh,e=>({kind:"binary",program:ru(e)})),folder:Eo(xo.folder,s6,e=>({kind:"folder",...Hh(e),exclude:e.exclude,keep:e.keep.map(t=>t.replace(/\/+$/,""))})),config:Eo(xo.config,eA,e=>({kind:"config",...Hh(e),check:e.check,apply:e.apply,health:Jb(e),mustContain:e["must-contain"],shrinkAtMost:e["shrink-at-most"]===void 0?void 0:Number.parseInt(e["shrink-at-most"],10)})),unit:Eo(xo.unit,r6,e=>({kind:"unit",...Hh(e),enable:e.enable})),restart:Eo(xo.restart,eA,e=>({kind:"restart",service:e.source,health:Jb(e)}))};function Eo(e,t,n){let r=us(s=>{for(let[i,o]of t(s.value))s.issues.push({code:"custom",message:o,path:[i],input:s.value})},{when:a(()=>!0,"when")});return en(e.check(r),pn(n))}a(Eo,"reading");function Hh(e){return{source:e.source,destination:nA(e),owner:e.owner,mode:e.mode&&Uo(e.mode),overwriteDrift:e["overwrite-drift"]}}a(Hh,"fileOf");function nA({source:e,destination:t}){let n=e.replace(/\/+$/,"").split("/").at(-1)??"";return(t.endsWith("/")?`${t}${n}`:t).replace(/\/{2,}/g,"/")}a(nA,"destinationOf");function Jb(e){let{source:t,...n}=e,r=n6.parse({destination:"/part"});return ru({...r,...n,destination:"/part",owner:void 0,mode:void 0}).health}a(Jb,"healthOf");function eA(e){return e["health-contains"]&&!e["health-url"]?[["health-contains","needs health-url"]]:[]}a(eA,"healthContradictions");function r6({source:e,destination:t}){return e===void 0||t===void 0||Yb(nA({source:e,destination:t}))?[]:[["destination","expected the path of a system unit, such as /etc/systemd/system/app.service; for a drop-in use a config part with apply: systemctl daemon-reload"]]}a(r6,"unitContradictions");function s6({keep:e=[],exclude:t=[]}){let n=[];for(let r of e){let s=r.replace(/\/+$/,"");(!/^[^/]/.test(r)||s.split("/").some(i=>["",".",".."].includes(i)))&&n.push(["keep",`expected paths inside of the folder, got '${r}'`])}return t.some(r=>r.startsWith("!"))&&n.push(["exclude","a pattern that starts with `!` is not read; list what is left out"]),n}a(s6,"folderContradictions");var i6=["environment","exclude","expect-strings","keep","must-contain","needs"];function rA(e,t){let n=a(r=>({problem:{line:t.line,message:`\`${e}\` ${r}`}}),"wrong");switch(t.kind){case"text":return{text:t.text};case"empty":return n("has no value: remove the key, or give it one");case"map":return e==="environment"?a6(t,n):n("must be a text, not a map");case"list":{if(e!=="args"&&!i6.includes(e))return n("must be a text, not a list");let r=t.items.map(o=>o.kind==="text"?o.text:void 0),s=t.items.find((o,c)=>r[c]===void 0);if(s)return{problem:{line:s.line,message:`\`${e}\` must be a list of texts`}};let i=r.map(o=>o??"");return e==="args"?i.some(o=>o.includes("\0"))?n(o6):{text:i.map(fi).join(" ")}:i.some(o=>o.includes(`
`))?n(sA):{text:i.join(`
`)}}}}a(rA,"textOf");var sA="has an entry with a line end in it",o6="has an entry with a NUL byte in it";function a6({entries:e},t){let n=[];for(let{key:r,value:s}of e){if(s.kind!=="text")return t(`has no text for ${/^[A-Za-z_]\w*$/.test(r)?r:"one of its keys"}`);if(s.text.includes(`
`))return t(sA);n.push(`${r}=${s.text}`)}return{text:n.join(`
`)}}a(a6,"environmentText");var iA=50;function oA(e){let{value:t,problems:n}=Hb(e);if(n.length>0)return{parts:[],problems:n};let r=c6(t);if("problem"in r)return{parts:[],problems:[r.problem]};let s=r.items.map(u6),{parts:i,clashes:o,unmet:c}=Vb(s.flatMap(({part:f})=>f?[f]:[])),u=s.flatMap(f=>f.problems),l=[...u,...o,...u.length>0?[]:c];return l.length>0?{parts:[],problems:l.sort((f,d)=>f.line-d.line)}:{parts:i,problems:[]}}a(oA,"parseParts");function aA(e,t){return t.map(({line:n,message:r})=>`${e}, line ${n}: ${r}.`)}a(aA,"formatProblems");function c6(e){let t=a((n,r)=>({problem:{line:n,message:r}}),"wrong");return e?e.kind!=="list"?t(e.line,"expected a list of parts, each of which starts with `- `"):e.items.length===0?t(e.line,"there is no part"):e.items.length>iA?t(e.line,`there are more than ${iA} parts`):e:t(1,"there is no part")}a(c6,"itemsOf");function u6(e){let t=a(i=>({problems:[{line:e.line,message:i}]}),"wrong");if(e.kind!=="map")return t(`expected a part with one of the keys ${bo.join(", ")}`);let n=a(i=>e.entries.some(o=>o.key===i),"has"),[r,s]=bo.filter(i=>n(i)&&(i!=="restart"||!n("binary")));return r?s==="restart"?t(`a ${r} part restarts nothing; add a part \`restart: UNIT\` with \`needs\``):s?t(`it is both \`${r}\` and \`${s}\`; make two parts of it`):f6(r,e):t(`a part needs one of the keys ${bo.join(", ")}${l6(e.entries)}`)}a(u6,"readPart");function l6(e){let t=e.flatMap(({key:n})=>oi(n,bo)??[])[0];return t?`; is \`${t}\` meant`:""}a(l6,"kindMeant");function f6(e,{line:t,entries:n}){let r=[],s=new Map,i={},o=Zb(e);for(let{key:_,line:b,value:g}of n){if(!o.includes(_)){r.push({line:b,message:`a ${e} part has no key \`${d6(_)}\`${h6(_,o)}`});continue}s.set(_,b);let y=rA(_,g);"text"in y?i[_]=y.text:r.push(y.problem)}let{[e]:c,to:u,needs:l="",...f}=i,d=tA[e].safeParse({...f,source:c,destination:u});for(let{path:_,message:b}of d.error?.issues??[]){let g=Gb(e,String(_[0]));if(s.has(g)&&i[g]===void 0)continue;let y=i[g]===void 0&&["source","destination"].includes(String(_[0]));r.push({line:s.get(g)??t,message:y?`\`${g}\` is missing`:`\`${g}\`: ${b}`})}if(!d.success||r.length>0)return{problems:r};let p=l.split(`
`).map(_=>_.trim());return{part:{line:t,own:d.data,needs:p.filter(Boolean),needsLine:s.get("needs")??t},problems:r}}a(f6,"readKeys");function d6(e){return/^[a-z][a-z0-9_-]{0,40}$/i.test(e)?e:"…"}a(d6,"shown");function h6(e,t){let n=oi(e,t);return n?`; is \`${n}\` meant`:""}a(h6,"keyMeant");var p6=128*1024;async function su(e){let{parts:t,partsFile:n}=e;if(t===void 0==(n===void 0))throw new ct([`Input 'parts': ${t===void 0?"required, unless":"goes without"} parts-file.`]);let{parts:r,problems:s}=oA(t??await _6(n??""));if(s.length>0)throw new ct(aA(n??"Input 'parts'",s));return r}a(su,"readParts");async function _6(e){try{var t=[];try{let o=es(t,await(0,cA.open)(e,zh.constants.O_RDONLY|zh.constants.O_NONBLOCK),!0);let c=await o.stat();if(!c.isFile())throw new ct([`Input 'parts-file': ${e} is not a regular file.`]);if(c.size>p6)throw new ct([`Input 'parts-file': ${e} is longer than 128 KiB.`]);return await o.readFile("utf8")}catch(n){var r=n,s=!0}finally{var i=ts(t,r,s);i&&await i}}catch(o){if(o instanceof ct)throw o;let{code:c="unknown error"}=o,u=c==="ENOENT"?"does not exist on the runner":`can't be read (${c})`;throw new ct([`Input 'parts-file': ${e} ${u}.`])}}a(_6,"textOfFile");async function uA(e,t,n){let r=JSON.parse(e("begun")||"[]");if(r.length===0)return;let{log:s}=n;s.line("The main step was stopped during a release. The target will finish it on its own, as active or rolled-back for all parts.");let i=await m6(t);if(!i){let c=Math.max(...r.map(u=>u.limitSeconds));s.line(`The inputs are not available any more, so the target can't be queried. It will finish within ${c} s; check with verify-deploy.`);return}let o=new Set(r.map(({host:c})=>c)).size>1;await Promise.all(r.map(async c=>{let u={...i.inputs.connection,host:c.host},l=i.parts[c.part??0];if(l?.kind!=="binary")return;let f=o?En(s,c.host):s,d={inputs:Jo(i.inputs,l.program),connection:u};await Z0(c,d,{...n,log:En(f,l.name)})}))}a(uA,"reportInterrupted");async function m6(e){try{let t=e();return{inputs:t,parts:await su({parts:t.parts,partsFile:t.partsFile})}}catch(t){if(t instanceof ct)return;throw t}}a(m6,"givenAgain");var lA=require("node:crypto"),Yn=require("node:fs/promises"),Wt=require("node:path");async function fA(e,t){if(e===void 0)return async()=>{};let n=await g6(e);return async r=>{let s=`${n}.${(0,lA.randomUUID)()}`;try{await(0,Yn.writeFile)(s,`${Hu(r)}
`,{flag:"wx"}),await(0,Yn.rename)(s,n)}catch(i){await(0,Yn.rm)(s,{force:!0}),t.warning(`report-file ${e} could not be written: ${i.message}`)}}}a(fA,"openReportFile");async function g6(e){let t=a(s=>new ct([`Input 'report-file': ${s}.`]),"problem"),n=await(0,Yn.realpath)((0,Wt.dirname)((0,Wt.resolve)(e))).catch(()=>{});if(n===void 0)throw t(`there is no folder ${(0,Wt.dirname)(e)} on the runner`);let r=(0,Wt.relative)(await(0,Yn.realpath)("."),n);if(!(0,Wt.isAbsolute)(e)&&(r.startsWith("..")||(0,Wt.isAbsolute)(r)))throw t(`${e} leads out of the workspace`);return(0,Wt.join)(n,(0,Wt.basename)(e))}a(g6,"fileAt");var iu=require("node:fs/promises");var y6=1<<20;async function dA(e,{"hosts-file":t,shard:n}){let r=[...new Set([...e,...t===void 0?[]:await w6(t)])];if(r.length===0)throw new ct(["Input 'host': required, unless `hosts-file` names at least one host."]);if(r.length>vr)throw new ct([`Input 'hosts-file': ${r.length} hosts; the limit of a step is ${vr}.`]);let s=n===void 0?void 0:ul(n);return s?r.filter((i,o)=>o%s.of===s.number-1):r}a(dA,"hostsOfStep");async function w6(e){let t=a(o=>new ct([`Input 'hosts-file': ${o}.`]),"problem"),n=await(0,iu.stat)(e).catch(()=>{});if(!n?.isFile())throw t(`there is no file ${e} on the runner`);if(n.size>y6)throw t(`${e} has ${n.size} bytes; the limit is 1 MiB`);let s=(await(0,iu.readFile)(e,"utf8")).replace(/^\uFEFF/,"").split(`
`).map(o=>o.replace(/(^|\s)#.*$/,"").trim()),i=s.flatMap((o,c)=>o===""||hs(o)?[]:[`line ${c+1} of ${e}: expected a host, user@host, user@host:port or alias, got '${o}'`]);if(i.length>0)throw new ct(i.slice(0,20).map(o=>`Input 'hosts-file': ${o}.`));return s.filter(o=>o!=="")}a(w6,"hostsOfFile");var pA=require("node:timers/promises");function hA(e,t){let{waiting:n,running:r,proved:s,failed:i,unreachable:o}=b6(e);if(n===0)return r>0?{does:"wait"}:{does:"stop"};let c=Math.max(0,t.canary-s),u=i+(t.skipsUnreachable?0:o);if(u>0&&c>0)return{does:"stop",because:"a canary failed"};if(u>t.maxFailures)return{does:"stop",because:A6(u,t.maxFailures)};let l=t.inBatches||$6(e,t.canary);if(r>0&&l&&c===0)return{does:"wait"};let f=(c>0?Math.min(c,t.atATime):t.atATime)-r;return f<=0?{does:"wait"}:{does:"start",targets:[...e.keys()].filter(p=>e[p]==="waiting").slice(0,f),afterPause:l&&s>0&&r===0}}a(hA,"decide");function $6(e,t){let n=0,r=e.findIndex(s=>(s==="proved"&&(n+=1),n===t));return t>0&&r>=0&&(e[r+1]??"waiting")==="waiting"}a($6,"isJustAfterCanaries");function b6(e){let t={waiting:0,running:0,proved:0,failed:0,unreachable:0};for(let n of e)t[n]+=1;return t}a(b6,"counts");function A6(e,t){return t===0?"another target failed":`${e} targets failed, more than max-failures (${t})`}a(A6,"tooMany");async function _A(e,{policy:t,pauseSeconds:n,signal:r,onPause:s},i){let o=Array.from({length:e},()=>"waiting"),c=new Set,u,l=a(p=>{o[p]="running";let _=i(p).then(b=>{o[p]=b}).catch(b=>{o[p]="failed",u??=b??new Error("no reason was given")}).finally(()=>c.delete(_));c.add(_)},"start"),d=await a(async()=>{for(;u===void 0;){if(r.aborted)return o.includes("waiting")?"the step was cancelled":void 0;let p=hA(o,t);if(p.does==="stop")return p.because;if(p.does==="wait")await Promise.race(c);else{if(p.afterPause&&n>0&&(s(o),await(0,pA.setTimeout)(n*1e3,void 0,{signal:r}).catch(()=>{}),r.aborted))continue;p.targets.forEach(l)}}},"goOn")();if(await Promise.all(c),u!==void 0)throw u;return d}a(_A,"rollOut");var yA=require("node:crypto"),wA=require("node:fs"),ou=require("node:fs/promises");var x6={3:"i386",8:"mips",20:"ppc",21:"ppc64",22:"s390x",40:"arm",62:"x86_64",183:"aarch64",243:"riscv64",258:"loongarch64"},E6=3;async function mA(e){let t=await Kh(e,0,64);if(t.length<52||t.readUInt32BE(0)!==2135247942)return;let n=t[4]===2?64:32,r=k6(t[5]===2),[s,i,o]=n===64?[Number(r.u64(t,32)),r.u16(t,54),r.u16(t,56)]:[r.u32(t,28),r.u16(t,42),r.u16(t,44)],c=r.u16(t,18),u=x6[c]??`ELF machine ${c}`,l=await Kh(e,s,i*o);for(let f=0;f+i<=l.length&&i>0;f+=i){if(r.u32(l,f)!==E6)continue;let[d,p]=n===64?[Number(r.u64(l,f+8)),Number(r.u64(l,f+32))]:[r.u32(l,f+4),r.u32(l,f+16)],_=await Kh(e,d,Math.min(p,4096));return{machine:u,bits:n,interpreter:_.toString("utf8").replace(/\0.*$/s,"")}}return{machine:u,bits:n,interpreter:void 0}}a(mA,"readElf");function gA({machine:e},t){return e===t?!0:e==="i386"?/^(i[3-6]86|x86_64)$/.test(t):e==="arm"?/^(arm|aarch64)/.test(t):e==="ppc64"?t.startsWith("ppc64"):e==="mips"?t.startsWith("mips"):!1}a(gA,"runsOn");async function Kh(e,t,n){let r=Buffer.alloc(Math.max(0,Math.min(n,1048576))),{bytesRead:s}=await e.read(r,0,r.length,t);return r.subarray(0,s)}a(Kh,"readAt");function k6(e){return{u16:a((t,n)=>e?t.readUInt16BE(n):t.readUInt16LE(n),"u16"),u32:a((t,n)=>e?t.readUInt32BE(n):t.readUInt32LE(n),"u32"),u64:a((t,n)=>e?t.readBigUInt64BE(n):t.readBigUInt64LE(n),"u64")}}a(k6,"reader");var S6=1<<20;async function $A(e,t,n){let r=await v6(e),s=t.map(f=>Buffer.from(f)),i=Math.max(0,...s.map(f=>f.length-1)),o=new Set(s),c=(0,yA.createHash)("sha256"),u=Buffer.alloc(0);for await(let f of(0,wA.createReadStream)(e,{highWaterMark:S6})){if(c.update(f),o.size===0)continue;let d=i>0?Buffer.concat([u,f]):f;for(let p of o)d.includes(p)&&o.delete(p);u=Buffer.from(d.subarray(-i||d.length))}if(o.size>0)throw C6(e,o);let l=c.digest("hex");if(n!==void 0&&l!==n)throw P6(e,l,n);return{path:e,bytes:r,sha256:l,elf:await I6(e)}}a($A,"readSource");async function v6(e){let t=a(r=>new kt({what:`Reading the source ${e}`,why:r,state:"untouched.",remedy:"check the path and the build step before this one."}),"why"),n=await(0,ou.stat)(e).catch(r=>{throw t(r.code==="ENOENT"?"the file does not exist on the runner.":r.message)});if(!n.isFile())throw t("it is not a regular file.");if(n.size===0)throw t("it is empty.");return n.size}a(v6,"sizeOf");async function I6(e){let t=await(0,ou.open)(e);try{return await mA(t)}finally{await t.close()}}a(I6,"elfOf");function C6(e,t){let n=[...t].map(r=>`'${r.toString()}'`).join(", ");return new kt({what:`Checking the source ${e}`,why:`it does not contain ${n} (expect-strings).`,state:"untouched. Nothing was sent.",remedy:"check that this is the build of the intended commit, or correct `expect-strings`."})}a(C6,"missingStrings");function P6(e,t,n){return new kt({what:`Checking the source ${e}`,why:`its sha256 is ${t}, not ${n} (sha256).`,state:"untouched. Nothing was sent.",remedy:"deploy the file that was tested: take it from the job that built it, and the digest from the outputs of that job."})}a(P6,"otherDigest");var ep=require("node:fs"),XA=require("node:fs/promises"),JA=require("node:os");var bA=kp("AGFzbQEAAAABLgdgA39/fwF/YAJ/fwBgA39/fwBgBH9/f38AYAR/f39/AX9gAAF/YAV/f39/fwACDwEDZW52Bm1lbW9yeQIAAQMKCQIAAwEEAQUGAAZREH8BQQALfwFBAAt/AUEAC38BQQALfwFBAAt/AUEAC38BQQALfwFBAAt/AUEAC38BQQALfwFBAAt/AUEAC38BQQALfwFBAAt/AUEAC38BQQALBzoHBGZyZWUABgViZWdpbgAHBWluZGV4AAUEdGFrZQACBWFsaWduAAgHcmVzdG9yZQADBm1lbW9yeQIADAEBCr8OCa8BAQR/IAAiBCABaiIGQQBIBH9BAAUgAiMBIAZrIgAgACACShsiAEEAIABBAE4bCyECA0AgA0EQaiIAIAJMBEAgBSMFIARqIANq/QAEACMAIAZqIANq/QAEAP0j/WRpaiEFIAAhAwwBCwsDQCACIANKBEAgBUEBaiAFIwUgBGogA2otAAAjACAGaiADai0AAEYbIQUgA0EBaiEDDAELCyAFIw9MBEAPCyAFJA8gASQOC/QBAgR/AXsgASIEQQBIBH9BAAUgAiMBIARrIgEgASACShsiAUEAIAFBAE4bCyEFA0AgA0EQaiIBIAVMBEAjByAAaiADaiMFIABqIANq/QAEACMAIARqIANq/QAEAP1xIgf9CwQAIAYgB/0MAAAAAAAAAAAAAAAAAAAAAP0j/WRpaiEGIAEhAwwBCwsDQCADIAVIBEAjByAAaiADaiMFIABqIANqLQAAIwAgBGogA2otAABrIgE6AAAgBiAGQQFqIAFB/wFxGyEGIANBAWohAwwBCwsgAiAFSgRAIAAgBWoiACMHaiMFIABqIAIgBWv8CgAACyAGCxIAIAAkBSABJAYgAiQHIAMkCAsSACMHIABqIwUgAGogAfwKAAAL2wMCBn8BfiMNQQBKBEAjDUEBayQNIANBCmwgAkEDbE4PC0GAASMGIABrIgMgA0GAAUobIgdBA2xBCm0iBiQPIAAgASMKaiAHEABBACEDA0AgAyMLSARAIAAgASADQQJ0QYAIaigCAGogBxAAIANBAWohAwwBCwsgAEEgaiIDIwZBCGsiCCADIAhIGyEIIAAhAwNAIARBEEggAyAITHEEfyMPQQpsIAdBCWxIBUEACwRAIwMjBSADaikDACIKp0Gx893xeWwgCkIgiKdB95Svr3hscyIJQQ92IAlzQe347OACbCMEdkECdGooAgBBAWsiCUF/IAlBAE4EfyMAIAlqKQMAIApRBUEACxsiCUEASAR/QQEFIw4gCSADa0YjDyAGSnELRQRAIAAgCSADayAHEAAgBEEBaiEECyADQQFqIQMMAQsLIw8gBkoiBiMOIAEjCmpHcQRAQQAkDCMKIQMjDiABayIEJAoDQCADIARHIAVBCEhxBEAgBUECdEGACGohByAFIwtIBH8gBygCAAUgBAsgByADNgIAIAUjC0YEQCMLQQFqJAsLIQMgBUEBaiEFDAELCyAAIAAjDmogAhABGgUjDEEBaiQMQQMjDEEBdSIAIABBA04bJA0LIAYLdwIBfgJ/IAEjAUEHayIDIAEgA0gbIQMDQCAAIANIBEAjACAAaikDACICQiCIpyIEIAKnIgFHBEAjAyABQbHz3fF5bCAEQfeUr694bHMiAUEPdiABc0Ht+OzgAmwjBHZBAnRqIABBAWo2AgALIABBEGohAAwBCwsLBQBBoAgLJAAgACQAIAEkASACJAIgAyQDQSAgBGskBEEAIAJrJApBACQLC+8FAQZ/QQAkCQNAIAAgAUgEQCACIwpqIQQgAEH/B3FFIABBgAhqIAFMcQR/An9BACAAIARqIgVBAEgEf0EABUGACCMBIAVrIgMgA0GACEobIgNBACADQQBOGwtBgAhIDQAaQQAhAwNAIANBgAhIBEBBACMFIABqIANq/QAEACMAIAVqIANq/QAEAP1R/VMNAhogA0EQaiEDDAELCyMHIABqQQBBgAj8CwBBAQsFQQALBEAjAiAAIARqaiEDIwgjCUEBa0EDdGohBAJAIwlBAEoEQCADQYCAgIB4RiAEKAIAIgUgBCgCBCIGaiADRiAGQYCAgIB4RhsEQCAEIAVBgAhqNgIADAILCyAEQYAINgIIIAQgAzYCDCMJQQFqJAkLIABBgAhqIQAMAgsgACAAIARqQSAgASAAayIDIANBIEobIgQQASIDQQpsIARBB2xOBH9BAQUgACACIAQgAxAECwRAIAIjCmoiAyAAaiIFQQBIBH9BAAUgBCMBIAVrIgUgBCAFSBsiBUEAIAVBAE4bCyIFQQBKBEACQCMCIAAgA2pqIQYjCCMJQQFrQQN0aiEHIwlBAEoEQCAGQYCAgIB4RiAHKAIAIgMgBygCBCIIaiAGRiAIQYCAgIB4RhsEQCAHIAMgBWo2AgAMAgsLIAcgBTYCCCAHIAY2AgwjCUEBaiQJCwsgBCAFSgRAAkAgBCAFayEDIwgjCUEBa0EDdGohBSMJQQBKBEAgBSgCACIGIAUoAgQiB2pBgICAgHhGIAdBgICAgHhGcgRAIAUgAyAGajYCAAwCCwsgBSADNgIIIAVBgICAgHg2AgwjCUEBaiQJCwsFIwcgAGojBSAAaiAE/AoAACMIIwlBAWtBA3RqIQMCQCMJQQBKBEAgAygCACIFIAMoAgQiBmpBgICAgHhGIAZBgICAgHhGcgRAIAMgBCAFajYCAAwCCwsgAyAENgIIIANBgICAgHg2AgwjCUEBaiQJCwsgACAEaiEADAELCyMJCwsnAQBBgAgLIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");var xA=require("node:zlib");var qh=8192,T6=.1,R6=.9;function EA(e,t){let n=Math.max(0,Math.floor((e.length-qh)/2)),r=t.subarray(n,n+qh),s=0;for(let i=0;i<r.length;i+=1)r[i]===0&&(s+=1);return r.length-s<r.length*T6?!1:AA(e.subarray(n,n+qh))<R6*AA(r)}a(EA,"packsBetter");function AA(e){return(0,xA.deflateRawSync)(e,{level:1}).length}a(AA,"packed");var Kr=-(2**31),au=65536,ko=4*au,kA=16*(au/32),O6=16,B6=2**24,L6=65536;async function vA(e){let t=Math.ceil(Math.log2(Math.min(B6,Math.max(256,e/O6)))),n=new WebAssembly.Memory({initial:1}),{instance:r}=await WebAssembly.instantiate(bA,{env:{memory:n}}),s=r.exports,i=s.free(),c=[e,4*2**t,ko,ko,ko,kA].map(y=>{let x=i;return i=Math.ceil((i+y)/64)*64,[x,y]});n.grow(Math.ceil(i/L6));let[u,l,f,d,p,_]=c.map(([y,x])=>Buffer.from(n.buffer,y,x)),b=new Int32Array(n.buffer,_.byteOffset,kA/4),g=!1;return{pieces:[f,d],begin:a(y=>(g&&l.fill(0),g=!0,s.begin(u.byteOffset,e,y,l.byteOffset,t),u),"begin"),index:s.index,align:a((y,x)=>{s.take(y.byteOffset,y.length,p.byteOffset,_.byteOffset);let k=[];for(let N=0;N<y.length;N+=au){let v=Math.min(N+au,y.length),L=s.align(N,v,x);if(EA(y.subarray(N,v),p.subarray(N,v)))s.restore(N,v-N),SA(k,{bytes:v-N,from:Kr});else for(let[K,ee]of D6(b.subarray(0,2*L)))SA(k,{bytes:K,from:ee})}return{stretches:k,difference:p.subarray(0,y.length)}},"align")}}a(vA,"openAligner");function*D6(e){for(let t=0;t<e.length;t+=2)yield[e[t],e[t+1]]}a(D6,"pairs");function SA(e,{bytes:t,from:n}){let r=e.at(-1),s=r&&(r.from===Kr?Kr:r.from+r.bytes);r&&s===n?r.bytes+=t:e.push({bytes:t,from:n})}a(SA,"add");function IA(e,t){if(e===0)return[];if(t<=268435456)return[{fresh:{begin:0,end:e},old:{begin:0,end:t}}];let n=[];for(let r=0;r<e;r+=134217728){let s=Math.min(r+134217728,e),i=(r+s)/2*(t/e),o=Math.floor(Math.min(Math.max(0,i-268435456/2),t-268435456));n.push({fresh:{begin:r,end:s},old:{begin:o,end:o+268435456}})}return n}a(IA,"planParts");var U6=1<<20;async function*PA(e,t){let n=IA(e.bytes,t.bytes),[r]=n;if(!r)return;let s=await vA(r.old.end-r.old.begin),i=0;for(let o of n){let c=s.begin(o.old.begin),u=a(f=>c.subarray(f-o.old.begin,f-o.old.begin+U6),"oldBlock");for await(let{at:f,block:d}of CA(t,o.old,u))s.index(f-o.old.begin,f-o.old.begin+d.length);let l=a(f=>s.pieces[f/ko%2],"piece");for await(let{at:f,block:d}of CA(e,o.fresh,l)){let p=s.align(d,f),_=F6(p,i);i=_.end,yield Buffer.concat([_.bytes,p.difference])}}}a(PA,"deltaOf");async function*CA(e,{begin:t,end:n},r){let s=a(i=>{if(i>=n)return;let o=r(i).subarray(0,n-i),c=M6(e,i,o);return c.catch(()=>{}),{at:i,block:o,done:c}},"read");for(let i=s(t);i!==void 0;){let{at:o,block:c,done:u}=i;await u,i=s(o+c.length),yield{at:o,block:c}}}a(CA,"blocksOf");async function M6({handle:e},t,n){for(let r=0;r<n.length;){let{bytesRead:s}=await e.read(n,r,n.length-r,t+r);if(s===0)throw new Error("the file was shortened while it was being read");r+=s}}a(M6,"fill");function F6({stretches:e,difference:t},n){let r=Buffer.allocUnsafe(8+8*e.length);r.writeUInt32BE(e.length,0),r.writeUInt32BE(t.length,4);let s=n;for(let[i,{bytes:o,from:c}]of e.entries())r.writeInt32BE(o,8+8*i),r.writeInt32BE(c===Kr?Kr:c-s,12+8*i),c!==Kr&&(s=c+o);return{bytes:r,end:s}}a(F6,"headOf");var cu=require("node:child_process"),NA=require("node:events"),uu=require("node:stream"),TA=require("node:stream/promises"),Qh=_t(require("node:zlib"),1);var jh=256*1024;function RA(){return(0,cu.spawnSync)("zstd",["--version"],{stdio:"ignore"}).status===0?{zstd:"program"}:{zstd:OA().createZstdCompress?"node":void 0}}a(RA,"findCompressors");async function*Wh(e,{by:t,level:n,adapt:r,has:s}){let{stage:i,ended:o,stop:c}=t==="gzip"?H6():s.zstd==="program"?z6(n,r):K6(n),u=(0,TA.pipeline)(uu.Readable.from(e,{objectMode:!1,highWaterMark:jh}),i);u.catch(()=>{});try{for await(let l of i)yield l;await u,await o?.()}finally{i.destroy(),c?.()}}a(Wh,"compress");function H6(){return{stage:Qh.createGzip({level:1,chunkSize:jh})}}a(H6,"gzip");function z6(e,t){let n=t?[`--adapt=min=${e},max=12`]:[`-${e}`,"-B2M","--long=24"],r=(0,cu.spawn)("zstd",["-q","-c","-T0",...n],{stdio:["pipe","pipe","ignore"]}),s=(0,NA.once)(r,"close");s.catch(()=>{});let i=uu.Duplex.from({writable:r.stdin,readable:r.stdout});return r.once("error",o=>i.destroy(o)),{stage:i,stop:a(()=>r.kill(),"stop"),ended:a(async()=>{let[o]=await s;if(o!==0)throw new Error(`zstd exited with code ${o}`)},"ended")}}a(z6,"zstdProgram");function K6(e){let{createZstdCompress:t,constants:n}=OA();if(!t)throw new Error("this runner has no zstd");return{stage:t({chunkSize:jh,params:{[n.ZSTD_c_compressionLevel??100]:e}})}}a(K6,"zstdOfNode");function OA(){return Qh}a(OA,"zlibZstd");var So=require("node:crypto"),js=require("node:fs"),nt=require("node:fs/promises"),Gh=require("node:path");var q6={files:8,bytes:4*2**30},Q6=1<<20,j6=36e5,Zh=/^[0-9a-f]{64}$/,W6=/^\.new-/,Z6=/^note-/,G6=2160*36e5,Y6="forgejo-deploy-toolkit",V6=/^[0-9a-f]{32}$/;function BA(e,{serverUrl:t,repository:n}){let r=(0,So.createHash)("sha256").update(JSON.stringify([t,n])).digest("hex");return`${e}/${Y6}/${r.slice(0,32)}`}a(BA,"keptFolder");async function LA(e,t=q6){for(let n of[(0,Gh.dirname)(e),e])await X6(n);return{open:a(async n=>Zh.test(n)?J6(`${e}/${n}`,n):void 0,"open"),keep:a(async(n,r)=>{if(!Zh.test(r))throw new Error("its digest is not a sha256");await tO(`${e}/${r}`)||(await nO(n,{folder:e,sha256:r,most:t.bytes}),await rO(e,t))},"keep")}}a(LA,"openKept");async function X6(e){await(0,nt.mkdir)(e,{recursive:!0,mode:448});let t=await(0,nt.lstat)(e);if(!t.isDirectory())throw new Error(`${e} is not a folder`);if(t.uid!==process.getuid?.())throw new Error(`${e} belongs to another account`);(t.mode&511)!==448&&await(0,nt.chmod)(e,448)}a(X6,"makeOwn");async function J6(e,t){let n;try{n=await(0,nt.open)(e,js.constants.O_RDONLY|js.constants.O_NOFOLLOW|js.constants.O_NONBLOCK)}catch(s){s.code==="ELOOP"&&await(0,nt.rm)(e,{force:!0});return}let r=await n.stat();if(r.isFile()&&await eO(n)===t)return await(0,nt.utimes)(e,new Date,new Date).catch(()=>{}),{handle:n,bytes:r.size};await n.close(),await(0,nt.rm)(e,{force:!0,recursive:!0})}a(J6,"openProved");async function eO(e){let t=(0,So.createHash)("sha256"),n=Buffer.allocUnsafe(Q6);for(let r=0;;){let{bytesRead:s}=await e.read(n,0,n.length,r);if(s===0)return t.digest("hex");t.update(n.subarray(0,s)),r+=s}}a(eO,"digestOf");async function tO(e){try{return await(0,nt.utimes)(e,new Date,new Date),(await(0,nt.lstat)(e)).isFile()}catch{return!1}}a(tO,"touched");async function nO(e,t){let{size:n}=await(0,nt.lstat)(e),{bavail:r,bsize:s}=await(0,nt.statfs)(t.folder);if(n>t.most)throw new Error("it is too large to be kept");if(r*s<3*n)throw new Error(`too little room is left in ${t.folder}`);let i=`${t.folder}/.new-${(0,So.randomUUID)()}`;try{await(0,nt.copyFile)(e,i,js.constants.COPYFILE_EXCL|js.constants.COPYFILE_FICLONE),await(0,nt.chmod)(i,384),await(0,nt.rename)(i,`${t.folder}/${t.sha256}`)}finally{await(0,nt.rm)(i,{force:!0})}}a(nO,"copy");async function rO(e,t){let n=(0,Gh.dirname)(e),r=(await DA(n)).filter(d=>V6.test(d)).map(d=>`${n}/${d}`),s=(await Promise.all([...new Set([e,...r])].map(sO))).flat(),i=0,o=0,u=s.filter(({name:d})=>Zh.test(d)).sort((d,p)=>p.usedAt-d.usedAt).filter(d=>(i+=d.bytes,d.folder===e&&(o+=1),i>t.bytes||d.folder===e&&o>t.files)),l=[{names:W6,before:Date.now()-j6},{names:Z6,before:Date.now()-G6}],f=s.filter(({name:d,usedAt:p})=>l.some(({names:_,before:b})=>_.test(d)&&p<b));for(let d of[...u,...f])await(0,nt.rm)(`${d.folder}/${d.name}`,{force:!0,recursive:!0})}a(rO,"prune");async function sO(e){return Promise.all((await DA(e)).map(async t=>{let n=await(0,nt.lstat)(`${e}/${t}`).catch(()=>{});return{folder:e,name:t,usedAt:n?.mtimeMs??0,bytes:n?.size??0}}))}a(sO,"filesIn");async function DA(e){return(0,nt.readdir)(e).catch(()=>[])}a(DA,"namesIn");var lu=require("node:crypto"),Ar=require("node:fs/promises");async function UA(e,t){let n=await(0,Ar.readFile)(zA(e,t),"utf8").catch(()=>"{}");try{let{bytesPerSecond:r,roundTripMs:s,left:i,deltaBy:o}=JSON.parse(n);return{...typeof r=="number"&&r>0?{bytesPerSecond:r}:{},...typeof s=="number"&&s>0?{roundTripMs:s}:{},...Array.isArray(i)&&i.every(iO)?{left:i.slice(0,FA)}:{},...o==="zstd"||o==="gzip"?{deltaBy:o}:{}}}catch{return{}}}a(UA,"readNote");async function MA(e,t,n){let r=`${e}/.new-${(0,lu.randomUUID)()}`;try{await(0,Ar.writeFile)(r,JSON.stringify(n),{mode:384,flag:"wx"}),await(0,Ar.rename)(r,zA(e,t))}finally{await(0,Ar.rm)(r,{force:!0})}}a(MA,"writeNote");var FA=8;function HA(e,{left:t=[]}){return[e,...t.filter(n=>n!==e)].slice(0,FA)}a(HA,"leftWith");function iO(e){return typeof e=="string"&&/^[0-9a-f]{64}$/.test(e)}a(iO,"isDigest");function zA(e,t){return`${e}/note-${(0,lu.createHash)("sha256").update(t).digest("hex").slice(0,16)}`}a(zA,"noteFile");var KA=require("node:crypto"),vo=require("node:events"),fu=require("node:fs/promises");var qr=class extends Error{static{a(this,"PayloadError")}},oO=256*1024,aO=8*2**20,cO=64*2**20;function Yh(e){return{read:a(async function*(){try{yield*e()}catch(t){throw QA(t)}},"read"),[Symbol.asyncDispose]:async()=>{}}}a(Yh,"streamed");async function qA(e,t){let n=`${t}/.payload-${(0,KA.randomUUID)()}`,r=await(0,fu.open)(n,"wx+",384);await(0,fu.unlink)(n);let s=new vo.EventEmitter().setMaxListeners(0),i=0,o,c,l=a(async()=>{for await(let f of e()){for(;!c&&i-(o??0)>(o===void 0?cO:aO);)await(0,vo.once)(s,"taken");if(c)return;await r.write(f,0,f.length,i),i+=f.length,s.emit("written")}},"fill")().then(()=>({}),f=>({error:QA(f)})).then(f=>{c??=f,s.emit("written")});return{read:a(async function*(){for(let f=0;;){if(f===i){if(c?.error)throw c.error;if(c)return;await(0,vo.once)(s,"written");continue}let d=Buffer.allocUnsafe(Math.min(oO,i-f)),{bytesRead:p}=await r.read(d,0,d.length,f);f+=p,o=Math.max(o??0,f),s.emit("taken"),yield d.subarray(0,p)}},"read"),[Symbol.asyncDispose]:async()=>{c??={error:new qr("the step has finished")},s.emit("taken"),s.emit("written"),await l,await r.close()}}}a(qA,"spooled");function QA(e){return e instanceof qr?e:new qr(e instanceof Error?e.message:String(e),{cause:e})}a(QA,"payloadError");var uO=16384,lO=1e6,fO={zstd:.27,gzip:.31,"delta-zstd":.05,"delta-gzip":.08,plain:1},dO={zstd:3e8,gzip:7e7,"delta-zstd":15e7,"delta-gzip":7e7,plain:7e8},hO=4e8;function du(e){let{wanted:t,bytes:n,near:r,compressors:s,base:i,link:o}=e,c=a((y,x)=>({encoding:y,level:_O(y,o.bytesPerSecond),why:`${mO(y,i)}, ${x}`}),"plan"),[u]=s,l=pO(e);if(t==="plain")return c("plain","because transfer is plain");if(t==="auto"&&r)return c("plain","because the target is this machine");if(n<uO)return c("plain",`because ${Lt(n)} is too small to compress`);if(!u)return c("plain","because runner and target share neither zstd nor gzip");if(t==="compressed")return c(u,"because transfer is compressed");if(t==="delta")return l?c(u,`no delta, because ${l}`):c(`delta-${u}`,"because transfer is delta");let d=[...l?[]:[`delta-${u}`],u,"plain"].map(y=>({encoding:y,seconds:Vh(y,n,o)})),[p,..._]=d.sort((y,x)=>y.seconds-x.seconds),b=[p,..._].map(({encoding:y,seconds:x})=>`${gO(y)} ${x.toFixed(1)} s`),g=`${Lt(o.bytesPerSecond)}/s (${o.from})`;return c(p.encoding,`at ${g}: ${b.join(", ")}${l?`; no delta, because ${l}`:""}`)}a(du,"planTransfer");var jA={ofWhatIsLeft:.5,seconds:10};function WA(e,t,n){let{bytes:r,link:s}=t,i=Vh(e,r,s)-n/s.bytesPerSecond,o=du(t),c=i-Vh(o.encoding,r,s);return c>jA.seconds&&c>jA.ofWhatIsLeft*i?o:void 0}a(WA,"soonerWay");function Xh(e){return{bytesPerSecond:e<3?11e7:e<15?25e6:6e6,from:`assumed from a round trip of ${Math.round(e)} ms`}}a(Xh,"assumedLink");function pO({wanted:e,base:t,bytes:n}){return"lacks"in t?t.lacks:e==="auto"&&n<lO?`${Lt(n)} is too small for one`:void 0}a(pO,"deltaLacks");function Vh(e,t,n){return(e.startsWith("delta")?t/hO:0)+Math.max(t*fO[e]/n.bytesPerSecond,t/dO[e])}a(Vh,"secondsOf");function _O(e,t=0){return e.startsWith("delta")?t>6e7?1:t>5e6?3:t>1e6?7:12:t>3e7?1:t>1e7?3:t>4e6?6:9}a(_O,"levelFor");function mO(e,t){let[,n]=e.split("-");return n?`a delta against ${"sha256"in t?kn(t.sha256):"the present file"} with ${n}`:e==="plain"?"plain":`compressed with ${e}`}a(mO,"named");function gO(e){return e.startsWith("delta")?"delta":e==="plain"?"plain":"compressed"}a(gO,"plainName");var yO="measured last time",wO="measured on the first bytes",$O=5e7,ZA=256*1024;function e1({wanted:e,several:t},{env:n,log:r,run:s}){let i=n("RUNNER_TOOL_CACHE"),o=i&&BA(i,s),c=Jh(()=>o?LA(o):Promise.reject(new Error("RUNNER_TOOL_CACHE is not set"))),u=Jh(RA),l=new Map,f=new Map,d=[],p=a(y=>e==="delta"||e==="auto"&&!y,"deltaHelps"),_=a(y=>{let x=l.get(y)??bO(c,y);return l.set(y,x),x},"baseOf"),b=a((y,{encoding:x,level:k},N)=>{let v=x.startsWith("delta")&&"file"in N?N:void 0,L=`${x} ${v?.sha256??""}`,K=a(()=>EO(y,{encoding:x,level:k,base:v?.file,has:u()}),"make"),ee=f.get(L)??(x!=="plain"&&(t||v)?qA(K,n("RUNNER_TEMP")??(0,JA.tmpdir)()).catch(()=>Yh(K)):Promise.resolve(Yh(K)));return f.set(L,ee),ee},"payloadOf"),g=Jh(y=>c().then(x=>x.keep(y.path,y.sha256)).catch(x=>r.line(`Not kept for the next delta: ${x.message}.`)));return{to:a((y,x)=>{let k=o&&p(!1)?UA(o,y):Promise.resolve({}),N={},v,L=!1,K="nothing",ee=a(j=>{N.bytesPerSecond=Math.round(j)},"remember"),P=a(async j=>!o||(await k).left?.includes(j)?_(j):{lacks:"this runner did not deploy the target's present file"},"baseThere");return a(async()=>{let{left:[j]=[],deltaBy:G,roundTripMs:X,...pe}=await k,J=GA(pe)??(X&&Xh(X));if(!j||!G||!J)return;let[oe,_e]=await Promise.all([x,_(j)]);if(!oe||oe.sha256===j)return;let $e=du({wanted:e,bytes:oe.bytes,near:!1,compressors:[G],base:_e,link:J});$e.encoding.startsWith("delta")&&await b(oe,$e,_e)},"begin")().catch(()=>{}),{choose:a(async(j,G)=>{let X=v??GA(await k),pe=X??Xh(G.roundTripMs),J=G.near&&(!X||X.bytesPerSecond>$O);L=!J;let oe=p(J)?xO(j,G):"none was requested",{present:_e,tools:$e}=G,R=oe||"lacks"in _e?{lacks:oe??""}:await P(_e.sha256),U=e==="plain"||e==="auto"&&J?[]:YA(u(),$e);$e.has("perl")&&U[0]&&(N.deltaBy=U[0]),Number.isFinite(G.roundTripMs)&&(N.roundTripMs=G.roundTripMs);let D={wanted:e,bytes:j.bytes,near:J,compressors:U,base:R,link:pe},Q=du(D);K=AO(Q.encoding,G.near),p(J)&&d.push(g(j));let le=a((he,fe)=>{if(e!=="auto"||v||Q.encoding.startsWith("delta"))return!1;let at={...D,near:!1,compressors:YA(u(),$e)},bt={bytesPerSecond:fe,from:wO};return WA(Q.encoding,{...at,link:bt},he)?(v=bt,ee(fe),!0):!1},"isTooSlow");return{encoding:Q.encoding,why:Q.why,payload:await b(j,Q,R),isTooSlow:le}},"choose"),measured:a(async j=>{let{bytesPerSecond:G=Number.POSITIVE_INFINITY}=await k;!j||K==="nothing"||(K==="the rate"||j>G)&&ee(j)},"measured"),arrived:a((j,G)=>{if(!p(G&&!L))return;let X=a(async()=>{await g(j);let pe=await k;N={...pe,...N,left:HA(j.sha256,pe)},o&&await MA(o,y,N)},"note");d.push(X().catch(()=>{}))},"arrived")}},"to"),[Symbol.asyncDispose]:async()=>{await Promise.all(d);for(let y of await Promise.allSettled(f.values()))y.status==="fulfilled"&&await y.value[Symbol.asyncDispose]();for(let y of await Promise.all(l.values()))"file"in y&&await y.file.handle.close()}}}a(e1,"openTransfers");function Jh(e){let t;return(...n)=>(t??={value:e(...n)},t.value)}a(Jh,"once");async function bO(e,t){try{let n=await(await e()).open(t);return n?n.bytes<=2147483647?{sha256:t,file:n}:(await n.handle.close(),{lacks:"the files are too large for one"}):{lacks:"this runner did not keep the target's present file"}}catch(n){return{lacks:`this runner keeps no files: ${n.message}`}}}a(bO,"openBase");function GA({bytesPerSecond:e}){return e?{bytesPerSecond:e,from:yO}:void 0}a(GA,"rememberedLink");function AO(e,t){return e==="plain"?"the rate":t?"nothing":e.startsWith("delta")?"a higher rate":"the rate"}a(AO,"tellsOf");function xO({bytes:e},{tools:t,present:n}){return"lacks"in n?n.lacks:t.has("perl")?e>2147483647?"the files are too large for one":void 0:"the target has no perl"}a(xO,"deltaLacks");function YA({zstd:e},t){return[...e&&t.has("zstd")?["zstd"]:[],...t.has("gzip")?["gzip"]:[]]}a(YA,"inCommon");async function*EO(e,t){let{encoding:n,level:r,base:s,has:i}=t;if(n==="plain"){yield*(0,ep.createReadStream)(e.path,{highWaterMark:ZA});return}let o=n.endsWith("zstd")?"zstd":"gzip";if(!s){let u=(0,ep.createReadStream)(e.path,{highWaterMark:ZA});yield*Wh(u,{by:o,level:r,adapt:!0,has:i});return}let c=await(0,XA.open)(e.path);try{yield*Wh(PA({handle:c,bytes:e.bytes},s),{by:o,level:r,adapt:!1,has:i})}finally{await c.close()}}a(EO,"encode");function Qr(e){return rs.findLast(t=>e.includes(t))??"unchanged"}a(Qr,"worst");function t1(e,t){let n=e.map(()=>"untouched"),r=new Map,s=a(async()=>{t.save("begun",r.size===0?"":JSON.stringify([...r.values()])),await t.outputs({state:Qr(n)})},"write");return e.map((i,o)=>{let c;return{begin:a(async u=>{c={...i,...u},r.set(i,c),n[o]="unknown",await s()},"begin"),begun:a(()=>c,"begun"),end:a(async u=>{u!=="unknown"&&r.delete(i),n[o]=u,await s()},"end")}})}a(t1,"openBook");function n1(e){let t=[];e.tools.has("/proc")||t.push({why:"the target has no `/proc`, so its processes cannot be seen.",remedy:"mount it on the target: `mount -t proc proc /proc`."});for(let n of["flock","setsid","sha256sum","stat","timeout"])e.tools.has(n)||t.push({why:`the target has no \`${n}\`.`,remedy:"install util-linux and coreutils, or busybox, on the target."});if(e.sudoError!==void 0){let n=e.sudoRemedy||`give ${e.login} passwordless sudo on the target`;t.push({why:`root is needed, because ${e.needsRoot}, and ${e.sudoError}`,remedy:e.unitRemedy?`${n}; or, to allow no more than a restart of the unit, ${e.unitRemedy}.`:`${n}; or log in as the account that owns the file.`})}for(let{command:n,remedy:r}of e.commandsRefused)t.push({why:`${e.login} may not run \`${n}\` by sudo.`,remedy:`${r}.`});return e.stateRefused&&t.push({why:`${e.stateRefused}.`,remedy:"deploy with the account that owns it, or move it away (its kept releases go with it)."}),t}a(n1,"hostObstacles");function r1({unfinished:e},t){return{why:e?`an earlier deploy (${e.run}) is unfinished, and recovering it failed.`:`the target changed each of the ${t} times it was inspected, before the lock was held.`,remedy:"find out what else changes the file or its state folder, and check the disk; then re-run the job."}}a(r1,"restless");function s1(e){return{why:`the target runs ${e}; only Linux is supported.`,remedy:"deploy to a Linux target: processes are identified through its `/proc`."}}a(s1,"otherKernel");var I1=require("node:crypto");var np=require("node:events");var rp=class extends Error{static{a(this,"StallError")}},tp=2*2**20,kO=50,SO=.5,vO=500;async function i1(e,t,{stallSeconds:n,onProgress:r}){let s=new AbortController,i=new AbortController,o,c=a(b=>{o??=b??new Error("the session was closed"),i.abort()},"fail");t.on("error",c).on("close",c);let u,l=a(()=>{clearTimeout(u),u=setTimeout(()=>s.abort(),n*1e3)},"moved"),f=AbortSignal.any([s.signal,i.signal]),d=e[Symbol.asyncIterator](),p=0,_=CO();l();try{for(;;){clearTimeout(u);let{value:y,done:x}=await IO(d.next(),f);if(l(),x)break;if(p+=y.length,!t.write(y)){let k=performance.now();await(0,np.once)(t,"drain",{signal:f}),_.add(p,performance.now()-k)}l(),r?.(p,_.rate(vO))}let b=performance.now(),g=(0,np.once)(t,"finish",{signal:f});return t.end(),await g,_.add(p,performance.now()-b),{bytes:p,bytesPerSecond:_.rate(kO)}}catch(b){throw s.signal.aborted?new rp(`no data was transferred for ${n} s`):o??b}finally{clearTimeout(u),d.return?.().catch(()=>{}),t.off("error",c).off("close",c)}}a(i1,"upload");function IO(e,t){return new Promise((n,r)=>{let s=a(()=>r(t.reason),"abort");t.aborted&&s(),t.addEventListener("abort",s,{once:!0}),e.then(n,r).finally(()=>t.removeEventListener("abort",s))})}a(IO,"unlessAborted");function CO(){let e={bytes:tp,at:performance.now(),waitedMs:0},[t,n]=[];return{add:a((r,s)=>{n={bytes:r,at:performance.now(),waitedMs:(n?.waitedMs??0)+s},t??=n},"add"),rate:a(r=>{if(!t||!n||n.bytes<=tp)return;let s=n.bytes-t.bytes<tp?e:t,[i,o]=[n.waitedMs-s.waitedMs,n.at-s.at];if(!(i<r||i<SO*o))return(n.bytes-s.bytes)/o*1e3},"rate")}}a(CO,"openMarks");var o1=`use strict;
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
close STDOUT or die "the new file can't be written: $!\\n";`;var a1=`prelude() {
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
su) user_words='su -s /bin/sh' ;;
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
keep_reserve() {
head -c 65536 /dev/urandom >reserve && sync reserve
} 2>/dev/null
free_reserve() {
rm -f reserve
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
journal_open() {
journal_is_open=
journal_error=$( (journal_lines >journal.new && sync journal.new && mv -f journal.new journal && sync .) 2>&1) ||
{ refused="the journal could not be written: \${journal_error##*: }"; return 1; }
journal_is_open=yes
}
JOURNAL_KEYS='release release_part release_parts release_folder release_name members'
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
enter_own() {
if [ -n "$in_release" ] && [ "$in_part" != 1 ]; then join_release || return 1; fi
enter_folder "$in_folder" && enter_state create || return 1
if [ -n "$in_release" ] && [ "$in_part" = 1 ]; then make_release || return 1; fi
[ -z "$in_release" ] || join_as_member
}
make_release() {
refused="the release folder could not be made in $PWD$(room_left)"
mkdir -m 700 "release.$in_release" && sync "release.$in_release" . && hold_release && [ -n "$release_is_open" ]
} 2>/dev/null
hold_release() {
hold_from=$PWD
[ ! -L "./release.$in_release" ] && cd -P "./release.$in_release" 2>/dev/null || return 1
if [ "$PWD" = "$hold_from/release.$in_release" ] && [ "$(stat -c '%u %a' .)" = "$me 700" ]; then
exec 8<.
release_is_open=yes
fi
cd -P .. || return 1
}
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
enter_release() {
enter_own_name=$in_name
in_name=$in_first_name
if enter_folder "$in_first_folder" && enter_state; then hold_release || :; fi
in_name=$enter_own_name
[ -n "$release_is_open" ]
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
sync "$release_at/commit.$in_part" "$release_at/abort.$in_part" "$release_at/."
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
user_limit=100
owner_of "\${1%/*}/." && as_user "$owner_uid" cat -- "$1"
user_limit=10
fi 2>/dev/null
}
find_nofollow() {
[ -z "\${nofollow:-}" ] || return 0
nofollow=no
! limited 5 dd if=/dev/null iflag=nofollow,nonblock count=0 2>/dev/null || nofollow=yes
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
stable_until=$((now_cs + in_stable_cs))
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
old_words=$(zero_words "/proc/$1/cmdline" 1d)
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
[ "$restart" = none ] || prove_stable
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
if process_running "$pid"; then return 1; fi
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
}
prove_stable() {
if [ "$restart" = systemd ]; then
prove_units_stable
return
fi
stable_pid=$pid
[ -z "$pid" ] || process_start "$pid"
stable_start=\${process_start:-}
uptime_cs
stable_until=$((now_cs + in_stable_cs))
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
finish active
}
keep_committed() {
failed=
refused=
journal accept || :
part_accept
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
PART_KEYS='new_sha new_live new_image old_sha old_about old_live old_image was_running old_remembered old_words old_dir old_user old_uid old_log old_umask run_relative limit_words limit_soft limit_hard accounts restart unit unit_user units restarted_units left_units dependents watched_units world'
part_seen() {
file_identity "../$in_name"
printf '%s\\n' "\${file_identity:-none}"
}
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
new_sha=$in_sha256
old_sha=$in_old_sha
old_about=$in_old_about
new_live=$in_workflow$newline$in_run_number$newline$in_run
live_of_old
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
pid='' image_pid=''
trusted=$in_accounts
run_uid=$in_run_uid
old_image='' new_image='' back_image='' live_image='' last_image=''
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
if ! live_is_old && ! restore_old; then
refused="the previous release $old_sha could not be restored: $refused"
return 1
fi
rm -f restored
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
part_is_new() {
live_is "$new_sha"
}
part_resume() {
live_image=$new_image
command_pid=
mark_start
[ "$restart" != systemd ] || choose_units
find_forked || start_it || :
[ -z "$refused" ] && prove '' && remember_live "$new_sha" "$new_live"
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
recover) exec 3<&- ;;
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
main`;var c1=`prelude() {
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
is_number() {
case $1 in
'' | *[!0-9]* | 0?* | ????????????????*) return 1 ;;
esac
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
allowing "$systemctl_path" "stop $1"
remedy_lines=$allowing
allowing "$systemctl_path" "start $1"
remedy_lines="$remedy_lines and: \${allowing#*: }"
printf '%s; then set restart: command, stop-command: %s, start-command: %s' "$remedy_lines" \\
"$allowing_tool -n $systemctl_path stop $unit_word" "$allowing_tool -n $systemctl_path start $unit_word"
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
for refused_command in "$in_stop_command" "$in_start_command"; do
case $refused_command in
*[!A-Za-z0-9' '_./@:,+%=-]*) continue ;;
'sudo -n '*) ;;
*) continue ;;
esac
sudo_words=\${refused_command#sudo -n }
sudo_words=\${sudo_words#-- }
case $sudo_words in -*) continue ;; esac
! limited 5 sudo -n -l -- $sudo_words >/dev/null 2>&1 || continue
say command_refused "$sudo_words"
sudo_program=$(command -v "\${sudo_words%% *}") || sudo_program=\${sudo_words%% *}
case $sudo_words in *' '*) allowing "$sudo_program" "\${sudo_words#* }" ;; *) allowing "$sudo_program" '' ;; esac
say command_remedy "$allowing"
done
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
su) user_words='su -s /bin/sh' ;;
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
state_lines head -n 8 journal | while IFS= read -r state_line; do
state_value=\${state_line#*=}
case $state_line in
transaction=*) say unfinished_run "$state_value" ;;
id=*) say unfinished_id "$state_value" ;;
release=?*) say unfinished_release "$state_value" ;;
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
case $world_role in trigger | wanted) ;; *) follow_unit ;; esac
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
supervisor_of() {
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
digest() {
if command -v openssl >/dev/null; then
digest_line=$(openssl dgst -sha256 -r 2>/dev/null) || digest_line=
else
digest_line=$(sha256sum)
fi
printf '%s\\n' "\${digest_line%% *}"
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
read_regular() {
find_nofollow
if [ "$me" != 0 ]; then
limited 100 cat -- "$1"
elif [ "$nofollow" = yes ]; then
limited 100 dd "if=$1" iflag=nofollow,nonblock bs=262144
else
user_limit=100
owner_of "\${1%/*}/." && as_user "$owner_uid" cat -- "$1"
user_limit=10
fi 2>/dev/null
}
find_nofollow() {
[ -z "\${nofollow:-}" ] || return 0
nofollow=no
! limited 5 dd if=/dev/null iflag=nofollow,nonblock count=0 2>/dev/null || nofollow=yes
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
look_at_tools() {
[ ! -e /proc/self/stat ] || say tool /proc
for tool in zstd gzip perl flock setsid sha256sum stat timeout; do
! command -v "$tool" >/dev/null || say tool "$tool"
done
[ -z "$in_interpreter" ] || [ ! -e "$in_interpreter" ] || say interpreter yes
}
look_at_accounts() {
for account in \${in_owner:+"\${in_owner%%:*}"} \${in_run_as:+"$in_run_as"}; do
exists passwd "$account" || say missing_user "$account"
done
case $in_owner in
*:*) exists group "\${in_owner#*:}" || say missing_group "\${in_owner#*:}" ;;
esac
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
found_left=10
for found_pid in $strangers; do
[ "$found_left" -gt 0 ] || break
found_left=$((found_left - 1))
process_uid "$found_pid" || continue
account_name "$process_uid"
say stranger "pid=$found_pid uid=$process_uid user=$account_name"
done
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
look_at_process() {
found_same=yes
found_words=$(zero_words "/proc/$1/cmdline" 1d)
[ "\${found_words% }" = "$in_args" ] || found_same=args
[ "/proc/$1/cwd" -ef "$in_working_directory" ] || found_same=folder
same_environment "$1" || found_same=environment
found_live=no
! executes "$1" "$live_image" || found_live=yes
process_start "$1" && process_uid "$1" || return 0
found_worker=no
case " $running " in *" $process_parent "*) found_worker=yes ;; esac
account_name "$process_uid"
supervisor_of "$1" || supervisor_pid=
say process "pid=$1 uid=$process_uid worker=$found_worker live=$found_live same=$found_same supervisor=$supervisor supervisor_pid=$supervisor_pid user=$account_name"
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
newest_releases | while read -r state_sha; do say release "$state_sha"; done
[ ! -f ended ] || tail -n 20 ended | while IFS= read -r state_line; do say ended "$state_line"; done
[ ! -f history ] || tail -n 5 history | while IFS= read -r state_line; do say history "$state_line"; done
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
main`;var u1=["yes","args","folder","environment"];function l1(e){let t=e.texts("command_remedy");return{needsRoot:e.text("needs_root"),sudoError:e.has("sudo_error")?e.quote("sudo_error")??"":void 0,sudoRemedy:e.text("sudo_remedy"),unitRemedy:e.text("unit_remedy"),rootTool:e.oneOf("root_tool",["sudo","doas"])??"sudo",commandsRefused:e.texts("command_refused").map((n,r)=>({command:n,remedy:t[r]??""}))}}a(l1,"toRights");var RO=["program","trigger","dependent","wanted"],OO=["exact","mention","script","last","no"];function f1(e){return e.records("unit").map(BO)}a(f1,"foundUnits");function d1(e){return e.records("other_user_unit").map(t=>({pid:t.pid("pid")??0,uid:t.numbers("uid"),unit:h1(t,"unit")}))}a(d1,"otherUserUnits");function BO(e){let t=a(n=>e.text(n)??"","word");return{name:h1(e,"name"),role:e.oneOf("role",RO)??"program",user:t("user"),names:Io(e,"names"),load:t("load"),active:t("active"),sub:t("sub"),enabled:t("enabled"),type:t("type"),account:t("account"),remain:e.yes("remain"),transient:e.yes("transient"),reload:e.yes("reload"),accept:e.yes("accept"),command:e.oneOf("command",OO)??"no",pids:e.has("pids")?p1(t("pids")).filter(n=>DO.test(n)).map(Number):[],triggers:Io(e,"triggers"),dependents:Io(e,"dependents"),wants:Io(e,"wants"),startRefused:e.yes("start_refused"),stopRefused:e.yes("stop_refused")}}a(BO,"toUnit");var LO=/^[A-Za-z0-9:_.@\\-]{1,255}$/,DO=/^[1-9][0-9]{0,9}$/;function h1(e,t){let[n=""]=Io(e,t);return n}a(h1,"unitName");function Io(e,t){return p1(e.text(t)??"").filter(n=>LO.test(n))}a(Io,"unitNames");function p1(e){return e.split(",").filter(t=>t!=="")}a(p1,"listed");function Vt({type:e,remain:t}){return e==="oneshot"&&!t}a(Vt,"isJob");function Ln({active:e}){return e!==""&&e!=="inactive"&&e!=="failed"}a(Ln,"isActive");function hu(e){return e.active!=="inactive"||e.enabled==="enabled"}a(hu,"isMeant");var UO=120;async function Ws(e,t,n,{another:r=!t.dryRun}={}){let s={what:"Inspecting the target",state:"untouched. Inspection changes nothing."},i=Jn(t.environment,t.health),o=await Rs(e,{text:c1,values:MO(t,n)},{...s,clean:i,sudo:!1,limitSeconds:UO,another:r});if(!o.complete)throw K0(e,s,o);return FO(o.answer,t)}a(Ws,"inspect");function MO(e,t){return{folder:e.folder,name:e.name,sudo:e.sudo,owner:e.owner,run_as:e.runAs,capabilities:e.capabilities,restart:e.restart,stop_command:e.stopCommand,start_command:e.startCommand,service:e.service&&zr(e.service.replace(/^user:/,"")),service_is_user:e.service?.startsWith("user:")?"yes":"",interpreter:t?.elf?.interpreter,args:Co(e.args),environment:Co(e.environment),working_directory:e.workingDirectory??e.folder,log_file:e.logFile,sha256:t?.sha256??e.rollbackTo,...sp(e)}}a(MO,"inspectValues");function sp({health:e}){let t=e.url?new URL(e.url):void 0,n=t&&/^(localhost|127\.[\d.]+|\[::1\])$/.test(t.hostname);return{health_url:e.url,...a_(e.url,e.headers),health_url_port:n?t.port||(t.protocol==="https:"?"443":"80"):void 0,health_status:e.status,health_contains:e.contains,health_port:e.port,health_command:e.command}}a(sp,"healthValues");function Co(e){return e.map(fi).join(" ")}a(Co,"words");function FO(e,t){let n=e.text("login")??"",r=e.number("uid")===0;return{otherKernel:e.text("kernel"),login:n,asRoot:r,sudo:r&&n!==e.text("user"),...l1(e),machine:e.text("machine")??"",tools:new Set(e.texts("tool")),interpreterExists:e.yes("interpreter"),wantedOwner:e.text("wanted_owner"),wantedIds:e.text("wanted_ids"),loginIds:e.text("login_ids")??"",wantedRunAs:e.text("wanted_run_as"),missingUsers:[...new Set(e.texts("missing_user"))],missingGroup:e.text("missing_group"),accounts:e.numbers("accounts"),runUid:e.numbers("run_uid"),lastRunAs:e.verbatim("last_run_as")??"",lastRunUid:e.numbers("last_run_uid"),processes:e.records("process").flatMap(s=>QO(s)??[]),strangers:e.records("stranger").flatMap(s=>m1(s)??[]),contained:e.pids("contained"),maybe:e.pids("maybe"),otherNames:e.number("other_names")??0,isMountPoint:e.yes("mount_point"),siblings:e.records("sibling").map(s=>({pid:s.pid("pid")??0,path:s.text("path")??""})),unseen:e.pids("unseen"),sessionKills:e.yes("session_kills"),lingers:e.yes("lingers"),folderRefused:e.text("folder_refused"),folder:jO(e),openFolder:_1(e.text("open_folder"),e.text("open_to")),openLog:_1(e.text("open_log"),e.text("open_log_to")),freeBytes:WO(e),freeInodes:e.number("free_inodes"),immutable:e.texts("immutable"),file:ZO(e),fileProblem:YO(e,t.destination),seen:e.verbatim("seen")??"",stateRefused:e.text("state_refused"),unfinished:GO(e),locked:e.has("locked")?e.text("locked")??"an unknown run":void 0,live:e.has("live_workflow")?{workflow:e.text("live_workflow")??"",runNumber:e.number("live_run_number")??0,run:e.text("live_run")??""}:void 0,releases:e.parts("release",zO,"a sha256").map(([s=""])=>({sha256:s})),ended:e.parts("ended",KO,"the end of a transaction").map(qO),history:e.texts("history"),units:f1(e),otherUserUnits:d1(e),userManager:e.text("user_manager")!=="none",runAsLingers:e.yes("run_as_lingers"),serviceError:e.has("service_error")?e.quote("service_error")??"":void 0,httpClient:e.has("http_client")?e.text("http_client")??"":void 0,healthUntrusted:e.has("health_untrusted")?e.quote("health_untrusted")??"":void 0,health:e.quote("health"),portHolder:e.text("port_holder")==="unknown"?"unknown":e.pids("port_holder")||void 0,logProblem:VO(e),logForeign:e.yes("log_foreign"),notes:e.texts("note"),directoryClosed:e.yes("directory_closed")}}a(FO,"toFound");var HO=100,zO=/^([0-9a-f]{64})$/,KO=/^([0-9a-f-]{1,64}) ([a-z-]{1,20}) ([0-9]{0,10}|-) (.*)$/s;function qO([e="",t="",n="",r=""]){return{id:e,state:t,pid:n==="-"?"":n,run:Et(r)}}a(qO,"toEnd");function m1(e){let t=e.pid("pid");if(t!==void 0)return{pid:t,uid:e.numbers("uid"),user:e.text("user")??""}}a(m1,"toExecutor");function QO(e){let t=m1(e);if(t)return{...t,worker:e.yes("worker"),live:e.yes("live"),same:e.oneOf("same",u1)??"args",supervisor:e.text("supervisor")??"",supervisorPid:e.pid("supervisor_pid")??0}}a(QO,"toProcess");function jO(e){let t=e.text("folder");if(t!==void 0)return{path:t,owner:e.text("folder_owner")??"",mode:e.text("folder_mode")??"",writable:e.yes("folder_writable"),mount:e.text("mount")??"",options:(e.text("mount_options")??"").split(",")}}a(jO,"toFolder");function _1(e,t=""){return e===void 0?void 0:{path:e==="/"?e:e.replace(/\/$/,""),to:t}}a(_1,"toOpenFolder");function WO(e){let[[t="0"]=[]]=e.parts("free_kb",/^(-?[0-9]{1,15}|-)$/,"an amount of free space");return t==="-"?Number.POSITIVE_INFINITY:Math.max(0,Number(t))*1024}a(WO,"toFreeBytes");function ZO(e){let t=e.number("file_bytes");if(t!==void 0)return{owner:e.text("file_owner")??"",ids:e.text("file_ids")??"",mode:(e.text("file_mode")??"").padStart(4,"0"),bytes:t,sha256:e.digest("file_sha256")??"",capabilities:e.text("file_capabilities")??""}}a(ZO,"toFile");function GO(e){let t=e.text("unfinished");if(t!==void 0)return{phase:t,run:e.text("unfinished_run")??"an unknown run",id:e.text("unfinished_id")??"",release:e.text("unfinished_release")??"",members:(e.verbatim("unfinished_members")??"").split(`
`).filter(Xn).slice(0,HO)}}a(GO,"toUnfinished");function YO(e,t){let n=e.text("file_link"),r=e.text("file_odd");if(n!==void 0)return`${t} is a symbolic link to ${n}`;if(e.yes("file_folder"))return`${t} is a folder`;if(r!==void 0)return`${t} is a ${r}`;if(e.yes("file_unreadable"))return`${t} can't be read by this account`}a(YO,"fileProblem");function VO(e){let t=e.text("log_folder_missing"),n=e.text("log_unwritable");if(t!==void 0)return`the folder ${t} of the log file does not exist`;let r=e.text("log_is_odd");if(e.yes("log_is_folder"))return"the log file is a folder";if(r!==void 0)return`the log file is not a regular file (${r}), so the program could block on it or fill it`;if(n!==void 0)return`the account that the program runs as can't write to ${n}`}a(VO,"logProblem");function g1(e,t){let n=e.missingUsers.map(s=>({why:`there is no user ${s} on the target.`,remedy:"create it on the target, or correct `owner` and `run-as`."}));return e.missingGroup&&n.push({why:`there is no group ${e.missingGroup} on the target.`,remedy:"create it on the target, or correct `owner`."}),t.restart!=="process"||n.length>0||(!(e.asRoot||t.runAs===e.login)&&e.sudoError===void 0&&n.push({why:`${e.login} can't start a program as ${t.runAs}.`,remedy:"allow sudo, or log in as that account."}),XO(e,t)&&n.push(...JO(e,t))),n}a(g1,"accountObstacles");function XO({runUid:e},{runAs:t}){return e==="0"||ip(t)}a(XO,"isRoot");function JO(e,t){let n=[],r=w1(e),s=eB(t);return r&&n.push({why:`root would run a file from ${r.path}, which ${r.to} can replace.`,remedy:"set `run-as` to the service account, or make root the owner of the folder."}),s&&n.push({why:`root would run a file that ${s} can change.`,remedy:"set `run-as` to the service account, or make the file writable by root only (`owner`, `mode`)."}),e.openLog&&n.push({why:`root would write to a log in ${e.openLog.path}, where ${e.openLog.to} can link it to another file.`,remedy:"set `run-as` to the service account, or choose a `log-file` in a folder that only root can change."}),n}a(JO,"rootObstacles");function y1(e){let t=e.lastRunUid!=="0"||!w1(e)&&e.file?.ids.split(":")[0]==="0";return{last_run_as:t?e.lastRunAs:"",last_run_uid:t?e.lastRunUid:""}}a(y1,"lastAccount");function w1({folder:e,openFolder:t}){return t||(e&&!ip(e.owner)?{path:e.path,to:e.owner}:void 0)}a(w1,"openTo");function eB({owner:e,ownerIds:t,mode:n}){let[r="",s=""]=e.split(":"),[i,o]=t.split(":"),c=Number.parseInt(n,8);return i!=="0"&&!ip(r)?r:c&2?"everybody":c&16&&o!=="0"?`the group ${s||o}`:void 0}a(eB,"whoChanges");function ip(e){return["root","0"].includes(e)}a(ip,"isRootsName");function b1(e,t,n){return[...tB(e,t,n),...nB(e,t,n),...oB(e,t),...aB(e,n.plan)]}a(b1,"unitObstacles");function tB(e,t,{plan:n,runAs:r}){let s=[],i=e.service&&zr(e.service.replace(/^user:/,""));t.serviceError!==void 0&&s.push({why:`systemd could not be queried for ${i??"the units of the file"}: ${t.serviceError}.`,remedy:"check that systemd runs on the target, and the user manager for a user unit."});let o=e.service?.startsWith("user:")||n.user!=="";return o&&!t.userManager?s.push({why:`no user manager of ${r} is running, so the unit ${i??n.unit} can't be managed.`,remedy:`run \`loginctl enable-linger ${r}\` on the target once, or set \`run-as\` to the account of the unit.`}):o&&!t.runAsLingers&&s.push({why:`the user units of ${r} stop when its last login ends, because lingering is not enabled.`,remedy:`run \`loginctl enable-linger ${r}\` on the target once.`}),s}a(tB,"managerObstacles");function nB(e,t,{plan:n,named:r}){let{restart:s,service:i}=e,o=[],c=t.units.filter(({role:p,pids:_})=>p==="program"&&_.length>0),u=t.processes.filter(({pid:p})=>!c.some(({pids:_})=>_.includes(p)));i&&t.serviceError===void 0&&!(i.startsWith("user:")&&!t.userManager)&&o.push(...rB(zr(i.replace(/^user:/,"")),r,c)),s==="systemd"&&!n.unit&&!i&&o.push({why:"no unit runs the file or has it as its command, so the unit is unknown.",remedy:"set `service` to the name of the unit."});let l=c.filter(({user:p})=>p!==n.user);n.unit&&l.length>0&&o.push({why:`${l.map(({name:p})=>p).join(", ")} also runs the file, under a different manager than ${n.unit}.`,remedy:"stop one of them, so that one manager runs the file."});for(let{pid:p,uid:_,unit:b}of t.otherUserUnits)o.push({why:`pid ${p} runs the file as the user unit ${b} of account ${_}, which this deploy does not manage.`,remedy:"set `run-as` to that account and `service` to user:NAME, or stop that unit."});(s==="process"||s==="none")&&o.push(...sB(s,c));let[f,d]=n.units;return!i&&f&&d&&!$1(f)&&!$1(d)?o.push({why:`${n.units.map(({name:p})=>p).join(", ")} have the file as their command, and none of them is active.`,remedy:"set `service` to the name of the unit to start."}):!i&&n.unit&&u.length>0&&c.length===0&&[...n.units,...n.restarted].some(hu)&&o.push({why:`pid ${u.map(({pid:p})=>p).join(", ")} runs the file outside its unit ${n.unit}, which is ${f?.active??"not active"}.`,remedy:"stop that process and start the unit, or set `restart: process` to leave the unit out."}),o}a(nB,"choiceObstacles");function $1(e){return Ln(e)||e.pids.length>0}a($1,"isRun");function rB(e,t,n){if(t?.load!=="loaded"){let s=t?.load??"not-found";return[{why:`the unit ${e} is ${s}.`,remedy:s==="masked"?`run \`systemctl unmask ${e}\` on the target, or correct \`service\`.`:"install and load the unit first (`systemctl daemon-reload`), or correct `service`."}]}if(t.pids.length>0||t.command!=="no"||n.length===0)return[];let r=n.map(({name:s})=>s).join(", ");return[{why:`service names ${t.name}, but the file is run by ${r}.`,remedy:`set \`service\` to ${n[0]?.name}, or leave it out.`}]}a(rB,"namedObstacles");function sB(e,t){let n=t.filter(r=>!Vt(r));return n.length===0||e==="none"?[]:[{why:`restart is ${e}, but pid ${n.flatMap(({pids:r})=>r).join(", ")} belongs to the unit ${n.map(({name:r})=>r).join(", ")}.`,remedy:"set `restart: auto`, so that the unit is restarted; or stop and disable the unit first."}]}a(sB,"takenAway");var iB={supervisord:a(e=>`stop-command: supervisorctl stop ${e}, start-command: supervisorctl start ${e}`,"supervisord"),pm2:a(e=>`stop-command: pm2 stop ${e}, start-command: pm2 start ${e}`,"pm2"),runsv:a(e=>`stop-command: sv stop ${e}, start-command: sv start ${e}`,"runsv"),"s6-supervise":a(e=>`stop-command: s6-svc -d /run/service/${e}, start-command: s6-svc -u /run/service/${e}`,"s6-supervise"),supervise:a(e=>`stop-command: svc -d /service/${e}, start-command: svc -u /service/${e}`,"supervise"),monit:a(e=>`stop-command: monit stop ${e}, start-command: monit start ${e}`,"monit"),circusd:a(e=>`stop-command: circusctl stop ${e}, start-command: circusctl start ${e}`,"circusd")};function oB(e,t){if(e.restart==="command")return[];let n=t.processes.find(({supervisor:i})=>i!=="");if(!n)return[];let r=t.units.find(({pids:i})=>i.includes(n.pid)),s=iB[n.supervisor]?.(e.name)??"its stop and start commands";return[{why:`pid ${n.pid} is kept running by ${n.supervisor} (pid ${n.supervisorPid})${r?`, the unit ${r.name}`:""}.`,remedy:`set \`restart: command\` with ${s} (use the name that ${n.supervisor} has for it).`}]}a(oB,"supervisorObstacles");function aB(e,t){let n=[];for(let o of[...t.units,...t.restarted])o.transient&&n.push({why:`the unit ${o.name} is transient (systemd-run): once stopped, it can't be started again.`,remedy:"write a unit file for the program, or stop the unit and set `restart: process`."}),(o.startRefused||o.stopRefused)&&n.push({why:`the unit ${o.name} refuses to be ${o.startRefused?"started":"stopped"} by hand.`,remedy:`remove RefuseManual${o.startRefused?"Start":"Stop"}= from it, or set \`service\` to the unit that controls it.`});e.strategy==="in-place"&&t.restarted.length>0&&n.push({why:`${t.restarted.map(({name:o})=>o).join(", ")} can be started at any moment by what triggers it, so the path must never be empty.`,remedy:"set `strategy: staged`."});let r=t.left.find(o=>!Vt(o));r&&t.units.length+t.restarted.length===0&&e.health.port!==void 0&&n.push({why:`the unit ${r.name} runs only when its socket, timer or path starts it, so no process listens on port ${e.health.port}.`,remedy:"use `health-url`, whose request starts it, or leave out `health-port`."});let[s]=t.left.filter(Vt),i=e.health.url??e.health.port??e.health.command;return s&&t.units.length+t.restarted.length===0&&i!==void 0&&n.push({why:`the unit ${s.name} is a job that ends, so it cannot be health-checked.`,remedy:"leave out `health-url`, `health-port` and `health-command`: only the file is replaced."}),n}a(aB,"stateObstacles");var cB={unit:"",user:"",because:"",units:[],restarted:[],left:[],dependents:[],triggers:[],wanted:[],notes:[],obstacles:[]};function x1(e,t,n){let r=e.service?uB(e.service,t.units):void 0,s=e.restart==="auto"||e.restart==="systemd"?lB(t,r):[],[i]=s,o=i?.user??(e.service?.startsWith("user:")?n:""),c=t.units.filter(_=>_.user===o),u=s.filter(_=>Vt(_)||dB(_,c)),l=s.filter(_=>!u.includes(_)),f=l.filter(_=>hB(_,c)),d=l.filter(_=>!f.includes(_)),p={...cB,unit:i?.name??"",user:o,because:i?pB(e,i):"",units:d,restarted:f.filter(_=>Ln(_)||_.pids.length>0),left:[...u,...f.filter(_=>!Ln(_)&&_.pids.length===0)],dependents:fB(l,c),triggers:c.filter(_=>_.role==="trigger"),wanted:c.filter(_=>_.role==="wanted")};return{...p,notes:_B(e,p),obstacles:b1(e,t,{plan:p,named:r,runAs:n})}}a(x1,"planUnits");function E1(e){return S1(e).length>0}a(E1,"startsAlone");function k1({wanted:e}){return e.filter(t=>!Ln(t)&&t.load==="loaded"&&Vt(t))}a(k1,"startedFirst");function S1({units:e,restarted:t,dependents:n,wanted:r,triggers:s}){let i=n.filter(({name:c})=>!c.endsWith(".target")),o=[...e,...t,...i].flatMap(({wants:c})=>c);return[...r,...s].filter(c=>!Ln(c)&&c.load==="loaded"&&!Vt(c)&&o.includes(c.name))}a(S1,"keptStopped");function uB(e,t){let n=e.startsWith("user:"),r=e.replace(/^user:/,"");return t.find(({role:s,user:i,names:o,name:c})=>s==="program"&&i!==""===n&&[c,...o].some(u=>u===r||u===`${r}.service`))}a(uB,"findNamed");function lB({units:e,processes:t},n){let s=e.filter(({role:p,load:_})=>p==="program"&&_!=="not-found").filter(({user:p})=>!n||p===n.user),i=s.filter(({pids:p})=>p.length>0),c=s.filter(p=>Ln(p)&&!Vt(p)).filter(({command:p})=>p==="exact"||i.length===0&&p!=="no"),u=[...new Set([...i,...c])];if(n)return[n,...u.filter(p=>p!==n)];if(u.length>0)return u.sort((p,_)=>pu(p)-pu(_)||(p.name<_.name?-1:1));let l=s.filter(p=>p.command!=="no"&&(t.length===0||hu(p))),f=l.filter(p=>!Vt(p)),d=Math.min(...f.map(pu));return f.length>0?f.filter(p=>pu(p)===d):l}a(lB,"choose");function pu(e){return(Vt(e)?2:0)+(e.command==="exact"?0:1)}a(pu,"rank");function fB(e,t){let n=[...e];for(let{dependents:r}of n)n.push(...t.filter(s=>r.includes(s.name)&&Ln(s)&&!n.includes(s)));return n.slice(e.length)}a(fB,"dependentsOf");function dB(e,t){return v1(e,t).some(({name:n,accept:r})=>n.endsWith(".socket")&&r)}a(dB,"isPerConnection");function hB(e,t){return v1(e,t).some(Ln)}a(hB,"isTriggered");function v1(e,t){return t.filter(({role:n,name:r})=>n==="trigger"&&e.triggers.includes(r))}a(v1,"triggersOf");function pB({service:e},t){return e?"the input `service` names it":t.pids.length>0?`it manages pid ${t.pids.join(", ")}, which runs the file`:t.command==="last"?"the last deploy started it":"its command is the file"}a(pB,"whyChosen");function _B(e,t){let n=a(l=>l.map(({name:f})=>f).join(", "),"names"),r=[],s=[...t.units,...t.restarted],i=[...s,...t.left].filter(({reload:l})=>l);i.length>0&&!e.daemonReload&&r.push(`${n(i)} changed on disk, and systemd still uses the old definition: set \`daemon-reload: true\`, or run \`systemctl daemon-reload\` on the target.`);let o=S1(t);o.length>0&&r.push(`${n(o)} ${A1(o)} stopped now, and will stay stopped.`);let c=s.filter(({enabled:l})=>l==="disabled");c.length>0&&r.push(`${n(c)} ${A1(c)} disabled, and will not start when the target boots.`);let u=s.filter(({active:l})=>l==="failed");return u.length>0&&r.push(`${n(u)} had failed before this deploy.`),r}a(_B,"unitNotes");function A1(e){return e.length===1?"is":"are"}a(A1,"areOrIs");var C1=30,mB=5e4;async function P1(e,t){let n={bytes:0,whole:!1},r=wB(t);for(;;)try{return await gB(e,t,{sending:n,form:await yB(e,t,r)})}catch(s){if(s instanceof Wn&&t.membership===void 0)t.log.line(`Delta failed (${s.message}); sending the whole file instead.`),r={lacks:"the first one failed"};else if(s instanceof Zs)t.log.line(`${s.message}; restarting the upload with a faster encoding.`);else throw s}}a(P1,"activate");async function gB(e,t,{sending:n,form:r}){let{inputs:s,plan:i}=t,{encoding:o,payload:c}=r;n.whole=c===void 0;let u=o.startsWith("delta")?o1:void 0,l={...L1(t),action:"deploy",encoding:o,apply:u};await t.onBegin({id:l.id,sudo:t.found.sudo,limitSeconds:Gs(t)});let f=await B1(e,t,{values:l,sending:n,form:r}),d=R1(f);if(!d&&n.failure instanceof Zs)throw n.failure;if(u&&!d&&n.failure)throw new Wn(n.failure.message);return d?{...d,bytesSent:n.bytes}:!n.whole&&s.strategy==="staged"?St({state:"untouched",failed:"upload",why:`${op(f)} before the upload (${Lt(i.file.bytes)}) was complete`,bytesSent:n.bytes}):{...await O1(t,l.id,op(f)),bytesSent:n.bytes}}a(gB,"attempt");function N1(e,t){return T1(e,t,{action:"recover"})}a(N1,"recover");function ap(e,t,n){return T1(e,t,{action:"revert",reverted:n})}a(ap,"revert");async function T1(e,t,n){let r={...L1(t),...n,encoding:"none"},s=await B1(e,t,{values:r,sending:{bytes:0,whole:!0}});return R1(s)??await O1(t,r.id,op(s))}a(T1,"work");function R1(e){try{return nc(e)}catch(t){if(t instanceof jn)return Os(t);throw t}}a(R1,"usableOutcome");function O1(e,t,n){return e.log.line(`Connection lost: ${n}. The transaction continues on the target; reconnecting to follow it.`),sc({...e,sudo:e.found.sudo,limitSeconds:Gs(e)},t)}a(O1,"learnAfter");var Zs=class extends Error{static{a(this,"TooSlowError")}};async function B1(e,t,{values:n,sending:r,form:s}){let{inputs:i,found:o,plan:c,transfers:u,log:l,signal:f,membership:d,onSay:p}=t;r.failure=void 0;let _=rc(l,i);try{return await Rs(e,{text:a1,values:n},{sudo:o.sudo,what:`Activating ${i.destination}`,limitSeconds:_u(c.file.bytes)+i.lockTimeoutSeconds+Gs(t),signal:f,clean:Jn(i.environment,i.health),onSay:a((b,g)=>{p?.(b,g),_(b,g)},"onSay"),payload:a(async b=>{if(!s?.payload){b.end();return}let g=i.strategy==="staged"&&i.lockTimeoutSeconds>=5&&!d,y=r.bytes,x=AB(l),k=a((N,v)=>{if(r.bytes=y+N,x(N),!(!g||!v||!s.isTooSlow?.(N,v)))throw new Zs(`The link carries ${Lt(v)}/s`)},"onProgress");try{let N=await i1(s.payload.read(),b,{stallSeconds:C1,onProgress:k});r.whole=!0,await u.measured(N.bytesPerSecond)}catch(N){throw(N instanceof qr||N instanceof Zs)&&(r.failure=N),N}},"payload")})}catch(b){return{error:b}}}a(B1,"runDeploy");function op({error:e}){return e instanceof kt?e.fields.why.replace(/\.$/,""):e?.message??"the connection was lost"}a(op,"lostWhy");async function yB(e,{plan:t,found:n,source:r,transfers:s,log:i},o){if(t.file.from==="release")return{encoding:"release"};if(t.file.from==="a copy of it")return{encoding:"copy"};if(t.file.from==="in place already"||!r)return{encoding:"none"};let[c,u]=[e.isNear(),e.roundTripMs()],l=await s.choose(r,{near:c,roundTripMs:u,tools:n.tools,present:o});return i.phase("transfer",l.why),l}a(yB,"chooseForm");function wB({found:{file:e},inputs:t,noDelta:n}){return n?{lacks:n}:e?.sha256?t.strategy==="in-place"?{lacks:"in-place removes the present file first"}:e:{lacks:"there is no file yet"}}a(wB,"presentFile");function _u(e){return 120+Math.ceil(e/mB)}a(_u,"uploadLimitSeconds");function cp({stopTimeoutSeconds:e,health:t}){return 2*(e+30+2*t.timeoutSeconds+10+t.stableSeconds+10)+60}a(cp,"transactionLimitSeconds");function Gs({inputs:e,membership:t}){return cp(e)+2*(t?.waitSeconds??0)}a(Gs,"limitSecondsOf");function L1(e){let{inputs:t,found:n,plan:r,run:s}=e;return{id:(0,I1.randomUUID)(),folder:t.folder,name:t.name,run:s.url||"a run outside a workflow",actor:s.actor,workflow:`${s.repository} ${s.workflow}`,run_number:s.number,seen:n.seen,size:r.file.bytes,sha256:r.file.sha256,old_sha:n.file?.sha256,old_about:n.file?`${n.file.ids} ${n.file.mode}`:"",old_capabilities:n.file?.capabilities,owner:r.ownerIds,same_owner:r.sameOwner?"yes":"",mode:r.mode,capabilities:t.capabilities,strategy:t.strategy,restart:r.restart,...bB(e),stop_command:t.stopCommand,start_command:t.startCommand,stop_signal:t.stopSignal,stop_timeout_seconds:t.stopTimeoutSeconds,run_as:r.runAs,run_uid:n.runUid,accounts:n.accounts,...y1(n),args:Co(t.args),environment:Co(t.environment),working_directory:t.workingDirectory??t.folder,log_file:t.logFile,...sp(t),health_timeout_seconds:t.health.timeoutSeconds,stable_cs:Math.round(t.health.stableSeconds*100),stable_seconds:t.health.stableSeconds,rollback:String(t.rollback),keep_releases:t.keepReleases,lock_timeout_seconds:t.lockTimeoutSeconds,upload_limit_seconds:_u(r.file.bytes),silence_seconds:C1,limit_seconds:Gs(e),session_kills:n.sessionKills?"yes":"",...$B(e.membership)}}a(L1,"deployValues");function $B(e){return{release:e?.release,part:e?.part,parts:e?.members.length,first_folder:e?.first.folder,first_name:e?.first.name,lock_after:e?.lockAfter,members:e?.members.join(`
`),waits:e?.waits?"yes":"",wait_seconds:e?.waitSeconds??60,reloads:e?.reloads}}a($B,"membershipValues");function bB({inputs:e,plan:t}){let{units:n}=t,r=a(i=>i.map(({name:o})=>o).join(" "),"names"),s=E1(n);return{unit:n.unit,unit_user:n.user,units:r(n.units),restarted_units:r(n.restarted),left_units:r(n.left),dependents:r(n.dependents),watched_units:r([...n.triggers,...n.wanted]),start_alone:s?"yes":"",start_first:s?r(k1(n)):"",daemon_reload:e.daemonReload&&n.unit!==""?"yes":""}}a(bB,"unitValues");function AB(e){let t=Date.now(),n=2e3;return r=>{Date.now()-t<n||(t=Date.now(),n=Math.min(2*n,3e4),e.phase("upload",`${Lt(r)} sent`))}}a(AB,"tellProgress");function D1({units:e,dependents:t,because:n}){if(e.length===0)return[];let r=t.length>0?`, and with ${up(e)} ${Ys(t)}`:"";return[{does:`stop the ${mu(e)}${r}`,because:n}]}a(D1,"unitStops");function U1({units:e,restarted:t,left:n,dependents:r,triggers:s,because:i}){let o=[];if(e.length>0){let c=r.length>0?`, then ${Ys(r)}`:"";o.push({does:`start the ${mu(e)}${c}`,because:i})}if(t.length>0){let c=s.filter(({name:u})=>t.some(l=>l.triggers.includes(u)));o.push({does:`restart the ${mu(t)} while ${Ys(c)} stays as it is`,because:`${Ys(c)} may start ${up(t)} at any moment`})}return n.length>0&&o.push({does:`leave the ${mu(n)} alone`,because:`the next start of ${up(n)} runs the new file`}),o}a(U1,"unitStarts");function M1({unit:e,units:t,restarted:n},{processes:r}){for(let o of[...t,...n])if(o.pids.length===0)return`the unit ${o.name} is not running it`;let s=[...t,...n].flatMap(({pids:o})=>o),i=r.find(({pid:o})=>!s.includes(o));return i&&s.length>0?`pid ${i.pid} runs it outside the unit ${e}`:void 0}a(M1,"unitDifference");function mu(e){return e.length===1?`unit ${Ys(e)}`:`units ${Ys(e)}`}a(mu,"named");function up(e){return e.length===1?"it":"them"}a(up,"those");function Ys(e){return e.map(({name:t})=>t).join(", ")}a(Ys,"list");function F1(e,t,n){let{file:r,processes:s}=t;if(!r)return"the file does not exist yet";if(n.file.from==="upload"||n.file.from==="release")return"its sha256 differs";if(e.force)return"force is set";let i=lp(e,t,n);if(i)return i;if(n.restart==="none")return;if(n.restart==="systemd"){let l=M1(n.units,t);if(l)return l}else if(s.length===0)return"no process runs it";let o=n.units.left.flatMap(l=>l.pids),c=s.find(({pid:l,live:f})=>!f&&!o.includes(l));if(c)return`pid ${c.pid} runs an outdated image of it`;if(n.restart==="process"){let l=s.find(({uid:d})=>d!==t.runUid);if(l)return`pid ${l.pid} runs as ${l.user}, not ${n.runAs}`;let f=s.find(({same:d})=>d!=="yes");if(f)return`pid ${f.pid} was started with ${xB[f.same]}`}return(e.health.url??e.health.port??e.health.command)!==void 0&&t.health!=="ok"?`it is not healthy: ${t.health}`:void 0}a(F1,"whatDiffers");var xB={yes:"the same command",args:"different arguments",folder:"a different working directory",environment:"a different environment"};function lp(e,{file:t},n){if(!t)return;if(!(e.owner?.includes(":")?n.ownerIds===t.ids:n.sameOwner))return`its owner is ${t.owner}, not ${n.owner}`;if(n.mode!==t.mode)return`its mode is ${t.mode}, not ${n.mode}`;if(e.capabilities&&!r_(e.capabilities,t.capabilities))return"its capabilities differ"}a(lp,"metadataDiffers");function fp(e){return e.split(":")[0]}a(fp,"userOf");function H1(e,t){let n=[];if(t.folderRefused&&n.push({why:`${t.folderRefused}.`,remedy:`create ${e.folder} with the intended owner, or correct \`destination\`.`}),t.fileProblem&&n.push({why:`${t.fileProblem}.`,remedy:"set `destination` to the regular file itself, and make it readable by this account."}),!t.folder)return n;let{path:r,owner:s,mode:i,mount:o,options:c}=t.folder;c.includes("ro")?n.push({why:`${o} is mounted read-only.`,remedy:`remount ${o} read-write; if it became read-only on its own, check its disk.`}):!t.folder.writable&&t.sudoError===void 0&&n.push({why:`${t.login} can't write to ${r} (${s}, ${i}).`,remedy:"allow sudo, or log in as an account that may write there."}),c.includes("noexec")&&n.push({why:`${o} is mounted noexec, so nothing in ${r} can be started.`,remedy:"choose a destination on another file system."});for(let u of t.immutable)n.push({why:`the ${u==="file"?"file":`folder ${r}`} is immutable or append-only.`,remedy:`run \`chattr -i -a ${u==="file"?e.destination:r}\` on the target, if this was not intended.`});return n}a(H1,"fileObstacles");function z1(e,t,{restart:n,runAs:r}){let s=[];if(t.contained&&s.push({why:`pid ${t.contained} runs the file inside a container.`,remedy:"deploy into the container (input `container`), or stop it first."}),t.isMountPoint&&s.push({why:`something is mounted at ${e.destination}, so it can't be replaced by a rename.`,remedy:"deploy to the path of the file that is mounted there."}),t.otherNames>0&&!e.force&&s.push({why:`${e.destination} has ${t.otherNames} other name${t.otherNames>1?"s":""} (hard links), so what runs it may belong to something else.`,remedy:"replace it with a separate copy, or set `force: true` to stop every process that executes the file."}),n==="none")return s;let[i]=t.siblings;if(i&&!e.force&&s.push({why:`pid ${i.pid} has the name of the file, but executes ${i.path}: the previous version may have been moved away by hand.`,remedy:"stop it if it is the previous version, or set `force: true` if it is another program."}),t.maybe&&!t.unseen&&!e.force&&s.push({why:`no process is seen to run the file, but ${t.login} can't inspect pid ${t.maybe}, which has its name.`,remedy:"allow sudo, or log in as the account that runs the program, or set `force: true` if it is another program."}),n!=="process")return s;let o=t.processes.filter(({uid:l,worker:f})=>l===t.runUid&&!f),c=[...t.processes,...t.strangers].filter(({uid:l})=>l!==t.runUid),[u]=c;return o.length===0&&u&&e.runAs===void 0&&s.push({why:`pid ${u.pid} runs the file as ${u.user}, but this step would start it as ${r}.`,remedy:`set \`run-as\` to the account that the program is to run as: ${r} or ${u.user}.`}),o.length>1&&s.push({why:`${o.length} separate instances run the file (${gu(o)}), and this step starts only one.`,remedy:"use a systemd unit for each, or `restart: command` with a `start-command` that starts them all."}),s}a(z1,"processObstacles");function K1(e,{restart:t}){let n=[],r=e.units.filter(Vt).flatMap(i=>i.pids),s=e.processes.filter(({pid:i})=>!r.includes(i));return t==="none"&&s.length>0&&n.push({why:`restart is none, but ${gu(s)} runs the file.`,remedy:"stop it first, or set `restart: auto` so that this step restarts it."}),e.unseen&&e.sudoError===void 0&&n.push({why:`${e.login} may not inspect pid ${e.unseen}, which may be running the file.`,remedy:e.asRoot?"start the container with `--cap-add SYS_PTRACE`; without it, its root may not inspect other processes.":"log in as root or as its account, or allow sudo."}),e.sessionKills&&!e.asRoot&&!e.lingers&&t!=="systemd"&&n.push({why:`logind on the target kills everything that ${e.login} started when the connection closes (KillUserProcesses=yes).`,remedy:`run \`loginctl enable-linger ${e.login}\` on the target once.`}),n}a(K1,"restartObstacles");function gu(e){return`pid ${e.map(({pid:t})=>t).join(", ")}`}a(gu,"pids");function q1({rollbackTo:e},t,n){if(!e||n)return[];let r=t.releases.map(({sha256:i})=>i.slice(0,12)).join(", ")||"none";return[{why:`${t.releases.filter(({sha256:i})=>i.startsWith(e)).length>1?"more than one kept release matches":"no kept release matches"} ${e}; available: ${r}.`,remedy:"choose one of those, or deploy the version from its source."}]}a(q1,"releaseObstacles");function Q1({allowOlder:e,rollbackTo:t},{live:n},r){return e||t||!n||n.workflow!==r.workflow||n.runNumber<=r.number?[]:[{why:`run ${n.runNumber} of this workflow is already deployed (${n.run}); this is the older run ${r.number}.`,remedy:"nothing, if the newer build should stay; otherwise set `allow-older: true`."}]}a(Q1,"orderObstacles");function W1({strategy:e},t,n){return n.from!=="upload"||!t.folder?[]:(e==="staged"?n.bytes:n.bytes-(t.file?.bytes??0)*(1-1/3))+EB<=t.freeBytes?[]:[{why:`${Lt(n.bytes)} needed, ${Lt(t.freeBytes)} free on ${t.folder.mount}.`,remedy:e==="staged"?"free some space there, or use `strategy: in-place`.":"free some space there."}]}a(W1,"roomObstacles");var EB=1e6;function Z1({folder:e,freeInodes:t}){return!e||t===void 0||t>=j1?[]:[{why:`${j1} inodes needed, ${t} free on ${e.mount}.`,remedy:"delete some files there, of any size."}]}a(Z1,"inodeObstacles");var j1=20;function G1({health:e},t,{source:n,restart:r}){let s=[];return n?n.elf?(gA(n.elf,t.machine)?n.elf.interpreter&&!t.interpreterExists&&s.push({why:`${n.path} needs the loader ${n.elf.interpreter}, which the target does not have.`,remedy:/musl/.test(n.elf.interpreter)?"build it for glibc, or link it statically.":"build it for the C library of the target (musl?), or link it statically."}):s.push({why:`${n.path} is built for ${n.elf.machine}, but the target is ${t.machine}.`,remedy:"build for the target, or correct `host`."}),s):(r==="process"?s.push({why:`${n.path} is not an ELF binary, so the process that runs it can't be identified.`,remedy:"deploy the compiled binary; for a script use `restart: systemd`, `command` or `none`."}):r==="command"&&(e.port!==void 0||!(e.url||e.command))&&s.push({why:`${n.path} is not an ELF binary, so its process and port cannot be identified after the start command.`,remedy:"set `health-url` or `health-command`, and leave out `health-port`."}),s):s}a(G1,"sourceObstacles");function Y1(e,t,{restart:n,runAs:r}){let s=t.missingUsers.length===0&&(t.asRoot||r===t.login);if(n!=="process"||!s)return[];let i=[];return t.logProblem&&i.push({why:`${t.logProblem}.`,remedy:"create it as a regular file with the right owner, or correct `log-file`."}),t.directoryClosed&&i.push({why:`${r} cannot enter the working directory ${e.workingDirectory??e.folder}.`,remedy:"create it, give that account access, or correct `working-directory`."}),i}a(Y1,"startObstacles");function V1(e,t,{plan:n,difference:r,because:s}){let i=[],o=e.strategy==="in-place",c={does:`upload ${Lt(n.file.bytes)} ${o?"once the program is stopped":"next to the live file"}`,because:r};n.file.from==="upload"&&!o&&i.push(c),n.file.from==="release"&&i.push({does:`use the kept release ${kn(n.file.sha256)}`,because:"rollback-to selects it"}),n.restart==="systemd"&&i.push(...D1(n.units)),n.restart==="command"&&e.stopCommand&&i.push({does:"run the stop command",because:s}),t.processes.length>0&&n.restart!=="systemd"&&i.push({does:`stop ${gu(t.processes)} (${e.stopSignal}, then KILL after ${e.stopTimeoutSeconds} s)`,because:n.file.from==="in place already"?r:"it runs the file being replaced"});let u=[...n.restart==="process"?t.processes:[],...t.strangers].filter(({uid:l})=>l!==t.runUid);return u.length>0&&n.restart!=="none"&&i.push({does:`do not restart ${u.map(({pid:l,user:f})=>`pid ${l} (${f})`).join(", ")}`,because:`only ${n.runAs} is to run the program`}),n.file.from==="upload"&&o&&i.push(c),n.file.from==="in place already"?i.push({does:`leave the file as it is (${n.owner}, ${n.mode})`,because:"its sha256 already matches"}):i.push({does:`replace the file with an atomic rename (owner ${n.owner}, mode ${n.mode})`,because:t.file?"the path never holds a partial file":"the file does not exist yet"}),t.file&&!n.sameOwner&&n.file.from!=="in place already"&&i.push({does:`drop its ACL, capabilities, set-ID bits and write permission for others${e.mode||e.capabilities?", except those given":""}`,because:`the owner changes from ${t.file.owner} to ${n.owner}`}),i.push(...kB(e,t,n),...SB(e,n,s)),i}a(V1,"steps");function kB(e,t,{restart:n,runAs:r}){if(n!=="process"||!t.logForeign)return[];let s=e.logFile;return[{does:`move ${s} to ${s}.until-TIME and start a new one`,because:`${r} can't write to it`}]}a(kB,"logSteps");function SB(e,t,n){let{health:r}=e,s={none:[],systemd:U1(t.units),command:[{does:"run the start command",because:n}],process:[{does:`start it as ${t.runAs} in ${e.workingDirectory??e.folder}`,because:n}]};if(t.restart==="none")return[];let i=[r.port===void 0?"":`the process to listen on port ${r.port}`,r.url?`${Sn(r.url)} to return ${r.status}${r.contains?" with the expected text":""}`:"",r.command?"the health command to succeed":""].filter(o=>o!=="");return[...s[t.restart],{does:`require ${i.join(" and ")||"the process to run this file"} within ${r.timeoutSeconds} s and to stay healthy for ${r.stableSeconds} s`,because:e.rollback?"otherwise the previous version is restored":"otherwise the step fails (`rollback: false`)"}]}a(SB,"startSteps");function yu(e,t,{source:n,build:r,needed:s}){let i=e.rollbackTo?CB(e.rollbackTo,t):void 0,o=t.wantedOwner??t.file?.owner??t.login,c=t.wantedRunAs??(o.split(":")[0]||t.login),u=x1(e,t,c),{restart:l,because:f}=PB(e,u),d=t.wantedIds??t.file?.ids??t.loginIds,p={file:{from:"upload",sha256:"",bytes:0},owner:o,ownerIds:d,sameOwner:t.file!==void 0&&fp(d)===fp(t.file.ids),mode:e.mode??vB(t.file,d),restart:l,units:u,runAs:c};p.file=IB(t,n,{release:i?.sha256,looksRight:!lp(e,t,p)});let _=[...n1(t),...G1(e,t,{source:n,restart:l}),...H1(e,t),...W1(e,t,p.file),...Z1(t),...g1(t,p),...z1(e,t,p),...K1(t,p),...u.obstacles,...Y1(e,t,p),...d_(e,t),...q1(e,t,i),...Q1(e,t,r)];if(_.length>0)return{...p,kind:"refused",obstacles:_,steps:[]};let b=F1(e,t,p)??s;return b?{...p,kind:"deploy",obstacles:_,steps:V1(e,t,{plan:p,difference:b,because:f})}:{...p,kind:"unchanged",obstacles:_,steps:[]}}a(yu,"planDeploy");function vB(e,t){if(!e)return"0755";let[n,r]=e.ids.split(":"),[s,i]=t.split(":"),o=n===s?i===void 0||r===i?0:1024:3090;return(Number.parseInt(e.mode,8)&~o).toString(8).padStart(4,"0")}a(vB,"carriedMode");function IB(e,t,{release:n,looksRight:r}){let s=t?.sha256??n??"",i=t?.bytes??0;return e.file?.sha256!==s?{from:t?"upload":"release",sha256:s,bytes:i}:{from:r?"in place already":"a copy of it",sha256:s,bytes:e.file.bytes}}a(IB,"newFile");function CB(e,t){if(e==="previous")return t.releases[0];let n=t.releases.filter(({sha256:r})=>r.startsWith(e));return n.length===0&&t.file?.sha256.startsWith(e)?{sha256:t.file.sha256}:n.length===1?n[0]:void 0}a(CB,"findRelease");function PB(e,t){return e.service||t.unit?{restart:"systemd",because:t.because}:e.restart==="auto"?{restart:"process",because:"no unit manages the program"}:{restart:e.restart,because:`restart is ${e.restart}`}}a(PB,"chooseRestart");var dp=require("node:timers/promises");var X1=3;function Po({inputs:e,source:t,transfers:n,context:r,reconnect:s,book:i},o,c){let{run:u,log:l,signal:f}=r;return{inputs:e,found:o,plan:c,source:t,transfers:n,run:u,log:l,signal:f,onBegin:i.begin,reconnect:s}}a(Po,"deployOf");async function No(e,t){let{log:n,found:r}=t,{run:s,phase:i}=r.unfinished??{run:"an unknown run",phase:"unknown"};n.line(`An earlier deploy (${s}) was interrupted during \`${i}\`; recovering it first.`);let o=await N1(e,t),c=o.pid?`, pid ${o.pid}`:"";return n.line(`  finished: ${o.state}${c}${o.broken?`: ${o.broken}`:""}`),o}a(No,"finishInterrupted");function To(e){if(e instanceof an||e instanceof fr)return e;throw e}a(To,"deathUnlessOutdated");function NB(e){return St({state:"broken",failed:"recovery",why:`${e}, and each of ${X1} attempts to recover it was killed on the target too`,broken:"the journal is kept, and the next run continues the recovery; until then the program may be down"})}a(NB,"givenUp");async function wu(e,t){let n=Date.now()+Gs(e)*1e3,r="the transaction was killed on the target";for(let l=0;;)try{var s=[];try{let f=es(s,await e.reconnect(),!0);let d=await Ws(f,e.inputs,e.source);let p=t.book.begun()?.id;let _=d.unfinished&&(d.unfinished.id===p||d.unfinished.id==="");if(!_)return{...TB(d,e,p),failed:"transaction",why:r};if(!d.locked){let b=await No(f,Po(t,d,e.plan)).catch(To);if(!(b instanceof Error))return{...b,failed:"transaction",why:r};if(l+=b instanceof an?1:0,l>=X1)return NB(r)}await(0,dp.setTimeout)(500,void 0,{signal:e.signal})}catch(i){var o=i,c=!0}finally{var u=ts(s,o,c);u&&await u}}catch(f){if(f instanceof jn)return Os(f);if(Date.now()>=n||e.signal.aborted)return St({state:"unknown",failed:"transaction",why:`${r}, and the target no longer responds`});await(0,dp.setTimeout)(1e3,void 0,{signal:e.signal}).catch(()=>{})}}a(wu,"undoDead");function TB(e,t,n){let r=e.ended.findLast(o=>o.id===n),s=rs.find(o=>o===r?.state);if(r&&s)return St({state:s,pid:Number(r.pid)||void 0});let i=e.unfinished===void 0&&!RB(t.found,e);return St({state:i?"unknown":"staged"})}a(TB,"endOfDead");function RB(e,t){let n=a(({processes:r})=>r.map(({pid:s})=>s).join(),"pids");return e.file?.sha256===t.file?.sha256&&n(e)===n(t)&&n(t)!==""}a(RB,"isAsBefore");function J1(e,t){return{...e,log:En(e.log,t.name)}}a(J1,"namedContext");async function ex(e){let t=await Ws(e.host,e.inputs,e.source,{another:!1});return hp({...e,found:t})}a(ex,"inspectPart");function hp(e,t){let{run:n}=e.context,r={workflow:`${n.repository} ${n.workflow}`,number:n.number};return{...e,plan:yu(e.inputs,e.found,{source:e.source,build:r,needed:t})}}a(hp,"planned");function Vs(e,t){return{...Po(e,e.found,e.plan),membership:t}}a(Vs,"transactionOf");function tx({inputs:e,plan:t}){return _u(t.file.bytes)+e.lockTimeoutSeconds+cp(e)}a(tx,"waitSeconds");function nx(e,t){let n=new Set;for(let[r,{needs:s}]of e.entries())(t[r]||s.some(i=>n.has(i)))&&n.add(r);return[...n]}a(nx,"participants");function rx(e){let t=e.map(({path:r},s)=>({path:r,number:s+1}));t.sort((r,s)=>r.path<s.path?-1:r.path>s.path?1:r.number-s.number);let n=new Map(t.map(({number:r},s)=>[r,t[s-1]?.number]));return e.map((r,s)=>n.get(s+1))}a(rx,"lockOrder");async function sx(e,{limit:t,stopped:n},r){let s=e.entries(),i=a(async()=>{for(let[o,c]of s){if(n())return;await r(c,o)}},"worker");await Promise.all(Array.from({length:Math.min(t,e.length)},i))}a(sx,"inParallel");var OB=8;async function ox(e,t,{unfinished:n,known:r}){let s=n.members.filter(i=>!r.includes(i));await sx(s,{limit:OB,stopped:a(()=>t.context.signal.aborted,"stopped")},async i=>{let o=BB(t.inputs,i),c=await Ws(e,o,void 0,{another:!1});if(c.unfinished?.release!==n.release||c.locked)return;let u={...t.context,log:En(t.context.log,o.name)},l=yu(o,c,{source:void 0,build:{workflow:"",number:0}}),f={...t,inputs:o,context:u,source:void 0};await No(e,Po(f,c,l)).catch(To)})}a(ox,"recoverMembers");function BB(e,t){let n=t.lastIndexOf("/");return{...e,...ix,health:{...ix.health,timeoutSeconds:e.health.timeoutSeconds},destination:t,folder:t.slice(0,n)||"/",name:t.slice(n+1)}}a(BB,"inputsOf");var ix={source:void 0,owner:void 0,mode:void 0,capabilities:void 0,restart:"auto",service:void 0,stopCommand:void 0,startCommand:void 0,daemonReload:!1,stopSignal:"TERM",stopTimeoutSeconds:10,runAs:void 0,args:[],workingDirectory:void 0,environment:[],logFile:void 0,health:{url:void 0,status:"200-399",contains:void 0,headers:[],port:void 0,command:void 0,timeoutSeconds:60,stableSeconds:3},expectStrings:[]};async function ax(e){let t=e.filter(({found:r})=>r.unfinished&&!r.locked),n=e.map(({inputs:r})=>r.destination);await Promise.all(t.map(r=>No(r.host,Vs(r)).catch(To)));for(let r of t){let{unfinished:s}=r.found;s&&await ox(r.host,r,{unfinished:s,known:n})}return t.length>0}a(ax,"recoverParts");var cx=require("node:crypto");async function ux(e,t){let n=pp(e),r=await Promise.allSettled(e.map((c,u)=>LB(c,n[u],t.get(u)))),s=r.map(c=>c.status==="rejected"?c.reason:void 0),i=s.find(c=>c&&!(c instanceof fr||c instanceof Wn));if(i)throw i;let o=s.findIndex(c=>c instanceof Wn);return o>=0?{again:"delta",failed:o,why:s[o].message}:s.some(c=>c instanceof fr)?{again:"outdated"}:{outcomes:r.map(c=>c.status==="fulfilled"?c.value:St({state:"unknown"}))}}a(ux,"transact");function pp(e){let[t]=e;if(!t||e.length===1)return[void 0];let n=(0,cx.randomUUID)(),r=e.map(({inputs:c})=>c.destination),s=e.map(({found:c,inputs:u},l)=>({index:l,path:`${c.folder?.path??u.folder}/${u.name}`})),i=rx(s),o=Math.ceil(e.reduce((c,u)=>c+tx(u),0));return e.map((c,u)=>({release:n,part:u+1,members:r,first:{folder:t.inputs.folder,name:t.inputs.name},lockAfter:i[u],waits:!1,waitSeconds:o,reloads:void 0}))}a(pp,"memberships");async function LB(e,t,n){let r={...Vs(e,t),noDelta:n};try{return await P1(e.host,r)}catch(s){if(s instanceof an)return await wu(r,e);throw s}}a(LB,"runOne");async function lx(e){let t=pp(e);return await Promise.all(e.map(async(n,r)=>{let s=Vs(n,t[r]),i=n.book.begun()?.id;if(!i)return St({state:"unknown",failed:"revert-all",why:"its transaction is not known"});try{return await ap(n.host,s,i)}catch(o){if(o instanceof an)return await wu(s,n);throw o}}))}a(lx,"revertParts");var _p=4,fx=8;async function hx(e,{parts:t,context:n,dryRun:r}){let s=Date.now(),i=a(()=>tc(e,n),"reconnect"),o=await DB(i,Math.ceil(t.length/fx)),c=a(async()=>{await Promise.all(o.map(u=>u[Symbol.asyncDispose]()))},"close");try{let[u]=o;n.log.phase("connect",u.target.name);let l=t.map((b,g)=>({...b,context:J1(n,b.part),host:o[Math.floor(g/fx)]??u,reconnect:i})),f=await UB(l,{context:n,dryRun:r});for(let{book:b,outcome:g}of f)await b.end(g.state);for(let{source:b,transfers:g,outcome:y}of f)b&&er(y.state)&&g.arrived(b,u.isNear());let d=f.filter(({outcome:b})=>b.state==="active"),p=Qr(f.map(({outcome:b})=>b.state)),_=p==="active"?()=>lx(d):void 0;return{target:u.target.name,state:p,parts:f,durationMs:Date.now()-s,undo:_,close:c}}catch(u){throw await c(),u}}a(hx,"releaseTo");async function DB(e,t){let n=await Promise.allSettled(Array.from({length:t},e)),r=n.flatMap(i=>i.status==="fulfilled"?[i.value]:[]),s=n.find(i=>i.status==="rejected");if(!s)return r;for(let i of r)await i[Symbol.asyncDispose]();throw s.reason}a(DB,"openConnections");async function UB(e,{context:{log:t},dryRun:n}){let r=new Map;for(let s=1;;s+=1){let i=MB(await Promise.all(e.map(ex)));if(mp(i,({found:l})=>l.otherKernel?[s1(l.otherKernel)]:[]),!n&&s<_p&&await ax(i))continue;for(let{context:l,found:f,inputs:d}of i)for(let p of y_(f,d.destination))l.log.line(p);mp(i,({plan:l})=>l.obstacles);for(let{context:l,plan:f}of i)for(let d of g_(f))l.log.line(d);let o=i.filter(({plan:l})=>l.kind==="deploy");if(n&&t.line("dry-run is set: nothing was changed."),n||o.length===0)return i.map(dx);let c=i.length-o.length;t.line(`${o.length} of ${i.length} parts change together${c>0?"; the others stay as they are":""}.`);let u=await ux(o,r);if("outcomes"in u)return i.map(l=>{let f=u.outcomes[o.indexOf(l)];return f?{...l,outcome:f}:dx(l)});mp(s<_p?[]:i.slice(0,1),({found:l})=>[r1(l,_p)]),u.again==="delta"&&r.set(u.failed,"the first one failed"),t.line(u.again==="delta"?`The delta of ${o[u.failed]?.part.name} failed (${u.why}); sending that file whole instead.`:"Another deploy ran in the meantime; inspecting again.");for(let{book:l}of o)await l.end("untouched")}}a(UB,"carryOut");function MB(e){let t=e.map(({part:r})=>r),n=nx(t,e.map(({plan:r})=>r.kind==="deploy"));return e.map((r,s)=>{if(r.plan.kind!=="unchanged"||!n.includes(s))return r;let i=r.part.needs.filter(o=>n.includes(o)).map(o=>t[o]?.name);return hp(r,`${i.join(" and ")} ${i.length>1?"change":"changes"}, which it needs`)})}a(MB,"withNeeded");function dx(e){return{...e,outcome:St({state:"unchanged",pid:e.found.processes[0]?.pid})}}a(dx,"asUnchanged");function mp(e,t){let n=e.flatMap(s=>t(s).map(({why:i,remedy:o})=>({why:`${s.part.name}: ${i}`,remedy:o}))),[r]=e;if(r&&n.length>0)throw w_(r.host.target.name,e.map(({part:s})=>s.name).join(", "),n)}a(mp,"refuse");var gp=["part","state","sha256","pid","downtime","sent","time"];async function _x(e,t,{dryRun:n,durationMs:r}){await t.outputs({...FB(e),"duration-ms":r}),n||await HB(e,t);let[s]=e;if(e.length===1&&s?.failure)throw s.failure;let i=e.filter(({done:o,isSkipped:c})=>o?!er(o.state):!c);if(i.length>0||e.every(({done:o})=>!o))throw qB(e,i.length>0?i:e)}a(_x,"reportRelease");function FB(e){let t=e.flatMap(({done:n})=>n?.parts??[]);return{state:Qr((e.every(px)?e:e.filter(n=>!px(n))).map(KB)),changed:t.some(({outcome:n})=>m_(n.state)),"downtime-ms":Math.max(0,...t.map(({outcome:n})=>n.downtimeMs??0)),"bytes-sent":t.reduce((n,{outcome:r})=>n+r.bytesSent,0),report:yp(e)}}a(FB,"outputsOf");function yp(e){return e.map(t=>{let{done:n}=t;return n?{target:n.target,state:n.state,durationMs:n.durationMs,parts:n.parts.map(r=>({part:r.part.name,kind:r.part.kind,...$_($u(r,n))}))}:{target:t.target,state:"untouched",why:wp(t),parts:[]}})}a(yp,"reportOf");function px({isSkipped:e}){return e===!0}a(px,"isSkippedOne");function $u(e,{target:t,durationMs:n}){let{inputs:r,found:s,plan:i,outcome:o}=e;return{target:t,inputs:r,found:s,plan:i,outcome:o,durationMs:n}}a($u,"toldOf");async function HB(e,t){let n=e.length>1,r=n?["target",...gp]:gp,s=e.flatMap(i=>{let{done:o}=i;return o?o.parts.map(c=>{let u=new Map(b_($u(c,o))),l=gp.map(f=>f==="part"?c.part.name:u.get(f)??"");return n?[i.target,...l]:l}):[[...n?[i.target]:[],"","untouched",wp(i)]]});for(let i of["",...zB([r,...s]),""])t.log.line(i);await t.summary({title:n?"Release to several targets":"Release",head:r,rows:s})}a(HB,"table");function zB(e){let t=(e[0]??[]).map((n,r)=>Math.max(...e.map(s=>s[r]?.length??0)));return e.map(n=>`  ${n.map((r,s)=>r.padEnd(t[s]??0)).join("  ")}`.trimEnd())}a(zB,"aligned");function wp({failure:e,isSkipped:t,skipped:n}){let r=e?.fields.why.split(`
`)[0]??`not started: ${n}`;return t?`skipped: ${r}`:r}a(wp,"whyNot");function KB({done:e}){return e?.state??"untouched"}a(KB,"stateOf");function qB(e,t){let n=e.length>1,r=t.flatMap(i=>QB(i).map(o=>({...o,target:i.target}))),s=a((i,o)=>n?`${i}: ${o}`:o,"named");return new ln({what:"The release",where:[...new Set(r.map(({target:i})=>i))].join(", "),why:r.map(({target:i,what:o,why:c})=>s(i,`${o}: ${c}`)).join(`
`)||"the step was cancelled.",state:e.flatMap(i=>jB(i).map(o=>s(i.target,o))).join(`
`),remedy:r[0]?.remedy??"run the job again; targets that are done will be left as they are.",output:r[0]?.output})}a(qB,"failureOfAll");function QB({done:e,failure:t}){if(t)return[t.fields];if(!e)return[];let n=e.parts.filter(({outcome:s})=>!er(s.state)&&s.failed!=="revert-all"),r=n.filter(({outcome:s})=>s.failed!=="release");return(r.length>0?r:n).map(s=>ju($u(s,e)).fields)}a(QB,"causesOf");function jB(e){let{done:t}=e;return t?[`${t.state}.`,...t.parts.map(n=>{let r=er(n.outcome.state)?`${n.outcome.state}.`:ju($u(n,t)).fields.state??n.outcome.state;return`${n.part.name}: ${r}`})]:[`untouched, ${wp(e)}`]}a(jB,"statesOf");async function mx(e,t){let n=Date.now(),r=WB(await su({parts:e.parts,partsFile:e.partsFile}));for(let{program:l}of r)for(let f of l.environment)t.log.maskValue(f.slice(f.indexOf("=")+1));let s=await fA(e.reportFile,t.log),i=await dA(e.hosts,e.rollout);if(i.length===0)return t.log.line(`Shard ${e.rollout.shard} has no target: nothing to do.`),t.outputs({...Fo,state:"unchanged"});let o=i.flatMap(l=>r.map((f,d)=>({host:l,part:d}))),c=t1(o,t),u=r.map(()=>e1({wanted:e.transfer,several:i.length>1},t));try{let l=await ZB(r),f=await GB(e,t,{hosts:i,parts:r,sources:l,pages:c,transfers:u});try{e.revertAll&&await VB(f)}finally{await Promise.all(f.map(d=>d.done?.close()))}await s(yp(f)),await _x(f,t,{dryRun:e.dryRun,durationMs:Date.now()-n})}finally{for(let l of u)await l[Symbol.asyncDispose]()}}a(mx,"release");function WB(e){let t=e.filter(n=>n.kind!=="binary");if(t.length>0)throw new ct(t.map(({kind:n,line:r})=>`Input 'parts', line ${r}: parts of the kind ${n} can't be released yet.`));return e}a(WB,"supported");async function ZB(e){let t=await Promise.allSettled(e.map(({program:s})=>$A(s.source??"",s.expectStrings))),n=t.flatMap(s=>s.status==="rejected"?[s.reason]:[]),[r]=n;if(n.length>1&&n.every(s=>s instanceof kt))throw new kt({...r.fields,what:"Reading the sources",why:n.map(({fields:s})=>`${s.what}: ${s.why}`).join(`
`)});if(r)throw r;return t.flatMap(s=>s.status==="fulfilled"?[s.value]:[])}a(ZB,"readSources");async function GB(e,t,n){let{hosts:r}=n,s=r.length>1,i=r.map(u=>({target:u,context:s?{...t,log:En(t.log,u)}:t})),o={policy:um(e.rollout,r.length),pauseSeconds:e.rollout["pause-seconds"],signal:t.signal,onPause:a(()=>t.log.line(`A batch has finished; waiting ${e.rollout["pause-seconds"]} s.`),"onPause")},c=await _A(r.length,o,async u=>{let l=i[u],f={...e.connection,host:r[u]};try{let d=YB(e,n,{connection:f,index:u});l.done=await hx(f,{parts:d,context:l.context,dryRun:e.dryRun}),l.target=l.done.target,(!e.revertAll||!l.done.undo)&&await l.done.close(),s&&l.context.log.line(`finished: ${l.done.state}`)}catch(d){if(!(d instanceof Ve||d instanceof ln))throw d;if(l.failure=__(d),l.isSkipped=e.rollout.unreachable==="skip"&&jf(d),s)for(let p of Jt(l.failure.message))l.context.log.line(p);if(jf(d))return"unreachable"}return gx(l)?"failed":"proved"});for(let u of i)!u.done&&!u.failure&&(u.skipped=c??"the rollout ended");return i}a(GB,"releaseToAll");function YB(e,{parts:t,sources:n,pages:r,transfers:s},{connection:i,index:o}){let{host:c,user:u,port:l,container:f}=i;return t.map((d,p)=>{let _=n[p],b=[u,c,l,f,d.program.destination].join(" "),g=e.dryRun||!_?void 0:Promise.resolve(_);return{part:d,inputs:Jo(e,d.program),source:_,book:r[o*t.length+p],transfers:s[p].to(b,g)}})}a(YB,"partsOf");function gx({done:e,failure:t,isSkipped:n}){return t!==void 0&&!n||e!==void 0&&!er(e.state)}a(gx,"isRed");async function VB(e){let t=e.find(gx);t&&await Promise.all(e.map(async({done:n,context:r})=>{n?.undo&&(r.log.line(`${t.target} failed and revert-all is set: restoring the previous release.`),await XB(n,t.target),r.log.line(`finished: ${n.state}`))}))}a(VB,"revertDone");async function XB(e,t){let n=await e.undo?.()??[],r=e.parts.filter(({outcome:s})=>s.state==="active");for(let[s,i]of r.entries()){let o=n[s];if(!o)continue;let c=o.state==="untouched"?"active":o.state;if(await i.book.end(c),c==="active")continue;let u=`${t} failed, and revert-all is set${o.why?`; ${o.why}`:""}`,{downtimeMs:l,bytesSent:f}=i.outcome;i.outcome={...o,failed:"revert-all",why:u,downtimeMs:l,bytesSent:f}}e.state=Qr(e.parts.map(({outcome:s})=>s.state))}a(XB,"revertOne");Xp({schema:mm,main:mx,outputs:Fo,post:uA});
