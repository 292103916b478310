import { type Capability, nothingWanted, type Wanted } from '../capability/capability.ts';
import type { Endpoint } from '../capability/endpoint.ts';
import type { Result } from '../cni/result.ts';
import { checkShaping } from './check.ts';
import { type Bandwidth, parseBandwidth } from './config.ts';
import { planShaping } from './plan.ts';
import { removeDevice, removeStaleDevices } from './remove.ts';
import { deviceMac, deviceName, shapingAt } from './shaping.ts';

/** Limits of what a container sends and receives. */
export const bandwidth: Capability = {
  name: 'bandwidth',
  open: (conf) => toWanted(parseBandwidth(conf)),
  release: removeDevice,
  collect: removeStaleDevices,
  foreign: 'bandwidth',
};

function toWanted(limits: Bandwidth): Wanted | undefined {
  if (limits.ingress === undefined && limits.egress === undefined) return undefined;
  return {
    ...nothingWanted,
    steps: (endpoint, machine) => planShaping(shapingAt(endpoint, limits, machine)),
    amend: (result, endpoint) => (limits.egress === undefined ? result : withDevice(result, endpoint)),
    check: (endpoint, machine) =>
      checkShaping(shapingAt(endpoint, limits, machine), endpoint.attachment, machine),
    tools: limits.egress === undefined ? ['tc'] : ['ip', 'tc'],
  };
}

/** At the end, as the reference does: addresses refer to the interfaces by their place. */
function withDevice(result: Result, endpoint: Endpoint): Result {
  const name = deviceName(endpoint.attachment);
  return { ...result, interfaces: [...result.interfaces, { name, mac: deviceMac(name) }] };
}
