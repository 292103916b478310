import { statSync } from 'node:fs';
import { ifExists } from '../errors/system-error.ts';
import { identifyFile } from './set-aside.ts';
import type { Store } from './store.ts';

/** Stores that stay open from one call to the next, with their prepared statements. */
export type KeptStores = {
  readonly open: (path: string) => Store;
  /** Closes all: a call has failed, and the next one is to begin with nothing. */
  readonly forget: () => void;
};

type Kept = { readonly store: Store; readonly identity: string; bytes: number };

/**
 * A file that was removed, replaced or cut since is opened anew: what is written must be where others read, and what is
 * damaged must be found out.
 */
export function keepStores(open: (path: string) => Store): KeptStores {
  const kept = new Map<string, Kept>();
  const close = (path: string) => {
    kept.get(path)?.store[Symbol.dispose]();
    kept.delete(path);
  };
  return {
    open: (path) => {
      const known = kept.get(path);
      if (known !== undefined && isAsKnown(known, path)) return known.store;
      close(path);
      // More than a few paths is somebody who makes them up.
      if (kept.size >= mostKept) for (const each of [...kept.keys()]) close(each);
      const store = open(path);
      kept.set(path, { store, identity: identify(path), bytes: sizeOf(path) });
      return store;
    },
    forget: () => {
      for (const path of [...kept.keys()]) close(path);
    },
  };
}

const mostKept = 16;

/** A registry grows, and never shrinks by itself. */
function isAsKnown(known: Kept, path: string): boolean {
  const bytes = sizeOf(path);
  const isSound = bytes >= known.bytes && known.identity === identify(path);
  known.bytes = bytes;
  return isSound;
}

function sizeOf(path: string): number {
  return ifExists(() => statSync(path).size) ?? 0;
}

/** The journal belongs to its file: one without the other is damage. */
function identify(path: string): string {
  return [path, `${path}-wal`].map(identifyFile).join();
}
