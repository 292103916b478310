import { setTimeout as sleep } from 'node:timers/promises';
import { type Etcd, EtcdError, type Transaction } from '../../lib/etcd/etcd.ts';

/** What befalls one write: it never arrives, its answer is lost, or it comes only after everybody has given it up. */
export type Mishap = 'never' | 'unanswered' | 'late';

/** How late a write comes that is late, in milliseconds: others have looked by then, and this host has tried again. */
const lateMs = 400;

/** A client of a real etcd of which one write to a block goes wrong. */
export class MishapEtcd implements AsyncDisposable {
  readonly etcd: Etcd;
  readonly #happened = Promise.withResolvers<void>();
  readonly #real: Etcd;
  #left: number;

  /** @param at which of the writes: 1 is the first */
  constructor(etcd: Etcd, { at, mishap, onMishap }: { at: number; mishap: Mishap; onMishap?: () => void }) {
    this.#left = at;
    this.#real = etcd;
    const commit = async (transaction: Transaction, signal: AbortSignal) => {
      const isBlock = transaction.writes.some(({ key }) => key.includes('/blocks/'));
      if (!isBlock || --this.#left !== 0) return etcd.commit(transaction, signal);
      await this.#mislay(etcd, transaction, mishap);
      onMishap?.();
      throw new EtcdError('unreachable', etcd.endpoint, `the answer is lost (${mishap})`);
    };
    this.etcd = {
      commit,
      get endpoint() {
        return etcd.endpoint;
      },
      get: (...args) => etcd.get(...args),
      getAll: (...args) => etcd.getAll(...args),
      list: (...args) => etcd.list(...args),
      grant: (...args) => etcd.grant(...args),
      keepAlive: (...args) => etcd.keepAlive(...args),
      revoke: (...args) => etcd.revoke(...args),
      watch: (...args) => etcd.watch(...args),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  /** Resolves when it has befallen, and what was late has come. */
  hasHappened(): Promise<void> {
    return this.#happened.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#real[Symbol.asyncDispose]();
  }

  async #mislay(etcd: Etcd, transaction: Transaction, mishap: Mishap): Promise<void> {
    const { signal } = new AbortController();
    const carryOut = () => etcd.commit(transaction, signal);
    const come = mishap === 'late' ? sleep(lateMs).then(carryOut) : undefined;
    if (mishap === 'unanswered') await carryOut();
    Promise.resolve(come).then(() => this.#happened.resolve(), this.#happened.reject);
  }
}
