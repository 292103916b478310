import { expect, test } from 'vitest';
import { dualConf } from '../support/confs.ts';
import { observeState } from '../support/kernel.ts';
import { leftovers, nothing } from '../support/leftovers.ts';
import { type Conf, Rig } from '../support/rig.ts';
import { type Fault, shadowTools, type ToolCall } from '../support/shadow.ts';

/** A network whose ADD needs every tool, with routes of both families. */
function fullConf(rig: Rig): Conf {
  return dualConf(rig, { ipMasq: true, macspoofchk: true, ipspoofchk: true, hairpinMode: true });
}

/** Whether the host is as a new one, or has a container of the same network already. */
type Host = { readonly conf: Conf; readonly isUsed: boolean };

async function prepare(rig: Rig, isUsed: boolean): Promise<Host> {
  const conf = fullConf(rig);
  if (isUsed) await rig.add(conf, await rig.container());
  return { conf, isUsed };
}

/** The tools' calls of a verb that nothing disturbs. */
async function recordCalls(verb: 'ADD' | 'DEL', isUsed: boolean): Promise<readonly ToolCall[]> {
  await using rig = await Rig.create();
  const shadow = shadowTools(rig);
  const { conf } = await prepare(rig, isUsed);
  const container = await rig.container();
  if (verb === 'DEL') await rig.add(conf, container);
  await rig.cni(verb, conf, container, { env: shadow.env });
  return shadow.calls();
}

/** Every fault of every call. An nft that fails has done nothing: its script is one transaction. */
function faultsOf(calls: readonly ToolCall[]): readonly { call: number; fault: Fault }[] {
  return calls.flatMap(({ tool, args, lines }, at) => {
    const faults: Fault[] = ['before', 'killed'];
    if (tool === 'ip') faults.push('after');
    if (args === '-batch -') {
      for (let afterLines = 0; afterLines < lines; afterLines++) faults.push({ afterLines });
    }
    return faults.map((fault) => ({ call: at + 1, fault }));
  });
}

async function stateOf(rig: Rig, container: string): Promise<object> {
  return {
    host: await observeState(rig.host),
    container: await observeState(container),
    leases: rig.leases(),
  };
}

/** One ADD with a fault, and the states before and after. An ADD that overcame the fault must stand a CHECK. */
async function addWithFault(isUsed: boolean, call: number, fault: Fault) {
  await using rig = await Rig.create();
  const shadow = shadowTools(rig);
  const { conf } = await prepare(rig, isUsed);
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

test.each([
  ['a new host', false],
  ['a host with a container of the network', true],
])('an ADD that fails at any step of any process undoes all of it: %s', async (_, isUsed) => {
  const calls = await recordCalls('ADD', isUsed);
  const faults = faultsOf(calls);
  let failures = 0;

  for (const { call, fault } of faults) {
    const { hasFailed, isSound, before, after } = await addWithFault(isUsed, call, fault);
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
  const { conf } = await prepare(rig, false);
  const container = await rig.container();
  const calls = await recordCalls('ADD', false);
  shadow.failAt(calls.length, 'before');
  const failed = await rig.cni('ADD', conf, container, { env: shadow.env });

  const next = await rig.cni('ADD', conf, container);

  expect([failed.status, next.status]).toEqual([1, 0]);
});

/** One DEL with a fault, and the DEL that the runtime calls if that one has failed. */
async function delWithFault(call: number, fault: Fault) {
  await using rig = await Rig.create();
  const shadow = shadowTools(rig);
  const { conf } = await prepare(rig, false);
  const container = await rig.container();
  await rig.add(conf, container);
  shadow.failAt(call, fault);
  const { status, error } = await rig.cni('DEL', conf, container, { env: shadow.env });
  const again = status === 0 ? undefined : (await rig.cni('DEL', conf, container)).status;
  return { first: error?.code ?? status, again: again ?? 0, left: await leftovers(rig) };
}

test('a DEL that fails at any process says so or does without; then, or after the next DEL, nothing is left', async () => {
  const calls = await recordCalls('DEL', false);
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
