import type { Machine } from '../../../lib/exec/machine.ts';
import { type CliContext, runCli } from '../../../plugins/cli/cli.ts';
import { paperRecords } from '../../support/paper-records.ts';

const notHere = (): never => {
  throw new Error('no command that is tested here needs this');
};

/** What a command line prints that touches nothing of the machine. */
export async function fairlead(...argv: readonly string[]): Promise<string> {
  let printed = '';
  const context: CliContext = {
    argv,
    env: {},
    version: '1.2.3 (build 0123456789ab, Node 26.0.0)',
    machine: new Proxy({} as Machine, { get: notHere }),
    records: paperRecords(),
    explainers: new Map(),
    readStdin: notHere,
    writeStdout: (text) => {
      printed += text;
    },
    writeStderr: (text) => {
      printed += text;
    },
    isTerminal: false,
    openStore: notHere,
    nowUs: () => 0,
    onInterrupt: notHere,
    runAgent: notHere,
  };
  await runCli(context);
  return printed;
}

/** What `--help` of a command lists: its subcommands' names and its options' spellings. */
export type Help = {
  readonly path: readonly string[];
  readonly commands: readonly string[];
  readonly options: readonly string[];
};

/** `--help` of every command, as a user would find them: from one to those that it lists. */
export async function readHelp(path: readonly string[] = []): Promise<readonly Help[]> {
  const text = await fairlead(...path, '--help');
  const commands = sectionOf(text, 'Commands').map((line) => line.split(/[ |[<]/)[0] ?? '');
  const options = sectionOf(text, 'Options').flatMap(
    (line) => line.match(/(?<![^ ])--?[a-zA-Z][a-z-]*/g) ?? [],
  );
  const below = commands.filter((name) => name !== 'help');
  const inner = await Promise.all(below.map((name) => readHelp([...path, name])));
  return [{ path, commands, options: options.filter(isFirstOf(text)) }, ...inner.flat()];
}

/** The first words of a section's entries; what is indented further goes on with a description. */
function sectionOf(text: string, title: string): readonly string[] {
  const [, rest = ''] = text.split(`\n${title}:\n`);
  return (rest.split('\n\n')[0] ?? '')
    .split('\n')
    .filter((line) => /^ {2}\S/.test(line))
    .map((line) => line.trim().split(/ {2,}/)[0] ?? '');
}

/** Spellings that begin an entry, not those that a placeholder or a description has. */
function isFirstOf(text: string): (word: string) => boolean {
  return (word) => new RegExp(`^ {2}(-[a-zA-Z], )?${word}\\b`, 'm').test(text);
}
