import { describe, expect, test } from 'vitest';
import type { AttachmentCall } from '../../../lib/cni/dispatch.ts';
import { CniError } from '../../../lib/errors/cni-error.ts';
import type { Store } from '../../../lib/registry/store.ts';
import { addEnvironment, toCall } from '../../support/calls.ts';
import { registrationOf } from '../../support/registrations.ts';
import { broken, callOf, createFixture, ip, ip6, withResult } from './fixture.ts';

describe('DEL', () => {
  test('withdraws first, then detaches: nobody is sent to an address that is about to be gone', () => {
    using fixture = createFixture();
    fixture.plugin.add(callOf());
    fixture.plugin.del(callOf());

    expect([fixture.calls, fixture.namesAt.get('del')]).toEqual([['add', 'del'], 0]);
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
    const del = () => fixture.plugin.del(callOf({ registry: { policy: 'required', store: fixture.path } }));

    if (code === undefined) del();
    else expect(del).toThrow(expect.objectContaining({ code }));
    expect(fixture.calls).toEqual(['del']);
    expect(fixture.warnings).toHaveLength(code === undefined ? 1 : 0);
  });

  test('tells of both failures, the registry first, which came first', () => {
    using fixture = createFixture({ broken: broken('full') });
    fixture.failing.set('del', new CniError(999, 'the link is stuck'));

    expect(() => fixture.plugin.del(callOf({ registry: { store: fixture.path } }))).toThrow(
      expect.objectContaining({
        code: 11,
        message: expect.stringContaining('registry /r.db'),
        details: expect.stringContaining('the link is stuck'),
      }),
    );
  });

  test('withdraws also if detaching fails', () => {
    using fixture = createFixture();
    fixture.plugin.add(callOf());
    fixture.failing.set('del', new CniError(999, 'the link is stuck'));

    expect(() => fixture.plugin.del(callOf())).toThrow('the link is stuck');
    expect(fixture.store.instances()).toEqual([]);
  });

  test('with a registry block that an ADD would refuse detaches and withdraws', () => {
    using fixture = createFixture();
    fixture.plugin.add(callOf());

    fixture.plugin.del(callOf({ registry: { store: 'here', weight: -1 } }));

    expect([fixture.calls.at(-1), fixture.store.instances()]).toEqual(['del', []]);
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
