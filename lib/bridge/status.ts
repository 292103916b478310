import type { NetworkCall } from '../cni/dispatch.ts';
import { CniError, ErrorCode, toCniError } from '../errors/cni-error.ts';
import type { Machine } from '../exec/machine.ts';
import type { BridgeKind } from './network.ts';
import type { BridgeParts } from './parts.ts';

/** @throws CniError code 50 where an ADD could not succeed: a tool is missing, or IPAM is not ready */
export function status(call: NetworkCall, { kind, machine, selectIpam }: BridgeParts): void {
  const { network, ipamCall } = openReady(call, kind, machine);
  requireTool(machine, 'ip', ['-Version']);
  if (network.ipMasq || network.macSpoofCheck || network.ipSpoofCheck)
    requireTool(machine, 'nft', ['--version']);
  selectIpam(ipamCall)?.status(ipamCall);
}

/** What would have an ADD be tried again later makes the plugin not available now. */
function openReady(call: NetworkCall, kind: BridgeKind, machine: Machine): ReturnType<BridgeKind['open']> {
  try {
    return kind.open(call, machine);
  } catch (error) {
    const { code, message } = toCniError(error);
    if (code !== ErrorCode.tryAgainLater) throw error;
    throw new CniError(ErrorCode.pluginNotAvailable, message, { cause: error });
  }
}

function requireTool(machine: Machine, file: string, args: readonly string[]): void {
  const { status: exit, stderr } = machine.run({ file, args });
  if (exit === 0) return;
  const packages = file === 'ip' ? 'iproute2' : 'nftables';
  throw new CniError(
    ErrorCode.pluginNotAvailable,
    `${file} does not work: ${stderr.trim()}; install the package ${packages}`,
  );
}
