import { existsSync } from 'node:fs';
import { type ConfigFile, readConfigFile, readConfigFiles } from '../managers/config-files.ts';

/** A service of the host that takes everybody's tables away when it loads its own. */
export type Flusher = { readonly unit: string; readonly file: string };

/** Where distributions have the configuration that nftables.service loads. */
const configurations = ['/etc/nftables.conf', '/etc/sysconfig/nftables.conf'];

const includes = '/etc/nftables.d';

/** Which of them are there, and are started with the host. */
export function observeFlushers(): readonly Flusher[] {
  if (!isEnabled('nftables.service')) return [];
  const files = [...configurations.flatMap(readConfigFile), ...readConfigFiles([includes], '.nft')];
  return files.filter(flushesAll).map(({ path }) => ({ unit: 'nftables.service', file: path }));
}

/** As `systemctl enable` leaves it, which can be seen where systemd does not run, too. */
function isEnabled(unit: string): boolean {
  const wants = ['sysinit', 'basic', 'multi-user', 'network-pre'].map((target) => `${target}.target.wants`);
  return wants.some((directory) => existsSync(`/etc/systemd/system/${directory}/${unit}`));
}

function flushesAll({ text }: ConfigFile): boolean {
  return /^\s*(?:nft\s+)?flush\s+ruleset\s*;?\s*(?:#.*)?$/m.test(text);
}
