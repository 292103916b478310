import type { Plugin } from '../cni/dispatch.ts';
import type { Machine } from '../exec/machine.ts';

/** The parts of a call whose time is told: links and rules are the kernel's, by whatever tool. */
export const phases = ['queue', 'ipam', 'links', 'rules', 'registry', 'waiting', 'other'] as const;

/** One of them. */
export type Phase = (typeof phases)[number];

/** Where the time of one call goes. */
export class Stopwatch {
  readonly #spentMs: Record<Phase, number>;
  #phase: Phase = 'other';
  #since = performance.now();

  /** @param queuedMs how long the call has waited before it was begun */
  constructor(queuedMs: number) {
    this.#spentMs = { queue: queuedMs, ipam: 0, links: 0, rules: 0, registry: 0, waiting: 0, other: 0 };
  }

  /** Counts the time of `work` as that of a phase, but for what is another phase's within it. */
  time<T>(phase: Phase, work: () => T): T {
    const before = this.#enter(phase);
    try {
      return work();
    } finally {
      this.#enter(before);
    }
  }

  /** What has been spent until now, in milliseconds. */
  read(): Readonly<Record<Phase, number>> {
    this.#enter(this.#phase);
    return { ...this.#spentMs };
  }

  /** @returns the phase until now */
  #enter(phase: Phase): Phase {
    const now = performance.now();
    const before = this.#phase;
    this.#spentMs[before] += now - this.#since;
    this.#since = now;
    this.#phase = phase;
    return before;
  }
}

/** The plugin, with its verbs' time counted as that of a phase. */
export function timePlugin(phase: Phase, plugin: Plugin, watch: Stopwatch): Plugin {
  return {
    name: plugin.name,
    add: (call) => watch.time(phase, () => plugin.add(call)),
    del: (call) => watch.time(phase, () => plugin.del(call)),
    check: (call) => watch.time(phase, () => plugin.check(call)),
    gc: (call) => watch.time(phase, () => plugin.gc(call)),
    status: (call) => watch.time(phase, () => plugin.status(call)),
  };
}

/** Which phase a tool's work is; undefined for a program of others. */
function phaseOf(tool: string): Phase | undefined {
  if (tool === 'nft' || tool.startsWith('iptables') || tool.startsWith('ip6tables')) return 'rules';
  return ['ip', 'bridge', 'tc'].includes(tool) ? 'links' : undefined;
}

/** The machine, with the kernel's time counted. */
export function timeMachine(machine: Machine, watch: Stopwatch): Machine {
  const timed = <T>(phase: Phase | undefined, work: () => T): T =>
    phase === undefined ? work() : watch.time(phase, work);
  const { shortcut } = machine;
  return {
    ...machine,
    run: (command) => timed(phaseOf(command.file), () => machine.run(command)),
    startDetached: (command) => timed(phaseOf(command.file), () => machine.startDetached(command)),
    shortcut: {
      carryOut: (batch) => timed(phaseOf(batch.tool), () => shortcut.carryOut(batch)),
      startRemoval: (name) => watch.time('links', () => shortcut.startRemoval(name)),
      awaitRunning: (name, waiting) => watch.time('links', () => shortcut.awaitRunning(name, waiting)),
    },
    forgetFlows: (flows) => watch.time('rules', () => machine.forgetFlows(flows)),
    findNftTables: (wanted) => watch.time('rules', () => machine.findNftTables(wanted)),
    findNftChains: (wanted) => watch.time('rules', () => machine.findNftChains(wanted)),
    sleep: (ms) => watch.time('waiting', () => machine.sleep(ms)),
  };
}
