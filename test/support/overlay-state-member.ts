import { readFileSync } from 'node:fs';
import { cidrContains } from '../../lib/net/cidr.ts';
import type { Attached, Host } from './cluster.ts';
import { ipsOf } from './confs.ts';
import { cidr, address as parsed } from './overlay-planes.ts';
import { type NamedLease, sidesOf } from './overlay-state.ts';

/** So short that it ends while a test waits. */
const ttl = '5s';

/** A host in a random test: what was done to it, what it had of the overlay, and what runs on it. */
export class Member {
  readonly host: Host;
  /** The lease that etcd had of it when somebody looked last. */
  lease: NamedLease | undefined;
  /** The last one that it had. */
  lastLease: NamedLease | undefined;
  readonly containers: Attached[] = [];
  /** Every subnet that it ever had. */
  readonly held = new Set<string>();
  /** Subnets whose lease has ended while the host could not renew it, and which it has not had since. */
  readonly lapsed = new Set<string>();
  #isRunning = false;
  #isCut = false;

  constructor(host: Host) {
    this.host = host;
  }

  get name(): string {
    return `host ${this.host.number}`;
  }

  /** Whether its agent is up. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Whether it is off the underlay. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** Whether it is to follow what happens. */
  get isServing(): boolean {
    return this.isRunning && !this.isCut;
  }

  /** What is its own at the moment. */
  get subnets(): readonly string[] {
    return this.lease === undefined ? [] : sidesOf(this.lease).map(({ subnet }) => subnet);
  }

  /** Containers with nothing but addresses of the host's own, so that the others find the way to them. */
  get reachable(): readonly Attached[] {
    return this.containers.filter(({ addresses }) => addresses.every((each) => isAmong(each, this.subnets)));
  }

  /** Whether subnet.env tells an ADD to lease addresses. */
  get mayAttach(): boolean {
    const until = Number(this.host.subnet().FAIRLEAD_LEASE_UNTIL ?? 0);
    return Number.parseFloat(readFileSync('/proc/uptime', 'utf8')) < until;
  }

  async start(): Promise<void> {
    const changes = { ...this.host.agentConfig({ leaseTTL: ttl }), discovery: { ttl } };
    await this.host.startAgent(changes);
    this.#isRunning = true;
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#isRunning = false;
    await this.host.stopAgent(signal);
  }

  async cut(): Promise<void> {
    this.#isCut = true;
    await this.host.cut();
  }

  async heal(): Promise<void> {
    await this.host.heal();
    this.#isCut = false;
  }

  /** Notes what etcd has of this host now. */
  note(lease: NamedLease | undefined): void {
    const before = this.subnets;
    this.lease = lease;
    this.lastLease = lease ?? this.lastLease;
    for (const subnet of this.subnets) {
      this.held.add(subnet);
      this.lapsed.delete(subnet);
    }
    const gone = before.filter((subnet) => !this.subnets.includes(subnet));
    if (!this.isServing) for (const subnet of gone) this.lapsed.add(subnet);
  }

  /**
   * An ADD, which is refused with code 11 where the host has no subnet.
   * @throws Error for any other answer, and for a refusal where subnet.env promises a subnet before and after
   */
  async attach(): Promise<Attached | undefined> {
    const { rig } = this.host;
    const netns = await rig.container();
    const promised = this.mayAttach;
    const { result, error, stdout } = await rig.cni('ADD', this.host.conf(), netns);
    if (result === undefined) {
      if (error?.code === 11 && !(promised && this.mayAttach)) return undefined;
      throw new Error(`${this.name} answers an ADD: ${stdout}`);
    }
    const container = { netns, addresses: ipsOf(result).toSorted((one) => (one.includes(':') ? 1 : -1)) };
    this.containers.push(container);
    return container;
  }

  async detach(container: Attached): Promise<void> {
    await this.host.del(container);
    this.containers.splice(this.containers.indexOf(container), 1);
  }
}

/** Whether an address is in one of the subnets. */
export function isAmong(address: string, subnets: Iterable<string>): boolean {
  return [...subnets].some((subnet) => cidrContains(cidr(subnet), parsed(address)));
}
