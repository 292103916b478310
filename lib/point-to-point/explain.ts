import { type PreviewLease, previewIpam } from '../attach/preview-ipam.ts';
import { parseRequestedMac } from '../attach/requested-mac.ts';
import { additionsAt, openCapabilities } from '../capability/additions.ts';
import type { AttachmentCall } from '../cni/dispatch.ts';
import { observe } from './observe.ts';
import type { PointToPointParts } from './parts.ts';
import { type AddPlan, planAdd } from './plan-add.ts';

/** The plan that an ADD would carry out now and the result that it would give, without touching anything. */
export function explain(
  call: AttachmentCall,
  { kind, machine, capabilities }: Pick<PointToPointParts, 'kind' | 'machine' | 'capabilities'>,
  previewLease: PreviewLease,
): AddPlan {
  const { network, ipamCall } = kind.open(call, machine);
  const { attachment } = call;
  const mac = parseRequestedMac(call.conf, attachment);
  const leased = previewIpam(ipamCall, previewLease);
  const wanted = openCapabilities(call, capabilities);
  return planAdd(
    {
      wiring: kind.wiring,
      network,
      attachment,
      mac,
      leased,
      additionsAt: (at) => additionsAt(wanted, at, machine),
    },
    observe(machine, network, wanted),
  );
}
