import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { ifExists, onFiles } from '../errors/system-error.ts';
import { digestFile } from './digest.ts';
import { type InstalledBuild, readBuild } from './installed-build.ts';
import { type Backup, parseManifest } from './manifest.ts';
import { type Places, scratchPrefix } from './places.ts';

/** What is under a name. A symbolic link is never ours, wherever it leads: we make none. */
export type Seen =
  | { readonly kind: 'absent' }
  | { readonly kind: 'ours'; readonly build: InstalledBuild; readonly inode: number; readonly size: number }
  | {
      readonly kind: 'file';
      readonly inode: number;
      readonly size: number;
      readonly mode: number;
      readonly mtime: number;
    }
  | { readonly kind: 'symlink'; readonly inode: number; readonly target: string }
  | { readonly kind: 'other' };

/** A CNI directory as an installation finds it. */
export type Observed = {
  readonly seen: ReadonlyMap<string, Seen>;
  /** What an interrupted installation has left, by path. */
  readonly leftovers: readonly string[];
  readonly hasBackupDir: boolean;
  readonly hasManifest: boolean;
  /** What the manifest says. */
  readonly backups: readonly Backup[];
  /** What is in the backup directory, by name. */
  readonly kept: ReadonlyMap<string, Seen>;
};

/**
 * Looks at a directory.
 * @throws CniError where it cannot be read, or the manifest is damaged
 */
export function observeDirectory(places: Places, names: readonly string[]): Observed {
  const hasBackupDir = isBackupDir(places.backupDir);
  const inside = hasBackupDir ? readdirSync(places.backupDir) : [];
  const backups = readManifest(places.manifest);
  // An earlier or later build may have replaced names that are none of this one's.
  const all = new Set([...names, ...backups.map(({ name }) => name)]);
  const kept = inside.filter((name) => !/^manifest\.json/.test(name));
  return {
    seen: lookAtAll(places.dir, [...all]),
    leftovers: [...findScratch(places.dir), ...inside.filter(isNewManifest).map(() => places.newManifest)],
    hasBackupDir,
    hasManifest: inside.includes('manifest.json'),
    backups,
    kept: lookAtAll(places.backupDir, kept),
  };
}

function lookAtAll(dir: string, names: readonly string[]): ReadonlyMap<string, Seen> {
  return new Map(names.map((name) => [name, look(`${dir}/${name}`)]));
}

function findScratch(dir: string): readonly string[] {
  return readdirSync(dir)
    .filter((name) => name === scratchPrefix || name.startsWith(`${scratchPrefix}-`))
    .map((name) => `${dir}/${name}`);
}

function isNewManifest(name: string): boolean {
  return name === 'manifest.json.new';
}

/** What a path is, without following it. */
export function look(path: string): Seen {
  return onFiles(`reading ${path}`, () => {
    const stats = ifExists(() => lstatSync(path));
    if (stats === undefined) return { kind: 'absent' };
    if (stats.isSymbolicLink()) return { kind: 'symlink', inode: stats.ino, target: readlinkSync(path) };
    return stats.isFile() ? lookAtFile(path, stats) : { kind: 'other' };
  });
}

function lookAtFile(path: string, { ino, size, mode, mtimeMs }: Stats): Seen {
  const build = readBuild(path);
  if (build !== undefined) return { kind: 'ours', build, inode: ino, size };
  return { kind: 'file', inode: ino, size, mode: mode & 0o7777, mtime: Math.floor(mtimeMs / 1000) };
}

/** What the manifest is to say of a file or link of somebody else, which is at this path. */
export function describeForeign(
  name: string,
  path: string,
  seen: Extract<Seen, { kind: 'file' | 'symlink' }>,
): Backup {
  if (seen.kind === 'symlink') return { name, kind: 'symlink', target: seen.target };
  const { size, mode, mtime } = seen;
  return {
    name,
    kind: 'file',
    sha256: onFiles(`reading ${path}`, () => digestFile(path)),
    size,
    mode,
    mtime,
  };
}

/** Backups are moved by name: a link in place of their directory would have us move files elsewhere. */
function isBackupDir(path: string): boolean {
  const stats = ifExists(() => lstatSync(path));
  if (stats === undefined || stats.isDirectory()) return stats !== undefined;
  throw new CniError(ErrorCode.invalidConfig, `${path} is no directory: move it away, backups belong there`);
}

function readManifest(path: string): readonly Backup[] {
  const text = onFiles(`reading ${path}`, () => ifExists(() => readFileSync(path, 'utf8')));
  return text === undefined ? [] : parseManifest(text, path);
}
