import { dirname } from 'node:path';
import type { SQLInputValue } from 'node:sqlite';
import { type Proof, unknownBoot } from '../attach/liveness.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import type { AttachmentKey, AttachmentRecord, InstanceDraft, Registration } from './attachment.ts';
import type { Statements } from './database.ts';
import { isLate, refuseLate, rememberDeparture } from './departures.ts';
import type { Change, Instance } from './instance.ts';
import { toHashedLabel } from './label.ts';
import { findPlace, findServiceLabel } from './labels-in-use.ts';
import { readNodeId } from './node-id.ts';
import { openDatabase } from './schema.ts';
import type { InstanceUpdate, Store } from './store.ts';
import { storeFailure } from './store-failure.ts';

/** Revisions of history that are kept for views, watches and mirrors that have fallen behind. */
const keptRevisions = 10_000;
/** How often history is trimmed: every so many revisions. */
const trimEvery = 256;

/** Where a store is, and in which boot of the machine it is opened. */
export type StoreLocation = {
  readonly path: string;
  readonly bootId: string;
  /**
   * Where a new store begins to count. Above every revision of a file that was here before, whoever waits for what comes
   * after one of those misses nothing.
   */
  readonly firstRevision?: number;
};

/**
 * The registry of one machine in a SQLite file, in write-ahead mode: readers never wait, and a process that is killed
 * leaves either all of its transaction or nothing.
 * @throws StoreFailure
 */
export function openStore({ path, bootId, firstRevision = 0 }: StoreLocation): Store {
  const database = openDatabase(path, firstRevision);
  return createStore({ path, bootId, database, node: () => readNodeId(dirname(path)) });
}

/** The store over a database that is open already. */
export function createStore(parts: StoreParts): Store {
  return new SqliteStore(parts);
}

export type StoreParts = StoreLocation & {
  readonly database: Statements;
  /** The machine's id: read when it is first needed, which a DEL does not. */
  readonly node: () => string;
};

/** Made when there is one first: files of earlier versions have no such table, and most never need it. */
const refusalsTable = `CREATE TABLE IF NOT EXISTS refusals (
  mirror TEXT, instance TEXT, because TEXT, PRIMARY KEY (mirror, instance)) WITHOUT ROWID`;
const noRefusals: ReadonlyMap<string, string> = new Map();

class SqliteStore implements Store {
  readonly path: string;
  readonly #readNode: () => string;
  #node: string | undefined;
  readonly #bootId: string;
  readonly #database: Statements;

  constructor({ path, bootId, database, node }: StoreParts) {
    this.path = path;
    this.#readNode = node;
    this.#bootId = bootId;
    this.#database = database;
  }

  get node(): string {
    this.#node ??= this.#readNode();
    return this.#node;
  }

  register(registration: Registration): readonly Instance[] {
    return this.#write((log) => {
      this.#sweepEarlierBoots(log);
      refuseLate(this.#database, registration);
      this.#removeOf(registration, log);
      for (const { address } of registration.instances) this.#evict(address, registration.network, log);
      const place = findPlace(this.#database, registration);
      const { network, containerId, ifName, proof, gateways, declaration } = registration;
      const record: AttachmentRecord = {
        network,
        containerId,
        ifName,
        ...place,
        proof,
        gateways,
        declaration,
      };
      this.#database.run(
        'INSERT OR REPLACE INTO attachments VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?, ?)',
        network,
        containerId,
        ifName,
        place.networkLabel,
        place.host,
        proof.bootId,
        registration.startedAtUs,
        gateways.join(' '),
        JSON.stringify(record),
      );
      const owner = {
        kind: 'container',
        node: this.node,
        network,
        containerId,
        ifName,
        ...place,
        gateways,
      } as const;
      return registration.instances.map((draft) => this.#insert(draft, owner, log));
    });
  }

  withdraw(key: AttachmentKey, atUs: number, proof?: Proof): readonly Instance[] {
    return this.#write((log) => {
      this.#sweepEarlierBoots(log);
      if (!this.#mayWithdraw(key, atUs, proof)) return [];
      const removed = this.#removeOf(key, log);
      const sinceUs = proof === undefined ? atUs : 0;
      rememberDeparture(this.#database, key, { atUs, bootId: this.#bootId, sinceUs });
      return removed;
    });
  }

  put(draft: InstanceDraft): Instance {
    return this.#write((log) => {
      const known = this.get(draft.id);
      if (known?.owner.kind === 'container') throw takenByContainer(known);
      if (known !== undefined) this.#delete([known]);
      return this.#insert(draft, { kind: 'api', node: this.node }, log, known?.createdAtMs);
    });
  }

  update(id: string, update: InstanceUpdate): Instance | undefined {
    return this.updateAll(new Map([[id, update]]))[0];
  }

  updateAll(
    updates: ReadonlyMap<string, InstanceUpdate>,
    mayChange: (instance: Instance) => boolean = () => true,
  ): readonly Instance[] {
    return this.#write((log) =>
      [...updates].flatMap(([id, update]) => {
        const known = this.get(id);
        if (known === undefined || !mayChange(known)) return [];
        const instance = { ...known, ...update, revision: log.revision };
        this.#database.run('UPDATE instances SET record = ? WHERE id = ?', JSON.stringify(instance), id);
        log.add('put', instance);
        return [instance];
      }),
    );
  }

  remove(ids: readonly string[]): readonly Instance[] {
    return this.#write((log) => {
      const found = ids.map((id) => this.get(id)).filter((instance) => instance !== undefined);
      this.#delete(found);
      for (const instance of found) log.add('remove', instance);
      return found;
    });
  }

  get(id: string): Instance | undefined {
    return this.#instances('SELECT record FROM instances WHERE id = ?', id)[0];
  }

  instances(): readonly Instance[] {
    const rows = this.#database.each('SELECT record FROM instances ORDER BY rowid');
    return Array.from(rows, ({ record }) => parseRecord<Instance>(this.path, record));
  }

  ofAttachment({ network, containerId, ifName }: AttachmentKey): readonly Instance[] {
    return this.#instances(
      'SELECT record FROM instances WHERE network = ? AND container = ? AND ifname = ?',
      network,
      containerId,
      ifName,
    );
  }

  attachment({ network, containerId, ifName }: AttachmentKey): AttachmentRecord | undefined {
    const found = this.#database.all(
      'SELECT record FROM attachments WHERE network = ? AND container = ? AND ifname = ? AND gone_at_us IS NULL',
      network,
      containerId,
      ifName,
    );
    return found.map(({ record }) => parseRecord<AttachmentRecord>(this.path, record))[0];
  }

  hasKnown({ network, containerId, ifName }: AttachmentKey): boolean {
    const found = this.#database.first(
      'SELECT 1 FROM attachments WHERE network = ? AND container = ? AND ifname = ?',
      network,
      containerId,
      ifName,
    );
    return found !== undefined;
  }

  attachments(): readonly AttachmentRecord[] {
    return this.#database
      .all('SELECT record FROM attachments WHERE gone_at_us IS NULL')
      .map(({ record }) => parseRecord<AttachmentRecord>(this.path, record));
  }

  gateways(): readonly string[] {
    const found = this.#database.all('SELECT DISTINCT gateways FROM attachments WHERE gone_at_us IS NULL');
    return [...new Set(found.flatMap(({ gateways }) => String(gateways).split(' ')))].filter(Boolean);
  }

  revision(): number {
    return Number(this.#database.first("SELECT value FROM meta WHERE key = 'revision'")?.value);
  }

  changesSince(revision: number): readonly Change[] | undefined {
    return this.#database.read(() => {
      const latest = this.revision();
      const oldest = this.#database.first('SELECT min(revision) AS oldest FROM changes')?.oldest;
      const reached = typeof oldest === 'number' ? oldest - 1 : latest;
      if (revision < reached || revision > latest) return undefined;
      return this.#database
        .all(
          'SELECT revision, kind, record FROM changes WHERE revision > ? ORDER BY revision, ordinal',
          revision,
        )
        .map((row) => ({
          revision: Number(row.revision),
          kind: row.kind === 'put' ? 'put' : 'remove',
          instance: parseRecord<Instance>(this.path, row.record),
        }));
    });
  }

  dataVersion(): number {
    return Number(this.#database.first('PRAGMA data_version')?.data_version);
  }

  mirrored(mirror: string): number | undefined {
    const found = this.#database.first('SELECT revision FROM mirrors WHERE name = ?', mirror);
    return found === undefined ? undefined : Number(found.revision);
  }

  setMirrored(mirror: string, revision: number, refused: ReadonlyMap<string, string> = noRefusals): void {
    this.#database.write(() => {
      const others = mirror.includes('@') ? mirror.replace(/@.*/, '@*') : mirror;
      this.#database.run('DELETE FROM mirrors WHERE name GLOB ?', others);
      this.#database.run('INSERT INTO mirrors VALUES (?, ?)', mirror, revision);
      if (refused.size > 0) this.#database.run(refusalsTable);
      else if (!this.#hasRefusals()) return;
      this.#database.run('DELETE FROM refusals WHERE mirror GLOB ?', others);
      for (const [instance, because] of refused)
        this.#database.run('INSERT INTO refusals VALUES (?, ?, ?)', mirror, instance, because);
    });
  }

  refusals(mirror: string): ReadonlyMap<string, string> {
    if (!this.#hasRefusals()) return noRefusals;
    const rows = this.#database.all('SELECT instance, because FROM refusals WHERE mirror = ?', mirror);
    return new Map(rows.map(({ instance, because }) => [String(instance), String(because)]));
  }

  #hasRefusals(): boolean {
    return this.#database.first("SELECT 1 FROM sqlite_schema WHERE name = 'refusals'") !== undefined;
  }

  checkPages(): void {
    const found = this.#database.first('PRAGMA quick_check(1)')?.quick_check;
    if (found !== 'ok') throw storeFailure(this.path, 'corrupt', String(found));
  }

  verify(): void {
    this.checkPages();
    const records = `SELECT record FROM instances
      UNION ALL SELECT record FROM attachments WHERE gone_at_us IS NULL UNION ALL SELECT record FROM changes`;
    for (const { record } of this.#database.each(records)) parseRecord(this.path, record);
  }

  checkpoint(): void {
    this.#database.all('PRAGMA wal_checkpoint(PASSIVE)');
  }

  close(): void {
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** One transaction under the next revision, which is taken only if something changes. */
  #write<T>(work: (log: ChangeLog) => T): T {
    return this.#database.write(() => {
      const revision = this.revision() + 1;
      let ordinal = 0;
      const result = work({
        revision,
        add: (kind, instance) =>
          this.#database.run(
            'INSERT INTO changes VALUES (?, ?, ?, ?)',
            revision,
            ordinal++,
            kind,
            JSON.stringify(instance),
          ),
      });
      if (ordinal > 0) this.#database.run("UPDATE meta SET value = ? WHERE key = 'revision'", revision);
      if (ordinal > 0 && revision % trimEvery === 0)
        this.#database.run('DELETE FROM changes WHERE revision <= ?', revision - keptRevisions);
      return result;
    });
  }

  /** Not what an ADD has made that began after the DEL, nor what is another attachment than the one found dead. */
  #mayWithdraw(key: AttachmentKey, atUs: number, proof: Proof | undefined): boolean {
    if (proof === undefined) return !isLate(this.#database, key, atUs);
    return JSON.stringify(this.attachment(key)?.proof) === JSON.stringify(proof);
  }

  /** What was attached before the machine started anew is gone; the clock of its DELs has started anew, too. */
  #sweepEarlierBoots(log: ChangeLog): void {
    const known = this.#database.first("SELECT value FROM meta WHERE key = 'boot'")?.value;
    if (known === this.#bootId || this.#bootId === unknownBoot) return;
    const swept = this.#instances(
      'SELECT i.record FROM instances i JOIN attachments a USING (network, container, ifname) WHERE a.boot <> ?',
      this.#bootId,
    );
    this.#delete(swept);
    for (const instance of swept) log.add('remove', instance);
    this.#database.run('DELETE FROM attachments WHERE boot <> ?', this.#bootId);
    this.#database.run("UPDATE meta SET value = ? WHERE key = 'boot'", this.#bootId);
  }

  #removeOf(key: AttachmentKey, log: ChangeLog): readonly Instance[] {
    const removed = this.ofAttachment(key);
    this.#delete(removed);
    for (const instance of removed) log.add('remove', instance);
    return removed;
  }

  /** Whoever is given an address is its only owner in that network: what still claims it has missed its DEL. */
  #evict(address: string, network: string, log: ChangeLog): void {
    const others = this.#instances(
      'SELECT record FROM instances WHERE address = ? AND network = ?',
      address,
      network,
    );
    this.#delete(others);
    for (const instance of others) log.add('remove', instance);
  }

  #insert(
    draft: InstanceDraft,
    owner: Instance['owner'],
    log: ChangeLog,
    createdAtMs: number = Date.now(),
  ): Instance {
    const { namespace, serviceName, address } = draft;
    const service = findServiceLabel(this.#database, namespace, serviceName);
    const [network, containerId, ifName] =
      owner.kind === 'container' ? [owner.network, owner.containerId, owner.ifName] : [null, null, null];
    const id = this.#freeId(draft, `${network}/${containerId}/${ifName}`);
    const instance: Instance = { ...draft, id, service, owner, revision: log.revision, createdAtMs };
    this.#database.run(
      'INSERT INTO instances VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      id,
      namespace,
      service,
      serviceName,
      address,
      network,
      containerId,
      ifName,
      JSON.stringify(instance),
    );
    log.add('put', instance);
    return instance;
  }

  /** The id as planned, or, where another has it, one with a hash. */
  #freeId({ id, portName }: InstanceDraft, attachment: string): string {
    for (let attempt = 0; ; attempt++) {
      const candidate = attempt === 0 ? id : toHashedLabel(`${id}-${attachment}/${portName}/${attempt}`);
      if (this.get(candidate) === undefined) return candidate;
    }
  }

  #delete(instances: readonly Instance[]): void {
    for (const { id } of instances) this.#database.run('DELETE FROM instances WHERE id = ?', id);
  }

  #instances(sql: string, ...values: SQLInputValue[]): readonly Instance[] {
    return this.#database.all(sql, ...values).map(({ record }) => parseRecord<Instance>(this.path, record));
  }
}

/** The transaction's part of the history. */
type ChangeLog = {
  readonly revision: number;
  readonly add: (kind: Change['kind'], instance: Instance) => void;
};

/** Records are ours, written whole or not at all: what cannot be read is damage. */
function parseRecord<T>(path: string, text: unknown): T {
  try {
    return JSON.parse(String(text)) as T;
  } catch (error) {
    throw storeFailure(path, 'corrupt', 'a record cannot be read', error);
  }
}

function takenByContainer({ id, owner }: Instance): CniError {
  const container = owner.kind === 'container' ? owner.containerId : '';
  return new CniError(
    ErrorCode.invalidConfig,
    `id: ${id} is the instance of container ${container}; choose another id`,
  );
}
