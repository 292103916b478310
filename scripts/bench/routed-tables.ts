import { formatMs, formatRatio, renderTable } from './markdown.ts';
import { ratio } from './ratio.ts';
import type { RoutedFigures } from './routed.ts';
import type { TrafficFigures } from './traffic.ts';

/** ptp beside the reference's, routed among many, and from host to host. Pure. */
export function renderRouted(figures: RoutedFigures): string {
  return [renderPairs(figures), renderTraffic(figures)].join('\n\n');
}

function renderPairs({ ptp, endpoints: { count, alone, among } }: RoutedFigures): string {
  const title = ['medians, ms', 'ADD', 'DEL', 'both', 'ratio of both'];
  const row = (name: string, { add, del, pair }: typeof alone, to: typeof alone) => [
    name,
    ...[add, del, pair].map(({ medianMs }) => formatMs(medianMs)),
    formatRatio(ratio(pair, to.pair)),
  ];
  const rows = [
    row("ptp, ipMasq: the reference's", ptp.reference, ptp.reference),
    row('ptp, ipMasq: ours', ptp.ours, ptp.reference),
    row('routed, alone on its host', alone, alone),
    row(`routed, among ${count.toLocaleString('en')} endpoints`, among, alone),
  ];
  return renderTable({ title, rows, texts: 1 });
}

function renderTraffic({ traffic: { hosts, wiredByHand, containers } }: RoutedFigures): string {
  const title = ['two hosts, medians', 'Gbit/s, one TCP connection', '/ hosts', 'echo, ms'];
  const row = (name: string, figures: TrafficFigures) => [
    name,
    figures.gigabitsPerSecond.toFixed(2),
    formatRatio(figures.gigabitsPerSecond / hosts.gigabitsPerSecond),
    figures.echoMs.toFixed(3),
  ];
  return renderTable({
    title,
    rows: [
      row('the hosts themselves', hosts),
      row('namespaces wired by hand: a veth pair and a route', wiredByHand),
      row('containers of routed', containers),
    ],
    texts: 1,
  });
}
