import { mkdirSync } from 'node:fs';
import { must, run } from './process.ts';

/** A small file system of the test's own, to be filled up or made read-only; unmounted when disposed. */
export type SmallDisk = AsyncDisposable & {
  readonly path: string;
  /** Takes all blocks (a file can be made then, but not written), or all inodes (no file can be made). */
  readonly fill: (what: 'blocks' | 'inodes') => Promise<void>;
  /** Gives back so many of the inodes that `fill` has taken. */
  readonly spare: (inodes: number) => Promise<void>;
  /** Frees what `fill` has taken. */
  readonly empty: () => Promise<void>;
  readonly setReadOnly: (isReadOnly: boolean) => Promise<void>;
};

const fillings = {
  blocks: 'dd if=/dev/zero of=ballast bs=1k 2>/dev/null; true',
  inodes: 'n=0; while mkdir ballast.$n 2>/dev/null; do n=$((n+1)); done',
};

export async function mountSmallDisk(path: string, size = '128k'): Promise<SmallDisk> {
  mkdirSync(path, { recursive: true });
  await must('mount', ['-t', 'tmpfs', '-o', `size=${size},nr_inodes=50,mode=755`, 'tmpfs', path]);
  return {
    path,
    fill: async (what) => {
      await must('sh', ['-c', `cd "$1" && ${fillings[what]}`, 'sh', path]);
    },
    spare: async (inodes) => {
      await must('sh', [
        '-c',
        'cd "$1" && ls -d ballast.* | head -n "$2" | xargs -r rmdir',
        'sh',
        path,
        `${inodes}`,
      ]);
    },
    empty: async () => {
      await must('sh', ['-c', 'cd "$1" && rm -rf ballast*', 'sh', path]);
    },
    setReadOnly: async (isReadOnly) => {
      await must('mount', ['-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, path]);
    },
    [Symbol.asyncDispose]: async () => {
      await run({ file: 'umount', args: ['-l', path] });
    },
  };
}
