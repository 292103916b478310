import { readlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import { ownExecutable } from '../../lib/exec/own-executable.ts';
import type { Installation } from '../../lib/install/install.ts';
import { commandName, installedNames } from '../../lib/install/names.ts';
import type { NameChange } from '../../lib/install/plan-install.ts';
import type { NameReturn } from '../../lib/install/plan-uninstall.ts';
import type { Uninstallation } from '../../lib/install/uninstall.ts';
import type { RulesParts } from '../../lib/rules/remove-rules.ts';
import { describeOwner } from '../../lib/rules/restore.ts';
import { ProblemsFound } from './doctor.ts';
import { createPaint, type Paint, print, type Terminal, toTable } from './terminal.ts';

type InstallContext = Terminal & RulesParts;

type DirectoryOptions = { readonly dir: string; readonly dryRun?: true; readonly json?: true };

type InstallOptions = DirectoryOptions & {
  readonly only?: string;
  readonly resident?: true;
  readonly replace?: true;
  readonly force?: true;
};

type UninstallOptions = DirectoryOptions & { readonly force?: true };

/** A copy of the executable takes a second; whoever holds the lock for longer is stuck. */
const patienceMs = 60_000;

/** `install` and `uninstall`: our names in a directory of CNI plugins. */
export function addInstall(program: Command, context: InstallContext): void {
  withDirectoryOptions(
    program
      .command('install')
      .description(
        'put the plugins into a directory of CNI plugins: one copy of this executable, with a link for each name',
      ),
  )
    .option('--only <names>', `only these, separated by commas, of: ${installedNames.join(', ')}`)
    .option(
      '--resident',
      `the plugins' names become the client, which has the agent serve calls, or else ${commandName} beside it`,
    )
    .option('--replace', "take the names of others' files, which are kept as backups")
    .option('--force', 'put this build also over a later version')
    .action((options: InstallOptions) => runInstall(options, context));
  withDirectoryOptions(
    program
      .command('uninstall')
      .description('take the plugins out of a directory of CNI plugins, and put back what they had replaced'),
  )
    .option('--force', 'also while containers have rules that no other plugin would remove')
    .action((options: UninstallOptions) => runUninstall(options, context));
}

function withDirectoryOptions(command: Command): Command {
  return command
    .option('--dir <dir>', 'where the runtime looks for plugins', '/opt/cni/bin')
    .option('--dry-run', 'only show what would be done')
    .option('--json', 'print JSON');
}

async function runInstall(options: InstallOptions, context: InstallContext): Promise<void> {
  const { dir, replace, force, dryRun, json } = options;
  const { install } = await import('../../lib/install/install.ts');
  const done = install(
    {
      dir,
      executable: ownExecutable,
      client: await chooseClient(options),
      wish: { names: chooseNames(options), replace: replace === true, force: force === true },
      isDryRun: dryRun === true,
    },
    { sleep: context.machine.sleep, patienceMs },
  );
  const { steps, ...told } = done;
  const data = dryRun === true ? { ...told, dryRun, steps } : told;
  print(context, json === true, data, () => renderInstallation(done, dryRun === true, createPaint(context)));
}

async function chooseClient({ resident }: InstallOptions): Promise<string | undefined> {
  if (resident !== true) return undefined;
  const { findClient } = await import('../../lib/install/client.ts');
  return findClient(ownExecutable, dirname(readlinkSync(ownExecutable)));
}

/** A client without the executable beside it could not fall back. */
function chooseNames({ only, resident }: InstallOptions): readonly string[] {
  const names = only === undefined ? installedNames : parseNames(only);
  return resident === true ? [...names.filter((name) => name !== commandName), commandName] : names;
}

async function runUninstall(
  { dir, force, dryRun, json }: UninstallOptions,
  context: InstallContext,
): Promise<void> {
  if (force !== true) refuseAttached(context);
  const { uninstall } = await import('../../lib/install/uninstall.ts');
  const isDryRun = dryRun === true;
  const done = uninstall({ dir, isDryRun }, { sleep: context.machine.sleep, patienceMs });
  const { steps, ...told } = done;
  const data = isDryRun ? { ...told, dryRun, steps } : told;
  print(context, json === true, data, () => renderUninstallation(done, isDryRun, createPaint(context)));
  if (done.returns.some(({ problem }) => problem !== undefined)) throw new ProblemsFound();
}

/**
 * Other plugins' DEL leaves what ours have written: a host port would go on to lead to an address that is somebody else's.
 * @throws CniError code 999
 */
function refuseAttached({ records }: RulesParts): void {
  const attached = records.list();
  const [first] = attached;
  if (first === undefined) return;
  throw new CniError(
    ErrorCode.internal,
    `${attached.length} attachments have rules that only our DEL removes, the first: ${describeOwner(first.owner)}; stop their containers first, or use --force`,
  );
}

/** @throws CniError code 7 */
function parseNames(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !installedNames.includes(name));
  if (unknown === undefined) return installedNames.filter((name) => names.includes(name));
  throw new CniError(
    ErrorCode.invalidConfig,
    `--only: expected names of ${installedNames.join(', ')}, found ${JSON.stringify(unknown)}`,
  );
}

const words = { installed: 'new', updated: 'updated', replaced: 'replaced', unchanged: 'unchanged' } as const;

function renderInstallation({ dir, build, changes }: Installation, isDryRun: boolean, paint: Paint): string {
  const rows = changes.map((change) => [
    change.name,
    paint(change.did === 'unchanged' ? 'yellow' : 'green', words[change.did]),
    describeChange(change, build),
  ]);
  return [
    `${isDryRun ? 'would install' : 'installed'} in ${dir}`,
    toTable(['NAME', 'STATE', 'BUILD'], rows),
  ].join('\n');
}

function describeChange({ did, before }: NameChange, build: Installation['build']): string {
  const now = describeBuild(build);
  if (did === 'replaced') return `${now}; what was there is kept as a backup`;
  return before === undefined || did === 'unchanged' ? now : `${describeBuild(before)} → ${now}`;
}

function describeBuild({ id, version }: Installation['build']): string {
  return `${version ?? '-'} ${id.slice(0, 12)}`;
}

function renderUninstallation({ dir, returns }: Uninstallation, isDryRun: boolean, paint: Paint): string {
  if (returns.length === 0) return `${dir}: nothing of ours is there`;
  const rows = returns.map(({ name, did, problem }: NameReturn) => [
    name,
    problem === undefined ? paint('green', did) : paint('red', did),
    problem ?? '',
  ]);
  return [
    `${isDryRun ? 'would take' : 'took'} out of ${dir}`,
    toTable(['NAME', 'STATE', 'PROBLEM'], rows),
  ].join('\n');
}
