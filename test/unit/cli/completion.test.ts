import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { must, run } from '../../support/process.ts';
import { requirePrograms } from '../../support/skip.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { fairlead, readHelp } from './manual.ts';

/** What bash would offer for each of these lines; the last word of a line is the one that is completed. */
async function completeAll(
  script: string,
  lines: readonly (readonly string[])[],
): Promise<readonly (readonly string[])[]> {
  const ask = `ask() {
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
    _fairlead
    echo "\${COMPREPLY[@]}"
  }`;
  const quoted = lines.map((line) => `ask ${line.map((word) => `'${word}'`).join(' ')}`);
  const printed = await must('bash', ['-s'], [script, ask, ...quoted, ''].join('\n'));
  return printed
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ').filter((word) => word !== ''));
}

async function complete(script: string, ...line: readonly string[]): Promise<readonly string[]> {
  const [offered = []] = await completeAll(script, [line]);
  return offered;
}

describe('bash', () => {
  test('offers every subcommand and option of each --help', async () => {
    const script = await fairlead('completion', 'bash');

    const helps = await readHelp();
    const lines = helps.map(({ path }) => ['fairlead', ...path, '']);
    const offered = await completeAll(script, lines);

    for (const [index, { commands, options }] of helps.entries())
      expect(offered[index]).toEqual(expect.arrayContaining([...commands, ...options]));
  });

  test('takes what an option stands before for its value, not for a command', async () => {
    const script = await fairlead('completion', 'bash');

    expect(await complete(script, 'fairlead', 'gc', '--network', 'install', '--dr')).toEqual(['--dry-run']);
    expect(await complete(script, 'fairlead', 'gc', '--network', '')).toEqual([]);
  });

  test('offers directories and files where an option takes them, and the words that an argument may be', async () => {
    using directory = temporaryDirectory();
    writeFileSync(`${directory.path}/file`, '');
    const script = await fairlead('completion', 'bash');

    expect(await complete(script, 'fairlead', 'install', '--dir', '/op')).toContain('/opt');
    expect(await complete(script, 'fairlead', 'install', '--dir', `${directory.path}/f`)).toEqual([]);
    expect(await complete(script, 'fairlead', 'watch', '--store', `${directory.path}/f`)).toEqual([
      `${directory.path}/file`,
    ]);
    expect(await complete(script, 'fairlead', 'completion', 'z')).toEqual(['zsh']);
  });

  test('the script is one that shellcheck accepts', async (context) => {
    await requirePrograms(context, 'shellcheck');

    const stdin = await fairlead('completion', 'bash');

    expect(await run({ file: 'shellcheck', args: ['--shell=bash', '-'], stdin })).toMatchObject({
      status: 0,
      stdout: '',
    });
  });
});

describe.each(['zsh', 'fish'])('%s', (shell) => {
  test('is offered every subcommand and option of each --help', async () => {
    const script = await fairlead('completion', shell);

    for (const { commands, options } of await readHelp()) {
      for (const command of commands) expect(script).toMatch(toCommand(shell, command));
      for (const option of options) expect(script).toMatch(toOption(shell, option));
    }
  });

  test('can read the script', async (context) => {
    await requirePrograms(context, shell);
    using directory = temporaryDirectory();
    writeFileSync(`${directory.path}/script`, await fairlead('completion', shell));

    expect(await run({ file: shell, args: ['-n', `${directory.path}/script`] })).toMatchObject({
      status: 0,
      stderr: '',
    });
  });
});

function toCommand(shell: string, command: string): RegExp {
  return new RegExp(shell === 'zsh' ? `'${command}:` : `-a ${command} -d '`);
}

function toOption(shell: string, option: string): RegExp {
  const word = option.replace(/^-+/, '');
  return new RegExp(shell === 'zsh' ? `'${option}:` : `${option.startsWith('--') ? '-l' : '-s'} ${word} `);
}

test('another shell is refused, naming those that there are', async () => {
  expect(await fairlead('completion', 'tcsh')).toMatch(/bash, zsh, fish/);
});
