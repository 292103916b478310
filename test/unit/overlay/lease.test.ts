import { describe, expect, test } from 'vitest';
import type { Mac } from '../../../lib/net/mac.ts';
import type { Endpoint } from '../../../lib/overlay/lease/lease.ts';
import { parseSubnetName, renderSubnetName } from '../../../lib/overlay/lease/name.ts';
import { parseReservation } from '../../../lib/overlay/lease/reservation.ts';
import { parseLease, renderLease } from '../../../lib/overlay/lease/text.ts';
import { address, cidr } from '../../support/overlay-planes.ts';
import { Random } from '../../support/random.ts';

const rounds = process.env.SOAK === '1' ? 200_000 : 4_000;

const v4: Endpoint = {
  subnet: cidr('10.5.34.0/24'),
  publicAddress: address('192.0.2.1'),
  vni: 1,
  vtepMac: 'c6:d2:32:6f:8f:44' as Mac,
};
const v6: Endpoint = {
  subnet: cidr('fd00:5:0:1::/64'),
  publicAddress: address('2001:db8:5::1'),
  vni: 1,
  vtepMac: 'c6:d2:32:6f:8f:46' as Mac,
};

const name = '10.5.34.0-24';
/** As flanneld 0.26 writes it. */
const flannels = {
  PublicIP: '192.0.2.1',
  PublicIPv6: null,
  BackendType: 'vxlan',
  BackendData: { VNI: 1, VtepMAC: 'c6:d2:32:6f:8f:44' },
};

const parse = (changes: object, key = name) => parseLease(key, JSON.stringify({ ...flannels, ...changes }));

test("flanneld's own lease is read", () => {
  expect(parse({})).toEqual({ name, endpoints: { 4: v4 }, node: undefined });
});

test('a lease of ours is what flanneld writes, and the id of the machine', () => {
  expect(renderLease({ endpoints: { 4: v4 }, node: 'f00d' })).toEqual({
    name,
    value:
      '{"PublicIP":"192.0.2.1","PublicIPv6":null,"BackendType":"vxlan",' +
      '"BackendData":{"VNI":1,"VtepMAC":"c6:d2:32:6f:8f:44"},"Node":"f00d"}',
  });
});

test.each<[string, Partial<Record<4 | 6, Endpoint>>, string]>([
  ['one family', { 4: v4 }, '10.5.34.0-24'],
  ['both', { 4: v4, 6: v6 }, '10.5.34.0-24&fd00:5:0:1::-64'],
  ['IPv6 alone', { 6: v6 }, '0.0.0.0-0&fd00:5:0:1::-64'],
])('what is written of %s is read again', (_, endpoints, expected) => {
  const written = renderLease({ endpoints, node: 'f00d' });

  expect(written.name).toBe(expected);
  expect(parseLease(written.name, written.value)).toEqual({ name: expected, endpoints, node: 'f00d' });
});

test('old flanneld tells no VNI, which was 1', () => {
  expect(parse({ BackendData: { VtepMAC: v4.vtepMac } })).toMatchObject({ endpoints: { 4: { vni: 1 } } });
});

describe('not followed, and it is said why:', () => {
  test.each([
    '',
    'config',
    '10.5.34.0',
    '10.5.34.0/24',
    '10.5.34.0-33',
    '10.5.34.0-024',
    '10.5.34.256-24',
    '010.5.34.0-24',
    'fd00:5:0:1::-64',
    '10.5.34.0-24&',
    '10.5.34.0-24&10.5.35.0-24',
    '10.5.34.0-24&::ffff:10.5.35.0-24',
    '10.5.34.0-24&fd00:5:0:1::-129',
    '0.0.0.0-0',
    '__proto__',
    '10.5.34.0-24\n',
  ])('the key %j', (key) => {
    expect(parse({}, key)).toEqual({ problem: expect.stringContaining('the key: expected a subnet') });
  });

  test.each(['10.5.34.1-24', '10.5.34.0-24&fd00::1-64'])('the key %s with host bits', (key) => {
    expect(parse({}, key)).toEqual({ problem: expect.stringContaining('without host bits') });
  });

  test.each<[object, string]>([
    [{ BackendType: 'host-gw' }, 'BackendType: expected "vxlan", found "host-gw"'],
    [{ BackendType: null }, 'BackendType: expected "vxlan", found nothing'],
    [{ PublicIP: null }, 'PublicIP: is required'],
    [{ PublicIP: '0.0.0.0' }, 'PublicIP: is required'],
    [{ PublicIP: 'fd00::1' }, 'PublicIP: expected the IPv4 address of a host'],
    [{ PublicIP: '127.0.0.1' }, 'PublicIP: expected the IPv4 address of a host'],
    [{ PublicIP: '239.0.0.1' }, 'PublicIP: expected the IPv4 address of a host'],
    [{ PublicIP: 3 }, 'PublicIP: expected a string'],
    [{ BackendData: null }, 'BackendData: is required'],
    [{ BackendData: 'x' }, 'BackendData: expected an object'],
    [{ BackendData: { VNI: 1 } }, 'VtepMAC: is required'],
    [{ BackendData: { VNI: 1, VtepMAC: '01:00:5e:00:00:01' } }, 'VtepMAC: expected a unicast MAC'],
    [{ BackendData: { VNI: 1, VtepMAC: 'nonsense' } }, 'VtepMAC: expected a unicast MAC'],
    [{ BackendData: { VNI: 2 ** 24, VtepMAC: v4.vtepMac } }, 'VNI: expected a whole number'],
    [{ Node: 'two words' }, 'Node: expected the id of a machine'],
    [{ Node: 'x'.repeat(65) }, 'Node: expected the id of a machine'],
  ])('%j', (changes, problem) => {
    expect(parse(changes)).toEqual({ problem: expect.stringContaining(problem) });
  });

  test('two subnets of which one is not told how to reach', () => {
    expect(parse({}, '10.5.34.0-24&fd00:5:0:1::-64')).toEqual({
      problem: expect.stringContaining('BackendV6Data: is required'),
    });
  });

  test.each(['', 'nonsense', 'null', '3', '[]', '{"PublicIP"'])('the value %j', (value) => {
    expect(parseLease(name, value)).toEqual({ problem: expect.stringContaining('the value') });
  });
});

test.each<[string, string]>([
  ['a text of a megabyte', `"${'x'.repeat(1_048_576)}"`],
  ['a field of a megabyte', JSON.stringify({ ...flannels, PublicIP: 'x'.repeat(1_048_576) })],
  ['a megabyte of brackets', '['.repeat(1_048_576)],
  ['a value as deep as a megabyte allows', `{"BackendType":${'['.repeat(500_000)}${']'.repeat(500_000)}}`],
  [
    'a hundred thousand fields',
    JSON.stringify(Object.fromEntries(range(100_000).map((at) => [`f${at}`, at]))),
  ],
])('%s is harmless, and the problem fits on a line', (_, value) => {
  const parsed = parseLease(name, value);

  expect(parsed).toEqual({ problem: expect.stringMatching(/^.{1,200}$/) });
});

test('fields that are named as what every object has change nothing', () => {
  const value = `{"__proto__":{"PublicIP":"192.0.2.66"},"constructor":1,"toString":null,${JSON.stringify(flannels).slice(1)}`;

  expect(parseLease(name, value)).toEqual({ name, endpoints: { 4: v4 }, node: undefined });
  expect(Object.hasOwn(Object.prototype, 'PublicIP')).toBe(false);
});

test('whatever is damaged in a key or a value, a lease is right or there is a problem', () => {
  const random = new Random(7);
  const { name: whole, value } = renderLease({ endpoints: { 4: v4, 6: v6 }, node: 'f00d' });
  let taken = 0;
  for (let round = 0; round < rounds; round++) {
    const key = random.below(2) === 0 ? whole : damaged(whole, random);
    const parsed = parseLease(key, damaged(value, random));

    if ('problem' in parsed) {
      expect(parsed.problem).not.toBe('');
      continue;
    }
    taken++;
    const again = renderLease(parsed);
    expect(parseLease(again.name, again.value)).toEqual({ ...parsed, name: again.name });
  }
  expect(taken).toBeGreaterThan(50);
});

test('the subnets of a name are known whether its value is understood or not, with host bits or without', () => {
  expect(parseSubnetName('10.5.34.7-24&FD00::1-64')).toEqual({
    4: cidr('10.5.34.7/24'),
    6: cidr('fd00::1/64'),
  });
  expect(renderSubnetName({ 6: cidr('fd00:5::/64') })).toBe('0.0.0.0-0&fd00:5::-64');
});

describe('a reservation', () => {
  test.each<[string, string, object]>([
    [
      'by an address',
      '{"PublicIP":"192.0.2.9"}',
      { publicAddresses: { 4: address('192.0.2.9') }, node: undefined },
    ],
    ['by a machine', '{"Node":"f00d"}', { publicAddresses: {}, node: 'f00d' }],
  ])('%s', (_, value, expected) => {
    expect(parseReservation(name, value)).toEqual({ name, subnets: { 4: v4.subnet }, ...expected });
  });

  test('is not a key with host bits: nobody else would take its subnet for the same', () => {
    expect(parseReservation('10.5.34.7-24', '{"PublicIP":"192.0.2.9"}')).toBeUndefined();
  });

  test.each(['{}', 'nonsense', '{"PublicIP":"nonsense"}', JSON.stringify(flannels)])('is not %s', (value) => {
    expect(parseReservation(name, value)).toBeUndefined();
  });
});

/** The text with one to three pieces lost, doubled or replaced. */
function damaged(text: string, random: Random): string {
  let result = text;
  for (let times = random.below(3); times >= 0; times--) {
    const at = random.below(result.length + 1);
    const length = random.below(4);
    const insert = random.pick([
      '',
      '0',
      '9',
      ':',
      '-',
      '"',
      '{',
      '}',
      ',',
      '&',
      '.',
      'null',
      '\u0000',
      'é',
      '/',
    ]);
    result = result.slice(0, at) + insert + result.slice(at + length);
  }
  return result;
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => at);
}
