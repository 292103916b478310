import type { BgpStatus, NeighbourStatus } from '../../routing/bgp-status.ts';
import { orOk, problem, skipped, type Verdict, warning } from '../check.ts';
import { shellWord } from '../shell-word.ts';

export type BirdEvidence = {
  readonly bgp: BgpStatus;
  /** BIRD's control socket. */
  readonly socket: string;
};

/** BIRD's word for a session that carries routes. */
const established = 'Established';

/** @param evidence undefined where the agent writes the routes itself */
export function judgeBird(evidence: BirdEvidence | undefined): readonly Verdict[] {
  if (evidence === undefined) return [skipped('no routes of BIRD here')];
  const { bgp, socket } = evidence;
  const { version, neighbours, problems } = bgp;
  const ask = `birdc -s ${shellWord(socket)}`;
  const said = problems.map((each) => warning(`the agent says: ${each}`, 'fairlead bgp'));
  if (version === undefined) return [notAnswering(socket), ...said];
  const down = neighbours.filter(({ state }) => state !== established);
  const verdicts = [...down.map((neighbour) => judgeDown(neighbour, ask)), ...said];
  const sessions =
    neighbours.length === 0 ? 'there is no other host yet' : `${neighbours.length} sessions established`;
  return orOk(verdicts, `BIRD ${version} answers: ${sessions}`);
}

function notAnswering(socket: string): Verdict {
  return problem(
    `BIRD does not answer at ${socket}: the routes that the kernel has stay, and nothing new is learned`,
    'systemctl enable --now fairlead-bird; journalctl -u fairlead-bird says why one that was started has ended',
  );
}

function judgeDown({ address, name, state, lastError }: NeighbourStatus, ask: string): Verdict {
  const because = lastError === undefined || lastError === '' ? '' : ` (${lastError})`;
  return problem(
    `the session with ${name} at ${address} is not established: ${state}${because}`,
    `see that TCP port 179 is open between the hosts, and that both have the same password: ${ask} show protocols all`,
  );
}
