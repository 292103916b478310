import { failuresOf } from '../lib/errors/collect.ts';
import { forgetFlows } from '../lib/exec/conntrack.ts';
import { type HomeNftables, openHomeNftables } from '../lib/exec/home-nftables.ts';
import { keepNetfilter } from '../lib/exec/kept-netfilter.ts';
import { startLinkRemoval } from '../lib/exec/link-removal.ts';
import { awaitRunning } from '../lib/exec/link-running.ts';
import { carryOutLinks } from '../lib/exec/link-shortcut.ts';
import { createMachine, type Machine } from '../lib/exec/machine.ts';
import { createInNetns } from '../lib/exec/netns.ts';
import { findNftChains, findNftTables } from '../lib/exec/nft-names.ts';
import { carryOutRules } from '../lib/exec/nft-shortcut.ts';
import { rememberListings } from '../lib/exec/remembered-listings.ts';
import { noShortcut, type Shortcut } from '../lib/exec/shortcut.ts';
import { createDetachedStarter, createSpawnSyncRunner } from '../lib/exec/spawn-runner.ts';
import { findIn } from '../lib/nft/set-types.ts';
import { declaredSets } from '../lib/rules/declared-sets.ts';

/** The machine for a caller who has tools looked up in this PATH. */
export type MachineFor = (path: string) => Machine;

/**
 * The machine as a worker has it, to be made in the host's network namespace.
 * @param usesNetlink whether links and rules are changed without a process
 * @param abandon ends the process: a thread that cannot come back must not go on in the wrong namespace
 */
export function createWorkerMachine(usesNetlink: boolean, abandon: () => never): MachineFor {
  const inNetns = createInNetns(abandon);
  return keepEach(usesNetlink ? throughNetlink(inNetns) : (path) => withTools(path, inNetns));
}

function withTools(path: string, inNetns: Machine['inNetns']): Machine {
  return createMachine({
    inNetns,
    shortcut: noShortcut,
    run: createSpawnSyncRunner(path),
    startDetached: createDetachedStarter(path),
  });
}

/** Sockets to netfilter stay open: the kernel keeps waiting who closes one. */
function throughNetlink(inNetns: Machine['inNetns']): MachineFor {
  const nftables = openHomeNftables();
  const shortcut = createShortcut(nftables);
  const open = keepNetfilter();
  return (path) => {
    const machine = withTools(path, inNetns);
    return {
      ...machine,
      shortcut,
      run: rememberListings(machine.run, nftables),
      forgetFlows: (flows) => forgetFlows(flows, undefined, open),
      findNftTables: (wanted) => findNftTables(wanted, open),
      findNftChains: (wanted) => findNftChains(wanted, open),
    };
  };
}

function createShortcut(nftables: HomeNftables): Shortcut {
  const findTypes = findIn(declaredSets);
  return {
    carryOut: ({ tool, operations }) => {
      if (tool === 'ip') return carryOutLinks(operations);
      return tool === 'nft' ? carryOutRules(operations, { nftables, findTypes }) : 0;
    },
    startRemoval: startLinkRemoval,
    // What is attached is attached: a kernel that does not say whether the link runs stops no ADD.
    awaitRunning: (name, waiting) => {
      failuresOf(() => awaitRunning(name, waiting));
    },
  };
}

/** More than a few callers' PATHs is somebody who makes them up. */
const mostKept = 16;

/** What is made of a text once, and kept for the next time. */
function keepEach<T>(make: (text: string) => T): (text: string) => T {
  const kept = new Map<string, T>();
  return (text) => {
    const known = kept.get(text);
    if (known !== undefined) return known;
    if (kept.size >= mostKept) kept.clear();
    const made = make(text);
    kept.set(text, made);
    return made;
  };
}
