import type { Attachment } from '../cni/invocation.ts';
import { wrong } from '../errors/wrong.ts';
import type { Machine } from '../exec/machine.ts';
import type { TuningConfig } from './config.ts';
import { observeSettings } from './observe.ts';
import { isAnySet, type LinkSettings, settingNames } from './settings.ts';
import { type Sysctl, sysctlPathAt } from './sysctl.ts';

/**
 * Whether all that is asked for stands; no process where only kernel settings are.
 * @throws CniError code 999 naming the first difference
 */
export function checkTuning({ sysctls, link }: TuningConfig, attachment: Attachment, machine: Machine): void {
  const problem = machine.inNetns(
    attachment.netns,
    () => sysctlProblem(sysctls, attachment, machine) ?? linkProblem(link, attachment, machine),
  );
  if (problem === undefined) return;
  const { containerId, ifName } = attachment;
  throw wrong(`${ifName} of container ${containerId} is not as it was tuned: ${problem}`);
}

function sysctlProblem(
  sysctls: readonly Sysctl[],
  { ifName }: Attachment,
  { readProc }: Machine,
): string | undefined {
  for (const sysctl of sysctls) {
    const path = sysctlPathAt(sysctl, ifName);
    const found = readProc(`/proc/sys/net/${path}`);
    if (found === undefined) return `there is no ${sysctl.name}`;
    if (words(found) !== words(sysctl.value))
      return `${sysctl.name} is ${words(found)}, not ${words(sysctl.value)}`;
  }
  return undefined;
}

/** The kernel separates the parts of a value by tabs, whatever they were written with. */
function words(value: string): string {
  return value.trim().split(/\s+/).join(' ');
}

const names: Readonly<Record<keyof LinkSettings, string>> = {
  mac: 'its MAC',
  mtu: 'its MTU',
  promiscuous: 'its promiscuous mode',
  allMulticast: 'that it receives all multicast',
  txQueueLength: 'the length of its queue',
};

function linkProblem(wish: LinkSettings, { ifName }: Attachment, machine: Machine): string | undefined {
  if (!isAnySet(wish)) return undefined;
  const found = observeSettings(machine, ifName);
  if (found === undefined) return `there is no ${ifName}`;
  const other = settingNames.find((key) => wish[key] !== undefined && wish[key] !== found[key]);
  return other === undefined ? undefined : `${names[other]} is ${found[other]}, not ${wish[other]}`;
}
