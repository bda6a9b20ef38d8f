import type { Answer } from '../../../lib/ssh/answer.ts';
import type { Found } from './found.ts';

export function toFolder(answer: Answer): Found['folder'] {
  const path = answer.text('folder');
  if (path === undefined) return undefined;
  return {
    path,
    owner: answer.text('folder_owner') ?? '',
    mode: answer.text('folder_mode') ?? '',
    writable: answer.yes('folder_writable'),
    mount: answer.text('mount') ?? '',
    options: (answer.text('mount_options') ?? '').split(','),
  };
}

export function toOpenFolder(path: string | undefined, to = ''): Found['openFolder'] {
  return path === undefined ? undefined : { path: path === '/' ? path : path.replace(/\/$/, ''), to };
}

/** `df` prints `-` where it does not know, and less than nothing for a disk that only root may still write to. */
export function toFreeBytes(answer: Answer): number {
  const [[free = '0'] = []] = answer.parts('free_kb', /^(-?[0-9]{1,15}|-)$/, 'an amount of free space');
  return free === '-' ? Number.POSITIVE_INFINITY : Math.max(0, Number(free)) * 1024;
}

export function toFile(answer: Answer): Found['file'] {
  const bytes = answer.number('file_bytes');
  if (bytes === undefined) return undefined;
  return {
    owner: answer.text('file_owner') ?? '',
    ids: answer.text('file_ids') ?? '',
    mode: (answer.text('file_mode') ?? '').padStart(4, '0'),
    bytes,
    sha256: answer.digest('file_sha256') ?? '',
    capabilities: answer.text('file_capabilities') ?? '',
  };
}

export function fileProblem(answer: Answer, destination: string): string | undefined {
  const link = answer.text('file_link');
  const odd = answer.text('file_odd');
  if (link !== undefined) return `${destination} is a symbolic link to ${link}`;
  if (answer.yes('file_folder')) return `${destination} is a folder`;
  if (odd !== undefined) return `${destination} is a ${odd}`;
  if (answer.yes('file_unreadable')) return `${destination} can't be read by this account`;
  return undefined;
}

export function logProblem(answer: Answer): string | undefined {
  const folder = answer.text('log_folder_missing');
  const unwritable = answer.text('log_unwritable');
  if (folder !== undefined) return `the folder ${folder} of the log file does not exist`;
  const odd = answer.text('log_is_odd');
  if (answer.yes('log_is_folder')) return 'the log file is a folder';
  if (odd !== undefined)
    return `the log file is not a regular file (${odd}), so the program could block on it or fill it`;
  if (unwritable !== undefined) return `the account that the program runs as can't write to ${unwritable}`;
  return undefined;
}
