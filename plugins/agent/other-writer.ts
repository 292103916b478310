import { dirname } from 'node:path';
import type { Store } from '../../lib/registry/store.ts';

/** One may be left over from whatever happened here. */
const enoughInARow = 2;

/** Whether somebody else writes as this machine, which two machines do whose id is the same: each removes what the other has. */
export class OtherWriter {
  readonly #store: Pick<Store, 'node' | 'path'>;
  #inARow = 0;

  constructor(store: Pick<Store, 'node' | 'path'>) {
    this.#store = store;
  }

  /** @param strangers - keys that a comparison has found and nobody here has written */
  note(strangers: readonly string[]): void {
    this.#inARow = strangers.length === 0 ? 0 : this.#inARow + 1;
  }

  /** In words, with what is to be done; empty while there is no sign of one. */
  get problem(): string {
    if (this.#inARow < enoughInARow) return '';
    const { node, path } = this.#store;
    return (
      `another process writes entries of this machine's id, ${node}: is ${dirname(path)}/node-id a copy of another ` +
      "machine's? Remove that file on one of them, and restart that one's agent"
    );
  }
}
