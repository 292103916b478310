import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, type Host } from '../../test/support/cluster.ts';
import { changeLeases, simulatedLease } from '../../test/support/overlay-state-crowd.ts';
import { mustInside } from '../../test/support/process.ts';
import { until } from '../../test/support/until.ts';
import type { Context } from './context.ts';

/** An agent among many hosts, of which there is no more than their leases. */
export type CrowdOfHosts = {
  readonly hosts: number;
  /** From the start of its process until the kernel leads to all of them, in milliseconds. */
  readonly coldMs: number;
  /** From the write of one lease more until the kernel leads to that host, in milliseconds. */
  readonly oneMoreMs: number;
  /** VmHWM of the agent, in MB. */
  readonly peakMb: number;
};

const hosts = 200;

/** One agent and 199 leases of others; then one more. */
export async function measureHosts({ progress }: Context): Promise<CrowdOfHosts> {
  progress.tell(`an overlay of ${hosts} hosts`);
  await using cluster = await Cluster.create({ hosts: 1 });
  const host = cluster.host(1);
  const others = Array.from({ length: hosts - 1 }, (_, at) => simulatedLease(at + 1));
  await changeLeases(cluster, { put: others, del: [] });
  const startedAt = performance.now();
  const starting = host.startAgent();
  await leadsTo(host, others.length);
  const coldMs = performance.now() - startedAt;
  await starting;
  const writtenAt = performance.now();
  await changeLeases(cluster, { put: [simulatedLease(hosts + 1)], del: [] });
  await leadsTo(host, others.length + 1);
  const oneMoreMs = performance.now() - writtenAt;
  return { hosts, coldMs, oneMoreMs, peakMb: peakMb(host) };
}

/** The route comes last of what leads to a host. */
async function leadsTo(host: Host, count: number): Promise<void> {
  await until(async () => {
    // What is measured shall not wait for who looks on.
    await sleep(20);
    return (await countRoutes(host)) >= count;
  }, `routes to ${count} hosts`);
}

async function countRoutes({ netns }: Host): Promise<number> {
  return (await mustInside(netns, 'ip', 'route', 'show', 'proto', '76')).split('\n').length - 1;
}

function peakMb(host: Host): number {
  const status = readFileSync(`/proc/${host.agent.pid}/status`, 'utf8');
  return (Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024) / 1e6;
}
