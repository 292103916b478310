import { formatAddress } from '../../net/address.ts';
import type { BirdSettings } from '../settings.ts';
import type { Filter, Filters } from './filters.ts';
import type { Session } from './sessions.ts';
import { block, quoted } from './words.ts';

/** One BGP session of BIRD's configuration. */
export function renderSession(session: Session, filters: Filters, settings: BirdSettings): readonly string[] {
  const { local, remote, asn, password, reflectedUnder } = session;
  const source = local === undefined ? '' : ` ${formatAddress(local)}`;
  return block(`protocol bgp ${session.name}`, [
    `description ${quoted(session.title)};`,
    `local${source} as ${settings.asn};`,
    `neighbor ${formatAddress(remote)} as ${asn};`,
    hopsOf(session),
    ...(password === undefined ? [] : [`password "${password}";`]),
    ...(reflectedUnder === undefined ? [] : ['rr client;', `rr cluster id ${reflectedUnder};`]),
    ...renderTimes(settings),
    renderChannel(
      session,
      reflectsTo(session, settings) ? filters.reflected : filters.announced,
      session.isHost ? `filter ${filters.learned.name}` : 'none',
    ),
  ]);
}

function hopsOf({ multihop }: Session): string {
  if (multihop === undefined) return 'direct;';
  return multihop === 'any' ? 'multihop;' : `multihop ${multihop};`;
}

/** BIRD's own times are those of the Internet, where an attempt every two minutes is enough. */
function renderTimes({ holdTimeSeconds, gracefulRestartSeconds }: BirdSettings): readonly string[] {
  return [
    `hold time ${holdTimeSeconds};`,
    `startup hold time ${holdTimeSeconds};`,
    'connect delay time 1;',
    'connect retry time 5;',
    'error wait time 2, 30;',
    'graceful restart yes;',
    `graceful restart time ${gracefulRestartSeconds};`,
  ];
}

/** A configured peer is told what is this host's alone: what others have they tell it themselves. */
function reflectsTo({ kind }: Session, { reflector }: BirdSettings): boolean {
  return reflector !== undefined && kind !== 'configured';
}

function renderChannel({ remote: { family } }: Session, told: Filter, taken: string): string {
  return `ipv${family} { import ${taken}; export filter ${told.name}; add paths yes; };`;
}
