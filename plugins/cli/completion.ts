import { Argument, type Command } from 'commander';
import type { CommandFacts } from './man-tree.ts';
import { print, type Terminal } from './terminal.ts';

type Shell = 'bash' | 'zsh' | 'fish';

/** `completion`: a script that has a shell complete what `--help` shows. */
export function addCompletion(program: Command, terminal: Terminal): void {
  program
    .command('completion')
    .description(
      'print a script that has a shell complete commands and options: source <(fairlead completion bash)',
    )
    .addArgument(new Argument('<shell>', 'whose script').choices(['bash', 'zsh', 'fish']))
    .option('--json', 'print JSON')
    .action(async (shell: Shell, { json }: { json?: true }) => {
      const [{ describeCommands }, render] = await Promise.all([
        import('./man-tree.ts'),
        loadRenderer(shell),
      ]);
      const script = render(describeCommands(program));
      print(terminal, json === true, { shell, script }, () => script.trimEnd());
    });
}

async function loadRenderer(shell: Shell): Promise<(commands: readonly CommandFacts[]) => string> {
  switch (shell) {
    case 'bash':
      return (await import('./completion-bash.ts')).renderBash;
    case 'zsh':
      return (await import('./completion-zsh.ts')).renderZsh;
    case 'fish':
      return (await import('./completion-fish.ts')).renderFish;
  }
}
