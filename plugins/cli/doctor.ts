import type { Command } from 'commander';
import { checks } from '../../lib/doctor/checks.ts';
import { examine, type Line } from '../../lib/doctor/examine.ts';
import { createScene, type Question } from '../../lib/doctor/scene.ts';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { type IpAddress, parseAddress } from '../../lib/net/address.ts';
import { defaultSubnetFile } from '../../lib/overlay/kernel/outer-wish.ts';
import { parseStorePath } from '../../lib/registry/config.ts';
import { createPaint, type Paint, print, type Terminal, toTable } from './terminal.ts';

type Options = {
  readonly subnetFile?: string;
  readonly config?: string;
  readonly pluginDir?: string;
  readonly peer?: readonly string[];
  readonly json?: true;
};

/** There are problems, and all has been said of them. */
export class ProblemsFound extends Error {}

/** `doctor`: what on this host keeps containers from being reached, and what helps. It changes nothing. */
export function addDoctor(program: Command, context: Terminal & { readonly machine: Machine }): void {
  program
    .command('doctor')
    .description("look for what keeps containers' packets from arriving, and say what helps; changes nothing")
    .option(
      '--subnet-file <file>',
      `where this host's subnet is written (default: the agent's, or ${defaultSubnetFile})`,
    )
    .option('--config <file>', "the agent's configuration (default: /etc/fairlead/agent.json)")
    .option('--plugin-dir <dir>', 'where the runtime looks for plugins (default: /opt/cni/bin)')
    .option(
      '--peer <address...>',
      'other hosts to which the way is tried, beside those that the overlay knows',
    )
    .option('--json', 'print JSON')
    .action(async ({ json, ...options }: Options) => {
      const lines = await examine(checks, createScene(toQuestion(options), context.machine));
      print(context, json === true, lines, () => renderLines(lines, createPaint(context)));
      if (lines.some(({ state }) => state === 'problem')) throw new ProblemsFound();
    });
}

function toQuestion({ subnetFile, config, pluginDir, peer = [] }: Options): Question {
  return {
    subnetFile: toPath('--subnet-file', subnetFile),
    config: toPath('--config', config),
    pluginDir: toPath('--plugin-dir', pluginDir),
    peers: peer.map(toPeer),
  };
}

function toPath(option: string, text: string | undefined): string | undefined {
  const path = text === undefined ? undefined : parseStorePath(text);
  if (text === undefined || path !== undefined) return path;
  throw wrong(option, 'an absolute path', text);
}

function toPeer(text: string): IpAddress {
  const address = parseAddress(text);
  if (address !== undefined) return address;
  throw wrong('--peer', 'an IP address', text);
}

function wrong(option: string, expected: string, found: string): CniError {
  return new CniError(
    ErrorCode.invalidConfig,
    `${option}: expected ${expected}, found ${JSON.stringify(found)}`,
  );
}

const colours = { ok: 'green', warning: 'yellow', problem: 'red' } as const;

function renderLines(lines: readonly Line[], paint: Paint): string {
  const rows = lines.flatMap((line) => {
    const state = line.state === 'skipped' ? line.state : paint(colours[line.state], line.state);
    return [
      [state, line.title, harmless(line.found)],
      ...('remedy' in line ? [['', '', `→ ${harmless(line.remedy)}`]] : []),
    ];
  });
  return toTable(['STATE', 'CHECK', 'FOUND'], rows);
}

/** Names of processes and links are whatever somebody chose: none of it may move a terminal's cursor. */
function harmless(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}
