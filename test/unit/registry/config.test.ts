import { describe, expect, test } from 'vitest';
import { parseRegistryConfig, parseWithdrawal } from '../../../lib/registry/config.ts';
import { toCall } from '../../support/calls.ts';

/** The configuration as it would come on stdin, so that `__proto__` is a field like others. */
function parse(registry: string) {
  return parseRegistryConfig(toCall(JSON.parse(`{"registry":${registry}}`)).conf);
}

const defaults = {
  store: '/var/lib/fairlead/registry.db',
  policy: 'best-effort',
  dns: false,
  zone: 'fairlead.internal',
  mirrors: { file: '/etc/fairlead/mirrors.json', timeoutMs: 2_000 },
  declaration: {},
};

test.each(['null', 'true', '{}'])('registry: %s means all the defaults', (registry) => {
  expect(parse(registry)).toMatchObject(defaults);
});

test('so does a configuration without it', () => {
  expect(parseRegistryConfig(toCall({}).conf)).toMatchObject(defaults);
});

test('registry: false means no registry', () => {
  expect(parse('false')).toBeUndefined();
});

test('every field is taken', () => {
  const block = {
    store: '/run/fairlead/r.db',
    policy: 'required',
    dns: true,
    zone: 'Cluster.Local.',
    mirrors: '/etc/m.json',
    mirrorTimeout: '1m',
    service: 'Shop',
    namespace: 'eu',
    ports: [
      { name: 'http', port: 80 },
      { port: 53, protocol: 'UDP' },
    ],
    tags: ['v1', 'a b'],
    meta: { owner: 'team a', 'a.b/c-d_e': '', constructor: 'x' },
    weight: 0,
    check: { tcp: true },
  };

  expect(parse(JSON.stringify(block))).toEqual({
    store: '/run/fairlead/r.db',
    policy: 'required',
    dns: true,
    zone: 'cluster.local',
    mirrors: { file: '/etc/m.json', timeoutMs: 60_000 },
    declaration: {
      service: 'Shop',
      namespace: 'eu',
      ports: [
        { name: 'http', port: 80, transport: 'tcp' },
        { name: '', port: 53, transport: 'udp' },
      ],
      tags: ['v1', 'a b'],
      meta: { owner: 'team a', 'a.b/c-d_e': '', constructor: 'x' },
      weight: 0,
      check: expect.objectContaining({ probe: { kind: 'tcp' } }),
    },
  });
});

test('mirrors: false means no heed of outside registries', () => {
  expect(parse('{"mirrors":false}')?.mirrors).toBeUndefined();
});

test.each([
  [
    '{"store":"/r.db","mirrors":"/m.json"}',
    { store: '/r.db', mirrors: { file: '/m.json', timeoutMs: 2_000 } },
  ],
  ['{"store":"here","mirrors":7,"weight":-1}', { store: defaults.store, mirrors: defaults.mirrors }],
  ['{"mirrors":false}', { store: defaults.store, mirrors: undefined }],
  ['[]', { store: defaults.store, mirrors: defaults.mirrors }],
  ['false', undefined],
])('a DEL takes of %s what is right', (registry, expected) => {
  expect(parseWithdrawal(toCall(JSON.parse(`{"registry":${registry}}`)).conf)).toEqual(expected);
});

describe('what is refused, with code 7 and the name of the field', () => {
  test.each([
    ['"no"', 'registry: expected an object'],
    ['[]', 'registry: expected an object'],
    ['{"store":"registry.db"}', 'registry.store: expected an absolute path'],
    ['{"mirrors":"mirrors.json"}', 'registry.mirrors: expected an absolute path, or false'],
    ['{"mirrors":true}', 'registry.mirrors: expected a string'],
    [
      '{"mirrorTimeout":"99ms"}',
      'registry.mirrorTimeout: expected a duration from 100ms to 1m, found "99ms"',
    ],
    ['{"mirrors":false,"mirrorTimeout":"61s"}', 'registry.mirrorTimeout:'],
    ['{"store":"/var/../etc/passwd"}', 'registry.store:'],
    ['{"store":"/var/lib/"}', 'registry.store:'],
    ['{"store":"/var/a b"}', 'registry.store:'],
    ['{"store":"/var/a\\u0000b"}', 'registry.store:'],
    ['{"store":"file:/tmp/a"}', 'registry.store:'],
    ['{"store":5}', 'registry.store: expected a string'],
    ['{"policy":"sometimes"}', 'registry.policy: expected "best-effort" or "required"'],
    ['{"dns":"yes"}', 'registry.dns: expected true or false'],
    ['{"zone":"a..b"}', 'registry.zone: expected a domain'],
    ['{"zone":"."}', 'registry.zone:'],
    ['{"zone":"a_b"}', 'registry.zone:'],
    [`{"zone":"${'a.'.repeat(101)}b"}`, 'registry.zone:'],
    [`{"zone":"${'a'.repeat(64)}"}`, 'registry.zone:'],
    ['{"service":"a b"}', 'registry.service: expected a printable name'],
    ['{"service":"a/b"}', 'registry.service:'],
    ['{"service":"a\\\\b"}', 'registry.service:'],
    ['{"service":"a\\"b"}', 'registry.service:'],
    ['{"service":"a`b"}', 'registry.service:'],
    ['{"service":"a\\u001bb"}', 'registry.service:'],
    ['{"service":"a\\u202eb"}', 'registry.service:'],
    [`{"service":"${'a'.repeat(256)}"}`, 'registry.service:'],
    ['{"namespace":"Shop"}', 'registry.namespace: expected lower case letters'],
    ['{"namespace":"a.b"}', 'registry.namespace:'],
    ['{"ports":{}}', 'registry.ports: expected a list'],
    ['{"ports":[80]}', 'registry.ports[0]: expected an object'],
    ['{"ports":[{"port":80},{}]}', 'registry.ports[1].port: is required and missing'],
    ['{"ports":[{"port":0}]}', 'registry.ports[0].port: expected a whole number from 1 to 65535'],
    ['{"ports":[{"port":80.5}]}', 'registry.ports[0].port:'],
    ['{"ports":[{"port":80,"protocol":"icmp"}]}', 'registry.ports[0].protocol: expected tcp, udp, sctp'],
    ['{"ports":[{"port":80,"name":"80"}]}', 'registry.ports[0].name:'],
    ['{"ports":[{"port":80,"name":"a_b"}]}', 'registry.ports[0].name:'],
    ['{"tags":"v1"}', 'registry.tags: expected a list'],
    ['{"tags":["a",""]}', 'registry.tags[1]: expected a printable text'],
    ['{"tags":["a\\nb"]}', 'registry.tags[0]:'],
    [`{"tags":["${'a'.repeat(256)}"]}`, 'registry.tags[0]:'],
    ['{"meta":["a"]}', 'registry.meta: expected an object'],
    ['{"meta":{"a":5}}', 'registry.meta.a: expected a name'],
    ['{"meta":{"a":"\\u0007"}}', 'registry.meta.a:'],
    ['{"meta":{"a b":"c"}}', 'registry.meta.a b:'],
    ['{"meta":{"__proto__":"c"}}', 'registry.meta.__proto__:'],
    ['{"meta":{"__proto__":{"store":"/x"}}}', 'registry.meta.__proto__:'],
    [`{"meta":{"${'k'.repeat(129)}":""}}`, 'registry.meta.k'],
    ['{"meta":{"a\\u001b":"c"}}', 'registry.meta.?:'],
    [
      `{"tags":${JSON.stringify(Array.from({ length: 65 }, (_, at) => `t${at}`))}}`,
      'registry.tags: 65 entries',
    ],
    ['{"weight":-1}', 'registry.weight: expected a whole number from 0 to 65535'],
    ['{"weight":65536}', 'registry.weight:'],
    ['{"check":true}', 'registry.check: expected an object'],
    ['{"check":{}}', 'registry.check: expected exactly one of'],
  ])('%s', (registry, message) => {
    expect(() => parse(registry)).toThrow(
      expect.objectContaining({ code: 7, message: expect.stringContaining(message) }),
    );
  });

  test('more metadata than 64 entries', () => {
    const meta = (count: number) =>
      JSON.stringify({ meta: Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, ''])) });

    expect(parse(meta(64))?.declaration.meta).toBeDefined();
    expect(() => parse(meta(65))).toThrow('registry.meta: 65 entries, and 64 are allowed');
  });
});
