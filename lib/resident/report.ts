import { Fields } from '../cni/fields.ts';
import { type Phase, phases } from './stopwatch.ts';

/** What a worker tells the agent of each call. */
export type Report = {
  /** The name that the client was called by. */
  readonly plugin: string;
  /** CNI_COMMAND as the caller had it. */
  readonly verb: string;
  /** Of the error; 0 after a success. */
  readonly code: number;
  /** Milliseconds. */
  readonly ms: Readonly<Record<Phase, number>>;
};

/** Of one report, in bytes: a pipe takes so many whole or not at all (PIPE_BUF). */
export const longestReport = 4096;

const longestPhaseMs = 86_400_000;

/** One line of what a worker writes; undefined for what is no report. */
export function parseReport(line: string): Report | undefined {
  if (line.length > longestReport) return undefined;
  try {
    return toReport(new Fields(JSON.parse(line), ''));
  } catch {
    return undefined;
  }
}

/** @throws CniError */
function toReport(fields: Fields): Report | undefined {
  const ms = fields.object('ms');
  const spent = phases.map((phase) => [phase, ms?.raw(phase)] as const);
  if (!spent.every(([, value]) => isDuration(value))) return undefined;
  return {
    plugin: fields.string('plugin') ?? fields.missing('plugin'),
    verb: fields.string('verb') ?? fields.missing('verb'),
    code: fields.integer('code', { min: 0, max: 2 ** 32 }) ?? fields.missing('code'),
    ms: Object.fromEntries(spent) as Report['ms'],
  };
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= longestPhaseMs;
}
