import { isDeepStrictEqual } from 'node:util';
import type { HealthCheck } from '../registry/health-check.ts';
import type { Instance } from '../registry/instance.ts';
import type { CheckedStatus, Judgement } from './judge.ts';
import type { ProbeResult } from './probe-attempt.ts';

/** An instance that is being checked. Times are of the scheduler's clock. */
export type Tracked = {
  /** As the registry has it. */
  instance: Instance;
  readonly check: HealthCheck;
  judgement: Judgement;
  criticalSinceMs: number | undefined;
  /** When the last successful probe began; before the first, when it became known. */
  wellAtMs: number;
  /** When it last reported by itself; before the first time, when it became known. */
  heardAtMs: number;
  /** Calls off the probe that is under way. */
  probing: AbortController | undefined;
  lastResult: ProbeResult | undefined;
};

/** An instance together with what makes it ours to check. */
type Checked = { readonly instance: Instance; readonly check: HealthCheck; readonly status: CheckedStatus };

/** Undefined for what other nodes check, for what has no check, and for draining and maintenance, which no check ends. */
export function toChecked(instance: Instance, node: string): Checked | undefined {
  const { check, status, owner } = instance;
  if (check === undefined || owner.node !== node) return undefined;
  return status === 'passing' || status === 'critical' ? { instance, check, status } : undefined;
}

export function track({ instance, check, status }: Checked, nowMs: number): Tracked {
  return {
    instance,
    check,
    judgement: { status, against: 0 },
    criticalSinceMs: status === 'critical' ? nowMs : undefined,
    wellAtMs: nowMs,
    heardAtMs: nowMs,
    probing: undefined,
    lastResult: undefined,
  };
}

/** Whether what is known of one still says something of the other: the same registration, asked in the same way. */
export function isSameSubject(one: Instance, other: Instance): boolean {
  return (
    one.address === other.address &&
    one.port === other.port &&
    one.createdAtMs === other.createdAtMs &&
    isDeepStrictEqual(one.check, other.check)
  );
}

/** Somebody has set the status, or our own change has come back: then nothing changes. */
export function adoptStatus(tracked: Tracked, status: CheckedStatus, nowMs: number): void {
  if (tracked.judgement.status === status) return;
  tracked.judgement = { status, against: 0 };
  tracked.criticalSinceMs = status === 'critical' ? nowMs : undefined;
  tracked.wellAtMs = nowMs;
}

/** What somebody who registered over the API and fell silent is given, in TTLs, until the instance leaves the registry. */
const silentTtls = 3;

/**
 * When the next thing happens to an instance that has only time to do with it: its TTL passes, or it leaves the registry.
 * A container's instance leaves only where its check says when: the container itself is still there.
 */
export function nextDeadlineMs({
  check,
  instance,
  judgement,
  criticalSinceMs,
  heardAtMs,
}: Tracked): number | undefined {
  const { probe, deregisterAfterMs } = check;
  if (probe.kind === 'ttl' && judgement.status === 'passing') return heardAtMs + probe.ttlMs;
  if (criticalSinceMs === undefined) return undefined;
  if (deregisterAfterMs !== undefined) return criticalSinceMs + deregisterAfterMs;
  if (probe.kind !== 'ttl' || instance.owner.kind !== 'api') return undefined;
  return heardAtMs + silentTtls * probe.ttlMs;
}
