import { type LockWait, withFlock } from '../files/flock.ts';
import { digestFile } from './digest.ts';
import { requireWritable, resolveDirectory } from './directory.ts';
import type { Backup } from './manifest.ts';
import { installedNames } from './names.ts';
import { look, observeDirectory } from './observe.ts';
import { type Places, placesIn } from './places.ts';
import { type NameReturn, planUninstall } from './plan-uninstall.ts';
import { carryOut, type Step } from './step.ts';

/** What taking an installation back did, or would do. */
export type Uninstallation = {
  /** Without symbolic links. */
  readonly dir: string;
  readonly returns: readonly NameReturn[];
  readonly steps: readonly Step[];
};

/**
 * Takes our names out of a CNI directory and puts back what they replaced.
 * @throws CniError where the directory cannot be used or a step fails; the next call then completes it
 */
export function uninstall(request: { dir: string; isDryRun: boolean }, wait: LockWait): Uninstallation {
  const dir = resolveDirectory(request.dir);
  requireWritable(dir);
  return withFlock(dir, wait, () => {
    const places = placesIn(dir);
    const { steps, returns } = planUninstall({
      places,
      observed: observeDirectory(places, installedNames),
      isIntact: (backup) => isIntact(places, backup),
    });
    if (!request.isDryRun) for (const step of steps) carryOut(step);
    return { dir, returns, steps };
  });
}

function isIntact({ backupDir }: Places, backup: Backup): boolean {
  const path = `${backupDir}/${backup.name}`;
  const kept = look(path);
  if (backup.kind === 'symlink') return kept.kind === 'symlink' && kept.target === backup.target;
  return kept.kind === 'file' && kept.size === backup.size && digestFile(path) === backup.sha256;
}
