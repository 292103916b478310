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

/** A file that is installed. */
export type Source = { readonly path: string; readonly build: InstalledBuild; readonly size: number };

/** A file and the names that become links to one copy of it; `same` is a name that has its content already. */
export type Part = {
  readonly source: Source;
  readonly names: readonly string[];
  readonly staged: string;
  readonly same: string | undefined;
};

/** What becomes of a name. */
export type NameChange = {
  readonly name: string;
  readonly did: 'installed' | 'updated' | 'replaced' | 'unchanged';
  /** The build of ours that had the name. */
  readonly before?: InstalledBuild;
};

/** All that a plan is made from; the parts take their names in this order. */
export type InstallFacts = {
  readonly places: Places;
  readonly parts: readonly Part[];
  readonly wish: InstallWish;
  readonly observed: Observed;
  /** What the manifest is to say of the files that give way. */
  readonly giveWay: readonly Backup[];
};

type Foreign = Extract<Seen, { kind: 'file' | 'symlink' }>;

/** What stands against an installation, a sentence each; nothing where it may go on. */
export function findObjections({
  places,
  build,
  wish,
  observed,
}: Pick<InstallFacts, 'places' | 'wish' | 'observed'> & { readonly build: InstalledBuild }) {
  return wish.names.flatMap((name): readonly string[] => {
    const seen = observed.seen.get(name);
    const path = `${places.dir}/${name}`;
    if (seen?.kind === 'other') return [`${path} is no file: move it away`];
    if (isForeign(seen))
      return objectToForeign(path, seen, { kept: observed.kept.get(name), ...wish, places });
    if (seen?.kind !== 'ours' || wish.force || !isLater(seen.build.version, build.version)) return [];
    return [
      `${path} is ${describeBuild(seen.build)}, later than this ${describeBuild(build)}: --force takes the earlier`,
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
  const stale = new Set(facts.parts.flatMap((part) => staleNames(part, facts)));
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
  const parts = changingParts(facts);
  return [
    ...observed.leftovers.map((path): Step => ({ do: 'remove', path })),
    ...(parts.length === 0
      ? []
      : [
          ...parts.map((part) => planStaging(part, places)),
          ...planBackups(facts),
          ...parts.flatMap((part) => planNames(part, facts)),
          { do: 'flush', path: places.dir } as const,
        ]),
  ];
}

/** How many bytes must be copied. */
export function countCopied(facts: InstallFacts): number {
  const copied = changingParts(facts).filter(({ same }) => same === undefined);
  return copied.reduce((sum, { source }) => sum + source.size, 0);
}

function changingParts(facts: InstallFacts): readonly Part[] {
  return facts.parts.filter((part) => staleNames(part, facts).length > 0);
}

function planNames(part: Part, facts: InstallFacts): readonly Step[] {
  return [
    ...staleNames(part, facts).flatMap((name) => planName(part.staged, facts.places.dir, name)),
    { do: 'remove', path: part.staged },
  ];
}

function planStaging({ source, staged, same }: Part, { dir }: Places): Step {
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
function planName(staged: string, dir: string, name: string): readonly Step[] {
  const scratch = `${dir}/${scratchPrefix}-${name}`;
  return [
    { do: 'link', from: staged, to: scratch },
    { do: 'rename', from: scratch, to: `${dir}/${name}` },
  ];
}

/** Those that are not links to the one copy; rename(2) of two links to one file would do nothing. */
function staleNames({ names, same }: Part, { observed }: Pick<InstallFacts, 'observed'>): readonly string[] {
  const copy = same === undefined ? undefined : observed.seen.get(same);
  return names.filter((name) => {
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
