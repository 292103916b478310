import { shellLines, shellWord } from '../shell-word.ts';
import type { FilterPlace, Flow } from './firewall.ts';

/** The command lines that let the flows through, in the words of whoever keeps the chain. */
export function admitBy(place: FilterPlace, flows: readonly Flow[]): string {
  if (place.kind === 'iptables-legacy') return byIptables(`${place.program} -I FORWARD`, flows);
  const { family, table, chain, neighbours } = place;
  if (table === 'firewalld') return byFirewalld(flows);
  const iptables = family === 'ip6' ? 'ip6tables' : 'iptables';
  if (neighbours.includes('DOCKER-USER')) return byIptables(`${iptables} -I DOCKER-USER`, flows);
  if (neighbours.some((name) => /^ufw6?-/.test(name))) return byUfw(flows);
  // A chain of this name is iptables-nft's: that would rewrite what nft has put there.
  if (table === 'filter' && chain === 'FORWARD') return byIptables(`${iptables} -I FORWARD`, flows);
  const rule = `nft insert rule ${family} ${shellWord(table)} ${shellWord(chain)}`;
  return shellLines(
    ways(flows).map(
      ({ from, to, state }) =>
        `${rule} iifname ${nftName(from)} oifname ${nftName(to)} ${state === 'new' ? '' : 'ct state established,related '}accept`,
    ),
  );
}

function byIptables(insert: string, flows: readonly Flow[]): string {
  const known = ' -m conntrack --ctstate RELATED,ESTABLISHED';
  return shellLines(
    ways(flows).map(
      ({ from, to, state }) =>
        `${insert} -i ${shellWord(from)} -o ${shellWord(to)}${state === 'new' ? '' : known} -j ACCEPT`,
    ),
  );
}

/** Zones are of interfaces: the one that trusts is for those on which there are containers only. */
function byFirewalld(flows: readonly Flow[]): string {
  const inner = [...new Set(flows.map(({ from, to, state }) => (state === 'new' ? from : to)))];
  const add = inner.map((name) => ` --add-interface=${shellWord(name)}`).join('');
  return shellLines([`firewall-cmd --permanent --zone=trusted${add}`, 'firewall-cmd --reload']);
}

/** Answers are let through by rules that ufw has for all. */
function byUfw(flows: readonly Flow[]): string {
  const begun = ways(flows.filter(({ state }) => state === 'new'));
  if (begun.length === 0) return 'ufw reload';
  return shellLines(
    begun.map(({ from, to }) => `ufw route allow in on ${shellWord(from)} out on ${shellWord(to)}`),
  );
}

/** Each way once, although both families take it. */
function ways(flows: readonly Flow[]): readonly Flow[] {
  return [...new Map(flows.map((flow) => [`${flow.from} ${flow.to} ${flow.state}`, flow])).values()];
}

/** nft reads a name in quotation marks, and so does the shell before it. */
function nftName(name: string): string {
  return `'"${name}"'`;
}
