import type { Command } from 'commander';
import { escapeControls } from '../../lib/log/controls.ts';
import type { BgpStatus, NeighbourStatus } from '../../lib/routing/bgp-status.ts';
import { type AgentOptions, askAgent, withAgentOptions } from './ask-agent.ts';
import { createPaint, type Paint, print, type Terminal, toTable } from './terminal.ts';

/** `bgp`: this host's BIRD as the agent sees it. */
export function addBgp(program: Command, terminal: Terminal): void {
  withAgentOptions(
    program
      .command('bgp')
      .description("show this host's BGP neighbours, what is announced to them and what they have told"),
  ).action(async (options: AgentOptions) => {
    const status = await askAgent<BgpStatus>(options, { method: 'GET', path: '/v1/bgp' });
    print(terminal, options.json === true, status, () => renderBgp(status, createPaint(terminal)));
  });
}

function renderBgp({ version, routerId, asn, ...rest }: BgpStatus, paint: Paint): string {
  const { neighbours, announced, problems } = rest;
  const answers = version === undefined ? paint('red', 'does not answer') : `BIRD ${escapeControls(version)}`;
  return [
    `daemon     ${answers}`,
    `this host  AS ${asn}${routerId === undefined ? '' : `, router id ${routerId}`}`,
    `announced  ${announced.join(', ') || 'nothing'}`,
    ...problems.map((problem) => `${paint('red', 'problem')}    ${escapeControls(problem)}`),
    '',
    neighbours.length === 0 ? 'no neighbour' : renderNeighbours(neighbours, paint),
  ].join('\n');
}

function renderNeighbours(neighbours: readonly NeighbourStatus[], paint: Paint): string {
  return toTable(
    ['NEIGHBOUR', 'HOST', 'AS', 'KIND', 'STATE', 'SINCE', 'LEARNED', ''],
    neighbours.map(({ address, name, asn, kind, state, since, learned, lastError }) => [
      address,
      escapeControls(name),
      `${asn}`,
      kind,
      paint(state === 'Established' ? 'green' : 'red', escapeControls(state)),
      escapeControls(since),
      `${learned.length}`,
      escapeControls(lastError ?? ''),
    ]),
  );
}
