import { CniError, ErrorCode } from '../errors/cni-error.ts';
import type { AttachmentKey, Registration } from './attachment.ts';
import type { Statements } from './database.ts';

/** For how long a DEL is remembered, in microseconds: no ADD takes that long. */
const tombstoneUs = 600_000_000;

/** That the attachment was deleted, until no ADD can be under way any more; of several DELs the last counts. */
export function rememberDeparture(
  database: Statements,
  { network, containerId, ifName }: AttachmentKey,
  { atUs, bootId }: { readonly atUs: number; readonly bootId: string },
): void {
  database.run(
    `INSERT INTO attachments VALUES (?, ?, ?, NULL, NULL, ?, ?, NULL, NULL)
     ON CONFLICT DO UPDATE SET gone_at_us = max(coalesce(gone_at_us, 0), excluded.gone_at_us),
       network_label = NULL, host = NULL, gateways = NULL, record = NULL, boot = excluded.boot`,
    network,
    containerId,
    ifName,
    bootId,
    atUs,
  );
  database.run('DELETE FROM attachments WHERE gone_at_us < ?', atUs - tombstoneUs);
}

/** What is dead without a DEL refuses no ADD: whoever is attached under the same key now is another. */
export function forgetAttachment(
  database: Statements,
  { network, containerId, ifName }: AttachmentKey,
): void {
  database.run(
    'DELETE FROM attachments WHERE network = ? AND container = ? AND ifname = ?',
    network,
    containerId,
    ifName,
  );
}

/**
 * An ADD that was overtaken by its own DEL must not bring the container back.
 * @throws CniError code 11
 */
export function refuseLate(
  database: Statements,
  { network, containerId, ifName, startedAtUs }: Registration,
): void {
  const found = database.first(
    'SELECT gone_at_us FROM attachments WHERE network = ? AND container = ? AND ifname = ?',
    network,
    containerId,
    ifName,
  );
  if (Number(found?.gone_at_us ?? 0) <= startedAtUs) return;
  throw new CniError(
    ErrorCode.tryAgainLater,
    `container ${containerId} interface ${ifName}: a DEL has begun after this ADD; ADD it again if it is to live`,
  );
}
