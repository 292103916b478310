import { expect, test } from 'vitest';
import { parseMac } from '../../../lib/net/mac.ts';
import { overlayMtu, vtepMac } from '../../../lib/overlay/kernel/mtu.ts';
import { publicAddress } from '../../support/overlay-planes.ts';

test('an overlay has 50 bytes less than an IPv4 underlay, and 70 less than an IPv6 one', () => {
  expect(overlayMtu(1500, 4)).toBe(1450);
  expect(overlayMtu(1500, 6)).toBe(1430);
});

test.each([
  [625, 4],
  [1349, 6],
] as const)('an underlay of %i bytes is too small for an overlay over IPv%i', (outerMtu, family) => {
  expect(() => overlayMtu(outerMtu, family)).toThrow(`to ${outerMtu + 1} or more`);
  expect(() => overlayMtu(outerMtu + 1, family)).not.toThrow();
});

test('the MAC of a VXLAN device is the same wherever it is computed, and another for each host and VNI', () => {
  const macs = [vtepMac(1, publicAddress(2)), vtepMac(1, publicAddress(3)), vtepMac(2, publicAddress(2))];

  expect(new Set(macs).size).toBe(3);
  expect(macs.map((mac) => parseMac(mac))).toEqual(macs);
  expect(vtepMac(1, publicAddress(2))).toBe(macs[0]);
  // The second bit of the first octet: locally administered.
  expect(macs.every((mac) => (Number.parseInt(mac.slice(0, 2), 16) & 2) === 2)).toBe(true);
});
