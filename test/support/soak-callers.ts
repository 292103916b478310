import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { executablesDir } from './binaries.ts';
import type { ResidentHost } from './resident-host.ts';
import type { Conf } from './rig.ts';

/** What callers do. */
export type SoakPlan = {
  readonly conf: Conf;
  readonly pairs: number;
  readonly callers: number;
  readonly seed: number;
  /** They end after so long at the latest. */
  readonly seconds: number;
  /** Whether now and then a call has a PATH that none has had before. */
  readonly variesPath?: boolean;
  /** Where the plugins are that are called, if it is not the host's client, and those that these execute. */
  readonly binDir?: string;
};

/** How their calls have ended. */
export type SoakSummary = {
  readonly pairs: number;
  readonly calls: number;
  /** Addresses that somebody got while another had them. */
  readonly twice: readonly string[];
  /** What failed calls have printed; each was followed by others until one succeeded. */
  readonly failedAdds: readonly string[];
  readonly failedDels: readonly string[];
  /** What has not succeeded for all that. */
  readonly givenUp: readonly string[];
  readonly slowestMs: number;
};

/** How calls have ended that were all started at once. */
export type FloodSummary = {
  readonly added: number;
  /** What those have printed that failed. */
  readonly refused: readonly string[];
  readonly failedDels: readonly string[];
};

/** Callers at work. */
export type SoakCallers<Summary> = AsyncDisposable & {
  /** How many pairs they have done until now. */
  readonly pairs: () => number;
  readonly isOver: () => boolean;
  /** Has them detach what is attached, and end. */
  readonly stop: () => void;
  readonly summary: Promise<Summary>;
};

/** Starts callers, each of which attaches and detaches containers of its own at random. */
export function startCallers(host: ResidentHost, plan: SoakPlan): SoakCallers<SoakSummary> {
  return start(host, { ...plan, all: 'in turns' });
}

/** Starts so many ADDs at once, and when all have ended, the DELs of those that have succeeded. */
export function startFlood(host: ResidentHost, plan: Omit<SoakPlan, 'callers'>): SoakCallers<FloodSummary> {
  return start(host, { ...plan, callers: 1, all: 'at once' });
}

type Line<Summary> = { readonly pairs: number } | { readonly summary: Summary };

function start<Summary>(host: ResidentHost, plan: SoakPlan & { all: string }): SoakCallers<Summary> {
  const { rig, containers } = host;
  const asked = {
    ...plan,
    containers,
    dir: rig.dir,
    plugin: plan.binDir === undefined ? host.client : `${plan.binDir}/bridge`,
    cniPath: plan.binDir ?? executablesDir,
  };
  const script = `${import.meta.dirname}/soak-callers.py`;
  const child = execa('nsenter', host.entering('python3', script), {
    input: JSON.stringify(asked),
    reject: false,
  });
  let pairs = 0;
  let isOver = false;
  const summary = new Promise<Summary>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line: Line<Summary> = JSON.parse(text);
      if ('summary' in line) resolve(line.summary);
      else pairs = tellEvery(5_000, pairs, line.pairs);
    });
    child.then(({ stderr }) => reject(new Error(`the callers have ended without a summary: ${stderr}`)));
  });
  // A failure is seen by whoever waits for the summary; nobody may wait yet.
  const end = () => {
    isOver = true;
  };
  summary.then(end, end);
  return {
    pairs: () => pairs,
    isOver: () => isOver,
    stop: () => {
      child.kill('SIGTERM');
    },
    summary,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await child;
    },
  };
}

/** Of a soak, which takes an hour, it is to be seen how far it is. */
function tellEvery(count: number, before: number, now: number): number {
  if (Math.floor(now / count) > Math.floor(before / count))
    console.log(`${now} pairs at ${new Date().toISOString()}`);
  return now;
}
