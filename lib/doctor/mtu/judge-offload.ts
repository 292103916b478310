import { orOk, skipped, type Verdict, warning } from '../check.ts';
import { noOverlay } from '../no-overlay.ts';
import { shellWord } from '../shell-word.ts';

export type OffloadEvidence = {
  readonly devices: readonly OffloadDevice[];
  /** /proc/net/snmp. */
  readonly counters: string;
};

/** A VXLAN device, and the interface by which it sends. */
export type OffloadDevice = {
  readonly name: string;
  readonly outer: string | undefined;
  /** Output of `ethtool -k` of the device. */
  readonly features: string | undefined;
  /** Why there is none. */
  readonly because: string | undefined;
  /** Output of `ethtool -i` of the interface. */
  readonly driver: string;
};

/**
 * Drivers of which it is reported that VXLAN packets leave with a wrong checksum: vmxnet3 offloads for the ports that
 * its hypervisor takes for VXLAN's, and 8472 is not always one.
 */
const wrongDrivers = ['vmxnet3'];

export function judgeOffload(evidence: OffloadEvidence | undefined): readonly Verdict[] {
  if (evidence === undefined) return noOverlay;
  const { devices, counters } = evidence;
  if (devices.length === 0) return [skipped('there is no VXLAN device')];
  const verdicts = devices.flatMap(judgeDevice);
  const received = judgeReceived(counters);
  const seen = devices.map(
    ({ name, driver }) => `${name} over ${driverOf(driver) || 'an interface of unknown driver'}`,
  );
  return orOk([...verdicts, ...received], `${seen.join(', ')}: no trouble known`);
}

function judgeDevice({ name, outer, features, because, driver }: OffloadDevice): readonly Verdict[] {
  if (features === undefined)
    return [
      skipped(`the offloads of ${name} could not be seen: ${because}; the package ethtool has the program`),
    ];
  const isOn = /^\s*tx-checksum-ip-generic: on/m.test(features);
  if (!isOn || !wrongDrivers.includes(driverOf(driver))) return [];
  return [
    warning(
      `${name} leaves checksums to ${outer}, whose driver ${driverOf(driver)} is known to get those of VXLAN wrong`,
      `ethtool -K ${shellWord(name)} tx-checksum-ip-generic off`,
    ),
  ];
}

function driverOf(text: string): string {
  return /^driver: (\S+)/m.exec(text)?.[1] ?? '';
}

/** What other hosts got wrong shows here: the kernel counts it, and drops it. */
function judgeReceived(counters: string): readonly Verdict[] {
  const [names = [], values = []] = counters
    .split('\n')
    .filter((line) => line.startsWith('Udp: '))
    .map((line) => line.split(' '));
  const wrong = Number(values[names.indexOf('InCsumErrors')] ?? 0);
  if (wrong === 0) return [];
  return [
    warning(
      `${wrong} UDP packets have come with a wrong checksum since the machine's start: another host's offload may spoil them`,
      'on the hosts that send them, for each VXLAN device: ethtool -K DEVICE tx-checksum-ip-generic off',
    ),
  ];
}
