import { Repeats } from '../daemon/repeats.ts';
import type { Log } from '../log/log.ts';
import type { DiscoveryRequest } from './discovery-request.ts';

const longestReason = 500;

/** Tells the log what Envoy would not take, which it repeats with every request until it is given something else. */
export class Refusals {
  readonly #log: Log;
  readonly #repeats = new Repeats();

  constructor(log: Log) {
    this.#log = log;
  }

  note({ nodeId, resourceNames, version, refusal }: DiscoveryRequest): void {
    if (refusal === undefined) return;
    const untold = this.#repeats.take(JSON.stringify([nodeId, resourceNames]));
    if (untold === undefined) return;
    this.#log.warn('Envoy has not taken the endpoints that it was given', {
      node: nodeId.slice(0, longestReason),
      resources: resourceNames.join(' ').slice(0, longestReason),
      why: refusal.slice(0, longestReason),
      keeps: version.slice(0, longestReason),
      untold,
    });
  }
}
