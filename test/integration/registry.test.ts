import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { binDir, isResident } from '../support/binaries.ts';
import { bridgeConf, dualConf, ipamConf, v4, v6 } from '../support/confs.ts';
import { linkNames } from '../support/kernel.ts';
import { leftovers, nothing } from '../support/leftovers.ts';
import { Rig } from '../support/rig.ts';
import { names, openRegistry, registered } from '../support/rig-registry.ts';
import { skipUnless } from '../support/skip.ts';

test('an ADD registers each address of the container under its id, and its DEL withdraws them', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const conf = dualConf(rig);

  const result = await rig.add(conf, container);
  const during = registered(rig);
  await rig.del(conf, container);
  const after = registered(rig);

  expect(result.dns ?? {}).toEqual({});
  expect(during).toMatchObject(
    [v4.first, v6.first].map((address) => ({
      service: container,
      namespace: 'default',
      address,
      port: 0,
      status: 'passing',
      owner: { kind: 'container', network: 'net', containerId: container, host: container, ifName: 'eth0' },
    })),
  );
  expect(after).toEqual([]);
});

test('without a registry block the registry is at /var/lib/fairlead, and a container is known by its short id', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const [conf, id] = [bridgeConf(rig, { registry: undefined }), '0123456789ab'.repeat(6).slice(0, 64)];
  const path = `${rig.dir}/lib/fairlead/registry.db`;
  const options = {
    binary: privateVarLib(rig),
    mayFallBack: true,
    env: { CNI_CONTAINERID: `default-${id}`, CNI_NETNS: `/run/netns/${container}` },
  };

  await rig.add(conf, container, options);
  const during = names(rig, path);
  await rig.del(conf, container, options);

  expect(during).toEqual([`0123456789ab ${v4.first}`]);
  expect(names(rig, path)).toEqual([]);
  expect(existsSync(rig.store)).toBe(false);
});

/** Our bridge as an executable for which /var/lib is a directory of the rig's. */
function privateVarLib(rig: Rig): string {
  const [wrapper, lib] = [`${rig.dir}/bridge`, `${rig.dir}/lib`];
  mkdirSync(lib);
  const mount = `mount --bind ${lib} /var/lib && exec ${binDir}/bridge`;
  writeFileSync(wrapper, `#!/bin/sh\nexec unshare --mount sh -c '${mount}'\n`, { mode: 0o755 });
  return wrapper;
}

test('with registry: false there is no registry, and CHECK and DEL ask for none', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const conf = bridgeConf(rig, { registry: false });

  const prevResult = await rig.add(conf, container);
  const check = await rig.cni('CHECK', { ...conf, prevResult }, container);
  await rig.del(conf, container);

  expect([check.status, existsSync(rig.store)]).toEqual([0, false]);
  expect(await leftovers(rig)).toEqual(nothing);
});

test("the result names this machine's agent as resolver only on request", async () => {
  await using rig = await Rig.create();
  const [silent, asking] = [await rig.container(), await rig.container()];
  const registry = { store: rig.store };

  const plain = await rig.add(dualConf(rig, { registry }), silent);
  const resolving = await rig.add(
    dualConf(rig, { registry: { ...registry, dns: true, namespace: 'shop' } }),
    asking,
  );

  expect(plain.dns ?? {}).toEqual({});
  expect(resolving.dns).toEqual({
    nameservers: [v4.gateway, v6.gateway],
    search: ['shop.svc.fairlead.internal', 'svc.fairlead.internal', 'net.fairlead.internal'],
  });
});

test('two interfaces of a container, and two networks, are registered and withdrawn each by itself', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const net = bridgeConf(rig);
  const other = bridgeConf(rig, {
    name: 'svc',
    bridge: 'br1',
    isDefaultGateway: false,
    ipam: ipamConf(rig, [[{ subnet: '10.24.0.0/24' }]]),
  });
  const second = { ...net, isDefaultGateway: false };
  await rig.add(net, container);
  await rig.add(second, container, { ifName: 'eth1' });
  await rig.add(other, container, { ifName: 'eth2' });

  const all = names(rig);
  const labels = registered(rig)?.map(({ owner }) => owner.kind === 'container' && owner.networkLabel);
  await rig.del(second, container, { ifName: 'eth1' });
  const without = names(rig);
  await rig.del(net, container);

  expect(all).toEqual(
    [`${container} ${v4.first}`, `${container} ${v4.second}`, `${container} 10.24.0.2`].sort(),
  );
  expect(labels).toEqual(['net', 'net', expect.stringMatching(/^svc-[0-9a-f]{8}$/)]);
  expect(without).toEqual([`${container} ${v4.first}`, `${container} 10.24.0.2`].sort());
  expect(names(rig)).toEqual([`${container} 10.24.0.2`]);
});

test('labels name the service: from CNI_ARGS, from args, and from pod annotations; mapped ports are its ports', async () => {
  await using rig = await Rig.create();
  const [one, two, three] = [await rig.container(), await rig.container(), await rig.container()];
  const runtimeConfig = {
    portMappings: [{ HostPort: 8080, ContainerPort: 80, Protocol: 'tcp' }],
    'io.kubernetes.cri.pod-annotations': { SERVICE_80_NAME: 'shop', SERVICE_WEIGHT: 'heavy' },
  };
  const labels = [
    { key: 'SERVICE_NAME', value: 'Web' },
    { key: 'SERVICE_PORTS', value: 'http:80' },
  ];

  await rig.add(bridgeConf(rig), one, { args: 'SERVICE_NAME=db;SERVICE_PORTS=5432;SERVICE_TAGS=main' });
  await rig.add(bridgeConf(rig, { args: { cni: { labels } } }), two, { args: 'SERVICE_NAME=loses' });
  const warned = await rig.cni('ADD', bridgeConf(rig, { runtimeConfig }), three, {
    args: 'IgnoreUnknown=1;K8S_POD_NAMESPACE=mall;K8S_POD_NAME=loses',
  });

  expect(names(rig)).toEqual(['db 10.22.0.2:5432', 'shop 10.22.0.4:80', 'web 10.22.0.3:80']);
  expect(registered(rig)).toMatchObject([
    { tags: ['main'] },
    { portName: 'http', serviceName: 'Web' },
    { namespace: 'mall' },
  ]);
  expect([warned.status, warned.stderr]).toEqual([
    0,
    expect.stringContaining('label SERVICE_WEIGHT: "heavy" is left out'),
  ]);
});

test('a registry block that is wrong is refused with its field before anything is attached, and stops no DEL', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const good = bridgeConf(rig);
  const bad = { ...good, registry: { store: rig.store, check: { http: '/', interval: 'often' } } };

  const refused = await rig.cni('ADD', bad, container);
  const untouched = [await linkNames(rig.host), rig.leases(), registered(rig)];
  await rig.add(good, container);
  const removed = await rig.cni('DEL', bad, container);

  expect(refused.error).toMatchObject({ code: 7, msg: expect.stringContaining('registry.check.interval') });
  expect(untouched).toEqual([[], {}, undefined]);
  expect(removed.status).toBe(0);
  expect(await leftovers(rig)).toEqual(nothing);
});

test('an ADD that fails registers nothing, and takes nothing from the container that is there', async () => {
  await using rig = await Rig.create();
  const [one, late] = [await rig.container(), await rig.container()];
  const ipam = ipamConf(rig, [[{ subnet: v4.subnet, rangeStart: v4.first, rangeEnd: v4.first }]]);
  const conf = bridgeConf(rig, { ipam });
  await rig.add(conf, one);

  const exhausted = await rig.cni('ADD', conf, late);
  const twice = await rig.cni('ADD', conf, one);

  expect([exhausted.status, twice.status]).toEqual([1, 1]);
  expect(names(rig)).toEqual([`${one} ${v4.first}`]);
});

test.each(['0.1.0', '0.4.0'])(
  'a container is registered in every version of the specification (%s)',
  async (cniVersion) => {
    await using rig = await Rig.create();
    const container = await rig.container();
    const conf = bridgeConf(rig, { cniVersion });

    await rig.add(conf, container);
    const during = names(rig);
    await rig.del(conf, container);

    expect([during, names(rig)]).toEqual([[`${container} ${v4.first}`], []]);
  },
);

test('fifty ADDs at once make fifty registrations, in fifty commits; fifty DELs at once leave none', async () => {
  await using rig = await Rig.create();
  const containers = await rig.containers(50);
  const conf = bridgeConf(rig);

  const added = await Promise.all(containers.map((container) => rig.cni('ADD', conf, container)));
  const during = registered(rig) ?? [];
  const removed = await Promise.all(containers.map((container) => rig.cni('DEL', conf, container)));

  expect([...added, ...removed].filter(({ status, stderr }) => status !== 0 || stderr !== '')).toEqual([]);
  expect(during.map(({ service }) => service).sort()).toEqual([...containers].sort());
  expect(new Set(during.map(({ address }) => address)).size).toBe(50);
  expect(new Set(during.map(({ revision }) => revision)).size).toBe(50);
  expect(registered(rig)).toEqual([]);
});

test('an ADD that is overtaken by its own DEL fails with code 11 and leaves nothing', async (context) => {
  skipUnless(context, !isResident, 'of one attachment the agent carries out one call at a time');
  await using rig = await Rig.create();
  const container = await rig.container();
  const conf = bridgeConf(rig);
  const late = rig.cni('ADD', conf, container, { env: { PATH: slowIp(rig) } });
  await untilThere(`${rig.dir}/slow/begun`);

  await rig.del(conf, container);
  writeFileSync(`${rig.dir}/slow/go`, '');
  const { error } = await late;

  expect(error).toMatchObject({ code: 11, msg: expect.stringContaining('has begun after this one') });
  expect([registered(rig), await linkNames(container)]).toEqual([[], []]);
  expect(await leftovers(rig)).toEqual(nothing);
  await rig.add(conf, container);
  expect(names(rig)).toHaveLength(1);
});

/** A PATH in which `ip` waits, after it has made a file, until another one is there. */
function slowIp(rig: Rig): string {
  rig.way.callTools();
  const dir = `${rig.dir}/slow`;
  mkdirSync(dir);
  const script = `#!/bin/sh\n: > ${dir}/begun\nwhile [ ! -e ${dir}/go ]; do sleep 0.01; done\nexec /usr/sbin/ip "$@"\n`;
  writeFileSync(`${dir}/ip`, script, { mode: 0o755 });
  return `${dir}:/usr/sbin:/usr/bin:/sbin:/bin`;
}

async function untilThere(path: string): Promise<void> {
  for (let waited = 0; !existsSync(path); waited += 10) {
    if (waited > 5_000) throw new Error(`${path} has not appeared`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('GC withdraws what the runtime does not know any more, of its own network only, and what is dead', async () => {
  await using rig = await Rig.create();
  const [keep, stale, elsewhere] = [await rig.container(), await rig.container(), await rig.container()];
  const conf = bridgeConf(rig);
  const other = bridgeConf(rig, {
    name: 'other',
    bridge: 'br1',
    ipam: ipamConf(rig, [[{ subnet: '10.24.0.0/24' }]]),
  });
  for (const container of [keep, stale]) await rig.add(conf, container);
  await rig.add(other, elsewhere);
  const valid = { 'cni.dev/valid-attachments': [{ containerID: keep, ifname: 'eth0' }] };

  const first = await rig.cni('GC', { ...conf, ...valid }, '');
  const kept = names(rig);
  await rig.remove(elsewhere);
  const second = await rig.cni('GC', other, '');

  expect([first.status, second.status]).toEqual([0, 0]);
  expect(kept).toEqual([`${elsewhere} 10.24.0.2`, `${keep} ${v4.first}`].sort());
  expect(names(rig)).toEqual([`${keep} ${v4.first}`]);
});

test("a DEL is dated by the machine's monotonic clock, which an executable from a snapshot must not have frozen", async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  const nowUs = () => Number(process.hrtime.bigint() / 1000n);
  const before = nowUs();
  await rig.del(bridgeConf(rig), container);
  const after = nowUs();

  using store = openRegistry(rig.store);
  const addAt = (startedAtUs: number) => () =>
    store.register({
      ...{ network: 'net', containerId: container, ifName: 'eth0', proof: { bootId: 'x' } },
      ...{ startedAtUs, gateways: [], declaration: {}, instances: [] },
    });
  expect(addAt(before)).toThrow('has begun after');
  expect(addAt(after)).not.toThrow();
});
