import { unexpected } from '../cni/fields.ts';
import { defaultZone } from '../registry/instance.ts';
import { isLabel } from '../registry/label.ts';
import type { Labels } from './name.ts';

/** The zone that is answered for. */
export type Zone = {
  readonly labels: Labels;
  /** How long an answer may be remembered. */
  readonly ttlSeconds: number;
  /** How long it may be remembered that there is no answer. */
  readonly negativeTtlSeconds: number;
};

/** What a configuration may say of the zone. */
export type ZoneOptions = {
  readonly zone?: string;
  readonly ttlSeconds?: number;
  readonly negativeTtlSeconds?: number;
};

/** Longer, and `_port._tcp.service.namespace.svc.zone` would not fit into the 255 octets of a name. */
const longestZone = 50;
const longestTtlSeconds = 3600;

/**
 * The zone as configured; what is not said: `fairlead.internal`, 1 s for answers, 0 s for their absence.
 * @throws CniError code 7
 */
export function createZone(options: ZoneOptions = {}): Zone {
  const { zone = defaultZone, ttlSeconds = 1, negativeTtlSeconds = 0 } = options;
  const labels = zone.toLowerCase().replace(/\.$/, '').split('.');
  if (zone.length > longestZone || !labels.every(isLabel)) {
    throw unexpected('zone', `a domain of at most ${longestZone} characters`, zone);
  }
  for (const [name, seconds] of Object.entries({ ttlSeconds, negativeTtlSeconds })) {
    if (Number.isInteger(seconds) && seconds >= 0 && seconds <= longestTtlSeconds) continue;
    throw unexpected(name, `whole seconds from 0 to ${longestTtlSeconds}`, seconds);
  }
  return { labels, ttlSeconds, negativeTtlSeconds };
}
