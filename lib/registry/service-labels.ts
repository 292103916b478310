import { Fields } from '../cni/fields.ts';
import { CniError, messageOf } from '../errors/cni-error.ts';
import { isMetaKey, isPrintable, mostDeclared, parseName, parsePortName, parseTransport } from './config.ts';
import type { Declaration, DeclaredPort, ServiceDeclaration } from './declaration.ts';
import { type HealthCheck, parseHealthCheck } from './health-check.ts';
import { highestWeight } from './instance.ts';
import { isLabel } from './label.ts';

/** Told of a label that cannot be taken; the others are. */
export type Warn = (message: string) => void;

type Labels = ReadonlyMap<string, string>;

/**
 * The scheme of registrator: `SERVICE_NAME`, `SERVICE_ID`, `SERVICE_TAGS`, `SERVICE_IGNORE`, `SERVICE_CHECK_*`, and for
 * one port `SERVICE_<port>_…`, which wins; unknown keys become metadata. Ours beside it: `SERVICE_NAMESPACE`,
 * `SERVICE_WEIGHT`, and `SERVICE_PORTS` ("http:80,9100/udp"), since an image's EXPOSE does not reach a network plugin.
 * Labels come from whoever starts containers: one that is wrong is left out, with a warning, and stops nothing.
 */
export function parseServiceLabels(labels: Iterable<readonly [string, string]>, warn: Warn): Declaration {
  const groups = groupByPort(labels);
  const general = groups.get('') ?? new Map<string, string>();
  const perPort = [...groups]
    .filter(([port]) => port !== '')
    .slice(0, mostDeclared)
    .map(([port, keys]) => [port, withGeneralCheck(keys, general)] as const);
  warnOfAimlessCheck(groups, warn);
  const namespace = accept('SERVICE_NAMESPACE', general.get('NAMESPACE'), parseNamespace, warn);
  const ports = accept('SERVICE_PORTS', general.get('PORTS'), parsePorts, warn);
  return {
    ...parseService(general, 'SERVICE_', warn),
    ...(namespace === undefined ? {} : { namespace }),
    ...(ports === undefined ? {} : { ports }),
    ...(perPort.length === 0
      ? {}
      : {
          perPort: Object.fromEntries(
            perPort.map(([port, keys]) => [port, parseService(keys, `SERVICE_${port}_`, warn)]),
          ),
        }),
  };
}

/** Labels by the port that they are about ('' for all), each under its key without the prefix. */
function groupByPort(labels: Iterable<readonly [string, string]>): ReadonlyMap<string, Labels> {
  const groups = new Map<string, Map<string, string>>();
  for (const [name, value] of labels) {
    const [, port = '', key] = /^SERVICE_(?:(\d{1,5})_)?(\w+)$/i.exec(name) ?? [];
    if (key === undefined || Number(port) > 65_535 || (port !== '' && Number(port) === 0)) continue;
    const number = port === '' ? '' : String(Number(port));
    const group = groups.get(number) ?? new Map<string, string>();
    groups.set(number, group.set(key.toUpperCase(), value));
  }
  return groups;
}

const ownKeys = new Set(['NAME', 'ID', 'TAGS', 'IGNORE', 'NAMESPACE', 'WEIGHT', 'PORTS']);

function parseService(labels: Labels, prefix: string, warn: Warn): ServiceDeclaration {
  const taken = <T>(key: string, parse: (text: string) => T | undefined) =>
    accept(prefix + key, labels.get(key), parse, warn);
  const said = {
    service: taken('NAME', parseName),
    id: taken('ID', parseName),
    tags: taken('TAGS', parseTags),
    weight: taken('WEIGHT', parseWeight),
    ignore: labels.has('IGNORE') ? true : undefined,
    check: parseCheck(labels, prefix, warn),
    meta: parseMetadata(labels, prefix, warn),
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

/** What `parse` makes of a label; a value that it refuses is left out. */
function accept<T>(
  name: string,
  value: string | undefined,
  parse: (text: string) => T | undefined,
  warn: Warn,
): T | undefined {
  if (value === undefined || value === '') return undefined;
  const parsed = parse(value);
  if (parsed === undefined)
    warn(`label ${name}: ${JSON.stringify(value.slice(0, 80))} is left out: it is no valid value`);
  return parsed;
}

function parseNamespace(text: string): string | undefined {
  return isLabel(text) ? text : undefined;
}

function parseWeight(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= highestWeight ? Number(text) : undefined;
}

/** Commas separate; `\,` is a comma. */
function parseTags(text: string): readonly string[] | undefined {
  const tags = text
    .split(/(?<!\\),/)
    .map((tag) => tag.replaceAll('\\,', ',').trim())
    .filter((tag) => tag !== '');
  return tags.length <= mostDeclared && tags.every(isPrintable) ? [...new Set(tags)] : undefined;
}

/** "80", "http:80", "9100/udp", "metrics:9100/tcp", separated by commas. */
function parsePorts(text: string): readonly DeclaredPort[] | undefined {
  const ports = text.split(',').map((part) => parsePort(part.trim()));
  return ports.length <= mostDeclared && ports.every((port) => port !== undefined) ? ports : undefined;
}

function parsePort(text: string): DeclaredPort | undefined {
  const [, name = '', number, protocol = 'tcp'] = /^(?:([^:/]+):)?(\d{1,5})(?:\/(\w+))?$/.exec(text) ?? [];
  const port = Number(number);
  const transport = parseTransport(protocol);
  const isNamed = name === '' || parsePortName(name) !== undefined;
  if (!(port >= 1 && port <= 65_535) || transport === undefined || !isNamed) return undefined;
  return { name, port, transport };
}

/** Registrator's keys of a check → fields of the `check` object. */
const checkFields: Readonly<Record<string, string>> = {
  CHECK_HTTP: 'http',
  CHECK_HTTPS: 'https',
  CHECK_TCP: 'tcp',
  CHECK_TTL: 'ttl',
  CHECK_GRPC: 'grpc',
  CHECK_INTERVAL: 'interval',
  CHECK_TIMEOUT: 'timeout',
  CHECK_INITIAL_STATUS: 'initialStatus',
  CHECK_DEREGISTER_AFTER: 'deregisterAfter',
};

/** What a port's check leaves open is as said of all ports; its kind is its own. */
function withGeneralCheck(labels: Labels, general: Labels): Labels {
  if (![...labels.keys()].some((key) => key.startsWith('CHECK_'))) return labels;
  const hasKind = [...labels.keys()].some(isCheckKind);
  const inherited = [...general].filter(
    ([key]) => key.startsWith('CHECK_') && !(hasKind && isCheckKind(key)) && !refusedChecks.includes(key),
  );
  return new Map([...inherited, ...labels]);
}

function warnOfAimlessCheck(groups: ReadonlyMap<string, Labels>, warn: Warn): void {
  const keys = [...groups.values()].flatMap((group) => [...group.keys()]);
  const saysHow = keys.find((key) => key in checkFields);
  if (saysHow !== undefined && !keys.some(isCheckKind))
    warn(`label SERVICE_${saysHow}: is left out: no label says what to check`);
}

function isCheckKind(key: string): boolean {
  return ['CHECK_HTTP', 'CHECK_HTTPS', 'CHECK_TCP', 'CHECK_TTL', 'CHECK_GRPC'].includes(key);
}

/** A script from a label would run on the host what a container's author wrote: refused. */
const refusedChecks = ['CHECK_SCRIPT', 'CHECK_CMD'];

function parseCheck(labels: Labels, prefix: string, warn: Warn): HealthCheck | undefined {
  for (const key of refusedChecks) {
    if (labels.has(key)) warn(`label ${prefix}${key} is refused: it would run a label's text on the host`);
  }
  // An interval alone is what the checks of single ports take for what they leave open.
  if (![...labels.keys()].some(isCheckKind)) return undefined;
  const given = Object.entries(checkFields).filter(([key]) => labels.has(key));
  const check = given.map(([key, field]) => [field, field === 'tcp' ? true : labels.get(key)]);
  const counts = ['RISE', 'FALL']
    .filter((key) => labels.has(`CHECK_${key}`))
    .map((key) => [key.toLowerCase(), Number(labels.get(`CHECK_${key}`))]);
  try {
    return parseHealthCheck(new Fields(Object.fromEntries([...check, ...counts]), `label ${prefix}CHECK`));
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    warn(`${messageOf(error)}; there will be no check`);
    return undefined;
  }
}

function parseMetadata(
  labels: Labels,
  prefix: string,
  warn: Warn,
): Readonly<Record<string, string>> | undefined {
  const entries = [...labels]
    .filter(([key]) => !ownKeys.has(key) && !key.startsWith('CHECK_'))
    .map(([key, value]) => [key.toLowerCase(), value] as const);
  const good = entries.filter(([key, value]) => isMetaKey(key) && isPrintable(value)).slice(0, mostDeclared);
  if (good.length < entries.length)
    warn(
      `labels ${prefix}…: some are left out: their values are not printable, or there are more than ${mostDeclared}`,
    );
  if (good.length === 0) return undefined;
  return Object.fromEntries(good);
}
