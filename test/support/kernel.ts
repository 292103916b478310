import { mustInside, run, tryInside } from './process.ts';

/** One link as `ip -j -d addr show` prints it; what tests look at. */
export type KernelLink = {
  readonly ifname: string;
  readonly ifalias?: string;
  readonly address: string;
  readonly mtu: number;
  readonly flags: readonly string[];
  readonly master?: string;
  readonly addr_info: readonly KernelAddress[];
  readonly linkinfo?: {
    readonly info_kind?: string;
    readonly info_slave_kind?: string;
    readonly info_slave_data?: { readonly hairpin: boolean; readonly isolated: boolean };
  };
};

export type KernelAddress = {
  readonly family: 'inet' | 'inet6';
  readonly local: string;
  readonly prefixlen: number;
  readonly scope: string;
  readonly broadcast?: string;
};

/** One route as `ip -j route show` prints it. */
export type KernelRoute = {
  readonly dst: string;
  readonly gateway?: string;
  readonly dev?: string;
  readonly scope?: string;
  readonly protocol?: string;
  readonly prefsrc?: string;
  readonly metric?: number;
};

/** The links of a namespace with their addresses. */
export async function listLinks(netns: string): Promise<readonly KernelLink[]> {
  return parse(await mustInside(netns, 'ip', '-j', '-d', 'addr', 'show'));
}

/** A link of a namespace, which must be there. */
export async function linkOf(netns: string, name: string): Promise<KernelLink> {
  const links = await listLinks(netns);
  const found = links.find(({ ifname }) => ifname === name);
  if (found === undefined)
    throw new Error(`${netns} has no ${name}, only ${links.map(({ ifname }) => ifname)}`);
  return found;
}

/** The names of a namespace's links, without those that the kernel gives every namespace. */
export async function linkNames(netns: string): Promise<readonly string[]> {
  return (await listLinks(netns))
    .map(({ ifname }) => ifname)
    .filter((name) => name !== 'lo')
    .sort();
}

/** The global addresses of a link, with their prefix lengths. */
export function addressesOf({ addr_info }: KernelLink): readonly string[] {
  return addr_info
    .filter(({ scope }) => scope === 'global')
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`);
}

/** The routes of one family in the main table. */
export async function listRoutes(netns: string, family: 4 | 6): Promise<readonly KernelRoute[]> {
  return parse(await mustInside(netns, 'ip', `-${family}`, '-j', 'route', 'show'));
}

/** A file below /proc/sys/net as a namespace sees it; undefined where it has none. */
export async function readSysctl(netns: string, path: string): Promise<string | undefined> {
  const { status, stdout } = await tryInside(netns, 'cat', `/proc/sys/net/${path}`);
  return status === 0 ? stdout.trim() : undefined;
}

export async function writeSysctl(netns: string, path: string, value: string): Promise<void> {
  await mustInside(netns, 'sh', '-c', `echo ${value} > /proc/sys/net/${path}`);
}

type NftObject = Readonly<Record<string, { readonly [field: string]: unknown } | undefined>>;

/** What nftables holds in a namespace, in the order of `nft -j list ruleset`. */
export async function listNft(netns: string): Promise<readonly NftObject[]> {
  const { nftables }: { nftables: readonly NftObject[] } = JSON.parse(
    await mustInside(netns, 'nft', '-j', 'list', 'ruleset'),
  );
  return nftables.filter((object) => object.metainfo === undefined);
}

/** Every element of every set and map of our tables, as `set: key` or `map: [key,value]`. */
export async function listElements(netns: string): Promise<readonly string[]> {
  const holders = (await listNft(netns)).flatMap(({ set, map }) => [set ?? map ?? {}]);
  return holders
    .filter(({ table }) => /^fairlead(_|$)/.test(String(table)))
    .flatMap(({ name, elem }) =>
      (Array.isArray(elem) ? elem : []).map((each) => `${name}: ${JSON.stringify(each)}`),
    )
    .sort();
}

/** Without the elements that are a link's own: they name no attachment, and stay as the link does. */
export function withoutOwnOf(links: readonly string[], elements: readonly string[]): readonly string[] {
  return elements.filter(
    (element) => element.includes('"comment"') || !links.some((name) => element.includes(`"${name}"`)),
  );
}

/** The names of our chains of a table's family. */
export async function listChains(netns: string, family: 'inet' | 'bridge'): Promise<readonly string[]> {
  return (await listNft(netns)).flatMap(({ chain }) =>
    chain?.table === 'fairlead' && chain.family === family ? [String(chain.name)] : [],
  );
}

/** All that an attachment could have changed in a namespace, comparable with what it was before. */
export type KernelState = {
  readonly links: readonly object[];
  readonly routes: readonly (readonly KernelRoute[])[];
  readonly elements: readonly string[];
};

/** Links with addresses and ports' settings, routes of both families, and elements of our nftables sets. */
export async function observeState(netns: string): Promise<KernelState> {
  const [links, v4, v6, elements] = await Promise.all([
    listLinks(netns),
    listRoutes(netns, 4),
    listRoutes(netns, 6),
    listElements(netns),
  ]);
  return {
    links: links.map(withoutCounters),
    routes: [v4, v6].map((routes) => routes.map(withoutFlags)),
    elements,
  };
}

/** Whether the link has a carrier shows in a route's flags, and comes late. */
function withoutFlags(route: KernelRoute): KernelRoute {
  const { flags: _, ...lasting } = { flags: undefined, ...route };
  return lasting;
}

/** Of an address, a lifetime and the state of duplicate address detection pass by themselves. */
function withoutCounters({ ifname, ifalias, address, mtu, flags, master, addr_info }: KernelLink): object {
  const lasting = flags.filter((flag) => !['LOWER_UP', 'NO-CARRIER'].includes(flag));
  const addresses = addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`);
  return { ifname, ifalias, address, mtu, flags: lasting, master, addresses };
}

/** Whether the kernel can filter VLANs on a bridge. */
export async function hasVlanFiltering(netns: string): Promise<boolean> {
  const add = ['link', 'add', 'name', 'probe0', 'type', 'bridge', 'vlan_filtering', '1'];
  const { status } = await tryInside(netns, 'ip', ...add);
  await run({ file: 'nsenter', args: [`--net=/run/netns/${netns}`, 'ip', 'link', 'del', 'dev', 'probe0'] });
  return status === 0;
}

function parse<T>(text: string): readonly T[] {
  return text.trim() === '' ? [] : JSON.parse(text);
}
