import { linkNames, listElements, withoutOwnOf } from './kernel.ts';
import type { Rig } from './rig.ts';

/** A host with nothing on it of any attachment. */
export const nothing = { links: [], leases: {}, elements: [] };

/** What is left of attachments on the host: links but the bridge, leases, elements of our sets and maps but the bridge's own. */
export async function leftovers(rig: Rig, bridge = 'br0'): Promise<object> {
  const [names, all] = await Promise.all([linkNames(rig.host), listElements(rig.host)]);
  const links = names.filter((name) => name !== bridge);
  return { links, leases: rig.leases(), elements: withoutOwnOf([bridge], all) };
}
