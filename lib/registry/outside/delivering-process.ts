import { ErrorCode } from '../../errors/cni-error.ts';
import type { Outcome } from '../../exec/command.ts';
import type { MirrorSummary } from '../../mirror/summary.ts';
import type { Outside, TellingParts } from './outside.ts';
import type { Reason } from './unconfirmed.ts';

/** Up to which revision of the registry is to be delivered, and to which of its mirrors. */
export type Job = { readonly revision: number; readonly mirrors: readonly MirrorSummary[] };

/** Of the process beyond its own time limit, in milliseconds: it starts, says what it has seen, and ends. */
const graceMs = 250;

/**
 * Delivers by a process of its own, this same executable, and waits for its end: a plugin is synchronous, and does not load
 * what it takes to talk with a registry. What has arrived, the store knows.
 * @returns why a mirror has not been told
 */
export function runDelivery(
  { store, file, timeoutMs }: Outside,
  { revision, mirrors }: Job,
  { machine, executable }: Pick<TellingParts, 'machine' | 'executable'>,
): (mirror: MirrorSummary) => Reason {
  const outcome = machine.run({
    file: executable,
    argv0: 'fairlead',
    args: [
      ...['mirrors', 'deliver', '--json', '--store', store, '--mirrors', file],
      ...['--timeout', String(timeoutMs), '--revision', String(revision)],
      ...['--only', ...mirrors.map(({ name }) => name)],
    ],
    // Nothing of the runtime's: neither what it asked of us, nor what would change how Node runs.
    env: {},
    timeoutMs: timeoutMs + graceMs,
  });
  const report = parseOrUndefined(outcome.stdout);
  const reasons = new Map(Array.isArray(report) ? report.flatMap(toReason) : []);
  const general = failureOf(report) ?? { because: endOf(outcome), code: ErrorCode.tryAgainLater };
  return ({ name }) => {
    const because = reasons.get(name);
    return because === undefined ? general : { because, code: ErrorCode.tryAgainLater };
  };
}

function toReason(item: unknown): readonly [string, string][] {
  const { name, because } = Object(item) as { name?: unknown; because?: unknown };
  return typeof name === 'string' && typeof because === 'string' ? [[name, because]] : [];
}

/** What the command line says when it fails as a whole, such as over a file that is wrong. */
function failureOf(report: unknown): Reason | undefined {
  const { msg, code } = Object(report) as { msg?: unknown; code?: unknown };
  return typeof msg === 'string' && typeof code === 'number' ? { because: msg, code } : undefined;
}

function endOf({ status, stderr }: Outcome): string {
  const [said = ''] = stderr.trim().split('\n');
  const end = status === undefined ? 'did not start' : `ended with ${status}`;
  return `the process that delivers ${end}${said === '' ? '' : `: ${said}`}`;
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
