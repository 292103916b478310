import { describe, expect, test } from 'vitest';
import {
  parseApplication,
  parseApplications,
  parseInstance,
  parseInstanceInfo,
} from '../../../../lib/mirror/eureka/instance-info.ts';
import { renderRegistration } from '../../../../lib/mirror/eureka/registration.ts';
import { toRegistryInstance } from '../../../../lib/mirror/eureka/to-instance.ts';
import type { Instance } from '../../../../lib/registry/instance.ts';
import { containerOwner, instanceOf } from '../../../support/registry.ts';

const foreign = {
  ...{ instanceId: 'host:billing:8080', app: 'BILLING', ipAddr: '192.0.2.7', status: 'UP' },
  port: { $: 8080, '@enabled': 'true' },
  metadata: { '@class': 'java.util.Collections$EmptyMap' },
};

describe('an answer', () => {
  test.each([
    ['lists', { application: [{ name: 'A', instance: [{ app: 'A' }] }] }],
    ['a service that comes alone', { application: { name: 'A', instance: [{ app: 'A' }] } }],
    ['an instance that comes alone', { application: [{ name: 'A', instance: { app: 'A' } }] }],
  ])('may have %s', (_, applications) => {
    expect(parseApplications({ applications })?.instances).toEqual([{ app: 'A' }]);
  });

  test('may have nothing in it', () => {
    const applications = { versions__delta: '1', apps__hashcode: 'UP_1_', application: null };

    expect(parseApplications({ applications })).toEqual({ hashCode: 'UP_1_', instances: [] });
  });

  test.each([undefined, null, 'x', 5, [], {}, { applications: [] }, { applications: 'x' }])(
    'is none that is %j',
    (json) => {
      expect(parseApplications(json)).toBeUndefined();
      expect(parseApplication(json)).toBeUndefined();
      expect(parseInstance(json)).toBeUndefined();
    },
  );

  test('keeps what is an instance of what is none', () => {
    expect(parseApplication({ application: { instance: [null, 5, 'x', [], { app: 'A' }] } })).toEqual([
      { app: 'A' },
    ]);
  });
});

describe('an instance of others', () => {
  test('is one of ours, with an owner that no machine is', () => {
    expect(read(foreign)).toMatchObject({
      ...{
        namespace: 'default',
        service: 'billing',
        serviceName: 'billing',
        address: '192.0.2.7',
        port: 8080,
      },
      ...{ status: 'passing', meta: {}, tags: [], weight: 1, owner: { kind: 'api', node: 'outside-main' } },
    });
  });

  test('has the secure port where the other one is off, and none where both are', () => {
    const off = { $: 8080, '@enabled': 'false' };

    expect(read({ ...foreign, port: off, securePort: { $: '8443', '@enabled': true } })?.port).toBe(8443);
    expect(read({ ...foreign, port: off, securePort: off })?.port).toBe(0);
  });

  test.each([
    ['UP', 'passing'],
    ['DOWN', 'critical'],
    ['STARTING', 'critical'],
    ['UNKNOWN', 'critical'],
    ['OUT_OF_SERVICE', 'maintenance'],
    [undefined, 'critical'],
  ])('with the status %s is %s', (status, expected) => {
    expect(read({ ...foreign, status })?.status).toBe(expected);
  });

  test('loses metadata that could be none here, and stays', () => {
    const metadata = { 'a.b/c': 'x', 'a b': 'x', long: 'x'.repeat(256), lines: 'a\nb', number: 5 };

    expect(read({ ...foreign, metadata })?.meta).toEqual({ 'a.b/c': 'x' });
  });

  test.each([
    ['no address', { ipAddr: undefined }],
    ['a name for an address', { ipAddr: 'host.example' }],
    ['no service', { app: undefined }],
    ['a port that is none', { port: { $: 70_000, '@enabled': 'true' } }],
    ['a port that is no number', { port: { $: 'x', '@enabled': 'true' } }],
  ])('with %s is left out', (_, said) => {
    expect(read({ ...foreign, ...said })).toBeUndefined();
  });
});

describe('an instance of a machine of ours', () => {
  test.each<Partial<Instance>>([
    { weight: 3, tags: ['v1', 'a,b'], meta: { empty: '', owner: 'team a' }, portName: 'http' },
    { status: 'draining' },
    { status: 'maintenance' },
    { status: 'critical' },
    { namespace: 'shop', serviceName: 'Web_Shop' },
    { address: 'fd00::2', family: 6, port: 0, transport: 'udp', endpoint: '/x' },
  ])('comes back with %j', (said) => {
    const instance = instanceOf({
      owner: containerOwner({ node: '1111111111111111' }),
      revision: 0,
      ...said,
    });

    expect(
      read(JSON.parse(renderRegistration(instance, { node: '1111111111111111', ttlMs: 30_000 }).content)),
    ).toEqual(instance);
  });

  test.each([
    ['fairlead-tags', 'no JSON'],
    ['fairlead-tags', '{"a":1}'],
    ['fairlead-tags', '[1]'],
    ['fairlead-weight', '-1'],
    ['fairlead-weight', 'much'],
  ])('is left out where somebody has made %s %j', (name, value) => {
    const raw = JSON.parse(
      renderRegistration(instanceOf(), { node: '1111111111111111', ttlMs: 30_000 }).content,
    );

    expect(read({ ...raw, metadata: { ...raw.metadata, [name]: value } })).toBeUndefined();
  });
});

test.each([
  ['fairlead-service', 'a.b'],
  ['fairlead-service', 'other'],
  ['fairlead-namespace', 'shop'],
  ['fairlead-id', ''],
  ['fairlead-id', 'web-2'],
  ['fairlead-node', '2222222222222222'],
  ['fairlead-node', 'outside-main'],
])(
  'an instance whose marking %s is %j does not stand where that would, and is a foreign one',
  (name, value) => {
    const raw = JSON.parse(
      renderRegistration(instanceOf(), { node: '1111111111111111', ttlMs: 30_000 }).content,
    );

    expect(read({ ...raw, metadata: { ...raw.metadata, [name]: value } })).toMatchObject({
      ...{ namespace: 'default', service: 'web', meta: {}, owner: { kind: 'api', node: 'outside-main' } },
    });
  },
);

function read(raw: Readonly<Record<string, unknown>>): Instance | undefined {
  const info = parseInstanceInfo(raw);
  return info && toRegistryInstance(info, 'main');
}
