import { readFileSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { startupSnapshot } from 'node:v8';
import { preview } from '../ipam/host-local/add.ts';
import { createHostLocal } from '../ipam/host-local/plugin.ts';
import { createStatic } from '../ipam/static/plugin.ts';
import { readBootId } from '../lib/attach/liveness.ts';
import type { AttachParts } from '../lib/attach/parts.ts';
import { bandwidth } from '../lib/bandwidth/capability.ts';
import { explain } from '../lib/bridge/explain.ts';
import { createBridgePlugin } from '../lib/bridge/plugin.ts';
import { createChainedPlugin } from '../lib/capability/chained-plugin.ts';
import { dispatch, type Plugin, renderError } from '../lib/cni/dispatch.ts';
import { parsePluginPath } from '../lib/cni/invocation.ts';
import { createSelectIpam } from '../lib/cni/ipam.ts';
import { specVersions } from '../lib/cni/version.ts';
import { CniError, ErrorCode } from '../lib/errors/cni-error.ts';
import { errnoOf } from '../lib/errors/system-error.ts';
import { isOfBuild } from '../lib/exec/build.ts';
import { createMachine, type Machine } from '../lib/exec/machine.ts';
import { createInNetns } from '../lib/exec/netns.ts';
import { noShortcut } from '../lib/exec/shortcut.ts';
import { createDetachedStarter, createSpawnSyncRunner } from '../lib/exec/spawn-runner.ts';
import { type Timing, withTimings } from '../lib/exec/timings.ts';
import { firewall } from '../lib/firewall/firewall.ts';
import { createLoopback } from '../lib/loopback/plugin.ts';
import { explain as explainLink } from '../lib/point-to-point/explain.ts';
import { createPointToPointPlugin } from '../lib/point-to-point/plugin.ts';
import { portmap } from '../lib/portmap/portmap.ts';
import type { TellingParts } from '../lib/registry/outside/outside.ts';
import type { RegistrarParts } from '../lib/registry/registrar.ts';
import { openStore } from '../lib/registry/sqlite-store.ts';
import { withRegistry } from '../lib/registry/with-registry.ts';
import { openRecords, type Records, recordsDirectory } from '../lib/rules/records.ts';
import { tuning } from '../lib/tuning/tuning.ts';
import { bridge } from './bridge/plugin.ts';
import type { Explainer } from './cli/explain.ts';
import { ptp } from './ptp/plugin.ts';
import { createRegister } from './register/plugin.ts';
import { routed } from './routed/plugin.ts';
import { vxlanOverlay } from './vxlan-overlay/plugin.ts';
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

/** The plugins that attach containers to a bridge. */
const bridgeKinds = [bridge, vxlanOverlay];

/** Those that give each container a link of its own to the host. */
const pointToPointKinds = [ptp, routed];

/** What a conflist may ask for beside attaching: of a main plugin, or by the executable of that name. */
const capabilities = [portmap, bandwidth, firewall, tuning];

/** The composition root: the name that the executable was called by decides which part it plays. */
async function main(): Promise<number> {
  const name = (process.argv0.split('/').at(-1) ?? '').toLowerCase();
  const machine = chooseMachine();
  const ipamPlugins = [createHostLocal(machine), createStatic()];
  const selectIpam = createSelectIpam({
    machine,
    builtIn: new Map(ipamPlugins.map((each) => [each.name, each])),
    isSameBuild: (path) => isOfBuild(path, __FAIRLEAD_BUILD__),
  });
  const registrar = chooseRegistrar(machine);
  const records = openRecords(recordsDirectory, () => machine.identifyOwnNetns().inode);
  const parts = { machine, selectIpam, records, capabilities };
  const attaching = [
    ...bridgeKinds.map((kind) => createBridgePlugin({ kind, ...parts })),
    ...pointToPointKinds.map((kind) => createPointToPointPlugin({ kind, ...parts })),
  ];
  const registering = [
    ...attaching.map((plugin) => withRegistry(plugin, registrar)),
    createRegister(registrar),
  ];
  const chained = capabilities.map((capability) => createChainedPlugin(capability, { machine, records }));
  const plugins = [...registering, ...chained, ...ipamPlugins, createLoopback(machine)];
  const plugin = plugins.find((each) => each.name === name);
  if (plugin !== undefined) return runPlugin(plugin);
  if ((process.env.CNI_COMMAND ?? '') !== '') return refuseName(name, plugins);
  if (process.argv[2] === 'agent') drawHashes();
  const { runCli } = await import('./cli/cli.ts');
  return runCli({
    argv: process.argv.slice(2),
    env: process.env,
    version: `${__FAIRLEAD_VERSION__} (build ${__FAIRLEAD_BUILD__.slice(0, 12)}, Node ${process.versions.node})`,
    machine,
    records,
    explainers: createExplainers({ machine, records, capabilities }),
    readStdin,
    writeStdout,
    writeStderr: (text) => writeAll(2, text),
    isTerminal: process.stdout.isTTY === true && (process.env.NO_COLOR ?? '') === '',
    openStore: registrar.openStore,
    nowUs: registrar.nowUs,
    onInterrupt,
    runAgent: (json) => runAgent(json, { ...registrar, records }, registering),
  });
}

type ExplainingParts = Omit<AttachParts, 'selectIpam'>;

function createExplainers(parts: ExplainingParts): ReadonlyMap<string, Explainer> {
  return new Map<string, Explainer>([
    ...bridgeKinds.map((kind): [string, Explainer] => [
      kind.name,
      (call) => explain(call, { kind, ...parts }, preview),
    ]),
    ...pointToPointKinds.map((kind): [string, Explainer] => [
      kind.name,
      (call) => explainLink(call, { kind, ...parts }, preview),
    ]),
  ]);
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
  const [{ parseAgentConfig }, agent, { createExecaRunner }, { createListener }] = await Promise.all([
    import('./agent/config.ts'),
    import('./agent/agent.ts'),
    import('../lib/exec/execa-runner.ts'),
    import('../lib/exec/lines.ts'),
  ]);
  // What nobody has caught would be printed with the bundle's line, which is the whole program.
  process.on('uncaughtException', fail);
  await agent.runAgent(parseAgentConfig(json), {
    ...registrar,
    run: createExecaRunner(toolPath()),
    listen: createListener(toolPath()),
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
  const path = toolPath();
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

function chooseRegistrar(machine: Machine): TellingParts {
  return {
    machine,
    openStore: (path) => openStore({ path, bootId: readBootId(machine), firstRevision: Date.now() }),
    warn: (message) => writeLine(`fairlead: ${message}\n`),
    executable: process.execPath,
    nowUs: () => Number(process.hrtime.bigint() / 1000n),
  };
}

/** The caller's PATH without the plugins' directories: iproute2's `bridge` is wanted, not the plugin of that name. */
function toolPath(): string {
  const bare = (dir: string) => dir.replace(/\/+$/, '');
  const pluginDirs = parsePluginPath(process.env).map(bare);
  return (process.env.PATH ?? '')
    .split(':')
    .filter((dir) => !pluginDirs.includes(bare(dir)))
    .join(':');
}

function printTimings(): void {
  if (timings.length === 0) return;
  const whole = { what: 'whole', atMs: 0, tookMs: performance.now() };
  for (const timing of [...timings, whole]) writeAll(2, `${JSON.stringify(timing)}\n`);
}

function runPlugin(plugin: Plugin): number {
  if ((process.env.CNI_COMMAND ?? '') === '') {
    writeAll(
      2,
      `CNI ${plugin.name} plugin fairlead ${__FAIRLEAD_VERSION__}\nCNI protocol versions supported: ${specVersions.join(', ')}\n`,
    );
    return 0;
  }
  return dispatch(plugin, { env: process.env, readStdin, writeStdout });
}

/** A runtime that calls us by a name that is no plugin's must read why in the form that it expects. */
function refuseName(name: string, plugins: readonly Plugin[]): number {
  const names = plugins.map((plugin) => plugin.name).join(', ');
  const error = new CniError(
    ErrorCode.invalidConfig,
    `type: this executable was called as ${JSON.stringify(name)}, which is none of the plugins it holds (${names})`,
  );
  writeStdout(JSON.stringify(renderError(error, '1.1.0')));
  return 1;
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
