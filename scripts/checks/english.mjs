import { readFileSync } from 'node:fs';
import { filesBelow } from './imports.mjs';
import { literalsOf } from './literals.mjs';

// A clause after `, for`: a pronoun, or a noun with its verb.
const BECAUSE =
  /,\sfor\s(?:it|they|there|he|she|nobody|nothing|what|who|(?:the|an?|its|every|no)\s\w+\s(?:is|are|was|can|may|must|has|have|would|costs))\b/gi;

/** The glossary: what is said, and the words it replaces. docs/STYLE.md has the same rows. */
export const GLOSSARY = [
  { say: 'inspect, check', not: /\blook(s|ed|ing)?\b(?!\s?-?up\b|\slike\b)|\bask(s|ed|ing)?\sfor\b/gi },
  { say: 'report, print, log, show', not: /\bt(ell(s|ing)?|old)\b|\bsaid\sloudly\b|\bsays?\s(so\s)?loudly\b/gi },
  { say: 'fail', not: /\bc[oa]mes?\sto\snothing\b|\bf(all|alls|ell|allen)\sover\b/gi },
  {
    say: 'roll back, restore',
    not: /\b(go(es|ing|ne)?|went)\sback\b|\b(put(s|ting)?|tak(e|es|en|ing)|took|bring(s|ing)?|brought)(\s[\w'…-]+){0,4}\sback\b/gi,
  },
  {
    say: 'start, finish, result',
    not: /(?<!-----)\bbeg(in(s|ning)?|an|un)\b(?!\sof\b)|\bend(s|ed|ing)?\sas\b|\bits\s(own\s)?end\b/gi,
  },
  { say: 'fix, repair', not: /\bmend(s|ed|ing)?\b/gi },
  { say: 'is not a …', not: /(?<!\bthere\s)\b(is|are|was|were)\sno\s(?!longer\b|more\b)/gi },
  { say: 'because', not: BECAUSE },
  {
    say: 'otherwise',
    not: /(?<!\b(?:some|any|no|every)(?:one|body|thing|where)\s|\b(?:what|who|nothing|where)\s)\belse\b/gi,
  },
  {
    say: 'the usual, equivalent, on its own, in progress, as expected',
    not: /\bkin\b|\bby\sitself\b|\bat\swork\b|\bas\swanted\b|\bexactly\sso\b/gi,
  },
  { say: 'untrusted text', not: /\bforeign\s(text|output|words)\b/gi },
  { say: 'state folder', not: /\bour\sfolder\b|\bfolder\sof\sours\b/gi },
  { say: 'release, previous release', not: /\bwhat\s(was|is)\sthere\b/gi },
];

/** docs/STYLE.md shows the words that are not used, and the changes of a release may quote old ones. */
const EXEMPT = ['docs/STYLE.md'];
const MODULE = /\b(?:from|import\(?)\s*$/;
const TITLE = /(?:\b(?:test|describe|it)(?:\.\w+)?\(|\)\()\s*$/;
/** Code in backquotes, and the markers of generated parts. */
const CODE = /`[^`\n]*`|<!-- [\w:]+ -->/g;
/** A quoted piece of a program. */
const SHELL = /; (then|else|do|fi|done)\b/;
/** The line break in a paragraph of Markdown: what follows it is neither a list, a table, a heading nor a code fence. */
const WRAPPED = /\n(?=[^\n|#>`-])/g;

/** Files that users or contributors read, or that print what they read. */
export function proseFiles() {
  return [
    ...['lib', 'actions', 'target'].flatMap((folder) =>
      ['.ts', '.sh', '.md', 'action.yml'].flatMap((suffix) => filesBelow(folder, suffix)),
    ),
    ...filesBelow('docs', '.md'),
    ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'],
    ...filesBelow('test', '.test.ts'),
  ].filter((path) => !path.endsWith('.d.ts') && !path.includes('/assembly/') && !EXEMPT.includes(path));
}

/**
 * What a file says in words of the right-hand side of the glossary: line, the words, and what to say instead.
 * @returns {{ line: number, words: string, say: string }[]}
 */
export function findingsIn(path, source = readFileSync(path, 'utf8')) {
  return textsOf(path, source).flatMap(({ text, line }) =>
    GLOSSARY.flatMap(({ say, not }) =>
      [...text.matchAll(not)].map(({ 0: words, index }) => ({
        line: line + lineBreaks(text.slice(0, index)),
        words: words.replace(/\s+/g, ' ').trim(),
        say,
      })),
    ),
  );
}

/** The texts of a file that people read, each with its line. */
function textsOf(path, source) {
  if (path.endsWith('.md')) return [{ text: withoutCode(source).replace(WRAPPED, '\v'), line: 1 }];
  if (path.endsWith('.yml')) return [{ text: withoutCode(source), line: 1 }];
  if (path.endsWith('.sh')) return source.split('\n').flatMap((text, at) => quotedIn(text, at + 1));
  const literals = literalsOf(source).filter(({ text, before }) => /\w[ …]|[ …]\w/.test(text) && !MODULE.test(before));
  return path.endsWith('.test.ts') ? literals.filter(({ before }) => TITLE.test(before)) : literals;
}

function withoutCode(source) {
  return source.replace(CODE, '``');
}

function lineBreaks(text) {
  return text.match(/[\n\v]/g)?.length ?? 0;
}

/** The quoted texts of a line of shell that hold more than one word; comments hold none. */
function quotedIn(line, number) {
  if (/^\s*#/.test(line)) return [];
  const texts = [...line.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'/g)].map(([, one, other]) => one ?? other ?? '');
  return texts.filter((text) => text.includes(' ') && !SHELL.test(text)).map((text) => ({ text, line: number }));
}
