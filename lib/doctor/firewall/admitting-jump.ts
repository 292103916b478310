import { admittingChain } from '../../iptables/forward-script.ts';
import { admittedMark } from '../../iptables/marks.ts';
import { shellLines } from '../shell-word.ts';
import type { EntryChain, FilterRule, Firewall } from './firewall.ts';

/** Why a chain of iptables drops what bears the mark of the plugin `firewall`. */
export type JumpTrouble = {
  readonly found: string;
  /** Whether the plugin's next ADD puts it right. */
  readonly isMendedByAdd: boolean;
  /** Command lines; undefined where our chain itself is gone. */
  readonly byHand: string | undefined;
};

/** What is wrong with the way to our chain; undefined where it is asked before everything is dropped. */
export function troubleWithJump({ chains }: Firewall, entry: EntryChain): JumpTrouble | undefined {
  if (!isOfIptables(entry)) return undefined;
  const ours = entry.id.replace(/FORWARD$/, admittingChain);
  const rules = chains.get(entry.id) ?? [];
  const seen = {
    program: programOf(entry),
    isThere: chains.has(ours),
    jumpsAt: rules.findIndex(({ outcome }) => outcome.kind === 'jump' && outcome.chain === ours),
    dropsAt: rules.findIndex(dropsEverything),
  };
  if (seen.jumpsAt < 0) return missing(seen);
  if (seen.dropsAt >= 0 && seen.dropsAt < seen.jumpsAt) return tooLate(seen);
  return seen.isThere ? undefined : empty(seen);
}

/** Whether it is the chain FORWARD of the table filter, as iptables has it. */
export function isOfIptables({ place }: EntryChain): boolean {
  if (place.kind === 'iptables-legacy') return true;
  return place.family.startsWith('ip') && place.table === 'filter' && place.chain === 'FORWARD';
}

function programOf({ place }: EntryChain): string {
  if (place.kind === 'iptables-legacy') return place.program;
  return place.family === 'ip6' ? 'ip6tables' : 'iptables';
}

function dropsEverything({ match, outcome }: FilterRule): boolean {
  return match.length === 0 && outcome.kind === 'drop';
}

/** Places are counted from 0; -1 where there is none. */
type Seen = {
  readonly program: string;
  readonly isThere: boolean;
  readonly jumpsAt: number;
  readonly dropsAt: number;
};

const jump = `-j ${admittingChain}`;

function missing({ program, isThere, dropsAt }: Seen): JumpTrouble {
  const place = dropsAt < 0 ? '-A FORWARD' : `-I FORWARD ${dropsAt + 1}`;
  return {
    found: `none of its rules leads to ${admittingChain}`,
    isMendedByAdd: true,
    byHand: isThere ? `${program} ${place} ${jump}` : undefined,
  };
}

function tooLate({ program, isThere, dropsAt }: Seen): JumpTrouble {
  const lines = [`${program} -D FORWARD ${jump}`, `${program} -I FORWARD ${dropsAt + 1} ${jump}`];
  return {
    found: `its rule ${dropsAt + 1} drops everything before another one leads to ${admittingChain}`,
    isMendedByAdd: true,
    byHand: isThere ? shellLines(lines) : undefined,
  };
}

function empty({ program }: Seen): JumpTrouble {
  const mark = `-m mark --mark ${admittedMark}/${admittedMark}`;
  return {
    found: `${admittingChain}, to which it leads, is empty`,
    isMendedByAdd: false,
    byHand: `${program} -A ${admittingChain} ${mark} -j ACCEPT`,
  };
}
