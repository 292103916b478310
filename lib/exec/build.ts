import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/**
 * The build script ends every executable with this mark and the build's id, so that one read of a file's end
 * tells whether it is of the same build: a hard link, a symbolic link or a copy.
 */
export const buildMark = 'fairlead-build:';

/** Length of a build id: hex digits of a hash over the bundle. */
export const buildIdLength = 32;

/** Whether the executable at `path` is of the build with this id. */
export function isOfBuild(path: string, buildId: string): boolean {
  const expected = Buffer.from(buildMark + buildId);
  try {
    return readEnd(path, expected.length).equals(expected);
  } catch {
    return false;
  }
}

function readEnd(path: string, length: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const end = Buffer.alloc(length);
    readSync(file, end, 0, length, Math.max(0, fstatSync(file).size - length));
    return end;
  } finally {
    closeSync(file);
  }
}
