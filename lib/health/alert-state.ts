import { type Instance, isHealthy } from '../registry/instance.ts';
import type { AlertRule } from './alert-rule.ts';

/** A service in numbers. */
export type Tally = { readonly healthy: number; readonly critical: number; readonly total: number };

/** Where an alert stands; one that is quiet is not remembered. Times are of the monitor's clock. */
export type AlertState =
  | { readonly phase: 'quiet' }
  /** The condition holds, and not for long enough yet. */
  | { readonly phase: 'pending'; readonly firesAtMs: number }
  | { readonly phase: 'firing' };

export const quiet: AlertState = { phase: 'quiet' };

export function tally(instances: readonly Instance[]): Tally {
  const critical = instances.filter(({ status }) => status === 'critical').length;
  return { healthy: instances.filter(isHealthy).length, critical, total: instances.length };
}

/** What is wrong, in words for the operator; undefined where nothing is. */
export function breachOf(
  { minHealthy = 0, maxCriticalRatio = 1 }: AlertRule,
  { healthy, critical }: Tally,
): string | undefined {
  if (healthy < minHealthy) return `${healthy} healthy, and at least ${minHealthy} are wanted`;
  const checked = healthy + critical;
  if (checked === 0 || critical / checked <= maxCriticalRatio) return undefined;
  const percent = (ratio: number) => `${Math.round(ratio * 100)} %`;
  return `${critical} of ${checked} critical (${percent(critical / checked)}), and at most ${percent(maxCriticalRatio)} may be`;
}

/** Where the alert stands after a look at the condition. */
export function nextState(
  state: AlertState,
  isBreached: boolean,
  { nowMs, forMs }: { readonly nowMs: number; readonly forMs: number },
): AlertState {
  if (!isBreached) return quiet;
  if (state.phase === 'firing') return state;
  const firesAtMs = state.phase === 'pending' ? state.firesAtMs : nowMs + forMs;
  return firesAtMs <= nowMs ? { phase: 'firing' } : { phase: 'pending', firesAtMs };
}
