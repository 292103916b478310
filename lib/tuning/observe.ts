import { inquire, outputOf } from '../exec/inquiry.ts';
import { hasInterface, type Machine } from '../exec/machine.ts';
import { type Json, listOf, parseObjects, textOf } from '../iproute/json.ts';
import type { IfName } from '../net/ifname.ts';
import { parseMac } from '../net/mac.ts';
import type { LinkSettings } from './settings.ts';

/** How an interface of this thread's namespace is set; undefined where there is none of that name. */
export function observeSettings(machine: Machine, ifName: IfName): LinkSettings | undefined {
  if (!hasInterface(machine, ifName)) return undefined;
  const text = inquire(outputOf('ip', ['-j', 'link', 'show', 'dev', ifName]), machine.run);
  const [link] = parseObjects(text);
  return link === undefined ? undefined : toSettings(link);
}

function toSettings({ address, mtu, flags, txqlen }: Json): LinkSettings {
  return {
    mac: parseMac(textOf(address)),
    mtu: Number(mtu ?? 0),
    promiscuous: listOf(flags).includes('PROMISC'),
    allMulticast: listOf(flags).includes('ALLMULTI'),
    txQueueLength: Number(txqlen ?? 0),
  };
}
