import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { Fields } from '../../lib/cni/fields.ts';
import { zookeeperKind } from '../../lib/mirror/zookeeper/kind.ts';
import { toFrame } from '../../lib/zookeeper/frames.ts';
import { JuteWriter } from '../../lib/zookeeper/jute-writer.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { instanceOf } from '../support/registry.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { requireZooKeeper } from '../support/zookeeper.ts';
import { ZooKeeperServers } from '../support/zookeeper-server.ts';

const stack = new AsyncDisposableStack();
const noEnd = new AbortController().signal;
const node = '1111111111111111';
let dir: string;
let certificates: Certificates;
let servers: ZooKeeperServers;
let plain: string;

// The first hook skips aloud where there is no ZooKeeper.
beforeEach(requireZooKeeper);
beforeEach(async () => {
  if (servers !== undefined) return;
  dir = stack.use(temporaryDirectory()).path;
  certificates = await makeCertificates(`${dir}/good`);
  const places = [{ address: '127.0.0.1' }];
  servers = stack.use(await ZooKeeperServers.start({ places, dir, tls: certificates }));
  plain = servers.members[0]?.plainEndpoint ?? '';
}, 60_000);

afterAll(() => stack.disposeAsync());

function open(said: object) {
  const config = { servers: [plain], ttl: '5s', timeout: '2s', ...said };
  return zookeeperKind.open(zookeeperKind.parse(new Fields(config, '')), {
    ...{ name: 'zookeeper', node, session: 'held' },
  });
}

function entryOf(mirror: ReturnType<typeof open>, service = 'web') {
  return mirror.render(instanceOf({ service, owner: { kind: 'api', node } }));
}

describe('users', { timeout: 30_000 }, () => {
  test('what one has written others read, and do not change', async () => {
    const base = '/protected';
    await using mirror = open({ base, auth: { user: 'fairlead', password: 'right' } });
    await using stranger = open({ base });
    await mirror.put(entryOf(mirror), noEnd);

    const found = await stranger.query('web', noEnd);
    const key = entryOf(mirror)[0]?.key ?? '';
    const removal = await stranger.remove([key], noEnd);
    const creation = stranger.put(entryOf(stranger, 'api'), noEnd);

    expect(found).toHaveLength(1);
    expect(removal).toEqual([
      {
        key,
        because: `zookeeper at ${plain}: delete ${base}/${key}: NOAUTH: not allowed: see user and password, and the ACL of the node`,
      },
    ]);
    await expect(creation).rejects.toThrow(
      `zookeeper at ${plain}: create ${base}/api: NOAUTH: not allowed: see user and password`,
    );
  });

  test('what is private others cannot even list; the right password from its file is used when it comes', async () => {
    const base = '/private';
    const passwordFile = `${dir}/password`;
    writeFileSync(passwordFile, 'wrong\n');
    const access = 'private';
    await using mirror = open({ base, access, auth: { user: 'fairlead', password: 'right' } });
    await using other = open({ base, access, auth: { user: 'fairlead', passwordFile } });
    await mirror.put(entryOf(mirror), noEnd);

    await expect(other.listOwn(noEnd)).rejects.toThrow(`getChildren ${base}: NOAUTH: not allowed`);
    writeFileSync(passwordFile, 'right\n');

    await expect.poll(() => other.listOwn(noEnd).catch(() => []), { timeout: 5_000 }).toHaveLength(1);
  });

  test('a password file that is not there is named', async () => {
    await using mirror = open({ auth: { user: 'fairlead', passwordFile: '/nowhere/password' } });

    await expect(mirror.listOwn(noEnd)).rejects.toThrow(
      "sync /services: ENOENT: no such file or directory, open '/nowhere/password'",
    );
  });
});

describe('tls', { timeout: 30_000 }, () => {
  test('carries everything', async () => {
    await using mirror = open({ servers: servers.endpoints, base: '/tls', tls: certificates });

    await mirror.put(entryOf(mirror), noEnd);

    expect(await mirror.query('web', noEnd)).toHaveLength(1);
  });

  test('with another authority, or with no certificate of its own, is refused with a hint', async () => {
    const others = await makeCertificates(`${dir}/bad`);
    await using stranger = open({ servers: servers.endpoints, tls: { ...certificates, ca: others.ca } });
    await using nobody = open({ servers: servers.endpoints, tls: { ca: certificates.ca } });

    for (const mirror of [stranger, nobody])
      await expect(mirror.listOwn(noEnd)).rejects.toThrow(
        /^sync \/services: zookeeper at 127\.0\.0\.1:\d+: .+ \(tls: see ca, cert and key, and the port\)$/,
      );
  });

  test('that the port does not speak, and a port with TLS that is asked without, are told', async () => {
    await using tls = open({ tls: certificates });
    await using none = open({ servers: servers.endpoints });

    await expect(tls.listOwn(noEnd)).rejects.toThrow(/^sync \/services: zookeeper at .+: .+/);
    await expect(none.listOwn(noEnd)).rejects.toThrow(/^sync \/services: zookeeper at .+: .+/);
  });
});

const greeting = toFrame(
  new JuteWriter().int(0).int(4_000).long(7n).buffer(Buffer.alloc(16)).bool(false).bytes(),
);

const hostile: readonly (readonly [string, (socket: Socket) => void, RegExp])[] = [
  ['hangs up', (socket) => socket.end(), /closed the connection instead of opening a session/],
  ['says nothing', () => undefined, /no answer within 555 ms/],
  [
    'speaks HTTP',
    (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
    /a frame of 1213486160 bytes/,
  ],
  ['greets by half', (socket) => socket.write(greeting.subarray(0, 11)), /no answer within 555 ms/],
  [
    'greets with nonsense',
    (socket) => socket.write(toFrame(Buffer.of(1, 2, 3))),
    /4 bytes expected at 0 of 3/,
  ],
  ['never opens a session', (socket) => socket.write(toFrame(Buffer.alloc(37))), /does not open a session/],
  [
    'greets, and says nothing more',
    (socket) => socket.write(greeting),
    /sync \/services: no (answer within 1000|sign of life within \d+) ms/,
  ],
  [
    'greets, and answers what was not asked',
    (socket) => socket.write(Buffer.concat([greeting, toFrame(Buffer.alloc(16, 9))])),
    /more than a greeting/,
  ],
  [
    'greets, and answers a request with garbage',
    (socket) => afterGreeting(socket, () => socket.write('what is this?')),
    /not what ZooKeeper writes/,
  ],
  [
    'greets, and hangs up at the first request',
    (socket) => afterGreeting(socket, () => socket.end()),
    /sync \/services: the server has closed the connection/,
  ],
];

/** Greets whoever says hello, and does something at the first request. */
function afterGreeting(socket: Socket, answer: () => void): void {
  socket.once('data', () => {
    socket.write(greeting);
    socket.once('data', answer);
  });
}

describe('a server that', { timeout: 30_000 }, () => {
  test.each(hostile)('%s is named, and not asked in a loop', async (_, answer, message) => {
    let connections = 0;
    const server = createServer((socket) => {
      connections++;
      socket.on('error', () => undefined);
      answer(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      await using mirror = open({ servers: [`127.0.0.1:${port}`], ttl: '1665ms', timeout: '1s' });

      const asked = mirror.listOwn(noEnd);

      await expect(asked).rejects.toThrow(message);
      await expect(asked).rejects.toThrow(`zookeeper at 127.0.0.1:${port}`);
      await expect(mirror.listOwn(noEnd)).rejects.toThrow('zookeeper');
      expect(connections).toBeLessThan(8);
    } finally {
      server.close();
    }
  });

  test('is not there is named', async () => {
    await using mirror = open({ servers: ['127.0.0.1:1', '127.0.0.1:2'] });

    await expect(mirror.listOwn(noEnd)).rejects.toThrow(
      'sync /services: zookeeper at 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1; ' +
        'zookeeper at 127.0.0.1:2: connect ECONNREFUSED 127.0.0.1:2',
    );
  });
});

describe("another's node", { timeout: 30_000 }, () => {
  test('at the same place is neither changed nor removed, in the layout of registrator', async () => {
    const base = '/same';
    await using theirs = zookeeperKind.open(
      zookeeperKind.parse(new Fields({ servers: [plain], base, format: 'registrator' }, '')),
      { name: 'zookeeper', node: '2222222222222222', session: 'held' },
    );
    await using mine = open({ base, format: 'registrator' });
    const foreign = theirs.render(instanceOf({ owner: { kind: 'api', node: '2222222222222222' } }));
    await theirs.put(foreign, noEnd);
    const [entry] = entryOf(mine);

    const refused = await mine.put(entryOf(mine), noEnd);
    await mine.remove([entry?.key ?? ''], noEnd);

    const because = `zookeeper: create ${base}/web/10.1.0.2:80: another's node is there`;
    expect(refused).toEqual([{ key: 'web/10.1.0.2:80', because }]);
    expect(await theirs.listOwn(noEnd)).toEqual(foreign);
  });

  test('of a process that ends at once is not made at all', async () => {
    await using mirror = zookeeperKind.open(zookeeperKind.parse(new Fields({ servers: [plain] }, '')), {
      name: 'zookeeper',
      node,
      session: 'none',
    });

    await expect(mirror.put(entryOf(mirror), noEnd)).rejects.toThrow('only an agent can register here');
  });
});
