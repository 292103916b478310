import { type Cidr, formatCidr } from '../../net/cidr.ts';
import { shellLines, shellWord } from '../shell-word.ts';
import type { FilterPlace, Flow } from './firewall.ts';
import { leastFlows } from './least-flows.ts';

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
  return byNft(`nft insert rule ${family} ${shellWord(table)} ${shellWord(chain)}`, flows);
}

function byNft(insert: string, flows: readonly Flow[]): string {
  return shellLines(
    leastFlows(flows).map((flow) => {
      const known = flow.state === 'new' ? '' : ' ct state established,related';
      return `${insert} ${nftMatch(flow)}${known} accept`;
    }),
  );
}

function nftMatch({ toldBy, from, to, as, source, destination }: Flow): string {
  // nft reads a name in quotation marks, and so does the shell before it.
  if (toldBy === 'links') return `iifname '"${from}"' oifname '"${to}"'`;
  const ip = as === 6 ? 'ip6' : 'ip';
  return options({ [`${ip} saddr`]: source, [`${ip} daddr`]: destination });
}

function byIptables(insert: string, flows: readonly Flow[]): string {
  return shellLines(
    leastFlows(flows).map((flow) => {
      const known = flow.state === 'new' ? '' : ' -m conntrack --ctstate RELATED,ESTABLISHED';
      return `${insert} ${iptablesMatch(flow)}${known} -j ACCEPT`;
    }),
  );
}

function iptablesMatch({ toldBy, from, to, source, destination }: Flow): string {
  return toldBy === 'links'
    ? `-i ${linkWord(from)} -o ${linkWord(to)}`
    : options({ '-s': source, '-d': destination });
}

/** Zones are of interfaces and of sources: the one that trusts is for those of containers only. */
function byFirewalld(flows: readonly Flow[]): string {
  const trusted = new Set(flows.map((flow) => trustOption(flow)));
  return shellLines([
    `firewall-cmd --permanent --zone=trusted ${[...trusted].join(' ')}`,
    'firewall-cmd --reload',
  ]);
}

function trustOption({ toldBy, from, to, state, source, destination }: Flow): string {
  const [link, network] = state === 'new' ? [from, source] : [to, destination];
  return toldBy === 'networks' && network !== undefined
    ? `--add-source=${formatCidr(network)}`
    : `--add-interface=${linkWord(link)}`;
}

/** Answers are let through by rules that ufw has for all. */
function byUfw(flows: readonly Flow[]): string {
  const begun = leastFlows(flows.filter(({ state }) => state === 'new'));
  if (begun.length === 0) return 'ufw reload';
  return shellLines(begun.map((flow) => `ufw route allow ${ufwMatch(flow)}`));
}

function ufwMatch({ toldBy, from, to, source, destination }: Flow): string {
  return toldBy === 'links'
    ? `in on ${linkWord(from)} out on ${linkWord(to)}`
    : options({ from: source, to: destination });
}

/** The names that begin so are written with a plus sign by all but nft. */
function linkWord(name: string): string {
  return shellWord(name.replace(/\*$/, '+'));
}

/** Each network behind its word. */
function options(networks: Readonly<Record<string, Cidr | undefined>>): string {
  return Object.entries(networks)
    .flatMap(([word, network]) => (network === undefined ? [] : [`${word} ${formatCidr(network)}`]))
    .join(' ');
}
