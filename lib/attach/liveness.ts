import { readdirSync, readlinkSync } from 'node:fs';
import type { Fields } from '../cni/fields.ts';
import type { Machine } from '../exec/machine.ts';
import type { NetnsIdentity } from '../exec/netns.ts';

/** What whoever served an ADD knew of the container, by which it can be proven dead later. */
export type Proof = {
  /** /proc/sys/kernel/random/boot_id at the time of the ADD. */
  readonly bootId: string;
  readonly netns?: { readonly path: string } & NetnsIdentity;
};

/** What is known of the container behind a lease or a registration. */
export type Liveness =
  | { readonly state: 'live' }
  | { readonly state: 'dead'; readonly because: string }
  | { readonly state: 'unknown'; readonly because: string };

/** Judges a container by the proof that its ADD left. */
export type Judge = (proof: Proof | undefined) => Liveness;

/**
 * A judge of this moment.
 *
 * A container is dead when its ADD was before the last boot, or when its namespace's path is gone or leads to another
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
    if (bootId === unknownBoot) return unknown('this boot cannot be told from others: /proc is not there');
    if (proof === undefined) return unknown('made by another program, which left no proof');
    if (proof.bootId !== bootId) return dead('made before the last boot');
    if (proof.netns === undefined) return unknown('made without a network namespace');
    return judgeNetns(proof.netns, machine.identifyNetns(proof.netns.path), isInhabited);
  };
}

type Netns = NonNullable<Proof['netns']>;

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

/** The proof that the container whose namespace is at this path was alive now. */
export function proveAlive(netns: string, machine: Machine): Proof {
  const identity = machine.identifyNetns(netns);
  const bootId = readBootId(machine);
  return identity === undefined ? { bootId } : { bootId, netns: { path: netns, ...identity } };
}

/** A proof as JSON has it. @throws CniError code 7 */
export function parseProof(fields: Fields): Proof {
  const bootId = fields.string('bootId') ?? fields.missing('bootId');
  const netns = fields.object('netns');
  if (netns === undefined) return { bootId };
  const path = netns.string('path') ?? netns.missing('path');
  const number = (name: string) =>
    netns.integer(name, { min: 0, max: Number.MAX_SAFE_INTEGER }) ?? netns.missing(name);
  return { bootId, netns: { path, device: number('device'), inode: number('inode') } };
}

/** Where the id of this boot cannot be read; then nothing proves that anything is from an earlier one. */
export const unknownBoot = 'unknown';

/** The id that the kernel gives each boot. */
export function readBootId({ readProc }: Pick<Machine, 'readProc'>): string {
  return readProc('/proc/sys/kernel/random/boot_id') ?? unknownBoot;
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
