import { test } from 'vitest';
import { limitMs, rounds } from '../support/binaries.ts';
import { dualNetwork } from '../support/cluster.ts';
import { drawEvent } from '../support/overlay-state-events.ts';
import { OverlayWorld } from '../support/overlay-state-world.ts';
import { Random } from '../support/random.ts';

const count = rounds({ short: 25, soak: 200 });

/** Each walk begins with new hosts: who repeats one by its seed has not to wait for those before it. */
const eventsPerWalk = 13;
/** An agent of a test does not live much longer. */
const longestWalkMs = 90_000;

/** Few enough subnets that a host may get what another one had. */
const v4 = { Network: '10.5.0.0/21', Backend: { Type: 'vxlan' } };

test(
  `whatever happens to hosts, agents, leases and etcd, in the end all agree (${count} events)`,
  async () => {
    let { seed } = new Random();
    for (let left = count; left > 0; seed++)
      left -= await walk(new Random(seed), Math.min(eventsPerWalk, left));
  },
  limitMs(count, 40_000),
);

/**
 * Fails where something is still wrong half a minute after an event; the error then tells the whole story.
 * @returns how many events there have been
 */
async function walk(random: Random, events: number): Promise<number> {
  const end = performance.now() + longestWalkMs;
  await using world = await OverlayWorld.create(random.seed % 2 === 0 ? v4 : dualNetwork(v4));
  world.story.push(`SEED=${random.seed}`);
  let done = 0;
  while (done < events && performance.now() < end) {
    await world.experience(drawEvent(world, random));
    done++;
  }
  console.log([...world.story, ...world.excused].join('\n'));
  return done;
}
