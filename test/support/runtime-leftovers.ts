import { readdirSync } from 'node:fs';
import { linkNames, listElements, withoutOwnOf } from './kernel.ts';
import { registered } from './rig-registry.ts';
import type { RuntimeHost } from './runtime-host.ts';

/** What no attachment has left: empty lists. */
export const nothingLeft = { ends: [], leases: [], elements: [], rules: [], names: [] };

/**
 * What is left of attachments on a host: host ends of veth pairs and devices that shape traffic, leases, elements of our
 * sets and maps, rules that tell of an address, names.
 * @param address a container's, looked for in the rules
 */
export async function leftOnHost(host: RuntimeHost, address: string): Promise<object> {
  const [links, elements, rules] = await Promise.all([
    linkNames(host.name),
    listElements(host.name),
    rulesWith(host, address),
  ]);
  const ends = links.filter((name) => /^(veth|ifb|bwp)/.test(name));
  const stay = links.filter((name) => !ends.includes(name));
  return {
    ends,
    leases: readLeases(host),
    elements: withoutOwnOf(stay, elements),
    rules,
    names: (registered(host) ?? []).map(({ service }) => service),
  };
}

async function rulesWith(host: RuntimeHost, address: string): Promise<readonly string[]> {
  const ruleset = await host.must(['nft', 'list', 'ruleset']);
  const whole = new RegExp(`(^|[^0-9a-f.:])${RegExp.escape(address)}($|[^0-9a-f.:])`);
  return ruleset.split('\n').filter((line) => whole.test(line));
}

function readLeases({ dir }: RuntimeHost): readonly string[] {
  const files = readdirSync(`${dir}/cni-state`, { recursive: true, encoding: 'utf8' });
  return files.filter((path) => /^networks\/[^/]+\/[0-9a-f]+[.:][0-9a-f.:]+$/.test(path));
}
