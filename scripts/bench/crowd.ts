import type { Attaching } from './attaching.ts';
import type { Outcome } from './call.ts';
import type { Context } from './context.ts';
import type { Attachment } from './network.ts';
import type { Rig } from './rig.ts';

/** Started together, to have it over sooner; more would only wait for each other. */
const atOnce = 4;

/**
 * Containers that are to be attached to a host; they stay until the rig goes. They are interfaces of one namespace:
 * nothing of what is measured can tell, and a thousand namespaces would take minutes to make.
 */
export async function planCrowd(rig: Rig, count: number): Promise<readonly Attachment[]> {
  if (count === 0) return [];
  const netns = await rig.container();
  return Array.from({ length: count }, (_, at) => ({
    containerId: `crowd-${at}`,
    netns,
    ifName: `eth${at}`,
    hasDefaultRoute: false,
    number: at + 1,
  }));
}

/** Attaches them all. @returns how each ended, in their order */
export async function attachCrowd(
  { attaching, crowd }: { attaching: Attaching; crowd: readonly Attachment[] },
  { progress }: Context,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  while (outcomes.length < crowd.length) {
    const done = outcomes.length;
    progress.tell(`attaching ${crowd.length} to ${attaching.name}: ${done}`);
    const group = crowd.slice(done, done + atOnce);
    outcomes.push(...(await attaching.host.callAtOnce(group.map(attaching.toAdd))).outcomes);
  }
  return outcomes;
}
