/**
 * The 4 or 16 octets of an address.
 * @param address canonical text, as the registry holds it: `parseAddress` would take ten times as long
 */
export function addressOctets(address: string): Uint8Array {
  return address.includes(':') ? octetsOfV6(address) : octetsOfV4(address);
}

function octetsOfV4(address: string): Uint8Array {
  const octets = new Uint8Array(4);
  address.split('.').forEach((octet, index) => {
    octets[index] = Number(octet);
  });
  return octets;
}

function octetsOfV6(address: string): Uint8Array {
  const [left = '', right] = address.split('::');
  const first = groupsOf(left);
  const last = groupsOf(right ?? '');
  const octets = new Uint8Array(16);
  first.forEach((group, index) => void octets.set([group >> 8, group & 0xff], index * 2));
  last.forEach((group, index) => void octets.set([group >> 8, group & 0xff], 16 - (last.length - index) * 2));
  return octets;
}

function groupsOf(text: string): readonly number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}
