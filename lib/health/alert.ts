import type { Log } from '../log/log.ts';
import type { Change } from '../registry/instance.ts';
import type { RegistryView, ServiceKey } from '../registry/view.ts';
import { type AlertRule, fits } from './alert-rule.ts';
import { type AlertState, breachOf, nextState, quiet, tally } from './alert-state.ts';
import { type Clock, systemClock } from './clock.ts';
import { WebhookSender } from './webhook.ts';

export type AlertMonitorOptions = {
  readonly rules: readonly AlertRule[];
  /** The id of this machine, for the webhook. */
  readonly node: string;
  readonly view: Pick<RegistryView, 'services' | 'ofService' | 'isImported' | 'onChange'>;
  readonly log: Log;
  readonly clock?: Clock;
};

/** What is POSTed when an alert begins and when it ends. */
export type AlertMessage = {
  readonly state: 'firing' | 'resolved';
  /** The rule's name. */
  readonly alert: string;
  readonly namespace: string;
  readonly service: string;
  readonly node: string;
  readonly reason: string;
  readonly healthy: number;
  readonly critical: number;
  readonly total: number;
  /** ISO 8601. */
  readonly at: string;
};

export type AlertStats = {
  /** Gauges. */
  readonly pending: number;
  readonly firing: number;
  /** From the start. */
  readonly delivered: number;
  readonly failed: number;
};

/** A rule and a service that it is about. */
type Subject = { readonly rule: AlertRule; readonly key: ServiceKey; readonly id: string };

/** `cancel` is there while a timer runs. */
type Watched = { state: AlertState; cancel: (() => void) | undefined };

/**
 * Watches the thresholds of services, as far as this machine has a part in them: what others have, they tell of
 * themselves. An alert is told once when it begins and once when it ends: in the log, in the
 * gauge and by webhook. What was firing when the agent stopped is told again when it has lasted as long after the start.
 */
export class AlertMonitor implements Disposable {
  readonly #options: AlertMonitorOptions;
  readonly #clock: Clock;
  readonly #sender: WebhookSender;
  readonly #watched = new Map<string, Watched>();
  readonly #unsubscribe: () => void;

  constructor(options: AlertMonitorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#sender = new WebhookSender({ log: options.log, clock: this.#clock });
    const { view, rules } = options;
    for (const key of [...view.services(), ...rules.flatMap(namedService)]) this.#look(key);
    this.#unsubscribe = view.onChange((changes) => this.#follow(changes));
  }

  get stats(): AlertStats {
    const count = (phase: AlertState['phase']) =>
      this.#watched
        .values()
        .filter(({ state }) => state.phase === phase)
        .toArray().length;
    return { pending: count('pending'), firing: count('firing'), ...this.#sender.counts };
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
    for (const { cancel } of this.#watched.values()) cancel?.();
    this.#sender[Symbol.dispose]();
  }

  #follow(changes: readonly Change[]): void {
    const touched = new Map(
      changes.map(({ instance: { namespace, service } }) => [
        `${namespace}/${service}`,
        { namespace, service },
      ]),
    );
    for (const key of touched.values()) this.#look(key);
  }

  #look(key: ServiceKey): void {
    for (const [index, rule] of this.#options.rules.entries()) {
      if (!fits(rule.service, key.service) || !fits(rule.namespace, key.namespace)) continue;
      this.#judge({ rule, key, id: `${index}/${key.namespace}/${key.service}` });
    }
  }

  #judge(subject: Subject): void {
    const { rule, key, id } = subject;
    const { view } = this.#options;
    const before = this.#watched.get(id);
    const instances = view.ofService(key).filter((instance) => !view.isImported(instance));
    const counts = tally(instances);
    // A service that is gone altogether was withdrawn, unless the rule names it.
    const isThere = instances.length > 0 || namedService(rule).length > 0;
    const breach = isThere ? breachOf(rule, counts) : undefined;
    const nowMs = this.#clock.nowMs();
    const state = nextState(before?.state ?? quiet, breach !== undefined, { nowMs, forMs: rule.forMs });
    this.#remember(subject, state, before);
    const wasFiring = before?.state.phase === 'firing';
    const isFiring = state.phase === 'firing';
    if (wasFiring === isFiring) return;
    const reason = breach ?? 'it is within its limits again';
    this.#tell(subject, { ...counts, state: isFiring ? 'firing' : 'resolved', reason });
  }

  #remember(subject: Subject, state: AlertState, before: Watched | undefined): void {
    before?.cancel?.();
    if (state.phase === 'quiet') this.#watched.delete(subject.id);
    else this.#watched.set(subject.id, { state, cancel: this.#timerOf(subject, state) });
  }

  #timerOf(subject: Subject, state: AlertState): (() => void) | undefined {
    if (state.phase !== 'pending') return undefined;
    return this.#clock.after(state.firesAtMs - this.#clock.nowMs(), () => this.#judge(subject));
  }

  #tell(
    { rule, key, id }: Subject,
    said: Omit<AlertMessage, 'alert' | 'node' | 'at' | keyof ServiceKey>,
  ): void {
    const { log, node } = this.#options;
    const { namespace, service } = key;
    const level = said.state === 'firing' ? 'warn' : 'info';
    log[level](`an alert is ${said.state}`, { alert: rule.name, namespace, service, reason: said.reason });
    if (rule.webhook === undefined) return;
    const at = new Date().toISOString();
    const body: AlertMessage = { ...said, alert: rule.name, namespace, service, node, at };
    this.#sender.send(id, { url: rule.webhook, body });
  }
}

/** The one service that a rule names in full: it is missed, too, when none of its instances is there. */
function namedService({ namespace, service }: AlertRule): readonly ServiceKey[] {
  return `${namespace}${service}`.includes('*') ? [] : [{ namespace, service }];
}
