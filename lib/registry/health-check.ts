import { type Fields, unexpected } from '../cni/fields.ts';
import { parseDuration } from './duration.ts';

/** When a check is made, and how many results in a row change the status. */
export type CheckTiming = {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Successes in a row that make an instance passing. */
  readonly rise: number;
  /** Failures in a row that make it critical. */
  readonly fall: number;
  /** What the instance is until the first result. */
  readonly initial: 'passing' | 'critical';
  /** An instance that has been critical for so long leaves the registry; undefined: it stays. */
  readonly deregisterAfterMs?: number;
};

/** How an instance is asked whether it is well; `port` is asked instead of the instance's own. */
export type Probe =
  | {
      readonly kind: 'http';
      readonly scheme: 'http' | 'https';
      readonly path: string;
      readonly port?: number;
      /** The certificate is not verified unless this is set: a container rarely has one for its address. */
      readonly verify?: boolean;
    }
  | { readonly kind: 'tcp'; readonly port?: number }
  /** gRPC health checking protocol, `grpc.health.v1.Health/Check`; an empty service asks for the whole server. */
  | { readonly kind: 'grpc'; readonly service: string; readonly port?: number }
  /** The instance reports by itself, at least once in `ttlMs`. */
  | { readonly kind: 'ttl'; readonly ttlMs: number };

export type HealthCheck = CheckTiming & { readonly probe: Probe };

/** As Consul has them, but for the interval, which is shorter: a container is near. */
export const defaultTiming: CheckTiming = {
  intervalMs: 10_000,
  timeoutMs: 5_000,
  rise: 1,
  fall: 3,
  initial: 'passing',
};

const shortestMs = 100;
const longestMs = 86_400_000;
/** For how long an instance may be critical before it leaves: 30 days. */
const longestStayMs = 30 * longestMs;
const mostInARow = 100;

/**
 * The `check` object: exactly one of `http`, `https` (a path), `tcp` (true), `grpc` (a service's name or ""), `ttl` (a
 * duration), with `port`, `interval`, `timeout`, `rise`, `fall`, `initialStatus`, `deregisterAfter`.
 * @throws CniError code 7
 */
export function parseHealthCheck(fields: Fields): HealthCheck {
  return { probe: parseProbe(fields), ...parseTiming(fields) };
}

function parseProbe(fields: Fields): Probe {
  const given = ['http', 'https', 'tcp', 'grpc', 'ttl'].filter((kind) => {
    const value = fields.raw(kind);
    return value !== undefined && value !== false;
  });
  if (given.length !== 1) {
    const found = given.length === 0 ? 'none of them' : given.join(' and ');
    throw unexpected(fields.path, 'exactly one of http, https, tcp, grpc and ttl', found);
  }
  const port = fields.integer('port', { min: 1, max: 65_535 });
  const withPort = port === undefined ? {} : { port };
  switch (given[0]) {
    case 'http':
    case 'https':
      return { ...parseHttpProbe(given[0], fields), ...withPort };
    case 'tcp':
      fields.boolean('tcp');
      return { kind: 'tcp', ...withPort };
    case 'grpc':
      return { kind: 'grpc', service: parseGrpcService(fields), ...withPort };
    default:
      return { kind: 'ttl', ttlMs: durationOf(fields, 'ttl') ?? fields.missing('ttl') };
  }
}

function parseHttpProbe(scheme: 'http' | 'https', fields: Fields): Probe {
  const path = fields.parsed(scheme, 'a path such as /health', parsePath) ?? '/';
  const verify = fields.boolean('verify');
  return { kind: 'http', scheme, path, ...(verify === undefined ? {} : { verify }) };
}

/** A request's target, in origin form (RFC 9112, section 3.2.1). */
export function parsePath(text: string): string | undefined {
  return text.length <= 2048 && /^\/[\x21-\x7e]*$/.test(text) ? text : undefined;
}

function parseGrpcService(fields: Fields): string {
  const service = fields.string('grpc') ?? '';
  if (/^[\w./-]{0,255}$/.test(service)) return service;
  throw unexpected(fields.at('grpc'), "a gRPC service's name", service);
}

function parseTiming(fields: Fields): CheckTiming {
  const { intervalMs, timeoutMs, rise, fall, initial } = defaultTiming;
  const inARow = { min: 1, max: mostInARow };
  const deregisterAfterMs = durationOf(fields, 'deregisterAfter', longestStayMs);
  const interval = durationOf(fields, 'interval') ?? intervalMs;
  return {
    intervalMs: interval,
    timeoutMs: durationOf(fields, 'timeout') ?? Math.min(timeoutMs, interval / 2),
    rise: fields.integer('rise', inARow) ?? rise,
    fall: fields.integer('fall', inARow) ?? fall,
    initial:
      fields.parsed('initialStatus', '"passing" or "critical"', (text) =>
        text === 'passing' || text === 'critical' ? text : undefined,
      ) ?? initial,
    ...(deregisterAfterMs === undefined ? {} : { deregisterAfterMs }),
  };
}

function durationOf(fields: Fields, name: string, mostMs = longestMs): number | undefined {
  const ms = fields.parsed(name, 'a duration such as "10s" or "500ms"', parseDuration);
  if (ms === undefined || (ms >= shortestMs && ms <= mostMs)) return ms;
  throw unexpected(fields.at(name), `a duration from 100ms to ${mostMs / 3_600_000}h`, fields.raw(name));
}
