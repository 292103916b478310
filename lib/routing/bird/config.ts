import { type Family, formatAddress } from '../../net/address.ts';
import type { BirdSettings } from '../settings.ts';
import { type Filters, filtersOf } from './filters.ts';
import { type Networks, networksOf } from './networks.ts';
import { blocksProtocol, kernelProtocol } from './protocols.ts';
import { renderSession } from './session-text.ts';
import type { BirdWish } from './wish.ts';
import { block } from './words.ts';

/** So long BIRD waits after its start for the neighbours' routes before it removes those of the run before, in seconds. */
const longestRecoverySeconds = 15;

/** BIRD's configuration, for BIRD 2 and later. Pure; every value is typed, so nothing of the others' is read as syntax. */
export function renderBirdConfig(wish: BirdWish, settings: BirdSettings): string {
  const filters = { 4: filtersOf(networksOf(wish, 4)), 6: filtersOf(networksOf(wish, 6)) };
  const sections = [
    renderGlobals(wish, settings),
    ...wish.families.map((family) => renderFamily(networksOf(wish, family), filters[family], settings)),
    renderLinks(wish.families),
    ...wish.sessions.map((session) => renderSession(session, filters[session.remote.family], settings)),
  ];
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function renderGlobals({ routerId }: BirdWish, { gracefulRestartSeconds }: BirdSettings): readonly string[] {
  return [
    '# Written by the fairlead agent, which writes over every change.',
    'log stderr { info, warning, error, fatal, auth, bug };',
    'timeformat base iso long ms;',
    'timeformat protocol iso long;',
    `router id ${formatAddress(routerId)};`,
    `graceful restart wait ${Math.min(gracefulRestartSeconds, longestRecoverySeconds)};`,
  ];
}

function renderFamily(
  networks: Networks,
  { announced, reflected, learned, seen, installed }: Filters,
  { reflector }: BirdSettings,
): readonly string[] {
  const used = [announced, ...(reflector === undefined ? [] : [reflected]), learned, seen, installed];
  return [
    ...used.flatMap(({ lines }) => lines),
    ...renderBlocks(networks),
    ...renderKernel(networks, { seen, installed }),
  ];
}

/** What of this host's is announced whether a container has it or not, and what drops packets for those that none has. */
function renderBlocks({ family, blocks }: Networks): readonly string[] {
  const routes = blocks.map((network) => `route ${network} blackhole;`);
  return block(`protocol static ${blocksProtocol(family)}`, [`ipv${family};`, ...routes]);
}

/**
 * `learn`: the routes to containers that have borrowed addresses, and those to hosts behind a router. `persist` and
 * `graceful restart`: the kernel's routes outlast BIRD, and are compared only once it knows again what they should be.
 */
function renderKernel(
  { family }: Networks,
  { seen, installed }: Pick<Filters, 'seen' | 'installed'>,
): readonly string[] {
  return block(`protocol kernel ${kernelProtocol(family)}`, [
    'learn;',
    'persist;',
    'graceful restart yes;',
    'merge paths yes;',
    'scan time 5;',
    `ipv${family} { import filter ${seen.name}; export filter ${installed.name}; };`,
  ]);
}

/** Which networks are on a link is what gateways are found by; containers' links have none. */
function renderLinks(families: readonly Family[]): readonly string[] {
  const channels = families.map((family) => `ipv${family};`);
  return [
    ...block('protocol device', ['scan time 10;']),
    ...block('protocol direct', [...channels, 'interface -"veth*", "*";']),
  ];
}
