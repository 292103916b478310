import type { Mac } from '../net/mac.ts';

/** What tuning sets of an interface; undefined for what is left as it is. */
export type LinkSettings = {
  readonly mac: Mac | undefined;
  /** Bytes. */
  readonly mtu: number | undefined;
  readonly promiscuous: boolean | undefined;
  readonly allMulticast: boolean | undefined;
  /** Packets. */
  readonly txQueueLength: number | undefined;
};

/** Nothing is set. */
export const noSettings: LinkSettings = {
  mac: undefined,
  mtu: undefined,
  promiscuous: undefined,
  allMulticast: undefined,
  txQueueLength: undefined,
};

/** Whether anything is set. */
export function isAnySet(settings: LinkSettings): boolean {
  return Object.values(settings).some((value) => value !== undefined);
}

/** Every setting, in the order in which they are made. */
export const settingNames = Object.keys(noSettings) as readonly (keyof LinkSettings)[];
