import { identifyFile } from './set-aside.ts';
import type { Store } from './store.ts';

/** Stores that stay open from one call to the next, with their prepared statements. */
export type KeptStores = {
  readonly open: (path: string) => Store;
  /** Closes all: a call has failed, and the next one is to begin with nothing. */
  readonly forget: () => void;
};

type Kept = { readonly store: Store; readonly identity: string };

/** A file that was removed or replaced since is opened anew: what is written must be where others read. */
export function keepStores(open: (path: string) => Store): KeptStores {
  const kept = new Map<string, Kept>();
  const close = (path: string) => {
    kept.get(path)?.store[Symbol.dispose]();
    kept.delete(path);
  };
  return {
    open: (path) => {
      const known = kept.get(path);
      if (known !== undefined && known.identity === identify(path)) return known.store;
      close(path);
      // More than a few paths is somebody who makes them up.
      if (kept.size >= mostKept) for (const each of [...kept.keys()]) close(each);
      const store = open(path);
      kept.set(path, { store, identity: identify(path) });
      return store;
    },
    forget: () => {
      for (const path of [...kept.keys()]) close(path);
    },
  };
}

const mostKept = 16;

/** The journal belongs to its file: one without the other is damage. */
function identify(path: string): string {
  return [path, `${path}-wal`].map(identifyFile).join();
}
