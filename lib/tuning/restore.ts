import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { isContainerNetns } from '../attach/netns.ts';
import type { AttachmentCall, NetworkCall } from '../cni/dispatch.ts';
import type { Attachment } from '../cni/invocation.ts';
import { parseValidAttachments } from '../cni/netconf.ts';
import { ifExists, onFiles } from '../errors/system-error.ts';
import { hasInterface, type Machine } from '../exec/machine.ts';
import { runBatch } from '../exec/tool.ts';
import { backupPath, parseBackup } from './backup.ts';
import { isChained, parseBackupDir } from './config.ts';
import { settingOperations } from './plan.ts';
import type { LinkSettings } from './settings.ts';

/**
 * Puts an interface back to what it was before it was tuned, by its backup, ours or the reference's. Where the interface
 * or its namespace has gone, only the backup is left to go.
 * @throws CniError where the interface does not take it; the backup stays for the next DEL
 */
export function restoreSettings({ conf, attachment }: AttachmentCall, machine: Machine): void {
  if (!isChained(conf)) return;
  const path = backupPath(parseBackupDir(conf), attachment);
  const text = read(path);
  if (text === undefined) return;
  const backup = parseBackup(text);
  if (backup !== undefined) putBack(attachment, backup.settings, machine);
  remove(path);
}

function putBack({ netns, ifName }: Attachment, settings: LinkSettings, machine: Machine): void {
  if (!isContainerNetns(netns, machine)) return;
  const operations = settingOperations(ifName, settings);
  machine.inNetns(netns, () => {
    if (!hasInterface(machine, ifName)) return;
    try {
      runBatch({ place: 'container', tool: 'ip', operations }, machine, true);
    } catch (error) {
      if (hasInterface(machine, ifName)) throw error;
    }
  });
}

/**
 * Removes the backups of a network's attachments that are not valid any more; those of the reference do not tell their
 * network, and stay.
 * @throws CniError
 */
export function removeStaleBackups({ conf }: NetworkCall): void {
  const attachments = parseValidAttachments(conf);
  if (!isChained(conf) || attachments === undefined) return;
  const dir = parseBackupDir(conf);
  const valid = new Set(attachments.map((attachment) => backupPath(dir, attachment)));
  const paths = (onFiles(`reading ${dir}`, () => ifExists(() => readdirSync(dir))) ?? [])
    .filter((name) => name.endsWith('.json'))
    .map((name) => `${dir}/${name}`);
  for (const path of paths) {
    if (!valid.has(path) && parseBackup(read(path) ?? '')?.network === conf.name) remove(path);
  }
}

function read(path: string): string | undefined {
  return onFiles(`reading ${path}`, () => ifExists(() => readFileSync(path, 'utf8')));
}

function remove(path: string): void {
  onFiles(`removing ${path}`, () => rmSync(path, { force: true }));
}
