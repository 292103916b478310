import { type Explained, explainPrepared } from '../attach/explained.ts';
import { type PreviewLease, previewIpam } from '../attach/preview-ipam.ts';
import { parseRequestedMac } from '../attach/requested-mac.ts';
import { additionsAt, openCapabilities } from '../capability/additions.ts';
import type { AttachmentCall } from '../cni/dispatch.ts';
import { observe } from './observe-network.ts';
import type { BridgeParts } from './parts.ts';
import { planAdd } from './plan-add.ts';

/** The plan that an ADD would carry out now and the result that it would give, without touching anything. */
export function explain(
  call: AttachmentCall,
  parts: Omit<BridgeParts, 'selectIpam'>,
  previewLease: PreviewLease,
): Explained {
  const { kind, machine, capabilities } = parts;
  const { network, ipamCall, uplink } = kind.open(call, machine);
  const { attachment } = call;
  const mac = parseRequestedMac(call.conf, attachment);
  const leased = previewIpam(ipamCall, previewLease);
  const wanted = openCapabilities(call, capabilities);
  const prepared = planAdd(
    { network, attachment, mac, leased, additionsAt: (at) => additionsAt(wanted, at, machine) },
    observe(machine, network, uplink),
  );
  return explainPrepared(prepared, parts);
}
