import type { Host } from '../../../lib/ssh/connect.ts';
import { notAnswered, runProgram } from '../../../lib/ssh/run.ts';
import { treeDigest } from '../../../lib/tree/compare-trees.ts';
import inspection from '../../../target/programs/inspect-folder.sh';
import type { DeployInputs } from '../../deploy-binary/inputs.ts';
import type { Found } from '../../deploy-binary/inspect/found.ts';
import { toFound } from '../../deploy-binary/inspect/inspect.ts';
import type { FolderPart } from '../parts/part.ts';
import { type FoundFolder, folderQuestion, foundFolder } from './folder.ts';

const LIMIT_SECONDS = 330;

/** Inspects a folder in one round trip: as what deploy-binary knows of a target, and entry by entry. */
export async function inspectFolder(
  host: Host,
  part: FolderPart,
  inputs: DeployInputs,
): Promise<{ found: Found; folder: FoundFolder }> {
  const about = { what: 'Inspecting the target', state: 'untouched. Inspection changes nothing.' };
  const values = { folder: inputs.folder, name: inputs.name, sudo: inputs.sudo, ...folderQuestion(part) };
  const ran = await runProgram(
    host,
    { text: inspection, values },
    { ...about, sudo: false, limitSeconds: LIMIT_SECONDS, another: false },
  );
  if (!ran.complete) throw notAnswered(host, about, ran);
  const folder = foundFolder(ran.answer, part);
  const found = toFound(ran.answer, inputs);
  const { entries, deployed } = folder;
  const top = entries?.find(({ path }) => path === '');
  return {
    folder,
    found: {
      ...found,
      seen: folder.seen,
      file: entries && {
        owner: `${top?.uid}:${top?.gid}`,
        ids: `${top?.uid}:${top?.gid}`,
        mode: (top?.mode ?? 0).toString(8).padStart(4, '0'),
        bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0),
        sha256: treeDigest(entries),
        capabilities: '',
      },
      live: deployed === undefined ? undefined : { workflow: '', runNumber: 0, run: '', sha256: deployed },
    },
  };
}
