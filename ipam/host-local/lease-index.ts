import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type Proof, parseProof } from '../../lib/attach/liveness.ts';
import { Fields, parseText } from '../../lib/cni/fields.ts';
import { errnoOf, ifExists, onFiles } from '../../lib/errors/system-error.ts';
import { parseAddress } from '../../lib/net/address.ts';
import { hash64 } from '../../lib/net/hash.ts';
import type { LeaseOwner } from './lease-files.ts';

/** All leases of one attachment. Without proof they were made by the reference. */
export type LeaseRecord = LeaseOwner & {
  readonly addresses: readonly string[];
  readonly proof?: Proof;
};

/**
 * From attachment to addresses, one small file for each attachment, in a directory beside the data directory
 * (the reference reads, and may delete, anything inside it): `<dataDir>.fairlead/<network>/`.
 *
 * The index is trusted while `stamp` holds the data directory's modification time and the boot id: whoever else
 * adds or removes a lease changes the former. What a reference `host-local` writes while one of our calls is at
 * work (a few ms, longer in a rebuild; up to kernel 6.12 also within the same tick) may go unnoticed until its
 * next write.
 */
export class LeaseIndex {
  readonly dir: string;
  readonly #dataDir: string;
  readonly #born = process.hrtime.bigint();

  constructor(dir: string, dataDir: string) {
    this.dir = dir;
    this.#dataDir = dataDir;
  }

  /**
   * A path for a file that is about to be linked or renamed into the data directory. No other process has the same:
   * what is written there must not become another's lease, should the lock be lost.
   */
  get scratch(): string {
    return `${this.dir}/scratch.${process.pid}.${this.#born}`;
  }

  /** Whether a miss means "no lease". */
  isCurrent(bootId: string): boolean {
    return readText(this.#stampPath) === this.#stampOf(bootId) && existsSync(this.#recordsDir);
  }

  /** Makes the directory, after which an absent record says something; what killed processes have left goes. */
  prepare(): void {
    mkdirSync(this.#recordsDir, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(this.dir)) {
      if (name.startsWith('scratch.') && isOld(`${this.dir}/${name}`))
        rmSync(`${this.dir}/${name}`, { force: true });
    }
  }

  /** Says that the index agrees with the data directory. A failure is harmless: the index is rebuilt next time. */
  stamp(bootId: string): void {
    try {
      writeFileSync(this.#stampPath, this.#stampOf(bootId), { mode: 0o600 });
    } catch {
      // A full or read-only disk must not stop a release that has succeeded.
    }
  }

  /** The attachment's record; 'damaged' where there is one that cannot be read or is unfinished: a rebuild writes it anew. */
  get(owner: LeaseOwner): LeaseRecord | 'damaged' | undefined {
    const path = this.#pathOf(owner);
    const text = readText(path);
    const record = text === undefined ? undefined : parseRecord(text);
    if (record !== undefined && record.addresses.length > 0) return record;
    return existsSync(path) ? 'damaged' : undefined;
  }

  put(record: LeaseRecord): void {
    const path = this.#pathOf(record);
    const text = JSON.stringify(record);
    onFiles(`writing ${path}`, () => {
      try {
        writeFileSync(path, text, { mode: 0o600 });
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'EISDIR') throw error;
        // The directory is not there yet; or what is in the way is none of our files.
        rmSync(path, { recursive: true, force: true });
        this.prepare();
        writeFileSync(path, text, { mode: 0o600 });
      }
    });
  }

  remove(owner: LeaseOwner): void {
    onFiles(`removing ${this.#pathOf(owner)}`, () =>
      rmSync(this.#pathOf(owner), { recursive: true, force: true }),
    );
  }

  /** Every record that can be read; a damaged one is left out, and a rebuild writes it anew. */
  list(): readonly LeaseRecord[] {
    const names = ifExists(() => readdirSync(this.#recordsDir)) ?? [];
    return names
      .map((name) => readText(`${this.#recordsDir}/${name}`))
      .flatMap((text) => (text === undefined ? [] : (parseRecord(text) ?? [])));
  }

  get #recordsDir(): string {
    return `${this.dir}/attachments`;
  }

  get #stampPath(): string {
    return `${this.dir}/stamp`;
  }

  #stampOf(bootId: string): string {
    const modified = ifExists(() => statSync(this.#dataDir, { bigint: true }).mtimeNs);
    return `${modified ?? 'absent'} ${bootId}`;
  }

  /** A container id may be longer than a file's name. */
  #pathOf({ containerId, ifName }: LeaseOwner): string {
    const id =
      containerId.length <= 200 ? containerId : `${containerId.slice(0, 180)}~${hash64(containerId)}`;
    return `${this.#recordsDir}/${id},${encodeURIComponent(ifName)}`;
  }
}

/** Whether a scratch file is none of a process at work: those live for milliseconds. */
function isOld(path: string): boolean {
  const writtenAt = ifExists(() => statSync(path).mtimeMs);
  return writtenAt !== undefined && Date.now() - writtenAt > 60_000;
}

/** Undefined for what cannot be read, for whatever reason: the lease files decide, the index only saves the search. */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Undefined for anything but a whole record: what is damaged is made anew from the lease files. */
function parseRecord(text: string): LeaseRecord | undefined {
  try {
    const fields = new Fields(JSON.parse(text), '');
    const addresses = fields.array('addresses', parseText) ?? fields.missing('addresses');
    if (addresses.some((address) => parseAddress(address) === undefined)) return undefined;
    const owner = { containerId: needed(fields, 'containerId'), ifName: needed(fields, 'ifName') };
    const proof = fields.object('proof');
    return { ...owner, addresses, ...(proof === undefined ? {} : { proof: parseProof(proof) }) };
  } catch {
    return undefined;
  }
}

function needed(fields: Fields, name: string): string {
  return fields.string(name) ?? fields.missing(name);
}
