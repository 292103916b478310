import { describe, expect, test } from 'vitest';
import { registrationOf } from '../../support/registrations.ts';
import { broken, callOf, createFixture, ip, ip6, key, withResult } from './fixture.ts';

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
