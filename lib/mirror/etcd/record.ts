import { parseJson } from '../../cni/json.ts';
import { messageOf } from '../../errors/cni-error.ts';
import type { KeyValue } from '../../etcd/etcd.ts';
import type { Instance } from '../../registry/instance.ts';
import { parseMirroredInstance } from '../../registry/mirror-instance.ts';

/** Below a prefix each machine has its own place, and in it a key for each instance. */
export type EtcdRecord = {
  /** The machine under whose key it stands. */
  readonly node: string;
  readonly instance: Instance;
};

/** The record under a key, or why it is none. */
export type ParsedRecord =
  | { readonly kind: 'record'; readonly record: EtcdRecord }
  | { readonly kind: 'nonsense'; readonly problem: string };

/** Where all machines' instances are. */
export function instancesPrefix(prefix: string): string {
  return `${prefix}/instances/`;
}

/** Where one machine's instances are. */
export function nodePrefix(prefix: string, node: string): string {
  return `${instancesPrefix(prefix)}${node}/`;
}

/** Where an instance is. */
export function recordKey(prefix: string, node: string, id: string): string {
  return `${nodePrefix(prefix, node)}${id}`;
}

/** Whose instance is at a key; undefined for a key that is nobody's. */
export function parseRecordKey(
  prefix: string,
  key: string,
): { readonly node: string; readonly id: string } | undefined {
  const above = instancesPrefix(prefix);
  const [node, id, ...further] = key.startsWith(above) ? key.slice(above.length).split('/') : [];
  if (node === undefined || id === undefined || further.length > 0) return undefined;
  return { node, id };
}

/** Characters of a value at most: an instance with all that it may have takes less. */
const longestValue = 262_144;

/** What is under a key; anybody who may write to the cluster may have put it there. */
export function parseRecord(prefix: string, { key, value }: Pick<KeyValue, 'key' | 'value'>): ParsedRecord {
  const place = parseRecordKey(prefix, key);
  if (place === undefined) return nonsense(key, 'expected <machine>/<instance> below instances/');
  if (value.length > longestValue) return nonsense(key, `is longer than ${longestValue} characters`);
  try {
    const instance = parseMirroredInstance(parseJson(value, 'the value'));
    if (instance.id !== place.id) return nonsense(key, `has the id of another instance, ${instance.id}`);
    return { kind: 'record', record: { node: place.node, instance } };
  } catch (error) {
    return nonsense(key, messageOf(error));
  }
}

function nonsense(key: string, why: string): ParsedRecord {
  const shown = key.length > 200 ? `${key.slice(0, 197)}...` : key;
  return { kind: 'nonsense', problem: `${shown}: ${why}` };
}
