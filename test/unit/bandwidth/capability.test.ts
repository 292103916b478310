import { describe, expect, test } from 'vitest';
import { bandwidth } from '../../../lib/bandwidth/capability.ts';
import { deviceName } from '../../../lib/bandwidth/shaping.ts';
import type { Wanted } from '../../../lib/capability/capability.ts';
import type { Endpoint } from '../../../lib/capability/endpoint.ts';
import { applyPlan } from '../../../lib/exec/apply.ts';
import type { Command, Outcome } from '../../../lib/exec/command.ts';
import type { IfName } from '../../../lib/net/ifname.ts';
import { parseMac } from '../../../lib/net/mac.ts';
import { renderPlan } from '../../../lib/plan/render.ts';
import { toCall } from '../../support/calls.ts';
import { scriptMachine } from '../../support/scripted-machine.ts';

const limits = {
  ingressRate: 20_000_000,
  ingressBurst: 200_000,
  egressRate: 10_000_000,
  egressBurst: 100_000,
};

const call = (conf: object = limits) => toCall({ type: 'bandwidth', ...conf });
const device = deviceName(call().attachment);

const endpoint: Endpoint = {
  network: 'net',
  attachment: call().attachment,
  hostEnd: 'veth1' as IfName,
  bridge: undefined,
  mac: undefined,
  mtu: 1500,
  ips: [],
};

function wantedOf(conf: object = limits): Wanted {
  const wanted = bandwidth.open(call(conf).conf);
  if (wanted === undefined) throw new Error('nothing is wanted');
  return wanted;
}

const planOf = (conf: object, changes: Partial<Endpoint> = {}, proc = {}) =>
  renderPlan(wantedOf(conf).steps({ ...endpoint, ...changes }, scriptMachine({ proc })));

describe('the plan', () => {
  test('of a limit of what comes in needs no device', () => {
    const plan = planOf({ ingressRate: 20_000_000, ingressBurst: 200_000 });

    expect(plan).toContain('qdisc add dev veth1 root');
    expect(plan).not.toContain('ifb');
  });

  test('lets a packet through however small the burst', () => {
    expect(planOf({ ingressRate: 8000, ingressBurst: 8 })).toContain('burst 1518b limit 1543b');
  });

  test('reads the MTU where the result does not tell it', () => {
    const proc = { '/proc/sys/net/ipv6/conf/veth1/mtu': '9000' };

    const plan = planOf({ egressRate: 8000, egressBurst: 8 }, { mtu: undefined }, proc);

    expect(plan).toContain(`link add name ${device} mtu 9000`);
    expect(plan).toContain('burst 9018b');
  });

  test('never has more waiting than the kernel can count', () => {
    expect(planOf({ ingressRate: 8e12, ingressBurst: 8 * (2 ** 32 - 2) })).toContain('limit 4294967295b');
  });

  test('is refused where the interface has no end on the host', () => {
    expect(() => planOf(limits, { hostEnd: undefined })).toThrow(
      'has no end on the host that could be limited',
    );
  });
});

describe('carried out', () => {
  const site = (answer: (command: Command) => Partial<Outcome> | undefined) => {
    const machine = scriptMachine({ answer });
    return { machine, netns: '/run/netns/c1', steps: wantedOf().steps(endpoint, machine) };
  };

  test('without ifb in the kernel it says so, and undoes nothing', () => {
    const stderr = 'Error: Unknown device type.\nCommand failed -:1\n';
    const { steps, ...place } = site(() => ({ status: 1, stderr }));

    expect(() => applyPlan(steps, place)).toThrow(/CONFIG_IFB\): Unknown device type/);
    expect(place.machine.log).toHaveLength(1);
  });

  test('without a part of tc it says which, and takes back what was done', () => {
    const stderr = 'Error: Specified qdisc kind is unknown.\nCommand failed -:3\n';
    const { steps, ...place } = site(({ file, args }) =>
      file === 'tc' && !args.includes('-force') ? { status: 1, stderr } : undefined,
    );

    expect(() => applyPlan(steps, place)).toThrow('CONFIG_NET_SCH_INGRESS');
    expect(place.machine.log.slice(2)).toEqual([
      'host: tc -force -batch -\nqdisc del dev veth1 root',
      `host: ip -force -batch -\nlink del dev ${device}`,
    ]);
  });
});

test('no limit is nothing wanted', () => {
  const { conf } = call({ ingressRate: 0, ingressBurst: 0 });

  expect(bandwidth.open(conf)).toBeUndefined();
});

describe('the result', () => {
  const result = { interfaces: [{ name: 'veth1' }], ips: [], routes: [], dns: {} };

  test('names the device at its end', () => {
    const { interfaces } = wantedOf().amend(result, endpoint);

    expect(interfaces.map(({ name }) => name)).toEqual(['veth1', device]);
    expect(parseMac(interfaces[1]?.mac ?? '')).toBe(interfaces[1]?.mac);
  });

  test('is as it was where there is no device', () => {
    expect(wantedOf({ ingressRate: 8000, ingressBurst: 8000 }).amend(result, endpoint)).toBe(result);
  });
});

describe('CHECK', () => {
  const there = {
    '/proc/sys/net/ipv4/conf/veth1/forwarding': '1',
    [`/proc/sys/net/ipv4/conf/${device}/forwarding`]: '1',
  };
  const bucket = (rate: number, burst: number) =>
    JSON.stringify([{ kind: 'tbf', root: true, options: { rate, burst } }]);
  const actions = [{ kind: 'mirred', mirred_action: 'redirect', direction: 'egress', to_dev: device }];
  const right: Readonly<Record<string, string>> = {
    link: JSON.stringify([{ ifname: device, flags: ['UP'], linkinfo: { info_kind: 'ifb' } }]),
    veth1: bucket(2_500_000, 24_999),
    [device]: bucket(1_250_000, 12_500),
    filter: JSON.stringify([{ protocol: 'all', options: { match: { value: '0', mask: '0' }, actions } }]),
  };

  /** The machine on which everything is as it should be, but for some answers. */
  const check = (
    changes: Readonly<Record<string, string>>,
    proc: Readonly<Record<string, string>> = there,
  ) => {
    const answers = { ...right, ...changes };
    const answer = ({ file, args }: Command) => {
      const key = file === 'ip' ? 'link' : args[1] === 'filter' ? 'filter' : (args[4] ?? '');
      return { stdout: answers[key] ?? '' };
    };
    wantedOf().check(endpoint, scriptMachine({ answer, proc }));
  };

  test('passes where the limits are in force', () => {
    expect(() => check({})).not.toThrow();
  });

  test.each([
    ['another root qdisc', { veth1: '[{"kind":"noqueue","root":true}]' }, 'veth1 has no token bucket'],
    ['another rate', { veth1: bucket(2_500_001, 25_000) }, 'token bucket of veth1 has another rate or burst'],
    ['another burst', { [device]: bucket(1_250_000, 12_600) }, `token bucket of ${device} has another`],
    ['no filter', { filter: '[]' }, `what veth1 receives is not led to ${device}`],
    ['a way elsewhere', { filter: right.filter?.replace(device, 'veth2') ?? '' }, 'is not led to'],
    ['a device that is down', { link: right.link?.replace('UP', 'NOARP') ?? '' }, `${device} is down`],
    ['another device', { link: right.link?.replace('"ifb"', '"veth"') ?? '' }, `${device} is no ifb device`],
  ])('sees %s', (_, changes, message) => {
    expect(() => check(changes)).toThrow(message);
  });

  test('sees that device or host end are gone', () => {
    expect(() => check({}, { '/proc/sys/net/ipv4/conf/veth1/forwarding': '1' })).toThrow(
      `there is no ${device}`,
    );
    expect(() => check({}, {})).toThrow('there is no veth1');
  });

  test('takes a burst that the kernel cannot tell as it is', () => {
    const huge = wantedOf({ ingressRate: 1_000_000, ingressBurst: 4_294_967_295 });
    const answer = () => ({ stdout: bucket(125_000, 21_474_835) });

    expect(() => huge.check(endpoint, scriptMachine({ answer, proc: there }))).not.toThrow();
  });
});

describe('DEL', () => {
  test('removes the device', () => {
    const machine = scriptMachine({ proc: { [`/proc/sys/net/ipv4/conf/${device}/forwarding`]: '1' } });

    bandwidth.release(call({}), machine);

    expect(machine.log).toEqual([`host: ip -force -batch -\nlink del dev ${device}`]);
  });

  test('starts no process where there is none', () => {
    const machine = scriptMachine();

    bandwidth.release(call(), machine);

    expect(machine.log).toEqual([]);
  });
});

describe('GC', () => {
  const links = JSON.stringify([
    { ifname: 'ifb1', ifalias: 'fairlead/net/c1/eth0' },
    { ifname: 'ifb2', ifalias: 'fairlead/net/c2/eth0' },
    { ifname: 'ifb3', ifalias: 'fairlead/other/c3/eth0' },
    { ifname: 'ifb4' },
  ]);
  const gc = (conf: object) => {
    const machine = scriptMachine({
      answer: ({ args }) => (args.includes('show') ? { stdout: links } : undefined),
    });
    bandwidth.collect(call(conf), machine);
    return machine.log.filter((line) => line.includes('del'));
  };

  test('removes the devices of attachments of this network that are not valid', () => {
    const removed = gc({ 'cni.dev/valid-attachments': [{ containerID: 'c1', ifname: 'eth0' }] });

    expect(removed).toEqual(['host: ip -force -batch -\nlink del dev ifb2']);
  });

  test('removes none where the runtime does not say which are valid', () => {
    expect(gc({})).toEqual([]);
  });
});
