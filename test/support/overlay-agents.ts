import type { Outcome } from '../../lib/exec/command.ts';
import type { OverlayStatus } from '../../lib/overlay/status.ts';
import { binDir } from './binaries.ts';
import { Cluster, type ClusterOptions, type Host } from './cluster.ts';
import { run } from './process.ts';
import { until } from './until.ts';

/**
 * A cluster whose hosts have agents, and subnets of the overlay.
 * @param overlay fields of the agents' block `overlay`
 */
export async function createOverlay(options: ClusterOptions, overlay: object = {}): Promise<Cluster> {
  await using parts = new AsyncDisposableStack();
  const cluster = parts.use(await Cluster.create(options));
  await Promise.all(cluster.hosts.map((host) => startOverlay(host, overlay)));
  parts.move();
  return cluster;
}

/** Starts the agent of a host, and waits until it has a subnet. */
export async function startOverlay(host: Host, overlay: object = {}): Promise<void> {
  await host.startAgent(host.agentConfig(overlay) as { readonly [field: string]: unknown });
  await until(
    () => host.subnet().FAIRLEAD_MODE !== undefined,
    `host ${host.number} to have a subnet; its agent says:\n`,
    () => host.agent.log,
  );
}

/** What a host's agent says of the overlay. */
export async function statusOf(host: Host): Promise<OverlayStatus> {
  const { body } = await host.agent.curl('/v1/overlay');
  return body as OverlayStatus;
}

/** Waits until every agent knows every other host. */
export async function knowEachOther({ hosts }: Cluster): Promise<void> {
  for (const host of hosts) {
    const isWhole = async () => (await statusOf(host)).peers.length >= hosts.length - 1;
    await until(isWhole, `host ${host.number} to know the others`);
  }
}

/** `fairlead overlay status` in a host's words, or with flags. */
export function printedStatus(host: Host, ...flags: readonly string[]): Promise<Outcome> {
  const api = `unix:${host.agent.socket}`;
  return run({ file: `${binDir}/fairlead`, args: ['overlay', 'status', '--api', api, ...flags] });
}

/** One of the agent's numbers for Prometheus. */
export async function metricOf(host: Host, name: string): Promise<number> {
  const { body } = await host.agent.curl('/metrics');
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(String(body))?.[1]);
}

/** The last part of the key of a host's lease; empty while subnet.env is away. */
export function leaseNameOf(host: Host): string {
  return host.subnet().FLANNEL_SUBNET?.replace('.1/24', '.0-24') ?? '';
}

/** All that a host's agent finds wrong. */
export async function complaintsOf(host: Host): Promise<string> {
  const { problems, refused, lease } = await statusOf(host);
  const because = lease.state === 'waiting' ? [lease.because] : [];
  return [...problems, ...refused.map((each) => `${each.lease}: ${each.because}`), ...because].join('\n');
}
