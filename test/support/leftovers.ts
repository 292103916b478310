import { linkNames, listElements } from './kernel.ts';
import type { Rig } from './rig.ts';

/** A host with nothing on it of any attachment. */
export const nothing = { links: [], leases: {}, elements: [] };

/** What is left of attachments on the host: links but the bridge, leases, elements of our sets. */
export async function leftovers(rig: Rig, bridge = 'br0'): Promise<object> {
  const [links, elements] = await Promise.all([linkNames(rig.host), listElements(rig.host)]);
  return { links: links.filter((name) => name !== bridge), leases: rig.leases(), elements };
}
