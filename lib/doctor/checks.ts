import { type TableCheck, toTableCheck } from './check.ts';
import { forwardDrop } from './firewall/forward-drop.ts';
import { agent } from './host/agent.ts';
import { duplicates } from './host/duplicates.ts';
import { forwarding } from './host/forwarding.ts';
import { subnet } from './host/subnet.ts';
import { tools } from './host/tools.ts';
import { managers } from './managers/managers.ts';
import { mtu } from './mtu/mtu.ts';
import { offload } from './mtu/offload.ts';
import { pathMtu } from './mtu/path-mtu.ts';
import { resident } from './resident/resident.ts';
import { bird } from './routed/bird.ts';
import { endpoints } from './routed/endpoints.ts';
import { pools } from './routed/pools.ts';
import { rules } from './rules/rules.ts';
import { vxlan } from './vxlan/vxlan.ts';

/** Everything that is looked at, in the order of the report: what others need comes first. */
export const checks: readonly TableCheck[] = [
  toTableCheck(tools),
  toTableCheck(agent),
  toTableCheck(resident),
  toTableCheck(subnet),
  toTableCheck(forwarding),
  toTableCheck(rules),
  toTableCheck(forwardDrop),
  toTableCheck(endpoints),
  toTableCheck(pools),
  toTableCheck(bird),
  toTableCheck(vxlan),
  toTableCheck(mtu),
  toTableCheck(pathMtu),
  toTableCheck(offload),
  toTableCheck(managers),
  toTableCheck(duplicates),
];
