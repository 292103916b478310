import type { IfName } from '../net/ifname.ts';
import type { Step } from '../plan/operation.ts';
import type { AddTokenBucket } from '../tc/operation.ts';
import type { Device, Shaping } from './shaping.ts';

/** Puts limits in force, in one process for links and one for what is queued on them. */
export function planShaping({ hostEnd, ingress, egress }: Shaping): readonly Step[] {
  return [
    ...(egress === undefined ? [] : planDevice(egress.device)),
    ...(ingress === undefined ? [] : [planBucket(ingress)]),
    ...(egress === undefined ? [] : planWay(hostEnd, egress)),
  ];
}

function planBucket(bucket: AddTokenBucket): Step {
  return onHost({ operation: bucket, undo: { kind: 'delete-root-qdisc', link: bucket.link } });
}

/** Leads what the host's end receives through the device, with which its bucket goes. */
function planWay(link: IfName, { device, bucket }: NonNullable<Shaping['egress']>): readonly Step[] {
  return [
    onHost({ operation: bucket }),
    onHost({
      operation: { kind: 'add-ingress-qdisc', link },
      undo: { kind: 'delete-ingress-qdisc', link },
    }),
    onHost({ operation: { kind: 'redirect-ingress', link, to: device.name } }),
  ];
}

/** Up before anything is led to it: a device that is down drops. */
function planDevice({ name, mac, mtu, alias }: Device): readonly Step[] {
  return [
    onHost({ operation: { kind: 'add-ifb', name, mac, mtu }, undo: { kind: 'delete-link', name } }),
    onHost({ operation: { kind: 'set-alias', name, alias } }),
    onHost({ operation: { kind: 'set-up', name } }),
  ];
}

function onHost(step: Omit<Step, 'place'>): Step {
  return { place: 'host', ...step };
}
