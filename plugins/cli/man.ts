import type { Command } from 'commander';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import { replaceFile } from '../../lib/files/replace-file.ts';
import type { ManPage } from './man-page.ts';
import { print, type Terminal } from './terminal.ts';

type Options = { readonly dir?: string; readonly json?: true };

/** `man`: the manual pages of what `--help` shows. */
export function addMan(program: Command, terminal: Terminal): void {
  program
    .command('man [command...]')
    .description('print the manual page of a command, for "man -l -", or write all of them into a directory')
    .option('--dir <dir>', 'write all pages into <dir>/man1 instead; /usr/local/share/man is where man looks')
    .option('--json', 'print JSON')
    .action(async (path: readonly string[], { dir, json }: Options) => {
      const pages = await renderAll(program);
      const asked = dir === undefined ? [findPage(pages, path)] : writePages(pages, dir);
      print(terminal, json === true, asked, () =>
        asked.map(({ file, text }) => (dir === undefined ? text.trimEnd() : file)).join('\n'),
      );
    });
}

async function renderAll(program: Command): Promise<readonly ManPage[]> {
  const [{ describeCommands }, { renderManPages }] = await Promise.all([
    import('./man-tree.ts'),
    import('./man-page.ts'),
  ]);
  const [version = ''] = (program.version() ?? '').split(' ');
  return renderManPages(describeCommands(program), version);
}

function findPage(pages: readonly ManPage[], path: readonly string[]): ManPage {
  const page = pages.find(({ file }) => file === `${['fairlead', ...path].join('-')}.1`);
  if (page !== undefined) return page;
  throw new CniError(
    ErrorCode.invalidConfig,
    `there is no command ${JSON.stringify(path.join(' '))}; see "fairlead --help"`,
  );
}

/** @returns the pages, each with the path at which it now is */
function writePages(pages: readonly ManPage[], dir: string): readonly ManPage[] {
  return pages.map(({ file, text }) => {
    const path = `${dir}/man1/${file}`;
    replaceFile({ path, text, mode: 0o644 });
    return { file: path, text };
  });
}
