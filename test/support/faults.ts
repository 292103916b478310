import { observeState } from './kernel.ts';
import type { Conf, Rig } from './rig.ts';
import { type Fault, shadowTools, type ToolCall } from './shadow.ts';

/** A plugin on hosts of its own, one for each fault. */
export type FaultyPlugin = {
  readonly createHost: () => Promise<Rig>;
  /** A network whose ADD needs every tool. */
  readonly confOf: (rig: Rig) => Conf;
  /** What of the host's state may differ after an ADD that was undone. */
  readonly withoutWhatStays: (state: HostState) => object;
};

type HostState = Awaited<ReturnType<typeof observeState>>;

/** One fault of one call, counted from 1. */
export type PlacedFault = { readonly call: number; readonly fault: Fault };

/** Every fault of every call. An nft that fails has done nothing: its script is one transaction. */
export function faultsOf(calls: readonly ToolCall[]): readonly PlacedFault[] {
  return calls.flatMap(({ tool, args, lines }, at) => {
    const faults: Fault[] = ['before', 'killed'];
    if (tool === 'ip') faults.push('after');
    if (args === '-batch -') {
      for (let afterLines = 0; afterLines < lines; afterLines++) faults.push({ afterLines });
    }
    return faults.map((fault) => ({ call: at + 1, fault }));
  });
}

/** A host that is as a new one, or has a container of the same network already. */
export async function prepareHost({ confOf }: FaultyPlugin, rig: Rig, isUsed: boolean): Promise<Conf> {
  const conf = confOf(rig);
  if (isUsed) await rig.add(conf, await rig.container());
  return conf;
}

/** The tools' calls of a verb that nothing disturbs. */
export async function recordCalls(
  plugin: FaultyPlugin,
  verb: 'ADD' | 'DEL',
  isUsed: boolean,
): Promise<readonly ToolCall[]> {
  await using rig = await plugin.createHost();
  const shadow = shadowTools(rig);
  const conf = await prepareHost(plugin, rig, isUsed);
  const container = await rig.container();
  if (verb === 'DEL') await rig.add(conf, container);
  await rig.cni(verb, conf, container, { env: shadow.env });
  return shadow.calls();
}

/** One ADD with a fault, and the states before and after. An ADD that overcame the fault must stand a CHECK. */
export async function addWithFault(plugin: FaultyPlugin, isUsed: boolean, { call, fault }: PlacedFault) {
  await using rig = await plugin.createHost();
  const shadow = shadowTools(rig);
  const conf = await prepareHost(plugin, rig, isUsed);
  const container = await rig.container();
  const stateOf = async () => ({
    host: plugin.withoutWhatStays(await observeState(rig.host)),
    container: await observeState(container),
    leases: rig.leases(),
  });
  const before = await stateOf();
  shadow.failAt(call, fault);
  const { status, result, error, stderr } = await rig.cni('ADD', conf, container, { env: shadow.env });
  if (status !== 0) {
    const isSound = typeof error?.code === 'number' && stderr === '';
    return { hasFailed: true, isSound, before, after: await stateOf() };
  }
  const check = await rig.cni('CHECK', { ...conf, prevResult: result }, container);
  return { hasFailed: false, isSound: check.status === 0, before, after: before };
}
