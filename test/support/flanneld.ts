import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { execa } from 'execa';
import type { TestContext } from 'vitest';
import { formatCidr, networkOf, parseCidr } from '../../lib/net/cidr.ts';
import { reference, requireReference } from './binaries.ts';
import { type Attached, type Host, overlayPrefix } from './cluster.ts';
import { inside } from './process.ts';
import type { Conf } from './rig.ts';
import { skipUnless } from './skip.ts';
import { until } from './until.ts';

const cache = process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache`;
/** FLANNELD names another; scripts/test compiles this one. */
export const flanneldPath = process.env.FLANNELD ?? `${cache}/fairlead/flanneld-v0.26.7/flanneld`;

/** How long a flanneld of a test may live, in milliseconds. */
const longestLifeMs = 120_000;

/** Skips a test where there is no flanneld, or none of the plugins that it is used with. */
export function requireFlanneld(context: TestContext): void {
  skipUnless(
    context,
    existsSync(flanneldPath),
    `there is no flanneld at ${flanneldPath}; FLANNELD may name one`,
  );
  requireReference(context, 'bridge', 'host-local');
}

/** A real flanneld on a host of the cluster, and containers as its own plugin connects them. */
export class Flanneld implements AsyncDisposable {
  readonly #host: Host;
  #child: ReturnType<typeof startFlanneld>;
  #log = '';

  private constructor(host: Host) {
    this.#host = host;
    this.#child = this.#spawn();
  }

  /** Resolves when it has a lease and follows those of the others. */
  static async start(host: Host): Promise<Flanneld> {
    const flanneld = new Flanneld(host);
    await flanneld.#running();
    return flanneld;
  }

  /** What it has printed since it was started last. */
  get log(): string {
    return this.#log;
  }

  /** Ends it; the kernel and etcd keep what it has made. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    this.#child.kill(signal);
    await this.#child;
  }

  /** Kills it, unless it has ended, and starts it again. */
  async restart(): Promise<void> {
    await this.stop('SIGKILL');
    this.#log = '';
    this.#child = this.#spawn();
    await this.#running();
  }

  /** A new container on its network. */
  async add(): Promise<Attached> {
    return this.#host.attach(delegateConf(this.#host), reference('bridge'));
  }

  async del(container: Attached): Promise<void> {
    await this.#host.rig.del(delegateConf(this.#host), container.netns, reference('bridge'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL');
  }

  #spawn() {
    const child = startFlanneld(this.#host);
    child.stderr.on('data', (chunk: Buffer) => {
      this.#log += chunk.toString();
    });
    return child;
  }

  async #running(): Promise<void> {
    const isRunning = () => this.#log.includes('Running backend.');
    await until(isRunning, 'flanneld to run; it says:\n', () => this.#log);
  }
}

/**
 * What flannel-cni makes of subnet.env and hands to the plugin `bridge`: a default gateway, the MTU, and addresses of
 * the host's subnet, with a route to the whole network.
 */
function delegateConf(host: Host): Conf {
  const env = host.subnet();
  const subnets = [env.FLANNEL_SUBNET, env.FLANNEL_IPV6_SUBNET].filter((subnet) => subnet !== undefined);
  const networks = [env.FLANNEL_NETWORK, env.FLANNEL_IPV6_NETWORK].filter((dst) => dst !== undefined);
  return {
    cniVersion: '1.0.0',
    name: 'cbr0',
    type: 'bridge',
    isDefaultGateway: true,
    ipMasq: false,
    mtu: Number(env.FLANNEL_MTU),
    ipam: {
      type: 'host-local',
      dataDir: host.rig.dataDir,
      ranges: subnets.map((subnet) => [{ subnet: toNetwork(subnet) }]),
      routes: networks.map((dst) => ({ dst })),
    },
  };
}

/** subnet.env states the first address of the subnet, the reference's host-local wants the subnet without. */
function toNetwork(subnet: string): string {
  const cidr = parseCidr(subnet);
  if (cidr === undefined) throw new Error(`subnet.env says ${subnet}`);
  return formatCidr(networkOf(cidr));
}

function startFlanneld(host: Host) {
  const flags = {
    'etcd-endpoints': host.endpoints.join(','),
    'etcd-prefix': overlayPrefix,
    iface: 'eth0',
    'subnet-file': host.subnetFile,
    'ip-masq': 'false',
    'iptables-forward-rules': 'false',
  };
  const args = Object.entries(flags).map(([name, value]) => `-${name}=${value}`);
  const options = { reject: false, timeout: longestLifeMs, killSignal: 'SIGKILL', stdout: 'ignore' } as const;
  return execa('nsenter', inside(host.netns, flanneldPath, ...args), options);
}
