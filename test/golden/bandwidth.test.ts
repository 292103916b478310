import { expect, test } from 'vitest';
import { bandwidth } from '../../lib/bandwidth/capability.ts';
import type { IfName } from '../../lib/net/ifname.ts';
import { renderPlan } from '../../lib/plan/render.ts';
import { toCall } from '../support/calls.ts';
import { scriptMachine } from '../support/scripted-machine.ts';

// The exact lines that limits of bandwidth hand to the tools, by whichever door they are asked for.

const ingress = { ingressRate: 20_000_000, ingressBurst: 200_000 };
const egress = { egressRate: 10_000_000, egressBurst: 100_000 };

const cases: Record<string, { readonly conf: object; readonly mtu: number }> = {
  'both ways': { conf: { ...ingress, ...egress }, mtu: 1500 },
  'what comes in': { conf: ingress, mtu: 1500 },
  'what goes out, in jumbo frames, with the smallest burst': {
    conf: { ...egress, egressBurst: 8 },
    mtu: 9000,
  },
  'the burst that containerd asks for': {
    conf: { ingressRate: 1_000_000, ingressBurst: 2 ** 32 - 1 },
    mtu: 1500,
  },
};

test.each(Object.entries(cases))('%s', async (name, { conf, mtu }) => {
  const { attachment, conf: parsed } = toCall({ type: 'bandwidth', ...conf });
  const hostEnd = 'veth1' as IfName;
  const endpoint = { network: 'net', attachment, hostEnd, bridge: undefined, mac: undefined, mtu, ips: [] };

  const plan = bandwidth.open(parsed)?.steps(endpoint, scriptMachine()) ?? [];

  await expect(`${renderPlan(plan)}\n`).toMatchFileSnapshot(`expected/bandwidth, ${name}.txt`);
});
