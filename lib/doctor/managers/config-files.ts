import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ifExists } from '../../errors/system-error.ts';

/** A file of somebody's configuration. */
export type ConfigFile = { readonly path: string; readonly text: string };

/**
 * The files of these directories with this ending, sorted by name within each; one of the same name in a later directory
 * takes the place of an earlier one's. What may not be read is left out.
 */
export function readConfigFiles(directories: readonly string[], ending: string): readonly ConfigFile[] {
  const paths = directories.flatMap((directory) =>
    listNames(directory)
      .filter((name) => name.endsWith(ending))
      .sort()
      .map((name) => join(directory, name)),
  );
  const last = new Map(paths.map((path) => [basename(path), path]));
  return paths.filter((path) => last.get(basename(path)) === path).flatMap(readConfigFile);
}

/** One file, or none. */
export function readConfigFile(path: string): readonly ConfigFile[] {
  try {
    return [{ path, text: readFileSync(path, 'utf8') }];
  } catch {
    return [];
  }
}

/** Whether a program keeps its state there, which says that it runs: also where its processes do not show. */
export function isThere(directory: string): boolean {
  return existsSync(directory);
}

function listNames(directory: string): readonly string[] {
  return ifExists(() => readdirSync(directory)) ?? [];
}
