import { mkdirSync, writeFileSync } from 'node:fs';
import type { Side } from './context.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import type { Host } from './host.ts';
import { storeOf } from './network.ts';
import type { Rig } from './rig.ts';

/** The agent of ours on a host. */
export type Agent = Daemon & {
  /** Where DNS answers, on the host's loopback. */
  readonly port: number;
  /** Path of the API's socket. */
  readonly socket: string;
};

/** The domain of all names. */
export const zone = 'fairlead.internal';

/** Nobody else listens in a namespace of the bench. */
const port = 5300;

/** Starts the agent over a host's registry, with its own defaults but for the places. */
export async function startAgent(rig: Rig, host: Host, { binDir }: Side): Promise<Agent> {
  const store = storeOf(rig, host);
  const dir = store.slice(0, store.lastIndexOf('/'));
  mkdirSync(dir, { recursive: true });
  const socket = `${dir}/api.sock`;
  const config = {
    store,
    zone,
    dns: { listen: [`127.0.0.1:${port}`, `gateways:${port}`] },
    api: { listen: [`unix:${socket}`] },
    // What a runtime of this machine has attached is not the bench's.
    resultsDir: `${dir}/results`,
  };
  writeFileSync(`${dir}/agent.json`, JSON.stringify(config));
  const argv = [`${binDir}/fairlead`, 'agent', '--config', `${dir}/agent.json`];
  const daemon = await startDaemon(rig, { place: { netns: host.name }, argv, readyLine: /\bserving\b/ });
  return { ...daemon, port, socket };
}

/** The name by which a container is known in a network of that name. */
export function hostName(containerId: string, network: string): string {
  return `${containerId}.${network}.${zone}`;
}

/** The name of a service in the default namespace. */
export function serviceName(service: string): string {
  return `${service}.default.svc.${zone}`;
}
