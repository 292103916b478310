import { readBootId } from '../../lib/attach/liveness.ts';
import { noUplink, type Uplink } from '../../lib/bridge/network.ts';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import { hasInterface, type Machine } from '../../lib/exec/machine.ts';
import { observeLink } from '../../lib/exec/observe.ts';
import { readUptimeSeconds } from '../../lib/exec/uptime.ts';
import { formatCidr } from '../../lib/net/cidr.ts';
import type { IfName } from '../../lib/net/ifname.ts';
import { isCurrent, type SubnetEnv } from '../../lib/overlay/subnet-env/subnet-env.ts';
import { readSubnetEnv } from '../../lib/overlay/subnet-env/subnet-env-file.ts';
import type { Step } from '../../lib/plan/operation.ts';
import type { OpenedHost } from './host-network.ts';

/** What the kernel gives a VXLAN device over Ethernet, in bytes; of a flanneld that has written none. */
const usualMtu = 1450;

/**
 * The host's part as flanneld or the agent has leased it; the way to the other hosts is theirs to keep.
 * @throws CniError code 11 while there is none, or once its lease has ended; code 7 for a file that is not understood
 */
export function openSubnetFile(path: string, machine: Machine): OpenedHost {
  const env = readCurrent(path, machine);
  const { mode, networks, subnets, mtu, ipMasq } = env;
  return {
    host: {
      mode,
      networks: Object.values(networks).flat(),
      subnets: Object.values(subnets),
      mtu: mtu ?? usualMtu,
      isMasqueraded: ipMasq,
    },
    uplinkOf: (bridge) => ({
      ...createUplink(env, bridge),
      confirm: () => confirmSame(path, env, machine),
    }),
  };
}

function readCurrent(path: string, machine: Machine): SubnetEnv {
  const env = readSubnetEnv(path);
  if (env === undefined)
    throw notNow(
      `${path} does not exist: this host has no subnet of the overlay (yet); see "fairlead overlay status", or start what leases it (the agent, flanneld)`,
    );
  const uptimeSeconds = readUptimeSeconds(machine) ?? Number.POSITIVE_INFINITY;
  // Whoever has the subnet now may hand out the same addresses.
  if (isCurrent(env, { bootId: readBootId(machine), uptimeSeconds })) return env;
  throw notNow(
    `${path}: the lease of the subnet has ended without being renewed; see whether the agent runs and reaches etcd ("fairlead overlay status")`,
  );
}

/** IPAM may have waited long for its lock: an address is no good any more once the subnet is another host's. */
function confirmSame(path: string, { subnets }: SubnetEnv, machine: Machine): void {
  const textOf = (env: Pick<SubnetEnv, 'subnets'>) => Object.values(env.subnets).map(formatCidr).join();
  if (textOf(readCurrent(path, machine)) === textOf({ subnets })) return;
  throw notNow(`${path}: the subnet of this host has changed meanwhile`);
}

function notNow(what: string): CniError {
  return new CniError(ErrorCode.tryAgainLater, what);
}

/** In mode l2 the device must be a port of the bridge, which the agent cannot see to before there is one. */
function createUplink({ mode, devices }: SubnetEnv, bridge: IfName): Omit<Uplink, 'confirm'> {
  const names = Object.values(devices);
  if (mode === 'l3') return { ...noUplink, check: (machine) => requireDevices(names, machine) };
  return {
    plan: (machine) => {
      requireDevices(names, machine);
      return names.flatMap((name) => planPort(name, bridge, machine));
    },
    check: (machine) => {
      requireDevices(names, machine);
      const lost = names.find((name) => observeLink(machine, name)?.master !== bridge);
      if (lost !== undefined)
        throw new CniError(
          ErrorCode.internal,
          `${lost}, the way to the other hosts, is no port of ${bridge}`,
        );
    },
  };
}

function requireDevices(names: readonly IfName[], machine: Machine): void {
  const lost = names.find((name) => !hasInterface(machine, name));
  if (lost !== undefined) throw notNow(`${lost}, the VXLAN device, is not there; see whether the agent runs`);
}

function planPort(name: IfName, bridge: IfName, machine: Machine): readonly Step[] {
  if (observeLink(machine, name)?.master === bridge) return [];
  return [{ place: 'host', operation: { kind: 'set-master', name, master: bridge } }];
}
