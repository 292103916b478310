import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { escapeText, renderManPages } from '../../../plugins/cli/man-page.ts';
import { run } from '../../support/process.ts';
import { requirePrograms } from '../../support/skip.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { fairlead, readHelp } from './manual.ts';

test('every command has a page, and it has each subcommand and option of its --help', async () => {
  const helps = await readHelp();

  expect(helps.length).toBeGreaterThan(20);
  for (const { path, commands, options } of helps) {
    expect(options).toContain('--help');
    const page = (await fairlead('man', ...path)).replaceAll('\\-', '-');
    expect(page).toContain(`.TH "${['FAIRLEAD', ...path].join('-').toUpperCase()}" 1`);
    for (const command of commands) expect(page).toContain(`\n.B "${command}"\n`);
    for (const option of options) expect(page).toMatch(new RegExp(`\n\\.B ".*${option}\\b.*"\n`));
  }
});

test('all pages are written into a directory as man looks for them', async () => {
  using directory = temporaryDirectory();
  const helps = await readHelp();

  await fairlead('man', '--dir', directory.path);

  expect(readdirSync(`${directory.path}/man1`).sort()).toEqual(
    helps.map(({ path }) => `${['fairlead', ...path].join('-')}.1`).sort(),
  );
  expect(readFileSync(`${directory.path}/man1/fairlead-network-rm.1`, 'utf8')).toBe(
    await fairlead('man', 'network', 'rm'),
  );
});

test('a page that there is not is refused, naming the command', async () => {
  expect(await fairlead('man', 'nonsense')).toContain('there is no command "nonsense"');
});

test('groff has nothing to say against any page, and shows the options', async (context) => {
  await requirePrograms(context, 'groff');
  for (const { path, options } of await readHelp()) {
    const stdin = await fairlead('man', ...path);

    const { status, stdout, stderr } = await run({
      file: 'groff',
      args: ['-ww', '-man', '-Tascii', '-P-c', '-P-u', '-P-b', '-P-o'],
      stdin,
    });

    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const option of options) expect(stdout).toContain(option);
  }
}, 30_000);

test('what roff would take for a request or an escape is text', async (context) => {
  await requirePrograms(context, 'groff');
  const text = '.so /etc/passwd \\n \'x\' `y` ~ ^ "q" é';
  const none = { args: [], options: [], commands: [] };
  const [page] = renderManPages([{ path: [], usage: text, description: text, ...none }], '1.0.0');

  const { stdout, stderr } = await run({
    file: 'groff',
    args: ['-ww', '-man', '-Tutf8', '-P-c', '-P-u', '-P-b', '-P-o'],
    stdin: page?.text ?? '',
  });

  expect(stderr).toBe('');
  expect(stdout.match(/\.so \/etc\/passwd \\n 'x' `y` ~ \^ "q" é/g)).toHaveLength(2);
  expect(escapeText(text)).toMatch(/^\\&\./);
});
