import type { Check } from '../check.ts';
import { type DuplicatesEvidence, judgeDuplicates } from './judge-duplicates.ts';
import { listRoutes } from './seen-routes.ts';

/** Whether an address can mean two things on this host. */
export const duplicates: Check<DuplicatesEvidence> = {
  id: 'duplicates',
  title: 'double networks',
  observe: (scene) => ({
    bridges: scene.links().filter(({ kind }) => kind === 'bridge'),
    routes: listRoutes(scene.machine),
    overlay: scene.overlay(),
  }),
  judge: judgeDuplicates,
};
