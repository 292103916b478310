import type { NetworkCall } from '../../lib/cni/dispatch.ts';
import type { SelectIpam } from '../../lib/cni/ipam.ts';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { parseBridgeConfig } from './config.ts';

/** @throws CniError code 50 where an ADD could not succeed: a tool is missing, or IPAM is not ready */
export function status(call: NetworkCall, machine: Machine, selectIpam: SelectIpam): void {
  const config = parseBridgeConfig(call.conf);
  requireTool(machine, 'ip', ['-Version']);
  if (config.ipMasq || config.macSpoofCheck || config.ipSpoofCheck)
    requireTool(machine, 'nft', ['--version']);
  selectIpam(call)?.status(call);
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
