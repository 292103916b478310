import { agent } from './agent.ts';
import { type TableCheck, toTableCheck } from './check.ts';
import { duplicates } from './duplicates.ts';
import { forwardDrop } from './forward-drop.ts';
import { forwarding } from './forwarding.ts';
import { managers } from './managers.ts';
import { mtu } from './mtu.ts';
import { offload } from './offload.ts';
import { pathMtu } from './path-mtu.ts';
import { subnet } from './subnet.ts';
import { tools } from './tools.ts';
import { vxlan } from './vxlan.ts';

/** Everything that is looked at, in the order of the report: what others need comes first. */
export const checks: readonly TableCheck[] = [
  toTableCheck(tools),
  toTableCheck(agent),
  toTableCheck(subnet),
  toTableCheck(forwarding),
  toTableCheck(forwardDrop),
  toTableCheck(vxlan),
  toTableCheck(mtu),
  toTableCheck(pathMtu),
  toTableCheck(offload),
  toTableCheck(managers),
  toTableCheck(duplicates),
];
