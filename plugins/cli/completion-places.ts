import type { CommandFacts, OptionFacts, OptionValue } from './man-tree.ts';

/** Where on the command line a command's words are: "" at first, "/network/rm" behind `network rm`. */
export function placeOf(path: readonly string[]): string {
  return path.map((name) => `/${name}`).join('');
}

/** What may stand at a command's place, other than options: commands below it, and what its arguments may be. */
export function candidatesOf({
  commands,
  args,
}: CommandFacts): readonly { readonly name: string; readonly description: string }[] {
  const choices = args.flatMap((argument) =>
    argument.choices.map((name) => ({ name, description: argument.description })),
  );
  return [...commands, ...choices];
}

/** Patterns of a shell's `case`: words that lead to a command, and options behind which a value is skipped. */
export function casesOf(
  commands: readonly CommandFacts[],
  then: { readonly command: string; readonly value: string },
): string {
  const places = commands.map(({ path }) => placeOf(path)).filter((place) => place !== '');
  const valued = optionPlaces(commands, ({ value }) => value !== 'nothing');
  return [toCase(places, then.command), toCase(valued, then.value)].join('\n');
}

/** The same for the word before the one that is completed: an option decides what its value may be. */
export function valueWords(
  commands: readonly CommandFacts[],
  then: {
    readonly file: string;
    readonly directory: string;
    readonly text: string;
    readonly choices: (choices: readonly string[]) => string;
  },
): string {
  const ofValue = (wanted: OptionValue) => optionPlaces(commands, ({ value }) => value === wanted);
  const choosing = commands.flatMap((command) =>
    command.options.flatMap(({ value, words }) =>
      typeof value === 'object'
        ? [
            toCase(
              words.map((word) => `${placeOf(command.path)}/${word}`),
              then.choices(value.choices),
            ),
          ]
        : [],
    ),
  );
  return [
    toCase(ofValue('file'), then.file),
    toCase(ofValue('directory'), then.directory),
    toCase(ofValue('text'), then.text),
    ...choosing,
  ].join('\n');
}

function optionPlaces(
  commands: readonly CommandFacts[],
  isWanted: (option: OptionFacts) => boolean,
): readonly string[] {
  return commands.flatMap(({ path, options }) =>
    options.filter(isWanted).flatMap(({ words }) => words.map((word) => `${placeOf(path)}/${word}`)),
  );
}

function toCase(patterns: readonly string[], command: string): string {
  return patterns.length === 0 ? '' : `      ${patterns.join(' | ')}) ${command} ;;`;
}
