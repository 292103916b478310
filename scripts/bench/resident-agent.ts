import { mkdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { execa } from 'execa';
import { callSocketPath } from '../../lib/resident/places.ts';
import type { CniStatus } from '../../lib/resident/status.ts';
import { toolPath } from './call.ts';
import type { Side } from './context.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import { type Network, storeOf } from './network.ts';
import type { Rig } from './rig.ts';

/** An agent that carries out the calls that are made on a network's host by the client. */
export type CallAgent = Pick<Daemon, 'pid'> & {
  /** @throws Error where a call was not carried out by the agent: it would have been measured as one that was */
  readonly requireServed: () => Promise<void>;
};

/** Installs the client under the plugins' names. @returns those who call it */
export async function installClients(rig: Rig, { name, binDir }: Side): Promise<Side> {
  const dir = `${rig.dir}/resident-bin`;
  mkdirSync(dir);
  await execa(`${binDir}/fairlead`, ['install', '--resident', '--dir', dir], { env: { PATH: toolPath } });
  return { name, binDir: dir };
}

/** Starts an agent with its own defaults but for the places, where the host's calls are made: in the same namespaces. */
export async function startCallAgent(rig: Rig, { host, side }: Network): Promise<CallAgent> {
  const beside = await host.settledPid();
  const store = storeOf(rig, host);
  const dir = dirname(store);
  mkdirSync(dir, { recursive: true });
  await mountRunDirectory(beside);
  const api = `unix:${dir}/api.sock`;
  const config = {
    store,
    dns: { listen: ['none'] },
    api: { listen: [api] },
    mirrors: false,
    resultsDir: `${dir}/results`,
    cni: {},
  };
  writeFileSync(`${dir}/agent.json`, JSON.stringify(config));
  const argv = [`${side.binDir}/fairlead`, 'agent', '--config', `${dir}/agent.json`];
  const { pid, requireAlive } = await startDaemon(rig, {
    place: { beside },
    argv,
    readyLine: /serving CNI calls/,
  });
  const requireServed = async () => {
    requireAlive();
    const asked = await execa(`${side.binDir}/fairlead`, ['cni', '--json', '--api', api]);
    requireNoFallback(JSON.parse(asked.stdout));
  };
  return { pid, requireServed };
}

/** A place for the socket and the records that is the host's own. @throws Error rather than mount on the machine's */
async function mountRunDirectory(beside: number): Promise<void> {
  const [theirs, own] = [beside, 'self'].map((process) => readlinkSync(`/proc/${process}/ns/mnt`));
  if (theirs === own) throw new Error('the host of the bench has no mount namespace of its own');
  const dir = dirname(callSocketPath);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const mount = ['mount', '-t', 'tmpfs', '-o', 'mode=700', 'tmpfs', dir];
  await execa('nsenter', ['--target', String(beside), '--mount', ...mount]);
}

function requireNoFallback({ calls, fallbacks, workers }: CniStatus): void {
  const served = calls.filter(({ path }) => path === 'resident').reduce((sum, { count }) => sum + count, 0);
  if (served > 0 && fallbacks.length === 0 && workers.restarts === 0) return;
  throw new Error(`the agent has served ${served} calls, but ${JSON.stringify({ fallbacks, workers })}`);
}
