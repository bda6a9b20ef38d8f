const CHARACTERS_AT_MOST = 500;
// biome-ignore lint/suspicious/noControlCharactersInRegex: no name of a ref has them
const FORBIDDEN = /[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(\/|$)|^[-/.]|[/.]$|^@$/;
const COMMIT = /^[0-9a-f]{40}([0-9a-f]{24})?$/;

/** Whether a text can be the name of a branch or tag (git-check-ref-format(1)), and begins with no dash. */
export function isRefName(name: string): boolean {
  return name !== '' && name.length <= CHARACTERS_AT_MOST && !FORBIDDEN.test(name);
}

/** Whether it is a commit's full id, which needs no looking up. */
export function isFullId(name: string): boolean {
  return COMMIT.test(name);
}
