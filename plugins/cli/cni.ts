import type { Command } from 'commander';
import { escapeControls } from '../../lib/log/controls.ts';
import type { CniStatus } from '../../lib/resident/status.ts';
import { measures } from '../../lib/resident/times.ts';
import { type AgentOptions, askAgent, withAgentOptions } from './ask-agent.ts';
import { createPaint, type Paint, print, type Terminal, toTable } from './terminal.ts';

/** `cni`: which path CNI calls take, as the agent counts them. */
export function addCni(program: Command, terminal: Terminal): void {
  withAgentOptions(
    program
      .command('cni')
      .description(
        'show which path CNI calls take, how long their parts take, and why clients go their own way',
      ),
  ).action(async (options: AgentOptions) => {
    const status = await askAgent<CniStatus>(options, { method: 'GET', path: '/v1/cni' });
    print(terminal, options.json === true, status, () => renderCni(status, createPaint(terminal)));
  });
}

/** The sections of what is shown, with what there is nothing of left out. */
export function renderCni(status: CniStatus, paint: Paint): string {
  const sections = [
    renderSummary(status, paint),
    renderCalls(status),
    renderPhases(status),
    renderFallbacks(status),
  ];
  return sections.filter((section) => section !== '').join('\n\n');
}

function renderSummary({ socket, isServing, workers, problems }: CniStatus, paint: Paint): string {
  const { running, wanted, restarts } = workers;
  const state = isServing ? paint('green', 'serving') : paint('red', 'not serving');
  return [
    `socket   ${state}  ${socket}`,
    `workers  ${running} of ${wanted}${restarts === 0 ? '' : `, ${restarts} restarts`}`,
    ...problems.map((problem) => `${paint('red', 'problem')}  ${escapeControls(problem)}`),
  ].join('\n');
}

function renderCalls({ calls }: CniStatus): string {
  if (calls.length === 0) return 'no calls yet';
  return toTable(
    ['PATH', 'PLUGIN', 'VERB', 'CODE', 'CALLS'],
    calls.map(({ path, plugin, verb, code, count }) => [path, plugin, verb, code || '-', String(count)]),
  );
}

/** The medians in milliseconds. */
function renderPhases({ phases }: CniStatus): string {
  if (phases.length === 0) return '';
  return toTable(
    ['VERB', 'OF', ...measures.map((measure) => `${measure.toUpperCase()} ms`)],
    phases.map(({ verb, of, medianMs }) => [
      verb,
      String(of),
      ...measures.map((measure) => medianMs[measure].toFixed(2)),
    ]),
  );
}

function renderFallbacks({ fallbacks }: CniStatus): string {
  if (fallbacks.length === 0) return '';
  return toTable(
    ['OWN-WAY', 'CALLS', 'LAST'],
    fallbacks.map(({ reason, count, lastAtMs }) => [reason, String(count), new Date(lastAtMs).toISOString()]),
  );
}
