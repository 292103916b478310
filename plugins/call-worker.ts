import { writeSync } from 'node:fs';
import { dispatch, refuseName } from '../lib/cni/dispatch.ts';
import { Fields } from '../lib/cni/fields.ts';
import { type AttachmentId, toolPathOf } from '../lib/cni/invocation.ts';
import { parseJson } from '../lib/cni/json.ts';
import { failuresOf } from '../lib/errors/collect.ts';
import type { Machine } from '../lib/exec/machine.ts';
import { createLog, type Log } from '../lib/log/log.ts';
import { type KeptStores, keepStores } from '../lib/registry/kept-stores.ts';
import type { TellingParts } from '../lib/registry/outside/outside.ts';
import { loadCalls } from '../lib/resident/calls.ts';
import { turnsPath } from '../lib/resident/places.ts';
import { type CallAnswer, type CallRequest, fromWorker, renderHello } from '../lib/resident/protocol.ts';
import type { Report } from '../lib/resident/report.ts';
import type { Caller, CarriedOut } from '../lib/resident/serve.ts';
import { Stopwatch, timeMachine, timePlugin } from '../lib/resident/stopwatch.ts';
import { openTurns, type Turns, takingTurns } from '../lib/resident/turns.ts';
import { whereWeAre } from '../lib/resident/where.ts';
import { runWorker } from '../lib/resident/worker.ts';
import { openRecords, type Records, recordsDirectory } from '../lib/rules/records.ts';
import { composePlugins } from './compose.ts';
import { createWorkerMachine, type MachineFor } from './worker-machine.ts';

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

/** What runtimes and service managers have, whatever the agent was started with. */
const umask = 0o022;

/**
 * A worker of the agent: each call goes to the same dispatch over the same plugins as in the executables. The plugins are
 * made anew for it; what stays from one call to the next is what costs time to open, and is looked at before it is used.
 * @param options what the agent says, as JSON: `agent`, its process, and `netlink`, whether links and rules are changed
 * without a process; `log`, the format of its lines
 */
export async function runCallWorker(options: string, parts: CallWorkerParts): Promise<void> {
  const fields = new Fields(parseJson(options, "the worker's options"), '');
  const agent = fields.integer('agent', { min: 1, max: 2 ** 31 }) ?? fields.missing('agent');
  const machineFor = createWorkerMachine(fields.boolean('netlink') ?? true, parts.abandon);
  const log = createLog(parts.writeLog, fields.string('log') === 'json' ? 'json' : 'text');
  const calls = loadCalls();
  const machine = machineFor('');
  const { inode } = machine.identifyOwnNetns();
  using turns = openTurns(turnsPath, calls, machine.sleep);
  const kept: Kept = {
    machineFor,
    turns,
    records: openRecords(recordsDirectory, () => inode),
    stores: keepStores(parts.chooseRegistrar(machine).openStore),
    log,
  };
  calls.setNonBlocking(descriptors.reports);
  process.umask(umask);
  await runWorker({
    calls,
    agent,
    parent: parts.parent,
    listening: descriptors.listening,
    hello: renderHello({ buildId: parts.buildId, ...whereWeAre() }),
    // A namespace's path may be a relative one.
    prepare: ({ directory }) => process.chdir(directory),
    carryOut: (request, caller) => carryOut(request, caller, { ...parts, ...kept }),
    log,
  });
}

/** What outlives a call. */
type Kept = {
  readonly machineFor: MachineFor;
  readonly records: Records;
  readonly stores: KeptStores;
  readonly turns: Turns;
  readonly log: Log;
};

type Parts = CallWorkerParts & Kept;

/**
 * Carries a call out when it is its attachment's turn, which it has until its caller has the answer: a container whose runtime
 * was not told its addresses must not keep them, so an ADD that nobody waits for is followed by our DEL, before any other call.
 */
function carryOut(request: CallRequest, { hasGone }: Caller, parts: Parts): CarriedOut {
  const turn = new DisposableStack();
  const take: TakeTurn = (plugin, id) => void turn.use(parts.turns.take({ plugin, id, hasGone }));
  const answer = perform(request, take, parts);
  return {
    answer,
    takeBack: () => takeBack(request, answer, parts),
    [Symbol.dispose]: () => turn.dispose(),
  };
}

type TakeTurn = (plugin: string, id: AttachmentId) => void;

/** Plays the plugin, and reports how long its parts took. */
function perform(request: CallRequest, take: TakeTurn, parts: Parts): CallAnswer {
  const watch = new Stopwatch(Math.max(0, nowUs() - request.startedAtUs) / 1000);
  const inTurn: TakeTurn = (plugin, id) => watch.time('queue', () => take(plugin, id));
  const answer = playPlugin(request, { watch, take: inTurn }, parts);
  // What has failed, or has been warned of, may be because of what was kept.
  if (answer.status !== 0 || answer.stderr !== '') parts.stores.forget();
  const ms = watch.read();
  report({ request, answer, ms });
  if (request.env.FAIRLEAD_TIMINGS !== '1') return answer;
  return { ...answer, stderr: `${answer.stderr}${JSON.stringify({ what: 'resident', ...ms })}\n` };
}

type Surroundings = { readonly watch: Stopwatch; readonly take: TakeTurn };

function playPlugin(
  { name, env, stdin }: CallRequest,
  { watch, take }: Surroundings,
  parts: Parts,
): CallAnswer {
  const told = { stdout: '', stderr: '' };
  const registrar: TellingParts = {
    ...parts.chooseRegistrar(timeMachine(parts.machineFor(toolPathOf(env)), watch)),
    openStore: (path) => watch.time('registry', () => parts.stores.open(path)),
    warn: (message) => {
      told.stderr += `fairlead: ${message}\n`;
    },
  };
  const { all } = composePlugins({
    registrar,
    records: parts.records,
    isSameBuild: parts.isSameBuild,
    timed: (part, plugin) => timePlugin(part, plugin, watch),
  });
  const writeStdout = (text: string) => {
    told.stdout += text;
  };
  const called = name.toLowerCase();
  const plugin = all.find((each) => each.name === called);
  const call = { env: { ...env, [fromWorker]: '1' }, readStdin: () => stdin, writeStdout };
  const status =
    plugin === undefined ? refuseName(called, all, writeStdout) : dispatch(takingTurns(plugin, take), call);
  return { status, ...told };
}

function takeBack(request: CallRequest, { status }: CallAnswer, parts: Parts): void {
  const { name, env } = request;
  if (env.CNI_COMMAND !== 'ADD' || status !== 0) return;
  const removal = { ...request, env: { ...env, CNI_COMMAND: 'DEL' }, startedAtUs: nowUs() };
  const taken = perform(removal, () => undefined, parts);
  parts.log.warn('an ADD that nobody waited for was taken back', {
    plugin: name,
    container: env.CNI_CONTAINERID ?? '',
    status: taken.status,
  });
}

/** CLOCK_MONOTONIC, as the client has it. */
function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
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
