import {
  existsSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { createJudge, type Judge, type Proof, readBootId } from '../../lib/attach/liveness.ts';
import { fileFailure, ifExists, onFiles } from '../../lib/errors/system-error.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import type { Tried } from '../../lib/exec/tried.ts';
import { formatAddress, type IpAddress, parseAddress } from '../../lib/net/address.ts';
import type { StoreConfig } from './config.ts';
import { LeaseFiles, type LeaseOwner } from './lease-files.ts';
import { LeaseIndex, type LeaseRecord } from './lease-index.ts';
import { type LockRequest, tryWithLock, withLock } from './lock.ts';

/** Where our own files about a network's leases are: outside the data directory, on the same file system. */
export function indexDirOf({ dataDir, network }: StoreConfig): string {
  return `${dataDir.replace(/\/+$/, '')}.fairlead/${network}`;
}

/** Where the lease files of a network are. */
export function leaseDirOf({ dataDir, network }: StoreConfig): string {
  return `${dataDir.replace(/\/+$/, '')}/${network}`;
}

/** Which network's leases, and what for: a release goes on although the disk is full. */
export type StoreRequest = {
  readonly config: StoreConfig;
  readonly machine: Machine;
  readonly intent: 'lease' | 'release';
};

/**
 * Runs `work` on the leases of a network, alone among our own processes. The index is brought up to date first
 * and stamped last, so that whatever fails or ends the process in between only costs the next one a rebuild.
 * @throws CniError as the lock, the files and `work` do
 */
export function withStore<T>(request: StoreRequest, work: (store: LeaseStore) => T): T {
  return withLock(lockOf(request), (keepAlive) => workOnStore({ request, keepAlive, work }));
}

/**
 * The same for a caller that must not wait for other processes.
 * @throws CniError as the files and `work` do
 */
export function tryWithStore<T>(request: StoreRequest, work: (store: LeaseStore) => T): Tried<T> {
  return tryWithLock(lockOf(request), (keepAlive) => workOnStore({ request, keepAlive, work }));
}

function lockOf({ config, machine, intent }: StoreRequest): LockRequest {
  const onFullDisk = intent === 'release' ? 'go on' : 'fail';
  return { dir: indexDirOf(config), onFullDisk, sleep: machine.sleep };
}

type StoreWork<T> = {
  readonly request: StoreRequest;
  readonly keepAlive: () => void;
  readonly work: (store: LeaseStore) => T;
};

function workOnStore<T>({ request, keepAlive, work }: StoreWork<T>): T {
  const store = new LeaseStore(request, keepAlive);
  store.refresh();
  const answer = work(store);
  store.finish();
  return answer;
}

/** Whether the network has, or ever had, leases here. */
export function hasStore(config: StoreConfig): boolean {
  return existsSync(leaseDirOf(config));
}

/**
 * Removes the directories of a network that has no lease.
 * @throws CniError where a container has come meanwhile: its lease, and the round robin, stay
 */
export function removeStore(config: StoreConfig): void {
  const dir = leaseDirOf(config);
  const names = ifExists(() => readdirSync(dir)) ?? [];
  onFiles(`removing ${dir}`, () => {
    for (const name of names) if (/^(last_reserved_ip\.\d+|lock)$/.test(name)) rmSync(`${dir}/${name}`);
    ifExists(() => rmdirSync(dir));
  });
  rmSync(indexDirOf(config), { recursive: true, force: true });
  try {
    rmdirSync(dirname(indexDirOf(config)));
  } catch {
    // Another network's index is in it.
  }
}

/** The leases of one network, under its lock. */
export class LeaseStore {
  readonly #files: LeaseFiles;
  readonly #index: LeaseIndex;
  readonly #bootId: string;
  /** Tells which leases are proven dead at this moment. */
  readonly judge: Judge;

  readonly #intent: StoreRequest['intent'];
  readonly #showAlive: () => void;
  #untilNextSign = 0;

  constructor({ config, machine, intent }: StoreRequest, showAlive: () => void) {
    this.#intent = intent;
    this.#showAlive = showAlive;
    const dir = leaseDirOf(config);
    this.#files = new LeaseFiles(dir);
    this.#index = new LeaseIndex(indexDirOf(config), dir);
    this.#bootId = readBootId(machine);
    this.judge = createJudge(machine);
  }

  /** Rebuilds the index unless it is current; leases from before the last boot are reclaimed then. */
  refresh(): void {
    if (this.#index.isCurrent(this.#bootId)) return;
    for (const record of this.#rebuild().values()) {
      const { proof } = record;
      if (proof !== undefined && proof.bootId !== this.#bootId) this.release(record, 0);
    }
  }

  finish(): void {
    this.#index.stamp(this.#bootId);
  }

  /** What the attachment has; a legacy lease, which names no interface, is found by its container alone. */
  find({ containerId, ifName }: LeaseOwner): LeaseRecord | undefined {
    return this.#get({ containerId, ifName }) ?? this.#get({ containerId, ifName: '' });
  }

  list(): readonly LeaseRecord[] {
    return this.#index.list();
  }

  /** Every leased address, also those whose file names no owner. */
  listAddresses(): readonly IpAddress[] {
    return this.#files.list();
  }

  /**
   * Writes down who is about to lease, with the proof: should the process end before the leases are complete,
   * the rebuild finds it. Call `record` with the addresses at the end.
   */
  announce(owner: LeaseOwner, proof: Proof): void {
    this.#files.prepare();
    this.#index.put({ ...owner, addresses: [], proof });
  }

  /** Takes the address; false where it is leased already. What cannot be completed is given back. */
  reserve(address: IpAddress, owner: LeaseOwner, rangeSet: number): boolean {
    if (!this.#files.create(address, owner, this.#index.scratch)) return false;
    try {
      this.#files.setLastReserved(rangeSet, address, this.#index.scratch);
      return true;
    } catch (error) {
      this.#files.forget(address);
      throw error;
    }
  }

  record(owner: LeaseOwner, proof: Proof, addresses: readonly IpAddress[]): void {
    this.#index.put({ ...owner, addresses: addresses.map(formatAddress), proof });
  }

  lastReserved(rangeSet: number): IpAddress | undefined {
    return this.#files.lastReserved(rangeSet);
  }

  /** Gives back all that the record names; with a cool-down, not to be leased again for so long (in milliseconds). */
  release(record: LeaseRecord, cooldownMs: number): void {
    for (const address of toAddresses(record)) {
      this.#files.remove(address, record);
      if (cooldownMs > 0) this.#startCooling(address);
    }
    this.#index.remove(record);
  }

  /** Gives one address back, whoever has it and although its owner cannot be read. */
  forget(address: IpAddress): void {
    const owner = this.#files.ownerOf(address);
    this.#files.forget(address);
    const record = owner === undefined ? undefined : this.#get(owner);
    if (record === undefined) return;
    const others = record.addresses.filter((other) => other !== formatAddress(address));
    if (others.length === 0) this.#index.remove(record);
    else this.#index.put({ ...record, addresses: others });
  }

  /** Releases what is proven dead and returns it. */
  reclaim(): readonly LeaseRecord[] {
    const dead = this.list().filter(({ proof }) => this.judge(proof).state === 'dead');
    for (const record of dead) this.release(record, 0);
    return dead;
  }

  /** Whether the address was released less than `cooldownMs` ago. */
  isCooling(address: IpAddress, cooldownMs: number): boolean {
    if (cooldownMs === 0) return false;
    const path = this.#coolingPath(address);
    const releasedAt = ifExists(() => statSync(path).mtimeMs);
    if (releasedAt === undefined) return false;
    if (Date.now() - releasedAt < cooldownMs) return true;
    unlinkSync(path);
    return false;
  }

  /** Best effort: a disk that is full must not stop the release. */
  #startCooling(address: IpAddress): void {
    try {
      mkdirSync(`${this.#index.dir}/cooling`, { recursive: true, mode: 0o700 });
      writeFileSync(this.#coolingPath(address), '');
    } catch {
      return;
    }
  }

  #coolingPath(address: IpAddress): string {
    return `${this.#index.dir}/cooling/${formatAddress(address)}`;
  }

  #get(owner: LeaseOwner): LeaseRecord | undefined {
    const record = this.#index.get(owner);
    return record === 'damaged' ? this.#rebuild().get(keyOf(owner)) : record;
  }

  /** Makes the index agree with the files: they decide who has what, the index adds the proof it had. */
  #rebuild(): ReadonlyMap<string, LeaseRecord> {
    const known = new Map(this.#index.list().map((record) => [keyOf(record), record]));
    const found = this.#readOwners();
    this.#prepareIndex();
    for (const [key, record] of known)
      if (!found.has(key) && !this.#holdsNow(record)) this.#index.remove(record);
    return new Map([...found].map(([key, lease]) => [key, this.#agree(lease, known.get(key))]));
  }

  /** Looked at once more: should the lock have been lost, its owner may have leased since the files were listed. */
  #holdsNow(owner: LeaseOwner): boolean {
    const record = this.#index.get(owner);
    if (record === undefined || record === 'damaged') return false;
    return toAddresses(record).some((address) => {
      const holder = this.#files.ownerOf(address);
      return holder !== undefined && keyOf(holder) === keyOf(owner);
    });
  }

  /** A release must work on a full disk, too: an index that cannot be written is rebuilt by the next call. */
  #prepareIndex(): void {
    try {
      this.#index.prepare();
    } catch (error) {
      if (this.#intent === 'lease') throw fileFailure(`creating ${this.#index.dir}`, error);
    }
  }

  /** The attachment's record as the files say, written where it was not so. */
  #agree({ owner, addresses }: FoundLease, old: LeaseRecord | undefined): LeaseRecord {
    this.#keepAlive();
    if (old !== undefined && old.addresses.toSorted().join() === addresses.toSorted().join()) return old;
    const record = { ...owner, addresses, ...(old?.proof === undefined ? {} : { proof: old.proof }) };
    try {
      this.#index.put(record);
    } catch (error) {
      if (this.#intent === 'lease') throw error;
    }
    return record;
  }

  #readOwners(): Map<string, FoundLease> {
    const found = new Map<string, FoundLease>();
    for (const address of this.#files.list()) {
      this.#keepAlive();
      const owner = this.#files.ownerOf(address);
      if (owner === undefined) continue;
      const entry = found.get(keyOf(owner)) ?? { owner, addresses: [] };
      entry.addresses.push(formatAddress(address));
      found.set(keyOf(owner), entry);
    }
    return found;
  }

  /** A rebuild of very many leases may outlast the lock's stale limit: it is told now and then that we live. */
  #keepAlive(): void {
    if (this.#untilNextSign-- > 0) return;
    this.#untilNextSign = 1000;
    this.#showAlive();
  }
}

type FoundLease = { readonly owner: LeaseOwner; readonly addresses: string[] };

/** The addresses of a record. */
export function toAddresses({ addresses }: LeaseRecord): readonly IpAddress[] {
  return addresses.map(parseAddress).filter((address) => address !== undefined);
}

function keyOf({ containerId, ifName }: LeaseOwner): string {
  return `${containerId},${ifName}`;
}
