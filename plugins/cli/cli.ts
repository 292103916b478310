import { existsSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { defaultDataDir } from '../../ipam/host-local/config.ts';
import type { LeaseView } from '../../ipam/host-local/inventory.ts';
import { renderError } from '../../lib/cni/dispatch.ts';
import type { Environment } from '../../lib/cni/invocation.ts';
import { parseNetworkName } from '../../lib/cni/netconf.ts';
import { toCniError } from '../../lib/errors/cni-error.ts';
import { failuresOf, throwCollected } from '../../lib/errors/collect.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { defaultStorePath } from '../../lib/registry/schema.ts';
import type { Records } from '../../lib/rules/records.ts';
import type { RulesParts } from '../../lib/rules/remove-rules.ts';
import { type AgentContext, addAgent } from './agent.ts';
import { addBgp } from './bgp.ts';
import { addCni } from './cni.ts';
import { addCompletion } from './completion.ts';
import { collectDeadNames, type DeadName } from './dead-names.ts';
import { addDoctor, ProblemsFound } from './doctor.ts';
import { type Explainer, explainConfiguration, renderExplanations } from './explain.ts';
import { addInstall } from './install.ts';
import { addIpam } from './ipam.ts';
import { collectGarbage, collectLeases, freeAddress, type LeaseScope, renderLeases } from './leases.ts';
import { addMan } from './man.ts';
import { addMirrors } from './mirrors.ts';
import { removeNetwork } from './network-rm.ts';
import { addOverlay } from './overlay.ts';
import { addRegistryCommands, parsePath, type RegistryContext } from './registry-commands.ts';
import { addRoutes } from './routes.ts';
import { print } from './terminal.ts';

/** What the command line is given by the composition root. */
export type CliContext = RegistryContext &
  AgentContext & {
    readonly argv: readonly string[];
    readonly env: Environment;
    readonly version: string;
    readonly machine: Machine;
    /** Which rules each attachment has. */
    readonly records: Records;
    readonly explainers: ReadonlyMap<string, Explainer>;
    readonly readStdin: () => string;
  };

/**
 * The `fairlead` command line.
 * @returns the exit status: 0, 1 after a failure, 2 for wrong usage
 */
export async function runCli(context: CliContext): Promise<number> {
  try {
    await createProgram(context).parseAsync([...context.argv], { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return error instanceof ProblemsFound ? 1 : reportFailure(context, error);
  }
}

function createProgram(context: CliContext): Command {
  const program = new Command('fairlead')
    .description(
      'Container networks: what the CNI plugins of this machine have made, and what they would make.',
    )
    .version(context.version)
    .exitOverride()
    .configureOutput({ writeOut: context.writeStdout, writeErr: context.writeStderr });
  addExplain(program, context);
  addLeases(program, context);
  addGc(program, context);
  addNetwork(program, context);
  addRegistryCommands(program, context);
  addAgent(program, context);
  addOverlay(program, context);
  addIpam(program, context);
  addRoutes(program, context);
  addBgp(program, context);
  addMirrors(program, context);
  addCni(program, context);
  addDoctor(program, context);
  addInstall(program, context);
  addMan(program, context);
  addCompletion(program, context);
  return program;
}

function addExplain(program: Command, context: CliContext): void {
  program
    .command('explain')
    .description('print what an ADD with the configuration on stdin would do and answer, without doing it')
    .option(
      '--container-id <id>',
      'as the runtime would call the container',
      context.env.CNI_CONTAINERID ?? 'example',
    )
    .option(
      '--netns <path>',
      "the container's network namespace",
      context.env.CNI_NETNS ?? '/run/netns/example',
    )
    .option('--ifname <name>', "the container's interface", context.env.CNI_IFNAME ?? 'eth0')
    .option('--json', 'print JSON')
    .action(
      ({
        containerId,
        netns,
        ifname,
        json,
      }: {
        containerId: string;
        netns: string;
        ifname: string;
        json?: true;
      }) => {
        const env = { ...context.env, CNI_CONTAINERID: containerId, CNI_NETNS: netns, CNI_IFNAME: ifname };
        const explanations = explainConfiguration(context.readStdin(), env, context.explainers);
        print(context, json === true, explanations, () => renderExplanations(explanations));
      },
    );
}

type LeaseOptions = { readonly dataDir: string; readonly network?: string; readonly json?: true };

function withLeaseOptions(command: Command): Command {
  return command
    .option('--data-dir <dir>', 'where host-local keeps its leases', defaultDataDir)
    .option('--network <name>', 'only this network')
    .option('--json', 'print JSON');
}

function toScope({ dataDir, network }: LeaseOptions): LeaseScope {
  return { dataDir, network: network === undefined ? undefined : parseNetworkName(network) };
}

function addLeases(program: Command, context: CliContext): void {
  const command = program
    .command('leases')
    .description('list the leased addresses, whose they are, and whether those still live');
  withLeaseOptions(command).action((options: LeaseOptions) => {
    const leases = collectLeases(toScope(options), context.machine);
    print(context, options.json === true, leases, () => renderLeases(leases));
  });
}

function addGc(program: Command, context: CliContext): void {
  const command = program
    .command('gc')
    .description('free the leases and names of containers that are proven dead, and take their rules away')
    .option('--store <file>', 'the registry', defaultStorePath)
    .option('--dry-run', 'only show what would be freed')
    .option('--free <address>', 'free this address of --network, although nothing proves its container dead');
  withLeaseOptions(command).action((options: GcOptions) => {
    const leases = freeLeases(options, command, context);
    const verb = options.dryRun === true ? 'would free' : 'freed';
    let names: readonly DeadName[] = [];
    const failures = failuresOf(() => {
      names = withdrawNames(options, context);
    });
    print(context, options.json === true, { leases, names }, () => renderFreed({ leases, names }, verb));
    throwCollected(failures);
  });
}

type GcOptions = LeaseOptions & { readonly dryRun?: true; readonly free?: string; readonly store: string };

function renderFreed(
  { leases, names }: { leases: readonly LeaseView[]; names: readonly DeadName[] },
  verb: string,
): string {
  const parts = [
    ...(leases.length === 0 ? [] : [`${verb}:\n${renderLeases(leases)}`]),
    ...names.map(
      ({ network, containerId, because }) => `${verb} the name of ${containerId} in ${network}: ${because}`,
    ),
  ];
  return parts.length === 0 ? 'nothing to free' : parts.join('\n');
}

/** A container of which an address is freed by hand keeps its name: nothing proves it dead. */
function withdrawNames(
  { dryRun, free, store, network }: GcOptions,
  context: CliContext,
): readonly DeadName[] {
  if (free !== undefined || !existsSync(store)) return [];
  return collectDeadNames(context.openStore(parsePath(store)), { network, dryRun: dryRun === true }, context);
}

function freeLeases(options: GcOptions, command: Command, parts: RulesParts) {
  const scope = toScope(options);
  if (options.free === undefined) return collectGarbage(scope, options.dryRun === true, parts);
  const { network } = scope;
  if (network === undefined)
    command.error('error: --free needs --network: the same address may be leased in several');
  return [freeAddress({ ...scope, network }, options.free, parts.machine)];
}

function addNetwork(program: Command, context: CliContext): void {
  program
    .command('network')
    .description('networks as a whole')
    .command('rm <name>')
    .description('remove bridge, rules and lease directories of a network that has no containers')
    .option('--data-dir <dir>', 'where host-local keeps its leases', defaultDataDir)
    .option('--json', 'print JSON')
    .action((name: string, { dataDir, json }: { dataDir: string; json?: true }) => {
      const removed = removeNetwork(parseNetworkName(name), dataDir, context);
      const things = [
        ...removed.bridges.map((bridge) => `bridge ${bridge}`),
        ...removed.devices.map((device) => `VXLAN device ${device}`),
        ...removed.rules,
      ];
      print(context, json === true, removed, () =>
        things.length === 0
          ? `network ${name}: nothing was left of it`
          : `network ${name}: removed ${things.join(', ')}`,
      );
    });
}

function reportFailure(context: CliContext, error: unknown): number {
  const { message, details } = toCniError(error);
  if (context.argv.includes('--json')) {
    context.writeStdout(`${JSON.stringify(renderError(error, '1.1.0'), null, 2)}\n`);
  } else {
    context.writeStderr(`fairlead: ${message}${details === undefined ? '' : `\n  ${details}`}\n`);
  }
  return 1;
}
