import { Fields, unexpected } from '../cni/fields.ts';
import type { NetConf } from '../cni/netconf.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { defaultMirrorsPath } from '../mirror/summary.ts';
import type { Declaration, DeclaredPort } from './declaration.ts';
import { durationField } from './duration-field.ts';
import { parseHealthCheck } from './health-check.ts';
import { defaultZone, highestWeight, type Transport, transports } from './instance.ts';
import { isLabel } from './label.ts';
import { defaultStorePath } from './schema.ts';

/** The `registry` block of a plugin's configuration; plugins/register/README.md lists the fields. */
export type RegistryConfig = {
  /** Absolute path of the registry's file. */
  readonly store: string;
  /** Whether an ADD that cannot be registered fails, or is carried out without a name. */
  readonly policy: 'best-effort' | 'required';
  /** Whether the result's `dns` names this machine's agent. */
  readonly dns: boolean;
  /** The domain of all names, without a dot at its end. */
  readonly zone: string;
  /** Undefined for `"mirrors": false`: the call neither delivers to outside registries nor waits for them. */
  readonly mirrors: MirrorSettings | undefined;
  /** What the block says of the container; label sources come before it. */
  readonly declaration: Declaration;
};

/** How a call has to do with outside registries. */
export type MirrorSettings = {
  /** Absolute path of the file that names them; where there is none, there are none. */
  readonly file: string;
  /** How long a call takes over them at most, in milliseconds. */
  readonly timeoutMs: number;
};

/**
 * @returns undefined for `"registry": false`
 * @throws CniError code 7 naming the field
 */
export function parseRegistryConfig({ fields }: NetConf): RegistryConfig | undefined {
  const raw = fields.raw('registry');
  if (raw === false) return undefined;
  const block = new Fields(raw === undefined || raw === true ? {} : raw, 'registry');
  return {
    store: block.parsed('store', 'an absolute path', parseStorePath) ?? defaultStorePath,
    policy: block.parsed('policy', '"best-effort" or "required"', parsePolicy) ?? 'best-effort',
    dns: block.boolean('dns') ?? false,
    zone: block.parsed('zone', 'a domain such as fairlead.internal', parseZone) ?? defaultZone,
    mirrors: parseMirrorSettings(block),
    declaration: parseDeclaration(block),
  };
}

/** Where a DEL withdraws. */
export type Withdrawal = Pick<RegistryConfig, 'store' | 'mirrors'>;

/**
 * Undefined for `"registry": false`. What is wrong is as if it were not there: the block is the ADD's to judge, and a DEL
 * is not to fail over it.
 */
export function parseWithdrawal({ fields }: NetConf): Withdrawal | undefined {
  const raw = fields.raw('registry');
  if (raw === false) return undefined;
  const isBlock = typeof raw === 'object' && raw !== null && !Array.isArray(raw);
  const block = new Fields(isBlock ? raw : {}, 'registry');
  const path = block.raw('store');
  return {
    store: (typeof path === 'string' ? parseStorePath(path) : undefined) ?? defaultStorePath,
    mirrors: mirrorSettingsOr(defaultMirrors, block),
  };
}

const defaultMirrors: MirrorSettings = { file: defaultMirrorsPath, timeoutMs: 2_000 };

/** @throws CniError code 7 naming the field */
function parseMirrorSettings(block: Fields): MirrorSettings | undefined {
  const timeout = durationField(block, 'mirrorTimeout', { shortest: '100ms', longest: '1m' });
  if (block.raw('mirrors') === false) return undefined;
  const file = block.parsed('mirrors', 'an absolute path, or false', parseStorePath);
  return { file: file ?? defaultMirrors.file, timeoutMs: timeout ?? defaultMirrors.timeoutMs };
}

function mirrorSettingsOr(fallback: MirrorSettings, block: Fields): MirrorSettings | undefined {
  try {
    return parseMirrorSettings(block);
  } catch {
    return fallback;
  }
}

/** An absolute path without `..`, as it may stand in an operator's message. */
export function parseStorePath(text: string): string | undefined {
  return /^\/[\x21-\x7e]+$/.test(text) && !text.split('/').includes('..') && !text.endsWith('/')
    ? text
    : undefined;
}

/** Longer, and `_port._tcp.service.namespace.svc.zone` would not fit into the 255 octets of a name. */
const longestZone = 50;

/** A domain in lower case, without the dot at its end; undefined for what is none. */
export function parseZone(text: string): string | undefined {
  const zone = text.toLowerCase().replace(/\.$/, '');
  return zone.length <= longestZone && zone.split('.').every(isLabel) ? zone : undefined;
}

function parsePolicy(text: string): RegistryConfig['policy'] | undefined {
  return text === 'best-effort' || text === 'required' ? text : undefined;
}

function parseDeclaration(block: Fields): Declaration {
  const check = block.object('check');
  return stated({
    service: block.parsed('service', 'a printable name of at most 255 characters', parseName),
    namespace: block.parsed('namespace', 'lower case letters, digits and "-"', (text) =>
      isLabel(text) ? text : undefined,
    ),
    ports: parsePorts(block),
    tags: parseTags(block, 'tags'),
    meta: parseMeta(block, 'meta'),
    weight: block.integer('weight', { min: 0, max: highestWeight }),
    check: check === undefined ? undefined : parseHealthCheck(check),
  });
}

/** A name that may be shown, folded to a label, and sent to other registries. */
export function parseName(text: string): string | undefined {
  return /^[^\p{C}\p{Z}/\\"'`]{1,255}$/u.test(text) ? text : undefined;
}

/** @throws CniError code 7 */
function parsePorts(block: Fields): readonly DeclaredPort[] | undefined {
  const ports = block.array('ports', parseDeclaredPort);
  if (ports !== undefined && ports.length > mostDeclared) throw tooMany(block.at('ports'), ports.length);
  return ports;
}

/** @throws CniError code 7 */
export function parseDeclaredPort(item: unknown, path: string): DeclaredPort {
  const fields = new Fields(item, path);
  return {
    name: fields.parsed('name', 'lower case letters, digits and "-"', parsePortName) ?? '',
    port: fields.integer('port', { min: 1, max: 65_535 }) ?? fields.missing('port'),
    transport: fields.parsed('protocol', transports.join(', '), parseTransport) ?? 'tcp',
  };
}

/** A port's name: a label that is no number, since `_80._tcp` means port 80. */
export function parsePortName(text: string): string | undefined {
  return isLabel(text) && !/^\d+$/.test(text) ? text : undefined;
}

export function parseTransport(text: string): Transport | undefined {
  return transports.find((known) => known === text.toLowerCase());
}

/** Ports, tags and metadata that one container may have, each. */
export const mostDeclared = 64;

/**
 * A list of tags, each once.
 * @throws CniError code 7
 */
export function parseTags(block: Fields, name: string): readonly string[] | undefined {
  const tags = block.array(name, (item, path) => {
    if (typeof item === 'string' && item !== '' && isPrintable(item)) return item;
    throw unexpected(path, 'a printable text of at most 255 characters', item);
  });
  if (tags !== undefined && tags.length > mostDeclared) throw tooMany(block.at(name), tags.length);
  return tags && [...new Set(tags)];
}

/** What may stand in a tag or a metadata value. */
export function isPrintable(text: string): boolean {
  return text.length <= 255 && !/\p{C}/u.test(text);
}

/**
 * An object of texts.
 * @throws CniError code 7
 */
export function parseMeta(block: Fields, name: string): Readonly<Record<string, string>> | undefined {
  const raw = block.raw(name);
  if (raw === undefined) return undefined;
  new Fields(raw, block.at(name));
  const entries = Object.entries(raw as object);
  if (entries.length > mostDeclared) throw tooMany(block.at(name), entries.length);
  for (const [key, value] of entries) {
    if (isMetaKey(key) && typeof value === 'string' && isPrintable(value)) continue;
    throw unexpected(
      `${block.at(name)}.${isPrintable(key) ? key : '?'}`,
      'a name of letters, digits, "_", "-", "." and "/" with a printable text of at most 255 characters',
      value,
    );
  }
  return Object.fromEntries(entries);
}

function tooMany(path: string, found: number): CniError {
  return new CniError(ErrorCode.invalidConfig, `${path}: ${found} entries, and ${mostDeclared} are allowed`);
}

/** Names that do not collide with JavaScript's own, nor with the syntax of TXT records. */
export function isMetaKey(key: string): boolean {
  return /^[\w./-]{1,128}$/.test(key) && key !== '__proto__';
}

/** The declaration without what was not said. */
function stated(fields: { [K in keyof Declaration]: Declaration[K] | undefined }): Declaration {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
