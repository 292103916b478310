import { CniError, ErrorCode, messageOf } from '../errors/cni-error.ts';
import { askByTcp, askByUdp, type Exchange } from './exchange.ts';
import type { Query } from './query.ts';
import { limitOf, writeForwarded } from './reply.ts';
import { formatServerAddress, isSameServer, type ServerAddress } from './server-address.ts';
import { Flag, hasFlag, Rcode } from './wire.ts';

export type ForwarderOptions = {
  /** In the order in which they are asked. */
  readonly upstreams: readonly ServerAddress[];
  readonly log: (line: string) => void;
  /** How long each of them may take. */
  readonly timeoutMs?: number;
  /** Queries that wait for an upstream at the same time, at most. */
  readonly mostOutstanding?: number;
};

const defaultTimeoutMs = 2_000;
const defaultMostOutstanding = 256;

/** Asks other servers what is not ours to answer. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #timeoutMs: number;
  readonly #mostOutstanding: number;
  #outstanding = 0;
  /** The upstream that answered last: one that is dead should not be waited for each time. */
  #first = 0;
  #isFailing = false;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    this.#mostOutstanding = options.mostOutstanding ?? defaultMostOutstanding;
  }

  /** The answer as the upstream gave it, under the query's id; undefined where none did. */
  async ask(query: Query, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    if (this.#outstanding >= this.#mostOutstanding) return undefined;
    this.#outstanding++;
    try {
      const answer = await this.#askInTurn(query, transport);
      answer?.set(query.packet.subarray(0, 2));
      return answer;
    } finally {
      this.#outstanding--;
    }
  }

  /** An upstream that refuses or fails is passed over as one that is silent; if all do, the last one's word stands. */
  async #askInTurn(query: Query, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    const { upstreams } = this.#options;
    const failures: string[] = [];
    let last: Buffer | undefined;
    for (const turn of upstreams.keys()) {
      const index = (this.#first + turn) % upstreams.length;
      const server = upstreams[index];
      if (server === undefined) continue;
      try {
        last = await this.#askOne(server, query, transport);
        if (isFailure(last)) continue;
        this.#first = index;
        break;
      } catch (error) {
        failures.push(`${formatServerAddress(server)}: ${messageOf(error)}`);
      }
    }
    this.#tell(last === undefined, failures);
    return last;
  }

  async #askOne(server: ServerAddress, query: Query, transport: 'udp' | 'tcp'): Promise<Buffer> {
    const exchange: Exchange = {
      server,
      packet: writeForwarded(query, randomId()),
      timeoutMs: this.#timeoutMs,
    };
    if (transport === 'tcp') return askByTcp(exchange);
    const answer = await askByUdp(exchange);
    return hasFlag(answer, Flag.truncated)
      ? completed(exchange, answer, limitOf(query, { transport }))
      : answer;
  }

  /** Once when the upstreams fall silent, and once when one speaks again. */
  #tell(isFailing: boolean, failures: readonly string[]): void {
    if (isFailing === this.#isFailing) return;
    this.#isFailing = isFailing;
    const { log } = this.#options;
    log(isFailing ? `no upstream answers: ${failures.join('; ')}` : 'the upstreams answer again');
  }
}

/** The whole of a truncated answer, where the asker can take it; else what came, for it says that there is more. */
async function completed(exchange: Exchange, truncated: Buffer, limit: number): Promise<Buffer> {
  const whole = await askByTcp(exchange).catch(() => undefined);
  return whole !== undefined && whole.length <= limit ? whole : truncated;
}

function isFailure(answer: Buffer): boolean {
  const rcode = answer.readUInt8(3) & 0x0f;
  return rcode === Rcode.servFail || rcode === Rcode.refused;
}

function randomId(): number {
  return crypto.getRandomValues(new Uint16Array(1))[0] ?? 0;
}

/**
 * Refuses an upstream that is ourselves: each query would come back to be forwarded again.
 * @throws CniError code 7
 */
export function refuseLoops(upstreams: readonly ServerAddress[], own: readonly ServerAddress[]): void {
  const loop = upstreams.find((upstream) => own.some((ours) => isSameServer(ours, upstream)));
  if (loop === undefined) return;
  throw new CniError(
    ErrorCode.invalidConfig,
    `dns: the upstream ${formatServerAddress(loop)} is an address that this DNS server listens on itself: ` +
      'name another server, or take it out of the upstreams',
  );
}
