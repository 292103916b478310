import { existsSync, readFileSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { startupSnapshot } from 'node:v8';
import { readBootId } from '../lib/attach/liveness.ts';
import { dispatch, type Plugin, refuseName } from '../lib/cni/dispatch.ts';
import { toolPathOf } from '../lib/cni/invocation.ts';
import { specVersions } from '../lib/cni/version.ts';
import { errnoOf } from '../lib/errors/system-error.ts';
import { isOfBuild } from '../lib/exec/build.ts';
import { createMachine, type Machine } from '../lib/exec/machine.ts';
import { createInNetns } from '../lib/exec/netns.ts';
import { ownExecutable } from '../lib/exec/own-executable.ts';
import { noShortcut } from '../lib/exec/shortcut.ts';
import { createDetachedStarter, createSpawnSyncRunner } from '../lib/exec/spawn-runner.ts';
import { type Timing, withTimings } from '../lib/exec/timings.ts';
import type { TellingParts } from '../lib/registry/outside/outside.ts';
import type { RegistrarParts } from '../lib/registry/registrar.ts';
import { openStore } from '../lib/registry/sqlite-store.ts';
import { loadCalls } from '../lib/resident/calls.ts';
import { turnsPath, workerCommand } from '../lib/resident/places.ts';
import { openTurns, takingTurns } from '../lib/resident/turns.ts';
import { openRecords, type Records, recordsDirectory } from '../lib/rules/records.ts';
import { capabilities, composeExplainers, composePlugins } from './compose.ts';
import { warmUp } from './warm-up.ts';

/** Set by the build script; the id of the build that this executable is of. */
declare const __FAIRLEAD_BUILD__: string;
declare const __FAIRLEAD_VERSION__: string;

declare global {
  namespace NodeJS {
    interface Process {
      /** Ends the process without tearing down the JavaScript heap. */
      reallyExit(status: number): never;
    }
  }
}

/** The composition root: the name that the executable was called by decides which part it plays. */
async function main(): Promise<number> {
  const name = (process.argv0.split('/').at(-1) ?? '').toLowerCase();
  const machine = chooseMachine();
  const registrar = chooseRegistrar(machine);
  const records = openRecords(recordsDirectory, () => machine.identifyOwnNetns().inode);
  const plugins = composePlugins({ registrar, records, isSameBuild });
  const plugin = plugins.all.find((each) => each.name === name);
  if (plugin !== undefined) return runPlugin(plugin, machine);
  if ((process.env.CNI_COMMAND ?? '') !== '') return refuseName(name, plugins.all, writeStdout);
  if (process.argv[2] === workerCommand) return serveCalls(process.argv[3] ?? '');
  if (process.argv[2] === 'agent') drawHashes();
  const { runCli } = await import('./cli/cli.ts');
  return runCli({
    argv: process.argv.slice(2),
    env: process.env,
    version: `${__FAIRLEAD_VERSION__} (build ${__FAIRLEAD_BUILD__.slice(0, 12)}, Node ${process.versions.node})`,
    machine,
    records,
    explainers: composeExplainers({ machine, records }),
    readStdin,
    writeStdout,
    writeStderr: (text) => writeAll(2, text),
    isTerminal: process.stdout.isTTY === true && (process.env.NO_COLOR ?? '') === '',
    openStore: registrar.openStore,
    nowUs: registrar.nowUs,
    onInterrupt,
    runAgent: (json) => runAgent(json, { ...registrar, records }, plugins.registering),
  });
}

/** As Node takes it from the command line; `scripts/start-flags.ts` says what it undoes, and why. */
const withOwnHashes = '--rehash-snapshot';

/**
 * Starts this process anew with V8's hashes drawn at random: what the agent is sent by others ends as keys of maps, and the
 * hashes of the snapshot are in the executable for everybody to read.
 */
function drawHashes(): void {
  if (process.execArgv.includes(withOwnHashes)) return;
  const args = [process.argv0, `--node-options=${withOwnHashes}`, ...process.argv.slice(2)];
  process.execve?.(process.execPath, args, process.env);
}

async function runAgent(
  json: unknown,
  registrar: RegistrarParts & { readonly records: Records },
  registering: readonly Plugin[],
): Promise<void> {
  const [{ parseAgentConfig }, agent, { createExecaRunner }, { createListener }, { startWorker }] =
    await Promise.all([
      import('./agent/config.ts'),
      import('./agent/agent.ts'),
      import('../lib/exec/execa-runner.ts'),
      import('../lib/exec/lines.ts'),
      import('../lib/exec/start-worker.ts'),
    ]);
  // What nobody has caught would be printed with the bundle's line, which is the whole program.
  process.on('uncaughtException', fail);
  await agent.runAgent(parseAgentConfig(json), {
    ...registrar,
    run: createExecaRunner(toolPathOf(process.env)),
    listen: createListener(toolPathOf(process.env)),
    startWorker,
    writeLog: writeLine,
    onStop: onInterrupt,
    version: __FAIRLEAD_VERSION__,
    hostName: hostname(),
    registering: new Set(registering.map(({ name }) => name)),
  });
}

/** A line for the operator, to stderr. Where nobody reads, it is lost: it must neither stop an agent nor break an ADD. */
function writeLine(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // There is nowhere to say so.
  }
}

/** A second signal ends the process at once, as if nobody had listened. */
function onInterrupt(stop: (signal: string) => void): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop(signal));
}

/** FAIRLEAD_TIMINGS=1 has the parts of a call printed to stderr at its end, one JSON object a line. */
const timings: Timing[] = [];

function chooseMachine(): Machine {
  const { FAIRLEAD_TIMINGS } = process.env;
  const path = toolPathOf(process.env);
  const machine = createMachine({
    run: createSpawnSyncRunner(path),
    startDetached: createDetachedStarter(path),
    shortcut: noShortcut,
    inNetns: createInNetns(() => process.abort()),
  });
  if (FAIRLEAD_TIMINGS !== '1') return machine;
  timings.push({ what: 'start', atMs: 0, tookMs: performance.now() });
  return withTimings(machine, (timing) => timings.push(timing));
}

function isSameBuild(path: string): boolean {
  return isOfBuild(path, __FAIRLEAD_BUILD__);
}

/** A worker of the agent: serves calls until the agent ends. Only this needs what it loads. */
async function serveCalls(options: string): Promise<number> {
  const { runCallWorker } = await import('./call-worker.ts');
  await runCallWorker(options, {
    buildId: __FAIRLEAD_BUILD__,
    isSameBuild,
    chooseRegistrar,
    writeLog: writeLine,
    abandon: () => process.abort(),
    parent: () => process.ppid,
  });
  return 0;
}

function chooseRegistrar(machine: Machine): TellingParts {
  return {
    machine,
    openStore: (path) => openStore({ path, bootId: readBootId(machine), firstRevision: Date.now() }),
    warn: (message) => writeLine(`fairlead: ${message}\n`),
    executable: ownExecutable,
    nowUs: () => Number(process.hrtime.bigint() / 1000n),
  };
}

function printTimings(): void {
  if (timings.length === 0) return;
  const whole = { what: 'whole', atMs: 0, tookMs: performance.now() };
  for (const timing of [...timings, whole]) writeAll(2, `${JSON.stringify(timing)}\n`);
}

function runPlugin(plugin: Plugin, machine: Machine): number {
  if ((process.env.CNI_COMMAND ?? '') === '') {
    writeAll(
      2,
      `CNI ${plugin.name} plugin fairlead ${__FAIRLEAD_VERSION__}\nCNI protocol versions supported: ${specVersions.join(', ')}\n`,
    );
    return 0;
  }
  return dispatch(withWorkersTurns(plugin, machine), { env: process.env, readStdin, writeStdout });
}

/** Where an agent serves calls, or has, one of its workers may be at work for the same attachment. */
function withWorkersTurns(plugin: Plugin, { sleep }: Machine): Plugin {
  if (!existsSync(turnsPath)) return plugin;
  const turns = openTurns(turnsPath, loadCalls(), sleep);
  // Given back by the end of the process.
  return takingTurns(plugin, (name, id) => void turns.take({ plugin: name, id, hasGone: () => false }));
}

function readStdin(): string {
  return readFileSync(0, 'utf8');
}

function writeStdout(text: string): void {
  writeAll(1, text);
}

/** A pipe may take less than all at once, or, where it is shared, nothing for the moment. */
function writeAll(fd: number, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      const errno = errnoOf(error);
      // Whoever reads our output has seen enough: as after a SIGPIPE, which Node ignores.
      if (errno === 'EPIPE' && fd === 1) process.reallyExit(141);
      if (errno !== 'EAGAIN') throw error;
    }
  }
}

/** reallyExit skips the tearing down of the JavaScript heap, which costs every call 2 ms. */
function run(): void {
  main().then((status) => {
    printTimings();
    process.reallyExit(status);
  }, fail);
}

/** EX_SOFTWARE of sysexits.h: a defect of ours, not a failure that we foresaw. */
function fail(error: unknown): never {
  writeAll(2, `fairlead: ${error instanceof Error ? error.stack : String(error)}\n`);
  return process.reallyExit(70);
}

if (startupSnapshot.isBuildingSnapshot()) {
  warmUp(capabilities);
  startupSnapshot.setDeserializeMainFunction(run);
} else {
  run();
}
