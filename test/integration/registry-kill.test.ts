import { expect, test } from 'vitest';
import { limitMs, rounds } from '../support/binaries.ts';
import { dualConf } from '../support/confs.ts';
import { Random } from '../support/random.ts';
import { Rig } from '../support/rig.ts';
import { openRegistry } from '../support/rig-registry.ts';

const count = rounds({ short: 30, soak: 1000 });

test(
  `kill -9 at a random moment of ADD or DEL: the registry is whole, and a DEL leaves nothing registered (${count} rounds)`,
  async () => {
    await using rig = await Rig.create();
    const random = new Random();
    const container = await rig.container();
    let killed = 0;
    let made = 0;

    for (let round = 0; round < count; round++) {
      // By turns in a registry that is there, and in one that the killed call is the first to make.
      const isNew = round % 2 === 0;
      const path = isNew ? `${rig.dir}/${round}/registry.db` : rig.store;
      const conf = dualConf(rig, { registry: { store: path, policy: 'required' } });
      const verb = round % 3 === 2 ? 'DEL' : 'ADD';
      const delayMs = 1 + random.below(60);
      const where = `round ${round}: ${verb} killed after ${delayMs} ms (SEED=${random.seed})`;
      if (verb === 'DEL') await rig.add(conf, container);
      const { status } = await rig.cni(verb, conf, container, { timeoutMs: delayMs });
      if (status === 'SIGKILL') killed++;

      const before = look(path);
      await rig.del(conf, container);
      const after = look(path);

      // Both families in one commit, or neither.
      expect([0, 2], where).toContain(before.addresses.length);
      if (before.addresses.length > 0) made++;
      expect([after.addresses, after.attachments], where).toEqual([[], 0]);
    }

    expect(killed).toBeGreaterThan(count / 2);
    expect(made).toBeGreaterThan(0);
    expect(made).toBeLessThan(count);
  },
  limitMs(count, 1_500),
);

/** Opens the registry as the next plugin would, and reads all of it. */
function look(path: string): { readonly addresses: readonly string[]; readonly attachments: number } {
  using store = openRegistry(path);
  store.verify();
  return {
    addresses: store.instances().map(({ address }) => address),
    attachments: store.attachments().length,
  };
}
