import { networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import { inquireAsync } from '../../../lib/exec/inquiry.ts';
import { formatAddress, type IpAddress } from '../../../lib/net/address.ts';
import type { IfName } from '../../../lib/net/ifname.ts';
import { observeOuter, outerInquiry } from '../../../lib/overlay/kernel/outer.ts';
import { isOnLinkOf } from '../../../lib/overlay/kernel/outer-link.ts';
import type { OuterWish } from '../../../lib/overlay/kernel/outer-wish.ts';
import { address } from '../../support/overlay-planes.ts';
import { scriptMachine } from '../../support/scripted-machine.ts';

const none: OuterWish = { interface: undefined, publicAddresses: {} };
const forwarding = (name: string) => ({ [`/proc/sys/net/ipv4/conf/${name}/forwarding`]: '1' });

/** A machine whose eth0 and eth1 have these addresses. */
function machineWith(addresses: readonly string[], proc: Readonly<Record<string, string>> = {}) {
  return scriptMachine({
    proc: { ...forwarding('eth0'), ...forwarding('eth1'), ...forwarding('lo'), ...proc },
    answer: ({ args }) => ({
      stdout: JSON.stringify([
        {
          ifname: args.at(-1),
          mtu: 1500,
          address: '02:00:00:00:00:01',
          flags: ['UP'],
          addr_info: addresses.map((each) => {
            const [local, length] = each.split('/');
            return { family: each.includes(':') ? 'inet6' : 'inet', local, prefixlen: Number(length) };
          }),
        },
      ]),
    }),
  });
}

const texts = (addresses: Readonly<Partial<Record<4 | 6, IpAddress>>>) =>
  Object.values(addresses).map(formatAddress);

describe('the interface of the underlay', () => {
  // As the kernel prints them: little-endian for IPv4, all digits for IPv6.
  const head = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT';
  const v4 = `${head}\neth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\neth1\t00000000\tFE0200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0`;
  const zero = '0'.repeat(32);
  const v6 = [
    `${zero} 00 ${zero} 00 ${zero} ffffffff 00000001 00000000 00200200       lo`,
    `${zero} 00 ${zero} 00 20010db8000500000000000000000fe 00000400 00000001 00000000 00000003     eth1`,
  ].join('\n');

  test('is the one that is named, without a look at the routes', () => {
    const machine = machineWith(['192.0.2.1/24'], { '/proc/net/route': v4 });

    expect(observeOuter({ ...none, interface: 'eth0' as IfName }, machine).name).toBe('eth0');
  });

  test('is that of the default route of IPv4, or else of IPv6', () => {
    const machine = (proc: Record<string, string>) => machineWith(['192.0.2.1/24'], proc);

    expect(observeOuter(none, machine({ '/proc/net/route': v4 })).name).toBe('eth1');
    expect(observeOuter(none, machine({ '/proc/net/route': head, '/proc/net/ipv6_route': v6 })).name).toBe(
      'eth1',
    );
  });

  test('is the one that has the public address that is named', () => {
    const [name = 'lo', own] = Object.entries(networkInterfaces()).find(([each]) => each === 'lo') ?? [];
    const local = own?.find(({ family }) => family === 'IPv4')?.address ?? '127.0.0.1';

    const wish = { ...none, publicAddresses: { 4: address(local) } };

    expect(observeOuter(wish, machineWith([`${local}/8`])).name).toBe(name);
  });

  test('is the same for one who waits and for one who does not', async () => {
    const { run, ...machine } = machineWith(['192.0.2.1/24']);
    const wish = { ...none, interface: 'eth0' as IfName };

    const found = await inquireAsync(outerInquiry(wish, machine), async (command) => run(command));

    expect(found).toEqual(observeOuter(wish, { ...machine, run }));
  });

  test.each<[string, OuterWish, RegExp]>([
    ['there is no default route', none, /no default route: name the interface/],
    ['it is not there', { ...none, interface: 'eth7' as IfName }, /no interface eth7/],
    [
      'it has not the address',
      { interface: 'eth0' as IfName, publicAddresses: { 4: address('192.0.2.9') } },
      /eth0 has not the public address 192\.0\.2\.9/,
    ],
  ])('is refused where %s', (_, wish, says) => {
    expect(() => observeOuter(wish, machineWith(['192.0.2.1/24']))).toThrow(says);
  });
});

describe('the public addresses', () => {
  const observe = (addresses: readonly string[], wanted: OuterWish['publicAddresses'] = {}) =>
    observeOuter({ interface: 'eth0' as IfName, publicAddresses: wanted }, machineWith(addresses));

  test('are the first of each family that is no link-local one', () => {
    const found = observe([
      '169.254.7.7/16',
      '192.0.2.1/24',
      '192.0.2.2/24',
      'fe80::1/64',
      '2001:db8:5::1/64',
    ]);

    expect(texts(found.publicAddresses)).toEqual(['192.0.2.1', '2001:db8:5::1']);
  });

  test('are those that are named', () => {
    const { publicAddresses } = observe(['192.0.2.1/24', '192.0.2.2/24'], { 4: address('192.0.2.2') });

    expect(texts(publicAddresses)).toEqual(['192.0.2.2']);
  });

  test('are none while the interface has none', () => {
    expect(observe([]).publicAddresses).toEqual({});
  });

  test('tell who is on the same link', () => {
    const isOnLink = isOnLinkOf(observe(['192.0.2.1/24', '2001:db8:5::1/64']));

    expect(['192.0.2.77', '2001:db8:5::77', '192.0.3.1'].map((each) => isOnLink(address(each)))).toEqual([
      true,
      true,
      false,
    ]);
  });
});
