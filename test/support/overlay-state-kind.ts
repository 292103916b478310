import type { Event } from './overlay-state-event.ts';
import type { OverlayWorld } from './overlay-state-world.ts';
import type { Random } from './random.ts';

/** All events of a sort that can happen now. */
export type Kind = (world: OverlayWorld, random: Random) => readonly Event[];
