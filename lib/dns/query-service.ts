import { messageOf } from '../errors/cni-error.ts';
import { bareAnswer } from './answer.ts';
import type { Query } from './query.ts';
import { limitOf, writeProblem, writeReply, writeTruncated } from './reply.ts';
import { type Asker, Responder, type ResponderOptions } from './responder.ts';
import { countOutcome } from './stats.ts';
import type { Forwarder } from './upstream.ts';
import { headerLength, Rcode } from './wire.ts';

export type QueryServiceOptions = Omit<ResponderOptions, 'recursion'> & {
  /** Undefined where names that are not ours are refused. */
  readonly forwarder: Forwarder | undefined;
};

/** Answers packets, be it from the registry or by an upstream; a failure of ours is SERVFAIL and never an exception. */
export class QueryService implements Disposable {
  readonly #options: QueryServiceOptions;
  readonly #responder: Responder;

  constructor(options: QueryServiceOptions) {
    this.#options = options;
    this.#responder = new Responder({ ...options, recursion: options.forwarder !== undefined });
  }

  /** To be called after the queries have come that are then answered. */
  refresh(): void {
    this.#responder.refresh();
  }

  /** At once where nobody else must be asked; undefined where there is no answer. */
  answer(packet: Buffer, asker: Asker): Buffer | undefined | Promise<Buffer | undefined> {
    try {
      const handled = this.#responder.handle(packet, asker);
      const isOurs = handled === undefined || handled instanceof Uint8Array;
      return isOurs ? handled : this.#forward(handled, asker).catch((error) => this.#fail(packet, error));
    } catch (error) {
      return this.#fail(packet, error);
    }
  }

  [Symbol.dispose](): void {
    this.#responder[Symbol.dispose]();
  }

  async #forward(query: Query, { transport }: Asker): Promise<Buffer> {
    const { stats, forwarder } = this.#options;
    stats.forwarded++;
    const answer = await forwarder?.ask(query, transport);
    const rcode = answer === undefined ? Rcode.servFail : answer.readUInt8(3) & 0x0f;
    countOutcome(stats, rcode);
    if (answer === undefined)
      return writeReply(query, bareAnswer(rcode), { transport, recursion: true }).octets;
    if (answer.length <= limitOf(query, { transport })) return answer;
    stats.truncated++;
    return writeTruncated(query, { transport, recursion: true });
  }

  #fail(packet: Buffer, error: unknown): Buffer | undefined {
    this.#options.log(`answering a DNS query failed: ${messageOf(error)}`);
    if (packet.length < headerLength) return undefined;
    countOutcome(this.#options.stats, Rcode.servFail);
    return writeProblem(packet, Rcode.servFail);
  }
}
