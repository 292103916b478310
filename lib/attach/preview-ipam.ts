import type { AttachmentCall } from '../cni/dispatch.ts';
import type { Result } from '../cni/result.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';

/** What host-local would lease now. */
export type PreviewLease = (call: AttachmentCall) => Result;

/**
 * What the configured IPAM would lease, without leasing it.
 * @throws CniError code 7 for an IPAM that cannot be asked without leasing
 */
export function previewIpam(call: AttachmentCall, previewLease: PreviewLease): Result {
  const type = call.conf.fields.object('ipam')?.string('type') ?? '';
  if (type === '') return { interfaces: [], ips: [], routes: [], dns: {} };
  if (type === 'host-local') return previewLease(call);
  throw new CniError(
    ErrorCode.invalidConfig,
    `ipam.type: what ${type} would lease cannot be told without asking it; explain knows host-local`,
  );
}
