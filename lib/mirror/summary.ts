import { Fields, unexpected } from '../cni/fields.ts';
import { hash64 } from '../net/hash.ts';
import { isLabel } from '../registry/label.ts';

/** Where the mirrors of a machine are configured when nobody says. */
export const defaultMirrorsPath = '/etc/fairlead/mirrors.json';

/** The fields that mirrors of every kind have. */
export const commonFields = ['name', 'type', 'write', 'required', 'import'] as const;

/** Fields that do not say which registry is meant, and secrets: no trace of those goes into the store. */
const notOfPlace: ReadonlySet<string> = new Set([
  ...['name', 'write', 'required', 'import', 'tls', 'timeout', 'ttl', 'poll'],
  ...['token', 'tokenfile', 'user', 'auth'],
]);

/** As much of a mirror as an ADD must know; its own fields are for those who open it. */
export type MirrorSummary = {
  readonly name: string;
  readonly kind: string;
  /** The same for what is configured as one registry and the same layout there; 16 hex digits. */
  readonly place: string;
  /** Whether this machine's instances are written there. */
  readonly isWritten: boolean;
  /** Whether an ADD of the policy `required` waits for it. */
  readonly isRequired: boolean;
};

/** Kinds that a process without a session can write to. */
const sessionless: ReadonlySet<string> = new Set(['consul', 'etcd']);

/** Whether only an agent can deliver to a mirror: its entries live by a session or by heartbeats. */
export function needsAgent({ kind }: MirrorSummary): boolean {
  return !sessionless.has(kind);
}

/**
 * The mirrors of a file that this machine writes to.
 * @param json the file's content
 * @throws CniError code 7 naming the field
 */
export function parseMirrorSummaries(json: unknown): readonly MirrorSummary[] {
  const fields = new Fields(json, '');
  const all = fields.array('mirrors', parseMirrorEntry) ?? fields.missing('mirrors');
  return all.filter(({ isWritten }) => isWritten);
}

/** @throws CniError code 7 naming the field */
export function parseMirrorEntry(item: unknown, path: string): MirrorSummary {
  const fields = new Fields(item, path);
  const name = fields.parsed('name', 'lower case letters, digits and "-"', (text) =>
    isLabel(text) ? text : undefined,
  );
  const kind = fields.string('type') ?? fields.missing('type');
  if (!/^[a-z]{1,20}$/.test(kind))
    throw unexpected(fields.at('type'), 'a kind of registry such as consul', kind);
  return {
    name: name ?? fields.missing('name'),
    kind,
    place: placeOf(item),
    isWritten: fields.boolean('write') ?? true,
    isRequired: fields.boolean('required') ?? true,
  };
}

/** Another order of the fields, or other case, is the same place. */
function placeOf(item: unknown): string {
  const fields = Object.entries(Object(item)).map(([name, value]) => [name.toLowerCase(), value] as const);
  const telling = fields.filter(([name, value]) => !notOfPlace.has(name) && value !== null);
  return hash64(JSON.stringify(telling.sort(([one], [other]) => (one < other ? -1 : 1))));
}
