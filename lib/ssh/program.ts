/** One `.sh` program (text imported from its file) and its values: `{ path: '/x' }` is `$in_path` in the program. */
export interface Program {
  text: string;
  values: Readonly<Record<string, string | number | boolean | undefined>>;
}

/** The line by which RUN_PROGRAM says that it reads now. Nothing secret is sent before it came: a login shell may not be ours. */
export const READY = 'ready-reader';
/** What a login shell that waits for commands of its own is sent, so that it ends; RUN_PROGRAM skips it. */
export const LEAVE = 'exit';
/** The line by which it says that this shell can't run the programs. */
export const UNFIT = 'unfit-reader';

/**
 * What a shell runs to read one program, encoded, and to run it. It takes no byte beyond the program, so a payload may follow; a
 * program cut short runs nothing, because its end is marked. Before anything secret is in its memory it leaves no core dump any
 * more; what the program starts gets back the limit that was found.
 *
 * A shell whose printf is not a builtin (mksh) would show every value in an argument list; one without local (ksh93) stops at a
 * syntax error. A shell's own `read` takes byte by byte from a pipe, 25 ms for a deploy: it is for those whose dd can't fill a block.
 *
 * No single quote, backslash or exclamation mark may be in it: csh and fish read it too.
 */
export const RUN_PROGRAM = [
  'echo; core_limit=$(command -v printf; command -v local; ulimit -S -c)',
  `case $core_limit in printf?local?*) core_limit=\${core_limit#printf?local?} ;; *) echo ${UNFIT}; exit 1 ;; esac`,
  `ulimit -S -c 0; echo ${READY}`,
  `IFS= read -r size; [ "$size" = ${LEAVE} ] && IFS= read -r size`,
  'line=$(dd bs=$size count=1 iflag=fullblock 2>/dev/null)',
  '[ -n "$line" ] || IFS= read -r line',
  'case $line in *#end) eval "$(printf %b "$line")"; esac',
].join('; ');

/** The folders of the system's programs; NixOS has its own, sudo's before the others. Like prelude.sh. */
const PATH =
  '/run/wrappers/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin';

/** Neither functions nor options (SHELLOPTS, BASH_ENV, LD_PRELOAD) come from the login: one exec more, and no process. */
const CLEAN = `/usr/bin/env -i PATH=${PATH}`;

/** Goes on as root by sudo, or where that refuses and doas is there, by doas: like elevate.sh. */
const AS_ROOT = [
  'command -v doas >/dev/null || exec sudo -n -- /bin/sh -c "$0"',
  'sudo -n -- /bin/sh -c : 2>/dev/null && exec sudo -n -- /bin/sh -c "$0"',
  'exec doas -n -- /bin/sh -c "$0"',
].join('; ');

/** By what a container's tool finds its daemon and its settings. */
const TOOL_VARIABLES = [
  'HOME USER LOGNAME XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_DATA_HOME DBUS_SESSION_BUS_ADDRESS',
  'DOCKER_HOST DOCKER_CONTEXT DOCKER_CONFIG DOCKER_CERT_PATH DOCKER_TLS_VERIFY CONTAINER_HOST CONTAINERS_CONF CONTAINERS_STORAGE_CONF',
  'LXD_DIR LXD_SOCKET LXD_CONF LXD_PROJECT INCUS_DIR INCUS_SOCKET INCUS_CONF INCUS_PROJECT',
].join(' ');

const WITH_TOOL_VARIABLES = [
  `set --; for name in ${TOOL_VARIABLES}`,
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's, not TypeScript's
  'do eval "value=\\${$name-}"; case $value in ?*) set -- "$@" "$name=$value" ;; esac; done',
  `exec ${CLEAN} "$@" /bin/sh -c "$0"`,
].join('; ');

/** What an exec channel is asked to run, understood alike by sh, bash, csh and fish as login shells: as the login, as root, or on a container's host. */
export function bootstrapCommand(as: 'login' | 'root' | 'host'): string {
  if (as === 'login') return `exec ${CLEAN} /bin/sh -c '${RUN_PROGRAM}'`;
  if (as === 'root') return `exec ${CLEAN} /bin/sh -c '${AS_ROOT}' '${RUN_PROGRAM}'`;
  return `exec /bin/sh -c '${WITH_TOOL_VARIABLES}' '${RUN_PROGRAM}'`;
}

/** The two lines that RUN_PROGRAM waits for; secrets are safe in them, since they travel on standard input. */
export function programLines(program: Program): string {
  const line = `${programText(program)}\n#end`.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return `${Buffer.byteLength(line) + 1}\n${line}\n`;
}

/** The program with its values assigned in front, as a shell runs it. Throws on a NUL byte, which no shell can hold. */
export function programText({ text, values }: Program): string {
  const assignments = Object.entries(values).map(
    ([name, value]) => `in_${name}=${quote(value === undefined ? '' : String(value))}`,
  );
  return [...assignments, text].join('\n');
}

/** `text` as one shell word, whatever it contains. */
export function quote(text: string): string {
  if (text.includes('\0')) throw new RangeError('a value for a shell contains a NUL byte');
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
