import type { FileHandle } from 'node:fs/promises';

/** What a Linux program needs from a host. */
export interface Elf {
  /** As `uname -m` says it, e.g. x86_64; `ELF machine 42` for one not known here. */
  machine: string;
  bits: 32 | 64;
  /** The dynamic loader it names; undefined for a static program. */
  interpreter: string | undefined;
}

const MACHINES: Record<number, string> = {
  3: 'i386',
  8: 'mips',
  20: 'ppc',
  21: 'ppc64',
  22: 's390x',
  40: 'arm',
  62: 'x86_64',
  183: 'aarch64',
  243: 'riscv64',
  258: 'loongarch64',
};
const PT_INTERP = 3;

/** Reads the ELF header of an open file; undefined when it is no ELF program (System V ABI, "Object files"). */
export async function readElf(file: FileHandle): Promise<Elf | undefined> {
  const header = await readAt(file, 0, 64);
  if (header.length < 52 || header.readUInt32BE(0) !== 0x7f454c46) return undefined;
  const bits = header[4] === 2 ? 64 : 32;
  const read = reader(header[5] === 2);
  const [tableAt, entrySize, entries] =
    bits === 64
      ? [Number(read.u64(header, 32)), read.u16(header, 54), read.u16(header, 56)]
      : [read.u32(header, 28), read.u16(header, 42), read.u16(header, 44)];
  const machineNumber = read.u16(header, 18);
  const machine = MACHINES[machineNumber] ?? `ELF machine ${machineNumber}`;
  const table = await readAt(file, tableAt, entrySize * entries);
  for (let at = 0; at + entrySize <= table.length && entrySize > 0; at += entrySize) {
    if (read.u32(table, at) !== PT_INTERP) continue;
    const [offset, size] =
      bits === 64
        ? [Number(read.u64(table, at + 8)), Number(read.u64(table, at + 32))]
        : [read.u32(table, at + 4), read.u32(table, at + 16)];
    const path = await readAt(file, offset, Math.min(size, 4096));
    return { machine, bits, interpreter: path.toString('utf8').replace(/\0.*$/s, '') };
  }
  return { machine, bits, interpreter: undefined };
}

/** Whether a host whose `uname -m` is `kernel` runs programs for `elf`. */
export function runsOn({ machine }: Elf, kernel: string): boolean {
  if (machine === kernel) return true;
  if (machine === 'i386') return /^(i[3-6]86|x86_64)$/.test(kernel);
  if (machine === 'arm') return /^(arm|aarch64)/.test(kernel);
  if (machine === 'ppc64') return kernel.startsWith('ppc64');
  if (machine === 'mips') return kernel.startsWith('mips');
  return false;
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(Math.max(0, Math.min(length, 1 << 20)));
  const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
  return buffer.subarray(0, bytesRead);
}

function reader(bigEndian: boolean) {
  return {
    u16: (buffer: Buffer, at: number) => (bigEndian ? buffer.readUInt16BE(at) : buffer.readUInt16LE(at)),
    u32: (buffer: Buffer, at: number) => (bigEndian ? buffer.readUInt32BE(at) : buffer.readUInt32LE(at)),
    u64: (buffer: Buffer, at: number) => (bigEndian ? buffer.readBigUInt64BE(at) : buffer.readBigUInt64LE(at)),
  };
}
