import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { connectEtcd } from '../../lib/etcd/client.ts';
import type { EtcdConfig } from '../../lib/etcd/config.ts';
import { makeCertificates } from '../support/certificates.ts';
import { EtcdServers } from '../support/etcd.ts';
import { must } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const never = new AbortController().signal;
const places = [{ address: '127.0.0.1' }];
const rootPassword = 'very secret';

// Most of it is waiting for servers.
describe.concurrent('a user of a real etcd', { timeout: 20_000 }, () => {
  test('is authenticated when it is needed, and again when the token is too old, for calls and watches', async () => {
    await using rig = await start({ auth: { rootPassword, tokenTtlSeconds: 1 } });
    const { servers } = rig;
    await servers.etcdctl('put', '/a', 'x');
    await using calling = connectEtcd(servers.config);
    await using watching = connectEtcd(servers.config);
    const [first] = await Promise.all([calling.get('/a', never), watching.get('/a', never)]);

    await sleep(2_200);
    const later = await calling.get('/a', never);
    const { value } = await watching.watch('/a', 2, never)[Symbol.asyncIterator]().next();

    expect(first.kvs).toHaveLength(1);
    expect(later).toEqual(first);
    expect(value).toMatchObject({ events: [{ kind: 'put', kv: { key: '/a' } }] });
  });

  test('is told that the password is wrong, which no message has', async () => {
    await using rig = await start({ auth: { rootPassword } });
    const { config } = rig.servers;
    await using etcd = connectEtcd({ ...config, user: { name: 'root', password: 'not-that' } });

    const failure = await etcd.get('/a', never).catch((error: unknown) => error);

    expect(failure).toMatchObject({
      kind: 'refused',
      message: `etcd at ${config.endpoints[0]}: auth/authenticate: etcdserver: authentication failed, invalid user ID or password (user "root")`,
    });
    expect(JSON.stringify(failure) + String(failure)).not.toContain('not-that');
  });

  test('has its password in a file, which is read again after it was refused', async () => {
    await using rig = await start({ auth: { rootPassword } });
    const passwordFile = `${rig.dir}/password`;
    await using etcd = connectEtcd({ ...rig.servers.config, user: { name: 'root', passwordFile } });
    await expect(etcd.get('/a', never)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining(passwordFile),
    });
    writeFileSync(passwordFile, 'old\n');
    await expect(etcd.get('/a', never)).rejects.toMatchObject({ kind: 'refused' });

    writeFileSync(passwordFile, `${rootPassword}\n`);

    expect((await etcd.get('/a', never)).kvs).toEqual([]);
  });

  test('is needed where etcd wants one', async () => {
    await using rig = await start({ auth: { rootPassword } });
    await using etcd = connectEtcd({ ...rig.servers.config, user: undefined });

    await expect(etcd.get('/a', never)).rejects.toMatchObject({ kind: 'refused' });
    await expect(etcd.watch('/a', 1, never)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      kind: 'refused',
    });
  });

  test('is not asked for where etcd wants none, until it does', async () => {
    await using rig = await start({});
    await using etcd = connectEtcd({ ...rig.servers.config, user: { name: 'root', password: rootPassword } });
    await etcd.get('/a', never);

    await rig.servers.etcdctl('user', 'add', `root:${rootPassword}`);
    await rig.servers.etcdctl('user', 'grant-role', 'root', 'root');
    await rig.servers.etcdctl('auth', 'enable');

    expect((await etcd.get('/a', never)).kvs).toEqual([]);
  });

  test('may do what its roles allow, and is named where they do not', async () => {
    await using rig = await start({ auth: { rootPassword } });
    const { servers } = rig;
    await servers.etcdctl('role', 'add', 'ours');
    await servers.etcdctl('role', 'grant-permission', 'ours', 'readwrite', '/ours/', '--prefix');
    await servers.etcdctl('user', 'add', 'node:pw');
    await servers.etcdctl('user', 'grant-role', 'node', 'ours');
    await using etcd = connectEtcd({ ...servers.config, user: { name: 'node', password: 'pw' } });

    expect((await etcd.list('/ours/', never)).kvs).toEqual([]);
    const refused = { kind: 'refused', message: expect.stringContaining('permission denied') };
    await expect(etcd.list('/theirs/', never)).rejects.toMatchObject(refused);
    await expect(etcd.watch('/theirs/', 1, never)[Symbol.asyncIterator]().next()).rejects.toMatchObject(
      refused,
    );
  });
});

describe.concurrent('an etcd with TLS', { timeout: 20_000 }, () => {
  test('is reached with its authority and a certificate of it, in calls and watches', async () => {
    await using rig = await start({ makeTls: true });
    await using etcd = connectEtcd(rig.servers.config);
    await rig.servers.etcdctl('put', '/a', 'x');

    expect((await etcd.get('/a', never)).kvs).toHaveLength(1);
    for await (const { events } of etcd.watch('/a', 2, never)) {
      expect(events).toHaveLength(1);
      break;
    }
  });

  test('is refused where another authority has signed its certificate', async () => {
    await using rig = await start({ makeTls: true });
    const other = await makeCertificates(`${rig.dir}/other`);
    const { config } = rig.servers;
    await using etcd = connectEtcd({ ...config, tls: { ...config.tls, ca: other.ca } });

    await expect(etcd.get('/a', never)).rejects.toMatchObject({
      kind: 'refused',
      endpoint: config.endpoints[0],
      message: expect.stringContaining('(tls: see ca, cert and key, and the scheme)'),
    });
  });

  test('refuses who shows no certificate, and takes one that comes later at the same path', async () => {
    await using rig = await start({ makeTls: true });
    const { config } = rig.servers;
    const other = await makeCertificates(`${rig.dir}/other`);
    const { ca = '', cert = '', key = '' } = config.tls ?? {};
    const shown = { ca, cert: other.cert, key: other.key };
    await using etcd = connectEtcd({ ...config, tls: shown });
    await using without = connectEtcd({ ...config, tls: { ca } });

    await expect(etcd.get('/a', never)).rejects.toMatchObject({ kind: 'refused' });
    await expect(without.get('/a', never)).rejects.toMatchObject({ kind: 'refused' });
    await must('cp', [cert, other.cert]);
    await must('cp', [key, other.key]);

    expect((await etcd.get('/a', never)).kvs).toEqual([]);
  });

  test('is not spoken to without TLS, nor one without TLS with it', async () => {
    await using secure = await start({ makeTls: true });
    await using plain = await start({});
    const swap = (config: EtcdConfig, scheme: string): EtcdConfig => ({
      ...config,
      endpoints: [config.endpoints[0].replace(/^https?/, scheme)],
    });
    await using toSecure = connectEtcd(swap(secure.servers.config, 'http'));
    await using toPlain = connectEtcd(swap(plain.servers.config, 'https'));

    for (const etcd of [toSecure, toPlain])
      await expect(etcd.get('/a', never)).rejects.toMatchObject({
        kind: 'unreachable',
        message: expect.stringMatching(`^etcd at ${etcd.endpoint}: kv/range: `),
      });
  });

  test('names a file that is not there', async () => {
    await using rig = await start({ makeTls: true });
    await using etcd = connectEtcd({ ...rig.servers.config, tls: { ca: '/no/such.pem' } });

    await expect(etcd.get('/a', never)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('/no/such.pem'),
    });
  });
});

type Rig = AsyncDisposable & { readonly servers: EtcdServers; readonly dir: string };

async function start(options: {
  readonly auth?: { readonly rootPassword: string; readonly tokenTtlSeconds?: number };
  readonly makeTls?: boolean;
}): Promise<Rig> {
  await using stack = new AsyncDisposableStack();
  const { path: dir } = stack.use(temporaryDirectory());
  const { auth, makeTls = false } = options;
  const servers = stack.use(
    await EtcdServers.start({
      dir,
      places,
      ...(auth === undefined ? {} : { auth }),
      ...(makeTls ? { tls: await makeCertificates(`${dir}/tls`) } : {}),
    }),
  );
  const owned = stack.move();
  return { servers, dir, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
