import { type Family, protocolOf } from '../net/address.ts';
import { admittedMark } from './marks.ts';

/** The chain of ours in iptables' table filter. */
export const admittingChain = 'FAIRLEAD-FORWARD';

/** One of the kinds of iptables that a host may have side by side; each has a chain FORWARD of its own. */
export type ForwardKeeper = {
  readonly family: Family;
  /** What keeps its rules: nftables, or the kernel's older tables. */
  readonly variant: 'nft' | 'legacy';
};

/** How the chain FORWARD of one kind of iptables stands. */
export type ForwardChain = {
  /** Whether whatever no rule of it has let through is dropped. */
  readonly drops: boolean;
  /** The place of its first rule that drops everything, from 1; undefined where only its policy does. */
  readonly dropsAt: number | undefined;
  /** The place of the rule that leads to our chain, from 1. */
  readonly jumpsAt: number | undefined;
};

/** Whether our chain is asked before everything is dropped. */
export function isAdmitting({ drops, dropsAt, jumpsAt }: ForwardChain): boolean {
  return !drops || (jumpsAt !== undefined && (dropsAt === undefined || jumpsAt < dropsAt));
}

const jump = `-j ${admittingChain}`;

/**
 * The script for `iptables-restore --noflush` that makes our chain and leads to it at the last place before everything is
 * dropped: what other rules decide stays decided. It is taken as a whole or not at all, and fails where it is not as it
 * was thought to be: the chain there or not, and led to or not.
 * @param hasChain whether our chain is there already
 */
export function renderForwardScript(
  { dropsAt, jumpsAt }: ForwardChain,
  hasChain: boolean,
): readonly string[] {
  return [
    '*filter',
    ...(jumpsAt === undefined ? [] : [`-D FORWARD ${jump}`]),
    ...(hasChain ? [`-F ${admittingChain}`, `-X ${admittingChain}`] : []),
    `-N ${admittingChain}`,
    `-A ${admittingChain} -m mark --mark ${admittedMark}/${admittedMark} -m comment --comment "containers of fairlead" -j ACCEPT`,
    dropsAt === undefined ? `-A FORWARD ${jump}` : `-I FORWARD ${dropsAt} ${jump}`,
    'COMMIT',
  ];
}

/** The program of a family. */
export function iptablesName(family: Family): 'iptables' | 'ip6tables' {
  return `${protocolOf(family)}tables`;
}

/** A chain FORWARD in words. */
export function describeForward({ family, variant }: ForwardKeeper): string {
  return `the chain FORWARD of ${iptablesName(family)}-${variant}`;
}
