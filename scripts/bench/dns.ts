import { writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { hostName, startAgent } from './agent.ts';
import { alternate, createSeries, type Series } from './alternate.ts';
import { type Context, roundsOf } from './context.ts';
import { startDaemon } from './daemon.ts';
import { runDnsperf } from './dnsperf.ts';
import type { Host } from './host.ts';
import { addressOf, storeOf } from './network.ts';
import { type Memory, readMemory, readProcessorMs } from './process-usage.ts';
import { Rig } from './rig.ts';
import { quantile } from './statistics.ts';

/** One server under as many queries as it answers: medians of the rounds. */
export type Throughput = {
  readonly perSecond: number;
  /** Processor time that one answer takes the server; says more than the rate where others use the machine, too. */
  readonly processorUs: number;
  readonly lost: number;
};

/** One server at half the rate that ours answers. */
export type Latency = { readonly medianMs: number; readonly p99Ms: number; readonly worstMs: number };

/** The same names in the agent's DNS and in dnsmasq. */
export type DnsFigures = {
  readonly names: number;
  readonly rounds: number;
  readonly ours: Throughput;
  readonly dnsmasq: Throughput;
  readonly pacedPerSecond: number;
  readonly oursPaced: Latency;
  readonly dnsmasqPaced: Latency;
  /** The agent's, after all that. */
  readonly memory: Memory;
};

/** A server, and where it answers. */
type Server = { readonly pid: number; readonly port: number };

type Sample = { readonly perSecond: number; readonly processorUs: number; readonly lost: number };

const names = 10_000;
const network = 'fl-dns';
const dnsmasqPort = 5301;

/** A registry full of names, asked in random order; and dnsmasq with the same names in a hosts file. */
export async function measureDns(context: Context): Promise<DnsFigures> {
  await using rig = new Rig(context, 'dns');
  const host = await rig.host();
  context.progress.tell(`DNS: registering ${names}`);
  await fillRegistry(rig, host);
  const agent = await startAgent(rig, host, context.ours);
  const dnsmasq = await startDnsmasq(rig, host);
  const queries = writeQueries(rig);
  const seconds = context.isQuick ? 1 : 2;
  const loading = (server: Server) =>
    createSeries(() => takeSample({ rig, host, server, queries, seconds }));
  const [ours, theirs] = [loading(agent), loading(dnsmasq)];
  const rounds = roundsOf(context, 'DNS');
  const count = Math.ceil(rounds.count / 4);
  await alternate([ours, theirs], { ...rounds, count });
  const throughput = summarizeLoad(ours);
  context.progress.tell('DNS: at half its own rate');
  const rate = throughput.perSecond / 2;
  const pace = async ({ port }: Server) =>
    summarizeLatency(
      (await runDnsperf(rig, host, { port, queries, rate, seconds: 2 * seconds })).latenciesMs,
    );
  return {
    names,
    rounds: count,
    ours: throughput,
    dnsmasq: summarizeLoad(theirs),
    pacedPerSecond: rate,
    oursPaced: await pace(agent),
    dnsmasqPaced: await pace(dnsmasq),
    memory: readMemory(agent.pid),
  };
}

async function fillRegistry(rig: Rig, host: Host): Promise<void> {
  const script = `${import.meta.dirname}/fill-registry.ts`;
  await execa(process.execPath, [script, storeOf(rig, host), network, `${names}`], {
    timeout: 60_000,
    cancelSignal: rig.interruption,
  });
}

function allNames(): readonly string[] {
  return Array.from({ length: names }, (_, at) => hostName(`c${at}`, network));
}

/** As Debian starts it for a network of containers, with nothing of this machine's own configuration. */
async function startDnsmasq(rig: Rig, host: Host): Promise<Server> {
  const hosts = `${rig.dir}/hosts`;
  const lines = allNames().map((name, at) => `${addressOf(at)} ${name}\n`);
  writeFileSync(hosts, lines.join(''));
  const options = ['--no-daemon', '--conf-file=/dev/null', '--user=root', '--no-resolv', '--no-hosts'];
  const listen = ['--listen-address=127.0.0.1', '--bind-interfaces', `--port=${dnsmasqPort}`];
  const argv = ['dnsmasq', ...options, ...listen, `--addn-hosts=${hosts}`];
  const { pid } = await startDaemon(rig, { netns: host.name, argv, readyLine: /\d names$/ });
  return { pid, port: dnsmasqPort };
}

function writeQueries(rig: Rig): string {
  const path = `${rig.dir}/queries`;
  const shuffled = allNames()
    .map((name) => ({ name, at: Math.random() }))
    .toSorted((one, other) => one.at - other.at);
  writeFileSync(path, shuffled.map(({ name }) => `${name} A\n`).join(''));
  return path;
}

type Loading = {
  readonly rig: Rig;
  readonly host: Host;
  readonly server: Server;
  readonly queries: string;
  readonly seconds: number;
};

async function takeSample({ rig, host, server, queries, seconds }: Loading): Promise<Sample> {
  const beforeMs = readProcessorMs(server.pid);
  const { perSecond, completed, lost } = await runDnsperf(rig, host, { port: server.port, queries, seconds });
  const usedMs = readProcessorMs(server.pid) - beforeMs;
  return { perSecond, lost, processorUs: (usedMs * 1_000) / completed };
}

function summarizeLoad({ samples }: Series<Sample>): Throughput {
  const median = (of: (sample: Sample) => number) => quantile(samples.map(of), 0.5);
  return {
    perSecond: median(({ perSecond }) => perSecond),
    processorUs: median(({ processorUs }) => processorUs),
    lost: samples.reduce((sum, { lost }) => sum + lost, 0),
  };
}

function summarizeLatency(latenciesMs: readonly number[]): Latency {
  const at = (share: number) => quantile(latenciesMs, share);
  return { medianMs: at(0.5), p99Ms: at(0.99), worstMs: at(1) };
}
