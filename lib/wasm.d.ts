/** WebAssembly, compiled from the AssemblyScript file of the same name by scripts/assembly.mjs. */
declare module '*.wasm' {
  const bytes: Uint8Array;
  export default bytes;
}

/** What is used of it; the types of Node.js leave it to those of browsers. */
declare namespace WebAssembly {
  class Memory {
    constructor(pages: { initial: number });
    grow(pages: number): number;
    readonly buffer: ArrayBuffer;
  }
  function instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: unknown } }>;
}
