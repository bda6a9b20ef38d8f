"use strict";var Xg=Object.create;var Xi=Object.defineProperty;var Vg=Object.getOwnPropertyDescriptor;var Jg=Object.getOwnPropertyNames;var e0=Object.getPrototypeOf,t0=Object.prototype.hasOwnProperty;var hl=(e,t)=>(t=Symbol[e])?t:Symbol.for("Symbol."+e),pl=e=>{throw TypeError(e)};var a=(e,t)=>Xi(e,"name",{value:t,configurable:!0});var Fe=(e,t)=>()=>{try{return t||e((t={exports:{}}).exports,t),t.exports}catch(n){throw t=0,n}};var n0=(e,t,n,r)=>{if(t&&typeof t=="object"||typeof t=="function")for(let o of Jg(t))!t0.call(e,o)&&o!==n&&Xi(e,o,{get:()=>t[o],enumerable:!(r=Vg(t,o))||r.enumerable});return e};var ft=(e,t,n)=>(n=e!=null?Xg(e0(e)):{},n0(t||!e||!e.__esModule?Xi(n,"default",{value:e,enumerable:!0}):n,e));var _l=Uint8Array.fromBase64||(e=>new Uint8Array(Buffer.from(e,"base64")));var mr=(e,t,n)=>{if(t!=null){typeof t!="object"&&typeof t!="function"&&pl("Object expected");var r,o;n&&(r=t[hl("asyncDispose")]),r===void 0&&(r=t[hl("dispose")],n&&(o=r)),typeof r!="function"&&pl("Object not disposable"),o&&(r=function(){try{o.call(this)}catch(s){return Promise.reject(s)}}),e.push([n,r,t])}else n&&e.push([n]);return t},gr=(e,t,n)=>{var r=typeof SuppressedError=="function"?SuppressedError:function(i,c,u,l){return l=Error(u),l.name="SuppressedError",l.error=i,l.suppressed=c,l},o=i=>t=n?new r(i,t,"An error was suppressed during disposal"):(n=!0,i),s=i=>{for(;i=e.pop();)try{var c=i[1]&&i[1].call(i[2]);if(i[0])return Promise.resolve(c).then(s,u=>(o(u),s()))}catch(u){o(u)}if(n)throw t};return s()};var yl=Fe(wl=>{wl.HttpClient=class{}});var Al=Fe(bl=>{bl.BearerCredentialHandler=class{}});var Gf=Fe((m4,qf)=>{"use strict";var ln=a(e=>e!==null&&typeof e=="object"&&typeof e.pipe=="function","isStream");ln.writable=e=>ln(e)&&e.writable!==!1&&typeof e._write=="function"&&typeof e._writableState=="object";ln.readable=e=>ln(e)&&e.readable!==!1&&typeof e._read=="function"&&typeof e._readableState=="object";ln.duplex=e=>ln.writable(e)&&ln.readable(e);ln.transform=e=>ln.duplex(e)&&typeof e._transform=="function";qf.exports=ln});var Yf=Fe(()=>{});var Xf=Fe(()=>{});var Jf=Fe((A4,Vf)=>{Vf.exports=sy;function sy(e){var t=[];return e.forEach(function(n){/^[A-Za-z0-9_\/-]+$/.test(n)||(n="'"+n.replace(/'/g,"'\\''")+"'",n=n.replace(/^(?:'')+/g,"").replace(/\\'''/g,"\\'")),t.push(n)}),t.join(" ")}a(sy,"shellescape")});var Rs=Fe((E4,eh)=>{eh.exports={newInvalidAsn1Error:a(function(e){var t=new Error;return t.name="InvalidAsn1Error",t.message=e||"",t},"newInvalidAsn1Error")}});var Bs=Fe((v4,th)=>{th.exports={EOC:0,Boolean:1,Integer:2,BitString:3,OctetString:4,Null:5,OID:6,ObjectDescriptor:7,External:8,Real:9,Enumeration:10,PDV:11,Utf8String:12,RelativeOID:13,Sequence:16,Set:17,NumericString:18,PrintableString:19,T61String:20,VideotexString:21,IA5String:22,UTCTime:23,GeneralizedTime:24,GraphicString:25,VisibleString:26,GeneralString:28,UniversalString:29,CharacterString:30,BMPString:31,Constructor:32,Context:128}});var oc=Fe((S4,nh)=>{"use strict";var Ps=require("buffer"),Ir=Ps.Buffer,Kt={},jt;for(jt in Ps)Ps.hasOwnProperty(jt)&&(jt==="SlowBuffer"||jt==="Buffer"||(Kt[jt]=Ps[jt]));var Cr=Kt.Buffer={};for(jt in Ir)Ir.hasOwnProperty(jt)&&(jt==="allocUnsafe"||jt==="allocUnsafeSlow"||(Cr[jt]=Ir[jt]));Kt.Buffer.prototype=Ir.prototype;(!Cr.from||Cr.from===Uint8Array.from)&&(Cr.from=function(e,t,n){if(typeof e=="number")throw new TypeError('The "value" argument must not be of type number. Received type '+typeof e);if(e&&typeof e.length>"u")throw new TypeError("The first argument must be one of type string, Buffer, ArrayBuffer, Array, or Array-like Object. Received type "+typeof e);return Ir(e,t,n)});Cr.alloc||(Cr.alloc=function(e,t,n){if(typeof e!="number")throw new TypeError('The "size" argument must be of type number. Received type '+typeof e);if(e<0||e>=2*(1<<30))throw new RangeError('The value "'+e+'" is invalid for option "size"');var r=Ir(e);return!t||t.length===0?r.fill(0):typeof n=="string"?r.fill(t,n):r.fill(t),r});if(!Kt.kStringMaxLength)try{Kt.kStringMaxLength=process.binding("buffer").kStringMaxLength}catch{}Kt.constants||(Kt.constants={MAX_LENGTH:Kt.kMaxLength},Kt.kStringMaxLength&&(Kt.constants.MAX_STRING_LENGTH=Kt.kStringMaxLength));nh.exports=Kt});var sh=Fe((I4,oh)=>{var iy=require("assert"),rh=oc().Buffer,go=Bs(),ay=Rs(),Rr=ay.newInvalidAsn1Error;function Pt(e){if(!e||!rh.isBuffer(e))throw new TypeError("data must be a node Buffer");this._buf=e,this._size=e.length,this._len=0,this._offset=0}a(Pt,"Reader");Object.defineProperty(Pt.prototype,"length",{enumerable:!0,get:a(function(){return this._len},"get")});Object.defineProperty(Pt.prototype,"offset",{enumerable:!0,get:a(function(){return this._offset},"get")});Object.defineProperty(Pt.prototype,"remain",{get:a(function(){return this._size-this._offset},"get")});Object.defineProperty(Pt.prototype,"buffer",{get:a(function(){return this._buf.slice(this._offset)},"get")});Pt.prototype.readByte=function(e){if(this._size-this._offset<1)return null;var t=this._buf[this._offset]&255;return e||(this._offset+=1),t};Pt.prototype.peek=function(){return this.readByte(!0)};Pt.prototype.readLength=function(e){if(e===void 0&&(e=this._offset),e>=this._size)return null;var t=this._buf[e++]&255;if(t===null)return null;if((t&128)===128){if(t&=127,t===0)throw Rr("Indefinite length not supported");if(t>4)throw Rr("encoding too long");if(this._size-e<t)return null;this._len=0;for(var n=0;n<t;n++)this._len=(this._len<<8)+(this._buf[e++]&255)}else this._len=t;return e};Pt.prototype.readSequence=function(e){var t=this.peek();if(t===null)return null;if(e!==void 0&&e!==t)throw Rr("Expected 0x"+e.toString(16)+": got 0x"+t.toString(16));var n=this.readLength(this._offset+1);return n===null?null:(this._offset=n,t)};Pt.prototype.readInt=function(){return this._readTag(go.Integer)};Pt.prototype.readBoolean=function(){return this._readTag(go.Boolean)!==0};Pt.prototype.readEnumeration=function(){return this._readTag(go.Enumeration)};Pt.prototype.readString=function(e,t){e||(e=go.OctetString);var n=this.peek();if(n===null)return null;if(n!==e)throw Rr("Expected 0x"+e.toString(16)+": got 0x"+n.toString(16));var r=this.readLength(this._offset+1);if(r===null||this.length>this._size-r)return null;if(this._offset=r,this.length===0)return t?rh.alloc(0):"";var o=this._buf.slice(this._offset,this._offset+this.length);return this._offset+=this.length,t?o:o.toString("utf8")};Pt.prototype.readOID=function(e){e||(e=go.OID);var t=this.readString(e,!0);if(t===null)return null;for(var n=[],r=0,o=0;o<t.length;o++){var s=t[o]&255;r<<=7,r+=s&127,(s&128)===0&&(n.push(r),r=0)}return r=n.shift(),n.unshift(r%40),n.unshift(r/40>>0),n.join(".")};Pt.prototype._readTag=function(e){iy.ok(e!==void 0);var t=this.peek();if(t===null)return null;if(t!==e)throw Rr("Expected 0x"+e.toString(16)+": got 0x"+t.toString(16));var n=this.readLength(this._offset+1);if(n===null)return null;if(this.length>4)throw Rr("Integer too long: "+this.length);if(this.length>this._size-n)return null;this._offset=n;for(var r=this._buf[this._offset],o=0,s=0;s<this.length;s++)o<<=8,o|=this._buf[this._offset++]&255;return(r&128)===128&&s!==4&&(o-=1<<s*8),o>>0};oh.exports=Pt});var ah=Fe((R4,ih)=>{var Dn=require("assert"),Ts=oc().Buffer,Hn=Bs(),cy=Rs(),Ns=cy.newInvalidAsn1Error,uy={size:1024,growthFactor:8};function ly(e,t){Dn.ok(e),Dn.equal(typeof e,"object"),Dn.ok(t),Dn.equal(typeof t,"object");var n=Object.getOwnPropertyNames(e);return n.forEach(function(r){if(!t[r]){var o=Object.getOwnPropertyDescriptor(e,r);Object.defineProperty(t,r,o)}}),t}a(ly,"merge");function Ct(e){e=ly(uy,e||{}),this._buf=Ts.alloc(e.size||1024),this._size=this._buf.length,this._offset=0,this._options=e,this._seq=[]}a(Ct,"Writer");Object.defineProperty(Ct.prototype,"buffer",{get:a(function(){if(this._seq.length)throw Ns(this._seq.length+" unended sequence(s)");return this._buf.slice(0,this._offset)},"get")});Ct.prototype.writeByte=function(e){if(typeof e!="number")throw new TypeError("argument must be a Number");this._ensure(1),this._buf[this._offset++]=e};Ct.prototype.writeInt=function(e,t){if(typeof e!="number")throw new TypeError("argument must be a Number");typeof t!="number"&&(t=Hn.Integer);for(var n=4;((e&4286578688)===0||(e&4286578688)===-8388608)&&n>1;)n--,e<<=8;if(n>4)throw Ns("BER ints cannot be > 0xffffffff");for(this._ensure(2+n),this._buf[this._offset++]=t,this._buf[this._offset++]=n;n-- >0;)this._buf[this._offset++]=(e&4278190080)>>>24,e<<=8};Ct.prototype.writeNull=function(){this.writeByte(Hn.Null),this.writeByte(0)};Ct.prototype.writeEnumeration=function(e,t){if(typeof e!="number")throw new TypeError("argument must be a Number");return typeof t!="number"&&(t=Hn.Enumeration),this.writeInt(e,t)};Ct.prototype.writeBoolean=function(e,t){if(typeof e!="boolean")throw new TypeError("argument must be a Boolean");typeof t!="number"&&(t=Hn.Boolean),this._ensure(3),this._buf[this._offset++]=t,this._buf[this._offset++]=1,this._buf[this._offset++]=e?255:0};Ct.prototype.writeString=function(e,t){if(typeof e!="string")throw new TypeError("argument must be a string (was: "+typeof e+")");typeof t!="number"&&(t=Hn.OctetString);var n=Ts.byteLength(e);this.writeByte(t),this.writeLength(n),n&&(this._ensure(n),this._buf.write(e,this._offset),this._offset+=n)};Ct.prototype.writeBuffer=function(e,t){if(typeof t!="number")throw new TypeError("tag must be a number");if(!Ts.isBuffer(e))throw new TypeError("argument must be a buffer");this.writeByte(t),this.writeLength(e.length),this._ensure(e.length),e.copy(this._buf,this._offset,0,e.length),this._offset+=e.length};Ct.prototype.writeStringArray=function(e){if(!e instanceof Array)throw new TypeError("argument must be an Array[String]");var t=this;e.forEach(function(n){t.writeString(n)})};Ct.prototype.writeOID=function(e,t){if(typeof e!="string")throw new TypeError("argument must be a string");if(typeof t!="number"&&(t=Hn.OID),!/^([0-9]+\.){3,}[0-9]+$/.test(e))throw new Error("argument is not a valid OID string");function n(i,c){c<128?i.push(c):c<16384?(i.push(c>>>7|128),i.push(c&127)):c<2097152?(i.push(c>>>14|128),i.push((c>>>7|128)&255),i.push(c&127)):c<268435456?(i.push(c>>>21|128),i.push((c>>>14|128)&255),i.push((c>>>7|128)&255),i.push(c&127)):(i.push((c>>>28|128)&255),i.push((c>>>21|128)&255),i.push((c>>>14|128)&255),i.push((c>>>7|128)&255),i.push(c&127))}a(n,"encodeOctet");var r=e.split("."),o=[];o.push(parseInt(r[0],10)*40+parseInt(r[1],10)),r.slice(2).forEach(function(i){n(o,parseInt(i,10))});var s=this;this._ensure(2+o.length),this.writeByte(t),this.writeLength(o.length),o.forEach(function(i){s.writeByte(i)})};Ct.prototype.writeLength=function(e){if(typeof e!="number")throw new TypeError("argument must be a Number");if(this._ensure(4),e<=127)this._buf[this._offset++]=e;else if(e<=255)this._buf[this._offset++]=129,this._buf[this._offset++]=e;else if(e<=65535)this._buf[this._offset++]=130,this._buf[this._offset++]=e>>8,this._buf[this._offset++]=e;else if(e<=16777215)this._buf[this._offset++]=131,this._buf[this._offset++]=e>>16,this._buf[this._offset++]=e>>8,this._buf[this._offset++]=e;else throw Ns("Length too long (> 4 bytes)")};Ct.prototype.startSequence=function(e){typeof e!="number"&&(e=Hn.Sequence|Hn.Constructor),this.writeByte(e),this._seq.push(this._offset),this._ensure(3),this._offset+=3};Ct.prototype.endSequence=function(){var e=this._seq.pop(),t=e+3,n=this._offset-t;if(n<=127)this._shift(t,n,-2),this._buf[e]=n;else if(n<=255)this._shift(t,n,-1),this._buf[e]=129,this._buf[e+1]=n;else if(n<=65535)this._buf[e]=130,this._buf[e+1]=n>>8,this._buf[e+2]=n;else if(n<=16777215)this._shift(t,n,1),this._buf[e]=131,this._buf[e+1]=n>>16,this._buf[e+2]=n>>8,this._buf[e+3]=n;else throw Ns("Sequence too long")};Ct.prototype._shift=function(e,t,n){Dn.ok(e!==void 0),Dn.ok(t!==void 0),Dn.ok(n),this._buf.copy(this._buf,e+n,e,e+t),this._offset+=n};Ct.prototype._ensure=function(e){if(Dn.ok(e),this._size-this._offset<e){var t=this._size*this._options.growthFactor;t-this._offset<e&&(t+=e);var n=Ts.alloc(t);this._buf.copy(n,0,0,this._offset),this._buf=n,this._size=t}};ih.exports=Ct});var ch=Fe((P4,Us)=>{var sc=Rs(),ic=Bs(),dy=sh(),fy=ah();Us.exports={Reader:dy,Writer:fy};for(Os in ic)ic.hasOwnProperty(Os)&&(Us.exports[Os]=ic[Os]);var Os;for(Ls in sc)sc.hasOwnProperty(Ls)&&(Us.exports[Ls]=sc[Ls]);var Ls});var Ds=Fe((T4,uh)=>{var ac=ch();uh.exports={Ber:ac,BerReader:ac.Reader,BerWriter:ac.Writer}});var lh=Fe((N4,Hs)=>{(function(e){"use strict";var t=a(function(p){var $,g=new Float64Array(16);if(p)for($=0;$<p.length;$++)g[$]=p[$];return g},"gf"),n=a(function(){throw new Error("no PRNG")},"randombytes"),r=new Uint8Array(16),o=new Uint8Array(32);o[0]=9;var s=t(),i=t([1]),c=t([56129,1]),u=t([30883,4953,19914,30187,55467,16705,2637,112,59544,30585,16505,36039,65139,11119,27886,20995]),l=t([61785,9906,39828,60374,45398,33411,5274,224,53552,61171,33010,6542,64743,22239,55772,9222]),f=t([54554,36645,11616,51542,42930,38181,51040,26924,56412,64982,57905,49316,21502,52590,14035,8553]),h=t([26200,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214,26214]),_=t([41136,18958,6951,50414,58488,44335,6150,12099,55207,15867,153,11085,57099,20417,9344,11139]);function m(p,$,g,d){p[$]=g>>24&255,p[$+1]=g>>16&255,p[$+2]=g>>8&255,p[$+3]=g&255,p[$+4]=d>>24&255,p[$+5]=d>>16&255,p[$+6]=d>>8&255,p[$+7]=d&255}a(m,"ts64");function y(p,$,g,d,w){var v,I=0;for(v=0;v<w;v++)I|=p[$+v]^g[d+v];return(1&I-1>>>8)-1}a(y,"vn");function b(p,$,g,d){return y(p,$,g,d,16)}a(b,"crypto_verify_16");function A(p,$,g,d){return y(p,$,g,d,32)}a(A,"crypto_verify_32");function E(p,$,g,d){for(var w=d[0]&255|(d[1]&255)<<8|(d[2]&255)<<16|(d[3]&255)<<24,v=g[0]&255|(g[1]&255)<<8|(g[2]&255)<<16|(g[3]&255)<<24,I=g[4]&255|(g[5]&255)<<8|(g[6]&255)<<16|(g[7]&255)<<24,H=g[8]&255|(g[9]&255)<<8|(g[10]&255)<<16|(g[11]&255)<<24,Z=g[12]&255|(g[13]&255)<<8|(g[14]&255)<<16|(g[15]&255)<<24,se=d[4]&255|(d[5]&255)<<8|(d[6]&255)<<16|(d[7]&255)<<24,J=$[0]&255|($[1]&255)<<8|($[2]&255)<<16|($[3]&255)<<24,Ke=$[4]&255|($[5]&255)<<8|($[6]&255)<<16|($[7]&255)<<24,ne=$[8]&255|($[9]&255)<<8|($[10]&255)<<16|($[11]&255)<<24,ke=$[12]&255|($[13]&255)<<8|($[14]&255)<<16|($[15]&255)<<24,ve=d[8]&255|(d[9]&255)<<8|(d[10]&255)<<16|(d[11]&255)<<24,Be=g[16]&255|(g[17]&255)<<8|(g[18]&255)<<16|(g[19]&255)<<24,Re=g[20]&255|(g[21]&255)<<8|(g[22]&255)<<16|(g[23]&255)<<24,Se=g[24]&255|(g[25]&255)<<8|(g[26]&255)<<16|(g[27]&255)<<24,Ce=g[28]&255|(g[29]&255)<<8|(g[30]&255)<<16|(g[31]&255)<<24,Ie=d[12]&255|(d[13]&255)<<8|(d[14]&255)<<16|(d[15]&255)<<24,ie=w,he=v,ee=I,ae=H,le=Z,V=se,B=J,P=Ke,Q=ne,D=ke,F=ve,K=Be,ye=Re,Pe=Se,Ne=Ce,Te=Ie,x,Le=0;Le<20;Le+=2)x=ie+ye|0,le^=x<<7|x>>>25,x=le+ie|0,Q^=x<<9|x>>>23,x=Q+le|0,ye^=x<<13|x>>>19,x=ye+Q|0,ie^=x<<18|x>>>14,x=V+he|0,D^=x<<7|x>>>25,x=D+V|0,Pe^=x<<9|x>>>23,x=Pe+D|0,he^=x<<13|x>>>19,x=he+Pe|0,V^=x<<18|x>>>14,x=F+B|0,Ne^=x<<7|x>>>25,x=Ne+F|0,ee^=x<<9|x>>>23,x=ee+Ne|0,B^=x<<13|x>>>19,x=B+ee|0,F^=x<<18|x>>>14,x=Te+K|0,ae^=x<<7|x>>>25,x=ae+Te|0,P^=x<<9|x>>>23,x=P+ae|0,K^=x<<13|x>>>19,x=K+P|0,Te^=x<<18|x>>>14,x=ie+ae|0,he^=x<<7|x>>>25,x=he+ie|0,ee^=x<<9|x>>>23,x=ee+he|0,ae^=x<<13|x>>>19,x=ae+ee|0,ie^=x<<18|x>>>14,x=V+le|0,B^=x<<7|x>>>25,x=B+V|0,P^=x<<9|x>>>23,x=P+B|0,le^=x<<13|x>>>19,x=le+P|0,V^=x<<18|x>>>14,x=F+D|0,K^=x<<7|x>>>25,x=K+F|0,Q^=x<<9|x>>>23,x=Q+K|0,D^=x<<13|x>>>19,x=D+Q|0,F^=x<<18|x>>>14,x=Te+Ne|0,ye^=x<<7|x>>>25,x=ye+Te|0,Pe^=x<<9|x>>>23,x=Pe+ye|0,Ne^=x<<13|x>>>19,x=Ne+Pe|0,Te^=x<<18|x>>>14;ie=ie+w|0,he=he+v|0,ee=ee+I|0,ae=ae+H|0,le=le+Z|0,V=V+se|0,B=B+J|0,P=P+Ke|0,Q=Q+ne|0,D=D+ke|0,F=F+ve|0,K=K+Be|0,ye=ye+Re|0,Pe=Pe+Se|0,Ne=Ne+Ce|0,Te=Te+Ie|0,p[0]=ie>>>0&255,p[1]=ie>>>8&255,p[2]=ie>>>16&255,p[3]=ie>>>24&255,p[4]=he>>>0&255,p[5]=he>>>8&255,p[6]=he>>>16&255,p[7]=he>>>24&255,p[8]=ee>>>0&255,p[9]=ee>>>8&255,p[10]=ee>>>16&255,p[11]=ee>>>24&255,p[12]=ae>>>0&255,p[13]=ae>>>8&255,p[14]=ae>>>16&255,p[15]=ae>>>24&255,p[16]=le>>>0&255,p[17]=le>>>8&255,p[18]=le>>>16&255,p[19]=le>>>24&255,p[20]=V>>>0&255,p[21]=V>>>8&255,p[22]=V>>>16&255,p[23]=V>>>24&255,p[24]=B>>>0&255,p[25]=B>>>8&255,p[26]=B>>>16&255,p[27]=B>>>24&255,p[28]=P>>>0&255,p[29]=P>>>8&255,p[30]=P>>>16&255,p[31]=P>>>24&255,p[32]=Q>>>0&255,p[33]=Q>>>8&255,p[34]=Q>>>16&255,p[35]=Q>>>24&255,p[36]=D>>>0&255,p[37]=D>>>8&255,p[38]=D>>>16&255,p[39]=D>>>24&255,p[40]=F>>>0&255,p[41]=F>>>8&255,p[42]=F>>>16&255,p[43]=F>>>24&255,p[44]=K>>>0&255,p[45]=K>>>8&255,p[46]=K>>>16&255,p[47]=K>>>24&255,p[48]=ye>>>0&255,p[49]=ye>>>8&255,p[50]=ye>>>16&255,p[51]=ye>>>24&255,p[52]=Pe>>>0&255,p[53]=Pe>>>8&255,p[54]=Pe>>>16&255,p[55]=Pe>>>24&255,p[56]=Ne>>>0&255,p[57]=Ne>>>8&255,p[58]=Ne>>>16&255,p[59]=Ne>>>24&255,p[60]=Te>>>0&255,p[61]=Te>>>8&255,p[62]=Te>>>16&255,p[63]=Te>>>24&255}a(E,"core_salsa20");function C(p,$,g,d){for(var w=d[0]&255|(d[1]&255)<<8|(d[2]&255)<<16|(d[3]&255)<<24,v=g[0]&255|(g[1]&255)<<8|(g[2]&255)<<16|(g[3]&255)<<24,I=g[4]&255|(g[5]&255)<<8|(g[6]&255)<<16|(g[7]&255)<<24,H=g[8]&255|(g[9]&255)<<8|(g[10]&255)<<16|(g[11]&255)<<24,Z=g[12]&255|(g[13]&255)<<8|(g[14]&255)<<16|(g[15]&255)<<24,se=d[4]&255|(d[5]&255)<<8|(d[6]&255)<<16|(d[7]&255)<<24,J=$[0]&255|($[1]&255)<<8|($[2]&255)<<16|($[3]&255)<<24,Ke=$[4]&255|($[5]&255)<<8|($[6]&255)<<16|($[7]&255)<<24,ne=$[8]&255|($[9]&255)<<8|($[10]&255)<<16|($[11]&255)<<24,ke=$[12]&255|($[13]&255)<<8|($[14]&255)<<16|($[15]&255)<<24,ve=d[8]&255|(d[9]&255)<<8|(d[10]&255)<<16|(d[11]&255)<<24,Be=g[16]&255|(g[17]&255)<<8|(g[18]&255)<<16|(g[19]&255)<<24,Re=g[20]&255|(g[21]&255)<<8|(g[22]&255)<<16|(g[23]&255)<<24,Se=g[24]&255|(g[25]&255)<<8|(g[26]&255)<<16|(g[27]&255)<<24,Ce=g[28]&255|(g[29]&255)<<8|(g[30]&255)<<16|(g[31]&255)<<24,Ie=d[12]&255|(d[13]&255)<<8|(d[14]&255)<<16|(d[15]&255)<<24,ie=w,he=v,ee=I,ae=H,le=Z,V=se,B=J,P=Ke,Q=ne,D=ke,F=ve,K=Be,ye=Re,Pe=Se,Ne=Ce,Te=Ie,x,Le=0;Le<20;Le+=2)x=ie+ye|0,le^=x<<7|x>>>25,x=le+ie|0,Q^=x<<9|x>>>23,x=Q+le|0,ye^=x<<13|x>>>19,x=ye+Q|0,ie^=x<<18|x>>>14,x=V+he|0,D^=x<<7|x>>>25,x=D+V|0,Pe^=x<<9|x>>>23,x=Pe+D|0,he^=x<<13|x>>>19,x=he+Pe|0,V^=x<<18|x>>>14,x=F+B|0,Ne^=x<<7|x>>>25,x=Ne+F|0,ee^=x<<9|x>>>23,x=ee+Ne|0,B^=x<<13|x>>>19,x=B+ee|0,F^=x<<18|x>>>14,x=Te+K|0,ae^=x<<7|x>>>25,x=ae+Te|0,P^=x<<9|x>>>23,x=P+ae|0,K^=x<<13|x>>>19,x=K+P|0,Te^=x<<18|x>>>14,x=ie+ae|0,he^=x<<7|x>>>25,x=he+ie|0,ee^=x<<9|x>>>23,x=ee+he|0,ae^=x<<13|x>>>19,x=ae+ee|0,ie^=x<<18|x>>>14,x=V+le|0,B^=x<<7|x>>>25,x=B+V|0,P^=x<<9|x>>>23,x=P+B|0,le^=x<<13|x>>>19,x=le+P|0,V^=x<<18|x>>>14,x=F+D|0,K^=x<<7|x>>>25,x=K+F|0,Q^=x<<9|x>>>23,x=Q+K|0,D^=x<<13|x>>>19,x=D+Q|0,F^=x<<18|x>>>14,x=Te+Ne|0,ye^=x<<7|x>>>25,x=ye+Te|0,Pe^=x<<9|x>>>23,x=Pe+ye|0,Ne^=x<<13|x>>>19,x=Ne+Pe|0,Te^=x<<18|x>>>14;p[0]=ie>>>0&255,p[1]=ie>>>8&255,p[2]=ie>>>16&255,p[3]=ie>>>24&255,p[4]=V>>>0&255,p[5]=V>>>8&255,p[6]=V>>>16&255,p[7]=V>>>24&255,p[8]=F>>>0&255,p[9]=F>>>8&255,p[10]=F>>>16&255,p[11]=F>>>24&255,p[12]=Te>>>0&255,p[13]=Te>>>8&255,p[14]=Te>>>16&255,p[15]=Te>>>24&255,p[16]=B>>>0&255,p[17]=B>>>8&255,p[18]=B>>>16&255,p[19]=B>>>24&255,p[20]=P>>>0&255,p[21]=P>>>8&255,p[22]=P>>>16&255,p[23]=P>>>24&255,p[24]=Q>>>0&255,p[25]=Q>>>8&255,p[26]=Q>>>16&255,p[27]=Q>>>24&255,p[28]=D>>>0&255,p[29]=D>>>8&255,p[30]=D>>>16&255,p[31]=D>>>24&255}a(C,"core_hsalsa20");function L(p,$,g,d){E(p,$,g,d)}a(L,"crypto_core_salsa20");function T(p,$,g,d){C(p,$,g,d)}a(T,"crypto_core_hsalsa20");var q=new Uint8Array([101,120,112,97,110,100,32,51,50,45,98,121,116,101,32,107]);function re(p,$,g,d,w,v,I){var H=new Uint8Array(16),Z=new Uint8Array(64),se,J;for(J=0;J<16;J++)H[J]=0;for(J=0;J<8;J++)H[J]=v[J];for(;w>=64;){for(L(Z,H,I,q),J=0;J<64;J++)p[$+J]=g[d+J]^Z[J];for(se=1,J=8;J<16;J++)se=se+(H[J]&255)|0,H[J]=se&255,se>>>=8;w-=64,$+=64,d+=64}if(w>0)for(L(Z,H,I,q),J=0;J<w;J++)p[$+J]=g[d+J]^Z[J];return 0}a(re,"crypto_stream_salsa20_xor");function xe(p,$,g,d,w){var v=new Uint8Array(16),I=new Uint8Array(64),H,Z;for(Z=0;Z<16;Z++)v[Z]=0;for(Z=0;Z<8;Z++)v[Z]=d[Z];for(;g>=64;){for(L(I,v,w,q),Z=0;Z<64;Z++)p[$+Z]=I[Z];for(H=1,Z=8;Z<16;Z++)H=H+(v[Z]&255)|0,v[Z]=H&255,H>>>=8;g-=64,$+=64}if(g>0)for(L(I,v,w,q),Z=0;Z<g;Z++)p[$+Z]=I[Z];return 0}a(xe,"crypto_stream_salsa20");function M(p,$,g,d,w){var v=new Uint8Array(32);T(v,d,w,q);for(var I=new Uint8Array(8),H=0;H<8;H++)I[H]=d[H+16];return xe(p,$,g,I,v)}a(M,"crypto_stream");function G(p,$,g,d,w,v,I){var H=new Uint8Array(32);T(H,v,I,q);for(var Z=new Uint8Array(8),se=0;se<8;se++)Z[se]=v[se+16];return re(p,$,g,d,w,Z,H)}a(G,"crypto_stream_xor");var j=a(function(p){this.buffer=new Uint8Array(16),this.r=new Uint16Array(10),this.h=new Uint16Array(10),this.pad=new Uint16Array(8),this.leftover=0,this.fin=0;var $,g,d,w,v,I,H,Z;$=p[0]&255|(p[1]&255)<<8,this.r[0]=$&8191,g=p[2]&255|(p[3]&255)<<8,this.r[1]=($>>>13|g<<3)&8191,d=p[4]&255|(p[5]&255)<<8,this.r[2]=(g>>>10|d<<6)&7939,w=p[6]&255|(p[7]&255)<<8,this.r[3]=(d>>>7|w<<9)&8191,v=p[8]&255|(p[9]&255)<<8,this.r[4]=(w>>>4|v<<12)&255,this.r[5]=v>>>1&8190,I=p[10]&255|(p[11]&255)<<8,this.r[6]=(v>>>14|I<<2)&8191,H=p[12]&255|(p[13]&255)<<8,this.r[7]=(I>>>11|H<<5)&8065,Z=p[14]&255|(p[15]&255)<<8,this.r[8]=(H>>>8|Z<<8)&8191,this.r[9]=Z>>>5&127,this.pad[0]=p[16]&255|(p[17]&255)<<8,this.pad[1]=p[18]&255|(p[19]&255)<<8,this.pad[2]=p[20]&255|(p[21]&255)<<8,this.pad[3]=p[22]&255|(p[23]&255)<<8,this.pad[4]=p[24]&255|(p[25]&255)<<8,this.pad[5]=p[26]&255|(p[27]&255)<<8,this.pad[6]=p[28]&255|(p[29]&255)<<8,this.pad[7]=p[30]&255|(p[31]&255)<<8},"poly1305");j.prototype.blocks=function(p,$,g){for(var d=this.fin?0:2048,w,v,I,H,Z,se,J,Ke,ne,ke,ve,Be,Re,Se,Ce,Ie,ie,he,ee,ae=this.h[0],le=this.h[1],V=this.h[2],B=this.h[3],P=this.h[4],Q=this.h[5],D=this.h[6],F=this.h[7],K=this.h[8],ye=this.h[9],Pe=this.r[0],Ne=this.r[1],Te=this.r[2],x=this.r[3],Le=this.r[4],je=this.r[5],We=this.r[6],Oe=this.r[7],ze=this.r[8],Qe=this.r[9];g>=16;)w=p[$+0]&255|(p[$+1]&255)<<8,ae+=w&8191,v=p[$+2]&255|(p[$+3]&255)<<8,le+=(w>>>13|v<<3)&8191,I=p[$+4]&255|(p[$+5]&255)<<8,V+=(v>>>10|I<<6)&8191,H=p[$+6]&255|(p[$+7]&255)<<8,B+=(I>>>7|H<<9)&8191,Z=p[$+8]&255|(p[$+9]&255)<<8,P+=(H>>>4|Z<<12)&8191,Q+=Z>>>1&8191,se=p[$+10]&255|(p[$+11]&255)<<8,D+=(Z>>>14|se<<2)&8191,J=p[$+12]&255|(p[$+13]&255)<<8,F+=(se>>>11|J<<5)&8191,Ke=p[$+14]&255|(p[$+15]&255)<<8,K+=(J>>>8|Ke<<8)&8191,ye+=Ke>>>5|d,ne=0,ke=ne,ke+=ae*Pe,ke+=le*(5*Qe),ke+=V*(5*ze),ke+=B*(5*Oe),ke+=P*(5*We),ne=ke>>>13,ke&=8191,ke+=Q*(5*je),ke+=D*(5*Le),ke+=F*(5*x),ke+=K*(5*Te),ke+=ye*(5*Ne),ne+=ke>>>13,ke&=8191,ve=ne,ve+=ae*Ne,ve+=le*Pe,ve+=V*(5*Qe),ve+=B*(5*ze),ve+=P*(5*Oe),ne=ve>>>13,ve&=8191,ve+=Q*(5*We),ve+=D*(5*je),ve+=F*(5*Le),ve+=K*(5*x),ve+=ye*(5*Te),ne+=ve>>>13,ve&=8191,Be=ne,Be+=ae*Te,Be+=le*Ne,Be+=V*Pe,Be+=B*(5*Qe),Be+=P*(5*ze),ne=Be>>>13,Be&=8191,Be+=Q*(5*Oe),Be+=D*(5*We),Be+=F*(5*je),Be+=K*(5*Le),Be+=ye*(5*x),ne+=Be>>>13,Be&=8191,Re=ne,Re+=ae*x,Re+=le*Te,Re+=V*Ne,Re+=B*Pe,Re+=P*(5*Qe),ne=Re>>>13,Re&=8191,Re+=Q*(5*ze),Re+=D*(5*Oe),Re+=F*(5*We),Re+=K*(5*je),Re+=ye*(5*Le),ne+=Re>>>13,Re&=8191,Se=ne,Se+=ae*Le,Se+=le*x,Se+=V*Te,Se+=B*Ne,Se+=P*Pe,ne=Se>>>13,Se&=8191,Se+=Q*(5*Qe),Se+=D*(5*ze),Se+=F*(5*Oe),Se+=K*(5*We),Se+=ye*(5*je),ne+=Se>>>13,Se&=8191,Ce=ne,Ce+=ae*je,Ce+=le*Le,Ce+=V*x,Ce+=B*Te,Ce+=P*Ne,ne=Ce>>>13,Ce&=8191,Ce+=Q*Pe,Ce+=D*(5*Qe),Ce+=F*(5*ze),Ce+=K*(5*Oe),Ce+=ye*(5*We),ne+=Ce>>>13,Ce&=8191,Ie=ne,Ie+=ae*We,Ie+=le*je,Ie+=V*Le,Ie+=B*x,Ie+=P*Te,ne=Ie>>>13,Ie&=8191,Ie+=Q*Ne,Ie+=D*Pe,Ie+=F*(5*Qe),Ie+=K*(5*ze),Ie+=ye*(5*Oe),ne+=Ie>>>13,Ie&=8191,ie=ne,ie+=ae*Oe,ie+=le*We,ie+=V*je,ie+=B*Le,ie+=P*x,ne=ie>>>13,ie&=8191,ie+=Q*Te,ie+=D*Ne,ie+=F*Pe,ie+=K*(5*Qe),ie+=ye*(5*ze),ne+=ie>>>13,ie&=8191,he=ne,he+=ae*ze,he+=le*Oe,he+=V*We,he+=B*je,he+=P*Le,ne=he>>>13,he&=8191,he+=Q*x,he+=D*Te,he+=F*Ne,he+=K*Pe,he+=ye*(5*Qe),ne+=he>>>13,he&=8191,ee=ne,ee+=ae*Qe,ee+=le*ze,ee+=V*Oe,ee+=B*We,ee+=P*je,ne=ee>>>13,ee&=8191,ee+=Q*Le,ee+=D*x,ee+=F*Te,ee+=K*Ne,ee+=ye*Pe,ne+=ee>>>13,ee&=8191,ne=(ne<<2)+ne|0,ne=ne+ke|0,ke=ne&8191,ne=ne>>>13,ve+=ne,ae=ke,le=ve,V=Be,B=Re,P=Se,Q=Ce,D=Ie,F=ie,K=he,ye=ee,$+=16,g-=16;this.h[0]=ae,this.h[1]=le,this.h[2]=V,this.h[3]=B,this.h[4]=P,this.h[5]=Q,this.h[6]=D,this.h[7]=F,this.h[8]=K,this.h[9]=ye},j.prototype.finish=function(p,$){var g=new Uint16Array(10),d,w,v,I;if(this.leftover){for(I=this.leftover,this.buffer[I++]=1;I<16;I++)this.buffer[I]=0;this.fin=1,this.blocks(this.buffer,0,16)}for(d=this.h[1]>>>13,this.h[1]&=8191,I=2;I<10;I++)this.h[I]+=d,d=this.h[I]>>>13,this.h[I]&=8191;for(this.h[0]+=d*5,d=this.h[0]>>>13,this.h[0]&=8191,this.h[1]+=d,d=this.h[1]>>>13,this.h[1]&=8191,this.h[2]+=d,g[0]=this.h[0]+5,d=g[0]>>>13,g[0]&=8191,I=1;I<10;I++)g[I]=this.h[I]+d,d=g[I]>>>13,g[I]&=8191;for(g[9]-=8192,w=(d^1)-1,I=0;I<10;I++)g[I]&=w;for(w=~w,I=0;I<10;I++)this.h[I]=this.h[I]&w|g[I];for(this.h[0]=(this.h[0]|this.h[1]<<13)&65535,this.h[1]=(this.h[1]>>>3|this.h[2]<<10)&65535,this.h[2]=(this.h[2]>>>6|this.h[3]<<7)&65535,this.h[3]=(this.h[3]>>>9|this.h[4]<<4)&65535,this.h[4]=(this.h[4]>>>12|this.h[5]<<1|this.h[6]<<14)&65535,this.h[5]=(this.h[6]>>>2|this.h[7]<<11)&65535,this.h[6]=(this.h[7]>>>5|this.h[8]<<8)&65535,this.h[7]=(this.h[8]>>>8|this.h[9]<<5)&65535,v=this.h[0]+this.pad[0],this.h[0]=v&65535,I=1;I<8;I++)v=(this.h[I]+this.pad[I]|0)+(v>>>16)|0,this.h[I]=v&65535;p[$+0]=this.h[0]>>>0&255,p[$+1]=this.h[0]>>>8&255,p[$+2]=this.h[1]>>>0&255,p[$+3]=this.h[1]>>>8&255,p[$+4]=this.h[2]>>>0&255,p[$+5]=this.h[2]>>>8&255,p[$+6]=this.h[3]>>>0&255,p[$+7]=this.h[3]>>>8&255,p[$+8]=this.h[4]>>>0&255,p[$+9]=this.h[4]>>>8&255,p[$+10]=this.h[5]>>>0&255,p[$+11]=this.h[5]>>>8&255,p[$+12]=this.h[6]>>>0&255,p[$+13]=this.h[6]>>>8&255,p[$+14]=this.h[7]>>>0&255,p[$+15]=this.h[7]>>>8&255},j.prototype.update=function(p,$,g){var d,w;if(this.leftover){for(w=16-this.leftover,w>g&&(w=g),d=0;d<w;d++)this.buffer[this.leftover+d]=p[$+d];if(g-=w,$+=w,this.leftover+=w,this.leftover<16)return;this.blocks(this.buffer,0,16),this.leftover=0}if(g>=16&&(w=g-g%16,this.blocks(p,$,w),$+=w,g-=w),g){for(d=0;d<g;d++)this.buffer[this.leftover+d]=p[$+d];this.leftover+=g}};function W(p,$,g,d,w,v){var I=new j(v);return I.update(g,d,w),I.finish(p,$),0}a(W,"crypto_onetimeauth");function te(p,$,g,d,w,v){var I=new Uint8Array(16);return W(I,0,g,d,w,v),b(p,$,I,0)}a(te,"crypto_onetimeauth_verify");function _e(p,$,g,d,w){var v;if(g<32)return-1;for(G(p,0,$,0,g,d,w),W(p,16,p,32,g-32,p),v=0;v<16;v++)p[v]=0;return 0}a(_e,"crypto_secretbox");function Y(p,$,g,d,w){var v,I=new Uint8Array(32);if(g<32||(M(I,0,32,d,w),te($,16,$,32,g-32,I)!==0))return-1;for(G(p,0,$,0,g,d,w),v=0;v<32;v++)p[v]=0;return 0}a(Y,"crypto_secretbox_open");function oe(p,$){var g;for(g=0;g<16;g++)p[g]=$[g]|0}a(oe,"set25519");function fe(p){var $,g,d=1;for($=0;$<16;$++)g=p[$]+d+65535,d=Math.floor(g/65536),p[$]=g-d*65536;p[0]+=d-1+37*(d-1)}a(fe,"car25519");function $e(p,$,g){for(var d,w=~(g-1),v=0;v<16;v++)d=w&(p[v]^$[v]),p[v]^=d,$[v]^=d}a($e,"sel25519");function R(p,$){var g,d,w,v=t(),I=t();for(g=0;g<16;g++)I[g]=$[g];for(fe(I),fe(I),fe(I),d=0;d<2;d++){for(v[0]=I[0]-65517,g=1;g<15;g++)v[g]=I[g]-65535-(v[g-1]>>16&1),v[g-1]&=65535;v[15]=I[15]-32767-(v[14]>>16&1),w=v[15]>>16&1,v[14]&=65535,$e(I,v,1-w)}for(g=0;g<16;g++)p[2*g]=I[g]&255,p[2*g+1]=I[g]>>8}a(R,"pack25519");function O(p,$){var g=new Uint8Array(32),d=new Uint8Array(32);return R(g,p),R(d,$),A(g,0,d,0)}a(O,"neq25519");function N(p){var $=new Uint8Array(32);return R($,p),$[0]&1}a(N,"par25519");function z(p,$){var g;for(g=0;g<16;g++)p[g]=$[2*g]+($[2*g+1]<<8);p[15]&=32767}a(z,"unpack25519");function ce(p,$,g){for(var d=0;d<16;d++)p[d]=$[d]+g[d]}a(ce,"A");function de(p,$,g){for(var d=0;d<16;d++)p[d]=$[d]-g[d]}a(de,"Z");function ue(p,$,g){var d,w,v=0,I=0,H=0,Z=0,se=0,J=0,Ke=0,ne=0,ke=0,ve=0,Be=0,Re=0,Se=0,Ce=0,Ie=0,ie=0,he=0,ee=0,ae=0,le=0,V=0,B=0,P=0,Q=0,D=0,F=0,K=0,ye=0,Pe=0,Ne=0,Te=0,x=g[0],Le=g[1],je=g[2],We=g[3],Oe=g[4],ze=g[5],Qe=g[6],dt=g[7],qe=g[8],ct=g[9],ut=g[10],lt=g[11],$t=g[12],kt=g[13],vt=g[14],St=g[15];d=$[0],v+=d*x,I+=d*Le,H+=d*je,Z+=d*We,se+=d*Oe,J+=d*ze,Ke+=d*Qe,ne+=d*dt,ke+=d*qe,ve+=d*ct,Be+=d*ut,Re+=d*lt,Se+=d*$t,Ce+=d*kt,Ie+=d*vt,ie+=d*St,d=$[1],I+=d*x,H+=d*Le,Z+=d*je,se+=d*We,J+=d*Oe,Ke+=d*ze,ne+=d*Qe,ke+=d*dt,ve+=d*qe,Be+=d*ct,Re+=d*ut,Se+=d*lt,Ce+=d*$t,Ie+=d*kt,ie+=d*vt,he+=d*St,d=$[2],H+=d*x,Z+=d*Le,se+=d*je,J+=d*We,Ke+=d*Oe,ne+=d*ze,ke+=d*Qe,ve+=d*dt,Be+=d*qe,Re+=d*ct,Se+=d*ut,Ce+=d*lt,Ie+=d*$t,ie+=d*kt,he+=d*vt,ee+=d*St,d=$[3],Z+=d*x,se+=d*Le,J+=d*je,Ke+=d*We,ne+=d*Oe,ke+=d*ze,ve+=d*Qe,Be+=d*dt,Re+=d*qe,Se+=d*ct,Ce+=d*ut,Ie+=d*lt,ie+=d*$t,he+=d*kt,ee+=d*vt,ae+=d*St,d=$[4],se+=d*x,J+=d*Le,Ke+=d*je,ne+=d*We,ke+=d*Oe,ve+=d*ze,Be+=d*Qe,Re+=d*dt,Se+=d*qe,Ce+=d*ct,Ie+=d*ut,ie+=d*lt,he+=d*$t,ee+=d*kt,ae+=d*vt,le+=d*St,d=$[5],J+=d*x,Ke+=d*Le,ne+=d*je,ke+=d*We,ve+=d*Oe,Be+=d*ze,Re+=d*Qe,Se+=d*dt,Ce+=d*qe,Ie+=d*ct,ie+=d*ut,he+=d*lt,ee+=d*$t,ae+=d*kt,le+=d*vt,V+=d*St,d=$[6],Ke+=d*x,ne+=d*Le,ke+=d*je,ve+=d*We,Be+=d*Oe,Re+=d*ze,Se+=d*Qe,Ce+=d*dt,Ie+=d*qe,ie+=d*ct,he+=d*ut,ee+=d*lt,ae+=d*$t,le+=d*kt,V+=d*vt,B+=d*St,d=$[7],ne+=d*x,ke+=d*Le,ve+=d*je,Be+=d*We,Re+=d*Oe,Se+=d*ze,Ce+=d*Qe,Ie+=d*dt,ie+=d*qe,he+=d*ct,ee+=d*ut,ae+=d*lt,le+=d*$t,V+=d*kt,B+=d*vt,P+=d*St,d=$[8],ke+=d*x,ve+=d*Le,Be+=d*je,Re+=d*We,Se+=d*Oe,Ce+=d*ze,Ie+=d*Qe,ie+=d*dt,he+=d*qe,ee+=d*ct,ae+=d*ut,le+=d*lt,V+=d*$t,B+=d*kt,P+=d*vt,Q+=d*St,d=$[9],ve+=d*x,Be+=d*Le,Re+=d*je,Se+=d*We,Ce+=d*Oe,Ie+=d*ze,ie+=d*Qe,he+=d*dt,ee+=d*qe,ae+=d*ct,le+=d*ut,V+=d*lt,B+=d*$t,P+=d*kt,Q+=d*vt,D+=d*St,d=$[10],Be+=d*x,Re+=d*Le,Se+=d*je,Ce+=d*We,Ie+=d*Oe,ie+=d*ze,he+=d*Qe,ee+=d*dt,ae+=d*qe,le+=d*ct,V+=d*ut,B+=d*lt,P+=d*$t,Q+=d*kt,D+=d*vt,F+=d*St,d=$[11],Re+=d*x,Se+=d*Le,Ce+=d*je,Ie+=d*We,ie+=d*Oe,he+=d*ze,ee+=d*Qe,ae+=d*dt,le+=d*qe,V+=d*ct,B+=d*ut,P+=d*lt,Q+=d*$t,D+=d*kt,F+=d*vt,K+=d*St,d=$[12],Se+=d*x,Ce+=d*Le,Ie+=d*je,ie+=d*We,he+=d*Oe,ee+=d*ze,ae+=d*Qe,le+=d*dt,V+=d*qe,B+=d*ct,P+=d*ut,Q+=d*lt,D+=d*$t,F+=d*kt,K+=d*vt,ye+=d*St,d=$[13],Ce+=d*x,Ie+=d*Le,ie+=d*je,he+=d*We,ee+=d*Oe,ae+=d*ze,le+=d*Qe,V+=d*dt,B+=d*qe,P+=d*ct,Q+=d*ut,D+=d*lt,F+=d*$t,K+=d*kt,ye+=d*vt,Pe+=d*St,d=$[14],Ie+=d*x,ie+=d*Le,he+=d*je,ee+=d*We,ae+=d*Oe,le+=d*ze,V+=d*Qe,B+=d*dt,P+=d*qe,Q+=d*ct,D+=d*ut,F+=d*lt,K+=d*$t,ye+=d*kt,Pe+=d*vt,Ne+=d*St,d=$[15],ie+=d*x,he+=d*Le,ee+=d*je,ae+=d*We,le+=d*Oe,V+=d*ze,B+=d*Qe,P+=d*dt,Q+=d*qe,D+=d*ct,F+=d*ut,K+=d*lt,ye+=d*$t,Pe+=d*kt,Ne+=d*vt,Te+=d*St,v+=38*he,I+=38*ee,H+=38*ae,Z+=38*le,se+=38*V,J+=38*B,Ke+=38*P,ne+=38*Q,ke+=38*D,ve+=38*F,Be+=38*K,Re+=38*ye,Se+=38*Pe,Ce+=38*Ne,Ie+=38*Te,w=1,d=v+w+65535,w=Math.floor(d/65536),v=d-w*65536,d=I+w+65535,w=Math.floor(d/65536),I=d-w*65536,d=H+w+65535,w=Math.floor(d/65536),H=d-w*65536,d=Z+w+65535,w=Math.floor(d/65536),Z=d-w*65536,d=se+w+65535,w=Math.floor(d/65536),se=d-w*65536,d=J+w+65535,w=Math.floor(d/65536),J=d-w*65536,d=Ke+w+65535,w=Math.floor(d/65536),Ke=d-w*65536,d=ne+w+65535,w=Math.floor(d/65536),ne=d-w*65536,d=ke+w+65535,w=Math.floor(d/65536),ke=d-w*65536,d=ve+w+65535,w=Math.floor(d/65536),ve=d-w*65536,d=Be+w+65535,w=Math.floor(d/65536),Be=d-w*65536,d=Re+w+65535,w=Math.floor(d/65536),Re=d-w*65536,d=Se+w+65535,w=Math.floor(d/65536),Se=d-w*65536,d=Ce+w+65535,w=Math.floor(d/65536),Ce=d-w*65536,d=Ie+w+65535,w=Math.floor(d/65536),Ie=d-w*65536,d=ie+w+65535,w=Math.floor(d/65536),ie=d-w*65536,v+=w-1+37*(w-1),w=1,d=v+w+65535,w=Math.floor(d/65536),v=d-w*65536,d=I+w+65535,w=Math.floor(d/65536),I=d-w*65536,d=H+w+65535,w=Math.floor(d/65536),H=d-w*65536,d=Z+w+65535,w=Math.floor(d/65536),Z=d-w*65536,d=se+w+65535,w=Math.floor(d/65536),se=d-w*65536,d=J+w+65535,w=Math.floor(d/65536),J=d-w*65536,d=Ke+w+65535,w=Math.floor(d/65536),Ke=d-w*65536,d=ne+w+65535,w=Math.floor(d/65536),ne=d-w*65536,d=ke+w+65535,w=Math.floor(d/65536),ke=d-w*65536,d=ve+w+65535,w=Math.floor(d/65536),ve=d-w*65536,d=Be+w+65535,w=Math.floor(d/65536),Be=d-w*65536,d=Re+w+65535,w=Math.floor(d/65536),Re=d-w*65536,d=Se+w+65535,w=Math.floor(d/65536),Se=d-w*65536,d=Ce+w+65535,w=Math.floor(d/65536),Ce=d-w*65536,d=Ie+w+65535,w=Math.floor(d/65536),Ie=d-w*65536,d=ie+w+65535,w=Math.floor(d/65536),ie=d-w*65536,v+=w-1+37*(w-1),p[0]=v,p[1]=I,p[2]=H,p[3]=Z,p[4]=se,p[5]=J,p[6]=Ke,p[7]=ne,p[8]=ke,p[9]=ve,p[10]=Be,p[11]=Re,p[12]=Se,p[13]=Ce,p[14]=Ie,p[15]=ie}a(ue,"M");function rt(p,$){ue(p,$,$)}a(rt,"S");function mt(p,$){var g=t(),d;for(d=0;d<16;d++)g[d]=$[d];for(d=253;d>=0;d--)rt(g,g),d!==2&&d!==4&&ue(g,g,$);for(d=0;d<16;d++)p[d]=g[d]}a(mt,"inv25519");function no(p,$){var g=t(),d;for(d=0;d<16;d++)g[d]=$[d];for(d=250;d>=0;d--)rt(g,g),d!==1&&ue(g,g,$);for(d=0;d<16;d++)p[d]=g[d]}a(no,"pow2523");function cr(p,$,g){var d=new Uint8Array(32),w=new Float64Array(80),v,I,H=t(),Z=t(),se=t(),J=t(),Ke=t(),ne=t();for(I=0;I<31;I++)d[I]=$[I];for(d[31]=$[31]&127|64,d[0]&=248,z(w,g),I=0;I<16;I++)Z[I]=w[I],J[I]=H[I]=se[I]=0;for(H[0]=J[0]=1,I=254;I>=0;--I)v=d[I>>>3]>>>(I&7)&1,$e(H,Z,v),$e(se,J,v),ce(Ke,H,se),de(H,H,se),ce(se,Z,J),de(Z,Z,J),rt(J,Ke),rt(ne,H),ue(H,se,H),ue(se,Z,Ke),ce(Ke,H,se),de(H,H,se),rt(Z,H),de(se,J,ne),ue(H,se,c),ce(H,H,J),ue(se,se,H),ue(H,J,ne),ue(J,Z,w),rt(Z,Ke),$e(H,Z,v),$e(se,J,v);for(I=0;I<16;I++)w[I+16]=H[I],w[I+32]=se[I],w[I+48]=Z[I],w[I+64]=J[I];var ke=w.subarray(32),ve=w.subarray(16);return mt(ke,ke),ue(ve,ve,ke),R(p,ve),0}a(cr,"crypto_scalarmult");function ur(p,$){return cr(p,$,o)}a(ur,"crypto_scalarmult_base");function mn(p,$){return n($,32),ur(p,$)}a(mn,"crypto_box_keypair");function lr(p,$,g){var d=new Uint8Array(32);return cr(d,g,$),T(p,r,d,q)}a(lr,"crypto_box_beforenm");var ro=_e,ns=Y;function oo(p,$,g,d,w,v){var I=new Uint8Array(32);return lr(I,w,v),ro(p,$,g,d,I)}a(oo,"crypto_box");function dr(p,$,g,d,w,v){var I=new Uint8Array(32);return lr(I,w,v),ns(p,$,g,d,I)}a(dr,"crypto_box_open");var fr=[1116352408,3609767458,1899447441,602891725,3049323471,3964484399,3921009573,2173295548,961987163,4081628472,1508970993,3053834265,2453635748,2937671579,2870763221,3664609560,3624381080,2734883394,310598401,1164996542,607225278,1323610764,1426881987,3590304994,1925078388,4068182383,2162078206,991336113,2614888103,633803317,3248222580,3479774868,3835390401,2666613458,4022224774,944711139,264347078,2341262773,604807628,2007800933,770255983,1495990901,1249150122,1856431235,1555081692,3175218132,1996064986,2198950837,2554220882,3999719339,2821834349,766784016,2952996808,2566594879,3210313671,3203337956,3336571891,1034457026,3584528711,2466948901,113926993,3758326383,338241895,168717936,666307205,1188179964,773529912,1546045734,1294757372,1522805485,1396182291,2643833823,1695183700,2343527390,1986661051,1014477480,2177026350,1206759142,2456956037,344077627,2730485921,1290863460,2820302411,3158454273,3259730800,3505952657,3345764771,106217008,3516065817,3606008344,3600352804,1432725776,4094571909,1467031594,275423344,851169720,430227734,3100823752,506948616,1363258195,659060556,3750685593,883997877,3785050280,958139571,3318307427,1322822218,3812723403,1537002063,2003034995,1747873779,3602036899,1955562222,1575990012,2024104815,1125592928,2227730452,2716904306,2361852424,442776044,2428436474,593698344,2756734187,3733110249,3204031479,2999351573,3329325298,3815920427,3391569614,3928383900,3515267271,566280711,3940187606,3454069534,4118630271,4000239992,116418474,1914138554,174292421,2731055270,289380356,3203993006,460393269,320620315,685471733,587496836,852142971,1086792851,1017036298,365543100,1126000580,2618297676,1288033470,3409855158,1501505948,4234509866,1607167915,987167468,1816402316,1246189591];function U(p,$,g,d){for(var w=new Int32Array(16),v=new Int32Array(16),I,H,Z,se,J,Ke,ne,ke,ve,Be,Re,Se,Ce,Ie,ie,he,ee,ae,le,V,B,P,Q,D,F,K,ye=p[0],Pe=p[1],Ne=p[2],Te=p[3],x=p[4],Le=p[5],je=p[6],We=p[7],Oe=$[0],ze=$[1],Qe=$[2],dt=$[3],qe=$[4],ct=$[5],ut=$[6],lt=$[7],$t=0;d>=128;){for(le=0;le<16;le++)V=8*le+$t,w[le]=g[V+0]<<24|g[V+1]<<16|g[V+2]<<8|g[V+3],v[le]=g[V+4]<<24|g[V+5]<<16|g[V+6]<<8|g[V+7];for(le=0;le<80;le++)if(I=ye,H=Pe,Z=Ne,se=Te,J=x,Ke=Le,ne=je,ke=We,ve=Oe,Be=ze,Re=Qe,Se=dt,Ce=qe,Ie=ct,ie=ut,he=lt,B=We,P=lt,Q=P&65535,D=P>>>16,F=B&65535,K=B>>>16,B=(x>>>14|qe<<18)^(x>>>18|qe<<14)^(qe>>>9|x<<23),P=(qe>>>14|x<<18)^(qe>>>18|x<<14)^(x>>>9|qe<<23),Q+=P&65535,D+=P>>>16,F+=B&65535,K+=B>>>16,B=x&Le^~x&je,P=qe&ct^~qe&ut,Q+=P&65535,D+=P>>>16,F+=B&65535,K+=B>>>16,B=fr[le*2],P=fr[le*2+1],Q+=P&65535,D+=P>>>16,F+=B&65535,K+=B>>>16,B=w[le%16],P=v[le%16],Q+=P&65535,D+=P>>>16,F+=B&65535,K+=B>>>16,D+=Q>>>16,F+=D>>>16,K+=F>>>16,ee=F&65535|K<<16,ae=Q&65535|D<<16,B=ee,P=ae,Q=P&65535,D=P>>>16,F=B&65535,K=B>>>16,B=(ye>>>28|Oe<<4)^(Oe>>>2|ye<<30)^(Oe>>>7|ye<<25),P=(Oe>>>28|ye<<4)^(ye>>>2|Oe<<30)^(ye>>>7|Oe<<25),Q+=P&65535,D+=P>>>16,F+=B&65535,K+=B>>>16,B=ye&Pe^ye&Ne^Pe&Ne,P=Oe&ze^Oe&Qe^ze&Qe,Q+=P&65535,D+=P>>>16,F+=B&65535,K+=B>>>16,D+=Q>>>16,F+=D>>>16,K+=F>>>16,ke=F&65535|K<<16,he=Q&65535|D<<16,B=se,P=Se,Q=P&65535,D=P>>>16,F=B&65535,K=B>>>16,B=ee,P=ae,Q+=P&65535,D+=P>>>16,F+=B&65535,K+=B>>>16,D+=Q>>>16,F+=D>>>16,K+=F>>>16,se=F&65535|K<<16,Se=Q&65535|D<<16,Pe=I,Ne=H,Te=Z,x=se,Le=J,je=Ke,We=ne,ye=ke,ze=ve,Qe=Be,dt=Re,qe=Se,ct=Ce,ut=Ie,lt=ie,Oe=he,le%16===15)for(V=0;V<16;V++)B=w[V],P=v[V],Q=P&65535,D=P>>>16,F=B&65535,K=B>>>16,B=w[(V+9)%16],P=v[(V+9)%16],Q+=P&65535,D+=P>>>16,F+=B&65535,K+=B>>>16,ee=w[(V+1)%16],ae=v[(V+1)%16],B=(ee>>>1|ae<<31)^(ee>>>8|ae<<24)^ee>>>7,P=(ae>>>1|ee<<31)^(ae>>>8|ee<<24)^(ae>>>7|ee<<25),Q+=P&65535,D+=P>>>16,F+=B&65535,K+=B>>>16,ee=w[(V+14)%16],ae=v[(V+14)%16],B=(ee>>>19|ae<<13)^(ae>>>29|ee<<3)^ee>>>6,P=(ae>>>19|ee<<13)^(ee>>>29|ae<<3)^(ae>>>6|ee<<26),Q+=P&65535,D+=P>>>16,F+=B&65535,K+=B>>>16,D+=Q>>>16,F+=D>>>16,K+=F>>>16,w[V]=F&65535|K<<16,v[V]=Q&65535|D<<16;B=ye,P=Oe,Q=P&65535,D=P>>>16,F=B&65535,K=B>>>16,B=p[0],P=$[0],Q+=P&65535,D+=P>>>16,F+=B&65535,K+=B>>>16,D+=Q>>>16,F+=D>>>16,K+=F>>>16,p[0]=ye=F&65535|K<<16,$[0]=Oe=Q&65535|D<<16,B=Pe,P=ze,Q=P&65535,D=P>>>16,F=B&65535,K=B>>>16,B=p[1],P=$[1],Q+=P&65535,D+=P>>>16,F+=B&65535,K+=B>>>16,D+=Q>>>16,F+=D>>>16,K+=F>>>16,p[1]=Pe=F&65535|K<<16,$[1]=ze=Q&65535|D<<16,B=Ne,P=Qe,Q=P&65535,D=P>>>16,F=B&65535,K=B>>>16,B=p[2],P=$[2],Q+=P&65535,D+=P>>>16,F+=B&65535,K+=B>>>16,D+=Q>>>16,F+=D>>>16,K+=F>>>16,p[2]=Ne=F&65535|K<<16,$[2]=Qe=Q&65535|D<<16,B=Te,P=dt,Q=P&65535,D=P>>>16,F=B&65535,K=B>>>16,B=p[3],P=$[3],Q+=P&65535,D+=P>>>16,F+=B&65535,K+=B>>>16,D+=Q>>>16,F+=D>>>16,K+=F>>>16,p[3]=Te=F&65535|K<<16,$[3]=dt=Q&65535|D<<16,B=x,P=qe,Q=P&65535,D=P>>>16,F=B&65535,K=B>>>16,B=p[4],P=$[4],Q+=P&65535,D+=P>>>16,F+=B&65535,K+=B>>>16,D+=Q>>>16,F+=D>>>16,K+=F>>>16,p[4]=x=F&65535|K<<16,$[4]=qe=Q&65535|D<<16,B=Le,P=ct,Q=P&65535,D=P>>>16,F=B&65535,K=B>>>16,B=p[5],P=$[5],Q+=P&65535,D+=P>>>16,F+=B&65535,K+=B>>>16,D+=Q>>>16,F+=D>>>16,K+=F>>>16,p[5]=Le=F&65535|K<<16,$[5]=ct=Q&65535|D<<16,B=je,P=ut,Q=P&65535,D=P>>>16,F=B&65535,K=B>>>16,B=p[6],P=$[6],Q+=P&65535,D+=P>>>16,F+=B&65535,K+=B>>>16,D+=Q>>>16,F+=D>>>16,K+=F>>>16,p[6]=je=F&65535|K<<16,$[6]=ut=Q&65535|D<<16,B=We,P=lt,Q=P&65535,D=P>>>16,F=B&65535,K=B>>>16,B=p[7],P=$[7],Q+=P&65535,D+=P>>>16,F+=B&65535,K+=B>>>16,D+=Q>>>16,F+=D>>>16,K+=F>>>16,p[7]=We=F&65535|K<<16,$[7]=lt=Q&65535|D<<16,$t+=128,d-=128}return d}a(U,"crypto_hashblocks_hl");function X(p,$,g){var d=new Int32Array(8),w=new Int32Array(8),v=new Uint8Array(256),I,H=g;for(d[0]=1779033703,d[1]=3144134277,d[2]=1013904242,d[3]=2773480762,d[4]=1359893119,d[5]=2600822924,d[6]=528734635,d[7]=1541459225,w[0]=4089235720,w[1]=2227873595,w[2]=4271175723,w[3]=1595750129,w[4]=2917565137,w[5]=725511199,w[6]=4215389547,w[7]=327033209,U(d,w,$,g),g%=128,I=0;I<g;I++)v[I]=$[H-g+I];for(v[g]=128,g=256-128*(g<112?1:0),v[g-9]=0,m(v,g-8,H/536870912|0,H<<3),U(d,w,v,g),I=0;I<8;I++)m(p,8*I,d[I],w[I]);return 0}a(X,"crypto_hash");function me(p,$){var g=t(),d=t(),w=t(),v=t(),I=t(),H=t(),Z=t(),se=t(),J=t();de(g,p[1],p[0]),de(J,$[1],$[0]),ue(g,g,J),ce(d,p[0],p[1]),ce(J,$[0],$[1]),ue(d,d,J),ue(w,p[3],$[3]),ue(w,w,l),ue(v,p[2],$[2]),ce(v,v,v),de(I,d,g),de(H,v,w),ce(Z,v,w),ce(se,d,g),ue(p[0],I,H),ue(p[1],se,Z),ue(p[2],Z,H),ue(p[3],I,se)}a(me,"add");function Ee(p,$,g){var d;for(d=0;d<4;d++)$e(p[d],$[d],g)}a(Ee,"cswap");function Me(p,$){var g=t(),d=t(),w=t();mt(w,$[2]),ue(g,$[0],w),ue(d,$[1],w),R(p,d),p[31]^=N(g)<<7}a(Me,"pack");function pt(p,$,g){var d,w;for(oe(p[0],s),oe(p[1],i),oe(p[2],i),oe(p[3],s),w=255;w>=0;--w)d=g[w/8|0]>>(w&7)&1,Ee(p,$,d),me($,p),me(p,p),Ee(p,$,d)}a(pt,"scalarmult");function sn(p,$){var g=[t(),t(),t(),t()];oe(g[0],f),oe(g[1],h),oe(g[2],i),ue(g[3],f,h),pt(p,g,$)}a(sn,"scalarbase");function Ut(p,$,g){var d=new Uint8Array(64),w=[t(),t(),t(),t()],v;for(g||n($,32),X(d,$,32),d[0]&=248,d[31]&=127,d[31]|=64,sn(w,d),Me(p,w),v=0;v<32;v++)$[v+32]=p[v];return 0}a(Ut,"crypto_sign_keypair");var hr=new Float64Array([237,211,245,92,26,99,18,88,214,156,247,162,222,249,222,20,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,16]);function Ze(p,$){var g,d,w,v;for(d=63;d>=32;--d){for(g=0,w=d-32,v=d-12;w<v;++w)$[w]+=g-16*$[d]*hr[w-(d-32)],g=$[w]+128>>8,$[w]-=g*256;$[w]+=g,$[d]=0}for(g=0,w=0;w<32;w++)$[w]+=g-($[31]>>4)*hr[w],g=$[w]>>8,$[w]&=255;for(w=0;w<32;w++)$[w]-=g*hr[w];for(d=0;d<32;d++)$[d+1]+=$[d]>>8,p[d]=$[d]&255}a(Ze,"modL");function yt(p){var $=new Float64Array(64),g;for(g=0;g<64;g++)$[g]=p[g];for(g=0;g<64;g++)p[g]=0;Ze(p,$)}a(yt,"reduce");function gt(p,$,g,d){var w=new Uint8Array(64),v=new Uint8Array(64),I=new Uint8Array(64),H,Z,se=new Float64Array(64),J=[t(),t(),t(),t()];X(w,d,32),w[0]&=248,w[31]&=127,w[31]|=64;var Ke=g+64;for(H=0;H<g;H++)p[64+H]=$[H];for(H=0;H<32;H++)p[32+H]=w[32+H];for(X(I,p.subarray(32),g+32),yt(I),sn(J,I),Me(p,J),H=32;H<64;H++)p[H]=d[H];for(X(v,p,g+64),yt(v),H=0;H<64;H++)se[H]=0;for(H=0;H<32;H++)se[H]=I[H];for(H=0;H<32;H++)for(Z=0;Z<32;Z++)se[H+Z]+=v[H]*w[Z];return Ze(p.subarray(32),se),Ke}a(gt,"crypto_sign");function it(p,$){var g=t(),d=t(),w=t(),v=t(),I=t(),H=t(),Z=t();return oe(p[2],i),z(p[1],$),rt(w,p[1]),ue(v,w,u),de(w,w,p[2]),ce(v,p[2],v),rt(I,v),rt(H,I),ue(Z,H,I),ue(g,Z,w),ue(g,g,v),no(g,g),ue(g,g,w),ue(g,g,v),ue(g,g,v),ue(p[0],g,v),rt(d,p[0]),ue(d,d,v),O(d,w)&&ue(p[0],p[0],_),rt(d,p[0]),ue(d,d,v),O(d,w)?-1:(N(p[0])===$[31]>>7&&de(p[0],s,p[0]),ue(p[3],p[0],p[1]),0)}a(it,"unpackneg");function et(p,$,g,d){var w,v,I=new Uint8Array(32),H=new Uint8Array(64),Z=[t(),t(),t(),t()],se=[t(),t(),t(),t()];if(v=-1,g<64||it(se,d))return-1;for(w=0;w<g;w++)p[w]=$[w];for(w=0;w<32;w++)p[w+32]=d[w];if(X(H,p,g),yt(H),pt(Z,se,H),sn(se,$.subarray(32)),me(Z,se),Me(I,Z),g-=64,A($,0,I,0)){for(w=0;w<g;w++)p[w]=0;return-1}for(w=0;w<g;w++)p[w]=$[w+64];return v=g,v}a(et,"crypto_sign_open");var zt=32,at=24,Kn=32,pr=16,so=32,rs=32,io=32,ao=32,qi=32,ll=at,qg=Kn,Gg=pr,gn=64,jn=32,_r=64,Gi=32,Yi=64;e.lowlevel={crypto_core_hsalsa20:T,crypto_stream_xor:G,crypto_stream:M,crypto_stream_salsa20_xor:re,crypto_stream_salsa20:xe,crypto_onetimeauth:W,crypto_onetimeauth_verify:te,crypto_verify_16:b,crypto_verify_32:A,crypto_secretbox:_e,crypto_secretbox_open:Y,crypto_scalarmult:cr,crypto_scalarmult_base:ur,crypto_box_beforenm:lr,crypto_box_afternm:ro,crypto_box:oo,crypto_box_open:dr,crypto_box_keypair:mn,crypto_hash:X,crypto_sign:gt,crypto_sign_keypair:Ut,crypto_sign_open:et,crypto_secretbox_KEYBYTES:zt,crypto_secretbox_NONCEBYTES:at,crypto_secretbox_ZEROBYTES:Kn,crypto_secretbox_BOXZEROBYTES:pr,crypto_scalarmult_BYTES:so,crypto_scalarmult_SCALARBYTES:rs,crypto_box_PUBLICKEYBYTES:io,crypto_box_SECRETKEYBYTES:ao,crypto_box_BEFORENMBYTES:qi,crypto_box_NONCEBYTES:ll,crypto_box_ZEROBYTES:qg,crypto_box_BOXZEROBYTES:Gg,crypto_sign_BYTES:gn,crypto_sign_PUBLICKEYBYTES:jn,crypto_sign_SECRETKEYBYTES:_r,crypto_sign_SEEDBYTES:Gi,crypto_hash_BYTES:Yi};function dl(p,$){if(p.length!==zt)throw new Error("bad key size");if($.length!==at)throw new Error("bad nonce size")}a(dl,"checkLengths");function Yg(p,$){if(p.length!==io)throw new Error("bad public key size");if($.length!==ao)throw new Error("bad secret key size")}a(Yg,"checkBoxLengths");function Dt(){var p,$;for($=0;$<arguments.length;$++)if((p=Object.prototype.toString.call(arguments[$]))!=="[object Uint8Array]")throw new TypeError("unexpected type "+p+", use Uint8Array")}a(Dt,"checkArrayTypes");function fl(p){for(var $=0;$<p.length;$++)p[$]=0}a(fl,"cleanup"),e.util||(e.util={},e.util.decodeUTF8=e.util.encodeUTF8=e.util.encodeBase64=e.util.decodeBase64=function(){throw new Error("nacl.util moved into separate package: https://github.com/dchest/tweetnacl-util-js")}),e.randomBytes=function(p){var $=new Uint8Array(p);return n($,p),$},e.secretbox=function(p,$,g){Dt(p,$,g),dl(g,$);for(var d=new Uint8Array(Kn+p.length),w=new Uint8Array(d.length),v=0;v<p.length;v++)d[v+Kn]=p[v];return _e(w,d,d.length,$,g),w.subarray(pr)},e.secretbox.open=function(p,$,g){Dt(p,$,g),dl(g,$);for(var d=new Uint8Array(pr+p.length),w=new Uint8Array(d.length),v=0;v<p.length;v++)d[v+pr]=p[v];return d.length<32||Y(w,d,d.length,$,g)!==0?!1:w.subarray(Kn)},e.secretbox.keyLength=zt,e.secretbox.nonceLength=at,e.secretbox.overheadLength=pr,e.scalarMult=function(p,$){if(Dt(p,$),p.length!==rs)throw new Error("bad n size");if($.length!==so)throw new Error("bad p size");var g=new Uint8Array(so);return cr(g,p,$),g},e.scalarMult.base=function(p){if(Dt(p),p.length!==rs)throw new Error("bad n size");var $=new Uint8Array(so);return ur($,p),$},e.scalarMult.scalarLength=rs,e.scalarMult.groupElementLength=so,e.box=function(p,$,g,d){var w=e.box.before(g,d);return e.secretbox(p,$,w)},e.box.before=function(p,$){Dt(p,$),Yg(p,$);var g=new Uint8Array(qi);return lr(g,p,$),g},e.box.after=e.secretbox,e.box.open=function(p,$,g,d){var w=e.box.before(g,d);return e.secretbox.open(p,$,w)},e.box.open.after=e.secretbox.open,e.box.keyPair=function(){var p=new Uint8Array(io),$=new Uint8Array(ao);return mn(p,$),{publicKey:p,secretKey:$}},e.box.keyPair.fromSecretKey=function(p){if(Dt(p),p.length!==ao)throw new Error("bad secret key size");var $=new Uint8Array(io);return ur($,p),{publicKey:$,secretKey:new Uint8Array(p)}},e.box.publicKeyLength=io,e.box.secretKeyLength=ao,e.box.sharedKeyLength=qi,e.box.nonceLength=ll,e.box.overheadLength=e.secretbox.overheadLength,e.sign=function(p,$){if(Dt(p,$),$.length!==_r)throw new Error("bad secret key size");var g=new Uint8Array(gn+p.length);return gt(g,p,p.length,$),g},e.sign.open=function(p,$){if(arguments.length!==2)throw new Error("nacl.sign.open accepts 2 arguments; did you mean to use nacl.sign.detached.verify?");if(Dt(p,$),$.length!==jn)throw new Error("bad public key size");var g=new Uint8Array(p.length),d=et(g,p,p.length,$);if(d<0)return null;for(var w=new Uint8Array(d),v=0;v<w.length;v++)w[v]=g[v];return w},e.sign.detached=function(p,$){for(var g=e.sign(p,$),d=new Uint8Array(gn),w=0;w<d.length;w++)d[w]=g[w];return d},e.sign.detached.verify=function(p,$,g){if(Dt(p,$,g),$.length!==gn)throw new Error("bad signature size");if(g.length!==jn)throw new Error("bad public key size");var d=new Uint8Array(gn+p.length),w=new Uint8Array(gn+p.length),v;for(v=0;v<gn;v++)d[v]=$[v];for(v=0;v<p.length;v++)d[v+gn]=p[v];return et(w,d,d.length,g)>=0},e.sign.keyPair=function(){var p=new Uint8Array(jn),$=new Uint8Array(_r);return Ut(p,$),{publicKey:p,secretKey:$}},e.sign.keyPair.fromSecretKey=function(p){if(Dt(p),p.length!==_r)throw new Error("bad secret key size");for(var $=new Uint8Array(jn),g=0;g<$.length;g++)$[g]=p[32+g];return{publicKey:$,secretKey:new Uint8Array(p)}},e.sign.keyPair.fromSeed=function(p){if(Dt(p),p.length!==Gi)throw new Error("bad seed size");for(var $=new Uint8Array(jn),g=new Uint8Array(_r),d=0;d<32;d++)g[d]=p[d];return Ut($,g,!0),{publicKey:$,secretKey:g}},e.sign.publicKeyLength=jn,e.sign.secretKeyLength=_r,e.sign.seedLength=Gi,e.sign.signatureLength=gn,e.hash=function(p){Dt(p);var $=new Uint8Array(Yi);return X($,p,p.length),$},e.hash.hashLength=Yi,e.verify=function(p,$){return Dt(p,$),p.length===0||$.length===0||p.length!==$.length?!1:y(p,0,$,0,p.length)===0},e.setPRNG=function(p){n=p},(function(){var p=typeof self<"u"?self.crypto||self.msCrypto:null;if(p&&p.getRandomValues){var $=65536;e.setPRNG(function(g,d){var w,v=new Uint8Array(d);for(w=0;w<d;w+=$)p.getRandomValues(v.subarray(w,w+Math.min(d-w,$)));for(w=0;w<d;w++)g[w]=v[w];fl(v)})}else typeof require<"u"&&(p=require("crypto"),p&&p.randomBytes&&e.setPRNG(function(g,d){var w,v=p.randomBytes(d);for(w=0;w<d;w++)g[w]=v[w];fl(v)}))})()})(typeof Hs<"u"&&Hs.exports?Hs.exports:self.nacl=self.nacl||{})});var fh=Fe((L4,dh)=>{"use strict";var cc=lh().lowlevel.crypto_hash,bn=0,tr=a(function(){this.S=[new Uint32Array([3509652390,2564797868,805139163,3491422135,3101798381,1780907670,3128725573,4046225305,614570311,3012652279,134345442,2240740374,1667834072,1901547113,2757295779,4103290238,227898511,1921955416,1904987480,2182433518,2069144605,3260701109,2620446009,720527379,3318853667,677414384,3393288472,3101374703,2390351024,1614419982,1822297739,2954791486,3608508353,3174124327,2024746970,1432378464,3864339955,2857741204,1464375394,1676153920,1439316330,715854006,3033291828,289532110,2706671279,2087905683,3018724369,1668267050,732546397,1947742710,3462151702,2609353502,2950085171,1814351708,2050118529,680887927,999245976,1800124847,3300911131,1713906067,1641548236,4213287313,1216130144,1575780402,4018429277,3917837745,3693486850,3949271944,596196993,3549867205,258830323,2213823033,772490370,2760122372,1774776394,2652871518,566650946,4142492826,1728879713,2882767088,1783734482,3629395816,2517608232,2874225571,1861159788,326777828,3124490320,2130389656,2716951837,967770486,1724537150,2185432712,2364442137,1164943284,2105845187,998989502,3765401048,2244026483,1075463327,1455516326,1322494562,910128902,469688178,1117454909,936433444,3490320968,3675253459,1240580251,122909385,2157517691,634681816,4142456567,3825094682,3061402683,2540495037,79693498,3249098678,1084186820,1583128258,426386531,1761308591,1047286709,322548459,995290223,1845252383,2603652396,3431023940,2942221577,3202600964,3727903485,1712269319,422464435,3234572375,1170764815,3523960633,3117677531,1434042557,442511882,3600875718,1076654713,1738483198,4213154764,2393238008,3677496056,1014306527,4251020053,793779912,2902807211,842905082,4246964064,1395751752,1040244610,2656851899,3396308128,445077038,3742853595,3577915638,679411651,2892444358,2354009459,1767581616,3150600392,3791627101,3102740896,284835224,4246832056,1258075500,768725851,2589189241,3069724005,3532540348,1274779536,3789419226,2764799539,1660621633,3471099624,4011903706,913787905,3497959166,737222580,2514213453,2928710040,3937242737,1804850592,3499020752,2949064160,2386320175,2390070455,2415321851,4061277028,2290661394,2416832540,1336762016,1754252060,3520065937,3014181293,791618072,3188594551,3933548030,2332172193,3852520463,3043980520,413987798,3465142937,3030929376,4245938359,2093235073,3534596313,375366246,2157278981,2479649556,555357303,3870105701,2008414854,3344188149,4221384143,3956125452,2067696032,3594591187,2921233993,2428461,544322398,577241275,1471733935,610547355,4027169054,1432588573,1507829418,2025931657,3646575487,545086370,48609733,2200306550,1653985193,298326376,1316178497,3007786442,2064951626,458293330,2589141269,3591329599,3164325604,727753846,2179363840,146436021,1461446943,4069977195,705550613,3059967265,3887724982,4281599278,3313849956,1404054877,2845806497,146425753,1854211946]),new Uint32Array([1266315497,3048417604,3681880366,3289982499,290971e4,1235738493,2632868024,2414719590,3970600049,1771706367,1449415276,3266420449,422970021,1963543593,2690192192,3826793022,1062508698,1531092325,1804592342,2583117782,2714934279,4024971509,1294809318,4028980673,1289560198,2221992742,1669523910,35572830,157838143,1052438473,1016535060,1802137761,1753167236,1386275462,3080475397,2857371447,1040679964,2145300060,2390574316,1461121720,2956646967,4031777805,4028374788,33600511,2920084762,1018524850,629373528,3691585981,3515945977,2091462646,2486323059,586499841,988145025,935516892,3367335476,2599673255,2839830854,265290510,3972581182,2759138881,3795373465,1005194799,847297441,406762289,1314163512,1332590856,1866599683,4127851711,750260880,613907577,1450815602,3165620655,3734664991,3650291728,3012275730,3704569646,1427272223,778793252,1343938022,2676280711,2052605720,1946737175,3164576444,3914038668,3967478842,3682934266,1661551462,3294938066,4011595847,840292616,3712170807,616741398,312560963,711312465,1351876610,322626781,1910503582,271666773,2175563734,1594956187,70604529,3617834859,1007753275,1495573769,4069517037,2549218298,2663038764,504708206,2263041392,3941167025,2249088522,1514023603,1998579484,1312622330,694541497,2582060303,2151582166,1382467621,776784248,2618340202,3323268794,2497899128,2784771155,503983604,4076293799,907881277,423175695,432175456,1378068232,4145222326,3954048622,3938656102,3820766613,2793130115,2977904593,26017576,3274890735,3194772133,1700274565,1756076034,4006520079,3677328699,720338349,1533947780,354530856,688349552,3973924725,1637815568,332179504,3949051286,53804574,2852348879,3044236432,1282449977,3583942155,3416972820,4006381244,1617046695,2628476075,3002303598,1686838959,431878346,2686675385,1700445008,1080580658,1009431731,832498133,3223435511,2605976345,2271191193,2516031870,1648197032,4164389018,2548247927,300782431,375919233,238389289,3353747414,2531188641,2019080857,1475708069,455242339,2609103871,448939670,3451063019,1395535956,2413381860,1841049896,1491858159,885456874,4264095073,4001119347,1565136089,3898914787,1108368660,540939232,1173283510,2745871338,3681308437,4207628240,3343053890,4016749493,1699691293,1103962373,3625875870,2256883143,3830138730,1031889488,3479347698,1535977030,4236805024,3251091107,2132092099,1774941330,1199868427,1452454533,157007616,2904115357,342012276,595725824,1480756522,206960106,497939518,591360097,863170706,2375253569,3596610801,1814182875,2094937945,3421402208,1082520231,3463918190,2785509508,435703966,3908032597,1641649973,2842273706,3305899714,1510255612,2148256476,2655287854,3276092548,4258621189,236887753,3681803219,274041037,1734335097,3815195456,3317970021,1899903192,1026095262,4050517792,356393447,2410691914,3873677099,3682840055]),new Uint32Array([3913112168,2491498743,4132185628,2489919796,1091903735,1979897079,3170134830,3567386728,3557303409,857797738,1136121015,1342202287,507115054,2535736646,337727348,3213592640,1301675037,2528481711,1895095763,1721773893,3216771564,62756741,2142006736,835421444,2531993523,1442658625,3659876326,2882144922,676362277,1392781812,170690266,3921047035,1759253602,3611846912,1745797284,664899054,1329594018,3901205900,3045908486,2062866102,2865634940,3543621612,3464012697,1080764994,553557557,3656615353,3996768171,991055499,499776247,1265440854,648242737,3940784050,980351604,3713745714,1749149687,3396870395,4211799374,3640570775,1161844396,3125318951,1431517754,545492359,4268468663,3499529547,1437099964,2702547544,3433638243,2581715763,2787789398,1060185593,1593081372,2418618748,4260947970,69676912,2159744348,86519011,2512459080,3838209314,1220612927,3339683548,133810670,1090789135,1078426020,1569222167,845107691,3583754449,4072456591,1091646820,628848692,1613405280,3757631651,526609435,236106946,48312990,2942717905,3402727701,1797494240,859738849,992217954,4005476642,2243076622,3870952857,3732016268,765654824,3490871365,2511836413,1685915746,3888969200,1414112111,2273134842,3281911079,4080962846,172450625,2569994100,980381355,4109958455,2819808352,2716589560,2568741196,3681446669,3329971472,1835478071,660984891,3704678404,4045999559,3422617507,3040415634,1762651403,1719377915,3470491036,2693910283,3642056355,3138596744,1364962596,2073328063,1983633131,926494387,3423689081,2150032023,4096667949,1749200295,3328846651,309677260,2016342300,1779581495,3079819751,111262694,1274766160,443224088,298511866,1025883608,3806446537,1145181785,168956806,3641502830,3584813610,1689216846,3666258015,3200248200,1692713982,2646376535,4042768518,1618508792,1610833997,3523052358,4130873264,2001055236,3610705100,2202168115,4028541809,2961195399,1006657119,2006996926,3186142756,1430667929,3210227297,1314452623,4074634658,4101304120,2273951170,1399257539,3367210612,3027628629,1190975929,2062231137,2333990788,2221543033,2438960610,1181637006,548689776,2362791313,3372408396,3104550113,3145860560,296247880,1970579870,3078560182,3769228297,1714227617,3291629107,3898220290,166772364,1251581989,493813264,448347421,195405023,2709975567,677966185,3703036547,1463355134,2715995803,1338867538,1343315457,2802222074,2684532164,233230375,2599980071,2000651841,3277868038,1638401717,4028070440,3237316320,6314154,819756386,300326615,590932579,1405279636,3267499572,3150704214,2428286686,3959192993,3461946742,1862657033,1266418056,963775037,2089974820,2263052895,1917689273,448879540,3550394620,3981727096,150775221,3627908307,1303187396,508620638,2975983352,2726630617,1817252668,1876281319,1457606340,908771278,3720792119,3617206836,2455994898,1729034894,1080033504]),new Uint32Array([976866871,3556439503,2881648439,1522871579,1555064734,1336096578,3548522304,2579274686,3574697629,3205460757,3593280638,3338716283,3079412587,564236357,2993598910,1781952180,1464380207,3163844217,3332601554,1699332808,1393555694,1183702653,3581086237,1288719814,691649499,2847557200,2895455976,3193889540,2717570544,1781354906,1676643554,2592534050,3230253752,1126444790,2770207658,2633158820,2210423226,2615765581,2414155088,3127139286,673620729,2805611233,1269405062,4015350505,3341807571,4149409754,1057255273,2012875353,2162469141,2276492801,2601117357,993977747,3918593370,2654263191,753973209,36408145,2530585658,25011837,3520020182,2088578344,530523599,2918365339,1524020338,1518925132,3760827505,3759777254,1202760957,3985898139,3906192525,674977740,4174734889,2031300136,2019492241,3983892565,4153806404,3822280332,352677332,2297720250,60907813,90501309,3286998549,1016092578,2535922412,2839152426,457141659,509813237,4120667899,652014361,1966332200,2975202805,55981186,2327461051,676427537,3255491064,2882294119,3433927263,1307055953,942726286,933058658,2468411793,3933900994,4215176142,1361170020,2001714738,2830558078,3274259782,1222529897,1679025792,2729314320,3714953764,1770335741,151462246,3013232138,1682292957,1483529935,471910574,1539241949,458788160,3436315007,1807016891,3718408830,978976581,1043663428,3165965781,1927990952,4200891579,2372276910,3208408903,3533431907,1412390302,2931980059,4132332400,1947078029,3881505623,4168226417,2941484381,1077988104,1320477388,886195818,18198404,3786409e3,2509781533,112762804,3463356488,1866414978,891333506,18488651,661792760,1628790961,3885187036,3141171499,876946877,2693282273,1372485963,791857591,2686433993,3759982718,3167212022,3472953795,2716379847,445679433,3561995674,3504004811,3574258232,54117162,3331405415,2381918588,3769707343,4154350007,1140177722,4074052095,668550556,3214352940,367459370,261225585,2610173221,4209349473,3468074219,3265815641,314222801,3066103646,3808782860,282218597,3406013506,3773591054,379116347,1285071038,846784868,2669647154,3771962079,3550491691,2305946142,453669953,1268987020,3317592352,3279303384,3744833421,2610507566,3859509063,266596637,3847019092,517658769,3462560207,3443424879,370717030,4247526661,2224018117,4143653529,4112773975,2788324899,2477274417,1456262402,2901442914,1517677493,1846949527,2295493580,3734397586,2176403920,1280348187,1908823572,3871786941,846861322,1172426758,3287448474,3383383037,1655181056,3139813346,901632758,1897031941,2986607138,3066810236,3447102507,1393639104,373351379,950779232,625454576,3124240540,4148612726,2007998917,544563296,2244738638,2330496472,2058025392,1291430526,424198748,50039436,29584100,3605783033,2429876329,2791104160,1057563949,3255363231,3075367218,3463963227,1469046755,985887462])],this.P=new Uint32Array([608135816,2242054355,320440878,57701188,2752067618,698298832,137296536,3964562569,1160258022,953160567,3193202383,887688300,3232508343,3380367581,1065670069,3041331479,2450970073,2306472731])},"Blowfish");function Ms(e,t,n){return(e[0][t[n+3]]+e[1][t[n+2]]^e[2][t[n+1]])+e[3][t[n]]}a(Ms,"F");tr.prototype.encipher=function(e,t){t===void 0&&(t=new Uint8Array(e.buffer),e.byteOffset!==0&&(t=t.subarray(e.byteOffset))),e[0]^=this.P[0];for(var n=1;n<16;n+=2)e[1]^=Ms(this.S,t,0)^this.P[n],e[0]^=Ms(this.S,t,4)^this.P[n+1];var r=e[0];e[0]=e[1]^this.P[17],e[1]=r};tr.prototype.decipher=function(e){var t=new Uint8Array(e.buffer);e.byteOffset!==0&&(t=t.subarray(e.byteOffset)),e[0]^=this.P[17];for(var n=16;n>0;n-=2)e[1]^=Ms(this.S,t,0)^this.P[n],e[0]^=Ms(this.S,t,4)^this.P[n-1];var r=e[0];e[0]=e[1]^this.P[0],e[1]=r};function er(e,t){var n,r=0;for(n=0;n<4;n++,bn++)bn>=t&&(bn=0),r=r<<8|e[bn];return r}a(er,"stream2word");tr.prototype.expand0state=function(e,t){var n=new Uint32Array(2),r,o,s=new Uint8Array(n.buffer);for(r=0,bn=0;r<18;r++)this.P[r]^=er(e,t);for(bn=0,r=0;r<18;r+=2)this.encipher(n,s),this.P[r]=n[0],this.P[r+1]=n[1];for(r=0;r<4;r++)for(o=0;o<256;o+=2)this.encipher(n,s),this.S[r][o]=n[0],this.S[r][o+1]=n[1]};tr.prototype.expandstate=function(e,t,n,r){var o=new Uint32Array(2),s,i;for(s=0,bn=0;s<18;s++)this.P[s]^=er(n,r);for(s=0,bn=0;s<18;s+=2)o[0]^=er(e,t),o[1]^=er(e,t),this.encipher(o),this.P[s]=o[0],this.P[s+1]=o[1];for(s=0;s<4;s++)for(i=0;i<256;i+=2)o[0]^=er(e,t),o[1]^=er(e,t),this.encipher(o),this.S[s][i]=o[0],this.S[s][i+1]=o[1];bn=0};tr.prototype.enc=function(e,t){for(var n=0;n<t;n++)this.encipher(e.subarray(n*2))};tr.prototype.dec=function(e,t){for(var n=0;n<t;n++)this.decipher(e.subarray(n*2))};var Fs=8,uc=32;function lc(e,t,n){var r=new tr,o=new Uint32Array(Fs),s,i=new Uint8Array([79,120,121,99,104,114,111,109,97,116,105,99,66,108,111,119,102,105,115,104,83,119,97,116,68,121,110,97,109,105,116,101]);for(r.expandstate(t,64,e,64),s=0;s<64;s++)r.expand0state(t,64),r.expand0state(e,64);for(s=0;s<Fs;s++)o[s]=er(i,i.byteLength);for(s=0;s<64;s++)r.enc(o,o.byteLength/8);for(s=0;s<Fs;s++)n[4*s+3]=o[s]>>>24,n[4*s+2]=o[s]>>>16,n[4*s+1]=o[s]>>>8,n[4*s+0]=o[s]}a(lc,"bcrypt_hash");function hy(e,t,n,r,o,s,i){var c=new Uint8Array(64),u=new Uint8Array(64),l=new Uint8Array(uc),f=new Uint8Array(uc),h=new Uint8Array(r+4),_,m,y,b,A,E,C=s;if(i<1||t===0||r===0||s===0||s>l.byteLength*l.byteLength||r>1<<20)return-1;for(b=Math.floor((s+l.byteLength-1)/l.byteLength),y=Math.floor((s+b-1)/b),_=0;_<r;_++)h[_]=n[_];for(cc(c,e,t),E=1;s>0;E++){for(h[r+0]=E>>>24,h[r+1]=E>>>16,h[r+2]=E>>>8,h[r+3]=E,cc(u,h,r+4),lc(c,u,f),_=l.byteLength;_--;)l[_]=f[_];for(_=1;_<i;_++)for(cc(u,f,f.byteLength),lc(c,u,f),m=0;m<l.byteLength;m++)l[m]^=f[m];for(y=Math.min(y,s),_=0;_<y&&(A=_*b+(E-1),!(A>=C));_++)o[A]=l[_];s-=_}return 0}a(hy,"bcrypt_pbkdf");dh.exports={BLOCKS:Fs,HASHSIZE:uc,hash:lc,pbkdf:hy}});var ph=Fe(hh=>{hh.pbkdf=(...e)=>fh().pbkdf(...e)});var _h=Fe(()=>{});var Mn=Fe((M4,Qs)=>{"use strict";var An=require("crypto"),Pr;try{Pr=_h()()}catch{}var{bindingAvailable:mh,CIPHER_INFO:py,MAC_INFO:_y}=Tr(),gh=(()=>{if(typeof An.sign=="function"&&typeof An.verify=="function"){let e=`-----BEGIN PRIVATE KEY-----\r
MC4CAQAwBQYDK2VwBCIEIHKj+sVa9WcD/q2DJUJaf43Kptc8xYuUQA4bOFj9vC8T\r
-----END PRIVATE KEY-----`,t=Buffer.from("a"),n,r;try{n=An.sign(null,t,e),r=An.verify(null,t,e,n)}catch{}return Buffer.isBuffer(n)&&n.length===64&&r===!0}return!1})(),$h=typeof An.diffieHellman=="function"&&typeof An.generateKeyPairSync=="function"&&typeof An.createPublicKey=="function",zs=["ecdh-sha2-nistp256","ecdh-sha2-nistp384","ecdh-sha2-nistp521","diffie-hellman-group-exchange-sha256","diffie-hellman-group14-sha256","diffie-hellman-group15-sha512","diffie-hellman-group16-sha512","diffie-hellman-group17-sha512","diffie-hellman-group18-sha512"];$h&&(zs.unshift("curve25519-sha256"),zs.unshift("curve25519-sha256@libssh.org"));var my=zs.concat(["diffie-hellman-group-exchange-sha1","diffie-hellman-group14-sha1","diffie-hellman-group1-sha1"]),dc=["ecdsa-sha2-nistp256","ecdsa-sha2-nistp384","ecdsa-sha2-nistp521","rsa-sha2-512","rsa-sha2-256","ssh-rsa"];gh&&dc.unshift("ssh-ed25519");var gy=dc.concat(["ssh-dss"]),wh=(()=>{let e=An.getCiphers();return t=>e.includes(py[t].sslName)})(),Fn=["aes128-gcm@openssh.com","aes256-gcm@openssh.com","aes128-ctr","aes192-ctr","aes256-ctr"];Pr&&Pr.flags&&!Pr.flags.aes?mh?Fn.unshift("chacha20-poly1305@openssh.com"):Fn.push("chacha20-poly1305@openssh.com"):mh&&Pr&&Pr.arch==="x86"?Fn.splice(4,0,"chacha20-poly1305@openssh.com"):Fn.push("chacha20-poly1305@openssh.com");Fn=Fn.filter(wh);var $y=Fn.concat(["aes256-cbc","aes192-cbc","aes128-cbc","blowfish-cbc","3des-cbc","aes128-gcm","aes256-gcm","arcfour256","arcfour128","cast128-cbc","arcfour"].filter(wh)),yh=(()=>{let e=An.getHashes();return t=>e.includes(_y[t].sslName)})(),bh=["hmac-sha2-256-etm@openssh.com","hmac-sha2-512-etm@openssh.com","hmac-sha1-etm@openssh.com","hmac-sha2-256","hmac-sha2-512","hmac-sha1"].filter(yh),wy=bh.concat(["hmac-md5","hmac-sha2-256-96","hmac-sha2-512-96","hmac-ripemd160","hmac-sha1-96","hmac-md5-96"].filter(yh)),Ah=["none","zlib@openssh.com","zlib"],yy=Ah.concat([]),Br={BAD_DHGEX:1,OLD_EXIT:2,DYN_RPORT_BUG:4,BUG_DHGEX_LARGE:8,IMPLY_RSA_SHA2_SIGALGS:16};Qs.exports={MESSAGE:{DISCONNECT:1,IGNORE:2,UNIMPLEMENTED:3,DEBUG:4,SERVICE_REQUEST:5,SERVICE_ACCEPT:6,EXT_INFO:7,KEXINIT:20,NEWKEYS:21,KEXDH_INIT:30,KEXDH_REPLY:31,KEXDH_GEX_GROUP:31,KEXDH_GEX_INIT:32,KEXDH_GEX_REPLY:33,KEXDH_GEX_REQUEST:34,KEXECDH_INIT:30,KEXECDH_REPLY:31,USERAUTH_REQUEST:50,USERAUTH_FAILURE:51,USERAUTH_SUCCESS:52,USERAUTH_BANNER:53,USERAUTH_PASSWD_CHANGEREQ:60,USERAUTH_PK_OK:60,USERAUTH_INFO_REQUEST:60,USERAUTH_INFO_RESPONSE:61,GLOBAL_REQUEST:80,REQUEST_SUCCESS:81,REQUEST_FAILURE:82,CHANNEL_OPEN:90,CHANNEL_OPEN_CONFIRMATION:91,CHANNEL_OPEN_FAILURE:92,CHANNEL_WINDOW_ADJUST:93,CHANNEL_DATA:94,CHANNEL_EXTENDED_DATA:95,CHANNEL_EOF:96,CHANNEL_CLOSE:97,CHANNEL_REQUEST:98,CHANNEL_SUCCESS:99,CHANNEL_FAILURE:100},DISCONNECT_REASON:{HOST_NOT_ALLOWED_TO_CONNECT:1,PROTOCOL_ERROR:2,KEY_EXCHANGE_FAILED:3,RESERVED:4,MAC_ERROR:5,COMPRESSION_ERROR:6,SERVICE_NOT_AVAILABLE:7,PROTOCOL_VERSION_NOT_SUPPORTED:8,HOST_KEY_NOT_VERIFIABLE:9,CONNECTION_LOST:10,BY_APPLICATION:11,TOO_MANY_CONNECTIONS:12,AUTH_CANCELED_BY_USER:13,NO_MORE_AUTH_METHODS_AVAILABLE:14,ILLEGAL_USER_NAME:15},DISCONNECT_REASON_STR:void 0,CHANNEL_OPEN_FAILURE:{ADMINISTRATIVELY_PROHIBITED:1,CONNECT_FAILED:2,UNKNOWN_CHANNEL_TYPE:3,RESOURCE_SHORTAGE:4},TERMINAL_MODE:{TTY_OP_END:0,VINTR:1,VQUIT:2,VERASE:3,VKILL:4,VEOF:5,VEOL:6,VEOL2:7,VSTART:8,VSTOP:9,VSUSP:10,VDSUSP:11,VREPRINT:12,VWERASE:13,VLNEXT:14,VFLUSH:15,VSWTCH:16,VSTATUS:17,VDISCARD:18,IGNPAR:30,PARMRK:31,INPCK:32,ISTRIP:33,INLCR:34,IGNCR:35,ICRNL:36,IUCLC:37,IXON:38,IXANY:39,IXOFF:40,IMAXBEL:41,ISIG:50,ICANON:51,XCASE:52,ECHO:53,ECHOE:54,ECHOK:55,ECHONL:56,NOFLSH:57,TOSTOP:58,IEXTEN:59,ECHOCTL:60,ECHOKE:61,PENDIN:62,OPOST:70,OLCUC:71,ONLCR:72,OCRNL:73,ONOCR:74,ONLRET:75,CS7:90,CS8:91,PARENB:92,PARODD:93,TTY_OP_ISPEED:128,TTY_OP_OSPEED:129},CHANNEL_EXTENDED_DATATYPE:{STDERR:1},SIGNALS:["ABRT","ALRM","FPE","HUP","ILL","INT","QUIT","SEGV","TERM","USR1","USR2","KILL","PIPE"].reduce((e,t)=>({...e,[t]:1}),{}),COMPAT:Br,COMPAT_CHECKS:[["Cisco-1.25",Br.BAD_DHGEX],[/^Cisco-1[.]/,Br.BUG_DHGEX_LARGE],[/^[0-9.]+$/,Br.OLD_EXIT],[/^OpenSSH_5[.][0-9]+/,Br.DYN_RPORT_BUG],[/^OpenSSH_7[.]4/,Br.IMPLY_RSA_SHA2_SIGALGS]],DEFAULT_KEX:zs,SUPPORTED_KEX:my,DEFAULT_SERVER_HOST_KEY:dc,SUPPORTED_SERVER_HOST_KEY:gy,DEFAULT_CIPHER:Fn,SUPPORTED_CIPHER:$y,DEFAULT_MAC:bh,SUPPORTED_MAC:wy,DEFAULT_COMPRESSION:Ah,SUPPORTED_COMPRESSION:yy,curve25519Supported:$h,eddsaSupported:gh};Qs.exports.DISCONNECT_REASON_BY_VALUE=Array.from(Object.entries(Qs.exports.DISCONNECT_REASON)).reduce((e,[t,n])=>({...e,[n]:t}),{})});var xn=Fe((z4,vh)=>{"use strict";var Wt=Ds().Ber,Ks,kh=Buffer[Symbol.species],by=Object.getPrototypeOf(Uint8Array.prototype).fill;function xh(e,t){return e[t++]*16777216+e[t++]*65536+e[t++]*256+e[t]}a(xh,"readUInt32BE");function $o(e,t,n,r,o){o||(o=0),r>e.length&&(r=e.length);let s=r-n,i=t.length-o;return s>i&&(s=i),t.set(new Uint8Array(e.buffer,e.byteOffset+n,s),o),s}a($o,"bufferCopy");function wo(e,t,n){return n===void 0&&(n=e.length),new kh(e.buffer,e.byteOffset+t,n-t)}a(wo,"bufferSlice");function hc(){let e=0,t,n={init:a((r,o)=>{t=r,e=typeof o=="number"?o:0},"init"),pos:a(()=>e,"pos"),length:a(()=>t?t.length:0,"length"),avail:a(()=>t&&e<t.length?t.length-e:0,"avail"),clear:a(()=>{t=void 0},"clear"),readUInt32BE:a(()=>{if(!(!t||e+3>=t.length))return t[e++]*16777216+t[e++]*65536+t[e++]*256+t[e++]},"readUInt32BE"),readUInt64BE:a(r=>{if(!(!t||e+7>=t.length))switch(r){case"always":return BigInt(`0x${t.hexSlice(e,e+=8)}`);case"maybe":if(t[e]>31)return BigInt(`0x${t.hexSlice(e,e+=8)}`);default:return t[e++]*72057594037927940+t[e++]*281474976710656+t[e++]*1099511627776+t[e++]*4294967296+t[e++]*16777216+t[e++]*65536+t[e++]*256+t[e++]}},"readUInt64BE"),skip:a(r=>{t&&r>0&&(e+=r)},"skip"),skipString:a(()=>{let r=n.readUInt32BE();if(r!==void 0)return e+=r,e<=t.length?r:void 0},"skipString"),readByte:a(()=>{if(t&&e<t.length)return t[e++]},"readByte"),readBool:a(()=>{if(t&&e<t.length)return!!t[e++]},"readBool"),readList:a(()=>{let r=n.readString(!0);if(r!==void 0)return r?r.split(","):[]},"readList"),readString:a((r,o)=>{typeof r=="number"&&(o=r,r=void 0);let s=n.readUInt32BE();if(s!==void 0&&!(t.length-e<s||typeof o=="number"&&s>o))return r?Buffer.isBuffer(r)?$o(t,r,e,e+=s):t.utf8Slice(e,e+=s):wo(t,e,e+=s)},"readString"),readRaw:a(r=>{if(t){if(typeof r!="number")return wo(t,e,e+=t.length-e);if(t.length-e>=r)return wo(t,e,e+=r)}},"readRaw")};return n}a(hc,"makeBufferParser");function Eh(e,t,n){let r=new Error(e);return typeof t=="boolean"?(n=t,r.level="protocol"):r.level=t||"protocol",r.fatal=!!n,r}a(Eh,"makeError");function fc(e,t,n){return e[n++]=t>>>24,e[n++]=t>>>16,e[n++]=t>>>8,e[n++]=t,n}a(fc,"writeUInt32BE");var js=hc();vh.exports={bufferCopy:$o,bufferSlice:wo,FastBuffer:kh,bufferFill:a((e,t,n,r)=>by.call(e,t,n,r),"bufferFill"),makeError:Eh,doFatalError:a((e,t,n,r)=>{let o;return Ks===void 0&&({DISCONNECT_REASON:Ks}=Mn()),t instanceof Error?(o=t,typeof n!="number"?r=Ks.PROTOCOL_ERROR:r=n):o=Eh(t,n,!0),typeof r!="number"&&(r=Ks.PROTOCOL_ERROR),e.disconnect(r),e._destruct(),e._onError(o),1/0},"doFatalError"),readUInt32BE:xh,writeUInt32BE:fc,writeUInt32LE:a((e,t,n)=>(e[n++]=t,e[n++]=t>>>8,e[n++]=t>>>16,e[n++]=t>>>24,n),"writeUInt32LE"),makeBufferParser:hc,bufferParser:hc(),readString:a((e,t,n,r)=>{typeof n=="number"&&(r=n,n=void 0),t===void 0&&(t=0);let o=e.length-t;if(t<0||t>=e.length||o<4)return;let s=xh(e,t);if(o<4+s||typeof r=="number"&&s>r)return;t+=4;let i=t+s;return e._pos=i,n?Buffer.isBuffer(n)?$o(e,n,t,i):e.utf8Slice(t,i):wo(e,t,i)},"readString"),sigSSHToASN1:a((e,t)=>{switch(t){case"ssh-dss":{if(e.length>40)return e;let n=new Wt.Writer;n.startSequence();let r=e.slice(0,20),o=e.slice(20);if(r[0]&128){let s=Buffer.allocUnsafe(21);s[0]=0,r.copy(s,1),r=s}else r[0]===0&&!(r[1]&128)&&(r=r.slice(1));if(o[0]&128){let s=Buffer.allocUnsafe(21);s[0]=0,o.copy(s,1),o=s}else o[0]===0&&!(o[1]&128)&&(o=o.slice(1));return n.writeBuffer(r,Wt.Integer),n.writeBuffer(o,Wt.Integer),n.endSequence(),n.buffer}case"ecdsa-sha2-nistp256":case"ecdsa-sha2-nistp384":case"ecdsa-sha2-nistp521":{js.init(e,0);let n=js.readString(),r=js.readString();if(js.clear(),n===void 0||r===void 0)return;let o=new Wt.Writer;return o.startSequence(),o.writeBuffer(n,Wt.Integer),o.writeBuffer(r,Wt.Integer),o.endSequence(),o.buffer}default:return e}},"sigSSHToASN1"),convertSignature:a((e,t)=>{switch(t){case"ssh-dss":{if(e.length<=40)return e;let n=new Wt.Reader(e);n.readSequence();let r=n.readString(Wt.Integer,!0),o=n.readString(Wt.Integer,!0),s=0,i=0;if(r.length<20){let u=Buffer.allocUnsafe(20);u.set(r,1),r=u,r[0]=0}if(o.length<20){let u=Buffer.allocUnsafe(20);u.set(o,1),o=u,o[0]=0}r.length>20&&r[0]===0&&(s=1),o.length>20&&o[0]===0&&(i=1);let c=Buffer.allocUnsafe(r.length-s+(o.length-i));return $o(r,c,s,r.length,0),$o(o,c,i,o.length,r.length-s),c}case"ecdsa-sha2-nistp256":case"ecdsa-sha2-nistp384":case"ecdsa-sha2-nistp521":{if(e[0]===0)return e;let n=new Wt.Reader(e);n.readSequence();let r=n.readString(Wt.Integer,!0),o=n.readString(Wt.Integer,!0);if(r===null||o===null)return;let s=Buffer.allocUnsafe(4+r.length+4+o.length);return fc(s,r.length,0),s.set(r,4),fc(s,o.length,4+r.length),s.set(o,8+r.length),s}}return e},"convertSignature"),sendPacket:a((e,t,n)=>!n&&e._kexinit!==void 0?(e._queue===void 0&&(e._queue=[]),e._queue.push(t),e._debug&&e._debug("Outbound: ... packet queued"),!1):(e._cipher.encrypt(t),!0),"sendPacket")}});var Sh=Fe((Ws,_c)=>{var pc=(function(){var e=typeof document<"u"&&document.currentScript?document.currentScript.src:void 0;return typeof __filename<"u"&&(e=e||__filename),(function(t){t=t||{};var n;n||(n=typeof t<"u"?t:{});var r,o;n.ready=new Promise(function(U,X){r=U,o=X});var s={},i;for(i in n)n.hasOwnProperty(i)&&(s[i]=n[i]);var c=typeof window=="object",u=typeof importScripts=="function",l=typeof process=="object"&&typeof process.versions=="object"&&typeof process.versions.node=="string",f="",h,_,m,y,b;l?(f=u?require("path").dirname(f)+"/":__dirname+"/",h=a(function(U,X){var me=mn(U);return me?X?me:me.toString():(y||(y=require("fs")),b||(b=require("path")),U=b.normalize(U),y.readFileSync(U,X?null:"utf8"))},"C"),m=a(function(U){return U=h(U,!0),U.buffer||(U=new Uint8Array(U)),q(U.buffer),U},"E"),_=a(function(U,X,me){var Ee=mn(U);Ee&&X(Ee),y||(y=require("fs")),b||(b=require("path")),U=b.normalize(U),y.readFile(U,function(Me,pt){Me?me(Me):X(pt.buffer)})},"D"),1<process.argv.length&&process.argv[1].replace(/\\/g,"/"),process.argv.slice(2),n.inspect=function(){return"[Emscripten Module object]"}):(c||u)&&(u?f=self.location.href:typeof document<"u"&&document.currentScript&&(f=document.currentScript.src),e&&(f=e),f.indexOf("blob:")!==0?f=f.substr(0,f.lastIndexOf("/")+1):f="",h=a(function(U){try{var X=new XMLHttpRequest;return X.open("GET",U,!1),X.send(null),X.responseText}catch(Me){if(U=mn(U)){X=[];for(var me=0;me<U.length;me++){var Ee=U[me];255<Ee&&(cr&&q(!1,"Character code "+Ee+" ("+String.fromCharCode(Ee)+")  at offset "+me+" not in 0x00-0xFF."),Ee&=255),X.push(String.fromCharCode(Ee))}return X.join("")}throw Me}},"C"),u&&(m=a(function(U){try{var X=new XMLHttpRequest;return X.open("GET",U,!1),X.responseType="arraybuffer",X.send(null),new Uint8Array(X.response)}catch(me){if(U=mn(U))return U;throw me}},"E")),_=a(function(U,X,me){var Ee=new XMLHttpRequest;Ee.open("GET",U,!0),Ee.responseType="arraybuffer",Ee.onload=function(){if(Ee.status==200||Ee.status==0&&Ee.response)X(Ee.response);else{var Me=mn(U);Me?X(Me.buffer):me()}},Ee.onerror=me,Ee.send(null)},"D")),n.print||console.log.bind(console);var A=n.printErr||console.warn.bind(console);for(i in s)s.hasOwnProperty(i)&&(n[i]=s[i]);s=null;var E;n.wasmBinary&&(E=n.wasmBinary);var C=n.noExitRuntime||!0;typeof WebAssembly!="object"&&z("no native wasm support detected");var L,T=!1;function q(U,X){U||z("Assertion failed: "+X)}a(q,"assert");function re(U){var X=n["_"+U];return q(X,"Cannot call unknown function "+U+", make sure it is exported"),X}a(re,"N");function xe(U,X,me,Ee){var Me={string:a(function(Ze){var yt=0;if(Ze!=null&&Ze!==0){var gt=(Ze.length<<2)+1;yt=oo(gt);var it=yt,et=W;if(0<gt){gt=it+gt-1;for(var zt=0;zt<Ze.length;++zt){var at=Ze.charCodeAt(zt);if(55296<=at&&57343>=at){var Kn=Ze.charCodeAt(++zt);at=65536+((at&1023)<<10)|Kn&1023}if(127>=at){if(it>=gt)break;et[it++]=at}else{if(2047>=at){if(it+1>=gt)break;et[it++]=192|at>>6}else{if(65535>=at){if(it+2>=gt)break;et[it++]=224|at>>12}else{if(it+3>=gt)break;et[it++]=240|at>>18,et[it++]=128|at>>12&63}et[it++]=128|at>>6&63}et[it++]=128|at&63}}et[it]=0}}return yt},"string"),array:a(function(Ze){var yt=oo(Ze.length);return j.set(Ze,yt),yt},"array")},pt=re(U),sn=[];if(U=0,Ee)for(var Ut=0;Ut<Ee.length;Ut++){var hr=Me[me[Ut]];hr?(U===0&&(U=ro()),sn[Ut]=hr(Ee[Ut])):sn[Ut]=Ee[Ut]}return me=pt.apply(null,sn),me=(function(Ze){if(X==="string")if(Ze){for(var yt=W,gt=Ze+NaN,it=Ze;yt[it]&&!(it>=gt);)++it;if(16<it-Ze&&yt.subarray&&M)Ze=M.decode(yt.subarray(Ze,it));else{for(gt="";Ze<it;){var et=yt[Ze++];if(et&128){var zt=yt[Ze++]&63;if((et&224)==192)gt+=String.fromCharCode((et&31)<<6|zt);else{var at=yt[Ze++]&63;et=(et&240)==224?(et&15)<<12|zt<<6|at:(et&7)<<18|zt<<12|at<<6|yt[Ze++]&63,65536>et?gt+=String.fromCharCode(et):(et-=65536,gt+=String.fromCharCode(55296|et>>10,56320|et&1023))}}else gt+=String.fromCharCode(et)}Ze=gt}}else Ze="";else Ze=X==="boolean"?!!Ze:Ze;return Ze})(me),U!==0&&ns(U),me}a(xe,"ca");var M=typeof TextDecoder<"u"?new TextDecoder("utf8"):void 0,G,j,W;function te(){var U=L.buffer;G=U,n.HEAP8=j=new Int8Array(U),n.HEAP16=new Int16Array(U),n.HEAP32=new Int32Array(U),n.HEAPU8=W=new Uint8Array(U),n.HEAPU16=new Uint16Array(U),n.HEAPU32=new Uint32Array(U),n.HEAPF32=new Float32Array(U),n.HEAPF64=new Float64Array(U)}a(te,"ia");var _e,Y=[],oe=[],fe=[];function $e(){var U=n.preRun.shift();Y.unshift(U)}a($e,"ma");var R=0,O=null,N=null;n.preloadedImages={},n.preloadedAudios={};function z(U){throw n.onAbort&&n.onAbort(U),A(U),T=!0,U=new WebAssembly.RuntimeError("abort("+U+"). Build with -s ASSERTIONS=1 for more info."),o(U),U}a(z,"K");var ce="data:application/octet-stream;base64,",de;if(de="data:application/octet-stream;base64,AGFzbQEAAAABIAZgAX8Bf2ADf39/AGABfwBgAABgAAF/YAZ/f39/f38AAgcBAWEBYQAAAwsKAAEDAQAAAgQFAgQFAXABAQEFBwEBgAKAgAIGCQF/AUGAjMACCwclCQFiAgABYwADAWQACQFlAAgBZgAHAWcABgFoAAUBaQAKAWoBAAqGTQpPAQJ/QYAIKAIAIgEgAEEDakF8cSICaiEAAkAgAkEAIAAgAU0bDQAgAD8AQRB0SwRAIAAQAEUNAQtBgAggADYCACABDwtBhAhBMDYCAEF/C4wFAg5+Cn8gACgCJCEUIAAoAiAhFSAAKAIcIREgACgCGCESIAAoAhQhEyACQRBPBEAgAC0ATEVBGHQhFyAAKAIEIhZBBWytIQ8gACgCCCIYQQVsrSENIAAoAgwiGUEFbK0hCyAAKAIQIhpBBWytIQkgADUCACEIIBqtIRAgGa0hDiAYrSEMIBatIQoDQCASIAEtAAMiEiABLQAEQQh0ciABLQAFQRB0ciABLQAGIhZBGHRyQQJ2Qf///x9xaq0iAyAOfiABLwAAIAEtAAJBEHRyIBNqIBJBGHRBgICAGHFqrSIEIBB+fCARIAEtAAdBCHQgFnIgAS0ACEEQdHIgAS0ACSIRQRh0ckEEdkH///8fcWqtIgUgDH58IAEtAApBCHQgEXIgAS0AC0EQdHIgAS0ADEEYdHJBBnYgFWqtIgYgCn58IBQgF2ogAS8ADSABLQAPQRB0cmqtIgcgCH58IAMgDH4gBCAOfnwgBSAKfnwgBiAIfnwgByAJfnwgAyAKfiAEIAx+fCAFIAh+fCAGIAl+fCAHIAt+fCADIAh+IAQgCn58IAUgCX58IAYgC358IAcgDX58IAMgCX4gBCAIfnwgBSALfnwgBiANfnwgByAPfnwiA0IaiEL/////D4N8IgRCGohC/////w+DfCIFQhqIQv////8Pg3wiBkIaiEL/////D4N8IgdCGoinQQVsIAOnQf///x9xaiITQRp2IASnQf///x9xaiESIAWnQf///x9xIREgBqdB////H3EhFSAHp0H///8fcSEUIBNB////H3EhEyABQRBqIQEgAkEQayICQQ9LDQALCyAAIBQ2AiQgACAVNgIgIAAgETYCHCAAIBI2AhggACATNgIUCwMAAQu2BAEGfwJAIAAoAjgiBARAIABBPGohBQJAIAJBECAEayIDIAIgA0kbIgZFDQAgBkEDcSEHAkAgBkEBa0EDSQRAQQAhAwwBCyAGQXxxIQhBACEDA0AgBSADIARqaiABIANqLQAAOgAAIAUgA0EBciIEIAAoAjhqaiABIARqLQAAOgAAIAUgA0ECciIEIAAoAjhqaiABIARqLQAAOgAAIAUgA0EDciIEIAAoAjhqaiABIARqLQAAOgAAIANBBGohAyAAKAI4IQQgCEEEayIIDQALCyAHRQ0AA0AgBSADIARqaiABIANqLQAAOgAAIANBAWohAyAAKAI4IQQgB0EBayIHDQALCyAAIAQgBmoiAzYCOCADQRBJDQEgACAFQRAQAiAAQQA2AjggAiAGayECIAEgBmohAQsgAkEQTwRAIAAgASACQXBxIgMQAiACQQ9xIQIgASADaiEBCyACRQ0AIAJBA3EhBCAAQTxqIQVBACEDIAJBAWtBA08EQCACQXxxIQcDQCAFIAAoAjggA2pqIAEgA2otAAA6AAAgBSADQQFyIgYgACgCOGpqIAEgBmotAAA6AAAgBSADQQJyIgYgACgCOGpqIAEgBmotAAA6AAAgBSADQQNyIgYgACgCOGpqIAEgBmotAAA6AAAgA0EEaiEDIAdBBGsiBw0ACwsgBARAA0AgBSAAKAI4IANqaiABIANqLQAAOgAAIANBAWohAyAEQQFrIgQNAAsLIAAgACgCOCACajYCOAsLoS0BDH8jAEEQayIMJAACQAJAAkACQAJAAkACQAJAAkACQAJAAkAgAEH0AU0EQEGICCgCACIFQRAgAEELakF4cSAAQQtJGyIIQQN2IgJ2IgFBA3EEQCABQX9zQQFxIAJqIgNBA3QiAUG4CGooAgAiBEEIaiEAAkAgBCgCCCICIAFBsAhqIgFGBEBBiAggBUF+IAN3cTYCAAwBCyACIAE2AgwgASACNgIICyAEIANBA3QiAUEDcjYCBCABIARqIgEgASgCBEEBcjYCBAwNCyAIQZAIKAIAIgpNDQEgAQRAAkBBAiACdCIAQQAgAGtyIAEgAnRxIgBBACAAa3FBAWsiACAAQQx2QRBxIgJ2IgFBBXZBCHEiACACciABIAB2IgFBAnZBBHEiAHIgASAAdiIBQQF2QQJxIgByIAEgAHYiAUEBdkEBcSIAciABIAB2aiIDQQN0IgBBuAhqKAIAIgQoAggiASAAQbAIaiIARgRAQYgIIAVBfiADd3EiBTYCAAwBCyABIAA2AgwgACABNgIICyAEQQhqIQAgBCAIQQNyNgIEIAQgCGoiAiADQQN0IgEgCGsiA0EBcjYCBCABIARqIAM2AgAgCgRAIApBA3YiAUEDdEGwCGohB0GcCCgCACEEAn8gBUEBIAF0IgFxRQRAQYgIIAEgBXI2AgAgBwwBCyAHKAIICyEBIAcgBDYCCCABIAQ2AgwgBCAHNgIMIAQgATYCCAtBnAggAjYCAEGQCCADNgIADA0LQYwIKAIAIgZFDQEgBkEAIAZrcUEBayIAIABBDHZBEHEiAnYiAUEFdkEIcSIAIAJyIAEgAHYiAUECdkEEcSIAciABIAB2IgFBAXZBAnEiAHIgASAAdiIBQQF2QQFxIgByIAEgAHZqQQJ0QbgKaigCACIBKAIEQXhxIAhrIQMgASECA0ACQCACKAIQIgBFBEAgAigCFCIARQ0BCyAAKAIEQXhxIAhrIgIgAyACIANJIgIbIQMgACABIAIbIQEgACECDAELCyABIAhqIgkgAU0NAiABKAIYIQsgASABKAIMIgRHBEAgASgCCCIAQZgIKAIASRogACAENgIMIAQgADYCCAwMCyABQRRqIgIoAgAiAEUEQCABKAIQIgBFDQQgAUEQaiECCwNAIAIhByAAIgRBFGoiAigCACIADQAgBEEQaiECIAQoAhAiAA0ACyAHQQA2AgAMCwtBfyEIIABBv39LDQAgAEELaiIAQXhxIQhBjAgoAgAiCUUNAEEAIAhrIQMCQAJAAkACf0EAIAhBgAJJDQAaQR8gCEH///8HSw0AGiAAQQh2IgAgAEGA/j9qQRB2QQhxIgJ0IgAgAEGA4B9qQRB2QQRxIgF0IgAgAEGAgA9qQRB2QQJxIgB0QQ92IAEgAnIgAHJrIgBBAXQgCCAAQRVqdkEBcXJBHGoLIgVBAnRBuApqKAIAIgJFBEBBACEADAELQQAhACAIQQBBGSAFQQF2ayAFQR9GG3QhAQNAAkAgAigCBEF4cSAIayIHIANPDQAgAiEEIAciAw0AQQAhAyACIQAMAwsgACACKAIUIgcgByACIAFBHXZBBHFqKAIQIgJGGyAAIAcbIQAgAUEBdCEBIAINAAsLIAAgBHJFBEBBACEEQQIgBXQiAEEAIABrciAJcSIARQ0DIABBACAAa3FBAWsiACAAQQx2QRBxIgJ2IgFBBXZBCHEiACACciABIAB2IgFBAnZBBHEiAHIgASAAdiIBQQF2QQJxIgByIAEgAHYiAUEBdkEBcSIAciABIAB2akECdEG4CmooAgAhAAsgAEUNAQsDQCAAKAIEQXhxIAhrIgEgA0khAiABIAMgAhshAyAAIAQgAhshBCAAKAIQIgEEfyABBSAAKAIUCyIADQALCyAERQ0AIANBkAgoAgAgCGtPDQAgBCAIaiIGIARNDQEgBCgCGCEFIAQgBCgCDCIBRwRAIAQoAggiAEGYCCgCAEkaIAAgATYCDCABIAA2AggMCgsgBEEUaiICKAIAIgBFBEAgBCgCECIARQ0EIARBEGohAgsDQCACIQcgACIBQRRqIgIoAgAiAA0AIAFBEGohAiABKAIQIgANAAsgB0EANgIADAkLIAhBkAgoAgAiAk0EQEGcCCgCACEDAkAgAiAIayIBQRBPBEBBkAggATYCAEGcCCADIAhqIgA2AgAgACABQQFyNgIEIAIgA2ogATYCACADIAhBA3I2AgQMAQtBnAhBADYCAEGQCEEANgIAIAMgAkEDcjYCBCACIANqIgAgACgCBEEBcjYCBAsgA0EIaiEADAsLIAhBlAgoAgAiBkkEQEGUCCAGIAhrIgE2AgBBoAhBoAgoAgAiAiAIaiIANgIAIAAgAUEBcjYCBCACIAhBA3I2AgQgAkEIaiEADAsLQQAhACAIQS9qIgkCf0HgCygCAARAQegLKAIADAELQewLQn83AgBB5AtCgKCAgICABDcCAEHgCyAMQQxqQXBxQdiq1aoFczYCAEH0C0EANgIAQcQLQQA2AgBBgCALIgFqIgVBACABayIHcSICIAhNDQpBwAsoAgAiBARAQbgLKAIAIgMgAmoiASADTQ0LIAEgBEsNCwtBxAstAABBBHENBQJAAkBBoAgoAgAiAwRAQcgLIQADQCADIAAoAgAiAU8EQCABIAAoAgRqIANLDQMLIAAoAggiAA0ACwtBABABIgFBf0YNBiACIQVB5AsoAgAiA0EBayIAIAFxBEAgAiABayAAIAFqQQAgA2txaiEFCyAFIAhNDQYgBUH+////B0sNBkHACygCACIEBEBBuAsoAgAiAyAFaiIAIANNDQcgACAESw0HCyAFEAEiACABRw0BDAgLIAUgBmsgB3EiBUH+////B0sNBSAFEAEiASAAKAIAIAAoAgRqRg0EIAEhAAsCQCAAQX9GDQAgCEEwaiAFTQ0AQegLKAIAIgEgCSAFa2pBACABa3EiAUH+////B0sEQCAAIQEMCAsgARABQX9HBEAgASAFaiEFIAAhAQwIC0EAIAVrEAEaDAULIAAiAUF/Rw0GDAQLAAtBACEEDAcLQQAhAQwFCyABQX9HDQILQcQLQcQLKAIAQQRyNgIACyACQf7///8HSw0BIAIQASEBQQAQASEAIAFBf0YNASAAQX9GDQEgACABTQ0BIAAgAWsiBSAIQShqTQ0BC0G4C0G4CygCACAFaiIANgIAQbwLKAIAIABJBEBBvAsgADYCAAsCQAJAAkBBoAgoAgAiBwRAQcgLIQADQCABIAAoAgAiAyAAKAIEIgJqRg0CIAAoAggiAA0ACwwCC0GYCCgCACIAQQAgACABTRtFBEBBmAggATYCAAtBACEAQcwLIAU2AgBByAsgATYCAEGoCEF/NgIAQawIQeALKAIANgIAQdQLQQA2AgADQCAAQQN0IgNBuAhqIANBsAhqIgI2AgAgA0G8CGogAjYCACAAQQFqIgBBIEcNAAtBlAggBUEoayIDQXggAWtBB3FBACABQQhqQQdxGyIAayICNgIAQaAIIAAgAWoiADYCACAAIAJBAXI2AgQgASADakEoNgIEQaQIQfALKAIANgIADAILIAAtAAxBCHENACADIAdLDQAgASAHTQ0AIAAgAiAFajYCBEGgCCAHQXggB2tBB3FBACAHQQhqQQdxGyIAaiICNgIAQZQIQZQIKAIAIAVqIgEgAGsiADYCACACIABBAXI2AgQgASAHakEoNgIEQaQIQfALKAIANgIADAELQZgIKAIAIAFLBEBBmAggATYCAAsgASAFaiECQcgLIQACQAJAAkACQAJAAkADQCACIAAoAgBHBEAgACgCCCIADQEMAgsLIAAtAAxBCHFFDQELQcgLIQADQCAHIAAoAgAiAk8EQCACIAAoAgRqIgQgB0sNAwsgACgCCCEADAALAAsgACABNgIAIAAgACgCBCAFajYCBCABQXggAWtBB3FBACABQQhqQQdxG2oiCSAIQQNyNgIEIAJBeCACa0EHcUEAIAJBCGpBB3EbaiIFIAggCWoiBmshAiAFIAdGBEBBoAggBjYCAEGUCEGUCCgCACACaiIANgIAIAYgAEEBcjYCBAwDCyAFQZwIKAIARgRAQZwIIAY2AgBBkAhBkAgoAgAgAmoiADYCACAGIABBAXI2AgQgACAGaiAANgIADAMLIAUoAgQiAEEDcUEBRgRAIABBeHEhBwJAIABB/wFNBEAgBSgCCCIDIABBA3YiAEEDdEGwCGpGGiADIAUoAgwiAUYEQEGICEGICCgCAEF+IAB3cTYCAAwCCyADIAE2AgwgASADNgIIDAELIAUoAhghCAJAIAUgBSgCDCIBRwRAIAUoAggiACABNgIMIAEgADYCCAwBCwJAIAVBFGoiACgCACIDDQAgBUEQaiIAKAIAIgMNAEEAIQEMAQsDQCAAIQQgAyIBQRRqIgAoAgAiAw0AIAFBEGohACABKAIQIgMNAAsgBEEANgIACyAIRQ0AAkAgBSAFKAIcIgNBAnRBuApqIgAoAgBGBEAgACABNgIAIAENAUGMCEGMCCgCAEF+IAN3cTYCAAwCCyAIQRBBFCAIKAIQIAVGG2ogATYCACABRQ0BCyABIAg2AhggBSgCECIABEAgASAANgIQIAAgATYCGAsgBSgCFCIARQ0AIAEgADYCFCAAIAE2AhgLIAUgB2ohBSACIAdqIQILIAUgBSgCBEF+cTYCBCAGIAJBAXI2AgQgAiAGaiACNgIAIAJB/wFNBEAgAkEDdiIAQQN0QbAIaiECAn9BiAgoAgAiAUEBIAB0IgBxRQRAQYgIIAAgAXI2AgAgAgwBCyACKAIICyEAIAIgBjYCCCAAIAY2AgwgBiACNgIMIAYgADYCCAwDC0EfIQAgAkH///8HTQRAIAJBCHYiACAAQYD+P2pBEHZBCHEiA3QiACAAQYDgH2pBEHZBBHEiAXQiACAAQYCAD2pBEHZBAnEiAHRBD3YgASADciAAcmsiAEEBdCACIABBFWp2QQFxckEcaiEACyAGIAA2AhwgBkIANwIQIABBAnRBuApqIQQCQEGMCCgCACIDQQEgAHQiAXFFBEBBjAggASADcjYCACAEIAY2AgAgBiAENgIYDAELIAJBAEEZIABBAXZrIABBH0YbdCEAIAQoAgAhAQNAIAEiAygCBEF4cSACRg0DIABBHXYhASAAQQF0IQAgAyABQQRxaiIEKAIQIgENAAsgBCAGNgIQIAYgAzYCGAsgBiAGNgIMIAYgBjYCCAwCC0GUCCAFQShrIgNBeCABa0EHcUEAIAFBCGpBB3EbIgBrIgI2AgBBoAggACABaiIANgIAIAAgAkEBcjYCBCABIANqQSg2AgRBpAhB8AsoAgA2AgAgByAEQScgBGtBB3FBACAEQSdrQQdxG2pBL2siACAAIAdBEGpJGyICQRs2AgQgAkHQCykCADcCECACQcgLKQIANwIIQdALIAJBCGo2AgBBzAsgBTYCAEHICyABNgIAQdQLQQA2AgAgAkEYaiEAA0AgAEEHNgIEIABBCGohASAAQQRqIQAgASAESQ0ACyACIAdGDQMgAiACKAIEQX5xNgIEIAcgAiAHayIEQQFyNgIEIAIgBDYCACAEQf8BTQRAIARBA3YiAEEDdEGwCGohAgJ/QYgIKAIAIgFBASAAdCIAcUUEQEGICCAAIAFyNgIAIAIMAQsgAigCCAshACACIAc2AgggACAHNgIMIAcgAjYCDCAHIAA2AggMBAtBHyEAIAdCADcCECAEQf///wdNBEAgBEEIdiIAIABBgP4/akEQdkEIcSICdCIAIABBgOAfakEQdkEEcSIBdCIAIABBgIAPakEQdkECcSIAdEEPdiABIAJyIAByayIAQQF0IAQgAEEVanZBAXFyQRxqIQALIAcgADYCHCAAQQJ0QbgKaiEDAkBBjAgoAgAiAkEBIAB0IgFxRQRAQYwIIAEgAnI2AgAgAyAHNgIAIAcgAzYCGAwBCyAEQQBBGSAAQQF2ayAAQR9GG3QhACADKAIAIQEDQCABIgIoAgRBeHEgBEYNBCAAQR12IQEgAEEBdCEAIAIgAUEEcWoiAygCECIBDQALIAMgBzYCECAHIAI2AhgLIAcgBzYCDCAHIAc2AggMAwsgAygCCCIAIAY2AgwgAyAGNgIIIAZBADYCGCAGIAM2AgwgBiAANgIICyAJQQhqIQAMBQsgAigCCCIAIAc2AgwgAiAHNgIIIAdBADYCGCAHIAI2AgwgByAANgIIC0GUCCgCACIAIAhNDQBBlAggACAIayIBNgIAQaAIQaAIKAIAIgIgCGoiADYCACAAIAFBAXI2AgQgAiAIQQNyNgIEIAJBCGohAAwDC0GECEEwNgIAQQAhAAwCCwJAIAVFDQACQCAEKAIcIgJBAnRBuApqIgAoAgAgBEYEQCAAIAE2AgAgAQ0BQYwIIAlBfiACd3EiCTYCAAwCCyAFQRBBFCAFKAIQIARGG2ogATYCACABRQ0BCyABIAU2AhggBCgCECIABEAgASAANgIQIAAgATYCGAsgBCgCFCIARQ0AIAEgADYCFCAAIAE2AhgLAkAgA0EPTQRAIAQgAyAIaiIAQQNyNgIEIAAgBGoiACAAKAIEQQFyNgIEDAELIAQgCEEDcjYCBCAGIANBAXI2AgQgAyAGaiADNgIAIANB/wFNBEAgA0EDdiIAQQN0QbAIaiECAn9BiAgoAgAiAUEBIAB0IgBxRQRAQYgIIAAgAXI2AgAgAgwBCyACKAIICyEAIAIgBjYCCCAAIAY2AgwgBiACNgIMIAYgADYCCAwBC0EfIQAgA0H///8HTQRAIANBCHYiACAAQYD+P2pBEHZBCHEiAnQiACAAQYDgH2pBEHZBBHEiAXQiACAAQYCAD2pBEHZBAnEiAHRBD3YgASACciAAcmsiAEEBdCADIABBFWp2QQFxckEcaiEACyAGIAA2AhwgBkIANwIQIABBAnRBuApqIQICQAJAIAlBASAAdCIBcUUEQEGMCCABIAlyNgIAIAIgBjYCACAGIAI2AhgMAQsgA0EAQRkgAEEBdmsgAEEfRht0IQAgAigCACEIA0AgCCIBKAIEQXhxIANGDQIgAEEddiECIABBAXQhACABIAJBBHFqIgIoAhAiCA0ACyACIAY2AhAgBiABNgIYCyAGIAY2AgwgBiAGNgIIDAELIAEoAggiACAGNgIMIAEgBjYCCCAGQQA2AhggBiABNgIMIAYgADYCCAsgBEEIaiEADAELAkAgC0UNAAJAIAEoAhwiAkECdEG4CmoiACgCACABRgRAIAAgBDYCACAEDQFBjAggBkF+IAJ3cTYCAAwCCyALQRBBFCALKAIQIAFGG2ogBDYCACAERQ0BCyAEIAs2AhggASgCECIABEAgBCAANgIQIAAgBDYCGAsgASgCFCIARQ0AIAQgADYCFCAAIAQ2AhgLAkAgA0EPTQRAIAEgAyAIaiIAQQNyNgIEIAAgAWoiACAAKAIEQQFyNgIEDAELIAEgCEEDcjYCBCAJIANBAXI2AgQgAyAJaiADNgIAIAoEQCAKQQN2IgBBA3RBsAhqIQRBnAgoAgAhAgJ/QQEgAHQiACAFcUUEQEGICCAAIAVyNgIAIAQMAQsgBCgCCAshACAEIAI2AgggACACNgIMIAIgBDYCDCACIAA2AggLQZwIIAk2AgBBkAggAzYCAAsgAUEIaiEACyAMQRBqJAAgAAsQACMAIABrQXBxIgAkACAACwYAIAAkAAsEACMAC4AJAgh/BH4jAEGQAWsiBiQAIAYgBS0AA0EYdEGAgIAYcSAFLwAAIAUtAAJBEHRycjYCACAGIAUoAANBAnZBg/7/H3E2AgQgBiAFKAAGQQR2Qf+B/x9xNgIIIAYgBSgACUEGdkH//8AfcTYCDCAFLwANIQggBS0ADyEJIAZCADcCFCAGQgA3AhwgBkEANgIkIAYgCCAJQRB0QYCAPHFyNgIQIAYgBSgAEDYCKCAGIAUoABQ2AiwgBiAFKAAYNgIwIAUoABwhBSAGQQA6AEwgBkEANgI4IAYgBTYCNCAGIAEgAhAEIAQEQCAGIAMgBBAECyAGKAI4IgEEQCAGQTxqIgIgAWpBAToAACABQQFqQQ9NBEAgASAGakE9aiEEAkBBDyABayIDRQ0AIAMgBGoiAUEBa0EAOgAAIARBADoAACADQQNJDQAgAUECa0EAOgAAIARBADoAASABQQNrQQA6AAAgBEEAOgACIANBB0kNACABQQRrQQA6AAAgBEEAOgADIANBCUkNACAEQQAgBGtBA3EiAWoiBEEANgIAIAQgAyABa0F8cSIBaiIDQQRrQQA2AgAgAUEJSQ0AIARBADYCCCAEQQA2AgQgA0EIa0EANgIAIANBDGtBADYCACABQRlJDQAgBEEANgIYIARBADYCFCAEQQA2AhAgBEEANgIMIANBEGtBADYCACADQRRrQQA2AgAgA0EYa0EANgIAIANBHGtBADYCACABIARBBHFBGHIiAWsiA0EgSQ0AIAEgBGohAQNAIAFCADcDGCABQgA3AxAgAUIANwMIIAFCADcDACABQSBqIQEgA0EgayIDQR9LDQALCwsgBkEBOgBMIAYgAkEQEAILIAY1AjQhECAGNQIwIREgBjUCLCEOIAAgBjUCKCAGKAIkIAYoAiAgBigCHCAGKAIYIgNBGnZqIgJBGnZqIgFBGnZqIgtBgICAYHIgAUH///8fcSINIAJB////H3EiCCAGKAIUIAtBGnZBBWxqIgFB////H3EiCUEFaiIFQRp2IANB////H3EgAUEadmoiA2oiAUEadmoiAkEadmoiBEEadmoiDEEfdSIHIANxIAEgDEEfdkEBayIDQf///x9xIgpxciIBQRp0IAUgCnEgByAJcXJyrXwiDzwAACAAIA9CGIg8AAMgACAPQhCIPAACIAAgD0IIiDwAASAAIA4gByAIcSACIApxciICQRR0IAFBBnZyrXwgD0IgiHwiDjwABCAAIA5CGIg8AAcgACAOQhCIPAAGIAAgDkIIiDwABSAAIBEgByANcSAEIApxciIBQQ50IAJBDHZyrXwgDkIgiHwiDjwACCAAIA5CGIg8AAsgACAOQhCIPAAKIAAgDkIIiDwACSAAIBAgAyAMcSAHIAtxckEIdCABQRJ2cq18IA5CIIh8Ig48AAwgACAOQhiIPAAPIAAgDkIQiDwADiAAIA5CCIg8AA0gBkIANwIwIAZCADcCKCAGQgA3AiAgBkIANwIYIAZCADcCECAGQgA3AgggBkIANwIAIAZBkAFqJAALpwwBB38CQCAARQ0AIABBCGsiAyAAQQRrKAIAIgFBeHEiAGohBQJAIAFBAXENACABQQNxRQ0BIAMgAygCACIBayIDQZgIKAIASQ0BIAAgAWohACADQZwIKAIARwRAIAFB/wFNBEAgAygCCCICIAFBA3YiBEEDdEGwCGpGGiACIAMoAgwiAUYEQEGICEGICCgCAEF+IAR3cTYCAAwDCyACIAE2AgwgASACNgIIDAILIAMoAhghBgJAIAMgAygCDCIBRwRAIAMoAggiAiABNgIMIAEgAjYCCAwBCwJAIANBFGoiAigCACIEDQAgA0EQaiICKAIAIgQNAEEAIQEMAQsDQCACIQcgBCIBQRRqIgIoAgAiBA0AIAFBEGohAiABKAIQIgQNAAsgB0EANgIACyAGRQ0BAkAgAyADKAIcIgJBAnRBuApqIgQoAgBGBEAgBCABNgIAIAENAUGMCEGMCCgCAEF+IAJ3cTYCAAwDCyAGQRBBFCAGKAIQIANGG2ogATYCACABRQ0CCyABIAY2AhggAygCECICBEAgASACNgIQIAIgATYCGAsgAygCFCICRQ0BIAEgAjYCFCACIAE2AhgMAQsgBSgCBCIBQQNxQQNHDQBBkAggADYCACAFIAFBfnE2AgQgAyAAQQFyNgIEIAAgA2ogADYCAA8LIAMgBU8NACAFKAIEIgFBAXFFDQACQCABQQJxRQRAIAVBoAgoAgBGBEBBoAggAzYCAEGUCEGUCCgCACAAaiIANgIAIAMgAEEBcjYCBCADQZwIKAIARw0DQZAIQQA2AgBBnAhBADYCAA8LIAVBnAgoAgBGBEBBnAggAzYCAEGQCEGQCCgCACAAaiIANgIAIAMgAEEBcjYCBCAAIANqIAA2AgAPCyABQXhxIABqIQACQCABQf8BTQRAIAUoAggiAiABQQN2IgRBA3RBsAhqRhogAiAFKAIMIgFGBEBBiAhBiAgoAgBBfiAEd3E2AgAMAgsgAiABNgIMIAEgAjYCCAwBCyAFKAIYIQYCQCAFIAUoAgwiAUcEQCAFKAIIIgJBmAgoAgBJGiACIAE2AgwgASACNgIIDAELAkAgBUEUaiICKAIAIgQNACAFQRBqIgIoAgAiBA0AQQAhAQwBCwNAIAIhByAEIgFBFGoiAigCACIEDQAgAUEQaiECIAEoAhAiBA0ACyAHQQA2AgALIAZFDQACQCAFIAUoAhwiAkECdEG4CmoiBCgCAEYEQCAEIAE2AgAgAQ0BQYwIQYwIKAIAQX4gAndxNgIADAILIAZBEEEUIAYoAhAgBUYbaiABNgIAIAFFDQELIAEgBjYCGCAFKAIQIgIEQCABIAI2AhAgAiABNgIYCyAFKAIUIgJFDQAgASACNgIUIAIgATYCGAsgAyAAQQFyNgIEIAAgA2ogADYCACADQZwIKAIARw0BQZAIIAA2AgAPCyAFIAFBfnE2AgQgAyAAQQFyNgIEIAAgA2ogADYCAAsgAEH/AU0EQCAAQQN2IgFBA3RBsAhqIQACf0GICCgCACICQQEgAXQiAXFFBEBBiAggASACcjYCACAADAELIAAoAggLIQIgACADNgIIIAIgAzYCDCADIAA2AgwgAyACNgIIDwtBHyECIANCADcCECAAQf///wdNBEAgAEEIdiIBIAFBgP4/akEQdkEIcSIBdCICIAJBgOAfakEQdkEEcSICdCIEIARBgIAPakEQdkECcSIEdEEPdiABIAJyIARyayIBQQF0IAAgAUEVanZBAXFyQRxqIQILIAMgAjYCHCACQQJ0QbgKaiEBAkACQAJAQYwIKAIAIgRBASACdCIHcUUEQEGMCCAEIAdyNgIAIAEgAzYCACADIAE2AhgMAQsgAEEAQRkgAkEBdmsgAkEfRht0IQIgASgCACEBA0AgASIEKAIEQXhxIABGDQIgAkEddiEBIAJBAXQhAiAEIAFBBHFqIgdBEGooAgAiAQ0ACyAHIAM2AhAgAyAENgIYCyADIAM2AgwgAyADNgIIDAELIAQoAggiACADNgIMIAQgAzYCCCADQQA2AhggAyAENgIMIAMgADYCCAtBqAhBqAgoAgBBAWsiAEF/IAAbNgIACwsLCQEAQYEICwIGUA==",!de.startsWith(ce)){var ue=de;de=n.locateFile?n.locateFile(ue,f):f+ue}function rt(){var U=de;try{if(U==de&&E)return new Uint8Array(E);var X=mn(U);if(X)return X;if(m)return m(U);throw"both async and sync fetching of the wasm failed"}catch(me){z(me)}}a(rt,"pa");function mt(){if(!E&&(c||u)){if(typeof fetch=="function"&&!de.startsWith("file://"))return fetch(de,{credentials:"same-origin"}).then(function(U){if(!U.ok)throw"failed to load wasm binary file at '"+de+"'";return U.arrayBuffer()}).catch(function(){return rt()});if(_)return new Promise(function(U,X){_(de,function(me){U(new Uint8Array(me))},X)})}return Promise.resolve().then(function(){return rt()})}a(mt,"qa");function no(U){for(;0<U.length;){var X=U.shift();if(typeof X=="function")X(n);else{var me=X.m;typeof me=="number"?X.l===void 0?_e.get(me)():_e.get(me)(X.l):me(X.l===void 0?null:X.l)}}}a(no,"X");var cr=!1,ur=typeof atob=="function"?atob:function(U){var X="",me=0;U=U.replace(/[^A-Za-z0-9\+\/=]/g,"");do{var Ee="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".indexOf(U.charAt(me++)),Me="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".indexOf(U.charAt(me++)),pt="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".indexOf(U.charAt(me++)),sn="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".indexOf(U.charAt(me++));Ee=Ee<<2|Me>>4,Me=(Me&15)<<4|pt>>2;var Ut=(pt&3)<<6|sn;X+=String.fromCharCode(Ee),pt!==64&&(X+=String.fromCharCode(Me)),sn!==64&&(X+=String.fromCharCode(Ut))}while(me<U.length);return X};function mn(U){if(U.startsWith(ce)){if(U=U.slice(ce.length),typeof l=="boolean"&&l){var X=Buffer.from(U,"base64");X=new Uint8Array(X.buffer,X.byteOffset,X.byteLength)}else try{var me=ur(U),Ee=new Uint8Array(me.length);for(U=0;U<me.length;++U)Ee[U]=me.charCodeAt(U);X=Ee}catch{throw Error("Converting base64 string to bytes failed.")}return X}}a(mn,"H");var lr={a:a(function(U){var X=W.length;if(U>>>=0,2147483648<U)return!1;for(var me=1;4>=me;me*=2){var Ee=X*(1+.2/me);Ee=Math.min(Ee,U+100663296),Ee=Math.max(U,Ee),0<Ee%65536&&(Ee+=65536-Ee%65536);e:{try{L.grow(Math.min(2147483648,Ee)-G.byteLength+65535>>>16),te();var Me=1;break e}catch{}Me=void 0}if(Me)return!0}return!1},"a")};(function(){function U(Me){n.asm=Me.exports,L=n.asm.b,te(),_e=n.asm.j,oe.unshift(n.asm.c),R--,n.monitorRunDependencies&&n.monitorRunDependencies(R),R==0&&(O!==null&&(clearInterval(O),O=null),N&&(Me=N,N=null,Me()))}a(U,"a");function X(Me){U(Me.instance)}a(X,"c");function me(Me){return mt().then(function(pt){return WebAssembly.instantiate(pt,Ee)}).then(Me,function(pt){A("failed to asynchronously prepare wasm: "+pt),z(pt)})}a(me,"d");var Ee={a:lr};if(R++,n.monitorRunDependencies&&n.monitorRunDependencies(R),n.instantiateWasm)try{return n.instantiateWasm(Ee,U)}catch(Me){return A("Module.instantiateWasm callback failed with error: "+Me),!1}return(function(){return E||typeof WebAssembly.instantiateStreaming!="function"||de.startsWith(ce)||de.startsWith("file://")||typeof fetch!="function"?me(X):fetch(de,{credentials:"same-origin"}).then(function(Me){return WebAssembly.instantiateStreaming(Me,Ee).then(X,function(pt){return A("wasm streaming compile failed: "+pt),A("falling back to ArrayBuffer instantiation"),me(X)})})})().catch(o),{}})(),n.___wasm_call_ctors=function(){return(n.___wasm_call_ctors=n.asm.c).apply(null,arguments)},n._poly1305_auth=function(){return(n._poly1305_auth=n.asm.d).apply(null,arguments)};var ro=n.stackSave=function(){return(ro=n.stackSave=n.asm.e).apply(null,arguments)},ns=n.stackRestore=function(){return(ns=n.stackRestore=n.asm.f).apply(null,arguments)},oo=n.stackAlloc=function(){return(oo=n.stackAlloc=n.asm.g).apply(null,arguments)};n._malloc=function(){return(n._malloc=n.asm.h).apply(null,arguments)},n._free=function(){return(n._free=n.asm.i).apply(null,arguments)},n.cwrap=function(U,X,me,Ee){me=me||[];var Me=me.every(function(pt){return pt==="number"});return X!=="string"&&Me&&!Ee?re(U):function(){return xe(U,X,me,arguments)}};var dr;N=a(function U(){dr||fr(),dr||(N=U)},"ta");function fr(){function U(){if(!dr&&(dr=!0,n.calledRun=!0,!T)){if(no(oe),r(n),n.onRuntimeInitialized&&n.onRuntimeInitialized(),n.postRun)for(typeof n.postRun=="function"&&(n.postRun=[n.postRun]);n.postRun.length;){var X=n.postRun.shift();fe.unshift(X)}no(fe)}}if(a(U,"a"),!(0<R)){if(n.preRun)for(typeof n.preRun=="function"&&(n.preRun=[n.preRun]);n.preRun.length;)$e();no(Y),0<R||(n.setStatus?(n.setStatus("Running..."),setTimeout(function(){setTimeout(function(){n.setStatus("")},1),U()},1)):U())}}if(a(fr,"Z"),n.run=fr,n.preInit)for(typeof n.preInit=="function"&&(n.preInit=[n.preInit]);0<n.preInit.length;)n.preInit.pop()();return fr(),t.ready})})();typeof Ws=="object"&&typeof _c=="object"?_c.exports=pc:typeof define=="function"&&define.amd?define([],function(){return pc}):typeof Ws=="object"&&(Ws.createPoly1305=pc)});var Tr=Fe((j4,Ph)=>{"use strict";var{createCipheriv:Or,createDecipheriv:Zs,createHmac:mc,randomFillSync:nr,timingSafeEqual:gc}=require("crypto"),{readUInt32BE:bo,writeUInt32BE:Ft}=xn(),zn=Buffer[Symbol.species],Ih=2**32-1,Ch=Buffer.alloc(0),Nr=Buffer.alloc(4),qs=new Map,rr=35e3,$c,Tc,Nc,Oc,Lc,Uc,Dc;try{$c=require("./crypto/build/Release/sshcrypto.node"),{AESGCMCipher:Tc,ChaChaPolyCipher:Nc,GenericCipher:Oc,AESGCMDecipher:Lc,ChaChaPolyDecipher:Uc,GenericDecipher:Dc}=$c}catch{}var Et=1,Ay=(()=>{function e(t,n,r,o,s,i,c){return{sslName:t,blockLen:n,keyLen:r,ivLen:o!==0||c&Et?o:n,authLen:s,discardLen:i,stream:!!(c&Et)}}return a(e,"info"),{"chacha20-poly1305@openssh.com":e("chacha20",8,64,0,16,0,Et),"aes128-gcm":e("aes-128-gcm",16,16,12,16,0,Et),"aes256-gcm":e("aes-256-gcm",16,32,12,16,0,Et),"aes128-gcm@openssh.com":e("aes-128-gcm",16,16,12,16,0,Et),"aes256-gcm@openssh.com":e("aes-256-gcm",16,32,12,16,0,Et),"aes128-cbc":e("aes-128-cbc",16,16,0,0,0,0),"aes192-cbc":e("aes-192-cbc",16,24,0,0,0,0),"aes256-cbc":e("aes-256-cbc",16,32,0,0,0,0),"rijndael-cbc@lysator.liu.se":e("aes-256-cbc",16,32,0,0,0,0),"3des-cbc":e("des-ede3-cbc",8,24,0,0,0,0),"blowfish-cbc":e("bf-cbc",8,16,0,0,0,0),"idea-cbc":e("idea-cbc",8,16,0,0,0,0),"cast128-cbc":e("cast-cbc",8,16,0,0,0,0),"aes128-ctr":e("aes-128-ctr",16,16,16,0,0,Et),"aes192-ctr":e("aes-192-ctr",16,24,16,0,0,Et),"aes256-ctr":e("aes-256-ctr",16,32,16,0,0,Et),"3des-ctr":e("des-ede3",8,24,8,0,0,Et),"blowfish-ctr":e("bf-ecb",8,16,8,0,0,Et),"cast128-ctr":e("cast5-ecb",8,16,8,0,0,Et),arcfour:e("rc4",8,16,0,0,1536,Et),arcfour128:e("rc4",8,16,0,0,1536,Et),arcfour256:e("rc4",8,32,0,0,1536,Et),arcfour512:e("rc4",8,64,0,0,1536,Et)}})(),xy=(()=>{function e(t,n,r,o){return{sslName:t,len:n,actualLen:r,isETM:o}}return a(e,"info"),{"hmac-md5":e("md5",16,16,!1),"hmac-md5-96":e("md5",16,12,!1),"hmac-ripemd160":e("ripemd160",20,20,!1),"hmac-sha1":e("sha1",20,20,!1),"hmac-sha1-etm@openssh.com":e("sha1",20,20,!0),"hmac-sha1-96":e("sha1",20,12,!1),"hmac-sha2-256":e("sha256",32,32,!1),"hmac-sha2-256-etm@openssh.com":e("sha256",32,32,!0),"hmac-sha2-256-96":e("sha256",32,12,!1),"hmac-sha2-512":e("sha512",64,64,!1),"hmac-sha2-512-etm@openssh.com":e("sha512",64,64,!0),"hmac-sha2-512-96":e("sha512",64,12,!1)}})(),wc=class{static{a(this,"NullCipher")}constructor(t,n){this.outSeqno=t,this._onWrite=n,this._dead=!1}free(){this._dead=!0}allocPacket(t){let n=5+t,r=8-(n&7);r<4&&(r+=8),n+=r;let o=Buffer.allocUnsafe(n);return Ft(o,n-4,0),o[4]=r,nr(o,5+t,r),o}encrypt(t){this._dead||(this._onWrite(t),this.outSeqno=this.outSeqno+1>>>0)}},Rh=Buffer.alloc(32),Ot=Buffer.alloc(16),yo,Ao,Hc,yc=class{static{a(this,"ChaChaPolyCipherNative")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._encKeyMain=n.cipherKey.slice(0,32),this._encKeyPktLen=n.cipherKey.slice(32),this._dead=!1}free(){this._dead=!0}allocPacket(t){let n=5+t,r=8-(n-4&7);r<4&&(r+=8),n+=r;let o=Buffer.allocUnsafe(n);return Ft(o,n-4,0),o[4]=r,nr(o,5+t,r),o}encrypt(t){if(this._dead)return;Ot[0]=0,Ft(Ot,this.outSeqno,12);let n=Or("chacha20",this._encKeyMain,Ot).update(Rh),r=Or("chacha20",this._encKeyPktLen,Ot).update(t.slice(0,4));this._onWrite(r),Ot[0]=1;let o=Or("chacha20",this._encKeyMain,Ot).update(t.slice(4));this._onWrite(o),Hc(Ao,r,r.length,o,o.length,n);let s=Buffer.allocUnsafe(16);s.set(new Uint8Array(yo.HEAPU8.buffer,Ao,16),0),this._onWrite(s),this.outSeqno=this.outSeqno+1>>>0}},bc=class{static{a(this,"ChaChaPolyCipherBinding")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._instance=new Nc(n.cipherKey),this._dead=!1}free(){this._dead=!0,this._instance.free()}allocPacket(t){let n=5+t,r=8-(n-4&7);r<4&&(r+=8),n+=r;let o=Buffer.allocUnsafe(n+16);return Ft(o,n-4,0),o[4]=r,nr(o,5+t,r),o}encrypt(t){this._dead||(this._instance.encrypt(t,this.outSeqno),this._onWrite(t),this.outSeqno=this.outSeqno+1>>>0)}},Ac=class{static{a(this,"AESGCMCipherNative")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._encSSLName=n.cipherInfo.sslName,this._encKey=n.cipherKey,this._encIV=n.cipherIV,this._dead=!1}free(){this._dead=!0}allocPacket(t){let n=5+t,r=16-(n-4&15);r<4&&(r+=16),n+=r;let o=Buffer.allocUnsafe(n);return Ft(o,n-4,0),o[4]=r,nr(o,5+t,r),o}encrypt(t){if(this._dead)return;let n=Or(this._encSSLName,this._encKey,this._encIV);n.setAutoPadding(!1);let r=t.slice(0,4);n.setAAD(r),this._onWrite(r);let o=n.update(t.slice(4));this._onWrite(o);let s=n.final();s.length&&this._onWrite(s);let i=n.getAuthTag();this._onWrite(i),Bh(this._encIV),this.outSeqno=this.outSeqno+1>>>0}},xc=class{static{a(this,"AESGCMCipherBinding")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._instance=new Tc(n.cipherInfo.sslName,n.cipherKey,n.cipherIV),this._dead=!1}free(){this._dead=!0,this._instance.free()}allocPacket(t){let n=5+t,r=16-(n-4&15);r<4&&(r+=16),n+=r;let o=Buffer.allocUnsafe(n+16);return Ft(o,n-4,0),o[4]=r,nr(o,5+t,r),o}encrypt(t){this._dead||(this._instance.encrypt(t),this._onWrite(t),this.outSeqno=this.outSeqno+1>>>0)}},Ec=class{static{a(this,"GenericCipherNative")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._encBlockLen=n.cipherInfo.blockLen,this._cipherInstance=Or(n.cipherInfo.sslName,n.cipherKey,n.cipherIV),this._macSSLName=n.macInfo.sslName,this._macKey=n.macKey,this._macActualLen=n.macInfo.actualLen,this._macETM=n.macInfo.isETM,this._aadLen=this._macETM?4:0,this._dead=!1;let r=n.cipherInfo.discardLen;if(r){let o=qs.get(r);o===void 0&&(o=Buffer.alloc(r),qs.set(r,o)),this._cipherInstance.update(o)}}free(){this._dead=!0}allocPacket(t){let n=this._encBlockLen,r=5+t,o=n-(r-this._aadLen&n-1);o<4&&(o+=n),r+=o;let s=Buffer.allocUnsafe(r);return Ft(s,r-4,0),s[4]=o,nr(s,5+t,o),s}encrypt(t){if(this._dead)return;let n;if(this._macETM){let o=new Uint8Array(t.buffer,t.byteOffset,4),s=this._cipherInstance.update(new Uint8Array(t.buffer,t.byteOffset+4,t.length-4));this._onWrite(o),this._onWrite(s),n=mc(this._macSSLName,this._macKey),Ft(Nr,this.outSeqno,0),n.update(Nr),n.update(o),n.update(s)}else{let o=this._cipherInstance.update(t);this._onWrite(o),n=mc(this._macSSLName,this._macKey),Ft(Nr,this.outSeqno,0),n.update(Nr),n.update(t)}let r=n.digest();r.length>this._macActualLen&&(r=r.slice(0,this._macActualLen)),this._onWrite(r),this.outSeqno=this.outSeqno+1>>>0}},kc=class{static{a(this,"GenericCipherBinding")}constructor(t){let n=t.outbound;this.outSeqno=n.seqno,this._onWrite=n.onWrite,this._encBlockLen=n.cipherInfo.blockLen,this._macLen=n.macInfo.len,this._macActualLen=n.macInfo.actualLen,this._aadLen=n.macInfo.isETM?4:0,this._instance=new Oc(n.cipherInfo.sslName,n.cipherKey,n.cipherIV,n.macInfo.sslName,n.macKey,n.macInfo.isETM),this._dead=!1}free(){this._dead=!0,this._instance.free()}allocPacket(t){let n=this._encBlockLen,r=5+t,o=n-(r-this._aadLen&n-1);o<4&&(o+=n),r+=o;let s=Buffer.allocUnsafe(r+this._macLen);return Ft(s,r-4,0),s[4]=o,nr(s,5+t,o),s}encrypt(t){this._dead||(this._instance.encrypt(t,this.outSeqno),this._macActualLen<this._macLen&&(t=new zn(t.buffer,t.byteOffset,t.length-(this._macLen-this._macActualLen))),this._onWrite(t),this.outSeqno=this.outSeqno+1>>>0)}},vc=class{static{a(this,"NullDecipher")}constructor(t,n){this.inSeqno=t,this._onPayload=n,this._len=0,this._lenBytes=0,this._packet=null,this._packetPos=0}free(){}decrypt(t,n,r){for(;n<r;){if(this._lenBytes<4){let s=Math.min(4-this._lenBytes,r-n);for(this._lenBytes+=s;s--;)this._len=(this._len<<8)+t[n++];if(this._lenBytes<4)return;if(this._len>rr||this._len<8||(4+this._len&7)!==0)throw new Error("Bad packet length");if(n>=r)return}if(this._packetPos<this._len){let s=Math.min(this._len-this._packetPos,r-n),i;if(n!==0||s!==r?i=new Uint8Array(t.buffer,t.byteOffset+n,s):i=t,s===this._len?this._packet=i:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(i,this._packetPos)),n+=s,this._packetPos+=s,this._packetPos<this._len)return}let o=this._packet?new zn(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1):Ch;this.inSeqno=this.inSeqno+1>>>0,this._len=0,this._lenBytes=0,this._packet=null,this._packetPos=0;{let s=this._onPayload(o);if(s!==void 0)return s===!1?n:s}}}},Sc=class{static{a(this,"ChaChaPolyDecipherNative")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._decKeyMain=n.decipherKey.slice(0,32),this._decKeyPktLen=n.decipherKey.slice(32),this._len=0,this._lenBuf=Buffer.alloc(4),this._lenPos=0,this._packet=null,this._pktLen=0,this._mac=Buffer.allocUnsafe(16),this._calcMac=Buffer.allocUnsafe(16),this._macPos=0}free(){}decrypt(t,n,r){for(;n<r;){if(this._lenPos<4){let c=Math.min(4-this._lenPos,r-n);for(;c--;)this._lenBuf[this._lenPos++]=t[n++];if(this._lenPos<4)return;Ot[0]=0,Ft(Ot,this.inSeqno,12);let u=Zs("chacha20",this._decKeyPktLen,Ot).update(this._lenBuf);if(this._len=bo(u,0),this._len>rr||this._len<8||(this._len&7)!==0)throw new Error("Bad packet length")}if(this._pktLen<this._len){if(n>=r)return;let c=Math.min(this._len-this._pktLen,r-n),u;if(n!==0||c!==r?u=new Uint8Array(t.buffer,t.byteOffset+n,c):u=t,c===this._len?this._packet=u:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(u,this._pktLen)),n+=c,this._pktLen+=c,this._pktLen<this._len||n>=r)return}{let c=Math.min(16-this._macPos,r-n);if(n!==0||c!==r?this._mac.set(new Uint8Array(t.buffer,t.byteOffset+n,c),this._macPos):this._mac.set(t,this._macPos),n+=c,this._macPos+=c,this._macPos<16)return}Ot[0]=0,Ft(Ot,this.inSeqno,12);let o=Or("chacha20",this._decKeyMain,Ot).update(Rh);if(Hc(Ao,this._lenBuf,4,this._packet,this._packet.length,o),this._calcMac.set(new Uint8Array(yo.HEAPU8.buffer,Ao,16),0),!gc(this._calcMac,this._mac))throw new Error("Invalid MAC");Ot[0]=1;let s=Zs("chacha20",this._decKeyMain,Ot).update(this._packet),i=new zn(s.buffer,s.byteOffset+1,s.length-s[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._len=0,this._lenPos=0,this._packet=null,this._pktLen=0,this._macPos=0;{let c=this._onPayload(i);if(c!==void 0)return c===!1?n:c}}}},Ic=class{static{a(this,"ChaChaPolyDecipherBinding")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._instance=new Uc(n.decipherKey),this._len=0,this._lenBuf=Buffer.alloc(4),this._lenPos=0,this._packet=null,this._pktLen=0,this._mac=Buffer.allocUnsafe(16),this._macPos=0}free(){this._instance.free()}decrypt(t,n,r){for(;n<r;){if(this._lenPos<4){let s=Math.min(4-this._lenPos,r-n);for(;s--;)this._lenBuf[this._lenPos++]=t[n++];if(this._lenPos<4)return;if(this._len=this._instance.decryptLen(this._lenBuf,this.inSeqno),this._len>rr||this._len<8||(this._len&7)!==0)throw new Error("Bad packet length");if(n>=r)return}if(this._pktLen<this._len){let s=Math.min(this._len-this._pktLen,r-n),i;if(n!==0||s!==r?i=new Uint8Array(t.buffer,t.byteOffset+n,s):i=t,s===this._len?this._packet=i:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(i,this._pktLen)),n+=s,this._pktLen+=s,this._pktLen<this._len||n>=r)return}{let s=Math.min(16-this._macPos,r-n);if(n!==0||s!==r?this._mac.set(new Uint8Array(t.buffer,t.byteOffset+n,s),this._macPos):this._mac.set(t,this._macPos),n+=s,this._macPos+=s,this._macPos<16)return}this._instance.decrypt(this._packet,this._mac,this.inSeqno);let o=new zn(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._len=0,this._lenPos=0,this._packet=null,this._pktLen=0,this._macPos=0;{let s=this._onPayload(o);if(s!==void 0)return s===!1?n:s}}}},Cc=class{static{a(this,"AESGCMDecipherNative")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._decipherInstance=null,this._decipherSSLName=n.decipherInfo.sslName,this._decipherKey=n.decipherKey,this._decipherIV=n.decipherIV,this._len=0,this._lenBytes=0,this._packet=null,this._packetPos=0,this._pktLen=0,this._tag=Buffer.allocUnsafe(16),this._tagPos=0}free(){}decrypt(t,n,r){for(;n<r;){if(this._lenBytes<4){let s=Math.min(4-this._lenBytes,r-n);for(this._lenBytes+=s;s--;)this._len=(this._len<<8)+t[n++];if(this._lenBytes<4)return;if(this._len+20>rr||this._len<16||(this._len&15)!==0)throw new Error("Bad packet length");this._decipherInstance=Zs(this._decipherSSLName,this._decipherKey,this._decipherIV),this._decipherInstance.setAutoPadding(!1),this._decipherInstance.setAAD(Ey(this._len))}if(this._pktLen<this._len){if(n>=r)return;let s=Math.min(this._len-this._pktLen,r-n),i;if(n!==0||s!==r?i=this._decipherInstance.update(new Uint8Array(t.buffer,t.byteOffset+n,s)):i=this._decipherInstance.update(t),i.length&&(s===this._len?this._packet=i:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(i,this._packetPos)),this._packetPos+=i.length),n+=s,this._pktLen+=s,this._pktLen<this._len||n>=r)return}{let s=Math.min(16-this._tagPos,r-n);if(n!==0||s!==r?this._tag.set(new Uint8Array(t.buffer,t.byteOffset+n,s),this._tagPos):this._tag.set(t,this._tagPos),n+=s,this._tagPos+=s,this._tagPos<16)return}{this._decipherInstance.setAuthTag(this._tag);let s=this._decipherInstance.final();s.length&&(this._packet?this._packet.set(s,this._packetPos):this._packet=s)}let o=this._packet?new zn(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1):Ch;this.inSeqno=this.inSeqno+1>>>0,Bh(this._decipherIV),this._len=0,this._lenBytes=0,this._packet=null,this._packetPos=0,this._pktLen=0,this._tagPos=0;{let s=this._onPayload(o);if(s!==void 0)return s===!1?n:s}}}},Rc=class{static{a(this,"AESGCMDecipherBinding")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._instance=new Lc(n.decipherInfo.sslName,n.decipherKey,n.decipherIV),this._len=0,this._lenBytes=0,this._packet=null,this._pktLen=0,this._tag=Buffer.allocUnsafe(16),this._tagPos=0}free(){}decrypt(t,n,r){for(;n<r;){if(this._lenBytes<4){let s=Math.min(4-this._lenBytes,r-n);for(this._lenBytes+=s;s--;)this._len=(this._len<<8)+t[n++];if(this._lenBytes<4)return;if(this._len+20>rr||this._len<16||(this._len&15)!==0)throw new Error(`Bad packet length: ${this._len}`)}if(this._pktLen<this._len){if(n>=r)return;let s=Math.min(this._len-this._pktLen,r-n),i;if(n!==0||s!==r?i=new Uint8Array(t.buffer,t.byteOffset+n,s):i=t,s===this._len?this._packet=i:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(i,this._pktLen)),n+=s,this._pktLen+=s,this._pktLen<this._len||n>=r)return}{let s=Math.min(16-this._tagPos,r-n);if(n!==0||s!==r?this._tag.set(new Uint8Array(t.buffer,t.byteOffset+n,s),this._tagPos):this._tag.set(t,this._tagPos),n+=s,this._tagPos+=s,this._tagPos<16)return}this._instance.decrypt(this._packet,this._len,this._tag);let o=new zn(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._len=0,this._lenBytes=0,this._packet=null,this._pktLen=0,this._tagPos=0;{let s=this._onPayload(o);if(s!==void 0)return s===!1?n:s}}}},Bc=class{static{a(this,"GenericDecipherNative")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._decipherInstance=Zs(n.decipherInfo.sslName,n.decipherKey,n.decipherIV),this._decipherInstance.setAutoPadding(!1),this._block=Buffer.allocUnsafe(n.macInfo.isETM?4:n.decipherInfo.blockLen),this._blockSize=n.decipherInfo.blockLen,this._blockPos=0,this._len=0,this._packet=null,this._packetPos=0,this._pktLen=0,this._mac=Buffer.allocUnsafe(n.macInfo.actualLen),this._macPos=0,this._macSSLName=n.macInfo.sslName,this._macKey=n.macKey,this._macActualLen=n.macInfo.actualLen,this._macETM=n.macInfo.isETM,this._macInstance=null;let r=n.decipherInfo.discardLen;if(r){let o=qs.get(r);o===void 0&&(o=Buffer.alloc(r),qs.set(r,o)),this._decipherInstance.update(o)}}free(){}decrypt(t,n,r){for(;n<r;){if(this._blockPos<this._block.length){let i=Math.min(this._block.length-this._blockPos,r-n);if(n!==0||i!==r||i<t.length?this._block.set(new Uint8Array(t.buffer,t.byteOffset+n,i),this._blockPos):this._block.set(t,this._blockPos),n+=i,this._blockPos+=i,this._blockPos<this._block.length)return;let c,u;if(this._macETM?this._len=u=bo(this._block,0):(c=this._decipherInstance.update(this._block),this._len=bo(c,0),u=4+this._len-this._blockSize),this._len>rr||this._len<5||(u&this._blockSize-1)!==0)throw new Error("Bad packet length");if(this._macInstance=mc(this._macSSLName,this._macKey),Ft(Nr,this.inSeqno,0),this._macInstance.update(Nr),this._macETM?this._macInstance.update(this._block):(this._macInstance.update(new Uint8Array(c.buffer,c.byteOffset,4)),this._pktLen=c.length-4,this._packetPos=this._pktLen,this._packet=Buffer.allocUnsafe(this._len),this._packet.set(new Uint8Array(c.buffer,c.byteOffset+4,this._packetPos),0)),n>=r)return}if(this._pktLen<this._len){let i=Math.min(this._len-this._pktLen,r-n),c;n!==0||i!==r?c=new Uint8Array(t.buffer,t.byteOffset+n,i):c=t,this._macETM&&this._macInstance.update(c);let u=this._decipherInstance.update(c);if(u.length&&(i===this._len?this._packet=u:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(u,this._packetPos)),this._packetPos+=u.length),n+=i,this._pktLen+=i,this._pktLen<this._len||n>=r)return}{let i=Math.min(this._macActualLen-this._macPos,r-n);if(n!==0||i!==r?this._mac.set(new Uint8Array(t.buffer,t.byteOffset+n,i),this._macPos):this._mac.set(t,this._macPos),n+=i,this._macPos+=i,this._macPos<this._macActualLen)return}this._macETM||this._macInstance.update(this._packet);let o=this._macInstance.digest();if(this._macActualLen<o.length&&(o=new Uint8Array(o.buffer,o.byteOffset,this._macActualLen)),!ky(o,this._mac))throw new Error("Invalid MAC");let s=new zn(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._blockPos=0,this._len=0,this._packet=null,this._packetPos=0,this._pktLen=0,this._macPos=0,this._macInstance=null;{let i=this._onPayload(s);if(i!==void 0)return i===!1?n:i}}}},Pc=class{static{a(this,"GenericDecipherBinding")}constructor(t){let n=t.inbound;this.inSeqno=n.seqno,this._onPayload=n.onPayload,this._instance=new Dc(n.decipherInfo.sslName,n.decipherKey,n.decipherIV,n.macInfo.sslName,n.macKey,n.macInfo.isETM,n.macInfo.actualLen),this._block=Buffer.allocUnsafe(n.macInfo.isETM||n.decipherInfo.stream?4:n.decipherInfo.blockLen),this._blockPos=0,this._len=0,this._packet=null,this._pktLen=0,this._mac=Buffer.allocUnsafe(n.macInfo.actualLen),this._macPos=0,this._macActualLen=n.macInfo.actualLen,this._macETM=n.macInfo.isETM}free(){this._instance.free()}decrypt(t,n,r){for(;n<r;){if(this._blockPos<this._block.length){let s=Math.min(this._block.length-this._blockPos,r-n);if(n!==0||s!==r||s<t.length?this._block.set(new Uint8Array(t.buffer,t.byteOffset+n,s),this._blockPos):this._block.set(t,this._blockPos),n+=s,this._blockPos+=s,this._blockPos<this._block.length)return;let i;if(this._macETM?this._len=i=bo(this._block,0):(this._instance.decryptBlock(this._block),this._len=bo(this._block,0),i=4+this._len-this._block.length),this._len>rr||this._len<5||(i&this._block.length-1)!==0)throw new Error("Bad packet length");if(this._macETM||(this._pktLen=this._block.length-4,this._pktLen&&(this._packet=Buffer.allocUnsafe(this._len),this._packet.set(new Uint8Array(this._block.buffer,this._block.byteOffset+4,this._pktLen),0))),n>=r)return}if(this._pktLen<this._len){let s=Math.min(this._len-this._pktLen,r-n),i;if(n!==0||s!==r?i=new Uint8Array(t.buffer,t.byteOffset+n,s):i=t,s===this._len?this._packet=i:(this._packet||(this._packet=Buffer.allocUnsafe(this._len)),this._packet.set(i,this._pktLen)),n+=s,this._pktLen+=s,this._pktLen<this._len||n>=r)return}{let s=Math.min(this._macActualLen-this._macPos,r-n);if(n!==0||s!==r?this._mac.set(new Uint8Array(t.buffer,t.byteOffset+n,s),this._macPos):this._mac.set(t,this._macPos),n+=s,this._macPos+=s,this._macPos<this._macActualLen)return}this._instance.decrypt(this._packet,this.inSeqno,this._block,this._mac);let o=new zn(this._packet.buffer,this._packet.byteOffset+1,this._packet.length-this._packet[0]-1);this.inSeqno=this.inSeqno+1>>>0,this._blockPos=0,this._len=0,this._packet=null,this._pktLen=0,this._macPos=0,this._macInstance=null;{let s=this._onPayload(o);if(s!==void 0)return s===!1?n:s}}}};function Bh(e){++e[11]>>>8&&++e[10]>>>8&&++e[9]>>>8&&++e[8]>>>8&&++e[7]>>>8&&++e[6]>>>8&&++e[5]>>>8&&++e[4]>>>8}a(Bh,"ivIncrement");var Ey=(()=>{let e=Buffer.alloc(4);return t=>(e[0]=t>>>24,e[1]=t>>>16,e[2]=t>>>8,e[3]=t,e)})();function ky(e,t){return e.length!==t.length?(gc(e,e),!1):gc(e,t)}a(ky,"timingSafeEquals");function vy(e){if(typeof e!="object"||e===null)throw new Error("Invalid config");if(typeof e.outbound!="object"||e.outbound===null)throw new Error("Invalid outbound");let t=e.outbound;if(typeof t.onWrite!="function")throw new Error("Invalid outbound.onWrite");if(typeof t.cipherInfo!="object"||t.cipherInfo===null)throw new Error("Invalid outbound.cipherInfo");if(!Buffer.isBuffer(t.cipherKey)||t.cipherKey.length!==t.cipherInfo.keyLen)throw new Error("Invalid outbound.cipherKey");if(t.cipherInfo.ivLen&&(!Buffer.isBuffer(t.cipherIV)||t.cipherIV.length!==t.cipherInfo.ivLen))throw new Error("Invalid outbound.cipherIV");if(typeof t.seqno!="number"||t.seqno<0||t.seqno>Ih)throw new Error("Invalid outbound.seqno");let n=!!t.forceNative;switch(t.cipherInfo.sslName){case"aes-128-gcm":case"aes-256-gcm":return Tc&&!n?new xc(e):new Ac(e);case"chacha20":return Nc&&!n?new bc(e):new yc(e);default:{if(typeof t.macInfo!="object"||t.macInfo===null)throw new Error("Invalid outbound.macInfo");if(!Buffer.isBuffer(t.macKey)||t.macKey.length!==t.macInfo.len)throw new Error("Invalid outbound.macKey");return Oc&&!n?new kc(e):new Ec(e)}}}a(vy,"createCipher");function Sy(e){if(typeof e!="object"||e===null)throw new Error("Invalid config");if(typeof e.inbound!="object"||e.inbound===null)throw new Error("Invalid inbound");let t=e.inbound;if(typeof t.onPayload!="function")throw new Error("Invalid inbound.onPayload");if(typeof t.decipherInfo!="object"||t.decipherInfo===null)throw new Error("Invalid inbound.decipherInfo");if(!Buffer.isBuffer(t.decipherKey)||t.decipherKey.length!==t.decipherInfo.keyLen)throw new Error("Invalid inbound.decipherKey");if(t.decipherInfo.ivLen&&(!Buffer.isBuffer(t.decipherIV)||t.decipherIV.length!==t.decipherInfo.ivLen))throw new Error("Invalid inbound.decipherIV");if(typeof t.seqno!="number"||t.seqno<0||t.seqno>Ih)throw new Error("Invalid inbound.seqno");let n=!!t.forceNative;switch(t.decipherInfo.sslName){case"aes-128-gcm":case"aes-256-gcm":return Lc&&!n?new Rc(e):new Cc(e);case"chacha20":return Uc&&!n?new Ic(e):new Sc(e);default:{if(typeof t.macInfo!="object"||t.macInfo===null)throw new Error("Invalid inbound.macInfo");if(!Buffer.isBuffer(t.macKey)||t.macKey.length!==t.macInfo.len)throw new Error("Invalid inbound.macKey");return Dc&&!n?new Pc(e):new Bc(e)}}}a(Sy,"createDecipher");Ph.exports={CIPHER_INFO:Ay,MAC_INFO:xy,bindingAvailable:!!$c,init:new Promise(async(e,t)=>{try{yo=await Sh()(),Ao=yo._malloc(16),Hc=yo.cwrap("poly1305_auth",null,["number","array","number","array","number","array"])}catch(n){return t(n)}e()}),NullCipher:wc,createCipher:vy,NullDecipher:vc,createDecipher:Sy}});var sr=Fe((Z4,zh)=>{"use strict";var{createDecipheriv:Mc,createECDH:Iy,createHash:Eo,createHmac:Cy,createSign:Ry,createVerify:By,getCiphers:Py,sign:Th,verify:Nh}=require("crypto"),Ty=Py(),{Ber:Ae}=Ds(),Ny=ph().pbkdf,{CIPHER_INFO:ko}=Tr(),{eddsaSupported:zc,SUPPORTED_CIPHER:Oy}=Mn(),{bufferSlice:or,makeBufferParser:Ly,readString:be,readUInt32BE:xo,writeUInt32BE:At}=xn(),En=Symbol("Hash Algorithm"),tn=Symbol("Private key PEM"),dn=Symbol("Public key PEM"),Qn=Symbol("Public key SSH"),Lr=Symbol("Decrypted Key"),Fc=Object.create(null);{let e=Object.keys(ko);for(let t=0;t<e.length;++t){let n=ko[e[t]].sslName;!n||Fc[n]||(Fc[n]=ko[e[t]])}}var Gs=Ly();function nn(e,t){t=t.base64Slice(0,t.length);let n=t.replace(/.{64}/g,`$&
`);return t.length&63&&(n+=`
`),`-----BEGIN ${e} KEY-----
${n}-----END ${e} KEY-----`}a(nn,"makePEM");function vo(e,t){let n=Buffer.allocUnsafe(e.length+t.length);return n.set(e,0),n.set(t,e.length),n}a(vo,"combineBuffers");function Qc(e,t){let n=e.length,r=e._pos||0;for(let o=0;o<t;++o){let s=n-r;if(r>=n||s<4)return!1;let i=xo(e,r);if(s<4+i)return!1;r+=4+i}return e._pos=r,!0}a(Qc,"skipFields");function So(e,t){let n=new Ae.Writer;return n.startSequence(),n.startSequence(),n.writeOID("1.2.840.113549.1.1.1"),n.writeNull(),n.endSequence(),n.startSequence(Ae.BitString),n.writeByte(0),n.startSequence(),n.writeBuffer(e,Ae.Integer),n.writeBuffer(t,Ae.Integer),n.endSequence(),n.endSequence(),n.endSequence(),nn("PUBLIC",n.buffer)}a(So,"genOpenSSLRSAPub");function Io(e,t){let n=Buffer.allocUnsafe(15+t.length+4+e.length);At(n,7,0),n.utf8Write("ssh-rsa",4,7);let r=11;return At(n,t.length,r),n.set(t,r+=4),At(n,e.length,r+=t.length),n.set(e,r+4),n}a(Io,"genOpenSSHRSAPub");var Oh=(()=>{function e(r,o,s,i,c,u,l,f){let h=new Ae.Writer;return h.startSequence(),h.writeInt(0,Ae.Integer),h.writeBuffer(r,Ae.Integer),h.writeBuffer(o,Ae.Integer),h.writeBuffer(s,Ae.Integer),h.writeBuffer(i,Ae.Integer),h.writeBuffer(c,Ae.Integer),h.writeBuffer(u,Ae.Integer),h.writeBuffer(l,Ae.Integer),h.writeBuffer(f,Ae.Integer),h.endSequence(),h.buffer}a(e,"genRSAASN1Buf");function t(r){return BigInt(`0x${r.hexSlice(0,r.length)}`)}a(t,"bigIntFromBuffer");function n(r){let o=r.toString(16);if((o.length&1)!==0)o=`0${o}`;else{let s=o.charCodeAt(0);(s===56||s===57||s>=97&&s<=102)&&(o=`00${o}`)}return Buffer.from(o,"hex")}return a(n,"bigIntToBuffer"),a(function(o,s,i,c,u,l){let f=t(i),h=n(f%(t(u)-1n)),_=n(f%(t(l)-1n));return nn("RSA PRIVATE",e(o,s,i,u,l,h,_,c))},"genOpenSSLRSAPriv")})();function Co(e,t,n,r){let o=new Ae.Writer;return o.startSequence(),o.startSequence(),o.writeOID("1.2.840.10040.4.1"),o.startSequence(),o.writeBuffer(e,Ae.Integer),o.writeBuffer(t,Ae.Integer),o.writeBuffer(n,Ae.Integer),o.endSequence(),o.endSequence(),o.startSequence(Ae.BitString),o.writeByte(0),o.writeBuffer(r,Ae.Integer),o.endSequence(),o.endSequence(),nn("PUBLIC",o.buffer)}a(Co,"genOpenSSLDSAPub");function Ro(e,t,n,r){let o=Buffer.allocUnsafe(15+e.length+4+t.length+4+n.length+4+r.length);At(o,7,0),o.utf8Write("ssh-dss",4,7);let s=11;return At(o,e.length,s),o.set(e,s+=4),At(o,t.length,s+=e.length),o.set(t,s+=4),At(o,n.length,s+=t.length),o.set(n,s+=4),At(o,r.length,s+=n.length),o.set(r,s+4),o}a(Ro,"genOpenSSHDSAPub");function Lh(e,t,n,r,o){let s=new Ae.Writer;return s.startSequence(),s.writeInt(0,Ae.Integer),s.writeBuffer(e,Ae.Integer),s.writeBuffer(t,Ae.Integer),s.writeBuffer(n,Ae.Integer),s.writeBuffer(r,Ae.Integer),s.writeBuffer(o,Ae.Integer),s.endSequence(),nn("DSA PRIVATE",s.buffer)}a(Lh,"genOpenSSLDSAPriv");function Uh(e){let t=new Ae.Writer;return t.startSequence(),t.startSequence(),t.writeOID("1.3.101.112"),t.endSequence(),t.startSequence(Ae.BitString),t.writeByte(0),t._ensure(e.length),t._buf.set(e,t._offset),t._offset+=e.length,t.endSequence(),t.endSequence(),nn("PUBLIC",t.buffer)}a(Uh,"genOpenSSLEdPub");function Dh(e){let t=Buffer.allocUnsafe(19+e.length);return At(t,11,0),t.utf8Write("ssh-ed25519",4,11),At(t,e.length,15),t.set(e,19),t}a(Dh,"genOpenSSHEdPub");function Uy(e){let t=new Ae.Writer;return t.startSequence(),t.writeInt(0,Ae.Integer),t.startSequence(),t.writeOID("1.3.101.112"),t.endSequence(),t.startSequence(Ae.OctetString),t.writeBuffer(e,Ae.OctetString),t.endSequence(),t.endSequence(),nn("PRIVATE",t.buffer)}a(Uy,"genOpenSSLEdPriv");function Kc(e,t){let n=new Ae.Writer;return n.startSequence(),n.startSequence(),n.writeOID("1.2.840.10045.2.1"),n.writeOID(e),n.endSequence(),n.startSequence(Ae.BitString),n.writeByte(0),n._ensure(t.length),n._buf.set(t,n._offset),n._offset+=t.length,n.endSequence(),n.endSequence(),nn("PUBLIC",n.buffer)}a(Kc,"genOpenSSLECDSAPub");function jc(e,t){let n;switch(e){case"1.2.840.10045.3.1.7":n="nistp256";break;case"1.3.132.0.34":n="nistp384";break;case"1.3.132.0.35":n="nistp521";break;default:return}let r=Buffer.allocUnsafe(39+t.length);return At(r,19,0),r.utf8Write(`ecdsa-sha2-${n}`,4,19),At(r,8,23),r.utf8Write(n,27,8),At(r,t.length,35),r.set(t,39),r}a(jc,"genOpenSSHECDSAPub");function Dy(e,t,n){let r=new Ae.Writer;return r.startSequence(),r.writeInt(1,Ae.Integer),r.writeBuffer(n,Ae.OctetString),r.startSequence(160),r.writeOID(e),r.endSequence(),r.startSequence(161),r.startSequence(Ae.BitString),r.writeByte(0),r._ensure(t.length),r._buf.set(t,r._offset),r._offset+=t.length,r.endSequence(),r.endSequence(),r.endSequence(),nn("EC PRIVATE",r.buffer)}a(Dy,"genOpenSSLECDSAPriv");function Hy(e,t){let n=Iy(e);return n.setPrivateKey(t),n.getPublicKey()}a(Hy,"genOpenSSLECDSAPubFromPriv");var Bo={sign:a(typeof Th=="function"?function(t,n){let r=this[tn];if(r===null)return new Error("No private key available");(!n||typeof n!="string")&&(n=this[En]);try{return Th(n,t,r)}catch(o){return o}}:function(t,n){let r=this[tn];if(r===null)return new Error("No private key available");(!n||typeof n!="string")&&(n=this[En]);let o=Ry(n);o.update(t);try{return o.sign(r)}catch(s){return s}},"sign"),verify:a(typeof Nh=="function"?function(t,n,r){let o=this[dn];if(o===null)return new Error("No public key available");(!r||typeof r!="string")&&(r=this[En]);try{return Nh(r,t,o,n)}catch(s){return s}}:function(t,n,r){let o=this[dn];if(o===null)return new Error("No public key available");(!r||typeof r!="string")&&(r=this[En]);let s=By(r);s.update(t);try{return s.verify(o,n)}catch(i){return i}},"verify"),isPrivateKey:a(function(){return this[tn]!==null},"isPrivateKey"),getPrivatePEM:a(function(){return this[tn]},"getPrivatePEM"),getPublicPEM:a(function(){return this[dn]},"getPublicPEM"),getPublicSSH:a(function(){return this[Qn]},"getPublicSSH"),equals:a(function(t){let n=Mh(t);return n instanceof Error?!1:this.type===n.type&&this[tn]===n[tn]&&this[dn]===n[dn]&&this[Qn].equals(n[Qn])},"equals")};function Ys(e,t,n,r,o,s,i){this.type=e,this.comment=t,this[tn]=n,this[dn]=r,this[Qn]=o,this[En]=s,this[Lr]=i}a(Ys,"OpenSSH_Private");Ys.prototype=Bo;{let t=function(n,r,o){let s=[];if(n.length<8)return new Error("Malformed OpenSSH private key");let i=xo(n,0),c=xo(n,4);if(i!==c)return o?new Error("OpenSSH key integrity check failed -- bad passphrase?"):new Error("OpenSSH key integrity check failed");n._pos=8;let u,l;for(u=0;u<r;++u){let h,_,m,y,b=be(n,n._pos,!0);if(b===void 0)return new Error("Malformed OpenSSH private key");switch(b){case"ssh-rsa":{let E=be(n,n._pos);if(E===void 0)return new Error("Malformed OpenSSH private key");let C=be(n,n._pos);if(C===void 0)return new Error("Malformed OpenSSH private key");let L=be(n,n._pos);if(L===void 0)return new Error("Malformed OpenSSH private key");let T=be(n,n._pos);if(T===void 0)return new Error("Malformed OpenSSH private key");let q=be(n,n._pos);if(q===void 0)return new Error("Malformed OpenSSH private key");let re=be(n,n._pos);if(re===void 0)return new Error("Malformed OpenSSH private key");m=So(E,C),y=Io(E,C),_=Oh(E,C,L,T,q,re),h="sha1";break}case"ssh-dss":{let E=be(n,n._pos);if(E===void 0)return new Error("Malformed OpenSSH private key");let C=be(n,n._pos);if(C===void 0)return new Error("Malformed OpenSSH private key");let L=be(n,n._pos);if(L===void 0)return new Error("Malformed OpenSSH private key");let T=be(n,n._pos);if(T===void 0)return new Error("Malformed OpenSSH private key");let q=be(n,n._pos);if(q===void 0)return new Error("Malformed OpenSSH private key");m=Co(E,C,L,T),y=Ro(E,C,L,T),_=Lh(E,C,L,T,q),h="sha1";break}case"ssh-ed25519":{if(!zc)return new Error(`Unsupported OpenSSH private key type: ${b}`);let E=be(n,n._pos);if(E===void 0||E.length!==32)return new Error("Malformed OpenSSH private key");let C=be(n,n._pos);if(C===void 0||C.length!==64)return new Error("Malformed OpenSSH private key");m=Uh(E),y=Dh(E),_=Uy(or(C,0,32)),h=null;break}case"ecdsa-sha2-nistp256":h="sha256",l="1.2.840.10045.3.1.7";case"ecdsa-sha2-nistp384":h===void 0&&(h="sha384",l="1.3.132.0.34");case"ecdsa-sha2-nistp521":{if(h===void 0&&(h="sha512",l="1.3.132.0.35"),!Qc(n,1))return new Error("Malformed OpenSSH private key");let E=be(n,n._pos);if(E===void 0)return new Error("Malformed OpenSSH private key");let C=be(n,n._pos);if(C===void 0)return new Error("Malformed OpenSSH private key");m=Kc(l,E),y=jc(l,E),_=Dy(l,E,C);break}default:return new Error(`Unsupported OpenSSH private key type: ${b}`)}let A=be(n,n._pos,!0);if(A===void 0)return new Error("Malformed OpenSSH private key");s.push(new Ys(b,A,_,m,y,h,o))}let f=0;for(u=n._pos;u<n.length;++u)if(n[u]!==++f%255)return new Error("Malformed OpenSSH private key");return s};a(t,"parseOpenSSHPrivKeys");let e=/^-----BEGIN OPENSSH PRIVATE KEY-----(?:\r\n|\n)([\s\S]+)(?:\r\n|\n)-----END OPENSSH PRIVATE KEY-----$/;Ys.parse=(n,r)=>{let o=e.exec(n);if(o===null)return null;let s,i=Buffer.from(o[1],"base64");if(i.length<31)return new Error("Malformed OpenSSH private key");let c=i.utf8Slice(0,15);if(c!=="openssh-key-v1\0")return new Error(`Unsupported OpenSSH key magic: ${c}`);let u=be(i,15,!0);if(u===void 0)return new Error("Malformed OpenSSH private key");if(u!=="none"&&Oy.indexOf(u)===-1)return new Error(`Unsupported cipher for OpenSSH key: ${u}`);let l=be(i,i._pos,!0);if(l===void 0)return new Error("Malformed OpenSSH private key");if(l!=="none"){if(u==="none")return new Error("Malformed OpenSSH private key");if(l!=="bcrypt")return new Error(`Unsupported kdf name for OpenSSH key: ${l}`);if(!r)return new Error("Encrypted private OpenSSH key detected, but no passphrase given")}else if(u!=="none")return new Error("Malformed OpenSSH private key");let f,h,_;u!=="none"&&(f=ko[u]);let m=be(i,i._pos);if(m===void 0)return new Error("Malformed OpenSSH private key");if(m.length)switch(l){case"none":return new Error("Malformed OpenSSH private key");case"bcrypt":{let b=be(m,0);if(b===void 0||m._pos+4>m.length)return new Error("Malformed OpenSSH private key");let A=xo(m,m._pos),E=Buffer.allocUnsafe(f.keyLen+f.ivLen);if(Ny(r,r.length,b,b.length,E,E.length,A)!==0)return new Error("Failed to generate information to decrypt key");h=or(E,0,f.keyLen),_=or(E,f.keyLen,E.length);break}}else if(l!=="none")return new Error("Malformed OpenSSH private key");if(i._pos+3>=i.length)return new Error("Malformed OpenSSH private key");let y=xo(i,i._pos);if(i._pos+=4,y>0){for(let A=0;A<y;++A){let E=be(i,i._pos);if(E===void 0)return new Error("Malformed OpenSSH private key");if(be(E,0,!0)===void 0)return new Error("Malformed OpenSSH private key")}let b=be(i,i._pos);if(b===void 0)return new Error("Malformed OpenSSH private key");if(h!==void 0){if(b.length<f.blockLen||b.length%f.blockLen!==0)return new Error("Malformed OpenSSH private key");try{let A={authTagLength:f.authLen},E=Mc(f.sslName,h,_,A);if(E.setAutoPadding(!1),f.authLen>0){if(i.length-i._pos<f.authLen)return new Error("Malformed OpenSSH private key");E.setAuthTag(or(i,i._pos,i._pos+=f.authLen))}b=vo(E.update(b),E.final())}catch(A){return A}}if(i._pos!==i.length)return new Error("Malformed OpenSSH private key");s=t(b,y,h!==void 0)}else s=[];return s instanceof Error?s:s[0]}}function Xs(e,t,n,r,o,s,i){this.type=e,this.comment=t,this[tn]=n,this[dn]=r,this[Qn]=o,this[En]=s,this[Lr]=i}a(Xs,"OpenSSH_Old_Private");Xs.prototype=Bo;{let e=/^-----BEGIN (RSA|DSA|EC) PRIVATE KEY-----(?:\r\n|\n)((?:[^:]+:\s*[\S].*(?:\r\n|\n))*)([\s\S]+)(?:\r\n|\n)-----END (RSA|DSA|EC) PRIVATE KEY-----$/;Xs.parse=(t,n)=>{let r=e.exec(t);if(r===null)return null;let o=Buffer.from(r[3],"base64"),s=r[2],i=!1;if(s!==void 0){s=s.split(/\r\n|\n/g);for(let y=0;y<s.length;++y){let b=s[y],A=b.indexOf(":");if(b.slice(0,A)==="DEK-Info"){let E=b.slice(A+2);if(A=E.indexOf(","),A===-1)continue;let C=E.slice(0,A).toLowerCase();if(Ty.indexOf(C)===-1)return new Error(`Cipher (${C}) not supported for encrypted OpenSSH private key`);let L=Fc[C];if(!L)return new Error(`Cipher (${C}) not supported for encrypted OpenSSH private key`);let T=Buffer.from(E.slice(A+1),"hex");if(T.length!==L.ivLen)return new Error("Malformed encrypted OpenSSH private key");if(!n)return new Error("Encrypted OpenSSH private key detected, but no passphrase given");let q=or(T,0,8),re=Eo("md5").update(n).update(q).digest();for(;re.length<L.keyLen;)re=vo(re,Eo("md5").update(re).update(n).update(q).digest());re.length>L.keyLen&&(re=or(re,0,L.keyLen));try{let xe=Mc(C,re,T);xe.setAutoPadding(!1),o=vo(xe.update(o),xe.final()),i=!0}catch(xe){return xe}}}}let c,u,l,f,h,_,m="Malformed OpenSSH private key";switch(i&&(m+=". Bad passphrase?"),r[1]){case"RSA":c="ssh-rsa",u=nn("RSA PRIVATE",o);try{_=new Ae.Reader(o),_.readSequence(),_.readInt();let y=_.readString(Ae.Integer,!0);if(y===null)return new Error(m);let b=_.readString(Ae.Integer,!0);if(b===null)return new Error(m);l=So(y,b),f=Io(y,b)}catch{return new Error(m)}h="sha1";break;case"DSA":c="ssh-dss",u=nn("DSA PRIVATE",o);try{_=new Ae.Reader(o),_.readSequence(),_.readInt();let y=_.readString(Ae.Integer,!0);if(y===null)return new Error(m);let b=_.readString(Ae.Integer,!0);if(b===null)return new Error(m);let A=_.readString(Ae.Integer,!0);if(A===null)return new Error(m);let E=_.readString(Ae.Integer,!0);if(E===null)return new Error(m);l=Co(y,b,A,E),f=Ro(y,b,A,E)}catch{return new Error(m)}h="sha1";break;case"EC":{let y,b,A;try{_=new Ae.Reader(o),_.readSequence(),_.readInt(),b=_.readString(Ae.OctetString,!0),_.readByte();let C=_.readLength();if(C!==null){if(_._offset=C,A=_.readOID(),A===null)return new Error(m);switch(A){case"1.2.840.10045.3.1.7":y="prime256v1",c="ecdsa-sha2-nistp256",h="sha256";break;case"1.3.132.0.34":y="secp384r1",c="ecdsa-sha2-nistp384",h="sha384";break;case"1.3.132.0.35":y="secp521r1",c="ecdsa-sha2-nistp521",h="sha512";break;default:return new Error(`Unsupported private key EC OID: ${A}`)}}else return new Error(m)}catch{return new Error(m)}u=nn("EC PRIVATE",o);let E=Hy(y,b);l=Kc(A,E),f=jc(A,E);break}}return new Xs(c,"",u,l,f,h,i)}}function Vs(e,t,n,r,o,s,i){this.type=e,this.comment=t,this[tn]=n,this[dn]=r,this[Qn]=o,this[En]=s,this[Lr]=i}a(Vs,"PPK_Private");Vs.prototype=Bo;{let e=Buffer.alloc(0),t=Buffer.from([0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]),n=Buffer.from([0,0,0,0]),r=Buffer.from([0,0,0,1]),o=/^PuTTY-User-Key-File-2: (ssh-(?:rsa|dss))\r?\nEncryption: (aes256-cbc|none)\r?\nComment: ([^\r\n]*)\r?\nPublic-Lines: \d+\r?\n([\s\S]+?)\r?\nPrivate-Lines: \d+\r?\n([\s\S]+?)\r?\nPrivate-MAC: ([^\r\n]+)/;Vs.parse=(s,i)=>{let c=o.exec(s);if(c===null)return null;let u=c[2],l=u!=="none";if(l&&!i)return new Error("Encrypted PPK private key detected, but no passphrase given");let f=Buffer.from(c[5],"base64");if(l){let j=ko[u],W=vo(Eo("sha1").update(n).update(i).digest(),Eo("sha1").update(r).update(i).digest());W.length>j.keyLen&&(W=or(W,0,j.keyLen));try{let te=Mc(j.sslName,W,t);te.setAutoPadding(!1),f=vo(te.update(f),te.final())}catch(te){return te}}let h=c[1],_=c[3],m=Buffer.from(c[4],"base64"),y=c[6],b=h.length,A=u.length,E=Buffer.byteLength(_),C=m.length,L=f.length,T=Buffer.allocUnsafe(4+b+4+A+4+E+4+C+4+L),q=0;if(At(T,b,q),T.utf8Write(h,q+=4,b),At(T,A,q+=b),T.utf8Write(u,q+=4,A),At(T,E,q+=A),T.utf8Write(_,q+=4,E),At(T,C,q+=E),T.set(m,q+=4),At(T,L,q+=C),T.set(f,q+4),i||(i=e),Cy("sha1",Eo("sha1").update("putty-private-key-file-mac-key").update(i).digest()).update(T).digest("hex")!==y)return l?new Error("PPK private key integrity check failed -- bad passphrase?"):new Error("PPK private key integrity check failed");let xe,M,G;switch(m._pos=0,Qc(m,1),h){case"ssh-rsa":{let j=be(m,m._pos);if(j===void 0)return new Error("Malformed PPK public key");let W=be(m,m._pos);if(W===void 0)return new Error("Malformed PPK public key");let te=be(f,0);if(te===void 0)return new Error("Malformed PPK private key");let _e=be(f,f._pos);if(_e===void 0)return new Error("Malformed PPK private key");let Y=be(f,f._pos);if(Y===void 0)return new Error("Malformed PPK private key");let oe=be(f,f._pos);if(oe===void 0)return new Error("Malformed PPK private key");xe=So(W,j),M=Io(W,j),G=Oh(W,j,te,oe,_e,Y);break}case"ssh-dss":{let j=be(m,m._pos);if(j===void 0)return new Error("Malformed PPK public key");let W=be(m,m._pos);if(W===void 0)return new Error("Malformed PPK public key");let te=be(m,m._pos);if(te===void 0)return new Error("Malformed PPK public key");let _e=be(m,m._pos);if(_e===void 0)return new Error("Malformed PPK public key");let Y=be(f,0);if(Y===void 0)return new Error("Malformed PPK private key");xe=Co(j,W,te,_e),M=Ro(j,W,te,_e),G=Lh(j,W,te,_e,Y);break}}return new Vs(h,_,G,xe,M,"sha1",l)}}function ei(e,t,n,r,o){this.type=e,this.comment=t,this[tn]=null,this[dn]=n,this[Qn]=r,this[En]=o,this[Lr]=!1}a(ei,"OpenSSH_Public");ei.prototype=Bo;{let e;zc?e=/^(((?:ssh-(?:rsa|dss|ed25519))|ecdsa-sha2-nistp(?:256|384|521))(?:-cert-v0[01]@openssh.com)?) ([A-Z0-9a-z/+=]+)(?:$|\s+([\S].*)?)$/:e=/^(((?:ssh-(?:rsa|dss))|ecdsa-sha2-nistp(?:256|384|521))(?:-cert-v0[01]@openssh.com)?) ([A-Z0-9a-z/+=]+)(?:$|\s+([\S].*)?)$/,ei.parse=t=>{let n=e.exec(t);if(n===null)return null;let r=n[1],o=n[2],s=Buffer.from(n[3],"base64"),i=n[4]||"",c=be(s,s._pos,!0);return c===void 0||c.indexOf(o)!==0?new Error("Malformed OpenSSH public key"):Wc(s,o,i,r)}}function Js(e,t,n,r,o){this.type=e,this.comment=t,this[tn]=null,this[dn]=n,this[Qn]=r,this[En]=o,this[Lr]=!1}a(Js,"RFC4716_Public");Js.prototype=Bo;{let e=/^---- BEGIN SSH2 PUBLIC KEY ----(?:\r?\n)((?:.{0,72}\r?\n)+)---- END SSH2 PUBLIC KEY ----$/,t=/^[A-Z0-9a-z/+=\r\n]+$/,n=/^([\x21-\x39\x3B-\x7E]{1,64}): ((?:[^\\]*\\\r?\n)*[^\r\n]+)\r?\n/gm,r=/\\\r?\n/g;Js.parse=o=>{let s=e.exec(o);if(s===null)return null;let i=s[1],c=0,u="";for(;s=n.exec(i);){let m=s[1],y=s[2].replace(r,"");if(y.length>1024)return n.lastIndex=0,new Error("Malformed RFC4716 public key");c=n.lastIndex,m.toLowerCase()==="comment"&&(u=y,u.length>1&&u.charCodeAt(0)===34&&u.charCodeAt(u.length-1)===34&&(u=u.slice(1,-1)))}let l=i.slice(c);if(!t.test(l))return new Error("Malformed RFC4716 public key");l=Buffer.from(l,"base64");let f=be(l,0,!0);if(f===void 0)return new Error("Malformed RFC4716 public key");let h=null,_=null;switch(f){case"ssh-rsa":{let m=be(l,l._pos);if(m===void 0)return new Error("Malformed RFC4716 public key");let y=be(l,l._pos);if(y===void 0)return new Error("Malformed RFC4716 public key");h=So(y,m),_=Io(y,m);break}case"ssh-dss":{let m=be(l,l._pos);if(m===void 0)return new Error("Malformed RFC4716 public key");let y=be(l,l._pos);if(y===void 0)return new Error("Malformed RFC4716 public key");let b=be(l,l._pos);if(b===void 0)return new Error("Malformed RFC4716 public key");let A=be(l,l._pos);if(A===void 0)return new Error("Malformed RFC4716 public key");h=Co(m,y,b,A),_=Ro(m,y,b,A);break}default:return new Error("Malformed RFC4716 public key")}return new Js(f,u,h,_,"sha1")}}function Wc(e,t,n,r){if(!Hh(t))return new Error(`Unsupported OpenSSH public key type: ${t}`);let o,s,i=null,c=null;switch(t){case"ssh-rsa":{let u=be(e,e._pos||0);if(u===void 0)return new Error("Malformed OpenSSH public key");let l=be(e,e._pos);if(l===void 0)return new Error("Malformed OpenSSH public key");i=So(l,u),c=Io(l,u),o="sha1";break}case"ssh-dss":{let u=be(e,e._pos||0);if(u===void 0)return new Error("Malformed OpenSSH public key");let l=be(e,e._pos);if(l===void 0)return new Error("Malformed OpenSSH public key");let f=be(e,e._pos);if(f===void 0)return new Error("Malformed OpenSSH public key");let h=be(e,e._pos);if(h===void 0)return new Error("Malformed OpenSSH public key");i=Co(u,l,f,h),c=Ro(u,l,f,h),o="sha1";break}case"ssh-ed25519":{let u=be(e,e._pos||0);if(u===void 0||u.length!==32)return new Error("Malformed OpenSSH public key");i=Uh(u),c=Dh(u),o=null;break}case"ecdsa-sha2-nistp256":o="sha256",s="1.2.840.10045.3.1.7";case"ecdsa-sha2-nistp384":o===void 0&&(o="sha384",s="1.3.132.0.34");case"ecdsa-sha2-nistp521":{if(o===void 0&&(o="sha512",s="1.3.132.0.35"),!Qc(e,1))return new Error("Malformed OpenSSH public key");let u=be(e,e._pos||0);if(u===void 0)return new Error("Malformed OpenSSH public key");i=Kc(s,u),c=jc(s,u);break}default:return new Error(`Unsupported OpenSSH public key type: ${t}`)}return new ei(r,n,i,c,o)}a(Wc,"parseDER");function Hh(e){switch(e){case"ssh-rsa":case"ssh-dss":case"ecdsa-sha2-nistp256":case"ecdsa-sha2-nistp384":case"ecdsa-sha2-nistp521":return!0;case"ssh-ed25519":if(zc)return!0;default:return!1}}a(Hh,"isSupportedKeyType");function Fh(e){return e?typeof e[Lr]=="boolean":!1}a(Fh,"isParsedKey");function Mh(e,t){if(Fh(e))return e;let n;if(Buffer.isBuffer(e))n=e,e=e.utf8Slice(0,e.length).trim();else if(typeof e=="string")e=e.trim();else return new Error("Key data must be a Buffer or string");if(t!=null){if(typeof t=="string")t=Buffer.from(t);else if(!Buffer.isBuffer(t))return new Error("Passphrase must be a string or Buffer when supplied")}let r;if((r=Ys.parse(e,t))!==null||(r=Xs.parse(e,t))!==null||(r=Vs.parse(e,t))!==null||(r=ei.parse(e))!==null||(r=Js.parse(e))!==null)return r;if(n){Gs.init(n,0);let o=Gs.readString(!0);o!==void 0&&(e=Gs.readRaw(),e!==void 0&&(r=Wc(e,o,"",o),r instanceof Error&&(r=null))),Gs.clear()}return r||new Error("Unsupported key format")}a(Mh,"parseKey");zh.exports={isParsedKey:Fh,isSupportedKeyType:Hh,parseDERKey:a((e,t)=>Wc(e,t,"",t),"parseDERKey"),parseKey:Mh}});var Vc=Fe((V4,Vh)=>{"use strict";var{Socket:Wh}=require("net"),{Duplex:Zh}=require("stream"),{resolve:Fy}=require("path"),{readFile:Qh}=require("fs"),{execFile:My,spawn:zy}=require("child_process"),{isParsedKey:Kh,parseKey:Po}=sr(),{makeBufferParser:Qy,readUInt32BE:Xc,writeUInt32BE:Lt,writeUInt32LE:jh}=xn();function To(e){let t=!1;return(...n)=>{t||(t=!0,e(...n))}}a(To,"once");function Ky(e,t){let n=Buffer.allocUnsafe(e.length+t.length);return e.copy(n,0),t.copy(n,e.length),n}a(Ky,"concat");function qc(){}a(qc,"noop");var jy=Buffer.alloc(0),st=Qy(),No=class{static{a(this,"BaseAgent")}getIdentities(t){t(new Error("Missing getIdentities() implementation"))}sign(t,n,r,o){typeof r=="function"&&(o=r),o(new Error("Missing sign() implementation"))}},Dr=class extends No{static{a(this,"OpenSSHAgent")}constructor(t){super(),this.socketPath=t}getStream(t){t=To(t);let n=new Wh;n.on("connect",()=>{t(null,n)}),n.on("close",r).on("end",r).on("error",r),n.connect(this.socketPath);function r(){try{n.destroy()}catch{}t(new Error("Failed to connect to agent"))}a(r,"onFail")}getIdentities(t){t=To(t),this.getStream((n,r)=>{function o(i){if(r)try{r.destroy()}catch{}i||(i=new Error("Failed to retrieve identities from agent")),t(i)}if(a(o,"onFail"),n)return o(n);let s=new Gc(!0);s.on("error",o),s.pipe(r).pipe(s),r.on("close",o).on("end",o).on("error",o),s.getIdentities((i,c)=>{if(i)return o(i);try{r.destroy()}catch{}t(null,c)})})}sign(t,n,r,o){typeof r=="function"?(o=r,r=void 0):(typeof r!="object"||r===null)&&(r=void 0),o=To(o),this.getStream((s,i)=>{function c(l){if(i)try{i.destroy()}catch{}l||(l=new Error("Failed to sign data with agent")),o(l)}if(a(c,"onFail"),s)return c(s);let u=new Gc(!0);u.on("error",c),u.pipe(i).pipe(u),i.on("close",c).on("end",c).on("error",c),u.sign(t,n,r,(l,f)=>{if(l)return c(l);try{i.destroy()}catch{}o(null,f)})})}},qh=(()=>{let i=Fy(__dirname,"..","util/pagent.exe"),c={10:new Error("Invalid pagent.exe arguments"),11:new Error("Pageant is not running"),12:new Error("pagent.exe could not create an mmap"),13:new Error("pagent.exe could not set mode for stdin"),14:new Error("pagent.exe could not set mode for stdout"),15:new Error("pagent.exe did not get expected input payload")};function u(f){f.buffer=null,f.proc&&(f.proc.kill(),f.proc=void 0)}a(u,"destroy");class l extends Zh{static{a(this,"PageantSocket")}constructor(){super(),this.proc=void 0,this.buffer=null}_read(h){}_write(h,_,m){if(this.buffer===null)this.buffer=h;else{let E=Buffer.allocUnsafe(this.buffer.length+h.length);this.buffer.copy(E,0),h.copy(E,this.buffer.length),this.buffer=E}if(this.buffer.length<4)return m();let y=Xc(this.buffer,0);if(this.buffer.length-4<y)return m();if(h=this.buffer.slice(0,4+y),this.buffer.length>4+y)return m(new Error("Unexpected multiple agent requests"));this.buffer=null;let b,A=this.proc=zy(i,[h.length]);A.stdout.on("data",E=>{this.push(E)}),A.on("error",E=>{b=E,m(b)}),A.on("close",E=>{if(this.proc=void 0,!b){if(b=c[E])return m(b);m()}}),A.stdin.end(h)}_final(h){u(this),h()}_destroy(h,_){u(this),_()}}return class extends Dr{static{a(this,"PageantAgent")}getStream(h){h(null,new l)}}})(),Gh=(()=>{let e=/^!<socket >(\d+) s ([A-Z0-9]{8}-[A-Z0-9]{8}-[A-Z0-9]{8}-[A-Z0-9]{8})/;return class extends Dr{static{a(this,"CygwinAgent")}getStream(n){n=To(n);let r=this.socketPath,o=!1;Qh(r,a(function s(i,c){if(i){if(o)return n(new Error("Invalid cygwin unix socket path"));My("cygpath",["-w",r],(re,xe,M)=>{if(re||xe.length===0)return n(new Error("Invalid cygwin unix socket path"));o=!0,r=xe.toString().replace(/[\r\n]/g,""),Qh(r,s)});return}let u=e.exec(c.toString("ascii"));if(!u)return n(new Error("Malformed cygwin unix socket file"));let l,f=0,h=!1,_=[],m,y=Buffer.alloc(12),b=parseInt(u[1],10),A=u[2].replace(/-/g,""),E=Buffer.allocUnsafe(16);for(let re=0,xe=0;xe<32;++re,xe+=2)E[re]=parseInt(A.substring(xe,xe+2),16);for(let re=0;re<16;re+=4)jh(E,Xc(E,re),re);q();function C(){f=0,l="secret",m.write(E)}a(C,"_onconnect");function L(re){if(f+=re.length,l==="secret"){f===16&&(f=0,l="creds",m.write(y));return}if(l==="creds"&&(h||_.push(re),f===12)){if(m.removeListener("connect",C),m.removeListener("data",L),m.removeListener("error",T),m.removeListener("end",T),m.removeListener("close",T),h)return n(null,m);h=!0,y=Buffer.concat(_),jh(y,process.pid,0),m.on("error",()=>{}),m.destroy(),q()}}a(L,"_ondata");function T(){n(new Error("Problem negotiating cygwin unix socket security"))}a(T,"onFail");function q(){m=new Wh,m.on("connect",C),m.on("data",L),m.on("error",T),m.on("end",T),m.on("close",T),m.connect(b)}a(q,"tryConnect")},"readCygsocket"))}}})(),Wy=/^[/\\][/\\]\.[/\\]pipe[/\\].+/;function Yh(e){return process.platform==="win32"&&!Wy.test(e)?e==="pageant"?new qh:new Gh(e):new Dr(e)}a(Yh,"createAgent");var Gc=(()=>{function l(M){let G;for(;M[C].length;){let j=M[C][0][h];if(j===void 0)break;M[C].shift(),G=M.push(j)}return G}a(l,"processResponses");let f=Symbol("Inbound Request Type"),h=Symbol("Inbound Request Response"),_=Symbol("Inbound Request Context");class m{static{a(this,"AgentInboundRequest")}constructor(G,j){this[f]=G,this[h]=void 0,this[_]=j}hasResponded(){return this[h]!==void 0}getType(){return this[f]}getContext(){return this[_]}}function y(M,G,j){return G[h]=j,l(M)}a(y,"respond");function b(M){if(M[T]=null,M[L]===0){let G=M[C];if(G&&G.length){M[C]=[];for(let j of G)j.cb(new Error("No reply from server"))}}try{M.end()}catch{}setImmediate(()=>{M[xe]||M.emit("end"),M[re]||M.emit("close")})}a(b,"cleanup");function A(){this[re]=!0}a(A,"onClose");function E(){this[xe]=!0}a(E,"onEnd");let C=Symbol("Requests"),L=Symbol("Agent Protocol Role"),T=Symbol("Agent Protocol Buffer"),q=Symbol("Agent Protocol Current Message Length"),re=Symbol("Agent Protocol Closed"),xe=Symbol("Agent Protocol Ended");return class extends Zh{static{a(this,"AgentProtocol")}constructor(G){super({autoDestroy:!0,emitClose:!1}),this[L]=G?0:1,this[C]=[],this[T]=null,this[q]=-1,this.once("end",E),this.once("close",A)}_read(G){}_write(G,j,W){this[T]===null?this[T]=G:this[T]=Ky(this[T],G);let te=this[T],_e=te.length,Y=0;for(;Y<_e&&!(_e<5||(this[q]===-1&&(this[q]=Xc(te,Y)),_e<4+this[q]));){let oe=te[Y+=4];if(++Y,this[L]===0){if(this[C].length===0)return W(new Error("Received unexpected message from server"));let fe=this[C].shift();switch(oe){case 5:fe.cb(new Error("Agent responded with failure"));break;case 12:{if(fe.type!==11)return W(new Error("Agent responded with wrong message type"));st.init(te,Y);let $e=st.readUInt32BE();if($e===void 0)return st.clear(),W(new Error("Malformed agent response"));let R=[];for(let O=0;O<$e;++O){let N=st.readString();if(N===void 0)return st.clear(),W(new Error("Malformed agent response"));let z=st.readString(!0);if(z===void 0)return st.clear(),W(new Error("Malformed agent response"));N=Po(N),!(N instanceof Error)&&(N.comment=N.comment||z,R.push(N))}Y=st.pos(),st.clear(),fe.cb(null,R);break}case 14:{if(fe.type!==13)return W(new Error("Agent responded with wrong message type"));st.init(te,Y);let $e=st.readString();if(Y=st.pos(),st.clear(),$e===void 0)return W(new Error("Malformed agent response"));if(st.init($e,0),st.readString(!0),$e=st.readString(),st.clear(),$e===void 0)return W(new Error("Malformed OpenSSH signature format"));fe.cb(null,$e);break}default:return W(new Error("Agent responded with unsupported message type"))}}else switch(oe){case 11:{let fe=new m(oe);this[C].push(fe),this.emit("identities",fe);break}case 13:{st.init(te,Y);let fe=st.readString(),$e=st.readString(),R=st.readUInt32BE();if(Y=st.pos(),st.clear(),R===void 0){let ce=new m(oe);return this[C].push(ce),this.failureReply(ce)}if(fe=Po(fe),fe instanceof Error){let ce=new m(oe);return this[C].push(ce),this.failureReply(ce)}let O={hash:void 0},N;fe.type==="ssh-rsa"&&(R&2?(N="rsa-sha2-256",O.hash="sha256"):R&4&&(N="rsa-sha2-512",O.hash="sha512")),N===void 0&&(N=fe.type);let z=new m(oe,N);this[C].push(z),this.emit("sign",z,fe,$e,O);break}default:{let fe=new m(oe);this[C].push(fe),this.failureReply(fe)}}if(this[q]=-1,Y===_e){this[T]=null;break}else this[T]=te=te.slice(Y),_e=te.length,Y=0}W()}_destroy(G,j){b(this),j()}_final(G){b(this),G()}sign(G,j,W,te){if(this[L]!==0)throw new Error("Client-only method called with server role");typeof W=="function"?(te=W,W=void 0):(typeof W!="object"||W===null)&&(W=void 0);let _e=0;if(G=Po(G),G instanceof Error)throw new Error("Invalid public key argument");if(G.type==="ssh-rsa"&&W)switch(W.hash){case"sha256":_e=2;break;case"sha512":_e=4;break}G=G.getPublicSSH();let Y=13,oe=G.length,fe=j.length,$e=0,R=Buffer.allocUnsafe(9+oe+4+fe+4);return Lt(R,R.length-4,$e),R[$e+=4]=Y,Lt(R,oe,++$e),G.copy(R,$e+=4),Lt(R,fe,$e+=oe),j.copy(R,$e+=4),Lt(R,_e,$e+=fe),typeof te!="function"&&(te=qc),this[C].push({type:Y,cb:te}),this.push(R)}getIdentities(G){if(this[L]!==0)throw new Error("Client-only method called with server role");let j=11,W=0,te=Buffer.allocUnsafe(5);return Lt(te,te.length-4,W),te[W+=4]=j,typeof G!="function"&&(G=qc),this[C].push({type:j,cb:G}),this.push(te)}failureReply(G){if(this[L]!==1)throw new Error("Server-only method called with client role");if(!(G instanceof m))throw new Error("Wrong request argument");if(G.hasResponded())return!0;let j=0,W=Buffer.allocUnsafe(5);return Lt(W,W.length-4,j),W[j+=4]=5,y(this,G,W)}getIdentitiesReply(G,j){if(this[L]!==1)throw new Error("Server-only method called with client role");if(!(G instanceof m))throw new Error("Wrong request argument");if(G.hasResponded())return!0;if(G.getType()!==11)throw new Error("Invalid response to request");if(!Array.isArray(j))throw new Error("Keys argument must be an array");let W=4,te=[];for(let oe=0;oe<j.length;++oe){let fe=j[oe];if(typeof fe!="object"||fe===null)throw new Error(`Invalid key entry: ${fe}`);let $e,R;if(Kh(fe))$e=fe;else if(Kh(fe.pubKey))$e=fe.pubKey;else if(typeof fe.pubKey!="object"||fe.pubKey===null||({pubKey:$e,comment:R}=fe.pubKey,$e=Po($e),$e instanceof Error))continue;R=$e.comment||R,$e=$e.getPublicSSH(),W+=4+$e.length,R&&typeof R=="string"?R=Buffer.from(R):Buffer.isBuffer(R)||(R=jy),W+=4+R.length,te.push({pubKey:$e,comment:R})}let _e=0,Y=Buffer.allocUnsafe(5+W);Lt(Y,Y.length-4,_e),Y[_e+=4]=12,Lt(Y,te.length,++_e),_e+=4;for(let oe=0;oe<te.length;++oe){let{pubKey:fe,comment:$e}=te[oe];Lt(Y,fe.length,_e),fe.copy(Y,_e+=4),Lt(Y,$e.length,_e+=fe.length),_e+=4,$e.length&&($e.copy(Y,_e),_e+=$e.length)}return y(this,G,Y)}signReply(G,j){if(this[L]!==1)throw new Error("Server-only method called with client role");if(!(G instanceof m))throw new Error("Wrong request argument");if(G.hasResponded())return!0;if(G.getType()!==13)throw new Error("Invalid response to request");if(!Buffer.isBuffer(j))throw new Error("Signature argument must be a Buffer");if(j.length===0)throw new Error("Signature argument must be non-empty");let W=0,te=G.getContext(),_e=Buffer.byteLength(te),Y=Buffer.allocUnsafe(13+_e+4+j.length);return Lt(Y,Y.length-4,W),Y[W+=4]=14,Lt(Y,4+_e+4+j.length,++W),Lt(Y,_e,W+=4),Y.utf8Write(te,W+=4,_e),Lt(Y,j.length,W+=_e),j.copy(Y,W+=4),y(this,G,Y)}}})(),Zc=Symbol("Agent"),rn=Symbol("Agent Keys"),kn=Symbol("Agent Keys Index"),Ur=Symbol("Agent Init Callbacks"),Yc=class{static{a(this,"AgentContext")}constructor(t){if(typeof t=="string")t=Yh(t);else if(!Xh(t))throw new Error("Invalid agent argument");this[Zc]=t,this[rn]=null,this[kn]=-1,this[Ur]=null}init(t){if(typeof t!="function"&&(t=qc),this[rn]===null)if(this[Ur]===null){this[Ur]=[t];let n=a((...r)=>{process.nextTick(()=>{let o=this[Ur];this[Ur]=null;for(let s of o)s(...r)})},"doCbs");this[Zc].getIdentities(To((r,o)=>{if(r)return n(r);if(!Array.isArray(o))return n(new Error("Agent implementation failed to provide keys"));let s=[];for(let i of o)i=Po(i),!(i instanceof Error)&&s.push(i);this[rn]=s,this[kn]=-1,n()}))}else this[Ur].push(t);else process.nextTick(t)}nextKey(){return this[rn]===null||++this[kn]>=this[rn].length?!1:this[rn][this[kn]]}currentKey(){return this[rn]===null||this[kn]>=this[rn].length?null:this[rn][this[kn]]}pos(){return this[rn]===null||this[kn]>=this[rn].length?-1:this[kn]}reset(){this[kn]=-1}sign(...t){this[Zc].sign(...t)}};function Xh(e){return e instanceof No}a(Xh,"isAgent");Vh.exports={AgentContext:Yc,AgentProtocol:Gc,BaseAgent:No,createAgent:Yh,CygwinAgent:Gh,isAgent:Xh,OpenSSHAgent:Dr,PageantAgent:qh}});var Jh=Fe(()=>{});var ti=Fe(ep=>{ep.SFTP=class{}});var ou=Fe((oR,tp)=>{"use strict";var{kMaxLength:Zy}=require("buffer"),{createInflate:qy,constants:{DEFLATE:Gy,INFLATE:Yy,Z_DEFAULT_CHUNK:Xy,Z_DEFAULT_COMPRESSION:Vy,Z_DEFAULT_MEMLEVEL:Jy,Z_DEFAULT_STRATEGY:eb,Z_DEFAULT_WINDOWBITS:tb,Z_PARTIAL_FLUSH:nb}}=require("zlib"),rb=qy()._handle.constructor;function ob(){throw new Error("Should not get here")}a(ob,"processCallback");function sb(e,t,n){let r=this._owner,o=new Error(e);o.errno=t,o.code=n,r._err=o}a(sb,"zlibOnError");function ru(e){e._handle&&(e._handle.close(),e._handle=null)}a(ru,"_close");var ni=class{static{a(this,"Zlib")}constructor(t){let n=tb,r=Vy,o=Jy,s=eb,i=void 0;this._err=void 0,this._writeState=new Uint32Array(2),this._chunkSize=Xy,this._maxOutputLength=Zy,this._outBuffer=Buffer.allocUnsafe(this._chunkSize),this._outOffset=0,this._handle=new rb(t),this._handle._owner=this,this._handle.onerror=sb,this._handle.init(n,r,o,s,this._writeState,ob,i)}writeSync(t,n){let r=this._handle;if(!r)throw new Error("Invalid Zlib instance");let o=t.length,s=this._chunkSize-this._outOffset,i=0,c,u,l,f=0,h=this._writeState,_=this._outBuffer,m=this._outOffset,y=this._chunkSize;for(;;){if(r.writeSync(nb,t,i,o,_,m,s),this._err)throw this._err;c=h[0],u=h[1];let A=o-u,E=s-c;if(E>0){let C=m===0&&E===_.length?_:_.slice(m,m+E);if(m+=E,l?l.push===void 0?l=[l,C]:l.push(C):l=C,f+=C.byteLength,f>this._maxOutputLength)throw ru(this),new Error(`Output length exceeded maximum of ${this._maxOutputLength}`)}else if(E!==0)throw new Error("have should not go down");if((c===0||m>=y)&&(s=y,m=0,_=Buffer.allocUnsafe(y)),c===0)i+=A,o=u;else break}if(this._outBuffer=_,this._outOffset=m,f===0&&(l=Buffer.alloc(0)),n)return l.totalLen=f,l;if(l.push===void 0)return l;let b=Buffer.allocUnsafe(f);for(let A=0,E=0;A<l.length;++A){let C=l[A];b.set(C,E),E+=C.length}return b}},Jc=class{static{a(this,"ZlibPacketWriter")}constructor(t){this.allocStart=0,this.allocStartKEX=0,this._protocol=t,this._zlib=new ni(Gy)}cleanup(){this._zlib&&ru(this._zlib)}alloc(t,n){return Buffer.allocUnsafe(t)}finalize(t,n){if(this._protocol._kexinit===void 0||n){let r=this._zlib.writeSync(t,!0),o=this._protocol._cipher.allocPacket(r.totalLen);if(r.push===void 0)o.set(r,5);else for(let s=0,i=5;s<r.length;++s){let c=r[s];o.set(c,i),i+=c.length}return o}return t}},eu=class{static{a(this,"PacketWriter")}constructor(t){this.allocStart=5,this.allocStartKEX=5,this._protocol=t}cleanup(){}alloc(t,n){return this._protocol._kexinit===void 0||n?this._protocol._cipher.allocPacket(t):Buffer.allocUnsafe(t)}finalize(t,n){return t}},tu=class{static{a(this,"ZlibPacketReader")}constructor(){this._zlib=new ni(Yy)}cleanup(){this._zlib&&ru(this._zlib)}read(t){return this._zlib.writeSync(t,!1)}},nu=class{static{a(this,"PacketReader")}cleanup(){}read(t){return t}};tp.exports={PacketReader:nu,PacketWriter:eu,ZlibPacketReader:tu,ZlibPacketWriter:Jc}});var ip=Fe((iR,sp)=>{"use strict";var{bufferSlice:su,bufferParser:S,doFatalError:tt,sigSSHToASN1:np,writeUInt32BE:rp}=xn(),{CHANNEL_OPEN_FAILURE:ib,COMPAT:ab,MESSAGE:nt,TERMINAL_MODE:op}=Mn(),{parseKey:cb}=sr(),ub=Array.from(Object.entries(op)).reduce((e,[t,n])=>({...e,[t]:n}),{});sp.exports={[nt.DISCONNECT]:(e,t)=>{S.init(t,1);let n=S.readUInt32BE(),r=S.readString(!0),o=S.readString();if(S.clear(),o===void 0)return tt(e,"Inbound: Malformed DISCONNECT packet");e._debug&&e._debug(`Inbound: Received DISCONNECT (${n}, "${r}")`);let s=e._handlers.DISCONNECT;s&&s(e,n,r)},[nt.IGNORE]:(e,t)=>{e._debug&&e._debug("Inbound: Received IGNORE")},[nt.UNIMPLEMENTED]:(e,t)=>{S.init(t,1);let n=S.readUInt32BE();if(S.clear(),n===void 0)return tt(e,"Inbound: Malformed UNIMPLEMENTED packet");e._debug&&e._debug(`Inbound: Received UNIMPLEMENTED (seqno ${n})`)},[nt.DEBUG]:(e,t)=>{S.init(t,1);let n=S.readBool(),r=S.readString(!0),o=S.readString();if(S.clear(),o===void 0)return tt(e,"Inbound: Malformed DEBUG packet");e._debug&&e._debug("Inbound: Received DEBUG");let s=e._handlers.DEBUG;s&&s(e,n,r)},[nt.SERVICE_REQUEST]:(e,t)=>{S.init(t,1);let n=S.readString(!0);if(S.clear(),n===void 0)return tt(e,"Inbound: Malformed SERVICE_REQUEST packet");e._debug&&e._debug(`Inbound: Received SERVICE_REQUEST (${n})`);let r=e._handlers.SERVICE_REQUEST;r&&r(e,n)},[nt.SERVICE_ACCEPT]:(e,t)=>{S.init(t,1);let n=S.readString(!0);if(S.clear(),n===void 0)return tt(e,"Inbound: Malformed SERVICE_ACCEPT packet");e._debug&&e._debug(`Inbound: Received SERVICE_ACCEPT (${n})`);let r=e._handlers.SERVICE_ACCEPT;r&&r(e,n)},[nt.EXT_INFO]:(e,t)=>{S.init(t,1);let n=S.readUInt32BE(),r;if(n!==void 0){r=[];for(let s=0;s<n;++s){let i=S.readString(!0),c=S.readString();if(c!==void 0)if(i==="server-sig-algs"){let u=c.latin1Slice(0,c.length).split(",");r.push({name:i,algs:u});continue}else continue;r=void 0;break}}if(S.clear(),r===void 0)return tt(e,"Inbound: Malformed EXT_INFO packet");e._debug&&e._debug("Inbound: Received EXT_INFO");let o=e._handlers.EXT_INFO;o&&o(e,r)},[nt.USERAUTH_REQUEST]:(e,t)=>{S.init(t,1);let n=S.readString(!0),r=S.readString(!0),o=S.readString(!0),s,i;switch(o){case"none":s=null;break;case"password":{let u=S.readBool();if(u!==void 0&&(s=S.readString(!0),s!==void 0&&u)){let l=S.readString(!0);l!==void 0?s={oldPassword:s,newPassword:l}:s=void 0}break}case"publickey":{let u=S.readBool();if(u!==void 0){let l=S.readString(!0),f=l,h=S.readString(),_;switch(l){case"rsa-sha2-256":f="ssh-rsa",_="sha256";break;case"rsa-sha2-512":f="ssh-rsa",_="sha512";break}if(u){let m=S.pos(),y=S.readString();if(y!==void 0&&(y.length>4+l.length+4&&y.utf8Slice(4,4+l.length)===l&&(y=su(y,4+l.length+4)),y=np(y,f),y)){let b=e._kex.sessionID,A=Buffer.allocUnsafe(4+b.length+m);rp(A,b.length,0),A.set(b,4),A.set(new Uint8Array(t.buffer,t.byteOffset,m),4+b.length),s={keyAlgo:f,key:h,signature:y,blob:A,hashAlgo:_}}}else s={keyAlgo:f,key:h,hashAlgo:_},i="publickey -- check"}break}case"hostbased":{let u=S.readString(!0),l=u,f=S.readString(),h=S.readString(!0),_=S.readString(!0),m;switch(u){case"rsa-sha2-256":l="ssh-rsa",m="sha256";break;case"rsa-sha2-512":l="ssh-rsa",m="sha512";break}let y=S.pos(),b=S.readString();if(b!==void 0&&(b.length>4+u.length+4&&b.utf8Slice(4,4+u.length)===u&&(b=su(b,4+u.length+4)),b=np(b,l),b!==void 0)){let A=e._kex.sessionID,E=Buffer.allocUnsafe(4+A.length+y);rp(E,A.length,0),E.set(A,4),E.set(new Uint8Array(t.buffer,t.byteOffset,y),4+A.length),s={keyAlgo:l,key:f,signature:b,blob:E,localHostname:h,localUsername:_,hashAlgo:m}}break}case"keyboard-interactive":S.skipString(),s=S.readList();break;default:o!==void 0&&(s=S.readRaw())}if(S.clear(),s===void 0)return tt(e,"Inbound: Malformed USERAUTH_REQUEST packet");i===void 0&&(i=o),e._authsQueue.push(o),e._debug&&e._debug(`Inbound: Received USERAUTH_REQUEST (${i})`);let c=e._handlers.USERAUTH_REQUEST;c&&c(e,n,r,o,s)},[nt.USERAUTH_FAILURE]:(e,t)=>{S.init(t,1);let n=S.readList(),r=S.readBool();if(S.clear(),r===void 0)return tt(e,"Inbound: Malformed USERAUTH_FAILURE packet");e._debug&&e._debug(`Inbound: Received USERAUTH_FAILURE (${n})`),e._authsQueue.shift();let o=e._handlers.USERAUTH_FAILURE;o&&o(e,n,r)},[nt.USERAUTH_SUCCESS]:(e,t)=>{e._debug&&e._debug("Inbound: Received USERAUTH_SUCCESS"),e._authsQueue.shift();let n=e._handlers.USERAUTH_SUCCESS;n&&n(e)},[nt.USERAUTH_BANNER]:(e,t)=>{S.init(t,1);let n=S.readString(!0),r=S.readString();if(S.clear(),r===void 0)return tt(e,"Inbound: Malformed USERAUTH_BANNER packet");e._debug&&e._debug("Inbound: Received USERAUTH_BANNER");let o=e._handlers.USERAUTH_BANNER;o&&o(e,n)},60:(e,t)=>{if(!e._authsQueue.length){e._debug&&e._debug("Inbound: Received payload type 60 without auth");return}switch(e._authsQueue[0]){case"password":{S.init(t,1);let n=S.readString(!0),r=S.readString();if(S.clear(),r===void 0)return tt(e,"Inbound: Malformed USERAUTH_PASSWD_CHANGEREQ packet");e._debug&&e._debug("Inbound: Received USERAUTH_PASSWD_CHANGEREQ");let o=e._handlers.USERAUTH_PASSWD_CHANGEREQ;o&&o(e,n);break}case"publickey":{S.init(t,1);let n=S.readString(!0),r=S.readString();if(S.clear(),r===void 0)return tt(e,"Inbound: Malformed USERAUTH_PK_OK packet");e._debug&&e._debug("Inbound: Received USERAUTH_PK_OK"),e._authsQueue.shift();let o=e._handlers.USERAUTH_PK_OK;o&&o(e,n,r);break}case"keyboard-interactive":{S.init(t,1);let n=S.readString(!0),r=S.readString(!0);S.readString();let o=S.readUInt32BE(),s;if(o!==void 0){s=new Array(o);let c;for(c=0;c<o;++c){let u=S.readString(!0),l=S.readBool();if(l===void 0)break;s[c]={prompt:u,echo:l}}c!==o&&(s=void 0)}if(S.clear(),s===void 0)return tt(e,"Inbound: Malformed USERAUTH_INFO_REQUEST packet");e._debug&&e._debug("Inbound: Received USERAUTH_INFO_REQUEST");let i=e._handlers.USERAUTH_INFO_REQUEST;i&&i(e,n,r,s);break}default:e._debug&&e._debug("Inbound: Received unexpected payload type 60")}},61:(e,t)=>{if(!e._authsQueue.length){e._debug&&e._debug("Inbound: Received payload type 61 without auth");return}if(e._authsQueue[0]!=="keyboard-interactive")return tt(e,"Inbound: Received unexpected payload type 61");S.init(t,1);let n=S.readUInt32BE(),r;if(n!==void 0){r=new Array(n);let s;for(s=0;s<n;++s){let i=S.readString(!0);if(i===void 0)break;r[s]=i}s!==n&&(r=void 0)}if(S.clear(),r===void 0)return tt(e,"Inbound: Malformed USERAUTH_INFO_RESPONSE packet");e._debug&&e._debug("Inbound: Received USERAUTH_INFO_RESPONSE");let o=e._handlers.USERAUTH_INFO_RESPONSE;o&&o(e,r)},[nt.GLOBAL_REQUEST]:(e,t)=>{S.init(t,1);let n=S.readString(!0),r=S.readBool(),o;if(r!==void 0)switch(n){case"tcpip-forward":case"cancel-tcpip-forward":{let i=S.readString(!0),c=S.readUInt32BE();c!==void 0&&(o={bindAddr:i,bindPort:c});break}case"streamlocal-forward@openssh.com":case"cancel-streamlocal-forward@openssh.com":{let i=S.readString(!0);i!==void 0&&(o={socketPath:i});break}case"no-more-sessions@openssh.com":o=null;break;case"hostkeys-00@openssh.com":{for(o=[];S.avail()>0;){let i=S.readString();if(i===void 0){o=void 0;break}let c=cb(i);c instanceof Error||o.push(c)}break}default:o=S.readRaw()}if(S.clear(),o===void 0)return tt(e,"Inbound: Malformed GLOBAL_REQUEST packet");e._debug&&e._debug(`Inbound: GLOBAL_REQUEST (${n})`);let s=e._handlers.GLOBAL_REQUEST;s?s(e,n,r,o):e.requestFailure()},[nt.REQUEST_SUCCESS]:(e,t)=>{let n=t.length>1?su(t,1):null;e._debug&&e._debug("Inbound: REQUEST_SUCCESS");let r=e._handlers.REQUEST_SUCCESS;r&&r(e,n)},[nt.REQUEST_FAILURE]:(e,t)=>{e._debug&&e._debug("Inbound: Received REQUEST_FAILURE");let n=e._handlers.REQUEST_FAILURE;n&&n(e)},[nt.CHANNEL_OPEN]:(e,t)=>{S.init(t,1);let n=S.readString(!0),r=S.readUInt32BE(),o=S.readUInt32BE(),s=S.readUInt32BE(),i;switch(n){case"forwarded-tcpip":case"direct-tcpip":{let u=S.readString(!0),l=S.readUInt32BE(),f=S.readString(!0),h=S.readUInt32BE();h!==void 0&&(i={type:n,sender:r,window:o,packetSize:s,data:{destIP:u,destPort:l,srcIP:f,srcPort:h}});break}case"forwarded-streamlocal@openssh.com":case"direct-streamlocal@openssh.com":{let u=S.readString(!0);u!==void 0&&(i={type:n,sender:r,window:o,packetSize:s,data:{socketPath:u}});break}case"x11":{let u=S.readString(!0),l=S.readUInt32BE();l!==void 0&&(i={type:n,sender:r,window:o,packetSize:s,data:{srcIP:u,srcPort:l}});break}default:i={type:n,sender:r,window:o,packetSize:s,data:{}}}if(S.clear(),i===void 0)return tt(e,"Inbound: Malformed CHANNEL_OPEN packet");e._debug&&e._debug(`Inbound: CHANNEL_OPEN (s:${r}, ${n})`);let c=e._handlers.CHANNEL_OPEN;c?c(e,i):e.channelOpenFail(i.sender,ib.ADMINISTRATIVELY_PROHIBITED,"","")},[nt.CHANNEL_OPEN_CONFIRMATION]:(e,t)=>{S.init(t,1);let n=S.readUInt32BE(),r=S.readUInt32BE(),o=S.readUInt32BE(),s=S.readUInt32BE(),i=S.avail()?S.readRaw():void 0;if(S.clear(),s===void 0)return tt(e,"Inbound: Malformed CHANNEL_OPEN_CONFIRMATION packet");e._debug&&e._debug(`Inbound: CHANNEL_OPEN_CONFIRMATION (r:${n}, s:${r})`);let c=e._handlers.CHANNEL_OPEN_CONFIRMATION;c&&c(e,{recipient:n,sender:r,window:o,packetSize:s,data:i})},[nt.CHANNEL_OPEN_FAILURE]:(e,t)=>{S.init(t,1);let n=S.readUInt32BE(),r=S.readUInt32BE(),o=S.readString(!0),s=S.readString();if(S.clear(),s===void 0)return tt(e,"Inbound: Malformed CHANNEL_OPEN_FAILURE packet");e._debug&&e._debug(`Inbound: CHANNEL_OPEN_FAILURE (r:${n})`);let i=e._handlers.CHANNEL_OPEN_FAILURE;i&&i(e,n,r,o)},[nt.CHANNEL_WINDOW_ADJUST]:(e,t)=>{S.init(t,1);let n=S.readUInt32BE(),r=S.readUInt32BE();if(S.clear(),r===void 0)return tt(e,"Inbound: Malformed CHANNEL_WINDOW_ADJUST packet");e._debug&&e._debug(`Inbound: CHANNEL_WINDOW_ADJUST (r:${n}, ${r})`);let o=e._handlers.CHANNEL_WINDOW_ADJUST;o&&o(e,n,r)},[nt.CHANNEL_DATA]:(e,t)=>{S.init(t,1);let n=S.readUInt32BE(),r=S.readString();if(S.clear(),r===void 0)return tt(e,"Inbound: Malformed CHANNEL_DATA packet");e._debug&&e._debug(`Inbound: CHANNEL_DATA (r:${n}, ${r.length})`);let o=e._handlers.CHANNEL_DATA;o&&o(e,n,r)},[nt.CHANNEL_EXTENDED_DATA]:(e,t)=>{S.init(t,1);let n=S.readUInt32BE(),r=S.readUInt32BE(),o=S.readString();if(S.clear(),o===void 0)return tt(e,"Inbound: Malformed CHANNEL_EXTENDED_DATA packet");e._debug&&e._debug(`Inbound: CHANNEL_EXTENDED_DATA (r:${n}, ${o.length})`);let s=e._handlers.CHANNEL_EXTENDED_DATA;s&&s(e,n,o,r)},[nt.CHANNEL_EOF]:(e,t)=>{S.init(t,1);let n=S.readUInt32BE();if(S.clear(),n===void 0)return tt(e,"Inbound: Malformed CHANNEL_EOF packet");e._debug&&e._debug(`Inbound: CHANNEL_EOF (r:${n})`);let r=e._handlers.CHANNEL_EOF;r&&r(e,n)},[nt.CHANNEL_CLOSE]:(e,t)=>{S.init(t,1);let n=S.readUInt32BE();if(S.clear(),n===void 0)return tt(e,"Inbound: Malformed CHANNEL_CLOSE packet");e._debug&&e._debug(`Inbound: CHANNEL_CLOSE (r:${n})`);let r=e._handlers.CHANNEL_CLOSE;r&&r(e,n)},[nt.CHANNEL_REQUEST]:(e,t)=>{S.init(t,1);let n=S.readUInt32BE(),r=S.readString(!0),o=S.readBool(),s;if(o!==void 0)switch(r){case"exit-status":s=S.readUInt32BE(),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${s})`);break;case"exit-signal":{let c,u;if(e._compatFlags&ab.OLD_EXIT){let f=S.readUInt32BE();switch(f){case 1:c="HUP";break;case 2:c="INT";break;case 3:c="QUIT";break;case 6:c="ABRT";break;case 9:c="KILL";break;case 14:c="ALRM";break;case 15:c="TERM";break;default:f!==void 0&&(c=`UNKNOWN (${f})`)}u=!1}else c=S.readString(!0),u=S.readBool(),u===void 0&&(c=void 0);let l=S.readString(!0);S.skipString()!==void 0&&(s={signal:c,coreDumped:u,errorMessage:l}),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${c})`);break}case"pty-req":{let c=S.readString(!0),u=S.readUInt32BE(),l=S.readUInt32BE(),f=S.readUInt32BE(),h=S.readUInt32BE(),_=S.readString();if(_!==void 0){S.init(_,1);let m={};for(;S.avail();){let y=S.readByte();if(y===op.TTY_OP_END)break;let b=ub[y],A=S.readUInt32BE();if(y===void 0||b===void 0||A===void 0){m=void 0;break}m[b]=A}m!==void 0&&(s={term:c,cols:u,rows:l,width:f,height:h,modes:m})}e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break}case"window-change":{let c=S.readUInt32BE(),u=S.readUInt32BE(),l=S.readUInt32BE(),f=S.readUInt32BE();f!==void 0&&(s={cols:c,rows:u,width:l,height:f}),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break}case"x11-req":{let c=S.readBool(),u=S.readString(!0),l=S.readString(),f=S.readUInt32BE();f!==void 0&&(s={single:c,protocol:u,cookie:l,screen:f}),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break}case"env":{let c=S.readString(!0),u=S.readString(!0);u!==void 0&&(s={name:c,value:u}),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${c}=${u})`);break}case"shell":s=null,e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break;case"exec":s=S.readString(!0),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${s})`);break;case"subsystem":s=S.readString(!0),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${s})`);break;case"signal":s=S.readString(!0),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${s})`);break;case"xon-xoff":s=S.readBool(),e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r}: ${s})`);break;case"auth-agent-req@openssh.com":s=null,e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`);break;default:s=S.avail()?S.readRaw():null,e._debug&&e._debug(`Inbound: CHANNEL_REQUEST (r:${n}, ${r})`)}if(S.clear(),s===void 0)return tt(e,"Inbound: Malformed CHANNEL_REQUEST packet");let i=e._handlers.CHANNEL_REQUEST;i&&i(e,n,r,o,s)},[nt.CHANNEL_SUCCESS]:(e,t)=>{S.init(t,1);let n=S.readUInt32BE();if(S.clear(),n===void 0)return tt(e,"Inbound: Malformed CHANNEL_SUCCESS packet");e._debug&&e._debug(`Inbound: CHANNEL_SUCCESS (r:${n})`);let r=e._handlers.CHANNEL_SUCCESS;r&&r(e,n)},[nt.CHANNEL_FAILURE]:(e,t)=>{S.init(t,1);let n=S.readUInt32BE();if(S.clear(),n===void 0)return tt(e,"Inbound: Malformed CHANNEL_FAILURE packet");e._debug&&e._debug(`Inbound: CHANNEL_FAILURE (r:${n})`);let r=e._handlers.CHANNEL_FAILURE;r&&r(e,n)}}});var ri=Fe((aR,ap)=>{"use strict";var iu=new Array(256);[au().HANDLERS,ip()].forEach(e=>{for(let[t,n]of Object.entries(e))t=+t,isFinite(t)&&t>=0&&t<iu.length&&(iu[t]=n)});ap.exports=iu});var au=Fe((uR,gp)=>{"use strict";var{createDiffieHellman:lb,createDiffieHellmanGroup:db,createECDH:fb,createHash:uu,createPublicKey:hb,diffieHellman:pb,generateKeyPairSync:_b,randomFillSync:mb}=require("crypto"),{Ber:cp}=Ds(),{COMPAT:lu,curve25519Supported:gb,DEFAULT_KEX:up,DEFAULT_SERVER_HOST_KEY:lp,DEFAULT_CIPHER:oi,DEFAULT_MAC:si,DEFAULT_COMPRESSION:ii,DISCONNECT_REASON:De,MESSAGE:Ve}=Mn(),{CIPHER_INFO:Mr,createCipher:$b,createDecipher:wb,MAC_INFO:dp}=Tr(),{parseDERKey:yb}=sr(),{bufferFill:bb,bufferParser:Ue,convertSignature:Ab,doFatalError:He,FastBuffer:xb,sigSSHToASN1:Eb,writeUInt32BE:xt}=xn(),{PacketReader:fp,PacketWriter:hp,ZlibPacketReader:ai,ZlibPacketWriter:ci}=ou(),Hr,kb=2048,vb=8192,Sb=Buffer.alloc(0);function pp(e){let t;if(e._compatFlags&lu.BAD_DHGEX){let n=e._offer.lists.kex,r=n.array,o=!1;for(let s=0;s<r.length;++s)r[s].includes("group-exchange")&&(o||(o=!0,r=r.slice()),r.splice(s--,1));if(o){let s=17+e._offer.totalSize+1+4,i=Buffer.from(r.join(","));s-=n.buffer.length-i.length;let c=e._offer.lists.all,u=new Uint8Array(c.buffer,c.byteOffset+4+n.buffer.length,c.length-(4+n.buffer.length));t=Buffer.allocUnsafe(s),xt(t,i.length,17),t.set(i,21),t.set(u,21+i.length)}}t===void 0&&(t=Buffer.allocUnsafe(17+e._offer.totalSize+1+4),e._offer.copyAllTo(t,17)),e._debug&&e._debug("Outbound: Sending KEXINIT"),t[0]=Ve.KEXINIT,mb(t,1,16),bb(t,0,t.length-5),e._kexinit=t,e._packetRW.write.allocStart=0;{let n=e._packetRW.write.allocStartKEX,r=e._packetRW.write.alloc(t.length,!0);r.set(t,n),e._cipher.encrypt(e._packetRW.write.finalize(r,!0))}}a(pp,"kexinit");function _p(e,t){let n={kex:void 0,serverHostKey:void 0,cs:{cipher:void 0,mac:void 0,compress:void 0,lang:void 0},sc:{cipher:void 0,mac:void 0,compress:void 0,lang:void 0}};if(Ue.init(t,17),(n.kex=Ue.readList())===void 0||(n.serverHostKey=Ue.readList())===void 0||(n.cs.cipher=Ue.readList())===void 0||(n.sc.cipher=Ue.readList())===void 0||(n.cs.mac=Ue.readList())===void 0||(n.sc.mac=Ue.readList())===void 0||(n.cs.compress=Ue.readList())===void 0||(n.sc.compress=Ue.readList())===void 0||(n.cs.lang=Ue.readList())===void 0||(n.sc.lang=Ue.readList())===void 0)return Ue.clear(),He(e,"Received malformed KEXINIT","handshake",De.KEY_EXCHANGE_FAILED);let r=Ue.pos(),o=r<t.length&&t[r]===1;Ue.clear();let s=e._offer,i=n,c=s.lists.kex.array;if(e._compatFlags&lu.BAD_DHGEX){let T=!1;for(let q=0;q<c.length;++q)c[q].indexOf("group-exchange")!==-1&&(T||(T=!0,c=c.slice()),c.splice(q--,1))}let u,l,f,h=e._debug;h&&h("Inbound: Handshake in progress"),h&&h(`Handshake: (local) KEX method: ${c}`),h&&h(`Handshake: (remote) KEX method: ${i.kex}`);let _;if(e._server?(l=c,u=i.kex,_=u.indexOf("ext-info-c")!==-1):(l=i.kex,u=c,_=l.indexOf("ext-info-s")!==-1),e._strictMode===void 0&&(e._server?e._strictMode=u.indexOf("kex-strict-c-v00@openssh.com")!==-1:e._strictMode=l.indexOf("kex-strict-s-v00@openssh.com")!==-1,e._strictMode&&(h&&h("Handshake: strict KEX mode enabled"),e._decipher.inSeqno!==1)))return h&&h("Handshake: KEXINIT not first packet in strict KEX mode"),He(e,"Handshake failed: KEXINIT not first packet in strict KEX mode","handshake",De.KEY_EXCHANGE_FAILED);for(f=0;f<u.length&&l.indexOf(u[f])===-1;++f);if(f===u.length)return h&&h("Handshake: no matching key exchange algorithm"),He(e,"Handshake failed: no matching key exchange algorithm","handshake",De.KEY_EXCHANGE_FAILED);n.kex=u[f],h&&h(`Handshake: KEX algorithm: ${u[f]}`),o&&(!i.kex.length||u[f]!==i.kex[0])&&(e._skipNextInboundPacket=!0);let m=s.lists.serverHostKey.array;for(h&&h(`Handshake: (local) Host key format: ${m}`),h&&h(`Handshake: (remote) Host key format: ${i.serverHostKey}`),e._server?(l=m,u=i.serverHostKey):(l=i.serverHostKey,u=m),f=0;f<u.length&&l.indexOf(u[f])===-1;++f);if(f===u.length)return h&&h("Handshake: No matching host key format"),He(e,"Handshake failed: no matching host key format","handshake",De.KEY_EXCHANGE_FAILED);n.serverHostKey=u[f],h&&h(`Handshake: Host key format: ${u[f]}`);let y=s.lists.cs.cipher.array;for(h&&h(`Handshake: (local) C->S cipher: ${y}`),h&&h(`Handshake: (remote) C->S cipher: ${i.cs.cipher}`),e._server?(l=y,u=i.cs.cipher):(l=i.cs.cipher,u=y),f=0;f<u.length&&l.indexOf(u[f])===-1;++f);if(f===u.length)return h&&h("Handshake: No matching C->S cipher"),He(e,"Handshake failed: no matching C->S cipher","handshake",De.KEY_EXCHANGE_FAILED);n.cs.cipher=u[f],h&&h(`Handshake: C->S Cipher: ${u[f]}`);let b=s.lists.sc.cipher.array;for(h&&h(`Handshake: (local) S->C cipher: ${b}`),h&&h(`Handshake: (remote) S->C cipher: ${i.sc.cipher}`),e._server?(l=b,u=i.sc.cipher):(l=i.sc.cipher,u=b),f=0;f<u.length&&l.indexOf(u[f])===-1;++f);if(f===u.length)return h&&h("Handshake: No matching S->C cipher"),He(e,"Handshake failed: no matching S->C cipher","handshake",De.KEY_EXCHANGE_FAILED);n.sc.cipher=u[f],h&&h(`Handshake: S->C cipher: ${u[f]}`);let A=s.lists.cs.mac.array;if(h&&h(`Handshake: (local) C->S MAC: ${A}`),h&&h(`Handshake: (remote) C->S MAC: ${i.cs.mac}`),Mr[n.cs.cipher].authLen>0)n.cs.mac="",h&&h("Handshake: C->S MAC: <implicit>");else{for(e._server?(l=A,u=i.cs.mac):(l=i.cs.mac,u=A),f=0;f<u.length&&l.indexOf(u[f])===-1;++f);if(f===u.length)return h&&h("Handshake: No matching C->S MAC"),He(e,"Handshake failed: no matching C->S MAC","handshake",De.KEY_EXCHANGE_FAILED);n.cs.mac=u[f],h&&h(`Handshake: C->S MAC: ${u[f]}`)}let E=s.lists.sc.mac.array;if(h&&h(`Handshake: (local) S->C MAC: ${E}`),h&&h(`Handshake: (remote) S->C MAC: ${i.sc.mac}`),Mr[n.sc.cipher].authLen>0)n.sc.mac="",h&&h("Handshake: S->C MAC: <implicit>");else{for(e._server?(l=E,u=i.sc.mac):(l=i.sc.mac,u=E),f=0;f<u.length&&l.indexOf(u[f])===-1;++f);if(f===u.length)return h&&h("Handshake: No matching S->C MAC"),He(e,"Handshake failed: no matching S->C MAC","handshake",De.KEY_EXCHANGE_FAILED);n.sc.mac=u[f],h&&h(`Handshake: S->C MAC: ${u[f]}`)}let C=s.lists.cs.compress.array;for(h&&h(`Handshake: (local) C->S compression: ${C}`),h&&h(`Handshake: (remote) C->S compression: ${i.cs.compress}`),e._server?(l=C,u=i.cs.compress):(l=i.cs.compress,u=C),f=0;f<u.length&&l.indexOf(u[f])===-1;++f);if(f===u.length)return h&&h("Handshake: No matching C->S compression"),He(e,"Handshake failed: no matching C->S compression","handshake",De.KEY_EXCHANGE_FAILED);n.cs.compress=u[f],h&&h(`Handshake: C->S compression: ${u[f]}`);let L=s.lists.sc.compress.array;for(h&&h(`Handshake: (local) S->C compression: ${L}`),h&&h(`Handshake: (remote) S->C compression: ${i.sc.compress}`),e._server?(l=L,u=i.sc.compress):(l=i.sc.compress,u=L),f=0;f<u.length&&l.indexOf(u[f])===-1;++f);if(f===u.length)return h&&h("Handshake: No matching S->C compression"),He(e,"Handshake failed: no matching S->C compression","handshake",De.KEY_EXCHANGE_FAILED);n.sc.compress=u[f],h&&h(`Handshake: S->C compression: ${u[f]}`),n.cs.lang="",n.sc.lang="",e._kex&&(e._kexinit||pp(e),e._decipher._onPayload=mp.bind(e,{firstPacket:!1})),e._kex=Ib(n,e,t),e._kex.remoteExtInfoEnabled=_,e._kex.start()}a(_p,"handleKexInit");var Ib=(()=>{function e(i){let c=0,u=i.length;for(;i[c]===0;)++c,--u;let l;return i[c]&128?(l=Buffer.allocUnsafe(1+u),l[0]=0,i.copy(l,1,c),i=l):u!==i.length&&(l=Buffer.allocUnsafe(u),i.copy(l,0,c),i=l),i}a(e,"convertToMpint");class t{static{a(this,"KeyExchange")}constructor(c,u,l){this._protocol=u,this.sessionID=u._kex?u._kex.sessionID:void 0,this.negotiated=c,this.remoteExtInfoEnabled=!1,this._step=1,this._public=null,this._dh=null,this._sentNEWKEYS=!1,this._receivedNEWKEYS=!1,this._finished=!1,this._hostVerified=!1,this._kexinit=u._kexinit,this._remoteKexinit=l,this._identRaw=u._identRaw,this._remoteIdentRaw=u._remoteIdentRaw,this._hostKey=void 0,this._dhData=void 0,this._sig=void 0}finish(c){if(this._finished)return!1;this._finished=!0;let u=this._protocol._server,l=this.negotiated,f=this.convertPublicKey(this._dhData),h=this.computeSecret(this._dhData);if(h instanceof Error)return h.message=`Error while computing DH secret (${this.type}): ${h.message}`,h.level="handshake",He(this._protocol,h,De.KEY_EXCHANGE_FAILED);let _=uu(this.hashName);fn(_,u?this._remoteIdentRaw:this._identRaw),fn(_,u?this._identRaw:this._remoteIdentRaw),fn(_,u?this._remoteKexinit:this._kexinit),fn(_,u?this._kexinit:this._remoteKexinit);let m=u?this._hostKey.getPublicSSH():this._hostKey;if(fn(_,m),this.type==="groupex"){let L=this.getDHParams(),T=Buffer.allocUnsafe(4);xt(T,this._minBits,0),_.update(T),xt(T,this._prefBits,0),_.update(T),xt(T,this._maxBits,0),_.update(T),fn(_,L.prime),fn(_,L.generator)}fn(_,u?f:this.getPublicKey());let y=u?this.getPublicKey():f;fn(_,y),fn(_,h);let b=_.digest();if(u){let L;switch(this.negotiated.serverHostKey){case"rsa-sha2-256":L="sha256";break;case"rsa-sha2-512":L="sha512";break}this._protocol._debug&&this._protocol._debug("Generating signature ...");let T=this._hostKey.sign(b,L);if(T instanceof Error)return He(this._protocol,`Handshake failed: signature generation failed for ${this._hostKey.type} host key: ${T.message}`,"handshake",De.KEY_EXCHANGE_FAILED);if(T=Ab(T,this._hostKey.type),T===!1)return He(this._protocol,`Handshake failed: signature conversion failed for ${this._hostKey.type} host key`,"handshake",De.KEY_EXCHANGE_FAILED);let q=this.negotiated.serverHostKey,re=Buffer.byteLength(q),xe=4+re+4+T.length,M=this._protocol._packetRW.write.allocStartKEX,G=this._protocol._packetRW.write.alloc(5+m.length+4+y.length+4+xe,!0);if(G[M]=Ve.KEXDH_REPLY,xt(G,m.length,++M),G.set(m,M+=4),xt(G,y.length,M+=m.length),G.set(y,M+=4),xt(G,xe,M+=y.length),xt(G,re,M+=4),G.utf8Write(q,M+=4,re),xt(G,T.length,M+=re),G.set(T,M+=4),this._protocol._debug){let j;switch(this.type){case"group":j="KEXDH_REPLY";break;case"groupex":j="KEXDH_GEX_REPLY";break;default:j="KEXECDH_REPLY"}this._protocol._debug(`Outbound: Sending ${j}`)}this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(G,!0))}else{Ue.init(this._sig,0);let L=Ue.readString(!0);if(!L)return He(this._protocol,"Malformed packet while reading signature","handshake",De.KEY_EXCHANGE_FAILED);if(L!==l.serverHostKey)return He(this._protocol,`Wrong signature type: ${L}, expected: ${l.serverHostKey}`,"handshake",De.KEY_EXCHANGE_FAILED);let T=Ue.readString();if(Ue.clear(),T===void 0)return He(this._protocol,"Malformed packet while reading signature","handshake",De.KEY_EXCHANGE_FAILED);if(!(T=Eb(T,L)))return He(this._protocol,"Malformed signature","handshake",De.KEY_EXCHANGE_FAILED);let q;{Ue.init(this._hostKey,0);let M=Ue.readString(!0),G=this._hostKey.slice(Ue.pos());if(Ue.clear(),q=yb(G,M),q instanceof Error)return q.level="handshake",He(this._protocol,q,De.KEY_EXCHANGE_FAILED)}let re;switch(this.negotiated.serverHostKey){case"rsa-sha2-256":re="sha256";break;case"rsa-sha2-512":re="sha512";break}this._protocol._debug&&this._protocol._debug("Verifying signature ...");let xe=q.verify(b,T,re);if(xe!==!0)return xe instanceof Error?this._protocol._debug&&this._protocol._debug(`Signature verification failed: ${xe.stack}`):this._protocol._debug&&this._protocol._debug("Signature verification failed"),He(this._protocol,"Handshake failed: signature verification failed","handshake",De.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Verified signature")}(u||!c)&&ui(this);let A,E,C=a(L=>{if(A)return ui(this),A.outbound.seqno=this._protocol._cipher.outSeqno,this._protocol._cipher.free(),this._protocol._cipher=$b(A),this._protocol._packetRW.write=E,A=void 0,E=void 0,this._protocol._onHandshakeComplete(l),!1;this.sessionID||(this.sessionID=b);{let fe=Buffer.allocUnsafe(4+h.length);xt(fe,h.length,0),fe.set(h,4),h=fe}let T=Mr[l.cs.cipher],q=Mr[l.sc.cipher],re=Fr(T.ivLen,this.hashName,h,b,this.sessionID,"A"),xe=Fr(q.ivLen,this.hashName,h,b,this.sessionID,"B"),M=Fr(T.keyLen,this.hashName,h,b,this.sessionID,"C"),G=Fr(q.keyLen,this.hashName,h,b,this.sessionID,"D"),j,W;T.authLen||(j=dp[l.cs.mac],W=Fr(j.len,this.hashName,h,b,this.sessionID,"E"));let te,_e;q.authLen||(te=dp[l.sc.mac],_e=Fr(te.len,this.hashName,h,b,this.sessionID,"F"));let Y={inbound:{onPayload:this._protocol._onPayload,seqno:this._protocol._decipher.inSeqno,decipherInfo:u?T:q,decipherIV:u?re:xe,decipherKey:u?M:G,macInfo:u?j:te,macKey:u?W:_e},outbound:{onWrite:this._protocol._onWrite,seqno:this._protocol._cipher.outSeqno,cipherInfo:u?q:T,cipherIV:u?xe:re,cipherKey:u?G:M,macInfo:u?te:j,macKey:u?_e:W}};this._protocol._decipher.free(),A=Y,this._protocol._decipher=wb(Y);let oe={read:void 0,write:void 0};switch(l.cs.compress){case"zlib":u?oe.read=new ai:oe.write=new ci(this._protocol);break;case"zlib@openssh.com":if(this._protocol._authenticated){u?oe.read=new ai:oe.write=new ci(this._protocol);break}default:u?oe.read=new fp:oe.write=new hp(this._protocol)}switch(l.sc.compress){case"zlib":u?oe.write=new ci(this._protocol):oe.read=new ai;break;case"zlib@openssh.com":if(this._protocol._authenticated){u?oe.write=new ci(this._protocol):oe.read=new ai;break}default:u?oe.write=new hp(this._protocol):oe.read=new fp}return this._protocol._packetRW.read.cleanup(),this._protocol._packetRW.write.cleanup(),this._protocol._packetRW.read=oe.read,E=oe.write,this._public=null,this._dh=null,this._kexinit=this._protocol._kexinit=void 0,this._remoteKexinit=void 0,this._identRaw=void 0,this._remoteIdentRaw=void 0,this._hostKey=void 0,this._dhData=void 0,this._sig=void 0,L?!1:C()},"completeHandshake");if((u||c)&&(this.finish=C),!u)return C(c)}start(){if(!this._protocol._server){if(this._protocol._debug){let f;this.type==="group"?f="KEXDH_INIT":f="KEXECDH_INIT",this._protocol._debug(`Outbound: Sending ${f}`)}let c=this.getPublicKey(),u=this._protocol._packetRW.write.allocStartKEX,l=this._protocol._packetRW.write.alloc(5+c.length,!0);l[u]=Ve.KEXDH_INIT,xt(l,c.length,++u),l.set(c,u+=4),this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(l,!0))}}getPublicKey(){this.generateKeys();let c=this._public;if(c)return this.convertPublicKey(c)}convertPublicKey(c){let u,l=0,f=c.length;for(;c[l]===0;)++l,--f;return c[l]&128?(u=Buffer.allocUnsafe(1+f),u[0]=0,c.copy(u,1,l),u):(f!==c.length&&(u=Buffer.allocUnsafe(f),c.copy(u,0,l),c=u),c)}computeSecret(c){this.generateKeys();try{return e(this._dh.computeSecret(c))}catch(u){return u}}parse(c){let u=c[0];switch(this._step){case 1:if(this._protocol._server){if(u!==Ve.KEXDH_INIT)return He(this._protocol,`Received packet ${u} instead of ${Ve.KEXDH_INIT}`,"handshake",De.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Received DH Init"),Ue.init(c,1);let l=Ue.readString();if(Ue.clear(),l===void 0)return He(this._protocol,"Received malformed KEX*_INIT","handshake",De.KEY_EXCHANGE_FAILED);this._dhData=l;let f=this._protocol._hostKeys[this.negotiated.serverHostKey];Array.isArray(f)&&(f=f[0]),this._hostKey=f,this.finish()}else{if(u!==Ve.KEXDH_REPLY)return He(this._protocol,`Received packet ${u} instead of ${Ve.KEXDH_REPLY}`,"handshake",De.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Received DH Reply"),Ue.init(c,1);let l,f,h;if((l=Ue.readString())===void 0||(f=Ue.readString())===void 0||(h=Ue.readString())===void 0)return Ue.clear(),He(this._protocol,"Received malformed KEX*_REPLY","handshake",De.KEY_EXCHANGE_FAILED);Ue.clear(),Ue.init(l,0);let _=Ue.readString(!0);if(Ue.clear(),_===void 0)return He(this._protocol,"Received malformed host public key","handshake",De.KEY_EXCHANGE_FAILED);if(_!==this.negotiated.serverHostKey)switch(this.negotiated.serverHostKey){case"rsa-sha2-256":case"rsa-sha2-512":if(_==="ssh-rsa")break;default:return He(this._protocol,"Host key does not match negotiated type","handshake",De.KEY_EXCHANGE_FAILED)}this._hostKey=l,this._dhData=f,this._sig=h;let m=!1,y;if(this._protocol._hostVerifier===void 0?(y=!0,this._protocol._debug&&this._protocol._debug("Host accepted by default (no verification)")):y=this._protocol._hostVerifier(l,b=>{if(!m){if(m=!0,b===!1)return this._protocol._debug&&this._protocol._debug("Host denied (verification failed)"),He(this._protocol,"Host denied (verification failed)","handshake",De.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Host accepted (verified)"),this._hostVerified=!0,this._receivedNEWKEYS?this.finish():ui(this)}}),y===void 0){++this._step;return}if(m=!0,y===!1)return this._protocol._debug&&this._protocol._debug("Host denied (verification failed)"),He(this._protocol,"Host denied (verification failed)","handshake",De.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Host accepted (verified)"),this._hostVerified=!0,ui(this)}++this._step;break;case 2:return u!==Ve.NEWKEYS?He(this._protocol,`Received packet ${u} instead of ${Ve.NEWKEYS}`,"handshake",De.KEY_EXCHANGE_FAILED):(this._protocol._debug&&this._protocol._debug("Inbound: NEWKEYS"),this._receivedNEWKEYS=!0,this._protocol._strictMode&&(this._protocol._decipher.inSeqno=0),++this._step,this.finish(!this._protocol._server&&!this._hostVerified));default:return He(this._protocol,`Received unexpected packet ${u} after NEWKEYS`,"handshake",De.KEY_EXCHANGE_FAILED)}}}class n extends t{static{a(this,"Curve25519Exchange")}constructor(c,...u){super(...u),this.type="25519",this.hashName=c,this._keys=null}generateKeys(){this._keys||(this._keys=_b("x25519"))}getPublicKey(){return this.generateKeys(),this._keys.publicKey.export({type:"spki",format:"der"}).slice(-32)}convertPublicKey(c){let u,l=0,f=c.length;for(;c[l]===0;)++l,--f;return c.length===32||f!==c.length&&(u=Buffer.allocUnsafe(f),c.copy(u,0,l),c=u),c}computeSecret(c){this.generateKeys();try{let u=new cp.Writer;return u.startSequence(),u.startSequence(),u.writeOID("1.3.101.110"),u.endSequence(),u.startSequence(cp.BitString),u.writeByte(0),u._ensure(c.length),c.copy(u._buf,u._offset,0,c.length),u._offset+=c.length,u.endSequence(),u.endSequence(),e(pb({privateKey:this._keys.privateKey,publicKey:hb({key:u.buffer,type:"spki",format:"der"})}))}catch(u){return u}}}class r extends t{static{a(this,"ECDHExchange")}constructor(c,u,...l){super(...l),this.type="ecdh",this.curveName=c,this.hashName=u}generateKeys(){this._dh||(this._dh=fb(this.curveName),this._public=this._dh.generateKeys())}}class o extends t{static{a(this,"DHGroupExchange")}constructor(c,...u){super(...u),this.type="groupex",this.hashName=c,this._prime=null,this._generator=null,this._minBits=kb,this._prefBits=Cb(this.negotiated),this._protocol._compatFlags&lu.BUG_DHGEX_LARGE&&(this._prefBits=Math.min(this._prefBits,4096)),this._maxBits=vb}start(){if(this._protocol._server)return;this._protocol._debug&&this._protocol._debug("Outbound: Sending KEXDH_GEX_REQUEST");let c=this._protocol._packetRW.write.allocStartKEX,u=this._protocol._packetRW.write.alloc(13,!0);u[c]=Ve.KEXDH_GEX_REQUEST,xt(u,this._minBits,++c),xt(u,this._prefBits,c+=4),xt(u,this._maxBits,c+=4),this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(u,!0))}generateKeys(){!this._dh&&this._prime&&this._generator&&(this._dh=lb(this._prime,this._generator),this._public=this._dh.generateKeys())}setDHParams(c,u){if(!Buffer.isBuffer(c))throw new Error("Invalid prime value");if(!Buffer.isBuffer(u))throw new Error("Invalid generator value");this._prime=c,this._generator=u}getDHParams(){if(this._dh)return{prime:e(this._dh.getPrime()),generator:e(this._dh.getGenerator())}}parse(c){let u=c[0];switch(this._step){case 1:{if(this._protocol._server)return u!==Ve.KEXDH_GEX_REQUEST?He(this._protocol,`Received packet ${u} instead of `+Ve.KEXDH_GEX_REQUEST,"handshake",De.KEY_EXCHANGE_FAILED):He(this._protocol,"Group exchange not implemented for server","handshake",De.KEY_EXCHANGE_FAILED);if(u!==Ve.KEXDH_GEX_GROUP)return He(this._protocol,`Received packet ${u} instead of ${Ve.KEXDH_GEX_GROUP}`,"handshake",De.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Received DH GEX Group"),Ue.init(c,1);let l,f;if((l=Ue.readString())===void 0||(f=Ue.readString())===void 0)return Ue.clear(),He(this._protocol,"Received malformed KEXDH_GEX_GROUP","handshake",De.KEY_EXCHANGE_FAILED);Ue.clear(),this.setDHParams(l,f),this.generateKeys();let h=this.getPublicKey();this._protocol._debug&&this._protocol._debug("Outbound: Sending KEXDH_GEX_INIT");let _=this._protocol._packetRW.write.allocStartKEX,m=this._protocol._packetRW.write.alloc(5+h.length,!0);m[_]=Ve.KEXDH_GEX_INIT,xt(m,h.length,++_),m.set(h,_+=4),this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(m,!0)),++this._step;break}case 2:if(this._protocol._server)return u!==Ve.KEXDH_GEX_INIT?He(this._protocol,`Received packet ${u} instead of ${Ve.KEXDH_GEX_INIT}`,"handshake",De.KEY_EXCHANGE_FAILED):(this._protocol._debug&&this._protocol._debug("Received DH GEX Init"),He(this._protocol,"Group exchange not implemented for server","handshake",De.KEY_EXCHANGE_FAILED));if(u!==Ve.KEXDH_GEX_REPLY)return He(this._protocol,`Received packet ${u} instead of ${Ve.KEXDH_GEX_REPLY}`,"handshake",De.KEY_EXCHANGE_FAILED);this._protocol._debug&&this._protocol._debug("Received DH GEX Reply"),this._step=1,c[0]=Ve.KEXDH_REPLY,this.parse=t.prototype.parse,this.parse(c)}}}class s extends t{static{a(this,"DHExchange")}constructor(c,u,...l){super(...l),this.type="group",this.groupName=c,this.hashName=u}start(){if(!this._protocol._server){this._protocol._debug&&this._protocol._debug("Outbound: Sending KEXDH_INIT");let c=this.getPublicKey(),u=this._protocol._packetRW.write.allocStartKEX,l=this._protocol._packetRW.write.alloc(5+c.length,!0);l[u]=Ve.KEXDH_INIT,xt(l,c.length,++u),l.set(c,u+=4),this._protocol._cipher.encrypt(this._protocol._packetRW.write.finalize(l,!0))}}generateKeys(){this._dh||(this._dh=db(this.groupName),this._public=this._dh.generateKeys())}getDHParams(){if(this._dh)return{prime:e(this._dh.getPrime()),generator:e(this._dh.getGenerator())}}}return(i,...c)=>{if(typeof i!="object"||i===null)throw new Error("Invalid negotiated argument");let u=i.kex;if(typeof u=="string"){switch(c=[i,...c],u){case"curve25519-sha256":case"curve25519-sha256@libssh.org":if(!gb)break;return new n("sha256",...c);case"ecdh-sha2-nistp256":return new r("prime256v1","sha256",...c);case"ecdh-sha2-nistp384":return new r("secp384r1","sha384",...c);case"ecdh-sha2-nistp521":return new r("secp521r1","sha512",...c);case"diffie-hellman-group1-sha1":return new s("modp2","sha1",...c);case"diffie-hellman-group14-sha1":return new s("modp14","sha1",...c);case"diffie-hellman-group14-sha256":return new s("modp14","sha256",...c);case"diffie-hellman-group15-sha512":return new s("modp15","sha512",...c);case"diffie-hellman-group16-sha512":return new s("modp16","sha512",...c);case"diffie-hellman-group17-sha512":return new s("modp17","sha512",...c);case"diffie-hellman-group18-sha512":return new s("modp18","sha512",...c);case"diffie-hellman-group-exchange-sha1":return new o("sha1",...c);case"diffie-hellman-group-exchange-sha256":return new o("sha256",...c)}throw new Error(`Unsupported key exchange algorithm: ${u}`)}throw new Error(`Invalid key exchange type: ${u}`)}})(),cu=(()=>{let e=["kex","serverHostKey",["cs","cipher"],["sc","cipher"],["cs","mac"],["sc","mac"],["cs","compress"],["sc","compress"],["cs","lang"],["sc","lang"]];return class{static{a(this,"KexInit")}constructor(n){if(typeof n!="object"||n===null)throw new TypeError("Argument must be an object");let r={kex:void 0,serverHostKey:void 0,cs:{cipher:void 0,mac:void 0,compress:void 0,lang:void 0},sc:{cipher:void 0,mac:void 0,compress:void 0,lang:void 0},all:void 0},o=0;for(let c of e){let u,l,f,h;if(typeof c=="string")u=r,l=n[c],f=h=c;else{let m=c[0];u=r[m],h=c[1],l=n[m][h],f=`${m}.${h}`}let _={array:void 0,buffer:void 0};if(Buffer.isBuffer(l))_.array=(""+l).split(","),_.buffer=l,o+=4+l.length;else{if(typeof l=="string"&&(l=l.split(",")),Array.isArray(l))_.array=l,_.buffer=Buffer.from(l.join(","));else throw new TypeError(`Invalid \`${f}\` type: ${typeof l}`);o+=4+_.buffer.length}u[h]=_}let s=Buffer.allocUnsafe(o);r.all=s;let i=0;for(let c of e){let u;typeof c=="string"?u=r[c].buffer:u=r[c[0]][c[1]].buffer,i=xt(s,u.length,i),s.set(u,i),i+=u.length}this.totalSize=o,this.lists=r}copyAllTo(n,r){let o=this.lists.all;if(typeof r!="number")throw new TypeError(`Invalid offset value: ${typeof r}`);if(n.length-r<o.length)throw new Error("Insufficient space to copy list");return n.set(o,r),o.length}}})(),fn=(()=>{let e=Buffer.allocUnsafe(4);return(t,n)=>{xt(e,n.length,0),t.update(e),t.update(n)}})();function Fr(e,t,n,r,o,s){let i;if(e){let c=uu(t).update(n).update(r).update(s).update(o).digest();for(;c.length<e;){let u=uu(t).update(n).update(r).update(c).digest(),l=Buffer.allocUnsafe(c.length+u.length);l.set(c,0),l.set(u,c.length),c=l}c.length===e?i=c:i=new xb(c.buffer,c.byteOffset,e)}else i=Sb;return i}a(Fr,"generateKEXVal");function mp(e,t){if(t.length===0){this._debug&&this._debug("Inbound: Skipping empty packet payload");return}if(this._skipNextInboundPacket){this._skipNextInboundPacket=!1;return}t=this._packetRW.read.read(t);let n=t[0];if(!this._strictMode)switch(n){case Ve.IGNORE:case Ve.UNIMPLEMENTED:case Ve.DEBUG:return Hr||(Hr=ri()),Hr[n](this,t)}switch(n){case Ve.DISCONNECT:return Hr||(Hr=ri()),Hr[n](this,t);case Ve.KEXINIT:return e.firstPacket?(e.firstPacket=!1,_p(this,t)):He(this,"Received extra KEXINIT during handshake","handshake",De.KEY_EXCHANGE_FAILED);default:if(n<20||n>49)return He(this,`Received unexpected packet type ${n}`,"handshake",De.KEY_EXCHANGE_FAILED)}return this._kex.parse(t)}a(mp,"onKEXPayload");function Cb(e){let t=Mr[e.cs.cipher],n=Mr[e.sc.cipher],r=Math.max(0,t.sslName==="des-ede3-cbc"?14:t.keyLen,t.blockLen,t.ivLen,n.sslName==="des-ede3-cbc"?14:n.keyLen,n.blockLen,n.ivLen)*8;return r<=112?2048:r<=128?3072:r<=192?7680:8192}a(Cb,"dhEstimate");function ui(e){if(!e._sentNEWKEYS){e._protocol._debug&&e._protocol._debug("Outbound: Sending NEWKEYS");let t=e._protocol._packetRW.write.allocStartKEX,n=e._protocol._packetRW.write.alloc(1,!0);n[t]=Ve.NEWKEYS,e._protocol._cipher.encrypt(e._protocol._packetRW.write.finalize(n,!0)),e._sentNEWKEYS=!0,e._protocol._strictMode&&(e._protocol._cipher.outSeqno=0)}}a(ui,"trySendNEWKEYS");gp.exports={KexInit:cu,kexinit:pp,onKEXPayload:mp,DEFAULT_KEXINIT_CLIENT:new cu({kex:up.concat(["ext-info-c","kex-strict-c-v00@openssh.com"]),serverHostKey:lp,cs:{cipher:oi,mac:si,compress:ii,lang:[]},sc:{cipher:oi,mac:si,compress:ii,lang:[]}}),DEFAULT_KEXINIT_SERVER:new cu({kex:up.concat(["kex-strict-s-v00@openssh.com"]),serverHostKey:lp,cs:{cipher:oi,mac:si,compress:ii,lang:[]},sc:{cipher:oi,mac:si,compress:ii,lang:[]}}),HANDLERS:{[Ve.KEXINIT]:_p}}});var $p=Fe((dR,Rb)=>{Rb.exports={name:"ssh2",version:"1.17.0",author:"Brian White <mscdex@mscdex.net>",description:"SSH2 client and server modules written in pure JavaScript for node.js",main:"./lib/index.js",engines:{node:">=10.16.0"},dependencies:{asn1:"^0.2.6","bcrypt-pbkdf":"^1.0.2"},devDependencies:{"@mscdex/eslint-config":"^1.1.0",eslint:"^7.32.0"},optionalDependencies:{"cpu-features":"~0.0.10",nan:"^2.23.0"},scripts:{install:"node install.js",rebuild:"node install.js",test:"node test/test.js",lint:"eslint --cache --report-unused-disable-directives --ext=.js .eslintrc.js examples lib test","lint:fix":"npm run lint -- --fix"},keywords:["ssh","ssh2","sftp","secure","shell","exec","remote","client"],licenses:[{type:"MIT",url:"http://github.com/mscdex/ssh2/raw/master/LICENSE"}],repository:{type:"git",url:"http://github.com/mscdex/ssh2.git"}}});var Pp=Fe((fR,Bp)=>{"use strict";var{inspect:Ep}=require("util"),{bindingAvailable:Bb,NullCipher:Pb,NullDecipher:Tb}=Tr(),{COMPAT_CHECKS:Nb,DISCONNECT_REASON:kp,eddsaSupported:Ob,MESSAGE:ge,SIGNALS:wp,TERMINAL_MODE:fu}=Mn(),{DEFAULT_KEXINIT_CLIENT:Lb,DEFAULT_KEXINIT_SERVER:Ub,KexInit:yp,kexinit:vp,onKEXPayload:Db}=au(),{parseKey:bp}=sr(),Hb=ri(),{bufferCopy:li,bufferFill:Fb,bufferSlice:Sp,convertSignature:Ap,sendPacket:we,writeUInt32BE:k}=xn(),{PacketReader:Mb,PacketWriter:zb,ZlibPacketReader:Ip,ZlibPacketWriter:Cp}=ou(),Qb=$p().version,Kb=new Map(Object.values(kp).map(e=>[e,1])),Rp=Buffer.from(`SSH-2.0-ssh2js${Qb}`),jb=Buffer.from(`${Rp}\r
`),Wb=8192,Zb=1024,xp=Buffer.from([ge.GLOBAL_REQUEST,0,0,0,21,107,101,101,112,97,108,105,118,101,64,111,112,101,110,115,115,104,46,99,111,109,1]),qb=Buffer.from([fu.TTY_OP_END]);function du(){}a(du,"noop");var hu=class{static{a(this,"Protocol")}constructor(t){let n=t.onWrite;if(typeof n!="function")throw new Error("Missing onWrite function");this._onWrite=m=>{n(m)};let r=t.onError;if(typeof r!="function")throw new Error("Missing onError function");this._onError=m=>{r(m)};let o=t.debug;this._debug=typeof o=="function"?m=>{o(m)}:void 0;let s=t.onHeader;this._onHeader=typeof s=="function"?(...m)=>{s(...m)}:du;let i=t.onPacket;this._onPacket=typeof i=="function"?()=>{i()}:du;let c=t.onHandshakeComplete;typeof c!="function"&&(c=du);let u;this._onHandshakeComplete=(...m)=>{this._debug&&this._debug("Handshake completed"),u===void 0?u=!0:u=!1;let y=this._queue;if(y){this._queue=void 0,this._debug&&this._debug(`Draining outbound queue (${y.length}) ...`);for(let b=0;b<y.length;++b){let A=y[b],E=this._packetRW.write.finalize(A);if(E===A){let C=this._cipher.allocPacket(A.length);C.set(A,5),E=C}we(this,E)}this._debug&&this._debug("... finished draining outbound queue")}u&&this._server&&this._kex.remoteExtInfoEnabled&&tA(this),c(...m)},this._queue=void 0;let l=t.messageHandlers;typeof l=="object"&&l!==null?this._handlers=l:this._handlers={},this._onPayload=Vb.bind(this),this._server=!!t.server,this._banner=void 0;let f;if(this._server){if(typeof t.hostKeys!="object"||t.hostKeys===null)throw new Error("Missing server host key(s)");this._hostKeys=t.hostKeys,typeof t.greeting=="string"&&t.greeting.length&&(f=t.greeting.slice(-2)===`\r
`?t.greeting:`${t.greeting}\r
`),typeof t.banner=="string"&&t.banner.length&&(this._banner=t.banner.slice(-2)===`\r
`?t.banner:`${t.banner}\r
`)}else this._hostKeys=void 0;let h=t.offer;typeof h!="object"||h===null?h=this._server?Ub:Lb:h.constructor!==yp&&(this._server?h.kex=h.kex.concat(["kex-strict-s-v00@openssh.com"]):h.kex=h.kex.concat(["ext-info-c","kex-strict-c-v00@openssh.com"]),h=new yp(h)),this._kex=void 0,this._strictMode=void 0,this._kexinit=void 0,this._offer=h,this._cipher=new Pb(0,this._onWrite),this._decipher=void 0,this._skipNextInboundPacket=!1,this._packetRW={read:new Mb,write:new zb(this)},this._hostVerifier=!this._server&&typeof t.hostVerifier=="function"?t.hostVerifier:void 0,this._parse=Yb,this._buffer=void 0,this._authsQueue=[],this._authenticated=!1,this._remoteIdentRaw=void 0;let _;if(typeof t.ident=="string")this._identRaw=Buffer.from(`SSH-2.0-${t.ident}`),_=Buffer.allocUnsafe(this._identRaw.length+2),_.set(this._identRaw,0),_[_.length-2]=13,_[_.length-1]=10;else if(Buffer.isBuffer(t.ident)){let m=Buffer.allocUnsafe(8+t.ident.length);m.latin1Write("SSH-2.0-",0,8),m.set(t.ident,8),this._identRaw=m,_=Buffer.allocUnsafe(m.length+2),_.set(m,0),_[_.length-2]=13,_[_.length-1]=10}else this._identRaw=Rp,_=jb;this._compatFlags=0,this._debug&&(Bb?this._debug("Custom crypto binding available"):this._debug("Custom crypto binding not available")),this._debug&&this._debug(`Local ident: ${Ep(this._identRaw.toString())}`),this.start=()=>{this.start=void 0,f&&this._onWrite(f),this._onWrite(_)}}_destruct(t){this._packetRW.read.cleanup(),this._packetRW.write.cleanup(),this._cipher&&this._cipher.free(),this._decipher&&this._decipher.free(),(typeof t!="string"||t.length===0)&&(t="fatal error"),this.parse=()=>{throw new Error(`Instance unusable after ${t}`)},this._onWrite=()=>{throw new Error(`Instance unusable after ${t}`)},this._destruct=void 0}cleanup(){this._destruct&&this._destruct()}parse(t,n,r){for(;n<r;)n=this._parse(t,n,r)}disconnect(t){let r=this._packetRW.write.allocStartKEX,o=this._packetRW.write.alloc(13,!0),s=r+13;Kb.has(t)||(t=kp.PROTOCOL_ERROR),o[r]=ge.DISCONNECT,k(o,t,++r),o.fill(0,r+=4,s),this._debug&&this._debug(`Outbound: Sending DISCONNECT (${t})`),we(this,this._packetRW.write.finalize(o,!0),!0)}ping(){let t=this._packetRW.write.allocStart,n=this._packetRW.write.alloc(xp.length);n.set(xp,t),this._debug&&this._debug("Outbound: Sending ping (GLOBAL_REQUEST: keepalive@openssh.com)"),we(this,this._packetRW.write.finalize(n))}rekey(){this._kexinit===void 0?(this._debug&&this._debug("Outbound: Initiated explicit rekey"),this._queue=[],vp(this)):this._debug&&this._debug("Outbound: Ignoring rekey during handshake")}requestSuccess(t){let n=this._packetRW.write.allocStart,r;Buffer.isBuffer(t)?(r=this._packetRW.write.alloc(1+t.length),r[n]=ge.REQUEST_SUCCESS,r.set(t,++n)):(r=this._packetRW.write.alloc(1),r[n]=ge.REQUEST_SUCCESS),this._debug&&this._debug("Outbound: Sending REQUEST_SUCCESS"),we(this,this._packetRW.write.finalize(r))}requestFailure(){let t=this._packetRW.write.allocStart,n=this._packetRW.write.alloc(1);n[t]=ge.REQUEST_FAILURE,this._debug&&this._debug("Outbound: Sending REQUEST_FAILURE"),we(this,this._packetRW.write.finalize(n))}channelSuccess(t){let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(5);r[n]=ge.CHANNEL_SUCCESS,k(r,t,++n),this._debug&&this._debug(`Outbound: Sending CHANNEL_SUCCESS (r:${t})`),we(this,this._packetRW.write.finalize(r))}channelFailure(t){let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(5);r[n]=ge.CHANNEL_FAILURE,k(r,t,++n),this._debug&&this._debug(`Outbound: Sending CHANNEL_FAILURE (r:${t})`),we(this,this._packetRW.write.finalize(r))}channelEOF(t){let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(5);r[n]=ge.CHANNEL_EOF,k(r,t,++n),this._debug&&this._debug(`Outbound: Sending CHANNEL_EOF (r:${t})`),we(this,this._packetRW.write.finalize(r))}channelClose(t){let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(5);r[n]=ge.CHANNEL_CLOSE,k(r,t,++n),this._debug&&this._debug(`Outbound: Sending CHANNEL_CLOSE (r:${t})`),we(this,this._packetRW.write.finalize(r))}channelWindowAdjust(t,n){let r=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(9);o[r]=ge.CHANNEL_WINDOW_ADJUST,k(o,t,++r),k(o,n,r+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_WINDOW_ADJUST (r:${t}, ${n})`),we(this,this._packetRW.write.finalize(o))}channelData(t,n){let r=Buffer.isBuffer(n),o=r?n.length:Buffer.byteLength(n),s=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(9+o);i[s]=ge.CHANNEL_DATA,k(i,t,++s),k(i,o,s+=4),r?i.set(n,s+=4):i.utf8Write(n,s+=4,o),this._debug&&this._debug(`Outbound: Sending CHANNEL_DATA (r:${t}, ${o})`),we(this,this._packetRW.write.finalize(i))}channelExtData(t,n,r){let o=Buffer.isBuffer(n),s=o?n.length:Buffer.byteLength(n),i=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(13+s);c[i]=ge.CHANNEL_EXTENDED_DATA,k(c,t,++i),k(c,r,i+=4),k(c,s,i+=4),o?c.set(n,i+=4):c.utf8Write(n,i+=4,s),this._debug&&this._debug(`Outbound: Sending CHANNEL_EXTENDED_DATA (r:${t})`),we(this,this._packetRW.write.finalize(c))}channelOpenConfirm(t,n,r,o){let s=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(17);i[s]=ge.CHANNEL_OPEN_CONFIRMATION,k(i,t,++s),k(i,n,s+=4),k(i,r,s+=4),k(i,o,s+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN_CONFIRMATION (r:${t}, l:${n})`),we(this,this._packetRW.write.finalize(i))}channelOpenFail(t,n,r){typeof r!="string"&&(r="");let o=Buffer.byteLength(r),s=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(13+o+4);i[s]=ge.CHANNEL_OPEN_FAILURE,k(i,t,++s),k(i,n,s+=4),k(i,o,s+=4),s+=4,o&&(i.utf8Write(r,s,o),s+=o),k(i,0,s),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN_FAILURE (r:${t})`),we(this,this._packetRW.write.finalize(i))}service(t){if(this._server)throw new Error("Client-only method called in server mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(5+n);o[r]=ge.SERVICE_REQUEST,k(o,n,++r),o.utf8Write(t,r+=4,n),this._debug&&this._debug(`Outbound: Sending SERVICE_REQUEST (${t})`),we(this,this._packetRW.write.finalize(o))}authPassword(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let o=Buffer.byteLength(t),s=Buffer.byteLength(n),i=r?Buffer.byteLength(r):0,c=this._packetRW.write.allocStart,u=this._packetRW.write.alloc(5+o+4+14+4+8+1+4+s+(r?4+i:0));u[c]=ge.USERAUTH_REQUEST,k(u,o,++c),u.utf8Write(t,c+=4,o),k(u,14,c+=o),u.utf8Write("ssh-connection",c+=4,14),k(u,8,c+=14),u.utf8Write("password",c+=4,8),u[c+=8]=r?1:0,k(u,s,++c),Buffer.isBuffer(n)?li(n,u,0,s,c+=4):u.utf8Write(n,c+=4,s),r?(k(u,i,c+=s),Buffer.isBuffer(r)?li(r,u,0,i,c+=4):u.utf8Write(r,c+=4,i),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (changed password)")):this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (password)"),this._authsQueue.push("password"),we(this,this._packetRW.write.finalize(u))}authPK(t,n,r,o){if(this._server)throw new Error("Client-only method called in server mode");if(n=bp(n),n instanceof Error)throw new Error("Invalid key");let s=n.type;n=n.getPublicSSH(),typeof r=="function"&&(o=r,r=void 0),r||(r=s);let i=Buffer.byteLength(t),c=Buffer.byteLength(r),u=n.length,l=this._kex.sessionID,f=l.length,h=(o?4+f:0)+1+4+i+4+14+4+9+1+4+c+4+u,_,m;if(o?(_=Buffer.allocUnsafe(h),m=0,k(_,f,m),_.set(l,m+=4),m+=f):(_=this._packetRW.write.alloc(h),m=this._packetRW.write.allocStart),_[m]=ge.USERAUTH_REQUEST,k(_,i,++m),_.utf8Write(t,m+=4,i),k(_,14,m+=i),_.utf8Write("ssh-connection",m+=4,14),k(_,9,m+=14),_.utf8Write("publickey",m+=4,9),_[m+=9]=o?1:0,k(_,c,++m),_.utf8Write(r,m+=4,c),k(_,u,m+=c),_.set(n,m+=4),!o){this._authsQueue.push("publickey"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (publickey -- check)"),we(this,this._packetRW.write.finalize(_));return}o(_,y=>{if(y=Ap(y,s),y===!1)throw new Error("Error while converting handshake signature");let b=y.length;m=this._packetRW.write.allocStart,_=this._packetRW.write.alloc(5+i+4+14+4+9+1+4+c+4+u+4+4+c+4+b),_[m]=ge.USERAUTH_REQUEST,k(_,i,++m),_.utf8Write(t,m+=4,i),k(_,14,m+=i),_.utf8Write("ssh-connection",m+=4,14),k(_,9,m+=14),_.utf8Write("publickey",m+=4,9),_[m+=9]=1,k(_,c,++m),_.utf8Write(r,m+=4,c),k(_,u,m+=c),_.set(n,m+=4),k(_,4+c+4+b,m+=u),k(_,c,m+=4),_.utf8Write(r,m+=4,c),k(_,b,m+=c),_.set(y,m+=4),this._authsQueue.push("publickey"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (publickey)"),we(this,this._packetRW.write.finalize(_))})}authHostbased(t,n,r,o,s,i){if(this._server)throw new Error("Client-only method called in server mode");if(n=bp(n),n instanceof Error)throw new Error("Invalid key");let c=n.type;n=n.getPublicSSH(),typeof s=="function"&&(i=s,s=void 0),s||(s=c);let u=Buffer.byteLength(t),l=Buffer.byteLength(s),f=n.length,h=this._kex.sessionID,_=h.length,m=Buffer.byteLength(r),y=Buffer.byteLength(o),b=Buffer.allocUnsafe(4+_+1+4+u+4+14+4+9+4+l+4+f+4+m+4+y),A=0;k(b,_,A),b.set(h,A+=4),b[A+=_]=ge.USERAUTH_REQUEST,k(b,u,++A),b.utf8Write(t,A+=4,u),k(b,14,A+=u),b.utf8Write("ssh-connection",A+=4,14),k(b,9,A+=14),b.utf8Write("hostbased",A+=4,9),k(b,l,A+=9),b.utf8Write(s,A+=4,l),k(b,f,A+=l),b.set(n,A+=4),k(b,m,A+=f),b.utf8Write(r,A+=4,m),k(b,y,A+=m),b.utf8Write(o,A+=4,y),i(b,E=>{if(E=Ap(E,c),!E)throw new Error("Error while converting handshake signature");let C=E.length,L=b.length-_-4;A=this._packetRW.write.allocStart;let T=this._packetRW.write.alloc(L+4+4+l+4+C);li(b,T,4+_,b.length,A),k(T,4+l+4+C,A+=L),k(T,l,A+=4),T.utf8Write(s,A+=4,l),k(T,C,A+=l),T.set(E,A+=4),this._authsQueue.push("hostbased"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (hostbased)"),we(this,this._packetRW.write.finalize(T))})}authKeyboard(t){if(this._server)throw new Error("Client-only method called in server mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(5+n+4+14+4+20+4+4);o[r]=ge.USERAUTH_REQUEST,k(o,n,++r),o.utf8Write(t,r+=4,n),k(o,14,r+=n),o.utf8Write("ssh-connection",r+=4,14),k(o,20,r+=14),o.utf8Write("keyboard-interactive",r+=4,20),k(o,0,r+=20),k(o,0,r+=4),this._authsQueue.push("keyboard-interactive"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (keyboard-interactive)"),we(this,this._packetRW.write.finalize(o))}authNone(t){if(this._server)throw new Error("Client-only method called in server mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(5+n+4+14+4+4);o[r]=ge.USERAUTH_REQUEST,k(o,n,++r),o.utf8Write(t,r+=4,n),k(o,14,r+=n),o.utf8Write("ssh-connection",r+=4,14),k(o,4,r+=14),o.utf8Write("none",r+=4,4),this._authsQueue.push("none"),this._debug&&this._debug("Outbound: Sending USERAUTH_REQUEST (none)"),we(this,this._packetRW.write.finalize(o))}authInfoRes(t){if(this._server)throw new Error("Client-only method called in server mode");let n=0,r;if(t){r=new Array(t.length);for(let i=0;i<t.length;++i){let c=Buffer.byteLength(t[i]);r[i]=c,n+=4+c}}let o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(5+n);if(s[o]=ge.USERAUTH_INFO_RESPONSE,t){k(s,t.length,++o),o+=4;for(let i=0;i<t.length;++i){let c=r[i];k(s,c,o),o+=4,c&&(s.utf8Write(t[i],o,c),o+=c)}}else k(s,0,++o);this._debug&&this._debug("Outbound: Sending USERAUTH_INFO_RESPONSE"),we(this,this._packetRW.write.finalize(s))}tcpipForward(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let o=Buffer.byteLength(t),s=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(23+o+4);i[s]=ge.GLOBAL_REQUEST,k(i,13,++s),i.utf8Write("tcpip-forward",s+=4,13),i[s+=13]=r===void 0||r===!0?1:0,k(i,o,++s),i.utf8Write(t,s+=4,o),k(i,n,s+=o),this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (tcpip-forward)"),we(this,this._packetRW.write.finalize(i))}cancelTcpipForward(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let o=Buffer.byteLength(t),s=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(30+o+4);i[s]=ge.GLOBAL_REQUEST,k(i,20,++s),i.utf8Write("cancel-tcpip-forward",s+=4,20),i[s+=20]=r===void 0||r===!0?1:0,k(i,o,++s),i.utf8Write(t,s+=4,o),k(i,n,s+=o),this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (cancel-tcpip-forward)"),we(this,this._packetRW.write.finalize(i))}openssh_streamLocalForward(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=Buffer.byteLength(t),o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(41+r);s[o]=ge.GLOBAL_REQUEST,k(s,31,++o),s.utf8Write("streamlocal-forward@openssh.com",o+=4,31),s[o+=31]=n===void 0||n===!0?1:0,k(s,r,++o),s.utf8Write(t,o+=4,r),this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (streamlocal-forward@openssh.com)"),we(this,this._packetRW.write.finalize(s))}openssh_cancelStreamLocalForward(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=Buffer.byteLength(t),o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(48+r);s[o]=ge.GLOBAL_REQUEST,k(s,38,++o),s.utf8Write("cancel-streamlocal-forward@openssh.com",o+=4,38),s[o+=38]=n===void 0||n===!0?1:0,k(s,r,++o),s.utf8Write(t,o+=4,r),this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (cancel-streamlocal-forward@openssh.com)"),we(this,this._packetRW.write.finalize(s))}directTcpip(t,n,r,o){if(this._server)throw new Error("Client-only method called in server mode");let s=Buffer.byteLength(o.srcIP),i=Buffer.byteLength(o.dstIP),c=this._packetRW.write.allocStart,u=this._packetRW.write.alloc(33+s+4+4+i+4);u[c]=ge.CHANNEL_OPEN,k(u,12,++c),u.utf8Write("direct-tcpip",c+=4,12),k(u,t,c+=12),k(u,n,c+=4),k(u,r,c+=4),k(u,i,c+=4),u.utf8Write(o.dstIP,c+=4,i),k(u,o.dstPort,c+=i),k(u,s,c+=4),u.utf8Write(o.srcIP,c+=4,s),k(u,o.srcPort,c+=s),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, direct-tcpip)`),we(this,this._packetRW.write.finalize(u))}openssh_directStreamLocal(t,n,r,o){if(this._server)throw new Error("Client-only method called in server mode");let s=Buffer.byteLength(o.socketPath),i=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(51+s+4+4);c[i]=ge.CHANNEL_OPEN,k(c,30,++i),c.utf8Write("direct-streamlocal@openssh.com",i+=4,30),k(c,t,i+=30),k(c,n,i+=4),k(c,r,i+=4),k(c,s,i+=4),c.utf8Write(o.socketPath,i+=4,s),Fb(c,0,i+=s,i+8),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, direct-streamlocal@openssh.com)`),we(this,this._packetRW.write.finalize(c))}openssh_noMoreSessions(t){if(this._server)throw new Error("Client-only method called in server mode");let n=this._packetRW.write.allocStart,r=this._packetRW.write.alloc(34);r[n]=ge.GLOBAL_REQUEST,k(r,28,++n),r.utf8Write("no-more-sessions@openssh.com",n+=4,28),r[n+=28]=t===void 0||t===!0?1:0,this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (no-more-sessions@openssh.com)"),we(this,this._packetRW.write.finalize(r))}session(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(24);s[o]=ge.CHANNEL_OPEN,k(s,7,++o),s.utf8Write("session",o+=4,7),k(s,t,o+=7),k(s,n,o+=4),k(s,r,o+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, session)`),we(this,this._packetRW.write.finalize(s))}windowChange(t,n,r,o,s){if(this._server)throw new Error("Client-only method called in server mode");let i=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(39);c[i]=ge.CHANNEL_REQUEST,k(c,t,++i),k(c,13,i+=4),c.utf8Write("window-change",i+=4,13),c[i+=13]=0,k(c,r,++i),k(c,n,i+=4),k(c,s,i+=4),k(c,o,i+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, window-change)`),we(this,this._packetRW.write.finalize(c))}pty(t,n,r,o,s,i,c,u){if(this._server)throw new Error("Client-only method called in server mode");(!i||!i.length)&&(i="vt100"),c&&!Buffer.isBuffer(c)&&!Array.isArray(c)&&typeof c=="object"&&c!==null&&(c=eA(c)),(!c||!c.length)&&(c=qb);let l=i.length,f=c.length,h=this._packetRW.write.allocStart,_=this._packetRW.write.alloc(21+l+4+4+4+4+4+f);if(_[h]=ge.CHANNEL_REQUEST,k(_,t,++h),k(_,7,h+=4),_.utf8Write("pty-req",h+=4,7),_[h+=7]=u===void 0||u===!0?1:0,k(_,l,++h),_.utf8Write(i,h+=4,l),k(_,r,h+=l),k(_,n,h+=4),k(_,s,h+=4),k(_,o,h+=4),k(_,f,h+=4),h+=4,Array.isArray(c))for(let m=0;m<f;++m)_[h++]=c[m];else Buffer.isBuffer(c)&&_.set(c,h);this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, pty-req)`),we(this,this._packetRW.write.finalize(_))}shell(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(15);o[r]=ge.CHANNEL_REQUEST,k(o,t,++r),k(o,5,r+=4),o.utf8Write("shell",r+=4,5),o[r+=5]=n===void 0||n===!0?1:0,this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, shell)`),we(this,this._packetRW.write.finalize(o))}exec(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let o=Buffer.isBuffer(n),s=o?n.length:Buffer.byteLength(n),i=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(18+s);c[i]=ge.CHANNEL_REQUEST,k(c,t,++i),k(c,4,i+=4),c.utf8Write("exec",i+=4,4),c[i+=4]=r===void 0||r===!0?1:0,k(c,s,++i),o?c.set(n,i+=4):c.utf8Write(n,i+=4,s),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, exec: ${n})`),we(this,this._packetRW.write.finalize(c))}signal(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=n;if(n=n.toUpperCase(),n.slice(0,3)==="SIG"&&(n=n.slice(3)),wp[n]!==1)throw new Error(`Invalid signal: ${r}`);let o=n.length,s=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(20+o);i[s]=ge.CHANNEL_REQUEST,k(i,t,++s),k(i,6,s+=4),i.utf8Write("signal",s+=4,6),i[s+=6]=0,k(i,o,++s),i.utf8Write(n,s+=4,o),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, signal: ${n})`),we(this,this._packetRW.write.finalize(i))}env(t,n,r,o){if(this._server)throw new Error("Client-only method called in server mode");let s=Buffer.byteLength(n),i=Buffer.isBuffer(r),c=i?r.length:Buffer.byteLength(r),u=this._packetRW.write.allocStart,l=this._packetRW.write.alloc(17+s+4+c);l[u]=ge.CHANNEL_REQUEST,k(l,t,++u),k(l,3,u+=4),l.utf8Write("env",u+=4,3),l[u+=3]=o===void 0||o===!0?1:0,k(l,s,++u),l.utf8Write(n,u+=4,s),k(l,c,u+=s),i?l.set(r,u+=4):l.utf8Write(r,u+=4,c),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, env: ${n}=${r})`),we(this,this._packetRW.write.finalize(l))}x11Forward(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let o=n.protocol,s=n.cookie,i=Buffer.isBuffer(o),c=i?o.length:Buffer.byteLength(o),u=Buffer.isBuffer(s),l=u?s.length:Buffer.byteLength(s),f=this._packetRW.write.allocStart,h=this._packetRW.write.alloc(22+c+4+l+4);h[f]=ge.CHANNEL_REQUEST,k(h,t,++f),k(h,7,f+=4),h.utf8Write("x11-req",f+=4,7),h[f+=7]=r===void 0||r===!0?1:0,h[++f]=n.single?1:0,k(h,c,++f),i?h.set(o,f+=4):h.utf8Write(o,f+=4,c),k(h,l,f+=c),u?h.set(s,f+=4):h.latin1Write(s,f+=4,l),k(h,n.screen||0,f+=l),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, x11-req)`),we(this,this._packetRW.write.finalize(h))}subsystem(t,n,r){if(this._server)throw new Error("Client-only method called in server mode");let o=Buffer.byteLength(n),s=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(23+o);i[s]=ge.CHANNEL_REQUEST,k(i,t,++s),k(i,9,s+=4),i.utf8Write("subsystem",s+=4,9),i[s+=9]=r===void 0||r===!0?1:0,k(i,o,++s),i.utf8Write(n,s+=4,o),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, subsystem: ${n})`),we(this,this._packetRW.write.finalize(i))}openssh_agentForward(t,n){if(this._server)throw new Error("Client-only method called in server mode");let r=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(36);o[r]=ge.CHANNEL_REQUEST,k(o,t,++r),k(o,26,r+=4),o.utf8Write("auth-agent-req@openssh.com",r+=4,26),o[r+=26]=n===void 0||n===!0?1:0,this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, auth-agent-req@openssh.com)`),we(this,this._packetRW.write.finalize(o))}openssh_hostKeysProve(t){if(this._server)throw new Error("Client-only method called in server mode");let n=0,r=[];for(let i of t){let c=i.getPublicSSH();n+=4+c.length,r.push(c)}let o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(35+n);s[o]=ge.GLOBAL_REQUEST,k(s,29,++o),s.utf8Write("hostkeys-prove-00@openssh.com",o+=4,29),s[o+=29]=1,++o;for(let i of r)k(s,i.length,o),li(i,s,0,i.length,o+=4),o+=i.length;this._debug&&this._debug("Outbound: Sending GLOBAL_REQUEST (hostkeys-prove-00@openssh.com)"),we(this,this._packetRW.write.finalize(s))}serviceAccept(t){if(!this._server)throw new Error("Server-only method called in client mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(5+n);if(o[r]=ge.SERVICE_ACCEPT,k(o,n,++r),o.utf8Write(t,r+=4,n),this._debug&&this._debug(`Outbound: Sending SERVICE_ACCEPT (${t})`),we(this,this._packetRW.write.finalize(o)),this._server&&this._banner&&t==="ssh-userauth"){let s=this._banner;this._banner=void 0;let i=Buffer.byteLength(s);r=this._packetRW.write.allocStart;let c=this._packetRW.write.alloc(5+i+4);c[r]=ge.USERAUTH_BANNER,k(c,i,++r),c.utf8Write(s,r+=4,i),k(c,0,r+=i),this._debug&&this._debug("Outbound: Sending USERAUTH_BANNER"),we(this,this._packetRW.write.finalize(c))}}forwardedTcpip(t,n,r,o){if(!this._server)throw new Error("Server-only method called in client mode");let s=Buffer.byteLength(o.boundAddr),i=Buffer.byteLength(o.remoteAddr),c=this._packetRW.write.allocStart,u=this._packetRW.write.alloc(36+s+4+4+i+4);u[c]=ge.CHANNEL_OPEN,k(u,15,++c),u.utf8Write("forwarded-tcpip",c+=4,15),k(u,t,c+=15),k(u,n,c+=4),k(u,r,c+=4),k(u,s,c+=4),u.utf8Write(o.boundAddr,c+=4,s),k(u,o.boundPort,c+=s),k(u,i,c+=4),u.utf8Write(o.remoteAddr,c+=4,i),k(u,o.remotePort,c+=i),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, forwarded-tcpip)`),we(this,this._packetRW.write.finalize(u))}x11(t,n,r,o){if(!this._server)throw new Error("Server-only method called in client mode");let s=Buffer.byteLength(o.originAddr),i=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(24+s+4);c[i]=ge.CHANNEL_OPEN,k(c,3,++i),c.utf8Write("x11",i+=4,3),k(c,t,i+=3),k(c,n,i+=4),k(c,r,i+=4),k(c,s,i+=4),c.utf8Write(o.originAddr,i+=4,s),k(c,o.originPort,i+=s),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, x11)`),we(this,this._packetRW.write.finalize(c))}openssh_authAgent(t,n,r){if(!this._server)throw new Error("Server-only method called in client mode");let o=this._packetRW.write.allocStart,s=this._packetRW.write.alloc(39);s[o]=ge.CHANNEL_OPEN,k(s,22,++o),s.utf8Write("auth-agent@openssh.com",o+=4,22),k(s,t,o+=22),k(s,n,o+=4),k(s,r,o+=4),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, auth-agent@openssh.com)`),we(this,this._packetRW.write.finalize(s))}openssh_forwardedStreamLocal(t,n,r,o){if(!this._server)throw new Error("Server-only method called in client mode");let s=Buffer.byteLength(o.socketPath),i=this._packetRW.write.allocStart,c=this._packetRW.write.alloc(54+s+4);c[i]=ge.CHANNEL_OPEN,k(c,33,++i),c.utf8Write("forwarded-streamlocal@openssh.com",i+=4,33),k(c,t,i+=33),k(c,n,i+=4),k(c,r,i+=4),k(c,s,i+=4),c.utf8Write(o.socketPath,i+=4,s),k(c,0,i+=s),this._debug&&this._debug(`Outbound: Sending CHANNEL_OPEN (r:${t}, forwarded-streamlocal@openssh.com)`),we(this,this._packetRW.write.finalize(c))}exitStatus(t,n){if(!this._server)throw new Error("Server-only method called in client mode");let r=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(25);o[r]=ge.CHANNEL_REQUEST,k(o,t,++r),k(o,11,r+=4),o.utf8Write("exit-status",r+=4,11),o[r+=11]=0,k(o,n,++r),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, exit-status: ${n})`),we(this,this._packetRW.write.finalize(o))}exitSignal(t,n,r,o){if(!this._server)throw new Error("Server-only method called in client mode");let s=n;if(typeof s!="string"||!s)throw new Error(`Invalid signal: ${s}`);let i=n.toUpperCase();if(i.slice(0,3)==="SIG"&&(i=i.slice(3)),wp[i]!==1)throw new Error(`Invalid signal: ${s}`);let c=Buffer.byteLength(i),u=o?Buffer.byteLength(o):0,l=this._packetRW.write.allocStart,f=this._packetRW.write.alloc(25+c+1+4+u+4);f[l]=ge.CHANNEL_REQUEST,k(f,t,++l),k(f,11,l+=4),f.utf8Write("exit-signal",l+=4,11),f[l+=11]=0,k(f,c,++l),f.utf8Write(i,l+=4,c),f[l+=c]=r?1:0,k(f,u,++l),l+=4,u&&(f.utf8Write(o,l,u),l+=u),k(f,0,l),this._debug&&this._debug(`Outbound: Sending CHANNEL_REQUEST (r:${t}, exit-signal: ${n})`),we(this,this._packetRW.write.finalize(f))}authFailure(t,n){if(!this._server)throw new Error("Server-only method called in client mode");if(this._authsQueue.length===0)throw new Error("No auth in progress");let r;if(typeof t=="boolean"&&(n=t,t=void 0),t){r=[];for(let c=0;c<t.length;++c)t[c].toLowerCase()!=="none"&&r.push(t[c]);r=r.join(",")}else r="";let o=r.length,s=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(5+o+1);i[s]=ge.USERAUTH_FAILURE,k(i,o,++s),i.utf8Write(r,s+=4,o),i[s+=o]=n===!0?1:0,this._authsQueue.shift(),this._debug&&this._debug("Outbound: Sending USERAUTH_FAILURE"),we(this,this._packetRW.write.finalize(i))}authSuccess(){if(!this._server)throw new Error("Server-only method called in client mode");if(this._authsQueue.length===0)throw new Error("No auth in progress");let t=this._packetRW.write.allocStart,n=this._packetRW.write.alloc(1);n[t]=ge.USERAUTH_SUCCESS,this._authsQueue.shift(),this._authenticated=!0,this._debug&&this._debug("Outbound: Sending USERAUTH_SUCCESS"),we(this,this._packetRW.write.finalize(n)),this._kex.negotiated.cs.compress==="zlib@openssh.com"&&(this._packetRW.read=new Ip),this._kex.negotiated.sc.compress==="zlib@openssh.com"&&(this._packetRW.write=new Cp(this))}authPKOK(t,n){if(!this._server)throw new Error("Server-only method called in client mode");if(this._authsQueue.length===0||this._authsQueue[0]!=="publickey")throw new Error('"publickey" auth not in progress');let r=Buffer.byteLength(t),o=n.length,s=this._packetRW.write.allocStart,i=this._packetRW.write.alloc(5+r+4+o);i[s]=ge.USERAUTH_PK_OK,k(i,r,++s),i.utf8Write(t,s+=4,r),k(i,o,s+=r),i.set(n,s+=4),this._authsQueue.shift(),this._debug&&this._debug("Outbound: Sending USERAUTH_PK_OK"),we(this,this._packetRW.write.finalize(i))}authPasswdChg(t){if(!this._server)throw new Error("Server-only method called in client mode");let n=Buffer.byteLength(t),r=this._packetRW.write.allocStart,o=this._packetRW.write.alloc(5+n+4);o[r]=ge.USERAUTH_PASSWD_CHANGEREQ,k(o,n,++r),o.utf8Write(t,r+=4,n),k(o,0,r+=n),this._debug&&this._debug("Outbound: Sending USERAUTH_PASSWD_CHANGEREQ"),we(this,this._packetRW.write.finalize(o))}authInfoReq(t,n,r){if(!this._server)throw new Error("Server-only method called in client mode");let o=0,s=t?Buffer.byteLength(t):0,i=n?Buffer.byteLength(n):0;for(let l=0;l<r.length;++l)o+=4+Buffer.byteLength(r[l].prompt)+1;let c=this._packetRW.write.allocStart,u=this._packetRW.write.alloc(5+s+4+i+4+4+o);u[c]=ge.USERAUTH_INFO_REQUEST,k(u,s,++c),c+=4,t&&(u.utf8Write(t,c,s),c+=s),k(u,i,c),c+=4,n&&(u.utf8Write(n,c,i),c+=i),k(u,0,c),k(u,r.length,c+=4),c+=4;for(let l=0;l<r.length;++l){let f=r[l],h=Buffer.byteLength(f.prompt);k(u,h,c),c+=4,h&&(u.utf8Write(f.prompt,c,h),c+=h),u[c++]=f.echo?1:0}this._debug&&this._debug("Outbound: Sending USERAUTH_INFO_REQUEST"),we(this,this._packetRW.write.finalize(u))}},Gb=/^SSH-(2\.0|1\.99)-([^ ]+)(?: (.*))?$/;function Yb(e,t,n){let r,o;this._buffer?(r=Buffer.allocUnsafe(this._buffer.length+(n-t)),r.set(this._buffer,0),t===0?r.set(e,this._buffer.length):r.set(new Uint8Array(e.buffer,e.byteOffset+t,n-t),this._buffer.length),o=this._buffer.length,t=0):(r=e,o=0);let s=t,i=t,c=t,u=!1,l=0,f=0;for(;t<r.length;++t){let h=r[t];if(h===13){u=!0;continue}if(h===10){if(c>i&&c-i>4&&r[i]===83&&r[i+1]===83&&r[i+2]===72&&r[i+3]===45){let _=r.latin1Slice(s,c+1),m=i===s?_:_.slice(i-s),y=Gb.exec(m);if(!y)throw new Error("Invalid identification string");let b={greeting:i===s?"":_.slice(0,i-s),identRaw:m,versions:{protocol:y[1],software:y[2]},comments:y[3]};return this._remoteIdentRaw=Buffer.from(m),this._debug&&this._debug(`Remote ident: ${Ep(m)}`),this._compatFlags=Jb(b),this._buffer=void 0,this._decipher=new Tb(0,Db.bind(this,{firstPacket:!0})),this._parse=Xb,this._onHeader(b),this._destruct?(vp(this),t+1-o):n}if(this._server)throw new Error("Greetings from clients not permitted");if(++f>Zb)throw new Error("Max greeting lines exceeded");u=!1,i=t+1,l=0}else{if(u)throw new Error("Invalid header: expected newline");if(++l>=Wb)throw new Error("Header line too long")}c=t}return this._buffer||(this._buffer=Sp(r,s)),t-o}a(Yb,"parseHeader");function Xb(e,t,n){return this._decipher.decrypt(e,t,n)}a(Xb,"parsePacket");function Vb(e){if(this._onPacket(),e.length===0){this._debug&&this._debug("Inbound: Skipping empty packet payload");return}e=this._packetRW.read.read(e);let t=e[0];t===ge.USERAUTH_SUCCESS&&!this._server&&!this._authenticated&&(this._authenticated=!0,this._kex.negotiated.cs.compress==="zlib@openssh.com"&&(this._packetRW.write=new Cp(this)),this._kex.negotiated.sc.compress==="zlib@openssh.com"&&(this._packetRW.read=new Ip));let n=Hb[t];if(n===void 0){this._debug&&this._debug(`Inbound: Unsupported message type: ${t}`);return}return n(this,e)}a(Vb,"onPayload");function Jb(e){let t=e.versions.software,n=0;for(let r of Nb)typeof r[0]=="string"?t===r[0]&&(n|=r[1]):r[0].test(t)&&(n|=r[1]);return n}a(Jb,"getCompatFlags");function eA(e){let t=Object.keys(e),n=Buffer.allocUnsafe(5*t.length+1),r=0;for(let o=0;o<t.length;++o){let s=t[o];if(s==="TTY_OP_END")continue;let i=fu[s];if(i===void 0)continue;let c=e[s];typeof c=="number"&&isFinite(c)&&(n[r++]=i,n[r++]=c>>>24,n[r++]=c>>>16,n[r++]=c>>>8,n[r++]=c)}return n[r++]=fu.TTY_OP_END,r<n.length?Sp(n,0,r):n}a(eA,"modesToBytes");function tA(e){let t="ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521rsa-sha2-512,rsa-sha2-256,ssh-rsa,ssh-dss";Ob&&(t=`ssh-ed25519,${t}`);let n=Buffer.byteLength(t),r=e._packetRW.write.allocStart,o=e._packetRW.write.alloc(28+n);o[r]=ge.EXT_INFO,k(o,1,++r),k(o,15,r+=4),o.utf8Write("server-sig-algs",r+=4,15),k(o,n,r+=15),o.utf8Write(t,r+=4,n),e._debug&&e._debug("Outbound: Sending EXT_INFO"),we(e,e._packetRW.write.finalize(o))}a(tA,"sendExtInfo");Bp.exports=hu});var Up=Fe((pR,Lp)=>{"use strict";var{Duplex:nA,Readable:rA,Writable:oA}=require("stream"),{CHANNEL_EXTENDED_DATATYPE:{STDERR:Tp}}=Mn(),{bufferSlice:di}=xn(),sA=32*1024,Oo=2*1024*1024,gu=Oo/2,pu=class extends rA{static{a(this,"ClientStderr")}constructor(t,n){super(n),this._channel=t}_read(t){this._channel._waitChanDrain&&(this._channel._waitChanDrain=!1,this._channel.incoming.window<=gu&&$u(this._channel))}},_u=class extends oA{static{a(this,"ServerStderr")}constructor(t){super({highWaterMark:Oo}),this._channel=t}_write(t,n,r){let o=this._channel,s=o._client._protocol,i=o.outgoing,c=i.packetSize,u=i.id,l=i.window,f=t.length,h=0;if(i.state==="open"){for(;f-h>0&&l>0;){let _=f-h;_>l&&(_=l),_>c&&(_=c),h===0&&_===f?s.channelExtData(u,t,Tp):s.channelExtData(u,di(t,h,h+_),Tp),h+=_,l-=_}if(i.window=l,f-h>0){l===0&&(o._waitWindow=!0),h>0?o._chunkErr=di(t,h,f):o._chunkErr=t,o._chunkcbErr=r;return}r()}}},mu=class extends nA{static{a(this,"Channel")}constructor(t,n,r){let o={highWaterMark:Oo,allowHalfOpen:!r||r&&r.allowHalfOpen!==!1,emitClose:!1};super(o),this.allowHalfOpen=o.allowHalfOpen;let s=!!(r&&r.server);this.server=s,this.type=n.type,this.subtype=void 0,this.incoming=n.incoming,this.outgoing=n.outgoing,this._callbacks=[],this._client=t,this._hasX11=!1,this._exit={code:void 0,signal:void 0,dump:void 0,desc:void 0},this.stdin=this.stdout=this,s?this.stderr=new _u(this):this.stderr=new pu(this,o),this._waitWindow=!1,this._waitChanDrain=!1,this._chunk=void 0,this._chunkcb=void 0,this._chunkErr=void 0,this._chunkcbErr=void 0,this.on("finish",Np).on("prefinish",Np),this.on("end",Op).on("close",Op)}_read(t){this._waitChanDrain&&(this._waitChanDrain=!1,this.incoming.window<=gu&&$u(this))}_write(t,n,r){let o=this._client._protocol,s=this.outgoing,i=s.packetSize,c=s.id,u=s.window,l=t.length,f=0;if(s.state==="open"){for(;l-f>0&&u>0;){let h=l-f;h>u&&(h=u),h>i&&(h=i),f===0&&h===l?o.channelData(c,t):o.channelData(c,di(t,f,f+h)),f+=h,u-=h}if(s.window=u,l-f>0){u===0&&(this._waitWindow=!0),f>0?this._chunk=di(t,f,l):this._chunk=t,this._chunkcb=r;return}r()}}eof(){this.outgoing.state==="open"&&(this.outgoing.state="eof",this._client._protocol.channelEOF(this.outgoing.id))}close(){(this.outgoing.state==="open"||this.outgoing.state==="eof")&&(this.outgoing.state="closing",this._client._protocol.channelClose(this.outgoing.id))}destroy(){return this.end(),this.close(),this}setWindow(t,n,r,o){if(this.server)throw new Error("Client-only method called in server mode");this.type==="session"&&(this.subtype==="shell"||this.subtype==="exec")&&this.writable&&this.outgoing.state==="open"&&this._client._protocol.windowChange(this.outgoing.id,t,n,r,o)}signal(t){if(this.server)throw new Error("Client-only method called in server mode");this.type==="session"&&this.writable&&this.outgoing.state==="open"&&this._client._protocol.signal(this.outgoing.id,t)}exit(t,n,r){if(!this.server)throw new Error("Server-only method called in client mode");this.type==="session"&&this.writable&&this.outgoing.state==="open"&&(typeof t=="number"?this._client._protocol.exitStatus(this.outgoing.id,t):this._client._protocol.exitSignal(this.outgoing.id,t,n,r))}};function Np(){this.eof(),(this.server||!this.allowHalfOpen)&&this.close(),this.writable=!1}a(Np,"onFinish");function Op(){this.readable=!1}a(Op,"onEnd");function $u(e){if(e.outgoing.state==="closed")return;let t=Oo-e.incoming.window;t<=0||(e.incoming.window+=t,e._client._protocol.channelWindowAdjust(e.outgoing.id,t))}a($u,"windowAdjust");Lp.exports={Channel:mu,MAX_WINDOW:Oo,PACKET_SIZE:sA,windowAdjust:$u,WINDOW_THRESHOLD:gu}});var Mp=Fe((mR,Fp)=>{"use strict";var{SFTP:iA}=ti(),Lo=2**32-1;function Dp(e,t,n,r){if(e._chanMgr.remove(t),typeof r!="function")return;let o;n instanceof Error?o=n:typeof n=="object"&&n!==null?(o=new Error(`(SSH) Channel open failure: ${n.description}`),o.reason=n.reason):(o=new Error("(SSH) Channel open failure: server closed channel unexpectedly"),o.reason=""),r(o)}a(Dp,"onChannelOpenFailure");function Hp(e,t,n,r,o){if(typeof n=="function"){Dp(e,t,r,n);return}if(typeof n!="object"||n===null||n.incoming&&n.incoming.state==="closed"||(e._chanMgr.remove(t),n.server&&n.constructor.name==="Session"))return;n.incoming.state="closed",n.readable&&n.push(null),n.server?n.stderr.writable&&n.stderr.end():n.stderr.readable&&n.stderr.push(null),n.constructor!==iA&&(n.outgoing.state==="open"||n.outgoing.state==="eof")&&!o&&n.close(),n.outgoing.state==="closing"&&(n.outgoing.state="closed");let s=n._readableState,i=n._writableState;i&&!i.ending&&!i.finished&&!o&&n.end();let c=n._callbacks;n._callbacks=[];for(let u=0;u<c.length;++u)c[u](!0);if(n.server)!n.readable||n.destroyed||s&&s.endEmitted?n.emit("close"):n.once("end",()=>n.emit("close"));else{let u;switch(n.type){case"direct-streamlocal@openssh.com":case"direct-tcpip":u=a(()=>n.emit("close"),"doClose");break;default:{let f=n._exit;u=a(()=>{f.code===null?n.emit("close",f.code,f.signal,f.dump,f.desc):n.emit("close",f.code)},"doClose")}}!n.readable||n.destroyed||s&&s.endEmitted?u():n.once("end",u);let l=n.stderr._readableState;!n.stderr.readable||n.stderr.destroyed||l&&l.endEmitted?n.stderr.emit("close"):n.stderr.once("end",()=>n.stderr.emit("close"))}}a(Hp,"onCHANNEL_CLOSE");var yu=class{static{a(this,"ChannelManager")}constructor(t){this._client=t,this._channels={},this._cur=-1,this._count=0}add(t){let n;if(this._cur<Lo)n=++this._cur;else if(this._count===0)this._cur=0,n=0;else{let r=this._channels;for(let o=0;o<Lo;++o)if(r[o]===void 0){n=o;break}}return n===void 0?-1:(this._channels[n]=t||!0,++this._count,n)}update(t,n){if(typeof t!="number"||t<0||t>=Lo||!isFinite(t))throw new Error(`Invalid channel id: ${t}`);n&&this._channels[t]&&(this._channels[t]=n)}get(t){if(typeof t!="number"||t<0||t>=Lo||!isFinite(t))throw new Error(`Invalid channel id: ${t}`);return this._channels[t]}remove(t){if(typeof t!="number"||t<0||t>=Lo||!isFinite(t))throw new Error(`Invalid channel id: ${t}`);this._channels[t]&&(delete this._channels[t],this._count&&--this._count)}cleanup(t){let n=this._channels;this._channels={},this._cur=-1,this._count=0;let r=Object.keys(n),o=this._client;for(let s=0;s<r.length;++s){let i=+r[s],c=n[i];Hp(o,i,c._channel||c,t,!0)}}},wu=(()=>{let e=Object.prototype.toString;return t=>e.call(t)==="[object RegExp]"})();function aA(e,t,n){if(Array.isArray(e)&&e.length>0){for(let r=0;r<e.length;++r)if(n.indexOf(e[r])===-1)throw new Error(`Unsupported algorithm: ${e[r]}`);return e}if(typeof e=="object"&&e!==null){let r=Object.keys(e),o=t;for(let s=0;s<r.length;++s){let i=r[s],c=e[i];switch(i){case"append":if(Array.isArray(c)||(c=[c]),Array.isArray(c))for(let u=0;u<c.length;++u){let l=c[u];if(typeof l=="string"){if(!l||o.indexOf(l)!==-1)continue;if(n.indexOf(l)===-1)throw new Error(`Unsupported algorithm: ${l}`);o===t&&(o=o.slice()),o.push(l)}else if(wu(l))for(let f=0;f<n.length;++f){let h=n[f];if(l.test(h)){if(o.indexOf(h)!==-1)continue;o===t&&(o=o.slice()),o.push(h)}}}break;case"prepend":if(Array.isArray(c)||(c=[c]),Array.isArray(c))for(let u=c.length;u>=0;--u){let l=c[u];if(typeof l=="string"){if(!l||o.indexOf(l)!==-1)continue;if(n.indexOf(l)===-1)throw new Error(`Unsupported algorithm: ${l}`);o===t&&(o=o.slice()),o.unshift(l)}else if(wu(l))for(let f=n.length;f>=0;--f){let h=n[f];if(l.test(h)){if(o.indexOf(h)!==-1)continue;o===t&&(o=o.slice()),o.unshift(h)}}}break;case"remove":if(Array.isArray(c)||(c=[c]),Array.isArray(c))for(let u=0;u<c.length;++u){let l=c[u];if(typeof l=="string"){if(!l)continue;let f=o.indexOf(l);if(f===-1)continue;o===t&&(o=o.slice()),o.splice(f,1)}else if(wu(l))for(let f=0;f<o.length;++f)l.test(o[f])&&(o===t&&(o=o.slice()),o.splice(f,1),--f)}break}}return o}return t}a(aA,"generateAlgorithmList");Fp.exports={ChannelManager:yu,generateAlgorithmList:aA,onChannelOpenFailure:Dp,onCHANNEL_CLOSE:Hp,isWritable:a(e=>e&&e.writable&&e._readableState&&e._readableState.ended===!1,"isWritable")}});var c_=Fe(($R,a_)=>{"use strict";var{createHash:cA,getHashes:uA,randomFillSync:lA}=require("crypto"),{Socket:dA}=require("net"),{lookup:fA}=require("dns"),hA=require("events"),pA=uA(),{COMPAT:o_,CHANNEL_EXTENDED_DATATYPE:{STDERR:_A},CHANNEL_OPEN_FAILURE:Uo,DEFAULT_CIPHER:zp,DEFAULT_COMPRESSION:Qp,DEFAULT_KEX:Kp,DEFAULT_MAC:jp,DEFAULT_SERVER_HOST_KEY:Wp,DISCONNECT_REASON:Zp,DISCONNECT_REASON_BY_VALUE:mA,SUPPORTED_CIPHER:gA,SUPPORTED_COMPRESSION:$A,SUPPORTED_KEX:wA,SUPPORTED_MAC:yA,SUPPORTED_SERVER_HOST_KEY:bA}=Mn(),{init:AA}=Tr(),xA=Pp(),{parseKey:pi}=sr(),{SFTP:EA}=ti(),{bufferCopy:qp,makeBufferParser:s_,makeError:kA,readUInt32BE:vA,sigSSHToASN1:SA,writeUInt32BE:bu}=xn(),{AgentContext:Gp,createAgent:Yp,isAgent:Xp}=Vc(),{Channel:i_,MAX_WINDOW:_i,PACKET_SIZE:mi,windowAdjust:Vp,WINDOW_THRESHOLD:Jp}=Up(),{ChannelManager:IA,generateAlgorithmList:Do,isWritable:_t,onChannelOpenFailure:CA,onCHANNEL_CLOSE:RA}=Mp(),fi=s_(),hi=s_(),Ho=/^OpenSSH_(?:(?![0-4])\d)|(?:\d{2,})/,ku=a(e=>{},"noop"),vu=class extends hA{static{a(this,"Client")}constructor(){super(),this.config={host:void 0,port:void 0,localAddress:void 0,localPort:void 0,forceIPv4:void 0,forceIPv6:void 0,keepaliveCountMax:void 0,keepaliveInterval:void 0,readyTimeout:void 0,ident:void 0,username:void 0,password:void 0,privateKey:void 0,tryKeyboard:void 0,agent:void 0,allowAgentFwd:void 0,authHandler:void 0,hostHashAlgo:void 0,hostHashCb:void 0,strictVendor:void 0,debug:void 0},this._agent=void 0,this._readyTimeout=void 0,this._chanMgr=void 0,this._callbacks=void 0,this._forwarding=void 0,this._forwardingUnix=void 0,this._acceptX11=void 0,this._agentFwdEnabled=void 0,this._remoteVer=void 0,this._protocol=void 0,this._sock=void 0,this._resetKA=void 0}connect(t){if(this._sock&&_t(this._sock))return this.once("close",()=>{this.connect(t)}),this.end(),this;this.config.host=t.hostname||t.host||"localhost",this.config.port=t.port||22,this.config.localAddress=typeof t.localAddress=="string"?t.localAddress:void 0,this.config.localPort=typeof t.localPort=="string"||typeof t.localPort=="number"?t.localPort:void 0,this.config.forceIPv4=t.forceIPv4||!1,this.config.forceIPv6=t.forceIPv6||!1,this.config.keepaliveCountMax=typeof t.keepaliveCountMax=="number"&&t.keepaliveCountMax>=0?t.keepaliveCountMax:3,this.config.keepaliveInterval=typeof t.keepaliveInterval=="number"&&t.keepaliveInterval>0?t.keepaliveInterval:0,this.config.readyTimeout=typeof t.readyTimeout=="number"&&t.readyTimeout>=0?t.readyTimeout:2e4,this.config.ident=typeof t.ident=="string"||Buffer.isBuffer(t.ident)?t.ident:void 0;let n={kex:void 0,serverHostKey:void 0,cs:{cipher:void 0,mac:void 0,compress:void 0,lang:[]},sc:void 0},r=!0;if(typeof t.algorithms=="object"&&t.algorithms!==null&&(n.kex=Do(t.algorithms.kex,Kp,wA),n.kex!==Kp&&(r=!1),n.serverHostKey=Do(t.algorithms.serverHostKey,Wp,bA),n.serverHostKey!==Wp&&(r=!1),n.cs.cipher=Do(t.algorithms.cipher,zp,gA),n.cs.cipher!==zp&&(r=!1),n.cs.mac=Do(t.algorithms.hmac,jp,yA),n.cs.mac!==jp&&(r=!1),n.cs.compress=Do(t.algorithms.compress,Qp,$A),n.cs.compress!==Qp&&(r=!1),r||(n.sc=n.cs)),typeof t.username=="string")this.config.username=t.username;else if(typeof t.user=="string")this.config.username=t.user;else throw new Error("Invalid username");this.config.password=typeof t.password=="string"?t.password:void 0,this.config.privateKey=typeof t.privateKey=="string"||Buffer.isBuffer(t.privateKey)?t.privateKey:void 0,this.config.localHostname=typeof t.localHostname=="string"?t.localHostname:void 0,this.config.localUsername=typeof t.localUsername=="string"?t.localUsername:void 0,this.config.tryKeyboard=t.tryKeyboard===!0,typeof t.agent=="string"&&t.agent.length?this.config.agent=Yp(t.agent):Xp(t.agent)?this.config.agent=t.agent:this.config.agent=void 0,this.config.allowAgentFwd=t.agentForward===!0&&this.config.agent!==void 0;let o=this.config.authHandler=typeof t.authHandler=="function"||Array.isArray(t.authHandler)?t.authHandler:void 0;this.config.strictVendor=typeof t.strictVendor=="boolean"?t.strictVendor:!0;let s=this.config.debug=typeof t.debug=="function"?t.debug:void 0;if(t.agentForward===!0&&!this.config.allowAgentFwd)throw new Error("You must set a valid agent path to allow agent forwarding");let i=this._callbacks=[];this._chanMgr=new IA(this),this._forwarding={},this._forwardingUnix={},this._acceptX11=0,this._agentFwdEnabled=!1,this._agent=this.config.agent?this.config.agent:void 0,this._remoteVer=void 0;let c;if(this.config.privateKey){if(c=pi(this.config.privateKey,t.passphrase),c instanceof Error)throw new Error(`Cannot parse privateKey: ${c.message}`);if(Array.isArray(c)&&(c=c[0]),c.getPrivatePEM()===null)throw new Error("privateKey value does not contain a (valid) private key")}let u;if(typeof t.hostVerifier=="function"){let R=t.hostVerifier,O;pA.indexOf(t.hostHash)!==-1&&(O=t.hostHash),u=a((N,z)=>{O&&(N=cA(O).update(N).digest("hex"));let ce=R(N,z);ce!==void 0&&z(ce)},"hostVerifier")}let l=this._sock=t.sock||new dA,f=!1,h=!1;this._protocol&&this._protocol.cleanup();let _=s?(R,O,N)=>{s(`Debug output from server: ${JSON.stringify(N)}`)}:void 0,m,y=this._protocol=new xA({ident:this.config.ident,offer:r?void 0:n,onWrite:a(R=>{_t(l)&&l.write(R)},"onWrite"),onError:a(R=>{R.level==="handshake"&&clearTimeout(this._readyTimeout),y._destruct||l.removeAllListeners("data"),this.emit("error",R);try{l.end()}catch{}},"onError"),onHeader:a(R=>{h=!0,this._remoteVer=R.versions.software,R.greeting&&this.emit("greeting",R.greeting)},"onHeader"),onHandshakeComplete:a(R=>{this.emit("handshake",R),f||(f=!0,y.service("ssh-userauth"))},"onHandshakeComplete"),debug:s,hostVerifier:u,messageHandlers:{DEBUG:_,DISCONNECT:a((R,O,N)=>{if(O!==Zp.BY_APPLICATION){N||(N=mA[O],N===void 0&&(N=`Unexpected disconnection reason: ${O}`));let z=new Error(N);z.code=O,this.emit("error",z)}l.end()},"DISCONNECT"),SERVICE_ACCEPT:a((R,O)=>{O==="ssh-userauth"&&oe()},"SERVICE_ACCEPT"),EXT_INFO:a((R,O)=>{if(m===void 0){for(let N of O)if(N.name==="server-sig-algs"){m=N.algs;return}m=null}},"EXT_INFO"),USERAUTH_BANNER:a((R,O)=>{this.emit("banner",O)},"USERAUTH_BANNER"),USERAUTH_SUCCESS:a(R=>{T(),clearTimeout(this._readyTimeout),this.emit("ready")},"USERAUTH_SUCCESS"),USERAUTH_FAILURE:a((R,O,N)=>{if(M.keyAlgos){let z=M.keyAlgos[0][0];if(s&&s(`Client: ${M.type} (${z}) auth failed`),M.keyAlgos.shift(),M.keyAlgos.length){let[ce,de]=M.keyAlgos[0];switch(M.type){case"agent":y.authPK(M.username,M.agentCtx.currentKey(),ce);return;case"publickey":y.authPK(M.username,M.key,ce);return;case"hostbased":y.authHostbased(M.username,M.key,M.localHostname,M.localUsername,ce,(ue,rt)=>{let mt=M.key.sign(ue,de);if(mt instanceof Error)return mt.message=`Error while signing with key: ${mt.message}`,mt.level="client-authentication",this.emit("error",mt),oe();rt(mt)});return}}else M.keyAlgos=void 0}if(M.type==="agent"){let z=M.agentCtx.pos();return s&&s(`Client: Agent key #${z+1} failed`),fe()}s&&s(`Client: ${M.type} auth failed`),G=N,j=O,oe()},"USERAUTH_FAILURE"),USERAUTH_PASSWD_CHANGEREQ:a((R,O)=>{M.type==="password"&&this.emit("change password",O,N=>{y.authPassword(this.config.username,this.config.password,N)})},"USERAUTH_PASSWD_CHANGEREQ"),USERAUTH_PK_OK:a(R=>{let O,N;if(M.keyAlgos&&([O,N]=M.keyAlgos[0]),M.type==="agent"){let z=M.agentCtx.currentKey();y.authPK(M.username,z,O,(ce,de)=>{let ue={hash:N};M.agentCtx.sign(z,ce,ue,(rt,mt)=>{if(rt)rt.level="agent",this.emit("error",rt);else return de(mt);fe()})})}else M.type==="publickey"&&y.authPK(M.username,M.key,O,(z,ce)=>{let de=M.key.sign(z,N);if(de instanceof Error)return de.message=`Error signing data with key: ${de.message}`,de.level="client-authentication",this.emit("error",de),oe();ce(de)})},"USERAUTH_PK_OK"),USERAUTH_INFO_REQUEST:a((R,O,N,z)=>{if(M.type==="keyboard-interactive"){if((Array.isArray(z)?z.length:0)===0){s&&s("Client: Sending automatic USERAUTH_INFO_RESPONSE"),y.authInfoRes();return}M.prompt(O,N,"",z,de=>{y.authInfoRes(de)})}},"USERAUTH_INFO_REQUEST"),REQUEST_SUCCESS:a((R,O)=>{i.length&&i.shift()(!1,O)},"REQUEST_SUCCESS"),REQUEST_FAILURE:a(R=>{i.length&&i.shift()(!0)},"REQUEST_FAILURE"),GLOBAL_REQUEST:a((R,O,N,z)=>{O==="hostkeys-00@openssh.com"?(OA(this,z,(ce,de)=>{ce||this.emit("hostkeys",de)}),N&&y.requestSuccess()):N&&y.requestFailure()},"GLOBAL_REQUEST"),CHANNEL_OPEN:a((R,O)=>{TA(this,O)},"CHANNEL_OPEN"),CHANNEL_OPEN_CONFIRMATION:a((R,O)=>{let N=this._chanMgr.get(O.recipient);if(typeof N!="function")return;let z=N.type==="sftp",de={type:z?"session":N.type,incoming:{id:O.recipient,window:_i,packetSize:mi,state:"open"},outgoing:{id:O.sender,window:O.window,packetSize:O.packetSize,state:"open"}},ue=z?new EA(this,de,{debug:s}):new i_(this,de);this._chanMgr.update(O.recipient,ue),N(void 0,ue)},"CHANNEL_OPEN_CONFIRMATION"),CHANNEL_OPEN_FAILURE:a((R,O,N,z)=>{let ce=this._chanMgr.get(O);if(typeof ce!="function")return;CA(this,O,{reason:N,description:z},ce)},"CHANNEL_OPEN_FAILURE"),CHANNEL_DATA:a((R,O,N)=>{let z=this._chanMgr.get(O);if(!(typeof z!="object"||z===null)&&z.incoming.window!==0){if(z.incoming.window-=N.length,z.push(N)===!1){z._waitChanDrain=!0;return}z.incoming.window<=Jp&&Vp(z)}},"CHANNEL_DATA"),CHANNEL_EXTENDED_DATA:a((R,O,N,z)=>{if(z!==_A)return;let ce=this._chanMgr.get(O);if(!(typeof ce!="object"||ce===null)&&ce.incoming.window!==0){if(ce.incoming.window-=N.length,!ce.stderr.push(N)){ce._waitChanDrain=!0;return}ce.incoming.window<=Jp&&Vp(ce)}},"CHANNEL_EXTENDED_DATA"),CHANNEL_WINDOW_ADJUST:a((R,O,N)=>{let z=this._chanMgr.get(O);typeof z!="object"||z===null||(z.outgoing.window+=N,z._waitWindow&&(z._waitWindow=!1,z._chunk?z._write(z._chunk,null,z._chunkcb):z._chunkcb?z._chunkcb():z._chunkErr?z.stderr._write(z._chunkErr,null,z._chunkcbErr):z._chunkcbErr&&z._chunkcbErr()))},"CHANNEL_WINDOW_ADJUST"),CHANNEL_SUCCESS:a((R,O)=>{let N=this._chanMgr.get(O);typeof N!="object"||N===null||(this._resetKA(),N._callbacks.length&&N._callbacks.shift()(!1))},"CHANNEL_SUCCESS"),CHANNEL_FAILURE:a((R,O)=>{let N=this._chanMgr.get(O);typeof N!="object"||N===null||(this._resetKA(),N._callbacks.length&&N._callbacks.shift()(!0))},"CHANNEL_FAILURE"),CHANNEL_REQUEST:a((R,O,N,z,ce)=>{let de=this._chanMgr.get(O);if(typeof de!="object"||de===null)return;let ue=de._exit;if(ue.code===void 0){switch(N){case"exit-status":de.emit("exit",ue.code=ce);return;case"exit-signal":de.emit("exit",ue.code=null,ue.signal=`SIG${ce.signal}`,ue.dump=ce.coreDumped,ue.desc=ce.errorMessage);return}z&&R.channelFailure(de.outgoing.id)}},"CHANNEL_REQUEST"),CHANNEL_EOF:a((R,O)=>{let N=this._chanMgr.get(O);typeof N!="object"||N===null||N.incoming.state==="open"&&(N.incoming.state="eof",N.readable&&N.push(null),N.stderr.readable&&N.stderr.push(null))},"CHANNEL_EOF"),CHANNEL_CLOSE:a((R,O)=>{RA(this,O,this._chanMgr.get(O))},"CHANNEL_CLOSE")}});l.pause();let b=this.config.keepaliveInterval,A=this.config.keepaliveCountMax,E=0,C,L=a(()=>{if(++E>A){if(clearInterval(C),l.readable){let R=new Error("Keepalive timeout");R.level="client-timeout",this.emit("error",R),l.destroy()}return}_t(l)?(i.push(T),y.ping()):clearInterval(C)},"sendKA");function T(){b>0&&(E=0,clearInterval(C),_t(l)&&(C=setInterval(L,b)))}a(T,"resetKA"),this._resetKA=T;let q=(()=>{let R=!1;return()=>{if(!R&&(R=!0,xe&&!h)){let O=kA("Connection lost before handshake","protocol",!0);this.emit("error",O)}}})(),re=(()=>{let R=!1;return()=>{R||(R=!0,xe=!0,s&&s("Socket connected"),this.emit("connect"),AA.then(()=>{y.start(),l.on("data",O=>{try{y.parse(O,0,O.length)}catch(N){this.emit("error",N);try{_t(l)&&l.end()}catch{}}}),l.stderr&&typeof l.stderr.resume=="function"&&l.stderr.resume(),l.resume()}).catch(O=>{this.emit("error",O);try{_t(l)&&l.end()}catch{}}))}})(),xe=!1;l.on("connect",re).on("timeout",()=>{this.emit("timeout")}).on("error",R=>{s&&s(`Socket error: ${R.message}`),clearTimeout(this._readyTimeout),R.level="client-socket",this.emit("error",R)}).on("end",()=>{s&&s("Socket ended"),q(),y.cleanup(),clearTimeout(this._readyTimeout),clearInterval(C),this.emit("end")}).on("close",()=>{s&&s("Socket closed"),q(),y.cleanup(),clearTimeout(this._readyTimeout),clearInterval(C),this.emit("close");let R=i;i=this._callbacks=[];let O=new Error("No response from server");for(let N=0;N<R.length;++N)R[N](O);this._chanMgr.cleanup(O)});let M,G=null,j=null,W=["none"];this.config.password!==void 0&&W.push("password"),c!==void 0&&W.push("publickey"),this._agent!==void 0&&W.push("agent"),this.config.tryKeyboard&&W.push("keyboard-interactive"),c!==void 0&&this.config.localHostname!==void 0&&this.config.localUsername!==void 0&&W.push("hostbased"),Array.isArray(o)?o=r_(o):typeof o!="function"&&(o=r_(W));let te=!1,_e=a(R=>{if(!te){if(te=!0,R===!1){let O=new Error("All configured authentication methods failed");O.level="client-authentication",this.emit("error",O),this.end();return}if(typeof R=="string"){let O=R;if(W.indexOf(O)===-1)return Y(`Authentication method not allowed: ${O}`);let N=this.config.username;switch(O){case"password":R={type:O,username:N,password:this.config.password};break;case"publickey":R={type:O,username:N,key:c};break;case"hostbased":R={type:O,username:N,key:c,localHostname:this.config.localHostname,localUsername:this.config.localUsername};break;case"agent":R={type:O,username:N,agentCtx:new Gp(this._agent)};break;case"keyboard-interactive":R={type:O,username:N,prompt:a((...z)=>this.emit("keyboard-interactive",...z),"prompt")};break;case"none":R={type:O,username:N};break;default:return Y(`Skipping unsupported authentication method: ${R}`)}}else{if(typeof R!="object"||R===null)return Y(`Skipping invalid authentication attempt: ${R}`);{let O=R.username;if(typeof O!="string")return Y(`Skipping invalid authentication attempt: ${R}`);let N=R.type;switch(N){case"password":{let{password:z}=R;if(typeof z!="string"&&!Buffer.isBuffer(z))return Y("Skipping invalid password auth attempt");R={type:N,username:O,password:z};break}case"publickey":{let z=pi(R.key,R.passphrase);if(z instanceof Error)return Y("Skipping invalid key auth attempt");if(!z.isPrivateKey())return Y("Skipping non-private key");R={type:N,username:O,key:z};break}case"hostbased":{let{localHostname:z,localUsername:ce}=R,de=pi(R.key,R.passphrase);if(de instanceof Error||typeof z!="string"||typeof ce!="string")return Y("Skipping invalid hostbased auth attempt");if(!de.isPrivateKey())return Y("Skipping non-private key");R={type:N,username:O,key:de,localHostname:z,localUsername:ce};break}case"agent":{let z=R.agent;if(typeof z=="string"&&z.length)z=Yp(z);else if(!Xp(z))return Y(`Skipping invalid agent: ${R.agent}`);R={type:N,username:O,agentCtx:new Gp(z)};break}case"keyboard-interactive":{let{prompt:z}=R;if(typeof z!="function")return Y("Skipping invalid keyboard-interactive auth attempt");R={type:N,username:O,prompt:z};break}case"none":R={type:N,username:O};break;default:return Y(`Skipping unsupported authentication method: ${R}`)}}}M=R;try{let O=M.username;switch(M.type){case"password":y.authPassword(O,M.password);break;case"publickey":{let N;if(M.keyAlgos=Eu(this,M.key,m),M.keyAlgos)if(M.keyAlgos.length)N=M.keyAlgos[0][0];else return Y("Skipping key authentication (no mutual hash algorithm)");y.authPK(O,M.key,N);break}case"hostbased":{let N,z;if(M.keyAlgos=Eu(this,M.key,m),M.keyAlgos)if(M.keyAlgos.length)[N,z]=M.keyAlgos[0];else return Y("Skipping hostbased authentication (no mutual hash algorithm)");y.authHostbased(O,M.key,M.localHostname,M.localUsername,N,(ce,de)=>{let ue=M.key.sign(ce,z);if(ue instanceof Error)return ue.message=`Error while signing with key: ${ue.message}`,ue.level="client-authentication",this.emit("error",ue),oe();de(ue)});break}case"agent":M.agentCtx.init(N=>{if(N)return N.level="agent",this.emit("error",N),oe();fe()});break;case"keyboard-interactive":y.authKeyboard(O);break;case"none":y.authNone(O);break}}finally{te=!1}}},"doNextAuth");function Y(R){s&&s(R),process.nextTick(oe)}a(Y,"skipAuth");function oe(){te=!1;let R=o(j,G,_e);te||R===void 0||_e(R)}a(oe,"tryNextAuth");let fe=a(()=>{if(M.type==="agent"){let R=M.agentCtx.nextKey();if(R===!1)s&&s("Agent: No more keys left to try"),s&&s("Client: agent auth failed"),oe();else{let O=M.agentCtx.pos(),N;if(M.keyAlgos=Eu(this,R,m),M.keyAlgos)if(M.keyAlgos.length)N=M.keyAlgos[0][0];else{s&&s(`Agent: Skipping key #${O+1} (no mutual hash algorithm)`),fe();return}s&&s(`Agent: Trying key #${O+1}`),y.authPK(M.username,R,N)}}},"tryNextAgentKey"),$e=a(()=>{this.config.readyTimeout>0&&(this._readyTimeout=setTimeout(()=>{let R=new Error("Timed out while waiting for handshake");R.level="client-timeout",this.emit("error",R),l.destroy()},this.config.readyTimeout))},"startTimeout");if(t.sock)$e(),typeof l.connecting=="boolean"&&l.connecting||re();else{let R=this.config.host,O=this.config.forceIPv4,N=this.config.forceIPv6;s&&s(`Client: Trying ${R} on port ${this.config.port} ...`);let z=a(()=>{$e(),l.connect({host:R,port:this.config.port,localAddress:this.config.localAddress,localPort:this.config.localPort}),l.setMaxListeners(0),l.setTimeout(typeof t.timeout=="number"?t.timeout:0)},"doConnect");!O&&!N||O&&N?z():fA(R,O?4:6,(ce,de,ue)=>{if(ce){let rt=O?"IPv4":"IPv6",mt=new Error(`Error while looking up ${rt} address for '${R}': ${ce}`);clearTimeout(this._readyTimeout),mt.level="client-dns",this.emit("error",mt),this.emit("close");return}R=de,z()})}return this}end(){return this._sock&&_t(this._sock)&&(this._protocol.disconnect(Zp.BY_APPLICATION),this._sock.end()),this}destroy(){return this._sock&&_t(this._sock)&&this._sock.destroy(),this}exec(t,n,r){if(!this._sock||!_t(this._sock))throw new Error("Not connected");typeof n=="function"&&(r=n,n={});let o={allowHalfOpen:n.allowHalfOpen!==!1};return zr(this,"session",o,(s,i)=>{if(s){r(s);return}let c=[];function u(l){if(l){i.close(),r(l);return}c.length&&c.shift()()}a(u,"reqCb"),(this.config.allowAgentFwd===!0||n&&n.agentForward===!0&&this._agent!==void 0)&&c.push(()=>n_(i,u)),typeof n=="object"&&n!==null&&(typeof n.env=="object"&&n.env!==null&&Au(i,n.env),(typeof n.pty=="object"&&n.pty!==null||n.pty===!0)&&c.push(()=>t_(i,n.pty,u)),(typeof n.x11=="object"&&n.x11!==null||n.x11==="number"||n.x11===!0)&&c.push(()=>e_(i,n.x11,u))),c.push(()=>PA(i,t,n,r)),c.shift()()}),this}shell(t,n,r){if(!this._sock||!_t(this._sock))throw new Error("Not connected");return typeof t=="function"?(r=t,t=n=void 0):typeof n=="function"&&(r=n,n=void 0),t&&(t.x11!==void 0||t.env!==void 0)&&(n=t,t=void 0),zr(this,"session",(o,s)=>{if(o){r(o);return}let i=[];function c(u){if(u){s.close(),r(u);return}i.length&&i.shift()()}a(c,"reqCb"),(this.config.allowAgentFwd===!0||n&&n.agentForward===!0&&this._agent!==void 0)&&i.push(()=>n_(s,c)),t!==!1&&i.push(()=>t_(s,t,c)),typeof n=="object"&&n!==null&&(typeof n.env=="object"&&n.env!==null&&Au(s,n.env),(typeof n.x11=="object"&&n.x11!==null||n.x11==="number"||n.x11===!0)&&i.push(()=>e_(s,n.x11,c))),i.push(()=>BA(s,r)),i.shift()()}),this}subsys(t,n){if(!this._sock||!_t(this._sock))throw new Error("Not connected");return zr(this,"session",(r,o)=>{if(r){n(r);return}xu(o,t,(s,i)=>{if(s){n(s);return}n(void 0,i)})}),this}forwardIn(t,n,r){if(!this._sock||!_t(this._sock))throw new Error("Not connected");let o=typeof r=="function";return o&&this._callbacks.push((s,i)=>{if(s){r(s!==!0?s:new Error(`Unable to bind to ${t}:${n}`));return}let c=n;n===0&&i&&i.length>=4&&(c=vA(i,0),this._protocol._compatFlags&o_.DYN_RPORT_BUG||(n=c)),this._forwarding[`${t}:${n}`]=c,r(void 0,c)}),this._protocol.tcpipForward(t,n,o),this}unforwardIn(t,n,r){if(!this._sock||!_t(this._sock))throw new Error("Not connected");let o=typeof r=="function";return o&&this._callbacks.push(s=>{if(s){r(s!==!0?s:new Error(`Unable to unbind from ${t}:${n}`));return}delete this._forwarding[`${t}:${n}`],r()}),this._protocol.cancelTcpipForward(t,n,o),this}forwardOut(t,n,r,o,s){if(!this._sock||!_t(this._sock))throw new Error("Not connected");let i={srcIP:t,srcPort:n,dstIP:r,dstPort:o};return typeof s!="function"&&(s=ku),zr(this,"direct-tcpip",i,s),this}openssh_noMoreSessions(t){if(!this._sock||!_t(this._sock))throw new Error("Not connected");let n=typeof t=="function";return!this.config.strictVendor||this.config.strictVendor&&Ho.test(this._remoteVer)?(n&&this._callbacks.push(r=>{if(r){t(r!==!0?r:new Error("Unable to disable future sessions"));return}t()}),this._protocol.openssh_noMoreSessions(n),this):n?(process.nextTick(t,new Error("strictVendor enabled and server is not OpenSSH or compatible version")),this):this}openssh_forwardInStreamLocal(t,n){if(!this._sock||!_t(this._sock))throw new Error("Not connected");let r=typeof n=="function";return!this.config.strictVendor||this.config.strictVendor&&Ho.test(this._remoteVer)?(r&&this._callbacks.push(o=>{if(o){n(o!==!0?o:new Error(`Unable to bind to ${t}`));return}this._forwardingUnix[t]=!0,n()}),this._protocol.openssh_streamLocalForward(t,r),this):r?(process.nextTick(n,new Error("strictVendor enabled and server is not OpenSSH or compatible version")),this):this}openssh_unforwardInStreamLocal(t,n){if(!this._sock||!_t(this._sock))throw new Error("Not connected");let r=typeof n=="function";return!this.config.strictVendor||this.config.strictVendor&&Ho.test(this._remoteVer)?(r&&this._callbacks.push(o=>{if(o){n(o!==!0?o:new Error(`Unable to unbind from ${t}`));return}delete this._forwardingUnix[t],n()}),this._protocol.openssh_cancelStreamLocalForward(t,r),this):r?(process.nextTick(n,new Error("strictVendor enabled and server is not OpenSSH or compatible version")),this):this}openssh_forwardOutStreamLocal(t,n){if(!this._sock||!_t(this._sock))throw new Error("Not connected");return typeof n!="function"&&(n=ku),!this.config.strictVendor||this.config.strictVendor&&Ho.test(this._remoteVer)?(zr(this,"direct-streamlocal@openssh.com",{socketPath:t},n),this):(process.nextTick(n,new Error("strictVendor enabled and server is not OpenSSH or compatible version")),this)}sftp(t,n){if(!this._sock||!_t(this._sock))throw new Error("Not connected");return typeof t=="function"&&(n=t,t=void 0),zr(this,"sftp",(r,o)=>{if(r){n(r);return}let s=a((i,c)=>{if(i){n(i);return}function u(){o.removeListener("ready",l),o.removeListener("error",f),o.removeListener("exit",h),o.removeListener("close",h)}a(u,"removeListeners");function l(){u(),n(void 0,o)}a(l,"onReady");function f(_){u(),n(_)}a(f,"onError");function h(_,m){u();let y;typeof _=="number"?y=`Received exit code ${_} while establishing SFTP session`:m!==void 0?y=`Received signal ${m} while establishing SFTP session`:y="Received unexpected SFTP session termination";let b=new Error(y);b.code=_,b.signal=m,n(b)}a(h,"onExit"),o.on("ready",l).on("error",f).on("exit",h).on("close",h),o._init()},"reqSubsystemCb");typeof t=="object"&&t!==null?Au(o,t,i=>{if(i){n(i);return}xu(o,"sftp",s)}):xu(o,"sftp",s)}),this}setNoDelay(t){return this._sock&&typeof this._sock.setNoDelay=="function"&&this._sock.setNoDelay(t),this}};function zr(e,t,n,r){let o=_i,s=mi;typeof n=="function"&&(r=n,n={});let i=a((u,l)=>{r(u,l)},"wrapper");i.type=t;let c=e._chanMgr.add(i);if(c===-1){r(new Error("No free channels available"));return}switch(t){case"session":case"sftp":e._protocol.session(c,o,s);break;case"direct-tcpip":e._protocol.directTcpip(c,o,s,n);break;case"direct-streamlocal@openssh.com":e._protocol.openssh_directStreamLocal(c,o,s,n);break;default:throw new Error(`Unsupported channel type: ${t}`)}}a(zr,"openChannel");function e_(e,t,n){let r={single:!1,protocol:"MIT-MAGIC-COOKIE-1",cookie:void 0,screen:0};typeof t=="function"?n=t:typeof t=="object"&&t!==null&&(typeof t.single=="boolean"&&(r.single=t.single),typeof t.screen=="number"&&(r.screen=t.screen),typeof t.protocol=="string"&&(r.protocol=t.protocol),typeof t.cookie=="string"?r.cookie=t.cookie:Buffer.isBuffer(t.cookie)&&(r.cookie=t.cookie.hexSlice(0,t.cookie.length))),r.cookie===void 0&&(r.cookie=NA());let o=typeof n=="function";if(e.outgoing.state!=="open"){o&&n(new Error("Channel is not open"));return}o&&e._callbacks.push(s=>{if(s){n(s!==!0?s:new Error("Unable to request X11"));return}e._hasX11=!0,++e._client._acceptX11,e.once("close",()=>{e._client._acceptX11&&--e._client._acceptX11}),n()}),e._client._protocol.x11Forward(e.outgoing.id,r,o)}a(e_,"reqX11");function t_(e,t,n){let r=24,o=80,s=640,i=480,c="vt100",u=null;typeof t=="function"?n=t:typeof t=="object"&&t!==null&&(typeof t.rows=="number"&&(r=t.rows),typeof t.cols=="number"&&(o=t.cols),typeof t.width=="number"&&(s=t.width),typeof t.height=="number"&&(i=t.height),typeof t.term=="string"&&(c=t.term),typeof t.modes=="object"&&(u=t.modes));let l=typeof n=="function";if(e.outgoing.state!=="open"){l&&n(new Error("Channel is not open"));return}l&&e._callbacks.push(f=>{if(f){n(f!==!0?f:new Error("Unable to request a pseudo-terminal"));return}n()}),e._client._protocol.pty(e.outgoing.id,r,o,i,s,c,u,l)}a(t_,"reqPty");function n_(e,t){let n=typeof t=="function";if(e.outgoing.state!=="open"){n&&t(new Error("Channel is not open"));return}if(e._client._agentFwdEnabled){n&&t(!1);return}e._client._agentFwdEnabled=!0,e._callbacks.push(r=>{if(r){e._client._agentFwdEnabled=!1,n&&t(r!==!0?r:new Error("Unable to request agent forwarding"));return}n&&t()}),e._client._protocol.openssh_agentForward(e.outgoing.id,!0)}a(n_,"reqAgentFwd");function BA(e,t){if(e.outgoing.state!=="open"){t(new Error("Channel is not open"));return}e._callbacks.push(n=>{if(n){t(n!==!0?n:new Error("Unable to open shell"));return}e.subtype="shell",t(void 0,e)}),e._client._protocol.shell(e.outgoing.id,!0)}a(BA,"reqShell");function PA(e,t,n,r){if(e.outgoing.state!=="open"){r(new Error("Channel is not open"));return}e._callbacks.push(o=>{if(o){r(o!==!0?o:new Error("Unable to exec"));return}e.subtype="exec",e.allowHalfOpen=n.allowHalfOpen!==!1,r(void 0,e)}),e._client._protocol.exec(e.outgoing.id,t,!0)}a(PA,"reqExec");function Au(e,t,n){let r=typeof n=="function";if(e.outgoing.state!=="open"){r&&n(new Error("Channel is not open"));return}r&&e._callbacks.push(s=>{if(s){n(s!==!0?s:new Error("Unable to set environment"));return}n()});let o=Object.keys(t||{});for(let s=0;s<o.length;++s){let i=o[s],c=t[i];e._client._protocol.env(e.outgoing.id,i,c,r)}}a(Au,"reqEnv");function xu(e,t,n){if(e.outgoing.state!=="open"){n(new Error("Channel is not open"));return}e._callbacks.push(r=>{if(r){n(r!==!0?r:new Error(`Unable to start subsystem: ${t}`));return}e.subtype="subsystem",n(void 0,e)}),e._client._protocol.subsystem(e.outgoing.id,t,!0)}a(xu,"reqSubsystem");function TA(e,t){let n=-1,r,o=a(()=>{let u={type:t.type,incoming:{id:n,window:_i,packetSize:mi,state:"open"},outgoing:{id:t.sender,window:t.window,packetSize:t.packetSize,state:"open"}},l=new i_(e,u);return e._chanMgr.update(n,l),e._protocol.channelOpenConfirm(t.sender,n,_i,mi),l},"accept"),s=a(()=>{r===void 0&&(n===-1?r=Uo.RESOURCE_SHORTAGE:r=Uo.CONNECT_FAILED),n!==-1&&e._chanMgr.remove(n),e._protocol.channelOpenFail(t.sender,r,"")},"reject"),i=a(()=>(n=e._chanMgr.add(),n===-1&&(r=Uo.RESOURCE_SHORTAGE,e.config.debug&&e.config.debug("Client: Automatic rejection of incoming channel open: no channels available")),n!==-1),"reserveChannel"),c=t.data;switch(t.type){case"forwarded-tcpip":{let u=e._forwarding[`${c.destIP}:${c.destPort}`];if(u!==void 0&&i()){c.destPort===0&&(c.destPort=u),e.emit("tcp connection",c,o,s);return}break}case"forwarded-streamlocal@openssh.com":if(e._forwardingUnix[c.socketPath]!==void 0&&i()){e.emit("unix connection",c,o,s);return}break;case"auth-agent@openssh.com":if(e._agentFwdEnabled&&typeof e._agent.getStream=="function"&&i()){e._agent.getStream((u,l)=>{if(u)return s();let f=o();f.pipe(l).pipe(f)});return}break;case"x11":if(e._acceptX11!==0&&i()){e.emit("x11",c,o,s);return}break;default:r=Uo.UNKNOWN_CHANNEL_TYPE,e.config.debug&&e.config.debug(`Client: Automatic rejection of unsupported incoming channel open type: ${t.type}`)}r===void 0&&(r=Uo.ADMINISTRATIVELY_PROHIBITED,e.config.debug&&e.config.debug("Client: Automatic rejection of unexpected incoming channel open for: "+t.type)),s()}a(TA,"onCHANNEL_OPEN");var NA=(()=>{let e=Buffer.allocUnsafe(16);return()=>(lA(e,0,16),e.hexSlice(0,16))})();function r_(e){if(!Array.isArray(e))throw new Error("authList must be an array");let t=0;return(n,r,o)=>t===e.length?!1:e[t++]}a(r_,"makeSimpleAuthHandler");function OA(e,t,n){if(!e._sock||!_t(e._sock))return;if(typeof n!="function"&&(n=ku),!Array.isArray(t))throw new TypeError("Invalid keys argument type");let r=[];for(let o of t){let s=pi(o);if(s instanceof Error)throw s;r.push(s)}if(!e.config.strictVendor||e.config.strictVendor&&Ho.test(e._remoteVer)){e._callbacks.push((o,s)=>{if(o){n(o!==!0?o:new Error("Server failed to prove supplied keys"));return}let i=[],c=0;for(fi.init(s,0);fi.avail()&&c!==r.length;){let u=r[c++],l=u.getPublicSSH(),f=fi.readString();hi.init(f,0);let h=hi.readString(!0),_=hi.readString(),m;if(h!==u.type)if(u.type==="ssh-rsa")switch(h){case"rsa-sha2-256":m="sha256";break;case"rsa-sha2-512":m="sha512";break;default:continue}else continue;let y=e._protocol._kex.sessionID,b=Buffer.allocUnsafe(37+y.length+4+l.length),A=0;bu(b,29,A),b.utf8Write("hostkeys-prove-00@openssh.com",A+=4,29),bu(b,y.length,A+=29),qp(y,b,0,y.length,A+=4),bu(b,l.length,A+=y.length),qp(l,b,0,l.length,A+=4),(_=SA(_,h))&&u.verify(b,_,m)===!0&&i.push(u)}hi.clear(),fi.clear(),n(null,i)}),e._protocol.openssh_hostKeysProve(r);return}process.nextTick(n,new Error("strictVendor enabled and server is not OpenSSH or compatible version"))}a(OA,"hostKeysProve");function Eu(e,t,n){switch(t.type){case"ssh-rsa":if(e._protocol._compatFlags&o_.IMPLY_RSA_SHA2_SIGALGS&&(Array.isArray(n)?n=["rsa-sha2-256","rsa-sha2-512",...n]:n=["rsa-sha2-256","rsa-sha2-512"]),Array.isArray(n)){if(n.indexOf("rsa-sha2-256")!==-1)return[["rsa-sha2-256","sha256"]];if(n.indexOf("rsa-sha2-512")!==-1)return[["rsa-sha2-512","sha512"]];if(n.indexOf("ssh-rsa")===-1)return[]}return[["ssh-rsa","sha1"]]}}a(Eu,"getKeyAlgos");a_.exports=vu});var u_=Fe(()=>{});var l_=Fe(()=>{});var Fo=Fe((ER,d_)=>{"use strict";var{AgentProtocol:LA,BaseAgent:UA,createAgent:DA,CygwinAgent:HA,OpenSSHAgent:FA,PageantAgent:MA}=Vc(),{SSHTTPAgent:zA,SSHTTPSAgent:QA}=Jh(),{parseKey:KA}=sr(),{flagsToString:jA,OPEN_MODE:WA,STATUS_CODE:ZA,stringToFlags:qA}=ti();d_.exports={AgentProtocol:LA,BaseAgent:UA,createAgent:DA,Client:c_(),CygwinAgent:HA,HTTPAgent:zA,HTTPSAgent:QA,OpenSSHAgent:FA,PageantAgent:MA,Server:u_(),utils:{parseKey:KA,...l_(),sftp:{flagsToString:jA,OPEN_MODE:WA,STATUS_CODE:ZA,stringToFlags:qA}}}});var gl=ft(require("os"),1);function $n(e){return e==null?"":typeof e=="string"||e instanceof String?e:JSON.stringify(e)}a($n,"toCommandValue");function Ji(e,t,n){let r=new Vi(e,t,n);process.stdout.write(r.toString()+gl.EOL)}a(Ji,"issueCommand");var ml="::",Vi=class{static{a(this,"Command")}constructor(t,n,r){t||(t="missing.command"),this.command=t,this.properties=n,this.message=r}toString(){let t=ml+this.command;if(this.properties&&Object.keys(this.properties).length>0){t+=" ";let n=!0;for(let r in this.properties)if(this.properties.hasOwnProperty(r)){let o=this.properties[r];o&&(n?n=!1:t+=",",t+=`${r}=${o0(o)}`)}}return t+=`${ml}${r0(this.message)}`,t}};function r0(e){return $n(e).replace(/%/g,"%25").replace(/\r/g,"%0D").replace(/\n/g,"%0A")}a(r0,"escapeData");function o0(e){return $n(e).replace(/%/g,"%25").replace(/\r/g,"%0D").replace(/\n/g,"%0A").replace(/:/g,"%3A").replace(/,/g,"%2C")}a(o0,"escapeProperty");var $l=ft(require("crypto"),1),ss=ft(require("fs"),1),os=ft(require("os"),1);function ea(e,t){let n=process.env[`GITHUB_${e}`];if(!n)throw new Error(`Unable to find environment variable for file command ${e}`);if(!ss.existsSync(n))throw new Error(`Missing file at path: ${n}`);ss.appendFileSync(n,`${$n(t)}${os.EOL}`,{encoding:"utf8"})}a(ea,"issueFileCommand");function ta(e,t){let n=`ghadelimiter_${$l.randomUUID()}`,r=$n(t);if(e.includes(n))throw new Error(`Unexpected input: name should not contain the delimiter "${n}"`);if(r.includes(n))throw new Error(`Unexpected input: value should not contain the delimiter "${n}"`);return`${e}<<${n}${os.EOL}${r}${os.EOL}${n}`}a(ta,"prepareKeyValueMessage");var Sl=ft(require("os"),1);var s0=ft(yl(),1),i0=ft(Al(),1);var El=require("os"),co=require("fs");var na=function(e,t,n,r){function o(s){return s instanceof n?s:new n(function(i){i(s)})}return a(o,"adopt"),new(n||(n=Promise))(function(s,i){function c(f){try{l(r.next(f))}catch(h){i(h)}}a(c,"fulfilled");function u(f){try{l(r.throw(f))}catch(h){i(h)}}a(u,"rejected");function l(f){f.done?s(f.value):o(f.value).then(c,u)}a(l,"step"),l((r=r.apply(e,t||[])).next())})},{access:a0,appendFile:c0,writeFile:u0}=co.promises,xl="GITHUB_STEP_SUMMARY";var ra=class{static{a(this,"Summary")}constructor(){this._buffer=""}filePath(){return na(this,void 0,void 0,function*(){if(this._filePath)return this._filePath;let t=process.env[xl];if(!t)throw new Error(`Unable to find environment variable for $${xl}. Check if your runtime environment supports job summaries.`);try{yield a0(t,co.constants.R_OK|co.constants.W_OK)}catch{throw new Error(`Unable to access summary file: '${t}'. Check if the file has correct read/write permissions.`)}return this._filePath=t,this._filePath})}wrap(t,n,r={}){let o=Object.entries(r).map(([s,i])=>` ${s}="${i}"`).join("");return n?`<${t}${o}>${n}</${t}>`:`<${t}${o}>`}write(t){return na(this,void 0,void 0,function*(){let n=!!t?.overwrite,r=yield this.filePath();return yield(n?u0:c0)(r,this._buffer,{encoding:"utf8"}),this.emptyBuffer()})}clear(){return na(this,void 0,void 0,function*(){return this.emptyBuffer().write({overwrite:!0})})}stringify(){return this._buffer}isEmptyBuffer(){return this._buffer.length===0}emptyBuffer(){return this._buffer="",this}addRaw(t,n=!1){return this._buffer+=t,n?this.addEOL():this}addEOL(){return this.addRaw(El.EOL)}addCodeBlock(t,n){let r=Object.assign({},n&&{lang:n}),o=this.wrap("pre",this.wrap("code",t),r);return this.addRaw(o).addEOL()}addList(t,n=!1){let r=n?"ol":"ul",o=t.map(i=>this.wrap("li",i)).join(""),s=this.wrap(r,o);return this.addRaw(s).addEOL()}addTable(t){let n=t.map(o=>{let s=o.map(i=>{if(typeof i=="string")return this.wrap("td",i);let{header:c,data:u,colspan:l,rowspan:f}=i,h=c?"th":"td",_=Object.assign(Object.assign({},l&&{colspan:l}),f&&{rowspan:f});return this.wrap(h,u,_)}).join("");return this.wrap("tr",s)}).join(""),r=this.wrap("table",n);return this.addRaw(r).addEOL()}addDetails(t,n){let r=this.wrap("details",this.wrap("summary",t)+n);return this.addRaw(r).addEOL()}addImage(t,n,r){let{width:o,height:s}=r||{},i=Object.assign(Object.assign({},o&&{width:o}),s&&{height:s}),c=this.wrap("img",null,Object.assign({src:t,alt:n},i));return this.addRaw(c).addEOL()}addHeading(t,n){let r=`h${n}`,o=["h1","h2","h3","h4","h5","h6"].includes(r)?r:"h1",s=this.wrap(o,t);return this.addRaw(s).addEOL()}addSeparator(){let t=this.wrap("hr",null);return this.addRaw(t).addEOL()}addBreak(){let t=this.wrap("br",null);return this.addRaw(t).addEOL()}addQuote(t,n){let r=Object.assign({},n&&{cite:n}),o=this.wrap("blockquote",t,r);return this.addRaw(o).addEOL()}addLink(t,n){let r=this.wrap("a",t,{href:n});return this.addRaw(r).addEOL()}},l0=new ra;var oa=l0;var sa=ft(require("os"),1);var is=ft(require("fs"),1);var{chmod:d0,copyFile:f0,lstat:h0,mkdir:p0,open:Xk,readdir:_0,rename:m0,rm:g0,rmdir:Vk,stat:$0,symlink:w0,unlink:y0}=is.promises,b0=process.platform==="win32";var Jk=is.constants.O_RDONLY;var iv=process.platform==="win32";var fv=sa.default.platform(),hv=sa.default.arch();var vl;(function(e){e[e.Success=0]="Success",e[e.Failure=1]="Failure"})(vl||(vl={}));function Il(e,t){if(process.env.GITHUB_OUTPUT||"")return ea("OUTPUT",ta(e,t));process.stdout.write(Sl.EOL),Ji("set-output",{name:e},$n(t))}a(Il,"setOutput");function ia(e,t){if(process.env.GITHUB_STATE||"")return ea("STATE",ta(e,t));Ji("save-state",{name:e},$n(t))}a(ia,"saveState");function aa(e){return process.env[`STATE_${e}`]||""}a(aa,"getState");function wt(e){return e.replace(I0,"").replace(C0,R0)}a(wt,"oneLine");var I0=/[\ufe0e\ufe0f]/g,C0=/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;function uo(e){return e.replaceAll("##[","##\\[").replace(/^(\s*):(?=:)/,"$1\\:")}a(uo,"defused");function $r(e){return Sn(uo(wt(e)),500)}a($r,"escapeForeign");function Sn(e,t){if(e.length<=t)return e;let n=/[\ud800-\udbff]/.test(e.charAt(t-1))?t-1:t;return`${e.slice(0,n)}…`}a(Sn,"shortened");function R0(e){if(e==="	")return e;let t=e.codePointAt(0)??0;return t>65535?`\\u{${t.toString(16)}}`:t<256?`\\x${t.toString(16).padStart(2,"0")}`:`\\u${t.toString(16).padStart(4,"0")}`}a(R0,"escapeCharacter");function Rl(e,t){return Qt(e.trimEnd()).slice(-t)}a(Rl,"lastLines");function Qt(e){return e.split(/\r\n|\n/)}a(Qt,"linesOf");var In=["unchanged","active","untouched","staged","rolled-back","unknown","broken"],bt=class extends Error{static{a(this,"Failure")}fields;constructor(t){super(ua(t),t.cause===void 0?void 0:{cause:t.cause}),this.name=new.target.name,this.fields=t}},Ht=class extends bt{static{a(this,"InputError")}constructor(t){super({what:"Reading the inputs",why:t.map($r).join(`
`),remedy:"correct the `with:` block of this step."})}},Ge=class extends bt{static{a(this,"ConnectionError")}},Yt=class extends bt{static{a(this,"TargetError")}};function ua({what:e,where:t,why:n,state:r,remedy:o,output:s}){let i=t?` on ${$r(t)}`:"";return[`${$r(e)}${i} failed.`,ca("why",n),...r?[ca("state",r)]:[],ca("do",o),...s?.trim()?[B0("output",s)]:[]].join(`
`)}a(ua,"formatFailure");function ca(e,t){let[n,...r]=t.split(`
`).map($r);return[`  ${`${e}:`.padEnd(8)}${n}`,...r.map(o=>`          ${o}`)].join(`
`)}a(ca,"field");function B0(e,t){let[n,...r]=Rl(t,20).map($r);return[`  ${`${e}:`.padEnd(8)}| ${n??""}`,...r.map(o=>`          | ${o}`)].join(`
`)}a(B0,"quoted");function Bl(e,t){let n=a(i=>i.toLowerCase().replace(/[-_ ]/g,""),"plain"),r=t.find(i=>n(i)===n(e)||e!==""&&i.startsWith(e));if(r)return r;if(e.length>40)return;let o=e.length<6?1:2,s=t.map(i=>({one:i,edits:P0(n(e),n(i))}));return s.sort((i,c)=>i.edits-c.edits),s[0]&&s[0].edits<=o?s[0].one:void 0}a(Bl,"nearest");function P0(e,t){let[n,r]=[[],Array.from({length:t.length+1},(o,s)=>s)];for(let o=1;o<=e.length;o+=1){let s=[o];for(let i=1;i<=t.length;i+=1){let c=(r[i-1]??0)+(e[o-1]===t[i-1]?0:1),u=o>1&&i>1&&e[o-1]===t[i-2]&&e[o-2]===t[i-1]?(n[i-2]??0)+1:c;s.push(Math.min(c,u,(r[i]??0)+1,(s[i-1]??0)+1))}[n,r]=[r,s]}return r[t.length]??0}a(P0,"editsBetween");var Pl="INPUT_";function da(e,t){let n=T0(t),r=Object.keys(n).filter(c=>!(c in la(e))),o=Object.fromEntries(Object.entries(n).filter(([,c])=>c!==""));for(let c of r)delete o[c];let s=e.safeParse(o),i=[...r.map(c=>`Unknown input '${c}'${O0(c,Object.keys(la(e)))}`),...s.success?[]:s.error.issues.map(c=>N0(c,o))];if(!s.success||i.length>0)throw new Ht(i);return s.data}a(da,"readInputs");function T0(e){let t={};for(let[n,r]of Object.entries(e))n.startsWith(Pl)&&(t[n.slice(Pl.length).toLowerCase()]=(r??"").replaceAll(`\r
`,`
`).replace(/\n+$/,""),delete e[n]);return t}a(T0,"takeInputs");function la(e){let{def:t}=e;return t.shape??(t.in?la(t.in):{})}a(la,"shapeOf");function N0(e,t){let n=String(e.path[0]??""),r=t[n];return n===""?e.message:r===void 0&&e.code==="invalid_type"?`Input '${n}': required, but not set.`:`Input '${n}': ${e.message}.`}a(N0,"problem");function O0(e,t){let n=Bl(e,t);return n?`; did you mean '${n}'?`:"."}a(O0,"closest");var Nl=require("node:os"),Ol=require("node:timers/promises");var L0=4,U0=8,D0=new Set([...In,"database","debugging","development","disabled","external","hostname","information","internal","localhost","optional","password","postgres","postgresql","production","rabbitmq","readonly","required","standalone","standard","undefined","unlimited","username","warnings"]);function fa(e){return e.split(/\r\n|\r|\n/).map(t=>t.trim()).filter(t=>t.length>=L0&&!t.startsWith("-----")&&!new RegExp("\\p{Cc}","u").test(t))}a(fa,"hideableLines");function Tl(e){return e.length>=U0&&!/^[\d.,:+-]+$/.test(e)&&!D0.has(e.toLowerCase())}a(Tl,"isWorthHiding");function wr(e,t){return{...e,line:a(n=>e.line(`${t} | ${n}`),"line"),phase:a((n,r,o)=>e.phase(n,`${t} | ${r}`,o),"phase"),warning:a(n=>e.warning(`${t} | ${n}`),"warning")}}a(wr,"prefixed");var H0=300;function Ll(e){let t=[],n=a(r=>{t.push(r),t.length>H0&&t.shift()},"hold");return{log:{...e,line:a(r=>n(()=>e.line(r)),"line"),phase:a((r,o,s=performance.now())=>n(()=>e.phase(r,o,s)),"phase")},tell:a(()=>{for(let r of t.splice(0))r()},"tell")}}a(Ll,"heldBack");var F0=8e3;function Ul(e){process.stdout.on("error",()=>{});let t=a(c=>{process.stdout.write(`${c}${Nl.EOL}`)},"write"),n=a(c=>Sn(uo(wt(c)),F0),"plain"),r=a((c,[u="",...l])=>{if(e==="github")t(`::${c.toLowerCase()}::${Dl([u,...l].join(`
`))}`);else for(let f of[`${c}: ${u}`,...l])t(f)},"annotated"),o=performance.now(),s=new Set,i=a(c=>{if(!s.has(c)){s.add(c);for(let u of M0(c,e))t(`::add-mask::${u}`)}},"hide");return{line:a(c=>t(n(c)),"line"),phase:a((c,u,l=performance.now())=>{let f=((l-o)/1e3).toFixed(1);t(n(`[${f.padStart(5)} s] ${c.padEnd(15)} ${u}`))},"phase"),warning:a(c=>r("Warning",[n(c)]),"warning"),failure:a(c=>r("Error",Qt(c).map(n)),"failure"),mask:a(c=>fa(c??"").forEach(i),"mask"),maskValue:a(c=>fa(c).filter(Tl).forEach(i),"maskValue"),drain:a(async c=>{await new Promise(u=>process.stdout.write("",u)),c&&await(0,Ol.setTimeout)(500)},"drain")}}a(Ul,"openLog");function M0(e,t){let n=Dl(e);return t==="github"||n===e?[n]:t==="forgejo"?[e]:/%0[AD]/i.test(e)?[n]:[e,n]}a(M0,"maskForms");function Dl(e){return e.replaceAll("%","%25").replaceAll("\r","%0D").replaceAll(`
`,"%0A")}a(Dl,"escapeCommand");var Hl=256*1024,z0=8e3;async function Fl(e){if(process.env.GITHUB_OUTPUT)for(let[t,n]of Object.entries(e))Il(t,Q0(n))}a(Fl,"writeOutputs");async function Ml(e){process.env.GITHUB_STEP_SUMMARY&&await oa.addRaw(K0(e),!0).write()}a(Ml,"writeSummary");function Q0(e){if(e===void 0)return"";if(typeof e=="string")return zl(e);if(typeof e!="object")return String(e);let t=pa(e);return Buffer.byteLength(t)<=Hl?t:JSON.stringify({cut:`the whole value has ${Buffer.byteLength(t)} bytes, above ${Hl}`})}a(Q0,"outputText");function pa(e){return JSON.stringify(e,(t,n)=>typeof n=="string"?zl(n):n,1)}a(pa,"harmlessJson");function zl(e){return Sn(Qt(e).map(t=>uo(wt(t))).join(`
`),z0)}a(zl,"harmless");function K0({title:e,list:t=[],head:n,rows:r}){let o=a(s=>`| ${n.map((i,c)=>ha(s[c]??"")).join(" | ")} |`,"row");return[`### ${ha(e)}`,"",...t.length>0?[...t.map(s=>`- ${ha(s)}`),""]:[],o(n),`|${" --- |".repeat(n.length)}`,...r.map(o),""].join(`
`)}a(K0,"summaryMarkdown");var j0=500,W0=/^[\p{L}\p{N}✓✗ .,/()?>-]*$/u,Z0=/^([-+>]|\d+[.)](\s|$))|www\./i;function ha(e){let t=Sn(wt(e).trim(),j0);return W0.test(t)&&!Z0.test(t)?t:`<code>${t.replace(/[^\p{L}\p{N}✓✗ ,/()?-]/gu,r=>`&#${r.codePointAt(0)};`)}</code>`}a(ha,"literal");function _a(e){let t=e.FORGEJO_ACTIONS?"forgejo":e.GITEA_ACTIONS?"gitea":"github",n=(e.GITHUB_SERVER_URL??"").replace(/\/+$/,""),r=e.GITHUB_REPOSITORY??"",o=t==="github"?e.GITHUB_RUN_ID:e.GITHUB_RUN_NUMBER;return{platform:t,serverUrl:n,apiUrl:(e.GITHUB_API_URL||n&&`${n}/api/v1`).replace(/\/+$/,""),repository:r,url:n&&r&&o?`${n}/${r}/actions/runs/${o}`:"",workflow:e.GITHUB_WORKFLOW||(e.GITHUB_WORKFLOW_REF??"").replace(/@.*$/,""),number:Number.parseInt(e.GITHUB_RUN_NUMBER??"",10)||0,attempt:Number.parseInt(e.GITHUB_RUN_ATTEMPT??"",10)||1,actor:e.GITHUB_ACTOR??"",sha:e.GITHUB_SHA??"",ref:e.GITHUB_REF??"",job:e.GITHUB_JOB??""}}a(_a,"readRun");var Ql="phase";async function Kl({schema:e,main:t,outputs:n,post:r}){let o=Ul(_a(process.env).platform),s=new AbortController;for(let u of["SIGINT","SIGTERM","SIGHUP"])process.on(u,()=>s.abort(u));let i=a(async u=>{let l=u!==void 0;l&&o.failure(u instanceof bt?u.message:G0(u)),process.exitCode||=l?1:0,await o.drain(l),process.exit()},"end");process.on("uncaughtException",u=>{i(u??new Error("no reason was given"))});let c={log:o,run:_a(process.env),signal:s.signal,env:a(u=>process.env[u]||void 0,"env"),outputs:Fl,summary:Ml,save:a((u,l)=>ia(u,l),"save")};try{q0(process.versions.node),aa(Ql)==="main"?await r?.(aa,()=>da(e,process.env),c):(ia(Ql,"main"),n&&await c.outputs(n),await t(da(e,process.env),c))}catch(u){return i(u??new Error("no reason was given"))}return i()}a(Kl,"action");function q0(e){if(!(Number.parseInt(e,10)>=20))throw new bt({what:"Starting the action",why:`it needs Node.js 20 or later, but the runner's \`node\` is ${e}.`,remedy:"install a newer Node.js where the job runs (its image, or the host), and put it first in PATH."})}a(q0,"requireNode");function G0(e){return ua({what:"The action",why:`an unexpected error: ${e instanceof Error?e.message:String(e)}`,remedy:"report this as a bug, with the output below.",output:e instanceof Error?e.stack:void 0})}a(G0,"unexpected");var jl=require("node:crypto"),wn=require("node:fs/promises"),Tt=require("node:path");async function Wl(e,t){if(e===void 0)return async()=>{};let n=await Y0(e);return async r=>{let o=`${n}.${(0,jl.randomUUID)()}`;try{await(0,wn.writeFile)(o,`${pa(r)}
`,{flag:"wx"}),await(0,wn.rename)(o,n)}catch(s){await(0,wn.rm)(o,{force:!0}),t.warning(`report-file ${e} could not be written: ${s.message}`)}}}a(Wl,"openReportFile");async function Y0(e){let t=a(o=>new Ht([`Input 'report-file': ${o}.`]),"problem"),n=await(0,wn.realpath)((0,Tt.dirname)((0,Tt.resolve)(e))).catch(()=>{});if(n===void 0)throw t(`there is no folder ${(0,Tt.dirname)(e)} on the runner`);let r=(0,Tt.relative)(await(0,wn.realpath)("."),n);if(!(0,Tt.isAbsolute)(e)&&(r.startsWith("..")||(0,Tt.isAbsolute)(r)))throw t(`${e} leads out of the workspace`);return(0,Tt.join)(n,(0,Tt.basename)(e))}a(Y0,"fileAt");var X0={"User-Agent":"health",Accept:"*/*"},V0=["connection","content-length","expect","te","trailer","transfer-encoding","upgrade"],J0=["host","accept","user-agent"],Zl=/^([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([^\s\p{Cc}][^\p{Cc}]*)$/u;function ql(e){let[,t=""]=Zl.exec(e)??[];return t!==""&&!V0.includes(t.toLowerCase())}a(ql,"isHeader");function as(e){return Yl(e).filter(([t])=>!J0.includes(t.toLowerCase())).flatMap(([,t])=>[t,t.replace(/^[A-Za-z][A-Za-z0-9-]* +/,"")])}a(as,"headerSecrets");function Gl(e,t){if(!e)return{health_headers:"",health_curl:""};let n=Yl(t);return{health_headers:[...[...Object.entries({Host:new URL(e).host,...X0}).filter(([s])=>!n.some(([i])=>i.toLowerCase()===s.toLowerCase())),...n].map(([s,i])=>`${s}: ${i}`),"Connection: close"].join(`
`),health_curl:n.map(([s,i])=>`header = "${e$(`${s}: ${i}`)}"`).join(`
`)}}a(Gl,"headerValues");function Yl(e){return e.map(t=>{let[,n="",r=""]=Zl.exec(t)??[];return[n,r.trim()]})}a(Yl,"parsed");function e$(e){return e.replace(/["\\]/g,"\\$&")}a(e$,"escaped");var As=require("node:fs/promises");function $a(e){let t=Object.values(e).filter(r=>typeof r=="number");return Object.entries(e).filter(([r,o])=>t.indexOf(+r)===-1).map(([r,o])=>o)}a($a,"getEnumValues");function Xl(e,t){return typeof t=="bigint"?t.toString():t}a(Xl,"jsonStringifyReplacer");var ga=class{static{a(this,"Cached")}constructor(t){this._getter=t,this._value=void 0}get value(){let t=this._getter;return t!==void 0&&(this._value=t(),this._getter=void 0),this._value}};function Vl(e){return new ga(e)}a(Vl,"cached");function Jl(e){let t=e.startsWith("^")?1:0,n=e.endsWith("$")?e.length-1:e.length;return e.slice(t,n)}a(Jl,"cleanRegex");function ed(e,t,n){Object.defineProperty(e,t,{value:n,writable:!0,enumerable:!0,configurable:!0})}a(ed,"assignProp");var wa="captureStackTrace"in Error?Error.captureStackTrace:(...e)=>{};function cs(e){return typeof e=="object"&&e!==null&&!Array.isArray(e)}a(cs,"isObject");function td(e){if(cs(e)===!1)return!1;let t=e.constructor;if(t===void 0||typeof t!="function")return!0;let n=t.prototype;return!(cs(n)===!1||Object.prototype.hasOwnProperty.call(n,"isPrototypeOf")===!1)}a(td,"isPlainObject");function ya(e){return td(e)?{...e}:Array.isArray(e)?[...e]:e instanceof Map?new Map(e):e instanceof Set?new Set(e):e}a(ya,"shallowClone");var nd=new Set(["string","number","symbol"]);function rd(e){return e.replace(/[.*+?^${}()|[\]\\]/g,"\\$&")}a(rd,"escapeRegex");function us(e,t,n){let r=new e._zod.constr(t??e._zod.def);return(!t||n?.parent)&&(r._zod.parent=e),r}a(us,"clone");function Rn(e){let t=e;if(!t)return{};if(typeof t=="string")return{error:a(()=>t,"error")};if(t?.message!==void 0){if(t?.error!==void 0)throw new Error("Cannot specify both `message` and `error` params");t.error=t.message}return delete t.message,typeof t.error=="string"?{...t,error:a(()=>t.error,"error")}:t}a(Rn,"normalizeParams");function od(e){return Object.keys(e).filter(t=>e[t]._zod.optin!==void 0&&e[t]._zod.optout==="optional")}a(od,"optionalKeys");function Bn(e,t=0){if(e.aborted===!0)return!0;for(let n=t;n<e.issues.length;n++)if(e.issues[n]?.continue!==!0)return!0;return!1}a(Bn,"aborted");function sd(e,t=0){if(e.aborted===!0)return!0;for(let n=t;n<e.issues.length;n++)if(e.issues[n]?.continue===!1)return!0;return!1}a(sd,"explicitlyAborted");function ba(e,t){return t.map(n=>{var r;return(r=n).path??(r.path=[]),n.path.unshift(e),n})}a(ba,"prefixIssues");function lo(e){return typeof e=="string"?e:e?.message}a(lo,"unwrapMessage");function Aa(e){let t=[];for(let n of e??[]){let r=n._zod.def;if(!/_(length|size)$|_equals$/.test(r.check))break;let o=r.maximum??r.length??r.size;o>=0&&t.push([o,n])}return t}a(Aa,"sizeCaps");function ls(e,t,n){var r;for(let o=t;o<e.length;o++)(r=e[o]).schema??(r.schema=n)}a(ls,"attachSchema");function yr(e,t,n){var r;let o=e.inst?._zod?.traits;o?.has("$ZodType")&&(o.has("$ZodCheck")?(r=e).schema??(r.schema=e.inst):e.schema=e.inst);let s=e.schema!==e.inst?e.schema?._zod.def?.error:void 0,i=e.message?e.message:lo(e.inst?._zod.def?.error?.(e))??lo(s?.(e))??lo(t?.error?.(e))??lo(n.customError?.(e))??lo(n.localeError?.(e))??"Invalid input",c={};for(let u of Object.keys(e))u==="inst"||u==="schema"||u==="continue"||u==="input"||u==="__proto__"||(c[u]=e[u]);return c.path??(c.path=[]),c.message=i,t?.reportInput&&(c.input=e.input),c}a(yr,"finalizeIssue");function xa(...e){let[t,n,r]=e;return typeof t=="string"?{message:t,code:"custom",input:n,inst:r}:{...t}}a(xa,"issue");function id(e,t){for(let n in t){let r=Object.getOwnPropertyDescriptor(t,n);r.get?Object.defineProperty(e,n,{...r,enumerable:!1}):t$(e,n,r.value)}}a(id,"members");function Wn(e,t,n,r=!0){return Object.defineProperty(e,t,{configurable:!0,writable:!0,enumerable:r,value:n}),n}a(Wn,"own");function ad(e,t,n){return Wn(e,t,n,!1)}a(ad,"hide");function t$(e,t,n){Object.defineProperty(e,t,{configurable:!0,get(){return this==null?n:Wn(this,t,n.bind(this))},set(r){Wn(this,t,r)}})}a(t$,"defineBound");function n$(e,t){let n=Object.getPrototypeOf(e);return t in n?void 0:n}a(n$,"claim");var ma,Cn=!1,r$={configurable:!0,get(){Cn=!0}};function Xt(e,t,n){let r=Object.getPrototypeOf(e._zod);if(t in r&&ma!==e._zod){ma=void 0;return}ma=e._zod,Object.defineProperty(r,t,{configurable:!0,get(){Object.defineProperty(this,t,r$);let o=Cn;Cn=!1;try{let s=n(this);return Cn?delete this[t]:Object.defineProperty(this,t,{configurable:!0,writable:!0,value:s}),Cn=Cn||o,s}catch(s){throw delete this[t],Cn=Cn||o,s}},set(o){Object.defineProperty(this,t,{configurable:!0,writable:!0,value:o})}})}a(Xt,"defineLazyInternal");function cd(e,t,n,r){let o=n$(e,t);o&&Object.defineProperty(o,t,{configurable:!0,get(){let s={configurable:!0,writable:!0,enumerable:r,value:void 0};return Object.defineProperty(this,t,s),s.value=n(this),Object.defineProperty(this,t,s),s.value},set(s){Object.defineProperty(this,t,{configurable:!0,writable:!0,enumerable:r,value:s})}})}a(cd,"installLazyProp");var ud;var Ea={value:void 0,enumerable:!1},ld="captureStackTrace"in Error?Error:null;function o$(e){let t=ld;if(t){let n=t.stackTraceLimit;if(typeof n=="number"){try{t.stackTraceLimit=0}catch{return ld=null,new e}try{return new e}finally{t.stackTraceLimit=n}}}return new e}a(o$,"newError");function Je(e,t,n,r){let o={};function s(_){this.def=_,this.constr=h,this.traits=new Set}a(s,"Internals"),s.prototype=o;let i=n,c=i&&new WeakSet;function u(_,m){if(_._zod){if(_._zod.traits.has(e))return}else{Ea.value=new s(m);try{Object.defineProperty(_,"_zod",Ea)}finally{Ea.value=void 0}}if(_._zod.traits.add(e),t(_,m),c){let b=Object.getPrototypeOf(_),A=_._zod.constr.prototype,E=b;for(;E&&E!==A;)E=Object.getPrototypeOf(E);let C=E??b;c.has(C)||(c.add(C),id(C,i))}let y=h.prototype;for(let b in y)Object.prototype.hasOwnProperty.call(y,b)&&(b in _||(_[b]=y[b].bind(_)))}a(u,"init");let l=r?.Parent??Object;class f extends l{static{a(this,"Definition")}}Object.defineProperty(f,"name",{value:e});function h(_){let m=r?.Parent?o$(f):this;u(m,_);let y=m._zod.deferred;if(y){for(let A of y)A();m._zod.deferred=void 0}let b=globalThis.__zod_globalConfig?.postProcessor;return b&&b(m),m}return a(h,"_"),Object.defineProperty(h,"init",{value:u}),Object.defineProperty(h,Symbol.hasInstance,{value:a(_=>r?.Parent&&_ instanceof r.Parent?!0:_?._zod?.traits?.has(e),"value")}),Object.defineProperty(h,"name",{value:e}),h}a(Je,"$constructor");var an=class extends Error{static{a(this,"$ZodAsyncError")}constructor(){super("Encountered Promise during synchronous parse. Use .parseAsync() instead.")}},ds=class extends Error{static{a(this,"$ZodEncodeError")}constructor(t){super(`Encountered unidirectional transform during encode: ${t}`),this.name="ZodEncodeError"}};(ud=globalThis).__zod_globalConfig??(ud.__zod_globalConfig={});var Ar=globalThis.__zod_globalConfig;function xr(e){return e&&Object.assign(Ar,e),Ar}a(xr,"config");function s$(){let e=this._zod;return e.message??(e.message=JSON.stringify(e.def,Xl,2)),e.message}a(s$,"_getMessage");function i$(e){this._zod.message=e}a(i$,"_setMessage");var a$={get:s$,set:i$,enumerable:!0,configurable:!0},va={value:void 0,enumerable:!1},dd=new WeakSet([Object.prototype,Error.prototype]),fd=a((e,t)=>{e.name="$ZodError",va.value=t,Object.defineProperty(e,"issues",va),va.value=void 0,Object.defineProperty(e,"message",a$);let n=Object.getPrototypeOf(e);dd.has(n)||(dd.add(n),Object.defineProperty(n,"toString",{configurable:!0,enumerable:!1,get(){let r=a(()=>this.message,"value");return Object.defineProperty(this,"toString",{value:r,configurable:!0,writable:!0}),r},set(r){Object.defineProperty(this,"toString",{value:r,configurable:!0,writable:!0})}}))},"initializer"),mS=Je("$ZodError",fd),fo=Je("$ZodError",fd,void 0,{Parent:Error});var u$=a(e=>{let t=a((n,r,o,s)=>{let i=o?{...o,async:!1}:{async:!1},c=n._zod.run({value:r,issues:[]},i);if(c instanceof Promise)throw new an;if(c.issues.length){let u=new(s?.Err??e)(c.issues.map(l=>yr(l,i,xr())));throw wa(u,s?.callee??t),u}return c.value},"fn");return t},"_parse"),Sa=u$(fo),l$=a(e=>{let t=a(async(n,r,o,s)=>{let i=o?{...o,async:!0}:{async:!0},c=n._zod.run({value:r,issues:[]},i);if(c instanceof Promise&&(c=await c),c.issues.length){let u=new(s?.Err??e)(c.issues.map(l=>yr(l,i,xr())));throw wa(u,s?.callee??t),u}return c.value},"fn");return t},"_parseAsync"),Ia=l$(fo),d$=a(e=>(t,n,r)=>{let o=r?{...r,async:!1}:{async:!1},s=t._zod.run({value:n,issues:[]},o);if(s instanceof Promise)throw new an;return s.issues.length?hd(e,s.issues,o):{success:!0,data:s.value}},"_safeParse"),Ca=d$(fo);function hd(e,t,n){let r;return{success:!1,get error(){return r||(r=new e(t.map(o=>yr(o,n,xr()))),t=void 0,n=void 0),r},set error(o){r=o,t=void 0,n=void 0}}}a(hd,"failure");var f$=a(e=>async(t,n,r)=>{let o=r?{...r,async:!0}:{async:!0},s=t._zod.run({value:n,issues:[]},o);return s instanceof Promise&&(s=await s),s.issues.length?hd(e,s.issues,o):{success:!0,data:s.value}},"_safeParseAsync"),Ra=f$(fo);var pd=/^[\s\S]{0,}$/;var fs=Je("$ZodCheck",(e,t)=>{var n;e._zod??(e._zod={}),e._zod.def=t,(n=e._zod).onattach??(n.onattach=[])});var md={major:4,minor:6,patch:7};var Vt=Je("$ZodType",(e,t)=>{var n;e??(e={}),e._zod.def=t,e._zod.bag=e._zod.bag||{},e._zod.version=md;let r=e._zod.def.checks,o=e._zod.traits.has("$ZodCheck")?[e,...r??[]]:r?.length?[...r]:[];for(let s of o)for(let i of s._zod.onattach)i(e);if(o.length===0)(n=e._zod).deferred??(n.deferred=[]),e._zod.deferred?.push(()=>{e._zod.run=e._zod.parse});else{let s=a((c,u,l)=>{if(c.memo)return c;let f=Bn(c),h;for(let _ of u){if(_._zod.def.when){if(sd(c)||!_._zod.def.when(c))continue}else if(f)continue;let m=c.issues.length,y=_._zod.check(c);if(y instanceof Promise&&l?.async===!1)throw new an;if(h||y instanceof Promise)h=(h??Promise.resolve()).then(async()=>{await y,c.issues.length!==m&&(ls(c.issues,m,e),f||(f=Bn(c,m)))});else{if(c.issues.length===m)continue;ls(c.issues,m,e),f||(f=Bn(c,m))}}return h?h.then(()=>c):c},"runChecks"),i=a((c,u,l)=>{if(Bn(c))return c.aborted=!0,c;let f=s(u,o,l);if(f instanceof Promise){if(l.async===!1)throw new an;return f.then(h=>e._zod.parse(h,l))}return e._zod.parse(f,l)},"handleCanaryResult");e._zod.run=(c,u)=>{if(u.skipChecks)return e._zod.parse(c,u);if(u.direction==="backward"){let f=e._zod.parse({value:c.value,issues:[]},{...u,skipChecks:!0});return f instanceof Promise?f.then(h=>i(h,c,u)):i(f,c,u)}let l=e._zod.parse(c,u);if(l instanceof Promise){if(u.async===!1)throw new an;return l.then(f=>s(f,o,u))}return s(l,o,u)}}},{get"~standard"(){return ad(this,"~standard",_$(this))},set"~standard"(e){Wn(this,"~standard",e)}}),bd=a((e,t)=>e.issues.length?{issues:e.issues.map(n=>yr(n,t,xr()))}:{value:e.value},"toStandardResult");async function p$(e,t){let n={async:!0};return bd(await e._zod.run({value:t,issues:[]},n),n)}a(p$,"validateAsync");function _$(e){return{validate:a(t=>{let n={async:!1};try{let r=e._zod.run({value:t,issues:[]},n);if(!(r instanceof Promise))return bd(r,n)}catch{}return p$(e,t)},"validate"),vendor:"zod",version:1}}a(_$,"standardProps");var Ad=Je("$ZodString",(e,t)=>{Vt.init(e,t),e._zod.pattern=t.pattern??pd,e._zod.parse=(n,r)=>{if(t.coerce)try{n.value=String(n.value)}catch{}return typeof n.value=="string"||n.issues.push({expected:"string",code:"invalid_type",input:n.value,inst:e}),n}});function m$(e,t){let n=Aa(e._zod.def.checks);if(!n.length)return;let r=Math.min(...n.map(s=>s[0])),o=e._zod.parse;e._zod.parse=(s,i)=>{let c=t(s.value);if(c>r&&!i?.skipChecks&&i?.direction!=="backward"){for(let[u,l]of Aa(e._zod.def.checks))if(c>u&&l._zod.def.when(s)){let f=s.issues.length;return l._zod.check(s),s.issues[f].continue=!1,ls(s.issues,f,e),s}}return o(s,i)}}a(m$,"capSize");var g$=a(e=>Array.isArray(e)?e.length:-1,"arraySize");function gd(e,t,n){e.issues.length&&t.issues.push(...ba(n,e.issues)),t.value[n]=e.value}a(gd,"handleArrayResult");var xd=Je("$ZodArray",(e,t)=>{Vt.init(e,t);let n=Ar.memoizer;n?.attach(e),e._zod.parse=(r,o)=>{let s=r.value;if(!Array.isArray(s))return r.issues.push({expected:"array",code:"invalid_type",input:s,inst:e}),r;r.value=n?n.alloc(e,r,Array(s.length),o):Array(s.length);let i=[],c=o?.abortEarly;for(let u=0;u<s.length;u++){let l=s[u],f=t.element._zod.run({value:l,issues:[]},o);if(f instanceof Promise)i.push(f.then(h=>gd(h,r,u)));else if(gd(f,r,u),c&&f.issues.length!==0&&Bn(f))break}return i.length?Promise.all(i).then(()=>r):r},m$(e,g$)});function ps(e,t,n,r,o,s){let i=n in r,c=s==="optional";if(!(!i&&c&&o==="optional")){if(e.issues.length){if(o!==void 0&&c&&!i)return;t.issues.push(...ba(n,e.issues))}if(!i&&o===void 0){e.issues.length||t.issues.push({code:"invalid_type",expected:"nonoptional",input:void 0,path:[n]});return}e.value===void 0?(i||o==="defaulted"&&!c)&&(t.value[n]=void 0):t.value[n]=e.value}}a(ps,"handlePropertyResult");var $$=[];function w$(e){let t=Object.keys(e.shape),n=Object.getOwnPropertySymbols(e.shape),r=n.length?n:$$,o=r.length?[...t,...r]:t;for(let i of o)if(!e.shape?.[i]?._zod?.traits?.has("$ZodType"))throw new Error(`Invalid element at key "${String(i)}": expected a Zod schema`);let s=od(e.shape);return{...e,allKeys:o,symbolKeys:r,keySet:new Set(t),numKeys:t.length,optionalKeys:new Set(s)}}a(w$,"normalizeDef");function y$(e,t,n,r,o,s,i){let c=[],u=o.keySet,l=o.catchall._zod,f=l.def.type,h=l.optin,_=l.optout,m=0;for(let y in t){if(i&&n.issues.length!==m){if(Bn(n,m))break;m=n.issues.length}if(u.has(y))continue;if(y==="__proto__"){f==="never"&&c.push(y);continue}if(f==="never"){c.push(y);continue}let b=l.run({value:t[y],issues:[]},r);b instanceof Promise?e.push(b.then(A=>ps(A,n,y,t,h,_))):ps(b,n,y,t,h,_)}return c.length&&n.issues.push({code:"unrecognized_keys",keys:c,input:t,inst:s,continue:!0}),e.length?Promise.all(e).then(()=>n):n}a(y$,"handleCatchall");var Ed=Je("$ZodObject",(e,t)=>{Vt.init(e,t);let n=Object.getOwnPropertyDescriptor(t,"shape"),r=n?.get?n.get.raw:t.shape??{};if(r){let l=a(()=>{let f={...r};return Object.defineProperty(t,"shape",{value:f}),l.raw=f,f},"get");l.raw=r,Object.defineProperty(t,"shape",{get:l})}let o=Vl(()=>w$(t));Xt(e,"propValues",l=>{let f=l.def.shape,h={};for(let _ in f){let m=f[_]._zod;if(m.values){Object.prototype.hasOwnProperty.call(h,_)||ed(h,_,new Set);for(let y of m.values)h[_].add(y);m.optin!==void 0&&h[_].add(void 0)}}return h});let s=cs,i=t.catchall,c,u=Ar.memoizer;u?.attach(e),e._zod.parse=(l,f)=>{c??(c=o.value);let h=l.value;if(!s(h))return l.issues.push({expected:"object",code:"invalid_type",input:h,inst:e}),l;l.value=u?u.alloc(e,l,{},f):{};let _=[],m=c.shape,y=f?.abortEarly,b=l.issues.length;for(let A of c.allKeys){if(y&&l.issues.length!==b){if(Bn(l,b))break;b=l.issues.length}if(A==="__proto__")continue;let E=m[A],C=E._zod.optin,L=E._zod.optout,T=E._zod.run({value:h[A],issues:[]},f);T instanceof Promise?_.push(T.then(q=>ps(q,l,A,h,C,L))):ps(T,l,A,h,C,L)}return i?y$(_,h,l,f,o.value,e,y===!0):_.length?Promise.all(_).then(()=>l):l}});var kd=Je("$ZodEnum",(e,t)=>{Vt.init(e,t);let n=$a(t.entries),r=new Set(n);e._zod.values=r,Xt(e,"pattern",o=>{let s=$a(o.def.entries).filter(i=>nd.has(typeof i));return new RegExp(s.length?`^(${s.map(i=>rd(i.toString())).join("|")})$`:"^[^\\s\\S]$")}),e._zod.parse=(o,s)=>{let i=o.value;return r.has(i)||o.issues.push({code:"invalid_value",values:n,input:i,inst:e}),o}});var vd=Je("$ZodTransform",(e,t)=>{Vt.init(e,t),e._zod.optin="optional",Ar.memoizer?.guard(e),e._zod.parse=(n,r)=>{if(r.direction==="backward")throw new ds(e.constructor.name);let o=t.transform(n.value,n);if(r.async)return(o instanceof Promise?o:Promise.resolve(o)).then(i=>(n.value=i,n));if(o instanceof Promise)throw new an;return n.value=o,n}});function $d(e,t){return e.value=t.issues.length?void 0:t.value,e}a($d,"handleOptionalResult");var Sd=Je("$ZodOptional",(e,t)=>{Vt.init(e,t),Xt(e,"optin",n=>n.def.innerType._zod.optin==="defaulted"?"defaulted":"optional"),e._zod.optout="optional",Xt(e,"values",n=>{let r=n.def.innerType._zod.values;return r?new Set([...r,void 0]):void 0}),Xt(e,"pattern",n=>{let r=n.def.innerType._zod.pattern;return r?new RegExp(`^(${Jl(r.source)})?$`):void 0}),e._zod.parse=(n,r)=>{if(n.value===void 0){if(t.innerType._zod.optin!=="defaulted")return n;let o=t.innerType._zod.run({value:n.value,issues:[]},r);return o instanceof Promise?o.then(s=>$d(n,s)):$d(n,o)}return t.innerType._zod.run(n,r)}});var Id=Je("$ZodDefault",(e,t)=>{Vt.init(e,t),e._zod.optin="defaulted",Xt(e,"values",n=>n.def.innerType._zod.values),e._zod.parse=(n,r)=>{if(r.direction==="backward")return t.innerType._zod.run(n,r);if(n.value===void 0)return n.value=t.defaultValue,n;let o=t.innerType._zod.run(n,r);return o instanceof Promise?o.then(s=>wd(s,t)):wd(o,t)}});function wd(e,t){return e.value===void 0&&(e.value=t.defaultValue),e}a(wd,"handleDefaultResult");var Cd=Je("$ZodPipe",(e,t)=>{Vt.init(e,t),Xt(e,"values",n=>n.def.in._zod.values),Xt(e,"optin",n=>n.def.in._zod.optin),Xt(e,"optout",n=>n.def.out._zod.optout),Xt(e,"propValues",n=>n.def.in._zod.propValues),e._zod.parse=(n,r)=>{if(r.direction==="backward"){let s=t.out._zod.run(n,r);return s instanceof Promise?s.then(i=>hs(i,t.in,r)):hs(s,t.in,r)}let o=t.in._zod.run(n,r);return o instanceof Promise?o.then(s=>hs(s,t.out,r)):hs(o,t.out,r)}});function hs(e,t,n){return e.issues.some(r=>r.code!=="unrecognized_keys")?(e.aborted=!0,e):t._zod.run({value:e.value,issues:e.issues},n)}a(hs,"handlePipeResult");var Rd=Je("$ZodCustom",(e,t)=>{fs.init(e,t),Vt.init(e,t),e._zod.parse=(n,r)=>n,e._zod.check=n=>{let r=n.value,o=t.fn(r);if(o instanceof Promise)return o.then(s=>yd(s,n,r,e));yd(o,n,r,e)}});function yd(e,t,n,r){if(!e){let o={code:"custom",input:n,inst:r,path:[...r._zod.def.path??[]],continue:!r._zod.def.abort};r._zod.def.params&&(o.params=r._zod.def.params),t.issues.push(xa(o))}}a(yd,"handleRefineResult");function b$(e){return e.checks&&(e.checks=[...e.checks]),e}a(b$,"snapshotChecks");function Bd(e,t){return new e(b$({type:"string",...Rn(t)}))}a(Bd,"_string");function Pd(e,t,n){return new e({type:"custom",check:"custom",fn:t,...Rn(n)})}a(Pd,"_refine");var yn=Je("ZodMiniType",(e,t)=>{if(!e._zod)throw new Error("Uninitialized schema in ZodMiniType.");Vt.init(e,t),e.def=t,e.type=t.type},{get with(){return this.check},set with(e){Wn(this,"with",e)},parse(e,t){return Sa(this,e,t,{callee:this.parse})},parseAsync(e,t){return Ia(this,e,t,{callee:this.parseAsync})},safeParse(e,t){return Ca(this,e,t)},safeParseAsync(e,t){return Ra(this,e,t)},check(...e){let t=this.def;return this.clone({...t,checks:[...t.checks??[],...e.map(n=>typeof n=="function"?{_zod:{check:n,def:{check:"custom"},onattach:[]}}:n)]},{parent:!0})},clone(e,t){return us(this,e,t)},brand(){return this},register(e,t){return e.add(this,t),this},apply(e,...t){return t.length===0?e(this):e(this,...t)}}),x$=Je("ZodMiniString",(e,t)=>{Ad.init(e,t),yn.init(e,t)});function Jt(e){return Bd(x$,e)}a(Jt,"string");var E$=Je("ZodMiniArray",(e,t)=>{xd.init(e,t),yn.init(e,t)});function Td(e,t){return new E$({type:"array",element:e,...Rn(t)})}a(Td,"array");var k$=Je("ZodMiniObject",(e,t)=>{Ed.init(e,t),yn.init(e,t),cd(e,"shape",n=>n._zod.def.shape,!1)});function Zn(e,t){let n={type:"object",shape:e??{},...Rn(t)};return new k$(n)}a(Zn,"object");var v$=Je("ZodMiniEnum",(e,t)=>{kd.init(e,t),yn.init(e,t),e.options=[...e._zod.values]});function _s(e,t){let n=Array.isArray(e)?Object.fromEntries(e.map(r=>[r,r])):e;return new v$({type:"enum",entries:n,...Rn(t)})}a(_s,"_enum");var S$=Je("ZodMiniTransform",(e,t)=>{vd.init(e,t),yn.init(e,t)});function qn(e){return new S$({type:"transform",transform:e})}a(qn,"transform");var I$=Je("ZodMiniOptional",(e,t)=>{Sd.init(e,t),yn.init(e,t)});function ot(e){return new I$({type:"optional",innerType:e})}a(ot,"optional");var C$=Je("ZodMiniDefault",(e,t)=>{Id.init(e,t),yn.init(e,t)});function en(e,t){return new C$({type:"default",innerType:e,get defaultValue(){return typeof t=="function"?t():ya(t)}})}a(en,"_default");var R$=Je("ZodMiniPipe",(e,t)=>{Cd.init(e,t),yn.init(e,t)});function Pn(e,t){return new R$({type:"pipe",in:e,out:t})}a(Pn,"pipe");var B$=Je("ZodMiniCustom",(e,t)=>{Rd.init(e,t),yn.init(e,t)});function Nd(e,t){let n=new fs({check:"custom",...Rn(t)});return n._zod.check=e,n}a(Nd,"check");function Gn(e,t={}){return Pd(B$,e,t)}a(Gn,"refine");var P$=4,ms=8;function Tn(e,{url:t,headers:n=[]}={}){let r=[...e.map(i=>i.slice(i.indexOf("=")+1)),...as(n)],o=t&&URL.canParse(t)?{url:t,shown:cn(t),values:T$(t)}:void 0,s=[...new Set([...r,...o?.values??[]].flatMap(N$))].filter(i=>i.length>=P$).sort((i,c)=>c.length-i.length);return i=>{let c=o&&o.url!==o.shown?i.replaceAll(o.url,o.shown):i;return s.reduce((u,l)=>U$(u.replaceAll(l,"***"),l),c)}}a(Tn,"hiding");function cn(e){if(!URL.canParse(e))return"(a malformed URL)";let[,t="",n=""]=/^([a-z][a-z0-9+.-]*:\/\/)?(.*)$/is.exec(e)??[],[r="",...o]=(n.split("#")[0]??"").split("?"),s=/^[^/]*@/,i=o.join("?"),c=i.split("&").map(u=>u.includes("=")?`${u.slice(0,u.indexOf("="))}=***`:"***");return`${t}${r.replace(s,"")}${i===""?"":`?${c.join("&")}`}`}a(cn,"shownUrl");function T$(e){let{search:t,searchParams:n,username:r,password:o,hash:s}=new URL(e),i=a(u=>{try{return decodeURIComponent(u)}catch{return u}},"decoded"),c=t.slice(1).split("&").map(u=>u.slice(u.indexOf("=")+1));return[...n.values(),...c,r,o,s.slice(1)].flatMap(u=>[u,i(u)])}a(T$,"queryValues");function N$(e){let t=JSON.stringify(e).slice(1,-1),n=a((u,l)=>l.replace(u,f=>`\\u${f.charCodeAt(0).toString(16).padStart(4,"0")}`),"unicode"),r=Buffer.from(e).toString(),o=encodeURIComponent(r),s=o.replace(/%[0-9A-F]{2}/g,u=>u.toLowerCase()),i=o.replace(/[!'()*]/g,u=>`%${u.charCodeAt(0).toString(16).toUpperCase()}`),c=[e,e.replaceAll("'","'\\''"),e.replaceAll("'",`'"'"'`),e.replace(/["$`\\]/g,"\\$&"),e.replace(/['\\]/g,"\\$&"),e.replace(/[^A-Za-z0-9_@%+=:,./\n-]/g,"\\$&"),e.replace(/[^A-Za-z0-9_@%+=:,./\n\u0080-\uffff-]/g,"\\$&"),O$(e.replace(/['\\]/g,"\\$&")),t,t.replaceAll("/","\\/"),n(/[<>&]/g,t),n(/[^\0-\x7f]/g,t),n(/[^\0-\x7f<>&]|[<>&]/g,t)];return[...c,...c.map(u=>u.replaceAll("\\","\\\\")),o,s,i,Ba(o),Ba(s),Ba(i),encodeURI(r),...L$(e)]}a(N$,"formsOf");function O$(e){return e.replace(/[\u0080-\uffff]+/g,t=>[...Buffer.from(t)].map(n=>`\\${n.toString(8)}`).join(""))}a(O$,"octal");function Ba(e){return e.replaceAll("%20","+")}a(Ba,"encodedAsForm");function L$(e){let t=e.replaceAll("&","&amp;").replaceAll("<","&lt;").replaceAll(">","&gt;");return[t,t.replaceAll('"',"&quot;").replaceAll("'","&#39;"),t.replaceAll('"',"&#34;").replaceAll("'","&#39;"),t.replaceAll('"',"&quot;").replaceAll("'","&#x27;")]}a(L$,"htmlForms");function U$(e,t){if(e.length<ms)return e;if(t.includes(e))return"***";let n=Od(e.slice(0,ms),t).map(s=>t.slice(s)).find(s=>e.startsWith(s)),r=n===void 0?e:`***${e.slice(n.length)}`,o=Od(r.slice(-ms),t).map(s=>t.slice(0,s+ms)).findLast(s=>r.endsWith(s));return o===void 0?r:`${r.slice(0,-o.length)}***`}a(U$,"withoutPieces");function Od(e,t){let n=[];for(let r=t.indexOf(e);r>=0;r=t.indexOf(e,r+1))n.push(r);return n}a(Od,"placesOf");function Er(e){return e.startsWith("/")&&e!=="/"&&!e.split("/").includes("..")&&!/[\u0000-\u001f\u007f]/.test(e)}a(Er,"isPlainPath");function Ud(e){let t=URL.canParse(e)?new URL(e):void 0;return/^https?:$/.test(t?.protocol??"")&&t?.username===""&&t.password===""&&!/[\s"\\]/.test(e)}a(Ud,"isHttpUrl");function kr(e){return/^[^\p{Cc}:/-][^\p{Cc}:/]*$/u.test(e)&&e.trim()===e}a(kr,"isAccountName");function Dd(e){let t=e.split(":");return t.length<=2&&t.every(kr)}a(Dd,"isOwner");function Hd(e){return/^\s*\d{3}(-\d{3})?(\s*,\s*\d{3}(-\d{3})?)*\s*$/.test(e)}a(Hd,"isStatusList");function Fd(e,t){return Ld(e)===Ld(t)}a(Fd,"sameCapabilities");function Ld(e){return e.toLowerCase().split(/\s+/).filter(Boolean).flatMap(r=>{let[o="",...s]=r.split(/[=+]+/);return o.split(",").map(i=>`${i}=${[...s.join("")].sort().join("")}`)}).sort().join(" ")}a(Ld,"eachCapability");function Md(e){return Number.parseInt(e,8).toString(8).padStart(4,"0")}a(Md,"octalMode");function un(e){return e.slice(0,12)}a(un,"short");function It(e){return e>=1e9?`${(e/1e9).toFixed(2)} GB`:e>=1e6?`${(e/1e6).toFixed(1)} MB`:e>=1e3?`${(e/1e3).toFixed(1)} kB`:`${e} bytes`}a(It,"megabytes");var Nt=a(()=>ot(Jt()),"optional");function ht(e,t){let n=e instanceof RegExp?r=>e.test(r):e;return Jt().check(Gn(n,{error:a(({input:r})=>`expected ${t}, got '${r}'`,"error")}))}a(ht,"matching");function zd(){return Jt().check(Gn(Ud,{error:a(({input:e})=>`expected an http or https URL without a user in it, got '${cn(String(e))}'`,"error")}))}a(zd,"httpUrl");function Nn(e,t){return ot(Ta(e,t,!0))}a(Nn,"wholeNumber");function On(e,t,n){return en(Ta(t,n,!0),e)}a(On,"wholeNumberOr");function gs(e,t,n){return en(Ta(t,n,!1),e)}a(gs,"secondsOr");function Yn(e){return en(Pn(Jt().check(Gn(t=>/^(true|false)$/i.test(t),{error:a(({input:t})=>`expected true or false, got '${t}'`,"error")})),qn(t=>t.toLowerCase()==="true")),e)}a(Yn,"flagOr");function Ln(e){return en(_s(e,{error:a(({input:t})=>`expected ${e.join(", ")}, got '${t}'`,"error")}),e[0])}a(Ln,"choice");function Qd(){return Wd($s)}a(Qd,"lines");function Kd(){return en(Pn(Pn(Jt(),qn($s)),Td(Jt()).check(e=>{let t=e.value.findIndex(r=>!ql(r));if(t<0)return;let n=`line ${t+1} must be \`Name: value\`, and not a header that ends the request`;e.issues.push({code:"custom",message:n,input:e.value})})),[])}a(Kd,"headerLines");function jd(){return Wd(e=>e.split(`
`).filter(t=>t.trim()!==""))}a(jd,"literalLines");function Wd(e){return en(Pn(Jt(),qn(e)),[])}a(Wd,"linesBy");function $s(e){return e.split(`
`).map(t=>t.trim()).filter(t=>t!=="")}a($s,"splitLines");function Ta(e,t,n){let r=n?"a whole number":"a number";return Pn(Jt().check(Gn(o=>(n?/^\d{1,15}$/:/^\d{1,12}(\.\d{1,6})?$/).test(o)&&+o>=e&&+o<=t,{error:a(({input:o})=>`expected ${r} from ${e} to ${t}, got '${o}'`,"error")})),qn(o=>Number(o)))}a(Ta,"numberText");var Zd=`prelude() {
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
main`;var Oa="ready-reader",La="exit",Ua="unfit-reader",ho=["echo; core_limit=$(command -v printf; command -v local; ulimit -S -c)",`case $core_limit in printf?local?*) core_limit=\${core_limit#printf?local?} ;; *) echo ${Ua}; exit 1 ;; esac`,`ulimit -S -c 0; echo ${Oa}`,`IFS= read -r size; [ "$size" = ${La} ] && IFS= read -r size`,"line=$(dd bs=$size count=1 iflag=fullblock 2>/dev/null)",'[ -n "$line" ] || IFS= read -r line','case $line in *#end) eval "$(printf %b "$line")"; esac'].join("; "),H$="/run/wrappers/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin",Na=`/usr/bin/env -i PATH=${H$}`,F$=['command -v doas >/dev/null || exec sudo -n -- /bin/sh -c "$0"','sudo -n -- /bin/sh -c : 2>/dev/null && exec sudo -n -- /bin/sh -c "$0"','exec doas -n -- /bin/sh -c "$0"'].join("; "),M$=["HOME USER LOGNAME XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_DATA_HOME DBUS_SESSION_BUS_ADDRESS","DOCKER_HOST DOCKER_CONTEXT DOCKER_CONFIG DOCKER_CERT_PATH DOCKER_TLS_VERIFY CONTAINER_HOST CONTAINERS_CONF CONTAINERS_STORAGE_CONF","LXD_DIR LXD_SOCKET LXD_CONF LXD_PROJECT INCUS_DIR INCUS_SOCKET INCUS_CONF INCUS_PROJECT"].join(" "),z$=[`set --; for name in ${M$}`,'do eval "value=\\${$name-}"; case $value in ?*) set -- "$@" "$name=$value" ;; esac; done',`exec ${Na} "$@" /bin/sh -c "$0"`].join("; ");function qd(e){return e==="login"?`exec ${Na} /bin/sh -c '${ho}'`:e==="root"?`exec ${Na} /bin/sh -c '${F$}' '${ho}'`:`exec /bin/sh -c '${z$}' '${ho}'`}a(qd,"bootstrapCommand");function Da(e){let t=`${Q$(e)}
#end`.replaceAll("\\","\\\\").replaceAll(`
`,"\\n");return`${Buffer.byteLength(t)+1}
${t}
`}a(Da,"programLines");function Q$({text:e,values:t}){return[...Object.entries(t).map(([r,o])=>`in_${r}=${Ha(o===void 0?"":String(o))}`),e].join(`
`)}a(Q$,"programText");function Ha(e){if(e.includes("\0"))throw new RangeError("a value for a shell contains a NUL byte");return`'${e.replaceAll("'","'\\''")}'`}a(Ha,"quote");var K$=["lxd","incus","docker","podman"],j$=/^([a-z]+):(?:([^:/]+):)?(?:([^:/]+)\/)?([^:/]+)$/,W$=/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/,Gd="lxd:[REMOTE:][PROJECT/]NAME, incus:[REMOTE:][PROJECT/]NAME, docker:NAME or podman:NAME";function ws(e){let[,t,n,r,o]=j$.exec(e.trim())??[],s=K$.find(c=>c===t),i=[n,r,o].filter(c=>c!==void 0);if(!(!s||!o||!i.every(c=>W$.test(c)))&&!((n||r)&&s!=="lxd"&&s!=="incus"))return{kind:s,...n?{remote:n}:{},...r?{project:r}:{},name:o}}a(ws,"parseContainer");function Yd({kind:e,remote:t,project:n,name:r}){return`${e}:${t?`${t}:`:""}${n?`${n}/`:""}${r}`}a(Yd,"containerName");function Xd({kind:e,remote:t,project:n,name:r},o){return{text:Zd,values:{kind:e,remote:t,project:n,name:r,sudo:o,run_program:ho}}}a(Xd,"enterProgram");var bs={host:Jt().check(Gn(e=>ys(e).length>0&&ys(e).every(t=>vr(t)!==void 0),{error:a(({input:e})=>`expected a host, user@host, user@host:port or alias per line, got '${e}'`,"error")})),user:ot(ht(e=>kr(e),"the name of an account")),port:Nn(1,65535),"ssh-key":Nt(),"ssh-key-passphrase":Nt(),"known-hosts":Nt(),"host-key-checking":ot(_s(["strict","accept-new","insecure"],{error:a(({input:e})=>`expected strict, accept-new or insecure, got '${e}'`,"error")})),"ssh-config":Nt(),"proxy-jump":ot(ht(e=>e.split(",").every(t=>vr(t)!==void 0),"user@host:port[,…]")),sudo:Ln(["auto","always","never"]),container:ot(ht(e=>ws(e)!==void 0,Gd)),"connect-timeout-seconds":Nn(1,600),"keepalive-seconds":Nn(1,600)},a6=Zn(bs);function ys(e){return[...new Set($s(e))]}a(ys,"hostsOf");function vr(e){let t=/^(?:ssh:\/\/)?(?:(?<user>[^\p{Cc}:/]+)@)?(?:\[(?<v6>[0-9a-f:.]+(?:%[\w.-]+)?)\]|(?<host>[^@\s:/[\]-][^@\s:/[\]]*))(?::(?<port>\d{1,5}))?\/?$/iu.exec(e.trim()),n=/^(?:(?<user>[^\p{Cc}:/]+)@)?(?<v6>[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*)$/iu.exec(e.trim()),r=(t??n)?.groups,o=r?.port===void 0?void 0:Number(r.port);if(!(!r||o===0||(o??1)>65535||r.user!==void 0&&!kr(r.user)))return{user:r.user,host:r.v6??r.host??"",port:o}}a(vr,"parseHost");var Xn=1e4,Fa={"hosts-file":Nt(),canary:On(0,0,Xn),batch:ot(ht(e=>ef(e,Xn)!==void 0,"a number from 1, or a percentage from 1% to 100%")),"pause-seconds":gs(0,0,86400),"max-parallel":Nn(1,1e3),"max-failures":On(0,0,Xn),unreachable:Ln(["fail","skip"]),shard:ot(ht(e=>Ma(e)!==void 0,"a part and the number of parts, such as 2/8"))},d6=Zn(Fa);function Vd(e){let t=[];return e.batch!==void 0&&e["max-parallel"]!==void 0&&t.push(["batch","replaces `max-parallel`: set one of them"]),Number(e["pause-seconds"]??0)>0&&e.batch===void 0&&!e.canary&&t.push(["pause-seconds","only valid with `batch` or `canary`: it is the pause between two batches"]),t}a(Vd,"rolloutContradictions");function Jd(e,t){return{canary:e.canary,atATime:e.batch===void 0?e["max-parallel"]??1:ef(e.batch,t)??1,inBatches:e.batch!==void 0,maxFailures:e["max-failures"],skipsUnreachable:e.unreachable==="skip"}}a(Jd,"policyOf");function ef(e,t){let[,n,r]=/^([1-9]\d{0,4})(%?)$/.exec(e.trim())??[];if(n!==void 0)return r?Number(n)<=100?Math.max(1,Math.ceil(Number(n)*t/100)):void 0:Number(n)<=Xn?Number(n):void 0}a(ef,"sizeOf");function Ma(e){let[,t,n]=/^(\d{1,4})\s*\/\s*(\d{1,4})$/.exec(e.trim())??[];if(!(Number(t)<1||!(Number(t)<=Number(n))))return{number:Number(t),of:Number(n)}}a(Ma,"parseShard");var Z$=1<<20;async function tf(e,{"hosts-file":t,shard:n}){let r=[...new Set([...e,...t===void 0?[]:await q$(t)])];if(r.length===0)throw new Ht(["Input 'host': required, unless `hosts-file` names at least one host."]);if(r.length>Xn)throw new Ht([`Input 'hosts-file': ${r.length} hosts; the limit of a step is ${Xn}.`]);let o=n===void 0?void 0:Ma(n);return o?r.filter((s,i)=>i%o.of===o.number-1):r}a(tf,"hostsOfStep");async function q$(e){let t=a(i=>new Ht([`Input 'hosts-file': ${i}.`]),"problem"),n=await(0,As.stat)(e).catch(()=>{});if(!n?.isFile())throw t(`there is no file ${e} on the runner`);if(n.size>Z$)throw t(`${e} has ${n.size} bytes; the limit is 1 MiB`);let o=(await(0,As.readFile)(e,"utf8")).replace(/^\uFEFF/,"").split(`
`).map(i=>i.replace(/(^|\s)#.*$/,"").trim()),s=o.flatMap((i,c)=>i===""||vr(i)?[]:[`line ${c+1} of ${e}: expected a host, user@host, user@host:port or alias, got '${i}'`]);if(s.length>0)throw new Ht(s.slice(0,20).map(i=>`Input 'hosts-file': ${i}.`));return o.filter(i=>i!=="")}a(q$,"hostsOfFile");var rf=require("node:timers/promises");function nf(e,t){let{waiting:n,running:r,proved:o,failed:s,unreachable:i}=Y$(e);if(n===0)return r>0?{does:"wait"}:{does:"stop"};let c=Math.max(0,t.canary-o),u=s+(t.skipsUnreachable?0:i);if(u>0&&c>0)return{does:"stop",because:"a canary failed"};if(u>t.maxFailures)return{does:"stop",because:X$(u,t.maxFailures)};let l=t.inBatches||G$(e,t.canary);if(r>0&&l&&c===0)return{does:"wait"};let f=(c>0?Math.min(c,t.atATime):t.atATime)-r;return f<=0?{does:"wait"}:{does:"start",targets:[...e.keys()].filter(_=>e[_]==="waiting").slice(0,f),afterPause:l&&o>0&&r===0}}a(nf,"decide");function G$(e,t){let n=0,r=e.findIndex(o=>(o==="proved"&&(n+=1),n===t));return t>0&&r>=0&&(e[r+1]??"waiting")==="waiting"}a(G$,"isJustAfterCanaries");function Y$(e){let t={waiting:0,running:0,proved:0,failed:0,unreachable:0};for(let n of e)t[n]+=1;return t}a(Y$,"counts");function X$(e,t){return t===0?"another target failed":`${e} targets failed, more than max-failures (${t})`}a(X$,"tooMany");async function of(e,{policy:t,pauseSeconds:n,signal:r,onPause:o},s){let i=Array.from({length:e},()=>"waiting"),c=new Set,u,l=a(_=>{i[_]="running";let m=s(_).then(y=>{i[_]=y}).catch(y=>{i[_]="failed",u??=y??new Error("no reason was given")}).finally(()=>c.delete(m));c.add(m)},"start"),h=await a(async()=>{for(;u===void 0;){if(r.aborted)return i.includes("waiting")?"the step was cancelled":void 0;let _=nf(i,t);if(_.does==="stop")return _.because;if(_.does==="wait")await Promise.race(c);else{if(_.afterPause&&n>0&&(o(i),await(0,rf.setTimeout)(n*1e3,void 0,{signal:r}).catch(()=>{}),r.aborted))continue;_.targets.forEach(l)}}},"goOn")();if(await Promise.all(c),u!==void 0)throw u;return h}a(of,"rollOut");var cf=require("node:crypto"),uf=require("node:fs"),xs=require("node:fs/promises");var V$={3:"i386",8:"mips",20:"ppc",21:"ppc64",22:"s390x",40:"arm",62:"x86_64",183:"aarch64",243:"riscv64",258:"loongarch64"},J$=3;async function sf(e){let t=await za(e,0,64);if(t.length<52||t.readUInt32BE(0)!==2135247942)return;let n=t[4]===2?64:32,r=ew(t[5]===2),[o,s,i]=n===64?[Number(r.u64(t,32)),r.u16(t,54),r.u16(t,56)]:[r.u32(t,28),r.u16(t,42),r.u16(t,44)],c=r.u16(t,18),u=V$[c]??`ELF machine ${c}`,l=await za(e,o,s*i);for(let f=0;f+s<=l.length&&s>0;f+=s){if(r.u32(l,f)!==J$)continue;let[h,_]=n===64?[Number(r.u64(l,f+8)),Number(r.u64(l,f+32))]:[r.u32(l,f+4),r.u32(l,f+16)],m=await za(e,h,Math.min(_,4096));return{machine:u,bits:n,interpreter:m.toString("utf8").replace(/\0.*$/s,"")}}return{machine:u,bits:n,interpreter:void 0}}a(sf,"readElf");function af({machine:e},t){return e===t?!0:e==="i386"?/^(i[3-6]86|x86_64)$/.test(t):e==="arm"?/^(arm|aarch64)/.test(t):e==="ppc64"?t.startsWith("ppc64"):e==="mips"?t.startsWith("mips"):!1}a(af,"runsOn");async function za(e,t,n){let r=Buffer.alloc(Math.max(0,Math.min(n,1048576))),{bytesRead:o}=await e.read(r,0,r.length,t);return r.subarray(0,o)}a(za,"readAt");function ew(e){return{u16:a((t,n)=>e?t.readUInt16BE(n):t.readUInt16LE(n),"u16"),u32:a((t,n)=>e?t.readUInt32BE(n):t.readUInt32LE(n),"u32"),u64:a((t,n)=>e?t.readBigUInt64BE(n):t.readBigUInt64LE(n),"u64")}}a(ew,"reader");var tw=1<<20;async function lf(e,t,n){let r=await nw(e),o=t.map(f=>Buffer.from(f)),s=Math.max(0,...o.map(f=>f.length-1)),i=new Set(o),c=(0,cf.createHash)("sha256"),u=Buffer.alloc(0);for await(let f of(0,uf.createReadStream)(e,{highWaterMark:tw})){if(c.update(f),i.size===0)continue;let h=s>0?Buffer.concat([u,f]):f;for(let _ of i)h.includes(_)&&i.delete(_);u=Buffer.from(h.subarray(-s||h.length))}if(i.size>0)throw ow(e,i);let l=c.digest("hex");if(n!==void 0&&l!==n)throw sw(e,l,n);return{path:e,bytes:r,sha256:l,elf:await rw(e)}}a(lf,"readSource");async function nw(e){let t=a(r=>new bt({what:`Reading the source ${e}`,why:r,state:"untouched.",remedy:"check the path and the build step before this one."}),"why"),n=await(0,xs.stat)(e).catch(r=>{throw t(r.code==="ENOENT"?"the file does not exist on the runner.":r.message)});if(!n.isFile())throw t("it is not a regular file.");if(n.size===0)throw t("it is empty.");return n.size}a(nw,"sizeOf");async function rw(e){let t=await(0,xs.open)(e);try{return await sf(t)}finally{await t.close()}}a(rw,"elfOf");function ow(e,t){let n=[...t].map(r=>`'${r.toString()}'`).join(", ");return new bt({what:`Checking the source ${e}`,why:`it does not contain ${n} (expect-strings).`,state:"untouched. Nothing was sent.",remedy:"check that this is the build of the intended commit, or correct `expect-strings`."})}a(ow,"missingStrings");function sw(e,t,n){return new bt({what:`Checking the source ${e}`,why:`its sha256 is ${t}, not ${n} (sha256).`,state:"untouched. Nothing was sent.",remedy:"deploy the file that was tested: take it from the job that built it, and the digest from the outputs of that job."})}a(sw,"otherDigest");function Ka(e){let{code:t="",level:n,message:r=""}=e??{};return Qa.test(r)||["ECONNREFUSED","ECONNRESET","ETIMEDOUT","EHOSTUNREACH","ENETUNREACH","EPIPE","EAI_AGAIN"].includes(`${t}`)?!0:n==="client-timeout"}a(Ka,"isTransient");function ja({fields:{cause:e}}){return e!==void 0&&(Ka(e)||e.code==="ENOTFOUND")}a(ja,"isUnreachable");var Qa=/lost before handshake|No response from server/i;function df(e,t,n){let{code:r="",level:o=""}=e,s=wt(e.message),i=`${t.host} port ${t.port}`;return r==="ECONNREFUSED"?{why:`${i} refused the connection.`,remedy:"check that sshd is running there and listens on that port."}:r==="ENOTFOUND"||r==="EAI_AGAIN"?{why:`the name ${t.host} can't be resolved.`,remedy:"correct host, or add it to the SSH config or DNS of the runner."}:r==="EHOSTUNREACH"||r==="ENETUNREACH"?{why:`there is no route to ${i}.`,remedy:"check the address and the network of the runner."}:r==="EADDRNOTAVAIL"?{why:`the runner can't connect to ${i} from ${t.bindAddress??"any of its addresses"}.`,remedy:"correct BindAddress and AddressFamily in the SSH config."}:!Qa.test(s)&&(r==="ETIMEDOUT"||o==="client-timeout")?n.offers.keys.length>0?{why:`${i} did not finish the login within ${t.connectTimeoutSeconds} s.`,remedy:"check what logins wait for there (PAM, a directory, DNS); a slow one needs connect-timeout-seconds."}:{why:`${i} did not answer within ${t.connectTimeoutSeconds} s.`,remedy:"check the address, the firewall, and whether the host is up; a slow one needs connect-timeout-seconds."}:o==="client-authentication"?uw(t,n):/too many authentication failures/i.test(s)?lw(t,n):r==="ECONNRESET"||Qa.test(s)?iw(i,n):/bad packet length/i.test(s)?{why:`${i} sent a packet above 35 kB, more than the built-in client reads: most likely its Banner.`,remedy:"shorten the file that Banner in sshd_config names."}:/no matching/i.test(s)?cw(s,n):/protocol|handshake|ident|version/i.test(s)||o==="protocol"?{why:`${i} does not speak SSH as expected: ${s}.`,remedy:"check that an SSH server listens on that port."}:{why:`${s}.`,remedy:"check the address, the port and the SSH server there."}}a(df,"whyNotConnected");function iw(e,{offers:t}){return t.keys.length===0?{why:`${e} closed the connection before the login.`,remedy:"check there whether it is full (MaxStartups) or bans this address (fail2ban, PerSourcePenalties)."}:{why:`${e} closed the connection during the login.`,remedy:"check the log of the SSH server there: it may not admit this account (AllowUsers, DenyUsers, an expired account)."}}a(iw,"closed");function ff(){let e={};return{read:a(t=>{let[,n,r]=/^Handshake: \(remote\) (.+?): (.*)$/.exec(t)??[];n!==void 0&&r!==void 0&&(e[n]=r)},"read"),found:a(()=>e,"found")}}a(ff,"serverAlgorithms");var aw=[[/key exchange/i,"KEX method","KexAlgorithms"],[/host key/i,"Host key format","HostKeyAlgorithms"],[/cipher/i,"C->S cipher","Ciphers"],[/mac/i,"C->S MAC","MACs"],[/compression/i,"C->S compression","Compression"]];function cw(e,{algorithms:t}){let[,n="",r=""]=aw.find(([i])=>i.test(e))??[],o=t[n]?.replaceAll(",",", "),s=o?` The server offers only ${o}.`:"";return{why:`no algorithm in common: ${e.replace(/^Handshake failed: /,"")}.${s}`,remedy:`allow further algorithms in sshd_config there (${r}), or update the server; outdated ones are not used.`}}a(cw,"noCommonAlgorithm");function uw({user:e},{offers:t,skipped:n}){let{keys:r,methods:o,partial:s,accepted:i,prompts:c}=t,u=n.length>0?` Not offered: ${n.join("; ")}.`:"";if(s){let l=c.length>0?` It asks: ${c.join(" ")}`:"";return{why:`the server accepted the key (${i}) and wants a second factor besides: ${o.join(", ")}.${l}`,remedy:`let ${e} log in with a key alone there (Match User ${e}, AuthenticationMethods publickey), or use another account.`}}return o.length>0&&!o.includes("publickey")?{why:`the server accepts no keys for ${e}, only ${o.join(", ")}.`,remedy:"allow PubkeyAuthentication there."}:r.length===0?{why:`there is no key to log in with.${u}`,remedy:"set ssh-key, or put a key where the SSH config or agent of the runner has it."}:{why:`the server accepts none of the keys offered for ${e}: ${r.join(", ")}.${u}`,remedy:`add the public key to ~/.ssh/authorized_keys of ${e} there, or correct user and ssh-key.`}}a(uw,"loginRefused");function lw({user:e},{offers:{keys:t}}){let n=t.length===1?"the first key":`${t.length} keys`;return{why:`the server ended the login for ${e} after ${n} (MaxAuthTries): ${t.join(", ")}.`,remedy:"give the right key alone in ssh-key, or name it in the SSH config with IdentityFile and IdentitiesOnly."}}a(lw,"tooManyKeys");var nc=require("node:fs"),Kf=require("node:fs/promises"),jf=require("node:os");var hf=_l("AGFzbQEAAAABLgdgA39/fwF/YAJ/fwBgA39/fwBgBH9/f38AYAR/f39/AX9gAAF/YAV/f39/fwACDwEDZW52Bm1lbW9yeQIAAQMKCQIAAwEEAQUGAAZREH8BQQALfwFBAAt/AUEAC38BQQALfwFBAAt/AUEAC38BQQALfwFBAAt/AUEAC38BQQALfwFBAAt/AUEAC38BQQALfwFBAAt/AUEAC38BQQALBzoHBGZyZWUABgViZWdpbgAHBWluZGV4AAUEdGFrZQACBWFsaWduAAgHcmVzdG9yZQADBm1lbW9yeQIADAEBCr8OCa8BAQR/IAAiBCABaiIGQQBIBH9BAAUgAiMBIAZrIgAgACACShsiAEEAIABBAE4bCyECA0AgA0EQaiIAIAJMBEAgBSMFIARqIANq/QAEACMAIAZqIANq/QAEAP0j/WRpaiEFIAAhAwwBCwsDQCACIANKBEAgBUEBaiAFIwUgBGogA2otAAAjACAGaiADai0AAEYbIQUgA0EBaiEDDAELCyAFIw9MBEAPCyAFJA8gASQOC/QBAgR/AXsgASIEQQBIBH9BAAUgAiMBIARrIgEgASACShsiAUEAIAFBAE4bCyEFA0AgA0EQaiIBIAVMBEAjByAAaiADaiMFIABqIANq/QAEACMAIARqIANq/QAEAP1xIgf9CwQAIAYgB/0MAAAAAAAAAAAAAAAAAAAAAP0j/WRpaiEGIAEhAwwBCwsDQCADIAVIBEAjByAAaiADaiMFIABqIANqLQAAIwAgBGogA2otAABrIgE6AAAgBiAGQQFqIAFB/wFxGyEGIANBAWohAwwBCwsgAiAFSgRAIAAgBWoiACMHaiMFIABqIAIgBWv8CgAACyAGCxIAIAAkBSABJAYgAiQHIAMkCAsSACMHIABqIwUgAGogAfwKAAAL2wMCBn8BfiMNQQBKBEAjDUEBayQNIANBCmwgAkEDbE4PC0GAASMGIABrIgMgA0GAAUobIgdBA2xBCm0iBiQPIAAgASMKaiAHEABBACEDA0AgAyMLSARAIAAgASADQQJ0QYAIaigCAGogBxAAIANBAWohAwwBCwsgAEEgaiIDIwZBCGsiCCADIAhIGyEIIAAhAwNAIARBEEggAyAITHEEfyMPQQpsIAdBCWxIBUEACwRAIwMjBSADaikDACIKp0Gx893xeWwgCkIgiKdB95Svr3hscyIJQQ92IAlzQe347OACbCMEdkECdGooAgBBAWsiCUF/IAlBAE4EfyMAIAlqKQMAIApRBUEACxsiCUEASAR/QQEFIw4gCSADa0YjDyAGSnELRQRAIAAgCSADayAHEAAgBEEBaiEECyADQQFqIQMMAQsLIw8gBkoiBiMOIAEjCmpHcQRAQQAkDCMKIQMjDiABayIEJAoDQCADIARHIAVBCEhxBEAgBUECdEGACGohByAFIwtIBH8gBygCAAUgBAsgByADNgIAIAUjC0YEQCMLQQFqJAsLIQMgBUEBaiEFDAELCyAAIAAjDmogAhABGgUjDEEBaiQMQQMjDEEBdSIAIABBA04bJA0LIAYLdwIBfgJ/IAEjAUEHayIDIAEgA0gbIQMDQCAAIANIBEAjACAAaikDACICQiCIpyIEIAKnIgFHBEAjAyABQbHz3fF5bCAEQfeUr694bHMiAUEPdiABc0Ht+OzgAmwjBHZBAnRqIABBAWo2AgALIABBEGohAAwBCwsLBQBBoAgLJAAgACQAIAEkASACJAIgAyQDQSAgBGskBEEAIAJrJApBACQLC+8FAQZ/QQAkCQNAIAAgAUgEQCACIwpqIQQgAEH/B3FFIABBgAhqIAFMcQR/An9BACAAIARqIgVBAEgEf0EABUGACCMBIAVrIgMgA0GACEobIgNBACADQQBOGwtBgAhIDQAaQQAhAwNAIANBgAhIBEBBACMFIABqIANq/QAEACMAIAVqIANq/QAEAP1R/VMNAhogA0EQaiEDDAELCyMHIABqQQBBgAj8CwBBAQsFQQALBEAjAiAAIARqaiEDIwgjCUEBa0EDdGohBAJAIwlBAEoEQCADQYCAgIB4RiAEKAIAIgUgBCgCBCIGaiADRiAGQYCAgIB4RhsEQCAEIAVBgAhqNgIADAILCyAEQYAINgIIIAQgAzYCDCMJQQFqJAkLIABBgAhqIQAMAgsgACAAIARqQSAgASAAayIDIANBIEobIgQQASIDQQpsIARBB2xOBH9BAQUgACACIAQgAxAECwRAIAIjCmoiAyAAaiIFQQBIBH9BAAUgBCMBIAVrIgUgBCAFSBsiBUEAIAVBAE4bCyIFQQBKBEACQCMCIAAgA2pqIQYjCCMJQQFrQQN0aiEHIwlBAEoEQCAGQYCAgIB4RiAHKAIAIgMgBygCBCIIaiAGRiAIQYCAgIB4RhsEQCAHIAMgBWo2AgAMAgsLIAcgBTYCCCAHIAY2AgwjCUEBaiQJCwsgBCAFSgRAAkAgBCAFayEDIwgjCUEBa0EDdGohBSMJQQBKBEAgBSgCACIGIAUoAgQiB2pBgICAgHhGIAdBgICAgHhGcgRAIAUgAyAGajYCAAwCCwsgBSADNgIIIAVBgICAgHg2AgwjCUEBaiQJCwsFIwcgAGojBSAAaiAE/AoAACMIIwlBAWtBA3RqIQMCQCMJQQBKBEAgAygCACIFIAMoAgQiBmpBgICAgHhGIAZBgICAgHhGcgRAIAMgBCAFajYCAAwCCwsgAyAENgIIIANBgICAgHg2AgwjCUEBaiQJCwsgACAEaiEADAELCyMJCwsnAQBBgAgLIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");var _f=require("node:zlib");var Wa=8192,fw=.1,hw=.9;function mf(e,t){let n=Math.max(0,Math.floor((e.length-Wa)/2)),r=t.subarray(n,n+Wa),o=0;for(let s=0;s<r.length;s+=1)r[s]===0&&(o+=1);return r.length-o<r.length*fw?!1:pf(e.subarray(n,n+Wa))<hw*pf(r)}a(mf,"packsBetter");function pf(e){return(0,_f.deflateRawSync)(e,{level:1}).length}a(pf,"packed");var Vn=-(2**31),Es=65536,po=4*Es,gf=16*(Es/32),pw=16,_w=2**24,mw=65536;async function wf(e){let t=Math.ceil(Math.log2(Math.min(_w,Math.max(256,e/pw)))),n=new WebAssembly.Memory({initial:1}),{instance:r}=await WebAssembly.instantiate(hf,{env:{memory:n}}),o=r.exports,s=o.free(),c=[e,4*2**t,po,po,po,gf].map(A=>{let E=s;return s=Math.ceil((s+A)/64)*64,[E,A]});n.grow(Math.ceil(s/mw));let[u,l,f,h,_,m]=c.map(([A,E])=>Buffer.from(n.buffer,A,E)),y=new Int32Array(n.buffer,m.byteOffset,gf/4),b=!1;return{pieces:[f,h],begin:a(A=>(b&&l.fill(0),b=!0,o.begin(u.byteOffset,e,A,l.byteOffset,t),u),"begin"),index:o.index,align:a((A,E)=>{o.take(A.byteOffset,A.length,_.byteOffset,m.byteOffset);let C=[];for(let L=0;L<A.length;L+=Es){let T=Math.min(L+Es,A.length),q=o.align(L,T,E);if(mf(A.subarray(L,T),_.subarray(L,T)))o.restore(L,T-L),$f(C,{bytes:T-L,from:Vn});else for(let[re,xe]of gw(y.subarray(0,2*q)))$f(C,{bytes:re,from:xe})}return{stretches:C,difference:_.subarray(0,A.length)}},"align")}}a(wf,"openAligner");function*gw(e){for(let t=0;t<e.length;t+=2)yield[e[t],e[t+1]]}a(gw,"pairs");function $f(e,{bytes:t,from:n}){let r=e.at(-1),o=r&&(r.from===Vn?Vn:r.from+r.bytes);r&&o===n?r.bytes+=t:e.push({bytes:t,from:n})}a($f,"add");function yf(e,t){if(e===0)return[];if(t<=268435456)return[{fresh:{begin:0,end:e},old:{begin:0,end:t}}];let n=[];for(let r=0;r<e;r+=134217728){let o=Math.min(r+134217728,e),s=(r+o)/2*(t/e),i=Math.floor(Math.min(Math.max(0,s-268435456/2),t-268435456));n.push({fresh:{begin:r,end:o},old:{begin:i,end:i+268435456}})}return n}a(yf,"planParts");var $w=1<<20;async function*Af(e,t){let n=yf(e.bytes,t.bytes),[r]=n;if(!r)return;let o=await wf(r.old.end-r.old.begin),s=0;for(let i of n){let c=o.begin(i.old.begin),u=a(f=>c.subarray(f-i.old.begin,f-i.old.begin+$w),"oldBlock");for await(let{at:f,block:h}of bf(t,i.old,u))o.index(f-i.old.begin,f-i.old.begin+h.length);let l=a(f=>o.pieces[f/po%2],"piece");for await(let{at:f,block:h}of bf(e,i.fresh,l)){let _=o.align(h,f),m=yw(_,s);s=m.end,yield Buffer.concat([m.bytes,_.difference])}}}a(Af,"deltaOf");async function*bf(e,{begin:t,end:n},r){let o=a(s=>{if(s>=n)return;let i=r(s).subarray(0,n-s),c=ww(e,s,i);return c.catch(()=>{}),{at:s,block:i,done:c}},"read");for(let s=o(t);s!==void 0;){let{at:i,block:c,done:u}=s;await u,s=o(i+c.length),yield{at:i,block:c}}}a(bf,"blocksOf");async function ww({handle:e},t,n){for(let r=0;r<n.length;){let{bytesRead:o}=await e.read(n,r,n.length-r,t+r);if(o===0)throw new Error("the file was shortened while it was being read");r+=o}}a(ww,"fill");function yw({stretches:e,difference:t},n){let r=Buffer.allocUnsafe(8+8*e.length);r.writeUInt32BE(e.length,0),r.writeUInt32BE(t.length,4);let o=n;for(let[s,{bytes:i,from:c}]of e.entries())r.writeInt32BE(i,8+8*s),r.writeInt32BE(c===Vn?Vn:c-o,12+8*s),c!==Vn&&(o=c+i);return{bytes:r,end:o}}a(yw,"headOf");var ks=require("node:child_process"),xf=require("node:events"),vs=require("node:stream"),Ef=require("node:stream/promises"),Za=ft(require("node:zlib"),1);var qa=256*1024;function kf(){return(0,ks.spawnSync)("zstd",["--version"],{stdio:"ignore"}).status===0?{zstd:"program"}:{zstd:vf().createZstdCompress?"node":void 0}}a(kf,"findCompressors");async function*Ga(e,{by:t,level:n,adapt:r,has:o}){let{stage:s,ended:i,stop:c}=t==="gzip"?bw():o.zstd==="program"?Aw(n,r):xw(n),u=(0,Ef.pipeline)(vs.Readable.from(e,{objectMode:!1,highWaterMark:qa}),s);u.catch(()=>{});try{for await(let l of s)yield l;await u,await i?.()}finally{s.destroy(),c?.()}}a(Ga,"compress");function bw(){return{stage:Za.createGzip({level:1,chunkSize:qa})}}a(bw,"gzip");function Aw(e,t){let n=t?[`--adapt=min=${e},max=12`]:[`-${e}`,"-B2M","--long=24"],r=(0,ks.spawn)("zstd",["-q","-c","-T0",...n],{stdio:["pipe","pipe","ignore"]}),o=(0,xf.once)(r,"close");o.catch(()=>{});let s=vs.Duplex.from({writable:r.stdin,readable:r.stdout});return r.once("error",i=>s.destroy(i)),{stage:s,stop:a(()=>r.kill(),"stop"),ended:a(async()=>{let[i]=await o;if(i!==0)throw new Error(`zstd exited with code ${i}`)},"ended")}}a(Aw,"zstdProgram");function xw(e){let{createZstdCompress:t,constants:n}=vf();if(!t)throw new Error("this runner has no zstd");return{stage:t({chunkSize:qa,params:{[n.ZSTD_c_compressionLevel??100]:e}})}}a(xw,"zstdOfNode");function vf(){return Za}a(vf,"zlibZstd");var _o=require("node:crypto"),Sr=require("node:fs"),Xe=require("node:fs/promises"),Xa=require("node:path");var Ew={files:8,bytes:4*2**30},kw=1<<20,vw=36e5,Ya=/^[0-9a-f]{64}$/,Sw=/^\.new-/,Iw=/^note-/,Cw=2160*36e5,Rw="forgejo-deploy-toolkit",Bw=/^[0-9a-f]{32}$/;function Sf(e,{serverUrl:t,repository:n}){let r=(0,_o.createHash)("sha256").update(JSON.stringify([t,n])).digest("hex");return`${e}/${Rw}/${r.slice(0,32)}`}a(Sf,"keptFolder");async function If(e,t=Ew){for(let n of[(0,Xa.dirname)(e),e])await Pw(n);return{open:a(async n=>Ya.test(n)?Tw(`${e}/${n}`,n):void 0,"open"),keep:a(async(n,r)=>{if(!Ya.test(r))throw new Error("its digest is not a sha256");await Ow(`${e}/${r}`)||(await Lw(n,{folder:e,sha256:r,most:t.bytes}),await Uw(e,t))},"keep")}}a(If,"openKept");async function Pw(e){await(0,Xe.mkdir)(e,{recursive:!0,mode:448});let t=await(0,Xe.lstat)(e);if(!t.isDirectory())throw new Error(`${e} is not a folder`);if(t.uid!==process.getuid?.())throw new Error(`${e} belongs to another account`);(t.mode&511)!==448&&await(0,Xe.chmod)(e,448)}a(Pw,"makeOwn");async function Tw(e,t){let n;try{n=await(0,Xe.open)(e,Sr.constants.O_RDONLY|Sr.constants.O_NOFOLLOW|Sr.constants.O_NONBLOCK)}catch(o){o.code==="ELOOP"&&await(0,Xe.rm)(e,{force:!0});return}let r=await n.stat();if(r.isFile()&&await Nw(n)===t)return await(0,Xe.utimes)(e,new Date,new Date).catch(()=>{}),{handle:n,bytes:r.size};await n.close(),await(0,Xe.rm)(e,{force:!0,recursive:!0})}a(Tw,"openProved");async function Nw(e){let t=(0,_o.createHash)("sha256"),n=Buffer.allocUnsafe(kw);for(let r=0;;){let{bytesRead:o}=await e.read(n,0,n.length,r);if(o===0)return t.digest("hex");t.update(n.subarray(0,o)),r+=o}}a(Nw,"digestOf");async function Ow(e){try{return await(0,Xe.utimes)(e,new Date,new Date),(await(0,Xe.lstat)(e)).isFile()}catch{return!1}}a(Ow,"touched");async function Lw(e,t){let{size:n}=await(0,Xe.lstat)(e),{bavail:r,bsize:o}=await(0,Xe.statfs)(t.folder);if(n>t.most)throw new Error("it is too large to be kept");if(r*o<3*n)throw new Error(`too little room is left in ${t.folder}`);let s=`${t.folder}/.new-${(0,_o.randomUUID)()}`;try{await(0,Xe.copyFile)(e,s,Sr.constants.COPYFILE_EXCL|Sr.constants.COPYFILE_FICLONE),await(0,Xe.chmod)(s,384),await(0,Xe.rename)(s,`${t.folder}/${t.sha256}`)}finally{await(0,Xe.rm)(s,{force:!0})}}a(Lw,"copy");async function Uw(e,t){let n=(0,Xa.dirname)(e),r=(await Cf(n)).filter(h=>Bw.test(h)).map(h=>`${n}/${h}`),o=(await Promise.all([...new Set([e,...r])].map(Dw))).flat(),s=0,i=0,u=o.filter(({name:h})=>Ya.test(h)).sort((h,_)=>_.usedAt-h.usedAt).filter(h=>(s+=h.bytes,h.folder===e&&(i+=1),s>t.bytes||h.folder===e&&i>t.files)),l=[{names:Sw,before:Date.now()-vw},{names:Iw,before:Date.now()-Cw}],f=o.filter(({name:h,usedAt:_})=>l.some(({names:m,before:y})=>m.test(h)&&_<y));for(let h of[...u,...f])await(0,Xe.rm)(`${h.folder}/${h.name}`,{force:!0,recursive:!0})}a(Uw,"prune");async function Dw(e){return Promise.all((await Cf(e)).map(async t=>{let n=await(0,Xe.lstat)(`${e}/${t}`).catch(()=>{});return{folder:e,name:t,usedAt:n?.mtimeMs??0,bytes:n?.size??0}}))}a(Dw,"filesIn");async function Cf(e){return(0,Xe.readdir)(e).catch(()=>[])}a(Cf,"namesIn");var Ss=require("node:crypto"),Un=require("node:fs/promises");async function Rf(e,t){let n=await(0,Un.readFile)(Nf(e,t),"utf8").catch(()=>"{}");try{let{bytesPerSecond:r,roundTripMs:o,left:s,deltaBy:i}=JSON.parse(n);return{...typeof r=="number"&&r>0?{bytesPerSecond:r}:{},...typeof o=="number"&&o>0?{roundTripMs:o}:{},...Array.isArray(s)&&s.every(Hw)?{left:s.slice(0,Pf)}:{},...i==="zstd"||i==="gzip"?{deltaBy:i}:{}}}catch{return{}}}a(Rf,"readNote");async function Bf(e,t,n){let r=`${e}/.new-${(0,Ss.randomUUID)()}`;try{await(0,Un.writeFile)(r,JSON.stringify(n),{mode:384,flag:"wx"}),await(0,Un.rename)(r,Nf(e,t))}finally{await(0,Un.rm)(r,{force:!0})}}a(Bf,"writeNote");var Pf=8;function Tf(e,{left:t=[]}){return[e,...t.filter(n=>n!==e)].slice(0,Pf)}a(Tf,"leftWith");function Hw(e){return typeof e=="string"&&/^[0-9a-f]{64}$/.test(e)}a(Hw,"isDigest");function Nf(e,t){return`${e}/note-${(0,Ss.createHash)("sha256").update(t).digest("hex").slice(0,16)}`}a(Nf,"noteFile");var Of=require("node:crypto"),mo=require("node:events"),Is=require("node:fs/promises");var Jn=class extends Error{static{a(this,"PayloadError")}},Fw=256*1024,Mw=8*2**20,zw=64*2**20;function Va(e){return{read:a(async function*(){try{yield*e()}catch(t){throw Uf(t)}},"read"),[Symbol.asyncDispose]:async()=>{}}}a(Va,"streamed");async function Lf(e,t){let n=`${t}/.payload-${(0,Of.randomUUID)()}`,r=await(0,Is.open)(n,"wx+",384);await(0,Is.unlink)(n);let o=new mo.EventEmitter().setMaxListeners(0),s=0,i,c,l=a(async()=>{for await(let f of e()){for(;!c&&s-(i??0)>(i===void 0?zw:Mw);)await(0,mo.once)(o,"taken");if(c)return;await r.write(f,0,f.length,s),s+=f.length,o.emit("written")}},"fill")().then(()=>({}),f=>({error:Uf(f)})).then(f=>{c??=f,o.emit("written")});return{read:a(async function*(){for(let f=0;;){if(f===s){if(c?.error)throw c.error;if(c)return;await(0,mo.once)(o,"written");continue}let h=Buffer.allocUnsafe(Math.min(Fw,s-f)),{bytesRead:_}=await r.read(h,0,h.length,f);f+=_,i=Math.max(i??0,f),o.emit("taken"),yield h.subarray(0,_)}},"read"),[Symbol.asyncDispose]:async()=>{c??={error:new Jn("the step has finished")},o.emit("taken"),o.emit("written"),await l,await r.close()}}}a(Lf,"spooled");function Uf(e){return e instanceof Jn?e:new Jn(e instanceof Error?e.message:String(e),{cause:e})}a(Uf,"payloadError");var Qw=16384,Kw=1e6,jw={zstd:.27,gzip:.31,"delta-zstd":.05,"delta-gzip":.08,plain:1},Ww={zstd:3e8,gzip:7e7,"delta-zstd":15e7,"delta-gzip":7e7,plain:7e8},Zw=4e8;function Cs(e){let{wanted:t,bytes:n,near:r,compressors:o,base:s,link:i}=e,c=a((A,E)=>({encoding:A,level:Gw(A,i.bytesPerSecond),why:`${Yw(A,s)}, ${E}`}),"plan"),[u]=o,l=qw(e);if(t==="plain")return c("plain","because transfer is plain");if(t==="auto"&&r)return c("plain","because the target is this machine");if(n<Qw)return c("plain",`because ${It(n)} is too small to compress`);if(!u)return c("plain","because runner and target share neither zstd nor gzip");if(t==="compressed")return c(u,"because transfer is compressed");if(t==="delta")return l?c(u,`no delta, because ${l}`):c(`delta-${u}`,"because transfer is delta");let h=[...l?[]:[`delta-${u}`],u,"plain"].map(A=>({encoding:A,seconds:Ja(A,n,i)})),[_,...m]=h.sort((A,E)=>A.seconds-E.seconds),y=[_,...m].map(({encoding:A,seconds:E})=>`${Xw(A)} ${E.toFixed(1)} s`),b=`${It(i.bytesPerSecond)}/s (${i.from})`;return c(_.encoding,`at ${b}: ${y.join(", ")}${l?`; no delta, because ${l}`:""}`)}a(Cs,"planTransfer");var Df={ofWhatIsLeft:.5,seconds:10};function Hf(e,t,n){let{bytes:r,link:o}=t,s=Ja(e,r,o)-n/o.bytesPerSecond,i=Cs(t),c=s-Ja(i.encoding,r,o);return c>Df.seconds&&c>Df.ofWhatIsLeft*s?i:void 0}a(Hf,"soonerWay");function ec(e){return{bytesPerSecond:e<3?11e7:e<15?25e6:6e6,from:`assumed from a round trip of ${Math.round(e)} ms`}}a(ec,"assumedLink");function qw({wanted:e,base:t,bytes:n}){return"lacks"in t?t.lacks:e==="auto"&&n<Kw?`${It(n)} is too small for one`:void 0}a(qw,"deltaLacks");function Ja(e,t,n){return(e.startsWith("delta")?t/Zw:0)+Math.max(t*jw[e]/n.bytesPerSecond,t/Ww[e])}a(Ja,"secondsOf");function Gw(e,t=0){return e.startsWith("delta")?t>6e7?1:t>5e6?3:t>1e6?7:12:t>3e7?1:t>1e7?3:t>4e6?6:9}a(Gw,"levelFor");function Yw(e,t){let[,n]=e.split("-");return n?`a delta against ${"sha256"in t?un(t.sha256):"the present file"} with ${n}`:e==="plain"?"plain":`compressed with ${e}`}a(Yw,"named");function Xw(e){return e.startsWith("delta")?"delta":e==="plain"?"plain":"compressed"}a(Xw,"plainName");var Vw="measured last time",Jw="measured on the first bytes",ey=5e7,Ff=256*1024;function Wf({wanted:e,several:t},{env:n,log:r,run:o}){let s=n("RUNNER_TOOL_CACHE"),i=s&&Sf(s,o),c=tc(()=>i?If(i):Promise.reject(new Error("RUNNER_TOOL_CACHE is not set"))),u=tc(kf),l=new Map,f=new Map,h=[],_=a(A=>e==="delta"||e==="auto"&&!A,"deltaHelps"),m=a(A=>{let E=l.get(A)??ty(c,A);return l.set(A,E),E},"baseOf"),y=a((A,{encoding:E,level:C},L)=>{let T=E.startsWith("delta")&&"file"in L?L:void 0,q=`${E} ${T?.sha256??""}`,re=a(()=>oy(A,{encoding:E,level:C,base:T?.file,has:u()}),"make"),xe=f.get(q)??(E!=="plain"&&(t||T)?Lf(re,n("RUNNER_TEMP")??(0,jf.tmpdir)()).catch(()=>Va(re)):Promise.resolve(Va(re)));return f.set(q,xe),xe},"payloadOf"),b=tc(A=>c().then(E=>E.keep(A.path,A.sha256)).catch(E=>r.line(`Not kept for the next delta: ${E.message}.`)));return{to:a((A,E)=>{let C=i&&_(!1)?Rf(i,A):Promise.resolve({}),L={},T,q=!1,re="nothing",xe=a(j=>{L.bytesPerSecond=Math.round(j)},"remember"),M=a(async j=>!i||(await C).left?.includes(j)?m(j):{lacks:"this runner did not deploy the target's present file"},"baseThere");return a(async()=>{let{left:[j]=[],deltaBy:W,roundTripMs:te,..._e}=await C,Y=Mf(_e)??(te&&ec(te));if(!j||!W||!Y)return;let[oe,fe]=await Promise.all([E,m(j)]);if(!oe||oe.sha256===j)return;let $e=Cs({wanted:e,bytes:oe.bytes,near:!1,compressors:[W],base:fe,link:Y});$e.encoding.startsWith("delta")&&await y(oe,$e,fe)},"begin")().catch(()=>{}),{choose:a(async(j,W)=>{let te=T??Mf(await C),_e=te??ec(W.roundTripMs),Y=W.near&&(!te||te.bytesPerSecond>ey);q=!Y;let oe=_(Y)?ry(j,W):"none was requested",{present:fe,tools:$e}=W,R=oe||"lacks"in fe?{lacks:oe??""}:await M(fe.sha256),O=e==="plain"||e==="auto"&&Y?[]:zf(u(),$e);$e.has("perl")&&O[0]&&(L.deltaBy=O[0]),Number.isFinite(W.roundTripMs)&&(L.roundTripMs=W.roundTripMs);let N={wanted:e,bytes:j.bytes,near:Y,compressors:O,base:R,link:_e},z=Cs(N);re=ny(z.encoding,W.near),_(Y)&&h.push(b(j));let ce=a((de,ue)=>{if(e!=="auto"||T||z.encoding.startsWith("delta"))return!1;let rt={...N,near:!1,compressors:zf(u(),$e)},mt={bytesPerSecond:ue,from:Jw};return Hf(z.encoding,{...rt,link:mt},de)?(T=mt,xe(ue),!0):!1},"isTooSlow");return{encoding:z.encoding,why:z.why,payload:await y(j,z,R),isTooSlow:ce}},"choose"),measured:a(async j=>{let{bytesPerSecond:W=Number.POSITIVE_INFINITY}=await C;!j||re==="nothing"||(re==="the rate"||j>W)&&xe(j)},"measured"),arrived:a((j,W)=>{if(!_(W&&!q))return;let te=a(async()=>{await b(j);let _e=await C;L={..._e,...L,left:Tf(j.sha256,_e)},i&&await Bf(i,A,L)},"note");h.push(te().catch(()=>{}))},"arrived")}},"to"),[Symbol.asyncDispose]:async()=>{await Promise.all(h);for(let A of await Promise.allSettled(f.values()))A.status==="fulfilled"&&await A.value[Symbol.asyncDispose]();for(let A of await Promise.all(l.values()))"file"in A&&await A.file.handle.close()}}}a(Wf,"openTransfers");function tc(e){let t;return(...n)=>(t??={value:e(...n)},t.value)}a(tc,"once");async function ty(e,t){try{let n=await(await e()).open(t);return n?n.bytes<=2147483647?{sha256:t,file:n}:(await n.handle.close(),{lacks:"the files are too large for one"}):{lacks:"this runner did not keep the target's present file"}}catch(n){return{lacks:`this runner keeps no files: ${n.message}`}}}a(ty,"openBase");function Mf({bytesPerSecond:e}){return e?{bytesPerSecond:e,from:Vw}:void 0}a(Mf,"rememberedLink");function ny(e,t){return e==="plain"?"the rate":t?"nothing":e.startsWith("delta")?"a higher rate":"the rate"}a(ny,"tellsOf");function ry({bytes:e},{tools:t,present:n}){return"lacks"in n?n.lacks:t.has("perl")?e>2147483647?"the files are too large for one":void 0:"the target has no perl"}a(ry,"deltaLacks");function zf({zstd:e},t){return[...e&&t.has("zstd")?["zstd"]:[],...t.has("gzip")?["gzip"]:[]]}a(zf,"inCommon");async function*oy(e,t){let{encoding:n,level:r,base:o,has:s}=t;if(n==="plain"){yield*(0,nc.createReadStream)(e.path,{highWaterMark:Ff});return}let i=n.endsWith("zstd")?"zstd":"gzip";if(!o){let u=(0,nc.createReadStream)(e.path,{highWaterMark:Ff});yield*Ga(u,{by:i,level:r,adapt:!0,has:s});return}let c=await(0,Kf.open)(e.path);try{yield*Ga(Af({handle:c,bytes:e.bytes},o),{by:i,level:r,adapt:!1,has:s})}finally{await c.close()}}a(oy,"encode");function rc(e){return In.findLast(t=>e.includes(t))??"unchanged"}a(rc,"worst");function Zf(e,t){let n=e.map(()=>"untouched"),r=new Map,o=a(async()=>{t.save("begun",r.size===0?"":JSON.stringify([...r.values()])),await t.outputs({state:rc(n)})},"write");return e.map((s,i)=>{let c;return{begin:a(async u=>{c={...s,...u},r.set(s,c),n[i]="unknown",await o()},"begin"),begun:a(()=>c,"begun"),end:a(async u=>{u!=="unknown"&&r.delete(s),n[i]=u,await o()},"end")}})}a(Zf,"openBook");var dm=require("node:timers/promises");var pe=ft(require("assert"),1),Kr=ft(require("fs"),1),Iu=ft(Gf(),1),p_=ft(Yf(),1),Rt=ft(require("path"),1);var Cu=ft(Xf(),1),Ru=ft(Jf(),1),__=ft(Fo(),1);var Su=1,f_=a(e=>!Rt.default.basename(e).startsWith("."),"DEFAULT_VALIDATE"),h_=a(()=>{},"DEFAULT_TICK"),$i=class extends Error{static{a(this,"SSHError")}constructor(t,n=null){super(t),this.code=n}};function gi(e){return e.includes("\\")?e.split("\\").join("/"):e}a(gi,"unixifyPath");async function GA(e){return new Promise((t,n)=>{Kr.default.readFile(e,"utf8",(r,o)=>{r?n(r):t(o)})})}a(GA,"readFile");var YA=/Error: (E[\S]+): /;async function XA(e,t){let n=null;try{n=await new Promise((r,o)=>{t.stat(e,(s,i)=>{s?o(s):r(i)})})}catch{}if(n){if(n.isDirectory())return;throw new Error("mkdir() failed, target already exists and is not a directory")}try{await new Promise((r,o)=>{t.mkdir(e,s=>{s?o(s):r()})})}catch(r){if(r!=null&&typeof r.stack=="string"){let o=YA.exec(r.stack);throw o!=null?new $i(r.message,o[1]):r}}}a(XA,"makeDirectoryWithSftp");var wi=class{static{a(this,"NodeSSH")}constructor(){this.connection=null}getConnection(){let{connection:t}=this;if(t==null)throw new Error("Not connected to server");return t}async connect(t){(0,pe.default)(t!=null&&typeof t=="object","config must be a valid object");let n={...t};if((0,pe.default)(n.username!=null&&typeof n.username=="string","config.username must be a valid string"),n.host!=null)(0,pe.default)(typeof n.host=="string","config.host must be a valid string");else if(n.sock!=null)(0,pe.default)(typeof n.sock=="object","config.sock must be a valid object");else throw new pe.AssertionError({message:"Either config.host or config.sock must be provided"});if(n.privateKey!=null||n.privateKeyPath!=null){if(n.privateKey!=null?((0,pe.default)(typeof n.privateKey=="string","config.privateKey must be a valid string"),(0,pe.default)(n.privateKeyPath==null,"config.privateKeyPath must not be specified when config.privateKey is specified")):n.privateKeyPath!=null&&((0,pe.default)(typeof n.privateKeyPath=="string","config.privateKeyPath must be a valid string"),(0,pe.default)(n.privateKey==null,"config.privateKey must not be specified when config.privateKeyPath is specified")),(0,pe.default)(n.passphrase==null||typeof n.passphrase=="string","config.passphrase must be null or a valid string"),n.privateKeyPath!=null)try{n.privateKey=await GA(n.privateKeyPath)}catch(o){throw o!=null&&o.code==="ENOENT"?new pe.AssertionError({message:"config.privateKeyPath does not exist at given fs path"}):o}}else n.password!=null&&(0,pe.default)(typeof n.password=="string","config.password must be a valid string");if(n.tryKeyboard!=null&&(0,pe.default)(typeof n.tryKeyboard=="boolean","config.tryKeyboard must be a valid boolean"),n.tryKeyboard){let{password:o}=n;n.onKeyboardInteractive!=null?(0,pe.default)(typeof n.onKeyboardInteractive=="function","config.onKeyboardInteractive must be a valid function"):o!=null&&(n.onKeyboardInteractive=(s,i,c,u,l)=>{u.length>0&&u[0].prompt.toLowerCase().includes("password")&&l([o])})}let r=new __.default.Client;return this.connection=r,await new Promise((o,s)=>{r.on("error",s),n.onKeyboardInteractive&&r.on("keyboard-interactive",n.onKeyboardInteractive),r.on("ready",()=>{r.removeListener("error",s),o()}),r.on("end",()=>{this.connection===r&&(this.connection=null)}),r.on("close",()=>{this.connection===r&&(this.connection=null),s(new $i("No response from server","ETIMEDOUT"))}),r.connect(n)}),this}isConnected(){return this.connection!=null}async requestShell(t){let n=this.getConnection();return new Promise((r,o)=>{n.on("error",o);let s=a((i,c)=>{n.removeListener("error",o),i?o(i):r(c)},"callback");t==null?n.shell(s):n.shell(t,s)})}async withShell(t,n){(0,pe.default)(typeof t=="function","callback must be a valid function");let r=await this.requestShell(n);try{await t(r)}finally{r.destroy()}}async requestSFTP(){let t=this.getConnection();return new Promise((n,r)=>{t.on("error",r),t.sftp((o,s)=>{t.removeListener("error",r),o?r(o):n(s)})})}async withSFTP(t){(0,pe.default)(typeof t=="function","callback must be a valid function");let n=await this.requestSFTP();try{await t(n)}finally{n.end()}}async execCommand(t,n={}){(0,pe.default)(typeof t=="string","command must be a valid string"),(0,pe.default)(n!=null&&typeof n=="object","options must be a valid object"),(0,pe.default)(n.cwd==null||typeof n.cwd=="string","options.cwd must be a valid string"),(0,pe.default)(n.stdin==null||typeof n.stdin=="string"||Iu.default.readable(n.stdin),"options.stdin must be a valid string or readable stream"),(0,pe.default)(n.execOptions==null||typeof n.execOptions=="object","options.execOptions must be a valid object"),(0,pe.default)(n.encoding==null||typeof n.encoding=="string","options.encoding must be a valid string"),(0,pe.default)(n.onChannel==null||typeof n.onChannel=="function","options.onChannel must be a valid function"),(0,pe.default)(n.onStdout==null||typeof n.onStdout=="function","options.onStdout must be a valid function"),(0,pe.default)(n.onStderr==null||typeof n.onStderr=="function","options.onStderr must be a valid function"),(0,pe.default)(n.noTrim==null||typeof n.noTrim=="boolean","options.noTrim must be a boolean");let r=t;n.cwd&&(r=`cd ${(0,Ru.default)([n.cwd])} ; ${r}`);let o=this.getConnection(),s={stdout:[],stderr:[]};return new Promise((i,c)=>{o.on("error",c),o.exec(r,n.execOptions!=null?n.execOptions:{},(u,l)=>{if(o.removeListener("error",c),u){c(u);return}n.onChannel&&n.onChannel(l),l.on("data",_=>{n.onStdout&&n.onStdout(_),s.stdout.push(_.toString(n.encoding))}),l.stderr.on("data",_=>{n.onStderr&&n.onStderr(_),s.stderr.push(_.toString(n.encoding))}),n.stdin!=null?Iu.default.readable(n.stdin)?n.stdin.pipe(l,{end:!0}):(l.write(n.stdin),l.end()):l.end();let f=null,h=null;l.on("exit",(_,m)=>{f=_??null,h=m??null}),l.on("close",()=>{let _=s.stdout.join(""),m=s.stderr.join("");n.noTrim!==!0&&(_=_.trim(),m=m.trim()),i({code:f??null,signal:h??null,stdout:_,stderr:m})})})})}async exec(t,n,r={}){(0,pe.default)(typeof t=="string","command must be a valid string"),(0,pe.default)(Array.isArray(n),"parameters must be a valid array"),(0,pe.default)(r!=null&&typeof r=="object","options must be a valid object"),(0,pe.default)(r.stream==null||["both","stdout","stderr"].includes(r.stream),"options.stream must be one of both, stdout, stderr");for(let i=0,{length:c}=n;i<c;i+=1)(0,pe.default)(typeof n[i]=="string",`parameters[${i}] must be a valid string`);let o=`${t}${n.length>0?` ${(0,Ru.default)(n)}`:""}`,s=await this.execCommand(o,r);if(r.stream==null||r.stream==="stdout"){if(s.stderr)throw new Error(s.stderr);return s.stdout}return r.stream==="stderr"?s.stderr:s}async mkdir(t,n="sftp",r=null){if((0,pe.default)(typeof t=="string","path must be a valid string"),(0,pe.default)(typeof n=="string"&&(n==="sftp"||n==="exec"),"method must be either sftp or exec"),(0,pe.default)(r==null||typeof r=="object","sftp must be a valid object"),n==="exec"){await this.exec("mkdir",["-p",gi(t)]);return}let o=r||await this.requestSFTP(),s=a(async i=>XA(gi(t),o).catch(async c=>{if(!i||c==null||c.message!=="No such file"&&c.code!=="ENOENT")throw c;await this.mkdir(Rt.default.dirname(t),"sftp",o),await s(!1)}),"makeSftpDirectory");try{await s(!0)}finally{r||o.end()}}async getFile(t,n,r=null,o=null){(0,pe.default)(typeof t=="string","localFile must be a valid string"),(0,pe.default)(typeof n=="string","remoteFile must be a valid string"),(0,pe.default)(r==null||typeof r=="object","sftp must be a valid object"),(0,pe.default)(o==null||typeof o=="object","transferOptions must be a valid object");let s=r||await this.requestSFTP();try{await new Promise((i,c)=>{s.fastGet(gi(n),t,o||{},u=>{u?c(u):i()})})}finally{r||s.end()}}async putFile(t,n,r=null,o=null){(0,pe.default)(typeof t=="string","localFile must be a valid string"),(0,pe.default)(typeof n=="string","remoteFile must be a valid string"),(0,pe.default)(r==null||typeof r=="object","sftp must be a valid object"),(0,pe.default)(o==null||typeof o=="object","transferOptions must be a valid object"),(0,pe.default)(await new Promise(c=>{Kr.default.access(t,Kr.default.constants.R_OK,u=>{c(u===null)})}),`localFile does not exist at ${t}`);let s=r||await this.requestSFTP(),i=a(c=>new Promise((u,l)=>{s.fastPut(t,gi(n),o||{},f=>{if(f==null){u();return}f.message==="No such file"&&c?u(this.mkdir(Rt.default.dirname(n),"sftp",s).then(()=>i(!1))):l(f)})}),"putFile");try{await i(!0)}finally{r||s.end()}}async putFiles(t,{concurrency:n=Su,sftp:r=null,transferOptions:o={}}={}){(0,pe.default)(Array.isArray(t),"files must be an array");for(let u=0,{length:l}=t;u<l;u+=1){let f=t[u];(0,pe.default)(f,"files items must be valid objects"),(0,pe.default)(f.local&&typeof f.local=="string",`files[${u}].local must be a string`),(0,pe.default)(f.remote&&typeof f.remote=="string",`files[${u}].remote must be a string`)}let s=[],i=r||await this.requestSFTP(),c=new(void 0)({concurrency:n});try{await new Promise((u,l)=>{t.forEach(f=>{c.add(async()=>{await this.putFile(f.local,f.remote,i,o),s.push(f)}).catch(l)}),c.waitTillIdle().then(u)})}catch(u){throw u!=null&&(u.transferred=s),u}finally{r||i.end()}}async putDirectory(t,n,{concurrency:r=Su,sftp:o=null,transferOptions:s={},recursive:i=!0,tick:c=h_,validate:u=f_}={}){(0,pe.default)(typeof t=="string"&&t,"localDirectory must be a string"),(0,pe.default)(typeof n=="string"&&n,"remoteDirectory must be a string");let l=await new Promise(b=>{Kr.default.stat(t,(A,E)=>{b(E||null)})});(0,pe.default)(l!=null,`localDirectory does not exist at ${t}`),(0,pe.default)(l.isDirectory(),`localDirectory is not a directory at ${t}`);let f=o||await this.requestSFTP(),h=await(0,Cu.default)(t,{recursive:i,validate:u}),_=h.files.map(b=>Rt.default.relative(t,b)),m=h.directories.map(b=>Rt.default.relative(t,b));m.sort((b,A)=>b.length-A.length);let y=!1;try{await new Promise((b,A)=>{let E=new(void 0)({concurrency:r});m.forEach(C=>{E.add(async()=>{await this.mkdir(Rt.default.join(n,C),"sftp",f)}).catch(A)}),b(E.waitTillIdle())}),await new Promise((b,A)=>{let E=new(void 0)({concurrency:r});_.forEach(C=>{E.add(async()=>{let L=Rt.default.join(t,C),T=Rt.default.join(n,C);try{await this.putFile(L,T,f,s),c(L,T,null)}catch(q){y=!0,c(L,T,q)}}).catch(A)}),b(E.waitTillIdle())})}finally{o||f.end()}return!y}async getDirectory(t,n,{concurrency:r=Su,sftp:o=null,transferOptions:s={},recursive:i=!0,tick:c=h_,validate:u=f_}={}){(0,pe.default)(typeof t=="string"&&t,"localDirectory must be a string"),(0,pe.default)(typeof n=="string"&&n,"remoteDirectory must be a string");let l=await new Promise(b=>{Kr.default.stat(t,(A,E)=>{b(E||null)})});(0,pe.default)(l!=null,`localDirectory does not exist at ${t}`),(0,pe.default)(l.isDirectory(),`localDirectory is not a directory at ${t}`);let f=o||await this.requestSFTP(),h=await(0,Cu.default)(n,{recursive:i,validate:u,concurrency:r,fileSystem:{basename(b){return Rt.default.posix.basename(b)},join(b,A){return Rt.default.posix.join(b,A)},readdir(b){return new Promise((A,E)=>{f.readdir(b,(C,L)=>{C?E(C):A(L.map(T=>T.filename))})})},stat(b){return new Promise((A,E)=>{f.stat(b,(C,L)=>{C?E(C):A(L)})})}}}),_=h.files.map(b=>Rt.default.relative(n,b)),m=h.directories.map(b=>Rt.default.relative(n,b));m.sort((b,A)=>b.length-A.length);let y=!1;try{await new Promise((b,A)=>{let E=new(void 0)({concurrency:r});m.forEach(C=>{E.add(async()=>{await(0,p_.default)(Rt.default.join(t,C))}).catch(A)}),b(E.waitTillIdle())}),await new Promise((b,A)=>{let E=new(void 0)({concurrency:r});_.forEach(C=>{E.add(async()=>{let L=Rt.default.join(t,C),T=Rt.default.join(n,C);try{await this.getFile(L,T,f,s),c(L,T,null)}catch(q){y=!0,c(L,T,q)}}).catch(A)}),b(E.waitTillIdle())})}finally{o||f.end()}return!y}forwardIn(t,n,r){let o=this.getConnection();return new Promise((s,i)=>{o.forwardIn(t,n,(c,u)=>{if(c){i(c);return}let l=a((h,_,m)=>{h.destIP===t&&h.destPort===u&&r?.(h,_,m)},"handler");r&&o.on("tcp connection",l),s({port:u,dispose:a(()=>new Promise((h,_)=>{o.off("tcp connection",l),o.unforwardIn(t,u,m=>{m&&_(c),h()})}),"dispose")})})})}forwardOut(t,n,r,o){let s=this.getConnection();return new Promise((i,c)=>{s.forwardOut(t,n,r,o,(u,l)=>{if(u){c(u);return}i(l)})})}forwardInStreamLocal(t,n){let r=this.getConnection();return new Promise((o,s)=>{r.openssh_forwardInStreamLocal(t,i=>{if(i){s(i);return}let c=a((l,f,h)=>{l.socketPath===t&&n?.(l,f,h)},"handler");n&&r.on("unix connection",c),o({dispose:a(()=>new Promise((l,f)=>{r.off("unix connection",c),r.openssh_unforwardInStreamLocal(t,h=>{h&&f(h),l()})}),"dispose")})})})}forwardOutStreamLocal(t){let n=this.getConnection();return new Promise((r,o)=>{n.openssh_forwardOutStreamLocal(t,(s,i)=>{if(s){o(s);return}r(i)})})}dispose(){this.connection&&(this.connection.end(),this.connection=null)}};var Bu=require("node:timers/promises");var VA=3,JA=150,ex=40,tx=500;function m_(e,t,{socket:n,firstSessionSeconds:r}){let o=!1,s,i=Number.POSITIVE_INFINITY,c=0,u=new Promise(_=>{t.on("error",m=>{s=m}),t.on("close",()=>_(o?void 0:s??new Error("the connection was closed")))}),l=a(_=>new Promise((m,y)=>{u.then(E=>y(E??new Error("the connection is closed")));let b=performance.now(),A=c===0?rx(t,r,y):void 0;t.exec(_,(E,C)=>(A?.end(),i=Math.min(i,performance.now()-b),E?y(E):(c+=1,m(C))))}),"open"),f,h=a(async _=>{let{command:m,channel:y}=f??{};f=void 0;let b=await y;if(m===_&&b?.writable)return b;b?.destroy()},"takePrepared");return{target:e,isNear:a(()=>"remoteAddress"in n&&/^(::ffff:)?127\.|^::1$/.test(n.remoteAddress??"")&&i<ex,"isNear"),roundTripMs:a(()=>i/2,"roundTripMs"),lost:u,prepare:a(_=>{f={command:_,channel:l(_).catch(()=>{})}},"prepare"),exec:a(async _=>{for(let m=1;;m+=1)try{return nx(await h(_)??await l(_))}catch(y){if(!(m<VA&&s===void 0&&!o&&!(y instanceof Mo)))throw ox(e,{error:s??y,sessions:c});await(0,Bu.setTimeout)(m*JA)}},"exec"),forward:a(_=>sx(t,{from:e,to:_}),"forward"),[Symbol.asyncDispose]:async()=>{o=!0,t.end(),await Promise.race([u,(0,Bu.setTimeout)(1e3,void 0,{ref:!1})]),t.destroy()}}}a(m_,"openHost");function nx(e){let t=null;return e.on("exit",n=>{t=n}),{input:e,output:e,errors:e.stderr,closed:new Promise(n=>{e.on("close",()=>n(t)).on("error",()=>n(t))}),destroy:a(()=>e.destroy(),"destroy")}}a(nx,"channelOf");var Mo=class extends Error{static{a(this,"SlowSessionError")}};function rx(e,t,n){let{_resetKA:r}=e,o=setInterval(()=>r?.(),tx),s=a(()=>{clearInterval(o),clearTimeout(i)},"end"),i=setTimeout(()=>{s(),n(new Mo(`the login was accepted, but no session was opened within ${t} s`))},t*1e3);return{end:s}}a(rx,"bePatient");function ox({name:e},{error:t,sessions:n}){let r={what:"Opening a session",where:e,why:`${t.message}.`,cause:t};if(t instanceof Mo){let o="check what logins wait for on the host (PAM, systemd-logind); it may need connect-timeout-seconds.";return new Ge({...r,remedy:o})}if(n>0){let o=`the server refused a further session on this connection (${t.message}): it allows fewer than are needed (MaxSessions in sshd_config; tinysshd allows one).`;return new Ge({...r,why:o,remedy:"raise MaxSessions there, or run OpenSSH beside that server."})}return new Ge({...r,remedy:"check the log of sshd there (MaxSessions, ForceCommand, the login shell)."})}a(ox,"sessionFailure");async function sx(e,{from:t,to:n}){return new Promise((r,o)=>{let s=a(u=>o(new Ge({what:"Connecting",where:n.name,why:`the jump host ${t.name} can't reach it: ${u.message}.`,remedy:"check the address from the jump host, and AllowTcpForwarding there.",cause:u})),"fail"),i=Object.assign(new Error(`no answer within ${n.connectTimeoutSeconds} s`),{level:"client-timeout"}),c=setTimeout(s,n.connectTimeoutSeconds*1e3,i);e.forwardOut("127.0.0.1",0,n.host,n.port,(u,l)=>{clearTimeout(c),u?s(u):r(l)})})}a(sx,"forward");var xi=require("node:fs");function g_(e,t){let n=t==="inet6"?void 0:ix(e);if(n!==void 0)return n;if(e.includes(":")&&t!=="inet"){let r=ax(e);return r.toLowerCase()===e.toLowerCase()?e:r}return/[%:]/.test(e)||/^[\d.]*$/.test(e)?e:e.toLowerCase()}a(g_,"canonicalHost");function ix(e){let t=e.split(".");if(t.length>4||!t.every(s=>/^(0x[\da-f]+|0[0-7]*|[1-9]\d*)$/i.test(s)))return;let n=t.map(s=>/^0[0-7]+$/.test(s)?Number.parseInt(s,8):Number(s)),r=n.pop()??0;if(n.some(s=>s>255)||r>=256**(4-n.length))return;let o=Array.from({length:4-n.length},(s,i)=>Math.floor(r/256**i)%256).reverse();return[...n,...o].join(".")}a(ix,"v4Of");function ax(e){if(!URL.canParse(`http://[${e}]`))return e;let t=new URL(`http://[${e}]`).hostname.slice(1,-1),[,n,r]=/^::ffff:([\da-f]+):([\da-f]+)$/.exec(t)??[];if(n===void 0||r===void 0)return t;let[o,s]=[Number.parseInt(n,16),Number.parseInt(r,16)];return`::ffff:${o>>8}.${o&255}.${s>>8}.${s&255}`}a(ax,"v6Of");var cx={followed:`Host Match Include HostName User Port IdentityFile IdentitiesOnly IdentityAgent ProxyJump UserKnownHostsFile
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
    CompressionLevel`},ux={identityfile2:"identityfile",challengeresponseauthentication:"kbdinteractiveauthentication",skeyauthentication:"kbdinteractiveauthentication",tisauthentication:"kbdinteractiveauthentication",dsaauthentication:"pubkeyauthentication",hostbasedkeytypes:"hostbasedacceptedalgorithms",pubkeyacceptedkeytypes:"pubkeyacceptedalgorithms",keepalive:"tcpkeepalive",smartcarddevice:"pkcs11provider",rsaminsize:"requiredrsasize",protocolkeepalives:"serveraliveinterval",setuptimeout:"serveraliveinterval"},lx=new Map(Object.entries(cx).flatMap(([e,t])=>t.split(/\s+/).map(n=>[n.toLowerCase(),{kind:e,spelling:n}])));function Pu(e){let t=ux[e]??e,n=lx.get(t);return n&&{name:t,...n}}a(Pu,"keywordOf");var $_={proxycommand:{unless:["none"],remedy:"use ProxyJump there, or the input proxy-jump"},canonicalizehostname:{unless:["no","false"],remedy:"write the whole name in host"},canonicalizepermittedcnames:{unless:["none"],remedy:"write the whole name in host"},revokedhostkeys:{unless:["none"],remedy:"give @revoked lines in known-hosts, and another config with ssh-config"},knownhostscommand:{unless:["none"],remedy:"give the lines in known-hosts, and another config with ssh-config"},checkhostip:{unless:["no","false"],remedy:"leave it at `no`, its default"},bindinterface:{unless:[],remedy:"use BindAddress with an address of that interface"},refuseconnection:{unless:[],remedy:"use another host, or another config with ssh-config"}};var Ye=class extends Error{static{a(this,"LineError")}};function w_(e){let[t,n]=yi(e.replace(/[ \t\r\n\f]+$/,""));if(t===""&&n!==void 0&&([t,n]=yi(n)),!(t===void 0||t===""||t.startsWith("#"))){if(n=(n??"").replace(/^[ \t\r\n]+/,""),n==="")throw new Ye(`${t} has no value`);return{keyword:t.toLowerCase(),rest:n,words:dx(n)}}}a(w_,"readLine");function yi(e){let t=e.search(/[ \t\r\n"=]/);if(t<0)return[e,void 0];if(e[t]==='"'){let r=e.indexOf('"',t+1);if(r<0)throw new Ye("a quote is never closed");return[e.slice(0,t)+e.slice(t+1,r),e.slice(r+1).replace(/^[ \t\r\n]+/,"")]}let n=e.slice(t+1).replace(/^[ \t\r\n]+/,"");return[e.slice(0,t),e[t]!=="="&&n.startsWith("=")?n.slice(1).replace(/^[ \t\r\n]+/,""):n]}a(yi,"nextToken");function dx(e){let t=[],n=0;for(;n<e.length;){if(e[n]===" "||e[n]==="	"){n+=1;continue}if(e[n]==="#")break;let{word:r,end:o}=fx(e,n);t.push(r),n=o}return t}a(dx,"splitWords");function fx(e,t){let n="",r="",o=t;for(;o<e.length;o+=1){let s=e[o]??"",i=e[o+1]??"";if(s==="\\"&&i!==""&&(`'"\\`.includes(i)||r===""&&i===" "))n+=i,o+=1;else{if(r===""&&(s===" "||s==="	"))break;r===""&&(s==='"'||s==="'")?r=s:s===r?r="":n+=s}}if(r!=="")throw new Ye("a quote is never closed");return{word:n,end:o}}a(fx,"readWord");function y_(e,t){let n=t.replace(/[.+^${}()|[\]\\]/g,"\\$&").replaceAll(/\*+/g,"[^]*").replaceAll("?","[^]");return new RegExp(`^${n}$`).test(e)}a(y_,"matchesPattern");function hn(e,t){return t.filter(r=>r.startsWith("!")).map(r=>r.slice(1)).some(r=>y_(e,r))?!1:t.some(r=>!r.startsWith("!")&&y_(e,r))}a(hn,"matchesPatterns");function zo(e,t){return hn(e.toLowerCase(),t.map(n=>n.toLowerCase()))}a(zo,"matchesHostPatterns");var hx=["exec","localnetwork","version","sessiontype","command"];function A_(e,t){let n={applies:!0,wantsFinal:!1,unknown:[]},r=e,o=0,s=a(()=>{if(r===void 0)return;let[i,c]=yi(r);return r=c,i},"next");for(let i=s();i!==void 0&&i!==""&&!i.startsWith("#");i=s()){let c=i.startsWith("!"),u=i.slice(c?1:0).toLowerCase();if(u==="all"){let f=s();if(o>1||f!==void 0&&f!==""&&!f.startsWith("#"))throw new Ye("`all` stands beside other criteria");return c?{...n,applies:!1}:b_(n)}if(o+=1,u==="final"||u==="canonical"){u==="final"&&c?n.unknown.push("!final"):u==="final"&&(n.wantsFinal=!0),t.final===c&&(n.applies=!1);continue}let l=s();if(l===void 0||l===""&&u!=="tagged"||l.startsWith("#"))throw new Ye(`Match ${u} has no value`);hx.includes(u)?n.unknown.push(u):px(u,l,t)===c&&(n.applies=!1)}if(o===0)throw new Ye("Match has no criteria");return b_(n)}a(A_,"evaluateMatch");function b_(e){let t=e.applies&&e.unknown.length>0?void 0:e.applies;return{...e,applies:t}}a(b_,"settled");function px(e,t,n){let r=t.split(",");if(e==="host")return zo(n.host(),r);if(e==="originalhost")return zo(n.originalHost,r);if(e==="user")return hn(n.user,r);if(e==="localuser")return hn(n.localUser,r);if(e==="tagged")return n.tag===""?t==="":hn(n.tag,r);throw new Ye(`Match ${e} is not known to ssh`)}a(px,"meets");function v_(e,{words:t,rest:n}){return(_x[e]??Qo)(t,n)}a(v_,"readValues");var Qo=a(e=>{let[t]=e;if(t===void 0||t==="")throw new Ye("the value is empty");if(e.length>1)throw new Ye("there are more values than one");return[t]},"one"),Tu={yes:"yes",true:"yes",no:"no",false:"no"},_x={identitiesonly:bi(Tu),hashknownhosts:bi(Tu),stricthostkeychecking:bi({...Tu,ask:"ask",off:"no","accept-new":"accept-new"}),addressfamily:bi({inet:"inet",inet6:"inet6",any:"any"}),port:a((e,t)=>{let[n=""]=Qo(e,t)??[],r=n==="ssh"?22:Number(/^\d{1,5}$/.test(n)?n:Number.NaN);if(!(r>=1&&r<=65535))throw new Ye(`'${n}' is not a port`);return[String(r)]},"port"),connecttimeout:E_,serveraliveinterval:E_,serveralivecountmax:x_,requiredrsasize:x_,userknownhostsfile:k_,globalknownhostsfile:k_,proxycommand:a((e,t)=>[t],"proxycommand"),knownhostscommand:a((e,t)=>[t],"knownhostscommand"),refuseconnection:a(e=>[e.join(" ")],"refuseconnection"),proxyjump:a((e,t)=>[t.replace(/#.*$/,"").trimEnd()],"proxyjump")};function bi(e){return(t,n)=>{let[r=""]=Qo(t,n)??[],o=e[r.toLowerCase()];if(o===void 0)throw new Ye(`'${r}' is not one of ${Object.keys(e).join(", ")}`);return[o]}}a(bi,"oneOf");function x_(e,t){let[n=""]=Qo(e,t)??[];if(!/^\d{1,9}$/.test(n))throw new Ye(`'${n}' is not a number`);return[String(Number(n))]}a(x_,"wholeNumber");function E_(e,t){let[n=""]=Qo(e,t)??[];if(n==="none")return;if(!/^(\d{1,9}[smhdw])*(\d{1,9})?$/i.test(n))throw new Ye(`'${n}' is not a duration`);let o=[...n.toLowerCase().matchAll(/(\d+)([smhdw]?)/g)].reduce((s,[,i,c])=>s+Number(i)*(mx[c||"s"]??1),0);if(o>2**31-1)throw new Ye(`'${n}' is too long`);return[String(o)]}a(E_,"seconds");var mx={s:1,m:60,h:3600,d:86400,w:604800};function k_(e){if(e.length===0||e.includes(""))throw new Ye("the value is empty");if(e.length>1&&e.some(t=>t.toLowerCase()==="none"))throw new Ye("`none` stands beside other files");return e}a(k_,"files");var on=class extends Error{static{a(this,"TokenError")}};function Ai(e,t,n){return e.replace(n?/%(.?)|\$\{([^}]*)(\}?)/gs:/%(.?)/gs,(r,o,s,i)=>{if(r.startsWith("%")){if(o==="%")return"%";let u=t[o];if(u===void 0)throw new on(`the token %${o} in '${e}' is not supported`);return u}if(s===""||i==="")throw new on(`the variable in '${e}' has no name or no closing }`);let c=n?.(s);if(c===void 0)throw new on(`the environment variable ${s} is not set`);return c})}a(Ai,"expandTokens");function Ko(e,t,n){let[,r,o=""]=/^~([^/]*)\/*(.*)$/s.exec(e)??[];if(r===void 0)return e;let s=r===""?t:n(r);if(s===void 0)throw new on(`the runner has no account ${r} (${e})`);return`${s.replace(/\/$/,"")}/${o}`}a(Ko,"expandTilde");var Zt=class extends Error{static{a(this,"ConfigError")}remedy;constructor(t,n){super(t),this.remedy=n}},gx=new Set(["identityfile","certificatefile"]),$x=16;function S_(e,t){let n={question:t,host:t.host,values:new Map,places:new Map,final:!1,wantsFinal:!1},r=a(()=>{for(let s of e)C_(s,n,{applies:!0,depth:0})},"readAll");r();let o=Ex(n);return n.wantsFinal&&(n.values.set("hostname",[o.replaceAll("%","%%")]),Object.assign(n,{host:o,final:!0}),r()),{host:o,values:n.values,places:n.places}}a(S_,"resolveConfig");function I_({values:e,places:t},n){for(let[r,{unless:o,remedy:s}]of Object.entries($_)){let i=e.get(r)?.[0];if(i===void 0||o.includes(i.toLowerCase())||n.includes(r))continue;let c=Pu(r)?.spelling;return new Zt(`${t.get(r)}: ${c} is set to '${i}', which is not supported`,`${s}.`)}}a(I_,"refusedKeyword");function C_({path:e,text:t,system:n=!1},r,{applies:o,depth:s}){let i=o;for(let[c,u]of t.split(`
`).entries()){let l=`${e}:${c+1}`;try{let f=w_(u);if(!f)continue;let h=Pu(f.keyword);h?.name==="host"?i=o&&wx(f.words,r):h?.name==="match"?i=yx(f.rest,r,o):h?.name==="include"?bx(f.words,{reading:r,system:n},{applies:i,depth:s}):xx(f,h,{reading:r,where:l,applies:i})}catch(f){throw f instanceof Ye||f instanceof on?new Zt(`${l}: ${f.message}`):f}}}a(C_,"readFile");function wx(e,{host:t}){if(e.includes(""))throw new Ye("a pattern is empty");return hn(t,e)}a(wx,"hostLineApplies");function yx(e,t,n){let{question:r,values:o}=t,{applies:s,wantsFinal:i,unknown:c}=A_(e,{host:a(()=>R_(t),"host"),originalHost:r.host,user:r.user??o.get("user")?.[0]??r.localUser,localUser:r.localUser,tag:o.get("tag")?.[0]??"",final:t.final});if(i&&!t.final&&(t.wantsFinal=!0),s===void 0&&n)throw new Ye(`Match ${c.join(", ")} is not supported`);return n&&s===!0}a(yx,"matchLineApplies");function bx(e,{reading:t,system:n},{applies:r,depth:o}){if(o>=$x)throw new Ye("Include is nested too deeply");for(let s of e){if(s==="")throw new Ye("the value is empty");if(r&&/%|\$\{/.test(s))throw new Ye(`tokens in Include (${s}) are not supported`);for(let i of Ax(s,t.question,n))for(let c of t.question.include(i))C_({...c,system:n},t,{applies:r,depth:o+1})}}a(bx,"include");function Ax(e,{homes:t,homeOf:n},r){if(e.startsWith("/"))return[e];if(r&&e.startsWith("~"))throw new Ye(`${e} is not a path for the system's config`);return r?[`/etc/ssh/${e}`]:e.startsWith("~")?[...new Set(t.map(o=>Ko(e,o,n)))]:t.map(o=>`${o}/.ssh/${e}`)}a(Ax,"includedPaths");function xx(e,t,{reading:n,where:r,applies:o}){let{values:s,places:i}=n;if(t===void 0){let l=s.get("ignoreunknown")?.[0]?.toLowerCase().split(",")??[];if(!o||hn(e.keyword,l))return;throw new Ye(`the keyword ${e.keyword} is not known (IgnoreUnknown ${e.keyword} before it leaves it out)`)}if(t.kind==="harmless")return;let c=v_(t.name,e);if(!o||c===void 0)return;let u=s.get(t.name);u&&!gx.has(t.name)||(s.set(t.name,[...new Set([...u??[],...c])]),u||i.set(t.name,r))}a(xx,"setValue");function Ex(e){try{return g_(R_(e),e.values.get("addressfamily")?.[0])}catch(t){throw t instanceof on?new Zt(`${e.places.get("hostname")}: ${t.message}`):t}}a(Ex,"destinationOf");function R_({values:e,question:t}){return Ai(e.get("hostname")?.[0]??"%h",{h:t.host})}a(R_,"hostNameOf");var Wo=require("node:fs");var B_=/[*?[\\]/;function P_(e){if(!B_.test(e))return(0,Wo.existsSync)(e)?[e]:[];let t=e.split("/").filter(r=>r!==""),n=[e.startsWith("/")?"":"."];for(let r of t)n=n.flatMap(o=>kx(o,r));return n.sort((r,o)=>Buffer.compare(Buffer.from(r),Buffer.from(o)))}a(P_,"globPaths");function kx(e,t){if(!B_.test(t))return(0,Wo.existsSync)(`${e}/${t}`)?[`${e}/${t}`]:[];let n=vx(t);try{return(0,Wo.readdirSync)(`${e}/`).filter(o=>n.test(o)).filter(o=>!o.startsWith(".")||t.startsWith(".")).map(o=>`${e}/${o}`)}catch{return[]}}a(kx,"entriesOf");function vx(e){let t="";for(let n=0;n<e.length;n+=1){let r=e[n]??"",o=r==="["?Sx(e,n):void 0;o?(t+=o.source,n=o.end):r==="*"?t+="[^]*":r==="?"?t+="[^]":r==="\\"&&n+1<e.length?(n+=1,t+=jo(e[n]??"")):t+=jo(r)}return new RegExp(`^${t}$`,"u")}a(vx,"patternOf");function Sx(e,t){let n=/^\[(!?)((?:\]|\[:\w+:\]|[^\]])(?:\[:\w+:\]|[^\]])*)\]/u.exec(e.slice(t));if(!n)return;let[r,o,s=""]=n,c=[...s.matchAll(/\[:(\w+):\]|(.)-(.)|(.)/gsu)].map(([,l,f,h,_])=>l!==void 0?Ix[l]??"":_!==void 0?jo(_):(f??"")<=(h??"")?`${jo(f??"")}-${jo(h??"")}`:"").join("");return{source:c===""?o?"[^]":"[^\\s\\S]":`[${o?"^":""}${c}]`,end:t+r.length-1}}a(Sx,"setAt");var Ix={alnum:"A-Za-z0-9",alpha:"A-Za-z",digit:"0-9",lower:"a-z",punct:"!-\\/:-@\\[-`\\{-~",space:"\\s",upper:"A-Z",xdigit:"0-9A-Fa-f"};function jo(e){return e.replace(/[\\^$.*+?()[\]{}|/-]/,"\\$&")}a(jo,"literal");var Cx="/etc/ssh/ssh_config";function T_(e,t){if(e===void 0)return[...t.flatMap(s=>O_(`${s}/.ssh/config`)),...qt(Cx).map(s=>({...s,system:!0}))];let n=e.startsWith("~/")?t.map(o=>`${o}/${e.slice(2)}`):[e],r=n.flatMap(o=>qt(o))[0];if(r)return[r];throw new Ge({what:"Reading the SSH config",why:`there is no readable file ${n[0]} on the runner.`,remedy:"correct ssh-config, or leave it out to use ~/.ssh/config."})}a(T_,"configFiles");function N_(e){return P_(e).flatMap(t=>O_(t))}a(N_,"includedFiles");function qt(e){try{return[{path:e,text:(0,xi.readFileSync)(e,"utf8")}]}catch{return[]}}a(qt,"readIfThere");function O_(e){let t=Rx(e);if(!t||t.isDirectory())return[];if(!(t.uid===0||t.uid===process.getuid?.())||(t.mode&18)!==0)throw new Zt(`${e} may be written by others than its owner, or has another owner; ssh refuses it too`,`give it to the account that runs the job, and run: chmod go-w ${e}`);let[r]=qt(e);if(!r)throw new Zt(`${e} can't be read`);return[r]}a(O_,"readChecked");function Rx(e){try{return(0,xi.statSync)(e)}catch{return}}a(Rx,"statOf");var Wr=require("node:crypto");function U_(e){return e.split(`
`).flatMap(t=>{let[,n="",r=""]=/^[ \t]*(?:(@[^ ]+)[ \t]+)?(.*)$/.exec(t.replace(/\r+$/,""))??[],[o="",s="",i=""]=r.split(/[ \t]+/);if(o===""||o.startsWith("#")||!["","@revoked","@cert-authority"].includes(n))return[];if(!/^[A-Za-z0-9+/]+={0,2}$/.test(i)||i.length%4!==0)return[];let c=Buffer.from(i,"base64");return!Px(c)||(Bx[s]??s)!==jr(c)?[]:[{marker:n,hosts:o,type:jr(c),key:c}]})}a(U_,"parseKnownHosts");var Bx={"rsa-sha2-256":"ssh-rsa","rsa-sha2-512":"ssh-rsa"};function D_(e,t,n){if(e.some(u=>u.marker==="@revoked"&&u.key.equals(n)&&vi(u,t)))return"revoked";let[o="",...s]=t,i=L_(e,o,n);return i==="unknown"&&s.some(u=>L_(e,u,n)==="known")?"known":i}a(D_,"judgeHostKey");function L_(e,t,n){let r=e.filter(o=>o.marker===""&&vi(o,[t]));return r.some(o=>o.key.equals(n))?"known":r.some(({type:o})=>o===jr(n))?"changed":r.length>0?"other type known":"unknown"}a(L_,"judgeByName");function H_(e,t){for(let n of t){let r=e.filter(o=>o.marker===""&&vi(o,[n])).map(({type:o})=>o);if(r.length>0)return[...new Set(r)]}return[]}a(H_,"knownTypes");function F_(e,t){return e.some(n=>n.marker==="@cert-authority"&&vi(n,t))}a(F_,"hasAuthority");function Ei(e,t,n){if(n)return[n];let r=e.toLowerCase();return t===22?[r]:[`[${r}]:${t}`,r]}a(Ei,"lookupNames");function ki(e,t){return`${e} ${jr(t)} ${t.toString("base64")}`}a(ki,"knownHostsLine");function Zo(e){return`SHA256:${(0,Wr.createHash)("sha256").update(e).digest("base64").replace(/=+$/,"")}`}a(Zo,"fingerprint");function jr(e){return e.subarray(4,4+(e.length>=4?e.readUInt32BE(0):0)).toString("latin1")}a(jr,"hostKeyType");function Nu(e,t=(0,Wr.randomBytes)(20)){let n=(0,Wr.createHmac)("sha1",t).update(e).digest("base64");return`|1|${t.toString("base64")}|${n}`}a(Nu,"hashedName");function qo(e){let[t,,n]=M_(e)??[];if(!(t?.toString("latin1")!=="ssh-rsa"||!n))return z_(n)}a(qo,"rsaBits");function vi({hosts:e},t){let[,,n]=e.split("|");return t.some(r=>e.startsWith("|")?n!==void 0&&Nu(r,Buffer.from(n,"base64"))===e:zo(r,e.split(",")))}a(vi,"isFor");function Px(e){let t=M_(e);if(!t)return!1;let[n="",...r]=[t[0]?.toString("latin1")??"",...t.slice(1)];return Tx[n]!==r.length?!1:n==="ssh-ed25519"?r[0].length===32:n!=="ssh-rsa"||z_(r[1])>=1024}a(Px,"isWholeKey");var Tx={"ssh-ed25519":1,"ssh-rsa":2,"ssh-dss":4,"ecdsa-sha2-nistp256":2,"ecdsa-sha2-nistp384":2,"ecdsa-sha2-nistp521":2,"sk-ssh-ed25519@openssh.com":2,"sk-ecdsa-sha2-nistp256@openssh.com":3};function M_(e){let t=[];for(let n=0;n<e.length;){let r=n+4<=e.length?n+4+e.readUInt32BE(n):Number.POSITIVE_INFINITY;if(r>e.length)return;t.push(e.subarray(n+4,r)),n=r}return t}a(M_,"fieldsOf");function z_(e){let t=e.findIndex(n=>n!==0);return t<0?0:(e.length-t)*8-Math.clz32(e[t]??0)+24}a(z_,"bitsOf");var Q_={"ssh-ed25519":["ssh-ed25519"],"ecdsa-sha2-nistp256":["ecdsa-sha2-nistp256"],"ecdsa-sha2-nistp384":["ecdsa-sha2-nistp384"],"ecdsa-sha2-nistp521":["ecdsa-sha2-nistp521"],"ssh-rsa":["rsa-sha2-512","rsa-sha2-256"]};function K_(e,{checking:t,given:n,log:r}){let o=n??e.knownHostsFiles.flatMap(h=>qt(h)).map(h=>h.text).join(`
`),s=U_(o),i=Ei(e.host,e.port,e.hostKeyAlias),c=H_(s,i),u=c.flatMap(h=>Q_[h]??[]),l,f;return{algorithms:Nx([...new Set([...u,...Object.values(Q_).flat()])],e),refusal:a(()=>l,"refusal"),newKey:a(()=>f,"newKey"),accepts:a(h=>{let _=D_(s,i,h),m=Ox(h,e);if(_==="known"&&!m)return!0;if(t==="insecure")return r.warning(`The host key of ${e.name} was not checked (host-key-checking: insecure): ${Zo(h)}`),!0;let y=ki(i[0]??e.host,h);return t==="accept-new"&&_==="unknown"&&!m?(r.warning(`New host key of ${e.name} accepted (host-key-checking: accept-new): ${y}`),n===void 0&&(f=h),!0):(l=Lx(e,{reason:m?"short":_,key:h,line:y,types:c,authority:F_(s,i)}),!1)},"accepts")}}a(K_,"hostKeyJudge");function Nx(e,{hostKeyAlgorithms:t,written:n}){if(t===void 0||t.startsWith("+"))return e;let r=t.replace(/^[-^]/,"").split(","),o=a(i=>hn(i,r),"named");if(t.startsWith("-"))return s(e.filter(i=>!o(i)));if(t.startsWith("^"))return[...e].sort((i,c)=>Number(o(c))-Number(o(i)));return s(e.filter(o));function s(i){if(i.length>0)return i;throw new Ge({what:`Reading the SSH config for ${n}`,why:`HostKeyAlgorithms ${t} leaves nothing that the built-in client knows (${e.join(", ")}).`,remedy:"allow one of them there, or give another config with ssh-config."})}}a(Nx,"allowed");function Ox(e,{rsaBitsAtLeast:t}){return(qo(e)??t)<t}a(Ox,"isShort");function Lx(e,{reason:t,key:n,line:r,types:o,authority:s}){let i=`${jr(n)} ${Zo(n)}`,c={revoked:`its host key is marked as revoked: ${i}.`,changed:`its host key has changed: it offers ${i}, which is not the one known for it.`,"other type known":`known_hosts has only ${o.join(", ")} for it, but it offered ${i}.`,unknown:s?`its host key is known only through a certificate authority (@cert-authority), which is not supported; it offers ${i}.`:`its host key is unknown: it offers ${i}.`,short:`its host key is too short: it offers ${i} with ${qo(n)} bits, and RequiredRSASize is ${e.rsaBitsAtLeast}.`,known:""}[t],u={revoked:"find out which host answers there, and why its key was revoked.",changed:`find out why before you trust it (new machine, or somebody in between). If it is right, replace its known_hosts line by:
${r}`,"other type known":`if that is the right host, add this line to known-hosts:
${r}`,unknown:`compare the fingerprint with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there), then add this line to known-hosts:
${r}`,short:"give the host a longer key (ssh-keygen -t ed25519), or lower RequiredRSASize in the SSH config.",known:""}[t];return new Ge({what:"Connecting",where:e.name,why:c,remedy:u})}a(Lx,"refusal");var G_=ft(Fo(),1);var Si=ft(Fo(),1);var j_=5;async function W_(e){let t=new Si.default.OpenSSHAgent(e),n,r=new Promise(s=>{n=setTimeout(s,j_*1e3,`it did not answer within ${j_} s`)}),o=new Promise(s=>{t.getIdentities((i,c=[])=>{if(i)return s(i.message);let u=c.map(l=>Si.default.utils.parseKey(l)).flatMap(l=>Array.isArray(l)?l:[l]);return s(u.flatMap(l=>l instanceof Error?[]:[{key:l,agent:new Ou(e,l)}]))})});try{return await Promise.race([o,r])}finally{clearTimeout(n)}}a(W_,"agentKeys");var Ou=class extends Si.default.OpenSSHAgent{static{a(this,"OneKey")}#e;constructor(t,n){super(t),this.#e=n}getIdentities(t){t(void 0,[this.#e])}};var Z_=require("node:crypto"),q_=ft(Fo(),1);function pn(e){let t=Buffer.from(e),n=Buffer.alloc(4);return n.writeUInt32BE(t.length),Buffer.concat([n,t])}a(pn,"lengthFirst");function Lu(e,t){let n=Ux(e);if(n.includes("PuTTY-User-Key-File"))return"it is a PuTTY key: export it as an OpenSSH key first";let r=[...n.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----/gs)];if(r.length===0)return Dx(n);let o=[];for(let[s,[,i="",c=""]]of r.entries()){let u=Hx(i,c,t);if(typeof u=="string")return r.length>1?`key ${s+1} of ${r.length}: ${u}`:u;o.push(u)}return o}a(Lu,"parseKeys");function Ux(e){let t=e.replace(/^\uFEFF/,"").trim().replace(/^(["'])(.*)\1$/s,"$2").replaceAll(/\\r|\r/g,"").replaceAll("\\n",`
`);if(t.includes("-----")||!/^[A-Za-z0-9+/=\s]+$/.test(t))return t;let n=Buffer.from(t,"base64").toString("latin1");return n.includes("-----BEGIN ")?n.replaceAll("\r",""):n.startsWith("openssh-key-v1\0")?Uu("OPENSSH PRIVATE KEY",t):t}a(Ux,"repaired");function Dx(e){return/^(ssh-|ecdsa-|sk-)[\w@.-]*-cert-v01@/.test(e)?"it is a certificate; the private key is needed":/^(ssh-|ecdsa-|sk-)/.test(e)?"it is a public key; the private one is needed":/-----BEGIN [A-Z0-9 ]+-----/.test(e)?"it is cut off: its last line (-----END …-----) is missing":/-----END [A-Z0-9 ]+-----/.test(e)?"its first line (-----BEGIN …-----) is missing":"it is not a private key in a known format (OpenSSH, PEM)"}a(Dx,"whyNoBlock");function Hx(e,t,n){if(e.endsWith("PUBLIC KEY"))return"it is a public key; the private one is needed";if(e.includes("CERTIFICATE"))return"it is a certificate; the private key is needed";let r=Uu(e,t);if(e==="OPENSSH PRIVATE KEY"&&Fx(t))return"it belongs to a security key (FIDO), which somebody would have to touch; use a key without one";let o=e.endsWith("PRIVATE KEY")&&/^(ENCRYPTED )?PRIVATE KEY$/.test(e)?Mx(r,n):r,s=q_.default.utils.parseKey(o,n),i=Array.isArray(s)?s[0]:s;return i===void 0?"it holds no key":i instanceof Error?Qx(i.message,n):i.isPrivateKey()?i:"it is a public key; the private one is needed"}a(Hx,"parseBlock");function Uu(e,t){let n=[...t.matchAll(/(Proc-Type|DEK-Info): *(\S+)/g)].map(([s])=>s),r=t.replace(/(Proc-Type|DEK-Info): *\S+/g,"").replace(/\s+/g,""),o=[...n.length>0?[...n,""]:[],...r.match(/.{1,64}/g)??[]];return`-----BEGIN ${e}-----
${o.join(`
`)}
-----END ${e}-----
`}a(Uu,"block");function Fx(e){let t=Buffer.from(e.replace(/\s+/g,""),"base64").subarray(0,300).toString("latin1");return/sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com/.test(t)}a(Fx,"isForSecurityKey");function Mx(e,t){try{let n=(0,Z_.createPrivateKey)({key:e,...t===void 0?{}:{passphrase:t}});if(n.asymmetricKeyType==="rsa")return n.export({type:"pkcs1",format:"pem"}).toString();if(n.asymmetricKeyType==="ec")return n.export({type:"sec1",format:"pem"}).toString();if(n.asymmetricKeyType==="ed25519"){let{x:r="",d:o=""}=n.export({format:"jwk"});return zx(Buffer.from(r,"base64url"),Buffer.from(o,"base64url"))}}catch{}return e}a(Mx,"fromPkcs8");function zx(e,t){let n=pn("ssh-ed25519"),r=Buffer.alloc(8),o=Buffer.concat([r,n,pn(e),pn(Buffer.concat([t,e])),pn("")]),s=Buffer.from(Array.from({length:(8-o.length%8)%8},(l,f)=>f+1)),i=pn("none"),c=Buffer.from([0,0,0,1]),u=Buffer.concat([Buffer.from("openssh-key-v1\0"),i,i,pn(""),c,pn(Buffer.concat([n,pn(e)])),pn(Buffer.concat([o,s]))]);return Uu("OPENSSH PRIVATE KEY",u.toString("base64"))}a(zx,"openSshEd25519");function Qx(e,t){return/no passphrase given|passphrase required/i.test(e)?"it is encrypted, and no passphrase is given (ssh-key-passphrase)":/integrity|bad passphrase|bad decrypt|decrypt/i.test(e)&&t!==void 0?"its passphrase is wrong":/unsupported key format/i.test(e)?"it is not a private key in a known format (OpenSSH, PEM)":`it can't be read: ${e}`}a(Qx,"unusable");async function Y_({sshKey:e,passphrase:t},n){if(e!==void 0)return{identities:Kx("ssh-key",e,t),skipped:[]};let r=[...n.notOffered],o=a(l=>n.identityFiles.filter(f=>f.named===l).flatMap(({path:f})=>jx(f,t,r)),"fromFiles"),s=o(!0),i=o(!1),c=await Wx(n,r),u=[...s,...c,...i].filter(l=>qx(l,n,r));return{identities:Gx(u),skipped:r}}a(Y_,"identitiesOf");function Kx(e,t,n){let r=Lu(t,n);if(typeof r!="string")return r.map((o,s)=>({label:r.length>1?`${e} (${s+1} of ${r.length})`:e,key:o,agent:void 0}));throw new Ge({what:`Reading ${e}`,why:`${r}.`,remedy:"store the whole private key, with its first and last line, as the secret; and its passphrase in ssh-key-passphrase."})}a(Kx,"givenKeys");function jx(e,t,n){let[r]=qt(e);if(!r)return[];qt(`${e}-cert.pub`).length>0&&n.push(`${e}-cert.pub: the built-in client can't use certificates`);let o=Lu(r.text,t);return typeof o!="string"?o.map(s=>({label:e,key:s,agent:void 0})):(n.push(`${e}: ${o}`),[])}a(jx,"fileKeys");async function Wx({agent:e,identitiesOnly:t,identityFiles:n},r){if(e===void 0)return[];let o=await W_(e);if(typeof o=="string")return r.push(`agent ${e}: ${o}`),[];let s=t?n.flatMap(({path:i})=>Zx(i)):[];return o.filter(({key:i})=>!t||s.some(c=>c.equals(i.getPublicSSH()))).map(({key:i,agent:c})=>({label:`agent ${e}, ${i.type} ${Zo(i.getPublicSSH())}`,key:i,agent:c}))}a(Wx,"fromAgent");function Zx(e){return[...qt(e),...qt(`${e}.pub`)].flatMap(({text:t})=>G_.default.utils.parseKey(t)).flatMap(t=>t instanceof Error?[]:[t.getPublicSSH()])}a(Zx,"publicKeys");function qx({label:e,key:t},{rsaBitsAtLeast:n},r){let o=qo(t.getPublicSSH());return o===void 0||o>=n?!0:(r.push(`${e}: it has ${o} bits, and RequiredRSASize is ${n}`),!1)}a(qx,"isLongEnough");function Gx(e){let t=new Set;return e.filter(({key:n})=>{let r=n.getPublicSSH().toString("base64");return t.has(r)?!1:(t.add(r),!0)})}a(Gx,"withoutRepeats");function X_(e,t,n){let r={keys:[],accepted:void 0,methods:[],partial:!1,prompts:[]},o=t.map(i=>({method:"publickey",identity:i})),s;return{offers:r,handler:a((i,c,u)=>{for(s===void 0&&(o.length===0||Yx(n()))&&o.unshift({method:"none"}),i&&(r.methods=i),c&&(Object.assign(r,{partial:!0,accepted:Jx(s)}),o.push({method:"keyboard-interactive"})),s=o.shift();s&&!Xx(s,r);)s=o.shift();s?.identity&&r.keys.push(s.identity.label),u(s?Vx(s,e,r):!1)},"handler")}}a(X_,"offerInTurn");function Yx(e){let{_remoteVer:t=""}=e??{};return!/^(OpenSSH|dropbear)/i.test(t)}a(Yx,"mayNeedNoKey");function Xx({method:e},{methods:t,partial:n}){return e==="none"?!n:t.length===0||t.includes(e)}a(Xx,"isWorthAsking");function Vx({method:e,identity:t},n,r){return t?.agent?{type:"agent",username:n,agent:t.agent}:t?{type:"publickey",username:n,key:t.key}:e==="none"?{type:"none",username:n}:{type:"keyboard-interactive",username:n,prompt:a((o,s,i,c,u)=>{r.prompts.push(...c.map(({prompt:l})=>l.trim())),u([])},"prompt")}}a(Vx,"methodOf");function Jx(e){return e?.identity?.label}a(Jx,"labelOf");var V_=require("node:dns/promises"),J_=require("node:net");async function em(e){let{host:t,port:n,addressFamily:r,bindAddress:o,connectTimeoutSeconds:s}=e,i=s*1e3,c,u,l=new Promise((_,m)=>{u=setTimeout(()=>m(Object.assign(new Error("no answer"),{level:"client-timeout"})),i)}),h=a(async()=>{let _=await(0,V_.lookup)(t,{all:!0,family:r});c=(0,J_.connect)({host:t,port:n,noDelay:!0,lookup:e1(_),...o===void 0?{}:{localAddress:o},autoSelectFamily:_.length>1,autoSelectFamilyAttemptTimeout:Math.max(10,Math.floor(i/_.length))});let m=c;return await new Promise((y,b)=>{m.once("connect",y).once("error",A=>b(t1(A)))}),m},"opened")();try{return await Promise.race([h,l])}catch(_){throw h.catch(()=>{}),c?.on("error",()=>{}).destroy(),_}finally{clearTimeout(u)}}a(em,"openSocket");function e1(e){return(t,n,r)=>{n.all?r(null,e):r(null,e[0]?.address??"",e[0]?.family)}}a(e1,"answerWith");function t1(e){let t=e instanceof AggregateError?e.errors:[];for(let n of["ECONNREFUSED","ETIMEDOUT"])for(let r of t)if(r.code===n)return r;return t[0]??e}a(t1,"mostTelling");var Ii=require("node:fs"),tm=require("node:path");function nm(e,t){let{newKeysFile:n,hashKnownHosts:r}=e,[o=e.host]=Ei(e.host,e.port,e.hostKeyAlias);if(n===void 0)return;let s=ki(r?Nu(o):o,t);try{(0,Ii.mkdirSync)((0,tm.dirname)(n),{recursive:!0,mode:448});let i=qt(n)[0]?.text??"",c=i===""||i.endsWith(`
`)?"":`
`;(0,Ii.appendFileSync)(n,`${c}${s}
`,{mode:384})}catch{}}a(nm,"rememberHostKey");var n1=60;async function rm(e,{inputs:t,context:n,sock:r,jump:o}){let{log:s}=n,i=K_(e,{checking:o1(t,e,s),given:t["known-hosts"],log:s}),c={sshKey:t["ssh-key"],passphrase:t["ssh-key-passphrase"]},u=await Y_(c,e),{client:l,socket:f,accepted:h}=await r1(e,{judge:i,identities:u,sock:r,jump:o});return c.sshKey===void 0&&s.line(`Logged in to ${e.name} with ${h}; ssh-key is not set.`),m_(e,l,{socket:f,firstSessionSeconds:t["connect-timeout-seconds"]??n1})}a(rm,"login");async function r1(e,{judge:t,identities:n,sock:r,jump:o}){let{skipped:s}=n,i=performance.now(),c=new wi,{offers:u,handler:l}=X_(e.user,n.identities,()=>c.connection),f=ff(),h=r;try{h??=await em(e),s1(h),await c.connect({sock:h,username:e.user,readyTimeout:Math.max(1,e.connectTimeoutSeconds*1e3-(performance.now()-i)),keepaliveInterval:e.keepaliveSeconds*1e3,keepaliveCountMax:e.keepaliveMissed,hostVerifier:a(m=>t.accepts(m),"hostVerifier"),authHandler:l,debug:f.read,algorithms:{cipher:["aes128-gcm@openssh.com","aes256-gcm@openssh.com","aes128-ctr","aes256-ctr","chacha20-poly1305@openssh.com"],serverHostKey:t.algorithms}})}catch(m){h?.destroy();let y=t.refusal();if(y)throw y;let b=df(m,e,{offers:u,skipped:s,algorithms:f.found()}),A=o?"Connecting to the jump host":"Connecting";throw new Ge({what:A,where:e.name,...b,cause:m})}finally{let m=t.newKey();m&&nm(e,m)}let _=c.connection;return delete _._protocol._debug,{client:_,socket:h,accepted:u.keys.at(-1)??"no key"}}a(r1,"handshake");function o1(e,t,n){let r=e["host-key-checking"];if(r)return r;let o=t.strictHostKeyChecking;return o==="accept-new"||o==="no"?(n.line(`The SSH config sets StrictHostKeyChecking ${o} for ${t.written}: treated as accept-new.`),"accept-new"):"strict"}a(o1,"checkingOf");function s1(e){let t=e.write.bind(e),n=!1;e.write=(...r)=>(n||(n=!0,e.cork(),process.nextTick(()=>{n=!1,e.uncork()})),t(...r))}a(s1,"gatherWrites");var im=require("node:fs"),am=require("node:os");var Ci=require("node:os");function Du(){try{return(0,Ci.userInfo)()}catch{return}}a(Du,"runnerAccount");function om(e){let t=[Du()?.homedir,e??(0,Ci.homedir)()];return[...new Set(t.filter(n=>n!==void 0))]}a(om,"runnerHomes");var i1=["id_ed25519","id_ecdsa","id_rsa","id_ecdsa_sk","id_ed25519_sk"],a1={inet:4,inet6:6};function sm(e,t,{runner:n,inputs:r}){let{host:o,values:s}=t,i=a(A=>s.get(A)?.[0],"one"),c=a(A=>Number(i(A)??0),"number"),u=r.user??e.user??i("user")??n.localUser,l=r.port??e.port??(c("port")||22),{container:f}=r,h=l1({written:e,host:o,port:l,user:u,alias:i("hostkeyalias")?.toLowerCase()},n),_=(s.get("identityfile")??[]).filter(A=>A.toLowerCase()!=="none").flatMap(A=>h(A)),m=s.has("identityfile")?[]:i1.flatMap(A=>h(`~/.ssh/${A}`)),y=(s.get("userknownhostsfile")??["~/.ssh/known_hosts","~/.ssh/known_hosts2"]).filter(A=>A.toLowerCase()!=="none").flatMap(A=>h(A)),b=(s.get("globalknownhostsfile")??c1).filter(A=>A.toLowerCase()!=="none").map(A=>Ko(A,n.homes[0]??"/",n.homeOf));return{written:e.host,user:u,host:o,port:l,name:`${u}@${o.includes(":")?`[${o}]`:o}:${l}${f?`/${Yd(f)}`:""}`,container:f,addressFamily:a1[i("addressfamily")??""]??0,bindAddress:i("bindaddress"),hostKeyAlias:i("hostkeyalias")?.toLowerCase(),hostKeyAlgorithms:i("hostkeyalgorithms"),rsaBitsAtLeast:c("requiredrsasize")||1024,identityFiles:[..._.map(A=>({path:A,named:!0})),...m.map(A=>({path:A,named:!1}))],identitiesOnly:i("identitiesonly")==="yes",notOffered:h1(t),agent:f1(i("identityagent"),n,A=>h(A)[0]),knownHostsFiles:[...y,...b],newKeysFile:d1(y,s.has("userknownhostsfile"),n),hashKnownHosts:i("hashknownhosts")==="yes",strictHostKeyChecking:i("stricthostkeychecking"),connectTimeoutSeconds:r.connectTimeoutSeconds??(c("connecttimeout")||15),keepaliveSeconds:r.keepaliveSeconds??(c("serveraliveinterval")||5),keepaliveMissed:c("serveralivecountmax")||3,jumps:u1(t,r)}}a(sm,"resolveTarget");var c1=["/etc/ssh/ssh_known_hosts","/etc/ssh/ssh_known_hosts2"];function u1(e,{proxyJump:t}){let n=[...e.places.keys()].filter(i=>i==="proxyjump"||i==="proxycommand"),r=t!==void 0||n[0]==="proxyjump",o=I_(e,r?["proxycommand"]:[]);if(o)throw o;let s=n[0]==="proxyjump"?e.values.get("proxyjump")?.[0]:void 0;return(t??s??"").split(",").map(i=>i.trim()).filter(i=>i!==""&&i.toLowerCase()!=="none")}a(u1,"jumpsOf");function l1(e,{homes:t,homeOf:n,hostname:r,uid:o,localUser:s,env:i}){let c={L:r.replace(/\..*$/,""),d:t[0]??"/",h:e.host,i:String(o),k:e.alias??e.written.host,l:r,n:e.written.host,p:String(e.port),r:e.user,u:s};return u=>{let l=t.map(f=>Ko(u,f,n));return[...new Set(l.map(f=>Ai(f,c,i)))]}}a(l1,"pathsFor");function d1(e,t,{homes:n}){return t||e.length===0?e[0]:`${n.at(-1)}/.ssh/known_hosts`}a(d1,"newKeysFile");function f1(e,{env:t},n){return e===void 0||e==="SSH_AUTH_SOCK"?t("SSH_AUTH_SOCK"):/^\$\w+$/.test(e)?t(e.slice(1)):e.toLowerCase()==="none"?void 0:n(e)}a(f1,"agentOf");function h1({values:e}){let t=(e.get("certificatefile")??[]).map(r=>`CertificateFile ${r}`),n=e.get("pkcs11provider")?.filter(r=>r!=="none")??[];return[...t,...n.map(r=>`PKCS11Provider ${r}`)].map(r=>`${r}: the built-in client can't use it`)}a(h1,"notOffered");function Ri(e,t,n){let r=p1(n),o=vr(e);if(o===void 0)throw Hu(e,new Zt(`the jump host '${e}' is not a valid user@host:port`));let s=t.user??o.user,i=t.container===void 0?void 0:ws(t.container);try{let c=T_(t["ssh-config"],r.homes),u=S_(c,{...r,host:o.host,user:s,include:N_});return sm(o,u,{runner:r,inputs:{user:t.user,port:t.port,proxyJump:t["proxy-jump"],connectTimeoutSeconds:t["connect-timeout-seconds"],keepaliveSeconds:t["keepalive-seconds"],container:i&&{...i,sudo:t.sudo}}})}catch(c){throw c instanceof on?Hu(e,new Zt(c.message)):c instanceof Zt?Hu(e,c):c}}a(Ri,"targetOf");function p1(e){return{localUser:Du()?.username??e.env("USER")??String(process.getuid?.()),homes:om(e.env("HOME")),homeOf:a(t=>m1(_1(),t),"homeOf"),hostname:(0,am.hostname)(),uid:process.getuid?.()??0,env:e.env}}a(p1,"runnerOf");function _1(){try{return(0,im.readFileSync)("/etc/passwd","utf8")}catch{return""}}a(_1,"readPasswd");function m1(e,t){return e.split(`
`).find(r=>r.startsWith(`${t}:`))?.split(":")[5]}a(m1,"homeIn");function Hu(e,t){return new Ge({what:`Reading the SSH config for ${e}`,why:`${t.message}.`,remedy:t.remedy??"correct the config, or give another one with ssh-config."})}a(Hu,"configFailure");async function cm(e,t,n){let r=um(e,[],(i,{first:c})=>Ri(i,{...t,user:void 0,port:void 0,container:void 0,"proxy-jump":c?void 0:"none"},n)),o=[];try{for(let[i,c]of[...r,e].entries()){let l=await o.at(-1)?.forward(c);o.push(await rm(c,{inputs:t,context:n,sock:l,jump:i<r.length}))}}catch(i){for(let c of o.reverse())await c[Symbol.asyncDispose]();throw i}let s=o.pop();return{...s,[Symbol.asyncDispose]:async()=>{await s[Symbol.asyncDispose]();for(let i of o.reverse())await i[Symbol.asyncDispose]()}}}a(cm,"connectBuiltin");function um(e,t,n){let r=e.jumps.filter(o=>!t.includes(o));return r.flatMap((o,s)=>{let i=n(o,{first:s===0});return[...um(i,[...t,...r],n),i]})}a(um,"hopsOf");var lm=3;async function Bi(e,t){let{log:n}=t;n.mask(e["ssh-key"]),n.mask(e["ssh-key-passphrase"]);let r=Ri(e.host,e,t);for(let o=1;;o+=1)try{return await cm(r,e,t)}catch(s){if(o>=lm||!(s instanceof Ge)||!Ka(s.fields.cause)||t.signal.aborted)throw s;n.line(`Attempt ${o} of ${lm} failed: ${s.fields.why}`),await(0,dm.setTimeout)(o*(500+Math.random()*1e3),void 0,{signal:t.signal}).catch(()=>{})}}a(Bi,"connect");var Wm=require("node:crypto");var vn=class extends Yt{static{a(this,"AnswerError")}};function Fu(e,t,n=r=>r){let r=a(l=>e.filter(([f])=>f===l).map(([,f])=>f),"all"),o=a(l=>r(l).filter(f=>f!==""),"told"),s=a(l=>e.findLast(([f])=>f===l)?.[1],"last"),i=a((l,f,h)=>{throw Mu(t,`the target answered something that is not ${h}: ${l}=${x1(n(f))}`)},"refuse"),c=a((l,f,h)=>{let _=s(l);if(!(_===void 0||_===""))return h(_)??i(l,_,f)},"formed"),u={has:a(l=>s(l)!==void 0,"has"),yes:a(l=>u.oneOf(l,["yes","no"])==="yes","yes"),digest:a(l=>c(l,"a sha256",f=>g1.test(f)?f:void 0),"digest"),pid:a(l=>c(l,"a pid",f=>$1.test(f)?Number(f):void 0),"pid"),number:a(l=>c(l,"a whole number",f=>b1.test(f)?Number(f):void 0),"number"),oneOf:a((l,f)=>c(l,`one of ${f.join(", ")}`,h=>f.find(_=>_===h)),"oneOf"),text:a(l=>c(l,"a text",wt),"text"),texts:a(l=>r(l).map(wt),"texts"),pids:a(l=>c(l,"a list of pids",f=>w1.test(f)?f:void 0)??"","pids"),numbers:a(l=>c(l,"a list of numbers",f=>y1.test(f)?f:void 0)??"","numbers"),quote:a(l=>c(l,"a text",f=>Qt(n(f)).map(wt).join(" | ")),"quote"),quotedLines:a(l=>r(l).flatMap(f=>Qt(n(f)).map(wt)),"quotedLines"),verbatim:s,verbatims:r,parts:a((l,f,h)=>o(l).map(_=>f.exec(_)?.slice(1).map(m=>m??"")??i(l,_,h)),"parts"),records:a(l=>o(l).map(f=>Fu(E1(f),t,n)),"records")};return u}a(Fu,"answerOf");function Mu({what:e,where:t,state:n},r){return new vn({what:e,where:t,why:`${r}.`,state:n,remedy:"find out who changed what runs on that host: the programs of this step never answer like this."})}a(Mu,"unusable");var g1=/^[0-9a-f]{64}$/,$1=/^[1-9][0-9]{0,9}$/,w1=/^[1-9][0-9]{0,9}( [1-9][0-9]{0,9})*$/,y1=/^[0-9]{1,15}( [0-9]{1,15})*$/,b1=/^[0-9]{1,15}$/,A1=80;function x1(e){return`'${Sn(wt(e),A1)}'`}a(x1,"shown");function E1(e){let t=[];for(let n of e.split(" ")){let r=Math.max(0,n.indexOf("=")),o=t.at(-1);pm.test(n.slice(0,r))?t.push([n.slice(0,r),n.slice(r+1)]):o&&!n.includes("=")&&(o[1]+=` ${n}`)}return t}a(E1,"pairsOf");var pm=/^[a-z][a-z0-9_]{0,63}$/,k1=4*2**20,fm=2e4;function _m(e){let t=[],n=!1,r=!1,o=!1,s=!1,i=0,c=0,u=[],l="",f,h,_,m=new Promise(C=>{h=a(()=>C(void 0),"resolveEnded")}),y=new Promise(C=>{_=C}),b=a(C=>(u=[],f=`the target answered more than ${C}`,h(),!0),"exceeds"),A=a(C=>{if(C===Ua&&!o)r=!0,h();else if(C===Oa&&!n)n=!0,_();else if(C==="begin"&&n)o=!0;else if(!o)l=`${l}${C}
`.slice(0,hm);else if(C==="end")s=!0,h();else{let L=C.indexOf("=");if(!pm.test(C.slice(0,Math.max(0,L))))return;let T=[C.slice(0,L),v1(C.slice(L+1))];t.push(T),e?.(...T)}},"line"),E=a(C=>(s||(c+=Buffer.byteLength(C)),c>k1&&b("4 MiB")),"count");return{count:E,push:a(C=>{if(s||f||E(C))return;let[L="",...T]=C.split(`
`);u.push(L);for(let q of T){if(A(u.join("")),u=[q],i+=1,s)return;if(i>fm){b(`${fm} lines`);return}}},"push"),ready:y,ended:m,result:a(()=>({said:t,complete:s,isReady:n,unfit:r,excess:f,before:`${l}${o?"":u.join("")}`.slice(0,hm)}),"result")}}a(_m,"readSaid");var hm=4096;function v1(e){return e.replace(/\\(.)/g,(t,n)=>n==="n"?`
`:n)}a(v1,"unescapeSaid");var S1=10,I1=5,C1=64*1024,mm=60,R1=10,gm="the login shell did not run the command passed to it";async function Zr(e,t,n){let{container:r}=e.target,o=qd(r?"host":n.sudo?"root":"login"),s=U1(n,e),i={what:n.what,where:e.target.name,state:n.state},c=n.clean??(re=>re),u=_m(n.onSay),l,f=null,h="",_;try{l=await Promise.race([e.exec(o),s.passed]),n.another&&e.roundTripMs()>S1&&e.prepare(o),l.output.setEncoding("utf8").on("data",u.push),l.errors.setEncoding("utf8").on("data",j=>{u.count(j)||(h=(h+j).slice(-C1))});let re=l.closed.then(j=>{f=j}),xe=e.lost.then(j=>j?.message??"the connection was closed"),M=u.ready.then(()=>N1(l,e,t,n.payload)),G=P1(l,u.ready);_=await Promise.race([re,u.ended,xe,M,G,s.passed,L1(n.signal)])}finally{s.stop(),l?.destroy()}let{said:m,complete:y,isReady:b,unfit:A,before:E,excess:C}=u.result();if(C)throw Mu(i,C);if(A)throw T1(e,n.what);_??=b?"the session closed before the answer was complete":gm;let L=Fu(m,i,c),T=L.text("container_error");if(T!==void 0){let re=L.text("container_remedy")??"";throw new Ge({what:"Entering the container",where:e.target.name,why:`${T}.`,remedy:re})}let q=m.length>0;return{answer:L,complete:y,begun:q,code:f,prose:c(q?h:E+h),cut:c(_)}}a(Zr,"runProgram");function $m(e,{what:t,state:n},r){let{container:o,name:s}=e.target,i=!o||r.begun;return new Ge({what:t,where:s,why:i?`the answer was cut short: ${wt(r.cut)}.`:`could not enter the container: ${wt(B1(r.prose)??r.cut)}`,state:n,remedy:i?"check that the login there runs the commands given to it (`ssh HOST true`): its shell, a start file such as ~/.bashrc that ends in `exec`, ForceCommand in sshd_config, `command=` in authorized_keys.":`check on the host that ${o?.name} exists, is running and has a /bin/sh.`,output:r.prose})}a($m,"notAnswered");function B1(e){return e.trimEnd().split(`
`).at(-1)||void 0}a(B1,"lastLine");function P1(e,t){return new Promise(n=>{let r=setTimeout(()=>e.input.write(`${La}
`),R1*1e3),o=setTimeout(n,mm*1e3,`${gm} within ${mm} s`),s=a(()=>{clearTimeout(r),clearTimeout(o)},"stop");t.then(s),e.closed.then(s)})}a(P1,"notReady");function T1(e,t){return new Ge({what:t,where:e.target.name,why:"/bin/sh there is a shell whose printf or local is not a builtin (such as mksh or ksh93).",state:"untouched. Nothing was sent to it.",remedy:"make /bin/sh dash, bash or busybox."})}a(T1,"unfitShell");function N1(e,t,n,r){let{container:o}=t.target;return o&&e.input.write(Da(Xd(o,o.sudo))),O1(e,n,r)}a(N1,"sendAll");function O1(e,t,n){return new Promise(r=>{e.input.write(Da(t)),n?n(e.input).catch(o=>r(o.message)):e.input.end()})}a(O1,"send");function L1(e){return new Promise(t=>{let n=a(()=>setTimeout(()=>t(`the step was cancelled (${e?.reason})`),I1*1e3).unref(),"begin");e?.aborted?n():e?.addEventListener("abort",n,{once:!0})})}a(L1,"cancelled");function U1({limitSeconds:e,what:t},n){let r;return{passed:new Promise((s,i)=>{r=setTimeout(()=>{i(new Ge({what:t,where:n.target.name,why:`timed out after ${e} s.`,remedy:"check the load of the host, and what its login shell does when it starts."}))},e*1e3)}),stop:a(()=>clearTimeout(r),"stop")}}a(U1,"startLimit");var Qu=require("node:events");var Ku=class extends Error{static{a(this,"StallError")}},zu=2*2**20,D1=50,H1=.5,F1=500;async function wm(e,t,{stallSeconds:n,onProgress:r}){let o=new AbortController,s=new AbortController,i,c=a(y=>{i??=y??new Error("the session was closed"),s.abort()},"fail");t.on("error",c).on("close",c);let u,l=a(()=>{clearTimeout(u),u=setTimeout(()=>o.abort(),n*1e3)},"moved"),f=AbortSignal.any([o.signal,s.signal]),h=e[Symbol.asyncIterator](),_=0,m=z1();l();try{for(;;){clearTimeout(u);let{value:A,done:E}=await M1(h.next(),f);if(l(),E)break;if(_+=A.length,!t.write(A)){let C=performance.now();await(0,Qu.once)(t,"drain",{signal:f}),m.add(_,performance.now()-C)}l(),r?.(_,m.rate(F1))}let y=performance.now(),b=(0,Qu.once)(t,"finish",{signal:f});return t.end(),await b,m.add(_,performance.now()-y),{bytes:_,bytesPerSecond:m.rate(D1)}}catch(y){throw o.signal.aborted?new Ku(`no data was transferred for ${n} s`):i??y}finally{clearTimeout(u),h.return?.().catch(()=>{}),t.off("error",c).off("close",c)}}a(wm,"upload");function M1(e,t){return new Promise((n,r)=>{let o=a(()=>r(t.reason),"abort");t.aborted&&o(),t.addEventListener("abort",o,{once:!0}),e.then(n,r).finally(()=>t.removeEventListener("abort",o))})}a(M1,"unlessAborted");function z1(){let e={bytes:zu,at:performance.now(),waitedMs:0},[t,n]=[];return{add:a((r,o)=>{n={bytes:r,at:performance.now(),waitedMs:(n?.waitedMs??0)+o},t??=n},"add"),rate:a(r=>{if(!t||!n||n.bytes<=zu)return;let o=n.bytes-t.bytes<zu?e:t,[s,i]=[n.waitedMs-o.waitedMs,n.at-o.at];if(!(s<r||s<H1*i))return(n.bytes-o.bytes)/i*1e3},"rate")}}a(z1,"openMarks");var ym=`use strict;
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
close STDOUT or die "the new file can't be written: $!\\n";`;var bm=`prelude() {
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
main`;function Go(e){return/\.(service|socket|timer|path|target|mount|automount|swap|slice|scope|device)$/.test(e)?e:`${e}.service`}a(Go,"unitName");var Am=`prelude() {
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
main`;var xm=["yes","args","folder","environment"];function Em(e){let t=e.texts("command_remedy");return{needsRoot:e.text("needs_root"),sudoError:e.has("sudo_error")?e.quote("sudo_error")??"":void 0,sudoRemedy:e.text("sudo_remedy"),unitRemedy:e.text("unit_remedy"),rootTool:e.oneOf("root_tool",["sudo","doas"])??"sudo",commandsRefused:e.texts("command_refused").map((n,r)=>({command:n,remedy:t[r]??""}))}}a(Em,"toRights");var W1=["program","trigger","dependent","wanted"],Z1=["exact","mention","script","last","no"];function km(e){return e.records("unit").map(q1)}a(km,"foundUnits");function vm(e){return e.records("other_user_unit").map(t=>({pid:t.pid("pid")??0,uid:t.numbers("uid"),unit:Sm(t,"unit")}))}a(vm,"otherUserUnits");function q1(e){let t=a(n=>e.text(n)??"","word");return{name:Sm(e,"name"),role:e.oneOf("role",W1)??"program",user:t("user"),names:Yo(e,"names"),load:t("load"),active:t("active"),sub:t("sub"),enabled:t("enabled"),type:t("type"),account:t("account"),remain:e.yes("remain"),transient:e.yes("transient"),reload:e.yes("reload"),accept:e.yes("accept"),command:e.oneOf("command",Z1)??"no",pids:e.has("pids")?Im(t("pids")).filter(n=>Y1.test(n)).map(Number):[],triggers:Yo(e,"triggers"),dependents:Yo(e,"dependents"),wants:Yo(e,"wants"),startRefused:e.yes("start_refused"),stopRefused:e.yes("stop_refused")}}a(q1,"toUnit");var G1=/^[A-Za-z0-9:_.@\\-]{1,255}$/,Y1=/^[1-9][0-9]{0,9}$/;function Sm(e,t){let[n=""]=Yo(e,t);return n}a(Sm,"unitName");function Yo(e,t){return Im(e.text(t)??"").filter(n=>G1.test(n))}a(Yo,"unitNames");function Im(e){return e.split(",").filter(t=>t!=="")}a(Im,"listed");function Mt({type:e,remain:t}){return e==="oneshot"&&!t}a(Mt,"isJob");function _n({active:e}){return e!==""&&e!=="inactive"&&e!=="failed"}a(_n,"isActive");function Pi(e){return e.active!=="inactive"||e.enabled==="enabled"}a(Pi,"isMeant");var X1=120;async function qr(e,t,n,{another:r=!t.dryRun}={}){let o={what:"Inspecting the target",state:"untouched. Inspection changes nothing."},s=Tn(t.environment,t.health),i=await Zr(e,{text:Am,values:V1(t,n)},{...o,clean:s,sudo:!1,limitSeconds:X1,another:r});if(!i.complete)throw $m(e,o,i);return J1(i.answer,t)}a(qr,"inspect");function V1(e,t){return{folder:e.folder,name:e.name,sudo:e.sudo,owner:e.owner,run_as:e.runAs,capabilities:e.capabilities,restart:e.restart,stop_command:e.stopCommand,start_command:e.startCommand,service:e.service&&Go(e.service.replace(/^user:/,"")),service_is_user:e.service?.startsWith("user:")?"yes":"",interpreter:t?.elf?.interpreter,args:Xo(e.args),environment:Xo(e.environment),working_directory:e.workingDirectory??e.folder,log_file:e.logFile,sha256:t?.sha256??e.rollbackTo,...ju(e)}}a(V1,"inspectValues");function ju({health:e}){let t=e.url?new URL(e.url):void 0,n=t&&/^(localhost|127\.[\d.]+|\[::1\])$/.test(t.hostname);return{health_url:e.url,...Gl(e.url,e.headers),health_url_port:n?t.port||(t.protocol==="https:"?"443":"80"):void 0,health_status:e.status,health_contains:e.contains,health_port:e.port,health_command:e.command}}a(ju,"healthValues");function Xo(e){return e.map(Ha).join(" ")}a(Xo,"words");function J1(e,t){let n=e.text("login")??"",r=e.number("uid")===0;return{otherKernel:e.text("kernel"),login:n,asRoot:r,sudo:r&&n!==e.text("user"),...Em(e),machine:e.text("machine")??"",tools:new Set(e.texts("tool")),interpreterExists:e.yes("interpreter"),wantedOwner:e.text("wanted_owner"),wantedIds:e.text("wanted_ids"),loginIds:e.text("login_ids")??"",wantedRunAs:e.text("wanted_run_as"),missingUsers:[...new Set(e.texts("missing_user"))],missingGroup:e.text("missing_group"),accounts:e.numbers("accounts"),runUid:e.numbers("run_uid"),lastRunAs:e.verbatim("last_run_as")??"",lastRunUid:e.numbers("last_run_uid"),processes:e.records("process").flatMap(o=>oE(o)??[]),strangers:e.records("stranger").flatMap(o=>Rm(o)??[]),contained:e.pids("contained"),maybe:e.pids("maybe"),otherNames:e.number("other_names")??0,isMountPoint:e.yes("mount_point"),siblings:e.records("sibling").map(o=>({pid:o.pid("pid")??0,path:o.text("path")??""})),unseen:e.pids("unseen"),sessionKills:e.yes("session_kills"),lingers:e.yes("lingers"),folderRefused:e.text("folder_refused"),folder:sE(e),openFolder:Cm(e.text("open_folder"),e.text("open_to")),openLog:Cm(e.text("open_log"),e.text("open_log_to")),freeBytes:iE(e),freeInodes:e.number("free_inodes"),immutable:e.texts("immutable"),file:aE(e),fileProblem:uE(e,t.destination),seen:e.verbatim("seen")??"",stateRefused:e.text("state_refused"),unfinished:cE(e),locked:e.has("locked")?e.text("locked")??"an unknown run":void 0,live:e.has("live_workflow")?{workflow:e.text("live_workflow")??"",runNumber:e.number("live_run_number")??0,run:e.text("live_run")??""}:void 0,releases:e.parts("release",tE,"a sha256").map(([o=""])=>({sha256:o})),ended:e.parts("ended",nE,"the end of a transaction").map(rE),history:e.texts("history"),units:km(e),otherUserUnits:vm(e),userManager:e.text("user_manager")!=="none",runAsLingers:e.yes("run_as_lingers"),serviceError:e.has("service_error")?e.quote("service_error")??"":void 0,httpClient:e.has("http_client")?e.text("http_client")??"":void 0,healthUntrusted:e.has("health_untrusted")?e.quote("health_untrusted")??"":void 0,health:e.quote("health"),portHolder:e.text("port_holder")==="unknown"?"unknown":e.pids("port_holder")||void 0,logProblem:lE(e),logForeign:e.yes("log_foreign"),notes:e.texts("note"),directoryClosed:e.yes("directory_closed")}}a(J1,"toFound");var eE=100,tE=/^([0-9a-f]{64})$/,nE=/^([0-9a-f-]{1,64}) ([a-z-]{1,20}) ([0-9]{0,10}|-) (.*)$/s;function rE([e="",t="",n="",r=""]){return{id:e,state:t,pid:n==="-"?"":n,run:wt(r)}}a(rE,"toEnd");function Rm(e){let t=e.pid("pid");if(t!==void 0)return{pid:t,uid:e.numbers("uid"),user:e.text("user")??""}}a(Rm,"toExecutor");function oE(e){let t=Rm(e);if(t)return{...t,worker:e.yes("worker"),live:e.yes("live"),same:e.oneOf("same",xm)??"args",supervisor:e.text("supervisor")??"",supervisorPid:e.pid("supervisor_pid")??0}}a(oE,"toProcess");function sE(e){let t=e.text("folder");if(t!==void 0)return{path:t,owner:e.text("folder_owner")??"",mode:e.text("folder_mode")??"",writable:e.yes("folder_writable"),mount:e.text("mount")??"",options:(e.text("mount_options")??"").split(",")}}a(sE,"toFolder");function Cm(e,t=""){return e===void 0?void 0:{path:e==="/"?e:e.replace(/\/$/,""),to:t}}a(Cm,"toOpenFolder");function iE(e){let[[t="0"]=[]]=e.parts("free_kb",/^(-?[0-9]{1,15}|-)$/,"an amount of free space");return t==="-"?Number.POSITIVE_INFINITY:Math.max(0,Number(t))*1024}a(iE,"toFreeBytes");function aE(e){let t=e.number("file_bytes");if(t!==void 0)return{owner:e.text("file_owner")??"",ids:e.text("file_ids")??"",mode:(e.text("file_mode")??"").padStart(4,"0"),bytes:t,sha256:e.digest("file_sha256")??"",capabilities:e.text("file_capabilities")??""}}a(aE,"toFile");function cE(e){let t=e.text("unfinished");if(t!==void 0)return{phase:t,run:e.text("unfinished_run")??"an unknown run",id:e.text("unfinished_id")??"",release:e.text("unfinished_release")??"",members:(e.verbatim("unfinished_members")??"").split(`
`).filter(Er).slice(0,eE)}}a(cE,"toUnfinished");function uE(e,t){let n=e.text("file_link"),r=e.text("file_odd");if(n!==void 0)return`${t} is a symbolic link to ${n}`;if(e.yes("file_folder"))return`${t} is a folder`;if(r!==void 0)return`${t} is a ${r}`;if(e.yes("file_unreadable"))return`${t} can't be read by this account`}a(uE,"fileProblem");function lE(e){let t=e.text("log_folder_missing"),n=e.text("log_unwritable");if(t!==void 0)return`the folder ${t} of the log file does not exist`;let r=e.text("log_is_odd");if(e.yes("log_is_folder"))return"the log file is a folder";if(r!==void 0)return`the log file is not a regular file (${r}), so the program could block on it or fill it`;if(n!==void 0)return`the account that the program runs as can't write to ${n}`}a(lE,"logProblem");var Nm=require("node:timers/promises");var Bm=`prelude() {
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
main`;var ir=class extends Error{static{a(this,"OutdatedError")}},Gt=class extends Error{static{a(this,"DiedError")}},Gr=class extends Error{static{a(this,"DeltaError")}};function Bt(e){return{failed:"",why:"",output:"",untrusted:!1,broken:"",pid:void 0,downtimeMs:void 0,bytesSent:0,phases:[],...e}}a(Bt,"bareOutcome");function Yr(e){return Bt({state:"unknown",failed:"answer",why:e.fields.why.replace(/\.$/,"")})}a(Yr,"unusableOutcome");var fE=["active","untouched","staged","rolled-back","broken"],hE=/^([a-z][a-z-]{0,40}) ([0-9]{1,12})$/;function Ti({answer:e,complete:t=!1}){if(!t||!e)return;let n=e.oneOf("gave_up",["changed","delta","locked","refused","release"]);if(n==="changed")throw new ir;if(n!==void 0){let s=e.quote("why")??"";if(n==="delta")throw new Gr(s);let i=`another deploy of this file holds the lock: ${s}`,c={locked:"lock",refused:"stage",release:"release"}[n],u=e.digest("staged")?"staged":"untouched";return Bt({state:u,failed:c,why:n==="locked"?i:s})}if(e.yes("died"))throw new Gt;let r=e.oneOf("state",fE);if(r===void 0)return;let o=e.pid("gone");if(o!==void 0&&["active","rolled-back"].includes(r)){let s=`it finished as ${r}, but pid ${o} has since exited`;return Bt({state:"broken",failed:"transaction",why:"the target may have gone down",broken:s})}return{state:r,failed:e.text("failed")??"",why:e.quote("why")??"",output:e.quotedLines("output").join(`
`),untrusted:e.has("health_untrusted"),broken:e.quote("broken")??"",pid:e.pid("pid"),downtimeMs:e.number("downtime_ms"),bytesSent:0,phases:pE(e)}}a(Ti,"outcomeOf");function pE(e){return e.parts("phase",hE,"a phase").map(([t="",n])=>({phase:t,afterMs:Number(n)*10}))}a(pE,"phasesOf");var Pm={staged:"new file is on the target; sha256 verified",stop:"stopping the running program",receive:"receiving the new file",swap:"replacing the file",start:"starting the new version",stable:"healthy; confirming stability",accept:"new version accepted",rollback:"new version failed; rolling back","restart-old":"starting the previous version","rollback-stable":"previous version healthy; confirming stability"},Tm=100;function Ni(e,{environment:t,health:n}){let r=Tn(t,n),o=0;return(s,i)=>{let c=s==="phase"?i.split(" ")[0]??"":s,u=(s==="phase"||s==="staged")&&Object.hasOwn(Pm,c)?Pm[c]:void 0;u===void 0&&s!=="note"||(o+=1,o===Tm&&e.line("  (further lines from the target are not shown)"),!(o>=Tm)&&(u!==void 0?e.phase(c,u):e.line(`  ${r(i)}`)))}}a(Ni,"tellPhases");async function Oi({inputs:e,log:t,signal:n,sudo:r,limitSeconds:o,reconnect:s},i){let c=Date.now()+o*1e3,u="the target could not be reached again";for(;Date.now()<c&&!n.aborted;){try{var l=[];try{let y=mr(l,await s(),!0);let b=await Zr(y,{text:Bm,values:{folder:e.folder,name:e.name,id:i}},{sudo:r,what:"Following the transaction",limitSeconds:Math.max(5,(c-Date.now())/1e3),signal:n,clean:Tn(e.environment,e.health),onSay:Ni(t,e)});if(b.complete&&b.answer.yes("never"))return Bt({state:"untouched",failed:"upload",why:"the connection was lost before the transaction started"});let A=Ti(b);if(A)return A}catch(f){var h=f,_=!0}finally{var m=gr(l,h,_);m&&await m}}catch(y){if(y instanceof Gt)throw y;if(y instanceof vn)return Yr(y);u=y.message.split(`
`)[0]??u}await(0,Nm.setTimeout)(1e3,void 0,{signal:n}).catch(()=>{})}return Bt({state:"unknown",failed:"connection",why:n.aborted?`the step was cancelled (${n.reason})`:u})}a(Oi,"learn");function Om(e,t){let n=e.missingUsers.map(o=>({why:`there is no user ${o} on the target.`,remedy:"create it on the target, or correct `owner` and `run-as`."}));return e.missingGroup&&n.push({why:`there is no group ${e.missingGroup} on the target.`,remedy:"create it on the target, or correct `owner`."}),t.restart!=="process"||n.length>0||(!(e.asRoot||t.runAs===e.login)&&e.sudoError===void 0&&n.push({why:`${e.login} can't start a program as ${t.runAs}.`,remedy:"allow sudo, or log in as that account."}),_E(e,t)&&n.push(...mE(e,t))),n}a(Om,"accountObstacles");function _E({runUid:e},{runAs:t}){return e==="0"||Wu(t)}a(_E,"isRoot");function mE(e,t){let n=[],r=Um(e),o=gE(t);return r&&n.push({why:`root would run a file from ${r.path}, which ${r.to} can replace.`,remedy:"set `run-as` to the service account, or make root the owner of the folder."}),o&&n.push({why:`root would run a file that ${o} can change.`,remedy:"set `run-as` to the service account, or make the file writable by root only (`owner`, `mode`)."}),e.openLog&&n.push({why:`root would write to a log in ${e.openLog.path}, where ${e.openLog.to} can link it to another file.`,remedy:"set `run-as` to the service account, or choose a `log-file` in a folder that only root can change."}),n}a(mE,"rootObstacles");function Lm(e){let t=e.lastRunUid!=="0"||!Um(e)&&e.file?.ids.split(":")[0]==="0";return{last_run_as:t?e.lastRunAs:"",last_run_uid:t?e.lastRunUid:""}}a(Lm,"lastAccount");function Um({folder:e,openFolder:t}){return t||(e&&!Wu(e.owner)?{path:e.path,to:e.owner}:void 0)}a(Um,"openTo");function gE({owner:e,ownerIds:t,mode:n}){let[r="",o=""]=e.split(":"),[s,i]=t.split(":"),c=Number.parseInt(n,8);return s!=="0"&&!Wu(r)?r:c&2?"everybody":c&16&&i!=="0"?`the group ${o||i}`:void 0}a(gE,"whoChanges");function Wu(e){return["root","0"].includes(e)}a(Wu,"isRootsName");function Hm(e,t,n){return[...$E(e,t,n),...wE(e,t,n),...xE(e,t),...EE(e,n.plan)]}a(Hm,"unitObstacles");function $E(e,t,{plan:n,runAs:r}){let o=[],s=e.service&&Go(e.service.replace(/^user:/,""));t.serviceError!==void 0&&o.push({why:`systemd could not be queried for ${s??"the units of the file"}: ${t.serviceError}.`,remedy:"check that systemd runs on the target, and the user manager for a user unit."});let i=e.service?.startsWith("user:")||n.user!=="";return i&&!t.userManager?o.push({why:`no user manager of ${r} is running, so the unit ${s??n.unit} can't be managed.`,remedy:`run \`loginctl enable-linger ${r}\` on the target once, or set \`run-as\` to the account of the unit.`}):i&&!t.runAsLingers&&o.push({why:`the user units of ${r} stop when its last login ends, because lingering is not enabled.`,remedy:`run \`loginctl enable-linger ${r}\` on the target once.`}),o}a($E,"managerObstacles");function wE(e,t,{plan:n,named:r}){let{restart:o,service:s}=e,i=[],c=t.units.filter(({role:_,pids:m})=>_==="program"&&m.length>0),u=t.processes.filter(({pid:_})=>!c.some(({pids:m})=>m.includes(_)));s&&t.serviceError===void 0&&!(s.startsWith("user:")&&!t.userManager)&&i.push(...yE(Go(s.replace(/^user:/,"")),r,c)),o==="systemd"&&!n.unit&&!s&&i.push({why:"no unit runs the file or has it as its command, so the unit is unknown.",remedy:"set `service` to the name of the unit."});let l=c.filter(({user:_})=>_!==n.user);n.unit&&l.length>0&&i.push({why:`${l.map(({name:_})=>_).join(", ")} also runs the file, under a different manager than ${n.unit}.`,remedy:"stop one of them, so that one manager runs the file."});for(let{pid:_,uid:m,unit:y}of t.otherUserUnits)i.push({why:`pid ${_} runs the file as the user unit ${y} of account ${m}, which this deploy does not manage.`,remedy:"set `run-as` to that account and `service` to user:NAME, or stop that unit."});(o==="process"||o==="none")&&i.push(...bE(o,c));let[f,h]=n.units;return!s&&f&&h&&!Dm(f)&&!Dm(h)?i.push({why:`${n.units.map(({name:_})=>_).join(", ")} have the file as their command, and none of them is active.`,remedy:"set `service` to the name of the unit to start."}):!s&&n.unit&&u.length>0&&c.length===0&&[...n.units,...n.restarted].some(Pi)&&i.push({why:`pid ${u.map(({pid:_})=>_).join(", ")} runs the file outside its unit ${n.unit}, which is ${f?.active??"not active"}.`,remedy:"stop that process and start the unit, or set `restart: process` to leave the unit out."}),i}a(wE,"choiceObstacles");function Dm(e){return _n(e)||e.pids.length>0}a(Dm,"isRun");function yE(e,t,n){if(t?.load!=="loaded"){let o=t?.load??"not-found";return[{why:`the unit ${e} is ${o}.`,remedy:o==="masked"?`run \`systemctl unmask ${e}\` on the target, or correct \`service\`.`:"install and load the unit first (`systemctl daemon-reload`), or correct `service`."}]}if(t.pids.length>0||t.command!=="no"||n.length===0)return[];let r=n.map(({name:o})=>o).join(", ");return[{why:`service names ${t.name}, but the file is run by ${r}.`,remedy:`set \`service\` to ${n[0]?.name}, or leave it out.`}]}a(yE,"namedObstacles");function bE(e,t){let n=t.filter(r=>!Mt(r));return n.length===0||e==="none"?[]:[{why:`restart is ${e}, but pid ${n.flatMap(({pids:r})=>r).join(", ")} belongs to the unit ${n.map(({name:r})=>r).join(", ")}.`,remedy:"set `restart: auto`, so that the unit is restarted; or stop and disable the unit first."}]}a(bE,"takenAway");var AE={supervisord:a(e=>`stop-command: supervisorctl stop ${e}, start-command: supervisorctl start ${e}`,"supervisord"),pm2:a(e=>`stop-command: pm2 stop ${e}, start-command: pm2 start ${e}`,"pm2"),runsv:a(e=>`stop-command: sv stop ${e}, start-command: sv start ${e}`,"runsv"),"s6-supervise":a(e=>`stop-command: s6-svc -d /run/service/${e}, start-command: s6-svc -u /run/service/${e}`,"s6-supervise"),supervise:a(e=>`stop-command: svc -d /service/${e}, start-command: svc -u /service/${e}`,"supervise"),monit:a(e=>`stop-command: monit stop ${e}, start-command: monit start ${e}`,"monit"),circusd:a(e=>`stop-command: circusctl stop ${e}, start-command: circusctl start ${e}`,"circusd")};function xE(e,t){if(e.restart==="command")return[];let n=t.processes.find(({supervisor:s})=>s!=="");if(!n)return[];let r=t.units.find(({pids:s})=>s.includes(n.pid)),o=AE[n.supervisor]?.(e.name)??"its stop and start commands";return[{why:`pid ${n.pid} is kept running by ${n.supervisor} (pid ${n.supervisorPid})${r?`, the unit ${r.name}`:""}.`,remedy:`set \`restart: command\` with ${o} (use the name that ${n.supervisor} has for it).`}]}a(xE,"supervisorObstacles");function EE(e,t){let n=[];for(let i of[...t.units,...t.restarted])i.transient&&n.push({why:`the unit ${i.name} is transient (systemd-run): once stopped, it can't be started again.`,remedy:"write a unit file for the program, or stop the unit and set `restart: process`."}),(i.startRefused||i.stopRefused)&&n.push({why:`the unit ${i.name} refuses to be ${i.startRefused?"started":"stopped"} by hand.`,remedy:`remove RefuseManual${i.startRefused?"Start":"Stop"}= from it, or set \`service\` to the unit that controls it.`});e.strategy==="in-place"&&t.restarted.length>0&&n.push({why:`${t.restarted.map(({name:i})=>i).join(", ")} can be started at any moment by what triggers it, so the path must never be empty.`,remedy:"set `strategy: staged`."});let r=t.left.find(i=>!Mt(i));r&&t.units.length+t.restarted.length===0&&e.health.port!==void 0&&n.push({why:`the unit ${r.name} runs only when its socket, timer or path starts it, so no process listens on port ${e.health.port}.`,remedy:"use `health-url`, whose request starts it, or leave out `health-port`."});let[o]=t.left.filter(Mt),s=e.health.url??e.health.port??e.health.command;return o&&t.units.length+t.restarted.length===0&&s!==void 0&&n.push({why:`the unit ${o.name} is a job that ends, so it cannot be health-checked.`,remedy:"leave out `health-url`, `health-port` and `health-command`: only the file is replaced."}),n}a(EE,"stateObstacles");var kE={unit:"",user:"",because:"",units:[],restarted:[],left:[],dependents:[],triggers:[],wanted:[],notes:[],obstacles:[]};function Mm(e,t,n){let r=e.service?vE(e.service,t.units):void 0,o=e.restart==="auto"||e.restart==="systemd"?SE(t,r):[],[s]=o,i=s?.user??(e.service?.startsWith("user:")?n:""),c=t.units.filter(m=>m.user===i),u=o.filter(m=>Mt(m)||CE(m,c)),l=o.filter(m=>!u.includes(m)),f=l.filter(m=>RE(m,c)),h=l.filter(m=>!f.includes(m)),_={...kE,unit:s?.name??"",user:i,because:s?BE(e,s):"",units:h,restarted:f.filter(m=>_n(m)||m.pids.length>0),left:[...u,...f.filter(m=>!_n(m)&&m.pids.length===0)],dependents:IE(l,c),triggers:c.filter(m=>m.role==="trigger"),wanted:c.filter(m=>m.role==="wanted")};return{..._,notes:PE(e,_),obstacles:Hm(e,t,{plan:_,named:r,runAs:n})}}a(Mm,"planUnits");function zm(e){return Km(e).length>0}a(zm,"startsAlone");function Qm({wanted:e}){return e.filter(t=>!_n(t)&&t.load==="loaded"&&Mt(t))}a(Qm,"startedFirst");function Km({units:e,restarted:t,dependents:n,wanted:r,triggers:o}){let s=n.filter(({name:c})=>!c.endsWith(".target")),i=[...e,...t,...s].flatMap(({wants:c})=>c);return[...r,...o].filter(c=>!_n(c)&&c.load==="loaded"&&!Mt(c)&&i.includes(c.name))}a(Km,"keptStopped");function vE(e,t){let n=e.startsWith("user:"),r=e.replace(/^user:/,"");return t.find(({role:o,user:s,names:i,name:c})=>o==="program"&&s!==""===n&&[c,...i].some(u=>u===r||u===`${r}.service`))}a(vE,"findNamed");function SE({units:e,processes:t},n){let o=e.filter(({role:_,load:m})=>_==="program"&&m!=="not-found").filter(({user:_})=>!n||_===n.user),s=o.filter(({pids:_})=>_.length>0),c=o.filter(_=>_n(_)&&!Mt(_)).filter(({command:_})=>_==="exact"||s.length===0&&_!=="no"),u=[...new Set([...s,...c])];if(n)return[n,...u.filter(_=>_!==n)];if(u.length>0)return u.sort((_,m)=>Li(_)-Li(m)||(_.name<m.name?-1:1));let l=o.filter(_=>_.command!=="no"&&(t.length===0||Pi(_))),f=l.filter(_=>!Mt(_)),h=Math.min(...f.map(Li));return f.length>0?f.filter(_=>Li(_)===h):l}a(SE,"choose");function Li(e){return(Mt(e)?2:0)+(e.command==="exact"?0:1)}a(Li,"rank");function IE(e,t){let n=[...e];for(let{dependents:r}of n)n.push(...t.filter(o=>r.includes(o.name)&&_n(o)&&!n.includes(o)));return n.slice(e.length)}a(IE,"dependentsOf");function CE(e,t){return jm(e,t).some(({name:n,accept:r})=>n.endsWith(".socket")&&r)}a(CE,"isPerConnection");function RE(e,t){return jm(e,t).some(_n)}a(RE,"isTriggered");function jm(e,t){return t.filter(({role:n,name:r})=>n==="trigger"&&e.triggers.includes(r))}a(jm,"triggersOf");function BE({service:e},t){return e?"the input `service` names it":t.pids.length>0?`it manages pid ${t.pids.join(", ")}, which runs the file`:t.command==="last"?"the last deploy started it":"its command is the file"}a(BE,"whyChosen");function PE(e,t){let n=a(l=>l.map(({name:f})=>f).join(", "),"names"),r=[],o=[...t.units,...t.restarted],s=[...o,...t.left].filter(({reload:l})=>l);s.length>0&&!e.daemonReload&&r.push(`${n(s)} changed on disk, and systemd still uses the old definition: set \`daemon-reload: true\`, or run \`systemctl daemon-reload\` on the target.`);let i=Km(t);i.length>0&&r.push(`${n(i)} ${Fm(i)} stopped now, and will stay stopped.`);let c=o.filter(({enabled:l})=>l==="disabled");c.length>0&&r.push(`${n(c)} ${Fm(c)} disabled, and will not start when the target boots.`);let u=o.filter(({active:l})=>l==="failed");return u.length>0&&r.push(`${n(u)} had failed before this deploy.`),r}a(PE,"unitNotes");function Fm(e){return e.length===1?"is":"are"}a(Fm,"areOrIs");var Zm=30,TE=5e4;async function qm(e,t){let n={bytes:0,whole:!1},r=LE(t);for(;;)try{return await NE(e,t,{sending:n,form:await OE(e,t,r)})}catch(o){if(o instanceof Gr&&t.membership===void 0)t.log.line(`Delta failed (${o.message}); sending the whole file instead.`),r={lacks:"the first one failed"};else if(o instanceof Xr)t.log.line(`${o.message}; restarting the upload with a faster encoding.`);else throw o}}a(qm,"activate");async function NE(e,t,{sending:n,form:r}){let{inputs:o,plan:s}=t,{encoding:i,payload:c}=r;n.whole=c===void 0;let u=i.startsWith("delta")?ym:void 0,l={...ng(t),action:"deploy",encoding:i,apply:u};await t.onBegin({id:l.id,sudo:t.found.sudo,limitSeconds:Vr(t)});let f=await eg(e,t,{values:l,sending:n,form:r}),h=Vm(f);if(!h&&n.failure instanceof Xr)throw n.failure;if(u&&!h&&n.failure)throw new Gr(n.failure.message);return h?{...h,bytesSent:n.bytes}:!n.whole&&o.strategy==="staged"?Bt({state:"untouched",failed:"upload",why:`${Zu(f)} before the upload (${It(s.file.bytes)}) was complete`,bytesSent:n.bytes}):{...await Jm(t,l.id,Zu(f)),bytesSent:n.bytes}}a(NE,"attempt");function Gm(e,t){return Xm(e,t,{action:"recover"})}a(Gm,"recover");function Ym(e,t,n){return Xm(e,t,{action:"revert",reverted:n})}a(Ym,"revert");async function Xm(e,t,n){let r={...ng(t),...n,encoding:"none"},o=await eg(e,t,{values:r,sending:{bytes:0,whole:!0}});return Vm(o)??await Jm(t,r.id,Zu(o))}a(Xm,"work");function Vm(e){try{return Ti(e)}catch(t){if(t instanceof vn)return Yr(t);throw t}}a(Vm,"usableOutcome");function Jm(e,t,n){return e.log.line(`Connection lost: ${n}. The transaction continues on the target; reconnecting to follow it.`),Oi({...e,sudo:e.found.sudo,limitSeconds:Vr(e)},t)}a(Jm,"learnAfter");var Xr=class extends Error{static{a(this,"TooSlowError")}};async function eg(e,t,{values:n,sending:r,form:o}){let{inputs:s,found:i,plan:c,transfers:u,log:l,signal:f,membership:h,onSay:_}=t;r.failure=void 0;let m=Ni(l,s);try{return await Zr(e,{text:bm,values:n},{sudo:i.sudo,what:`Activating ${s.destination}`,limitSeconds:tg(c.file.bytes)+s.lockTimeoutSeconds+Vr(t),signal:f,clean:Tn(s.environment,s.health),onSay:a((y,b)=>{_?.(y,b),m(y,b)},"onSay"),payload:a(async y=>{if(!o?.payload){y.end();return}let b=s.strategy==="staged"&&s.lockTimeoutSeconds>=5&&!h,A=r.bytes,E=FE(l),C=a((L,T)=>{if(r.bytes=A+L,E(L),!(!b||!T||!o.isTooSlow?.(L,T)))throw new Xr(`The link carries ${It(T)}/s`)},"onProgress");try{let L=await wm(o.payload.read(),y,{stallSeconds:Zm,onProgress:C});r.whole=!0,await u.measured(L.bytesPerSecond)}catch(L){throw(L instanceof Jn||L instanceof Xr)&&(r.failure=L),L}},"payload")})}catch(y){return{error:y}}}a(eg,"runDeploy");function Zu({error:e}){return e instanceof bt?e.fields.why.replace(/\.$/,""):e?.message??"the connection was lost"}a(Zu,"lostWhy");async function OE(e,{plan:t,found:n,source:r,transfers:o,log:s},i){if(t.file.from==="release")return{encoding:"release"};if(t.file.from==="a copy of it")return{encoding:"copy"};if(t.file.from==="in place already"||!r)return{encoding:"none"};let[c,u]=[e.isNear(),e.roundTripMs()],l=await o.choose(r,{near:c,roundTripMs:u,tools:n.tools,present:i});return s.phase("transfer",l.why),l}a(OE,"chooseForm");function LE({found:{file:e},inputs:t,noDelta:n}){return n?{lacks:n}:e?.sha256?t.strategy==="in-place"?{lacks:"in-place removes the present file first"}:e:{lacks:"there is no file yet"}}a(LE,"presentFile");function tg(e){return 120+Math.ceil(e/TE)}a(tg,"uploadLimitSeconds");function UE({stopTimeoutSeconds:e,health:t}){return 2*(e+30+2*t.timeoutSeconds+10+t.stableSeconds+10)+60}a(UE,"transactionLimitSeconds");function Vr({inputs:e,membership:t}){return UE(e)+2*(t?.waitSeconds??0)}a(Vr,"limitSecondsOf");function ng(e){let{inputs:t,found:n,plan:r,run:o}=e;return{id:(0,Wm.randomUUID)(),folder:t.folder,name:t.name,run:o.url||"a run outside a workflow",actor:o.actor,workflow:`${o.repository} ${o.workflow}`,run_number:o.number,seen:n.seen,size:r.file.bytes,sha256:r.file.sha256,old_sha:n.file?.sha256,old_about:n.file?`${n.file.ids} ${n.file.mode}`:"",old_capabilities:n.file?.capabilities,owner:r.ownerIds,same_owner:r.sameOwner?"yes":"",mode:r.mode,capabilities:t.capabilities,strategy:t.strategy,restart:r.restart,...HE(e),stop_command:t.stopCommand,start_command:t.startCommand,stop_signal:t.stopSignal,stop_timeout_seconds:t.stopTimeoutSeconds,run_as:r.runAs,run_uid:n.runUid,accounts:n.accounts,...Lm(n),args:Xo(t.args),environment:Xo(t.environment),working_directory:t.workingDirectory??t.folder,log_file:t.logFile,...ju(t),health_timeout_seconds:t.health.timeoutSeconds,stable_cs:Math.round(t.health.stableSeconds*100),stable_seconds:t.health.stableSeconds,rollback:String(t.rollback),keep_releases:t.keepReleases,lock_timeout_seconds:t.lockTimeoutSeconds,upload_limit_seconds:tg(r.file.bytes),silence_seconds:Zm,limit_seconds:Vr(e),session_kills:n.sessionKills?"yes":"",...DE(e.membership)}}a(ng,"deployValues");function DE(e){return{release:e?.release,part:e?.part,parts:e?.members.length,first_folder:e?.first.folder,first_name:e?.first.name,lock_after:e?.lockAfter,members:e?.members.join(`
`),waits:e?.waits?"yes":"",wait_seconds:e?.waitSeconds??60,reloads:e?.reloads}}a(DE,"membershipValues");function HE({inputs:e,plan:t}){let{units:n}=t,r=a(s=>s.map(({name:i})=>i).join(" "),"names"),o=zm(n);return{unit:n.unit,unit_user:n.user,units:r(n.units),restarted_units:r(n.restarted),left_units:r(n.left),dependents:r(n.dependents),watched_units:r([...n.triggers,...n.wanted]),start_alone:o?"yes":"",start_first:o?r(Qm(n)):"",daemon_reload:e.daemonReload&&n.unit!==""?"yes":""}}a(HE,"unitValues");function FE(e){let t=Date.now(),n=2e3;return r=>{Date.now()-t<n||(t=Date.now(),n=Math.min(2*n,3e4),e.phase("upload",`${It(r)} sent`))}}a(FE,"tellProgress");function rg({units:e,dependents:t,because:n}){if(e.length===0)return[];let r=t.length>0?`, and with ${qu(e)} ${Jr(t)}`:"";return[{does:`stop the ${Ui(e)}${r}`,because:n}]}a(rg,"unitStops");function og({units:e,restarted:t,left:n,dependents:r,triggers:o,because:s}){let i=[];if(e.length>0){let c=r.length>0?`, then ${Jr(r)}`:"";i.push({does:`start the ${Ui(e)}${c}`,because:s})}if(t.length>0){let c=o.filter(({name:u})=>t.some(l=>l.triggers.includes(u)));i.push({does:`restart the ${Ui(t)} while ${Jr(c)} stays as it is`,because:`${Jr(c)} may start ${qu(t)} at any moment`})}return n.length>0&&i.push({does:`leave the ${Ui(n)} alone`,because:`the next start of ${qu(n)} runs the new file`}),i}a(og,"unitStarts");function sg({unit:e,units:t,restarted:n},{processes:r}){for(let i of[...t,...n])if(i.pids.length===0)return`the unit ${i.name} is not running it`;let o=[...t,...n].flatMap(({pids:i})=>i),s=r.find(({pid:i})=>!o.includes(i));return s&&o.length>0?`pid ${s.pid} runs it outside the unit ${e}`:void 0}a(sg,"unitDifference");function Ui(e){return e.length===1?`unit ${Jr(e)}`:`units ${Jr(e)}`}a(Ui,"named");function qu(e){return e.length===1?"it":"them"}a(qu,"those");function Jr(e){return e.map(({name:t})=>t).join(", ")}a(Jr,"list");function ig(e,t,n){let{file:r,processes:o}=t;if(!r)return"the file does not exist yet";if(n.file.from==="upload"||n.file.from==="release")return"its sha256 differs";if(e.force)return"force is set";let s=Gu(e,t,n);if(s)return s;if(n.restart==="none")return;if(n.restart==="systemd"){let l=sg(n.units,t);if(l)return l}else if(o.length===0)return"no process runs it";let i=n.units.left.flatMap(l=>l.pids),c=o.find(({pid:l,live:f})=>!f&&!i.includes(l));if(c)return`pid ${c.pid} runs an outdated image of it`;if(n.restart==="process"){let l=o.find(({uid:h})=>h!==t.runUid);if(l)return`pid ${l.pid} runs as ${l.user}, not ${n.runAs}`;let f=o.find(({same:h})=>h!=="yes");if(f)return`pid ${f.pid} was started with ${ME[f.same]}`}return(e.health.url??e.health.port??e.health.command)!==void 0&&t.health!=="ok"?`it is not healthy: ${t.health}`:void 0}a(ig,"whatDiffers");var ME={yes:"the same command",args:"different arguments",folder:"a different working directory",environment:"a different environment"};function Gu(e,{file:t},n){if(!t)return;if(!(e.owner?.includes(":")?n.ownerIds===t.ids:n.sameOwner))return`its owner is ${t.owner}, not ${n.owner}`;if(n.mode!==t.mode)return`its mode is ${t.mode}, not ${n.mode}`;if(e.capabilities&&!Fd(e.capabilities,t.capabilities))return"its capabilities differ"}a(Gu,"metadataDiffers");function Yu(e){return e.split(":")[0]}a(Yu,"userOf");function ag(e,t){let n=[];if(t.folderRefused&&n.push({why:`${t.folderRefused}.`,remedy:`create ${e.folder} with the intended owner, or correct \`destination\`.`}),t.fileProblem&&n.push({why:`${t.fileProblem}.`,remedy:"set `destination` to the regular file itself, and make it readable by this account."}),!t.folder)return n;let{path:r,owner:o,mode:s,mount:i,options:c}=t.folder;c.includes("ro")?n.push({why:`${i} is mounted read-only.`,remedy:`remount ${i} read-write; if it became read-only on its own, check its disk.`}):!t.folder.writable&&t.sudoError===void 0&&n.push({why:`${t.login} can't write to ${r} (${o}, ${s}).`,remedy:"allow sudo, or log in as an account that may write there."}),c.includes("noexec")&&n.push({why:`${i} is mounted noexec, so nothing in ${r} can be started.`,remedy:"choose a destination on another file system."});for(let u of t.immutable)n.push({why:`the ${u==="file"?"file":`folder ${r}`} is immutable or append-only.`,remedy:`run \`chattr -i -a ${u==="file"?e.destination:r}\` on the target, if this was not intended.`});return n}a(ag,"fileObstacles");var Xu="use an http URL of the program itself, or add the certificate to the trusted ones on the target.",zE={why:"nothing on the target can send health-headers: wget would show them in its argument list.",remedy:"install curl there (for an http URL, perl or nc will do), or use health-command."};function cg({health:e},t){let n=[];if(e.url&&t.httpClient===""){let r={why:`the target has no HTTP client to request ${cn(e.url)} with.`,remedy:"install curl on the target, or use `health-port` or `health-command`."};n.push(e.headers.length>0?zE:r)}return e.url&&t.healthUntrusted!==void 0&&n.push({why:`the target does not trust the certificate of ${cn(e.url)}: ${t.healthUntrusted}`,remedy:Xu}),t.portHolder&&n.push({why:`port ${e.port} is held by another process (pid ${t.portHolder}), which does not run the file.`,remedy:"stop that process, or correct `health-port`."}),n}a(cg,"healthObstacles");function ug(e){let t=[];e.tools.has("/proc")||t.push({why:"the target has no `/proc`, so its processes cannot be seen.",remedy:"mount it on the target: `mount -t proc proc /proc`."});for(let n of["flock","setsid","sha256sum","stat","timeout"])e.tools.has(n)||t.push({why:`the target has no \`${n}\`.`,remedy:"install util-linux and coreutils, or busybox, on the target."});if(e.sudoError!==void 0){let n=e.sudoRemedy||`give ${e.login} passwordless sudo on the target`;t.push({why:`root is needed, because ${e.needsRoot}, and ${e.sudoError}`,remedy:e.unitRemedy?`${n}; or, to allow no more than a restart of the unit, ${e.unitRemedy}.`:`${n}; or log in as the account that owns the file.`})}for(let{command:n,remedy:r}of e.commandsRefused)t.push({why:`${e.login} may not run \`${n}\` by sudo.`,remedy:`${r}.`});return e.stateRefused&&t.push({why:`${e.stateRefused}.`,remedy:"deploy with the account that owns it, or move it away (its kept releases go with it)."}),t}a(ug,"hostObstacles");function lg({unfinished:e},t){return{why:e?`an earlier deploy (${e.run}) is unfinished, and recovering it failed.`:`the target changed each of the ${t} times it was inspected, before the lock was held.`,remedy:"find out what else changes the file or its state folder, and check the disk; then re-run the job."}}a(lg,"restless");function dg(e){return{why:`the target runs ${e}; only Linux is supported.`,remedy:"deploy to a Linux target: processes are identified through its `/proc`."}}a(dg,"otherKernel");function fg(e,t,{restart:n,runAs:r}){let o=[];if(t.contained&&o.push({why:`pid ${t.contained} runs the file inside a container.`,remedy:"deploy into the container (input `container`), or stop it first."}),t.isMountPoint&&o.push({why:`something is mounted at ${e.destination}, so it can't be replaced by a rename.`,remedy:"deploy to the path of the file that is mounted there."}),t.otherNames>0&&!e.force&&o.push({why:`${e.destination} has ${t.otherNames} other name${t.otherNames>1?"s":""} (hard links), so what runs it may belong to something else.`,remedy:"replace it with a separate copy, or set `force: true` to stop every process that executes the file."}),n==="none")return o;let[s]=t.siblings;if(s&&!e.force&&o.push({why:`pid ${s.pid} has the name of the file, but executes ${s.path}: the previous version may have been moved away by hand.`,remedy:"stop it if it is the previous version, or set `force: true` if it is another program."}),t.maybe&&!t.unseen&&!e.force&&o.push({why:`no process is seen to run the file, but ${t.login} can't inspect pid ${t.maybe}, which has its name.`,remedy:"allow sudo, or log in as the account that runs the program, or set `force: true` if it is another program."}),n!=="process")return o;let i=t.processes.filter(({uid:l,worker:f})=>l===t.runUid&&!f),c=[...t.processes,...t.strangers].filter(({uid:l})=>l!==t.runUid),[u]=c;return i.length===0&&u&&e.runAs===void 0&&o.push({why:`pid ${u.pid} runs the file as ${u.user}, but this step would start it as ${r}.`,remedy:`set \`run-as\` to the account that the program is to run as: ${r} or ${u.user}.`}),i.length>1&&o.push({why:`${i.length} separate instances run the file (${Di(i)}), and this step starts only one.`,remedy:"use a systemd unit for each, or `restart: command` with a `start-command` that starts them all."}),o}a(fg,"processObstacles");function hg(e,{restart:t}){let n=[],r=e.units.filter(Mt).flatMap(s=>s.pids),o=e.processes.filter(({pid:s})=>!r.includes(s));return t==="none"&&o.length>0&&n.push({why:`restart is none, but ${Di(o)} runs the file.`,remedy:"stop it first, or set `restart: auto` so that this step restarts it."}),e.unseen&&e.sudoError===void 0&&n.push({why:`${e.login} may not inspect pid ${e.unseen}, which may be running the file.`,remedy:e.asRoot?"start the container with `--cap-add SYS_PTRACE`; without it, its root may not inspect other processes.":"log in as root or as its account, or allow sudo."}),e.sessionKills&&!e.asRoot&&!e.lingers&&t!=="systemd"&&n.push({why:`logind on the target kills everything that ${e.login} started when the connection closes (KillUserProcesses=yes).`,remedy:`run \`loginctl enable-linger ${e.login}\` on the target once.`}),n}a(hg,"restartObstacles");function Di(e){return`pid ${e.map(({pid:t})=>t).join(", ")}`}a(Di,"pids");function pg({rollbackTo:e},t,n){if(!e||n)return[];let r=t.releases.map(({sha256:s})=>s.slice(0,12)).join(", ")||"none";return[{why:`${t.releases.filter(({sha256:s})=>s.startsWith(e)).length>1?"more than one kept release matches":"no kept release matches"} ${e}; available: ${r}.`,remedy:"choose one of those, or deploy the version from its source."}]}a(pg,"releaseObstacles");function _g({allowOlder:e,rollbackTo:t},{live:n},r){return e||t||!n||n.workflow!==r.workflow||n.runNumber<=r.number?[]:[{why:`run ${n.runNumber} of this workflow is already deployed (${n.run}); this is the older run ${r.number}.`,remedy:"nothing, if the newer build should stay; otherwise set `allow-older: true`."}]}a(_g,"orderObstacles");function gg({strategy:e},t,n){return n.from!=="upload"||!t.folder?[]:(e==="staged"?n.bytes:n.bytes-(t.file?.bytes??0)*(1-1/3))+QE<=t.freeBytes?[]:[{why:`${It(n.bytes)} needed, ${It(t.freeBytes)} free on ${t.folder.mount}.`,remedy:e==="staged"?"free some space there, or use `strategy: in-place`.":"free some space there."}]}a(gg,"roomObstacles");var QE=1e6;function $g({folder:e,freeInodes:t}){return!e||t===void 0||t>=mg?[]:[{why:`${mg} inodes needed, ${t} free on ${e.mount}.`,remedy:"delete some files there, of any size."}]}a($g,"inodeObstacles");var mg=20;function wg({health:e},t,{source:n,restart:r}){let o=[];return n?n.elf?(af(n.elf,t.machine)?n.elf.interpreter&&!t.interpreterExists&&o.push({why:`${n.path} needs the loader ${n.elf.interpreter}, which the target does not have.`,remedy:/musl/.test(n.elf.interpreter)?"build it for glibc, or link it statically.":"build it for the C library of the target (musl?), or link it statically."}):o.push({why:`${n.path} is built for ${n.elf.machine}, but the target is ${t.machine}.`,remedy:"build for the target, or correct `host`."}),o):(r==="process"?o.push({why:`${n.path} is not an ELF binary, so the process that runs it can't be identified.`,remedy:"deploy the compiled binary; for a script use `restart: systemd`, `command` or `none`."}):r==="command"&&(e.port!==void 0||!(e.url||e.command))&&o.push({why:`${n.path} is not an ELF binary, so its process and port cannot be identified after the start command.`,remedy:"set `health-url` or `health-command`, and leave out `health-port`."}),o):o}a(wg,"sourceObstacles");function yg(e,t,{restart:n,runAs:r}){let o=t.missingUsers.length===0&&(t.asRoot||r===t.login);if(n!=="process"||!o)return[];let s=[];return t.logProblem&&s.push({why:`${t.logProblem}.`,remedy:"create it as a regular file with the right owner, or correct `log-file`."}),t.directoryClosed&&s.push({why:`${r} cannot enter the working directory ${e.workingDirectory??e.folder}.`,remedy:"create it, give that account access, or correct `working-directory`."}),s}a(yg,"startObstacles");function bg(e,t,{plan:n,difference:r,because:o}){let s=[],i=e.strategy==="in-place",c={does:`upload ${It(n.file.bytes)} ${i?"once the program is stopped":"next to the live file"}`,because:r};n.file.from==="upload"&&!i&&s.push(c),n.file.from==="release"&&s.push({does:`use the kept release ${un(n.file.sha256)}`,because:"rollback-to selects it"}),n.restart==="systemd"&&s.push(...rg(n.units)),n.restart==="command"&&e.stopCommand&&s.push({does:"run the stop command",because:o}),t.processes.length>0&&n.restart!=="systemd"&&s.push({does:`stop ${Di(t.processes)} (${e.stopSignal}, then KILL after ${e.stopTimeoutSeconds} s)`,because:n.file.from==="in place already"?r:"it runs the file being replaced"});let u=[...n.restart==="process"?t.processes:[],...t.strangers].filter(({uid:l})=>l!==t.runUid);return u.length>0&&n.restart!=="none"&&s.push({does:`do not restart ${u.map(({pid:l,user:f})=>`pid ${l} (${f})`).join(", ")}`,because:`only ${n.runAs} is to run the program`}),n.file.from==="upload"&&i&&s.push(c),n.file.from==="in place already"?s.push({does:`leave the file as it is (${n.owner}, ${n.mode})`,because:"its sha256 already matches"}):s.push({does:`replace the file with an atomic rename (owner ${n.owner}, mode ${n.mode})`,because:t.file?"the path never holds a partial file":"the file does not exist yet"}),t.file&&!n.sameOwner&&n.file.from!=="in place already"&&s.push({does:`drop its ACL, capabilities, set-ID bits and write permission for others${e.mode||e.capabilities?", except those given":""}`,because:`the owner changes from ${t.file.owner} to ${n.owner}`}),s.push(...KE(e,t,n),...jE(e,n,o)),s}a(bg,"steps");function KE(e,t,{restart:n,runAs:r}){if(n!=="process"||!t.logForeign)return[];let o=e.logFile;return[{does:`move ${o} to ${o}.until-TIME and start a new one`,because:`${r} can't write to it`}]}a(KE,"logSteps");function jE(e,t,n){let{health:r}=e,o={none:[],systemd:og(t.units),command:[{does:"run the start command",because:n}],process:[{does:`start it as ${t.runAs} in ${e.workingDirectory??e.folder}`,because:n}]};if(t.restart==="none")return[];let s=[r.port===void 0?"":`the process to listen on port ${r.port}`,r.url?`${cn(r.url)} to return ${r.status}${r.contains?" with the expected text":""}`:"",r.command?"the health command to succeed":""].filter(i=>i!=="");return[...o[t.restart],{does:`require ${s.join(" and ")||"the process to run this file"} within ${r.timeoutSeconds} s and to stay healthy for ${r.stableSeconds} s`,because:e.rollback?"otherwise the previous version is restored":"otherwise the step fails (`rollback: false`)"}]}a(jE,"startSteps");function Hi(e,t,{source:n,build:r,needed:o}){let s=e.rollbackTo?qE(e.rollbackTo,t):void 0,i=t.wantedOwner??t.file?.owner??t.login,c=t.wantedRunAs??(i.split(":")[0]||t.login),u=Mm(e,t,c),{restart:l,because:f}=GE(e,u),h=t.wantedIds??t.file?.ids??t.loginIds,_={file:{from:"upload",sha256:"",bytes:0},owner:i,ownerIds:h,sameOwner:t.file!==void 0&&Yu(h)===Yu(t.file.ids),mode:e.mode??WE(t.file,h),restart:l,units:u,runAs:c};_.file=ZE(t,n,{release:s?.sha256,looksRight:!Gu(e,t,_)});let m=[...ug(t),...wg(e,t,{source:n,restart:l}),...ag(e,t),...gg(e,t,_.file),...$g(t),...Om(t,_),...fg(e,t,_),...hg(t,_),...u.obstacles,...yg(e,t,_),...cg(e,t),...pg(e,t,s),..._g(e,t,r)];if(m.length>0)return{..._,kind:"refused",obstacles:m,steps:[]};let y=ig(e,t,_)??o;return y?{..._,kind:"deploy",obstacles:m,steps:bg(e,t,{plan:_,difference:y,because:f})}:{..._,kind:"unchanged",obstacles:m,steps:[]}}a(Hi,"planDeploy");function WE(e,t){if(!e)return"0755";let[n,r]=e.ids.split(":"),[o,s]=t.split(":"),i=n===o?s===void 0||r===s?0:1024:3090;return(Number.parseInt(e.mode,8)&~i).toString(8).padStart(4,"0")}a(WE,"carriedMode");function ZE(e,t,{release:n,looksRight:r}){let o=t?.sha256??n??"",s=t?.bytes??0;return e.file?.sha256!==o?{from:t?"upload":"release",sha256:o,bytes:s}:{from:r?"in place already":"a copy of it",sha256:o,bytes:e.file.bytes}}a(ZE,"newFile");function qE(e,t){if(e==="previous")return t.releases[0];let n=t.releases.filter(({sha256:r})=>r.startsWith(e));return n.length===0&&t.file?.sha256.startsWith(e)?{sha256:t.file.sha256}:n.length===1?n[0]:void 0}a(qE,"findRelease");function GE(e,t){return e.service||t.unit?{restart:"systemd",because:t.because}:e.restart==="auto"?{restart:"process",because:"no unit manages the program"}:{restart:e.restart,because:`restart is ${e.restart}`}}a(GE,"chooseRestart");async function Fi(e,{limit:t,stopped:n},r){let o=e.entries(),s=a(async()=>{for(let[i,c]of o){if(n())return;await r(c,i)}},"worker");await Promise.all(Array.from({length:Math.min(t,e.length)},s))}a(Fi,"inParallel");var Vu=require("node:timers/promises");var Mi=3;function Vo({inputs:e,source:t,transfers:n,context:r,reconnect:o,book:s},i,c){let{run:u,log:l,signal:f}=r;return{inputs:e,found:i,plan:c,source:t,transfers:n,run:u,log:l,signal:f,onBegin:s.begin,reconnect:o}}a(Vo,"deployOf");async function Jo(e,t){let{log:n,found:r}=t,{run:o,phase:s}=r.unfinished??{run:"an unknown run",phase:"unknown"};n.line(`An earlier deploy (${o}) was interrupted during \`${s}\`; recovering it first.`);let i=await Gm(e,t),c=i.pid?`, pid ${i.pid}`:"";return n.line(`  finished: ${i.state}${c}${i.broken?`: ${i.broken}`:""}`),i}a(Jo,"finishInterrupted");function es(e){if(e instanceof Gt||e instanceof ir)return e;throw e}a(es,"deathUnlessOutdated");function Ju(e){return Bt({state:"broken",failed:"recovery",why:`${e}, and each of ${Mi} attempts to recover it was killed on the target too`,broken:"the journal is kept, and the next run continues the recovery; until then the program may be down"})}a(Ju,"givenUp");async function Ag(e,{deploy:t,id:n,parts:r}){try{return await Ym(e,t,n)}catch(o){if(o instanceof Gt)return await el(t,r);throw o}}a(Ag,"takeBack");async function el(e,t){let n=Date.now()+Vr(e)*1e3,r="the transaction was killed on the target";for(let l=0;;)try{var o=[];try{let f=mr(o,await e.reconnect(),!0);let h=await qr(f,e.inputs,e.source);let _=t.book.begun()?.id;let m=h.unfinished&&(h.unfinished.id===_||h.unfinished.id==="");if(!m)return{...YE(h,e,_),failed:"transaction",why:r};if(!h.locked){let y=await Jo(f,Vo(t,h,e.plan)).catch(es);if(!(y instanceof Error))return{...y,failed:"transaction",why:r};if(l+=y instanceof Gt?1:0,l>=Mi)return Ju(r)}await(0,Vu.setTimeout)(500,void 0,{signal:e.signal})}catch(s){var i=s,c=!0}finally{var u=gr(o,i,c);u&&await u}}catch(f){if(f instanceof vn)return Yr(f);if(Date.now()>=n||e.signal.aborted)return Bt({state:"unknown",failed:"transaction",why:`${r}, and the target no longer responds`});await(0,Vu.setTimeout)(1e3,void 0,{signal:e.signal}).catch(()=>{})}}a(el,"undoDead");function YE(e,t,n){let r=e.ended.findLast(i=>i.id===n),o=In.find(i=>i===r?.state);if(r&&o)return Bt({state:o,pid:Number(r.pid)||void 0});let s=e.unfinished===void 0&&!XE(t.found,e);return Bt({state:s?"unknown":"staged"})}a(YE,"endOfDead");function XE(e,t){let n=a(({processes:r})=>r.map(({pid:o})=>o).join(),"pids");return e.file?.sha256===t.file?.sha256&&n(e)===n(t)&&n(t)!==""}a(XE,"isAsBefore");var VE=8;async function Eg(e,t,{unfinished:n,known:r}){let o=n.members.filter(s=>!r.includes(s));await Fi(o,{limit:VE,stopped:a(()=>t.context.signal.aborted,"stopped")},async s=>{let i=JE(t.inputs,s),c=await qr(e,i,void 0,{another:!1});if(c.unfinished?.release!==n.release||c.locked)return;let u={...t.context,log:wr(t.context.log,i.name)},l=Hi(i,c,{source:void 0,build:{workflow:"",number:0}}),f={...t,inputs:i,context:u,source:void 0};await Jo(e,Vo(f,c,l)).catch(es)})}a(Eg,"recoverMembers");function JE(e,t){let n=t.lastIndexOf("/");return{...e,...xg,health:{...xg.health,timeoutSeconds:e.health.timeoutSeconds},destination:t,folder:t.slice(0,n)||"/",name:t.slice(n+1)}}a(JE,"inputsOf");var xg={source:void 0,owner:void 0,mode:void 0,capabilities:void 0,restart:"auto",service:void 0,stopCommand:void 0,startCommand:void 0,daemonReload:!1,stopSignal:"TERM",stopTimeoutSeconds:10,runAs:void 0,args:[],workingDirectory:void 0,environment:[],logFile:void 0,health:{url:void 0,status:"200-399",contains:void 0,headers:[],port:void 0,command:void 0,timeoutSeconds:60,stableSeconds:3},expectStrings:[]};function vg({inputs:e,plan:t,outcome:n}){let{health:r,dryRun:o}=e,{state:s,failed:i,why:c}=n,u=(s==="active"||s==="unchanged")&&!o||i==="stable";if(!u&&i!=="health")return[];let l=`healthy for ${r.stableSeconds} s, as the same process`,f=[["health-port",r.port===void 0?void 0:`the process listens on ${r.port}`],["health-url",r.url&&`${cn(r.url)} answers ${r.status}`],["health-contains",r.contains&&"the expected text in the response"],["health-command",r.command&&"exit code 0"]],h=[tl("sha256",t.file.sha256)];if(!u)return[...h,kg("health",`within ${r.timeoutSeconds} s`,c)];for(let[_,m]of f)m&&h.push(tl(_,m));return i==="stable"?[...h,kg("stable",l,c)]:s==="active"&&t.restart!=="none"?[...h,tl("stable",l)]:h}a(vg,"checksOf");function tl(e,t){return{name:e,expected:t,found:t,ok:!0}}a(tl,"good");function kg(e,t,n){return{name:e,expected:t,found:n,ok:!1}}a(kg,"bad");var zi={state:"untouched",changed:!1,"downtime-ms":0,"bytes-sent":0,report:[]},Ig="untouched. Nothing on the target was changed.";function Cg(e){return e.fields.state!==void 0?e:new Ge({...e.fields,state:Ig})}a(Cg,"asUntouched");async function Rg(e,t){if(await t.outputs({...rl(e),"duration-ms":e.durationMs,report:[ol(e)]}),e.inputs.dryRun)return;let n=sl(e);t.log.line("");for(let[r,o]of n)t.log.line(`  ${r.padEnd(10)}${o}`);if(t.log.line(""),await t.summary({title:`Deploy of ${e.inputs.name}`,head:["",""],rows:n}),!eo(e.outcome.state))throw il(e)}a(Rg,"report");function eo(e){return e==="active"||e==="unchanged"}a(eo,"isGreen");function nl(e){return e==="active"||e==="unknown"}a(nl,"hasChanged");function Bg({kind:e,steps:t,units:n}){return e==="unchanged"?["Plan: nothing to do. File, process and health already match."]:["Plan",...t.map(({does:r,because:o})=>`  - ${r}: ${o}`),...n.notes.map(r=>`  Note: ${r}`)]}a(Bg,"planLines");function Pg(e,t){let{file:n,processes:r,strangers:o,releases:s,unseen:i,history:c,unfinished:u}=e,l=a(h=>e.units.find(({pids:_})=>_.includes(h))?.name,"unitOf"),f=r.map(({pid:h,user:_,live:m})=>`pid ${h} (${_}${l(h)?`, unit ${l(h)}`:""}${m?"":", outdated image"})`);return[...e.sudo?[`Using ${e.rootTool}, because ${e.needsRoot}`]:[],n?`Found ${t}: sha256 ${un(n.sha256)}, ${It(n.bytes)}, ${n.owner} ${n.mode}${n.capabilities?`, ${n.capabilities}`:""}`:`Found nothing at ${t}`,f.length>0?`  running as ${f.join(" and ")}`:`  not running${i?`; ${e.login} may not inspect pid ${i}`:""}`,...o.length>0?[`  also run by other accounts: ${o.map(({pid:h,user:_})=>`pid ${h} (${_})`).join(", ")}`]:[],...s.length>0?[`  kept releases: ${s.map(({sha256:h})=>un(h)).join(", ")}`]:[],...u?[`  an earlier deploy (${u.run}) stopped during \`${u.phase}\``]:[],...e.notes.map(h=>`  note: ${h}`),...c.length>0?[`  last deploy: ${c.at(-1)}`]:[]]}a(Pg,"foundLines");function Qi(e,t,n){return new Yt({what:`Preparing ${t}`,where:e,why:n.map(({why:r})=>r).join(`
`),state:Ig,remedy:n.map(({remedy:r})=>r).join(`
`)})}a(Qi,"refusal");function rl({plan:e,found:t,outcome:n}){return{state:n.state,changed:nl(n.state),sha256:e.file.sha256,"previous-sha256":t.file?.sha256??"",pid:n.pid??"","downtime-ms":n.downtimeMs??0,"bytes-sent":n.bytesSent}}a(rl,"scalarsOf");function ol(e){let{plan:t,found:n,outcome:r,target:o,inputs:s,durationMs:i}=e;return{target:o,destination:s.destination,state:r.state,sha256:t.file.sha256,previousSha256:n.file?.sha256??"",pid:r.pid??null,downtimeMs:r.downtimeMs??null,bytesSent:r.bytesSent,durationMs:i,failed:r.failed,why:r.why,phases:r.phases,checks:vg(e)}}a(ol,"entryOf");function sl({target:e,plan:t,found:n,outcome:r,inputs:o,durationMs:s}){let i=n.file?un(n.file.sha256):"nothing",c=un(t.file.sha256),u=[["state",r.state],["target",e],["file",o.destination],["sha256",ek(r.state,i,c)]];return r.pid&&u.push(["pid",String(r.pid)]),r.downtimeMs!==void 0&&u.push(["downtime",`${r.downtimeMs} ms`]),u.push(["sent",It(r.bytesSent)],["time",`${(s/1e3).toFixed(1)} s`]),u}a(sl,"tableOf");function ek(e,t,n){return t===n?t:e==="active"?`${t} -> ${n}`:e==="broken"||e==="unknown"?`was ${t}, tried ${n}`:`${t} (${n} is not deployed)`}a(ek,"digests");var Sg={lock:"Waiting for the lock of",stage:"Staging",upload:"Uploading",stop:"Stopping",recovery:"Recovering",connection:"Following the deploy of"};function il({target:e,inputs:t,found:n,outcome:r}){return new Yt({what:`${Object.hasOwn(Sg,r.failed)&&Sg[r.failed]||"Activating"} ${t.destination}`,where:e,why:`${r.why||"no reason was given"}.`,state:`${r.state}. ${tk(r,n,t)}`,remedy:rk(r,t),output:r.output})}a(il,"failureOf");function tk({state:e,failed:t,pid:n,broken:r},o,s){let i=o.file?`The previous version (sha256 ${un(o.file.sha256)})`:"";return{active:"The new version is running.",unchanged:"The target already matched.",untouched:"Nothing on the target was changed.",staged:`${nk(i,o)}; the uploaded file was removed.`,"rolled-back":i?`${i} is running again${n?` as pid ${n}`:""}.`:"There was no previous version; the new file was removed and nothing is running.",broken:`${ok(r)}. Manual inspection of ${s.folder} is required.`,unknown:t==="answer"?"The outcome of the deploy is not known.":"The connection was lost and the outcome is not known; the target finishes the transaction on its own."}[e]}a(tk,"stateSentence");function nk(e,{processes:t}){let n=t.length>0;return e?`${e} is unchanged${n?" and still running":""}`:n?"The running program is unchanged":"There was no previous version"}a(nk,"stagedSentence");function rk({state:e,failed:t,output:n,untrusted:r},o){return t==="answer"?"log in and inspect the host: the programs of this step never answer like this, so somebody may have changed what runs there.":e==="unknown"?"run verify-deploy, or re-run this job: it completes or rolls back what it finds.":t==="recovery"?"find out what kills processes there (the kernel for want of memory, a limit, a person), then re-run the job: it continues the recovery.":r?Xu:e==="broken"?"log in and inspect the host; `rollback-to: previous` restores the last kept release.":t==="lock"?"wait for the other deploy, or raise `lock-timeout-seconds`.":["upload","stage","swap","accept"].includes(t)?"check the connection and free disk space, then re-run the job.":t==="stop"?"find out what keeps the program from exiting, then re-run the job.":n?"read the last lines of the program below, fix the cause, then re-run the job.":o.logFile?`the program logged nothing to ${o.logFile}; run it manually, fix the cause, then re-run the job.`:"set `log-file` to see what the program prints, fix the cause, then re-run the job."}a(rk,"remedyOf");function ok(e){return e.charAt(0).toUpperCase()+e.slice(1)}a(ok,"capitalised");var al=4;async function Tg(e,{source:t,...n}){let{inputs:r,context:o,book:s}=n,i=Date.now(),c=a(()=>Bi(e,o),"reconnect"),[u,l]=await ik(t,c());try{o.log.phase("connect",`${l.target.name}`);let f={...n,source:u,reconnect:c},{found:h,plan:_,outcome:m,deploy:y}=await sk(l,f),b=s.begun()?.id;await s.end(m.state),u&&eo(m.state)&&n.transfers.arrived(u,l.isNear());let A=m.state==="active"&&y&&b?C=>Ag(C,{deploy:y,id:b,parts:f}):void 0,E=Date.now()-i;return{target:l.target.name,inputs:r,found:h,plan:_,outcome:m,durationMs:E,undo:A,host:l,reconnect:c}}catch(f){throw await l[Symbol.asyncDispose](),f}}a(Tg,"deployTarget");async function sk(e,t){let{inputs:n,source:r,context:o}=t,{log:s,run:i}=o,c=0;for(let u=1;;u+=1){let l=await qr(e,n,r);if(l.otherKernel)throw Qi(e.target.name,n.destination,[dg(l.otherKernel)]);let f={workflow:`${i.repository} ${i.workflow}`,number:i.number},h=Hi(n,l,{source:r,build:f}),_=Vo(t,l,h);if(l.unfinished&&!l.locked&&!n.dryRun&&u<al){let m=await Jo(e,_).catch(es);if(c+=m instanceof Gt?1:0,c>=Mi)return{found:l,plan:h,outcome:Ju(`an earlier deploy (${l.unfinished.run}) was interrupted`)};await Eg(e,t,{unfinished:l.unfinished,known:[n.destination]});continue}for(let m of Pg(l,n.destination))s.line(m);if(h.kind==="refused")throw Qi(e.target.name,n.destination,h.obstacles);for(let m of Bg(h))s.line(m);if(n.dryRun)return s.line("dry-run is set: nothing was changed."),{found:l,plan:h,outcome:Bt({state:"unchanged"})};if(h.kind==="unchanged")return{found:l,plan:h,outcome:Bt({state:"unchanged",pid:l.processes[0]?.pid})};try{return{found:l,plan:h,outcome:await qm(e,_),deploy:_}}catch(m){if(m instanceof Gt)return{found:l,plan:h,outcome:await el(_,t)};if(!(m instanceof ir))throw m;if(u>=al)throw Qi(e.target.name,n.destination,[lg(l,al)]);s.line("Another deploy ran in the meantime; inspecting again."),await t.book.end("untouched")}}}a(sk,"carryOut");async function ik(e,t){let[n,r]=await Promise.allSettled([e,t]);if(n.status==="rejected")throw r.status==="fulfilled"&&await r.value[Symbol.asyncDispose](),n.reason;if(r.status==="rejected")throw r.reason;return[n.value,r.value]}a(ik,"both");var Ki=200,ar=10,ak=200*1024,ji=["target","state","sha256","pid","downtime","sent","time"];function to({done:e,failure:t,isSkipped:n}){return t!==void 0&&!n||e!==void 0&&!eo(e.outcome.state)}a(to,"isRed");function Wi(e){return e.map(({done:t,...n})=>t?ol(t):{target:n.target,state:"untouched",why:Hg(n)})}a(Wi,"entriesOf");async function Ng(e,t,n){await t.outputs({...Lg(e),"duration-ms":n});let r=[ji,...uk(e).slice(0,Ki).map(lk)],o=e.length>Ki?[`  and ${e.length-Ki} more`]:[],s=Dg(e);for(let i of["",...dk(r),...o,`  ${s}`,""])t.log.line(i);if(await t.summary({title:"Deploy to several targets",list:[s],head:ji,rows:r.slice(1)}),e.some(ts)||e.every(({done:i})=>!i))throw fk(e)}a(Ng,"reportSeveral");async function Og(e,t,n){throw await t.outputs({...Lg([e]),"duration-ms":n}),e.failure}a(Og,"reportFailure");function Lg(e){let t=e.flatMap(({done:s})=>s??[]),n=e.filter(({isSkipped:s})=>!s),r=rc((n.length>0?n:e).map(cl)),o=t.find(({outcome:s})=>s.state===r)??t[0];return{...o&&rl(o),state:r,changed:t.some(({outcome:s})=>nl(s.state)),"downtime-ms":Math.max(0,...t.map(({outcome:s})=>s.downtimeMs??0)),"bytes-sent":t.reduce((s,{outcome:i})=>s+i.bytesSent,0),report:ck(e)}}a(Lg,"outputsOf");function ck(e){let t=Wi(e),n=Buffer.byteLength(JSON.stringify(t,null,1));if(n<=ak)return t;let r=Object.fromEntries(Ug(e)),o=Wi(e.filter(ts).slice(0,ar));return{cut:`the whole report has ${n} bytes; set report-file for it`,targets:e.length,states:r,red:o}}a(ck,"shortReport");function ts(e){return to(e)||e.done===void 0&&!e.isSkipped}a(ts,"isMissed");function uk(e){return e.length<=Ki?[...e]:[...e.filter(ts),...e.filter(t=>!ts(t))]}a(uk,"redFirst");function Ug(e){let t=[...In,"skipped"],n=a(r=>r.isSkipped?"skipped":cl(r),"nameOf");return t.flatMap(r=>{let o=e.filter(s=>n(s)===r).length;return o>0?[[r,o]]:[]})}a(Ug,"countsOf");function Dg(e){let t=Ug(e).map(([n,r])=>`${r} ${n}`);return`${e.length} targets: ${t.join(", ")}`}a(Dg,"countStates");function lk({done:e,...t}){if(!e)return[t.target,"untouched",Hg(t)];let n=new Map(sl(e));return ji.map(r=>r==="target"?t.target:n.get(r)??"")}a(lk,"rowOf");function Hg({failure:e,isSkipped:t,skipped:n}){let r=e?.fields.why.split(`
`)[0]??`not started: ${n}`;return t?`skipped: ${r}`:r}a(Hg,"whyNot");function cl({done:e}){return e?.outcome.state??"untouched"}a(cl,"stateOf");function dk(e){let t=ji.map((n,r)=>Math.max(...e.map(o=>o[r]?.length??0)));return e.map(n=>`  ${n.map((r,o)=>r.padEnd(t[o]??0)).join("  ")}`.trimEnd())}a(dk,"aligned");function fk(e){let t=e.flatMap(({target:s,done:i,failure:c})=>{let u=i&&!eo(i.outcome.state)&&i.outcome.failed!=="revert-all",l=c??(u?il(i):void 0);return l?[{target:s,...l.fields}]:[]}),n=t.slice(0,ar).map(({target:s,what:i,why:c})=>`${s}: ${i}: ${c}`);t.length>n.length&&n.push(`and ${t.length-n.length} more`);let r=e.filter(s=>e.length<=ar||ts(s)).slice(0,ar),o=r.map(s=>`${s.target}: ${cl(s)}`);return e.length>r.length&&o.push(Dg(e)),new Yt({what:"Deploying",where:hk(t.map(({target:s})=>s)),why:n.join(`
`)||"the step was cancelled.",state:o.join(`
`),remedy:t[0]?.remedy??"re-run the job; targets that are already deployed are left as they are.",output:t[0]?.output})}a(fk,"failureOfAll");function hk(e){let t=e.slice(0,ar).join(", ");return e.length>ar?`${t} and ${e.length-ar} more`:t}a(hk,"listed");async function Fg(e,t){let n=e.find(to);n&&await Fi(e,{limit:t,stopped:a(()=>!1,"stopped")},r=>pk(r,n.target))}a(Fg,"revertDone");async function pk(e,t){let{done:n,context:r,page:o}=e;if(!n?.undo)return;r.log.line(`${t} failed and revert-all is set: restoring the previous version.`);try{e.host??=await n.reconnect()}catch(l){if(!(l instanceof bt))throw l;r.log.warning(`Not reverted, and still running the new version: it could not be reached: ${l.fields.why}`);return}let s=await n.undo(e.host);if(s.state==="untouched"){r.log.line(`Not reverted: ${s.why}.`),await o.end(n.outcome.state);return}let i=`${t} failed and revert-all is set${s.why?`; ${s.why}`:""}`,{downtimeMs:c,bytesSent:u}=n.outcome;n.outcome={...s,failed:"revert-all",why:i,downtimeMs:c,bytesSent:u},await o.end(s.state),r.log.line(`finished: ${s.state}`)}a(pk,"revertOne");var Zi=20;async function Mg(e,t){var f=[];try{let n=Date.now();for(let b of e.environment)t.log.maskValue(b.slice(b.indexOf("=")+1));for(let b of as(e.health.headers))t.log.maskValue(b);let r=await Wl(e.reportFile,t.log);let o=await tf(e.hosts,e.rollout);if(o.length===0)return t.log.line(`Shard ${e.rollout.shard} has no target: nothing to do.`),t.outputs({...zi,state:"unchanged"});let s=Zf(o.map(b=>({host:b})),t);let i=mr(f,Wf({wanted:e.transfer,several:o.length>1},t),!0);let c=await _k({inputs:e,context:t,hosts:o,pages:s,transfers:i});try{e.revertAll&&await Fg(c,Zi)}finally{await Promise.all(c.map(b=>b.host?.[Symbol.asyncDispose]()))}let[u]=c;let l=Date.now()-n;await r(Wi(c));c.length>1?await Ng(c,t,l):u?.failure?await Og(u,t,l):u?.done&&await Rg(u.done,t)}catch(h){var _=h,m=!0}finally{var y=gr(f,_,m);y&&await y}}a(Mg,"deploy");async function _k(e){let{inputs:t,context:n,hosts:r,pages:o}=e,s=t.source===void 0?void 0:lf(t.source,t.expectStrings,t.sha256);s?.catch(()=>{});let i=r.map((u,l)=>{let f={log:r.length>1?wr(n.log,u):n.log};return{target:u,page:o[l],context:{...n,...f}}}),c=await of(r.length,{policy:Jd(t.rollout,r.length),pauseSeconds:t.rollout["pause-seconds"],signal:n.signal,onPause:a(u=>n.log.line(`${wk(u)}; waiting ${t.rollout["pause-seconds"]} s.`),"onPause")},async u=>{let l=i[u],f=await mk(l,r[u],{...e,source:s});return r.length>Zi&&n.log.line(`${$k(i)} of ${r.length} targets finished`),f});for(let u of i)!u.done&&!u.failure&&(u.skipped=c??"the rollout ended");return i}a(_k,"deployAll");async function mk(e,t,{inputs:n,hosts:r,transfers:o,source:s}){let i=r.length>Zi?Ll(e.context.log):void 0,c=i?{...e.context,log:i.log}:e.context,{user:u,port:l,container:f}=n.connection,h=[u,t,l,f,n.destination].join(" "),_=n.dryRun||n.strategy==="in-place"?void 0:s;try{let m={...n.connection,host:t},y=o.to(h,_),b=await Tg(m,{inputs:n,context:c,book:e.page,transfers:y,source:s});Object.assign(e,{done:b,target:b.target}),n.revertAll&&b.undo&&r.length<=Zi?e.host=b.host:await b.host[Symbol.asyncDispose]()}catch(m){if(!(m instanceof Ge||m instanceof Yt))throw m;e.failure=Cg(m),e.isSkipped=n.rollout.unreachable==="skip"&&ja(m)}return to(e)&&i?.tell(),gk(e,{isOnly:r.length===1}),e.failure?ja(e.failure)?"unreachable":"failed":to(e)?"failed":"proved"}a(mk,"deployOne");function gk({done:e,failure:t,isSkipped:n,context:{log:r}},{isOnly:o}){if(!o)if(n)r.warning(`skipped, because it could not be reached: ${t?.fields.why}`);else if(t)for(let s of Qt(t.message))r.line(s);else e&&r.line(`finished: ${e.outcome.state}`)}a(gk,"tellEnd");function $k(e){return e.filter(({done:t,failure:n})=>t??n).length}a($k,"countEnded");function wk(e){let t=e.filter(n=>n!=="waiting");return`${t.length} of ${e.length} targets finished, ${t.filter(n=>n!=="proved").length} of them failed or unreachable`}a(wk,"countLine");function ul(e){let t=[],n,r="";for(let o=0;o<e.length;o+=1){let s=e.charAt(o);if(r==="'")s==="'"?r="":n+=s;else if(s==="\\"){o+=1;let i=e.charAt(o);if(i==="")throw new RangeError("a backslash ends it");if(i===`
`)continue;n=(n??"")+(r==='"'&&!'"\\$`'.includes(i)?`\\${i}`:i)}else r==='"'?s==='"'?r="":n+=s:s==="'"||s==='"'?(r=s,n??=""):` 	
`.includes(s)?(n!==void 0&&t.push(n),n=void 0):n=(n??"")+s}if(r)throw new RangeError(`the quote ${r} is never closed`);return n!==void 0&&t.push(n),t}a(ul,"splitWords");var zg=["auto","process","systemd","command","none"],Qg=["TERM","INT","QUIT","HUP","USR1","USR2","WINCH","KILL"],Kg={source:Nt(),sha256:ot(ht(/^[0-9a-f]{64}$/i,"a sha256 digest of 64 hexadecimal digits")),destination:ht(Er,'an absolute path without ".." or control characters'),owner:ot(ht(Dd,"user, user:group or numbers")),mode:ot(ht(/^0?[0-7]{3,4}$/,"an octal mode such as 0755")),capabilities:ot(ht(/^[a-z0-9_,=+ -]+$/i,"capabilities such as cap_net_bind_service=+ep")),restart:Ln(zg),service:ot(ht(/^(user:)?[A-Za-z0-9:_.@\\-]+$/,"the name of a unit, or user:NAME")),"stop-command":Nt(),"start-command":Nt(),"daemon-reload":Yn(!1),"stop-signal":en(ht(kk,`one of ${Qg.join(", ")}`),"TERM"),"stop-timeout-seconds":On(10,1,3600),"run-as":ot(ht(kr,"the name of an account")),args:en(ht(vk,"arguments whose quotes are closed"),""),"working-directory":ot(ht(e=>e==="/"||Er(e),"an absolute path")),environment:Qd(),"log-file":ot(ht(Er,"an absolute path")),"health-url":ot(zd()),"health-status":en(ht(Hd,"status codes and ranges such as 200-399 or 200,204"),"200-399"),"health-contains":Nt(),"health-headers":Kd(),"health-port":Nn(1,65535),"health-command":Nt(),"health-timeout-seconds":On(60,1,3600),"stable-seconds":gs(3,0,3600),"expect-strings":jd()},yk=Zn({...bs,...Kg,...Fa,host:ot(bs.host),strategy:Ln(["staged","in-place"]),rollback:Yn(!0),"rollback-to":ot(ht(/^(previous|[0-9a-f]{4,64})$/i,"previous or at least 4 digits of a sha256")),"keep-releases":On(3,0,100),"allow-older":Yn(!1),force:Yn(!1),transfer:Ln(["auto","delta","compressed","plain"]),"lock-timeout-seconds":On(60,0,86400),"revert-all":Yn(!1),"dry-run":Yn(!1),"report-file":Nt()}).check(Nd(e=>{for(let[t,n]of xk(e.value))e.issues.push({code:"custom",message:n,path:[t],input:e.value})},{when:a(()=>!0,"when")})),rO=Zn(Kg),jg=Pn(yk,qn(bk));function bk(e){return{...Ak(e),hosts:ys(e.host??""),connection:e,rollout:e,sudo:e.sudo,strategy:e.strategy,rollback:e.rollback,rollbackTo:e["rollback-to"]?.toLowerCase(),keepReleases:e["keep-releases"],allowOlder:e["allow-older"],force:e.force,transfer:e.transfer,lockTimeoutSeconds:e["lock-timeout-seconds"],revertAll:e["revert-all"],dryRun:e["dry-run"],reportFile:e["report-file"]}}a(bk,"toDeployInputs");function Ak(e){let t=e.destination.endsWith("/")?`${e.destination}${e.source?.split("/").at(-1)??""}`:e.destination,[,n="",r=""]=/^(.*)\/([^/]*)$/.exec(t.replace(/\/{2,}/g,"/"))??[];return{source:e.source,sha256:e.sha256?.toLowerCase(),folder:n||"/",name:r,destination:`${n}/${r}`,owner:e.owner,mode:e.mode&&Md(e.mode),capabilities:e.capabilities,restart:e.restart,service:e.service,stopCommand:e["stop-command"],startCommand:e["start-command"],daemonReload:e["daemon-reload"],stopSignal:Wg(e["stop-signal"]),stopTimeoutSeconds:e["stop-timeout-seconds"],runAs:e["run-as"],args:ul(e.args),workingDirectory:e["working-directory"],environment:e.environment,logFile:e["log-file"],health:{url:e["health-url"],status:e["health-status"].replace(/\s/g,""),contains:e["health-contains"],headers:e["health-headers"],port:e["health-port"],command:e["health-command"],timeoutSeconds:e["health-timeout-seconds"],stableSeconds:e["stable-seconds"]},expectStrings:e["expect-strings"]}}a(Ak,"toProgram");function xk(e){let t=Vd(e);return!e.host&&!e["hosts-file"]&&t.push(["host","required, but not set"]),e.sha256&&!e.source&&t.push(["sha256","only valid with `source`, whose digest it is"]),!e.source&&!e["rollback-to"]&&t.push(["source","required, unless `rollback-to` is set"]),e.source&&e["rollback-to"]&&t.push(["rollback-to","cannot be combined with `source`: it activates a kept release"]),e.destination?.endsWith("/")&&!e.source&&t.push(["destination","must name the file itself if there is no `source`"]),e["revert-all"]===!0&&e["keep-releases"]===0&&t.push(["keep-releases","must be 1 or more with `revert-all`, which restores the previous release"]),[...t,...Ek(e)]}a(xk,"contradictions");function Ek(e){let t=zg.find(r=>r===e.restart),n=[];t==="command"&&!e["start-command"]&&n.push(["start-command","required with `restart: command`"]),t&&t!=="command"&&(e["start-command"]||e["stop-command"])&&n.push([e["start-command"]?"start-command":"stop-command","only valid with `restart: command`"]),e.service&&t&&!["auto","systemd"].includes(t)&&n.push(["service","only valid with `restart: systemd` or `restart: auto`"]);for(let r of["health-contains","health-headers"])!e["health-url"]&&(e[r]?.length??0)>0&&n.push([r,"only valid with `health-url`"]);if(e.restart==="none")for(let r of["health-url","health-port","health-command"])e[r]&&n.push([r,"has no effect with `restart: none`, which starts nothing"]);for(let[r,o]of(e.environment??[]).entries())/^[A-Za-z_][A-Za-z0-9_]*=/.test(o)||n.push(["environment",`line ${r+1} must be KEY=VALUE with a name a shell can export`]);return n}a(Ek,"programContradictions");function kk(e){return Qg.includes(Wg(e))}a(kk,"isSignal");function Wg(e){return e.toUpperCase().replace(/^SIG/,"")}a(Wg,"signalName");function vk(e){try{return ul(e),!e.includes("\0")}catch{return!1}}a(vk,"isSplittable");async function Zg(e,t,n){let r=JSON.parse(e("begun")||"[]");if(r.length===0)return;let{log:o}=n;o.line("The main step was stopped during a deploy. The target will finish it on its own, as active or rolled-back.");let s=Ik(t);if(!s){let c=Math.max(...r.map(u=>u.limitSeconds));o.line(`This runner passes no inputs to post steps, so the target can't be queried. It will finish within ${c} s; check with verify-deploy.`);return}let i=r.length===1;await Promise.all(r.map(async c=>{let u=i?n:{...n,log:wr(o,c.host)};await Sk(c,{inputs:s,connection:{...s.connection,host:c.host}},u)}))}a(Zg,"lookAfter");async function Sk({id:e,sudo:t,limitSeconds:n},{inputs:r,connection:o},s){let{log:i,signal:c}=s,u=a(()=>Bi(o,s),"reconnect");try{let{state:l,pid:f,why:h}=await Oi({inputs:r,log:i,signal:c,sudo:t,limitSeconds:n,reconnect:u},e);i.line(`Finished: ${l}${f?`, pid ${f}`:""}${h?`: ${h}`:""}.`)}catch(l){let f=l instanceof bt?l.message:"The transaction was killed on the target; the next deploy restores the previous version.";for(let h of Qt(f))i.line(h)}}a(Sk,"followInterrupted");function Ik(e){try{return e()}catch(t){if(t instanceof Ht)return;throw t}}a(Ik,"inputsOf");Kl({schema:jg,main:Mg,outputs:zi,post:Zg});
