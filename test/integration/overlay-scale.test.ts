import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster, type Host } from '../support/cluster.ts';
import { changeLeases, leadsTo, leaseOf, simulatedLease } from '../support/overlay-state-crowd.ts';
import { CountedTools } from '../support/overlay-state-tools.ts';

const others = Array.from({ length: 199 }, (_, at) => simulatedLease(at + 1));

/** Three comparisons with the kernel: on a busy machine what etcd tells at once comes in pieces. */
const mostCalls = 30;

let cluster: Cluster;
let host: Host;
let tools: CountedTools;

beforeAll(async () => {
  cluster = await Cluster.create({ hosts: 1 });
  host = cluster.host(1);
  tools = new CountedTools(`${host.rig.dir}/tools`);
  await changeLeases(cluster, { put: others, del: [] });
});

afterAll(() => cluster[Symbol.asyncDispose]());

test('an agent that starts leads to 199 other hosts within 5 s, by few processes and in little memory', async () => {
  const begin = performance.now();
  // What it compares now and then, whether anything has changed or not, is not counted here.
  const config = host.agentConfig({ resyncInterval: '1h' });
  await tools.during(() => host.startAgent({ ...config }));
  await leadsTo(cluster, host, others);
  const readyMs = performance.now() - begin;
  const { calls } = tools;

  console.log({ readyMs, calls: calls.length, peakMb: peakMb() });
  expect(readyMs).toBeLessThan(5_000);
  expect(calls.length, calls.join('\n')).toBeLessThanOrEqual(mostCalls);
  expect(peakMb()).toBeLessThan(150);
});

test('fifty leases that are replaced at once are followed within 5 s, by no more processes', async () => {
  const { name: own } = await leaseOf(cluster, host);
  const restarted = others.slice(0, 25).map((_, at) => simulatedLease(at + 1, 1));
  const fresh = Array.from({ length: 26 }, (_, at) => simulatedLease(at + 200));
  const come = [...restarted, ...fresh.filter(({ name }) => name !== own).slice(0, 25)];
  const del = others.slice(25, 50).map(({ name }) => name);
  await tools.forget();

  const begin = performance.now();
  await changeLeases(cluster, { put: come, del });
  await leadsTo(cluster, host, [...come, ...others.slice(50)]);
  const followedMs = performance.now() - begin;
  const { calls } = tools;

  console.log({ followedMs, calls: calls.length, peakMb: peakMb() });
  expect(followedMs).toBeLessThan(5_000);
  expect(calls.length, calls.join('\n')).toBeLessThanOrEqual(mostCalls);
});

/** The most memory that the agent ever had, in megabytes. */
function peakMb(): number {
  const status = readFileSync(`/proc/${host.agent.pid}/status`, 'utf8');
  return (Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024) / 1_000_000;
}
