import { Fields, unexpected } from '../cni/fields.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { isLabel } from '../registry/label.ts';
import { kinds } from './kinds.ts';
import type { OpenOptions, OutsideRegistry } from './mirror.ts';
import { commonFields, parseMirrorEntry } from './summary.ts';

/** One outside registry of the file of mirrors. */
export type MirrorConfig = {
  /** A DNS label, unique in the file. */
  readonly name: string;
  readonly kind: string;
  /** As in its summary. */
  readonly place: string;
  /** Whether this machine's instances are written there. */
  readonly isWritten: boolean;
  /** Whether an ADD of the policy `required` waits for it. */
  readonly isRequired: boolean;
  /** What is read from there; undefined for nothing. */
  readonly imports: ImportConfig | undefined;
  readonly open: (options: Pick<OpenOptions, 'node' | 'session'>) => OutsideRegistry;
};

/** Which services of an outside registry are brought into this machine's answers. */
export type ImportConfig = {
  /** Where foreign services stand here; a DNS label. */
  readonly namespace: string;
  /** Names as the registry has them; a `*` at the end stands for any rest. */
  readonly services: readonly string[];
};

/**
 * The file of mirrors as a whole; README.md lists the fields.
 * @param json its content
 * @throws CniError code 7 naming the field
 */
export function parseMirrors(json: unknown): readonly MirrorConfig[] {
  const fields = new Fields(json, '');
  fields.only('mirrors');
  const mirrors = fields.array('mirrors', parseMirror) ?? fields.missing('mirrors');
  const twice = mirrors.find(({ name }, at) => mirrors.findIndex((other) => other.name === name) !== at);
  if (twice === undefined) return mirrors;
  throw new CniError(ErrorCode.invalidConfig, `mirrors: two of them are called "${twice.name}"`);
}

function parseMirror(item: unknown, path: string): MirrorConfig {
  const { name, kind: type, place, isWritten, isRequired } = parseMirrorEntry(item, path);
  const fields = new Fields(item, path);
  const kind = kinds.get(type);
  if (kind === undefined) throw unexpected(fields.at('type'), [...kinds.keys()].join(', '), type);
  fields.only(...commonFields, ...kind.fields);
  const config = kind.parse(fields);
  const imports = fields.object('import');
  if (!isWritten && imports === undefined) throw unexpected(fields.at('write'), 'true, or an import', false);
  return {
    name,
    kind: type,
    place,
    isWritten,
    isRequired,
    imports: imports === undefined ? undefined : parseImport(imports),
    open: (options) => kind.open(config, { ...options, name }),
  };
}

function parseImport(fields: Fields): ImportConfig {
  fields.only('namespace', 'services');
  const namespace = fields.parsed('namespace', 'lower case letters, digits and "-"', (text) =>
    isLabel(text) ? text : undefined,
  );
  return {
    namespace: namespace ?? fields.missing('namespace'),
    services: fields.array('services', parsePattern) ?? ['*'],
  };
}

function parsePattern(item: unknown, path: string): string {
  if (typeof item === 'string' && /^[^*\p{C}]{0,255}\*?$/u.test(item) && item !== '') return item;
  throw unexpected(path, 'a service such as "billing" or "shop-*"', item);
}
