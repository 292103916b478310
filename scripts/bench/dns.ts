import { alternate, createSeries, type Rounds } from './alternate.ts';
import { type Context, roundsOf } from './context.ts';
import { type DnsServer, startDnsServers } from './dns-servers.ts';
import { type Load, runDnsperf } from './dnsperf.ts';
import { type Memory, readMemory, readProcessorMs } from './process-usage.ts';
import { Rig } from './rig.ts';
import { median, quantile } from './statistics.ts';

/** A server under as many queries as it answers: medians of the rounds. */
export type Throughput = {
  readonly perSecond: number;
  /** Processor time that an answer takes the server: tells more than the rate where others use the machine, too. */
  readonly processorUs: number;
};

/** A server under a load that it can bear: medians of the rounds. */
export type Latency = { readonly medianMs: number; readonly p99Ms: number; readonly worstMs: number };

/** Our agent and dnsmasq, each with the same names. */
export type DnsFigures = {
  readonly names: number;
  readonly throughput: Both<Throughput>;
  /** Half of what ours answers in a second, which is asked of both for their latency. */
  readonly pace: number;
  readonly latency: Both<Latency>;
  /** The agent's, after all that. */
  readonly memory: Memory;
};

/** The same of both servers. */
export type Both<T> = { readonly ours: T; readonly dnsmasq: T };

/** What is asked of both servers, in the namespace of both. */
type Case = { readonly servers: Both<DnsServer>; readonly load: Omit<Load, 'port'>; readonly rounds: Rounds };

const names = 10_000;
const seconds = 1.5;

/** All names in random order, ours and dnsmasq alternating. */
export async function measureDns(context: Context): Promise<DnsFigures> {
  await using rig = new Rig(context, 'dns');
  context.progress.tell(`DNS: registering ${names} names`);
  const { host, servers, queries } = await startDnsServers(rig, context, names);
  const load = { netns: host.name, queries, seconds, interruption: rig.interruption };
  const floods = { servers, load, rounds: fewerRounds(context, 'DNS', 4) };
  const throughput = await measureBoth(floods, takeThroughput, medianThroughput);
  const pace = throughput.ours.perSecond / 2;
  const paced = { servers, load: { ...load, rate: pace }, rounds: fewerRounds(context, 'DNS, paced', 8) };
  const latency = await measureBoth(paced, takeLatency, medianLatency);
  return { names, throughput, pace, latency, memory: readMemory(servers.ours.pid) };
}

/** A round is longer than a call. */
function fewerRounds(context: Context, name: string, by: number): Rounds {
  const rounds = roundsOf(context, name);
  return { ...rounds, count: Math.ceil(rounds.count / by) };
}

async function measureBoth<Sample>(
  { servers, load, rounds }: Case,
  take: (load: Load, server: DnsServer) => Promise<Sample>,
  summarize: (samples: readonly Sample[]) => Sample,
): Promise<Both<Sample>> {
  const series = (server: DnsServer) => createSeries(() => take({ ...load, port: server.port }, server));
  const both = { ours: series(servers.ours), dnsmasq: series(servers.dnsmasq) };
  await alternate([both.ours, both.dnsmasq], rounds);
  return { ours: summarize(both.ours.samples), dnsmasq: summarize(both.dnsmasq.samples) };
}

async function takeThroughput(load: Load, { pid }: DnsServer): Promise<Throughput> {
  const beforeMs = readProcessorMs(pid);
  const { perSecond, completed } = await runDnsperf(load);
  return { perSecond, processorUs: ((readProcessorMs(pid) - beforeMs) * 1_000) / completed };
}

function medianThroughput(samples: readonly Throughput[]): Throughput {
  return {
    perSecond: median(samples.map(({ perSecond }) => perSecond)),
    processorUs: median(samples.map(({ processorUs }) => processorUs)),
  };
}

async function takeLatency(load: Load): Promise<Latency> {
  const { latenciesMs } = await runDnsperf(load);
  const at = (share: number) => quantile(latenciesMs, share);
  return { medianMs: at(0.5), p99Ms: at(0.99), worstMs: at(1) };
}

function medianLatency(samples: readonly Latency[]): Latency {
  return {
    medianMs: median(samples.map(({ medianMs }) => medianMs)),
    p99Ms: median(samples.map(({ p99Ms }) => p99Ms)),
    worstMs: median(samples.map(({ worstMs }) => worstMs)),
  };
}
