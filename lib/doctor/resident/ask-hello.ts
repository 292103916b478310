import { lstatSync } from 'node:fs';
import { connect } from 'node:net';
import { messageOf } from '../../errors/cni-error.ts';
import { errnoOf, ifExists } from '../../errors/system-error.ts';
import { type Hello, longestHello, parseHello } from '../../resident/protocol.ts';

/** What is at the place where the agent takes CNI calls. */
export type CallSocketAnswer =
  /** No file, or nobody who listens. */
  | { readonly kind: 'absent' }
  /** Something that is no socket, or is not root's. */
  | { readonly kind: 'foreign'; readonly because: string }
  | { readonly kind: 'greeted'; readonly hello: Hello }
  /** One who does not say what an agent of this release says. */
  | { readonly kind: 'unclear'; readonly because: string };

const patienceMs = 3_000;

/** Asks whoever listens at the socket who they are, and goes. */
export async function askHello(path: string): Promise<CallSocketAnswer> {
  const found = ifExists(() => lstatSync(path));
  if (found === undefined) return { kind: 'absent' };
  if (!found.isSocket()) return { kind: 'foreign', because: 'it is no socket' };
  if (found.uid !== 0) return { kind: 'foreign', because: `it belongs to user ${found.uid}` };
  try {
    const line = await readLine(path);
    const hello = parseHello(line);
    if (hello !== undefined) return { kind: 'greeted', hello };
    return {
      kind: 'unclear',
      because: line === '' ? 'it closes without a word' : 'it speaks another protocol',
    };
  } catch (error) {
    if (errnoOf(error) === 'ECONNREFUSED') return { kind: 'absent' };
    return { kind: 'unclear', because: messageOf(error) };
  }
}

/** The first line, as far as it comes; '' where the other end closes first. */
function readLine(path: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({ path });
  let text = '';
  socket.setEncoding('latin1');
  socket.setTimeout(patienceMs, () => reject(new Error(`it says nothing within ${patienceMs / 1000} s`)));
  socket.on('data', (piece: string) => {
    text += piece;
    if (text.includes('\n') || text.length > longestHello) resolve(text);
  });
  socket.on('end', () => resolve(text));
  socket.on('error', reject);
  return promise.finally(() => socket.destroy());
}
