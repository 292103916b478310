import { expect, test } from 'vitest';
import { Fields } from '../../../../lib/cni/fields.ts';
import { nacosFields, parseNacosConfig } from '../../../../lib/mirror/nacos/config.ts';

const endpoints = ['http://127.0.0.1:8848'];

function parse(said: object) {
  return parseNacosConfig(new Fields({ endpoints, ...said }, 'mirrors[0]'));
}

test('endpoints alone are a configuration', () => {
  expect(parse({})).toEqual({
    http: { endpoints, tls: undefined, timeoutMs: 5_000 },
    user: undefined,
    api: 'v3',
    path: '/nacos',
    namespaceId: 'public',
    group: 'DEFAULT_GROUP',
    cluster: 'DEFAULT',
    ttlMs: 30_000,
    pollMs: 1_000,
  });
});

test('everything can be said', () => {
  const said = {
    ...{ api: 'v1', path: '/', namespaceId: 'a1-b2', group: 'g.1:x', cluster: 'zone-a' },
    ...{ ttl: '1m', poll: '500ms', user: { name: 'fairlead', passwordFile: '/etc/fairlead/nacos' } },
  };

  expect(Object.keys(said).every((name) => (nacosFields as readonly string[]).includes(name))).toBe(true);
  expect(parse(said)).toMatchObject({
    ...{ api: 'v1', path: '', namespaceId: 'a1-b2', group: 'g.1:x', cluster: 'zone-a' },
    ...{ ttlMs: 60_000, pollMs: 500 },
    user: { name: 'fairlead', password: { file: '/etc/fairlead/nacos' } },
  });
});

test.each([
  [{ api: 'v2' }, 'mirrors[0].api: expected "v1" (Nacos 1.3 to 2.x) or "v3" (Nacos 3.x), found "v2"'],
  [{ ttl: '4s' }, 'mirrors[0].ttl: expected a duration from 5s to 1h, found "4s"'],
  [{ poll: 'often' }, 'mirrors[0].poll: expected a duration from 100ms to 5m, found "often"'],
  [{ group: 'a@@b' }, 'mirrors[0].group: expected letters, digits, "_", ".", ":" and "-", found "a@@b"'],
  [{ cluster: 'a_b' }, 'mirrors[0].cluster: expected letters, digits and "-", found "a_b"'],
  [{ namespaceId: 'a b' }, 'mirrors[0].namespaceId: expected letters, digits, "_" and "-", found "a b"'],
  [{ path: '/a/../b' }, 'mirrors[0].path: expected a path such as /nacos, found "/a/../b"'],
  [{ user: { name: 'x' } }, 'mirrors[0].user.password: is required and missing'],
  [{ user: { password: 'x' } }, 'mirrors[0].user.name: is required and missing'],
])('%j is refused', (said, because) => {
  expect(() => parse(said)).toThrow(because);
});
