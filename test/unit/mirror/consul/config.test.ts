import { expect, test } from 'vitest';
import { Fields } from '../../../../lib/cni/fields.ts';
import { parseConsulConfig } from '../../../../lib/mirror/consul/config.ts';

const parse = (config: object) => parseConsulConfig(new Fields(config, 'mirrors[0]'));

test("without any field it is this host's own agent", () => {
  expect(parse({})).toEqual({
    http: { endpoints: ['http://127.0.0.1:8500'], tls: undefined, timeoutMs: 5_000 },
    token: undefined,
    datacenter: undefined,
    ttlMs: 30_000,
    deregisterAfterMs: 3_600_000,
  });
});

test('every field is read', () => {
  const config = { tokenFile: '/t', datacenter: 'dc2', ttl: '3s', deregisterAfter: 'never' };

  expect(parse(config)).toMatchObject({
    token: { file: '/t' },
    datacenter: 'dc2',
    ttlMs: 3_000,
    deregisterAfterMs: 'never',
  });
});

test.each([
  [{ ttl: '2s' }, 'mirrors[0].ttl: expected a duration from 3s to 1h, found "2s"'],
  [
    { deregisterAfter: '59s' },
    'mirrors[0].deregisterAfter: expected a duration from 1m to 720h, or "never", found "59s"',
  ],
  [{ datacenter: 'a b' }, 'mirrors[0].datacenter: expected letters, digits, "-" and "_", found "a b"'],
  [{ token: 'a', tokenFile: '/t' }, 'mirrors[0]: expected either token or tokenFile, found "both"'],
])('%j is refused', (config, message) => {
  expect(() => parse(config)).toThrow(message);
});
