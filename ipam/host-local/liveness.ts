import { readdirSync, readlinkSync } from 'node:fs';
import type { Machine } from '../../lib/exec/machine.ts';
import type { NetnsIdentity } from '../../lib/exec/netns.ts';
import type { LeaseProof } from './lease-index.ts';

/** What is known of the container behind a lease. */
export type Liveness =
  | { readonly state: 'live' }
  | { readonly state: 'dead'; readonly because: string }
  | { readonly state: 'unknown'; readonly because: string };

/** Judges leases by the proof that their writer left. */
export type Judge = (proof: LeaseProof | undefined) => Liveness;

/**
 * A judge of this moment.
 *
 * A lease is dead when it comes from an earlier boot, or when its namespace's path is gone or leads to another
 * namespace. The path may be one that only its writer's mount namespace shows; so a namespace counts as gone
 * only if no process is in it either. That errs towards alive: inode numbers are used again.
 */
export function createJudge(machine: Machine): Judge {
  const bootId = readBootId(machine);
  let inhabited: ReadonlySet<number> | undefined;
  const isInhabited = (inode: number) => {
    inhabited ??= listInhabitedNetns();
    return inhabited.has(inode);
  };
  return (proof) => {
    if (proof === undefined) return unknown('leased by another program, which left no proof');
    if (proof.bootId !== bootId) return dead('leased before the last boot');
    if (proof.netns === undefined) return unknown('leased without a network namespace');
    return judgeNetns(proof.netns, machine.identifyNetns(proof.netns.path), isInhabited);
  };
}

type Netns = NonNullable<LeaseProof['netns']>;

function judgeNetns(
  { path, device, inode }: Netns,
  found: NetnsIdentity | undefined,
  isInhabited: (inode: number) => boolean,
): Liveness {
  const isSame = found?.inode === inode && found.device === device;
  if (isSame || isInhabited(inode)) return { state: 'live' };
  return dead(found === undefined ? `${path} is gone` : `${path} is another namespace now`);
}

function unknown(because: string): Liveness {
  return { state: 'unknown', because };
}

function dead(because: string): Liveness {
  return { state: 'dead', because };
}

/** The id that the kernel gives each boot. */
export function readBootId({ readProc }: Pick<Machine, 'readProc'>): string {
  return readProc('/proc/sys/kernel/random/boot_id') ?? 'unknown';
}

/** Inodes of the network namespaces that processes are in. */
function listInhabitedNetns(): ReadonlySet<number> {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return new Set(pids.map((pid) => inodeOf(`/proc/${pid}/ns/net`)).filter((inode) => inode !== undefined));
}

/** A process may end while it is looked at. */
function inodeOf(link: string): number | undefined {
  try {
    return Number(/\[(\d+)\]/.exec(readlinkSync(link))?.[1]);
  } catch {
    return undefined;
  }
}
