import { describe, expect, test } from 'vitest';
import type { Wanted } from '../../../lib/capability/capability.ts';
import type { Endpoint } from '../../../lib/capability/endpoint.ts';
import { parseResult } from '../../../lib/cni/result-parse.ts';
import { CniError, ErrorCode } from '../../../lib/errors/cni-error.ts';
import { firewall } from '../../../lib/firewall/firewall.ts';
import type { IfName } from '../../../lib/net/ifname.ts';
import { toCall } from '../../support/calls.ts';
import { type ScriptedMachine, scriptMachine } from '../../support/scripted-machine.ts';

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

const dualIps = [{ address: '10.22.0.2/16' }, { address: 'fd00:22::2/64' }];
const dualEndpoint: Endpoint = {
  ...endpoint,
  ips: parseResult({ cniVersion: '1.1.0', ips: dualIps }, 'result', '1.1.0').ips,
};

function wantedOf(conf: object = {}): Wanted {
  const wanted = firewall.open(call(conf).conf);
  if (wanted === undefined) throw new Error('nothing is wanted');
  return wanted;
}

const dropping = JSON.stringify({ nftables: [{ chain: { name: 'FORWARD', policy: 'drop' } }] });
/** A host whose nftables has the chain FORWARD of every family. */
const hasAll = { findNftChains: <T>(wanted: readonly T[]) => wanted };
const droppingMachine = () => ({ ...scriptMachine({ answer: () => ({ stdout: dropping }) }), ...hasAll });
const lists = (protocol: string) => `host: nft -j -t list chain ${protocol} filter FORWARD`;

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

test('where no chain is there, nothing is started and nothing is to do', () => {
  const machine = scriptMachine();
  const wanted = wantedOf();

  expect(wanted.rules(dualEndpoint, machine)).toEqual({ shared: [], own: [] });
  expect(wanted.steps(dualEndpoint, machine)).toEqual([]);
  wanted.check(dualEndpoint, machine);
  expect(machine.log).toEqual([]);
});

test('nft is asked once, for the families that have a chain', () => {
  const accepting = JSON.stringify({ nftables: [{ chain: { name: 'FORWARD', policy: 'accept' } }] });
  const asked: object[] = [];
  const machine: ScriptedMachine = {
    ...scriptMachine({ answer: () => ({ stdout: accepting }) }),
    findNftChains: (wanted) => {
      asked.push(...wanted);
      return wanted.filter(({ family }) => family === 'ip6');
    },
  };
  const wanted = wantedOf();

  expect(wanted.rules(dualEndpoint, machine)).toEqual({ shared: [], own: [] });
  expect(wanted.steps(dualEndpoint, machine)).toEqual([]);
  expect(machine.log).toEqual([lists('ip6')]);
  expect(asked).toMatchObject([
    { family: 'ip', table: 'filter', chain: 'FORWARD' },
    { family: 'ip6', table: 'filter', chain: 'FORWARD' },
  ]);
});

test('nft is asked for every family where the kernel does not tell which chains there are', () => {
  const machine: ScriptedMachine = {
    ...scriptMachine({ answer: () => ({ stdout: dropping }) }),
    findNftChains: () => {
      throw new CniError(ErrorCode.tryAgainLater, 'netfilter has not answered in time; try again');
    },
  };

  expect(wantedOf().steps(dualEndpoint, machine)).toHaveLength(2);
  expect(machine.log).toEqual([lists('ip'), lists('ip6')]);
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

  wantedOf().rules(dualEndpoint, machine);

  expect(machine.log).toEqual(['host: iptables-legacy -S FORWARD']);
});
