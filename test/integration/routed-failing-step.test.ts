import { expect, test } from 'vitest';
import { observeState } from '../support/kernel.ts';
import { leftovers, nothing } from '../support/leftovers.ts';
import type { Conf, Rig } from '../support/rig.ts';
import { routedConf, routedHost } from '../support/routed.ts';
import { type Fault, shadowTools, type ToolCall } from '../support/shadow.ts';

/** A network whose ADD needs every tool. */
const fullConf = (rig: Rig): Conf => routedConf(rig, { ipMasq: true });

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
  const calls = await recordAdd(isUsed);
  const faults = faultsOf(calls);
  let failures = 0;

  for (const { call, fault } of faults) {
    const { hasFailed, isSound, before, after } = await addWithFault(isUsed, call, fault);
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

async function prepare(rig: Rig, isUsed: boolean): Promise<Conf> {
  const conf = fullConf(rig);
  if (isUsed) await rig.add(conf, await rig.container());
  return conf;
}

async function recordAdd(isUsed: boolean): Promise<readonly ToolCall[]> {
  await using rig = await routedHost();
  const shadow = shadowTools(rig);
  const conf = await prepare(rig, isUsed);
  await rig.add(conf, await rig.container(), { env: shadow.env });
  return shadow.calls();
}

function faultsOf(calls: readonly ToolCall[]): readonly { call: number; fault: Fault }[] {
  return calls.flatMap(({ args, lines }, at) => {
    const inBatch =
      args === '-batch -' ? Array.from({ length: lines }, (_, line) => ({ afterLines: line })) : [];
    return (['before', 'killed', ...inBatch] as const).map((fault) => ({ call: at + 1, fault }));
  });
}

/** One ADD with a fault, and the states before and after. An ADD that overcame the fault must stand a CHECK. */
async function addWithFault(isUsed: boolean, call: number, fault: Fault) {
  await using rig = await routedHost();
  const shadow = shadowTools(rig);
  const conf = await prepare(rig, isUsed);
  const container = await rig.container();
  const before = await stateOf(rig, container);
  shadow.failAt(call, fault);
  const { status, result, error, stderr } = await rig.cni('ADD', conf, container, { env: shadow.env });
  if (status !== 0) {
    const after = await stateOf(rig, container);
    return { hasFailed: true, isSound: typeof error?.code === 'number' && stderr === '', before, after };
  }
  const check = await rig.cni('CHECK', { ...conf, prevResult: result }, container);
  return { hasFailed: false, isSound: check.status === 0, before, after: before };
}

/** But for the host's own gateway address, which stays. */
async function stateOf(rig: Rig, container: string): Promise<object> {
  const { links, ...host } = await observeState(rig.host);
  const others = links.filter((link) => !JSON.stringify(link).includes('"ifname":"lo"'));
  return { host: { ...host, links: others }, container: await observeState(container), leases: rig.leases() };
}
