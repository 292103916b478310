import type { Step } from '../plan/operation.ts';
import type { Device, Shaping } from './shaping.ts';

/** Puts limits in force, in one process for links and one for what is queued on them. */
export function planShaping({ hostEnd, ingress, egress }: Shaping): readonly Step[] {
  return [
    ...(egress === undefined ? [] : planDevice(egress.device)),
    ...(ingress === undefined
      ? []
      : [onHost({ operation: ingress, undo: { kind: 'delete-root-qdisc', link: hostEnd } })]),
    ...(egress === undefined
      ? []
      : [
          // It goes with its device.
          onHost({ operation: egress.bucket }),
          onHost({
            operation: { kind: 'add-ingress-qdisc', link: hostEnd },
            undo: { kind: 'delete-ingress-qdisc', link: hostEnd },
          }),
          onHost({ operation: { kind: 'redirect-ingress', link: hostEnd, to: egress.device.name } }),
        ]),
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
