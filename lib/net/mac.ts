import { hash64 } from './hash.ts';

/** A unicast Ethernet address in lower case, colon-separated ("02:1a:…"). */
export type Mac = string & { readonly __brand: 'Mac' };

const sixOctets = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

/** Undefined for anything but six colon- or dash-separated octets that name one station (not a group, not zero). */
export function parseMac(text: string): Mac | undefined {
  const normal = text.toLowerCase().replaceAll('-', ':');
  if (!sixOctets.test(normal) || normal === '00:00:00:00:00:00') return undefined;
  const isGroup = (Number.parseInt(normal.slice(0, 2), 16) & 1) === 1;
  return isGroup ? undefined : (normal as Mac);
}

/** The same locally administered unicast address for the same seed. */
export function deriveMac(seed: string): Mac {
  const octets = hash64(seed).match(/../g)?.slice(0, 6) ?? [];
  const first = (Number.parseInt(octets[0] ?? '0', 16) & 0xfc) | 0x02;
  return [first.toString(16).padStart(2, '0'), ...octets.slice(1)].join(':') as Mac;
}
