"use strict";var E_=Object.create;var es=Object.defineProperty;var k_=Object.getOwnPropertyDescriptor;var S_=Object.getOwnPropertyNames;var I_=Object.getPrototypeOf,v_=Object.prototype.hasOwnProperty;var nu=(e,t)=>(t=Symbol[e])?t:Symbol.for("Symbol."+e),ru=e=>{throw TypeError(e)};var a=(e,t)=>es(e,"name",{value:t,configurable:!0});var ze=(e,t)=>()=>{try{return t||e((t={exports:{}}).exports,t),t.exports}catch(n){throw t=0,n}};var C_=(e,t,n,r)=>{if(t&&typeof t=="object"||typeof t=="function")for(let i of S_(t))!v_.call(e,i)&&i!==n&&es(e,i,{get:()=>t[i],enumerable:!(r=k_(t,i))||r.enumerable});return e};var gt=(e,t,n)=>(n=e!=null?E_(I_(e)):{},C_(t||!e||!e.__esModule?es(n,"default",{value:e,enumerable:!0}):n,e));var iu=Uint8Array.fromBase64||(e=>new Uint8Array(Buffer.from(e,"base64")));var Vn=(e,t,n)=>{if(t!=null){typeof t!="object"&&typeof t!="function"&&ru("Object expected");var r,i;n&&(r=t[nu("asyncDispose")]),r===void 0&&(r=t[nu("dispose")],n&&(i=r)),typeof r!="function"&&ru("Object not disposable"),i&&(r=function(){try{i.call(this)}catch(o){return Promise.reject(o)}}),e.push([n,r,t])}else n&&e.push([n]);return t},Jn=(e,t,n)=>{var r=typeof SuppressedError=="function"?SuppressedError:function(s,c,u,l){return l=Error(u),l.name="SuppressedError",l.error=s,l.suppressed=c,l},i=s=>t=n?new r(s,t,"An error was suppressed during disposal"):(n=!0,s),o=s=>{for(;s=e.pop();)try{var c=s[1]&&s[1].call(s[2]);if(s[0])return Promise.resolve(c).then(o,u=>(i(u),o()))}catch(u){i(u)}if(n)throw t};return o()};var uu=ze(cu=>{cu.HttpClient=class{}});var fu=ze(lu=>{lu.BearerCredentialHandler=class{}});var Pl=ze((YE,Nl)=>{"use strict";var Xt=a(e=>e!==null&&typeof e=="object"&&typeof e.pipe=="function","isStream");Xt.writable=e=>Xt(e)&&e.writable!==!1&&typeof e._write=="function"&&typeof e._writableState=="object";Xt.readable=e=>Xt(e)&&e.readable!==!1&&typeof e._read=="function"&&typeof e._readableState=="object";Xt.duplex=e=>Xt.writable(e)&&Xt.readable(e);Xt.transform=e=>Xt.duplex(e)&&typeof e._transform=="function";Nl.exports=Xt});var Ol=ze(()=>{});var Ll=ze(()=>{});var Dl=ze((n1,Ul)=>{Ul.exports=Mm;function Mm(e){var t=[];return e.forEach(function(n){/^[A-Za-z0-9_\/-]+$/.test(n)||(n="'"+n.replace(/'/g,"'\\''")+"'",n=n.replace(/^(?:'')+/g,"").replace(/\\'''/g,"\\'")),t.push(n)}),t.join(" ")}a(Mm,"shellescape")});var Di=ze((i1,Hl)=>{Hl.exports={newInvalidAsn1Error:a(function(e){var t=new Error;return t.name="InvalidAsn1Error",t.message=e||"",t},"newInvalidAsn1Error")}});var Hi=ze((s1,zl)=>{zl.exports={EOC:0,Boolean:1,Integer:2,BitString:3,OctetString:4,Null:5,OID:6,ObjectDescriptor:7,External:8,Real:9,Enumeration:10,PDV:11,Utf8String:12,RelativeOID:13,Sequence:16,Set:17,NumericString:18,PrintableString:19,T61String:20,VideotexString:21,IA5String:22,UTCTime:23,GeneralizedTime:24,GraphicString:25,VisibleString:26,GeneralString:28,UniversalString:29,CharacterString:30,BMPString:31,Constructor:32,Context:128}});var zs=ze((a1,Ml)=>{"use strict";var zi=require("buffer"),rr=zi.Buffer,zt={},Mt;for(Mt in zi)zi.hasOwnProperty(Mt)&&(Mt==="SlowBuffer"||Mt==="Buffer"||(zt[Mt]=zi[Mt]));var ir=zt.Buffer={};for(Mt in rr)rr.hasOwnProperty(Mt)&&(Mt==="allocUnsafe"||Mt==="allocUnsafeSlow"||(ir[Mt]=rr[Mt]));zt.Buffer.prototype=rr.prototype;(!ir.from||ir.from===Uint8Array.from)&&(ir.from=function(e,t,n){if(typeof e=="number")throw new TypeError('The "value" argument must not be of type number. Received type '+typeof e);if(e&&typeof e.length>"u")throw new TypeError("The first argument must be one of type string, Buffer, ArrayBuffer, Array, or Array-like Object. Received type "+typeof e);return rr(e,t,n)});ir.alloc||(ir.alloc=function(e,t,n){if(typeof e!="number")throw new TypeError('The "size" argument must be of type number. Received type '+typeof e);if(e<0||e>=2*(1<<30))throw new RangeError('The value "'+e+'" is invalid for option "size"');var r=rr(e);return!t||t.length===0?r.fill(0):typeof n=="string"?r.fill(t,n):r.fill(t),r});if(!zt.kStringMaxLength)try{zt.kStringMaxLength=process.binding("buffer").kStringMaxLength}catch{}zt.constants||(zt.constants={MAX_LENGTH:zt.kMaxLength},zt.kStringMaxLength&&(zt.constants.MAX_STRING_LENGTH=zt.kStringMaxLength));Ml.exports=zt});var Kl=ze((c1,Ql)=>{var Fm=require("assert"),Fl=zs().Buffer,Gr=Hi(),Qm=Di(),or=Qm.newInvalidAsn1Error;function Bt(e){if(!e||!Fl.isBuffer(e))throw new TypeError("data must be a node Buffer");this._buf=e,this._size=e.length,this._len=0,this._offset=0}a(Bt,"Reader");Object.defineProperty(Bt.prototype,"length",{enumerable:!0,get:a(function(){return this._len},"get")});Object.defineProperty(Bt.prototype,"offset",{enumerable:!0,get:a(function(){return this._offset},"get")});Object.defineProperty(Bt.prototype,"remain",{get:a(function(){return this._size-this._offset},"get")});Object.defineProperty(Bt.prototype,"buffer",{get:a(function(){return this._buf.slice(this._offset)},"get")});Bt.prototype.readByte=function(e){if(this._size-this._offset<1)return null;var t=this._buf[this._offset]&255;return e||(this._offset+=1),t};Bt.prototype.peek=function(){return this.readByte(!0)};Bt.prototype.readLength=function(e){if(e===void 0&&(e=this._offset),e>=this._size)return null;var t=this._buf[e++]&255;if(t===null)return null;if((t&128)===128){if(t&=127,t===0)throw or("Indefinite length not supported");if(t>4)throw or("encoding too long");if(this._size-e<t)return null;this._len=0;for(var n=0;n<t;n++)this._len=(this._len<<8)+(this._buf[e++]&255)}else this._len=t;return e};Bt.prototype.readSequence=function(e){var t=this.peek();if(t===null)return null;if(e!==void 0&&e!==t)throw or("Expected 0x"+e.toString(16)+": got 0x"+t.toString(16));var n=this.readLength(this._offset+1);return n===null?null:(this._offset=n,t)};Bt.prototype.readInt=function(){return this._readTag(Gr.Integer)};Bt.prototype.readBoolean=function(){return this._readTag(Gr.Boolean)!==0};Bt.prototype.readEnumeration=function(){return this._readTag(Gr.Enumeration)};Bt.prototype.readString=function(e,t){e||(e=Gr.OctetString);var n=this.peek();if(n===null)return null;if(n!==e)throw or("Expected 0x"+e.toString(16)+": got 0x"+n.toString(16));var r=this.readLength(this._offset+1);if(r===null||this.length>this._size-r)return null;if(this._offset=r,this.length===0)return t?Fl.alloc(0):"";var i=this._buf.slice(this._offset,this._offset+this.length);return this._offset+=this.length,t?i:i.toString("utf8")};Bt.prototype.readOID=function(e){e||(e=Gr.OID);var t=this.readString(e,!0);if(t===null)return null;for(var n=[],r=0,i=0;i<t.length;i++){var o=t[i]&255;r<<=7,r+=o&127,(o&128)===0&&(n.push(r),r=0)}return r=n.shift(),n.unshift(r%40),n.unshift(r/40>>0),n.join(".")};Bt.prototype._readTag=function(e){Fm.ok(e!==void 0);var t=this.peek();if(t===null)return null;if(t!==e)throw or("Expected 0x"+e.toString(16)+": got 0x"+t.toString(16));var n=this.readLength(this._offset+1);if(n===null)return null;if(this.length>4)throw or("Integer too long: "+this.length);if(this.length>this._size-n)return null;this._offset=n;for(var r=this._buf[this._offset],i=0,o=0;o<this.length;o++)i<<=8,i|=this._buf[this._offset++]&255;return(r&128)===128&&o!==4&&(i-=1<<o*8),i>>0};Ql.exports=Bt});var jl=ze((l1,Wl)=>{var An=require("assert"),Mi=zs().Buffer,yn=Hi(),Km=Di(),Fi=Km.newInvalidAsn1Error,Wm={size:1024,growthFactor:8};function jm(e,t){An.ok(e),An.equal(typeof e,"object"),An.ok(t),An.equal(typeof t,"object");var n=Object.getOwnPropertyNames(e);return n.forEach(function(r){if(!t[r]){var i=Object.getOwnPropertyDescriptor(e,r);Object.defineProperty(t,r,i)}}),t}a(jm,"merge");function St(e){e=jm(Wm,e||{}),this._buf=Mi.alloc(e.size||1024),this._size=this._buf.length,this._offset=0,this._options=e,this._seq=[]}a(St,"Writer");Object.defineProperty(St.prototype,"buffer",{get:a(function(){if(this._seq.length)throw Fi(this._seq.length+" unended sequence(s)");return this._buf.slice(0,this._offset)},"get")});St.prototype.writeByte=function(e){if(typeof e!="number")throw new TypeError("argument must be a Number");this._ensure(1),this._buf[this._offset++]=e};St.prototype.writeInt=function(e,t){if(typeof e!="number")throw new TypeError("argument must be a Number");typeof t!="number"&&(t=yn.Integer);for(var n=4;((e&4286578688)===0||(e&4286578688)===-8388608)&&n>1;)n--,e<<=8;if(n>4)throw Fi("BER ints cannot be > 0xffffffff");for(this._ensure(2+n),this._buf[this._offset++]=t,this._buf[this._offset++]=n;n-- >0;)this._buf[this._offset++]=(e&4278190080)>>>24,e<<=8};St.prototype.writeNull=function(){this.writeByte(yn.Null),this.writeByte(0)};St.prototype.writeEnumeration=function(e,t){if(typeof e!="number")throw new TypeError("argument must be a Number");return typeof t!="number"&&(t=yn.Enumeration),this.writeInt(e,t)};St.prototype.writeBoolean=function(e,t){if(typeof e!="boolean")throw new TypeError("argument must be a Boolean");typeof t!="number"&&(t=yn.Boolean),this._ensure(3),this._buf[this._offset++]=t,this._buf[this._offset++]=1,this._buf[this._offset++]=e?255:0};St.prototype.writeString=function(e,t){if(typeof e!="string")throw new TypeError("argument must be a string (was: "+typeof e+")");typeof t!="number"&&(t=yn.OctetString);var n=Mi.byteLength(e);this.writeByte(t),this.writeLength(n),n&&(this._ensure(n),this._buf.write(e,this._offset),this._offset+=n)};St.prototype.writeBuffer=function(e,t){if(typeof t!="number")throw new TypeError("tag must be a number");if(!Mi.isBuffer(e))throw new TypeError("argument must be a buffer");this.writeByte(t),this.writeLength(e.length),this._ensure(e.length),e.copy(this._buf,this._offset,0,e.length),this._offset+=e.length};St.prototype.writeStringArray=function(e){if(!e instanceof Array)throw new TypeError("argument must be an Array[String]");var t=this;e.forEach(function(n){t.writeString(n)})};St.prototype.writeOID=function(e,t){if(typeof e!="string")throw new TypeError("argument must be a string");if(typeof t!="number"&&(t=yn.OID),!/^([0-9]+\.){3,}[0-9]+$/.test(e))throw new Error("argument is not a valid OID string");function n(s,c){c<128?s.push(c):c<16384?(s.push(c>>>7|128),s.push(c&127)):c<2097152?(s.push(c>>>14|128),s.push((c>>>7|128)&255),s.push(c&127)):c<268435456?(s.push(c>>>21|128),s.push((c>>>14|128)&255),s.push((c>>>7|128)&255),s.push(c&127)):(s.push((c>>>28|128)&255),s.push((c>>>21|128)&255),s.push((c>>>14|128)&255),s.push((c>>>7|128)&255),s.push(c&127))}a(n,"encodeOctet");var r=e.split("."),i=[];i.push(parseInt(r[0],10)*40+parseInt(r[1],10)),r.slice(2).forEach(function(s){n(i,parseInt(s,10))});var o=this;this._ensure(2+i.length),this.writeByte(t),this.writeLength(i.length),i.forEach(function(s){o.writeByte(s)})};St.prototype.writeLength=function(e){if(typeof e!="number")throw new TypeError("argument must be a Number");if(this._ensure(4),e<=127)this._buf[this._offset++]=e;else if(e<=255)this._buf[this._offset++]=129,this._buf[this._offset++]=e;else if(e<=65535)this._buf[this._offset++]=130,this._buf[this._offset++]=e>>8,this._buf[this._offset++]=e;else if(e<=16777215)this._buf[this._offset++]=131,this._buf[this._offset++]=e>>16,this._buf[this._offset++]=e>>8,this._buf[this._offset++]=e;else throw Fi("Length too long (> 4 bytes)")};St.prototype.startSequence=function(e){typeof e!="number"&&(e=yn.Sequence|yn.Constructor),this.writeByte(e),this._seq.push(this._offset),this._ensure(3),this._offset+=3};St.prototype.endSequence=function(){var e=this._seq.pop(),t=e+3,n=this._offset-t;if(n<=127)this._shift(t,n,-2),this._buf[e]=n;else if(n<=255)this._shift(t,n,-1),this._buf[e]=129,this._buf[e+1]=n;else if(n<=65535)this._buf[e]=130,this._buf[e+1]=n>>8,this._buf[e+2]=n;else if(n<=16777215)this._shift(t,n,1),this._buf[e]=131,this._buf[e+1]=n>>16,this._buf[e+2]=n>>8,this._buf[e+3]=n;else throw Fi("Sequence too long")};St.prototype._shift=function(e,t,n){An.ok(e!==void 0),An.ok(t!==void 0),An.ok(n),this._buf.copy(this._buf,e+n,e,e+t),this._offset+=n};St.prototype._ensure=function(e){if(An.ok(e),this._size-this._offset<e){var t=this._size*this._options.growthFactor;t-this._offset<e&&(t+=e);var n=Mi.alloc(t);this._buf.copy(n,0,0,this._offset),this._buf=n,this._size=t}};Wl.exports=St});var Zl=ze((d1,Wi)=>{var Ms=Di(),Fs=Hi(),Zm=Kl(),Gm=jl();Wi.exports={Reader:Zm,Writer:Gm};for(Qi in Fs)Fs.hasOwnProperty(Qi)&&(Wi.exports[Qi]=Fs[Qi]);var Qi;for(Ki in Ms)Ms.hasOwnProperty(Ki)&&(Wi.exports[Ki]=Ms[Ki]);var Ki});var ji=ze((h1,Gl)=>{var Qs=Zl();Gl.exports={Ber:Qs,BerReader:Qs.Reader,BerWriter:Qs.Writer}});var ql=ze((p1,Zi)=>{(function(e){"use strict";var t=a(function(p){var m,g=new Float64Array(16);if(p)for(m=0;m<p.length;m++)g[m]=p[m];return g},"gf"),n=a(function(){throw new Error("no PRNG")},"randombytes"),r=new Uint8Array(16),i=new Uint8Array(32);i[0]=9;var o=t(),s=t([1]),c=t([56129,1]),u=t([30883,4953,19914,30187,55467,16705,2637,112,59544,30585,16505,36039,65139,11119,27886,20995]),l=t([61785,9906,39828,60374,45398,33411,5274,224,53552,61171,33010,6542,64743,22239,55772,9222]),d=t([54554,36645,11616,51542,42930,38181,51040,26924,56412,64982,57905,49316,21502,52590,14035,8553]),h=t([26200,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214]),_=t([41136,18958,6951,50414,58488,44335,6150,12099,55207,15867,153,11085,57099,20417,9344,11139]);function A(p,m,g,f){p[m]=g>>24&255,p[m+1]=g>>16&255,p[m+2]=g>>8&255,p[m+3]=g&255,p[m+4]=f>>24&255,p[m+5]=f>>16&255,p[m+6]=f>>8&255,p[m+7]=f&255}a(A,"ts64");function w(p,m,g,f,y){var S,v=0;for(S=0;S<y;S++)v|=p[m+S]^g[f+S];return(1&v-1>>>8)-1}a(w,"vn");function b(p,m,g,f){return w(p,m,g,f,16)}a(b,"crypto_verify_16");function x(p,m,g,f){return w(p,m,g,f,32)}a(x,"crypto_verify_32");function E(p,m,g,f){for(var y=f[0]&255|(f[1]&255)<<8|(f[2]&255)<<16|(f[3]&255)<<24,S=g[0]&255|(g[1]&255)<<8|(g[2]&255)<<16|(g[3]&255)<<24,v=g[4]&255|(g[5]&255)<<8|(g[6]&255)<<16|(g[7]&255)<<24,D=g[8]&255|(g[9]&255)<<8|(g[10]&255)<<16|(g[11]&255)<<24,Z=g[12]&255|(g[13]&255)<<8|(g[14]&255)<<16|(g[15]&255)<<24,oe=f[4]&255|(f[5]&255)<<8|(f[6]&255)<<16|(f[7]&255)<<24,J=m[0]&255|(m[1]&255)<<8|(m[2]&255)<<16|(m[3]&255)<<24,Ke=m[4]&255|(m[5]&255)<<8|(m[6]&255)<<16|(m[7]&255)<<24,ne=m[8]&255|(m[9]&255)<<8|(m[10]&255)<<16|(m[11]&255)<<24,ke=m[12]&255|(m[13]&255)<<8|(m[14]&255)<<16|(m[15]&255)<<24,Se=f[8]&255|(f[9]&255)<<8|(f[10]&255)<<16|(f[11]&255)<<24,Re=g[16]&255|(g[17]&255)<<8|(g[18]&255)<<16|(g[19]&255)<<24,Be=g[20]&255|(g[21]&255)<<8|(g[22]&255)<<16|(g[23]&255)<<24,Ie=g[24]&255|(g[25]&255)<<8|(g[26]&255)<<16|(g[27]&255)<<24,Ce=g[28]&255|(g[29]&255)<<8|(g[30]&255)<<16|(g[31]&255)<<24,ve=f[12]&255|(f[13]&255)<<8|(f[14]&255)<<16|(f[15]&255)<<24,se=y,he=S,ee=v,ae=D,le=Z,V=oe,R=J,T=Ke,Q=ne,U=ke,H=Se,K=Re,be=Be,Te=Ie,Pe=Ce,Ne=ve,$,Le=0;Le<20;Le+=2)$=se+be|0,le^=$<<7|$>>>25,$=le+se|0,Q^=$<<9|$>>>23,$=Q+le|0,be^=$<<13|$>>>19,$=be+Q|0,se^=$<<18|$>>>14,$=V+he|0,U^=$<<7|$>>>25,$=U+V|0,Te^=$<<9|$>>>23,$=Te+U|0,he^=$<<13|$>>>19,$=he+Te|0,V^=$<<18|$>>>14,$=H+R|0,Pe^=$<<7|$>>>25,$=Pe+H|0,ee^=$<<9|$>>>23,$=ee+Pe|0,R^=$<<13|$>>>19,$=R+ee|0,H^=$<<18|$>>>14,$=Ne+K|0,ae^=$<<7|$>>>25,$=ae+Ne|0,T^=$<<9|$>>>23,$=T+ae|0,K^=$<<13|$>>>19,$=K+T|0,Ne^=$<<18|$>>>14,$=se+ae|0,he^=$<<7|$>>>25,$=he+se|0,ee^=$<<9|$>>>23,$=ee+he|0,ae^=$<<13|$>>>19,$=ae+ee|0,se^=$<<18|$>>>14,$=V+le|0,R^=$<<7|$>>>25,$=R+V|0,T^=$<<9|$>>>23,$=T+R|0,le^=$<<13|$>>>19,$=le+T|0,V^=$<<18|$>>>14,$=H+U|0,K^=$<<7|$>>>25,$=K+H|0,Q^=$<<9|$>>>23,$=Q+K|0,U^=$<<13|$>>>19,$=U+Q|0,H^=$<<18|$>>>14,$=Ne+Pe|0,be^=$<<7|$>>>25,$=be+Ne|0,Te^=$<<9|$>>>23,$=Te+be|0,Pe^=$<<13|$>>>19,$=Pe+Te|0,Ne^=$<<18|$>>>14;se=se+y|0,he=he+S|0,ee=ee+v|0,ae=ae+D|0,le=le+Z|0,V=V+oe|0,R=R+J|0,T=T+Ke|0,Q=Q+ne|0,U=U+ke|0,H=H+Se|0,K=K+Re|0,be=be+Be|0,Te=Te+Ie|0,Pe=Pe+Ce|0,Ne=Ne+ve|0,p[0]=se>>>0&255,p[1]=se>>>8&255,p[2]=se>>>16&255,p[3]=se>>>24&255,p[4]=he>>>0&255,p[5]=he>>>8&255,p[6]=he>>>16&255,p[7]=he>>>24&255,p[8]=ee>>>0&255,p[9]=ee>>>8&255,p[10]=ee>>>16&255,p[11]=ee>>>24&255,p[12]=ae>>>0&255,p[13]=ae>>>8&255,p[14]=ae>>>16&255,p[15]=ae>>>24&255,p[16]=le>>>0&255,p[17]=le>>>8&255,p[18]=le>>>16&255,p[19]=le>>>24&255,p[20]=V>>>0&255,p[21]=V>>>8&255,p[22]=V>>>16&255,p[23]=V>>>24&255,p[24]=R>>>0&255,p[25]=R>>>8&255,p[26]=R>>>16&255,p[27]=R>>>24&255,p[28]=T>>>0&255,p[29]=T>>>8&255,p[30]=T>>>16&255,p[31]=T>>>24&255,p[32]=Q>>>0&255,p[33]=Q>>>8&255,p[34]=Q>>>16&255,p[35]=Q>>>24&255,p[36]=U>>>0&255,p[37]=U>>>8&255,p[38]=U>>>16&255,p[39]=U>>>24&255,p[40]=H>>>0&255,p[41]=H>>>8&255,p[42]=H>>>16&255,p[43]=H>>>24&255,p[44]=K>>>0&255,p[45]=K>>>8&255,p[46]=K>>>16&255,p[47]=K>>>24&255,p[48]=be>>>0&255,p[49]=be>>>8&255,p[50]=be>>>16&255,p[51]=be>>>24&255,p[52]=Te>>>0&255,p[53]=Te>>>8&255,p[54]=Te>>>16&255,p[55]=Te>>>24&255,p[56]=Pe>>>0&255,p[57]=Pe>>>8&255,p[58]=Pe>>>16&255,p[59]=Pe>>>24&255,p[60]=Ne>>>0&255,p[61]=Ne>>>8&255,p[62]=Ne>>>16&255,p[63]=Ne>>>24&255}a(E,"core_salsa20");function B(p,m,g,f){for(var y=f[0]&255|(f[1]&255)<<8|(f[2]&255)<<16|(f[3]&255)<<24,S=g[0]&255|(g[1]&255)<<8|(g[2]&255)<<16|(g[3]&255)<<24,v=g[4]&255|(g[5]&255)<<8|(g[6]&255)<<16|(g[7]&255)<<24,D=g[8]&255|(g[9]&255)<<8|(g[10]&255)<<16|(g[11]&255)<<24,Z=g[12]&255|(g[13]&255)<<8|(g[14]&255)<<16|(g[15]&255)<<24,oe=f[4]&255|(f[5]&255)<<8|(f[6]&255)<<16|(f[7]&255)<<24,J=m[0]&255|(m[1]&255)<<8|(m[2]&255)<<16|(m[3]&255)<<24,Ke=m[4]&255|(m[5]&255)<<8|(m[6]&255)<<16|(m[7]&255)<<24,ne=m[8]&255|(m[9]&255)<<8|(m[10]&255)<<16|(m[11]&255)<<24,ke=m[12]&255|(m[13]&255)<<8|(m[14]&255)<<16|(m[15]&255)<<24,Se=f[8]&255|(f[9]&255)<<8|(f[10]&255)<<16|(f[11]&255)<<24,Re=g[16]&255|(g[17]&255)<<8|(g[18]&255)<<16|(g[19]&255)<<24,Be=g[20]&255|(g[21]&255)<<8|(g[22]&255)<<16|(g[23]&255)<<24,Ie=g[24]&255|(g[25]&255)<<8|(g[26]&255)<<16|(g[27]&255)<<24,Ce=g[28]&255|(g[29]&255)<<8|(g[30]&255)<<16|(g[31]&255)<<24,ve=f[12]&255|(f[13]&255)<<8|(f[14]&255)<<16|(f[15]&255)<<24,se=y,he=S,ee=v,ae=D,le=Z,V=oe,R=J,T=Ke,Q=ne,U=ke,H=Se,K=Re,be=Be,Te=Ie,Pe=Ce,Ne=ve,$,Le=0;Le<20;Le+=2)$=se+be|0,le^=$<<7|$>>>25,$=le+se|0,Q^=$<<9|$>>>23,$=Q+le|0,be^=$<<13|$>>>19,$=be+Q|0,se^=$<<18|$>>>14,$=V+he|0,U^=$<<7|$>>>25,$=U+V|0,Te^=$<<9|$>>>23,$=Te+U|0,he^=$<<13|$>>>19,$=he+Te|0,V^=$<<18|$>>>14,$=H+R|0,Pe^=$<<7|$>>>25,$=Pe+H|0,ee^=$<<9|$>>>23,$=ee+Pe|0,R^=$<<13|$>>>19,$=R+ee|0,H^=$<<18|$>>>14,$=Ne+K|0,ae^=$<<7|$>>>25,$=ae+Ne|0,T^=$<<9|$>>>23,$=T+ae|0,K^=$<<13|$>>>19,$=K+T|0,Ne^=$<<18|$>>>14,$=se+ae|0,he^=$<<7|$>>>25,$=he+se|0,ee^=$<<9|$>>>23,$=ee+he|0,ae^=$<<13|$>>>19,$=ae+ee|0,se^=$<<18|$>>>14,$=V+le|0,R^=$<<7|$>>>25,$=R+V|0,T^=$<<9|$>>>23,$=T+R|0,le^=$<<13|$>>>19,$=le+T|0,V^=$<<18|$>>>14,$=H+U|0,K^=$<<7|$>>>25,$=K+H|0,Q^=$<<9|$>>>23,$=Q+K|0,U^=$<<13|$>>>19,$=U+Q|0,H^=$<<18|$>>>14,$=Ne+Pe|0,be^=$<<7|$>>>25,$=be+Ne|0,Te^=$<<9|$>>>23,$=Te+be|0,Pe^=$<<13|$>>>19,$=Pe+Te|0,Ne^=$<<18|$>>>14;p[0]=se>>>0&255,p[1]=se>>>8&255,p[2]=se>>>16&255,p[3]=se>>>24&255,p[4]=V>>>0&255,p[5]=V>>>8&255,p[6]=V>>>16&255,p[7]=V>>>24&255,p[8]=H>>>0&255,p[9]=H>>>8&255,p[10]=H>>>16&255,p[11]=H>>>24&255,p[12]=Ne>>>0&255,p[13]=Ne>>>8&255,p[14]=Ne>>>16&255,p[15]=Ne>>>24&255,p[16]=R>>>0&255,p[17]=R>>>8&255,p[18]=R>>>16&255,p[19]=R>>>24&255,p[20]=T>>>0&255,p[21]=T>>>8&255,p[22]=T>>>16&255,p[23]=T>>>24&255,p[24]=Q>>>0&255,p[25]=Q>>>8&255,p[26]=Q>>>16&255,p[27]=Q>>>24&255,p[28]=U>>>0&255,p[29]=U>>>8&255,p[30]=U>>>16&255,p[31]=U>>>24&255}a(B,"core_hsalsa20");function M(p,m,g,f){E(p,m,g,f)}a(M,"crypto_core_salsa20");function N(p,m,g,f){B(p,m,g,f)}a(N,"crypto_core_hsalsa20");var G=new Uint8Array([101,120,112,97,110,100,32,51,50,45,98,121,116,101,32,107]);function re(p,m,g,f,y,S,v){var D=new Uint8Array(16),Z=new Uint8Array(64),oe,J;for(J=0;J<16;J++)D[J]=0;for(J=0;J<8;J++)D[J]=S[J];for(;y>=64;){for(M(Z,D,v,G),J=0;J<64;J++)p[m+J]=g[f+J]^Z[J];for(oe=1,J=8;J<16;J++)oe=oe+(D[J]&255)|0,D[J]=oe&255,oe>>>=8;y-=64,m+=64,f+=64}if(y>0)for(M(Z,D,v,G),J=0;J<y;J++)p[m+J]=g[f+J]^Z[J];return 0}a(re,"crypto_stream_salsa20_xor");function xe(p,m,g,f,y){var S=new Uint8Array(16),v=new Uint8Array(64),D,Z;for(Z=0;Z<16;Z++)S[Z]=0;for(Z=0;Z<8;Z++)S[Z]=f[Z];for(;g>=64;){for(M(v,S,y,G),Z=0;Z<64;Z++)p[m+Z]=v[Z];for(D=1,Z=8;Z<16;Z++)D=D+(S[Z]&255)|0,S[Z]=D&255,D>>>=8;g-=64,m+=64}if(g>0)for(M(v,S,y,G),Z=0;Z<g;Z++)p[m+Z]=v[Z];return 0}a(xe,"crypto_stream_salsa20");function z(p,m,g,f,y){var S=new Uint8Array(32);N(S,f,y,G);for(var v=new Uint8Array(8),D=0;D<8;D++)v[D]=f[D+16];return xe(p,m,g,v,S)}a(z,"crypto_stream");function q(p,m,g,f,y,S,v){var D=new Uint8Array(32);N(D,S,v,G);for(var Z=new Uint8Array(8),oe=0;oe<8;oe++)Z[oe]=S[oe+16];return re(p,m,g,f,y,Z,D)}a(q,"crypto_stream_xor");var W=a(function(p){this.buffer=new Uint8Array(16),this.r=new Uint16Array(10),this.h=new Uint16Array(10),this.pad=new Uint16Array(8),this.leftover=0,this.fin=0;var m,g,f,y,S,v,D,Z;m=p[0]&255|(p[1]&255)<<8,this.r[0]=m&8191,g=p[2]&255|(p[3]&255)<<8,this.r[1]=(m>>>13|g<<3)&8191,f=p[4]&255|(p[5]&255)<<8,this.r[2]=(g>>>10|f<<6)&7939,y=p[6]&255|(p[7]&255)<<8,this.r[3]=(f>>>7|y<<9)&8191,S=p[8]&255|(p[9]&255)<<8,this.r[4]=(y>>>4|S<<12)&255,this.r[5]=S>>>1&8190,v=p[10]&255|(p[11]&255)<<8,this.r[6]=(S>>>14|v<<2)&8191,D=p[12]&255|(p[13]&255)<<8,this.r[7]=(v>>>11|D<<5)&8065,Z=p[14]&255|(p[15]&255)<<8,this.r[8]=(D>>>8|Z<<8)&8191,this.r[9]=Z>>>5&127,this.pad[0]=p[16]&255|(p[17]&255)<<8,this.pad[1]=p[18]&255|(p[19]&255)<<8,this.pad[2]=p[20]&255|(p[21]&255)<<8,this.pad[3]=p[22]&255|(p[23]&255)<<8,this.pad[4]=p[24]&255|(p[25]&255)<<8,this.pad[5]=p[26]&255|(p[27]&255)<<8,this.pad[6]=p[28]&255|(p[29]&255)<<8,this.pad[7]=p[30]&255|(p[31]&255)<<8},"poly1305");W.prototype.blocks=function(p,m,g){for(var f=this.fin?0:2048,y,S,v,D,Z,oe,J,Ke,ne,ke,Se,Re,Be,Ie,Ce,ve,se,he,ee,ae=this.h[0],le=this.h[1],V=this.h[2],R=this.h[3],T=this.h[4],Q=this.h[5],U=this.h[6],H=this.h[7],K=this.h[8],be=this.h[9],Te=this.r[0],Pe=this.r[1],Ne=this.r[2],$=this.r[3],Le=this.r[4],We=this.r[5],je=this.r[6],Oe=this.r[7],Fe=this.r[8],Qe=this.r[9];g>=16;)y=p[m+0]&255|(p[m+1]&255)<<8,ae+=y&8191,S=p[m+2]&255|(p[m+3]&255)<<8,le+=(y>>>13|S<<3)&8191,v=p[m+4]&255|(p[m+5]&255)<<8,V+=(S>>>10|v<<6)&8191,D=p[m+6]&255|(p[m+7]&255)<<8,R+=(v>>>7|D<<9)&8191,Z=p[m+8]&255|(p[m+9]&255)<<8,T+=(D>>>4|Z<<12)&8191,Q+=Z>>>1&8191,oe=p[m+10]&255|(p[m+11]&255)<<8,U+=(Z>>>14|oe<<2)&8191,J=p[m+12]&255|(p[m+13]&255)<<8,H+=(oe>>>11|J<<5)&8191,Ke=p[m+14]&255|(p[m+15]&255)<<8,K+=(J>>>8|Ke<<8)&8191,be+=Ke>>>5|f,ne=0,ke=ne,ke+=ae*Te,ke+=le*(5*Qe),ke+=V*(5*Fe),ke+=R*(5*Oe),ke+=T*(5*je),ne=ke>>>13,ke&=8191,ke+=Q*(5*We),ke+=U*(5*Le),ke+=H*(5*$),ke+=K*(5*Ne),ke+=be*(5*Pe),ne+=ke>>>13,ke&=8191,Se=ne,Se+=ae*Pe,Se+=le*Te,Se+=V*(5*Qe),Se+=R*(5*Fe),Se+=T*(5*Oe),ne=Se>>>13,Se&=8191,Se+=Q*(5*je),Se+=U*(5*We),Se+=H*(5*Le),Se+=K*(5*$),Se+=be*(5*Ne),ne+=Se>>>13,Se&=8191,Re=ne,Re+=ae*Ne,Re+=le*Pe,Re+=V*Te,Re+=R*(5*Qe),Re+=T*(5*Fe),ne=Re>>>13,Re&=8191,Re+=Q*(5*Oe),Re+=U*(5*je),Re+=H*(5*We),Re+=K*(5*Le),Re+=be*(5*$),ne+=Re>>>13,Re&=8191,Be=ne,Be+=ae*$,Be+=le*Ne,Be+=V*Pe,Be+=R*Te,Be+=T*(5*Qe),ne=Be>>>13,Be&=8191,Be+=Q*(5*Fe),Be+=U*(5*Oe),Be+=H*(5*je),Be+=K*(5*We),Be+=be*(5*Le),ne+=Be>>>13,Be&=8191,Ie=ne,Ie+=ae*Le,Ie+=le*$,Ie+=V*Ne,Ie+=R*Pe,Ie+=T*Te,ne=Ie>>>13,Ie&=8191,Ie+=Q*(5*Qe),Ie+=U*(5*Fe),Ie+=H*(5*Oe),Ie+=K*(5*je),Ie+=be*(5*We),ne+=Ie>>>13,Ie&=8191,Ce=ne,Ce+=ae*We,Ce+=le*Le,Ce+=V*$,Ce+=R*Ne,Ce+=T*Pe,ne=Ce>>>13,Ce&=8191,Ce+=Q*Te,Ce+=U*(5*Qe),Ce+=H*(5*Fe),Ce+=K*(5*Oe),Ce+=be*(5*je),ne+=Ce>>>13,Ce&=8191,ve=ne,ve+=ae*je,ve+=le*We,ve+=V*Le,ve+=R*$,ve+=T*Ne,ne=ve>>>13,ve&=8191,ve+=Q*Pe,ve+=U*Te,ve+=H*(5*Qe),ve+=K*(5*Fe),ve+=be*(5*Oe),ne+=ve>>>13,ve&=8191,se=ne,se+=ae*Oe,se+=le*je,se+=V*We,se+=R*Le,se+=T*$,ne=se>>>13,se&=8191,se+=Q*Ne,se+=U*Pe,se+=H*Te,se+=K*(5*Qe),se+=be*(5*Fe),ne+=se>>>13,se&=8191,he=ne,he+=ae*Fe,he+=le*Oe,he+=V*je,he+=R*We,he+=T*Le,ne=he>>>13,he&=8191,he+=Q*$,he+=U*Ne,he+=H*Pe,he+=K*Te,he+=be*(5*Qe),ne+=he>>>13,he&=8191,ee=ne,ee+=ae*Qe,ee+=le*Fe,ee+=V*Oe,ee+=R*je,ee+=T*We,ne=ee>>>13,ee&=8191,ee+=Q*Le,ee+=U*$,ee+=H*Ne,ee+=K*Pe,ee+=be*Te,ne+=ee>>>13,ee&=8191,ne=(ne<<2)+ne|0,ne=ne+ke|0,ke=ne&8191,ne=ne>>>13,Se+=ne,ae=ke,le=Se,V=Re,R=Be,T=Ie,Q=Ce,U=ve,H=se,K=he,be=ee,m+=16,g-=16;this.h[0]=ae,this.h[1]=le,this.h[2]=V,this.h[3]=R,this.h[4]=T,this.h[5]=Q,this.h[6]=U,this.h[7]=H,this.h[8]=K,this.h[9]=be},W.prototype.finish=function(p,m){var g=new Uint16Array(10),f,y,S,v;if(this.leftover){for(v=this.leftover,this.buffer[v++]=1;v<16;v++)this.buffer[v]=0;this.fin=1,this.blocks(this.buffer,0,16)}for(f=this.h[1]>>>13,this.h[1]&=8191,v=2;v<10;v++)this.h[v]+=f,f=this.h[v]>>>13,this.h[v]&=8191;for(this.h[0]+=f*5,f=this.h[0]>>>13,this.h[0]&=8191,this.h[1]+=f,f=this.h[1]>>>13,this.h[1]&=8191,this.h[2]+=f,g[0]=this.h[0]+5,f=g[0]>>>13,g[0]&=8191,v=1;v<10;v++)g[v]=this.h[v]+f,f=g[v]>>>13,g[v]&=8191;for(g[9]-=8192,y=(f^1)-1,v=0;v<10;v++)g[v]&=y;for(y=~y,v=0;v<10;v++)this.h[v]=this.h[v]&y|g[v];for(this.h[0]=(this.h[0]|this.h[1]<<13)&65535,this.h[1]=(this.h[1]>>>3|this.h[2]<<10)&65535,this.h[2]=(this.h[2]>>>6|this.h[3]<<7)&65535,this.h[3]=(this.h[3]>>>9|this.h[4]<<4)&65535,this.h[4]=(this.h[4]>>>12|this.h[5]<<1|this.h[6]<<14)&65535,this.h[5]=(this.h[6]>>>2|this.h[7]<<11)&65535,this.h[6]=(this.h[7]>>>5|this.h[8]<<8)&65535,this.h[7]=(this.h[8]>>>8|this.h[9]<<5)&65535,S=this.h[0]+this.pad[0],this.h[0]=S&65535,v=1;v<8;v++)S=(this.h[v]+this.pad[v]|0)+(S>>>16)|0,this.h[v]=S&65535;p[m+0]=this.h[0]>>>0&255,p[m+1]=this.h[0]>>>8&255,p[m+2]=this.h[1]>>>0&255,p[m+3]=this.h[1]>>>8&255,p[m+4]=this.h[2]>>>0&255,p[m+5]=this.h[2]>>>8&255,p[m+6]=this.h[3]>>>0&255,p[m+7]=this.h[3]>>>8&255,p[m+8]=this.h[4]>>>0&255,p[m+9]=this.h[4]>>>8&255,p[m+10]=this.h[5]>>>0&255,p[m+11]=this.h[5]>>>8&255,p[m+12]=this.h[6]>>>0&255,p[m+13]=this.h[6]>>>8&255,p[m+14]=this.h[7]>>>0&255,p[m+15]=this.h[7]>>>8&255},W.prototype.update=function(p,m,g){var f,y;if(this.leftover){for(y=16-this.leftover,y>g&&(y=g),f=0;f<y;f++)this.buffer[this.leftover+f]=p[m+f];if(g-=y,m+=y,this.leftover+=y,this.leftover<16)return;this.blocks(this.buffer,0,16),this.leftover=0}if(g>=16&&(y=g-g%16,this.blocks(p,m,y),m+=y,g-=y),g){for(f=0;f<g;f++)this.buffer[this.leftover+f]=p[m+f];this.leftover+=g}};function j(p,m,g,f,y,S){var v=new W(S);return v.update(g,f,y),v.finish(p,m),0}a(j,"crypto_onetimeauth");function te(p,m,g,f,y,S){var v=new Uint8Array(16);return j(v,0,g,f,y,S),b(p,m,v,0)}a(te,"crypto_onetimeauth_verify");function _e(p,m,g,f,y){var S;if(g<32)return-1;for(q(p,0,m,0,g,f,y),j(p,16,p,32,g-32,p),S=0;S<16;S++)p[S]=0;return 0}a(_e,"crypto_secretbox");function Y(p,m,g,f,y){var S,v=new Uint8Array(32);if(g<32||(z(v,0,32,f,y),te(m,16,m,32,g-32,v)!==0))return-1;for(q(p,0,m,0,g,f,y),S=0;S<32;S++)p[S]=0;return 0}a(Y,"crypto_secretbox_open");function ie(p,m){var g;for(g=0;g<16;g++)p[g]=m[g]|0}a(ie,"set25519");function de(p){var m,g,f=1;for(m=0;m<16;m++)g=p[m]+f+65535,f=Math.floor(g/65536),p[m]=g-f*65536;p[0]+=f-1+37*(f-1)}a(de,"car25519");function Ae(p,m,g){for(var f,y=~(g-1),S=0;S<16;S++)f=y&(p[S]^m[S]),p[S]^=f,m[S]^=f}a(Ae,"sel25519");function C(p,m){var g,f,y,S=t(),v=t();for(g=0;g<16;g++)v[g]=m[g];for(de(v),de(v),de(v),f=0;f<2;f++){for(S[0]=v[0]-65517,g=1;g<15;g++)S[g]=v[g]-65535-(S[g-1]>>16&1),S[g-1]&=65535;S[15]=v[15]-32767-(S[14]>>16&1),y=S[15]>>16&1,S[14]&=65535,Ae(v,S,1-y)}for(g=0;g<16;g++)p[2*g]=v[g]&255,p[2*g+1]=v[g]>>8}a(C,"pack25519");function O(p,m){var g=new Uint8Array(32),f=new Uint8Array(32);return C(g,p),C(f,m),x(g,0,f,0)}a(O,"neq25519");function P(p){var m=new Uint8Array(32);return C(m,p),m[0]&1}a(P,"par25519");function F(p,m){var g;for(g=0;g<16;g++)p[g]=m[2*g]+(m[2*g+1]<<8);p[15]&=32767}a(F,"unpack25519");function ce(p,m,g){for(var f=0;f<16;f++)p[f]=m[f]+g[f]}a(ce,"A");function fe(p,m,g){for(var f=0;f<16;f++)p[f]=m[f]-g[f]}a(fe,"Z");function ue(p,m,g){var f,y,S=0,v=0,D=0,Z=0,oe=0,J=0,Ke=0,ne=0,ke=0,Se=0,Re=0,Be=0,Ie=0,Ce=0,ve=0,se=0,he=0,ee=0,ae=0,le=0,V=0,R=0,T=0,Q=0,U=0,H=0,K=0,be=0,Te=0,Pe=0,Ne=0,$=g[0],Le=g[1],We=g[2],je=g[3],Oe=g[4],Fe=g[5],Qe=g[6],ut=g[7],Ge=g[8],st=g[9],at=g[10],ct=g[11],_t=g[12],xt=g[13],Et=g[14],kt=g[15];f=m[0],S+=f*$,v+=f*Le,D+=f*We,Z+=f*je,oe+=f*Oe,J+=f*Fe,Ke+=f*Qe,ne+=f*ut,ke+=f*Ge,Se+=f*st,Re+=f*at,Be+=f*ct,Ie+=f*_t,Ce+=f*xt,ve+=f*Et,se+=f*kt,f=m[1],v+=f*$,D+=f*Le,Z+=f*We,oe+=f*je,J+=f*Oe,Ke+=f*Fe,ne+=f*Qe,ke+=f*ut,Se+=f*Ge,Re+=f*st,Be+=f*at,Ie+=f*ct,Ce+=f*_t,ve+=f*xt,se+=f*Et,he+=f*kt,f=m[2],D+=f*$,Z+=f*Le,oe+=f*We,J+=f*je,Ke+=f*Oe,ne+=f*Fe,ke+=f*Qe,Se+=f*ut,Re+=f*Ge,Be+=f*st,Ie+=f*at,Ce+=f*ct,ve+=f*_t,se+=f*xt,he+=f*Et,ee+=f*kt,f=m[3],Z+=f*$,oe+=f*Le,J+=f*We,Ke+=f*je,ne+=f*Oe,ke+=f*Fe,Se+=f*Qe,Re+=f*ut,Be+=f*Ge,Ie+=f*st,Ce+=f*at,ve+=f*ct,se+=f*_t,he+=f*xt,ee+=f*Et,ae+=f*kt,f=m[4],oe+=f*$,J+=f*Le,Ke+=f*We,ne+=f*je,ke+=f*Oe,Se+=f*Fe,Re+=f*Qe,Be+=f*ut,Ie+=f*Ge,Ce+=f*st,ve+=f*at,se+=f*ct,he+=f*_t,ee+=f*xt,ae+=f*Et,le+=f*kt,f=m[5],J+=f*$,Ke+=f*Le,ne+=f*We,ke+=f*je,Se+=f*Oe,Re+=f*Fe,Be+=f*Qe,Ie+=f*ut,Ce+=f*Ge,ve+=f*st,se+=f*at,he+=f*ct,ee+=f*_t,ae+=f*xt,le+=f*Et,V+=f*kt,f=m[6],Ke+=f*$,ne+=f*Le,ke+=f*We,Se+=f*je,Re+=f*Oe,Be+=f*Fe,Ie+=f*Qe,Ce+=f*ut,ve+=f*Ge,se+=f*st,he+=f*at,ee+=f*ct,ae+=f*_t,le+=f*xt,V+=f*Et,R+=f*kt,f=m[7],ne+=f*$,ke+=f*Le,Se+=f*We,Re+=f*je,Be+=f*Oe,Ie+=f*Fe,Ce+=f*Qe,ve+=f*ut,se+=f*Ge,he+=f*st,ee+=f*at,ae+=f*ct,le+=f*_t,V+=f*xt,R+=f*Et,T+=f*kt,f=m[8],ke+=f*$,Se+=f*Le,Re+=f*We,Be+=f*je,Ie+=f*Oe,Ce+=f*Fe,ve+=f*Qe,se+=f*ut,he+=f*Ge,ee+=f*st,ae+=f*at,le+=f*ct,V+=f*_t,R+=f*xt,T+=f*Et,Q+=f*kt,f=m[9],Se+=f*$,Re+=f*Le,Be+=f*We,Ie+=f*je,Ce+=f*Oe,ve+=f*Fe,se+=f*Qe,he+=f*ut,ee+=f*Ge,ae+=f*st,le+=f*at,V+=f*ct,R+=f*_t,T+=f*xt,Q+=f*Et,U+=f*kt,f=m[10],Re+=f*$,Be+=f*Le,Ie+=f*We,Ce+=f*je,ve+=f*Oe,se+=f*Fe,he+=f*Qe,ee+=f*ut,ae+=f*Ge,le+=f*st,V+=f*at,R+=f*ct,T+=f*_t,Q+=f*xt,U+=f*Et,H+=f*kt,f=m[11],Be+=f*$,Ie+=f*Le,Ce+=f*We,ve+=f*je,se+=f*Oe,he+=f*Fe,ee+=f*Qe,ae+=f*ut,le+=f*Ge,V+=f*st,R+=f*at,T+=f*ct,Q+=f*_t,U+=f*xt,H+=f*Et,K+=f*kt,f=m[12],Ie+=f*$,Ce+=f*Le,ve+=f*We,se+=f*je,he+=f*Oe,ee+=f*Fe,ae+=f*Qe,le+=f*ut,V+=f*Ge,R+=f*st,T+=f*at,Q+=f*ct,U+=f*_t,H+=f*xt,K+=f*Et,be+=f*kt,f=m[13],Ce+=f*$,ve+=f*Le,se+=f*We,he+=f*je,ee+=f*Oe,ae+=f*Fe,le+=f*Qe,V+=f*ut,R+=f*Ge,T+=f*st,Q+=f*at,U+=f*ct,H+=f*_t,K+=f*xt,be+=f*Et,Te+=f*kt,f=m[14],ve+=f*$,se+=f*Le,he+=f*We,ee+=f*je,ae+=f*Oe,le+=f*Fe,V+=f*Qe,R+=f*ut,T+=f*Ge,Q+=f*st,U+=f*at,H+=f*ct,K+=f*_t,be+=f*xt,Te+=f*Et,Pe+=f*kt,f=m[15],se+=f*$,he+=f*Le,ee+=f*We,ae+=f*je,le+=f*Oe,V+=f*Fe,R+=f*Qe,T+=f*ut,Q+=f*Ge,U+=f*st,H+=f*at,K+=f*ct,be+=f*_t,Te+=f*xt,Pe+=f*Et,Ne+=f*kt,S+=38*he,v+=38*ee,D+=38*ae,Z+=38*le,oe+=38*V,J+=38*R,Ke+=38*T,ne+=38*Q,ke+=38*U,Se+=38*H,Re+=38*K,Be+=38*be,Ie+=38*Te,Ce+=38*Pe,ve+=38*Ne,y=1,f=S+y+65535,y=Math.floor(f/65536),S=f-y*65536,f=v+y+65535,y=Math.floor(f/65536),v=f-y*65536,f=D+y+65535,y=Math.floor(f/65536),D=f-y*65536,f=Z+y+65535,y=Math.floor(f/65536),Z=f-y*65536,f=oe+y+65535,y=Math.floor(f/65536),oe=f-y*65536,f=J+y+65535,y=Math.floor(f/65536),J=f-y*65536,f=Ke+y+65535,y=Math.floor(f/65536),Ke=f-y*65536,f=ne+y+65535,y=Math.floor(f/65536),ne=f-y*65536,f=ke+y+65535,y=Math.floor(f/65536),ke=f-y*65536,f=Se+y+65535,y=Math.floor(f/65536),Se=f-y*65536,f=Re+y+65535,y=Math.floor(f/65536),Re=f-y*65536,f=Be+y+65535,y=Math.floor(f/65536),Be=f-y*65536,f=Ie+y+65535,y=Math.floor(f/65536),Ie=f-y*65536,f=Ce+y+65535,y=Math.floor(f/65536),Ce=f-y*65536,f=ve+y+65535,y=Math.floor(f/65536),ve=f-y*65536,f=se+y+65535,y=Math.floor(f/65536),se=f-y*65536,S+=y-1+37*(y-1),y=1,f=S+y+65535,y=Math.floor(f/65536),S=f-y*65536,f=v+y+65535,y=Math.floor(f/65536),v=f-y*65536,f=D+y+65535,y=Math.floor(f/65536),D=f-y*65536,f=Z+y+65535,y=Math.floor(f/65536),Z=f-y*65536,f=oe+y+65535,y=Math.floor(f/65536),oe=f-y*65536,f=J+y+65535,y=Math.floor(f/65536),J=f-y*65536,f=Ke+y+65535,y=Math.floor(f/65536),Ke=f-y*65536,f=ne+y+65535,y=Math.floor(f/65536),ne=f-y*65536,f=ke+y+65535,y=Math.floor(f/65536),ke=f-y*65536,f=Se+y+65535,y=Math.floor(f/65536),Se=f-y*65536,f=Re+y+65535,y=Math.floor(f/65536),Re=f-y*65536,f=Be+y+65535,y=Math.floor(f/65536),Be=f-y*65536,f=Ie+y+65535,y=Math.floor(f/65536),Ie=f-y*65536,f=Ce+y+65535,y=Math.floor(f/65536),Ce=f-y*65536,f=ve+y+65535,y=Math.floor(f/65536),ve=f-y*65536,f=se+y+65535,y=Math.floor(f/65536),se=f-y*65536,S+=y-1+37*(y-1),p[0]=S,p[1]=v,p[2]=D,p[3]=Z,p[4]=oe,p[5]=J,p[6]=Ke,p[7]=ne,p[8]=ke,p[9]=Se,p[10]=Re,p[11]=Be,p[12]=Ie,p[13]=Ce,p[14]=ve,p[15]=se}a(ue,"M");function nt(p,m){ue(p,m,m)}a(nt,"S");function ht(p,m){var g=t(),f;for(f=0;f<16;f++)g[f]=m[f];for(f=253;f>=0;f--)nt(g,g),f!==2&&f!==4&&ue(g,g,m);for(f=0;f<16;f++)p[f]=g[f]}a(ht,"inv25519");function Lr(p,m){var g=t(),f;for(f=0;f<16;f++)g[f]=m[f];for(f=250;f>=0;f--)nt(g,g),f!==1&&ue(g,g,m);for(f=0;f<16;f++)p[f]=g[f]}a(Lr,"pow2523");function Kn(p,m,g){var f=new Uint8Array(32),y=new Float64Array(80),S,v,D=t(),Z=t(),oe=t(),J=t(),Ke=t(),ne=t();for(v=0;v<31;v++)f[v]=m[v];for(f[31]=m[31]&127|64,f[0]&=248,F(y,g),v=0;v<16;v++)Z[v]=y[v],J[v]=D[v]=oe[v]=0;for(D[0]=J[0]=1,v=254;v>=0;--v)S=f[v>>>3]>>>(v&7)&1,Ae(D,Z,S),Ae(oe,J,S),ce(Ke,D,oe),fe(D,D,oe),ce(oe,Z,J),fe(Z,Z,J),nt(J,Ke),nt(ne,D),ue(D,oe,D),ue(oe,Z,Ke),ce(Ke,D,oe),fe(D,D,oe),nt(Z,D),fe(oe,J,ne),ue(D,oe,c),ce(D,D,J),ue(oe,oe,D),ue(D,J,ne),ue(J,Z,y),nt(Z,Ke),Ae(D,Z,S),Ae(oe,J,S);for(v=0;v<16;v++)y[v+16]=D[v],y[v+32]=oe[v],y[v+48]=Z[v],y[v+64]=J[v];var ke=y.subarray(32),Se=y.subarray(16);return ht(ke,ke),ue(Se,Se,ke),C(p,Se),0}a(Kn,"crypto_scalarmult");function Wn(p,m){return Kn(p,m,i)}a(Wn,"crypto_scalarmult_base");function sn(p,m){return n(m,32),Wn(p,m)}a(sn,"crypto_box_keypair");function jn(p,m,g){var f=new Uint8Array(32);return Kn(f,g,m),N(p,r,f,G)}a(jn,"crypto_box_beforenm");var Ur=_e,xi=Y;function Dr(p,m,g,f,y,S){var v=new Uint8Array(32);return jn(v,y,S),Ur(p,m,g,f,v)}a(Dr,"crypto_box");function Zn(p,m,g,f,y,S){var v=new Uint8Array(32);return jn(v,y,S),xi(p,m,g,f,v)}a(Zn,"crypto_box_open");var Gn=[1116352408,3609767458,1899447441,602891725,3049323471,3964484399,3921009573,2173295548,961987163,4081628472,1508970993,3053834265,2453635748,2937671579,2870763221,3664609560,3624381080,2734883394,310598401,1164996542,607225278,1323610764,1426881987,3590304994,1925078388,4068182383,2162078206,991336113,2614888103,633803317,3248222580,3479774868,3835390401,2666613458,4022224774,944711139,264347078,2341262773,604807628,2007800933,770255983,1495990901,1249150122,1856431235,1555081692,3175218132,1996064986,2198950837,2554220882,3999719339,2821834349,766784016,2952996808,2566594879,3210313671,3203337956,3336571891,1034457026,3584528711,2466948901,113926993,3758326383,338241895,168717936,666307205,1188179964,773529912,1546045734,1294757372,1522805485,1396182291,2643833823,1695183700,2343527390,1986661051,1014477480,2177026350,1206759142,2456956037,344077627,2730485921,1290863460,2820302411,3158454273,3259730800,3505952657,3345764771,106217008,3516065817,3606008344,3600352804,1432725776,4094571909,1467031594,275423344,851169720,430227734,3100823752,506948616,1363258195,659060556,3750685593,883997877,3785050280,958139571,3318307427,1322822218,3812723403,1537002063,2003034995,1747873779,3602036899,1955562222,1575990012,2024104815,1125592928,2227730452,2716904306,2361852424,442776044,2428436474,593698344,2756734187,3733110249,3204031479,2999351573,3329325298,3815920427,3391569614,3928383900,3515267271,566280711,3940187606,3454069534,4118630271,4000239992,116418474,1914138554,174292421,2731055270,289380356,3203993006,460393269,320620315,685471733,587496836,852142971,1086792851,1017036298,365543100,1126000580,2618297676,1288033470,3409855158,1501505948,4234509866,1607167915,987167468,1816402316,1246189591];function L(p,m,g,f){for(var y=new Int32Array(16),S=new Int32Array(16),v,D,Z,oe,J,Ke,ne,ke,Se,Re,Be,Ie,Ce,ve,se,he,ee,ae,le,V,R,T,Q,U,H,K,be=p[0],Te=p[1],Pe=p[2],Ne=p[3],$=p[4],Le=p[5],We=p[6],je=p[7],Oe=m[0],Fe=m[1],Qe=m[2],ut=m[3],Ge=m[4],st=m[5],at=m[6],ct=m[7],_t=0;f>=128;){for(le=0;le<16;le++)V=8*le+_t,y[le]=g[V+0]<<24|g[V+1]<<16|g[V+2]<<8|g[V+3],S[le]=g[V+4]<<24|g[V+5]<<16|g[V+6]<<8|g[V+7];for(le=0;le<80;le++)if(v=be,D=Te,Z=Pe,oe=Ne,J=$,Ke=Le,ne=We,ke=je,Se=Oe,Re=Fe,Be=Qe,Ie=ut,Ce=Ge,ve=st,se=at,he=ct,R=je,T=ct,Q=T&65535,U=T>>>16,H=R&65535,K=R>>>16,R=($>>>14|Ge<<18)^($>>>18|Ge<<14)^(Ge>>>9|$<<23),T=(Ge>>>14|$<<18)^(Ge>>>18|$<<14)^($>>>9|Ge<<23),Q+=T&65535,U+=T>>>16,H+=R&65535,K+=R>>>16,R=$&Le^~$&We,T=Ge&st^~Ge&at,Q+=T&65535,U+=T>>>16,H+=R&65535,K+=R>>>16,R=Gn[le*2],T=Gn[le*2+1],Q+=T&65535,U+=T>>>16,H+=R&65535,K+=R>>>16,R=y[le%16],T=S[le%16],Q+=T&65535,U+=T>>>16,H+=R&65535,K+=R>>>16,U+=Q>>>16,H+=U>>>16,K+=H>>>16,ee=H&65535|K<<16,ae=Q&65535|U<<16,R=ee,T=ae,Q=T&65535,U=T>>>16,H=R&65535,K=R>>>16,R=(be>>>28|Oe<<4)^(Oe>>>2|be<<30)^(Oe>>>7|be<<25),T=(Oe>>>28|be<<4)^(be>>>2|Oe<<30)^(be>>>7|Oe<<25),Q+=T&65535,U+=T>>>16,H+=R&65535,K+=R>>>16,R=be&Te^be&Pe^Te&Pe,T=Oe&Fe^Oe&Qe^Fe&Qe,Q+=T&65535,U+=T>>>16,H+=R&65535,K+=R>>>16,U+=Q>>>16,H+=U>>>16,K+=H>>>16,ke=H&65535|K<<16,he=Q&65535|U<<16,R=oe,T=Ie,Q=T&65535,U=T>>>16,H=R&65535,K=R>>>16,R=ee,T=ae,Q+=T&65535,U+=T>>>16,H+=R&65535,K+=R>>>16,U+=Q>>>16,H+=U>>>16,K+=H>>>16,oe=H&65535|K<<16,Ie=Q&65535|U<<16,Te=v,Pe=D,Ne=Z,$=oe,Le=J,We=Ke,je=ne,be=ke,Fe=Se,Qe=Re,ut=Be,Ge=Ie,st=Ce,at=ve,ct=se,Oe=he,le%16===15)for(V=0;V<16;V++)R=y[V],T=S[V],Q=T&65535,U=T>>>16,H=R&65535,K=R>>>16,R=y[(V+9)%16],T=S[(V+9)%16],Q+=T&65535,U+=T>>>16,H+=R&65535,K+=R>>>16,ee=y[(V+1)%16],ae=S[(V+1)%16],R=(ee>>>1|ae<<31)^(ee>>>8|ae<<24)^ee>>>7,T=(ae>>>1|ee<<31)^(ae>>>8|ee<<24)^(ae>>>7|ee<<25),Q+=T&65535,U+=T>>>16,H+=R&65535,K+=R>>>16,ee=y[(V+14)%16],ae=S[(V+14)%16],R=(ee>>>19|ae<<13)^(ae>>>29|ee<<3)^ee>>>6,T=(ae>>>19|ee<<13)^(ee>>>29|ae<<3)^(ae>>>6|ee<<26),Q+=T&65535,U+=T>>>16,H+=R&65535,K+=R>>>16,U+=Q>>>16,H+=U>>>16,K+=H>>>16,y[V]=H&65535|K<<16,S[V]=Q&65535|U<<16;R=be,T=Oe,Q=T&65535,U=T>>>16,H=R&65535,K=R>>>16,R=p[0],T=m[0],Q+=T&65535,U+=T>>>16,H+=R&65535,K+=R>>>16,U+=Q>>>16,H+=U>>>16,K+=H>>>16,p[0]=be=H&65535|K<<16,m[0]=Oe=Q&65535|U<<16,R=Te,T=Fe,Q=T&65535,U=T>>>16,H=R&65535,K=R>>>16,R=p[1],T=m[1],Q+=T&65535,U+=T>>>16,H+=R&65535,K+=R>>>16,U+=Q>>>16,H+=U>>>16,K+=H>>>16,p[1]=Te=H&65535|K<<16,m[1]=Fe=Q&65535|U<<16,R=Pe,T=Qe,Q=T&65535,U=T>>>16,H=R&65535,K=R>>>16,R=p[2],T=m[2],Q+=T&65535,U+=T>>>16,H+=R&65535,K+=R>>>16,U+=Q>>>16,H+=U>>>16,K+=H>>>16,p[2]=Pe=H&65535|K<<16,m[2]=Qe=Q&65535|U<<16,R=Ne,T=ut,Q=T&65535,U=T>>>16,H=R&65535,K=R>>>16,R=p[3],T=m[3],Q+=T&65535,U+=T>>>16,H+=R&65535,K+=R>>>16,U+=Q>>>16,H+=U>>>16,K+=H>>>16,p[3]=Ne=H&65535|K<<16,m[3]=ut=Q&65535|U<<16,R=$,T=Ge,Q=T&65535,U=T>>>16,H=R&65535,K=R>>>16,R=p[4],T=m[4],Q+=T&65535,U+=T>>>16,H+=R&65535,K+=R>>>16,U+=Q>>>16,H+=U>>>16,K+=H>>>16,p[4]=$=H&65535|K<<16,m[4]=Ge=Q&65535|U<<16,R=Le,T=st,Q=T&65535,U=T>>>16,H=R&65535,K=R>>>16,R=p[5],T=m[5],Q+=T&65535,U+=T>>>16,H+=R&65535,K+=R>>>16,U+=Q>>>16,H+=U>>>16,K+=H>>>16,p[5]=Le=H&65535|K<<16,m[5]=st=Q&65535|U<<16,R=We,T=at,Q=T&65535,U=T>>>16,H=R&65535,K=R>>>16,R=p[6],T=m[6],Q+=T&65535,U+=T>>>16,H+=R&65535,K+=R>>>16,U+=Q>>>16,H+=U>>>16,K+=H>>>16,p[6]=We=H&65535|K<<16,m[6]=at=Q&65535|U<<16,R=je,T=ct,Q=T&65535,U=T>>>16,H=R&65535,K=R>>>16,R=p[7],T=m[7],Q+=T&65535,U+=T>>>16,H+=R&65535,K+=R>>>16,U+=Q>>>16,H+=U>>>16,K+=H>>>16,p[7]=je=H&65535|K<<16,m[7]=ct=Q&65535|U<<16,_t+=128,f-=128}return f}a(L,"crypto_hashblocks_hl");function X(p,m,g){var f=new Int32Array(8),y=new Int32Array(8),S=new Uint8Array(256),v,D=g;for(f[0]=1779033703,f[1]=3144134277,f[2]=1013904242,f[3]=2773480762,f[4]=1359893119,f[5]=2600822924,f[6]=528734635,f[7]=1541459225,y[0]=4089235720,y[1]=2227873595,y[2]=4271175723,y[3]=1595750129,y[4]=2917565137,y[5]=725511199,y[6]=4215389547,y[7]=327033209,L(f,y,m,g),g%=128,v=0;v<g;v++)S[v]=m[D-g+v];for(S[g]=128,g=256-128*(g<112?1:0),S[g-9]=0,A(S,g-8,D/536870912|0,D<<3),L(f,y,S,g),v=0;v<8;v++)A(p,8*v,f[v],y[v]);return 0}a(X,"crypto_hash");function ge(p,m){var g=t(),f=t(),y=t(),S=t(),v=t(),D=t(),Z=t(),oe=t(),J=t();fe(g,p[1],p[0]),fe(J,m[1],m[0]),ue(g,g,J),ce(f,p[0],p[1]),ce(J,m[0],m[1]),ue(f,f,J),ue(y,p[3],m[3]),ue(y,y,l),ue(S,p[2],m[2]),ce(S,S,S),fe(v,f,g),fe(D,S,y),ce(Z,S,y),ce(oe,f,g),ue(p[0],v,D),ue(p[1],oe,Z),ue(p[2],Z,D),ue(p[3],v,oe)}a(ge,"add");function Ee(p,m,g){var f;for(f=0;f<4;f++)Ae(p[f],m[f],g)}a(Ee,"cswap");function Me(p,m){var g=t(),f=t(),y=t();ht(y,m[2]),ue(g,m[0],y),ue(f,m[1],y),C(p,f),p[31]^=P(g)<<7}a(Me,"pack");function lt(p,m,g){var f,y;for(ie(p[0],o),ie(p[1],s),ie(p[2],s),ie(p[3],o),y=255;y>=0;--y)f=g[y/8|0]>>(y&7)&1,Ee(p,m,f),ge(m,p),ge(p,p),Ee(p,m,f)}a(lt,"scalarmult");function qt(p,m){var g=[t(),t(),t(),t()];ie(g[0],d),ie(g[1],h),ie(g[2],s),ue(g[3],d,h),lt(p,g,m)}a(qt,"scalarbase");function Nt(p,m,g){var f=new Uint8Array(64),y=[t(),t(),t(),t()],S;for(g||n(m,32),X(f,m,32),f[0]&=248,f[31]&=127,f[31]|=64,qt(y,f),Me(p,y),S=0;S<32;S++)m[S+32]=p[S];return 0}a(Nt,"crypto_sign_keypair");var qn=new Float64Array([237,211,245,92,26,99,18,88,214,156,247,162,222,249,222,20,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,16]);function Ze(p,m){var g,f,y,S;for(f=63;f>=32;--f){for(g=0,y=f-32,S=f-12;y<S;++y)m[y]+=g-16*m[f]*qn[y-(f-32)],g=m[y]+128>>8,m[y]-=g*256;m[y]+=g,m[f]=0}for(g=0,y=0;y<32;y++)m[y]+=g-(m[31]>>4)*qn[y],g=m[y]>>8,m[y]&=255;for(y=0;y<32;y++)m[y]-=g*qn[y];for(f=0;f<32;f++)m[f+1]+=m[f]>>8,p[f]=m[f]&255}a(Ze,"modL");function mt(p){var m=new Float64Array(64),g;for(g=0;g<64;g++)m[g]=p[g];for(g=0;g<64;g++)p[g]=0;Ze(p,m)}a(mt,"reduce");function pt(p,m,g,f){var y=new Uint8Array(64),S=new Uint8Array(64),v=new Uint8Array(64),D,Z,oe=new Float64Array(64),J=[t(),t(),t(),t()];X(y,f,32),y[0]&=248,y[31]&=127,y[31]|=64;var Ke=g+64;for(D=0;D<g;D++)p[64+D]=m[D];for(D=0;D<32;D++)p[32+D]=y[32+D];for(X(v,p.subarray(32),g+32),mt(v),qt(J,v),Me(p,J),D=32;D<64;D++)p[D]=f[D];for(X(S,p,g+64),mt(S),D=0;D<64;D++)oe[D]=0;for(D=0;D<32;D++)oe[D]=v[D];for(D=0;D<32;D++)for(Z=0;Z<32;Z++)oe[D+Z]+=S[D]*y[Z];return Ze(p.subarray(32),oe),Ke}a(pt,"crypto_sign");function it(p,m){var g=t(),f=t(),y=t(),S=t(),v=t(),D=t(),Z=t();return ie(p[2],s),F(p[1],m),nt(y,p[1]),ue(S,y,u),fe(y,y,p[2]),ce(S,p[2],S),nt(v,S),nt(D,v),ue(Z,D,v),ue(g,Z,y),ue(g,g,S),Lr(g,g),ue(g,g,y),ue(g,g,S),ue(g,g,S),ue(p[0],g,S),nt(f,p[0]),ue(f,f,S),O(f,y)&&ue(p[0],p[0],_),nt(f,p[0]),ue(f,f,S),O(f,y)?-1:(P(p[0])===m[31]>>7&&fe(p[0],o,p[0]),ue(p[3],p[0],p[1]),0)}a(it,"unpackneg");function Ve(p,m,g,f){var y,S,v=new Uint8Array(32),D=new Uint8Array(64),Z=[t(),t(),t(),t()],oe=[t(),t(),t(),t()];if(S=-1,g<64||it(oe,f))return-1;for(y=0;y<g;y++)p[y]=m[y];for(y=0;y<32;y++)p[y+32]=f[y];if(X(D,p,g),mt(D),lt(Z,oe,D),qt(oe,m.subarray(32)),ge(Z,oe),Me(v,Z),g-=64,x(m,0,v,0)){for(y=0;y<g;y++)p[y]=0;return-1}for(y=0;y<g;y++)p[y]=m[y+64];return S=g,S}a(Ve,"crypto_sign_open");var Dt=32,ot=24,Rn=32,Yn=16,Hr=32,Ei=32,zr=32,Mr=32,Xo=32,Jc=ot,w_=Rn,$_=Yn,an=64,Tn=32,Xn=64,Vo=32,Jo=64;e.lowlevel={crypto_core_hsalsa20:N,crypto_stream_xor:q,crypto_stream:z,crypto_stream_salsa20_xor:re,crypto_stream_salsa20:xe,crypto_onetimeauth:j,crypto_onetimeauth_verify:te,crypto_verify_16:b,crypto_verify_32:x,crypto_secretbox:_e,crypto_secretbox_open:Y,crypto_scalarmult:Kn,crypto_scalarmult_base:Wn,crypto_box_beforenm:jn,crypto_box_afternm:Ur,crypto_box:Dr,crypto_box_open:Zn,crypto_box_keypair:sn,crypto_hash:X,crypto_sign:pt,crypto_sign_keypair:Nt,crypto_sign_open:Ve,crypto_secretbox_KEYBYTES:Dt,crypto_secretbox_NONCEBYTES:ot,crypto_secretbox_ZEROBYTES:Rn,crypto_secretbox_BOXZEROBYTES:Yn,crypto_scalarmult_BYTES:Hr,crypto_scalarmult_SCALARBYTES:Ei,crypto_box_PUBLICKEYBYTES:zr,crypto_box_SECRETKEYBYTES:Mr,crypto_box_BEFORENMBYTES:Xo,crypto_box_NONCEBYTES:Jc,crypto_box_ZEROBYTES:w_,crypto_box_BOXZEROBYTES:$_,crypto_sign_BYTES:an,crypto_sign_PUBLICKEYBYTES:Tn,crypto_sign_SECRETKEYBYTES:Xn,crypto_sign_SEEDBYTES:Vo,crypto_hash_BYTES:Jo};function eu(p,m){if(p.length!==Dt)throw new Error("bad key size");if(m.length!==ot)throw new Error("bad nonce size")}a(eu,"checkLengths");function x_(p,m){if(p.length!==zr)throw new Error("bad public key size");if(m.length!==Mr)throw new Error("bad secret key size")}a(x_,"checkBoxLengths");function Pt(){var p,m;for(m=0;m<arguments.length;m++)if((p=Object.prototype.toString.call(arguments[m]))!=="[object Uint8Array]")throw new TypeError("unexpected type "+p+", use Uint8Array")}a(Pt,"checkArrayTypes");function tu(p){for(var m=0;m<p.length;m++)p[m]=0}a(tu,"cleanup"),e.util||(e.util={},e.util.decodeUTF8=e.util.encodeUTF8=e.util.encodeBase64=e.util.decodeBase64=function(){throw new Error("nacl.util moved into separate package: https://github.com/dchest/tweetnacl-util-js")}),e.randomBytes=function(p){var m=new Uint8Array(p);return n(m,p),m},e.secretbox=function(p,m,g){Pt(p,m,g),eu(g,m);for(var f=new Uint8Array(Rn+p.length),y=new Uint8Array(f.length),S=0;S<p.length;S++)f[S+Rn]=p[S];return _e(y,f,f.length,m,g),y.subarray(Yn)},e.secretbox.open=function(p,m,g){Pt(p,m,g),eu(g,m);for(var f=new Uint8Array(Yn+p.length),y=new Uint8Array(f.length),S=0;S<p.length;S++)f[S+Yn]=p[S];return f.length<32||Y(y,f,f.length,m,g)!==0?!1:y.subarray(Rn)},e.secretbox.keyLength=Dt,e.secretbox.nonceLength=ot,e.secretbox.overheadLength=Yn,e.scalarMult=function(p,m){if(Pt(p,m),p.length!==Ei)throw new Error("bad n size");if(m.length!==Hr)throw new Error("bad p size");var g=new Uint8Array(Hr);return Kn(g,p,m),g},e.scalarMult.base=function(p){if(Pt(p),p.length!==Ei)throw new Error("bad n size");var m=new Uint8Array(Hr);return Wn(m,p),m},e.scalarMult.scalarLength=Ei,e.scalarMult.groupElementLength=Hr,e.box=function(p,m,g,f){var y=e.box.before(g,f);return e.secretbox(p,m,y)},e.box.before=function(p,m){Pt(p,m),x_(p,m);var g=new Uint8Array(Xo);return jn(g,p,m),g},e.box.after=e.secretbox,e.box.open=function(p,m,g,f){var y=e.box.before(g,f);return e.secretbox.open(p,m,y)},e.box.open.after=e.secretbox.open,e.box.keyPair=function(){var p=new Uint8Array(zr),m=new Uint8Array(Mr);return sn(p,m),{publicKey:p,secretKey:m}},e.box.keyPair.fromSecretKey=function(p){if(Pt(p),p.length!==Mr)throw new Error("bad secret key size");var m=new Uint8Array(zr);return Wn(m,p),{publicKey:m,secretKey:new Uint8Array(p)}},e.box.publicKeyLength=zr,e.box.secretKeyLength=Mr,e.box.sharedKeyLength=Xo,e.box.nonceLength=Jc,e.box.overheadLength=e.secretbox.overheadLength,e.sign=function(p,m){if(Pt(p,m),m.length!==Xn)throw new Error("bad secret key size");var g=new Uint8Array(an+p.length);return pt(g,p,p.length,m),g},e.sign.open=function(p,m){if(arguments.length!==2)throw new Error("nacl.sign.open accepts 2 arguments; did you mean to use nacl.sign.detached.verify?");if(Pt(p,m),m.length!==Tn)throw new Error("bad public key size");var g=new Uint8Array(p.length),f=Ve(g,p,p.length,m);if(f<0)return null;for(var y=new Uint8Array(f),S=0;S<y.length;S++)y[S]=g[S];return y},e.sign.detached=function(p,m){for(var g=e.sign(p,m),f=new Uint8Array(an),y=0;y<f.length;y++)f[y]=g[y];return f},e.sign.detached.verify=function(p,m,g){if(Pt(p,m,g),m.length!==an)throw new Error("bad signature size");if(g.length!==Tn)throw new Error("bad public key size");var f=new Uint8Array(an+p.length),y=new Uint8Array(an+p.length),S;for(S=0;S<an;S++)f[S]=m[S];for(S=0;S<p.length;S++)f[S+an]=p[S];return Ve(y,f,f.length,g)>=0},e.sign.keyPair=function(){var p=new Uint8Array(Tn),m=new Uint8Array(Xn);return Nt(p,m),{publicKey:p,secretKey:m}},e.sign.keyPair.fromSecretKey=function(p){if(Pt(p),p.length!==Xn)throw new Error("bad secret key size");for(var m=new Uint8Array(Tn),g=0;g<m.length;g++)m[g]=p[32+g];return{publicKey:m,secretKey:new Uint8Array(p)}},e.sign.keyPair.fromSeed=function(p){if(Pt(p),p.length!==Vo)throw new Error("bad seed size");for(var m=new Uint8Array(Tn),g=new Uint8Array(Xn),f=0;f<32;f++)g[f]=p[f];return Nt(m,g,!0),{publicKey:m,secretKey:g}},e.sign.publicKeyLength=Tn,e.sign.secretKeyLength=Xn,e.sign.seedLength=Vo,e.sign.signatureLength=an,e.hash=function(p){Pt(p);var m=new Uint8Array(Jo);return X(m,p,p.length),m},e.hash.hashLength=Jo,e.verify=function(p,m){return Pt(p,m),p.length===0||m.length===0||p.length!==m.length?!1:w(p,0,m,0,p.length)===0},e.setPRNG=function(p){n=p},(function(){var p=typeof self<"u"?self.crypto||self.msCrypto:null;if(p&&p.getRandomValues){var m=65536;e.setPRNG(function(g,f){var y,S=new Uint8Array(f);for(y=0;y<f;y+=m)p.getRandomValues(S.subarray(y,y+Math.min(f-y,m)));for(y=0;y<f;y++)g[y]=S[y];tu(S)})}else typeof require<"u"&&(p=require("crypto"),p&&p.randomBytes&&e.setPRNG(function(g,f){var y,S=p.randomBytes(f);for(y=0;y<f;y++)g[y]=S[y];tu(S)}))})()})(typeof Zi<"u"&&Zi.exports?Zi.exports:self.nacl=self.nacl||{})});var Xl=ze((g1,Yl)=>{"use strict";var Ks=ql().lowlevel.crypto_hash,ln=0,Ln=a(function(){this.S=[new Uint32Array([3509652390,2564797868,805139163,3491422135,3101798381,1780907670,3128725573,4046225305,614570311,3012652279,134345442,2240740374,1667834072,1901547113,2757295779,4103290238,227898511,1921955416,1904987480,2182433518,2069144605,3260701109,2620446009,720527379,3318853667,677414384,3393288472,3101374703,2390351024,1614419982,1822297739,2954791486,3608508353,3174124327,2024746970,1432378464,3864339955,2857741204,1464375394,1676153920,1439316330,715854006,3033291828,289532110,2706671279,2087905683,3018724369,1668267050,732546397,1947742710,3462151702,2609353502,2950085171,1814351708,2050118529,680887927,999245976,1800124847,3300911131,1713906067,1641548236,4213287313,1216130144,1575780402,4018429277,3917837745,3693486850,3949271944,596196993,3549867205,258830323,2213823033,772490370,2760122372,1774776394,2652871518,566650946,4142492826,1728879713,2882767088,1783734482,3629395816,2517608232,2874225571,1861159788,326777828,3124490320,2130389656,2716951837,967770486,1724537150,2185432712,2364442137,1164943284,2105845187,998989502,3765401048,2244026483,1075463327,1455516326,1322494562,910128902,469688178,1117454909,936433444,3490320968,3675253459,1240580251,122909385,2157517691,634681816,4142456567,3825094682,3061402683,2540495037,79693498,3249098678,1084186820,1583128258,426386531,1761308591,1047286709,322548459,995290223,1845252383,2603652396,3431023940,2942221577,3202600964,3727903485,1712269319,422464435,3234572375,1170764815,3523960633,3117677531,1434042557,442511882,3600875718,1076654713,1738483198,4213154764,2393238008,3677496056,1014306527,4251020053,793779912,2902807211,842905082,4246964064,1395751752,1040244610,2656851899,3396308128,445077038,3742853595,3577915638,679411651,2892444358,2354009459,1767581616,3150600392,3791627101,3102740896,284835224,4246832056,1258075500,768725851,2589189241,3069724005,3532540348,1274779536,3789419226,2764799539,1660621633,3471099624,4011903706,913787905,3497959166,737222580,2514213453,2928710040,3937242737,1804850592,3499020752,2949064160,2386320175,2390070455,2415321851,4061277028,2290661394,2416832540,1336762016,1754252060,3520065937,3014181293,791618072,3188594551,3933548030,2332172193,3852520463,3043980520,413987798,3465142937,3030929376,4245938359,2093235073,3534596313,375366246,2157278981,2479649556,555357303,3870105701,2008414854,3344188149,4221384143,3956125452,2067696032,3594591187,2921233993,2428461,544322398,577241275,1471733935,610547355,4027169054,1432588573,1507829418,2025931657,3646575487,545086370,48609733,2200306550,1653985193,298326376,1316178497,3007786442,2064951626,458293330,2589141269,3591329599,3164325604,727753846,2179363840,146436021,1461446943,4069977195,705550613,3059967265,3887724982,4281599278,3313849956,1404054877,2845806497,146425753,1854211946]),new Uint32Array([1266315497,3048417604,3681880366,3289982499,290971e4,1235738493,2632868024,2414719590,3970600049,1771706367,1449415276,3266420449,422970021,1963543593,2690192192,3826793022,1062508698,1531092325,1804592342,2583117782,2714934279,4024971509,1294809318,4028980673,1289560198,2221992742,1669523910,35572830,157838143,1052438473,1016535060,1802137761,1753167236,1386275462,3080475397,2857371447,1040679964,2145300060,2390574316,1461121720,2956646967,4031777805,4028374788,33600511,2920084762,1018524850,629373528,3691585981,3515945977,2091462646,2486323059,586499841,988145025,935516892,3367335476,2599673255,2839830854,265290510,3972581182,2759138881,3795373465,1005194799,847297441,406762289,1314163512,1332590856,1866599683,4127851711,750260880,613907577,1450815602,3165620655,3734664991,3650291728,3012275730,3704569646,1427272223,778793252,1343938022,2676280711,2052605720,1946737175,3164576444,3914038668,3967478842,3682934266,1661551462,3294938066,4011595847,840292616,3712170807,616741398,312560963,711312465,1351876610,322626781,1910503582,271666773,2175563734,1594956187,70604529,3617834859,1007753275,1495573769,4069517037,2549218298,2663038764,504708206,2263041392,3941167025,2249088522,1514023603,1998579484,1312622330,694541497,2582060303,2151582166,1382467621,776784248,2618340202,3323268794,2497899128,2784771155,503983604,4076293799,907881277,423175695,432175456,1378068232,4145222326,3954048622,3938656102,3820766613,2793130115,2977904593,26017576,3274890735,3194772133,1700274565,1756076034,4006520079,3677328699,720338349,1533947780,354530856,688349552,3973924725,1637815568,332179504,3949051286,53804574,2852348879,3044236432,1282449977,3583942155,3416972820,4006381244,1617046695,2628476075,3002303598,1686838959,431878346,2686675385,1700445008,1080580658,1009431731,832498133,3223435511,2605976345,2271191193,2516031870,1648197032,4164389018,2548247927,300782431,375919233,238389289,3353747414,2531188641,2019080857,1475708069,455242339,2609103871,448939670,3451063019,1395535956,2413381860,1841049896,1491858159,885456874,4264095073,4001119347,1565136089,3898914787,1108368660,540939232,1173283510,2745871338,3681308437,4207628240,3343053890,4016749493,1699691293,1103962373,3625875870,2256883143,3830138730,1031889488,3479347698,1535977030,4236805024,3251091107,2132092099,1774941330,1199868427,1452454533,157007616,2904115357,342012276,595725824,1480756522,206960106,497939518,591360097,863170706,2375253569,3596610801,1814182875,2094937945,3421402208,1082520231,3463918190,2785509508,435703966,3908032597,1641649973,2842273706,3305899714,1510255612,2148256476,2655287854,3276092548,4258621189,236887753,3681803219,274041037,1734335097,3815195456,3317970021,1899903192,1026095262,4050517792,356393447,2410691914,3873677099,3682840055]),new Uint32Array([3913112168,2491498743,4132185628,2489919796,1091903735,1979897079,3170134830,3567386728,3557303409,857797738,1136121015,1342202287,507115054,2535736646,337727348,3213592640,1301675037,2528481711,1895095763,1721773893,3216771564,62756741,2142006736,835421444,2531993523,1442658625,3659876326,2882144922,676362277,1392781812,170690266,3921047035,1759253602,3611846912,1745797284,664899054,1329594018,3901205900,3045908486,2062866102,2865634940,3543621612,3464012697,1080764994,553557557,3656615353,3996768171,991055499,499776247,1265440854,648242737,3940784050,980351604,3713745714,1749149687,3396870395,4211799374,3640570775,1161844396,3125318951,1431517754,545492359,4268468663,3499529547,1437099964,2702547544,3433638243,2581715763,2787789398,1060185593,1593081372,2418618748,4260947970,69676912,2159744348,86519011,2512459080,3838209314,1220612927,3339683548,133810670,1090789135,1078426020,1569222167,845107691,3583754449,4072456591,1091646820,628848692,1613405280,3757631651,526609435,236106946,48312990,2942717905,3402727701,1797494240,859738849,992217954,4005476642,2243076622,3870952857,3732016268,765654824,3490871365,2511836413,1685915746,3888969200,1414112111,2273134842,3281911079,4080962846,172450625,2569994100,980381355,4109958455,2819808352,2716589560,2568741196,3681446669,3329971472,1835478071,660984891,3704678404,4045999559,3422617507,3040415634,1762651403,1719377915,3470491036,2693910283,3642056355,3138596744,1364962596,2073328063,1983633131,926494387,3423689081,2150032023,4096667949,1749200295,3328846651,309677260,2016342300,1779581495,3079819751,111262694,1274766160,443224088,298511866,1025883608,3806446537,1145181785,168956806,3641502830,3584813610,1689216846,3666258015,3200248200,1692713982,2646376535,4042768518,1618508792,1610833997,3523052358,4130873264,2001055236,3610705100,2202168115,4028541809,2961195399,1006657119,2006996926,3186142756,1430667929,3210227297,1314452623,4074634658,4101304120,2273951170,1399257539,3367210612,3027628629,1190975929,2062231137,2333990788,2221543033,2438960610,1181637006,548689776,2362791313,3372408396,3104550113,3145860560,296247880,1970579870,3078560182,3769228297,1714227617,3291629107,3898220290,166772364,1251581989,493813264,448347421,195405023,2709975567,677966185,3703036547,1463355134,2715995803,1338867538,1343315457,2802222074,2684532164,233230375,2599980071,2000651841,3277868038,1638401717,4028070440,3237316320,6314154,819756386,300326615,590932579,1405279636,3267499572,3150704214,2428286686,3959192993,3461946742,1862657033,1266418056,963775037,2089974820,2263052895,1917689273,448879540,3550394620,3981727096,150775221,3627908307,1303187396,508620638,2975983352,2726630617,1817252668,1876281319,1457606340,908771278,3720792119,3617206836,2455994898,1729034894,1080033504]),new Uint32Array([976866871,3556439503,2881648439,1522871579,1555064734,1336096578,3548522304,2579274686,3574697629,3205460757,3593280638,3338716283,3079412587,564236357,2993598910,1781952180,1464380207,3163844217,3332601554,1699332808,1393555694,1183702653,3581086237,1288719814,691649499,2847557200,2895455976,3193889540,2717570544,1781354906,1676643554,2592534050,3230253752,1126444790,2770207658,2633158820,2210423226,2615765581,2414155088,3127139286,673620729,2805611233,1269405062,4015350505,3341807571,4149409754,1057255273,2012875353,2162469141,2276492801,2601117357,993977747,3918593370,2654263191,753973209,36408145,2530585658,25011837,3520020182,2088578344,530523599,2918365339,1524020338,1518925132,3760827505,3759777254,1202760957,3985898139,3906192525,674977740,4174734889,2031300136,2019492241,3983892565,4153806404,3822280332,352677332,2297720250,60907813,90501309,3286998549,1016092578,2535922412,2839152426,457141659,509813237,4120667899,652014361,1966332200,2975202805,55981186,2327461051,676427537,3255491064,2882294119,3433927263,1307055953,942726286,933058658,2468411793,3933900994,4215176142,1361170020,2001714738,2830558078,3274259782,1222529897,1679025792,2729314320,3714953764,1770335741,151462246,3013232138,1682292957,1483529935,471910574,1539241949,458788160,3436315007,1807016891,3718408830,978976581,1043663428,3165965781,1927990952,4200891579,2372276910,3208408903,3533431907,1412390302,2931980059,4132332400,1947078029,3881505623,4168226417,2941484381,1077988104,1320477388,886195818,18198404,3786409e3,2509781533,112762804,3463356488,1866414978,891333506,18488651,661792760,1628790961,3885187036,3141171499,876946877,2693282273,1372485963,791857591,2686433993,3759982718,3167212022,3472953795,2716379847,445679433,3561995674,3504004811,3574258232,54117162,3331405415,2381918588,3769707343,4154350007,1140177722,4074052095,668550556,3214352940,367459370,261225585,2610173221,4209349473,3468074219,3265815641,314222801,3066103646,3808782860,282218597,3406013506,3773591054,379116347,1285071038,846784868,2669647154,3771962079,3550491691,2305946142,453669953,1268987020,3317592352,3279303384,3744833421,2610507566,3859509063,266596637,3847019092,517658769,3462560207,3443424879,370717030,4247526661,2224018117,4143653529,4112773975,2788324899,2477274417,1456262402,2901442914,1517677493,1846949527,2295493580,3734397586,2176403920,1280348187,1908823572,3871786941,846861322,1172426758,3287448474,3383383037,1655181056,3139813346,901632758,1897031941,2986607138,3066810236,3447102507,1393639104,373351379,950779232,625454576,3124240540,4148612726,2007998917,544563296,2244738638,2330496472,2058025392,1291430526,424198748,50039436,29584100,3605783033,2429876329,2791104160,1057563949,3255363231,3075367218,3463963227,1469046755,985887462])],this.P=new Uint32Array([608135816,2242054355,320440878,57701188,2752067618,698298832,137296536,3964562569,1160258022,953160567,3193202383,887688300,3232508343,3380367581,1065670069,3041331479,2450970073,2306472731])},"Blowfish");function qi(e,t,n){return(e[0][t[n+3]]+e[1][t[n+2]]^e[2][t[n+1]])+e[3][t[n]]}a(qi,"F");Ln.prototype.encipher=function(e,t){t===void 0&&(t=new Uint8Array(e.buffer),e.byteOffset!==0&&(t=t.subarray(e.byteOffset))),e[0]^=this.P[0];for(var n=1;n<16;n+=2)e[1]^=qi(this.S,t,0)^this.P[n],e[0]^=qi(this.S,t,4)^this.P[n+1];var r=e[0];e[0]=e[1]^this.P[17],e[1]=r};Ln.prototype.decipher=function(e){var t=new Uint8Array(e.buffer);e.byteOffset!==0&&(t=t.subarray(e.byteOffset)),e[0]^=this.P[17];for(var n=16;n>0;n-=2)e[1]^=qi(this.S,t,0)^this.P[n],e[0]^=qi(this.S,t,4)^this.P[n-1];var r=e[0];e[0]=e[1]^this.P[0],e[1]=r};function On(e,t){var n,r=0;for(n=0;n<4;n++,ln++)ln>=t&&(ln=0),r=r<<8|e[ln];return r}a(On,"stream2word");Ln.prototype.expand0state=function(e,t){var n=new Uint32Array(2),r,i,o=new Uint8Array(n.buffer);for(r=0,ln=0;r<18;r++)this.P[r]^=On(e,t);for(ln=0,r=0;r<18;r+=2)this.encipher(n,o),this.P[r]=n[0],this.P[r+1]=n[1];for(r=0;r<4;r++)for(i=0;i<256;i+=2)this.encipher(n,o),this.S[r][i]=n[0],this.S[r][i+1]=n[1]};Ln.prototype.expandstate=function(e,t,n,r){var i=new Uint32Array(2),o,s;for(o=0,ln=0;o<18;o++)this.P[o]^=On(n,r);for(o=0,ln=0;o<18;o+=2)i[0]^=On(e,t),i[1]^=On(e,t),this.encipher(i),this.P[o]=i[0],this.P[o+1]=i[1];for(o=0;o<4;o++)for(s=0;s<256;s+=2)i[0]^=On(e,t),i[1]^=On(e,t),this.encipher(i),this.S[o][s]=i[0],this.S[o][s+1]=i[1];ln=0};Ln.prototype.enc=function(e,t){for(var n=0;n<t;n++)this.encipher(e.subarray(n*2))};Ln.prototype.dec=function(e,t){for(var n=0;n<t;n++)this.decipher(e.subarray(n*2))};var Gi=8,Ws=32;function js(e,t,n){var r=new Ln,i=new Uint32Array(Gi),o,s=new Uint8Array([79,120,121,99,104,114,111,109,97,116,105,99,66,108,111,119,102,105,115,104,83,119,97,116,68,121,110,97,109,105,116,101]);for(r.expandstate(t,64,e,64),o=0;o<64;o++)r.expand0state(t,64),r.expand0state(e,64);for(o=0;o<Gi;o++)i[o]=On(s,s.byteLength);for(o=0;o<64;o++)r.enc(i,i.byteLength/8);for(o=0;o<Gi;o++)n[4*o+3]=i[o]>>>24,n[4*o+2]=i[o]>>>16,n[4*o+1]=i[o]>>>8,n[4*o+0]=i[o]}a(js,"bcrypt_hash");function qm(e,t,n,r,i,o,s){var c=new Uint8Array(64),u=new Uint8Array(64),l=new Uint8Array(Ws),d=new Uint8Array(Ws),h=new Uint8Array(r+4),_,A,w,b,x,E,B=o;if(s<1||t===0||r===0||o===0||o>l.byteLength*l.byteLength||r>1<<20)return-1;for(b=Math.floor((o+l.byteLength-1)/l.byteLength),w=Math.floor((o+b-1)/b),_=0;_<r;_++)h[_]=n[_];for(Ks(c,e,t),E=1;o>0;E++){for(h[r+0]=E>>>24,h[r+1]=E>>>16,h[r+2]=E>>>8,h[r+3]=E,Ks(u,h,r+4),js(c,u,d),_=l.byteLength;_--;)l[_]=d[_];for(_=1;_<s;_++)for(Ks(u,d,d.byteLength),js(c,u,d),A=0;A<l.byteLength;A++)l[A]^=d[A];for(w=Math.min(w,o),_=0;_<w&&(x=_*b+(E-1),!(x>=B));_++)i[x]=l[_];o-=_}return 0}a(qm,"bcrypt_pbkdf");Yl.exports={BLOCKS:Gi,HASHSIZE:Ws,hash:js,pbkdf:qm}});var Jl=ze(Vl=>{Vl.pbkdf=(...e)=>Xl().pbkdf(...e)});var ef=ze(()=>{});var wn=ze((w1,Xi)=>{"use strict";var fn=require("crypto"),ar;try{ar=ef()()}catch{}var{bindingAvailable:tf,CIPHER_INFO:Ym,MAC_INFO:Xm}=cr(),nf=(()=>{if(typeof fn.sign=="function"&&typeof fn.verify=="function"){let e=`-----BEGIN PRIVATE KEY-----\r
MC4CAQAwBQYDK2VwBCIEIHKj+sVa9WcD/q2DJUJaf43Kptc8xYuUQA4bOFj9vC8T\r
-----END PRIVATE KEY-----`,t=Buffer.from("a"),n,r;try{n=fn.sign(null,t,e),r=fn.verify(null,t,e,n)}catch{}return Buffer.isBuffer(n)&&n.length===64&&r===!0}return!1})(),rf=typeof fn.diffieHellman=="function"&&typeof fn.generateKeyPairSync=="function"&&typeof fn.createPublicKey=="function",Yi=["ecdh-sha2-nistp256","ecdh-sha2-nistp384","ecdh-sha2-nistp521","diffie-hellman-group-exchange-sha256","diffie-hellman-group14-sha256","diffie-hellman-group15-sha512","diffie-hellman-group16-sha512","diffie-hellman-group17-sha512","diffie-hellman-group18-sha512"];rf&&(Yi.unshift("curve25519-sha256"),Yi.unshift("curve25519-sha256@libssh.org"));var Vm=Yi.concat(["diffie-hellman-group-exchange-sha1","diffie-hellman-group14-sha1","diffie-hellman-group1-sha1"]),Zs=["ecdsa-sha2-nistp256","ecdsa-sha2-nistp384","ecdsa-sha2-nistp521","rsa-sha2-512","rsa-sha2-256","ssh-rsa"];nf&&Zs.unshift("ssh-ed25519");var Jm=Zs.concat(["ssh-dss"]),of=(()=>{let e=fn.getCiphers();return t=>e.includes(Ym[t].sslName)})(),bn=["aes128-gcm@openssh.com","aes256-gcm@openssh.com","aes128-ctr","aes192-ctr","aes256-ctr"];ar&&ar.flags&&!ar.flags.aes?tf?bn.unshift("chacha20-poly1305@openssh.com"):bn.push("chacha20-poly1305@openssh.com"):tf&&ar&&ar.arch==="x86"?bn.splice(4,0,"chacha20-poly1305@openssh.com"):bn.push("chacha20-poly1305@openssh.com");bn=bn.filter(of);var e0=bn.concat(["aes256-cbc","aes192-cbc","aes128-cbc","blowfish-cbc","3des-cbc","aes128-gcm","aes256-gcm","arcfour256","arcfour128","cast128-cbc","arcfour"].filter(of)),sf=(()=>{let e=fn.getHashes();return t=>e.includes(Xm[t].sslName)})(),af=["hmac-sha2-256-etm@openssh.com","hmac-sha2-512-etm@openssh.com","hmac-sha1-etm@openssh.com","hmac-sha2-256","hmac-sha2-512","hmac-sha1"].filter(sf),t0=af.concat(["hmac-md5","hmac-sha2-256-96","hmac-sha2-512-96","hmac-ripemd160","hmac-sha1-96","hmac-md5-96"].filter(sf)),cf=["none","zlib@openssh.com","zlib"],n0=cf.concat([]),sr={BAD_DHGEX:1,OLD_EXIT:2,DYN_RPORT_BUG:4,BUG_DHGEX_LARGE:8,IMPLY_RSA_SHA2_SIGALGS:16};Xi.exports={MESSAGE:{DISCONNECT:1,IGNORE:2,UNIMPLEMENTED:3,DEBUG:4,SERVICE_REQUEST:5,SERVICE_ACCEPT:6,EXT_INFO:7,KEXINIT:20,NEWKEYS:21,KEXDH_INIT:30,KEXDH_REPLY:31,KEXDH_GEX_GROUP:31,KEXDH_GEX_INIT:32,KEXDH_GEX_REPLY:33,KEXDH_GEX_REQUEST:34,KEXECDH_INIT:30,KEXECDH_REPLY:31,USERAUTH_REQUEST:50,USERAUTH_FAILURE:51,USERAUTH_SUCCESS:52,USERAUTH_BANNER:53,USERAUTH_PASSWD_CHANGEREQ:60,USERAUTH_PK_OK:60,USERAUTH_INFO_REQUEST:60,USERAUTH_INFO_RESPONSE:61,GLOBAL_REQUEST:80,REQUEST_SUCCESS:81,REQUEST_FAILURE:82,CHANNEL_OPEN:90,CHANNEL_OPEN_CONFIRMATION:91,CHANNEL_OPEN_FAILURE:92,CHANNEL_WINDOW_ADJUST:93,CHANNEL_DATA:94,CHANNEL_EXTENDED_DATA:95,CHANNEL_EOF:96,CHANNEL_CLOSE:97,CHANNEL_REQUEST:98,CHANNEL_SUCCESS:99,CHANNEL_FAILURE:100},DISCONNECT_REASON:{HOST_NOT_ALLOWED_TO_CONNECT:1,PROTOCOL_ERROR:2,KEY_EXCHANGE_FAILED:3,RESERVED:4,MAC_ERROR:5,COMPRESSION_ERROR:6,SERVICE_NOT_AVAILABLE:7,PROTOCOL_VERSION_NOT_SUPPORTED:8,HOST_KEY_NOT_VERIFIABLE:9,CONNECTION_LOST:10,BY_APPLICATION:11,TOO_MANY_CONNECTIONS:12,AUTH_CANCELED_BY_USER:13,NO_MORE_AUTH_METHODS_AVAILABLE:14,ILLEGAL_USER_NAME:15},DISCONNECT_REASON_STR:void 0,CHANNEL_OPEN_FAILURE:{ADMINISTRATIVELY_PROHIBITED:1,CONNECT_FAILED:2,UNKNOWN_CHANNEL_TYPE:3,RESOURCE_SHORTAGE:4},TERMINAL_MODE:{TTY_OP_END:0,VINTR:1,VQUIT:2,VERASE:3,VKILL:4,VEOF:5,VEOL:6,VEOL2:7,VSTART:8,VSTOP:9,VSUSP:10,VDSUSP:11,VREPRINT:12,VWERASE:13,VLNEXT:14,VFLUSH:15,VSWTCH:16,VSTATUS:17,VDISCARD:18,IGNPAR:30,PARMRK:31,INPCK:32,ISTRIP:33,INLCR:34,IGNCR:35,ICRNL:36,IUCLC:37,IXON:38,IXANY:39,IXOFF:40,IMAXBEL:41,ISIG:50,ICANON:51,XCASE:52,ECHO:53,ECHOE:54,ECHOK:55,ECHONL:56,NOFLSH:57,TOSTOP:58,IEXTEN:59,ECHOCTL:60,ECHOKE:61,PENDIN:62,OPOST:70,OLCUC:71,ONLCR:72,OCRNL:73,ONOCR:74,ONLRET:75,CS7:90,CS8:91,PARENB:92,PARODD:93,TTY_OP_ISPEED:128,TTY_OP_OSPEED:129},CHANNEL_EXTENDED_DATATYPE:{STDERR:1},SIGNALS:["ABRT","ALRM","FPE","HUP","ILL","INT","QUIT","SEGV","TERM","USR1","USR2","KILL","PIPE"].reduce((e,t)=>({...e,[t]:1}),{}),COMPAT:sr,COMPAT_CHECKS:[["Cisco-1.25",sr.BAD_DHGEX],[/^Cisco-1[.]/,sr.BUG_DHGEX_LARGE],[/^[0-9.]+$/,sr.OLD_EXIT],[/^OpenSSH_5[.][0-9]+/,sr.DYN_RPORT_BUG],[/^OpenSSH_7[.]4/,sr.IMPLY_RSA_SHA2_SIGALGS]],DEFAULT_KEX:Yi,SUPPORTED_KEX:Vm,DEFAULT_SERVER_HOST_KEY:Zs,SUPPORTED_SERVER_HOST_KEY:Jm,DEFAULT_CIPHER:bn,SUPPORTED_CIPHER:e0,DEFAULT_MAC:af,SUPPORTED_MAC:t0,DEFAULT_COMPRESSION:cf,SUPPORTED_COMPRESSION:n0,curve25519Supported:rf,eddsaSupported:nf};Xi.exports.DISCONNECT_REASON_BY_VALUE=Array.from(Object.entries(Xi.exports.DISCONNECT_REASON)).reduce((e,[t,n])=>({...e,[n]:t}),{})});var dn=ze(($1,df)=>{"use strict";var Ft=ji().Ber,Vi,ff=Buffer[Symbol.species],r0=Object.getPrototypeOf(Uint8Array.prototype).fill;function uf(e,t){return e[t++]*16777216+e[t++]*65536+e[t++]*256+e[t]}a(uf,"readUInt32BE");function qr(e,t,n,r,i){i||(i=0),r>e.length&&(r=e.length);let o=r-n,s=t.length-i;return o>s&&(o=s),t.set(new Uint8Array(e.buffer,e.byteOffset+n,o),i),o}a(qr,"bufferCopy");function Yr(e,t,n){return n===void 0&&(n=e.length),new ff(e.buffer,e.byteOffset+t,n-t)}a(Yr,"bufferSlice");function qs(){let e=0,t,n={init:a((r,i)=>{t=r,e=typeof i=="number"?i:0},"init"),pos:a(()=>e,"pos"),length:a(()=>t?t.length:0,"length"),avail:a(()=>t&&e<t.length?t.length-e:0,"avail"),clear:a(()=>{t=void 0},"clear"),readUInt32BE:a(()=>{if(!(!t||e+3>=t.length))return t[e++]*16777216+t[e++]*65536+t[e++]*256+t[e++]},"readUInt32BE"),readUInt64BE:a(r=>{if(!(!t||e+7>=t.length))switch(r){case"always":return BigInt(`0x${t.hexSlice(e,e+=8)}`);case"maybe":if(t[e]>31)return BigInt(`0x${t.hexSlice(e,e+=8)}`);default:return t[e++]*72057594037927940+t[e++]*281474976710656+t[e++]*1099511627776+t[e++]*4294967296+t[e++]*16777216+t[e++]*65536+t[e++]*256+t[e++]}},"readUInt64BE"),skip:a(r=>{t&&r>0&&(e+=r)},"skip"),skipString:a(()=>{let r=n.readUInt32BE();if(r!==void 0)return e+=r,e<=t.length?r:void 0},"skipString"),readByte:a(()=>{if(t&&e<t.length)return t[e++]},"readByte"),readBool:a(()=>{if(t&&e<t.length)return!!t[e++]},"readBool"),readList:a(()=>{let r=n.readString(!0);if(r!==void 0)return r?r.split(","):[]},"readList"),readString:a((r,i)=>{typeof r=="number"&&(i=r,r=void 0);let o=n.readUInt32BE();if(o!==void 0&&!(t.length-e<o||typeof i=="number"&&o>i))return r?Buffer.isBuffer(r)?qr(t,r,e,e+=o):t.utf8Slice(e,e+=o):Yr(t,e,e+=o)},"readString"),readRaw:a(r=>{if(t){if(typeof r!="number")return Yr(t,e,e+=t.length-e);if(t.length-e>=r)return Yr(t,e,e+=r)}},"readRaw")};return n}a(qs,"makeBufferParser");function lf(e,t,n){let r=new Error(e);return typeof t=="boolean"?(n=t,r.level="protocol"):r.level=t||"protocol",r.fatal=!!n,r}a(lf,"makeError");function Gs(e,t,n){return e[n++]=t>>>24,e[n++]=t>>>16,e[n++]=t>>>8,e[n++]=t,n}a(Gs,"writeUInt32BE");var Ji=qs();df.exports={bufferCopy:qr,bufferSlice:Yr,FastBuffer:ff,bufferFill:a((e,t,n,r)=>r0.call(e,t,n,r),"bufferFill"),makeError:lf,doFatalError:a((e,t,n,r)=>{let i;return Vi===void 0&&({DISCONNECT_REASON:Vi}=wn()),t instanceof Error?(i=t,typeof n!="number"?r=Vi.PROTOCOL_ERROR:r=n):i=lf(t,n,!0),typeof r!="number"&&(r=Vi.PROTOCOL_ERROR),e.disconnect(r),e._destruct(),e._onError(i),1/0},"doFatalError"),readUInt32BE:uf,writeUInt32BE:Gs,writeUInt32LE:a((e,t,n)=>(e[n++]=t,e[n++]=t>>>8,e[n++]=t>>>16,e[n++]=t>>>24,n),"writeUInt32LE"),makeBufferParser:qs,bufferParser:qs(),readString:a((e,t,n,r)=>{typeof n=="number"&&(r=n,n=void 0),t===void 0&&(t=0);let i=e.length-t;if(t<0||t>=e.length||i<4)return;let o=uf(e,t);if(i<4+o||typeof r=="number"&&o>r)return;t+=4;let s=t+o;return e._pos=s,n?Buffer.isBuffer(n)?qr(e,n,t,s):e.utf8Slice(t,s):Yr(e,t,s)},"readString"),sigSSHToASN1:a((e,t)=>{switch(t){case"ssh-dss":{if(e.length>40)return e;let n=new Ft.Writer;n.startSequence();let r=e.slice(0,20),i=e.slice(20);if(r[0]&128){let o=Buffer.allocUnsafe(21);o[0]=0,r.copy(o,1),r=o}else r[0]===0&&!(r[1]&128)&&(r=r.slice(1));if(i[0]&128){let o=Buffer.allocUnsafe(21);o[0]=0,i.copy(o,1),i=o}else i[0]===0&&!(i[1]&128)&&(i=i.slice(1));return n.writeBuffer(r,Ft.Integer),n.writeBuffer(i,Ft.Integer),n.endSequence(),n.buffer}case"ecdsa-sha2-nistp256":case"ecdsa-sha2-nistp384":case"ecdsa-sha2-nistp521":{Ji.init(e,0);let n=Ji.readString(),r=Ji.readString();if(Ji.clear(),n===void 0||r===void 0)return;let i=new Ft.Writer;return i.startSequence(),i.writeBuffer(n,Ft.Integer),i.writeBuffer(r,Ft.Integer),i.endSequence(),i.buffer}default:return e}},"sigSSHToASN1"),convertSignature:a((e,t)=>{switch(t){case"ssh-dss":{if(e.length<=40)return e;let n=new Ft.Reader(e);n.readSequence();let r=n.readString(Ft.Integer,!0),i=n.readString(Ft.Integer,!0),o=0,s=0;if(r.length<20){let u=Buffer.allocUnsafe(20);u.set(r,1),r=u,r[0]=0}if(i.length<20){let u=Buffer.allocUnsafe(20);u.set(i,1),i=u,i[0]=0}r.length>20&&r[0]===0&&(o=1),i.length>20&&i[0]===0&&(s=1);let c=Buffer.allocUnsafe(r.length-o+(i.length-s));return qr(r,c,o,r.length,0),qr(i,c,s,i.length,r.length-o),c}case"ecdsa-sha2-nistp256":case"ecdsa-sha2-nistp384":case"ecdsa-sha2-nistp521":{if(e[0]===0)return e;let n=new Ft.Reader(e);n.readSequence();let r=n.readString(Ft.Integer,!0),i=n.readString(Ft.Integer,!0);if(r===null||i===null)return;let o=Buffer.allocUnsafe(4+r.length+4+i.length);return Gs(o,r.length,0),o.set(r,4),Gs(o,i.length,4+r.length),o.set(i,8+r.length),o}}return e},"convertSignature"),sendPacket:a((e,t,n)=>!n&&e._kexinit!==void 0?(e._queue===void 0&&(e._queue=[]),e._queue.push(t),e._debug&&e._debug("Outbound: ... packet queued"),!1):(e._cipher.encrypt(t),!0),"sendPacket")}});var hf=ze((eo,Xs)=>{var Ys=(function(){var e=typeof document<"u"&&document.currentScript?document.currentScript.src:void 0;return typeof __filename<"u"&&(e=e||__filename),(function(t){t=t||{};var n;n||(n=typeof t<"u"?t:{});var r,i;n.ready=new Promise(function(L,X){r=L,i=X});var o={},s;for(s in n)n.hasOwnProperty(s)&&(o[s]=n[s]);var c=typeof window=="object",u=typeof importScripts=="function",l=typeof process=="object"&&typeof process.versions=="object"&&typeof process.versions.node=="string",d="",h,_,A,w,b;l?(d=u?require("path").dirname(d)+"/":__dirname+"/",h=a(function(L,X){var ge=sn(L);return ge?X?ge:ge.toString():(w||(w=require("fs")),b||(b=require("path")),L=b.normalize(L),w.readFileSync(L,X?null:"utf8"))},"C"),A=a(function(L){return L=h(L,!0),L.buffer||(L=new Uint8Array(L)),G(L.buffer),L},"E"),_=a(function(L,X,ge){var Ee=sn(L);Ee&&X(Ee),w||(w=require("fs")),b||(b=require("path")),L=b.normalize(L),w.readFile(L,function(Me,lt){Me?ge(Me):X(lt.buffer)})},"D"),1<process.argv.length&&process.argv[1].replace(/\\/g,"/"),process.argv.slice(2),n.inspect=function(){return"[Emscripten Module object]"}):(c||u)&&(u?d=self.location.href:typeof document<"u"&&document.currentScript&&(d=document.currentScript.src),e&&(d=e),d.indexOf("blob:")!==0?d=d.substr(0,d.lastIndexOf("/")+1):d="",h=a(function(L){try{var X=new XMLHttpRequest;return X.open("GET",L,!1),X.send(null),X.responseText}catch(Me){if(L=sn(L)){X=[];for(var ge=0;ge<L.length;ge++){var Ee=L[ge];255<Ee&&(Kn&&G(!1,"Character code "+Ee+" ("+String.fromCharCode(Ee)+")  at offset "+ge+" not in 0x00-0xFF."),Ee&=255),X.push(String.fromCharCode(Ee))}return X.join("")}throw Me}},"C"),u&&(A=a(function(L){try{var X=new XMLHttpRequest;return X.open("GET",L,!1),X.responseType="arraybuffer",X.send(null),new Uint8Array(X.response)}catch(ge){if(L=sn(L))return L;throw ge}},"E")),_=a(function(L,X,ge){var Ee=new XMLHttpRequest;Ee.open("GET",L,!0),Ee.responseType="arraybuffer",Ee.onload=function(){if(Ee.status==200||Ee.status==0&&Ee.response)X(Ee.response);else{var Me=sn(L);Me?X(Me.buffer):ge()}},Ee.onerror=ge,Ee.send(null)},"D")),n.print||console.log.bind(console);var x=n.printErr||console.warn.bind(console);for(s in o)o.hasOwnProperty(s)&&(n[s]=o[s]);o=null;var E;n.wasmBinary&&(E=n.wasmBinary);var B=n.noExitRuntime||!0;typeof WebAssembly!="object"&&F("no native wasm support detected");var M,N=!1;function G(L,X){L||F("Assertion failed: "+X)}a(G,"assert");function re(L){var X=n["_"+L];return G(X,"Cannot call unknown function "+L+", make sure it is exported"),X}a(re,"N");function xe(L,X,ge,Ee){var Me={string:a(function(Ze){var mt=0;if(Ze!=null&&Ze!==0){var pt=(Ze.length<<2)+1;mt=Dr(pt);var it=mt,Ve=j;if(0<pt){pt=it+pt-1;for(var Dt=0;Dt<Ze.length;++Dt){var ot=Ze.charCodeAt(Dt);if(55296<=ot&&57343>=ot){var Rn=Ze.charCodeAt(++Dt);ot=65536+((ot&1023)<<10)|Rn&1023}if(127>=ot){if(it>=pt)break;Ve[it++]=ot}else{if(2047>=ot){if(it+1>=pt)break;Ve[it++]=192|ot>>6}else{if(65535>=ot){if(it+2>=pt)break;Ve[it++]=224|ot>>12}else{if(it+3>=pt)break;Ve[it++]=240|ot>>18,Ve[it++]=128|ot>>12&63}Ve[it++]=128|ot>>6&63}Ve[it++]=128|ot&63}}Ve[it]=0}}return mt},"string"),array:a(function(Ze){var mt=Dr(Ze.length);return W.set(Ze,mt),mt},"array")},lt=re(L),qt=[];if(L=0,Ee)for(var Nt=0;Nt<Ee.length;Nt++){var qn=Me[ge[Nt]];qn?(L===0&&(L=Ur()),qt[Nt]=qn(Ee[Nt])):qt[Nt]=Ee[Nt]}return ge=lt.apply(null,qt),ge=(function(Ze){if(X==="string")if(Ze){for(var mt=j,pt=Ze+NaN,it=Ze;mt[it]&&!(it>=pt);)++it;if(16<it-Ze&&mt.subarray&&z)Ze=z.decode(mt.subarray(Ze,it));else{for(pt="";Ze<it;){var Ve=mt[Ze++];if(Ve&128){var Dt=mt[Ze++]&63;if((Ve&224)==192)pt+=String.fromCharCode((Ve&31)<<6|Dt);else{var ot=mt[Ze++]&63;Ve=(Ve&240)==224?(Ve&15)<<12|Dt<<6|ot:(Ve&7)<<18|Dt<<12|ot<<6|mt[Ze++]&63,65536>Ve?pt+=String.fromCharCode(Ve):(Ve-=65536,pt+=String.fromCharCode(55296|Ve>>10,56320|Ve&1023))}}else pt+=String.fromCharCode(Ve)}Ze=pt}}else Ze="";else Ze=X==="boolean"?!!Ze:Ze;return Ze})(ge),L!==0&&xi(L),ge}a(xe,"ca");var z=typeof TextDecoder<"u"?new TextDecoder("utf8"):void 0,q,W,j;function te(){var L=M.buffer;q=L,n.HEAP8=W=new Int8Array(L),n.HEAP16=new Int16Array(L),n.HEAP32=new Int32Array(L),n.HEAPU8=j=new Uint8Array(L),n.HEAPU16=new Uint16Array(L),n.HEAPU32=new Uint32Array(L),n.HEAPF32=new Float32Array(L),n.HEAPF64=new Float64Array(L)}a(te,"ia");var _e,Y=[],ie=[],de=[];function Ae(){var L=n.preRun.shift();Y.unshift(L)}a(Ae,"ma");var C=0,O=null,P=null;n.preloadedImages={},n.preloadedAudios={};function F(L){throw n.onAbort&&n.onAbort(L),x(L),N=!0,L=new WebAssembly.RuntimeError("abort("+L+"). Build with -s ASSERTIONS=1 for more info."),i(L),L}a(F,"K");var ce="data:application/octet-stream;base64,",fe;if(fe="data:application/octet-stream;base64,AGFzbQEAAAABIAZgAX8Bf2ADf39/AGABfwBgAABgAAF/YAZ/f39/f38AAgcBAWEBYQAAAwsKAAEDAQAAAgQFAgQFAXABAQEFBwEBgAKAgAIGCQF/AUGAjMACCwclCQFiAgABYwADAWQACQFlAAgBZgAHAWcABgFoAAUBaQAKAWoBAAqGTQpPAQJ/QYAIKAIAIgEgAEEDakF8cSICaiEAAkAgAkEAIAAgAU0bDQAgAD8AQRB0SwRAIAAQAEUNAQtBgAggADYCACABDwtBhAhBMDYCAEF/C4wFAg5+Cn8gACgCJCEUIAAoAiAhFSAAKAIcIREgACgCGCESIAAoAhQhEyACQRBPBEAgAC0ATEVBGHQhFyAAKAIEIhZBBWytIQ8gACgCCCIYQQVsrSENIAAoAgwiGUEFbK0hCyAAKAIQIhpBBWytIQkgADUCACEIIBqtIRAgGa0hDiAYrSEMIBatIQoDQCASIAEtAAMiEiABLQAEQQh0ciABLQAFQRB0ciABLQAGIhZBGHRyQQJ2Qf///x9xaq0iAyAOfiABLwAAIAEtAAJBEHRyIBNqIBJBGHRBgICAGHFqrSIEIBB+fCARIAEtAAdBCHQgFnIgAS0ACEEQdHIgAS0ACSIRQRh0ckEEdkH///8fcWqtIgUgDH58IAEtAApBCHQgEXIgAS0AC0EQdHIgAS0ADEEYdHJBBnYgFWqtIgYgCn58IBQgF2ogAS8ADSABLQAPQRB0cmqtIgcgCH58IAMgDH4gBCAOfnwgBSAKfnwgBiAIfnwgByAJfnwgAyAKfiAEIAx+fCAFIAh+fCAGIAl+fCAHIAt+fCADIAh+IAQgCn58IAUgCX58IAYgC358IAcgDX58IAMgCX4gBCAIfnwgBSALfnwgBiANfnwgByAPfnwiA0IaiEL/////D4N8IgRCGohC/////w+DfCIFQhqIQv////8Pg3wiBkIaiEL/////D4N8IgdCGoinQQVsIAOnQf///x9xaiITQRp2IASnQf///x9xaiESIAWnQf///x9xIREgBqdB////H3EhFSAHp0H///8fcSEUIBNB////H3EhEyABQRBqIQEgAkEQayICQQ9LDQALCyAAIBQ2AiQgACAVNgIgIAAgETYCHCAAIBI2AhggACATNgIUCwMAAQu2BAEGfwJAIAAoAjgiBARAIABBPGohBQJAIAJBECAEayIDIAIgA0kbIgZFDQAgBkEDcSEHAkAgBkEBa0EDSQRAQQAhAwwBCyAGQXxxIQhBACEDA0AgBSADIARqaiABIANqLQAAOgAAIAUgA0EBciIEIAAoAjhqaiABIARqLQAAOgAAIAUgA0ECciIEIAAoAjhqaiABIARqLQAAOgAAIAUgA0EDciIEIAAoAjhqaiABIARqLQAAOgAAIANBBGohAyAAKAI4IQQgCEEEayIIDQALCyAHRQ0AA0AgBSADIARqaiABIANqLQAAOgAAIANBAWohAyAAKAI4IQQgB0EBayIHDQALCyAAIAQgBmoiAzYCOCADQRBJDQEgACAFQRAQAiAAQQA2AjggAiAGayECIAEgBmohAQsgAkEQTwRAIAAgASACQXBxIgMQAiACQQ9xIQIgASADaiEBCyACRQ0AIAJBA3EhBCAAQTxqIQVBACEDIAJBAWtBA08EQCACQXxxIQcDQCAFIAAoAjggA2pqIAEgA2otAAA6AAAgBSADQQFyIgYgACgCOGpqIAEgBmotAAA6AAAgBSADQQJyIgYgACgCOGpqIAEgBmotAAA6AAAgBSADQQNyIgYgACgCOGpqIAEgBmotAAA6AAAgA0EEaiEDIAdBBGsiBw0ACwsgBARAA0AgBSAAKAI4IANqaiABIANqLQAAOgAAIANBAWohAyAEQQFrIgQNAAsLIAAgACgCOCACajYCOAsLoS0BDH8jAEEQayIMJAACQAJAAkACQAJAAkACQAJAAkACQAJAAkAgAEH0AU0EQEGICCgCACIFQRAgAEELakF4cSAAQQtJGyIIQQN2IgJ2IgFBA3EEQCABQX9zQQFxIAJqIgNBA3QiAUG4CGooAgAiBEEIaiEAAkAgBCgCCCICIAFBsAhqIgFGBEBBiAggBUF+IAN3cTYCAAwBCyACIAE2AgwgASACNgIICyAEIANBA3QiAUEDcjYCBCABIARqIgEgASgCBEEBcjYCBAwNCyAIQZAIKAIAIgpNDQEgAQRAAkBBAiACdCIAQQAgAGtyIAEgAnRxIgBBACAAa3FBAWsiACAAQQx2QRBxIgJ2IgFBBXZBCHEiACACciABIAB2IgFBAnZBBHEiAHIgASAAdiIBQQF2QQJxIgByIAEgAHYiAUEBdkEBcSIAciABIAB2aiIDQQN0IgBBuAhqKAIAIgQoAggiASAAQbAIaiIARgRAQYgIIAVBfiADd3EiBTYCAAwBCyABIAA2AgwgACABNgIICyAEQQhqIQAgBCAIQQNyNgIEIAQgCGoiAiADQQN0IgEgCGsiA0EBcjYCBCABIARqIAM2AgAgCgRAIApBA3YiAUEDdEGwCGohB0GcCCgCACEEAn8gBUEBIAF0IgFxRQRAQYgIIAEgBXI2AgAgBwwBCyAHKAIICyEBIAcgBDYCCCABIAQ2AgwgBCAHNgIMIAQgATYCCAtBnAggAjYCAEGQCCADNgIADA0LQYwIKAIAIgZFDQEgBkEAIAZrcUEBayIAIABBDHZBEHEiAnYiAUEFdkEIcSIAIAJyIAEgAHYiAUECdkEEcSIAciABIAB2IgFBAXZBAnEiAHIgASAAdiIBQQF2QQFxIgByIAEgAHZqQQJ0QbgKaigCACIBKAIEQXhxIAhrIQMgASECA0ACQCACKAIQIgBFBEAgAigCFCIARQ0BCyAAKAIEQXhxIAhrIgIgAyACIANJIgIbIQMgACABIAIbIQEgACECDAELCyABIAhqIgkgAU0NAiABKAIYIQsgASABKAIMIgRHBEAgASgCCCIAQZgIKAIASRogACAENgIMIAQgADYCCAwMCyABQRRqIgIoAgAiAEUEQCABKAIQIgBFDQQgAUEQaiECCwNAIAIhByAAIgRBFGoiAigCACIADQAgBEEQaiECIAQoAhAiAA0ACyAHQQA2AgAMCwtBfyEIIABBv39LDQAgAEELaiIAQXhxIQhBjAgoAgAiCUUNAEEAIAhrIQMCQAJAAkACf0EAIAhBgAJJDQAaQR8gCEH///8HSw0AGiAAQQh2IgAgAEGA/j9qQRB2QQhxIgJ0IgAgAEGA4B9qQRB2QQRxIgF0IgAgAEGAgA9qQRB2QQJxIgB0QQ92IAEgAnIgAHJrIgBBAXQgCCAAQRVqdkEBcXJBHGoLIgVBAnRBuApqKAIAIgJFBEBBACEADAELQQAhACAIQQBBGSAFQQF2ayAFQR9GG3QhAQNAAkAgAigCBEF4cSAIayIHIANPDQAgAiEEIAciAw0AQQAhAyACIQAMAwsgACACKAIUIgcgByACIAFBHXZBBHFqKAIQIgJGGyAAIAcbIQAgAUEBdCEBIAINAAsLIAAgBHJFBEBBACEEQQIgBXQiAEEAIABrciAJcSIARQ0DIABBACAAa3FBAWsiACAAQQx2QRBxIgJ2IgFBBXZBCHEiACACciABIAB2IgFBAnZBBHEiAHIgASAAdiIBQQF2QQJxIgByIAEgAHYiAUEBdkEBcSIAciABIAB2akECdEG4CmooAgAhAAsgAEUNAQsDQCAAKAIEQXhxIAhrIgEgA0khAiABIAMgAhshAyAAIAQgAhshBCAAKAIQIgEEfyABBSAAKAIUCyIADQALCyAERQ0AIANBkAgoAgAgCGtPDQAgBCAIaiIGIARNDQEgBCgCGCEFIAQgBCgCDCIBRwRAIAQoAggiAEGYCCgCAEkaIAAgATYCDCABIAA2AggMCgsgBEEUaiICKAIAIgBFBEAgBCgCECIARQ0EIARBEGohAgsDQCACIQcgACIBQRRqIgIoAgAiAA0AIAFBEGohAiABKAIQIgANAAsgB0EANgIADAkLIAhBkAgoAgAiAk0EQEGcCCgCACEDAkAgAiAIayIBQRBPBEBBkAggATYCAEGcCCADIAhqIgA2AgAgACABQQFyNgIEIAIgA2ogATYCACADIAhBA3I2AgQMAQtBnAhBADYCAEGQCEEANgIAIAMgAkEDcjYCBCACIANqIgAgACgCBEEBcjYCBAsgA0EIaiEADAsLIAhBlAgoAgAiBkkEQEGUCCAGIAhrIgE2AgBBoAhBoAgoAgAiAiAIaiIANgIAIAAgAUEBcjYCBCACIAhBA3I2AgQgAkEIaiEADAsLQQAhACAIQS9qIgkCf0HgCygCAARAQegLKAIADAELQewLQn83AgBB5AtCgKCAgICABDcCAEHgCyAMQQxqQXBxQdiq1aoFczYCAEH0C0EANgIAQcQLQQA2AgBBgCALIgFqIgVBACABayIHcSICIAhNDQpBwAsoAgAiBARAQbgLKAIAIgMgAmoiASADTQ0LIAEgBEsNCwtBxAstAABBBHENBQJAAkBBoAgoAgAiAwRAQcgLIQADQCADIAAoAgAiAU8EQCABIAAoAgRqIANLDQMLIAAoAggiAA0ACwtBABABIgFBf0YNBiACIQVB5AsoAgAiA0EBayIAIAFxBEAgAiABayAAIAFqQQAgA2txaiEFCyAFIAhNDQYgBUH+////B0sNBkHACygCACIEBEBBuAsoAgAiAyAFaiIAIANNDQcgACAESw0HCyAFEAEiACABRw0BDAgLIAUgBmsgB3EiBUH+////B0sNBSAFEAEiASAAKAIAIAAoAgRqRg0EIAEhAAsCQCAAQX9GDQAgCEEwaiAFTQ0AQegLKAIAIgEgCSAFa2pBACABa3EiAUH+////B0sEQCAAIQEMCAsgARABQX9HBEAgASAFaiEFIAAhAQwIC0EAIAVrEAEaDAULIAAiAUF/Rw0GDAQLAAtBACEEDAcLQQAhAQwFCyABQX9HDQILQcQLQcQLKAIAQQRyNgIACyACQf7///8HSw0BIAIQASEBQQAQASEAIAFBf0YNASAAQX9GDQEgACABTQ0BIAAgAWsiBSAIQShqTQ0BC0G4C0G4CygCACAFaiIANgIAQbwLKAIAIABJBEBBvAsgADYCAAsCQAJAAkBBoAgoAgAiBwRAQcgLIQADQCABIAAoAgAiAyAAKAIEIgJqRg0CIAAoAggiAA0ACwwCC0GYCCgCACIAQQAgACABTRtFBEBBmAggATYCAAtBACEAQcwLIAU2AgBByAsgATYCAEGoCEF/NgIAQawIQeALKAIANgIAQdQLQQA2AgADQCAAQQN0IgNBuAhqIANBsAhqIgI2AgAgA0G8CGogAjYCACAAQQFqIgBBIEcNAAtBlAggBUEoayIDQXggAWtBB3FBACABQQhqQQdxGyIAayICNgIAQaAIIAAgAWoiADYCACAAIAJBAXI2AgQgASADakEoNgIEQaQIQfALKAIANgIADAILIAAtAAxBCHENACADIAdLDQAgASAHTQ0AIAAgAiAFajYCBEGgCCAHQXggB2tBB3FBACAHQQhqQQdxGyIAaiICNgIAQZQIQZQIKAIAIAVqIgEgAGsiADYCACACIABBAXI2AgQgASAHakEoNgIEQaQIQfALKAIANgIADAELQZgIKAIAIAFLBEBBmAggATYCAAsgASAFaiECQcgLIQACQAJAAkACQAJAAkADQCACIAAoAgBHBEAgACgCCCIADQEMAgsLIAAtAAxBCHFFDQELQcgLIQADQCAHIAAoAgAiAk8EQCACIAAoAgRqIgQgB0sNAwsgACgCCCEADAALAAsgACABNgIAIAAgACgCBCAFajYCBCABQXggAWtBB3FBACABQQhqQQdxG2oiCSAIQQNyNgIEIAJBeCACa0EHcUEAIAJBCGpBB3EbaiIFIAggCWoiBmshAiAFIAdGBEBBoAggBjYCAEGUCEGUCCgCACACaiIANgIAIAYgAEEBcjYCBAwDCyAFQZwIKAIARgRAQZwIIAY2AgBBkAhBkAgoAgAgAmoiADYCACAGIABBAXI2AgQgACAGaiAANgIADAMLIAUoAgQiAEEDcUEBRgRAIABBeHEhBwJAIABB/wFNBEAgBSgCCCIDIABBA3YiAEEDdEGwCGpGGiADIAUoAgwiAUYEQEGICEGICCgCAEF+IAB3cTYCAAwCCyADIAE2AgwgASADNgIIDAELIAUoAhghCAJAIAUgBSgCDCIBRwRAIAUoAggiACABNgIMIAEgADYCCAwBCwJAIAVBFGoiACgCACIDDQAgBUEQaiIAKAIAIgMNAEEAIQEMAQsDQCAAIQQgAyIBQRRqIgAoAgAiAw0AIAFBEGohACABKAIQIgMNAAsgBEEANgIACyAIRQ0AAkAgBSAFKAIcIgNBAnRBuApqIgAoAgBGBEAgACABNgIAIAENAUGMCEGMCCgCAEF+IAN3cTYCAAwCCyAIQRBBFCAIKAIQIAVGG2ogATYCACABRQ0BCyABIAg2AhggBSgCECIABEAgASAANgIQIAAgATYCGAsgBSgCFCIARQ0AIAEgADYCFCAAIAE2AhgLIAUgB2ohBSACIAdqIQILIAUgBSgCBEF+cTYCBCAGIAJBAXI2AgQgAiAGaiACNgIAIAJB/wFNBEAgAkEDdiIAQQN0QbAIaiECAn9BiAgoAgAiAUEBIAB0IgBxRQRAQYgIIAAgAXI2AgAgAgwBCyACKAIICyEAIAIgBjYCCCAAIAY2AgwgBiACNgIMIAYgADYCCAwDC0EfIQAgAkH///8HTQRAIAJBCHYiACAAQYD+P2pBEHZBCHEiA3QiACAAQYDgH2pBEHZBBHEiAXQiACAAQYCAD2pBEHZBAnEiAHRBD3YgASADciAAcmsiAEEBdCACIABBFWp2QQFxckEcaiEACyAGIAA2AhwgBkIANwIQIABBAnRBuApqIQQCQEGMCCgCACIDQQEgAHQiAXFFBEBBjAggASADcjYCACAEIAY2AgAgBiAENgIYDAELIAJBAEEZIABBAXZrIABBH0YbdCEAIAQoAgAhAQNAIAEiAygCBEF4cSACRg0DIABBHXYhASAAQQF0IQAgAyABQQRxaiIEKAIQIgENAAsgBCAGNgIQIAYgAzYCGAsgBiAGNgIMIAYgBjYCCAwCC0GUCCAFQShrIgNBeCABa0EHcUEAIAFBCGpBB3EbIgBrIgI2AgBBoAggACABaiIANgIAIAAgAkEBcjYCBCABIANqQSg2AgRBpAhB8AsoAgA2AgAgByAEQScgBGtBB3FBACAEQSdrQQdxG2pBL2siACAAIAdBEGpJGyICQRs2AgQgAkHQCykCADcCECACQcgLKQIANwIIQdALIAJBCGo2AgBBzAsgBTYCAEHICyABNgIAQdQLQQA2AgAgAkEYaiEAA0AgAEEHNgIEIABBCGohASAAQQRqIQAgASAESQ0ACyACIAdGDQMgAiACKAIEQX5xNgIEIAcgAiAHayIEQQFyNgIEIAIgBDYCACAEQf8BTQRAIARBA3YiAEEDdEGwCGohAgJ/QYgIKAIAIgFBASAAdCIAcUUEQEGICCAAIAFyNgIAIAIMAQsgAigCCAshACACIAc2AgggACAHNgIMIAcgAjYCDCAHIAA2AggMBAtBHyEAIAdCADcCECAEQf///wdNBEAgBEEIdiIAIABBgP4/akEQdkEIcSICdCIAIABBgOAfakEQdkEEcSIBdCIAIABBgIAPakEQdkECcSIAdEEPdiABIAJyIAByayIAQQF0IAQgAEEVanZBAXFyQRxqIQALIAcgADYCHCAAQQJ0QbgKaiEDAkBBjAgoAgAiAkEBIAB0IgFxRQRAQYwIIAEgAnI2AgAgAyAHNgIAIAcgAzYCGAwBCyAEQQBBGSAAQQF2ayAAQR9GG3QhACADKAIAIQEDQCABIgIoAgRBeHEgBEYNBCAAQR12IQEgAEEBdCEAIAIgAUEEcWoiAygCECIBDQALIAMgBzYCECAHIAI2AhgLIAcgBzYCDCAHIAc2AggMAwsgAygCCCIAIAY2AgwgAyAGNgIIIAZBADYCGCAGIAM2AgwgBiAANgIICyAJQQhqIQAMBQsgAigCCCIAIAc2AgwgAiAHNgIIIAdBADYCGCAHIAI2AgwgByAANgIIC0GUCCgCACIAIAhNDQBBlAggACAIayIBNgIAQaAIQaAIKAIAIgIgCGoiADYCACAAIAFBAXI2AgQgAiAIQQNyNgIEIAJBCGohAAwDC0GECEEwNgIAQQAhAAwCCwJAIAVFDQACQCAEKAIcIgJBAnRBuApqIgAoAgAgBEYEQCAAIAE2AgAgAQ0BQYwIIAlBfiACd3EiCTYCAAwCCyAFQRBBFCAFKAIQIARGG2ogATYCACABRQ0BCyABIAU2AhggBCgCECIABEAgASAANgIQIAAgATYCGAsgBCgCFCIARQ0AIAEgADYCFCAAIAE2AhgLAkAgA0EPTQRAIAQgAyAIaiIAQQNyNgIEIAAgBGoiACAAKAIEQQFyNgIEDAELIAQgCEEDcjYCBCAGIANBAXI2AgQgAyAGaiADNgIAIANB/wFNBEAgA0EDdiIAQQN0QbAIaiECAn9BiAgoAgAiAUEBIAB0IgBxRQRAQYgIIAAgAXI2AgAgAgwBCyACKAIICyEAIAIgBjYCCCAAIAY2AgwgBiACNgIMIAYgADYCCAwBC0EfIQAgA0H///8HTQRAIANBCHYiACAAQYD+P2pBEHZBCHEiAnQiACAAQYDgH2pBEHZBBHEiAXQiACAAQYCAD2pBEHZBAnEiAHRBD3YgASACciAAcmsiAEEBdCADIABBFWp2QQFxckEcaiEACyAGIAA2AhwgBkIANwIQIABBAnRBuApqIQICQAJAIAlBASAAdCIBcUUEQEGMCCABIAlyNgIAIAIgBjYCACAGIAI2AhgMAQsgA0EAQRkgAEEBdmsgAEEfRht0IQAgAigCACEIA0AgCCIBKAIEQXhxIANGDQIgAEEddiECIABBAXQhACABIAJBBHFqIgIoAhAiCA0ACyACIAY2AhAgBiABNgIYCyAGIAY2AgwgBiAGNgIIDAELIAEoAggiACAGNgIMIAEgBjYCCCAGQQA2AhggBiABNgIMIAYgADYCCAsgBEEIaiEADAELAkAgC0UNAAJAIAEoAhwiAkECdEG4CmoiACgCACABRgRAIAAgBDYCACAEDQFBjAggBkF+IAJ3cTYCAAwCCyALQRBBFCALKAIQIAFGG2ogBDYCACAERQ0BCyAEIAs2AhggASgCECIABEAgBCAANgIQIAAgBDYCGAsgASgCFCIARQ0AIAQgADYCFCAAIAQ2AhgLAkAgA0EPTQRAIAEgAyAIaiIAQQNyNgIEIAAgAWoiACAAKAIEQQFyNgIEDAELIAEgCEEDcjYCBCAJIANBAXI2AgQgAyAJaiADNgIAIAoEQCAKQQN2IgBBA3RBsAhqIQRBnAgoAgAhAgJ/QQEgAHQiACAFcUUEQEGICCAAIAVyNgIAIAQMAQsgBCgCCAshACAEIAI2AgggACACNgIMIAIgBDYCDCACIAA2AggLQZwIIAk2AgBBkAggAzYCAAsgAUEIaiEACyAMQRBqJAAgAAsQACMAIABrQXBxIgAkACAACwYAIAAkAAsEACMAC4AJAgh/BH4jAEGQAWsiBiQAIAYgBS0AA0EYdEGAgIAYcSAFLwAAIAUtAAJBEHRycjYCACAGIAUoAANBAnZBg/7/H3E2AgQgBiAFKAAGQQR2Qf+B/x9xNgIIIAYgBSgACUEGdkH//8AfcTYCDCAFLwANIQggBS0ADyEJIAZCADcCFCAGQgA3AhwgBkEANgIkIAYgCCAJQRB0QYCAPHFyNgIQIAYgBSgAEDYCKCAGIAUoABQ2AiwgBiAFKAAYNgIwIAUoABwhBSAGQQA6AEwgBkEANgI4IAYgBTYCNCAGIAEgAhAEIAQEQCAGIAMgBBAECyAGKAI4IgEEQCAGQTxqIgIgAWpBAToAACABQQFqQQ9NBEAgASAGakE9aiEEAkBBDyABayIDRQ0AIAMgBGoiAUEBa0EAOgAAIARBADoAACADQQNJDQAgAUECa0EAOgAAIARBADoAASABQQNrQQA6AAAgBEEAOgACIANBB0kNACABQQRrQQA6AAAgBEEAOgADIANBCUkNACAEQQAgBGtBA3EiAWoiBEEANgIAIAQgAyABa0F8cSIBaiIDQQRrQQA2AgAgAUEJSQ0AIARBADYCCCAEQQA2AgQgA0EIa0EANgIAIANBDGtBADYCACABQRlJDQAgBEEANgIYIARBADYCFCAEQQA2AhAgBEEANgIMIANBEGtBADYCACADQRRrQQA2AgAgA0EYa0EANgIAIANBHGtBADYCACABIARBBHFBGHIiAWsiA0EgSQ0AIAEgBGohAQNAIAFCADcDGCABQgA3AxAgAUIANwMIIAFCADcDACABQSBqIQEgA0EgayIDQR9LDQALCwsgBkEBOgBMIAYgAkEQEAILIAY1AjQhECAGNQIwIREgBjUCLCEOIAAgBjUCKCAGKAIkIAYoAiAgBigCHCAGKAIYIgNBGnZqIgJBGnZqIgFBGnZqIgtBgICAYHIgAUH///8fcSINIAJB////H3EiCCAGKAIUIAtBGnZBBWxqIgFB////H3EiCUEFaiIFQRp2IANB////H3EgAUEadmoiA2oiAUEadmoiAkEadmoiBEEadmoiDEEfdSIHIANxIAEgDEEfdkEBayIDQf///x9xIgpxciIBQRp0IAUgCnEgByAJcXJyrXwiDzwAACAAIA9CGIg8AAMgACAPQhCIPAACIAAgD0IIiDwAASAAIA4gByAIcSACIApxciICQRR0IAFBBnZyrXwgD0IgiHwiDjwABCAAIA5CGIg8AAcgACAOQhCIPAAGIAAgDkIIiDwABSAAIBEgByANcSAEIApxciIBQQ50IAJBDHZyrXwgDkIgiHwiDjwACCAAIA5CGIg8AAsgACAOQhCIPAAKIAAgDkIIiDwACSAAIBAgAyAMcSAHIAtxckEIdCABQRJ2cq18IA5CIIh8Ig48AAwgACAOQhiIPAAPIAAgDkIQiDwADiAAIA5CCIg8AA0gBkIANwIwIAZCADcCKCAGQgA3AiAgBkIANwIYIAZCADcCECAGQgA3AgggBkIANwIAIAZBkAFqJAALpwwBB38CQCAARQ0AIABBCGsiAyAAQQRrKAIAIgFBeHEiAGohBQJAIAFBAXENACABQQNxRQ0BIAMgAygCACIBayIDQZgIKAIASQ0BIAAgAWohACADQZwIKAIARwRAIAFB/wFNBEAgAygCCCICIAFBA3YiBEEDdEGwCGpGGiACIAMoAgwiAUYEQEGICEGICCgCAEF+IAR3cTYCAAwDCyACIAE2AgwgASACNgIIDAILIAMoAhghBgJAIAMgAygCDCIBRwRAIAMoAggiAiABNgIMIAEgAjYCCAwBCwJAIANBFGoiAigCACIEDQAgA0EQaiICKAIAIgQNAEEAIQEMAQsDQCACIQcgBCIBQRRqIgIoAgAiBA0AIAFBEGohAiABKAIQIgQNAAsgB0EANgIACyAGRQ0BAkAgAyADKAIcIgJBAnRBuApqIgQoAgBGBEAgBCABNgIAIAENAUGMCEGMCCgCAEF+IAJ3cTYCAAwDCyAGQRBBFCAGKAIQIANGG2ogATYCACABRQ0CCyABIAY2AhggAygCECICBEAgASACNgIQIAIgATYCGAsgAygCFCICRQ0BIAEgAjYCFCACIAE2AhgMAQsgBSgCBCIBQQNxQQNHDQBBkAggADYCACAFIAFBfnE2AgQgAyAAQQFyNgIEIAAgA2ogADYCAA8LIAMgBU8NACAFKAIEIgFBAXFFDQACQCABQQJxRQRAIAVBoAgoAgBGBEBBoAggAzYCAEGUCEGUCCgCACAAaiIANgIAIAMgAEEBcjYCBCADQZwIKAIARw0DQZAIQQA2AgBBnAhBADYCAA8LIAVBnAgoAgBGBEBBnAggAzYCAEGQCEGQCCgCACAAaiIANgIAIAMgAEEBcjYCBCAAIANqIAA2AgAPCyABQXhxIABqIQACQCABQf8BTQRAIAUoAggiAiABQQN2IgRBA3RBsAhqRhogAiAFKAIMIgFGBEBBiAhBiAgoAgBBfiAEd3E2AgAMAgsgAiABNgIMIAEgAjYCCAwBCyAFKAIYIQYCQCAFIAUoAgwiAUcEQCAFKAIIIgJBmAgoAgBJGiACIAE2AgwgASACNgIIDAELAkAgBUEUaiICKAIAIgQNACAFQRBqIgIoAgAiBA0AQQAhAQwBCwNAIAIhByAEIgFBFGoiAigCACIEDQAgAUEQaiECIAEoAhAiBA0ACyAHQQA2AgALIAZFDQACQCAFIAUoAhwiAkECdEG4CmoiBCgCAEYEQCAEIAE2AgAgAQ0BQYwIQYwIKAIAQX4gAndxNgIADAILIAZBEEEUIAYoAhAgBUYbaiABNgIAIAFFDQELIAEgBjYCGCAFKAIQIgIEQCABIAI2AhAgAiABNgIYCyAFKAIUIgJFDQAgASACNgIUIAIgATYCGAsgAyAAQQFyNgIEIAAgA2ogADYCACADQZwIKAIARw0BQZAIIAA2AgAPCyAFIAFBfnE2AgQgAyAAQQFyNgIEIAAgA2ogADYCAAsgAEH/AU0EQCAAQQN2IgFBA3RBsAhqIQACf0GICCgCACICQQEgAXQiAXFFBEBBiAggASACcjYCACAADAELIAAoAggLIQIgACADNgIIIAIgAzYCDCADIAA2AgwgAyACNgIIDwtBHyECIANCADcCECAAQf///wdNBEAgAEEIdiIBIAFBgP4/akEQdkEIcSIBdCICIAJBgOAfakEQdkEEcSICdCIEIARBgIAPakEQdkECcSIEdEEPdiABIAJyIARyayIBQQF0IAAgAUEVanZBAXFyQRxqIQILIAMgAjYCHCACQQJ0QbgKaiEBAkACQAJAQYwIKAIAIgRBASACdCIHcUUEQEGMCCAEIAdyNgIAIAEgAzYCACADIAE2AhgMAQsgAEEAQRkgAkEBdmsgAkEfRht0IQIgASgCACEBA0AgASIEKAIEQXhxIABGDQIgAkEddiEBIAJBAXQhAiAEIAFBBHFqIgdBEGooAgAiAQ0ACyAHIAM2AhAgAyAENgIYCyADIAM2AgwgAyADNgIIDAELIAQoAggiACADNgIMIAQgAzYCCCADQQA2AhggAyAENgIMIAMgADYCCAtBqAhBqAgoAgBBAWsiAEF/IAAbNgIACwsLCQEAQYEICwIGUA==",!fe.startsWith(ce)){var ue=fe;fe=n.locateFile?n.locateFile(ue,d):d+ue}function nt(){var L=fe;try{if(L==fe&&E)return new Uint8Array(E);var X=sn(L);if(X)return X;if(A)return A(L);throw"both async and sync fetching of the wasm failed"}catch(ge){F(ge)}}a(nt,"pa");function ht(){if(!E&&(c||u)){if(typeof fetch=="function"&&!fe.startsWith("file://"))return fetch(fe,{credentials:"same-origin"}).then(function(L){if(!L.ok)throw"failed to load wasm binary file at '"+fe+"'";return L.arrayBuffer()}).catch(function(){return nt()});if(_)return new Promise(function(L,X){_(fe,function(ge){L(new Uint8Array(ge))},X)})}return Promise.resolve().then(function(){return nt()})}a(ht,"qa");function Lr(L){for(;0<L.length;){var X=L.shift();if(typeof X=="function")X(n);else{var ge=X.m;typeof ge=="number"?X.l===void 0?_e.get(ge)():_e.get(ge)(X.l):ge(X.l===void 0?null:X.l)}}}a(Lr,"X");var Kn=!1,Wn=typeof atob=="function"?atob:function(L){var X="",ge=0;L=L.replace(/[^A-Za-z0-9\+\/=]/g,"");do{var Ee="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".indexOf(L.charAt(ge++)),Me="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".indexOf(L.charAt(ge++)),lt="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".indexOf(L.charAt(ge++)),qt="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".indexOf(L.charAt(ge++));Ee=Ee<<2|Me>>4,Me=(Me&15)<<4|lt>>2;var Nt=(lt&3)<<6|qt;X+=String.fromCharCode(Ee),lt!==64&&(X+=String.fromCharCode(Me)),qt!==64&&(X+=String.fromCharCode(Nt))}while(ge<L.length);return X};function sn(L){if(L.startsWith(ce)){if(L=L.slice(ce.length),typeof l=="boolean"&&l){var X=Buffer.from(L,"base64");X=new Uint8Array(X.buffer,X.byteOffset,X.byteLength)}else try{var ge=Wn(L),Ee=new Uint8Array(ge.length);for(L=0;L<ge.length;++L)Ee[L]=ge.charCodeAt(L);X=Ee}catch{throw Error("Converting base64 string to bytes failed.")}return X}}a(sn,"H");var jn={a:a(function(L){var X=j.length;if(L>>>=0,2147483648<L)return!1;for(var ge=1;4>=ge;ge*=2){var Ee=X*(1+.2/ge);Ee=Math.min(Ee,L+100663296),Ee=Math.max(L,Ee),0<Ee%65536&&(Ee+=65536-Ee%65536);e:{try{M.grow(Math.min(2147483648,Ee)-q.byteLength+65535>>>16),te();var Me=1;break e}catch{}Me=void 0}if(Me)return!0}return!1},"a")};(function(){function L(Me){n.asm=Me.exports,M=n.asm.b,te(),_e=n.asm.j,ie.unshift(n.asm.c),C--,n.monitorRunDependencies&&n.monitorRunDependencies(C),C==0&&(O!==null&&(clearInterval(O),O=null),P&&(Me=P,P=null,Me()))}a(L,"a");function X(Me){L(Me.instance)}a(X,"c");function ge(Me){return ht().then(function(lt){return WebAssembly.instantiate(lt,Ee)}).then(Me,function(lt){x("failed to asynchronously prepare wasm: "+lt),F(lt)})}a(ge,"d");var Ee={a:jn};if(C++,n.monitorRunDependencies&&n.monitorRunDependencies(C),n.instantiateWasm)try{return n.instantiateWasm(Ee,L)}catch(Me){return x("Module.instantiateWasm callback failed with error: "+Me),!1}return(function(){return E||typeof WebAssembly.instantiateStreaming!="function"||fe.startsWith(ce)||fe.startsWith("file://")||typeof fetch!="function"?ge(X):fetch(fe,{credentials:"same-origin"}).then(function(Me){return WebAssembly.instantiateStreaming(Me,Ee).then(X,function(lt){return x("wasm streaming compile failed: "+lt),x("falling back to ArrayBuffer instantiation"),ge(X)})})})().catch(i),{}})(),n.___wasm_call_ctors=function(){return(n.___wasm_call_ctors=n.asm.c).apply(null,arguments)},n._poly1305_auth=function(){return(n._poly1305_auth=n.asm.d).apply(null,arguments)};var Ur=n.stackSave=function(){return(Ur=n.stackSave=n.asm.e).apply(null,arguments)},xi=n.stackRestore=function(){return(xi=n.stackRestore=n.asm.f).apply(null,arguments)},Dr=n.stackAlloc=function(){return(Dr=n.stackAlloc=n.asm.g).apply(null,arguments)};n._malloc=function(){return(n._malloc=n.asm.h).apply(null,arguments)},n._free=function(){return(n._free=n.asm.i).apply(null,arguments)},n.cwrap=function(L,X,ge,Ee){ge=ge||[];var Me=ge.every(function(lt){return lt==="number"});return X!=="string"&&Me&&!Ee?re(L):function(){return xe(L,X,ge,arguments)}};var Zn;P=a(function L(){Zn||Gn(),Zn||(P=L)},"ta");function Gn(){function L(){if(!Zn&&(Zn=!0,n.calledRun=!0,!N)){if(Lr(ie),r(n),n.onRuntimeInitialized&&n.onRuntimeInitialized(),n.postRun)for(typeof n.postRun=="function"&&(n.postRun=[n.postRun]);n.postRun.length;){var X=n.postRun.shift();de.unshift(X)}Lr(de)}}if(a(L,"a"),!(0<C)){if(n.preRun)for(typeof n.preRun=="function"&&(n.preRun=[n.preRun]);n.preRun.length;)Ae();Lr(Y),0<C||(n.setStatus?(n.setStatus("Running..."),setTimeout(function(){setTimeout(function(){n.setStatus("")},1),L()},1)):L())}}if(a(Gn,"Z"),n.run=Gn,n.preInit)for(typeof n.preInit=="function"&&(n.preInit=[n.preInit]);0<n.preInit.length;)n.preInit.pop()();return Gn(),t.ready})})();typeof eo=="object"&&typeof Xs=="object"?Xs.exports=Ys:typeof define=="function"&&define.amd?define([],function(){return Ys}):typeof eo=="object"&&(eo.createPoly1305=Ys)});var cr=ze((k1,Af)=>{"use strict";var{createCipheriv:lr,createDecipheriv:to,createHmac:Vs,randomFillSync:Un,timingSafeEqual:Js}=require("crypto"),{readUInt32BE:Vr,writeUInt32BE:Ot}=dn(),$n=Buffer[Symbol.species],pf=2**32-1,_f=Buffer.alloc(0),ur=Buffer.alloc(4),no=new Map,Dn=35e3,ea,_a,ga,ma,Aa,ya,ba;try{ea=require("./crypto/build/Release/sshcrypto.node"),{AESGCMCipher:_a,ChaChaPolyCipher:ga,GenericCipher:ma,AESGCMDecipher:Aa,ChaChaPolyDecipher:ya,GenericDecipher:ba}=ea}catch{}var $t=1,i0=(()=>{function e(t,n,r,i,o,s,c){return{sslName:t,blockLen:n,keyLen:r,ivLen:i!==0||c&$t?i:n,authLen:o,discardLen:s,stream:!!(c&$t)}}return a(e,"info"),{"chacha20-poly1305@openssh.com":e("chacha20",8,64,0,16,0,$t),"aes128-gcm":e("aes-128-gcm",16,16,12,16,0,$t),"aes256-gcm":e("aes-256-gcm",16,32,12,16,0,$t),"aes128-gcm@openssh.com":e("aes-128-gcm",16,16,12,16,0,$t),"aes256-gcm@openssh.com":e("aes-256-gcm",16,32,12,16,0,$t),"aes128-cbc":e("aes-128-cbc",16,16,0,0,0,0),"aes192-cbc":e("aes-192-cbc",16,24,0,0,0,0),"aes256-cbc":e("aes-256-cbc",16,32,0,0,0,0),"rijndael-cbc@lysator.liu.se":e("aes-256-cbc",16,32,0,0,0,0),"3des-cbc":e("des-ede3-cbc",8,24,0,0,0,0),"blowfish-cbc":e("bf-cbc",8,16,0,0,0,0),"idea-cbc":e("idea-cbc",8,16,0,0,0,0),"cast128-cbc":e("cast-cbc",8,16,0,0,0,0),"aes128-ctr":e("aes-128-ctr",16,16,16,0,0,$t),"aes192-ctr":e("aes-192-ctr",16,24,16,0,0,$t),"aes256-ctr":e("aes-256-ctr",16,32,16,0,0,$t),"3des-ctr":e("des-ede3",8,24,8,0,0,$t),"blowfish-ctr":e("bf-ecb",8,16,8,0,0,$t),"cast128-ctr":e("cast5-ecb",8,16,8,0,0,$t),arcfour:e("rc4",8,16,0,0,1536,$t),arcfour128:e("rc4",8,16,0,0,1536,$t),arcfour256:e("rc4",8,32,0,0,1536,$t),arcfour512:e("rc4",8,64,0,0,1536,$t)}})(),o0=(()=>{function e(t,n,r,i){return{sslName:t,len:n,actualLen:r,isETM:i}}return a(e,"info"),{"hmac-md5":e("md5",16,16,!1),"hmac-md5-96":e("md5",16,12,!1),"hmac-ripemd160":e("ripemd160",20,20,!1),"hmac-sha1":e("sha1",20,20,!1),"hmac-sha1-etm@openssh.com":e("sha1",20,20,!0),"hmac-sha1-96":e("sha1",20,12,!1),"hmac-sha2-256":e("sha256",32,32,!1),"hmac-sha2-256-etm@openssh.com":e("sha256",32,32,!0),"hmac-sha2-256-96":e("sha256",32,12,!1),"hmac-sha2-512":e("sha512",64,64,!1),"hmac-sha2-512-etm@openssh.com":e("sha512",64,64,!0),"hmac-sha2-512-96":e("sha512",64,12,!1)}})(),ta=class{static{a(this,"NullCipher")}constructor(t,n){this.outSeqno=t,this._onWrite=n,this._dead=!1}free(){this._dead=!0}allocPacket(t){let n=5+t,r=8-(n&7);r<4&&(r+=8),n+=r;let i=Buffer.allocUnsafe(n);return Ot(i,n-4,0),i[4]=r,Un(i,5+t,r),i}encrypt(t){this._dead||(this._onWrite(t),this.outSeqno=this.outSeqno+1>>>0)}},gf=Buffer.alloc(32),Rt=Buffer.alloc(16),Xr,Jr,wa,na=class{static{a(this,"ChaChaPolyCipherNative")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._encKeyMain=n.cipherKey.slice(0,32),this._encKeyPktLen=n.cipherKey.slice(32),this._dead=!1}free(){this._dead=!0}allocPacket(t){let n=5+t,r=8-(n-4&7);r<4&&(r+=8),n+=r;let i=Buffer.allocUnsafe(n);return Ot(i,n-4,0),i[4]=r,Un(i,5+t,r),i}encrypt(t){if(this._dead)return;Rt[0]=0,Ot(Rt,this.outSeqno,12);let n=lr("chacha20",this._encKeyMain,Rt).update(gf),r=lr("chacha20",this._encKeyPktLen,Rt).update(t.slice(0,4));this._onWrite(r),Rt[0]=1;let i=lr("chacha20",this._encKeyMain,Rt).update(t.slice(4));this._onWrite(i),wa(Jr,r,r.length,i,i.length,n);let o=Buffer.allocUnsafe(16);o.set(new Uint8Array(Xr.HEAPU8.buffer,Jr,16),0),this._onWrite(o),this.outSeqno=this.outSeqno+1>>>0}},ra=class{static{a(this,"ChaChaPolyCipherBinding")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._instance=new ga(n.cipherKey),this._dead=!1}free(){this._dead=!0,this._instance.free()}allocPacket(t){let n=5+t,r=8-(n-4&7);r<4&&(r+=8),n+=r;let i=Buffer.allocUnsafe(n+16);return Ot(i,n-4,0),i[4]=r,Un(i,5+t,r),i}encrypt(t){this._dead||(this._instance.encrypt(t,this.outSeqno),this._onWrite(t),this.outSeqno=this.outSeqno+1>>>0)}},ia=class{static{a(this,"AESGCMCipherNative")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._encSSLName=n.cipherInfo.sslName,this._encKey=n.cipherKey,this._encIV=n.cipherIV,this._dead=!1}free(){this._dead=!0}allocPacket(t){let n=5+t,r=16-(n-4&15);r<4&&(r+=16),n+=r;let i=Buffer.allocUnsafe(n);return Ot(i,n-4,0),i[4]=r,Un(i,5+t,r),i}encrypt(t){if(this._dead)return;let n=lr(this._encSSLName,this._encKey,this._encIV);n.setAutoPadding(!1);let r=t.slice(0,4);n.setAAD(r),this._onWrite(r);let i=n.update(t.slice(4));this._onWrite(i);let o=n.final();o.length&&this._onWrite(o);let s=n.getAuthTag();this._onWrite(s),mf(this._encIV),this.outSeqno=this.outSeqno+1>>>0}},oa=class{static{a(this,"AESGCMCipherBinding")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._instance=new _a(n.cipherInfo.sslName,n.cipherKey,n.cipherIV),this._dead=!1}free(){this._dead=!0,this._instance.free()}allocPacket(t){let n=5+t,r=16-(n-4&15);r<4&&(r+=16),n+=r;let i=Buffer.allocUnsafe(n+16);return Ot(i,n-4,0),i[4]=r,Un(i,5+t,r),i}encrypt(t){this._dead||(this._instance.encrypt(t),this._onWrite(t),this.outSeqno=this.outSeqno+1>>>0)}},sa=class{static{a(this,"GenericCipherNative")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._encBlockLen=n.cipherInfo.blockLen,this._cipherInstance=lr(n.cipherInfo.sslName,n.cipherKey,n.cipherIV),this._macSSLName=n.macInfo.sslName,this._macKey=n.macKey,this._macActualLen=n.macInfo.actualLen,this._macETM=n.macInfo.isETM,this._aadLen=this._macETM?4:0,this._dead=!1;let r=n.cipherInfo.discardLen;if(r){let i=no.get(r);i===void 0&&(i=Buffer.alloc(r),no.set(r,i)),this._cipherInstance.update(i)}}free(){this._dead=!0}allocPacket(t){let n=this._encBlockLen,r=5+t,i=n-(r-this._aadLen&n-1);i<4&&(i+=n),r+=i;let o=Buffer.allocUnsafe(r);return Ot(o,r-4,0),o[4]=i,Un(o,5+t,i),o}encrypt(t){if(this._dead)return;let n;if(this._macETM){let i=new Uint8Array(t.buffer,t.byteOffset,4),o=this._cipherInstance.update(new Uint8Array(t.buffer,t.byteOffset+4,t.length-4));this._onWrite(i),this._onWrite(o),n=Vs(this._macSSLName,this._macKey),Ot(ur,this.outSeqno,0),n.update(ur),n.update(i),n.update(o)}else{let i=this._cipherInstance.update(t);this._onWrite(i),n=Vs(this._macSSLName,this._macKey),Ot(ur,this.outSeqno,0),n.update(ur),n.update(t)}let r=n.digest();r.length>this._macActualLen&&(r=r.slice(0,this._macActualLen)),this._onWrite(r),this.outSeqno=this.outSeqno+1>>>0}},aa=class{static{a(this,"GenericCipherBinding")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._encBlockLen=n.cipherInfo.blockLen,this._macLen=n.macInfo.len,this._macActualLen=n.macInfo.actualLen,this._aadLen=n.macInfo.isETM?4:0,this._instance=new ma(n.cipherInfo.sslName,n.cipherKey,n.cipherIV,n.macInfo.sslName,n.macKey,n.macInfo.isETM),this._dead=!1}free(){this._dead=!0,this._instance.free()}allocPacket(t){let n=this._encBlockLen,r=5+t,i=n-(r-this._aadLen&n-1);i<4&&(i+=n),r+=i;let o=Buffer.allocUnsafe(r+this._macLen);return Ot(o,r-4,0),o[4]=i,Un(o,5+t,i),o}encrypt(t){this._dead||(this._instance.encrypt(t,this.outSeqno),this._macActualLen<this._macLen&&(t=new $n(t.buffer,t.byteOffset,t.length-(this._macLen-this._macActualLen))),this._onWrite(t),this.outSeqno=this.outSeqno+1>>>0)}},ca=class{static{a(this,"NullDecipher")}constructor(t,n){this.inSeqno=t,this._onPayload=n,this._len=0,this._lenBytes=0,this._packet=null,this._packetPos=0}free(){}decrypt(t,n,r){for(;n<r;){if(this._lenBytes<4){let o=Math.min(4-this._lenBytes,r-n);for(this._lenBytes+=o;o--;)this._len=(this._len<<8)+t[n++];if(this._lenBytes<4)return;if(this._len>Dn||this._len<8||(4+this._len&7)!==0)throw new Error("Bad packet length");if(n>=r)return}if(this._packetPos<this._len){let o=Math.min(this._len-this._packetPos,r-n),s;if(n!==0||o!==r?s=new Uint8Array(t.buffer,t.byteOffset+n,o):s=t,o===this._len?this._packet=s:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(s,this._packetPos)),n+=o,this._packetPos+=o,this._packetPos<this._len)return}let i=this._packet?new $n(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1):_f;this.inSeqno=this.inSeqno+1>>>0,this._len=0,this._lenBytes=0,this._packet=null,this._packetPos=0;{let o=this._onPayload(i);if(o!==void 0)return o===!1?n:o}}}},ua=class{static{a(this,"ChaChaPolyDecipherNative")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._decKeyMain=n.decipherKey.slice(0,32),this._decKeyPktLen=n.decipherKey.slice(32),this._len=0,this._lenBuf=Buffer.alloc(4),this._lenPos=0,this._packet=null,this._pktLen=0,this._mac=Buffer.allocUnsafe(16),this._calcMac=Buffer.allocUnsafe(16),this._macPos=0}free(){}decrypt(t,n,r){for(;n<r;){if(this._lenPos<4){let c=Math.min(4-this._lenPos,r-n);for(;c--;)this._lenBuf[this._lenPos++]=t[n++];if(this._lenPos<4)return;Rt[0]=0,Ot(Rt,this.inSeqno,12);let u=to("chacha20",this._decKeyPktLen,Rt).update(this._lenBuf);if(this._len=Vr(u,0),this._len>Dn||this._len<8||(this._len&7)!==0)throw new Error("Bad packet length")}if(this._pktLen<this._len){if(n>=r)return;let c=Math.min(this._len-this._pktLen,r-n),u;if(n!==0||c!==r?u=new Uint8Array(t.buffer,t.byteOffset+n,c):u=t,c===this._len?this._packet=u:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(u,this._pktLen)),n+=c,this._pktLen+=c,this._pktLen<this._len||n>=r)return}{let c=Math.min(16-this._macPos,r-n);if(n!==0||c!==r?this._mac.set(new Uint8Array(t.buffer,t.byteOffset+n,c),this._macPos):this._mac.set(t,this._macPos),n+=c,this._macPos+=c,this._macPos<16)return}Rt[0]=0,Ot(Rt,this.inSeqno,12);let i=lr("chacha20",this._decKeyMain,Rt).update(gf);if(wa(Jr,this._lenBuf,4,this._packet,this._packet.length,i),this._calcMac.set(new Uint8Array(Xr.HEAPU8.buffer,Jr,16),0),!Js(this._calcMac,this._mac))throw new Error("Invalid MAC");Rt[0]=1;let o=to("chacha20",this._decKeyMain,Rt).update(this._packet),s=new $n(o.buffer,o.byteOffset+1,o.length-o[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._len=0,this._lenPos=0,this._packet=null,this._pktLen=0,this._macPos=0;{let c=this._onPayload(s);if(c!==void 0)return c===!1?n:c}}}},la=class{static{a(this,"ChaChaPolyDecipherBinding")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._instance=new ya(n.decipherKey),this._len=0,this._lenBuf=Buffer.alloc(4),this._lenPos=0,this._packet=null,this._pktLen=0,this._mac=Buffer.allocUnsafe(16),this._macPos=0}free(){this._instance.free()}decrypt(t,n,r){for(;n<r;){if(this._lenPos<4){let o=Math.min(4-this._lenPos,r-n);for(;o--;)this._lenBuf[this._lenPos++]=t[n++];if(this._lenPos<4)return;if(this._len=this._instance.decryptLen(this._lenBuf,this.inSeqno),this._len>Dn||this._len<8||(this._len&7)!==0)throw new Error("Bad packet length");if(n>=r)return}if(this._pktLen<this._len){let o=Math.min(this._len-this._pktLen,r-n),s;if(n!==0||o!==r?s=new Uint8Array(t.buffer,t.byteOffset+n,o):s=t,o===this._len?this._packet=s:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(s,this._pktLen)),n+=o,this._pktLen+=o,this._pktLen<this._len||n>=r)return}{let o=Math.min(16-this._macPos,r-n);if(n!==0||o!==r?this._mac.set(new Uint8Array(t.buffer,t.byteOffset+n,o),this._macPos):this._mac.set(t,this._macPos),n+=o,this._macPos+=o,this._macPos<16)return}this._instance.decrypt(this._packet,this._mac,this.inSeqno);let i=new $n(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._len=0,this._lenPos=0,this._packet=null,this._pktLen=0,this._macPos=0;{let o=this._onPayload(i);if(o!==void 0)return o===!1?n:o}}}},fa=class{static{a(this,"AESGCMDecipherNative")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._decipherInstance=null,this._decipherSSLName=n.decipherInfo.sslName,this._decipherKey=n.decipherKey,this._decipherIV=n.decipherIV,this._len=0,this._lenBytes=0,this._packet=null,this._packetPos=0,this._pktLen=0,this._tag=Buffer.allocUnsafe(16),this._tagPos=0}free(){}decrypt(t,n,r){for(;n<r;){if(this._lenBytes<4){let o=Math.min(4-this._lenBytes,r-n);for(this._lenBytes+=o;o--;)this._len=(this._len<<8)+t[n++];if(this._lenBytes<4)return;if(this._len+20>Dn||this._len<16||(this._len&15)!==0)throw new Error("Bad packet length");this._decipherInstance=to(this._decipherSSLName,this._decipherKey,this._decipherIV),this._decipherInstance.setAutoPadding(!1),this._decipherInstance.setAAD(s0(this._len))}if(this._pktLen<this._len){if(n>=r)return;let o=Math.min(this._len-this._pktLen,r-n),s;if(n!==0||o!==r?s=this._decipherInstance.update(new Uint8Array(t.buffer,t.byteOffset+n,o)):s=this._decipherInstance.update(t),s.length&&(o===this._len?this._packet=s:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(s,this._packetPos)),this._packetPos+=s.length),n+=o,this._pktLen+=o,this._pktLen<this._len||n>=r)return}{let o=Math.min(16-this._tagPos,r-n);if(n!==0||o!==r?this._tag.set(new Uint8Array(t.buffer,t.byteOffset+n,o),this._tagPos):this._tag.set(t,this._tagPos),n+=o,this._tagPos+=o,this._tagPos<16)return}{this._decipherInstance.setAuthTag(this._tag);let o=this._decipherInstance.final();o.length&&(this._packet?this._packet.set(o,this._packetPos):this._packet=o)}let i=this._packet?new $n(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1):_f;this.inSeqno=this.inSeqno+1>>>0,mf(this._decipherIV),this._len=0,this._lenBytes=0,this._packet=null,this._packetPos=0,this._pktLen=0,this._tagPos=0;{let o=this._onPayload(i);if(o!==void 0)return o===!1?n:o}}}},da=class{static{a(this,"AESGCMDecipherBinding")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._instance=new Aa(n.decipherInfo.sslName,n.decipherKey,n.decipherIV),this._len=0,this._lenBytes=0,this._packet=null,this._pktLen=0,this._tag=Buffer.allocUnsafe(16),this._tagPos=0}free(){}decrypt(t,n,r){for(;n<r;){if(this._lenBytes<4){let o=Math.min(4-this._lenBytes,r-n);for(this._lenBytes+=o;o--;)this._len=(this._len<<8)+t[n++];if(this._lenBytes<4)return;if(this._len+20>Dn||this._len<16||(this._len&15)!==0)throw new Error(`Bad packet length: ${this._len}`)}if(this._pktLen<this._len){if(n>=r)return;let o=Math.min(this._len-this._pktLen,r-n),s;if(n!==0||o!==r?s=new Uint8Array(t.buffer,t.byteOffset+n,o):s=t,o===this._len?this._packet=s:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(s,this._pktLen)),n+=o,this._pktLen+=o,this._pktLen<this._len||n>=r)return}{let o=Math.min(16-this._tagPos,r-n);if(n!==0||o!==r?this._tag.set(new Uint8Array(t.buffer,t.byteOffset+n,o),this._tagPos):this._tag.set(t,this._tagPos),n+=o,this._tagPos+=o,this._tagPos<16)return}this._instance.decrypt(this._packet,this._len,this._tag);let i=new $n(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._len=0,this._lenBytes=0,this._packet=null,this._pktLen=0,this._tagPos=0;{let o=this._onPayload(i);if(o!==void 0)return o===!1?n:o}}}},ha=class{static{a(this,"GenericDecipherNative")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._decipherInstance=to(n.decipherInfo.sslName,n.decipherKey,n.decipherIV),this._decipherInstance.setAutoPadding(!1),this._block=Buffer.allocUnsafe(n.macInfo.isETM?4:n.decipherInfo.blockLen),this._blockSize=n.decipherInfo.blockLen,this._blockPos=0,this._len=0,this._packet=null,this._packetPos=0,this._pktLen=0,this._mac=Buffer.allocUnsafe(n.macInfo.actualLen),this._macPos=0,this._macSSLName=n.macInfo.sslName,this._macKey=n.macKey,this._macActualLen=n.macInfo.actualLen,this._macETM=n.macInfo.isETM,this._macInstance=null;let r=n.decipherInfo.discardLen;if(r){let i=no.get(r);i===void 0&&(i=Buffer.alloc(r),no.set(r,i)),this._decipherInstance.update(i)}}free(){}decrypt(t,n,r){for(;n<r;){if(this._blockPos<this._block.length){let s=Math.min(this._block.length-this._blockPos,r-n);if(n!==0||s!==r||s<t.length?this._block.set(new Uint8Array(t.buffer,t.byteOffset+n,s),this._blockPos):this._block.set(t,this._blockPos),n+=s,this._blockPos+=s,this._blockPos<this._block.length)return;let c,u;if(this._macETM?this._len=u=Vr(this._block,0):(c=this._decipherInstance.update(this._block),this._len=Vr(c,0),u=4+this._len-this._blockSize),this._len>Dn||this._len<5||(u&this._blockSize-1)!==0)throw new Error("Bad packet length");if(this._macInstance=Vs(this._macSSLName,this._macKey),Ot(ur,this.inSeqno,0),this._macInstance.update(ur),this._macETM?this._macInstance.update(this._block):(this._macInstance.update(new Uint8Array(c.buffer,c.byteOffset,4)),this._pktLen=c.length-4,this._packetPos=this._pktLen,this._packet=Buffer.allocUnsafe(this._len),this._packet.set(new Uint8Array(c.buffer,c.byteOffset+4,this._packetPos),0)),n>=r)return}if(this._pktLen<this._len){let s=Math.min(this._len-this._pktLen,r-n),c;n!==0||s!==r?c=new Uint8Array(t.buffer,t.byteOffset+n,s):c=t,this._macETM&&this._macInstance.update(c);let u=this._decipherInstance.update(c);if(u.length&&(s===this._len?this._packet=u:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(u,this._packetPos)),this._packetPos+=u.length),n+=s,this._pktLen+=s,this._pktLen<this._len||n>=r)return}{let s=Math.min(this._macActualLen-this._macPos,r-n);if(n!==0||s!==r?this._mac.set(new Uint8Array(t.buffer,t.byteOffset+n,s),this._macPos):this._mac.set(t,this._macPos),n+=s,this._macPos+=s,this._macPos<this._macActualLen)return}this._macETM||this._macInstance.update(this._packet);let i=this._macInstance.digest();if(this._macActualLen<i.length&&(i=new Uint8Array(i.buffer,i.byteOffset,this._macActualLen)),!a0(i,this._mac))throw new Error("Invalid MAC");let o=new $n(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._blockPos=0,this._len=0,this._packet=null,this._packetPos=0,this._pktLen=0,this._macPos=0,this._macInstance=null;{let s=this._onPayload(o);if(s!==void 0)return s===!1?n:s}}}},pa=class{static{a(this,"GenericDecipherBinding")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._instance=new ba(n.decipherInfo.sslName,n.decipherKey,n.decipherIV,n.macInfo.sslName,n.macKey,n.macInfo.isETM,n.macInfo.actualLen),this._block=Buffer.allocUnsafe(n.macInfo.isETM||n.decipherInfo.stream?4:n.decipherInfo.blockLen),this._blockPos=0,this._len=0,this._packet=null,this._pktLen=0,this._mac=Buffer.allocUnsafe(n.macInfo.actualLen),this._macPos=0,this._macActualLen=n.macInfo.actualLen,this._macETM=n.macInfo.isETM}free(){this._instance.free()}decrypt(t,n,r){for(;n<r;){if(this._blockPos<this._block.length){let o=Math.min(this._block.length-this._blockPos,r-n);if(n!==0||o!==r||o<t.length?this._block.set(new Uint8Array(t.buffer,t.byteOffset+n,o),this._blockPos):this._block.set(t,this._blockPos),n+=o,this._blockPos+=o,this._blockPos<this._block.length)return;let s;if(this._macETM?this._len=s=Vr(this._block,0):(this._instance.decryptBlock(this._block),this._len=Vr(this._block,0),s=4+this._len-this._block.length),this._len>Dn||this._len<5||(s&this._block.length-1)!==0)throw new Error("Bad packet length");if(this._macETM||(this._pktLen=this._block.length-4,this._pktLen&&(this._packet=Buffer.allocUnsafe(this._len),this._packet.set(new Uint8Array(this._block.buffer,this._block.byteOffset+4,this._pktLen),0))),n>=r)return}if(this._pktLen<this._len){let o=Math.min(this._len-this._pktLen,r-n),s;if(n!==0||o!==r?s=new Uint8Array(t.buffer,t.byteOffset+n,o):s=t,o===this._len?this._packet=s:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(s,this._pktLen)),n+=o,this._pktLen+=o,this._pktLen<this._len||n>=r)return}{let o=Math.min(this._macActualLen-this._macPos,r-n);if(n!==0||o!==r?this._mac.set(new Uint8Array(t.buffer,t.byteOffset+n,o),this._macPos):this._mac.set(t,this._macPos),n+=o,this._macPos+=o,this._macPos<this._macActualLen)return}this._instance.decrypt(this._packet,this.inSeqno,this._block,this._mac);let i=new $n(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._blockPos=0,this._len=0,this._packet=null,this._pktLen=0,this._macPos=0,this._macInstance=null;{let o=this._onPayload(i);if(o!==void 0)return o===!1?n:o}}}};function mf(e){++e[11]>>>8&&++e[10]>>>8&&++e[9]>>>8&&++e[8]>>>8&&++e[7]>>>8&&++e[6]>>>8&&++e[5]>>>8&&++e[4]>>>8}a(mf,"ivIncrement");var s0=(()=>{let e=Buffer.alloc(4);return t=>(e[0]=t>>>24,e[1]=t>>>16,e[2]=t>>>8,e[3]=t,e)})();function a0(e,t){return e.length!==t.length?(Js(e,e),!1):Js(e,t)}a(a0,"timingSafeEquals");function c0(e){if(typeof e!="object"||e===null)throw new Error("Invalid config");if(typeof e.outbound!="object"||e.outbound===null)throw new Error("Invalid outbound");let t=e.outbound;if(typeof t.onWrite!="function")throw new Error("Invalid outbound.onWrite");if(typeof t.cipherInfo!="object"||t.cipherInfo===null)throw new Error("Invalid outbound.cipherInfo");if(!Buffer.isBuffer(t.cipherKey)||t.cipherKey.length!==t.cipherInfo.keyLen)throw new Error("Invalid outbound.cipherKey");if(t.cipherInfo.ivLen&&(!Buffer.isBuffer(t.cipherIV)||t.cipherIV.length!==t.cipherInfo.ivLen))throw new Error("Invalid outbound.cipherIV");if(typeof t.seqno!="number"||t.seqno<0||t.seqno>pf)throw new Error("Invalid outbound.seqno");let n=!!t.forceNative;switch(t.cipherInfo.sslName){case"aes-128-gcm":case"aes-256-gcm":return _a&&!n?new oa(e):new ia(e);case"chacha20":return ga&&!n?new ra(e):new na(e);default:{if(typeof t.macInfo!="object"||t.macInfo===null)throw new Error("Invalid outbound.macInfo");if(!Buffer.isBuffer(t.macKey)||t.macKey.length!==t.macInfo.len)throw new Error("Invalid outbound.macKey");return ma&&!n?new aa(e):new sa(e)}}}a(c0,"createCipher");function u0(e){if(typeof e!="object"||e===null)throw new Error("Invalid config");if(typeof e.inbound!="object"||e.inbound===null)throw new Error("Invalid inbound");let t=e.inbound;if(typeof t.onPayload!="function")throw new Error("Invalid inbound.onPayload");if(typeof t.decipherInfo!="object"||t.decipherInfo===null)throw new Error("Invalid inbound.decipherInfo");if(!Buffer.isBuffer(t.decipherKey)||t.decipherKey.length!==t.decipherInfo.keyLen)throw new Error("Invalid inbound.decipherKey");if(t.decipherInfo.ivLen&&(!Buffer.isBuffer(t.decipherIV)||t.decipherIV.length!==t.decipherInfo.ivLen))throw new Error("Invalid inbound.decipherIV");if(typeof t.seqno!="number"||t.seqno<0||t.seqno>pf)throw new Error("Invalid inbound.seqno");let n=!!t.forceNative;switch(t.decipherInfo.sslName){case"aes-128-gcm":case"aes-256-gcm":return Aa&&!n?new da(e):new fa(e);case"chacha20":return ya&&!n?new la(e):new ua(e);default:{if(typeof t.macInfo!="object"||t.macInfo===null)throw new Error("Invalid inbound.macInfo");if(!Buffer.isBuffer(t.macKey)||t.macKey.length!==t.macInfo.len)throw new Error("Invalid inbound.macKey");return ba&&!n?new pa(e):new ha(e)}}}a(u0,"createDecipher");Af.exports={CIPHER_INFO:i0,MAC_INFO:o0,bindingAvailable:!!ea,init:new Promise(async(e,t)=>{try{Xr=await hf()(),Jr=Xr._malloc(16),wa=Xr.cwrap("poly1305_auth",null,["number","array","number","array","number","array"])}catch(n){return t(n)}e()}),NullCipher:ta,createCipher:c0,NullDecipher:ca,createDecipher:u0}});var zn=ze((I1,vf)=>{"use strict";var{createDecipheriv:xa,createECDH:l0,createHash:ti,createHmac:f0,createSign:d0,createVerify:h0,getCiphers:p0,sign:yf,verify:bf}=require("crypto"),_0=p0(),{Ber:$e}=ji(),g0=Jl().pbkdf,{CIPHER_INFO:ni}=cr(),{eddsaSupported:Ea,SUPPORTED_CIPHER:m0}=wn(),{bufferSlice:Hn,makeBufferParser:A0,readString:we,readUInt32BE:ei,writeUInt32BE:At}=dn(),hn=Symbol("Hash Algorithm"),Kt=Symbol("Private key PEM"),Vt=Symbol("Public key PEM"),xn=Symbol("Public key SSH"),fr=Symbol("Decrypted Key"),$a=Object.create(null);{let e=Object.keys(ni);for(let t=0;t<e.length;++t){let n=ni[e[t]].sslName;!n||$a[n]||($a[n]=ni[e[t]])}}var ro=A0();function Wt(e,t){t=t.base64Slice(0,t.length);let n=t.replace(/.{64}/g,`$&
`);return t.length&63&&(n+=`
`),`-----BEGIN ${e} KEY-----
${n}-----END ${e} KEY-----`}a(Wt,"makePEM");function ri(e,t){let n=Buffer.allocUnsafe(e.length+t.length);return n.set(e,0),n.set(t,e.length),n}a(ri,"combineBuffers");function ka(e,t){let n=e.length,r=e._pos||0;for(let i=0;i<t;++i){let o=n-r;if(r>=n||o<4)return!1;let s=ei(e,r);if(o<4+s)return!1;r+=4+s}return e._pos=r,!0}a(ka,"skipFields");function ii(e,t){let n=new $e.Writer;return n.startSequence(),n.startSequence(),n.writeOID("1.2.840.113549.1.1.1"),n.writeNull(),n.endSequence(),n.startSequence($e.BitString),n.writeByte(0),n.startSequence(),n.writeBuffer(e,$e.Integer),n.writeBuffer(t,$e.Integer),n.endSequence(),n.endSequence(),n.endSequence(),Wt("PUBLIC",n.buffer)}a(ii,"genOpenSSLRSAPub");function oi(e,t){let n=Buffer.allocUnsafe(15+t.length+4+e.length);At(n,7,0),n.utf8Write("ssh-rsa",4,7);let r=11;return At(n,t.length,r),n.set(t,r+=4),At(n,e.length,r+=t.length),n.set(e,r+4),n}a(oi,"genOpenSSHRSAPub");var wf=(()=>{function e(r,i,o,s,c,u,l,d){let h=new $e.Writer;return h.startSequence(),h.writeInt(0,$e.Integer),h.writeBuffer(r,$e.Integer),h.writeBuffer(i,$e.Integer),h.writeBuffer(o,$e.Integer),h.writeBuffer(s,$e.Integer),h.writeBuffer(c,$e.Integer),h.writeBuffer(u,$e.Integer),h.writeBuffer(l,$e.Integer),h.writeBuffer(d,$e.Integer),h.endSequence(),h.buffer}a(e,"genRSAASN1Buf");function t(r){return BigInt(`0x${r.hexSlice(0,r.length)}`)}a(t,"bigIntFromBuffer");function n(r){let i=r.toString(16);if((i.length&1)!==0)i=`0${i}`;else{let o=i.charCodeAt(0);(o===56||o===57||o>=97&&o<=102)&&(i=`00${i}`)}return Buffer.from(i,"hex")}return a(n,"bigIntToBuffer"),a(function(i,o,s,c,u,l){let d=t(s),h=n(d%(t(u)-1n)),_=n(d%(t(l)-1n));return Wt("RSA PRIVATE",e(i,o,s,u,l,h,_,c))},"genOpenSSLRSAPriv")})();function si(e,t,n,r){let i=new $e.Writer;return i.startSequence(),i.startSequence(),i.writeOID("1.2.840.10040.4.1"),i.startSequence(),i.writeBuffer(e,$e.Integer),i.writeBuffer(t,$e.Integer),i.writeBuffer(n,$e.Integer),i.endSequence(),i.endSequence(),i.startSequence($e.BitString),i.writeByte(0),i.writeBuffer(r,$e.Integer),i.endSequence(),i.endSequence(),Wt("PUBLIC",i.buffer)}a(si,"genOpenSSLDSAPub");function ai(e,t,n,r){let i=Buffer.allocUnsafe(15+e.length+4+t.length+4+n.length+4+r.length);At(i,7,0),i.utf8Write("ssh-dss",4,7);let o=11;return At(i,e.length,o),i.set(e,o+=4),At(i,t.length,o+=e.length),i.set(t,o+=4),At(i,n.length,o+=t.length),i.set(n,o+=4),At(i,r.length,o+=n.length),i.set(r,o+4),i}a(ai,"genOpenSSHDSAPub");function $f(e,t,n,r,i){let o=new $e.Writer;return o.startSequence(),o.writeInt(0,$e.Integer),o.writeBuffer(e,$e.Integer),o.writeBuffer(t,$e.Integer),o.writeBuffer(n,$e.Integer),o.writeBuffer(r,$e.Integer),o.writeBuffer(i,$e.Integer),o.endSequence(),Wt("DSA PRIVATE",o.buffer)}a($f,"genOpenSSLDSAPriv");function xf(e){let t=new $e.Writer;return t.startSequence(),t.startSequence(),t.writeOID("1.3.101.112"),t.endSequence(),t.startSequence($e.BitString),t.writeByte(0),t._ensure(e.length),t._buf.set(e,t._offset),t._offset+=e.length,t.endSequence(),t.endSequence(),Wt("PUBLIC",t.buffer)}a(xf,"genOpenSSLEdPub");function Ef(e){let t=Buffer.allocUnsafe(19+e.length);return At(t,11,0),t.utf8Write("ssh-ed25519",4,11),At(t,e.length,15),t.set(e,19),t}a(Ef,"genOpenSSHEdPub");function y0(e){let t=new $e.Writer;return t.startSequence(),t.writeInt(0,$e.Integer),t.startSequence(),t.writeOID("1.3.101.112"),t.endSequence(),t.startSequence($e.OctetString),t.writeBuffer(e,$e.OctetString),t.endSequence(),t.endSequence(),Wt("PRIVATE",t.buffer)}a(y0,"genOpenSSLEdPriv");function Sa(e,t){let n=new $e.Writer;return n.startSequence(),n.startSequence(),n.writeOID("1.2.840.10045.2.1"),n.writeOID(e),n.endSequence(),n.startSequence($e.BitString),n.writeByte(0),n._ensure(t.length),n._buf.set(t,n._offset),n._offset+=t.length,n.endSequence(),n.endSequence(),Wt("PUBLIC",n.buffer)}a(Sa,"genOpenSSLECDSAPub");function Ia(e,t){let n;switch(e){case"1.2.840.10045.3.1.7":n="nistp256";break;case"1.3.132.0.34":n="nistp384";break;case"1.3.132.0.35":n="nistp521";break;default:return}let r=Buffer.allocUnsafe(39+t.length);return At(r,19,0),r.utf8Write(`ecdsa-sha2-${n}`,4,19),At(r,8,23),r.utf8Write(n,27,8),At(r,t.length,35),r.set(t,39),r}a(Ia,"genOpenSSHECDSAPub");function b0(e,t,n){let r=new $e.Writer;return r.startSequence(),r.writeInt(1,$e.Integer),r.writeBuffer(n,$e.OctetString),r.startSequence(160),r.writeOID(e),r.endSequence(),r.startSequence(161),r.startSequence($e.BitString),r.writeByte(0),r._ensure(t.length),r._buf.set(t,r._offset),r._offset+=t.length,r.endSequence(),r.endSequence(),r.endSequence(),Wt("EC PRIVATE",r.buffer)}a(b0,"genOpenSSLECDSAPriv");function w0(e,t){let n=l0(e);return n.setPrivateKey(t),n.getPublicKey()}a(w0,"genOpenSSLECDSAPubFromPriv");var ci={sign:a(typeof yf=="function"?function(t,n){let r=this[Kt];if(r===null)return new Error("No private key available");(!n||typeof n!="string")&&(n=this[hn]);try{return yf(n,t,r)}catch(i){return i}}:function(t,n){let r=this[Kt];if(r===null)return new Error("No private key available");(!n||typeof n!="string")&&(n=this[hn]);let i=d0(n);i.update(t);try{return i.sign(r)}catch(o){return o}},"sign"),verify:a(typeof bf=="function"?function(t,n,r){let i=this[Vt];if(i===null)return new Error("No public key available");(!r||typeof r!="string")&&(r=this[hn]);try{return bf(r,t,i,n)}catch(o){return o}}:function(t,n,r){let i=this[Vt];if(i===null)return new Error("No public key available");(!r||typeof r!="string")&&(r=this[hn]);let o=h0(r);o.update(t);try{return o.verify(i,n)}catch(s){return s}},"verify"),isPrivateKey:a(function(){return this[Kt]!==null},"isPrivateKey"),getPrivatePEM:a(function(){return this[Kt]},"getPrivatePEM"),getPublicPEM:a(function(){return this[Vt]},"getPublicPEM"),getPublicSSH:a(function(){return this[xn]},"getPublicSSH"),equals:a(function(t){let n=If(t);return n instanceof Error?!1:this.type===n.type&&this[Kt]===n[Kt]&&this[Vt]===n[Vt]&&this[xn].equals(n[xn])},"equals")};function io(e,t,n,r,i,o,s){this.type=e,this.comment=t,this[Kt]=n,this[Vt]=r,this[xn]=i,this[hn]=o,this[fr]=s}a(io,"OpenSSH_Private");io.prototype=ci;{let t=function(n,r,i){let o=[];if(n.length<8)return new Error("Malformed OpenSSH private key");let s=ei(n,0),c=ei(n,4);if(s!==c)return i?new Error("OpenSSH key integrity check failed -- bad passphrase?"):new Error("OpenSSH key integrity check failed");n._pos=8;let u,l;for(u=0;u<r;++u){let h,_,A,w,b=we(n,n._pos,!0);if(b===void 0)return new Error("Malformed OpenSSH private key");switch(b){case"ssh-rsa":{let E=we(n,n._pos);if(E===void 0)return new Error("Malformed OpenSSH private key");let B=we(n,n._pos);if(B===void 0)return new Error("Malformed OpenSSH private key");let M=we(n,n._pos);if(M===void 0)return new Error("Malformed OpenSSH private key");let N=we(n,n._pos);if(N===void 0)return new Error("Malformed OpenSSH private key");let G=we(n,n._pos);if(G===void 0)return new Error("Malformed OpenSSH private key");let re=we(n,n._pos);if(re===void 0)return new Error("Malformed OpenSSH private key");A=ii(E,B),w=oi(E,B),_=wf(E,B,M,N,G,re),h="sha1";break}case"ssh-dss":{let E=we(n,n._pos);if(E===void 0)return new Error("Malformed OpenSSH private key");let B=we(n,n._pos);if(B===void 0)return new Error("Malformed OpenSSH private key");let M=we(n,n._pos);if(M===void 0)return new Error("Malformed OpenSSH private key");let N=we(n,n._pos);if(N===void 0)return new Error("Malformed OpenSSH private key");let G=we(n,n._pos);if(G===void 0)return new Error("Malformed OpenSSH private key");A=si(E,B,M,N),w=ai(E,B,M,N),_=$f(E,B,M,N,G),h="sha1";break}case"ssh-ed25519":{if(!Ea)return new Error(`Unsupported OpenSSH private key type: ${b}`);let E=we(n,n._pos);if(E===void 0||E.length!==32)return new Error("Malformed OpenSSH private key");let B=we(n,n._pos);if(B===void 0||B.length!==64)return new Error("Malformed OpenSSH private key");A=xf(E),w=Ef(E),_=y0(Hn(B,0,32)),h=null;break}case"ecdsa-sha2-nistp256":h="sha256",l="1.2.840.10045.3.1.7";case"ecdsa-sha2-nistp384":h===void 0&&(h="sha384",l="1.3.132.0.34");case"ecdsa-sha2-nistp521":{if(h===void 0&&(h="sha512",l="1.3.132.0.35"),!ka(n,1))return new Error("Malformed OpenSSH private key");let E=we(n,n._pos);if(E===void 0)return new Error("Malformed OpenSSH private key");let B=we(n,n._pos);if(B===void 0)return new Error("Malformed OpenSSH private key");A=Sa(l,E),w=Ia(l,E),_=b0(l,E,B);break}default:return new Error(`Unsupported OpenSSH private key type: ${b}`)}let x=we(n,n._pos,!0);if(x===void 0)return new Error("Malformed OpenSSH private key");o.push(new io(b,x,_,A,w,h,i))}let d=0;for(u=n._pos;u<n.length;++u)if(n[u]!==++d%255)return new Error("Malformed OpenSSH private key");return o};a(t,"parseOpenSSHPrivKeys");let e=/^-----BEGIN OPENSSH PRIVATE KEY-----(?:\r\n|\n)([\s\S]+)(?:\r\n|\n)-----END OPENSSH PRIVATE KEY-----$/;io.parse=(n,r)=>{let i=e.exec(n);if(i===null)return null;let o,s=Buffer.from(i[1],"base64");if(s.length<31)return new Error("Malformed OpenSSH private key");let c=s.utf8Slice(0,15);if(c!=="openssh-key-v1\0")return new Error(`Unsupported OpenSSH key magic: ${c}`);let u=we(s,15,!0);if(u===void 0)return new Error("Malformed OpenSSH private key");if(u!=="none"&&m0.indexOf(u)===-1)return new Error(`Unsupported cipher for OpenSSH key: ${u}`);let l=we(s,s._pos,!0);if(l===void 0)return new Error("Malformed OpenSSH private key");if(l!=="none"){if(u==="none")return new Error("Malformed OpenSSH private key");if(l!=="bcrypt")return new Error(`Unsupported kdf name for OpenSSH key: ${l}`);if(!r)return new Error("Encrypted private OpenSSH key detected, but no passphrase given")}else if(u!=="none")return new Error("Malformed OpenSSH private key");let d,h,_;u!=="none"&&(d=ni[u]);let A=we(s,s._pos);if(A===void 0)return new Error("Malformed OpenSSH private key");if(A.length)switch(l){case"none":return new Error("Malformed OpenSSH private key");case"bcrypt":{let b=we(A,0);if(b===void 0||A._pos+4>A.length)return new Error("Malformed OpenSSH private key");let x=ei(A,A._pos),E=Buffer.allocUnsafe(d.keyLen+d.ivLen);if(g0(r,r.length,b,b.length,E,E.length,x)!==0)return new Error("Failed to generate information to decrypt key");h=Hn(E,0,d.keyLen),_=Hn(E,d.keyLen,E.length);break}}else if(l!=="none")return new Error("Malformed OpenSSH private key");if(s._pos+3>=s.length)return new Error("Malformed OpenSSH private key");let w=ei(s,s._pos);if(s._pos+=4,w>0){for(let x=0;x<w;++x){let E=we(s,s._pos);if(E===void 0)return new Error("Malformed OpenSSH private key");if(we(E,0,!0)===void 0)return new Error("Malformed OpenSSH private key")}let b=we(s,s._pos);if(b===void 0)return new Error("Malformed OpenSSH private key");if(h!==void 0){if(b.length<d.blockLen||b.length%d.blockLen!==0)return new Error("Malformed OpenSSH private key");try{let x={authTagLength:d.authLen},E=xa(d.sslName,h,_,x);if(E.setAutoPadding(!1),d.authLen>0){if(s.length-s._pos<d.authLen)return new Error("Malformed OpenSSH private key");E.setAuthTag(Hn(s,s._pos,s._pos+=d.authLen))}b=ri(E.update(b),E.final())}catch(x){return x}}if(s._pos!==s.length)return new Error("Malformed OpenSSH private key");o=t(b,w,h!==void 0)}else o=[];return o instanceof Error?o:o[0]}}function oo(e,t,n,r,i,o,s){this.type=e,this.comment=t,this[Kt]=n,this[Vt]=r,this[xn]=i,this[hn]=o,this[fr]=s}a(oo,"OpenSSH_Old_Private");oo.prototype=ci;{let e=/^-----BEGIN (RSA|DSA|EC) PRIVATE KEY-----(?:\r\n|\n)((?:[^:]+:\s*[\S].*(?:\r\n|\n))*)([\s\S]+)(?:\r\n|\n)-----END (RSA|DSA|EC) PRIVATE KEY-----$/;oo.parse=(t,n)=>{let r=e.exec(t);if(r===null)return null;let i=Buffer.from(r[3],"base64"),o=r[2],s=!1;if(o!==void 0){o=o.split(/\r\n|\n/g);for(let w=0;w<o.length;++w){let b=o[w],x=b.indexOf(":");if(b.slice(0,x)==="DEK-Info"){let E=b.slice(x+2);if(x=E.indexOf(","),x===-1)continue;let B=E.slice(0,x).toLowerCase();if(_0.indexOf(B)===-1)return new Error(`Cipher (${B}) not supported for encrypted OpenSSH private key`);let M=$a[B];if(!M)return new Error(`Cipher (${B}) not supported for encrypted OpenSSH private key`);let N=Buffer.from(E.slice(x+1),"hex");if(N.length!==M.ivLen)return new Error("Malformed encrypted OpenSSH private key");if(!n)return new Error("Encrypted OpenSSH private key detected, but no passphrase given");let G=Hn(N,0,8),re=ti("md5").update(n).update(G).digest();for(;re.length<M.keyLen;)re=ri(re,ti("md5").update(re).update(n).update(G).digest());re.length>M.keyLen&&(re=Hn(re,0,M.keyLen));try{let xe=xa(B,re,N);xe.setAutoPadding(!1),i=ri(xe.update(i),xe.final()),s=!0}catch(xe){return xe}}}}let c,u,l,d,h,_,A="Malformed OpenSSH private key";switch(s&&(A+=". Bad passphrase?"),r[1]){case"RSA":c="ssh-rsa",u=Wt("RSA PRIVATE",i);try{_=new $e.Reader(i),_.readSequence(),_.readInt();let w=_.readString($e.Integer,!0);if(w===null)return new Error(A);let b=_.readString($e.Integer,!0);if(b===null)return new Error(A);l=ii(w,b),d=oi(w,b)}catch{return new Error(A)}h="sha1";break;case"DSA":c="ssh-dss",u=Wt("DSA PRIVATE",i);try{_=new $e.Reader(i),_.readSequence(),_.readInt();let w=_.readString($e.Integer,!0);if(w===null)return new Error(A);let b=_.readString($e.Integer,!0);if(b===null)return new Error(A);let x=_.readString($e.Integer,!0);if(x===null)return new Error(A);let E=_.readString($e.Integer,!0);if(E===null)return new Error(A);l=si(w,b,x,E),d=ai(w,b,x,E)}catch{return new Error(A)}h="sha1";break;case"EC":{let w,b,x;try{_=new $e.Reader(i),_.readSequence(),_.readInt(),b=_.readString($e.OctetString,!0),_.readByte();let B=_.readLength();if(B!==null){if(_._offset=B,x=_.readOID(),x===null)return new Error(A);switch(x){case"1.2.840.10045.3.1.7":w="prime256v1",c="ecdsa-sha2-nistp256",h="sha256";break;case"1.3.132.0.34":w="secp384r1",c="ecdsa-sha2-nistp384",h="sha384";break;case"1.3.132.0.35":w="secp521r1",c="ecdsa-sha2-nistp521",h="sha512";break;default:return new Error(`Unsupported private key EC OID: ${x}`)}}else return new Error(A)}catch{return new Error(A)}u=Wt("EC PRIVATE",i);let E=w0(w,b);l=Sa(x,E),d=Ia(x,E);break}}return new oo(c,"",u,l,d,h,s)}}function so(e,t,n,r,i,o,s){this.type=e,this.comment=t,this[Kt]=n,this[Vt]=r,this[xn]=i,this[hn]=o,this[fr]=s}a(so,"PPK_Private");so.prototype=ci;{let e=Buffer.alloc(0),t=Buffer.from([0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]),n=Buffer.from([0,0,0,0]),r=Buffer.from([0,0,0,1]),i=/^PuTTY-User-Key-File-2: (ssh-(?:rsa|dss))\r?\nEncryption: (aes256-cbc|none)\r?\nComment: ([^\r\n]*)\r?\nPublic-Lines: \d+\r?\n([\s\S]+?)\r?\nPrivate-Lines: \d+\r?\n([\s\S]+?)\r?\nPrivate-MAC: ([^\r\n]+)/;so.parse=(o,s)=>{let c=i.exec(o);if(c===null)return null;let u=c[2],l=u!=="none";if(l&&!s)return new Error("Encrypted PPK private key detected, but no passphrase given");let d=Buffer.from(c[5],"base64");if(l){let W=ni[u],j=ri(ti("sha1").update(n).update(s).digest(),ti("sha1").update(r).update(s).digest());j.length>W.keyLen&&(j=Hn(j,0,W.keyLen));try{let te=xa(W.sslName,j,t);te.setAutoPadding(!1),d=ri(te.update(d),te.final())}catch(te){return te}}let h=c[1],_=c[3],A=Buffer.from(c[4],"base64"),w=c[6],b=h.length,x=u.length,E=Buffer.byteLength(_),B=A.length,M=d.length,N=Buffer.allocUnsafe(4+b+4+x+4+E+4+B+4+M),G=0;if(At(N,b,G),N.utf8Write(h,G+=4,b),At(N,x,G+=b),N.utf8Write(u,G+=4,x),At(N,E,G+=x),N.utf8Write(_,G+=4,E),At(N,B,G+=E),N.set(A,G+=4),At(N,M,G+=B),N.set(d,G+4),s||(s=e),f0("sha1",ti("sha1").update("putty-private-key-file-mac-key").update(s).digest()).update(N).digest("hex")!==w)return l?new Error("PPK private key integrity check failed -- bad passphrase?"):new Error("PPK private key integrity check failed");let xe,z,q;switch(A._pos=0,ka(A,1),h){case"ssh-rsa":{let W=we(A,A._pos);if(W===void 0)return new Error("Malformed PPK public key");let j=we(A,A._pos);if(j===void 0)return new Error("Malformed PPK public key");let te=we(d,0);if(te===void 0)return new Error("Malformed PPK private key");let _e=we(d,d._pos);if(_e===void 0)return new Error("Malformed PPK private key");let Y=we(d,d._pos);if(Y===void 0)return new Error("Malformed PPK private key");let ie=we(d,d._pos);if(ie===void 0)return new Error("Malformed PPK private key");xe=ii(j,W),z=oi(j,W),q=wf(j,W,te,ie,_e,Y);break}case"ssh-dss":{let W=we(A,A._pos);if(W===void 0)return new Error("Malformed PPK public key");let j=we(A,A._pos);if(j===void 0)return new Error("Malformed PPK public key");let te=we(A,A._pos);if(te===void 0)return new Error("Malformed PPK public key");let _e=we(A,A._pos);if(_e===void 0)return new Error("Malformed PPK public key");let Y=we(d,0);if(Y===void 0)return new Error("Malformed PPK private key");xe=si(W,j,te,_e),z=ai(W,j,te,_e),q=$f(W,j,te,_e,Y);break}}return new so(h,_,q,xe,z,"sha1",l)}}function co(e,t,n,r,i){this.type=e,this.comment=t,this[Kt]=null,this[Vt]=n,this[xn]=r,this[hn]=i,this[fr]=!1}a(co,"OpenSSH_Public");co.prototype=ci;{let e;Ea?e=/^(((?:ssh-(?:rsa|dss|ed25519))|ecdsa-sha2-nistp(?:256|384|521))(?:-cert-v0[01]@openssh.com)?) ([A-Z0-9a-z/+=]+)(?:$|\s+([\S].*)?)$/:e=/^(((?:ssh-(?:rsa|dss))|ecdsa-sha2-nistp(?:256|384|521))(?:-cert-v0[01]@openssh.com)?) ([A-Z0-9a-z/+=]+)(?:$|\s+([\S].*)?)$/,co.parse=t=>{let n=e.exec(t);if(n===null)return null;let r=n[1],i=n[2],o=Buffer.from(n[3],"base64"),s=n[4]||"",c=we(o,o._pos,!0);return c===void 0||c.indexOf(i)!==0?new Error("Malformed OpenSSH public key"):va(o,i,s,r)}}function ao(e,t,n,r,i){this.type=e,this.comment=t,this[Kt]=null,this[Vt]=n,this[xn]=r,this[hn]=i,this[fr]=!1}a(ao,"RFC4716_Public");ao.prototype=ci;{let e=/^---- BEGIN SSH2 PUBLIC KEY ----(?:\r?\n)((?:.{0,72}\r?\n)+)---- END SSH2 PUBLIC KEY ----$/,t=/^[A-Z0-9a-z/+=\r\n]+$/,n=/^([\x21-\x39\x3B-\x7E]{1,64}): ((?:[^\\]*\\\r?\n)*[^\r\n]+)\r?\n/gm,r=/\\\r?\n/g;ao.parse=i=>{let o=e.exec(i);if(o===null)return null;let s=o[1],c=0,u="";for(;o=n.exec(s);){let A=o[1],w=o[2].replace(r,"");if(w.length>1024)return n.lastIndex=0,new Error("Malformed RFC4716 public key");c=n.lastIndex,A.toLowerCase()==="comment"&&(u=w,u.length>1&&u.charCodeAt(0)===34&&u.charCodeAt(u.length-1)===34&&(u=u.slice(1,-1)))}let l=s.slice(c);if(!t.test(l))return new Error("Malformed RFC4716 public key");l=Buffer.from(l,"base64");let d=we(l,0,!0);if(d===void 0)return new Error("Malformed RFC4716 public key");let h=null,_=null;switch(d){case"ssh-rsa":{let A=we(l,l._pos);if(A===void 0)return new Error("Malformed RFC4716 public key");let w=we(l,l._pos);if(w===void 0)return new Error("Malformed RFC4716 public key");h=ii(w,A),_=oi(w,A);break}case"ssh-dss":{let A=we(l,l._pos);if(A===void 0)return new Error("Malformed RFC4716 public key");let w=we(l,l._pos);if(w===void 0)return new Error("Malformed RFC4716 public key");let b=we(l,l._pos);if(b===void 0)return new Error("Malformed RFC4716 public key");let x=we(l,l._pos);if(x===void 0)return new Error("Malformed RFC4716 public key");h=si(A,w,b,x),_=ai(A,w,b,x);break}default:return new Error("Malformed RFC4716 public key")}return new ao(d,u,h,_,"sha1")}}function va(e,t,n,r){if(!kf(t))return new Error(`Unsupported OpenSSH public key type: ${t}`);let i,o,s=null,c=null;switch(t){case"ssh-rsa":{let u=we(e,e._pos||0);if(u===void 0)return new Error("Malformed OpenSSH public key");let l=we(e,e._pos);if(l===void 0)return new Error("Malformed OpenSSH public key");s=ii(l,u),c=oi(l,u),i="sha1";break}case"ssh-dss":{let u=we(e,e._pos||0);if(u===void 0)return new Error("Malformed OpenSSH public key");let l=we(e,e._pos);if(l===void 0)return new Error("Malformed OpenSSH public key");let d=we(e,e._pos);if(d===void 0)return new Error("Malformed OpenSSH public key");let h=we(e,e._pos);if(h===void 0)return new Error("Malformed OpenSSH public key");s=si(u,l,d,h),c=ai(u,l,d,h),i="sha1";break}case"ssh-ed25519":{let u=we(e,e._pos||0);if(u===void 0||u.length!==32)return new Error("Malformed OpenSSH public key");s=xf(u),c=Ef(u),i=null;break}case"ecdsa-sha2-nistp256":i="sha256",o="1.2.840.10045.3.1.7";case"ecdsa-sha2-nistp384":i===void 0&&(i="sha384",o="1.3.132.0.34");case"ecdsa-sha2-nistp521":{if(i===void 0&&(i="sha512",o="1.3.132.0.35"),!ka(e,1))return new Error("Malformed OpenSSH public key");let u=we(e,e._pos||0);if(u===void 0)return new Error("Malformed OpenSSH public key");s=Sa(o,u),c=Ia(o,u);break}default:return new Error(`Unsupported OpenSSH public key type: ${t}`)}return new co(r,n,s,c,i)}a(va,"parseDER");function kf(e){switch(e){case"ssh-rsa":case"ssh-dss":case"ecdsa-sha2-nistp256":case"ecdsa-sha2-nistp384":case"ecdsa-sha2-nistp521":return!0;case"ssh-ed25519":if(Ea)return!0;default:return!1}}a(kf,"isSupportedKeyType");function Sf(e){return e?typeof e[fr]=="boolean":!1}a(Sf,"isParsedKey");function If(e,t){if(Sf(e))return e;let n;if(Buffer.isBuffer(e))n=e,e=e.utf8Slice(0,e.length).trim();else if(typeof e=="string")e=e.trim();else return new Error("Key data must be a Buffer or string");if(t!=null){if(typeof t=="string")t=Buffer.from(t);else if(!Buffer.isBuffer(t))return new Error("Passphrase must be a string or Buffer when supplied")}let r;if((r=io.parse(e,t))!==null||(r=oo.parse(e,t))!==null||(r=so.parse(e,t))!==null||(r=co.parse(e))!==null||(r=ao.parse(e))!==null)return r;if(n){ro.init(n,0);let i=ro.readString(!0);i!==void 0&&(e=ro.readRaw(),e!==void 0&&(r=va(e,i,"",i),r instanceof Error&&(r=null))),ro.clear()}return r||new Error("Unsupported key format")}a(If,"parseKey");vf.exports={isParsedKey:Sf,isSupportedKeyType:kf,parseDERKey:a((e,t)=>va(e,t,"",t),"parseDERKey"),parseKey:If}});var Pa=ze((T1,Df)=>{"use strict";var{Socket:Tf}=require("net"),{Duplex:Nf}=require("stream"),{resolve:$0}=require("path"),{readFile:Cf}=require("fs"),{execFile:x0,spawn:E0}=require("child_process"),{isParsedKey:Bf,parseKey:ui}=zn(),{makeBufferParser:k0,readUInt32BE:Na,writeUInt32BE:Tt,writeUInt32LE:Rf}=dn();function li(e){let t=!1;return(...n)=>{t||(t=!0,e(...n))}}a(li,"once");function S0(e,t){let n=Buffer.allocUnsafe(e.length+t.length);return e.copy(n,0),t.copy(n,e.length),n}a(S0,"concat");function Ba(){}a(Ba,"noop");var I0=Buffer.alloc(0),rt=k0(),fi=class{static{a(this,"BaseAgent")}getIdentities(t){t(new Error("Missing getIdentities() implementation"))}sign(t,n,r,i){typeof r=="function"&&(i=r),i(new Error("Missing sign() implementation"))}},hr=class extends fi{static{a(this,"OpenSSHAgent")}constructor(t){super(),this.socketPath=t}getStream(t){t=li(t);let n=new Tf;n.on("connect",()=>{t(null,n)}),n.on("close",r).on("end",r).on("error",r),n.connect(this.socketPath);function r(){try{n.destroy()}catch{}t(new Error("Failed to connect to agent"))}a(r,"onFail")}getIdentities(t){t=li(t),this.getStream((n,r)=>{function i(s){if(r)try{r.destroy()}catch{}s||(s=new Error("Failed to retrieve identities from agent")),t(s)}if(a(i,"onFail"),n)return i(n);let o=new Ra(!0);o.on("error",i),o.pipe(r).pipe(o),r.on("close",i).on("end",i).on("error",i),o.getIdentities((s,c)=>{if(s)return i(s);try{r.destroy()}catch{}t(null,c)})})}sign(t,n,r,i){typeof r=="function"?(i=r,r=void 0):(typeof r!="object"||r===null)&&(r=void 0),i=li(i),this.getStream((o,s)=>{function c(l){if(s)try{s.destroy()}catch{}l||(l=new Error("Failed to sign data with agent")),i(l)}if(a(c,"onFail"),o)return c(o);let u=new Ra(!0);u.on("error",c),u.pipe(s).pipe(u),s.on("close",c).on("end",c).on("error",c),u.sign(t,n,r,(l,d)=>{if(l)return c(l);try{s.destroy()}catch{}i(null,d)})})}},Pf=(()=>{let s=$0(__dirname,"..","util/pagent.exe"),c={10:new Error("Invalid pagent.exe arguments"),11:new Error("Pageant is not running"),12:new Error("pagent.exe could not create an mmap"),13:new Error("pagent.exe could not set mode for stdin"),14:new Error("pagent.exe could not set mode for stdout"),15:new Error("pagent.exe did not get expected input payload")};function u(d){d.buffer=null,d.proc&&(d.proc.kill(),d.proc=void 0)}a(u,"destroy");class l extends Nf{static{a(this,"PageantSocket")}constructor(){super(),this.proc=void 0,this.buffer=null}_read(h){}_write(h,_,A){if(this.buffer===null)this.buffer=h;else{let E=Buffer.allocUnsafe(this.buffer.length+h.length);this.buffer.copy(E,0),h.copy(E,this.buffer.length),this.buffer=E}if(this.buffer.length<4)return A();let w=Na(this.buffer,0);if(this.buffer.length-4<w)return A();if(h=this.buffer.slice(0,4+w),this.buffer.length>4+w)return A(new Error("Unexpected multiple agent requests"));this.buffer=null;let b,x=this.proc=E0(s,[h.length]);x.stdout.on("data",E=>{this.push(E)}),x.on("error",E=>{b=E,A(b)}),x.on("close",E=>{if(this.proc=void 0,!b){if(b=c[E])return A(b);A()}}),x.stdin.end(h)}_final(h){u(this),h()}_destroy(h,_){u(this),_()}}return class extends hr{static{a(this,"PageantAgent")}getStream(h){h(null,new l)}}})(),Of=(()=>{let e=/^!<socket >(\d+) s ([A-Z0-9]{8}-[A-Z0-9]{8}-[A-Z0-9]{8}-[A-Z0-9]{8})/;return class extends hr{static{a(this,"CygwinAgent")}getStream(n){n=li(n);let r=this.socketPath,i=!1;Cf(r,a(function o(s,c){if(s){if(i)return n(new Error("Invalid cygwin unix socket path"));x0("cygpath",["-w",r],(re,xe,z)=>{if(re||xe.length===0)return n(new Error("Invalid cygwin unix socket path"));i=!0,r=xe.toString().replace(/[\r\n]/g,""),Cf(r,o)});return}let u=e.exec(c.toString("ascii"));if(!u)return n(new Error("Malformed cygwin unix socket file"));let l,d=0,h=!1,_=[],A,w=Buffer.alloc(12),b=parseInt(u[1],10),x=u[2].replace(/-/g,""),E=Buffer.allocUnsafe(16);for(let re=0,xe=0;xe<32;++re,xe+=2)E[re]=parseInt(x.substring(xe,xe+2),16);for(let re=0;re<16;re+=4)Rf(E,Na(E,re),re);G();function B(){d=0,l="secret",A.write(E)}a(B,"_onconnect");function M(re){if(d+=re.length,l==="secret"){d===16&&(d=0,l="creds",A.write(w));return}if(l==="creds"&&(h||_.push(re),d===12)){if(A.removeListener("connect",B),A.removeListener("data",M),A.removeListener("error",N),A.removeListener("end",N),A.removeListener("close",N),h)return n(null,A);h=!0,w=Buffer.concat(_),Rf(w,process.pid,0),A.on("error",()=>{}),A.destroy(),G()}}a(M,"_ondata");function N(){n(new Error("Problem negotiating cygwin unix socket security"))}a(N,"onFail");function G(){A=new Tf,A.on("connect",B),A.on("data",M),A.on("error",N),A.on("end",N),A.on("close",N),A.connect(b)}a(G,"tryConnect")},"readCygsocket"))}}})(),v0=/^[/\\][/\\]\.[/\\]pipe[/\\].+/;function Lf(e){return process.platform==="win32"&&!v0.test(e)?e==="pageant"?new Pf:new Of(e):new hr(e)}a(Lf,"createAgent");var Ra=(()=>{function l(z){let q;for(;z[B].length;){let W=z[B][0][h];if(W===void 0)break;z[B].shift(),q=z.push(W)}return q}a(l,"processResponses");let d=Symbol("Inbound Request Type"),h=Symbol("Inbound Request Response"),_=Symbol("Inbound Request Context");class A{static{a(this,"AgentInboundRequest")}constructor(q,W){this[d]=q,this[h]=void 0,this[_]=W}hasResponded(){return this[h]!==void 0}getType(){return this[d]}getContext(){return this[_]}}function w(z,q,W){return q[h]=W,l(z)}a(w,"respond");function b(z){if(z[N]=null,z[M]===0){let q=z[B];if(q&&q.length){z[B]=[];for(let W of q)W.cb(new Error("No reply from server"))}}try{z.end()}catch{}setImmediate(()=>{z[xe]||z.emit("end"),z[re]||z.emit("close")})}a(b,"cleanup");function x(){this[re]=!0}a(x,"onClose");function E(){this[xe]=!0}a(E,"onEnd");let B=Symbol("Requests"),M=Symbol("Agent Protocol Role"),N=Symbol("Agent Protocol Buffer"),G=Symbol("Agent Protocol Current Message Length"),re=Symbol("Agent Protocol Closed"),xe=Symbol("Agent Protocol Ended");return class extends Nf{static{a(this,"AgentProtocol")}constructor(q){super({autoDestroy:!0,emitClose:!1}),this[M]=q?0:1,this[B]=[],this[N]=null,this[G]=-1,this.once("end",E),this.once("close",x)}_read(q){}_write(q,W,j){this[N]===null?this[N]=q:this[N]=S0(this[N],q);let te=this[N],_e=te.length,Y=0;for(;Y<_e&&!(_e<5||(this[G]===-1&&(this[G]=Na(te,Y)),_e<4+this[G]));){let ie=te[Y+=4];if(++Y,this[M]===0){if(this[B].length===0)return j(new Error("Received unexpected message from server"));let de=this[B].shift();switch(ie){case 5:de.cb(new Error("Agent responded with failure"));break;case 12:{if(de.type!==11)return j(new Error("Agent responded with wrong message type"));rt.init(te,Y);let Ae=rt.readUInt32BE();if(Ae===void 0)return rt.clear(),j(new Error("Malformed agent response"));let C=[];for(let O=0;O<Ae;++O){let P=rt.readString();if(P===void 0)return rt.clear(),j(new Error("Malformed agent response"));let F=rt.readString(!0);if(F===void 0)return rt.clear(),j(new Error("Malformed agent response"));P=ui(P),!(P instanceof Error)&&(P.comment=P.comment||F,C.push(P))}Y=rt.pos(),rt.clear(),de.cb(null,C);break}case 14:{if(de.type!==13)return j(new Error("Agent responded with wrong message type"));rt.init(te,Y);let Ae=rt.readString();if(Y=rt.pos(),rt.clear(),Ae===void 0)return j(new Error("Malformed agent response"));if(rt.init(Ae,0),rt.readString(!0),Ae=rt.readString(),rt.clear(),Ae===void 0)return j(new Error("Malformed OpenSSH signature format"));de.cb(null,Ae);break}default:return j(new Error("Agent responded with unsupported message type"))}}else switch(ie){case 11:{let de=new A(ie);this[B].push(de),this.emit("identities",de);break}case 13:{rt.init(te,Y);let de=rt.readString(),Ae=rt.readString(),C=rt.readUInt32BE();if(Y=rt.pos(),rt.clear(),C===void 0){let ce=new A(ie);return this[B].push(ce),this.failureReply(ce)}if(de=ui(de),de instanceof Error){let ce=new A(ie);return this[B].push(ce),this.failureReply(ce)}let O={hash:void 0},P;de.type==="ssh-rsa"&&(C&2?(P="rsa-sha2-256",O.hash="sha256"):C&4&&(P="rsa-sha2-512",O.hash="sha512")),P===void 0&&(P=de.type);let F=new A(ie,P);this[B].push(F),this.emit("sign",F,de,Ae,O);break}default:{let de=new A(ie);this[B].push(de),this.failureReply(de)}}if(this[G]=-1,Y===_e){this[N]=null;break}else this[N]=te=te.slice(Y),_e=te.length,Y=0}j()}_destroy(q,W){b(this),W()}_final(q){b(this),q()}sign(q,W,j,te){if(this[M]!==0)throw new Error("Client-only method called with server role");typeof j=="function"?(te=j,j=void 0):(typeof j!="object"||j===null)&&(j=void 0);let _e=0;if(q=ui(q),q instanceof Error)throw new Error("Invalid public key argument");if(q.type==="ssh-rsa"&&j)switch(j.hash){case"sha256":_e=2;break;case"sha512":_e=4;break}q=q.getPublicSSH();let Y=13,ie=q.length,de=W.length,Ae=0,C=Buffer.allocUnsafe(9+ie+4+de+4);return Tt(C,C.length-4,Ae),C[Ae+=4]=Y,Tt(C,ie,++Ae),q.copy(C,Ae+=4),Tt(C,de,Ae+=ie),W.copy(C,Ae+=4),Tt(C,_e,Ae+=de),typeof te!="function"&&(te=Ba),this[B].push({type:Y,cb:te}),this.push(C)}getIdentities(q){if(this[M]!==0)throw new Error("Client-only method called with server role");let W=11,j=0,te=Buffer.allocUnsafe(5);return Tt(te,te.length-4,j),te[j+=4]=W,typeof q!="function"&&(q=Ba),this[B].push({type:W,cb:q}),this.push(te)}failureReply(q){if(this[M]!==1)throw new Error("Server-only method called with client role");if(!(q instanceof A))throw new Error("Wrong request argument");if(q.hasResponded())return!0;let W=0,j=Buffer.allocUnsafe(5);return Tt(j,j.length-4,W),j[W+=4]=5,w(this,q,j)}getIdentitiesReply(q,W){if(this[M]!==1)throw new Error("Server-only method called with client role");if(!(q instanceof A))throw new Error("Wrong request argument");if(q.hasResponded())return!0;if(q.getType()!==11)throw new Error("Invalid response to request");if(!Array.isArray(W))throw new Error("Keys argument must be an array");let j=4,te=[];for(let ie=0;ie<W.length;++ie){let de=W[ie];if(typeof de!="object"||de===null)throw new Error(`Invalid key entry: ${de}`);let Ae,C;if(Bf(de))Ae=de;else if(Bf(de.pubKey))Ae=de.pubKey;else if(typeof de.pubKey!="object"||de.pubKey===null||({pubKey:Ae,comment:C}=de.pubKey,Ae=ui(Ae),Ae instanceof Error))continue;C=Ae.comment||C,Ae=Ae.getPublicSSH(),j+=4+Ae.length,C&&typeof C=="string"?C=Buffer.from(C):Buffer.isBuffer(C)||(C=I0),j+=4+C.length,te.push({pubKey:Ae,comment:C})}let _e=0,Y=Buffer.allocUnsafe(5+j);Tt(Y,Y.length-4,_e),Y[_e+=4]=12,Tt(Y,te.length,++_e),_e+=4;for(let ie=0;ie<te.length;++ie){let{pubKey:de,comment:Ae}=te[ie];Tt(Y,de.length,_e),de.copy(Y,_e+=4),Tt(Y,Ae.length,_e+=de.length),_e+=4,Ae.length&&(Ae.copy(Y,_e),_e+=Ae.length)}return w(this,q,Y)}signReply(q,W){if(this[M]!==1)throw new Error("Server-only method called with client role");if(!(q instanceof A))throw new Error("Wrong request argument");if(q.hasResponded())return!0;if(q.getType()!==13)throw new Error("Invalid response to request");if(!Buffer.isBuffer(W))throw new Error("Signature argument must be a Buffer");if(W.length===0)throw new Error("Signature argument must be non-empty");let j=0,te=q.getContext(),_e=Buffer.byteLength(te),Y=Buffer.allocUnsafe(13+_e+4+W.length);return Tt(Y,Y.length-4,j),Y[j+=4]=14,Tt(Y,4+_e+4+W.length,++j),Tt(Y,_e,j+=4),Y.utf8Write(te,j+=4,_e),Tt(Y,W.length,j+=_e),W.copy(Y,j+=4),w(this,q,Y)}}})(),Ca=Symbol("Agent"),jt=Symbol("Agent Keys"),pn=Symbol("Agent Keys Index"),dr=Symbol("Agent Init Callbacks"),Ta=class{static{a(this,"AgentContext")}constructor(t){if(typeof t=="string")t=Lf(t);else if(!Uf(t))throw new Error("Invalid agent argument");this[Ca]=t,this[jt]=null,this[pn]=-1,this[dr]=null}init(t){if(typeof t!="function"&&(t=Ba),this[jt]===null)if(this[dr]===null){this[dr]=[t];let n=a((...r)=>{process.nextTick(()=>{let i=this[dr];this[dr]=null;for(let o of i)o(...r)})},"doCbs");this[Ca].getIdentities(li((r,i)=>{if(r)return n(r);if(!Array.isArray(i))return n(new Error("Agent implementation failed to provide keys"));let o=[];for(let s of i)s=ui(s),!(s instanceof Error)&&o.push(s);this[jt]=o,this[pn]=-1,n()}))}else this[dr].push(t);else process.nextTick(t)}nextKey(){return this[jt]===null||++this[pn]>=this[jt].length?!1:this[jt][this[pn]]}currentKey(){return this[jt]===null||this[pn]>=this[jt].length?null:this[jt][this[pn]]}pos(){return this[jt]===null||this[pn]>=this[jt].length?-1:this[pn]}reset(){this[pn]=-1}sign(...t){this[Ca].sign(...t)}};function Uf(e){return e instanceof fi}a(Uf,"isAgent");Df.exports={AgentContext:Ta,AgentProtocol:Ra,BaseAgent:fi,createAgent:Lf,CygwinAgent:Of,isAgent:Uf,OpenSSHAgent:hr,PageantAgent:Pf}});var Hf=ze(()=>{});var uo=ze(zf=>{zf.SFTP=class{}});var za=ze((D1,Mf)=>{"use strict";var{kMaxLength:C0}=require("buffer"),{createInflate:B0,constants:{DEFLATE:R0,INFLATE:T0,Z_DEFAULT_CHUNK:N0,Z_DEFAULT_COMPRESSION:P0,Z_DEFAULT_MEMLEVEL:O0,Z_DEFAULT_STRATEGY:L0,Z_DEFAULT_WINDOWBITS:U0,Z_PARTIAL_FLUSH:D0}}=require("zlib"),H0=B0()._handle.constructor;function z0(){throw new Error("Should not get here")}a(z0,"processCallback");function M0(e,t,n){let r=this._owner,i=new Error(e);i.errno=t,i.code=n,r._err=i}a(M0,"zlibOnError");function Ha(e){e._handle&&(e._handle.close(),e._handle=null)}a(Ha,"_close");var lo=class{static{a(this,"Zlib")}constructor(t){let n=U0,r=P0,i=O0,o=L0,s=void 0;this._err=void 0,this._writeState=new Uint32Array(2),this._chunkSize=N0,this._maxOutputLength=C0,this._outBuffer=Buffer.allocUnsafe(this._chunkSize),this._outOffset=0,this._handle=new H0(t),this._handle._owner=this,this._handle.onerror=M0,this._handle.init(n,r,i,o,this._writeState,z0,s)}writeSync(t,n){let r=this._handle;if(!r)throw new Error("Invalid Zlib instance");let i=t.length,o=this._chunkSize-this._outOffset,s=0,c,u,l,d=0,h=this._writeState,_=this._outBuffer,A=this._outOffset,w=this._chunkSize;for(;;){if(r.writeSync(D0,t,s,i,_,A,o),this._err)throw this._err;c=h[0],u=h[1];let x=i-u,E=o-c;if(E>0){let B=A===0&&E===_.length?_:_.slice(A,A+E);if(A+=E,l?l.push===void 0?l=[l,B]:l.push(B):l=B,d+=B.byteLength,d>this._maxOutputLength)throw Ha(this),new Error(`Output length exceeded maximum of ${this._maxOutputLength}`)}else if(E!==0)throw new Error("have should not go down");if((c===0||A>=w)&&(o=w,A=0,_=Buffer.allocUnsafe(w)),c===0)s+=x,i=u;else break}if(this._outBuffer=_,this._outOffset=A,d===0&&(l=Buffer.alloc(0)),n)return l.totalLen=d,l;if(l.push===void 0)return l;let b=Buffer.allocUnsafe(d);for(let x=0,E=0;x<l.length;++x){let B=l[x];b.set(B,E),E+=B.length}return b}},Oa=class{static{a(this,"ZlibPacketWriter")}constructor(t){this.allocStart=0,this.allocStartKEX=0,this._protocol=t,this._zlib=new lo(R0)}cleanup(){this._zlib&&Ha(this._zlib)}alloc(t,n){return Buffer.allocUnsafe(t)}finalize(t,n){if(this._protocol._kexinit===void 0||n){let r=this._zlib.writeSync(t,!0),i=this._protocol._cipher.allocPacket(r.totalLen);if(r.push===void 0)i.set(r,5);else for(let o=0,s=5;o<r.length;++o){let c=r[o];i.set(c,s),s+=c.length}return i}return t}},La=class{static{a(this,"PacketWriter")}constructor(t){this.allocStart=5,this.allocStartKEX=5,this._protocol=t}cleanup(){}alloc(t,n){return this._protocol._kexinit===void 0||n?this._protocol._cipher.allocPacket(t):Buffer.allocUnsafe(t)}finalize(t,n){return t}},Ua=class{static{a(this,"ZlibPacketReader")}constructor(){this._zlib=new lo(T0)}cleanup(){this._zlib&&Ha(this._zlib)}read(t){return this._zlib.writeSync(t,!1)}},Da=class{static{a(this,"PacketReader")}cleanup(){}read(t){return t}};Mf.exports={PacketReader:Da,PacketWriter:La,ZlibPacketReader:Ua,ZlibPacketWriter:Oa}});var jf=ze((z1,Wf)=>{"use strict";var{bufferSlice:Ma,bufferParser:I,doFatalError:et,sigSSHToASN1:Ff,writeUInt32BE:Qf}=dn(),{CHANNEL_OPEN_FAILURE:F0,COMPAT:Q0,MESSAGE:tt,TERMINAL_MODE:Kf}=wn(),{parseKey:K0}=zn(),W0=Array.from(Object.entries(Kf)).reduce((e,[t,n])=>({...e,[t]:n}),{});Wf.exports={[tt.DISCONNECT]:(e,t)=>{I.init(t,1);let n=I.readUInt32BE(),r=I.readString(!0),i=I.readString();if(I.clear(),i===void 0)return et(e,"Inbound: Malformed DISCONNECT packet");e._debug&&e._debug(`Inbound: Received DISCONNECT (${n}, "${r}")`);let o=e._handlers.DISCONNECT;o&&o(e,n,r)},[tt.IGNORE]:(e,t)=>{e._debug&&e._debug("Inbound: Received IGNORE")},[tt.UNIMPLEMENTED]:(e,t)=>{I.init(t,1);let n=I.readUInt32BE();if(I.clear(),n===void 0)return et(e,"Inbound: Malformed UNIMPLEMENTED packet");e._debug&&e._debug(`Inbound: Received UNIMPLEMENTED (seqno ${n})`)},[tt.DEBUG]:(e,t)=>{I.init(t,1);let n=I.readBool(),r=I.readString(!0),i=I.readString();if(I.clear(),i===void 0)return et(e,"Inbound: Malformed DEBUG packet");e._debug&&e._debug("Inbound: Received DEBUG");let o=e._handlers.DEBUG;o&&o(e,n,r)},[tt.SERVICE_REQUEST]:(e,t)=>{I.init(t,1);let n=I.readString(!0);if(I.clear(),n===void 0)return et(e,"Inbound: Malformed SERVICE_REQUEST packet");e._debug&&e._debug(`Inbound: Received SERVICE_REQUEST (${n})`);let r=e._handlers.SERVICE_REQUEST;r&&r(e,n)},[tt.SERVICE_ACCEPT]:(e,t)=>{I.init(t,1);let n=I.readString(!0);if(I.clear(),n===void 0)return et(e,"Inbound: Malformed SERVICE_ACCEPT packet");e._debug&&e._debug(`Inbound: Received SERVICE_ACCEPT (${n})`);let r=e._handlers.SERVICE_ACCEPT;r&&r(e,n)},[tt.EXT_INFO]:(e,t)=>{I.init(t,1);let n=I.readUInt32BE(),r;if(n!==void 0){r=[];for(let o=0;o<n;++o){let s=I.readString(!0),c=I.readString();if(c!==void 0)if(s==="server-sig-algs"){let u=c.latin1Slice(0,c.length).split(",");r.push({name:s,algs:u});continue}else continue;r=void 0;break}}if(I.clear(),r===void 0)return et(e,"Inbound: Malformed EXT_INFO packet");e._debug&&e._debug("Inbound: Received EXT_INFO");let i=e._handlers.EXT_INFO;i&&i(e,r)},[tt.USERAUTH_REQUEST]:(e,t)=>{I.init(t,1);let n=I.readString(!0),r=I.readString(!0),i=I.readString(!0),o,s;switch(i){case"none":o=null;break;case"password":{let u=I.readBool();if(u!==void 0&&(o=I.readString(!0),o!==void 0&&u)){let l=I.readString(!0);l!==void 0?o={oldPassword:o,newPassword:l}:o=void 0}break}case"publickey":{let u=I.readBool();if(u!==void 0){let l=I.readString(!0),d=l,h=I.readString(),_;switch(l){case"rsa-sha2-256":d="ssh-rsa",_="sha256";break;case"rsa-sha2-512":d="ssh-rsa",_="sha512";break}if(u){let A=I.pos(),w=I.readString();if(w!==void 0&&(w.length>4+l.length+4&&w.utf8Slice(4,4+l.length)===l&&(w=Ma(w,4+l.length+4)),w=Ff(w,d),w)){let b=e._kex.sessionID,x=Buffer.allocUnsafe(4+b.length+A);Qf(x,b.length,0),x.set(b,4),x.set(new Uint8Array(t.buffer,t.byteOffset,A),4+b.length),o={keyAlgo:d,key:h,signature:w,blob:x,hashAlgo:_}}}else o={keyAlgo:d,key:h,hashAlgo:_},s="publickey -- check"}break}case"hostbased":{let u=I.readString(!0),l=u,d=I.readString(),h=I.readString(!0),_=I.readString(!0),A;switch(u){case"rsa-sha2-256":l="ssh-rsa",A="sha256";break;case"rsa-sha2-512":l="ssh-rsa",A="sha512";break}let w=I.pos(),b=I.readString();if(b!==void 0&&(b.length>4+u.length+4&&b.utf8Slice(4,4+u.length)===u&&(b=Ma(b,4+u.length+4)),b=Ff(b,l),b!==void 0)){let x=e._kex.sessionID,E=Buffer.allocUnsafe(4+x.length+w);Qf(E,x.length,0),E.set(x,4),E.set(new Uint8Array(t.buffer,t.byteOffset,w),4+x.length),o={keyAlgo:l,key:d,signature:b,blob:E,localHostname:h,localUsername:_,hashAlgo:A}}break}case"keyboard-interactive":I.skipString(),o=I.readList();break;default:i!==void 0&&(o=I.readRaw())}if(I.clear(),o===void 0)return et(e,"Inbound: Malformed USERAUTH_REQUEST packet");s===void 0&&(s=i),e._authsQueue.push(i),e._debug&&e._debug(`Inbound: Received USERAUTH_REQUEST (${s})`);let c=e._handlers.USERAUTH_REQUEST;c&&c(e,n,r,i,o)},[tt.USERAUTH_FAILURE]:(e,t)=>{I.init(t,1);let n=I.readList(),r=I.readBool();if(I.clear(),r===void 0)return et(e,"Inbound: Malformed USERAUTH_FAILURE packet");e._debug&&e._debug(`Inbound: Received USERAUTH_FAILURE (${n})`),e._authsQueue.shift();let i=e._handlers.USERAUTH_FAILURE;i&&i(e,n,r)},[tt.USERAUTH_SUCCESS]:(e,t)=>{e._debug&&e._debug("Inbound: Received USERAUTH_SUCCESS"),e._authsQueue.shift();let n=e._handlers.USERAUTH_SUCCESS;n&&n(e)},[tt.USERAUTH_BANNER]:(e,t)=>{I.init(t,1);let n=I.readString(!0),r=I.readString();if(I.clear(),r===void 0)return et(e,"Inbound: Malformed USERAUTH_BANNER packet");e._debug&&e._debug("Inbound: Received USERAUTH_BANNER");let i=e._handlers.USERAUTH_BANNER;i&&i(e,n)},60:(e,t)=>{if(!e._authsQueue.length){e._debug&&e._debug("Inbound: Received payload type 60 without auth");return}switch(e._authsQueue[0]){case"password":{I.init(t,1);let n=I.readString(!0),r=I.readString();if(I.clear(),r===void 0)return et(e,"Inbound: Malformed USERAUTH_PASSWD_CHANGEREQ packet");e._debug&&e._debug("Inbound: Received USERAUTH_PASSWD_CHANGEREQ");let i=e._handlers.USERAUTH_PASSWD_CHANGEREQ;i&&i(e,n);break}case"publickey":{I.init(t,1);let n=I.readString(!0),r=I.readString();if(I.clear(),r===void 0)return et(e,"Inbound: Malformed USERAUTH_PK_OK packet");e._debug&&e._debug("Inbound: Received USERAUTH_PK_OK"),e._authsQueue.shift();let i=e._handlers.USERAUTH_PK_OK;i&&i(e,n,r);break}case"keyboard-interactive":{I.init(t,1);let n=I.readString(!0),r=I.readString(!0);I.readString();let i=I.readUInt32BE(),o;if(i!==void 0){o=new Array(i);let c;for(c=0;c<i;++c){let u=I.readString(!0),l=I.readBool();if(l===void 0)break;o[c]={prompt:u,echo:l}}c!==i&&(o=void 0)}if(I.clear(),o===void 0)return et(e,"Inbound: Malformed USERAUTH_INFO_REQUEST packet");e._debug&&e._debug("Inbound: Received USERAUTH_INFO_REQUEST");let s=e._handlers.USERAUTH_INFO_REQUEST;s&&s(e,n,r,o);break}default:e._debug&&e._debug("Inbound: Received unexpected payload type 60")}},61:(e,t)=>{if(!e._authsQueue.length){e._debug&&e._debug("Inbound: Received payload type 61 without auth");return}if(e._authsQueue[0]!=="keyboard-interactive")return et(e,"Inbound: Received unexpected payload type 61");I.init(t,1);let n=I.readUInt32BE(),r;if(n!==void 0){r=new Array(n);let o;for(o=0;o<n;++o){let s=I.readString(!0);if(s===void 0)break;r[o]=s}o!==n&&(r=void 0)}if(I.clear(),r===void 0)return et(e,"Inbound: Malformed USERAUTH_INFO_RESPONSE packet");e._debug&&e._debug("Inbound: Received USERAUTH_INFO_RESPONSE");let i=e._handlers.USERAUTH_INFO_RESPONSE;i&&i(e,r)},[tt.GLOBAL_REQUEST]:(e,t)=>{I.init(t,1);let n=I.readString(!0),r=I.readBool(),i;if(r!==void 0)switch(n){case"tcpip-forward":case"cancel-tcpip-forward":{let s=I.readString(!0),c=I.readUInt32BE();c!==void 0&&(i={bindAddr:s,bindPort:c});break}case"streamlocal-forward@openssh.com":case"cancel-streamlocal-forward@openssh.com":{let s=I.readString(!0);s!==void 0&&(i={socketPath:s});break}case"no-more-sessions@openssh.com":i=null;break;case"hostkeys-00@openssh.com":{for(i=[];I.avail()>0;){let s=I.readString();if(s===void 0){i=void 0;break}let c=K0(s);c instanceof Error||i.push(c)}break}default:i=I.readRaw()}if(I.clear(),i===void 0)return et(e,"Inbound: Malformed GLOBAL_REQUEST packet");e._debug&&e._debug(`Inbound: GLOBAL_REQUEST (${n})`);let o=e._handlers.GLOBAL_REQUEST;o?o(e,n,r,i):e.requestFailure()},[tt.REQUEST_SUCCESS]:(e,t)=>{let n=t.length>1?Ma(t,1):null;e._debug&&e._debug("Inbound: REQUEST_SUCCESS");let r=e._handlers.REQUEST_SUCCESS;r&&r(e,n)},[tt.REQUEST_FAILURE]:(e,t)=>{e._debug&&e._debug("Inbound: Received REQUEST_FAILURE");let n=e._handlers.REQUEST_FAILURE;n&&n(e)},[tt.CHANNEL_OPEN]:(e,t)=>{I.init(t,1);let n=I.readString(!0),r=I.readUInt32BE(),i=I.readUInt32BE(),o=I.readUInt32BE(),s;switch(n){case"forwarded-tcpip":case"direct-tcpip":{let u=I.readString(!0),l=I.readUInt32BE(),d=I.readString(!0),h=I.readUInt32BE();h!==void 0&&(s={type:n,sender:r,window:i,packetSize:o,data:{destIP:u,destPort:l,srcIP:d,srcPort:h}});break}case"forwarded-streamlocal@openssh.com":case"direct-streamlocal@openssh.com":{let u=I.readString(!0);u!==void 0&&(s={type:n,sender:r,window:i,packetSize:o,data:{socketPath:u}});break}case"x11":{let u=I.readString(!0),l=I.readUInt32BE();l!==void 0&&(s={type:n,sender:r,window:i,packetSize:o,data:{srcIP:u,srcPort:l}});break}default:s={type:n,sender:r,window:i,packetSize:o,data:{}}}if(I.clear(),s===void 0)return et(e,"Inbound: Malformed CHANNEL_OPEN packet");e._debug&&e._debug(`Inbound: CHANNEL_OPEN (s:${r}, ${n})`);let c=e._handlers.CHANNEL_OPEN;c?c(e,s):e.channelOpenFail(s.sender,F0.ADMINISTRATIVELY_PROHIBITED,"","")},[tt.CHANNEL_OPEN_CONFIRMATION]:(e,t)=>{I.init(t,1);let n=I.readUInt32BE(),r=I.readUInt32BE(),i=I.readUInt32BE(),o=I.readUInt32BE(),s=I.avail()?I.readRaw():void 0;if(I.clear(),o===void 0)return et(e,"Inbound: Malformed CHANNEL_OPEN_CONFIRMATION packet");e._debug&&e._debug(`Inbound: CHANNEL_OPEN_CONFIRMATION (r:${n}, s:${r})`);let c=e._handlers.CHANNEL_OPEN_CONFIRMATION;c&&c(e,{recipient:n,sender:r,window:i,packetSize:o,data:s})},[tt.CHANNEL_OPEN_FAILURE]:(e,t)=>{I.init(t,1);let n=I.readUInt32BE(),r=I.readUInt32BE(),i=I.readString(!0),o=I.readString();if(I.clear(),o===void 0)return et(e,"Inbound: Malformed CHANNEL_OPEN_FAILURE packet");e._debug&&e._debug(`Inbound: CHANNEL_OPEN_FAILURE (r:${n})`);let s=e._handlers.CHANNEL_OPEN_FAILURE;s&&s(e,n,r,i)},[tt.CHANNEL_WINDOW_ADJUST]:(e,t)=>{I.init(t,1);let n=I.readUInt32BE(),r=I.readUInt32BE();if(I.clear(),r===void 0)return et(e,"Inbound: Malformed CHANNEL_WINDOW_ADJUST packet");e._debug&&e._debug(`Inbound: CHANNEL_WINDOW_ADJUST (r:${n}, ${r})`);let i=e._handlers.CHANNEL_WINDOW_ADJUST;i&&i(e,n,r)},[tt.CHANNEL_DATA]:(e,t)=>{I.init(t,1);let n=I.readUInt32BE(),r=I.readString();if(I.clear(),r===void 0)return et(e,"Inbound: Malformed CHANNEL_DATA packet");e._debug&&e._debug(`Inbound: CHANNEL_DATA (r:${n}, ${r.length})`);let i=e._handlers.CHANNEL_DATA;i&&i(e,n,r)},[tt.CHANNEL_EXTENDED_DATA]:(e,t)=>{I.init(t,1);let n=I.readUInt32BE(),r=I.readUInt32BE(),i=I.readString();if(I.clear(),i===void 0)return et(e,"Inbound: Malformed CHANNEL_EXTENDED_DATA packet");e._debug&&e._debug(`Inbound: CHANNEL_EXTENDED_DATA (r:${n}, ${i.length})`);let o=e._handlers.CHANNEL_EXTENDED_DATA;o&&o(e,n,i,r)},[tt.CHANNEL_EOF]:(e,t)=>{I.init(t,1);let n=I.readUInt32BE();if(I.clear(),n===void 0)return et(e,"Inbound: Malformed CHANNEL_EOF packet");e._debug&&e._debug(`Inbound: CHANNEL_EOF (r:${n})`);let r=e._handlers.CHANNEL_EOF;r&&r(e,n)},[tt.CHANNEL_CLOSE]:(e,t)=>{I.init(t,1);let n=I.readUInt32BE();if(I.clear(),n===void 0)return et(e,"Inbound: Malformed CHANNEL_CLOSE packet");e._debug&&e._debug(`Inbound: CHANNEL_CLOSE (r:${n})`);let r=e._handlers.CHANNEL_CLOSE;r&&r(e,n)},[tt.CHANNEL_REQUEST]:(e,t)=>{I.init(t,1);let n=I.readUInt32BE(),r=I.readString(!0),i=I.readBool(),o;if(i!==void 0)switch(r){case"exit-status":o=I.readUInt32BE(),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${o})`);break;case"exit-signal":{let c,u;if(e._compatFlags&Q0.OLD_EXIT){let d=I.readUInt32BE();switch(d){case 1:c="HUP";break;case 2:c="INT";break;case 3:c="QUIT";break;case 6:c="ABRT";break;case 9:c="KILL";break;case 14:c="ALRM";break;case 15:c="TERM";break;default:d!==void 0&&(c=`UNKNOWN (${d})`)}u=!1}else c=I.readString(!0),u=I.readBool(),u===void 0&&(c=void 0);let l=I.readString(!0);I.skipString()!==void 0&&(o={signal:c,coreDumped:u,errorMessage:l}),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${c})`);break}case"pty-req":{let c=I.readString(!0),u=I.readUInt32BE(),l=I.readUInt32BE(),d=I.readUInt32BE(),h=I.readUInt32BE(),_=I.readString();if(_!==void 0){I.init(_,1);let A={};for(;I.avail();){let w=I.readByte();if(w===Kf.TTY_OP_END)break;let b=W0[w],x=I.readUInt32BE();if(w===void 0||b===void 0||x===void 0){A=void 0;break}A[b]=x}A!==void 0&&(o={term:c,cols:u,rows:l,width:d,height:h,modes:A})}e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break}case"window-change":{let c=I.readUInt32BE(),u=I.readUInt32BE(),l=I.readUInt32BE(),d=I.readUInt32BE();d!==void 0&&(o={cols:c,rows:u,width:l,height:d}),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break}case"x11-req":{let c=I.readBool(),u=I.readString(!0),l=I.readString(),d=I.readUInt32BE();d!==void 0&&(o={single:c,protocol:u,cookie:l,screen:d}),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break}case"env":{let c=I.readString(!0),u=I.readString(!0);u!==void 0&&(o={name:c,value:u}),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${c}=${u})`);break}case"shell":o=null,e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break;case"exec":o=I.readString(!0),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${o})`);break;case"subsystem":o=I.readString(!0),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${o})`);break;case"signal":o=I.readString(!0),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${o})`);break;case"xon-xoff":o=I.readBool(),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${o})`);break;case"auth-agent-req@openssh.com":o=null,e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break;default:o=I.avail()?I.readRaw():null,e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`)}if(I.clear(),o===void 0)return et(e,"Inbound: Malformed CHANNEL_REQUEST packet");let s=e._handlers.CHANNEL_REQUEST;s&&s(e,n,r,i,o)},[tt.CHANNEL_SUCCESS]:(e,t)=>{I.init(t,1);let n=I.readUInt32BE();if(I.clear(),n===void 0)return et(e,"Inbound: Malformed CHANNEL_SUCCESS packet");e._debug&&e._debug(`Inbound: CHANNEL_SUCCESS (r:${n})`);let r=e._handlers.CHANNEL_SUCCESS;r&&r(e,n)},[tt.CHANNEL_FAILURE]:(e,t)=>{I.init(t,1);let n=I.readUInt32BE();if(I.clear(),n===void 0)return et(e,"Inbound: Malformed CHANNEL_FAILURE packet");e._debug&&e._debug(`Inbound: CHANNEL_FAILURE (r:${n})`);let r=e._handlers.CHANNEL_FAILURE;r&&r(e,n)}}});var fo=ze((M1,Zf)=>{"use strict";var Fa=new Array(256);[Qa().HANDLERS,jf()].forEach(e=>{for(let[t,n]of Object.entries(e))t=+t,isFinite(t)&&t>=0&&t<Fa.length&&(Fa[t]=n)});Zf.exports=Fa});var Qa=ze((Q1,rd)=>{"use strict";var{createDiffieHellman:j0,createDiffieHellmanGroup:Z0,createECDH:G0,createHash:Wa,createPublicKey:q0,diffieHellman:Y0,generateKeyPairSync:X0,randomFillSync:V0}=require("crypto"),{Ber:Gf}=ji(),{COMPAT:ja,curve25519Supported:J0,DEFAULT_KEX:qf,DEFAULT_SERVER_HOST_KEY:Yf,DEFAULT_CIPHER:ho,DEFAULT_MAC:po,DEFAULT_COMPRESSION:_o,DISCONNECT_REASON:De,MESSAGE:Ye}=wn(),{CIPHER_INFO:gr,createCipher:eA,createDecipher:tA,MAC_INFO:Xf}=cr(),{parseDERKey:nA}=zn(),{bufferFill:rA,bufferParser:Ue,convertSignature:iA,doFatalError:He,FastBuffer:oA,sigSSHToASN1:sA,writeUInt32BE:yt}=dn(),{PacketReader:Vf,PacketWriter:Jf,ZlibPacketReader:go,ZlibPacketWriter:mo}=za(),pr,aA=2048,cA=8192,uA=Buffer.alloc(0);function ed(e){let t;if(e._compatFlags&ja.BAD_DHGEX){let n=e._offer.lists.kex,r=n.array,i=!1;for(let o=0;o<r.length;++o)r[o].includes("group-exchange")&&(i||(i=!0,r=r.slice()),r.splice(o--,1));if(i){let o=17+e._offer.totalSize+1+4,s=Buffer.from(r.join(","));o-=n.buffer.length-s.length;let c=e._offer.lists.all,u=new Uint8Array(c.buffer,c.byteOffset+4+n.buffer.length,c.length-(4+n.buffer.length));t=Buffer.allocUnsafe(o),yt(t,s.length,17),t.set(s,21),t.set(u,21+s.length)}}t===void 0&&(t=Buffer.allocUnsafe(17+e._offer.totalSize+1+4),e._offer.copyAllTo(t,17)),e._debug&&e._debug("Outbound: Sending KEXINIT"),t[0]=Ye.KEXINIT,V0(t,1,16),rA(t,0,t.length-5),e._kexinit=t,e._packetRW.write.allocStart=0;{let n=e._packetRW.write.allocStartKEX,r=e._packetRW.write.alloc(t.length,!0);r.set(t,n),e._cipher.encrypt(e._packetRW.write.finalize(r,!0))}}a(ed,"kexinit");function td(e,t){let n={kex:void 0,serverHostKey:void 0,cs:{cipher:void 0,mac:void 0,compress:void 0,lang:void 0},sc:{cipher:void 0,mac:void 0,compress:void 0,lang:void 0}};if(Ue.init(t,17),(n.kex=Ue.readList())===void 0||(n.serverHostKey=Ue.readList())===void 0||(n.cs.cipher=Ue.readList())===void 0||(n.sc.cipher=Ue.readList())===void 0||(n.cs.mac=Ue.readList())===void 0||(n.sc.mac=Ue.readList())===void 0||(n.cs.compress=Ue.readList())===void 0||(n.sc.compress=Ue.readList())===void 0||(n.cs.lang=Ue.readList())===void 0||(n.sc.lang=Ue.readList())===void 0)return Ue.clear(),He(e,"Received malformed KEXINIT","handshake",De.KEY_EXCHANGE_FAILED);let r=Ue.pos(),i=r<t.length&&t[r]===1;Ue.clear();let o=e._offer,s=n,c=o.lists.kex.array;if(e._compatFlags&ja.BAD_DHGEX){let N=!1;for(let G=0;G<c.length;++G)c[G].indexOf("group-exchange")!==-1&&(N||(N=!0,c=c.slice()),c.splice(G--,1))}let u,l,d,h=e._debug;h&&h("Inbound: Handshake in progress"),h&&h(`Handshake: (local) KEX method: ${c}`),h&&h(`Handshake: (remote) KEX method: ${s.kex}`);let _;if(e._server?(l=c,u=s.kex,_=u.indexOf("ext-info-c")!==-1):(l=s.kex,u=c,_=l.indexOf("ext-info-s")!==-1),e._strictMode===void 0&&(e._server?e._strictMode=u.indexOf("kex-strict-c-v00@openssh.com")!==-1:e._strictMode=l.indexOf("kex-strict-s-v00@openssh.com")!==-1,e._strictMode&&(h&&h("Handshake: strict KEX mode enabled"),e._decipher.inSeqno!==1)))return h&&h("Handshake: KEXINIT not first packet in strict KEX mode"),He(e,"Handshake failed: KEXINIT not first packet in strict KEX mode","handshake",De.KEY_EXCHANGE_FAILED);for(d=0;d<u.length&&l.indexOf(u[d])===-1;++d);if(d===u.length)return h&&h("Handshake: no matching key exchange algorithm"),He(e,"Handshake failed: no matching key exchange algorithm","handshake",De.KEY_EXCHANGE_FAILED);n.kex=u[d],h&&h(`Handshake: KEX algorithm: ${u[d]}`),i&&(!s.kex.length||u[d]!==s.kex[0])&&(e._skipNextInboundPacket=!0);let A=o.lists.serverHostKey.array;for(h&&h(`Handshake: (local) Host key format: ${A}`),h&&h(`Handshake: (remote) Host key format: ${s.serverHostKey}`),e._server?(l=A,u=s.serverHostKey):(l=s.serverHostKey,u=A),d=0;d<u.length&&l.indexOf(u[d])===-1;++d);if(d===u.length)return h&&h("Handshake: No matching host key format"),He(e,"Handshake failed: no matching host key format","handshake",De.KEY_EXCHANGE_FAILED);n.serverHostKey=u[d],h&&h(`Handshake: Host key format: ${u[d]}`);let w=o.lists.cs.cipher.array;for(h&&h(`Handshake: (local) C->S cipher: ${w}`),h&&h(`Handshake: (remote) C->S cipher: ${s.cs.cipher}`),e._server?(l=w,u=s.cs.cipher):(l=s.cs.cipher,u=w),d=0;d<u.length&&l.indexOf(u[d])===-1;++d);if(d===u.length)return h&&h("Handshake: No matching C->S cipher"),He(e,"Handshake failed: no matching C->S cipher","handshake",De.KEY_EXCHANGE_FAILED);n.cs.cipher=u[d],h&&h(`Handshake: C->S Cipher: ${u[d]}`);let b=o.lists.sc.cipher.array;for(h&&h(`Handshake: (local) S->C cipher: ${b}`),h&&h(`Handshake: (remote) S->C cipher: ${s.sc.cipher}`),e._server?(l=b,u=s.sc.cipher):(l=s.sc.cipher,u=b),d=0;d<u.length&&l.indexOf(u[d])===-1;++d);if(d===u.length)return h&&h("Handshake: No matching S->C cipher"),He(e,"Handshake failed: no matching S->C cipher","handshake",De.KEY_EXCHANGE_FAILED);n.sc.cipher=u[d],h&&h(`Handshake: S->C cipher: ${u[d]}`);let x=o.lists.cs.mac.array;if(h&&h(`Handshake: (local) C->S MAC: ${x}`),h&&h(`Handshake: (remote) C->S MAC: ${s.cs.mac}`),gr[n.cs.cipher].authLen>0)n.cs.mac="",h&&h("Handshake: C->S MAC: <implicit>");else{for(e._server?(l=x,u=s.cs.mac):(l=s.cs.mac,u=x),d=0;d<u.length&&l.indexOf(u[d])===-1;++d);if(d===u.length)return h&&h("Handshake: No matching C->S MAC"),He(e,"Handshake failed: no matching C->S MAC","handshake",De.KEY_EXCHANGE_FAILED);n.cs.mac=u[d],h&&h(`Handshake: C->S MAC: ${u[d]}`)}let E=o.lists.sc.mac.array;if(h&&h(`Handshake: (local) S->C MAC: ${E}`),h&&h(`Handshake: (remote) S->C MAC: ${s.sc.mac}`),gr[n.sc.cipher].authLen>0)n.sc.mac="",h&&h("Handshake: S->C MAC: <implicit>");else{for(e._server?(l=E,u=s.sc.mac):(l=s.sc.mac,u=E),d=0;d<u.length&&l.indexOf(u[d])===-1;++d);if(d===u.length)return h&&h("Handshake: No matching S->C MAC"),He(e,"Handshake failed: no matching S->C MAC","handshake",De.KEY_EXCHANGE_FAILED);n.sc.mac=u[d],h&&h(`Handshake: S->C MAC: ${u[d]}`)}let B=o.lists.cs.compress.array;for(h&&h(`Handshake: (local) C->S compression: ${B}`),h&&h(`Handshake: (remote) C->S compression: ${s.cs.compress}`),e._server?(l=B,u=s.cs.compress):(l=s.cs.compress,u=B),d=0;d<u.length&&l.indexOf(u[d])===-1;++d);if(d===u.length)return h&&h("Handshake: No matching C->S compression"),He(e,"Handshake failed: no matching C->S compression","handshake",De.KEY_EXCHANGE_FAILED);n.cs.compress=u[d],h&&h(`Handshake: C->S compression: ${u[d]}`);let M=o.lists.sc.compress.array;for(h&&h(`Handshake: (local) S->C compression: ${M}`),h&&h(`Handshake: (remote) S->C compression: ${s.sc.compress}`),e._server?(l=M,u=s.sc.compress):(l=s.sc.compress,u=M),d=0;d<u.length&&l.indexOf(u[d])===-1;++d);if(d===u.length)return h&&h("Handshake: No matching S->C compression"),He(e,"Handshake failed: no matching S->C compression","handshake",De.KEY_EXCHANGE_FAILED);n.sc.compress=u[d],h&&h(`Handshake: S->C compression: ${u[d]}`),n.cs.lang="",n.sc.lang="",e._kex&&(e._kexinit||ed(e),e._decipher._onPayload=nd.bind(e,{firstPacket:!1})),e._kex=lA(n,e,t),e._kex.remoteExtInfoEnabled=_,e._kex.start()}a(td,"handleKexInit");var lA=(()=>{function e(s){let c=0,u=s.length;for(;s[c]===0;)++c,--u;let l;return s[c]&128?(l=Buffer.allocUnsafe(1+u),l[0]=0,s.copy(l,1,c),s=l):u!==s.length&&(l=Buffer.allocUnsafe(u),s.copy(l,0,c),s=l),s}a(e,"convertToMpint");class t{static{a(this,"KeyExchange")}constructor(c,u,l){this._protocol=u,this.sessionID=u._kex?u._kex.sessionID:void 0,this.negotiated=c,this.remoteExtInfoEnabled=!1,this._step=1,this._public=null,this._dh=null,this._sentNEWKEYS=!1,this._receivedNEWKEYS=!1,this._finished=!1,this._hostVerified=!1,this._kexinit=u._kexinit,this._remoteKexinit=l,this._identRaw=u._identRaw,this._remoteIdentRaw=u._remoteIdentRaw,this._hostKey=void 0,this._dhData=void 0,this._sig=void 0}finish(c){if(this._finished)return!1;this._finished=!0;let u=this._protocol._server,l=this.negotiated,d=this.convertPublicKey(this._dhData),h=this.computeSecret(this._dhData);if(h instanceof Error)return h.message=`Error while computing DH secret (${this.type}): ${h.message}`,h.level="handshake",He(this._protocol,h,De.KEY_EXCHANGE_FAILED);let _=Wa(this.hashName);Jt(_,u?this._remoteIdentRaw:this._identRaw),Jt(_,u?this._identRaw:this._remoteIdentRaw),Jt(_,u?this._remoteKexinit:this._kexinit),Jt(_,u?this._kexinit:this._remoteKexinit);let A=u?this._hostKey.getPublicSSH():this._hostKey;if(Jt(_,A),this.type==="groupex"){let M=this.getDHParams(),N=Buffer.allocUnsafe(4);yt(N,this._minBits,0),_.update(N),yt(N,this._prefBits,0),_.update(N),yt(N,this._maxBits,0),_.update(N),Jt(_,M.prime),Jt(_,M.generator)}Jt(_,u?d:this.getPublicKey());let w=u?this.getPublicKey():d;Jt(_,w),Jt(_,h);let b=_.digest();if(u){let M;switch(this.negotiated.serverHostKey){case"rsa-sha2-256":M="sha256";break;case"rsa-sha2-512":M="sha512";break}this._protocol._debug&&this._protocol._debug("Generating signature ...");let N=this._hostKey.sign(b,M);if(N instanceof Error)return He(this._protocol,`Handshake failed: signature generation failed for ${this._hostKey.type} host key: ${N.message}`,"handshake",De.KEY_EXCHANGE_FAILED);if(N=iA(N,this._hostKey.type),N===!1)return He(this._protocol,`Handshake failed: signature conversion failed for ${this._hostKey.type} host key`,"handshake",De.KEY_EXCHANGE_FAILED);let G=this.negotiated.serverHostKey,re=Buffer.byteLength(G),xe=4+re+4+N.length,z=this._protocol._packetRW.write.allocStartKEX,q=this._protocol._packetRW.write.alloc(5+A.length+4+w.length+4+xe,!0);if(q[z]=Ye.KEXDH_REPLY,yt(q,A.length,++z),q.set(A,z+=4),yt(q,w.length,z+=A.length),q.set(w,z+=4),yt(q,xe,z+=w.length),yt(q,re,z+=4),q.utf8Write(G,z+=4,re),yt(q,N.length,z+=re),q.set(N,z+=4),this._protocol._debug){let W;switch(this.type){case"group":W="KEXDH_REPLY";break;case"groupex":W="KEXDH_GEX_REPLY";break;default:W="KEXECDH_REPLY"}this._protocol._debug(`Outbound: Sending ${W}`)}this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(q,!0))}else{Ue.init(this._sig,0);let M=Ue.readString(!0);if(!M)return He(this._protocol,"Malformed packet while reading signature","handshake",De.KEY_EXCHANGE_FAILED);if(M!==l.serverHostKey)return He(this._protocol,`Wrong signature type: ${M}, expected: ${l.serverHostKey}`,"handshake",De.KEY_EXCHANGE_FAILED);let N=Ue.readString();if(Ue.clear(),N===void 0)return He(this._protocol,"Malformed packet while reading signature","handshake",De.KEY_EXCHANGE_FAILED);if(!(N=sA(N,M)))return He(this._protocol,"Malformed signature","handshake",De.KEY_EXCHANGE_FAILED);let G;{Ue.init(this._hostKey,0);let z=Ue.readString(!0),q=this._hostKey.slice(Ue.pos());if(Ue.clear(),G=nA(q,z),G instanceof Error)return G.level="handshake",He(this._protocol,G,De.KEY_EXCHANGE_FAILED)}let re;switch(this.negotiated.serverHostKey){case"rsa-sha2-256":re="sha256";break;case"rsa-sha2-512":re="sha512";break}this._protocol._debug&&this._protocol._debug("Verifying signature ...");let xe=G.verify(b,N,re);if(xe!==!0)return xe instanceof Error?this._protocol._debug&&this._protocol._debug(`Signature verification failed: ${xe.stack}`):this._protocol._debug&&this._protocol._debug("Signature verification failed"),He(this._protocol,"Handshake failed: signature verification failed","handshake",De.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Verified signature")}(u||!c)&&Ao(this);let x,E,B=a(M=>{if(x)return Ao(this),x.outbound.seqno=this._protocol._cipher.outSeqno,this._protocol._cipher.free(),this._protocol._cipher=eA(x),this._protocol._packetRW.write=E,x=void 0,E=void 0,this._protocol._onHandshakeComplete(l),!1;this.sessionID||(this.sessionID=b);{let de=Buffer.allocUnsafe(4+h.length);yt(de,h.length,0),de.set(h,4),h=de}let N=gr[l.cs.cipher],G=gr[l.sc.cipher],re=_r(N.ivLen,this.hashName,h,b,this.sessionID,"A"),xe=_r(G.ivLen,this.hashName,h,b,this.sessionID,"B"),z=_r(N.keyLen,this.hashName,h,b,this.sessionID,"C"),q=_r(G.keyLen,this.hashName,h,b,this.sessionID,"D"),W,j;N.authLen||(W=Xf[l.cs.mac],j=_r(W.len,this.hashName,h,b,this.sessionID,"E"));let te,_e;G.authLen||(te=Xf[l.sc.mac],_e=_r(te.len,this.hashName,h,b,this.sessionID,"F"));let Y={inbound:{onPayload:this._protocol._onPayload,seqno:this._protocol._decipher.inSeqno,decipherInfo:u?N:G,decipherIV:u?re:xe,decipherKey:u?z:q,macInfo:u?W:te,macKey:u?j:_e},outbound:{onWrite:this._protocol._onWrite,seqno:this._protocol._cipher.outSeqno,cipherInfo:u?G:N,cipherIV:u?xe:re,cipherKey:u?q:z,macInfo:u?te:W,macKey:u?_e:j}};this._protocol._decipher.free(),x=Y,this._protocol._decipher=tA(Y);let ie={read:void 0,write:void 0};switch(l.cs.compress){case"zlib":u?ie.read=new go:ie.write=new mo(this._protocol);break;case"zlib@openssh.com":if(this._protocol._authenticated){u?ie.read=new go:ie.write=new mo(this._protocol);break}default:u?ie.read=new Vf:ie.write=new Jf(this._protocol)}switch(l.sc.compress){case"zlib":u?ie.write=new mo(this._protocol):ie.read=new go;break;case"zlib@openssh.com":if(this._protocol._authenticated){u?ie.write=new mo(this._protocol):ie.read=new go;break}default:u?ie.write=new Jf(this._protocol):ie.read=new Vf}return this._protocol._packetRW.read.cleanup(),this._protocol._packetRW.write.cleanup(),this._protocol._packetRW.read=ie.read,E=ie.write,this._public=null,this._dh=null,this._kexinit=this._protocol._kexinit=void 0,this._remoteKexinit=void 0,this._identRaw=void 0,this._remoteIdentRaw=void 0,this._hostKey=void 0,this._dhData=void 0,this._sig=void 0,M?!1:B()},"completeHandshake");if((u||c)&&(this.finish=B),!u)return B(c)}start(){if(!this._protocol._server){if(this._protocol._debug){let d;this.type==="group"?d="KEXDH_INIT":d="KEXECDH_INIT",this._protocol._debug(`Outbound: Sending ${d}`)}let c=this.getPublicKey(),u=this._protocol._packetRW.write.allocStartKEX,l=this._protocol._packetRW.write.alloc(5+c.length,!0);l[u]=Ye.KEXDH_INIT,yt(l,c.length,++u),l.set(c,u+=4),this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(l,!0))}}getPublicKey(){this.generateKeys();let c=this._public;if(c)return this.convertPublicKey(c)}convertPublicKey(c){let u,l=0,d=c.length;for(;c[l]===0;)++l,--d;return c[l]&128?(u=Buffer.allocUnsafe(1+d),u[0]=0,c.copy(u,1,l),u):(d!==c.length&&(u=Buffer.allocUnsafe(d),c.copy(u,0,l),c=u),c)}computeSecret(c){this.generateKeys();try{return e(this._dh.computeSecret(c))}catch(u){return u}}parse(c){let u=c[0];switch(this._step){case 1:if(this._protocol._server){if(u!==Ye.KEXDH_INIT)return He(this._protocol,`Received packet ${u} instead of ${Ye.KEXDH_INIT}`,"handshake",De.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Received DH Init"),Ue.init(c,1);let l=Ue.readString();if(Ue.clear(),l===void 0)return He(this._protocol,"Received malformed KEX*_INIT","handshake",De.KEY_EXCHANGE_FAILED);this._dhData=l;let d=this._protocol._hostKeys[this.negotiated.serverHostKey];Array.isArray(d)&&(d=d[0]),this._hostKey=d,this.finish()}else{if(u!==Ye.KEXDH_REPLY)return He(this._protocol,`Received packet ${u} instead of ${Ye.KEXDH_REPLY}`,"handshake",De.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Received DH Reply"),Ue.init(c,1);let l,d,h;if((l=Ue.readString())===void 0||(d=Ue.readString())===void 0||(h=Ue.readString())===void 0)return Ue.clear(),He(this._protocol,"Received malformed KEX*_REPLY","handshake",De.KEY_EXCHANGE_FAILED);Ue.clear(),Ue.init(l,0);let _=Ue.readString(!0);if(Ue.clear(),_===void 0)return He(this._protocol,"Received malformed host public key","handshake",De.KEY_EXCHANGE_FAILED);if(_!==this.negotiated.serverHostKey)switch(this.negotiated.serverHostKey){case"rsa-sha2-256":case"rsa-sha2-512":if(_==="ssh-rsa")break;default:return He(this._protocol,"Host key does not match negotiated type","handshake",De.KEY_EXCHANGE_FAILED)}this._hostKey=l,this._dhData=d,this._sig=h;let A=!1,w;if(this._protocol._hostVerifier===void 0?(w=!0,this._protocol._debug&&this._protocol._debug("Host accepted by default (no verification)")):w=this._protocol._hostVerifier(l,b=>{if(!A){if(A=!0,b===!1)return this._protocol._debug&&this._protocol._debug("Host denied (verification failed)"),He(this._protocol,"Host denied (verification failed)","handshake",De.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Host accepted (verified)"),this._hostVerified=!0,this._receivedNEWKEYS?this.finish():Ao(this)}}),w===void 0){++this._step;return}if(A=!0,w===!1)return this._protocol._debug&&this._protocol._debug("Host denied (verification failed)"),He(this._protocol,"Host denied (verification failed)","handshake",De.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Host accepted (verified)"),this._hostVerified=!0,Ao(this)}++this._step;break;case 2:return u!==Ye.NEWKEYS?He(this._protocol,`Received packet ${u} instead of ${Ye.NEWKEYS}`,"handshake",De.KEY_EXCHANGE_FAILED):(this._protocol._debug&&this._protocol._debug("Inbound: NEWKEYS"),this._receivedNEWKEYS=!0,this._protocol._strictMode&&(this._protocol._decipher.inSeqno=0),++this._step,this.finish(!this._protocol._server&&!this._hostVerified));default:return He(this._protocol,`Received unexpected packet ${u} after NEWKEYS`,"handshake",De.KEY_EXCHANGE_FAILED)}}}class n extends t{static{a(this,"Curve25519Exchange")}constructor(c,...u){super(...u),this.type="25519",this.hashName=c,this._keys=null}generateKeys(){this._keys||(this._keys=X0("x25519"))}getPublicKey(){return this.generateKeys(),this._keys.publicKey.export({type:"spki",format:"der"}).slice(-32)}convertPublicKey(c){let u,l=0,d=c.length;for(;c[l]===0;)++l,--d;return c.length===32||d!==c.length&&(u=Buffer.allocUnsafe(d),c.copy(u,0,l),c=u),c}computeSecret(c){this.generateKeys();try{let u=new Gf.Writer;return u.startSequence(),u.startSequence(),u.writeOID("1.3.101.110"),u.endSequence(),u.startSequence(Gf.BitString),u.writeByte(0),u._ensure(c.length),c.copy(u._buf,u._offset,0,c.length),u._offset+=c.length,u.endSequence(),u.endSequence(),e(Y0({privateKey:this._keys.privateKey,publicKey:q0({key:u.buffer,type:"spki",format:"der"})}))}catch(u){return u}}}class r extends t{static{a(this,"ECDHExchange")}constructor(c,u,...l){super(...l),this.type="ecdh",this.curveName=c,this.hashName=u}generateKeys(){this._dh||(this._dh=G0(this.curveName),this._public=this._dh.generateKeys())}}class i extends t{static{a(this,"DHGroupExchange")}constructor(c,...u){super(...u),this.type="groupex",this.hashName=c,this._prime=null,this._generator=null,this._minBits=aA,this._prefBits=fA(this.negotiated),this._protocol._compatFlags&ja.BUG_DHGEX_LARGE&&(this._prefBits=Math.min(this._prefBits,4096)),this._maxBits=cA}start(){if(this._protocol._server)return;this._protocol._debug&&this._protocol._debug("Outbound: Sending KEXDH_GEX_REQUEST");let c=this._protocol._packetRW.write.allocStartKEX,u=this._protocol._packetRW.write.alloc(13,!0);u[c]=Ye.KEXDH_GEX_REQUEST,yt(u,this._minBits,++c),yt(u,this._prefBits,c+=4),yt(u,this._maxBits,c+=4),this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(u,!0))}generateKeys(){!this._dh&&this._prime&&this._generator&&(this._dh=j0(this._prime,this._generator),this._public=this._dh.generateKeys())}setDHParams(c,u){if(!Buffer.isBuffer(c))throw new Error("Invalid prime value");if(!Buffer.isBuffer(u))throw new Error("Invalid generator value");this._prime=c,this._generator=u}getDHParams(){if(this._dh)return{prime:e(this._dh.getPrime()),generator:e(this._dh.getGenerator())}}parse(c){let u=c[0];switch(this._step){case 1:{if(this._protocol._server)return u!==Ye.KEXDH_GEX_REQUEST?He(this._protocol,`Received packet ${u} instead of `+Ye.KEXDH_GEX_REQUEST,"handshake",De.KEY_EXCHANGE_FAILED):He(this._protocol,"Group exchange not implemented for server","handshake",De.KEY_EXCHANGE_FAILED);if(u!==Ye.KEXDH_GEX_GROUP)return He(this._protocol,`Received packet ${u} instead of ${Ye.KEXDH_GEX_GROUP}`,"handshake",De.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Received DH GEX Group"),Ue.init(c,1);let l,d;if((l=Ue.readString())===void 0||(d=Ue.readString())===void 0)return Ue.clear(),He(this._protocol,"Received malformed KEXDH_GEX_GROUP","handshake",De.KEY_EXCHANGE_FAILED);Ue.clear(),this.setDHParams(l,d),this.generateKeys();let h=this.getPublicKey();this._protocol._debug&&this._protocol._debug("Outbound: Sending KEXDH_GEX_INIT");let _=this._protocol._packetRW.write.allocStartKEX,A=this._protocol._packetRW.write.alloc(5+h.length,!0);A[_]=Ye.KEXDH_GEX_INIT,yt(A,h.length,++_),A.set(h,_+=4),this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(A,!0)),++this._step;break}case 2:if(this._protocol._server)return u!==Ye.KEXDH_GEX_INIT?He(this._protocol,`Received packet ${u} instead of ${Ye.KEXDH_GEX_INIT}`,"handshake",De.KEY_EXCHANGE_FAILED):(this._protocol._debug&&this._protocol._debug("Received DH GEX Init"),He(this._protocol,"Group exchange not implemented for server","handshake",De.KEY_EXCHANGE_FAILED));if(u!==Ye.KEXDH_GEX_REPLY)return He(this._protocol,`Received packet ${u} instead of ${Ye.KEXDH_GEX_REPLY}`,"handshake",De.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Received DH GEX Reply"),this._step=1,c[0]=Ye.KEXDH_REPLY,this.parse=t.prototype.parse,this.parse(c)}}}class o extends t{static{a(this,"DHExchange")}constructor(c,u,...l){super(...l),this.type="group",this.groupName=c,this.hashName=u}start(){if(!this._protocol._server){this._protocol._debug&&this._protocol._debug("Outbound: Sending KEXDH_INIT");let c=this.getPublicKey(),u=this._protocol._packetRW.write.allocStartKEX,l=this._protocol._packetRW.write.alloc(5+c.length,!0);l[u]=Ye.KEXDH_INIT,yt(l,c.length,++u),l.set(c,u+=4),this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(l,!0))}}generateKeys(){this._dh||(this._dh=Z0(this.groupName),this._public=this._dh.generateKeys())}getDHParams(){if(this._dh)return{prime:e(this._dh.getPrime()),generator:e(this._dh.getGenerator())}}}return(s,...c)=>{if(typeof s!="object"||s===null)throw new Error("Invalid negotiated argument");let u=s.kex;if(typeof u=="string"){switch(c=[s,...c],u){case"curve25519-sha256":case"curve25519-sha256@libssh.org":if(!J0)break;return new n("sha256",...c);case"ecdh-sha2-nistp256":return new r("prime256v1","sha256",...c);case"ecdh-sha2-nistp384":return new r("secp384r1","sha384",...c);case"ecdh-sha2-nistp521":return new r("secp521r1","sha512",...c);case"diffie-hellman-group1-sha1":return new o("modp2","sha1",...c);case"diffie-hellman-group14-sha1":return new o("modp14","sha1",...c);case"diffie-hellman-group14-sha256":return new o("modp14","sha256",...c);case"diffie-hellman-group15-sha512":return new o("modp15","sha512",...c);case"diffie-hellman-group16-sha512":return new o("modp16","sha512",...c);case"diffie-hellman-group17-sha512":return new o("modp17","sha512",...c);case"diffie-hellman-group18-sha512":return new o("modp18","sha512",...c);case"diffie-hellman-group-exchange-sha1":return new i("sha1",...c);case"diffie-hellman-group-exchange-sha256":return new i("sha256",...c)}throw new Error(`Unsupported key exchange algorithm: ${u}`)}throw new Error(`Invalid key exchange type: ${u}`)}})(),Ka=(()=>{let e=["kex","serverHostKey",["cs","cipher"],["sc","cipher"],["cs","mac"],["sc","mac"],["cs","compress"],["sc","compress"],["cs","lang"],["sc","lang"]];return class{static{a(this,"KexInit")}constructor(n){if(typeof n!="object"||n===null)throw new TypeError("Argument must be an object");let r={kex:void 0,serverHostKey:void 0,cs:{cipher:void 0,mac:void 0,compress:void 0,lang:void 0},sc:{cipher:void 0,mac:void 0,compress:void 0,lang:void 0},all:void 0},i=0;for(let c of e){let u,l,d,h;if(typeof c=="string")u=r,l=n[c],d=h=c;else{let A=c[0];u=r[A],h=c[1],l=n[A][h],d=`${A}.${h}`}let _={array:void 0,buffer:void 0};if(Buffer.isBuffer(l))_.array=(""+l).split(","),_.buffer=l,i+=4+l.length;else{if(typeof l=="string"&&(l=l.split(",")),Array.isArray(l))_.array=l,_.buffer=Buffer.from(l.join(","));else throw new TypeError(`Invalid \`${d}\` type: ${typeof l}`);i+=4+_.buffer.length}u[h]=_}let o=Buffer.allocUnsafe(i);r.all=o;let s=0;for(let c of e){let u;typeof c=="string"?u=r[c].buffer:u=r[c[0]][c[1]].buffer,s=yt(o,u.length,s),o.set(u,s),s+=u.length}this.totalSize=i,this.lists=r}copyAllTo(n,r){let i=this.lists.all;if(typeof r!="number")throw new TypeError(`Invalid offset value: ${typeof r}`);if(n.length-r<i.length)throw new Error("Insufficient space to copy list");return n.set(i,r),i.length}}})(),Jt=(()=>{let e=Buffer.allocUnsafe(4);return(t,n)=>{yt(e,n.length,0),t.update(e),t.update(n)}})();function _r(e,t,n,r,i,o){let s;if(e){let c=Wa(t).update(n).update(r).update(o).update(i).digest();for(;c.length<e;){let u=Wa(t).update(n).update(r).update(c).digest(),l=Buffer.allocUnsafe(c.length+u.length);l.set(c,0),l.set(u,c.length),c=l}c.length===e?s=c:s=new oA(c.buffer,c.byteOffset,e)}else s=uA;return s}a(_r,"generateKEXVal");function nd(e,t){if(t.length===0){this._debug&&this._debug("Inbound: Skipping empty packet payload");return}if(this._skipNextInboundPacket){this._skipNextInboundPacket=!1;return}t=this._packetRW.read.read(t);let n=t[0];if(!this._strictMode)switch(n){case Ye.IGNORE:case Ye.UNIMPLEMENTED:case Ye.DEBUG:return pr||(pr=fo()),pr[n](this,t)}switch(n){case Ye.DISCONNECT:return pr||(pr=fo()),pr[n](this,t);case Ye.KEXINIT:return e.firstPacket?(e.firstPacket=!1,td(this,t)):He(this,"Received extra KEXINIT during handshake","handshake",De.KEY_EXCHANGE_FAILED);default:if(n<20||n>49)return He(this,`Received unexpected packet type ${n}`,"handshake",De.KEY_EXCHANGE_FAILED)}return this._kex.parse(t)}a(nd,"onKEXPayload");function fA(e){let t=gr[e.cs.cipher],n=gr[e.sc.cipher],r=Math.max(0,t.sslName==="des-ede3-cbc"?14:t.keyLen,t.blockLen,t.ivLen,n.sslName==="des-ede3-cbc"?14:n.keyLen,n.blockLen,n.ivLen)*8;return r<=112?2048:r<=128?3072:r<=192?7680:8192}a(fA,"dhEstimate");function Ao(e){if(!e._sentNEWKEYS){e._protocol._debug&&e._protocol._debug("Outbound: Sending NEWKEYS");let t=e._protocol._packetRW.write.allocStartKEX,n=e._protocol._packetRW.write.alloc(1,!0);n[t]=Ye.NEWKEYS,e._protocol._cipher.encrypt(e._protocol._packetRW.write.finalize(n,!0)),e._sentNEWKEYS=!0,e._protocol._strictMode&&(e._protocol._cipher.outSeqno=0)}}a(Ao,"trySendNEWKEYS");rd.exports={KexInit:Ka,kexinit:ed,onKEXPayload:nd,DEFAULT_KEXINIT_CLIENT:new Ka({kex:qf.concat(["ext-info-c","kex-strict-c-v00@openssh.com"]),serverHostKey:Yf,cs:{cipher:ho,mac:po,compress:_o,lang:[]},sc:{cipher:ho,mac:po,compress:_o,lang:[]}}),DEFAULT_KEXINIT_SERVER:new Ka({kex:qf.concat(["kex-strict-s-v00@openssh.com"]),serverHostKey:Yf,cs:{cipher:ho,mac:po,compress:_o,lang:[]},sc:{cipher:ho,mac:po,compress:_o,lang:[]}}),HANDLERS:{[Ye.KEXINIT]:td}}});var id=ze((W1,dA)=>{dA.exports={name:"ssh2",version:"1.17.0",author:"Brian White <mscdex@mscdex.net>",description:"SSH2 client and server modules written in pure JavaScript for node.js",main:"./lib/index.js",engines:{node:">=10.16.0"},dependencies:{asn1:"^0.2.6","bcrypt-pbkdf":"^1.0.2"},devDependencies:{"@mscdex/eslint-config":"^1.1.0",eslint:"^7.32.0"},optionalDependencies:{"cpu-features":"~0.0.10",nan:"^2.23.0"},scripts:{install:"node install.js",rebuild:"node install.js",test:"node test/test.js",lint:"eslint --cache --report-unused-disable-directives --ext=.js .eslintrc.js examples lib test","lint:fix":"npm run lint -- --fix"},keywords:["ssh","ssh2","sftp","secure","shell","exec","remote","client"],licenses:[{type:"MIT",url:"http://github.com/mscdex/ssh2/raw/master/LICENSE"}],repository:{type:"git",url:"http://github.com/mscdex/ssh2.git"}}});var Ad=ze((j1,md)=>{"use strict";var{inspect:ld}=require("util"),{bindingAvailable:hA,NullCipher:pA,NullDecipher:_A}=cr(),{COMPAT_CHECKS:gA,DISCONNECT_REASON:fd,eddsaSupported:mA,MESSAGE:me,SIGNALS:od,TERMINAL_MODE:Ga}=wn(),{DEFAULT_KEXINIT_CLIENT:AA,DEFAULT_KEXINIT_SERVER:yA,KexInit:sd,kexinit:dd,onKEXPayload:bA}=Qa(),{parseKey:ad}=zn(),wA=fo(),{bufferCopy:yo,bufferFill:$A,bufferSlice:hd,convertSignature:cd,sendPacket:ye,writeUInt32BE:k}=dn(),{PacketReader:xA,PacketWriter:EA,ZlibPacketReader:pd,ZlibPacketWriter:_d}=za(),kA=id().version,SA=new Map(Object.values(fd).map(e=>[e,1])),gd=Buffer.from(`SSH-2.0-ssh2js${kA}`),IA=Buffer.from(`${gd}\r
`),vA=8192,CA=1024,ud=Buffer.from([me.GLOBAL_REQUEST,0,0,0,21,107,101,101,112,97,108,105,118,101,64,111,112,101,110,115,115,104,46,99,111,109,1]),BA=Buffer.from([Ga.TTY_OP_END]);function Za(){}a(Za,"noop");var qa=class{static{a(this,"Protocol")}constructor(t){let n=t.onWrite;if(typeof n!="function")throw new Error("Missing onWrite function");this._onWrite=A=>{n(A)};let r=t.onError;if(typeof r!="function")throw new Error("Missing onError function");this._onError=A=>{r(A)};let i=t.debug;this._debug=typeof i=="function"?A=>{i(A)}:void 0;let o=t.onHeader;this._onHeader=typeof o=="function"?(...A)=>{o(...A)}:Za;let s=t.onPacket;this._onPacket=typeof s=="function"?()=>{s()}:Za;let c=t.onHandshakeComplete;typeof c!="function"&&(c=Za);let u;this._onHandshakeComplete=(...A)=>{this._debug&&this._debug("Handshake completed"),u===void 0?u=!0:u=!1;let w=this._queue;if(w){this._queue=void 0,this._debug&&this._debug(`Draining outbound queue (${w.length}) ...`);for(let b=0;b<w.length;++b){let x=w[b],E=this._packetRW.write.finalize(x);if(E===x){let B=this._cipher.allocPacket(x.length);B.set(x,5),E=B}ye(this,E)}this._debug&&this._debug("... finished draining outbound queue")}u&&this._server&&this._kex.remoteExtInfoEnabled&&UA(this),c(...A)},this._queue=void 0;let l=t.messageHandlers;typeof l=="object"&&l!==null?this._handlers=l:this._handlers={},this._onPayload=PA.bind(this),this._server=!!t.server,this._banner=void 0;let d;if(this._server){if(typeof t.hostKeys!="object"||t.hostKeys===null)throw new Error("Missing server host key(s)");this._hostKeys=t.hostKeys,typeof t.greeting=="string"&&t.greeting.length&&(d=t.greeting.slice(-2)===`\r
`?t.greeting:`${t.greeting}\r
`),typeof t.banner=="string"&&t.banner.length&&(this._banner=t.banner.slice(-2)===`\r
`?t.banner:`${t.banner}\r
`)}else this._hostKeys=void 0;let h=t.offer;typeof h!="object"||h===null?h=this._server?yA:AA:h.constructor!==sd&&(this._server?h.kex=h.kex.concat(["kex-strict-s-v00@openssh.com"]):h.kex=h.kex.concat(["ext-info-c","kex-strict-c-v00@openssh.com"]),h=new sd(h)),this._kex=void 0,this._strictMode=void 0,this._kexinit=void 0,this._offer=h,this._cipher=new pA(0,this._onWrite),this._decipher=void 0,this._skipNextInboundPacket=!1,this._packetRW={read:new xA,write:new EA(this)},this._hostVerifier=!this._server&&typeof t.hostVerifier=="function"?t.hostVerifier:void 0,this._parse=TA,this._buffer=void 0,this._authsQueue=[],this._authenticated=!1,this._remoteIdentRaw=void 0;let _;if(typeof t.ident=="string")this._identRaw=Buffer.from(`SSH-2.0-${t.ident}`),_=Buffer.allocUnsafe(this._identRaw.length+2),_.set(this._identRaw,0),_[_.length-2]=13,_[_.length-1]=10;else if(Buffer.isBuffer(t.ident)){let A=Buffer.allocUnsafe(8+t.ident.length);A.latin1Write("SSH-2.0-",0,8),A.set(t.ident,8),this._identRaw=A,_=Buffer.allocUnsafe(A.length+2),_.set(A,0),_[_.length-2]=13,_[_.length-1]=10}else this._identRaw=gd,_=IA;this._compatFlags=0,this._debug&&(hA?this._debug("Custom crypto binding available"):this._debug("Custom crypto binding not available")),this._debug&&this._debug(`Local ident: ${ld(this._identRaw.toString())}`),this.start=()=>{this.start=void 0,d&&this._onWrite(d),this._onWrite(_)}}_destruct(t){this._packetRW.read.cleanup(),this._packetRW.write.cleanup(),this._cipher&&this._cipher.free(),this._decipher&&this._decipher.free(),(typeof t!="string"||t.length===0)&&(t="fatal error"),this.parse=()=>{throw new Error(`Instance unusable after ${t}`)},this._onWrite=()=>{throw new Error(`Instance unusable after ${t}`)},this._destruct=void 0}cleanup(){this._destruct&&this._destruct()}parse(t,n,r){for(;n<r;)n=this._parse(t,n,r)}disconnect(t){let r=this._packetRW.write.allocStartKEX,i=this._packetRW.write.alloc(13,!0),o=r+13;SA.has(t)||(t=fd.PROTOCOL_ERROR),i[r]=me.DISCONNECT,k(i,t,++r),i.fill(0,r+=4,o),this._debug&&this._debug(`Outbound: Sending DISCONNECT (${t})`),ye(this,this._packetRW.write.finalize(i,!0),!0)}ping(){let t=this._packetRW.write.allocStart,n=this._packetRW.write.alloc(ud.length);n.set(ud,t),this._debug&&this._debug("Outbound: Sending ping (GLOBAL_REQUEST: keepalive@openssh.com)"),ye(this,this._packetRW.write.finalize(n))}rekey(){this._kexinit===void 0?(this._debug&&this._debug("Outbound: Initiated explicit rekey"),this._queue=[],dd(this)):this._debug&&this._debug("Outbound: Ignoring rekey during handshake")}requestSuccess(t){let n=this._packetRW.write.allocStart,r;Buffer.isBuffer(t)?(r=this._packetRW.write.alloc(1+t.length),r[n]=me.REQUEST_SUCCESS,r.set(t,++n)):(r=this._packetRW.write.alloc(1),r[n]=me.REQUEST_SUCCESS),this._debug&&this._debug("Outbound: Sending REQUEST_SUCCESS"),ye(this,this._packetRW.write.finalize(r))}requestFailure(){let t=this._packetRW.write.allocStart,n=this._packetRW.write.alloc(1);n[t]=me.REQUEST_FAILURE,this._debug&&this._debug("Outbound: Sending REQUEST_FAILURE"),ye(this,this._packetRW.write.finalize(n))}channelSuccess(t){let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(5);r[n]=me.CHANNEL_SUCCESS,k(r,t,++n),this._debug&&this._debug(`Outbound: Sending CHANNEL_SUCCESS (r:${t})`),ye(this,this._packetRW.write.finalize(r))}channelFailure(t){let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(5);r[n]=me.CHANNEL_FAILURE,k(r,t,++n),this._debug&&this._debug(`Outbound: Sending CHANNEL_FAILURE (r:${t})`),ye(this,this._packetRW.write.finalize(r))}channelEOF(t){let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(5);r[n]=me.CHANNEL_EOF,k(r,t,++n),this._debug&&this._debug(`Outbound: Sending CHANNEL_EOF (r:${t})`),ye(this,this._packetRW.write.finalize(r))}channelClose(t){let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(5);r[n]=me.CHANNEL_CLOSE,k(r,t,++n),this._debug&&this._debug(`Outbound: Sending CHANNEL_CLOSE (r:${t})`),ye(this,this._packetRW.write.finalize(r))}channelWindowAdjust(t,n){let r=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(9);i[r]=me.CHANNEL_WINDOW_ADJUST,k(i,t,++r),k(i,n,r+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_WINDOW_ADJUST (r:${t}, ${n})`),ye(this,this._packetRW.write.finalize(i))}channelData(t,n){let r=Buffer.isBuffer(n),i=r?n.length:Buffer.byteLength(n),o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(9+i);s[o]=me.CHANNEL_DATA,k(s,t,++o),k(s,i,o+=4),r?s.set(n,o+=4):s.utf8Write(n,o+=4,i),this._debug&&this._debug(`Outbound: Sending CHANNEL_DATA (r:${t}, ${i})`),ye(this,this._packetRW.write.finalize(s))}channelExtData(t,n,r){let i=Buffer.isBuffer(n),o=i?n.length:Buffer.byteLength(n),s=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(13+o);c[s]=me.CHANNEL_EXTENDED_DATA,k(c,t,++s),k(c,r,s+=4),k(c,o,s+=4),i?c.set(n,s+=4):c.utf8Write(n,s+=4,o),this._debug&&this._debug(`Outbound: Sending CHANNEL_EXTENDED_DATA (r:${t})`),ye(this,this._packetRW.write.finalize(c))}channelOpenConfirm(t,n,r,i){let o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(17);s[o]=me.CHANNEL_OPEN_CONFIRMATION,k(s,t,++o),k(s,n,o+=4),k(s,r,o+=4),k(s,i,o+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN_CONFIRMATION (r:${t}, l:${n})`),ye(this,this._packetRW.write.finalize(s))}channelOpenFail(t,n,r){typeof r!="string"&&(r="");let i=Buffer.byteLength(r),o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(13+i+4);s[o]=me.CHANNEL_OPEN_FAILURE,k(s,t,++o),k(s,n,o+=4),k(s,i,o+=4),o+=4,i&&(s.utf8Write(r,o,i),o+=i),k(s,0,o),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN_FAILURE (r:${t})`),ye(this,this._packetRW.write.finalize(s))}service(t){if(this._server)throw new Error("Client-only method called in server mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(5+n);i[r]=me.SERVICE_REQUEST,k(i,n,++r),i.utf8Write(t,r+=4,n),this._debug&&this._debug(`Outbound: Sending SERVICE_REQUEST (${t})`),ye(this,this._packetRW.write.finalize(i))}authPassword(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let i=Buffer.byteLength(t),o=Buffer.byteLength(n),s=r?Buffer.byteLength(r):0,c=this._packetRW.write.allocStart,u=this._packetRW.write.alloc(5+i+4+14+4+8+1+4+o+(r?4+s:0));u[c]=me.USERAUTH_REQUEST,k(u,i,++c),u.utf8Write(t,c+=4,i),k(u,14,c+=i),u.utf8Write("ssh-connection",c+=4,14),k(u,8,c+=14),u.utf8Write("password",c+=4,8),u[c+=8]=r?1:0,k(u,o,++c),Buffer.isBuffer(n)?yo(n,u,0,o,c+=4):u.utf8Write(n,c+=4,o),r?(k(u,s,c+=o),Buffer.isBuffer(r)?yo(r,u,0,s,c+=4):u.utf8Write(r,c+=4,s),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (changed password)")):this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (password)"),this._authsQueue.push("password"),ye(this,this._packetRW.write.finalize(u))}authPK(t,n,r,i){if(this._server)throw new Error("Client-only method called in server mode");if(n=ad(n),n instanceof Error)throw new Error("Invalid key");let o=n.type;n=n.getPublicSSH(),typeof r=="function"&&(i=r,r=void 0),r||(r=o);let s=Buffer.byteLength(t),c=Buffer.byteLength(r),u=n.length,l=this._kex.sessionID,d=l.length,h=(i?4+d:0)+1+4+s+4+14+4+9+1+4+c+4+u,_,A;if(i?(_=Buffer.allocUnsafe(h),A=0,k(_,d,A),_.set(l,A+=4),A+=d):(_=this._packetRW.write.alloc(h),A=this._packetRW.write.allocStart),_[A]=me.USERAUTH_REQUEST,k(_,s,++A),_.utf8Write(t,A+=4,s),k(_,14,A+=s),_.utf8Write("ssh-connection",A+=4,14),k(_,9,A+=14),_.utf8Write("publickey",A+=4,9),_[A+=9]=i?1:0,k(_,c,++A),_.utf8Write(r,A+=4,c),k(_,u,A+=c),_.set(n,A+=4),!i){this._authsQueue.push("publickey"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (publickey -- check)"),ye(this,this._packetRW.write.finalize(_));return}i(_,w=>{if(w=cd(w,o),w===!1)throw new Error("Error while converting handshake signature");let b=w.length;A=this._packetRW.write.allocStart,_=this._packetRW.write.alloc(5+s+4+14+4+9+1+4+c+4+u+4+4+c+4+b),_[A]=me.USERAUTH_REQUEST,k(_,s,++A),_.utf8Write(t,A+=4,s),k(_,14,A+=s),_.utf8Write("ssh-connection",A+=4,14),k(_,9,A+=14),_.utf8Write("publickey",A+=4,9),_[A+=9]=1,k(_,c,++A),_.utf8Write(r,A+=4,c),k(_,u,A+=c),_.set(n,A+=4),k(_,4+c+4+b,A+=u),k(_,c,A+=4),_.utf8Write(r,A+=4,c),k(_,b,A+=c),_.set(w,A+=4),this._authsQueue.push("publickey"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (publickey)"),ye(this,this._packetRW.write.finalize(_))})}authHostbased(t,n,r,i,o,s){if(this._server)throw new Error("Client-only method called in server mode");if(n=ad(n),n instanceof Error)throw new Error("Invalid key");let c=n.type;n=n.getPublicSSH(),typeof o=="function"&&(s=o,o=void 0),o||(o=c);let u=Buffer.byteLength(t),l=Buffer.byteLength(o),d=n.length,h=this._kex.sessionID,_=h.length,A=Buffer.byteLength(r),w=Buffer.byteLength(i),b=Buffer.allocUnsafe(4+_+1+4+u+4+14+4+9+4+l+4+d+4+A+4+w),x=0;k(b,_,x),b.set(h,x+=4),b[x+=_]=me.USERAUTH_REQUEST,k(b,u,++x),b.utf8Write(t,x+=4,u),k(b,14,x+=u),b.utf8Write("ssh-connection",x+=4,14),k(b,9,x+=14),b.utf8Write("hostbased",x+=4,9),k(b,l,x+=9),b.utf8Write(o,x+=4,l),k(b,d,x+=l),b.set(n,x+=4),k(b,A,x+=d),b.utf8Write(r,x+=4,A),k(b,w,x+=A),b.utf8Write(i,x+=4,w),s(b,E=>{if(E=cd(E,c),!E)throw new Error("Error while converting handshake signature");let B=E.length,M=b.length-_-4;x=this._packetRW.write.allocStart;let N=this._packetRW.write.alloc(M+4+4+l+4+B);yo(b,N,4+_,b.length,x),k(N,4+l+4+B,x+=M),k(N,l,x+=4),N.utf8Write(o,x+=4,l),k(N,B,x+=l),N.set(E,x+=4),this._authsQueue.push("hostbased"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (hostbased)"),ye(this,this._packetRW.write.finalize(N))})}authKeyboard(t){if(this._server)throw new Error("Client-only method called in server mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(5+n+4+14+4+20+4+4);i[r]=me.USERAUTH_REQUEST,k(i,n,++r),i.utf8Write(t,r+=4,n),k(i,14,r+=n),i.utf8Write("ssh-connection",r+=4,14),k(i,20,r+=14),i.utf8Write("keyboard-interactive",r+=4,20),k(i,0,r+=20),k(i,0,r+=4),this._authsQueue.push("keyboard-interactive"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (keyboard-interactive)"),ye(this,this._packetRW.write.finalize(i))}authNone(t){if(this._server)throw new Error("Client-only method called in server mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(5+n+4+14+4+4);i[r]=me.USERAUTH_REQUEST,k(i,n,++r),i.utf8Write(t,r+=4,n),k(i,14,r+=n),i.utf8Write("ssh-connection",r+=4,14),k(i,4,r+=14),i.utf8Write("none",r+=4,4),this._authsQueue.push("none"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (none)"),ye(this,this._packetRW.write.finalize(i))}authInfoRes(t){if(this._server)throw new Error("Client-only method called in server mode");let n=0,r;if(t){r=new Array(t.length);for(let s=0;s<t.length;++s){let c=Buffer.byteLength(t[s]);r[s]=c,n+=4+c}}let i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(5+n);if(o[i]=me.USERAUTH_INFO_RESPONSE,t){k(o,t.length,++i),i+=4;for(let s=0;s<t.length;++s){let c=r[s];k(o,c,i),i+=4,c&&(o.utf8Write(t[s],i,c),i+=c)}}else k(o,0,++i);this._debug&&this._debug("Outbound: Sending USERAUTH_INFO_RESPONSE"),ye(this,this._packetRW.write.finalize(o))}tcpipForward(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let i=Buffer.byteLength(t),o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(23+i+4);s[o]=me.GLOBAL_REQUEST,k(s,13,++o),s.utf8Write("tcpip-forward",o+=4,13),s[o+=13]=r===void 0||r===!0?1:0,k(s,i,++o),s.utf8Write(t,o+=4,i),k(s,n,o+=i),this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (tcpip-forward)"),ye(this,this._packetRW.write.finalize(s))}cancelTcpipForward(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let i=Buffer.byteLength(t),o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(30+i+4);s[o]=me.GLOBAL_REQUEST,k(s,20,++o),s.utf8Write("cancel-tcpip-forward",o+=4,20),s[o+=20]=r===void 0||r===!0?1:0,k(s,i,++o),s.utf8Write(t,o+=4,i),k(s,n,o+=i),this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (cancel-tcpip-forward)"),ye(this,this._packetRW.write.finalize(s))}openssh_streamLocalForward(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=Buffer.byteLength(t),i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(41+r);o[i]=me.GLOBAL_REQUEST,k(o,31,++i),o.utf8Write("streamlocal-forward@openssh.com",i+=4,31),o[i+=31]=n===void 0||n===!0?1:0,k(o,r,++i),o.utf8Write(t,i+=4,r),this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (streamlocal-forward@openssh.com)"),ye(this,this._packetRW.write.finalize(o))}openssh_cancelStreamLocalForward(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=Buffer.byteLength(t),i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(48+r);o[i]=me.GLOBAL_REQUEST,k(o,38,++i),o.utf8Write("cancel-streamlocal-forward@openssh.com",i+=4,38),o[i+=38]=n===void 0||n===!0?1:0,k(o,r,++i),o.utf8Write(t,i+=4,r),this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (cancel-streamlocal-forward@openssh.com)"),ye(this,this._packetRW.write.finalize(o))}directTcpip(t,n,r,i){if(this._server)throw new Error("Client-only method called in server mode");let o=Buffer.byteLength(i.srcIP),s=Buffer.byteLength(i.dstIP),c=this._packetRW.write.allocStart,u=this._packetRW.write.alloc(33+o+4+4+s+4);u[c]=me.CHANNEL_OPEN,k(u,12,++c),u.utf8Write("direct-tcpip",c+=4,12),k(u,t,c+=12),k(u,n,c+=4),k(u,r,c+=4),k(u,s,c+=4),u.utf8Write(i.dstIP,c+=4,s),k(u,i.dstPort,c+=s),k(u,o,c+=4),u.utf8Write(i.srcIP,c+=4,o),k(u,i.srcPort,c+=o),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, direct-tcpip)`),ye(this,this._packetRW.write.finalize(u))}openssh_directStreamLocal(t,n,r,i){if(this._server)throw new Error("Client-only method called in server mode");let o=Buffer.byteLength(i.socketPath),s=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(51+o+4+4);c[s]=me.CHANNEL_OPEN,k(c,30,++s),c.utf8Write("direct-streamlocal@openssh.com",s+=4,30),k(c,t,s+=30),k(c,n,s+=4),k(c,r,s+=4),k(c,o,s+=4),c.utf8Write(i.socketPath,s+=4,o),$A(c,0,s+=o,s+8),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, direct-streamlocal@openssh.com)`),ye(this,this._packetRW.write.finalize(c))}openssh_noMoreSessions(t){if(this._server)throw new Error("Client-only method called in server mode");let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(34);r[n]=me.GLOBAL_REQUEST,k(r,28,++n),r.utf8Write("no-more-sessions@openssh.com",n+=4,28),r[n+=28]=t===void 0||t===!0?1:0,this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (no-more-sessions@openssh.com)"),ye(this,this._packetRW.write.finalize(r))}session(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(24);o[i]=me.CHANNEL_OPEN,k(o,7,++i),o.utf8Write("session",i+=4,7),k(o,t,i+=7),k(o,n,i+=4),k(o,r,i+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, session)`),ye(this,this._packetRW.write.finalize(o))}windowChange(t,n,r,i,o){if(this._server)throw new Error("Client-only method called in server mode");let s=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(39);c[s]=me.CHANNEL_REQUEST,k(c,t,++s),k(c,13,s+=4),c.utf8Write("window-change",s+=4,13),c[s+=13]=0,k(c,r,++s),k(c,n,s+=4),k(c,o,s+=4),k(c,i,s+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, window-change)`),ye(this,this._packetRW.write.finalize(c))}pty(t,n,r,i,o,s,c,u){if(this._server)throw new Error("Client-only method called in server mode");(!s||!s.length)&&(s="vt100"),c&&!Buffer.isBuffer(c)&&!Array.isArray(c)&&typeof c=="object"&&c!==null&&(c=LA(c)),(!c||!c.length)&&(c=BA);let l=s.length,d=c.length,h=this._packetRW.write.allocStart,_=this._packetRW.write.alloc(21+l+4+4+4+4+4+d);if(_[h]=me.CHANNEL_REQUEST,k(_,t,++h),k(_,7,h+=4),_.utf8Write("pty-req",h+=4,7),_[h+=7]=u===void 0||u===!0?1:0,k(_,l,++h),_.utf8Write(s,h+=4,l),k(_,r,h+=l),k(_,n,h+=4),k(_,o,h+=4),k(_,i,h+=4),k(_,d,h+=4),h+=4,Array.isArray(c))for(let A=0;A<d;++A)_[h++]=c[A];else Buffer.isBuffer(c)&&_.set(c,h);this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, pty-req)`),ye(this,this._packetRW.write.finalize(_))}shell(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(15);i[r]=me.CHANNEL_REQUEST,k(i,t,++r),k(i,5,r+=4),i.utf8Write("shell",r+=4,5),i[r+=5]=n===void 0||n===!0?1:0,this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, shell)`),ye(this,this._packetRW.write.finalize(i))}exec(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let i=Buffer.isBuffer(n),o=i?n.length:Buffer.byteLength(n),s=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(18+o);c[s]=me.CHANNEL_REQUEST,k(c,t,++s),k(c,4,s+=4),c.utf8Write("exec",s+=4,4),c[s+=4]=r===void 0||r===!0?1:0,k(c,o,++s),i?c.set(n,s+=4):c.utf8Write(n,s+=4,o),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, exec: ${n})`),ye(this,this._packetRW.write.finalize(c))}signal(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=n;if(n=n.toUpperCase(),n.slice(0,3)==="SIG"&&(n=n.slice(3)),od[n]!==1)throw new Error(`Invalid signal: ${r}`);let i=n.length,o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(20+i);s[o]=me.CHANNEL_REQUEST,k(s,t,++o),k(s,6,o+=4),s.utf8Write("signal",o+=4,6),s[o+=6]=0,k(s,i,++o),s.utf8Write(n,o+=4,i),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, signal: ${n})`),ye(this,this._packetRW.write.finalize(s))}env(t,n,r,i){if(this._server)throw new Error("Client-only method called in server mode");let o=Buffer.byteLength(n),s=Buffer.isBuffer(r),c=s?r.length:Buffer.byteLength(r),u=this._packetRW.write.allocStart,l=this._packetRW.write.alloc(17+o+4+c);l[u]=me.CHANNEL_REQUEST,k(l,t,++u),k(l,3,u+=4),l.utf8Write("env",u+=4,3),l[u+=3]=i===void 0||i===!0?1:0,k(l,o,++u),l.utf8Write(n,u+=4,o),k(l,c,u+=o),s?l.set(r,u+=4):l.utf8Write(r,u+=4,c),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, env: ${n}=${r})`),ye(this,this._packetRW.write.finalize(l))}x11Forward(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let i=n.protocol,o=n.cookie,s=Buffer.isBuffer(i),c=s?i.length:Buffer.byteLength(i),u=Buffer.isBuffer(o),l=u?o.length:Buffer.byteLength(o),d=this._packetRW.write.allocStart,h=this._packetRW.write.alloc(22+c+4+l+4);h[d]=me.CHANNEL_REQUEST,k(h,t,++d),k(h,7,d+=4),h.utf8Write("x11-req",d+=4,7),h[d+=7]=r===void 0||r===!0?1:0,h[++d]=n.single?1:0,k(h,c,++d),s?h.set(i,d+=4):h.utf8Write(i,d+=4,c),k(h,l,d+=c),u?h.set(o,d+=4):h.latin1Write(o,d+=4,l),k(h,n.screen||0,d+=l),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, x11-req)`),ye(this,this._packetRW.write.finalize(h))}subsystem(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let i=Buffer.byteLength(n),o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(23+i);s[o]=me.CHANNEL_REQUEST,k(s,t,++o),k(s,9,o+=4),s.utf8Write("subsystem",o+=4,9),s[o+=9]=r===void 0||r===!0?1:0,k(s,i,++o),s.utf8Write(n,o+=4,i),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, subsystem: ${n})`),ye(this,this._packetRW.write.finalize(s))}openssh_agentForward(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(36);i[r]=me.CHANNEL_REQUEST,k(i,t,++r),k(i,26,r+=4),i.utf8Write("auth-agent-req@openssh.com",r+=4,26),i[r+=26]=n===void 0||n===!0?1:0,this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, auth-agent-req@openssh.com)`),ye(this,this._packetRW.write.finalize(i))}openssh_hostKeysProve(t){if(this._server)throw new Error("Client-only method called in server mode");let n=0,r=[];for(let s of t){let c=s.getPublicSSH();n+=4+c.length,r.push(c)}let i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(35+n);o[i]=me.GLOBAL_REQUEST,k(o,29,++i),o.utf8Write("hostkeys-prove-00@openssh.com",i+=4,29),o[i+=29]=1,++i;for(let s of r)k(o,s.length,i),yo(s,o,0,s.length,i+=4),i+=s.length;this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (hostkeys-prove-00@openssh.com)"),ye(this,this._packetRW.write.finalize(o))}serviceAccept(t){if(!this._server)throw new Error("Server-only method called in client mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(5+n);if(i[r]=me.SERVICE_ACCEPT,k(i,n,++r),i.utf8Write(t,r+=4,n),this._debug&&this._debug(`Outbound: Sending SERVICE_ACCEPT (${t})`),ye(this,this._packetRW.write.finalize(i)),this._server&&this._banner&&t==="ssh-userauth"){let o=this._banner;this._banner=void 0;let s=Buffer.byteLength(o);r=this._packetRW.write.allocStart;let c=this._packetRW.write.alloc(5+s+4);c[r]=me.USERAUTH_BANNER,k(c,s,++r),c.utf8Write(o,r+=4,s),k(c,0,r+=s),this._debug&&this._debug("Outbound: Sending USERAUTH_BANNER"),ye(this,this._packetRW.write.finalize(c))}}forwardedTcpip(t,n,r,i){if(!this._server)throw new Error("Server-only method called in client mode");let o=Buffer.byteLength(i.boundAddr),s=Buffer.byteLength(i.remoteAddr),c=this._packetRW.write.allocStart,u=this._packetRW.write.alloc(36+o+4+4+s+4);u[c]=me.CHANNEL_OPEN,k(u,15,++c),u.utf8Write("forwarded-tcpip",c+=4,15),k(u,t,c+=15),k(u,n,c+=4),k(u,r,c+=4),k(u,o,c+=4),u.utf8Write(i.boundAddr,c+=4,o),k(u,i.boundPort,c+=o),k(u,s,c+=4),u.utf8Write(i.remoteAddr,c+=4,s),k(u,i.remotePort,c+=s),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, forwarded-tcpip)`),ye(this,this._packetRW.write.finalize(u))}x11(t,n,r,i){if(!this._server)throw new Error("Server-only method called in client mode");let o=Buffer.byteLength(i.originAddr),s=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(24+o+4);c[s]=me.CHANNEL_OPEN,k(c,3,++s),c.utf8Write("x11",s+=4,3),k(c,t,s+=3),k(c,n,s+=4),k(c,r,s+=4),k(c,o,s+=4),c.utf8Write(i.originAddr,s+=4,o),k(c,i.originPort,s+=o),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, x11)`),ye(this,this._packetRW.write.finalize(c))}openssh_authAgent(t,n,r){if(!this._server)throw new Error("Server-only method called in client mode");let i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(39);o[i]=me.CHANNEL_OPEN,k(o,22,++i),o.utf8Write("auth-agent@openssh.com",i+=4,22),k(o,t,i+=22),k(o,n,i+=4),k(o,r,i+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, auth-agent@openssh.com)`),ye(this,this._packetRW.write.finalize(o))}openssh_forwardedStreamLocal(t,n,r,i){if(!this._server)throw new Error("Server-only method called in client mode");let o=Buffer.byteLength(i.socketPath),s=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(54+o+4);c[s]=me.CHANNEL_OPEN,k(c,33,++s),c.utf8Write("forwarded-streamlocal@openssh.com",s+=4,33),k(c,t,s+=33),k(c,n,s+=4),k(c,r,s+=4),k(c,o,s+=4),c.utf8Write(i.socketPath,s+=4,o),k(c,0,s+=o),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, forwarded-streamlocal@openssh.com)`),ye(this,this._packetRW.write.finalize(c))}exitStatus(t,n){if(!this._server)throw new Error("Server-only method called in client mode");let r=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(25);i[r]=me.CHANNEL_REQUEST,k(i,t,++r),k(i,11,r+=4),i.utf8Write("exit-status",r+=4,11),i[r+=11]=0,k(i,n,++r),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, exit-status: ${n})`),ye(this,this._packetRW.write.finalize(i))}exitSignal(t,n,r,i){if(!this._server)throw new Error("Server-only method called in client mode");let o=n;if(typeof o!="string"||!o)throw new Error(`Invalid signal: ${o}`);let s=n.toUpperCase();if(s.slice(0,3)==="SIG"&&(s=s.slice(3)),od[s]!==1)throw new Error(`Invalid signal: ${o}`);let c=Buffer.byteLength(s),u=i?Buffer.byteLength(i):0,l=this._packetRW.write.allocStart,d=this._packetRW.write.alloc(25+c+1+4+u+4);d[l]=me.CHANNEL_REQUEST,k(d,t,++l),k(d,11,l+=4),d.utf8Write("exit-signal",l+=4,11),d[l+=11]=0,k(d,c,++l),d.utf8Write(s,l+=4,c),d[l+=c]=r?1:0,k(d,u,++l),l+=4,u&&(d.utf8Write(i,l,u),l+=u),k(d,0,l),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, exit-signal: ${n})`),ye(this,this._packetRW.write.finalize(d))}authFailure(t,n){if(!this._server)throw new Error("Server-only method called in client mode");if(this._authsQueue.length===0)throw new Error("No auth in progress");let r;if(typeof t=="boolean"&&(n=t,t=void 0),t){r=[];for(let c=0;c<t.length;++c)t[c].toLowerCase()!=="none"&&r.push(t[c]);r=r.join(",")}else r="";let i=r.length,o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(5+i+1);s[o]=me.USERAUTH_FAILURE,k(s,i,++o),s.utf8Write(r,o+=4,i),s[o+=i]=n===!0?1:0,this._authsQueue.shift(),this._debug&&this._debug("Outbound: Sending USERAUTH_FAILURE"),ye(this,this._packetRW.write.finalize(s))}authSuccess(){if(!this._server)throw new Error("Server-only method called in client mode");if(this._authsQueue.length===0)throw new Error("No auth in progress");let t=this._packetRW.write.allocStart,n=this._packetRW.write.alloc(1);n[t]=me.USERAUTH_SUCCESS,this._authsQueue.shift(),this._authenticated=!0,this._debug&&this._debug("Outbound: Sending USERAUTH_SUCCESS"),ye(this,this._packetRW.write.finalize(n)),this._kex.negotiated.cs.compress==="zlib@openssh.com"&&(this._packetRW.read=new pd),this._kex.negotiated.sc.compress==="zlib@openssh.com"&&(this._packetRW.write=new _d(this))}authPKOK(t,n){if(!this._server)throw new Error("Server-only method called in client mode");if(this._authsQueue.length===0||this._authsQueue[0]!=="publickey")throw new Error('"publickey" auth not in progress');let r=Buffer.byteLength(t),i=n.length,o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(5+r+4+i);s[o]=me.USERAUTH_PK_OK,k(s,r,++o),s.utf8Write(t,o+=4,r),k(s,i,o+=r),s.set(n,o+=4),this._authsQueue.shift(),this._debug&&this._debug("Outbound: Sending USERAUTH_PK_OK"),ye(this,this._packetRW.write.finalize(s))}authPasswdChg(t){if(!this._server)throw new Error("Server-only method called in client mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(5+n+4);i[r]=me.USERAUTH_PASSWD_CHANGEREQ,k(i,n,++r),i.utf8Write(t,r+=4,n),k(i,0,r+=n),this._debug&&this._debug("Outbound: Sending USERAUTH_PASSWD_CHANGEREQ"),ye(this,this._packetRW.write.finalize(i))}authInfoReq(t,n,r){if(!this._server)throw new Error("Server-only method called in client mode");let i=0,o=t?Buffer.byteLength(t):0,s=n?Buffer.byteLength(n):0;for(let l=0;l<r.length;++l)i+=4+Buffer.byteLength(r[l].prompt)+1;let c=this._packetRW.write.allocStart,u=this._packetRW.write.alloc(5+o+4+s+4+4+i);u[c]=me.USERAUTH_INFO_REQUEST,k(u,o,++c),c+=4,t&&(u.utf8Write(t,c,o),c+=o),k(u,s,c),c+=4,n&&(u.utf8Write(n,c,s),c+=s),k(u,0,c),k(u,r.length,c+=4),c+=4;for(let l=0;l<r.length;++l){let d=r[l],h=Buffer.byteLength(d.prompt);k(u,h,c),c+=4,h&&(u.utf8Write(d.prompt,c,h),c+=h),u[c++]=d.echo?1:0}this._debug&&this._debug("Outbound: Sending USERAUTH_INFO_REQUEST"),ye(this,this._packetRW.write.finalize(u))}},RA=/^SSH-(2\.0|1\.99)-([^ ]+)(?: (.*))?$/;function TA(e,t,n){let r,i;this._buffer?(r=Buffer.allocUnsafe(this._buffer.length+(n-t)),r.set(this._buffer,0),t===0?r.set(e,this._buffer.length):r.set(new Uint8Array(e.buffer,e.byteOffset+t,n-t),this._buffer.length),i=this._buffer.length,t=0):(r=e,i=0);let o=t,s=t,c=t,u=!1,l=0,d=0;for(;t<r.length;++t){let h=r[t];if(h===13){u=!0;continue}if(h===10){if(c>s&&c-s>4&&r[s]===83&&r[s+1]===83&&r[s+2]===72&&r[s+3]===45){let _=r.latin1Slice(o,c+1),A=s===o?_:_.slice(s-o),w=RA.exec(A);if(!w)throw new Error("Invalid identification string");let b={greeting:s===o?"":_.slice(0,s-o),identRaw:A,versions:{protocol:w[1],software:w[2]},comments:w[3]};return this._remoteIdentRaw=Buffer.from(A),this._debug&&this._debug(`Remote ident: ${ld(A)}`),this._compatFlags=OA(b),this._buffer=void 0,this._decipher=new _A(0,bA.bind(this,{firstPacket:!0})),this._parse=NA,this._onHeader(b),this._destruct?(dd(this),t+1-i):n}if(this._server)throw new Error("Greetings from clients not permitted");if(++d>CA)throw new Error("Max greeting lines exceeded");u=!1,s=t+1,l=0}else{if(u)throw new Error("Invalid header: expected newline");if(++l>=vA)throw new Error("Header line too long")}c=t}return this._buffer||(this._buffer=hd(r,o)),t-i}a(TA,"parseHeader");function NA(e,t,n){return this._decipher.decrypt(e,t,n)}a(NA,"parsePacket");function PA(e){if(this._onPacket(),e.length===0){this._debug&&this._debug("Inbound: Skipping empty packet payload");return}e=this._packetRW.read.read(e);let t=e[0];t===me.USERAUTH_SUCCESS&&!this._server&&!this._authenticated&&(this._authenticated=!0,this._kex.negotiated.cs.compress==="zlib@openssh.com"&&(this._packetRW.write=new _d(this)),this._kex.negotiated.sc.compress==="zlib@openssh.com"&&(this._packetRW.read=new pd));let n=wA[t];if(n===void 0){this._debug&&this._debug(`Inbound: Unsupported message type: ${t}`);return}return n(this,e)}a(PA,"onPayload");function OA(e){let t=e.versions.software,n=0;for(let r of gA)typeof r[0]=="string"?t===r[0]&&(n|=r[1]):r[0].test(t)&&(n|=r[1]);return n}a(OA,"getCompatFlags");function LA(e){let t=Object.keys(e),n=Buffer.allocUnsafe(5*t.length+1),r=0;for(let i=0;i<t.length;++i){let o=t[i];if(o==="TTY_OP_END")continue;let s=Ga[o];if(s===void 0)continue;let c=e[o];typeof c=="number"&&isFinite(c)&&(n[r++]=s,n[r++]=c>>>24,n[r++]=c>>>16,n[r++]=c>>>8,n[r++]=c)}return n[r++]=Ga.TTY_OP_END,r<n.length?hd(n,0,r):n}a(LA,"modesToBytes");function UA(e){let t="ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521rsa-sha2-512,rsa-sha2-256,ssh-rsa,ssh-dss";mA&&(t=`ssh-ed25519,${t}`);let n=Buffer.byteLength(t),r=e._packetRW.write.allocStart,i=e._packetRW.write.alloc(28+n);i[r]=me.EXT_INFO,k(i,1,++r),k(i,15,r+=4),i.utf8Write("server-sig-algs",r+=4,15),k(i,n,r+=15),i.utf8Write(t,r+=4,n),e._debug&&e._debug("Outbound: Sending EXT_INFO"),ye(e,e._packetRW.write.finalize(i))}a(UA,"sendExtInfo");md.exports=qa});var xd=ze((G1,$d)=>{"use strict";var{Duplex:DA,Readable:HA,Writable:zA}=require("stream"),{CHANNEL_EXTENDED_DATATYPE:{STDERR:yd}}=wn(),{bufferSlice:bo}=dn(),MA=32*1024,di=2*1024*1024,Ja=di/2,Ya=class extends HA{static{a(this,"ClientStderr")}constructor(t,n){super(n),this._channel=t}_read(t){this._channel._waitChanDrain&&(this._channel._waitChanDrain=!1,this._channel.incoming.window<=Ja&&ec(this._channel))}},Xa=class extends zA{static{a(this,"ServerStderr")}constructor(t){super({highWaterMark:di}),this._channel=t}_write(t,n,r){let i=this._channel,o=i._client._protocol,s=i.outgoing,c=s.packetSize,u=s.id,l=s.window,d=t.length,h=0;if(s.state==="open"){for(;d-h>0&&l>0;){let _=d-h;_>l&&(_=l),_>c&&(_=c),h===0&&_===d?o.channelExtData(u,t,yd):o.channelExtData(u,bo(t,h,h+_),yd),h+=_,l-=_}if(s.window=l,d-h>0){l===0&&(i._waitWindow=!0),h>0?i._chunkErr=bo(t,h,d):i._chunkErr=t,i._chunkcbErr=r;return}r()}}},Va=class extends DA{static{a(this,"Channel")}constructor(t,n,r){let i={highWaterMark:di,allowHalfOpen:!r||r&&r.allowHalfOpen!==!1,emitClose:!1};super(i),this.allowHalfOpen=i.allowHalfOpen;let o=!!(r&&r.server);this.server=o,this.type=n.type,this.subtype=void 0,this.incoming=n.incoming,this.outgoing=n.outgoing,this._callbacks=[],this._client=t,this._hasX11=!1,this._exit={code:void 0,signal:void 0,dump:void 0,desc:void 0},this.stdin=this.stdout=this,o?this.stderr=new Xa(this):this.stderr=new Ya(this,i),this._waitWindow=!1,this._waitChanDrain=!1,this._chunk=void 0,this._chunkcb=void 0,this._chunkErr=void 0,this._chunkcbErr=void 0,this.on("finish",bd).on("prefinish",bd),this.on("end",wd).on("close",wd)}_read(t){this._waitChanDrain&&(this._waitChanDrain=!1,this.incoming.window<=Ja&&ec(this))}_write(t,n,r){let i=this._client._protocol,o=this.outgoing,s=o.packetSize,c=o.id,u=o.window,l=t.length,d=0;if(o.state==="open"){for(;l-d>0&&u>0;){let h=l-d;h>u&&(h=u),h>s&&(h=s),d===0&&h===l?i.channelData(c,t):i.channelData(c,bo(t,d,d+h)),d+=h,u-=h}if(o.window=u,l-d>0){u===0&&(this._waitWindow=!0),d>0?this._chunk=bo(t,d,l):this._chunk=t,this._chunkcb=r;return}r()}}eof(){this.outgoing.state==="open"&&(this.outgoing.state="eof",this._client._protocol.channelEOF(this.outgoing.id))}close(){(this.outgoing.state==="open"||this.outgoing.state==="eof")&&(this.outgoing.state="closing",this._client._protocol.channelClose(this.outgoing.id))}destroy(){return this.end(),this.close(),this}setWindow(t,n,r,i){if(this.server)throw new Error("Client-only method called in server mode");this.type==="session"&&(this.subtype==="shell"||this.subtype==="exec")&&this.writable&&this.outgoing.state==="open"&&this._client._protocol.windowChange(this.outgoing.id,t,n,r,i)}signal(t){if(this.server)throw new Error("Client-only method called in server mode");this.type==="session"&&this.writable&&this.outgoing.state==="open"&&this._client._protocol.signal(this.outgoing.id,t)}exit(t,n,r){if(!this.server)throw new Error("Server-only method called in client mode");this.type==="session"&&this.writable&&this.outgoing.state==="open"&&(typeof t=="number"?this._client._protocol.exitStatus(this.outgoing.id,t):this._client._protocol.exitSignal(this.outgoing.id,t,n,r))}};function bd(){this.eof(),(this.server||!this.allowHalfOpen)&&this.close(),this.writable=!1}a(bd,"onFinish");function wd(){this.readable=!1}a(wd,"onEnd");function ec(e){if(e.outgoing.state==="closed")return;let t=di-e.incoming.window;t<=0||(e.incoming.window+=t,e._client._protocol.channelWindowAdjust(e.outgoing.id,t))}a(ec,"windowAdjust");$d.exports={Channel:Va,MAX_WINDOW:di,PACKET_SIZE:MA,windowAdjust:ec,WINDOW_THRESHOLD:Ja}});var Id=ze((Y1,Sd)=>{"use strict";var{SFTP:FA}=uo(),hi=2**32-1;function Ed(e,t,n,r){if(e._chanMgr.remove(t),typeof r!="function")return;let i;n instanceof Error?i=n:typeof n=="object"&&n!==null?(i=new Error(`(SSH) Channel open failure: ${n.description}`),i.reason=n.reason):(i=new Error("(SSH) Channel open failure: server closed channel unexpectedly"),i.reason=""),r(i)}a(Ed,"onChannelOpenFailure");function kd(e,t,n,r,i){if(typeof n=="function"){Ed(e,t,r,n);return}if(typeof n!="object"||n===null||n.incoming&&n.incoming.state==="closed"||(e._chanMgr.remove(t),n.server&&n.constructor.name==="Session"))return;n.incoming.state="closed",n.readable&&n.push(null),n.server?n.stderr.writable&&n.stderr.end():n.stderr.readable&&n.stderr.push(null),n.constructor!==FA&&(n.outgoing.state==="open"||n.outgoing.state==="eof")&&!i&&n.close(),n.outgoing.state==="closing"&&(n.outgoing.state="closed");let o=n._readableState,s=n._writableState;s&&!s.ending&&!s.finished&&!i&&n.end();let c=n._callbacks;n._callbacks=[];for(let u=0;u<c.length;++u)c[u](!0);if(n.server)!n.readable||n.destroyed||o&&o.endEmitted?n.emit("close"):n.once("end",()=>n.emit("close"));else{let u;switch(n.type){case"direct-streamlocal@openssh.com":case"direct-tcpip":u=a(()=>n.emit("close"),"doClose");break;default:{let d=n._exit;u=a(()=>{d.code===null?n.emit("close",d.code,d.signal,d.dump,d.desc):n.emit("close",d.code)},"doClose")}}!n.readable||n.destroyed||o&&o.endEmitted?u():n.once("end",u);let l=n.stderr._readableState;!n.stderr.readable||n.stderr.destroyed||l&&l.endEmitted?n.stderr.emit("close"):n.stderr.once("end",()=>n.stderr.emit("close"))}}a(kd,"onCHANNEL_CLOSE");var nc=class{static{a(this,"ChannelManager")}constructor(t){this._client=t,this._channels={},this._cur=-1,this._count=0}add(t){let n;if(this._cur<hi)n=++this._cur;else if(this._count===0)this._cur=0,n=0;else{let r=this._channels;for(let i=0;i<hi;++i)if(r[i]===void 0){n=i;break}}return n===void 0?-1:(this._channels[n]=t||!0,++this._count,n)}update(t,n){if(typeof t!="number"||t<0||t>=hi||!isFinite(t))throw new Error(`Invalid channel id: ${t}`);n&&this._channels[t]&&(this._channels[t]=n)}get(t){if(typeof t!="number"||t<0||t>=hi||!isFinite(t))throw new Error(`Invalid channel id: ${t}`);return this._channels[t]}remove(t){if(typeof t!="number"||t<0||t>=hi||!isFinite(t))throw new Error(`Invalid channel id: ${t}`);this._channels[t]&&(delete this._channels[t],this._count&&--this._count)}cleanup(t){let n=this._channels;this._channels={},this._cur=-1,this._count=0;let r=Object.keys(n),i=this._client;for(let o=0;o<r.length;++o){let s=+r[o],c=n[s];kd(i,s,c._channel||c,t,!0)}}},tc=(()=>{let e=Object.prototype.toString;return t=>e.call(t)==="[object RegExp]"})();function QA(e,t,n){if(Array.isArray(e)&&e.length>0){for(let r=0;r<e.length;++r)if(n.indexOf(e[r])===-1)throw new Error(`Unsupported algorithm: ${e[r]}`);return e}if(typeof e=="object"&&e!==null){let r=Object.keys(e),i=t;for(let o=0;o<r.length;++o){let s=r[o],c=e[s];switch(s){case"append":if(Array.isArray(c)||(c=[c]),Array.isArray(c))for(let u=0;u<c.length;++u){let l=c[u];if(typeof l=="string"){if(!l||i.indexOf(l)!==-1)continue;if(n.indexOf(l)===-1)throw new Error(`Unsupported algorithm: ${l}`);i===t&&(i=i.slice()),i.push(l)}else if(tc(l))for(let d=0;d<n.length;++d){let h=n[d];if(l.test(h)){if(i.indexOf(h)!==-1)continue;i===t&&(i=i.slice()),i.push(h)}}}break;case"prepend":if(Array.isArray(c)||(c=[c]),Array.isArray(c))for(let u=c.length;u>=0;--u){let l=c[u];if(typeof l=="string"){if(!l||i.indexOf(l)!==-1)continue;if(n.indexOf(l)===-1)throw new Error(`Unsupported algorithm: ${l}`);i===t&&(i=i.slice()),i.unshift(l)}else if(tc(l))for(let d=n.length;d>=0;--d){let h=n[d];if(l.test(h)){if(i.indexOf(h)!==-1)continue;i===t&&(i=i.slice()),i.unshift(h)}}}break;case"remove":if(Array.isArray(c)||(c=[c]),Array.isArray(c))for(let u=0;u<c.length;++u){let l=c[u];if(typeof l=="string"){if(!l)continue;let d=i.indexOf(l);if(d===-1)continue;i===t&&(i=i.slice()),i.splice(d,1)}else if(tc(l))for(let d=0;d<i.length;++d)l.test(i[d])&&(i===t&&(i=i.slice()),i.splice(d,1),--d)}break}}return i}return t}a(QA,"generateAlgorithmList");Sd.exports={ChannelManager:nc,generateAlgorithmList:QA,onChannelOpenFailure:Ed,onCHANNEL_CLOSE:kd,isWritable:a(e=>e&&e.writable&&e._readableState&&e._readableState.ended===!1,"isWritable")}});var Gd=ze((V1,Zd)=>{"use strict";var{createHash:KA,getHashes:WA,randomFillSync:jA}=require("crypto"),{Socket:ZA}=require("net"),{lookup:GA}=require("dns"),qA=require("events"),YA=WA(),{COMPAT:Kd,CHANNEL_EXTENDED_DATATYPE:{STDERR:XA},CHANNEL_OPEN_FAILURE:pi,DEFAULT_CIPHER:vd,DEFAULT_COMPRESSION:Cd,DEFAULT_KEX:Bd,DEFAULT_MAC:Rd,DEFAULT_SERVER_HOST_KEY:Td,DISCONNECT_REASON:Nd,DISCONNECT_REASON_BY_VALUE:VA,SUPPORTED_CIPHER:JA,SUPPORTED_COMPRESSION:ey,SUPPORTED_KEX:ty,SUPPORTED_MAC:ny,SUPPORTED_SERVER_HOST_KEY:ry}=wn(),{init:iy}=cr(),oy=Ad(),{parseKey:xo}=zn(),{SFTP:sy}=uo(),{bufferCopy:Pd,makeBufferParser:Wd,makeError:ay,readUInt32BE:cy,sigSSHToASN1:uy,writeUInt32BE:rc}=dn(),{AgentContext:Od,createAgent:Ld,isAgent:Ud}=Pa(),{Channel:jd,MAX_WINDOW:Eo,PACKET_SIZE:ko,windowAdjust:Dd,WINDOW_THRESHOLD:Hd}=xd(),{ChannelManager:ly,generateAlgorithmList:_i,isWritable:dt,onChannelOpenFailure:fy,onCHANNEL_CLOSE:dy}=Id(),wo=Wd(),$o=Wd(),gi=/^OpenSSH_(?:(?![0-4])\d)|(?:\d{2,})/,ac=a(e=>{},"noop"),cc=class extends qA{static{a(this,"Client")}constructor(){super(),this.config={host:void 0,port:void 0,localAddress:void 0,localPort:void 0,forceIPv4:void 0,forceIPv6:void 0,keepaliveCountMax:void 0,keepaliveInterval:void 0,readyTimeout:void 0,ident:void 0,username:void 0,password:void 0,privateKey:void 0,tryKeyboard:void 0,agent:void 0,allowAgentFwd:void 0,authHandler:void 0,hostHashAlgo:void 0,hostHashCb:void 0,strictVendor:void 0,debug:void 0},this._agent=void 0,this._readyTimeout=void 0,this._chanMgr=void 0,this._callbacks=void 0,this._forwarding=void 0,this._forwardingUnix=void 0,this._acceptX11=void 0,this._agentFwdEnabled=void 0,this._remoteVer=void 0,this._protocol=void 0,this._sock=void 0,this._resetKA=void 0}connect(t){if(this._sock&&dt(this._sock))return this.once("close",()=>{this.connect(t)}),this.end(),this;this.config.host=t.hostname||t.host||"localhost",this.config.port=t.port||22,this.config.localAddress=typeof t.localAddress=="string"?t.localAddress:void 0,this.config.localPort=typeof t.localPort=="string"||typeof t.localPort=="number"?t.localPort:void 0,this.config.forceIPv4=t.forceIPv4||!1,this.config.forceIPv6=t.forceIPv6||!1,this.config.keepaliveCountMax=typeof t.keepaliveCountMax=="number"&&t.keepaliveCountMax>=0?t.keepaliveCountMax:3,this.config.keepaliveInterval=typeof t.keepaliveInterval=="number"&&t.keepaliveInterval>0?t.keepaliveInterval:0,this.config.readyTimeout=typeof t.readyTimeout=="number"&&t.readyTimeout>=0?t.readyTimeout:2e4,this.config.ident=typeof t.ident=="string"||Buffer.isBuffer(t.ident)?t.ident:void 0;let n={kex:void 0,serverHostKey:void 0,cs:{cipher:void 0,mac:void 0,compress:void 0,lang:[]},sc:void 0},r=!0;if(typeof t.algorithms=="object"&&t.algorithms!==null&&(n.kex=_i(t.algorithms.kex,Bd,ty),n.kex!==Bd&&(r=!1),n.serverHostKey=_i(t.algorithms.serverHostKey,Td,ry),n.serverHostKey!==Td&&(r=!1),n.cs.cipher=_i(t.algorithms.cipher,vd,JA),n.cs.cipher!==vd&&(r=!1),n.cs.mac=_i(t.algorithms.hmac,Rd,ny),n.cs.mac!==Rd&&(r=!1),n.cs.compress=_i(t.algorithms.compress,Cd,ey),n.cs.compress!==Cd&&(r=!1),r||(n.sc=n.cs)),typeof t.username=="string")this.config.username=t.username;else if(typeof t.user=="string")this.config.username=t.user;else throw new Error("Invalid username");this.config.password=typeof t.password=="string"?t.password:void 0,this.config.privateKey=typeof t.privateKey=="string"||Buffer.isBuffer(t.privateKey)?t.privateKey:void 0,this.config.localHostname=typeof t.localHostname=="string"?t.localHostname:void 0,this.config.localUsername=typeof t.localUsername=="string"?t.localUsername:void 0,this.config.tryKeyboard=t.tryKeyboard===!0,typeof t.agent=="string"&&t.agent.length?this.config.agent=Ld(t.agent):Ud(t.agent)?this.config.agent=t.agent:this.config.agent=void 0,this.config.allowAgentFwd=t.agentForward===!0&&this.config.agent!==void 0;let i=this.config.authHandler=typeof t.authHandler=="function"||Array.isArray(t.authHandler)?t.authHandler:void 0;this.config.strictVendor=typeof t.strictVendor=="boolean"?t.strictVendor:!0;let o=this.config.debug=typeof t.debug=="function"?t.debug:void 0;if(t.agentForward===!0&&!this.config.allowAgentFwd)throw new Error("You must set a valid agent path to allow agent forwarding");let s=this._callbacks=[];this._chanMgr=new ly(this),this._forwarding={},this._forwardingUnix={},this._acceptX11=0,this._agentFwdEnabled=!1,this._agent=this.config.agent?this.config.agent:void 0,this._remoteVer=void 0;let c;if(this.config.privateKey){if(c=xo(this.config.privateKey,t.passphrase),c instanceof Error)throw new Error(`Cannot parse privateKey: ${c.message}`);if(Array.isArray(c)&&(c=c[0]),c.getPrivatePEM()===null)throw new Error("privateKey value does not contain a (valid) private key")}let u;if(typeof t.hostVerifier=="function"){let C=t.hostVerifier,O;YA.indexOf(t.hostHash)!==-1&&(O=t.hostHash),u=a((P,F)=>{O&&(P=KA(O).update(P).digest("hex"));let ce=C(P,F);ce!==void 0&&F(ce)},"hostVerifier")}let l=this._sock=t.sock||new ZA,d=!1,h=!1;this._protocol&&this._protocol.cleanup();let _=o?(C,O,P)=>{o(`Debug output from server: ${JSON.stringify(P)}`)}:void 0,A,w=this._protocol=new oy({ident:this.config.ident,offer:r?void 0:n,onWrite:a(C=>{dt(l)&&l.write(C)},"onWrite"),onError:a(C=>{C.level==="handshake"&&clearTimeout(this._readyTimeout),w._destruct||l.removeAllListeners("data"),this.emit("error",C);try{l.end()}catch{}},"onError"),onHeader:a(C=>{h=!0,this._remoteVer=C.versions.software,C.greeting&&this.emit("greeting",C.greeting)},"onHeader"),onHandshakeComplete:a(C=>{this.emit("handshake",C),d||(d=!0,w.service("ssh-userauth"))},"onHandshakeComplete"),debug:o,hostVerifier:u,messageHandlers:{DEBUG:_,DISCONNECT:a((C,O,P)=>{if(O!==Nd.BY_APPLICATION){P||(P=VA[O],P===void 0&&(P=`Unexpected disconnection reason: ${O}`));let F=new Error(P);F.code=O,this.emit("error",F)}l.end()},"DISCONNECT"),SERVICE_ACCEPT:a((C,O)=>{O==="ssh-userauth"&&ie()},"SERVICE_ACCEPT"),EXT_INFO:a((C,O)=>{if(A===void 0){for(let P of O)if(P.name==="server-sig-algs"){A=P.algs;return}A=null}},"EXT_INFO"),USERAUTH_BANNER:a((C,O)=>{this.emit("banner",O)},"USERAUTH_BANNER"),USERAUTH_SUCCESS:a(C=>{N(),clearTimeout(this._readyTimeout),this.emit("ready")},"USERAUTH_SUCCESS"),USERAUTH_FAILURE:a((C,O,P)=>{if(z.keyAlgos){let F=z.keyAlgos[0][0];if(o&&o(`Client: ${z.type} (${F}) auth failed`),z.keyAlgos.shift(),z.keyAlgos.length){let[ce,fe]=z.keyAlgos[0];switch(z.type){case"agent":w.authPK(z.username,z.agentCtx.currentKey(),ce);return;case"publickey":w.authPK(z.username,z.key,ce);return;case"hostbased":w.authHostbased(z.username,z.key,z.localHostname,z.localUsername,ce,(ue,nt)=>{let ht=z.key.sign(ue,fe);if(ht instanceof Error)return ht.message=`Error while signing with key: ${ht.message}`,ht.level="client-authentication",this.emit("error",ht),ie();nt(ht)});return}}else z.keyAlgos=void 0}if(z.type==="agent"){let F=z.agentCtx.pos();return o&&o(`Client: Agent key #${F+1} failed`),de()}o&&o(`Client: ${z.type} auth failed`),q=P,W=O,ie()},"USERAUTH_FAILURE"),USERAUTH_PASSWD_CHANGEREQ:a((C,O)=>{z.type==="password"&&this.emit("change password",O,P=>{w.authPassword(this.config.username,this.config.password,P)})},"USERAUTH_PASSWD_CHANGEREQ"),USERAUTH_PK_OK:a(C=>{let O,P;if(z.keyAlgos&&([O,P]=z.keyAlgos[0]),z.type==="agent"){let F=z.agentCtx.currentKey();w.authPK(z.username,F,O,(ce,fe)=>{let ue={hash:P};z.agentCtx.sign(F,ce,ue,(nt,ht)=>{if(nt)nt.level="agent",this.emit("error",nt);else return fe(ht);de()})})}else z.type==="publickey"&&w.authPK(z.username,z.key,O,(F,ce)=>{let fe=z.key.sign(F,P);if(fe instanceof Error)return fe.message=`Error signing data with key: ${fe.message}`,fe.level="client-authentication",this.emit("error",fe),ie();ce(fe)})},"USERAUTH_PK_OK"),USERAUTH_INFO_REQUEST:a((C,O,P,F)=>{if(z.type==="keyboard-interactive"){if((Array.isArray(F)?F.length:0)===0){o&&o("Client: Sending automatic USERAUTH_INFO_RESPONSE"),w.authInfoRes();return}z.prompt(O,P,"",F,fe=>{w.authInfoRes(fe)})}},"USERAUTH_INFO_REQUEST"),REQUEST_SUCCESS:a((C,O)=>{s.length&&s.shift()(!1,O)},"REQUEST_SUCCESS"),REQUEST_FAILURE:a(C=>{s.length&&s.shift()(!0)},"REQUEST_FAILURE"),GLOBAL_REQUEST:a((C,O,P,F)=>{O==="hostkeys-00@openssh.com"?(my(this,F,(ce,fe)=>{ce||this.emit("hostkeys",fe)}),P&&w.requestSuccess()):P&&w.requestFailure()},"GLOBAL_REQUEST"),CHANNEL_OPEN:a((C,O)=>{_y(this,O)},"CHANNEL_OPEN"),CHANNEL_OPEN_CONFIRMATION:a((C,O)=>{let P=this._chanMgr.get(O.recipient);if(typeof P!="function")return;let F=P.type==="sftp",fe={type:F?"session":P.type,incoming:{id:O.recipient,window:Eo,packetSize:ko,state:"open"},outgoing:{id:O.sender,window:O.window,packetSize:O.packetSize,state:"open"}},ue=F?new sy(this,fe,{debug:o}):new jd(this,fe);this._chanMgr.update(O.recipient,ue),P(void 0,ue)},"CHANNEL_OPEN_CONFIRMATION"),CHANNEL_OPEN_FAILURE:a((C,O,P,F)=>{let ce=this._chanMgr.get(O);if(typeof ce!="function")return;fy(this,O,{reason:P,description:F},ce)},"CHANNEL_OPEN_FAILURE"),CHANNEL_DATA:a((C,O,P)=>{let F=this._chanMgr.get(O);if(!(typeof F!="object"||F===null)&&F.incoming.window!==0){if(F.incoming.window-=P.length,F.push(P)===!1){F._waitChanDrain=!0;return}F.incoming.window<=Hd&&Dd(F)}},"CHANNEL_DATA"),CHANNEL_EXTENDED_DATA:a((C,O,P,F)=>{if(F!==XA)return;let ce=this._chanMgr.get(O);if(!(typeof ce!="object"||ce===null)&&ce.incoming.window!==0){if(ce.incoming.window-=P.length,!ce.stderr.push(P)){ce._waitChanDrain=!0;return}ce.incoming.window<=Hd&&Dd(ce)}},"CHANNEL_EXTENDED_DATA"),CHANNEL_WINDOW_ADJUST:a((C,O,P)=>{let F=this._chanMgr.get(O);typeof F!="object"||F===null||(F.outgoing.window+=P,F._waitWindow&&(F._waitWindow=!1,F._chunk?F._write(F._chunk,null,F._chunkcb):F._chunkcb?F._chunkcb():F._chunkErr?F.stderr._write(F._chunkErr,null,F._chunkcbErr):F._chunkcbErr&&F._chunkcbErr()))},"CHANNEL_WINDOW_ADJUST"),CHANNEL_SUCCESS:a((C,O)=>{let P=this._chanMgr.get(O);typeof P!="object"||P===null||(this._resetKA(),P._callbacks.length&&P._callbacks.shift()(!1))},"CHANNEL_SUCCESS"),CHANNEL_FAILURE:a((C,O)=>{let P=this._chanMgr.get(O);typeof P!="object"||P===null||(this._resetKA(),P._callbacks.length&&P._callbacks.shift()(!0))},"CHANNEL_FAILURE"),CHANNEL_REQUEST:a((C,O,P,F,ce)=>{let fe=this._chanMgr.get(O);if(typeof fe!="object"||fe===null)return;let ue=fe._exit;if(ue.code===void 0){switch(P){case"exit-status":fe.emit("exit",ue.code=ce);return;case"exit-signal":fe.emit("exit",ue.code=null,ue.signal=`SIG${ce.signal}`,ue.dump=ce.coreDumped,ue.desc=ce.errorMessage);return}F&&C.channelFailure(fe.outgoing.id)}},"CHANNEL_REQUEST"),CHANNEL_EOF:a((C,O)=>{let P=this._chanMgr.get(O);typeof P!="object"||P===null||P.incoming.state==="open"&&(P.incoming.state="eof",P.readable&&P.push(null),P.stderr.readable&&P.stderr.push(null))},"CHANNEL_EOF"),CHANNEL_CLOSE:a((C,O)=>{dy(this,O,this._chanMgr.get(O))},"CHANNEL_CLOSE")}});l.pause();let b=this.config.keepaliveInterval,x=this.config.keepaliveCountMax,E=0,B,M=a(()=>{if(++E>x){if(clearInterval(B),l.readable){let C=new Error("Keepalive timeout");C.level="client-timeout",this.emit("error",C),l.destroy()}return}dt(l)?(s.push(N),w.ping()):clearInterval(B)},"sendKA");function N(){b>0&&(E=0,clearInterval(B),dt(l)&&(B=setInterval(M,b)))}a(N,"resetKA"),this._resetKA=N;let G=(()=>{let C=!1;return()=>{if(!C&&(C=!0,xe&&!h)){let O=ay("Connection lost before handshake","protocol",!0);this.emit("error",O)}}})(),re=(()=>{let C=!1;return()=>{C||(C=!0,xe=!0,o&&o("Socket connected"),this.emit("connect"),iy.then(()=>{w.start(),l.on("data",O=>{try{w.parse(O,0,O.length)}catch(P){this.emit("error",P);try{dt(l)&&l.end()}catch{}}}),l.stderr&&typeof l.stderr.resume=="function"&&l.stderr.resume(),l.resume()}).catch(O=>{this.emit("error",O);try{dt(l)&&l.end()}catch{}}))}})(),xe=!1;l.on("connect",re).on("timeout",()=>{this.emit("timeout")}).on("error",C=>{o&&o(`Socket error: ${C.message}`),clearTimeout(this._readyTimeout),C.level="client-socket",this.emit("error",C)}).on("end",()=>{o&&o("Socket ended"),G(),w.cleanup(),clearTimeout(this._readyTimeout),clearInterval(B),this.emit("end")}).on("close",()=>{o&&o("Socket closed"),G(),w.cleanup(),clearTimeout(this._readyTimeout),clearInterval(B),this.emit("close");let C=s;s=this._callbacks=[];let O=new Error("No response from server");for(let P=0;P<C.length;++P)C[P](O);this._chanMgr.cleanup(O)});let z,q=null,W=null,j=["none"];this.config.password!==void 0&&j.push("password"),c!==void 0&&j.push("publickey"),this._agent!==void 0&&j.push("agent"),this.config.tryKeyboard&&j.push("keyboard-interactive"),c!==void 0&&this.config.localHostname!==void 0&&this.config.localUsername!==void 0&&j.push("hostbased"),Array.isArray(i)?i=Qd(i):typeof i!="function"&&(i=Qd(j));let te=!1,_e=a(C=>{if(!te){if(te=!0,C===!1){let O=new Error("All configured authentication methods failed");O.level="client-authentication",this.emit("error",O),this.end();return}if(typeof C=="string"){let O=C;if(j.indexOf(O)===-1)return Y(`Authentication method not allowed: ${O}`);let P=this.config.username;switch(O){case"password":C={type:O,username:P,password:this.config.password};break;case"publickey":C={type:O,username:P,key:c};break;case"hostbased":C={type:O,username:P,key:c,localHostname:this.config.localHostname,localUsername:this.config.localUsername};break;case"agent":C={type:O,username:P,agentCtx:new Od(this._agent)};break;case"keyboard-interactive":C={type:O,username:P,prompt:a((...F)=>this.emit("keyboard-interactive",...F),"prompt")};break;case"none":C={type:O,username:P};break;default:return Y(`Skipping unsupported authentication method: ${C}`)}}else{if(typeof C!="object"||C===null)return Y(`Skipping invalid authentication attempt: ${C}`);{let O=C.username;if(typeof O!="string")return Y(`Skipping invalid authentication attempt: ${C}`);let P=C.type;switch(P){case"password":{let{password:F}=C;if(typeof F!="string"&&!Buffer.isBuffer(F))return Y("Skipping invalid password auth attempt");C={type:P,username:O,password:F};break}case"publickey":{let F=xo(C.key,C.passphrase);if(F instanceof Error)return Y("Skipping invalid key auth attempt");if(!F.isPrivateKey())return Y("Skipping non-private key");C={type:P,username:O,key:F};break}case"hostbased":{let{localHostname:F,localUsername:ce}=C,fe=xo(C.key,C.passphrase);if(fe instanceof Error||typeof F!="string"||typeof ce!="string")return Y("Skipping invalid hostbased auth attempt");if(!fe.isPrivateKey())return Y("Skipping non-private key");C={type:P,username:O,key:fe,localHostname:F,localUsername:ce};break}case"agent":{let F=C.agent;if(typeof F=="string"&&F.length)F=Ld(F);else if(!Ud(F))return Y(`Skipping invalid agent: ${C.agent}`);C={type:P,username:O,agentCtx:new Od(F)};break}case"keyboard-interactive":{let{prompt:F}=C;if(typeof F!="function")return Y("Skipping invalid keyboard-interactive auth attempt");C={type:P,username:O,prompt:F};break}case"none":C={type:P,username:O};break;default:return Y(`Skipping unsupported authentication method: ${C}`)}}}z=C;try{let O=z.username;switch(z.type){case"password":w.authPassword(O,z.password);break;case"publickey":{let P;if(z.keyAlgos=sc(this,z.key,A),z.keyAlgos)if(z.keyAlgos.length)P=z.keyAlgos[0][0];else return Y("Skipping key authentication (no mutual hash algorithm)");w.authPK(O,z.key,P);break}case"hostbased":{let P,F;if(z.keyAlgos=sc(this,z.key,A),z.keyAlgos)if(z.keyAlgos.length)[P,F]=z.keyAlgos[0];else return Y("Skipping hostbased authentication (no mutual hash algorithm)");w.authHostbased(O,z.key,z.localHostname,z.localUsername,P,(ce,fe)=>{let ue=z.key.sign(ce,F);if(ue instanceof Error)return ue.message=`Error while signing with key: ${ue.message}`,ue.level="client-authentication",this.emit("error",ue),ie();fe(ue)});break}case"agent":z.agentCtx.init(P=>{if(P)return P.level="agent",this.emit("error",P),ie();de()});break;case"keyboard-interactive":w.authKeyboard(O);break;case"none":w.authNone(O);break}}finally{te=!1}}},"doNextAuth");function Y(C){o&&o(C),process.nextTick(ie)}a(Y,"skipAuth");function ie(){te=!1;let C=i(W,q,_e);te||C===void 0||_e(C)}a(ie,"tryNextAuth");let de=a(()=>{if(z.type==="agent"){let C=z.agentCtx.nextKey();if(C===!1)o&&o("Agent: No more keys left to try"),o&&o("Client: agent auth failed"),ie();else{let O=z.agentCtx.pos(),P;if(z.keyAlgos=sc(this,C,A),z.keyAlgos)if(z.keyAlgos.length)P=z.keyAlgos[0][0];else{o&&o(`Agent: Skipping key #${O+1} (no mutual hash algorithm)`),de();return}o&&o(`Agent: Trying key #${O+1}`),w.authPK(z.username,C,P)}}},"tryNextAgentKey"),Ae=a(()=>{this.config.readyTimeout>0&&(this._readyTimeout=setTimeout(()=>{let C=new Error("Timed out while waiting for handshake");C.level="client-timeout",this.emit("error",C),l.destroy()},this.config.readyTimeout))},"startTimeout");if(t.sock)Ae(),typeof l.connecting=="boolean"&&l.connecting||re();else{let C=this.config.host,O=this.config.forceIPv4,P=this.config.forceIPv6;o&&o(`Client: Trying ${C} on port ${this.config.port} ...`);let F=a(()=>{Ae(),l.connect({host:C,port:this.config.port,localAddress:this.config.localAddress,localPort:this.config.localPort}),l.setMaxListeners(0),l.setTimeout(typeof t.timeout=="number"?t.timeout:0)},"doConnect");!O&&!P||O&&P?F():GA(C,O?4:6,(ce,fe,ue)=>{if(ce){let nt=O?"IPv4":"IPv6",ht=new Error(`Error while looking up ${nt} address for '${C}': ${ce}`);clearTimeout(this._readyTimeout),ht.level="client-dns",this.emit("error",ht),this.emit("close");return}C=fe,F()})}return this}end(){return this._sock&&dt(this._sock)&&(this._protocol.disconnect(Nd.BY_APPLICATION),this._sock.end()),this}destroy(){return this._sock&&dt(this._sock)&&this._sock.destroy(),this}exec(t,n,r){if(!this._sock||!dt(this._sock))throw new Error("Not connected");typeof n=="function"&&(r=n,n={});let i={allowHalfOpen:n.allowHalfOpen!==!1};return mr(this,"session",i,(o,s)=>{if(o){r(o);return}let c=[];function u(l){if(l){s.close(),r(l);return}c.length&&c.shift()()}a(u,"reqCb"),(this.config.allowAgentFwd===!0||n&&n.agentForward===!0&&this._agent!==void 0)&&c.push(()=>Fd(s,u)),typeof n=="object"&&n!==null&&(typeof n.env=="object"&&n.env!==null&&ic(s,n.env),(typeof n.pty=="object"&&n.pty!==null||n.pty===!0)&&c.push(()=>Md(s,n.pty,u)),(typeof n.x11=="object"&&n.x11!==null||n.x11==="number"||n.x11===!0)&&c.push(()=>zd(s,n.x11,u))),c.push(()=>py(s,t,n,r)),c.shift()()}),this}shell(t,n,r){if(!this._sock||!dt(this._sock))throw new Error("Not connected");return typeof t=="function"?(r=t,t=n=void 0):typeof n=="function"&&(r=n,n=void 0),t&&(t.x11!==void 0||t.env!==void 0)&&(n=t,t=void 0),mr(this,"session",(i,o)=>{if(i){r(i);return}let s=[];function c(u){if(u){o.close(),r(u);return}s.length&&s.shift()()}a(c,"reqCb"),(this.config.allowAgentFwd===!0||n&&n.agentForward===!0&&this._agent!==void 0)&&s.push(()=>Fd(o,c)),t!==!1&&s.push(()=>Md(o,t,c)),typeof n=="object"&&n!==null&&(typeof n.env=="object"&&n.env!==null&&ic(o,n.env),(typeof n.x11=="object"&&n.x11!==null||n.x11==="number"||n.x11===!0)&&s.push(()=>zd(o,n.x11,c))),s.push(()=>hy(o,r)),s.shift()()}),this}subsys(t,n){if(!this._sock||!dt(this._sock))throw new Error("Not connected");return mr(this,"session",(r,i)=>{if(r){n(r);return}oc(i,t,(o,s)=>{if(o){n(o);return}n(void 0,s)})}),this}forwardIn(t,n,r){if(!this._sock||!dt(this._sock))throw new Error("Not connected");let i=typeof r=="function";return i&&this._callbacks.push((o,s)=>{if(o){r(o!==!0?o:new Error(`Unable to bind to ${t}:${n}`));return}let c=n;n===0&&s&&s.length>=4&&(c=cy(s,0),this._protocol._compatFlags&Kd.DYN_RPORT_BUG||(n=c)),this._forwarding[`${t}:${n}`]=c,r(void 0,c)}),this._protocol.tcpipForward(t,n,i),this}unforwardIn(t,n,r){if(!this._sock||!dt(this._sock))throw new Error("Not connected");let i=typeof r=="function";return i&&this._callbacks.push(o=>{if(o){r(o!==!0?o:new Error(`Unable to unbind from ${t}:${n}`));return}delete this._forwarding[`${t}:${n}`],r()}),this._protocol.cancelTcpipForward(t,n,i),this}forwardOut(t,n,r,i,o){if(!this._sock||!dt(this._sock))throw new Error("Not connected");let s={srcIP:t,srcPort:n,dstIP:r,dstPort:i};return typeof o!="function"&&(o=ac),mr(this,"direct-tcpip",s,o),this}openssh_noMoreSessions(t){if(!this._sock||!dt(this._sock))throw new Error("Not connected");let n=typeof t=="function";return!this.config.strictVendor||this.config.strictVendor&&gi.test(this._remoteVer)?(n&&this._callbacks.push(r=>{if(r){t(r!==!0?r:new Error("Unable to disable future sessions"));return}t()}),this._protocol.openssh_noMoreSessions(n),this):n?(process.nextTick(t,new Error("strictVendor enabled and server is not OpenSSH or compatible version")),this):this}openssh_forwardInStreamLocal(t,n){if(!this._sock||!dt(this._sock))throw new Error("Not connected");let r=typeof n=="function";return!this.config.strictVendor||this.config.strictVendor&&gi.test(this._remoteVer)?(r&&this._callbacks.push(i=>{if(i){n(i!==!0?i:new Error(`Unable to bind to ${t}`));return}this._forwardingUnix[t]=!0,n()}),this._protocol.openssh_streamLocalForward(t,r),this):r?(process.nextTick(n,new Error("strictVendor enabled and server is not OpenSSH or compatible version")),this):this}openssh_unforwardInStreamLocal(t,n){if(!this._sock||!dt(this._sock))throw new Error("Not connected");let r=typeof n=="function";return!this.config.strictVendor||this.config.strictVendor&&gi.test(this._remoteVer)?(r&&this._callbacks.push(i=>{if(i){n(i!==!0?i:new Error(`Unable to unbind from ${t}`));return}delete this._forwardingUnix[t],n()}),this._protocol.openssh_cancelStreamLocalForward(t,r),this):r?(process.nextTick(n,new Error("strictVendor enabled and server is not OpenSSH or compatible version")),this):this}openssh_forwardOutStreamLocal(t,n){if(!this._sock||!dt(this._sock))throw new Error("Not connected");return typeof n!="function"&&(n=ac),!this.config.strictVendor||this.config.strictVendor&&gi.test(this._remoteVer)?(mr(this,"direct-streamlocal@openssh.com",{socketPath:t},n),this):(process.nextTick(n,new Error("strictVendor enabled and server is not OpenSSH or compatible version")),this)}sftp(t,n){if(!this._sock||!dt(this._sock))throw new Error("Not connected");return typeof t=="function"&&(n=t,t=void 0),mr(this,"sftp",(r,i)=>{if(r){n(r);return}let o=a((s,c)=>{if(s){n(s);return}function u(){i.removeListener("ready",l),i.removeListener("error",d),i.removeListener("exit",h),i.removeListener("close",h)}a(u,"removeListeners");function l(){u(),n(void 0,i)}a(l,"onReady");function d(_){u(),n(_)}a(d,"onError");function h(_,A){u();let w;typeof _=="number"?w=`Received exit code ${_} while establishing SFTP session`:A!==void 0?w=`Received signal ${A} while establishing SFTP session`:w="Received unexpected SFTP session termination";let b=new Error(w);b.code=_,b.signal=A,n(b)}a(h,"onExit"),i.on("ready",l).on("error",d).on("exit",h).on("close",h),i._init()},"reqSubsystemCb");typeof t=="object"&&t!==null?ic(i,t,s=>{if(s){n(s);return}oc(i,"sftp",o)}):oc(i,"sftp",o)}),this}setNoDelay(t){return this._sock&&typeof this._sock.setNoDelay=="function"&&this._sock.setNoDelay(t),this}};function mr(e,t,n,r){let i=Eo,o=ko;typeof n=="function"&&(r=n,n={});let s=a((u,l)=>{r(u,l)},"wrapper");s.type=t;let c=e._chanMgr.add(s);if(c===-1){r(new Error("No free channels available"));return}switch(t){case"session":case"sftp":e._protocol.session(c,i,o);break;case"direct-tcpip":e._protocol.directTcpip(c,i,o,n);break;case"direct-streamlocal@openssh.com":e._protocol.openssh_directStreamLocal(c,i,o,n);break;default:throw new Error(`Unsupported channel type: ${t}`)}}a(mr,"openChannel");function zd(e,t,n){let r={single:!1,protocol:"MIT-MAGIC-COOKIE-1",cookie:void 0,screen:0};typeof t=="function"?n=t:typeof t=="object"&&t!==null&&(typeof t.single=="boolean"&&(r.single=t.single),typeof t.screen=="number"&&(r.screen=t.screen),typeof t.protocol=="string"&&(r.protocol=t.protocol),typeof t.cookie=="string"?r.cookie=t.cookie:Buffer.isBuffer(t.cookie)&&(r.cookie=t.cookie.hexSlice(0,t.cookie.length))),r.cookie===void 0&&(r.cookie=gy());let i=typeof n=="function";if(e.outgoing.state!=="open"){i&&n(new Error("Channel is not open"));return}i&&e._callbacks.push(o=>{if(o){n(o!==!0?o:new Error("Unable to request X11"));return}e._hasX11=!0,++e._client._acceptX11,e.once("close",()=>{e._client._acceptX11&&--e._client._acceptX11}),n()}),e._client._protocol.x11Forward(e.outgoing.id,r,i)}a(zd,"reqX11");function Md(e,t,n){let r=24,i=80,o=640,s=480,c="vt100",u=null;typeof t=="function"?n=t:typeof t=="object"&&t!==null&&(typeof t.rows=="number"&&(r=t.rows),typeof t.cols=="number"&&(i=t.cols),typeof t.width=="number"&&(o=t.width),typeof t.height=="number"&&(s=t.height),typeof t.term=="string"&&(c=t.term),typeof t.modes=="object"&&(u=t.modes));let l=typeof n=="function";if(e.outgoing.state!=="open"){l&&n(new Error("Channel is not open"));return}l&&e._callbacks.push(d=>{if(d){n(d!==!0?d:new Error("Unable to request a pseudo-terminal"));return}n()}),e._client._protocol.pty(e.outgoing.id,r,i,s,o,c,u,l)}a(Md,"reqPty");function Fd(e,t){let n=typeof t=="function";if(e.outgoing.state!=="open"){n&&t(new Error("Channel is not open"));return}if(e._client._agentFwdEnabled){n&&t(!1);return}e._client._agentFwdEnabled=!0,e._callbacks.push(r=>{if(r){e._client._agentFwdEnabled=!1,n&&t(r!==!0?r:new Error("Unable to request agent forwarding"));return}n&&t()}),e._client._protocol.openssh_agentForward(e.outgoing.id,!0)}a(Fd,"reqAgentFwd");function hy(e,t){if(e.outgoing.state!=="open"){t(new Error("Channel is not open"));return}e._callbacks.push(n=>{if(n){t(n!==!0?n:new Error("Unable to open shell"));return}e.subtype="shell",t(void 0,e)}),e._client._protocol.shell(e.outgoing.id,!0)}a(hy,"reqShell");function py(e,t,n,r){if(e.outgoing.state!=="open"){r(new Error("Channel is not open"));return}e._callbacks.push(i=>{if(i){r(i!==!0?i:new Error("Unable to exec"));return}e.subtype="exec",e.allowHalfOpen=n.allowHalfOpen!==!1,r(void 0,e)}),e._client._protocol.exec(e.outgoing.id,t,!0)}a(py,"reqExec");function ic(e,t,n){let r=typeof n=="function";if(e.outgoing.state!=="open"){r&&n(new Error("Channel is not open"));return}r&&e._callbacks.push(o=>{if(o){n(o!==!0?o:new Error("Unable to set environment"));return}n()});let i=Object.keys(t||{});for(let o=0;o<i.length;++o){let s=i[o],c=t[s];e._client._protocol.env(e.outgoing.id,s,c,r)}}a(ic,"reqEnv");function oc(e,t,n){if(e.outgoing.state!=="open"){n(new Error("Channel is not open"));return}e._callbacks.push(r=>{if(r){n(r!==!0?r:new Error(`Unable to start subsystem: ${t}`));return}e.subtype="subsystem",n(void 0,e)}),e._client._protocol.subsystem(e.outgoing.id,t,!0)}a(oc,"reqSubsystem");function _y(e,t){let n=-1,r,i=a(()=>{let u={type:t.type,incoming:{id:n,window:Eo,packetSize:ko,state:"open"},outgoing:{id:t.sender,window:t.window,packetSize:t.packetSize,state:"open"}},l=new jd(e,u);return e._chanMgr.update(n,l),e._protocol.channelOpenConfirm(t.sender,n,Eo,ko),l},"accept"),o=a(()=>{r===void 0&&(n===-1?r=pi.RESOURCE_SHORTAGE:r=pi.CONNECT_FAILED),n!==-1&&e._chanMgr.remove(n),e._protocol.channelOpenFail(t.sender,r,"")},"reject"),s=a(()=>(n=e._chanMgr.add(),n===-1&&(r=pi.RESOURCE_SHORTAGE,e.config.debug&&e.config.debug("Client: Automatic rejection of incoming channel open: no channels available")),n!==-1),"reserveChannel"),c=t.data;switch(t.type){case"forwarded-tcpip":{let u=e._forwarding[`${c.destIP}:${c.destPort}`];if(u!==void 0&&s()){c.destPort===0&&(c.destPort=u),e.emit("tcp connection",c,i,o);return}break}case"forwarded-streamlocal@openssh.com":if(e._forwardingUnix[c.socketPath]!==void 0&&s()){e.emit("unix connection",c,i,o);return}break;case"auth-agent@openssh.com":if(e._agentFwdEnabled&&typeof e._agent.getStream=="function"&&s()){e._agent.getStream((u,l)=>{if(u)return o();let d=i();d.pipe(l).pipe(d)});return}break;case"x11":if(e._acceptX11!==0&&s()){e.emit("x11",c,i,o);return}break;default:r=pi.UNKNOWN_CHANNEL_TYPE,e.config.debug&&e.config.debug(`Client: Automatic rejection of unsupported incoming channel open type: ${t.type}`)}r===void 0&&(r=pi.ADMINISTRATIVELY_PROHIBITED,e.config.debug&&e.config.debug("Client: Automatic rejection of unexpected incoming channel open for: "+t.type)),o()}a(_y,"onCHANNEL_OPEN");var gy=(()=>{let e=Buffer.allocUnsafe(16);return()=>(jA(e,0,16),e.hexSlice(0,16))})();function Qd(e){if(!Array.isArray(e))throw new Error("authList must be an array");let t=0;return(n,r,i)=>t===e.length?!1:e[t++]}a(Qd,"makeSimpleAuthHandler");function my(e,t,n){if(!e._sock||!dt(e._sock))return;if(typeof n!="function"&&(n=ac),!Array.isArray(t))throw new TypeError("Invalid keys argument type");let r=[];for(let i of t){let o=xo(i);if(o instanceof Error)throw o;r.push(o)}if(!e.config.strictVendor||e.config.strictVendor&&gi.test(e._remoteVer)){e._callbacks.push((i,o)=>{if(i){n(i!==!0?i:new Error("Server failed to prove supplied keys"));return}let s=[],c=0;for(wo.init(o,0);wo.avail()&&c!==r.length;){let u=r[c++],l=u.getPublicSSH(),d=wo.readString();$o.init(d,0);let h=$o.readString(!0),_=$o.readString(),A;if(h!==u.type)if(u.type==="ssh-rsa")switch(h){case"rsa-sha2-256":A="sha256";break;case"rsa-sha2-512":A="sha512";break;default:continue}else continue;let w=e._protocol._kex.sessionID,b=Buffer.allocUnsafe(37+w.length+4+l.length),x=0;rc(b,29,x),b.utf8Write("hostkeys-prove-00@openssh.com",x+=4,29),rc(b,w.length,x+=29),Pd(w,b,0,w.length,x+=4),rc(b,l.length,x+=w.length),Pd(l,b,0,l.length,x+=4),(_=uy(_,h))&&u.verify(b,_,A)===!0&&s.push(u)}$o.clear(),wo.clear(),n(null,s)}),e._protocol.openssh_hostKeysProve(r);return}process.nextTick(n,new Error("strictVendor enabled and server is not OpenSSH or compatible version"))}a(my,"hostKeysProve");function sc(e,t,n){switch(t.type){case"ssh-rsa":if(e._protocol._compatFlags&Kd.IMPLY_RSA_SHA2_SIGALGS&&(Array.isArray(n)?n=["rsa-sha2-256","rsa-sha2-512",...n]:n=["rsa-sha2-256","rsa-sha2-512"]),Array.isArray(n)){if(n.indexOf("rsa-sha2-256")!==-1)return[["rsa-sha2-256","sha256"]];if(n.indexOf("rsa-sha2-512")!==-1)return[["rsa-sha2-512","sha512"]];if(n.indexOf("ssh-rsa")===-1)return[]}return[["ssh-rsa","sha1"]]}}a(sc,"getKeyAlgos");Zd.exports=cc});var qd=ze(()=>{});var Yd=ze(()=>{});var uc=ze((ik,Xd)=>{"use strict";var{AgentProtocol:Ay,BaseAgent:yy,createAgent:by,CygwinAgent:wy,OpenSSHAgent:$y,PageantAgent:xy}=Pa(),{SSHTTPAgent:Ey,SSHTTPSAgent:ky}=Hf(),{parseKey:Sy}=zn(),{flagsToString:Iy,OPEN_MODE:vy,STATUS_CODE:Cy,stringToFlags:By}=uo();Xd.exports={AgentProtocol:Ay,BaseAgent:yy,createAgent:by,Client:Gd(),CygwinAgent:wy,HTTPAgent:Ey,HTTPSAgent:ky,OpenSSHAgent:$y,PageantAgent:xy,Server:qd(),utils:{parseKey:Sy,...Yd(),sftp:{flagsToString:Iy,OPEN_MODE:vy,STATUS_CODE:Cy,stringToFlags:By}}}});var su=gt(require("os"),1);function cn(e){return e==null?"":typeof e=="string"||e instanceof String?e:JSON.stringify(e)}a(cn,"toCommandValue");function ns(e,t,n){let r=new ts(e,t,n);process.stdout.write(r.toString()+su.EOL)}a(ns,"issueCommand");var ou="::",ts=class{static{a(this,"Command")}constructor(t,n,r){t||(t="missing.command"),this.command=t,this.properties=n,this.message=r}toString(){let t=ou+this.command;if(this.properties&&Object.keys(this.properties).length>0){t+=" ";let n=!0;for(let r in this.properties)if(this.properties.hasOwnProperty(r)){let i=this.properties[r];i&&(n?n=!1:t+=",",t+=`${r}=${R_(i)}`)}}return t+=`${ou}${B_(this.message)}`,t}};function B_(e){return cn(e).replace(/%/g,"%25").replace(/\r/g,"%0D").replace(/\n/g,"%0A")}a(B_,"escapeData");function R_(e){return cn(e).replace(/%/g,"%25").replace(/\r/g,"%0D").replace(/\n/g,"%0A").replace(/:/g,"%3A").replace(/,/g,"%2C")}a(R_,"escapeProperty");var au=gt(require("crypto"),1),Si=gt(require("fs"),1),ki=gt(require("os"),1);function rs(e,t){let n=process.env[`GITHUB_${e}`];if(!n)throw new Error(`Unable to find environment variable for file command ${e}`);if(!Si.existsSync(n))throw new Error(`Missing file at path: ${n}`);Si.appendFileSync(n,`${cn(t)}${ki.EOL}`,{encoding:"utf8"})}a(rs,"issueFileCommand");function is(e,t){let n=`ghadelimiter_${au.randomUUID()}`,r=cn(t);if(e.includes(n))throw new Error(`Unexpected input: name should not contain the delimiter "${n}"`);if(r.includes(n))throw new Error(`Unexpected input: value should not contain the delimiter "${n}"`);return`${e}<<${n}${ki.EOL}${r}${ki.EOL}${n}`}a(is,"prepareKeyValueMessage");var gu=gt(require("os"),1);var T_=gt(uu(),1),N_=gt(fu(),1);var hu=require("os"),Fr=require("fs");var os=function(e,t,n,r){function i(o){return o instanceof n?o:new n(function(s){s(o)})}return a(i,"adopt"),new(n||(n=Promise))(function(o,s){function c(d){try{l(r.next(d))}catch(h){s(h)}}a(c,"fulfilled");function u(d){try{l(r.throw(d))}catch(h){s(h)}}a(u,"rejected");function l(d){d.done?o(d.value):i(d.value).then(c,u)}a(l,"step"),l((r=r.apply(e,t||[])).next())})},{access:P_,appendFile:O_,writeFile:L_}=Fr.promises,du="GITHUB_STEP_SUMMARY";var ss=class{static{a(this,"Summary")}constructor(){this._buffer=""}filePath(){return os(this,void 0,void 0,function*(){if(this._filePath)return this._filePath;let t=process.env[du];if(!t)throw new Error(`Unable to find environment variable for $${du}. Check if your runtime environment supports job summaries.`);try{yield P_(t,Fr.constants.R_OK|Fr.constants.W_OK)}catch{throw new Error(`Unable to access summary file: '${t}'. Check if the file has correct read/write permissions.`)}return this._filePath=t,this._filePath})}wrap(t,n,r={}){let i=Object.entries(r).map(([o,s])=>` ${o}="${s}"`).join("");return n?`<${t}${i}>${n}</${t}>`:`<${t}${i}>`}write(t){return os(this,void 0,void 0,function*(){let n=!!t?.overwrite,r=yield this.filePath();return yield(n?L_:O_)(r,this._buffer,{encoding:"utf8"}),this.emptyBuffer()})}clear(){return os(this,void 0,void 0,function*(){return this.emptyBuffer().write({overwrite:!0})})}stringify(){return this._buffer}isEmptyBuffer(){return this._buffer.length===0}emptyBuffer(){return this._buffer="",this}addRaw(t,n=!1){return this._buffer+=t,n?this.addEOL():this}addEOL(){return this.addRaw(hu.EOL)}addCodeBlock(t,n){let r=Object.assign({},n&&{lang:n}),i=this.wrap("pre",this.wrap("code",t),r);return this.addRaw(i).addEOL()}addList(t,n=!1){let r=n?"ol":"ul",i=t.map(s=>this.wrap("li",s)).join(""),o=this.wrap(r,i);return this.addRaw(o).addEOL()}addTable(t){let n=t.map(i=>{let o=i.map(s=>{if(typeof s=="string")return this.wrap("td",s);let{header:c,data:u,colspan:l,rowspan:d}=s,h=c?"th":"td",_=Object.assign(Object.assign({},l&&{colspan:l}),d&&{rowspan:d});return this.wrap(h,u,_)}).join("");return this.wrap("tr",o)}).join(""),r=this.wrap("table",n);return this.addRaw(r).addEOL()}addDetails(t,n){let r=this.wrap("details",this.wrap("summary",t)+n);return this.addRaw(r).addEOL()}addImage(t,n,r){let{width:i,height:o}=r||{},s=Object.assign(Object.assign({},i&&{width:i}),o&&{height:o}),c=this.wrap("img",null,Object.assign({src:t,alt:n},s));return this.addRaw(c).addEOL()}addHeading(t,n){let r=`h${n}`,i=["h1","h2","h3","h4","h5","h6"].includes(r)?r:"h1",o=this.wrap(i,t);return this.addRaw(o).addEOL()}addSeparator(){let t=this.wrap("hr",null);return this.addRaw(t).addEOL()}addBreak(){let t=this.wrap("br",null);return this.addRaw(t).addEOL()}addQuote(t,n){let r=Object.assign({},n&&{cite:n}),i=this.wrap("blockquote",t,r);return this.addRaw(i).addEOL()}addLink(t,n){let r=this.wrap("a",t,{href:n});return this.addRaw(r).addEOL()}},U_=new ss;var as=U_;var cs=gt(require("os"),1);var Ii=gt(require("fs"),1);var{chmod:D_,copyFile:H_,lstat:z_,mkdir:M_,open:D$,readdir:F_,rename:Q_,rm:K_,rmdir:H$,stat:W_,symlink:j_,unlink:Z_}=Ii.promises,G_=process.platform==="win32";var z$=Ii.constants.O_RDONLY;var Z$=process.platform==="win32";var J$=cs.default.platform(),ex=cs.default.arch();var _u;(function(e){e[e.Success=0]="Success",e[e.Failure=1]="Failure"})(_u||(_u={}));function mu(e,t){if(process.env.GITHUB_OUTPUT||"")return rs("OUTPUT",is(e,t));process.stdout.write(gu.EOL),ns("set-output",{name:e},cn(t))}a(mu,"setOutput");function us(e,t){if(process.env.GITHUB_STATE||"")return rs("STATE",is(e,t));ns("save-state",{name:e},cn(t))}a(us,"saveState");function ls(e){return process.env[`STATE_${e}`]||""}a(ls,"getState");function ft(e){return e.replace(tg,"").replace(ng,rg)}a(ft,"oneLine");var tg=/[\ufe0e\ufe0f]/g,ng=/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;function Qr(e){return e.replaceAll("##[","##\\[").replace(/^(\s*):(?=:)/,"$1\\:")}a(Qr,"defused");function er(e){return gn(Qr(ft(e)),500)}a(er,"escapeForeign");function gn(e,t){if(e.length<=t)return e;let n=/[\ud800-\udbff]/.test(e.charAt(t-1))?t-1:t;return`${e.slice(0,n)}…`}a(gn,"shortened");function rg(e){if(e==="	")return e;let t=e.codePointAt(0)??0;return t>65535?`\\u{${t.toString(16)}}`:t<256?`\\x${t.toString(16).padStart(2,"0")}`:`\\u${t.toString(16).padStart(4,"0")}`}a(rg,"escapeCharacter");function yu(e,t){return Ht(e.trimEnd()).slice(-t)}a(yu,"lastLines");function Ht(e){return e.split(/\r\n|\n/)}a(Ht,"linesOf");var vi=["unchanged","active","untouched","staged","rolled-back","unknown","broken"],wt=class extends Error{static{a(this,"Failure")}fields;constructor(t){super(ds(t),t.cause===void 0?void 0:{cause:t.cause}),this.name=new.target.name,this.fields=t}},tr=class extends wt{static{a(this,"InputError")}constructor(t){super({what:"Reading the inputs",why:t.map(er).join(`
`),remedy:"correct the `with:` block of this step."})}},Je=class extends wt{static{a(this,"ConnectionError")}},Qt=class extends wt{static{a(this,"TargetError")}};function ds({what:e,where:t,why:n,state:r,remedy:i,output:o}){let s=t?` on ${er(t)}`:"";return[`${er(e)}${s} failed.`,fs("why",n),...r?[fs("state",r)]:[],fs("do",i),...o?.trim()?[ig("output",o)]:[]].join(`
`)}a(ds,"formatFailure");function fs(e,t){let[n,...r]=t.split(`
`).map(er);return[`  ${`${e}:`.padEnd(8)}${n}`,...r.map(i=>`          ${i}`)].join(`
`)}a(fs,"field");function ig(e,t){let[n,...r]=yu(t,20).map(er);return[`  ${`${e}:`.padEnd(8)}| ${n??""}`,...r.map(i=>`          | ${i}`)].join(`
`)}a(ig,"quoted");var bu="INPUT_";function ps(e,t){let n=og(t),r=Object.keys(n).filter(c=>!(c in hs(e))),i=Object.fromEntries(Object.entries(n).filter(([,c])=>c!==""));for(let c of r)delete i[c];let o=e.safeParse(i),s=[...r.map(c=>`Input '${c}': there is no such input${ag(c,Object.keys(hs(e)))}.`),...o.success?[]:o.error.issues.map(c=>sg(c,i))];if(!o.success||s.length>0)throw new tr(s);return o.data}a(ps,"readInputs");function og(e){let t={};for(let[n,r]of Object.entries(e))n.startsWith(bu)&&(t[n.slice(bu.length).toLowerCase()]=(r??"").replaceAll(`\r
`,`
`).replace(/\n+$/,""),delete e[n]);return t}a(og,"takeInputs");function hs(e){let{def:t}=e;return t.shape??(t.in?hs(t.in):{})}a(hs,"shapeOf");function sg(e,t){let n=String(e.path[0]??""),r=t[n];return n===""?e.message:r===void 0&&e.code==="invalid_type"?`Input '${n}': required, but not set.`:`Input '${n}': ${e.message}.`}a(sg,"problem");function ag(e,t){let n=a(i=>i.replace(/[-_]/g,""),"plain"),r=t.find(i=>n(i)===n(e)||i.startsWith(e));return r?`; is '${r}' meant`:""}a(ag,"closest");var $u=require("node:os"),xu=require("node:timers/promises");var cg=4,ug=8,lg=new Set([...vi,"database","debugging","development","disabled","external","hostname","information","internal","localhost","optional","password","postgres","postgresql","production","rabbitmq","readonly","required","standalone","standard","undefined","unlimited","username","warnings"]);function _s(e){return e.split(/\r\n|\r|\n/).map(t=>t.trim()).filter(t=>t.length>=cg&&!t.startsWith("-----")&&!new RegExp("\\p{Cc}","u").test(t))}a(_s,"hideableLines");function wu(e){return e.length>=ug&&!/^[\d.,:+-]+$/.test(e)&&!lg.has(e.toLowerCase())}a(wu,"isWorthHiding");function Ci(e,t){return{...e,line:a(n=>e.line(`${t} | ${n}`),"line"),phase:a((n,r)=>e.phase(n,`${t} | ${r}`),"phase"),warning:a(n=>e.warning(`${t} | ${n}`),"warning")}}a(Ci,"prefixed");var fg=8e3;function Eu(e){let t=a(c=>{process.stdout.write(`${c}${$u.EOL}`)},"write"),n=a(c=>gn(Qr(ft(c)),fg),"plain"),r=a((c,[u="",...l])=>{if(e==="github")t(`::${c.toLowerCase()}::${ku([u,...l].join(`
`))}`);else for(let d of[`${c}: ${u}`,...l])t(d)},"annotated"),i=performance.now(),o=new Set,s=a(c=>{if(!o.has(c)){o.add(c);for(let u of dg(c,e))t(`::add-mask::${u}`)}},"hide");return{line:a(c=>t(n(c)),"line"),phase:a((c,u)=>{let l=((performance.now()-i)/1e3).toFixed(1);t(n(`[${l.padStart(5)} s] ${c.padEnd(15)} ${u}`))},"phase"),warning:a(c=>r("Warning",[n(c)]),"warning"),failure:a(c=>r("Error",Ht(c).map(n)),"failure"),mask:a(c=>_s(c??"").forEach(s),"mask"),maskValue:a(c=>_s(c).filter(wu).forEach(s),"maskValue"),drain:a(async c=>{await new Promise(u=>process.stdout.write("",u)),c&&await(0,xu.setTimeout)(500)},"drain")}}a(Eu,"openLog");function dg(e,t){let n=ku(e);return t==="github"||n===e?[n]:t==="forgejo"?[e]:/%0[AD]/i.test(e)?[n]:[e,n]}a(dg,"maskForms");function ku(e){return e.replaceAll("%","%25").replaceAll("\r","%0D").replaceAll(`
`,"%0A")}a(ku,"escapeCommand");var Su=256*1024,hg=8e3;async function vu(e){if(process.env.GITHUB_OUTPUT)for(let[t,n]of Object.entries(e))mu(t,pg(n))}a(vu,"writeOutputs");async function Cu(e){process.env.GITHUB_STEP_SUMMARY&&await as.addRaw(_g(e),!0).write()}a(Cu,"writeSummary");function pg(e){if(e===void 0)return"";if(typeof e=="string")return Iu(e);if(typeof e!="object")return String(e);let t=JSON.stringify(e,(n,r)=>typeof r=="string"?Iu(r):r,1);return Buffer.byteLength(t)<=Su?t:JSON.stringify({cut:`the whole value has ${Buffer.byteLength(t)} bytes, above ${Su}`})}a(pg,"outputText");function Iu(e){return gn(Ht(e).map(t=>Qr(ft(t))).join(`
`),hg)}a(Iu,"harmless");function _g({title:e,list:t=[],head:n,rows:r}){let i=a(o=>`| ${n.map((s,c)=>gs(o[c]??"")).join(" | ")} |`,"row");return[`### ${gs(e)}`,"",...t.length>0?[...t.map(o=>`- ${gs(o)}`),""]:[],i(n),`|${" --- |".repeat(n.length)}`,...r.map(i),""].join(`
`)}a(_g,"summaryMarkdown");var gg=500,mg=/^[\p{L}\p{N}✓✗ .,/()?>-]*$/u,Ag=/^([-+>]|\d+[.)](\s|$))|www\./i;function gs(e){let t=gn(ft(e).trim(),gg);return mg.test(t)&&!Ag.test(t)?t:`<code>${t.replace(/[^\p{L}\p{N}✓✗ ,/()?-]/gu,r=>`&#${r.codePointAt(0)};`)}</code>`}a(gs,"literal");function ms(e){let t=e.FORGEJO_ACTIONS?"forgejo":e.GITEA_ACTIONS?"gitea":"github",n=(e.GITHUB_SERVER_URL??"").replace(/\/+$/,""),r=e.GITHUB_REPOSITORY??"",i=t==="github"?e.GITHUB_RUN_ID:e.GITHUB_RUN_NUMBER;return{platform:t,serverUrl:n,apiUrl:(e.GITHUB_API_URL||n&&`${n}/api/v1`).replace(/\/+$/,""),repository:r,url:n&&r&&i?`${n}/${r}/actions/runs/${i}`:"",workflow:e.GITHUB_WORKFLOW||(e.GITHUB_WORKFLOW_REF??"").replace(/@.*$/,""),number:Number.parseInt(e.GITHUB_RUN_NUMBER??"",10)||0,attempt:Number.parseInt(e.GITHUB_RUN_ATTEMPT??"",10)||1,actor:e.GITHUB_ACTOR??"",sha:e.GITHUB_SHA??"",ref:e.GITHUB_REF??"",job:e.GITHUB_JOB??""}}a(ms,"readRun");var Bu="phase";async function Ru({schema:e,main:t,outputs:n,post:r}){let i=Eu(ms(process.env).platform),o=new AbortController;for(let u of["SIGINT","SIGTERM","SIGHUP"])process.on(u,()=>o.abort(u));let s=a(async u=>{let l=u!==void 0;l&&i.failure(u instanceof wt?u.message:bg(u)),process.exitCode||=l?1:0,await i.drain(l),process.exit()},"end");process.on("uncaughtException",u=>{s(u??new Error("no reason was given"))});let c={log:i,run:ms(process.env),signal:o.signal,env:a(u=>process.env[u]||void 0,"env"),outputs:vu,summary:Cu,save:a((u,l)=>us(u,l),"save")};try{yg(process.versions.node),ls(Bu)==="main"?await r?.(ls,()=>ps(e,process.env),c):(us(Bu,"main"),n&&await c.outputs(n),await t(ps(e,process.env),c))}catch(u){return s(u??new Error("no reason was given"))}return s()}a(Ru,"action");function yg(e){if(!(Number.parseInt(e,10)>=20))throw new wt({what:"Starting the action",why:`it needs Node.js 20 or later, the runner's \`node\` is ${e}.`,remedy:"install a newer Node.js where the job runs (its image, or the host), first in PATH."})}a(yg,"requireNode");function bg(e){return ds({what:"The action",why:`an unexpected error: ${e instanceof Error?e.message:String(e)}`,remedy:"report it with the lines below.",output:e instanceof Error?e.stack:void 0})}a(bg,"unexpected");async function Tu(e,{limit:t,stopped:n},r){let i=e.entries(),o=a(async()=>{for(let[s,c]of i){if(n())return;await r(c,s)}},"worker");await Promise.all(Array.from({length:Math.min(t,e.length)},o))}a(Tu,"inParallel");var Ou=require("node:crypto"),Lu=require("node:fs"),Bi=require("node:fs/promises");var wg={3:"i386",8:"mips",20:"ppc",21:"ppc64",22:"s390x",40:"arm",62:"x86_64",183:"aarch64",243:"riscv64",258:"loongarch64"},$g=3;async function Nu(e){let t=await As(e,0,64);if(t.length<52||t.readUInt32BE(0)!==2135247942)return;let n=t[4]===2?64:32,r=xg(t[5]===2),[i,o,s]=n===64?[Number(r.u64(t,32)),r.u16(t,54),r.u16(t,56)]:[r.u32(t,28),r.u16(t,42),r.u16(t,44)],c=r.u16(t,18),u=wg[c]??`ELF machine ${c}`,l=await As(e,i,o*s);for(let d=0;d+o<=l.length&&o>0;d+=o){if(r.u32(l,d)!==$g)continue;let[h,_]=n===64?[Number(r.u64(l,d+8)),Number(r.u64(l,d+32))]:[r.u32(l,d+4),r.u32(l,d+16)],A=await As(e,h,Math.min(_,4096));return{machine:u,bits:n,interpreter:A.toString("utf8").replace(/\0.*$/s,"")}}return{machine:u,bits:n,interpreter:void 0}}a(Nu,"readElf");function Pu({machine:e},t){return e===t?!0:e==="i386"?/^(i[3-6]86|x86_64)$/.test(t):e==="arm"?/^(arm|aarch64)/.test(t):e==="ppc64"?t.startsWith("ppc64"):e==="mips"?t.startsWith("mips"):!1}a(Pu,"runsOn");async function As(e,t,n){let r=Buffer.alloc(Math.max(0,Math.min(n,1048576))),{bytesRead:i}=await e.read(r,0,r.length,t);return r.subarray(0,i)}a(As,"readAt");function xg(e){return{u16:a((t,n)=>e?t.readUInt16BE(n):t.readUInt16LE(n),"u16"),u32:a((t,n)=>e?t.readUInt32BE(n):t.readUInt32LE(n),"u32"),u64:a((t,n)=>e?t.readBigUInt64BE(n):t.readBigUInt64LE(n),"u64")}}a(xg,"reader");var Eg=1<<20;async function Uu(e,t){let n=await kg(e),r=t.map(u=>Buffer.from(u)),i=Math.max(0,...r.map(u=>u.length-1)),o=new Set(r),s=(0,Ou.createHash)("sha256"),c=Buffer.alloc(0);for await(let u of(0,Lu.createReadStream)(e,{highWaterMark:Eg})){if(s.update(u),o.size===0)continue;let l=i>0?Buffer.concat([c,u]):u;for(let d of o)l.includes(d)&&o.delete(d);c=Buffer.from(l.subarray(-i||l.length))}if(o.size>0)throw Ig(e,o);return{path:e,bytes:n,sha256:s.digest("hex"),elf:await Sg(e)}}a(Uu,"readSource");async function kg(e){let t=a(r=>new wt({what:`Reading the source ${e}`,why:r,state:"untouched.",remedy:"check the path and the build step before this one."}),"why"),n=await(0,Bi.stat)(e).catch(r=>{throw t(r.code==="ENOENT"?"there is no such file on the runner.":r.message)});if(!n.isFile())throw t("it is no regular file.");if(n.size===0)throw t("it is empty.");return n.size}a(kg,"sizeOf");async function Sg(e){let t=await(0,Bi.open)(e);try{return await Nu(t)}finally{await t.close()}}a(Sg,"elfOf");function Ig(e,t){let n=[...t].map(r=>`'${r.toString()}'`).join(", ");return new wt({what:`Checking the source ${e}`,why:`it does not contain ${n} (expect-strings).`,state:"untouched. Nothing was sent.",remedy:"is it the build of the commit you meant? Look at the build step, or correct expect-strings."})}a(Ig,"missingStrings");var Cs=require("node:fs"),bl=require("node:fs/promises"),wl=require("node:os");var Du=iu("AGFzbQEAAAABLgdgA39/fwF/YAJ/fwBgA39/fwBgBH9/f38AYAR/f39/AX9gAAF/YAV/f39/fwACDwEDZW52Bm1lbW9yeQIAAQMKCQIAAwEEAQUGAAZREH8BQQALfwFBAAt/AUEAC38BQQALfwFBAAt/AUEAC38BQQALfwFBAAt/AUEAC38BQQALfwFBAAt/AUEAC38BQQALfwFBAAt/AUEAC38BQQALBzoHBGZyZWUABgViZWdpbgAHBWluZGV4AAUEdGFrZQACBWFsaWduAAgHcmVzdG9yZQADBm1lbW9yeQIADAEBCr8OCa8BAQR/IAAiBCABaiIGQQBIBH9BAAUgAiMBIAZrIgAgACACShsiAEEAIABBAE4bCyECA0AgA0EQaiIAIAJMBEAgBSMFIARqIANq/QAEACMAIAZqIANq/QAEAP0j/WRpaiEFIAAhAwwBCwsDQCACIANKBEAgBUEBaiAFIwUgBGogA2otAAAjACAGaiADai0AAEYbIQUgA0EBaiEDDAELCyAFIw9MBEAPCyAFJA8gASQOC/QBAgR/AXsgASIEQQBIBH9BAAUgAiMBIARrIgEgASACShsiAUEAIAFBAE4bCyEFA0AgA0EQaiIBIAVMBEAjByAAaiADaiMFIABqIANq/QAEACMAIARqIANq/QAEAP1xIgf9CwQAIAYgB/0MAAAAAAAAAAAAAAAAAAAAAP0j/WRpaiEGIAEhAwwBCwsDQCADIAVIBEAjByAAaiADaiMFIABqIANqLQAAIwAgBGogA2otAABrIgE6AAAgBiAGQQFqIAFB/wFxGyEGIANBAWohAwwBCwsgAiAFSgRAIAAgBWoiACMHaiMFIABqIAIgBWv8CgAACyAGCxIAIAAkBSABJAYgAiQHIAMkCAsSACMHIABqIwUgAGogAfwKAAAL2wMCBn8BfiMNQQBKBEAjDUEBayQNIANBCmwgAkEDbE4PC0GAASMGIABrIgMgA0GAAUobIgdBA2xBCm0iBiQPIAAgASMKaiAHEABBACEDA0AgAyMLSARAIAAgASADQQJ0QYAIaigCAGogBxAAIANBAWohAwwBCwsgAEEgaiIDIwZBCGsiCCADIAhIGyEIIAAhAwNAIARBEEggAyAITHEEfyMPQQpsIAdBCWxIBUEACwRAIwMjBSADaikDACIKp0Gx893xeWwgCkIgiKdB95Svr3hscyIJQQ92IAlzQe347OACbCMEdkECdGooAgBBAWsiCUF/IAlBAE4EfyMAIAlqKQMAIApRBUEACxsiCUEASAR/QQEFIw4gCSADa0YjDyAGSnELRQRAIAAgCSADayAHEAAgBEEBaiEECyADQQFqIQMMAQsLIw8gBkoiBiMOIAEjCmpHcQRAQQAkDCMKIQMjDiABayIEJAoDQCADIARHIAVBCEhxBEAgBUECdEGACGohByAFIwtIBH8gBygCAAUgBAsgByADNgIAIAUjC0YEQCMLQQFqJAsLIQMgBUEBaiEFDAELCyAAIAAjDmogAhABGgUjDEEBaiQMQQMjDEEBdSIAIABBA04bJA0LIAYLdwIBfgJ/IAEjAUEHayIDIAEgA0gbIQMDQCAAIANIBEAjACAAaikDACICQiCIpyIEIAKnIgFHBEAjAyABQbHz3fF5bCAEQfeUr694bHMiAUEPdiABc0Ht+OzgAmwjBHZBAnRqIABBAWo2AgALIABBEGohAAwBCwsLBQBBoAgLJAAgACQAIAEkASACJAIgAyQDQSAgBGskBEEAIAJrJApBACQLC+8FAQZ/QQAkCQNAIAAgAUgEQCACIwpqIQQgAEH/B3FFIABBgAhqIAFMcQR/An9BACAAIARqIgVBAEgEf0EABUGACCMBIAVrIgMgA0GACEobIgNBACADQQBOGwtBgAhIDQAaQQAhAwNAIANBgAhIBEBBACMFIABqIANq/QAEACMAIAVqIANq/QAEAP1R/VMNAhogA0EQaiEDDAELCyMHIABqQQBBgAj8CwBBAQsFQQALBEAjAiAAIARqaiEDIwgjCUEBa0EDdGohBAJAIwlBAEoEQCADQYCAgIB4RiAEKAIAIgUgBCgCBCIGaiADRiAGQYCAgIB4RhsEQCAEIAVBgAhqNgIADAILCyAEQYAINgIIIAQgAzYCDCMJQQFqJAkLIABBgAhqIQAMAgsgACAAIARqQSAgASAAayIDIANBIEobIgQQASIDQQpsIARBB2xOBH9BAQUgACACIAQgAxAECwRAIAIjCmoiAyAAaiIFQQBIBH9BAAUgBCMBIAVrIgUgBCAFSBsiBUEAIAVBAE4bCyIFQQBKBEACQCMCIAAgA2pqIQYjCCMJQQFrQQN0aiEHIwlBAEoEQCAGQYCAgIB4RiAHKAIAIgMgBygCBCIIaiAGRiAIQYCAgIB4RhsEQCAHIAMgBWo2AgAMAgsLIAcgBTYCCCAHIAY2AgwjCUEBaiQJCwsgBCAFSgRAAkAgBCAFayEDIwgjCUEBa0EDdGohBSMJQQBKBEAgBSgCACIGIAUoAgQiB2pBgICAgHhGIAdBgICAgHhGcgRAIAUgAyAGajYCAAwCCwsgBSADNgIIIAVBgICAgHg2AgwjCUEBaiQJCwsFIwcgAGojBSAAaiAE/AoAACMIIwlBAWtBA3RqIQMCQCMJQQBKBEAgAygCACIFIAMoAgQiBmpBgICAgHhGIAZBgICAgHhGcgRAIAMgBCAFajYCAAwCCwsgAyAENgIIIANBgICAgHg2AgwjCUEBaiQJCwsgACAEaiEADAELCyMJCwsnAQBBgAgLIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");var zu=require("node:zlib");var ys=8192,Cg=.1,Bg=.9;function Mu(e,t){let n=Math.max(0,Math.floor((e.length-ys)/2)),r=t.subarray(n,n+ys),i=0;for(let o=0;o<r.length;o+=1)r[o]===0&&(i+=1);return r.length-i<r.length*Cg?!1:Hu(e.subarray(n,n+ys))<Bg*Hu(r)}a(Mu,"packsBetter");function Hu(e){return(0,zu.deflateRawSync)(e,{level:1}).length}a(Hu,"packed");var Nn=-(2**31),Ri=65536,Kr=4*Ri,Fu=16*(Ri/32),Rg=16,Tg=2**24,Ng=65536;async function Ku(e){let t=Math.ceil(Math.log2(Math.min(Tg,Math.max(256,e/Rg)))),n=new WebAssembly.Memory({initial:1}),{instance:r}=await WebAssembly.instantiate(Du,{env:{memory:n}}),i=r.exports,o=i.free(),c=[e,4*2**t,Kr,Kr,Kr,Fu].map(x=>{let E=o;return o=Math.ceil((o+x)/64)*64,[E,x]});n.grow(Math.ceil(o/Ng));let[u,l,d,h,_,A]=c.map(([x,E])=>Buffer.from(n.buffer,x,E)),w=new Int32Array(n.buffer,A.byteOffset,Fu/4),b=!1;return{pieces:[d,h],begin:a(x=>(b&&l.fill(0),b=!0,i.begin(u.byteOffset,e,x,l.byteOffset,t),u),"begin"),index:i.index,align:a((x,E)=>{i.take(x.byteOffset,x.length,_.byteOffset,A.byteOffset);let B=[];for(let M=0;M<x.length;M+=Ri){let N=Math.min(M+Ri,x.length),G=i.align(M,N,E);if(Mu(x.subarray(M,N),_.subarray(M,N)))i.restore(M,N-M),Qu(B,{bytes:N-M,from:Nn});else for(let[re,xe]of Pg(w.subarray(0,2*G)))Qu(B,{bytes:re,from:xe})}return{stretches:B,difference:_.subarray(0,x.length)}},"align")}}a(Ku,"openAligner");function*Pg(e){for(let t=0;t<e.length;t+=2)yield[e[t],e[t+1]]}a(Pg,"pairs");function Qu(e,{bytes:t,from:n}){let r=e.at(-1),i=r&&(r.from===Nn?Nn:r.from+r.bytes);r&&i===n?r.bytes+=t:e.push({bytes:t,from:n})}a(Qu,"add");function Wu(e,t){if(e===0)return[];if(t<=268435456)return[{fresh:{begin:0,end:e},old:{begin:0,end:t}}];let n=[];for(let r=0;r<e;r+=134217728){let i=Math.min(r+134217728,e),o=(r+i)/2*(t/e),s=Math.floor(Math.min(Math.max(0,o-268435456/2),t-268435456));n.push({fresh:{begin:r,end:i},old:{begin:s,end:s+268435456}})}return n}a(Wu,"planParts");var Og=1<<20;async function*Zu(e,t){let n=Wu(e.bytes,t.bytes),[r]=n;if(!r)return;let i=await Ku(r.old.end-r.old.begin),o=0;for(let s of n){let c=i.begin(s.old.begin),u=a(d=>c.subarray(d-s.old.begin,d-s.old.begin+Og),"oldBlock");for await(let{at:d,block:h}of ju(t,s.old,u))i.index(d-s.old.begin,d-s.old.begin+h.length);let l=a(d=>i.pieces[d/Kr%2],"piece");for await(let{at:d,block:h}of ju(e,s.fresh,l)){let _=i.align(h,d),A=Ug(_,o);o=A.end,yield Buffer.concat([A.bytes,_.difference])}}}a(Zu,"deltaOf");async function*ju(e,{begin:t,end:n},r){let i=a(o=>{if(o>=n)return;let s=r(o).subarray(0,n-o),c=Lg(e,o,s);return c.catch(()=>{}),{at:o,block:s,done:c}},"read");for(let o=i(t);o!==void 0;){let{at:s,block:c,done:u}=o;await u,o=i(s+c.length),yield{at:s,block:c}}}a(ju,"blocksOf");async function Lg({handle:e},t,n){for(let r=0;r<n.length;){let{bytesRead:i}=await e.read(n,r,n.length-r,t+r);if(i===0)throw new Error("the file became shorter while it was read");r+=i}}a(Lg,"fill");function Ug({stretches:e,difference:t},n){let r=Buffer.allocUnsafe(8+8*e.length);r.writeUInt32BE(e.length,0),r.writeUInt32BE(t.length,4);let i=n;for(let[o,{bytes:s,from:c}]of e.entries())r.writeInt32BE(s,8+8*o),r.writeInt32BE(c===Nn?Nn:c-i,12+8*o),c!==Nn&&(i=c+s);return{bytes:r,end:i}}a(Ug,"headOf");var Ti=require("node:child_process"),Gu=require("node:events"),Ni=require("node:stream"),qu=require("node:stream/promises"),bs=gt(require("node:zlib"),1);var ws=256*1024;function Yu(){return(0,Ti.spawnSync)("zstd",["--version"],{stdio:"ignore"}).status===0?{zstd:"program"}:{zstd:Xu().createZstdCompress?"node":void 0}}a(Yu,"findCompressors");async function*$s(e,{by:t,level:n,adapt:r,has:i}){let{stage:o,ended:s,stop:c}=t==="gzip"?Dg():i.zstd==="program"?Hg(n,r):zg(n),u=(0,qu.pipeline)(Ni.Readable.from(e,{objectMode:!1,highWaterMark:ws}),o);u.catch(()=>{});try{for await(let l of o)yield l;await u,await s?.()}finally{o.destroy(),c?.()}}a($s,"compress");function Dg(){return{stage:bs.createGzip({level:1,chunkSize:ws})}}a(Dg,"gzip");function Hg(e,t){let n=t?[`--adapt=min=${e},max=12`]:[`-${e}`,"-B2M","--long=24"],r=(0,Ti.spawn)("zstd",["-q","-c","-T0",...n],{stdio:["pipe","pipe","ignore"]}),i=(0,Gu.once)(r,"close");i.catch(()=>{});let o=Ni.Duplex.from({writable:r.stdin,readable:r.stdout});return r.once("error",s=>o.destroy(s)),{stage:o,stop:a(()=>r.kill(),"stop"),ended:a(async()=>{let[s]=await i;if(s!==0)throw new Error(`zstd ended with code ${s}`)},"ended")}}a(Hg,"zstdProgram");function zg(e){let{createZstdCompress:t,constants:n}=Xu();if(!t)throw new Error("this runner has no zstd");return{stage:t({chunkSize:ws,params:{[n.ZSTD_c_compressionLevel??100]:e}})}}a(zg,"zstdOfNode");function Xu(){return bs}a(Xu,"zlibZstd");var Wr=require("node:crypto"),nr=require("node:fs"),qe=require("node:fs/promises"),Es=require("node:path");var Mg={files:8,bytes:4*2**30},Fg=1<<20,Qg=36e5,xs=/^[0-9a-f]{64}$/,Kg=/^\.new-/,Wg=/^note-/,jg=2160*36e5,Zg="forgejo-deploy-toolkit",Gg=/^[0-9a-f]{32}$/;function Vu(e,{serverUrl:t,repository:n}){let r=(0,Wr.createHash)("sha256").update(JSON.stringify([t,n])).digest("hex");return`${e}/${Zg}/${r.slice(0,32)}`}a(Vu,"keptFolder");async function Ju(e,t=Mg){for(let n of[(0,Es.dirname)(e),e])await qg(n);return{open:a(async n=>xs.test(n)?Yg(`${e}/${n}`,n):void 0,"open"),keep:a(async(n,r)=>{if(!xs.test(r))throw new Error("its digest is not a sha256");await Vg(`${e}/${r}`)||(await Jg(n,{folder:e,sha256:r,most:t.bytes}),await em(e,t))},"keep")}}a(Ju,"openKept");async function qg(e){await(0,qe.mkdir)(e,{recursive:!0,mode:448});let t=await(0,qe.lstat)(e);if(!t.isDirectory())throw new Error(`${e} is not a folder`);if(t.uid!==process.getuid?.())throw new Error(`${e} belongs to another account`);(t.mode&511)!==448&&await(0,qe.chmod)(e,448)}a(qg,"makeOwn");async function Yg(e,t){let n;try{n=await(0,qe.open)(e,nr.constants.O_RDONLY|nr.constants.O_NOFOLLOW|nr.constants.O_NONBLOCK)}catch(i){i.code==="ELOOP"&&await(0,qe.rm)(e,{force:!0});return}let r=await n.stat();if(r.isFile()&&await Xg(n)===t)return await(0,qe.utimes)(e,new Date,new Date).catch(()=>{}),{handle:n,bytes:r.size};await n.close(),await(0,qe.rm)(e,{force:!0,recursive:!0})}a(Yg,"openProved");async function Xg(e){let t=(0,Wr.createHash)("sha256"),n=Buffer.allocUnsafe(Fg);for(let r=0;;){let{bytesRead:i}=await e.read(n,0,n.length,r);if(i===0)return t.digest("hex");t.update(n.subarray(0,i)),r+=i}}a(Xg,"digestOf");async function Vg(e){try{return await(0,qe.utimes)(e,new Date,new Date),(await(0,qe.lstat)(e)).isFile()}catch{return!1}}a(Vg,"touched");async function Jg(e,t){let{size:n}=await(0,qe.lstat)(e),{bavail:r,bsize:i}=await(0,qe.statfs)(t.folder);if(n>t.most)throw new Error("it is too large to be kept");if(r*i<3*n)throw new Error(`too little room is left in ${t.folder}`);let o=`${t.folder}/.new-${(0,Wr.randomUUID)()}`;try{await(0,qe.copyFile)(e,o,nr.constants.COPYFILE_EXCL|nr.constants.COPYFILE_FICLONE),await(0,qe.chmod)(o,384),await(0,qe.rename)(o,`${t.folder}/${t.sha256}`)}finally{await(0,qe.rm)(o,{force:!0})}}a(Jg,"copy");async function em(e,t){let n=(0,Es.dirname)(e),r=(await el(n)).filter(h=>Gg.test(h)).map(h=>`${n}/${h}`),i=(await Promise.all([...new Set([e,...r])].map(tm))).flat(),o=0,s=0,u=i.filter(({name:h})=>xs.test(h)).sort((h,_)=>_.usedAt-h.usedAt).filter(h=>(o+=h.bytes,h.folder===e&&(s+=1),o>t.bytes||h.folder===e&&s>t.files)),l=[{names:Kg,before:Date.now()-Qg},{names:Wg,before:Date.now()-jg}],d=i.filter(({name:h,usedAt:_})=>l.some(({names:A,before:w})=>A.test(h)&&_<w));for(let h of[...u,...d])await(0,qe.rm)(`${h.folder}/${h.name}`,{force:!0,recursive:!0})}a(em,"prune");async function tm(e){return Promise.all((await el(e)).map(async t=>{let n=await(0,qe.lstat)(`${e}/${t}`).catch(()=>{});return{folder:e,name:t,usedAt:n?.mtimeMs??0,bytes:n?.size??0}}))}a(tm,"filesIn");async function el(e){return(0,qe.readdir)(e).catch(()=>[])}a(el,"namesIn");var Pi=require("node:crypto"),mn=require("node:fs/promises");async function tl(e,t){let n=await(0,mn.readFile)(ol(e,t),"utf8").catch(()=>"{}");try{let{bytesPerSecond:r,roundTripMs:i,left:o,deltaBy:s}=JSON.parse(n);return{...typeof r=="number"&&r>0?{bytesPerSecond:r}:{},...typeof i=="number"&&i>0?{roundTripMs:i}:{},...Array.isArray(o)&&o.every(nm)?{left:o.slice(0,rl)}:{},...s==="zstd"||s==="gzip"?{deltaBy:s}:{}}}catch{return{}}}a(tl,"readNote");async function nl(e,t,n){let r=`${e}/.new-${(0,Pi.randomUUID)()}`;try{await(0,mn.writeFile)(r,JSON.stringify(n),{mode:384,flag:"wx"}),await(0,mn.rename)(r,ol(e,t))}finally{await(0,mn.rm)(r,{force:!0})}}a(nl,"writeNote");var rl=8;function il(e,{left:t=[]}){return[e,...t.filter(n=>n!==e)].slice(0,rl)}a(il,"leftWith");function nm(e){return typeof e=="string"&&/^[0-9a-f]{64}$/.test(e)}a(nm,"isDigest");function ol(e,t){return`${e}/note-${(0,Pi.createHash)("sha256").update(t).digest("hex").slice(0,16)}`}a(ol,"noteFile");var sl=require("node:crypto"),jr=require("node:events"),Oi=require("node:fs/promises");var Pn=class extends Error{static{a(this,"PayloadError")}},rm=256*1024,im=8*2**20,om=64*2**20;function ks(e){return{read:a(async function*(){try{yield*e()}catch(t){throw cl(t)}},"read"),[Symbol.asyncDispose]:async()=>{}}}a(ks,"streamed");async function al(e,t){let n=`${t}/.payload-${(0,sl.randomUUID)()}`,r=await(0,Oi.open)(n,"wx+",384);await(0,Oi.unlink)(n);let i=new jr.EventEmitter().setMaxListeners(0),o=0,s,c,l=a(async()=>{for await(let d of e()){for(;!c&&o-(s??0)>(s===void 0?om:im);)await(0,jr.once)(i,"taken");if(c)return;await r.write(d,0,d.length,o),o+=d.length,i.emit("written")}},"fill")().then(()=>({}),d=>({error:cl(d)})).then(d=>{c??=d,i.emit("written")});return{read:a(async function*(){for(let d=0;;){if(d===o){if(c?.error)throw c.error;if(c)return;await(0,jr.once)(i,"written");continue}let h=Buffer.allocUnsafe(Math.min(rm,o-d)),{bytesRead:_}=await r.read(h,0,h.length,d);d+=_,s=Math.max(s??0,d),i.emit("taken"),yield h.subarray(0,_)}},"read"),[Symbol.asyncDispose]:async()=>{c??={error:new Pn("the step has ended")},i.emit("taken"),i.emit("written"),await l,await r.close()}}}a(al,"spooled");function cl(e){return e instanceof Pn?e:new Pn(e instanceof Error?e.message:String(e),{cause:e})}a(cl,"payloadError");function Li(e){return e.startsWith("/")&&e!=="/"&&!e.split("/").includes("..")&&!/[\u0000-\u001f\u007f]/.test(e)}a(Li,"isPlainPath");function ll(e){let t=URL.canParse(e)?new URL(e):void 0;return/^https?:$/.test(t?.protocol??"")&&t?.username===""&&t.password===""&&!/[\s"\\]/.test(e)}a(ll,"isHttpUrl");function fl(e){return/^\s*\d{3}(-\d{3})?(\s*,\s*\d{3}(-\d{3})?)*\s*$/.test(e)}a(fl,"isStatusList");function dl(e,t){return ul(e)===ul(t)}a(dl,"sameCapabilities");function ul(e){return e.toLowerCase().split(/\s+/).filter(Boolean).flatMap(r=>{let[i="",...o]=r.split(/[=+]+/);return i.split(",").map(s=>`${s}=${[...o.join("")].sort().join("")}`)}).sort().join(" ")}a(ul,"eachCapability");function hl(e){return Number.parseInt(e,8).toString(8).padStart(4,"0")}a(hl,"octalMode");function Yt(e){return e.slice(0,12)}a(Yt,"short");function Ct(e){return e>=1e9?`${(e/1e9).toFixed(2)} GB`:e>=1e6?`${(e/1e6).toFixed(1)} MB`:e>=1e3?`${(e/1e3).toFixed(1)} kB`:`${e} bytes`}a(Ct,"megabytes");var sm=16384,am=1e6,cm={zstd:.27,gzip:.31,"delta-zstd":.05,"delta-gzip":.08,plain:1},um={zstd:3e8,gzip:7e7,"delta-zstd":15e7,"delta-gzip":7e7,plain:7e8},lm=4e8;function Ui(e){let{wanted:t,bytes:n,near:r,compressors:i,base:o,link:s}=e,c=a((x,E)=>({encoding:x,level:dm(x,s.bytesPerSecond),why:`${hm(x,o)}, ${E}`}),"plan"),[u]=i,l=fm(e);if(t==="plain")return c("plain","as wanted");if(t==="auto"&&r)return c("plain","because the target is this machine");if(n<sm)return c("plain",`because ${Ct(n)} are not worth more`);if(!u)return c("plain","because runner and target have neither zstd nor gzip in common");if(t==="compressed")return c(u,"as wanted");if(t==="delta")return l?c(u,`no delta, because ${l}`):c(`delta-${u}`,"as wanted");let h=[...l?[]:[`delta-${u}`],u,"plain"].map(x=>({encoding:x,seconds:Ss(x,n,s)})),[_,...A]=h.sort((x,E)=>x.seconds-E.seconds),w=[_,...A].map(({encoding:x,seconds:E})=>`${pm(x)} ${E.toFixed(1)} s`),b=`${Ct(s.bytesPerSecond)}/s (${s.from})`;return c(_.encoding,`at ${b}: ${w.join(", ")}${l?`; no delta, because ${l}`:""}`)}a(Ui,"planTransfer");var pl={ofWhatIsLeft:.5,seconds:10};function _l(e,t,n){let{bytes:r,link:i}=t,o=Ss(e,r,i)-n/i.bytesPerSecond,s=Ui(t),c=o-Ss(s.encoding,r,i);return c>pl.seconds&&c>pl.ofWhatIsLeft*o?s:void 0}a(_l,"soonerWay");function Is(e){return{bytesPerSecond:e<3?11e7:e<15?25e6:6e6,from:`assumed from a round trip of ${Math.round(e)} ms`}}a(Is,"assumedLink");function fm({wanted:e,base:t,bytes:n}){return"lacks"in t?t.lacks:e==="auto"&&n<am?`${Ct(n)} are not worth it`:void 0}a(fm,"deltaLacks");function Ss(e,t,n){return(e.startsWith("delta")?t/lm:0)+Math.max(t*cm[e]/n.bytesPerSecond,t/um[e])}a(Ss,"secondsOf");function dm(e,t=0){return e.startsWith("delta")?t>6e7?1:t>5e6?3:t>1e6?7:12:t>3e7?1:t>1e7?3:t>4e6?6:9}a(dm,"levelFor");function hm(e,t){let[,n]=e.split("-");return n?`a delta against ${"sha256"in t?Yt(t.sha256):"the present file"} with ${n}`:e==="plain"?"plain":`compressed with ${e}`}a(hm,"named");function pm(e){return e.startsWith("delta")?"delta":e==="plain"?"plain":"compressed"}a(pm,"plainName");var _m="measured last time",gm="measured on the first bytes",mm=5e7,gl=256*1024;function $l({wanted:e,several:t},{env:n,log:r,run:i}){let o=n("RUNNER_TOOL_CACHE"),s=o&&Vu(o,i),c=vs(()=>s?Ju(s):Promise.reject(new Error("RUNNER_TOOL_CACHE is not set"))),u=vs(Yu),l=new Map,d=new Map,h=[],_=a(x=>e==="delta"||e==="auto"&&!x,"deltaHelps"),A=a(x=>{let E=l.get(x)??Am(c,x);return l.set(x,E),E},"baseOf"),w=a((x,{encoding:E,level:B},M)=>{let N=E.startsWith("delta")&&"file"in M?M:void 0,G=`${E} ${N?.sha256??""}`,re=a(()=>wm(x,{encoding:E,level:B,base:N?.file,has:u()}),"make"),xe=d.get(G)??(E!=="plain"&&(t||N)?al(re,n("RUNNER_TEMP")??(0,wl.tmpdir)()).catch(()=>ks(re)):Promise.resolve(ks(re)));return d.set(G,xe),xe},"payloadOf"),b=vs(x=>c().then(E=>E.keep(x.path,x.sha256)).catch(E=>r.line(`Not kept for a delta next time: ${E.message}.`)));return{to:a((x,E)=>{let B=s&&_(!1)?tl(s,x):Promise.resolve({}),M={},N,G=!1,re="nothing",xe=a(W=>{M.bytesPerSecond=Math.round(W)},"remember"),z=a(async W=>!s||(await B).left?.includes(W)?A(W):{lacks:"this runner has not put the target's present file there"},"baseThere");return a(async()=>{let{left:[W]=[],deltaBy:j,roundTripMs:te,..._e}=await B,Y=ml(_e)??(te&&Is(te));if(!W||!j||!Y)return;let[ie,de]=await Promise.all([E,A(W)]);if(!ie||ie.sha256===W)return;let Ae=Ui({wanted:e,bytes:ie.bytes,near:!1,compressors:[j],base:de,link:Y});Ae.encoding.startsWith("delta")&&await w(ie,Ae,de)},"begin")().catch(()=>{}),{choose:a(async(W,j)=>{let te=N??ml(await B),_e=te??Is(j.roundTripMs),Y=j.near&&(!te||te.bytesPerSecond>mm);G=!Y;let ie=_(Y)?bm(W,j):"none is wanted",{present:de,tools:Ae}=j,C=ie||"lacks"in de?{lacks:ie??""}:await z(de.sha256),O=e==="plain"||e==="auto"&&Y?[]:Al(u(),Ae);Ae.has("perl")&&O[0]&&(M.deltaBy=O[0]),Number.isFinite(j.roundTripMs)&&(M.roundTripMs=j.roundTripMs);let P={wanted:e,bytes:W.bytes,near:Y,compressors:O,base:C,link:_e},F=Ui(P);re=ym(F.encoding,j.near),_(Y)&&h.push(b(W));let ce=a((fe,ue)=>{if(e!=="auto"||N||F.encoding.startsWith("delta"))return!1;let nt={...P,near:!1,compressors:Al(u(),Ae)},ht={bytesPerSecond:ue,from:gm};return _l(F.encoding,{...nt,link:ht},fe)?(N=ht,xe(ue),!0):!1},"isTooSlow");return{encoding:F.encoding,why:F.why,payload:await w(W,F,C),isTooSlow:ce}},"choose"),measured:a(async W=>{let{bytesPerSecond:j=Number.POSITIVE_INFINITY}=await B;!W||re==="nothing"||(re==="the rate"||W>j)&&xe(W)},"measured"),arrived:a((W,j)=>{if(!_(j&&!G))return;let te=a(async()=>{await b(W);let _e=await B;M={..._e,...M,left:il(W.sha256,_e)},s&&await nl(s,x,M)},"note");h.push(te().catch(()=>{}))},"arrived")}},"to"),[Symbol.asyncDispose]:async()=>{await Promise.all(h);for(let x of await Promise.allSettled(d.values()))x.status==="fulfilled"&&await x.value[Symbol.asyncDispose]();for(let x of await Promise.all(l.values()))"file"in x&&await x.file.handle.close()}}}a($l,"openTransfers");function vs(e){let t;return(...n)=>(t??={value:e(...n)},t.value)}a(vs,"once");async function Am(e,t){try{let n=await(await e()).open(t);return n?n.bytes<=2147483647?{sha256:t,file:n}:(await n.handle.close(),{lacks:"the files are too large for one"}):{lacks:"this runner has not kept the target's present file"}}catch(n){return{lacks:`this runner keeps no files: ${n.message}`}}}a(Am,"openBase");function ml({bytesPerSecond:e}){return e?{bytesPerSecond:e,from:_m}:void 0}a(ml,"rememberedLink");function ym(e,t){return e==="plain"?"the rate":t?"nothing":e.startsWith("delta")?"a higher rate":"the rate"}a(ym,"tellsOf");function bm({bytes:e},{tools:t,present:n}){return"lacks"in n?n.lacks:t.has("perl")?e>2147483647?"the files are too large for one":void 0:"the target has no perl"}a(bm,"deltaLacks");function Al({zstd:e},t){return[...e&&t.has("zstd")?["zstd"]:[],...t.has("gzip")?["gzip"]:[]]}a(Al,"inCommon");async function*wm(e,t){let{encoding:n,level:r,base:i,has:o}=t;if(n==="plain"){yield*(0,Cs.createReadStream)(e.path,{highWaterMark:gl});return}let s=n.endsWith("zstd")?"zstd":"gzip";if(!i){let u=(0,Cs.createReadStream)(e.path,{highWaterMark:gl});yield*$s(u,{by:s,level:r,adapt:!0,has:o});return}let c=await(0,bl.open)(e.path);try{yield*$s(Zu({handle:c,bytes:e.bytes},i),{by:s,level:r,adapt:!1,has:o})}finally{await c.close()}}a(wm,"encode");function Bs(e){return vi.findLast(t=>e.includes(t))??"unchanged"}a(Bs,"worst");function xl(e,t){let n=Array.from({length:e},()=>"untouched"),r=new Map,i=a(async()=>{t.save("begun",r.size===0?"":JSON.stringify([...r.values()])),await t.outputs({state:Bs(n)})},"write");return n.map((o,s)=>{let c;return{begin:a(async u=>{c={target:s,...u},r.set(s,c),n[s]="unknown",await i()},"begin"),begun:a(()=>c,"begun"),end:a(async u=>{u!=="unknown"&&r.delete(s),n[s]=u,await i()},"end")}})}a(xl,"openBook");var o_=require("node:timers/promises");var Ts="ready-reader",Ns="exit",Ps="unfit-reader",Zr=["echo; core_limit=$(command -v printf; command -v local; ulimit -S -c)",`case $core_limit in printf?local?*) core_limit=\${core_limit#printf?local?} ;; *) echo ${Ps}; exit 1 ;; esac`,`ulimit -S -c 0; echo ${Ts}`,`IFS= read -r size; [ "$size" = ${Ns} ] && IFS= read -r size`,"line=$(dd bs=$size count=1 iflag=fullblock 2>/dev/null)",'[ -n "$line" ] || IFS= read -r line','case $line in *#end) eval "$(printf %b "$line")"; esac'].join("; "),$m="/run/wrappers/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin",Rs=`/usr/bin/env -i PATH=${$m}`,xm=['command -v doas >/dev/null || exec sudo -n -- /bin/sh -c "$0"','sudo -n -- /bin/sh -c : 2>/dev/null && exec sudo -n -- /bin/sh -c "$0"','exec doas -n -- /bin/sh -c "$0"'].join("; "),Em=["HOME USER LOGNAME XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_DATA_HOME DBUS_SESSION_BUS_ADDRESS","DOCKER_HOST DOCKER_CONTEXT DOCKER_CONFIG DOCKER_CERT_PATH DOCKER_TLS_VERIFY CONTAINER_HOST CONTAINERS_CONF","LXD_DIR LXD_SOCKET LXD_CONF LXD_PROJECT INCUS_DIR INCUS_SOCKET INCUS_CONF INCUS_PROJECT"].join(" "),km=[`set --; for name in ${Em}`,'do eval "value=\\${$name-}"; case $value in ?*) set -- "$@" "$name=$value" ;; esac; done',`exec ${Rs} "$@" /bin/sh -c "$0"`].join("; ");function El(e){return e==="login"?`exec ${Rs} /bin/sh -c '${Zr}'`:e==="root"?`exec ${Rs} /bin/sh -c '${xm}' '${Zr}'`:`exec /bin/sh -c '${km}' '${Zr}'`}a(El,"bootstrapCommand");function Os(e){let t=`${Sm(e)}
#end`.replaceAll("\\","\\\\").replaceAll(`
`,"\\n");return`${Buffer.byteLength(t)+1}
${t}
`}a(Os,"programLines");function Sm({text:e,values:t}){return[...Object.entries(t).map(([r,i])=>`in_${r}=${Ls(i===void 0?"":String(i))}`),e].join(`
`)}a(Sm,"programText");function Ls(e){if(e.includes("\0"))throw new RangeError("a value for a shell contains a NUL byte");return`'${e.replaceAll("'","'\\''")}'`}a(Ls,"quote");var un=class extends Qt{static{a(this,"AnswerError")}};function Us(e,t,n=r=>r){let r=a(u=>e.filter(([l])=>l===u).map(([,l])=>l),"all"),i=a(u=>e.findLast(([l])=>l===u)?.[1],"last"),o=a((u,l,d)=>{throw Ds(t,`the target answered something that is not ${d}: ${u}=${Nm(n(l))}`)},"refuse"),s=a((u,l,d)=>{let h=i(u);if(!(h===void 0||h===""))return d(h)??o(u,h,l)},"formed"),c={has:a(u=>i(u)!==void 0,"has"),yes:a(u=>c.oneOf(u,["yes","no"])==="yes","yes"),digest:a(u=>s(u,"a sha256",l=>Im.test(l)?l:void 0),"digest"),pid:a(u=>s(u,"a pid",l=>vm.test(l)?Number(l):void 0),"pid"),number:a(u=>s(u,"a whole number",l=>Rm.test(l)?Number(l):void 0),"number"),oneOf:a((u,l)=>s(u,`one of ${l.join(", ")}`,d=>l.find(h=>h===d)),"oneOf"),text:a(u=>s(u,"a text",ft),"text"),texts:a(u=>r(u).map(ft),"texts"),pids:a(u=>s(u,"a list of pids",l=>Cm.test(l)?l:void 0)??"","pids"),numbers:a(u=>s(u,"a list of numbers",l=>Bm.test(l)?l:void 0)??"","numbers"),quote:a(u=>s(u,"a text",l=>Ht(n(l)).map(ft).join(" | ")),"quote"),quotedLines:a(u=>r(u).flatMap(l=>Ht(n(l)).map(ft)),"quotedLines"),verbatim:i,verbatims:r,parts:a((u,l,d)=>r(u).map(h=>l.exec(h)?.slice(1).map(_=>_??"")??o(u,h,d)),"parts"),records:a(u=>r(u).map(l=>Us(Pm(l),t,n)),"records")};return c}a(Us,"answerOf");function Ds({what:e,where:t,state:n},r){return new un({what:e,where:t,why:`${r}.`,state:n,remedy:"find out who changed what runs on that host: the programs of this step never answer so."})}a(Ds,"unusable");var Im=/^[0-9a-f]{64}$/,vm=/^[1-9][0-9]{0,9}$/,Cm=/^[1-9][0-9]{0,9}( [1-9][0-9]{0,9})*$/,Bm=/^[0-9]{1,15}( [0-9]{1,15})*$/,Rm=/^[0-9]{1,15}$/,Tm=80;function Nm(e){return`'${gn(ft(e),Tm)}'`}a(Nm,"shown");function Pm(e){let t=[];for(let n of e.split(" ")){let r=Math.max(0,n.indexOf("=")),i=t.at(-1);Il.test(n.slice(0,r))?t.push([n.slice(0,r),n.slice(r+1)]):i&&!n.includes("=")&&(i[1]+=` ${n}`)}return t}a(Pm,"pairsOf");var Il=/^[a-z][a-z0-9_]{0,63}$/,Om=4*2**20,kl=2e4;function vl(e){let t=[],n=!1,r=!1,i=!1,o=!1,s=0,c=0,u=[],l="",d,h,_,A=new Promise(B=>{h=a(()=>B(void 0),"resolveEnded")}),w=new Promise(B=>{_=B}),b=a(B=>(u=[],d=`the target answered more than ${B}`,h(),!0),"exceeds"),x=a(B=>{if(B===Ps&&!i)r=!0,h();else if(B===Ts&&!n)n=!0,_();else if(B==="begin"&&n)i=!0;else if(!i)l=`${l}${B}
`.slice(0,Sl);else if(B==="end")o=!0,h();else{let M=B.indexOf("=");if(!Il.test(B.slice(0,Math.max(0,M))))return;let N=[B.slice(0,M),Lm(B.slice(M+1))];t.push(N),e?.(...N)}},"line"),E=a(B=>(o||(c+=Buffer.byteLength(B)),c>Om&&b("4 MiB")),"count");return{count:E,push:a(B=>{if(o||d||E(B))return;let[M="",...N]=B.split(`
`);u.push(M);for(let G of N){if(x(u.join("")),u=[G],s+=1,o)return;if(s>kl){b(`${kl} lines`);return}}},"push"),ready:w,ended:A,result:a(()=>({said:t,complete:o,isReady:n,unfit:r,excess:d,before:`${l}${i?"":u.join("")}`.slice(0,Sl)}),"result")}}a(vl,"readSaid");var Sl=4096;function Lm(e){return e.replace(/\\(.)/g,(t,n)=>n==="n"?`
`:n)}a(Lm,"unescapeSaid");var xp=require("node:timers/promises");function Cl(e){let{code:t="",level:n,message:r=""}=e??{};return["ECONNREFUSED","ECONNRESET","ETIMEDOUT","EHOSTUNREACH","ENETUNREACH","EPIPE","EAI_AGAIN"].includes(t)?!0:n==="client-timeout"||/lost before handshake/i.test(r)}a(Cl,"isTransient");function Bl(e,t,{offered:n,skipped:r}){let{code:i="",level:o=""}=e,s=ft(e.message),c=`${t.host} port ${t.port}`;return i==="ECONNREFUSED"?{why:`${c} refused the connection.`,remedy:"is sshd running there, and on that port?"}:i==="ENOTFOUND"||i==="EAI_AGAIN"?{why:`the name ${t.host} can't be resolved.`,remedy:"correct host, or add it to the SSH config or DNS of the runner."}:i==="EHOSTUNREACH"||i==="ENETUNREACH"?{why:`there is no route to ${c}.`,remedy:"check the address and the network of the runner."}:i==="ETIMEDOUT"||o==="client-timeout"?{why:`${c} did not answer within ${t.connectTimeoutSeconds} s.`,remedy:"check the address, the firewall, and whether the host is up; a slow one needs connect-timeout-seconds."}:i==="ECONNRESET"||/lost before handshake/i.test(s)?{why:`${c} closed the connection before the login.`,remedy:"is the server full (MaxStartups), or is this address banned there (fail2ban, PerSourcePenalties)?"}:o==="client-authentication"?Um(t,{offered:n,skipped:r}):/no matching/i.test(s)?{why:`no algorithm in common: ${s}.`,remedy:"update the SSH server there; outdated algorithms are not used."}:/protocol|handshake|ident|version/i.test(s)||o==="protocol"?{why:`${c} does not speak SSH as expected: ${s}.`,remedy:"is an SSH server on that port?"}:{why:`${s}.`,remedy:"check the address, the port and the SSH server there."}}a(Bl,"whyNotConnected");function Um({user:e},{offered:t,skipped:n}){let r=t.filter(c=>c.startsWith("(server: ")).at(-1),i=t.filter(c=>!c.startsWith("(server: ")),o=r?.slice(9,-1)??"",s=n.length>0?` Not offered: ${n.join("; ")}.`:"";return i.length===0&&!o?{why:`there is no key to log in with.${s}`,remedy:"set ssh-key, or put a key where the SSH config or agent of the runner has it."}:o&&!o.split(", ").includes("publickey")?{why:`the server accepts no keys for ${e}, only ${o}.`,remedy:"allow PubkeyAuthentication there."}:i.length===0?{why:`there is no key to log in with.${s}`,remedy:"set ssh-key, or put a key where the SSH config or agent of the runner has it."}:{why:`the server accepts none of the keys offered for ${e}: ${i.join(", ")}.${s}`,remedy:`add the public key to ~/.ssh/authorized_keys of ${e} there, or correct user and ssh-key.`}}a(Um,"loginRefused");var Hs=require("node:timers/promises");var Dm=3,Hm=150,zm=40;function Rl(e,t,n){let r=!1,i,o=Number.POSITIVE_INFINITY,s=new Promise(h=>{t.on("error",_=>{i=_}),t.on("close",()=>h(r?void 0:i??new Error("the connection was closed")))}),c=a(h=>new Promise((_,A)=>{s.then(b=>A(b??new Error("the connection is closed")));let w=performance.now();t.exec(h,(b,x)=>{o=Math.min(o,performance.now()-w),b?A(b):_(x)})}),"open"),u,l=a(async h=>{let{command:_,channel:A}=u??{};u=void 0;let w=await A;if(_===h&&w?.writable)return w;w?.destroy()},"takePrepared"),d=a(h=>new Je({what:"Opening a session",where:e.name,why:`${i?.message??h.message}.`,remedy:"look at the log of sshd there (MaxSessions, ForceCommand, the login shell).",cause:h}),"sessionFailure");return{target:e,isNear:a(()=>"remoteAddress"in n&&/^(::ffff:)?127\.|^::1$/.test(n.remoteAddress??"")&&o<zm,"isNear"),roundTripMs:a(()=>o/2,"roundTripMs"),lost:s,prepare:a(h=>{u={command:h,channel:c(h).catch(()=>{})}},"prepare"),exec:a(async h=>{for(let _=1;;_+=1)try{return await l(h)??await c(h)}catch(A){if(_<Dm&&i===void 0&&!r)await(0,Hs.setTimeout)(_*Hm);else throw d(A)}},"exec"),[Symbol.asyncDispose]:async()=>{r=!0,t.end(),await Promise.race([s,(0,Hs.setTimeout)(1e3,void 0,{ref:!1})]),t.destroy()},client:t}}a(Rl,"openHost");async function Tl(e,t){let{client:n}=e;return new Promise((r,i)=>{let o=a(u=>i(new Je({what:"Connecting",where:t.name,why:`the jump host ${e.target.name} can't reach it: ${u.message}.`,remedy:"check the address from the jump host, and AllowTcpForwarding there.",cause:u})),"fail"),s=Object.assign(new Error(`no answer within ${t.connectTimeoutSeconds} s`),{level:"client-timeout"}),c=setTimeout(o,t.connectTimeoutSeconds*1e3,s);n.forwardOut("127.0.0.1",0,t.host,t.port,(u,l)=>{clearTimeout(c),u?o(u):r(l)})})}a(Tl,"forward");var bh=require("node:net"),wh=require("node:os");var pe=gt(require("assert"),1),yr=gt(require("fs"),1),fc=gt(Pl(),1),eh=gt(Ol(),1),It=gt(require("path"),1);var dc=gt(Ll(),1),hc=gt(Dl(),1),th=gt(uc(),1);var lc=1,Vd=a(e=>!It.default.basename(e).startsWith("."),"DEFAULT_VALIDATE"),Jd=a(()=>{},"DEFAULT_TICK"),Io=class extends Error{static{a(this,"SSHError")}constructor(t,n=null){super(t),this.code=n}};function So(e){return e.includes("\\")?e.split("\\").join("/"):e}a(So,"unixifyPath");async function Ry(e){return new Promise((t,n)=>{yr.default.readFile(e,"utf8",(r,i)=>{r?n(r):t(i)})})}a(Ry,"readFile");var Ty=/Error: (E[\S]+): /;async function Ny(e,t){let n=null;try{n=await new Promise((r,i)=>{t.stat(e,(o,s)=>{o?i(o):r(s)})})}catch{}if(n){if(n.isDirectory())return;throw new Error("mkdir() failed, target already exists and is not a directory")}try{await new Promise((r,i)=>{t.mkdir(e,o=>{o?i(o):r()})})}catch(r){if(r!=null&&typeof r.stack=="string"){let i=Ty.exec(r.stack);throw i!=null?new Io(r.message,i[1]):r}}}a(Ny,"makeDirectoryWithSftp");var vo=class{static{a(this,"NodeSSH")}constructor(){this.connection=null}getConnection(){let{connection:t}=this;if(t==null)throw new Error("Not connected to server");return t}async connect(t){(0,pe.default)(t!=null&&typeof t=="object","config must be a valid object");let n={...t};if((0,pe.default)(n.username!=null&&typeof n.username=="string","config.username must be a valid string"),n.host!=null)(0,pe.default)(typeof n.host=="string","config.host must be a valid string");else if(n.sock!=null)(0,pe.default)(typeof n.sock=="object","config.sock must be a valid object");else throw new pe.AssertionError({message:"Either config.host or config.sock must be provided"});if(n.privateKey!=null||n.privateKeyPath!=null){if(n.privateKey!=null?((0,pe.default)(typeof n.privateKey=="string","config.privateKey must be a valid string"),(0,pe.default)(n.privateKeyPath==null,"config.privateKeyPath must not be specified when config.privateKey is specified")):n.privateKeyPath!=null&&((0,pe.default)(typeof n.privateKeyPath=="string","config.privateKeyPath must be a valid string"),(0,pe.default)(n.privateKey==null,"config.privateKey must not be specified when config.privateKeyPath is specified")),(0,pe.default)(n.passphrase==null||typeof n.passphrase=="string","config.passphrase must be null or a valid string"),n.privateKeyPath!=null)try{n.privateKey=await Ry(n.privateKeyPath)}catch(i){throw i!=null&&i.code==="ENOENT"?new pe.AssertionError({message:"config.privateKeyPath does not exist at given fs path"}):i}}else n.password!=null&&(0,pe.default)(typeof n.password=="string","config.password must be a valid string");if(n.tryKeyboard!=null&&(0,pe.default)(typeof n.tryKeyboard=="boolean","config.tryKeyboard must be a valid boolean"),n.tryKeyboard){let{password:i}=n;n.onKeyboardInteractive!=null?(0,pe.default)(typeof n.onKeyboardInteractive=="function","config.onKeyboardInteractive must be a valid function"):i!=null&&(n.onKeyboardInteractive=(o,s,c,u,l)=>{u.length>0&&u[0].prompt.toLowerCase().includes("password")&&l([i])})}let r=new th.default.Client;return this.connection=r,await new Promise((i,o)=>{r.on("error",o),n.onKeyboardInteractive&&r.on("keyboard-interactive",n.onKeyboardInteractive),r.on("ready",()=>{r.removeListener("error",o),i()}),r.on("end",()=>{this.connection===r&&(this.connection=null)}),r.on("close",()=>{this.connection===r&&(this.connection=null),o(new Io("No response from server","ETIMEDOUT"))}),r.connect(n)}),this}isConnected(){return this.connection!=null}async requestShell(t){let n=this.getConnection();return new Promise((r,i)=>{n.on("error",i);let o=a((s,c)=>{n.removeListener("error",i),s?i(s):r(c)},"callback");t==null?n.shell(o):n.shell(t,o)})}async withShell(t,n){(0,pe.default)(typeof t=="function","callback must be a valid function");let r=await this.requestShell(n);try{await t(r)}finally{r.destroy()}}async requestSFTP(){let t=this.getConnection();return new Promise((n,r)=>{t.on("error",r),t.sftp((i,o)=>{t.removeListener("error",r),i?r(i):n(o)})})}async withSFTP(t){(0,pe.default)(typeof t=="function","callback must be a valid function");let n=await this.requestSFTP();try{await t(n)}finally{n.end()}}async execCommand(t,n={}){(0,pe.default)(typeof t=="string","command must be a valid string"),(0,pe.default)(n!=null&&typeof n=="object","options must be a valid object"),(0,pe.default)(n.cwd==null||typeof n.cwd=="string","options.cwd must be a valid string"),(0,pe.default)(n.stdin==null||typeof n.stdin=="string"||fc.default.readable(n.stdin),"options.stdin must be a valid string or readable stream"),(0,pe.default)(n.execOptions==null||typeof n.execOptions=="object","options.execOptions must be a valid object"),(0,pe.default)(n.encoding==null||typeof n.encoding=="string","options.encoding must be a valid string"),(0,pe.default)(n.onChannel==null||typeof n.onChannel=="function","options.onChannel must be a valid function"),(0,pe.default)(n.onStdout==null||typeof n.onStdout=="function","options.onStdout must be a valid function"),(0,pe.default)(n.onStderr==null||typeof n.onStderr=="function","options.onStderr must be a valid function"),(0,pe.default)(n.noTrim==null||typeof n.noTrim=="boolean","options.noTrim must be a boolean");let r=t;n.cwd&&(r=`cd ${(0,hc.default)([n.cwd])} ; ${r}`);let i=this.getConnection(),o={stdout:[],stderr:[]};return new Promise((s,c)=>{i.on("error",c),i.exec(r,n.execOptions!=null?n.execOptions:{},(u,l)=>{if(i.removeListener("error",c),u){c(u);return}n.onChannel&&n.onChannel(l),l.on("data",_=>{n.onStdout&&n.onStdout(_),o.stdout.push(_.toString(n.encoding))}),l.stderr.on("data",_=>{n.onStderr&&n.onStderr(_),o.stderr.push(_.toString(n.encoding))}),n.stdin!=null?fc.default.readable(n.stdin)?n.stdin.pipe(l,{end:!0}):(l.write(n.stdin),l.end()):l.end();let d=null,h=null;l.on("exit",(_,A)=>{d=_??null,h=A??null}),l.on("close",()=>{let _=o.stdout.join(""),A=o.stderr.join("");n.noTrim!==!0&&(_=_.trim(),A=A.trim()),s({code:d??null,signal:h??null,stdout:_,stderr:A})})})})}async exec(t,n,r={}){(0,pe.default)(typeof t=="string","command must be a valid string"),(0,pe.default)(Array.isArray(n),"parameters must be a valid array"),(0,pe.default)(r!=null&&typeof r=="object","options must be a valid object"),(0,pe.default)(r.stream==null||["both","stdout","stderr"].includes(r.stream),"options.stream must be one of both, stdout, stderr");for(let s=0,{length:c}=n;s<c;s+=1)(0,pe.default)(typeof n[s]=="string",`parameters[${s}] must be a valid string`);let i=`${t}${n.length>0?` ${(0,hc.default)(n)}`:""}`,o=await this.execCommand(i,r);if(r.stream==null||r.stream==="stdout"){if(o.stderr)throw new Error(o.stderr);return o.stdout}return r.stream==="stderr"?o.stderr:o}async mkdir(t,n="sftp",r=null){if((0,pe.default)(typeof t=="string","path must be a valid string"),(0,pe.default)(typeof n=="string"&&(n==="sftp"||n==="exec"),"method must be either sftp or exec"),(0,pe.default)(r==null||typeof r=="object","sftp must be a valid object"),n==="exec"){await this.exec("mkdir",["-p",So(t)]);return}let i=r||await this.requestSFTP(),o=a(async s=>Ny(So(t),i).catch(async c=>{if(!s||c==null||c.message!=="No such file"&&c.code!=="ENOENT")throw c;await this.mkdir(It.default.dirname(t),"sftp",i),await o(!1)}),"makeSftpDirectory");try{await o(!0)}finally{r||i.end()}}async getFile(t,n,r=null,i=null){(0,pe.default)(typeof t=="string","localFile must be a valid string"),(0,pe.default)(typeof n=="string","remoteFile must be a valid string"),(0,pe.default)(r==null||typeof r=="object","sftp must be a valid object"),(0,pe.default)(i==null||typeof i=="object","transferOptions must be a valid object");let o=r||await this.requestSFTP();try{await new Promise((s,c)=>{o.fastGet(So(n),t,i||{},u=>{u?c(u):s()})})}finally{r||o.end()}}async putFile(t,n,r=null,i=null){(0,pe.default)(typeof t=="string","localFile must be a valid string"),(0,pe.default)(typeof n=="string","remoteFile must be a valid string"),(0,pe.default)(r==null||typeof r=="object","sftp must be a valid object"),(0,pe.default)(i==null||typeof i=="object","transferOptions must be a valid object"),(0,pe.default)(await new Promise(c=>{yr.default.access(t,yr.default.constants.R_OK,u=>{c(u===null)})}),`localFile does not exist at ${t}`);let o=r||await this.requestSFTP(),s=a(c=>new Promise((u,l)=>{o.fastPut(t,So(n),i||{},d=>{if(d==null){u();return}d.message==="No such file"&&c?u(this.mkdir(It.default.dirname(n),"sftp",o).then(()=>s(!1))):l(d)})}),"putFile");try{await s(!0)}finally{r||o.end()}}async putFiles(t,{concurrency:n=lc,sftp:r=null,transferOptions:i={}}={}){(0,pe.default)(Array.isArray(t),"files must be an array");for(let u=0,{length:l}=t;u<l;u+=1){let d=t[u];(0,pe.default)(d,"files items must be valid objects"),(0,pe.default)(d.local&&typeof d.local=="string",`files[${u}].local must be a string`),(0,pe.default)(d.remote&&typeof d.remote=="string",`files[${u}].remote must be a string`)}let o=[],s=r||await this.requestSFTP(),c=new(void 0)({concurrency:n});try{await new Promise((u,l)=>{t.forEach(d=>{c.add(async()=>{await this.putFile(d.local,d.remote,s,i),o.push(d)}).catch(l)}),c.waitTillIdle().then(u)})}catch(u){throw u!=null&&(u.transferred=o),u}finally{r||s.end()}}async putDirectory(t,n,{concurrency:r=lc,sftp:i=null,transferOptions:o={},recursive:s=!0,tick:c=Jd,validate:u=Vd}={}){(0,pe.default)(typeof t=="string"&&t,"localDirectory must be a string"),(0,pe.default)(typeof n=="string"&&n,"remoteDirectory must be a string");let l=await new Promise(b=>{yr.default.stat(t,(x,E)=>{b(E||null)})});(0,pe.default)(l!=null,`localDirectory does not exist at ${t}`),(0,pe.default)(l.isDirectory(),`localDirectory is not a directory at ${t}`);let d=i||await this.requestSFTP(),h=await(0,dc.default)(t,{recursive:s,validate:u}),_=h.files.map(b=>It.default.relative(t,b)),A=h.directories.map(b=>It.default.relative(t,b));A.sort((b,x)=>b.length-x.length);let w=!1;try{await new Promise((b,x)=>{let E=new(void 0)({concurrency:r});A.forEach(B=>{E.add(async()=>{await this.mkdir(It.default.join(n,B),"sftp",d)}).catch(x)}),b(E.waitTillIdle())}),await new Promise((b,x)=>{let E=new(void 0)({concurrency:r});_.forEach(B=>{E.add(async()=>{let M=It.default.join(t,B),N=It.default.join(n,B);try{await this.putFile(M,N,d,o),c(M,N,null)}catch(G){w=!0,c(M,N,G)}}).catch(x)}),b(E.waitTillIdle())})}finally{i||d.end()}return!w}async getDirectory(t,n,{concurrency:r=lc,sftp:i=null,transferOptions:o={},recursive:s=!0,tick:c=Jd,validate:u=Vd}={}){(0,pe.default)(typeof t=="string"&&t,"localDirectory must be a string"),(0,pe.default)(typeof n=="string"&&n,"remoteDirectory must be a string");let l=await new Promise(b=>{yr.default.stat(t,(x,E)=>{b(E||null)})});(0,pe.default)(l!=null,`localDirectory does not exist at ${t}`),(0,pe.default)(l.isDirectory(),`localDirectory is not a directory at ${t}`);let d=i||await this.requestSFTP(),h=await(0,dc.default)(n,{recursive:s,validate:u,concurrency:r,fileSystem:{basename(b){return It.default.posix.basename(b)},join(b,x){return It.default.posix.join(b,x)},readdir(b){return new Promise((x,E)=>{d.readdir(b,(B,M)=>{B?E(B):x(M.map(N=>N.filename))})})},stat(b){return new Promise((x,E)=>{d.stat(b,(B,M)=>{B?E(B):x(M)})})}}}),_=h.files.map(b=>It.default.relative(n,b)),A=h.directories.map(b=>It.default.relative(n,b));A.sort((b,x)=>b.length-x.length);let w=!1;try{await new Promise((b,x)=>{let E=new(void 0)({concurrency:r});A.forEach(B=>{E.add(async()=>{await(0,eh.default)(It.default.join(t,B))}).catch(x)}),b(E.waitTillIdle())}),await new Promise((b,x)=>{let E=new(void 0)({concurrency:r});_.forEach(B=>{E.add(async()=>{let M=It.default.join(t,B),N=It.default.join(n,B);try{await this.getFile(M,N,d,o),c(M,N,null)}catch(G){w=!0,c(M,N,G)}}).catch(x)}),b(E.waitTillIdle())})}finally{i||d.end()}return!w}forwardIn(t,n,r){let i=this.getConnection();return new Promise((o,s)=>{i.forwardIn(t,n,(c,u)=>{if(c){s(c);return}let l=a((h,_,A)=>{h.destIP===t&&h.destPort===u&&r?.(h,_,A)},"handler");r&&i.on("tcp connection",l),o({port:u,dispose:a(()=>new Promise((h,_)=>{i.off("tcp connection",l),i.unforwardIn(t,u,A=>{A&&_(c),h()})}),"dispose")})})})}forwardOut(t,n,r,i){let o=this.getConnection();return new Promise((s,c)=>{o.forwardOut(t,n,r,i,(u,l)=>{if(u){c(u);return}s(l)})})}forwardInStreamLocal(t,n){let r=this.getConnection();return new Promise((i,o)=>{r.openssh_forwardInStreamLocal(t,s=>{if(s){o(s);return}let c=a((l,d,h)=>{l.socketPath===t&&n?.(l,d,h)},"handler");n&&r.on("unix connection",c),i({dispose:a(()=>new Promise((l,d)=>{r.off("unix connection",c),r.openssh_unforwardInStreamLocal(t,h=>{h&&d(h),l()})}),"dispose")})})})}forwardOutStreamLocal(t){let n=this.getConnection();return new Promise((r,i)=>{n.openssh_forwardOutStreamLocal(t,(o,s)=>{if(o){i(o);return}r(s)})})}dispose(){this.connection&&(this.connection.end(),this.connection=null)}};var Ro=require("node:fs"),_h=require("node:path");var Co=require("node:fs"),ih=require("node:path");var Lt=class extends Error{static{a(this,"ConfigError")}},Py=new Set(["identityfile","certificatefile"]),Oy=16;function nh(e,t){let n=new Map;for(let r of e)rh(r,{question:t,found:n,depth:0},!0);return n}a(nh,"resolveConfig");function rh({path:e,text:t},n,r){let{question:i,found:o,depth:s}=n,c=r;for(let[u,l]of t.split(/\r?\n/).entries()){let d=`${e}:${u+1}`,[h,..._]=Ly(l,d);if(h===void 0)continue;let A=h.toLowerCase();if(A==="host")c=r&&_n(i.host,_);else if(A==="match")c=r&&Dy(_,n,d);else if(c)if(A==="include"){if(s>=Oy)throw new Lt(`${d}: Include is nested too deep`);for(let w of _)for(let b of i.include(Uy(w,i.home)))rh(b,{...n,depth:s+1},!0)}else Py.has(A)?o.set(A,[...o.get(A)??[],..._]):o.has(A)||o.set(A,_);else continue}}a(rh,"readFile");function Ly(e,t){let n=e.trim();if(n===""||n.startsWith("#"))return[];let[,r="",i=""]=/^([^\s=]+)(?:\s*=\s*|\s+|$)(.*)$/.exec(n)??[],o=[];for(let s of i.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(#.*)|([^\s"']+)|(["'])/g)){let[,c,u,l,d,h]=s;if(l!==void 0)break;if(h!==void 0)throw new Lt(`${t}: a quote is never closed`);o.push(c?.replace(/\\(["\\])/g,"$1")??u??d??"")}return[r,...o]}a(Ly,"splitLine");function Uy(e,t){let n=e.replace(/^~(?=\/|$)/,t);return n.startsWith("/")?n:`${t}/.ssh/${n}`}a(Uy,"absoluteInclude");function Dy(e,{question:t,found:n},r){let i=[...e];for(;i.length>0;){let[,o,s="",c]=/^(!?)([^=]*)(?:=(.*))?$/s.exec(i.shift()??"")??[];if(c!==void 0&&i.unshift(c),Hy(s.toLowerCase(),i,{question:t,found:n},r)===(o==="!"))return!1}return!0}a(Dy,"matchesCriteria");function Hy(e,t,{question:n,found:r},i){if(e==="all")return!0;if(e==="canonical"||e==="final")return!1;let o=t.shift()?.split(",")??[];if(e==="originalhost")return _n(n.host,o);if(e==="host")return _n(r.get("hostname")?.[0]?.replaceAll("%h",n.host)??n.host,o);if(e==="user")return _n(n.user??r.get("user")?.[0]??n.localUser,o);if(e==="localuser")return _n(n.localUser,o);throw new Lt(`${i}: Match ${e} is not supported; host, originalhost, user, localuser and all are`)}a(Hy,"matchesCriterion");function _n(e,t){let n=!1;for(let r of t){let i=r.startsWith("!");if(zy(i?r.slice(1):r).test(e)){if(i)return!1;n=!0}}return n}a(_n,"matchesPatterns");function zy(e){let t=e.replace(/[.+^${}()|[\]\\]/g,"\\$&").replaceAll("*",".*").replaceAll("?",".");return new RegExp(`^${t}$`,"is")}a(zy,"globOf");function oh(e,t){if(e===void 0)return[`${t}/.ssh/config`,"/etc/ssh/ssh_config"].flatMap(i=>en(i));let n=e.replace(/^~(?=\/|$)/,t),r=en(n);if(r.length>0)return r;throw new Je({what:"Reading the SSH config",why:`there is no readable file ${n} on the runner.`,remedy:"correct ssh-config, or leave it out to use ~/.ssh/config."})}a(oh,"configFiles");function sh(e){return ah(e).flatMap(t=>en(t))}a(sh,"includedFiles");function en(e){try{return[{path:e,text:(0,Co.readFileSync)(e,"utf8")}]}catch{return[]}}a(en,"readIfThere");function ah(e){if(!/[*?]/.test(e))return[e];let t=(0,ih.dirname)(e),n=e.slice(t.length+1);return ah(t).flatMap(r=>{try{return(0,Co.readdirSync)(r).filter(o=>!o.startsWith(".")&&_n(o,[n])).sort().map(o=>`${r}/${o}`)}catch{return[]}})}a(ah,"expand");var br=require("node:crypto");function ch(e){return e.split(`
`).flatMap(t=>{let n=t.trim().split(/\s+/),r=n[0]?.startsWith("@")?n.shift():"",[i,o,s]=n;return!i||i.startsWith("#")||!o||!s?[]:[{marker:r,patterns:i.split(","),type:o,key:Buffer.from(s,"base64")}]})}a(ch,"parseKnownHosts");function uh(e,t,n){let r=Bo(n);if(e.some(s=>s.marker==="@revoked"&&s.key.equals(n)&&mi(s,t)))return"revoked";let i=e.filter(({marker:s})=>s==="");if(i.some(s=>s.key.equals(n)&&mi(s,t)))return"known";let o=i.filter(s=>mi(s,t.slice(0,1)));return o.some(s=>s.type===r)?"changed":o.length>0?"other type known":"unknown"}a(uh,"judgeHostKey");function lh(e,t){let n=e.filter(r=>r.marker===""&&mi(r,t)).map(({type:r})=>r);return[...new Set(n)]}a(lh,"knownTypes");function fh(e,t){return e.some(n=>n.marker==="@cert-authority"&&mi(n,t))}a(fh,"onlyByAuthority");function dh(e,t,n){if(n)return[n];let r=e.toLowerCase();return t===22?[r]:[`[${r}]:${t}`,r]}a(dh,"lookupNames");function hh(e,t){return`${e} ${Bo(t)} ${t.toString("base64")}`}a(hh,"knownHostsLine");function pc(e){return`SHA256:${(0,br.createHash)("sha256").update(e).digest("base64").replace(/=+$/,"")}`}a(pc,"fingerprint");function Bo(e){return e.subarray(4,4+(e.length>=4?e.readUInt32BE(0):0)).toString("latin1")}a(Bo,"hostKeyType");function mi(e,t){return t.some(n=>{let[r=""]=e.patterns;return r.startsWith("|1|")?Fy(r,n):_n(n,e.patterns.map(My))})}a(mi,"matchesAny");function My(e){return e.toLowerCase()}a(My,"escapePort");function Fy(e,t){let[,,n="",r=""]=e.split("|"),i=Buffer.from(r,"base64"),o=(0,br.createHmac)("sha1",Buffer.from(n,"base64")).update(t).digest();return i.length===o.length&&(0,br.timingSafeEqual)(i,o)}a(Fy,"isHashOf");var ph={"ssh-ed25519":["ssh-ed25519"],"ecdsa-sha2-nistp256":["ecdsa-sha2-nistp256"],"ecdsa-sha2-nistp384":["ecdsa-sha2-nistp384"],"ecdsa-sha2-nistp521":["ecdsa-sha2-nistp521"],"ssh-rsa":["rsa-sha2-512","rsa-sha2-256"]};function gh(e,{checking:t,given:n,log:r}){let i=n??e.knownHostsFiles.flatMap(h=>en(h)).map(h=>h.text).join(`
`),o=ch(i),s=dh(e.host,e.port,e.hostKeyAlias),c=lh(o,s),u=c.flatMap(h=>ph[h]??[]),l=Object.values(ph).flat(),d;return{algorithms:[...new Set([...u,...l])],refusal:a(()=>d,"refusal"),accepts:a(h=>{let _=uh(o,s,h);if(_==="known")return!0;if(t==="insecure")return r.warning(`The host key of ${e.name} was not checked (host-key-checking: insecure): ${pc(h)}`),!0;let A=hh(s[0]??e.host,h);return t==="accept-new"&&_==="unknown"?(r.warning(`New host key of ${e.name} accepted (host-key-checking: accept-new): ${A}`),n===void 0&&Qy(e.knownHostsFiles[0],A),!0):(d=Ky(e,{verdict:_,key:h,line:A,types:c,authority:fh(o,s)}),!1)},"accepts")}}a(gh,"hostKeyJudge");function Qy(e,t){if(e!==void 0)try{(0,Ro.mkdirSync)((0,_h.dirname)(e),{recursive:!0,mode:448});let n=en(e)[0]?.text??"",r=n===""||n.endsWith(`
`)?"":`
`;(0,Ro.appendFileSync)(e,`${r}${t}
`,{mode:384})}catch{}}a(Qy,"remember");function Ky(e,{verdict:t,key:n,line:r,types:i,authority:o}){let s=`${Bo(n)} ${pc(n)}`,c={revoked:`its host key is marked as revoked: ${s}.`,changed:`its host key has changed: it offers ${s}, which is not the one known for it.`,"other type known":`it is known by ${i.join(", ")}, but offers ${s}.`,unknown:o?`its host key is known only through a certificate authority (@cert-authority), which is not supported; it offers ${s}.`:`its host key is unknown: it offers ${s}.`,known:""}[t],u={revoked:"find out which host answers there, and why its key was revoked.",changed:`find out why before you trust it (new machine, or somebody in between). If it is right, replace its known_hosts line by:
${r}`,"other type known":`if that is the right host, add this line to known-hosts:
${r}`,unknown:`compare the fingerprint with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there), then add this line to known-hosts:
${r}`,known:""}[t];return new Je({what:"Connecting",where:e.name,why:c,remedy:u})}a(Ky,"refusal");var mh=require("node:crypto"),To=gt(uc(),1);var Wy=["id_ed25519","id_ecdsa","id_rsa"];function Ah({sshKey:e,passphrase:t},n,r){if(e!==void 0)return{identities:[Zy(e,t)],skipped:[]};let i=[],o=a(l=>l.flatMap(d=>{let[h]=en(d);if(!h)return[];let _=yh(h.text,t);return typeof _!="string"?[{kind:"key",label:d,key:_}]:(i.push(`${d}: ${_}`),[])}),"fromFiles"),s=n.identityFiles.length>0?[]:Wy.map(l=>`${r}/.ssh/${l}`),c=o(n.identityFiles),u=jy(n,[...n.identityFiles,...s]);return{identities:[...c,...u,...o(s)],skipped:i}}a(Ah,"identitiesOf");function jy({agent:e,identitiesOnly:t},n){if(e===void 0)return[];if(!t)return[{kind:"agent",label:`agent ${e}`,agent:e}];let r=n.flatMap(i=>[...en(i),...en(`${i}.pub`)]).flatMap(({text:i})=>To.default.utils.parseKey(i)).flatMap(i=>i instanceof Error?[]:[i.getPublicSSH()]);return r.length===0?[]:[{kind:"agent",label:`agent ${e}`,agent:new _c(e,r)}]}a(jy,"agentOf");var _c=class extends To.default.OpenSSHAgent{static{a(this,"PartOfAgent")}#e;constructor(t,n){super(t),this.#e=n}getIdentities(t){super.getIdentities((n,r)=>t(n,r?.filter(i=>this.#t(i))))}#t(t){return"getPublicSSH"in t&&this.#e.some(n=>n.equals(t.getPublicSSH()))}};function Zy(e,t){let n=yh(e,t);if(typeof n!="string")return{kind:"key",label:"ssh-key",key:n};throw new Je({what:"Reading ssh-key",why:`${n}.`,remedy:"store the whole private key, with its first and last line, as the secret; and its passphrase in ssh-key-passphrase."})}a(Zy,"givenKey");function yh(e,t){let n=`${e.replaceAll("\r","").split(`
`).map(o=>o.trim()).join(`
`).trim()}
`;if(n.startsWith("PuTTY-User-Key-File"))return"it is a PuTTY key: export it as an OpenSSH key first";let r=To.default.utils.parseKey(Gy(n,t),t),i=Array.isArray(r)?r[0]:r;return i===void 0?"it holds no key":i instanceof Error?qy(i.message,t):i.isPrivateKey()?i:"it is a public key; the private one is needed"}a(yh,"parseKey");function Gy(e,t){if(!/^-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/.test(e))return e;try{let n=(0,mh.createPrivateKey)({key:e,...t===void 0?{}:{passphrase:t}});if(n.asymmetricKeyType==="rsa")return n.export({type:"pkcs1",format:"pem"}).toString();if(n.asymmetricKeyType==="ec")return n.export({type:"sec1",format:"pem"}).toString()}catch{}return e}a(Gy,"fromPkcs8");function qy(e,t){return/no passphrase given/i.test(e)?"it is encrypted, and no passphrase is given (ssh-key-passphrase)":/integrity|bad passphrase|bad decrypt|decrypt/i.test(e)&&t!==void 0?"its passphrase is wrong":/unsupported key format/i.test(e)?"it is no private key in a known format (OpenSSH, PEM)":`it can't be read: ${e}`}a(qy,"unusable");async function $h(e,{inputs:t,context:n,sock:r,jump:i}){let{log:o}=n,s=n.env("HOME")??(0,wh.homedir)(),c=gh(e,{checking:Yy(t,e,o),given:t["known-hosts"],log:o}),{identities:u,skipped:l}=Ah({sshKey:t["ssh-key"],passphrase:t["ssh-key-passphrase"]},e,s),d=[],h=new vo,_=r??(0,bh.connect)({host:e.host,port:e.port,noDelay:!0});Vy(_);try{await h.connect({sock:_,username:e.user,readyTimeout:e.connectTimeoutSeconds*1e3,keepaliveInterval:e.keepaliveSeconds*1e3,keepaliveCountMax:e.keepaliveMissed,hostVerifier:a(A=>c.accepts(A),"hostVerifier"),authHandler:Xy(e.user,u,d),algorithms:{cipher:["aes128-gcm@openssh.com","aes256-gcm@openssh.com","aes128-ctr","aes256-ctr","chacha20-poly1305@openssh.com"],serverHostKey:c.algorithms}})}catch(A){_.destroy();let w=c.refusal();if(w)throw w;let{why:b,remedy:x}=Bl(A,e,{offered:d,skipped:l});throw new Je({what:i?"Connecting to the jump host":"Connecting",where:e.name,why:b,remedy:x,cause:A})}return Rl(e,h.connection,_)}a($h,"login");function Yy(e,t,n){let r=e["host-key-checking"];if(r)return r;let i=t.strictHostKeyChecking;return i==="accept-new"||i==="no"||i==="off"?(n.line(`The SSH config sets StrictHostKeyChecking ${i} for ${t.written}: taken as accept-new.`),"accept-new"):"strict"}a(Yy,"checkingOf");function Xy(e,t,n){let r=[...t];return(i,o,s)=>{let c=i&&!i.includes("publickey")?void 0:r.shift();if(i&&n.push(`(server: ${i.join(", ")})`),!c){s(!1);return}n.push(c.label),c.kind==="agent"?s({type:"agent",username:e,agent:c.agent}):s({type:"publickey",username:e,key:c.key})}}a(Xy,"offerInTurn");function Vy(e){let t=e.write.bind(e),n=!1;e.write=(...r)=>(n||(n=!0,e.cork(),process.nextTick(()=>{n=!1,e.uncork()})),t(...r))}a(Vy,"gatherWrites");var Fo=require("node:os");var xh=`prelude() {
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
if command -v doas >/dev/null && ! command -v sudo >/dev/null; then
printf 'add to /etc/doas.conf: permit nopass %s as root cmd /bin/sh' "$(id -un)"
else
printf 'add to sudoers (visudo): %s ALL=(root) NOPASSWD: /bin/sh' "$(id -un | sed 's/[\\\\ ,:=()!@]/\\\\&/g')"
fi
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
find_root_tool || { refuse "$(id -un) may not use $tool, and $root_tool_error" "put $(id -un) into the group that may use $tool, or $(root_tool_remedy)."; return; }
by_sudo="$root_tool -n --"
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
exec $by_sudo "$tool" exec "$@" /bin/sh -c '[ -x /usr/bin/env ] && exec /usr/bin/env -i "PATH=$PATH" /bin/sh -c "$0"; exec /bin/sh -c "$0"' "$in_run_program"
}
refuse() {
begin
say container_error "$1"
say container_remedy "$2"
end
}
main`;var eb=["lxd","incus","docker","podman"];function No(e){let[,t,n]=/^([a-z]+):([A-Za-z0-9][A-Za-z0-9_.-]{0,127})$/.exec(e.trim())??[],r=eb.find(i=>i===t);return r&&n?{kind:r,name:n}:void 0}a(No,"parseContainer");function Eh({kind:e,name:t},n){return{text:xh,values:{kind:e,name:t,sudo:n,run_program:Zr}}}a(Eh,"enterProgram");function Ac(e){let t=Object.values(e).filter(r=>typeof r=="number");return Object.entries(e).filter(([r,i])=>t.indexOf(+r)===-1).map(([r,i])=>i)}a(Ac,"getEnumValues");function kh(e,t){return typeof t=="bigint"?t.toString():t}a(kh,"jsonStringifyReplacer");var mc=class{static{a(this,"Cached")}constructor(t){this._getter=t,this._value=void 0}get value(){let t=this._getter;return t!==void 0&&(this._value=t(),this._getter=void 0),this._value}};function Sh(e){return new mc(e)}a(Sh,"cached");function Ih(e){let t=e.startsWith("^")?1:0,n=e.endsWith("$")?e.length-1:e.length;return e.slice(t,n)}a(Ih,"cleanRegex");function vh(e,t,n){Object.defineProperty(e,t,{value:n,writable:!0,enumerable:!0,configurable:!0})}a(vh,"assignProp");var yc="captureStackTrace"in Error?Error.captureStackTrace:(...e)=>{};function Po(e){return typeof e=="object"&&e!==null&&!Array.isArray(e)}a(Po,"isObject");function Ch(e){if(Po(e)===!1)return!1;let t=e.constructor;if(t===void 0||typeof t!="function")return!0;let n=t.prototype;return!(Po(n)===!1||Object.prototype.hasOwnProperty.call(n,"isPrototypeOf")===!1)}a(Ch,"isPlainObject");function bc(e){return Ch(e)?{...e}:Array.isArray(e)?[...e]:e instanceof Map?new Map(e):e instanceof Set?new Set(e):e}a(bc,"shallowClone");var Bh=new Set(["string","number","symbol"]);function Rh(e){return e.replace(/[.*+?^${}()|[\]\\]/g,"\\$&")}a(Rh,"escapeRegex");function Oo(e,t,n){let r=new e._zod.constr(t??e._zod.def);return(!t||n?.parent)&&(r._zod.parent=e),r}a(Oo,"clone");function kn(e){let t=e;if(!t)return{};if(typeof t=="string")return{error:a(()=>t,"error")};if(t?.message!==void 0){if(t?.error!==void 0)throw new Error("Cannot specify both `message` and `error` params");t.error=t.message}return delete t.message,typeof t.error=="string"?{...t,error:a(()=>t.error,"error")}:t}a(kn,"normalizeParams");function Th(e){return Object.keys(e).filter(t=>e[t]._zod.optin!==void 0&&e[t]._zod.optout==="optional")}a(Th,"optionalKeys");function Fn(e,t=0){if(e.aborted===!0)return!0;for(let n=t;n<e.issues.length;n++)if(e.issues[n]?.continue!==!0)return!0;return!1}a(Fn,"aborted");function Nh(e,t=0){if(e.aborted===!0)return!0;for(let n=t;n<e.issues.length;n++)if(e.issues[n]?.continue===!1)return!0;return!1}a(Nh,"explicitlyAborted");function Ph(e,t){return t.map(n=>{var r;return(r=n).path??(r.path=[]),n.path.unshift(e),n})}a(Ph,"prefixIssues");function Ai(e){return typeof e=="string"?e:e?.message}a(Ai,"unwrapMessage");function wc(e,t,n){var r;for(let i=t;i<e.length;i++)(r=e[i]).schema??(r.schema=n)}a(wc,"attachSchema");function wr(e,t,n){var r;let i=e.inst?._zod?.traits;i?.has("$ZodType")&&(i.has("$ZodCheck")?(r=e).schema??(r.schema=e.inst):e.schema=e.inst);let o=e.schema!==e.inst?e.schema?._zod.def?.error:void 0,s=e.message?e.message:Ai(e.inst?._zod.def?.error?.(e))??Ai(o?.(e))??Ai(t?.error?.(e))??Ai(n.customError?.(e))??Ai(n.localeError?.(e))??"Invalid input",c={};for(let u of Object.keys(e))u==="inst"||u==="schema"||u==="continue"||u==="input"||u==="__proto__"||(c[u]=e[u]);return c.path??(c.path=[]),c.message=s,t?.reportInput&&(c.input=e.input),c}a(wr,"finalizeIssue");function $c(...e){let[t,n,r]=e;return typeof t=="string"?{message:t,code:"custom",input:n,inst:r}:{...t}}a($c,"issue");function Oh(e,t){for(let n in t){let r=Object.getOwnPropertyDescriptor(t,n);r.get?Object.defineProperty(e,n,{...r,enumerable:!1}):tb(e,n,r.value)}}a(Oh,"members");function Mn(e,t,n,r=!0){return Object.defineProperty(e,t,{configurable:!0,writable:!0,enumerable:r,value:n}),n}a(Mn,"own");function Lh(e,t,n){return Mn(e,t,n,!1)}a(Lh,"hide");function tb(e,t,n){Object.defineProperty(e,t,{configurable:!0,get(){return this==null?n:Mn(this,t,n.bind(this))},set(r){Mn(this,t,r)}})}a(tb,"defineBound");function nb(e,t){let n=Object.getPrototypeOf(e);return t in n?void 0:n}a(nb,"claim");var gc,En=!1,rb={configurable:!0,get(){En=!0}};function Zt(e,t,n){let r=Object.getPrototypeOf(e._zod);if(t in r&&gc!==e._zod){gc=void 0;return}gc=e._zod,Object.defineProperty(r,t,{configurable:!0,get(){Object.defineProperty(this,t,rb);let i=En;En=!1;try{let o=n(this);return En?delete this[t]:Object.defineProperty(this,t,{configurable:!0,writable:!0,value:o}),En=En||i,o}catch(o){throw delete this[t],En=En||i,o}},set(i){Object.defineProperty(this,t,{configurable:!0,writable:!0,value:i})}})}a(Zt,"defineLazyInternal");function Uh(e,t,n,r){let i=nb(e,t);i&&Object.defineProperty(i,t,{configurable:!0,get(){let o={configurable:!0,writable:!0,enumerable:r,value:void 0};return Object.defineProperty(this,t,o),o.value=n(this),Object.defineProperty(this,t,o),o.value},set(o){Object.defineProperty(this,t,{configurable:!0,writable:!0,enumerable:r,value:o})}})}a(Uh,"installLazyProp");var Dh;var xc={value:void 0,enumerable:!1},Hh="captureStackTrace"in Error?Error:null;function ib(e){let t=Hh;if(t){let n=t.stackTraceLimit;if(typeof n=="number"){try{t.stackTraceLimit=0}catch{return Hh=null,new e}try{return new e}finally{t.stackTraceLimit=n}}}return new e}a(ib,"newError");function Xe(e,t,n,r){let i={};function o(_){this.def=_,this.constr=h,this.traits=new Set}a(o,"Internals"),o.prototype=i;let s=n,c=s&&new WeakSet;function u(_,A){if(_._zod){if(_._zod.traits.has(e))return}else{xc.value=new o(A);try{Object.defineProperty(_,"_zod",xc)}finally{xc.value=void 0}}if(_._zod.traits.add(e),t(_,A),c){let b=Object.getPrototypeOf(_),x=_._zod.constr.prototype,E=b;for(;E&&E!==x;)E=Object.getPrototypeOf(E);let B=E??b;c.has(B)||(c.add(B),Oh(B,s))}let w=h.prototype;for(let b in w)Object.prototype.hasOwnProperty.call(w,b)&&(b in _||(_[b]=w[b].bind(_)))}a(u,"init");let l=r?.Parent??Object;class d extends l{static{a(this,"Definition")}}Object.defineProperty(d,"name",{value:e});function h(_){let A=r?.Parent?ib(d):this;u(A,_);let w=A._zod.deferred;if(w){for(let x of w)x();A._zod.deferred=void 0}let b=globalThis.__zod_globalConfig?.postProcessor;return b&&b(A),A}return a(h,"_"),Object.defineProperty(h,"init",{value:u}),Object.defineProperty(h,Symbol.hasInstance,{value:a(_=>r?.Parent&&_ instanceof r.Parent?!0:_?._zod?.traits?.has(e),"value")}),Object.defineProperty(h,"name",{value:e}),h}a(Xe,"$constructor");var tn=class extends Error{static{a(this,"$ZodAsyncError")}constructor(){super("Encountered Promise during synchronous parse. Use .parseAsync() instead.")}},Lo=class extends Error{static{a(this,"$ZodEncodeError")}constructor(t){super(`Encountered unidirectional transform during encode: ${t}`),this.name="ZodEncodeError"}};(Dh=globalThis).__zod_globalConfig??(Dh.__zod_globalConfig={});var yi=globalThis.__zod_globalConfig;function xr(e){return e&&Object.assign(yi,e),yi}a(xr,"config");function ob(){let e=this._zod;return e.message??(e.message=JSON.stringify(e.def,kh,2)),e.message}a(ob,"_getMessage");function sb(e){this._zod.message=e}a(sb,"_setMessage");var ab={get:ob,set:sb,enumerable:!0,configurable:!0},kc={value:void 0,enumerable:!1},zh=new WeakSet([Object.prototype,Error.prototype]),Mh=a((e,t)=>{e.name="$ZodError",kc.value=t,Object.defineProperty(e,"issues",kc),kc.value=void 0,Object.defineProperty(e,"message",ab);let n=Object.getPrototypeOf(e);zh.has(n)||(zh.add(n),Object.defineProperty(n,"toString",{configurable:!0,enumerable:!1,get(){let r=a(()=>this.message,"value");return Object.defineProperty(this,"toString",{value:r,configurable:!0,writable:!0}),r},set(r){Object.defineProperty(this,"toString",{value:r,configurable:!0,writable:!0})}}))},"initializer"),Fk=Xe("$ZodError",Mh),bi=Xe("$ZodError",Mh,void 0,{Parent:Error});var ub=a(e=>{let t=a((n,r,i,o)=>{let s=i?{...i,async:!1}:{async:!1},c=n._zod.run({value:r,issues:[]},s);if(c instanceof Promise)throw new tn;if(c.issues.length){let u=new(o?.Err??e)(c.issues.map(l=>wr(l,s,xr())));throw yc(u,o?.callee??t),u}return c.value},"fn");return t},"_parse"),Sc=ub(bi),lb=a(e=>{let t=a(async(n,r,i,o)=>{let s=i?{...i,async:!0}:{async:!0},c=n._zod.run({value:r,issues:[]},s);if(c instanceof Promise&&(c=await c),c.issues.length){let u=new(o?.Err??e)(c.issues.map(l=>wr(l,s,xr())));throw yc(u,o?.callee??t),u}return c.value},"fn");return t},"_parseAsync"),Ic=lb(bi),fb=a(e=>(t,n,r)=>{let i=r?{...r,async:!1}:{async:!1},o=t._zod.run({value:n,issues:[]},i);if(o instanceof Promise)throw new tn;return o.issues.length?Fh(e,o.issues,i):{success:!0,data:o.value}},"_safeParse"),vc=fb(bi);function Fh(e,t,n){let r;return{success:!1,get error(){return r||(r=new e(t.map(i=>wr(i,n,xr()))),t=void 0,n=void 0),r},set error(i){r=i,t=void 0,n=void 0}}}a(Fh,"failure");var db=a(e=>async(t,n,r)=>{let i=r?{...r,async:!0}:{async:!0},o=t._zod.run({value:n,issues:[]},i);return o instanceof Promise&&(o=await o),o.issues.length?Fh(e,o.issues,i):{success:!0,data:o.value}},"_safeParseAsync"),Cc=db(bi);var Qh=/^[\s\S]{0,}$/;var Er=Xe("$ZodCheck",(e,t)=>{var n;e._zod??(e._zod={}),e._zod.def=t,(n=e._zod).onattach??(n.onattach=[])});var Wh=Xe("$ZodCheckStringFormat",(e,t)=>{var n,r;Er.init(e,t),t.pattern?(n=e._zod).check??(n.check=i=>{t.pattern.lastIndex=0,!t.pattern.test(i.value)&&i.issues.push({origin:"string",code:"invalid_format",format:t.format,input:i.value,...t.pattern?{pattern:t.pattern.toString()}:{},inst:e,continue:!t.abort})}):(r=e._zod).check??(r.check=()=>{})}),jh=Xe("$ZodCheckRegex",(e,t)=>{Wh.init(e,t),e._zod.check=n=>{t.pattern.lastIndex=0,!t.pattern.test(n.value)&&n.issues.push({origin:"string",code:"invalid_format",format:"regex",input:n.value,pattern:t.pattern.toString(),inst:e,continue:!t.abort})}});var Gh={major:4,minor:6,patch:7};var nn=Xe("$ZodType",(e,t)=>{var n;e??(e={}),e._zod.def=t,e._zod.bag=e._zod.bag||{},e._zod.version=Gh;let r=e._zod.def.checks,i=e._zod.traits.has("$ZodCheck")?[e,...r??[]]:r?.length?[...r]:[];for(let o of i)for(let s of o._zod.onattach)s(e);if(i.length===0)(n=e._zod).deferred??(n.deferred=[]),e._zod.deferred?.push(()=>{e._zod.run=e._zod.parse});else{let o=a((c,u,l)=>{if(c.memo)return c;let d=Fn(c),h;for(let _ of u){if(_._zod.def.when){if(Nh(c)||!_._zod.def.when(c))continue}else if(d)continue;let A=c.issues.length,w=_._zod.check(c);if(w instanceof Promise&&l?.async===!1)throw new tn;if(h||w instanceof Promise)h=(h??Promise.resolve()).then(async()=>{await w,c.issues.length!==A&&(wc(c.issues,A,e),d||(d=Fn(c,A)))});else{if(c.issues.length===A)continue;wc(c.issues,A,e),d||(d=Fn(c,A))}}return h?h.then(()=>c):c},"runChecks"),s=a((c,u,l)=>{if(Fn(c))return c.aborted=!0,c;let d=o(u,i,l);if(d instanceof Promise){if(l.async===!1)throw new tn;return d.then(h=>e._zod.parse(h,l))}return e._zod.parse(d,l)},"handleCanaryResult");e._zod.run=(c,u)=>{if(u.skipChecks)return e._zod.parse(c,u);if(u.direction==="backward"){let d=e._zod.parse({value:c.value,issues:[]},{...u,skipChecks:!0});return d instanceof Promise?d.then(h=>s(h,c,u)):s(d,c,u)}let l=e._zod.parse(c,u);if(l instanceof Promise){if(u.async===!1)throw new tn;return l.then(d=>o(d,i,u))}return o(l,i,u)}}},{get"~standard"(){return Lh(this,"~standard",pb(this))},set"~standard"(e){Mn(this,"~standard",e)}}),Vh=a((e,t)=>e.issues.length?{issues:e.issues.map(n=>wr(n,t,xr()))}:{value:e.value},"toStandardResult");async function hb(e,t){let n={async:!0};return Vh(await e._zod.run({value:t,issues:[]},n),n)}a(hb,"validateAsync");function pb(e){return{validate:a(t=>{let n={async:!1};try{let r=e._zod.run({value:t,issues:[]},n);if(!(r instanceof Promise))return Vh(r,n)}catch{}return hb(e,t)},"validate"),vendor:"zod",version:1}}a(pb,"standardProps");var Jh=Xe("$ZodString",(e,t)=>{nn.init(e,t),e._zod.pattern=t.pattern??Qh,e._zod.parse=(n,r)=>{if(t.coerce)try{n.value=String(n.value)}catch{}return typeof n.value=="string"||n.issues.push({expected:"string",code:"invalid_type",input:n.value,inst:e}),n}});function Do(e,t,n,r,i,o){let s=n in r,c=o==="optional";if(!(!s&&c&&i==="optional")){if(e.issues.length){if(i!==void 0&&c&&!s)return;t.issues.push(...Ph(n,e.issues))}if(!s&&i===void 0){e.issues.length||t.issues.push({code:"invalid_type",expected:"nonoptional",input:void 0,path:[n]});return}e.value===void 0?(s||i==="defaulted"&&!c)&&(t.value[n]=void 0):t.value[n]=e.value}}a(Do,"handlePropertyResult");var _b=[];function gb(e){let t=Object.keys(e.shape),n=Object.getOwnPropertySymbols(e.shape),r=n.length?n:_b,i=r.length?[...t,...r]:t;for(let s of i)if(!e.shape?.[s]?._zod?.traits?.has("$ZodType"))throw new Error(`Invalid element at key "${String(s)}": expected a Zod schema`);let o=Th(e.shape);return{...e,allKeys:i,symbolKeys:r,keySet:new Set(t),numKeys:t.length,optionalKeys:new Set(o)}}a(gb,"normalizeDef");function mb(e,t,n,r,i,o,s){let c=[],u=i.keySet,l=i.catchall._zod,d=l.def.type,h=l.optin,_=l.optout,A=0;for(let w in t){if(s&&n.issues.length!==A){if(Fn(n,A))break;A=n.issues.length}if(u.has(w))continue;if(w==="__proto__"){d==="never"&&c.push(w);continue}if(d==="never"){c.push(w);continue}let b=l.run({value:t[w],issues:[]},r);b instanceof Promise?e.push(b.then(x=>Do(x,n,w,t,h,_))):Do(b,n,w,t,h,_)}return c.length&&n.issues.push({code:"unrecognized_keys",keys:c,input:t,inst:o,continue:!0}),e.length?Promise.all(e).then(()=>n):n}a(mb,"handleCatchall");var ep=Xe("$ZodObject",(e,t)=>{nn.init(e,t);let n=Object.getOwnPropertyDescriptor(t,"shape"),r=n?.get?n.get.raw:t.shape??{};if(r){let l=a(()=>{let d={...r};return Object.defineProperty(t,"shape",{value:d}),l.raw=d,d},"get");l.raw=r,Object.defineProperty(t,"shape",{get:l})}let i=Sh(()=>gb(t));Zt(e,"propValues",l=>{let d=l.def.shape,h={};for(let _ in d){let A=d[_]._zod;if(A.values){Object.prototype.hasOwnProperty.call(h,_)||vh(h,_,new Set);for(let w of A.values)h[_].add(w);A.optin!==void 0&&h[_].add(void 0)}}return h});let o=Po,s=t.catchall,c,u=yi.memoizer;u?.attach(e),e._zod.parse=(l,d)=>{c??(c=i.value);let h=l.value;if(!o(h))return l.issues.push({expected:"object",code:"invalid_type",input:h,inst:e}),l;l.value=u?u.alloc(e,l,{},d):{};let _=[],A=c.shape,w=d?.abortEarly,b=l.issues.length;for(let x of c.allKeys){if(w&&l.issues.length!==b){if(Fn(l,b))break;b=l.issues.length}if(x==="__proto__")continue;let E=A[x],B=E._zod.optin,M=E._zod.optout,N=E._zod.run({value:h[x],issues:[]},d);N instanceof Promise?_.push(N.then(G=>Do(G,l,x,h,B,M))):Do(N,l,x,h,B,M)}return s?mb(_,h,l,d,i.value,e,w===!0):_.length?Promise.all(_).then(()=>l):l}});var tp=Xe("$ZodEnum",(e,t)=>{nn.init(e,t);let n=Ac(t.entries),r=new Set(n);e._zod.values=r,Zt(e,"pattern",i=>{let o=Ac(i.def.entries).filter(s=>Bh.has(typeof s));return new RegExp(o.length?`^(${o.map(s=>Rh(s.toString())).join("|")})$`:"^[^\\s\\S]$")}),e._zod.parse=(i,o)=>{let s=i.value;return r.has(s)||i.issues.push({code:"invalid_value",values:n,input:s,inst:e}),i}});var np=Xe("$ZodTransform",(e,t)=>{nn.init(e,t),e._zod.optin="optional",yi.memoizer?.guard(e),e._zod.parse=(n,r)=>{if(r.direction==="backward")throw new Lo(e.constructor.name);let i=t.transform(n.value,n);if(r.async)return(i instanceof Promise?i:Promise.resolve(i)).then(s=>(n.value=s,n));if(i instanceof Promise)throw new tn;return n.value=i,n}});function qh(e,t){return e.value=t.issues.length?void 0:t.value,e}a(qh,"handleOptionalResult");var rp=Xe("$ZodOptional",(e,t)=>{nn.init(e,t),Zt(e,"optin",n=>n.def.innerType._zod.optin==="defaulted"?"defaulted":"optional"),e._zod.optout="optional",Zt(e,"values",n=>{let r=n.def.innerType._zod.values;return r?new Set([...r,void 0]):void 0}),Zt(e,"pattern",n=>{let r=n.def.innerType._zod.pattern;return r?new RegExp(`^(${Ih(r.source)})?$`):void 0}),e._zod.parse=(n,r)=>{if(n.value===void 0){if(t.innerType._zod.optin!=="defaulted")return n;let i=t.innerType._zod.run({value:n.value,issues:[]},r);return i instanceof Promise?i.then(o=>qh(n,o)):qh(n,i)}return t.innerType._zod.run(n,r)}});var ip=Xe("$ZodDefault",(e,t)=>{nn.init(e,t),e._zod.optin="defaulted",Zt(e,"values",n=>n.def.innerType._zod.values),e._zod.parse=(n,r)=>{if(r.direction==="backward")return t.innerType._zod.run(n,r);if(n.value===void 0)return n.value=t.defaultValue,n;let i=t.innerType._zod.run(n,r);return i instanceof Promise?i.then(o=>Yh(o,t)):Yh(i,t)}});function Yh(e,t){return e.value===void 0&&(e.value=t.defaultValue),e}a(Yh,"handleDefaultResult");var op=Xe("$ZodPipe",(e,t)=>{nn.init(e,t),Zt(e,"values",n=>n.def.in._zod.values),Zt(e,"optin",n=>n.def.in._zod.optin),Zt(e,"optout",n=>n.def.out._zod.optout),Zt(e,"propValues",n=>n.def.in._zod.propValues),e._zod.parse=(n,r)=>{if(r.direction==="backward"){let o=t.out._zod.run(n,r);return o instanceof Promise?o.then(s=>Uo(s,t.in,r)):Uo(o,t.in,r)}let i=t.in._zod.run(n,r);return i instanceof Promise?i.then(o=>Uo(o,t.out,r)):Uo(i,t.out,r)}});function Uo(e,t,n){return e.issues.some(r=>r.code!=="unrecognized_keys")?(e.aborted=!0,e):t._zod.run({value:e.value,issues:e.issues},n)}a(Uo,"handlePipeResult");var sp=Xe("$ZodCustom",(e,t)=>{Er.init(e,t),nn.init(e,t),e._zod.parse=(n,r)=>n,e._zod.check=n=>{let r=n.value,i=t.fn(r);if(i instanceof Promise)return i.then(o=>Xh(o,n,r,e));Xh(i,n,r,e)}});function Xh(e,t,n,r){if(!e){let i={code:"custom",input:n,inst:r,path:[...r._zod.def.path??[]],continue:!r._zod.def.abort};r._zod.def.params&&(i.params=r._zod.def.params),t.issues.push($c(i))}}a(Xh,"handleRefineResult");function Ab(e){return e.checks&&(e.checks=[...e.checks]),e}a(Ab,"snapshotChecks");function ap(e,t){return new e(Ab({type:"string",...kn(t)}))}a(ap,"_string");function Bc(e,t){return new jh({check:"string_format",format:"regex",...kn(t),pattern:e})}a(Bc,"_regex");function cp(e,t,n){return new e({type:"custom",check:"custom",fn:t,...kn(n)})}a(cp,"_refine");var Sn=Xe("ZodMiniType",(e,t)=>{if(!e._zod)throw new Error("Uninitialized schema in ZodMiniType.");nn.init(e,t),e.def=t,e.type=t.type},{get with(){return this.check},set with(e){Mn(this,"with",e)},parse(e,t){return Sc(this,e,t,{callee:this.parse})},parseAsync(e,t){return Ic(this,e,t,{callee:this.parseAsync})},safeParse(e,t){return vc(this,e,t)},safeParseAsync(e,t){return Cc(this,e,t)},check(...e){let t=this.def;return this.clone({...t,checks:[...t.checks??[],...e.map(n=>typeof n=="function"?{_zod:{check:n,def:{check:"custom"},onattach:[]}}:n)]},{parent:!0})},clone(e,t){return Oo(this,e,t)},brand(){return this},register(e,t){return e.add(this,t),this},apply(e,...t){return t.length===0?e(this):e(this,...t)}}),bb=Xe("ZodMiniString",(e,t)=>{Jh.init(e,t),Sn.init(e,t)});function rn(e){return ap(bb,e)}a(rn,"string");var wb=Xe("ZodMiniObject",(e,t)=>{ep.init(e,t),Sn.init(e,t),Uh(e,"shape",n=>n._zod.def.shape,!1)});function Ho(e,t){let n={type:"object",shape:e??{},...kn(t)};return new wb(n)}a(Ho,"object");var $b=Xe("ZodMiniEnum",(e,t)=>{tp.init(e,t),Sn.init(e,t),e.options=[...e._zod.values]});function zo(e,t){let n=Array.isArray(e)?Object.fromEntries(e.map(r=>[r,r])):e;return new $b({type:"enum",entries:n,...kn(t)})}a(zo,"_enum");var xb=Xe("ZodMiniTransform",(e,t)=>{np.init(e,t),Sn.init(e,t)});function kr(e){return new xb({type:"transform",transform:e})}a(kr,"transform");var Eb=Xe("ZodMiniOptional",(e,t)=>{rp.init(e,t),Sn.init(e,t)});function bt(e){return new Eb({type:"optional",innerType:e})}a(bt,"optional");var kb=Xe("ZodMiniDefault",(e,t)=>{ip.init(e,t),Sn.init(e,t)});function on(e,t){return new kb({type:"default",innerType:e,get defaultValue(){return typeof t=="function"?t():bc(t)}})}a(on,"_default");var Sb=Xe("ZodMiniPipe",(e,t)=>{op.init(e,t),Sn.init(e,t)});function Sr(e,t){return new Sb({type:"pipe",in:e,out:t})}a(Sr,"pipe");var Ib=Xe("ZodMiniCustom",(e,t)=>{sp.init(e,t),Sn.init(e,t)});function up(e,t){let n=new Er({check:"custom",...kn(t)});return n._zod.check=e,n}a(up,"check");function Qn(e,t={}){return cp(Ib,e,t)}a(Qn,"refine");function In(e,t){let n=e.map(o=>o.slice(o.indexOf("=")+1)),r=t&&URL.canParse(t)?{url:t,shown:vn(t),values:Bb(t)}:void 0,i=[...new Set([...n,...r?.values??[]].flatMap(Rb))].filter(o=>o.length>=4).sort((o,s)=>s.length-o.length);return o=>{let s=r&&r.url!==r.shown?o.replaceAll(r.url,r.shown):o;return i.reduce((c,u)=>Pb(c.replaceAll(u,"***"),u),s)}}a(In,"hiding");function vn(e){if(!URL.canParse(e))return"(a malformed URL)";let[,t="",n=""]=/^([a-z][a-z0-9+.-]*:\/\/)?(.*)$/is.exec(e)??[],[r="",...i]=(n.split("#")[0]??"").split("?"),o=/^[^/]*@/,s=i.join("?"),c=s.split("&").map(u=>u.includes("=")?`${u.slice(0,u.indexOf("="))}=***`:"***");return`${t}${r.replace(o,"")}${s===""?"":`?${c.join("&")}`}`}a(vn,"shownUrl");function Bb(e){let{search:t,searchParams:n,username:r,password:i,hash:o}=new URL(e),s=a(u=>{try{return decodeURIComponent(u)}catch{return u}},"decoded"),c=t.slice(1).split("&").map(u=>u.slice(u.indexOf("=")+1));return[...n.values(),...c,r,i,o.slice(1)].flatMap(u=>[u,s(u)])}a(Bb,"queryValues");function Rb(e){let t=JSON.stringify(e).slice(1,-1),n=a((u,l)=>l.replace(u,d=>`\\u${d.charCodeAt(0).toString(16).padStart(4,"0")}`),"unicode"),r=Buffer.from(e).toString(),i=encodeURIComponent(r),o=i.replace(/%[0-9A-F]{2}/g,u=>u.toLowerCase()),s=i.replace(/[!'()*]/g,u=>`%${u.charCodeAt(0).toString(16).toUpperCase()}`),c=[e,e.replaceAll("'","'\\''"),e.replaceAll("'",`'"'"'`),e.replace(/["$`\\]/g,"\\$&"),e.replace(/['\\]/g,"\\$&"),e.replace(/[^A-Za-z0-9_@%+=:,./\n-]/g,"\\$&"),e.replace(/[^A-Za-z0-9_@%+=:,./\n\u0080-\uffff-]/g,"\\$&"),Tb(e.replace(/['\\]/g,"\\$&")),t,t.replaceAll("/","\\/"),n(/[<>&]/g,t),n(/[^\0-\x7f]/g,t),n(/[^\0-\x7f<>&]|[<>&]/g,t)];return[...c,...c.map(u=>u.replaceAll("\\","\\\\")),i,o,s,Rc(i),Rc(o),Rc(s),encodeURI(r),...Nb(e)]}a(Rb,"formsOf");function Tb(e){return e.replace(/[\u0080-\uffff]+/g,t=>[...Buffer.from(t)].map(n=>`\\${n.toString(8)}`).join(""))}a(Tb,"octal");function Rc(e){return e.replaceAll("%20","+")}a(Rc,"encodedAsForm");function Nb(e){let t=e.replaceAll("&","&amp;").replaceAll("<","&lt;").replaceAll(">","&gt;");return[t,t.replaceAll('"',"&quot;").replaceAll("'","&#39;"),t.replaceAll('"',"&#34;").replaceAll("'","&#39;"),t.replaceAll('"',"&quot;").replaceAll("'","&#x27;")]}a(Nb,"htmlForms");function Pb(e,t){if(e.length<8)return e;if(t.includes(e))return"***";let n=lp(e.slice(0,8),t).map(o=>t.slice(o)).find(o=>e.startsWith(o)),r=n===void 0?e:`***${e.slice(n.length)}`,i=lp(r.slice(-8),t).map(o=>t.slice(0,o+8)).findLast(o=>r.endsWith(o));return i===void 0?r:`${r.slice(0,-i.length)}***`}a(Pb,"withoutPieces");function lp(e,t){let n=[];for(let r=t.indexOf(e);r>=0;r=t.indexOf(e,r+1))n.push(r);return n}a(lp,"placesOf");var Gt=a(()=>bt(rn()),"optional");function vt(e,t){let n=e instanceof RegExp?r=>e.test(r):e;return rn().check(Qn(n,{error:a(({input:r})=>`expected ${t}, got '${r}'`,"error")}))}a(vt,"matching");function dp(){return rn().check(Qn(ll,{error:a(({input:e})=>`expected an http or https URL without a user in it, got '${vn(String(e))}'`,"error")}))}a(dp,"httpUrl");function Ir(e,t){return bt(Nc(e,t,!0))}a(Ir,"wholeNumber");function vr(e,t,n){return on(Nc(t,n,!0),e)}a(vr,"wholeNumberOr");function hp(e,t,n){return on(Nc(t,n,!1),e)}a(hp,"secondsOr");function Cr(e){return on(Sr(rn().check(Qn(t=>/^(true|false)$/i.test(t),{error:a(({input:t})=>`expected true or false, got '${t}'`,"error")})),kr(t=>t.toLowerCase()==="true")),e)}a(Cr,"flagOr");function Br(e){return on(zo(e,{error:a(({input:t})=>`expected ${e.join(", ")}, got '${t}'`,"error")}),e[0])}a(Br,"choice");function pp(){return gp(Tc)}a(pp,"lines");function _p(){return gp(e=>e.split(`
`).filter(t=>t.trim()!==""))}a(_p,"literalLines");function gp(e){return on(Sr(rn(),kr(e)),[])}a(gp,"linesBy");function Tc(e){return e.split(`
`).map(t=>t.trim()).filter(t=>t!=="")}a(Tc,"splitLines");function Nc(e,t,n){let r=n?"a whole number":"a number";return Sr(rn().check(Qn(i=>(n?/^\d{1,15}$/:/^\d{1,12}(\.\d{1,6})?$/).test(i)&&+i>=e&&+i<=t,{error:a(({input:i})=>`expected ${r} from ${e} to ${t}, got '${i}'`,"error")})),kr(i=>Number(i)))}a(Nc,"numberText");var Oc={host:rn().check(Qn(e=>Pc(e).length>0&&Pc(e).every(t=>Mo(t)!==void 0),{error:a(({input:e})=>`expected a host, user@host, user@host:port or alias per line, got '${e}'`,"error")})),user:bt(rn().check(Bc(/^[^\s:@]+$/,"expected the name of an account"))),port:Ir(1,65535),"ssh-key":Gt(),"ssh-key-passphrase":Gt(),"known-hosts":Gt(),"host-key-checking":bt(zo(["strict","accept-new","insecure"],{error:a(({input:e})=>`expected strict, accept-new or insecure, got '${e}'`,"error")})),"ssh-config":Gt(),"proxy-jump":bt(vt(e=>e.split(",").every(t=>Mo(t)!==void 0),"user@host:port[,…]")),sudo:Br(["auto","always","never"]),container:bt(vt(e=>No(e)!==void 0,"lxd:NAME, incus:NAME, docker:NAME or podman:NAME")),"connect-timeout-seconds":Ir(1,600),"keepalive-seconds":Ir(1,600)},pC=Ho(Oc);function mp(e){return Pc(e.host).map(t=>({...e,host:t}))}a(mp,"connectionsOf");function Pc(e){return[...new Set(Tc(e))]}a(Pc,"hostsOf");function Mo(e){let t=/^(?:ssh:\/\/)?(?:(?<user>[^@\s:/]+)@)?(?:\[(?<v6>[0-9a-f:.]+(?:%[\w.-]+)?)\]|(?<host>[^@\s:/[\]-][^@\s:/[\]]*))(?::(?<port>\d{1,5}))?\/?$/i.exec(e.trim()),n=/^(?:(?<user>[^@\s:/]+)@)?(?<v6>[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*)$/i.exec(e.trim()),r=(t??n)?.groups,i=r?.port===void 0?void 0:Number(r.port);if(!(!r||i===0||(i??1)>65535))return{user:r.user,host:r.v6??r.host??"",port:i}}a(Mo,"parseHost");function yp(e,t,n){let r=a(_=>t.get(_)?.[0],"one"),{container:i}=n,o=n.user??e.user??r("user")??n.localUser,s=n.port??e.port??Lc(r("port"),"Port")??22,c=(r("hostname")??"%h").replaceAll("%h",e.host).replaceAll("%%","%"),u={"%":"%",d:n.home,h:c,p:String(s),r:o,u:n.localUser,n:e.host},l=a(_=>_.replace(/^~(?=\/|$)/,n.home).replace(/%([%dhprun])/g,(A,w)=>u[w]??"").replace(/\$\{(\w+)\}/g,(A,w)=>bp(w,n)),"path"),d=[...t.keys()].filter(_=>_==="proxyjump"||_==="proxycommand"),h=n.proxyJump===void 0?d[0]:void 0;if(h==="proxycommand"&&r(h)?.toLowerCase()!=="none")throw new Lt(`ProxyCommand is set for ${e.host}, which is not supported; use ProxyJump`);return{written:e.host,user:o,host:c,port:s,name:`${o}@${c.includes(":")?`[${c}]`:c}:${s}${i?`/${i.kind}:${i.name}`:""}`,container:i,hostKeyAlias:r("hostkeyalias"),identityFiles:(t.get("identityfile")??[]).filter(_=>_.toLowerCase()!=="none").map(l),identitiesOnly:r("identitiesonly")?.toLowerCase()==="yes",agent:Ob(r("identityagent"),n,l),knownHostsFiles:(t.get("userknownhostsfile")??["~/.ssh/known_hosts","~/.ssh/known_hosts2"]).concat(t.get("globalknownhostsfile")??["/etc/ssh/ssh_known_hosts"]).filter(_=>_.toLowerCase()!=="none").map(l),strictHostKeyChecking:r("stricthostkeychecking")?.toLowerCase(),connectTimeoutSeconds:n.connectTimeoutSeconds??(Ap(r("connecttimeout"),"ConnectTimeout")||15),keepaliveSeconds:n.keepaliveSeconds??(Ap(r("serveraliveinterval"),"ServerAliveInterval")||5),keepaliveMissed:Lc(r("serveralivecountmax"),"ServerAliveCountMax")||3,jumps:(n.proxyJump??(h==="proxyjump"?r(h):void 0)??"").split(",").map(_=>_.trim()).filter(_=>_!==""&&_.toLowerCase()!=="none")}}a(yp,"resolveTarget");function bp(e,{env:t}){let n=t(e);if(n===void 0)throw new Lt(`the environment variable ${e} is not set`);return n}a(bp,"variable");function Ob(e,t,n){return e===void 0||e==="SSH_AUTH_SOCK"?t.env("SSH_AUTH_SOCK"):/^\$\w+$/.test(e)?bp(e.slice(1),t):e.toLowerCase()==="none"?void 0:n(e)}a(Ob,"agentOf");function Lc(e,t){if(!(e===void 0||e.toLowerCase()==="none")){if(!/^\d+$/.test(e))throw new Lt(`${t} '${e}' is no number`);return Number(e)}}a(Lc,"numberOf");function Ap(e,t){if(e===void 0||/^\d*$/.test(e)||e.toLowerCase()==="none")return Lc(e,t);if(!/^(\d+[smhdw])+$/i.test(e))throw new Lt(`${t} '${e}' is no time`);return[...e.toLowerCase().matchAll(/(\d+)([smhdw])/g)].reduce((r,[,i,o])=>r+Number(i)*(Lb[o??"s"]??1),0)}a(Ap,"secondsOf");var Lb={s:1,m:60,h:3600,d:86400,w:604800};function Uc(e,t,n){let r=n.env("HOME")??(0,Fo.homedir)(),i=Ub(n),o=Mo(e);if(o===void 0)throw wp(e,new Lt(`the jump host '${e}' is no user@host:port`));let s=t.user??o.user,c=t.container===void 0?void 0:No(t.container);try{let u=nh(oh(t["ssh-config"],r),{host:o.host,user:s,localUser:i,home:r,include:sh});return yp(o,u,{localUser:i,home:r,env:n.env,user:t.user,port:t.port,proxyJump:t["proxy-jump"],connectTimeoutSeconds:t["connect-timeout-seconds"],keepaliveSeconds:t["keepalive-seconds"],container:c&&{...c,sudo:t.sudo}})}catch(u){throw u instanceof Lt?wp(e,u):u}}a(Uc,"targetOf");function Ub(e){try{return(0,Fo.userInfo)().username}catch{return e.env("USER")??String(process.getuid?.())}}a(Ub,"accountName");function wp(e,t){return new Je({what:`Reading the SSH config for ${e}`,why:`${t.message}.`,remedy:"correct the config, or give another one with ssh-config."})}a(wp,"configFailure");var $p=3;async function Qo(e,t){let{log:n}=t;n.mask(e["ssh-key"]),n.mask(e["ssh-key-passphrase"]);let r=Uc(e.host,e,t);for(let i=1;;i+=1)try{return await Db(r,e,t)}catch(o){if(i>=$p||!(o instanceof Je)||!Cl(o.fields.cause)||t.signal.aborted)throw o;n.line(`Try ${i} of ${$p}: ${o.fields.why}`),await(0,xp.setTimeout)(i*(500+Math.random()*1e3),void 0,{signal:t.signal}).catch(()=>{})}}a(Qo,"connect");async function Db(e,t,n){let r=Ep(e,[],(s,{first:c})=>Uc(s,{...t,user:void 0,port:void 0,container:void 0,"proxy-jump":c?void 0:"none"},n)),i=[];try{for(let[s,c]of[...r,e].entries()){let u=i.at(-1),l=u?await Tl(u,c):void 0;i.push(await $h(c,{inputs:t,context:n,sock:l,jump:s<r.length}))}}catch(s){for(let c of i.reverse())await c[Symbol.asyncDispose]();throw s}let o=i.pop();return{...o,[Symbol.asyncDispose]:async()=>{await o[Symbol.asyncDispose]();for(let s of i.reverse())await s[Symbol.asyncDispose]()}}}a(Db,"connectThrough");function Ep(e,t,n){let r=e.jumps.filter(i=>!t.includes(i));return r.flatMap((i,o)=>{let s=n(i,{first:o===0});return[...Ep(s,[...t,...r],n),s]})}a(Ep,"hopsOf");var Up=require("node:crypto");var Hb=10,zb=5,Mb=64*1024,kp=60,Fb=10,Sp="its login shell did not run the command that it was given";async function Rr(e,t,n){let{container:r}=e.target,i=El(r?"host":n.sudo?"root":"login"),o=Yb(n,e),s={what:n.what,where:e.target.name,state:n.state},c=n.clean??(re=>re),u=vl(n.onSay),l,d=null,h="",_;try{l=await Promise.race([e.exec(i),o.passed]),n.another&&e.roundTripMs()>Hb&&e.prepare(i),l.setEncoding("utf8").on("data",u.push),l.stderr.setEncoding("utf8").on("data",W=>{u.count(W)||(h=(h+W).slice(-Mb))}),l.on("exit",W=>{d=W});let re=Qb(l),xe=e.lost.then(W=>W?.message??"the connection was closed"),z=u.ready.then(()=>Zb(l,e,t,n.payload)),q=Wb(l,u.ready);_=await Promise.race([re,u.ended,xe,z,q,o.passed,qb(n.signal)])}finally{o.stop(),l?.destroy()}let{said:A,complete:w,isReady:b,unfit:x,before:E,excess:B}=u.result();if(B)throw Ds(s,B);if(x)throw jb(e,n.what);_??=b?"the session ended before its last word":Sp;let M=Us(A,s,c),N=M.text("container_error");if(N!==void 0){let re=M.text("container_remedy")??"";throw new Je({what:"Entering the container",where:e.target.name,why:`${N}.`,remedy:re})}let G=A.length>0;return{answer:M,complete:w,begun:G,code:d,prose:c(G?h:E+h),cut:c(_)}}a(Rr,"runProgram");function Qb(e){return new Promise(t=>{e.on("close",()=>t(void 0)).on("error",()=>t(void 0))})}a(Qb,"onceClosed");function Ip(e,{what:t,state:n},r){let{container:i,name:o}=e.target,s=!i||r.begun;return new Je({what:t,where:o,why:s?`the answer was cut short: ${ft(r.cut)}.`:`the container can't be entered: ${ft(Kb(r.prose)??r.cut)}`,state:n,remedy:s?"check that the login shell runs commands passed to it (`ssh HOST true`); a start file such as ~/.bashrc must not end in `exec`.":`look on the host whether ${i?.name} exists, is running and has a /bin/sh.`,output:r.prose})}a(Ip,"notAnswered");function Kb(e){return e.trimEnd().split(`
`).at(-1)||void 0}a(Kb,"lastLine");function Wb(e,t){return new Promise(n=>{let r=setTimeout(()=>e.write(`${Ns}
`),Fb*1e3),i=setTimeout(n,kp*1e3,`${Sp} within ${kp} s`),o=a(()=>{clearTimeout(r),clearTimeout(i)},"stop");t.then(o),e.once("close",o)})}a(Wb,"notReady");function jb(e,t){return new Je({what:t,where:e.target.name,why:"/bin/sh there is a shell whose printf or local is not a builtin (such as mksh or ksh93).",state:"untouched. Nothing was sent to it.",remedy:"make /bin/sh dash, bash or busybox."})}a(jb,"unfitShell");function Zb(e,t,n,r){let{container:i}=t.target;return i&&e.write(Os(Eh(i,i.sudo))),Gb(e,n,r)}a(Zb,"sendAll");function Gb(e,t,n){return new Promise(r=>{e.write(Os(t)),n?n(e).catch(i=>r(i.message)):e.end()})}a(Gb,"send");function qb(e){return new Promise(t=>{let n=a(()=>setTimeout(()=>t(`the step was cancelled (${e?.reason})`),zb*1e3).unref(),"begin");e?.aborted?n():e?.addEventListener("abort",n,{once:!0})})}a(qb,"cancelled");function Yb({limitSeconds:e,what:t},n){let r;return{passed:new Promise((o,s)=>{r=setTimeout(()=>{s(new Je({what:t,where:n.target.name,why:`no end within ${e} s.`,remedy:"look at the load of the host, and at what its login shell does at start."}))},e*1e3)}),stop:a(()=>clearTimeout(r),"stop")}}a(Yb,"startLimit");var Hc=require("node:events");var zc=class extends Error{static{a(this,"StallError")}},Dc=2*2**20,Xb=50,Vb=.5,Jb=500;async function vp(e,t,{stallSeconds:n,onProgress:r}){let i=new AbortController,o=new AbortController,s,c=a(w=>{s??=w??new Error("the session was closed"),o.abort()},"fail");t.on("error",c).on("close",c);let u,l=a(()=>{clearTimeout(u),u=setTimeout(()=>i.abort(),n*1e3)},"moved"),d=AbortSignal.any([i.signal,o.signal]),h=e[Symbol.asyncIterator](),_=0,A=tw();l();try{for(;;){clearTimeout(u);let{value:x,done:E}=await ew(h.next(),d);if(l(),E)break;if(_+=x.length,!t.write(x)){let B=performance.now();await(0,Hc.once)(t,"drain",{signal:d}),A.add(_,performance.now()-B)}l(),r?.(_,A.rate(Jb))}let w=performance.now(),b=(0,Hc.once)(t,"finish",{signal:d});return t.end(),await b,A.add(_,performance.now()-w),{bytes:_,bytesPerSecond:A.rate(Xb)}}catch(w){throw i.signal.aborted?new zc(`no byte moved for ${n} s`):s??w}finally{clearTimeout(u),h.return?.().catch(()=>{}),t.off("error",c).off("close",c)}}a(vp,"upload");function ew(e,t){return new Promise((n,r)=>{let i=a(()=>r(t.reason),"abort");t.aborted&&i(),t.addEventListener("abort",i,{once:!0}),e.then(n,r).finally(()=>t.removeEventListener("abort",i))})}a(ew,"unlessAborted");function tw(){let e={bytes:Dc,at:performance.now(),waitedMs:0},[t,n]=[];return{add:a((r,i)=>{n={bytes:r,at:performance.now(),waitedMs:(n?.waitedMs??0)+i},t??=n},"add"),rate:a(r=>{if(!t||!n||n.bytes<=Dc)return;let i=n.bytes-t.bytes<Dc?e:t,[o,s]=[n.waitedMs-i.waitedMs,n.at-i.at];if(!(o<r||o<Vb*s))return(n.bytes-i.bytes)/s*1e3},"rate")}}a(tw,"openMarks");var Cp=`use strict;
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
close STDOUT or die "the new file can't be written: $!\\n";`;var Bp=`prelude() {
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
[ "$owner_user" != UNKNOWN ] || owner_user=$owner_uid
[ "$owner_group" != UNKNOWN ] || owner_group=\${owner_rest#*:}
}
name_of() {
name_of=
case $2 in
'' | *[!0-9]*) ;;
*) name_of=$({ getent "$1" "$2" || cat "/etc/$1"; } 2>/dev/null | sed -n "s/^\\([^:]*\\):[^:]*:$2:.*/\\1/p" | head -n 1) ;;
esac
name_of=\${name_of:-$2}
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
process_start() {
process_start=
process_parent=
process_stat=
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
find_deleted=
IFS=$newline
for find_line in $find_list; do
find_image=\${find_line#* }
find_pid=\${find_line%%/exe*}
find_pid=\${find_pid#/proc/}
case $find_images in
*" \${find_image% *} "*) find_matches="$find_matches $find_pid" ;;
*) case $find_image in *' 0') find_deleted="$find_deleted $find_pid" ;; esac ;;
esac
done
IFS=$usual_ifs
for find_pid in $find_matches; do sort_in "$find_pid"; done
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
find_comm=$1
while [ "\${#find_comm}" -gt 15 ]; do find_comm=\${find_comm%?}; done
for find_proc in /proc/[0-9]*; do
find_name=
{ IFS= read -r find_name <"$find_proc/comm"; } 2>/dev/null || continue
[ "$find_name" = "$find_comm" ] && ! readlink "$find_proc/exe" >/dev/null 2>&1 || continue
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
timed() {
timeout "$@" 9>&-
}
limited() {
timed "$@" </dev/null
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
[ "$1" != "$me_name" ] && [ "$1" != "$me" ] || return 0
user_groups=--init-groups
user_group=$(id -g "$1" 2>/dev/null) || user_group=$1 user_groups=--clear-groups
if command -v setpriv >/dev/null && setpriv --help 2>&1 | grep -q -- --reuid; then
user_words="setpriv --reuid=$1 --regid=$user_group $user_groups --"
elif chroot --help 2>&1 | grep -q -- --userspec; then
user_words="chroot --userspec=$1:$user_group /"
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
unit_load='' unit_active='' unit_sub='' unit_main=0 unit_restarts=0 unit_type='' unit_triggers='' unit_exit='' unit_result='' unit_uid=0
unit_running_uid=''
unit_error=
if ! unit_answer=$(systemctl_for "$2" show -p LoadState -p ActiveState -p SubState -p MainPID -p NRestarts -p Type -p TriggeredBy -p ExecMainStatus -p Result -p User -p UID -- "$1" 2>&1); then
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
User=?*) unit_uid=$unit_value ;;
UID=[0-9]*) unit_running_uid=$unit_value ;;
esac
done
case \${unit_running_uid:-$unit_uid} in
*[!0-9]*) unit_uid=$(id -u -- "$unit_uid" 2>/dev/null) || unit_uid= ;;
*) unit_uid=\${unit_running_uid:-$unit_uid} ;;
esac
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
owner_of .
state_phase=$(as_user "$owner_user" tail -n 1 journal)
case $state_phase in
phase=end) ;;
phase=*)
say unfinished "\${state_phase#phase=}"
state_run=$(as_user "$owner_user" head -n 1 journal)
say unfinished_run "\${state_run#transaction=}"
;;
esac
}
journal_open() {
{
printf 'transaction=%s\\n' "$in_run"
for journal_key in new_sha new_live new_image old_sha old_about old_live old_image was_running old_remembered old_words old_dir old_user old_uid old_log old_umask accounts restart unit unit_user sockets; do
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
new_sha=* | new_live=* | new_image=* | old_sha=* | old_about=* | old_live=* | old_image=* | was_running=* | old_remembered=* | old_words=* | old_dir=* | old_user=* | old_uid=* | old_log=* | old_umask=* | accounts=* | restart=* | unit=* | unit_user=* | sockets=*)
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
live_of_old() {
old_live=
case $(head -n 1 live 2>/dev/null) in "$old_sha "*) old_live=$(sed -n 2,4p live) ;; esac
old_live=\${old_live:-$newline$newline}
}
remember_live() {
live_run_as=
[ "$restart" != process ] || live_run_as=$run_user
printf '%s %s\\n' "$1" "$(stat -c '%d %i %s %Y %Z' "../$in_name")" >live.new
printf '%s\\n' "$2" "\${log_inode:-0} \${log_from:-0}" "$live_run_as" >>live.new
mv -f live.new live
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
digest() {
if command -v openssl >/dev/null; then
digest_line=$(openssl dgst -sha256 -r 2>/dev/null) || digest_line=
else
digest_line=$(sha256sum)
fi
printf '%s\\n' "\${digest_line%% *}"
}
keep_previous() {
[ -n "$old_sha" ] || return 0
rm -f "releases/$old_sha"
kept_now=$old_sha
ln "../$in_name" "releases/$old_sha" 2>/dev/null || cp -p "../$in_name" "releases/$old_sha" || return 1
if [ -L "releases/$old_sha" ] || [ ! -f "releases/$old_sha" ]; then
return 1
fi
is_seen "releases/$old_sha" || sha256_is "$old_sha" <"releases/$old_sha" || return 1
printf '%s %s %s\\n' "$old_about" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$in_run" >"releases/$old_sha.about"
sync "releases/$old_sha" "releases/$old_sha.about" releases
}
is_seen() {
case $in_seen in
"$(stat -c '%d %i %s %Y' "$1") "*) ;;
*) return 1 ;;
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
keep_attributes
printf '%s %s %s\\n' "$old_about" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$in_run" >"releases/$old_sha.about"
sync "$packed" "releases/$old_sha.about" releases
}
keep_attributes() {
ln "../$in_name" original 2>/dev/null || return 0
if [ ! -L original ] && is_seen original; then
kept_context=
[ ! -e /sys/fs/selinux/enforce ] || kept_context=,context
cp --attributes-only "--preserve=mode,xattr$kept_context" original "releases/$old_sha.like" 2>/dev/null || rm -f "releases/$old_sha.like"
fi
rm -f original
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
[ ! -f "releases/$1.like" ] || cp --attributes-only --preserve=mode,xattr "releases/$1.like" "$2" || return 1
chmod "$about_mode" "$2"
}
drop_release() {
rm -f "releases/$1" "releases/$1.zst" "releases/$1.gz" "releases/$1.like" "releases/$1.about"
}
prune_releases() {
drop_release "$1"
prune_seen=0
for prune_about in $(ls -t releases); do
case $prune_about in *.about) ;; *) continue ;; esac
prune_seen=$((prune_seen + 1))
[ "$prune_seen" -gt "$in_keep_releases" ] || continue
drop_release "\${prune_about%.about}"
done
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
http_answer=$(printf 'url = "%s"\\n' "$1" | curl -q -g -s -S -i --noproxy '*' --max-time "$2" -K - 2>&1 | http_cut)
http_read && return
http_error=\${http_answer#curl: }
http_error=\${http_error%%"$newline"*}
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
http_answer=$(printf 'GET %s HTTP/1.0\\r\\nHost: %s\\r\\nUser-Agent: health\\r\\nAccept: */*\\r\\nConnection: close\\r\\n\\r\\n' "$http_path" "$http_host" |
http_exchange "$2" 2>/dev/null | http_cut)
http_read && return
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
http_answer=$(http_wget "$2" -S -O /dev/null -- "$1" 2>&1 | http_cut)
case $http_answer in
*"  HTTP/"*" "[0-9][0-9][0-9]*)
http_status=\${http_answer#*"  HTTP/"}
http_status=\${http_status#* }
http_status=\${http_status%"\${http_status#???}"}
http_body=$(http_wget "$2" -q -O - -- "$1" 2>/dev/null | http_cut)
;;
*) http_error=\${http_answer##*"$newline"} ;;
esac
}
http_wget() (
unset http_proxy https_proxy
HOME=/dev/null
export HOME
http_seconds=$1
shift
timed "$http_seconds" wget "$@"
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
start_it() {
pid=
reaped=
adopted=
image_pid=
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
if [ "$run_dir" -ef .. ]; then quoted "./$in_name"; else quoted "$in_folder/$in_name"; fi
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
remember_present() {
find_executors
[ -z "$running" ] || was_running=yes
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
process_alive "$1" "$remember_start" && old_remembered=yes
}
environment_of() {
zero_words "/proc/$1/environ" '/^[A-Za-z_][A-Za-z0-9_]*=/!d; /^\\(UID\\|EUID\\|PPID\\|SHELLOPTS\\|BASHOPTS\\|BASH_VERSINFO\\|_\\)=/d'
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
if [ -n "$pid" ] && { [ "$pid" = "$image_pid" ] || executes "$pid" "$live_image"; }; then
image_pid=$pid
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
[ -z "$gone" ] && is_script && health_reason=
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
active/*) find_forked || main_is_script ;;
*) find_forked ;;
esac
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
is_script() {
[ "$(head -c 4 "../$in_name" | tail -c 3)" != ELF ]
}
main_is_script() {
[ -n "$pid" ] && is_script && health_reason=
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
reap "$command_pid"
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
[ -z "$pid" ] || process_start "$pid"
stable_start=\${process_start:-}
stable_restarts=\${unit_restarts:-0}
uptime_cs
stable_until=$((now_cs + in_stable_cs))
while :; do
uptime_cs
[ "$now_cs" -lt "$stable_until" ] || break
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
executes "$stable_pid" "$live_image" || is_script || { refused="pid $stable_pid now executes a different file"; return 1; }
image_of "../$in_name"
[ "$image" = "$live_image" ] || { refused="$in_folder/$in_name was replaced by another file within the stable window"; return 1; }
only_proved || return 1
health_check "$prove_contains" "$stable_pid" || { refused="no longer healthy after the stable window: $health_reason"; return 1; }
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
refused="pid $only_pid runs the file too, besides pid $stable_pid$started_by"
return 1
done
[ -z "$strangers" ] || say note "other accounts execute the file too: pid $strangers"
}
belongs_to() {
process_start "$2" && belongs_session=$process_session
belongs_pid=$1
process_start "$belongs_pid" || return 0
[ "$process_session" != "\${belongs_session:-none}" ] || return 0
while [ "\${belongs_pid:-0}" -gt 1 ]; do
[ "$belongs_pid" != "$2" ] || return 0
process_start "$belongs_pid" || return 1
belongs_pid=$process_parent
done
return 1
}
started_by() {
started_by=
process_start "$1" && [ "$process_parent" -gt 1 ] || return 0
started_name=
{ IFS= read -r started_name <"/proc/$process_parent/comm"; } 2>/dev/null
started_by="; pid $process_parent ($started_name) started it and may start it again"
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
find_running "\${PWD%/*}/$in_name" $old_image $new_image $back_image
}
dress() {
dress_like=
[ -z "$old_sha" ] || dress_like=releases/$old_sha
[ "$in_strategy" != in-place ] || [ ! -f "$dress_like.like" ] || dress_like=$dress_like.like
[ -z "$in_owner" ] || chown "$in_owner" incoming || { refused="the owner can't be set to $in_owner"; return 1; }
if [ -n "$dress_like" ] && [ -f "$dress_like" ]; then
if cp --attributes-only --preserve=mode,xattr "$dress_like" incoming 2>/dev/null; then
[ ! -e /sys/fs/selinux/enforce ] || cp --attributes-only --preserve=context "$dress_like" incoming 2>/dev/null || :
elif [ -n "$in_old_capabilities" ]; then
setcap "$in_old_capabilities" incoming || { refused="the capabilities $in_old_capabilities can't be carried over: neither GNU cp nor setcap does it here"; return 1; }
fi
elif [ -n "$in_old_capabilities" ] && [ -z "$in_capabilities" ]; then
setcap "$in_old_capabilities" incoming || { refused="the capabilities $in_old_capabilities can't be carried over"; return 1; }
fi
chmod "$in_mode" incoming || { refused="the mode can't be set to $in_mode"; return 1; }
if [ -n "$in_capabilities" ]; then
setcap "$in_capabilities" incoming || { refused="the capabilities $in_capabilities can't be set"; return 1; }
fi
sync incoming || { refused='the new file could not be written to disk'; return 1; }
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
room_left() {
IFS= read -r decode_error <decode.errors && printf ' (%s)' "$decode_error"
df -P . | { read -r _ && read -r _ _ _ df_free _ && printf '; %s kB are free in this folder' "$df_free"; }
rm -f decode.errors
}
take_release() {
restore_file "$in_sha256" || { refused="the release $in_sha256 is gone"; return 1; }
is_as_kept restored || return 1
mv -f restored incoming
}
prove_release() {
release_file "$in_sha256" || { refused="the release $in_sha256 is gone"; return 1; }
is_as_kept "$release_file"
}
is_as_kept() {
unpack "$1" | sha256_is "$in_sha256" && return 0
refused="the kept release $in_sha256 was changed since it was kept; it is not used"
return 1
}
copy_live() {
cp "releases/$old_sha" incoming && sha256_is "$in_sha256" <incoming && return 0
refused='the file changed while it was copied'
return 1
}
swap() {
failed=swap
[ "$in_encoding" != none ] || return 0
if [ "$in_strategy" = in-place ]; then
rm -f "../$in_name"
journal receive
obtain && dress || return 1
image_of incoming
new_image=$image
say new_image "$new_image" >>journal
fi
journal swap || { refused='the journal can not be written'; return 1; }
put_live incoming
}
obtain() {
case $in_encoding in
release | copy) take_release ;;
*) receive ;;
esac
}
put_live() {
[ ! "$1" -ef "../$in_name" ] || { rm -f "$1"; return 0; }
mv -fT "$1" "../$in_name" 2>/dev/null || { refused="the new file can't be renamed to $in_folder/$in_name"; return 1; }
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
if [ -n "$in_log_file" ] && [ -n "\${log_from:-}" ]; then
say output "$(as_user "$run_user" tail -c "+$((log_from + 1))" "$in_log_file" 2>/dev/null | tail -c 8000)"
fi
rm -f command.output start.errors
}
go_back() {
journal rollback
if nothing_happened; then
live_image=$old_image
if find_forked; then
keep_running
else
drop_release "\${old_sha:-none}"
finish staged
fi
return
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
live_image=$old_image
if ! live_is_old; then
rm -f incoming
if ! { restore_file "$old_sha" && image_of restored && back_image=$image && live_image=$image && put_live restored; }; then
leave_broken "the previous release $old_sha can't be put back"
return
fi
fi
rm -f restored
start_old
stable_phase=rollback-stable
if [ "$refused" = '' ] && prove ''; then
drop_release "$old_sha"
remember_live "$old_sha" "$old_live"
finish rolled-back
else
leave_broken "the previous version is in place again, but $refused"
fi
}
nothing_happened() {
[ "$failed" = stop ] && live_is_old || return 1
live_image=$old_image
[ "$was_running" != yes ] || find_forked
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
[ -n "$old_sha" ] || { [ ! -e "../$in_name" ]; return; }
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
run_uid=$old_uid
if [ "$old_remembered" != yes ]; then
run_words=$in_args
run_dir=$in_working_directory
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
activate() {
prepare_new
if stop_all_and_check; then
if swap && live_image=$new_image && start_new && prove yes; then
accept
return
fi
fi
[ "$in_rollback" = true ] || nothing_happened || { leave_broken 'going back is switched off (rollback: false)'; return; }
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
prepare_new() {
run_user=$in_run_as
run_uid=$in_run_uid
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
remember_live "$new_sha" "$new_live"
prune_releases "$new_sha"
finish active
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
follow_pause=1
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
follow_pause=1
done
[ -n "$follow_ended" ] || pause_cs "$follow_pause"
[ "$follow_pause" -ge 10 ] || follow_pause=$((follow_pause + 1))
done
say died yes
end
}
recover() {
journal_read || { finish untouched; return; }
trusted="$trusted $accounts"
recover_environment
case $journal_phase in
accept) keep_accepted ;;
*) go_back ;;
esac
}
recover_environment() {
known_live_image
find_executors
main_process "$old_uid"
old_env=
[ -z "$main_pid" ] || old_env=$(environment_of "$main_pid")
}
known_live_image() {
image_of "../$in_name"
[ -n "$image" ] && [ "$image" != "$old_image" ] && [ "$image" != "$new_image" ] || return 0
known_sum=$(digest <"../$in_name")
case $known_sum in
"$new_sha") new_image=$image ;;
"$old_sha") back_image=$image ;;
esac
}
keep_accepted() {
prepare_new
live_image=$new_image
command_pid=
reaped=
adopted=
uptime_cs
start_mark=$now_cs
stable_phase=accept
find_forked || start_it || :
if [ -z "$refused" ] && prove ''; then
remember_live "$new_sha" "$new_live"
finish active
else
stable_phase=rollback-stable
remember_failure
go_back
fi
}
revert() {
journal_read || { refused='the journal is gone'; leave_broken "$refused"; return; }
trusted="$trusted $accounts"
recover_environment
go_back
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
know_me
handed=
kept_now=
trap 'exit 130' HUP INT TERM PIPE
trap leave EXIT
enter_folder "$in_folder" && enter_state create || give_up refused
take_lock "$in_lock_timeout_seconds" || give_up locked "$lock_holder"
[ "$in_action" = revert ] || [ "$(seen)" = "$in_seen" ] || give_up changed
[ -d releases ] || mkdir releases
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
case $in_encoding in release | copy) exec 3<&- ;; esac
[ "$in_encoding" != release ] || prove_release || return 1
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
case $PWD in */".$in_name.deploy") rm -f incoming restored original decode.errors "releases/\${kept_now:-none}" "releases/\${kept_now:-none}.about" ;; esac
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
printf 'in_detached=yes\\\\ncore_limit=%s\\\\n%s' "$core_limit" "$line" |
exec $scope_words setsid /bin/sh -c 'line=$(cat); case $line in *#end) eval "$(printf %b "$line")"; esac' >progress 2>/dev/null &
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
know_me
begin
new_sha=$in_sha256
old_sha=$in_old_sha
old_about=$in_old_about
new_live=$in_workflow$newline$in_run_number$newline$in_run
live_of_old
restart=$in_restart
unit=$in_unit
unit_user=$in_unit_user
sockets=
if [ "$restart" = systemd ] && unit_facts "$unit" "$unit_user"; then sockets=$unit_triggers; fi
refused='' failed='' down_mark='' downtime_cs='' pid=''
trusted=$in_accounts
run_uid=$in_run_uid
old_image='' new_image='' back_image='' live_image=''
old_words='' old_env='' old_dir='' old_user='' old_log='' old_umask='' old_remembered=no
was_running=no
case $in_action in
recover) recover ;;
revert) revert ;;
deploy)
old_image=$(seen_image)
remember_present
[ "$in_strategy" = in-place ] || [ "$in_encoding" = none ] || { image_of incoming; new_image=$image; }
[ "$in_encoding" != none ] || new_image=$old_image
journal_open
activate
;;
esac
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
main`;function Ko(e){return/\.(service|socket|timer|path|target|mount|automount|swap|slice|scope|device)$/.test(e)?e:`${e}.service`}a(Ko,"unitName");var Rp=`prelude() {
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
timeout "$@" 9>&-
}
limited() {
timed "$@" </dev/null
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
http_answer=$(printf 'url = "%s"\\n' "$1" | curl -q -g -s -S -i --noproxy '*' --max-time "$2" -K - 2>&1 | http_cut)
http_read && return
http_error=\${http_answer#curl: }
http_error=\${http_error%%"$newline"*}
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
http_answer=$(printf 'GET %s HTTP/1.0\\r\\nHost: %s\\r\\nUser-Agent: health\\r\\nAccept: */*\\r\\nConnection: close\\r\\n\\r\\n' "$http_path" "$http_host" |
http_exchange "$2" 2>/dev/null | http_cut)
http_read && return
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
http_answer=$(http_wget "$2" -S -O /dev/null -- "$1" 2>&1 | http_cut)
case $http_answer in
*"  HTTP/"*" "[0-9][0-9][0-9]*)
http_status=\${http_answer#*"  HTTP/"}
http_status=\${http_status#* }
http_status=\${http_status%"\${http_status#???}"}
http_body=$(http_wget "$2" -q -O - -- "$1" 2>/dev/null | http_cut)
;;
*) http_error=\${http_answer##*"$newline"} ;;
esac
}
http_wget() (
unset http_proxy https_proxy
HOME=/dev/null
export HOME
http_seconds=$1
shift
timed "$http_seconds" wget "$@"
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
[ "$1" != "$me_name" ] && [ "$1" != "$me" ] || return 0
user_groups=--init-groups
user_group=$(id -g "$1" 2>/dev/null) || user_group=$1 user_groups=--clear-groups
if command -v setpriv >/dev/null && setpriv --help 2>&1 | grep -q -- --reuid; then
user_words="setpriv --reuid=$1 --regid=$user_group $user_groups --"
elif chroot --help 2>&1 | grep -q -- --userspec; then
user_words="chroot --userspec=$1:$user_group /"
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
unit_load='' unit_active='' unit_sub='' unit_main=0 unit_restarts=0 unit_type='' unit_triggers='' unit_exit='' unit_result='' unit_uid=0
unit_running_uid=''
unit_error=
if ! unit_answer=$(systemctl_for "$2" show -p LoadState -p ActiveState -p SubState -p MainPID -p NRestarts -p Type -p TriggeredBy -p ExecMainStatus -p Result -p User -p UID -- "$1" 2>&1); then
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
User=?*) unit_uid=$unit_value ;;
UID=[0-9]*) unit_running_uid=$unit_value ;;
esac
done
case \${unit_running_uid:-$unit_uid} in
*[!0-9]*) unit_uid=$(id -u -- "$unit_uid" 2>/dev/null) || unit_uid= ;;
*) unit_uid=\${unit_running_uid:-$unit_uid} ;;
esac
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
elif [ -n "$(getcap "./$in_name" 2>/dev/null)" ]; then
root_reason='its file capabilities are to be carried over'
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
[ "$owner_user" != UNKNOWN ] || owner_user=$owner_uid
[ "$owner_group" != UNKNOWN ] || owner_group=\${owner_rest#*:}
}
name_of() {
name_of=
case $2 in
'' | *[!0-9]*) ;;
*) name_of=$({ getent "$1" "$2" || cat "/etc/$1"; } 2>/dev/null | sed -n "s/^\\([^:]*\\):[^:]*:$2:.*/\\1/p" | head -n 1) ;;
esac
name_of=\${name_of:-$2}
}
digest() {
if command -v openssl >/dev/null; then
digest_line=$(openssl dgst -sha256 -r 2>/dev/null) || digest_line=
else
digest_line=$(sha256sum)
fi
printf '%s\\n' "\${digest_line%% *}"
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
if command -v doas >/dev/null && ! command -v sudo >/dev/null; then
printf 'add to /etc/doas.conf: permit nopass %s as root cmd /bin/sh' "$(id -un)"
else
printf 'add to sudoers (visudo): %s ALL=(root) NOPASSWD: /bin/sh' "$(id -un | sed 's/[\\\\ ,:=()!@]/\\\\&/g')"
fi
}
elevate() {
root_reason=
[ "$me" != 0 ] && [ "$in_sudo" != never ] || return 1
if [ "$in_sudo" = always ]; then root_reason='sudo: always'; else reason_for_root; fi
[ -n "$root_reason" ] || return 1
say needs_root "$root_reason"
if ! find_root_tool; then
say sudo_error "$root_tool_error"
say sudo_remedy "$(root_tool_remedy)"
return 1
fi
quoted "$me_name"
encoded "in_elevated=yes
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
process_start() {
process_start=
process_parent=
process_stat=
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
find_deleted=
IFS=$newline
for find_line in $find_list; do
find_image=\${find_line#* }
find_pid=\${find_line%%/exe*}
find_pid=\${find_pid#/proc/}
case $find_images in
*" \${find_image% *} "*) find_matches="$find_matches $find_pid" ;;
*) case $find_image in *' 0') find_deleted="$find_deleted $find_pid" ;; esac ;;
esac
done
IFS=$usual_ifs
for find_pid in $find_matches; do sort_in "$find_pid"; done
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
find_comm=$1
while [ "\${#find_comm}" -gt 15 ]; do find_comm=\${find_comm%?}; done
for find_proc in /proc/[0-9]*; do
find_name=
{ IFS= read -r find_name <"$find_proc/comm"; } 2>/dev/null || continue
[ "$find_name" = "$find_comm" ] && ! readlink "$find_proc/exe" >/dev/null 2>&1 || continue
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
trust() {
case $1 in
*[!0-9]*) trust_uid=$(id -u -- "$1" 2>/dev/null) || trust_uid= ;;
*) trust_uid=$1 ;;
esac
trust_number "$trust_uid"
}
trust_number() {
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
owner_of .
state_phase=$(as_user "$owner_user" tail -n 1 journal)
case $state_phase in
phase=end) ;;
phase=*)
say unfinished "\${state_phase#phase=}"
state_run=$(as_user "$owner_user" head -n 1 journal)
say unfinished_run "\${state_run#transaction=}"
;;
esac
}
last_deploy() {
last_image=''
last_run_as=''
[ -O "./.$in_name.deploy" ] && [ ! -L "./.$in_name.deploy" ] && [ -f "./.$in_name.deploy/live" ] || return 0
{
read -r _ last_device last_inode _
read -r _
read -r _
read -r _
read -r _
IFS= read -r last_run_as
} <"./.$in_name.deploy/live"
last_image=\${last_device:-}:\${last_inode:-}
}
main() {
prelude
set -u
know_me
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
find_running "\${PWD%/}/$in_name" $live_image $last_image
! trust_units || find_running "\${PWD%/}/$in_name" $live_image $last_image
narrow_unseen
if [ "\${in_elevated:-}" != yes ] && elevate; then exit 0; fi
say user "$me_name"
say login "\${in_login:-$me_name}"
say uid "$me"
say wanted_owner "$in_owner"
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
look_at_file
look_at_state
look_at_service
look_at_health
look_at_log
look_at_working_directory
}
know_accounts() {
last_image=''
last_run_as=''
last_run_uid=''
trusted="0 $me"
[ -z "\${in_login:-}" ] || trust "$in_login"
if [ -n "$folder_entered" ]; then
last_deploy
trust_number "$(stat -c %u .)"
if owner_of "./$in_name"; then
file_user=$owner_user
trusted="$trusted $owner_uid"
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
[ -n "$running_unseen" ] || return 0
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
say accounts "$trusted"
say run_uid "$run_uid"
say last_run_as "$last_run_as"
say last_run_uid "$last_run_uid"
say unseen "$running_unseen"
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
found_unit=
found_unit_user=
if unit_of "$1"; then
found_unit=$unit
found_unit_user=$unit_user
fi
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
say process "pid=$1 uid=$process_uid worker=$found_worker live=$found_live same=$found_same unit=$found_unit unit_user=$found_unit_user user=$account_name"
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
look_at_session() {
[ -d /run/systemd/sessions ] && [ "\${in_login:-$me_name}" != root ] || return 0
session_cgroup=$(cat /proc/self/cgroup)
case $session_cgroup in *session-*.scope*) ;; *) return 0 ;; esac
session_kills=$(limited 5 busctl get-property org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager KillUserProcesses 2>/dev/null)
[ "$session_kills" = 'b true' ] || return 0
say session_kills yes
[ ! -e "/var/lib/systemd/linger/$me_name" ] || say lingers yes
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
owner_of "./$in_name" && file_user=$owner_user
say file_about "$owner_user:$owner_group $owner_mode"
file_seen=$(stat -c '%d %i %s %Y %Z' "./$in_name")
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
for state_about in $(ls -t releases 2>/dev/null); do
case $state_about in *.about) ;; *) continue ;; esac
say release "\${state_about%.about} $(stat -c %Y "releases/$state_about") $(cat "releases/$state_about")"
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
case $file_sum in "$in_sha256"*) ;; *) return 0 ;; esac
[ -n "$in_sha256" ] && [ -n "$running" ] || return 0
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
look_at_working_directory() {
case $in_restart in auto | process) ;; *) return 0 ;; esac
as_user "$run_as" test -x "$in_working_directory/." || say directory_closed yes
}
main`;var ow=["yes","args","folder","environment"],sw=120;async function Mc(e,t,n){let r={what:"Looking at the target",state:"untouched. Nothing was changed by looking."},i=In(t.environment,t.health.url),o=await Rr(e,{text:Rp,values:aw(t,n)},{...r,clean:i,sudo:!1,limitSeconds:sw,another:!t.dryRun});if(!o.complete)throw Ip(e,r,o);return cw(o.answer,t)}a(Mc,"inspect");function aw(e,t){return{folder:e.folder,name:e.name,sudo:e.sudo,owner:e.owner,run_as:e.runAs,capabilities:e.capabilities,restart:e.restart,service:e.service&&Ko(e.service.replace(/^user:/,"")),service_is_user:e.service?.startsWith("user:")?"yes":"",interpreter:t?.elf?.interpreter,args:wi(e.args),environment:wi(e.environment),working_directory:e.workingDirectory??e.folder,log_file:e.logFile,sha256:t?.sha256??e.rollbackTo,...Fc(e)}}a(aw,"inspectValues");function Fc({health:e}){let t=e.url?new URL(e.url):void 0,n=t&&/^(localhost|127\.[\d.]+|\[::1\])$/.test(t.hostname);return{health_url:e.url,health_url_port:n?t.port||(t.protocol==="https:"?"443":"80"):void 0,health_status:e.status,health_contains:e.contains,health_port:e.port,health_command:e.command}}a(Fc,"healthValues");function wi(e){return e.map(Ls).join(" ")}a(wi,"words");function cw(e,t){let n=e.text("login")??"",r=e.number("uid")===0;return{otherKernel:e.text("kernel"),login:n,asRoot:r,sudo:r&&n!==e.text("user"),needsRoot:e.text("needs_root"),sudoError:e.has("sudo_error")?e.quote("sudo_error")??"":void 0,sudoRemedy:e.text("sudo_remedy"),machine:e.text("machine")??"",tools:new Set(e.texts("tool")),interpreterExists:e.yes("interpreter"),wantedOwner:e.text("wanted_owner"),wantedRunAs:e.text("wanted_run_as"),missingUsers:[...new Set(e.texts("missing_user"))],missingGroup:e.text("missing_group"),accounts:e.numbers("accounts"),runUid:e.numbers("run_uid"),lastRunAs:e.verbatim("last_run_as")??"",lastRunUid:e.numbers("last_run_uid"),processes:e.records("process").flatMap(i=>fw(i)??[]),strangers:e.records("stranger").flatMap(i=>Tp(i)??[]),contained:e.pids("contained"),unseen:e.pids("unseen"),sessionKills:e.yes("session_kills"),lingers:e.yes("lingers"),folderRefused:e.text("folder_refused"),folder:dw(e),freeBytes:(e.number("free_kb")??0)*1024,immutable:e.texts("immutable"),file:hw(e),fileProblem:gw(e,t.destination),seen:e.verbatim("seen")??"",stateRefused:e.text("state_refused"),unfinished:pw(e),locked:e.has("locked")?e.text("locked")??"an unknown run":void 0,live:e.has("live_workflow")?{workflow:e.text("live_workflow")??"",runNumber:e.number("live_run_number")??0,run:e.text("live_run")??""}:void 0,releases:e.parts("release",uw,"a release").map(lw).sort((i,o)=>o.keptAt-i.keptAt),history:e.texts("history"),service:e.has("service")?_w(e):void 0,serviceError:e.has("service_error")?e.quote("service_error")??"":void 0,httpClient:e.has("http_client")?e.text("http_client")??"":void 0,health:e.quote("health"),portHolder:e.text("port_holder")==="unknown"?"unknown":e.pids("port_holder")||void 0,logProblem:mw(e),directoryClosed:e.yes("directory_closed")}}a(cw,"toFound");var uw=/^([0-9a-f]{64}) ([0-9]{1,11})(?: (.*))?$/s;function lw([e="",t,n=""]){let[r=""]=/^.*? [0-7]{1,5}(?= |$)/s.exec(n)??[];return{sha256:e,keptAt:Number(t),about:ft(r)}}a(lw,"toRelease");function Tp(e){let t=e.pid("pid");if(t!==void 0)return{pid:t,uid:e.numbers("uid"),user:e.text("user")??""}}a(Tp,"toExecutor");function fw(e){let t=Tp(e);if(t)return{...t,worker:e.yes("worker"),live:e.yes("live"),same:e.oneOf("same",ow)??"args",unit:e.text("unit")??"",unitUser:e.text("unit_user")??""}}a(fw,"toProcess");function dw(e){let t=e.text("folder");if(t!==void 0)return{path:t,owner:e.text("folder_owner")??"",mode:e.text("folder_mode")??"",writable:e.yes("folder_writable"),mount:e.text("mount")??"",options:(e.text("mount_options")??"").split(",")}}a(dw,"toFolder");function hw(e){let t=e.number("file_bytes");if(t===void 0)return;let[[n="",r=""]=[]]=e.parts("file_about",/^(.*) ([0-7]{1,5})$/s,"an owner and a mode");return{owner:ft(n),mode:r.padStart(4,"0"),bytes:t,sha256:e.digest("file_sha256")??"",capabilities:e.text("file_capabilities")??""}}a(hw,"toFile");function pw(e){let t=e.text("unfinished");return t===void 0?void 0:{phase:t,run:e.text("unfinished_run")??"an unknown run"}}a(pw,"toUnfinished");function _w(e){let t=e.records("service").at(-1);return Object.fromEntries(["user","load","active","sub","type"].map(r=>[r,t?.text(r)??""]))}a(_w,"toService");function gw(e,t){let n=e.text("file_link"),r=e.text("file_odd");if(n!==void 0)return`${t} is a symbolic link to ${n}`;if(e.yes("file_folder"))return`${t} is a folder`;if(r!==void 0)return`${t} is a ${r}`;if(e.yes("file_unreadable"))return`${t} can't be read by this account`}a(gw,"fileProblem");function mw(e){let t=e.text("log_folder_missing"),n=e.text("log_unwritable");if(t!==void 0)return`the folder ${t} of the log file does not exist`;if(e.yes("log_is_folder"))return"the log file is a folder";if(n!==void 0)return`the account the program runs as can't write to ${n}`}a(mw,"logProblem");var Lp=require("node:timers/promises");var Np=`prelude() {
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
[ "$owner_user" != UNKNOWN ] || owner_user=$owner_uid
[ "$owner_group" != UNKNOWN ] || owner_group=\${owner_rest#*:}
}
name_of() {
name_of=
case $2 in
'' | *[!0-9]*) ;;
*) name_of=$({ getent "$1" "$2" || cat "/etc/$1"; } 2>/dev/null | sed -n "s/^\\([^:]*\\):[^:]*:$2:.*/\\1/p" | head -n 1) ;;
esac
name_of=\${name_of:-$2}
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
[ "$1" != "$me_name" ] && [ "$1" != "$me" ] || return 0
user_groups=--init-groups
user_group=$(id -g "$1" 2>/dev/null) || user_group=$1 user_groups=--clear-groups
if command -v setpriv >/dev/null && setpriv --help 2>&1 | grep -q -- --reuid; then
user_words="setpriv --reuid=$1 --regid=$user_group $user_groups --"
elif chroot --help 2>&1 | grep -q -- --userspec; then
user_words="chroot --userspec=$1:$user_group /"
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
owner_of .
state_phase=$(as_user "$owner_user" tail -n 1 journal)
case $state_phase in
phase=end) ;;
phase=*)
say unfinished "\${state_phase#phase=}"
state_run=$(as_user "$owner_user" head -n 1 journal)
say unfinished_run "\${state_run#transaction=}"
;;
esac
}
process_start() {
process_start=
process_parent=
process_stat=
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
[ -z "$follow_pid" ] || [ -e "/proc/$follow_pid" ] || say gone "$follow_pid"
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
main`;var $i=class extends Error{static{a(this,"OutdatedError")}},Cn=class extends Error{static{a(this,"DiedError")}},Tr=class extends Error{static{a(this,"DeltaError")}};function Ut(e){return{failed:"",why:"",output:"",broken:"",pid:void 0,downtimeMs:void 0,bytesSent:0,phases:[],...e}}a(Ut,"bareOutcome");function Nr(e){return Ut({state:"unknown",failed:"answer",why:e.fields.why.replace(/\.$/,"")})}a(Nr,"unusableOutcome");var yw=["active","untouched","staged","rolled-back","broken"],bw=/^([a-z][a-z-]{0,40}) ([0-9]{1,12})$/;function Wo({answer:e,complete:t=!1}){if(!t||!e)return;let n=e.oneOf("gave_up",["changed","delta","locked","refused"]);if(n==="changed")throw new $i;if(n!==void 0){let o=e.quote("why")??"";if(n==="delta")throw new Tr(o);let s=`another deploy of it holds the lock: ${o}`;return Ut({state:e.digest("staged")?"staged":"untouched",failed:n==="locked"?"lock":"stage",why:n==="locked"?s:o})}if(e.yes("died"))throw new Cn;let r=e.oneOf("state",yw);if(r===void 0)return;let i=e.pid("gone");if(i!==void 0&&["active","rolled-back"].includes(r)){let o=`it ended as ${r}, but pid ${i} is gone since`;return Ut({state:"broken",failed:"transaction",why:"the target may have gone down",broken:o})}return{state:r,failed:e.text("failed")??"",why:e.quote("why")??"",output:e.quotedLines("output").join(`
`),broken:e.quote("broken")??"",pid:e.pid("pid"),downtimeMs:e.number("downtime_ms"),bytesSent:0,phases:ww(e)}}a(Wo,"outcomeOf");function ww(e){return e.parts("phase",bw,"a phase").map(([t="",n])=>({phase:t,afterMs:Number(n)*10}))}a(ww,"phasesOf");var Pp={staged:"the new file is on the target, its sha256 checked there",stop:"stopping what runs the file",receive:"receiving the new file",swap:"replacing the file",start:"starting the new version",stable:"healthy; watching that it stays so",accept:"the new version holds",rollback:"the new version failed: going back","restart-old":"starting the previous version","rollback-stable":"the previous version is healthy; watching that it stays so"},Op=100;function jo(e,{environment:t,health:n}){let r=In(t,n.url),i=0;return(o,s)=>{let c=o==="phase"?s.split(" ")[0]??"":o,u=(o==="phase"||o==="staged")&&Object.hasOwn(Pp,c)?Pp[c]:void 0;u===void 0&&o!=="note"||(i+=1,i===Op&&e.line("  (the target has more to say than is shown)"),!(i>=Op)&&(u!==void 0?e.phase(c,u):e.line(`  ${r(s)}`)))}}a(jo,"tellPhases");async function Zo({inputs:e,log:t,signal:n,sudo:r,limitSeconds:i,reconnect:o},s){let c=Date.now()+i*1e3,u="the target could not be reached again";for(;Date.now()<c&&!n.aborted;){try{var l=[];try{let w=Vn(l,await o(),!0);let b=await Rr(w,{text:Np,values:{folder:e.folder,name:e.name,id:s}},{sudo:r,what:"Learning the end of the transaction",limitSeconds:Math.max(5,(c-Date.now())/1e3),signal:n,clean:In(e.environment,e.health.url),onSay:jo(t,e)});if(b.complete&&b.answer.yes("never"))return Ut({state:"untouched",failed:"upload",why:"the connection was lost before the transaction began"});let x=Wo(b);if(x)return x}catch(d){var h=d,_=!0}finally{var A=Jn(l,h,_);A&&await A}}catch(w){if(w instanceof Cn)throw w;if(w instanceof un)return Nr(w);u=w.message.split(`
`)[0]??u}await(0,Lp.setTimeout)(1e3,void 0,{signal:n}).catch(()=>{})}return Ut({state:"unknown",failed:"connection",why:n.aborted?`the step was cancelled (${n.reason})`:u})}a(Zo,"learn");var Dp=30,$w=5e4;async function Hp(e,t){let n={bytes:0,whole:!1},r=kw(t);for(;;)try{return await xw(e,t,{sending:n,form:await Ew(e,t,r)})}catch(i){if(i instanceof Tr)t.log.line(`The delta came to nothing: ${i.message}.`),r={lacks:"it came to nothing"};else if(i instanceof Pr)t.log.line(`${i.message}: another way ends sooner.`);else throw i}}a(Hp,"activate");async function xw(e,t,{sending:n,form:r}){let{inputs:i,plan:o}=t,{encoding:s,payload:c}=r;n.whole=c===void 0;let u=s.startsWith("delta")?Cp:void 0,l={...Zp(t),action:"deploy",encoding:s,apply:u};await t.onBegin({id:l.id,sudo:t.found.sudo,limitSeconds:Bn(i)});let d=await Wp(e,t,{values:l,sending:n,form:r}),h=Qp(d);if(!h&&n.failure instanceof Pr)throw n.failure;if(u&&!h&&n.failure)throw new Tr(n.failure.message);return h?{...h,bytesSent:n.bytes}:!n.whole&&i.strategy==="staged"?Ut({state:"untouched",failed:"upload",why:`${Qc(d)} before the upload of ${Ct(o.file.bytes)} was whole`,bytesSent:n.bytes}):{...await Kp(t,l.id,Qc(d)),bytesSent:n.bytes}}a(xw,"attempt");function zp(e,t){return Fp(e,t,{action:"recover"})}a(zp,"recover");function Mp(e,t,n){return Fp(e,t,{action:"revert",reverted:n})}a(Mp,"revert");async function Fp(e,t,n){let r={...Zp(t),...n,encoding:"none"},i=await Wp(e,t,{values:r,sending:{bytes:0,whole:!0}});return Qp(i)??await Kp(t,r.id,Qc(i))}a(Fp,"work");function Qp(e){try{return Wo(e)}catch(t){if(t instanceof un)return Nr(t);throw t}}a(Qp,"usableOutcome");function Kp(e,t,n){return e.log.line(`Lost the target: ${n}. The transaction goes on there by itself; connecting again to learn its end.`),Zo({...e,sudo:e.found.sudo,limitSeconds:Bn(e.inputs)},t)}a(Kp,"learnAfter");var Pr=class extends Error{static{a(this,"TooSlowError")}};async function Wp(e,{inputs:t,found:n,plan:r,transfers:i,log:o,signal:s},{values:c,sending:u,form:l}){u.failure=void 0;try{return await Rr(e,{text:Bp,values:c},{sudo:n.sudo,what:`Activating ${t.destination}`,limitSeconds:jp(r.file.bytes)+t.lockTimeoutSeconds+Bn(t),signal:s,clean:In(t.environment,t.health.url),onSay:jo(o,t),payload:a(async d=>{if(!l?.payload){d.end();return}let h=t.strategy==="staged"&&t.lockTimeoutSeconds>=5,_=u.bytes,A=Sw(o),w=a((b,x)=>{if(u.bytes=_+b,A(b),!(!h||!x||!l.isTooSlow?.(b,x)))throw new Pr(`The link carries ${Ct(x)}/s`)},"onProgress");try{let b=await vp(l.payload.read(),d,{stallSeconds:Dp,onProgress:w});u.whole=!0,await i.measured(b.bytesPerSecond)}catch(b){throw(b instanceof Pn||b instanceof Pr)&&(u.failure=b),b}},"payload")})}catch(d){return{error:d}}}a(Wp,"runDeploy");function Qc({error:e}){return e instanceof wt?e.fields.why.replace(/\.$/,""):e?.message??"the connection was lost"}a(Qc,"lostWhy");async function Ew(e,{plan:t,found:n,source:r,transfers:i,log:o},s){if(t.file.from==="release")return{encoding:"release"};if(t.file.from==="a copy of it")return{encoding:"copy"};if(t.file.from==="in place already"||!r)return{encoding:"none"};let[c,u]=[e.isNear(),e.roundTripMs()],l=await i.choose(r,{near:c,roundTripMs:u,tools:n.tools,present:s});return o.phase("transfer",l.why),l}a(Ew,"chooseForm");function kw({found:{file:e},inputs:t}){return e?.sha256?t.strategy==="in-place"?{lacks:"in-place removes the present file first"}:e:{lacks:"there is no file yet"}}a(kw,"presentFile");function jp(e){return 120+Math.ceil(e/$w)}a(jp,"uploadLimitSeconds");function Bn({stopTimeoutSeconds:e,health:t}){return 2*(e+20+t.timeoutSeconds+10+t.stableSeconds+10)+60}a(Bn,"transactionLimitSeconds");function Zp({inputs:e,found:t,plan:n,run:r}){return{id:(0,Up.randomUUID)(),folder:e.folder,name:e.name,run:r.url||"a run outside a workflow",actor:r.actor,workflow:`${r.repository} ${r.workflow}`,run_number:r.number,seen:t.seen,size:n.file.bytes,sha256:n.file.sha256,old_sha:t.file?.sha256,old_about:t.file?`${t.file.owner} ${t.file.mode}`:"",old_capabilities:t.file?.capabilities,owner:/:|^\d+$/.test(n.owner)?n.owner:`${n.owner}:`,mode:n.mode,capabilities:e.capabilities,strategy:e.strategy,restart:n.restart,unit:n.unit,unit_user:n.unitUser,stop_command:e.stopCommand,start_command:e.startCommand,stop_signal:e.stopSignal,stop_timeout_seconds:e.stopTimeoutSeconds,run_as:n.runAs,run_uid:t.runUid,accounts:t.accounts,last_run_as:t.lastRunAs,last_run_uid:t.lastRunUid,args:wi(e.args),environment:wi(e.environment),working_directory:e.workingDirectory??e.folder,log_file:e.logFile,...Fc(e),health_timeout_seconds:e.health.timeoutSeconds,stable_cs:Math.round(e.health.stableSeconds*100),stable_seconds:e.health.stableSeconds,rollback:String(e.rollback),keep_releases:e.keepReleases,lock_timeout_seconds:e.lockTimeoutSeconds,upload_limit_seconds:jp(n.file.bytes),silence_seconds:Dp,limit_seconds:Bn(e),session_kills:t.sessionKills?"yes":""}}a(Zp,"deployValues");function Sw(e){let t=Date.now(),n=2e3;return r=>{Date.now()-t<n||(t=Date.now(),n=Math.min(2*n,3e4),e.phase("upload",`${Ct(r)} sent`))}}a(Sw,"tellProgress");function Gp(e,t,{source:n,build:r}){let i=e.rollbackTo?vw(e.rollbackTo,t):void 0,{restart:o,unit:s,unitUser:c,because:u}=Cw(e,t),l=t.wantedOwner??t.file?.owner??t.login,d={file:{from:"upload",sha256:"",bytes:0},owner:l,mode:e.mode??t.file?.mode??"0755",restart:o,unit:s,unitUser:c,runAs:t.wantedRunAs??(l.split(":")[0]||t.login)};d.file=Iw(t,n,{release:i?.sha256,looksRight:!qp(e,t,d)});let h=[...Bw(t),...Rw(e,t,{source:n,restart:o}),...Tw(e,t),...Nw(e,t,d.file),...Ow(t,d),...Lw(e,t,d),...Uw(t,d),...Dw(e,t,d),...Hw(e,t),...zw(e,t,i),...Mw(e,t,r)];if(h.length>0)return{...d,kind:"refused",obstacles:h,steps:[]};let _=Fw(e,t,d);return _?{...d,kind:"deploy",obstacles:h,steps:Kw(e,t,{plan:d,difference:_,because:u})}:{...d,kind:"unchanged",obstacles:h,steps:[]}}a(Gp,"planDeploy");function Iw(e,t,{release:n,looksRight:r}){let i=t?.sha256??n??"",o=t?.bytes??0;return e.file?.sha256!==i?{from:t?"upload":"release",sha256:i,bytes:o}:{from:r?"in place already":"a copy of it",sha256:i,bytes:e.file.bytes}}a(Iw,"newFile");function vw(e,t){if(e==="previous")return t.releases[0];let n=t.releases.filter(({sha256:r})=>r.startsWith(e));return n.length===0&&t.file?.sha256.startsWith(e)?{sha256:t.file.sha256}:n.length===1?n[0]:void 0}a(vw,"findRelease");function Cw(e,t){let n=t.processes.find(({unit:o})=>o!=="");if(e.service){let o=Ko(e.service.replace(/^user:/,"")),s=t.service?.user??"";return{restart:"systemd",unit:o,unitUser:s,because:"the input service names it"}}if((e.restart==="auto"||e.restart==="systemd")&&n){let{unit:o,unitUser:s}=n;return{restart:"systemd",unit:o,unitUser:s,because:`it manages pid ${n.pid}, which runs the file`}}let r=e.restart==="auto"?"process":e.restart,i=e.restart==="auto"?"no unit manages the program":`restart is ${r}`;return{restart:r,unit:"",unitUser:"",because:i}}a(Cw,"chooseRestart");function Bw(e){let t=[];for(let n of["flock","setsid","sha256sum","stat","timeout"])e.tools.has(n)||t.push({why:`the target has no \`${n}\`.`,remedy:"install util-linux and coreutils there, or busybox."});return e.sudoError!==void 0&&t.push({why:`root is needed, because ${e.needsRoot}, and ${e.sudoError}`,remedy:`${e.sudoRemedy||`allow ${e.login} to use sudo without a password there`}; or log in as the account that owns the file.`}),e.stateRefused&&t.push({why:`${e.stateRefused}.`,remedy:"deploy with the account that owns it, or move it away (its kept releases go with it)."}),t}a(Bw,"hostObstacles");function Rw({health:e},t,{source:n,restart:r}){let i=[];return n?n.elf?(Pu(n.elf,t.machine)?n.elf.interpreter&&!t.interpreterExists&&i.push({why:`${n.path} needs the loader ${n.elf.interpreter}, which the target does not have.`,remedy:/musl/.test(n.elf.interpreter)?"build it for glibc, or link it statically.":"build it for the C library of the target (musl?), or link it statically."}):i.push({why:`${n.path} is built for ${n.elf.machine}, the target is ${t.machine}.`,remedy:"build for the target, or correct host."}),i):(r==="process"?i.push({why:`${n.path} is no ELF program, so the process that runs it can't be found by what it executes.`,remedy:"ship the compiled binary; for a script use restart: systemd, command or none."}):r==="command"&&(e.port!==void 0||!(e.url||e.command))&&i.push({why:`${n.path} is no ELF program, so neither its process nor whose port it is can be told after the start command.`,remedy:"set health-url or health-command, and no health-port."}),i):i}a(Rw,"sourceObstacles");function Tw(e,t){let n=[];if(t.folderRefused&&n.push({why:`${t.folderRefused}.`,remedy:`create the folder ${e.folder} with the owner it is to have, or correct destination.`}),t.fileProblem&&n.push({why:`${t.fileProblem}.`,remedy:"name the regular file itself as destination, readable to this account."}),!t.folder)return n;let{path:r,owner:i,mode:o,mount:s,options:c}=t.folder;c.includes("ro")?n.push({why:`${s} is mounted read-only.`,remedy:`remount ${s} read-write; if it became read-only by itself, check its disk.`}):!t.folder.writable&&t.sudoError===void 0&&n.push({why:`${t.login} can't write to ${r} (${i}, ${o}).`,remedy:"allow sudo, or log in as an account that may."}),c.includes("noexec")&&n.push({why:`${s} is mounted noexec, so nothing in ${r} can be started.`,remedy:"choose a destination on another file system."});for(let u of t.immutable)n.push({why:`the ${u==="file"?"file":`folder ${r}`} is immutable or append-only.`,remedy:`run \`chattr -i -a ${u==="file"?e.destination:r}\` there if that was not meant.`});return n}a(Tw,"fileObstacles");function Nw({strategy:e},t,n){return n.from!=="upload"||!t.folder?[]:(e==="staged"?n.bytes:n.bytes-(t.file?.bytes??0)*(1-1/3))+Pw<=t.freeBytes?[]:[{why:`${Ct(n.bytes)} are to be written, ${Ct(t.freeBytes)} are free on ${t.folder.mount}.`,remedy:e==="staged"?"free some room there, or use strategy: in-place.":"free some room there."}]}a(Nw,"roomObstacles");var Pw=1e6;function Ow(e,t){let n=e.missingUsers.map(i=>({why:`there is no user ${i} on the target.`,remedy:"create it there, or correct owner and run-as."}));return e.missingGroup&&n.push({why:`there is no group ${e.missingGroup} on the target.`,remedy:"create it there, or correct owner."}),t.restart!=="process"||n.length>0||(!(e.asRoot||t.runAs===e.login)&&e.sudoError===void 0&&n.push({why:`${e.login} can't start a program as ${t.runAs}.`,remedy:"allow sudo, or log in as that account."}),t.runAs==="root"&&e.folder&&!["root","0"].includes(e.folder.owner)&&n.push({why:`root would execute a file from ${e.folder.path}, where ${e.folder.owner} can put another one.`,remedy:"set run-as to the service account, or give the folder to root."})),n}a(Ow,"accountObstacles");function Lw(e,t,{restart:n,runAs:r}){let i=[];if(t.contained&&i.push({why:`pid ${t.contained} runs the file inside of a container.`,remedy:"deploy into the container (input `container`), or stop it first."}),n!=="process")return i;let o=t.processes.filter(({uid:u,worker:l})=>u===t.runUid&&!l),s=[...t.processes,...t.strangers].filter(({uid:u})=>u!==t.runUid),[c]=s;return o.length===0&&c&&e.runAs===void 0&&i.push({why:`pid ${c.pid} runs the file as ${c.user}, but this step would start it as ${r}.`,remedy:`set \`run-as\` to the account that the program is to run as: ${r} or ${c.user}.`}),o.length>1&&i.push({why:`${o.length} separate instances run the file (${Kc(o)}), and this step starts only one.`,remedy:"use a systemd unit for each, or `restart: command` with a `start-command` that starts them all."}),i}a(Lw,"processObstacles");function Uw(e,{restart:t,unit:n}){let r=[];return t==="systemd"&&!n&&r.push({why:"no unit runs the file now, so which one is meant is unknown.",remedy:"set service to the name of the unit."}),e.serviceError!==void 0?r.push({why:`the unit ${n} can't be asked for: ${e.serviceError}.`,remedy:"is systemd running there, and the user manager for a user unit?"}):e.service&&e.service.load!=="loaded"&&r.push({why:`the unit ${n} is ${e.service.load||"not there"}.`,remedy:"install and load the unit first (systemctl daemon-reload), or correct service."}),t==="none"&&e.processes.length>0&&r.push({why:`restart is none, but ${Kc(e.processes)} runs the file.`,remedy:"stop it first, or let this step restart it: restart: auto."}),e.unseen&&e.sudoError===void 0&&r.push({why:`pid ${e.unseen} may run the file, but ${e.login} can't see what it executes.`,remedy:e.asRoot?"start the container with --cap-add SYS_PTRACE: its root may not look into other processes.":"log in as root or as its account, or allow sudo."}),e.sessionKills&&!e.asRoot&&!e.lingers&&t!=="systemd"&&r.push({why:`logind there ends everything that ${e.login} started when the connection closes (KillUserProcesses=yes).`,remedy:`run \`loginctl enable-linger ${e.login}\` there once.`}),r}a(Uw,"restartObstacles");function Dw(e,t,{restart:n,runAs:r}){let i=t.missingUsers.length===0&&(t.asRoot||r===t.login);if(n!=="process"||!i)return[];let o=[];return t.logProblem&&o.push({why:`${t.logProblem}.`,remedy:"create it with the right owner, or correct log-file."}),t.directoryClosed&&o.push({why:`the working directory ${e.workingDirectory??e.folder} is not there for ${r}.`,remedy:"create it, let that account in, or correct working-directory."}),o}a(Dw,"startObstacles");function Hw({health:e},t){let n=[];return e.url&&t.httpClient===""&&n.push({why:`nothing on the target can ask ${vn(e.url)}.`,remedy:"install curl there, or use health-port or health-command."}),t.portHolder&&n.push({why:`port ${e.port} is held by another process (pid ${t.portHolder}), which does not run the file.`,remedy:"stop that process, or correct health-port."}),n}a(Hw,"healthObstacles");function zw({rollbackTo:e},t,n){if(!e||n)return[];let r=t.releases.map(({sha256:o})=>o.slice(0,12)).join(", ")||"none";return[{why:`${t.releases.filter(({sha256:o})=>o.startsWith(e)).length>1?"more than one kept release begins with":"no kept release is"} ${e}; kept are: ${r}.`,remedy:"choose one of those, or deploy the version from its source."}]}a(zw,"releaseObstacles");function Mw({allowOlder:e,rollbackTo:t},{live:n},r){return e||t||!n||n.workflow!==r.workflow||n.runNumber<=r.number?[]:[{why:`run ${n.runNumber} of this workflow is deployed already (${n.run}); this is the older run ${r.number}.`,remedy:"nothing, if the newer build is meant to stay; else set allow-older: true."}]}a(Mw,"orderObstacles");function Fw(e,t,n){let{file:r,processes:i}=t;if(!r)return"there is no such file yet";if(n.file.from==="upload"||n.file.from==="release")return"its sha256 differs";if(e.force)return"force is set";let o=qp(e,t,n);if(o)return o;if(n.restart==="none")return;if(i.length===0)return"no process runs it";let s=i.find(({live:u})=>!u);if(s)return`pid ${s.pid} still runs an older image of it`;if(n.restart==="process"){let u=i.find(({uid:d})=>d!==t.runUid);if(u)return`pid ${u.pid} runs as ${u.user}, not ${n.runAs}`;let l=i.find(({same:d})=>d!=="yes");if(l)return`pid ${l.pid} was started with ${l.same==="folder"?"another working directory":`other ${l.same}`}`}return n.restart==="systemd"&&!i.some(({unit:u})=>u===n.unit)?`${n.unit} does not run it`:(e.health.url??e.health.port??e.health.command)!==void 0&&t.health!=="ok"?`it is not healthy: ${t.health}`:void 0}a(Fw,"whatDiffers");function qp(e,{file:t},n){if(t){if(!Qw(n.owner,t.owner))return`its owner is ${t.owner}, not ${n.owner}`;if(n.mode!==t.mode)return`its mode is ${t.mode}, not ${n.mode}`;if(e.capabilities&&!dl(e.capabilities,t.capabilities))return"its capabilities differ"}}a(qp,"metadataDiffers");function Qw(e,t){return e.includes(":")?e===t:e===t.split(":")[0]}a(Qw,"sameOwner");function Kw(e,t,{plan:n,difference:r,because:i}){let o=[],s=e.strategy==="in-place",c={does:`upload ${Ct(n.file.bytes)} ${s?"once the program is stopped":"beside the live file"}`,because:r};n.file.from==="upload"&&!s&&o.push(c),n.file.from==="release"&&o.push({does:`take the kept release ${Yt(n.file.sha256)}`,because:"rollback-to names it"}),n.restart==="systemd"&&o.push({does:`stop the unit ${n.unit}`,because:i}),n.restart==="command"&&e.stopCommand&&o.push({does:"run the stop command",because:i}),t.processes.length>0&&n.restart!=="systemd"&&o.push({does:`stop ${Kc(t.processes)} with ${e.stopSignal}, after ${e.stopTimeoutSeconds} s with KILL`,because:n.file.from==="in place already"?r:"it runs the file that is replaced"});let u=[...n.restart==="process"?t.processes:[],...t.strangers].filter(({uid:l})=>l!==t.runUid);return u.length>0&&n.restart!=="none"&&o.push({does:`not start ${u.map(({pid:l,user:d})=>`pid ${l} (${d})`).join(", ")} again`,because:`only ${n.runAs} is to run the program`}),n.file.from==="upload"&&s&&o.push(c),n.file.from==="in place already"?o.push({does:`leave the file as it is (${n.owner}, ${n.mode})`,because:"its sha256 is the wanted one"}):o.push({does:`replace the file by one rename, owner ${n.owner}, mode ${n.mode}`,because:t.file?"the path is always whole that way, old or new":"nothing is there yet"}),o.push(...Ww(e,n,i)),o}a(Kw,"steps");function Ww(e,t,n){let{health:r}=e,i={none:[],systemd:[{does:`start the unit ${t.unit}`,because:n}],command:[{does:"run the start command",because:n}],process:[{does:`start it as ${t.runAs} in ${e.workingDirectory??e.folder}`,because:n}]};if(t.restart==="none")return[];let o=[r.port===void 0?"":`it listens on port ${r.port}`,r.url?`${vn(r.url)} answers ${r.status}${r.contains?" with the text wanted":""}`:"",r.command?"the health command succeeds":""].filter(s=>s!=="");return[...i[t.restart],{does:`prove that ${o.join(" and ")||"the process runs this file"} within ${r.timeoutSeconds} s, and stays so for ${r.stableSeconds} s`,because:e.rollback?"the previous version is put back if not":"the step fails if not (rollback is false)"}]}a(Ww,"startSteps");function Kc(e){return`pid ${e.map(({pid:t})=>t).join(", ")}`}a(Kc,"pids");function Xp({inputs:e,plan:t,outcome:n}){let{health:r,dryRun:i}=e,{state:o,failed:s,why:c}=n,u=(o==="active"||o==="unchanged")&&!i||s==="stable";if(!u&&s!=="health")return[];let l=`healthy for ${r.stableSeconds} s, as the same process`,d=[["health-port",r.port===void 0?void 0:`the process listens on ${r.port}`],["health-url",r.url&&`${vn(r.url)} answers ${r.status}`],["health-contains",r.contains&&"the text in the answer"],["health-command",r.command&&"exit code 0"]],h=[Wc("sha256",t.file.sha256)];if(!u)return[...h,Yp("health",`within ${r.timeoutSeconds} s`,c)];for(let[_,A]of d)A&&h.push(Wc(_,A));return s==="stable"?[...h,Yp("stable",l,c)]:o==="active"&&t.restart!=="none"?[...h,Wc("stable",l)]:h}a(Xp,"checksOf");function Wc(e,t){return{name:e,expected:t,found:t,ok:!0}}a(Wc,"good");function Yp(e,t,n){return{name:e,expected:t,found:n,ok:!1}}a(Yp,"bad");var Jp={state:"untouched",changed:!1,"downtime-ms":0,"bytes-sent":0,report:[]},e_="untouched. Nothing on the target was changed.";function t_(e){return e.fields.state!==void 0?e:new Je({...e.fields,state:e_})}a(t_,"asUntouched");async function n_(e,t){if(await t.outputs({...Zc(e),"duration-ms":e.durationMs,report:[Gc(e)]}),e.inputs.dryRun)return;let n=qc(e);t.log.line("");for(let[r,i]of n)t.log.line(`  ${r.padEnd(10)}${i}`);if(t.log.line(""),await t.summary({title:`Deploy of ${e.inputs.name}`,head:["",""],rows:n}),!Or(e.outcome.state))throw Yc(e)}a(n_,"report");function Or(e){return e==="active"||e==="unchanged"}a(Or,"isGreen");function jc(e){return e==="active"||e==="unknown"}a(jc,"hasChanged");function r_({kind:e,steps:t}){return e==="unchanged"?["Plan: nothing. The file, what runs it and its health are already as wanted."]:["Plan",...t.map(({does:n,because:r})=>`  - ${n}, because ${r}`)]}a(r_,"planLines");function i_(e,t){let{file:n,processes:r,strangers:i,releases:o,unseen:s,history:c,unfinished:u}=e,l=r.map(({pid:d,user:h,live:_,unit:A})=>`pid ${d} (${h}${A?`, unit ${A}`:""}${_?"":", an older image of it"})`);return[...e.sudo?[`Working as root by sudo, because ${e.needsRoot}`]:[],n?`Found ${t}: sha256 ${Yt(n.sha256)}, ${Ct(n.bytes)}, ${n.owner} ${n.mode}${n.capabilities?`, ${n.capabilities}`:""}`:`Found nothing at ${t}`,l.length>0?`  run by ${l.join(" and ")}`:`  no process runs it${s?`; can't see pid ${s}`:""}`,...i.length>0?[`  also run by other accounts: ${i.map(({pid:d,user:h})=>`pid ${d} (${h})`).join(", ")}`]:[],...o.length>0?[`  kept releases: ${o.map(({sha256:d})=>Yt(d)).join(", ")}`]:[],...u?[`  an earlier deploy (${u.run}) is unfinished, in the phase ${u.phase}`]:[],...c.length>0?[`  last deploy: ${c.at(-1)}`]:[]]}a(i_,"foundLines");function Go(e,t,n){return new Qt({what:`Preparing ${t}`,where:e,why:n.map(({why:r})=>r).join(`
`),state:e_,remedy:n.map(({remedy:r})=>r).join(`
`)})}a(Go,"refusal");function Zc({plan:e,found:t,outcome:n}){return{state:n.state,changed:jc(n.state),sha256:e.file.sha256,"previous-sha256":t.file?.sha256??"",pid:n.pid??"","downtime-ms":n.downtimeMs??0,"bytes-sent":n.bytesSent}}a(Zc,"scalarsOf");function Gc(e){let{plan:t,found:n,outcome:r,target:i,inputs:o,durationMs:s}=e;return{target:i,destination:o.destination,state:r.state,sha256:t.file.sha256,previousSha256:n.file?.sha256??"",pid:r.pid??null,downtimeMs:r.downtimeMs??null,bytesSent:r.bytesSent,durationMs:s,failed:r.failed,why:r.why,phases:r.phases,checks:Xp(e)}}a(Gc,"entryOf");function qc({target:e,plan:t,found:n,outcome:r,inputs:i,durationMs:o}){let s=n.file?Yt(n.file.sha256):"nothing",c=Yt(t.file.sha256),u=[["state",r.state],["target",e],["file",i.destination],["sha256",jw(r.state,s,c)]];return r.pid&&u.push(["pid",String(r.pid)]),r.downtimeMs!==void 0&&u.push(["downtime",`${r.downtimeMs} ms`]),u.push(["sent",Ct(r.bytesSent)],["time",`${(o/1e3).toFixed(1)} s`]),u}a(qc,"tableOf");function jw(e,t,n){return t===n?t:e==="active"?`${t} -> ${n}`:e==="broken"||e==="unknown"?`was ${t}, tried ${n}`:`${t} (${n} is not deployed)`}a(jw,"digests");var Vp={lock:"Waiting for the lock of",stage:"Staging",upload:"Uploading",stop:"Stopping",connection:"Following the deploy of","revert-all":"Keeping the new version of"};function Yc({target:e,inputs:t,found:n,outcome:r}){return new Qt({what:`${Object.hasOwn(Vp,r.failed)&&Vp[r.failed]||"Activating"} ${t.destination}`,where:e,why:`${r.why||"no reason was given"}.`,state:`${r.state}. ${Zw(r,n,t)}`,remedy:Gw(r,t),output:r.output})}a(Yc,"failureOf");function Zw({state:e,failed:t,pid:n,broken:r},i,o){let s=i.file?`The previous version (sha256 ${Yt(i.file.sha256)})`:"";return{active:"The new version runs.",unchanged:"It already was exactly so.",untouched:"Nothing on the target was changed.",staged:`${s||"What was there"} ${i.processes.length>0?"runs":"is"} as before; the new file was uploaded and removed again.`,"rolled-back":s?`${s} is running again${n?` as pid ${n}`:""}.`:"There was no version before; the new file was removed and nothing runs.",broken:`${qw(r)}. A person must look at ${o.folder}.`,unknown:t==="answer"?"How the deploy ended there is not known.":"The connection was lost and the end could not be learned; the target ends the transaction by itself."}[e]}a(Zw,"stateSentence");function Gw({state:e,failed:t,output:n},r){return t==="answer"?"log in and inspect the host: the programs of this step never answer so, and somebody may have changed what runs there.":e==="unknown"?"run verify-deploy, or this job again: it finishes or undoes what it finds.":e==="broken"?"log in and look; a kept release can be activated with rollback-to: previous.":t==="lock"?"wait for the other deploy, or raise lock-timeout-seconds.":["upload","stage","swap"].includes(t)?"look at the connection and the free space, then run the job again.":t==="revert-all"?"look at the target that failed; then run the job again.":t==="stop"?"find out what keeps the program from ending, then run the job again.":n?"read the last lines of the program below, fix the cause, run the job again.":r.logFile?`the program wrote nothing to ${r.logFile}; run it by hand, fix the cause, run the job again.`:"set log-file to see what the program says, fix the cause, run the job again."}a(Gw,"remedyOf");function qw(e){return e.charAt(0).toUpperCase()+e.slice(1)}a(qw,"capitalised");var Xc=4;async function s_(e,{source:t,...n}){let{inputs:r,context:i,book:o}=n,s=Date.now(),c=a(()=>Qo(e,i),"reconnect"),[u,l]=await t$(t,c());try{i.log.phase("connect",`${l.target.name}`);let d={...n,source:u,reconnect:c},{found:h,plan:_,outcome:A,deploy:w}=await Yw(l,d),b=o.begun()?.id;await o.end(A.state),u&&Or(A.state)&&n.transfers.arrived(u,l.isNear());let x=A.state==="active"&&w&&b?()=>Xw(l,{deploy:w,id:b,parts:d}):void 0,E=Date.now()-s;return{target:l.target.name,inputs:r,found:h,plan:_,outcome:A,durationMs:E,undo:x,host:l}}catch(d){throw await l[Symbol.asyncDispose](),d}}a(s_,"deployTarget");async function Yw(e,t){let{inputs:n,source:r,context:i}=t,{log:o,run:s}=i;for(let c=1;;c+=1){let u=await Mc(e,n,r);if(u.otherKernel)throw Go(e.target.name,n.destination,[e$(u.otherKernel)]);let l={workflow:`${s.repository} ${s.workflow}`,number:s.number},d=Gp(n,u,{source:r,build:l}),h=a_(t,u,d);if(u.unfinished&&!u.locked&&!n.dryRun&&c<Xc){await c_(e,h);continue}for(let _ of i_(u,n.destination))o.line(_);if(d.kind==="refused")throw Go(e.target.name,n.destination,d.obstacles);for(let _ of r_(d))o.line(_);if(n.dryRun)return o.line("dry-run is set: nothing was changed."),{found:u,plan:d,outcome:Ut({state:"unchanged"})};if(d.kind==="unchanged")return{found:u,plan:d,outcome:Ut({state:"unchanged",pid:u.processes[0]?.pid})};try{return{found:u,plan:d,outcome:await Hp(e,h),deploy:h}}catch(_){if(_ instanceof Cn)return{found:u,plan:d,outcome:await u_(h,t)};if(!(_ instanceof $i))throw _;if(c>=Xc)throw Go(e.target.name,n.destination,[Jw]);o.line("Another deploy came in between: looking again."),await t.book.end("untouched")}}}a(Yw,"carryOut");function a_({inputs:e,source:t,transfers:n,context:r,reconnect:i,book:o},s,c){let{run:u,log:l,signal:d}=r;return{inputs:e,found:s,plan:c,source:t,transfers:n,run:u,log:l,signal:d,onBegin:o.begin,reconnect:i}}a(a_,"deployOf");async function c_(e,t){let{log:n,found:r}=t,{run:i,phase:o}=r.unfinished??{run:"an unknown run",phase:"unknown"};n.line(`An earlier deploy (${i}) was interrupted in the phase ${o}: finishing it first.`);let s=await zp(e,t),c=s.pid?`, pid ${s.pid}`:"";return n.line(`  ended as ${s.state}${c}${s.broken?`: ${s.broken}`:""}`),s}a(c_,"finishInterrupted");async function Xw(e,{deploy:t,id:n,parts:r}){try{return await Mp(e,t,n)}catch(i){if(i instanceof Cn)return await u_(t,r);throw i}}a(Xw,"takeBack");async function u_(e,t){let n=Date.now()+Bn(e.inputs)*1e3,r="the transaction was killed on the target";for(;;)try{var i=[];try{let l=Vn(i,await e.reconnect(),!0);let d=await Mc(l,e.inputs,e.source);if(!d.unfinished){let _=Vw(e.found,d)?"staged":"unknown";return Ut({state:_,failed:"transaction",why:r})}let h=await c_(l,a_(t,d,e.plan));return{...h,failed:"transaction",why:r}}catch(o){var s=o,c=!0}finally{var u=Jn(i,s,c);u&&await u}}catch(l){if(l instanceof un)return Nr(l);if(Date.now()>=n||e.signal.aborted)return Ut({state:"unknown",failed:"transaction",why:`${r}, and it can't be asked any more`});await(0,o_.setTimeout)(1e3,void 0,{signal:e.signal}).catch(()=>{})}}a(u_,"undoDead");function Vw(e,t){let n=a(({processes:r})=>r.map(({pid:i})=>i).join(),"pids");return e.file?.sha256===t.file?.sha256&&n(e)===n(t)&&n(t)!==""}a(Vw,"isAsBefore");var Jw={why:`the target changed each of the ${Xc} times it was inspected, before the lock was held.`,remedy:"find out what else changes the file or its state folder, then run the job again."};function e$(e){return{why:`the target is no Linux system but ${e}.`,remedy:"deploy to Linux, where a process can be found by what it executes (/proc)."}}a(e$,"otherKernel");async function t$(e,t){let[n,r]=await Promise.allSettled([e,t]);if(n.status==="rejected")throw r.status==="fulfilled"&&await r.value[Symbol.asyncDispose](),n.reason;if(r.status==="rejected")throw r.reason;return[n.value,r.value]}a(t$,"both");var qo=["target","state","sha256","pid","downtime","sent","time"];function Yo({done:e,failure:t}){return t!==void 0||e!==void 0&&!Or(e.outcome.state)}a(Yo,"isRed");async function l_(e,t,n){await t.outputs({...d_(e),"duration-ms":n});let r=[qo,...e.map(n$)];for(let i of["",...r$(r),""])t.log.line(i);if(await t.summary({title:"Deploy to several targets",head:qo,rows:r.slice(1)}),e.some(i=>i.done===void 0||Yo(i)))throw i$(e)}a(l_,"reportSeveral");async function f_(e,t,n){throw await t.outputs({...d_([e]),"duration-ms":n}),e.failure}a(f_,"reportFailure");function d_(e){let t=e.flatMap(({done:i})=>i??[]),n=Bs(e.map(p_)),r=t.find(({outcome:i})=>i.state===n)??t[0];return{...r&&Zc(r),state:n,changed:t.some(({outcome:i})=>jc(i.state)),"downtime-ms":Math.max(0,...t.map(({outcome:i})=>i.downtimeMs??0)),"bytes-sent":t.reduce((i,{outcome:o})=>i+o.bytesSent,0),report:e.map(({done:i,...o})=>i?Gc(i):{target:o.target,state:"untouched",why:h_(o)})}}a(d_,"outputsOf");function n$({done:e,...t}){if(!e)return[t.target,"untouched",h_(t)];let n=new Map(qc(e));return qo.map(r=>r==="target"?t.target:n.get(r)??"")}a(n$,"rowOf");function h_({failure:e,skipped:t}){return e?.fields.why.split(`
`)[0]??`not begun, since ${t}`}a(h_,"whyNot");function p_({done:e}){return e?.outcome.state??"untouched"}a(p_,"stateOf");function r$(e){let t=qo.map((n,r)=>Math.max(...e.map(i=>i[r]?.length??0)));return e.map(n=>`  ${n.map((r,i)=>r.padEnd(t[i]??0)).join("  ")}`.trimEnd())}a(r$,"aligned");function i$(e){let t=e.flatMap(({target:n,done:r,failure:i})=>{let o=r&&!Or(r.outcome.state)&&r.outcome.failed!=="revert-all",s=i??(o?Yc(r):void 0);return s?[{target:n,...s.fields}]:[]});return new Qt({what:"Deploying",where:t.map(({target:n})=>n).join(", "),why:t.map(({target:n,what:r,why:i})=>`${n}: ${r}: ${i}`).join(`
`)||"the step was cancelled.",state:e.map(n=>`${n.target}: ${p_(n)}`).join(`
`),remedy:t[0]?.remedy??"run the job again; targets that are done will be left as they are.",output:t[0]?.output})}a(i$,"failureOfAll");async function __(e,t){var c=[];try{let n=Date.now();for(let _ of e.environment)t.log.maskValue(_.slice(_.indexOf("=")+1));let r=xl(e.connections.length,t);let i=Vn(c,$l({wanted:e.transfer,several:e.connections.length>1},t),!0);let o=await o$(e,t,{pages:r,transfers:i});try{e.revertAll&&await s$(o,r)}finally{await Promise.all(o.map(_=>_.done?.host[Symbol.asyncDispose]()))}let[s]=o;o.length>1?await l_(o,t,Date.now()-n):s?.failure?await f_(s,t,Date.now()-n):s?.done&&await n_(s.done,t)}catch(u){var l=u,d=!0}finally{var h=Jn(c,l,d);h&&await h}}a(__,"deploy");async function o$(e,t,{pages:n,transfers:r}){let i=e.source===void 0?void 0:Uu(e.source,e.expectStrings);i?.catch(()=>{});let o=e.connections.length>1,s=e.connections.map(({host:d})=>({target:d,context:o?{...t,log:Ci(t.log,d)}:t})),c,u=a(()=>c!==void 0||t.signal.aborted||s.some(Yo),"stopped");if(await Tu(s,{limit:e.maxParallel,stopped:u},async(d,h)=>{let _=e.connections[h],A=n[h];try{let{host:w,user:b,port:x,container:E}=_,B=[b,w,x,E,e.destination].join(" "),M=e.dryRun||e.strategy==="in-place"?void 0:i,N=r.to(B,M);d.done=await s_(_,{inputs:e,context:d.context,book:A,transfers:N,source:i}),d.target=d.done.target,(!e.revertAll||!d.done.undo)&&await d.done.host[Symbol.asyncDispose](),o&&d.context.log.line(`ended as ${d.done.outcome.state}`)}catch(w){if(w instanceof Je||w instanceof Qt?d.failure=t_(w):c??=w,o&&w instanceof wt)for(let b of Ht((d.failure??w).message))d.context.log.line(b)}}),c!==void 0)throw c;let l=t.signal.aborted?"the step was cancelled":"another target failed";for(let d of s)!d.done&&!d.failure&&(d.skipped=l);return s}a(o$,"deployAll");async function s$(e,t){let n=e.find(Yo);n&&await Promise.all(e.map(async(r,i)=>{let{done:o,context:s}=r;if(!o?.undo)return;s.log.line(`revert-all is set, and ${n.target} failed: putting the previous version back.`);let c=await o.undo();if(c.state==="untouched"){s.log.line(`It stays as it is: ${c.why}.`),await t[i]?.end(o.outcome.state);return}let u=`${n.target} failed, and revert-all is set${c.why?`; ${c.why}`:""}`,{downtimeMs:l,bytesSent:d}=o.outcome;o.outcome={...c,failed:"revert-all",why:u,downtimeMs:l,bytesSent:d},await t[i]?.end(c.state),s.log.line(`ended as ${c.state}`)}))}a(s$,"revertDone");function Vc(e){let t=[],n,r="";for(let i=0;i<e.length;i+=1){let o=e.charAt(i);if(r==="'")o==="'"?r="":n+=o;else if(o==="\\"){i+=1;let s=e.charAt(i);if(s==="")throw new RangeError("a backslash ends it");if(s===`
`)continue;n=(n??"")+(r==='"'&&!'"\\$`'.includes(s)?`\\${s}`:s)}else r==='"'?o==='"'?r="":n+=o:o==="'"||o==='"'?(r=o,n??=""):` 	
`.includes(o)?(n!==void 0&&t.push(n),n=void 0):n=(n??"")+o}if(r)throw new RangeError(`the quote ${r} is never closed`);return n!==void 0&&t.push(n),t}a(Vc,"splitWords");var g_=["auto","process","systemd","command","none"],m_=["TERM","INT","QUIT","HUP","USR1","USR2","WINCH","KILL"],a$=/^([A-Za-z_][A-Za-z0-9_.-]*\$?|\d{1,10})$/,c$=/^([A-Za-z_][A-Za-z0-9_.-]*\$?|\d{1,10})(:([A-Za-z_][A-Za-z0-9_.-]*\$?|\d{1,10}))?$/,u$=Ho({...Oc,source:Gt(),destination:vt(Li,'an absolute path without ".." or control characters'),owner:bt(vt(c$,"user, user:group or numbers")),mode:bt(vt(/^0?[0-7]{3,4}$/,"an octal mode such as 0755")),capabilities:bt(vt(/^[a-z0-9_,=+ -]+$/i,"capabilities such as cap_net_bind_service=+ep")),strategy:Br(["staged","in-place"]),restart:Br(g_),service:bt(vt(/^(user:)?[A-Za-z0-9:_.@\\-]+$/,"the name of a unit, or user:NAME")),"stop-command":Gt(),"start-command":Gt(),"stop-signal":on(vt(d$,`one of ${m_.join(", ")}`),"TERM"),"stop-timeout-seconds":vr(10,1,3600),"run-as":bt(vt(a$,"the name of an account")),args:on(vt(h$,"arguments whose quotes are closed"),""),"working-directory":bt(vt(e=>e==="/"||Li(e),"an absolute path")),environment:pp(),"log-file":bt(vt(Li,"an absolute path")),"health-url":bt(dp()),"health-status":on(vt(fl,"status codes and ranges such as 200-399 or 200,204"),"200-399"),"health-contains":Gt(),"health-port":Ir(1,65535),"health-command":Gt(),"health-timeout-seconds":vr(60,1,3600),"stable-seconds":hp(3,0,3600),rollback:Cr(!0),"rollback-to":bt(vt(/^(previous|[0-9a-f]{4,64})$/i,"previous or at least 4 digits of a sha256")),"keep-releases":vr(3,0,100),"expect-strings":_p(),"allow-older":Cr(!1),force:Cr(!1),transfer:Br(["auto","delta","compressed","plain"]),"lock-timeout-seconds":vr(60,0,86400),"max-parallel":vr(1,1,1e3),"revert-all":Cr(!1),"dry-run":Cr(!1)}).check(up(e=>{for(let[t,n]of f$(e.value))e.issues.push({code:"custom",message:n,path:[t],input:e.value})},{when:a(()=>!0,"when")})),A_=Sr(u$,kr(l$));function l$(e){let t=e.destination.endsWith("/")?`${e.destination}${e.source?.split("/").at(-1)??""}`:e.destination,[,n="",r=""]=/^(.*)\/([^/]*)$/.exec(t.replace(/\/{2,}/g,"/"))??[];return{connections:mp(e),sudo:e.sudo,source:e.source,folder:n||"/",name:r,destination:`${n}/${r}`,owner:e.owner,mode:e.mode&&hl(e.mode),capabilities:e.capabilities,strategy:e.strategy,restart:e.restart,service:e.service,stopCommand:e["stop-command"],startCommand:e["start-command"],stopSignal:y_(e["stop-signal"]),stopTimeoutSeconds:e["stop-timeout-seconds"],runAs:e["run-as"],args:Vc(e.args),workingDirectory:e["working-directory"],environment:e.environment,logFile:e["log-file"],health:{url:e["health-url"],status:e["health-status"].replace(/\s/g,""),contains:e["health-contains"],port:e["health-port"],command:e["health-command"],timeoutSeconds:e["health-timeout-seconds"],stableSeconds:e["stable-seconds"]},rollback:e.rollback,rollbackTo:e["rollback-to"]?.toLowerCase(),keepReleases:e["keep-releases"],expectStrings:e["expect-strings"],allowOlder:e["allow-older"],force:e.force,transfer:e.transfer,lockTimeoutSeconds:e["lock-timeout-seconds"],maxParallel:e["max-parallel"],revertAll:e["revert-all"],dryRun:e["dry-run"]}}a(l$,"toDeployInputs");function f$(e){let t=g_.find(r=>r===e.restart),n=[];if(!e.source&&!e["rollback-to"]&&n.push(["source","required, unless rollback-to is set"]),e.source&&e["rollback-to"]&&n.push(["rollback-to","goes without source: it activates a kept release"]),e.destination?.endsWith("/")&&!e.source&&n.push(["destination","must name the file where there is no source"]),t==="command"&&!e["start-command"]&&n.push(["start-command","required with restart: command"]),t&&t!=="command"&&(e["start-command"]||e["stop-command"])&&n.push([e["start-command"]?"start-command":"stop-command","goes only with restart: command"]),e.service&&t&&!["auto","systemd"].includes(t)&&n.push(["service","goes only with restart: systemd or auto"]),e["revert-all"]===!0&&e["keep-releases"]===0&&n.push(["keep-releases","must be 1 or more with revert-all, which puts the previous release back"]),!e["health-url"]&&e["health-contains"]&&n.push(["health-contains","needs health-url"]),e.restart==="none")for(let r of["health-url","health-port","health-command"])e[r]&&n.push([r,"can prove nothing with restart: none, which starts nothing"]);for(let[r,i]of(e.environment??[]).entries())/^[A-Za-z_][A-Za-z0-9_]*=/.test(i)||n.push(["environment",`line ${r+1} must be KEY=VALUE with a name a shell can export`]);return n}a(f$,"contradictions");function d$(e){return m_.includes(y_(e))}a(d$,"isSignal");function y_(e){return e.toUpperCase().replace(/^SIG/,"")}a(y_,"signalName");function h$(e){try{return Vc(e),!e.includes("\0")}catch{return!1}}a(h$,"isSplittable");async function b_(e,t,n){let r=JSON.parse(e("begun")||"[]");if(r.length===0)return;let{log:i}=n;i.line("The main step was ended in the middle of a deploy. The target ends it by itself, as active or rolled-back.");let o=_$(t);if(!o){let s=Math.max(...r.map(c=>c.limitSeconds));i.line(`This runner gives a post step no inputs, so it can't be asked; it ends within ${s} s. verify-deploy tells.`);return}await Promise.all(r.map(s=>p$(s,o,n)))}a(b_,"lookAfter");async function p$({id:e,sudo:t,target:n},r,i){let o=r.connections[n]??r.connections[0];if(!o)return;let s=r.connections.length>1?Ci(i.log,o.host):i.log,c=Bn(r),u=a(()=>Qo(o,{...i,log:s}),"reconnect");try{let{state:l,pid:d,why:h}=await Zo({inputs:r,log:s,signal:i.signal,sudo:t,limitSeconds:c,reconnect:u},e);s.line(`It ended as ${l}${d?`, pid ${d}`:""}${h?`: ${h}`:""}.`)}catch(l){let d=l instanceof wt?l.message:"The transaction was killed on the target; the next deploy puts the previous version back.";for(let h of Ht(d))s.line(h)}}a(p$,"lookAfterOne");function _$(e){try{return e()}catch(t){if(t instanceof tr)return;throw t}}a(_$,"inputsOf");Ru({schema:A_,main:__,outputs:Jp,post:b_});
