import type { RulesOwner, RulesRecord } from '../../lib/rules/record.ts';
import type { Records } from '../../lib/rules/records.ts';

/** Records that are kept in memory. */
export function paperRecords(): Records {
  const records = new Map<string, RulesRecord>();
  const keyOf = ({ network, containerId, ifName, plugin }: RulesOwner) =>
    [network, containerId, ifName, plugin].join('/');
  return {
    get: (owner) => {
      const record = records.get(keyOf(owner));
      return record === undefined ? { kind: 'none' } : { kind: 'recorded', record };
    },
    prepare: () => undefined,
    epoch: () => '',
    beginEpoch: () => undefined,
    put: (record) => {
      records.set(keyOf(record.owner), { ...record, epoch: '', atMs: 0 });
    },
    remove: (owner) => {
      records.delete(keyOf(owner));
    },
    isSharedWritten: () => false,
    noteSharedWritten: () => undefined,
    forgetShared: () => undefined,
    hasAny: () => false,
    list: () => [...records.values()],
  };
}
