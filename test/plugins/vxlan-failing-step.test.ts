import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Host } from '../support/cluster-host.ts';
import { linkNames } from '../support/kernel.ts';
import { mustInside, tryInside } from '../support/process.ts';
import type { Conf } from '../support/rig.ts';
import { type Fault, type Shadow, shadowTools, type ToolCall } from '../support/shadow.ts';
import { createStaticHosts, staticConf } from '../support/static-overlay.ts';

test('a first ADD that fails at any process leaves nothing of the attachment, and the next one is whole', async () => {
  await using cluster = await createStaticHosts();
  const [one, two] = cluster.hosts;
  const conf = staticConf(one, [two]);
  const shadow = shadowTools(one.rig);
  await one.attach(conf, { env: shadow.env });
  const calls = shadow.calls();
  const outcomes: Record<string, object> = {};

  for (const { call, fault } of faultsOf(calls)) {
    await forgetOverlay(one);
    shadow.failAt(call, fault);
    const where = `${calls[call - 1]?.tool} (call ${call}), ${JSON.stringify(fault)}`;
    outcomes[where] = await addWithFault(one, conf, shadow.env);
  }

  expect(new Set(calls.map(({ tool }) => tool))).toEqual(new Set(['ip', 'bridge', 'nft']));
  const wanted = Object.keys(outcomes).map((where) => [where, { left: [], leases: {}, check: '' }]);
  expect(outcomes).toEqual(Object.fromEntries(wanted));
});

/** Every call fails, and every batch in its middle; with SOAK=1 after each of its lines. */
function faultsOf(calls: readonly ToolCall[]): readonly { call: number; fault: Fault }[] {
  return calls.flatMap(({ args, lines }, at) => {
    const counts = Array.from({ length: lines }, (_, line) => line + 1);
    const partial = process.env.SOAK === '1' ? counts : counts.slice(lines >> 1, (lines >> 1) + 1);
    const inBatch = args === '-batch -' ? partial.map((afterLines): Fault => ({ afterLines })) : [];
    return (['before', ...inBatch] as const).map((fault) => ({ call: at + 1, fault }));
  });
}

/** The host as it was before its first container. */
async function forgetOverlay({ netns, rig }: Host): Promise<void> {
  for (const link of await linkNames(netns))
    if (link !== 'eth0') await tryInside(netns, 'ip', 'link', 'del', link);
  await mustInside(netns, 'nft', 'flush', 'ruleset');
  rmSync(rig.dataDir, { recursive: true });
}

/** What is left of the container when its ADD has failed, and what CHECK says after the next one. */
async function addWithFault({ netns, rig }: Host, conf: Conf, env: Shadow['env']): Promise<object> {
  const container = await rig.container();
  const { result } = await rig.cni('ADD', conf, container, { env });
  const left =
    result === undefined ? (await linkNames(netns)).filter((name) => /^(cni|veth)/.test(name)) : [];
  const leases = result === undefined ? rig.leases('overlay') : {};
  const prevResult = result ?? (await rig.add(conf, container));
  const { stdout: check } = await rig.cni('CHECK', { ...conf, prevResult }, container);
  return { left, leases, check };
}
