import { describe, expect, test } from 'vitest';
import type { Command } from '../../../lib/exec/command.ts';
import { createLoopback } from '../../../lib/loopback/plugin.ts';
import { formatCidr } from '../../../lib/net/cidr.ts';
import { addEnvironment, toCall } from '../../support/calls.ts';
import { scriptMachine } from '../../support/scripted-machine.ts';

// What a kernel shows of a namespace, in procfs and by `ip`.

const trieUp = `Main:
  +-- 127.0.0.0/8 2 0 2
     +-- 127.0.0.0/31 1 0 0
        |-- 127.0.0.0
           /8 host LOCAL
        |-- 127.0.0.1
           /32 host LOCAL
     |-- 127.255.255.255
        /32 link BROADCAST`;
/** As it is after the interface went down again. */
const trieDown = trieUp.replace(/ *\|-- 127\.255\.255\.255\n.*/, '');
const oneV6 = '00000000000000000000000000000001 01 80 10 80       lo';
const trie = '/proc/net/fib_trie';
const v6Table = '/proc/net/if_inet6';

const printed = (...addresses: readonly string[]) =>
  JSON.stringify([
    {
      ifname: 'lo',
      flags: ['LOOPBACK', 'UP'],
      addr_info: addresses.map((text) => {
        const [local, prefixlen] = text.split('/');
        return { local, prefixlen: Number(prefixlen) };
      }),
    },
  ]);

/** The plugin in a namespace with these files below /proc, where `ip` prints so. */
function rig(
  proc: Readonly<Record<string, string>> = {},
  stdout = printed('127.0.0.1/8', '::1/128'),
  status = 0,
) {
  const machine = scriptMachine({ proc, answer: (_: Command) => ({ stdout, status, stderr: 'refused' }) });
  return { machine, plugin: createLoopback(machine) };
}

const call = (conf: object = {}, env = {}) => toCall({ type: 'loopback', ...conf }, addEnvironment(env));

describe('ADD', () => {
  test('sets the interface up and asks for its addresses, in one process in the container', () => {
    const { machine, plugin } = rig();

    const { interfaces, ips } = plugin.add(call());

    expect(machine.log).toEqual(['/run/netns/c1: ip -j -batch -\nlink set dev lo up\naddr show dev lo']);
    expect(interfaces).toEqual([{ name: 'lo', mac: '00:00:00:00:00:00', sandbox: '/run/netns/c1' }]);
    expect(ips.map(({ address, interface: index }) => [formatCidr(address), index])).toEqual([
      ['127.0.0.1/8', 0],
      ['::1/128', 0],
    ]);
  });

  test.each([
    ['both families', oneV6, ['127.0.0.1/8', '::1/128']],
    ['IPv4 alone', '', ['127.0.0.1/8']],
  ])('starts no process where the interface is up with %s', (_, v6, addresses) => {
    const { machine, plugin } = rig({ [trie]: trieUp, [v6Table]: v6 });

    const { ips } = plugin.add(call());

    expect(ips.map(({ address }) => formatCidr(address))).toEqual(addresses);
    expect(machine.log).toEqual([]);
  });

  test.each([
    ['another IPv4 address', `${trieUp}\n  |-- 10.0.0.1\n     /32 host LOCAL`, oneV6],
    ['another IPv6 address', trieUp, `${oneV6}\nfd000000000000000000000000000001 02 40 00 80 eth0`],
    ['an interface that went down again', trieDown, ''],
    ['another loopback prefix', trieUp.replace('/8 host', '/16 host'), oneV6],
  ])('asks where the namespace has %s', (_, v4, v6) => {
    const { machine, plugin } = rig({ [trie]: v4, [v6Table]: v6 });

    plugin.add(call());

    expect(machine.log).toHaveLength(1);
  });

  test('answers the first address of each family, as the reference does', () => {
    const { plugin } = rig({}, printed('127.0.0.1/8', '127.0.0.2/8', '::1/128'));

    expect(plugin.add(call()).ips.map(({ address }) => formatCidr(address))).toEqual([
      '127.0.0.1/8',
      '::1/128',
    ]);
  });

  test('passes the result of the plugins before it on', () => {
    const prevResult = { cniVersion: '1.1.0', ips: [{ address: '10.1.0.2/24' }] };
    const { machine, plugin } = rig();

    const { ips, interfaces } = plugin.add(call({ prevResult }));

    expect(ips.map(({ address }) => formatCidr(address))).toEqual(['10.1.0.2/24']);
    expect(interfaces).toEqual([]);
    expect(machine.log).toHaveLength(1);
  });

  test.each(['10.0.0.1/8', 'fd00::1/64'])('refuses %s on the interface', (address) => {
    const { plugin } = rig({}, printed('127.0.0.1/8', address));

    expect(() => plugin.add(call())).toThrow(`has ${address}, which is no loopback address`);
  });

  test('says what ip said', () => {
    const { plugin } = rig({}, '', 1);

    expect(() => plugin.add(call())).toThrow('ip -j -batch -: refused');
  });

  test('is refused in the host’s own namespace', () => {
    const { machine } = rig();
    const own = createLoopback({ ...machine, identifyNetns: machine.identifyOwnNetns });

    expect(() => own.add(call())).toThrow('own network namespace');
  });
});

describe('DEL', () => {
  test('sets the interface down', () => {
    const { machine, plugin } = rig({ [trie]: trieUp });

    plugin.del(call());

    expect(machine.log).toEqual(['/run/netns/c1: ip link set dev lo down']);
  });

  test('sets one down that has only IPv6', () => {
    const { machine, plugin } = rig({ [v6Table]: oneV6 });

    plugin.del(call());

    expect(machine.log).toHaveLength(1);
  });

  test.each(['', trieDown])('starts no process where it is down', (v4) => {
    const { machine, plugin } = rig({ [trie]: v4, [v6Table]: oneV6.replace(' lo', ' eth0') });

    plugin.del(call());

    expect(machine.log).toEqual([]);
  });

  test.each(['', '/nowhere'])('succeeds without a namespace (%j)', (netns) => {
    const { machine, plugin } = rig({ [trie]: trieUp });

    plugin.del(call({}, { CNI_NETNS: netns }));

    expect(machine.log).toEqual([]);
  });

  test('succeeds where the namespace goes meanwhile, and fails where only ip did', () => {
    const { machine } = rig({ [trie]: trieUp }, '', 1);
    let looks = 0;
    const going = { ...machine, identifyNetns: () => (looks++ === 0 ? { device: 4, inode: 2 } : undefined) };

    expect(() => createLoopback(going).del(call())).not.toThrow();
    expect(() => createLoopback(machine).del(call())).toThrow('refused');
  });
});

describe('CHECK', () => {
  test('needs no process where procfs shows the interface up, whatever else there is', () => {
    const { machine, plugin } = rig({ [trie]: `${trieUp}\n  |-- 10.0.0.1\n     /32 host LOCAL` });

    plugin.check(call());

    expect(machine.log).toEqual([]);
  });

  test('passes where ip says that it is up', () => {
    const { plugin } = rig();

    expect(() => plugin.check(call())).not.toThrow();
  });

  test('fails where it is down', () => {
    const { plugin } = rig({ [trie]: trieDown }, '[{"ifname":"lo","flags":["LOOPBACK"]}]');

    expect(() => plugin.check(call())).toThrow('lo of container c1 is down');
  });
});

test('GC and STATUS have nothing to do', () => {
  const { machine, plugin } = rig();

  plugin.gc(call());
  plugin.status(call());

  expect(machine.log).toEqual([]);
});
