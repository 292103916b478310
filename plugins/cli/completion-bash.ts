import { candidatesOf, casesOf, placeOf, valueWords } from './completion-places.ts';
import type { CommandFacts } from './man-tree.ts';

/** A script that has bash complete the command line. */
export function renderBash(commands: readonly CommandFacts[]): string {
  return `# bash completion for fairlead
_fairlead() {
  local place='' words='' index
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    case $place/\${COMP_WORDS[index]} in
${casesOf(commands, { command: `place=$place/\${COMP_WORDS[index]}`, value: '((index += 1))' })}
    esac
  done
  case $place/$before in
${valueWords(commands, {
  file: 'mapfile -t COMPREPLY < <(compgen -f -- "$current"); return',
  directory: 'mapfile -t COMPREPLY < <(compgen -d -- "$current"); return',
  text: 'return',
  choices: (choices) => `mapfile -t COMPREPLY < <(compgen -W '${choices.join(' ')}' -- "$current"); return`,
})}
  esac
  case $place in
${commands.map((command) => `    '${placeOf(command.path)}') words='${wordsOf(command).join(' ')}' ;;`).join('\n')}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -o filenames -F _fairlead fairlead
`;
}

function wordsOf(command: CommandFacts): readonly string[] {
  return [...candidatesOf(command).map(({ name }) => name), ...command.options.flatMap(({ words }) => words)];
}
