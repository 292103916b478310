import { endNetns } from './end-netns.ts';
import { must, run } from './process.ts';
import { canPing } from './traffic.ts';
import { until } from './until.ts';

/** How a port is held back: what it sends waits, at most so long, and is then dropped. */
export type Slowness = { readonly rateKbit: number; readonly latencyMs: number };

let underlays = 0;

/**
 * The network between hosts: a bridge in a namespace `fl-t…-u`, to which other namespaces are linked. Each has the
 * interface eth0, whose addresses end with the number by which its port is known here.
 */
export class Underlay implements AsyncDisposable {
  readonly #prefix = `fl-t${process.pid}-${++underlays}`;
  readonly #machines: string[] = [];
  readonly #connected = new Map<number, string>();
  readonly #mtu: number;
  readonly netns = `${this.#prefix}-u`;

  private constructor(mtu: number) {
    this.#mtu = mtu;
  }

  /** @param options.mtu of the bridge and of every eth0, in bytes */
  static async create({ mtu = 1500 }: { mtu?: number } = {}): Promise<Underlay> {
    const underlay = new Underlay(mtu);
    try {
      await must('ip', ['netns', 'add', underlay.netns]);
      await underlay.#addBridge();
    } catch (error) {
      await underlay[Symbol.asyncDispose]();
      throw error;
    }
    return underlay;
  }

  /** Links a namespace. The addresses are there at once: nobody else has them, so nobody is asked. */
  async connect(netns: string, number: number): Promise<void> {
    this.#connected.set(number, netns);
    const port = portOf(number);
    await batch(this.netns, [
      `link add name ${port} mtu ${this.#mtu} type veth peer name eth0 mtu ${this.#mtu} netns ${netns}`,
      `link set dev ${port} master br0 up`,
    ]);
    await batch(netns, [
      `addr add ${addressOf(number)}/24 dev eth0`,
      `addr add ${address6Of(number)}/64 dev eth0 nodad`,
      'link set dev lo up',
      'link set dev eth0 up',
    ]);
  }

  /** A new namespace that is linked, and goes with the underlay. @returns its name */
  async machine(number: number): Promise<string> {
    const netns = `${this.#prefix}-m${number}`;
    this.#machines.push(netns);
    await must('ip', ['netns', 'add', netns]);
    await this.connect(netns, number);
    return netns;
  }

  /** Pulls the cable: the namespace's eth0 has no carrier. */
  async cut(number: number): Promise<void> {
    await batch(this.netns, [`link set dev ${portOf(number)} down`]);
  }

  /** Holds back what the namespace sends, and what it is sent. */
  async slow(number: number, slowness: Slowness): Promise<void> {
    for (const end of this.#endsOf(number))
      await must('tc', ['-n', end.netns, 'qdisc', 'replace', ...bucketOf(end.device, slowness, this.#mtu)]);
  }

  /** Undoes `cut` and `slow`; resolves when packets pass: the kernel may take a second to see the carrier. */
  async heal(number: number): Promise<void> {
    await batch(this.netns, [`link set dev ${portOf(number)} up`]);
    for (const { netns, device } of this.#endsOf(number))
      await run({ file: 'tc', args: ['-n', netns, 'qdisc', 'del', 'dev', device, 'root'] });
    await until(() => canPing(this.netns, addressOf(number)), `${addressOf(number)} to be back`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const netns of [...this.#machines, this.netns]) await endNetns(netns);
  }

  /** Both ends of a link, with the devices by which they send. */
  #endsOf(number: number): readonly { readonly netns: string; readonly device: string }[] {
    const netns = this.#connected.get(number);
    if (netns === undefined) throw new Error(`nothing is connected to ${this.netns} as number ${number}`);
    return [
      { netns: this.netns, device: portOf(number) },
      { netns, device: 'eth0' },
    ];
  }

  async #addBridge(): Promise<void> {
    await batch(this.netns, [
      'link set dev lo up',
      `link add name br0 mtu ${this.#mtu} type bridge mcast_snooping 0`,
      `addr add ${addressOf(254)}/24 dev br0`,
      `addr add ${address6Of(254)}/64 dev br0 nodad`,
      'link set dev br0 up',
    ]);
  }
}

/** The IPv4 address of the namespace with this number. */
export function addressOf(number: number): string {
  return `192.0.2.${number}`;
}

/** The IPv6 address of the namespace with this number, whose digits are in the text; 254 is the bridge's fe. */
export function address6Of(number: number): string {
  return `2001:db8:5::${number === 254 ? 'fe' : number}`;
}

function portOf(number: number): string {
  return `port${number}`;
}

async function batch(netns: string, lines: readonly string[]): Promise<void> {
  await must('ip', ['-n', netns, '-batch', '-'], `${lines.join('\n')}\n`);
}

/**
 * The kernel has no netem: a token bucket delays only what comes faster than its rate. Its depth is two packets, so that
 * the rate holds from the start; segments that were joined are taken apart before they are counted.
 */
function bucketOf(device: string, { rateKbit, latencyMs }: Slowness, mtu: number): readonly string[] {
  const depth = 2 * (mtu + 100);
  return [
    ...['dev', device, 'root', 'tbf'],
    ...['rate', `${rateKbit}kbit`, 'burst', `${depth}`, 'latency', `${latencyMs}ms`],
  ];
}
