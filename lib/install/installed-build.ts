import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { buildIdLength, buildMark } from '../exec/build.ts';

/** The build script writes this, the version and a newline before the mark of the build. */
const versionMark = 'fairlead-version:';

/** Before the version, where the file is only the client of the agent. */
const clientMark = 'fairlead-client\n';

/** What an executable of ours says of itself at its end; builds from before there was a version mark have none. */
export type InstalledBuild = { readonly id: string; readonly version: string | undefined };

const longestVersion = 40;
const ending = new RegExp(
  `(?:${versionMark}([0-9A-Za-z.+-]{1,${longestVersion}})\n)?${buildMark}([0-9a-f]{${buildIdLength}})$`,
);
const endLength =
  clientMark.length + versionMark.length + longestVersion + 1 + buildMark.length + buildIdLength;

/** The end of an executable that says of which build it is. */
export function renderEnd({ id, version }: { id: string; version: string }): string {
  return `${versionMark}${version}\n${buildMark}${id}`;
}

/** The end of the client of that build. */
export function renderClientEnd(built: { id: string; version: string }): string {
  return clientMark + renderEnd(built);
}

/**
 * Whether a file is the client of the agent, and no executable that can do without one.
 * @throws the failed system call where it cannot be read
 */
export function isClient(path: string): boolean {
  const end = readEnd(path);
  const { index } = ending.exec(end) ?? {};
  return index !== undefined && end.slice(0, index).endsWith(clientMark);
}

/**
 * Which build of ours a file is; undefined where it is none, also of a copy that was cut off.
 * @throws the failed system call where it cannot be read
 */
export function readBuild(path: string): InstalledBuild | undefined {
  const [, version, id] = ending.exec(readEnd(path)) ?? [];
  return id === undefined ? undefined : { id, version };
}

function readEnd(path: string): string {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const end = Buffer.alloc(Math.min(size, endLength));
    readSync(file, end, 0, end.length, size - end.length);
    return end.toString('latin1');
  } finally {
    closeSync(file);
  }
}

/** Whether `found` is a later version than `own`; what has no version, or none of numbers, is not. */
export function isLater(found: string | undefined, own: string | undefined): boolean {
  const [left, right] = [parseVersion(found), parseVersion(own)];
  if (left === undefined || right === undefined) return false;
  const differing = left.findIndex((part, index) => part !== right[index]);
  return differing >= 0 && (left[differing] ?? 0) > (right[differing] ?? 0);
}

/** Its numbers, and whether it is a release: 1.2.0-rc.1 comes before 1.2.0. */
function parseVersion(text = ''): readonly number[] | undefined {
  const [, major, minor, patch, early] = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(-.+)?(?:\+.*)?$/.exec(text) ?? [];
  if (major === undefined) return undefined;
  return [Number(major), Number(minor), Number(patch), early === undefined ? 1 : 0];
}
