import type { Machine } from '../../exec/machine.ts';
import { ask } from '../ask.ts';
import type { Check } from '../check.ts';
import type { Firewall } from './firewall.ts';
import { flowsOf } from './flows.ts';
import { type ForwardDropEvidence, judgeForwardDrop } from './judge-forward-drop.ts';
import { parseIptables } from './parse-iptables.ts';
import { parseNftFirewall } from './parse-nft-firewall.ts';

/** Whether a firewall of somebody else drops what containers send to other hosts and to each other. */
export const forwardDrop: Check<ForwardDropEvidence> = {
  id: 'forward-drop',
  title: 'firewalls of others',
  observe: async (scene) => {
    const flows = await flowsOf(scene);
    return { flows, firewalls: flows.length === 0 ? [] : observeFirewalls(scene.machine) };
  },
  judge: judgeForwardDrop,
};

function observeFirewalls(machine: Machine): readonly Firewall[] {
  return [parseNftFirewall(ask(machine, 'nft', ['-j', 'list', 'ruleset'])), ...observeLegacy(machine)];
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
