import { expect, test } from 'vitest';
import { writeShare } from '../../lib/blocks/share/share-file.ts';
import { renderPlan } from '../../lib/plan/render.ts';
import { sourceCheckChain } from '../../lib/point-to-point/source-check.ts';
import { inetTable } from '../../lib/rules/tables.ts';
import { routed } from '../../plugins/routed/plugin.ts';
import { explainOn, shareOf } from '../support/point-to-point.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

// The exact lines that an ADD of routed hands to the tools: the text of `fairlead explain`.

const v4 = [{ subnet: '10.50.0.0/26' }];
const v6 = [{ subnet: 'fd00:50::/122' }];

const cases: Record<string, object> = {
  IPv4: { ipam: { ranges: [v4] } },
  IPv6: { ipam: { ranges: [v6] } },
  'both families with a requested MAC': {
    ipam: { ranges: [v4, v6] },
    runtimeConfig: { mac: '02:11:22:33:44:55' },
  },
  'routes of its own and masquerade': {
    ipMasq: true,
    unmasqueraded: ['10.0.0.0/8'],
    ipam: { ranges: [v4], routes: [{ dst: '10.0.0.0/8' }] },
  },
};

test.each(Object.entries(cases))('%s', async (name, conf) => {
  const { plan } = explainOn(routed, conf);

  await expect(`${renderPlan(plan)}\n`).toMatchFileSnapshot(`expected/routed, ${name}.txt`);
});

test('addresses of the blocks of this host', async () => {
  using dir = temporaryDirectory();
  const blocksFile = `${dir.path}/blocks.json`;
  writeShare(
    blocksFile,
    shareOf(`${dir.path}/networks`, ['10.50.0.64', '10.50.0.127'], ['fd00:50::40', 'fd00:50::7f']),
  );

  const { plan } = explainOn(routed, { blocksFile });

  await expect(`${renderPlan(plan)}\n`).toMatchFileSnapshot(
    'expected/routed, addresses of the blocks of this host.txt',
  );
});

test('what stands is not written again', async () => {
  const nftables = sourceCheckChain.rules.map(({ comment }) => ({
    rule: { family: inetTable.family, table: inetTable.name, chain: sourceCheckChain.chain, comment },
  }));

  const { plan } = explainOn(routed, { ipam: { ranges: [v4] } }, { nftables, forwards: true });

  await expect(`${renderPlan(plan)}\n`).toMatchFileSnapshot(
    'expected/routed, what stands is not written again.txt',
  );
});
