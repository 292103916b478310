import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { OutsideRegistry } from '../../lib/mirror/mirror.ts';
import type { Store } from '../../lib/registry/store.ts';
import { Delivery } from '../../plugins/agent/mirror-delivery.ts';
import type { Link } from './link.ts';
import { Random } from './random.ts';
import { registerNumbered, temporaryStore } from './registrations.ts';
import { containerOwner, instanceOf } from './registry.ts';
import type { RegistryServer } from './registry-server.ts';

/** A real server of an outside registry, and what may befall it and the way to it. */
export type FaultSubject = AsyncDisposable & {
  readonly server: RegistryServer;
  /** The way that this machine takes to it. */
  readonly link: Link;
  /** The registry as the machine of this id writes it, over the link. */
  readonly machine: (node: string) => OutsideRegistry;
  /** What may befall this kind of registry besides: done, and undone after the given time. */
  readonly faults?: Readonly<Record<string, (durationMs: number) => Promise<void>>>;
  /** Milliseconds that a server may be away or silent in one fault, at most. */
  readonly longestMs?: number;
  /** Of a hundred faults, how many end the server and start it anew; those are slow where that is Java. */
  readonly restarts?: number;
};

const node = '1111111111111111';
const otherNode = '2222222222222222';
const noEnd = new AbortController().signal;
const isSoak = process.env.SOAK === '1';

/** So many faults, and after so many of them both sides must be equal. */
const count = isSoak ? 500 : 8;
const settledEvery = isSoak ? 20 : 4;

/** Milliseconds until both sides must be equal once nothing befalls the server any more: all is compared each minute. */
const patienceMs = 100_000;

/**
 * The agent's delivery over a server that is killed, frozen, cut off, emptied and written to by others: at the end the
 * registry has what the store has, nothing is lost, nothing left over, and another machine's entries are its own.
 */
export function describeFaults(name: string, create: () => Promise<FaultSubject>): void {
  test(`${name}: ${count} random faults, and both sides are equal`, { timeout: count * 30_000 }, async () => {
    await using subject = await create();
    await using walk = await Walk.begin(subject);
    const happened = new Map<string, number>();
    for (let at = 1; at <= count; at++) {
      const fault = await walk.step();
      happened.set(fault, (happened.get(fault) ?? 0) + 1);
      if (at % settledEvery === 0 || at === count) await walk.settle();
    }

    console.log(
      `${name}: ${count} faults`,
      Object.fromEntries(happened),
      `equal after ${walk.slowestMs} ms at most`,
    );
    expect([...happened.values()].reduce((sum, times) => sum + times, 0)).toBe(count);
  });
}

class Walk implements AsyncDisposable {
  readonly #subject: FaultSubject;
  readonly #stack: AsyncDisposableStack;
  readonly #mine: OutsideRegistry;
  /** What somebody else does under this machine's id. */
  readonly #meddler: OutsideRegistry;
  readonly #theirs: OutsideRegistry;
  readonly #store: Store;
  readonly #delivery: Delivery;
  readonly #random = new Random();
  slowestMs = 0;
  #round = 0;

  static async begin(subject: FaultSubject): Promise<Walk> {
    const walk = new Walk(subject);
    await walk.#putForeign();
    return walk;
  }

  private constructor(subject: FaultSubject) {
    this.#subject = subject;
    this.#stack = new AsyncDisposableStack();
    this.#mine = this.#stack.use(subject.machine(node));
    this.#meddler = this.#stack.use(subject.machine(node));
    this.#theirs = this.#stack.use(subject.machine(otherNode));
    this.#store = this.#stack.use(temporaryStore(node)).store;
    const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const onDamage = (error: Error) => {
      throw error;
    };
    this.#delivery = new Delivery({ store: this.#store, mirror: this.#mine, log: silent, onDamage });
    this.#stack.use(this.#delivery);
    const end = new AbortController();
    const running = [
      this.#mine.run(() => this.#delivery.resyncNow(), end.signal),
      this.#theirs.run(() => undefined, end.signal),
    ];
    this.#stack.defer(async () => {
      end.abort();
      await Promise.all(running);
    });
  }

  /** Something changes here, something befalls the registry, and meanwhile something else changes. @returns the fault */
  async step(): Promise<string> {
    this.#changeSome();
    const fault = this.#random.pick(this.#faults());
    const durationMs = this.#random.below(this.#subject.longestMs ?? 1_500);
    const [, work] = fault;
    await Promise.all([work(durationMs), sleep(durationMs / 2).then(() => this.#changeSome())]);
    return fault[0];
  }

  /** Both sides become equal by themselves; but what others have changed is only found by comparing all. */
  async settle(): Promise<void> {
    const startedAtMs = performance.now();
    this.#delivery.resyncNow();
    await this.#until('this machine’s entries to be those of its store', () => this.#isEqual());
    this.slowestMs = Math.max(this.slowestMs, Math.round(performance.now() - startedAtMs));
    await this.#putForeign();
    await this.#until("the other machine's entry to stay its own", () => this.#isForeignThere());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }

  #faults(): readonly (readonly [string, (durationMs: number) => Promise<void>])[] {
    const { server, link, faults = {}, restarts = 20 } = this.#subject;
    const gentle = [
      [
        'frozen',
        async (ms: number) => {
          server.stop();
          await sleep(ms);
          server.cont();
        },
      ],
      [
        'cut off',
        async (ms: number) => {
          link.cut();
          await sleep(ms);
          link.heal();
        },
      ],
      ['entries taken away', () => this.#takeAway()],
      ['entries left over', () => this.#leaveOver()],
      ...Object.entries(faults),
    ] as const;
    const hard = [
      [
        'killed',
        async (ms: number) => {
          await server.kill();
          await sleep(ms);
          await server.restart();
        },
      ],
      ['emptied', () => server.wipe()],
    ] as const;
    return this.#random.below(100) < restarts ? hard : gentle;
  }

  #changeSome(): void {
    for (let left = 1 + this.#random.below(5); left > 0; left--) {
      const number = this.#random.below(30);
      const key = { network: 'net', containerId: `c${number}`, ifName: 'eth0' };
      const some = this.#random.pick([...this.#store.instances(), undefined]);
      const kind = this.#random.below(4);
      if (kind === 0) this.#store.withdraw(key, 0);
      else if (kind === 1 && some !== undefined)
        this.#store.update(some.id, { status: some.status === 'passing' ? 'critical' : 'passing' });
      else registerNumbered(this.#store, number, { weight: 1 + (this.#round++ % 50) });
    }
  }

  /** What another process of this machine, or an operator, might do. */
  async #takeAway(): Promise<void> {
    const some = this.#store.instances().slice(0, 3);
    await this.#meddler
      .remove(
        some.flatMap((instance) => this.#mine.render(instance)).map(({ key }) => key),
        noEnd,
      )
      .catch(() => undefined);
  }

  async #leaveOver(): Promise<void> {
    const stale = instanceOf({
      ...{ id: `stale-${this.#round++}`, address: `10.9.0.${this.#round % 250}` },
      owner: containerOwner({ node }),
    });
    await this.#meddler.put(this.#mine.render(stale), noEnd).catch(() => undefined);
  }

  get #foreign() {
    return instanceOf({ id: 'foreign-1', address: '10.2.0.2', owner: containerOwner({ node: otherNode }) });
  }

  async #putForeign(): Promise<void> {
    const put = async () => {
      await this.#theirs.put(this.#theirs.render(this.#foreign), noEnd);
      return true;
    };
    await this.#until("the other machine's entry to be written", put);
  }

  async #isForeignThere(): Promise<boolean> {
    const expected = this.#theirs.render(this.#foreign);
    const there = new Map((await this.#theirs.listOwn(noEnd)).map(({ key, content }) => [key, content]));
    return expected.every(({ key, content }) => there.get(key) === content);
  }

  async #isEqual(): Promise<boolean> {
    const here = new Map(
      this.#store
        .instances()
        .flatMap((instance) => this.#mine.render(instance))
        .map(({ key, content }) => [key, content]),
    );
    const there = await this.#mine.listOwn(noEnd);
    this.#difference = there.filter(({ key, content }) => here.get(key) !== content).map(({ key }) => key);
    return there.length === here.size && this.#difference.length === 0;
  }

  #difference: readonly string[] = [];

  async #until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const until = performance.now() + patienceMs;
    let because = '';
    while (performance.now() < until) {
      try {
        if (await isSo()) return;
        because = `different: ${this.#difference.join(', ')}; ${this.#delivery.lastError}`;
      } catch (error) {
        because = String(error);
      }
      await sleep(100);
    }
    throw new Error(
      `waited ${patienceMs} ms for ${what}: ${because}\n${this.#subject.server.log.slice(-2_000)}`,
    );
  }
}
