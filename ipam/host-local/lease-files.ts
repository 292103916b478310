import {
  constants,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { isContainerId } from '../../lib/cni/invocation.ts';
import { errnoOf, ifExists, onFiles } from '../../lib/errors/system-error.ts';
import { formatAddress, type IpAddress, parseAddress } from '../../lib/net/address.ts';

/** Who a lease file says has the address; a legacy file names no interface. */
export type LeaseOwner = { readonly containerId: string; readonly ifName: string };

/**
 * The files of one network in the reference's format, below `<dataDir>/<network>/`: one for each leased address,
 * named by it, mode 0600, holding container id, CR LF and interface name; and `last_reserved_ip.<range set>`.
 */
export class LeaseFiles {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  /** Creates the directory where it is absent. */
  prepare(): void {
    onFiles(`creating ${this.dir}`, () => mkdirSync(this.dir, { recursive: true, mode: 0o755 }));
  }

  /**
   * Takes the address for the owner; false where somebody has it.
   *
   * The file is written elsewhere and linked to its name, which decides and is atomic: a process that ends in between
   * leaves no file that names nobody, as it would between an exclusive open and the write.
   * @param scratch a path outside the directory and on its file system
   */
  create(address: IpAddress, { containerId, ifName }: LeaseOwner, scratch: string): boolean {
    const path = this.#pathOf(address);
    return onFiles(`leasing ${formatAddress(address)} in ${this.dir}`, () => {
      // Not truncated but removed: it may be the other name of a lease whose writer was killed.
      rmSync(scratch, { force: true });
      try {
        writeFileSync(scratch, `${containerId}\r\n${ifName}`, { flag: 'wx', mode: 0o600 });
        return linkExclusively(scratch, path);
      } finally {
        rmSync(scratch, { force: true });
      }
    });
  }

  /** Gives the address back if the owner still has it. */
  remove(address: IpAddress, owner: LeaseOwner): void {
    const current = this.ownerOf(address);
    if (current?.containerId === owner.containerId && current.ifName === owner.ifName) this.forget(address);
  }

  /** Removes the address's file, whosever it is. */
  forget(address: IpAddress): void {
    onFiles(`releasing ${formatAddress(address)} in ${this.dir}`, () =>
      ifExists(() => unlinkSync(this.#pathOf(address))),
    );
  }

  /** Undefined where the address is free, or its file says nothing that can be understood. */
  ownerOf(address: IpAddress): LeaseOwner | undefined {
    const text = readIfPossible(this.#pathOf(address));
    return text === undefined ? undefined : parseOwner(text);
  }

  /** Every leased address. */
  list(): readonly IpAddress[] {
    const names = onFiles(`listing ${this.dir}`, () => ifExists(() => readdirSync(this.dir))) ?? [];
    return names.map(parseAddress).filter((address) => address !== undefined);
  }

  lastReserved(rangeSet: number): IpAddress | undefined {
    const text = readIfPossible(this.#lastReservedPath(rangeSet));
    return text === undefined ? undefined : parseAddress(text.trim());
  }

  /** @param scratch a path outside the directory and on its file system, to rename from */
  setLastReserved(rangeSet: number, address: IpAddress, scratch: string): void {
    const path = this.#lastReservedPath(rangeSet);
    onFiles(`writing ${path}`, () => {
      writeFileSync(scratch, formatAddress(address), { mode: 0o600 });
      replaceFile(scratch, path);
    });
  }

  #pathOf(address: IpAddress): string {
    return `${this.dir}/${formatAddress(address)}`;
  }

  #lastReservedPath(rangeSet: number): string {
    return `${this.dir}/last_reserved_ip.${rangeSet}`;
  }
}

/** False where the name is taken. */
function linkExclusively(from: string, to: string): boolean {
  try {
    placeExclusively(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Where the directory is a mount of its own, or its file system knows no hard links, exclusively but not at once. */
function placeExclusively(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (!['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP'].includes(errnoOf(error) ?? '')) throw error;
    copyFileSync(from, to, constants.COPYFILE_EXCL);
  }
}

function replaceFile(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error;
    copyFileSync(from, to);
    rmSync(from, { force: true });
  }
}

/** A damaged or foreign entry (a directory named like an address) must not stop the others from being read. */
function readIfPossible(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function parseOwner(text: string): LeaseOwner | undefined {
  const [containerId = '', ifName = ''] = text.trim().split(/\r?\n/);
  // The kernel has no longer names of interfaces: this is no lease that a plugin wrote.
  return isContainerId(containerId) && ifName.length <= 15 ? { containerId, ifName } : undefined;
}
