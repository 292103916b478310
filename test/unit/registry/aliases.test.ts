import { describe, expect, test } from 'vitest';
import { parseResult } from '../../../lib/cni/result-parse.ts';
import { parseAliases } from '../../../lib/registry/aliases.ts';
import type { Declaration } from '../../../lib/registry/declaration.ts';
import { defaultTiming } from '../../../lib/registry/health-check.ts';
import { planInstances } from '../../../lib/registry/plan.ts';
import { toCall } from '../../support/calls.ts';
import { callOf, createFixture, ip, ip6, key, withResult } from './fixture.ts';

const withAliases = (aliases: unknown) => ({ runtimeConfig: { aliases } });
const parse = (aliases: unknown, conf: object = {}) =>
  parseAliases(toCall({ ...withAliases(aliases), ...conf }).conf);

describe("the runtime's aliases", () => {
  test.each<[string, unknown, readonly string[]]>([
    ['a list, as the conventions have it', ['db', 'primary-db'], ['db', 'primary-db']],
    ['lists by network, as podman sends it', { other: ['x'], net: ['db', 'web_1'] }, ['db', 'web_1']],
    ['lists of other networks only', { other: ['x'] }, []],
    ['a network without a list', { net: null }, []],
    ['a network that differs in capitals', { NET: ['x'] }, []],
    ["other networks' names that are none", { other: [''], net: ['db'] }, ['db']],
    ['nothing', undefined, []],
    ['null', null, []],
    ['an empty list', [], []],
    ['the same name again, in capitals, too', ['db', 'db', 'DB'], ['DB']],
  ])('may be %s', (_, aliases, expected) => {
    expect(parse(aliases)).toEqual(expected);
  });

  test('are not needed: a configuration without a runtimeConfig has none', () => {
    expect(parseAliases(toCall({}).conf)).toEqual([]);
    expect(parseAliases(toCall({ runtimeConfig: null }).conf)).toEqual([]);
  });

  test.each<[string, unknown, string]>([
    ['no text', ['db', 7], 'runtimeConfig.aliases[1]: expected a printable name'],
    ['empty', [''], 'runtimeConfig.aliases[0]'],
    ['of two lines', ['a\nb'], 'runtimeConfig.aliases[0]'],
    ['of two words', ['a b'], 'runtimeConfig.aliases[0]'],
    ['a path', ['../a'], 'runtimeConfig.aliases[0]'],
    ['without a letter or digit', ['*'], 'runtimeConfig.aliases[0]'],
    ['too long', ['a'.repeat(256)], 'runtimeConfig.aliases[0]'],
    ["podman's, in the network's list", { net: ['db', 'a b'] }, 'runtimeConfig.aliases.net[1]'],
  ])('are refused where one is %s, with its path', (_, aliases, message) => {
    expect(() => parse(aliases)).toThrow(message);
  });

  test.each([['db'], [7], [{ net: 'db' }]])('are refused where they are no list (%j)', (aliases) => {
    expect(() => parse(aliases)).toThrow('runtimeConfig.aliases');
  });

  test('are 32 at most, each counted once', () => {
    const many = Array.from({ length: 32 }, (_, index) => `a${index}`);

    expect(parse([...many, 'A0'])).toHaveLength(32);
    expect(() => parse([...many, 'b'])).toThrow('runtimeConfig.aliases: 33 names, and 32 are allowed');
  });
});

const attachment = { node: 'n1', network: 'net', containerId: 'c1', ifName: 'eth0' };
const result = parseResult({ cniVersion: '1.1.0', ips: [ip, ip6] }, 'result', '1.1.0');
const plan = (declaration: Declaration, containerId = 'c1') =>
  planInstances({ ...attachment, containerId }, declaration, result);
const servicesOf = (...said: Parameters<typeof plan>) => plan(...said).map(({ serviceName }) => serviceName);

describe('an alias', () => {
  test('is a service of its own, with the same ports at the same addresses', () => {
    const ports = [{ name: 'http', port: 80, transport: 'tcp' }] as const;

    const planned = plan({ service: 'web', namespace: 'shop', aliases: ['www'], ports, tags: ['v1'] });

    expect(planned).toMatchObject([
      { serviceName: 'web', address: '10.1.0.2', port: 80 },
      { serviceName: 'web', address: 'fd00::2', port: 80 },
      {
        serviceName: 'www',
        namespace: 'shop',
        address: '10.1.0.2',
        port: 80,
        portName: 'http',
        tags: ['v1'],
      },
      { serviceName: 'www', namespace: 'shop', address: 'fd00::2', port: 80, portName: 'http', tags: ['v1'] },
    ]);
    expect(new Set(planned.map(({ id }) => id)).size).toBe(4);
  });

  test('is added to the services that labels name for single ports, and not to ports that are ignored', () => {
    const perPort = { 80: { service: 'web' }, 443: { ignore: true } };

    expect(servicesOf({ aliases: ['www'], perPort })).toEqual(['web', 'web', 'www', 'www']);
  });

  test.each<[string, Declaration, string]>([
    ["the service's name", { service: 'web', aliases: ['WEB'] }, 'c1'],
    [
      "the container's id, as podman gives it",
      { service: 'web', aliases: ['0123456789ab'] },
      '0123456789ab'.repeat(5),
    ],
    ['the id of a container that is known by nothing else', { aliases: ['c1'] }, 'c1'],
  ])('that is %s adds nothing', (_, declaration, containerId) => {
    expect(servicesOf(declaration, containerId)).toHaveLength(2);
  });

  test('is checked as the service is, but for reports that only the first name gets', () => {
    const checkOf = (check: Declaration['check'] & {}) =>
      plan({ service: 'web', aliases: ['www'], check })
        .filter(({ serviceName }) => serviceName === 'www')
        .map((instance) => [instance.check, instance.status]);
    const [tcp, ttl] = [
      { ...defaultTiming, initial: 'critical', probe: { kind: 'tcp' } },
      { ...defaultTiming, initial: 'critical', probe: { kind: 'ttl', ttlMs: 1_000 } },
    ] as const;

    expect(checkOf(tcp)).toEqual([
      [tcp, 'critical'],
      [tcp, 'critical'],
    ]);
    expect(checkOf(ttl)).toEqual([
      [undefined, 'passing'],
      [undefined, 'passing'],
    ]);
  });
});

describe('a container with aliases', () => {
  const conf = { registry: { service: 'web' }, ...withAliases(['www', 'Web_Site']), ...withResult(ip) };
  const registered = ({ store }: ReturnType<typeof createFixture>) =>
    store.ofAttachment(key).map(({ service, revision }) => [service, revision - store.revision()]);

  test('is registered and withdrawn under all its names in one step each', () => {
    using fixture = createFixture();
    fixture.plugin.add(callOf(conf));
    const during = registered(fixture);
    const [before, { store }] = [fixture.store.revision(), fixture];
    fixture.plugin.del(callOf(conf));

    expect(during).toEqual([
      ['web', 0],
      ['www', 0],
      ['web-site', 0],
    ]);
    expect([store.instances(), store.revision()]).toEqual([[], before + 1]);
  });

  test.each([
    ['is given them, too', withAliases(['www', 'Web_Site'])],
    ['is given none', {}],
  ])('keeps each name once where a chained register %s', (_, runtime) => {
    using fixture = createFixture({ completes: true });
    fixture.plugin.add(callOf(conf));
    fixture.plugin.add(callOf({ registry: { tags: ['v1'] }, ...runtime, ...withResult(ip) }));

    expect(fixture.store.ofAttachment(key)).toMatchObject([
      { service: 'web', tags: ['v1'] },
      { service: 'www', tags: ['v1'] },
      { service: 'web-site', tags: ['v1'] },
    ]);
  });

  test('is refused before anything is attached where one is no name', () => {
    using fixture = createFixture();

    expect(() => fixture.plugin.add(callOf({ ...conf, ...withAliases(['a b']) }))).toThrow(
      'runtimeConfig.aliases[0]',
    );
    expect(fixture.calls).toEqual([]);
  });

  test('can be deleted whatever the runtime says of aliases then', () => {
    using fixture = createFixture();
    fixture.plugin.add(callOf(conf));
    fixture.plugin.del(callOf({ ...conf, ...withAliases(['a b']) }));

    expect(fixture.store.instances()).toEqual([]);
  });

  test('shares an alias with others: it leads to each of them', () => {
    using fixture = createFixture();
    const other = { ...conf, ...withResult({ address: '10.1.0.9/24' }), registry: {} };
    fixture.plugin.add(callOf(conf));
    fixture.plugin.add({ ...callOf(other), attachment: { ...callOf(other).attachment, containerId: 'c2' } });

    const named = fixture.store.instances().filter(({ service }) => service === 'www');
    expect(named.map(({ address }) => address)).toEqual(['10.1.0.2', '10.1.0.9']);
  });
});
