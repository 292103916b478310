import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, type Host, overlayPrefix } from './cluster.ts';
import { compareEntries, type NamedLease, observeOverlay, overlayOf } from './overlay-state.ts';
import { inside, must } from './process.ts';
import { until } from './until.ts';

// Leases of hosts that are not there: their keys, such as flanneld writes them, and nothing behind them.

/** The lease of host `number`, 1 to 254, in 10.5.0.0/16; another generation of it has another address and MAC. */
export function simulatedLease(number: number, generation = 0): NamedLease {
  const digits = [generation, number].map((each) => each.toString(16).padStart(2, '0')).join(':');
  return {
    name: `10.5.${number}.0-24`,
    PublicIP: `198.18.${generation}.${number}`,
    BackendData: { VtepMAC: `02:00:00:00:${digits}` },
  };
}

/** What is written, and what is deleted, by the last parts of the keys. */
export type LeaseChange = { readonly put: readonly NamedLease[]; readonly del: readonly string[] };

/** Carries a change out at once, as far as a transaction of etcd can be so long. */
export async function changeLeases(cluster: Cluster, { put, del }: LeaseChange): Promise<void> {
  const lines = [
    ...del.map((name) => `del ${keyOf(name)}`),
    ...put.map((lease) => `put ${keyOf(lease.name)} ${JSON.stringify(textOf(lease))}`),
  ];
  for (let at = 0; at < lines.length; at += longestTransaction)
    await commit(cluster, lines.slice(at, at + longestTransaction));
}

/** etcd's limit is 128 unless it is told another. */
const longestTransaction = 128;

/** `etcdctl txn` reads conditions, what to do if they hold and what if not, with an empty line after each; texts as in Go. */
async function commit({ etcd }: Cluster, lines: readonly string[]): Promise<void> {
  const [member] = etcd.members;
  const etcdctl = ['etcdctl', `--endpoints=${member?.endpoint}`, 'txn'];
  await must('nsenter', inside(member?.netns ?? '', ...etcdctl), `\n${lines.join('\n')}\n\n\n`);
}

function keyOf(name: string): string {
  return `${overlayPrefix}/subnets/${name}`;
}

function textOf({ name: _, BackendData, ...lease }: NamedLease): string {
  return JSON.stringify({ ...lease, BackendType: 'vxlan', BackendData: { VNI: 1, ...BackendData } });
}

/** The lease that etcd has of a host, which must have one. */
export async function leaseOf(cluster: Cluster, { address, number }: Host): Promise<NamedLease> {
  const found = Object.entries(await cluster.leases()).find(([, { PublicIP }]) => PublicIP === address);
  if (found === undefined) throw new Error(`etcd has no lease of host ${number}`);
  const [name, lease] = found;
  return { ...lease, name };
}

/** Resolves when a host's kernel leads to the hosts with these leases, and to nobody else. */
export async function leadsTo(cluster: Cluster, host: Host, leases: readonly NamedLease[]): Promise<void> {
  await until(() => host.subnet().FLANNEL_MTU !== undefined, 'a lease');
  const wanted = overlayOf(await leaseOf(cluster, host), leases);
  let differences: readonly string[] = [];
  await until(
    async () => {
      // Who is waited for shall not have to wait for the looking.
      await sleep(60);
      differences = compareEntries(await observeOverlay(host.netns), wanted);
      return differences.length === 0;
    },
    'the kernel to follow the leases; it ',
    () => differences.slice(0, 10).join('\n'),
  );
}
