import { type Fields, unexpected } from '../cni/fields.ts';
import { type CheckTiming, type HealthCheck, type Probe, parsePath } from './health-check.ts';

/** A day, in milliseconds, and thirty: as long as a configuration may say. */
const longestMs = 86_400_000;
const longestStayMs = 30 * longestMs;
const inARow = { min: 1, max: 100 };
const ports = { min: 1, max: 65_535 };

/**
 * A check as a machine keeps it and has written it to an outside registry. Nobody but that machine carries it out: here
 * it is only shown.
 * @throws CniError code 7 naming the field
 */
export function parseMirroredCheck(fields: Fields): HealthCheck {
  return { probe: parseProbe(fields.object('probe') ?? fields.missing('probe')), ...parseTiming(fields) };
}

function parseProbe(fields: Fields): Probe {
  const kind = fields.string('kind');
  const port = fields.integer('port', ports);
  const withPort = port === undefined ? {} : { port };
  switch (kind) {
    case 'http':
      return { kind, ...parseRequest(fields), ...withPort };
    case 'tcp':
      return { kind, ...withPort };
    case 'grpc':
      return {
        kind,
        service: fields.parsed('service', "a gRPC service's name", parseService) ?? '',
        ...withPort,
      };
    case 'ttl':
      return { kind, ttlMs: millisecondsOf(fields, 'ttlMs') };
    default:
      throw unexpected(fields.at('kind'), '"http", "tcp", "grpc" or "ttl"', kind);
  }
}

function parseRequest(fields: Fields): Pick<Extract<Probe, { kind: 'http' }>, 'scheme' | 'path' | 'verify'> {
  const verify = fields.boolean('verify');
  const scheme = fields.parsed('scheme', '"http" or "https"', (text) =>
    text === 'http' || text === 'https' ? text : undefined,
  );
  return {
    scheme: scheme ?? fields.missing('scheme'),
    path: fields.parsed('path', 'a path such as /health', parsePath) ?? fields.missing('path'),
    ...(verify === undefined ? {} : { verify }),
  };
}

function parseService(text: string): string | undefined {
  return /^[\w./-]{0,255}$/.test(text) ? text : undefined;
}

function parseTiming(fields: Fields): CheckTiming {
  const initial = fields.parsed('initial', '"passing" or "critical"', (text) =>
    text === 'passing' || text === 'critical' ? text : undefined,
  );
  return {
    intervalMs: millisecondsOf(fields, 'intervalMs'),
    timeoutMs: millisecondsOf(fields, 'timeoutMs'),
    rise: fields.integer('rise', inARow) ?? fields.missing('rise'),
    fall: fields.integer('fall', inARow) ?? fields.missing('fall'),
    initial: initial ?? fields.missing('initial'),
    ...(fields.has('deregisterAfterMs')
      ? { deregisterAfterMs: millisecondsOf(fields, 'deregisterAfterMs', longestStayMs) }
      : {}),
  };
}

/** Not always whole: half of an interval is a timeout, too. */
function millisecondsOf(fields: Fields, name: string, mostMs = longestMs): number {
  const value = fields.raw(name);
  if (typeof value === 'number' && value > 0 && value <= mostMs) return value;
  throw unexpected(fields.at(name), `milliseconds, at most ${mostMs}`, value);
}
