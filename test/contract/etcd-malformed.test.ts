import { createServer, type Server, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { connectEtcd } from '../../lib/etcd/client.ts';
import type { Etcd } from '../../lib/etcd/etcd.ts';
import { EtcdServers } from '../support/etcd.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { until } from '../support/until.ts';

const never = new AbortController().signal;

const ok = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';
const whole = (body: string, head = ok) => `${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const untilClosed = (body: string) => `${ok}connection: close\r\n\r\n${body}`;
const header = '{"revision":"7"}';
const created = `{"result":{"header":${header},"created":true}}\n`;

describe('a server that is no etcd', { timeout: 20_000 }, () => {
  test.each([
    ['is no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['is no JSON', whole('<html>It works!</html>')],
    ['is no object', whole('["a"]')],
    ['is null', whole('null')],
    ['has no header', whole('{}')],
    ['has a revision that is none', whole('{"header":{"revision":"seven"}}')],
    ['has a revision beyond 2^53', whole('{"header":{"revision":"9007199254740993"}}')],
    ['has keys that are no list', whole(`{"header":${header},"kvs":{}}`)],
    ['has a key that is no object', whole(`{"header":${header},"kvs":["a"]}`)],
    ['has a key that is no text', whole(`{"header":${header},"kvs":[{"key":7}]}`)],
    ['is an error of 500', whole('oh no', 'HTTP/1.1 500 Internal Server Error\r\n')],
    [
      'is an error of 502 with JSON of somebody else',
      whole('{"status":"bad"}', 'HTTP/1.1 502 Bad Gateway\r\n'),
    ],
    ['is a redirection', 'HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n'],
  ])('fails a call, naming call and endpoint, where the answer %s', async (_, answer) => {
    await using fake = await serve(() => answer);
    await using etcd = connectTo(fake);

    await expect(etcd.get('/a', never)).rejects.toMatchObject({
      kind: 'failed',
      endpoint: fake.url,
      message: expect.stringMatching(`^etcd at ${fake.url}: kv/range: .`),
    });
  });

  test.each([
    ['half an answer', `${ok}content-length: 100\r\n\r\n{"header":`],
    ['half a head', 'HTTP/1.1 200 OK\r\ncontent-'],
    ['nothing', ''],
  ])('is unreachable where the connection ends after %s', async (_, answer) => {
    await using fake = await serve(() => answer, { closes: true });
    await using etcd = connectTo(fake);

    await expect(etcd.get('/a', never)).rejects.toMatchObject({ kind: 'unreachable', endpoint: fake.url });
  });

  test.each([
    ['nothing', ''],
    ['half a head', 'HTTP/1.1 200 OK\r\ncontent-'],
    ['half an answer', `${ok}content-length: 100\r\n\r\n{"header":`],
  ])(
    'is unreachable after the time of a call where it says %s and keeps the connection',
    async (_, answer) => {
      await using fake = await serve(() => answer);
      await using etcd = connectTo(fake);
      const startedAtMs = performance.now();

      await expect(etcd.get('/a', never)).rejects.toMatchObject({
        kind: 'unreachable',
        message: `etcd at ${fake.url}: kv/range: no answer within 500 ms`,
      });

      expect(performance.now() - startedAtMs).toBeLessThan(1_000);
      await until(() => fake.connections() === 0, 'the connection to be closed');
    },
  );

  test('is named with all others when none of them is there', async () => {
    const endpoints = ['http://127.0.0.1:3', 'http://127.0.0.1:1', 'http://127.0.0.1:2'] as const;
    await using etcd = connectEtcd({ endpoints, tls: undefined, user: undefined, timeoutMs: 500 });

    await expect(etcd.get('/a', never)).rejects.toMatchObject({
      kind: 'unreachable',
      message: [1, 2, 3]
        .map((port) => `etcd at http://127.0.0.1:${port}: kv/range: connect ECONNREFUSED 127.0.0.1:${port}`)
        .join('; '),
    });
  });

  test('does not fill the memory', async () => {
    const gigabyte = `${ok}content-length: 1000000000\r\n\r\n`;
    await using fake = await serve(() => gigabyte, { floods: 80 });
    await using etcd = connectTo(fake, 10_000);

    await expect(etcd.get('/a', never)).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('longer than 67108864 bytes'),
    });
    await until(() => fake.connections() === 0, 'the connection to be closed');
  });

  test('is asked no more where another endpoint answers', async () => {
    using dir = temporaryDirectory();
    await using servers = await EtcdServers.start({ dir: dir.path, places: [{ address: '127.0.0.1' }] });
    await using fake = await serve(() => whole('<html>'));
    const [real] = servers.config.endpoints;
    await using etcd = connectEtcd({ ...servers.config, endpoints: [fake.url as string, real] });

    expect((await etcd.get('/a', never)).kvs).toEqual([]);
    expect((await etcd.get('/a', never)).kvs).toEqual([]);

    expect(fake.requests()).toBe(1);
    expect(etcd.endpoint).toBe(real);
  });

  test('may close a connection that is used again: the call is made on another', async () => {
    let answered = 0;
    const empty = whole(`{"header":${header}}`);
    await using fake = await serve(() => (++answered === 2 ? undefined : empty));
    await using etcd = connectTo(fake);

    await etcd.get('/a', never);

    expect((await etcd.get('/a', never)).revision).toBe(7);
    expect(fake.requests()).toBe(3);
  });
});

describe('a watch of a server that is no etcd', { timeout: 20_000 }, () => {
  const event = '{"kv":{"key":"YQ==","mod_revision":"8","create_revision":"8"}}';
  const batch = `{"result":{"header":${header},"events":[${event}]}}\n`;

  test.each([
    ['garbage', 'failed', 'garbage\n'],
    ['an object without a result', 'failed', '{}\n'],
    ['events that are none', 'failed', '{"result":{"events":[7]}}\n'],
    ['that it was canceled', 'failed', '{"result":{"canceled":true,"cancel_reason":"why not"}}\n'],
    ['an error', 'unreachable', '{"error":{"grpc_code":14,"message":"etcdserver: no leader"}}\n'],
    ['an error as later releases write it', 'unreachable', '{"error":{"code":14,"message":"no leader"}}\n'],
    ['half a line', 'failed', batch.slice(0, 30)],
    ['an error without an end of line', 'refused', '{"error":{"code":7,"message":"no"}}'],
    ['nothing', 'unreachable', ''],
  ])('tells what came, and fails, where the stream goes on with %s', async (_, kind, rest) => {
    await using fake = await serve(() => untilClosed(created + batch + rest), { closes: true });
    await using etcd = connectTo(fake);
    const seen: number[] = [];

    const watching = (async () => {
      for await (const { revision } of etcd.watch('a', 8, never)) seen.push(revision);
    })();

    await expect(watching).rejects.toMatchObject({
      kind,
      endpoint: fake.url,
      message: expect.stringMatching(`^etcd at ${fake.url}: watch: .`),
    });
    expect(seen).toEqual([8]);
  });

  test('tells what came, and is unreachable, where the stream breaks off', async () => {
    const chunk = `${(created + batch).length.toString(16)}\r\n${created + batch}\r\n`;
    await using fake = await serve(() => `${ok}transfer-encoding: chunked\r\n\r\n${chunk}ff\r\n{"result"`, {
      closes: true,
    });
    await using etcd = connectTo(fake);
    const watch = etcd.watch('a', 8, never)[Symbol.asyncIterator]();

    expect((await watch.next()).value).toMatchObject({ revision: 8 });
    await expect(watch.next()).rejects.toMatchObject({ kind: 'unreachable', endpoint: fake.url });
  });

  test('is left where the server confirms it with something else', async () => {
    await using fake = await serve(() => untilClosed('{"result":{"canceled":true,"created":true}}\n'));
    await using etcd = connectTo(fake);

    await expect(etcd.watch('a', 8, never)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      kind: 'failed',
      message: `etcd at ${fake.url}: watch: canceled: no reason given`,
    });
    await until(() => fake.connections() === 0, 'the connection to be closed');
  });

  test('takes lines that come in pieces, and signs of life', async () => {
    const life = `{"result":{"header":${header}}}\n`;
    await using fake = await serve(() => untilClosed(created + life + batch), { pieces: 7 });
    await using etcd = connectTo(fake);

    for await (const seen of etcd.watch('a', 8, never)) {
      expect(seen).toMatchObject({ revision: 8, events: [{ kind: 'put', kv: { key: 'a', value: '' } }] });
      break;
    }

    await until(() => fake.connections() === 0, 'the connection to be closed');
  });

  test('fails where a line has no end', async () => {
    await using fake = await serve(() => untilClosed(created), { floods: 20 });
    await using etcd = connectTo(fake);

    await expect(etcd.watch('a', 8, never)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('longer than 16777216 bytes'),
    });
    await until(() => fake.connections() === 0, 'the connection to be closed');
  });

  test('fails where the server does not confirm it in time', async () => {
    await using fake = await serve(() => untilClosed(''));
    await using etcd = connectTo(fake);

    await expect(etcd.watch('a', 8, never)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      kind: 'unreachable',
      message: `etcd at ${fake.url}: watch: no answer within 500 ms`,
    });
    await until(() => fake.connections() === 0, 'the connection to be closed');
  });
});

function connectTo({ url }: { readonly url: string }, timeoutMs = 500): Etcd {
  return connectEtcd({ endpoints: [url], tls: undefined, user: undefined, timeoutMs });
}

type Manner = {
  /** Ends the connection after the answer. */
  readonly closes?: boolean;
  /** Sends so many MiB after the answer. */
  readonly floods?: number;
  /** Sends so many bytes at once. */
  readonly pieces?: number;
};

/** A server that says what it is told to; undefined closes the connection without a word. */
async function serve(answer: () => string | undefined, manner: Manner = {}) {
  const sockets = new Set<Socket>();
  let requests = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      if (!data.includes('POST')) return;
      requests++;
      say(socket, answer(), manner);
    });
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    requests: () => requests,
    connections: () => sockets.size,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function say(socket: Socket, text: string | undefined, manner: Manner): Promise<void> {
  if (text === undefined) {
    socket.destroy();
    return;
  }
  const { pieces = text.length, floods = 0, closes = false } = manner;
  for (let from = 0; from < text.length; from += pieces) {
    socket.write(text.slice(from, from + pieces));
    if (pieces < text.length) await new Promise(setImmediate);
  }
  for (let sent = 0; sent < floods && !socket.destroyed; sent++) await flood(socket);
  if (closes) socket.end();
}

/** Resolves when the kernel has taken it, or the connection has gone. */
function flood(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.write('x'.repeat(1024 * 1024), () => resolve());
  });
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  return address.port;
}
