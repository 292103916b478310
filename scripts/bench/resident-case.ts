import type { Series } from './alternate.ts';
import { type Attaching, attachAgain, attachingOf } from './attaching.ts';
import { createBursts } from './burst.ts';
import { attachingBy, type Conflist } from './conflist.ts';
import { crowdConflist } from './conflist-crowd.ts';
import { proveConflist } from './conflist-proof.ts';
import type { Context, Side } from './context.ts';
import { prepareLeases } from './leases.ts';
import { type NetworkOptions, openNetwork } from './network.ts';
import { createPairsOf } from './pairs.ts';
import { type CallAgent, startCallAgent } from './resident-agent.ts';
import type { Rig } from './rig.ts';
import type { PairSample } from './statistics.ts';

/** The ways of a call: by our executable, by the client and the agent, by the reference's executables. */
export const paths = ['resident', 'executable', 'reference'] as const;

export type Path = (typeof paths)[number];

/** Whose plugins are called on each path. */
export type Sides = Readonly<Record<Path, Side>>;

/** Something of each path. */
export type ByPath<T> = Readonly<Record<Path, T>>;

/** What is measured: how containers are attached, and what is there already. */
export type ResidentCase = Pick<NetworkOptions, 'ipMasq' | 'registers'> & {
  readonly name: string;
  /** In the names of its files and namespaces: the path of a socket has at most 107 characters. */
  readonly short: string;
  /** Whether they have two host ports, by our one plugin or the reference's two. */
  readonly hasPorts?: boolean;
  readonly attached?: number;
  readonly leases?: number;
  /** Whether 50 come at once, and then go. */
  readonly isBurst?: boolean;
};

/** A path's host in a case, ready to be measured. */
export type Opened = {
  readonly attaching: Attaching;
  /** On the path that has one. */
  readonly agent: CallAgent | undefined;
};

/** Opens a host of one path. Ours are registered on both paths, as they are by default, unless the case says otherwise. */
export async function openCase(
  rig: Rig,
  { sides, path, what }: { sides: Sides; path: Path; what: ResidentCase },
  context: Context,
): Promise<Opened> {
  const network = await openNetwork(rig, sides[path], what);
  const { leases = 0, attached = 0 } = what;
  if (leases > 0) prepareLeases(network, leases);
  const agent = path === 'resident' ? await startCallAgent(rig, network) : undefined;
  if (what.hasPorts !== true) return { attaching: attachingOf(network), agent };
  const form = path === 'reference' ? 'a plugin each' : 'one plugin';
  const conflist: Conflist = { network, extent: 'ports', form };
  const attaching = attachingBy(conflist);
  await proveConflist(rig, attaching, 'ports');
  await crowdConflist({ rig, conflist, count: attached }, context);
  return { attaching, agent };
}

/**
 * What lives for weeks is measured in parts as it is after its first calls, of which each worker has to compile its share.
 * What is executed anew has no second call to be quicker in.
 */
const pairsBefore = 200;

/** Has an agent serve the calls after which it is as it usually is. */
export async function warmUp({ agent, attaching }: Opened, netns: string): Promise<void> {
  if (agent !== undefined) await attachAgain(attaching, netns, pairsBefore);
}

/** What is taken of a host in a case. */
export function createSamples(
  rig: Rig,
  { isBurst }: ResidentCase,
  { attaching }: Opened,
): Promise<Series<PairSample>> {
  return isBurst === true ? createBursts(rig, attaching) : createPairsOf(rig, attaching);
}
