import { writeFileSync } from 'node:fs';
import type { Line } from '../../lib/doctor/examine.ts';
import type { Outcome } from '../../lib/exec/command.ts';
import { binDir } from './binaries.ts';
import { inside, must, mustInside, run } from './process.ts';
import { Rig } from './rig.ts';

/** What of a call of `fairlead doctor` differs from the usual one. */
export type DoctorOptions = {
  readonly args?: readonly string[];
  /** A shell's lines, run before in the mount namespace of the call, whose /run is empty. */
  readonly prepare?: string;
  /** Put in front of the command line, such as `setpriv`. */
  readonly by?: readonly string[];
};

/** How it ended, and what it reported. */
export type Report = {
  readonly status: number | string | undefined;
  readonly lines: readonly Line[];
  readonly stderr: string;
};

/** What flanneld writes on the host of these tests. */
export const subnetEnv = `FLANNEL_NETWORK=10.5.0.0/16
FLANNEL_SUBNET=10.5.1.1/24
FLANNEL_MTU=1450
FLANNEL_IPMASQ=false
`;

/**
 * A host in an overlay that is well: an underlay to another host, which routes for it, a VXLAN device with that host as
 * its peer, and a bridge with a container.
 */
export class OverlayHost implements AsyncDisposable {
  readonly rig: Rig;
  /** The namespace of the other host. */
  readonly peer: string;

  private constructor(rig: Rig, peer: string) {
    this.rig = rig;
    this.peer = peer;
  }

  static async create(): Promise<OverlayHost> {
    const rig = await Rig.create();
    const host = new OverlayHost(rig, await rig.namespace('peer'));
    writeFileSync(host.subnetFile, subnetEnv);
    // The agent of the machine on which the tests run is nobody's here.
    writeFileSync(host.config, JSON.stringify({ api: { listen: ['none'] } }));
    await must('ip', [
      '-n',
      rig.host,
      'link',
      'add',
      'eth0',
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      host.peer,
    ]);
    await mustInside(host.peer, 'sh', '-ec', underlayOfPeer);
    await host.sh(overlayOfHost);
    return host;
  }

  get subnetFile(): string {
    return `${this.rig.dir}/subnet.env`;
  }

  get config(): string {
    return `${this.rig.dir}/agent.json`;
  }

  /** Runs a shell's lines on the host, as its administrator. */
  async sh(script: string): Promise<string> {
    return mustInside(this.rig.host, 'sh', '-ec', script);
  }

  /** `fairlead doctor --json` on the host. */
  async doctor({ args = [], ...options }: DoctorOptions = {}): Promise<Report> {
    const files = ['--subnet-file', this.subnetFile, '--config', this.config];
    const outcome = await runDoctor(this.rig, { ...options, args: ['--json', ...files, ...args] });
    return { status: outcome.status, lines: parseLines(outcome.stdout), stderr: outcome.stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rig[Symbol.asyncDispose]();
  }
}

/** `fairlead doctor` on the host of a rig; of the machine's /run, and so of its managers and agents, it sees nothing. */
export function runDoctor(
  { host }: Rig,
  { args = [], prepare = '', by = [] }: DoctorOptions,
): Promise<Outcome> {
  const script = `mount -t tmpfs -o mode=755 tmpfs /run\n${prepare}\nexec "$@"`;
  const alone = ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec', script, 'sh'];
  const commandLine = [...alone, ...by, `${binDir}/fairlead`, 'doctor', ...args];
  return run({ file: 'nsenter', args: inside(host, ...commandLine) });
}

/** The line of a check that has found this; there must be one. */
export function lineOf({ lines }: Pick<Report, 'lines'>, id: string, found: RegExp): Line {
  const line = lines.find((each) => each.id === id && found.test(each.found));
  if (line !== undefined) return line;
  throw new Error(`no line of ${id} says ${found}:\n${JSON.stringify(lines, null, 1)}`);
}

/** Warnings and problems, each in one text. */
export function troublesOf(lines: readonly Line[]): readonly string[] {
  return lines.flatMap((line) => ('remedy' in line ? [`${line.id} ${line.state}: ${line.found}`] : []));
}

const underlayOfPeer = `
ip link set dev lo up
ip addr add 192.0.2.2/24 dev eth0
ip link set dev eth0 up
echo 1 > /proc/sys/net/ipv4/ip_forward
`;

/** Without IPv6, whose addresses of the link would come later by themselves. */
const overlayOfHost = `
echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6
echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6
ip link set dev lo up
ip addr add 192.0.2.1/24 dev eth0
ip link set dev eth0 up
ip route add default via 192.0.2.2
ip link add name flannel.1 type vxlan id 1 dstport 8472 local 192.0.2.1 dev eth0 nolearning
ip addr add 10.5.1.0/32 dev flannel.1
ip link set dev flannel.1 up
bridge fdb append 02:00:00:00:00:02 dev flannel.1 dst 192.0.2.2
ip route add 10.5.2.0/24 via 10.5.2.0 dev flannel.1 onlink
ip link add name cni0 mtu 1450 type bridge
ip addr add 10.5.1.1/24 dev cni0
ip link set dev cni0 up
ip link add name veth1 mtu 1450 type veth peer name eth1 mtu 1450
ip link set dev eth1 up
ip link set dev veth1 master cni0 up
echo 1 > /proc/sys/net/ipv4/ip_forward
for each in all eth0 flannel.1 cni0; do echo 0 > /proc/sys/net/ipv4/conf/$each/rp_filter; done
`;

function parseLines(stdout: string): readonly Line[] {
  try {
    return JSON.parse(stdout);
  } catch {
    return [];
  }
}
