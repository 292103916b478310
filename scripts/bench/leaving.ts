import { type Agent, hostName, serviceName, startAgent } from './agent.ts';
import { postJson } from './api.ts';
import { addressesOf } from './call.ts';
import type { Context } from './context.ts';
import { startDaemon } from './daemon.ts';
import { type Departure, measureDepartures } from './departures.ts';
import type { Host } from './host.ts';
import { removeNamespace } from './namespaces.ts';
import { attach, type Network, openNetwork } from './network.ts';
import { Rig } from './rig.ts';
import { median } from './statistics.ts';

/** How long what is not there any more is still answered. */
export type Leaving = {
  /** An instance with a TCP check every second, three failures in a row, whose port has closed. */
  readonly closed: Gone;
  /** A container whose namespace was removed without a DEL. */
  readonly deleted: Gone;
};

/** How long it took, of so many. */
export type Gone = { readonly count: number; readonly medianMs: number; readonly worstMs: number };

/** The check of the instances whose port closes. */
export const check = { intervalMs: 1_000, fall: 3 };

const closing = 5;
const deleting = 3;

/** Both kinds at the same time: they wait for different things. */
export async function measureLeaving(context: Context): Promise<Leaving> {
  await using rig = new Rig(context, 'leaving');
  const { progress, interruption } = context;
  progress.tell('leaving: preparing');
  const network = await openNetwork(rig, context.ours, {});
  const { host } = network;
  const agent = await startAgent(rig, host, context.ours);
  const ports: Departure[] = [];
  for (let at = 0; at < closing; at++) ports.push(await openPort(rig, { host, agent, at }));
  const containers: Departure[] = [];
  for (let at = 0; at < deleting; at++) containers.push(await attachContainer(rig, network, at));
  progress.tell('leaving: waiting until nobody leads there');
  const place = { host, port: agent.port, interruption };
  const [closed, deleted] = await Promise.all([
    measureDepartures(ports, 1_300, place),
    measureDepartures(containers, 3_000, place),
  ]);
  return { closed: summarize(closed), deleted: summarize(deleted) };
}

function summarize(tookMs: readonly number[]): Gone {
  return { count: tookMs.length, medianMs: median(tookMs), worstMs: Math.max(...tookMs) };
}

type Opening = { readonly host: Host; readonly agent: Agent; readonly at: number };

/** A server on the host's loopback that is checked, and that ends. */
async function openPort(rig: Rig, { host, agent, at }: Opening): Promise<Departure> {
  const service = `port-${at}`;
  const [address, port] = ['127.0.0.1', 7_000 + at];
  const serve = `require('net').createServer((c) => c.end()).listen(${port}, '${address}', () => console.error('open'))`;
  const argv = [process.execPath, '-e', serve];
  const server = await startDaemon(rig, { place: { netns: host.name }, argv, readyLine: /^open$/ });
  await postJson(agent.socket, `/v1/services/${service}`, {
    Host: address,
    Port: port,
    Check: { tcp: true, interval: `${check.intervalMs}ms`, fall: check.fall },
  });
  return { name: serviceName(service), address, leave: async () => await server[Symbol.asyncDispose]() };
}

/** A container that will be gone without a word. */
async function attachContainer(rig: Rig, network: Network, at: number): Promise<Departure> {
  const netns = await rig.container();
  const containerId = `lost-${at}`;
  const attachment = { containerId, netns, ifName: 'eth0', hasDefaultRoute: true };
  const [address = ''] = addressesOf(await attach('ADD', network, attachment));
  const leave = () => removeNamespace(netns.replace(/.*\//, ''));
  return { name: hostName(containerId, network.name), address, leave };
}
