"use strict";var IE=Object.create;var $u=Object.defineProperty;var CE=Object.getOwnPropertyDescriptor;var PE=Object.getOwnPropertyNames;var TE=Object.getPrototypeOf,NE=Object.prototype.hasOwnProperty;var M_=(e,t)=>(t=Symbol[e])?t:Symbol.for("Symbol."+e),H_=e=>{throw TypeError(e)};var a=(e,t)=>$u(e,"name",{value:t,configurable:!0});var q=(e,t)=>()=>{try{return t||e((t={exports:{}}).exports,t),t.exports}catch(n){throw t=0,n}};var OE=(e,t,n,r)=>{if(t&&typeof t=="object"||typeof t=="function")for(let s of PE(t))!NE.call(e,s)&&s!==n&&$u(e,s,{get:()=>t[s],enumerable:!(r=CE(t,s))||r.enumerable});return e};var gt=(e,t,n)=>(n=e!=null?IE(TE(e)):{},OE(t||!e||!e.__esModule?$u(n,"default",{value:e,enumerable:!0}):n,e));var z_=Uint8Array.fromBase64||(e=>new Uint8Array(Buffer.from(e,"base64")));var _s=(e,t,n)=>{if(t!=null){typeof t!="object"&&typeof t!="function"&&H_("Object expected");var r,s;n&&(r=t[M_("asyncDispose")]),r===void 0&&(r=t[M_("dispose")],n&&(s=r)),typeof r!="function"&&H_("Object not disposable"),s&&(r=function(){try{s.call(this)}catch(i){return Promise.reject(i)}}),e.push([n,r,t])}else n&&e.push([n]);return t},ms=(e,t,n)=>{var r=typeof SuppressedError=="function"?SuppressedError:function(o,c,l,u){return u=Error(l),u.name="SuppressedError",u.error=o,u.suppressed=c,u},s=o=>t=n?new r(o,t,"An error was suppressed during disposal"):(n=!0,o),i=o=>{for(;o=e.pop();)try{var c=o[1]&&o[1].call(o[2]);if(o[0])return Promise.resolve(c).then(i,l=>(s(l),i()))}catch(l){s(l)}if(n)throw t};return i()};var W_=q(Q_=>{Q_.HttpClient=class{}});var Z_=q(G_=>{G_.BearerCredentialHandler=class{}});var Xg=q((Lz,Vg)=>{"use strict";var Bn=a(e=>e!==null&&typeof e=="object"&&typeof e.pipe=="function","isStream");Bn.writable=e=>Bn(e)&&e.writable!==!1&&typeof e._write=="function"&&typeof e._writableState=="object";Bn.readable=e=>Bn(e)&&e.readable!==!1&&typeof e._read=="function"&&typeof e._readableState=="object";Bn.duplex=e=>Bn.writable(e)&&Bn.readable(e);Bn.transform=e=>Bn.duplex(e)&&typeof e._transform=="function";Vg.exports=Bn});var Jg=q(()=>{});var e$=q(()=>{});var n$=q((zz,t$)=>{t$.exports=e2;function e2(e){var t=[];return e.forEach(function(n){/^[A-Za-z0-9_\/-]+$/.test(n)||(n="'"+n.replace(/'/g,"'\\''")+"'",n=n.replace(/^(?:'')+/g,"").replace(/\\'''/g,"\\'")),t.push(n)}),t.join(" ")}a(e2,"shellescape")});var Ta=q((qz,r$)=>{r$.exports={newInvalidAsn1Error:a(function(e){var t=new Error;return t.name="InvalidAsn1Error",t.message=e||"",t},"newInvalidAsn1Error")}});var Na=q((Qz,s$)=>{s$.exports={EOC:0,Boolean:1,Integer:2,BitString:3,OctetString:4,Null:5,OID:6,ObjectDescriptor:7,External:8,Real:9,Enumeration:10,PDV:11,Utf8String:12,RelativeOID:13,Sequence:16,Set:17,NumericString:18,PrintableString:19,T61String:20,VideotexString:21,IA5String:22,UTCTime:23,GeneralizedTime:24,GraphicString:25,VisibleString:26,GeneralString:28,UniversalString:29,CharacterString:30,BMPString:31,Constructor:32,Context:128}});var hd=q((Wz,i$)=>{"use strict";var Oa=require("buffer"),Es=Oa.Buffer,dn={},fn;for(fn in Oa)Oa.hasOwnProperty(fn)&&(fn==="SlowBuffer"||fn==="Buffer"||(dn[fn]=Oa[fn]));var Ss=dn.Buffer={};for(fn in Es)Es.hasOwnProperty(fn)&&(fn==="allocUnsafe"||fn==="allocUnsafeSlow"||(Ss[fn]=Es[fn]));dn.Buffer.prototype=Es.prototype;(!Ss.from||Ss.from===Uint8Array.from)&&(Ss.from=function(e,t,n){if(typeof e=="number")throw new TypeError('The "value" argument must not be of type number. Received type '+typeof e);if(e&&typeof e.length>"u")throw new TypeError("The first argument must be one of type string, Buffer, ArrayBuffer, Array, or Array-like Object. Received type "+typeof e);return Es(e,t,n)});Ss.alloc||(Ss.alloc=function(e,t,n){if(typeof e!="number")throw new TypeError('The "size" argument must be of type number. Received type '+typeof e);if(e<0||e>=2*(1<<30))throw new RangeError('The value "'+e+'" is invalid for option "size"');var r=Es(e);return!t||t.length===0?r.fill(0):typeof n=="string"?r.fill(t,n):r.fill(t),r});if(!dn.kStringMaxLength)try{dn.kStringMaxLength=process.binding("buffer").kStringMaxLength}catch{}dn.constants||(dn.constants={MAX_LENGTH:dn.kMaxLength},dn.kStringMaxLength&&(dn.constants.MAX_STRING_LENGTH=dn.kStringMaxLength));i$.exports=dn});var c$=q((Gz,a$)=>{var t2=require("assert"),o$=hd().Buffer,Ti=Na(),n2=Ta(),Is=n2.newInvalidAsn1Error;function Kt(e){if(!e||!o$.isBuffer(e))throw new TypeError("data must be a node Buffer");this._buf=e,this._size=e.length,this._len=0,this._offset=0}a(Kt,"Reader");Object.defineProperty(Kt.prototype,"length",{enumerable:!0,get:a(function(){return this._len},"get")});Object.defineProperty(Kt.prototype,"offset",{enumerable:!0,get:a(function(){return this._offset},"get")});Object.defineProperty(Kt.prototype,"remain",{get:a(function(){return this._size-this._offset},"get")});Object.defineProperty(Kt.prototype,"buffer",{get:a(function(){return this._buf.slice(this._offset)},"get")});Kt.prototype.readByte=function(e){if(this._size-this._offset<1)return null;var t=this._buf[this._offset]&255;return e||(this._offset+=1),t};Kt.prototype.peek=function(){return this.readByte(!0)};Kt.prototype.readLength=function(e){if(e===void 0&&(e=this._offset),e>=this._size)return null;var t=this._buf[e++]&255;if(t===null)return null;if((t&128)===128){if(t&=127,t===0)throw Is("Indefinite length not supported");if(t>4)throw Is("encoding too long");if(this._size-e<t)return null;this._len=0;for(var n=0;n<t;n++)this._len=(this._len<<8)+(this._buf[e++]&255)}else this._len=t;return e};Kt.prototype.readSequence=function(e){var t=this.peek();if(t===null)return null;if(e!==void 0&&e!==t)throw Is("Expected 0x"+e.toString(16)+": got 0x"+t.toString(16));var n=this.readLength(this._offset+1);return n===null?null:(this._offset=n,t)};Kt.prototype.readInt=function(){return this._readTag(Ti.Integer)};Kt.prototype.readBoolean=function(){return this._readTag(Ti.Boolean)!==0};Kt.prototype.readEnumeration=function(){return this._readTag(Ti.Enumeration)};Kt.prototype.readString=function(e,t){e||(e=Ti.OctetString);var n=this.peek();if(n===null)return null;if(n!==e)throw Is("Expected 0x"+e.toString(16)+": got 0x"+n.toString(16));var r=this.readLength(this._offset+1);if(r===null||this.length>this._size-r)return null;if(this._offset=r,this.length===0)return t?o$.alloc(0):"";var s=this._buf.slice(this._offset,this._offset+this.length);return this._offset+=this.length,t?s:s.toString("utf8")};Kt.prototype.readOID=function(e){e||(e=Ti.OID);var t=this.readString(e,!0);if(t===null)return null;for(var n=[],r=0,s=0;s<t.length;s++){var i=t[s]&255;r<<=7,r+=i&127,(i&128)===0&&(n.push(r),r=0)}return r=n.shift(),n.unshift(r%40),n.unshift(r/40>>0),n.join(".")};Kt.prototype._readTag=function(e){t2.ok(e!==void 0);var t=this.peek();if(t===null)return null;if(t!==e)throw Is("Expected 0x"+e.toString(16)+": got 0x"+t.toString(16));var n=this.readLength(this._offset+1);if(n===null)return null;if(this.length>4)throw Is("Integer too long: "+this.length);if(this.length>this._size-n)return null;this._offset=n;for(var r=this._buf[this._offset],s=0,i=0;i<this.length;i++)s<<=8,s|=this._buf[this._offset++]&255;return(r&128)===128&&i!==4&&(s-=1<<i*8),s>>0};a$.exports=Kt});var u$=q((Yz,l$)=>{var fr=require("assert"),Ra=hd().Buffer,pr=Na(),r2=Ta(),Ba=r2.newInvalidAsn1Error,s2={size:1024,growthFactor:8};function i2(e,t){fr.ok(e),fr.equal(typeof e,"object"),fr.ok(t),fr.equal(typeof t,"object");var n=Object.getOwnPropertyNames(e);return n.forEach(function(r){if(!t[r]){var s=Object.getOwnPropertyDescriptor(e,r);Object.defineProperty(t,r,s)}}),t}a(i2,"merge");function zt(e){e=i2(s2,e||{}),this._buf=Ra.alloc(e.size||1024),this._size=this._buf.length,this._offset=0,this._options=e,this._seq=[]}a(zt,"Writer");Object.defineProperty(zt.prototype,"buffer",{get:a(function(){if(this._seq.length)throw Ba(this._seq.length+" unended sequence(s)");return this._buf.slice(0,this._offset)},"get")});zt.prototype.writeByte=function(e){if(typeof e!="number")throw new TypeError("argument must be a Number");this._ensure(1),this._buf[this._offset++]=e};zt.prototype.writeInt=function(e,t){if(typeof e!="number")throw new TypeError("argument must be a Number");typeof t!="number"&&(t=pr.Integer);for(var n=4;((e&4286578688)===0||(e&4286578688)===-8388608)&&n>1;)n--,e<<=8;if(n>4)throw Ba("BER ints cannot be > 0xffffffff");for(this._ensure(2+n),this._buf[this._offset++]=t,this._buf[this._offset++]=n;n-- >0;)this._buf[this._offset++]=(e&4278190080)>>>24,e<<=8};zt.prototype.writeNull=function(){this.writeByte(pr.Null),this.writeByte(0)};zt.prototype.writeEnumeration=function(e,t){if(typeof e!="number")throw new TypeError("argument must be a Number");return typeof t!="number"&&(t=pr.Enumeration),this.writeInt(e,t)};zt.prototype.writeBoolean=function(e,t){if(typeof e!="boolean")throw new TypeError("argument must be a Boolean");typeof t!="number"&&(t=pr.Boolean),this._ensure(3),this._buf[this._offset++]=t,this._buf[this._offset++]=1,this._buf[this._offset++]=e?255:0};zt.prototype.writeString=function(e,t){if(typeof e!="string")throw new TypeError("argument must be a string (was: "+typeof e+")");typeof t!="number"&&(t=pr.OctetString);var n=Ra.byteLength(e);this.writeByte(t),this.writeLength(n),n&&(this._ensure(n),this._buf.write(e,this._offset),this._offset+=n)};zt.prototype.writeBuffer=function(e,t){if(typeof t!="number")throw new TypeError("tag must be a number");if(!Ra.isBuffer(e))throw new TypeError("argument must be a buffer");this.writeByte(t),this.writeLength(e.length),this._ensure(e.length),e.copy(this._buf,this._offset,0,e.length),this._offset+=e.length};zt.prototype.writeStringArray=function(e){if(!e instanceof Array)throw new TypeError("argument must be an Array[String]");var t=this;e.forEach(function(n){t.writeString(n)})};zt.prototype.writeOID=function(e,t){if(typeof e!="string")throw new TypeError("argument must be a string");if(typeof t!="number"&&(t=pr.OID),!/^([0-9]+\.){3,}[0-9]+$/.test(e))throw new Error("argument is not a valid OID string");function n(o,c){c<128?o.push(c):c<16384?(o.push(c>>>7|128),o.push(c&127)):c<2097152?(o.push(c>>>14|128),o.push((c>>>7|128)&255),o.push(c&127)):c<268435456?(o.push(c>>>21|128),o.push((c>>>14|128)&255),o.push((c>>>7|128)&255),o.push(c&127)):(o.push((c>>>28|128)&255),o.push((c>>>21|128)&255),o.push((c>>>14|128)&255),o.push((c>>>7|128)&255),o.push(c&127))}a(n,"encodeOctet");var r=e.split("."),s=[];s.push(parseInt(r[0],10)*40+parseInt(r[1],10)),r.slice(2).forEach(function(o){n(s,parseInt(o,10))});var i=this;this._ensure(2+s.length),this.writeByte(t),this.writeLength(s.length),s.forEach(function(o){i.writeByte(o)})};zt.prototype.writeLength=function(e){if(typeof e!="number")throw new TypeError("argument must be a Number");if(this._ensure(4),e<=127)this._buf[this._offset++]=e;else if(e<=255)this._buf[this._offset++]=129,this._buf[this._offset++]=e;else if(e<=65535)this._buf[this._offset++]=130,this._buf[this._offset++]=e>>8,this._buf[this._offset++]=e;else if(e<=16777215)this._buf[this._offset++]=131,this._buf[this._offset++]=e>>16,this._buf[this._offset++]=e>>8,this._buf[this._offset++]=e;else throw Ba("Length too long (> 4 bytes)")};zt.prototype.startSequence=function(e){typeof e!="number"&&(e=pr.Sequence|pr.Constructor),this.writeByte(e),this._seq.push(this._offset),this._ensure(3),this._offset+=3};zt.prototype.endSequence=function(){var e=this._seq.pop(),t=e+3,n=this._offset-t;if(n<=127)this._shift(t,n,-2),this._buf[e]=n;else if(n<=255)this._shift(t,n,-1),this._buf[e]=129,this._buf[e+1]=n;else if(n<=65535)this._buf[e]=130,this._buf[e+1]=n>>8,this._buf[e+2]=n;else if(n<=16777215)this._shift(t,n,1),this._buf[e]=131,this._buf[e+1]=n>>16,this._buf[e+2]=n>>8,this._buf[e+3]=n;else throw Ba("Sequence too long")};zt.prototype._shift=function(e,t,n){fr.ok(e!==void 0),fr.ok(t!==void 0),fr.ok(n),this._buf.copy(this._buf,e+n,e,e+t),this._offset+=n};zt.prototype._ensure=function(e){if(fr.ok(e),this._size-this._offset<e){var t=this._size*this._options.growthFactor;t-this._offset<e&&(t+=e);var n=Ra.alloc(t);this._buf.copy(n,0,0,this._offset),this._buf=n,this._size=t}};l$.exports=zt});var d$=q((Xz,Ua)=>{var _d=Ta(),md=Na(),o2=c$(),a2=u$();Ua.exports={Reader:o2,Writer:a2};for(La in md)md.hasOwnProperty(La)&&(Ua.exports[La]=md[La]);var La;for(Da in _d)_d.hasOwnProperty(Da)&&(Ua.exports[Da]=_d[Da]);var Da});var Fa=q((Jz,f$)=>{var gd=d$();f$.exports={Ber:gd,BerReader:gd.Reader,BerWriter:gd.Writer}});var p$=q((ej,Ma)=>{(function(e){"use strict";var t=a(function(m){var b,w=new Float64Array(16);if(m)for(b=0;b<m.length;b++)w[b]=m[b];return w},"gf"),n=a(function(){throw new Error("no PRNG")},"randombytes"),r=new Uint8Array(16),s=new Uint8Array(32);s[0]=9;var i=t(),o=t([1]),c=t([56129,1]),l=t([30883,4953,19914,30187,55467,16705,2637,112,59544,30585,16505,36039,65139,11119,27886,20995]),u=t([61785,9906,39828,60374,45398,33411,5274,224,53552,61171,33010,6542,64743,22239,55772,9222]),d=t([54554,36645,11616,51542,42930,38181,51040,26924,56412,64982,57905,49316,21502,52590,14035,8553]),f=t([26200,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214]),p=t([41136,18958,6951,50414,58488,44335,6150,12099,55207,15867,153,11085,57099,20417,9344,11139]);function _(m,b,w,h){m[b]=w>>24&255,m[b+1]=w>>16&255,m[b+2]=w>>8&255,m[b+3]=w&255,m[b+4]=h>>24&255,m[b+5]=h>>16&255,m[b+6]=h>>8&255,m[b+7]=h&255}a(_,"ts64");function $(m,b,w,h,A){var I,N=0;for(I=0;I<A;I++)N|=m[b+I]^w[h+I];return(1&N-1>>>8)-1}a($,"vn");function g(m,b,w,h){return $(m,b,w,h,16)}a(g,"crypto_verify_16");function y(m,b,w,h){return $(m,b,w,h,32)}a(y,"crypto_verify_32");function k(m,b,w,h){for(var A=h[0]&255|(h[1]&255)<<8|(h[2]&255)<<16|(h[3]&255)<<24,I=w[0]&255|(w[1]&255)<<8|(w[2]&255)<<16|(w[3]&255)<<24,N=w[4]&255|(w[5]&255)<<8|(w[6]&255)<<16|(w[7]&255)<<24,H=w[8]&255|(w[9]&255)<<8|(w[10]&255)<<16|(w[11]&255)<<24,V=w[12]&255|(w[13]&255)<<8|(w[14]&255)<<16|(w[15]&255)<<24,ae=h[4]&255|(h[5]&255)<<8|(h[6]&255)<<16|(h[7]&255)<<24,re=b[0]&255|(b[1]&255)<<8|(b[2]&255)<<16|(b[3]&255)<<24,Qe=b[4]&255|(b[5]&255)<<8|(b[6]&255)<<16|(b[7]&255)<<24,ie=b[8]&255|(b[9]&255)<<8|(b[10]&255)<<16|(b[11]&255)<<24,Ee=b[12]&255|(b[13]&255)<<8|(b[14]&255)<<16|(b[15]&255)<<24,Se=h[8]&255|(h[9]&255)<<8|(h[10]&255)<<16|(h[11]&255)<<24,Ne=w[16]&255|(w[17]&255)<<8|(w[18]&255)<<16|(w[19]&255)<<24,Te=w[20]&255|(w[21]&255)<<8|(w[22]&255)<<16|(w[23]&255)<<24,Ie=w[24]&255|(w[25]&255)<<8|(w[26]&255)<<16|(w[27]&255)<<24,Pe=w[28]&255|(w[29]&255)<<8|(w[30]&255)<<16|(w[31]&255)<<24,Ce=h[12]&255|(h[13]&255)<<8|(h[14]&255)<<16|(h[15]&255)<<24,ce=A,me=I,se=N,le=H,fe=V,ne=ae,R=re,B=Qe,W=ie,M=Ee,z=Se,Y=Ne,Ae=Te,Oe=Ie,Be=Pe,Re=Ce,v,De=0;De<20;De+=2)v=ce+Ae|0,fe^=v<<7|v>>>25,v=fe+ce|0,W^=v<<9|v>>>23,v=W+fe|0,Ae^=v<<13|v>>>19,v=Ae+W|0,ce^=v<<18|v>>>14,v=ne+me|0,M^=v<<7|v>>>25,v=M+ne|0,Oe^=v<<9|v>>>23,v=Oe+M|0,me^=v<<13|v>>>19,v=me+Oe|0,ne^=v<<18|v>>>14,v=z+R|0,Be^=v<<7|v>>>25,v=Be+z|0,se^=v<<9|v>>>23,v=se+Be|0,R^=v<<13|v>>>19,v=R+se|0,z^=v<<18|v>>>14,v=Re+Y|0,le^=v<<7|v>>>25,v=le+Re|0,B^=v<<9|v>>>23,v=B+le|0,Y^=v<<13|v>>>19,v=Y+B|0,Re^=v<<18|v>>>14,v=ce+le|0,me^=v<<7|v>>>25,v=me+ce|0,se^=v<<9|v>>>23,v=se+me|0,le^=v<<13|v>>>19,v=le+se|0,ce^=v<<18|v>>>14,v=ne+fe|0,R^=v<<7|v>>>25,v=R+ne|0,B^=v<<9|v>>>23,v=B+R|0,fe^=v<<13|v>>>19,v=fe+B|0,ne^=v<<18|v>>>14,v=z+M|0,Y^=v<<7|v>>>25,v=Y+z|0,W^=v<<9|v>>>23,v=W+Y|0,M^=v<<13|v>>>19,v=M+W|0,z^=v<<18|v>>>14,v=Re+Be|0,Ae^=v<<7|v>>>25,v=Ae+Re|0,Oe^=v<<9|v>>>23,v=Oe+Ae|0,Be^=v<<13|v>>>19,v=Be+Oe|0,Re^=v<<18|v>>>14;ce=ce+A|0,me=me+I|0,se=se+N|0,le=le+H|0,fe=fe+V|0,ne=ne+ae|0,R=R+re|0,B=B+Qe|0,W=W+ie|0,M=M+Ee|0,z=z+Se|0,Y=Y+Ne|0,Ae=Ae+Te|0,Oe=Oe+Ie|0,Be=Be+Pe|0,Re=Re+Ce|0,m[0]=ce>>>0&255,m[1]=ce>>>8&255,m[2]=ce>>>16&255,m[3]=ce>>>24&255,m[4]=me>>>0&255,m[5]=me>>>8&255,m[6]=me>>>16&255,m[7]=me>>>24&255,m[8]=se>>>0&255,m[9]=se>>>8&255,m[10]=se>>>16&255,m[11]=se>>>24&255,m[12]=le>>>0&255,m[13]=le>>>8&255,m[14]=le>>>16&255,m[15]=le>>>24&255,m[16]=fe>>>0&255,m[17]=fe>>>8&255,m[18]=fe>>>16&255,m[19]=fe>>>24&255,m[20]=ne>>>0&255,m[21]=ne>>>8&255,m[22]=ne>>>16&255,m[23]=ne>>>24&255,m[24]=R>>>0&255,m[25]=R>>>8&255,m[26]=R>>>16&255,m[27]=R>>>24&255,m[28]=B>>>0&255,m[29]=B>>>8&255,m[30]=B>>>16&255,m[31]=B>>>24&255,m[32]=W>>>0&255,m[33]=W>>>8&255,m[34]=W>>>16&255,m[35]=W>>>24&255,m[36]=M>>>0&255,m[37]=M>>>8&255,m[38]=M>>>16&255,m[39]=M>>>24&255,m[40]=z>>>0&255,m[41]=z>>>8&255,m[42]=z>>>16&255,m[43]=z>>>24&255,m[44]=Y>>>0&255,m[45]=Y>>>8&255,m[46]=Y>>>16&255,m[47]=Y>>>24&255,m[48]=Ae>>>0&255,m[49]=Ae>>>8&255,m[50]=Ae>>>16&255,m[51]=Ae>>>24&255,m[52]=Oe>>>0&255,m[53]=Oe>>>8&255,m[54]=Oe>>>16&255,m[55]=Oe>>>24&255,m[56]=Be>>>0&255,m[57]=Be>>>8&255,m[58]=Be>>>16&255,m[59]=Be>>>24&255,m[60]=Re>>>0&255,m[61]=Re>>>8&255,m[62]=Re>>>16&255,m[63]=Re>>>24&255}a(k,"core_salsa20");function x(m,b,w,h){for(var A=h[0]&255|(h[1]&255)<<8|(h[2]&255)<<16|(h[3]&255)<<24,I=w[0]&255|(w[1]&255)<<8|(w[2]&255)<<16|(w[3]&255)<<24,N=w[4]&255|(w[5]&255)<<8|(w[6]&255)<<16|(w[7]&255)<<24,H=w[8]&255|(w[9]&255)<<8|(w[10]&255)<<16|(w[11]&255)<<24,V=w[12]&255|(w[13]&255)<<8|(w[14]&255)<<16|(w[15]&255)<<24,ae=h[4]&255|(h[5]&255)<<8|(h[6]&255)<<16|(h[7]&255)<<24,re=b[0]&255|(b[1]&255)<<8|(b[2]&255)<<16|(b[3]&255)<<24,Qe=b[4]&255|(b[5]&255)<<8|(b[6]&255)<<16|(b[7]&255)<<24,ie=b[8]&255|(b[9]&255)<<8|(b[10]&255)<<16|(b[11]&255)<<24,Ee=b[12]&255|(b[13]&255)<<8|(b[14]&255)<<16|(b[15]&255)<<24,Se=h[8]&255|(h[9]&255)<<8|(h[10]&255)<<16|(h[11]&255)<<24,Ne=w[16]&255|(w[17]&255)<<8|(w[18]&255)<<16|(w[19]&255)<<24,Te=w[20]&255|(w[21]&255)<<8|(w[22]&255)<<16|(w[23]&255)<<24,Ie=w[24]&255|(w[25]&255)<<8|(w[26]&255)<<16|(w[27]&255)<<24,Pe=w[28]&255|(w[29]&255)<<8|(w[30]&255)<<16|(w[31]&255)<<24,Ce=h[12]&255|(h[13]&255)<<8|(h[14]&255)<<16|(h[15]&255)<<24,ce=A,me=I,se=N,le=H,fe=V,ne=ae,R=re,B=Qe,W=ie,M=Ee,z=Se,Y=Ne,Ae=Te,Oe=Ie,Be=Pe,Re=Ce,v,De=0;De<20;De+=2)v=ce+Ae|0,fe^=v<<7|v>>>25,v=fe+ce|0,W^=v<<9|v>>>23,v=W+fe|0,Ae^=v<<13|v>>>19,v=Ae+W|0,ce^=v<<18|v>>>14,v=ne+me|0,M^=v<<7|v>>>25,v=M+ne|0,Oe^=v<<9|v>>>23,v=Oe+M|0,me^=v<<13|v>>>19,v=me+Oe|0,ne^=v<<18|v>>>14,v=z+R|0,Be^=v<<7|v>>>25,v=Be+z|0,se^=v<<9|v>>>23,v=se+Be|0,R^=v<<13|v>>>19,v=R+se|0,z^=v<<18|v>>>14,v=Re+Y|0,le^=v<<7|v>>>25,v=le+Re|0,B^=v<<9|v>>>23,v=B+le|0,Y^=v<<13|v>>>19,v=Y+B|0,Re^=v<<18|v>>>14,v=ce+le|0,me^=v<<7|v>>>25,v=me+ce|0,se^=v<<9|v>>>23,v=se+me|0,le^=v<<13|v>>>19,v=le+se|0,ce^=v<<18|v>>>14,v=ne+fe|0,R^=v<<7|v>>>25,v=R+ne|0,B^=v<<9|v>>>23,v=B+R|0,fe^=v<<13|v>>>19,v=fe+B|0,ne^=v<<18|v>>>14,v=z+M|0,Y^=v<<7|v>>>25,v=Y+z|0,W^=v<<9|v>>>23,v=W+Y|0,M^=v<<13|v>>>19,v=M+W|0,z^=v<<18|v>>>14,v=Re+Be|0,Ae^=v<<7|v>>>25,v=Ae+Re|0,Oe^=v<<9|v>>>23,v=Oe+Ae|0,Be^=v<<13|v>>>19,v=Be+Oe|0,Re^=v<<18|v>>>14;m[0]=ce>>>0&255,m[1]=ce>>>8&255,m[2]=ce>>>16&255,m[3]=ce>>>24&255,m[4]=ne>>>0&255,m[5]=ne>>>8&255,m[6]=ne>>>16&255,m[7]=ne>>>24&255,m[8]=z>>>0&255,m[9]=z>>>8&255,m[10]=z>>>16&255,m[11]=z>>>24&255,m[12]=Re>>>0&255,m[13]=Re>>>8&255,m[14]=Re>>>16&255,m[15]=Re>>>24&255,m[16]=R>>>0&255,m[17]=R>>>8&255,m[18]=R>>>16&255,m[19]=R>>>24&255,m[20]=B>>>0&255,m[21]=B>>>8&255,m[22]=B>>>16&255,m[23]=B>>>24&255,m[24]=W>>>0&255,m[25]=W>>>8&255,m[26]=W>>>16&255,m[27]=W>>>24&255,m[28]=M>>>0&255,m[29]=M>>>8&255,m[30]=M>>>16&255,m[31]=M>>>24&255}a(x,"core_hsalsa20");function T(m,b,w,h){k(m,b,w,h)}a(T,"crypto_core_salsa20");function E(m,b,w,h){x(m,b,w,h)}a(E,"crypto_core_hsalsa20");var L=new Uint8Array([101,120,112,97,110,100,32,51,50,45,98,121,116,101,32,107]);function j(m,b,w,h,A,I,N){var H=new Uint8Array(16),V=new Uint8Array(64),ae,re;for(re=0;re<16;re++)H[re]=0;for(re=0;re<8;re++)H[re]=I[re];for(;A>=64;){for(T(V,H,N,L),re=0;re<64;re++)m[b+re]=w[h+re]^V[re];for(ae=1,re=8;re<16;re++)ae=ae+(H[re]&255)|0,H[re]=ae&255,ae>>>=8;A-=64,b+=64,h+=64}if(A>0)for(T(V,H,N,L),re=0;re<A;re++)m[b+re]=w[h+re]^V[re];return 0}a(j,"crypto_stream_salsa20_xor");function ee(m,b,w,h,A){var I=new Uint8Array(16),N=new Uint8Array(64),H,V;for(V=0;V<16;V++)I[V]=0;for(V=0;V<8;V++)I[V]=h[V];for(;w>=64;){for(T(N,I,A,L),V=0;V<64;V++)m[b+V]=N[V];for(H=1,V=8;V<16;V++)H=H+(I[V]&255)|0,I[V]=H&255,H>>>=8;w-=64,b+=64}if(w>0)for(T(N,I,A,L),V=0;V<w;V++)m[b+V]=N[V];return 0}a(ee,"crypto_stream_salsa20");function P(m,b,w,h,A){var I=new Uint8Array(32);E(I,h,A,L);for(var N=new Uint8Array(8),H=0;H<8;H++)N[H]=h[H+16];return ee(m,b,w,N,I)}a(P,"crypto_stream");function G(m,b,w,h,A,I,N){var H=new Uint8Array(32);E(H,I,N,L);for(var V=new Uint8Array(8),ae=0;ae<8;ae++)V[ae]=I[ae+16];return j(m,b,w,h,A,V,H)}a(G,"crypto_stream_xor");var Q=a(function(m){this.buffer=new Uint8Array(16),this.r=new Uint16Array(10),this.h=new Uint16Array(10),this.pad=new Uint16Array(8),this.leftover=0,this.fin=0;var b,w,h,A,I,N,H,V;b=m[0]&255|(m[1]&255)<<8,this.r[0]=b&8191,w=m[2]&255|(m[3]&255)<<8,this.r[1]=(b>>>13|w<<3)&8191,h=m[4]&255|(m[5]&255)<<8,this.r[2]=(w>>>10|h<<6)&7939,A=m[6]&255|(m[7]&255)<<8,this.r[3]=(h>>>7|A<<9)&8191,I=m[8]&255|(m[9]&255)<<8,this.r[4]=(A>>>4|I<<12)&255,this.r[5]=I>>>1&8190,N=m[10]&255|(m[11]&255)<<8,this.r[6]=(I>>>14|N<<2)&8191,H=m[12]&255|(m[13]&255)<<8,this.r[7]=(N>>>11|H<<5)&8065,V=m[14]&255|(m[15]&255)<<8,this.r[8]=(H>>>8|V<<8)&8191,this.r[9]=V>>>5&127,this.pad[0]=m[16]&255|(m[17]&255)<<8,this.pad[1]=m[18]&255|(m[19]&255)<<8,this.pad[2]=m[20]&255|(m[21]&255)<<8,this.pad[3]=m[22]&255|(m[23]&255)<<8,this.pad[4]=m[24]&255|(m[25]&255)<<8,this.pad[5]=m[26]&255|(m[27]&255)<<8,this.pad[6]=m[28]&255|(m[29]&255)<<8,this.pad[7]=m[30]&255|(m[31]&255)<<8},"poly1305");Q.prototype.blocks=function(m,b,w){for(var h=this.fin?0:2048,A,I,N,H,V,ae,re,Qe,ie,Ee,Se,Ne,Te,Ie,Pe,Ce,ce,me,se,le=this.h[0],fe=this.h[1],ne=this.h[2],R=this.h[3],B=this.h[4],W=this.h[5],M=this.h[6],z=this.h[7],Y=this.h[8],Ae=this.h[9],Oe=this.r[0],Be=this.r[1],Re=this.r[2],v=this.r[3],De=this.r[4],We=this.r[5],Ge=this.r[6],Le=this.r[7],je=this.r[8],qe=this.r[9];w>=16;)A=m[b+0]&255|(m[b+1]&255)<<8,le+=A&8191,I=m[b+2]&255|(m[b+3]&255)<<8,fe+=(A>>>13|I<<3)&8191,N=m[b+4]&255|(m[b+5]&255)<<8,ne+=(I>>>10|N<<6)&8191,H=m[b+6]&255|(m[b+7]&255)<<8,R+=(N>>>7|H<<9)&8191,V=m[b+8]&255|(m[b+9]&255)<<8,B+=(H>>>4|V<<12)&8191,W+=V>>>1&8191,ae=m[b+10]&255|(m[b+11]&255)<<8,M+=(V>>>14|ae<<2)&8191,re=m[b+12]&255|(m[b+13]&255)<<8,z+=(ae>>>11|re<<5)&8191,Qe=m[b+14]&255|(m[b+15]&255)<<8,Y+=(re>>>8|Qe<<8)&8191,Ae+=Qe>>>5|h,ie=0,Ee=ie,Ee+=le*Oe,Ee+=fe*(5*qe),Ee+=ne*(5*je),Ee+=R*(5*Le),Ee+=B*(5*Ge),ie=Ee>>>13,Ee&=8191,Ee+=W*(5*We),Ee+=M*(5*De),Ee+=z*(5*v),Ee+=Y*(5*Re),Ee+=Ae*(5*Be),ie+=Ee>>>13,Ee&=8191,Se=ie,Se+=le*Be,Se+=fe*Oe,Se+=ne*(5*qe),Se+=R*(5*je),Se+=B*(5*Le),ie=Se>>>13,Se&=8191,Se+=W*(5*Ge),Se+=M*(5*We),Se+=z*(5*De),Se+=Y*(5*v),Se+=Ae*(5*Re),ie+=Se>>>13,Se&=8191,Ne=ie,Ne+=le*Re,Ne+=fe*Be,Ne+=ne*Oe,Ne+=R*(5*qe),Ne+=B*(5*je),ie=Ne>>>13,Ne&=8191,Ne+=W*(5*Le),Ne+=M*(5*Ge),Ne+=z*(5*We),Ne+=Y*(5*De),Ne+=Ae*(5*v),ie+=Ne>>>13,Ne&=8191,Te=ie,Te+=le*v,Te+=fe*Re,Te+=ne*Be,Te+=R*Oe,Te+=B*(5*qe),ie=Te>>>13,Te&=8191,Te+=W*(5*je),Te+=M*(5*Le),Te+=z*(5*Ge),Te+=Y*(5*We),Te+=Ae*(5*De),ie+=Te>>>13,Te&=8191,Ie=ie,Ie+=le*De,Ie+=fe*v,Ie+=ne*Re,Ie+=R*Be,Ie+=B*Oe,ie=Ie>>>13,Ie&=8191,Ie+=W*(5*qe),Ie+=M*(5*je),Ie+=z*(5*Le),Ie+=Y*(5*Ge),Ie+=Ae*(5*We),ie+=Ie>>>13,Ie&=8191,Pe=ie,Pe+=le*We,Pe+=fe*De,Pe+=ne*v,Pe+=R*Re,Pe+=B*Be,ie=Pe>>>13,Pe&=8191,Pe+=W*Oe,Pe+=M*(5*qe),Pe+=z*(5*je),Pe+=Y*(5*Le),Pe+=Ae*(5*Ge),ie+=Pe>>>13,Pe&=8191,Ce=ie,Ce+=le*Ge,Ce+=fe*We,Ce+=ne*De,Ce+=R*v,Ce+=B*Re,ie=Ce>>>13,Ce&=8191,Ce+=W*Be,Ce+=M*Oe,Ce+=z*(5*qe),Ce+=Y*(5*je),Ce+=Ae*(5*Le),ie+=Ce>>>13,Ce&=8191,ce=ie,ce+=le*Le,ce+=fe*Ge,ce+=ne*We,ce+=R*De,ce+=B*v,ie=ce>>>13,ce&=8191,ce+=W*Re,ce+=M*Be,ce+=z*Oe,ce+=Y*(5*qe),ce+=Ae*(5*je),ie+=ce>>>13,ce&=8191,me=ie,me+=le*je,me+=fe*Le,me+=ne*Ge,me+=R*We,me+=B*De,ie=me>>>13,me&=8191,me+=W*v,me+=M*Re,me+=z*Be,me+=Y*Oe,me+=Ae*(5*qe),ie+=me>>>13,me&=8191,se=ie,se+=le*qe,se+=fe*je,se+=ne*Le,se+=R*Ge,se+=B*We,ie=se>>>13,se&=8191,se+=W*De,se+=M*v,se+=z*Re,se+=Y*Be,se+=Ae*Oe,ie+=se>>>13,se&=8191,ie=(ie<<2)+ie|0,ie=ie+Ee|0,Ee=ie&8191,ie=ie>>>13,Se+=ie,le=Ee,fe=Se,ne=Ne,R=Te,B=Ie,W=Pe,M=Ce,z=ce,Y=me,Ae=se,b+=16,w-=16;this.h[0]=le,this.h[1]=fe,this.h[2]=ne,this.h[3]=R,this.h[4]=B,this.h[5]=W,this.h[6]=M,this.h[7]=z,this.h[8]=Y,this.h[9]=Ae},Q.prototype.finish=function(m,b){var w=new Uint16Array(10),h,A,I,N;if(this.leftover){for(N=this.leftover,this.buffer[N++]=1;N<16;N++)this.buffer[N]=0;this.fin=1,this.blocks(this.buffer,0,16)}for(h=this.h[1]>>>13,this.h[1]&=8191,N=2;N<10;N++)this.h[N]+=h,h=this.h[N]>>>13,this.h[N]&=8191;for(this.h[0]+=h*5,h=this.h[0]>>>13,this.h[0]&=8191,this.h[1]+=h,h=this.h[1]>>>13,this.h[1]&=8191,this.h[2]+=h,w[0]=this.h[0]+5,h=w[0]>>>13,w[0]&=8191,N=1;N<10;N++)w[N]=this.h[N]+h,h=w[N]>>>13,w[N]&=8191;for(w[9]-=8192,A=(h^1)-1,N=0;N<10;N++)w[N]&=A;for(A=~A,N=0;N<10;N++)this.h[N]=this.h[N]&A|w[N];for(this.h[0]=(this.h[0]|this.h[1]<<13)&65535,this.h[1]=(this.h[1]>>>3|this.h[2]<<10)&65535,this.h[2]=(this.h[2]>>>6|this.h[3]<<7)&65535,this.h[3]=(this.h[3]>>>9|this.h[4]<<4)&65535,this.h[4]=(this.h[4]>>>12|this.h[5]<<1|this.h[6]<<14)&65535,this.h[5]=(this.h[6]>>>2|this.h[7]<<11)&65535,this.h[6]=(this.h[7]>>>5|this.h[8]<<8)&65535,this.h[7]=(this.h[8]>>>8|this.h[9]<<5)&65535,I=this.h[0]+this.pad[0],this.h[0]=I&65535,N=1;N<8;N++)I=(this.h[N]+this.pad[N]|0)+(I>>>16)|0,this.h[N]=I&65535;m[b+0]=this.h[0]>>>0&255,m[b+1]=this.h[0]>>>8&255,m[b+2]=this.h[1]>>>0&255,m[b+3]=this.h[1]>>>8&255,m[b+4]=this.h[2]>>>0&255,m[b+5]=this.h[2]>>>8&255,m[b+6]=this.h[3]>>>0&255,m[b+7]=this.h[3]>>>8&255,m[b+8]=this.h[4]>>>0&255,m[b+9]=this.h[4]>>>8&255,m[b+10]=this.h[5]>>>0&255,m[b+11]=this.h[5]>>>8&255,m[b+12]=this.h[6]>>>0&255,m[b+13]=this.h[6]>>>8&255,m[b+14]=this.h[7]>>>0&255,m[b+15]=this.h[7]>>>8&255},Q.prototype.update=function(m,b,w){var h,A;if(this.leftover){for(A=16-this.leftover,A>w&&(A=w),h=0;h<A;h++)this.buffer[this.leftover+h]=m[b+h];if(w-=A,b+=A,this.leftover+=A,this.leftover<16)return;this.blocks(this.buffer,0,16),this.leftover=0}if(w>=16&&(A=w-w%16,this.blocks(m,b,A),b+=A,w-=A),w){for(h=0;h<w;h++)this.buffer[this.leftover+h]=m[b+h];this.leftover+=w}};function Z(m,b,w,h,A,I){var N=new Q(I);return N.update(w,h,A),N.finish(m,b),0}a(Z,"crypto_onetimeauth");function X(m,b,w,h,A,I){var N=new Uint8Array(16);return Z(N,0,w,h,A,I),g(m,b,N,0)}a(X,"crypto_onetimeauth_verify");function he(m,b,w,h,A){var I;if(w<32)return-1;for(G(m,0,b,0,w,h,A),Z(m,16,m,32,w-32,m),I=0;I<16;I++)m[I]=0;return 0}a(he,"crypto_secretbox");function J(m,b,w,h,A){var I,N=new Uint8Array(32);if(w<32||(P(N,0,32,h,A),X(b,16,b,32,w-32,N)!==0))return-1;for(G(m,0,b,0,w,h,A),I=0;I<32;I++)m[I]=0;return 0}a(J,"crypto_secretbox_open");function oe(m,b){var w;for(w=0;w<16;w++)m[w]=b[w]|0}a(oe,"set25519");function _e(m){var b,w,h=1;for(b=0;b<16;b++)w=m[b]+h+65535,h=Math.floor(w/65536),m[b]=w-h*65536;m[0]+=h-1+37*(h-1)}a(_e,"car25519");function we(m,b,w){for(var h,A=~(w-1),I=0;I<16;I++)h=A&(m[I]^b[I]),m[I]^=h,b[I]^=h}a(we,"sel25519");function O(m,b){var w,h,A,I=t(),N=t();for(w=0;w<16;w++)N[w]=b[w];for(_e(N),_e(N),_e(N),h=0;h<2;h++){for(I[0]=N[0]-65517,w=1;w<15;w++)I[w]=N[w]-65535-(I[w-1]>>16&1),I[w-1]&=65535;I[15]=N[15]-32767-(I[14]>>16&1),A=I[15]>>16&1,I[14]&=65535,we(N,I,1-A)}for(w=0;w<16;w++)m[2*w]=N[w]&255,m[2*w+1]=N[w]>>8}a(O,"pack25519");function U(m,b){var w=new Uint8Array(32),h=new Uint8Array(32);return O(w,m),O(h,b),y(w,0,h,0)}a(U,"neq25519");function D(m){var b=new Uint8Array(32);return O(b,m),b[0]&1}a(D,"par25519");function K(m,b){var w;for(w=0;w<16;w++)m[w]=b[2*w]+(b[2*w+1]<<8);m[15]&=32767}a(K,"unpack25519");function ue(m,b,w){for(var h=0;h<16;h++)m[h]=b[h]+w[h]}a(ue,"A");function pe(m,b,w){for(var h=0;h<16;h++)m[h]=b[h]-w[h]}a(pe,"Z");function de(m,b,w){var h,A,I=0,N=0,H=0,V=0,ae=0,re=0,Qe=0,ie=0,Ee=0,Se=0,Ne=0,Te=0,Ie=0,Pe=0,Ce=0,ce=0,me=0,se=0,le=0,fe=0,ne=0,R=0,B=0,W=0,M=0,z=0,Y=0,Ae=0,Oe=0,Be=0,Re=0,v=w[0],De=w[1],We=w[2],Ge=w[3],Le=w[4],je=w[5],qe=w[6],wt=w[7],et=w[8],ht=w[9],_t=w[10],mt=w[11],It=w[12],Ut=w[13],Ft=w[14],Mt=w[15];h=b[0],I+=h*v,N+=h*De,H+=h*We,V+=h*Ge,ae+=h*Le,re+=h*je,Qe+=h*qe,ie+=h*wt,Ee+=h*et,Se+=h*ht,Ne+=h*_t,Te+=h*mt,Ie+=h*It,Pe+=h*Ut,Ce+=h*Ft,ce+=h*Mt,h=b[1],N+=h*v,H+=h*De,V+=h*We,ae+=h*Ge,re+=h*Le,Qe+=h*je,ie+=h*qe,Ee+=h*wt,Se+=h*et,Ne+=h*ht,Te+=h*_t,Ie+=h*mt,Pe+=h*It,Ce+=h*Ut,ce+=h*Ft,me+=h*Mt,h=b[2],H+=h*v,V+=h*De,ae+=h*We,re+=h*Ge,Qe+=h*Le,ie+=h*je,Ee+=h*qe,Se+=h*wt,Ne+=h*et,Te+=h*ht,Ie+=h*_t,Pe+=h*mt,Ce+=h*It,ce+=h*Ut,me+=h*Ft,se+=h*Mt,h=b[3],V+=h*v,ae+=h*De,re+=h*We,Qe+=h*Ge,ie+=h*Le,Ee+=h*je,Se+=h*qe,Ne+=h*wt,Te+=h*et,Ie+=h*ht,Pe+=h*_t,Ce+=h*mt,ce+=h*It,me+=h*Ut,se+=h*Ft,le+=h*Mt,h=b[4],ae+=h*v,re+=h*De,Qe+=h*We,ie+=h*Ge,Ee+=h*Le,Se+=h*je,Ne+=h*qe,Te+=h*wt,Ie+=h*et,Pe+=h*ht,Ce+=h*_t,ce+=h*mt,me+=h*It,se+=h*Ut,le+=h*Ft,fe+=h*Mt,h=b[5],re+=h*v,Qe+=h*De,ie+=h*We,Ee+=h*Ge,Se+=h*Le,Ne+=h*je,Te+=h*qe,Ie+=h*wt,Pe+=h*et,Ce+=h*ht,ce+=h*_t,me+=h*mt,se+=h*It,le+=h*Ut,fe+=h*Ft,ne+=h*Mt,h=b[6],Qe+=h*v,ie+=h*De,Ee+=h*We,Se+=h*Ge,Ne+=h*Le,Te+=h*je,Ie+=h*qe,Pe+=h*wt,Ce+=h*et,ce+=h*ht,me+=h*_t,se+=h*mt,le+=h*It,fe+=h*Ut,ne+=h*Ft,R+=h*Mt,h=b[7],ie+=h*v,Ee+=h*De,Se+=h*We,Ne+=h*Ge,Te+=h*Le,Ie+=h*je,Pe+=h*qe,Ce+=h*wt,ce+=h*et,me+=h*ht,se+=h*_t,le+=h*mt,fe+=h*It,ne+=h*Ut,R+=h*Ft,B+=h*Mt,h=b[8],Ee+=h*v,Se+=h*De,Ne+=h*We,Te+=h*Ge,Ie+=h*Le,Pe+=h*je,Ce+=h*qe,ce+=h*wt,me+=h*et,se+=h*ht,le+=h*_t,fe+=h*mt,ne+=h*It,R+=h*Ut,B+=h*Ft,W+=h*Mt,h=b[9],Se+=h*v,Ne+=h*De,Te+=h*We,Ie+=h*Ge,Pe+=h*Le,Ce+=h*je,ce+=h*qe,me+=h*wt,se+=h*et,le+=h*ht,fe+=h*_t,ne+=h*mt,R+=h*It,B+=h*Ut,W+=h*Ft,M+=h*Mt,h=b[10],Ne+=h*v,Te+=h*De,Ie+=h*We,Pe+=h*Ge,Ce+=h*Le,ce+=h*je,me+=h*qe,se+=h*wt,le+=h*et,fe+=h*ht,ne+=h*_t,R+=h*mt,B+=h*It,W+=h*Ut,M+=h*Ft,z+=h*Mt,h=b[11],Te+=h*v,Ie+=h*De,Pe+=h*We,Ce+=h*Ge,ce+=h*Le,me+=h*je,se+=h*qe,le+=h*wt,fe+=h*et,ne+=h*ht,R+=h*_t,B+=h*mt,W+=h*It,M+=h*Ut,z+=h*Ft,Y+=h*Mt,h=b[12],Ie+=h*v,Pe+=h*De,Ce+=h*We,ce+=h*Ge,me+=h*Le,se+=h*je,le+=h*qe,fe+=h*wt,ne+=h*et,R+=h*ht,B+=h*_t,W+=h*mt,M+=h*It,z+=h*Ut,Y+=h*Ft,Ae+=h*Mt,h=b[13],Pe+=h*v,Ce+=h*De,ce+=h*We,me+=h*Ge,se+=h*Le,le+=h*je,fe+=h*qe,ne+=h*wt,R+=h*et,B+=h*ht,W+=h*_t,M+=h*mt,z+=h*It,Y+=h*Ut,Ae+=h*Ft,Oe+=h*Mt,h=b[14],Ce+=h*v,ce+=h*De,me+=h*We,se+=h*Ge,le+=h*Le,fe+=h*je,ne+=h*qe,R+=h*wt,B+=h*et,W+=h*ht,M+=h*_t,z+=h*mt,Y+=h*It,Ae+=h*Ut,Oe+=h*Ft,Be+=h*Mt,h=b[15],ce+=h*v,me+=h*De,se+=h*We,le+=h*Ge,fe+=h*Le,ne+=h*je,R+=h*qe,B+=h*wt,W+=h*et,M+=h*ht,z+=h*_t,Y+=h*mt,Ae+=h*It,Oe+=h*Ut,Be+=h*Ft,Re+=h*Mt,I+=38*me,N+=38*se,H+=38*le,V+=38*fe,ae+=38*ne,re+=38*R,Qe+=38*B,ie+=38*W,Ee+=38*M,Se+=38*z,Ne+=38*Y,Te+=38*Ae,Ie+=38*Oe,Pe+=38*Be,Ce+=38*Re,A=1,h=I+A+65535,A=Math.floor(h/65536),I=h-A*65536,h=N+A+65535,A=Math.floor(h/65536),N=h-A*65536,h=H+A+65535,A=Math.floor(h/65536),H=h-A*65536,h=V+A+65535,A=Math.floor(h/65536),V=h-A*65536,h=ae+A+65535,A=Math.floor(h/65536),ae=h-A*65536,h=re+A+65535,A=Math.floor(h/65536),re=h-A*65536,h=Qe+A+65535,A=Math.floor(h/65536),Qe=h-A*65536,h=ie+A+65535,A=Math.floor(h/65536),ie=h-A*65536,h=Ee+A+65535,A=Math.floor(h/65536),Ee=h-A*65536,h=Se+A+65535,A=Math.floor(h/65536),Se=h-A*65536,h=Ne+A+65535,A=Math.floor(h/65536),Ne=h-A*65536,h=Te+A+65535,A=Math.floor(h/65536),Te=h-A*65536,h=Ie+A+65535,A=Math.floor(h/65536),Ie=h-A*65536,h=Pe+A+65535,A=Math.floor(h/65536),Pe=h-A*65536,h=Ce+A+65535,A=Math.floor(h/65536),Ce=h-A*65536,h=ce+A+65535,A=Math.floor(h/65536),ce=h-A*65536,I+=A-1+37*(A-1),A=1,h=I+A+65535,A=Math.floor(h/65536),I=h-A*65536,h=N+A+65535,A=Math.floor(h/65536),N=h-A*65536,h=H+A+65535,A=Math.floor(h/65536),H=h-A*65536,h=V+A+65535,A=Math.floor(h/65536),V=h-A*65536,h=ae+A+65535,A=Math.floor(h/65536),ae=h-A*65536,h=re+A+65535,A=Math.floor(h/65536),re=h-A*65536,h=Qe+A+65535,A=Math.floor(h/65536),Qe=h-A*65536,h=ie+A+65535,A=Math.floor(h/65536),ie=h-A*65536,h=Ee+A+65535,A=Math.floor(h/65536),Ee=h-A*65536,h=Se+A+65535,A=Math.floor(h/65536),Se=h-A*65536,h=Ne+A+65535,A=Math.floor(h/65536),Ne=h-A*65536,h=Te+A+65535,A=Math.floor(h/65536),Te=h-A*65536,h=Ie+A+65535,A=Math.floor(h/65536),Ie=h-A*65536,h=Pe+A+65535,A=Math.floor(h/65536),Pe=h-A*65536,h=Ce+A+65535,A=Math.floor(h/65536),Ce=h-A*65536,h=ce+A+65535,A=Math.floor(h/65536),ce=h-A*65536,I+=A-1+37*(A-1),m[0]=I,m[1]=N,m[2]=H,m[3]=V,m[4]=ae,m[5]=re,m[6]=Qe,m[7]=ie,m[8]=Ee,m[9]=Se,m[10]=Ne,m[11]=Te,m[12]=Ie,m[13]=Pe,m[14]=Ce,m[15]=ce}a(de,"M");function lt(m,b){de(m,b,b)}a(lt,"S");function Et(m,b){var w=t(),h;for(h=0;h<16;h++)w[h]=b[h];for(h=253;h>=0;h--)lt(w,w),h!==2&&h!==4&&de(w,w,b);for(h=0;h<16;h++)m[h]=w[h]}a(Et,"inv25519");function pi(m,b){var w=t(),h;for(h=0;h<16;h++)w[h]=b[h];for(h=250;h>=0;h--)lt(w,w),h!==1&&de(w,w,b);for(h=0;h<16;h++)m[h]=w[h]}a(pi,"pow2523");function as(m,b,w){var h=new Uint8Array(32),A=new Float64Array(80),I,N,H=t(),V=t(),ae=t(),re=t(),Qe=t(),ie=t();for(N=0;N<31;N++)h[N]=b[N];for(h[31]=b[31]&127|64,h[0]&=248,K(A,w),N=0;N<16;N++)V[N]=A[N],re[N]=H[N]=ae[N]=0;for(H[0]=re[0]=1,N=254;N>=0;--N)I=h[N>>>3]>>>(N&7)&1,we(H,V,I),we(ae,re,I),ue(Qe,H,ae),pe(H,H,ae),ue(ae,V,re),pe(V,V,re),lt(re,Qe),lt(ie,H),de(H,ae,H),de(ae,V,Qe),ue(Qe,H,ae),pe(H,H,ae),lt(V,H),pe(ae,re,ie),de(H,ae,c),ue(H,H,re),de(ae,ae,H),de(H,re,ie),de(re,V,A),lt(V,Qe),we(H,V,I),we(ae,re,I);for(N=0;N<16;N++)A[N+16]=H[N],A[N+32]=ae[N],A[N+48]=V[N],A[N+64]=re[N];var Ee=A.subarray(32),Se=A.subarray(16);return Et(Ee,Ee),de(Se,Se,Ee),O(m,Se),0}a(as,"crypto_scalarmult");function cs(m,b){return as(m,b,s)}a(cs,"crypto_scalarmult_base");function zn(m,b){return n(b,32),cs(m,b)}a(zn,"crypto_box_keypair");function ls(m,b,w){var h=new Uint8Array(32);return as(h,w,b),E(m,r,h,L)}a(ls,"crypto_box_beforenm");var hi=he,ea=J;function _i(m,b,w,h,A,I){var N=new Uint8Array(32);return ls(N,A,I),hi(m,b,w,h,N)}a(_i,"crypto_box");function us(m,b,w,h,A,I){var N=new Uint8Array(32);return ls(N,A,I),ea(m,b,w,h,N)}a(us,"crypto_box_open");var ds=[1116352408,3609767458,1899447441,602891725,3049323471,3964484399,3921009573,2173295548,961987163,4081628472,1508970993,3053834265,2453635748,2937671579,2870763221,3664609560,3624381080,2734883394,310598401,1164996542,607225278,1323610764,1426881987,3590304994,1925078388,4068182383,2162078206,991336113,2614888103,633803317,3248222580,3479774868,3835390401,2666613458,4022224774,944711139,264347078,2341262773,604807628,2007800933,770255983,1495990901,1249150122,1856431235,1555081692,3175218132,1996064986,2198950837,2554220882,3999719339,2821834349,766784016,2952996808,2566594879,3210313671,3203337956,3336571891,1034457026,3584528711,2466948901,113926993,3758326383,338241895,168717936,666307205,1188179964,773529912,1546045734,1294757372,1522805485,1396182291,2643833823,1695183700,2343527390,1986661051,1014477480,2177026350,1206759142,2456956037,344077627,2730485921,1290863460,2820302411,3158454273,3259730800,3505952657,3345764771,106217008,3516065817,3606008344,3600352804,1432725776,4094571909,1467031594,275423344,851169720,430227734,3100823752,506948616,1363258195,659060556,3750685593,883997877,3785050280,958139571,3318307427,1322822218,3812723403,1537002063,2003034995,1747873779,3602036899,1955562222,1575990012,2024104815,1125592928,2227730452,2716904306,2361852424,442776044,2428436474,593698344,2756734187,3733110249,3204031479,2999351573,3329325298,3815920427,3391569614,3928383900,3515267271,566280711,3940187606,3454069534,4118630271,4000239992,116418474,1914138554,174292421,2731055270,289380356,3203993006,460393269,320620315,685471733,587496836,852142971,1086792851,1017036298,365543100,1126000580,2618297676,1288033470,3409855158,1501505948,4234509866,1607167915,987167468,1816402316,1246189591];function F(m,b,w,h){for(var A=new Int32Array(16),I=new Int32Array(16),N,H,V,ae,re,Qe,ie,Ee,Se,Ne,Te,Ie,Pe,Ce,ce,me,se,le,fe,ne,R,B,W,M,z,Y,Ae=m[0],Oe=m[1],Be=m[2],Re=m[3],v=m[4],De=m[5],We=m[6],Ge=m[7],Le=b[0],je=b[1],qe=b[2],wt=b[3],et=b[4],ht=b[5],_t=b[6],mt=b[7],It=0;h>=128;){for(fe=0;fe<16;fe++)ne=8*fe+It,A[fe]=w[ne+0]<<24|w[ne+1]<<16|w[ne+2]<<8|w[ne+3],I[fe]=w[ne+4]<<24|w[ne+5]<<16|w[ne+6]<<8|w[ne+7];for(fe=0;fe<80;fe++)if(N=Ae,H=Oe,V=Be,ae=Re,re=v,Qe=De,ie=We,Ee=Ge,Se=Le,Ne=je,Te=qe,Ie=wt,Pe=et,Ce=ht,ce=_t,me=mt,R=Ge,B=mt,W=B&65535,M=B>>>16,z=R&65535,Y=R>>>16,R=(v>>>14|et<<18)^(v>>>18|et<<14)^(et>>>9|v<<23),B=(et>>>14|v<<18)^(et>>>18|v<<14)^(v>>>9|et<<23),W+=B&65535,M+=B>>>16,z+=R&65535,Y+=R>>>16,R=v&De^~v&We,B=et&ht^~et&_t,W+=B&65535,M+=B>>>16,z+=R&65535,Y+=R>>>16,R=ds[fe*2],B=ds[fe*2+1],W+=B&65535,M+=B>>>16,z+=R&65535,Y+=R>>>16,R=A[fe%16],B=I[fe%16],W+=B&65535,M+=B>>>16,z+=R&65535,Y+=R>>>16,M+=W>>>16,z+=M>>>16,Y+=z>>>16,se=z&65535|Y<<16,le=W&65535|M<<16,R=se,B=le,W=B&65535,M=B>>>16,z=R&65535,Y=R>>>16,R=(Ae>>>28|Le<<4)^(Le>>>2|Ae<<30)^(Le>>>7|Ae<<25),B=(Le>>>28|Ae<<4)^(Ae>>>2|Le<<30)^(Ae>>>7|Le<<25),W+=B&65535,M+=B>>>16,z+=R&65535,Y+=R>>>16,R=Ae&Oe^Ae&Be^Oe&Be,B=Le&je^Le&qe^je&qe,W+=B&65535,M+=B>>>16,z+=R&65535,Y+=R>>>16,M+=W>>>16,z+=M>>>16,Y+=z>>>16,Ee=z&65535|Y<<16,me=W&65535|M<<16,R=ae,B=Ie,W=B&65535,M=B>>>16,z=R&65535,Y=R>>>16,R=se,B=le,W+=B&65535,M+=B>>>16,z+=R&65535,Y+=R>>>16,M+=W>>>16,z+=M>>>16,Y+=z>>>16,ae=z&65535|Y<<16,Ie=W&65535|M<<16,Oe=N,Be=H,Re=V,v=ae,De=re,We=Qe,Ge=ie,Ae=Ee,je=Se,qe=Ne,wt=Te,et=Ie,ht=Pe,_t=Ce,mt=ce,Le=me,fe%16===15)for(ne=0;ne<16;ne++)R=A[ne],B=I[ne],W=B&65535,M=B>>>16,z=R&65535,Y=R>>>16,R=A[(ne+9)%16],B=I[(ne+9)%16],W+=B&65535,M+=B>>>16,z+=R&65535,Y+=R>>>16,se=A[(ne+1)%16],le=I[(ne+1)%16],R=(se>>>1|le<<31)^(se>>>8|le<<24)^se>>>7,B=(le>>>1|se<<31)^(le>>>8|se<<24)^(le>>>7|se<<25),W+=B&65535,M+=B>>>16,z+=R&65535,Y+=R>>>16,se=A[(ne+14)%16],le=I[(ne+14)%16],R=(se>>>19|le<<13)^(le>>>29|se<<3)^se>>>6,B=(le>>>19|se<<13)^(se>>>29|le<<3)^(le>>>6|se<<26),W+=B&65535,M+=B>>>16,z+=R&65535,Y+=R>>>16,M+=W>>>16,z+=M>>>16,Y+=z>>>16,A[ne]=z&65535|Y<<16,I[ne]=W&65535|M<<16;R=Ae,B=Le,W=B&65535,M=B>>>16,z=R&65535,Y=R>>>16,R=m[0],B=b[0],W+=B&65535,M+=B>>>16,z+=R&65535,Y+=R>>>16,M+=W>>>16,z+=M>>>16,Y+=z>>>16,m[0]=Ae=z&65535|Y<<16,b[0]=Le=W&65535|M<<16,R=Oe,B=je,W=B&65535,M=B>>>16,z=R&65535,Y=R>>>16,R=m[1],B=b[1],W+=B&65535,M+=B>>>16,z+=R&65535,Y+=R>>>16,M+=W>>>16,z+=M>>>16,Y+=z>>>16,m[1]=Oe=z&65535|Y<<16,b[1]=je=W&65535|M<<16,R=Be,B=qe,W=B&65535,M=B>>>16,z=R&65535,Y=R>>>16,R=m[2],B=b[2],W+=B&65535,M+=B>>>16,z+=R&65535,Y+=R>>>16,M+=W>>>16,z+=M>>>16,Y+=z>>>16,m[2]=Be=z&65535|Y<<16,b[2]=qe=W&65535|M<<16,R=Re,B=wt,W=B&65535,M=B>>>16,z=R&65535,Y=R>>>16,R=m[3],B=b[3],W+=B&65535,M+=B>>>16,z+=R&65535,Y+=R>>>16,M+=W>>>16,z+=M>>>16,Y+=z>>>16,m[3]=Re=z&65535|Y<<16,b[3]=wt=W&65535|M<<16,R=v,B=et,W=B&65535,M=B>>>16,z=R&65535,Y=R>>>16,R=m[4],B=b[4],W+=B&65535,M+=B>>>16,z+=R&65535,Y+=R>>>16,M+=W>>>16,z+=M>>>16,Y+=z>>>16,m[4]=v=z&65535|Y<<16,b[4]=et=W&65535|M<<16,R=De,B=ht,W=B&65535,M=B>>>16,z=R&65535,Y=R>>>16,R=m[5],B=b[5],W+=B&65535,M+=B>>>16,z+=R&65535,Y+=R>>>16,M+=W>>>16,z+=M>>>16,Y+=z>>>16,m[5]=De=z&65535|Y<<16,b[5]=ht=W&65535|M<<16,R=We,B=_t,W=B&65535,M=B>>>16,z=R&65535,Y=R>>>16,R=m[6],B=b[6],W+=B&65535,M+=B>>>16,z+=R&65535,Y+=R>>>16,M+=W>>>16,z+=M>>>16,Y+=z>>>16,m[6]=We=z&65535|Y<<16,b[6]=_t=W&65535|M<<16,R=Ge,B=mt,W=B&65535,M=B>>>16,z=R&65535,Y=R>>>16,R=m[7],B=b[7],W+=B&65535,M+=B>>>16,z+=R&65535,Y+=R>>>16,M+=W>>>16,z+=M>>>16,Y+=z>>>16,m[7]=Ge=z&65535|Y<<16,b[7]=mt=W&65535|M<<16,It+=128,h-=128}return h}a(F,"crypto_hashblocks_hl");function te(m,b,w){var h=new Int32Array(8),A=new Int32Array(8),I=new Uint8Array(256),N,H=w;for(h[0]=1779033703,h[1]=3144134277,h[2]=1013904242,h[3]=2773480762,h[4]=1359893119,h[5]=2600822924,h[6]=528734635,h[7]=1541459225,A[0]=4089235720,A[1]=2227873595,A[2]=4271175723,A[3]=1595750129,A[4]=2917565137,A[5]=725511199,A[6]=4215389547,A[7]=327033209,F(h,A,b,w),w%=128,N=0;N<w;N++)I[N]=b[H-w+N];for(I[w]=128,w=256-128*(w<112?1:0),I[w-9]=0,_(I,w-8,H/536870912|0,H<<3),F(h,A,I,w),N=0;N<8;N++)_(m,8*N,h[N],A[N]);return 0}a(te,"crypto_hash");function $e(m,b){var w=t(),h=t(),A=t(),I=t(),N=t(),H=t(),V=t(),ae=t(),re=t();pe(w,m[1],m[0]),pe(re,b[1],b[0]),de(w,w,re),ue(h,m[0],m[1]),ue(re,b[0],b[1]),de(h,h,re),de(A,m[3],b[3]),de(A,A,u),de(I,m[2],b[2]),ue(I,I,I),pe(N,h,w),pe(H,I,A),ue(V,I,A),ue(ae,h,w),de(m[0],N,H),de(m[1],ae,V),de(m[2],V,H),de(m[3],N,ae)}a($e,"add");function xe(m,b,w){var h;for(h=0;h<4;h++)we(m[h],b[h],w)}a(xe,"cswap");function ze(m,b){var w=t(),h=t(),A=t();Et(A,b[2]),de(w,b[0],A),de(h,b[1],A),O(m,h),m[31]^=D(w)<<7}a(ze,"pack");function bt(m,b,w){var h,A;for(oe(m[0],i),oe(m[1],o),oe(m[2],o),oe(m[3],i),A=255;A>=0;--A)h=w[A/8|0]>>(A&7)&1,xe(m,b,h),$e(b,m),$e(m,m),xe(m,b,h)}a(bt,"scalarmult");function Cn(m,b){var w=[t(),t(),t(),t()];oe(w[0],d),oe(w[1],f),oe(w[2],o),de(w[3],d,f),bt(m,w,b)}a(Cn,"scalarbase");function Jt(m,b,w){var h=new Uint8Array(64),A=[t(),t(),t(),t()],I;for(w||n(b,32),te(h,b,32),h[0]&=248,h[31]&=127,h[31]|=64,Cn(A,h),ze(m,A),I=0;I<32;I++)b[I+32]=m[I];return 0}a(Jt,"crypto_sign_keypair");var fs=new Float64Array([237,211,245,92,26,99,18,88,214,156,247,162,222,249,222,20,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,16]);function Ye(m,b){var w,h,A,I;for(h=63;h>=32;--h){for(w=0,A=h-32,I=h-12;A<I;++A)b[A]+=w-16*b[h]*fs[A-(h-32)],w=b[A]+128>>8,b[A]-=w*256;b[A]+=w,b[h]=0}for(w=0,A=0;A<32;A++)b[A]+=w-(b[31]>>4)*fs[A],w=b[A]>>8,b[A]&=255;for(A=0;A<32;A++)b[A]-=w*fs[A];for(h=0;h<32;h++)b[h+1]+=b[h]>>8,m[h]=b[h]&255}a(Ye,"modL");function Pt(m){var b=new Float64Array(64),w;for(w=0;w<64;w++)b[w]=m[w];for(w=0;w<64;w++)m[w]=0;Ye(m,b)}a(Pt,"reduce");function St(m,b,w,h){var A=new Uint8Array(64),I=new Uint8Array(64),N=new Uint8Array(64),H,V,ae=new Float64Array(64),re=[t(),t(),t(),t()];te(A,h,32),A[0]&=248,A[31]&=127,A[31]|=64;var Qe=w+64;for(H=0;H<w;H++)m[64+H]=b[H];for(H=0;H<32;H++)m[32+H]=A[32+H];for(te(N,m.subarray(32),w+32),Pt(N),Cn(re,N),ze(m,re),H=32;H<64;H++)m[H]=h[H];for(te(I,m,w+64),Pt(I),H=0;H<64;H++)ae[H]=0;for(H=0;H<32;H++)ae[H]=N[H];for(H=0;H<32;H++)for(V=0;V<32;V++)ae[H+V]+=I[H]*A[V];return Ye(m.subarray(32),ae),Qe}a(St,"crypto_sign");function ft(m,b){var w=t(),h=t(),A=t(),I=t(),N=t(),H=t(),V=t();return oe(m[2],o),K(m[1],b),lt(A,m[1]),de(I,A,l),pe(A,A,m[2]),ue(I,m[2],I),lt(N,I),lt(H,N),de(V,H,N),de(w,V,A),de(w,w,I),pi(w,w),de(w,w,A),de(w,w,I),de(w,w,I),de(m[0],w,I),lt(h,m[0]),de(h,h,I),U(h,A)&&de(m[0],m[0],p),lt(h,m[0]),de(h,h,I),U(h,A)?-1:(D(m[0])===b[31]>>7&&pe(m[0],i,m[0]),de(m[3],m[0],m[1]),0)}a(ft,"unpackneg");function it(m,b,w,h){var A,I,N=new Uint8Array(32),H=new Uint8Array(64),V=[t(),t(),t(),t()],ae=[t(),t(),t(),t()];if(I=-1,w<64||ft(ae,h))return-1;for(A=0;A<w;A++)m[A]=b[A];for(A=0;A<32;A++)m[A+32]=h[A];if(te(H,m,w),Pt(H),bt(V,ae,H),Cn(ae,b.subarray(32)),$e(V,ae),ze(N,V),w-=64,y(b,0,N,0)){for(A=0;A<w;A++)m[A]=0;return-1}for(A=0;A<w;A++)m[A]=b[A+64];return I=w,I}a(it,"crypto_sign_open");var on=32,pt=24,Lr=32,ps=16,mi=32,ta=32,gi=32,$i=32,_u=32,D_=pt,xE=Lr,EE=ps,jn=64,Dr=32,hs=64,mu=32,gu=64;e.lowlevel={crypto_core_hsalsa20:E,crypto_stream_xor:G,crypto_stream:P,crypto_stream_salsa20_xor:j,crypto_stream_salsa20:ee,crypto_onetimeauth:Z,crypto_onetimeauth_verify:X,crypto_verify_16:g,crypto_verify_32:y,crypto_secretbox:he,crypto_secretbox_open:J,crypto_scalarmult:as,crypto_scalarmult_base:cs,crypto_box_beforenm:ls,crypto_box_afternm:hi,crypto_box:_i,crypto_box_open:us,crypto_box_keypair:zn,crypto_hash:te,crypto_sign:St,crypto_sign_keypair:Jt,crypto_sign_open:it,crypto_secretbox_KEYBYTES:on,crypto_secretbox_NONCEBYTES:pt,crypto_secretbox_ZEROBYTES:Lr,crypto_secretbox_BOXZEROBYTES:ps,crypto_scalarmult_BYTES:mi,crypto_scalarmult_SCALARBYTES:ta,crypto_box_PUBLICKEYBYTES:gi,crypto_box_SECRETKEYBYTES:$i,crypto_box_BEFORENMBYTES:_u,crypto_box_NONCEBYTES:D_,crypto_box_ZEROBYTES:xE,crypto_box_BOXZEROBYTES:EE,crypto_sign_BYTES:jn,crypto_sign_PUBLICKEYBYTES:Dr,crypto_sign_SECRETKEYBYTES:hs,crypto_sign_SEEDBYTES:mu,crypto_hash_BYTES:gu};function U_(m,b){if(m.length!==on)throw new Error("bad key size");if(b.length!==pt)throw new Error("bad nonce size")}a(U_,"checkLengths");function SE(m,b){if(m.length!==gi)throw new Error("bad public key size");if(b.length!==$i)throw new Error("bad secret key size")}a(SE,"checkBoxLengths");function en(){var m,b;for(b=0;b<arguments.length;b++)if((m=Object.prototype.toString.call(arguments[b]))!=="[object Uint8Array]")throw new TypeError("unexpected type "+m+", use Uint8Array")}a(en,"checkArrayTypes");function F_(m){for(var b=0;b<m.length;b++)m[b]=0}a(F_,"cleanup"),e.util||(e.util={},e.util.decodeUTF8=e.util.encodeUTF8=e.util.encodeBase64=e.util.decodeBase64=function(){throw new Error("nacl.util moved into separate package: https://github.com/dchest/tweetnacl-util-js")}),e.randomBytes=function(m){var b=new Uint8Array(m);return n(b,m),b},e.secretbox=function(m,b,w){en(m,b,w),U_(w,b);for(var h=new Uint8Array(Lr+m.length),A=new Uint8Array(h.length),I=0;I<m.length;I++)h[I+Lr]=m[I];return he(A,h,h.length,b,w),A.subarray(ps)},e.secretbox.open=function(m,b,w){en(m,b,w),U_(w,b);for(var h=new Uint8Array(ps+m.length),A=new Uint8Array(h.length),I=0;I<m.length;I++)h[I+ps]=m[I];return h.length<32||J(A,h,h.length,b,w)!==0?!1:A.subarray(Lr)},e.secretbox.keyLength=on,e.secretbox.nonceLength=pt,e.secretbox.overheadLength=ps,e.scalarMult=function(m,b){if(en(m,b),m.length!==ta)throw new Error("bad n size");if(b.length!==mi)throw new Error("bad p size");var w=new Uint8Array(mi);return as(w,m,b),w},e.scalarMult.base=function(m){if(en(m),m.length!==ta)throw new Error("bad n size");var b=new Uint8Array(mi);return cs(b,m),b},e.scalarMult.scalarLength=ta,e.scalarMult.groupElementLength=mi,e.box=function(m,b,w,h){var A=e.box.before(w,h);return e.secretbox(m,b,A)},e.box.before=function(m,b){en(m,b),SE(m,b);var w=new Uint8Array(_u);return ls(w,m,b),w},e.box.after=e.secretbox,e.box.open=function(m,b,w,h){var A=e.box.before(w,h);return e.secretbox.open(m,b,A)},e.box.open.after=e.secretbox.open,e.box.keyPair=function(){var m=new Uint8Array(gi),b=new Uint8Array($i);return zn(m,b),{publicKey:m,secretKey:b}},e.box.keyPair.fromSecretKey=function(m){if(en(m),m.length!==$i)throw new Error("bad secret key size");var b=new Uint8Array(gi);return cs(b,m),{publicKey:b,secretKey:new Uint8Array(m)}},e.box.publicKeyLength=gi,e.box.secretKeyLength=$i,e.box.sharedKeyLength=_u,e.box.nonceLength=D_,e.box.overheadLength=e.secretbox.overheadLength,e.sign=function(m,b){if(en(m,b),b.length!==hs)throw new Error("bad secret key size");var w=new Uint8Array(jn+m.length);return St(w,m,m.length,b),w},e.sign.open=function(m,b){if(arguments.length!==2)throw new Error("nacl.sign.open accepts 2 arguments; did you mean to use nacl.sign.detached.verify?");if(en(m,b),b.length!==Dr)throw new Error("bad public key size");var w=new Uint8Array(m.length),h=it(w,m,m.length,b);if(h<0)return null;for(var A=new Uint8Array(h),I=0;I<A.length;I++)A[I]=w[I];return A},e.sign.detached=function(m,b){for(var w=e.sign(m,b),h=new Uint8Array(jn),A=0;A<h.length;A++)h[A]=w[A];return h},e.sign.detached.verify=function(m,b,w){if(en(m,b,w),b.length!==jn)throw new Error("bad signature size");if(w.length!==Dr)throw new Error("bad public key size");var h=new Uint8Array(jn+m.length),A=new Uint8Array(jn+m.length),I;for(I=0;I<jn;I++)h[I]=b[I];for(I=0;I<m.length;I++)h[I+jn]=m[I];return it(A,h,h.length,w)>=0},e.sign.keyPair=function(){var m=new Uint8Array(Dr),b=new Uint8Array(hs);return Jt(m,b),{publicKey:m,secretKey:b}},e.sign.keyPair.fromSecretKey=function(m){if(en(m),m.length!==hs)throw new Error("bad secret key size");for(var b=new Uint8Array(Dr),w=0;w<b.length;w++)b[w]=m[32+w];return{publicKey:b,secretKey:new Uint8Array(m)}},e.sign.keyPair.fromSeed=function(m){if(en(m),m.length!==mu)throw new Error("bad seed size");for(var b=new Uint8Array(Dr),w=new Uint8Array(hs),h=0;h<32;h++)w[h]=m[h];return Jt(b,w,!0),{publicKey:b,secretKey:w}},e.sign.publicKeyLength=Dr,e.sign.secretKeyLength=hs,e.sign.seedLength=mu,e.sign.signatureLength=jn,e.hash=function(m){en(m);var b=new Uint8Array(gu);return te(b,m,m.length),b},e.hash.hashLength=gu,e.verify=function(m,b){return en(m,b),m.length===0||b.length===0||m.length!==b.length?!1:$(m,0,b,0,m.length)===0},e.setPRNG=function(m){n=m},(function(){var m=typeof self<"u"?self.crypto||self.msCrypto:null;if(m&&m.getRandomValues){var b=65536;e.setPRNG(function(w,h){var A,I=new Uint8Array(h);for(A=0;A<h;A+=b)m.getRandomValues(I.subarray(A,A+Math.min(h-A,b)));for(A=0;A<h;A++)w[A]=I[A];F_(I)})}else typeof require<"u"&&(m=require("crypto"),m&&m.randomBytes&&e.setPRNG(function(w,h){var A,I=m.randomBytes(h);for(A=0;A<h;A++)w[A]=I[A];F_(I)}))})()})(typeof Ma<"u"&&Ma.exports?Ma.exports:self.nacl=self.nacl||{})});var _$=q((nj,h$)=>{"use strict";var $d=p$().lowlevel.crypto_hash,Wn=0,qr=a(function(){this.S=[new Uint32Array([3509652390,2564797868,805139163,3491422135,3101798381,1780907670,3128725573,4046225305,614570311,3012652279,134345442,2240740374,1667834072,1901547113,2757295779,4103290238,227898511,1921955416,1904987480,2182433518,2069144605,3260701109,2620446009,720527379,3318853667,677414384,3393288472,3101374703,2390351024,1614419982,1822297739,2954791486,3608508353,3174124327,2024746970,1432378464,3864339955,2857741204,1464375394,1676153920,1439316330,715854006,3033291828,289532110,2706671279,2087905683,3018724369,1668267050,732546397,1947742710,3462151702,2609353502,2950085171,1814351708,2050118529,680887927,999245976,1800124847,3300911131,1713906067,1641548236,4213287313,1216130144,1575780402,4018429277,3917837745,3693486850,3949271944,596196993,3549867205,258830323,2213823033,772490370,2760122372,1774776394,2652871518,566650946,4142492826,1728879713,2882767088,1783734482,3629395816,2517608232,2874225571,1861159788,326777828,3124490320,2130389656,2716951837,967770486,1724537150,2185432712,2364442137,1164943284,2105845187,998989502,3765401048,2244026483,1075463327,1455516326,1322494562,910128902,469688178,1117454909,936433444,3490320968,3675253459,1240580251,122909385,2157517691,634681816,4142456567,3825094682,3061402683,2540495037,79693498,3249098678,1084186820,1583128258,426386531,1761308591,1047286709,322548459,995290223,1845252383,2603652396,3431023940,2942221577,3202600964,3727903485,1712269319,422464435,3234572375,1170764815,3523960633,3117677531,1434042557,442511882,3600875718,1076654713,1738483198,4213154764,2393238008,3677496056,1014306527,4251020053,793779912,2902807211,842905082,4246964064,1395751752,1040244610,2656851899,3396308128,445077038,3742853595,3577915638,679411651,2892444358,2354009459,1767581616,3150600392,3791627101,3102740896,284835224,4246832056,1258075500,768725851,2589189241,3069724005,3532540348,1274779536,3789419226,2764799539,1660621633,3471099624,4011903706,913787905,3497959166,737222580,2514213453,2928710040,3937242737,1804850592,3499020752,2949064160,2386320175,2390070455,2415321851,4061277028,2290661394,2416832540,1336762016,1754252060,3520065937,3014181293,791618072,3188594551,3933548030,2332172193,3852520463,3043980520,413987798,3465142937,3030929376,4245938359,2093235073,3534596313,375366246,2157278981,2479649556,555357303,3870105701,2008414854,3344188149,4221384143,3956125452,2067696032,3594591187,2921233993,2428461,544322398,577241275,1471733935,610547355,4027169054,1432588573,1507829418,2025931657,3646575487,545086370,48609733,2200306550,1653985193,298326376,1316178497,3007786442,2064951626,458293330,2589141269,3591329599,3164325604,727753846,2179363840,146436021,1461446943,4069977195,705550613,3059967265,3887724982,4281599278,3313849956,1404054877,2845806497,146425753,1854211946]),new Uint32Array([1266315497,3048417604,3681880366,3289982499,290971e4,1235738493,2632868024,2414719590,3970600049,1771706367,1449415276,3266420449,422970021,1963543593,2690192192,3826793022,1062508698,1531092325,1804592342,2583117782,2714934279,4024971509,1294809318,4028980673,1289560198,2221992742,1669523910,35572830,157838143,1052438473,1016535060,1802137761,1753167236,1386275462,3080475397,2857371447,1040679964,2145300060,2390574316,1461121720,2956646967,4031777805,4028374788,33600511,2920084762,1018524850,629373528,3691585981,3515945977,2091462646,2486323059,586499841,988145025,935516892,3367335476,2599673255,2839830854,265290510,3972581182,2759138881,3795373465,1005194799,847297441,406762289,1314163512,1332590856,1866599683,4127851711,750260880,613907577,1450815602,3165620655,3734664991,3650291728,3012275730,3704569646,1427272223,778793252,1343938022,2676280711,2052605720,1946737175,3164576444,3914038668,3967478842,3682934266,1661551462,3294938066,4011595847,840292616,3712170807,616741398,312560963,711312465,1351876610,322626781,1910503582,271666773,2175563734,1594956187,70604529,3617834859,1007753275,1495573769,4069517037,2549218298,2663038764,504708206,2263041392,3941167025,2249088522,1514023603,1998579484,1312622330,694541497,2582060303,2151582166,1382467621,776784248,2618340202,3323268794,2497899128,2784771155,503983604,4076293799,907881277,423175695,432175456,1378068232,4145222326,3954048622,3938656102,3820766613,2793130115,2977904593,26017576,3274890735,3194772133,1700274565,1756076034,4006520079,3677328699,720338349,1533947780,354530856,688349552,3973924725,1637815568,332179504,3949051286,53804574,2852348879,3044236432,1282449977,3583942155,3416972820,4006381244,1617046695,2628476075,3002303598,1686838959,431878346,2686675385,1700445008,1080580658,1009431731,832498133,3223435511,2605976345,2271191193,2516031870,1648197032,4164389018,2548247927,300782431,375919233,238389289,3353747414,2531188641,2019080857,1475708069,455242339,2609103871,448939670,3451063019,1395535956,2413381860,1841049896,1491858159,885456874,4264095073,4001119347,1565136089,3898914787,1108368660,540939232,1173283510,2745871338,3681308437,4207628240,3343053890,4016749493,1699691293,1103962373,3625875870,2256883143,3830138730,1031889488,3479347698,1535977030,4236805024,3251091107,2132092099,1774941330,1199868427,1452454533,157007616,2904115357,342012276,595725824,1480756522,206960106,497939518,591360097,863170706,2375253569,3596610801,1814182875,2094937945,3421402208,1082520231,3463918190,2785509508,435703966,3908032597,1641649973,2842273706,3305899714,1510255612,2148256476,2655287854,3276092548,4258621189,236887753,3681803219,274041037,1734335097,3815195456,3317970021,1899903192,1026095262,4050517792,356393447,2410691914,3873677099,3682840055]),new Uint32Array([3913112168,2491498743,4132185628,2489919796,1091903735,1979897079,3170134830,3567386728,3557303409,857797738,1136121015,1342202287,507115054,2535736646,337727348,3213592640,1301675037,2528481711,1895095763,1721773893,3216771564,62756741,2142006736,835421444,2531993523,1442658625,3659876326,2882144922,676362277,1392781812,170690266,3921047035,1759253602,3611846912,1745797284,664899054,1329594018,3901205900,3045908486,2062866102,2865634940,3543621612,3464012697,1080764994,553557557,3656615353,3996768171,991055499,499776247,1265440854,648242737,3940784050,980351604,3713745714,1749149687,3396870395,4211799374,3640570775,1161844396,3125318951,1431517754,545492359,4268468663,3499529547,1437099964,2702547544,3433638243,2581715763,2787789398,1060185593,1593081372,2418618748,4260947970,69676912,2159744348,86519011,2512459080,3838209314,1220612927,3339683548,133810670,1090789135,1078426020,1569222167,845107691,3583754449,4072456591,1091646820,628848692,1613405280,3757631651,526609435,236106946,48312990,2942717905,3402727701,1797494240,859738849,992217954,4005476642,2243076622,3870952857,3732016268,765654824,3490871365,2511836413,1685915746,3888969200,1414112111,2273134842,3281911079,4080962846,172450625,2569994100,980381355,4109958455,2819808352,2716589560,2568741196,3681446669,3329971472,1835478071,660984891,3704678404,4045999559,3422617507,3040415634,1762651403,1719377915,3470491036,2693910283,3642056355,3138596744,1364962596,2073328063,1983633131,926494387,3423689081,2150032023,4096667949,1749200295,3328846651,309677260,2016342300,1779581495,3079819751,111262694,1274766160,443224088,298511866,1025883608,3806446537,1145181785,168956806,3641502830,3584813610,1689216846,3666258015,3200248200,1692713982,2646376535,4042768518,1618508792,1610833997,3523052358,4130873264,2001055236,3610705100,2202168115,4028541809,2961195399,1006657119,2006996926,3186142756,1430667929,3210227297,1314452623,4074634658,4101304120,2273951170,1399257539,3367210612,3027628629,1190975929,2062231137,2333990788,2221543033,2438960610,1181637006,548689776,2362791313,3372408396,3104550113,3145860560,296247880,1970579870,3078560182,3769228297,1714227617,3291629107,3898220290,166772364,1251581989,493813264,448347421,195405023,2709975567,677966185,3703036547,1463355134,2715995803,1338867538,1343315457,2802222074,2684532164,233230375,2599980071,2000651841,3277868038,1638401717,4028070440,3237316320,6314154,819756386,300326615,590932579,1405279636,3267499572,3150704214,2428286686,3959192993,3461946742,1862657033,1266418056,963775037,2089974820,2263052895,1917689273,448879540,3550394620,3981727096,150775221,3627908307,1303187396,508620638,2975983352,2726630617,1817252668,1876281319,1457606340,908771278,3720792119,3617206836,2455994898,1729034894,1080033504]),new Uint32Array([976866871,3556439503,2881648439,1522871579,1555064734,1336096578,3548522304,2579274686,3574697629,3205460757,3593280638,3338716283,3079412587,564236357,2993598910,1781952180,1464380207,3163844217,3332601554,1699332808,1393555694,1183702653,3581086237,1288719814,691649499,2847557200,2895455976,3193889540,2717570544,1781354906,1676643554,2592534050,3230253752,1126444790,2770207658,2633158820,2210423226,2615765581,2414155088,3127139286,673620729,2805611233,1269405062,4015350505,3341807571,4149409754,1057255273,2012875353,2162469141,2276492801,2601117357,993977747,3918593370,2654263191,753973209,36408145,2530585658,25011837,3520020182,2088578344,530523599,2918365339,1524020338,1518925132,3760827505,3759777254,1202760957,3985898139,3906192525,674977740,4174734889,2031300136,2019492241,3983892565,4153806404,3822280332,352677332,2297720250,60907813,90501309,3286998549,1016092578,2535922412,2839152426,457141659,509813237,4120667899,652014361,1966332200,2975202805,55981186,2327461051,676427537,3255491064,2882294119,3433927263,1307055953,942726286,933058658,2468411793,3933900994,4215176142,1361170020,2001714738,2830558078,3274259782,1222529897,1679025792,2729314320,3714953764,1770335741,151462246,3013232138,1682292957,1483529935,471910574,1539241949,458788160,3436315007,1807016891,3718408830,978976581,1043663428,3165965781,1927990952,4200891579,2372276910,3208408903,3533431907,1412390302,2931980059,4132332400,1947078029,3881505623,4168226417,2941484381,1077988104,1320477388,886195818,18198404,3786409e3,2509781533,112762804,3463356488,1866414978,891333506,18488651,661792760,1628790961,3885187036,3141171499,876946877,2693282273,1372485963,791857591,2686433993,3759982718,3167212022,3472953795,2716379847,445679433,3561995674,3504004811,3574258232,54117162,3331405415,2381918588,3769707343,4154350007,1140177722,4074052095,668550556,3214352940,367459370,261225585,2610173221,4209349473,3468074219,3265815641,314222801,3066103646,3808782860,282218597,3406013506,3773591054,379116347,1285071038,846784868,2669647154,3771962079,3550491691,2305946142,453669953,1268987020,3317592352,3279303384,3744833421,2610507566,3859509063,266596637,3847019092,517658769,3462560207,3443424879,370717030,4247526661,2224018117,4143653529,4112773975,2788324899,2477274417,1456262402,2901442914,1517677493,1846949527,2295493580,3734397586,2176403920,1280348187,1908823572,3871786941,846861322,1172426758,3287448474,3383383037,1655181056,3139813346,901632758,1897031941,2986607138,3066810236,3447102507,1393639104,373351379,950779232,625454576,3124240540,4148612726,2007998917,544563296,2244738638,2330496472,2058025392,1291430526,424198748,50039436,29584100,3605783033,2429876329,2791104160,1057563949,3255363231,3075367218,3463963227,1469046755,985887462])],this.P=new Uint32Array([608135816,2242054355,320440878,57701188,2752067618,698298832,137296536,3964562569,1160258022,953160567,3193202383,887688300,3232508343,3380367581,1065670069,3041331479,2450970073,2306472731])},"Blowfish");function za(e,t,n){return(e[0][t[n+3]]+e[1][t[n+2]]^e[2][t[n+1]])+e[3][t[n]]}a(za,"F");qr.prototype.encipher=function(e,t){t===void 0&&(t=new Uint8Array(e.buffer),e.byteOffset!==0&&(t=t.subarray(e.byteOffset))),e[0]^=this.P[0];for(var n=1;n<16;n+=2)e[1]^=za(this.S,t,0)^this.P[n],e[0]^=za(this.S,t,4)^this.P[n+1];var r=e[0];e[0]=e[1]^this.P[17],e[1]=r};qr.prototype.decipher=function(e){var t=new Uint8Array(e.buffer);e.byteOffset!==0&&(t=t.subarray(e.byteOffset)),e[0]^=this.P[17];for(var n=16;n>0;n-=2)e[1]^=za(this.S,t,0)^this.P[n],e[0]^=za(this.S,t,4)^this.P[n-1];var r=e[0];e[0]=e[1]^this.P[0],e[1]=r};function jr(e,t){var n,r=0;for(n=0;n<4;n++,Wn++)Wn>=t&&(Wn=0),r=r<<8|e[Wn];return r}a(jr,"stream2word");qr.prototype.expand0state=function(e,t){var n=new Uint32Array(2),r,s,i=new Uint8Array(n.buffer);for(r=0,Wn=0;r<18;r++)this.P[r]^=jr(e,t);for(Wn=0,r=0;r<18;r+=2)this.encipher(n,i),this.P[r]=n[0],this.P[r+1]=n[1];for(r=0;r<4;r++)for(s=0;s<256;s+=2)this.encipher(n,i),this.S[r][s]=n[0],this.S[r][s+1]=n[1]};qr.prototype.expandstate=function(e,t,n,r){var s=new Uint32Array(2),i,o;for(i=0,Wn=0;i<18;i++)this.P[i]^=jr(n,r);for(i=0,Wn=0;i<18;i+=2)s[0]^=jr(e,t),s[1]^=jr(e,t),this.encipher(s),this.P[i]=s[0],this.P[i+1]=s[1];for(i=0;i<4;i++)for(o=0;o<256;o+=2)s[0]^=jr(e,t),s[1]^=jr(e,t),this.encipher(s),this.S[i][o]=s[0],this.S[i][o+1]=s[1];Wn=0};qr.prototype.enc=function(e,t){for(var n=0;n<t;n++)this.encipher(e.subarray(n*2))};qr.prototype.dec=function(e,t){for(var n=0;n<t;n++)this.decipher(e.subarray(n*2))};var Ha=8,yd=32;function wd(e,t,n){var r=new qr,s=new Uint32Array(Ha),i,o=new Uint8Array([79,120,121,99,104,114,111,109,97,116,105,99,66,108,111,119,102,105,115,104,83,119,97,116,68,121,110,97,109,105,116,101]);for(r.expandstate(t,64,e,64),i=0;i<64;i++)r.expand0state(t,64),r.expand0state(e,64);for(i=0;i<Ha;i++)s[i]=jr(o,o.byteLength);for(i=0;i<64;i++)r.enc(s,s.byteLength/8);for(i=0;i<Ha;i++)n[4*i+3]=s[i]>>>24,n[4*i+2]=s[i]>>>16,n[4*i+1]=s[i]>>>8,n[4*i+0]=s[i]}a(wd,"bcrypt_hash");function c2(e,t,n,r,s,i,o){var c=new Uint8Array(64),l=new Uint8Array(64),u=new Uint8Array(yd),d=new Uint8Array(yd),f=new Uint8Array(r+4),p,_,$,g,y,k,x=i;if(o<1||t===0||r===0||i===0||i>u.byteLength*u.byteLength||r>1<<20)return-1;for(g=Math.floor((i+u.byteLength-1)/u.byteLength),$=Math.floor((i+g-1)/g),p=0;p<r;p++)f[p]=n[p];for($d(c,e,t),k=1;i>0;k++){for(f[r+0]=k>>>24,f[r+1]=k>>>16,f[r+2]=k>>>8,f[r+3]=k,$d(l,f,r+4),wd(c,l,d),p=u.byteLength;p--;)u[p]=d[p];for(p=1;p<o;p++)for($d(l,d,d.byteLength),wd(c,l,d),_=0;_<u.byteLength;_++)u[_]^=d[_];for($=Math.min($,i),p=0;p<$&&(y=p*g+(k-1),!(y>=x));p++)s[y]=u[p];i-=p}return 0}a(c2,"bcrypt_pbkdf");h$.exports={BLOCKS:Ha,HASHSIZE:yd,hash:wd,pbkdf:c2}});var g$=q(m$=>{m$.pbkdf=(...e)=>_$().pbkdf(...e)});var $$=q(()=>{});var _r=q((aj,qa)=>{"use strict";var Gn=require("crypto"),Ps;try{Ps=$$()()}catch{}var{bindingAvailable:y$,CIPHER_INFO:l2,MAC_INFO:u2}=Ts(),w$=(()=>{if(typeof Gn.sign=="function"&&typeof Gn.verify=="function"){let e=`-----BEGIN PRIVATE KEY-----\r
MC4CAQAwBQYDK2VwBCIEIHKj+sVa9WcD/q2DJUJaf43Kptc8xYuUQA4bOFj9vC8T\r
-----END PRIVATE KEY-----`,t=Buffer.from("a"),n,r;try{n=Gn.sign(null,t,e),r=Gn.verify(null,t,e,n)}catch{}return Buffer.isBuffer(n)&&n.length===64&&r===!0}return!1})(),b$=typeof Gn.diffieHellman=="function"&&typeof Gn.generateKeyPairSync=="function"&&typeof Gn.createPublicKey=="function",ja=["ecdh-sha2-nistp256","ecdh-sha2-nistp384","ecdh-sha2-nistp521","diffie-hellman-group-exchange-sha256","diffie-hellman-group14-sha256","diffie-hellman-group15-sha512","diffie-hellman-group16-sha512","diffie-hellman-group17-sha512","diffie-hellman-group18-sha512"];b$&&(ja.unshift("curve25519-sha256"),ja.unshift("curve25519-sha256@libssh.org"));var d2=ja.concat(["diffie-hellman-group-exchange-sha1","diffie-hellman-group14-sha1","diffie-hellman-group1-sha1"]),bd=["ecdsa-sha2-nistp256","ecdsa-sha2-nistp384","ecdsa-sha2-nistp521","rsa-sha2-512","rsa-sha2-256","ssh-rsa"];w$&&bd.unshift("ssh-ed25519");var f2=bd.concat(["ssh-dss"]),A$=(()=>{let e=Gn.getCiphers();return t=>e.includes(l2[t].sslName)})(),hr=["aes128-gcm@openssh.com","aes256-gcm@openssh.com","aes128-ctr","aes192-ctr","aes256-ctr"];Ps&&Ps.flags&&!Ps.flags.aes?y$?hr.unshift("chacha20-poly1305@openssh.com"):hr.push("chacha20-poly1305@openssh.com"):y$&&Ps&&Ps.arch==="x86"?hr.splice(4,0,"chacha20-poly1305@openssh.com"):hr.push("chacha20-poly1305@openssh.com");hr=hr.filter(A$);var p2=hr.concat(["aes256-cbc","aes192-cbc","aes128-cbc","blowfish-cbc","3des-cbc","aes128-gcm","aes256-gcm","arcfour256","arcfour128","cast128-cbc","arcfour"].filter(A$)),k$=(()=>{let e=Gn.getHashes();return t=>e.includes(u2[t].sslName)})(),v$=["hmac-sha2-256-etm@openssh.com","hmac-sha2-512-etm@openssh.com","hmac-sha1-etm@openssh.com","hmac-sha2-256","hmac-sha2-512","hmac-sha1"].filter(k$),h2=v$.concat(["hmac-md5","hmac-sha2-256-96","hmac-sha2-512-96","hmac-ripemd160","hmac-sha1-96","hmac-md5-96"].filter(k$)),x$=["none","zlib@openssh.com","zlib"],_2=x$.concat([]),Cs={BAD_DHGEX:1,OLD_EXIT:2,DYN_RPORT_BUG:4,BUG_DHGEX_LARGE:8,IMPLY_RSA_SHA2_SIGALGS:16};qa.exports={MESSAGE:{DISCONNECT:1,IGNORE:2,UNIMPLEMENTED:3,DEBUG:4,SERVICE_REQUEST:5,SERVICE_ACCEPT:6,EXT_INFO:7,KEXINIT:20,NEWKEYS:21,KEXDH_INIT:30,KEXDH_REPLY:31,KEXDH_GEX_GROUP:31,KEXDH_GEX_INIT:32,KEXDH_GEX_REPLY:33,KEXDH_GEX_REQUEST:34,KEXECDH_INIT:30,KEXECDH_REPLY:31,USERAUTH_REQUEST:50,USERAUTH_FAILURE:51,USERAUTH_SUCCESS:52,USERAUTH_BANNER:53,USERAUTH_PASSWD_CHANGEREQ:60,USERAUTH_PK_OK:60,USERAUTH_INFO_REQUEST:60,USERAUTH_INFO_RESPONSE:61,GLOBAL_REQUEST:80,REQUEST_SUCCESS:81,REQUEST_FAILURE:82,CHANNEL_OPEN:90,CHANNEL_OPEN_CONFIRMATION:91,CHANNEL_OPEN_FAILURE:92,CHANNEL_WINDOW_ADJUST:93,CHANNEL_DATA:94,CHANNEL_EXTENDED_DATA:95,CHANNEL_EOF:96,CHANNEL_CLOSE:97,CHANNEL_REQUEST:98,CHANNEL_SUCCESS:99,CHANNEL_FAILURE:100},DISCONNECT_REASON:{HOST_NOT_ALLOWED_TO_CONNECT:1,PROTOCOL_ERROR:2,KEY_EXCHANGE_FAILED:3,RESERVED:4,MAC_ERROR:5,COMPRESSION_ERROR:6,SERVICE_NOT_AVAILABLE:7,PROTOCOL_VERSION_NOT_SUPPORTED:8,HOST_KEY_NOT_VERIFIABLE:9,CONNECTION_LOST:10,BY_APPLICATION:11,TOO_MANY_CONNECTIONS:12,AUTH_CANCELED_BY_USER:13,NO_MORE_AUTH_METHODS_AVAILABLE:14,ILLEGAL_USER_NAME:15},DISCONNECT_REASON_STR:void 0,CHANNEL_OPEN_FAILURE:{ADMINISTRATIVELY_PROHIBITED:1,CONNECT_FAILED:2,UNKNOWN_CHANNEL_TYPE:3,RESOURCE_SHORTAGE:4},TERMINAL_MODE:{TTY_OP_END:0,VINTR:1,VQUIT:2,VERASE:3,VKILL:4,VEOF:5,VEOL:6,VEOL2:7,VSTART:8,VSTOP:9,VSUSP:10,VDSUSP:11,VREPRINT:12,VWERASE:13,VLNEXT:14,VFLUSH:15,VSWTCH:16,VSTATUS:17,VDISCARD:18,IGNPAR:30,PARMRK:31,INPCK:32,ISTRIP:33,INLCR:34,IGNCR:35,ICRNL:36,IUCLC:37,IXON:38,IXANY:39,IXOFF:40,IMAXBEL:41,ISIG:50,ICANON:51,XCASE:52,ECHO:53,ECHOE:54,ECHOK:55,ECHONL:56,NOFLSH:57,TOSTOP:58,IEXTEN:59,ECHOCTL:60,ECHOKE:61,PENDIN:62,OPOST:70,OLCUC:71,ONLCR:72,OCRNL:73,ONOCR:74,ONLRET:75,CS7:90,CS8:91,PARENB:92,PARODD:93,TTY_OP_ISPEED:128,TTY_OP_OSPEED:129},CHANNEL_EXTENDED_DATATYPE:{STDERR:1},SIGNALS:["ABRT","ALRM","FPE","HUP","ILL","INT","QUIT","SEGV","TERM","USR1","USR2","KILL","PIPE"].reduce((e,t)=>({...e,[t]:1}),{}),COMPAT:Cs,COMPAT_CHECKS:[["Cisco-1.25",Cs.BAD_DHGEX],[/^Cisco-1[.]/,Cs.BUG_DHGEX_LARGE],[/^[0-9.]+$/,Cs.OLD_EXIT],[/^OpenSSH_5[.][0-9]+/,Cs.DYN_RPORT_BUG],[/^OpenSSH_7[.]4/,Cs.IMPLY_RSA_SHA2_SIGALGS]],DEFAULT_KEX:ja,SUPPORTED_KEX:d2,DEFAULT_SERVER_HOST_KEY:bd,SUPPORTED_SERVER_HOST_KEY:f2,DEFAULT_CIPHER:hr,SUPPORTED_CIPHER:p2,DEFAULT_MAC:v$,SUPPORTED_MAC:h2,DEFAULT_COMPRESSION:x$,SUPPORTED_COMPRESSION:_2,curve25519Supported:b$,eddsaSupported:w$};qa.exports.DISCONNECT_REASON_BY_VALUE=Array.from(Object.entries(qa.exports.DISCONNECT_REASON)).reduce((e,[t,n])=>({...e,[n]:t}),{})});var Zn=q((cj,C$)=>{"use strict";var pn=Fa().Ber,Ka,I$=Buffer[Symbol.species],m2=Object.getPrototypeOf(Uint8Array.prototype).fill;function E$(e,t){return e[t++]*16777216+e[t++]*65536+e[t++]*256+e[t]}a(E$,"readUInt32BE");function Ni(e,t,n,r,s){s||(s=0),r>e.length&&(r=e.length);let i=r-n,o=t.length-s;return i>o&&(i=o),t.set(new Uint8Array(e.buffer,e.byteOffset+n,i),s),i}a(Ni,"bufferCopy");function Oi(e,t,n){return n===void 0&&(n=e.length),new I$(e.buffer,e.byteOffset+t,n-t)}a(Oi,"bufferSlice");function kd(){let e=0,t,n={init:a((r,s)=>{t=r,e=typeof s=="number"?s:0},"init"),pos:a(()=>e,"pos"),length:a(()=>t?t.length:0,"length"),avail:a(()=>t&&e<t.length?t.length-e:0,"avail"),clear:a(()=>{t=void 0},"clear"),readUInt32BE:a(()=>{if(!(!t||e+3>=t.length))return t[e++]*16777216+t[e++]*65536+t[e++]*256+t[e++]},"readUInt32BE"),readUInt64BE:a(r=>{if(!(!t||e+7>=t.length))switch(r){case"always":return BigInt(`0x${t.hexSlice(e,e+=8)}`);case"maybe":if(t[e]>31)return BigInt(`0x${t.hexSlice(e,e+=8)}`);default:return t[e++]*72057594037927940+t[e++]*281474976710656+t[e++]*1099511627776+t[e++]*4294967296+t[e++]*16777216+t[e++]*65536+t[e++]*256+t[e++]}},"readUInt64BE"),skip:a(r=>{t&&r>0&&(e+=r)},"skip"),skipString:a(()=>{let r=n.readUInt32BE();if(r!==void 0)return e+=r,e<=t.length?r:void 0},"skipString"),readByte:a(()=>{if(t&&e<t.length)return t[e++]},"readByte"),readBool:a(()=>{if(t&&e<t.length)return!!t[e++]},"readBool"),readList:a(()=>{let r=n.readString(!0);if(r!==void 0)return r?r.split(","):[]},"readList"),readString:a((r,s)=>{typeof r=="number"&&(s=r,r=void 0);let i=n.readUInt32BE();if(i!==void 0&&!(t.length-e<i||typeof s=="number"&&i>s))return r?Buffer.isBuffer(r)?Ni(t,r,e,e+=i):t.utf8Slice(e,e+=i):Oi(t,e,e+=i)},"readString"),readRaw:a(r=>{if(t){if(typeof r!="number")return Oi(t,e,e+=t.length-e);if(t.length-e>=r)return Oi(t,e,e+=r)}},"readRaw")};return n}a(kd,"makeBufferParser");function S$(e,t,n){let r=new Error(e);return typeof t=="boolean"?(n=t,r.level="protocol"):r.level=t||"protocol",r.fatal=!!n,r}a(S$,"makeError");function Ad(e,t,n){return e[n++]=t>>>24,e[n++]=t>>>16,e[n++]=t>>>8,e[n++]=t,n}a(Ad,"writeUInt32BE");var Qa=kd();C$.exports={bufferCopy:Ni,bufferSlice:Oi,FastBuffer:I$,bufferFill:a((e,t,n,r)=>m2.call(e,t,n,r),"bufferFill"),makeError:S$,doFatalError:a((e,t,n,r)=>{let s;return Ka===void 0&&({DISCONNECT_REASON:Ka}=_r()),t instanceof Error?(s=t,typeof n!="number"?r=Ka.PROTOCOL_ERROR:r=n):s=S$(t,n,!0),typeof r!="number"&&(r=Ka.PROTOCOL_ERROR),e.disconnect(r),e._destruct(),e._onError(s),1/0},"doFatalError"),readUInt32BE:E$,writeUInt32BE:Ad,writeUInt32LE:a((e,t,n)=>(e[n++]=t,e[n++]=t>>>8,e[n++]=t>>>16,e[n++]=t>>>24,n),"writeUInt32LE"),makeBufferParser:kd,bufferParser:kd(),readString:a((e,t,n,r)=>{typeof n=="number"&&(r=n,n=void 0),t===void 0&&(t=0);let s=e.length-t;if(t<0||t>=e.length||s<4)return;let i=E$(e,t);if(s<4+i||typeof r=="number"&&i>r)return;t+=4;let o=t+i;return e._pos=o,n?Buffer.isBuffer(n)?Ni(e,n,t,o):e.utf8Slice(t,o):Oi(e,t,o)},"readString"),sigSSHToASN1:a((e,t)=>{switch(t){case"ssh-dss":{if(e.length>40)return e;let n=new pn.Writer;n.startSequence();let r=e.slice(0,20),s=e.slice(20);if(r[0]&128){let i=Buffer.allocUnsafe(21);i[0]=0,r.copy(i,1),r=i}else r[0]===0&&!(r[1]&128)&&(r=r.slice(1));if(s[0]&128){let i=Buffer.allocUnsafe(21);i[0]=0,s.copy(i,1),s=i}else s[0]===0&&!(s[1]&128)&&(s=s.slice(1));return n.writeBuffer(r,pn.Integer),n.writeBuffer(s,pn.Integer),n.endSequence(),n.buffer}case"ecdsa-sha2-nistp256":case"ecdsa-sha2-nistp384":case"ecdsa-sha2-nistp521":{Qa.init(e,0);let n=Qa.readString(),r=Qa.readString();if(Qa.clear(),n===void 0||r===void 0)return;let s=new pn.Writer;return s.startSequence(),s.writeBuffer(n,pn.Integer),s.writeBuffer(r,pn.Integer),s.endSequence(),s.buffer}default:return e}},"sigSSHToASN1"),convertSignature:a((e,t)=>{switch(t){case"ssh-dss":{if(e.length<=40)return e;let n=new pn.Reader(e);n.readSequence();let r=n.readString(pn.Integer,!0),s=n.readString(pn.Integer,!0),i=0,o=0;if(r.length<20){let l=Buffer.allocUnsafe(20);l.set(r,1),r=l,r[0]=0}if(s.length<20){let l=Buffer.allocUnsafe(20);l.set(s,1),s=l,s[0]=0}r.length>20&&r[0]===0&&(i=1),s.length>20&&s[0]===0&&(o=1);let c=Buffer.allocUnsafe(r.length-i+(s.length-o));return Ni(r,c,i,r.length,0),Ni(s,c,o,s.length,r.length-i),c}case"ecdsa-sha2-nistp256":case"ecdsa-sha2-nistp384":case"ecdsa-sha2-nistp521":{if(e[0]===0)return e;let n=new pn.Reader(e);n.readSequence();let r=n.readString(pn.Integer,!0),s=n.readString(pn.Integer,!0);if(r===null||s===null)return;let i=Buffer.allocUnsafe(4+r.length+4+s.length);return Ad(i,r.length,0),i.set(r,4),Ad(i,s.length,4+r.length),i.set(s,8+r.length),i}}return e},"convertSignature"),sendPacket:a((e,t,n)=>!n&&e._kexinit!==void 0?(e._queue===void 0&&(e._queue=[]),e._queue.push(t),e._debug&&e._debug("Outbound: ... packet queued"),!1):(e._cipher.encrypt(t),!0),"sendPacket")}});var P$=q((Wa,xd)=>{var vd=(function(){var e=typeof document<"u"&&document.currentScript?document.currentScript.src:void 0;return typeof __filename<"u"&&(e=e||__filename),(function(t){t=t||{};var n;n||(n=typeof t<"u"?t:{});var r,s;n.ready=new Promise(function(F,te){r=F,s=te});var i={},o;for(o in n)n.hasOwnProperty(o)&&(i[o]=n[o]);var c=typeof window=="object",l=typeof importScripts=="function",u=typeof process=="object"&&typeof process.versions=="object"&&typeof process.versions.node=="string",d="",f,p,_,$,g;u?(d=l?require("path").dirname(d)+"/":__dirname+"/",f=a(function(F,te){var $e=zn(F);return $e?te?$e:$e.toString():($||($=require("fs")),g||(g=require("path")),F=g.normalize(F),$.readFileSync(F,te?null:"utf8"))},"C"),_=a(function(F){return F=f(F,!0),F.buffer||(F=new Uint8Array(F)),L(F.buffer),F},"E"),p=a(function(F,te,$e){var xe=zn(F);xe&&te(xe),$||($=require("fs")),g||(g=require("path")),F=g.normalize(F),$.readFile(F,function(ze,bt){ze?$e(ze):te(bt.buffer)})},"D"),1<process.argv.length&&process.argv[1].replace(/\\/g,"/"),process.argv.slice(2),n.inspect=function(){return"[Emscripten Module object]"}):(c||l)&&(l?d=self.location.href:typeof document<"u"&&document.currentScript&&(d=document.currentScript.src),e&&(d=e),d.indexOf("blob:")!==0?d=d.substr(0,d.lastIndexOf("/")+1):d="",f=a(function(F){try{var te=new XMLHttpRequest;return te.open("GET",F,!1),te.send(null),te.responseText}catch(ze){if(F=zn(F)){te=[];for(var $e=0;$e<F.length;$e++){var xe=F[$e];255<xe&&(as&&L(!1,"Character code "+xe+" ("+String.fromCharCode(xe)+")  at offset "+$e+" not in 0x00-0xFF."),xe&=255),te.push(String.fromCharCode(xe))}return te.join("")}throw ze}},"C"),l&&(_=a(function(F){try{var te=new XMLHttpRequest;return te.open("GET",F,!1),te.responseType="arraybuffer",te.send(null),new Uint8Array(te.response)}catch($e){if(F=zn(F))return F;throw $e}},"E")),p=a(function(F,te,$e){var xe=new XMLHttpRequest;xe.open("GET",F,!0),xe.responseType="arraybuffer",xe.onload=function(){if(xe.status==200||xe.status==0&&xe.response)te(xe.response);else{var ze=zn(F);ze?te(ze.buffer):$e()}},xe.onerror=$e,xe.send(null)},"D")),n.print||console.log.bind(console);var y=n.printErr||console.warn.bind(console);for(o in i)i.hasOwnProperty(o)&&(n[o]=i[o]);i=null;var k;n.wasmBinary&&(k=n.wasmBinary);var x=n.noExitRuntime||!0;typeof WebAssembly!="object"&&K("no native wasm support detected");var T,E=!1;function L(F,te){F||K("Assertion failed: "+te)}a(L,"assert");function j(F){var te=n["_"+F];return L(te,"Cannot call unknown function "+F+", make sure it is exported"),te}a(j,"N");function ee(F,te,$e,xe){var ze={string:a(function(Ye){var Pt=0;if(Ye!=null&&Ye!==0){var St=(Ye.length<<2)+1;Pt=_i(St);var ft=Pt,it=Z;if(0<St){St=ft+St-1;for(var on=0;on<Ye.length;++on){var pt=Ye.charCodeAt(on);if(55296<=pt&&57343>=pt){var Lr=Ye.charCodeAt(++on);pt=65536+((pt&1023)<<10)|Lr&1023}if(127>=pt){if(ft>=St)break;it[ft++]=pt}else{if(2047>=pt){if(ft+1>=St)break;it[ft++]=192|pt>>6}else{if(65535>=pt){if(ft+2>=St)break;it[ft++]=224|pt>>12}else{if(ft+3>=St)break;it[ft++]=240|pt>>18,it[ft++]=128|pt>>12&63}it[ft++]=128|pt>>6&63}it[ft++]=128|pt&63}}it[ft]=0}}return Pt},"string"),array:a(function(Ye){var Pt=_i(Ye.length);return Q.set(Ye,Pt),Pt},"array")},bt=j(F),Cn=[];if(F=0,xe)for(var Jt=0;Jt<xe.length;Jt++){var fs=ze[$e[Jt]];fs?(F===0&&(F=hi()),Cn[Jt]=fs(xe[Jt])):Cn[Jt]=xe[Jt]}return $e=bt.apply(null,Cn),$e=(function(Ye){if(te==="string")if(Ye){for(var Pt=Z,St=Ye+NaN,ft=Ye;Pt[ft]&&!(ft>=St);)++ft;if(16<ft-Ye&&Pt.subarray&&P)Ye=P.decode(Pt.subarray(Ye,ft));else{for(St="";Ye<ft;){var it=Pt[Ye++];if(it&128){var on=Pt[Ye++]&63;if((it&224)==192)St+=String.fromCharCode((it&31)<<6|on);else{var pt=Pt[Ye++]&63;it=(it&240)==224?(it&15)<<12|on<<6|pt:(it&7)<<18|on<<12|pt<<6|Pt[Ye++]&63,65536>it?St+=String.fromCharCode(it):(it-=65536,St+=String.fromCharCode(55296|it>>10,56320|it&1023))}}else St+=String.fromCharCode(it)}Ye=St}}else Ye="";else Ye=te==="boolean"?!!Ye:Ye;return Ye})($e),F!==0&&ea(F),$e}a(ee,"ca");var P=typeof TextDecoder<"u"?new TextDecoder("utf8"):void 0,G,Q,Z;function X(){var F=T.buffer;G=F,n.HEAP8=Q=new Int8Array(F),n.HEAP16=new Int16Array(F),n.HEAP32=new Int32Array(F),n.HEAPU8=Z=new Uint8Array(F),n.HEAPU16=new Uint16Array(F),n.HEAPU32=new Uint32Array(F),n.HEAPF32=new Float32Array(F),n.HEAPF64=new Float64Array(F)}a(X,"ia");var he,J=[],oe=[],_e=[];function we(){var F=n.preRun.shift();J.unshift(F)}a(we,"ma");var O=0,U=null,D=null;n.preloadedImages={},n.preloadedAudios={};function K(F){throw n.onAbort&&n.onAbort(F),y(F),E=!0,F=new WebAssembly.RuntimeError("abort("+F+"). Build with -s ASSERTIONS=1 for more info."),s(F),F}a(K,"K");var ue="data:application/octet-stream;base64,",pe;if(pe="data:application/octet-stream;base64,AGFzbQEAAAABIAZgAX8Bf2ADf39/AGABfwBgAABgAAF/YAZ/f39/f38AAgcBAWEBYQAAAwsKAAEDAQAAAgQFAgQFAXABAQEFBwEBgAKAgAIGCQF/AUGAjMACCwclCQFiAgABYwADAWQACQFlAAgBZgAHAWcABgFoAAUBaQAKAWoBAAqGTQpPAQJ/QYAIKAIAIgEgAEEDakF8cSICaiEAAkAgAkEAIAAgAU0bDQAgAD8AQRB0SwRAIAAQAEUNAQtBgAggADYCACABDwtBhAhBMDYCAEF/C4wFAg5+Cn8gACgCJCEUIAAoAiAhFSAAKAIcIREgACgCGCESIAAoAhQhEyACQRBPBEAgAC0ATEVBGHQhFyAAKAIEIhZBBWytIQ8gACgCCCIYQQVsrSENIAAoAgwiGUEFbK0hCyAAKAIQIhpBBWytIQkgADUCACEIIBqtIRAgGa0hDiAYrSEMIBatIQoDQCASIAEtAAMiEiABLQAEQQh0ciABLQAFQRB0ciABLQAGIhZBGHRyQQJ2Qf///x9xaq0iAyAOfiABLwAAIAEtAAJBEHRyIBNqIBJBGHRBgICAGHFqrSIEIBB+fCARIAEtAAdBCHQgFnIgAS0ACEEQdHIgAS0ACSIRQRh0ckEEdkH///8fcWqtIgUgDH58IAEtAApBCHQgEXIgAS0AC0EQdHIgAS0ADEEYdHJBBnYgFWqtIgYgCn58IBQgF2ogAS8ADSABLQAPQRB0cmqtIgcgCH58IAMgDH4gBCAOfnwgBSAKfnwgBiAIfnwgByAJfnwgAyAKfiAEIAx+fCAFIAh+fCAGIAl+fCAHIAt+fCADIAh+IAQgCn58IAUgCX58IAYgC358IAcgDX58IAMgCX4gBCAIfnwgBSALfnwgBiANfnwgByAPfnwiA0IaiEL/////D4N8IgRCGohC/////w+DfCIFQhqIQv////8Pg3wiBkIaiEL/////D4N8IgdCGoinQQVsIAOnQf///x9xaiITQRp2IASnQf///x9xaiESIAWnQf///x9xIREgBqdB////H3EhFSAHp0H///8fcSEUIBNB////H3EhEyABQRBqIQEgAkEQayICQQ9LDQALCyAAIBQ2AiQgACAVNgIgIAAgETYCHCAAIBI2AhggACATNgIUCwMAAQu2BAEGfwJAIAAoAjgiBARAIABBPGohBQJAIAJBECAEayIDIAIgA0kbIgZFDQAgBkEDcSEHAkAgBkEBa0EDSQRAQQAhAwwBCyAGQXxxIQhBACEDA0AgBSADIARqaiABIANqLQAAOgAAIAUgA0EBciIEIAAoAjhqaiABIARqLQAAOgAAIAUgA0ECciIEIAAoAjhqaiABIARqLQAAOgAAIAUgA0EDciIEIAAoAjhqaiABIARqLQAAOgAAIANBBGohAyAAKAI4IQQgCEEEayIIDQALCyAHRQ0AA0AgBSADIARqaiABIANqLQAAOgAAIANBAWohAyAAKAI4IQQgB0EBayIHDQALCyAAIAQgBmoiAzYCOCADQRBJDQEgACAFQRAQAiAAQQA2AjggAiAGayECIAEgBmohAQsgAkEQTwRAIAAgASACQXBxIgMQAiACQQ9xIQIgASADaiEBCyACRQ0AIAJBA3EhBCAAQTxqIQVBACEDIAJBAWtBA08EQCACQXxxIQcDQCAFIAAoAjggA2pqIAEgA2otAAA6AAAgBSADQQFyIgYgACgCOGpqIAEgBmotAAA6AAAgBSADQQJyIgYgACgCOGpqIAEgBmotAAA6AAAgBSADQQNyIgYgACgCOGpqIAEgBmotAAA6AAAgA0EEaiEDIAdBBGsiBw0ACwsgBARAA0AgBSAAKAI4IANqaiABIANqLQAAOgAAIANBAWohAyAEQQFrIgQNAAsLIAAgACgCOCACajYCOAsLoS0BDH8jAEEQayIMJAACQAJAAkACQAJAAkACQAJAAkACQAJAAkAgAEH0AU0EQEGICCgCACIFQRAgAEELakF4cSAAQQtJGyIIQQN2IgJ2IgFBA3EEQCABQX9zQQFxIAJqIgNBA3QiAUG4CGooAgAiBEEIaiEAAkAgBCgCCCICIAFBsAhqIgFGBEBBiAggBUF+IAN3cTYCAAwBCyACIAE2AgwgASACNgIICyAEIANBA3QiAUEDcjYCBCABIARqIgEgASgCBEEBcjYCBAwNCyAIQZAIKAIAIgpNDQEgAQRAAkBBAiACdCIAQQAgAGtyIAEgAnRxIgBBACAAa3FBAWsiACAAQQx2QRBxIgJ2IgFBBXZBCHEiACACciABIAB2IgFBAnZBBHEiAHIgASAAdiIBQQF2QQJxIgByIAEgAHYiAUEBdkEBcSIAciABIAB2aiIDQQN0IgBBuAhqKAIAIgQoAggiASAAQbAIaiIARgRAQYgIIAVBfiADd3EiBTYCAAwBCyABIAA2AgwgACABNgIICyAEQQhqIQAgBCAIQQNyNgIEIAQgCGoiAiADQQN0IgEgCGsiA0EBcjYCBCABIARqIAM2AgAgCgRAIApBA3YiAUEDdEGwCGohB0GcCCgCACEEAn8gBUEBIAF0IgFxRQRAQYgIIAEgBXI2AgAgBwwBCyAHKAIICyEBIAcgBDYCCCABIAQ2AgwgBCAHNgIMIAQgATYCCAtBnAggAjYCAEGQCCADNgIADA0LQYwIKAIAIgZFDQEgBkEAIAZrcUEBayIAIABBDHZBEHEiAnYiAUEFdkEIcSIAIAJyIAEgAHYiAUECdkEEcSIAciABIAB2IgFBAXZBAnEiAHIgASAAdiIBQQF2QQFxIgByIAEgAHZqQQJ0QbgKaigCACIBKAIEQXhxIAhrIQMgASECA0ACQCACKAIQIgBFBEAgAigCFCIARQ0BCyAAKAIEQXhxIAhrIgIgAyACIANJIgIbIQMgACABIAIbIQEgACECDAELCyABIAhqIgkgAU0NAiABKAIYIQsgASABKAIMIgRHBEAgASgCCCIAQZgIKAIASRogACAENgIMIAQgADYCCAwMCyABQRRqIgIoAgAiAEUEQCABKAIQIgBFDQQgAUEQaiECCwNAIAIhByAAIgRBFGoiAigCACIADQAgBEEQaiECIAQoAhAiAA0ACyAHQQA2AgAMCwtBfyEIIABBv39LDQAgAEELaiIAQXhxIQhBjAgoAgAiCUUNAEEAIAhrIQMCQAJAAkACf0EAIAhBgAJJDQAaQR8gCEH///8HSw0AGiAAQQh2IgAgAEGA/j9qQRB2QQhxIgJ0IgAgAEGA4B9qQRB2QQRxIgF0IgAgAEGAgA9qQRB2QQJxIgB0QQ92IAEgAnIgAHJrIgBBAXQgCCAAQRVqdkEBcXJBHGoLIgVBAnRBuApqKAIAIgJFBEBBACEADAELQQAhACAIQQBBGSAFQQF2ayAFQR9GG3QhAQNAAkAgAigCBEF4cSAIayIHIANPDQAgAiEEIAciAw0AQQAhAyACIQAMAwsgACACKAIUIgcgByACIAFBHXZBBHFqKAIQIgJGGyAAIAcbIQAgAUEBdCEBIAINAAsLIAAgBHJFBEBBACEEQQIgBXQiAEEAIABrciAJcSIARQ0DIABBACAAa3FBAWsiACAAQQx2QRBxIgJ2IgFBBXZBCHEiACACciABIAB2IgFBAnZBBHEiAHIgASAAdiIBQQF2QQJxIgByIAEgAHYiAUEBdkEBcSIAciABIAB2akECdEG4CmooAgAhAAsgAEUNAQsDQCAAKAIEQXhxIAhrIgEgA0khAiABIAMgAhshAyAAIAQgAhshBCAAKAIQIgEEfyABBSAAKAIUCyIADQALCyAERQ0AIANBkAgoAgAgCGtPDQAgBCAIaiIGIARNDQEgBCgCGCEFIAQgBCgCDCIBRwRAIAQoAggiAEGYCCgCAEkaIAAgATYCDCABIAA2AggMCgsgBEEUaiICKAIAIgBFBEAgBCgCECIARQ0EIARBEGohAgsDQCACIQcgACIBQRRqIgIoAgAiAA0AIAFBEGohAiABKAIQIgANAAsgB0EANgIADAkLIAhBkAgoAgAiAk0EQEGcCCgCACEDAkAgAiAIayIBQRBPBEBBkAggATYCAEGcCCADIAhqIgA2AgAgACABQQFyNgIEIAIgA2ogATYCACADIAhBA3I2AgQMAQtBnAhBADYCAEGQCEEANgIAIAMgAkEDcjYCBCACIANqIgAgACgCBEEBcjYCBAsgA0EIaiEADAsLIAhBlAgoAgAiBkkEQEGUCCAGIAhrIgE2AgBBoAhBoAgoAgAiAiAIaiIANgIAIAAgAUEBcjYCBCACIAhBA3I2AgQgAkEIaiEADAsLQQAhACAIQS9qIgkCf0HgCygCAARAQegLKAIADAELQewLQn83AgBB5AtCgKCAgICABDcCAEHgCyAMQQxqQXBxQdiq1aoFczYCAEH0C0EANgIAQcQLQQA2AgBBgCALIgFqIgVBACABayIHcSICIAhNDQpBwAsoAgAiBARAQbgLKAIAIgMgAmoiASADTQ0LIAEgBEsNCwtBxAstAABBBHENBQJAAkBBoAgoAgAiAwRAQcgLIQADQCADIAAoAgAiAU8EQCABIAAoAgRqIANLDQMLIAAoAggiAA0ACwtBABABIgFBf0YNBiACIQVB5AsoAgAiA0EBayIAIAFxBEAgAiABayAAIAFqQQAgA2txaiEFCyAFIAhNDQYgBUH+////B0sNBkHACygCACIEBEBBuAsoAgAiAyAFaiIAIANNDQcgACAESw0HCyAFEAEiACABRw0BDAgLIAUgBmsgB3EiBUH+////B0sNBSAFEAEiASAAKAIAIAAoAgRqRg0EIAEhAAsCQCAAQX9GDQAgCEEwaiAFTQ0AQegLKAIAIgEgCSAFa2pBACABa3EiAUH+////B0sEQCAAIQEMCAsgARABQX9HBEAgASAFaiEFIAAhAQwIC0EAIAVrEAEaDAULIAAiAUF/Rw0GDAQLAAtBACEEDAcLQQAhAQwFCyABQX9HDQILQcQLQcQLKAIAQQRyNgIACyACQf7///8HSw0BIAIQASEBQQAQASEAIAFBf0YNASAAQX9GDQEgACABTQ0BIAAgAWsiBSAIQShqTQ0BC0G4C0G4CygCACAFaiIANgIAQbwLKAIAIABJBEBBvAsgADYCAAsCQAJAAkBBoAgoAgAiBwRAQcgLIQADQCABIAAoAgAiAyAAKAIEIgJqRg0CIAAoAggiAA0ACwwCC0GYCCgCACIAQQAgACABTRtFBEBBmAggATYCAAtBACEAQcwLIAU2AgBByAsgATYCAEGoCEF/NgIAQawIQeALKAIANgIAQdQLQQA2AgADQCAAQQN0IgNBuAhqIANBsAhqIgI2AgAgA0G8CGogAjYCACAAQQFqIgBBIEcNAAtBlAggBUEoayIDQXggAWtBB3FBACABQQhqQQdxGyIAayICNgIAQaAIIAAgAWoiADYCACAAIAJBAXI2AgQgASADakEoNgIEQaQIQfALKAIANgIADAILIAAtAAxBCHENACADIAdLDQAgASAHTQ0AIAAgAiAFajYCBEGgCCAHQXggB2tBB3FBACAHQQhqQQdxGyIAaiICNgIAQZQIQZQIKAIAIAVqIgEgAGsiADYCACACIABBAXI2AgQgASAHakEoNgIEQaQIQfALKAIANgIADAELQZgIKAIAIAFLBEBBmAggATYCAAsgASAFaiECQcgLIQACQAJAAkACQAJAAkADQCACIAAoAgBHBEAgACgCCCIADQEMAgsLIAAtAAxBCHFFDQELQcgLIQADQCAHIAAoAgAiAk8EQCACIAAoAgRqIgQgB0sNAwsgACgCCCEADAALAAsgACABNgIAIAAgACgCBCAFajYCBCABQXggAWtBB3FBACABQQhqQQdxG2oiCSAIQQNyNgIEIAJBeCACa0EHcUEAIAJBCGpBB3EbaiIFIAggCWoiBmshAiAFIAdGBEBBoAggBjYCAEGUCEGUCCgCACACaiIANgIAIAYgAEEBcjYCBAwDCyAFQZwIKAIARgRAQZwIIAY2AgBBkAhBkAgoAgAgAmoiADYCACAGIABBAXI2AgQgACAGaiAANgIADAMLIAUoAgQiAEEDcUEBRgRAIABBeHEhBwJAIABB/wFNBEAgBSgCCCIDIABBA3YiAEEDdEGwCGpGGiADIAUoAgwiAUYEQEGICEGICCgCAEF+IAB3cTYCAAwCCyADIAE2AgwgASADNgIIDAELIAUoAhghCAJAIAUgBSgCDCIBRwRAIAUoAggiACABNgIMIAEgADYCCAwBCwJAIAVBFGoiACgCACIDDQAgBUEQaiIAKAIAIgMNAEEAIQEMAQsDQCAAIQQgAyIBQRRqIgAoAgAiAw0AIAFBEGohACABKAIQIgMNAAsgBEEANgIACyAIRQ0AAkAgBSAFKAIcIgNBAnRBuApqIgAoAgBGBEAgACABNgIAIAENAUGMCEGMCCgCAEF+IAN3cTYCAAwCCyAIQRBBFCAIKAIQIAVGG2ogATYCACABRQ0BCyABIAg2AhggBSgCECIABEAgASAANgIQIAAgATYCGAsgBSgCFCIARQ0AIAEgADYCFCAAIAE2AhgLIAUgB2ohBSACIAdqIQILIAUgBSgCBEF+cTYCBCAGIAJBAXI2AgQgAiAGaiACNgIAIAJB/wFNBEAgAkEDdiIAQQN0QbAIaiECAn9BiAgoAgAiAUEBIAB0IgBxRQRAQYgIIAAgAXI2AgAgAgwBCyACKAIICyEAIAIgBjYCCCAAIAY2AgwgBiACNgIMIAYgADYCCAwDC0EfIQAgAkH///8HTQRAIAJBCHYiACAAQYD+P2pBEHZBCHEiA3QiACAAQYDgH2pBEHZBBHEiAXQiACAAQYCAD2pBEHZBAnEiAHRBD3YgASADciAAcmsiAEEBdCACIABBFWp2QQFxckEcaiEACyAGIAA2AhwgBkIANwIQIABBAnRBuApqIQQCQEGMCCgCACIDQQEgAHQiAXFFBEBBjAggASADcjYCACAEIAY2AgAgBiAENgIYDAELIAJBAEEZIABBAXZrIABBH0YbdCEAIAQoAgAhAQNAIAEiAygCBEF4cSACRg0DIABBHXYhASAAQQF0IQAgAyABQQRxaiIEKAIQIgENAAsgBCAGNgIQIAYgAzYCGAsgBiAGNgIMIAYgBjYCCAwCC0GUCCAFQShrIgNBeCABa0EHcUEAIAFBCGpBB3EbIgBrIgI2AgBBoAggACABaiIANgIAIAAgAkEBcjYCBCABIANqQSg2AgRBpAhB8AsoAgA2AgAgByAEQScgBGtBB3FBACAEQSdrQQdxG2pBL2siACAAIAdBEGpJGyICQRs2AgQgAkHQCykCADcCECACQcgLKQIANwIIQdALIAJBCGo2AgBBzAsgBTYCAEHICyABNgIAQdQLQQA2AgAgAkEYaiEAA0AgAEEHNgIEIABBCGohASAAQQRqIQAgASAESQ0ACyACIAdGDQMgAiACKAIEQX5xNgIEIAcgAiAHayIEQQFyNgIEIAIgBDYCACAEQf8BTQRAIARBA3YiAEEDdEGwCGohAgJ/QYgIKAIAIgFBASAAdCIAcUUEQEGICCAAIAFyNgIAIAIMAQsgAigCCAshACACIAc2AgggACAHNgIMIAcgAjYCDCAHIAA2AggMBAtBHyEAIAdCADcCECAEQf///wdNBEAgBEEIdiIAIABBgP4/akEQdkEIcSICdCIAIABBgOAfakEQdkEEcSIBdCIAIABBgIAPakEQdkECcSIAdEEPdiABIAJyIAByayIAQQF0IAQgAEEVanZBAXFyQRxqIQALIAcgADYCHCAAQQJ0QbgKaiEDAkBBjAgoAgAiAkEBIAB0IgFxRQRAQYwIIAEgAnI2AgAgAyAHNgIAIAcgAzYCGAwBCyAEQQBBGSAAQQF2ayAAQR9GG3QhACADKAIAIQEDQCABIgIoAgRBeHEgBEYNBCAAQR12IQEgAEEBdCEAIAIgAUEEcWoiAygCECIBDQALIAMgBzYCECAHIAI2AhgLIAcgBzYCDCAHIAc2AggMAwsgAygCCCIAIAY2AgwgAyAGNgIIIAZBADYCGCAGIAM2AgwgBiAANgIICyAJQQhqIQAMBQsgAigCCCIAIAc2AgwgAiAHNgIIIAdBADYCGCAHIAI2AgwgByAANgIIC0GUCCgCACIAIAhNDQBBlAggACAIayIBNgIAQaAIQaAIKAIAIgIgCGoiADYCACAAIAFBAXI2AgQgAiAIQQNyNgIEIAJBCGohAAwDC0GECEEwNgIAQQAhAAwCCwJAIAVFDQACQCAEKAIcIgJBAnRBuApqIgAoAgAgBEYEQCAAIAE2AgAgAQ0BQYwIIAlBfiACd3EiCTYCAAwCCyAFQRBBFCAFKAIQIARGG2ogATYCACABRQ0BCyABIAU2AhggBCgCECIABEAgASAANgIQIAAgATYCGAsgBCgCFCIARQ0AIAEgADYCFCAAIAE2AhgLAkAgA0EPTQRAIAQgAyAIaiIAQQNyNgIEIAAgBGoiACAAKAIEQQFyNgIEDAELIAQgCEEDcjYCBCAGIANBAXI2AgQgAyAGaiADNgIAIANB/wFNBEAgA0EDdiIAQQN0QbAIaiECAn9BiAgoAgAiAUEBIAB0IgBxRQRAQYgIIAAgAXI2AgAgAgwBCyACKAIICyEAIAIgBjYCCCAAIAY2AgwgBiACNgIMIAYgADYCCAwBC0EfIQAgA0H///8HTQRAIANBCHYiACAAQYD+P2pBEHZBCHEiAnQiACAAQYDgH2pBEHZBBHEiAXQiACAAQYCAD2pBEHZBAnEiAHRBD3YgASACciAAcmsiAEEBdCADIABBFWp2QQFxckEcaiEACyAGIAA2AhwgBkIANwIQIABBAnRBuApqIQICQAJAIAlBASAAdCIBcUUEQEGMCCABIAlyNgIAIAIgBjYCACAGIAI2AhgMAQsgA0EAQRkgAEEBdmsgAEEfRht0IQAgAigCACEIA0AgCCIBKAIEQXhxIANGDQIgAEEddiECIABBAXQhACABIAJBBHFqIgIoAhAiCA0ACyACIAY2AhAgBiABNgIYCyAGIAY2AgwgBiAGNgIIDAELIAEoAggiACAGNgIMIAEgBjYCCCAGQQA2AhggBiABNgIMIAYgADYCCAsgBEEIaiEADAELAkAgC0UNAAJAIAEoAhwiAkECdEG4CmoiACgCACABRgRAIAAgBDYCACAEDQFBjAggBkF+IAJ3cTYCAAwCCyALQRBBFCALKAIQIAFGG2ogBDYCACAERQ0BCyAEIAs2AhggASgCECIABEAgBCAANgIQIAAgBDYCGAsgASgCFCIARQ0AIAQgADYCFCAAIAQ2AhgLAkAgA0EPTQRAIAEgAyAIaiIAQQNyNgIEIAAgAWoiACAAKAIEQQFyNgIEDAELIAEgCEEDcjYCBCAJIANBAXI2AgQgAyAJaiADNgIAIAoEQCAKQQN2IgBBA3RBsAhqIQRBnAgoAgAhAgJ/QQEgAHQiACAFcUUEQEGICCAAIAVyNgIAIAQMAQsgBCgCCAshACAEIAI2AgggACACNgIMIAIgBDYCDCACIAA2AggLQZwIIAk2AgBBkAggAzYCAAsgAUEIaiEACyAMQRBqJAAgAAsQACMAIABrQXBxIgAkACAACwYAIAAkAAsEACMAC4AJAgh/BH4jAEGQAWsiBiQAIAYgBS0AA0EYdEGAgIAYcSAFLwAAIAUtAAJBEHRycjYCACAGIAUoAANBAnZBg/7/H3E2AgQgBiAFKAAGQQR2Qf+B/x9xNgIIIAYgBSgACUEGdkH//8AfcTYCDCAFLwANIQggBS0ADyEJIAZCADcCFCAGQgA3AhwgBkEANgIkIAYgCCAJQRB0QYCAPHFyNgIQIAYgBSgAEDYCKCAGIAUoABQ2AiwgBiAFKAAYNgIwIAUoABwhBSAGQQA6AEwgBkEANgI4IAYgBTYCNCAGIAEgAhAEIAQEQCAGIAMgBBAECyAGKAI4IgEEQCAGQTxqIgIgAWpBAToAACABQQFqQQ9NBEAgASAGakE9aiEEAkBBDyABayIDRQ0AIAMgBGoiAUEBa0EAOgAAIARBADoAACADQQNJDQAgAUECa0EAOgAAIARBADoAASABQQNrQQA6AAAgBEEAOgACIANBB0kNACABQQRrQQA6AAAgBEEAOgADIANBCUkNACAEQQAgBGtBA3EiAWoiBEEANgIAIAQgAyABa0F8cSIBaiIDQQRrQQA2AgAgAUEJSQ0AIARBADYCCCAEQQA2AgQgA0EIa0EANgIAIANBDGtBADYCACABQRlJDQAgBEEANgIYIARBADYCFCAEQQA2AhAgBEEANgIMIANBEGtBADYCACADQRRrQQA2AgAgA0EYa0EANgIAIANBHGtBADYCACABIARBBHFBGHIiAWsiA0EgSQ0AIAEgBGohAQNAIAFCADcDGCABQgA3AxAgAUIANwMIIAFCADcDACABQSBqIQEgA0EgayIDQR9LDQALCwsgBkEBOgBMIAYgAkEQEAILIAY1AjQhECAGNQIwIREgBjUCLCEOIAAgBjUCKCAGKAIkIAYoAiAgBigCHCAGKAIYIgNBGnZqIgJBGnZqIgFBGnZqIgtBgICAYHIgAUH///8fcSINIAJB////H3EiCCAGKAIUIAtBGnZBBWxqIgFB////H3EiCUEFaiIFQRp2IANB////H3EgAUEadmoiA2oiAUEadmoiAkEadmoiBEEadmoiDEEfdSIHIANxIAEgDEEfdkEBayIDQf///x9xIgpxciIBQRp0IAUgCnEgByAJcXJyrXwiDzwAACAAIA9CGIg8AAMgACAPQhCIPAACIAAgD0IIiDwAASAAIA4gByAIcSACIApxciICQRR0IAFBBnZyrXwgD0IgiHwiDjwABCAAIA5CGIg8AAcgACAOQhCIPAAGIAAgDkIIiDwABSAAIBEgByANcSAEIApxciIBQQ50IAJBDHZyrXwgDkIgiHwiDjwACCAAIA5CGIg8AAsgACAOQhCIPAAKIAAgDkIIiDwACSAAIBAgAyAMcSAHIAtxckEIdCABQRJ2cq18IA5CIIh8Ig48AAwgACAOQhiIPAAPIAAgDkIQiDwADiAAIA5CCIg8AA0gBkIANwIwIAZCADcCKCAGQgA3AiAgBkIANwIYIAZCADcCECAGQgA3AgggBkIANwIAIAZBkAFqJAALpwwBB38CQCAARQ0AIABBCGsiAyAAQQRrKAIAIgFBeHEiAGohBQJAIAFBAXENACABQQNxRQ0BIAMgAygCACIBayIDQZgIKAIASQ0BIAAgAWohACADQZwIKAIARwRAIAFB/wFNBEAgAygCCCICIAFBA3YiBEEDdEGwCGpGGiACIAMoAgwiAUYEQEGICEGICCgCAEF+IAR3cTYCAAwDCyACIAE2AgwgASACNgIIDAILIAMoAhghBgJAIAMgAygCDCIBRwRAIAMoAggiAiABNgIMIAEgAjYCCAwBCwJAIANBFGoiAigCACIEDQAgA0EQaiICKAIAIgQNAEEAIQEMAQsDQCACIQcgBCIBQRRqIgIoAgAiBA0AIAFBEGohAiABKAIQIgQNAAsgB0EANgIACyAGRQ0BAkAgAyADKAIcIgJBAnRBuApqIgQoAgBGBEAgBCABNgIAIAENAUGMCEGMCCgCAEF+IAJ3cTYCAAwDCyAGQRBBFCAGKAIQIANGG2ogATYCACABRQ0CCyABIAY2AhggAygCECICBEAgASACNgIQIAIgATYCGAsgAygCFCICRQ0BIAEgAjYCFCACIAE2AhgMAQsgBSgCBCIBQQNxQQNHDQBBkAggADYCACAFIAFBfnE2AgQgAyAAQQFyNgIEIAAgA2ogADYCAA8LIAMgBU8NACAFKAIEIgFBAXFFDQACQCABQQJxRQRAIAVBoAgoAgBGBEBBoAggAzYCAEGUCEGUCCgCACAAaiIANgIAIAMgAEEBcjYCBCADQZwIKAIARw0DQZAIQQA2AgBBnAhBADYCAA8LIAVBnAgoAgBGBEBBnAggAzYCAEGQCEGQCCgCACAAaiIANgIAIAMgAEEBcjYCBCAAIANqIAA2AgAPCyABQXhxIABqIQACQCABQf8BTQRAIAUoAggiAiABQQN2IgRBA3RBsAhqRhogAiAFKAIMIgFGBEBBiAhBiAgoAgBBfiAEd3E2AgAMAgsgAiABNgIMIAEgAjYCCAwBCyAFKAIYIQYCQCAFIAUoAgwiAUcEQCAFKAIIIgJBmAgoAgBJGiACIAE2AgwgASACNgIIDAELAkAgBUEUaiICKAIAIgQNACAFQRBqIgIoAgAiBA0AQQAhAQwBCwNAIAIhByAEIgFBFGoiAigCACIEDQAgAUEQaiECIAEoAhAiBA0ACyAHQQA2AgALIAZFDQACQCAFIAUoAhwiAkECdEG4CmoiBCgCAEYEQCAEIAE2AgAgAQ0BQYwIQYwIKAIAQX4gAndxNgIADAILIAZBEEEUIAYoAhAgBUYbaiABNgIAIAFFDQELIAEgBjYCGCAFKAIQIgIEQCABIAI2AhAgAiABNgIYCyAFKAIUIgJFDQAgASACNgIUIAIgATYCGAsgAyAAQQFyNgIEIAAgA2ogADYCACADQZwIKAIARw0BQZAIIAA2AgAPCyAFIAFBfnE2AgQgAyAAQQFyNgIEIAAgA2ogADYCAAsgAEH/AU0EQCAAQQN2IgFBA3RBsAhqIQACf0GICCgCACICQQEgAXQiAXFFBEBBiAggASACcjYCACAADAELIAAoAggLIQIgACADNgIIIAIgAzYCDCADIAA2AgwgAyACNgIIDwtBHyECIANCADcCECAAQf///wdNBEAgAEEIdiIBIAFBgP4/akEQdkEIcSIBdCICIAJBgOAfakEQdkEEcSICdCIEIARBgIAPakEQdkECcSIEdEEPdiABIAJyIARyayIBQQF0IAAgAUEVanZBAXFyQRxqIQILIAMgAjYCHCACQQJ0QbgKaiEBAkACQAJAQYwIKAIAIgRBASACdCIHcUUEQEGMCCAEIAdyNgIAIAEgAzYCACADIAE2AhgMAQsgAEEAQRkgAkEBdmsgAkEfRht0IQIgASgCACEBA0AgASIEKAIEQXhxIABGDQIgAkEddiEBIAJBAXQhAiAEIAFBBHFqIgdBEGooAgAiAQ0ACyAHIAM2AhAgAyAENgIYCyADIAM2AgwgAyADNgIIDAELIAQoAggiACADNgIMIAQgAzYCCCADQQA2AhggAyAENgIMIAMgADYCCAtBqAhBqAgoAgBBAWsiAEF/IAAbNgIACwsLCQEAQYEICwIGUA==",!pe.startsWith(ue)){var de=pe;pe=n.locateFile?n.locateFile(de,d):d+de}function lt(){var F=pe;try{if(F==pe&&k)return new Uint8Array(k);var te=zn(F);if(te)return te;if(_)return _(F);throw"both async and sync fetching of the wasm failed"}catch($e){K($e)}}a(lt,"pa");function Et(){if(!k&&(c||l)){if(typeof fetch=="function"&&!pe.startsWith("file://"))return fetch(pe,{credentials:"same-origin"}).then(function(F){if(!F.ok)throw"failed to load wasm binary file at '"+pe+"'";return F.arrayBuffer()}).catch(function(){return lt()});if(p)return new Promise(function(F,te){p(pe,function($e){F(new Uint8Array($e))},te)})}return Promise.resolve().then(function(){return lt()})}a(Et,"qa");function pi(F){for(;0<F.length;){var te=F.shift();if(typeof te=="function")te(n);else{var $e=te.m;typeof $e=="number"?te.l===void 0?he.get($e)():he.get($e)(te.l):$e(te.l===void 0?null:te.l)}}}a(pi,"X");var as=!1,cs=typeof atob=="function"?atob:function(F){var te="",$e=0;F=F.replace(/[^A-Za-z0-9\+\/=]/g,"");do{var xe="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".indexOf(F.charAt($e++)),ze="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".indexOf(F.charAt($e++)),bt="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".indexOf(F.charAt($e++)),Cn="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".indexOf(F.charAt($e++));xe=xe<<2|ze>>4,ze=(ze&15)<<4|bt>>2;var Jt=(bt&3)<<6|Cn;te+=String.fromCharCode(xe),bt!==64&&(te+=String.fromCharCode(ze)),Cn!==64&&(te+=String.fromCharCode(Jt))}while($e<F.length);return te};function zn(F){if(F.startsWith(ue)){if(F=F.slice(ue.length),typeof u=="boolean"&&u){var te=Buffer.from(F,"base64");te=new Uint8Array(te.buffer,te.byteOffset,te.byteLength)}else try{var $e=cs(F),xe=new Uint8Array($e.length);for(F=0;F<$e.length;++F)xe[F]=$e.charCodeAt(F);te=xe}catch{throw Error("Converting base64 string to bytes failed.")}return te}}a(zn,"H");var ls={a:a(function(F){var te=Z.length;if(F>>>=0,2147483648<F)return!1;for(var $e=1;4>=$e;$e*=2){var xe=te*(1+.2/$e);xe=Math.min(xe,F+100663296),xe=Math.max(F,xe),0<xe%65536&&(xe+=65536-xe%65536);e:{try{T.grow(Math.min(2147483648,xe)-G.byteLength+65535>>>16),X();var ze=1;break e}catch{}ze=void 0}if(ze)return!0}return!1},"a")};(function(){function F(ze){n.asm=ze.exports,T=n.asm.b,X(),he=n.asm.j,oe.unshift(n.asm.c),O--,n.monitorRunDependencies&&n.monitorRunDependencies(O),O==0&&(U!==null&&(clearInterval(U),U=null),D&&(ze=D,D=null,ze()))}a(F,"a");function te(ze){F(ze.instance)}a(te,"c");function $e(ze){return Et().then(function(bt){return WebAssembly.instantiate(bt,xe)}).then(ze,function(bt){y("failed to asynchronously prepare wasm: "+bt),K(bt)})}a($e,"d");var xe={a:ls};if(O++,n.monitorRunDependencies&&n.monitorRunDependencies(O),n.instantiateWasm)try{return n.instantiateWasm(xe,F)}catch(ze){return y("Module.instantiateWasm callback failed with error: "+ze),!1}return(function(){return k||typeof WebAssembly.instantiateStreaming!="function"||pe.startsWith(ue)||pe.startsWith("file://")||typeof fetch!="function"?$e(te):fetch(pe,{credentials:"same-origin"}).then(function(ze){return WebAssembly.instantiateStreaming(ze,xe).then(te,function(bt){return y("wasm streaming compile failed: "+bt),y("falling back to ArrayBuffer instantiation"),$e(te)})})})().catch(s),{}})(),n.___wasm_call_ctors=function(){return(n.___wasm_call_ctors=n.asm.c).apply(null,arguments)},n._poly1305_auth=function(){return(n._poly1305_auth=n.asm.d).apply(null,arguments)};var hi=n.stackSave=function(){return(hi=n.stackSave=n.asm.e).apply(null,arguments)},ea=n.stackRestore=function(){return(ea=n.stackRestore=n.asm.f).apply(null,arguments)},_i=n.stackAlloc=function(){return(_i=n.stackAlloc=n.asm.g).apply(null,arguments)};n._malloc=function(){return(n._malloc=n.asm.h).apply(null,arguments)},n._free=function(){return(n._free=n.asm.i).apply(null,arguments)},n.cwrap=function(F,te,$e,xe){$e=$e||[];var ze=$e.every(function(bt){return bt==="number"});return te!=="string"&&ze&&!xe?j(F):function(){return ee(F,te,$e,arguments)}};var us;D=a(function F(){us||ds(),us||(D=F)},"ta");function ds(){function F(){if(!us&&(us=!0,n.calledRun=!0,!E)){if(pi(oe),r(n),n.onRuntimeInitialized&&n.onRuntimeInitialized(),n.postRun)for(typeof n.postRun=="function"&&(n.postRun=[n.postRun]);n.postRun.length;){var te=n.postRun.shift();_e.unshift(te)}pi(_e)}}if(a(F,"a"),!(0<O)){if(n.preRun)for(typeof n.preRun=="function"&&(n.preRun=[n.preRun]);n.preRun.length;)we();pi(J),0<O||(n.setStatus?(n.setStatus("Running..."),setTimeout(function(){setTimeout(function(){n.setStatus("")},1),F()},1)):F())}}if(a(ds,"Z"),n.run=ds,n.preInit)for(typeof n.preInit=="function"&&(n.preInit=[n.preInit]);0<n.preInit.length;)n.preInit.pop()();return ds(),t.ready})})();typeof Wa=="object"&&typeof xd=="object"?xd.exports=vd:typeof define=="function"&&define.amd?define([],function(){return vd}):typeof Wa=="object"&&(Wa.createPoly1305=vd)});var Ts=q((dj,B$)=>{"use strict";var{createCipheriv:Os,createDecipheriv:Ga,createHmac:Ed,randomFillSync:Kr,timingSafeEqual:Sd}=require("crypto"),{readUInt32BE:Bi,writeUInt32BE:rn}=Zn(),mr=Buffer[Symbol.species],T$=2**32-1,N$=Buffer.alloc(0),Ns=Buffer.alloc(4),Za=new Map,Qr=35e3,Id,jd,qd,Kd,Qd,Wd,Gd;try{Id=require("./crypto/build/Release/sshcrypto.node"),{AESGCMCipher:jd,ChaChaPolyCipher:qd,GenericCipher:Kd,AESGCMDecipher:Qd,ChaChaPolyDecipher:Wd,GenericDecipher:Gd}=Id}catch{}var Bt=1,g2=(()=>{function e(t,n,r,s,i,o,c){return{sslName:t,blockLen:n,keyLen:r,ivLen:s!==0||c&Bt?s:n,authLen:i,discardLen:o,stream:!!(c&Bt)}}return a(e,"info"),{"chacha20-poly1305@openssh.com":e("chacha20",8,64,0,16,0,Bt),"aes128-gcm":e("aes-128-gcm",16,16,12,16,0,Bt),"aes256-gcm":e("aes-256-gcm",16,32,12,16,0,Bt),"aes128-gcm@openssh.com":e("aes-128-gcm",16,16,12,16,0,Bt),"aes256-gcm@openssh.com":e("aes-256-gcm",16,32,12,16,0,Bt),"aes128-cbc":e("aes-128-cbc",16,16,0,0,0,0),"aes192-cbc":e("aes-192-cbc",16,24,0,0,0,0),"aes256-cbc":e("aes-256-cbc",16,32,0,0,0,0),"rijndael-cbc@lysator.liu.se":e("aes-256-cbc",16,32,0,0,0,0),"3des-cbc":e("des-ede3-cbc",8,24,0,0,0,0),"blowfish-cbc":e("bf-cbc",8,16,0,0,0,0),"idea-cbc":e("idea-cbc",8,16,0,0,0,0),"cast128-cbc":e("cast-cbc",8,16,0,0,0,0),"aes128-ctr":e("aes-128-ctr",16,16,16,0,0,Bt),"aes192-ctr":e("aes-192-ctr",16,24,16,0,0,Bt),"aes256-ctr":e("aes-256-ctr",16,32,16,0,0,Bt),"3des-ctr":e("des-ede3",8,24,8,0,0,Bt),"blowfish-ctr":e("bf-ecb",8,16,8,0,0,Bt),"cast128-ctr":e("cast5-ecb",8,16,8,0,0,Bt),arcfour:e("rc4",8,16,0,0,1536,Bt),arcfour128:e("rc4",8,16,0,0,1536,Bt),arcfour256:e("rc4",8,32,0,0,1536,Bt),arcfour512:e("rc4",8,64,0,0,1536,Bt)}})(),$2=(()=>{function e(t,n,r,s){return{sslName:t,len:n,actualLen:r,isETM:s}}return a(e,"info"),{"hmac-md5":e("md5",16,16,!1),"hmac-md5-96":e("md5",16,12,!1),"hmac-ripemd160":e("ripemd160",20,20,!1),"hmac-sha1":e("sha1",20,20,!1),"hmac-sha1-etm@openssh.com":e("sha1",20,20,!0),"hmac-sha1-96":e("sha1",20,12,!1),"hmac-sha2-256":e("sha256",32,32,!1),"hmac-sha2-256-etm@openssh.com":e("sha256",32,32,!0),"hmac-sha2-256-96":e("sha256",32,12,!1),"hmac-sha2-512":e("sha512",64,64,!1),"hmac-sha2-512-etm@openssh.com":e("sha512",64,64,!0),"hmac-sha2-512-96":e("sha512",64,12,!1)}})(),Cd=class{static{a(this,"NullCipher")}constructor(t,n){this.outSeqno=t,this._onWrite=n,this._dead=!1}free(){this._dead=!0}allocPacket(t){let n=5+t,r=8-(n&7);r<4&&(r+=8),n+=r;let s=Buffer.allocUnsafe(n);return rn(s,n-4,0),s[4]=r,Kr(s,5+t,r),s}encrypt(t){this._dead||(this._onWrite(t),this.outSeqno=this.outSeqno+1>>>0)}},O$=Buffer.alloc(32),Wt=Buffer.alloc(16),Ri,Li,Zd,Pd=class{static{a(this,"ChaChaPolyCipherNative")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._encKeyMain=n.cipherKey.slice(0,32),this._encKeyPktLen=n.cipherKey.slice(32),this._dead=!1}free(){this._dead=!0}allocPacket(t){let n=5+t,r=8-(n-4&7);r<4&&(r+=8),n+=r;let s=Buffer.allocUnsafe(n);return rn(s,n-4,0),s[4]=r,Kr(s,5+t,r),s}encrypt(t){if(this._dead)return;Wt[0]=0,rn(Wt,this.outSeqno,12);let n=Os("chacha20",this._encKeyMain,Wt).update(O$),r=Os("chacha20",this._encKeyPktLen,Wt).update(t.slice(0,4));this._onWrite(r),Wt[0]=1;let s=Os("chacha20",this._encKeyMain,Wt).update(t.slice(4));this._onWrite(s),Zd(Li,r,r.length,s,s.length,n);let i=Buffer.allocUnsafe(16);i.set(new Uint8Array(Ri.HEAPU8.buffer,Li,16),0),this._onWrite(i),this.outSeqno=this.outSeqno+1>>>0}},Td=class{static{a(this,"ChaChaPolyCipherBinding")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._instance=new qd(n.cipherKey),this._dead=!1}free(){this._dead=!0,this._instance.free()}allocPacket(t){let n=5+t,r=8-(n-4&7);r<4&&(r+=8),n+=r;let s=Buffer.allocUnsafe(n+16);return rn(s,n-4,0),s[4]=r,Kr(s,5+t,r),s}encrypt(t){this._dead||(this._instance.encrypt(t,this.outSeqno),this._onWrite(t),this.outSeqno=this.outSeqno+1>>>0)}},Nd=class{static{a(this,"AESGCMCipherNative")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._encSSLName=n.cipherInfo.sslName,this._encKey=n.cipherKey,this._encIV=n.cipherIV,this._dead=!1}free(){this._dead=!0}allocPacket(t){let n=5+t,r=16-(n-4&15);r<4&&(r+=16),n+=r;let s=Buffer.allocUnsafe(n);return rn(s,n-4,0),s[4]=r,Kr(s,5+t,r),s}encrypt(t){if(this._dead)return;let n=Os(this._encSSLName,this._encKey,this._encIV);n.setAutoPadding(!1);let r=t.slice(0,4);n.setAAD(r),this._onWrite(r);let s=n.update(t.slice(4));this._onWrite(s);let i=n.final();i.length&&this._onWrite(i);let o=n.getAuthTag();this._onWrite(o),R$(this._encIV),this.outSeqno=this.outSeqno+1>>>0}},Od=class{static{a(this,"AESGCMCipherBinding")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._instance=new jd(n.cipherInfo.sslName,n.cipherKey,n.cipherIV),this._dead=!1}free(){this._dead=!0,this._instance.free()}allocPacket(t){let n=5+t,r=16-(n-4&15);r<4&&(r+=16),n+=r;let s=Buffer.allocUnsafe(n+16);return rn(s,n-4,0),s[4]=r,Kr(s,5+t,r),s}encrypt(t){this._dead||(this._instance.encrypt(t),this._onWrite(t),this.outSeqno=this.outSeqno+1>>>0)}},Rd=class{static{a(this,"GenericCipherNative")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._encBlockLen=n.cipherInfo.blockLen,this._cipherInstance=Os(n.cipherInfo.sslName,n.cipherKey,n.cipherIV),this._macSSLName=n.macInfo.sslName,this._macKey=n.macKey,this._macActualLen=n.macInfo.actualLen,this._macETM=n.macInfo.isETM,this._aadLen=this._macETM?4:0,this._dead=!1;let r=n.cipherInfo.discardLen;if(r){let s=Za.get(r);s===void 0&&(s=Buffer.alloc(r),Za.set(r,s)),this._cipherInstance.update(s)}}free(){this._dead=!0}allocPacket(t){let n=this._encBlockLen,r=5+t,s=n-(r-this._aadLen&n-1);s<4&&(s+=n),r+=s;let i=Buffer.allocUnsafe(r);return rn(i,r-4,0),i[4]=s,Kr(i,5+t,s),i}encrypt(t){if(this._dead)return;let n;if(this._macETM){let s=new Uint8Array(t.buffer,t.byteOffset,4),i=this._cipherInstance.update(new Uint8Array(t.buffer,t.byteOffset+4,t.length-4));this._onWrite(s),this._onWrite(i),n=Ed(this._macSSLName,this._macKey),rn(Ns,this.outSeqno,0),n.update(Ns),n.update(s),n.update(i)}else{let s=this._cipherInstance.update(t);this._onWrite(s),n=Ed(this._macSSLName,this._macKey),rn(Ns,this.outSeqno,0),n.update(Ns),n.update(t)}let r=n.digest();r.length>this._macActualLen&&(r=r.slice(0,this._macActualLen)),this._onWrite(r),this.outSeqno=this.outSeqno+1>>>0}},Bd=class{static{a(this,"GenericCipherBinding")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._encBlockLen=n.cipherInfo.blockLen,this._macLen=n.macInfo.len,this._macActualLen=n.macInfo.actualLen,this._aadLen=n.macInfo.isETM?4:0,this._instance=new Kd(n.cipherInfo.sslName,n.cipherKey,n.cipherIV,n.macInfo.sslName,n.macKey,n.macInfo.isETM),this._dead=!1}free(){this._dead=!0,this._instance.free()}allocPacket(t){let n=this._encBlockLen,r=5+t,s=n-(r-this._aadLen&n-1);s<4&&(s+=n),r+=s;let i=Buffer.allocUnsafe(r+this._macLen);return rn(i,r-4,0),i[4]=s,Kr(i,5+t,s),i}encrypt(t){this._dead||(this._instance.encrypt(t,this.outSeqno),this._macActualLen<this._macLen&&(t=new mr(t.buffer,t.byteOffset,t.length-(this._macLen-this._macActualLen))),this._onWrite(t),this.outSeqno=this.outSeqno+1>>>0)}},Ld=class{static{a(this,"NullDecipher")}constructor(t,n){this.inSeqno=t,this._onPayload=n,this._len=0,this._lenBytes=0,this._packet=null,this._packetPos=0}free(){}decrypt(t,n,r){for(;n<r;){if(this._lenBytes<4){let i=Math.min(4-this._lenBytes,r-n);for(this._lenBytes+=i;i--;)this._len=(this._len<<8)+t[n++];if(this._lenBytes<4)return;if(this._len>Qr||this._len<8||(4+this._len&7)!==0)throw new Error("Bad packet length");if(n>=r)return}if(this._packetPos<this._len){let i=Math.min(this._len-this._packetPos,r-n),o;if(n!==0||i!==r?o=new Uint8Array(t.buffer,t.byteOffset+n,i):o=t,i===this._len?this._packet=o:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(o,this._packetPos)),n+=i,this._packetPos+=i,this._packetPos<this._len)return}let s=this._packet?new mr(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1):N$;this.inSeqno=this.inSeqno+1>>>0,this._len=0,this._lenBytes=0,this._packet=null,this._packetPos=0;{let i=this._onPayload(s);if(i!==void 0)return i===!1?n:i}}}},Dd=class{static{a(this,"ChaChaPolyDecipherNative")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._decKeyMain=n.decipherKey.slice(0,32),this._decKeyPktLen=n.decipherKey.slice(32),this._len=0,this._lenBuf=Buffer.alloc(4),this._lenPos=0,this._packet=null,this._pktLen=0,this._mac=Buffer.allocUnsafe(16),this._calcMac=Buffer.allocUnsafe(16),this._macPos=0}free(){}decrypt(t,n,r){for(;n<r;){if(this._lenPos<4){let c=Math.min(4-this._lenPos,r-n);for(;c--;)this._lenBuf[this._lenPos++]=t[n++];if(this._lenPos<4)return;Wt[0]=0,rn(Wt,this.inSeqno,12);let l=Ga("chacha20",this._decKeyPktLen,Wt).update(this._lenBuf);if(this._len=Bi(l,0),this._len>Qr||this._len<8||(this._len&7)!==0)throw new Error("Bad packet length")}if(this._pktLen<this._len){if(n>=r)return;let c=Math.min(this._len-this._pktLen,r-n),l;if(n!==0||c!==r?l=new Uint8Array(t.buffer,t.byteOffset+n,c):l=t,c===this._len?this._packet=l:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(l,this._pktLen)),n+=c,this._pktLen+=c,this._pktLen<this._len||n>=r)return}{let c=Math.min(16-this._macPos,r-n);if(n!==0||c!==r?this._mac.set(new Uint8Array(t.buffer,t.byteOffset+n,c),this._macPos):this._mac.set(t,this._macPos),n+=c,this._macPos+=c,this._macPos<16)return}Wt[0]=0,rn(Wt,this.inSeqno,12);let s=Os("chacha20",this._decKeyMain,Wt).update(O$);if(Zd(Li,this._lenBuf,4,this._packet,this._packet.length,s),this._calcMac.set(new Uint8Array(Ri.HEAPU8.buffer,Li,16),0),!Sd(this._calcMac,this._mac))throw new Error("Invalid MAC");Wt[0]=1;let i=Ga("chacha20",this._decKeyMain,Wt).update(this._packet),o=new mr(i.buffer,i.byteOffset+1,i.length-i[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._len=0,this._lenPos=0,this._packet=null,this._pktLen=0,this._macPos=0;{let c=this._onPayload(o);if(c!==void 0)return c===!1?n:c}}}},Ud=class{static{a(this,"ChaChaPolyDecipherBinding")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._instance=new Wd(n.decipherKey),this._len=0,this._lenBuf=Buffer.alloc(4),this._lenPos=0,this._packet=null,this._pktLen=0,this._mac=Buffer.allocUnsafe(16),this._macPos=0}free(){this._instance.free()}decrypt(t,n,r){for(;n<r;){if(this._lenPos<4){let i=Math.min(4-this._lenPos,r-n);for(;i--;)this._lenBuf[this._lenPos++]=t[n++];if(this._lenPos<4)return;if(this._len=this._instance.decryptLen(this._lenBuf,this.inSeqno),this._len>Qr||this._len<8||(this._len&7)!==0)throw new Error("Bad packet length");if(n>=r)return}if(this._pktLen<this._len){let i=Math.min(this._len-this._pktLen,r-n),o;if(n!==0||i!==r?o=new Uint8Array(t.buffer,t.byteOffset+n,i):o=t,i===this._len?this._packet=o:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(o,this._pktLen)),n+=i,this._pktLen+=i,this._pktLen<this._len||n>=r)return}{let i=Math.min(16-this._macPos,r-n);if(n!==0||i!==r?this._mac.set(new Uint8Array(t.buffer,t.byteOffset+n,i),this._macPos):this._mac.set(t,this._macPos),n+=i,this._macPos+=i,this._macPos<16)return}this._instance.decrypt(this._packet,this._mac,this.inSeqno);let s=new mr(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._len=0,this._lenPos=0,this._packet=null,this._pktLen=0,this._macPos=0;{let i=this._onPayload(s);if(i!==void 0)return i===!1?n:i}}}},Fd=class{static{a(this,"AESGCMDecipherNative")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._decipherInstance=null,this._decipherSSLName=n.decipherInfo.sslName,this._decipherKey=n.decipherKey,this._decipherIV=n.decipherIV,this._len=0,this._lenBytes=0,this._packet=null,this._packetPos=0,this._pktLen=0,this._tag=Buffer.allocUnsafe(16),this._tagPos=0}free(){}decrypt(t,n,r){for(;n<r;){if(this._lenBytes<4){let i=Math.min(4-this._lenBytes,r-n);for(this._lenBytes+=i;i--;)this._len=(this._len<<8)+t[n++];if(this._lenBytes<4)return;if(this._len+20>Qr||this._len<16||(this._len&15)!==0)throw new Error("Bad packet length");this._decipherInstance=Ga(this._decipherSSLName,this._decipherKey,this._decipherIV),this._decipherInstance.setAutoPadding(!1),this._decipherInstance.setAAD(y2(this._len))}if(this._pktLen<this._len){if(n>=r)return;let i=Math.min(this._len-this._pktLen,r-n),o;if(n!==0||i!==r?o=this._decipherInstance.update(new Uint8Array(t.buffer,t.byteOffset+n,i)):o=this._decipherInstance.update(t),o.length&&(i===this._len?this._packet=o:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(o,this._packetPos)),this._packetPos+=o.length),n+=i,this._pktLen+=i,this._pktLen<this._len||n>=r)return}{let i=Math.min(16-this._tagPos,r-n);if(n!==0||i!==r?this._tag.set(new Uint8Array(t.buffer,t.byteOffset+n,i),this._tagPos):this._tag.set(t,this._tagPos),n+=i,this._tagPos+=i,this._tagPos<16)return}{this._decipherInstance.setAuthTag(this._tag);let i=this._decipherInstance.final();i.length&&(this._packet?this._packet.set(i,this._packetPos):this._packet=i)}let s=this._packet?new mr(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1):N$;this.inSeqno=this.inSeqno+1>>>0,R$(this._decipherIV),this._len=0,this._lenBytes=0,this._packet=null,this._packetPos=0,this._pktLen=0,this._tagPos=0;{let i=this._onPayload(s);if(i!==void 0)return i===!1?n:i}}}},Md=class{static{a(this,"AESGCMDecipherBinding")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._instance=new Qd(n.decipherInfo.sslName,n.decipherKey,n.decipherIV),this._len=0,this._lenBytes=0,this._packet=null,this._pktLen=0,this._tag=Buffer.allocUnsafe(16),this._tagPos=0}free(){}decrypt(t,n,r){for(;n<r;){if(this._lenBytes<4){let i=Math.min(4-this._lenBytes,r-n);for(this._lenBytes+=i;i--;)this._len=(this._len<<8)+t[n++];if(this._lenBytes<4)return;if(this._len+20>Qr||this._len<16||(this._len&15)!==0)throw new Error(`Bad packet length: ${this._len}`)}if(this._pktLen<this._len){if(n>=r)return;let i=Math.min(this._len-this._pktLen,r-n),o;if(n!==0||i!==r?o=new Uint8Array(t.buffer,t.byteOffset+n,i):o=t,i===this._len?this._packet=o:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(o,this._pktLen)),n+=i,this._pktLen+=i,this._pktLen<this._len||n>=r)return}{let i=Math.min(16-this._tagPos,r-n);if(n!==0||i!==r?this._tag.set(new Uint8Array(t.buffer,t.byteOffset+n,i),this._tagPos):this._tag.set(t,this._tagPos),n+=i,this._tagPos+=i,this._tagPos<16)return}this._instance.decrypt(this._packet,this._len,this._tag);let s=new mr(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._len=0,this._lenBytes=0,this._packet=null,this._pktLen=0,this._tagPos=0;{let i=this._onPayload(s);if(i!==void 0)return i===!1?n:i}}}},Hd=class{static{a(this,"GenericDecipherNative")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._decipherInstance=Ga(n.decipherInfo.sslName,n.decipherKey,n.decipherIV),this._decipherInstance.setAutoPadding(!1),this._block=Buffer.allocUnsafe(n.macInfo.isETM?4:n.decipherInfo.blockLen),this._blockSize=n.decipherInfo.blockLen,this._blockPos=0,this._len=0,this._packet=null,this._packetPos=0,this._pktLen=0,this._mac=Buffer.allocUnsafe(n.macInfo.actualLen),this._macPos=0,this._macSSLName=n.macInfo.sslName,this._macKey=n.macKey,this._macActualLen=n.macInfo.actualLen,this._macETM=n.macInfo.isETM,this._macInstance=null;let r=n.decipherInfo.discardLen;if(r){let s=Za.get(r);s===void 0&&(s=Buffer.alloc(r),Za.set(r,s)),this._decipherInstance.update(s)}}free(){}decrypt(t,n,r){for(;n<r;){if(this._blockPos<this._block.length){let o=Math.min(this._block.length-this._blockPos,r-n);if(n!==0||o!==r||o<t.length?this._block.set(new Uint8Array(t.buffer,t.byteOffset+n,o),this._blockPos):this._block.set(t,this._blockPos),n+=o,this._blockPos+=o,this._blockPos<this._block.length)return;let c,l;if(this._macETM?this._len=l=Bi(this._block,0):(c=this._decipherInstance.update(this._block),this._len=Bi(c,0),l=4+this._len-this._blockSize),this._len>Qr||this._len<5||(l&this._blockSize-1)!==0)throw new Error("Bad packet length");if(this._macInstance=Ed(this._macSSLName,this._macKey),rn(Ns,this.inSeqno,0),this._macInstance.update(Ns),this._macETM?this._macInstance.update(this._block):(this._macInstance.update(new Uint8Array(c.buffer,c.byteOffset,4)),this._pktLen=c.length-4,this._packetPos=this._pktLen,this._packet=Buffer.allocUnsafe(this._len),this._packet.set(new Uint8Array(c.buffer,c.byteOffset+4,this._packetPos),0)),n>=r)return}if(this._pktLen<this._len){let o=Math.min(this._len-this._pktLen,r-n),c;n!==0||o!==r?c=new Uint8Array(t.buffer,t.byteOffset+n,o):c=t,this._macETM&&this._macInstance.update(c);let l=this._decipherInstance.update(c);if(l.length&&(o===this._len?this._packet=l:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(l,this._packetPos)),this._packetPos+=l.length),n+=o,this._pktLen+=o,this._pktLen<this._len||n>=r)return}{let o=Math.min(this._macActualLen-this._macPos,r-n);if(n!==0||o!==r?this._mac.set(new Uint8Array(t.buffer,t.byteOffset+n,o),this._macPos):this._mac.set(t,this._macPos),n+=o,this._macPos+=o,this._macPos<this._macActualLen)return}this._macETM||this._macInstance.update(this._packet);let s=this._macInstance.digest();if(this._macActualLen<s.length&&(s=new Uint8Array(s.buffer,s.byteOffset,this._macActualLen)),!w2(s,this._mac))throw new Error("Invalid MAC");let i=new mr(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._blockPos=0,this._len=0,this._packet=null,this._packetPos=0,this._pktLen=0,this._macPos=0,this._macInstance=null;{let o=this._onPayload(i);if(o!==void 0)return o===!1?n:o}}}},zd=class{static{a(this,"GenericDecipherBinding")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._instance=new Gd(n.decipherInfo.sslName,n.decipherKey,n.decipherIV,n.macInfo.sslName,n.macKey,n.macInfo.isETM,n.macInfo.actualLen),this._block=Buffer.allocUnsafe(n.macInfo.isETM||n.decipherInfo.stream?4:n.decipherInfo.blockLen),this._blockPos=0,this._len=0,this._packet=null,this._pktLen=0,this._mac=Buffer.allocUnsafe(n.macInfo.actualLen),this._macPos=0,this._macActualLen=n.macInfo.actualLen,this._macETM=n.macInfo.isETM}free(){this._instance.free()}decrypt(t,n,r){for(;n<r;){if(this._blockPos<this._block.length){let i=Math.min(this._block.length-this._blockPos,r-n);if(n!==0||i!==r||i<t.length?this._block.set(new Uint8Array(t.buffer,t.byteOffset+n,i),this._blockPos):this._block.set(t,this._blockPos),n+=i,this._blockPos+=i,this._blockPos<this._block.length)return;let o;if(this._macETM?this._len=o=Bi(this._block,0):(this._instance.decryptBlock(this._block),this._len=Bi(this._block,0),o=4+this._len-this._block.length),this._len>Qr||this._len<5||(o&this._block.length-1)!==0)throw new Error("Bad packet length");if(this._macETM||(this._pktLen=this._block.length-4,this._pktLen&&(this._packet=Buffer.allocUnsafe(this._len),this._packet.set(new Uint8Array(this._block.buffer,this._block.byteOffset+4,this._pktLen),0))),n>=r)return}if(this._pktLen<this._len){let i=Math.min(this._len-this._pktLen,r-n),o;if(n!==0||i!==r?o=new Uint8Array(t.buffer,t.byteOffset+n,i):o=t,i===this._len?this._packet=o:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(o,this._pktLen)),n+=i,this._pktLen+=i,this._pktLen<this._len||n>=r)return}{let i=Math.min(this._macActualLen-this._macPos,r-n);if(n!==0||i!==r?this._mac.set(new Uint8Array(t.buffer,t.byteOffset+n,i),this._macPos):this._mac.set(t,this._macPos),n+=i,this._macPos+=i,this._macPos<this._macActualLen)return}this._instance.decrypt(this._packet,this.inSeqno,this._block,this._mac);let s=new mr(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._blockPos=0,this._len=0,this._packet=null,this._pktLen=0,this._macPos=0,this._macInstance=null;{let i=this._onPayload(s);if(i!==void 0)return i===!1?n:i}}}};function R$(e){++e[11]>>>8&&++e[10]>>>8&&++e[9]>>>8&&++e[8]>>>8&&++e[7]>>>8&&++e[6]>>>8&&++e[5]>>>8&&++e[4]>>>8}a(R$,"ivIncrement");var y2=(()=>{let e=Buffer.alloc(4);return t=>(e[0]=t>>>24,e[1]=t>>>16,e[2]=t>>>8,e[3]=t,e)})();function w2(e,t){return e.length!==t.length?(Sd(e,e),!1):Sd(e,t)}a(w2,"timingSafeEquals");function b2(e){if(typeof e!="object"||e===null)throw new Error("Invalid config");if(typeof e.outbound!="object"||e.outbound===null)throw new Error("Invalid outbound");let t=e.outbound;if(typeof t.onWrite!="function")throw new Error("Invalid outbound.onWrite");if(typeof t.cipherInfo!="object"||t.cipherInfo===null)throw new Error("Invalid outbound.cipherInfo");if(!Buffer.isBuffer(t.cipherKey)||t.cipherKey.length!==t.cipherInfo.keyLen)throw new Error("Invalid outbound.cipherKey");if(t.cipherInfo.ivLen&&(!Buffer.isBuffer(t.cipherIV)||t.cipherIV.length!==t.cipherInfo.ivLen))throw new Error("Invalid outbound.cipherIV");if(typeof t.seqno!="number"||t.seqno<0||t.seqno>T$)throw new Error("Invalid outbound.seqno");let n=!!t.forceNative;switch(t.cipherInfo.sslName){case"aes-128-gcm":case"aes-256-gcm":return jd&&!n?new Od(e):new Nd(e);case"chacha20":return qd&&!n?new Td(e):new Pd(e);default:{if(typeof t.macInfo!="object"||t.macInfo===null)throw new Error("Invalid outbound.macInfo");if(!Buffer.isBuffer(t.macKey)||t.macKey.length!==t.macInfo.len)throw new Error("Invalid outbound.macKey");return Kd&&!n?new Bd(e):new Rd(e)}}}a(b2,"createCipher");function A2(e){if(typeof e!="object"||e===null)throw new Error("Invalid config");if(typeof e.inbound!="object"||e.inbound===null)throw new Error("Invalid inbound");let t=e.inbound;if(typeof t.onPayload!="function")throw new Error("Invalid inbound.onPayload");if(typeof t.decipherInfo!="object"||t.decipherInfo===null)throw new Error("Invalid inbound.decipherInfo");if(!Buffer.isBuffer(t.decipherKey)||t.decipherKey.length!==t.decipherInfo.keyLen)throw new Error("Invalid inbound.decipherKey");if(t.decipherInfo.ivLen&&(!Buffer.isBuffer(t.decipherIV)||t.decipherIV.length!==t.decipherInfo.ivLen))throw new Error("Invalid inbound.decipherIV");if(typeof t.seqno!="number"||t.seqno<0||t.seqno>T$)throw new Error("Invalid inbound.seqno");let n=!!t.forceNative;switch(t.decipherInfo.sslName){case"aes-128-gcm":case"aes-256-gcm":return Qd&&!n?new Md(e):new Fd(e);case"chacha20":return Wd&&!n?new Ud(e):new Dd(e);default:{if(typeof t.macInfo!="object"||t.macInfo===null)throw new Error("Invalid inbound.macInfo");if(!Buffer.isBuffer(t.macKey)||t.macKey.length!==t.macInfo.len)throw new Error("Invalid inbound.macKey");return Gd&&!n?new zd(e):new Hd(e)}}}a(A2,"createDecipher");B$.exports={CIPHER_INFO:g2,MAC_INFO:$2,bindingAvailable:!!Id,init:new Promise(async(e,t)=>{try{Ri=await P$()(),Li=Ri._malloc(16),Zd=Ri.cwrap("poly1305_auth",null,["number","array","number","array","number","array"])}catch(n){return t(n)}e()}),NullCipher:Cd,createCipher:b2,NullDecipher:Ld,createDecipher:A2}});var Gr=q((pj,K$)=>{"use strict";var{createDecipheriv:Vd,createECDH:k2,createHash:Ui,createHmac:v2,createSign:x2,createVerify:E2,getCiphers:S2,sign:L$,verify:D$}=require("crypto"),I2=S2(),{Ber:ve}=Fa(),C2=g$().pbkdf,{CIPHER_INFO:Fi}=Ts(),{eddsaSupported:Xd,SUPPORTED_CIPHER:P2}=_r(),{bufferSlice:Wr,makeBufferParser:T2,readString:ke,readUInt32BE:Di,writeUInt32BE:Tt}=Zn(),Yn=Symbol("Hash Algorithm"),vn=Symbol("Private key PEM"),Ln=Symbol("Public key PEM"),gr=Symbol("Public key SSH"),Rs=Symbol("Decrypted Key"),Yd=Object.create(null);{let e=Object.keys(Fi);for(let t=0;t<e.length;++t){let n=Fi[e[t]].sslName;!n||Yd[n]||(Yd[n]=Fi[e[t]])}}var Ya=T2();function xn(e,t){t=t.base64Slice(0,t.length);let n=t.replace(/.{64}/g,`$&
`);return t.length&63&&(n+=`
`),`-----BEGIN ${e} KEY-----
${n}-----END ${e} KEY-----`}a(xn,"makePEM");function Mi(e,t){let n=Buffer.allocUnsafe(e.length+t.length);return n.set(e,0),n.set(t,e.length),n}a(Mi,"combineBuffers");function Jd(e,t){let n=e.length,r=e._pos||0;for(let s=0;s<t;++s){let i=n-r;if(r>=n||i<4)return!1;let o=Di(e,r);if(i<4+o)return!1;r+=4+o}return e._pos=r,!0}a(Jd,"skipFields");function Hi(e,t){let n=new ve.Writer;return n.startSequence(),n.startSequence(),n.writeOID("1.2.840.113549.1.1.1"),n.writeNull(),n.endSequence(),n.startSequence(ve.BitString),n.writeByte(0),n.startSequence(),n.writeBuffer(e,ve.Integer),n.writeBuffer(t,ve.Integer),n.endSequence(),n.endSequence(),n.endSequence(),xn("PUBLIC",n.buffer)}a(Hi,"genOpenSSLRSAPub");function zi(e,t){let n=Buffer.allocUnsafe(15+t.length+4+e.length);Tt(n,7,0),n.utf8Write("ssh-rsa",4,7);let r=11;return Tt(n,t.length,r),n.set(t,r+=4),Tt(n,e.length,r+=t.length),n.set(e,r+4),n}a(zi,"genOpenSSHRSAPub");var U$=(()=>{function e(r,s,i,o,c,l,u,d){let f=new ve.Writer;return f.startSequence(),f.writeInt(0,ve.Integer),f.writeBuffer(r,ve.Integer),f.writeBuffer(s,ve.Integer),f.writeBuffer(i,ve.Integer),f.writeBuffer(o,ve.Integer),f.writeBuffer(c,ve.Integer),f.writeBuffer(l,ve.Integer),f.writeBuffer(u,ve.Integer),f.writeBuffer(d,ve.Integer),f.endSequence(),f.buffer}a(e,"genRSAASN1Buf");function t(r){return BigInt(`0x${r.hexSlice(0,r.length)}`)}a(t,"bigIntFromBuffer");function n(r){let s=r.toString(16);if((s.length&1)!==0)s=`0${s}`;else{let i=s.charCodeAt(0);(i===56||i===57||i>=97&&i<=102)&&(s=`00${s}`)}return Buffer.from(s,"hex")}return a(n,"bigIntToBuffer"),a(function(s,i,o,c,l,u){let d=t(o),f=n(d%(t(l)-1n)),p=n(d%(t(u)-1n));return xn("RSA PRIVATE",e(s,i,o,l,u,f,p,c))},"genOpenSSLRSAPriv")})();function ji(e,t,n,r){let s=new ve.Writer;return s.startSequence(),s.startSequence(),s.writeOID("1.2.840.10040.4.1"),s.startSequence(),s.writeBuffer(e,ve.Integer),s.writeBuffer(t,ve.Integer),s.writeBuffer(n,ve.Integer),s.endSequence(),s.endSequence(),s.startSequence(ve.BitString),s.writeByte(0),s.writeBuffer(r,ve.Integer),s.endSequence(),s.endSequence(),xn("PUBLIC",s.buffer)}a(ji,"genOpenSSLDSAPub");function qi(e,t,n,r){let s=Buffer.allocUnsafe(15+e.length+4+t.length+4+n.length+4+r.length);Tt(s,7,0),s.utf8Write("ssh-dss",4,7);let i=11;return Tt(s,e.length,i),s.set(e,i+=4),Tt(s,t.length,i+=e.length),s.set(t,i+=4),Tt(s,n.length,i+=t.length),s.set(n,i+=4),Tt(s,r.length,i+=n.length),s.set(r,i+4),s}a(qi,"genOpenSSHDSAPub");function F$(e,t,n,r,s){let i=new ve.Writer;return i.startSequence(),i.writeInt(0,ve.Integer),i.writeBuffer(e,ve.Integer),i.writeBuffer(t,ve.Integer),i.writeBuffer(n,ve.Integer),i.writeBuffer(r,ve.Integer),i.writeBuffer(s,ve.Integer),i.endSequence(),xn("DSA PRIVATE",i.buffer)}a(F$,"genOpenSSLDSAPriv");function M$(e){let t=new ve.Writer;return t.startSequence(),t.startSequence(),t.writeOID("1.3.101.112"),t.endSequence(),t.startSequence(ve.BitString),t.writeByte(0),t._ensure(e.length),t._buf.set(e,t._offset),t._offset+=e.length,t.endSequence(),t.endSequence(),xn("PUBLIC",t.buffer)}a(M$,"genOpenSSLEdPub");function H$(e){let t=Buffer.allocUnsafe(19+e.length);return Tt(t,11,0),t.utf8Write("ssh-ed25519",4,11),Tt(t,e.length,15),t.set(e,19),t}a(H$,"genOpenSSHEdPub");function N2(e){let t=new ve.Writer;return t.startSequence(),t.writeInt(0,ve.Integer),t.startSequence(),t.writeOID("1.3.101.112"),t.endSequence(),t.startSequence(ve.OctetString),t.writeBuffer(e,ve.OctetString),t.endSequence(),t.endSequence(),xn("PRIVATE",t.buffer)}a(N2,"genOpenSSLEdPriv");function ef(e,t){let n=new ve.Writer;return n.startSequence(),n.startSequence(),n.writeOID("1.2.840.10045.2.1"),n.writeOID(e),n.endSequence(),n.startSequence(ve.BitString),n.writeByte(0),n._ensure(t.length),n._buf.set(t,n._offset),n._offset+=t.length,n.endSequence(),n.endSequence(),xn("PUBLIC",n.buffer)}a(ef,"genOpenSSLECDSAPub");function tf(e,t){let n;switch(e){case"1.2.840.10045.3.1.7":n="nistp256";break;case"1.3.132.0.34":n="nistp384";break;case"1.3.132.0.35":n="nistp521";break;default:return}let r=Buffer.allocUnsafe(39+t.length);return Tt(r,19,0),r.utf8Write(`ecdsa-sha2-${n}`,4,19),Tt(r,8,23),r.utf8Write(n,27,8),Tt(r,t.length,35),r.set(t,39),r}a(tf,"genOpenSSHECDSAPub");function O2(e,t,n){let r=new ve.Writer;return r.startSequence(),r.writeInt(1,ve.Integer),r.writeBuffer(n,ve.OctetString),r.startSequence(160),r.writeOID(e),r.endSequence(),r.startSequence(161),r.startSequence(ve.BitString),r.writeByte(0),r._ensure(t.length),r._buf.set(t,r._offset),r._offset+=t.length,r.endSequence(),r.endSequence(),r.endSequence(),xn("EC PRIVATE",r.buffer)}a(O2,"genOpenSSLECDSAPriv");function R2(e,t){let n=k2(e);return n.setPrivateKey(t),n.getPublicKey()}a(R2,"genOpenSSLECDSAPubFromPriv");var Ki={sign:a(typeof L$=="function"?function(t,n){let r=this[vn];if(r===null)return new Error("No private key available");(!n||typeof n!="string")&&(n=this[Yn]);try{return L$(n,t,r)}catch(s){return s}}:function(t,n){let r=this[vn];if(r===null)return new Error("No private key available");(!n||typeof n!="string")&&(n=this[Yn]);let s=x2(n);s.update(t);try{return s.sign(r)}catch(i){return i}},"sign"),verify:a(typeof D$=="function"?function(t,n,r){let s=this[Ln];if(s===null)return new Error("No public key available");(!r||typeof r!="string")&&(r=this[Yn]);try{return D$(r,t,s,n)}catch(i){return i}}:function(t,n,r){let s=this[Ln];if(s===null)return new Error("No public key available");(!r||typeof r!="string")&&(r=this[Yn]);let i=E2(r);i.update(t);try{return i.verify(s,n)}catch(o){return o}},"verify"),isPrivateKey:a(function(){return this[vn]!==null},"isPrivateKey"),getPrivatePEM:a(function(){return this[vn]},"getPrivatePEM"),getPublicPEM:a(function(){return this[Ln]},"getPublicPEM"),getPublicSSH:a(function(){return this[gr]},"getPublicSSH"),equals:a(function(t){let n=q$(t);return n instanceof Error?!1:this.type===n.type&&this[vn]===n[vn]&&this[Ln]===n[Ln]&&this[gr].equals(n[gr])},"equals")};function Va(e,t,n,r,s,i,o){this.type=e,this.comment=t,this[vn]=n,this[Ln]=r,this[gr]=s,this[Yn]=i,this[Rs]=o}a(Va,"OpenSSH_Private");Va.prototype=Ki;{let t=function(n,r,s){let i=[];if(n.length<8)return new Error("Malformed OpenSSH private key");let o=Di(n,0),c=Di(n,4);if(o!==c)return s?new Error("OpenSSH key integrity check failed -- bad passphrase?"):new Error("OpenSSH key integrity check failed");n._pos=8;let l,u;for(l=0;l<r;++l){let f,p,_,$,g=ke(n,n._pos,!0);if(g===void 0)return new Error("Malformed OpenSSH private key");switch(g){case"ssh-rsa":{let k=ke(n,n._pos);if(k===void 0)return new Error("Malformed OpenSSH private key");let x=ke(n,n._pos);if(x===void 0)return new Error("Malformed OpenSSH private key");let T=ke(n,n._pos);if(T===void 0)return new Error("Malformed OpenSSH private key");let E=ke(n,n._pos);if(E===void 0)return new Error("Malformed OpenSSH private key");let L=ke(n,n._pos);if(L===void 0)return new Error("Malformed OpenSSH private key");let j=ke(n,n._pos);if(j===void 0)return new Error("Malformed OpenSSH private key");_=Hi(k,x),$=zi(k,x),p=U$(k,x,T,E,L,j),f="sha1";break}case"ssh-dss":{let k=ke(n,n._pos);if(k===void 0)return new Error("Malformed OpenSSH private key");let x=ke(n,n._pos);if(x===void 0)return new Error("Malformed OpenSSH private key");let T=ke(n,n._pos);if(T===void 0)return new Error("Malformed OpenSSH private key");let E=ke(n,n._pos);if(E===void 0)return new Error("Malformed OpenSSH private key");let L=ke(n,n._pos);if(L===void 0)return new Error("Malformed OpenSSH private key");_=ji(k,x,T,E),$=qi(k,x,T,E),p=F$(k,x,T,E,L),f="sha1";break}case"ssh-ed25519":{if(!Xd)return new Error(`Unsupported OpenSSH private key type: ${g}`);let k=ke(n,n._pos);if(k===void 0||k.length!==32)return new Error("Malformed OpenSSH private key");let x=ke(n,n._pos);if(x===void 0||x.length!==64)return new Error("Malformed OpenSSH private key");_=M$(k),$=H$(k),p=N2(Wr(x,0,32)),f=null;break}case"ecdsa-sha2-nistp256":f="sha256",u="1.2.840.10045.3.1.7";case"ecdsa-sha2-nistp384":f===void 0&&(f="sha384",u="1.3.132.0.34");case"ecdsa-sha2-nistp521":{if(f===void 0&&(f="sha512",u="1.3.132.0.35"),!Jd(n,1))return new Error("Malformed OpenSSH private key");let k=ke(n,n._pos);if(k===void 0)return new Error("Malformed OpenSSH private key");let x=ke(n,n._pos);if(x===void 0)return new Error("Malformed OpenSSH private key");_=ef(u,k),$=tf(u,k),p=O2(u,k,x);break}default:return new Error(`Unsupported OpenSSH private key type: ${g}`)}let y=ke(n,n._pos,!0);if(y===void 0)return new Error("Malformed OpenSSH private key");i.push(new Va(g,y,p,_,$,f,s))}let d=0;for(l=n._pos;l<n.length;++l)if(n[l]!==++d%255)return new Error("Malformed OpenSSH private key");return i};a(t,"parseOpenSSHPrivKeys");let e=/^-----BEGIN OPENSSH PRIVATE KEY-----(?:\r\n|\n)([\s\S]+)(?:\r\n|\n)-----END OPENSSH PRIVATE KEY-----$/;Va.parse=(n,r)=>{let s=e.exec(n);if(s===null)return null;let i,o=Buffer.from(s[1],"base64");if(o.length<31)return new Error("Malformed OpenSSH private key");let c=o.utf8Slice(0,15);if(c!=="openssh-key-v1\0")return new Error(`Unsupported OpenSSH key magic: ${c}`);let l=ke(o,15,!0);if(l===void 0)return new Error("Malformed OpenSSH private key");if(l!=="none"&&P2.indexOf(l)===-1)return new Error(`Unsupported cipher for OpenSSH key: ${l}`);let u=ke(o,o._pos,!0);if(u===void 0)return new Error("Malformed OpenSSH private key");if(u!=="none"){if(l==="none")return new Error("Malformed OpenSSH private key");if(u!=="bcrypt")return new Error(`Unsupported kdf name for OpenSSH key: ${u}`);if(!r)return new Error("Encrypted private OpenSSH key detected, but no passphrase given")}else if(l!=="none")return new Error("Malformed OpenSSH private key");let d,f,p;l!=="none"&&(d=Fi[l]);let _=ke(o,o._pos);if(_===void 0)return new Error("Malformed OpenSSH private key");if(_.length)switch(u){case"none":return new Error("Malformed OpenSSH private key");case"bcrypt":{let g=ke(_,0);if(g===void 0||_._pos+4>_.length)return new Error("Malformed OpenSSH private key");let y=Di(_,_._pos),k=Buffer.allocUnsafe(d.keyLen+d.ivLen);if(C2(r,r.length,g,g.length,k,k.length,y)!==0)return new Error("Failed to generate information to decrypt key");f=Wr(k,0,d.keyLen),p=Wr(k,d.keyLen,k.length);break}}else if(u!=="none")return new Error("Malformed OpenSSH private key");if(o._pos+3>=o.length)return new Error("Malformed OpenSSH private key");let $=Di(o,o._pos);if(o._pos+=4,$>0){for(let y=0;y<$;++y){let k=ke(o,o._pos);if(k===void 0)return new Error("Malformed OpenSSH private key");if(ke(k,0,!0)===void 0)return new Error("Malformed OpenSSH private key")}let g=ke(o,o._pos);if(g===void 0)return new Error("Malformed OpenSSH private key");if(f!==void 0){if(g.length<d.blockLen||g.length%d.blockLen!==0)return new Error("Malformed OpenSSH private key");try{let y={authTagLength:d.authLen},k=Vd(d.sslName,f,p,y);if(k.setAutoPadding(!1),d.authLen>0){if(o.length-o._pos<d.authLen)return new Error("Malformed OpenSSH private key");k.setAuthTag(Wr(o,o._pos,o._pos+=d.authLen))}g=Mi(k.update(g),k.final())}catch(y){return y}}if(o._pos!==o.length)return new Error("Malformed OpenSSH private key");i=t(g,$,f!==void 0)}else i=[];return i instanceof Error?i:i[0]}}function Xa(e,t,n,r,s,i,o){this.type=e,this.comment=t,this[vn]=n,this[Ln]=r,this[gr]=s,this[Yn]=i,this[Rs]=o}a(Xa,"OpenSSH_Old_Private");Xa.prototype=Ki;{let e=/^-----BEGIN (RSA|DSA|EC) PRIVATE KEY-----(?:\r\n|\n)((?:[^:]+:\s*[\S].*(?:\r\n|\n))*)([\s\S]+)(?:\r\n|\n)-----END (RSA|DSA|EC) PRIVATE KEY-----$/;Xa.parse=(t,n)=>{let r=e.exec(t);if(r===null)return null;let s=Buffer.from(r[3],"base64"),i=r[2],o=!1;if(i!==void 0){i=i.split(/\r\n|\n/g);for(let $=0;$<i.length;++$){let g=i[$],y=g.indexOf(":");if(g.slice(0,y)==="DEK-Info"){let k=g.slice(y+2);if(y=k.indexOf(","),y===-1)continue;let x=k.slice(0,y).toLowerCase();if(I2.indexOf(x)===-1)return new Error(`Cipher (${x}) not supported for encrypted OpenSSH private key`);let T=Yd[x];if(!T)return new Error(`Cipher (${x}) not supported for encrypted OpenSSH private key`);let E=Buffer.from(k.slice(y+1),"hex");if(E.length!==T.ivLen)return new Error("Malformed encrypted OpenSSH private key");if(!n)return new Error("Encrypted OpenSSH private key detected, but no passphrase given");let L=Wr(E,0,8),j=Ui("md5").update(n).update(L).digest();for(;j.length<T.keyLen;)j=Mi(j,Ui("md5").update(j).update(n).update(L).digest());j.length>T.keyLen&&(j=Wr(j,0,T.keyLen));try{let ee=Vd(x,j,E);ee.setAutoPadding(!1),s=Mi(ee.update(s),ee.final()),o=!0}catch(ee){return ee}}}}let c,l,u,d,f,p,_="Malformed OpenSSH private key";switch(o&&(_+=". Bad passphrase?"),r[1]){case"RSA":c="ssh-rsa",l=xn("RSA PRIVATE",s);try{p=new ve.Reader(s),p.readSequence(),p.readInt();let $=p.readString(ve.Integer,!0);if($===null)return new Error(_);let g=p.readString(ve.Integer,!0);if(g===null)return new Error(_);u=Hi($,g),d=zi($,g)}catch{return new Error(_)}f="sha1";break;case"DSA":c="ssh-dss",l=xn("DSA PRIVATE",s);try{p=new ve.Reader(s),p.readSequence(),p.readInt();let $=p.readString(ve.Integer,!0);if($===null)return new Error(_);let g=p.readString(ve.Integer,!0);if(g===null)return new Error(_);let y=p.readString(ve.Integer,!0);if(y===null)return new Error(_);let k=p.readString(ve.Integer,!0);if(k===null)return new Error(_);u=ji($,g,y,k),d=qi($,g,y,k)}catch{return new Error(_)}f="sha1";break;case"EC":{let $,g,y;try{p=new ve.Reader(s),p.readSequence(),p.readInt(),g=p.readString(ve.OctetString,!0),p.readByte();let x=p.readLength();if(x!==null){if(p._offset=x,y=p.readOID(),y===null)return new Error(_);switch(y){case"1.2.840.10045.3.1.7":$="prime256v1",c="ecdsa-sha2-nistp256",f="sha256";break;case"1.3.132.0.34":$="secp384r1",c="ecdsa-sha2-nistp384",f="sha384";break;case"1.3.132.0.35":$="secp521r1",c="ecdsa-sha2-nistp521",f="sha512";break;default:return new Error(`Unsupported private key EC OID: ${y}`)}}else return new Error(_)}catch{return new Error(_)}l=xn("EC PRIVATE",s);let k=R2($,g);u=ef(y,k),d=tf(y,k);break}}return new Xa(c,"",l,u,d,f,o)}}function Ja(e,t,n,r,s,i,o){this.type=e,this.comment=t,this[vn]=n,this[Ln]=r,this[gr]=s,this[Yn]=i,this[Rs]=o}a(Ja,"PPK_Private");Ja.prototype=Ki;{let e=Buffer.alloc(0),t=Buffer.from([0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]),n=Buffer.from([0,0,0,0]),r=Buffer.from([0,0,0,1]),s=/^PuTTY-User-Key-File-2: (ssh-(?:rsa|dss))\r?\nEncryption: (aes256-cbc|none)\r?\nComment: ([^\r\n]*)\r?\nPublic-Lines: \d+\r?\n([\s\S]+?)\r?\nPrivate-Lines: \d+\r?\n([\s\S]+?)\r?\nPrivate-MAC: ([^\r\n]+)/;Ja.parse=(i,o)=>{let c=s.exec(i);if(c===null)return null;let l=c[2],u=l!=="none";if(u&&!o)return new Error("Encrypted PPK private key detected, but no passphrase given");let d=Buffer.from(c[5],"base64");if(u){let Q=Fi[l],Z=Mi(Ui("sha1").update(n).update(o).digest(),Ui("sha1").update(r).update(o).digest());Z.length>Q.keyLen&&(Z=Wr(Z,0,Q.keyLen));try{let X=Vd(Q.sslName,Z,t);X.setAutoPadding(!1),d=Mi(X.update(d),X.final())}catch(X){return X}}let f=c[1],p=c[3],_=Buffer.from(c[4],"base64"),$=c[6],g=f.length,y=l.length,k=Buffer.byteLength(p),x=_.length,T=d.length,E=Buffer.allocUnsafe(4+g+4+y+4+k+4+x+4+T),L=0;if(Tt(E,g,L),E.utf8Write(f,L+=4,g),Tt(E,y,L+=g),E.utf8Write(l,L+=4,y),Tt(E,k,L+=y),E.utf8Write(p,L+=4,k),Tt(E,x,L+=k),E.set(_,L+=4),Tt(E,T,L+=x),E.set(d,L+4),o||(o=e),v2("sha1",Ui("sha1").update("putty-private-key-file-mac-key").update(o).digest()).update(E).digest("hex")!==$)return u?new Error("PPK private key integrity check failed -- bad passphrase?"):new Error("PPK private key integrity check failed");let ee,P,G;switch(_._pos=0,Jd(_,1),f){case"ssh-rsa":{let Q=ke(_,_._pos);if(Q===void 0)return new Error("Malformed PPK public key");let Z=ke(_,_._pos);if(Z===void 0)return new Error("Malformed PPK public key");let X=ke(d,0);if(X===void 0)return new Error("Malformed PPK private key");let he=ke(d,d._pos);if(he===void 0)return new Error("Malformed PPK private key");let J=ke(d,d._pos);if(J===void 0)return new Error("Malformed PPK private key");let oe=ke(d,d._pos);if(oe===void 0)return new Error("Malformed PPK private key");ee=Hi(Z,Q),P=zi(Z,Q),G=U$(Z,Q,X,oe,he,J);break}case"ssh-dss":{let Q=ke(_,_._pos);if(Q===void 0)return new Error("Malformed PPK public key");let Z=ke(_,_._pos);if(Z===void 0)return new Error("Malformed PPK public key");let X=ke(_,_._pos);if(X===void 0)return new Error("Malformed PPK public key");let he=ke(_,_._pos);if(he===void 0)return new Error("Malformed PPK public key");let J=ke(d,0);if(J===void 0)return new Error("Malformed PPK private key");ee=ji(Q,Z,X,he),P=qi(Q,Z,X,he),G=F$(Q,Z,X,he,J);break}}return new Ja(f,p,G,ee,P,"sha1",u)}}function tc(e,t,n,r,s){this.type=e,this.comment=t,this[vn]=null,this[Ln]=n,this[gr]=r,this[Yn]=s,this[Rs]=!1}a(tc,"OpenSSH_Public");tc.prototype=Ki;{let e;Xd?e=/^(((?:ssh-(?:rsa|dss|ed25519))|ecdsa-sha2-nistp(?:256|384|521))(?:-cert-v0[01]@openssh.com)?) ([A-Z0-9a-z/+=]+)(?:$|\s+([\S].*)?)$/:e=/^(((?:ssh-(?:rsa|dss))|ecdsa-sha2-nistp(?:256|384|521))(?:-cert-v0[01]@openssh.com)?) ([A-Z0-9a-z/+=]+)(?:$|\s+([\S].*)?)$/,tc.parse=t=>{let n=e.exec(t);if(n===null)return null;let r=n[1],s=n[2],i=Buffer.from(n[3],"base64"),o=n[4]||"",c=ke(i,i._pos,!0);return c===void 0||c.indexOf(s)!==0?new Error("Malformed OpenSSH public key"):nf(i,s,o,r)}}function ec(e,t,n,r,s){this.type=e,this.comment=t,this[vn]=null,this[Ln]=n,this[gr]=r,this[Yn]=s,this[Rs]=!1}a(ec,"RFC4716_Public");ec.prototype=Ki;{let e=/^---- BEGIN SSH2 PUBLIC KEY ----(?:\r?\n)((?:.{0,72}\r?\n)+)---- END SSH2 PUBLIC KEY ----$/,t=/^[A-Z0-9a-z/+=\r\n]+$/,n=/^([\x21-\x39\x3B-\x7E]{1,64}): ((?:[^\\]*\\\r?\n)*[^\r\n]+)\r?\n/gm,r=/\\\r?\n/g;ec.parse=s=>{let i=e.exec(s);if(i===null)return null;let o=i[1],c=0,l="";for(;i=n.exec(o);){let _=i[1],$=i[2].replace(r,"");if($.length>1024)return n.lastIndex=0,new Error("Malformed RFC4716 public key");c=n.lastIndex,_.toLowerCase()==="comment"&&(l=$,l.length>1&&l.charCodeAt(0)===34&&l.charCodeAt(l.length-1)===34&&(l=l.slice(1,-1)))}let u=o.slice(c);if(!t.test(u))return new Error("Malformed RFC4716 public key");u=Buffer.from(u,"base64");let d=ke(u,0,!0);if(d===void 0)return new Error("Malformed RFC4716 public key");let f=null,p=null;switch(d){case"ssh-rsa":{let _=ke(u,u._pos);if(_===void 0)return new Error("Malformed RFC4716 public key");let $=ke(u,u._pos);if($===void 0)return new Error("Malformed RFC4716 public key");f=Hi($,_),p=zi($,_);break}case"ssh-dss":{let _=ke(u,u._pos);if(_===void 0)return new Error("Malformed RFC4716 public key");let $=ke(u,u._pos);if($===void 0)return new Error("Malformed RFC4716 public key");let g=ke(u,u._pos);if(g===void 0)return new Error("Malformed RFC4716 public key");let y=ke(u,u._pos);if(y===void 0)return new Error("Malformed RFC4716 public key");f=ji(_,$,g,y),p=qi(_,$,g,y);break}default:return new Error("Malformed RFC4716 public key")}return new ec(d,l,f,p,"sha1")}}function nf(e,t,n,r){if(!z$(t))return new Error(`Unsupported OpenSSH public key type: ${t}`);let s,i,o=null,c=null;switch(t){case"ssh-rsa":{let l=ke(e,e._pos||0);if(l===void 0)return new Error("Malformed OpenSSH public key");let u=ke(e,e._pos);if(u===void 0)return new Error("Malformed OpenSSH public key");o=Hi(u,l),c=zi(u,l),s="sha1";break}case"ssh-dss":{let l=ke(e,e._pos||0);if(l===void 0)return new Error("Malformed OpenSSH public key");let u=ke(e,e._pos);if(u===void 0)return new Error("Malformed OpenSSH public key");let d=ke(e,e._pos);if(d===void 0)return new Error("Malformed OpenSSH public key");let f=ke(e,e._pos);if(f===void 0)return new Error("Malformed OpenSSH public key");o=ji(l,u,d,f),c=qi(l,u,d,f),s="sha1";break}case"ssh-ed25519":{let l=ke(e,e._pos||0);if(l===void 0||l.length!==32)return new Error("Malformed OpenSSH public key");o=M$(l),c=H$(l),s=null;break}case"ecdsa-sha2-nistp256":s="sha256",i="1.2.840.10045.3.1.7";case"ecdsa-sha2-nistp384":s===void 0&&(s="sha384",i="1.3.132.0.34");case"ecdsa-sha2-nistp521":{if(s===void 0&&(s="sha512",i="1.3.132.0.35"),!Jd(e,1))return new Error("Malformed OpenSSH public key");let l=ke(e,e._pos||0);if(l===void 0)return new Error("Malformed OpenSSH public key");o=ef(i,l),c=tf(i,l);break}default:return new Error(`Unsupported OpenSSH public key type: ${t}`)}return new tc(r,n,o,c,s)}a(nf,"parseDER");function z$(e){switch(e){case"ssh-rsa":case"ssh-dss":case"ecdsa-sha2-nistp256":case"ecdsa-sha2-nistp384":case"ecdsa-sha2-nistp521":return!0;case"ssh-ed25519":if(Xd)return!0;default:return!1}}a(z$,"isSupportedKeyType");function j$(e){return e?typeof e[Rs]=="boolean":!1}a(j$,"isParsedKey");function q$(e,t){if(j$(e))return e;let n;if(Buffer.isBuffer(e))n=e,e=e.utf8Slice(0,e.length).trim();else if(typeof e=="string")e=e.trim();else return new Error("Key data must be a Buffer or string");if(t!=null){if(typeof t=="string")t=Buffer.from(t);else if(!Buffer.isBuffer(t))return new Error("Passphrase must be a string or Buffer when supplied")}let r;if((r=Va.parse(e,t))!==null||(r=Xa.parse(e,t))!==null||(r=Ja.parse(e,t))!==null||(r=tc.parse(e))!==null||(r=ec.parse(e))!==null)return r;if(n){Ya.init(n,0);let s=Ya.readString(!0);s!==void 0&&(e=Ya.readRaw(),e!==void 0&&(r=nf(e,s,"",s),r instanceof Error&&(r=null))),Ya.clear()}return r||new Error("Unsupported key format")}a(q$,"parseKey");K$.exports={isParsedKey:j$,isSupportedKeyType:z$,parseDERKey:a((e,t)=>nf(e,t,"",t),"parseDERKey"),parseKey:q$}});var lf=q(($j,ty)=>{"use strict";var{Socket:Z$}=require("net"),{Duplex:Y$}=require("stream"),{resolve:B2}=require("path"),{readFile:Q$}=require("fs"),{execFile:L2,spawn:D2}=require("child_process"),{isParsedKey:W$,parseKey:Qi}=Gr(),{makeBufferParser:U2,readUInt32BE:cf,writeUInt32BE:Gt,writeUInt32LE:G$}=Zn();function Wi(e){let t=!1;return(...n)=>{t||(t=!0,e(...n))}}a(Wi,"once");function F2(e,t){let n=Buffer.allocUnsafe(e.length+t.length);return e.copy(n,0),t.copy(n,e.length),n}a(F2,"concat");function sf(){}a(sf,"noop");var M2=Buffer.alloc(0),dt=U2(),Gi=class{static{a(this,"BaseAgent")}getIdentities(t){t(new Error("Missing getIdentities() implementation"))}sign(t,n,r,s){typeof r=="function"&&(s=r),s(new Error("Missing sign() implementation"))}},Ls=class extends Gi{static{a(this,"OpenSSHAgent")}constructor(t){super(),this.socketPath=t}getStream(t){t=Wi(t);let n=new Z$;n.on("connect",()=>{t(null,n)}),n.on("close",r).on("end",r).on("error",r),n.connect(this.socketPath);function r(){try{n.destroy()}catch{}t(new Error("Failed to connect to agent"))}a(r,"onFail")}getIdentities(t){t=Wi(t),this.getStream((n,r)=>{function s(o){if(r)try{r.destroy()}catch{}o||(o=new Error("Failed to retrieve identities from agent")),t(o)}if(a(s,"onFail"),n)return s(n);let i=new of(!0);i.on("error",s),i.pipe(r).pipe(i),r.on("close",s).on("end",s).on("error",s),i.getIdentities((o,c)=>{if(o)return s(o);try{r.destroy()}catch{}t(null,c)})})}sign(t,n,r,s){typeof r=="function"?(s=r,r=void 0):(typeof r!="object"||r===null)&&(r=void 0),s=Wi(s),this.getStream((i,o)=>{function c(u){if(o)try{o.destroy()}catch{}u||(u=new Error("Failed to sign data with agent")),s(u)}if(a(c,"onFail"),i)return c(i);let l=new of(!0);l.on("error",c),l.pipe(o).pipe(l),o.on("close",c).on("end",c).on("error",c),l.sign(t,n,r,(u,d)=>{if(u)return c(u);try{o.destroy()}catch{}s(null,d)})})}},V$=(()=>{let o=B2(__dirname,"..","util/pagent.exe"),c={10:new Error("Invalid pagent.exe arguments"),11:new Error("Pageant is not running"),12:new Error("pagent.exe could not create an mmap"),13:new Error("pagent.exe could not set mode for stdin"),14:new Error("pagent.exe could not set mode for stdout"),15:new Error("pagent.exe did not get expected input payload")};function l(d){d.buffer=null,d.proc&&(d.proc.kill(),d.proc=void 0)}a(l,"destroy");class u extends Y${static{a(this,"PageantSocket")}constructor(){super(),this.proc=void 0,this.buffer=null}_read(f){}_write(f,p,_){if(this.buffer===null)this.buffer=f;else{let k=Buffer.allocUnsafe(this.buffer.length+f.length);this.buffer.copy(k,0),f.copy(k,this.buffer.length),this.buffer=k}if(this.buffer.length<4)return _();let $=cf(this.buffer,0);if(this.buffer.length-4<$)return _();if(f=this.buffer.slice(0,4+$),this.buffer.length>4+$)return _(new Error("Unexpected multiple agent requests"));this.buffer=null;let g,y=this.proc=D2(o,[f.length]);y.stdout.on("data",k=>{this.push(k)}),y.on("error",k=>{g=k,_(g)}),y.on("close",k=>{if(this.proc=void 0,!g){if(g=c[k])return _(g);_()}}),y.stdin.end(f)}_final(f){l(this),f()}_destroy(f,p){l(this),p()}}return class extends Ls{static{a(this,"PageantAgent")}getStream(f){f(null,new u)}}})(),X$=(()=>{let e=/^!<socket >(\d+) s ([A-Z0-9]{8}-[A-Z0-9]{8}-[A-Z0-9]{8}-[A-Z0-9]{8})/;return class extends Ls{static{a(this,"CygwinAgent")}getStream(n){n=Wi(n);let r=this.socketPath,s=!1;Q$(r,a(function i(o,c){if(o){if(s)return n(new Error("Invalid cygwin unix socket path"));L2("cygpath",["-w",r],(j,ee,P)=>{if(j||ee.length===0)return n(new Error("Invalid cygwin unix socket path"));s=!0,r=ee.toString().replace(/[\r\n]/g,""),Q$(r,i)});return}let l=e.exec(c.toString("ascii"));if(!l)return n(new Error("Malformed cygwin unix socket file"));let u,d=0,f=!1,p=[],_,$=Buffer.alloc(12),g=parseInt(l[1],10),y=l[2].replace(/-/g,""),k=Buffer.allocUnsafe(16);for(let j=0,ee=0;ee<32;++j,ee+=2)k[j]=parseInt(y.substring(ee,ee+2),16);for(let j=0;j<16;j+=4)G$(k,cf(k,j),j);L();function x(){d=0,u="secret",_.write(k)}a(x,"_onconnect");function T(j){if(d+=j.length,u==="secret"){d===16&&(d=0,u="creds",_.write($));return}if(u==="creds"&&(f||p.push(j),d===12)){if(_.removeListener("connect",x),_.removeListener("data",T),_.removeListener("error",E),_.removeListener("end",E),_.removeListener("close",E),f)return n(null,_);f=!0,$=Buffer.concat(p),G$($,process.pid,0),_.on("error",()=>{}),_.destroy(),L()}}a(T,"_ondata");function E(){n(new Error("Problem negotiating cygwin unix socket security"))}a(E,"onFail");function L(){_=new Z$,_.on("connect",x),_.on("data",T),_.on("error",E),_.on("end",E),_.on("close",E),_.connect(g)}a(L,"tryConnect")},"readCygsocket"))}}})(),H2=/^[/\\][/\\]\.[/\\]pipe[/\\].+/;function J$(e){return process.platform==="win32"&&!H2.test(e)?e==="pageant"?new V$:new X$(e):new Ls(e)}a(J$,"createAgent");var of=(()=>{function u(P){let G;for(;P[x].length;){let Q=P[x][0][f];if(Q===void 0)break;P[x].shift(),G=P.push(Q)}return G}a(u,"processResponses");let d=Symbol("Inbound Request Type"),f=Symbol("Inbound Request Response"),p=Symbol("Inbound Request Context");class _{static{a(this,"AgentInboundRequest")}constructor(G,Q){this[d]=G,this[f]=void 0,this[p]=Q}hasResponded(){return this[f]!==void 0}getType(){return this[d]}getContext(){return this[p]}}function $(P,G,Q){return G[f]=Q,u(P)}a($,"respond");function g(P){if(P[E]=null,P[T]===0){let G=P[x];if(G&&G.length){P[x]=[];for(let Q of G)Q.cb(new Error("No reply from server"))}}try{P.end()}catch{}setImmediate(()=>{P[ee]||P.emit("end"),P[j]||P.emit("close")})}a(g,"cleanup");function y(){this[j]=!0}a(y,"onClose");function k(){this[ee]=!0}a(k,"onEnd");let x=Symbol("Requests"),T=Symbol("Agent Protocol Role"),E=Symbol("Agent Protocol Buffer"),L=Symbol("Agent Protocol Current Message Length"),j=Symbol("Agent Protocol Closed"),ee=Symbol("Agent Protocol Ended");return class extends Y${static{a(this,"AgentProtocol")}constructor(G){super({autoDestroy:!0,emitClose:!1}),this[T]=G?0:1,this[x]=[],this[E]=null,this[L]=-1,this.once("end",k),this.once("close",y)}_read(G){}_write(G,Q,Z){this[E]===null?this[E]=G:this[E]=F2(this[E],G);let X=this[E],he=X.length,J=0;for(;J<he&&!(he<5||(this[L]===-1&&(this[L]=cf(X,J)),he<4+this[L]));){let oe=X[J+=4];if(++J,this[T]===0){if(this[x].length===0)return Z(new Error("Received unexpected message from server"));let _e=this[x].shift();switch(oe){case 5:_e.cb(new Error("Agent responded with failure"));break;case 12:{if(_e.type!==11)return Z(new Error("Agent responded with wrong message type"));dt.init(X,J);let we=dt.readUInt32BE();if(we===void 0)return dt.clear(),Z(new Error("Malformed agent response"));let O=[];for(let U=0;U<we;++U){let D=dt.readString();if(D===void 0)return dt.clear(),Z(new Error("Malformed agent response"));let K=dt.readString(!0);if(K===void 0)return dt.clear(),Z(new Error("Malformed agent response"));D=Qi(D),!(D instanceof Error)&&(D.comment=D.comment||K,O.push(D))}J=dt.pos(),dt.clear(),_e.cb(null,O);break}case 14:{if(_e.type!==13)return Z(new Error("Agent responded with wrong message type"));dt.init(X,J);let we=dt.readString();if(J=dt.pos(),dt.clear(),we===void 0)return Z(new Error("Malformed agent response"));if(dt.init(we,0),dt.readString(!0),we=dt.readString(),dt.clear(),we===void 0)return Z(new Error("Malformed OpenSSH signature format"));_e.cb(null,we);break}default:return Z(new Error("Agent responded with unsupported message type"))}}else switch(oe){case 11:{let _e=new _(oe);this[x].push(_e),this.emit("identities",_e);break}case 13:{dt.init(X,J);let _e=dt.readString(),we=dt.readString(),O=dt.readUInt32BE();if(J=dt.pos(),dt.clear(),O===void 0){let ue=new _(oe);return this[x].push(ue),this.failureReply(ue)}if(_e=Qi(_e),_e instanceof Error){let ue=new _(oe);return this[x].push(ue),this.failureReply(ue)}let U={hash:void 0},D;_e.type==="ssh-rsa"&&(O&2?(D="rsa-sha2-256",U.hash="sha256"):O&4&&(D="rsa-sha2-512",U.hash="sha512")),D===void 0&&(D=_e.type);let K=new _(oe,D);this[x].push(K),this.emit("sign",K,_e,we,U);break}default:{let _e=new _(oe);this[x].push(_e),this.failureReply(_e)}}if(this[L]=-1,J===he){this[E]=null;break}else this[E]=X=X.slice(J),he=X.length,J=0}Z()}_destroy(G,Q){g(this),Q()}_final(G){g(this),G()}sign(G,Q,Z,X){if(this[T]!==0)throw new Error("Client-only method called with server role");typeof Z=="function"?(X=Z,Z=void 0):(typeof Z!="object"||Z===null)&&(Z=void 0);let he=0;if(G=Qi(G),G instanceof Error)throw new Error("Invalid public key argument");if(G.type==="ssh-rsa"&&Z)switch(Z.hash){case"sha256":he=2;break;case"sha512":he=4;break}G=G.getPublicSSH();let J=13,oe=G.length,_e=Q.length,we=0,O=Buffer.allocUnsafe(9+oe+4+_e+4);return Gt(O,O.length-4,we),O[we+=4]=J,Gt(O,oe,++we),G.copy(O,we+=4),Gt(O,_e,we+=oe),Q.copy(O,we+=4),Gt(O,he,we+=_e),typeof X!="function"&&(X=sf),this[x].push({type:J,cb:X}),this.push(O)}getIdentities(G){if(this[T]!==0)throw new Error("Client-only method called with server role");let Q=11,Z=0,X=Buffer.allocUnsafe(5);return Gt(X,X.length-4,Z),X[Z+=4]=Q,typeof G!="function"&&(G=sf),this[x].push({type:Q,cb:G}),this.push(X)}failureReply(G){if(this[T]!==1)throw new Error("Server-only method called with client role");if(!(G instanceof _))throw new Error("Wrong request argument");if(G.hasResponded())return!0;let Q=0,Z=Buffer.allocUnsafe(5);return Gt(Z,Z.length-4,Q),Z[Q+=4]=5,$(this,G,Z)}getIdentitiesReply(G,Q){if(this[T]!==1)throw new Error("Server-only method called with client role");if(!(G instanceof _))throw new Error("Wrong request argument");if(G.hasResponded())return!0;if(G.getType()!==11)throw new Error("Invalid response to request");if(!Array.isArray(Q))throw new Error("Keys argument must be an array");let Z=4,X=[];for(let oe=0;oe<Q.length;++oe){let _e=Q[oe];if(typeof _e!="object"||_e===null)throw new Error(`Invalid key entry: ${_e}`);let we,O;if(W$(_e))we=_e;else if(W$(_e.pubKey))we=_e.pubKey;else if(typeof _e.pubKey!="object"||_e.pubKey===null||({pubKey:we,comment:O}=_e.pubKey,we=Qi(we),we instanceof Error))continue;O=we.comment||O,we=we.getPublicSSH(),Z+=4+we.length,O&&typeof O=="string"?O=Buffer.from(O):Buffer.isBuffer(O)||(O=M2),Z+=4+O.length,X.push({pubKey:we,comment:O})}let he=0,J=Buffer.allocUnsafe(5+Z);Gt(J,J.length-4,he),J[he+=4]=12,Gt(J,X.length,++he),he+=4;for(let oe=0;oe<X.length;++oe){let{pubKey:_e,comment:we}=X[oe];Gt(J,_e.length,he),_e.copy(J,he+=4),Gt(J,we.length,he+=_e.length),he+=4,we.length&&(we.copy(J,he),he+=we.length)}return $(this,G,J)}signReply(G,Q){if(this[T]!==1)throw new Error("Server-only method called with client role");if(!(G instanceof _))throw new Error("Wrong request argument");if(G.hasResponded())return!0;if(G.getType()!==13)throw new Error("Invalid response to request");if(!Buffer.isBuffer(Q))throw new Error("Signature argument must be a Buffer");if(Q.length===0)throw new Error("Signature argument must be non-empty");let Z=0,X=G.getContext(),he=Buffer.byteLength(X),J=Buffer.allocUnsafe(13+he+4+Q.length);return Gt(J,J.length-4,Z),J[Z+=4]=14,Gt(J,4+he+4+Q.length,++Z),Gt(J,he,Z+=4),J.utf8Write(X,Z+=4,he),Gt(J,Q.length,Z+=he),Q.copy(J,Z+=4),$(this,G,J)}}})(),rf=Symbol("Agent"),En=Symbol("Agent Keys"),Vn=Symbol("Agent Keys Index"),Bs=Symbol("Agent Init Callbacks"),af=class{static{a(this,"AgentContext")}constructor(t){if(typeof t=="string")t=J$(t);else if(!ey(t))throw new Error("Invalid agent argument");this[rf]=t,this[En]=null,this[Vn]=-1,this[Bs]=null}init(t){if(typeof t!="function"&&(t=sf),this[En]===null)if(this[Bs]===null){this[Bs]=[t];let n=a((...r)=>{process.nextTick(()=>{let s=this[Bs];this[Bs]=null;for(let i of s)i(...r)})},"doCbs");this[rf].getIdentities(Wi((r,s)=>{if(r)return n(r);if(!Array.isArray(s))return n(new Error("Agent implementation failed to provide keys"));let i=[];for(let o of s)o=Qi(o),!(o instanceof Error)&&i.push(o);this[En]=i,this[Vn]=-1,n()}))}else this[Bs].push(t);else process.nextTick(t)}nextKey(){return this[En]===null||++this[Vn]>=this[En].length?!1:this[En][this[Vn]]}currentKey(){return this[En]===null||this[Vn]>=this[En].length?null:this[En][this[Vn]]}pos(){return this[En]===null||this[Vn]>=this[En].length?-1:this[Vn]}reset(){this[Vn]=-1}sign(...t){this[rf].sign(...t)}};function ey(e){return e instanceof Gi}a(ey,"isAgent");ty.exports={AgentContext:af,AgentProtocol:of,BaseAgent:Gi,createAgent:J$,CygwinAgent:X$,isAgent:ey,OpenSSHAgent:Ls,PageantAgent:V$}});var ny=q(()=>{});var nc=q(ry=>{ry.SFTP=class{}});var _f=q((vj,sy)=>{"use strict";var{kMaxLength:z2}=require("buffer"),{createInflate:j2,constants:{DEFLATE:q2,INFLATE:K2,Z_DEFAULT_CHUNK:Q2,Z_DEFAULT_COMPRESSION:W2,Z_DEFAULT_MEMLEVEL:G2,Z_DEFAULT_STRATEGY:Z2,Z_DEFAULT_WINDOWBITS:Y2,Z_PARTIAL_FLUSH:V2}}=require("zlib"),X2=j2()._handle.constructor;function J2(){throw new Error("Should not get here")}a(J2,"processCallback");function eC(e,t,n){let r=this._owner,s=new Error(e);s.errno=t,s.code=n,r._err=s}a(eC,"zlibOnError");function hf(e){e._handle&&(e._handle.close(),e._handle=null)}a(hf,"_close");var rc=class{static{a(this,"Zlib")}constructor(t){let n=Y2,r=W2,s=G2,i=Z2,o=void 0;this._err=void 0,this._writeState=new Uint32Array(2),this._chunkSize=Q2,this._maxOutputLength=z2,this._outBuffer=Buffer.allocUnsafe(this._chunkSize),this._outOffset=0,this._handle=new X2(t),this._handle._owner=this,this._handle.onerror=eC,this._handle.init(n,r,s,i,this._writeState,J2,o)}writeSync(t,n){let r=this._handle;if(!r)throw new Error("Invalid Zlib instance");let s=t.length,i=this._chunkSize-this._outOffset,o=0,c,l,u,d=0,f=this._writeState,p=this._outBuffer,_=this._outOffset,$=this._chunkSize;for(;;){if(r.writeSync(V2,t,o,s,p,_,i),this._err)throw this._err;c=f[0],l=f[1];let y=s-l,k=i-c;if(k>0){let x=_===0&&k===p.length?p:p.slice(_,_+k);if(_+=k,u?u.push===void 0?u=[u,x]:u.push(x):u=x,d+=x.byteLength,d>this._maxOutputLength)throw hf(this),new Error(`Output length exceeded maximum of ${this._maxOutputLength}`)}else if(k!==0)throw new Error("have should not go down");if((c===0||_>=$)&&(i=$,_=0,p=Buffer.allocUnsafe($)),c===0)o+=y,s=l;else break}if(this._outBuffer=p,this._outOffset=_,d===0&&(u=Buffer.alloc(0)),n)return u.totalLen=d,u;if(u.push===void 0)return u;let g=Buffer.allocUnsafe(d);for(let y=0,k=0;y<u.length;++y){let x=u[y];g.set(x,k),k+=x.length}return g}},uf=class{static{a(this,"ZlibPacketWriter")}constructor(t){this.allocStart=0,this.allocStartKEX=0,this._protocol=t,this._zlib=new rc(q2)}cleanup(){this._zlib&&hf(this._zlib)}alloc(t,n){return Buffer.allocUnsafe(t)}finalize(t,n){if(this._protocol._kexinit===void 0||n){let r=this._zlib.writeSync(t,!0),s=this._protocol._cipher.allocPacket(r.totalLen);if(r.push===void 0)s.set(r,5);else for(let i=0,o=5;i<r.length;++i){let c=r[i];s.set(c,o),o+=c.length}return s}return t}},df=class{static{a(this,"PacketWriter")}constructor(t){this.allocStart=5,this.allocStartKEX=5,this._protocol=t}cleanup(){}alloc(t,n){return this._protocol._kexinit===void 0||n?this._protocol._cipher.allocPacket(t):Buffer.allocUnsafe(t)}finalize(t,n){return t}},ff=class{static{a(this,"ZlibPacketReader")}constructor(){this._zlib=new rc(K2)}cleanup(){this._zlib&&hf(this._zlib)}read(t){return this._zlib.writeSync(t,!1)}},pf=class{static{a(this,"PacketReader")}cleanup(){}read(t){return t}};sy.exports={PacketReader:pf,PacketWriter:df,ZlibPacketReader:ff,ZlibPacketWriter:uf}});var ly=q((Ej,cy)=>{"use strict";var{bufferSlice:mf,bufferParser:C,doFatalError:at,sigSSHToASN1:iy,writeUInt32BE:oy}=Zn(),{CHANNEL_OPEN_FAILURE:tC,COMPAT:nC,MESSAGE:ct,TERMINAL_MODE:ay}=_r(),{parseKey:rC}=Gr(),sC=Array.from(Object.entries(ay)).reduce((e,[t,n])=>({...e,[t]:n}),{});cy.exports={[ct.DISCONNECT]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE(),r=C.readString(!0),s=C.readString();if(C.clear(),s===void 0)return at(e,"Inbound: Malformed DISCONNECT packet");e._debug&&e._debug(`Inbound: Received DISCONNECT (${n}, "${r}")`);let i=e._handlers.DISCONNECT;i&&i(e,n,r)},[ct.IGNORE]:(e,t)=>{e._debug&&e._debug("Inbound: Received IGNORE")},[ct.UNIMPLEMENTED]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE();if(C.clear(),n===void 0)return at(e,"Inbound: Malformed UNIMPLEMENTED packet");e._debug&&e._debug(`Inbound: Received UNIMPLEMENTED (seqno ${n})`)},[ct.DEBUG]:(e,t)=>{C.init(t,1);let n=C.readBool(),r=C.readString(!0),s=C.readString();if(C.clear(),s===void 0)return at(e,"Inbound: Malformed DEBUG packet");e._debug&&e._debug("Inbound: Received DEBUG");let i=e._handlers.DEBUG;i&&i(e,n,r)},[ct.SERVICE_REQUEST]:(e,t)=>{C.init(t,1);let n=C.readString(!0);if(C.clear(),n===void 0)return at(e,"Inbound: Malformed SERVICE_REQUEST packet");e._debug&&e._debug(`Inbound: Received SERVICE_REQUEST (${n})`);let r=e._handlers.SERVICE_REQUEST;r&&r(e,n)},[ct.SERVICE_ACCEPT]:(e,t)=>{C.init(t,1);let n=C.readString(!0);if(C.clear(),n===void 0)return at(e,"Inbound: Malformed SERVICE_ACCEPT packet");e._debug&&e._debug(`Inbound: Received SERVICE_ACCEPT (${n})`);let r=e._handlers.SERVICE_ACCEPT;r&&r(e,n)},[ct.EXT_INFO]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE(),r;if(n!==void 0){r=[];for(let i=0;i<n;++i){let o=C.readString(!0),c=C.readString();if(c!==void 0)if(o==="server-sig-algs"){let l=c.latin1Slice(0,c.length).split(",");r.push({name:o,algs:l});continue}else continue;r=void 0;break}}if(C.clear(),r===void 0)return at(e,"Inbound: Malformed EXT_INFO packet");e._debug&&e._debug("Inbound: Received EXT_INFO");let s=e._handlers.EXT_INFO;s&&s(e,r)},[ct.USERAUTH_REQUEST]:(e,t)=>{C.init(t,1);let n=C.readString(!0),r=C.readString(!0),s=C.readString(!0),i,o;switch(s){case"none":i=null;break;case"password":{let l=C.readBool();if(l!==void 0&&(i=C.readString(!0),i!==void 0&&l)){let u=C.readString(!0);u!==void 0?i={oldPassword:i,newPassword:u}:i=void 0}break}case"publickey":{let l=C.readBool();if(l!==void 0){let u=C.readString(!0),d=u,f=C.readString(),p;switch(u){case"rsa-sha2-256":d="ssh-rsa",p="sha256";break;case"rsa-sha2-512":d="ssh-rsa",p="sha512";break}if(l){let _=C.pos(),$=C.readString();if($!==void 0&&($.length>4+u.length+4&&$.utf8Slice(4,4+u.length)===u&&($=mf($,4+u.length+4)),$=iy($,d),$)){let g=e._kex.sessionID,y=Buffer.allocUnsafe(4+g.length+_);oy(y,g.length,0),y.set(g,4),y.set(new Uint8Array(t.buffer,t.byteOffset,_),4+g.length),i={keyAlgo:d,key:f,signature:$,blob:y,hashAlgo:p}}}else i={keyAlgo:d,key:f,hashAlgo:p},o="publickey -- check"}break}case"hostbased":{let l=C.readString(!0),u=l,d=C.readString(),f=C.readString(!0),p=C.readString(!0),_;switch(l){case"rsa-sha2-256":u="ssh-rsa",_="sha256";break;case"rsa-sha2-512":u="ssh-rsa",_="sha512";break}let $=C.pos(),g=C.readString();if(g!==void 0&&(g.length>4+l.length+4&&g.utf8Slice(4,4+l.length)===l&&(g=mf(g,4+l.length+4)),g=iy(g,u),g!==void 0)){let y=e._kex.sessionID,k=Buffer.allocUnsafe(4+y.length+$);oy(k,y.length,0),k.set(y,4),k.set(new Uint8Array(t.buffer,t.byteOffset,$),4+y.length),i={keyAlgo:u,key:d,signature:g,blob:k,localHostname:f,localUsername:p,hashAlgo:_}}break}case"keyboard-interactive":C.skipString(),i=C.readList();break;default:s!==void 0&&(i=C.readRaw())}if(C.clear(),i===void 0)return at(e,"Inbound: Malformed USERAUTH_REQUEST packet");o===void 0&&(o=s),e._authsQueue.push(s),e._debug&&e._debug(`Inbound: Received USERAUTH_REQUEST (${o})`);let c=e._handlers.USERAUTH_REQUEST;c&&c(e,n,r,s,i)},[ct.USERAUTH_FAILURE]:(e,t)=>{C.init(t,1);let n=C.readList(),r=C.readBool();if(C.clear(),r===void 0)return at(e,"Inbound: Malformed USERAUTH_FAILURE packet");e._debug&&e._debug(`Inbound: Received USERAUTH_FAILURE (${n})`),e._authsQueue.shift();let s=e._handlers.USERAUTH_FAILURE;s&&s(e,n,r)},[ct.USERAUTH_SUCCESS]:(e,t)=>{e._debug&&e._debug("Inbound: Received USERAUTH_SUCCESS"),e._authsQueue.shift();let n=e._handlers.USERAUTH_SUCCESS;n&&n(e)},[ct.USERAUTH_BANNER]:(e,t)=>{C.init(t,1);let n=C.readString(!0),r=C.readString();if(C.clear(),r===void 0)return at(e,"Inbound: Malformed USERAUTH_BANNER packet");e._debug&&e._debug("Inbound: Received USERAUTH_BANNER");let s=e._handlers.USERAUTH_BANNER;s&&s(e,n)},60:(e,t)=>{if(!e._authsQueue.length){e._debug&&e._debug("Inbound: Received payload type 60 without auth");return}switch(e._authsQueue[0]){case"password":{C.init(t,1);let n=C.readString(!0),r=C.readString();if(C.clear(),r===void 0)return at(e,"Inbound: Malformed USERAUTH_PASSWD_CHANGEREQ packet");e._debug&&e._debug("Inbound: Received USERAUTH_PASSWD_CHANGEREQ");let s=e._handlers.USERAUTH_PASSWD_CHANGEREQ;s&&s(e,n);break}case"publickey":{C.init(t,1);let n=C.readString(!0),r=C.readString();if(C.clear(),r===void 0)return at(e,"Inbound: Malformed USERAUTH_PK_OK packet");e._debug&&e._debug("Inbound: Received USERAUTH_PK_OK"),e._authsQueue.shift();let s=e._handlers.USERAUTH_PK_OK;s&&s(e,n,r);break}case"keyboard-interactive":{C.init(t,1);let n=C.readString(!0),r=C.readString(!0);C.readString();let s=C.readUInt32BE(),i;if(s!==void 0){i=new Array(s);let c;for(c=0;c<s;++c){let l=C.readString(!0),u=C.readBool();if(u===void 0)break;i[c]={prompt:l,echo:u}}c!==s&&(i=void 0)}if(C.clear(),i===void 0)return at(e,"Inbound: Malformed USERAUTH_INFO_REQUEST packet");e._debug&&e._debug("Inbound: Received USERAUTH_INFO_REQUEST");let o=e._handlers.USERAUTH_INFO_REQUEST;o&&o(e,n,r,i);break}default:e._debug&&e._debug("Inbound: Received unexpected payload type 60")}},61:(e,t)=>{if(!e._authsQueue.length){e._debug&&e._debug("Inbound: Received payload type 61 without auth");return}if(e._authsQueue[0]!=="keyboard-interactive")return at(e,"Inbound: Received unexpected payload type 61");C.init(t,1);let n=C.readUInt32BE(),r;if(n!==void 0){r=new Array(n);let i;for(i=0;i<n;++i){let o=C.readString(!0);if(o===void 0)break;r[i]=o}i!==n&&(r=void 0)}if(C.clear(),r===void 0)return at(e,"Inbound: Malformed USERAUTH_INFO_RESPONSE packet");e._debug&&e._debug("Inbound: Received USERAUTH_INFO_RESPONSE");let s=e._handlers.USERAUTH_INFO_RESPONSE;s&&s(e,r)},[ct.GLOBAL_REQUEST]:(e,t)=>{C.init(t,1);let n=C.readString(!0),r=C.readBool(),s;if(r!==void 0)switch(n){case"tcpip-forward":case"cancel-tcpip-forward":{let o=C.readString(!0),c=C.readUInt32BE();c!==void 0&&(s={bindAddr:o,bindPort:c});break}case"streamlocal-forward@openssh.com":case"cancel-streamlocal-forward@openssh.com":{let o=C.readString(!0);o!==void 0&&(s={socketPath:o});break}case"no-more-sessions@openssh.com":s=null;break;case"hostkeys-00@openssh.com":{for(s=[];C.avail()>0;){let o=C.readString();if(o===void 0){s=void 0;break}let c=rC(o);c instanceof Error||s.push(c)}break}default:s=C.readRaw()}if(C.clear(),s===void 0)return at(e,"Inbound: Malformed GLOBAL_REQUEST packet");e._debug&&e._debug(`Inbound: GLOBAL_REQUEST (${n})`);let i=e._handlers.GLOBAL_REQUEST;i?i(e,n,r,s):e.requestFailure()},[ct.REQUEST_SUCCESS]:(e,t)=>{let n=t.length>1?mf(t,1):null;e._debug&&e._debug("Inbound: REQUEST_SUCCESS");let r=e._handlers.REQUEST_SUCCESS;r&&r(e,n)},[ct.REQUEST_FAILURE]:(e,t)=>{e._debug&&e._debug("Inbound: Received REQUEST_FAILURE");let n=e._handlers.REQUEST_FAILURE;n&&n(e)},[ct.CHANNEL_OPEN]:(e,t)=>{C.init(t,1);let n=C.readString(!0),r=C.readUInt32BE(),s=C.readUInt32BE(),i=C.readUInt32BE(),o;switch(n){case"forwarded-tcpip":case"direct-tcpip":{let l=C.readString(!0),u=C.readUInt32BE(),d=C.readString(!0),f=C.readUInt32BE();f!==void 0&&(o={type:n,sender:r,window:s,packetSize:i,data:{destIP:l,destPort:u,srcIP:d,srcPort:f}});break}case"forwarded-streamlocal@openssh.com":case"direct-streamlocal@openssh.com":{let l=C.readString(!0);l!==void 0&&(o={type:n,sender:r,window:s,packetSize:i,data:{socketPath:l}});break}case"x11":{let l=C.readString(!0),u=C.readUInt32BE();u!==void 0&&(o={type:n,sender:r,window:s,packetSize:i,data:{srcIP:l,srcPort:u}});break}default:o={type:n,sender:r,window:s,packetSize:i,data:{}}}if(C.clear(),o===void 0)return at(e,"Inbound: Malformed CHANNEL_OPEN packet");e._debug&&e._debug(`Inbound: CHANNEL_OPEN (s:${r}, ${n})`);let c=e._handlers.CHANNEL_OPEN;c?c(e,o):e.channelOpenFail(o.sender,tC.ADMINISTRATIVELY_PROHIBITED,"","")},[ct.CHANNEL_OPEN_CONFIRMATION]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE(),r=C.readUInt32BE(),s=C.readUInt32BE(),i=C.readUInt32BE(),o=C.avail()?C.readRaw():void 0;if(C.clear(),i===void 0)return at(e,"Inbound: Malformed CHANNEL_OPEN_CONFIRMATION packet");e._debug&&e._debug(`Inbound: CHANNEL_OPEN_CONFIRMATION (r:${n}, s:${r})`);let c=e._handlers.CHANNEL_OPEN_CONFIRMATION;c&&c(e,{recipient:n,sender:r,window:s,packetSize:i,data:o})},[ct.CHANNEL_OPEN_FAILURE]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE(),r=C.readUInt32BE(),s=C.readString(!0),i=C.readString();if(C.clear(),i===void 0)return at(e,"Inbound: Malformed CHANNEL_OPEN_FAILURE packet");e._debug&&e._debug(`Inbound: CHANNEL_OPEN_FAILURE (r:${n})`);let o=e._handlers.CHANNEL_OPEN_FAILURE;o&&o(e,n,r,s)},[ct.CHANNEL_WINDOW_ADJUST]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE(),r=C.readUInt32BE();if(C.clear(),r===void 0)return at(e,"Inbound: Malformed CHANNEL_WINDOW_ADJUST packet");e._debug&&e._debug(`Inbound: CHANNEL_WINDOW_ADJUST (r:${n}, ${r})`);let s=e._handlers.CHANNEL_WINDOW_ADJUST;s&&s(e,n,r)},[ct.CHANNEL_DATA]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE(),r=C.readString();if(C.clear(),r===void 0)return at(e,"Inbound: Malformed CHANNEL_DATA packet");e._debug&&e._debug(`Inbound: CHANNEL_DATA (r:${n}, ${r.length})`);let s=e._handlers.CHANNEL_DATA;s&&s(e,n,r)},[ct.CHANNEL_EXTENDED_DATA]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE(),r=C.readUInt32BE(),s=C.readString();if(C.clear(),s===void 0)return at(e,"Inbound: Malformed CHANNEL_EXTENDED_DATA packet");e._debug&&e._debug(`Inbound: CHANNEL_EXTENDED_DATA (r:${n}, ${s.length})`);let i=e._handlers.CHANNEL_EXTENDED_DATA;i&&i(e,n,s,r)},[ct.CHANNEL_EOF]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE();if(C.clear(),n===void 0)return at(e,"Inbound: Malformed CHANNEL_EOF packet");e._debug&&e._debug(`Inbound: CHANNEL_EOF (r:${n})`);let r=e._handlers.CHANNEL_EOF;r&&r(e,n)},[ct.CHANNEL_CLOSE]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE();if(C.clear(),n===void 0)return at(e,"Inbound: Malformed CHANNEL_CLOSE packet");e._debug&&e._debug(`Inbound: CHANNEL_CLOSE (r:${n})`);let r=e._handlers.CHANNEL_CLOSE;r&&r(e,n)},[ct.CHANNEL_REQUEST]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE(),r=C.readString(!0),s=C.readBool(),i;if(s!==void 0)switch(r){case"exit-status":i=C.readUInt32BE(),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${i})`);break;case"exit-signal":{let c,l;if(e._compatFlags&nC.OLD_EXIT){let d=C.readUInt32BE();switch(d){case 1:c="HUP";break;case 2:c="INT";break;case 3:c="QUIT";break;case 6:c="ABRT";break;case 9:c="KILL";break;case 14:c="ALRM";break;case 15:c="TERM";break;default:d!==void 0&&(c=`UNKNOWN (${d})`)}l=!1}else c=C.readString(!0),l=C.readBool(),l===void 0&&(c=void 0);let u=C.readString(!0);C.skipString()!==void 0&&(i={signal:c,coreDumped:l,errorMessage:u}),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${c})`);break}case"pty-req":{let c=C.readString(!0),l=C.readUInt32BE(),u=C.readUInt32BE(),d=C.readUInt32BE(),f=C.readUInt32BE(),p=C.readString();if(p!==void 0){C.init(p,1);let _={};for(;C.avail();){let $=C.readByte();if($===ay.TTY_OP_END)break;let g=sC[$],y=C.readUInt32BE();if($===void 0||g===void 0||y===void 0){_=void 0;break}_[g]=y}_!==void 0&&(i={term:c,cols:l,rows:u,width:d,height:f,modes:_})}e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break}case"window-change":{let c=C.readUInt32BE(),l=C.readUInt32BE(),u=C.readUInt32BE(),d=C.readUInt32BE();d!==void 0&&(i={cols:c,rows:l,width:u,height:d}),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break}case"x11-req":{let c=C.readBool(),l=C.readString(!0),u=C.readString(),d=C.readUInt32BE();d!==void 0&&(i={single:c,protocol:l,cookie:u,screen:d}),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break}case"env":{let c=C.readString(!0),l=C.readString(!0);l!==void 0&&(i={name:c,value:l}),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${c}=${l})`);break}case"shell":i=null,e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break;case"exec":i=C.readString(!0),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${i})`);break;case"subsystem":i=C.readString(!0),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${i})`);break;case"signal":i=C.readString(!0),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${i})`);break;case"xon-xoff":i=C.readBool(),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${i})`);break;case"auth-agent-req@openssh.com":i=null,e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break;default:i=C.avail()?C.readRaw():null,e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`)}if(C.clear(),i===void 0)return at(e,"Inbound: Malformed CHANNEL_REQUEST packet");let o=e._handlers.CHANNEL_REQUEST;o&&o(e,n,r,s,i)},[ct.CHANNEL_SUCCESS]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE();if(C.clear(),n===void 0)return at(e,"Inbound: Malformed CHANNEL_SUCCESS packet");e._debug&&e._debug(`Inbound: CHANNEL_SUCCESS (r:${n})`);let r=e._handlers.CHANNEL_SUCCESS;r&&r(e,n)},[ct.CHANNEL_FAILURE]:(e,t)=>{C.init(t,1);let n=C.readUInt32BE();if(C.clear(),n===void 0)return at(e,"Inbound: Malformed CHANNEL_FAILURE packet");e._debug&&e._debug(`Inbound: CHANNEL_FAILURE (r:${n})`);let r=e._handlers.CHANNEL_FAILURE;r&&r(e,n)}}});var sc=q((Sj,uy)=>{"use strict";var gf=new Array(256);[$f().HANDLERS,ly()].forEach(e=>{for(let[t,n]of Object.entries(e))t=+t,isFinite(t)&&t>=0&&t<gf.length&&(gf[t]=n)});uy.exports=gf});var $f=q((Cj,wy)=>{"use strict";var{createDiffieHellman:iC,createDiffieHellmanGroup:oC,createECDH:aC,createHash:wf,createPublicKey:cC,diffieHellman:lC,generateKeyPairSync:uC,randomFillSync:dC}=require("crypto"),{Ber:dy}=Fa(),{COMPAT:bf,curve25519Supported:fC,DEFAULT_KEX:fy,DEFAULT_SERVER_HOST_KEY:py,DEFAULT_CIPHER:ic,DEFAULT_MAC:oc,DEFAULT_COMPRESSION:ac,DISCONNECT_REASON:Me,MESSAGE:nt}=_r(),{CIPHER_INFO:Fs,createCipher:pC,createDecipher:hC,MAC_INFO:hy}=Ts(),{parseDERKey:_C}=Gr(),{bufferFill:mC,bufferParser:Fe,convertSignature:gC,doFatalError:He,FastBuffer:$C,sigSSHToASN1:yC,writeUInt32BE:Nt}=Zn(),{PacketReader:_y,PacketWriter:my,ZlibPacketReader:cc,ZlibPacketWriter:lc}=_f(),Ds,wC=2048,bC=8192,AC=Buffer.alloc(0);function gy(e){let t;if(e._compatFlags&bf.BAD_DHGEX){let n=e._offer.lists.kex,r=n.array,s=!1;for(let i=0;i<r.length;++i)r[i].includes("group-exchange")&&(s||(s=!0,r=r.slice()),r.splice(i--,1));if(s){let i=17+e._offer.totalSize+1+4,o=Buffer.from(r.join(","));i-=n.buffer.length-o.length;let c=e._offer.lists.all,l=new Uint8Array(c.buffer,c.byteOffset+4+n.buffer.length,c.length-(4+n.buffer.length));t=Buffer.allocUnsafe(i),Nt(t,o.length,17),t.set(o,21),t.set(l,21+o.length)}}t===void 0&&(t=Buffer.allocUnsafe(17+e._offer.totalSize+1+4),e._offer.copyAllTo(t,17)),e._debug&&e._debug("Outbound: Sending KEXINIT"),t[0]=nt.KEXINIT,dC(t,1,16),mC(t,0,t.length-5),e._kexinit=t,e._packetRW.write.allocStart=0;{let n=e._packetRW.write.allocStartKEX,r=e._packetRW.write.alloc(t.length,!0);r.set(t,n),e._cipher.encrypt(e._packetRW.write.finalize(r,!0))}}a(gy,"kexinit");function $y(e,t){let n={kex:void 0,serverHostKey:void 0,cs:{cipher:void 0,mac:void 0,compress:void 0,lang:void 0},sc:{cipher:void 0,mac:void 0,compress:void 0,lang:void 0}};if(Fe.init(t,17),(n.kex=Fe.readList())===void 0||(n.serverHostKey=Fe.readList())===void 0||(n.cs.cipher=Fe.readList())===void 0||(n.sc.cipher=Fe.readList())===void 0||(n.cs.mac=Fe.readList())===void 0||(n.sc.mac=Fe.readList())===void 0||(n.cs.compress=Fe.readList())===void 0||(n.sc.compress=Fe.readList())===void 0||(n.cs.lang=Fe.readList())===void 0||(n.sc.lang=Fe.readList())===void 0)return Fe.clear(),He(e,"Received malformed KEXINIT","handshake",Me.KEY_EXCHANGE_FAILED);let r=Fe.pos(),s=r<t.length&&t[r]===1;Fe.clear();let i=e._offer,o=n,c=i.lists.kex.array;if(e._compatFlags&bf.BAD_DHGEX){let E=!1;for(let L=0;L<c.length;++L)c[L].indexOf("group-exchange")!==-1&&(E||(E=!0,c=c.slice()),c.splice(L--,1))}let l,u,d,f=e._debug;f&&f("Inbound: Handshake in progress"),f&&f(`Handshake: (local) KEX method: ${c}`),f&&f(`Handshake: (remote) KEX method: ${o.kex}`);let p;if(e._server?(u=c,l=o.kex,p=l.indexOf("ext-info-c")!==-1):(u=o.kex,l=c,p=u.indexOf("ext-info-s")!==-1),e._strictMode===void 0&&(e._server?e._strictMode=l.indexOf("kex-strict-c-v00@openssh.com")!==-1:e._strictMode=u.indexOf("kex-strict-s-v00@openssh.com")!==-1,e._strictMode&&(f&&f("Handshake: strict KEX mode enabled"),e._decipher.inSeqno!==1)))return f&&f("Handshake: KEXINIT not first packet in strict KEX mode"),He(e,"Handshake failed: KEXINIT not first packet in strict KEX mode","handshake",Me.KEY_EXCHANGE_FAILED);for(d=0;d<l.length&&u.indexOf(l[d])===-1;++d);if(d===l.length)return f&&f("Handshake: no matching key exchange algorithm"),He(e,"Handshake failed: no matching key exchange algorithm","handshake",Me.KEY_EXCHANGE_FAILED);n.kex=l[d],f&&f(`Handshake: KEX algorithm: ${l[d]}`),s&&(!o.kex.length||l[d]!==o.kex[0])&&(e._skipNextInboundPacket=!0);let _=i.lists.serverHostKey.array;for(f&&f(`Handshake: (local) Host key format: ${_}`),f&&f(`Handshake: (remote) Host key format: ${o.serverHostKey}`),e._server?(u=_,l=o.serverHostKey):(u=o.serverHostKey,l=_),d=0;d<l.length&&u.indexOf(l[d])===-1;++d);if(d===l.length)return f&&f("Handshake: No matching host key format"),He(e,"Handshake failed: no matching host key format","handshake",Me.KEY_EXCHANGE_FAILED);n.serverHostKey=l[d],f&&f(`Handshake: Host key format: ${l[d]}`);let $=i.lists.cs.cipher.array;for(f&&f(`Handshake: (local) C->S cipher: ${$}`),f&&f(`Handshake: (remote) C->S cipher: ${o.cs.cipher}`),e._server?(u=$,l=o.cs.cipher):(u=o.cs.cipher,l=$),d=0;d<l.length&&u.indexOf(l[d])===-1;++d);if(d===l.length)return f&&f("Handshake: No matching C->S cipher"),He(e,"Handshake failed: no matching C->S cipher","handshake",Me.KEY_EXCHANGE_FAILED);n.cs.cipher=l[d],f&&f(`Handshake: C->S Cipher: ${l[d]}`);let g=i.lists.sc.cipher.array;for(f&&f(`Handshake: (local) S->C cipher: ${g}`),f&&f(`Handshake: (remote) S->C cipher: ${o.sc.cipher}`),e._server?(u=g,l=o.sc.cipher):(u=o.sc.cipher,l=g),d=0;d<l.length&&u.indexOf(l[d])===-1;++d);if(d===l.length)return f&&f("Handshake: No matching S->C cipher"),He(e,"Handshake failed: no matching S->C cipher","handshake",Me.KEY_EXCHANGE_FAILED);n.sc.cipher=l[d],f&&f(`Handshake: S->C cipher: ${l[d]}`);let y=i.lists.cs.mac.array;if(f&&f(`Handshake: (local) C->S MAC: ${y}`),f&&f(`Handshake: (remote) C->S MAC: ${o.cs.mac}`),Fs[n.cs.cipher].authLen>0)n.cs.mac="",f&&f("Handshake: C->S MAC: <implicit>");else{for(e._server?(u=y,l=o.cs.mac):(u=o.cs.mac,l=y),d=0;d<l.length&&u.indexOf(l[d])===-1;++d);if(d===l.length)return f&&f("Handshake: No matching C->S MAC"),He(e,"Handshake failed: no matching C->S MAC","handshake",Me.KEY_EXCHANGE_FAILED);n.cs.mac=l[d],f&&f(`Handshake: C->S MAC: ${l[d]}`)}let k=i.lists.sc.mac.array;if(f&&f(`Handshake: (local) S->C MAC: ${k}`),f&&f(`Handshake: (remote) S->C MAC: ${o.sc.mac}`),Fs[n.sc.cipher].authLen>0)n.sc.mac="",f&&f("Handshake: S->C MAC: <implicit>");else{for(e._server?(u=k,l=o.sc.mac):(u=o.sc.mac,l=k),d=0;d<l.length&&u.indexOf(l[d])===-1;++d);if(d===l.length)return f&&f("Handshake: No matching S->C MAC"),He(e,"Handshake failed: no matching S->C MAC","handshake",Me.KEY_EXCHANGE_FAILED);n.sc.mac=l[d],f&&f(`Handshake: S->C MAC: ${l[d]}`)}let x=i.lists.cs.compress.array;for(f&&f(`Handshake: (local) C->S compression: ${x}`),f&&f(`Handshake: (remote) C->S compression: ${o.cs.compress}`),e._server?(u=x,l=o.cs.compress):(u=o.cs.compress,l=x),d=0;d<l.length&&u.indexOf(l[d])===-1;++d);if(d===l.length)return f&&f("Handshake: No matching C->S compression"),He(e,"Handshake failed: no matching C->S compression","handshake",Me.KEY_EXCHANGE_FAILED);n.cs.compress=l[d],f&&f(`Handshake: C->S compression: ${l[d]}`);let T=i.lists.sc.compress.array;for(f&&f(`Handshake: (local) S->C compression: ${T}`),f&&f(`Handshake: (remote) S->C compression: ${o.sc.compress}`),e._server?(u=T,l=o.sc.compress):(u=o.sc.compress,l=T),d=0;d<l.length&&u.indexOf(l[d])===-1;++d);if(d===l.length)return f&&f("Handshake: No matching S->C compression"),He(e,"Handshake failed: no matching S->C compression","handshake",Me.KEY_EXCHANGE_FAILED);n.sc.compress=l[d],f&&f(`Handshake: S->C compression: ${l[d]}`),n.cs.lang="",n.sc.lang="",e._kex&&(e._kexinit||gy(e),e._decipher._onPayload=yy.bind(e,{firstPacket:!1})),e._kex=kC(n,e,t),e._kex.remoteExtInfoEnabled=p,e._kex.start()}a($y,"handleKexInit");var kC=(()=>{function e(o){let c=0,l=o.length;for(;o[c]===0;)++c,--l;let u;return o[c]&128?(u=Buffer.allocUnsafe(1+l),u[0]=0,o.copy(u,1,c),o=u):l!==o.length&&(u=Buffer.allocUnsafe(l),o.copy(u,0,c),o=u),o}a(e,"convertToMpint");class t{static{a(this,"KeyExchange")}constructor(c,l,u){this._protocol=l,this.sessionID=l._kex?l._kex.sessionID:void 0,this.negotiated=c,this.remoteExtInfoEnabled=!1,this._step=1,this._public=null,this._dh=null,this._sentNEWKEYS=!1,this._receivedNEWKEYS=!1,this._finished=!1,this._hostVerified=!1,this._kexinit=l._kexinit,this._remoteKexinit=u,this._identRaw=l._identRaw,this._remoteIdentRaw=l._remoteIdentRaw,this._hostKey=void 0,this._dhData=void 0,this._sig=void 0}finish(c){if(this._finished)return!1;this._finished=!0;let l=this._protocol._server,u=this.negotiated,d=this.convertPublicKey(this._dhData),f=this.computeSecret(this._dhData);if(f instanceof Error)return f.message=`Error while computing DH secret (${this.type}): ${f.message}`,f.level="handshake",He(this._protocol,f,Me.KEY_EXCHANGE_FAILED);let p=wf(this.hashName);Dn(p,l?this._remoteIdentRaw:this._identRaw),Dn(p,l?this._identRaw:this._remoteIdentRaw),Dn(p,l?this._remoteKexinit:this._kexinit),Dn(p,l?this._kexinit:this._remoteKexinit);let _=l?this._hostKey.getPublicSSH():this._hostKey;if(Dn(p,_),this.type==="groupex"){let T=this.getDHParams(),E=Buffer.allocUnsafe(4);Nt(E,this._minBits,0),p.update(E),Nt(E,this._prefBits,0),p.update(E),Nt(E,this._maxBits,0),p.update(E),Dn(p,T.prime),Dn(p,T.generator)}Dn(p,l?d:this.getPublicKey());let $=l?this.getPublicKey():d;Dn(p,$),Dn(p,f);let g=p.digest();if(l){let T;switch(this.negotiated.serverHostKey){case"rsa-sha2-256":T="sha256";break;case"rsa-sha2-512":T="sha512";break}this._protocol._debug&&this._protocol._debug("Generating signature ...");let E=this._hostKey.sign(g,T);if(E instanceof Error)return He(this._protocol,`Handshake failed: signature generation failed for ${this._hostKey.type} host key: ${E.message}`,"handshake",Me.KEY_EXCHANGE_FAILED);if(E=gC(E,this._hostKey.type),E===!1)return He(this._protocol,`Handshake failed: signature conversion failed for ${this._hostKey.type} host key`,"handshake",Me.KEY_EXCHANGE_FAILED);let L=this.negotiated.serverHostKey,j=Buffer.byteLength(L),ee=4+j+4+E.length,P=this._protocol._packetRW.write.allocStartKEX,G=this._protocol._packetRW.write.alloc(5+_.length+4+$.length+4+ee,!0);if(G[P]=nt.KEXDH_REPLY,Nt(G,_.length,++P),G.set(_,P+=4),Nt(G,$.length,P+=_.length),G.set($,P+=4),Nt(G,ee,P+=$.length),Nt(G,j,P+=4),G.utf8Write(L,P+=4,j),Nt(G,E.length,P+=j),G.set(E,P+=4),this._protocol._debug){let Q;switch(this.type){case"group":Q="KEXDH_REPLY";break;case"groupex":Q="KEXDH_GEX_REPLY";break;default:Q="KEXECDH_REPLY"}this._protocol._debug(`Outbound: Sending ${Q}`)}this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(G,!0))}else{Fe.init(this._sig,0);let T=Fe.readString(!0);if(!T)return He(this._protocol,"Malformed packet while reading signature","handshake",Me.KEY_EXCHANGE_FAILED);if(T!==u.serverHostKey)return He(this._protocol,`Wrong signature type: ${T}, expected: ${u.serverHostKey}`,"handshake",Me.KEY_EXCHANGE_FAILED);let E=Fe.readString();if(Fe.clear(),E===void 0)return He(this._protocol,"Malformed packet while reading signature","handshake",Me.KEY_EXCHANGE_FAILED);if(!(E=yC(E,T)))return He(this._protocol,"Malformed signature","handshake",Me.KEY_EXCHANGE_FAILED);let L;{Fe.init(this._hostKey,0);let P=Fe.readString(!0),G=this._hostKey.slice(Fe.pos());if(Fe.clear(),L=_C(G,P),L instanceof Error)return L.level="handshake",He(this._protocol,L,Me.KEY_EXCHANGE_FAILED)}let j;switch(this.negotiated.serverHostKey){case"rsa-sha2-256":j="sha256";break;case"rsa-sha2-512":j="sha512";break}this._protocol._debug&&this._protocol._debug("Verifying signature ...");let ee=L.verify(g,E,j);if(ee!==!0)return ee instanceof Error?this._protocol._debug&&this._protocol._debug(`Signature verification failed: ${ee.stack}`):this._protocol._debug&&this._protocol._debug("Signature verification failed"),He(this._protocol,"Handshake failed: signature verification failed","handshake",Me.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Verified signature")}(l||!c)&&uc(this);let y,k,x=a(T=>{if(y)return uc(this),y.outbound.seqno=this._protocol._cipher.outSeqno,this._protocol._cipher.free(),this._protocol._cipher=pC(y),this._protocol._packetRW.write=k,y=void 0,k=void 0,this._protocol._onHandshakeComplete(u),!1;this.sessionID||(this.sessionID=g);{let _e=Buffer.allocUnsafe(4+f.length);Nt(_e,f.length,0),_e.set(f,4),f=_e}let E=Fs[u.cs.cipher],L=Fs[u.sc.cipher],j=Us(E.ivLen,this.hashName,f,g,this.sessionID,"A"),ee=Us(L.ivLen,this.hashName,f,g,this.sessionID,"B"),P=Us(E.keyLen,this.hashName,f,g,this.sessionID,"C"),G=Us(L.keyLen,this.hashName,f,g,this.sessionID,"D"),Q,Z;E.authLen||(Q=hy[u.cs.mac],Z=Us(Q.len,this.hashName,f,g,this.sessionID,"E"));let X,he;L.authLen||(X=hy[u.sc.mac],he=Us(X.len,this.hashName,f,g,this.sessionID,"F"));let J={inbound:{onPayload:this._protocol._onPayload,seqno:this._protocol._decipher.inSeqno,decipherInfo:l?E:L,decipherIV:l?j:ee,decipherKey:l?P:G,macInfo:l?Q:X,macKey:l?Z:he},outbound:{onWrite:this._protocol._onWrite,seqno:this._protocol._cipher.outSeqno,cipherInfo:l?L:E,cipherIV:l?ee:j,cipherKey:l?G:P,macInfo:l?X:Q,macKey:l?he:Z}};this._protocol._decipher.free(),y=J,this._protocol._decipher=hC(J);let oe={read:void 0,write:void 0};switch(u.cs.compress){case"zlib":l?oe.read=new cc:oe.write=new lc(this._protocol);break;case"zlib@openssh.com":if(this._protocol._authenticated){l?oe.read=new cc:oe.write=new lc(this._protocol);break}default:l?oe.read=new _y:oe.write=new my(this._protocol)}switch(u.sc.compress){case"zlib":l?oe.write=new lc(this._protocol):oe.read=new cc;break;case"zlib@openssh.com":if(this._protocol._authenticated){l?oe.write=new lc(this._protocol):oe.read=new cc;break}default:l?oe.write=new my(this._protocol):oe.read=new _y}return this._protocol._packetRW.read.cleanup(),this._protocol._packetRW.write.cleanup(),this._protocol._packetRW.read=oe.read,k=oe.write,this._public=null,this._dh=null,this._kexinit=this._protocol._kexinit=void 0,this._remoteKexinit=void 0,this._identRaw=void 0,this._remoteIdentRaw=void 0,this._hostKey=void 0,this._dhData=void 0,this._sig=void 0,T?!1:x()},"completeHandshake");if((l||c)&&(this.finish=x),!l)return x(c)}start(){if(!this._protocol._server){if(this._protocol._debug){let d;this.type==="group"?d="KEXDH_INIT":d="KEXECDH_INIT",this._protocol._debug(`Outbound: Sending ${d}`)}let c=this.getPublicKey(),l=this._protocol._packetRW.write.allocStartKEX,u=this._protocol._packetRW.write.alloc(5+c.length,!0);u[l]=nt.KEXDH_INIT,Nt(u,c.length,++l),u.set(c,l+=4),this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(u,!0))}}getPublicKey(){this.generateKeys();let c=this._public;if(c)return this.convertPublicKey(c)}convertPublicKey(c){let l,u=0,d=c.length;for(;c[u]===0;)++u,--d;return c[u]&128?(l=Buffer.allocUnsafe(1+d),l[0]=0,c.copy(l,1,u),l):(d!==c.length&&(l=Buffer.allocUnsafe(d),c.copy(l,0,u),c=l),c)}computeSecret(c){this.generateKeys();try{return e(this._dh.computeSecret(c))}catch(l){return l}}parse(c){let l=c[0];switch(this._step){case 1:if(this._protocol._server){if(l!==nt.KEXDH_INIT)return He(this._protocol,`Received packet ${l} instead of ${nt.KEXDH_INIT}`,"handshake",Me.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Received DH Init"),Fe.init(c,1);let u=Fe.readString();if(Fe.clear(),u===void 0)return He(this._protocol,"Received malformed KEX*_INIT","handshake",Me.KEY_EXCHANGE_FAILED);this._dhData=u;let d=this._protocol._hostKeys[this.negotiated.serverHostKey];Array.isArray(d)&&(d=d[0]),this._hostKey=d,this.finish()}else{if(l!==nt.KEXDH_REPLY)return He(this._protocol,`Received packet ${l} instead of ${nt.KEXDH_REPLY}`,"handshake",Me.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Received DH Reply"),Fe.init(c,1);let u,d,f;if((u=Fe.readString())===void 0||(d=Fe.readString())===void 0||(f=Fe.readString())===void 0)return Fe.clear(),He(this._protocol,"Received malformed KEX*_REPLY","handshake",Me.KEY_EXCHANGE_FAILED);Fe.clear(),Fe.init(u,0);let p=Fe.readString(!0);if(Fe.clear(),p===void 0)return He(this._protocol,"Received malformed host public key","handshake",Me.KEY_EXCHANGE_FAILED);if(p!==this.negotiated.serverHostKey)switch(this.negotiated.serverHostKey){case"rsa-sha2-256":case"rsa-sha2-512":if(p==="ssh-rsa")break;default:return He(this._protocol,"Host key does not match negotiated type","handshake",Me.KEY_EXCHANGE_FAILED)}this._hostKey=u,this._dhData=d,this._sig=f;let _=!1,$;if(this._protocol._hostVerifier===void 0?($=!0,this._protocol._debug&&this._protocol._debug("Host accepted by default (no verification)")):$=this._protocol._hostVerifier(u,g=>{if(!_){if(_=!0,g===!1)return this._protocol._debug&&this._protocol._debug("Host denied (verification failed)"),He(this._protocol,"Host denied (verification failed)","handshake",Me.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Host accepted (verified)"),this._hostVerified=!0,this._receivedNEWKEYS?this.finish():uc(this)}}),$===void 0){++this._step;return}if(_=!0,$===!1)return this._protocol._debug&&this._protocol._debug("Host denied (verification failed)"),He(this._protocol,"Host denied (verification failed)","handshake",Me.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Host accepted (verified)"),this._hostVerified=!0,uc(this)}++this._step;break;case 2:return l!==nt.NEWKEYS?He(this._protocol,`Received packet ${l} instead of ${nt.NEWKEYS}`,"handshake",Me.KEY_EXCHANGE_FAILED):(this._protocol._debug&&this._protocol._debug("Inbound: NEWKEYS"),this._receivedNEWKEYS=!0,this._protocol._strictMode&&(this._protocol._decipher.inSeqno=0),++this._step,this.finish(!this._protocol._server&&!this._hostVerified));default:return He(this._protocol,`Received unexpected packet ${l} after NEWKEYS`,"handshake",Me.KEY_EXCHANGE_FAILED)}}}class n extends t{static{a(this,"Curve25519Exchange")}constructor(c,...l){super(...l),this.type="25519",this.hashName=c,this._keys=null}generateKeys(){this._keys||(this._keys=uC("x25519"))}getPublicKey(){return this.generateKeys(),this._keys.publicKey.export({type:"spki",format:"der"}).slice(-32)}convertPublicKey(c){let l,u=0,d=c.length;for(;c[u]===0;)++u,--d;return c.length===32||d!==c.length&&(l=Buffer.allocUnsafe(d),c.copy(l,0,u),c=l),c}computeSecret(c){this.generateKeys();try{let l=new dy.Writer;return l.startSequence(),l.startSequence(),l.writeOID("1.3.101.110"),l.endSequence(),l.startSequence(dy.BitString),l.writeByte(0),l._ensure(c.length),c.copy(l._buf,l._offset,0,c.length),l._offset+=c.length,l.endSequence(),l.endSequence(),e(lC({privateKey:this._keys.privateKey,publicKey:cC({key:l.buffer,type:"spki",format:"der"})}))}catch(l){return l}}}class r extends t{static{a(this,"ECDHExchange")}constructor(c,l,...u){super(...u),this.type="ecdh",this.curveName=c,this.hashName=l}generateKeys(){this._dh||(this._dh=aC(this.curveName),this._public=this._dh.generateKeys())}}class s extends t{static{a(this,"DHGroupExchange")}constructor(c,...l){super(...l),this.type="groupex",this.hashName=c,this._prime=null,this._generator=null,this._minBits=wC,this._prefBits=vC(this.negotiated),this._protocol._compatFlags&bf.BUG_DHGEX_LARGE&&(this._prefBits=Math.min(this._prefBits,4096)),this._maxBits=bC}start(){if(this._protocol._server)return;this._protocol._debug&&this._protocol._debug("Outbound: Sending KEXDH_GEX_REQUEST");let c=this._protocol._packetRW.write.allocStartKEX,l=this._protocol._packetRW.write.alloc(13,!0);l[c]=nt.KEXDH_GEX_REQUEST,Nt(l,this._minBits,++c),Nt(l,this._prefBits,c+=4),Nt(l,this._maxBits,c+=4),this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(l,!0))}generateKeys(){!this._dh&&this._prime&&this._generator&&(this._dh=iC(this._prime,this._generator),this._public=this._dh.generateKeys())}setDHParams(c,l){if(!Buffer.isBuffer(c))throw new Error("Invalid prime value");if(!Buffer.isBuffer(l))throw new Error("Invalid generator value");this._prime=c,this._generator=l}getDHParams(){if(this._dh)return{prime:e(this._dh.getPrime()),generator:e(this._dh.getGenerator())}}parse(c){let l=c[0];switch(this._step){case 1:{if(this._protocol._server)return l!==nt.KEXDH_GEX_REQUEST?He(this._protocol,`Received packet ${l} instead of `+nt.KEXDH_GEX_REQUEST,"handshake",Me.KEY_EXCHANGE_FAILED):He(this._protocol,"Group exchange not implemented for server","handshake",Me.KEY_EXCHANGE_FAILED);if(l!==nt.KEXDH_GEX_GROUP)return He(this._protocol,`Received packet ${l} instead of ${nt.KEXDH_GEX_GROUP}`,"handshake",Me.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Received DH GEX Group"),Fe.init(c,1);let u,d;if((u=Fe.readString())===void 0||(d=Fe.readString())===void 0)return Fe.clear(),He(this._protocol,"Received malformed KEXDH_GEX_GROUP","handshake",Me.KEY_EXCHANGE_FAILED);Fe.clear(),this.setDHParams(u,d),this.generateKeys();let f=this.getPublicKey();this._protocol._debug&&this._protocol._debug("Outbound: Sending KEXDH_GEX_INIT");let p=this._protocol._packetRW.write.allocStartKEX,_=this._protocol._packetRW.write.alloc(5+f.length,!0);_[p]=nt.KEXDH_GEX_INIT,Nt(_,f.length,++p),_.set(f,p+=4),this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(_,!0)),++this._step;break}case 2:if(this._protocol._server)return l!==nt.KEXDH_GEX_INIT?He(this._protocol,`Received packet ${l} instead of ${nt.KEXDH_GEX_INIT}`,"handshake",Me.KEY_EXCHANGE_FAILED):(this._protocol._debug&&this._protocol._debug("Received DH GEX Init"),He(this._protocol,"Group exchange not implemented for server","handshake",Me.KEY_EXCHANGE_FAILED));if(l!==nt.KEXDH_GEX_REPLY)return He(this._protocol,`Received packet ${l} instead of ${nt.KEXDH_GEX_REPLY}`,"handshake",Me.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Received DH GEX Reply"),this._step=1,c[0]=nt.KEXDH_REPLY,this.parse=t.prototype.parse,this.parse(c)}}}class i extends t{static{a(this,"DHExchange")}constructor(c,l,...u){super(...u),this.type="group",this.groupName=c,this.hashName=l}start(){if(!this._protocol._server){this._protocol._debug&&this._protocol._debug("Outbound: Sending KEXDH_INIT");let c=this.getPublicKey(),l=this._protocol._packetRW.write.allocStartKEX,u=this._protocol._packetRW.write.alloc(5+c.length,!0);u[l]=nt.KEXDH_INIT,Nt(u,c.length,++l),u.set(c,l+=4),this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(u,!0))}}generateKeys(){this._dh||(this._dh=oC(this.groupName),this._public=this._dh.generateKeys())}getDHParams(){if(this._dh)return{prime:e(this._dh.getPrime()),generator:e(this._dh.getGenerator())}}}return(o,...c)=>{if(typeof o!="object"||o===null)throw new Error("Invalid negotiated argument");let l=o.kex;if(typeof l=="string"){switch(c=[o,...c],l){case"curve25519-sha256":case"curve25519-sha256@libssh.org":if(!fC)break;return new n("sha256",...c);case"ecdh-sha2-nistp256":return new r("prime256v1","sha256",...c);case"ecdh-sha2-nistp384":return new r("secp384r1","sha384",...c);case"ecdh-sha2-nistp521":return new r("secp521r1","sha512",...c);case"diffie-hellman-group1-sha1":return new i("modp2","sha1",...c);case"diffie-hellman-group14-sha1":return new i("modp14","sha1",...c);case"diffie-hellman-group14-sha256":return new i("modp14","sha256",...c);case"diffie-hellman-group15-sha512":return new i("modp15","sha512",...c);case"diffie-hellman-group16-sha512":return new i("modp16","sha512",...c);case"diffie-hellman-group17-sha512":return new i("modp17","sha512",...c);case"diffie-hellman-group18-sha512":return new i("modp18","sha512",...c);case"diffie-hellman-group-exchange-sha1":return new s("sha1",...c);case"diffie-hellman-group-exchange-sha256":return new s("sha256",...c)}throw new Error(`Unsupported key exchange algorithm: ${l}`)}throw new Error(`Invalid key exchange type: ${l}`)}})(),yf=(()=>{let e=["kex","serverHostKey",["cs","cipher"],["sc","cipher"],["cs","mac"],["sc","mac"],["cs","compress"],["sc","compress"],["cs","lang"],["sc","lang"]];return class{static{a(this,"KexInit")}constructor(n){if(typeof n!="object"||n===null)throw new TypeError("Argument must be an object");let r={kex:void 0,serverHostKey:void 0,cs:{cipher:void 0,mac:void 0,compress:void 0,lang:void 0},sc:{cipher:void 0,mac:void 0,compress:void 0,lang:void 0},all:void 0},s=0;for(let c of e){let l,u,d,f;if(typeof c=="string")l=r,u=n[c],d=f=c;else{let _=c[0];l=r[_],f=c[1],u=n[_][f],d=`${_}.${f}`}let p={array:void 0,buffer:void 0};if(Buffer.isBuffer(u))p.array=(""+u).split(","),p.buffer=u,s+=4+u.length;else{if(typeof u=="string"&&(u=u.split(",")),Array.isArray(u))p.array=u,p.buffer=Buffer.from(u.join(","));else throw new TypeError(`Invalid \`${d}\` type: ${typeof u}`);s+=4+p.buffer.length}l[f]=p}let i=Buffer.allocUnsafe(s);r.all=i;let o=0;for(let c of e){let l;typeof c=="string"?l=r[c].buffer:l=r[c[0]][c[1]].buffer,o=Nt(i,l.length,o),i.set(l,o),o+=l.length}this.totalSize=s,this.lists=r}copyAllTo(n,r){let s=this.lists.all;if(typeof r!="number")throw new TypeError(`Invalid offset value: ${typeof r}`);if(n.length-r<s.length)throw new Error("Insufficient space to copy list");return n.set(s,r),s.length}}})(),Dn=(()=>{let e=Buffer.allocUnsafe(4);return(t,n)=>{Nt(e,n.length,0),t.update(e),t.update(n)}})();function Us(e,t,n,r,s,i){let o;if(e){let c=wf(t).update(n).update(r).update(i).update(s).digest();for(;c.length<e;){let l=wf(t).update(n).update(r).update(c).digest(),u=Buffer.allocUnsafe(c.length+l.length);u.set(c,0),u.set(l,c.length),c=u}c.length===e?o=c:o=new $C(c.buffer,c.byteOffset,e)}else o=AC;return o}a(Us,"generateKEXVal");function yy(e,t){if(t.length===0){this._debug&&this._debug("Inbound: Skipping empty packet payload");return}if(this._skipNextInboundPacket){this._skipNextInboundPacket=!1;return}t=this._packetRW.read.read(t);let n=t[0];if(!this._strictMode)switch(n){case nt.IGNORE:case nt.UNIMPLEMENTED:case nt.DEBUG:return Ds||(Ds=sc()),Ds[n](this,t)}switch(n){case nt.DISCONNECT:return Ds||(Ds=sc()),Ds[n](this,t);case nt.KEXINIT:return e.firstPacket?(e.firstPacket=!1,$y(this,t)):He(this,"Received extra KEXINIT during handshake","handshake",Me.KEY_EXCHANGE_FAILED);default:if(n<20||n>49)return He(this,`Received unexpected packet type ${n}`,"handshake",Me.KEY_EXCHANGE_FAILED)}return this._kex.parse(t)}a(yy,"onKEXPayload");function vC(e){let t=Fs[e.cs.cipher],n=Fs[e.sc.cipher],r=Math.max(0,t.sslName==="des-ede3-cbc"?14:t.keyLen,t.blockLen,t.ivLen,n.sslName==="des-ede3-cbc"?14:n.keyLen,n.blockLen,n.ivLen)*8;return r<=112?2048:r<=128?3072:r<=192?7680:8192}a(vC,"dhEstimate");function uc(e){if(!e._sentNEWKEYS){e._protocol._debug&&e._protocol._debug("Outbound: Sending NEWKEYS");let t=e._protocol._packetRW.write.allocStartKEX,n=e._protocol._packetRW.write.alloc(1,!0);n[t]=nt.NEWKEYS,e._protocol._cipher.encrypt(e._protocol._packetRW.write.finalize(n,!0)),e._sentNEWKEYS=!0,e._protocol._strictMode&&(e._protocol._cipher.outSeqno=0)}}a(uc,"trySendNEWKEYS");wy.exports={KexInit:yf,kexinit:gy,onKEXPayload:yy,DEFAULT_KEXINIT_CLIENT:new yf({kex:fy.concat(["ext-info-c","kex-strict-c-v00@openssh.com"]),serverHostKey:py,cs:{cipher:ic,mac:oc,compress:ac,lang:[]},sc:{cipher:ic,mac:oc,compress:ac,lang:[]}}),DEFAULT_KEXINIT_SERVER:new yf({kex:fy.concat(["kex-strict-s-v00@openssh.com"]),serverHostKey:py,cs:{cipher:ic,mac:oc,compress:ac,lang:[]},sc:{cipher:ic,mac:oc,compress:ac,lang:[]}}),HANDLERS:{[nt.KEXINIT]:$y}}});var by=q((Tj,xC)=>{xC.exports={name:"ssh2",version:"1.17.0",author:"Brian White <mscdex@mscdex.net>",description:"SSH2 client and server modules written in pure JavaScript for node.js",main:"./lib/index.js",engines:{node:">=10.16.0"},dependencies:{asn1:"^0.2.6","bcrypt-pbkdf":"^1.0.2"},devDependencies:{"@mscdex/eslint-config":"^1.1.0",eslint:"^7.32.0"},optionalDependencies:{"cpu-features":"~0.0.10",nan:"^2.23.0"},scripts:{install:"node install.js",rebuild:"node install.js",test:"node test/test.js",lint:"eslint --cache --report-unused-disable-directives --ext=.js .eslintrc.js examples lib test","lint:fix":"npm run lint -- --fix"},keywords:["ssh","ssh2","sftp","secure","shell","exec","remote","client"],licenses:[{type:"MIT",url:"http://github.com/mscdex/ssh2/raw/master/LICENSE"}],repository:{type:"git",url:"http://github.com/mscdex/ssh2.git"}}});var By=q((Nj,Ry)=>{"use strict";var{inspect:Sy}=require("util"),{bindingAvailable:EC,NullCipher:SC,NullDecipher:IC}=Ts(),{COMPAT_CHECKS:CC,DISCONNECT_REASON:Iy,eddsaSupported:PC,MESSAGE:ye,SIGNALS:Ay,TERMINAL_MODE:kf}=_r(),{DEFAULT_KEXINIT_CLIENT:TC,DEFAULT_KEXINIT_SERVER:NC,KexInit:ky,kexinit:Cy,onKEXPayload:OC}=$f(),{parseKey:vy}=Gr(),RC=sc(),{bufferCopy:dc,bufferFill:BC,bufferSlice:Py,convertSignature:xy,sendPacket:be,writeUInt32BE:S}=Zn(),{PacketReader:LC,PacketWriter:DC,ZlibPacketReader:Ty,ZlibPacketWriter:Ny}=_f(),UC=by().version,FC=new Map(Object.values(Iy).map(e=>[e,1])),Oy=Buffer.from(`SSH-2.0-ssh2js${UC}`),MC=Buffer.from(`${Oy}\r
`),HC=8192,zC=1024,Ey=Buffer.from([ye.GLOBAL_REQUEST,0,0,0,21,107,101,101,112,97,108,105,118,101,64,111,112,101,110,115,115,104,46,99,111,109,1]),jC=Buffer.from([kf.TTY_OP_END]);function Af(){}a(Af,"noop");var vf=class{static{a(this,"Protocol")}constructor(t){let n=t.onWrite;if(typeof n!="function")throw new Error("Missing onWrite function");this._onWrite=_=>{n(_)};let r=t.onError;if(typeof r!="function")throw new Error("Missing onError function");this._onError=_=>{r(_)};let s=t.debug;this._debug=typeof s=="function"?_=>{s(_)}:void 0;let i=t.onHeader;this._onHeader=typeof i=="function"?(..._)=>{i(..._)}:Af;let o=t.onPacket;this._onPacket=typeof o=="function"?()=>{o()}:Af;let c=t.onHandshakeComplete;typeof c!="function"&&(c=Af);let l;this._onHandshakeComplete=(..._)=>{this._debug&&this._debug("Handshake completed"),l===void 0?l=!0:l=!1;let $=this._queue;if($){this._queue=void 0,this._debug&&this._debug(`Draining outbound queue (${$.length}) ...`);for(let g=0;g<$.length;++g){let y=$[g],k=this._packetRW.write.finalize(y);if(k===y){let x=this._cipher.allocPacket(y.length);x.set(y,5),k=x}be(this,k)}this._debug&&this._debug("... finished draining outbound queue")}l&&this._server&&this._kex.remoteExtInfoEnabled&&YC(this),c(..._)},this._queue=void 0;let u=t.messageHandlers;typeof u=="object"&&u!==null?this._handlers=u:this._handlers={},this._onPayload=WC.bind(this),this._server=!!t.server,this._banner=void 0;let d;if(this._server){if(typeof t.hostKeys!="object"||t.hostKeys===null)throw new Error("Missing server host key(s)");this._hostKeys=t.hostKeys,typeof t.greeting=="string"&&t.greeting.length&&(d=t.greeting.slice(-2)===`\r
`?t.greeting:`${t.greeting}\r
`),typeof t.banner=="string"&&t.banner.length&&(this._banner=t.banner.slice(-2)===`\r
`?t.banner:`${t.banner}\r
`)}else this._hostKeys=void 0;let f=t.offer;typeof f!="object"||f===null?f=this._server?NC:TC:f.constructor!==ky&&(this._server?f.kex=f.kex.concat(["kex-strict-s-v00@openssh.com"]):f.kex=f.kex.concat(["ext-info-c","kex-strict-c-v00@openssh.com"]),f=new ky(f)),this._kex=void 0,this._strictMode=void 0,this._kexinit=void 0,this._offer=f,this._cipher=new SC(0,this._onWrite),this._decipher=void 0,this._skipNextInboundPacket=!1,this._packetRW={read:new LC,write:new DC(this)},this._hostVerifier=!this._server&&typeof t.hostVerifier=="function"?t.hostVerifier:void 0,this._parse=KC,this._buffer=void 0,this._authsQueue=[],this._authenticated=!1,this._remoteIdentRaw=void 0;let p;if(typeof t.ident=="string")this._identRaw=Buffer.from(`SSH-2.0-${t.ident}`),p=Buffer.allocUnsafe(this._identRaw.length+2),p.set(this._identRaw,0),p[p.length-2]=13,p[p.length-1]=10;else if(Buffer.isBuffer(t.ident)){let _=Buffer.allocUnsafe(8+t.ident.length);_.latin1Write("SSH-2.0-",0,8),_.set(t.ident,8),this._identRaw=_,p=Buffer.allocUnsafe(_.length+2),p.set(_,0),p[p.length-2]=13,p[p.length-1]=10}else this._identRaw=Oy,p=MC;this._compatFlags=0,this._debug&&(EC?this._debug("Custom crypto binding available"):this._debug("Custom crypto binding not available")),this._debug&&this._debug(`Local ident: ${Sy(this._identRaw.toString())}`),this.start=()=>{this.start=void 0,d&&this._onWrite(d),this._onWrite(p)}}_destruct(t){this._packetRW.read.cleanup(),this._packetRW.write.cleanup(),this._cipher&&this._cipher.free(),this._decipher&&this._decipher.free(),(typeof t!="string"||t.length===0)&&(t="fatal error"),this.parse=()=>{throw new Error(`Instance unusable after ${t}`)},this._onWrite=()=>{throw new Error(`Instance unusable after ${t}`)},this._destruct=void 0}cleanup(){this._destruct&&this._destruct()}parse(t,n,r){for(;n<r;)n=this._parse(t,n,r)}disconnect(t){let r=this._packetRW.write.allocStartKEX,s=this._packetRW.write.alloc(13,!0),i=r+13;FC.has(t)||(t=Iy.PROTOCOL_ERROR),s[r]=ye.DISCONNECT,S(s,t,++r),s.fill(0,r+=4,i),this._debug&&this._debug(`Outbound: Sending DISCONNECT (${t})`),be(this,this._packetRW.write.finalize(s,!0),!0)}ping(){let t=this._packetRW.write.allocStart,n=this._packetRW.write.alloc(Ey.length);n.set(Ey,t),this._debug&&this._debug("Outbound: Sending ping (GLOBAL_REQUEST: keepalive@openssh.com)"),be(this,this._packetRW.write.finalize(n))}rekey(){this._kexinit===void 0?(this._debug&&this._debug("Outbound: Initiated explicit rekey"),this._queue=[],Cy(this)):this._debug&&this._debug("Outbound: Ignoring rekey during handshake")}requestSuccess(t){let n=this._packetRW.write.allocStart,r;Buffer.isBuffer(t)?(r=this._packetRW.write.alloc(1+t.length),r[n]=ye.REQUEST_SUCCESS,r.set(t,++n)):(r=this._packetRW.write.alloc(1),r[n]=ye.REQUEST_SUCCESS),this._debug&&this._debug("Outbound: Sending REQUEST_SUCCESS"),be(this,this._packetRW.write.finalize(r))}requestFailure(){let t=this._packetRW.write.allocStart,n=this._packetRW.write.alloc(1);n[t]=ye.REQUEST_FAILURE,this._debug&&this._debug("Outbound: Sending REQUEST_FAILURE"),be(this,this._packetRW.write.finalize(n))}channelSuccess(t){let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(5);r[n]=ye.CHANNEL_SUCCESS,S(r,t,++n),this._debug&&this._debug(`Outbound: Sending CHANNEL_SUCCESS (r:${t})`),be(this,this._packetRW.write.finalize(r))}channelFailure(t){let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(5);r[n]=ye.CHANNEL_FAILURE,S(r,t,++n),this._debug&&this._debug(`Outbound: Sending CHANNEL_FAILURE (r:${t})`),be(this,this._packetRW.write.finalize(r))}channelEOF(t){let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(5);r[n]=ye.CHANNEL_EOF,S(r,t,++n),this._debug&&this._debug(`Outbound: Sending CHANNEL_EOF (r:${t})`),be(this,this._packetRW.write.finalize(r))}channelClose(t){let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(5);r[n]=ye.CHANNEL_CLOSE,S(r,t,++n),this._debug&&this._debug(`Outbound: Sending CHANNEL_CLOSE (r:${t})`),be(this,this._packetRW.write.finalize(r))}channelWindowAdjust(t,n){let r=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(9);s[r]=ye.CHANNEL_WINDOW_ADJUST,S(s,t,++r),S(s,n,r+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_WINDOW_ADJUST (r:${t}, ${n})`),be(this,this._packetRW.write.finalize(s))}channelData(t,n){let r=Buffer.isBuffer(n),s=r?n.length:Buffer.byteLength(n),i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(9+s);o[i]=ye.CHANNEL_DATA,S(o,t,++i),S(o,s,i+=4),r?o.set(n,i+=4):o.utf8Write(n,i+=4,s),this._debug&&this._debug(`Outbound: Sending CHANNEL_DATA (r:${t}, ${s})`),be(this,this._packetRW.write.finalize(o))}channelExtData(t,n,r){let s=Buffer.isBuffer(n),i=s?n.length:Buffer.byteLength(n),o=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(13+i);c[o]=ye.CHANNEL_EXTENDED_DATA,S(c,t,++o),S(c,r,o+=4),S(c,i,o+=4),s?c.set(n,o+=4):c.utf8Write(n,o+=4,i),this._debug&&this._debug(`Outbound: Sending CHANNEL_EXTENDED_DATA (r:${t})`),be(this,this._packetRW.write.finalize(c))}channelOpenConfirm(t,n,r,s){let i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(17);o[i]=ye.CHANNEL_OPEN_CONFIRMATION,S(o,t,++i),S(o,n,i+=4),S(o,r,i+=4),S(o,s,i+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN_CONFIRMATION (r:${t}, l:${n})`),be(this,this._packetRW.write.finalize(o))}channelOpenFail(t,n,r){typeof r!="string"&&(r="");let s=Buffer.byteLength(r),i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(13+s+4);o[i]=ye.CHANNEL_OPEN_FAILURE,S(o,t,++i),S(o,n,i+=4),S(o,s,i+=4),i+=4,s&&(o.utf8Write(r,i,s),i+=s),S(o,0,i),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN_FAILURE (r:${t})`),be(this,this._packetRW.write.finalize(o))}service(t){if(this._server)throw new Error("Client-only method called in server mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(5+n);s[r]=ye.SERVICE_REQUEST,S(s,n,++r),s.utf8Write(t,r+=4,n),this._debug&&this._debug(`Outbound: Sending SERVICE_REQUEST (${t})`),be(this,this._packetRW.write.finalize(s))}authPassword(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let s=Buffer.byteLength(t),i=Buffer.byteLength(n),o=r?Buffer.byteLength(r):0,c=this._packetRW.write.allocStart,l=this._packetRW.write.alloc(5+s+4+14+4+8+1+4+i+(r?4+o:0));l[c]=ye.USERAUTH_REQUEST,S(l,s,++c),l.utf8Write(t,c+=4,s),S(l,14,c+=s),l.utf8Write("ssh-connection",c+=4,14),S(l,8,c+=14),l.utf8Write("password",c+=4,8),l[c+=8]=r?1:0,S(l,i,++c),Buffer.isBuffer(n)?dc(n,l,0,i,c+=4):l.utf8Write(n,c+=4,i),r?(S(l,o,c+=i),Buffer.isBuffer(r)?dc(r,l,0,o,c+=4):l.utf8Write(r,c+=4,o),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (changed password)")):this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (password)"),this._authsQueue.push("password"),be(this,this._packetRW.write.finalize(l))}authPK(t,n,r,s){if(this._server)throw new Error("Client-only method called in server mode");if(n=vy(n),n instanceof Error)throw new Error("Invalid key");let i=n.type;n=n.getPublicSSH(),typeof r=="function"&&(s=r,r=void 0),r||(r=i);let o=Buffer.byteLength(t),c=Buffer.byteLength(r),l=n.length,u=this._kex.sessionID,d=u.length,f=(s?4+d:0)+1+4+o+4+14+4+9+1+4+c+4+l,p,_;if(s?(p=Buffer.allocUnsafe(f),_=0,S(p,d,_),p.set(u,_+=4),_+=d):(p=this._packetRW.write.alloc(f),_=this._packetRW.write.allocStart),p[_]=ye.USERAUTH_REQUEST,S(p,o,++_),p.utf8Write(t,_+=4,o),S(p,14,_+=o),p.utf8Write("ssh-connection",_+=4,14),S(p,9,_+=14),p.utf8Write("publickey",_+=4,9),p[_+=9]=s?1:0,S(p,c,++_),p.utf8Write(r,_+=4,c),S(p,l,_+=c),p.set(n,_+=4),!s){this._authsQueue.push("publickey"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (publickey -- check)"),be(this,this._packetRW.write.finalize(p));return}s(p,$=>{if($=xy($,i),$===!1)throw new Error("Error while converting handshake signature");let g=$.length;_=this._packetRW.write.allocStart,p=this._packetRW.write.alloc(5+o+4+14+4+9+1+4+c+4+l+4+4+c+4+g),p[_]=ye.USERAUTH_REQUEST,S(p,o,++_),p.utf8Write(t,_+=4,o),S(p,14,_+=o),p.utf8Write("ssh-connection",_+=4,14),S(p,9,_+=14),p.utf8Write("publickey",_+=4,9),p[_+=9]=1,S(p,c,++_),p.utf8Write(r,_+=4,c),S(p,l,_+=c),p.set(n,_+=4),S(p,4+c+4+g,_+=l),S(p,c,_+=4),p.utf8Write(r,_+=4,c),S(p,g,_+=c),p.set($,_+=4),this._authsQueue.push("publickey"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (publickey)"),be(this,this._packetRW.write.finalize(p))})}authHostbased(t,n,r,s,i,o){if(this._server)throw new Error("Client-only method called in server mode");if(n=vy(n),n instanceof Error)throw new Error("Invalid key");let c=n.type;n=n.getPublicSSH(),typeof i=="function"&&(o=i,i=void 0),i||(i=c);let l=Buffer.byteLength(t),u=Buffer.byteLength(i),d=n.length,f=this._kex.sessionID,p=f.length,_=Buffer.byteLength(r),$=Buffer.byteLength(s),g=Buffer.allocUnsafe(4+p+1+4+l+4+14+4+9+4+u+4+d+4+_+4+$),y=0;S(g,p,y),g.set(f,y+=4),g[y+=p]=ye.USERAUTH_REQUEST,S(g,l,++y),g.utf8Write(t,y+=4,l),S(g,14,y+=l),g.utf8Write("ssh-connection",y+=4,14),S(g,9,y+=14),g.utf8Write("hostbased",y+=4,9),S(g,u,y+=9),g.utf8Write(i,y+=4,u),S(g,d,y+=u),g.set(n,y+=4),S(g,_,y+=d),g.utf8Write(r,y+=4,_),S(g,$,y+=_),g.utf8Write(s,y+=4,$),o(g,k=>{if(k=xy(k,c),!k)throw new Error("Error while converting handshake signature");let x=k.length,T=g.length-p-4;y=this._packetRW.write.allocStart;let E=this._packetRW.write.alloc(T+4+4+u+4+x);dc(g,E,4+p,g.length,y),S(E,4+u+4+x,y+=T),S(E,u,y+=4),E.utf8Write(i,y+=4,u),S(E,x,y+=u),E.set(k,y+=4),this._authsQueue.push("hostbased"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (hostbased)"),be(this,this._packetRW.write.finalize(E))})}authKeyboard(t){if(this._server)throw new Error("Client-only method called in server mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(5+n+4+14+4+20+4+4);s[r]=ye.USERAUTH_REQUEST,S(s,n,++r),s.utf8Write(t,r+=4,n),S(s,14,r+=n),s.utf8Write("ssh-connection",r+=4,14),S(s,20,r+=14),s.utf8Write("keyboard-interactive",r+=4,20),S(s,0,r+=20),S(s,0,r+=4),this._authsQueue.push("keyboard-interactive"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (keyboard-interactive)"),be(this,this._packetRW.write.finalize(s))}authNone(t){if(this._server)throw new Error("Client-only method called in server mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(5+n+4+14+4+4);s[r]=ye.USERAUTH_REQUEST,S(s,n,++r),s.utf8Write(t,r+=4,n),S(s,14,r+=n),s.utf8Write("ssh-connection",r+=4,14),S(s,4,r+=14),s.utf8Write("none",r+=4,4),this._authsQueue.push("none"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (none)"),be(this,this._packetRW.write.finalize(s))}authInfoRes(t){if(this._server)throw new Error("Client-only method called in server mode");let n=0,r;if(t){r=new Array(t.length);for(let o=0;o<t.length;++o){let c=Buffer.byteLength(t[o]);r[o]=c,n+=4+c}}let s=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(5+n);if(i[s]=ye.USERAUTH_INFO_RESPONSE,t){S(i,t.length,++s),s+=4;for(let o=0;o<t.length;++o){let c=r[o];S(i,c,s),s+=4,c&&(i.utf8Write(t[o],s,c),s+=c)}}else S(i,0,++s);this._debug&&this._debug("Outbound: Sending USERAUTH_INFO_RESPONSE"),be(this,this._packetRW.write.finalize(i))}tcpipForward(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let s=Buffer.byteLength(t),i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(23+s+4);o[i]=ye.GLOBAL_REQUEST,S(o,13,++i),o.utf8Write("tcpip-forward",i+=4,13),o[i+=13]=r===void 0||r===!0?1:0,S(o,s,++i),o.utf8Write(t,i+=4,s),S(o,n,i+=s),this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (tcpip-forward)"),be(this,this._packetRW.write.finalize(o))}cancelTcpipForward(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let s=Buffer.byteLength(t),i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(30+s+4);o[i]=ye.GLOBAL_REQUEST,S(o,20,++i),o.utf8Write("cancel-tcpip-forward",i+=4,20),o[i+=20]=r===void 0||r===!0?1:0,S(o,s,++i),o.utf8Write(t,i+=4,s),S(o,n,i+=s),this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (cancel-tcpip-forward)"),be(this,this._packetRW.write.finalize(o))}openssh_streamLocalForward(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=Buffer.byteLength(t),s=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(41+r);i[s]=ye.GLOBAL_REQUEST,S(i,31,++s),i.utf8Write("streamlocal-forward@openssh.com",s+=4,31),i[s+=31]=n===void 0||n===!0?1:0,S(i,r,++s),i.utf8Write(t,s+=4,r),this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (streamlocal-forward@openssh.com)"),be(this,this._packetRW.write.finalize(i))}openssh_cancelStreamLocalForward(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=Buffer.byteLength(t),s=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(48+r);i[s]=ye.GLOBAL_REQUEST,S(i,38,++s),i.utf8Write("cancel-streamlocal-forward@openssh.com",s+=4,38),i[s+=38]=n===void 0||n===!0?1:0,S(i,r,++s),i.utf8Write(t,s+=4,r),this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (cancel-streamlocal-forward@openssh.com)"),be(this,this._packetRW.write.finalize(i))}directTcpip(t,n,r,s){if(this._server)throw new Error("Client-only method called in server mode");let i=Buffer.byteLength(s.srcIP),o=Buffer.byteLength(s.dstIP),c=this._packetRW.write.allocStart,l=this._packetRW.write.alloc(33+i+4+4+o+4);l[c]=ye.CHANNEL_OPEN,S(l,12,++c),l.utf8Write("direct-tcpip",c+=4,12),S(l,t,c+=12),S(l,n,c+=4),S(l,r,c+=4),S(l,o,c+=4),l.utf8Write(s.dstIP,c+=4,o),S(l,s.dstPort,c+=o),S(l,i,c+=4),l.utf8Write(s.srcIP,c+=4,i),S(l,s.srcPort,c+=i),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, direct-tcpip)`),be(this,this._packetRW.write.finalize(l))}openssh_directStreamLocal(t,n,r,s){if(this._server)throw new Error("Client-only method called in server mode");let i=Buffer.byteLength(s.socketPath),o=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(51+i+4+4);c[o]=ye.CHANNEL_OPEN,S(c,30,++o),c.utf8Write("direct-streamlocal@openssh.com",o+=4,30),S(c,t,o+=30),S(c,n,o+=4),S(c,r,o+=4),S(c,i,o+=4),c.utf8Write(s.socketPath,o+=4,i),BC(c,0,o+=i,o+8),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, direct-streamlocal@openssh.com)`),be(this,this._packetRW.write.finalize(c))}openssh_noMoreSessions(t){if(this._server)throw new Error("Client-only method called in server mode");let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(34);r[n]=ye.GLOBAL_REQUEST,S(r,28,++n),r.utf8Write("no-more-sessions@openssh.com",n+=4,28),r[n+=28]=t===void 0||t===!0?1:0,this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (no-more-sessions@openssh.com)"),be(this,this._packetRW.write.finalize(r))}session(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let s=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(24);i[s]=ye.CHANNEL_OPEN,S(i,7,++s),i.utf8Write("session",s+=4,7),S(i,t,s+=7),S(i,n,s+=4),S(i,r,s+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, session)`),be(this,this._packetRW.write.finalize(i))}windowChange(t,n,r,s,i){if(this._server)throw new Error("Client-only method called in server mode");let o=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(39);c[o]=ye.CHANNEL_REQUEST,S(c,t,++o),S(c,13,o+=4),c.utf8Write("window-change",o+=4,13),c[o+=13]=0,S(c,r,++o),S(c,n,o+=4),S(c,i,o+=4),S(c,s,o+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, window-change)`),be(this,this._packetRW.write.finalize(c))}pty(t,n,r,s,i,o,c,l){if(this._server)throw new Error("Client-only method called in server mode");(!o||!o.length)&&(o="vt100"),c&&!Buffer.isBuffer(c)&&!Array.isArray(c)&&typeof c=="object"&&c!==null&&(c=ZC(c)),(!c||!c.length)&&(c=jC);let u=o.length,d=c.length,f=this._packetRW.write.allocStart,p=this._packetRW.write.alloc(21+u+4+4+4+4+4+d);if(p[f]=ye.CHANNEL_REQUEST,S(p,t,++f),S(p,7,f+=4),p.utf8Write("pty-req",f+=4,7),p[f+=7]=l===void 0||l===!0?1:0,S(p,u,++f),p.utf8Write(o,f+=4,u),S(p,r,f+=u),S(p,n,f+=4),S(p,i,f+=4),S(p,s,f+=4),S(p,d,f+=4),f+=4,Array.isArray(c))for(let _=0;_<d;++_)p[f++]=c[_];else Buffer.isBuffer(c)&&p.set(c,f);this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, pty-req)`),be(this,this._packetRW.write.finalize(p))}shell(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(15);s[r]=ye.CHANNEL_REQUEST,S(s,t,++r),S(s,5,r+=4),s.utf8Write("shell",r+=4,5),s[r+=5]=n===void 0||n===!0?1:0,this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, shell)`),be(this,this._packetRW.write.finalize(s))}exec(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let s=Buffer.isBuffer(n),i=s?n.length:Buffer.byteLength(n),o=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(18+i);c[o]=ye.CHANNEL_REQUEST,S(c,t,++o),S(c,4,o+=4),c.utf8Write("exec",o+=4,4),c[o+=4]=r===void 0||r===!0?1:0,S(c,i,++o),s?c.set(n,o+=4):c.utf8Write(n,o+=4,i),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, exec: ${n})`),be(this,this._packetRW.write.finalize(c))}signal(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=n;if(n=n.toUpperCase(),n.slice(0,3)==="SIG"&&(n=n.slice(3)),Ay[n]!==1)throw new Error(`Invalid signal: ${r}`);let s=n.length,i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(20+s);o[i]=ye.CHANNEL_REQUEST,S(o,t,++i),S(o,6,i+=4),o.utf8Write("signal",i+=4,6),o[i+=6]=0,S(o,s,++i),o.utf8Write(n,i+=4,s),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, signal: ${n})`),be(this,this._packetRW.write.finalize(o))}env(t,n,r,s){if(this._server)throw new Error("Client-only method called in server mode");let i=Buffer.byteLength(n),o=Buffer.isBuffer(r),c=o?r.length:Buffer.byteLength(r),l=this._packetRW.write.allocStart,u=this._packetRW.write.alloc(17+i+4+c);u[l]=ye.CHANNEL_REQUEST,S(u,t,++l),S(u,3,l+=4),u.utf8Write("env",l+=4,3),u[l+=3]=s===void 0||s===!0?1:0,S(u,i,++l),u.utf8Write(n,l+=4,i),S(u,c,l+=i),o?u.set(r,l+=4):u.utf8Write(r,l+=4,c),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, env: ${n}=${r})`),be(this,this._packetRW.write.finalize(u))}x11Forward(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let s=n.protocol,i=n.cookie,o=Buffer.isBuffer(s),c=o?s.length:Buffer.byteLength(s),l=Buffer.isBuffer(i),u=l?i.length:Buffer.byteLength(i),d=this._packetRW.write.allocStart,f=this._packetRW.write.alloc(22+c+4+u+4);f[d]=ye.CHANNEL_REQUEST,S(f,t,++d),S(f,7,d+=4),f.utf8Write("x11-req",d+=4,7),f[d+=7]=r===void 0||r===!0?1:0,f[++d]=n.single?1:0,S(f,c,++d),o?f.set(s,d+=4):f.utf8Write(s,d+=4,c),S(f,u,d+=c),l?f.set(i,d+=4):f.latin1Write(i,d+=4,u),S(f,n.screen||0,d+=u),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, x11-req)`),be(this,this._packetRW.write.finalize(f))}subsystem(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let s=Buffer.byteLength(n),i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(23+s);o[i]=ye.CHANNEL_REQUEST,S(o,t,++i),S(o,9,i+=4),o.utf8Write("subsystem",i+=4,9),o[i+=9]=r===void 0||r===!0?1:0,S(o,s,++i),o.utf8Write(n,i+=4,s),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, subsystem: ${n})`),be(this,this._packetRW.write.finalize(o))}openssh_agentForward(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(36);s[r]=ye.CHANNEL_REQUEST,S(s,t,++r),S(s,26,r+=4),s.utf8Write("auth-agent-req@openssh.com",r+=4,26),s[r+=26]=n===void 0||n===!0?1:0,this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, auth-agent-req@openssh.com)`),be(this,this._packetRW.write.finalize(s))}openssh_hostKeysProve(t){if(this._server)throw new Error("Client-only method called in server mode");let n=0,r=[];for(let o of t){let c=o.getPublicSSH();n+=4+c.length,r.push(c)}let s=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(35+n);i[s]=ye.GLOBAL_REQUEST,S(i,29,++s),i.utf8Write("hostkeys-prove-00@openssh.com",s+=4,29),i[s+=29]=1,++s;for(let o of r)S(i,o.length,s),dc(o,i,0,o.length,s+=4),s+=o.length;this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (hostkeys-prove-00@openssh.com)"),be(this,this._packetRW.write.finalize(i))}serviceAccept(t){if(!this._server)throw new Error("Server-only method called in client mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(5+n);if(s[r]=ye.SERVICE_ACCEPT,S(s,n,++r),s.utf8Write(t,r+=4,n),this._debug&&this._debug(`Outbound: Sending SERVICE_ACCEPT (${t})`),be(this,this._packetRW.write.finalize(s)),this._server&&this._banner&&t==="ssh-userauth"){let i=this._banner;this._banner=void 0;let o=Buffer.byteLength(i);r=this._packetRW.write.allocStart;let c=this._packetRW.write.alloc(5+o+4);c[r]=ye.USERAUTH_BANNER,S(c,o,++r),c.utf8Write(i,r+=4,o),S(c,0,r+=o),this._debug&&this._debug("Outbound: Sending USERAUTH_BANNER"),be(this,this._packetRW.write.finalize(c))}}forwardedTcpip(t,n,r,s){if(!this._server)throw new Error("Server-only method called in client mode");let i=Buffer.byteLength(s.boundAddr),o=Buffer.byteLength(s.remoteAddr),c=this._packetRW.write.allocStart,l=this._packetRW.write.alloc(36+i+4+4+o+4);l[c]=ye.CHANNEL_OPEN,S(l,15,++c),l.utf8Write("forwarded-tcpip",c+=4,15),S(l,t,c+=15),S(l,n,c+=4),S(l,r,c+=4),S(l,i,c+=4),l.utf8Write(s.boundAddr,c+=4,i),S(l,s.boundPort,c+=i),S(l,o,c+=4),l.utf8Write(s.remoteAddr,c+=4,o),S(l,s.remotePort,c+=o),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, forwarded-tcpip)`),be(this,this._packetRW.write.finalize(l))}x11(t,n,r,s){if(!this._server)throw new Error("Server-only method called in client mode");let i=Buffer.byteLength(s.originAddr),o=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(24+i+4);c[o]=ye.CHANNEL_OPEN,S(c,3,++o),c.utf8Write("x11",o+=4,3),S(c,t,o+=3),S(c,n,o+=4),S(c,r,o+=4),S(c,i,o+=4),c.utf8Write(s.originAddr,o+=4,i),S(c,s.originPort,o+=i),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, x11)`),be(this,this._packetRW.write.finalize(c))}openssh_authAgent(t,n,r){if(!this._server)throw new Error("Server-only method called in client mode");let s=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(39);i[s]=ye.CHANNEL_OPEN,S(i,22,++s),i.utf8Write("auth-agent@openssh.com",s+=4,22),S(i,t,s+=22),S(i,n,s+=4),S(i,r,s+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, auth-agent@openssh.com)`),be(this,this._packetRW.write.finalize(i))}openssh_forwardedStreamLocal(t,n,r,s){if(!this._server)throw new Error("Server-only method called in client mode");let i=Buffer.byteLength(s.socketPath),o=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(54+i+4);c[o]=ye.CHANNEL_OPEN,S(c,33,++o),c.utf8Write("forwarded-streamlocal@openssh.com",o+=4,33),S(c,t,o+=33),S(c,n,o+=4),S(c,r,o+=4),S(c,i,o+=4),c.utf8Write(s.socketPath,o+=4,i),S(c,0,o+=i),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, forwarded-streamlocal@openssh.com)`),be(this,this._packetRW.write.finalize(c))}exitStatus(t,n){if(!this._server)throw new Error("Server-only method called in client mode");let r=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(25);s[r]=ye.CHANNEL_REQUEST,S(s,t,++r),S(s,11,r+=4),s.utf8Write("exit-status",r+=4,11),s[r+=11]=0,S(s,n,++r),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, exit-status: ${n})`),be(this,this._packetRW.write.finalize(s))}exitSignal(t,n,r,s){if(!this._server)throw new Error("Server-only method called in client mode");let i=n;if(typeof i!="string"||!i)throw new Error(`Invalid signal: ${i}`);let o=n.toUpperCase();if(o.slice(0,3)==="SIG"&&(o=o.slice(3)),Ay[o]!==1)throw new Error(`Invalid signal: ${i}`);let c=Buffer.byteLength(o),l=s?Buffer.byteLength(s):0,u=this._packetRW.write.allocStart,d=this._packetRW.write.alloc(25+c+1+4+l+4);d[u]=ye.CHANNEL_REQUEST,S(d,t,++u),S(d,11,u+=4),d.utf8Write("exit-signal",u+=4,11),d[u+=11]=0,S(d,c,++u),d.utf8Write(o,u+=4,c),d[u+=c]=r?1:0,S(d,l,++u),u+=4,l&&(d.utf8Write(s,u,l),u+=l),S(d,0,u),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, exit-signal: ${n})`),be(this,this._packetRW.write.finalize(d))}authFailure(t,n){if(!this._server)throw new Error("Server-only method called in client mode");if(this._authsQueue.length===0)throw new Error("No auth in progress");let r;if(typeof t=="boolean"&&(n=t,t=void 0),t){r=[];for(let c=0;c<t.length;++c)t[c].toLowerCase()!=="none"&&r.push(t[c]);r=r.join(",")}else r="";let s=r.length,i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(5+s+1);o[i]=ye.USERAUTH_FAILURE,S(o,s,++i),o.utf8Write(r,i+=4,s),o[i+=s]=n===!0?1:0,this._authsQueue.shift(),this._debug&&this._debug("Outbound: Sending USERAUTH_FAILURE"),be(this,this._packetRW.write.finalize(o))}authSuccess(){if(!this._server)throw new Error("Server-only method called in client mode");if(this._authsQueue.length===0)throw new Error("No auth in progress");let t=this._packetRW.write.allocStart,n=this._packetRW.write.alloc(1);n[t]=ye.USERAUTH_SUCCESS,this._authsQueue.shift(),this._authenticated=!0,this._debug&&this._debug("Outbound: Sending USERAUTH_SUCCESS"),be(this,this._packetRW.write.finalize(n)),this._kex.negotiated.cs.compress==="zlib@openssh.com"&&(this._packetRW.read=new Ty),this._kex.negotiated.sc.compress==="zlib@openssh.com"&&(this._packetRW.write=new Ny(this))}authPKOK(t,n){if(!this._server)throw new Error("Server-only method called in client mode");if(this._authsQueue.length===0||this._authsQueue[0]!=="publickey")throw new Error('"publickey" auth not in progress');let r=Buffer.byteLength(t),s=n.length,i=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(5+r+4+s);o[i]=ye.USERAUTH_PK_OK,S(o,r,++i),o.utf8Write(t,i+=4,r),S(o,s,i+=r),o.set(n,i+=4),this._authsQueue.shift(),this._debug&&this._debug("Outbound: Sending USERAUTH_PK_OK"),be(this,this._packetRW.write.finalize(o))}authPasswdChg(t){if(!this._server)throw new Error("Server-only method called in client mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(5+n+4);s[r]=ye.USERAUTH_PASSWD_CHANGEREQ,S(s,n,++r),s.utf8Write(t,r+=4,n),S(s,0,r+=n),this._debug&&this._debug("Outbound: Sending USERAUTH_PASSWD_CHANGEREQ"),be(this,this._packetRW.write.finalize(s))}authInfoReq(t,n,r){if(!this._server)throw new Error("Server-only method called in client mode");let s=0,i=t?Buffer.byteLength(t):0,o=n?Buffer.byteLength(n):0;for(let u=0;u<r.length;++u)s+=4+Buffer.byteLength(r[u].prompt)+1;let c=this._packetRW.write.allocStart,l=this._packetRW.write.alloc(5+i+4+o+4+4+s);l[c]=ye.USERAUTH_INFO_REQUEST,S(l,i,++c),c+=4,t&&(l.utf8Write(t,c,i),c+=i),S(l,o,c),c+=4,n&&(l.utf8Write(n,c,o),c+=o),S(l,0,c),S(l,r.length,c+=4),c+=4;for(let u=0;u<r.length;++u){let d=r[u],f=Buffer.byteLength(d.prompt);S(l,f,c),c+=4,f&&(l.utf8Write(d.prompt,c,f),c+=f),l[c++]=d.echo?1:0}this._debug&&this._debug("Outbound: Sending USERAUTH_INFO_REQUEST"),be(this,this._packetRW.write.finalize(l))}},qC=/^SSH-(2\.0|1\.99)-([^ ]+)(?: (.*))?$/;function KC(e,t,n){let r,s;this._buffer?(r=Buffer.allocUnsafe(this._buffer.length+(n-t)),r.set(this._buffer,0),t===0?r.set(e,this._buffer.length):r.set(new Uint8Array(e.buffer,e.byteOffset+t,n-t),this._buffer.length),s=this._buffer.length,t=0):(r=e,s=0);let i=t,o=t,c=t,l=!1,u=0,d=0;for(;t<r.length;++t){let f=r[t];if(f===13){l=!0;continue}if(f===10){if(c>o&&c-o>4&&r[o]===83&&r[o+1]===83&&r[o+2]===72&&r[o+3]===45){let p=r.latin1Slice(i,c+1),_=o===i?p:p.slice(o-i),$=qC.exec(_);if(!$)throw new Error("Invalid identification string");let g={greeting:o===i?"":p.slice(0,o-i),identRaw:_,versions:{protocol:$[1],software:$[2]},comments:$[3]};return this._remoteIdentRaw=Buffer.from(_),this._debug&&this._debug(`Remote ident: ${Sy(_)}`),this._compatFlags=GC(g),this._buffer=void 0,this._decipher=new IC(0,OC.bind(this,{firstPacket:!0})),this._parse=QC,this._onHeader(g),this._destruct?(Cy(this),t+1-s):n}if(this._server)throw new Error("Greetings from clients not permitted");if(++d>zC)throw new Error("Max greeting lines exceeded");l=!1,o=t+1,u=0}else{if(l)throw new Error("Invalid header: expected newline");if(++u>=HC)throw new Error("Header line too long")}c=t}return this._buffer||(this._buffer=Py(r,i)),t-s}a(KC,"parseHeader");function QC(e,t,n){return this._decipher.decrypt(e,t,n)}a(QC,"parsePacket");function WC(e){if(this._onPacket(),e.length===0){this._debug&&this._debug("Inbound: Skipping empty packet payload");return}e=this._packetRW.read.read(e);let t=e[0];t===ye.USERAUTH_SUCCESS&&!this._server&&!this._authenticated&&(this._authenticated=!0,this._kex.negotiated.cs.compress==="zlib@openssh.com"&&(this._packetRW.write=new Ny(this)),this._kex.negotiated.sc.compress==="zlib@openssh.com"&&(this._packetRW.read=new Ty));let n=RC[t];if(n===void 0){this._debug&&this._debug(`Inbound: Unsupported message type: ${t}`);return}return n(this,e)}a(WC,"onPayload");function GC(e){let t=e.versions.software,n=0;for(let r of CC)typeof r[0]=="string"?t===r[0]&&(n|=r[1]):r[0].test(t)&&(n|=r[1]);return n}a(GC,"getCompatFlags");function ZC(e){let t=Object.keys(e),n=Buffer.allocUnsafe(5*t.length+1),r=0;for(let s=0;s<t.length;++s){let i=t[s];if(i==="TTY_OP_END")continue;let o=kf[i];if(o===void 0)continue;let c=e[i];typeof c=="number"&&isFinite(c)&&(n[r++]=o,n[r++]=c>>>24,n[r++]=c>>>16,n[r++]=c>>>8,n[r++]=c)}return n[r++]=kf.TTY_OP_END,r<n.length?Py(n,0,r):n}a(ZC,"modesToBytes");function YC(e){let t="ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521rsa-sha2-512,rsa-sha2-256,ssh-rsa,ssh-dss";PC&&(t=`ssh-ed25519,${t}`);let n=Buffer.byteLength(t),r=e._packetRW.write.allocStart,s=e._packetRW.write.alloc(28+n);s[r]=ye.EXT_INFO,S(s,1,++r),S(s,15,r+=4),s.utf8Write("server-sig-algs",r+=4,15),S(s,n,r+=15),s.utf8Write(t,r+=4,n),e._debug&&e._debug("Outbound: Sending EXT_INFO"),be(e,e._packetRW.write.finalize(s))}a(YC,"sendExtInfo");Ry.exports=vf});var My=q((Rj,Fy)=>{"use strict";var{Duplex:VC,Readable:XC,Writable:JC}=require("stream"),{CHANNEL_EXTENDED_DATATYPE:{STDERR:Ly}}=_r(),{bufferSlice:fc}=Zn(),eP=32*1024,Zi=2*1024*1024,If=Zi/2,xf=class extends XC{static{a(this,"ClientStderr")}constructor(t,n){super(n),this._channel=t}_read(t){this._channel._waitChanDrain&&(this._channel._waitChanDrain=!1,this._channel.incoming.window<=If&&Cf(this._channel))}},Ef=class extends JC{static{a(this,"ServerStderr")}constructor(t){super({highWaterMark:Zi}),this._channel=t}_write(t,n,r){let s=this._channel,i=s._client._protocol,o=s.outgoing,c=o.packetSize,l=o.id,u=o.window,d=t.length,f=0;if(o.state==="open"){for(;d-f>0&&u>0;){let p=d-f;p>u&&(p=u),p>c&&(p=c),f===0&&p===d?i.channelExtData(l,t,Ly):i.channelExtData(l,fc(t,f,f+p),Ly),f+=p,u-=p}if(o.window=u,d-f>0){u===0&&(s._waitWindow=!0),f>0?s._chunkErr=fc(t,f,d):s._chunkErr=t,s._chunkcbErr=r;return}r()}}},Sf=class extends VC{static{a(this,"Channel")}constructor(t,n,r){let s={highWaterMark:Zi,allowHalfOpen:!r||r&&r.allowHalfOpen!==!1,emitClose:!1};super(s),this.allowHalfOpen=s.allowHalfOpen;let i=!!(r&&r.server);this.server=i,this.type=n.type,this.subtype=void 0,this.incoming=n.incoming,this.outgoing=n.outgoing,this._callbacks=[],this._client=t,this._hasX11=!1,this._exit={code:void 0,signal:void 0,dump:void 0,desc:void 0},this.stdin=this.stdout=this,i?this.stderr=new Ef(this):this.stderr=new xf(this,s),this._waitWindow=!1,this._waitChanDrain=!1,this._chunk=void 0,this._chunkcb=void 0,this._chunkErr=void 0,this._chunkcbErr=void 0,this.on("finish",Dy).on("prefinish",Dy),this.on("end",Uy).on("close",Uy)}_read(t){this._waitChanDrain&&(this._waitChanDrain=!1,this.incoming.window<=If&&Cf(this))}_write(t,n,r){let s=this._client._protocol,i=this.outgoing,o=i.packetSize,c=i.id,l=i.window,u=t.length,d=0;if(i.state==="open"){for(;u-d>0&&l>0;){let f=u-d;f>l&&(f=l),f>o&&(f=o),d===0&&f===u?s.channelData(c,t):s.channelData(c,fc(t,d,d+f)),d+=f,l-=f}if(i.window=l,u-d>0){l===0&&(this._waitWindow=!0),d>0?this._chunk=fc(t,d,u):this._chunk=t,this._chunkcb=r;return}r()}}eof(){this.outgoing.state==="open"&&(this.outgoing.state="eof",this._client._protocol.channelEOF(this.outgoing.id))}close(){(this.outgoing.state==="open"||this.outgoing.state==="eof")&&(this.outgoing.state="closing",this._client._protocol.channelClose(this.outgoing.id))}destroy(){return this.end(),this.close(),this}setWindow(t,n,r,s){if(this.server)throw new Error("Client-only method called in server mode");this.type==="session"&&(this.subtype==="shell"||this.subtype==="exec")&&this.writable&&this.outgoing.state==="open"&&this._client._protocol.windowChange(this.outgoing.id,t,n,r,s)}signal(t){if(this.server)throw new Error("Client-only method called in server mode");this.type==="session"&&this.writable&&this.outgoing.state==="open"&&this._client._protocol.signal(this.outgoing.id,t)}exit(t,n,r){if(!this.server)throw new Error("Server-only method called in client mode");this.type==="session"&&this.writable&&this.outgoing.state==="open"&&(typeof t=="number"?this._client._protocol.exitStatus(this.outgoing.id,t):this._client._protocol.exitSignal(this.outgoing.id,t,n,r))}};function Dy(){this.eof(),(this.server||!this.allowHalfOpen)&&this.close(),this.writable=!1}a(Dy,"onFinish");function Uy(){this.readable=!1}a(Uy,"onEnd");function Cf(e){if(e.outgoing.state==="closed")return;let t=Zi-e.incoming.window;t<=0||(e.incoming.window+=t,e._client._protocol.channelWindowAdjust(e.outgoing.id,t))}a(Cf,"windowAdjust");Fy.exports={Channel:Sf,MAX_WINDOW:Zi,PACKET_SIZE:eP,windowAdjust:Cf,WINDOW_THRESHOLD:If}});var qy=q((Lj,jy)=>{"use strict";var{SFTP:tP}=nc(),Yi=2**32-1;function Hy(e,t,n,r){if(e._chanMgr.remove(t),typeof r!="function")return;let s;n instanceof Error?s=n:typeof n=="object"&&n!==null?(s=new Error(`(SSH) Channel open failure: ${n.description}`),s.reason=n.reason):(s=new Error("(SSH) Channel open failure: server closed channel unexpectedly"),s.reason=""),r(s)}a(Hy,"onChannelOpenFailure");function zy(e,t,n,r,s){if(typeof n=="function"){Hy(e,t,r,n);return}if(typeof n!="object"||n===null||n.incoming&&n.incoming.state==="closed"||(e._chanMgr.remove(t),n.server&&n.constructor.name==="Session"))return;n.incoming.state="closed",n.readable&&n.push(null),n.server?n.stderr.writable&&n.stderr.end():n.stderr.readable&&n.stderr.push(null),n.constructor!==tP&&(n.outgoing.state==="open"||n.outgoing.state==="eof")&&!s&&n.close(),n.outgoing.state==="closing"&&(n.outgoing.state="closed");let i=n._readableState,o=n._writableState;o&&!o.ending&&!o.finished&&!s&&n.end();let c=n._callbacks;n._callbacks=[];for(let l=0;l<c.length;++l)c[l](!0);if(n.server)!n.readable||n.destroyed||i&&i.endEmitted?n.emit("close"):n.once("end",()=>n.emit("close"));else{let l;switch(n.type){case"direct-streamlocal@openssh.com":case"direct-tcpip":l=a(()=>n.emit("close"),"doClose");break;default:{let d=n._exit;l=a(()=>{d.code===null?n.emit("close",d.code,d.signal,d.dump,d.desc):n.emit("close",d.code)},"doClose")}}!n.readable||n.destroyed||i&&i.endEmitted?l():n.once("end",l);let u=n.stderr._readableState;!n.stderr.readable||n.stderr.destroyed||u&&u.endEmitted?n.stderr.emit("close"):n.stderr.once("end",()=>n.stderr.emit("close"))}}a(zy,"onCHANNEL_CLOSE");var Tf=class{static{a(this,"ChannelManager")}constructor(t){this._client=t,this._channels={},this._cur=-1,this._count=0}add(t){let n;if(this._cur<Yi)n=++this._cur;else if(this._count===0)this._cur=0,n=0;else{let r=this._channels;for(let s=0;s<Yi;++s)if(r[s]===void 0){n=s;break}}return n===void 0?-1:(this._channels[n]=t||!0,++this._count,n)}update(t,n){if(typeof t!="number"||t<0||t>=Yi||!isFinite(t))throw new Error(`Invalid channel id: ${t}`);n&&this._channels[t]&&(this._channels[t]=n)}get(t){if(typeof t!="number"||t<0||t>=Yi||!isFinite(t))throw new Error(`Invalid channel id: ${t}`);return this._channels[t]}remove(t){if(typeof t!="number"||t<0||t>=Yi||!isFinite(t))throw new Error(`Invalid channel id: ${t}`);this._channels[t]&&(delete this._channels[t],this._count&&--this._count)}cleanup(t){let n=this._channels;this._channels={},this._cur=-1,this._count=0;let r=Object.keys(n),s=this._client;for(let i=0;i<r.length;++i){let o=+r[i],c=n[o];zy(s,o,c._channel||c,t,!0)}}},Pf=(()=>{let e=Object.prototype.toString;return t=>e.call(t)==="[object RegExp]"})();function nP(e,t,n){if(Array.isArray(e)&&e.length>0){for(let r=0;r<e.length;++r)if(n.indexOf(e[r])===-1)throw new Error(`Unsupported algorithm: ${e[r]}`);return e}if(typeof e=="object"&&e!==null){let r=Object.keys(e),s=t;for(let i=0;i<r.length;++i){let o=r[i],c=e[o];switch(o){case"append":if(Array.isArray(c)||(c=[c]),Array.isArray(c))for(let l=0;l<c.length;++l){let u=c[l];if(typeof u=="string"){if(!u||s.indexOf(u)!==-1)continue;if(n.indexOf(u)===-1)throw new Error(`Unsupported algorithm: ${u}`);s===t&&(s=s.slice()),s.push(u)}else if(Pf(u))for(let d=0;d<n.length;++d){let f=n[d];if(u.test(f)){if(s.indexOf(f)!==-1)continue;s===t&&(s=s.slice()),s.push(f)}}}break;case"prepend":if(Array.isArray(c)||(c=[c]),Array.isArray(c))for(let l=c.length;l>=0;--l){let u=c[l];if(typeof u=="string"){if(!u||s.indexOf(u)!==-1)continue;if(n.indexOf(u)===-1)throw new Error(`Unsupported algorithm: ${u}`);s===t&&(s=s.slice()),s.unshift(u)}else if(Pf(u))for(let d=n.length;d>=0;--d){let f=n[d];if(u.test(f)){if(s.indexOf(f)!==-1)continue;s===t&&(s=s.slice()),s.unshift(f)}}}break;case"remove":if(Array.isArray(c)||(c=[c]),Array.isArray(c))for(let l=0;l<c.length;++l){let u=c[l];if(typeof u=="string"){if(!u)continue;let d=s.indexOf(u);if(d===-1)continue;s===t&&(s=s.slice()),s.splice(d,1)}else if(Pf(u))for(let d=0;d<s.length;++d)u.test(s[d])&&(s===t&&(s=s.slice()),s.splice(d,1),--d)}break}}return s}return t}a(nP,"generateAlgorithmList");jy.exports={ChannelManager:Tf,generateAlgorithmList:nP,onChannelOpenFailure:Hy,onCHANNEL_CLOSE:zy,isWritable:a(e=>e&&e.writable&&e._readableState&&e._readableState.ended===!1,"isWritable")}});var dw=q((Uj,uw)=>{"use strict";var{createHash:rP,getHashes:sP,randomFillSync:iP}=require("crypto"),{Socket:oP}=require("net"),{lookup:aP}=require("dns"),cP=require("events"),lP=sP(),{COMPAT:aw,CHANNEL_EXTENDED_DATATYPE:{STDERR:uP},CHANNEL_OPEN_FAILURE:Vi,DEFAULT_CIPHER:Ky,DEFAULT_COMPRESSION:Qy,DEFAULT_KEX:Wy,DEFAULT_MAC:Gy,DEFAULT_SERVER_HOST_KEY:Zy,DISCONNECT_REASON:Yy,DISCONNECT_REASON_BY_VALUE:dP,SUPPORTED_CIPHER:fP,SUPPORTED_COMPRESSION:pP,SUPPORTED_KEX:hP,SUPPORTED_MAC:_P,SUPPORTED_SERVER_HOST_KEY:mP}=_r(),{init:gP}=Ts(),$P=By(),{parseKey:_c}=Gr(),{SFTP:yP}=nc(),{bufferCopy:Vy,makeBufferParser:cw,makeError:wP,readUInt32BE:bP,sigSSHToASN1:AP,writeUInt32BE:Nf}=Zn(),{AgentContext:Xy,createAgent:Jy,isAgent:ew}=lf(),{Channel:lw,MAX_WINDOW:mc,PACKET_SIZE:gc,windowAdjust:tw,WINDOW_THRESHOLD:nw}=My(),{ChannelManager:kP,generateAlgorithmList:Xi,isWritable:vt,onChannelOpenFailure:vP,onCHANNEL_CLOSE:xP}=qy(),pc=cw(),hc=cw(),Ji=/^OpenSSH_(?:(?![0-4])\d)|(?:\d{2,})/,Lf=a(e=>{},"noop"),Df=class extends cP{static{a(this,"Client")}constructor(){super(),this.config={host:void 0,port:void 0,localAddress:void 0,localPort:void 0,forceIPv4:void 0,forceIPv6:void 0,keepaliveCountMax:void 0,keepaliveInterval:void 0,readyTimeout:void 0,ident:void 0,username:void 0,password:void 0,privateKey:void 0,tryKeyboard:void 0,agent:void 0,allowAgentFwd:void 0,authHandler:void 0,hostHashAlgo:void 0,hostHashCb:void 0,strictVendor:void 0,debug:void 0},this._agent=void 0,this._readyTimeout=void 0,this._chanMgr=void 0,this._callbacks=void 0,this._forwarding=void 0,this._forwardingUnix=void 0,this._acceptX11=void 0,this._agentFwdEnabled=void 0,this._remoteVer=void 0,this._protocol=void 0,this._sock=void 0,this._resetKA=void 0}connect(t){if(this._sock&&vt(this._sock))return this.once("close",()=>{this.connect(t)}),this.end(),this;this.config.host=t.hostname||t.host||"localhost",this.config.port=t.port||22,this.config.localAddress=typeof t.localAddress=="string"?t.localAddress:void 0,this.config.localPort=typeof t.localPort=="string"||typeof t.localPort=="number"?t.localPort:void 0,this.config.forceIPv4=t.forceIPv4||!1,this.config.forceIPv6=t.forceIPv6||!1,this.config.keepaliveCountMax=typeof t.keepaliveCountMax=="number"&&t.keepaliveCountMax>=0?t.keepaliveCountMax:3,this.config.keepaliveInterval=typeof t.keepaliveInterval=="number"&&t.keepaliveInterval>0?t.keepaliveInterval:0,this.config.readyTimeout=typeof t.readyTimeout=="number"&&t.readyTimeout>=0?t.readyTimeout:2e4,this.config.ident=typeof t.ident=="string"||Buffer.isBuffer(t.ident)?t.ident:void 0;let n={kex:void 0,serverHostKey:void 0,cs:{cipher:void 0,mac:void 0,compress:void 0,lang:[]},sc:void 0},r=!0;if(typeof t.algorithms=="object"&&t.algorithms!==null&&(n.kex=Xi(t.algorithms.kex,Wy,hP),n.kex!==Wy&&(r=!1),n.serverHostKey=Xi(t.algorithms.serverHostKey,Zy,mP),n.serverHostKey!==Zy&&(r=!1),n.cs.cipher=Xi(t.algorithms.cipher,Ky,fP),n.cs.cipher!==Ky&&(r=!1),n.cs.mac=Xi(t.algorithms.hmac,Gy,_P),n.cs.mac!==Gy&&(r=!1),n.cs.compress=Xi(t.algorithms.compress,Qy,pP),n.cs.compress!==Qy&&(r=!1),r||(n.sc=n.cs)),typeof t.username=="string")this.config.username=t.username;else if(typeof t.user=="string")this.config.username=t.user;else throw new Error("Invalid username");this.config.password=typeof t.password=="string"?t.password:void 0,this.config.privateKey=typeof t.privateKey=="string"||Buffer.isBuffer(t.privateKey)?t.privateKey:void 0,this.config.localHostname=typeof t.localHostname=="string"?t.localHostname:void 0,this.config.localUsername=typeof t.localUsername=="string"?t.localUsername:void 0,this.config.tryKeyboard=t.tryKeyboard===!0,typeof t.agent=="string"&&t.agent.length?this.config.agent=Jy(t.agent):ew(t.agent)?this.config.agent=t.agent:this.config.agent=void 0,this.config.allowAgentFwd=t.agentForward===!0&&this.config.agent!==void 0;let s=this.config.authHandler=typeof t.authHandler=="function"||Array.isArray(t.authHandler)?t.authHandler:void 0;this.config.strictVendor=typeof t.strictVendor=="boolean"?t.strictVendor:!0;let i=this.config.debug=typeof t.debug=="function"?t.debug:void 0;if(t.agentForward===!0&&!this.config.allowAgentFwd)throw new Error("You must set a valid agent path to allow agent forwarding");let o=this._callbacks=[];this._chanMgr=new kP(this),this._forwarding={},this._forwardingUnix={},this._acceptX11=0,this._agentFwdEnabled=!1,this._agent=this.config.agent?this.config.agent:void 0,this._remoteVer=void 0;let c;if(this.config.privateKey){if(c=_c(this.config.privateKey,t.passphrase),c instanceof Error)throw new Error(`Cannot parse privateKey: ${c.message}`);if(Array.isArray(c)&&(c=c[0]),c.getPrivatePEM()===null)throw new Error("privateKey value does not contain a (valid) private key")}let l;if(typeof t.hostVerifier=="function"){let O=t.hostVerifier,U;lP.indexOf(t.hostHash)!==-1&&(U=t.hostHash),l=a((D,K)=>{U&&(D=rP(U).update(D).digest("hex"));let ue=O(D,K);ue!==void 0&&K(ue)},"hostVerifier")}let u=this._sock=t.sock||new oP,d=!1,f=!1;this._protocol&&this._protocol.cleanup();let p=i?(O,U,D)=>{i(`Debug output from server: ${JSON.stringify(D)}`)}:void 0,_,$=this._protocol=new $P({ident:this.config.ident,offer:r?void 0:n,onWrite:a(O=>{vt(u)&&u.write(O)},"onWrite"),onError:a(O=>{O.level==="handshake"&&clearTimeout(this._readyTimeout),$._destruct||u.removeAllListeners("data"),this.emit("error",O);try{u.end()}catch{}},"onError"),onHeader:a(O=>{f=!0,this._remoteVer=O.versions.software,O.greeting&&this.emit("greeting",O.greeting)},"onHeader"),onHandshakeComplete:a(O=>{this.emit("handshake",O),d||(d=!0,$.service("ssh-userauth"))},"onHandshakeComplete"),debug:i,hostVerifier:l,messageHandlers:{DEBUG:p,DISCONNECT:a((O,U,D)=>{if(U!==Yy.BY_APPLICATION){D||(D=dP[U],D===void 0&&(D=`Unexpected disconnection reason: ${U}`));let K=new Error(D);K.code=U,this.emit("error",K)}u.end()},"DISCONNECT"),SERVICE_ACCEPT:a((O,U)=>{U==="ssh-userauth"&&oe()},"SERVICE_ACCEPT"),EXT_INFO:a((O,U)=>{if(_===void 0){for(let D of U)if(D.name==="server-sig-algs"){_=D.algs;return}_=null}},"EXT_INFO"),USERAUTH_BANNER:a((O,U)=>{this.emit("banner",U)},"USERAUTH_BANNER"),USERAUTH_SUCCESS:a(O=>{E(),clearTimeout(this._readyTimeout),this.emit("ready")},"USERAUTH_SUCCESS"),USERAUTH_FAILURE:a((O,U,D)=>{if(P.keyAlgos){let K=P.keyAlgos[0][0];if(i&&i(`Client: ${P.type} (${K}) auth failed`),P.keyAlgos.shift(),P.keyAlgos.length){let[ue,pe]=P.keyAlgos[0];switch(P.type){case"agent":$.authPK(P.username,P.agentCtx.currentKey(),ue);return;case"publickey":$.authPK(P.username,P.key,ue);return;case"hostbased":$.authHostbased(P.username,P.key,P.localHostname,P.localUsername,ue,(de,lt)=>{let Et=P.key.sign(de,pe);if(Et instanceof Error)return Et.message=`Error while signing with key: ${Et.message}`,Et.level="client-authentication",this.emit("error",Et),oe();lt(Et)});return}}else P.keyAlgos=void 0}if(P.type==="agent"){let K=P.agentCtx.pos();return i&&i(`Client: Agent key #${K+1} failed`),_e()}i&&i(`Client: ${P.type} auth failed`),G=D,Q=U,oe()},"USERAUTH_FAILURE"),USERAUTH_PASSWD_CHANGEREQ:a((O,U)=>{P.type==="password"&&this.emit("change password",U,D=>{$.authPassword(this.config.username,this.config.password,D)})},"USERAUTH_PASSWD_CHANGEREQ"),USERAUTH_PK_OK:a(O=>{let U,D;if(P.keyAlgos&&([U,D]=P.keyAlgos[0]),P.type==="agent"){let K=P.agentCtx.currentKey();$.authPK(P.username,K,U,(ue,pe)=>{let de={hash:D};P.agentCtx.sign(K,ue,de,(lt,Et)=>{if(lt)lt.level="agent",this.emit("error",lt);else return pe(Et);_e()})})}else P.type==="publickey"&&$.authPK(P.username,P.key,U,(K,ue)=>{let pe=P.key.sign(K,D);if(pe instanceof Error)return pe.message=`Error signing data with key: ${pe.message}`,pe.level="client-authentication",this.emit("error",pe),oe();ue(pe)})},"USERAUTH_PK_OK"),USERAUTH_INFO_REQUEST:a((O,U,D,K)=>{if(P.type==="keyboard-interactive"){if((Array.isArray(K)?K.length:0)===0){i&&i("Client: Sending automatic USERAUTH_INFO_RESPONSE"),$.authInfoRes();return}P.prompt(U,D,"",K,pe=>{$.authInfoRes(pe)})}},"USERAUTH_INFO_REQUEST"),REQUEST_SUCCESS:a((O,U)=>{o.length&&o.shift()(!1,U)},"REQUEST_SUCCESS"),REQUEST_FAILURE:a(O=>{o.length&&o.shift()(!0)},"REQUEST_FAILURE"),GLOBAL_REQUEST:a((O,U,D,K)=>{U==="hostkeys-00@openssh.com"?(PP(this,K,(ue,pe)=>{ue||this.emit("hostkeys",pe)}),D&&$.requestSuccess()):D&&$.requestFailure()},"GLOBAL_REQUEST"),CHANNEL_OPEN:a((O,U)=>{IP(this,U)},"CHANNEL_OPEN"),CHANNEL_OPEN_CONFIRMATION:a((O,U)=>{let D=this._chanMgr.get(U.recipient);if(typeof D!="function")return;let K=D.type==="sftp",pe={type:K?"session":D.type,incoming:{id:U.recipient,window:mc,packetSize:gc,state:"open"},outgoing:{id:U.sender,window:U.window,packetSize:U.packetSize,state:"open"}},de=K?new yP(this,pe,{debug:i}):new lw(this,pe);this._chanMgr.update(U.recipient,de),D(void 0,de)},"CHANNEL_OPEN_CONFIRMATION"),CHANNEL_OPEN_FAILURE:a((O,U,D,K)=>{let ue=this._chanMgr.get(U);if(typeof ue!="function")return;vP(this,U,{reason:D,description:K},ue)},"CHANNEL_OPEN_FAILURE"),CHANNEL_DATA:a((O,U,D)=>{let K=this._chanMgr.get(U);if(!(typeof K!="object"||K===null)&&K.incoming.window!==0){if(K.incoming.window-=D.length,K.push(D)===!1){K._waitChanDrain=!0;return}K.incoming.window<=nw&&tw(K)}},"CHANNEL_DATA"),CHANNEL_EXTENDED_DATA:a((O,U,D,K)=>{if(K!==uP)return;let ue=this._chanMgr.get(U);if(!(typeof ue!="object"||ue===null)&&ue.incoming.window!==0){if(ue.incoming.window-=D.length,!ue.stderr.push(D)){ue._waitChanDrain=!0;return}ue.incoming.window<=nw&&tw(ue)}},"CHANNEL_EXTENDED_DATA"),CHANNEL_WINDOW_ADJUST:a((O,U,D)=>{let K=this._chanMgr.get(U);typeof K!="object"||K===null||(K.outgoing.window+=D,K._waitWindow&&(K._waitWindow=!1,K._chunk?K._write(K._chunk,null,K._chunkcb):K._chunkcb?K._chunkcb():K._chunkErr?K.stderr._write(K._chunkErr,null,K._chunkcbErr):K._chunkcbErr&&K._chunkcbErr()))},"CHANNEL_WINDOW_ADJUST"),CHANNEL_SUCCESS:a((O,U)=>{let D=this._chanMgr.get(U);typeof D!="object"||D===null||(this._resetKA(),D._callbacks.length&&D._callbacks.shift()(!1))},"CHANNEL_SUCCESS"),CHANNEL_FAILURE:a((O,U)=>{let D=this._chanMgr.get(U);typeof D!="object"||D===null||(this._resetKA(),D._callbacks.length&&D._callbacks.shift()(!0))},"CHANNEL_FAILURE"),CHANNEL_REQUEST:a((O,U,D,K,ue)=>{let pe=this._chanMgr.get(U);if(typeof pe!="object"||pe===null)return;let de=pe._exit;if(de.code===void 0){switch(D){case"exit-status":pe.emit("exit",de.code=ue);return;case"exit-signal":pe.emit("exit",de.code=null,de.signal=`SIG${ue.signal}`,de.dump=ue.coreDumped,de.desc=ue.errorMessage);return}K&&O.channelFailure(pe.outgoing.id)}},"CHANNEL_REQUEST"),CHANNEL_EOF:a((O,U)=>{let D=this._chanMgr.get(U);typeof D!="object"||D===null||D.incoming.state==="open"&&(D.incoming.state="eof",D.readable&&D.push(null),D.stderr.readable&&D.stderr.push(null))},"CHANNEL_EOF"),CHANNEL_CLOSE:a((O,U)=>{xP(this,U,this._chanMgr.get(U))},"CHANNEL_CLOSE")}});u.pause();let g=this.config.keepaliveInterval,y=this.config.keepaliveCountMax,k=0,x,T=a(()=>{if(++k>y){if(clearInterval(x),u.readable){let O=new Error("Keepalive timeout");O.level="client-timeout",this.emit("error",O),u.destroy()}return}vt(u)?(o.push(E),$.ping()):clearInterval(x)},"sendKA");function E(){g>0&&(k=0,clearInterval(x),vt(u)&&(x=setInterval(T,g)))}a(E,"resetKA"),this._resetKA=E;let L=(()=>{let O=!1;return()=>{if(!O&&(O=!0,ee&&!f)){let U=wP("Connection lost before handshake","protocol",!0);this.emit("error",U)}}})(),j=(()=>{let O=!1;return()=>{O||(O=!0,ee=!0,i&&i("Socket connected"),this.emit("connect"),gP.then(()=>{$.start(),u.on("data",U=>{try{$.parse(U,0,U.length)}catch(D){this.emit("error",D);try{vt(u)&&u.end()}catch{}}}),u.stderr&&typeof u.stderr.resume=="function"&&u.stderr.resume(),u.resume()}).catch(U=>{this.emit("error",U);try{vt(u)&&u.end()}catch{}}))}})(),ee=!1;u.on("connect",j).on("timeout",()=>{this.emit("timeout")}).on("error",O=>{i&&i(`Socket error: ${O.message}`),clearTimeout(this._readyTimeout),O.level="client-socket",this.emit("error",O)}).on("end",()=>{i&&i("Socket ended"),L(),$.cleanup(),clearTimeout(this._readyTimeout),clearInterval(x),this.emit("end")}).on("close",()=>{i&&i("Socket closed"),L(),$.cleanup(),clearTimeout(this._readyTimeout),clearInterval(x),this.emit("close");let O=o;o=this._callbacks=[];let U=new Error("No response from server");for(let D=0;D<O.length;++D)O[D](U);this._chanMgr.cleanup(U)});let P,G=null,Q=null,Z=["none"];this.config.password!==void 0&&Z.push("password"),c!==void 0&&Z.push("publickey"),this._agent!==void 0&&Z.push("agent"),this.config.tryKeyboard&&Z.push("keyboard-interactive"),c!==void 0&&this.config.localHostname!==void 0&&this.config.localUsername!==void 0&&Z.push("hostbased"),Array.isArray(s)?s=ow(s):typeof s!="function"&&(s=ow(Z));let X=!1,he=a(O=>{if(!X){if(X=!0,O===!1){let U=new Error("All configured authentication methods failed");U.level="client-authentication",this.emit("error",U),this.end();return}if(typeof O=="string"){let U=O;if(Z.indexOf(U)===-1)return J(`Authentication method not allowed: ${U}`);let D=this.config.username;switch(U){case"password":O={type:U,username:D,password:this.config.password};break;case"publickey":O={type:U,username:D,key:c};break;case"hostbased":O={type:U,username:D,key:c,localHostname:this.config.localHostname,localUsername:this.config.localUsername};break;case"agent":O={type:U,username:D,agentCtx:new Xy(this._agent)};break;case"keyboard-interactive":O={type:U,username:D,prompt:a((...K)=>this.emit("keyboard-interactive",...K),"prompt")};break;case"none":O={type:U,username:D};break;default:return J(`Skipping unsupported authentication method: ${O}`)}}else{if(typeof O!="object"||O===null)return J(`Skipping invalid authentication attempt: ${O}`);{let U=O.username;if(typeof U!="string")return J(`Skipping invalid authentication attempt: ${O}`);let D=O.type;switch(D){case"password":{let{password:K}=O;if(typeof K!="string"&&!Buffer.isBuffer(K))return J("Skipping invalid password auth attempt");O={type:D,username:U,password:K};break}case"publickey":{let K=_c(O.key,O.passphrase);if(K instanceof Error)return J("Skipping invalid key auth attempt");if(!K.isPrivateKey())return J("Skipping non-private key");O={type:D,username:U,key:K};break}case"hostbased":{let{localHostname:K,localUsername:ue}=O,pe=_c(O.key,O.passphrase);if(pe instanceof Error||typeof K!="string"||typeof ue!="string")return J("Skipping invalid hostbased auth attempt");if(!pe.isPrivateKey())return J("Skipping non-private key");O={type:D,username:U,key:pe,localHostname:K,localUsername:ue};break}case"agent":{let K=O.agent;if(typeof K=="string"&&K.length)K=Jy(K);else if(!ew(K))return J(`Skipping invalid agent: ${O.agent}`);O={type:D,username:U,agentCtx:new Xy(K)};break}case"keyboard-interactive":{let{prompt:K}=O;if(typeof K!="function")return J("Skipping invalid keyboard-interactive auth attempt");O={type:D,username:U,prompt:K};break}case"none":O={type:D,username:U};break;default:return J(`Skipping unsupported authentication method: ${O}`)}}}P=O;try{let U=P.username;switch(P.type){case"password":$.authPassword(U,P.password);break;case"publickey":{let D;if(P.keyAlgos=Bf(this,P.key,_),P.keyAlgos)if(P.keyAlgos.length)D=P.keyAlgos[0][0];else return J("Skipping key authentication (no mutual hash algorithm)");$.authPK(U,P.key,D);break}case"hostbased":{let D,K;if(P.keyAlgos=Bf(this,P.key,_),P.keyAlgos)if(P.keyAlgos.length)[D,K]=P.keyAlgos[0];else return J("Skipping hostbased authentication (no mutual hash algorithm)");$.authHostbased(U,P.key,P.localHostname,P.localUsername,D,(ue,pe)=>{let de=P.key.sign(ue,K);if(de instanceof Error)return de.message=`Error while signing with key: ${de.message}`,de.level="client-authentication",this.emit("error",de),oe();pe(de)});break}case"agent":P.agentCtx.init(D=>{if(D)return D.level="agent",this.emit("error",D),oe();_e()});break;case"keyboard-interactive":$.authKeyboard(U);break;case"none":$.authNone(U);break}}finally{X=!1}}},"doNextAuth");function J(O){i&&i(O),process.nextTick(oe)}a(J,"skipAuth");function oe(){X=!1;let O=s(Q,G,he);X||O===void 0||he(O)}a(oe,"tryNextAuth");let _e=a(()=>{if(P.type==="agent"){let O=P.agentCtx.nextKey();if(O===!1)i&&i("Agent: No more keys left to try"),i&&i("Client: agent auth failed"),oe();else{let U=P.agentCtx.pos(),D;if(P.keyAlgos=Bf(this,O,_),P.keyAlgos)if(P.keyAlgos.length)D=P.keyAlgos[0][0];else{i&&i(`Agent: Skipping key #${U+1} (no mutual hash algorithm)`),_e();return}i&&i(`Agent: Trying key #${U+1}`),$.authPK(P.username,O,D)}}},"tryNextAgentKey"),we=a(()=>{this.config.readyTimeout>0&&(this._readyTimeout=setTimeout(()=>{let O=new Error("Timed out while waiting for handshake");O.level="client-timeout",this.emit("error",O),u.destroy()},this.config.readyTimeout))},"startTimeout");if(t.sock)we(),typeof u.connecting=="boolean"&&u.connecting||j();else{let O=this.config.host,U=this.config.forceIPv4,D=this.config.forceIPv6;i&&i(`Client: Trying ${O} on port ${this.config.port} ...`);let K=a(()=>{we(),u.connect({host:O,port:this.config.port,localAddress:this.config.localAddress,localPort:this.config.localPort}),u.setMaxListeners(0),u.setTimeout(typeof t.timeout=="number"?t.timeout:0)},"doConnect");!U&&!D||U&&D?K():aP(O,U?4:6,(ue,pe,de)=>{if(ue){let lt=U?"IPv4":"IPv6",Et=new Error(`Error while looking up ${lt} address for '${O}': ${ue}`);clearTimeout(this._readyTimeout),Et.level="client-dns",this.emit("error",Et),this.emit("close");return}O=pe,K()})}return this}end(){return this._sock&&vt(this._sock)&&(this._protocol.disconnect(Yy.BY_APPLICATION),this._sock.end()),this}destroy(){return this._sock&&vt(this._sock)&&this._sock.destroy(),this}exec(t,n,r){if(!this._sock||!vt(this._sock))throw new Error("Not connected");typeof n=="function"&&(r=n,n={});let s={allowHalfOpen:n.allowHalfOpen!==!1};return Ms(this,"session",s,(i,o)=>{if(i){r(i);return}let c=[];function l(u){if(u){o.close(),r(u);return}c.length&&c.shift()()}a(l,"reqCb"),(this.config.allowAgentFwd===!0||n&&n.agentForward===!0&&this._agent!==void 0)&&c.push(()=>iw(o,l)),typeof n=="object"&&n!==null&&(typeof n.env=="object"&&n.env!==null&&Of(o,n.env),(typeof n.pty=="object"&&n.pty!==null||n.pty===!0)&&c.push(()=>sw(o,n.pty,l)),(typeof n.x11=="object"&&n.x11!==null||n.x11==="number"||n.x11===!0)&&c.push(()=>rw(o,n.x11,l))),c.push(()=>SP(o,t,n,r)),c.shift()()}),this}shell(t,n,r){if(!this._sock||!vt(this._sock))throw new Error("Not connected");return typeof t=="function"?(r=t,t=n=void 0):typeof n=="function"&&(r=n,n=void 0),t&&(t.x11!==void 0||t.env!==void 0)&&(n=t,t=void 0),Ms(this,"session",(s,i)=>{if(s){r(s);return}let o=[];function c(l){if(l){i.close(),r(l);return}o.length&&o.shift()()}a(c,"reqCb"),(this.config.allowAgentFwd===!0||n&&n.agentForward===!0&&this._agent!==void 0)&&o.push(()=>iw(i,c)),t!==!1&&o.push(()=>sw(i,t,c)),typeof n=="object"&&n!==null&&(typeof n.env=="object"&&n.env!==null&&Of(i,n.env),(typeof n.x11=="object"&&n.x11!==null||n.x11==="number"||n.x11===!0)&&o.push(()=>rw(i,n.x11,c))),o.push(()=>EP(i,r)),o.shift()()}),this}subsys(t,n){if(!this._sock||!vt(this._sock))throw new Error("Not connected");return Ms(this,"session",(r,s)=>{if(r){n(r);return}Rf(s,t,(i,o)=>{if(i){n(i);return}n(void 0,o)})}),this}forwardIn(t,n,r){if(!this._sock||!vt(this._sock))throw new Error("Not connected");let s=typeof r=="function";return s&&this._callbacks.push((i,o)=>{if(i){r(i!==!0?i:new Error(`Unable to bind to ${t}:${n}`));return}let c=n;n===0&&o&&o.length>=4&&(c=bP(o,0),this._protocol._compatFlags&aw.DYN_RPORT_BUG||(n=c)),this._forwarding[`${t}:${n}`]=c,r(void 0,c)}),this._protocol.tcpipForward(t,n,s),this}unforwardIn(t,n,r){if(!this._sock||!vt(this._sock))throw new Error("Not connected");let s=typeof r=="function";return s&&this._callbacks.push(i=>{if(i){r(i!==!0?i:new Error(`Unable to unbind from ${t}:${n}`));return}delete this._forwarding[`${t}:${n}`],r()}),this._protocol.cancelTcpipForward(t,n,s),this}forwardOut(t,n,r,s,i){if(!this._sock||!vt(this._sock))throw new Error("Not connected");let o={srcIP:t,srcPort:n,dstIP:r,dstPort:s};return typeof i!="function"&&(i=Lf),Ms(this,"direct-tcpip",o,i),this}openssh_noMoreSessions(t){if(!this._sock||!vt(this._sock))throw new Error("Not connected");let n=typeof t=="function";return!this.config.strictVendor||this.config.strictVendor&&Ji.test(this._remoteVer)?(n&&this._callbacks.push(r=>{if(r){t(r!==!0?r:new Error("Unable to disable future sessions"));return}t()}),this._protocol.openssh_noMoreSessions(n),this):n?(process.nextTick(t,new Error("strictVendor enabled and server is not OpenSSH or compatible version")),this):this}openssh_forwardInStreamLocal(t,n){if(!this._sock||!vt(this._sock))throw new Error("Not connected");let r=typeof n=="function";return!this.config.strictVendor||this.config.strictVendor&&Ji.test(this._remoteVer)?(r&&this._callbacks.push(s=>{if(s){n(s!==!0?s:new Error(`Unable to bind to ${t}`));return}this._forwardingUnix[t]=!0,n()}),this._protocol.openssh_streamLocalForward(t,r),this):r?(process.nextTick(n,new Error("strictVendor enabled and server is not OpenSSH or compatible version")),this):this}openssh_unforwardInStreamLocal(t,n){if(!this._sock||!vt(this._sock))throw new Error("Not connected");let r=typeof n=="function";return!this.config.strictVendor||this.config.strictVendor&&Ji.test(this._remoteVer)?(r&&this._callbacks.push(s=>{if(s){n(s!==!0?s:new Error(`Unable to unbind from ${t}`));return}delete this._forwardingUnix[t],n()}),this._protocol.openssh_cancelStreamLocalForward(t,r),this):r?(process.nextTick(n,new Error("strictVendor enabled and server is not OpenSSH or compatible version")),this):this}openssh_forwardOutStreamLocal(t,n){if(!this._sock||!vt(this._sock))throw new Error("Not connected");return typeof n!="function"&&(n=Lf),!this.config.strictVendor||this.config.strictVendor&&Ji.test(this._remoteVer)?(Ms(this,"direct-streamlocal@openssh.com",{socketPath:t},n),this):(process.nextTick(n,new Error("strictVendor enabled and server is not OpenSSH or compatible version")),this)}sftp(t,n){if(!this._sock||!vt(this._sock))throw new Error("Not connected");return typeof t=="function"&&(n=t,t=void 0),Ms(this,"sftp",(r,s)=>{if(r){n(r);return}let i=a((o,c)=>{if(o){n(o);return}function l(){s.removeListener("ready",u),s.removeListener("error",d),s.removeListener("exit",f),s.removeListener("close",f)}a(l,"removeListeners");function u(){l(),n(void 0,s)}a(u,"onReady");function d(p){l(),n(p)}a(d,"onError");function f(p,_){l();let $;typeof p=="number"?$=`Received exit code ${p} while establishing SFTP session`:_!==void 0?$=`Received signal ${_} while establishing SFTP session`:$="Received unexpected SFTP session termination";let g=new Error($);g.code=p,g.signal=_,n(g)}a(f,"onExit"),s.on("ready",u).on("error",d).on("exit",f).on("close",f),s._init()},"reqSubsystemCb");typeof t=="object"&&t!==null?Of(s,t,o=>{if(o){n(o);return}Rf(s,"sftp",i)}):Rf(s,"sftp",i)}),this}setNoDelay(t){return this._sock&&typeof this._sock.setNoDelay=="function"&&this._sock.setNoDelay(t),this}};function Ms(e,t,n,r){let s=mc,i=gc;typeof n=="function"&&(r=n,n={});let o=a((l,u)=>{r(l,u)},"wrapper");o.type=t;let c=e._chanMgr.add(o);if(c===-1){r(new Error("No free channels available"));return}switch(t){case"session":case"sftp":e._protocol.session(c,s,i);break;case"direct-tcpip":e._protocol.directTcpip(c,s,i,n);break;case"direct-streamlocal@openssh.com":e._protocol.openssh_directStreamLocal(c,s,i,n);break;default:throw new Error(`Unsupported channel type: ${t}`)}}a(Ms,"openChannel");function rw(e,t,n){let r={single:!1,protocol:"MIT-MAGIC-COOKIE-1",cookie:void 0,screen:0};typeof t=="function"?n=t:typeof t=="object"&&t!==null&&(typeof t.single=="boolean"&&(r.single=t.single),typeof t.screen=="number"&&(r.screen=t.screen),typeof t.protocol=="string"&&(r.protocol=t.protocol),typeof t.cookie=="string"?r.cookie=t.cookie:Buffer.isBuffer(t.cookie)&&(r.cookie=t.cookie.hexSlice(0,t.cookie.length))),r.cookie===void 0&&(r.cookie=CP());let s=typeof n=="function";if(e.outgoing.state!=="open"){s&&n(new Error("Channel is not open"));return}s&&e._callbacks.push(i=>{if(i){n(i!==!0?i:new Error("Unable to request X11"));return}e._hasX11=!0,++e._client._acceptX11,e.once("close",()=>{e._client._acceptX11&&--e._client._acceptX11}),n()}),e._client._protocol.x11Forward(e.outgoing.id,r,s)}a(rw,"reqX11");function sw(e,t,n){let r=24,s=80,i=640,o=480,c="vt100",l=null;typeof t=="function"?n=t:typeof t=="object"&&t!==null&&(typeof t.rows=="number"&&(r=t.rows),typeof t.cols=="number"&&(s=t.cols),typeof t.width=="number"&&(i=t.width),typeof t.height=="number"&&(o=t.height),typeof t.term=="string"&&(c=t.term),typeof t.modes=="object"&&(l=t.modes));let u=typeof n=="function";if(e.outgoing.state!=="open"){u&&n(new Error("Channel is not open"));return}u&&e._callbacks.push(d=>{if(d){n(d!==!0?d:new Error("Unable to request a pseudo-terminal"));return}n()}),e._client._protocol.pty(e.outgoing.id,r,s,o,i,c,l,u)}a(sw,"reqPty");function iw(e,t){let n=typeof t=="function";if(e.outgoing.state!=="open"){n&&t(new Error("Channel is not open"));return}if(e._client._agentFwdEnabled){n&&t(!1);return}e._client._agentFwdEnabled=!0,e._callbacks.push(r=>{if(r){e._client._agentFwdEnabled=!1,n&&t(r!==!0?r:new Error("Unable to request agent forwarding"));return}n&&t()}),e._client._protocol.openssh_agentForward(e.outgoing.id,!0)}a(iw,"reqAgentFwd");function EP(e,t){if(e.outgoing.state!=="open"){t(new Error("Channel is not open"));return}e._callbacks.push(n=>{if(n){t(n!==!0?n:new Error("Unable to open shell"));return}e.subtype="shell",t(void 0,e)}),e._client._protocol.shell(e.outgoing.id,!0)}a(EP,"reqShell");function SP(e,t,n,r){if(e.outgoing.state!=="open"){r(new Error("Channel is not open"));return}e._callbacks.push(s=>{if(s){r(s!==!0?s:new Error("Unable to exec"));return}e.subtype="exec",e.allowHalfOpen=n.allowHalfOpen!==!1,r(void 0,e)}),e._client._protocol.exec(e.outgoing.id,t,!0)}a(SP,"reqExec");function Of(e,t,n){let r=typeof n=="function";if(e.outgoing.state!=="open"){r&&n(new Error("Channel is not open"));return}r&&e._callbacks.push(i=>{if(i){n(i!==!0?i:new Error("Unable to set environment"));return}n()});let s=Object.keys(t||{});for(let i=0;i<s.length;++i){let o=s[i],c=t[o];e._client._protocol.env(e.outgoing.id,o,c,r)}}a(Of,"reqEnv");function Rf(e,t,n){if(e.outgoing.state!=="open"){n(new Error("Channel is not open"));return}e._callbacks.push(r=>{if(r){n(r!==!0?r:new Error(`Unable to start subsystem: ${t}`));return}e.subtype="subsystem",n(void 0,e)}),e._client._protocol.subsystem(e.outgoing.id,t,!0)}a(Rf,"reqSubsystem");function IP(e,t){let n=-1,r,s=a(()=>{let l={type:t.type,incoming:{id:n,window:mc,packetSize:gc,state:"open"},outgoing:{id:t.sender,window:t.window,packetSize:t.packetSize,state:"open"}},u=new lw(e,l);return e._chanMgr.update(n,u),e._protocol.channelOpenConfirm(t.sender,n,mc,gc),u},"accept"),i=a(()=>{r===void 0&&(n===-1?r=Vi.RESOURCE_SHORTAGE:r=Vi.CONNECT_FAILED),n!==-1&&e._chanMgr.remove(n),e._protocol.channelOpenFail(t.sender,r,"")},"reject"),o=a(()=>(n=e._chanMgr.add(),n===-1&&(r=Vi.RESOURCE_SHORTAGE,e.config.debug&&e.config.debug("Client: Automatic rejection of incoming channel open: no channels available")),n!==-1),"reserveChannel"),c=t.data;switch(t.type){case"forwarded-tcpip":{let l=e._forwarding[`${c.destIP}:${c.destPort}`];if(l!==void 0&&o()){c.destPort===0&&(c.destPort=l),e.emit("tcp connection",c,s,i);return}break}case"forwarded-streamlocal@openssh.com":if(e._forwardingUnix[c.socketPath]!==void 0&&o()){e.emit("unix connection",c,s,i);return}break;case"auth-agent@openssh.com":if(e._agentFwdEnabled&&typeof e._agent.getStream=="function"&&o()){e._agent.getStream((l,u)=>{if(l)return i();let d=s();d.pipe(u).pipe(d)});return}break;case"x11":if(e._acceptX11!==0&&o()){e.emit("x11",c,s,i);return}break;default:r=Vi.UNKNOWN_CHANNEL_TYPE,e.config.debug&&e.config.debug(`Client: Automatic rejection of unsupported incoming channel open type: ${t.type}`)}r===void 0&&(r=Vi.ADMINISTRATIVELY_PROHIBITED,e.config.debug&&e.config.debug("Client: Automatic rejection of unexpected incoming channel open for: "+t.type)),i()}a(IP,"onCHANNEL_OPEN");var CP=(()=>{let e=Buffer.allocUnsafe(16);return()=>(iP(e,0,16),e.hexSlice(0,16))})();function ow(e){if(!Array.isArray(e))throw new Error("authList must be an array");let t=0;return(n,r,s)=>t===e.length?!1:e[t++]}a(ow,"makeSimpleAuthHandler");function PP(e,t,n){if(!e._sock||!vt(e._sock))return;if(typeof n!="function"&&(n=Lf),!Array.isArray(t))throw new TypeError("Invalid keys argument type");let r=[];for(let s of t){let i=_c(s);if(i instanceof Error)throw i;r.push(i)}if(!e.config.strictVendor||e.config.strictVendor&&Ji.test(e._remoteVer)){e._callbacks.push((s,i)=>{if(s){n(s!==!0?s:new Error("Server failed to prove supplied keys"));return}let o=[],c=0;for(pc.init(i,0);pc.avail()&&c!==r.length;){let l=r[c++],u=l.getPublicSSH(),d=pc.readString();hc.init(d,0);let f=hc.readString(!0),p=hc.readString(),_;if(f!==l.type)if(l.type==="ssh-rsa")switch(f){case"rsa-sha2-256":_="sha256";break;case"rsa-sha2-512":_="sha512";break;default:continue}else continue;let $=e._protocol._kex.sessionID,g=Buffer.allocUnsafe(37+$.length+4+u.length),y=0;Nf(g,29,y),g.utf8Write("hostkeys-prove-00@openssh.com",y+=4,29),Nf(g,$.length,y+=29),Vy($,g,0,$.length,y+=4),Nf(g,u.length,y+=$.length),Vy(u,g,0,u.length,y+=4),(p=AP(p,f))&&l.verify(g,p,_)===!0&&o.push(l)}hc.clear(),pc.clear(),n(null,o)}),e._protocol.openssh_hostKeysProve(r);return}process.nextTick(n,new Error("strictVendor enabled and server is not OpenSSH or compatible version"))}a(PP,"hostKeysProve");function Bf(e,t,n){switch(t.type){case"ssh-rsa":if(e._protocol._compatFlags&aw.IMPLY_RSA_SHA2_SIGALGS&&(Array.isArray(n)?n=["rsa-sha2-256","rsa-sha2-512",...n]:n=["rsa-sha2-256","rsa-sha2-512"]),Array.isArray(n)){if(n.indexOf("rsa-sha2-256")!==-1)return[["rsa-sha2-256","sha256"]];if(n.indexOf("rsa-sha2-512")!==-1)return[["rsa-sha2-512","sha512"]];if(n.indexOf("ssh-rsa")===-1)return[]}return[["ssh-rsa","sha1"]]}}a(Bf,"getKeyAlgos");uw.exports=Df});var fw=q(()=>{});var pw=q(()=>{});var eo=q((qj,hw)=>{"use strict";var{AgentProtocol:TP,BaseAgent:NP,createAgent:OP,CygwinAgent:RP,OpenSSHAgent:BP,PageantAgent:LP}=lf(),{SSHTTPAgent:DP,SSHTTPSAgent:UP}=ny(),{parseKey:FP}=Gr(),{flagsToString:MP,OPEN_MODE:HP,STATUS_CODE:zP,stringToFlags:jP}=nc();hw.exports={AgentProtocol:TP,BaseAgent:NP,createAgent:OP,Client:dw(),CygwinAgent:RP,HTTPAgent:DP,HTTPSAgent:UP,OpenSSHAgent:BP,PageantAgent:LP,Server:fw(),utils:{parseKey:FP,...pw(),sftp:{flagsToString:MP,OPEN_MODE:HP,STATUS_CODE:zP,stringToFlags:jP}}}});var Ke=q(Dt=>{"use strict";var mp=Symbol.for("yaml.alias"),sb=Symbol.for("yaml.document"),Wc=Symbol.for("yaml.map"),ib=Symbol.for("yaml.pair"),gp=Symbol.for("yaml.scalar"),Gc=Symbol.for("yaml.seq"),tr=Symbol.for("yaml.node.type"),LO=a(e=>!!e&&typeof e=="object"&&e[tr]===mp,"isAlias"),DO=a(e=>!!e&&typeof e=="object"&&e[tr]===sb,"isDocument"),UO=a(e=>!!e&&typeof e=="object"&&e[tr]===Wc,"isMap"),FO=a(e=>!!e&&typeof e=="object"&&e[tr]===ib,"isPair"),ob=a(e=>!!e&&typeof e=="object"&&e[tr]===gp,"isScalar"),MO=a(e=>!!e&&typeof e=="object"&&e[tr]===Gc,"isSeq");function ab(e){if(e&&typeof e=="object")switch(e[tr]){case Wc:case Gc:return!0}return!1}a(ab,"isCollection");function HO(e){if(e&&typeof e=="object")switch(e[tr]){case mp:case Wc:case gp:case Gc:return!0}return!1}a(HO,"isNode");var zO=a(e=>(ob(e)||ab(e))&&!!e.anchor,"hasAnchor");Dt.ALIAS=mp;Dt.DOC=sb;Dt.MAP=Wc;Dt.NODE_TYPE=tr;Dt.PAIR=ib;Dt.SCALAR=gp;Dt.SEQ=Gc;Dt.hasAnchor=zO;Dt.isAlias=LO;Dt.isCollection=ab;Dt.isDocument=DO;Dt.isMap=UO;Dt.isNode=HO;Dt.isPair=FO;Dt.isScalar=ob;Dt.isSeq=MO});var co=q($p=>{"use strict";var Ct=Ke(),Yt=Symbol("break visit"),cb=Symbol("skip children"),Un=Symbol("remove node");function Zc(e,t){let n=lb(t);Ct.isDocument(e)?Vs(null,e.contents,n,Object.freeze([e]))===Un&&(e.contents=null):Vs(null,e,n,Object.freeze([]))}a(Zc,"visit");Zc.BREAK=Yt;Zc.SKIP=cb;Zc.REMOVE=Un;function Vs(e,t,n,r){let s=ub(e,t,n,r);if(Ct.isNode(s)||Ct.isPair(s))return db(e,r,s),Vs(e,s,n,r);if(typeof s!="symbol"){if(Ct.isCollection(t)){r=Object.freeze(r.concat(t));for(let i=0;i<t.items.length;++i){let o=Vs(i,t.items[i],n,r);if(typeof o=="number")i=o-1;else{if(o===Yt)return Yt;o===Un&&(t.items.splice(i,1),i-=1)}}}else if(Ct.isPair(t)){r=Object.freeze(r.concat(t));let i=Vs("key",t.key,n,r);if(i===Yt)return Yt;i===Un&&(t.key=null);let o=Vs("value",t.value,n,r);if(o===Yt)return Yt;o===Un&&(t.value=null)}}return s}a(Vs,"visit_");async function Yc(e,t){let n=lb(t);Ct.isDocument(e)?await Xs(null,e.contents,n,Object.freeze([e]))===Un&&(e.contents=null):await Xs(null,e,n,Object.freeze([]))}a(Yc,"visitAsync");Yc.BREAK=Yt;Yc.SKIP=cb;Yc.REMOVE=Un;async function Xs(e,t,n,r){let s=await ub(e,t,n,r);if(Ct.isNode(s)||Ct.isPair(s))return db(e,r,s),Xs(e,s,n,r);if(typeof s!="symbol"){if(Ct.isCollection(t)){r=Object.freeze(r.concat(t));for(let i=0;i<t.items.length;++i){let o=await Xs(i,t.items[i],n,r);if(typeof o=="number")i=o-1;else{if(o===Yt)return Yt;o===Un&&(t.items.splice(i,1),i-=1)}}}else if(Ct.isPair(t)){r=Object.freeze(r.concat(t));let i=await Xs("key",t.key,n,r);if(i===Yt)return Yt;i===Un&&(t.key=null);let o=await Xs("value",t.value,n,r);if(o===Yt)return Yt;o===Un&&(t.value=null)}}return s}a(Xs,"visitAsync_");function lb(e){return typeof e=="object"&&(e.Collection||e.Node||e.Value)?Object.assign({Alias:e.Node,Map:e.Node,Scalar:e.Node,Seq:e.Node},e.Value&&{Map:e.Value,Scalar:e.Value,Seq:e.Value},e.Collection&&{Map:e.Collection,Seq:e.Collection},e):e}a(lb,"initVisitor");function ub(e,t,n,r){if(typeof n=="function")return n(e,t,r);if(Ct.isMap(t))return n.Map?.(e,t,r);if(Ct.isSeq(t))return n.Seq?.(e,t,r);if(Ct.isPair(t))return n.Pair?.(e,t,r);if(Ct.isScalar(t))return n.Scalar?.(e,t,r);if(Ct.isAlias(t))return n.Alias?.(e,t,r)}a(ub,"callVisitor");function db(e,t,n){let r=t[t.length-1];if(Ct.isCollection(r))r.items[e]=n;else if(Ct.isPair(r))e==="key"?r.key=n:r.value=n;else if(Ct.isDocument(r))r.contents=n;else{let s=Ct.isAlias(r)?"alias":"scalar";throw new Error(`Cannot replace node with ${s} parent`)}}a(db,"replaceNode");$p.visit=Zc;$p.visitAsync=Yc});var yp=q(pb=>{"use strict";var fb=Ke(),jO=co(),qO={"!":"%21",",":"%2C","[":"%5B","]":"%5D","{":"%7B","}":"%7D"},KO=a(e=>e.replace(/[!,[\]{}]/g,t=>qO[t]),"escapeTagName"),lo=class e{static{a(this,"Directives")}constructor(t,n){this.docStart=null,this.docEnd=!1,this.yaml=Object.assign({},e.defaultYaml,t),this.tags=Object.assign({},e.defaultTags,n)}clone(){let t=new e(this.yaml,this.tags);return t.docStart=this.docStart,t}atDocument(){let t=new e(this.yaml,this.tags);switch(this.yaml.version){case"1.1":this.atNextDocument=!0;break;case"1.2":this.atNextDocument=!1,this.yaml={explicit:e.defaultYaml.explicit,version:"1.2"},this.tags=Object.assign({},e.defaultTags);break}return t}add(t,n){this.atNextDocument&&(this.yaml={explicit:e.defaultYaml.explicit,version:"1.1"},this.tags=Object.assign({},e.defaultTags),this.atNextDocument=!1);let r=t.trim().split(/[ \t]+/),s=r.shift();switch(s){case"%TAG":{if(r.length!==2&&(n(0,"%TAG directive should contain exactly two parts"),r.length<2))return!1;let[i,o]=r;return this.tags[i]=o,!0}case"%YAML":{if(this.yaml.explicit=!0,r.length!==1)return n(0,"%YAML directive should contain exactly one part"),!1;let[i]=r;if(i==="1.1"||i==="1.2")return this.yaml.version=i,!0;{let o=/^\d+\.\d+$/.test(i);return n(6,`Unsupported YAML version ${i}`,o),!1}}default:return n(0,`Unknown directive ${s}`,!0),!1}}tagName(t,n){if(t==="!")return"!";if(t[0]!=="!")return n(`Not a valid tag: ${t}`),null;if(t[1]==="<"){let o=t.slice(2,-1);return o==="!"||o==="!!"?(n(`Verbatim tags aren't resolved, so ${t} is invalid.`),null):(t[t.length-1]!==">"&&n("Verbatim tags must end with a >"),o)}let[,r,s]=t.match(/^(.*!)([^!]*)$/s);s||n(`The ${t} tag has no suffix`);let i=this.tags[r];if(i)try{return i+decodeURIComponent(s)}catch(o){return n(String(o)),null}return r==="!"?t:(n(`Could not resolve tag: ${t}`),null)}tagString(t){for(let[n,r]of Object.entries(this.tags))if(t.startsWith(r))return n+KO(t.substring(r.length));return t[0]==="!"?t:`!<${t}>`}toString(t){let n=this.yaml.explicit?[`%YAML ${this.yaml.version||"1.2"}`]:[],r=Object.entries(this.tags),s;if(t&&r.length>0&&fb.isNode(t.contents)){let i={};jO.visit(t.contents,(o,c)=>{fb.isNode(c)&&c.tag&&(i[c.tag]=!0)}),s=Object.keys(i)}else s=[];for(let[i,o]of r)i==="!!"&&o==="tag:yaml.org,2002:"||(!t||s.some(c=>c.startsWith(o)))&&n.push(`%TAG ${i} ${o}`);return n.join(`
`)}};lo.defaultYaml={explicit:!1,version:"1.2"};lo.defaultTags={"!!":"tag:yaml.org,2002:"};pb.Directives=lo});var Vc=q(uo=>{"use strict";var hb=Ke(),QO=co();function WO(e){if(/[\x00-\x19\s,[\]{}]/.test(e)){let n=`Anchor must not contain whitespace or control characters: ${JSON.stringify(e)}`;throw new Error(n)}return!0}a(WO,"anchorIsValid");function _b(e){let t=new Set;return QO.visit(e,{Value(n,r){r.anchor&&t.add(r.anchor)}}),t}a(_b,"anchorNames");function mb(e,t){for(let n=1;;++n){let r=`${e}${n}`;if(!t.has(r))return r}}a(mb,"findNewAnchor");function GO(e,t){let n=[],r=new Map,s=null;return{onAnchor:a(i=>{n.push(i),s??(s=_b(e));let o=mb(t,s);return s.add(o),o},"onAnchor"),setAnchors:a(()=>{for(let i of n){let o=r.get(i);if(typeof o=="object"&&o.anchor&&(hb.isScalar(o.node)||hb.isCollection(o.node)))o.node.anchor=o.anchor;else{let c=new Error("Failed to resolve repeated object (this should not happen)");throw c.source=i,c}}},"setAnchors"),sourceObjects:r}}a(GO,"createNodeAnchors");uo.anchorIsValid=WO;uo.anchorNames=_b;uo.createNodeAnchors=GO;uo.findNewAnchor=mb});var wp=q(gb=>{"use strict";function fo(e,t,n,r){if(r&&typeof r=="object")if(Array.isArray(r))for(let s=0,i=r.length;s<i;++s){let o=r[s],c=fo(e,r,String(s),o);c===void 0?delete r[s]:c!==o&&(r[s]=c)}else if(r instanceof Map)for(let s of Array.from(r.keys())){let i=r.get(s),o=fo(e,r,s,i);o===void 0?r.delete(s):o!==i&&r.set(s,o)}else if(r instanceof Set)for(let s of Array.from(r)){let i=fo(e,r,s,s);i===void 0?r.delete(s):i!==s&&(r.delete(s),r.add(i))}else for(let[s,i]of Object.entries(r)){let o=fo(e,r,s,i);o===void 0?delete r[s]:o!==i&&(r[s]=o)}return e.call(t,n,r)}a(fo,"applyReviver");gb.applyReviver=fo});var Ar=q(yb=>{"use strict";var ZO=Ke();function $b(e,t,n){if(Array.isArray(e))return e.map((r,s)=>$b(r,String(s),n));if(e&&typeof e.toJSON=="function"){if(!n||!ZO.hasAnchor(e))return e.toJSON(t,n);let r={aliasCount:0,count:1,res:void 0};n.anchors.set(e,r),n.onCreate=i=>{r.res=i,delete n.onCreate};let s=e.toJSON(t,n);return n.onCreate&&n.onCreate(s),s}return typeof e=="bigint"&&!n?.keep?Number(e):e}a($b,"toJS");yb.toJS=$b});var Xc=q(bb=>{"use strict";var YO=wp(),wb=Ke(),VO=Ar(),bp=class{static{a(this,"NodeBase")}constructor(t){Object.defineProperty(this,wb.NODE_TYPE,{value:t})}clone(){let t=Object.create(Object.getPrototypeOf(this),Object.getOwnPropertyDescriptors(this));return this.range&&(t.range=this.range.slice()),t}toJS(t,{mapAsMap:n,maxAliasCount:r,onAnchor:s,reviver:i}={}){if(!wb.isDocument(t))throw new TypeError("A document argument is required");let o={anchors:new Map,doc:t,keep:!0,mapAsMap:n===!0,mapKeyWarned:!1,maxAliasCount:typeof r=="number"?r:100},c=VO.toJS(this,"",o);if(typeof s=="function")for(let{count:l,res:u}of o.anchors.values())s(u,l);return typeof i=="function"?YO.applyReviver(i,{"":c},"",c):c}};bb.NodeBase=bp});var po=q(Ab=>{"use strict";var XO=Vc(),JO=co(),Js=Ke(),eR=Xc(),tR=Ar(),Ap=class extends eR.NodeBase{static{a(this,"Alias")}constructor(t){super(Js.ALIAS),this.source=t,Object.defineProperty(this,"tag",{set(){throw new Error("Alias nodes cannot have tags")}})}resolve(t,n){if(n?.maxAliasCount===0)throw new ReferenceError("Alias resolution is disabled");let r;n?.aliasResolveCache?r=n.aliasResolveCache:(r=[],JO.visit(t,{Node:a((i,o)=>{(Js.isAlias(o)||Js.hasAnchor(o))&&r.push(o)},"Node")}),n&&(n.aliasResolveCache=r));let s;for(let i of r){if(i===this)break;i.anchor===this.source&&(s=i)}if(s&&n){let{anchors:i,doc:o,maxAliasCount:c}=n,l=i.get(s);if(l||(tR.toJS(s,null,n),l=i.get(s)),l?.res===void 0){let u="This should not happen: Alias anchor was not resolved?";throw new ReferenceError(u)}if(c>=0&&(l.count+=1,l.aliasCount===0&&(l.aliasCount=Jc(o,s,i)),l.count*l.aliasCount>c)){let u="Excessive alias count indicates a resource exhaustion attack";throw new ReferenceError(u)}}return s}toJSON(t,n){if(!n)return{source:this.source};let r=this.resolve(n.doc,n);if(!r){let s=`Unresolved alias (the anchor must be set before the alias): ${this.source}`;throw new ReferenceError(s)}return n.anchors.get(r).res}toString(t,n,r){let s=`*${this.source}`;if(t){if(XO.anchorIsValid(this.source),t.options.verifyAliasOrder&&!t.anchors.has(this.source)){let i=`Unresolved alias (the anchor must be set before the alias): ${this.source}`;throw new Error(i)}if(t.implicitKey)return`${s} `}return s}};function Jc(e,t,n){if(Js.isAlias(t)){let r=t.resolve(e),s=n&&r&&n.get(r);return s?s.count*s.aliasCount:0}else if(Js.isCollection(t)){let r=0;for(let s of t.items){let i=Jc(e,s,n);i>r&&(r=i)}return r}else if(Js.isPair(t)){let r=Jc(e,t.key,n),s=Jc(e,t.value,n);return Math.max(r,s)}return 1}a(Jc,"getAliasCount");Ab.Alias=Ap});var xt=q(kp=>{"use strict";var nR=Ke(),rR=Xc(),sR=Ar(),iR=a(e=>!e||typeof e!="function"&&typeof e!="object","isScalarValue"),kr=class extends rR.NodeBase{static{a(this,"Scalar")}constructor(t){super(nR.SCALAR),this.value=t}toJSON(t,n){return n?.keep?this.value:sR.toJS(this.value,t,n)}toString(){return String(this.value)}};kr.BLOCK_FOLDED="BLOCK_FOLDED";kr.BLOCK_LITERAL="BLOCK_LITERAL";kr.PLAIN="PLAIN";kr.QUOTE_DOUBLE="QUOTE_DOUBLE";kr.QUOTE_SINGLE="QUOTE_SINGLE";kp.Scalar=kr;kp.isScalarValue=iR});var ho=q(vb=>{"use strict";var oR=po(),Zr=Ke(),kb=xt(),aR="tag:yaml.org,2002:";function cR(e,t,n){if(t){let r=n.filter(i=>i.tag===t),s=r.find(i=>!i.format)??r[0];if(!s)throw new Error(`Tag ${t} not found`);return s}return n.find(r=>r.identify?.(e)&&!r.format)}a(cR,"findTagObject");function lR(e,t,n){if(Zr.isDocument(e)&&(e=e.contents),Zr.isNode(e))return e;if(Zr.isPair(e)){let f=n.schema[Zr.MAP].createNode?.(n.schema,null,n);return f.items.push(e),f}(e instanceof String||e instanceof Number||e instanceof Boolean||typeof BigInt<"u"&&e instanceof BigInt)&&(e=e.valueOf());let{aliasDuplicateObjects:r,onAnchor:s,onTagObj:i,schema:o,sourceObjects:c}=n,l;if(r&&e&&typeof e=="object"){if(l=c.get(e),l)return l.anchor??(l.anchor=s(e)),new oR.Alias(l.anchor);l={anchor:null,node:null},c.set(e,l)}t?.startsWith("!!")&&(t=aR+t.slice(2));let u=cR(e,t,o.tags);if(!u){if(e&&typeof e.toJSON=="function"&&(e=e.toJSON()),!e||typeof e!="object"){let f=new kb.Scalar(e);return l&&(l.node=f),f}u=e instanceof Map?o[Zr.MAP]:Symbol.iterator in Object(e)?o[Zr.SEQ]:o[Zr.MAP]}i&&(i(u),delete n.onTagObj);let d=u?.createNode?u.createNode(n.schema,e,n):typeof u?.nodeClass?.from=="function"?u.nodeClass.from(n.schema,e,n):new kb.Scalar(e);return t?d.tag=t:u.default||(d.tag=u.tag),l&&(l.node=d),d}a(lR,"createNode");vb.createNode=lR});var tl=q(el=>{"use strict";var uR=ho(),Fn=Ke(),dR=Xc();function vp(e,t,n){let r=n;for(let s=t.length-1;s>=0;--s){let i=t[s];if(typeof i=="number"&&Number.isInteger(i)&&i>=0){let o=[];o[i]=r,r=o}else r=new Map([[i,r]])}return uR.createNode(r,void 0,{aliasDuplicateObjects:!1,keepUndefined:!1,onAnchor:a(()=>{throw new Error("This should not happen, please report a bug.")},"onAnchor"),schema:e,sourceObjects:new Map})}a(vp,"collectionFromPath");var xb=a(e=>e==null||typeof e=="object"&&!!e[Symbol.iterator]().next().done,"isEmptyPath"),xp=class extends dR.NodeBase{static{a(this,"Collection")}constructor(t,n){super(t),Object.defineProperty(this,"schema",{value:n,configurable:!0,enumerable:!1,writable:!0})}clone(t){let n=Object.create(Object.getPrototypeOf(this),Object.getOwnPropertyDescriptors(this));return t&&(n.schema=t),n.items=n.items.map(r=>Fn.isNode(r)||Fn.isPair(r)?r.clone(t):r),this.range&&(n.range=this.range.slice()),n}addIn(t,n){if(xb(t))this.add(n);else{let[r,...s]=t,i=this.get(r,!0);if(Fn.isCollection(i))i.addIn(s,n);else if(i===void 0&&this.schema)this.set(r,vp(this.schema,s,n));else throw new Error(`Expected YAML collection at ${r}. Remaining path: ${s}`)}}deleteIn(t){let[n,...r]=t;if(r.length===0)return this.delete(n);let s=this.get(n,!0);if(Fn.isCollection(s))return s.deleteIn(r);throw new Error(`Expected YAML collection at ${n}. Remaining path: ${r}`)}getIn(t,n){let[r,...s]=t,i=this.get(r,!0);return s.length===0?!n&&Fn.isScalar(i)?i.value:i:Fn.isCollection(i)?i.getIn(s,n):void 0}hasAllNullValues(t){return this.items.every(n=>{if(!Fn.isPair(n))return!1;let r=n.value;return r==null||t&&Fn.isScalar(r)&&r.value==null&&!r.commentBefore&&!r.comment&&!r.tag})}hasIn(t){let[n,...r]=t;if(r.length===0)return this.has(n);let s=this.get(n,!0);return Fn.isCollection(s)?s.hasIn(r):!1}setIn(t,n){let[r,...s]=t;if(s.length===0)this.set(r,n);else{let i=this.get(r,!0);if(Fn.isCollection(i))i.setIn(s,n);else if(i===void 0&&this.schema)this.set(r,vp(this.schema,s,n));else throw new Error(`Expected YAML collection at ${r}. Remaining path: ${s}`)}}};el.Collection=xp;el.collectionFromPath=vp;el.isEmptyPath=xb});var _o=q(nl=>{"use strict";var fR=a(e=>e.replace(/^(?!$)(?: $)?/gm,"#"),"stringifyComment");function Ep(e,t){return/^\n+$/.test(e)?e.substring(1):t?e.replace(/^(?! *$)/gm,t):e}a(Ep,"indentComment");var pR=a((e,t,n)=>e.endsWith(`
`)?Ep(n,t):n.includes(`
`)?`
`+Ep(n,t):(e.endsWith(" ")?"":" ")+n,"lineComment");nl.indentComment=Ep;nl.lineComment=pR;nl.stringifyComment=fR});var Sb=q(mo=>{"use strict";var hR="flow",Sp="block",rl="quoted";function _R(e,t,n="flow",{indentAtStart:r,lineWidth:s=80,minContentWidth:i=20,onFold:o,onOverflow:c}={}){if(!s||s<0)return e;s<i&&(i=0);let l=Math.max(1+i,1+s-t.length);if(e.length<=l)return e;let u=[],d={},f=s-t.length;typeof r=="number"&&(r>s-Math.max(2,i)?u.push(0):f=s-r);let p,_,$=!1,g=-1,y=-1,k=-1;n===Sp&&(g=Eb(e,g,t.length),g!==-1&&(f=g+l));for(let T;T=e[g+=1];){if(n===rl&&T==="\\"){switch(y=g,e[g+1]){case"x":g+=3;break;case"u":g+=5;break;case"U":g+=9;break;default:g+=1}k=g}if(T===`
`)n===Sp&&(g=Eb(e,g,t.length)),f=g+t.length+l,p=void 0;else{if(T===" "&&_&&_!==" "&&_!==`
`&&_!=="	"){let E=e[g+1];E&&E!==" "&&E!==`
`&&E!=="	"&&(p=g)}if(g>=f)if(p)u.push(p),f=p+l,p=void 0;else if(n===rl){for(;_===" "||_==="	";)_=T,T=e[g+=1],$=!0;let E=g>k+1?g-2:y-1;if(d[E])return e;u.push(E),d[E]=!0,f=E+l,p=void 0}else $=!0}_=T}if($&&c&&c(),u.length===0)return e;o&&o();let x=e.slice(0,u[0]);for(let T=0;T<u.length;++T){let E=u[T],L=u[T+1]||e.length;E===0?x=`
${t}${e.slice(0,L)}`:(n===rl&&d[E]&&(x+=`${e[E]}\\`),x+=`
${t}${e.slice(E+1,L)}`)}return x}a(_R,"foldFlowLines");function Eb(e,t,n){let r=t,s=t+1,i=e[s];for(;i===" "||i==="	";)if(t<s+n)i=e[++t];else{do i=e[++t];while(i&&i!==`
`);r=t,s=t+1,i=e[s]}return r}a(Eb,"consumeMoreIndentedLines");mo.FOLD_BLOCK=Sp;mo.FOLD_FLOW=hR;mo.FOLD_QUOTED=rl;mo.foldFlowLines=_R});var $o=q(Ib=>{"use strict";var Sn=xt(),vr=Sb(),il=a((e,t)=>({indentAtStart:t?e.indent.length:e.indentAtStart,lineWidth:e.options.lineWidth,minContentWidth:e.options.minContentWidth}),"getFoldOptions"),ol=a(e=>/^(%|---|\.\.\.)/m.test(e),"containsDocumentMarker");function mR(e,t,n){if(!t||t<0)return!1;let r=t-n,s=e.length;if(s<=r)return!1;for(let i=0,o=0;i<s;++i)if(e[i]===`
`){if(i-o>r)return!0;if(o=i+1,s-o<=r)return!1}return!0}a(mR,"lineLengthOverLimit");function go(e,t){let n=JSON.stringify(e);if(t.options.doubleQuotedAsJSON)return n;let{implicitKey:r}=t,s=t.options.doubleQuotedMinMultiLineLength,i=t.indent||(ol(e)?"  ":""),o="",c=0;for(let l=0,u=n[l];u;u=n[++l])if(u===" "&&n[l+1]==="\\"&&n[l+2]==="n"&&(o+=n.slice(c,l)+"\\ ",l+=1,c=l,u="\\"),u==="\\")switch(n[l+1]){case"u":{o+=n.slice(c,l);let d=n.substr(l+2,4);switch(d){case"0000":o+="\\0";break;case"0007":o+="\\a";break;case"000b":o+="\\v";break;case"001b":o+="\\e";break;case"0085":o+="\\N";break;case"00a0":o+="\\_";break;case"2028":o+="\\L";break;case"2029":o+="\\P";break;default:d.substr(0,2)==="00"?o+="\\x"+d.substr(2):o+=n.substr(l,6)}l+=5,c=l+1}break;case"n":if(r||n[l+2]==='"'||n.length<s)l+=1;else{for(o+=n.slice(c,l)+`

`;n[l+2]==="\\"&&n[l+3]==="n"&&n[l+4]!=='"';)o+=`
`,l+=2;o+=i,n[l+2]===" "&&(o+="\\"),l+=1,c=l+1}break;default:l+=1}return o=c?o+n.slice(c):n,r?o:vr.foldFlowLines(o,i,vr.FOLD_QUOTED,il(t,!1))}a(go,"doubleQuotedString");function Ip(e,t){if(t.options.singleQuote===!1||t.implicitKey&&e.includes(`
`)||/[ \t]\n|\n[ \t]/.test(e))return go(e,t);let n=t.indent||(ol(e)?"  ":""),r="'"+e.replace(/'/g,"''").replace(/\n+/g,`$&
${n}`)+"'";return t.implicitKey?r:vr.foldFlowLines(r,n,vr.FOLD_FLOW,il(t,!1))}a(Ip,"singleQuotedString");function ei(e,t){let{singleQuote:n}=t.options,r;if(n===!1)r=go;else{let s=e.includes('"'),i=e.includes("'");s&&!i?r=Ip:i&&!s?r=go:r=n?Ip:go}return r(e,t)}a(ei,"quotedString");var Cp;try{Cp=new RegExp(`(^|(?<!
))
+(?!
|$)`,"g")}catch{Cp=/\n+(?!\n|$)/g}function sl({comment:e,type:t,value:n},r,s,i){let{blockQuote:o,commentString:c,lineWidth:l}=r.options;if(!o||/\n[\t ]+$/.test(n))return ei(n,r);let u=r.indent||(r.forceBlockIndent||ol(n)?"  ":""),d=o==="literal"?!0:o==="folded"||t===Sn.Scalar.BLOCK_FOLDED?!1:t===Sn.Scalar.BLOCK_LITERAL?!0:!mR(n,l,u.length);if(!n)return d?`|
`:`>
`;let f,p;for(p=n.length;p>0;--p){let L=n[p-1];if(L!==`
`&&L!=="	"&&L!==" ")break}let _=n.substring(p),$=_.indexOf(`
`);$===-1?f="-":n===_||$!==_.length-1?(f="+",i&&i()):f="",_&&(n=n.slice(0,-_.length),_[_.length-1]===`
`&&(_=_.slice(0,-1)),_=_.replace(Cp,`$&${u}`));let g=!1,y,k=-1;for(y=0;y<n.length;++y){let L=n[y];if(L===" ")g=!0;else if(L===`
`)k=y;else break}let x=n.substring(0,k<y?k+1:y);x&&(n=n.substring(x.length),x=x.replace(/\n+/g,`$&${u}`));let E=(g?u?"2":"1":"")+f;if(e&&(E+=" "+c(e.replace(/ ?[\r\n]+/g," ")),s&&s()),!d){let L=n.replace(/\n+/g,`
$&`).replace(/(?:^|\n)([\t ].*)(?:([\n\t ]*)\n(?![\n\t ]))?/g,"$1$2").replace(/\n+/g,`$&${u}`),j=!1,ee=il(r,!0);o!=="folded"&&t!==Sn.Scalar.BLOCK_FOLDED&&(ee.onOverflow=()=>{j=!0});let P=vr.foldFlowLines(`${x}${L}${_}`,u,vr.FOLD_BLOCK,ee);if(!j)return`>${E}
${u}${P}`}return n=n.replace(/\n+/g,`$&${u}`),`|${E}
${u}${x}${n}${_}`}a(sl,"blockString");function gR(e,t,n,r){let{type:s,value:i}=e,{actualString:o,implicitKey:c,indent:l,indentStep:u,inFlow:d}=t;if(c&&i.includes(`
`)||d&&/[[\]{},]/.test(i))return ei(i,t);if(/^[\n\t ,[\]{}#&*!|>'"%@`]|^[?-]$|^[?-][ \t]|[\n:][ \t]|[ \t]\n|[\n\t ]#|[\n\t :]$/.test(i))return c||d||!i.includes(`
`)?ei(i,t):sl(e,t,n,r);if(!c&&!d&&s!==Sn.Scalar.PLAIN&&i.includes(`
`))return sl(e,t,n,r);if(ol(i)){if(l==="")return t.forceBlockIndent=!0,sl(e,t,n,r);if(c&&l===u)return ei(i,t)}let f=i.replace(/\n+/g,`$&
${l}`);if(o){let p=a(g=>g.default&&g.tag!=="tag:yaml.org,2002:str"&&g.test?.test(f),"test"),{compat:_,tags:$}=t.doc.schema;if($.some(p)||_?.some(p))return ei(i,t)}return c?f:vr.foldFlowLines(f,l,vr.FOLD_FLOW,il(t,!1))}a(gR,"plainString");function $R(e,t,n,r){let{implicitKey:s,inFlow:i}=t,o=typeof e.value=="string"?e:Object.assign({},e,{value:String(e.value)}),{type:c}=e;c!==Sn.Scalar.QUOTE_DOUBLE&&/[\x00-\x08\x0b-\x1f\x7f-\x9f\u{D800}-\u{DFFF}]/u.test(o.value)&&(c=Sn.Scalar.QUOTE_DOUBLE);let l=a(d=>{switch(d){case Sn.Scalar.BLOCK_FOLDED:case Sn.Scalar.BLOCK_LITERAL:return s||i?ei(o.value,t):sl(o,t,n,r);case Sn.Scalar.QUOTE_DOUBLE:return go(o.value,t);case Sn.Scalar.QUOTE_SINGLE:return Ip(o.value,t);case Sn.Scalar.PLAIN:return gR(o,t,n,r);default:return null}},"_stringify"),u=l(c);if(u===null){let{defaultKeyType:d,defaultStringType:f}=t.options,p=s&&d||f;if(u=l(p),u===null)throw new Error(`Unsupported default string type ${p}`)}return u}a($R,"stringifyString");Ib.stringifyString=$R});var yo=q(Pp=>{"use strict";var yR=Vc(),xr=Ke(),wR=_o(),bR=$o();function AR(e,t){let n=Object.assign({blockQuote:!0,commentString:wR.stringifyComment,defaultKeyType:null,defaultStringType:"PLAIN",directives:null,doubleQuotedAsJSON:!1,doubleQuotedMinMultiLineLength:40,falseStr:"false",flowCollectionPadding:!0,indentSeq:!0,lineWidth:80,minContentWidth:20,nullStr:"null",simpleKeys:!1,singleQuote:null,trailingComma:!1,trueStr:"true",verifyAliasOrder:!0},e.schema.toStringOptions,t),r;switch(n.collectionStyle){case"block":r=!1;break;case"flow":r=!0;break;default:r=null}return{anchors:new Set,doc:e,flowCollectionPadding:n.flowCollectionPadding?" ":"",indent:"",indentStep:typeof n.indent=="number"?" ".repeat(n.indent):"  ",inFlow:r,options:n}}a(AR,"createStringifyContext");function kR(e,t){if(t.tag){let s=e.filter(i=>i.tag===t.tag);if(s.length>0)return s.find(i=>i.format===t.format)??s[0]}let n,r;if(xr.isScalar(t)){r=t.value;let s=e.filter(i=>i.identify?.(r));if(s.length>1){let i=s.filter(o=>o.test);i.length>0&&(s=i)}n=s.find(i=>i.format===t.format)??s.find(i=>!i.format)}else r=t,n=e.find(s=>s.nodeClass&&r instanceof s.nodeClass);if(!n){let s=r?.constructor?.name??(r===null?"null":typeof r);throw new Error(`Tag not resolved for ${s} value`)}return n}a(kR,"getTagObject");function vR(e,t,{anchors:n,doc:r}){if(!r.directives)return"";let s=[],i=(xr.isScalar(e)||xr.isCollection(e))&&e.anchor;i&&yR.anchorIsValid(i)&&(n.add(i),s.push(`&${i}`));let o=e.tag??(t.default?null:t.tag);return o&&s.push(r.directives.tagString(o)),s.join(" ")}a(vR,"stringifyProps");function xR(e,t,n,r){if(xr.isPair(e))return e.toString(t,n,r);if(xr.isAlias(e)){if(t.doc.directives)return e.toString(t);if(t.resolvedAliases?.has(e))throw new TypeError("Cannot stringify circular structure without alias nodes");t.resolvedAliases?t.resolvedAliases.add(e):t.resolvedAliases=new Set([e]),e=e.resolve(t.doc)}let s,i=xr.isNode(e)?e:t.doc.createNode(e,{onTagObj:a(l=>s=l,"onTagObj")});s??(s=kR(t.doc.schema.tags,i));let o=vR(i,s,t);o.length>0&&(t.indentAtStart=(t.indentAtStart??0)+o.length+1);let c=typeof s.stringify=="function"?s.stringify(i,t,n,r):xr.isScalar(i)?bR.stringifyString(i,t,n,r):i.toString(t,n,r);return o?xr.isScalar(i)||c[0]==="{"||c[0]==="["?`${o} ${c}`:`${o}
${t.indent}${c}`:c}a(xR,"stringify");Pp.createStringifyContext=AR;Pp.stringify=xR});var Nb=q(Tb=>{"use strict";var nr=Ke(),Cb=xt(),Pb=yo(),wo=_o();function ER({key:e,value:t},n,r,s){let{allNullValues:i,doc:o,indent:c,indentStep:l,options:{commentString:u,indentSeq:d,simpleKeys:f}}=n,p=nr.isNode(e)&&e.comment||null;if(f){if(p)throw new Error("With simple keys, key nodes cannot have comments");if(nr.isCollection(e)||!nr.isNode(e)&&typeof e=="object"){let ee="With simple keys, collection cannot be used as a key value";throw new Error(ee)}}let _=!f&&(!e||p&&t==null&&!n.inFlow||nr.isCollection(e)||(nr.isScalar(e)?e.type===Cb.Scalar.BLOCK_FOLDED||e.type===Cb.Scalar.BLOCK_LITERAL:typeof e=="object"));n=Object.assign({},n,{allNullValues:!1,implicitKey:!_&&(f||!i),indent:c+l});let $=!1,g=!1,y=Pb.stringify(e,n,()=>$=!0,()=>g=!0);if(!_&&!n.inFlow&&y.length>1024){if(f)throw new Error("With simple keys, single line scalar must not span more than 1024 characters");_=!0}if(n.inFlow){if(i||t==null)return $&&r&&r(),y===""?"?":_?`? ${y}`:y}else if(i&&!f||t==null&&_)return y=`? ${y}`,p&&!$?y+=wo.lineComment(y,n.indent,u(p)):g&&s&&s(),y;$&&(p=null),_?(p&&(y+=wo.lineComment(y,n.indent,u(p))),y=`? ${y}
${c}:`):(y=`${y}:`,p&&(y+=wo.lineComment(y,n.indent,u(p))));let k,x,T;nr.isNode(t)?(k=!!t.spaceBefore,x=t.commentBefore,T=t.comment):(k=!1,x=null,T=null,t&&typeof t=="object"&&(t=o.createNode(t))),n.implicitKey=!1,!_&&!p&&nr.isScalar(t)&&(n.indentAtStart=y.length+1),g=!1,!d&&l.length>=2&&!n.inFlow&&!_&&nr.isSeq(t)&&!t.flow&&!t.tag&&!t.anchor&&(n.indent=n.indent.substring(2));let E=!1,L=Pb.stringify(t,n,()=>E=!0,()=>g=!0),j=" ";if(p||k||x){if(j=k?`
`:"",x){let ee=u(x);j+=`
${wo.indentComment(ee,n.indent)}`}L===""&&!n.inFlow?j===`
`&&T&&(j=`

`):j+=`
${n.indent}`}else if(!_&&nr.isCollection(t)){let ee=L[0],P=L.indexOf(`
`),G=P!==-1,Q=n.inFlow??t.flow??t.items.length===0;if(G||!Q){let Z=!1;if(G&&(ee==="&"||ee==="!")){let X=L.indexOf(" ");ee==="&"&&X!==-1&&X<P&&L[X+1]==="!"&&(X=L.indexOf(" ",X+1)),(X===-1||P<X)&&(Z=!0)}Z||(j=`
${n.indent}`)}}else(L===""||L[0]===`
`)&&(j="");return y+=j+L,n.inFlow?E&&r&&r():T&&!E?y+=wo.lineComment(y,n.indent,u(T)):g&&s&&s(),y}a(ER,"stringifyPair");Tb.stringifyPair=ER});var Np=q(Tp=>{"use strict";var Ob=require("process");function SR(e,...t){e==="debug"&&console.log(...t)}a(SR,"debug");function IR(e,t){(e==="debug"||e==="warn")&&(typeof Ob.emitWarning=="function"?Ob.emitWarning(t):console.warn(t))}a(IR,"warn");Tp.debug=SR;Tp.warn=IR});var dl=q(ul=>{"use strict";var ll=Ke(),Rb=xt(),al="<<",cl={identify:a(e=>e===al||typeof e=="symbol"&&e.description===al,"identify"),default:"key",tag:"tag:yaml.org,2002:merge",test:/^<<$/,resolve:a(()=>Object.assign(new Rb.Scalar(Symbol(al)),{addToJSMap:Bb}),"resolve"),stringify:a(()=>al,"stringify")},CR=a((e,t)=>(cl.identify(t)||ll.isScalar(t)&&(!t.type||t.type===Rb.Scalar.PLAIN)&&cl.identify(t.value))&&e?.doc.schema.tags.some(n=>n.tag===cl.tag&&n.default),"isMergeKey");function Bb(e,t,n){let r=Lb(e,n);if(ll.isSeq(r))for(let s of r.items)Op(e,t,s);else if(Array.isArray(r))for(let s of r)Op(e,t,s);else Op(e,t,r)}a(Bb,"addMergeToJSMap");function Op(e,t,n){let r=Lb(e,n);if(!ll.isMap(r))throw new Error("Merge sources must be maps or map aliases");let s=r.toJSON(null,e,Map);for(let[i,o]of s)t instanceof Map?t.has(i)||t.set(i,o):t instanceof Set?t.add(i):Object.prototype.hasOwnProperty.call(t,i)||Object.defineProperty(t,i,{value:o,writable:!0,enumerable:!0,configurable:!0});return t}a(Op,"mergeValue");function Lb(e,t){return e&&ll.isAlias(t)?t.resolve(e.doc,e):t}a(Lb,"resolveAliasValue");ul.addMergeToJSMap=Bb;ul.isMergeKey=CR;ul.merge=cl});var Bp=q(Fb=>{"use strict";var PR=Np(),Db=dl(),TR=yo(),Ub=Ke(),Rp=Ar();function NR(e,t,{key:n,value:r}){if(Ub.isNode(n)&&n.addToJSMap)n.addToJSMap(e,t,r);else if(Db.isMergeKey(e,n))Db.addMergeToJSMap(e,t,r);else{let s=Rp.toJS(n,"",e);if(t instanceof Map)t.set(s,Rp.toJS(r,s,e));else if(t instanceof Set)t.add(s);else{let i=OR(n,s,e),o=Rp.toJS(r,i,e);i in t?Object.defineProperty(t,i,{value:o,writable:!0,enumerable:!0,configurable:!0}):t[i]=o}}return t}a(NR,"addPairToJSMap");function OR(e,t,n){if(t===null)return"";if(typeof t!="object")return String(t);if(Ub.isNode(e)&&n?.doc){let r=TR.createStringifyContext(n.doc,{});r.anchors=new Set;for(let i of n.anchors.keys())r.anchors.add(i.anchor);r.inFlow=!0,r.inStringifyKey=!0;let s=e.toString(r);if(!n.mapKeyWarned){let i=JSON.stringify(s);i.length>40&&(i=i.substring(0,36)+'..."'),PR.warn(n.doc.options.logLevel,`Keys with collection values will be stringified due to JS Object restrictions: ${i}. Set mapAsMap: true to use object keys.`),n.mapKeyWarned=!0}return s}return JSON.stringify(t)}a(OR,"stringifyKey");Fb.addPairToJSMap=NR});var Er=q(Lp=>{"use strict";var Mb=ho(),RR=Nb(),BR=Bp(),fl=Ke();function LR(e,t,n){let r=Mb.createNode(e,void 0,n),s=Mb.createNode(t,void 0,n);return new pl(r,s)}a(LR,"createPair");var pl=class e{static{a(this,"Pair")}constructor(t,n=null){Object.defineProperty(this,fl.NODE_TYPE,{value:fl.PAIR}),this.key=t,this.value=n}clone(t){let{key:n,value:r}=this;return fl.isNode(n)&&(n=n.clone(t)),fl.isNode(r)&&(r=r.clone(t)),new e(n,r)}toJSON(t,n){let r=n?.mapAsMap?new Map:{};return BR.addPairToJSMap(n,r,this)}toString(t,n,r){return t?.doc?RR.stringifyPair(this,t,n,r):JSON.stringify(this)}};Lp.Pair=pl;Lp.createPair=LR});var Dp=q(zb=>{"use strict";var Yr=Ke(),Hb=yo(),hl=_o();function DR(e,t,n){return(t.inFlow??e.flow?FR:UR)(e,t,n)}a(DR,"stringifyCollection");function UR({comment:e,items:t},n,{blockItemPrefix:r,flowChars:s,itemIndent:i,onChompKeep:o,onComment:c}){let{indent:l,options:{commentString:u}}=n,d=Object.assign({},n,{indent:i,type:null}),f=!1,p=[];for(let $=0;$<t.length;++$){let g=t[$],y=null;if(Yr.isNode(g))!f&&g.spaceBefore&&p.push(""),_l(n,p,g.commentBefore,f),g.comment&&(y=g.comment);else if(Yr.isPair(g)){let x=Yr.isNode(g.key)?g.key:null;x&&(!f&&x.spaceBefore&&p.push(""),_l(n,p,x.commentBefore,f))}f=!1;let k=Hb.stringify(g,d,()=>y=null,()=>f=!0);y&&(k+=hl.lineComment(k,i,u(y))),f&&y&&(f=!1),p.push(r+k)}let _;if(p.length===0)_=s.start+s.end;else{_=p[0];for(let $=1;$<p.length;++$){let g=p[$];_+=g?`
${l}${g}`:`
`}}return e?(_+=`
`+hl.indentComment(u(e),l),c&&c()):f&&o&&o(),_}a(UR,"stringifyBlockCollection");function FR({items:e},t,{flowChars:n,itemIndent:r}){let{indent:s,indentStep:i,flowCollectionPadding:o,options:{commentString:c}}=t;r+=i;let l=Object.assign({},t,{indent:r,inFlow:!0,type:null}),u=!1,d=0,f=[];for(let $=0;$<e.length;++$){let g=e[$],y=null;if(Yr.isNode(g))g.spaceBefore&&f.push(""),_l(t,f,g.commentBefore,!1),g.comment&&(y=g.comment);else if(Yr.isPair(g)){let x=Yr.isNode(g.key)?g.key:null;x&&(x.spaceBefore&&f.push(""),_l(t,f,x.commentBefore,!1),x.comment&&(u=!0));let T=Yr.isNode(g.value)?g.value:null;T?(T.comment&&(y=T.comment),T.commentBefore&&(u=!0)):g.value==null&&x?.comment&&(y=x.comment)}y&&(u=!0);let k=Hb.stringify(g,l,()=>y=null);u||(u=f.length>d||k.includes(`
`)),$<e.length-1?k+=",":t.options.trailingComma&&(t.options.lineWidth>0&&(u||(u=f.reduce((x,T)=>x+T.length+2,2)+(k.length+2)>t.options.lineWidth)),u&&(k+=",")),y&&(k+=hl.lineComment(k,r,c(y))),f.push(k),d=f.length}let{start:p,end:_}=n;if(f.length===0)return p+_;if(!u){let $=f.reduce((g,y)=>g+y.length+2,2);u=t.options.lineWidth>0&&$>t.options.lineWidth}if(u){let $=p;for(let g of f)$+=g?`
${i}${s}${g}`:`
`;return`${$}
${s}${_}`}else return`${p}${o}${f.join(" ")}${o}${_}`}a(FR,"stringifyFlowCollection");function _l({indent:e,options:{commentString:t}},n,r,s){if(r&&s&&(r=r.replace(/^\n+/,"")),r){let i=hl.indentComment(t(r),e);n.push(i.trimStart())}}a(_l,"addCommentBefore");zb.stringifyCollection=DR});var Ir=q(Fp=>{"use strict";var MR=Dp(),HR=Bp(),zR=tl(),Sr=Ke(),ml=Er(),jR=xt();function bo(e,t){let n=Sr.isScalar(t)?t.value:t;for(let r of e)if(Sr.isPair(r)&&(r.key===t||r.key===n||Sr.isScalar(r.key)&&r.key.value===n))return r}a(bo,"findPair");var Up=class extends zR.Collection{static{a(this,"YAMLMap")}static get tagName(){return"tag:yaml.org,2002:map"}constructor(t){super(Sr.MAP,t),this.items=[]}static from(t,n,r){let{keepUndefined:s,replacer:i}=r,o=new this(t),c=a((l,u)=>{if(typeof i=="function")u=i.call(n,l,u);else if(Array.isArray(i)&&!i.includes(l))return;(u!==void 0||s)&&o.items.push(ml.createPair(l,u,r))},"add");if(n instanceof Map)for(let[l,u]of n)c(l,u);else if(n&&typeof n=="object")for(let l of Object.keys(n))c(l,n[l]);return typeof t.sortMapEntries=="function"&&o.items.sort(t.sortMapEntries),o}add(t,n){let r;Sr.isPair(t)?r=t:!t||typeof t!="object"||!("key"in t)?r=new ml.Pair(t,t?.value):r=new ml.Pair(t.key,t.value);let s=bo(this.items,r.key),i=this.schema?.sortMapEntries;if(s){if(!n)throw new Error(`Key ${r.key} already set`);Sr.isScalar(s.value)&&jR.isScalarValue(r.value)?s.value.value=r.value:s.value=r.value}else if(i){let o=this.items.findIndex(c=>i(r,c)<0);o===-1?this.items.push(r):this.items.splice(o,0,r)}else this.items.push(r)}delete(t){let n=bo(this.items,t);return n?this.items.splice(this.items.indexOf(n),1).length>0:!1}get(t,n){let s=bo(this.items,t)?.value;return(!n&&Sr.isScalar(s)?s.value:s)??void 0}has(t){return!!bo(this.items,t)}set(t,n){this.add(new ml.Pair(t,n),!0)}toJSON(t,n,r){let s=r?new r:n?.mapAsMap?new Map:{};n?.onCreate&&n.onCreate(s);for(let i of this.items)HR.addPairToJSMap(n,s,i);return s}toString(t,n,r){if(!t)return JSON.stringify(this);for(let s of this.items)if(!Sr.isPair(s))throw new Error(`Map items must all be pairs; found ${JSON.stringify(s)} instead`);return!t.allNullValues&&this.hasAllNullValues(!1)&&(t=Object.assign({},t,{allNullValues:!0})),MR.stringifyCollection(this,t,{blockItemPrefix:"",flowChars:{start:"{",end:"}"},itemIndent:t.indent||"",onChompKeep:r,onComment:n})}};Fp.YAMLMap=Up;Fp.findPair=bo});var ti=q(qb=>{"use strict";var qR=Ke(),jb=Ir(),KR={collection:"map",default:!0,nodeClass:jb.YAMLMap,tag:"tag:yaml.org,2002:map",resolve(e,t){return qR.isMap(e)||t("Expected a mapping for this tag"),e},createNode:a((e,t,n)=>jb.YAMLMap.from(e,t,n),"createNode")};qb.map=KR});var Cr=q(Kb=>{"use strict";var QR=ho(),WR=Dp(),GR=tl(),$l=Ke(),ZR=xt(),YR=Ar(),Mp=class extends GR.Collection{static{a(this,"YAMLSeq")}static get tagName(){return"tag:yaml.org,2002:seq"}constructor(t){super($l.SEQ,t),this.items=[]}add(t){this.items.push(t)}delete(t){let n=gl(t);return typeof n!="number"?!1:this.items.splice(n,1).length>0}get(t,n){let r=gl(t);if(typeof r!="number")return;let s=this.items[r];return!n&&$l.isScalar(s)?s.value:s}has(t){let n=gl(t);return typeof n=="number"&&n<this.items.length}set(t,n){let r=gl(t);if(typeof r!="number")throw new Error(`Expected a valid index, not ${t}.`);let s=this.items[r];$l.isScalar(s)&&ZR.isScalarValue(n)?s.value=n:this.items[r]=n}toJSON(t,n){let r=[];n?.onCreate&&n.onCreate(r);let s=0;for(let i of this.items)r.push(YR.toJS(i,String(s++),n));return r}toString(t,n,r){return t?WR.stringifyCollection(this,t,{blockItemPrefix:"- ",flowChars:{start:"[",end:"]"},itemIndent:(t.indent||"")+"  ",onChompKeep:r,onComment:n}):JSON.stringify(this)}static from(t,n,r){let{replacer:s}=r,i=new this(t);if(n&&Symbol.iterator in Object(n)){let o=0;for(let c of n){if(typeof s=="function"){let l=n instanceof Set?c:String(o++);c=s.call(n,l,c)}i.items.push(QR.createNode(c,void 0,r))}}return i}};function gl(e){let t=$l.isScalar(e)?e.value:e;return t&&typeof t=="string"&&(t=Number(t)),typeof t=="number"&&Number.isInteger(t)&&t>=0?t:null}a(gl,"asItemIndex");Kb.YAMLSeq=Mp});var ni=q(Wb=>{"use strict";var VR=Ke(),Qb=Cr(),XR={collection:"seq",default:!0,nodeClass:Qb.YAMLSeq,tag:"tag:yaml.org,2002:seq",resolve(e,t){return VR.isSeq(e)||t("Expected a sequence for this tag"),e},createNode:a((e,t,n)=>Qb.YAMLSeq.from(e,t,n),"createNode")};Wb.seq=XR});var Ao=q(Gb=>{"use strict";var JR=$o(),e6={identify:a(e=>typeof e=="string","identify"),default:!0,tag:"tag:yaml.org,2002:str",resolve:a(e=>e,"resolve"),stringify(e,t,n,r){return t=Object.assign({actualString:!0},t),JR.stringifyString(e,t,n,r)}};Gb.string=e6});var yl=q(Vb=>{"use strict";var Zb=xt(),Yb={identify:a(e=>e==null,"identify"),createNode:a(()=>new Zb.Scalar(null),"createNode"),default:!0,tag:"tag:yaml.org,2002:null",test:/^(?:~|[Nn]ull|NULL)?$/,resolve:a(()=>new Zb.Scalar(null),"resolve"),stringify:a(({source:e},t)=>typeof e=="string"&&Yb.test.test(e)?e:t.options.nullStr,"stringify")};Vb.nullTag=Yb});var Hp=q(Jb=>{"use strict";var t6=xt(),Xb={identify:a(e=>typeof e=="boolean","identify"),default:!0,tag:"tag:yaml.org,2002:bool",test:/^(?:[Tt]rue|TRUE|[Ff]alse|FALSE)$/,resolve:a(e=>new t6.Scalar(e[0]==="t"||e[0]==="T"),"resolve"),stringify({source:e,value:t},n){if(e&&Xb.test.test(e)){let r=e[0]==="t"||e[0]==="T";if(t===r)return e}return t?n.options.trueStr:n.options.falseStr}};Jb.boolTag=Xb});var ri=q(eA=>{"use strict";function n6({format:e,minFractionDigits:t,tag:n,value:r}){if(typeof r=="bigint")return String(r);let s=typeof r=="number"?r:Number(r);if(!isFinite(s))return isNaN(s)?".nan":s<0?"-.inf":".inf";let i=Object.is(r,-0)?"-0":JSON.stringify(r);if(!e&&t&&(!n||n==="tag:yaml.org,2002:float")&&/^-?\d/.test(i)&&!i.includes("e")){let o=i.indexOf(".");o<0&&(o=i.length,i+=".");let c=t-(i.length-o-1);for(;c-- >0;)i+="0"}return i}a(n6,"stringifyNumber");eA.stringifyNumber=n6});var jp=q(wl=>{"use strict";var r6=xt(),zp=ri(),s6={identify:a(e=>typeof e=="number","identify"),default:!0,tag:"tag:yaml.org,2002:float",test:/^(?:[-+]?\.(?:inf|Inf|INF)|\.nan|\.NaN|\.NAN)$/,resolve:a(e=>e.slice(-3).toLowerCase()==="nan"?NaN:e[0]==="-"?Number.NEGATIVE_INFINITY:Number.POSITIVE_INFINITY,"resolve"),stringify:zp.stringifyNumber},i6={identify:a(e=>typeof e=="number","identify"),default:!0,tag:"tag:yaml.org,2002:float",format:"EXP",test:/^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+$/,resolve:a(e=>parseFloat(e),"resolve"),stringify(e){let t=Number(e.value);return isFinite(t)?t.toExponential():zp.stringifyNumber(e)}},o6={identify:a(e=>typeof e=="number","identify"),default:!0,tag:"tag:yaml.org,2002:float",test:/^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)$/,resolve(e){let t=new r6.Scalar(parseFloat(e)),n=e.indexOf(".");return n!==-1&&e[e.length-1]==="0"&&(t.minFractionDigits=e.length-n-1),t},stringify:zp.stringifyNumber};wl.float=o6;wl.floatExp=i6;wl.floatNaN=s6});var Kp=q(Al=>{"use strict";var tA=ri(),bl=a(e=>typeof e=="bigint"||Number.isInteger(e),"intIdentify"),qp=a((e,t,n,{intAsBigInt:r})=>r?BigInt(e):parseInt(e.substring(t),n),"intResolve");function nA(e,t,n){let{value:r}=e;return bl(r)&&r>=0?n+r.toString(t):tA.stringifyNumber(e)}a(nA,"intStringify");var a6={identify:a(e=>bl(e)&&e>=0,"identify"),default:!0,tag:"tag:yaml.org,2002:int",format:"OCT",test:/^0o[0-7]+$/,resolve:a((e,t,n)=>qp(e,2,8,n),"resolve"),stringify:a(e=>nA(e,8,"0o"),"stringify")},c6={identify:bl,default:!0,tag:"tag:yaml.org,2002:int",test:/^[-+]?[0-9]+$/,resolve:a((e,t,n)=>qp(e,0,10,n),"resolve"),stringify:tA.stringifyNumber},l6={identify:a(e=>bl(e)&&e>=0,"identify"),default:!0,tag:"tag:yaml.org,2002:int",format:"HEX",test:/^0x[0-9a-fA-F]+$/,resolve:a((e,t,n)=>qp(e,2,16,n),"resolve"),stringify:a(e=>nA(e,16,"0x"),"stringify")};Al.int=c6;Al.intHex=l6;Al.intOct=a6});var sA=q(rA=>{"use strict";var u6=ti(),d6=yl(),f6=ni(),p6=Ao(),h6=Hp(),Qp=jp(),Wp=Kp(),_6=[u6.map,f6.seq,p6.string,d6.nullTag,h6.boolTag,Wp.intOct,Wp.int,Wp.intHex,Qp.floatNaN,Qp.floatExp,Qp.float];rA.schema=_6});var aA=q(oA=>{"use strict";var m6=xt(),g6=ti(),$6=ni();function iA(e){return typeof e=="bigint"||Number.isInteger(e)}a(iA,"intIdentify");var kl=a(({value:e})=>JSON.stringify(e),"stringifyJSON"),y6=[{identify:a(e=>typeof e=="string","identify"),default:!0,tag:"tag:yaml.org,2002:str",resolve:a(e=>e,"resolve"),stringify:kl},{identify:a(e=>e==null,"identify"),createNode:a(()=>new m6.Scalar(null),"createNode"),default:!0,tag:"tag:yaml.org,2002:null",test:/^null$/,resolve:a(()=>null,"resolve"),stringify:kl},{identify:a(e=>typeof e=="boolean","identify"),default:!0,tag:"tag:yaml.org,2002:bool",test:/^true$|^false$/,resolve:a(e=>e==="true","resolve"),stringify:kl},{identify:iA,default:!0,tag:"tag:yaml.org,2002:int",test:/^-?(?:0|[1-9][0-9]*)$/,resolve:a((e,t,{intAsBigInt:n})=>n?BigInt(e):parseInt(e,10),"resolve"),stringify:a(({value:e})=>iA(e)?e.toString():JSON.stringify(e),"stringify")},{identify:a(e=>typeof e=="number","identify"),default:!0,tag:"tag:yaml.org,2002:float",test:/^-?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?$/,resolve:a(e=>parseFloat(e),"resolve"),stringify:kl}],w6={default:!0,tag:"",test:/^/,resolve(e,t){return t(`Unresolved plain scalar ${JSON.stringify(e)}`),e}},b6=[g6.map,$6.seq].concat(y6,w6);oA.schema=b6});var Zp=q(cA=>{"use strict";var ko=require("buffer"),Gp=xt(),A6=$o(),k6={identify:a(e=>e instanceof Uint8Array,"identify"),default:!1,tag:"tag:yaml.org,2002:binary",resolve(e,t){if(typeof ko.Buffer=="function")return ko.Buffer.from(e,"base64");if(typeof atob=="function"){let n=atob(e.replace(/[\n\r]/g,"")),r=new Uint8Array(n.length);for(let s=0;s<n.length;++s)r[s]=n.charCodeAt(s);return r}else return t("This environment does not support reading binary tags; either Buffer or atob is required"),e},stringify({comment:e,type:t,value:n},r,s,i){if(!n)return"";let o=n,c;if(typeof ko.Buffer=="function")c=o instanceof ko.Buffer?o.toString("base64"):ko.Buffer.from(o.buffer).toString("base64");else if(typeof btoa=="function"){let l="";for(let u=0;u<o.length;++u)l+=String.fromCharCode(o[u]);c=btoa(l)}else throw new Error("This environment does not support writing binary tags; either Buffer or btoa is required");if(t??(t=Gp.Scalar.BLOCK_LITERAL),t!==Gp.Scalar.QUOTE_DOUBLE){let l=Math.max(r.options.lineWidth-r.indent.length,r.options.minContentWidth),u=Math.ceil(c.length/l),d=new Array(u);for(let f=0,p=0;f<u;++f,p+=l)d[f]=c.substr(p,l);c=d.join(t===Gp.Scalar.BLOCK_LITERAL?`
`:" ")}return A6.stringifyString({comment:e,type:t,value:c},r,s,i)}};cA.binary=k6});var El=q(xl=>{"use strict";var vl=Ke(),Yp=Er(),v6=xt(),x6=Cr();function lA(e,t){if(vl.isSeq(e))for(let n=0;n<e.items.length;++n){let r=e.items[n];if(!vl.isPair(r)){if(vl.isMap(r)){r.items.length>1&&t("Each pair must have its own sequence indicator");let s=r.items[0]||new Yp.Pair(new v6.Scalar(null));if(r.commentBefore&&(s.key.commentBefore=s.key.commentBefore?`${r.commentBefore}
${s.key.commentBefore}`:r.commentBefore),r.comment){let i=s.value??s.key;i.comment=i.comment?`${r.comment}
${i.comment}`:r.comment}r=s}e.items[n]=vl.isPair(r)?r:new Yp.Pair(r)}}else t("Expected a sequence for this tag");return e}a(lA,"resolvePairs");function uA(e,t,n){let{replacer:r}=n,s=new x6.YAMLSeq(e);s.tag="tag:yaml.org,2002:pairs";let i=0;if(t&&Symbol.iterator in Object(t))for(let o of t){typeof r=="function"&&(o=r.call(t,String(i++),o));let c,l;if(Array.isArray(o))if(o.length===2)c=o[0],l=o[1];else throw new TypeError(`Expected [key, value] tuple: ${o}`);else if(o&&o instanceof Object){let u=Object.keys(o);if(u.length===1)c=u[0],l=o[c];else throw new TypeError(`Expected tuple with one key, not ${u.length} keys`)}else c=o;s.items.push(Yp.createPair(c,l,n))}return s}a(uA,"createPairs");var E6={collection:"seq",default:!1,tag:"tag:yaml.org,2002:pairs",resolve:lA,createNode:uA};xl.createPairs=uA;xl.pairs=E6;xl.resolvePairs=lA});var Jp=q(Xp=>{"use strict";var dA=Ke(),Vp=Ar(),vo=Ir(),S6=Cr(),fA=El(),Vr=class e extends S6.YAMLSeq{static{a(this,"YAMLOMap")}constructor(){super(),this.add=vo.YAMLMap.prototype.add.bind(this),this.delete=vo.YAMLMap.prototype.delete.bind(this),this.get=vo.YAMLMap.prototype.get.bind(this),this.has=vo.YAMLMap.prototype.has.bind(this),this.set=vo.YAMLMap.prototype.set.bind(this),this.tag=e.tag}toJSON(t,n){if(!n)return super.toJSON(t);let r=new Map;n?.onCreate&&n.onCreate(r);for(let s of this.items){let i,o;if(dA.isPair(s)?(i=Vp.toJS(s.key,"",n),o=Vp.toJS(s.value,i,n)):i=Vp.toJS(s,"",n),r.has(i))throw new Error("Ordered maps must not include duplicate keys");r.set(i,o)}return r}static from(t,n,r){let s=fA.createPairs(t,n,r),i=new this;return i.items=s.items,i}};Vr.tag="tag:yaml.org,2002:omap";var I6={collection:"seq",identify:a(e=>e instanceof Map,"identify"),nodeClass:Vr,default:!1,tag:"tag:yaml.org,2002:omap",resolve(e,t){let n=fA.resolvePairs(e,t),r=[];for(let{key:s}of n.items)dA.isScalar(s)&&(r.includes(s.value)?t(`Ordered maps must not include duplicate keys: ${s.value}`):r.push(s.value));return Object.assign(new Vr,n)},createNode:a((e,t,n)=>Vr.from(e,t,n),"createNode")};Xp.YAMLOMap=Vr;Xp.omap=I6});var gA=q(eh=>{"use strict";var pA=xt();function hA({value:e,source:t},n){return t&&(e?_A:mA).test.test(t)?t:e?n.options.trueStr:n.options.falseStr}a(hA,"boolStringify");var _A={identify:a(e=>e===!0,"identify"),default:!0,tag:"tag:yaml.org,2002:bool",test:/^(?:Y|y|[Yy]es|YES|[Tt]rue|TRUE|[Oo]n|ON)$/,resolve:a(()=>new pA.Scalar(!0),"resolve"),stringify:hA},mA={identify:a(e=>e===!1,"identify"),default:!0,tag:"tag:yaml.org,2002:bool",test:/^(?:N|n|[Nn]o|NO|[Ff]alse|FALSE|[Oo]ff|OFF)$/,resolve:a(()=>new pA.Scalar(!1),"resolve"),stringify:hA};eh.falseTag=mA;eh.trueTag=_A});var $A=q(Sl=>{"use strict";var C6=xt(),th=ri(),P6={identify:a(e=>typeof e=="number","identify"),default:!0,tag:"tag:yaml.org,2002:float",test:/^(?:[-+]?\.(?:inf|Inf|INF)|\.nan|\.NaN|\.NAN)$/,resolve:a(e=>e.slice(-3).toLowerCase()==="nan"?NaN:e[0]==="-"?Number.NEGATIVE_INFINITY:Number.POSITIVE_INFINITY,"resolve"),stringify:th.stringifyNumber},T6={identify:a(e=>typeof e=="number","identify"),default:!0,tag:"tag:yaml.org,2002:float",format:"EXP",test:/^[-+]?(?:[0-9][0-9_]*)?(?:\.[0-9_]*)?[eE][-+]?[0-9]+$/,resolve:a(e=>parseFloat(e.replace(/_/g,"")),"resolve"),stringify(e){let t=Number(e.value);return isFinite(t)?t.toExponential():th.stringifyNumber(e)}},N6={identify:a(e=>typeof e=="number","identify"),default:!0,tag:"tag:yaml.org,2002:float",test:/^[-+]?(?:[0-9][0-9_]*)?\.[0-9_]*$/,resolve(e){let t=new C6.Scalar(parseFloat(e.replace(/_/g,""))),n=e.indexOf(".");if(n!==-1){let r=e.substring(n+1).replace(/_/g,"");r[r.length-1]==="0"&&(t.minFractionDigits=r.length)}return t},stringify:th.stringifyNumber};Sl.float=N6;Sl.floatExp=T6;Sl.floatNaN=P6});var wA=q(Eo=>{"use strict";var yA=ri(),xo=a(e=>typeof e=="bigint"||Number.isInteger(e),"intIdentify");function Il(e,t,n,{intAsBigInt:r}){let s=e[0];if((s==="-"||s==="+")&&(t+=1),e=e.substring(t).replace(/_/g,""),r){switch(n){case 2:e=`0b${e}`;break;case 8:e=`0o${e}`;break;case 16:e=`0x${e}`;break}let o=BigInt(e);return s==="-"?BigInt(-1)*o:o}let i=parseInt(e,n);return s==="-"?-1*i:i}a(Il,"intResolve");function nh(e,t,n){let{value:r}=e;if(xo(r)){let s=r.toString(t);return r<0?"-"+n+s.substr(1):n+s}return yA.stringifyNumber(e)}a(nh,"intStringify");var O6={identify:xo,default:!0,tag:"tag:yaml.org,2002:int",format:"BIN",test:/^[-+]?0b[0-1_]+$/,resolve:a((e,t,n)=>Il(e,2,2,n),"resolve"),stringify:a(e=>nh(e,2,"0b"),"stringify")},R6={identify:xo,default:!0,tag:"tag:yaml.org,2002:int",format:"OCT",test:/^[-+]?0[0-7_]+$/,resolve:a((e,t,n)=>Il(e,1,8,n),"resolve"),stringify:a(e=>nh(e,8,"0"),"stringify")},B6={identify:xo,default:!0,tag:"tag:yaml.org,2002:int",test:/^[-+]?[0-9][0-9_]*$/,resolve:a((e,t,n)=>Il(e,0,10,n),"resolve"),stringify:yA.stringifyNumber},L6={identify:xo,default:!0,tag:"tag:yaml.org,2002:int",format:"HEX",test:/^[-+]?0x[0-9a-fA-F_]+$/,resolve:a((e,t,n)=>Il(e,2,16,n),"resolve"),stringify:a(e=>nh(e,16,"0x"),"stringify")};Eo.int=B6;Eo.intBin=O6;Eo.intHex=L6;Eo.intOct=R6});var sh=q(rh=>{"use strict";var Tl=Ke(),Cl=Er(),Pl=Ir(),Xr=class e extends Pl.YAMLMap{static{a(this,"YAMLSet")}constructor(t){super(t),this.tag=e.tag}add(t){let n;Tl.isPair(t)?n=t:t&&typeof t=="object"&&"key"in t&&"value"in t&&t.value===null?n=new Cl.Pair(t.key,null):n=new Cl.Pair(t,null),Pl.findPair(this.items,n.key)||this.items.push(n)}get(t,n){let r=Pl.findPair(this.items,t);return!n&&Tl.isPair(r)?Tl.isScalar(r.key)?r.key.value:r.key:r}set(t,n){if(typeof n!="boolean")throw new Error(`Expected boolean value for set(key, value) in a YAML set, not ${typeof n}`);let r=Pl.findPair(this.items,t);r&&!n?this.items.splice(this.items.indexOf(r),1):!r&&n&&this.items.push(new Cl.Pair(t))}toJSON(t,n){return super.toJSON(t,n,Set)}toString(t,n,r){if(!t)return JSON.stringify(this);if(this.hasAllNullValues(!0))return super.toString(Object.assign({},t,{allNullValues:!0}),n,r);throw new Error("Set items must all have null values")}static from(t,n,r){let{replacer:s}=r,i=new this(t);if(n&&Symbol.iterator in Object(n))for(let o of n)typeof s=="function"&&(o=s.call(n,o,o)),i.items.push(Cl.createPair(o,null,r));return i}};Xr.tag="tag:yaml.org,2002:set";var D6={collection:"map",identify:a(e=>e instanceof Set,"identify"),nodeClass:Xr,default:!1,tag:"tag:yaml.org,2002:set",createNode:a((e,t,n)=>Xr.from(e,t,n),"createNode"),resolve(e,t){if(Tl.isMap(e)){if(e.hasAllNullValues(!0))return Object.assign(new Xr,e);t("Set items must all have null values")}else t("Expected a mapping for this tag");return e}};rh.YAMLSet=Xr;rh.set=D6});var oh=q(Nl=>{"use strict";var U6=ri();function ih(e,t){let n=e[0],r=n==="-"||n==="+"?e.substring(1):e,s=a(o=>t?BigInt(o):Number(o),"num"),i=r.replace(/_/g,"").split(":").reduce((o,c)=>o*s(60)+s(c),s(0));return n==="-"?s(-1)*i:i}a(ih,"parseSexagesimal");function bA(e){let{value:t}=e,n=a(o=>o,"num");if(typeof t=="bigint")n=a(o=>BigInt(o),"num");else if(isNaN(t)||!isFinite(t))return U6.stringifyNumber(e);let r="";t<0&&(r="-",t*=n(-1));let s=n(60),i=[t%s];return t<60?i.unshift(0):(t=(t-i[0])/s,i.unshift(t%s),t>=60&&(t=(t-i[0])/s,i.unshift(t))),r+i.map(o=>String(o).padStart(2,"0")).join(":").replace(/000000\d*$/,"")}a(bA,"stringifySexagesimal");var F6={identify:a(e=>typeof e=="bigint"||Number.isInteger(e),"identify"),default:!0,tag:"tag:yaml.org,2002:int",format:"TIME",test:/^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+$/,resolve:a((e,t,{intAsBigInt:n})=>ih(e,n),"resolve"),stringify:bA},M6={identify:a(e=>typeof e=="number","identify"),default:!0,tag:"tag:yaml.org,2002:float",format:"TIME",test:/^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*$/,resolve:a(e=>ih(e,!1),"resolve"),stringify:bA},AA={identify:a(e=>e instanceof Date,"identify"),default:!0,tag:"tag:yaml.org,2002:timestamp",test:RegExp("^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:(?:t|T|[ \\t]+)([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2}(\\.[0-9]+)?)(?:[ \\t]*(Z|[-+][012]?[0-9](?::[0-9]{2})?))?)?$"),resolve(e){let t=e.match(AA.test);if(!t)throw new Error("!!timestamp expects a date, starting with yyyy-mm-dd");let[,n,r,s,i,o,c]=t.map(Number),l=t[7]?Number((t[7]+"00").substr(1,3)):0,u=Date.UTC(n,r-1,s,i||0,o||0,c||0,l),d=t[8];if(d&&d!=="Z"){let f=ih(d,!1);Math.abs(f)<30&&(f*=60),u-=6e4*f}return new Date(u)},stringify:a(({value:e})=>e?.toISOString().replace(/(T00:00:00)?\.000Z$/,"")??"","stringify")};Nl.floatTime=M6;Nl.intTime=F6;Nl.timestamp=AA});var xA=q(vA=>{"use strict";var H6=ti(),z6=yl(),j6=ni(),q6=Ao(),K6=Zp(),kA=gA(),ah=$A(),Ol=wA(),Q6=dl(),W6=Jp(),G6=El(),Z6=sh(),ch=oh(),Y6=[H6.map,j6.seq,q6.string,z6.nullTag,kA.trueTag,kA.falseTag,Ol.intBin,Ol.intOct,Ol.int,Ol.intHex,ah.floatNaN,ah.floatExp,ah.float,K6.binary,Q6.merge,W6.omap,G6.pairs,Z6.set,ch.intTime,ch.floatTime,ch.timestamp];vA.schema=Y6});var BA=q(dh=>{"use strict";var CA=ti(),V6=yl(),PA=ni(),X6=Ao(),J6=Hp(),lh=jp(),uh=Kp(),eB=sA(),tB=aA(),TA=Zp(),So=dl(),NA=Jp(),OA=El(),EA=xA(),RA=sh(),Rl=oh(),SA=new Map([["core",eB.schema],["failsafe",[CA.map,PA.seq,X6.string]],["json",tB.schema],["yaml11",EA.schema],["yaml-1.1",EA.schema]]),IA={binary:TA.binary,bool:J6.boolTag,float:lh.float,floatExp:lh.floatExp,floatNaN:lh.floatNaN,floatTime:Rl.floatTime,int:uh.int,intHex:uh.intHex,intOct:uh.intOct,intTime:Rl.intTime,map:CA.map,merge:So.merge,null:V6.nullTag,omap:NA.omap,pairs:OA.pairs,seq:PA.seq,set:RA.set,timestamp:Rl.timestamp},nB={"tag:yaml.org,2002:binary":TA.binary,"tag:yaml.org,2002:merge":So.merge,"tag:yaml.org,2002:omap":NA.omap,"tag:yaml.org,2002:pairs":OA.pairs,"tag:yaml.org,2002:set":RA.set,"tag:yaml.org,2002:timestamp":Rl.timestamp};function rB(e,t,n){let r=SA.get(t);if(r&&!e)return n&&!r.includes(So.merge)?r.concat(So.merge):r.slice();let s=r;if(!s)if(Array.isArray(e))s=[];else{let i=Array.from(SA.keys()).filter(o=>o!=="yaml11").map(o=>JSON.stringify(o)).join(", ");throw new Error(`Unknown schema "${t}"; use one of ${i} or define customTags array`)}if(Array.isArray(e))for(let i of e)s=s.concat(i);else typeof e=="function"&&(s=e(s.slice()));return n&&(s=s.concat(So.merge)),s.reduce((i,o)=>{let c=typeof o=="string"?IA[o]:o;if(!c){let l=JSON.stringify(o),u=Object.keys(IA).map(d=>JSON.stringify(d)).join(", ");throw new Error(`Unknown custom tag ${l}; use one of ${u}`)}return i.includes(c)||i.push(c),i},[])}a(rB,"getTags");dh.coreKnownTags=nB;dh.getTags=rB});var hh=q(LA=>{"use strict";var fh=Ke(),sB=ti(),iB=ni(),oB=Ao(),Bl=BA(),aB=a((e,t)=>e.key<t.key?-1:e.key>t.key?1:0,"sortMapEntriesByKey"),ph=class e{static{a(this,"Schema")}constructor({compat:t,customTags:n,merge:r,resolveKnownTags:s,schema:i,sortMapEntries:o,toStringDefaults:c}){this.compat=Array.isArray(t)?Bl.getTags(t,"compat"):t?Bl.getTags(null,t):null,this.name=typeof i=="string"&&i||"core",this.knownTags=s?Bl.coreKnownTags:{},this.tags=Bl.getTags(n,this.name,r),this.toStringOptions=c??null,Object.defineProperty(this,fh.MAP,{value:sB.map}),Object.defineProperty(this,fh.SCALAR,{value:oB.string}),Object.defineProperty(this,fh.SEQ,{value:iB.seq}),this.sortMapEntries=typeof o=="function"?o:o===!0?aB:null}clone(){let t=Object.create(e.prototype,Object.getOwnPropertyDescriptors(this));return t.tags=this.tags.slice(),t}};LA.Schema=ph});var UA=q(DA=>{"use strict";var cB=Ke(),_h=yo(),Io=_o();function lB(e,t){let n=[],r=t.directives===!0;if(t.directives!==!1&&e.directives){let l=e.directives.toString(e);l?(n.push(l),r=!0):e.directives.docStart&&(r=!0)}r&&n.push("---");let s=_h.createStringifyContext(e,t),{commentString:i}=s.options;if(e.commentBefore){n.length!==1&&n.unshift("");let l=i(e.commentBefore);n.unshift(Io.indentComment(l,""))}let o=!1,c=null;if(e.contents){if(cB.isNode(e.contents)){if(e.contents.spaceBefore&&r&&n.push(""),e.contents.commentBefore){let d=i(e.contents.commentBefore);n.push(Io.indentComment(d,""))}s.forceBlockIndent=!!e.comment,c=e.contents.comment}let l=c?void 0:()=>o=!0,u=_h.stringify(e.contents,s,()=>c=null,l);c&&(u+=Io.lineComment(u,"",i(c))),(u[0]==="|"||u[0]===">")&&n[n.length-1]==="---"?n[n.length-1]=`--- ${u}`:n.push(u)}else n.push(_h.stringify(e.contents,s));if(e.directives?.docEnd)if(e.comment){let l=i(e.comment);l.includes(`
`)?(n.push("..."),n.push(Io.indentComment(l,""))):n.push(`... ${l}`)}else n.push("...");else{let l=e.comment;l&&o&&(l=l.replace(/^\n+/,"")),l&&((!o||c)&&n[n.length-1]!==""&&n.push(""),n.push(Io.indentComment(i(l),"")))}return n.join(`
`)+`
`}a(lB,"stringifyDocument");DA.stringifyDocument=lB});var Co=q(FA=>{"use strict";var uB=po(),si=tl(),_n=Ke(),dB=Er(),fB=Ar(),pB=hh(),hB=UA(),mh=Vc(),_B=wp(),mB=ho(),gh=yp(),$h=class e{static{a(this,"Document")}constructor(t,n,r){this.commentBefore=null,this.comment=null,this.errors=[],this.warnings=[],Object.defineProperty(this,_n.NODE_TYPE,{value:_n.DOC});let s=null;typeof n=="function"||Array.isArray(n)?s=n:r===void 0&&n&&(r=n,n=void 0);let i=Object.assign({intAsBigInt:!1,keepSourceTokens:!1,logLevel:"warn",prettyErrors:!0,strict:!0,stringKeys:!1,uniqueKeys:!0,version:"1.2"},r);this.options=i;let{version:o}=i;r?._directives?(this.directives=r._directives.atDocument(),this.directives.yaml.explicit&&(o=this.directives.yaml.version)):this.directives=new gh.Directives({version:o}),this.setSchema(o,r),this.contents=t===void 0?null:this.createNode(t,s,r)}clone(){let t=Object.create(e.prototype,{[_n.NODE_TYPE]:{value:_n.DOC}});return t.commentBefore=this.commentBefore,t.comment=this.comment,t.errors=this.errors.slice(),t.warnings=this.warnings.slice(),t.options=Object.assign({},this.options),this.directives&&(t.directives=this.directives.clone()),t.schema=this.schema.clone(),t.contents=_n.isNode(this.contents)?this.contents.clone(t.schema):this.contents,this.range&&(t.range=this.range.slice()),t}add(t){ii(this.contents)&&this.contents.add(t)}addIn(t,n){ii(this.contents)&&this.contents.addIn(t,n)}createAlias(t,n){if(!t.anchor){let r=mh.anchorNames(this);t.anchor=!n||r.has(n)?mh.findNewAnchor(n||"a",r):n}return new uB.Alias(t.anchor)}createNode(t,n,r){let s;if(typeof n=="function")t=n.call({"":t},"",t),s=n;else if(Array.isArray(n)){let y=a(x=>typeof x=="number"||x instanceof String||x instanceof Number,"keyToStr"),k=n.filter(y).map(String);k.length>0&&(n=n.concat(k)),s=n}else r===void 0&&n&&(r=n,n=void 0);let{aliasDuplicateObjects:i,anchorPrefix:o,flow:c,keepUndefined:l,onTagObj:u,tag:d}=r??{},{onAnchor:f,setAnchors:p,sourceObjects:_}=mh.createNodeAnchors(this,o||"a"),$={aliasDuplicateObjects:i??!0,keepUndefined:l??!1,onAnchor:f,onTagObj:u,replacer:s,schema:this.schema,sourceObjects:_},g=mB.createNode(t,d,$);return c&&_n.isCollection(g)&&(g.flow=!0),p(),g}createPair(t,n,r={}){let s=this.createNode(t,null,r),i=this.createNode(n,null,r);return new dB.Pair(s,i)}delete(t){return ii(this.contents)?this.contents.delete(t):!1}deleteIn(t){return si.isEmptyPath(t)?this.contents==null?!1:(this.contents=null,!0):ii(this.contents)?this.contents.deleteIn(t):!1}get(t,n){return _n.isCollection(this.contents)?this.contents.get(t,n):void 0}getIn(t,n){return si.isEmptyPath(t)?!n&&_n.isScalar(this.contents)?this.contents.value:this.contents:_n.isCollection(this.contents)?this.contents.getIn(t,n):void 0}has(t){return _n.isCollection(this.contents)?this.contents.has(t):!1}hasIn(t){return si.isEmptyPath(t)?this.contents!==void 0:_n.isCollection(this.contents)?this.contents.hasIn(t):!1}set(t,n){this.contents==null?this.contents=si.collectionFromPath(this.schema,[t],n):ii(this.contents)&&this.contents.set(t,n)}setIn(t,n){si.isEmptyPath(t)?this.contents=n:this.contents==null?this.contents=si.collectionFromPath(this.schema,Array.from(t),n):ii(this.contents)&&this.contents.setIn(t,n)}setSchema(t,n={}){typeof t=="number"&&(t=String(t));let r;switch(t){case"1.1":this.directives?this.directives.yaml.version="1.1":this.directives=new gh.Directives({version:"1.1"}),r={resolveKnownTags:!1,schema:"yaml-1.1"};break;case"1.2":case"next":this.directives?this.directives.yaml.version=t:this.directives=new gh.Directives({version:t}),r={resolveKnownTags:!0,schema:"core"};break;case null:this.directives&&delete this.directives,r=null;break;default:{let s=JSON.stringify(t);throw new Error(`Expected '1.1', '1.2' or null as first argument, but found: ${s}`)}}if(n.schema instanceof Object)this.schema=n.schema;else if(r)this.schema=new pB.Schema(Object.assign(r,n));else throw new Error("With a null YAML version, the { schema: Schema } option is required")}toJS({json:t,jsonArg:n,mapAsMap:r,maxAliasCount:s,onAnchor:i,reviver:o}={}){let c={anchors:new Map,doc:this,keep:!t,mapAsMap:r===!0,mapKeyWarned:!1,maxAliasCount:typeof s=="number"?s:100},l=fB.toJS(this.contents,n??"",c);if(typeof i=="function")for(let{count:u,res:d}of c.anchors.values())i(d,u);return typeof o=="function"?_B.applyReviver(o,{"":l},"",l):l}toJSON(t,n){return this.toJS({json:!0,jsonArg:t,mapAsMap:!1,onAnchor:n})}toString(t={}){if(this.errors.length>0)throw new Error("Document with errors cannot be stringified");if("indent"in t&&(!Number.isInteger(t.indent)||Number(t.indent)<=0)){let n=JSON.stringify(t.indent);throw new Error(`"indent" option must be a positive integer, not ${n}`)}return hB.stringifyDocument(this,t)}};function ii(e){if(_n.isCollection(e))return!0;throw new Error("Expected a YAML collection as document contents")}a(ii,"assertCollection");FA.Document=$h});var No=q(To=>{"use strict";var Po=class extends Error{static{a(this,"YAMLError")}constructor(t,n,r,s){super(),this.name=t,this.code=r,this.message=s,this.pos=n}},yh=class extends Po{static{a(this,"YAMLParseError")}constructor(t,n,r){super("YAMLParseError",t,n,r)}},wh=class extends Po{static{a(this,"YAMLWarning")}constructor(t,n,r){super("YAMLWarning",t,n,r)}},gB=a((e,t)=>n=>{if(n.pos[0]===-1)return;n.linePos=n.pos.map(c=>t.linePos(c));let{line:r,col:s}=n.linePos[0];n.message+=` at line ${r}, column ${s}`;let i=s-1,o=e.substring(t.lineStarts[r-1],t.lineStarts[r]).replace(/[\n\r]+$/,"");if(i>=60&&o.length>80){let c=Math.min(i-39,o.length-79);o="…"+o.substring(c),i-=c-1}if(o.length>80&&(o=o.substring(0,79)+"…"),r>1&&/^ *$/.test(o.substring(0,i))){let c=e.substring(t.lineStarts[r-2],t.lineStarts[r-1]);c.length>80&&(c=c.substring(0,79)+`…
`),o=c+o}if(/[^ ]/.test(o)){let c=1,l=n.linePos[1];l?.line===r&&l.col>s&&(c=Math.max(1,Math.min(l.col-s,80-i)));let u=" ".repeat(i)+"^".repeat(c);n.message+=`:

${o}
${u}
`}},"prettifyError");To.YAMLError=Po;To.YAMLParseError=yh;To.YAMLWarning=wh;To.prettifyError=gB});var Oo=q(MA=>{"use strict";function $B(e,{flow:t,indicator:n,next:r,offset:s,onError:i,parentIndent:o,startOnNewline:c}){let l=!1,u=c,d=c,f="",p="",_=!1,$=!1,g=null,y=null,k=null,x=null,T=null,E=null,L=null;for(let P of e)switch($&&(P.type!=="space"&&P.type!=="newline"&&P.type!=="comma"&&i(P.offset,"MISSING_CHAR","Tags and anchors must be separated from the next token by white space"),$=!1),g&&(u&&P.type!=="comment"&&P.type!=="newline"&&i(g,"TAB_AS_INDENT","Tabs are not allowed as indentation"),g=null),P.type){case"space":!t&&(n!=="doc-start"||r?.type!=="flow-collection")&&P.source.includes("	")&&(g=P),d=!0;break;case"comment":{d||i(P,"MISSING_CHAR","Comments must be separated from other tokens by white space characters");let G=P.source.substring(1)||" ";f?f+=p+G:f=G,p="",u=!1;break}case"newline":u?f?f+=P.source:(!E||n!=="seq-item-ind")&&(l=!0):p+=P.source,u=!0,_=!0,(y||k)&&(x=P),d=!0;break;case"anchor":y&&i(P,"MULTIPLE_ANCHORS","A node can have at most one anchor"),P.source.endsWith(":")&&i(P.offset+P.source.length-1,"BAD_ALIAS","Anchor ending in : is ambiguous",!0),y=P,L??(L=P.offset),u=!1,d=!1,$=!0;break;case"tag":{k&&i(P,"MULTIPLE_TAGS","A node can have at most one tag"),k=P,L??(L=P.offset),u=!1,d=!1,$=!0;break}case n:(y||k)&&i(P,"BAD_PROP_ORDER",`Anchors and tags must be after the ${P.source} indicator`),E&&i(P,"UNEXPECTED_TOKEN",`Unexpected ${P.source} in ${t??"collection"}`),E=P,u=n==="seq-item-ind"||n==="explicit-key-ind",d=!1;break;case"comma":if(t){T&&i(P,"UNEXPECTED_TOKEN",`Unexpected , in ${t}`),T=P,u=!1,d=!1;break}default:i(P,"UNEXPECTED_TOKEN",`Unexpected ${P.type} token`),u=!1,d=!1}let j=e[e.length-1],ee=j?j.offset+j.source.length:s;return $&&r&&r.type!=="space"&&r.type!=="newline"&&r.type!=="comma"&&(r.type!=="scalar"||r.source!=="")&&i(r.offset,"MISSING_CHAR","Tags and anchors must be separated from the next token by white space"),g&&(u&&g.indent<=o||r?.type==="block-map"||r?.type==="block-seq")&&i(g,"TAB_AS_INDENT","Tabs are not allowed as indentation"),{comma:T,found:E,spaceBefore:l,comment:f,hasNewline:_,anchor:y,tag:k,newlineAfterProp:x,end:ee,start:L??ee}}a($B,"resolveProps");MA.resolveProps=$B});var Ll=q(HA=>{"use strict";function bh(e){if(!e)return null;switch(e.type){case"alias":case"scalar":case"double-quoted-scalar":case"single-quoted-scalar":if(e.source.includes(`
`))return!0;if(e.end){for(let t of e.end)if(t.type==="newline")return!0}return!1;case"flow-collection":for(let t of e.items){for(let n of t.start)if(n.type==="newline")return!0;if(t.sep){for(let n of t.sep)if(n.type==="newline")return!0}if(bh(t.key)||bh(t.value))return!0}return!1;default:return!0}}a(bh,"containsNewline");HA.containsNewline=bh});var Ah=q(zA=>{"use strict";var yB=Ll();function wB(e,t,n){if(t?.type==="flow-collection"){let r=t.end[0];r.indent===e&&(r.source==="]"||r.source==="}")&&yB.containsNewline(t)&&n(r,"BAD_INDENT","Flow end indicator should be more indented than parent",!0)}}a(wB,"flowIndentCheck");zA.flowIndentCheck=wB});var kh=q(qA=>{"use strict";var jA=Ke();function bB(e,t,n){let{uniqueKeys:r}=e.options;if(r===!1)return!1;let s=typeof r=="function"?r:(i,o)=>i===o||jA.isScalar(i)&&jA.isScalar(o)&&i.value===o.value;return t.some(i=>s(i.key,n))}a(bB,"mapIncludes");qA.mapIncludes=bB});var YA=q(ZA=>{"use strict";var KA=Er(),AB=Ir(),QA=Oo(),kB=Ll(),WA=Ah(),vB=kh(),GA="All mapping items must start at the same column";function xB({composeNode:e,composeEmptyNode:t},n,r,s,i){let o=i?.nodeClass??AB.YAMLMap,c=new o(n.schema);n.atRoot&&(n.atRoot=!1);let l=r.offset,u=null;for(let d of r.items){let{start:f,key:p,sep:_,value:$}=d,g=QA.resolveProps(f,{indicator:"explicit-key-ind",next:p??_?.[0],offset:l,onError:s,parentIndent:r.indent,startOnNewline:!0}),y=!g.found;if(y){if(p&&(p.type==="block-seq"?s(l,"BLOCK_AS_IMPLICIT_KEY","A block sequence may not be used as an implicit map key"):"indent"in p&&p.indent!==r.indent&&s(l,"BAD_INDENT",GA)),!g.anchor&&!g.tag&&!_){u=g.end,g.comment&&(c.comment?c.comment+=`
`+g.comment:c.comment=g.comment);continue}(g.newlineAfterProp||kB.containsNewline(p))&&s(p??f[f.length-1],"MULTILINE_IMPLICIT_KEY","Implicit keys need to be on a single line")}else g.found?.indent!==r.indent&&s(l,"BAD_INDENT",GA);n.atKey=!0;let k=g.end,x=p?e(n,p,g,s):t(n,k,f,null,g,s);n.schema.compat&&WA.flowIndentCheck(r.indent,p,s),n.atKey=!1,vB.mapIncludes(n,c.items,x)&&s(k,"DUPLICATE_KEY","Map keys must be unique");let T=QA.resolveProps(_??[],{indicator:"map-value-ind",next:$,offset:x.range[2],onError:s,parentIndent:r.indent,startOnNewline:!p||p.type==="block-scalar"});if(l=T.end,T.found){y&&($?.type==="block-map"&&!T.hasNewline&&s(l,"BLOCK_AS_IMPLICIT_KEY","Nested mappings are not allowed in compact mappings"),n.options.strict&&g.start<T.found.offset-1024&&s(x.range,"KEY_OVER_1024_CHARS","The : indicator must be at most 1024 chars after the start of an implicit block mapping key"));let E=$?e(n,$,T,s):t(n,l,_,null,T,s);n.schema.compat&&WA.flowIndentCheck(r.indent,$,s),l=E.range[2];let L=new KA.Pair(x,E);n.options.keepSourceTokens&&(L.srcToken=d),c.items.push(L)}else{y&&s(x.range,"MISSING_CHAR","Implicit map keys need to be followed by map values"),T.comment&&(x.comment?x.comment+=`
`+T.comment:x.comment=T.comment);let E=new KA.Pair(x);n.options.keepSourceTokens&&(E.srcToken=d),c.items.push(E)}}return u&&u<l&&s(u,"IMPOSSIBLE","Map comment with trailing content"),c.range=[r.offset,l,u??l],c}a(xB,"resolveBlockMap");ZA.resolveBlockMap=xB});var XA=q(VA=>{"use strict";var EB=Cr(),SB=Oo(),IB=Ah();function CB({composeNode:e,composeEmptyNode:t},n,r,s,i){let o=i?.nodeClass??EB.YAMLSeq,c=new o(n.schema);n.atRoot&&(n.atRoot=!1),n.atKey&&(n.atKey=!1);let l=r.offset,u=null;for(let{start:d,value:f}of r.items){let p=SB.resolveProps(d,{indicator:"seq-item-ind",next:f,offset:l,onError:s,parentIndent:r.indent,startOnNewline:!0});if(!p.found)if(p.anchor||p.tag||f)f?.type==="block-seq"?s(p.end,"BAD_INDENT","All sequence items must start at the same column"):s(l,"MISSING_CHAR","Sequence item without - indicator");else{u=p.end,p.comment&&(c.comment=p.comment);continue}let _=f?e(n,f,p,s):t(n,p.end,d,null,p,s);n.schema.compat&&IB.flowIndentCheck(r.indent,f,s),l=_.range[2],c.items.push(_)}return c.range=[r.offset,l,u??l],c}a(CB,"resolveBlockSeq");VA.resolveBlockSeq=CB});var oi=q(JA=>{"use strict";function PB(e,t,n,r){let s="";if(e){let i=!1,o="";for(let c of e){let{source:l,type:u}=c;switch(u){case"space":i=!0;break;case"comment":{n&&!i&&r(c,"MISSING_CHAR","Comments must be separated from other tokens by white space characters");let d=l.substring(1)||" ";s?s+=o+d:s=d,o="";break}case"newline":s&&(o+=l),i=!0;break;default:r(c,"UNEXPECTED_TOKEN",`Unexpected ${u} at node end`)}t+=l.length}}return{comment:s,offset:t}}a(PB,"resolveEnd");JA.resolveEnd=PB});var r1=q(n1=>{"use strict";var TB=Ke(),NB=Er(),e1=Ir(),OB=Cr(),RB=oi(),t1=Oo(),BB=Ll(),LB=kh(),vh="Block collections are not allowed within flow collections",xh=a(e=>e&&(e.type==="block-map"||e.type==="block-seq"),"isBlock");function DB({composeNode:e,composeEmptyNode:t},n,r,s,i){let o=r.start.source==="{",c=o?"flow map":"flow sequence",l=i?.nodeClass??(o?e1.YAMLMap:OB.YAMLSeq),u=new l(n.schema);u.flow=!0;let d=n.atRoot;d&&(n.atRoot=!1),n.atKey&&(n.atKey=!1);let f=r.offset+r.start.source.length;for(let y=0;y<r.items.length;++y){let k=r.items[y],{start:x,key:T,sep:E,value:L}=k,j=t1.resolveProps(x,{flow:c,indicator:"explicit-key-ind",next:T??E?.[0],offset:f,onError:s,parentIndent:r.indent,startOnNewline:!1});if(!j.found){if(!j.anchor&&!j.tag&&!E&&!L){y===0&&j.comma?s(j.comma,"UNEXPECTED_TOKEN",`Unexpected , in ${c}`):y<r.items.length-1&&s(j.start,"UNEXPECTED_TOKEN",`Unexpected empty item in ${c}`),j.comment&&(u.comment?u.comment+=`
`+j.comment:u.comment=j.comment),f=j.end;continue}!o&&n.options.strict&&BB.containsNewline(T)&&s(T,"MULTILINE_IMPLICIT_KEY","Implicit keys of flow sequence pairs need to be on a single line")}if(y===0)j.comma&&s(j.comma,"UNEXPECTED_TOKEN",`Unexpected , in ${c}`);else if(j.comma||s(j.start,"MISSING_CHAR",`Missing , between ${c} items`),j.comment){let ee="";e:for(let P of x)switch(P.type){case"comma":case"space":break;case"comment":ee=P.source.substring(1);break e;default:break e}if(ee){let P=u.items[u.items.length-1];TB.isPair(P)&&(P=P.value??P.key),P.comment?P.comment+=`
`+ee:P.comment=ee,j.comment=j.comment.substring(ee.length+1)}}if(!o&&!E&&!j.found){let ee=L?e(n,L,j,s):t(n,j.end,E,null,j,s);u.items.push(ee),f=ee.range[2],xh(L)&&s(ee.range,"BLOCK_IN_FLOW",vh)}else{n.atKey=!0;let ee=j.end,P=T?e(n,T,j,s):t(n,ee,x,null,j,s);xh(T)&&s(P.range,"BLOCK_IN_FLOW",vh),n.atKey=!1;let G=t1.resolveProps(E??[],{flow:c,indicator:"map-value-ind",next:L,offset:P.range[2],onError:s,parentIndent:r.indent,startOnNewline:!1});if(G.found){if(!o&&!j.found&&n.options.strict){if(E)for(let X of E){if(X===G.found)break;if(X.type==="newline"){s(X,"MULTILINE_IMPLICIT_KEY","Implicit keys of flow sequence pairs need to be on a single line");break}}j.start<G.found.offset-1024&&s(G.found,"KEY_OVER_1024_CHARS","The : indicator must be at most 1024 chars after the start of an implicit flow sequence key")}}else L&&("source"in L&&L.source?.[0]===":"?s(L,"MISSING_CHAR",`Missing space after : in ${c}`):s(G.start,"MISSING_CHAR",`Missing , or : between ${c} items`));let Q=L?e(n,L,G,s):G.found?t(n,G.end,E,null,G,s):null;Q?xh(L)&&s(Q.range,"BLOCK_IN_FLOW",vh):G.comment&&(P.comment?P.comment+=`
`+G.comment:P.comment=G.comment);let Z=new NB.Pair(P,Q);if(n.options.keepSourceTokens&&(Z.srcToken=k),o){let X=u;LB.mapIncludes(n,X.items,P)&&s(ee,"DUPLICATE_KEY","Map keys must be unique"),X.items.push(Z)}else{let X=new e1.YAMLMap(n.schema);X.flow=!0,X.items.push(Z);let he=(Q??P).range;X.range=[P.range[0],he[1],he[2]],u.items.push(X)}f=Q?Q.range[2]:G.end}}let p=o?"}":"]",[_,...$]=r.end,g=f;if(_?.source===p)g=_.offset+_.source.length;else{let y=c[0].toUpperCase()+c.substring(1),k=d?`${y} must end with a ${p}`:`${y} in block collection must be sufficiently indented and end with a ${p}`;s(f,d?"MISSING_CHAR":"BAD_INDENT",k),_&&_.source.length!==1&&$.unshift(_)}if($.length>0){let y=RB.resolveEnd($,g,n.options.strict,s);y.comment&&(u.comment?u.comment+=`
`+y.comment:u.comment=y.comment),u.range=[r.offset,g,y.offset]}else u.range=[r.offset,g,g];return u}a(DB,"resolveFlowCollection");n1.resolveFlowCollection=DB});var i1=q(s1=>{"use strict";var UB=Ke(),FB=xt(),MB=Ir(),HB=Cr(),zB=YA(),jB=XA(),qB=r1();function Eh(e,t,n,r,s,i){let o=n.type==="block-map"?zB.resolveBlockMap(e,t,n,r,i):n.type==="block-seq"?jB.resolveBlockSeq(e,t,n,r,i):qB.resolveFlowCollection(e,t,n,r,i),c=o.constructor;return s==="!"||s===c.tagName?(o.tag=c.tagName,o):(s&&(o.tag=s),o)}a(Eh,"resolveCollection");function KB(e,t,n,r,s){let i=r.tag,o=i?t.directives.tagName(i.source,p=>s(i,"TAG_RESOLVE_FAILED",p)):null;if(n.type==="block-seq"){let{anchor:p,newlineAfterProp:_}=r,$=p&&i?p.offset>i.offset?p:i:p??i;$&&(!_||_.offset<$.offset)&&s($,"MISSING_CHAR","Missing newline after block sequence props")}let c=n.type==="block-map"?"map":n.type==="block-seq"?"seq":n.start.source==="{"?"map":"seq";if(!i||!o||o==="!"||o===MB.YAMLMap.tagName&&c==="map"||o===HB.YAMLSeq.tagName&&c==="seq")return Eh(e,t,n,s,o);let l=t.schema.tags.find(p=>p.tag===o&&p.collection===c);if(!l){let p=t.schema.knownTags[o];if(p?.collection===c)t.schema.tags.push(Object.assign({},p,{default:!1})),l=p;else return p?s(i,"BAD_COLLECTION_TYPE",`${p.tag} used for ${c} collection, but expects ${p.collection??"scalar"}`,!0):s(i,"TAG_RESOLVE_FAILED",`Unresolved tag: ${o}`,!0),Eh(e,t,n,s,o)}let u=Eh(e,t,n,s,o,l),d=l.resolve?.(u,p=>s(i,"TAG_RESOLVE_FAILED",p),t.options)??u,f=UB.isNode(d)?d:new FB.Scalar(d);return f.range=u.range,f.tag=o,l?.format&&(f.format=l.format),f}a(KB,"composeCollection");s1.composeCollection=KB});var Ih=q(o1=>{"use strict";var Sh=xt();function QB(e,t,n){let r=t.offset,s=WB(t,e.options.strict,n);if(!s)return{value:"",type:null,comment:"",range:[r,r,r]};let i=s.mode===">"?Sh.Scalar.BLOCK_FOLDED:Sh.Scalar.BLOCK_LITERAL,o=t.source?GB(t.source):[],c=o.length;for(let g=o.length-1;g>=0;--g){let y=o[g][1];if(y===""||y==="\r")c=g;else break}if(c===0){let g=s.chomp==="+"&&o.length>0?`
`.repeat(Math.max(1,o.length-1)):"",y=r+s.length;return t.source&&(y+=t.source.length),{value:g,type:i,comment:s.comment,range:[r,y,y]}}let l=t.indent+s.indent,u=t.offset+s.length,d=0;for(let g=0;g<c;++g){let[y,k]=o[g];if(k===""||k==="\r")s.indent===0&&y.length>l&&(l=y.length);else{y.length<l&&n(u+y.length,"MISSING_CHAR","Block scalars with more-indented leading empty lines must use an explicit indentation indicator"),s.indent===0&&(l=y.length),d=g,l===0&&!e.atRoot&&n(u,"BAD_INDENT","Block scalar values in collections must be indented");break}u+=y.length+k.length+1}for(let g=o.length-1;g>=c;--g)o[g][0].length>l&&(c=g+1);let f="",p="",_=!1;for(let g=0;g<d;++g)f+=o[g][0].slice(l)+`
`;for(let g=d;g<c;++g){let[y,k]=o[g];u+=y.length+k.length+1;let x=k[k.length-1]==="\r";if(x&&(k=k.slice(0,-1)),k&&y.length<l){let E=`Block scalar lines must not be less indented than their ${s.indent?"explicit indentation indicator":"first line"}`;n(u-k.length-(x?2:1),"BAD_INDENT",E),y=""}i===Sh.Scalar.BLOCK_LITERAL?(f+=p+y.slice(l)+k,p=`
`):y.length>l||k[0]==="	"?(p===" "?p=`
`:!_&&p===`
`&&(p=`

`),f+=p+y.slice(l)+k,p=`
`,_=!0):k===""?p===`
`?f+=`
`:p=`
`:(f+=p+k,p=" ",_=!1)}switch(s.chomp){case"-":break;case"+":for(let g=c;g<o.length;++g)f+=`
`+o[g][0].slice(l);f[f.length-1]!==`
`&&(f+=`
`);break;default:f+=`
`}let $=r+s.length+t.source.length;return{value:f,type:i,comment:s.comment,range:[r,$,$]}}a(QB,"resolveBlockScalar");function WB({offset:e,props:t},n,r){if(t[0].type!=="block-scalar-header")return r(t[0],"IMPOSSIBLE","Block scalar header not found"),null;let{source:s}=t[0],i=s[0],o=0,c="",l=-1;for(let p=1;p<s.length;++p){let _=s[p];if(!c&&(_==="-"||_==="+"))c=_;else{let $=Number(_);!o&&$?o=$:l===-1&&(l=e+p)}}l!==-1&&r(l,"UNEXPECTED_TOKEN",`Block scalar header includes extra characters: ${s}`);let u=!1,d="",f=s.length;for(let p=1;p<t.length;++p){let _=t[p];switch(_.type){case"space":u=!0;case"newline":f+=_.source.length;break;case"comment":n&&!u&&r(_,"MISSING_CHAR","Comments must be separated from other tokens by white space characters"),f+=_.source.length,d=_.source.substring(1);break;case"error":r(_,"UNEXPECTED_TOKEN",_.message),f+=_.source.length;break;default:{let $=`Unexpected token in block scalar header: ${_.type}`;r(_,"UNEXPECTED_TOKEN",$);let g=_.source;g&&typeof g=="string"&&(f+=g.length)}}}return{mode:i,indent:o,chomp:c,comment:d,length:f}}a(WB,"parseBlockScalarHeader");function GB(e){let t=e.split(/\n( *)/),n=t[0],r=n.match(/^( *)/),i=[r?.[1]?[r[1],n.slice(r[1].length)]:["",n]];for(let o=1;o<t.length;o+=2)i.push([t[o],t[o+1]]);return i}a(GB,"splitLines");o1.resolveBlockScalar=QB});var Ph=q(c1=>{"use strict";var Ch=xt(),ZB=oi();function YB(e,t,n){let{offset:r,type:s,source:i,end:o}=e,c,l,u=a((p,_,$)=>n(r+p,_,$),"_onError");switch(s){case"scalar":c=Ch.Scalar.PLAIN,l=VB(i,u);break;case"single-quoted-scalar":c=Ch.Scalar.QUOTE_SINGLE,l=XB(i,u);break;case"double-quoted-scalar":c=Ch.Scalar.QUOTE_DOUBLE,l=JB(i,u);break;default:return n(e,"UNEXPECTED_TOKEN",`Expected a flow scalar value, but found: ${s}`),{value:"",type:null,comment:"",range:[r,r+i.length,r+i.length]}}let d=r+i.length,f=ZB.resolveEnd(o,d,t,n);return{value:l,type:c,comment:f.comment,range:[r,d,f.offset]}}a(YB,"resolveFlowScalar");function VB(e,t){let n="";switch(e[0]){case"	":n="a tab character";break;case",":n="flow indicator character ,";break;case"%":n="directive indicator character %";break;case"|":case">":{n=`block scalar indicator ${e[0]}`;break}case"@":case"`":{n=`reserved character ${e[0]}`;break}}return n&&t(0,"BAD_SCALAR_START",`Plain value cannot start with ${n}`),a1(e)}a(VB,"plainValue");function XB(e,t){return(e[e.length-1]!=="'"||e.length===1)&&t(e.length,"MISSING_CHAR","Missing closing 'quote"),a1(e.slice(1,-1)).replace(/''/g,"'")}a(XB,"singleQuotedValue");function a1(e){let t=/(.*?)\r?\n/sy,n=t.exec(e);if(!n)return e;let r,s;try{r=new RegExp("(?<![ 	])[ 	]+$"),s=new RegExp("^[ 	]+|(?<![ 	])[ 	]+$","g")}catch{r=/[ \t]+$/,s=/^[ \t]+|[ \t]+$/g}let i=n[1].replace(r,""),o=" ",c=t.lastIndex;for(;n=t.exec(e);){let u=n[1].replace(s,"");u===""?o===`
`?i+=o:o=`
`:(i+=o+u,o=" "),c=t.lastIndex}let l=/[ \t]*(.*)/sy;return l.lastIndex=c,n=l.exec(e),i+o+(n?.[1]??"")}a(a1,"unfoldLines");function JB(e,t){let n="";for(let r=1;r<e.length-1;++r){let s=e[r];if(!(s==="\r"&&e[r+1]===`
`))if(s===`
`){let{fold:i,offset:o}=eL(e,r);n+=i,r=o}else if(s==="\\"){let i=e[++r],o=tL[i];if(o)n+=o;else if(i===`
`)for(i=e[r+1];i===" "||i==="	";)i=e[++r+1];else if(i==="\r"&&e[r+1]===`
`)for(i=e[++r+1];i===" "||i==="	";)i=e[++r+1];else if(i==="x"||i==="u"||i==="U"){let c=i==="x"?2:i==="u"?4:8;n+=nL(e,r+1,c,t),r+=c}else{let c=e.substr(r-1,2);t(r-1,"BAD_DQ_ESCAPE",`Invalid escape sequence ${c}`),n+=c}}else if(s===" "||s==="	"){let i=r,o=e[r+1];for(;o===" "||o==="	";)o=e[++r+1];o!==`
`&&!(o==="\r"&&e[r+2]===`
`)&&(n+=r>i?e.slice(i,r+1):s)}else n+=s}return(e[e.length-1]!=='"'||e.length===1)&&t(e.length,"MISSING_CHAR",'Missing closing "quote'),n}a(JB,"doubleQuotedValue");function eL(e,t){let n="",r=e[t+1];for(;(r===" "||r==="	"||r===`
`||r==="\r")&&!(r==="\r"&&e[t+2]!==`
`);)r===`
`&&(n+=`
`),t+=1,r=e[t+1];return n||(n=" "),{fold:n,offset:t}}a(eL,"foldNewline");var tL={0:"\0",a:"\x07",b:"\b",e:"\x1B",f:"\f",n:`
`,r:"\r",t:"	",v:"\v",N:"",_:" ",L:"\u2028",P:"\u2029"," ":" ",'"':'"',"/":"/","\\":"\\","	":"	"};function nL(e,t,n,r){let s=e.substr(t,n),o=s.length===n&&/^[0-9a-fA-F]+$/.test(s)?parseInt(s,16):NaN;try{return String.fromCodePoint(o)}catch{let c=e.substr(t-2,n+2);return r(t-2,"BAD_DQ_ESCAPE",`Invalid escape sequence ${c}`),c}}a(nL,"parseCharCode");c1.resolveFlowScalar=YB});var d1=q(u1=>{"use strict";var Jr=Ke(),l1=xt(),rL=Ih(),sL=Ph();function iL(e,t,n,r){let{value:s,type:i,comment:o,range:c}=t.type==="block-scalar"?rL.resolveBlockScalar(e,t,r):sL.resolveFlowScalar(t,e.options.strict,r),l=n?e.directives.tagName(n.source,f=>r(n,"TAG_RESOLVE_FAILED",f)):null,u;e.options.stringKeys&&e.atKey?u=e.schema[Jr.SCALAR]:l?u=oL(e.schema,s,l,n,r):t.type==="scalar"?u=aL(e,s,t,r):u=e.schema[Jr.SCALAR];let d;try{let f=u.resolve(s,p=>r(n??t,"TAG_RESOLVE_FAILED",p),e.options);d=Jr.isScalar(f)?f:new l1.Scalar(f)}catch(f){let p=f instanceof Error?f.message:String(f);r(n??t,"TAG_RESOLVE_FAILED",p),d=new l1.Scalar(s)}return d.range=c,d.source=s,i&&(d.type=i),l&&(d.tag=l),u.format&&(d.format=u.format),o&&(d.comment=o),d}a(iL,"composeScalar");function oL(e,t,n,r,s){if(n==="!")return e[Jr.SCALAR];let i=[];for(let c of e.tags)if(!c.collection&&c.tag===n)if(c.default&&c.test)i.push(c);else return c;for(let c of i)if(c.test?.test(t))return c;let o=e.knownTags[n];return o&&!o.collection?(e.tags.push(Object.assign({},o,{default:!1,test:void 0})),o):(s(r,"TAG_RESOLVE_FAILED",`Unresolved tag: ${n}`,n!=="tag:yaml.org,2002:str"),e[Jr.SCALAR])}a(oL,"findScalarTagByName");function aL({atKey:e,directives:t,schema:n},r,s,i){let o=n.tags.find(c=>(c.default===!0||e&&c.default==="key")&&c.test?.test(r))||n[Jr.SCALAR];if(n.compat){let c=n.compat.find(l=>l.default&&l.test?.test(r))??n[Jr.SCALAR];if(o.tag!==c.tag){let l=t.tagString(o.tag),u=t.tagString(c.tag),d=`Value may be parsed as either ${l} or ${u}`;i(s,"TAG_RESOLVE_FAILED",d,!0)}}return o}a(aL,"findScalarTagByTest");u1.composeScalar=iL});var p1=q(f1=>{"use strict";function cL(e,t,n){if(t){n??(n=t.length);for(let r=n-1;r>=0;--r){let s=t[r];switch(s.type){case"space":case"comment":case"newline":e-=s.source.length;continue}for(s=t[++r];s?.type==="space";)e+=s.source.length,s=t[++r];break}}return e}a(cL,"emptyScalarPosition");f1.emptyScalarPosition=cL});var m1=q(Nh=>{"use strict";var lL=po(),uL=Ke(),dL=i1(),h1=d1(),fL=oi(),pL=p1(),hL={composeNode:_1,composeEmptyNode:Th};function _1(e,t,n,r){let s=e.atKey,{spaceBefore:i,comment:o,anchor:c,tag:l}=n,u,d=!0;switch(t.type){case"alias":u=_L(e,t,r),(c||l)&&r(t,"ALIAS_PROPS","An alias node must not specify any properties");break;case"scalar":case"single-quoted-scalar":case"double-quoted-scalar":case"block-scalar":u=h1.composeScalar(e,t,l,r),c&&(u.anchor=c.source.substring(1));break;case"block-map":case"block-seq":case"flow-collection":try{u=dL.composeCollection(hL,e,t,n,r),c&&(u.anchor=c.source.substring(1))}catch(f){let p=f instanceof Error?f.message:String(f);r(t,"RESOURCE_EXHAUSTION",p)}break;default:{let f=t.type==="error"?t.message:`Unsupported token (type: ${t.type})`;r(t,"UNEXPECTED_TOKEN",f),d=!1}}return u??(u=Th(e,t.offset,void 0,null,n,r)),c&&u.anchor===""&&r(c,"BAD_ALIAS","Anchor cannot be an empty string"),s&&e.options.stringKeys&&(!uL.isScalar(u)||typeof u.value!="string"||u.tag&&u.tag!=="tag:yaml.org,2002:str")&&r(l??t,"NON_STRING_KEY","With stringKeys, all keys must be strings"),i&&(u.spaceBefore=!0),o&&(t.type==="scalar"&&t.source===""?u.comment=o:u.commentBefore=o),e.options.keepSourceTokens&&d&&(u.srcToken=t),u}a(_1,"composeNode");function Th(e,t,n,r,{spaceBefore:s,comment:i,anchor:o,tag:c,end:l},u){let d={type:"scalar",offset:pL.emptyScalarPosition(t,n,r),indent:-1,source:""},f=h1.composeScalar(e,d,c,u);return o&&(f.anchor=o.source.substring(1),f.anchor===""&&u(o,"BAD_ALIAS","Anchor cannot be an empty string")),s&&(f.spaceBefore=!0),i&&(f.comment=i,f.range[2]=l),f}a(Th,"composeEmptyNode");function _L({options:e},{offset:t,source:n,end:r},s){let i=new lL.Alias(n.substring(1));i.source===""&&s(t,"BAD_ALIAS","Alias cannot be an empty string"),i.source.endsWith(":")&&s(t+n.length-1,"BAD_ALIAS","Alias ending in : is ambiguous",!0);let o=t+n.length,c=fL.resolveEnd(r,o,e.strict,s);return i.range=[t,o,c.offset],c.comment&&(i.comment=c.comment),i}a(_L,"composeAlias");Nh.composeEmptyNode=Th;Nh.composeNode=_1});var y1=q($1=>{"use strict";var mL=Co(),g1=m1(),gL=oi(),$L=Oo();function yL(e,t,{offset:n,start:r,value:s,end:i},o){let c=Object.assign({_directives:t},e),l=new mL.Document(void 0,c),u={atKey:!1,atRoot:!0,directives:l.directives,options:l.options,schema:l.schema},d=$L.resolveProps(r,{indicator:"doc-start",next:s??i?.[0],offset:n,onError:o,parentIndent:0,startOnNewline:!0});d.found&&(l.directives.docStart=!0,s&&(s.type==="block-map"||s.type==="block-seq")&&!d.hasNewline&&o(d.end,"MISSING_CHAR","Block collection cannot start on same line with directives-end marker")),l.contents=s?g1.composeNode(u,s,d,o):g1.composeEmptyNode(u,d.end,r,null,d,o);let f=l.contents.range[2],p=gL.resolveEnd(i,f,!1,o);return p.comment&&(l.comment=p.comment),l.range=[n,f,p.offset],l}a(yL,"composeDoc");$1.composeDoc=yL});var Rh=q(A1=>{"use strict";var wL=require("process"),bL=yp(),AL=Co(),Ro=No(),w1=Ke(),kL=y1(),vL=oi();function Bo(e){if(typeof e=="number")return[e,e+1];if(Array.isArray(e))return e.length===2?e:[e[0],e[1]];let{offset:t,source:n}=e;return[t,t+(typeof n=="string"?n.length:1)]}a(Bo,"getErrorPos");function b1(e){let t="",n=!1,r=!1;for(let s=0;s<e.length;++s){let i=e[s];switch(i[0]){case"#":t+=(t===""?"":r?`

`:`
`)+(i.substring(1)||" "),n=!0,r=!1;break;case"%":e[s+1]?.[0]!=="#"&&(s+=1),n=!1;break;default:n||(r=!0),n=!1}}return{comment:t,afterEmptyLine:r}}a(b1,"parsePrelude");var Oh=class{static{a(this,"Composer")}constructor(t={}){this.doc=null,this.atDirectives=!1,this.prelude=[],this.errors=[],this.warnings=[],this.onError=(n,r,s,i)=>{let o=Bo(n);i?this.warnings.push(new Ro.YAMLWarning(o,r,s)):this.errors.push(new Ro.YAMLParseError(o,r,s))},this.directives=new bL.Directives({version:t.version||"1.2"}),this.options=t}decorate(t,n){let{comment:r,afterEmptyLine:s}=b1(this.prelude);if(r){let i=t.contents;if(n)t.comment=t.comment?`${t.comment}
${r}`:r;else if(s||t.directives.docStart||!i)t.commentBefore=r;else if(w1.isCollection(i)&&!i.flow&&i.items.length>0){let o=i.items[0];w1.isPair(o)&&(o=o.key);let c=o.commentBefore;o.commentBefore=c?`${r}
${c}`:r}else{let o=i.commentBefore;i.commentBefore=o?`${r}
${o}`:r}}if(n){for(let i=0;i<this.errors.length;++i)t.errors.push(this.errors[i]);for(let i=0;i<this.warnings.length;++i)t.warnings.push(this.warnings[i])}else t.errors=this.errors,t.warnings=this.warnings;this.prelude=[],this.errors=[],this.warnings=[]}streamInfo(){return{comment:b1(this.prelude).comment,directives:this.directives,errors:this.errors,warnings:this.warnings}}*compose(t,n=!1,r=-1){for(let s of t)yield*this.next(s);yield*this.end(n,r)}*next(t){switch(wL.env.LOG_STREAM&&console.dir(t,{depth:null}),t.type){case"directive":this.directives.add(t.source,(n,r,s)=>{let i=Bo(t);i[0]+=n,this.onError(i,"BAD_DIRECTIVE",r,s)}),this.prelude.push(t.source),this.atDirectives=!0;break;case"document":{let n=kL.composeDoc(this.options,this.directives,t,this.onError);this.atDirectives&&!n.directives.docStart&&this.onError(t,"MISSING_CHAR","Missing directives-end/doc-start indicator line"),this.decorate(n,!1),this.doc&&(yield this.doc),this.doc=n,this.atDirectives=!1;break}case"byte-order-mark":case"space":break;case"comment":case"newline":this.prelude.push(t.source);break;case"error":{let n=t.source?`${t.message}: ${JSON.stringify(t.source)}`:t.message,r=new Ro.YAMLParseError(Bo(t),"UNEXPECTED_TOKEN",n);this.atDirectives||!this.doc?this.errors.push(r):this.doc.errors.push(r);break}case"doc-end":{if(!this.doc){let r="Unexpected doc-end without preceding document";this.errors.push(new Ro.YAMLParseError(Bo(t),"UNEXPECTED_TOKEN",r));break}this.doc.directives.docEnd=!0;let n=vL.resolveEnd(t.end,t.offset+t.source.length,this.doc.options.strict,this.onError);if(this.decorate(this.doc,!0),n.comment){let r=this.doc.comment;this.doc.comment=r?`${r}
${n.comment}`:n.comment}this.doc.range[2]=n.offset;break}default:this.errors.push(new Ro.YAMLParseError(Bo(t),"UNEXPECTED_TOKEN",`Unsupported token ${t.type}`))}}*end(t=!1,n=-1){if(this.doc)this.decorate(this.doc,!0),yield this.doc,this.doc=null;else if(t){let r=Object.assign({_directives:this.directives},this.options),s=new AL.Document(void 0,r);this.atDirectives&&this.onError(n,"MISSING_CHAR","Missing directives-end indicator line"),s.range=[0,n,n],this.decorate(s,!1),yield s}}};A1.Composer=Oh});var x1=q(Dl=>{"use strict";var xL=Ih(),EL=Ph(),SL=No(),k1=$o();function IL(e,t=!0,n){if(e){let r=a((s,i,o)=>{let c=typeof s=="number"?s:Array.isArray(s)?s[0]:s.offset;if(n)n(c,i,o);else throw new SL.YAMLParseError([c,c+1],i,o)},"_onError");switch(e.type){case"scalar":case"single-quoted-scalar":case"double-quoted-scalar":return EL.resolveFlowScalar(e,t,r);case"block-scalar":return xL.resolveBlockScalar({options:{strict:t}},e,r)}}return null}a(IL,"resolveAsScalar");function CL(e,t){let{implicitKey:n=!1,indent:r,inFlow:s=!1,offset:i=-1,type:o="PLAIN"}=t,c=k1.stringifyString({type:o,value:e},{implicitKey:n,indent:r>0?" ".repeat(r):"",inFlow:s,options:{blockQuote:!0,lineWidth:-1}}),l=t.end??[{type:"newline",offset:-1,indent:r,source:`
`}];switch(c[0]){case"|":case">":{let u=c.indexOf(`
`),d=c.substring(0,u),f=c.substring(u+1)+`
`,p=[{type:"block-scalar-header",offset:i,indent:r,source:d}];return v1(p,l)||p.push({type:"newline",offset:-1,indent:r,source:`
`}),{type:"block-scalar",offset:i,indent:r,props:p,source:f}}case'"':return{type:"double-quoted-scalar",offset:i,indent:r,source:c,end:l};case"'":return{type:"single-quoted-scalar",offset:i,indent:r,source:c,end:l};default:return{type:"scalar",offset:i,indent:r,source:c,end:l}}}a(CL,"createScalarToken");function PL(e,t,n={}){let{afterKey:r=!1,implicitKey:s=!1,inFlow:i=!1,type:o}=n,c="indent"in e?e.indent:null;if(r&&typeof c=="number"&&(c+=2),!o)switch(e.type){case"single-quoted-scalar":o="QUOTE_SINGLE";break;case"double-quoted-scalar":o="QUOTE_DOUBLE";break;case"block-scalar":{let u=e.props[0];if(u.type!=="block-scalar-header")throw new Error("Invalid block scalar header");o=u.source[0]===">"?"BLOCK_FOLDED":"BLOCK_LITERAL";break}default:o="PLAIN"}let l=k1.stringifyString({type:o,value:t},{implicitKey:s||c===null,indent:c!==null&&c>0?" ".repeat(c):"",inFlow:i,options:{blockQuote:!0,lineWidth:-1}});switch(l[0]){case"|":case">":TL(e,l);break;case'"':Bh(e,l,"double-quoted-scalar");break;case"'":Bh(e,l,"single-quoted-scalar");break;default:Bh(e,l,"scalar")}}a(PL,"setScalarValue");function TL(e,t){let n=t.indexOf(`
`),r=t.substring(0,n),s=t.substring(n+1)+`
`;if(e.type==="block-scalar"){let i=e.props[0];if(i.type!=="block-scalar-header")throw new Error("Invalid block scalar header");i.source=r,e.source=s}else{let{offset:i}=e,o="indent"in e?e.indent:-1,c=[{type:"block-scalar-header",offset:i,indent:o,source:r}];v1(c,"end"in e?e.end:void 0)||c.push({type:"newline",offset:-1,indent:o,source:`
`});for(let l of Object.keys(e))l!=="type"&&l!=="offset"&&delete e[l];Object.assign(e,{type:"block-scalar",indent:o,props:c,source:s})}}a(TL,"setBlockScalarValue");function v1(e,t){if(t)for(let n of t)switch(n.type){case"space":case"comment":e.push(n);break;case"newline":return e.push(n),!0}return!1}a(v1,"addEndtoBlockProps");function Bh(e,t,n){switch(e.type){case"scalar":case"double-quoted-scalar":case"single-quoted-scalar":e.type=n,e.source=t;break;case"block-scalar":{let r=e.props.slice(1),s=t.length;e.props[0].type==="block-scalar-header"&&(s-=e.props[0].source.length);for(let i of r)i.offset+=s;delete e.props,Object.assign(e,{type:n,source:t,end:r});break}case"block-map":case"block-seq":{let s={type:"newline",offset:e.offset+t.length,indent:e.indent,source:`
`};delete e.items,Object.assign(e,{type:n,source:t,end:[s]});break}default:{let r="indent"in e?e.indent:-1,s="end"in e&&Array.isArray(e.end)?e.end.filter(i=>i.type==="space"||i.type==="comment"||i.type==="newline"):[];for(let i of Object.keys(e))i!=="type"&&i!=="offset"&&delete e[i];Object.assign(e,{type:n,indent:r,source:t,end:s})}}}a(Bh,"setFlowScalarValue");Dl.createScalarToken=CL;Dl.resolveAsScalar=IL;Dl.setScalarValue=PL});var S1=q(E1=>{"use strict";var NL=a(e=>"type"in e?Fl(e):Ul(e),"stringify");function Fl(e){switch(e.type){case"block-scalar":{let t="";for(let n of e.props)t+=Fl(n);return t+e.source}case"block-map":case"block-seq":{let t="";for(let n of e.items)t+=Ul(n);return t}case"flow-collection":{let t=e.start.source;for(let n of e.items)t+=Ul(n);for(let n of e.end)t+=n.source;return t}case"document":{let t=Ul(e);if(e.end)for(let n of e.end)t+=n.source;return t}default:{let t=e.source;if("end"in e&&e.end)for(let n of e.end)t+=n.source;return t}}}a(Fl,"stringifyToken");function Ul({start:e,key:t,sep:n,value:r}){let s="";for(let i of e)s+=i.source;if(t&&(s+=Fl(t)),n)for(let i of n)s+=i.source;return r&&(s+=Fl(r)),s}a(Ul,"stringifyItem");E1.stringify=NL});var T1=q(P1=>{"use strict";var Lh=Symbol("break visit"),OL=Symbol("skip children"),I1=Symbol("remove item");function es(e,t){"type"in e&&e.type==="document"&&(e={start:e.start,value:e.value}),C1(Object.freeze([]),e,t)}a(es,"visit");es.BREAK=Lh;es.SKIP=OL;es.REMOVE=I1;es.itemAtPath=(e,t)=>{let n=e;for(let[r,s]of t){let i=n?.[r];if(i&&"items"in i)n=i.items[s];else return}return n};es.parentCollection=(e,t)=>{let n=es.itemAtPath(e,t.slice(0,-1)),r=t[t.length-1][0],s=n?.[r];if(s&&"items"in s)return s;throw new Error("Parent collection not found")};function C1(e,t,n){let r=n(t,e);if(typeof r=="symbol")return r;for(let s of["key","value"]){let i=t[s];if(i&&"items"in i){for(let o=0;o<i.items.length;++o){let c=C1(Object.freeze(e.concat([[s,o]])),i.items[o],n);if(typeof c=="number")o=c-1;else{if(c===Lh)return Lh;c===I1&&(i.items.splice(o,1),o-=1)}}typeof r=="function"&&s==="key"&&(r=r(t,e))}}return typeof r=="function"?r(t,e):r}a(C1,"_visit");P1.visit=es});var Ml=q(Vt=>{"use strict";var Dh=x1(),RL=S1(),BL=T1(),Uh="\uFEFF",Fh="",Mh="",Hh="",LL=a(e=>!!e&&"items"in e,"isCollection"),DL=a(e=>!!e&&(e.type==="scalar"||e.type==="single-quoted-scalar"||e.type==="double-quoted-scalar"||e.type==="block-scalar"),"isScalar");function UL(e){switch(e){case Uh:return"<BOM>";case Fh:return"<DOC>";case Mh:return"<FLOW_END>";case Hh:return"<SCALAR>";default:return JSON.stringify(e)}}a(UL,"prettyToken");function FL(e){switch(e){case Uh:return"byte-order-mark";case Fh:return"doc-mode";case Mh:return"flow-error-end";case Hh:return"scalar";case"---":return"doc-start";case"...":return"doc-end";case"":case`
`:case`\r
`:return"newline";case"-":return"seq-item-ind";case"?":return"explicit-key-ind";case":":return"map-value-ind";case"{":return"flow-map-start";case"}":return"flow-map-end";case"[":return"flow-seq-start";case"]":return"flow-seq-end";case",":return"comma"}switch(e[0]){case" ":case"	":return"space";case"#":return"comment";case"%":return"directive-line";case"*":return"alias";case"&":return"anchor";case"!":return"tag";case"'":return"single-quoted-scalar";case'"':return"double-quoted-scalar";case"|":case">":return"block-scalar-header"}return null}a(FL,"tokenType");Vt.createScalarToken=Dh.createScalarToken;Vt.resolveAsScalar=Dh.resolveAsScalar;Vt.setScalarValue=Dh.setScalarValue;Vt.stringify=RL.stringify;Vt.visit=BL.visit;Vt.BOM=Uh;Vt.DOCUMENT=Fh;Vt.FLOW_END=Mh;Vt.SCALAR=Hh;Vt.isCollection=LL;Vt.isScalar=DL;Vt.prettyToken=UL;Vt.tokenType=FL});var qh=q(O1=>{"use strict";var Lo=Ml();function In(e){switch(e){case void 0:case" ":case`
`:case"\r":case"	":return!0;default:return!1}}a(In,"isEmpty");var N1=new Set("0123456789ABCDEFabcdef"),ML=new Set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-#;/?:@&=+$_.!~*'()"),Hl=new Set(",[]{}"),HL=new Set(` ,[]{}
\r	`),zh=a(e=>!e||HL.has(e),"isNotAnchorChar"),jh=class{static{a(this,"Lexer")}constructor(){this.atEnd=!1,this.blockScalarIndent=-1,this.blockScalarKeep=!1,this.buffer="",this.flowKey=!1,this.flowLevel=0,this.indentNext=0,this.indentValue=0,this.lineEndPos=null,this.next=null,this.pos=0}*lex(t,n=!1){if(t){if(typeof t!="string")throw TypeError("source is not a string");this.buffer=this.buffer?this.buffer+t:t,this.lineEndPos=null}this.atEnd=!n;let r=this.next??"stream";for(;r&&(n||this.hasChars(1));)r=yield*this.parseNext(r)}atLineEnd(){let t=this.pos,n=this.buffer[t];for(;n===" "||n==="	";)n=this.buffer[++t];return!n||n==="#"||n===`
`?!0:n==="\r"?this.buffer[t+1]===`
`:!1}charAt(t){return this.buffer[this.pos+t]}continueScalar(t){let n=this.buffer[t];if(this.indentNext>0){let r=0;for(;n===" ";)n=this.buffer[++r+t];if(n==="\r"){let s=this.buffer[r+t+1];if(s===`
`||!s&&!this.atEnd)return t+r+1}return n===`
`||r>=this.indentNext||!n&&!this.atEnd?t+r:-1}if(n==="-"||n==="."){let r=this.buffer.substr(t,3);if((r==="---"||r==="...")&&In(this.buffer[t+3]))return-1}return t}getLine(){let t=this.lineEndPos;return(typeof t!="number"||t!==-1&&t<this.pos)&&(t=this.buffer.indexOf(`
`,this.pos),this.lineEndPos=t),t===-1?this.atEnd?this.buffer.substring(this.pos):null:(this.buffer[t-1]==="\r"&&(t-=1),this.buffer.substring(this.pos,t))}hasChars(t){return this.pos+t<=this.buffer.length}setNext(t){return this.buffer=this.buffer.substring(this.pos),this.pos=0,this.lineEndPos=null,this.next=t,null}peek(t){return this.buffer.substr(this.pos,t)}*parseNext(t){switch(t){case"stream":return yield*this.parseStream();case"line-start":return yield*this.parseLineStart();case"block-start":return yield*this.parseBlockStart();case"doc":return yield*this.parseDocument();case"flow":return yield*this.parseFlowCollection();case"quoted-scalar":return yield*this.parseQuotedScalar();case"block-scalar":return yield*this.parseBlockScalar();case"plain-scalar":return yield*this.parsePlainScalar()}}*parseStream(){let t=this.getLine();if(t===null)return this.setNext("stream");if(t[0]===Lo.BOM&&(yield*this.pushCount(1),t=t.substring(1)),t[0]==="%"){let n=t.length,r=t.indexOf("#");for(;r!==-1;){let i=t[r-1];if(i===" "||i==="	"){n=r-1;break}else r=t.indexOf("#",r+1)}for(;;){let i=t[n-1];if(i===" "||i==="	")n-=1;else break}let s=(yield*this.pushCount(n))+(yield*this.pushSpaces(!0));return yield*this.pushCount(t.length-s),this.pushNewline(),"stream"}if(this.atLineEnd()){let n=yield*this.pushSpaces(!0);return yield*this.pushCount(t.length-n),yield*this.pushNewline(),"stream"}return yield Lo.DOCUMENT,yield*this.parseLineStart()}*parseLineStart(){let t=this.charAt(0);if(!t&&!this.atEnd)return this.setNext("line-start");if(t==="-"||t==="."){if(!this.atEnd&&!this.hasChars(4))return this.setNext("line-start");let n=this.peek(3);if((n==="---"||n==="...")&&In(this.charAt(3)))return yield*this.pushCount(3),this.indentValue=0,this.indentNext=0,n==="---"?"doc":"stream"}return this.indentValue=yield*this.pushSpaces(!1),this.indentNext>this.indentValue&&!In(this.charAt(1))&&(this.indentNext=this.indentValue),yield*this.parseBlockStart()}*parseBlockStart(){let[t,n]=this.peek(2);if(!n&&!this.atEnd)return this.setNext("block-start");if((t==="-"||t==="?"||t===":")&&In(n)){let r=(yield*this.pushCount(1))+(yield*this.pushSpaces(!0));return this.indentNext=this.indentValue+1,this.indentValue+=r,"block-start"}return"doc"}*parseDocument(){yield*this.pushSpaces(!0);let t=this.getLine();if(t===null)return this.setNext("doc");let n=yield*this.pushIndicators();switch(t[n]){case"#":yield*this.pushCount(t.length-n);case void 0:return yield*this.pushNewline(),yield*this.parseLineStart();case"{":case"[":return yield*this.pushCount(1),this.flowKey=!1,this.flowLevel=1,"flow";case"}":case"]":return yield*this.pushCount(1),"doc";case"*":return yield*this.pushUntil(zh),"doc";case'"':case"'":return yield*this.parseQuotedScalar();case"|":case">":return n+=yield*this.parseBlockScalarHeader(),n+=yield*this.pushSpaces(!0),yield*this.pushCount(t.length-n),yield*this.pushNewline(),yield*this.parseBlockScalar();default:return yield*this.parsePlainScalar()}}*parseFlowCollection(){let t,n,r=-1;do t=yield*this.pushNewline(),t>0?(n=yield*this.pushSpaces(!1),this.indentValue=r=n):n=0,n+=yield*this.pushSpaces(!0);while(t+n>0);let s=this.getLine();if(s===null)return this.setNext("flow");if((r!==-1&&r<this.indentNext&&s[0]!=="#"||r===0&&(s.startsWith("---")||s.startsWith("..."))&&In(s[3]))&&!(r===this.indentNext-1&&this.flowLevel===1&&(s[0]==="]"||s[0]==="}")))return this.flowLevel=0,yield Lo.FLOW_END,yield*this.parseLineStart();let i=0;for(;s[i]===",";)i+=yield*this.pushCount(1),i+=yield*this.pushSpaces(!0),this.flowKey=!1;switch(i+=yield*this.pushIndicators(),s[i]){case void 0:return"flow";case"#":return yield*this.pushCount(s.length-i),"flow";case"{":case"[":return yield*this.pushCount(1),this.flowKey=!1,this.flowLevel+=1,"flow";case"}":case"]":return yield*this.pushCount(1),this.flowKey=!0,this.flowLevel-=1,this.flowLevel?"flow":"doc";case"*":return yield*this.pushUntil(zh),"flow";case'"':case"'":return this.flowKey=!0,yield*this.parseQuotedScalar();case":":{let o=this.charAt(1);if(this.flowKey||In(o)||o===",")return this.flowKey=!1,yield*this.pushCount(1),yield*this.pushSpaces(!0),"flow"}default:return this.flowKey=!1,yield*this.parsePlainScalar()}}*parseQuotedScalar(){let t=this.charAt(0),n=this.buffer.indexOf(t,this.pos+1);if(t==="'")for(;n!==-1&&this.buffer[n+1]==="'";)n=this.buffer.indexOf("'",n+2);else for(;n!==-1;){let i=0;for(;this.buffer[n-1-i]==="\\";)i+=1;if(i%2===0)break;n=this.buffer.indexOf('"',n+1)}let r=this.buffer.substring(0,n),s=r.indexOf(`
`,this.pos);if(s!==-1){for(;s!==-1;){let i=this.continueScalar(s+1);if(i===-1)break;s=r.indexOf(`
`,i)}s!==-1&&(n=s-(r[s-1]==="\r"?2:1))}if(n===-1){if(!this.atEnd)return this.setNext("quoted-scalar");n=this.buffer.length}return yield*this.pushToIndex(n+1,!1),this.flowLevel?"flow":"doc"}*parseBlockScalarHeader(){this.blockScalarIndent=-1,this.blockScalarKeep=!1;let t=this.pos;for(;;){let n=this.buffer[++t];if(n==="+")this.blockScalarKeep=!0;else if(n>"0"&&n<="9")this.blockScalarIndent=Number(n)-1;else if(n!=="-")break}return yield*this.pushUntil(n=>In(n)||n==="#")}*parseBlockScalar(){let t=this.pos-1,n=0,r;e:for(let i=this.pos;r=this.buffer[i];++i)switch(r){case" ":n+=1;break;case`
`:t=i,n=0;break;case"\r":{let o=this.buffer[i+1];if(!o&&!this.atEnd)return this.setNext("block-scalar");if(o===`
`)break}default:break e}if(!r&&!this.atEnd)return this.setNext("block-scalar");if(n>=this.indentNext){this.blockScalarIndent===-1?this.indentNext=n:this.indentNext=this.blockScalarIndent+(this.indentNext===0?1:this.indentNext);do{let i=this.continueScalar(t+1);if(i===-1)break;t=this.buffer.indexOf(`
`,i)}while(t!==-1);if(t===-1){if(!this.atEnd)return this.setNext("block-scalar");t=this.buffer.length}}let s=t+1;for(r=this.buffer[s];r===" ";)r=this.buffer[++s];if(r==="	"){for(;r==="	"||r===" "||r==="\r"||r===`
`;)r=this.buffer[++s];t=s-1}else if(!this.blockScalarKeep)do{let i=t-1,o=this.buffer[i];o==="\r"&&(o=this.buffer[--i]);let c=i;for(;o===" ";)o=this.buffer[--i];if(o===`
`&&i>=this.pos&&i+1+n>c)t=i;else break}while(!0);return yield Lo.SCALAR,yield*this.pushToIndex(t+1,!0),yield*this.parseLineStart()}*parsePlainScalar(){let t=this.flowLevel>0,n=this.pos-1,r=this.pos-1,s;for(;s=this.buffer[++r];)if(s===":"){let i=this.buffer[r+1];if(In(i)||t&&Hl.has(i))break;n=r}else if(In(s)){let i=this.buffer[r+1];if(s==="\r"&&(i===`
`?(r+=1,s=`
`,i=this.buffer[r+1]):n=r),i==="#"||t&&Hl.has(i))break;if(s===`
`){let o=this.continueScalar(r+1);if(o===-1)break;r=Math.max(r,o-2)}}else{if(t&&Hl.has(s))break;n=r}return!s&&!this.atEnd?this.setNext("plain-scalar"):(yield Lo.SCALAR,yield*this.pushToIndex(n+1,!0),t?"flow":"doc")}*pushCount(t){return t>0?(yield this.buffer.substr(this.pos,t),this.pos+=t,t):0}*pushToIndex(t,n){let r=this.buffer.slice(this.pos,t);return r?(yield r,this.pos+=r.length,r.length):(n&&(yield""),0)}*pushIndicators(){let t=0;e:for(;;){switch(this.charAt(0)){case"!":t+=yield*this.pushTag(),t+=yield*this.pushSpaces(!0);continue e;case"&":t+=yield*this.pushUntil(zh),t+=yield*this.pushSpaces(!0);continue e;case"-":case"?":case":":{let n=this.flowLevel>0,r=this.charAt(1);if(In(r)||n&&Hl.has(r)){n?this.flowKey&&(this.flowKey=!1):this.indentNext=this.indentValue+1,t+=yield*this.pushCount(1),t+=yield*this.pushSpaces(!0);continue e}}}break e}return t}*pushTag(){if(this.charAt(1)==="<"){let t=this.pos+2,n=this.buffer[t];for(;!In(n)&&n!==">";)n=this.buffer[++t];return yield*this.pushToIndex(n===">"?t+1:t,!1)}else{let t=this.pos+1,n=this.buffer[t];for(;n;)if(ML.has(n))n=this.buffer[++t];else if(n==="%"&&N1.has(this.buffer[t+1])&&N1.has(this.buffer[t+2]))n=this.buffer[t+=3];else break;return yield*this.pushToIndex(t,!1)}}*pushNewline(){let t=this.buffer[this.pos];return t===`
`?yield*this.pushCount(1):t==="\r"&&this.charAt(1)===`
`?yield*this.pushCount(2):0}*pushSpaces(t){let n=this.pos-1,r;do r=this.buffer[++n];while(r===" "||t&&r==="	");let s=n-this.pos;return s>0&&(yield this.buffer.substr(this.pos,s),this.pos=n),s}*pushUntil(t){let n=this.pos,r=this.buffer[n];for(;!t(r);)r=this.buffer[++n];return yield*this.pushToIndex(n,!1)}};O1.Lexer=jh});var Qh=q(R1=>{"use strict";var Kh=class{static{a(this,"LineCounter")}constructor(){this.lineStarts=[],this.addNewLine=t=>this.lineStarts.push(t),this.linePos=t=>{let n=0,r=this.lineStarts.length;for(;n<r;){let i=n+r>>1;this.lineStarts[i]<t?n=i+1:r=i}if(this.lineStarts[n]===t)return{line:n+1,col:1};if(n===0)return{line:0,col:t};let s=this.lineStarts[n-1];return{line:n,col:t-s+1}}}};R1.LineCounter=Kh});var Gh=q(F1=>{"use strict";var zL=require("process"),B1=Ml(),jL=qh();function Pr(e,t){for(let n=0;n<e.length;++n)if(e[n].type===t)return!0;return!1}a(Pr,"includesToken");function L1(e){for(let t=0;t<e.length;++t)switch(e[t].type){case"space":case"comment":case"newline":break;default:return t}return-1}a(L1,"findNonEmptyIndex");function U1(e){switch(e?.type){case"alias":case"scalar":case"single-quoted-scalar":case"double-quoted-scalar":case"flow-collection":return!0;default:return!1}}a(U1,"isFlowToken");function zl(e){switch(e.type){case"document":return e.start;case"block-map":{let t=e.items[e.items.length-1];return t.sep??t.start}case"block-seq":return e.items[e.items.length-1].start;default:return[]}}a(zl,"getPrevProps");function ai(e){if(e.length===0)return[];let t=e.length;e:for(;--t>=0;)switch(e[t].type){case"doc-start":case"explicit-key-ind":case"map-value-ind":case"seq-item-ind":case"newline":break e}for(;e[++t]?.type==="space";);return e.splice(t,e.length)}a(ai,"getFirstKeyStartProps");function jl(e,t){if(t.length<1e5)Array.prototype.push.apply(e,t);else for(let n=0;n<t.length;++n)e.push(t[n])}a(jl,"arrayPushArray");function D1(e){if(e.start.type==="flow-seq-start")for(let t of e.items)t.sep&&!t.value&&!Pr(t.start,"explicit-key-ind")&&!Pr(t.sep,"map-value-ind")&&(t.key&&(t.value=t.key),delete t.key,U1(t.value)?t.value.end?jl(t.value.end,t.sep):t.value.end=t.sep:jl(t.start,t.sep),delete t.sep)}a(D1,"fixFlowSeqItems");var Wh=class{static{a(this,"Parser")}constructor(t){this.atNewLine=!0,this.atScalar=!1,this.indent=0,this.offset=0,this.onKeyLine=!1,this.stack=[],this.source="",this.type="",this.lexer=new jL.Lexer,this.onNewLine=t}*parse(t,n=!1){this.onNewLine&&this.offset===0&&this.onNewLine(0);for(let r of this.lexer.lex(t,n))yield*this.next(r);n||(yield*this.end())}*next(t){if(this.source=t,zL.env.LOG_TOKENS&&console.log("|",B1.prettyToken(t)),this.atScalar){this.atScalar=!1,yield*this.step(),this.offset+=t.length;return}let n=B1.tokenType(t);if(n)if(n==="scalar")this.atNewLine=!1,this.atScalar=!0,this.type="scalar";else{switch(this.type=n,yield*this.step(),n){case"newline":this.atNewLine=!0,this.indent=0,this.onNewLine&&this.onNewLine(this.offset+t.length);break;case"space":this.atNewLine&&t[0]===" "&&(this.indent+=t.length);break;case"explicit-key-ind":case"map-value-ind":case"seq-item-ind":this.atNewLine&&(this.indent+=t.length);break;case"doc-mode":case"flow-error-end":return;default:this.atNewLine=!1}this.offset+=t.length}else{let r=`Not a YAML token: ${t}`;yield*this.pop({type:"error",offset:this.offset,message:r,source:t}),this.offset+=t.length}}*end(){for(;this.stack.length>0;)yield*this.pop()}get sourceToken(){return{type:this.type,offset:this.offset,indent:this.indent,source:this.source}}*step(){let t=this.peek(1);if(this.type==="doc-end"&&t?.type!=="doc-end"){for(;this.stack.length>0;)yield*this.pop();this.stack.push({type:"doc-end",offset:this.offset,source:this.source});return}if(!t)return yield*this.stream();switch(t.type){case"document":return yield*this.document(t);case"alias":case"scalar":case"single-quoted-scalar":case"double-quoted-scalar":return yield*this.scalar(t);case"block-scalar":return yield*this.blockScalar(t);case"block-map":return yield*this.blockMap(t);case"block-seq":return yield*this.blockSequence(t);case"flow-collection":return yield*this.flowCollection(t);case"doc-end":return yield*this.documentEnd(t)}yield*this.pop()}peek(t){return this.stack[this.stack.length-t]}*pop(t){let n=t??this.stack.pop();if(!n)yield{type:"error",offset:this.offset,source:"",message:"Tried to pop an empty stack"};else if(this.stack.length===0)yield n;else{let r=this.peek(1);switch(n.type==="block-scalar"?n.indent="indent"in r?r.indent:0:n.type==="flow-collection"&&r.type==="document"&&(n.indent=0),n.type==="flow-collection"&&D1(n),r.type){case"document":r.value=n;break;case"block-scalar":r.props.push(n);break;case"block-map":{let s=r.items[r.items.length-1];if(s.value){r.items.push({start:[],key:n,sep:[]}),this.onKeyLine=!0;return}else if(s.sep)s.value=n;else{Object.assign(s,{key:n,sep:[]}),this.onKeyLine=!s.explicitKey;return}break}case"block-seq":{let s=r.items[r.items.length-1];s.value?r.items.push({start:[],value:n}):s.value=n;break}case"flow-collection":{let s=r.items[r.items.length-1];!s||s.value?r.items.push({start:[],key:n,sep:[]}):s.sep?s.value=n:Object.assign(s,{key:n,sep:[]});return}default:yield*this.pop(),yield*this.pop(n)}if((r.type==="document"||r.type==="block-map"||r.type==="block-seq")&&(n.type==="block-map"||n.type==="block-seq")){let s=n.items[n.items.length-1];s&&!s.sep&&!s.value&&s.start.length>0&&L1(s.start)===-1&&(n.indent===0||s.start.every(i=>i.type!=="comment"||i.indent<n.indent))&&(r.type==="document"?r.end=s.start:r.items.push({start:s.start}),n.items.splice(-1,1))}}}*stream(){switch(this.type){case"directive-line":yield{type:"directive",offset:this.offset,source:this.source};return;case"byte-order-mark":case"space":case"comment":case"newline":yield this.sourceToken;return;case"doc-mode":case"doc-start":{let t={type:"document",offset:this.offset,start:[]};this.type==="doc-start"&&t.start.push(this.sourceToken),this.stack.push(t);return}}yield{type:"error",offset:this.offset,message:`Unexpected ${this.type} token in YAML stream`,source:this.source}}*document(t){if(t.value)return yield*this.lineEnd(t);switch(this.type){case"doc-start":{L1(t.start)!==-1?(yield*this.pop(),yield*this.step()):t.start.push(this.sourceToken);return}case"anchor":case"tag":case"space":case"comment":case"newline":t.start.push(this.sourceToken);return}let n=this.startBlockValue(t);n?this.stack.push(n):yield{type:"error",offset:this.offset,message:`Unexpected ${this.type} token in YAML document`,source:this.source}}*scalar(t){if(this.type==="map-value-ind"){let n=zl(this.peek(2)),r=ai(n),s;t.end?(s=t.end,s.push(this.sourceToken),delete t.end):s=[this.sourceToken];let i={type:"block-map",offset:t.offset,indent:t.indent,items:[{start:r,key:t,sep:s}]};this.onKeyLine=!0,this.stack[this.stack.length-1]=i}else yield*this.lineEnd(t)}*blockScalar(t){switch(this.type){case"space":case"comment":case"newline":t.props.push(this.sourceToken);return;case"scalar":if(t.source=this.source,this.atNewLine=!0,this.indent=0,this.onNewLine){let n=this.source.indexOf(`
`)+1;for(;n!==0;)this.onNewLine(this.offset+n),n=this.source.indexOf(`
`,n)+1}yield*this.pop();break;default:yield*this.pop(),yield*this.step()}}*blockMap(t){let n=t.items[t.items.length-1];switch(this.type){case"newline":if(this.onKeyLine=!1,n.value){let r="end"in n.value?n.value.end:void 0;(Array.isArray(r)?r[r.length-1]:void 0)?.type==="comment"?r?.push(this.sourceToken):t.items.push({start:[this.sourceToken]})}else n.sep?n.sep.push(this.sourceToken):n.start.push(this.sourceToken);return;case"space":case"comment":if(n.value)t.items.push({start:[this.sourceToken]});else if(n.sep)n.sep.push(this.sourceToken);else{if(this.atIndentedComment(n.start,t.indent)){let s=t.items[t.items.length-2]?.value?.end;if(Array.isArray(s)){jl(s,n.start),s.push(this.sourceToken),t.items.pop();return}}n.start.push(this.sourceToken)}return}if(this.indent>=t.indent){let r=!this.onKeyLine&&this.indent===t.indent,s=r&&(n.sep||n.explicitKey)&&this.type!=="seq-item-ind",i=[];if(s&&n.sep&&!n.value){let o=[];for(let c=0;c<n.sep.length;++c){let l=n.sep[c];switch(l.type){case"newline":o.push(c);break;case"space":break;case"comment":l.indent>t.indent&&(o.length=0);break;default:o.length=0}}o.length>=2&&(i=n.sep.splice(o[1]))}switch(this.type){case"anchor":case"tag":s||n.value?(i.push(this.sourceToken),t.items.push({start:i}),this.onKeyLine=!0):n.sep?n.sep.push(this.sourceToken):n.start.push(this.sourceToken);return;case"explicit-key-ind":!n.sep&&!n.explicitKey?(n.start.push(this.sourceToken),n.explicitKey=!0):s||n.value?(i.push(this.sourceToken),t.items.push({start:i,explicitKey:!0})):this.stack.push({type:"block-map",offset:this.offset,indent:this.indent,items:[{start:[this.sourceToken],explicitKey:!0}]}),this.onKeyLine=!0;return;case"map-value-ind":if(n.explicitKey)if(n.sep)if(n.value)t.items.push({start:[],key:null,sep:[this.sourceToken]});else if(Pr(n.sep,"map-value-ind"))this.stack.push({type:"block-map",offset:this.offset,indent:this.indent,items:[{start:i,key:null,sep:[this.sourceToken]}]});else if(U1(n.key)&&!Pr(n.sep,"newline")){let o=ai(n.start),c=n.key,l=n.sep;l.push(this.sourceToken),delete n.key,delete n.sep,this.stack.push({type:"block-map",offset:this.offset,indent:this.indent,items:[{start:o,key:c,sep:l}]})}else i.length>0?n.sep=n.sep.concat(i,this.sourceToken):n.sep.push(this.sourceToken);else if(Pr(n.start,"newline"))Object.assign(n,{key:null,sep:[this.sourceToken]});else{let o=ai(n.start);this.stack.push({type:"block-map",offset:this.offset,indent:this.indent,items:[{start:o,key:null,sep:[this.sourceToken]}]})}else n.sep?n.value||s?t.items.push({start:i,key:null,sep:[this.sourceToken]}):Pr(n.sep,"map-value-ind")?this.stack.push({type:"block-map",offset:this.offset,indent:this.indent,items:[{start:[],key:null,sep:[this.sourceToken]}]}):n.sep.push(this.sourceToken):Object.assign(n,{key:null,sep:[this.sourceToken]});this.onKeyLine=!0;return;case"alias":case"scalar":case"single-quoted-scalar":case"double-quoted-scalar":{let o=this.flowScalar(this.type);s||n.value?(t.items.push({start:i,key:o,sep:[]}),this.onKeyLine=!0):n.sep?this.stack.push(o):(Object.assign(n,{key:o,sep:[]}),this.onKeyLine=!0);return}default:{let o=this.startBlockValue(t);if(o){if(o.type==="block-seq"){if(!n.explicitKey&&n.sep&&!Pr(n.sep,"newline")){yield*this.pop({type:"error",offset:this.offset,message:"Unexpected block-seq-ind on same line with key",source:this.source});return}}else r&&t.items.push({start:i});this.stack.push(o);return}}}}yield*this.pop(),yield*this.step()}*blockSequence(t){let n=t.items[t.items.length-1];switch(this.type){case"newline":if(n.value){let r="end"in n.value?n.value.end:void 0;(Array.isArray(r)?r[r.length-1]:void 0)?.type==="comment"?r?.push(this.sourceToken):t.items.push({start:[this.sourceToken]})}else n.start.push(this.sourceToken);return;case"space":case"comment":if(n.value)t.items.push({start:[this.sourceToken]});else{if(this.atIndentedComment(n.start,t.indent)){let s=t.items[t.items.length-2]?.value?.end;if(Array.isArray(s)){jl(s,n.start),s.push(this.sourceToken),t.items.pop();return}}n.start.push(this.sourceToken)}return;case"anchor":case"tag":if(n.value||this.indent<=t.indent)break;n.start.push(this.sourceToken);return;case"seq-item-ind":if(this.indent!==t.indent)break;n.value||Pr(n.start,"seq-item-ind")?t.items.push({start:[this.sourceToken]}):n.start.push(this.sourceToken);return}if(this.indent>t.indent){let r=this.startBlockValue(t);if(r){this.stack.push(r);return}}yield*this.pop(),yield*this.step()}*flowCollection(t){let n=t.items[t.items.length-1];if(this.type==="flow-error-end"){let r;do yield*this.pop(),r=this.peek(1);while(r?.type==="flow-collection")}else if(t.end.length===0){switch(this.type){case"comma":case"explicit-key-ind":!n||n.sep?t.items.push({start:[this.sourceToken]}):n.start.push(this.sourceToken);return;case"map-value-ind":!n||n.value?t.items.push({start:[],key:null,sep:[this.sourceToken]}):n.sep?n.sep.push(this.sourceToken):Object.assign(n,{key:null,sep:[this.sourceToken]});return;case"space":case"comment":case"newline":case"anchor":case"tag":!n||n.value?t.items.push({start:[this.sourceToken]}):n.sep?n.sep.push(this.sourceToken):n.start.push(this.sourceToken);return;case"alias":case"scalar":case"single-quoted-scalar":case"double-quoted-scalar":{let s=this.flowScalar(this.type);!n||n.value?t.items.push({start:[],key:s,sep:[]}):n.sep?this.stack.push(s):Object.assign(n,{key:s,sep:[]});return}case"flow-map-end":case"flow-seq-end":t.end.push(this.sourceToken);return}let r=this.startBlockValue(t);r?this.stack.push(r):(yield*this.pop(),yield*this.step())}else{let r=this.peek(2);if(r.type==="block-map"&&(this.type==="map-value-ind"&&r.indent===t.indent||this.type==="newline"&&!r.items[r.items.length-1].sep))yield*this.pop(),yield*this.step();else if(this.type==="map-value-ind"&&r.type!=="flow-collection"){let s=zl(r),i=ai(s);D1(t);let o=t.end.splice(1,t.end.length);o.push(this.sourceToken);let c={type:"block-map",offset:t.offset,indent:t.indent,items:[{start:i,key:t,sep:o}]};this.onKeyLine=!0,this.stack[this.stack.length-1]=c}else yield*this.lineEnd(t)}}flowScalar(t){if(this.onNewLine){let n=this.source.indexOf(`
`)+1;for(;n!==0;)this.onNewLine(this.offset+n),n=this.source.indexOf(`
`,n)+1}return{type:t,offset:this.offset,indent:this.indent,source:this.source}}startBlockValue(t){switch(this.type){case"alias":case"scalar":case"single-quoted-scalar":case"double-quoted-scalar":return this.flowScalar(this.type);case"block-scalar-header":return{type:"block-scalar",offset:this.offset,indent:this.indent,props:[this.sourceToken],source:""};case"flow-map-start":case"flow-seq-start":return{type:"flow-collection",offset:this.offset,indent:this.indent,start:this.sourceToken,items:[],end:[]};case"seq-item-ind":return{type:"block-seq",offset:this.offset,indent:this.indent,items:[{start:[this.sourceToken]}]};case"explicit-key-ind":{this.onKeyLine=!0;let n=zl(t),r=ai(n);return r.push(this.sourceToken),{type:"block-map",offset:this.offset,indent:this.indent,items:[{start:r,explicitKey:!0}]}}case"map-value-ind":{this.onKeyLine=!0;let n=zl(t),r=ai(n);return{type:"block-map",offset:this.offset,indent:this.indent,items:[{start:r,key:null,sep:[this.sourceToken]}]}}}return null}atIndentedComment(t,n){return this.type!=="comment"||this.indent<=n?!1:t.every(r=>r.type==="newline"||r.type==="space")}*documentEnd(t){this.type!=="doc-mode"&&(t.end?t.end.push(this.sourceToken):t.end=[this.sourceToken],this.type==="newline"&&(yield*this.pop()))}*lineEnd(t){switch(this.type){case"comma":case"doc-start":case"doc-end":case"flow-seq-end":case"flow-map-end":case"map-value-ind":yield*this.pop(),yield*this.step();break;case"newline":this.onKeyLine=!1;default:t.end?t.end.push(this.sourceToken):t.end=[this.sourceToken],this.type==="newline"&&(yield*this.pop())}}};F1.Parser=Wh});var q1=q(Uo=>{"use strict";var M1=Rh(),qL=Co(),Do=No(),KL=Np(),QL=Ke(),WL=Qh(),H1=Gh();function z1(e){let t=e.prettyErrors!==!1;return{lineCounter:e.lineCounter||t&&new WL.LineCounter||null,prettyErrors:t}}a(z1,"parseOptions");function GL(e,t={}){let{lineCounter:n,prettyErrors:r}=z1(t),s=new H1.Parser(n?.addNewLine),i=new M1.Composer(t),o=Array.from(i.compose(s.parse(e)));if(r&&n)for(let c of o)c.errors.forEach(Do.prettifyError(e,n)),c.warnings.forEach(Do.prettifyError(e,n));return o.length>0?o:Object.assign([],{empty:!0},i.streamInfo())}a(GL,"parseAllDocuments");function j1(e,t={}){let{lineCounter:n,prettyErrors:r}=z1(t),s=new H1.Parser(n?.addNewLine),i=new M1.Composer(t),o=null;for(let c of i.compose(s.parse(e),!0,e.length))if(!o)o=c;else if(o.options.logLevel!=="silent"){o.errors.push(new Do.YAMLParseError(c.range.slice(0,2),"MULTIPLE_DOCS","Source contains multiple documents; please use YAML.parseAllDocuments()"));break}return r&&n&&(o.errors.forEach(Do.prettifyError(e,n)),o.warnings.forEach(Do.prettifyError(e,n))),o}a(j1,"parseDocument");function ZL(e,t,n){let r;typeof t=="function"?r=t:n===void 0&&t&&typeof t=="object"&&(n=t);let s=j1(e,n);if(!s)return null;if(s.warnings.forEach(i=>KL.warn(s.options.logLevel,i)),s.errors.length>0){if(s.options.logLevel!=="silent")throw s.errors[0];s.errors=[]}return s.toJS(Object.assign({reviver:r},n))}a(ZL,"parse");function YL(e,t,n){let r=null;if(typeof t=="function"||Array.isArray(t)?r=t:n===void 0&&t&&(n=t),typeof n=="string"&&(n=n.length),typeof n=="number"){let s=Math.round(n);n=s<1?void 0:s>8?{indent:8}:{indent:s}}if(e===void 0){let{keepUndefined:s}=n??t??{};if(!s)return}return QL.isDocument(e)&&!r?e.toString(n):new qL.Document(e,r,n).toString(n)}a(YL,"stringify");Uo.parse=ZL;Uo.parseAllDocuments=GL;Uo.parseDocument=j1;Uo.stringify=YL});var Q1=q(Je=>{"use strict";var VL=Rh(),XL=Co(),JL=hh(),Zh=No(),e4=po(),Tr=Ke(),t4=Er(),n4=xt(),r4=Ir(),s4=Cr(),i4=Ml(),o4=qh(),a4=Qh(),c4=Gh(),ql=q1(),K1=co();Je.Composer=VL.Composer;Je.Document=XL.Document;Je.Schema=JL.Schema;Je.YAMLError=Zh.YAMLError;Je.YAMLParseError=Zh.YAMLParseError;Je.YAMLWarning=Zh.YAMLWarning;Je.Alias=e4.Alias;Je.isAlias=Tr.isAlias;Je.isCollection=Tr.isCollection;Je.isDocument=Tr.isDocument;Je.isMap=Tr.isMap;Je.isNode=Tr.isNode;Je.isPair=Tr.isPair;Je.isScalar=Tr.isScalar;Je.isSeq=Tr.isSeq;Je.Pair=t4.Pair;Je.Scalar=n4.Scalar;Je.YAMLMap=r4.YAMLMap;Je.YAMLSeq=s4.YAMLSeq;Je.CST=i4;Je.Lexer=o4.Lexer;Je.LineCounter=a4.LineCounter;Je.Parser=c4.Parser;Je.parse=ql.parse;Je.parseAllDocuments=ql.parseAllDocuments;Je.parseDocument=ql.parseDocument;Je.stringify=ql.stringify;Je.visit=K1.visit;Je.visitAsync=K1.visitAsync});var q_=gt(require("os"),1);function qn(e){return e==null?"":typeof e=="string"||e instanceof String?e:JSON.stringify(e)}a(qn,"toCommandValue");function wu(e,t,n){let r=new yu(e,t,n);process.stdout.write(r.toString()+q_.EOL)}a(wu,"issueCommand");var j_="::",yu=class{static{a(this,"Command")}constructor(t,n,r){t||(t="missing.command"),this.command=t,this.properties=n,this.message=r}toString(){let t=j_+this.command;if(this.properties&&Object.keys(this.properties).length>0){t+=" ";let n=!0;for(let r in this.properties)if(this.properties.hasOwnProperty(r)){let s=this.properties[r];s&&(n?n=!1:t+=",",t+=`${r}=${BE(s)}`)}}return t+=`${j_}${RE(this.message)}`,t}};function RE(e){return qn(e).replace(/%/g,"%25").replace(/\r/g,"%0D").replace(/\n/g,"%0A")}a(RE,"escapeData");function BE(e){return qn(e).replace(/%/g,"%25").replace(/\r/g,"%0D").replace(/\n/g,"%0A").replace(/:/g,"%3A").replace(/,/g,"%2C")}a(BE,"escapeProperty");var K_=gt(require("crypto"),1),ra=gt(require("fs"),1),na=gt(require("os"),1);function bu(e,t){let n=process.env[`GITHUB_${e}`];if(!n)throw new Error(`Unable to find environment variable for file command ${e}`);if(!ra.existsSync(n))throw new Error(`Missing file at path: ${n}`);ra.appendFileSync(n,`${qn(t)}${na.EOL}`,{encoding:"utf8"})}a(bu,"issueFileCommand");function Au(e,t){let n=`ghadelimiter_${K_.randomUUID()}`,r=qn(t);if(e.includes(n))throw new Error(`Unexpected input: name should not contain the delimiter "${n}"`);if(r.includes(n))throw new Error(`Unexpected input: value should not contain the delimiter "${n}"`);return`${e}<<${n}${na.EOL}${r}${na.EOL}${n}`}a(Au,"prepareKeyValueMessage");var em=gt(require("os"),1);var LE=gt(W_(),1),DE=gt(Z_(),1);var V_=require("os"),yi=require("fs");var ku=function(e,t,n,r){function s(i){return i instanceof n?i:new n(function(o){o(i)})}return a(s,"adopt"),new(n||(n=Promise))(function(i,o){function c(d){try{u(r.next(d))}catch(f){o(f)}}a(c,"fulfilled");function l(d){try{u(r.throw(d))}catch(f){o(f)}}a(l,"rejected");function u(d){d.done?i(d.value):s(d.value).then(c,l)}a(u,"step"),u((r=r.apply(e,t||[])).next())})},{access:UE,appendFile:FE,writeFile:ME}=yi.promises,Y_="GITHUB_STEP_SUMMARY";var vu=class{static{a(this,"Summary")}constructor(){this._buffer=""}filePath(){return ku(this,void 0,void 0,function*(){if(this._filePath)return this._filePath;let t=process.env[Y_];if(!t)throw new Error(`Unable to find environment variable for $${Y_}. Check if your runtime environment supports job summaries.`);try{yield UE(t,yi.constants.R_OK|yi.constants.W_OK)}catch{throw new Error(`Unable to access summary file: '${t}'. Check if the file has correct read/write permissions.`)}return this._filePath=t,this._filePath})}wrap(t,n,r={}){let s=Object.entries(r).map(([i,o])=>` ${i}="${o}"`).join("");return n?`<${t}${s}>${n}</${t}>`:`<${t}${s}>`}write(t){return ku(this,void 0,void 0,function*(){let n=!!t?.overwrite,r=yield this.filePath();return yield(n?ME:FE)(r,this._buffer,{encoding:"utf8"}),this.emptyBuffer()})}clear(){return ku(this,void 0,void 0,function*(){return this.emptyBuffer().write({overwrite:!0})})}stringify(){return this._buffer}isEmptyBuffer(){return this._buffer.length===0}emptyBuffer(){return this._buffer="",this}addRaw(t,n=!1){return this._buffer+=t,n?this.addEOL():this}addEOL(){return this.addRaw(V_.EOL)}addCodeBlock(t,n){let r=Object.assign({},n&&{lang:n}),s=this.wrap("pre",this.wrap("code",t),r);return this.addRaw(s).addEOL()}addList(t,n=!1){let r=n?"ol":"ul",s=t.map(o=>this.wrap("li",o)).join(""),i=this.wrap(r,s);return this.addRaw(i).addEOL()}addTable(t){let n=t.map(s=>{let i=s.map(o=>{if(typeof o=="string")return this.wrap("td",o);let{header:c,data:l,colspan:u,rowspan:d}=o,f=c?"th":"td",p=Object.assign(Object.assign({},u&&{colspan:u}),d&&{rowspan:d});return this.wrap(f,l,p)}).join("");return this.wrap("tr",i)}).join(""),r=this.wrap("table",n);return this.addRaw(r).addEOL()}addDetails(t,n){let r=this.wrap("details",this.wrap("summary",t)+n);return this.addRaw(r).addEOL()}addImage(t,n,r){let{width:s,height:i}=r||{},o=Object.assign(Object.assign({},s&&{width:s}),i&&{height:i}),c=this.wrap("img",null,Object.assign({src:t,alt:n},o));return this.addRaw(c).addEOL()}addHeading(t,n){let r=`h${n}`,s=["h1","h2","h3","h4","h5","h6"].includes(r)?r:"h1",i=this.wrap(s,t);return this.addRaw(i).addEOL()}addSeparator(){let t=this.wrap("hr",null);return this.addRaw(t).addEOL()}addBreak(){let t=this.wrap("br",null);return this.addRaw(t).addEOL()}addQuote(t,n){let r=Object.assign({},n&&{cite:n}),s=this.wrap("blockquote",t,r);return this.addRaw(s).addEOL()}addLink(t,n){let r=this.wrap("a",t,{href:n});return this.addRaw(r).addEOL()}},HE=new vu;var xu=HE;var Eu=gt(require("os"),1);var sa=gt(require("fs"),1);var{chmod:zE,copyFile:jE,lstat:qE,mkdir:KE,open:gU,readdir:QE,rename:WE,rm:GE,rmdir:$U,stat:ZE,symlink:YE,unlink:VE}=sa.promises,XE=process.platform==="win32";var yU=sa.constants.O_RDONLY;var EU=process.platform==="win32";var NU=Eu.default.platform(),OU=Eu.default.arch();var J_;(function(e){e[e.Success=0]="Success",e[e.Failure=1]="Failure"})(J_||(J_={}));function tm(e,t){if(process.env.GITHUB_OUTPUT||"")return bu("OUTPUT",Au(e,t));process.stdout.write(em.EOL),wu("set-output",{name:e},qn(t))}a(tm,"setOutput");function Su(e,t){if(process.env.GITHUB_STATE||"")return bu("STATE",Au(e,t));wu("save-state",{name:e},qn(t))}a(Su,"saveState");function Iu(e){return process.env[`STATE_${e}`]||""}a(Iu,"getState");function Ve(e){return e.replace(iS,"").replace(oS,aS)}a(Ve,"oneLine");var iS=/[\ufe0e\ufe0f]/g,oS=/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;function wi(e){return e.replaceAll("##[","##\\[").replace(/^(\s*):(?=:)/,"$1\\:")}a(wi,"defused");function ir(e){return or(wi(Ve(e)),500)}a(ir,"escapeForeign");function or(e,t){if(e.length<=t)return e;let n=/[\ud800-\udbff]/.test(e.charAt(t-1))?t-1:t;return`${e.slice(0,n)}…`}a(or,"shortened");function aS(e){if(e==="	")return e;let t=e.codePointAt(0)??0;return t>65535?`\\u{${t.toString(16)}}`:t<256?`\\x${t.toString(16).padStart(2,"0")}`:`\\u${t.toString(16).padStart(4,"0")}`}a(aS,"escapeCharacter");function ia(e,t){return an(e.trimEnd()).slice(-t)}a(ia,"lastLines");function an(e){return e.split(/\r\n|\n/)}a(an,"linesOf");var gs=["unchanged","active","untouched","staged","rolled-back","unknown","broken"],At=class extends Error{static{a(this,"Failure")}fields;constructor(t){super(Pu(t),t.cause===void 0?void 0:{cause:t.cause}),this.name=new.target.name,this.fields=t}},ut=class extends At{static{a(this,"InputError")}constructor(t){super({what:"Reading the inputs",why:t.map(ir).join(`
`),remedy:"correct the `with:` block of this step."})}},Ue=class extends At{static{a(this,"ConnectionError")}},gn=class extends At{static{a(this,"TargetError")}};function Pu({what:e,where:t,why:n,state:r,remedy:s,output:i}){let o=t?` on ${ir(t)}`:"";return[`${ir(e)}${o} failed.`,Cu("why",n),...r?[Cu("state",r)]:[],Cu("do",s),...i?.trim()?[cS("output",i)]:[]].join(`
`)}a(Pu,"formatFailure");function Cu(e,t){let[n,...r]=t.split(`
`).map(ir);return[`  ${`${e}:`.padEnd(8)}${n}`,...r.map(s=>`          ${s}`)].join(`
`)}a(Cu,"field");function cS(e,t){let[n,...r]=ia(t,20).map(ir);return[`  ${`${e}:`.padEnd(8)}| ${n??""}`,...r.map(s=>`          | ${s}`)].join(`
`)}a(cS,"quoted");var lS=/^(INPUT_|STATE_|ACTIONS_|(GITHUB|FORGEJO|GITEA)_TOKEN$)/i;function rm(e){let t=Object.entries(e).filter(([n,r])=>r!==void 0&&!lS.test(n));return Object.fromEntries(t)}a(rm,"childEnvironment");function bi(e,t){let n=a(o=>o.toLowerCase().replace(/[-_ ]/g,""),"plain"),r=t.find(o=>n(o)===n(e)||e!==""&&o.startsWith(e));if(r)return r;if(e.length>40)return;let s=e.length<6?1:2,i=t.map(o=>({one:o,edits:uS(n(e),n(o))}));return i.sort((o,c)=>o.edits-c.edits),i[0]&&i[0].edits<=s?i[0].one:void 0}a(bi,"nearest");function uS(e,t){let[n,r]=[[],Array.from({length:t.length+1},(s,i)=>i)];for(let s=1;s<=e.length;s+=1){let i=[s];for(let o=1;o<=t.length;o+=1){let c=(r[o-1]??0)+(e[s-1]===t[o-1]?0:1),l=s>1&&o>1&&e[s-1]===t[o-2]&&e[s-2]===t[o-1]?(n[o-2]??0)+1:c;i.push(Math.min(c,l,(r[o]??0)+1,(i[o-1]??0)+1))}[n,r]=[r,i]}return r[t.length]??0}a(uS,"editsBetween");var sm="INPUT_";function Nu(e,t){let n=dS(t),r=Object.keys(n).filter(c=>!(c in Tu(e))),s=Object.fromEntries(Object.entries(n).filter(([,c])=>c!==""));for(let c of r)delete s[c];let i=e.safeParse(s),o=[...r.map(c=>`Unknown input '${c}'${pS(c,Object.keys(Tu(e)))}`),...i.success?[]:i.error.issues.map(c=>fS(c,s))];if(!i.success||o.length>0)throw new ut(o);return i.data}a(Nu,"readInputs");function dS(e){let t={};for(let[n,r]of Object.entries(e))n.startsWith(sm)&&(t[n.slice(sm.length).toLowerCase()]=(r??"").replaceAll(`\r
`,`
`).replace(/\n+$/,""),delete e[n]);return t}a(dS,"takeInputs");function Tu(e){let{def:t}=e;return t.shape??(t.in?Tu(t.in):{})}a(Tu,"shapeOf");function fS(e,t){let n=String(e.path[0]??""),r=t[n];return n===""?e.message:r===void 0&&e.code==="invalid_type"?`Input '${n}': required, but not set.`:`Input '${n}': ${e.message}.`}a(fS,"problem");function pS(e,t){let n=bi(e,t);return n?`; did you mean '${n}'?`:"."}a(pS,"closest");var om=require("node:os"),am=require("node:timers/promises");var hS=4,_S=8,mS=new Set([...gs,"database","debugging","development","disabled","external","hostname","information","internal","localhost","optional","password","postgres","postgresql","production","rabbitmq","readonly","required","standalone","standard","undefined","unlimited","username","warnings"]);function Ou(e){return e.split(/\r\n|\r|\n/).map(t=>t.trim()).filter(t=>t.length>=hS&&!t.startsWith("-----")&&!new RegExp("\\p{Cc}","u").test(t))}a(Ou,"hideableLines");function im(e){return e.length>=_S&&!/^[\d.,:+-]+$/.test(e)&&!mS.has(e.toLowerCase())}a(im,"isWorthHiding");function Pn(e,t){return{...e,line:a(n=>e.line(`${t} | ${n}`),"line"),phase:a((n,r,s)=>e.phase(n,`${t} | ${r}`,s),"phase"),warning:a(n=>e.warning(`${t} | ${n}`),"warning")}}a(Pn,"prefixed");var gS=8e3;function cm(e){process.stdout.on("error",()=>{});let t=a(c=>{process.stdout.write(`${c}${om.EOL}`)},"write"),n=a(c=>or(wi(Ve(c)),gS),"plain"),r=a((c,[l="",...u])=>{if(e==="github")t(`::${c.toLowerCase()}::${lm([l,...u].join(`
`))}`);else for(let d of[`${c}: ${l}`,...u])t(d)},"annotated"),s=performance.now(),i=new Set,o=a(c=>{if(!i.has(c)){i.add(c);for(let l of $S(c,e))t(`::add-mask::${l}`)}},"hide");return{line:a(c=>t(n(c)),"line"),phase:a((c,l,u=performance.now())=>{let d=((u-s)/1e3).toFixed(1);t(n(`[${d.padStart(5)} s] ${c.padEnd(15)} ${l}`))},"phase"),warning:a(c=>r("Warning",[n(c)]),"warning"),failure:a(c=>r("Error",an(c).map(n)),"failure"),mask:a(c=>Ou(c??"").forEach(o),"mask"),maskValue:a(c=>Ou(c).filter(im).forEach(o),"maskValue"),drain:a(async c=>{await new Promise(l=>process.stdout.write("",l)),c&&await(0,am.setTimeout)(500)},"drain")}}a(cm,"openLog");function $S(e,t){let n=lm(e);return t==="github"||n===e?[n]:t==="forgejo"?[e]:/%0[AD]/i.test(e)?[n]:[e,n]}a($S,"maskForms");function lm(e){return e.replaceAll("%","%25").replaceAll("\r","%0D").replaceAll(`
`,"%0A")}a(lm,"escapeCommand");var um=256*1024,yS=8e3;async function dm(e){if(process.env.GITHUB_OUTPUT)for(let[t,n]of Object.entries(e))tm(t,wS(n))}a(dm,"writeOutputs");async function fm(e){process.env.GITHUB_STEP_SUMMARY&&await xu.addRaw(bS(e),!0).write()}a(fm,"writeSummary");function wS(e){if(e===void 0)return"";if(typeof e=="string")return pm(e);if(typeof e!="object")return String(e);let t=Bu(e);return Buffer.byteLength(t)<=um?t:JSON.stringify({cut:`the whole value has ${Buffer.byteLength(t)} bytes, above ${um}`})}a(wS,"outputText");function Bu(e){return JSON.stringify(e,(t,n)=>typeof n=="string"?pm(n):n,1)}a(Bu,"harmlessJson");function pm(e){return or(an(e).map(t=>wi(Ve(t))).join(`
`),yS)}a(pm,"harmless");function bS({title:e,list:t=[],head:n,rows:r}){let s=a(i=>`| ${n.map((o,c)=>Ru(i[c]??"")).join(" | ")} |`,"row");return[`### ${Ru(e)}`,"",...t.length>0?[...t.map(i=>`- ${Ru(i)}`),""]:[],s(n),`|${" --- |".repeat(n.length)}`,...r.map(s),""].join(`
`)}a(bS,"summaryMarkdown");var AS=500,kS=/^[\p{L}\p{N}✓✗ .,/()?>-]*$/u,vS=/^([-+>]|\d+[.)](\s|$))|www\./i;function Ru(e){let t=or(Ve(e).trim(),AS);return kS.test(t)&&!vS.test(t)?t:`<code>${t.replace(/[^\p{L}\p{N}✓✗ ,/()?-]/gu,r=>`&#${r.codePointAt(0)};`)}</code>`}a(Ru,"literal");function Lu(e){let t=e.FORGEJO_ACTIONS?"forgejo":e.GITEA_ACTIONS?"gitea":"github",n=(e.GITHUB_SERVER_URL??"").replace(/\/+$/,""),r=e.GITHUB_REPOSITORY??"",s=(e.GITHUB_WORKFLOW_REF??"").replace(/@.*$/,""),i=t==="github"?e.GITHUB_RUN_ID:e.GITHUB_RUN_NUMBER;return{platform:t,serverUrl:n,apiUrl:(e.GITHUB_API_URL||n&&`${n}/api/v1`).replace(/\/+$/,""),repository:r,url:n&&r&&i?`${n}/${r}/actions/runs/${i}`:"",workflow:e.GITHUB_WORKFLOW||s,series:[n,r,s||(e.GITHUB_WORKFLOW??"")].join(" "),number:Number.parseInt(e.GITHUB_RUN_NUMBER??"",10)||0,attempt:Number.parseInt(e.GITHUB_RUN_ATTEMPT??"",10)||1,actor:e.GITHUB_ACTOR??"",sha:e.GITHUB_SHA??"",ref:e.GITHUB_REF??"",job:e.GITHUB_JOB??""}}a(Lu,"readRun");var hm="phase";async function _m({schema:e,main:t,outputs:n,post:r}){let s=cm(Lu(process.env).platform),i=new AbortController;for(let l of["SIGINT","SIGTERM","SIGHUP"])process.on(l,()=>i.abort(l));let o=a(async l=>{let u=l!==void 0;u&&s.failure(l instanceof At?l.message:ES(l)),process.exitCode||=u?1:0,await s.drain(u),process.exit()},"end");process.on("uncaughtException",l=>{o(l??new Error("no reason was given"))});let c={log:s,run:Lu(process.env),signal:i.signal,env:a(l=>process.env[l]||void 0,"env"),childEnvironment:a(()=>rm(process.env),"childEnvironment"),outputs:dm,summary:fm,save:a((l,u)=>Su(l,u),"save")};try{xS(process.versions.node),Iu(hm)==="main"?await r?.(Iu,()=>Nu(e,process.env),c):(Su(hm,"main"),n&&await c.outputs(n),await t(Nu(e,process.env),c))}catch(l){return o(l??new Error("no reason was given"))}return o()}a(_m,"action");function xS(e){if(!(Number.parseInt(e,10)>=20))throw new At({what:"Starting the action",why:`it needs Node.js 20 or later, but the runner's \`node\` is ${e}.`,remedy:"install a newer Node.js where the job runs (its image, or the host), and put it first in PATH."})}a(xS,"requireNode");function ES(e){return Pu({what:"The action",why:`an unexpected error: ${e instanceof Error?e.message:String(e)}`,remedy:"report this as a bug, with the output below.",output:e instanceof Error?e.stack:void 0})}a(ES,"unexpected");function ar(e){return e.startsWith("/")&&e!=="/"&&!e.split("/").includes("..")&&!/[\u0000-\u001f\u007f]/.test(e)}a(ar,"isPlainPath");function gm(e){let t=URL.canParse(e)?new URL(e):void 0;return/^https?:$/.test(t?.protocol??"")&&t?.username===""&&t.password===""&&!/[\s"\\]/.test(e)}a(gm,"isHttpUrl");function $s(e){return/^[^\p{Cc}:/-][^\p{Cc}:/]*$/u.test(e)&&e.trim()===e}a($s,"isAccountName");function $m(e){let t=e.split(":");return t.length<=2&&t.every($s)}a($m,"isOwner");function ym(e){return/^\s*\d{3}(-\d{3})?(\s*,\s*\d{3}(-\d{3})?)*\s*$/.test(e)}a(ym,"isStatusList");function wm(e,t){return mm(e)===mm(t)}a(wm,"sameCapabilities");function mm(e){return e.toLowerCase().split(/\s+/).filter(Boolean).flatMap(r=>{let[s="",...i]=r.split(/[=+]+/);return s.split(",").map(o=>`${o}=${[...i.join("")].sort().join("")}`)}).sort().join(" ")}a(mm,"eachCapability");function oa(e){return Number.parseInt(e,8).toString(8).padStart(4,"0")}a(oa,"octalMode");function tn(e){return e.slice(0,12)}a(tn,"short");function $t(e){return e>=1e9?`${(e/1e9).toFixed(2)} GB`:e>=1e6?`${(e/1e6).toFixed(1)} MB`:e>=1e3?`${(e/1e3).toFixed(1)} kB`:`${e} bytes`}a($t,"megabytes");var SS={"User-Agent":"health",Accept:"*/*"},IS=["connection","content-length","expect","te","trailer","transfer-encoding","upgrade"],CS=["host","accept","user-agent"],bm=/^([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([^\s\p{Cc}][^\p{Cc}]*)$/u;function Am(e){let[,t=""]=bm.exec(e)??[];return t!==""&&!IS.includes(t.toLowerCase())}a(Am,"isHeader");function aa(e){return vm(e).filter(([t])=>!CS.includes(t.toLowerCase())).flatMap(([,t])=>[t,t.replace(/^[A-Za-z][A-Za-z0-9-]* +/,"")])}a(aa,"headerSecrets");function km(e,t){if(!e)return{health_headers:"",health_curl:""};let n=vm(t);return{health_headers:[...[...Object.entries({Host:new URL(e).host,...SS}).filter(([i])=>!n.some(([o])=>o.toLowerCase()===i.toLowerCase())),...n].map(([i,o])=>`${i}: ${o}`),"Connection: close"].join(`
`),health_curl:n.map(([i,o])=>`header = "${PS(`${i}: ${o}`)}"`).join(`
`)}}a(km,"headerValues");function vm(e){return e.map(t=>{let[,n="",r=""]=bm.exec(t)??[];return[n,r.trim()]})}a(vm,"parsed");function PS(e){return e.replace(/["\\]/g,"\\$&")}a(PS,"escaped");var TS=4,ca=8;function Tn(e,{url:t,headers:n=[]}={}){let r=[...e.map(o=>o.slice(o.indexOf("=")+1)),...aa(n)],s=t&&URL.canParse(t)?{url:t,shown:cn(t),values:NS(t)}:void 0,i=[...new Set([...r,...s?.values??[]].flatMap(OS))].filter(o=>o.length>=TS).sort((o,c)=>c.length-o.length);return o=>{let c=s&&s.url!==s.shown?o.replaceAll(s.url,s.shown):o;return i.reduce((l,u)=>LS(l.replaceAll(u,"***"),u),c)}}a(Tn,"hiding");function cn(e){if(!URL.canParse(e))return"(a malformed URL)";let[,t="",n=""]=/^([a-z][a-z0-9+.-]*:\/\/)?(.*)$/is.exec(e)??[],[r="",...s]=(n.split("#")[0]??"").split("?"),i=/^[^/]*@/,o=s.join("?"),c=o.split("&").map(l=>l.includes("=")?`${l.slice(0,l.indexOf("="))}=***`:"***");return`${t}${r.replace(i,"")}${o===""?"":`?${c.join("&")}`}`}a(cn,"shownUrl");function NS(e){let{search:t,searchParams:n,username:r,password:s,hash:i}=new URL(e),o=a(l=>{try{return decodeURIComponent(l)}catch{return l}},"decoded"),c=t.slice(1).split("&").map(l=>l.slice(l.indexOf("=")+1));return[...n.values(),...c,r,s,i.slice(1)].flatMap(l=>[l,o(l)])}a(NS,"queryValues");function OS(e){let t=JSON.stringify(e).slice(1,-1),n=a((l,u)=>u.replace(l,d=>`\\u${d.charCodeAt(0).toString(16).padStart(4,"0")}`),"unicode"),r=Buffer.from(e).toString(),s=encodeURIComponent(r),i=s.replace(/%[0-9A-F]{2}/g,l=>l.toLowerCase()),o=s.replace(/[!'()*]/g,l=>`%${l.charCodeAt(0).toString(16).toUpperCase()}`),c=[e,e.replaceAll("'","'\\''"),e.replaceAll("'",`'"'"'`),e.replace(/["$`\\]/g,"\\$&"),e.replace(/['\\]/g,"\\$&"),e.replace(/[^A-Za-z0-9_@%+=:,./\n-]/g,"\\$&"),e.replace(/[^A-Za-z0-9_@%+=:,./\n\u0080-\uffff-]/g,"\\$&"),RS(e.replace(/['\\]/g,"\\$&")),t,t.replaceAll("/","\\/"),n(/[<>&]/g,t),n(/[^\0-\x7f]/g,t),n(/[^\0-\x7f<>&]|[<>&]/g,t)];return[...c,...c.map(l=>l.replaceAll("\\","\\\\")),s,i,o,Du(s),Du(i),Du(o),encodeURI(r),...BS(e)]}a(OS,"formsOf");function RS(e){return e.replace(/[\u0080-\uffff]+/g,t=>[...Buffer.from(t)].map(n=>`\\${n.toString(8)}`).join(""))}a(RS,"octal");function Du(e){return e.replaceAll("%20","+")}a(Du,"encodedAsForm");function BS(e){let t=e.replaceAll("&","&amp;").replaceAll("<","&lt;").replaceAll(">","&gt;");return[t,t.replaceAll('"',"&quot;").replaceAll("'","&#39;"),t.replaceAll('"',"&#34;").replaceAll("'","&#39;"),t.replaceAll('"',"&quot;").replaceAll("'","&#x27;")]}a(BS,"htmlForms");function LS(e,t){if(e.length<ca)return e;if(t.includes(e))return"***";let n=xm(e.slice(0,ca),t).map(i=>t.slice(i)).find(i=>e.startsWith(i)),r=n===void 0?e:`***${e.slice(n.length)}`,s=xm(r.slice(-ca),t).map(i=>t.slice(0,i+ca)).findLast(i=>r.endsWith(i));return s===void 0?r:`${r.slice(0,-s.length)}***`}a(LS,"withoutPieces");function xm(e,t){let n=[];for(let r=t.indexOf(e);r>=0;r=t.indexOf(e,r+1))n.push(r);return n}a(xm,"placesOf");function Sm({inputs:e,plan:t,outcome:n}){let{health:r,dryRun:s}=e,{state:i,failed:o,why:c}=n,l=(i==="active"||i==="unchanged")&&!s||o==="stable";if(!l&&o!=="health")return[];let u=`healthy for ${r.stableSeconds} s, as the same process`,d=[["health-port",r.port===void 0?void 0:`the process listens on ${r.port}`],["health-url",r.url&&`${cn(r.url)} answers ${r.status}`],["health-contains",r.contains&&"the expected text in the response"],["health-command",r.command&&"exit code 0"]],f=[Uu("sha256",t.file.sha256)];if(!l)return[...f,Em("health",`within ${r.timeoutSeconds} s`,c)];for(let[p,_]of d)_&&f.push(Uu(p,_));return o==="stable"?[...f,Em("stable",u,c)]:i==="active"&&t.restart!=="none"?[...f,Uu("stable",u)]:f}a(Sm,"checksOf");function Uu(e,t){return{name:e,expected:t,found:t,ok:!0}}a(Uu,"good");function Em(e,t,n){return{name:e,expected:t,found:n,ok:!1}}a(Em,"bad");var Fu="use an http URL of the program itself, or add the certificate to the trusted ones on the target.",DS={why:"nothing on the target can send health-headers: wget would show them in its argument list.",remedy:"install curl there (for an http URL, perl or nc will do), or use health-command."};function Im({health:e},t){let n=[];if(e.url&&t.httpClient===""){let r={why:`the target has no HTTP client to request ${cn(e.url)} with.`,remedy:"install curl on the target, or use `health-port` or `health-command`."};n.push(e.headers.length>0?DS:r)}return e.url&&t.healthUntrusted!==void 0&&n.push({why:`the target does not trust the certificate of ${cn(e.url)}: ${t.healthUntrusted}`,remedy:Fu}),t.portHolder&&n.push({why:`port ${e.port} is held by another process (pid ${t.portHolder}), which does not run the file.`,remedy:"stop that process, or correct `health-port`."}),n}a(Im,"healthObstacles");var la={state:"untouched",changed:!1,"downtime-ms":0,"bytes-sent":0,report:[]},Pm="untouched. Nothing on the target was changed.";function Tm(e){return e.fields.state!==void 0?e:new Ue({...e.fields,state:Pm})}a(Tm,"asUntouched");function Mu(e){return e==="active"||e==="unchanged"}a(Mu,"isGreen");function ua({state:e,failed:t}){return Mu(e)&&t!=="after-command"}a(ua,"isSuccess");function Nm(e){return e==="active"||e==="unknown"}a(Nm,"hasChanged");function Om({kind:e,steps:t,units:n}){return e==="unchanged"?["Plan: nothing to do. File, process and health already match."]:["Plan",...t.map(({does:r,because:s})=>`  - ${r}: ${s}`),...n.notes.map(r=>`  Note: ${r}`)]}a(Om,"planLines");function Rm(e,t){let{file:n,processes:r,strangers:s,releases:i,unseen:o,history:c,unfinished:l}=e,u=a(f=>e.units.find(({pids:p})=>p.includes(f))?.name,"unitOf"),d=r.map(({pid:f,user:p,live:_})=>`pid ${f} (${p}${u(f)?`, unit ${u(f)}`:""}${_?"":", outdated image"})`);return[...e.sudo?[`Using ${e.rootTool}, because ${e.needsRoot}`]:[],n?`Found ${t}: sha256 ${tn(n.sha256)}, ${$t(n.bytes)}, ${n.owner} ${n.mode}${n.capabilities?`, ${n.capabilities}`:""}`:`Found nothing at ${t}`,...d.length>0?[`  running as ${d.join(" and ")}`]:[],...d.length===0&&(n||o)?[`  not running${o?`; ${e.login} may not inspect pid ${o}`:""}`]:[],...s.length>0?[`  also run by other accounts: ${s.map(({pid:f,user:p})=>`pid ${f} (${p})`).join(", ")}`]:[],...i.length>0?[`  kept releases: ${i.map(({sha256:f})=>tn(f)).join(", ")}`]:[],...l?[`  an earlier deploy (${l.run}) stopped during \`${l.phase}\``]:[],...e.notes.map(f=>`  note: ${f}`),...c.length>0?[`  last deploy: ${c.at(-1)}`]:[]]}a(Rm,"foundLines");function Hu(e,t,n){return new gn({what:`Preparing ${t}`,where:e,why:n.map(({why:r})=>r).join(`
`),state:Pm,remedy:n.map(({remedy:r})=>r).join(`
`)})}a(Hu,"refusal");function Bm(e){let{plan:t,found:n,outcome:r,target:s,inputs:i,durationMs:o}=e;return{target:s,destination:i.destination,state:r.state,sha256:t.file.sha256,previousSha256:n.file?.sha256??"",pid:r.pid??null,downtimeMs:r.downtimeMs??null,bytesSent:r.bytesSent,durationMs:o,failed:r.failed,why:r.why,phases:r.phases,checks:Sm(e)}}a(Bm,"entryOf");function Lm({target:e,plan:t,found:n,outcome:r,inputs:s,durationMs:i}){let o=n.file?tn(n.file.sha256):"nothing",c=tn(t.file.sha256),l=[["state",r.state],["target",e],["file",s.destination],["sha256",US(r.state,o,c)]];return r.pid&&l.push(["pid",String(r.pid)]),r.downtimeMs!==void 0&&l.push(["downtime",`${r.downtimeMs} ms`]),l.push(["sent",$t(r.bytesSent)],["time",`${(i/1e3).toFixed(1)} s`]),l}a(Lm,"tableOf");function US(e,t,n){return t===n?t:e==="active"?`${t} -> ${n}`:e==="broken"||e==="unknown"?`was ${t}, tried ${n}`:`${t} (${n} is not deployed)`}a(US,"digests");var Cm={lock:"Waiting for the lock of",stage:"Staging",upload:"Uploading",stop:"Stopping",recovery:"Recovering",connection:"Following the deploy of"};function zu({target:e,inputs:t,found:n,outcome:r}){return new gn({what:`${Object.hasOwn(Cm,r.failed)&&Cm[r.failed]||"Activating"} ${t.destination}`,where:e,why:`${r.why||"no reason was given"}.`,state:`${r.state}. ${FS(r,n,t)}`,remedy:HS(r,t),output:r.output})}a(zu,"failureOf");function FS({state:e,failed:t,pid:n,broken:r},s,i){let o=s.file?`The previous version (sha256 ${tn(s.file.sha256)})`:"";return{active:"The new version is running.",unchanged:"The target already matched.",untouched:"Nothing on the target was changed.",staged:`${MS(o,s)}; the uploaded file was removed.`,"rolled-back":o?`${o} is running again${n?` as pid ${n}`:""}.`:"There was no previous version; the new file was removed and nothing is running.",broken:`${zS(r)}. Manual inspection of ${i.folder} is required.`,unknown:t==="answer"?"The outcome of the deploy is not known.":"The connection was lost and the outcome is not known; the target finishes the transaction on its own."}[e]}a(FS,"stateSentence");function MS(e,{processes:t}){let n=t.length>0;return e?`${e} is unchanged${n?" and still running":""}`:n?"The running program is unchanged":"There was no previous version"}a(MS,"stagedSentence");function HS({state:e,failed:t,output:n,untrusted:r},s){return t==="answer"?"log in and inspect the host: the programs of this step never answer like this, so somebody may have changed what runs there.":e==="unknown"?"run verify-deploy, or re-run this job: it completes or rolls back what it finds.":t==="recovery"?"find out what kills processes there (the kernel for want of memory, a limit, a person), then re-run the job: it continues the recovery.":t==="before-command"?"read what the command printed above, fix the cause, then re-run the job.":t==="after-command"?"the new version stays; fix the cause, then run the command by hand.":r?Fu:e==="broken"?"log in and inspect the host; `rollback-to: previous` restores the last kept release.":t==="lock"?"wait for the other deploy, or raise `lock-timeout-seconds`.":["upload","stage","swap","accept"].includes(t)?"check the connection and free disk space, then re-run the job.":t==="stop"?"find out what keeps the program from exiting, then re-run the job.":n?"read the last lines of the program below, fix the cause, then re-run the job.":s.logFile?`the program logged nothing to ${s.logFile}; run it manually, fix the cause, then re-run the job.`:"set `log-file` to see what the program prints, fix the cause, then re-run the job."}a(HS,"remedyOf");function zS(e){return e.charAt(0).toUpperCase()+e.slice(1)}a(zS,"capitalised");function Ku(e){let t=Object.values(e).filter(r=>typeof r=="number");return Object.entries(e).filter(([r,s])=>t.indexOf(+r)===-1).map(([r,s])=>s)}a(Ku,"getEnumValues");function Dm(e,t){return typeof t=="bigint"?t.toString():t}a(Dm,"jsonStringifyReplacer");var qu=class{static{a(this,"Cached")}constructor(t){this._getter=t,this._value=void 0}get value(){let t=this._getter;return t!==void 0&&(this._value=t(),this._getter=void 0),this._value}};function Um(e){return new qu(e)}a(Um,"cached");function Fm(e){let t=e.startsWith("^")?1:0,n=e.endsWith("$")?e.length-1:e.length;return e.slice(t,n)}a(Fm,"cleanRegex");function Mm(e,t,n){Object.defineProperty(e,t,{value:n,writable:!0,enumerable:!0,configurable:!0})}a(Mm,"assignProp");var Qu="captureStackTrace"in Error?Error.captureStackTrace:(...e)=>{};function da(e){return typeof e=="object"&&e!==null&&!Array.isArray(e)}a(da,"isObject");function Hm(e){if(da(e)===!1)return!1;let t=e.constructor;if(t===void 0||typeof t!="function")return!0;let n=t.prototype;return!(da(n)===!1||Object.prototype.hasOwnProperty.call(n,"isPrototypeOf")===!1)}a(Hm,"isPlainObject");function Wu(e){return Hm(e)?{...e}:Array.isArray(e)?[...e]:e instanceof Map?new Map(e):e instanceof Set?new Set(e):e}a(Wu,"shallowClone");var zm=new Set(["string","number","symbol"]);function jm(e){return e.replace(/[.*+?^${}()|[\]\\]/g,"\\$&")}a(jm,"escapeRegex");function fa(e,t,n){let r=new e._zod.constr(t??e._zod.def);return(!t||n?.parent)&&(r._zod.parent=e),r}a(fa,"clone");function lr(e){let t=e;if(!t)return{};if(typeof t=="string")return{error:a(()=>t,"error")};if(t?.message!==void 0){if(t?.error!==void 0)throw new Error("Cannot specify both `message` and `error` params");t.error=t.message}return delete t.message,typeof t.error=="string"?{...t,error:a(()=>t.error,"error")}:t}a(lr,"normalizeParams");function qm(e){return Object.keys(e).filter(t=>e[t]._zod.optin!==void 0&&e[t]._zod.optout==="optional")}a(qm,"optionalKeys");function ur(e,t=0){if(e.aborted===!0)return!0;for(let n=t;n<e.issues.length;n++)if(e.issues[n]?.continue!==!0)return!0;return!1}a(ur,"aborted");function Km(e,t=0){if(e.aborted===!0)return!0;for(let n=t;n<e.issues.length;n++)if(e.issues[n]?.continue===!1)return!0;return!1}a(Km,"explicitlyAborted");function Gu(e,t){return t.map(n=>{var r;return(r=n).path??(r.path=[]),n.path.unshift(e),n})}a(Gu,"prefixIssues");function Ai(e){return typeof e=="string"?e:e?.message}a(Ai,"unwrapMessage");function Zu(e){let t=[];for(let n of e??[]){let r=n._zod.def;if(!/_(length|size)$|_equals$/.test(r.check))break;let s=r.maximum??r.length??r.size;s>=0&&t.push([s,n])}return t}a(Zu,"sizeCaps");function pa(e,t,n){var r;for(let s=t;s<e.length;s++)(r=e[s]).schema??(r.schema=n)}a(pa,"attachSchema");function ys(e,t,n){var r;let s=e.inst?._zod?.traits;s?.has("$ZodType")&&(s.has("$ZodCheck")?(r=e).schema??(r.schema=e.inst):e.schema=e.inst);let i=e.schema!==e.inst?e.schema?._zod.def?.error:void 0,o=e.message?e.message:Ai(e.inst?._zod.def?.error?.(e))??Ai(i?.(e))??Ai(t?.error?.(e))??Ai(n.customError?.(e))??Ai(n.localeError?.(e))??"Invalid input",c={};for(let l of Object.keys(e))l==="inst"||l==="schema"||l==="continue"||l==="input"||l==="__proto__"||(c[l]=e[l]);return c.path??(c.path=[]),c.message=o,t?.reportInput&&(c.input=e.input),c}a(ys,"finalizeIssue");function Yu(...e){let[t,n,r]=e;return typeof t=="string"?{message:t,code:"custom",input:n,inst:r}:{...t}}a(Yu,"issue");function Qm(e,t){for(let n in t){let r=Object.getOwnPropertyDescriptor(t,n);r.get?Object.defineProperty(e,n,{...r,enumerable:!1}):jS(e,n,r.value)}}a(Qm,"members");function Ur(e,t,n,r=!0){return Object.defineProperty(e,t,{configurable:!0,writable:!0,enumerable:r,value:n}),n}a(Ur,"own");function Wm(e,t,n){return Ur(e,t,n,!1)}a(Wm,"hide");function jS(e,t,n){Object.defineProperty(e,t,{configurable:!0,get(){return this==null?n:Ur(this,t,n.bind(this))},set(r){Ur(this,t,r)}})}a(jS,"defineBound");function qS(e,t){let n=Object.getPrototypeOf(e);return t in n?void 0:n}a(qS,"claim");var ju,cr=!1,KS={configurable:!0,get(){cr=!0}};function $n(e,t,n){let r=Object.getPrototypeOf(e._zod);if(t in r&&ju!==e._zod){ju=void 0;return}ju=e._zod,Object.defineProperty(r,t,{configurable:!0,get(){Object.defineProperty(this,t,KS);let s=cr;cr=!1;try{let i=n(this);return cr?delete this[t]:Object.defineProperty(this,t,{configurable:!0,writable:!0,value:i}),cr=cr||s,i}catch(i){throw delete this[t],cr=cr||s,i}},set(s){Object.defineProperty(this,t,{configurable:!0,writable:!0,value:s})}})}a($n,"defineLazyInternal");function Gm(e,t,n,r){let s=qS(e,t);s&&Object.defineProperty(s,t,{configurable:!0,get(){let i={configurable:!0,writable:!0,enumerable:r,value:void 0};return Object.defineProperty(this,t,i),i.value=n(this),Object.defineProperty(this,t,i),i.value},set(i){Object.defineProperty(this,t,{configurable:!0,writable:!0,enumerable:r,value:i})}})}a(Gm,"installLazyProp");var Zm;var Vu={value:void 0,enumerable:!1},Ym="captureStackTrace"in Error?Error:null;function QS(e){let t=Ym;if(t){let n=t.stackTraceLimit;if(typeof n=="number"){try{t.stackTraceLimit=0}catch{return Ym=null,new e}try{return new e}finally{t.stackTraceLimit=n}}}return new e}a(QS,"newError");function st(e,t,n,r){let s={};function i(p){this.def=p,this.constr=f,this.traits=new Set}a(i,"Internals"),i.prototype=s;let o=n,c=o&&new WeakSet;function l(p,_){if(p._zod){if(p._zod.traits.has(e))return}else{Vu.value=new i(_);try{Object.defineProperty(p,"_zod",Vu)}finally{Vu.value=void 0}}if(p._zod.traits.add(e),t(p,_),c){let g=Object.getPrototypeOf(p),y=p._zod.constr.prototype,k=g;for(;k&&k!==y;)k=Object.getPrototypeOf(k);let x=k??g;c.has(x)||(c.add(x),Qm(x,o))}let $=f.prototype;for(let g in $)Object.prototype.hasOwnProperty.call($,g)&&(g in p||(p[g]=$[g].bind(p)))}a(l,"init");let u=r?.Parent??Object;class d extends u{static{a(this,"Definition")}}Object.defineProperty(d,"name",{value:e});function f(p){let _=r?.Parent?QS(d):this;l(_,p);let $=_._zod.deferred;if($){for(let y of $)y();_._zod.deferred=void 0}let g=globalThis.__zod_globalConfig?.postProcessor;return g&&g(_),_}return a(f,"_"),Object.defineProperty(f,"init",{value:l}),Object.defineProperty(f,Symbol.hasInstance,{value:a(p=>r?.Parent&&p instanceof r.Parent?!0:p?._zod?.traits?.has(e),"value")}),Object.defineProperty(f,"name",{value:e}),f}a(st,"$constructor");var Nn=class extends Error{static{a(this,"$ZodAsyncError")}constructor(){super("Encountered Promise during synchronous parse. Use .parseAsync() instead.")}},ha=class extends Error{static{a(this,"$ZodEncodeError")}constructor(t){super(`Encountered unidirectional transform during encode: ${t}`),this.name="ZodEncodeError"}};(Zm=globalThis).__zod_globalConfig??(Zm.__zod_globalConfig={});var bs=globalThis.__zod_globalConfig;function As(e){return e&&Object.assign(bs,e),bs}a(As,"config");function WS(){let e=this._zod;return e.message??(e.message=JSON.stringify(e.def,Dm,2)),e.message}a(WS,"_getMessage");function GS(e){this._zod.message=e}a(GS,"_setMessage");var ZS={get:WS,set:GS,enumerable:!0,configurable:!0},Ju={value:void 0,enumerable:!1},Vm=new WeakSet([Object.prototype,Error.prototype]),Xm=a((e,t)=>{e.name="$ZodError",Ju.value=t,Object.defineProperty(e,"issues",Ju),Ju.value=void 0,Object.defineProperty(e,"message",ZS);let n=Object.getPrototypeOf(e);Vm.has(n)||(Vm.add(n),Object.defineProperty(n,"toString",{configurable:!0,enumerable:!1,get(){let r=a(()=>this.message,"value");return Object.defineProperty(this,"toString",{value:r,configurable:!0,writable:!0}),r},set(r){Object.defineProperty(this,"toString",{value:r,configurable:!0,writable:!0})}}))},"initializer"),XF=st("$ZodError",Xm),ki=st("$ZodError",Xm,void 0,{Parent:Error});var VS=a(e=>{let t=a((n,r,s,i)=>{let o=s?{...s,async:!1}:{async:!1},c=n._zod.run({value:r,issues:[]},o);if(c instanceof Promise)throw new Nn;if(c.issues.length){let l=new(i?.Err??e)(c.issues.map(u=>ys(u,o,As())));throw Qu(l,i?.callee??t),l}return c.value},"fn");return t},"_parse"),ed=VS(ki),XS=a(e=>{let t=a(async(n,r,s,i)=>{let o=s?{...s,async:!0}:{async:!0},c=n._zod.run({value:r,issues:[]},o);if(c instanceof Promise&&(c=await c),c.issues.length){let l=new(i?.Err??e)(c.issues.map(u=>ys(u,o,As())));throw Qu(l,i?.callee??t),l}return c.value},"fn");return t},"_parseAsync"),td=XS(ki),JS=a(e=>(t,n,r)=>{let s=r?{...r,async:!1}:{async:!1},i=t._zod.run({value:n,issues:[]},s);if(i instanceof Promise)throw new Nn;return i.issues.length?Jm(e,i.issues,s):{success:!0,data:i.value}},"_safeParse"),nd=JS(ki);function Jm(e,t,n){let r;return{success:!1,get error(){return r||(r=new e(t.map(s=>ys(s,n,As()))),t=void 0,n=void 0),r},set error(s){r=s,t=void 0,n=void 0}}}a(Jm,"failure");var eI=a(e=>async(t,n,r)=>{let s=r?{...r,async:!0}:{async:!0},i=t._zod.run({value:n,issues:[]},s);return i instanceof Promise&&(i=await i),i.issues.length?Jm(e,i.issues,s):{success:!0,data:i.value}},"_safeParseAsync"),rd=eI(ki);var eg=/^[\s\S]{0,}$/;var _a=st("$ZodCheck",(e,t)=>{var n;e._zod??(e._zod={}),e._zod.def=t,(n=e._zod).onattach??(n.onattach=[])});var ng={major:4,minor:6,patch:7};var yn=st("$ZodType",(e,t)=>{var n;e??(e={}),e._zod.def=t,e._zod.bag=e._zod.bag||{},e._zod.version=ng;let r=e._zod.def.checks,s=e._zod.traits.has("$ZodCheck")?[e,...r??[]]:r?.length?[...r]:[];for(let i of s)for(let o of i._zod.onattach)o(e);if(s.length===0)(n=e._zod).deferred??(n.deferred=[]),e._zod.deferred?.push(()=>{e._zod.run=e._zod.parse});else{let i=a((c,l,u)=>{if(c.memo)return c;let d=ur(c),f;for(let p of l){if(p._zod.def.when){if(Km(c)||!p._zod.def.when(c))continue}else if(d)continue;let _=c.issues.length,$=p._zod.check(c);if($ instanceof Promise&&u?.async===!1)throw new Nn;if(f||$ instanceof Promise)f=(f??Promise.resolve()).then(async()=>{await $,c.issues.length!==_&&(pa(c.issues,_,e),d||(d=ur(c,_)))});else{if(c.issues.length===_)continue;pa(c.issues,_,e),d||(d=ur(c,_))}}return f?f.then(()=>c):c},"runChecks"),o=a((c,l,u)=>{if(ur(c))return c.aborted=!0,c;let d=i(l,s,u);if(d instanceof Promise){if(u.async===!1)throw new Nn;return d.then(f=>e._zod.parse(f,u))}return e._zod.parse(d,u)},"handleCanaryResult");e._zod.run=(c,l)=>{if(l.skipChecks)return e._zod.parse(c,l);if(l.direction==="backward"){let d=e._zod.parse({value:c.value,issues:[]},{...l,skipChecks:!0});return d instanceof Promise?d.then(f=>o(f,c,l)):o(d,c,l)}let u=e._zod.parse(c,l);if(u instanceof Promise){if(l.async===!1)throw new Nn;return u.then(d=>i(d,s,l))}return i(u,s,l)}}},{get"~standard"(){return Wm(this,"~standard",rI(this))},set"~standard"(e){Ur(this,"~standard",e)}}),ag=a((e,t)=>e.issues.length?{issues:e.issues.map(n=>ys(n,t,As()))}:{value:e.value},"toStandardResult");async function nI(e,t){let n={async:!0};return ag(await e._zod.run({value:t,issues:[]},n),n)}a(nI,"validateAsync");function rI(e){return{validate:a(t=>{let n={async:!1};try{let r=e._zod.run({value:t,issues:[]},n);if(!(r instanceof Promise))return ag(r,n)}catch{}return nI(e,t)},"validate"),vendor:"zod",version:1}}a(rI,"standardProps");var cg=st("$ZodString",(e,t)=>{yn.init(e,t),e._zod.pattern=t.pattern??eg,e._zod.parse=(n,r)=>{if(t.coerce)try{n.value=String(n.value)}catch{}return typeof n.value=="string"||n.issues.push({expected:"string",code:"invalid_type",input:n.value,inst:e}),n}});function sI(e,t){let n=Zu(e._zod.def.checks);if(!n.length)return;let r=Math.min(...n.map(i=>i[0])),s=e._zod.parse;e._zod.parse=(i,o)=>{let c=t(i.value);if(c>r&&!o?.skipChecks&&o?.direction!=="backward"){for(let[l,u]of Zu(e._zod.def.checks))if(c>l&&u._zod.def.when(i)){let d=i.issues.length;return u._zod.check(i),i.issues[d].continue=!1,pa(i.issues,d,e),i}}return s(i,o)}}a(sI,"capSize");var iI=a(e=>Array.isArray(e)?e.length:-1,"arraySize");function rg(e,t,n){e.issues.length&&t.issues.push(...Gu(n,e.issues)),t.value[n]=e.value}a(rg,"handleArrayResult");var lg=st("$ZodArray",(e,t)=>{yn.init(e,t);let n=bs.memoizer;n?.attach(e),e._zod.parse=(r,s)=>{let i=r.value;if(!Array.isArray(i))return r.issues.push({expected:"array",code:"invalid_type",input:i,inst:e}),r;r.value=n?n.alloc(e,r,Array(i.length),s):Array(i.length);let o=[],c=s?.abortEarly;for(let l=0;l<i.length;l++){let u=i[l],d=t.element._zod.run({value:u,issues:[]},s);if(d instanceof Promise)o.push(d.then(f=>rg(f,r,l)));else if(rg(d,r,l),c&&d.issues.length!==0&&ur(d))break}return o.length?Promise.all(o).then(()=>r):r},sI(e,iI)});function ga(e,t,n,r,s,i){let o=n in r,c=i==="optional";if(!(!o&&c&&s==="optional")){if(e.issues.length){if(s!==void 0&&c&&!o)return;t.issues.push(...Gu(n,e.issues))}if(!o&&s===void 0){e.issues.length||t.issues.push({code:"invalid_type",expected:"nonoptional",input:void 0,path:[n]});return}e.value===void 0?(o||s==="defaulted"&&!c)&&(t.value[n]=void 0):t.value[n]=e.value}}a(ga,"handlePropertyResult");var oI=[];function aI(e){let t=Object.keys(e.shape),n=Object.getOwnPropertySymbols(e.shape),r=n.length?n:oI,s=r.length?[...t,...r]:t;for(let o of s)if(!e.shape?.[o]?._zod?.traits?.has("$ZodType"))throw new Error(`Invalid element at key "${String(o)}": expected a Zod schema`);let i=qm(e.shape);return{...e,allKeys:s,symbolKeys:r,keySet:new Set(t),numKeys:t.length,optionalKeys:new Set(i)}}a(aI,"normalizeDef");function cI(e,t,n,r,s,i,o){let c=[],l=s.keySet,u=s.catchall._zod,d=u.def.type,f=u.optin,p=u.optout,_=0;for(let $ in t){if(o&&n.issues.length!==_){if(ur(n,_))break;_=n.issues.length}if(l.has($))continue;if($==="__proto__"){d==="never"&&c.push($);continue}if(d==="never"){c.push($);continue}let g=u.run({value:t[$],issues:[]},r);g instanceof Promise?e.push(g.then(y=>ga(y,n,$,t,f,p))):ga(g,n,$,t,f,p)}return c.length&&n.issues.push({code:"unrecognized_keys",keys:c,input:t,inst:i,continue:!0}),e.length?Promise.all(e).then(()=>n):n}a(cI,"handleCatchall");var ug=st("$ZodObject",(e,t)=>{yn.init(e,t);let n=Object.getOwnPropertyDescriptor(t,"shape"),r=n?.get?n.get.raw:t.shape??{};if(r){let u=a(()=>{let d={...r};return Object.defineProperty(t,"shape",{value:d}),u.raw=d,d},"get");u.raw=r,Object.defineProperty(t,"shape",{get:u})}let s=Um(()=>aI(t));$n(e,"propValues",u=>{let d=u.def.shape,f={};for(let p in d){let _=d[p]._zod;if(_.values){Object.prototype.hasOwnProperty.call(f,p)||Mm(f,p,new Set);for(let $ of _.values)f[p].add($);_.optin!==void 0&&f[p].add(void 0)}}return f});let i=da,o=t.catchall,c,l=bs.memoizer;l?.attach(e),e._zod.parse=(u,d)=>{c??(c=s.value);let f=u.value;if(!i(f))return u.issues.push({expected:"object",code:"invalid_type",input:f,inst:e}),u;u.value=l?l.alloc(e,u,{},d):{};let p=[],_=c.shape,$=d?.abortEarly,g=u.issues.length;for(let y of c.allKeys){if($&&u.issues.length!==g){if(ur(u,g))break;g=u.issues.length}if(y==="__proto__")continue;let k=_[y],x=k._zod.optin,T=k._zod.optout,E=k._zod.run({value:f[y],issues:[]},d);E instanceof Promise?p.push(E.then(L=>ga(L,u,y,f,x,T))):ga(E,u,y,f,x,T)}return o?cI(p,f,u,d,s.value,e,$===!0):p.length?Promise.all(p).then(()=>u):u}});var dg=st("$ZodEnum",(e,t)=>{yn.init(e,t);let n=Ku(t.entries),r=new Set(n);e._zod.values=r,$n(e,"pattern",s=>{let i=Ku(s.def.entries).filter(o=>zm.has(typeof o));return new RegExp(i.length?`^(${i.map(o=>jm(o.toString())).join("|")})$`:"^[^\\s\\S]$")}),e._zod.parse=(s,i)=>{let o=s.value;return r.has(o)||s.issues.push({code:"invalid_value",values:n,input:o,inst:e}),s}});var fg=st("$ZodTransform",(e,t)=>{yn.init(e,t),e._zod.optin="optional",bs.memoizer?.guard(e),e._zod.parse=(n,r)=>{if(r.direction==="backward")throw new ha(e.constructor.name);let s=t.transform(n.value,n);if(r.async)return(s instanceof Promise?s:Promise.resolve(s)).then(o=>(n.value=o,n));if(s instanceof Promise)throw new Nn;return n.value=s,n}});function sg(e,t){return e.value=t.issues.length?void 0:t.value,e}a(sg,"handleOptionalResult");var pg=st("$ZodOptional",(e,t)=>{yn.init(e,t),$n(e,"optin",n=>n.def.innerType._zod.optin==="defaulted"?"defaulted":"optional"),e._zod.optout="optional",$n(e,"values",n=>{let r=n.def.innerType._zod.values;return r?new Set([...r,void 0]):void 0}),$n(e,"pattern",n=>{let r=n.def.innerType._zod.pattern;return r?new RegExp(`^(${Fm(r.source)})?$`):void 0}),e._zod.parse=(n,r)=>{if(n.value===void 0){if(t.innerType._zod.optin!=="defaulted")return n;let s=t.innerType._zod.run({value:n.value,issues:[]},r);return s instanceof Promise?s.then(i=>sg(n,i)):sg(n,s)}return t.innerType._zod.run(n,r)}});var hg=st("$ZodDefault",(e,t)=>{yn.init(e,t),e._zod.optin="defaulted",$n(e,"values",n=>n.def.innerType._zod.values),e._zod.parse=(n,r)=>{if(r.direction==="backward")return t.innerType._zod.run(n,r);if(n.value===void 0)return n.value=t.defaultValue,n;let s=t.innerType._zod.run(n,r);return s instanceof Promise?s.then(i=>ig(i,t)):ig(s,t)}});function ig(e,t){return e.value===void 0&&(e.value=t.defaultValue),e}a(ig,"handleDefaultResult");var _g=st("$ZodPipe",(e,t)=>{yn.init(e,t),$n(e,"values",n=>n.def.in._zod.values),$n(e,"optin",n=>n.def.in._zod.optin),$n(e,"optout",n=>n.def.out._zod.optout),$n(e,"propValues",n=>n.def.in._zod.propValues),e._zod.parse=(n,r)=>{if(r.direction==="backward"){let i=t.out._zod.run(n,r);return i instanceof Promise?i.then(o=>ma(o,t.in,r)):ma(i,t.in,r)}let s=t.in._zod.run(n,r);return s instanceof Promise?s.then(i=>ma(i,t.out,r)):ma(s,t.out,r)}});function ma(e,t,n){return e.issues.some(r=>r.code!=="unrecognized_keys")?(e.aborted=!0,e):t._zod.run({value:e.value,issues:e.issues},n)}a(ma,"handlePipeResult");var mg=st("$ZodCustom",(e,t)=>{_a.init(e,t),yn.init(e,t),e._zod.parse=(n,r)=>n,e._zod.check=n=>{let r=n.value,s=t.fn(r);if(s instanceof Promise)return s.then(i=>og(i,n,r,e));og(s,n,r,e)}});function og(e,t,n,r){if(!e){let s={code:"custom",input:n,inst:r,path:[...r._zod.def.path??[]],continue:!r._zod.def.abort};r._zod.def.params&&(s.params=r._zod.def.params),t.issues.push(Yu(s))}}a(og,"handleRefineResult");function lI(e){return e.checks&&(e.checks=[...e.checks]),e}a(lI,"snapshotChecks");function gg(e,t){return new e(lI({type:"string",...lr(t)}))}a(gg,"_string");function $g(e,t,n){return new e({type:"custom",check:"custom",fn:t,...lr(n)})}a($g,"_refine");var Kn=st("ZodMiniType",(e,t)=>{if(!e._zod)throw new Error("Uninitialized schema in ZodMiniType.");yn.init(e,t),e.def=t,e.type=t.type},{get with(){return this.check},set with(e){Ur(this,"with",e)},parse(e,t){return ed(this,e,t,{callee:this.parse})},parseAsync(e,t){return td(this,e,t,{callee:this.parseAsync})},safeParse(e,t){return nd(this,e,t)},safeParseAsync(e,t){return rd(this,e,t)},check(...e){let t=this.def;return this.clone({...t,checks:[...t.checks??[],...e.map(n=>typeof n=="function"?{_zod:{check:n,def:{check:"custom"},onattach:[]}}:n)]},{parent:!0})},clone(e,t){return fa(this,e,t)},brand(){return this},register(e,t){return e.add(this,t),this},apply(e,...t){return t.length===0?e(this):e(this,...t)}}),dI=st("ZodMiniString",(e,t)=>{cg.init(e,t),Kn.init(e,t)});function wn(e){return gg(dI,e)}a(wn,"string");var fI=st("ZodMiniArray",(e,t)=>{lg.init(e,t),Kn.init(e,t)});function yg(e,t){return new fI({type:"array",element:e,...lr(t)})}a(yg,"array");var pI=st("ZodMiniObject",(e,t)=>{ug.init(e,t),Kn.init(e,t),Gm(e,"shape",n=>n._zod.def.shape,!1)});function kt(e,t){let n={type:"object",shape:e??{},...lr(t)};return new pI(n)}a(kt,"object");var hI=st("ZodMiniEnum",(e,t)=>{dg.init(e,t),Kn.init(e,t),e.options=[...e._zod.values]});function $a(e,t){let n=Array.isArray(e)?Object.fromEntries(e.map(r=>[r,r])):e;return new hI({type:"enum",entries:n,...lr(t)})}a($a,"_enum");var _I=st("ZodMiniTransform",(e,t)=>{fg.init(e,t),Kn.init(e,t)});function bn(e){return new _I({type:"transform",transform:e})}a(bn,"transform");var mI=st("ZodMiniOptional",(e,t)=>{pg.init(e,t),Kn.init(e,t)});function Ze(e){return new mI({type:"optional",innerType:e})}a(Ze,"optional");var gI=st("ZodMiniDefault",(e,t)=>{hg.init(e,t),Kn.init(e,t)});function An(e,t){return new gI({type:"default",innerType:e,get defaultValue(){return typeof t=="function"?t():Wu(t)}})}a(An,"_default");var $I=st("ZodMiniPipe",(e,t)=>{_g.init(e,t),Kn.init(e,t)});function ln(e,t){return new $I({type:"pipe",in:e,out:t})}a(ln,"pipe");var yI=st("ZodMiniCustom",(e,t)=>{mg.init(e,t),Kn.init(e,t)});function ks(e,t){let n=new _a({check:"custom",...lr(t)});return n._zod.check=e,n}a(ks,"check");function Fr(e,t={}){return $g(yI,e,t)}a(Fr,"refine");var ot=a(()=>Ze(wn()),"optional");function Xe(e,t){let n=e instanceof RegExp?r=>e.test(r):e;return wn().check(Fr(n,{error:a(({input:r})=>`expected ${t}, got '${r}'`,"error")}))}a(Xe,"matching");function ya(){return wn().check(Fr(gm,{error:a(({input:e})=>`expected an http or https URL without a user in it, got '${cn(String(e))}'`,"error")}))}a(ya,"httpUrl");function On(e,t){return Ze(sd(e,t,!0))}a(On,"wholeNumber");function Qt(e,t,n){return An(sd(t,n,!0),e)}a(Qt,"wholeNumberOr");function wa(e,t,n){return An(sd(t,n,!1),e)}a(wa,"secondsOr");function Ht(e){return An(ln(wn().check(Fr(t=>/^(true|false)$/i.test(t),{error:a(({input:t})=>`expected true or false, got '${t}'`,"error")})),bn(t=>t.toLowerCase()==="true")),e)}a(Ht,"flagOr");function nn(e){return An($a(e,{error:a(({input:t})=>`expected ${e.join(", ")}, got '${t}'`,"error")}),e[0])}a(nn,"choice");function wg(){return Ag(ba)}a(wg,"lines");function bg(){return An(ln(ln(wn(),bn(ba)),yg(wn()).check(e=>{let t=e.value.findIndex(r=>!Am(r));if(t<0)return;let n=`line ${t+1} must be \`Name: value\`, and not a header that ends the request`;e.issues.push({code:"custom",message:n,input:e.value})})),[])}a(bg,"headerLines");function vs(){return Ag(e=>e.split(`
`).filter(t=>t.trim()!==""))}a(vs,"literalLines");function Ag(e){return An(ln(wn(),bn(e)),[])}a(Ag,"linesBy");function ba(e){return e.split(`
`).map(t=>t.trim()).filter(t=>t!=="")}a(ba,"splitLines");function sd(e,t,n){let r=n?"a whole number":"a number";return ln(wn().check(Fr(s=>(n?/^\d{1,15}$/:/^\d{1,12}(\.\d{1,6})?$/).test(s)&&+s>=e&&+s<=t,{error:a(({input:s})=>`expected ${r} from ${e} to ${t}, got '${s}'`,"error")})),bn(s=>Number(s)))}a(sd,"numberText");var vi={"before-command":ot(),"before-on":nn(["target","host"]),"before-timeout-seconds":Qt(300,1,86400),"after-command":ot(),"after-timeout-seconds":Qt(300,1,86400),"require-url":Ze(ya()),"require-port":On(1,65535),"require-command":ot()},C9=kt(vi);function Aa(e){return e["before-on"]!=="host"?[]:e["before-command"]?e.container?[]:[["before-on","only valid with `container`: otherwise the target is the host"]]:[["before-on","only valid with `before-command`"]]}a(Aa,"hookContradictions");var Mr=1e4,xi={"hosts-file":ot(),canary:Qt(0,0,Mr),batch:Ze(Xe(e=>vg(e,Mr)!==void 0,"a number from 1, or a percentage from 1% to 100%")),"pause-seconds":wa(0,0,86400),"max-parallel":On(1,1e3),"max-failures":Qt(0,0,Mr),unreachable:nn(["fail","skip"]),shard:Ze(Xe(e=>id(e)!==void 0,"a part and the number of parts, such as 2/8"))},O9=kt(xi);function ka(e){let t=[];return e.batch!==void 0&&e["max-parallel"]!==void 0&&t.push(["batch","replaces `max-parallel`: set one of them"]),Number(e["pause-seconds"]??0)>0&&e.batch===void 0&&!e.canary&&t.push(["pause-seconds","only valid with `batch` or `canary`: it is the pause between two batches"]),t}a(ka,"rolloutContradictions");function kg(e,t){return{canary:e.canary,atATime:e.batch===void 0?e["max-parallel"]??1:vg(e.batch,t)??1,inBatches:e.batch!==void 0,maxFailures:e["max-failures"],skipsUnreachable:e.unreachable==="skip"}}a(kg,"policyOf");function vg(e,t){let[,n,r]=/^([1-9]\d{0,4})(%?)$/.exec(e.trim())??[];if(n!==void 0)return r?Number(n)<=100?Math.max(1,Math.ceil(Number(n)*t/100)):void 0:Number(n)<=Mr?Number(n):void 0}a(vg,"sizeOf");function id(e){let[,t,n]=/^(\d{1,4})\s*\/\s*(\d{1,4})$/.exec(e.trim())??[];if(!(Number(t)<1||!(Number(t)<=Number(n))))return{number:Number(t),of:Number(n)}}a(id,"parseShard");var xg=`prelude() {
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
main`;var ad="ready-reader",cd="exit",ld="unfit-reader",Ei=["echo; core_limit=$(command -v printf; command -v local; ulimit -S -c)",`case $core_limit in printf?local?*) core_limit=\${core_limit#printf?local?} ;; *) echo ${ld}; exit 1 ;; esac`,`ulimit -S -c 0; echo ${ad}`,`IFS= read -r size; [ "$size" = ${cd} ] && IFS= read -r size`,"line=$(dd bs=$size count=1 iflag=fullblock 2>/dev/null)",'[ -n "$line" ] || IFS= read -r line','case $line in *#end) eval "$(printf %b "$line")"; esac'].join("; "),bI="/run/wrappers/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin",od=`/usr/bin/env -i PATH=${bI}`,AI=['command -v doas >/dev/null || exec sudo -n -- /bin/sh -c "$0"','sudo -n -- /bin/sh -c : 2>/dev/null && exec sudo -n -- /bin/sh -c "$0"','exec doas -n -- /bin/sh -c "$0"'].join("; "),kI=["HOME USER LOGNAME XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_DATA_HOME DBUS_SESSION_BUS_ADDRESS","DOCKER_HOST DOCKER_CONTEXT DOCKER_CONFIG DOCKER_CERT_PATH DOCKER_TLS_VERIFY CONTAINER_HOST CONTAINERS_CONF CONTAINERS_STORAGE_CONF","LXD_DIR LXD_SOCKET LXD_CONF LXD_PROJECT INCUS_DIR INCUS_SOCKET INCUS_CONF INCUS_PROJECT"].join(" "),vI=[`set --; for name in ${kI}`,'do eval "value=\\${$name-}"; case $value in ?*) set -- "$@" "$name=$value" ;; esac; done',`exec ${od} "$@" /bin/sh -c "$0"`].join("; ");function va(e){return e==="login"?`exec ${od} /bin/sh -c '${Ei}'`:e==="root"?`exec ${od} /bin/sh -c '${AI}' '${Ei}'`:`exec /bin/sh -c '${vI}' '${Ei}'`}a(va,"bootstrapCommand");function ud(e){let t=`${xI(e)}
#end`.replaceAll("\\","\\\\").replaceAll(`
`,"\\n");return`${Buffer.byteLength(t)+1}
${t}
`}a(ud,"programLines");function xI({text:e,values:t}){return[...Object.entries(t).map(([r,s])=>`in_${r}=${Hr(s===void 0?"":String(s))}`),e].join(`
`)}a(xI,"programText");function Hr(e){if(e.includes("\0"))throw new RangeError("a value for a shell contains a NUL byte");return`'${e.replaceAll("'","'\\''")}'`}a(Hr,"quote");var EI=["lxd","incus","docker","podman"],SI=/^([a-z]+):(?:([^:/]+):)?(?:([^:/]+)\/)?([^:/]+)$/,II=/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/,Eg="lxd:[REMOTE:][PROJECT/]NAME, incus:[REMOTE:][PROJECT/]NAME, docker:NAME or podman:NAME";function xa(e){let[,t,n,r,s]=SI.exec(e.trim())??[],i=EI.find(c=>c===t),o=[n,r,s].filter(c=>c!==void 0);if(!(!i||!s||!o.every(c=>II.test(c)))&&!((n||r)&&i!=="lxd"&&i!=="incus"))return{kind:i,...n?{remote:n}:{},...r?{project:r}:{},name:s}}a(xa,"parseContainer");function Sg({kind:e,remote:t,project:n,name:r}){return`${e}:${t?`${t}:`:""}${n?`${n}/`:""}${r}`}a(Sg,"containerName");function Ig({kind:e,remote:t,project:n,name:r},s){return{text:xg,values:{kind:e,remote:t,project:n,name:r,sudo:s,run_program:Ei}}}a(Ig,"enterProgram");var zr={host:wn().check(Fr(e=>xs(e).length>0&&xs(e).every(t=>Qn(t)!==void 0),{error:a(({input:e})=>`expected a host, user@host, user@host:port or alias per line, got '${e}'`,"error")})),user:Ze(Xe(e=>$s(e),"the name of an account")),port:On(1,65535),"ssh-key":ot(),"ssh-key-passphrase":ot(),"known-hosts":ot(),"host-key-checking":Ze($a(["strict","accept-new","insecure"],{error:a(({input:e})=>`expected strict, accept-new or insecure, got '${e}'`,"error")})),"ssh-config":ot(),transport:nn(["auto","builtin","openssh"]),"ssh-certificate":ot(),"proxy-jump":Ze(Xe(e=>e.split(",").every(t=>Qn(t)!==void 0),"user@host:port[,…]")),sudo:nn(["auto","always","never"]),container:Ze(Xe(e=>xa(e)!==void 0,Eg)),"connect-timeout-seconds":On(1,600),"keepalive-seconds":On(1,600)},Q9=kt(zr);function xs(e){return[...new Set(ba(e))]}a(xs,"hostsOf");function Qn(e){let t=/^(?:ssh:\/\/)?(?:(?<user>[^\p{Cc}:/]+)@)?(?:\[(?<v6>[0-9a-f:.]+(?:%[\w.-]+)?)\]|(?<host>[^@\s:/[\]-][^@\s:/[\]]*))(?::(?<port>\d{1,5}))?\/?$/iu.exec(e.trim()),n=/^(?:(?<user>[^\p{Cc}:/]+)@)?(?<v6>[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*)$/iu.exec(e.trim()),r=(t??n)?.groups,s=r?.port===void 0?void 0:Number(r.port);if(!(!r||s===0||(s??1)>65535||r.user!==void 0&&!$s(r.user)))return{user:r.user,host:r.v6??r.host??"",port:s}}a(Qn,"parseHost");var CI=kt({...zr,...xi,...vi,host:Ze(zr.host),parts:ot(),"parts-file":ot(),rollback:Ht(!0),"rollback-to":Ze(Xe(/^previous$/i,"previous")),"keep-releases":Qt(3,0,100),"allow-older":Ht(!1),force:Ht(!1),transfer:nn(["auto","delta","compressed","plain"]),"lock-timeout-seconds":Qt(60,0,86400),"revert-all":Ht(!1),"dry-run":Ht(!1),"report-file":ot()}).check(ks(e=>{for(let[t,n]of TI(e.value))e.issues.push({code:"custom",message:n,path:[t],input:e.value})},{when:a(()=>!0,"when")})),Cg=ln(CI,bn(PI));function PI(e){return{hosts:xs(e.host??""),connection:e,rollout:e,hooks:e,parts:e.parts,partsFile:e["parts-file"],sudo:e.sudo,rollback:e.rollback,isRollback:e["rollback-to"]!==void 0,keepReleases:e["keep-releases"],allowOlder:e["allow-older"],force:e.force,transfer:e.transfer,lockTimeoutSeconds:e["lock-timeout-seconds"],revertAll:e["revert-all"],dryRun:e["dry-run"],reportFile:e["report-file"]}}a(PI,"toReleaseInputs");function Ea(e,t){return{...e,...t,strategy:"staged",rollbackTo:void 0,status:{context:void 0,token:void 0}}}a(Ea,"programInputs");function TI(e){let t=[];return e["revert-all"]===!0&&e["keep-releases"]===0&&t.push(["keep-releases","must be 1 or more with revert-all, which restores the previous release"]),[...t,...ka(e),...Aa(e)]}a(TI,"contradictions");var q0=require("node:timers/promises");function Pg(e,t){let n=t==="inet6"?void 0:NI(e);if(n!==void 0)return n;if(e.includes(":")&&t!=="inet"){let r=OI(e);return r.toLowerCase()===e.toLowerCase()?e:r}return/[%:]/.test(e)||/^[\d.]*$/.test(e)?e:e.toLowerCase()}a(Pg,"canonicalHost");function NI(e){let t=e.split(".");if(t.length>4||!t.every(i=>/^(0x[\da-f]+|0[0-7]*|[1-9]\d*)$/i.test(i)))return;let n=t.map(i=>/^0[0-7]+$/.test(i)?Number.parseInt(i,8):Number(i)),r=n.pop()??0;if(n.some(i=>i>255)||r>=256**(4-n.length))return;let s=Array.from({length:4-n.length},(i,o)=>Math.floor(r/256**o)%256).reverse();return[...n,...s].join(".")}a(NI,"v4Of");function OI(e){if(!URL.canParse(`http://[${e}]`))return e;let t=new URL(`http://[${e}]`).hostname.slice(1,-1),[,n,r]=/^::ffff:([\da-f]+):([\da-f]+)$/.exec(t)??[];if(n===void 0||r===void 0)return t;let[s,i]=[Number.parseInt(n,16),Number.parseInt(r,16)];return`::ffff:${s>>8}.${s&255}.${i>>8}.${i&255}`}a(OI,"v6Of");var RI={followed:`Host Match Include HostName User Port IdentityFile IdentitiesOnly IdentityAgent ProxyJump UserKnownHostsFile
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
    CompressionLevel`},BI={identityfile2:"identityfile",challengeresponseauthentication:"kbdinteractiveauthentication",skeyauthentication:"kbdinteractiveauthentication",tisauthentication:"kbdinteractiveauthentication",dsaauthentication:"pubkeyauthentication",hostbasedkeytypes:"hostbasedacceptedalgorithms",pubkeyacceptedkeytypes:"pubkeyacceptedalgorithms",keepalive:"tcpkeepalive",smartcarddevice:"pkcs11provider",rsaminsize:"requiredrsasize",protocolkeepalives:"serveraliveinterval",setuptimeout:"serveraliveinterval"},LI=new Map(Object.entries(RI).flatMap(([e,t])=>t.split(/\s+/).map(n=>[n.toLowerCase(),{kind:e,spelling:n}])));function dd(e){let t=BI[e]??e,n=LI.get(t);return n&&{name:t,...n}}a(dd,"keywordOf");var Tg={proxycommand:{unless:["none"],remedy:"use ProxyJump there, or the input proxy-jump"},canonicalizehostname:{unless:["no","false"],remedy:"write the whole name in host"},canonicalizepermittedcnames:{unless:["none"],remedy:"write the whole name in host"},revokedhostkeys:{unless:["none"],remedy:"give @revoked lines in known-hosts, and another config with ssh-config"},knownhostscommand:{unless:["none"],remedy:"give the lines in known-hosts, and another config with ssh-config"},checkhostip:{unless:["no","false"],remedy:"leave it at `no`, its default"},bindinterface:{unless:[],remedy:"use BindAddress with an address of that interface"},refuseconnection:{unless:[],remedy:"use another host, or another config with ssh-config"}};var tt=class extends Error{static{a(this,"LineError")}};function Ng(e){let[t,n]=Sa(e.replace(/[ \t\r\n\f]+$/,""));if(t===""&&n!==void 0&&([t,n]=Sa(n)),!(t===void 0||t===""||t.startsWith("#"))){if(n=(n??"").replace(/^[ \t\r\n]+/,""),n==="")throw new tt(`${t} has no value`);return{keyword:t.toLowerCase(),rest:n,words:DI(n)}}}a(Ng,"readLine");function Sa(e){let t=e.search(/[ \t\r\n"=]/);if(t<0)return[e,void 0];if(e[t]==='"'){let r=e.indexOf('"',t+1);if(r<0)throw new tt("a quote is never closed");return[e.slice(0,t)+e.slice(t+1,r),e.slice(r+1).replace(/^[ \t\r\n]+/,"")]}let n=e.slice(t+1).replace(/^[ \t\r\n]+/,"");return[e.slice(0,t),e[t]!=="="&&n.startsWith("=")?n.slice(1).replace(/^[ \t\r\n]+/,""):n]}a(Sa,"nextToken");function DI(e){let t=[],n=0;for(;n<e.length;){if(e[n]===" "||e[n]==="	"){n+=1;continue}if(e[n]==="#")break;let{word:r,end:s}=UI(e,n);t.push(r),n=s}return t}a(DI,"splitWords");function UI(e,t){let n="",r="",s=t;for(;s<e.length;s+=1){let i=e[s]??"",o=e[s+1]??"";if(i==="\\"&&o!==""&&(`'"\\`.includes(o)||r===""&&o===" "))n+=o,s+=1;else{if(r===""&&(i===" "||i==="	"))break;r===""&&(i==='"'||i==="'")?r=i:i===r?r="":n+=i}}if(r!=="")throw new tt("a quote is never closed");return{word:n,end:s}}a(UI,"readWord");function Og(e,t){let n=t.replace(/[.+^${}()|[\]\\]/g,"\\$&").replaceAll(/\*+/g,"[^]*").replaceAll("?","[^]");return new RegExp(`^${n}$`).test(e)}a(Og,"matchesPattern");function Rn(e,t){return t.filter(r=>r.startsWith("!")).map(r=>r.slice(1)).some(r=>Og(e,r))?!1:t.some(r=>!r.startsWith("!")&&Og(e,r))}a(Rn,"matchesPatterns");function Si(e,t){return Rn(e.toLowerCase(),t.map(n=>n.toLowerCase()))}a(Si,"matchesHostPatterns");var FI=["exec","localnetwork","version","sessiontype","command"];function Bg(e,t){let n={applies:!0,wantsFinal:!1,unknown:[]},r=e,s=0,i=a(()=>{if(r===void 0)return;let[o,c]=Sa(r);return r=c,o},"next");for(let o=i();o!==void 0&&o!==""&&!o.startsWith("#");o=i()){let c=o.startsWith("!"),l=o.slice(c?1:0).toLowerCase();if(l==="all"){let d=i();if(s>1||d!==void 0&&d!==""&&!d.startsWith("#"))throw new tt("`all` stands beside other criteria");return c?{...n,applies:!1}:Rg(n)}if(s+=1,l==="final"||l==="canonical"){l==="final"&&c?n.unknown.push("!final"):l==="final"&&(n.wantsFinal=!0),t.final===c&&(n.applies=!1);continue}let u=i();if(u===void 0||u===""&&l!=="tagged"||u.startsWith("#"))throw new tt(`Match ${l} has no value`);FI.includes(l)?n.unknown.push(l):MI(l,u,t)===c&&(n.applies=!1)}if(s===0)throw new tt("Match has no criteria");return Rg(n)}a(Bg,"evaluateMatch");function Rg(e){let t=e.applies&&e.unknown.length>0?void 0:e.applies;return{...e,applies:t}}a(Rg,"settled");function MI(e,t,n){let r=t.split(",");if(e==="host")return Si(n.host(),r);if(e==="originalhost")return Si(n.originalHost,r);if(e==="user")return Rn(n.user,r);if(e==="localuser")return Rn(n.localUser,r);if(e==="tagged")return n.tag===""?t==="":Rn(n.tag,r);throw new tt(`Match ${e} is not known to ssh`)}a(MI,"meets");function Fg(e,{words:t,rest:n}){return(HI[e]??Ii)(t,n)}a(Fg,"readValues");var Ii=a(e=>{let[t]=e;if(t===void 0||t==="")throw new tt("the value is empty");if(e.length>1)throw new tt("there are more values than one");return[t]},"one"),fd={yes:"yes",true:"yes",no:"no",false:"no"},HI={identitiesonly:Ia(fd),hashknownhosts:Ia(fd),stricthostkeychecking:Ia({...fd,ask:"ask",off:"no","accept-new":"accept-new"}),addressfamily:Ia({inet:"inet",inet6:"inet6",any:"any"}),port:a((e,t)=>{let[n=""]=Ii(e,t)??[],r=n==="ssh"?22:Number(/^\d{1,5}$/.test(n)?n:Number.NaN);if(!(r>=1&&r<=65535))throw new tt(`'${n}' is not a port`);return[String(r)]},"port"),connecttimeout:Dg,serveraliveinterval:Dg,serveralivecountmax:Lg,requiredrsasize:Lg,userknownhostsfile:Ug,globalknownhostsfile:Ug,proxycommand:a((e,t)=>[t],"proxycommand"),knownhostscommand:a((e,t)=>[t],"knownhostscommand"),refuseconnection:a(e=>[e.join(" ")],"refuseconnection"),proxyjump:a((e,t)=>[t.replace(/#.*$/,"").trimEnd()],"proxyjump")};function Ia(e){return(t,n)=>{let[r=""]=Ii(t,n)??[],s=e[r.toLowerCase()];if(s===void 0)throw new tt(`'${r}' is not one of ${Object.keys(e).join(", ")}`);return[s]}}a(Ia,"oneOf");function Lg(e,t){let[n=""]=Ii(e,t)??[];if(!/^\d{1,9}$/.test(n))throw new tt(`'${n}' is not a number`);return[String(Number(n))]}a(Lg,"wholeNumber");function Dg(e,t){let[n=""]=Ii(e,t)??[];if(n==="none")return;if(!/^(\d{1,9}[smhdw])*(\d{1,9})?$/i.test(n))throw new tt(`'${n}' is not a duration`);let s=[...n.toLowerCase().matchAll(/(\d+)([smhdw]?)/g)].reduce((i,[,o,c])=>i+Number(o)*(zI[c||"s"]??1),0);if(s>2**31-1)throw new tt(`'${n}' is too long`);return[String(s)]}a(Dg,"seconds");var zI={s:1,m:60,h:3600,d:86400,w:604800};function Ug(e){if(e.length===0||e.includes(""))throw new tt("the value is empty");if(e.length>1&&e.some(t=>t.toLowerCase()==="none"))throw new tt("`none` stands beside other files");return e}a(Ug,"files");var kn=class extends Error{static{a(this,"TokenError")}};function Ca(e,t,n){return e.replace(n?/%(.?)|\$\{([^}]*)(\}?)/gs:/%(.?)/gs,(r,s,i,o)=>{if(r.startsWith("%")){if(s==="%")return"%";let l=t[s];if(l===void 0)throw new kn(`the token %${s} in '${e}' is not supported`);return l}if(i===""||o==="")throw new kn(`the variable in '${e}' has no name or no closing }`);let c=n?.(i);if(c===void 0)throw new kn(`the environment variable ${i} is not set`);return c})}a(Ca,"expandTokens");function Ci(e,t,n){let[,r,s=""]=/^~([^/]*)\/*(.*)$/s.exec(e)??[];if(r===void 0)return e;let i=r===""?t:n(r);if(i===void 0)throw new kn(`the runner has no account ${r} (${e})`);return`${i.replace(/\/$/,"")}/${s}`}a(Ci,"expandTilde");var yt=class extends Error{static{a(this,"ConfigError")}remedy;constructor(t,n){super(t),this.remedy=n}},jI=new Set(["identityfile","certificatefile"]),qI=16;function Mg(e,t){let n={question:t,host:t.host,values:new Map,places:new Map,final:!1,wantsFinal:!1},r=a(()=>{for(let i of e)zg(i,n,{applies:!0,depth:0})},"readAll");r();let s=YI(n);return n.wantsFinal&&(n.values.set("hostname",[s.replaceAll("%","%%")]),Object.assign(n,{host:s,final:!0}),r()),{host:s,values:n.values,places:n.places}}a(Mg,"resolveConfig");function Hg({values:e,places:t},n){for(let[r,{unless:s,remedy:i}]of Object.entries(Tg)){let o=e.get(r)?.[0];if(o===void 0||s.includes(o.toLowerCase())||n.includes(r))continue;let c=dd(r)?.spelling;return new yt(`${t.get(r)}: ${c} is set to '${o}', which is not supported`,`${i}.`)}}a(Hg,"refusedKeyword");function zg({path:e,text:t,system:n=!1},r,{applies:s,depth:i}){let o=s;for(let[c,l]of t.split(`
`).entries()){let u=`${e}:${c+1}`;try{let d=Ng(l);if(!d)continue;let f=dd(d.keyword);f?.name==="host"?o=s&&KI(d.words,r):f?.name==="match"?o=QI(d.rest,r,s):f?.name==="include"?WI(d.words,{reading:r,system:n},{applies:o,depth:i}):ZI(d,f,{reading:r,where:u,applies:o})}catch(d){throw d instanceof tt||d instanceof kn?new yt(`${u}: ${d.message}`):d}}}a(zg,"readFile");function KI(e,{host:t}){if(e.includes(""))throw new tt("a pattern is empty");return Rn(t,e)}a(KI,"hostLineApplies");function QI(e,t,n){let{question:r,values:s}=t,{applies:i,wantsFinal:o,unknown:c}=Bg(e,{host:a(()=>jg(t),"host"),originalHost:r.host,user:r.user??s.get("user")?.[0]??r.localUser,localUser:r.localUser,tag:s.get("tag")?.[0]??"",final:t.final});if(o&&!t.final&&(t.wantsFinal=!0),i===void 0&&n)throw new tt(`Match ${c.join(", ")} is not supported`);return n&&i===!0}a(QI,"matchLineApplies");function WI(e,{reading:t,system:n},{applies:r,depth:s}){if(s>=qI)throw new tt("Include is nested too deeply");for(let i of e){if(i==="")throw new tt("the value is empty");if(r&&/%|\$\{/.test(i))throw new tt(`tokens in Include (${i}) are not supported`);for(let o of GI(i,t.question,n))for(let c of t.question.include(o))zg({...c,system:n},t,{applies:r,depth:s+1})}}a(WI,"include");function GI(e,{homes:t,homeOf:n},r){if(e.startsWith("/"))return[e];if(r&&e.startsWith("~"))throw new tt(`${e} is not a path for the system's config`);return r?[`/etc/ssh/${e}`]:e.startsWith("~")?[...new Set(t.map(s=>Ci(e,s,n)))]:t.map(s=>`${s}/.ssh/${e}`)}a(GI,"includedPaths");function ZI(e,t,{reading:n,where:r,applies:s}){let{values:i,places:o}=n;if(t===void 0){let u=i.get("ignoreunknown")?.[0]?.toLowerCase().split(",")??[];if(!s||Rn(e.keyword,u))return;throw new tt(`the keyword ${e.keyword} is not known (IgnoreUnknown ${e.keyword} before it leaves it out)`)}if(t.kind==="harmless")return;let c=Fg(t.name,e);if(!s||c===void 0)return;let l=i.get(t.name);l&&!jI.has(t.name)||(i.set(t.name,[...new Set([...l??[],...c])]),l||o.set(t.name,r))}a(ZI,"setValue");function YI(e){try{return Pg(jg(e),e.values.get("addressfamily")?.[0])}catch(t){throw t instanceof kn?new yt(`${e.places.get("hostname")}: ${t.message}`):t}}a(YI,"destinationOf");function jg({values:e,question:t}){return Ca(e.get("hostname")?.[0]??"%h",{h:t.host})}a(jg,"hostNameOf");function qg(e){let t=new Map;for(let n of e.split(`
`)){let[,r,s]=/^([a-z0-9]+) (.*)$/i.exec(n.replace(/\r$/,""))??[];if(r===void 0||s===void 0)continue;let i=r.toLowerCase();t.set(i,[...t.get(i)??[],s])}return t}a(qg,"parseSettings");function un(e,t){let[n]=e.get(t)??[];return n===void 0||n.toLowerCase()==="none"||n===""?void 0:n}a(un,"settingOf");var Kg={major:8,minor:0};function Qg(e){if(e===void 0)return{unusable:"there is no `ssh` on this runner"};let[,t,n]=/^OpenSSH_(?:for_Windows_)?(\d+)\.(\d+)/.exec(e.trim())??[];if(t===void 0||n===void 0)return{unusable:`the \`ssh\` of this runner is ${/^Dropbear/i.test(e.trim())?"dropbear's client":"not OpenSSH"}`};let r={major:Number(t),minor:Number(n)};return Pi(r,Kg)?{version:r}:{unusable:`the \`ssh\` of this runner is OpenSSH ${Pa(r)}; ${Pa(Kg)} or later is needed`}}a(Qg,"parseSshVersion");function Pi(e,t){return e.major>t.major||e.major===t.major&&e.minor>=t.minor}a(Pi,"isSince");function Pa({major:e,minor:t}){return`${e}.${t}`}a(Pa,"nameOf");var Wg="install OpenSSH 8.0 or later where the job runs (openssh-client)";function Gg(e){let{wanted:t,ssh:n,hasCertificate:r}=e;if(t==="builtin"&&r)return pd("the built-in client knows no certificates","leave out `transport: builtin`, or `ssh-certificate`.");if(t==="builtin")return{transport:"builtin"};if("unusable"in n)return VI(e,n.unusable);if(t==="openssh")return{transport:"openssh",because:"`transport` is `openssh`"};let s=[...Yg(e),...XI(e),...JI(e)];return s.length>0?{transport:"openssh",because:s.join("; ")}:{transport:"builtin"}}a(Gg,"chooseTransport");function Zg(e,t){if(!(e.transport!=="openssh"||"unusable"in t))return`Connecting with the runner's OpenSSH ${Pa(t.version)}, because ${e.because}.`}a(Zg,"choiceLine");function VI(e,t){if(e.wanted==="openssh")return pd(`\`transport: openssh\` needs OpenSSH, and ${t}`,`${Wg}, or leave out \`transport\`.`);let[n]=Yg(e);if(n===void 0)return{transport:"builtin"};let r=e.builtin instanceof yt?e.builtin.remedy?.replace(/\.$/,""):void 0;return pd(`${n}, and ${t}`,`${Wg}${r===void 0?"":`, or: ${r}`}.`)}a(VI,"withoutSsh");function pd(e,t){return{transport:"none",why:`${e}.`,remedy:t}}a(pd,"none");function Yg({builtin:e,settings:t,hasCertificate:n,isKnownByAuthority:r,ssh:s}){let i=n?["`ssh-certificate` is set"]:[];return r&&i.push("the host is known by a certificate authority alone (@cert-authority)"),e instanceof yt&&("version"in s?t!==void 0:/not supported|not known/.test(e.message))?[...i,e.message.replace(", which is not supported","")]:i}a(Yg,"configNeeds");function XI({hasKey:e,foreignIdentities:t,hasTickets:n,settings:r}){if(e||!r)return[];let s=a(i=>un(r,i)==="yes","isOn");return[...t,...n&&s("gssapiauthentication")?["GSSAPIAuthentication is on, and there is a Kerberos ticket"]:[],...s("hostbasedauthentication")?["HostbasedAuthentication is on"]:[]]}a(XI,"identityNeeds");function JI({builtin:e,settings:t}){return e instanceof yt||!t?[]:[["HostName",e.host,un(t,"hostname")],["User",e.user,un(t,"user")],["Port",String(e.port),un(t,"port")],["HostKeyAlias",e.hostKeyAlias??"",un(t,"hostkeyalias")??""],["ProxyJump",String(e.jumps.length>0),String(un(t,"proxyjump")!==void 0)]].filter(([,r,s])=>s!==void 0&&r.toLowerCase()!==s.toLowerCase()).map(([r])=>`it reads ${r} of the SSH config differently`)}a(JI,"differences");var ge=gt(require("assert"),1),zs=gt(require("fs"),1),Ff=gt(Xg(),1),gw=gt(Jg(),1),jt=gt(require("path"),1);var Mf=gt(e$(),1),Hf=gt(n$(),1),$w=gt(eo(),1);var Uf=1,_w=a(e=>!jt.default.basename(e).startsWith("."),"DEFAULT_VALIDATE"),mw=a(()=>{},"DEFAULT_TICK"),yc=class extends Error{static{a(this,"SSHError")}constructor(t,n=null){super(t),this.code=n}};function $c(e){return e.includes("\\")?e.split("\\").join("/"):e}a($c,"unixifyPath");async function qP(e){return new Promise((t,n)=>{zs.default.readFile(e,"utf8",(r,s)=>{r?n(r):t(s)})})}a(qP,"readFile");var KP=/Error: (E[\S]+): /;async function QP(e,t){let n=null;try{n=await new Promise((r,s)=>{t.stat(e,(i,o)=>{i?s(i):r(o)})})}catch{}if(n){if(n.isDirectory())return;throw new Error("mkdir() failed, target already exists and is not a directory")}try{await new Promise((r,s)=>{t.mkdir(e,i=>{i?s(i):r()})})}catch(r){if(r!=null&&typeof r.stack=="string"){let s=KP.exec(r.stack);throw s!=null?new yc(r.message,s[1]):r}}}a(QP,"makeDirectoryWithSftp");var wc=class{static{a(this,"NodeSSH")}constructor(){this.connection=null}getConnection(){let{connection:t}=this;if(t==null)throw new Error("Not connected to server");return t}async connect(t){(0,ge.default)(t!=null&&typeof t=="object","config must be a valid object");let n={...t};if((0,ge.default)(n.username!=null&&typeof n.username=="string","config.username must be a valid string"),n.host!=null)(0,ge.default)(typeof n.host=="string","config.host must be a valid string");else if(n.sock!=null)(0,ge.default)(typeof n.sock=="object","config.sock must be a valid object");else throw new ge.AssertionError({message:"Either config.host or config.sock must be provided"});if(n.privateKey!=null||n.privateKeyPath!=null){if(n.privateKey!=null?((0,ge.default)(typeof n.privateKey=="string","config.privateKey must be a valid string"),(0,ge.default)(n.privateKeyPath==null,"config.privateKeyPath must not be specified when config.privateKey is specified")):n.privateKeyPath!=null&&((0,ge.default)(typeof n.privateKeyPath=="string","config.privateKeyPath must be a valid string"),(0,ge.default)(n.privateKey==null,"config.privateKey must not be specified when config.privateKeyPath is specified")),(0,ge.default)(n.passphrase==null||typeof n.passphrase=="string","config.passphrase must be null or a valid string"),n.privateKeyPath!=null)try{n.privateKey=await qP(n.privateKeyPath)}catch(s){throw s!=null&&s.code==="ENOENT"?new ge.AssertionError({message:"config.privateKeyPath does not exist at given fs path"}):s}}else n.password!=null&&(0,ge.default)(typeof n.password=="string","config.password must be a valid string");if(n.tryKeyboard!=null&&(0,ge.default)(typeof n.tryKeyboard=="boolean","config.tryKeyboard must be a valid boolean"),n.tryKeyboard){let{password:s}=n;n.onKeyboardInteractive!=null?(0,ge.default)(typeof n.onKeyboardInteractive=="function","config.onKeyboardInteractive must be a valid function"):s!=null&&(n.onKeyboardInteractive=(i,o,c,l,u)=>{l.length>0&&l[0].prompt.toLowerCase().includes("password")&&u([s])})}let r=new $w.default.Client;return this.connection=r,await new Promise((s,i)=>{r.on("error",i),n.onKeyboardInteractive&&r.on("keyboard-interactive",n.onKeyboardInteractive),r.on("ready",()=>{r.removeListener("error",i),s()}),r.on("end",()=>{this.connection===r&&(this.connection=null)}),r.on("close",()=>{this.connection===r&&(this.connection=null),i(new yc("No response from server","ETIMEDOUT"))}),r.connect(n)}),this}isConnected(){return this.connection!=null}async requestShell(t){let n=this.getConnection();return new Promise((r,s)=>{n.on("error",s);let i=a((o,c)=>{n.removeListener("error",s),o?s(o):r(c)},"callback");t==null?n.shell(i):n.shell(t,i)})}async withShell(t,n){(0,ge.default)(typeof t=="function","callback must be a valid function");let r=await this.requestShell(n);try{await t(r)}finally{r.destroy()}}async requestSFTP(){let t=this.getConnection();return new Promise((n,r)=>{t.on("error",r),t.sftp((s,i)=>{t.removeListener("error",r),s?r(s):n(i)})})}async withSFTP(t){(0,ge.default)(typeof t=="function","callback must be a valid function");let n=await this.requestSFTP();try{await t(n)}finally{n.end()}}async execCommand(t,n={}){(0,ge.default)(typeof t=="string","command must be a valid string"),(0,ge.default)(n!=null&&typeof n=="object","options must be a valid object"),(0,ge.default)(n.cwd==null||typeof n.cwd=="string","options.cwd must be a valid string"),(0,ge.default)(n.stdin==null||typeof n.stdin=="string"||Ff.default.readable(n.stdin),"options.stdin must be a valid string or readable stream"),(0,ge.default)(n.execOptions==null||typeof n.execOptions=="object","options.execOptions must be a valid object"),(0,ge.default)(n.encoding==null||typeof n.encoding=="string","options.encoding must be a valid string"),(0,ge.default)(n.onChannel==null||typeof n.onChannel=="function","options.onChannel must be a valid function"),(0,ge.default)(n.onStdout==null||typeof n.onStdout=="function","options.onStdout must be a valid function"),(0,ge.default)(n.onStderr==null||typeof n.onStderr=="function","options.onStderr must be a valid function"),(0,ge.default)(n.noTrim==null||typeof n.noTrim=="boolean","options.noTrim must be a boolean");let r=t;n.cwd&&(r=`cd ${(0,Hf.default)([n.cwd])} ; ${r}`);let s=this.getConnection(),i={stdout:[],stderr:[]};return new Promise((o,c)=>{s.on("error",c),s.exec(r,n.execOptions!=null?n.execOptions:{},(l,u)=>{if(s.removeListener("error",c),l){c(l);return}n.onChannel&&n.onChannel(u),u.on("data",p=>{n.onStdout&&n.onStdout(p),i.stdout.push(p.toString(n.encoding))}),u.stderr.on("data",p=>{n.onStderr&&n.onStderr(p),i.stderr.push(p.toString(n.encoding))}),n.stdin!=null?Ff.default.readable(n.stdin)?n.stdin.pipe(u,{end:!0}):(u.write(n.stdin),u.end()):u.end();let d=null,f=null;u.on("exit",(p,_)=>{d=p??null,f=_??null}),u.on("close",()=>{let p=i.stdout.join(""),_=i.stderr.join("");n.noTrim!==!0&&(p=p.trim(),_=_.trim()),o({code:d??null,signal:f??null,stdout:p,stderr:_})})})})}async exec(t,n,r={}){(0,ge.default)(typeof t=="string","command must be a valid string"),(0,ge.default)(Array.isArray(n),"parameters must be a valid array"),(0,ge.default)(r!=null&&typeof r=="object","options must be a valid object"),(0,ge.default)(r.stream==null||["both","stdout","stderr"].includes(r.stream),"options.stream must be one of both, stdout, stderr");for(let o=0,{length:c}=n;o<c;o+=1)(0,ge.default)(typeof n[o]=="string",`parameters[${o}] must be a valid string`);let s=`${t}${n.length>0?` ${(0,Hf.default)(n)}`:""}`,i=await this.execCommand(s,r);if(r.stream==null||r.stream==="stdout"){if(i.stderr)throw new Error(i.stderr);return i.stdout}return r.stream==="stderr"?i.stderr:i}async mkdir(t,n="sftp",r=null){if((0,ge.default)(typeof t=="string","path must be a valid string"),(0,ge.default)(typeof n=="string"&&(n==="sftp"||n==="exec"),"method must be either sftp or exec"),(0,ge.default)(r==null||typeof r=="object","sftp must be a valid object"),n==="exec"){await this.exec("mkdir",["-p",$c(t)]);return}let s=r||await this.requestSFTP(),i=a(async o=>QP($c(t),s).catch(async c=>{if(!o||c==null||c.message!=="No such file"&&c.code!=="ENOENT")throw c;await this.mkdir(jt.default.dirname(t),"sftp",s),await i(!1)}),"makeSftpDirectory");try{await i(!0)}finally{r||s.end()}}async getFile(t,n,r=null,s=null){(0,ge.default)(typeof t=="string","localFile must be a valid string"),(0,ge.default)(typeof n=="string","remoteFile must be a valid string"),(0,ge.default)(r==null||typeof r=="object","sftp must be a valid object"),(0,ge.default)(s==null||typeof s=="object","transferOptions must be a valid object");let i=r||await this.requestSFTP();try{await new Promise((o,c)=>{i.fastGet($c(n),t,s||{},l=>{l?c(l):o()})})}finally{r||i.end()}}async putFile(t,n,r=null,s=null){(0,ge.default)(typeof t=="string","localFile must be a valid string"),(0,ge.default)(typeof n=="string","remoteFile must be a valid string"),(0,ge.default)(r==null||typeof r=="object","sftp must be a valid object"),(0,ge.default)(s==null||typeof s=="object","transferOptions must be a valid object"),(0,ge.default)(await new Promise(c=>{zs.default.access(t,zs.default.constants.R_OK,l=>{c(l===null)})}),`localFile does not exist at ${t}`);let i=r||await this.requestSFTP(),o=a(c=>new Promise((l,u)=>{i.fastPut(t,$c(n),s||{},d=>{if(d==null){l();return}d.message==="No such file"&&c?l(this.mkdir(jt.default.dirname(n),"sftp",i).then(()=>o(!1))):u(d)})}),"putFile");try{await o(!0)}finally{r||i.end()}}async putFiles(t,{concurrency:n=Uf,sftp:r=null,transferOptions:s={}}={}){(0,ge.default)(Array.isArray(t),"files must be an array");for(let l=0,{length:u}=t;l<u;l+=1){let d=t[l];(0,ge.default)(d,"files items must be valid objects"),(0,ge.default)(d.local&&typeof d.local=="string",`files[${l}].local must be a string`),(0,ge.default)(d.remote&&typeof d.remote=="string",`files[${l}].remote must be a string`)}let i=[],o=r||await this.requestSFTP(),c=new(void 0)({concurrency:n});try{await new Promise((l,u)=>{t.forEach(d=>{c.add(async()=>{await this.putFile(d.local,d.remote,o,s),i.push(d)}).catch(u)}),c.waitTillIdle().then(l)})}catch(l){throw l!=null&&(l.transferred=i),l}finally{r||o.end()}}async putDirectory(t,n,{concurrency:r=Uf,sftp:s=null,transferOptions:i={},recursive:o=!0,tick:c=mw,validate:l=_w}={}){(0,ge.default)(typeof t=="string"&&t,"localDirectory must be a string"),(0,ge.default)(typeof n=="string"&&n,"remoteDirectory must be a string");let u=await new Promise(g=>{zs.default.stat(t,(y,k)=>{g(k||null)})});(0,ge.default)(u!=null,`localDirectory does not exist at ${t}`),(0,ge.default)(u.isDirectory(),`localDirectory is not a directory at ${t}`);let d=s||await this.requestSFTP(),f=await(0,Mf.default)(t,{recursive:o,validate:l}),p=f.files.map(g=>jt.default.relative(t,g)),_=f.directories.map(g=>jt.default.relative(t,g));_.sort((g,y)=>g.length-y.length);let $=!1;try{await new Promise((g,y)=>{let k=new(void 0)({concurrency:r});_.forEach(x=>{k.add(async()=>{await this.mkdir(jt.default.join(n,x),"sftp",d)}).catch(y)}),g(k.waitTillIdle())}),await new Promise((g,y)=>{let k=new(void 0)({concurrency:r});p.forEach(x=>{k.add(async()=>{let T=jt.default.join(t,x),E=jt.default.join(n,x);try{await this.putFile(T,E,d,i),c(T,E,null)}catch(L){$=!0,c(T,E,L)}}).catch(y)}),g(k.waitTillIdle())})}finally{s||d.end()}return!$}async getDirectory(t,n,{concurrency:r=Uf,sftp:s=null,transferOptions:i={},recursive:o=!0,tick:c=mw,validate:l=_w}={}){(0,ge.default)(typeof t=="string"&&t,"localDirectory must be a string"),(0,ge.default)(typeof n=="string"&&n,"remoteDirectory must be a string");let u=await new Promise(g=>{zs.default.stat(t,(y,k)=>{g(k||null)})});(0,ge.default)(u!=null,`localDirectory does not exist at ${t}`),(0,ge.default)(u.isDirectory(),`localDirectory is not a directory at ${t}`);let d=s||await this.requestSFTP(),f=await(0,Mf.default)(n,{recursive:o,validate:l,concurrency:r,fileSystem:{basename(g){return jt.default.posix.basename(g)},join(g,y){return jt.default.posix.join(g,y)},readdir(g){return new Promise((y,k)=>{d.readdir(g,(x,T)=>{x?k(x):y(T.map(E=>E.filename))})})},stat(g){return new Promise((y,k)=>{d.stat(g,(x,T)=>{x?k(x):y(T)})})}}}),p=f.files.map(g=>jt.default.relative(n,g)),_=f.directories.map(g=>jt.default.relative(n,g));_.sort((g,y)=>g.length-y.length);let $=!1;try{await new Promise((g,y)=>{let k=new(void 0)({concurrency:r});_.forEach(x=>{k.add(async()=>{await(0,gw.default)(jt.default.join(t,x))}).catch(y)}),g(k.waitTillIdle())}),await new Promise((g,y)=>{let k=new(void 0)({concurrency:r});p.forEach(x=>{k.add(async()=>{let T=jt.default.join(t,x),E=jt.default.join(n,x);try{await this.getFile(T,E,d,i),c(T,E,null)}catch(L){$=!0,c(T,E,L)}}).catch(y)}),g(k.waitTillIdle())})}finally{s||d.end()}return!$}forwardIn(t,n,r){let s=this.getConnection();return new Promise((i,o)=>{s.forwardIn(t,n,(c,l)=>{if(c){o(c);return}let u=a((f,p,_)=>{f.destIP===t&&f.destPort===l&&r?.(f,p,_)},"handler");r&&s.on("tcp connection",u),i({port:l,dispose:a(()=>new Promise((f,p)=>{s.off("tcp connection",u),s.unforwardIn(t,l,_=>{_&&p(c),f()})}),"dispose")})})})}forwardOut(t,n,r,s){let i=this.getConnection();return new Promise((o,c)=>{i.forwardOut(t,n,r,s,(l,u)=>{if(l){c(l);return}o(u)})})}forwardInStreamLocal(t,n){let r=this.getConnection();return new Promise((s,i)=>{r.openssh_forwardInStreamLocal(t,o=>{if(o){i(o);return}let c=a((u,d,f)=>{u.socketPath===t&&n?.(u,d,f)},"handler");n&&r.on("unix connection",c),s({dispose:a(()=>new Promise((u,d)=>{r.off("unix connection",c),r.openssh_unforwardInStreamLocal(t,f=>{f&&d(f),u()})}),"dispose")})})})}forwardOutStreamLocal(t){let n=this.getConnection();return new Promise((r,s)=>{n.openssh_forwardOutStreamLocal(t,(i,o)=>{if(i){s(i);return}r(o)})})}dispose(){this.connection&&(this.connection.end(),this.connection=null)}};var ww=require("node:timers/promises");function bc(e){return/^(::ffff:)?127\.|^::1$/.test(e)}a(bc,"isLoopback");var yw=require("node:timers/promises");var $r=class extends Error{static{a(this,"SlowSessionError")}},WP=3,GP=150;function Ac({target:e,open:t,gone:n}){let r=0,s=a(async c=>{let l=await t(c,{isFirst:r===0});return r+=1,l},"openNow"),i,o=a(async c=>{let{command:l,channel:u}=i??{};i=void 0;let d=await u;if(l===c&&d?.input.writable)return d;d?.destroy()},"takePrepared");return{prepare:a(c=>{let l=s(c).catch(()=>{});return i={command:c,channel:l},l.then(()=>{})},"prepare"),exec:a(async c=>{for(let l=1;;l+=1)try{return await o(c)??await s(c)}catch(u){if(!(l<WP&&n()===void 0&&!(u instanceof $r)))throw ZP(e,{error:n()??u,opened:r});await(0,yw.setTimeout)(l*GP)}},"exec")}}a(Ac,"sessionsOver");function ZP({name:e},{error:t,opened:n}){let r={what:"Opening a session",where:e,why:`${t.message}.`,cause:t};if(t instanceof $r){let s="check what logins wait for on the host (PAM, systemd-logind); it may need connect-timeout-seconds.";return new Ue({...r,remedy:s})}if(n>0){let s=`the server refused a further session on this connection (${t.message}): it allows fewer than are needed (MaxSessions in sshd_config; tinysshd allows one).`;return new Ue({...r,why:s,remedy:"raise MaxSessions there, or run OpenSSH beside that server."})}return new Ue({...r,remedy:"check the log of sshd there (MaxSessions, ForceCommand, the login shell)."})}a(ZP,"sessionFailure");var YP=500;function bw(e,t,{socket:n,shortestMs:r,firstSessionSeconds:s}){let i=!1,o,c=Number.POSITIVE_INFINITY,l=new Promise(p=>{t.on("error",_=>{o=_}),t.on("close",()=>p(i?void 0:o??new Error("the connection was closed")))}),u=a((p,{isFirst:_})=>new Promise(($,g)=>{l.then(x=>g(x??new Error("the connection is closed")));let y=performance.now(),k=_?XP(t,s,g):void 0;t.exec(p,(x,T)=>(k?.end(),c=Math.min(c,performance.now()-y),x?g(x):$(VP(T))))}),"open"),d=a(()=>o??(i?new Error("the connection is closed"):void 0),"gone"),f=a(()=>Math.min(r,c/2),"roundTripMs");return{...Ac({target:e,open:u,gone:d}),target:e,isNear:a(()=>"remoteAddress"in n&&bc(n.remoteAddress??"")&&f()<20,"isNear"),roundTripMs:f,lost:l,forward:a(p=>JP(t,{from:e,to:p}),"forward"),[Symbol.asyncDispose]:async()=>{i=!0,t.end(),await Promise.race([l,(0,ww.setTimeout)(1e3,void 0,{ref:!1})]),t.destroy()}}}a(bw,"openHost");function VP(e){let t=null;return e.on("exit",n=>{t=n}),{input:e,output:e,errors:e.stderr,closed:new Promise(n=>{e.on("close",()=>n(t)).on("error",()=>n(t))}),destroy:a(()=>e.destroy(),"destroy")}}a(VP,"channelOf");function XP(e,t,n){let{_resetKA:r}=e,s=setInterval(()=>r?.(),YP),i=a(()=>{clearInterval(s),clearTimeout(o)},"end"),o=setTimeout(()=>{i(),n(new $r(`the login was accepted, but no session was opened within ${t} s`))},t*1e3);return{end:i}}a(XP,"bePatient");async function JP(e,{from:t,to:n}){return new Promise((r,s)=>{let i=a(l=>s(new Ue({what:"Connecting",where:n.name,why:`the jump host ${t.name} can't reach it: ${l.message}.`,remedy:"check the address from the jump host, and AllowTcpForwarding there.",cause:l})),"fail"),o=Object.assign(new Error(`no answer within ${n.connectTimeoutSeconds} s`),{level:"client-timeout"}),c=setTimeout(i,n.connectTimeoutSeconds*1e3,o);e.forwardOut("127.0.0.1",0,n.host,n.port,(l,u)=>{clearTimeout(c),l?i(l):r(u)})})}a(JP,"forward");function qf(e){let{code:t="",level:n,message:r=""}=e??{};return jf.test(r)||["ECONNREFUSED","ECONNRESET","ETIMEDOUT","EHOSTUNREACH","ENETUNREACH","EPIPE","EAI_AGAIN"].includes(`${t}`)?!0:n==="client-timeout"}a(qf,"isTransient");function Kf({fields:{cause:e}}){return e!==void 0&&(qf(e)||e.code==="ENOTFOUND")}a(Kf,"isUnreachable");function Aw(e){let{message:t=""}=e??{};return/no matching|bad packet length/i.test(t)}a(Aw,"mayNeedOpenSsh");var jf=/lost before handshake|No response from server/i;function kw(e,t,n){let{code:r="",level:s=""}=e,i=Ve(e.message),o=`${t.host} port ${t.port}`;return r==="ECONNREFUSED"?{why:`${o} refused the connection.`,remedy:"check that sshd is running there and listens on that port."}:r==="ENOTFOUND"||r==="EAI_AGAIN"?{why:`the name ${t.host} can't be resolved.`,remedy:"correct host, or add it to the SSH config or DNS of the runner."}:r==="EHOSTUNREACH"||r==="ENETUNREACH"?{why:`there is no route to ${o}.`,remedy:"check the address and the network of the runner."}:r==="EADDRNOTAVAIL"?{why:`the runner can't connect to ${o} from ${t.bindAddress??"any of its addresses"}.`,remedy:"correct BindAddress and AddressFamily in the SSH config."}:!jf.test(i)&&(r==="ETIMEDOUT"||s==="client-timeout")?n.offers.keys.length>0?{why:`${o} did not finish the login within ${t.connectTimeoutSeconds} s.`,remedy:"check what logins wait for there (PAM, a directory, DNS); a slow one needs connect-timeout-seconds."}:{why:`${o} did not answer within ${t.connectTimeoutSeconds} s.`,remedy:"check the address, the firewall, and whether the host is up; a slow one needs connect-timeout-seconds."}:s==="client-authentication"?rT(t,n):/too many authentication failures/i.test(i)?sT(t,n):r==="ECONNRESET"||jf.test(i)?eT(o,n):/bad packet length/i.test(i)?{why:`${o} sent a packet above 35 kB, more than the built-in client reads: most likely its Banner.`,remedy:"shorten the file that Banner in sshd_config names."}:/no matching/i.test(i)?nT(i,n):/protocol|handshake|ident|version/i.test(i)||s==="protocol"?{why:`${o} does not speak SSH as expected: ${i}.`,remedy:"check that an SSH server listens on that port."}:{why:`${i}.`,remedy:"check the address, the port and the SSH server there."}}a(kw,"whyNotConnected");function eT(e,{offers:t}){return t.keys.length===0?{why:`${e} closed the connection before the login.`,remedy:"check there whether it is full (MaxStartups) or bans this address (fail2ban, PerSourcePenalties)."}:{why:`${e} closed the connection during the login.`,remedy:"check the log of the SSH server there: it may not admit this account (AllowUsers, DenyUsers, an expired account)."}}a(eT,"closed");function vw(){let e={};return{read:a(t=>{let[,n,r]=/^Handshake: \(remote\) (.+?): (.*)$/.exec(t)??[];n!==void 0&&r!==void 0&&(e[n]=r)},"read"),found:a(()=>e,"found")}}a(vw,"serverAlgorithms");var tT=[[/key exchange/i,"KEX method","KexAlgorithms"],[/host key/i,"Host key format","HostKeyAlgorithms"],[/cipher/i,"C->S cipher","Ciphers"],[/mac/i,"C->S MAC","MACs"],[/compression/i,"C->S compression","Compression"]];function nT(e,{algorithms:t}){let[,n="",r=""]=tT.find(([o])=>o.test(e))??[],s=t[n]?.replaceAll(",",", "),i=s?` The server offers only ${s}.`:"";return{why:`no algorithm in common: ${e.replace(/^Handshake failed: /,"")}.${i}`,remedy:`allow further algorithms in sshd_config there (${r}), or update the server; outdated ones are not used.`}}a(nT,"noCommonAlgorithm");function rT({user:e},{offers:t,skipped:n}){let{keys:r,methods:s,partial:i,accepted:o,prompts:c}=t,l=n.length>0?` Not offered: ${n.join("; ")}.`:"";if(i){let u=c.length>0?` It asks: ${c.join(" ")}`:"";return{why:`the server accepted the key (${o}) and wants a second factor besides: ${s.join(", ")}.${u}`,remedy:`let ${e} log in with a key alone there (Match User ${e}, AuthenticationMethods publickey), or use another account.`}}return s.length>0&&!s.includes("publickey")?{why:`the server accepts no keys for ${e}, only ${s.join(", ")}.`,remedy:"allow PubkeyAuthentication there."}:r.length===0?{why:`there is no key to log in with.${l}`,remedy:"set ssh-key, or put a key where the SSH config or agent of the runner has it."}:{why:`the server accepts none of the keys offered for ${e}: ${r.join(", ")}.${l}`,remedy:`add the public key to ~/.ssh/authorized_keys of ${e} there, or correct user and ssh-key.`}}a(rT,"loginRefused");function sT({user:e},{offers:{keys:t}}){let n=t.length===1?"the first key":`${t.length} keys`;return{why:`the server ended the login for ${e} after ${n} (MaxAuthTries): ${t.join(", ")}.`,remedy:"give the right key alone in ssh-key, or name it in the SSH config with IdentityFile and IdentitiesOnly."}}a(sT,"tooManyKeys");var kc=require("node:fs");var no=require("node:fs");var xw=/[*?[\\]/;function Ew(e){if(!xw.test(e))return(0,no.existsSync)(e)?[e]:[];let t=e.split("/").filter(r=>r!==""),n=[e.startsWith("/")?"":"."];for(let r of t)n=n.flatMap(s=>iT(s,r));return n.sort((r,s)=>Buffer.compare(Buffer.from(r),Buffer.from(s)))}a(Ew,"globPaths");function iT(e,t){if(!xw.test(t))return(0,no.existsSync)(`${e}/${t}`)?[`${e}/${t}`]:[];let n=oT(t);try{return(0,no.readdirSync)(`${e}/`).filter(s=>n.test(s)).filter(s=>!s.startsWith(".")||t.startsWith(".")).map(s=>`${e}/${s}`)}catch{return[]}}a(iT,"entriesOf");function oT(e){let t="";for(let n=0;n<e.length;n+=1){let r=e[n]??"",s=r==="["?aT(e,n):void 0;s?(t+=s.source,n=s.end):r==="*"?t+="[^]*":r==="?"?t+="[^]":r==="\\"&&n+1<e.length?(n+=1,t+=to(e[n]??"")):t+=to(r)}return new RegExp(`^${t}$`,"u")}a(oT,"patternOf");function aT(e,t){let n=/^\[(!?)((?:\]|\[:\w+:\]|[^\]])(?:\[:\w+:\]|[^\]])*)\]/u.exec(e.slice(t));if(!n)return;let[r,s,i=""]=n,c=[...i.matchAll(/\[:(\w+):\]|(.)-(.)|(.)/gsu)].map(([,u,d,f,p])=>u!==void 0?cT[u]??"":p!==void 0?to(p):(d??"")<=(f??"")?`${to(d??"")}-${to(f??"")}`:"").join("");return{source:c===""?s?"[^]":"[^\\s\\S]":`[${s?"^":""}${c}]`,end:t+r.length-1}}a(aT,"setAt");var cT={alnum:"A-Za-z0-9",alpha:"A-Za-z",digit:"0-9",lower:"a-z",punct:"!-\\/:-@\\[-`\\{-~",space:"\\s",upper:"A-Z",xdigit:"0-9A-Fa-f"};function to(e){return e.replace(/[\\^$.*+?()[\]{}|/-]/,"\\$&")}a(to,"literal");var lT="/etc/ssh/ssh_config";function vc(e,t){if(e===void 0)return[...t.flatMap(i=>Iw(`${i}/.ssh/config`)),...qt(lT).map(i=>({...i,system:!0}))];let n=e.startsWith("~/")?t.map(s=>`${s}/${e.slice(2)}`):[e],r=n.flatMap(s=>qt(s))[0];if(r)return[r];throw new Ue({what:"Reading the SSH config",why:`there is no readable file ${n[0]} on the runner.`,remedy:"correct ssh-config, or leave it out to use ~/.ssh/config."})}a(vc,"configFiles");function Sw(e){return Ew(e).flatMap(t=>Iw(t))}a(Sw,"includedFiles");function qt(e){try{return[{path:e,text:(0,kc.readFileSync)(e,"utf8")}]}catch{return[]}}a(qt,"readIfThere");function Iw(e){let t=uT(e);if(!t||t.isDirectory())return[];if(!(t.uid===0||t.uid===process.getuid?.())||(t.mode&18)!==0)throw new yt(`${e} may be written by others than its owner, or has another owner; ssh refuses it too`,`give it to the account that runs the job, and run: chmod go-w ${e}`);let[r]=qt(e);if(!r)throw new yt(`${e} can't be read`);return[r]}a(Iw,"readChecked");function uT(e){try{return(0,kc.statSync)(e)}catch{return}}a(uT,"statOf");var qs=require("node:crypto");function xc(e){return e.split(`
`).flatMap(t=>{let[,n="",r=""]=/^[ \t]*(?:(@[^ ]+)[ \t]+)?(.*)$/.exec(t.replace(/\r+$/,""))??[],[s="",i="",o=""]=r.split(/[ \t]+/);if(s===""||s.startsWith("#")||!["","@revoked","@cert-authority"].includes(n))return[];if(!/^[A-Za-z0-9+/]+={0,2}$/.test(o)||o.length%4!==0)return[];let c=Buffer.from(o,"base64");return!fT(c)||(dT[i]??i)!==js(c)?[]:[{marker:n,hosts:s,type:js(c),key:c}]})}a(xc,"parseKnownHosts");var dT={"rsa-sha2-256":"ssh-rsa","rsa-sha2-512":"ssh-rsa"};function Pw(e,t,n){if(e.some(l=>l.marker==="@revoked"&&l.key.equals(n)&&Cc(l,t)))return"revoked";let[s="",...i]=t,o=Cw(e,s,n);return o==="unknown"&&i.some(l=>Cw(e,l,n)==="known")?"known":o}a(Pw,"judgeHostKey");function Cw(e,t,n){let r=e.filter(s=>s.marker===""&&Cc(s,[t]));return r.some(s=>s.key.equals(n))?"known":r.some(({type:s})=>s===js(n))?"changed":r.length>0?"other type known":"unknown"}a(Cw,"judgeByName");function Ec(e,t){for(let n of t){let r=e.filter(s=>s.marker===""&&Cc(s,[n])).map(({type:s})=>s);if(r.length>0)return[...new Set(r)]}return[]}a(Ec,"knownTypes");function Sc(e,t){return e.some(n=>n.marker==="@cert-authority"&&Cc(n,t))}a(Sc,"hasAuthority");function Ks(e,t,n){if(n)return[n];let r=e.toLowerCase();return t===22?[r]:[`[${r}]:${t}`,r]}a(Ks,"lookupNames");function Ic(e,t){return`${e} ${js(t)} ${t.toString("base64")}`}a(Ic,"knownHostsLine");function Xn(e){return`SHA256:${(0,qs.createHash)("sha256").update(e).digest("base64").replace(/=+$/,"")}`}a(Xn,"fingerprint");function js(e){return e.subarray(4,4+(e.length>=4?e.readUInt32BE(0):0)).toString("latin1")}a(js,"hostKeyType");function Qf(e,t=(0,qs.randomBytes)(20)){let n=(0,qs.createHmac)("sha1",t).update(e).digest("base64");return`|1|${t.toString("base64")}|${n}`}a(Qf,"hashedName");function ro(e){let[t,,n]=Tw(e)??[];if(!(t?.toString("latin1")!=="ssh-rsa"||!n))return Nw(n)}a(ro,"rsaBits");function Cc({hosts:e},t){let[,,n]=e.split("|");return t.some(r=>e.startsWith("|")?n!==void 0&&Qf(r,Buffer.from(n,"base64"))===e:Si(r,e.split(",")))}a(Cc,"isFor");function fT(e){let t=Tw(e);if(!t)return!1;let[n="",...r]=[t[0]?.toString("latin1")??"",...t.slice(1)];return pT[n]!==r.length?!1:n==="ssh-ed25519"?r[0].length===32:n!=="ssh-rsa"||Nw(r[1])>=1024}a(fT,"isWholeKey");var pT={"ssh-ed25519":1,"ssh-rsa":2,"ssh-dss":4,"ecdsa-sha2-nistp256":2,"ecdsa-sha2-nistp384":2,"ecdsa-sha2-nistp521":2,"sk-ssh-ed25519@openssh.com":2,"sk-ecdsa-sha2-nistp256@openssh.com":3};function Tw(e){let t=[];for(let n=0;n<e.length;){let r=n+4<=e.length?n+4+e.readUInt32BE(n):Number.POSITIVE_INFINITY;if(r>e.length)return;t.push(e.subarray(n+4,r)),n=r}return t}a(Tw,"fieldsOf");function Nw(e){let t=e.findIndex(n=>n!==0);return t<0?0:(e.length-t)*8-Math.clz32(e[t]??0)+24}a(Nw,"bitsOf");var Ow={"ssh-ed25519":["ssh-ed25519"],"ecdsa-sha2-nistp256":["ecdsa-sha2-nistp256"],"ecdsa-sha2-nistp384":["ecdsa-sha2-nistp384"],"ecdsa-sha2-nistp521":["ecdsa-sha2-nistp521"],"ssh-rsa":["rsa-sha2-512","rsa-sha2-256"]};function Rw(e,{checking:t,given:n,log:r}){let s=n??e.knownHostsFiles.flatMap(f=>qt(f)).map(f=>f.text).join(`
`),i=xc(s),o=Ks(e.host,e.port,e.hostKeyAlias),c=Ec(i,o),l=c.flatMap(f=>Ow[f]??[]),u,d;return{algorithms:hT([...new Set([...l,...Object.values(Ow).flat()])],e),refusal:a(()=>u,"refusal"),newKey:a(()=>d,"newKey"),accepts:a(f=>{let p=Pw(i,o,f),_=_T(f,e);if(p==="known"&&!_)return!0;if(t==="insecure")return r.warning(`The host key of ${e.name} was not checked (host-key-checking: insecure): ${Xn(f)}`),!0;let $=Ic(o[0]??e.host,f);return t==="accept-new"&&p==="unknown"&&!_?(r.warning(`New host key of ${e.name} accepted (host-key-checking: accept-new): ${$}`),n===void 0&&(d=f),!0):(u=mT(e,{reason:_?"short":p,key:f,line:$,types:c,authority:Sc(i,o)}),!1)},"accepts")}}a(Rw,"hostKeyJudge");function hT(e,{hostKeyAlgorithms:t,written:n}){if(t===void 0||t.startsWith("+"))return e;let r=t.replace(/^[-^]/,"").split(","),s=a(o=>Rn(o,r),"named");if(t.startsWith("-"))return i(e.filter(o=>!s(o)));if(t.startsWith("^"))return[...e].sort((o,c)=>Number(s(c))-Number(s(o)));return i(e.filter(s));function i(o){if(o.length>0)return o;throw new Ue({what:`Reading the SSH config for ${n}`,why:`HostKeyAlgorithms ${t} leaves nothing that the built-in client knows (${e.join(", ")}).`,remedy:"allow one of them there, or give another config with ssh-config."})}}a(hT,"allowed");function _T(e,{rsaBitsAtLeast:t}){return(ro(e)??t)<t}a(_T,"isShort");function mT(e,{reason:t,key:n,line:r,types:s,authority:i}){let o=`${js(n)} ${Xn(n)}`,c={revoked:`its host key is marked as revoked: ${o}.`,changed:`its host key has changed: it offers ${o}, which is not the one known for it.`,"other type known":`known_hosts has only ${s.join(", ")} for it, but it offered ${o}.`,unknown:i?`its host key is known only through a certificate authority (@cert-authority), which is not supported; it offers ${o}.`:`its host key is unknown: it offers ${o}.`,short:`its host key is too short: it offers ${o} with ${ro(n)} bits, and RequiredRSASize is ${e.rsaBitsAtLeast}.`,known:""}[t],l={revoked:"find out which host answers there, and why its key was revoked.",changed:`find out why before you trust it (new machine, or somebody in between). If it is right, replace its known_hosts line by:
${r}`,"other type known":`if that is the right host, add this line to known-hosts:
${r}`,unknown:`compare the fingerprint with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there), then add this line to known-hosts:
${r}`,short:"give the host a longer key (ssh-keygen -t ed25519), or lower RequiredRSASize in the SSH config.",known:""}[t];return new Ue({what:"Connecting",where:e.name,why:c,remedy:l})}a(mT,"refusal");var Fw=gt(eo(),1);var Pc=gt(eo(),1);var Bw=5;async function Lw(e){let t=new Pc.default.OpenSSHAgent(e),n,r=new Promise(i=>{n=setTimeout(i,Bw*1e3,`it did not answer within ${Bw} s`)}),s=new Promise(i=>{t.getIdentities((o,c=[])=>{if(o)return i(o.message);let l=c.map(u=>Pc.default.utils.parseKey(u)).flatMap(u=>Array.isArray(u)?u:[u]);return i(l.flatMap(u=>u instanceof Error?[]:[{key:u,agent:new Wf(e,u)}]))})});try{return await Promise.race([s,r])}finally{clearTimeout(n)}}a(Lw,"agentKeys");var Wf=class extends Pc.default.OpenSSHAgent{static{a(this,"OneKey")}#e;constructor(t,n){super(t),this.#e=n}getIdentities(t){t(void 0,[this.#e])}};var Dw=require("node:crypto"),Uw=gt(eo(),1);function Ot(e){let t=Buffer.from(e),n=Buffer.alloc(4);return n.writeUInt32BE(t.length),Buffer.concat([n,t])}a(Ot,"lengthFirst");function Gf(e,t){let n=gT(e);if(n.includes("PuTTY-User-Key-File"))return"it is a PuTTY key: export it as an OpenSSH key first";let r=[...n.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----/gs)];if(r.length===0)return $T(n);let s=[];for(let[i,[,o="",c=""]]of r.entries()){let l=yT(o,c,t);if(typeof l=="string")return r.length>1?`key ${i+1} of ${r.length}: ${l}`:l;s.push(l)}return s}a(Gf,"parseKeys");function gT(e){let t=e.replace(/^\uFEFF/,"").trim().replace(/^(["'])(.*)\1$/s,"$2").replaceAll(/\\r|\r/g,"").replaceAll("\\n",`
`);if(t.includes("-----")||!/^[A-Za-z0-9+/=\s]+$/.test(t))return t;let n=Buffer.from(t,"base64").toString("latin1");return n.includes("-----BEGIN ")?n.replaceAll("\r",""):n.startsWith("openssh-key-v1\0")?Zf("OPENSSH PRIVATE KEY",t):t}a(gT,"repaired");function $T(e){return/^(ssh-|ecdsa-|sk-)[\w@.-]*-cert-v01@/.test(e)?"it is a certificate; the private key is needed":/^(ssh-|ecdsa-|sk-)/.test(e)?"it is a public key; the private one is needed":/-----BEGIN [A-Z0-9 ]+-----/.test(e)?"it is cut off: its last line (-----END …-----) is missing":/-----END [A-Z0-9 ]+-----/.test(e)?"its first line (-----BEGIN …-----) is missing":"it is not a private key in a known format (OpenSSH, PEM)"}a($T,"whyNoBlock");function yT(e,t,n){if(e.endsWith("PUBLIC KEY"))return"it is a public key; the private one is needed";if(e.includes("CERTIFICATE"))return"it is a certificate; the private key is needed";let r=Zf(e,t);if(e==="OPENSSH PRIVATE KEY"&&Yf(r))return"it belongs to a security key (FIDO), which somebody would have to touch; use a key without one";let s=e.endsWith("PRIVATE KEY")&&/^(ENCRYPTED )?PRIVATE KEY$/.test(e)?wT(r,n):r,i=Uw.default.utils.parseKey(s,n),o=Array.isArray(i)?i[0]:i;return o===void 0?"it holds no key":o instanceof Error?AT(o.message,n):o.isPrivateKey()?o:"it is a public key; the private one is needed"}a(yT,"parseBlock");function Zf(e,t){let n=[...t.matchAll(/(Proc-Type|DEK-Info): *(\S+)/g)].map(([i])=>i),r=t.replace(/(Proc-Type|DEK-Info): *\S+/g,"").replace(/\s+/g,""),s=[...n.length>0?[...n,""]:[],...r.match(/.{1,64}/g)??[]];return`-----BEGIN ${e}-----
${s.join(`
`)}
-----END ${e}-----
`}a(Zf,"block");function Yf(e){let[,t=""]=/-----BEGIN OPENSSH PRIVATE KEY-----(.*?)-----END/s.exec(e)??[],n=Buffer.from(t.replace(/\s+/g,""),"base64").subarray(0,300).toString("latin1");return/sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com/.test(n)}a(Yf,"isForSecurityKey");function wT(e,t){try{let n=(0,Dw.createPrivateKey)({key:e,...t===void 0?{}:{passphrase:t}});if(n.asymmetricKeyType==="rsa")return n.export({type:"pkcs1",format:"pem"}).toString();if(n.asymmetricKeyType==="ec")return n.export({type:"sec1",format:"pem"}).toString();if(n.asymmetricKeyType==="ed25519"){let{x:r="",d:s=""}=n.export({format:"jwk"});return bT(Buffer.from(r,"base64url"),Buffer.from(s,"base64url"))}}catch{}return e}a(wT,"fromPkcs8");function bT(e,t){let n=Ot("ssh-ed25519"),r=Buffer.alloc(8),s=Buffer.concat([r,n,Ot(e),Ot(Buffer.concat([t,e])),Ot("")]),i=Buffer.from(Array.from({length:(8-s.length%8)%8},(u,d)=>d+1)),o=Ot("none"),c=Buffer.from([0,0,0,1]),l=Buffer.concat([Buffer.from("openssh-key-v1\0"),o,o,Ot(""),c,Ot(Buffer.concat([n,Ot(e)])),Ot(Buffer.concat([s,i]))]);return Zf("OPENSSH PRIVATE KEY",l.toString("base64"))}a(bT,"openSshEd25519");function AT(e,t){return/no passphrase given|passphrase required/i.test(e)?"it is encrypted, and no passphrase is given (ssh-key-passphrase)":/integrity|bad passphrase|bad decrypt|decrypt/i.test(e)&&t!==void 0?"its passphrase is wrong":/unsupported key format/i.test(e)?"it is not a private key in a known format (OpenSSH, PEM)":`it can't be read: ${e}`}a(AT,"unusable");async function Mw({sshKey:e,passphrase:t},n){if(e!==void 0)return{identities:Tc("ssh-key",e,t),skipped:[]};let r=[...n.notOffered],s=a(u=>n.identityFiles.filter(d=>d.named===u).flatMap(({path:d})=>zw(d,t,r)),"fromFiles"),i=s(!0),o=s(!1),c=await kT(n,r),l=[...i,...c,...o].filter(u=>xT(u,n,r));return{identities:ET(l),skipped:r}}a(Mw,"identitiesOf");function Tc(e,t,n){let r=Gf(t,n);if(typeof r!="string")return r.map((s,i)=>({label:r.length>1?`${e} (${i+1} of ${r.length})`:e,key:s,agent:void 0}));throw new Ue({what:`Reading ${e}`,why:`${r}.`,remedy:"store the whole private key, with its first and last line, as the secret; and its passphrase in ssh-key-passphrase."})}a(Tc,"givenKeys");function Hw({identityFiles:e},t){return e.flatMap(({path:n})=>zw(n,t,[]))}a(Hw,"keysInFiles");function zw(e,t,n){let[r]=qt(e);if(!r)return[];qt(`${e}-cert.pub`).length>0&&n.push(`${e}-cert.pub: the built-in client can't use certificates`);let s=Gf(r.text,t);return typeof s!="string"?s.map(i=>({label:e,key:i,agent:void 0})):(n.push(`${e}: ${s}`),[])}a(zw,"fileKeys");async function kT({agent:e,identitiesOnly:t,identityFiles:n},r){if(e===void 0)return[];let s=await Lw(e);if(typeof s=="string")return r.push(`agent ${e}: ${s}`),[];let i=t?n.flatMap(({path:o})=>vT(o)):[];return s.filter(({key:o})=>!t||i.some(c=>c.equals(o.getPublicSSH()))).map(({key:o,agent:c})=>({label:`agent ${e}, ${o.type} ${Xn(o.getPublicSSH())}`,key:o,agent:c}))}a(kT,"fromAgent");function vT(e){return[...qt(e),...qt(`${e}.pub`)].flatMap(({text:t})=>Fw.default.utils.parseKey(t)).flatMap(t=>t instanceof Error?[]:[t.getPublicSSH()])}a(vT,"publicKeys");function xT({label:e,key:t},{rsaBitsAtLeast:n},r){let s=ro(t.getPublicSSH());return s===void 0||s>=n?!0:(r.push(`${e}: it has ${s} bits, and RequiredRSASize is ${n}`),!1)}a(xT,"isLongEnough");function ET(e){let t=new Set;return e.filter(({key:n})=>{let r=n.getPublicSSH().toString("base64");return t.has(r)?!1:(t.add(r),!0)})}a(ET,"withoutRepeats");function jw(e,t,n){let r={keys:[],accepted:void 0,methods:[],partial:!1,prompts:[]},s=t.map(o=>({method:"publickey",identity:o})),i;return{offers:r,handler:a((o,c,l)=>{for(i===void 0&&(s.length===0||ST(n()))&&s.unshift({method:"none"}),o&&(r.methods=o),c&&(Object.assign(r,{partial:!0,accepted:PT(i)}),s.push({method:"keyboard-interactive"})),i=s.shift();i&&!IT(i,r);)i=s.shift();i?.identity&&r.keys.push(i.identity.label),l(i?CT(i,e,r):!1)},"handler")}}a(jw,"offerInTurn");function ST(e){let{_remoteVer:t=""}=e??{};return!/^(OpenSSH|dropbear)/i.test(t)}a(ST,"mayNeedNoKey");function IT({method:e},{methods:t,partial:n}){return e==="none"?!n:t.length===0||t.includes(e)}a(IT,"isWorthAsking");function CT({method:e,identity:t},n,r){return t?.agent?{type:"agent",username:n,agent:t.agent}:t?{type:"publickey",username:n,key:t.key}:e==="none"?{type:"none",username:n}:{type:"keyboard-interactive",username:n,prompt:a((s,i,o,c,l)=>{r.prompts.push(...c.map(({prompt:u})=>u.trim())),l([])},"prompt")}}a(CT,"methodOf");function PT(e){return e?.identity?.label}a(PT,"labelOf");var qw=require("node:dns/promises"),Kw=require("node:net");async function Qw(e){let{host:t,port:n,addressFamily:r,bindAddress:s,connectTimeoutSeconds:i}=e,o=i*1e3,c,l,u=new Promise((p,_)=>{l=setTimeout(()=>_(Object.assign(new Error("no answer"),{level:"client-timeout"})),o)}),f=a(async()=>{let p=await(0,qw.lookup)(t,{all:!0,family:r});c=(0,Kw.connect)({host:t,port:n,noDelay:!0,lookup:TT(p),...s===void 0?{}:{localAddress:s},autoSelectFamily:p.length>1,autoSelectFamilyAttemptTimeout:Math.max(10,Math.floor(o/p.length))});let _=c;return await new Promise(($,g)=>{_.once("connect",$).once("error",y=>g(NT(y)))}),_},"opened")();try{return await Promise.race([f,u])}catch(p){throw f.catch(()=>{}),c?.on("error",()=>{}).destroy(),p}finally{clearTimeout(l)}}a(Qw,"openSocket");function TT(e){return(t,n,r)=>{n.all?r(null,e):r(null,e[0]?.address??"",e[0]?.family)}}a(TT,"answerWith");function NT(e){let t=e instanceof AggregateError?e.errors:[];for(let n of["ECONNREFUSED","ETIMEDOUT"])for(let r of t)if(r.code===n)return r;return t[0]??e}a(NT,"mostTelling");var Nc=require("node:fs"),Ww=require("node:path");function Gw(e,t){let{newKeysFile:n,hashKnownHosts:r}=e,[s=e.host]=Ks(e.host,e.port,e.hostKeyAlias);if(n===void 0)return;let i=Ic(r?Qf(s):s,t);try{(0,Nc.mkdirSync)((0,Ww.dirname)(n),{recursive:!0,mode:448});let o=qt(n)[0]?.text??"",c=o===""||o.endsWith(`
`)?"":`
`;(0,Nc.appendFileSync)(n,`${c}${i}
`,{mode:384})}catch{}}a(Gw,"rememberHostKey");var OT=[[/^Outbound: Sending KEX(EC)?DH_INIT/,/^Received DH Reply/],[/^Outbound: Sending SERVICE_REQUEST /,/^Inbound: Received SERVICE_ACCEPT /],[/^Outbound: Sending USERAUTH_REQUEST \(publickey -- check\)/,/^Inbound: Received USERAUTH_(PK_OK|FAILURE)/]];function Zw(e=()=>performance.now()){let t,n=Number.POSITIVE_INFINITY;return{read:a(r=>{let s=OT.find(([i])=>i.test(r));s?t={at:e(),answers:s[1]}:t?.answers.test(r)&&(n=Math.min(n,e()-t.at),t=void 0)},"read"),shortestMs:a(()=>n,"shortestMs")}}a(Zw,"timeHandshake");var so=60;async function Yw(e,{inputs:t,context:n,sock:r,jump:s}){let{log:i}=n,o=Rw(e,{checking:Vf(t,e,i),given:t["known-hosts"],log:i}),c={sshKey:t["ssh-key"],passphrase:t["ssh-key-passphrase"]},l=await Mw(c,e),{client:u,socket:d,shortestMs:f,accepted:p}=await RT(e,{judge:o,identities:l,sock:r,jump:s});return c.sshKey===void 0&&i.line(`Logged in to ${e.name} with ${p}; ssh-key is not set.`),bw(e,u,{socket:d,shortestMs:f,firstSessionSeconds:t["connect-timeout-seconds"]??so})}a(Yw,"login");async function RT(e,{judge:t,identities:n,sock:r,jump:s}){let{skipped:i}=n,o=performance.now(),c=new wc,{offers:l,handler:u}=jw(e.user,n.identities,()=>c.connection),d=vw(),f=Zw(),p=r;try{p??=await Qw(e),BT(p),await c.connect({sock:p,username:e.user,readyTimeout:Math.max(1,e.connectTimeoutSeconds*1e3-(performance.now()-o)),keepaliveInterval:e.keepaliveSeconds*1e3,keepaliveCountMax:e.keepaliveMissed,hostVerifier:a($=>t.accepts($),"hostVerifier"),authHandler:u,debug:a($=>{d.read($),f.read($)},"debug"),algorithms:{cipher:["aes128-gcm@openssh.com","aes256-gcm@openssh.com","aes128-ctr","aes256-ctr","chacha20-poly1305@openssh.com"],serverHostKey:t.algorithms}})}catch($){p?.destroy();let g=t.refusal();if(g)throw g;let y=kw($,e,{offers:l,skipped:i,algorithms:d.found()}),k=s?"Connecting to the jump host":"Connecting";throw new Ue({what:k,where:e.name,...y,cause:$})}finally{let $=t.newKey();$&&Gw(e,$)}let _=c.connection;return delete _._protocol._debug,{client:_,socket:p,shortestMs:f.shortestMs(),accepted:l.keys.at(-1)??"no key"}}a(RT,"handshake");function Vf(e,t,n){let r=e["host-key-checking"];if(r)return r;let s=t.strictHostKeyChecking;return s==="accept-new"||s==="no"?(n.line(`The SSH config sets StrictHostKeyChecking ${s} for ${t.written}: treated as accept-new.`),"accept-new"):"strict"}a(Vf,"checkingOf");function BT(e){let t=e.write.bind(e),n=!1;e.write=(...r)=>(n||(n=!0,e.cork(),process.nextTick(()=>{n=!1,e.uncork()})),t(...r))}a(BT,"gatherWrites");var Vw=require("node:fs"),Xw=require("node:os");var Oc=require("node:os");function Xf(){try{return(0,Oc.userInfo)()}catch{return}}a(Xf,"runnerAccount");function Rc(e){let t=[Xf()?.homedir,e??(0,Oc.homedir)()];return[...new Set(t.filter(n=>n!==void 0))]}a(Rc,"runnerHomes");var LT=["id_rsa","id_ecdsa","id_ed25519"];function Jf(e){if(e.length<2||e.some(n=>/["\n%$]/.test(n)))return{identityFiles:[],knownHostsFiles:[]};let t=a(n=>e.flatMap(r=>n.map(s=>`${r}/.ssh/${s}`)),"files");return{identityFiles:t(LT),knownHostsFiles:t(["known_hosts","known_hosts2"])}}a(Jf,"usualFiles");var DT=["id_ed25519","id_ecdsa","id_rsa","id_ecdsa_sk","id_ed25519_sk"],UT={inet:4,inet6:6};function ep(e,t,{runner:n,inputs:r}){let{host:s,values:i}=t,o=a(y=>i.get(y)?.[0],"one"),c=a(y=>Number(o(y)??0),"number"),l=r.user??e.user??o("user")??n.localUser,u=r.port??e.port??(c("port")||22),{container:d}=r,f=HT({written:e,host:s,port:u,user:l,alias:o("hostkeyalias")?.toLowerCase()},n),p=(i.get("identityfile")??[]).filter(y=>y.toLowerCase()!=="none").flatMap(y=>f(y)),_=i.has("identityfile")?[]:DT.flatMap(y=>f(`~/.ssh/${y}`)),$=(i.get("userknownhostsfile")??["~/.ssh/known_hosts","~/.ssh/known_hosts2"]).filter(y=>y.toLowerCase()!=="none").flatMap(y=>f(y)),g=(i.get("globalknownhostsfile")??FT).filter(y=>y.toLowerCase()!=="none").map(y=>Ci(y,n.homes[0]??"/",n.homeOf));return{written:e.host,user:l,host:s,port:u,name:`${l}@${s.includes(":")?`[${s}]`:s}:${u}${d?`/${Sg(d)}`:""}`,container:d,addressFamily:UT[o("addressfamily")??""]??0,bindAddress:o("bindaddress"),hostKeyAlias:o("hostkeyalias")?.toLowerCase(),hostKeyAlgorithms:o("hostkeyalgorithms"),rsaBitsAtLeast:c("requiredrsasize")||1024,identityFiles:[...p.map(y=>({path:y,named:!0})),..._.map(y=>({path:y,named:!1}))],identitiesOnly:o("identitiesonly")==="yes",notOffered:qT(t),agent:jT(o("identityagent"),n,y=>f(y)[0]),knownHostsFiles:[...$,...g],newKeysFile:zT($,i.has("userknownhostsfile"),n),hashKnownHosts:o("hashknownhosts")==="yes",strictHostKeyChecking:o("stricthostkeychecking"),connectTimeoutSeconds:r.connectTimeoutSeconds??(c("connecttimeout")||15),keepaliveSeconds:r.keepaliveSeconds??(c("serveraliveinterval")||5),keepaliveMissed:c("serveralivecountmax")||3,jumps:MT(t,r)}}a(ep,"resolveTarget");var FT=["/etc/ssh/ssh_known_hosts","/etc/ssh/ssh_known_hosts2"];function MT(e,{proxyJump:t}){let n=[...e.places.keys()].filter(o=>o==="proxyjump"||o==="proxycommand"),r=t!==void 0||n[0]==="proxyjump",s=Hg(e,r?["proxycommand"]:[]);if(s)throw s;let i=n[0]==="proxyjump"?e.values.get("proxyjump")?.[0]:void 0;return(t??i??"").split(",").map(o=>o.trim()).filter(o=>o!==""&&o.toLowerCase()!=="none")}a(MT,"jumpsOf");function HT(e,{homes:t,homeOf:n,hostname:r,uid:s,localUser:i,env:o}){let c={L:r.replace(/\..*$/,""),d:t[0]??"/",h:e.host,i:String(s),k:e.alias??e.written.host,l:r,n:e.written.host,p:String(e.port),r:e.user,u:i};return l=>{let u=t.map(d=>Ci(l,d,n));return[...new Set(u.map(d=>Ca(d,c,o)))]}}a(HT,"pathsFor");function zT(e,t,{homes:n}){return t||e.length===0?e[0]:`${n.at(-1)}/.ssh/known_hosts`}a(zT,"newKeysFile");function jT(e,{env:t},n){return e===void 0||e==="SSH_AUTH_SOCK"?t("SSH_AUTH_SOCK"):/^\$\w+$/.test(e)?t(e.slice(1)):e.toLowerCase()==="none"?void 0:n(e)}a(jT,"agentOf");function qT({values:e}){let t=(e.get("certificatefile")??[]).map(r=>`CertificateFile ${r}`),n=e.get("pkcs11provider")?.filter(r=>r!=="none")??[];return[...t,...n.map(r=>`PKCS11Provider ${r}`)].map(r=>`${r}: the built-in client can't use it`)}a(qT,"notOffered");function Bc(e,t,n){let r=tp(e,t,n);if(r instanceof yt)throw np(e,r);return r}a(Bc,"targetOf");function tp(e,t,n){let r=t0(n),s=Qn(e);if(s===void 0)return new yt(`the jump host '${e}' is not a valid user@host:port`);let i=t.user??s.user;try{let o=vc(t["ssh-config"],r.homes),c=Mg(o,{...r,host:s.host,user:i,include:Sw});return ep(s,c,{runner:r,inputs:e0(t)})}catch(o){if(o instanceof kn)return new yt(o.message);if(o instanceof yt)return o;throw o}}a(tp,"readConfig");function Jw(e,t,n){let r=Qn(e.host),s=new Map(QT.flatMap(o=>{let c=un(t,o);return c===void 0?[]:[[o,[KT[c]??c]]]}));s.set("identityfile",t.get("identityfile")??[]);let i={host:un(t,"hostname")??r.host,values:s,places:new Map};return ep(r,i,{runner:t0(n),inputs:e0(e)})}a(Jw,"targetBySsh");var KT={true:"yes",false:"no"},QT=["user","port","connecttimeout","serveraliveinterval","stricthostkeychecking","hostkeyalias"];function e0(e){let t=e.container===void 0?void 0:xa(e.container);return{user:e.user,port:e.port,proxyJump:e["proxy-jump"],connectTimeoutSeconds:e["connect-timeout-seconds"],keepaliveSeconds:e["keepalive-seconds"],container:t&&{...t,sudo:e.sudo}}}a(e0,"targetInputs");function t0(e){return{localUser:Xf()?.username??e.env("USER")??String(process.getuid?.()),homes:Rc(e.env("HOME")),homeOf:a(t=>GT(WT(),t),"homeOf"),hostname:(0,Xw.hostname)(),uid:process.getuid?.()??0,env:e.env}}a(t0,"runnerOf");function WT(){try{return(0,Vw.readFileSync)("/etc/passwd","utf8")}catch{return""}}a(WT,"readPasswd");function GT(e,t){return e.split(`
`).find(r=>r.startsWith(`${t}:`))?.split(":")[5]}a(GT,"homeIn");function np(e,t){return new Ue({what:`Reading the SSH config for ${e}`,why:`${t.message}.`,remedy:t.remedy??"correct the config, or give another one with ssh-config."})}a(np,"configFailure");async function rp(e,t,n){let r=n0(e,[],(o,{first:c})=>Bc(o,{...t,user:void 0,port:void 0,container:void 0,"proxy-jump":c?void 0:"none"},n)),s=[];try{for(let[o,c]of[...r,e].entries()){let u=await s.at(-1)?.forward(c);s.push(await Yw(c,{inputs:t,context:n,sock:u,jump:o<r.length}))}}catch(o){for(let c of s.reverse())await c[Symbol.asyncDispose]();throw o}let i=s.pop();return{...i,[Symbol.asyncDispose]:async()=>{await i[Symbol.asyncDispose]();for(let o of s.reverse())await o[Symbol.asyncDispose]()}}}a(rp,"connectBuiltin");function n0(e,t,n){let r=e.jumps.filter(s=>!t.includes(s));return r.flatMap((s,i)=>{let o=n(s,{first:i===0});return[...n0(o,[...t,...r],n),o]})}a(n0,"hopsOf");var L0=require("node:fs/promises");var ZT={"ssh-ed25519-cert-v01@openssh.com":1,"ssh-rsa-cert-v01@openssh.com":2,"ssh-dss-cert-v01@openssh.com":4,"ecdsa-sha2-nistp256-cert-v01@openssh.com":2,"ecdsa-sha2-nistp384-cert-v01@openssh.com":2,"ecdsa-sha2-nistp521-cert-v01@openssh.com":2,"sk-ssh-ed25519-cert-v01@openssh.com":2,"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com":3};function s0(e){let[,t="",n=""]=/^(\S+-cert-v01@openssh\.com)\s+([A-Za-z0-9+/]+={0,2})(\s|$)/.exec(e.trim())??[],r=ZT[t];if(r!==void 0)try{return YT(t,r,Buffer.from(n,"base64"))}catch{return}}a(s0,"parseCertificate");function YT(e,t,n){let r=0,s=a(()=>{let _=r+4+n.readUInt32BE(r);if(_>n.length)throw new RangeError("cut off");let $=n.subarray(r+4,_);return r=_,$},"field");if(s().toString("latin1")!==e)return;s();let i=r;for(let _=0;_<t;_+=1)s();let o=n.subarray(i,r),c=Buffer.from(e.replace("-cert-v01@openssh.com",e.startsWith("sk-")?"@openssh.com":"")),l=Buffer.alloc(4);l.writeUInt32BE(c.length),r+=8;let u=n.readUInt32BE(r)===1;r+=4,s();let d=VT(s()),f=Number(n.readBigUInt64BE(r)),p=Number(n.readBigUInt64BE(r+8));return{type:e,isForUsers:u,principals:d,validAfter:f,validBefore:p,key:Buffer.concat([l,c,o])}}a(YT,"read");function VT(e){let t=[];for(let n=0;n+4<=e.length;){let r=n+4+e.readUInt32BE(n);t.push(e.subarray(n+4,r).toString("utf8")),n=r}return t}a(VT,"namesIn");function i0({isForUsers:e,principals:t,validAfter:n,validBefore:r},{user:s,nowSeconds:i}){if(!e)return"it is a host certificate; one for users is needed";if(i>=r)return`it expired at ${r0(r)}`;if(i<n)return`it is valid from ${r0(n)} on`;if(t.length>0&&!t.includes(s))return`it is for ${t.join(", ")}, not for ${s} (AuthorizedPrincipalsFile there may map them)`}a(i0,"certificateProblem");function r0(e){return`${new Date(e*1e3).toISOString().slice(0,16)}Z`}a(r0,"timeText");function o0(e,t){return(e??"").split(`
`).map(r=>r.trim()).filter(r=>r!=="").map(r=>{let s=s0(r),i=a((o,c)=>new Ue({what:"Reading ssh-certificate",why:o,remedy:c}),"fail");if(!s)throw i("it is not an OpenSSH certificate.","give the one line of the file that ends in -cert.pub (ssh-ed25519-cert-v01@openssh.com AAAA…).");if(t.length>0&&!t.some(({key:o})=>o.getPublicSSH().equals(s.key)))throw i(`it is for the key ${Xn(s.key)}, which is not one of ssh-key.`,"give the private key that was signed as ssh-key.");return{line:r,certificate:s}})}a(o0,"certificatesOf");var XT=15,JT=5,eN=3,tN=["LogLevel DEBUG1","PasswordAuthentication no","NumberOfPasswordPrompts 1","UpdateHostKeys no","AddKeysToAgent no","ForwardAgent no","ForwardX11 no","ClearAllForwardings yes","PermitLocalCommand no","RemoteCommand none","RequestTTY no","Tunnel no","Compression no","ControlMaster no","ControlPath none","ControlPersist no"],nN=["SessionType default","StdinNull no","ForkAfterAuthentication no"];function a0(e){let{version:t,runnerConfig:n}=e;return[...tN,...Pi(t,{major:8,minor:7})?nN:[],...rN(e),...sN(e),...iN(e),...n.files.flatMap(r=>["Match all",`Include ${yr(r)}`]),"Match all",`ConnectTimeout ${XT}`,`ServerAliveInterval ${JT}`,`ServerAliveCountMax ${eN}`,...Pi(t,{major:8,minor:1})?["Ciphers ^aes128-gcm@openssh.com"]:[],...l0(n),""].join(`
`)}a(a0,"ownConfig");function c0({files:e,usual:t}){return[...e.flatMap(n=>["Match all",`Include ${yr(n)}`]),"Match all",...l0({files:e,usual:t}),""].join(`
`)}a(c0,"configToAsk");function l0({usual:e}){let t=e.knownHostsFiles;return[...e.identityFiles.map(n=>`IdentityFile ${yr(n)}`),...t.length>0?[`UserKnownHostsFile ${t.map(yr).join(" ")}`]:[]]}a(l0,"usualLines");function rN({version:e,checking:t,knownHostsFile:n}){let r=[`StrictHostKeyChecking ${t}`];return n===void 0?r:(r.push(`UserKnownHostsFile ${yr(n)}`,"GlobalKnownHostsFile /dev/null","VerifyHostKeyDNS no"),Pi(e,{major:8,minor:5})?[...r,"KnownHostsCommand none"]:r)}a(rN,"hostKeyLines");function sN({agentSocket:e,certificateFiles:t}){return e===void 0?t.map(n=>`CertificateFile ${yr(n)}`):[`IdentityAgent ${yr(e)}`,"IdentityFile none","IdentitiesOnly no","GSSAPIAuthentication no","HostbasedAuthentication no",...t.map(n=>`CertificateFile ${yr(n)}`)]}a(sN,"identityLines");function iN({connectTimeoutSeconds:e,keepaliveSeconds:t,keepaliveMissed:n}){return[["ConnectTimeout",e],["ServerAliveInterval",t],["ServerAliveCountMax",n]].filter(([,s])=>s!==void 0).map(([s,i])=>`${s} ${i}`)}a(iN,"timeLines");function yr(e){return`"${e}"`}a(yr,"quoted");function u0(e,t){return["-G",...e===void 0?[]:["-F",e],...sp(t)]}a(u0,"questionWords");function d0(e,t,n){return["-F",e,"-M","-S",t,"-o","ControlPersist=no","-N","-T",...sp(n)]}a(d0,"masterWords");function f0(e,t){return["-v","-F","none","-S",e,"-o","ProxyCommand=false","-T","--","host",t]}a(f0,"sessionWords");function p0(e,t,n){let r=["StrictHostKeyChecking=accept-new",`UserKnownHostsFile=${t}`,"GlobalKnownHostsFile=/dev/null","HashKnownHosts=no","PreferredAuthentications=none"];return["-F",e,...r.flatMap(s=>["-o",s]),"-N","-T",...sp(n)]}a(p0,"hostKeyWords");function sp({host:e,user:t,port:n,proxyJump:r}){return[...t===void 0?[]:["-l",t],...n===void 0?[]:["-p",String(n)],...r===void 0?[]:["-J",r],"--",e]}a(sp,"destinationWords");function ip(e){let{log:t,limitSeconds:n}=e,r=t.stages.at(-1);return r&&!r.isIn&&r.offered.length>0?{why:`${Qs(r.host,r.port)} did not finish the login within ${n} s.`,remedy:"check what logins wait for there (PAM, a directory, DNS); a slow one needs connect-timeout-seconds.",code:"ETIMEDOUT"}:r?.isIn?{why:`the jump host ${Lc(r)} can't reach the next one: ${`no answer within ${n} s`}.`,remedy:"check the address from the jump host, and AllowTcpForwarding there.",code:"ETIMEDOUT"}:{why:`${io(e)} did not answer within ${n} s.`,remedy:"check the address, the firewall, and whether the host is up; a slow one needs connect-timeout-seconds.",code:"ETIMEDOUT"}}a(ip,"late");function h0(e){return{why:`its host key is marked as revoked: ${oo(e)}.`,remedy:"find out which host answers there, and why its key was revoked."}}a(h0,"revoked");function _0(e){return{why:`its host key has changed: it offers ${oo(e)}, which is not the one known for it.`,remedy:`find out why before you trust it (new machine, or somebody in between). If it is right, replace its known_hosts line${g0(e)}`}}a(_0,"changed");function m0(e){return{why:`its host key is unknown: it offers ${oo(e)}.`,remedy:`compare the fingerprint with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there), then add its line to known-hosts${g0(e)}`}}a(m0,"unknown");function g0({offeredLine:e}){return e===void 0?".":`:
${e}`}a(g0,"lineOf");function $0({log:e}){let{user:t="",offered:n=[]}=e.stages.at(-1)??{},r=n.length===1?"the first key":`${n.length} keys`;return{why:`the server ended the login for ${t} after ${r} (MaxAuthTries): ${n.join(", ")}.`,remedy:"give the right key alone in ssh-key, or name it in the SSH config with IdentityFile and IdentitiesOnly."}}a($0,"tooManyKeys");function y0(e,{log:t,certificateNotes:n}){let{user:r="the account",offered:s=[],accepted:i,partial:o}=t.stages.at(-1)??{},c=[...n,...oN(t)].map(l=>` ${l}.`).join("");return o?{why:`the server accepted the key (${i?.label}) and wants a second factor besides: ${e.join(", ")}.${c}`,remedy:`let ${r} log in with a key alone there (Match User ${r}, AuthenticationMethods publickey), or use another account.`}:e.includes("publickey")?s.length===0?{why:`there is no key to log in with.${c}`,remedy:"set ssh-key, or put a key where the SSH config or agent of the runner has it."}:{why:`the server accepts none of the keys offered for ${r}: ${s.join(", ")}.${c}`,remedy:`add the public key to ~/.ssh/authorized_keys of ${r} there, or correct user and ssh-key.`}:{why:`the server accepts no keys for ${r}, only ${e.join(", ")}.`,remedy:"allow PubkeyAuthentication there."}}a(y0,"refused");function oN({sentences:e}){return e.filter(t=>/^(Load key|Load certificate|sign_and_send_pubkey|Confirm user presence)/.test(t)).map(t=>Ve(t).replace(/\.$/,""))}a(oN,"unusableKeys");function op(e){let{offered:t=[]}=e.log.stages.at(-1)??{};return t.length===0?{why:`${io(e)} closed the connection before the login.`,remedy:"check there whether it is full (MaxStartups) or bans this address (fail2ban, PerSourcePenalties).",code:"ECONNRESET"}:{why:`${io(e)} closed the connection during the login.`,remedy:"read the log of the SSH server there: it may not admit this account (AllowUsers, DenyUsers, an expired account).",code:"ECONNRESET"}}a(op,"closed");function oo({log:e}){return e.stages.at(-1)?.hostKey??"none"}a(oo,"hostKeyOf");function Lc(e){return e?`${e.user}@${e.host}:${e.port}`:"on the way"}a(Lc,"nameOf");function io({log:e}){let t=e.stages.at(-1);return t?Qs(t.host,t.port):e.address?Qs(e.address.ip,e.address.port):"the host"}a(io,"placeOf");function Qs(e,t){return`${e} port ${t}`}a(Qs,"place");function w0(e){return(e??"").replace(/^./,t=>t.toLowerCase()).replace(/\.$/,"")}a(w0,"lower");function b0(e){let t=e.log.sentences.join(`
`);for(let[n,r]of cN){let s=n.exec(t);if(s)return r(s.map(i=>Ve(i??"")),e)}return e.isLate?ip(e):{why:`ssh ended: ${Ve(e.log.sentences.at(-1)??"it printed nothing")}`.replace(/\.?$/,"."),remedy:"run `ssh -v` with that host in a shell of the runner, and correct what it reports."}}a(b0,"whyNotConnected");var aN="correct the SSH config of the runner, or give another one with ssh-config.",cN=[[/No user exists for uid (\d+)/,([,e])=>({why:`the account of the runner (uid ${e}) has no name, and OpenSSH needs one.`,remedy:"add the account to /etc/passwd where the job runs, or set `transport: builtin`."})],[/^(?:.*?: )?Bad owner or permissions on (.*)$/m,([,e])=>({why:`${e} may be written by others than its owner, or has another owner; ssh refuses it.`,remedy:`give it to the account that runs the job, and run: chmod go-w ${e}`})],[/^(.*?):? line (\d+): (.*)$/m,([,e,t,n])=>({why:`${e}:${t}: ${n}`.replace(/\.?$/,"."),remedy:aN})],[/Could not resolve hostname (\S+?): (.*)/,([,e,t])=>({why:`the name ${e} can't be resolved.`,remedy:"correct host, or add it to the SSH config or DNS of the runner.",code:/temporary failure/i.test(t??"")?"EAI_AGAIN":"ENOTFOUND"})],[/open failed: connect failed: (.*)/,([,e],t)=>({why:`the jump host ${Lc(t.log.stages[0])} can't reach the next one: ${w0(e)}.`,remedy:"check the address from the jump host, and AllowTcpForwarding there."})],[/open failed: administratively prohibited/,(e,t)=>({why:`the jump host ${Lc(t.log.stages[0])} does not let connections through.`,remedy:"allow AllowTcpForwarding and PermitOpen for this account there."})],[/connect to (?:host|address) (\S+) port (\d+): Connection refused/,([,e,t])=>({why:`${Qs(e,t)} refused the connection.`,remedy:"check that sshd is running there and listens on that port.",code:"ECONNREFUSED"})],[/connect to (?:host|address) (\S+) port (\d+): (?:No route to host|Network is unreachable)/,([,e,t])=>({why:`there is no route to ${Qs(e,t)}.`,remedy:"check the address and the network of the runner.",code:"EHOSTUNREACH"})],[/(?:Connection|Operation) timed out|Timeout, server .* not responding/,(e,t)=>ip(t)],[/REVOKED HOST KEY DETECTED|revoked host key|Host key .* was revoked|marked as revoked/i,(e,t)=>h0(t)],[/Certificate invalid: (.*)/,([,e],t)=>({why:`its host certificate is not valid: ${e}; it offers ${oo(t)}.`,remedy:"sign the host key anew with the right names and time (ssh-keygen -s CA -h -n NAME -V +52w KEY.pub)."})],[/HOST IDENTIFICATION HAS CHANGED|Host key for .* has changed/,(e,t)=>_0(t)],[/Host key verification failed|No \S+ host key is known for/,(e,t)=>m0(t)],[/Too many authentication failures/,(e,t)=>$0(t)],[/Permission denied \(([^)]*)\)/,([,e=""],t)=>y0(e.split(","),t)],[/no matching (.*?) found\. Their offer: (.*)/,([,e,t=""])=>({why:`no algorithm in common: ${`no matching ${e}`}.${` The server offers only ${t.replaceAll(",",", ")}.`}`,remedy:"allow further algorithms in sshd_config there, or update the server; outdated ones are not used."})],[/banner exchange: .*invalid format|banner line|Protocol major versions differ|Bad remote protocol version/,([e],t)=>({why:`${io(t)} does not speak SSH as expected: ${e}.`,remedy:"check that an SSH server listens on that port."})],[/closed by UNKNOWN port 65535|kex_exchange_identification: Connection closed by remote host/,(e,t)=>t.log.isProxied?{why:"the ProxyCommand, or the jump host, ended before the connection was there.",remedy:"read what it printed below, and try it in a shell of the runner.",code:"ECONNRESET"}:op(t)],[/Connection (?:closed|reset) by|Broken pipe|Connection reset/,(e,t)=>op(t)],[/path ".*" too long for Unix domain socket|ControlPath .* too long/,()=>({why:"the folder for temporary files has too long a path for a socket.",remedy:"set TMPDIR to a short one."})]];var wr=require("node:fs/promises"),Uc=require("node:os"),Fc=require("node:path");var Dc=require("node:fs/promises"),A0=require("node:net"),k0=require("node:os"),ap=require("node:path");async function v0(e,t=(0,k0.tmpdir)()){let n=await(0,Dc.mkdtemp)((0,ap.join)(t,"agent-")),r=new Set,s=(0,A0.createServer)(o=>{r.add(o),o.on("error",()=>{}).on("close",()=>r.delete(o)),gN(o,e)}),i=(0,ap.join)(n,"socket");return await new Promise((o,c)=>s.once("error",c).listen(i,o)),{socket:i,publicKey:e.map(({key:o})=>`${o.type} ${o.getPublicSSH().toString("base64")}`)[0]??"",[Symbol.asyncDispose]:async()=>{for(let o of r)o.destroy();await new Promise(o=>s.close(o)),await(0,Dc.rm)(n,{recursive:!0,force:!0})}}}a(v0,"agentWith");var lN=5,uN=11,dN=12,fN=13,pN=14,hN=2,_N=4,mN=256*1024;function gN(e,t){let n=Buffer.alloc(0);e.on("data",r=>{for(n=Buffer.concat([n,r]);n.length>=4;){let s=n.readUInt32BE();if(s>mN)return void e.destroy();if(n.length<4+s)return;e.write(Ot($N(n.subarray(4,4+s),t))),n=n.subarray(4+s)}})}a(gN,"serve");function $N(e,t){if(e[0]===uN){let f=Buffer.from([dN,0,0,0,t.length]);return Buffer.concat([f,...t.flatMap(({key:p,label:_})=>[Ot(p.getPublicSSH()),Ot(_)])])}let n=Buffer.from([lN]);if(e[0]!==fN)return n;let[r,s,i]=yN(e.subarray(1)),o=t.find(f=>r?.equals(f.key.getPublicSSH()))?.key;if(!o||s===void 0||i===void 0)return n;let[c,l]=wN(o,i.length===4?i.readUInt32BE():0),u=o.sign(s,l);if(u instanceof Error)return n;let d=o.type.startsWith("ecdsa-")?bN(u):u;return Buffer.concat([Buffer.from([pN]),Ot(Buffer.concat([Ot(Buffer.from(c)),Ot(d)]))])}a($N,"answer");function yN(e){let t=[],n=e;for(let r=0;r<2;r+=1){if(n.length<4||n.length<4+n.readUInt32BE())return[];let s=4+n.readUInt32BE();t.push(n.subarray(4,s)),n=n.subarray(s)}return[...t,n]}a(yN,"fieldsOf");function wN({type:e},t){return e!=="ssh-rsa"?[e,void 0]:t&_N?["rsa-sha2-512","sha512"]:t&hN?["rsa-sha2-256","sha256"]:[e,"sha1"]}a(wN,"algorithmOf");function bN(e){let t=(e[1]??0)>127?3:2,n=[];for(let r=0;r<2;r+=1){let s=t+2+(e[t+1]??0);n.push(Ot(e.subarray(t+2,s))),t=s}return Buffer.concat(n)}a(bN,"fromDer");var AN=60;async function x0(e){let t=(0,Uc.tmpdir)().length<=AN&&!/[%"\s$]/.test((0,Uc.tmpdir)()),n=await(0,wr.mkdtemp)((0,Fc.join)(t?(0,Uc.tmpdir)():"/tmp","ssh-")),r=e.keys.length>0?await v0(e.keys,n):void 0,s=a(async()=>{await r?.[Symbol.asyncDispose](),await(0,wr.rm)(n,{recursive:!0,force:!0})},"dispose");try{return await cp(`${n}/config`,await kN(e,{path:n,agentSocket:r?.socket})),{path:n,config:`${n}/config`,socket:`${n}/socket`,[Symbol.asyncDispose]:s}}catch(i){throw await s(),i}}a(x0,"openSshFolder");async function kN({target:e,inputs:t,version:n,runnerConfig:r,certificates:s,isPatient:i,log:o},{path:c,agentSocket:l}){let u=Vf(t,e,o),d=t["known-hosts"];d!==void 0&&await cp(`${c}/known_hosts`,d.trim());let f=d===void 0?void 0:`${c}/known_hosts`,[p]=r.usual.knownHostsFiles;u==="accept-new"&&p!==void 0&&await(0,wr.mkdir)((0,Fc.dirname)(p),{recursive:!0,mode:448}).catch(()=>{});let _=[];for(let[g,{line:y}]of s.entries())_.push(`${c}/${g+1}-cert.pub`),await cp(`${c}/${g+1}-cert.pub`,y);let $=Math.ceil((t["connect-timeout-seconds"]??so)/e.keepaliveSeconds);return a0({version:n,checking:vN[u],knownHostsFile:u==="insecure"?"/dev/null":f,agentSocket:l,certificateFiles:_,connectTimeoutSeconds:t["connect-timeout-seconds"],keepaliveSeconds:t["keepalive-seconds"],keepaliveMissed:i?Math.max($,e.keepaliveMissed):void 0,runnerConfig:r})}a(kN,"configText");var vN={strict:"yes","accept-new":"accept-new",insecure:"no"};async function cp(e,t){await(0,wr.writeFile)(e,`${t}
`,{mode:384})}a(cp,"write");var T0=require("node:stream");var Mc=require("node:child_process"),S0=require("node:timers/promises");var E0=`watch() {
trap '' HUP INT TERM
IFS= read -r _ <&3 && exit
kill -s TERM -- "-$2"
rm -rf -- "$1"
sleep 1
kill -s KILL -- "-$2"
}
main() {
folder=$1
shift
watch "$folder" "$$" </dev/null >/dev/null 2>&1 &
exec "$@" 3<&-
}
main "$@"`;var EN=15,SN=1024*1024;async function I0(e){let{out:t,err:n,isThere:r}=await ao(["-V"],{env:e,limitSeconds:EN});return Qg(r?n||t:void 0)}a(I0,"findSsh");function ao(e,{env:t,limitSeconds:n}){return new Promise(r=>{let s=(0,Mc.spawn)("ssh",e,{env:t,stdio:["ignore","pipe","pipe"],detached:!0}),i={code:null,out:"",err:"",isThere:!0},o=setTimeout(()=>{lp(s,"SIGKILL"),r(i)},n*1e3),c=a(l=>u=>{i[l].length<SN&&(i[l]+=u)},"keep");s.stdout.setEncoding("utf8").on("data",c("out")),s.stderr.setEncoding("utf8").on("data",c("err")),s.on("error",()=>{i.isThere=!1}),s.on("close",l=>{clearTimeout(o),r({...i,code:l})})})}a(ao,"askSsh");var IN=1;function C0(e,{env:t,folder:n}){let r=(0,Mc.spawn)("/bin/sh",["-c",E0,"hold-master",n,"ssh",...e],{env:t,stdio:["ignore","ignore","pipe","pipe"],detached:!0}),[,,s,i]=r.stdio;i.on("error",()=>{}),s.on("error",()=>{});let o=new Promise(c=>{r.once("exit",()=>c()).once("error",()=>c())});return{onErrorText:a(c=>{s.setEncoding("utf8").on("data",c)},"onErrorText"),ended:o,end:a(async()=>{i.end(`done
`),lp(r,"SIGTERM"),await Promise.race([o,(0,S0.setTimeout)(IN*1e3,void 0,{ref:!1})]),lp(r,"SIGKILL")},"end")}}a(C0,"startMaster");function lp({pid:e},t){if(e!==void 0)try{process.kill(-e,t)}catch{}}a(lp,"endGroup");function P0(e,t){return(0,Mc.spawn)("ssh",e,{env:t,stdio:["pipe","pipe","pipe"],detached:!0})}a(P0,"startSession");function N0(e,t){let{master:n,log:r,socket:s,env:i,firstSessionSeconds:o}=t,c=!1,l,u=Number.POSITIVE_INFINITY,d=n.ended.then(()=>{if(!c)return l=new Error(r.sentences.at(-1)?.replace(/\.$/,"")??"the connection was closed"),l}),f=a(async(_,{isFirst:$})=>{if(l||c)throw l??new Error("the connection is closed");let g=P0(f0(s,_),i),y=$?o:void 0,{channel:k,ms:x}=await NN(g,y);return u=Math.min(u,x),k},"open"),p=a(()=>Math.min(r.shortestMs,u),"roundTripMs");return{...Ac({target:e,open:f,gone:a(()=>l??(c?new Error("the connection is closed"):void 0),"gone")}),target:e,isNear:a(()=>!r.isProxied&&bc(r.address?.ip??"")&&p()<20,"isNear"),roundTripMs:p,lost:d,[Symbol.asyncDispose]:async()=>{c=!0,await t.release()}}}a(N0,"openSshHost");var CN=/^debug1: mux_client_request_session: master session id: \d+$/,PN=/^(debug1: |OpenSSH_)/,TN=4e3;function NN(e,t){let n=new T0.PassThrough,r=!1,s=performance.now(),i="",o=new Promise(c=>{e.once("close",l=>{n.end(),c(l===255?null:l)})});for(let c of[e.stdin,e.stdout,e.stderr])c.on("error",()=>{});return new Promise((c,l)=>{let u=a(f=>{clearTimeout(d),e.kill("SIGKILL"),l(f)},"fail"),d=t===void 0?void 0:setTimeout(()=>{let f=`the login was accepted, but no session was opened within ${t} s`;u(new $r(f))},t*1e3);e.once("error",u),o.then(()=>u(new Error(ON(i)))),e.stderr.on("data",f=>{if(r)return void n.write(f);i=(i+f.toString("latin1")).slice(-TN);let p=i.split(`
`),_=p.findIndex(k=>CN.test(k.trimEnd()));if(_<0){p.length<=2&&(s=performance.now());return}r=!0,clearTimeout(d),n.write(Buffer.from(p.slice(_+1).join(`
`),"latin1"));let{stdin:$,stdout:g}=e;c({channel:{input:$,output:g,errors:n,closed:o,destroy:a(()=>{for(let k of[$,g,n])k.destroy();e.kill("SIGTERM")},"destroy")},ms:performance.now()-s})})})}a(NN,"accepted");function ON(e){let[,t]=/session request failed: (.*)/.exec(e)??[];return t!==void 0?t.trim().replace(/^Session open refused by peer$/,"open failed"):e.split(`
`).map(r=>r.trim()).filter(r=>r!==""&&!PN.test(r)).at(-1)??"ssh ended without a word"}a(ON,"refusalIn");function R0(e=()=>performance.now()){let t={stages:[],address:void 0,isProxied:!1,isAlmostReady:!1,isReady:!1,newKeys:[],shortestMs:Number.POSITIVE_INFINITY,sentences:[]},n="",r,s=a(i=>{r!==void 0&&BN.test(i)&&(t.shortestMs=Math.min(t.shortestMs,e()-r),r=void 0),RN.test(i)&&(r=e());for(let[o,c]of LN){let l=o.exec(i);l&&c(t,l.slice(1).map(u=>u??""))}i===""||/^debug1: |^OpenSSH_|^Authenticated to /.test(i)||(t.sentences=[...t.sentences,i].slice(-60))},"read");return{log:t,push:a(i=>{let o=(n+i).split(`
`);n=(o.pop()??"").slice(0,2e3);for(let c of o)s(c.replace(/\r$/,"").slice(0,2e3))},"push")}}a(R0,"readSshLog");var RN=/^debug1: (expecting SSH2_MSG_KEX\w+_REPLY|SSH2_MSG_(NEWKEYS|SERVICE_ACCEPT) received|Offering public key: .*)$/,BN=/^debug1: (SSH2_MSG_(KEX\w+_REPLY|SERVICE_ACCEPT) received|Server accepts key: .*|Authentications that can continue: .*)$/,LN=[[/^debug1: Connecting to \S+ \[([^\]]+)\] port (\d+)\.$/,(e,[t="",n])=>{e.address={ip:t,port:Number(n)}}],[/^debug1: Executing proxy command: /,e=>{e.isProxied=!0}],[/^debug1: Authenticating to (\S+):(\d+) as '(.*)'$/,({stages:e},[t="",n,r=""])=>{let s={hostKey:void 0,offered:[],accepted:void 0,methods:[],partial:!1,isIn:!1};e.push({host:t,port:Number(n),user:r,...s})}],[/^debug1: Server host (?:key|certificate): (\S+ SHA256:\S+)/,({stages:e},[t])=>{let n=e.at(-1);n&&(n.hostKey=t)}],[/^debug1: Offering public key: (.*)$/,({stages:e},[t=""])=>{e.at(-1)?.offered.push(O0(t).label)}],[/^debug1: Server accepts key: (.*)$/,({stages:e},[t=""])=>{let n=e.at(-1);n&&(n.accepted=O0(t))}],[/^debug1: Authentications that can continue: (.*)$/,({stages:e},[t=""])=>{let n=e.at(-1);n&&(n.methods=t.split(","))}],[/^Authenticated using "[^"]*" with partial success\.$/,({stages:e})=>{let t=e.at(-1);t&&(t.partial=!0)}],[/^Warning: Permanently added '?([^' ]+)'?(.*) to the list of known hosts\.$/,({newKeys:e},[t="",n=""])=>{e.push(`${t}${n}`)}],[/^Authenticated to /,({stages:e})=>{let t=e.at(-1);t&&(t.isIn=!0)}],[/^debug1: setting up multiplex master socket$/,e=>{e.isAlmostReady=!0}],[/^debug1: Entering interactive session\.$/,e=>{e.isReady=e.isAlmostReady}]];function O0(e){let[,t=e,n="",r=""]=/^(.*) (\S+) (SHA256:\S+)(?: explicit| token| authenticator| agent)*$/.exec(e)??[],s=n.endsWith("-CERT")?" (certificate)":"";return{label:`${t||r}${s}`,fingerprint:r}}a(O0,"keyOf");var DN=30;async function D0(e,t){let{target:n}=e,{inputs:r,context:s}=t,i=UN(r,n),o=o0(r["ssh-certificate"],i),c={...e,inputs:r,keys:i,certificates:o,isPatient:t.isPatient,log:s.log},l=await x0(c),u=FN(s.childEnvironment()),d=C0(d0(l.config,l.socket,e.to),{env:u,folder:l.path}),f=a(async()=>{await d.end(),await l[Symbol.asyncDispose]()},"release"),{push:p,log:_}=R0();try{let $=n.connectTimeoutSeconds*(1+e.jumps.length),g=await MN(d,p,_,{limitSeconds:$,signal:s.signal});if(!_.isReady){let T=await HN(_,{config:l.config,folder:l.path,to:e.to,env:u});throw B0(e,_,{limitSeconds:$,isLate:g,offeredLine:T,certificates:o})}r["ssh-key"]!==void 0&&jN(_,i,n),qN(_,{target:n,inputs:r,context:s});let y=r["connect-timeout-seconds"]??so,{socket:k}=l,x=N0(n,{master:d,log:_,socket:k,env:u,firstSessionSeconds:y,release:f});if(await x.prepare(va(n.container?"host":"login")),_.sentences.some(T=>/^Timeout, server/.test(T)))throw B0(e,_,{limitSeconds:$,isLate:!1,offeredLine:void 0,certificates:o});return x}catch($){throw await f(),$}}a(D0,"connectOpenSsh");function UN(e,t){let{"ssh-key":n,"ssh-key-passphrase":r}=e;return n!==void 0?Tc("ssh-key",n,r):r===void 0?[]:Hw(t,r)}a(UN,"keysOf");function FN(e){let{DISPLAY:t,SSH_ASKPASS:n,...r}=e;return{...r,SSH_ASKPASS_REQUIRE:"never"}}a(FN,"withoutPrompts");async function MN(e,t,n,{limitSeconds:r,signal:s}){let i,o=new Promise(l=>{i=setTimeout(l,r*1e3,!0),s.addEventListener("abort",()=>l(!1),{once:!0})}),c=new Promise(l=>{e.onErrorText(u=>{t(u),n.isReady&&l(!1)})});try{return await Promise.race([c,e.ended.then(()=>!1),o])}finally{clearTimeout(i)}}a(MN,"untilReady");async function HN({sentences:e},{config:t,folder:n,to:r,env:s}){if(!e.some(c=>/Host key verification failed/.test(c)))return;let i=`${n}/offered`;return await ao(p0(t,i,r),{env:s,limitSeconds:DN}),(await(0,L0.readFile)(i,"utf8").catch(()=>"")).trim().split(`
`).at(-1)?.trim()||void 0}a(HN,"shownKey");function B0({target:e,jumps:t},n,{limitSeconds:r,isLate:s,offeredLine:i,certificates:o}){let c=Date.now()/1e3,l=o.flatMap(({certificate:p})=>{let _=i0(p,{user:e.user,nowSeconds:c});return _===void 0?[]:[`Of the certificate: ${_}`]}),{code:u,...d}=b0({log:n,limitSeconds:r,isLate:s,offeredLine:i,certificateNotes:l}),f=zN(n,e,t);return new Ue({what:f===void 0?"Connecting":"Connecting to the jump host",where:f??e.name,...d,output:n.sentences.join(`
`),cause:Object.assign(new Error(d.why),{code:u})})}a(B0,"connectionError");function zN({stages:e},t,n){let r=e.at(-1);return r&&!r.isIn?e.length>n.length||r.host===t.host&&r.port===t.port?void 0:`${r.user}@${r.host}:${r.port}`:n[e.length]}a(zN,"failedJump");function jN({stages:e},t,n){if(t.length===0)return;let r=t.map(({key:s})=>Xn(s.getPublicSSH()));for(let{user:s,host:i,port:o,accepted:c,offered:l}of e)if(!(c===void 0||r.includes(c.fingerprint)))throw new Ue({what:"Connecting",where:n.name,why:`${s}@${i}:${o} accepts none of the keys of ssh-key (${l.length} were offered); it would accept ${Ve(c.label)}, which the runner has, and which is not used because ssh-key is set.`,remedy:"give the right key as ssh-key, or leave ssh-key out."})}a(jN,"judgeIdentity");function qN(e,{target:t,inputs:n,context:r}){let{accepted:s,hostKey:i}=e.stages.at(-1)??{};if(n["host-key-checking"]==="insecure")r.log.warning(`The host key of ${t.name} was not checked (host-key-checking: insecure): ${i}`);else for(let u of e.newKeys)r.log.warning(`New host key of ${Ve(u)} accepted (host-key-checking: accept-new): ${i}`);let{label:o="no key",fingerprint:c=""}=s??{},l=s===void 0||o.includes("/")?Ve(o):`${Ve(o)}, ${c}, of the agent`;n["ssh-key"]===void 0&&r.log.line(`Logged in to ${t.name} with ${l}; ssh-key is not set.`)}a(qN,"report");var up=require("node:fs"),Ws=require("node:fs/promises"),M0=require("node:os"),Hc=require("node:path");var U0=require("node:net");var KN=5,QN=256*1024,WN=Buffer.from([0,0,0,1,11]);function F0(e){return new Promise(t=>{let n=(0,U0.createConnection)(e),r=Buffer.alloc(0),s=a(o=>{clearTimeout(i),n.destroy(),t(o)},"end"),i=setTimeout(s,KN*1e3,[]);n.on("error",()=>s([])),n.on("close",()=>s([])),n.on("connect",()=>n.write(WN)),n.on("data",o=>{r=Buffer.concat([r,o]),r.length>QN?s([]):r.length>=4&&r.length>=4+r.readUInt32BE()&&s(GN(r.subarray(9)))})})}a(F0,"agentKeyTypes");function GN(e){let t=[],n=0,r=a(()=>{let s=n+4+e.readUInt32BE(n),i=e.subarray(n+4,s);return n=s,i},"field");try{for(;n<e.length;){let s=r();t.push(s.subarray(4,4+s.readUInt32BE()).toString("latin1")),r()}}catch{}return t}a(GN,"typesIn");var ZN=30;async function H0(e,t){let n=t.childEnvironment(),r=tp(e.host,e,t),s=Rc(t.env("HOME")),i=VN(e["ssh-config"],s),[o,c]=await Promise.all([I0(n),JN(dp(e),{runnerConfig:i,inputs:e,env:n})]),l=r instanceof yt?void 0:r,u=e["ssh-key"]!==void 0;return{wanted:e.transport,ssh:o,settings:c,builtin:r,hasKey:u,hasCertificate:e["ssh-certificate"]!==void 0,foreignIdentities:l&&!u?await eO(l):[],isKnownByAuthority:l!==void 0&&tO(l,e),hasTickets:t.env("KRB5CCNAME")!==void 0||(0,up.existsSync)(`/tmp/krb5cc_${process.getuid?.()??0}`),runnerConfig:{...i,usual:{...i.usual,identityFiles:YN(i,c)}}}}a(H0,"transportFacts");function YN({usual:e},t){return(t?.get("identityfile")??[]).some(r=>!e.identityFiles.includes(r))?[]:e.identityFiles.filter(r=>(0,up.existsSync)(r))}a(YN,"unlessNamed");function dp(e){let t=Qn(e.host);return{host:t?.host??e.host,user:e.user??t?.user,port:e.port??t?.port,proxyJump:e["proxy-jump"]}}a(dp,"destinationOf");function VN(e,t){return{files:XN(e,t).map(({path:r})=>(0,Hc.resolve)(r)),usual:{...Jf(t),knownHostsFiles:Jf([...t].reverse()).knownHostsFiles}}}a(VN,"runnerConfigOf");function XN(e,t){try{return vc(e,t)}catch(n){throw n instanceof yt?new Ue({what:"Reading the SSH config",why:`${n.message}.`,remedy:n.remedy??"correct the config, or give another one with ssh-config."}):n}}a(XN,"readable");async function JN(e,{runnerConfig:t,inputs:n,env:r}){let s=a(async o=>{let{code:c,out:l}=await ao(u0(o,e),{env:r,limitSeconds:ZN});return c===0?qg(l):void 0},"ask");if(n["ssh-config"]!==void 0)return s(t.files[0]);if(t.usual.knownHostsFiles.length===0)return s(void 0);let i=await(0,Ws.mkdtemp)((0,Hc.join)((0,M0.tmpdir)(),"ssh-"));try{return await(0,Ws.writeFile)(`${i}/config`,c0(t),{mode:384}),await s(`${i}/config`)}finally{await(0,Ws.rm)(i,{recursive:!0,force:!0})}}a(JN,"settingsOf");async function eO({notOffered:e,identityFiles:t,agent:n,identitiesOnly:r}){let s=t.flatMap(({path:o})=>qt(`${o}-cert.pub`).length>0?[`${o}-cert.pub is a certificate`]:qt(o).some(({text:c})=>Yf(c))?[`${o} belongs to a security key`]:[]),i=n===void 0||r?[]:await F0(n);return[...e.map(o=>o.replace(/:.*$/," is set")),...s,...i.some(o=>o.includes("-cert-v01@"))?["the agent holds a certificate"]:[],...i.some(o=>o.startsWith("sk-"))?["the agent holds a security key"]:[]]}a(eO,"foreignIdentities");function tO(e,t){let n=t["known-hosts"],r=n===void 0?e.knownHostsFiles.flatMap(qt).map(({text:o})=>o):[n],s=xc(r.join(`
`)),i=Ks(e.host,e.port,e.hostKeyAlias);return Sc(s,i)&&Ec(s,i).length===0}a(tO,"isKnownByAuthority");var z0=3;async function zc(e,t){let{log:n}=t;n.mask(e["ssh-key"]),n.mask(e["ssh-key-passphrase"]);let r=await nO(e,t);for(let s=1;;s+=1)try{return await r({isPatient:s>1})}catch(i){if(s>=z0||!(i instanceof Ue)||!qf(i.fields.cause)||t.signal.aborted)throw i;n.line(`Attempt ${s} of ${z0} failed: ${i.fields.why}`),await(0,q0.setTimeout)(s*(500+Math.random()*1e3),void 0,{signal:t.signal}).catch(()=>{})}}a(zc,"connect");async function nO(e,t){if(e.transport==="builtin"&&e["ssh-certificate"]===void 0){let u=Bc(e.host,e,t);return()=>rp(u,e,t)}let n=await H0(e,t),{ssh:r,settings:s,builtin:i}=n,o=Gg(n);if(o.transport==="none")throw new Ue({what:`Connecting to ${e.host}`,why:o.why,remedy:o.remedy});let c=Zg(o,r);if(c!==void 0&&t.log.line(c),o.transport==="openssh"&&"version"in r)return j0(r.version,n,{inputs:e,context:t});if(i instanceof yt)throw np(e.host,i);let l=a(()=>rp(i,e,t),"byBuiltin");return s===void 0||"unusable"in r?l:rO(l,j0(r.version,n,{inputs:e,context:t}),t)}a(nO,"chooseWay");function j0(e,{settings:t=new Map,runnerConfig:n},{inputs:r,context:s}){let i=Jw(r,t,s),c=(r["proxy-jump"]??un(t,"proxyjump")??"").split(",").filter(u=>u!==""&&u.toLowerCase()!=="none"),l={to:dp(r),target:i,version:e,runnerConfig:n,jumps:c};return({isPatient:u})=>D0(l,{inputs:r,context:s,isPatient:u})}a(j0,"byOpenSsh");function rO(e,t,{log:n}){let r=e;return async s=>{try{return await r(s)}catch(i){if(!(i instanceof Ue)||!Aw(i.fields.cause))throw i;return n.line(`Connecting with the runner's OpenSSH, because the built-in client can't: ${i.fields.why}`),r=t,r(s)}}}a(rO,"unlessNewer");var J0=require("node:timers/promises");var Jn=class extends gn{static{a(this,"AnswerError")}};function fp(e,t,n=r=>r){let r=a(u=>e.filter(([d])=>d===u).map(([,d])=>d),"all"),s=a(u=>r(u).filter(d=>d!==""),"told"),i=a(u=>e.findLast(([d])=>d===u)?.[1],"last"),o=a((u,d,f)=>{throw pp(t,`the target answered something that is not ${f}: ${u}=${uO(n(d))}`)},"refuse"),c=a((u,d,f)=>{let p=i(u);if(!(p===void 0||p===""))return f(p)??o(u,p,d)},"formed"),l={has:a(u=>i(u)!==void 0,"has"),yes:a(u=>l.oneOf(u,["yes","no"])==="yes","yes"),digest:a(u=>c(u,"a sha256",d=>sO.test(d)?d:void 0),"digest"),pid:a(u=>c(u,"a pid",d=>iO.test(d)?Number(d):void 0),"pid"),number:a(u=>c(u,"a whole number",d=>cO.test(d)?Number(d):void 0),"number"),oneOf:a((u,d)=>c(u,`one of ${d.join(", ")}`,f=>d.find(p=>p===f)),"oneOf"),text:a(u=>c(u,"a text",Ve),"text"),texts:a(u=>r(u).map(Ve),"texts"),pids:a(u=>c(u,"a list of pids",d=>oO.test(d)?d:void 0)??"","pids"),numbers:a(u=>c(u,"a list of numbers",d=>aO.test(d)?d:void 0)??"","numbers"),quote:a(u=>c(u,"a text",d=>an(n(d)).map(Ve).join(" | ")),"quote"),quotedLines:a(u=>r(u).flatMap(d=>an(n(d)).map(Ve)),"quotedLines"),verbatim:i,verbatims:r,parts:a((u,d,f)=>s(u).map(p=>d.exec(p)?.slice(1).map(_=>_??"")??o(u,p,f)),"parts"),records:a(u=>s(u).map(d=>fp(dO(d),t,n)),"records")};return l}a(fp,"answerOf");function pp({what:e,where:t,state:n},r){return new Jn({what:e,where:t,why:`${r}.`,state:n,remedy:"find out who changed what runs on that host: the programs of this step never answer like this."})}a(pp,"unusable");var sO=/^[0-9a-f]{64}$/,iO=/^[1-9][0-9]{0,9}$/,oO=/^[1-9][0-9]{0,9}( [1-9][0-9]{0,9})*$/,aO=/^[0-9]{1,15}( [0-9]{1,15})*$/,cO=/^[0-9]{1,15}$/,lO=80;function uO(e){return`'${or(Ve(e),lO)}'`}a(uO,"shown");function dO(e){let t=[];for(let n of e.split(" ")){let r=Math.max(0,n.indexOf("=")),s=t.at(-1);W0.test(n.slice(0,r))?t.push([n.slice(0,r),n.slice(r+1)]):s&&!n.includes("=")&&(s[1]+=` ${n}`)}return t}a(dO,"pairsOf");var W0=/^[a-z][a-z0-9_]{0,63}$/,fO=4*2**20,K0=2e4;function G0(e){let t=[],n=!1,r=!1,s=!1,i=!1,o=0,c=0,l=[],u="",d,f,p,_=new Promise(x=>{f=a(()=>x(void 0),"resolveEnded")}),$=new Promise(x=>{p=x}),g=a(x=>(l=[],d=`the target answered more than ${x}`,f(),!0),"exceeds"),y=a(x=>{if(x===ld&&!s)r=!0,f();else if(x===ad&&!n)n=!0,p();else if(x==="begin"&&n)s=!0;else if(!s)u=`${u}${x}
`.slice(0,Q0);else if(x==="end")i=!0,f();else{let T=x.indexOf("=");if(!W0.test(x.slice(0,Math.max(0,T))))return;let E=[x.slice(0,T),pO(x.slice(T+1))];t.push(E),e?.(...E)}},"line"),k=a(x=>(i||(c+=Buffer.byteLength(x)),c>fO&&g("4 MiB")),"count");return{count:k,push:a(x=>{if(i||d||k(x))return;let[T="",...E]=x.split(`
`);l.push(T);for(let L of E){if(y(l.join("")),l=[L],o+=1,i)return;if(o>K0){g(`${K0} lines`);return}}},"push"),ready:$,ended:_,result:a(()=>({said:t,complete:i,isReady:n,unfit:r,excess:d,before:`${u}${s?"":l.join("")}`.slice(0,Q0)}),"result")}}a(G0,"readSaid");var Q0=4096;function pO(e){return e.replace(/\\(.)/g,(t,n)=>n==="n"?`
`:n)}a(pO,"unescapeSaid");var hO=10,_O=5,mO=64*1024,Z0=60,gO=10,Y0="the login shell did not run the command passed to it";async function Zt(e,t,n){let{container:r}=e.target,s=va(r?"host":n.sudo?"root":"login"),i=vO(n,e),o={what:n.what,where:e.target.name,state:n.state},c=n.clean??(j=>j),l=G0(n.onSay),u,d=null,f="",p;try{u=await Promise.race([e.exec(s),i.passed]),n.another&&e.roundTripMs()>hO&&e.prepare(s),u.output.setEncoding("utf8").on("data",l.push),u.errors.setEncoding("utf8").on("data",Q=>{l.count(Q)||(f=(f+Q).slice(-mO))});let j=u.closed.then(Q=>{d=Q}),ee=e.lost.then(Q=>Q?.message??"the connection was closed"),P=l.ready.then(()=>bO(u,e,t,n.payload)),G=yO(u,l.ready);p=await Promise.race([j,l.ended,ee,P,G,i.passed,kO(n.signal)])}finally{i.stop(),u?.destroy()}let{said:_,complete:$,isReady:g,unfit:y,before:k,excess:x}=l.result();if(x)throw pp(o,x);if(y)throw wO(e,n.what);p??=g?"the session closed before the answer was complete":Y0;let T=fp(_,o,c),E=T.text("container_error");if(E!==void 0){let j=T.text("container_remedy")??"";throw new Ue({what:"Entering the container",where:e.target.name,why:`${E}.`,remedy:j})}let L=_.length>0;return{answer:T,complete:$,begun:L,code:d,prose:c(L?f:k+f),cut:c(p)}}a(Zt,"runProgram");function Gs(e,{what:t,state:n},r){let{container:s,name:i}=e.target,o=!s||r.begun;return new Ue({what:t,where:i,why:o?`the answer was cut short: ${Ve(r.cut)}.`:`could not enter the container: ${Ve($O(r.prose)??r.cut)}`,state:n,remedy:o?"check that the login there runs the commands given to it (`ssh HOST true`): its shell, a start file such as ~/.bashrc that ends in `exec`, ForceCommand in sshd_config, `command=` in authorized_keys.":`check on the host that ${s?.name} exists, is running and has a /bin/sh.`,output:r.prose})}a(Gs,"notAnswered");function $O(e){return e.trimEnd().split(`
`).at(-1)||void 0}a($O,"lastLine");function yO(e,t){return new Promise(n=>{let r=setTimeout(()=>e.input.write(`${cd}
`),gO*1e3),s=setTimeout(n,Z0*1e3,`${Y0} within ${Z0} s`),i=a(()=>{clearTimeout(r),clearTimeout(s)},"stop");t.then(i),e.closed.then(i)})}a(yO,"notReady");function wO(e,t){return new Ue({what:t,where:e.target.name,why:"/bin/sh there is a shell whose printf or local is not a builtin (such as mksh or ksh93).",state:"untouched. Nothing was sent to it.",remedy:"make /bin/sh dash, bash or busybox."})}a(wO,"unfitShell");function bO(e,t,n,r){let{container:s}=t.target;return s&&e.input.write(ud(Ig(s,s.sudo))),AO(e,n,r)}a(bO,"sendAll");function AO(e,t,n){return new Promise(r=>{e.input.write(ud(t)),n?n(e.input).catch(s=>r(s.message)):e.input.end()})}a(AO,"send");function kO(e){return new Promise(t=>{let n=a(()=>setTimeout(()=>t(`the step was cancelled (${e?.reason})`),_O*1e3).unref(),"begin");e?.aborted?n():e?.addEventListener("abort",n,{once:!0})})}a(kO,"cancelled");function vO({limitSeconds:e,what:t},n){let r;return{passed:new Promise((i,o)=>{r=setTimeout(()=>{o(new Ue({what:t,where:n.target.name,why:`timed out after ${e} s.`,remedy:"check the load of the host, and what its login shell does when it starts."}))},e*1e3)}),stop:a(()=>clearTimeout(r),"stop")}}a(vO,"startLimit");var V0=`prelude() {
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
main`;var br=class extends Error{static{a(this,"OutdatedError")}},hn=class extends Error{static{a(this,"DiedError")}},er=class extends Error{static{a(this,"DeltaError")}};function Rt(e){return{failed:"",why:"",output:"",untrusted:!1,broken:"",pid:void 0,downtimeMs:void 0,bytesSent:0,phases:[],...e}}a(Rt,"bareOutcome");function Zs(e){return Rt({state:"unknown",failed:"answer",why:e.fields.why.replace(/\.$/,"")})}a(Zs,"unusableOutcome");var EO=["active","untouched","staged","rolled-back","broken"],SO=/^([a-z][a-z-]{0,40}) ([0-9]{1,12})$/;function jc({answer:e,complete:t=!1}){if(!t||!e)return;let n=e.oneOf("gave_up",["changed","delta","locked","refused","release"]);if(n==="changed")throw new br;if(n!==void 0){let i=e.quote("why")??"";if(n==="delta")throw new er(i);let o=`another deploy of this file holds the lock: ${i}`,c={locked:"lock",refused:"stage",release:"release"}[n],l=e.digest("staged")?"staged":"untouched";return Rt({state:l,failed:c,why:n==="locked"?o:i})}if(e.yes("died"))throw new hn;let r=e.oneOf("state",EO);if(r===void 0)return;let s=e.pid("gone");if(s!==void 0&&["active","rolled-back"].includes(r)){let i=`it finished as ${r}, but pid ${s} has since exited`;return Rt({state:"broken",failed:"transaction",why:"the target may have gone down",broken:i})}return{state:r,failed:e.text("failed")??"",why:e.quote("why")??"",output:e.quotedLines("output").join(`
`),untrusted:e.has("health_untrusted"),broken:e.quote("broken")??"",pid:e.pid("pid"),downtimeMs:e.number("downtime_ms"),bytesSent:0,phases:IO(e)}}a(jc,"outcomeOf");function IO(e){return e.parts("phase",SO,"a phase").map(([t="",n])=>({phase:t,afterMs:Number(n)*10}))}a(IO,"phasesOf");var CO={staged:"new file is on the target; sha256 verified",stop:"stopping the running program",receive:"receiving the new file",swap:"replacing the file",start:"starting the new version",stable:"healthy; confirming stability",accept:"new version accepted",rollback:"new version failed; rolling back","restart-old":"starting the previous version","rollback-stable":"previous version healthy; confirming stability"},X0=100;function qc(e,{environment:t,health:n},{isDeploy:r=!0,others:s={}}={}){let i={...CO,...s},o=Tn(t,n),c=0;return(l,u)=>{let d=l==="phase"?u.split(" ")[0]??"":l,f=(l==="phase"||l==="staged")&&Object.hasOwn(i,d)?i[d]:void 0;f===void 0&&l!=="note"||f===""||(c+=1,c===X0&&e.line("  (further lines from the target are not shown)"),!(c>=X0)&&(f!==void 0?e.phase(d,r||d!=="rollback"?f:"rolling back"):e.line(`  ${o(u)}`)))}}a(qc,"tellPhases");async function Kc({inputs:e,log:t,signal:n,sudo:r,limitSeconds:s,reconnect:i},o){let c=Date.now()+s*1e3,l="the target could not be reached again";for(;Date.now()<c&&!n.aborted;){try{var u=[];try{let $=_s(u,await i(),!0);let g=await Zt($,{text:V0,values:{folder:e.folder,name:e.name,id:o}},{sudo:r,what:"Following the transaction",limitSeconds:Math.max(5,(c-Date.now())/1e3),signal:n,clean:Tn(e.environment,e.health),onSay:qc(t,e)});if(g.complete&&g.answer.yes("never"))return Rt({state:"untouched",failed:"upload",why:"the connection was lost before the transaction started"});let y=jc(g);if(y)return y}catch(d){var f=d,p=!0}finally{var _=ms(u,f,p);_&&await _}}catch($){if($ instanceof hn)throw $;if($ instanceof Jn)return Zs($);l=$.message.split(`
`)[0]??l}await(0,J0.setTimeout)(1e3,void 0,{signal:n}).catch(()=>{})}return Rt({state:"unknown",failed:"connection",why:n.aborted?`the step was cancelled (${n.reason})`:l})}a(Kc,"learn");async function eb({id:e,sudo:t,limitSeconds:n},{inputs:r,connection:s},i){let{log:o,signal:c}=i,l=a(()=>zc(s,i),"reconnect");try{let{state:u,pid:d,why:f}=await Kc({inputs:r,log:o,signal:c,sudo:t,limitSeconds:n,reconnect:l},e);o.line(`Finished: ${u}${d?`, pid ${d}`:""}${f?`: ${f}`:""}.`)}catch(u){let d=u instanceof At?u.message:"The transaction was killed on the target; the next deploy restores the previous version.";for(let f of an(d))o.line(f)}}a(eb,"followInterrupted");function hp(e){let t=[],n,r="";for(let s=0;s<e.length;s+=1){let i=e.charAt(s);if(r==="'")i==="'"?r="":n+=i;else if(i==="\\"){s+=1;let o=e.charAt(s);if(o==="")throw new RangeError("a backslash ends it");if(o===`
`)continue;n=(n??"")+(r==='"'&&!'"\\$`'.includes(o)?`\\${o}`:o)}else r==='"'?i==='"'?r="":n+=i:i==="'"||i==='"'?(r=i,n??=""):` 	
`.includes(i)?(n!==void 0&&t.push(n),n=void 0):n=(n??"")+i}if(r)throw new RangeError(`the quote ${r} is never closed`);return n!==void 0&&t.push(n),t}a(hp,"splitWords");var tb=["auto","process","systemd","command","none"],nb=["TERM","INT","QUIT","HUP","USR1","USR2","WINCH","KILL"],Lt={source:ot(),sha256:Ze(Xe(/^[0-9a-f]{64}$/i,"a sha256 digest of 64 hexadecimal digits")),destination:Xe(ar,'an absolute path without ".." or control characters'),owner:Ze(Xe($m,"user, user:group or numbers")),mode:Ze(Xe(/^0?[0-7]{3,4}$/,"an octal mode such as 0755")),capabilities:Ze(Xe(/^[a-z0-9_,=+ -]+$/i,"capabilities such as cap_net_bind_service=+ep")),restart:nn(tb),service:Ze(Xe(/^(user:)?[A-Za-z0-9:_.@\\-]+$/,"the name of a unit, or user:NAME")),"stop-command":ot(),"start-command":ot(),"daemon-reload":Ht(!1),"stop-signal":An(Xe(OO,`one of ${nb.join(", ")}`),"TERM"),"stop-timeout-seconds":Qt(10,1,3600),"run-as":Ze(Xe($s,"the name of an account")),args:An(Xe(RO,"arguments whose quotes are closed"),""),"working-directory":Ze(Xe(e=>e==="/"||ar(e),"an absolute path")),environment:wg(),"log-file":Ze(Xe(ar,"an absolute path")),"health-url":Ze(ya()),"health-status":An(Xe(ym,"status codes and ranges such as 200-399 or 200,204"),"200-399"),"health-contains":ot(),"health-headers":bg(),"health-port":On(1,65535),"health-command":ot(),"health-timeout-seconds":Qt(60,1,3600),"stable-seconds":wa(3,0,3600),"expect-strings":vs()},PO=kt({...zr,...Lt,...xi,...vi,host:Ze(zr.host),strategy:nn(["staged","in-place"]),rollback:Ht(!0),"rollback-to":Ze(Xe(/^(previous|[0-9a-f]{4,64})$/i,"previous or at least 4 digits of a sha256")),"keep-releases":Qt(3,0,100),"allow-older":Ht(!1),force:Ht(!1),transfer:nn(["auto","delta","compressed","plain"]),"lock-timeout-seconds":Qt(60,0,86400),"revert-all":Ht(!1),"dry-run":Ht(!1),"report-file":ot(),"status-context":Ze(Xe(/^[^\s\p{Cc}][^\p{Cc}]{0,99}$/u,"at most 100 characters in one line")),token:ot()}).check(ks(e=>{for(let[t,n]of NO(e.value))e.issues.push({code:"custom",message:n,path:[t],input:e.value})},{when:a(()=>!0,"when")})),HQ=kt(Lt),zQ=ln(PO,bn(TO));function TO(e){return{...Ys(e),hosts:xs(e.host??""),connection:e,rollout:e,hooks:e,sudo:e.sudo,strategy:e.strategy,rollback:e.rollback,rollbackTo:e["rollback-to"]?.toLowerCase(),keepReleases:e["keep-releases"],allowOlder:e["allow-older"],force:e.force,transfer:e.transfer,lockTimeoutSeconds:e["lock-timeout-seconds"],revertAll:e["revert-all"],dryRun:e["dry-run"],reportFile:e["report-file"],status:{context:e["dry-run"]?void 0:e["status-context"],token:e.token}}}a(TO,"toDeployInputs");function Ys(e){let t=e.destination.endsWith("/")?`${e.destination}${e.source?.split("/").at(-1)??""}`:e.destination,[,n="",r=""]=/^(.*)\/([^/]*)$/.exec(t.replace(/\/{2,}/g,"/"))??[];return{source:e.source,sha256:e.sha256?.toLowerCase(),folder:n||"/",name:r,destination:`${n}/${r}`,owner:e.owner,mode:e.mode&&oa(e.mode),capabilities:e.capabilities,restart:e.restart,service:e.service,stopCommand:e["stop-command"],startCommand:e["start-command"],daemonReload:e["daemon-reload"],stopSignal:rb(e["stop-signal"]),stopTimeoutSeconds:e["stop-timeout-seconds"],runAs:e["run-as"],args:hp(e.args),workingDirectory:e["working-directory"],environment:e.environment,logFile:e["log-file"],health:{url:e["health-url"],status:e["health-status"].replace(/\s/g,""),contains:e["health-contains"],headers:e["health-headers"],port:e["health-port"],command:e["health-command"],timeoutSeconds:e["health-timeout-seconds"],stableSeconds:e["stable-seconds"]},expectStrings:e["expect-strings"]}}a(Ys,"toProgram");function NO(e){let t=[...ka(e),...Aa(e)];return!e.host&&!e["hosts-file"]&&t.push(["host","required, but not set"]),e.sha256&&!e.source&&t.push(["sha256","only valid with `source`, whose digest it is"]),!e.source&&!e["rollback-to"]&&t.push(["source","required, unless `rollback-to` is set"]),e.source&&e["rollback-to"]&&t.push(["rollback-to","cannot be combined with `source`: it activates a kept release"]),e.destination?.endsWith("/")&&!e.source&&t.push(["destination","must name the file itself if there is no `source`"]),e["revert-all"]===!0&&e["keep-releases"]===0&&t.push(["keep-releases","must be 1 or more with `revert-all`, which restores the previous release"]),[...t,..._p(e)]}a(NO,"contradictions");function _p(e){let t=tb.find(r=>r===e.restart),n=[];t==="command"&&!e["start-command"]&&n.push(["start-command","required with `restart: command`"]),t&&t!=="command"&&(e["start-command"]||e["stop-command"])&&n.push([e["start-command"]?"start-command":"stop-command","only valid with `restart: command`"]),e.service&&t&&!["auto","systemd"].includes(t)&&n.push(["service","only valid with `restart: systemd` or `restart: auto`"]);for(let r of["health-contains","health-headers"])!e["health-url"]&&(e[r]?.length??0)>0&&n.push([r,"only valid with `health-url`"]);if(e.restart==="none")for(let r of["health-url","health-port","health-command"])e[r]&&n.push([r,"has no effect with `restart: none`, which starts nothing"]);for(let[r,s]of(e.environment??[]).entries())/^[A-Za-z_][A-Za-z0-9_]*=/.test(s)||n.push(["environment",`line ${r+1} must be KEY=VALUE with a name a shell can export`]);return n}a(_p,"programContradictions");function OO(e){return nb.includes(rb(e))}a(OO,"isSignal");function rb(e){return e.toUpperCase().replace(/^SIG/,"")}a(rb,"signalName");function RO(e){try{return hp(e),!e.includes("\0")}catch{return!1}}a(RO,"isSplittable");var BO=kt(Lt);function Qc(e){if(e.kind==="binary")return e;if(e.kind!=="config"&&e.kind!=="folder")return;let{source:t,destination:n,owner:r,mode:s}=e,i=Ys(BO.parse({source:t,destination:n,restart:"none"})),o=e.kind==="config"?e.health:i.health;return{...e,program:{...i,owner:r,mode:s,health:o}}}a(Qc,"asProgram");var Jh=require("node:fs"),hk=require("node:fs/promises");var mn=gt(Q1(),1);var W1=128*1024,Yh=2e4,G1=12;function Y1(e){if(Buffer.byteLength(e)>W1)return{problems:[{line:1,message:`the text is longer than ${W1/1024} KiB`}]};let t=new mn.LineCounter,n=a(u=>Math.max(1,t.linePos(u??0).line),"lineOf"),r=(0,mn.parseAllDocuments)(e,{lineCounter:t,prettyErrors:!1,schema:"failsafe",stringKeys:!0,uniqueKeys:!1,logLevel:"silent"});if(!("length"in r))return{problems:[]};let s=r.flatMap(({errors:u})=>u.map(d=>({line:n(d.pos[0]),message:d4(d)}))),i=r[1];if(i&&s.push({line:n(i.range[0]),message:"there is a second document; only one is read"}),s.length>0)return{problems:Z1(s)};let o=r[0]?.contents??null;if(o===null||(0,mn.isScalar)(o)&&o.type==="PLAIN"&&o.source==="")return{value:void 0,problems:[]};let c=l4(n),l=c.read(o,1);return c.problems.length>0?{problems:Z1(c.problems)}:{value:l,problems:[]}}a(Y1,"readYaml");function l4(e){let t=[],n=new Map,r=0,s=a((c,l)=>(t.push({line:c,message:l}),{kind:"empty",line:c}),"refuse"),i=a((c,l,u)=>{let d=u??e(c?.range?.[0]);if(r+=1,r>Yh)return r===Yh+1?s(d,`there are more than ${Yh} values, repeated ones included`):{kind:"empty",line:d};if(l>G1)return s(d,`it is nested deeper than ${G1} levels`);if(c===null)return{kind:"empty",line:d};if((0,mn.isAlias)(c)){let f=n.get(c.source);return f?i(f,l,d):s(d,"an alias (`*`) names no anchor that stands before it")}if(c.anchor!==void 0&&u===void 0&&n.set(c.anchor,c),c.tag!==void 0&&!/^tag:yaml\.org,2002:(str|seq|map)$/.test(c.tag))return s(d,"a tag (`!`) is not read; quote a text that starts with `!`");if((0,mn.isScalar)(c)){let f=String(c.value);return f===""&&c.type==="PLAIN"?{kind:"empty",line:d}:{kind:"text",line:d,text:f}}if((0,mn.isSeq)(c)){let f=c.items.map(p=>i(p,l+1,u));return{kind:"list",line:d,items:f}}return{kind:"map",line:d,entries:o(c,l,u)}},"read"),o=a((c,l,u)=>{let d=new Map;return c.items.map(f=>{let{key:p,value:_}=f,[$,g]=[u??e(p.range?.[0]),(0,mn.isScalar)(p)?String(p.value):""],y=d.get(g);return g==="<<"?s($,"the merge key `<<` is not read; repeat the keys"):y!==void 0&&s($,`the key \`${u4(g)}\` is given twice, first on line ${y}`),d.set(g,$),{key:g,line:$,value:i(_,l+1,_===null?$:u)}})},"entriesOf");return{problems:t,read:i}}a(l4,"openReader");function u4(e){return/^[a-z][a-z0-9-]{0,40}$/.test(e)?e:"…"}a(u4,"shownName");function d4({code:e}){return f4[e]??`it is not valid YAML (${e})`}a(d4,"messageOf");var f4={BAD_ALIAS:"an alias (`*`) is not valid; quote a text that starts with `*`",BAD_DQ_ESCAPE:"a backslash in double quotes starts no known escape; use single quotes",BAD_INDENT:"the indentation does not match the lines around it",BAD_SCALAR_START:"a text starts with a character that YAML reserves; quote it",BLOCK_AS_IMPLICIT_KEY:"a `:` stands where no key can be; quote the text, or indent it as a value of its own",MISSING_CHAR:"a closing quote, a bracket or the `:` after a key is missing",MULTILINE_IMPLICIT_KEY:"the `:` after a key is missing, or a text of several lines is not quoted",NON_STRING_KEY:"a key is not a text",RESOURCE_EXHAUSTION:"it is nested too deeply",TAB_AS_INDENT:"a tab is used as indentation; use blanks",UNEXPECTED_TOKEN:"something stands where YAML expects nothing; check quotes and indentation"};function Z1(e){let t=new Set;return e.filter(({line:r,message:s})=>{let i=`${r} ${s}`;return!t.has(i)&&t.add(i)}).sort((r,s)=>r.line-s.line)}a(Z1,"inOrder");var Fo=["binary","folder","config","unit","restart"],p4=/^\/(etc|run|usr\/lib|usr\/local\/lib|lib)\/systemd\/system$/,h4=/^[A-Za-z0-9:_.@\\-]+\.(service|socket|target|timer|path|mount|automount|swap|slice)$/,X1=Xe(e=>e!==""&&!e.includes("\0"),"a path on the runner"),J1=Xe(_4,'an absolute path without ".." or control characters, outside of state folders (.NAME.deploy)'),Vh={source:X1,destination:J1,owner:Lt.owner,mode:Ze(Xe(/^0?[0-7]{3}$/,"an octal mode without set-ID bits, such as 0644")),"overwrite-drift":Ht(!1)},V1={"health-url":Lt["health-url"],"health-status":Lt["health-status"],"health-contains":Lt["health-contains"],"health-port":Lt["health-port"],"health-command":Lt["health-command"],"health-headers":Lt["health-headers"],"health-timeout-seconds":Lt["health-timeout-seconds"],"stable-seconds":Lt["stable-seconds"]},ts={binary:{...Lt,source:X1,destination:J1},folder:{...Vh,exclude:vs(),keep:vs()},config:{...Vh,check:Ze(Xe(/\{file\}/,"a command that names the staged file as {file}")),apply:ot(),...V1,"must-contain":vs(),"shrink-at-most":Ze(Xe(/^(\d{1,2}|100)%$/,"a percentage such as 50%"))},unit:{...Vh,enable:Ht(!1)},restart:{source:Xe(/^(user:)?[A-Za-z0-9:_.@\\-]+$/,"the name of a unit, or user:NAME"),...V1}};function ek(e){let t=Object.keys(ts[e]).filter(n=>n!=="source"&&n!=="destination");return[e,...e==="restart"?[]:["to"],...t,"needs"]}a(ek,"keysOf");function tk(e,t){return t==="source"?e:t==="destination"?"to":t}a(tk,"keyOf");function nk(e){let t=e.lastIndexOf("/");return p4.test(e.slice(0,t))&&h4.test(e.slice(t+1))}a(nk,"isUnitFile");function _4(e){return ar(e)&&!e.split("/").some(t=>/^\..+\.deploy$/.test(t))}a(_4,"isDestination");function ns(e){return/\.(service|socket|timer|path|target|mount|automount|swap|slice|scope|device)$/.test(e)?e:`${e}.service`}a(ns,"unitName");function rk(e){let t=m4(e),n=[];return{parts:e.map(({line:s,own:i,needs:o,needsLine:c},l)=>{let u=o.map(d=>e.findIndex((f,p)=>g4(f,t[p],d)));for(let[d,f]of u.entries()){let p=$4({wanted:o[d]??"",index:f,at:l,names:t});p&&n.push({line:c,message:`\`needs\`: ${p}`})}return{...i,line:s,name:t[l]??"",needs:[...new Set(u)].sort((d,f)=>d-f)}}),clashes:[...y4(e),...w4(e)],unmet:n}}a(rk,"relateParts");function Mo(e){return e.kind==="restart"?sk(e.service):e.kind==="binary"?e.program.destination:e.destination}a(Mo,"placeOf");function m4(e){let t=e.map(({own:r})=>Mo(r)),n=t.map(r=>r.split("/").at(-1)??r);return t.map((r,s)=>n.filter(i=>i===n[s]).length>1?r:n[s]??"")}a(m4,"namesOf");function g4({own:e},t,n){return n===t||n===Mo(e)||e.kind==="restart"&&n===e.service}a(g4,"isNamed");function $4(e){let{wanted:t,index:n,at:r,names:s}=e;if(n>=0&&n<r)return;if(n===r)return"a part can't need itself";if(n>r)return`'${t}' stands later; move it before this part`;let i=s.slice(0,r);return`no part is named '${t}'${i.length>0?`; earlier parts are ${i.join(", ")}`:""}`}a($4,"needsProblem");function y4(e){return e.flatMap(({line:t,own:n},r)=>{if(n.kind==="restart")return[];let s=Mo(n);for(let i of e.slice(0,r)){if(i.own.kind==="restart")continue;let o=Mo(i.own);if(o===s)return[{line:t,message:`\`to\`: the part on line ${i.line} has the same destination`}];let[c,l]=o.length<s.length?[i.own,s]:[n,o];if(c.kind==="folder"&&l.startsWith(`${Mo(c)}/`))return[{line:t,message:`\`to\`: it ${c===n?"contains":"lies inside of"} the destination of the part on line ${i.line}`}]}return[]})}a(y4,"overlaps");function w4(e){let t=new Map;return e.flatMap(({line:n,own:r})=>{let s=r.kind==="restart"?r.service:r.kind==="binary"?r.program.service:void 0;if(s===void 0)return[];let i=sk(s),o=t.get(i);return o===void 0&&t.set(i,n),o===void 0?[]:[{line:n,message:`${i} is restarted by the part on line ${o} already`}]})}a(w4,"sharedUnits");function sk(e){let t=e.startsWith("user:")?"user:":"";return`${t}${ns(e.slice(t.length))}`}a(sk,"wholeUnit");var b4=kt(Lt),Ho={binary:kt(ts.binary),folder:kt(ts.folder),config:kt(ts.config),unit:kt(ts.unit),restart:kt(ts.restart)},ak={binary:zo(Ho.binary,_p,e=>({kind:"binary",program:Ys(e)})),folder:zo(Ho.folder,k4,e=>({kind:"folder",...Xh(e),exclude:e.exclude,keep:e.keep.map(t=>t.replace(/\/+$/,""))})),config:zo(Ho.config,ok,e=>({kind:"config",...Xh(e),check:e.check,apply:e.apply,health:ik(e),mustContain:e["must-contain"],shrinkAtMost:e["shrink-at-most"]===void 0?void 0:Number.parseInt(e["shrink-at-most"],10)})),unit:zo(Ho.unit,A4,e=>({kind:"unit",...Xh(e),enable:e.enable})),restart:zo(Ho.restart,ok,e=>({kind:"restart",service:e.source,health:ik(e)}))};function zo(e,t,n){let r=ks(s=>{for(let[i,o]of t(s.value))s.issues.push({code:"custom",message:o,path:[i],input:s.value})},{when:a(()=>!0,"when")});return ln(e.check(r),bn(n))}a(zo,"reading");function Xh(e){return{source:e.source,destination:ck(e),owner:e.owner,mode:e.mode&&oa(e.mode),overwriteDrift:e["overwrite-drift"]}}a(Xh,"fileOf");function ck({source:e,destination:t}){let n=e.replace(/\/+$/,"").split("/").at(-1)??"";return(t.endsWith("/")?`${t}${n}`:t).replace(/\/{2,}/g,"/")}a(ck,"destinationOf");function ik(e){let{source:t,...n}=e,r=b4.parse({destination:"/part"});return Ys({...r,...n,destination:"/part",owner:void 0,mode:void 0}).health}a(ik,"healthOf");function ok(e){return e["health-url"]?[]:[["health-contains",e["health-contains"]],["health-headers",e["health-headers"]?.length]].flatMap(([n,r])=>r?[[n,"only valid with `health-url`"]]:[])}a(ok,"healthContradictions");function A4({source:e,destination:t}){return e===void 0||t===void 0||nk(ck({source:e,destination:t}))?[]:[["destination","expected the path of a system unit, such as /etc/systemd/system/app.service; for a drop-in use a config part with apply: systemctl daemon-reload"]]}a(A4,"unitContradictions");function k4({keep:e=[],exclude:t=[]}){let n=[];for(let r of e){let s=r.replace(/\/+$/,"");(!/^[^/]/.test(r)||s.split("/").some(i=>["",".",".."].includes(i)))&&n.push(["keep",`expected paths inside of the folder, got '${r}'`])}return t.some(r=>r.startsWith("!"))&&n.push(["exclude","a pattern that starts with `!` is not read; list what is left out"]),n}a(k4,"folderContradictions");var v4=["environment","exclude","expect-strings","health-headers","keep","must-contain","needs"];function lk(e,t){let n=a(r=>({problem:{line:t.line,message:`\`${e}\` ${r}`}}),"wrong");switch(t.kind){case"text":return{text:t.text};case"empty":return n("has no value: remove the key, or give it one");case"map":return e==="environment"?E4(t,n):n("must be a text, not a map");case"list":{if(e!=="args"&&!v4.includes(e))return n("must be a text, not a list");let r=t.items.map(o=>o.kind==="text"?o.text:void 0),s=t.items.find((o,c)=>r[c]===void 0);if(s)return{problem:{line:s.line,message:`\`${e}\` must be a list of texts`}};let i=r.map(o=>o??"");return e==="args"?i.some(o=>o.includes("\0"))?n(x4):{text:i.map(Hr).join(" ")}:i.some(o=>o.includes(`
`))?n(uk):{text:i.join(`
`)}}}}a(lk,"textOf");var uk="has an entry with a line end in it",x4="has an entry with a NUL byte in it";function E4({entries:e},t){let n=[];for(let{key:r,value:s}of e){if(s.kind!=="text")return t(`has no text for ${/^[A-Za-z_]\w*$/.test(r)?r:"one of its keys"}`);if(s.text.includes(`
`))return t(uk);n.push(`${r}=${s.text}`)}return{text:n.join(`
`)}}a(E4,"environmentText");var dk=50;function fk(e){let{value:t,problems:n}=Y1(e);if(n.length>0)return{parts:[],problems:n};let r=S4(t);if("problem"in r)return{parts:[],problems:[r.problem]};let s=r.items.map(I4),{parts:i,clashes:o,unmet:c}=rk(s.flatMap(({part:d})=>d?[d]:[])),l=s.flatMap(d=>d.problems),u=[...l,...o,...l.length>0?[]:c];return u.length>0?{parts:[],problems:u.sort((d,f)=>d.line-f.line)}:{parts:i,problems:[]}}a(fk,"parseParts");function pk(e,t){return t.map(({line:n,message:r})=>`${e}, line ${n}: ${r}.`)}a(pk,"formatProblems");function S4(e){let t=a((n,r)=>({problem:{line:n,message:r}}),"wrong");return e?e.kind!=="list"?t(e.line,"expected a list of parts, each of which starts with `- `"):e.items.length===0?t(e.line,"there is no part"):e.items.length>dk?t(e.line,`there are more than ${dk} parts`):e:t(1,"there is no part")}a(S4,"itemsOf");function I4(e){let t=a(i=>({problems:[{line:e.line,message:i}]}),"wrong");if(e.kind!=="map")return t(`expected a part with one of the keys ${Fo.join(", ")}`);let n=a(i=>e.entries.some(o=>o.key===i),"has"),[r,s]=Fo.filter(i=>n(i)&&(i!=="restart"||!n("binary")));return r?s==="restart"?t(`a ${r} part restarts nothing; add a part \`restart: UNIT\` with \`needs\``):s?t(`it is both \`${r}\` and \`${s}\`; make two parts of it`):P4(r,e):t(`a part needs one of the keys ${Fo.join(", ")}${C4(e.entries)}`)}a(I4,"readPart");function C4(e){let t=e.flatMap(({key:n})=>bi(n,Fo)??[])[0];return t?`; is \`${t}\` meant`:""}a(C4,"kindMeant");function P4(e,{line:t,entries:n}){let r=[],s=new Map,i={},o=ek(e);for(let{key:_,line:$,value:g}of n){if(!o.includes(_)){r.push({line:$,message:`a ${e} part has no key \`${T4(_)}\`${N4(_,o)}`});continue}s.set(_,$);let y=lk(_,g);"text"in y?i[_]=y.text:r.push(y.problem)}let{[e]:c,to:l,needs:u="",...d}=i,f=ak[e].safeParse({...d,source:c,destination:l});for(let{path:_,message:$}of f.error?.issues??[]){let g=tk(e,String(_[0]));if(s.has(g)&&i[g]===void 0)continue;let y=i[g]===void 0&&["source","destination"].includes(String(_[0]));r.push({line:s.get(g)??t,message:y?`\`${g}\` is missing`:`\`${g}\`: ${$}`})}if(!f.success||r.length>0)return{problems:r};let p=u.split(`
`).map(_=>_.trim());return{part:{line:t,own:f.data,needs:p.filter(Boolean),needsLine:s.get("needs")??t},problems:r}}a(P4,"readKeys");function T4(e){return/^[a-z][a-z0-9_-]{0,40}$/i.test(e)?e:"…"}a(T4,"shown");function N4(e,t){let n=bi(e,t);return n?`; is \`${n}\` meant`:""}a(N4,"keyMeant");var O4=128*1024;async function Kl(e){let{parts:t,partsFile:n}=e;if(t===void 0==(n===void 0))throw new ut([`Input 'parts': ${t===void 0?"required, unless":"goes without"} parts-file.`]);let{parts:r,problems:s}=fk(t??await R4(n??""));if(s.length>0)throw new ut(pk(n??"Input 'parts'",s));return r}a(Kl,"readParts");async function R4(e){try{var t=[];try{let o=_s(t,await(0,hk.open)(e,Jh.constants.O_RDONLY|Jh.constants.O_NONBLOCK),!0);let c=await o.stat();if(!c.isFile())throw new ut([`Input 'parts-file': ${e} is not a regular file.`]);if(c.size>O4)throw new ut([`Input 'parts-file': ${e} is longer than 128 KiB.`]);return await o.readFile("utf8")}catch(n){var r=n,s=!0}finally{var i=ms(t,r,s);i&&await i}}catch(o){if(o instanceof ut)throw o;let{code:c="unknown error"}=o,l=c==="ENOENT"?"does not exist on the runner":`can't be read (${c})`;throw new ut([`Input 'parts-file': ${e} ${l}.`])}}a(R4,"textOfFile");async function _k(e,t,n){let r=JSON.parse(e("begun")||"[]");if(r.length===0)return;let{log:s}=n;s.line("The main step was stopped during a release. The target will finish it on its own, as active or rolled-back for all parts.");let i=await B4(t);if(!i){let c=Math.max(...r.map(l=>l.limitSeconds));s.line(`The inputs are not available any more, so the target can't be queried. It will finish within ${c} s; check with verify-deploy.`);return}let o=new Set(r.map(({host:c})=>c.split(`
`)[0])).size>1;await Promise.all(r.map(async c=>{let[l="",u=""]=c.host.split(`
`),d=i.parts[Number(u)],f=d&&Qc(d);if(!f)return;let p=o?Pn(s,l):s,_={...i.inputs.connection,host:l},$={inputs:Ea(i.inputs,f.program),connection:_};await eb(c,$,{...n,log:Pn(p,f.name)})}))}a(_k,"reportInterrupted");async function B4(e){try{let t=e();return{inputs:t,parts:await Kl({parts:t.parts,partsFile:t.partsFile})}}catch(t){if(t instanceof ut)return;throw t}}a(B4,"givenAgain");var mk=require("node:crypto"),rr=require("node:fs/promises"),Xt=require("node:path");async function gk(e,t){if(e===void 0)return async()=>{};let n=await L4(e);return async r=>{let s=`${n}.${(0,mk.randomUUID)()}`;try{await(0,rr.writeFile)(s,`${Bu(r)}
`,{flag:"wx"}),await(0,rr.rename)(s,n)}catch(i){await(0,rr.rm)(s,{force:!0}),t.warning(`report-file ${e} could not be written: ${i.message}`)}}}a(gk,"openReportFile");async function L4(e){let t=a(s=>new ut([`Input 'report-file': ${s}.`]),"problem"),n=await(0,rr.realpath)((0,Xt.dirname)((0,Xt.resolve)(e))).catch(()=>{});if(n===void 0)throw t(`there is no folder ${(0,Xt.dirname)(e)} on the runner`);let r=(0,Xt.relative)(await(0,rr.realpath)("."),n);if(!(0,Xt.isAbsolute)(e)&&(r.startsWith("..")||(0,Xt.isAbsolute)(r)))throw t(`${e} leads out of the workspace`);return(0,Xt.join)(n,(0,Xt.basename)(e))}a(L4,"fileAt");var Ql=require("node:fs/promises");var D4=1<<20;async function $k(e,{"hosts-file":t,shard:n}){let r=[...new Set([...e,...t===void 0?[]:await U4(t)])];if(r.length===0)throw new ut(["Input 'host': required, unless `hosts-file` names at least one host."]);if(r.length>Mr)throw new ut([`Input 'hosts-file': ${r.length} hosts; the limit of a step is ${Mr}.`]);let s=n===void 0?void 0:id(n);return s?r.filter((i,o)=>o%s.of===s.number-1):r}a($k,"hostsOfStep");async function U4(e){let t=a(o=>new ut([`Input 'hosts-file': ${o}.`]),"problem"),n=await(0,Ql.stat)(e).catch(()=>{});if(!n?.isFile())throw t(`there is no file ${e} on the runner`);if(n.size>D4)throw t(`${e} has ${n.size} bytes; the limit is 1 MiB`);let s=(await(0,Ql.readFile)(e,"utf8")).replace(/^\uFEFF/,"").split(`
`).map(o=>o.replace(/(^|\s)#.*$/,"").trim()),i=s.flatMap((o,c)=>o===""||Qn(o)?[]:[`line ${c+1} of ${e}: expected a host, user@host, user@host:port or alias, got '${o}'`]);if(i.length>0)throw new ut(i.slice(0,20).map(o=>`Input 'hosts-file': ${o}.`));return s.filter(o=>o!=="")}a(U4,"hostsOfFile");var wk=require("node:timers/promises");function yk(e,t){let{waiting:n,running:r,proved:s,failed:i,unreachable:o}=M4(e);if(n===0)return r>0?{does:"wait"}:{does:"stop"};let c=Math.max(0,t.canary-s),l=i+(t.skipsUnreachable?0:o);if(l>0&&c>0)return{does:"stop",because:"a canary failed"};if(l>t.maxFailures)return{does:"stop",because:H4(l,t.maxFailures)};let u=t.inBatches||F4(e,t.canary);if(r>0&&u&&c===0)return{does:"wait"};let d=(c>0?Math.min(c,t.atATime):t.atATime)-r;return d<=0?{does:"wait"}:{does:"start",targets:[...e.keys()].filter(p=>e[p]==="waiting").slice(0,d),afterPause:u&&s>0&&r===0}}a(yk,"decide");function F4(e,t){let n=0,r=e.findIndex(s=>(s==="proved"&&(n+=1),n===t));return t>0&&r>=0&&(e[r+1]??"waiting")==="waiting"}a(F4,"isJustAfterCanaries");function M4(e){let t={waiting:0,running:0,proved:0,failed:0,unreachable:0};for(let n of e)t[n]+=1;return t}a(M4,"counts");function H4(e,t){return t===0?"another target failed":`${e} targets failed, more than max-failures (${t})`}a(H4,"tooMany");async function bk(e,{policy:t,pauseSeconds:n,signal:r,onPause:s},i){let o=Array.from({length:e},()=>"waiting"),c=new Set,l,u=a(p=>{o[p]="running";let _=i(p).then($=>{o[p]=$}).catch($=>{o[p]="failed",l??=$??new Error("no reason was given")}).finally(()=>c.delete(_));c.add(_)},"start"),f=await a(async()=>{for(;l===void 0;){if(r.aborted)return o.includes("waiting")?"the step was cancelled":void 0;let p=yk(o,t);if(p.does==="stop")return p.because;if(p.does==="wait")await Promise.race(c);else{if(p.afterPause&&n>0&&(s(o),await(0,wk.setTimeout)(n*1e3,void 0,{signal:r}).catch(()=>{}),r.aborted))continue;p.targets.forEach(u)}}},"goOn")();if(await Promise.all(c),l!==void 0)throw l;return f}a(bk,"rollOut");var l_=require("node:fs"),Jk=require("node:fs/promises"),ev=require("node:os");var Ak=z_("AGFzbQEAAAABLgdgA39/fwF/YAJ/fwBgA39/fwBgBH9/f38AYAR/f39/AX9gAAF/YAV/f39/fwACDwEDZW52Bm1lbW9yeQIAAQMKCQIAAwEEAQUGAAZREH8BQQALfwFBAAt/AUEAC38BQQALfwFBAAt/AUEAC38BQQALfwFBAAt/AUEAC38BQQALfwFBAAt/AUEAC38BQQALfwFBAAt/AUEAC38BQQALBzoHBGZyZWUABgViZWdpbgAHBWluZGV4AAUEdGFrZQACBWFsaWduAAgHcmVzdG9yZQADBm1lbW9yeQIADAEBCr8OCa8BAQR/IAAiBCABaiIGQQBIBH9BAAUgAiMBIAZrIgAgACACShsiAEEAIABBAE4bCyECA0AgA0EQaiIAIAJMBEAgBSMFIARqIANq/QAEACMAIAZqIANq/QAEAP0j/WRpaiEFIAAhAwwBCwsDQCACIANKBEAgBUEBaiAFIwUgBGogA2otAAAjACAGaiADai0AAEYbIQUgA0EBaiEDDAELCyAFIw9MBEAPCyAFJA8gASQOC/QBAgR/AXsgASIEQQBIBH9BAAUgAiMBIARrIgEgASACShsiAUEAIAFBAE4bCyEFA0AgA0EQaiIBIAVMBEAjByAAaiADaiMFIABqIANq/QAEACMAIARqIANq/QAEAP1xIgf9CwQAIAYgB/0MAAAAAAAAAAAAAAAAAAAAAP0j/WRpaiEGIAEhAwwBCwsDQCADIAVIBEAjByAAaiADaiMFIABqIANqLQAAIwAgBGogA2otAABrIgE6AAAgBiAGQQFqIAFB/wFxGyEGIANBAWohAwwBCwsgAiAFSgRAIAAgBWoiACMHaiMFIABqIAIgBWv8CgAACyAGCxIAIAAkBSABJAYgAiQHIAMkCAsSACMHIABqIwUgAGogAfwKAAAL2wMCBn8BfiMNQQBKBEAjDUEBayQNIANBCmwgAkEDbE4PC0GAASMGIABrIgMgA0GAAUobIgdBA2xBCm0iBiQPIAAgASMKaiAHEABBACEDA0AgAyMLSARAIAAgASADQQJ0QYAIaigCAGogBxAAIANBAWohAwwBCwsgAEEgaiIDIwZBCGsiCCADIAhIGyEIIAAhAwNAIARBEEggAyAITHEEfyMPQQpsIAdBCWxIBUEACwRAIwMjBSADaikDACIKp0Gx893xeWwgCkIgiKdB95Svr3hscyIJQQ92IAlzQe347OACbCMEdkECdGooAgBBAWsiCUF/IAlBAE4EfyMAIAlqKQMAIApRBUEACxsiCUEASAR/QQEFIw4gCSADa0YjDyAGSnELRQRAIAAgCSADayAHEAAgBEEBaiEECyADQQFqIQMMAQsLIw8gBkoiBiMOIAEjCmpHcQRAQQAkDCMKIQMjDiABayIEJAoDQCADIARHIAVBCEhxBEAgBUECdEGACGohByAFIwtIBH8gBygCAAUgBAsgByADNgIAIAUjC0YEQCMLQQFqJAsLIQMgBUEBaiEFDAELCyAAIAAjDmogAhABGgUjDEEBaiQMQQMjDEEBdSIAIABBA04bJA0LIAYLdwIBfgJ/IAEjAUEHayIDIAEgA0gbIQMDQCAAIANIBEAjACAAaikDACICQiCIpyIEIAKnIgFHBEAjAyABQbHz3fF5bCAEQfeUr694bHMiAUEPdiABc0Ht+OzgAmwjBHZBAnRqIABBAWo2AgALIABBEGohAAwBCwsLBQBBoAgLJAAgACQAIAEkASACJAIgAyQDQSAgBGskBEEAIAJrJApBACQLC+8FAQZ/QQAkCQNAIAAgAUgEQCACIwpqIQQgAEH/B3FFIABBgAhqIAFMcQR/An9BACAAIARqIgVBAEgEf0EABUGACCMBIAVrIgMgA0GACEobIgNBACADQQBOGwtBgAhIDQAaQQAhAwNAIANBgAhIBEBBACMFIABqIANq/QAEACMAIAVqIANq/QAEAP1R/VMNAhogA0EQaiEDDAELCyMHIABqQQBBgAj8CwBBAQsFQQALBEAjAiAAIARqaiEDIwgjCUEBa0EDdGohBAJAIwlBAEoEQCADQYCAgIB4RiAEKAIAIgUgBCgCBCIGaiADRiAGQYCAgIB4RhsEQCAEIAVBgAhqNgIADAILCyAEQYAINgIIIAQgAzYCDCMJQQFqJAkLIABBgAhqIQAMAgsgACAAIARqQSAgASAAayIDIANBIEobIgQQASIDQQpsIARBB2xOBH9BAQUgACACIAQgAxAECwRAIAIjCmoiAyAAaiIFQQBIBH9BAAUgBCMBIAVrIgUgBCAFSBsiBUEAIAVBAE4bCyIFQQBKBEACQCMCIAAgA2pqIQYjCCMJQQFrQQN0aiEHIwlBAEoEQCAGQYCAgIB4RiAHKAIAIgMgBygCBCIIaiAGRiAIQYCAgIB4RhsEQCAHIAMgBWo2AgAMAgsLIAcgBTYCCCAHIAY2AgwjCUEBaiQJCwsgBCAFSgRAAkAgBCAFayEDIwgjCUEBa0EDdGohBSMJQQBKBEAgBSgCACIGIAUoAgQiB2pBgICAgHhGIAdBgICAgHhGcgRAIAUgAyAGajYCAAwCCwsgBSADNgIIIAVBgICAgHg2AgwjCUEBaiQJCwsFIwcgAGojBSAAaiAE/AoAACMIIwlBAWtBA3RqIQMCQCMJQQBKBEAgAygCACIFIAMoAgQiBmpBgICAgHhGIAZBgICAgHhGcgRAIAMgBCAFajYCAAwCCwsgAyAENgIIIANBgICAgHg2AgwjCUEBaiQJCwsgACAEaiEADAELCyMJCwsnAQBBgAgLIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");var vk=require("node:zlib");var e_=8192,j4=.1,q4=.9;function xk(e,t){let n=Math.max(0,Math.floor((e.length-e_)/2)),r=t.subarray(n,n+e_),s=0;for(let i=0;i<r.length;i+=1)r[i]===0&&(s+=1);return r.length-s<r.length*j4?!1:kk(e.subarray(n,n+e_))<q4*kk(r)}a(xk,"packsBetter");function kk(e){return(0,vk.deflateRawSync)(e,{level:1}).length}a(kk,"packed");var rs=-(2**31),Wl=65536,jo=4*Wl,Ek=16*(Wl/32),K4=16,Q4=2**24,W4=65536;async function Ik(e){let t=Math.ceil(Math.log2(Math.min(Q4,Math.max(256,e/K4)))),n=new WebAssembly.Memory({initial:1}),{instance:r}=await WebAssembly.instantiate(Ak,{env:{memory:n}}),s=r.exports,i=s.free(),c=[e,4*2**t,jo,jo,jo,Ek].map(y=>{let k=i;return i=Math.ceil((i+y)/64)*64,[k,y]});n.grow(Math.ceil(i/W4));let[l,u,d,f,p,_]=c.map(([y,k])=>Buffer.from(n.buffer,y,k)),$=new Int32Array(n.buffer,_.byteOffset,Ek/4),g=!1;return{pieces:[d,f],begin:a(y=>(g&&u.fill(0),g=!0,s.begin(l.byteOffset,e,y,u.byteOffset,t),l),"begin"),index:s.index,align:a((y,k)=>{s.take(y.byteOffset,y.length,p.byteOffset,_.byteOffset);let x=[];for(let T=0;T<y.length;T+=Wl){let E=Math.min(T+Wl,y.length),L=s.align(T,E,k);if(xk(y.subarray(T,E),p.subarray(T,E)))s.restore(T,E-T),Sk(x,{bytes:E-T,from:rs});else for(let[j,ee]of G4($.subarray(0,2*L)))Sk(x,{bytes:j,from:ee})}return{stretches:x,difference:p.subarray(0,y.length)}},"align")}}a(Ik,"openAligner");function*G4(e){for(let t=0;t<e.length;t+=2)yield[e[t],e[t+1]]}a(G4,"pairs");function Sk(e,{bytes:t,from:n}){let r=e.at(-1),s=r&&(r.from===rs?rs:r.from+r.bytes);r&&s===n?r.bytes+=t:e.push({bytes:t,from:n})}a(Sk,"add");function Ck(e,t){if(e===0)return[];if(t<=268435456)return[{fresh:{begin:0,end:e},old:{begin:0,end:t}}];let n=[];for(let r=0;r<e;r+=134217728){let s=Math.min(r+134217728,e),i=(r+s)/2*(t/e),o=Math.floor(Math.min(Math.max(0,i-268435456/2),t-268435456));n.push({fresh:{begin:r,end:s},old:{begin:o,end:o+268435456}})}return n}a(Ck,"planParts");var Z4=1<<20;async function*Tk(e,t){let n=Ck(e.bytes,t.bytes),[r]=n;if(!r)return;let s=await Ik(r.old.end-r.old.begin),i=0;for(let o of n){let c=s.begin(o.old.begin),l=a(d=>c.subarray(d-o.old.begin,d-o.old.begin+Z4),"oldBlock");for await(let{at:d,block:f}of Pk(t,o.old,l))s.index(d-o.old.begin,d-o.old.begin+f.length);let u=a(d=>s.pieces[d/jo%2],"piece");for await(let{at:d,block:f}of Pk(e,o.fresh,u)){let p=s.align(f,d),_=V4(p,i);i=_.end,yield Buffer.concat([_.bytes,p.difference])}}}a(Tk,"deltaOf");async function*Pk(e,{begin:t,end:n},r){let s=a(i=>{if(i>=n)return;let o=r(i).subarray(0,n-i),c=Y4(e,i,o);return c.catch(()=>{}),{at:i,block:o,done:c}},"read");for(let i=s(t);i!==void 0;){let{at:o,block:c,done:l}=i;await l,i=s(o+c.length),yield{at:o,block:c}}}a(Pk,"blocksOf");async function Y4({handle:e},t,n){for(let r=0;r<n.length;){let{bytesRead:s}=await e.read(n,r,n.length-r,t+r);if(s===0)throw new Error("the file was shortened while it was being read");r+=s}}a(Y4,"fill");function V4({stretches:e,difference:t},n){let r=Buffer.allocUnsafe(8+8*e.length);r.writeUInt32BE(e.length,0),r.writeUInt32BE(t.length,4);let s=n;for(let[i,{bytes:o,from:c}]of e.entries())r.writeInt32BE(o,8+8*i),r.writeInt32BE(c===rs?rs:c-s,12+8*i),c!==rs&&(s=c+o);return{bytes:r,end:s}}a(V4,"headOf");var Gl=require("node:child_process"),Nk=require("node:events"),Zl=require("node:stream"),Ok=require("node:stream/promises"),t_=gt(require("node:zlib"),1);var n_=256*1024;function Rk(){return(0,Gl.spawnSync)("zstd",["--version"],{stdio:"ignore"}).status===0?{zstd:"program"}:{zstd:Bk().createZstdCompress?"node":void 0}}a(Rk,"findCompressors");async function*r_(e,{by:t,level:n,adapt:r,has:s}){let{stage:i,ended:o,stop:c}=t==="gzip"?X4():s.zstd==="program"?J4(n,r):e5(n),l=(0,Ok.pipeline)(Zl.Readable.from(e,{objectMode:!1,highWaterMark:n_}),i);l.catch(()=>{});try{for await(let u of i)yield u;await l,await o?.()}finally{i.destroy(),c?.()}}a(r_,"compress");function X4(){return{stage:t_.createGzip({level:1,chunkSize:n_})}}a(X4,"gzip");function J4(e,t){let n=t?[`--adapt=min=${e},max=12`]:[`-${e}`,"-B2M","--long=24"],r=(0,Gl.spawn)("zstd",["-q","-c","-T0",...n],{stdio:["pipe","pipe","ignore"]}),s=(0,Nk.once)(r,"close");s.catch(()=>{});let i=Zl.Duplex.from({writable:r.stdin,readable:r.stdout});return r.once("error",o=>i.destroy(o)),{stage:i,stop:a(()=>r.kill(),"stop"),ended:a(async()=>{let[o]=await s;if(o!==0)throw new Error(`zstd exited with code ${o}`)},"ended")}}a(J4,"zstdProgram");function e5(e){let{createZstdCompress:t,constants:n}=Bk();if(!t)throw new Error("this runner has no zstd");return{stage:t({chunkSize:n_,params:{[n.ZSTD_c_compressionLevel??100]:e}})}}a(e5,"zstdOfNode");function Bk(){return t_}a(Bk,"zlibZstd");var qo=require("node:crypto"),ci=require("node:fs"),rt=require("node:fs/promises"),i_=require("node:path");var t5={files:8,bytes:4*2**30},n5=1<<20,r5=36e5,s_=/^[0-9a-f]{64}$/,s5=/^\.new-/,i5=/^note-/,o5=2160*36e5,a5="forgejo-deploy-toolkit",c5=/^[0-9a-f]{32}$/;function Lk(e,{serverUrl:t,repository:n}){let r=(0,qo.createHash)("sha256").update(JSON.stringify([t,n])).digest("hex");return`${e}/${a5}/${r.slice(0,32)}`}a(Lk,"keptFolder");async function Dk(e,t=t5){for(let n of[(0,i_.dirname)(e),e])await l5(n);return{open:a(async n=>s_.test(n)?u5(`${e}/${n}`,n):void 0,"open"),keep:a(async(n,r)=>{if(!s_.test(r))throw new Error("its digest is not a sha256");await f5(`${e}/${r}`)||(await p5(n,{folder:e,sha256:r,most:t.bytes}),await h5(e,t))},"keep")}}a(Dk,"openKept");async function l5(e){await(0,rt.mkdir)(e,{recursive:!0,mode:448});let t=await(0,rt.lstat)(e);if(!t.isDirectory())throw new Error(`${e} is not a folder`);if(t.uid!==process.getuid?.())throw new Error(`${e} belongs to another account`);(t.mode&511)!==448&&await(0,rt.chmod)(e,448)}a(l5,"makeOwn");async function u5(e,t){let n;try{n=await(0,rt.open)(e,ci.constants.O_RDONLY|ci.constants.O_NOFOLLOW|ci.constants.O_NONBLOCK)}catch(s){s.code==="ELOOP"&&await(0,rt.rm)(e,{force:!0});return}let r=await n.stat();if(r.isFile()&&await d5(n)===t)return await(0,rt.utimes)(e,new Date,new Date).catch(()=>{}),{handle:n,bytes:r.size};await n.close(),await(0,rt.rm)(e,{force:!0,recursive:!0})}a(u5,"openProved");async function d5(e){let t=(0,qo.createHash)("sha256"),n=Buffer.allocUnsafe(n5);for(let r=0;;){let{bytesRead:s}=await e.read(n,0,n.length,r);if(s===0)return t.digest("hex");t.update(n.subarray(0,s)),r+=s}}a(d5,"digestOf");async function f5(e){try{return await(0,rt.utimes)(e,new Date,new Date),(await(0,rt.lstat)(e)).isFile()}catch{return!1}}a(f5,"touched");async function p5(e,t){let{size:n}=await(0,rt.lstat)(e),{bavail:r,bsize:s}=await(0,rt.statfs)(t.folder);if(n>t.most)throw new Error("it is too large to be kept");if(r*s<3*n)throw new Error(`too little room is left in ${t.folder}`);let i=`${t.folder}/.new-${(0,qo.randomUUID)()}`;try{await(0,rt.copyFile)(e,i,ci.constants.COPYFILE_EXCL|ci.constants.COPYFILE_FICLONE),await(0,rt.chmod)(i,384),await(0,rt.rename)(i,`${t.folder}/${t.sha256}`)}finally{await(0,rt.rm)(i,{force:!0})}}a(p5,"copy");async function h5(e,t){let n=(0,i_.dirname)(e),r=(await Uk(n)).filter(f=>c5.test(f)).map(f=>`${n}/${f}`),s=(await Promise.all([...new Set([e,...r])].map(_5))).flat(),i=0,o=0,l=s.filter(({name:f})=>s_.test(f)).sort((f,p)=>p.usedAt-f.usedAt).filter(f=>(i+=f.bytes,f.folder===e&&(o+=1),i>t.bytes||f.folder===e&&o>t.files)),u=[{names:s5,before:Date.now()-r5},{names:i5,before:Date.now()-o5}],d=s.filter(({name:f,usedAt:p})=>u.some(({names:_,before:$})=>_.test(f)&&p<$));for(let f of[...l,...d])await(0,rt.rm)(`${f.folder}/${f.name}`,{force:!0,recursive:!0})}a(h5,"prune");async function _5(e){return Promise.all((await Uk(e)).map(async t=>{let n=await(0,rt.lstat)(`${e}/${t}`).catch(()=>{});return{folder:e,name:t,usedAt:n?.mtimeMs??0,bytes:n?.size??0}}))}a(_5,"filesIn");async function Uk(e){return(0,rt.readdir)(e).catch(()=>[])}a(Uk,"namesIn");var Yl=require("node:crypto"),Nr=require("node:fs/promises");async function Fk(e,t){let n=await(0,Nr.readFile)(jk(e,t),"utf8").catch(()=>"{}");try{let{bytesPerSecond:r,roundTripMs:s,left:i,deltaBy:o}=JSON.parse(n);return{...typeof r=="number"&&r>0?{bytesPerSecond:r}:{},...typeof s=="number"&&s>0?{roundTripMs:s}:{},...Array.isArray(i)&&i.every(m5)?{left:i.slice(0,Hk)}:{},...o==="zstd"||o==="gzip"?{deltaBy:o}:{}}}catch{return{}}}a(Fk,"readNote");async function Mk(e,t,n){let r=`${e}/.new-${(0,Yl.randomUUID)()}`;try{await(0,Nr.writeFile)(r,JSON.stringify(n),{mode:384,flag:"wx"}),await(0,Nr.rename)(r,jk(e,t))}finally{await(0,Nr.rm)(r,{force:!0})}}a(Mk,"writeNote");var Hk=8;function zk(e,{left:t=[]}){return[e,...t.filter(n=>n!==e)].slice(0,Hk)}a(zk,"leftWith");function m5(e){return typeof e=="string"&&/^[0-9a-f]{64}$/.test(e)}a(m5,"isDigest");function jk(e,t){return`${e}/note-${(0,Yl.createHash)("sha256").update(t).digest("hex").slice(0,16)}`}a(jk,"noteFile");var qk=require("node:crypto"),Ko=require("node:events"),Vl=require("node:fs/promises");var Mn=class extends Error{static{a(this,"PayloadError")}},g5=256*1024,$5=8*2**20,y5=64*2**20;function Qo(e){return{read:a(async function*(){try{yield*e()}catch(t){throw Qk(t)}},"read"),[Symbol.asyncDispose]:async()=>{}}}a(Qo,"streamed");async function Kk(e,t){let n=`${t}/.payload-${(0,qk.randomUUID)()}`,r=await(0,Vl.open)(n,"wx+",384);await(0,Vl.unlink)(n);let s=new Ko.EventEmitter().setMaxListeners(0),i=0,o,c,u=a(async()=>{for await(let d of e()){for(;!c&&i-(o??0)>(o===void 0?y5:$5);)await(0,Ko.once)(s,"taken");if(c)return;await r.write(d,0,d.length,i),i+=d.length,s.emit("written")}},"fill")().then(()=>({}),d=>({error:Qk(d)})).then(d=>{c??=d,s.emit("written")});return{read:a(async function*(){for(let d=0;;){if(d===i){if(c?.error)throw c.error;if(c)return;await(0,Ko.once)(s,"written");continue}let f=Buffer.allocUnsafe(Math.min(g5,i-d)),{bytesRead:p}=await r.read(f,0,f.length,d);d+=p,o=Math.max(o??0,d),s.emit("taken"),yield f.subarray(0,p)}},"read"),[Symbol.asyncDispose]:async()=>{c??={error:new Mn("the step has finished")},s.emit("taken"),s.emit("written"),await u,await r.close()}}}a(Kk,"spooled");function Qk(e){return e instanceof Mn?e:new Mn(e instanceof Error?e.message:String(e),{cause:e})}a(Qk,"payloadError");var w5=16384,b5=1e6,A5={zstd:.27,gzip:.31,"delta-zstd":.05,"delta-gzip":.08,plain:1},k5={zstd:3e8,gzip:7e7,"delta-zstd":15e7,"delta-gzip":7e7,plain:7e8},v5=4e8;function Xl(e){let{wanted:t,bytes:n,near:r,compressors:s,base:i,link:o}=e,c=a((y,k)=>({encoding:y,level:E5(y,o.bytesPerSecond),why:`${S5(y,i)}, ${k}`}),"plan"),[l]=s,u=x5(e);if(t==="plain")return c("plain","because transfer is plain");if(t==="auto"&&r)return c("plain","because the target is this machine");if(n<w5)return c("plain",`because ${$t(n)} is too small to compress`);if(!l)return c("plain","because runner and target share neither zstd nor gzip");if(t==="compressed")return c(l,"because transfer is compressed");if(t==="delta")return u?c(l,`no delta, because ${u}`):c(`delta-${l}`,"because transfer is delta");let f=[...u?[]:[`delta-${l}`],l,"plain"].map(y=>({encoding:y,seconds:o_(y,n,o)})),[p,..._]=f.sort((y,k)=>y.seconds-k.seconds),$=[p,..._].map(({encoding:y,seconds:k})=>`${I5(y)} ${k.toFixed(1)} s`),g=`${$t(o.bytesPerSecond)}/s (${o.from})`;return c(p.encoding,`at ${g}: ${$.join(", ")}${u?`; no delta, because ${u}`:""}`)}a(Xl,"planTransfer");var Wk={ofWhatIsLeft:.5,seconds:10};function Gk(e,t,n){let{bytes:r,link:s}=t,i=o_(e,r,s)-n/s.bytesPerSecond,o=Xl(t),c=i-o_(o.encoding,r,s);return c>Wk.seconds&&c>Wk.ofWhatIsLeft*i?o:void 0}a(Gk,"soonerWay");function a_(e){return{bytesPerSecond:e<3?11e7:e<15?25e6:6e6,from:`assumed from a round trip of ${Math.round(e)} ms`}}a(a_,"assumedLink");function x5({wanted:e,base:t,bytes:n}){return"lacks"in t?t.lacks:e==="auto"&&n<b5?`${$t(n)} is too small for one`:void 0}a(x5,"deltaLacks");function o_(e,t,n){return(e.startsWith("delta")?t/v5:0)+Math.max(t*A5[e]/n.bytesPerSecond,t/k5[e])}a(o_,"secondsOf");function E5(e,t=0){return e.startsWith("delta")?t>6e7?1:t>5e6?3:t>1e6?7:12:t>3e7?1:t>1e7?3:t>4e6?6:9}a(E5,"levelFor");function S5(e,t){let[,n]=e.split("-");return n?`a delta against ${"sha256"in t?tn(t.sha256):"the present file"} with ${n}`:e==="plain"?"plain":`compressed with ${e}`}a(S5,"named");function I5(e){return e.startsWith("delta")?"delta":e==="plain"?"plain":"compressed"}a(I5,"plainName");var C5="measured last time",P5="measured on the first bytes",T5=5e7,Zk=256*1024;function tv({wanted:e,several:t},{env:n,log:r,run:s}){let i=n("RUNNER_TOOL_CACHE"),o=i&&Lk(i,s),c=c_(()=>o?Dk(o):Promise.reject(new Error("RUNNER_TOOL_CACHE is not set"))),l=c_(Rk),u=new Map,d=new Map,f=[],p=a(y=>e==="delta"||e==="auto"&&!y,"deltaHelps"),_=a(y=>{let k=u.get(y)??N5(c,y);return u.set(y,k),k},"baseOf"),$=a((y,{encoding:k,level:x},T)=>{let E=k.startsWith("delta")&&"file"in T?T:void 0,L=`${k} ${E?.sha256??""}`,j=a(()=>B5(y,{encoding:k,level:x,base:E?.file,has:l()}),"make"),ee=d.get(L)??(k!=="plain"&&(t||E)?Kk(j,n("RUNNER_TEMP")??(0,ev.tmpdir)()).catch(()=>Qo(j)):Promise.resolve(Qo(j)));return d.set(L,ee),ee},"payloadOf"),g=c_(y=>c().then(k=>k.keep(y.path,y.sha256)).catch(k=>r.line(`Not kept for the next delta: ${k.message}.`)));return{to:a((y,k)=>{let x=o&&p(!1)?Fk(o,y):Promise.resolve({}),T={},E,L=!1,j="nothing",ee=a(Q=>{T.bytesPerSecond=Math.round(Q)},"remember"),P=a(async Q=>!o||(await x).left?.includes(Q)?_(Q):{lacks:"this runner did not deploy the target's present file"},"baseThere");return a(async()=>{let{left:[Q]=[],deltaBy:Z,roundTripMs:X,...he}=await x,J=Yk(he)??(X&&a_(X));if(!Q||!Z||!J)return;let[oe,_e]=await Promise.all([k,_(Q)]);if(!oe||oe.sha256===Q)return;let we=Xl({wanted:e,bytes:oe.bytes,near:!1,compressors:[Z],base:_e,link:J});we.encoding.startsWith("delta")&&await $(oe,we,_e)},"begin")().catch(()=>{}),{choose:a(async(Q,Z)=>{let X=E??Yk(await x),he=X??a_(Z.roundTripMs),J=Z.near&&(!X||X.bytesPerSecond>T5);L=!J;let oe=p(J)?R5(Q,Z):"none was requested",{present:_e,tools:we}=Z,O=oe||"lacks"in _e?{lacks:oe??""}:await P(_e.sha256),U=e==="plain"||e==="auto"&&J?[]:Vk(l(),we);we.has("perl")&&U[0]&&(T.deltaBy=U[0]),Number.isFinite(Z.roundTripMs)&&(T.roundTripMs=Z.roundTripMs);let D={wanted:e,bytes:Q.bytes,near:J,compressors:U,base:O,link:he},K=Xl(D);j=O5(K.encoding,Z.near),p(J)&&f.push(g(Q));let ue=a((pe,de)=>{if(e!=="auto"||E||K.encoding.startsWith("delta"))return!1;let lt={...D,near:!1,compressors:Vk(l(),we)},Et={bytesPerSecond:de,from:P5};return Gk(K.encoding,{...lt,link:Et},pe)?(E=Et,ee(de),!0):!1},"isTooSlow");return{encoding:K.encoding,why:K.why,payload:await $(Q,K,O),isTooSlow:ue}},"choose"),measured:a(async Q=>{let{bytesPerSecond:Z=Number.POSITIVE_INFINITY}=await x;!Q||j==="nothing"||(j==="the rate"||Q>Z)&&ee(Q)},"measured"),arrived:a((Q,Z)=>{if(!p(Z&&!L))return;let X=a(async()=>{await g(Q);let he=await x;T={...he,...T,left:zk(Q.sha256,he)},o&&await Mk(o,y,T)},"note");f.push(X().catch(()=>{}))},"arrived")}},"to"),[Symbol.asyncDispose]:async()=>{await Promise.all(f);for(let y of await Promise.allSettled(d.values()))y.status==="fulfilled"&&await y.value[Symbol.asyncDispose]();for(let y of await Promise.all(u.values()))"file"in y&&await y.file.handle.close()}}}a(tv,"openTransfers");function c_(e){let t;return(...n)=>(t??={value:e(...n)},t.value)}a(c_,"once");async function N5(e,t){try{let n=await(await e()).open(t);return n?n.bytes<=2147483647?{sha256:t,file:n}:(await n.handle.close(),{lacks:"the files are too large for one"}):{lacks:"this runner did not keep the target's present file"}}catch(n){return{lacks:`this runner keeps no files: ${n.message}`}}}a(N5,"openBase");function Yk({bytesPerSecond:e}){return e?{bytesPerSecond:e,from:C5}:void 0}a(Yk,"rememberedLink");function O5(e,t){return e==="plain"?"the rate":t?"nothing":e.startsWith("delta")?"a higher rate":"the rate"}a(O5,"tellsOf");function R5({bytes:e},{tools:t,present:n}){return"lacks"in n?n.lacks:t.has("perl")?e>2147483647?"the files are too large for one":void 0:"the target has no perl"}a(R5,"deltaLacks");function Vk({zstd:e},t){return[...e&&t.has("zstd")?["zstd"]:[],...t.has("gzip")?["gzip"]:[]]}a(Vk,"inCommon");async function*B5(e,t){let{encoding:n,level:r,base:s,has:i}=t;if(n==="plain"){yield*(0,l_.createReadStream)(e.path,{highWaterMark:Zk});return}let o=n.endsWith("zstd")?"zstd":"gzip";if(!s){let l=(0,l_.createReadStream)(e.path,{highWaterMark:Zk});yield*r_(l,{by:o,level:r,adapt:!0,has:i});return}let c=await(0,Jk.open)(e.path);try{yield*r_(Tk({handle:c,bytes:e.bytes},s),{by:o,level:r,adapt:!1,has:i})}finally{await c.close()}}a(B5,"encode");function ss(e){return gs.findLast(t=>e.includes(t))??"unchanged"}a(ss,"worst");function nv(e,t){let n=e.map(()=>"untouched"),r=new Map,s=a(async()=>{t.save("begun",r.size===0?"":JSON.stringify([...r.values()])),await t.outputs({state:ss(n)})},"write");return e.map((i,o)=>{let c;return{begin:a(async l=>{c={host:i,...l},r.set(i,c),n[o]="unknown",await s()},"begin"),begun:a(()=>c,"begun"),end:a(async l=>{l!=="unknown"&&r.delete(i),n[o]=l,await s()},"end")}})}a(nv,"openBook");var gv=require("node:fs/promises");var iv=require("node:crypto"),ov=require("node:fs"),Jl=require("node:fs/promises");var L5={3:"i386",8:"mips",20:"ppc",21:"ppc64",22:"s390x",40:"arm",62:"x86_64",183:"aarch64",243:"riscv64",258:"loongarch64"},D5=3;async function rv(e){let t=await u_(e,0,64);if(t.length<52||t.readUInt32BE(0)!==2135247942)return;let n=t[4]===2?64:32,r=U5(t[5]===2),[s,i,o]=n===64?[Number(r.u64(t,32)),r.u16(t,54),r.u16(t,56)]:[r.u32(t,28),r.u16(t,42),r.u16(t,44)],c=r.u16(t,18),l=L5[c]??`ELF machine ${c}`,u=await u_(e,s,i*o);for(let d=0;d+i<=u.length&&i>0;d+=i){if(r.u32(u,d)!==D5)continue;let[f,p]=n===64?[Number(r.u64(u,d+8)),Number(r.u64(u,d+32))]:[r.u32(u,d+4),r.u32(u,d+16)],_=await u_(e,f,Math.min(p,4096));return{machine:l,bits:n,interpreter:_.toString("utf8").replace(/\0.*$/s,"")}}return{machine:l,bits:n,interpreter:void 0}}a(rv,"readElf");function sv({machine:e},t){return e===t?!0:e==="i386"?/^(i[3-6]86|x86_64)$/.test(t):e==="arm"?/^(arm|aarch64)/.test(t):e==="ppc64"?t.startsWith("ppc64"):e==="mips"?t.startsWith("mips"):!1}a(sv,"runsOn");async function u_(e,t,n){let r=Buffer.alloc(Math.max(0,Math.min(n,1048576))),{bytesRead:s}=await e.read(r,0,r.length,t);return r.subarray(0,s)}a(u_,"readAt");function U5(e){return{u16:a((t,n)=>e?t.readUInt16BE(n):t.readUInt16LE(n),"u16"),u32:a((t,n)=>e?t.readUInt32BE(n):t.readUInt32LE(n),"u32"),u64:a((t,n)=>e?t.readBigUInt64BE(n):t.readBigUInt64LE(n),"u64")}}a(U5,"reader");var F5=1<<20;async function av(e,t,n){let r=await M5(e),s=t.map(d=>Buffer.from(d)),i=Math.max(0,...s.map(d=>d.length-1)),o=new Set(s),c=(0,iv.createHash)("sha256"),l=Buffer.alloc(0);for await(let d of(0,ov.createReadStream)(e,{highWaterMark:F5})){if(c.update(d),o.size===0)continue;let f=i>0?Buffer.concat([l,d]):d;for(let p of o)f.includes(p)&&o.delete(p);l=Buffer.from(f.subarray(-i||f.length))}if(o.size>0)throw z5(e,o);let u=c.digest("hex");if(n!==void 0&&u!==n)throw j5(e,u,n);return{path:e,bytes:r,sha256:u,elf:await H5(e)}}a(av,"readSource");async function M5(e){let t=a(r=>new At({what:`Reading the source ${e}`,why:r,state:"untouched.",remedy:"check the path and the build step before this one."}),"why"),n=await(0,Jl.stat)(e).catch(r=>{throw t(r.code==="ENOENT"?"the file does not exist on the runner.":r.message)});if(!n.isFile())throw t("it is not a regular file.");if(n.size===0)throw t("it is empty.");return n.size}a(M5,"sizeOf");async function H5(e){let t=await(0,Jl.open)(e);try{return await rv(t)}finally{await t.close()}}a(H5,"elfOf");function z5(e,t){let n=[...t].map(r=>`'${r.toString()}'`).join(", ");return new At({what:`Checking the source ${e}`,why:`it does not contain ${n} (expect-strings).`,state:"untouched. Nothing was sent.",remedy:"check that this is the build of the intended commit, or correct `expect-strings`."})}a(z5,"missingStrings");function j5(e,t,n){return new At({what:`Checking the source ${e}`,why:`its sha256 is ${t}, not ${n} (sha256).`,state:"untouched. Nothing was sent.",remedy:"deploy the file that was tested: take it from the job that built it, and the digest from the outputs of that job."})}a(j5,"otherDigest");var lv=require("node:crypto");function d_(e){let t=e|(e&292)>>2;return{file:e,executable:t,folder:t}}a(d_,"modesOf");function uv(e,t,{modes:n,owner:r,reuse:s}){let i=new Map(t.map(d=>[d.path,d])),o=new Map(t.filter(({kind:d,sha256:f})=>d==="file"&&f!=="").map(d=>[d.sha256,d])),c={sent:[],same:[],moved:[],deleted:[],relabelled:[],added:[]};for(let d of e){let f=i.get(d.path),p=f?.kind===d.kind&&f.sha256===d.sha256,_=o.get(d.sha256);d.kind==="file"?p&&s?c.same.push(d):_&&s?c.moved.push({from:_.path,to:d}):c.sent.push(d):p||c.added.push(d),p&&!cv(f,{mode:q5(d,n),owner:r})&&c.relabelled.push(d.path)}let l=new Set(e.map(({path:d})=>d));c.deleted=t.map(({path:d})=>d).filter(d=>d!==""&&!l.has(d));let u=i.get("");return u&&!cv(u,{mode:n.folder,owner:r})&&c.relabelled.push(""),c}a(uv,"compareTrees");function dv({sent:e,moved:t,deleted:n,relabelled:r,added:s,same:i},o){let c=o.filter(({kind:u})=>u==="file").length;return[e,t,n,r,s].every(u=>u.length===0)&&i.length===c}a(dv,"isUnchanged");function Or(e){let t=(0,lv.createHash)("sha256"),n=e.filter(({path:r})=>r!=="").sort((r,s)=>r.path<s.path?-1:1);for(let{path:r,kind:s,sha256:i}of n)t.update(`${s} ${i} ${Buffer.byteLength(r)}:${r}
`);return t.digest("hex")}a(Or,"treeDigest");function q5({kind:e,executable:t},n){return e==="folder"?n.folder:t?n.executable:n.file}a(q5,"modeOf");function cv({kind:e,mode:t,uid:n,gid:r},s){return n===s.owner.uid&&r===s.owner.gid&&(e==="link"||t===s.mode)}a(cv,"isLabelled");var f_=require("node:crypto"),hv=require("node:fs"),is=require("node:fs/promises"),tu=require("node:path"),_v=require("node:stream/promises");async function eu(e,{limit:t,stopped:n},r){let s=e.entries(),i=a(async()=>{for(let[o,c]of s){if(n())return;await r(c,o)}},"worker");await Promise.all(Array.from({length:Math.min(t,e.length)},i))}a(eu,"inParallel");var Wo=".forgejo-deploy-lists";function fv(e){let t=e.map(n=>{let r=n.endsWith("/"),s=n.replace(/^\/|\/$/g,""),i=n.startsWith("/")||s.includes("/");return{folderOnly:r,anchored:i,rule:K5(s)}});return(n,r)=>t.some(({folderOnly:s,anchored:i,rule:o})=>(r||!s)&&o.test(i?n:n.split("/").at(-1)??""))}a(fv,"excluding");function K5(e){let t="";for(let n=0;n<e.length;n+=1){let r=e.slice(n),s=/^\[([!^]?)((?:\]|[^\]/])[^\]/]*)\]/.exec(r);r.startsWith("**/")?(t+="(?:[^]*/)?",n+=2):r.startsWith("**")?(t+="[^]*",n+=1):e[n]==="*"?t+="[^/]*":e[n]==="?"?t+="[^/]":s?(t+=`[${s[1]?"^/":""}${(s[2]??"").replace(/[\\[\]^]/g,"\\$&")}]`,n+=s[0].length-1):t+=(e[n]??"").replace(/[\\^$.*+?()[\]{}|/]/,"\\$&")}return new RegExp(`^${t}$`,"u")}a(K5,"ruleOf");var pv=1e5,Q5=8;async function mv(e,t){let n=await(0,is.lstat)(e).catch(()=>{});if(!n)return{entries:[],problems:[`the folder ${e} does not exist on the runner`]};if(!n.isDirectory())return{entries:[],problems:[`${e} is not a folder`]};let r=[],s=[],i=fv(t.exclude),o=[""];for(let c=o.pop();c!==void 0;c=o.pop())for(let l of await(0,is.readdir)(`${e}/${c}`,{encoding:"buffer"})){let u=l.toString("utf8"),d=c===""?u:`${c}/${u}`;if(!Buffer.from(u).equals(l)){s.push(`the name of ${d} is not UTF-8`);continue}let f=await(0,is.lstat)(`${e}/${d}`);if(t.keep.includes(d)||i(d,f.isDirectory()))continue;let p=W5(d,f);if(p){s.push(p);continue}let _=f.isSymbolicLink()?await(0,is.readlink)(`${e}/${d}`):"";if(_!==""&&G5(d,_)&&s.push(`${d} is a link out of the folder, to ${_}`),r.push({path:d,kind:f.isDirectory()?"folder":f.isFile()?"file":"link",sha256:_===""?"":(0,f_.createHash)("sha256").update(_).digest("hex"),bytes:f.isFile()?f.size:0,executable:f.isFile()&&(f.mode&64)!==0,target:_,modified:Math.max(1,Math.floor(f.mtimeMs/1e3))}),f.isDirectory()&&o.push(d),r.length>pv)return{entries:[],problems:[`${e} has more than ${pv} entries`]}}return r.sort((c,l)=>c.path<l.path?-1:1),await eu(r.filter(({kind:c})=>c==="file"),{limit:Q5,stopped:a(()=>!1,"stopped")},async c=>{let l=await Z5(`${e}/${c.path}`);c.sha256=l.sha256,c.bytes=l.bytes}),{entries:r,problems:s}}a(mv,"scanTree");function W5(e,t){return e.split("/")[0]===Wo?`${e} has a name that this action uses itself`:!t.isDirectory()&&!t.isFile()&&!t.isSymbolicLink()?`${e} is a device, a pipe or a socket`:t.isFile()&&(t.mode&3072)!==0?`${e} has a set-ID bit`:void 0}a(W5,"problemOf");function G5(e,t){if(t.startsWith("/"))return!0;let n=tu.posix.normalize(tu.posix.join(tu.posix.dirname(e),t));return n===".."||n.startsWith("../")}a(G5,"leavesTree");async function Z5(e){let t=(0,f_.createHash)("sha256"),n=0;return await(0,_v.pipeline)((0,hv.createReadStream)(e),async r=>{for await(let s of r)t.update(s),n+=s.length}),{sha256:t.digest("hex"),bytes:n}}a(Z5,"digestOf");var Y5=16*2**20;async function $v(e){let t=await Promise.allSettled(e.map(V5)),n=t.flatMap(s=>s.status==="rejected"?[s.reason]:[]),[r]=n;if(n.length>1&&n.every(s=>s instanceof At))throw new At({...r.fields,what:"Reading the sources",why:n.map(({fields:s})=>`${s.what}: ${s.why}`).join(`
`)});if(r)throw r;return t.flatMap(s=>s.status==="fulfilled"?[s.value]:[])}a($v,"readSources");async function V5(e){if(e.kind==="folder")return X5(e);let{program:t}=e,n=await av(t.source??"",t.expectStrings,t.sha256);if(e.kind!=="config")return{source:n};if(n.bytes>Y5)throw yv(e.source,["it is larger than 16 MiB"]);return{source:n,content:await(0,gv.readFile)(e.source)}}a(V5,"readPart");async function X5({source:e,exclude:t,keep:n}){let{entries:r,problems:s}=await mv(e.replace(/\/+$/,""),{exclude:t,keep:n});if(s.length>0)throw yv(e,s);let i=r.reduce((o,c)=>o+c.bytes,0);return{source:{path:e,bytes:i,sha256:Or(r),elf:void 0},tree:r}}a(X5,"readTree");function yv(e,t){return new At({what:`Reading the source ${e}`,why:t.map(n=>`${n}.`).join(`
`),state:"untouched.",remedy:"check the path and the build step before this one."})}a(yv,"unusable");function nu(e){let t=[];e.tools.has("/proc")||t.push({why:"the target has no `/proc`, so its processes cannot be seen.",remedy:"mount it on the target: `mount -t proc proc /proc`."});for(let n of["flock","setsid","sha256sum","stat","timeout"])e.tools.has(n)||t.push({why:`the target has no \`${n}\`.`,remedy:"install util-linux and coreutils, or busybox, on the target."});if(e.toyboxTimeout&&t.push({why:"the `timeout` of the target is the one of toybox, which often fails to run its command.",remedy:"install coreutils there, or busybox."}),e.sudoError!==void 0){let n=e.sudoRemedy||`give ${e.login} passwordless sudo on the target`;t.push({why:`root is needed, because ${e.needsRoot}, and ${e.sudoError}`,remedy:e.unitRemedy?`${n}; or, to allow no more than a restart of the unit, ${e.unitRemedy}.`:`${n}; or log in as the account that owns the file.`})}for(let{command:n,remedy:r}of e.commandsRefused)t.push({why:`${e.login} may not run \`${n}\` by sudo.`,remedy:`${r}.`});return e.stateRefused&&t.push({why:`${e.stateRefused}.`,remedy:"deploy with the account that owns it, or move it away (its kept releases go with it)."}),t}a(nu,"hostObstacles");function wv({unfinished:e},t){return{why:e?`an earlier deploy (${e.run}) is unfinished, and recovering it failed.`:`the target changed each of the ${t} times it was inspected, before the lock was held.`,remedy:"find out what else changes the file or its state folder, and check the disk; then re-run the job."}}a(wv,"restless");function bv(e){return{why:`the target runs ${e}; only Linux is supported.`,remedy:"deploy to a Linux target: processes are identified through its `/proc`."}}a(bv,"otherKernel");var Av=`prelude() {
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
main`;var kv=`prelude() {
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
main`;var vv=`prelude() {
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
main`;var xv=200,Ev=30,Sv=30;async function Iv(e,t){let{hooks:n}=t,r=n["before-command"]??"",s=n["before-on"]==="host",i=s?{...e,target:{...e.target,container:void 0}}:e;return await Pv(i,{...t,sudo:t.sudo&&!s},{name:"before-command",command:r,limitSeconds:n["before-timeout-seconds"]})}a(Iv,"runBefore");async function Cv(e,t){let n=t.hooks["after-command"]??"";return await Pv(e,t,{name:"after-command",command:n,limitSeconds:t.hooks["after-timeout-seconds"]})}a(Cv,"runAfter");async function Pv(e,{sudo:t,log:n,run:r,clean:s,signal:i},{name:o,command:c,limitSeconds:l}){n.phase(o,`running it, for at most ${l} s`);let u=0,d=a((p,_)=>{p==="output"&&(u+=1,u<=xv&&n.line(`  | ${Ve(s(_))}`),u===xv+1&&n.line("  | (more lines of the command are not shown)"))},"onSay"),f={what:`Running ${o}`,state:void 0};try{let p={command:c.replaceAll("{run}",String(r)),limit_seconds:l},_=await Zt(e,{text:vv,values:p},{what:f.what,sudo:t,limitSeconds:l+Sv,clean:s,signal:i,onSay:d}),$=_.answer.number("command_code");return!_.complete||$===void 0?`${o} was cut off: ${_.cut}`:$===0?void 0:[124,137,143].includes($)?`${o} did not finish within ${l} s, or was killed`:`${o} exited with code ${$}`}catch(p){return`${o} could not be run: ${p.message.split(`
`)[0]}`}}a(Pv,"run");async function Tv(e,{hooks:t,sudo:n,clean:r,signal:s}){let{"require-url":i,"require-port":o,"require-command":c}=t;if(i===void 0&&o===void 0&&c===void 0)return[];let l={what:"Checking what the deploy requires",state:"untouched. Nothing on the target was changed."},u={urls:i&&Hr(i),ports:o,command:c,limit_seconds:Ev},d={...l,sudo:n,limitSeconds:2*Ev,clean:r,signal:s},f=await Zt(e,{text:Av,values:u},d);if(!f.complete)throw Gs(e,l,f);return f.answer.quotedLines("gate")}a(Tv,"closedGates");async function Nv(e,{release:t,first:n},{goes:r,sudo:s,signal:i}){let o={release:t,first_folder:n.folder,first_name:n.name,goes:r?"yes":""},c={what:"Continuing the release",sudo:s,limitSeconds:Sv,signal:i};try{let l=await Zt(e,{text:kv,values:o},c);return l.complete&&l.answer.yes("let_go")?void 0:`the release could not be continued: ${l.answer.quote("why")||l.cut}`}catch(l){return`the release could not be continued: ${l.message.split(`
`)[0]}`}}a(Nv,"tellRelease");function Ov(e,t){let n=0,r;return{onSay:a(s=>{s==="waits"&&(n+=1,n===e&&(r=t()))},"onSay"),finished:a(async()=>r,"finished")}}a(Ov,"whenAllWait");async function Rv(e,t){return(await Tv(e,p_(t))).map(r=>({why:`${r}.`,remedy:"fix that on the target first, or correct the input."}))}a(Rv,"gateObstacles");function Bv(e,t){let[n]=t,r=n?.membership;if(!n||!r?.waits)return{deploys:t,failure:a(async()=>{},"failure")};let s,i=p_(n),o=Ov(t.length,async()=>{s=await Iv(e,i);let c=await Nv(e,r,{...i,goes:s===void 0});s??=c});return{deploys:t.map(c=>({...c,onSay:o.onSay})),failure:a(async()=>(await o.finished(),s),"failure")}}a(Bv,"withBefore");async function Lv(e,t,n){if(n.state!=="active"||!t.inputs.hooks["after-command"])return n;let r=await Cv(e,p_(t));return r===void 0?n:{...n,failed:"after-command",why:r}}a(Lv,"afterAccepted");function Dv(e,t){return t===void 0||e.failed!=="release"?e:{...e,failed:"before-command",why:t}}a(Dv,"withBeforeFailure");function p_({inputs:e,found:t,log:n,run:r,signal:s}){let i=Tn(e.environment,e.health);return{hooks:e.hooks,sudo:t.sudo,log:n,run:r.number,clean:i,signal:s}}a(p_,"hookContextOf");var Uv=`prelude() {
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
user_limit=100
owner_of "\${1%/*}/." && as_user "$owner_uid" cat -- "$1"
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
read -r state_workflow
read -r state_number
read -r state_run
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
main`;function Fv(e){let t=e.text("folder");if(t!==void 0)return{path:t,owner:e.text("folder_owner")??"",mode:e.text("folder_mode")??"",writable:e.yes("folder_writable"),mount:e.text("mount")??"",options:(e.text("mount_options")??"").split(",")}}a(Fv,"toFolder");function h_(e,t=""){return e===void 0?void 0:{path:e==="/"?e:e.replace(/\/$/,""),to:t}}a(h_,"toOpenFolder");function Mv(e){let[[t="0"]=[]]=e.parts("free_kb",/^(-?[0-9]{1,15}|-)$/,"an amount of free space");return t==="-"?Number.POSITIVE_INFINITY:Math.max(0,Number(t))*1024}a(Mv,"toFreeBytes");function Hv(e){let t=e.number("file_bytes");if(t!==void 0)return{owner:e.text("file_owner")??"",ids:e.text("file_ids")??"",mode:(e.text("file_mode")??"").padStart(4,"0"),bytes:t,sha256:e.digest("file_sha256")??"",capabilities:e.text("file_capabilities")??""}}a(Hv,"toFile");function zv(e,t){let n=e.text("file_link"),r=e.text("file_odd");if(n!==void 0)return`${t} is a symbolic link to ${n}`;if(e.yes("file_folder"))return`${t} is a folder`;if(r!==void 0)return`${t} is a ${r}`;if(e.yes("file_unreadable"))return`${t} can't be read by this account`}a(zv,"fileProblem");function jv(e){let t=e.text("log_folder_missing"),n=e.text("log_unwritable");if(t!==void 0)return`the folder ${t} of the log file does not exist`;let r=e.text("log_is_odd");if(e.yes("log_is_folder"))return"the log file is a folder";if(r!==void 0)return`the log file is not a regular file (${r}), so the program could block on it or fill it`;if(n!==void 0)return`the account that the program runs as can't write to ${n}`}a(jv,"logProblem");var qv=["yes","args","folder","environment"];var r3=/^([0-9a-f-]{1,64}) ([0-9a-f]{64}|none) ([0-9]{1,12})$/;function Kv(e){let[t]=e.parts("last_release",r3,"a release");if(!t)return;let[n="",r="",s]=t;return{id:n,sha256:r==="none"?void 0:r,seconds:Number(s)}}a(Kv,"lastRelease");function Qv(e){let t=e.texts("command_remedy");return{needsRoot:e.text("needs_root"),sudoError:e.has("sudo_error")?e.quote("sudo_error")??"":void 0,sudoRemedy:e.text("sudo_remedy"),unitRemedy:e.text("unit_remedy"),rootTool:e.oneOf("root_tool",["sudo","doas"])??"sudo",commandsRefused:e.texts("command_refused").map((n,r)=>({command:n,remedy:t[r]??""}))}}a(Qv,"toRights");var s3=["program","trigger","dependent","wanted"],i3=["exact","mention","script","last","no"];function Wv(e){return e.records("unit").map(o3)}a(Wv,"foundUnits");function Gv(e){return e.records("other_user_unit").map(t=>({pid:t.pid("pid")??0,uid:t.numbers("uid"),unit:Zv(t,"unit")}))}a(Gv,"otherUserUnits");function o3(e){let t=a(n=>e.text(n)??"","word");return{name:Zv(e,"name"),role:e.oneOf("role",s3)??"program",user:t("user"),names:Go(e,"names"),load:t("load"),active:t("active"),sub:t("sub"),enabled:t("enabled"),type:t("type"),account:t("account"),remain:e.yes("remain"),transient:e.yes("transient"),reload:e.yes("reload"),accept:e.yes("accept"),command:e.oneOf("command",i3)??"no",pids:e.has("pids")?Yv(t("pids")).filter(n=>c3.test(n)).map(Number):[],triggers:Go(e,"triggers"),dependents:Go(e,"dependents"),wants:Go(e,"wants"),startRefused:e.yes("start_refused"),stopRefused:e.yes("stop_refused")}}a(o3,"toUnit");var a3=/^[A-Za-z0-9:_.@\\-]{1,255}$/,c3=/^[1-9][0-9]{0,9}$/;function Zv(e,t){let[n=""]=Go(e,t);return n}a(Zv,"unitName");function Go(e,t){return Yv(e.text(t)??"").filter(n=>a3.test(n))}a(Go,"unitNames");function Yv(e){return e.split(",").filter(t=>t!=="")}a(Yv,"listed");function sn({type:e,remain:t}){return e==="oneshot"&&!t}a(sn,"isJob");function Hn({active:e}){return e!==""&&e!=="inactive"&&e!=="failed"}a(Hn,"isActive");function ru(e){return e.active!=="inactive"||e.enabled==="enabled"}a(ru,"isMeant");var l3=120;async function li(e,t,n,{another:r=!t.dryRun}={}){let s={what:"Inspecting the target",state:"untouched. Inspection changes nothing."},i=Tn(t.environment,t.health),o=await Zt(e,{text:Uv,values:u3(t,n)},{...s,clean:i,sudo:!1,limitSeconds:l3,another:r});if(!o.complete)throw Gs(e,s,o);return m_(o.answer,t)}a(li,"inspect");function u3(e,t){return{folder:e.folder,name:e.name,sudo:e.sudo,owner:e.owner,run_as:e.runAs,capabilities:e.capabilities,restart:e.restart,stop_command:e.stopCommand,start_command:e.startCommand,service:e.service&&ns(e.service.replace(/^user:/,"")),service_is_user:e.service?.startsWith("user:")?"yes":"",interpreter:t?.elf?.interpreter,args:Zo(e.args),environment:Zo(e.environment),working_directory:e.workingDirectory??e.folder,log_file:e.logFile,sha256:t?.sha256??e.rollbackTo,...__(e)}}a(u3,"inspectValues");function __({health:e}){let t=e.url?new URL(e.url):void 0,n=t&&/^(localhost|127\.[\d.]+|\[::1\])$/.test(t.hostname);return{health_url:e.url,...km(e.url,e.headers),health_url_port:n?t.port||(t.protocol==="https:"?"443":"80"):void 0,health_status:e.status,health_contains:e.contains,health_port:e.port,health_command:e.command}}a(__,"healthValues");function Zo(e){return e.map(Hr).join(" ")}a(Zo,"words");function m_(e,t){let n=e.text("login")??"",r=e.number("uid")===0;return{otherKernel:e.text("kernel"),login:n,asRoot:r,sudo:r&&n!==e.text("user"),...Qv(e),machine:e.text("machine")??"",tools:new Set(e.texts("tool")),toyboxTimeout:e.yes("toybox_timeout"),interpreterExists:e.yes("interpreter"),wantedOwner:e.text("wanted_owner"),wantedIds:e.text("wanted_ids"),loginIds:e.text("login_ids")??"",wantedRunAs:e.text("wanted_run_as"),missingUsers:[...new Set(e.texts("missing_user"))],missingGroup:e.text("missing_group"),accounts:e.numbers("accounts"),runUid:e.numbers("run_uid"),lastRunAs:e.verbatim("last_run_as")??"",lastRunUid:e.numbers("last_run_uid"),processes:e.records("process").flatMap(s=>_3(s)??[]),strangers:e.records("stranger").flatMap(s=>Vv(s)??[]),contained:e.pids("contained"),maybe:e.pids("maybe"),otherNames:e.number("other_names")??0,isMountPoint:e.yes("mount_point"),siblings:e.records("sibling").map(s=>({pid:s.pid("pid")??0,path:s.text("path")??""})),unseen:e.pids("unseen"),sessionKills:e.yes("session_kills"),lingers:e.yes("lingers"),folderRefused:e.text("folder_refused"),folder:Fv(e),openFolder:h_(e.text("open_folder"),e.text("open_to")),openLog:h_(e.text("open_log"),e.text("open_log_to")),freeBytes:Mv(e),freeInodes:e.number("free_inodes"),immutable:e.texts("immutable"),file:Hv(e),fileProblem:zv(e,t.destination),seen:e.verbatim("seen")??"",stateRefused:e.text("state_refused"),unfinished:m3(e),locked:e.has("locked")?e.text("locked")??"an unknown run":void 0,live:e.has("live_workflow")?{workflow:e.text("live_workflow")??"",runNumber:e.number("live_run_number")??0,run:e.text("live_run")??"",sha256:e.digest("live_sha256")}:void 0,releases:e.parts("release",f3,"a sha256").map(([s=""])=>({sha256:s})),lastRelease:Kv(e),ended:e.parts("ended",p3,"the end of a transaction").map(h3),history:e.texts("history"),units:Wv(e),otherUserUnits:Gv(e),userManager:e.text("user_manager")!=="none",runAsLingers:e.yes("run_as_lingers"),serviceError:e.has("service_error")?e.quote("service_error")??"":void 0,httpClient:e.has("http_client")?e.text("http_client")??"":void 0,healthUntrusted:e.has("health_untrusted")?e.quote("health_untrusted")??"":void 0,health:e.quote("health"),portHolder:e.text("port_holder")==="unknown"?"unknown":e.pids("port_holder")||void 0,logProblem:jv(e),logForeign:e.yes("log_foreign"),notes:e.texts("note"),directoryClosed:e.yes("directory_closed")}}a(m_,"toFound");var d3=100,f3=/^([0-9a-f]{64})$/,p3=/^([0-9a-f-]{1,64}) ([a-z-]{1,20}) ([0-9]{0,10}|-) (.*)$/s;function h3([e="",t="",n="",r=""]){return{id:e,state:t,pid:n==="-"?"":n,run:Ve(r)}}a(h3,"toEnd");function Vv(e){let t=e.pid("pid");if(t!==void 0)return{pid:t,uid:e.numbers("uid"),user:e.text("user")??""}}a(Vv,"toExecutor");function _3(e){let t=Vv(e);if(t)return{...t,worker:e.yes("worker"),live:e.yes("live"),same:e.oneOf("same",qv)??"args",supervisor:e.text("supervisor")??"",supervised:e.text("supervised")??"",supervisorPid:e.pid("supervisor_pid")??0}}a(_3,"toProcess");function m3(e){let t=e.text("unfinished");if(t!==void 0)return{phase:t,run:e.text("unfinished_run")??"an unknown run",id:e.text("unfinished_id")??"",release:e.text("unfinished_release")??"",kind:e.text("unfinished_kind")??"binary",members:(e.verbatim("unfinished_members")??"").split(`
`).filter(ar).slice(0,d3)}}a(m3,"toUnfinished");function ui(e){return 120+Math.ceil(e/5e4)}a(ui,"uploadLimitSeconds");function g_({stopTimeoutSeconds:e,health:t}){return 2*(e+30+2*t.timeoutSeconds+10+t.stableSeconds+10)+60}a(g_,"transactionLimitSeconds");function sr({inputs:e,membership:t}){return g_(e)+2*(t?.waitSeconds??0)}a(sr,"limitSecondsOf");function Xv({units:e,dependents:t,because:n}){if(e.length===0)return[];let r=t.length>0?`, and with ${$_(e)} ${di(t)}`:"";return[{does:`stop the ${su(e)}${r}`,because:n}]}a(Xv,"unitStops");function Jv({units:e,restarted:t,left:n,dependents:r,triggers:s,because:i}){let o=[];if(e.length>0){let c=r.length>0?`, then ${di(r)}`:"";o.push({does:`start the ${su(e)}${c}`,because:i})}if(t.length>0){let c=s.filter(({name:l})=>t.some(u=>u.triggers.includes(l)));o.push({does:`restart the ${su(t)} while ${di(c)} stays as it is`,because:`${di(c)} may start ${$_(t)} at any moment`})}return n.length>0&&o.push({does:`leave the ${su(n)} alone`,because:`the next start of ${$_(n)} runs the new file`}),o}a(Jv,"unitStarts");function ex({unit:e,units:t,restarted:n},{processes:r}){for(let o of[...t,...n])if(o.pids.length===0)return`the unit ${o.name} is not running it`;let s=[...t,...n].flatMap(({pids:o})=>o),i=r.find(({pid:o})=>!s.includes(o));return i&&s.length>0?`pid ${i.pid} runs it outside the unit ${e}`:void 0}a(ex,"unitDifference");function su(e){return e.length===1?`unit ${di(e)}`:`units ${di(e)}`}a(su,"named");function $_(e){return e.length===1?"it":"them"}a($_,"those");function di(e){return e.map(({name:t})=>t).join(", ")}a(di,"list");function tx(e,t,n){let{file:r,processes:s}=t;if(!r)return"the file does not exist yet";if(n.file.from==="upload"||n.file.from==="release")return"its sha256 differs";if(e.force)return"force is set";let i=y_(e,t,n);if(i)return i;if(n.restart==="none")return;if(n.restart==="systemd"){let u=ex(n.units,t);if(u)return u}else if(s.length===0)return"no process runs it";let o=n.units.left.flatMap(u=>u.pids),c=s.find(({pid:u,live:d})=>!d&&!o.includes(u));if(c)return`pid ${c.pid} runs an outdated image of it`;if(n.restart==="process"){let u=s.find(({uid:f})=>f!==t.runUid);if(u)return`pid ${u.pid} runs as ${u.user}, not ${n.runAs}`;let d=s.find(({same:f})=>f!=="yes");if(d)return`pid ${d.pid} was started with ${g3[d.same]}`}return(e.health.url??e.health.port??e.health.command)!==void 0&&t.health!=="ok"?`it is not healthy: ${t.health}`:void 0}a(tx,"whatDiffers");var g3={yes:"the same command",args:"different arguments",folder:"a different working directory",environment:"a different environment"};function y_(e,{file:t},n){if(!t)return;if(!(e.owner?.includes(":")?n.ownerIds===t.ids:n.sameOwner))return`its owner is ${t.owner}, not ${n.owner}`;if(n.mode!==t.mode)return`its mode is ${t.mode}, not ${n.mode}`;if(e.capabilities&&!wm(e.capabilities,t.capabilities))return"its capabilities differ"}a(y_,"metadataDiffers");function w_(e){return e.split(":")[0]}a(w_,"userOf");function nx(e,t){let n=e.missingUsers.map(s=>({why:`there is no user ${s} on the target.`,remedy:"create it on the target, or correct `owner` and `run-as`."}));return e.missingGroup&&n.push({why:`there is no group ${e.missingGroup} on the target.`,remedy:"create it on the target, or correct `owner`."}),t.restart!=="process"||n.length>0||(!(e.asRoot||t.runAs===e.login)&&e.sudoError===void 0&&n.push({why:`${e.login} can't start a program as ${t.runAs}.`,remedy:"allow sudo, or log in as that account."}),$3(e,t)&&n.push(...y3(e,t))),n}a(nx,"accountObstacles");function $3({runUid:e},{runAs:t}){return e==="0"||b_(t)}a($3,"isRoot");function y3(e,t){let n=[],r=sx(e),s=w3(t);return r&&n.push({why:`root would run a file from ${r.path}, which ${r.to} can replace.`,remedy:"set `run-as` to the service account, or make root the owner of the folder."}),s&&n.push({why:`root would run a file that ${s} can change.`,remedy:"set `run-as` to the service account, or make the file writable by root only (`owner`, `mode`)."}),e.openLog&&n.push({why:`root would write to a log in ${e.openLog.path}, where ${e.openLog.to} can link it to another file.`,remedy:"set `run-as` to the service account, or choose a `log-file` in a folder that only root can change."}),n}a(y3,"rootObstacles");function rx(e){let t=e.lastRunUid!=="0"||!sx(e)&&e.file?.ids.split(":")[0]==="0";return{last_run_as:t?e.lastRunAs:"",last_run_uid:t?e.lastRunUid:""}}a(rx,"lastAccount");function sx({folder:e,openFolder:t}){return t||(e&&!b_(e.owner)?{path:e.path,to:e.owner}:void 0)}a(sx,"openTo");function w3({owner:e,ownerIds:t,mode:n}){let[r="",s=""]=e.split(":"),[i,o]=t.split(":"),c=Number.parseInt(n,8);return i!=="0"&&!b_(r)?r:c&2?"everybody":c&16&&o!=="0"?`the group ${s||o}`:void 0}a(w3,"whoChanges");function b_(e){return["root","0"].includes(e)}a(b_,"isRootsName");function ix(e,t){let n=[];if(t.folderRefused&&n.push({why:`${t.folderRefused}.`,remedy:`create ${e.folder} with the intended owner, or correct \`destination\`.`}),t.fileProblem&&n.push({why:`${t.fileProblem}.`,remedy:"set `destination` to the regular file itself, and make it readable by this account."}),!t.folder)return n;let{path:r,owner:s,mode:i,mount:o,options:c}=t.folder;c.includes("ro")?n.push({why:`${o} is mounted read-only.`,remedy:`remount ${o} read-write; if it became read-only on its own, check its disk.`}):!t.folder.writable&&t.sudoError===void 0&&n.push({why:`${t.login} can't write to ${r} (${s}, ${i}).`,remedy:"allow sudo, or log in as an account that may write there."}),c.includes("noexec")&&n.push({why:`${o} is mounted noexec, so nothing in ${r} can be started.`,remedy:"choose a destination on another file system."});for(let l of t.immutable)n.push({why:`the ${l==="file"?"file":`folder ${r}`} is immutable or append-only.`,remedy:`run \`chattr -i -a ${l==="file"?e.destination:r}\` on the target, if this was not intended.`});return n}a(ix,"fileObstacles");function ox(e,t,{restart:n,runAs:r}){let s=[];if(t.contained&&s.push({why:`pid ${t.contained} runs the file inside a container.`,remedy:"deploy into the container (input `container`), or stop it first."}),t.isMountPoint&&s.push({why:`something is mounted at ${e.destination}, so it can't be replaced by a rename.`,remedy:"deploy to the path of the file that is mounted there."}),t.otherNames>0&&!e.force&&s.push({why:`${e.destination} has ${t.otherNames} other name${t.otherNames>1?"s":""} (hard links), so what runs it may belong to something else.`,remedy:"replace it with a separate copy, or set `force: true` to stop every process that executes the file."}),n==="none")return s;let[i]=t.siblings;if(i&&!e.force&&s.push({why:`pid ${i.pid} has the name of the file, but executes ${i.path}: the previous version may have been moved away by hand.`,remedy:"stop it if it is the previous version, or set `force: true` if it is another program."}),t.maybe&&!t.unseen&&!e.force&&s.push({why:`no process is seen to run the file, but ${t.login} can't inspect pid ${t.maybe}, which has its name.`,remedy:"allow sudo, or log in as the account that runs the program, or set `force: true` if it is another program."}),n!=="process")return s;let o=t.processes.filter(({uid:u,worker:d})=>u===t.runUid&&!d),c=[...t.processes,...t.strangers].filter(({uid:u})=>u!==t.runUid),[l]=c;return o.length===0&&l&&e.runAs===void 0&&s.push({why:`pid ${l.pid} runs the file as ${l.user}, but this step would start it as ${r}.`,remedy:`set \`run-as\` to the account that the program is to run as: ${r} or ${l.user}.`}),o.length>1&&s.push({why:`${o.length} separate instances run the file (${iu(o)}), and this step starts only one.`,remedy:"use a systemd unit for each, or `restart: command` with a `start-command` that starts them all."}),s}a(ox,"processObstacles");function ax(e,{restart:t}){let n=[],r=e.units.filter(sn).flatMap(i=>i.pids),s=e.processes.filter(({pid:i})=>!r.includes(i));return t==="none"&&s.length>0&&n.push({why:`restart is none, but ${iu(s)} runs the file.`,remedy:"stop it first, or set `restart: auto` so that this step restarts it."}),e.unseen&&e.sudoError===void 0&&n.push({why:`${e.login} may not inspect pid ${e.unseen}, which may be running the file.`,remedy:e.asRoot?"start the container with `--cap-add SYS_PTRACE`; without it, its root may not inspect other processes.":"log in as root or as its account, or allow sudo."}),e.sessionKills&&!e.asRoot&&!e.lingers&&t!=="systemd"&&n.push({why:`logind on the target kills everything that ${e.login} started when the connection closes (KillUserProcesses=yes).`,remedy:`run \`loginctl enable-linger ${e.login}\` on the target once.`}),n}a(ax,"restartObstacles");function iu(e){return`pid ${e.map(({pid:t})=>t).join(", ")}`}a(iu,"pids");function cx({rollbackTo:e},t,n){if(!e||n)return[];let r=t.releases.map(({sha256:i})=>i.slice(0,12)).join(", ")||"none";return[{why:`${t.releases.filter(({sha256:i})=>i.startsWith(e)).length>1?"more than one kept release matches":"no kept release matches"} ${e}; available: ${r}.`,remedy:"choose one of those, or deploy the version from its source."}]}a(cx,"releaseObstacles");function lx({allowOlder:e,rollbackTo:t},{live:n},r){return e||t||!n||n.workflow!==r.workflow||n.runNumber<=r.number?[]:[{why:`run ${n.runNumber} of this workflow is already deployed (${n.run}); this is the older run ${r.number}.`,remedy:"nothing, if the newer build should stay; otherwise, or if the run numbers of this workflow restarted (its repository was created anew), set `allow-older: true` for this run."}]}a(lx,"orderObstacles");function dx({strategy:e},t,n){return n.from!=="upload"||!t.folder?[]:(e==="staged"?n.bytes:n.bytes-(t.file?.bytes??0)*(1-1/3))+b3<=t.freeBytes?[]:[{why:`${$t(n.bytes)} needed, ${$t(t.freeBytes)} free on ${t.folder.mount}.`,remedy:e==="staged"?"free some space there, or use `strategy: in-place`.":"free some space there."}]}a(dx,"roomObstacles");var b3=1e6;function fx({folder:e,freeInodes:t}){return!e||t===void 0||t>=ux?[]:[{why:`${ux} inodes needed, ${t} free on ${e.mount}.`,remedy:"delete some files there, of any size."}]}a(fx,"inodeObstacles");var ux=20;function px({health:e},t,{source:n,restart:r}){let s=[];return n?n.elf?(sv(n.elf,t.machine)?n.elf.interpreter&&!t.interpreterExists&&s.push({why:`${n.path} needs the loader ${n.elf.interpreter}, which the target does not have.`,remedy:/musl/.test(n.elf.interpreter)?"build it for glibc, or link it statically.":"build it for the C library of the target (musl?), or link it statically."}):s.push({why:`${n.path} is built for ${n.elf.machine}, but the target is ${t.machine}.`,remedy:"build for the target, or correct `host`."}),s):(r==="process"?s.push({why:`${n.path} is not an ELF binary, so the process that runs it can't be identified.`,remedy:"deploy the compiled binary; for a script use `restart: systemd`, `command` or `none`."}):r==="command"&&(e.port!==void 0||!(e.url||e.command))&&s.push({why:`${n.path} is not an ELF binary, so its process and port cannot be identified after the start command.`,remedy:"set `health-url` or `health-command`, and leave out `health-port`."}),s):s}a(px,"sourceObstacles");function hx(e,t,{restart:n,runAs:r}){let s=t.missingUsers.length===0&&(t.asRoot||r===t.login);if(n!=="process"||!s)return[];let i=[];return t.logProblem&&i.push({why:`${t.logProblem}.`,remedy:"create it as a regular file with the right owner, or correct `log-file`."}),t.directoryClosed&&i.push({why:`${r} cannot enter the working directory ${e.workingDirectory??e.folder}.`,remedy:"create it, give that account access, or correct `working-directory`."}),i}a(hx,"startObstacles");function mx(e,t,n){return[...A3(e,t,n),...k3(e,t,n),...I3(e,t),...C3(e,n.plan)]}a(mx,"unitObstacles");function A3(e,t,{plan:n,runAs:r}){let s=[],i=e.service&&ns(e.service.replace(/^user:/,""));t.serviceError!==void 0&&s.push({why:`systemd could not be queried for ${i??"the units of the file"}: ${t.serviceError}.`,remedy:"check that systemd runs on the target, and the user manager for a user unit."});let o=e.service?.startsWith("user:")||n.user!=="";return o&&!t.userManager?s.push({why:`no user manager of ${r} is running, so the unit ${i??n.unit} can't be managed.`,remedy:`run \`loginctl enable-linger ${r}\` on the target once, or set \`run-as\` to the account of the unit.`}):o&&!t.runAsLingers&&s.push({why:`the user units of ${r} stop when its last login ends, because lingering is not enabled.`,remedy:`run \`loginctl enable-linger ${r}\` on the target once.`}),s}a(A3,"managerObstacles");function k3(e,t,{plan:n,named:r}){let{restart:s,service:i}=e,o=[],c=t.units.filter(({role:p,pids:_})=>p==="program"&&_.length>0),l=t.processes.filter(({pid:p})=>!c.some(({pids:_})=>_.includes(p)));i&&t.serviceError===void 0&&!(i.startsWith("user:")&&!t.userManager)&&o.push(...v3(ns(i.replace(/^user:/,"")),r,c)),s==="systemd"&&!n.unit&&!i&&o.push({why:"no unit runs the file or has it as its command, so the unit is unknown.",remedy:"set `service` to the name of the unit."});let u=c.filter(({user:p})=>p!==n.user);n.unit&&u.length>0&&o.push({why:`${u.map(({name:p})=>p).join(", ")} also runs the file, under a different manager than ${n.unit}.`,remedy:"stop one of them, so that one manager runs the file."});for(let{pid:p,uid:_,unit:$}of t.otherUserUnits)o.push({why:`pid ${p} runs the file as the user unit ${$} of account ${_}, which this deploy does not manage.`,remedy:"set `run-as` to that account and `service` to user:NAME, or stop that unit."});(s==="process"||s==="none")&&o.push(...x3(s,c));let[d,f]=n.units;return!i&&d&&f&&!_x(d)&&!_x(f)?o.push({why:`${n.units.map(({name:p})=>p).join(", ")} have the file as their command, and none of them is active.`,remedy:"set `service` to the name of the unit to start."}):!i&&n.unit&&l.length>0&&c.length===0&&[...n.units,...n.restarted].some(ru)&&o.push({why:`pid ${l.map(({pid:p})=>p).join(", ")} runs the file outside its unit ${n.unit}, which is ${d?.active??"not active"}.`,remedy:"stop that process and start the unit, or set `restart: process` to leave the unit out."}),o}a(k3,"choiceObstacles");function _x(e){return Hn(e)||e.pids.length>0}a(_x,"isRun");function v3(e,t,n){if(t?.load!=="loaded"){let s=t?.load??"not-found";return[{why:`the unit ${e} is ${s}.`,remedy:s==="masked"?`run \`systemctl unmask ${e}\` on the target, or correct \`service\`.`:"install and load the unit first (`systemctl daemon-reload`), or correct `service`."}]}if(t.pids.length>0||t.command!=="no"||n.length===0)return[];let r=n.map(({name:s})=>s).join(", ");return[{why:`service names ${t.name}, but the file is run by ${r}.`,remedy:`set \`service\` to ${n[0]?.name}, or leave it out.`}]}a(v3,"namedObstacles");function x3(e,t){let n=t.filter(r=>!sn(r));return n.length===0||e==="none"?[]:[{why:`restart is ${e}, but pid ${n.flatMap(({pids:r})=>r).join(", ")} belongs to the unit ${n.map(({name:r})=>r).join(", ")}.`,remedy:"set `restart: auto`, so that the unit is restarted; or stop and disable the unit first."}]}a(x3,"takenAway");var E3={supervisord:a(e=>`stop-command: supervisorctl stop ${e}, start-command: supervisorctl start ${e}`,"supervisord"),pm2:a(e=>`stop-command: pm2 stop ${e}, start-command: pm2 start ${e}`,"pm2"),runsv:a(e=>`stop-command: sv stop ${e}, start-command: sv start ${e}`,"runsv"),"s6-supervise":a(e=>`stop-command: s6-svc -d ${e}, start-command: s6-svc -u ${e}`,"s6-supervise"),supervise:a(e=>`stop-command: svc -d ${e}, start-command: svc -u ${e}`,"supervise"),monit:a(e=>`stop-command: monit stop ${e}, start-command: monit start ${e}`,"monit"),circusd:a(e=>`stop-command: circusctl stop ${e}, start-command: circusctl start ${e}`,"circusd")},S3={"s6-supervise":"/run/service/",supervise:"/service/"};function I3(e,t){if(e.restart==="command")return[];let n=t.processes.find(({supervisor:c})=>c!=="");if(!n)return[];let r=t.units.find(({pids:c})=>c.includes(n.pid)),s=`${S3[n.supervisor]??""}${e.name}`,i=E3[n.supervisor]?.(n.supervised||s)??"its stop and start commands",o=n.supervised?"":` (use the name that ${n.supervisor} has for it)`;return[{why:`pid ${n.pid} is kept running by ${n.supervisor} (pid ${n.supervisorPid})${r?`, the unit ${r.name}`:""}.`,remedy:`set \`restart: command\` with ${i}${o}.`}]}a(I3,"supervisorObstacles");function C3(e,t){let n=[];for(let o of[...t.units,...t.restarted])o.transient&&n.push({why:`the unit ${o.name} is transient (systemd-run): once stopped, it can't be started again.`,remedy:"write a unit file for the program, or stop the unit and set `restart: process`."}),(o.startRefused||o.stopRefused)&&n.push({why:`the unit ${o.name} refuses to be ${o.startRefused?"started":"stopped"} by hand.`,remedy:`remove RefuseManual${o.startRefused?"Start":"Stop"}= from it, or set \`service\` to the unit that controls it.`});e.strategy==="in-place"&&t.restarted.length>0&&n.push({why:`${t.restarted.map(({name:o})=>o).join(", ")} can be started at any moment by what triggers it, so the path must never be empty.`,remedy:"set `strategy: staged`."});let r=t.left.find(o=>!sn(o));r&&t.units.length+t.restarted.length===0&&e.health.port!==void 0&&n.push({why:`the unit ${r.name} runs only when its socket, timer or path starts it, so no process listens on port ${e.health.port}.`,remedy:"use `health-url`, whose request starts it, or leave out `health-port`."});let[s]=t.left.filter(sn),i=e.health.url??e.health.port??e.health.command;return s&&t.units.length+t.restarted.length===0&&i!==void 0&&n.push({why:`the unit ${s.name} is a job that ends, so it cannot be health-checked.`,remedy:"leave out `health-url`, `health-port` and `health-command`: only the file is replaced."}),n}a(C3,"stateObstacles");var P3={unit:"",user:"",because:"",units:[],restarted:[],left:[],dependents:[],triggers:[],wanted:[],notes:[],obstacles:[]};function $x(e,t,n){let r=e.service?T3(e.service,t.units):void 0,s=e.restart==="auto"||e.restart==="systemd"?N3(t,r):[],[i]=s,o=i?.user??(e.service?.startsWith("user:")?n:""),c=t.units.filter(_=>_.user===o),l=s.filter(_=>sn(_)||R3(_,c)),u=s.filter(_=>!l.includes(_)),d=u.filter(_=>B3(_,c)),f=u.filter(_=>!d.includes(_)),p={...P3,unit:i?.name??"",user:o,because:i?L3(e,i):"",units:f,restarted:d.filter(_=>Hn(_)||_.pids.length>0),left:[...l,...d.filter(_=>!Hn(_)&&_.pids.length===0)],dependents:O3(u,c),triggers:c.filter(_=>_.role==="trigger"),wanted:c.filter(_=>_.role==="wanted")};return{...p,notes:D3(e,p),obstacles:mx(e,t,{plan:p,named:r,runAs:n})}}a($x,"planUnits");function yx(e){return bx(e).length>0}a(yx,"startsAlone");function wx({wanted:e}){return e.filter(t=>!Hn(t)&&t.load==="loaded"&&sn(t))}a(wx,"startedFirst");function bx({units:e,restarted:t,dependents:n,wanted:r,triggers:s}){let i=n.filter(({name:c})=>!c.endsWith(".target")),o=[...e,...t,...i].flatMap(({wants:c})=>c);return[...r,...s].filter(c=>!Hn(c)&&c.load==="loaded"&&!sn(c)&&o.includes(c.name))}a(bx,"keptStopped");function T3(e,t){let n=e.startsWith("user:"),r=e.replace(/^user:/,"");return t.find(({role:s,user:i,names:o,name:c})=>s==="program"&&i!==""===n&&[c,...o].some(l=>l===r||l===`${r}.service`))}a(T3,"findNamed");function N3({units:e,processes:t},n){let s=e.filter(({role:p,load:_})=>p==="program"&&_!=="not-found").filter(({user:p})=>!n||p===n.user),i=s.filter(({pids:p})=>p.length>0),c=s.filter(p=>Hn(p)&&!sn(p)).filter(({command:p})=>p==="exact"||i.length===0&&p!=="no"),l=[...new Set([...i,...c])];if(n)return[n,...l.filter(p=>p!==n)];if(l.length>0)return l.sort((p,_)=>ou(p)-ou(_)||(p.name<_.name?-1:1));let u=s.filter(p=>p.command!=="no"&&(t.length===0||ru(p))),d=u.filter(p=>!sn(p)),f=Math.min(...d.map(ou));return d.length>0?d.filter(p=>ou(p)===f):u}a(N3,"choose");function ou(e){return(sn(e)?2:0)+(e.command==="exact"?0:1)}a(ou,"rank");function O3(e,t){let n=[...e];for(let{dependents:r}of n)n.push(...t.filter(s=>r.includes(s.name)&&Hn(s)&&!n.includes(s)));return n.slice(e.length)}a(O3,"dependentsOf");function R3(e,t){return Ax(e,t).some(({name:n,accept:r})=>n.endsWith(".socket")&&r)}a(R3,"isPerConnection");function B3(e,t){return Ax(e,t).some(Hn)}a(B3,"isTriggered");function Ax(e,t){return t.filter(({role:n,name:r})=>n==="trigger"&&e.triggers.includes(r))}a(Ax,"triggersOf");function L3({service:e},t){return e?"the input `service` names it":t.pids.length>0?`it manages pid ${t.pids.join(", ")}, which runs the file`:t.command==="last"?"the last deploy started it":"its command is the file"}a(L3,"whyChosen");function D3(e,t){let n=a(u=>u.map(({name:d})=>d).join(", "),"names"),r=[],s=[...t.units,...t.restarted],i=[...s,...t.left].filter(({reload:u})=>u);i.length>0&&!e.daemonReload&&r.push(`${n(i)} changed on disk, and systemd still uses the old definition: set \`daemon-reload: true\`, or run \`systemctl daemon-reload\` on the target.`);let o=bx(t);o.length>0&&r.push(`${n(o)} ${gx(o)} stopped now, and will stay stopped.`);let c=s.filter(({enabled:u})=>u==="disabled");c.length>0&&r.push(`${n(c)} ${gx(c)} disabled, and will not start when the target boots.`);let l=s.filter(({active:u})=>u==="failed");return l.length>0&&r.push(`${n(l)} had failed before this deploy.`),r}a(D3,"unitNotes");function gx(e){return e.length===1?"is":"are"}a(gx,"areOrIs");function kx(e,t,{plan:n,difference:r,because:s}){let i=[],o=e.strategy==="in-place",c={does:`upload ${$t(n.file.bytes)} ${o?"once the program is stopped":"next to the live file"}`,because:r};n.file.from==="upload"&&!o&&i.push(c),n.file.from==="release"&&i.push({does:`use the kept release ${tn(n.file.sha256)}`,because:"rollback-to selects it"}),n.restart==="systemd"&&i.push(...Xv(n.units)),n.restart==="command"&&e.stopCommand&&i.push({does:"run the stop command",because:s}),t.processes.length>0&&n.restart!=="systemd"&&i.push({does:`stop ${iu(t.processes)} (${e.stopSignal}, then KILL after ${e.stopTimeoutSeconds} s)`,because:n.file.from==="in place already"?r:"it runs the file being replaced"});let l=[...n.restart==="process"?t.processes:[],...t.strangers].filter(({uid:u})=>u!==t.runUid);return l.length>0&&n.restart!=="none"&&i.push({does:`do not restart ${l.map(({pid:u,user:d})=>`pid ${u} (${d})`).join(", ")}`,because:`only ${n.runAs} is to run the program`}),n.file.from==="upload"&&o&&i.push(c),n.file.from==="in place already"?i.push({does:`leave the file as it is (${n.owner}, ${n.mode})`,because:"its sha256 already matches"}):i.push({does:`${t.file?"replace the file":"move the file into place"} with an atomic rename (owner ${n.owner}, mode ${n.mode})`,because:"the path never holds a partial file"}),t.file&&!n.sameOwner&&n.file.from!=="in place already"&&i.push({does:`drop its ACL, capabilities, set-ID bits and write permission for others${e.mode||e.capabilities?", except those given":""}`,because:`the owner changes from ${t.file.owner} to ${n.owner}`}),i.push(...U3(e,t,n),...F3(e,n,s)),i}a(kx,"steps");function U3(e,t,{restart:n,runAs:r}){if(n!=="process"||!t.logForeign)return[];let s=e.logFile;return[{does:`move ${s} to ${s}.until-TIME and start a new one`,because:`${r} can't write to it`}]}a(U3,"logSteps");function F3(e,t,n){let{health:r}=e,s={none:[],systemd:Jv(t.units),command:[{does:"run the start command",because:n}],process:[{does:`start it as ${t.runAs} in ${e.workingDirectory??e.folder}`,because:n}]};if(t.restart==="none")return[];let i=[r.port===void 0?"":`the process to listen on port ${r.port}`,r.url?`${cn(r.url)} to return ${r.status}${r.contains?" with the expected text":""}`:"",r.command?"the health command to succeed":""].filter(o=>o!=="");return[...s[t.restart],{does:`require ${i.join(" and ")||"the process to run this file"} within ${r.timeoutSeconds} s and to stay healthy for ${r.stableSeconds} s`,because:e.rollback?"otherwise the previous version is restored":"otherwise the step fails (`rollback: false`)"}]}a(F3,"startSteps");function au(e,t,{source:n,build:r,needed:s}){let i=e.rollbackTo?z3(e.rollbackTo,t):void 0,o=t.wantedOwner??t.file?.owner??t.login,c=t.wantedRunAs??(o.split(":")[0]||t.login),l=$x(e,t,c),{restart:u,because:d}=j3(e,l),f=t.wantedIds??t.file?.ids??t.loginIds,p={file:{from:"upload",sha256:"",bytes:0},owner:o,ownerIds:f,sameOwner:t.file!==void 0&&w_(f)===w_(t.file.ids),mode:e.mode??M3(t.file,f),restart:u,units:l,runAs:c};p.file=H3(t,n,{release:i?.sha256,looksRight:!y_(e,t,p)});let _=[...nu(t),...px(e,t,{source:n,restart:u}),...ix(e,t),...dx(e,t,p.file),...fx(t),...nx(t,p),...ox(e,t,p),...ax(t,p),...l.obstacles,...hx(e,t,p),...Im(e,t),...cx(e,t,i),...lx(e,t,r)];if(_.length>0)return{...p,kind:"refused",obstacles:_,steps:[]};let $=tx(e,t,p)??s;return $?{...p,kind:"deploy",obstacles:_,steps:kx(e,t,{plan:p,difference:$,because:d})}:{...p,kind:"unchanged",obstacles:_,steps:[]}}a(au,"planDeploy");function M3(e,t){if(!e)return"0755";let[n,r]=e.ids.split(":"),[s,i]=t.split(":"),o=n===s?i===void 0||r===i?0:1024:3090;return(Number.parseInt(e.mode,8)&~o).toString(8).padStart(4,"0")}a(M3,"carriedMode");function H3(e,t,{release:n,looksRight:r}){let s=t?.sha256??n??"",i=t?.bytes??0;return e.file?.sha256!==s?{from:t?"upload":"release",sha256:s,bytes:i}:{from:r?"in place already":"a copy of it",sha256:s,bytes:e.file.bytes}}a(H3,"newFile");function z3(e,t){if(e==="previous")return t.releases[0];let n=t.releases.filter(({sha256:r})=>r.startsWith(e));return n.length===0&&t.file?.sha256.startsWith(e)?{sha256:t.file.sha256}:n.length===1?n[0]:void 0}a(z3,"findRelease");function j3(e,t){return e.service||t.unit?{restart:"systemd",because:t.because}:e.restart==="auto"?{restart:"process",because:"no unit manages the program"}:{restart:e.restart,because:`restart is ${e.restart}`}}a(j3,"chooseRestart");var C_=require("node:timers/promises");var vx=`use strict;
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
close STDOUT or die "the new file can't be written: $!\\n";`;var k_=require("node:events");var v_=class extends Error{static{a(this,"StallError")}},A_=2*2**20,K3=50,Q3=.5,W3=500;async function xx(e,t,{stallSeconds:n,onProgress:r}){let s=new AbortController,i=new AbortController,o,c=a($=>{o??=$??new Error("the session was closed"),i.abort()},"fail");t.on("error",c).on("close",c);let l,u=a(()=>{clearTimeout(l),l=setTimeout(()=>s.abort(),n*1e3)},"moved"),d=AbortSignal.any([s.signal,i.signal]),f=e[Symbol.asyncIterator](),p=0,_=Z3();u();try{for(;;){clearTimeout(l);let{value:y,done:k}=await G3(f.next(),d);if(u(),k)break;if(p+=y.length,!t.write(y)){let x=performance.now();await(0,k_.once)(t,"drain",{signal:d}),_.add(p,performance.now()-x)}u(),r?.(p,_.rate(W3))}let $=performance.now(),g=(0,k_.once)(t,"finish",{signal:d});return t.end(),await g,_.add(p,performance.now()-$),{bytes:p,bytesPerSecond:_.rate(K3)}}catch($){throw s.signal.aborted?new v_(`no data was transferred for ${n} s`):o??$}finally{clearTimeout(l),f.return?.().catch(()=>{}),t.off("error",c).off("close",c)}}a(xx,"upload");function G3(e,t){return new Promise((n,r)=>{let s=a(()=>r(t.reason),"abort");t.aborted&&s(),t.addEventListener("abort",s,{once:!0}),e.then(n,r).finally(()=>t.removeEventListener("abort",s))})}a(G3,"unlessAborted");function Z3(){let e={bytes:A_,at:performance.now(),waitedMs:0},[t,n]=[];return{add:a((r,s)=>{n={bytes:r,at:performance.now(),waitedMs:(n?.waitedMs??0)+s},t??=n},"add"),rate:a(r=>{if(!t||!n||n.bytes<=A_)return;let s=n.bytes-t.bytes<A_?e:t,[i,o]=[n.waitedMs-s.waitedMs,n.at-s.at];if(!(i<r||i<Q3*o))return(n.bytes-s.bytes)/o*1e3},"rate")}}a(Z3,"openMarks");var Ex=`prelude() {
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
JOURNAL_KEYS='release release_part release_parts release_folder release_name members part_kind'
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
remember_release() {
printf '%s %s %s\\n' "\${release:-$journal_id}" "\${old_sha:-none}" "$(date +%s)" >last-release.new && mv -f last-release.new last-release
} 2>/dev/null
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
user_limit=100
owner_of "\${1%/*}/." && as_user "$owner_uid" cat -- "$1"
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
env_is_replaced || { refused='\`env\` on the target does not become the program that it runs, as an old one of uutils: install coreutils, or a newer version'; return 1; }
refused="no file could be written in $PWD$(room_left)"
find_rename || return 1
rm -f trial trial.to
} 2>/dev/null
env_is_replaced() {
env -i /bin/sh -c 'echo $$' >trial &
wait "$!"
IFS= read -r env_pid <trial
[ "$env_pid" = "$!" ]
}
part_kind=binary
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
recover)
exec 3<&-
journal_kind=$(sed -n 's/^part_kind=//p' journal 2>/dev/null | head -n 1)
[ "\${journal_kind:-binary}" = "$part_kind" ] || { refused="it is a $journal_kind, which only its own release can recover"; return 1; }
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
main`;async function E_(e,t,{values:n,sending:r,form:s}){let{inputs:i,found:o,plan:c,transfers:l,log:u,signal:d,membership:f,onSay:p,kind:_}=t;r.failure=void 0;let $=qc(u,i,{isDeploy:n.action==="deploy",others:_?.phases});try{return await Zt(e,{text:_?.text??Ex,values:n},{sudo:o.sudo,what:`Activating ${i.destination}`,limitSeconds:ui(c.file.bytes)+i.lockTimeoutSeconds+sr(t),signal:d,clean:Tn(i.environment,i.health),onSay:a((g,y)=>{p?.(g,y),_?.onSay?.(g,y),$(g,y)},"onSay"),payload:a(async g=>{if(!s?.payload){g.end();return}let y=i.strategy==="staged"&&i.lockTimeoutSeconds>=5&&!f,k=r.bytes,x=V3(u),T=a((E,L)=>{if(r.bytes=k+E,x(E),!(!y||!L||!s.isTooSlow?.(E,L)))throw new os(`The link carries ${$t(L)}/s`)},"onProgress");try{let E=await xx(s.payload.read(),g,{stallSeconds:30,onProgress:T});r.whole=!0,await l.measured(E.bytesPerSecond)}catch(E){throw(E instanceof Mn||E instanceof os)&&(r.failure=E),E}},"payload")})}catch(g){return{error:g}}}a(E_,"runDeploy");async function Sx(e,{plan:t,found:n,source:r,transfers:s,log:i,kind:o},c){if(o?.form)return o.form();if(t.file.from==="release")return{encoding:"release"};if(t.file.from==="a copy of it")return{encoding:"copy"};if(t.file.from==="in place already"||!r)return{encoding:"none"};let[l,u]=[e.isNear(),e.roundTripMs()],d=await s.choose(r,{near:l,roundTripMs:u,tools:n.tools,present:c});return i.phase("transfer",d.why),d}a(Sx,"chooseForm");function cu({error:e}){return e instanceof At?e.fields.why.replace(/\.$/,""):e?.message??"the connection was lost"}a(cu,"lostWhy");function Ix({found:{file:e},inputs:t,noDelta:n}){return n?{lacks:n}:e?.sha256?t.strategy==="in-place"?{lacks:"in-place removes the present file first"}:e:{lacks:"there is no file yet"}}a(Ix,"presentFile");function V3(e){let t=Date.now(),n=2e3;return r=>{Date.now()-t<n||(t=Date.now(),n=Math.min(2*n,3e4),e.phase("upload",`${$t(r)} sent`))}}a(V3,"tellProgress");var os=class extends Error{static{a(this,"TooSlowError")}};var Cx=require("node:crypto");function S_(e){let{inputs:t,found:n,plan:r,run:s}=e;return{id:(0,Cx.randomUUID)(),folder:t.folder,name:t.name,run:s.url||"a run outside a workflow",actor:s.actor,workflow:s.series,run_number:s.number,seen:n.seen,size:r.file.bytes,sha256:r.file.sha256,old_sha:n.file?.sha256,old_about:n.file?`${n.file.ids} ${n.file.mode}`:"",old_capabilities:n.file?.capabilities,owner:r.ownerIds,same_owner:r.sameOwner?"yes":"",mode:r.mode,capabilities:t.capabilities,strategy:t.strategy,restart:r.restart,...J3(e),stop_command:t.stopCommand,start_command:t.startCommand,stop_signal:t.stopSignal,stop_timeout_seconds:t.stopTimeoutSeconds,run_as:r.runAs,run_uid:n.runUid,accounts:n.accounts,...rx(n),args:Zo(t.args),environment:Zo(t.environment),working_directory:t.workingDirectory??t.folder,log_file:t.logFile,...__(t),health_timeout_seconds:t.health.timeoutSeconds,stable_cs:Math.round(t.health.stableSeconds*100),stable_seconds:t.health.stableSeconds,rollback:String(t.rollback),keep_releases:t.keepReleases,lock_timeout_seconds:t.lockTimeoutSeconds,upload_limit_seconds:ui(r.file.bytes),silence_seconds:30,limit_seconds:sr(e),session_kills:n.sessionKills?"yes":"",...X3(e.membership),...e.kind?.values}}a(S_,"deployValues");function X3(e){return{release:e?.release,part:e?.part,parts:e?.members.length,first_folder:e?.first.folder,first_name:e?.first.name,lock_after:e?.lockAfter,members:e?.members.join(`
`),waits:e?.waits?"yes":"",wait_seconds:e?.waitSeconds??60,reloads:e?.reloads}}a(X3,"membershipValues");function J3({inputs:e,plan:t}){let{units:n}=t,r=a(i=>i.map(({name:o})=>o).join(" "),"names"),s=yx(n);return{unit:n.unit,unit_user:n.user,units:r(n.units),restarted_units:r(n.restarted),left_units:r(n.left),dependents:r(n.dependents),watched_units:r([...n.triggers,...n.wanted]),start_alone:s?"yes":"",start_first:s?r(wx(n)):"",daemon_reload:e.daemonReload&&n.unit!==""?"yes":""}}a(J3,"unitValues");async function Px(e,t){let n={bytes:0,whole:!1},r=Ix(t);for(;;)try{return await eD(e,t,{sending:n,form:await Sx(e,t,r)})}catch(s){if(s instanceof er&&(t.membership?.members.length??1)===1)t.log.line(`Delta failed (${s.message}); sending the whole file instead.`),r={lacks:"the first one failed"};else if(s instanceof os)t.log.line(`${s.message}; restarting the upload with a faster encoding.`);else throw s}}a(Px,"activate");async function eD(e,t,{sending:n,form:r}){let{inputs:s,plan:i}=t,{encoding:o,payload:c}=r;n.whole=c===void 0;let l=o.startsWith("delta")?vx:void 0,u={...S_(t),action:"deploy",encoding:o,apply:l};await t.onBegin({id:u.id,sudo:t.found.sudo,limitSeconds:sr(t)});let d=await E_(e,t,{values:u,sending:n,form:r}),f=Ox(d);if(!f&&n.failure instanceof os)throw n.failure;if(l&&!f&&n.failure)throw new er(n.failure.message);return f?{...f,bytesSent:n.bytes}:!n.whole&&s.strategy==="staged"?Rt({state:"untouched",failed:"upload",why:`${cu(d)} before the upload (${$t(i.file.bytes)}) was complete`,bytesSent:n.bytes}):{...await Rx(t,u.id,cu(d)),bytesSent:n.bytes}}a(eD,"attempt");function Tx(e,t){return Nx(e,t,{action:"recover"})}a(Tx,"recover");function I_(e,t,n){return Nx(e,t,{action:"revert",reverted:n})}a(I_,"revert");async function Nx(e,t,n){let r={...S_(t),...n,encoding:"none"},s=await E_(e,t,{values:r,sending:{bytes:0,whole:!0}});return Ox(s)??await Rx(t,r.id,cu(s))}a(Nx,"work");function Ox(e){try{return jc(e)}catch(t){if(t instanceof Jn)return Zs(t);throw t}}a(Ox,"usableOutcome");function Rx(e,t,n){return e.log.line(`Connection lost: ${n}. The transaction continues on the target; reconnecting to follow it.`),Kc({...e,sudo:e.found.sudo,limitSeconds:sr(e)},t)}a(Rx,"learnAfter");var Bx=3;function Yo({inputs:e,source:t,transfers:n,context:r,reconnect:s,book:i},o,c){let{run:l,log:u,signal:d}=r;return{inputs:e,found:o,plan:c,source:t,transfers:n,run:l,log:u,signal:d,onBegin:i.begin,reconnect:s}}a(Yo,"deployOf");async function Vo(e,t){let{log:n,found:r}=t,{run:s,phase:i}=r.unfinished??{run:"an unknown run",phase:"unknown"};n.line(`An earlier deploy (${s}) was interrupted during \`${i}\`; recovering it first.`);let o=await Tx(e,t),c=o.pid?`, pid ${o.pid}`:"";return n.line(`  finished: ${o.state}${c}${o.broken?`: ${o.broken}`:""}`),o}a(Vo,"finishInterrupted");function Xo(e){if(e instanceof hn||e instanceof br)return e;throw e}a(Xo,"deathUnlessOutdated");function tD(e){return Rt({state:"broken",failed:"recovery",why:`${e}, and each of ${Bx} attempts to recover it was killed on the target too`,broken:"the journal is kept, and the next run continues the recovery; until then the program may be down"})}a(tD,"givenUp");async function lu(e,t){let n=Date.now()+sr(e)*1e3,r="the transaction was killed on the target";for(let u=0;;)try{var s=[];try{let d=_s(s,await e.reconnect(),!0);let f=await li(d,e.inputs,e.source);let p=t.book.begun()?.id;let _=f.unfinished&&(f.unfinished.id===p||f.unfinished.id==="");if(!_)return{...nD(f,e,p),failed:"transaction",why:r};if(!f.locked){let $=await Vo(d,Yo(t,f,e.plan)).catch(Xo);if(!($ instanceof Error))return{...$,failed:"transaction",why:r};if(u+=$ instanceof hn?1:0,u>=Bx)return tD(r)}await(0,C_.setTimeout)(500,void 0,{signal:e.signal})}catch(i){var o=i,c=!0}finally{var l=ms(s,o,c);l&&await l}}catch(d){if(d instanceof Jn)return Zs(d);if(Date.now()>=n||e.signal.aborted)return Rt({state:"unknown",failed:"transaction",why:`${r}, and the target no longer responds`});await(0,C_.setTimeout)(1e3,void 0,{signal:e.signal}).catch(()=>{})}}a(lu,"undoDead");function nD(e,t,n){let r=e.ended.findLast(o=>o.id===n),s=gs.find(o=>o===r?.state);if(r&&s)return Rt({state:s,pid:Number(r.pid)||void 0});let i=e.unfinished===void 0&&!rD(t.found,e);return Rt({state:i?"unknown":"staged"})}a(nD,"endOfDead");function rD(e,t){let n=a(({processes:r})=>r.map(({pid:s})=>s).join(),"pids");return e.file?.sha256===t.file?.sha256&&n(e)===n(t)&&n(t)!==""}a(rD,"isAsBefore");var Lx=`prelude() {
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
JOURNAL_KEYS='release release_part release_parts release_folder release_name members part_kind'
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
apply_config() {
[ -n "$in_apply_command" ] || return 0
open_output
run_command "$in_health_timeout_seconds" "$in_apply_command" >&4 2>&1 4>&-
apply_code=$?
exec 4>&-
say_command_output apply_output
[ "$apply_code" -ne 0 ] || return 0
refused="the apply command exited with code $apply_code"
[ "$apply_code" -ne 124 ] && [ "$apply_code" -ne 137 ] || refused="the apply command did not end within $in_health_timeout_seconds s"
return 1
}
say_command_output() {
[ -s command.output ] || pause_cs 5
[ ! -s command.output ] || say "$1" "$(tail -c 8000 command.output)"
rm -f command.output
}
prove_config() {
failed=health
uptime_cs
prove_from=$now_cs
prove_until=$((now_cs + in_health_timeout_seconds * 100))
until config_is_healthy "$1"; do
holds_while_proved || return 1
uptime_cs
if [ -n "$health_hopeless" ] || [ "$now_cs" -ge "$prove_until" ]; then
refused="not healthy within $in_health_timeout_seconds s: $health_reason"
return 1
fi
prove_pause=$(((now_cs - prove_from) / 10 + 1))
[ "$prove_pause" -le 10 ] || prove_pause=10
pause_cs "$prove_pause"
done
reach_health || return 1
failed=stable
journal "\${stable_phase:-stable}" || refused=
uptime_cs
stable_until=$((now_cs + in_stable_cs))
has_health || stable_until=$now_cs
while [ "$now_cs" -lt "$stable_until" ]; do
holds_while_proved || return 1
stable_left=$((stable_until - now_cs))
if [ "$stable_left" -gt 20 ]; then pause_cs 20; else pause_cs "$stable_left"; fi
uptime_cs
done
config_is_healthy "$1" || { refused="no longer healthy after the stable window: $health_reason"; return 1; }
}
config_is_healthy() {
config_port=$in_health_port
in_health_port=
health_check "$1"
config_code=$?
in_health_port=$config_port
[ "$config_code" = 0 ] && [ -n "$config_port" ] || return "$config_code"
port_inodes "$config_port"
[ -z "$port_inodes" ] || return 0
health_reason="nothing listens on port $config_port"
return 1
}
has_health() {
[ -n "$in_health_url$in_health_port$in_health_command" ]
}
is_number() {
case $1 in
'' | *[!0-9]* | 0?* | ????????????????*) return 1 ;;
esac
}
check_incoming() {
[ -n "$in_check_command" ] || return 0
drop_check
refused="the file could not be put beside $in_folder/$in_name for its check$(room_left)"
ln incoming "../$check_name" || return 1
check_words
find_check_account
if [ -z "$check_user" ]; then check_as_me; else check_as_owner; fi
drop_check
say_command_output check_output
[ "$check_code" -ne 0 ] || return 0
refused="the check refused the file (exit code $check_code)"
case $check_code in
124 | 137 | 143) refused="the check did not end within $in_health_timeout_seconds s" ;;
126 | 127) refused="the check could not be run (exit code $check_code)" ;;
esac
return 1
} 2>/dev/null
check_words() {
check_path=\${in_folder%/}/$check_name
case $check_path in
*[!A-Za-z0-9_./@%+,:=-]*)
quoted "$check_path"
check_path=$quoted
;;
esac
check_words=
check_rest=$in_check_command
while :; do
case $check_rest in *'{file}'*) ;; *) break ;; esac
check_words=$check_words\${check_rest%%'{file}'*}$check_path
check_rest=\${check_rest#*'{file}'}
done
check_words=$check_words$check_rest
}
find_check_account() {
check_user=
[ "$me" = 0 ] && owner_of .. || return 0
case $owner_uid/$owner_mode in
0/*[0145][0145]) ;;
0/*) check_user=nobody ;;
*) check_user=$owner_user ;;
esac
}
check_as_me() {
open_output
run_command "$in_health_timeout_seconds" "$check_words" >&4 2>&1 4>&-
check_code=$?
exec 4>&-
}
check_as_owner() {
account_environment "$check_user"
find_timeout
check_said=$(
{
user_limit=$in_health_timeout_seconds
as_user "$check_user" /bin/sh -c 'cd / && eval "exec env -i $1 /bin/sh -c \\"\\$2\\""' sh "$account_environment" "$check_words" 2>&1
printf '\\n%s' "$?"
} | timed "$((in_health_timeout_seconds + 5))" tail -c 8000
)
check_code=\${check_said##*"$newline"}
is_number "$check_code" || check_code=1
printf '%s' "\${check_said%"$newline"*}" >command.output
}
drop_check() {
check_name=.forgejo-deploy-$in_name
rm -f "../$check_name"
}
DEPLOYED_BYTES=262144
prepare_deployed() {
rm -f deployed.new
[ "$in_size" -le "$DEPLOYED_BYTES" ] || return 0
cp incoming deployed.new && chmod 600 deployed.new && sync deployed.new && return 0
rm -f deployed.new
} 2>/dev/null
keep_deployed() {
if [ -f deployed.new ]; then
mv -f deployed.new deployed
elif [ "$in_encoding" != none ]; then
rm -f deployed
fi
} 2>/dev/null
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
image_of() {
image=$(stat -c '%d:%i %f' "$1" 2>/dev/null) || image=
case $image in
*' 8'???) image=\${image% *} ;;
*) image= ;;
esac
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
remember_release() {
printf '%s %s %s\\n' "\${release:-$journal_id}" "\${old_sha:-none}" "$(date +%s)" >last-release.new && mv -f last-release.new last-release
} 2>/dev/null
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
live_is_old() {
[ -n "$old_sha" ] || { [ ! -e "../$in_name" ] && [ ! -L "../$in_name" ]; return; }
[ ! -f "releases/$old_sha" ] || [ "releases/$old_sha" -ef "../$in_name" ] || return 1
live_is "$old_sha"
}
leave_broken() {
say broken "$1"
finish broken
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
env_is_replaced || { refused='\`env\` on the target does not become the program that it runs, as an old one of uutils: install coreutils, or a newer version'; return 1; }
refused="no file could be written in $PWD$(room_left)"
find_rename || return 1
rm -f trial trial.to
} 2>/dev/null
env_is_replaced() {
env -i /bin/sh -c 'echo $$' >trial &
wait "$!"
IFS= read -r env_pid <trial
[ "$env_pid" = "$!" ]
}
part_kind=config
PART_KEYS='new_sha new_live old_sha old_about old_live was_healthy'
part_seen() {
file_identity "../$in_name"
printf '%s\\n' "\${file_identity:-none}"
}
part_stage() {
case $in_encoding in
none | copy | release) exec 3<&- ;;
*) receive || return 1 ;;
esac
[ "$in_encoding" != release ] || take_release || return 1
say staged "$in_sha256"
keep_previous || return 1
[ "$in_encoding" != copy ] || copy_live || return 1
[ "$in_encoding" != none ] || return 0
dress incoming && check_incoming && prepare_deployed
}
part_unstage() {
drop_check
rm -f incoming restored original trial trial.to reserve decode.errors command.output command.pipe deployed.new
drop_release "\${kept_now:-none}"
}
part_begin() {
new_sha=$in_sha256
old_sha=$in_old_sha
old_about=$in_old_about
new_live=$in_workflow$newline$in_run_number$newline$in_run
live_of_old
restart=none
pid=''
unit='' unit_user='' units=''
old_image='' new_image='' back_image='' live_image='' last_image=''
was_healthy=''
}
part_remember() {
if config_is_healthy yes; then was_healthy=yes; else was_healthy=no; fi
}
part_prepare() {
find_timeout
command_environment
}
part_stop() {
failed=stop
}
part_swap() {
swap
}
part_reload() {
limited 30 systemctl daemon-reload >/dev/null 2>&1
}
part_start() {
failed=start
journal start && apply_config
}
part_prove() {
prove_config yes
}
part_accept() {
remember_live "$new_sha" "$new_live"
prune_releases "$new_sha"
keep_deployed
}
part_is_untouched() {
[ "$failed" = stop ]
}
part_keep() {
rm -f deployed.new
drop_release "\${old_sha:-none}"
finish staged
}
part_undo_stop() {
drop_check
}
part_undo_swap() {
rm -f deployed.new
if [ -z "$old_sha" ]; then
rm -f "../$in_name"
sync ..
apply_config || say note "after the file was removed, $refused"
return 2
fi
live_is_old || restore_old || { refused="the previous release $old_sha could not be restored: $refused"; return 1; }
rm -f restored
}
part_undo_start() {
refused=
journal restart-old || refused=
apply_config
}
part_undo_prove() {
if [ "$was_healthy" = yes ]; then
prove_config '' || return 1
else
vote undo-healthy
fi
drop_release "$old_sha"
remember_live "$old_sha" "$old_live"
}
part_recall() {
drop_check
}
part_is_new() {
live_is "$new_sha"
}
part_resume() {
prove_config '' && remember_live "$new_sha" "$new_live" && keep_deployed
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
recover)
exec 3<&-
journal_kind=$(sed -n 's/^part_kind=//p' journal 2>/dev/null | head -n 1)
[ "\${journal_kind:-binary}" = "$part_kind" ] || { refused="it is a $journal_kind, which only its own release can recover"; return 1; }
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
main`;function Dx(e,t,n){let s=e.mustContain.filter(o=>!t.includes(o)).map(o=>({why:`${e.source} does not contain '${o}', which must-contain requires.`,remedy:"check that the file is complete, and correct `must-contain` if it is."}));if(e.shrinkAtMost===void 0||n===void 0||n===0)return s;let i=Math.round((1-t.length/n)*100);return t.length>=n*(1-e.shrinkAtMost/100)?s:[...s,{why:`${e.source} has ${$t(t.length)}, the live file ${$t(n)}: ${i}% less, and shrink-at-most is ${e.shrinkAtMost}%.`,remedy:"check that the file is complete, and raise `shrink-at-most` if it is."}]}a(Dx,"contentObstacles");function P_({live:e,file:t}){return e?.sha256!==void 0&&t!==void 0&&t.sha256!==e.sha256}a(P_,"hasDrifted");function uu({destination:e,overwriteDrift:t},n){if(t||!P_(n))return[];let[r,s]=[tn(n.file?.sha256??""),tn(n.live?.sha256??"")];return[{why:`${e} was edited on the target since the last deploy (sha256 ${r}, deployed ${s}).`,remedy:"take the change over into the repository, or set `overwrite-drift: true`, which keeps it as a release."}]}a(uu,"driftObstacles");var iD={staged:"new file is on the target, checked; sha256 verified",stop:"",start:"applying the new file",stable:"new file applied; confirming stability",accept:"new file accepted",rollback:"new file failed; rolling back","restart-old":"applying the previous file","rollback-stable":"previous file healthy; confirming stability"};function Ux(e,t){return{text:Lx,values:{check_command:e.check,apply_command:e.apply,restart:"none"},phases:iD,onSay:cD(t)}}a(Ux,"configKind");function Fx(e,t,{plan:n,content:r}){let s=[...Dx(e,r,t.file?.bytes),...uu(e,t)];if(s.length>0)return{...n,kind:"refused",obstacles:[...n.obstacles,...s],steps:[]};if(n.kind!=="deploy")return n;let[i,...o]=n.steps;return{...n,steps:[...i?[i]:[],...oD(e),...o,...aD(e)]}}a(Fx,"planConfig");function oD({check:e}){return e===void 0?[]:[{does:"run the check on it",because:"nothing may read a configuration that is wrong"}]}a(oD,"checks");function aD({apply:e,health:t}){let n=[];e!==void 0&&n.push({does:"run the apply command",because:"the service reads the file then"});let r=[t.port===void 0?"":`something listens on port ${t.port}`,t.url?`${cn(t.url)} returns ${t.status}`:"",t.command?"the health command succeeds":""].filter(s=>s!=="");return r.length>0&&n.push({does:`require that ${r.join(" and ")} within ${t.timeoutSeconds} s, and for ${t.stableSeconds} s`,because:"otherwise the previous file is restored and applied again"}),n}a(aD,"applies");function cD(e){let t={check_output:"check",apply_output:"apply"};return(n,r)=>{let s=t[n];if(s!==void 0)for(let i of ia(r,20))e.phase(s,`| ${ir(i)}`)}}a(cD,"logCommandOutput");var Zx=require("node:stream"),Yx=require("node:zlib");var lD=/^([0-9a-f]{1,8}) ([0-9]{1,10}):([0-9]{1,10}) ([0-9]{1,15}) \.(?:\/(.*))?$/s,uD=/^([0-9a-f]{64}) [ *]\.\/(.*)$/s,dD=/^odd ((?:[0-9a-f]{2}){1,8192}) ([0-9a-f]{1,8}) ([0-9]{1,10}):([0-9]{1,10}) ([0-9]{1,15}) ([0-9a-f]{64}|-)$/,fD=[["folder",16384],["file",32768],["link",40960]];function Hx(e){let t=new Map;for(let n of e.split(`
`)){let[,r,s,i,o,c]=lD.exec(n)??[],[,l,u]=uD.exec(n)??[],d=dD.exec(n);if(r!==void 0)Mx(t,c??"",{mode:r,uid:s,gid:i,bytes:o});else if(l!==void 0){let f=t.get(u??"");f&&(f.sha256=l)}else if(d){let[,f="",p="",_,$,g,y]=d,k=Buffer.from(f,"hex").toString("utf8");if(!k.startsWith("./"))continue;Mx(t,k.slice(2),{mode:p,uid:_,gid:$,bytes:g});let x=t.get(k.slice(2));x&&y!=="-"&&(x.sha256=y??"")}}return[...t.values()].sort((n,r)=>n.path<r.path?-1:1)}a(Hx,"parseListing");function Mx(e,t,{mode:n,uid:r,gid:s,bytes:i}){let o=Number.parseInt(n,16),c=fD.find(([,l])=>(o&61440)===l)?.[0]??"other";e.set(t,{path:t,kind:c,sha256:"",bytes:c==="file"?Number(i):0,executable:c==="file"&&(o&64)!==0,mode:o&4095,uid:Number(r),gid:Number(s)})}a(Mx,"add");var jx=require("node:fs");var Rr=512,pD=2**33-1;async function*qx(e,t,n){yield*fi({name:`${Wo}/`,type:"5",mode:448});for(let[r,s]of Object.entries(hD(t,n)))yield*fi({name:`${Wo}/${r}`,type:"0",bytes:s.length}),yield*Kx(s);for(let{path:r,kind:s,target:i,modified:o}of t)s==="folder"&&(yield*fi({name:`${r}/`,type:"5",mode:448,modified:o})),s==="link"&&(yield*fi({name:r,type:"2",target:i,modified:o}));for(let r of n.sent)yield*_D(e,r);yield Buffer.alloc(2*Rr)}a(qx,"treeStream");function du({sent:e}){return e.reduce((t,{bytes:n})=>t+n,0)}a(du,"sentBytes");function hD(e,{same:t,moved:n}){let r=e.filter(({kind:o})=>o==="file"),s=a(o=>/[\n\\]/.test(o),"isOdd"),i=a(o=>Buffer.from(o.map(c=>`${c}\0`).join("")),"ended");return{same:i(t.map(({path:o})=>`./${o}`)),moved:i(n.flatMap(({from:o,to:c})=>[`./${o}`,`./${c.path}`])),sums:Buffer.from(r.flatMap(({path:o,sha256:c})=>s(o)?[]:`${c}  ./${o}
`).join("")),odd:i(r.flatMap(({path:o,sha256:c})=>s(o)?[c,`./${o}`]:[])),exec:i(r.filter(({executable:o})=>o).map(({path:o})=>`./${o}`))}}a(hD,"listsOf");async function*_D(e,{path:t,bytes:n,modified:r}){if(n>pD)throw new Mn(`${t} is larger than 8 GiB`);yield*fi({name:t,type:"0",bytes:n,modified:r});let s=0;for await(let i of(0,jx.createReadStream)(`${e}/${t}`)){if(s+=i.length,s>n)break;yield i}if(s!==n)throw new Mn(`${t} changed while it was sent`);n%Rr!==0&&(yield Buffer.alloc(Rr-n%Rr))}a(_D,"fileBlocks");function*fi({name:e,type:t,bytes:n=0,mode:r=384,target:s="",modified:i=1}){Buffer.byteLength(s)>100&&(yield*zx("K",s)),Buffer.byteLength(e)>100&&(yield*zx("L",e));let o=Buffer.alloc(Rr);Buffer.from(e).copy(o,0,0,100);let c=a((u,d,f)=>o.write(u.toString(8).padStart(f,"0"),d),"octal");c(r,100,7),c(0,108,7),c(0,116,7),c(n,124,11),c(i,136,11),o.fill(" ",148,156),o.write(t,156),Buffer.from(s).copy(o,157,0,100),o.write("ustar  ",257);let l=o.reduce((u,d)=>u+d,0);o.write(`${l.toString(8).padStart(6,"0")}\0 `,148),yield o}a(fi,"header");function*zx(e,t){let n=Buffer.from(`${t}\0`);yield*fi({name:"././@LongLink",type:e,bytes:n.length}),yield*Kx(n)}a(zx,"longName");function*Kx(e){e.length>0&&(yield e),e.length%Rr!==0&&(yield Buffer.alloc(Rr-e.length%Rr))}a(Kx,"padded");var Qx=require("node:zlib");var mD=64*2**20;function Wx(e){try{return(0,Qx.gunzipSync)(Buffer.from(e.join(""),"base64"),{maxOutputLength:mD}).toString("utf8")}catch{return}}a(Wx,"unpackListing");var Gx=`prelude() {
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
digest() {
if command -v openssl >/dev/null; then
digest_line=$(openssl dgst -sha256 -r 2>/dev/null) || digest_line=
else
digest_line=$(sha256sum)
fi
printf '%s\\n' "\${digest_line%% *}"
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
file_identity() {
file_identity=$(TZ=UTC0 stat -c '%d %i %s %y %z' "$1" 2>/dev/null)
}
keep_reserve() {
head -c 65536 /dev/urandom >reserve && sync reserve
} 2>/dev/null
free_reserve() {
rm -f reserve
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
write_about() {
next_sequence
printf '%s %s %s\\nsequence=%s\\n' "$old_about" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$in_run" "$next_sequence" >releases/about &&
sync releases/about && mv -f releases/about "releases/$old_sha.about"
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
room_left() {
df -P . 2>/dev/null | { read -r _ && read -r _ _ _ df_free _ && printf '; %s kB are free in this folder' "$df_free"; }
df -P -i . 2>/dev/null | { read -r _ && read -r _ df_all _ df_free _ && [ "$df_all" -gt 0 ] && [ "$df_free" -lt 20 ] && printf ', and %s inodes' "$df_free"; } 2>/dev/null
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
tree_shell() (
tree_seconds=$3
tree_program=$4
user_words "$1"
tree_words=$user_words
cd -P "./$2" 2>/dev/null || exit 1
shift 4
case $tree_words in */chroot' '*) tree_words="\${tree_words%/}--skip-chdir /" ;; esac
if [ "\${user_tool:-}" = su ] && [ -n "$tree_words" ]; then
timed "$tree_seconds" env -i "PATH=$PATH" LC_ALL=C $tree_words "$user_name" -c 'exec "$0" "$@"' -- /bin/sh -c "$tree_program" sh "$@"
else
timed "$tree_seconds" env -i "PATH=$PATH" LC_ALL=C $tree_words /bin/sh -c "$tree_program" sh "$@"
fi
)
tree_user() {
owner_of "$1" || return 1
tree_user=$owner_user
[ "$me" = 0 ] || tree_user=$me_name
}
remove_tree() {
[ -e "./$1" ] || [ -L "./$1" ] || return 0
if [ ! -d "./$1" ] || [ -L "./$1" ]; then
rm -f "./$1"
return
fi
tree_user "./$1"
tree_shell "$tree_user" "$1" 600 'chmod -R u+rwX . ; find . -mindepth 1 -maxdepth 1 -exec rm -rf {} +' </dev/null
rmdir "./$1" || { rm --version | grep -q -i -e GNU -e uutils && rm -rf "./$1"; }
} >/dev/null 2>&1
TREE_LISTS=.forgejo-deploy-lists
stage_tree() {
remove_tree incoming
refused="$PWD/incoming could not be made"
stage_user=\${in_owner%%:*}
stage_user=\${stage_user:-$me}
name_of passwd "$stage_user"
stage_user=$name_of
mkdir -m 700 incoming && { [ -z "$in_owner" ] || chown "$in_owner" incoming; } || return 1
chmod g+s incoming
stage_from=
[ "$in_reuse" != yes ] || stage_from=\${in_folder%/}/$in_name
stage_said=$(
{
unpack_payload <&3 |
tree_shell "$stage_user" incoming "$in_upload_limit_seconds" "$(stage_program)" "$TREE_LISTS" "$stage_from" "$in_folder_mode" "$in_mode" "$in_exec_mode" 2>&1
printf '\\n'
} | timed "$((in_upload_limit_seconds + 5))" tail -c 2000
)
exec 3<&-
case $stage_said in
*'stage whole'*) ;;
*'stage differs'*)
refused='the live folder changed while it was copied, or not all of the upload arrived'
return 2
;;
*)
stage_said=\${stage_said%"\${stage_said##*[!"$newline"]}"}
refused="the new folder could not be made: \${stage_said##*"$newline"}$(room_left)"
return 1
;;
esac
timed 300 sync -f incoming 2>/dev/null || timed 300 sync
}
unpack_payload() {
case $in_encoding in
gzip) timed "$in_upload_limit_seconds" gzip -d -c ;;
*) timed "$in_upload_limit_seconds" cat ;;
esac
}
stage_program() {
printf '%s\\n' 'lists=$1 from=$2 folder_mode=$3 mode=$4 exec_mode=$5' \\
'umask 077' \\
'tar -x -o -f - || exit' \\
'exec 5<. 6<"$lists/same" 7<"$lists/moved"' \\
'keep=-p' \\
'if cp --preserve=timestamps "$lists/same" "$lists/trial" 2>/dev/null; then keep=--preserve=timestamps; fi' \\
'if [ -n "$from" ]; then' \\
'( cd "$from" && xargs -0 -r sh -c '\\''keep=$1; shift; exec cp -P "$keep" --parents "$@" /proc/self/fd/5/'\\'' sh "$keep" <&6' \\
'xargs -0 -r -n 500 sh -c '\\''while [ $# -gt 1 ]; do cp -P -p "$1" "/proc/self/fd/5/$2"; shift 2; done'\\'' sh <&7 ) 2>/dev/null' \\
'fi' \\
'if [ -s "$lists/sums" ]; then sha256sum -c "$lists/sums" >/dev/null 2>&1 || { echo stage differs; exit; }; fi' \\
'xargs -0 -r -n 200 sh -c '\\''while [ $# -gt 1 ]; do sum=$(sha256sum <"$2") && [ "\${sum%% *}" = "$1" ] || exit 255; shift 2; done'\\'' sh <"$lists/odd" 2>/dev/null || { echo stage differs; exit; }' \\
'exec 6<"$lists/exec"' \\
'rm -rf "$lists"' \\
'find . -type f -exec chmod "$mode" {} + && xargs -0 -r chmod "$exec_mode" <&6 && find . -type d -exec chmod g-s {} + && find . -depth -type d -exec chmod "$folder_mode" {} + && echo stage whole'
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
JOURNAL_KEYS='release release_part release_parts release_folder release_name members part_kind'
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
find_exchange() {
rm -rf trial.1 trial.2
for exchange_way in mv perl python3 none; do
mkdir trial.1 trial.2 2>/dev/null
true >trial.1/here
! exchange trial.1 trial.2 || [ ! -f trial.2/here ] || break
done
rm -rf trial.1 trial.2
} 2>/dev/null
exchange() {
case $exchange_way in
mv) mv -T --exchange "$1" "$2" ;;
perl) perl -e 'my %n = (x86_64 => 316, aarch64 => 276, riscv64 => 276, armv7l => 382, i686 => 353, ppc64le => 357, s390x => 347); my $n = $n{$ARGV[2]} or exit 1; exit(syscall($n, -100, $ARGV[0], -100, $ARGV[1], 2) == 0 ? 0 : 1)' "$1" "$2" "$(uname -m)" ;;
python3) python3 -I -c 'import ctypes, os, sys; exit(ctypes.CDLL(None).renameat2(-100, os.fsencode(sys.argv[1]), -100, os.fsencode(sys.argv[2]), 2) != 0)' "$1" "$2" ;;
*) return 1 ;;
esac
} 2>/dev/null
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
move_kept() {
keep_rest=$kept_paths
while [ -n "$keep_rest" ]; do
keep_path=\${keep_rest%%"$newline"*}
case $keep_rest in *"$newline"*) keep_rest=\${keep_rest#*"$newline"} ;; *) keep_rest= ;; esac
[ -z "$keep_path" ] || move_one_kept "$1" "$2" || return 1
done
}
move_one_kept() {
keep_state=$PWD
keep_folder=
case $keep_path in */*) keep_folder=\${keep_path%/*} ;; esac
keep_name=\${keep_path##*/}
refused="$keep_path, which belongs to the host, could not be moved to the new folder"
keep_code=0
enter_kept "$1" && { [ -e "./$keep_name" ] || [ -L "./$keep_name" ]; } || keep_code=skip
if [ "$keep_code" = 0 ]; then
exec 5<.
cd "$keep_state" || return 1
if make_kept_folder "$2"; then
{ [ ! -e "./$keep_name" ] && [ ! -L "./$keep_name" ] && rename_file "/proc/self/fd/5/$keep_name" "./$keep_name"; } || keep_code=1
else
keep_code=1
fi
exec 5<&-
fi
cd "$keep_state" || return 1
[ "$keep_code" != 1 ]
}
enter_kept() {
enter_steps "$1\${keep_folder:+/$keep_folder}"
} 2>/dev/null
make_kept_folder() {
enter_steps "$1\${keep_folder:+/$keep_folder}" yes
} 2>/dev/null
enter_steps() {
steps_rest=$1/
steps_owner=
while [ -n "$steps_rest" ]; do
steps_name=\${steps_rest%%/*}
steps_rest=\${steps_rest#*/}
case $steps_name in
'') continue ;;
..)
cd -P .. || return 1
continue
;;
esac
[ -z "\${2:-}" ] || [ -z "$steps_owner" ] || [ -e "./$steps_name" ] || [ -L "./$steps_name" ] || {
mkdir -m 755 "./$steps_name" && chown -h "$steps_owner" "./$steps_name" || return 1
}
[ ! -L "./$steps_name" ] || return 1
steps_at=\${PWD%/}
cd -P "./$steps_name" && [ "$PWD" = "$steps_at/$steps_name" ] || return 1
owner_of . && steps_owner=$owner_uid:$owner_gid
done
}
image_of_tree() {
image_of_tree=
[ ! -L "$1" ] && [ -d "$1" ] && image_of_tree=$(stat -c '%d:%i' "$1" 2>/dev/null)
}
find_tree() {
for find_tree in "../$in_name" incoming previous "releases/\${old_sha:-none}"; do
image_of_tree "$find_tree"
[ -z "$1" ] || [ "$image_of_tree" != "$1" ] || return 0
done
find_tree=
return 1
}
swap_trees() {
failed=swap
journal swap || return 1
refused="$in_folder/$in_name was replaced by something else"
image_of_tree "../$in_name"
[ "$image_of_tree" = "$old_tree" ] || return 1
[ -n "$old_tree" ] || { [ ! -e "../$in_name" ] && [ ! -L "../$in_name" ]; } || return 1
[ -z "$old_tree" ] || move_kept "../$in_name" incoming || return 1
put_tree incoming || return 1
find_tree "$old_tree" && [ "$find_tree" = incoming ] || return 0
rename_file incoming previous
}
put_tree() {
refused="the folder could not be renamed to $in_folder/$in_name"
if [ -e "../$in_name" ] || [ -L "../$in_name" ]; then
exchange "$1" "../$in_name" && return 0
[ "$1" != previous ] || { rename_file previous incoming && set -- incoming; }
rename_file "../$in_name" previous || return 1
fi
rename_file "$1" "../$in_name"
}
restore_tree() {
refused='the previous folder is gone'
find_tree "$old_tree" || return 1
[ "$find_tree" = "../$in_name" ] || put_old_tree || return 1
if find_tree "$new_tree"; then move_kept "$find_tree" "../$in_name" || return 1; fi
refused=
}
put_old_tree() {
[ "$find_tree" = previous ] || { [ ! -e previous ] && rename_file "$find_tree" previous || return 1; }
exchange previous "../$in_name" && return 0
refused="the previous folder could not be renamed to $in_folder/$in_name"
if [ -e "../$in_name" ] || [ -L "../$in_name" ]; then
[ ! -e incoming ] && rename_file "../$in_name" incoming || return 1
fi
rename_file previous "../$in_name"
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
image_of() {
image=$(stat -c '%d:%i %f' "$1" 2>/dev/null) || image=
case $image in
*' 8'???) image=\${image% *} ;;
*) image= ;;
esac
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
http_return=$(printf '\\r')
remember_release() {
printf '%s %s %s\\n' "\${release:-$journal_id}" "\${old_sha:-none}" "$(date +%s)" >last-release.new && mv -f last-release.new last-release
} 2>/dev/null
is_number() {
case $1 in
'' | *[!0-9]* | 0?* | ????????????????*) return 1 ;;
esac
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
leave_broken() {
say broken "$1"
finish broken
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
env_is_replaced || { refused='\`env\` on the target does not become the program that it runs, as an old one of uutils: install coreutils, or a newer version'; return 1; }
refused="no file could be written in $PWD$(room_left)"
find_rename || return 1
rm -f trial trial.to
} 2>/dev/null
env_is_replaced() {
env -i /bin/sh -c 'echo $$' >trial &
wait "$!"
IFS= read -r env_pid <trial
[ "$env_pid" = "$!" ]
}
part_kind=folder
PART_KEYS='new_sha new_live new_tree old_sha old_about old_live old_tree kept_paths'
part_seen() {
image_of_tree "../$in_name"
printf '%s\\n' "\${image_of_tree:-none}"
}
part_stage() {
remove_tree previous
stage_tree
case $? in
0) say staged "$in_sha256" ;;
2) give_up changed ;;
*) return 1 ;;
esac
}
part_unstage() {
remove_tree incoming
rm -f trial trial.to reserve
}
part_begin() {
new_sha=$in_sha256
old_sha=$in_old_sha
old_about=$in_old_about
new_live=$in_workflow$newline$in_run_number$newline$in_run
live_of_old
kept_paths=$in_keep
new_tree='' old_tree=''
restart=none
pid=''
unit='' unit_user='' units=''
old_image='' new_image='' back_image='' live_image='' last_image=''
find_exchange
}
part_remember() {
image_of_tree incoming
new_tree=$image_of_tree
image_of_tree "../$in_name"
old_tree=$image_of_tree
}
part_prepare() {
:
}
part_stop() {
failed=stop
}
part_swap() {
swap_trees
}
part_reload() {
limited 30 systemctl daemon-reload >/dev/null 2>&1
}
part_start() {
failed=start
journal start
}
part_prove() {
failed=health
reach_health || return 1
failed=stable
journal "\${stable_phase:-stable}" || refused=
image_of_tree "../$in_name"
[ "$image_of_tree" = "$new_tree" ] && return 0
refused="$in_folder/$in_name was replaced by another folder"
return 1
}
part_accept() {
remember_live "$new_sha" "$new_live"
if find_tree "$old_tree" && [ "$find_tree" != "../$in_name" ] && [ -n "$old_sha" ]; then
remove_tree "releases/$old_sha"
rename_file "$find_tree" "releases/$old_sha" && write_about
fi
prune_trees
}
prune_trees() {
drop_tree "$new_sha"
prune_seen=0
for prune_sha in $(newest_releases); do
prune_seen=$((prune_seen + 1))
[ "$prune_seen" -le "$in_keep_releases" ] || drop_tree "$prune_sha"
done
}
drop_tree() {
remove_tree "releases/$1"
rm -f "releases/$1.about"
}
part_is_untouched() {
[ "$failed" = stop ]
}
part_keep() {
remove_tree incoming
finish staged
}
part_undo_stop() {
:
}
part_undo_swap() {
if [ -z "$old_tree" ]; then
if find_tree "$new_tree" && [ "$find_tree" = "../$in_name" ]; then
remove_tree incoming
rename_file "../$in_name" incoming || { refused="the new folder could not be removed from $in_folder"; return 1; }
fi
sync ..
remove_tree incoming
return 2
fi
restore_tree || return 1
sync ..
}
part_undo_start() {
refused=
journal restart-old || refused=
}
part_undo_prove() {
vote undo-healthy
stable_phase=rollback-stable
journal rollback-stable || refused=
image_of_tree "../$in_name"
[ "$image_of_tree" = "$old_tree" ] || { refused="$in_folder/$in_name is another folder"; return 1; }
remove_tree incoming
[ -z "$old_sha" ] || remember_live "$old_sha" "$old_live"
}
part_recall() {
:
}
part_is_new() {
find_tree "$new_tree" && [ "$find_tree" = "../$in_name" ]
}
part_resume() {
vote healthy || :
part_is_new || return 1
part_accept
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
recover)
exec 3<&-
journal_kind=$(sed -n 's/^part_kind=//p' journal 2>/dev/null | head -n 1)
[ "\${journal_kind:-binary}" = "$part_kind" ] || { refused="it is a $journal_kind, which only its own release can recover"; return 1; }
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
main`;var $D={staged:"new folder is on the target; every file verified",stop:"",swap:"replacing the folder",start:"",stable:"",accept:"new folder accepted",rollback:"rolling back","restart-old":"","rollback-stable":"previous folder restored"};function Vx(e,t,{tree:n,change:r}){let s=a(()=>Zx.Readable.from(qx(e.source,n,r)).pipe((0,Yx.createGzip)({level:1})),"make");return{text:Gx,values:{...bD(e,t,{tree:n,change:r}),restart:"none"},form:a(()=>({encoding:"gzip",payload:Qo(s)}),"form"),phases:$D}}a(Vx,"folderKind");function T_(e,{entries:t=[],wanted:n},r){let s=d_(Number.parseInt(e.mode??"0644",8)),i=t.find(({path:o})=>o==="")?.uid===n.uid;return{tree:r,change:uv(r,t,{modes:s,owner:n,reuse:i})}}a(T_,"folderTree");function Xx(e,{found:t,folder:n},{tree:r,change:s,needed:i}){let o=`${n.wanted.uid}:${n.wanted.gid}`,c={owner:o,ownerIds:o,sameOwner:!0,mode:e.mode??"0644",restart:"none",runAs:"",file:{from:"upload",sha256:Or(r),bytes:du(s)},units:wD},l=[...nu(t),...n.obstacles,...uu(e,t)];return l.length>0?{...c,kind:"refused",obstacles:l,steps:[]}:n.entries!==void 0&&dv(s,r)&&i===void 0?{...c,kind:"unchanged",obstacles:l,steps:[]}:{...c,kind:"deploy",obstacles:l,steps:yD(e,n,{change:s,needed:i,base:c})}}a(Xx,"planFolder");function yD(e,{entries:t},{change:n,needed:r,base:s}){let{sent:i,same:o,moved:c,deleted:l,relabelled:u}=n,d=[`${i.length} of ${i.length+o.length+c.length} files differ`,...c.length>0?[`${c.length} moved`]:[],...l.length>0?[`${l.length} entries are deleted`]:[],...u.length>0?[`owner or mode of ${u.length} differ`]:[]];return[{does:`upload ${$t(du(n))} beside the live folder`,because:r??d.join(", ")},...e.keep.length>0?[{does:`move ${e.keep.join(", ")} to the new folder`,because:"`keep` names it"}]:[],{does:`replace the folder, owner ${s.owner}, mode of files ${s.mode}`,because:t?"no path in it may mix old and new":"nothing is there yet"}]}a(yD,"stepsOf");var wD={unit:"",user:"",because:"",units:[],restarted:[],left:[],dependents:[],triggers:[],wanted:[],notes:[],obstacles:[]};function Jx(e){let t=e.keep.map(n=>n.replace(/[*?[\\]/g,"\\$&"));return{owner:e.owner,keep:t.join(`
`)}}a(Jx,"folderQuestion");function eE(e,t){let n=e.text("seen")??"",r=Wx(e.texts("tree")),[[s="0",i="0"]=[]]=e.parts("wanted_ids",/^([0-9]{1,10})(?::([0-9]{1,10}))?$/,"an account"),o=[],c=a((f,p)=>o.push({why:f,remedy:p}),"refuse"),l=e.text("folder_refused")??e.text("state_refused"),u=e.text("tree_refused");l!==void 0&&c(`${l}.`,"correct `to`, or create the folder that it lies in."),u!==void 0&&c(`${t.destination} can't be replaced: ${u}.`,"correct `to`, or move it away."),n!=="none"&&n!==""&&r===void 0&&c(`${t.destination} holds too much to be compared.`,"name what belongs to the host in `keep`.");for(let f of e.texts("missing_tool"))c(`${f} is missing on the target.`,`install ${f} there.`);let d=e.text("last_phase");return{seen:d===void 0?n:`${n}
${d}`,entries:r===void 0?void 0:Hx(r),deployed:e.digest("live_sha256"),wanted:{uid:Number(s),gid:Number(i)},releases:e.texts("release"),obstacles:o}}a(eE,"foundFolder");function bD(e,{entries:t,wanted:n},{tree:r,change:s}){let i=d_(Number.parseInt(e.mode??"0644",8)),o=a(l=>l.toString(8).padStart(4,"0"),"octal"),c=t?.find(({path:l})=>l==="");return{size:du(s),sha256:Or(r),owner:`${n.uid}:${n.gid}`,mode:o(i.file),exec_mode:o(i.executable),folder_mode:o(i.folder),reuse:c?.uid===n.uid?"yes":"",keep:e.keep.join(`
`),old_sha:t&&Or(t),old_about:c&&`${c.uid}:${c.gid} ${o(c.mode)}`}}a(bD,"folderValues");var tE=`prelude() {
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
tree_shell() (
tree_seconds=$3
tree_program=$4
user_words "$1"
tree_words=$user_words
cd -P "./$2" 2>/dev/null || exit 1
shift 4
case $tree_words in */chroot' '*) tree_words="\${tree_words%/}--skip-chdir /" ;; esac
if [ "\${user_tool:-}" = su ] && [ -n "$tree_words" ]; then
timed "$tree_seconds" env -i "PATH=$PATH" LC_ALL=C $tree_words "$user_name" -c 'exec "$0" "$@"' -- /bin/sh -c "$tree_program" sh "$@"
else
timed "$tree_seconds" env -i "PATH=$PATH" LC_ALL=C $tree_words /bin/sh -c "$tree_program" sh "$@"
fi
)
tree_user() {
owner_of "$1" || return 1
tree_user=$owner_user
[ "$me" = 0 ] || tree_user=$me_name
}
list_tree() {
tree_user .
list_guard=
[ "$owner_uid" != 0 ] || list_guard=yes
tree_shell "$tree_user" . 300 "$(list_program)" "$list_guard" "$@" </dev/null 2>/dev/null | timed 310 head -c 40000000 |
gzip -c | base64 | tr -d '\\n' | timed 310 head -c 3600000 | fold -w 9000 | sed 's/^/tree=/'
printf '\\n'
}
list_program() {
printf '%s\\n' 'guard=$1' \\
'shift' \\
'left=$#' \\
'while [ "$left" -gt 0 ]; do set -- "$@" -path "./$1" -prune -o; shift; left=$((left - 1)); done' \\
'[ -z "$guard" ] || set -- "$@" -type d "(" ! -user 0 -o -perm -020 -o -perm -002 ")" -prune -o' \\
'odd=$(printf "*[\\n\\\\\\\\\\\\\\\\]*")' \\
'find . "$@" ! -path "$odd" -print0 | xargs -0 -r stat -c "%f %u:%g %s %n"' \\
'find . "$@" -type f ! -path "$odd" -print0 | xargs -0 -r sha256sum' \\
'find . "$@" -type l ! -path "$odd" -print0 | xargs -0 -r -n 200 sh -c '\\''for link; do sum=$(readlink -n "$link" | sha256sum); printf "%s  %s\\n" "\${sum%% *}" "$link"; done'\\'' sh' \\
'find . "$@" -path "$odd" -print0 | head -c 500000 | xargs -0 -r -n 200 sh -c '\\''for name; do' \\
'sum=-; if [ -L "$name" ]; then sum=$(readlink -n "$name" | sha256sum); elif [ -f "$name" ]; then sum=$(sha256sum <"$name"); fi' \\
'printf "odd %s %s %s\\n" "$(printf %s "$name" | od -An -v -tx1 | tr -d " \\n")" "$(stat -c "%f %u:%g %s" "$name")" "\${sum%% *}"; done'\\'' sh'
}
inspect_folder() {
folder_owner=$in_owner
[ -n "$folder_owner" ] || [ -z "$folder_entered" ] || ! owner_of "./$in_name" || folder_owner=$owner_uid:$owner_gid
ids_of "\${folder_owner:-\${in_login:-$me_name}}"
say wanted_ids "$ids_uid\${ids_gid:+:$ids_gid}"
[ ! -e /proc/self/stat ] || say tool /proc
for folder_tool in flock setsid sha256sum stat timeout; do
! command -v "$folder_tool" >/dev/null || say tool "$folder_tool"
done
for folder_tool in tar gzip base64 find xargs fold od; do
command -v "$folder_tool" >/dev/null || say missing_tool "$folder_tool"
done
if [ -z "$folder_entered" ]; then
say folder_refused "\${refused:-$in_folder does not exist}"
return
fi
say folder "$PWD"
inspect_folder_state
if [ -L "./$in_name" ]; then
say tree_refused "it is a symbolic link to $(readlink "./$in_name")"
elif [ ! -e "./$in_name" ]; then
say seen none
elif [ ! -d "./$in_name" ]; then
say tree_refused 'it is not a folder'
elif [ "$(stat -c %d "./$in_name")" != "$(stat -c %d .)" ]; then
say tree_refused 'it is a file system of its own, which can not be renamed'
else
( list_live_folder )
fi
}
list_live_folder() {
say seen "$(stat -c '%d:%i' "./$in_name")"
folder_at=\${PWD%/}
cd -P "./$in_name" && [ "$PWD" = "$folder_at/$in_name" ] || { say tree_refused 'it was replaced while it was inspected'; return; }
set --
keep_rest=$in_keep
while [ -n "$keep_rest" ]; do
set -- "$@" "\${keep_rest%%"$newline"*}"
case $keep_rest in *"$newline"*) keep_rest=\${keep_rest#*"$newline"} ;; *) keep_rest= ;; esac
done
list_tree "$@"
}
inspect_folder_state() (
enter_state || { [ $? = 2 ] || say state_refused "$refused"; return; }
look_for_unfinished
if [ -f lock ] && ! flock -n -s 9 9<lock; then
IFS= read -r folder_holder <lock
say locked "$folder_holder"
fi
[ ! -f ended ] || tail -n 20 ended | while IFS= read -r folder_line; do say ended "$folder_line"; done
[ ! -f history ] || tail -n 5 history | while IFS= read -r folder_line; do say history "$folder_line"; done
[ -z "$state_phase" ] || say last_phase "$state_phase"
[ ! -f live ] || say live_sha256 "$(head -c 64 live)"
newest_releases | while read -r folder_release; do say release "$folder_release"; done
)
main() {
prelude
set -u
know_me
[ "\${in_elevated:-}" = yes ] || begin
refused=
folder_entered=
! enter_folder "$in_folder" || folder_entered=yes
if [ "\${in_elevated:-}" != yes ] && elevate; then exit 0; fi
say user "$me_name"
say login "\${in_login:-$me_name}"
say uid "$me"
inspect_folder
end
}
reason_for_root() {
if [ -z "$folder_entered" ] || [ ! -w . ]; then
root_reason="$me_name can't write to $in_folder"
elif [ -e "./.$in_name.deploy" ] && [ ! -O "./.$in_name.deploy" ]; then
root_reason="the releases in $in_folder/.$in_name.deploy belong to another account"
elif [ -e "./$in_name" ] && [ ! -O "./$in_name" ]; then
root_reason="$in_folder/$in_name belongs to another account"
elif [ -n "$in_owner" ]; then
ids_of "$in_owner"
[ "$ids_uid" = "$me" ] || root_reason="the folder's owner must be set to $in_owner"
fi
}
main`;var kD=330;async function nE(e,t,n){let r={what:"Inspecting the target",state:"untouched. Inspection changes nothing."},s={folder:n.folder,name:n.name,sudo:n.sudo,...Jx(t)},i=await Zt(e,{text:tE,values:s},{...r,sudo:!1,limitSeconds:kD,another:!1});if(!i.complete)throw Gs(e,r,i);let o=eE(i.answer,t),c=m_(i.answer,n),{entries:l,deployed:u}=o,d=l?.find(({path:f})=>f==="");return{folder:o,found:{...c,seen:o.seen,file:l&&{owner:`${d?.uid}:${d?.gid}`,ids:`${d?.uid}:${d?.gid}`,mode:(d?.mode??0).toString(8).padStart(4,"0"),bytes:l.reduce((f,{bytes:p})=>f+p,0),sha256:Or(l),capabilities:""},live:u===void 0?void 0:{workflow:"",runNumber:0,run:"",sha256:u}}}}a(nE,"inspectFolder");var rE=`prelude() {
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
DRIFT_BYTES=100000
main() {
prelude
set -u
know_me
begin
refused=
! enter_folder "$in_folder" || show_drift
end
}
show_drift() {
owner_of "./$in_name" || return 0
case $owner_mode in *[4567]) ;; *) say drift_hidden yes; return 0 ;; esac
drift_mode=$(stat -c %F "./$in_name")
[ "$drift_mode" = 'regular file' ] || return 0
owner_of .
drift_user=$owner_user
[ "$me" = 0 ] || drift_user=$me_name
user_limit=10
drift_now=$(as_user "$drift_user" head -c "$DRIFT_BYTES" "$PWD/$in_name" 2>/dev/null | timed 15 head -c "$DRIFT_BYTES")
enter_state && [ -f deployed ] && [ ! -L deployed ] && command -v diff >/dev/null || return 0
say drift "$(printf '%s\\n' "$drift_now" | timed 10 diff -U 0 deployed - 2>/dev/null | sed '1,2d' | timed 10 head -n 21 | head -c 6000)"
}
main`;var xD=60,sE=20;async function iE(e,{folder:t,name:n},{found:r,log:s}){let i=await Zt(e,{text:rE,values:{folder:t,name:n}},{what:"Comparing with the last deploy",sudo:r.sudo,limitSeconds:xD}),o=i.answer.quotedLines("drift").filter(c=>c!=="");i.answer.yes("drift_hidden")?s.line("  what changed is not shown, because not everybody on the target may read it"):o.length>0&&s.line("  what changed since the last deploy:");for(let c of o.slice(0,sE))s.line(`  | ${c}`);o.length>sE&&s.line("  | …")}a(iE,"showDrift");function oE(e,t){return{...e,log:Pn(e.log,t.name)}}a(oE,"namedContext");async function aE(e){let{part:t,host:n,inputs:r}=e;if(t.kind==="folder")return Jo({...e,...await nE(n,t,r)});let s=await li(n,r,e.source,{another:!1});if(t.kind==="binary")return Jo({...e,found:s});P_(s)&&await iE(n,r,{found:s,log:e.context.log});let i=r.mode??(s.file?void 0:"0644");return Jo({...e,inputs:{...r,mode:i},found:{...s,portHolder:void 0}})}a(aE,"inspectPart");function Jo(e,t){let{part:n,found:r,folder:s,read:i}=e,{run:o}=e.context;if(n.kind==="folder"&&s){let u=T_(n,s,i?.tree??[]);return{...e,plan:Xx(n,{found:r,folder:s},{...u,needed:t})}}let c={workflow:o.series,number:o.number},l=au(e.inputs,r,{source:e.source,build:c,needed:t});return n.kind!=="config"?{...e,plan:l}:{...e,plan:Fx(n,r,{plan:l,content:i?.content??Buffer.alloc(0)})}}a(Jo,"planned");function Br(e,t){return{...Yo(e,e.found,e.plan),membership:t,kind:ED(e)}}a(Br,"transactionOf");function ED({part:e,folder:t,read:n,context:r}){if(e.kind==="config")return Ux(e,r.log);if(e.kind==="folder"&&t)return Vx(e,t,T_(e,t,n?.tree??[]))}a(ED,"kindOf");function cE({inputs:e,plan:t}){return ui(t.file.bytes)+e.lockTimeoutSeconds+g_(e)}a(cE,"waitSeconds");function lE(e,t){let n=new Set;for(let[r,{needs:s}]of e.entries())(t[r]||s.some(i=>n.has(i)))&&n.add(r);return[...n]}a(lE,"participants");function uE(e){let t=e.map(({path:r},s)=>({path:r,number:s+1}));t.sort((r,s)=>r.path<s.path?-1:r.path>s.path?1:r.number-s.number);let n=new Map(t.map(({number:r},s)=>[r,t[s-1]?.number]));return e.map((r,s)=>n.get(s+1))}a(uE,"lockOrder");function dE(e){let n=e.flatMap(({last:r})=>r??[]).reduce((r,s)=>r&&r.seconds>=s.seconds?r:s,void 0);return n?e.map(({last:r,live:s})=>r?.id===n.id?r.sha256:s):e.map(()=>{})}a(dE,"previousDigests");var SD=8;async function pE(e,t,{unfinished:n,known:r}){let s=n.members.filter(i=>!r.includes(i));await eu(s,{limit:SD,stopped:a(()=>t.context.signal.aborted,"stopped")},async i=>{let o=ID(t.inputs,i),c=await li(e,o,void 0,{another:!1});if(c.unfinished?.release!==n.release||c.locked)return;let l={...t.context,log:Pn(t.context.log,o.name)};if(c.unfinished.kind!=="binary"){l.log.warning(`This ${c.unfinished.kind} is a part of the interrupted release; re-run that release.`);return}let u=au(o,c,{source:void 0,build:{workflow:"",number:0}}),d={...t,inputs:o,context:l,source:void 0};await Vo(e,Yo(d,c,u)).catch(Xo)})}a(pE,"recoverMembers");function ID(e,t){let n=t.lastIndexOf("/");return{...e,...fE,health:{...fE.health,timeoutSeconds:e.health.timeoutSeconds},destination:t,folder:t.slice(0,n)||"/",name:t.slice(n+1)}}a(ID,"inputsOf");var fE={source:void 0,owner:void 0,mode:void 0,capabilities:void 0,restart:"auto",service:void 0,stopCommand:void 0,startCommand:void 0,daemonReload:!1,stopSignal:"TERM",stopTimeoutSeconds:10,runAs:void 0,args:[],workingDirectory:void 0,environment:[],logFile:void 0,health:{url:void 0,status:"200-399",contains:void 0,headers:[],port:void 0,command:void 0,timeoutSeconds:60,stableSeconds:3},expectStrings:[]};async function hE(e){let t=e.filter(({found:r})=>r.unfinished&&!r.locked),n=e.map(({inputs:r})=>r.destination);await Promise.all(t.map(r=>Vo(r.host,Br(r)).catch(Xo)));for(let r of t){let{unfinished:s}=r.found;s&&await pE(r.host,r,{unfinished:s,known:n})}return t.length>0}a(hE,"recoverParts");var _E=require("node:crypto");async function mE(e,t){let[n]=e,r=n.inputs.hooks["before-command"]!==void 0,s=N_(e,{waits:r}),i=e.map((k,x)=>({...Br(k,s[x]),noDelta:t.get(x)})),{deploys:o,failure:c}=Bv(n.host,i),l=await Promise.allSettled(e.map((k,x)=>CD(k,o[x]))),u=l.map(k=>k.status==="rejected"?k.reason:void 0),d=u.find(k=>k&&!(k instanceof br||k instanceof er));if(d)throw d;let f=u.findIndex(k=>k instanceof er);if(f>=0)return{again:"delta",failed:f,why:u[f].message};if(u.some(k=>k instanceof br))return{again:"outdated"};let p=await c(),_=l.flatMap(k=>k.status==="fulfilled"?[Dv(k.value,p)]:[]),[$,...g]=_;return{outcomes:[_.every(({state:k})=>k==="active")?await Lv(n.host,o[0],$):$,...g]}}a(mE,"transact");function N_(e,{waits:t}){let[n]=e;if(!n||e.length===1&&!t)return[void 0];let r=(0,_E.randomUUID)(),s=e.map(({inputs:l})=>l.destination),i=e.map(({found:l,inputs:u},d)=>({index:d,path:`${l.folder?.path??u.folder}/${u.name}`})),o=uE(i),c=Math.ceil(e.reduce((l,u)=>l+cE(u),t?n.inputs.hooks["before-timeout-seconds"]:0));return e.map((l,u)=>({release:r,part:u+1,members:s,first:{folder:n.inputs.folder,name:n.inputs.name},lockAfter:o[u],waits:t,waitSeconds:c,reloads:void 0}))}a(N_,"memberships");async function CD(e,t){try{return await Px(e.host,t)}catch(n){if(n instanceof hn)return await lu(t,e);throw n}}a(CD,"runOne");async function gE(e){let t=N_(e,{waits:!1});return await Promise.all(e.map(async(n,r)=>{let s=Br(n,t[r]),i=n.book.begun()?.id;if(!i)return Rt({state:"unknown",failed:"revert-all",why:"its transaction is not known"});try{return await I_(n.host,s,i)}catch(o){if(o instanceof hn)return await lu(s,n);throw o}}))}a(gE,"revertParts");var O_=4,$E=8;async function wE(e,{parts:t,context:n,...r}){let s=Date.now(),i=a(()=>zc(e,n),"reconnect"),o=await PD(i,Math.ceil(t.length/$E)),c=a(async()=>{await Promise.all(o.map(l=>l[Symbol.asyncDispose]()))},"close");try{let[l]=o;n.log.phase("connect",l.target.name);let u=t.map(($,g)=>({...$,context:oE(n,$.part),host:o[Math.floor(g/$E)]??l,reconnect:i})),d=await TD(u,n,r);for(let{book:$,outcome:g}of d)await $.end(g.state);for(let{part:$,source:g,transfers:y,outcome:k}of d)g&&$.kind!=="folder"&&Mu(k.state)&&y.arrived(g,l.isNear());let f=d.filter(({outcome:$})=>$.state==="active"),p=ss(d.map(({outcome:$})=>$.state)),_=p==="active"?()=>gE(f):void 0;return{target:l.target.name,state:p,parts:d,durationMs:Date.now()-s,undo:_,close:c}}catch(l){throw await c(),l}}a(wE,"releaseTo");async function PD(e,t){let n=await Promise.allSettled(Array.from({length:t},e)),r=n.flatMap(i=>i.status==="fulfilled"?[i.value]:[]),s=n.find(i=>i.status==="rejected");if(!s)return r;for(let i of r)await i[Symbol.asyncDispose]();throw s.reason}a(PD,"openConnections");async function TD(e,{log:t},{dryRun:n,isRollback:r}){let[s,i]=[e,!r],o=new Map;for(let c=1;;c+=1){let l=RD(await Promise.all(s.map(aE)));if(fu(l,({found:$})=>$.otherKernel?[bv($.otherKernel)]:[]),!n&&c<O_&&await hE(l))continue;if(!i){s=ND(l),i=!0;continue}for(let{context:$,found:g,inputs:y,part:k}of l){let x=Rm(g,y.destination);for(let T of x)(k.kind==="binary"||T!=="  not running")&&$.log.line(T)}fu(l,({plan:$})=>$.obstacles);for(let{context:$,plan:g}of l)for(let y of Om(g))$.log.line(y);let u=l.filter(({plan:$})=>$.kind==="deploy");if(n&&t.line("dry-run is set: nothing was changed."),n||u.length===0)return l.map(yE);let[d]=u,f=await Rv(d.host,Br(d));if(f.length>0)throw Hu(d.host.target.name,bE(l),f);let p=l.length-u.length;t.line(`${u.length} of ${l.length} parts change together${p>0?"; the others stay as they are":""}.`);let _=await mE(u,o);if("outcomes"in _)return l.map($=>{let g=_.outcomes[u.indexOf($)];return g?{...$,outcome:g}:yE($)});fu(c<O_?[]:l.slice(0,1),({found:$})=>[wv($,O_)]),_.again==="delta"&&o.set(_.failed,"the first one failed"),t.line(_.again==="delta"?`The delta of ${u[_.failed]?.part.name} failed (${_.why}); sending that file whole instead.`:"Another deploy ran in the meantime; inspecting again.");for(let{book:$}of u)await $.end("untouched")}}a(TD,"carryOut");function ND(e){let t=dE(e.map(({found:n})=>({last:n.lastRelease,live:n.file?.sha256})));return fu(e,n=>t[e.indexOf(n)]?[]:[OD]),e.map((n,r)=>({...n,inputs:{...n.inputs,rollbackTo:t[r]}}))}a(ND,"withPrevious");var OD={why:"no version before the last release is known.",remedy:"release the version that you want from its source."};function RD(e){let t=e.map(({part:r})=>r),n=lE(t,e.map(({plan:r})=>r.kind==="deploy"));return e.map((r,s)=>{if(r.plan.kind!=="unchanged"||!n.includes(s))return r;let i=r.part.needs.filter(o=>n.includes(o)).map(o=>t[o]?.name);return Jo(r,`${i.join(" and ")} ${i.length>1?"change":"changes"}, which it needs`)})}a(RD,"withNeeded");function yE(e){return{...e,outcome:Rt({state:"unchanged",pid:e.found.processes[0]?.pid})}}a(yE,"asUnchanged");function bE(e){return e.map(({part:t})=>t.name).join(", ")}a(bE,"named");function fu(e,t){let n=e.flatMap(s=>t(s).map(({why:i,remedy:o})=>({why:`${s.part.name}: ${i}`,remedy:o}))),[r]=e;if(r&&n.length>0)throw Hu(r.host.target.name,bE(e),n)}a(fu,"refuse");var R_=["part","state","sha256","pid","downtime","sent","time"];async function kE(e,t,{dryRun:n,durationMs:r}){await t.outputs({...BD(e),"duration-ms":r}),n||await LD(e,t);let[s]=e;if(e.length===1&&s?.failure)throw s.failure;let i=e.filter(o=>pu(o)||!o.done&&!o.isSkipped);if(i.length>0)throw AE(e,i);if(e.every(({done:o})=>!o))throw AE(e,e)}a(kE,"reportRelease");function BD(e){let t=e.flatMap(({done:r})=>r?.parts??[]),n=e.filter(({isSkipped:r})=>!r);return{state:ss((n.length>0?n:e).map(UD)),changed:t.some(({outcome:r})=>Nm(r.state)),"downtime-ms":Math.max(0,...t.map(({outcome:r})=>r.downtimeMs??0)),"bytes-sent":t.reduce((r,{outcome:s})=>r+s.bytesSent,0),report:B_(e)}}a(BD,"outputsOf");function B_(e){return e.map(t=>{let{done:n}=t;return n?{target:n.target,state:n.state,durationMs:n.durationMs,parts:n.parts.map(r=>({part:r.part.name,kind:r.part.kind,...Bm(hu(r,n))}))}:{target:t.target,state:"untouched",why:L_(t),parts:[]}})}a(B_,"entriesOf");function pu({done:e,failure:t,isSkipped:n}){return t!==void 0&&!n||(e?.parts.some(({outcome:r})=>!ua(r))??!1)}a(pu,"isRed");function hu(e,{target:t,durationMs:n}){let{inputs:r,found:s,plan:i,outcome:o}=e;return{target:t,inputs:r,found:s,plan:i,outcome:o,durationMs:n}}a(hu,"toldOf");async function LD(e,t){let n=e.length>1,r=n?["target",...R_]:R_,s=e.flatMap(i=>{let{done:o}=i;return o?o.parts.map(c=>{let l=new Map(Lm(hu(c,o))),u=R_.map(d=>d==="part"?c.part.name:l.get(d)??"");return n?[i.target,...u]:u}):[[...n?[i.target]:[],"","untouched",L_(i)]]});for(let i of["",...DD([r,...s]),""])t.log.line(i);await t.summary({title:n?"Release to several targets":"Release",head:r,rows:s})}a(LD,"table");function DD(e){let t=(e[0]??[]).map((n,r)=>Math.max(...e.map(s=>s[r]?.length??0)));return e.map(n=>`  ${n.map((r,s)=>r.padEnd(t[s]??0)).join("  ")}`.trimEnd())}a(DD,"aligned");function L_({failure:e,skipped:t}){return e?.fields.why.split(`
`)[0]??`not started: ${t}`}a(L_,"whyNot");function UD({done:e}){return e?.state??"untouched"}a(UD,"stateOf");function AE(e,t){let n=e.length>1,r=t.flatMap(i=>FD(i).map(o=>({...o,target:i.target}))),s=a((i,o)=>n?`${i}: ${o}`:o,"named");return new gn({what:"The release",where:[...new Set(r.map(({target:i})=>i))].join(", "),why:r.map(({target:i,what:o,why:c})=>s(i,`${o}: ${c}`)).join(`
`)||"the step was cancelled.",state:e.flatMap(i=>MD(i).map(o=>s(i.target,o))).join(`
`),remedy:r[0]?.remedy??"re-run the job; targets that are already deployed are left as they are.",output:r[0]?.output})}a(AE,"failureOfAll");function FD({done:e,failure:t}){if(t)return[t.fields];if(!e)return[];let n=e.parts.filter(({outcome:s})=>!ua(s)&&s.failed!=="revert-all"),r=n.filter(({outcome:s})=>s.failed!=="release");return(r.length>0?r:n).map(s=>zu(hu(s,e)).fields)}a(FD,"causesOf");function MD(e){let{done:t}=e;return t?[`${t.state}.`,...t.parts.map(n=>{let r=ua(n.outcome)?`${n.outcome.state}.`:zu(hu(n,t)).fields.state??n.outcome.state;return`${n.part.name}: ${r}`})]:[`untouched, ${L_(e)}`]}a(MD,"statesOf");async function vE(e,t){let n=Date.now(),r=jD(await Kl({parts:e.parts,partsFile:e.partsFile}),e);zD(r,t);let s=await gk(e.reportFile,t.log),i=await $k(e.hosts,e.rollout);if(i.length===0)return t.log.line(`Shard ${e.rollout.shard} has no target: nothing to do.`),t.outputs({...la,state:"unchanged"});let o=nv(i.flatMap(l=>r.map((u,d)=>HD(l,d))),t),c=r.map(()=>tv({wanted:e.transfer,several:i.length>1},t));try{let l=e.isRollback?[]:await $v(r),u=await qD({inputs:e,context:t,hosts:i,parts:r,sources:l,pages:o,transfers:c});try{e.revertAll&&await WD(u)}finally{await Promise.all(u.map(d=>d.done?.close()))}await s(B_(u)),await kE(u,t,{dryRun:e.dryRun,durationMs:Date.now()-n})}finally{for(let l of c)await l[Symbol.asyncDispose]()}}a(vE,"release");function HD(e,t){return`${e}
${t}`}a(HD,"pageName");function zD(e,{log:t}){for(let{program:n}of e){for(let r of n.environment)t.maskValue(r.slice(r.indexOf("=")+1));for(let r of aa(n.health.headers))t.maskValue(r)}}a(zD,"maskSecrets");function jD(e,{isRollback:t}){let n=e.map(Qc),r=e.flatMap(({kind:s,line:i},o)=>n[o]?!t||s==="binary"?[]:[`Input 'rollback-to': parts of the kind ${s} (line ${i} of parts) can't be rolled back yet.`]:[`Input 'parts', line ${i}: parts of the kind ${s} can't be released yet.`]);if(r.length>0)throw new ut(r);return n.flatMap(s=>s??[])}a(jD,"supported");async function qD(e){let{inputs:t,context:n,hosts:r}=e,s=r.map(c=>({target:c,context:r.length>1?{...n,log:Pn(n.log,c)}:n})),i=t.rollout["pause-seconds"],o=await bk(r.length,{policy:kg(t.rollout,r.length),pauseSeconds:i,signal:n.signal,onPause:a(()=>n.log.line(`Waiting ${i} s before the next targets.`),"onPause")},c=>KD(s[c],c,e));for(let c of s)!c.done&&!c.failure&&(c.skipped=o??"the rollout ended");return s}a(qD,"releaseToAll");async function KD(e,t,n){let{inputs:r,hosts:s}=n,{log:i}=e.context,o=s[t];try{let c={...r.connection,host:o},l=QD(n,{host:o,index:t});return e.done=await wE(c,{parts:l,context:e.context,dryRun:r.dryRun,isRollback:r.isRollback}),e.target=e.done.target,(!r.revertAll||!e.done.undo)&&await e.done.close(),s.length>1&&i.line(`finished: ${e.done.state}`),pu(e)?"failed":"proved"}catch(c){if(!(c instanceof Ue||c instanceof gn))throw c;if(e.failure=Tm(c),e.isSkipped=r.rollout.unreachable==="skip"&&Kf(c),e.isSkipped)i.warning(`skipped, because it could not be reached: ${e.failure.fields.why}`);else if(s.length>1)for(let l of an(e.failure.message))i.line(l);return Kf(c)?"unreachable":"failed"}}a(KD,"releaseToOne");function QD({inputs:e,parts:t,sources:n,pages:r,transfers:s},{host:i,index:o}){let{user:c,port:l,container:u}=e.connection;return t.map((d,f)=>{let p=n[f],_=p?.source,$=[c,i,l,u,d.program.destination].join(" "),g=e.dryRun||!_||d.kind==="folder"?void 0:Promise.resolve(_);return{part:d,inputs:Ea(e,d.program),source:_,read:p,book:r[o*t.length+f],transfers:s[f].to($,g)}})}a(QD,"partsOf");async function WD(e){let t=e.find(pu);t&&await Promise.all(e.map(async({done:n,context:r})=>{n?.undo&&(r.log.line(`${t.target} failed and revert-all is set: restoring the previous release.`),await GD(n,t.target),r.log.line(`finished: ${n.state}`))}))}a(WD,"revertDone");async function GD(e,t){let n=await e.undo?.()??[],r=e.parts.filter(({outcome:s})=>s.state==="active");for(let[s,i]of r.entries()){let o=n[s];if(!o)continue;let c=o.state==="untouched"?"active":o.state;if(await i.book.end(c),c==="active")continue;let l=`${t} failed and revert-all is set${o.why?`; ${o.why}`:""}`,{downtimeMs:u,bytesSent:d}=i.outcome;i.outcome={...o,failed:"revert-all",why:l,downtimeMs:u,bytesSent:d}}e.state=ss(e.parts.map(({outcome:s})=>s.state))}a(GD,"revertOne");_m({schema:Cg,main:vE,outputs:la,post:_k});
