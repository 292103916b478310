import { existsSync } from 'node:fs';
import { flanneldPath } from '../../test/support/flanneld.ts';
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
  etcd: 'etcd-server',
  etcdctl: 'etcd-client',
  iperf3: 'iperf3',
  ping: 'iputils-ping',
  dig: 'bind9-dnsutils',
  containerd: 'containerd',
  runc: 'runc',
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
    ...(existsSync(flanneldPath)
      ? []
      : [`flanneld in ${flanneldPath}: scripts/test compiles it there; or name another by FLANNELD`]),
    ...missingPlugins(binDir, ['fairlead', 'bridge', 'host-local', 'vxlan-overlay'], 'npm run build'),
    ...missingPlugins(binDir, ['fairlead-client'], 'npm run build where there is a C compiler (cc)'),
    ...missingPlugins(
      referenceDir,
      ['bridge', 'host-local', 'portmap', 'firewall', 'tuning'],
      'apt-get install containernetworking-plugins',
    ),
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
