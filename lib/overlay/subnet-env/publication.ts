import type { Target } from '../kernel/target.ts';
import { byFamily } from '../lease/by-family.ts';
import type { SubnetLease } from '../lease/lease.ts';
import { subnetsOf, subnetsOverlap } from '../lease/overlap.ts';
import { describeOwner, entriesOf, findOwn, type Identity } from '../lease/owner.ts';
import type { LeaseTable } from '../lease/table.ts';
import type { OverlaySettings } from '../settings.ts';
import { writeRemembered } from './remembered.ts';
import { renderSubnetEnv, type SubnetEnv } from './subnet-env.ts';
import { readSubnetEnv, removeSubnetEnv, writeSubnetEnv } from './subnet-env-file.ts';

/** A lease that is held, and what has been made for it. */
export type Published = {
  readonly lease: SubnetLease;
  readonly untilSeconds: number | undefined;
  readonly target: Target;
};

/**
 * Tells the plugins what this host has of the overlay, or takes it back. Written again only where the file does not say
 * so already; somebody may have removed it.
 * @throws CniError code 5
 */
export function publish(
  { mode, subnetFile, stateFile, ipMasq }: OverlaySettings,
  { lease, untilSeconds, target }: Published,
  bootId: string,
): void {
  const planeOf = (family: 4 | 6) => target.planes.find(({ plane }) => plane.family === family)?.plane;
  const networks = byFamily((family) => target.networks[family] && [target.networks[family]]);
  const env: SubnetEnv = {
    networks,
    subnets: subnetsOf(lease),
    mtu: Math.min(...target.planes.map(({ plane }) => plane.mtu)),
    ipMasq,
    mode,
    devices: byFamily((family) => planeOf(family)?.device),
    bootId,
    leaseUntilSeconds: untilSeconds,
  };
  if (isWritten(subnetFile, env)) return;
  // First: a host that is cut off between the two would have a subnet that it does not remember.
  writeRemembered(stateFile, subnetsOf(lease));
  writeSubnetEnv(subnetFile, env);
}

/** @throws CniError code 5 */
export function withdraw({ subnetFile }: OverlaySettings): void {
  removeSubnetEnv(subnetFile);
}

/**
 * Takes back what a former run of the agent has left, where another host has leased a part of it since.
 * @returns who, in words; undefined where nobody has
 * @throws CniError code 5, or code 7 for a file that is not understood
 */
export function withdrawTaken(
  { subnetFile }: Pick<OverlaySettings, 'subnetFile'>,
  table: LeaseTable,
  identity: Identity,
): string | undefined {
  const { subnets = {} } = readSubnetEnv(subnetFile) ?? {};
  const entries = entriesOf(table);
  const own = findOwn(entries, identity, undefined);
  const taker = entries.find((entry) => entry !== own && subnetsOverlap(entry.subnets, subnets));
  if (taker === undefined) return undefined;
  removeSubnetEnv(subnetFile);
  return describeOwner(taker);
}

/** A file that cannot be read or understood is written anew. */
function isWritten(path: string, env: SubnetEnv): boolean {
  try {
    const found = readSubnetEnv(path);
    return found !== undefined && renderSubnetEnv(found) === renderSubnetEnv(env);
  } catch {
    return false;
  }
}
