import { existsSync } from 'node:fs';
import { toolPath } from './call.ts';

/** Where Debian's containernetworking-plugins has its executables. */
export const referenceDir = '/usr/lib/cni';

/** Debian's packages of what the two sides and the bench run. */
const packages: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  nft: 'nftables',
  iptables: 'iptables',
  dnsperf: 'dnsperf',
  dnsmasq: 'dnsmasq-base',
};

/**
 * Looks for all that a run needs, before it does anything.
 * @throws Error saying what is missing and how to get it
 */
export function checkRequirements(binDir: string): void {
  const missing = [
    ...(process.getuid?.() === 0
      ? []
      : ['root: it makes network namespaces, and plugins change them. Use: sudo npm run bench']),
    ...missingTools(),
    ...missingPlugins(binDir, ['fairlead', 'bridge', 'host-local'], 'npm run build'),
    ...missingPlugins(referenceDir, ['bridge', 'host-local'], 'apt-get install containernetworking-plugins'),
  ];
  if (missing.length > 0) throw new Error(`needs ${missing.join('\nneeds ')}`);
}

function missingTools(): readonly string[] {
  return Object.entries(packages)
    .filter(([tool]) => !toolPath.split(':').some((dir) => existsSync(`${dir}/${tool}`)))
    .map(([tool, name]) => `${tool}: apt-get install ${name}`);
}

function missingPlugins(dir: string, names: readonly string[], remedy: string): readonly string[] {
  const absent = names.filter((name) => !existsSync(`${dir}/${name}`));
  return absent.length === 0 ? [] : [`${absent.join(', ')} in ${dir}: ${remedy}`];
}
