import type { Check } from '../check.ts';
import type { Scene } from '../scene.ts';
import { judgeVxlan, type VxlanEvidence } from './judge-vxlan.ts';
import { parseHolders, parseUdpSockets } from './udp-sockets.ts';

/** Whether the overlay's VXLAN devices are there, up, and alone on their UDP ports. */
export const vxlan: Check<VxlanEvidence | undefined> = {
  id: 'vxlan',
  title: 'VXLAN devices',
  observe: (scene) => {
    const overlay = scene.overlay();
    if (overlay === undefined) return undefined;
    const { devices, absent, mode, subnets } = overlay;
    const [links, vxlans] = [scene.links(), scene.vxlans()];
    return { devices, absent, mode, subnets, links, vxlans, ...observeSockets(scene) };
  },
  judge: judgeVxlan,
};

/** procfs has the sockets of this namespace, those of the kernel, too; `ss` knows which process has which. */
function observeSockets({ machine, isRoot }: Scene): Pick<VxlanEvidence, 'sockets' | 'seesHolders'> {
  const sockets = [
    ...parseUdpSockets(machine.readProc('/proc/net/udp') ?? '', 4),
    ...parseUdpSockets(machine.readProc('/proc/net/udp6') ?? '', 6),
  ];
  const ss = machine.run({ file: 'ss', args: ['-H', '-u', '-a', '-n', '-p', '-e'] });
  const holders = parseHolders(ss.stdout);
  return {
    sockets: sockets.map((socket) => ({ ...socket, holder: holders.get(socket.inode) })),
    seesHolders: isRoot && ss.status === 0,
  };
}
