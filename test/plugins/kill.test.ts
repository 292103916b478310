import { expect, test } from 'vitest';
import { limitMs, rounds } from '../support/binaries.ts';
import { dualConf } from '../support/confs.ts';
import { linkNames } from '../support/kernel.ts';
import { leftovers, nothing } from '../support/leftovers.ts';
import { Random } from '../support/random.ts';
import { type Conf, Rig } from '../support/rig.ts';

const count = rounds({ short: 60, soak: 1000 });

/** How long an ADD may take that finds the lock of one that was killed, in milliseconds. */
const longestAddMs = 3_000;

async function timedAdd(rig: Rig, conf: Conf, container: string): Promise<number> {
  const start = performance.now();
  await rig.add(conf, container);
  return performance.now() - start;
}

test(
  `kill -9 at a random moment of ADD or DEL: the next calls succeed in time, and nothing is left (${count} rounds)`,
  async () => {
    await using rig = await Rig.create();
    const random = new Random();
    const conf = dualConf(rig, { ipMasq: true, macspoofchk: true, ipspoofchk: true });
    const [one, other] = [await rig.container(), await rig.container()];
    let killed = 0;

    for (let round = 0; round < count; round++) {
      const verb = round % 3 === 2 ? 'DEL' : 'ADD';
      const delayMs = 1 + random.below(45);
      const where = `round ${round}: ${verb} killed after ${delayMs} ms (SEED=${random.seed})`;
      if (verb === 'DEL') await rig.add(conf, one);
      const { status } = await rig.cni(verb, conf, one, { timeoutMs: delayMs });
      if (status === 'SIGKILL') killed++;

      // By turns a neighbour's ADD or the container's own DEL is the first to come after it.
      const early = round % 2 === 0 ? await timedAdd(rig, conf, other) : 0;
      await rig.del(conf, one);
      const own = await timedAdd(rig, conf, one);
      await rig.del(conf, one);
      await rig.del(conf, other);

      expect(Math.max(early, own), where).toBeLessThan(longestAddMs);
      expect(await leftovers(rig), where).toEqual(nothing);
      expect(await linkNames(one), where).toEqual([]);
    }

    expect(killed).toBeGreaterThan(count / 2);
  },
  limitMs(count, 2_500),
);
