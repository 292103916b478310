import { type Capability, nothingWanted, type Wanted } from '../capability/capability.ts';
import type { Endpoint } from '../capability/endpoint.ts';
import type { Attachment } from '../cni/invocation.ts';
import type { Result } from '../cni/result.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import type { Machine } from '../exec/machine.ts';
import type { IfName } from '../net/ifname.ts';
import type { Step, SysctlOperation } from '../plan/operation.ts';
import { requireAllowed } from './allowlist.ts';
import { backupPath, renderBackup } from './backup.ts';
import { checkTuning } from './check.ts';
import { parseTuning, type TuningConfig } from './config.ts';
import { observeSettings } from './observe.ts';
import { planSettings, replacedBy } from './plan.ts';
import { removeStaleBackups, restoreSettings } from './restore.ts';
import { isAnySet, type LinkSettings } from './settings.ts';
import { type Sysctl, sysctlPathAt } from './sysctl.ts';

/** Kernel settings of a container's network, and how its interface is set. */
export const tuning: Capability = {
  name: 'tuning',
  open: (conf) => {
    const configAt = parseTuning(conf);
    return configAt === undefined ? undefined : toWanted(configAt);
  },
  release: restoreSettings,
  collect: removeStaleBackups,
  foreign: undefined,
};

function toWanted(configAt: (attachment: Attachment) => TuningConfig): Wanted {
  return {
    ...nothingWanted,
    steps: (endpoint, machine) => planTuning(configAt(endpoint.attachment), endpoint, machine),
    amend: (result, { attachment }) => amend(result, configAt(attachment).link, attachment),
    check: ({ attachment }, machine) => checkTuning(configAt(attachment), attachment, machine),
    tools: ['ip'],
  };
}

function planTuning(config: TuningConfig, endpoint: Endpoint, machine: Machine): readonly Step[] {
  const { link, backupDir } = config;
  const { attachment, network } = endpoint;
  requireAllowed(config.sysctls);
  const isToRestore = backupDir !== undefined;
  const found = isToRestore && isAnySet(link) ? observe(attachment, machine) : undefined;
  return [
    ...planSysctls(config, attachment, machine),
    ...(found === undefined || !isToRestore
      ? []
      : [planBackup(backupPath(backupDir, attachment), replacedBy(link, found), network)]),
    ...planSettings(attachment.ifName, link, found),
  ];
}

/** What is undone goes back to what it was; where the interface goes then, there is nothing to look at yet. */
function planSysctls(
  { sysctls, backupDir }: TuningConfig,
  { netns, ifName }: Attachment,
  machine: Machine,
): readonly Step[] {
  const operations = sysctls.map((sysctl) => toOperation(sysctl, ifName));
  if (backupDir === undefined) return operations.map((operation) => ({ place: 'container', operation }));
  return machine.inNetns(netns, () =>
    operations.map((operation): Step => {
      const value = machine.readProc(`/proc/sys/net/${operation.path}`);
      const undo = value === undefined ? {} : { undo: { ...operation, value } };
      return { place: 'container', operation, ...undo };
    }),
  );
}

function toOperation(sysctl: Sysctl, ifName: IfName): SysctlOperation {
  return { kind: 'set-sysctl', path: sysctlPathAt(sysctl, ifName), value: sysctl.value };
}

/** It comes before the change: whatever an ADD that is killed has changed, its DEL puts back. */
function planBackup(path: string, settings: LinkSettings, network: string): Step {
  return {
    place: 'host',
    operation: { kind: 'write-file', path, text: renderBackup(settings, network) },
    undo: { kind: 'remove-file', path },
  };
}

function observe({ netns, ifName, containerId }: Attachment, machine: Machine): LinkSettings {
  const found = machine.inNetns(netns, () => observeSettings(machine, ifName));
  if (found !== undefined) return found;
  throw new CniError(
    ErrorCode.internal,
    `container ${containerId} has no ${ifName} to be tuned; chain tuning after the plugin that makes it`,
  );
}

function amend(result: Result, { mac, mtu }: LinkSettings, { ifName }: Attachment): Result {
  if (mac === undefined && mtu === undefined) return result;
  const changes = { ...(mac === undefined ? {} : { mac }), ...(mtu === undefined ? {} : { mtu }) };
  const interfaces = result.interfaces.map((each) =>
    each.name === ifName && (each.sandbox ?? '') !== '' ? { ...each, ...changes } : each,
  );
  return { ...result, interfaces };
}
