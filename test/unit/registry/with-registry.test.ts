import { describe, expect, test } from 'vitest';
import type { AttachmentCall, Plugin } from '../../../lib/cni/dispatch.ts';
import { parseResult } from '../../../lib/cni/result-parse.ts';
import { CniError } from '../../../lib/errors/cni-error.ts';
import type { RegistrarParts } from '../../../lib/registry/registrar.ts';
import type { Store } from '../../../lib/registry/store.ts';
import { type StoreTrouble, storeFailure } from '../../../lib/registry/store-failure.ts';
import { withRegistry } from '../../../lib/registry/with-registry.ts';
import { addEnvironment, toCall } from '../../support/calls.ts';
import { registrationOf, temporaryStore } from '../../support/registrations.ts';
import { scriptMachine } from '../../support/scripted-machine.ts';

const ip = { address: '10.1.0.2/24', gateway: '10.1.0.1' };
const ip6 = { address: 'fd00::2/64', gateway: 'fd00::1' };
const bootProc = { '/proc/sys/kernel/random/boot_id': 'boot-of-tests' };

/** A plugin that attaches nothing, over a real store; `broken` is what opening the store throws. */
function createFixture({ broken, completes = false }: { broken?: unknown; completes?: boolean } = {}) {
  const temporary = temporaryStore();
  const calls: string[] = [];
  const warnings: string[] = [];
  const failing = new Map<string, unknown>();
  const note = (verb: string) => {
    calls.push(verb);
    if (failing.has(verb)) throw failing.get(verb);
  };
  const plugin: Plugin = {
    name: 'bridge',
    add: ({ conf }) => {
      note('add');
      return conf.prevResult() ?? parseResult({ ips: [ip] }, 'result', '1.1.0');
    },
    del: () => note('del'),
    check: () => note('check'),
    gc: () => note('gc'),
    status: () => note('status'),
  };
  let nowUs = 1_000_000;
  const parts: RegistrarParts = {
    machine: scriptMachine({ proc: bootProc }),
    openStore: (): Store => {
      if (broken !== undefined) throw broken;
      return temporary.store;
    },
    warn: (message) => warnings.push(message),
    nowUs: () => nowUs++,
  };
  const wrapped = withRegistry(plugin, parts, { completes });
  return { ...temporary, plugin: wrapped, calls, warnings, failing };
}

const key = { network: 'net', containerId: 'c1', ifName: 'eth0' };
const callOf = (conf: object = {}, args = '') => toCall(conf, addEnvironment({ CNI_ARGS: args }));
const withResult = (...ips: readonly object[]) => ({ prevResult: { cniVersion: '1.1.0', ips } });
const broken = (trouble: StoreTrouble) => storeFailure('/r.db', trouble, 'it happened');

describe('ADD', () => {
  test('registers what the plugin attached, and hands its result on unchanged', () => {
    using fixture = createFixture();
    const result = fixture.plugin.add(callOf(withResult(ip, ip6)));

    expect(result.dns).toEqual({});
    expect(fixture.store.ofAttachment(key)).toMatchObject([
      { address: '10.1.0.2', family: 4, service: 'c1', status: 'passing' },
      { address: 'fd00::2', family: 6, service: 'c1', status: 'passing' },
    ]);
    expect(fixture.store.attachment(key)).toMatchObject({
      proof: { bootId: 'boot-of-tests', netns: { path: '/run/netns/c1', inode: 2 } },
      gateways: ['10.1.0.1', 'fd00::1'],
    });
  });

  test('with registry: false registers nothing', () => {
    using fixture = createFixture();
    fixture.plugin.add(callOf({ registry: false }));

    expect(fixture.store.attachments()).toEqual([]);
  });

  test('without addresses registers nothing', () => {
    using fixture = createFixture();
    fixture.plugin.add(callOf(withResult()));

    expect(fixture.store.attachments()).toEqual([]);
  });

  test('a registry block that is wrong is refused before anything is attached', () => {
    using fixture = createFixture();

    expect(() => fixture.plugin.add(callOf({ registry: { weight: 'heavy' } }))).toThrow('registry.weight');
    expect(fixture.calls).toEqual([]);
  });

  test('a label that is wrong is warned of, and stops nothing', () => {
    using fixture = createFixture();
    fixture.plugin.add(callOf({}, 'SERVICE_WEIGHT=heavy;SERVICE_NAME=web'));

    expect(fixture.warnings).toEqual([expect.stringContaining('SERVICE_WEIGHT')]);
    expect(fixture.store.ofAttachment(key)).toMatchObject([{ service: 'web' }]);
  });

  test('names this machine as resolver only where registry.dns asks for it', () => {
    using fixture = createFixture();
    const conf = {
      name: 'My_Net',
      registry: { dns: true, namespace: 'shop', zone: 'a.test' },
      ...withResult(ip, ip6),
    };

    expect(fixture.plugin.add(callOf(conf)).dns).toEqual({
      nameservers: ['10.1.0.1', 'fd00::1'],
      search: ['shop.svc.a.test', 'svc.a.test', 'my-net.a.test'],
    });
  });

  test('keeps what the result says of DNS, after its own', () => {
    using fixture = createFixture();
    const dns = {
      nameservers: ['9.9.9.9', '10.1.0.1'],
      search: ['b.test'],
      domain: 'c.test',
      options: ['ndots:2'],
    };
    const conf = { registry: { dns: true }, prevResult: { cniVersion: '1.1.0', ips: [ip], dns } };

    expect(fixture.plugin.add(callOf(conf)).dns).toEqual({
      ...dns,
      nameservers: ['10.1.0.1', '9.9.9.9'],
      search: ['default.svc.fairlead.internal', 'svc.fairlead.internal', 'net.fairlead.internal', 'b.test'],
    });
  });

  test('is taken back where a DEL has overtaken it', () => {
    using fixture = createFixture();
    fixture.store.withdraw(key, 5_000_000);

    expect(() => fixture.plugin.add(callOf())).toThrow(expect.objectContaining({ code: 11 }));
    expect([fixture.calls, fixture.store.attachments()]).toEqual([['add', 'del'], []]);
  });

  test.each(['busy', 'full', 'corrupt', 'unreadable'] as const)(
    'with a store that is %s is carried out without a name, with a warning, unless names are required',
    (trouble) => {
      using fixture = createFixture({ broken: broken(trouble) });
      const result = fixture.plugin.add(callOf());
      const required = callOf({ registry: { policy: 'required' } });

      expect(result.ips).toHaveLength(1);
      expect(fixture.warnings).toEqual([
        expect.stringContaining('container c1 is attached, but has no name: registry /r.db'),
      ]);
      const code = trouble === 'busy' || trouble === 'full' ? 11 : 999;
      expect(() => fixture.plugin.add(required)).toThrow(expect.objectContaining({ code }));
      expect(fixture.calls).toEqual(['add', 'add', 'del']);
    },
  );

  test('that cannot be taken back says both, the cause first', () => {
    using fixture = createFixture({ broken: broken('full') });
    fixture.failing.set('del', new Error('the link is stuck'));

    expect(() => fixture.plugin.add(callOf({ registry: { policy: 'required' } }))).toThrow(
      expect.objectContaining({
        code: 11,
        message: expect.stringContaining('it happened'),
        details: expect.stringContaining('then, cleaning up: detaching: the link is stuck'),
      }),
    );
  });
});

describe('DEL', () => {
  test('withdraws first, then detaches', () => {
    using fixture = createFixture();
    fixture.plugin.add(callOf());
    let registered: number | undefined;
    fixture.failing.set('del', undefined);
    const { del } = fixture.plugin;
    fixture.calls.push = (...verbs) => {
      if (verbs[0] === 'del') registered = fixture.store.instances().length;
      return verbs.length;
    };
    expect(() => del(callOf())).toThrow();

    expect(registered).toBe(0);
  });

  test('needs neither namespace nor arguments nor result, and succeeds twice', () => {
    using fixture = createFixture();
    fixture.plugin.add(callOf({}, 'SERVICE_NAME=web'));
    const bare: AttachmentCall = toCall({}, addEnvironment({ CNI_COMMAND: 'DEL', CNI_NETNS: '' }));

    fixture.plugin.del(bare);
    fixture.plugin.del(bare);

    expect([fixture.store.instances(), fixture.store.attachments()]).toEqual([[], []]);
  });

  test.each([
    ['corrupt', undefined],
    ['unreadable', undefined],
    ['busy', 11],
    ['full', 11],
  ] as const)('with a store that is %s detaches all the same, and answers %s', (trouble, code) => {
    using fixture = createFixture({ broken: broken(trouble) });
    const del = () => fixture.plugin.del(callOf({ registry: { policy: 'required' } }));

    if (code === undefined) del();
    else expect(del).toThrow(expect.objectContaining({ code }));
    expect(fixture.calls).toEqual(['del']);
    expect(fixture.warnings).toHaveLength(code === undefined ? 1 : 0);
  });

  test('tells of both failures, and withdraws also if detaching fails', () => {
    using fixture = createFixture();
    fixture.plugin.add(callOf());
    fixture.failing.set('del', new CniError(999, 'the link is stuck'));

    expect(() => fixture.plugin.del(callOf())).toThrow('the link is stuck');
    expect(fixture.store.instances()).toEqual([]);
  });

  test('with a registry block that is wrong detaches, and says so', () => {
    using fixture = createFixture();

    expect(() => fixture.plugin.del(callOf({ registry: { store: 'here' } }))).toThrow('registry.store');
    expect(fixture.calls).toEqual(['del']);
  });
});

describe('CHECK', () => {
  const conf = (registry?: object) => ({
    ...withResult(ip, ip6),
    ...(registry === undefined ? {} : { registry }),
  });
  const required = { policy: 'required' };

  test('asks for names where they are required, and names the address that has none', () => {
    using fixture = createFixture();
    fixture.plugin.add(callOf(withResult(ip)));

    expect(() => fixture.plugin.check(callOf(conf(required)))).toThrow(
      'fd00::2 of container c1 is not in the registry',
    );
    fixture.plugin.check(callOf(conf()));
    fixture.plugin.add(callOf(conf(required)));
    fixture.plugin.check(callOf(conf(required)));
  });

  test('of a chained plugin asks for names always, unless there is to be no registry', () => {
    using fixture = createFixture({ completes: true });

    expect(() => fixture.plugin.check(callOf(conf()))).toThrow('10.1.0.2 of container c1');
    fixture.plugin.check(callOf({ ...conf(), registry: false }));
  });

  test('of a container that labels have ignored succeeds: nothing was to be registered', () => {
    using fixture = createFixture({ completes: true });
    const ignored = callOf(conf(), 'SERVICE_IGNORE=true');
    fixture.plugin.add(ignored);

    fixture.plugin.check(ignored);
    expect(fixture.store.instances()).toEqual([]);
  });

  test("tells the plugin's own finding first", () => {
    using fixture = createFixture({ completes: true });
    fixture.failing.set('check', new Error('no link'));

    expect(() => fixture.plugin.check(callOf(conf()))).toThrow('no link');
  });
});

describe('GC', () => {
  const validKey = 'cni.dev/valid-attachments';

  function addThree(fixture: ReturnType<typeof createFixture>): void {
    for (const [at, containerId] of ['c1', 'c2', 'c3'].entries())
      fixture.plugin.add(
        toCall(
          withResult({ address: `10.1.0.${at + 2}/24` }),
          addEnvironment({ CNI_CONTAINERID: containerId }),
        ),
      );
  }
  const containers = ({ store }: { store: Store }) =>
    store.attachments().map(({ containerId }) => containerId);
  const valid = [
    { containerID: 'c2', ifname: 'eth0' },
    { containerID: 'c3', ifname: 'eth1' },
  ];

  test('withdraws what is not valid any more, of its own network only', () => {
    using fixture = createFixture();
    addThree(fixture);
    fixture.store.register({ ...registrationOf({ containerId: 'other' }), network: 'other' });

    fixture.plugin.gc(callOf({ [validKey]: valid }));

    expect(containers(fixture).sort()).toEqual(['c2', 'other']);
  });

  test('where the runtime names none, takes only what is proven dead', () => {
    using fixture = createFixture();
    addThree(fixture);
    const netns = { path: '/gone/c9', device: 4, inode: 999_999_999 };
    fixture.store.register(
      registrationOf({ containerId: 'c9', proof: { bootId: 'boot-of-tests', netns }, instances: [] }),
    );

    fixture.plugin.gc(callOf());

    expect(containers(fixture).sort()).toEqual(['c1', 'c2', 'c3']);
  });

  test('that the plugin refuses withdraws nothing; after another failure it withdraws all the same', () => {
    using fixture = createFixture();
    addThree(fixture);
    fixture.failing.set('gc', new CniError(7, 'ipam: is wrong'));
    expect(() => fixture.plugin.gc(callOf({ [validKey]: [] }))).toThrow('ipam: is wrong');
    expect(containers(fixture)).toHaveLength(3);

    fixture.failing.set('gc', new CniError(999, 'a link is stuck'));
    expect(() => fixture.plugin.gc(callOf({ [validKey]: [] }))).toThrow('a link is stuck');
    expect(containers(fixture)).toEqual([]);
  });
});

describe('STATUS', () => {
  test.each([
    [{ policy: 'required' }, false, 50],
    [{}, true, 50],
    [{}, false, undefined],
  ])('with a store that cannot be opened (%j, chained: %s) answers %s', (registry, completes, code) => {
    using fixture = createFixture({ broken: broken('corrupt'), completes });
    const status = () => fixture.plugin.status(callOf({ registry }));

    if (code === undefined) status();
    else expect(status).toThrow(expect.objectContaining({ code, message: expect.stringContaining('/r.db') }));
  });

  test("without a registry is the plugin's alone", () => {
    using fixture = createFixture({ broken: broken('corrupt'), completes: true });
    fixture.plugin.status(callOf({ registry: false }));

    expect(fixture.calls).toEqual(['status']);
  });
});

describe('a chained plugin', () => {
  const chained = (registry: object, args = '') => callOf({ ...withResult(ip), registry }, args);

  test('completes what an earlier one has declared, and adds no second instance', () => {
    using fixture = createFixture({ completes: true });
    fixture.plugin.add(chained({ service: 'web', meta: { a: 'first' }, tags: ['first'] }));
    fixture.plugin.add(chained({ ports: [{ port: 80 }], meta: { b: 'second' }, tags: ['second'] }));

    expect(fixture.store.instances()).toMatchObject([
      { service: 'web', port: 80, tags: ['second'], meta: { a: 'first', b: 'second' } },
    ]);
  });

  test('takes over nothing of a container that had the same id before', () => {
    using fixture = createFixture({ completes: true });
    const proof = { bootId: 'boot-of-tests', netns: { path: '/run/netns/c1', device: 4, inode: 77 } };
    fixture.store.register(registrationOf({ proof, declaration: { service: 'old' } }));
    fixture.plugin.add(chained({}));

    expect(fixture.store.instances()).toMatchObject([{ service: 'c1' }]);
  });

  test('one that does not complete says anew what there is', () => {
    using fixture = createFixture();
    fixture.plugin.add(chained({ service: 'web', tags: ['v1'] }));
    fixture.plugin.add(chained({ service: 'web' }));

    expect(fixture.store.instances()).toMatchObject([{ service: 'web', tags: [] }]);
  });
});
