/** When calls to one instance are suspended. */
export type BreakerSettings = {
  /** Failures in a row that open the circuit. */
  readonly failures: number;
  /** How long it stays open before one call is let through to try. */
  readonly openMs: number;
};

export const defaultBreaker: BreakerSettings = { failures: 5, openMs: 10_000 };

export type CircuitState = 'closed' | 'open' | 'half-open';

/** A circuit that is not simply closed; times are of the breaker's clock. */
type Circuit = { failures: number; openedAtMs: number | undefined; triedAtMs: number | undefined };

/**
 * A circuit for each instance: closed while calls succeed; open after several failures in a row, then nothing is called;
 * half-open after a while, when one call at a time shows whether it may be closed. Only instances with failures are
 * remembered.
 */
export class CircuitBreaker {
  readonly #settings: BreakerSettings;
  readonly #nowMs: () => number;
  readonly #circuits = new Map<string, Circuit>();

  constructor(settings: BreakerSettings, nowMs: () => number = () => performance.now()) {
    this.#settings = settings;
    this.#nowMs = nowMs;
  }

  stateOf(id: string): CircuitState {
    const openedAtMs = this.#circuits.get(id)?.openedAtMs;
    if (openedAtMs === undefined) return 'closed';
    return this.#nowMs() - openedAtMs < this.#settings.openMs ? 'open' : 'half-open';
  }

  /** The instances that must not be called now: open, or half-open while another call tries. */
  closedTo(): ReadonlySet<string> {
    return new Set(
      this.#circuits
        .keys()
        .filter(
          (id) => this.stateOf(id) === 'open' || (this.stateOf(id) === 'half-open' && this.#isTried(id)),
        ),
    );
  }

  /** A call begins; of a half-open circuit it is the one that tries. */
  begin(id: string): void {
    const circuit = this.#circuits.get(id);
    if (circuit !== undefined && this.stateOf(id) === 'half-open') circuit.triedAtMs = this.#nowMs();
  }

  /** A call has ended. */
  end(id: string, failed: boolean): void {
    if (!failed) {
      this.#circuits.delete(id);
      return;
    }
    const circuit = this.#circuits.get(id) ?? { failures: 0, openedAtMs: undefined, triedAtMs: undefined };
    // Calls that began before it was opened say nothing new.
    if (this.stateOf(id) === 'open') return;
    circuit.failures++;
    this.#circuits.set(id, circuit);
    if (circuit.openedAtMs === undefined && circuit.failures < this.#settings.failures) return;
    circuit.openedAtMs = this.#nowMs();
    circuit.triedAtMs = undefined;
  }

  /** A call has ended that says nothing of the instance. */
  cancel(id: string): void {
    const circuit = this.#circuits.get(id);
    if (circuit !== undefined) circuit.triedAtMs = undefined;
  }

  forget(id: string): void {
    this.#circuits.delete(id);
  }

  /** A try that nobody has reported on does not block the next one for ever. */
  #isTried(id: string): boolean {
    const triedAtMs = this.#circuits.get(id)?.triedAtMs;
    return triedAtMs !== undefined && this.#nowMs() - triedAtMs < this.#settings.openMs;
  }
}
