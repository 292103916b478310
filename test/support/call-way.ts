import type { Command } from '../../lib/exec/command.ts';
import { executablesDir, isResident, requireResidentDir } from './binaries.ts';
import { CallAgent } from './call-agent.ts';
import { type CallHost, CallPlace } from './call-place.ts';
import { requireServed } from './call-served.ts';
import type { CallOptions } from './cni-call.ts';
import { inside } from './process.ts';

/** Each call executes a plugin, or all are handed to an agent. */
export type Way = 'executables' | 'resident';

/** The way of the tests that are there for either. */
export const usualWay: Way = isResident ? 'resident' : 'executables';

type CallWayOptions = {
  /** Whether an agent changes links and rules by netlink; otherwise by `ip` and `nft`. */
  readonly netlink: boolean;
  /** Lines of sh that mount something for the calls. */
  readonly mounts: string;
};

/** How the calls of a rig reach a plugin. The agent that serves them is started for the first. */
export class CallWay implements AsyncDisposable {
  readonly #rig: CallHost;
  readonly #way: Way;
  #options: CallWayOptions = { netlink: true, mounts: '' };
  #stack = new AsyncDisposableStack();
  #agent: Promise<CallAgent> | undefined;
  #mayFallBack = 0;

  constructor(rig: CallHost, way: Way) {
    this.#rig = rig;
    this.#way = way;
  }

  /**
   * Links and rules are to be changed by `ip` and `nft`, also by an agent: for tests that put others in their place, or
   * look at what is asked of them. To be said before the first call.
   */
  callTools(): void {
    this.#set({ netlink: false });
  }

  /** Lines of sh that mount something, for the calls alone. To be said before the first call. */
  mount(mounts: string): void {
    this.#set({ mounts });
  }

  #set(options: Partial<CallWayOptions>): void {
    if (this.#agent !== undefined) throw new Error('the agent that serves the calls runs already');
    this.#options = { ...this.#options, ...options };
  }

  /** Where the plugins are. */
  get binDir(): string {
    return this.#way === 'resident' ? requireResidentDir() : executablesDir;
  }

  /** The agent that serves the calls. */
  agent(): Promise<CallAgent> {
    this.#agent ??= this.#startAgent();
    return this.#agent;
  }

  /** Its registry is another than the rig's, and it repairs nothing: to the tests it is but a way for their calls. */
  async #startAgent(): Promise<CallAgent> {
    const { netlink, mounts } = this.#options;
    const place = this.#stack.use(await CallPlace.hold(this.#rig, { mounts, sharesRecords: true }));
    const options = { cni: { netlink }, config: { rules: false }, binDir: this.binDir };
    return this.#stack.use(await CallAgent.start(place, options));
  }

  /**
   * Has what agents keep open closed, before something is done to it that happens while nobody is at work: the loss of
   * power, a disk that is mounted read-only. The next call finds another agent.
   */
  async letGo(): Promise<void> {
    await this[Symbol.asyncDispose]();
  }

  /** The command line that runs an executable where plugins run. */
  async entering(binary: string, options: CallOptions = {}): Promise<Pick<Command, 'file' | 'args'>> {
    const { sysfsOf = this.#rig.host, mayFallBack = false } = options;
    const isElsewhere = sysfsOf !== this.#rig.host;
    if (this.#way === 'executables') return this.#enteringAlone(binary, sysfsOf);
    if (mayFallBack || isElsewhere) this.#mayFallBack++;
    if (!isElsewhere) this.#requireTools(options);
    const { place } = await this.agent();
    if (!isElsewhere) return { file: 'nsenter', args: place.entering(binary) };
    // From the place: a client notes there that it has not found its agent's namespaces.
    const { file, args = [] } = this.#enteringAlone(binary, sysfsOf);
    return { file: 'nsenter', args: place.entering(file, ...args) };
  }

  #requireTools({ env, binary }: CallOptions): void {
    if (env?.PATH !== undefined && binary === undefined && this.#options.netlink)
      throw new Error('other tools are called for by a test that has not said so before: see callTools()');
  }

  /**
   * `ip netns exec` mounts the sysfs of its namespace, as a host has it; `nsenter` leaves what is mounted. By its path,
   * because a test may put another `ip` first in PATH.
   */
  #enteringAlone(binary: string, sysfsOf: string): Pick<Command, 'file' | 'args'> {
    const { host } = this.#rig;
    const { mounts } = this.#options;
    const entered = sysfsOf === host ? [binary] : ['nsenter', ...inside(host, binary)];
    const command = mounts === '' ? entered : ['sh', '-ec', `${mounts}\nexec "$@"`, 'sh', ...entered];
    return { file: '/usr/sbin/ip', args: ['netns', 'exec', sysfsOf, ...command] };
  }

  /** Ends the agent. @throws Error where calls were executed that the agent should have served */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#agent === undefined) return;
    await using _ended = this.#stack;
    this.#stack = new AsyncDisposableStack();
    const agent = await this.#agent;
    this.#agent = undefined;
    await requireServed(agent, this.#mayFallBack);
  }
}
