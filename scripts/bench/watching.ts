import { connect, type Socket } from 'node:net';

/** How a watcher is told: by an event stream that stays open, or by an answer to each of its requests. */
export type WatchKind = 'stream' | 'poll';

/** Something that watches until it is closed. */
export type Watching = { readonly close: () => void };

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
 * Watches the registry over a bare socket: a thousand HTTP clients in one process would take longer to read an answer
 * than the agent to write it.
 */
export function watchRegistry(options: WatchOptions): Watching {
  const socket = connect(options.socket);
  socket.setEncoding('latin1');
  let told = options.revision;
  let text = '';
  ask(socket, options.kind, told);
  socket.on('data', (chunk: string) => {
    text += chunk;
    const revision = latestOf(text);
    if (revision === undefined || revision <= told) return;
    [told, text] = [revision, ''];
    options.onRevision(revision);
    // Asks on at once, as whoever must not miss anything does.
    if (options.kind === 'poll') ask(socket, 'poll', told);
  });
  return { close: () => socket.destroy() };
}

function ask(socket: Socket, kind: WatchKind, since: number): void {
  const accept = kind === 'stream' ? 'Accept: text/event-stream\r\n' : '';
  socket.write(`GET /v1/watch?since=${since}&wait=60s HTTP/1.1\r\nHost: agent\r\n${accept}\r\n`);
}

/** Each event, and each answer, has its revision first, and is whole when its last bracket has come. */
function latestOf(text: string): number | undefined {
  const last = [...text.matchAll(/"revision":(\d+),"changes":.*\]\}/g)].at(-1);
  return last === undefined ? undefined : Number(last[1]);
}
