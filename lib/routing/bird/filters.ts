import type { Family } from '../../net/address.ts';
import type { Networks } from './networks.ts';
import { block } from './words.ts';

/** What is announced, learned, seen in the kernel and installed in it, for one family. */
export function renderFilters(networks: Networks): readonly string[] {
  const { family } = networks;
  return [
    ...renderSet(`is_own${family}`, [...networks.blocks, ...networks.singles]),
    ...renderSet(`is_within_own${family}`, [...networks.blocks, ...networks.singles].map(andNarrower)),
    ...renderSet(`is_single${family}`, networks.singles),
    ...renderSet(`is_lent${family}`, networks.lent),
    ...renderSet(`is_accepted${family}`, networks.accepted),
    ...renderSet(`is_of_containers${family}`, networks.pools.map(andNarrower)),
    ...renderAnnounced(networks),
    ...renderLearned(networks),
    ...renderSeen(networks),
    ...renderInstalled(networks),
  ];
}

/** What a route reflector tells the other hosts: its own, and what it has heard. */
export function renderReflected(family: Family): readonly string[] {
  return filter(`reflected${family}`, [
    `if is_own${family}() then accept;`,
    'if source = RTS_BGP then accept;',
  ]);
}

/** To BIRD a set without elements is a mistake. */
function renderSet(name: string, elements: readonly string[]): readonly string[] {
  const answer = elements.length === 0 ? 'false' : `net ~ [ ${elements.join(', ')} ]`;
  return block(`function ${name}()`, [`return ${answer};`]);
}

function andNarrower(network: string): string {
  return `${network}+`;
}

/** Whole blocks, not what containers have of them; a borrowed address as soon as the kernel knows its container. */
function renderAnnounced({ family }: Networks): readonly string[] {
  return filter(`announced${family}`, [`if is_own${family}() then accept;`]);
}

/** Nobody takes what is this host's, but for the addresses that it has lent. */
function renderLearned({ family }: Networks): readonly string[] {
  return filter(`learned${family}`, [
    `if is_within_own${family}() && !is_lent${family}() then reject;`,
    `if is_accepted${family}() then accept;`,
  ]);
}

/** Of the containers' routes BIRD needs only those that it is to announce: there may be thousands. */
function renderSeen({ family }: Networks): readonly string[] {
  return filter(`seen${family}`, [
    `if is_single${family}() then accept;`,
    `if !is_of_containers${family}() then accept;`,
  ]);
}

function renderInstalled({ family }: Networks): readonly string[] {
  return filter(`installed${family}`, [`if source = RTS_BGP || proto = "blocks${family}" then accept;`]);
}

function filter(name: string, statements: readonly string[]): readonly string[] {
  return block(`filter ${name}`, [...statements, 'reject;']);
}
