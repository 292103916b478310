import { formatCount, formatMs, formatRatio, renderTable } from './markdown.ts';
import type { OverlayFigures } from './overlay.ts';
import type { Delays } from './overlay-changes.ts';
import type { TrafficFigures } from './traffic.ts';

/** The overlay beside flanneld's, and how it follows what happens. Pure. */
export function renderOverlay(figures: OverlayFigures): string {
  return [renderTraffic(figures), renderChanges(figures), renderHosts(figures)].join('\n\n');
}

function renderTraffic({ traffic: { ours, masqueraded, flanneld } }: OverlayFigures): string {
  const title = [
    'containers of two hosts, medians',
    'Gbit/s, one TCP connection',
    '/ flanneld',
    'echo, ms',
    '/ flanneld',
  ];
  const row = (name: string, figures: TrafficFigures) => [
    name,
    figures.gigabitsPerSecond.toFixed(2),
    formatRatio(figures.gigabitsPerSecond / flanneld.gigabitsPerSecond),
    figures.echoMs.toFixed(3),
    formatRatio(figures.echoMs / flanneld.echoMs),
  ];
  const rows = [
    row('flanneld (no masquerade)', flanneld),
    row('ours, no masquerade', ours),
    row('ours as it is by default, with masquerade', masqueraded),
  ];
  return renderTable({ title, rows, texts: 1 });
}

function renderChanges({ changes: { arrival, return: back } }: OverlayFigures): string {
  const title = ['until all containers reach each other, ms', 'median', 'worst', 'of'];
  const row = (name: string, { medianMs, worstMs, samples }: Delays) => [
    name,
    formatMs(medianMs),
    formatMs(worstMs),
    formatCount(samples),
  ];
  const rows = [
    row('a host has leased its subnet; its first ADD included', arrival),
    row(`a host that was cut off for ${formatCount(back.cutMs / 1000)} s is healed; names, too`, back),
  ];
  return renderTable({ title, rows, texts: 1 });
}

function renderHosts({ hosts: { hosts, coldMs, oneMoreMs, peakMb } }: OverlayFigures): string {
  return (
    `An agent that starts among ${formatCount(hosts)} hosts leads to all of them after ${formatCount(coldMs)} ms, and to ` +
    `one more ${formatCount(oneMoreMs)} ms after its lease is written; it had ${formatCount(peakMb)} MB in memory at its most.`
  );
}
