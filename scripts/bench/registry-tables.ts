import { formatCount, formatMs, renderTable } from './markdown.ts';
import type { RegistryFigures } from './registry.ts';
import type { PairFigures } from './statistics.ts';
import { watchers } from './watchers.ts';

/** What names cost, and what the agent serves. Pure. */
export function renderRegistry(figures: RegistryFigures): string {
  return [
    renderRegistration(figures),
    renderResolvable(figures),
    renderDns(figures),
    renderWatchers(figures),
    renderLeaving(figures),
  ].join('\n\n');
}

function renderRegistration({ registration: { withAgent, withoutAgent, off } }: RegistryFigures): string {
  const title = ['registration, medians, ms', 'ADD', 'over none', 'DEL', 'over none'];
  const rowOf = (name: string, { add, del }: PairFigures) => [
    name,
    formatMs(add.medianMs),
    formatMs(add.medianMs - off.add.medianMs),
    formatMs(del.medianMs),
    formatMs(del.medianMs - off.del.medianMs),
  ];
  const rows = [
    rowOf('registered, the agent running', withAgent),
    rowOf('registered, no agent', withoutAgent),
    rowOf('none: `"registry": false`', off),
  ];
  return renderTable({ title, rows, texts: 1 });
}

function renderResolvable({ resolvable }: RegistryFigures): string {
  const { cycles, wrongAfterAdd, wrongAfterDel } = resolvable;
  return (
    `${formatCount(cycles)} containers came and went, and two names of each were asked for as soon as each call had ` +
    `returned: ${wrongAfterAdd} wrong answers after ADD, ${wrongAfterDel} after DEL.`
  );
}

function renderDns({ dns: { names, throughput, pace, latency, memory } }: RegistryFigures): string {
  const paced = `at ${formatCount(pace)} a second, ms:`;
  const title = [
    `DNS, ${formatCount(names)} names`,
    'answers a second',
    'processor, µs each',
    `${paced} median`,
    '99th of 100',
  ];
  const rows = (['ours', 'dnsmasq'] as const).map((server) => {
    const { perSecond, processorUs } = throughput[server];
    const { medianMs, p99Ms } = latency[server];
    return [server, formatCount(perSecond), processorUs.toFixed(1), medianMs.toFixed(2), p99Ms.toFixed(2)];
  });
  const [nowMb, peakMb] = [memory.residentMb, memory.peakMb].map(formatCount);
  return `${renderTable({ title, rows, texts: 1 })}\n\nThe agent then has ${nowMb} MB in memory, and had ${peakMb} MB at its most.`;
}

function renderWatchers({ watchers: figures }: RegistryFigures): string {
  const title = [
    `until the last of ${formatCount(watchers)} watchers has a change, ms`,
    'committed by a plugin, median',
    'sent to the API, median',
    'worst',
  ];
  const rows = figures.map(({ kind, committedMs, postedMs, worstMs }) => [
    kind === 'stream' ? 'event streams' : 'long polls',
    ...[committedMs, postedMs, worstMs].map(formatMs),
  ]);
  return renderTable({ title, rows, texts: 1 });
}

function renderLeaving({ leaving: { closed, deleted } }: RegistryFigures): string {
  const title = ['until DNS no longer answers, s', 'median', 'worst'];
  const seconds = (ms: number) => (ms / 1_000).toFixed(1);
  const rows = [
    ['port closed; checked every second, 3 failures', seconds(closed.medianMs), seconds(closed.worstMs)],
    ['namespace removed without a DEL', seconds(deleted.medianMs), seconds(deleted.worstMs)],
  ];
  return renderTable({ title, rows, texts: 1 });
}
