import type { AttachmentCall } from '../../lib/cni/dispatch.ts';
import type { ResultIp } from '../../lib/cni/result.ts';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import { formatAddress, isSameAddress } from '../../lib/net/address.ts';
import { formatCidr } from '../../lib/net/cidr.ts';
import { parseStaticConfig } from './config.ts';

/**
 * Whether the attachment was given the addresses of the configuration, with their gateways.
 * @throws CniError code 7 where the runtime gives no previous result, 999 naming the first difference
 */
export function check({ conf, attachment }: AttachmentCall): void {
  const { ips } = parseStaticConfig(conf, attachment);
  const given = (conf.prevResult() ?? conf.fields.missing('prevResult')).ips;
  const lost = ips.find((ip) => !given.some((found) => isAsConfigured(found, ip)));
  if (lost === undefined) return;
  const { containerId, ifName } = attachment;
  const by = lost.gateway === undefined ? '' : ` with the gateway ${formatAddress(lost.gateway)}`;
  throw new CniError(
    ErrorCode.internal,
    `${ifName} of container ${containerId} was not given ${formatCidr(lost.address)}${by}, as it is configured now; ` +
      'DEL and ADD the container again',
  );
}

function isAsConfigured(found: ResultIp, { address, gateway }: ResultIp): boolean {
  if (!isSameAddress(found.address.address, address.address)) return false;
  if (gateway === undefined) return true;
  return found.gateway !== undefined && isSameAddress(found.gateway, gateway);
}
