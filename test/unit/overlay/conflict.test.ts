import { expect, test } from 'vitest';
import type { VxlanLink } from '../../../lib/iproute/parse-vxlan.ts';
import { vxlanConflict } from '../../../lib/overlay/kernel/conflict.ts';
import { wishOf } from '../../../lib/overlay/kernel/wish.ts';
import { deviceAsWished, plane } from '../../support/overlay-planes.ts';

const own = plane(1);

/** Somebody else's device on our port, with these settings. */
const other = (settings: Partial<VxlanLink['vxlan']>): VxlanLink => {
  const link = deviceAsWished(wishOf(own, []).device);
  return { ...link, name: 'vxlan7', vxlan: { ...link.vxlan, ...settings } };
};

test.each<[string, Partial<VxlanLink['vxlan']>, string]>([
  ['the same VNI and port', {}, 'has VNI 1 and UDP port 8472 already'],
  ['the same VNI and port, and no address', { local: undefined }, 'has VNI 1 and UDP port 8472 already'],
  ['the port, controlled from outside', { vni: 0, receiving: ['external'] }, '(external)'],
  ['the port, with group policies', { vni: 5, receiving: ['gbp'] }, '(gbp)'],
])('a device with %s is in the way', (_, settings, because) => {
  const sentence = vxlanConflict([other(settings)], own);

  expect(sentence).toContain('the VXLAN device vxlan7');
  expect(sentence).toContain(because);
});

test.each<[string, Partial<VxlanLink['vxlan']>]>([
  ['another VNI', { vni: 2 }],
  ['another port', { port: 4789, receiving: ['external'] }],
  ['an address of the other family', { local: plane(1, { family: 6 }).publicAddress }],
])('a device with %s is not', (_, settings) => {
  expect(vxlanConflict([other(settings)], own)).toBeUndefined();
});

test('the plane’s own device is not in its own way', () => {
  expect(vxlanConflict([deviceAsWished(wishOf(own, []).device)], own)).toBeUndefined();
});
