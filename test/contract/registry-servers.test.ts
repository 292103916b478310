import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, type TestContext, test } from 'vitest';
import { makeCertificates } from '../support/certificates.ts';
import { requireConsul } from '../support/consul.ts';
import { ConsulServer } from '../support/consul-server.ts';
import { requireCoredns } from '../support/coredns.ts';
import { CorednsServer } from '../support/coredns-server.ts';
import { curl } from '../support/curl.ts';
import { dig } from '../support/dig.ts';
import { EtcdServers } from '../support/etcd.ts';
import { must } from '../support/process.ts';
import type { RegistryServer, ServerPlace } from '../support/registry-server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { requireZooKeeper } from '../support/zookeeper.ts';
import { ZooKeeperServers } from '../support/zookeeper-server.ts';

/** A server, and how the tests below use it without knowing which it is. */
type Tried<S extends RegistryServer> = {
  readonly server: S;
  readonly pid: number | undefined;
  readonly answers: () => Promise<boolean>;
  readonly put: () => Promise<unknown>;
  readonly holds: () => Promise<boolean>;
};

type Kind = {
  readonly kind: string;
  readonly needs: (context: TestContext) => void;
  readonly start: (dir: string, place: ServerPlace) => Promise<Tried<RegistryServer>>;
};

const loopback = { address: '127.0.0.1' };
const kinds: readonly Kind[] = [
  { kind: 'etcd', needs: () => undefined, start: tryEtcd },
  { kind: 'Consul', needs: requireConsul, start: tryConsul },
  { kind: 'ZooKeeper', needs: requireZooKeeper, start: tryZooKeeper },
];

// Most of it is waiting for servers.
describe.concurrent.each(kinds)('$kind', { timeout: 60_000 }, ({ needs, start }) => {
  test('serves on loopback alone', async (context) => {
    needs(context);
    using dir = temporaryDirectory();
    const { server, pid, answers } = await start(dir.path, loopback);
    await using _ = server;

    const listens = (await must('ss', ['-Hlntup']))
      .split('\n')
      .filter((line) => line.includes(`pid=${pid},`));

    expect(await answers()).toBe(true);
    expect(listens).not.toEqual([]);
    expect(listens.filter((line) => !/(^|\s|\[::ffff:)127\.0\.0\.1\]?:\d+\s/.test(line))).toEqual([]);
  });

  test('keeps what it holds when it is killed and started again, and begins with nothing when it is wiped', async (context) => {
    needs(context);
    using dir = temporaryDirectory();
    const { server, answers, put, holds } = await start(dir.path, loopback);
    await using _ = server;
    await put();

    await server.kill();
    expect(await answers()).toBe(false);
    await server.restart();
    expect(await holds()).toBe(true);
    await server.wipe();
    expect(await holds()).toBe(false);
    await put();
    expect(await holds()).toBe(true);
  });

  test('answers nothing while it is stopped, and what it was asked then as soon as it goes on', async (context) => {
    needs(context);
    using dir = temporaryDirectory();
    const { server, answers } = await start(dir.path, loopback);
    await using _ = server;

    server.stop();
    const answer = answers();
    const first = await Promise.race([answer, sleep(500, 'nothing')]);
    server.cont();

    expect(first).toBe('nothing');
    expect(await answer).toBe(true);
  });

  test('serves in a namespace that has loopback and nothing else', async (context) => {
    needs(context);
    using dir = temporaryDirectory();
    await using netns = await emptyNetns();
    const { server, put, holds } = await start(dir.path, { netns: netns.name, address: '127.0.0.1' });
    await using _ = server;

    await put();
    await server.restart();

    expect(await holds()).toBe(true);
  });
});

describe.concurrent('a Consul', { timeout: 60_000 }, () => {
  test('in memory forgets what it held, and answers by DNS what is registered', async (context) => {
    requireConsul(context);
    using dir = temporaryDirectory();
    await using consul = await ConsulServer.start({ place: loopback, dir: dir.path, store: 'memory' });
    const body = { Name: 'web', Address: '192.0.2.7', Port: 80 };
    await consul.call('/v1/agent/service/register', { method: 'PUT', body });

    expect(await dig(consul.dns, 'web.service.consul', '+short')).toBe('192.0.2.7\n');
    await consul.restart();
    expect((await consul.call('/v1/agent/services')).body).toEqual({});
  });

  test('with TLS and ACLs answers those who show a certificate, as far as their token goes', async (context) => {
    requireConsul(context);
    using dir = temporaryDirectory();
    const tls = await makeCertificates(`${dir.path}/tls`);
    const acl = { managementToken: '8b4f0e0c-6a0e-4d35-9e6b-1f2f3c4d5e6f' };
    await using consul = await ConsulServer.start({ place: loopback, dir: dir.path, tls, acl });
    const key = { method: 'PUT', body: 'x' };

    const unseen = await curl({ url: `${consul.endpoints[0]}/v1/status/leader` });
    const unknown = await consul.call('/v1/kv/a', { ...key, headers: { 'X-Consul-Token': 'another' } });
    const known = await consul.call('/v1/kv/a', key);

    expect([unseen.status, unknown.status, known.status]).toEqual([0, 403, 200]);
  });
});

describe.concurrent('a ZooKeeper', { timeout: 60_000 }, () => {
  test('of three members goes on without the one that led', async (context) => {
    requireZooKeeper(context);
    using dir = temporaryDirectory();
    const places = [loopback, loopback, loopback];
    await using servers = await ZooKeeperServers.start({ places, dir: dir.path });
    await servers.cli('create', '/a', 'x');
    const leader = await servers.leader();

    await leader.kill();

    expect(await servers.leader()).not.toBe(leader);
    expect(await servers.cli('get', '/a')).toBe('x\n');
  });

  test('with TLS shows its certificate to those who show one', async (context) => {
    requireZooKeeper(context);
    using dir = temporaryDirectory();
    const tls = await makeCertificates(`${dir.path}/tls`);
    await using servers = await ZooKeeperServers.start({ places: [loopback], dir: dir.path, tls });
    const files = ['-CAfile', tls.ca, '-cert', tls.cert, '-key', tls.key];
    const [endpoint = ''] = servers.endpoints;

    const said = await must('openssl', ['s_client', '-verify_return_error', '-connect', endpoint, ...files]);

    expect(said).toContain('Verify return code: 0 (ok)');
  });
});

describe.concurrent('a CoreDNS', { timeout: 60_000 }, () => {
  test('answers from what etcd stores, over its own end and that of etcd', async (context) => {
    requireCoredns(context);
    using dir = temporaryDirectory();
    const tls = await makeCertificates(`${dir.path}/tls`);
    await using etcd = await EtcdServers.start({ places: [loopback], dir: dir.path, tls });
    const { endpoints } = etcd;
    const zones = ['cluster.example'];
    await using coredns = await CorednsServer.start({
      ...{ place: loopback, dir: dir.path, zones, etcd: { endpoints, tls } },
    });
    const ask = () => dig(coredns.dns, 'web.cluster.example', 'SRV', '+short');
    await etcd.etcdctl('put', '/skydns/example/cluster/web/i1', '{"host":"192.0.2.7","port":80,"ttl":3}');

    expect(await ask()).toBe('10 100 80 i1.web.cluster.example.\n');
    await coredns.restart();
    await etcd.restart();
    expect(await ask()).toBe('10 100 80 i1.web.cluster.example.\n');
    await coredns.kill();
    await expect(ask()).rejects.toThrow();
  });
});

async function tryEtcd(dir: string, place: ServerPlace): Promise<Tried<EtcdServers>> {
  const server = await EtcdServers.start({ places: [place], dir });
  const [url = ''] = server.endpoints;
  return {
    server,
    pid: server.members[0]?.pid,
    answers: async () => (await curl({ url: `${url}/health`, netns: place.netns })).status === 200,
    put: () => server.etcdctl('put', '/a', 'x'),
    holds: async () => (await server.etcdctl('get', '--print-value-only', '/a')) === 'x\n',
  };
}

async function tryConsul(dir: string, place: ServerPlace): Promise<Tried<ConsulServer>> {
  const server = await ConsulServer.start({ place, dir });
  return {
    server,
    pid: server.pid,
    answers: async () => (await server.call('/v1/status/leader')).status === 200,
    put: () => server.call('/v1/kv/a', { method: 'PUT', body: 'x' }),
    holds: async () => (await server.call('/v1/kv/a?raw')).body === 'x',
  };
}

async function tryZooKeeper(dir: string, place: ServerPlace): Promise<Tried<ZooKeeperServers>> {
  const server = await ZooKeeperServers.start({ places: [place], dir });
  return {
    server,
    pid: server.members[0]?.pid,
    answers: async () => (await server.members[0]?.mode()) === 'standalone',
    put: () => server.cli('create', '/a', 'x'),
    holds: async () => (await server.cli('ls', '/')).includes('a,'),
  };
}

let namespaces = 0;

/** A network namespace without a link to anywhere, which goes with the scope it was made in. */
async function emptyNetns(): Promise<{ readonly name: string } & AsyncDisposable> {
  const name = `fl-servers-${process.pid}-${++namespaces}`;
  await must('ip', ['netns', 'add', name]);
  return {
    name,
    [Symbol.asyncDispose]: async () => {
      await must('ip', ['netns', 'del', name]);
    },
  };
}
