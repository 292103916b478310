import { describe, expect, test } from 'vitest';
import type { Wanted } from '../../../lib/capability/capability.ts';
import type { Endpoint } from '../../../lib/capability/endpoint.ts';
import { parseResult } from '../../../lib/cni/result-parse.ts';
import { firewall } from '../../../lib/firewall/firewall.ts';
import type { IfName } from '../../../lib/net/ifname.ts';
import { toCall } from '../../support/calls.ts';
import { scriptMachine } from '../../support/scripted-machine.ts';

const call = (conf: object) => toCall({ type: 'firewall', ...conf });

const endpoint: Endpoint = {
  network: 'net',
  attachment: call({}).attachment,
  hostEnd: 'veth1' as IfName,
  bridge: 'cni0' as IfName,
  mac: undefined,
  mtu: 1500,
  ips: parseResult({ cniVersion: '1.1.0', ips: [{ address: '10.22.0.2/16' }] }, 'result', '1.1.0').ips,
};

function wantedOf(conf: object = {}): Wanted {
  const wanted = firewall.open(call(conf).conf);
  if (wanted === undefined) throw new Error('nothing is wanted');
  return wanted;
}

const dropping = JSON.stringify({ nftables: [{ chain: { name: 'FORWARD', policy: 'drop' } }] });
const droppingMachine = () => scriptMachine({ answer: () => ({ stdout: dropping }) });
const idleMachine = () => scriptMachine({ answer: () => ({ status: 1 }) });

describe('what is asked for', () => {
  test.each([
    ['by the executable, always', { type: 'firewall' }, true],
    ['by a main plugin with a policy', { type: 'bridge', ingressPolicy: 'open' }, true],
    ['by a main plugin without one, nothing', { type: 'bridge' }, false],
  ])('%s', (_, conf, isWanted) => {
    expect(firewall.open(call(conf).conf) !== undefined).toBe(isWanted);
  });

  test.each([
    [{ ingressPolicy: 'shut' }, 'ingressPolicy: expected one of open, same-bridge, isolated'],
    [{ backend: 5 }, 'backend: expected a string'],
    [{ type: 'bridge', ingressPolicy: 'isolated', vlan: 5 }, 'cut the containers of a VLAN off'],
  ])('%o is refused', (conf, message) => {
    expect(() => firewall.open(call(conf).conf)).toThrow(message);
  });

  test('every backend of the reference is taken', () => {
    for (const backend of ['', 'iptables', 'firewalld']) expect(wantedOf({ backend })).toBeDefined();
  });
});

test('one look tells that nobody drops, and then there is nothing to do', () => {
  const machine = idleMachine();
  const wanted = wantedOf();

  expect(wanted.rules(endpoint, machine)).toEqual({ shared: [], own: [] });
  expect(wanted.steps(endpoint, machine)).toEqual([]);
  expect(machine.log).toEqual(['host: nft -j -t list chain ip filter FORWARD']);
});

test('where somebody drops, the address is admitted and the chain told', () => {
  const machine = droppingMachine();
  const wanted = wantedOf();

  expect(wanted.rules(endpoint, machine).own).toMatchObject([
    { set: 'admitted4', key: ['"cni0"', '10.22.0.2'] },
  ]);
  expect(wanted.steps(endpoint, machine)).toEqual([
    { place: 'host', operation: { kind: 'accept-forwarded', family: 4, variant: 'nft' } },
  ]);
});

test('a container that nothing of the host leads to is not looked at, and no policy can hold for it', () => {
  const machine = droppingMachine();
  const apart = { ...endpoint, bridge: undefined, hostEnd: undefined };

  expect(wantedOf().rules(apart, machine)).toEqual({ shared: [], own: [] });
  expect(machine.log).toEqual([]);
  expect(() => wantedOf({ ingressPolicy: 'isolated' }).rules(apart, machine)).toThrow(
    'needs an interface of the host that leads to eth0',
  );
});

test('iptables-legacy is asked only where the kernel has its table', () => {
  const proc = { '/proc/net/ip_tables_names': 'nat\nfilter' };
  const machine = scriptMachine({ proc, answer: () => ({ status: 1 }) });

  wantedOf().rules(endpoint, machine);

  expect(machine.log).toEqual([
    'host: nft -j -t list chain ip filter FORWARD',
    'host: iptables-legacy -S FORWARD',
  ]);
});
