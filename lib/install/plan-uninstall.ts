import { type Backup, renderManifest } from './manifest.ts';
import type { Observed, Seen } from './observe.ts';
import type { Places } from './places.ts';
import type { Step } from './step.ts';

/** What becomes of a name that is taken back. */
export type NameReturn = {
  readonly name: string;
  readonly did: 'removed' | 'restored' | 'left';
  /** Why it, or its backup, had to stay; then something is left to be done by hand. */
  readonly problem?: string;
};

/** `isIntact` tells whether a backup is still what the manifest says. */
export type UninstallFacts = {
  readonly places: Places;
  readonly observed: Observed;
  readonly isIntact: (backup: Backup) => boolean;
};

/** The steps that take an installation back, and what they make of each name. */
export type UninstallPlan = { readonly steps: readonly Step[]; readonly returns: readonly NameReturn[] };

type Return = NameReturn & { readonly steps: readonly Step[] };

/** Every name by itself: one whose backup is damaged does not keep the others. */
export function planUninstall(facts: UninstallFacts): UninstallPlan {
  const { places, observed } = facts;
  const returns = [...observed.seen].flatMap(([name, seen]) => returnName(facts, name, seen) ?? []);
  return {
    steps: [
      ...observed.leftovers.map((path): Step => ({ do: 'remove', path })),
      ...returns.flatMap(({ steps }) => steps),
      ...(observed.hasBackupDir ? closeBackups(facts, returns) : []),
      { do: 'flush', path: places.dir },
    ],
    returns: returns.map(({ steps: _, ...rest }) => rest),
  };
}

function returnName(facts: UninstallFacts, name: string, seen: Seen): Return | undefined {
  const path = `${facts.places.dir}/${name}`;
  const backup = facts.observed.backups.find((each) => each.name === name);
  const kept = facts.observed.kept.get(name);
  if (backup !== undefined && kept !== undefined) return restore(facts, { backup, kept, seen });
  return seen.kind === 'ours' ? { name, did: 'removed', steps: [{ do: 'remove', path }] } : undefined;
}

function restore(
  { places, isIntact }: UninstallFacts,
  { backup, kept, seen }: { backup: Backup; kept: Seen; seen: Seen },
): Return {
  const { name } = backup;
  const [path, from] = [`${places.dir}/${name}`, `${places.backupDir}/${name}`];
  // An installation was interrupted before ours took the name.
  if ('inode' in seen && 'inode' in kept && seen.inode === kept.inode)
    return { name, did: 'left', steps: [{ do: 'remove', path: from }] };
  if (seen.kind !== 'ours' && seen.kind !== 'absent')
    return leave(
      name,
      `${path} is neither ours nor what it was before: its backup stays as ${from}, remove one of them`,
    );
  if (!isIntact(backup))
    return leave(name, `${from} is not what was kept there: put the right file in its place, or remove it`);
  return { name, did: 'restored', steps: [{ do: 'rename', from, to: path }] };
}

function leave(name: string, problem: string): Return {
  return { name, did: 'left', problem, steps: [] };
}

/** The manifest stays as long as it describes a backup, and the directory as long as anything else is in it. */
function closeBackups({ places, observed }: UninstallFacts, returns: readonly Return[]): readonly Step[] {
  const staying = new Set(returns.filter(({ problem }) => problem !== undefined).map(({ name }) => name));
  const rest = observed.backups.filter(({ name }) => staying.has(name));
  const { newManifest, manifest, backupDir } = places;
  if (rest.length > 0)
    return [
      { do: 'write', path: newManifest, text: renderManifest(rest) },
      { do: 'rename', from: newManifest, to: manifest },
    ];
  const known = new Set(observed.backups.map(({ name }) => name));
  const hasOthers = [...observed.kept.keys()].some((name) => !known.has(name));
  return [
    ...(observed.hasManifest ? [{ do: 'remove', path: manifest } as const] : []),
    ...(hasOthers ? [] : [{ do: 'remove-directory', path: backupDir } as const]),
  ];
}
