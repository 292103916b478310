import { ask } from './ask.ts';
import type { Check } from './check.ts';
import { judgeVxlan, type VxlanEvidence } from './judge-vxlan.ts';
import { parseHolders, parseUdpSockets, type UdpSocket } from './udp-sockets.ts';
import type { Scene } from './scene.ts';

/** Whether the overlay's VXLAN devices are there, up, and alone on their UDP ports. */
export const vxlan: Check<VxlanEvidence | undefined> = {
  id: 'vxlan',
  title: 'VXLAN devices',
  observe: (scene) => {
    const overlay = scene.overlay();
    if (overlay === undefined) return undefined;
    const { devices, absent, mode } = overlay;
    const [links, vxlans] = [scene.links(), scene.vxlans()];
    return { devices, absent, mode, links, vxlans, sockets: observeSockets(scene), seesHolders: scene.isRoot };
  },
  judge: judgeVxlan,
};

/** procfs has the sockets of this namespace, those of the kernel, too; `ss` knows which process has which. */
function observeSockets({ machine }: Scene): readonly UdpSocket[] {
  const tables = [4, 6] as const;
  const sockets = tables.flatMap((family) =>
    parseUdpSockets(machine.readProc(family === 4 ? '/proc/net/udp' : '/proc/net/udp6') ?? '', family),
  );
  const holders = parseHolders(ask(machine, 'ss', ['-H', '-u', '-a', '-n', '-p', '-e']));
  return sockets.map((socket) => ({ ...socket, holder: holders.get(socket.inode) }));
}
