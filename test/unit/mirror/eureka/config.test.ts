import { expect, test } from 'vitest';
import { Fields } from '../../../../lib/cni/fields.ts';
import { parseEurekaConfig } from '../../../../lib/mirror/eureka/config.ts';

const endpoints = ['http://192.0.2.1:8761'];

test('an endpoint is enough', () => {
  expect(parse({ endpoints })).toEqual({
    http: { endpoints, tls: undefined, timeoutMs: 5_000 },
    ...{ user: undefined, path: '/eureka', ttlMs: 30_000, pollMs: 1_000 },
  });
});

test('everything may be said', () => {
  const said = {
    path: '/eureka/v2/',
    ttl: '1m',
    poll: '5s',
    user: { name: 'a', passwordFile: '/etc/secret' },
  };

  expect(parse({ endpoints, ...said })).toMatchObject({
    ...{ path: '/eureka/v2', ttlMs: 60_000, pollMs: 5_000 },
    user: { name: 'a', password: { file: '/etc/secret' } },
  });
});

test.each([
  [{}, 'm.endpoints: is required and missing'],
  [{ ttl: '5s' }, 'm.ttl: expected a duration from 6s to 1h, found "5s"'],
  [{ ttl: 30 }, 'm.ttl: expected a string, found 30'],
  [{ poll: '10ms' }, 'm.poll: expected a duration from 100ms to 5m, found "10ms"'],
  [{ path: 'eureka' }, 'm.path: expected a path such as /eureka or /eureka/v2, found "eureka"'],
  [{ path: '/a/../b' }, 'm.path: expected a path such as /eureka or /eureka/v2, found "/a/../b"'],
  [{ path: '/a?b' }, 'm.path: expected a path such as /eureka or /eureka/v2, found "/a?b"'],
  [{ user: { name: 'a:b', password: 'c' } }, 'm.user.name: expected printable characters without ":"'],
  [{ user: { name: 'a' } }, 'm.user.password: is required and missing'],
  [{ user: { password: 'a' } }, 'm.user.name: is required and missing'],
  [{ user: { name: 'a', password: 'b', passwordFile: '/c' } }, 'either password or passwordFile'],
  [{ user: { name: 'a', pass: 'b' } }, 'm.user.pass: there is no such field'],
])('%j is refused: %s', (said, message) => {
  const config = Object.keys(said).length === 0 ? {} : { endpoints, ...said };

  expect(() => parse(config)).toThrow(message);
});

function parse(config: object) {
  return parseEurekaConfig(new Fields(config, 'm'));
}
