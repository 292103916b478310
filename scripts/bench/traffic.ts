import { inside, must, startBeside } from '../../test/support/process.ts';
import { median } from './statistics.ts';

/** Medians. */
export type TrafficFigures = { readonly gigabitsPerSecond: number; readonly echoMs: number };

/** A namespace, and the address that it is reached by. */
export type TrafficEnd = { readonly netns: string; readonly address: string };

/** Measures from one namespace to another: what gets through, and how long an echo takes. */
export async function measureBetween(from: TrafficEnd, to: TrafficEnd): Promise<TrafficFigures> {
  return {
    gigabitsPerSecond: await measureStream(from.netns, to.netns, to.address),
    echoMs: await measureEchoes(from.netns, to.address),
  };
}

/** The medians of several measurements. */
export function medianTraffic(samples: readonly TrafficFigures[]): TrafficFigures {
  return {
    gigabitsPerSecond: median(samples.map(({ gigabitsPerSecond }) => gigabitsPerSecond)),
    echoMs: median(samples.map(({ echoMs }) => echoMs)),
  };
}

const streamSeconds = 2;

/** By iperf3, over one TCP connection; what the receiver has counted. */
async function measureStream(from: string, to: string, address: string): Promise<number> {
  const script = 'timeout 20 iperf3 -s -1 >/dev/null & sleep 0.3; echo ready; wait';
  await using _server = await startBeside('nsenter', inside(to, 'sh', '-c', script));
  const args = ['iperf3', '-c', address, '-t', `${streamSeconds}`, '-O', '0.5', '-J'];
  const { end } = JSON.parse(await must('nsenter', inside(from, ...args)));
  return end.sum_received.bits_per_second / 1e9;
}

/** The median of so many, sent quickly. */
async function measureEchoes(from: string, address: string): Promise<number> {
  const text = await must('nsenter', inside(from, 'ping', '-n', '-i', '0.002', '-c', '300', address));
  return median([...text.matchAll(/time=([\d.]+) ms/g)].map(([, time]) => Number(time)));
}
