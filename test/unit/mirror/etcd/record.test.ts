import { describe, expect, test } from 'vitest';
import type { KeyValue, WatchEvent } from '../../../../lib/etcd/etcd.ts';
import { parseRecord, parseRecordKey, recordKey } from '../../../../lib/mirror/etcd/record.ts';
import { EtcdRecordTable } from '../../../../lib/mirror/etcd/record-table.ts';
import type { HealthCheck } from '../../../../lib/registry/health-check.ts';
import type { Instance } from '../../../../lib/registry/instance.ts';
import { containerOwner, instanceOf } from '../../../support/registry.ts';

const prefix = '/fairlead/registry';
const timing = { intervalMs: 333, timeoutMs: 166.5, rise: 1, fall: 3, initial: 'passing' } as const;

function parse(value: string, id = 'web-1') {
  return parseRecord(prefix, { key: recordKey(prefix, 'n2', id), value });
}

describe('a record', () => {
  const checks: readonly HealthCheck[] = [
    { ...timing, probe: { kind: 'http', scheme: 'https', path: '/health?x=1', port: 81, verify: true } },
    { ...timing, probe: { kind: 'tcp' }, deregisterAfterMs: 60_000 },
    { ...timing, probe: { kind: 'grpc', service: '' }, initial: 'critical' },
    { ...timing, probe: { kind: 'ttl', ttlMs: 1_500.5 } },
  ];
  const full: Partial<Instance> = {
    serviceName: 'Wéb',
    address: 'fd00::2',
    family: 6,
    portName: 'http',
    tags: ['v1', 'a,b'],
    meta: { owner: 'team a', empty: '' },
    endpoint: '/api',
    status: 'draining',
    weight: 0,
    owner: containerOwner({ containerId: 'c_1.x', host: 'c-1-x', gateways: ['fd00::1', '10.1.0.1'] }),
    createdAtMs: 1_700_000_000_000,
  };

  test.each<Partial<Instance>>([{}, full, ...checks.map((check) => ({ check }))])(
    'is read as it was written (%#)',
    (said) => {
      const instance = instanceOf(said);

      expect(parse(JSON.stringify(instance))).toEqual({ kind: 'record', record: { node: 'n2', instance } });
    },
  );

  test('of a later version is read without what nobody knows yet', () => {
    const parsed = parse(JSON.stringify({ ...instanceOf(), region: 'north' }));

    expect(parsed).toEqual({ kind: 'record', record: { node: 'n2', instance: instanceOf() } });
  });

  test('has its address in canonical text, and the family that goes with it', () => {
    const parsed = parse(JSON.stringify({ ...instanceOf(), address: 'FD00:0::0002', family: 4 }));

    expect(parsed).toMatchObject({ record: { instance: { address: 'fd00::2', family: 6 } } });
  });
});

describe('what this host would not have registered is refused, and it is said why', () => {
  const container = containerOwner();
  test.each<readonly [string, unknown, string]>([
    ['id', 'Web', 'id: expected a DNS label'],
    ['id', undefined, 'id: is required'],
    ['namespace', 'a.b', 'namespace: expected a DNS label'],
    ['service', 'x'.repeat(64), 'service: expected a DNS label'],
    ['service', '_web', 'service: expected a DNS label'],
    ['serviceName', 'a\u202eb', 'serviceName: expected a printable name'],
    ['address', '10.1.0.2/24', 'address: expected an IP address'],
    ['address', '0.0.0.0', 'address: expected an IP address'],
    ['address', 'web.example', 'address: expected an IP address'],
    ['port', 65_536, 'port: expected a whole number'],
    ['port', '80', 'port: expected a whole number'],
    ['portName', '80', 'portName: expected a label'],
    ['transport', 'icmp', 'transport: expected tcp'],
    ['weight', -1, 'weight: expected a whole number'],
    ['tags', ['a\n'], 'tags[0]: expected a printable text'],
    ['tags', Array.from({ length: 65 }, (_, at) => `t${at}`), 'tags: 65 entries'],
    ['meta', { 'a=b': 'x' }, 'meta.a=b: expected'],
    ['meta', { a: { b: 'x' } }, 'meta.a: expected'],
    ['endpoint', 'a b', 'endpoint: expected a path'],
    ['status', 'fine', 'status: expected passing'],
    ['revision', 1e300, 'revision: expected a whole number'],
    ['createdAtMs', null, 'createdAtMs: is required'],
    ['check', 'http', 'check: expected an object'],
    ['check', { ...timing, probe: { kind: 'exec', command: 'rm' } }, 'check.probe.kind: expected'],
    ['check', { ...timing, probe: { kind: 'tcp' }, intervalMs: 0 }, 'check.intervalMs: expected'],
    ['owner', undefined, 'owner: is required'],
    ['owner', { kind: 'root', node: 'n2' }, 'owner.kind: expected'],
    ['owner', { kind: 'api', node: 'a/b' }, 'owner.node: expected'],
    ['owner', { ...container, networkLabel: 'svc' }, 'owner.networkLabel: expected'],
    ['owner', { ...container, host: 'a.b' }, 'owner.host: expected'],
    ['owner', { ...container, containerId: '../x' }, 'owner.containerId: expected'],
    ['owner', { ...container, ifName: 'eth0/x' }, 'owner.ifName: expected'],
    ['owner', { ...container, gateways: ['x'] }, 'owner.gateways[0]: expected'],
  ])('%s: %j', (field, value, problem) => {
    const parsed = parse(JSON.stringify({ ...instanceOf(), [field]: value }));

    expect(parsed.kind === 'nonsense' && parsed.problem).toContain(problem);
    expect(parsed.kind === 'nonsense' && parsed.problem).toMatch(
      /^\/fairlead\/registry\/instances\/n2\/web-1: /,
    );
  });

  test.each([
    ['', 'is not JSON'],
    ['[]', 'expected an object'],
    ['null', 'expected an object'],
    [`{"id":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, ''],
    [' '.repeat(300_000), 'is longer than'],
    [JSON.stringify(instanceOf({ id: 'web-2' })), 'the id of another instance'],
  ])('a value that is no record (%#)', (value, problem) => {
    const parsed = parse(value);

    expect(parsed.kind === 'nonsense' && parsed.problem).toContain(problem);
  });

  test.each(['', '/n2', '/n2/web-1/x', '/n2//', '//web-1x'])('a key that is nobody’s: %j', (below) => {
    const key = `${prefix}/instances${below}`;

    expect(parseRecord(prefix, { key, value: JSON.stringify(instanceOf()) }).kind).toBe('nonsense');
  });

  test('a key of another prefix is nobody’s', () => {
    expect(parseRecordKey(prefix, '/fairlead/other/instances/n2/web-1')).toBeUndefined();
    expect(parseRecordKey(prefix, recordKey(prefix, 'n2', 'web-1'))).toEqual({ node: 'n2', id: 'web-1' });
  });
});

describe('the table of records', () => {
  const kv = (id: string, value = JSON.stringify(instanceOf({ id }))): KeyValue => ({
    key: recordKey(prefix, 'n2', id),
    value,
    createRevision: 1,
    modRevision: 1,
    lease: '0',
  });
  const put = (id: string, value?: string): WatchEvent => ({ kind: 'put', kv: kv(id, value) });
  const gone = (id: string): WatchEvent => ({
    kind: 'delete',
    key: recordKey(prefix, 'n2', id),
    modRevision: 1,
  });
  const whole = (...kvs: readonly KeyValue[]) => ({ kind: 'whole', revision: 1, kvs }) as const;
  const changes = (...events: readonly WatchEvent[]) => ({ kind: 'changes', revision: 1, events }) as const;
  const inShort = (table: EtcdRecordTable, step: Parameters<EtcdRecordTable['follow']>[0]) => {
    const { put: added, removed, problems } = table.follow(step);
    return [added.map(({ instance }) => instance.id), removed.map(({ id }) => id), problems.length];
  };
  const known = (table: EtcdRecordTable) => table.records().map(({ instance }) => instance.id);

  test('tells of a whole only what differs from what it had', () => {
    const table = new EtcdRecordTable(prefix);
    const first = inShort(table, whole(kv('a'), kv('b')));
    const second = inShort(table, whole(kv('b'), kv('c')));

    expect([first, second, known(table)]).toEqual([
      [['a', 'b'], [], 0],
      [['c'], ['a'], 0],
      ['b', 'c'],
    ]);
  });

  test('takes of several events of one key the last', () => {
    const table = new EtcdRecordTable(prefix);
    table.follow(whole(kv('a')));

    expect(
      inShort(table, changes(put('c', '?'), put('c'), gone('a'), put('a'), put('b'), gone('b'))),
    ).toEqual([['c'], [], 0]);
    expect(known(table)).toEqual(['a', 'c']);
  });

  test('takes a record that becomes nonsense for gone, and tells of it once', () => {
    const table = new EtcdRecordTable(prefix);
    table.follow(whole(kv('a')));

    expect(inShort(table, changes(put('a', '?')))).toEqual([[], ['a'], 1]);
    expect(inShort(table, whole(kv('a', '?')))).toEqual([[], [], 0]);
    expect(inShort(table, changes(put('a')))).toEqual([['a'], [], 0]);
  });

  test('gives the same object for what has not changed', () => {
    const table = new EtcdRecordTable(prefix);
    table.follow(whole(kv('a')));
    const [before] = table.records();
    table.follow(whole(kv('a'), kv('b')));

    expect(table.records()[0]).toBe(before);
  });
});
