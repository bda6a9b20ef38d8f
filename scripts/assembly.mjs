import { readFile } from 'node:fs/promises';
import asc from 'assemblyscript/asc';

const OPTIONS = {
  optimizeLevel: 3,
  converge: true,
  enable: 'simd',
  runtime: 'stub',
  noAssert: true,
  importMemory: true,
};
const WASM = /\.wasm$/;

/** The WebAssembly of an AssemblyScript file, the same bytes for the same text. Throws with what the compiler found. */
async function compile(path) {
  const { error, stderr, binary } = await asc.compileString({ 'input.ts': await readFile(path, 'utf8') }, OPTIONS);
  if (error) throw new Error(`${path}: ${stderr}`);
  return binary;
}

/** Whether the WebAssembly of `x.wasm` contains code of AssemblyScript's own library: without optimizing, nothing is inlined. */
export async function usesStandardLibrary(wasm) {
  const options = { ...OPTIONS, optimizeLevel: 0, converge: false, textFile: 'input.wat' };
  const compiled = await asc.compileString({ 'input.ts': await readFile(textOf(wasm), 'utf8') }, options);
  return /\(func \$~lib\//.test(compiled['input.wat']);
}

/** Where the text of `x.wasm` stands: in `x.ts` beside it. */
const textOf = (path) => path.replace(WASM, '.ts');

/** esbuild: `import bytes from './x.wasm'` gives the WebAssembly of `x.ts`. */
export const assemblyPlugin = {
  name: 'assembly',
  setup(build) {
    build.onResolve({ filter: WASM }, ({ path, resolveDir }) => ({
      path: `${resolveDir}/${path}`,
      namespace: 'assembly',
    }));
    build.onLoad({ filter: WASM, namespace: 'assembly' }, async ({ path }) => ({
      contents: await compile(textOf(path)),
      loader: 'binary',
      watchFiles: [textOf(path)],
    }));
  },
};

/** vite: the same for tests that import the sources. */
export const assemblyVitePlugin = {
  name: 'assembly',
  enforce: 'pre',
  resolveId: (id, importer) => (WASM.test(id) && importer ? new URL(id, `file://${importer}`).pathname : undefined),
  async load(id) {
    if (!WASM.test(id)) return null;
    this.addWatchFile(textOf(id));
    const bytes = await compile(textOf(id));
    return `export default Buffer.from('${Buffer.from(bytes).toString('base64')}', 'base64')`;
  },
};
