import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MirrorAgent } from '../support/mirror-agent.ts';
import { draftOf } from '../support/registrations.ts';
import { type RunningRegistry, startRegistries, toMirror } from '../support/registries.ts';
import { Rig } from '../support/rig.ts';
import { openRegistry } from '../support/rig-registry.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const stack = new AsyncDisposableStack();
const many = process.env.SOAK === '1' ? 10_000 : 300;
const kinds = [
  // A Consul agent takes registrations one by one, each slower than the one before: 10,000 take more than five minutes.
  ['consul', Math.min(many, 1_000)],
  ['etcd', many],
  ['zookeeper', many],
  ['eureka', many],
  ['nacos', many],
] as const;
let registries: readonly RunningRegistry[];

beforeAll(async () => {
  const dir = stack.use(temporaryDirectory());
  registries = stack.use(await startRegistries(dir.path)).all;
}, 120_000);

afterAll(() => stack.disposeAsync());

/** As somebody registers over the API: no container need live for it. */
function numbered(number: number) {
  const address = `10.${1 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
  return draftOf({
    ...{
      id: `api-${number}`,
      address,
      serviceName: `web-${number % 200}`,
      tags: ['v1'],
      meta: { team: 'a' },
    },
  });
}

/** The most memory that a process has had, in MB. */
function peakMb(pid: number): number {
  const [, kb] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kb) / 1024);
}

/** Milliseconds until the mirror has been delivered to. */
async function deliveryTime(agent: MirrorAgent): Promise<number> {
  const startedAtMs = performance.now();
  for (;;) {
    const [mirror] = await agent.mirrors();
    if (mirror?.state === 'delivered') return Math.round(performance.now() - startedAtMs);
    if (performance.now() - startedAtMs > 600_000) throw new Error(`${JSON.stringify(mirror)}\n${agent.log}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test.each(kinds)(
  'instances are brought to %s (%d of them), compared and found equal, and the agent stays small',
  async (kind, count) => {
    await using rig = await Rig.create();
    const registry = registries.find((each) => each.kind === kind);
    if (registry === undefined) throw new Error(`no ${kind}`);
    const mirror = { ...toMirror(registry), ttl: '90s' };
    {
      using store = openRegistry(rig.store);
      for (let number = 0; number < count; number++) store.put(numbered(number));
    }
    const firstMs = await (async () => {
      await using agent = await MirrorAgent.start(rig, [mirror]);
      const tookMs = await deliveryTime(agent);
      console.log(
        `${kind}: ${count} instances delivered in ${tookMs} ms, agent at most ${peakMb(agent.pid)} MB`,
      );
      return tookMs;
    })();

    await using agent = await MirrorAgent.start(rig, [mirror]);
    const againMs = await deliveryTime(agent);
    console.log(`${kind}: compared by the next agent in ${againMs} ms, at most ${peakMb(agent.pid)} MB`);
    const [status] = await agent.mirrors();

    expect(status).toMatchObject({ entries: expect.any(Number), refusedCount: 0, lastError: '' });
    expect(status?.entries).toBeGreaterThanOrEqual(count);
    expect(firstMs).toBeGreaterThan(0);
  },
  900_000,
);
