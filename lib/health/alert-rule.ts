import { type Fields, unexpected } from '../cni/fields.ts';
import { parseDuration } from '../registry/duration.ts';

/** When the state of a service is an alert. */
export type AlertRule = {
  /** For the log and the webhook. */
  readonly name: string;
  /** Services by their DNS label, "*" for any part of it. */
  readonly service: string;
  /** Namespaces, in the same way. */
  readonly namespace: string;
  /** Fewer passing instances are an alert. */
  readonly minHealthy?: number;
  /** A larger part of critical ones among those that are not drained is an alert; 0 to 1. */
  readonly maxCriticalRatio?: number;
  /** How long that must last. */
  readonly forMs: number;
  readonly webhook?: URL;
};

const defaultForMs = 30_000;
const longestForMs = 86_400_000;

/**
 * One alert of the agent's configuration: `name`, `service` ("*"), `namespace` ("*"), `minHealthy`, `maxCriticalRatio`
 * (at least one of the two), `for` ("30s"), `webhook` (a URL, http or https).
 * @throws CniError code 7
 */
export function parseAlertRule(item: Fields): AlertRule {
  const service = item.parsed('service', 'a label, with "*" for any part', parsePattern) ?? '*';
  const namespace = item.parsed('namespace', 'a label, with "*" for any part', parsePattern) ?? '*';
  const minHealthy = item.integer('minHealthy', { min: 1, max: 1_000_000 });
  const maxCriticalRatio = parseRatio(item);
  if (minHealthy === undefined && maxCriticalRatio === undefined) {
    throw unexpected(item.path, 'minHealthy or maxCriticalRatio', 'neither');
  }
  const webhook = item.parsed('webhook', 'an http or https URL', parseWebhook);
  return {
    name: item.string('name') ?? `${namespace}/${service}`,
    service,
    namespace,
    forMs: item.parsed('for', 'a duration of at most 24h such as "30s"', parseFor) ?? defaultForMs,
    ...(minHealthy === undefined ? {} : { minHealthy }),
    ...(maxCriticalRatio === undefined ? {} : { maxCriticalRatio }),
    ...(webhook === undefined ? {} : { webhook }),
  };
}

function parseRatio(item: Fields): number | undefined {
  const ratio = item.raw('maxCriticalRatio');
  if (ratio === undefined) return undefined;
  if (typeof ratio === 'number' && ratio >= 0 && ratio < 1) return ratio;
  throw unexpected(item.at('maxCriticalRatio'), 'a number from 0 up to, and without, 1', ratio);
}

function parsePattern(text: string): string | undefined {
  return /^[a-z0-9*-]{1,63}$/.test(text) ? text : undefined;
}

function parseFor(text: string): number | undefined {
  const ms = text === '0' ? 0 : parseDuration(text);
  return ms !== undefined && ms <= longestForMs ? ms : undefined;
}

function parseWebhook(text: string): URL | undefined {
  const url = URL.parse(text);
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : undefined;
}

/** Whether a label fits a pattern. */
export function fits(pattern: string, label: string): boolean {
  return new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(label);
}
