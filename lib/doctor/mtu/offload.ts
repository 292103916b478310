import type { Outcome } from '../../exec/command.ts';
import type { Machine } from '../../exec/machine.ts';
import { parseIfName } from '../../net/ifname.ts';
import { whyNot } from '../ask.ts';
import type { Check } from '../check.ts';
import { judgeOffload, type OffloadDevice, type OffloadEvidence } from './judge-offload.ts';

/** Whether checksums are left to a network card that is known to get those of VXLAN wrong. */
export const offload: Check<OffloadEvidence | undefined> = {
  id: 'offload',
  title: 'checksum offload',
  observe: (scene) => {
    const devices = scene.overlay()?.devices;
    if (devices === undefined) return undefined;
    const { machine } = scene;
    return {
      devices: devices.map(({ name, vxlan }) => observeDevice({ name, outer: vxlan.outer }, machine)),
      counters: machine.readProc('/proc/net/snmp') ?? '',
    };
  },
  judge: judgeOffload,
};

function observeDevice(link: Pick<OffloadDevice, 'name' | 'outer'>, machine: Machine): OffloadDevice {
  const features = ethtool('-k', link.name, machine);
  const isSeen = features.status === 0;
  return {
    ...link,
    features: isSeen ? features.stdout : undefined,
    because: isSeen ? undefined : whyNot(['ethtool', '-k', link.name], features),
    driver: ethtool('-i', link.outer ?? '', machine).stdout,
  };
}

function ethtool(option: '-k' | '-i', link: string, { run }: Machine): Outcome {
  const name = parseIfName(link);
  if (name === undefined)
    return { status: undefined, stdout: '', stderr: `${link} is no name for a command line` };
  return run({ file: 'ethtool', args: [option, name] });
}
