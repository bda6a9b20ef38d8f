import { createConnection } from 'node:net';

const ANSWER_SECONDS = 5;
const BYTES_AT_MOST = 256 * 1024;
/** A message of one byte: the question for all identities. */
const REQUEST = Buffer.from([0, 0, 0, 1, 11]);

/** The types of what an agent holds, certificates and security keys included, which ssh2 leaves out; none where it does not answer. */
export function agentKeyTypes(path: string): Promise<string[]> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    let received = Buffer.alloc(0);
    const end = (types: string[]) => {
      clearTimeout(limit);
      socket.destroy();
      resolve(types);
    };
    const limit = setTimeout(end, ANSWER_SECONDS * 1000, []);
    socket.on('error', () => end([]));
    socket.on('close', () => end([]));
    socket.on('connect', () => socket.write(REQUEST));
    socket.on('data', (block) => {
      received = Buffer.concat([received, block]);
      if (received.length > BYTES_AT_MOST) end([]);
      else if (received.length >= 4 && received.length >= 4 + received.readUInt32BE())
        end(typesIn(received.subarray(9)));
    });
  });
}

/** Of each key the blob and a comment, both with their lengths; a blob begins with its type. */
function typesIn(content: Buffer): string[] {
  const types: string[] = [];
  let at = 0;
  const field = () => {
    const end = at + 4 + content.readUInt32BE(at);
    const found = content.subarray(at + 4, end);
    at = end;
    return found;
  };
  try {
    while (at < content.length) {
      const blob = field();
      types.push(blob.subarray(4, 4 + blob.readUInt32BE()).toString('latin1'));
      field();
    }
  } catch {
    // It is cut off: what was read counts.
  }
  return types;
}
