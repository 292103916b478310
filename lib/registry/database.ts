import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { toStoreFailure } from './store-failure.ts';

/** One row, by its columns' names. */
export type Row = Readonly<Record<string, unknown>>;

/** What a store asks of its database. */
export type Statements = Pick<Database, 'run' | 'all' | 'each' | 'first' | 'read' | 'write' | 'close'>;

/** A connection to the registry's file: statements are prepared once, and what SQLite throws becomes a StoreFailure. */
export class Database {
  readonly path: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string, database: DatabaseSync) {
    this.path = path;
    this.#database = database;
  }

  run(sql: string, ...values: SQLInputValue[]): void {
    this.#guarded(() => this.#prepare(sql).run(...values));
  }

  all(sql: string, ...values: SQLInputValue[]): readonly Row[] {
    return this.#guarded(() => this.#prepare(sql).all(...values));
  }

  /** Row by row, for what is too much to have at once. */
  *each(sql: string, ...values: SQLInputValue[]): Generator<Row> {
    try {
      yield* this.#prepare(sql).iterate(...values);
    } catch (error) {
      throw toStoreFailure(this.path, error);
    }
  }

  /** The first row. */
  first(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#guarded(() => this.#prepare(sql).get(...values));
  }

  /** Several reads of one and the same state. */
  read<T>(work: () => T): T {
    return this.#transaction('BEGIN', work);
  }

  /** All of the work or nothing of it; waits for another writer. */
  write<T>(work: () => T): T {
    return this.#transaction('BEGIN IMMEDIATE', work);
  }

  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #transaction<T>(begin: string, work: () => T): T {
    try {
      this.run(begin);
      const result = work();
      this.run('COMMIT');
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw toStoreFailure(this.path, error);
    }
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const prepared = this.#database.prepare(sql);
    this.#statements.set(sql, prepared);
    return prepared;
  }
}
