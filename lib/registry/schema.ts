import { chmodSync, linkSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { errnoOf, ifExists } from '../errors/system-error.ts';
import { Database } from './database.ts';
import { storeFailure, toStoreFailure } from './store-failure.ts';

/** Where the registry is when nobody says. */
export const defaultStorePath = '/var/lib/fairlead/registry.db';

/** Written into the file's header; another number is another program's, or a later version's. */
const schemaVersion = 1;

/** A file is made in milliseconds: what is older was left behind. */
const scratchLifeMs = 60_000;

/** How long a transaction waits for another process's, in milliseconds. */
const busyTimeoutMs = 5_000;

/**
 * One row of `changes` for each instance and commit: the outbox of the mirrors, and the history that views and watches
 * follow. `since_us` is when the call began that an attachment's row is from: what began before comes too late. One that is
 * withdrawn stays for a while, with `gone_at_us`.
 */
const schema = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
  INSERT INTO meta VALUES ('boot', '');
  CREATE TABLE attachments (
    network TEXT, container TEXT, ifname TEXT, network_label TEXT, host TEXT,
    boot TEXT, since_us INTEGER, gone_at_us INTEGER, gateways TEXT, record TEXT,
    PRIMARY KEY (network, container, ifname)) WITHOUT ROWID;
  CREATE INDEX attachments_by_host ON attachments (network_label, host);
  CREATE INDEX attachments_gone ON attachments (gone_at_us) WHERE gone_at_us IS NOT NULL;
  CREATE TABLE instances (
    id TEXT UNIQUE, namespace TEXT, service TEXT, service_name TEXT, address TEXT,
    network TEXT, container TEXT, ifname TEXT, record TEXT);
  CREATE INDEX instances_by_attachment ON instances (network, container, ifname);
  CREATE INDEX instances_by_service ON instances (namespace, service);
  CREATE INDEX instances_by_address ON instances (address);
  CREATE TABLE changes (
    revision INTEGER, ordinal INTEGER, kind TEXT, record TEXT,
    PRIMARY KEY (revision, ordinal)) WITHOUT ROWID;
  CREATE TABLE mirrors (name TEXT PRIMARY KEY, revision INTEGER) WITHOUT ROWID;
  PRAGMA user_version = ${schemaVersion};
`;

/**
 * Opens the registry's file, making it where there is none.
 * @param firstRevision of a file that is made
 * @throws StoreFailure; a file that is damaged stays as it is
 */
export function openDatabase(path: string, firstRevision: number): Database {
  try {
    if (sizeOf(path) === undefined) {
      refuseOrphanedJournal(path);
      createDatabase(path, firstRevision);
    }
    return connect(path);
  } catch (error) {
    throw toStoreFailure(path, error);
  }
}

/** A journal without its file would be replayed into the new one: what is in it belongs to what was removed. */
function refuseOrphanedJournal(path: string): void {
  if (sizeOf(`${path}-wal`) === undefined || sizeOf(path) !== undefined) return;
  throw storeFailure(path, 'corrupt', 'the file was removed, and its journal left behind');
}

/**
 * The file appears whole, by link(2): a file without content is then always a damaged one, and never one that another
 * process is about to fill.
 */
function createDatabase(path: string, firstRevision: number): void {
  const scratch = `${path}.new.${process.pid}.${process.hrtime.bigint()}`;
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  removeOldScratch(path);
  try {
    fill(scratch, firstRevision);
    linkSync(scratch, path);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  } finally {
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(scratch + suffix, { force: true });
  }
}

/** What was being made when its process was killed. */
function removeOldScratch(path: string): void {
  const dir = dirname(path);
  const prefix = `${basename(path)}.new.`;
  for (const name of readdirSync(dir).filter((each) => each.startsWith(prefix))) {
    const madeAtMs = ifExists(() => statSync(`${dir}/${name}`).mtimeMs) ?? Number.POSITIVE_INFINITY;
    if (Date.now() - madeAtMs > scratchLifeMs) rmSync(`${dir}/${name}`, { force: true });
  }
}

function fill(path: string, firstRevision: number): void {
  const { DatabaseSync } = sqlite();
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA journal_mode = WAL');
    database.exec(schema);
    database.prepare("INSERT INTO meta VALUES ('revision', ?)").run(firstRevision);
    // Journal and index take the file's mode: metadata of containers is not for every user of the machine.
    chmodSync(path, 0o600);
  } finally {
    database.close();
  }
}

function connect(path: string): Database {
  if (sizeOf(path) === 0) throw storeFailure(path, 'corrupt', 'the file is empty');
  const { DatabaseSync } = sqlite();
  const database = new DatabaseSync(path, { timeout: busyTimeoutMs });
  try {
    database.exec('PRAGMA synchronous = NORMAL');
    const version = database.prepare('PRAGMA user_version').get()?.user_version;
    if (version === schemaVersion) return new Database(path, database);
    throw storeFailure(
      path,
      'unreadable',
      `it has layout ${version} and this version of fairlead knows ${schemaVersion}`,
    );
  } catch (error) {
    database.close();
    throw error;
  }
}

function sizeOf(path: string): number | undefined {
  return ifExists(() => statSync(path).size);
}

/** Loaded when a registry is first used: it costs a call that registers nothing its milliseconds. */
function sqlite(): typeof import('node:sqlite') {
  return process.getBuiltinModule('node:sqlite');
}
