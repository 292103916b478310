import { describe, expect, test } from 'vitest';
import { Fields } from '../../../../lib/cni/fields.ts';
import { parseZooKeeperConfig } from '../../../../lib/mirror/zookeeper/config.ts';

function parse(said: object) {
  return parseZooKeeperConfig(new Fields({ servers: ['10.0.0.1'], ...said }, 'mirrors[0]'));
}

describe('the configuration', () => {
  test('needs servers alone', () => {
    expect(parse({})).toEqual({
      servers: [{ host: '10.0.0.1', port: 2181 }],
      base: '/services',
      format: { kind: 'curator', payload: 'none' },
      auth: undefined,
      access: 'open',
      tls: undefined,
      ttlMs: 30_000,
      timeoutMs: 5_000,
    });
  });

  test('takes what is said', () => {
    const said = {
      servers: ['zk-1.example:2281', '[fd00::1]:2181'],
      base: '/a/b',
      format: 'registrator',
      auth: { user: 'fairlead', passwordFile: '/etc/password' },
      tls: { ca: '/etc/ca.pem' },
      ttl: '10s',
      timeout: '500ms',
    };

    expect(parse(said)).toEqual({
      servers: [
        { host: 'zk-1.example', port: 2281 },
        { host: 'fd00::1', port: 2181 },
      ],
      base: '/a/b',
      format: { kind: 'registrator' },
      auth: { user: 'fairlead', password: { file: '/etc/password' } },
      access: 'protected',
      tls: { ca: '/etc/ca.pem' },
      ttlMs: 10_000,
      timeoutMs: 500,
    });
  });

  test.each([
    [{ servers: [] }, 'mirrors[0].servers: expected one server at least, found []'],
    [{ servers: ['http://a:1'] }, 'mirrors[0].servers[0]: expected a host and a port'],
    [{ servers: ['a:0'] }, 'mirrors[0].servers[0]: expected a host and a port'],
    [{ base: 'services' }, 'mirrors[0].base: expected a path such as /services'],
    [{ base: '/' }, 'mirrors[0].base: expected a path such as /services'],
    [{ base: '/a/../b' }, 'mirrors[0].base: expected a path such as /services'],
    [{ base: '/zookeeper/config' }, 'mirrors[0].base: expected a path such as /services'],
    [{ format: 'json' }, 'mirrors[0].format: expected "curator" or "registrator"'],
    [{ format: 'registrator', payload: 'spring' }, 'mirrors[0].payload: expected none but with format'],
    [{ access: 'private' }, 'mirrors[0].access: expected "open" where there is no auth'],
    [{ auth: { user: 'a:b', password: 'p' } }, 'mirrors[0].auth.user: expected a name without ":"'],
    [{ auth: { user: 'a' } }, 'mirrors[0].auth.password: is required and missing'],
    [{ ttl: '500ms' }, 'mirrors[0].ttl: expected a duration from 1s to 1h'],
    [{ timeout: '1h' }, 'mirrors[0].timeout: expected a duration from 100ms to 1m'],
  ])('%j is refused', (said, message) => {
    expect(() => parse(said)).toThrow(message);
  });
});
