import type { AttachmentCall } from '../cni/dispatch.ts';
import type { Result } from '../cni/result.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { observe } from './observe-network.ts';
import type { BridgeParts } from './parts.ts';
import { type AddPlan, planAdd } from './plan-add.ts';
import { parseRequestedMac } from './requested-mac.ts';

/** The plan that an ADD would carry out now and the result that it would give, without touching anything. */
export function explain(
  call: AttachmentCall,
  { kind, machine }: Pick<BridgeParts, 'kind' | 'machine'>,
  previewLease: (call: AttachmentCall) => Result,
): AddPlan {
  const { network, ipamCall, uplink } = kind.open(call, machine);
  const { attachment } = call;
  const mac = parseRequestedMac(call.conf, attachment);
  const leased = previewIpam(ipamCall, previewLease);
  const addresses = leased.ips.map(({ address }) => address);
  return planAdd({ network, attachment, mac, leased }, observe(machine, network, { addresses, uplink }));
}

function previewIpam(call: AttachmentCall, previewLease: (call: AttachmentCall) => Result): Result {
  const type = call.conf.fields.object('ipam')?.string('type') ?? '';
  if (type === '') return { interfaces: [], ips: [], routes: [], dns: {} };
  if (type === 'host-local') return previewLease(call);
  throw new CniError(
    ErrorCode.invalidConfig,
    `ipam.type: what ${type} would lease cannot be told without asking it; explain knows host-local`,
  );
}
