import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limitMs, rounds } from '../support/binaries.ts';
import { ipamConf, v6 } from '../support/confs.ts';
import { bridgeDoor, mappingsOf, portmapHost, through, type Wish } from '../support/portmap.ts';
import { countRules, ownElements } from '../support/portmap-table.ts';
import type { Rig } from '../support/rig.ts';

const port = 18080;
const crowd = rounds({ short: 300, soak: 1000 });
const atOnce = 8;
const pairs = 12;

/** Two mappings of a host port, in a network with room for all. */
function wishOf(rig: Rig, hostPort: number): Wish {
  const ipam = ipamConf(rig, [[{ subnet: '10.22.0.0/16' }], [{ subnet: v6.subnet }]]);
  return { portMappings: mappingsOf(hostPort, ['tcp', 'udp']), main: { ipam } };
}

/** Some at once, as when a host starts. */
async function attachCrowd(rig: Rig): Promise<void> {
  const rest = [...(await rig.containers(crowd)).entries()];
  while (rest.length > 0) {
    const next = rest.splice(0, atOnce);
    await Promise.all(
      next.map(([at, container]) => through(bridgeDoor, rig, 'ADD', container, wishOf(rig, port + at))),
    );
  }
}

/** What the fastest of some ADDs with their DELs takes: what the machine does beside is in the others. */
async function fastestPairMs(rig: Rig, container: string): Promise<number> {
  const wish = wishOf(rig, port - 1);
  let fastestMs = Number.POSITIVE_INFINITY;
  for (let pair = 0; pair < pairs; pair++) {
    const start = performance.now();
    await through(bridgeDoor, rig, 'ADD', container, wish);
    await through(bridgeDoor, rig, 'DEL', container, wish);
    fastestMs = Math.min(fastestMs, performance.now() - start);
  }
  return fastestMs;
}

describe(`${crowd} containers with host ports`, () => {
  const limit = limitMs(crowd, 700);
  let rig: Rig;
  let one = '';
  let alone = { pairMs: 0, rules: {} };

  beforeAll(async () => {
    rig = await portmapHost();
    one = await rig.container();
    const pairMs = await fastestPairMs(rig, one);
    await through(bridgeDoor, rig, 'ADD', one, wishOf(rig, port - 1));
    alone = { pairMs, rules: await countRules(rig) };
    await through(bridgeDoor, rig, 'DEL', one, wishOf(rig, port - 1));
    await attachCrowd(rig);
  }, limit);
  afterAll(() => rig[Symbol.asyncDispose](), limit);

  test('have no more rules than one', async () => {
    expect(await countRules(rig)).toEqual(alone.rules);
    expect((await ownElements(rig)).length).toBe(6 * crowd);
  });

  test('let the ADD and DEL of one more take at most 1.5 times as long as alone', async () => {
    const pairMs = await fastestPairMs(rig, one);

    expect(pairMs / alone.pairMs, `${pairMs} ms, alone ${alone.pairMs} ms`).toBeLessThan(1.5);
  });
});
