import type { Machine } from '../../exec/machine.ts';
import { ask } from '../ask.ts';
import type { Check } from '../check.ts';
import { listWays } from '../routed/seen-ways.ts';
import type { Scene } from '../scene.ts';
import { type Admission, admitFlows } from './admit-flows.ts';
import type { Firewall } from './firewall.ts';
import { flowsOf } from './flows.ts';
import { type ForwardDropEvidence, judgeForwardDrop } from './judge-forward-drop.ts';
import { parseAdmitted } from './parse-admitted.ts';
import { parseIptables } from './parse-iptables.ts';
import { parseNftFirewall } from './parse-nft-firewall.ts';

/** Whether a firewall of somebody else drops what containers send to other hosts and to each other. */
export const forwardDrop: Check<ForwardDropEvidence> = {
  id: 'forward-drop',
  title: 'firewalls of others',
  observe: async (scene) => {
    const flows = await flowsOf(scene);
    if (flows.length === 0) return { flows, firewalls: [] };
    const ruleset = ask(scene.machine, 'nft', ['-j', 'list', 'ruleset']);
    return {
      flows: admitFlows(flows, observeAdmission(scene, ruleset)),
      firewalls: [parseNftFirewall(ruleset), ...observeLegacy(scene.machine)],
    };
  },
  judge: judgeForwardDrop,
};

function observeAdmission(scene: Scene, ruleset: string): Admission {
  const endpoints = new Set(scene.endpoints().map(({ name }) => name));
  const ways = endpoints.size === 0 ? [] : listWays(scene.machine);
  return { links: scene.links(), endpoints, ways, admitted: parseAdmitted(ruleset) };
}

const legacy = [
  { program: 'iptables-legacy', tables: '/proc/net/ip_tables_names' },
  { program: 'ip6tables-legacy', tables: '/proc/net/ip6_tables_names' },
] as const;

/** Only where the kernel has that table already: to list it would make it. */
function observeLegacy(machine: Machine): readonly Firewall[] {
  return legacy
    .filter(({ tables }) => (machine.readProc(tables) ?? '').split('\n').includes('filter'))
    .map(({ program }) => parseIptables(ask(machine, program, ['-S']), program));
}
