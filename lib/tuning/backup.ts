import { Fields } from '../cni/fields.ts';
import type { AttachmentId } from '../cni/invocation.ts';
import { CniError } from '../errors/cni-error.ts';
import { parseMac } from '../net/mac.ts';
import { type LinkSettings, noSettings } from './settings.ts';

/** What DEL puts back of an interface, and whose it is. */
export type Backup = {
  readonly settings: LinkSettings;
  /** Absent from what the reference has written. */
  readonly network: string | undefined;
};

/** The file of an attachment's backup, as the reference names it. */
export function backupPath(dir: string, { containerId, ifName }: AttachmentId): string {
  return `${dir}/${containerId}_${ifName}.json`;
}

/** In the reference's form, with the network's name beside it, by which GC knows ours. */
export function renderBackup(
  { mac, mtu, promiscuous, allMulticast, txQueueLength }: LinkSettings,
  network: string,
): string {
  return JSON.stringify({
    mac,
    promisc: promiscuous,
    mtu,
    allmulti: allMulticast,
    txQLen: txQueueLength,
    network,
  });
}

/** Undefined for what no plugin has written whole: a file that was cut off must not keep a container from going. */
export function parseBackup(text: string): Backup | undefined {
  try {
    const fields = new Fields(JSON.parse(text), 'the backup');
    return { settings: parseSettings(fields), network: fields.string('network') };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof CniError) return undefined;
    throw error;
  }
}

function parseSettings(fields: Fields): LinkSettings {
  return {
    ...noSettings,
    mac: fields.parsed('mac', 'a MAC', parseMac),
    mtu: fields.integer('mtu', { min: 0, max: 4_294_967_295 }) || undefined,
    promiscuous: fields.boolean('promisc'),
    allMulticast: fields.boolean('allmulti'),
    txQueueLength: fields.integer('txQLen', { min: 0, max: 4_294_967_295 }),
  };
}
