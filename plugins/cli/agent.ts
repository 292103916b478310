import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { Fields } from '../../lib/cni/fields.ts';
import { parseJson } from '../../lib/cni/json.ts';
import { onFiles } from '../../lib/errors/system-error.ts';

/** What the command line says of the agent. */
type AgentFlags = {
  readonly store?: string;
  readonly zone?: string;
  readonly dns?: readonly string[];
  readonly upstream?: readonly string[];
  readonly api?: readonly string[];
  readonly log?: string;
  readonly cni?: true;
};

export type AgentContext = {
  /**
   * Runs the agent until it is stopped.
   * @param json its configuration, not parsed yet
   */
  readonly runAgent: (json: unknown) => Promise<void>;
};

export function addAgent(program: Command, { runAgent }: AgentContext): void {
  program
    .command('agent')
    .description("run the node's daemon: DNS, API and health checks over the registry")
    .option('--config <file>', 'JSON; an option here comes before the field that it stands for')
    .option('--store <file>', 'the registry')
    .option('--zone <domain>', 'the domain of all names')
    .option('--dns <address...>', 'where DNS answers: address[:port], gateways[:port], or none')
    .option('--upstream <address...>', 'who is asked for names of other domains')
    .option('--api <where...>', 'where the API is: unix:/path, tcp:address:port, or none')
    .option('--cni', 'carry out the CNI calls that installed clients hand over')
    .option('--log <format>', 'text, or json')
    .action(async ({ config, ...flags }: AgentFlags & { config?: string }) => {
      await runAgent(withFlags(config === undefined ? {} : readConfig(config), flags));
    });
}

function readConfig(path: string): unknown {
  return parseJson(
    onFiles(`--config: reading ${path}`, () => readFileSync(path, 'utf8')),
    path,
  );
}

/** The flags take the place of the fields that they stand for, and are parsed by the same rules. */
function withFlags(json: unknown, { dns, upstream, api, cni, ...flags }: AgentFlags): object {
  const fields = new Fields(json, '');
  const section = (name: string) => fields.raw(name) as object | undefined;
  const server = {
    ...(dns === undefined ? {} : { listen: dns }),
    ...(upstream === undefined ? {} : { upstreams: upstream }),
  };
  return {
    ...(json as object),
    ...flags,
    ...(Object.keys(server).length === 0 ? {} : { dns: { ...section('dns'), ...server } }),
    ...(api === undefined ? {} : { api: { ...section('api'), listen: api } }),
    ...(cni === undefined ? {} : { cni: section('cni') ?? {} }),
  };
}
