import type { OverlayWorld } from './overlay-state-world.ts';
import type { Random } from './random.ts';

/** Something that can happen now; done, it says what has come of it. */
export type Event = { readonly what: string; readonly happen: () => Promise<string> };

/** All of a sort that can happen now. */
export type Kind = (world: OverlayWorld, random: Random) => readonly Event[];

/** Nothing is to be told of what has come of it. */
export function quietly(happen: () => Promise<unknown>): Event['happen'] {
  return async () => {
    await happen();
    return '';
  };
}
