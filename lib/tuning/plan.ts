import type { IfName } from '../net/ifname.ts';
import type { IpOperation, Step } from '../plan/operation.ts';
import { type LinkSettings, noSettings, settingNames } from './settings.ts';

/** What brings an interface to its settings. */
export function settingOperations(
  name: IfName,
  { mac, mtu, promiscuous, allMulticast, txQueueLength }: LinkSettings,
): readonly IpOperation[] {
  return [
    ...(mac === undefined ? [] : [{ kind: 'set-mac', name, mac } as const]),
    ...(promiscuous === undefined
      ? []
      : [{ kind: promiscuous ? 'set-promiscuous' : 'unset-promiscuous', name } as const]),
    ...(mtu === undefined ? [] : [{ kind: 'set-mtu', name, mtu } as const]),
    ...(allMulticast === undefined
      ? []
      : [{ kind: allMulticast ? 'set-allmulticast' : 'unset-allmulticast', name } as const]),
    ...(txQueueLength === undefined
      ? []
      : [{ kind: 'set-tx-queue-length', name, length: txQueueLength } as const]),
  ];
}

/** Of what was found, what the wish is going to change: as much as there is to put back. */
export function replacedBy(wish: LinkSettings, found: LinkSettings): LinkSettings {
  return {
    mac: wish.mac && found.mac,
    mtu: wish.mtu && found.mtu,
    promiscuous: wish.promiscuous === undefined ? undefined : found.promiscuous,
    allMulticast: wish.allMulticast === undefined ? undefined : found.allMulticast,
    txQueueLength: wish.txQueueLength === undefined ? undefined : found.txQueueLength,
  };
}

/**
 * Sets an interface, and puts back what was found if the ADD fails.
 * @param found how it was; undefined where the interface goes then
 */
export function planSettings(
  name: IfName,
  wish: LinkSettings,
  found: LinkSettings | undefined,
): readonly Step[] {
  const replaced = found === undefined ? noSettings : replacedBy(wish, found);
  return settingNames.flatMap((setting) => {
    const [undo] = settingOperations(name, only(replaced, setting));
    return settingOperations(name, only(wish, setting)).map(
      (operation): Step => ({ place: 'container', operation, ...(undo === undefined ? {} : { undo }) }),
    );
  });
}

function only(settings: LinkSettings, setting: keyof LinkSettings): LinkSettings {
  return { ...noSettings, [setting]: settings[setting] };
}
