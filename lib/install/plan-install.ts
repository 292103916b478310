import { type InstalledBuild, isLater } from './installed-build.ts';
import type { Backup } from './manifest.ts';
import { renderManifest } from './manifest.ts';
import type { Observed, Seen } from './observe.ts';
import { type Places, scratchPrefix } from './places.ts';
import type { Step } from './step.ts';

/** What is to be installed, and how far it may go. */
export type InstallWish = {
  readonly names: readonly string[];
  /** Files of others give way, and are kept. */
  readonly replace: boolean;
  /** A later version gives way. */
  readonly force: boolean;
};

/** The executable that is installed. */
export type Source = { readonly path: string; readonly build: InstalledBuild; readonly size: number };

/** What becomes of a name. */
export type NameChange = {
  readonly name: string;
  readonly did: 'installed' | 'updated' | 'replaced' | 'unchanged';
  /** The build of ours that had the name. */
  readonly before?: InstalledBuild;
};

/** All that a plan is made from; `same` is a name that has the source's content already. */
export type InstallFacts = {
  readonly places: Places;
  readonly source: Source;
  readonly wish: InstallWish;
  readonly observed: Observed;
  readonly same: string | undefined;
  /** What the manifest is to say of the files that give way. */
  readonly giveWay: readonly Backup[];
};

type Foreign = Extract<Seen, { kind: 'file' | 'symlink' }>;

/** What stands against an installation, a sentence each; nothing where it may go on. */
export function findObjections({ places, source, wish, observed }: Omit<InstallFacts, 'same' | 'giveWay'>) {
  return wish.names.flatMap((name): readonly string[] => {
    const seen = observed.seen.get(name);
    const path = `${places.dir}/${name}`;
    if (seen?.kind === 'other') return [`${path} is no file: move it away`];
    if (isForeign(seen))
      return objectToForeign(path, seen, { kept: observed.kept.get(name), ...wish, places });
    if (seen?.kind !== 'ours' || wish.force || !isLater(seen.build.version, source.build.version)) return [];
    return [
      `${path} is ${describeBuild(seen.build)}, later than this ${describeBuild(source.build)}: --force takes the earlier`,
    ];
  });
}

function objectToForeign(
  path: string,
  seen: Foreign,
  { kept, replace, places }: { kept: Seen | undefined; replace: boolean; places: Places },
): readonly string[] {
  const what = seen.kind === 'symlink' ? `is a link to ${JSON.stringify(seen.target)}` : 'is not ours';
  if (!replace) return [`${path} ${what}: --replace keeps it as a backup, --only leaves it out`];
  if (kept === undefined || isOneFile(kept, seen)) return [];
  return [
    `${path} ${what}, and another backup of it is in ${places.backupDir}: move that away, or run "fairlead uninstall" first`,
  ];
}

/** A build in words. */
export function describeBuild({ id, version }: InstalledBuild): string {
  return `${version ?? 'of no version'} (build ${id.slice(0, 12)})`;
}

/** The names that somebody else's files have. */
export function foreignNames({ wish, observed }: Pick<InstallFacts, 'wish' | 'observed'>) {
  return wish.names.flatMap((name) => {
    const seen = observed.seen.get(name);
    return isForeign(seen) ? [{ name, seen }] : [];
  });
}

/** What becomes of each name. */
export function planChanges(facts: InstallFacts): readonly NameChange[] {
  const stale = new Set(staleNames(facts));
  return facts.wish.names.map((name) => {
    const seen = facts.observed.seen.get(name);
    if (seen?.kind === 'ours')
      return { name, did: stale.has(name) ? 'updated' : 'unchanged', before: seen.build };
    return { name, did: isForeign(seen) ? 'replaced' : 'installed' };
  });
}

/** The steps of an installation against which nothing stands. */
export function planInstall(facts: InstallFacts): readonly Step[] {
  const { places, observed } = facts;
  const stale = staleNames(facts);
  return [
    ...observed.leftovers.map((path): Step => ({ do: 'remove', path })),
    ...(stale.length === 0
      ? []
      : [
          planStaging(facts),
          ...planBackups(facts),
          ...stale.flatMap((name) => planName(places, name)),
          { do: 'remove', path: places.staged } as const,
          { do: 'flush', path: places.dir } as const,
        ]),
  ];
}

/** Whether the executable must be copied once more. */
export function needsCopy(facts: InstallFacts): boolean {
  return facts.same === undefined && staleNames(facts).length > 0;
}

function planStaging({ places: { dir, staged }, source, same }: InstallFacts): Step {
  return same === undefined
    ? { do: 'copy', from: source.path, to: staged }
    : { do: 'link', from: `${dir}/${same}`, to: staged };
}

/** The manifest first: of a backup that it does not know, nobody could say what it was. */
function planBackups({ places, observed, giveWay }: InstallFacts): readonly Step[] {
  if (giveWay.length === 0) return [];
  const { backupDir, newManifest, manifest } = places;
  const names = new Set(giveWay.map(({ name }) => name));
  const others = observed.backups.filter(({ name }) => !names.has(name));
  const text = renderManifest([...others, ...giveWay]);
  return [
    ...(observed.hasBackupDir ? [] : [{ do: 'make-directory', path: backupDir } as const]),
    { do: 'write', path: newManifest, text },
    { do: 'rename', from: newManifest, to: manifest },
    ...giveWay
      .filter(({ name }) => !observed.kept.has(name))
      .map(({ name }): Step => ({ do: 'link', from: `${places.dir}/${name}`, to: `${backupDir}/${name}` })),
    { do: 'flush', path: backupDir },
  ];
}

/** A link of another name first, which then takes the name: a runtime finds the old file or the new one. */
function planName({ dir, staged }: Places, name: string): readonly Step[] {
  const scratch = `${dir}/${scratchPrefix}-${name}`;
  return [
    { do: 'link', from: staged, to: scratch },
    { do: 'rename', from: scratch, to: `${dir}/${name}` },
  ];
}

/** Those that are not links to the one copy; rename(2) of two links to one file would do nothing. */
function staleNames({ wish, observed, same }: InstallFacts): readonly string[] {
  const copy = same === undefined ? undefined : observed.seen.get(same);
  return wish.names.filter((name) => {
    const seen = observed.seen.get(name);
    return copy === undefined || seen === undefined || !isOneFile(copy, seen);
  });
}

function isOneFile(left: Seen, right: Seen): boolean {
  return 'inode' in left && 'inode' in right && left.inode === right.inode;
}

function isForeign(seen: Seen | undefined): seen is Foreign {
  return seen?.kind === 'file' || seen?.kind === 'symlink';
}
