import { expect, test } from 'vitest';
import { dualConf } from '../support/confs.ts';
import { addWithFault, type FaultyPlugin, faultsOf, prepareHost, recordCalls } from '../support/faults.ts';
import { leftovers, nothing } from '../support/leftovers.ts';
import { Rig } from '../support/rig.ts';
import { type Fault, shadowTools } from '../support/shadow.ts';

const plugin: FaultyPlugin = {
  createHost: () => Rig.create(),
  // With routes of both families.
  confOf: (rig) => dualConf(rig, { ipMasq: true, macspoofchk: true, ipspoofchk: true, hairpinMode: true }),
  withoutWhatStays: (state) => state,
};

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

  // Looks (`ip -j`, `nft -j list`) may fail without harm; no operation may.
  expect(calls.filter(({ args }) => args === '-batch -').length).toBeGreaterThanOrEqual(2);
  expect(failures).toBeGreaterThan(faults.length / 2);
});

test('after an ADD that failed the next one succeeds without a DEL', async () => {
  await using rig = await Rig.create();
  const shadow = shadowTools(rig);
  const conf = await prepareHost(plugin, rig, false);
  const container = await rig.container();
  const calls = await recordCalls(plugin, 'ADD', false);
  shadow.failAt(calls.length, 'before');
  const failed = await rig.cni('ADD', conf, container, { env: shadow.env });

  const next = await rig.cni('ADD', conf, container);

  expect([failed.status, next.status]).toEqual([1, 0]);
});

/** One DEL with a fault, and the DEL that the runtime calls if that one has failed. */
async function delWithFault(call: number, fault: Fault) {
  await using rig = await Rig.create();
  const shadow = shadowTools(rig);
  const conf = await prepareHost(plugin, rig, false);
  const container = await rig.container();
  await rig.add(conf, container);
  shadow.failAt(call, fault);
  const { status, error } = await rig.cni('DEL', conf, container, { env: shadow.env });
  const again = status === 0 ? undefined : (await rig.cni('DEL', conf, container)).status;
  return { first: error?.code ?? status, again: again ?? 0, left: await leftovers(rig) };
}

test('a DEL that fails at any process says so or does without; then, or after the next DEL, nothing is left', async () => {
  const calls = await recordCalls(plugin, 'DEL', false);
  const outcomes: Record<string, object> = {};

  for (const { call, fault } of faultsOf(calls)) {
    const { first, again, left } = await delWithFault(call, fault);
    const where = `${calls[call - 1]?.tool} (call ${call}), ${JSON.stringify(fault)}, answered ${first}`;
    outcomes[where] = { again, left };
  }

  expect(calls.length).toBeGreaterThanOrEqual(2);
  const wanted = Object.keys(outcomes).map((where) => [where, { again: 0, left: nothing }]);
  expect(outcomes).toEqual(Object.fromEntries(wanted));
});
