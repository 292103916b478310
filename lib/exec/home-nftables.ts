import {
  decodeMessages,
  encodeMessage,
  endOf,
  findAttribute,
  type NetlinkMessage,
  type NetlinkRequest,
  netlinkFlag,
} from '../netlink/message.ts';
import { decodeNetfilter, netfilterRequest } from '../netlink/netfilter.ts';
import { rememberHome } from './home-netns.ts';
import { type NetlinkCalls, netlinkCalls } from './netlink-calls.ts';

/**
 * nftables of the network namespace in which a process has begun, over a socket that stays open: the kernel keeps whoever
 * closes one waiting for 10 to 20 ms until what was deleted before is gone for good. In that namespace alone.
 */
export type HomeNftables = Disposable & {
  /**
   * Carries out the messages of one transaction, the last of which before its end asks for an acknowledgement.
   * @returns whether it holds; of one that does not, nothing is there
   */
  readonly commit: (messages: readonly NetlinkRequest[]) => boolean;
  /** The number that every transaction of anybody's changes; undefined where it cannot be told. */
  readonly generation: () => number | undefined;
};

const netfilterProtocol = 12;
/** Commands and attributes of linux/netfilter/nf_tables.h. */
const command = { newGeneration: 15, getGeneration: 16 } as const;
const generationAttribute = 1;

const generationRequest = netfilterRequest('nftables', command.getGeneration, {
  flags: 0,
  family: 0,
  attributes: [],
});

/** To be called in the namespace that is meant; the socket is opened at its first use. */
export function openHomeNftables(): HomeNftables {
  const isHome = rememberHome();
  const line = new Line();
  return {
    commit: (messages) => isHome() && holds(messages, line),
    generation: () => (isHome() ? askGeneration(line) : undefined),
    [Symbol.dispose]: () => line.close(),
  };
}

/**
 * What is wrong with any message is answered before the last message is acknowledged. An answer to the first one speaks
 * for the transaction as a whole, and then others may be missing.
 */
function holds(messages: readonly NetlinkRequest[], line: Line): boolean {
  const last = messages.findLastIndex(({ flags }) => (flags & netlinkFlag.ack) !== 0);
  let isDone = true;
  const isHeard = line.converse(messages, (answer, index) => {
    const end = endOf(answer) ?? 0;
    if (end !== 0) isDone = false;
    return index === 0 || index === last;
  });
  return isHeard && isDone;
}

function askGeneration(line: Line): number | undefined {
  let found: Buffer | undefined;
  line.converse([generationRequest], (answer) => {
    if ((answer.type & 0xff) === command.newGeneration)
      found = findAttribute(decodeNetfilter(answer).attributes, generationAttribute);
    return true;
  });
  return found?.length === 4 ? found.readUInt32BE(0) : undefined;
}

/** Takes an answer to the request of that index. @returns whether it is the last one */
type Hear = (answer: NetlinkMessage, index: number) => boolean;

/** A socket that is opened when it is needed, and thrown away when anything is wrong with it. */
class Line {
  #fd: number | undefined;
  #sequence = 0;

  /** @returns whether the last answer has come */
  converse(requests: readonly NetlinkRequest[], hear: Hear): boolean {
    const libc = netlinkCalls();
    const fd = this.#open(libc);
    if (fd === undefined) return false;
    const first = this.#sequence + 1;
    this.#sequence += requests.length;
    const messages = requests.map((request, index) => encodeMessage({ ...request, sequence: first + index }));
    const bytes = Buffer.concat(messages);
    const isHeard = libc.send(fd, bytes) === bytes.length && receiveAll({ fd, libc, first, hear });
    if (!isHeard) this.close();
    return isHeard;
  }

  close(): void {
    if (this.#fd !== undefined) netlinkCalls().close(this.#fd);
    this.#fd = undefined;
  }

  #open(libc: NetlinkCalls): number | undefined {
    if (this.#fd !== undefined) return this.#fd;
    const fd = libc.socket(netfilterProtocol);
    if (fd >= 0) this.#fd = fd;
    return this.#fd;
  }
}

type Awaited = {
  readonly fd: number;
  readonly libc: NetlinkCalls;
  /** The sequence number of the first request. */
  readonly first: number;
  readonly hear: Hear;
};

/** The kernel answers while it is sent to: what is not there then never comes. */
function receiveAll({ fd, libc, first, hear }: Awaited): boolean {
  const { receiveBuffer } = libc;
  for (;;) {
    const length = libc.tryReceive(fd, receiveBuffer);
    if (length < 0) return false;
    // What is left of an earlier conversation has a lower number.
    const answers = decodeMessages(receiveBuffer.subarray(0, length)).filter(
      ({ sequence }) => sequence >= first,
    );
    if (answers.some((answer) => hear(answer, answer.sequence - first))) return true;
  }
}
