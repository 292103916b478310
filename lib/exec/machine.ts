import { readFileSync, writeFileSync } from 'node:fs';
import { onFiles } from '../errors/system-error.ts';
import { sysctlPath } from '../net/sysctl.ts';
import type { Flow } from '../plan/flow.ts';
import type { RunSync, StartDetached } from './command.ts';
import { forgetFlows } from './conntrack.ts';
import { type InNetns, identifyNetns, identifyOwnNetns, type NetnsIdentity } from './netns.ts';
import { findNftChains, findNftTables } from './nft-names.ts';
import type { Shortcut } from './shortcut.ts';

/** All that a verb may touch of the machine it runs on; chosen by the composition root. */
export type Machine = {
  readonly run: RunSync;
  readonly startDetached: StartDetached;
  readonly shortcut: Shortcut;
  readonly inNetns: InNetns;
  readonly identifyNetns: (path: string) => NetnsIdentity | undefined;
  readonly identifyOwnNetns: () => NetnsIdentity;
  /** A file below /proc (which shows the namespace of this thread) or /sys, trimmed; undefined where it does not exist. */
  readonly readProc: (path: string) => string | undefined;
  readonly writeProc: (path: string, value: string) => void;
  /** Has conntrack, in this thread's namespace, forget flows. */
  readonly forgetFlows: (flows: readonly Flow[]) => void;
  /** Which of the tables of nftables, of any program's, this thread's namespace has. */
  readonly findNftTables: typeof findNftTables;
  readonly findNftChains: typeof findNftChains;
  readonly sleep: (ms: number) => void;
};

/** The machine itself. */
export function createMachine(
  ways: Pick<Machine, 'run' | 'startDetached' | 'shortcut' | 'inNetns'>,
): Machine {
  return {
    ...ways,
    identifyNetns,
    identifyOwnNetns,
    readProc,
    writeProc,
    forgetFlows,
    findNftTables,
    findNftChains,
    sleep,
  };
}

/**
 * Whether this thread's network namespace has an interface of that name.
 * Asked of procfs, which is the reader's: sysfs shows the namespace in which it was mounted.
 */
export function hasInterface(machine: Pick<Machine, 'readProc'>, ifName: string): boolean {
  return machine.readProc(`/proc/sys/net/${sysctlPath('ipv4', ifName, 'forwarding')}`) !== undefined;
}

/** An interface that is just going answers ENODEV or EINVAL, which is as good as absent. */
function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function writeProc(path: string, value: string): void {
  onFiles(`writing ${value} to ${path}`, () => writeFileSync(path, value));
}

/** Sleeps without an event loop: ADD is synchronous. */
function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
