import { readBootId } from '../../lib/attach/liveness.ts';
import { BlockHolder } from '../../lib/blocks/holder.ts';
import type { BlockHolderOptions } from '../../lib/blocks/holder-options.ts';
import { readShareText, writeShare } from '../../lib/blocks/share/share-file.ts';
import type { Etcd } from '../../lib/etcd/etcd.ts';
import type { Run } from '../../lib/exec/command.ts';
import { readUptimeSeconds } from '../../lib/exec/uptime.ts';
import { parseAddress } from '../../lib/net/address.ts';
import { createBlockLeases } from '../../plugins/agent/block-leases.ts';
import { realMachine } from './rig-registry.ts';

/** Where everything of a test's host is, and how its agent is set. */
export type BlocksPlace = {
  readonly dir: string;
  /** From 1; its id and its address are made of it. */
  readonly number: number;
  readonly prefix: string;
  readonly settings: Pick<
    BlockHolderOptions['settings'],
    'spare' | 'releaseAfterMs' | 'leakIntervalMs' | 'hostTtlSeconds'
  >;
};

/** The network whose leases these are. */
export const network = 'routed';

/** Patience enough for nothing to be given back meanwhile. */
export const calmSettings: BlocksPlace['settings'] = {
  spare: 4,
  releaseAfterMs: 600_000,
  leakIntervalMs: 600_000,
  hostTtlSeconds: 5,
};

export function nodeOf({ number }: Pick<BlocksPlace, 'number'>): string {
  return `node-${number}`;
}

export function pathsOf({ dir }: Pick<BlocksPlace, 'dir'>): {
  share: string;
  dataDir: string;
  netns: string;
} {
  return { share: `${dir}/blocks.json`, dataDir: `${dir}/leases`, netns: `${dir}/netns` };
}

/** The kernel of a host whose containers are files only. */
export const noLinks: Run = () => Promise.resolve({ status: 0, stdout: '[]', stderr: '' });

/** What a holder has to do with the outside, but for what a test says. */
export type HolderParts = { readonly etcd: Etcd } & Partial<
  Pick<BlockHolderOptions, 'bootId' | 'prepare' | 'onChange' | 'log' | 'writeShare' | 'leases'>
>;

/** A holder over real lease files and a real share; it knows how it is reached. */
export function createHolder(place: BlocksPlace, parts: HolderParts): BlockHolder {
  const { share, dataDir } = pathsOf(place);
  const silent = () => undefined;
  const holder = new BlockHolder({
    settings: { ...place.settings, prefix: place.prefix, network, dataDir },
    node: nodeOf(place),
    bootId: readBootId(realMachine),
    leases: createBlockLeases({ dataDir, network }, { machine: realMachine, run: noLinks }),
    prepare: () => Promise.resolve(),
    writeShare: (written) => writeShare(share, written),
    readShare: () => readShareText(share),
    onChange: silent,
    log: { info: silent, warn: silent, error: silent },
    nowMs: () => (readUptimeSeconds(realMachine) ?? 0) * 1_000,
    ...parts,
  });
  const own = parseAddress(`192.0.2.${place.number}`);
  if (own === undefined) throw new Error(`there is no host ${place.number}`);
  const addresses = { 4: own };
  holder.setSelf({ name: `host-${place.number}`, addresses, reflector: undefined, mtu: 1450, networks: [] });
  return holder;
}
