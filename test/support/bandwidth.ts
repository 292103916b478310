import { dualConf } from './confs.ts';
import type { CniResult, Conf, Rig } from './rig.ts';

/** Bits a second. */
export const megabit = 1_000_000;
/** Limits of both directions, with bursts that are soon over. */
export const limits = {
  ingressRate: 20 * megabit,
  ingressBurst: 200_000,
  egressRate: 20 * megabit,
  egressBurst: 200_000,
};

/** A container on a bridge of a test's own, whose bandwidth may be limited. */
export async function attach(rig: Rig, changes: Conf = {}) {
  const container = await rig.container();
  const attached = await rig.add(dualConf(rig, { registry: false, ...changes }), container);
  const chained = (fields: object = limits): Conf => ({
    cniVersion: '1.1.0',
    name: 'net',
    type: 'bandwidth',
    prevResult: attached,
    ...fields,
  });
  return { container, attached, hostEnd: hostEndOf(attached), chained };
}

/** The host's end, as a result names it. */
export function hostEndOf({ interfaces = [] }: CniResult): string {
  return interfaces.find(({ name }) => name.startsWith('veth'))?.name ?? '';
}

/** The name of the device that an ADD has added to the result. */
export function deviceOf({ interfaces = [] }: CniResult): string {
  return interfaces.at(-1)?.name ?? '';
}
