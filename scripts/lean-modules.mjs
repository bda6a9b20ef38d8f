/*
 * Every start of an action reads and runs its whole bundle, so what the libraries bring along for others costs every step of
 * every job. Here stands what is left out, and what waits until it is asked for.
 */

/** Never reached by an action: module, as it is asked for -> what stands in its place. */
const UNUSED = {
  // @actions/core: an HTTP client (415 kB, undici) for OIDC alone.
  '@actions/http-client': 'exports.HttpClient = class {};',
  '@actions/http-client/lib/auth': 'exports.BearerCredentialHandler = class {};',
  // ssh2: the server (the demo has it), key generation, SFTP, and agents that make node:http, node:https and node:tls load.
  './http-agents.js': '',
  './server.js': '',
  './keygen.js': '',
  './protocol/SFTP.js': 'exports.SFTP = class {};',
  // ssh2 asks for this native module inside of try/catch; looking for it takes a millisecond.
  'cpu-features': '',
  // node-ssh: copying of whole folders.
  'make-dir': '',
  'sb-scandir': '',
  'sb-promise-queue': '',
};

/** Asked for by few: loaded when first called. Encrypted OpenSSH keys need it, and with it all of NaCl. */
const LATER = { 'bcrypt-pbkdf': 'pbkdf' };

const ROOT = new URL('..', import.meta.url).pathname;
const USERS = /[\\/]node_modules[\\/](ssh2|node-ssh|@actions[\\/]core)[\\/]/;

/** An esbuild plugin that keeps a bundle to what its actions use. */
export const leanPlugin = {
  name: 'lean',
  setup(build) {
    build.onResolve({ filter: /./ }, ({ path, importer }) => {
      if (!USERS.test(importer)) return undefined;
      if (path in UNUSED) return { path, namespace: 'unused' };
      return path in LATER ? { path, namespace: 'later' } : undefined;
    });
    build.onLoad({ filter: /./, namespace: 'unused' }, ({ path }) => ({ contents: UNUSED[path] }));
    build.onLoad({ filter: /./, namespace: 'later' }, ({ path }) => ({
      contents: `exports.${LATER[path]} = (...given) => require('${path}').${LATER[path]}(...given);`,
      resolveDir: ROOT,
    }));
  },
};
