import { describe, expect, test } from 'vitest';
import { Fields } from '../../../lib/cni/fields.ts';
import { parseDuration } from '../../../lib/registry/duration.ts';
import { defaultTiming, parseHealthCheck } from '../../../lib/registry/health-check.ts';

describe('parseDuration', () => {
  test.each([
    ['500ms', 500],
    ['10s', 10_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['2h0m1s', 7_201_000],
    ['0s', 0],
  ])('reads %s as %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(['', '10', 's', '10 s', '-5s', '10d', '1h30', 'x10s', '10sx', '1e3s', '.5s', '1..5s'])(
    'refuses %j',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );
});

const parse = (check: object) => parseHealthCheck(new Fields(check, 'registry.check'));

describe('parseHealthCheck', () => {
  test.each([
    [{ http: '/health' }, { kind: 'http', scheme: 'http', path: '/health' }],
    [
      { http: '/', port: 8081 },
      { kind: 'http', scheme: 'http', path: '/', port: 8081 },
    ],
    [
      { https: '/h?a=b', verify: true },
      { kind: 'http', scheme: 'https', path: '/h?a=b', verify: true },
    ],
    [{ tcp: true }, { kind: 'tcp' }],
    [
      { tcp: true, port: 22 },
      { kind: 'tcp', port: 22 },
    ],
    [{ grpc: '' }, { kind: 'grpc', service: '' }],
    [{ grpc: 'my.v1.Users' }, { kind: 'grpc', service: 'my.v1.Users' }],
    [{ ttl: '30s' }, { kind: 'ttl', ttlMs: 30_000 }],
  ])('reads the kind of %j', (check, probe) => {
    expect(parse(check)).toEqual({ probe, ...defaultTiming });
  });

  test('reads when a check is made, and how many results change the status', () => {
    const timing = { interval: '2s', timeout: '500ms', rise: 2, fall: 5, initialStatus: 'critical' };

    expect(parse({ tcp: true, ...timing, deregisterAfter: '10m' })).toEqual({
      probe: { kind: 'tcp' },
      intervalMs: 2_000,
      timeoutMs: 500,
      rise: 2,
      fall: 5,
      initial: 'critical',
      deregisterAfterMs: 600_000,
    });
  });

  test('waits half an interval at most where no time limit is given', () => {
    expect(parse({ tcp: true, interval: '1s' })).toMatchObject({ intervalMs: 1_000, timeoutMs: 500 });
    expect(parse({ tcp: true, interval: '20s' })).toMatchObject({ intervalMs: 20_000, timeoutMs: 5_000 });
  });

  test.each([
    [{}, 'registry.check: expected exactly one of http, https, tcp, grpc and ttl'],
    [{ tcp: false }, 'registry.check: expected exactly one of'],
    [{ http: '/', tcp: true }, 'found "http and tcp"'],
    [{ http: 'health' }, 'registry.check.http: expected a path such as /health'],
    [{ http: true }, 'registry.check.http: expected a string'],
    [{ http: '/a b' }, 'registry.check.http:'],
    [{ http: '/a\r\nHost: x' }, 'registry.check.http:'],
    [{ https: `/${'a'.repeat(2048)}` }, 'registry.check.https:'],
    [{ https: '/', verify: 'yes' }, 'registry.check.verify: expected true or false'],
    [{ tcp: 'yes' }, 'registry.check.tcp: expected true or false'],
    [{ tcp: true, port: 0 }, 'registry.check.port: expected a whole number from 1 to 65535'],
    [{ tcp: true, port: 65_536 }, 'registry.check.port:'],
    [{ grpc: 'a b' }, 'registry.check.grpc: expected a gRPC service'],
    [{ ttl: 30 }, 'registry.check.ttl: expected a string'],
    [{ ttl: 'soon' }, 'registry.check.ttl: expected a duration'],
    [{ ttl: '' }, 'registry.check.ttl: is required and missing'],
    [{ tcp: true, interval: '0s' }, 'registry.check.interval: expected a duration from 100ms to 24h'],
    [{ tcp: true, interval: '25h' }, 'registry.check.interval:'],
    [{ tcp: true, timeout: '10' }, 'registry.check.timeout:'],
    [{ tcp: true, rise: 0 }, 'registry.check.rise: expected a whole number from 1 to 100'],
    [{ tcp: true, fall: 1.5 }, 'registry.check.fall:'],
    [
      { tcp: true, initialStatus: 'draining' },
      'registry.check.initialStatus: expected "passing" or "critical"',
    ],
    [{ tcp: true, deregisterAfter: '10ms' }, 'registry.check.deregisterAfter:'],
  ])('refuses %j with code 7, naming the field', (check, message) => {
    expect(() => parse(check)).toThrow(
      expect.objectContaining({ code: 7, message: expect.stringContaining(message) }),
    );
  });
});
