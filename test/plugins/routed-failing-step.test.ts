import { expect, test } from 'vitest';
import { addWithFault, type FaultyPlugin, faultsOf, recordCalls } from '../support/faults.ts';
import { leftovers, nothing } from '../support/leftovers.ts';
import type { Conf, Rig } from '../support/rig.ts';
import { routedConf, routedHost } from '../support/routed.ts';
import { shadowTools } from '../support/shadow.ts';

/** A network whose ADD needs every tool. */
const fullConf = (rig: Rig): Conf => routedConf(rig, { ipMasq: true });

const plugin: FaultyPlugin = {
  createHost: () => routedHost(),
  confOf: fullConf,
  // The host's own gateway address stays.
  withoutWhatStays: ({ links, ...host }) => ({
    ...host,
    links: links.filter((link) => !JSON.stringify(link).includes('"ifname":"lo"')),
  }),
};

test('an ADD starts two `ip`, and `nft` only to look where its rules stand', async () => {
  await using rig = await routedHost();
  const shadow = shadowTools(rig);
  const conf = fullConf(rig);
  await rig.add(conf, await rig.container());

  await rig.add(conf, await rig.container(), { env: shadow.env });

  const calls = shadow.calls().map(({ tool, args }) => `${tool} ${args}`);
  expect(calls).toEqual(['nft -j -t list table inet fairlead', 'ip -batch -', 'ip -batch -']);
});

test('a DEL starts no `nft`', async () => {
  await using rig = await routedHost();
  const shadow = shadowTools(rig);
  const container = await rig.container();
  await rig.add(fullConf(rig), container);

  await rig.del(fullConf(rig), container, { env: shadow.env });

  expect(shadow.calls().map(({ tool }) => tool)).toEqual(['ip']);
});

test.each([
  ['a new host', false],
  ['a host with a container of the network', true],
])('an ADD that fails at any step of any process undoes all of it: %s', async (_, isUsed) => {
  const calls = await recordCalls(plugin, 'ADD', isUsed);
  const faults = faultsOf(calls);
  let failures = 0;

  for (const { call, fault } of faults) {
    const { hasFailed, isSound, before, after } = await addWithFault(plugin, isUsed, { call, fault });
    const where = `${calls[call - 1]?.tool} (call ${call}), ${JSON.stringify(fault)}`;
    if (hasFailed) failures++;
    expect(isSound, where).toBe(true);
    expect(after, where).toEqual(before);
  }

  expect(failures).toBeGreaterThan(faults.length / 2);
});

test('a DEL that fails says so; then, or after the next DEL, nothing is left', async () => {
  for (const fault of ['before', 'killed', 'after'] as const) {
    await using rig = await routedHost();
    const shadow = shadowTools(rig);
    const container = await rig.container();
    await rig.add(fullConf(rig), container);
    shadow.failAt(1, fault);

    const first = await rig.cni('DEL', fullConf(rig), container, { env: shadow.env });
    if (first.status !== 0) await rig.del(fullConf(rig), container);

    expect(await leftovers(rig), fault).toEqual(nothing);
  }
});
