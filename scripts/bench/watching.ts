import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** How a watcher is told: by an event stream that stays open, or by an answer to each of its requests. */
export type WatchKind = 'stream' | 'poll';

/** What is watched, and who is told. */
export type WatchOptions = {
  readonly kind: WatchKind;
  /** Path of the API's socket. */
  readonly socket: string;
  /** What is known already. */
  readonly revision: number;
  /** Called with each revision that the watcher is told of. */
  readonly onRevision: (revision: number) => void;
};

/**
 * Watches the registry over a bare socket until that is destroyed: a thousand HTTP clients in one process would take
 * longer to read an answer than the agent to write it.
 */
export async function watchRegistry({ kind, socket, revision, onRevision }: WatchOptions): Promise<Socket> {
  const connection = connect(socket).setEncoding('latin1');
  await once(connection, 'connect');
  let [told, text] = [revision, ''];
  connection.on('data', (chunk: string) => {
    text += chunk;
    const latest = latestOf(text);
    if (latest === undefined || latest <= told) return;
    [told, text] = [latest, ''];
    onRevision(told);
    // Asks on at once, as whoever must not miss anything does.
    if (kind === 'poll') ask(connection, kind, told);
  });
  ask(connection, kind, told);
  return connection;
}

function ask(connection: Socket, kind: WatchKind, since: number): void {
  const accept = kind === 'stream' ? 'Accept: text/event-stream\r\n' : '';
  connection.write(`GET /v1/watch?since=${since}&wait=60s HTTP/1.1\r\nHost: agent\r\n${accept}\r\n`);
}

/** Each event, and each answer, begins with its revision, and is whole when its last brackets have come. */
function latestOf(text: string): number | undefined {
  const last = [...text.matchAll(/\{"revision":(\d+),"changes":\[.+\]\}/g)].at(-1);
  return last === undefined ? undefined : Number(last[1]);
}
