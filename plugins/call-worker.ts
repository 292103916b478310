import { statSync, writeSync } from 'node:fs';
import { dispatch, refuseName } from '../lib/cni/dispatch.ts';
import { Fields } from '../lib/cni/fields.ts';
import { toolPathOf } from '../lib/cni/invocation.ts';
import { parseJson } from '../lib/cni/json.ts';
import { failuresOf } from '../lib/errors/collect.ts';
import { forgetFlows } from '../lib/exec/conntrack.ts';
import { type HomeNftables, openHomeNftables } from '../lib/exec/home-nftables.ts';
import { keepNetfilter, type OpenNetfilter } from '../lib/exec/kept-netfilter.ts';
import { startLinkRemoval } from '../lib/exec/link-removal.ts';
import { awaitRunning } from '../lib/exec/link-running.ts';
import { carryOutLinks } from '../lib/exec/link-shortcut.ts';
import { createMachine, type Machine } from '../lib/exec/machine.ts';
import { createInNetns } from '../lib/exec/netns.ts';
import { findNftChains, findNftTables } from '../lib/exec/nft-names.ts';
import { carryOutRules } from '../lib/exec/nft-shortcut.ts';
import { rememberListings } from '../lib/exec/remembered-listings.ts';
import { noShortcut, type Shortcut } from '../lib/exec/shortcut.ts';
import { createDetachedStarter, createSpawnSyncRunner } from '../lib/exec/spawn-runner.ts';
import { createLog, type Log } from '../lib/log/log.ts';
import { findIn } from '../lib/nft/set-types.ts';
import { type KeptStores, keepStores } from '../lib/registry/kept-stores.ts';
import type { TellingParts } from '../lib/registry/outside/outside.ts';
import { loadCalls } from '../lib/resident/calls.ts';
import { turnsPath } from '../lib/resident/places.ts';
import { type CallAnswer, type CallRequest, type Hello, renderHello } from '../lib/resident/protocol.ts';
import type { Report } from '../lib/resident/report.ts';
import { Stopwatch, timeMachine, timePlugin } from '../lib/resident/stopwatch.ts';
import { openTurns, type Turns, takingTurns } from '../lib/resident/turns.ts';
import { runWorker } from '../lib/resident/worker.ts';
import { declaredSets } from '../lib/rules/declared-sets.ts';
import { openRecords, type Records, recordsDirectory } from '../lib/rules/records.ts';
import { composePlugins } from './compose.ts';

/** What a worker is given by the composition root. */
export type CallWorkerParts = {
  readonly buildId: string;
  readonly isSameBuild: (path: string) => boolean;
  readonly chooseRegistrar: (machine: Machine) => TellingParts;
  readonly writeLog: (line: string) => void;
  /** Ends the process: a thread that cannot come back must not go on in the wrong namespace. */
  readonly abandon: () => never;
  /** The process that is this one's parent now. */
  readonly parent: () => number;
};

/** What the agent has handed over beside these: the socket on which callers wait, and a pipe for reports. */
const descriptors = { listening: 3, reports: 4 } as const;

/** Where a worker is when it serves nobody. */
const usualDirectory = '/';

/**
 * A worker of the agent: each call goes to the same dispatch over the same plugins as in the executables. The plugins are
 * made anew for it; what stays from one call to the next is what costs time to open, and is looked at before it is used.
 * @param options what the agent says, as JSON: `agent`, its process, and `netlink`, whether links and rules are changed
 * without a process; `log`, the format of its lines
 */
export async function runCallWorker(options: string, parts: CallWorkerParts): Promise<void> {
  const fields = new Fields(parseJson(options, "the worker's options"), '');
  const agent = fields.integer('agent', { min: 1, max: 2 ** 31 }) ?? fields.missing('agent');
  const calls = loadCalls();
  const log = createLog(parts.writeLog, fields.string('log') === 'json' ? 'json' : 'text');
  const kept = keep(fields.boolean('netlink') ?? true, parts);
  using turns = openTurns(turnsPath, calls, kept.machineFor('').sleep);
  calls.setNonBlocking(descriptors.reports);
  const all = { ...parts, ...kept, turns };
  await runWorker({
    calls,
    agent,
    parent: parts.parent,
    listening: descriptors.listening,
    hello: renderHello(whereWeAre(parts.buildId)),
    carryOut: (request) => carryOut(request, all),
    takeBack: (request, answer) => takeBack(request, answer, all, log),
    log,
  });
}

/** What outlives a call. */
type Kept = {
  /** @param path where tools are looked up */
  readonly machineFor: (path: string) => Machine;
  readonly records: Records;
  readonly stores: KeptStores;
};

function keep(usesNetlink: boolean, { abandon, chooseRegistrar }: CallWorkerParts): Kept {
  const nftables = openHomeNftables();
  const ways = {
    shortcut: usesNetlink ? createShortcut(nftables) : noShortcut,
    inNetns: createInNetns(abandon),
  };
  const machineFor = keepEach((path: string) => {
    const run = createSpawnSyncRunner(path);
    const made = createMachine({
      ...ways,
      run: usesNetlink ? rememberListings(run, nftables) : run,
      startDetached: createDetachedStarter(path),
    });
    return usesNetlink ? { ...made, ...netfilterBy(keepNetfilter()) } : made;
  });
  const machine = machineFor('');
  return {
    machineFor,
    records: openRecords(recordsDirectory, () => machine.identifyOwnNetns().inode),
    stores: keepStores(chooseRegistrar(machine).openStore),
  };
}

/** What asks netfilter for something, over a socket that need not be closed: the kernel keeps waiting who closes one. */
function netfilterBy(open: OpenNetfilter): Pick<Machine, 'forgetFlows' | 'findNftTables' | 'findNftChains'> {
  return {
    forgetFlows: (flows) => forgetFlows(flows, undefined, open),
    findNftTables: (wanted) => findNftTables(wanted, open),
    findNftChains: (wanted) => findNftChains(wanted, open),
  };
}

function createShortcut(nftables: HomeNftables): Shortcut {
  const findTypes = findIn(declaredSets);
  return {
    carryOut: ({ tool, operations }) => {
      if (tool === 'ip') return carryOutLinks(operations);
      return tool === 'nft' ? carryOutRules(operations, { nftables, findTypes }) : 0;
    },
    startRemoval: startLinkRemoval,
    // What is attached is attached: a kernel that does not say whether the link runs stops no ADD.
    awaitRunning: (name, waiting) => {
      failuresOf(() => awaitRunning(name, waiting));
    },
  };
}

/** More than a few callers' PATHs is somebody who makes them up. */
const mostKept = 16;

/** What is made of a text once, and kept for the next time. */
function keepEach<T>(make: (text: string) => T): (text: string) => T {
  const kept = new Map<string, T>();
  return (text) => {
    const made = kept.get(text) ?? make(text);
    if (kept.size >= mostKept) kept.clear();
    kept.set(text, made);
    return made;
  };
}

type Parts = CallWorkerParts & Kept & { readonly turns: Turns };

/** Carries a call out, and reports how long its parts took. */
function carryOut(request: CallRequest, parts: Parts): CallAnswer {
  const nowUs = Number(process.hrtime.bigint() / 1000n);
  const watch = new Stopwatch(Math.max(0, nowUs - request.startedAtUs) / 1000);
  const answer = inDirectory(request.directory, () => playPlugin(request, watch, parts));
  // What has failed may have failed because of what was kept.
  if (answer.status !== 0) parts.stores.forget();
  const ms = watch.read();
  report({ request, answer, ms });
  if (request.env.FAIRLEAD_TIMINGS !== '1') return answer;
  return { ...answer, stderr: `${answer.stderr}${JSON.stringify({ what: 'resident', ...ms })}\n` };
}

/** A namespace's path may be a relative one. */
function inDirectory<T>(directory: string, work: () => T): T {
  failuresOf(() => process.chdir(directory));
  try {
    return work();
  } finally {
    process.chdir(usualDirectory);
  }
}

function playPlugin({ name, env, stdin }: CallRequest, watch: Stopwatch, parts: Parts): CallAnswer {
  const told = { stdout: '', stderr: '' };
  const machine = timeMachine(parts.machineFor(toolPathOf(env)), watch);
  const registrar: TellingParts = {
    ...parts.chooseRegistrar(machine),
    openStore: (path) => watch.time('registry', () => parts.stores.open(path)),
    warn: (message) => {
      told.stderr += `fairlead: ${message}\n`;
    },
  };
  const plugins = composePlugins({
    registrar,
    records: parts.records,
    isSameBuild: parts.isSameBuild,
    timed: (part, plugin) => timePlugin(part, plugin, watch),
  });
  const writeStdout = (text: string) => {
    told.stdout += text;
  };
  const plugin = plugins.all.find((each) => each.name === name.toLowerCase());
  const status =
    plugin === undefined
      ? refuseName(name, plugins.all, writeStdout)
      : dispatch(takingTurns(plugin, parts.turns, watch), { env, readStdin: () => stdin, writeStdout });
  return { status, ...told };
}

/** A container whose runtime was not told its addresses must not keep them: its ADD is followed by our DEL. */
function takeBack(request: CallRequest, answer: CallAnswer, parts: Parts, log: Log): void {
  const { name, env } = request;
  if (env.CNI_COMMAND !== 'ADD' || answer.status !== 0) return;
  const taken = carryOut({ ...request, env: { ...env, CNI_COMMAND: 'DEL' } }, parts);
  log.warn('an ADD that nobody waited for was taken back', {
    plugin: name,
    container: env.CNI_CONTAINERID ?? '',
    status: taken.status,
  });
}

type Finished = {
  readonly request: CallRequest;
  readonly answer: CallAnswer;
  readonly ms: Report['ms'];
};

/** An agent that is too busy to read, or has gone, misses the report. */
function report({ request: { name, env }, answer, ms }: Finished): void {
  const told: Report = { plugin: name, verb: env.CNI_COMMAND ?? '', code: codeOf(answer), ms };
  failuresOf(() => writeSync(descriptors.reports, `${JSON.stringify(told)}\n`));
}

function codeOf({ status, stdout }: CallAnswer): number {
  if (status === 0) return 0;
  const { code } = JSON.parse(stdout) as { readonly code: number };
  return code;
}

/** A caller that sees another build, network, mounts or root directory goes its own way. */
function whereWeAre(buildId: string): Hello {
  return {
    buildId,
    netNamespace: identify('/proc/self/ns/net'),
    mountNamespace: identify('/proc/self/ns/mnt'),
    root: identify('/'),
  };
}

function identify(path: string): string {
  // Of some file systems, inodes have more digits than a number can.
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev}:${ino}`;
}
