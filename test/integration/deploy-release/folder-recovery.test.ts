import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { expect, it } from 'vitest';
import ofConfig from '../../../target/programs/deploy-config.sh';
import program from '../../../target/programs/deploy-folder.sh';
import { account } from '../../support/accounts.ts';
import { folderDeploy } from '../../support/folder-deploy.ts';
import { seenOf as identityOf, transact, usualValues } from '../../support/transaction.ts';

/** A folder of which a second version is live, with an upload that belongs to the host. */
async function place() {
  const root = mkdtempSync('/opt/fdt-folder-');
  chmodSync(root, 0o755);
  const [source, live, state] = [`${root}/source`, `${root}/ui`, `${root}/.ui.deploy`];
  mkdirSync(source);
  writeFileSync(`${source}/page`, 'one');
  await folderDeploy(source, live, { keep: ['uploads'] });
  mkdirSync(`${live}/uploads`);
  writeFileSync(`${live}/uploads/cat`, 'cat');
  writeFileSync(`${source}/page`, 'two');
  const { said } = await folderDeploy(source, live, { keep: ['uploads'] });
  expect(said.state).toBe('active');
  const [old = ''] = readdirSync(`${state}/releases`).filter((name) => !name.endsWith('.about'));
  return {
    ...{ root, source, live, state, old: `${state}/releases/${old}` },
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

type Place = Awaited<ReturnType<typeof place>>;

/** Where a power cut may leave the two trees, each made of the end of a whole deploy by renames. */
const INSTANTS: [string, string, (at: Place) => void][] = [
  [
    'before anything was renamed',
    'swap',
    ({ live, state, old }) => {
      renameSync(live, `${state}/incoming`);
      renameSync(old, live);
      renameSync(`${state}/incoming/uploads`, `${live}/uploads`);
    },
  ],
  [
    'once the uploads were in the new folder',
    'swap',
    ({ live, state, old }) => {
      renameSync(live, `${state}/incoming`);
      renameSync(old, live);
    },
  ],
  [
    'between the two renames',
    'swap',
    ({ live, state, old }) => {
      renameSync(old, `${state}/previous`);
      renameSync(live, `${state}/incoming`);
    },
  ],
  ['after the exchange', 'swap', ({ state, old }) => renameSync(old, `${state}/incoming`)],
  ['once the old folder was put aside', 'start', ({ state, old }) => renameSync(old, `${state}/previous`)],
  ['while it was accepted, and nothing else was', 'stable', () => undefined],
];

/** Cuts the journal after that phase, as if the target had gone down then. */
function cutJournal(state: string, phase: string): void {
  const [before = ''] = readFileSync(`${state}/journal`, 'utf8').split(`phase=${phase}\n`);
  writeFileSync(`${state}/journal`, `${before}phase=${phase}\n`);
}

function seenOf({ live, state }: Place): string {
  const about = existsSync(live) ? lstatSync(live) : undefined;
  const phase = readFileSync(`${state}/journal`, 'utf8').trimEnd().split('\n').at(-1);
  return `${about ? `${about.dev}:${about.ino}` : 'none'}\n${phase}`;
}

it.each(INSTANTS)(
  'a power cut %s is undone: the old folder is live, with what belongs to the host',
  async (_, phase, arrange) => {
    using at = await place();
    arrange(at);
    cutJournal(at.state, phase);
    const values = {
      ...usualValues(at.live, seenOf(at)),
      action: 'recover',
      encoding: 'none',
      size: 0,
      sha256: '',
      keep: 'other',
    };
    const { said } = await transact(program, { values });
    expect(said.state).toBe('rolled-back');
    expect(readFileSync(`${at.live}/page`, 'utf8')).toBe('one');
    expect(readFileSync(`${at.live}/uploads/cat`, 'utf8')).toBe('cat');
    expect(readdirSync(at.state).filter((name) => /incoming|previous|trial/.test(name))).toEqual([]);
    expect((await folderDeploy(at.source, at.live, { keep: ['uploads'] })).said.state).toBe('active');
  },
);

it('a power cut after it was accepted keeps the new folder', async () => {
  using at = await place();
  cutJournal(at.state, 'accept');
  const values = {
    ...usualValues(at.live, seenOf(at)),
    action: 'recover',
    encoding: 'none',
    size: 0,
    sha256: '',
    keep: '',
  };
  expect((await transact(program, { values })).said.state).toBe('active');
  expect(readFileSync(`${at.live}/page`, 'utf8')).toBe('two');
});

it('another kind of deploy leaves an unfinished folder alone, and its journal open', async () => {
  using at = await place();
  cutJournal(at.state, 'swap');
  const values = {
    ...usualValues(at.live, identityOf(at.live, '\nphase=swap')),
    action: 'recover',
    encoding: 'none',
    size: 0,
  };
  const { said } = await transact(ofConfig, {
    values: { ...values, sha256: '', check_command: '', apply_command: '' },
  });
  expect(said).toMatchObject({
    gave_up: 'refused',
    why: 'the unfinished deploy is one of a folder; run that release again',
  });
  expect(readFileSync(`${at.state}/journal`, 'utf8')).toMatch(/phase=swap\n$/);
  expect(readFileSync(`${at.live}/page`, 'utf8')).toBe('two');
});

it('a file that is changed between inspection and copy is noticed, and nothing is replaced', async () => {
  using at = await place();
  writeFileSync(`${at.source}/new`, 'new');
  const { said } = await folderDeploy(at.source, at.live, {
    keep: ['uploads'],
    between: () => writeFileSync(`${at.live}/page`, 'odd'),
  });
  expect(said.gave_up).toBe('changed');
  expect(readFileSync(`${at.live}/page`, 'utf8')).toBe('odd');
  expect(readdirSync(at.state)).not.toContain('incoming');
});

it('an account that owns the folder can lead root neither out of it nor into another file', async () => {
  using at = await place();
  using service = account();
  const owner = `${service.uid}:${service.uid}`;
  writeFileSync(`${at.root}/secret`, 's3cr3t', { mode: 0o600 });
  rmSync(at.live, { recursive: true });
  writeFileSync(`${at.source}/copied`, 's3cr3t');
  mkdirSync(`${at.source}/sub`);
  writeFileSync(`${at.source}/sub/file`, 'file');
  expect((await folderDeploy(at.source, at.live, { owner })).said.state).toBe('active');
  const { said } = await folderDeploy(at.source, at.live, {
    owner,
    keep: ['sub/kept'],
    between: () => {
      // In the place of a file that is to be copied, and of a folder on the way to what is kept.
      rmSync(`${at.live}/copied`);
      symlinkSync(`${at.root}/secret`, `${at.live}/copied`);
      rmSync(`${at.live}/sub`, { recursive: true });
      symlinkSync(at.root, `${at.live}/sub`);
      mkdirSync(`${at.root}/kept`);
    },
  });
  expect(said.gave_up).toBe('changed');
  expect(existsSync(`${at.root}/kept`)).toBe(true);
  expect(lstatSync(`${at.root}/secret`)).toMatchObject({ uid: 0, mode: 0o100600 });
});

it('thousands of files are deployed, and one that changes is sent alone', async () => {
  using at = await place();
  for (let folder = 0; folder < 20; folder += 1) {
    mkdirSync(`${at.source}/assets-${folder}`);
    for (let file = 0; file < 100; file += 1)
      writeFileSync(`${at.source}/assets-${folder}/file-${file}.js`, `${folder} ${file}`);
  }
  expect((await folderDeploy(at.source, at.live, { keep: ['uploads'] })).said.state).toBe('active');
  writeFileSync(`${at.source}/assets-7/file-7.js`, 'changed');
  const { said, sentBytes, change } = await folderDeploy(at.source, at.live, { keep: ['uploads'] });
  expect([said.state, sentBytes, change.same.length]).toEqual(['active', 'changed'.length, 2_000]);
});
