import { readFileSync, writeFileSync } from 'node:fs';
import type { OwnHost } from '../../lib/exec/apply.ts';
import { writeSysctl } from './kernel.ts';
import { inside, must, mustInside, run } from './process.ts';
import type { Underlay } from './underlay.ts';

/** A host that routes between its containers and the underlay; a namespace, as its containers are. */
export class RoutingHost implements AsyncDisposable {
  readonly #containers: string[] = [];
  readonly number: number;
  readonly netns: string;
  /** How many processes have been started for a router of it. */
  processes = 0;

  private constructor(number: number, netns: string) {
    this.number = number;
    this.netns = netns;
  }

  /** The namespace itself goes with the underlay. */
  static async create(underlay: Underlay, number: number): Promise<RoutingHost> {
    const netns = await underlay.machine(number);
    for (const path of ['ipv4/ip_forward', 'ipv6/conf/all/forwarding']) await writeSysctl(netns, path, '1');
    return new RoutingHost(number, netns);
  }

  /** What a router is given of the host. */
  readonly own: OwnHost = {
    run: ({ file, args, ...rest }) => {
      this.processes += 1;
      return run({ file: 'nsenter', args: inside(this.netns, file, ...args), ...rest });
    },
    readProc: (path) => readFileSync(path, 'utf8'),
    writeProc: (path, value) => writeFileSync(path, value),
  };

  /** Runs `ip` as an operator does. */
  ip(line: string): Promise<string> {
    return mustInside(this.netns, 'ip', ...line.split(' '));
  }

  /** Attaches a container with one address, by a veth pair and a gateway of the link. @returns its namespace */
  async container(address: string): Promise<string> {
    const index = this.#containers.length + 1;
    const [netns, veth] = [`${this.netns}-c${index}`, `veth${this.number}${index}`];
    this.#containers.push(netns);
    await must('ip', ['netns', 'add', netns]);
    await this.ip(`link add name ${veth} type veth peer name eth0 netns ${netns}`);
    await this.ip(`link set dev ${veth} up`);
    const isV6 = address.includes(':');
    const gateway = isV6 ? 'fe80::1' : '169.254.1.1';
    if (isV6) await this.ip(`addr add ${gateway}/64 dev ${veth} nodad`);
    else await this.ip(`addr add ${gateway}/32 dev ${veth}`);
    await this.ip(`route add ${address} dev ${veth}`);
    await must('ip', ['-n', netns, '-batch', '-'], containerLines(address, gateway).join('\n'));
    return netns;
  }

  /** Detaches all containers. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const netns of this.#containers.splice(0)) await run({ file: 'ip', args: ['netns', 'del', netns] });
  }
}

function containerLines(address: string, gateway: string): readonly string[] {
  const isV6 = address.includes(':');
  return [
    'link set dev lo up',
    'link set dev eth0 up',
    isV6 ? `addr add ${address}/128 dev eth0 nodad` : `addr add ${address}/32 dev eth0`,
    ...(isV6 ? [] : [`route add ${gateway} dev eth0 scope link`]),
    `route add default via ${gateway} dev eth0`,
    '',
  ];
}
