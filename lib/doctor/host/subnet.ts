import type { Check } from '../check.ts';
import { judgeSubnet, type SubnetEvidence } from './judge-subnet.ts';

/** Whether this host still has the subnet from which containers are given addresses. */
export const subnet: Check<SubnetEvidence> = {
  id: 'subnet',
  title: "this host's subnet",
  observe: (scene) => ({
    hasOverlay: scene.overlay() !== undefined,
    isAgents: scene.agentFile().hasOverlay,
    file: scene.subnetFile(),
    moment: {
      bootId: scene.machine.readProc('/proc/sys/kernel/random/boot_id') ?? '',
      uptimeSeconds: Number.parseFloat(scene.machine.readProc('/proc/uptime') ?? '0'),
    },
  }),
  judge: judgeSubnet,
};
