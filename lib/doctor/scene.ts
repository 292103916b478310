import type { Machine } from '../exec/machine.ts';
import { type Link, parseLinks } from '../iproute/parse.ts';
import { parseVxlanLinks, type VxlanLink } from '../iproute/parse-vxlan.ts';
import type { IpAddress } from '../net/address.ts';
import { defaultSubnetFile } from '../overlay/kernel/outer-wish.ts';
import { openRecords, type Records, recordsDirectory } from '../rules/records.ts';
import { type AgentFile, readAgentFile } from './agent-file.ts';
import { ask } from './ask.ts';
import { type Overlay, recogniseOverlay } from './overlay.ts';
import { type Endpoint, endpointsOf } from './routed/endpoint.ts';
import { readSubnetFile, type SubnetFile } from './subnet-file.ts';

/** What the operator says of where to look; what is left out is where it usually is. */
export type Question = {
  readonly subnetFile: string | undefined;
  readonly config: string | undefined;
  /** Where the runtime looks for plugins; the usual directory unless it is said. */
  readonly pluginDir?: string | undefined;
  /** Hosts to which the way is tried, beside those that the overlay knows. */
  readonly peers: readonly IpAddress[];
};

/** The machine with what several checks look at; each thing is looked at once, when it is first asked for. */
export type Scene = {
  readonly machine: Machine;
  readonly peers: readonly IpAddress[];
  /** Where the runtime looks for plugins. */
  readonly pluginDir: string;
  /** Whether sockets and rules of everybody can be seen. */
  readonly isRoot: boolean;
  /** @throws Unseen */
  readonly links: () => readonly Link[];
  /** @throws Unseen */
  readonly vxlans: () => readonly VxlanLink[];
  /** The host's ends of containers' own links. @throws Unseen */
  readonly endpoints: () => readonly Endpoint[];
  /** Of the rules that attachments have. */
  readonly records: Records;
  readonly agentFile: () => AgentFile;
  readonly subnetFile: () => SubnetFile;
  /** Undefined where this host is in none. @throws Unseen */
  readonly overlay: () => Overlay | undefined;
};

const defaultPluginDir = '/opt/cni/bin';

export function createScene({ config, ...question }: Question, machine: Machine): Scene {
  const text = once(() => ask(machine, 'ip', ['-j', '-d', 'addr', 'show']));
  const links = once(() => parseLinks(text()));
  const vxlans = once(() => parseVxlanLinks(text()).filter(({ kind }) => kind === 'vxlan'));
  const endpoints = once(() => endpointsOf(links()));
  const agentFile = once(() => readAgentFile(config));
  const subnetFile = once(() =>
    readSubnetFile(question.subnetFile ?? agentFile().subnetFile ?? defaultSubnetFile),
  );
  const isRoot = process.getuid?.() === 0;
  const overlay = once(() =>
    recogniseOverlay({ links: links(), vxlans: vxlans(), subnetFile: subnetFile(), agentFile: agentFile() }),
  );
  const records = openRecords(recordsDirectory, () => machine.identifyOwnNetns().inode);
  const { peers, pluginDir = defaultPluginDir } = question;
  return {
    ...{ machine, peers, pluginDir, isRoot, links, vxlans, endpoints },
    ...{ records, agentFile, subnetFile, overlay },
  };
}

function once<T>(look: () => T): () => T {
  let seen: { readonly value: T } | undefined;
  return () => {
    seen ??= { value: look() };
    return seen.value;
  };
}
