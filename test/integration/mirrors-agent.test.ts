import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OutsideRegistry } from '../../lib/mirror/mirror.ts';
import { bridgeConf } from '../support/confs.ts';
import { MirrorAgent } from '../support/mirror-agent.ts';
import {
  openAsReader,
  type RunningRegistry,
  startRegistries,
  toMirror,
  ttlSeconds,
} from '../support/registries.ts';
import { Rig } from '../support/rig.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const stack = new AsyncDisposableStack();
const noEnd = new AbortController().signal;
const isSoak = process.env.SOAK === '1';
let registries: readonly RunningRegistry[];
let readers: ReadonlyMap<string, OutsideRegistry>;

beforeAll(async () => {
  const dir = stack.use(temporaryDirectory());
  const started = stack.use(await startRegistries(dir.path));
  registries = started.all;
  readers = new Map(registries.map((each) => [each.kind, stack.use(openAsReader(each))]));
}, 120_000);

afterAll(() => stack.disposeAsync());

/** A network whose containers are a service at port 80. */
function serviceConf(rig: Rig, service: string) {
  return bridgeConf(rig, { registry: { store: rig.store, service, ports: [{ name: 'http', port: 80 }] } });
}

/** Milliseconds until a registry answers for a service with so many instances. */
async function timeUntil(kind: string, service: string, count: number, limitMs = 10_000): Promise<number> {
  const reader = readers.get(kind);
  if (reader === undefined) throw new Error(`no reader of ${kind}`);
  const startedAtMs = performance.now();
  const name = reader.nameOf({ namespace: 'default', service });
  for (;;) {
    const found = await reader.query(name, noEnd);
    const tookMs = performance.now() - startedAtMs;
    if (found.length === count) return tookMs;
    if (tookMs > limitMs)
      throw new Error(`${kind}: ${found.length} instances of ${service} after ${limitMs} ms`);
    await sleep(4);
  }
}

function medianOf(values: readonly number[]): number {
  return Math.round(values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN);
}

test('a container is in all five registries soon after its ADD, and in none soon after its DEL', async () => {
  await using rig = await Rig.create();
  await using agent = await MirrorAgent.start(rig, registries.map(toMirror));
  await agent.delivered();
  const container = await rig.container();
  const times = new Map<string, { readonly come: number[]; readonly gone: number[] }>(
    registries.map(({ kind }) => [kind, { come: [], gone: [] }]),
  );
  const rounds = isSoak ? 30 : 5;

  for (let round = 0; round < rounds * registries.length; round++) {
    const kind = registries[round % registries.length]?.kind ?? '';
    const conf = serviceConf(rig, `web-${round}`);
    await rig.add(conf, container);
    times.get(kind)?.come.push(await timeUntil(kind, `web-${round}`, 1));
    await rig.del(conf, container);
    times.get(kind)?.gone.push(await timeUntil(kind, `web-${round}`, 0));
  }

  for (const [kind, { come, gone }] of times)
    console.log(
      `${kind}: visible ${medianOf(come)} ms after ADD, gone ${medianOf(gone)} ms after DEL (medians of ${rounds})`,
    );
  await agent.delivered();
  const entries = (await agent.mirrors()).map(({ entries, lastError }) => [entries, lastError]);
  expect(entries).toEqual(registries.map(() => [0, '']));
  for (const [kind, { come }] of times) expect([kind, medianOf(come) < 1_000]).toEqual([kind, true]);
}, 180_000);

test('a host that dies leaves the healthy answers of each within its lease time and 5 s, and comes back', async () => {
  await using rig = await Rig.create();
  await using agent = await MirrorAgent.start(rig, registries.map(toMirror));
  await rig.add(serviceConf(rig, 'mortal'), await rig.container());
  await Promise.all(registries.map(({ kind }) => timeUntil(kind, 'mortal', 1)));

  await agent.stop('SIGKILL');
  const limitMs = ttlSeconds * 1_000 + 5_000;
  const times = await Promise.all(registries.map(({ kind }) => timeUntil(kind, 'mortal', 0, 30_000)));
  await using again = await MirrorAgent.start(rig, registries.map(toMirror));
  const back = await Promise.all(registries.map(({ kind }) => timeUntil(kind, 'mortal', 1)));

  for (const [at, { kind }] of registries.entries())
    console.log(
      `${kind}: out of the answers ${Math.round(times[at] ?? 0)} ms after its host died (ttl ${ttlSeconds} s), back ${Math.round(back[at] ?? 0)} ms after its agent`,
    );
  await again.delivered();
  expect(registries.map(({ kind }, at) => [kind, (times[at] ?? 0) <= limitMs])).toEqual(
    registries.map(({ kind }) => [kind, true]),
  );
}, 120_000);
