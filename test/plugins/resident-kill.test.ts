import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { limitMs, residentDir, rounds } from '../support/binaries.ts';
import { dualConf } from '../support/confs.ts';
import { linkNames } from '../support/kernel.ts';
import { leftovers, nothing } from '../support/leftovers.ts';
import { Random } from '../support/random.ts';
import { type Answer, type Conf, Rig, type Verb } from '../support/rig.ts';
import { names } from '../support/rig-registry.ts';
import { skipUnless } from '../support/skip.ts';

const count = rounds({ short: 15, soak: 500 });

/** A call while which all workers of the agent are killed; where it has not begun, or may begin again, its client executes it. */
async function cutOff(rig: Rig, verb: Verb, { conf, container, delayMs }: CutOff): Promise<Answer> {
  const { workers } = await rig.way.agent();
  const answer = rig.cni(verb, conf, container, { mayFallBack: true });
  await sleep(delayMs);
  for (const pid of workers) process.kill(pid, 'SIGKILL');
  return answer;
}

type CutOff = { readonly conf: Conf; readonly container: string; readonly delayMs: number };

test(
  `kill -9 of a worker at a random moment of ADD or DEL: ADD says so (11), DEL succeeds, and nothing is left (${count} rounds)`,
  async (context) => {
    skipUnless(context, residentDir !== undefined, 'there is no installation with the client');
    const random = new Random();
    let lost = 0;

    for (let round = 0; round < count; round++) {
      await using rig = await Rig.create('resident');
      const [container, other] = [await rig.container(), await rig.container()];
      const conf = dualConf(rig, { ipMasq: true, macspoofchk: true, ipspoofchk: true });
      // The host has the network, and the workers have served.
      await rig.add(conf, other);
      const verb = round % 3 === 2 ? 'DEL' : 'ADD';
      if (verb === 'DEL') await rig.add(conf, container);
      const delayMs = 2 + random.below(25);
      const where = `round ${round}: ${verb} cut off after ${delayMs} ms (SEED=${random.seed})`;

      const { status, error } = await cutOff(rig, verb, { conf, container, delayMs });
      for (const each of [container, other]) await rig.del(conf, each, { mayFallBack: true });

      if (error?.code === 11) lost++;
      expect(status === 0 || (verb === 'ADD' && error?.code === 11), where).toBe(true);
      expect([await leftovers(rig), await linkNames(container), names(rig)], where).toEqual([
        nothing,
        [],
        [],
      ]);
    }

    expect(lost).toBeGreaterThan(0);
  },
  limitMs(count, 6_000),
);
