import type { AttachmentKey, AttachmentRecord } from './attachment.ts';
import type { Statements } from './database.ts';
import { shortContainerId, toHashedLabel, toLabel, toNetworkLabel } from './label.ts';

/**
 * The labels under which an attachment is found: where another name has taken one, it ends with a hash; and so it does
 * while others of the same name still bear the hash.
 */
export function findPlace(
  database: Statements,
  { network, containerId }: AttachmentKey,
): Pick<AttachmentRecord, 'networkLabel' | 'host'> {
  const networkLabel = chooseLabel(network, toNetworkLabel(network), (label) => {
    const found = database.first('SELECT network FROM attachments WHERE network_label = ? LIMIT 1', label);
    return found?.network;
  });
  const host = chooseLabel(containerId, toLabel(shortContainerId(containerId)), (label) => {
    const found = database.first(
      'SELECT container FROM attachments WHERE network_label = ? AND host = ? LIMIT 1',
      networkLabel,
      label,
    );
    return found?.container;
  });
  return { networkLabel, host };
}

/** Names that differ in capitals only are one name. */
export function findServiceLabel(database: Statements, namespace: string, name: string): string {
  return chooseLabel(name.toLowerCase(), toLabel(name), (label) => {
    const found = database.first(
      'SELECT service_name FROM instances WHERE namespace = ? AND service = ? LIMIT 1',
      namespace,
      label,
    );
    return found === undefined ? undefined : String(found.service_name).toLowerCase();
  });
}

/** The plain label, if it is free or the name's own already; otherwise, or while that is in use, the one with the hash. */
function chooseLabel(name: string, plain: string, holderOf: (label: string) => unknown): string {
  const hashed = toHashedLabel(name);
  const holder = holderOf(plain);
  const isFree = holder === undefined ? holderOf(hashed) !== name : holder === name;
  return isFree ? plain : hashed;
}
