import { candidatesOf, placeOf } from './completion-places.ts';
import type { CommandFacts, OptionFacts, OptionValue } from './man-tree.ts';

/** A script that has fish complete the command line. */
export function renderFish(commands: readonly CommandFacts[]): string {
  const places = commands.map(({ path }) => placeOf(path)).filter((place) => place !== '');
  return `# fish completion for fairlead
function __fairlead_at
    set -l place ''
    for word in (commandline -opc)[2..-1]
        switch "$place/$word"
            case ${places.join(' ')}
                set place "$place/$word"
        end
    end
    test "$place" = "$argv[1]"
end
complete -c fairlead -f
${commands.flatMap(renderPlace).join('\n')}
`;
}

function renderPlace(command: CommandFacts): readonly string[] {
  const { path, options } = command;
  const start = `complete -c fairlead -n ${quote(`__fairlead_at '${placeOf(path)}'`)}`;
  return [
    ...candidatesOf(command).map(({ name, description }) => `${start} -a ${name} -d ${quote(description)}`),
    ...options.map((option) => `${start} ${renderOption(option)} -d ${quote(option.description)}`),
  ];
}

function renderOption({ words, value }: OptionFacts): string {
  const spellings = words.map((word) =>
    word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`,
  );
  return [...spellings, ...renderValue(value)].join(' ');
}

function renderValue(value: OptionValue): readonly string[] {
  if (value === 'nothing') return [];
  if (typeof value === 'object') return ['-x', '-a', quote(value.choices.join(' '))];
  if (value === 'directory') return ['-x', '-a', quote('(__fish_complete_directories)')];
  return value === 'file' ? ['-r', '-F'] : ['-x'];
}

function quote(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
}
