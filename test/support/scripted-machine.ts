import type { Command, Outcome } from '../../lib/exec/command.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { noShortcut } from '../../lib/exec/shortcut.ts';

/** A machine that carries nothing out: it writes down what it is told and answers as scripted. */
export type ScriptedMachine = Machine & {
  /** Every command in order, and every write below /proc as `write <path>=<value>`, with its namespace in front. */
  readonly log: readonly string[];
};

/** What a scripted machine is like. */
export type Script = {
  /** The answer to a command; success without output where it gives none. */
  readonly answer?: (command: Command, place: string) => Partial<Outcome> | undefined;
  /** Files below /proc that exist, with their content. */
  readonly proc?: Readonly<Record<string, string>>;
};

export function scriptMachine({ answer, proc = {} }: Script = {}): ScriptedMachine {
  const log: string[] = [];
  let place = 'host';
  const run = (command: Command): Outcome => {
    log.push(`${place}: ${[command.file, ...command.args].join(' ')}\n${command.stdin ?? ''}`.trim());
    return { status: 0, stdout: '', stderr: '', ...answer?.(command, place) };
  };
  return {
    log,
    run,
    startDetached: (command) => {
      const { status } = run(command);
      return {
        hasEnded: () => true,
        status: () => (typeof status === 'number' ? status : undefined),
        hasSocket: () => false,
        hasComplained: () => status !== 0,
      };
    },
    shortcut: noShortcut,
    inNetns: (path, work) => {
      const before = place;
      place = path;
      try {
        return work();
      } finally {
        place = before;
      }
    },
    identifyNetns: (path) => (path.startsWith('/run/netns/') ? { device: 4, inode: 2 } : undefined),
    identifyOwnNetns: () => ({ device: 4, inode: 1 }),
    readProc: (path) => proc[path],
    writeProc: (path, value) => {
      log.push(`${place}: write ${path}=${value}`);
    },
    forgetFlows: (flows) => {
      for (const { protocol, port } of flows) log.push(`${place}: forget ${protocol} ${port}`);
    },
    findNftTables: () => [],
    findNftChains: () => [],
    sleep: () => undefined,
  };
}
