import { describe, expect, test } from 'vitest';
import type { KeyValue, WatchEvent } from '../../../lib/etcd/etcd.ts';
import {
  emptyTable,
  type LeaseTable,
  subnetsByName,
  tableOf,
  updateTable,
} from '../../../lib/overlay/lease/table.ts';
import { renderLease } from '../../../lib/overlay/lease/text.ts';
import { cidr, lease } from '../../support/overlay-planes.ts';
import { Random } from '../../support/random.ts';

const prefix = '/coreos.com/network';
const config = '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan"}}';

const kv = (below: string, value: string, changes: Partial<KeyValue> = {}): KeyValue => ({
  key: `${prefix}/${below}`,
  value,
  createRevision: 3,
  modRevision: 4,
  lease: '77',
  ...changes,
});

const leaseKv = (host: number, changes: Partial<KeyValue> = {}) => {
  const { name, value } = renderLease(lease(host));
  return kv(`subnets/${name}`, value, changes);
};

const put = (of: KeyValue): WatchEvent => ({ kind: 'put', kv: of });
const gone = ({ key }: KeyValue): WatchEvent => ({ kind: 'delete', key, modRevision: 9 });
const change = (table: LeaseTable, ...events: readonly WatchEvent[]) =>
  updateTable(table, { kind: 'changes', revision: 9, events }, prefix);

test('all that is below the prefix, with how it stands in etcd', () => {
  const table = tableOf([kv('config', config), leaseKv(2), leaseKv(3, { lease: '0' })], prefix);

  expect(table.config).toMatchObject({ backend: { vni: 1 } });
  expect([...table.leases.keys()]).toEqual(['10.5.2.0-24', '10.5.3.0-24']);
  expect(table.leases.get('10.5.2.0-24')).toMatchObject({
    createRevision: 3,
    modRevision: 4,
    etcdLease: '77',
  });
  expect(table.leases.get('10.5.3.0-24')).toMatchObject({ etcdLease: undefined });
  expect(table.problems.size).toBe(0);
});

test('keys of others beside and below are passed over', () => {
  const others = [
    kv('configs', '{}'),
    kv('', '{}'),
    kv('subnet', '{}'),
    kv('x', '', { key: `${prefix}2/config` }),
  ];

  expect(tableOf(others, prefix)).toEqual(emptyTable);
});

test('what is not understood is a problem, and its subnet is taken all the same', () => {
  const nonsense = [kv('subnets/10.5.9.7-24', 'nonsense'), kv('subnets/', '{}'), kv('subnets/a/b', '{}')];

  const table = tableOf(nonsense, prefix);

  expect(table.problems.get('10.5.9.7-24')).toMatchObject({
    createRevision: 3,
    modRevision: 4,
    etcdLease: '77',
  });
  expect([...table.problems.keys()]).toEqual(['10.5.9.7-24', '', 'a/b']);
  expect(subnetsByName(table)).toEqual(new Map([['10.5.9.7-24', { 4: cidr('10.5.9.7/24') }]]));
});

test('a reservation is no lease yet, and no problem', () => {
  const table = tableOf([kv('subnets/10.5.9.0-24', '{"PublicIP":"192.0.2.9"}')], prefix);

  expect([...table.reservations.keys()]).toEqual(['10.5.9.0-24']);
  expect(table.leases.size + table.problems.size).toBe(0);
});

describe('a key', () => {
  test('that comes is added, and the table before is as it was', () => {
    const before = tableOf([leaseKv(2)], prefix);

    const after = change(before, put(leaseKv(3)));

    expect([...after.leases.keys()]).toEqual(['10.5.2.0-24', '10.5.3.0-24']);
    expect([...before.leases.keys()]).toEqual(['10.5.2.0-24']);
  });

  test('that goes is removed, be it a lease, a problem or the configuration', () => {
    const kvs = [kv('config', config), leaseKv(2), kv('subnets/nonsense', '')];

    expect(change(tableOf(kvs, prefix), ...kvs.map(gone))).toEqual(emptyTable);
  });

  test('that is damaged is a lease no more, and is one again when it is mended', () => {
    const damaged = change(tableOf([leaseKv(2)], prefix), put(leaseKv(2, { value: 'nonsense' })));
    const mended = change(damaged, put(leaseKv(2)));

    expect([damaged.leases.size, damaged.problems.size]).toEqual([0, 1]);
    expect([mended.leases.size, mended.problems.size]).toEqual([1, 0]);
  });
});

test('a configuration that is not understood is told as such', () => {
  const table = tableOf([kv('config', '{"Network":"10.5.0.0/16"}')], prefix);

  expect(table.config).toEqual({ problem: `${prefix}/config: Backend: is required and missing` });
});

test('a cluster that is away leaves the table as it is, and one that is back replaces it', () => {
  const table = tableOf([leaseKv(2)], prefix);

  expect(updateTable(table, { kind: 'lost', because: 'cut' }, prefix)).toBe(table);
  expect([
    ...updateTable(table, { kind: 'whole', revision: 1, kvs: [leaseKv(3)] }, prefix).leases.keys(),
  ]).toEqual(['10.5.3.0-24']);
});

test('changes one by one lead to what reading everything does', () => {
  const random = new Random(3);
  const values = ['nonsense', '{"PublicIP":"192.0.2.9"}', renderLease(lease(2)).value, ''];
  const names = ['config', 'subnets/10.5.2.0-24', 'subnets/10.5.3.0-24', 'subnets/x', 'other'];
  const kvs = new Map<string, KeyValue>();
  let table = emptyTable;
  for (let round = 1; round < 1_000; round++) {
    const at = kv(random.pick(names), random.pick([...values, config]), { modRevision: round });
    const event = random.below(3) === 0 ? gone(at) : put(at);
    if (event.kind === 'put') kvs.set(at.key, at);
    else kvs.delete(at.key);
    table = change(table, event);

    expect(sorted(table)).toEqual(sorted(tableOf([...kvs.values()], prefix)));
  }
});

function sorted({ config: of, leases, reservations, problems }: LeaseTable): object {
  return { of, maps: [leases, reservations, problems].map((map) => [...map.entries()].sort()) };
}
