import { CniError, ErrorCode } from '../errors/cni-error.ts';
import type { AttachmentKey, Registration } from './attachment.ts';
import type { Statements } from './database.ts';

/** For how long what has gone is remembered, in microseconds: a runtime that repeats a DEL renews it. */
const rememberedUs = 3_600_000_000;

/** How an attachment went: when, in which boot, and which calls come too late from then on. */
export type Departure = {
  readonly atUs: number;
  readonly bootId: string;
  /** Calls that began before this are late; 0 where nothing was asked for, but the container was found dead. */
  readonly sinceUs: number;
};

/**
 * That the attachment has gone. It is remembered for a while, so that neither a late ADD nor a restoring agent brings it
 * back.
 */
export function rememberDeparture(
  database: Statements,
  { network, containerId, ifName }: AttachmentKey,
  { atUs, bootId, sinceUs }: Departure,
): void {
  database.run(
    'INSERT OR REPLACE INTO attachments VALUES (?, ?, ?, NULL, NULL, ?, ?, ?, NULL, NULL)',
    network,
    containerId,
    ifName,
    bootId,
    sinceUs,
    atUs,
  );
  database.run('DELETE FROM attachments WHERE gone_at_us < ?', atUs - rememberedUs);
}

/** Whether a call that began at this time is overtaken by one that began later and has ended before it. */
export function isLate(
  database: Statements,
  { network, containerId, ifName }: AttachmentKey,
  startedAtUs: number,
): boolean {
  const found = database.first(
    'SELECT since_us FROM attachments WHERE network = ? AND container = ? AND ifname = ?',
    network,
    containerId,
    ifName,
  );
  return Number(found?.since_us ?? 0) > startedAtUs;
}

/**
 * An ADD that was overtaken by its own DEL, or by a later ADD, must not bring back what it has made.
 * @throws CniError code 11
 */
export function refuseLate(database: Statements, registration: Registration): void {
  if (!isLate(database, registration, registration.startedAtUs)) return;
  const { containerId, ifName } = registration;
  throw new CniError(
    ErrorCode.tryAgainLater,
    `container ${containerId} interface ${ifName}: a DEL or another ADD has begun after this one; ADD it again if it is to live`,
  );
}
