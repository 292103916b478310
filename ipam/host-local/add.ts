import { readFileSync } from 'node:fs';
import { type Proof, proveAlive } from '../../lib/attach/liveness.ts';
import type { AttachmentCall } from '../../lib/cni/dispatch.ts';
import type { Result, ResultDns, ResultIp } from '../../lib/cni/result.ts';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import { onFiles } from '../../lib/errors/system-error.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { formatAddress, type IpAddress } from '../../lib/net/address.ts';
import { candidates, requestProblem } from './allocate.ts';
import { type HostLocalConfig, parseHostLocalConfig, parseRequestedAddresses } from './config.ts';
import { LeaseFiles, type LeaseOwner } from './lease-files.ts';
import { type RangeSet, rangeOf } from './range.ts';
import { parseResolvConf } from './resolv-conf.ts';
import { type LeaseStore, leaseDirOf, toAddresses, withStore } from './store.ts';

/**
 * Leases one address from each range set to the attachment.
 * @throws CniError code 7 for a bad configuration or request, 11 for a pool without a free address, 999 for an
 * attachment that has a lease already
 */
export function add({ conf, attachment }: AttachmentCall, machine: Machine): Result {
  const config = parseHostLocalConfig(conf);
  const requested = parseRequestedAddresses(conf, attachment, config.rangeSets);
  const dns = readDns(config);
  const ips = withStore({ config, machine, intent: 'lease' }, (store) => {
    const { containerId, ifName } = attachment;
    const owner = { containerId, ifName };
    refuseSecondLease(store, owner);
    return leaseAll(store, { config, requested, owner, proof: proveAlive(attachment.netns, machine) });
  });
  return { interfaces: [], ips, routes: config.routes, dns };
}

/**
 * The result that the ADD of a new attachment would have now, without leasing anything. A requested address is taken as
 * free, and cool-downs as over.
 * @throws CniError code 7 for a bad configuration, 11 for a pool without a free address
 */
export function preview({ conf, attachment }: AttachmentCall): Result {
  const config = parseHostLocalConfig(conf);
  const requested = parseRequestedAddresses(conf, attachment, config.rangeSets);
  const dns = readDns(config);
  const files = new LeaseFiles(leaseDirOf(config));
  const taken = new Set(files.list().map(formatAddress));
  const ips = config.rangeSets.map((set, at) => {
    const wish = requested.find((address) => rangeOf(set, address) !== undefined);
    const free =
      wish ?? candidates(set, files.lastReserved(at)).find((address) => !taken.has(formatAddress(address)));
    if (free === undefined) throw exhausted(set);
    return toIp(set, free);
  });
  return { interfaces: [], ips, routes: config.routes, dns };
}

type Wish = {
  readonly config: HostLocalConfig;
  readonly requested: readonly IpAddress[];
  readonly owner: LeaseOwner;
  readonly proof: Proof;
};

/** All or nothing: a set that has no address gives back what the others have given. */
function leaseAll(store: LeaseStore, wish: Wish): readonly ResultIp[] {
  const leased: IpAddress[] = [];
  store.announce(wish.owner, wish.proof);
  try {
    for (const at of wish.config.rangeSets.keys()) leased.push(leaseOne(store, at, wish));
    store.record(wish.owner, wish.proof, leased);
  } catch (error) {
    store.release({ ...wish.owner, addresses: leased.map(formatAddress) }, 0);
    throw error;
  }
  return wish.config.rangeSets.flatMap((set, at) => {
    const address = leased[at];
    return address === undefined ? [] : [toIp(set, address)];
  });
}

function leaseOne(store: LeaseStore, at: number, { config, requested, owner }: Wish): IpAddress {
  const set = config.rangeSets[at] ?? config.rangeSets[0];
  const wish = requested.find((address) => rangeOf(set, address) !== undefined);
  if (wish !== undefined) return leaseRequested(store, { set, at, owner, wish });
  const attempt = () => leaseNext(store, { set, at, owner, cooldownMs: config.cooldownMs });
  const address = attempt() ?? (store.reclaim().length > 0 ? attempt() : undefined);
  if (address === undefined) throw exhausted(set);
  return address;
}

type Turn = { readonly set: RangeSet; readonly at: number; readonly owner: LeaseOwner };

function leaseRequested(store: LeaseStore, { set, at, owner, wish }: Turn & { wish: IpAddress }): IpAddress {
  const problem = requestProblem(set, wish);
  if (problem !== undefined) {
    throw new CniError(ErrorCode.invalidConfig, `ips: the requested ${formatAddress(wish)} ${problem}`);
  }
  if (store.reserve(wish, owner, at)) return wish;
  store.reclaim();
  if (store.reserve(wish, owner, at)) return wish;
  throw new CniError(
    ErrorCode.internal,
    `the requested ${formatAddress(wish)} is leased already; "fairlead leases" shows to whom`,
  );
}

/** How many leased addresses in a row are tried one by one before the directory is read instead. */
const mostAttempts = 64;

/** The next free address in turn. Its cost does not grow with the leases, but where most of the pool is taken. */
function leaseNext(
  store: LeaseStore,
  { set, at, owner, cooldownMs }: Turn & { cooldownMs: number },
): IpAddress | undefined {
  let attempts = 0;
  let taken: ReadonlySet<string> | undefined;
  for (const address of candidates(set, store.lastReserved(at))) {
    if (attempts++ === mostAttempts) taken = new Set(store.listAddresses().map(formatAddress));
    if (taken?.has(formatAddress(address)) || store.isCooling(address, cooldownMs)) continue;
    if (store.reserve(address, owner, at)) return address;
  }
  return undefined;
}

/** A second lease of one attachment is an error, unless the first one's container is proven dead. */
function refuseSecondLease(store: LeaseStore, owner: LeaseOwner): void {
  const record = store.find(owner);
  if (record === undefined || toAddresses(record).length === 0) return;
  if (store.judge(record.proof).state === 'dead') {
    store.release(record, 0);
    return;
  }
  throw new CniError(
    ErrorCode.internal,
    `container ${owner.containerId} interface ${owner.ifName} has ${record.addresses.join(', ')} already; ` +
      'an ADD must follow a DEL, which releases it',
  );
}

function exhausted(set: RangeSet): CniError {
  const ranges = set.map(({ start, end }) => `${formatAddress(start)}-${formatAddress(end)}`).join(', ');
  return new CniError(
    ErrorCode.tryAgainLater,
    `no free address in ${ranges}; "fairlead leases" shows who has them, "fairlead gc" frees those of dead containers`,
  );
}

function toIp(set: RangeSet, address: IpAddress): ResultIp {
  const { subnet, gateway } = rangeOf(set, address) ?? set[0];
  return { address: { address, prefixLength: subnet.prefixLength }, gateway };
}

function readDns({ resolvConf }: HostLocalConfig): ResultDns {
  if (resolvConf === undefined) return {};
  return parseResolvConf(
    onFiles(`ipam.resolvConf: reading ${resolvConf}`, () => readFileSync(resolvConf, 'utf8')),
  );
}
