import { expect, test } from 'vitest';
import { renderPlan } from '../../lib/plan/render.ts';
import { ptp } from '../../plugins/ptp/plugin.ts';
import { explainOn } from '../support/point-to-point.ts';

// The exact lines that an ADD of ptp hands to the tools: the text of `fairlead explain`.

const v4 = [{ subnet: '10.22.0.0/24' }];
const v6 = [{ subnet: 'fd00:22::/64' }];
const both = [{ dst: '0.0.0.0/0' }, { dst: '::/0' }];

const cases: Record<string, object> = {
  IPv4: { ipam: { ranges: [v4], routes: [{ dst: '0.0.0.0/0' }] } },
  IPv6: { ipam: { ranges: [v6], routes: [{ dst: '::/0' }] } },
  'both families with masquerade and an MTU': {
    ipMasq: true,
    mtu: 1400,
    ipam: { ranges: [v4, v6], routes: both },
  },
  'two addresses of one family, checked': {
    ipspoofchk: true,
    ipam: { ranges: [v4, [{ subnet: '10.23.0.0/24' }]], routes: [{ dst: '10.9.0.0/16', gw: '10.22.0.9' }] },
  },
};

test.each(Object.entries(cases))('%s', async (name, conf) => {
  const { plan } = explainOn(ptp, conf);

  await expect(`${renderPlan(plan)}\n`).toMatchFileSnapshot(`expected/ptp, ${name}.txt`);
});
