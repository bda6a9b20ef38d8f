/**
 * Whether a pattern of `exclude` names an entry: `*` and `?` for all but a slash, `**` for that too, `[a-z]`. A pattern with a slash
 * before its end counts from the root of the tree, any other for the name at every depth; one that ends in a slash names folders.
 */
export function excluding(patterns: readonly string[]): (path: string, isFolder: boolean) => boolean {
  const rules = patterns.map((pattern) => {
    const folderOnly = pattern.endsWith('/');
    const plain = pattern.replace(/^\/|\/$/g, '');
    const anchored = pattern.startsWith('/') || plain.includes('/');
    return { folderOnly, anchored, rule: ruleOf(plain) };
  });
  return (path, isFolder) =>
    rules.some(
      ({ folderOnly, anchored, rule }) =>
        (isFolder || !folderOnly) && rule.test(anchored ? path : (path.split('/').at(-1) ?? '')),
    );
}

function ruleOf(pattern: string): RegExp {
  let source = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const rest = pattern.slice(at);
    const set = /^\[([!^]?)((?:\]|[^\]/])[^\]/]*)\]/.exec(rest);
    if (rest.startsWith('**/')) {
      source += '(?:[^]*/)?';
      at += 2;
    } else if (rest.startsWith('**')) {
      source += '[^]*';
      at += 1;
    } else if (pattern[at] === '*') source += '[^/]*';
    else if (pattern[at] === '?') source += '[^/]';
    else if (set) {
      source += `[${set[1] ? '^/' : ''}${(set[2] ?? '').replace(/[\\[\]^]/g, '\\$&')}]`;
      at += set[0].length - 1;
    } else source += (pattern[at] ?? '').replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
  }
  return new RegExp(`^${source}$`, 'u');
}
