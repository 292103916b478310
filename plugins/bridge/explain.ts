import type { AttachmentCall } from '../../lib/cni/dispatch.ts';
import type { Result } from '../../lib/cni/result.ts';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { parseBridgeConfig, parseRequestedMac } from './config.ts';
import { observe } from './observe.ts';
import { type AddPlan, planAdd } from './plan.ts';

/** The plan that an ADD would carry out now and the result that it would give, without touching anything. */
export function explain(
  call: AttachmentCall,
  machine: Machine,
  previewLease: (call: AttachmentCall) => Result,
): AddPlan {
  const config = parseBridgeConfig(call.conf);
  const mac = parseRequestedMac(call.conf, call.attachment);
  const leased = previewIpam(call, previewLease);
  const addresses = leased.ips.map(({ address }) => address);
  return planAdd({ config, attachment: call.attachment, mac, leased }, observe(machine, config, addresses));
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
