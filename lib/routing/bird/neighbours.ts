import { formatAddress } from '../../net/address.ts';
import type { NeighbourStatus } from '../bgp-status.ts';
import type { BirdRoute, ProtocolState } from './reply.ts';
import type { Session } from './sessions.ts';

/** How long a session may take to come up before that is a problem. */
const patienceMs = 10_000;

/** Sessions with hosts that are alive, and with configured peers, that have been down for a while. */
export function sessionProblems(
  sessions: readonly Session[],
  states: readonly ProtocolState[],
  nowMs: number,
): readonly string[] {
  const byName = new Map(states.map((state) => [state.name, state]));
  return sessions.flatMap((session) => {
    const state = byName.get(session.name);
    if (!session.isExpected || state === undefined || state.state === 'Established') return [];
    // BIRD's time has no zone: it is this host's, and so is ours.
    return nowMs - Date.parse(state.since) < patienceMs ? [] : [describeSession(session, state)];
  });
}

/** The neighbours for who asks. */
export function toNeighbours(
  sessions: readonly Session[],
  states: readonly ProtocolState[],
  routes: readonly BirdRoute[],
): readonly NeighbourStatus[] {
  const byName = new Map(states.map((state) => [state.name, state]));
  const learned = Map.groupBy(routes, ({ protocol }) => protocol);
  return sessions.map(({ name, remote, title, asn, kind }) => {
    const found = byName.get(name);
    return {
      address: formatAddress(remote),
      name: title,
      ...{ asn, kind },
      state: found?.state ?? 'unknown',
      since: found?.since ?? '',
      ...(found?.lastError === undefined ? {} : { lastError: found.lastError }),
      learned: (learned.get(name) ?? []).map(({ dst }) => dst),
    };
  });
}

function describeSession({ title, remote }: Session, { state, since, lastError }: ProtocolState): string {
  const error = lastError === undefined ? '' : `, ${lastError}`;
  return (
    `no BGP session with ${title} (${formatAddress(remote)}) since ${since}: ${state || 'down'}${error}; ` +
    'TCP port 179 must be open between the hosts, AS number and password the same'
  );
}
