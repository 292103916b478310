import { createJudge } from '../attach/liveness.ts';
import { sleep } from '../client/backoff.ts';
import { Drift, type DriftStatus } from '../daemon/drift.ts';
import { monitorKernel } from '../daemon/kernel-monitor.ts';
import { Problems } from '../daemon/problems.ts';
import { Wakeup } from '../daemon/wakeup.ts';
import { messageOf } from '../errors/cni-error.ts';
import type { Run } from '../exec/command.ts';
import { inquireAsync } from '../exec/inquiry.ts';
import type { Listen } from '../exec/lines.ts';
import type { Machine } from '../exec/machine.ts';
import type { Log } from '../log/log.ts';
import { FinishedAdds, idOf } from './keeper-adds.ts';
import { changeMonitor, HeardChanges } from './keeper-heard.ts';
import { LastingLacks } from './keeper-lacks.ts';
import { mayChangeNetwork } from './keeper-permission.ts';
import type { ListedRules } from './listed-rules.ts';
import { type RulesRecord, renderRecord } from './record.ts';
import type { Records } from './records.ts';
import { describeOwner, planClearing, planRestore, type Restoration } from './restore.ts';
import { listedInquiry } from './restore-listing.ts';
import { clearRules, writeMissing } from './restore-write.ts';
import { describeRule } from './rules.ts';

export type KeeperParts = {
  readonly records: Records;
  readonly machine: Machine;
  /** For what is asked of nft beside other work. */
  readonly run: Run;
  readonly listen: Listen;
  readonly log: Log;
};

/** How the rules of the attachments are; texts and numbers only. */
export type KeptRules = {
  /** Attachments that have rules. */
  readonly attachments: number;
  readonly drift: DriftStatus;
  readonly problems: readonly string[];
};

/** A DEL whose change has just been told takes so long, as a rule, until its record has gone. */
const graceMs = 150;
/** While something is missing, or has just been put back, looks follow each other so soon. */
const soonMs = 300;
/** What could not be done is tried again so much later. */
const retryMs = 5_000;
/** What no monitor has told of is found so much later. */
const resyncMs = 30_000;
/** A look reads everything: at most this share of the time is spent on it. */
const workShare = 0.25;

/**
 * Keeps the rules of the attachments in the kernel, whoever takes them away. Only what a record tells of is written; a
 * record that goes meanwhile, as it does at a DEL, takes with it what was written for it.
 */
export class RulesKeeper {
  readonly #parts: KeeperParts;
  readonly #problems: Problems;
  readonly #drift: Drift;
  readonly #wakeup = new Wakeup();
  readonly #heard = new HeardChanges();
  readonly #adds = new FinishedAdds();
  readonly #lacks = new LastingLacks();
  /** What was put back, as long as it has a record. */
  readonly #restored = new Map<string, RulesRecord>();
  #attachments = 0;
  #isUnsure = false;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#problems = new Problems(parts.log);
    this.#drift = new Drift(parts.log);
  }

  /** Works until the signal; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, listen, machine } = this.#parts;
    if (!mayChangeNetwork(machine)) {
      log.warn('rules that others take away are not put back: this agent lacks CAP_NET_ADMIN');
      return;
    }
    const wake = () => this.#wakeup.wake();
    const concerns = (line: string) => this.#heard.hear(line);
    await Promise.all([
      this.#lookUntil(signal),
      monitorKernel({ command: changeMonitor, concerns, listen, log, wake }, signal),
    ]);
  }

  /** For who asks. */
  status(): KeptRules {
    return { attachments: this.#attachments, drift: this.#drift.status, problems: this.#problems.all };
  }

  async #lookUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const beganMs = performance.now();
      await this.#problems.gather('rules of attachments', () => this.#look());
      await sleep((performance.now() - beganMs) / workShare, signal);
      await this.#wakeup.wait(this.#pauseMs(), signal);
      await sleep(graceMs, signal);
    }
  }

  #pauseMs(): number {
    if (this.#problems.all.length > 0) return retryMs;
    return this.#isUnsure ? soonMs : resyncMs;
  }

  /** @returns what stands in the way */
  async #look(): Promise<readonly string[]> {
    const { records, run } = this.#parts;
    // Before the kernel is looked at: whose rules are missing there is then no ADD that has come meanwhile.
    const recorded = records.list();
    this.#attachments = recorded.length;
    if (recorded.length === 0 && this.#restored.size === 0) return [];
    const listed = await inquireAsync(listedInquiry(), run);
    const { live, dead } = this.#judge(recorded);
    const uncleared = await this.#clear([...dead, ...this.#gone()], listed);
    return [...uncleared, ...(await this.#restore(live, listed))];
  }

  #judge(recorded: readonly RulesRecord[]): { live: readonly RulesRecord[]; dead: readonly RulesRecord[] } {
    const judge = createJudge(this.#parts.machine);
    const { dead = [], live = [] } = Object.groupBy(recorded, ({ proof }) =>
      judge(proof).state === 'dead' ? 'dead' : 'live',
    );
    return { live, dead };
  }

  /** Whose DEL was under way when his rules were put back. */
  #gone(): readonly RulesRecord[] {
    return [...this.#restored.values()].filter(({ owner }) => this.#parts.records.get(owner).kind === 'none');
  }

  async #clear(stale: readonly RulesRecord[], listed: ListedRules): Promise<readonly string[]> {
    try {
      await clearRules(planClearing(stale, listed), this.#parts.run);
      for (const record of stale) this.#forget(record);
      return [];
    } catch (error) {
      return [`removing rules of containers that are no more: ${messageOf(error)}`];
    }
  }

  #forget(record: RulesRecord): void {
    const { records, machine, log } = this.#parts;
    this.#restored.delete(idOf(record));
    if (!this.#isUnchanged(record)) return;
    records.remove(record.owner);
    machine.forgetFlows(record.flows);
    log.info('rules removed: their container is dead', { attachment: describeOwner(record.owner) });
  }

  /** Whether nobody has written, or removed, the record since it was read. */
  #isUnchanged(record: RulesRecord): boolean {
    const now = this.#parts.records.get(record.owner);
    return now.kind === 'recorded' && renderRecord(now.record) === renderRecord(record);
  }

  async #restore(live: readonly RulesRecord[], listed: ListedRules): Promise<readonly string[]> {
    const nowMs = performance.now();
    const finished = this.#adds.take(live, { listed, come: this.#heard.takeCome(), nowMs });
    const missing = planRestore(finished, listed);
    const { shared, own } = this.#lacks.take(missing, nowMs);
    const due = {
      shared,
      own: own.filter(({ record }) => this.#isUnchanged(record)),
      conflicts: missing.conflicts,
    };
    this.#isUnsure = this.#lacks.isAny || finished.length < live.length;
    return [...missing.conflicts, ...(await this.#write(due))];
  }

  async #write(due: Restoration): Promise<readonly string[]> {
    if (due.shared.length + due.own.length === 0) return [];
    const { restored, failures } = await writeMissing(due, this.#parts.run);
    for (const { record } of restored) this.#restored.set(idOf(record), record);
    // What came while nothing led it is remembered by conntrack as going nowhere.
    this.#parts.machine.forgetFlows(restored.flatMap(({ record }) => record.flows));
    if (restored.length > 0 || failures.length === 0) this.#note({ ...due, own: restored });
    return failures;
  }

  #note({ shared, own }: Restoration): void {
    const culprit = this.#heard.takeCulprit();
    const rules = [...shared, ...own.flatMap(({ lacking }) => lacking)];
    this.#drift.note([
      ...(culprit === undefined ? [] : [`removed by ${culprit}`]),
      ...rules.map(describeRule),
    ]);
  }
}
