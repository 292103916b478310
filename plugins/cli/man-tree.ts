import type { Command, Option } from 'commander';

/** One command as `--help` shows it: what man pages and completions are made of. */
export type CommandFacts = {
  /** The names that lead to it; none for the program itself. */
  readonly path: readonly string[];
  readonly usage: string;
  readonly description: string;
  readonly args: readonly ArgumentFacts[];
  readonly options: readonly OptionFacts[];
  readonly commands: readonly { readonly name: string; readonly description: string }[];
};

/** What follows a command; `choices` where it must be one of some words. */
export type ArgumentFacts = {
  readonly term: string;
  readonly description: string;
  readonly choices: readonly string[];
};

/** One option; `value` is what follows it. */
export type OptionFacts = {
  readonly term: string;
  readonly description: string;
  /** Its spellings: `-V`, `--version`. */
  readonly words: readonly string[];
  readonly value: OptionValue;
};

/** What an option takes. */
export type OptionValue = 'nothing' | 'file' | 'directory' | 'text' | { readonly choices: readonly string[] };

/** The program and all its commands, each before those below it. */
export function describeCommands(program: Command): readonly CommandFacts[] {
  return describe(program, []);
}

function describe(command: Command, path: readonly string[]): readonly CommandFacts[] {
  const help = command.createHelp();
  const facts: CommandFacts = {
    path,
    usage: help.commandUsage(command),
    description: help.commandDescription(command),
    args: help.visibleArguments(command).map((argument) => ({
      term: help.argumentTerm(argument),
      description: help.argumentDescription(argument),
      choices: argument.argChoices ?? [],
    })),
    options: help.visibleOptions(command).map((option) => ({
      term: help.optionTerm(option),
      description: help.optionDescription(option),
      words: [option.short, option.long].filter((word) => word !== undefined),
      value: toValue(option),
    })),
    commands: help
      .visibleCommands(command)
      .map((each) => ({ name: each.name(), description: help.subcommandDescription(each) })),
  };
  return [facts, ...command.commands.flatMap((each) => describe(each, [...path, each.name()]))];
}

function toValue({ required, optional, flags, argChoices }: Option): OptionValue {
  if (!required && !optional) return 'nothing';
  if (argChoices !== undefined) return { choices: argChoices };
  if (/[<[](file|path)[.>\]]/.test(flags)) return 'file';
  return /[<[]dir[.>\]]/.test(flags) ? 'directory' : 'text';
}
