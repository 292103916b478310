import { describe, expect, test } from 'vitest';
import type { Layout } from '../../../../lib/mirror/zookeeper/layout.ts';
import { layoutOf } from '../../../../lib/mirror/zookeeper/layout-of.ts';
import type { Instance } from '../../../../lib/registry/instance.ts';
import { containerOwner, instanceOf } from '../../../support/registry.ts';

const node = '1111111111111111';

const full = instanceOf({
  weight: 3,
  tags: ['v1', 'a,b'],
  meta: { team: 'a' },
  owner: containerOwner({ node }),
  createdAtMs: 5,
  revision: 0,
});

const uriSpec = {
  parts: [
    { value: 'scheme', variable: true },
    { value: '://', variable: false },
    { value: 'address', variable: true },
    { value: ':', variable: false },
    { value: 'port', variable: true },
  ],
};

const metadata = {
  team: 'a',
  'fairlead-node': node,
  'fairlead-id': 'web-1',
  'fairlead-namespace': 'default',
  'fairlead-service': 'web',
  'fairlead-created': '5',
  'fairlead-network': 'net',
  'fairlead-container': 'c1',
  'fairlead-host': 'c1',
  'fairlead-interface': 'eth0',
  'fairlead-tags': '["v1","a,b"]',
  'fairlead-weight': '3',
};

const curatorFields = {
  name: 'web',
  id: `${node}.web-1`,
  address: '10.1.0.2',
  port: 80,
  sslPort: null,
  payload: null,
  registrationTimeUTC: 5,
  serviceType: 'DYNAMIC',
  uriSpec,
};

function written(layout: Layout, instance: Instance) {
  const place = { service: 'web', child: layout.childOf(instance, node) };
  return { place, text: layout.write(instance, place) };
}

describe('the layout of Curator', () => {
  test.each([
    ['none', { ...curatorFields, fairlead: metadata }],
    ['bare', curatorFields],
    [
      'spring',
      {
        ...curatorFields,
        payload: {
          '@class': 'org.springframework.cloud.zookeeper.discovery.ZookeeperInstance',
          id: 'web-1',
          name: 'web',
          metadata,
        },
      },
    ],
  ] as const)('with payload "%s" is what its clients read', (payload, expected) => {
    expect(JSON.parse(written(layoutOf({ kind: 'curator', payload }), full).text)).toEqual(expected);
  });

  test('an IPv6 address stands in brackets in the URL', () => {
    const { text } = written(layoutOf({ kind: 'curator', payload: 'none' }), {
      ...full,
      address: 'fd00::2',
      family: 6,
    });

    const { parts } = JSON.parse(text).uriSpec;
    expect(parts.map(({ value }: { value: string }) => value).join(' ')).toBe('scheme ://[ address ]: port');
  });

  test('names tell whose an entry is; no id is the beginning of another', () => {
    const { isOwnName } = layoutOf({ kind: 'curator', payload: 'none' });

    expect(isOwnName(`${node}.web-1`, node)).toBe(true);
    expect(
      [`${node}1.web-1`, `${node}-x.web-1`, node, `${node}.`, `x${node}.web-1`, `${node}.a.b`].map((child) =>
        isOwnName(child, node),
      ),
    ).toEqual([false, false, false, false, false, false]);
  });
});

describe('the layout of registrator', () => {
  test('is what it writes itself', () => {
    const { place, text } = written(layoutOf({ kind: 'registrator' }), full);
    const { 'fairlead-tags': _, ...attributes } = metadata;

    expect(place.child).toBe('10.1.0.2:80');
    expect(JSON.parse(text)).toEqual({
      Name: 'web',
      IP: '10.1.0.2',
      PublicPort: 80,
      PrivatePort: 80,
      ContainerID: 'c1',
      Tags: ['v1', 'a,b'],
      Attrs: attributes,
    });
  });
});

const formats = [
  { kind: 'curator', payload: 'none' },
  { kind: 'curator', payload: 'spring' },
  { kind: 'registrator' },
] as const;

describe.each(formats)('what is read in the layout %j', (format) => {
  const layout = layoutOf(format);

  test('is the instance that was written, and tells its machine', () => {
    const { place, text } = written(layout, full);

    expect(layout.read(text, place, 'zk')).toEqual(full);
    expect(layout.writerOf(text)).toBe(node);
  });

  test.each([
    ['nothing', ''],
    ['no JSON', 'garbage'],
    ['a list', '[]'],
    ['null', 'null'],
    ['an address that is a name', '{"address":"host.example","IP":"host.example","port":80,"PublicPort":80}'],
    ['an address that is a number', '{"address":5,"IP":5}'],
    ['a port that is none', '{"address":"10.0.0.1","port":70000,"IP":"10.0.0.1","PublicPort":70000}'],
    ['metadata that is no object', '{"address":5,"fairlead":7,"payload":7,"Attrs":7,"IP":5}'],
    ['tags that are no list', nonsense({ ...metadata, 'fairlead-tags': '{' })],
  ])('is no instance where it is %s', (what, text) => {
    if (what === 'tags that are no list' && format.kind === 'registrator') return;
    expect(layout.read(text, { service: 'web', child: `${node}.web-1` }, 'zk')).toBeUndefined();
  });
});

describe.each(formats)('markings in the layout %j', (format) => {
  const layout = layoutOf(format);

  test.each([
    ['are nonsense', { service: 'web' }, { 'fairlead-node': 'n1', 'fairlead-id': '../x' }],
    ['are of another service', { service: 'harmless' }, metadata],
    ['are of another namespace', { service: 'web' }, { ...metadata, 'fairlead-namespace': 'shop' }],
  ])('that %s make a foreign instance', (_, { service }, said) => {
    const child = `${node}.web-1`;

    expect(layout.read(nonsense(said), { service, child }, 'zk')).toMatchObject({
      ...{ service, namespace: 'default', owner: { kind: 'api', node: 'outside-zk' } },
    });
  });
});

function nonsense(said: object): string {
  const address = '10.0.0.1';
  return JSON.stringify({ address, port: 80, IP: address, PublicPort: 80, fairlead: said, Attrs: said });
}

describe('what others have written', () => {
  const layout = layoutOf({ kind: 'curator', payload: 'none' });
  const place = { service: 'Web_Shop', child: 'b5a1' };
  const theirs = { name: 'Web_Shop', id: 'b5a1', address: '10.0.0.1', port: null, sslPort: 443 };

  test('is a foreign instance, with the port for TLS where there is no other', () => {
    const instance = layout.read(JSON.stringify(theirs), place, 'zk');

    expect(instance).toMatchObject({
      service: expect.stringMatching(/^web-shop-[0-9a-f]{8}$/),
      serviceName: 'Web_Shop',
      namespace: 'default',
      address: '10.0.0.1',
      port: 443,
      owner: { kind: 'api', node: 'outside-zk' },
    });
  });

  test('is foreign also where it is a copy of ours under another name', () => {
    const copy = layout.read(
      JSON.stringify({ ...theirs, fairlead: metadata }),
      { ...place, service: 'web' },
      'zk',
    );

    expect(copy?.owner).toEqual({ kind: 'api', node: 'outside-zk' });
  });

  test.each([
    ['disabled', { ...theirs, enabled: false }],
    ['out of service', { ...theirs, payload: { metadata: { instance_status: 'OUT_OF_SERVICE' } } }],
  ])('is none where it is %s', (_, said) => {
    expect(layout.read(JSON.stringify(said), place, 'zk')).toBeUndefined();
  });
});
