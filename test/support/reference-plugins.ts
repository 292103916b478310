import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import type { TestContext } from 'vitest';
import type { ForeignRules } from '../../lib/takeover/foreign.ts';
import { referenceDir } from './binaries.ts';
import { bridgeConf, ipamConf, v4, v6 } from './confs.ts';
import { inside, must, mustInside, run } from './process.ts';
import type { CallOptions, CniResult, Conf, Rig } from './rig.ts';
import { skipUnless } from './skip.ts';
import { toolPath } from './tool-path.ts';

/** Executables of the reference's plugins of one release. */
export type ReferenceRelease = { readonly name: string; readonly dir: string };

/** Debian's, and the newest, compiled; CNI_PLUGINS names another directory for that. */
export const referenceReleases = {
  debian: { name: 'Debian’s', dir: referenceDir },
  newest: { name: '1.9.1', dir: toolPath('cni_plugins', 'v1.9.1') },
} as const;

const plugins = ['bridge', 'host-local', 'portmap', 'firewall', 'bandwidth'];

/** Skips a test where the release, or the iptables that it is to use, is not there. */
export function requireRelease(context: TestContext, { dir }: ReferenceRelease, setup: ReferenceSetup): void {
  const absent = plugins.filter((plugin) => !existsSync(`${dir}/${plugin}`));
  skipUnless(context, absent.length === 0, `the reference has no ${absent.join(', ')} in ${dir}`);
  if (setup.iptables === undefined) return;
  const program = iptablesProgram('iptables', setup.iptables);
  skipUnless(context, existsSync(program), `there is no ${program}`);
}

/** How the reference is to keep its rules. */
export type ReferenceSetup = {
  /** Which iptables it finds; where none is named its backends are those of nftables. */
  readonly iptables?: 'nft' | 'legacy';
};

/** A network of the reference's on a rig. */
export type NetworkOptions = {
  readonly release: ReferenceRelease;
  readonly setup: ReferenceSetup;
  readonly name?: string;
  /** IPv4's alone; the tests' usual subnets of both families unless set. */
  readonly subnet?: string;
};

/** One network of the reference's plugins on a rig: bridge, portmap, firewall and bandwidth, one after the other. */
export class ReferenceNetwork {
  readonly #rig: Rig;
  readonly #release: ReferenceRelease;
  readonly #setup: ReferenceSetup;
  readonly #name: string;
  readonly #ranges: readonly (readonly object[])[];

  constructor(rig: Rig, { release, setup, name = 'net', subnet }: NetworkOptions) {
    this.#rig = rig;
    this.#release = release;
    this.#setup = setup;
    this.#name = name;
    this.#ranges = subnet === undefined ? [[{ subnet: v4.subnet }], [{ subnet: v6.subnet }]] : [[{ subnet }]];
  }

  /** Attaches a container. @returns its addresses, with their prefix lengths */
  async attach(container: string, ifName = 'eth0', hostPort = 8080): Promise<readonly string[]> {
    const result = await this.#call(this.#bridgeConf(), container, ifName);
    for (const conf of this.#chained(result, hostPort)) await this.#call(conf, container, ifName);
    return (result.ips ?? []).map(({ address }) => address);
  }

  #call(conf: Conf, container: string, ifName: string): Promise<CniResult> {
    const options: CallOptions = {
      ifName,
      binary: `${this.#release.dir}/${conf.type}`,
      env: { CNI_PATH: this.#release.dir, PATH: `${this.#iptablesDir()}:/usr/sbin:/usr/bin:/sbin:/bin` },
    };
    return this.#rig.add({ ...conf, cniVersion: '0.4.0', name: this.#name }, container, options);
  }

  #bridgeConf(): Conf {
    const backend = this.#setup.iptables === undefined ? { ipMasqBackend: 'nftables' } : {};
    const ipam = ipamConf(this.#rig, this.#ranges);
    return bridgeConf(this.#rig, {
      bridge: `br-${this.#name}`,
      ipam,
      ipMasq: true,
      macspoofchk: true,
      ...backend,
    });
  }

  #chained(prevResult: CniResult, hostPort: number): readonly Conf[] {
    const portMappings = [
      { hostPort, containerPort: 80, protocol: 'tcp' },
      { hostPort, containerPort: 53, protocol: 'udp' },
    ];
    const backend = this.#setup.iptables === undefined ? { backend: 'nftables' } : {};
    const rate = 1_000_000;
    return [
      { type: 'portmap', prevResult, runtimeConfig: { portMappings }, ...backend },
      { type: 'firewall', prevResult, backend: 'iptables' },
      { type: 'bandwidth', prevResult, egressRate: rate, egressBurst: rate },
    ];
  }

  /** A directory in which `iptables` is the one that is wanted. */
  #iptablesDir(): string {
    const kind = this.#setup.iptables ?? 'nft';
    const dir = `${this.#rig.dir}/iptables-${kind}`;
    if (existsSync(dir)) return dir;
    mkdirSync(dir);
    for (const program of ['iptables', 'ip6tables']) {
      symlinkSync(iptablesProgram(program, kind), `${dir}/${program}`);
    }
    return dir;
  }
}

function iptablesProgram(program: string, kind: 'nft' | 'legacy'): string {
  return `/usr/sbin/${program}-${kind}`;
}

/** Everything that the reference's plugins are to leave nothing in: rules of every kind, and interfaces of kind ifb. */
export async function foreignState(rig: Rig): Promise<string> {
  const parts = [
    await mustInside(rig.host, 'nft', 'list', 'ruleset'),
    ...(await Promise.all(['iptables-legacy-save', 'ip6tables-legacy-save'].map((file) => saved(rig, file)))),
    await mustInside(rig.host, 'ip', '-o', 'link', 'show', 'type', 'ifb'),
  ];
  return parts.map(withoutCounters).join('\n');
}

async function saved(rig: Rig, file: string): Promise<string> {
  const { stdout } = await run({ file: 'nsenter', args: inside(rig.host, file) });
  return stdout;
}

function withoutCounters(text: string): string {
  return text
    .replace(/counter packets \d+ bytes \d+/g, 'counter')
    .replace(/ \[\d+:\d+\]$/gm, '')
    .replace(/^#.*\n/gm, '');
}

/** What is to be taken over of an attachment. */
export type TakeOver = {
  readonly containerId: string;
  readonly network?: string;
  readonly ifName?: string;
  /** Those of the previous result; none is handed on where they are absent. */
  readonly addresses?: readonly string[];
  readonly kinds?: readonly ForeignRules[];
};

const everyKind: readonly ForeignRules[] = ['masquerade', 'portmap', 'firewall', 'bandwidth', 'spoofcheck'];

/** Takes over in a process of its own, as a plugin does: a thread of the tests must not leave its namespace. @returns what it started, one a line */
export function takeOver(rig: Rig, { network = 'net', ifName = 'eth0', ...rest }: TakeOver): Promise<string> {
  const wish = JSON.stringify({ network, ifName, kinds: everyKind, ...rest });
  const program = `${import.meta.dirname}/reference-take-over.ts`;
  return must('ip', ['netns', 'exec', rig.host, process.execPath, '--no-warnings', program, wish]);
}
