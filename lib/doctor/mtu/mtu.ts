import type { Check } from '../check.ts';
import { judgeMtu, type MtuEvidence } from './judge-mtu.ts';

/** Whether a packet of full size fits at each step between a container and the underlay. */
export const mtu: Check<MtuEvidence | undefined> = {
  id: 'mtu',
  title: 'MTU of links',
  observe: (scene) => {
    const overlay = scene.overlay();
    if (overlay === undefined) return undefined;
    const { devices, bridges, mtu: told } = overlay;
    return { devices, bridges, told, links: scene.links() };
  },
  judge: judgeMtu,
};
