import { messageOf } from '../errors/cni-error.ts';
import type { RateLimiter } from '../limit/rate-limiter.ts';
import type { RegistryView } from '../registry/view.ts';
import { bareAnswer } from './answer.ts';
import { parseQuery, type Query, toPlainQuery } from './query.ts';
import {
  isCut,
  type Reply,
  renderReply,
  type Sending,
  withQuestion,
  writeProblem,
  writeReply,
  writeTruncated,
} from './reply.ts';
import { type CacheBounds, type KnownReplies, ReplyCache } from './reply-cache.ts';
import { ContainerNetworks, type Scope, scopeKey, type Visibility, wholeScope } from './scope.ts';
import { countOutcome, type DnsStats } from './stats.ts';
import { HeaderOffset, Rcode } from './wire.ts';
import { answerQuestion, type ZoneAnswer } from './zone.ts';
import type { Zone } from './zone-config.ts';

export type ResponderOptions = {
  readonly view: RegistryView;
  readonly zone: Zone;
  readonly visibility: Visibility;
  /** Whether there are upstreams for names that are not ours. */
  readonly recursion: boolean;
  readonly stats: DnsStats;
  readonly log: (line: string) => void;
  /** Whether an address has asked too often; undefined: there is no limit. */
  readonly limiter?: Pick<RateLimiter, 'take'> | undefined;
};

/** Who asks, where, and how; addresses in canonical text. */
export type Asker = {
  readonly address: string;
  /** The address that was asked. */
  readonly listener: string;
  readonly transport: 'udp' | 'tcp';
};

/** What is remembered of an asker until the registry changes. */
type Known = {
  readonly scope: Scope;
  /** Names those who get the same answers. */
  readonly circle: string;
  readonly present: KnownReplies;
  readonly absent: KnownReplies;
};

/** Askers remembered at most: anybody can write any source into a datagram. */
const mostAskers = 10_000;

/** Octets of a query at most whose answer may be known. */
const longestKept = 320;

/**
 * Names that are not there are kept apart: there is no end of them, and whoever asks for many should not drive out what
 * is there.
 */
const presentBounds: CacheBounds = { entries: 50_000, octets: 32 * 1024 * 1024 };
const absentBounds: CacheBounds = { entries: 10_000, octets: 8 * 1024 * 1024 };

/** From a packet to the packet that answers it; knows nothing of sockets. */
export class Responder implements Disposable {
  readonly #options: ResponderOptions;
  readonly #networks: ContainerNetworks;
  readonly #present = new ReplyCache(presentBounds);
  readonly #absent = new ReplyCache(absentBounds);
  readonly #askers = { udp: new Map<string, Known>(), tcp: new Map<string, Known>() };
  #revision: number;
  #hasFailed = false;

  constructor(options: ResponderOptions) {
    this.#options = options;
    this.#networks = new ContainerNetworks(options.view);
    this.#revision = options.view.revision;
  }

  /**
   * Brings what is answered up to the last commit; to be called after the queries were received that `handle` is then
   * given. Where the store cannot be read, names of the registry are answered with SERVFAIL until it can.
   */
  refresh(): void {
    const { view, log } = this.#options;
    try {
      view.refresh();
      if (this.#hasFailed) log('the registry can be read again: its names are answered');
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) log(`the registry cannot be read, its names get SERVFAIL: ${messageOf(error)}`);
      this.#hasFailed = true;
      this.#forget();
    }
    if (view.revision !== this.#revision) this.#forget();
    this.#revision = view.revision;
  }

  /** The answer, or the query where an upstream is to answer it, or undefined where nobody is. */
  handle(packet: Buffer, asker: Asker): Buffer | Query | undefined {
    if (this.#options.limiter?.take(asker.address) === false) return this.#refuse(packet, asker);
    const known = this.#knownOf(asker);
    const reply = packet.length > longestKept ? undefined : find(known, keyOf(packet));
    if (reply === undefined) return this.#answer(packet, asker, known);
    this.#options.stats.cacheHits++;
    return this.#send(reply, packet);
  }

  [Symbol.dispose](): void {
    this.#networks[Symbol.dispose]();
  }

  #forget(): void {
    this.#present.reset();
    this.#absent.reset();
    this.#askers.udp.clear();
    this.#askers.tcp.clear();
  }

  #knownOf({ address, listener, transport }: Asker): Known {
    const askers = this.#askers[transport];
    const who = `${address} ${listener}`;
    const known = askers.get(who);
    if (known !== undefined) return known;
    if (askers.size >= mostAskers) askers.clear();
    const scope = this.#options.visibility === 'all' ? wholeScope : this.#networks.scopeOf(address, listener);
    const circle = `${transport} ${scopeKey(scope)}`;
    const learned = {
      scope,
      circle,
      present: this.#present.ofCircle(circle),
      absent: this.#absent.ofCircle(circle),
    };
    askers.set(who, learned);
    return learned;
  }

  #answer(packet: Buffer, asker: Asker, known: Known): Buffer | Query | undefined {
    const query = this.#parse(packet);
    if (query === undefined || query instanceof Uint8Array) return query;
    const plain = toPlainQuery(query);
    const key = plain === undefined || plain === query ? undefined : keyOf(plain.packet);
    const reply = key === undefined ? undefined : find(known, key);
    if (reply === undefined) return this.#answerAnew(query, plain, { asker, known });
    this.#options.stats.cacheHits++;
    return withQuestion(this.#send(reply, packet), query);
  }

  /** @param plain what the answer is kept for; undefined where it is not kept */
  #answerAnew(
    query: Query,
    plain: Query | undefined,
    { asker, known }: { readonly asker: Asker; readonly known: Known },
  ): Buffer | Query {
    const answer = this.#decide(query, asker, known.scope);
    if (answer.forwardable && this.#options.recursion) return query;
    const reply = writeReply(plain ?? query, answer, this.#sending(asker));
    if (plain !== undefined && this.#isWorthKeeping(query, answer)) {
      const cache = answer.rcode === Rcode.noError ? this.#present : this.#absent;
      cache.keep(known.circle, keyOf(plain.packet), reply);
    }
    return withQuestion(this.#send(reply, query.packet), query);
  }

  /** The query, or the answer to what is none. */
  #parse(packet: Buffer): Query | Buffer | undefined {
    const parsed = parseQuery(packet);
    if (parsed?.kind === 'query') return parsed;
    this.#options.stats.malformed++;
    if (parsed === undefined) return undefined;
    countOutcome(this.#options.stats, parsed.rcode);
    return writeProblem(packet, parsed.rcode);
  }

  #decide({ question, edns }: Query, { listener }: Asker, scope: Scope): ZoneAnswer {
    if (edns !== undefined && edns.version > 0) return { ...bareAnswer(Rcode.badVers), forwardable: false };
    const { view, zone } = this.#options;
    const answer = answerQuestion(question, { view, zone, scope, listener });
    const isUnknown = this.#hasFailed && answer.authoritative;
    return isUnknown ? { ...bareAnswer(Rcode.servFail), forwardable: answer.forwardable } : answer;
  }

  /** Not what is asked at the zone's own names, which tell by which address the asker came. */
  #isWorthKeeping(query: Query, { authoritative }: ZoneAnswer): boolean {
    const isOfApex = query.question.labels.length <= this.#options.zone.labels.length + 1;
    return authoritative && !isOfApex && !this.#hasFailed;
  }

  #send(reply: Reply, packet: Buffer): Buffer {
    const { stats } = this.#options;
    countOutcome(stats, reply.rcode);
    if (isCut(reply)) stats.truncated++;
    return renderReply(reply, packet);
  }

  /** Over UDP the source may be forged: whoever is real comes over TCP, and nobody is sent more than was received. */
  #refuse(packet: Buffer, asker: Asker): Buffer | undefined {
    const { stats } = this.#options;
    stats.limited++;
    const query = parseQuery(packet);
    if (query?.kind !== 'query') return undefined;
    if (asker.transport === 'udp') return writeTruncated(query, this.#sending(asker));
    countOutcome(stats, Rcode.refused);
    return writeReply(query, bareAnswer(Rcode.refused), this.#sending(asker)).octets;
  }

  #sending({ transport }: Asker): Sending {
    return { transport, recursion: this.#options.recursion };
  }
}

/** All of a query but its id. */
function keyOf(packet: Buffer): string {
  return packet.toString('latin1', HeaderOffset.flags);
}

function find({ present, absent }: Known, key: string): Reply | undefined {
  return present.get(key) ?? absent.get(key);
}
