import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { run } from './checks/run.mjs';

const API_LIMIT_MS = 60_000;
const GIT_LIMIT_SECONDS = 120;
const EXISTS = 409;

/**
 * Publishes the release of a tag: text from CHANGELOG.md and the digests of dist/, then the moving tag of its major version.
 * With `check` it changes nothing. Throws before the first change when tag, package.json and CHANGELOG.md disagree.
 */
export async function release({ tag, check = false, api, server, token }) {
  const files = readdirSync('dist').sort();
  const text = releaseText({
    tag,
    version: JSON.parse(readFileSync('package.json', 'utf8')).version,
    changelog: readFileSync('CHANGELOG.md', 'utf8'),
    digests: files.map((name) => [`dist/${name}`, sha256(readFileSync(`dist/${name}`))]),
    commit: (await git(['rev-parse', 'HEAD'])).trim(),
  });
  if (check) return text;
  await publish({ tag, text, api, token });
  const tags = (await git(['tag', '--list'])).split('\n');
  if (!isNewestOfMajor(tag, tags)) return text;
  const major = majorOf(tag);
  await git(['tag', '--force', major, `${tag}^{commit}`]);
  await git(['push', '--force', 'origin', `refs/tags/${major}`], credentials(server, token));
  return text;
}

/** The text of a release. Throws when the tag is not the version of package.json, or CHANGELOG.md has no section for it. */
export function releaseText({ tag, version, changelog, digests, commit }) {
  if (tag !== `v${version}`) throw new Error(`the tag is ${tag}, but package.json has version ${version}`);
  return [
    changesOf(changelog, version),
    `### Pin this release\n\n\`uses: …/actions/deploy-binary@${commit} # ${tag}\``,
    '### Digests\n\nSHA-256 of the files that run; `npm run build` makes the same bytes from the sources.',
    ['| file | SHA-256 |', '| --- | --- |', ...digests.map(([name, digest]) => `| ${name} | \`${digest}\` |`)].join(
      '\n',
    ),
  ].join('\n\n');
}

/** Whether no tag of the same major version is higher: a fix of an older version must not move `vX` back. */
export function isNewestOfMajor(tag, tags) {
  const own = numbersOf(tag);
  const others = tags.filter((other) => /^v\d+\.\d+\.\d+$/.test(other)).map(numbersOf);
  return others.every((other) => other[0] !== own[0] || compare(other, own) <= 0);
}

function changesOf(changelog, version) {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((text) => new RegExp(`^\\[?${version.replaceAll('.', '\\.')}\\]?(?=\\s)`).test(text));
  if (!section) throw new Error(`CHANGELOG.md has no section '## [${version}] - DATE'`);
  const changes = section
    .slice(section.indexOf('\n'))
    .replace(/^\[[^\]]+\]: .*$/gm, '')
    .trim();
  if (changes === '') throw new Error(`the section of ${version} in CHANGELOG.md is empty`);
  return changes;
}

/** Creates the release, or updates the one that an earlier attempt created. */
async function publish({ tag, text, api, token }) {
  const body = JSON.stringify({ tag_name: tag, name: tag, body: text });
  const created = await ask(`${api}/releases`, { method: 'POST', body, token });
  if (created.ok) return;
  if (created.status !== EXISTS) throw new Error(`the forge answered ${created.status} when the release was created`);
  const found = await ask(`${api}/releases/tags/${tag}`, { token });
  const { id } = found.ok ? await found.json() : {};
  const updated = id === undefined ? found : await ask(`${api}/releases/${id}`, { method: 'PATCH', body, token });
  if (!updated.ok) throw new Error(`the forge answered ${updated.status} when the release was updated`);
}

function ask(url, { token, ...request }) {
  const headers = { authorization: `token ${token}`, 'content-type': 'application/json' };
  return fetch(url, { ...request, headers, signal: AbortSignal.timeout(API_LIMIT_MS) });
}

/** For the one push: in the environment, because an argument list can be read by every account of the machine. */
function credentials(server, token) {
  const header = `Authorization: Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
  return { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: `http.${server}/.extraHeader`, GIT_CONFIG_VALUE_0: header };
}

async function git(words, env = {}) {
  const { code, output } = await run('git', words, {
    limitSeconds: GIT_LIMIT_SECONDS,
    env: { ...env, GIT_TERMINAL_PROMPT: '0' },
  });
  if (code !== 0) throw new Error(`git ${words[0]} failed: ${output.trim()}`);
  return output;
}

function majorOf(tag) {
  return tag.split('.')[0];
}

function numbersOf(tag) {
  return tag.slice(1).split('.').map(Number);
}

function compare(one, other) {
  const at = one.findIndex((number, index) => number !== other[index]);
  return at < 0 ? 0 : one[at] - other[at];
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  process.chdir(new URL('..', import.meta.url).pathname);
  const { TAG: tag = '', TOKEN: token, API: api, GITHUB_SERVER_URL: server } = process.env;
  try {
    console.log(await release({ tag, check: process.argv.includes('--check'), api, server, token }));
  } catch ({ message }) {
    console.error(`Error: ${message}`);
    process.exitCode = 1;
  }
}
