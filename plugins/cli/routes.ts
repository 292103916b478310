import type { Command } from 'commander';
import { escapeControls } from '../../lib/log/controls.ts';
import type { RouteStatus, RoutingStatus } from '../../lib/routing/router.ts';
import { type AgentOptions, askAgent, withAgentOptions } from './ask-agent.ts';
import { createPaint, type Paint, print, type Terminal, toTable } from './terminal.ts';

/** `routes`: the ways to the other hosts' blocks, whoever has written them. */
export function addRoutes(program: Command, terminal: Terminal): void {
  withAgentOptions(
    program
      .command('routes')
      .description("show the ways to the other hosts' containers, and what had to be repaired"),
  ).action(async (options: AgentOptions) => {
    const status = await askAgent<RoutingStatus>(options, { method: 'GET', path: '/v1/routes' });
    print(terminal, options.json === true, status, () => renderRoutes(status, createPaint(terminal)));
  });
}

const writers = { bird: 'BIRD, over BGP', direct: 'the agent itself' } as const;

function renderRoutes({ mode, announced, routes, drift, problems }: RoutingStatus, paint: Paint): string {
  const repairs =
    drift.repairs === 0
      ? 'none'
      : `${drift.repairs}, last ${drift.lastAt}: ${escapeControls(drift.last.join('; '))}`;
  return [
    `written by  ${writers[mode]}`,
    `announced   ${announced.join(', ') || 'nothing'}`,
    `repairs     ${repairs}`,
    ...problems.map((problem) => `${paint('red', 'problem')}     ${escapeControls(problem)}`),
    '',
    routes.length === 0 ? 'no other host has a block' : renderTable(routes, paint),
  ].join('\n');
}

function renderTable(routes: readonly RouteStatus[], paint: Paint): string {
  return toTable(
    ['TO', 'HOST', 'GATEWAY', 'INTERFACE', 'WAY', 'STATE'],
    routes.map(({ dst, host, via, dev, way, isInstalled }) => [
      dst,
      escapeControls(host),
      via ?? '-',
      escapeControls(dev ?? '-'),
      way,
      isInstalled ? paint('green', 'installed') : paint('red', 'missing'),
    ]),
  );
}
