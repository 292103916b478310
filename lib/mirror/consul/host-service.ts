import { backoffMs, sleep } from '../../client/backoff.ts';
import type { HttpFailure } from '../../http/http-failure.ts';
import type { ConsulConfig } from './config.ts';
import type { ConsulClient } from './consul-client.ts';
import { hostCheckId, toHostRegistration } from './registration.ts';

export type HostServiceOptions = Pick<ConsulConfig, 'ttlMs' | 'deregisterAfterMs'> & {
  readonly client: ConsulClient;
  readonly node: string;
};

/** The longest pause after a heartbeat that has failed, in milliseconds. */
const longestRetryMs = 5_000;

/**
 * The one service of a machine that has heartbeats: the checks of all its entries follow it, so that one call keeps
 * thousands of them alive.
 */
export class HostService {
  readonly #options: HostServiceOptions;
  /** Whether this process has made it stand, as far as it knows. */
  #stands = false;
  /** Whether it has gone, and nobody was told yet. */
  #isLost = false;
  #onLost: () => void = () => undefined;

  constructor(options: HostServiceOptions) {
    this.#options = options;
  }

  /**
   * Sends a heartbeat; registers it first where it does not stand.
   * @throws Error, also where Consul does not know what it has just registered
   */
  async beat(signal: AbortSignal): Promise<void> {
    if (this.#stands && (await this.#pass(signal)) === 'known') return;
    this.#isLost ||= this.#stands;
    this.#stands = false;
    await this.#register(signal);
    // What was registered before keeps the status that it had.
    const passed = await this.#pass(signal);
    if (passed !== 'known') throw unlasting(passed);
    this.#stands = true;
    if (!this.#isLost) return;
    this.#isLost = false;
    this.#onLost();
  }

  /**
   * Sends heartbeats until the signal; never rejects.
   * @param onLost called when Consul has forgotten it; once also when heartbeats begin to fail, since it may go
   */
  async keep(onLost: () => void, signal: AbortSignal): Promise<void> {
    this.#onLost = onLost;
    const everyMs = this.#options.ttlMs / 3;
    let failures = 0;
    while (!signal.aborted) {
      const isWell = await this.#hasBeaten(signal);
      if (!isWell && failures === 0 && !signal.aborted) onLost();
      failures = isWell ? 0 : failures + 1;
      const pauseMs = failures === 0 ? everyMs : Math.min(everyMs, longestRetryMs, backoffMs(failures));
      await sleep(pauseMs * (0.8 + Math.random() * 0.2), signal);
    }
  }

  async #hasBeaten(signal: AbortSignal): Promise<boolean> {
    try {
      await this.beat(signal);
      return true;
    } catch {
      return false;
    }
  }

  /** @returns the failure where Consul does not know the check */
  async #pass(signal: AbortSignal): Promise<'known' | HttpFailure> {
    const { client, node } = this.#options;
    const declined = await client.put({ path: `/v1/agent/check/pass/${hostCheckId(node)}`, signal });
    if (declined?.kind === 'refused') throw declined.failure;
    return declined === undefined ? 'known' : declined.failure;
  }

  async #register(signal: AbortSignal): Promise<void> {
    const { client, node } = this.#options;
    const path = '/v1/agent/service/register?replace-existing-checks=true';
    const declined = await client.put({ path, signal }, toHostRegistration(node, this.#options));
    if (declined !== undefined) throw declined.failure;
  }
}

function unlasting(cause: HttpFailure): Error {
  const hint = 'just registered, and not known (is the endpoint one Consul agent, not several in turn?)';
  return new Error(`${cause.message}: ${hint}`, { cause });
}
