import { writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { type Agent, hostName, startAgent } from './agent.ts';
import type { Context } from './context.ts';
import { startDaemon } from './daemon.ts';
import type { Host } from './host.ts';
import { addressOf, storeOf } from './network.ts';
import type { Rig } from './rig.ts';

/** A DNS server, and where on its host's loopback it answers. */
export type DnsServer = { readonly pid: number; readonly port: number };

/** Both servers with the same names, on one host. */
export type DnsServers = {
  readonly host: Host;
  readonly servers: { readonly ours: Agent; readonly dnsmasq: DnsServer };
  /** A file for dnsperf: all names in random order. */
  readonly queries: string;
};

const network = 'fl-dns';
const dnsmasqPort = 5301;

/** Starts the agent over a registry with so many names, and dnsmasq with the same names in a hosts file. */
export async function startDnsServers(rig: Rig, { ours }: Context, count: number): Promise<DnsServers> {
  const host = await rig.host();
  await fillRegistry(rig, host, count);
  const names = Array.from({ length: count }, (_, at) => hostName(`c${at}`, network));
  return {
    host,
    servers: {
      ours: await startAgent(rig, host, ours),
      dnsmasq: await startDnsmasq(rig, host, names),
    },
    queries: writeQueries(rig, names),
  };
}

async function fillRegistry(rig: Rig, host: Host, count: number): Promise<void> {
  const script = `${import.meta.dirname}/fill-registry.ts`;
  await execa(process.execPath, [script, storeOf(rig, host), network, `${count}`], {
    timeout: 60_000,
    cancelSignal: rig.interruption,
  });
}

/** With its own defaults, and nothing of what this machine has configured. */
async function startDnsmasq(rig: Rig, host: Host, names: readonly string[]): Promise<DnsServer> {
  const hosts = `${rig.dir}/hosts`;
  writeFileSync(hosts, names.map((name, at) => `${addressOf(at)} ${name}\n`).join(''));
  // As root: the run's directory is for nobody else.
  const options = ['--no-daemon', '--conf-file=/dev/null', '--user=root', '--no-resolv', '--no-hosts'];
  const listen = ['--listen-address=127.0.0.1', '--bind-interfaces', `--port=${dnsmasqPort}`];
  const argv = ['dnsmasq', ...options, ...listen, `--addn-hosts=${hosts}`];
  const { pid } = await startDaemon(rig, { place: { netns: host.name }, argv, readyLine: /\d names$/ });
  return { pid, port: dnsmasqPort };
}

function writeQueries(rig: Rig, names: readonly string[]): string {
  const path = `${rig.dir}/queries`;
  const shuffled = names
    .map((name) => ({ name, place: Math.random() }))
    .toSorted((one, other) => one.place - other.place);
  writeFileSync(path, shuffled.map(({ name }) => `${name} A\n`).join(''));
  return path;
}
