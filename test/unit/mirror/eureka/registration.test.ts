import { describe, expect, test } from 'vitest';
import {
  parseOwnKey,
  renderRegistration,
  statusIn,
  toContent,
  withStatus,
} from '../../../../lib/mirror/eureka/registration.ts';
import { containerOwner, instanceOf } from '../../../support/registry.ts';

const node = '1111111111111111';
const registrant = { node, ttlMs: 30_000 };

describe('what is written', () => {
  test('is what clients of Eureka look for, with the rest as metadata', () => {
    const instance = instanceOf({
      ...{ weight: 3, tags: ['v1', 'a,b'], meta: { zone: 'a', 'fairlead-node': 'forged' } },
      owner: containerOwner({ node }),
    });

    const { key, content } = renderRegistration(instance, registrant);

    expect(key).toBe(`WEB/${node}:web-1`);
    expect(JSON.parse(content)).toEqual({
      ...{ instanceId: `${node}:web-1`, hostName: '10.1.0.2', app: 'WEB', ipAddr: '10.1.0.2' },
      ...{ vipAddress: 'web', secureVipAddress: `fairlead-${node}`, status: 'UP' },
      port: { $: 80, '@enabled': 'true' },
      securePort: { $: 0, '@enabled': 'false' },
      dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
      leaseInfo: { renewalIntervalInSecs: 10, durationInSecs: 15 },
      metadata: {
        ...{ zone: 'a', 'fairlead-node': node, 'fairlead-id': 'web-1', 'fairlead-namespace': 'default' },
        ...{ 'fairlead-service': 'web', 'fairlead-created': '0', 'fairlead-network': 'net' },
        ...{ 'fairlead-container': 'c1', 'fairlead-host': 'c1', 'fairlead-interface': 'eth0' },
        ...{ 'fairlead-tags': '["v1","a,b"]', 'fairlead-weight': '3' },
      },
    });
  });

  test('has brackets around an IPv6 address where clients make a URL of it, and only there', () => {
    expect(written({ address: 'fd00::2', family: 6 })).toMatchObject({
      ...{ hostName: '[fd00::2]', ipAddr: 'fd00::2' },
    });
  });

  test('has no port where the service has none', () => {
    expect(written({ port: 0 })).toMatchObject({ port: { $: 0, '@enabled': 'false' } });
  });

  test('names the namespace in the name of the service', () => {
    expect(written({ namespace: 'shop' })).toMatchObject({ app: 'WEB--SHOP', vipAddress: 'web--shop' });
  });

  test.each([
    ['http://10.1.0.2/start', 'http://10.1.0.2/start'],
    ['/start', undefined],
  ])('says of the endpoint %s that the home page is %s', (endpoint, homePageUrl) => {
    expect(written({ endpoint })).toHaveProperty('metadata.fairlead-endpoint', endpoint);
    expect(written({ endpoint }).homePageUrl).toBe(homePageUrl);
  });

  test.each([
    ['passing', 'UP', undefined],
    ['critical', 'DOWN', 'critical'],
    ['draining', 'OUT_OF_SERVICE', 'draining'],
    ['maintenance', 'OUT_OF_SERVICE', 'maintenance'],
  ] as const)('says of %s that it is %s, and marks it as %s', (status, written, marked) => {
    const { content } = renderRegistration(instanceOf({ status }), registrant);

    expect(statusIn(content)).toBe(written);
    expect(JSON.parse(content).metadata['fairlead-status']).toBe(marked);
  });

  test('lives, renewed once, no longer than it is to live: the server waits for twice the duration', () => {
    const { leaseInfo } = JSON.parse(renderRegistration(instanceOf(), { node, ttlMs: 7_000 }).content);

    expect(leaseInfo).toEqual({ renewalIntervalInSecs: 2, durationInSecs: 3 });
  });
});

describe('what is read back', () => {
  const { content } = renderRegistration(instanceOf({ meta: { b: '2', a: '1' } }), registrant);

  test('is the same text, whatever the order, and whatever the server adds', () => {
    const { metadata, leaseInfo, ...rest } = JSON.parse(content);
    const answered = {
      ...{ overriddenStatus: 'UNKNOWN', countryId: 1, lastDirtyTimestamp: '5', actionType: 'ADDED' },
      metadata: Object.fromEntries(Object.entries(metadata).reverse()),
      leaseInfo: { ...leaseInfo, evictionTimestamp: 0 },
      ...rest,
    };

    expect(toContent(answered)).toBe(content);
  });

  test.each([
    ['ipAddr', '10.9.9.9'],
    ['hostName', 'other'],
    ['status', 'DOWN'],
    ['vipAddress', 'other'],
    ['secureVipAddress', undefined],
    ['port', { $: 81, '@enabled': 'true' }],
    ['port', { $: 80, '@enabled': 'false' }],
    ['leaseInfo', { renewalIntervalInSecs: 10, durationInSecs: 90 }],
    ['homePageUrl', 'http://10.9.9.9/'],
    ['metadata', { ...JSON.parse(content).metadata, more: 'x' }],
    ['metadata', undefined],
    ['dataCenterInfo', 'nonsense'],
  ])('is another one where %s is %j', (field, value) => {
    expect(toContent({ ...JSON.parse(content), [field]: value })).not.toBe(content);
  });

  test.each(['overriddenStatus', 'overriddenstatus'])('leaves an operator his status (%s)', (field) => {
    const overridden = { ...JSON.parse(content), status: 'OUT_OF_SERVICE', [field]: 'OUT_OF_SERVICE' };

    expect(toContent(overridden)).toBe(content);
  });

  test('has lost its own status with an unknown one, for which no operator stands', () => {
    const cleared = { ...JSON.parse(content), status: 'UNKNOWN', overriddenStatus: 'UNKNOWN' };

    expect(toContent(cleared)).not.toBe(content);
  });
});

test('the same entry with another status differs in nothing else', () => {
  const up = renderRegistration(instanceOf(), registrant).content;

  expect(JSON.parse(withStatus(up, 'DOWN'))).toEqual({ ...JSON.parse(up), status: 'DOWN' });
});

test.each([
  [`WEB/${node}:web-1`, { app: 'WEB', instanceId: `${node}:web-1` }],
  ['WEB/2222222222222222:web-1', undefined],
  ['WEB/host.example:web:80', undefined],
  [`WEB/${node}`, undefined],
  ['WEB', undefined],
  ['', undefined],
])('of the key %j this machine has %j', (key, place) => {
  expect(parseOwnKey(key, node)).toEqual(place);
});

function written(said: Parameters<typeof instanceOf>[0]): Readonly<Record<string, unknown>> {
  return JSON.parse(renderRegistration(instanceOf(said), registrant).content);
}
