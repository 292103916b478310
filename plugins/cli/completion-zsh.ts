import { candidatesOf, casesOf, placeOf, valueWords } from './completion-places.ts';
import type { CommandFacts } from './man-tree.ts';

/** A script that has zsh complete the command line: in a directory of $fpath as _fairlead, or sourced. */
export function renderZsh(commands: readonly CommandFacts[]): string {
  return `#compdef fairlead
_fairlead() {
  local place='' index
  local -a commands options
  for ((index = 2; index < CURRENT; index++)); do
    case $place/\${words[index]} in
${casesOf(commands, { command: `place=$place/\${words[index]}`, value: '((index += 1))' })}
    esac
  done
  case $place/\${words[CURRENT - 1]} in
${valueWords(commands, {
  file: '_files; return',
  directory: '_files -/; return',
  text: '_message value; return',
  choices: (choices) => `compadd -- ${choices.join(' ')}; return`,
})}
  esac
  case $place in
${commands.map(renderPlace).join('\n')}
  esac
  (( \${#commands} )) && _describe command commands
  _describe -o option options
}
if [[ \${funcstack[1]} == _fairlead ]]; then _fairlead; else compdef _fairlead fairlead; fi
`;
}

function renderPlace(command: CommandFacts): string {
  const { path, options } = command;
  const names = candidatesOf(command).map(({ name, description }) => quote(`${name}:${description}`));
  const words = options.flatMap((option) =>
    option.words.map((word) => quote(`${word}:${option.description}`)),
  );
  return `    '${placeOf(path)}')
      commands=(${names.join(' ')})
      options=(${words.join(' ')}) ;;`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
