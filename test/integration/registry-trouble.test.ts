import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { binDir, isResident, limitMs, rounds } from '../support/binaries.ts';
import { bridgeConf } from '../support/confs.ts';
import { linkNames } from '../support/kernel.ts';
import { leftovers } from '../support/leftovers.ts';
import { mountSmallDisk } from '../support/mounts.ts';
import { must, startBeside } from '../support/process.ts';
import { Random } from '../support/random.ts';
import { type Answer, type Conf, Rig } from '../support/rig.ts';
import { names, openRegistry } from '../support/rig-registry.ts';
import { skipUnless } from '../support/skip.ts';

// What a plugin answers when the registry cannot be used. A container must never be stuck, whatever the registry is.

type Policy = 'best-effort' | 'required';

const confOf = (rig: Rig, store: string, policy: Policy): Conf =>
  bridgeConf(rig, { registry: { store, policy } });

/** A rig with a container `old` that is registered, and two that are not yet. */
async function createScene(rig: Rig, store = rig.store) {
  const [old, late, later] = [await rig.container(), await rig.container(), await rig.container()];
  await rig.add(confOf(rig, store, 'best-effort'), old);
  return { old, late, later };
}

type Scene = Awaited<ReturnType<typeof createScene>>;

/** An ADD under each policy, what the refused one has left, and the DEL of the container that was registered before. */
async function use(rig: Rig, store: string, { old, late, later }: Scene) {
  const before = [await leftovers(rig), await linkNames(later)];
  const required = await rig.cni('ADD', confOf(rig, store, 'required'), later);
  const left = [await leftovers(rig), await linkNames(later)];
  const bestEffort = await rig.cni('ADD', confOf(rig, store, 'best-effort'), late);
  const del = await rig.cni('DEL', confOf(rig, store, 'required'), old);
  const gone = [
    await linkNames(old),
    Object.values(rig.leases()).some((owner) => owner.startsWith(`${old}\r`)),
  ];
  return { required, bestEffort, del, isUndone: JSON.stringify(left) === JSON.stringify(before), gone };
}

const detached = [[], false];
const nameless = (container: string) =>
  expect.stringContaining(`container ${container} is attached, but has no name`);

/** Moves all that the journal holds into the file, and closes it. */
async function settle({ store, way }: Rig): Promise<void> {
  await way.letGo();
  openRegistry(store).close();
}

function garbage(path: string): void {
  writeFileSync(path, Buffer.from(Array.from({ length: 50_000 }, (_, at) => (at * 37 + 11) % 256)));
}

/** Turns all bits of one page over. */
function flipPage(path: string, page: number): void {
  const bytes = readFileSync(path);
  for (let at = page * 4096; at < (page + 1) * 4096; at++) bytes.writeUInt8(bytes.readUInt8(at) ^ 0xff, at);
  writeFileSync(path, bytes);
}

describe('a damaged registry', () => {
  test.each<[string, (path: string) => void]>([
    ['bytes in its place', garbage],
    ['cut to nothing', (path) => truncateSync(path, 0)],
    ['its first page turned over', (path) => flipPage(path, 0)],
  ])('(%s) costs a name where that is allowed, stops no DEL, and stays as it is', async (_, damage) => {
    await using rig = await Rig.create();
    const scene = await createScene(rig);
    await settle(rig);
    damage(rig.store);
    const bytes = readFileSync(rig.store);

    const { required, bestEffort, del, isUndone, gone } = await use(rig, rig.store, scene);

    expect(required.error).toMatchObject({
      code: 999,
      msg: expect.stringContaining(`registry ${rig.store}`),
    });
    expect(required.error?.msg).toContain('fairlead registry repair');
    expect([isUndone, await linkNames(scene.later)]).toEqual([true, []]);
    expect([bestEffort.status, bestEffort.stderr]).toEqual([0, nameless(scene.late)]);
    expect([del.status, del.stdout, del.stderr]).toEqual([
      0,
      '',
      expect.stringContaining('could not be withdrawn'),
    ]);
    expect(gone).toEqual(detached);
    expect(readFileSync(rig.store).equals(bytes)).toBe(true);
    expect(readdirSync(rig.dir).filter((name) => name.includes('registry.db'))).toEqual(['registry.db']);
  });

  test('(cut to nothing beside its journal) is damaged as well', async () => {
    await using rig = await Rig.create();
    const scene = await createScene(rig);
    await rig.way.letGo();
    truncateSync(rig.store, 0);

    const { required, bestEffort, del, gone } = await use(rig, rig.store, scene);

    expect([required.error?.code, bestEffort.status, del.status, gone]).toEqual([999, 0, 0, detached]);
    expect(readFileSync(rig.store)).toHaveLength(0);
  });

  const count = rounds({ short: 4, soak: 200 });

  test(
    `(any page turned over, ${count} times) is either found out or does no harm`,
    async () => {
      await using rig = await Rig.create();
      const scene = await createScene(rig);
      await settle(rig);
      const whole = readFileSync(rig.store);
      const random = new Random();
      const pages = whole.length / 4096;
      for (let round = 0; round < count; round++) {
        const page = random.below(pages);
        await rig.way.letGo();
        for (const suffix of ['-wal', '-shm'])
          if (existsSync(rig.store + suffix)) truncateSync(rig.store + suffix, 0);
        writeFileSync(rig.store, whole);
        flipPage(rig.store, page);
        const where = `page ${page} of ${pages} (SEED=${random.seed})`;

        const required = await rig.cni('ADD', confOf(rig, rig.store, 'required'), scene.later);
        const bestEffort = await rig.cni('ADD', confOf(rig, rig.store, 'best-effort'), scene.late);
        const dels = [];
        for (const container of [scene.later, scene.late])
          dels.push(await rig.cni('DEL', confOf(rig, rig.store, 'required'), container));

        expect([undefined, 999], where + required.stdout).toContain(required.error?.code);
        expect(
          [bestEffort, ...dels].map(({ status }) => status),
          where,
        ).toEqual([0, 0, 0]);
        expect([await linkNames(scene.later), await linkNames(scene.late)], where).toEqual([[], []]);
      }
    },
    limitMs(count, 2_000),
  );
});

describe('a place where the registry can be neither read nor made', () => {
  const places: Record<string, (rig: Rig) => string> = {
    'a file where its directory should be': (rig) => {
      writeFileSync(`${rig.dir}/file`, '');
      return `${rig.dir}/file/registry.db`;
    },
    'a directory in its place': (rig) => rig.dir,
    'an id of the machine that a power failure has emptied': (rig) => {
      writeFileSync(`${rig.dir}/node-id`, '');
      return rig.store;
    },
  };

  test.each(Object.entries(places))(
    '(%s) costs a name where that is allowed, and stops no DEL',
    async (_, toStore) => {
      await using rig = await Rig.create();
      const scene = await createScene(rig);
      await rig.way.letGo();
      const store = toStore(rig);

      const { required, bestEffort, del, isUndone, gone } = await use(rig, store, scene);

      expect([required.status, isUndone]).toEqual([1, true]);
      expect([bestEffort.status, bestEffort.stderr]).toEqual([0, nameless(scene.late)]);
      expect([del.status, gone]).toEqual([0, detached]);
    },
  );

  test.each([
    ['with a registry', true],
    ['without one', false],
  ])('(a read-only file system, %s) does the same', async (_, isThere) => {
    await using rig = await Rig.create();
    await using disk = await mountDisk(rig);
    const store = `${disk.path}/registry.db`;
    const scene = await createScene(rig, isThere ? store : rig.store);
    await rig.way.letGo();
    await disk.setReadOnly(true);

    const { required, bestEffort, del, isUndone, gone } = await use(rig, store, scene);

    expect([required.status, isUndone]).toEqual([1, true]);
    expect([bestEffort.status, bestEffort.stderr]).toEqual([0, nameless(scene.late)]);
    expect([del.status, gone]).toEqual([0, detached]);
  });
});

/** A small disk with room for a registry. */
async function mountDisk(rig: Rig) {
  const disk = await mountSmallDisk(`${rig.dir}/disk`);
  await must('mount', ['-o', 'remount,size=1m', disk.path]);
  return disk;
}

test('a warning that nobody reads does not break the ADD that it is about', async () => {
  await using rig = await Rig.create();
  const container = await rig.container();
  writeFileSync(rig.store, 'damaged');
  const deaf = `${rig.dir}/deaf`;
  writeFileSync(deaf, `#!/bin/bash\nexec ${binDir}/bridge 2> >(:)\n`, { mode: 0o755 });

  const added = await rig.cni('ADD', confOf(rig, rig.store, 'best-effort'), container, { binary: deaf });

  expect([added.status, added.result?.ips?.length, await linkNames(container)]).toEqual([0, 1, ['eth0']]);
});

describe('a full disk', () => {
  test('answers code 11: a DEL removes link and lease, and with room takes the name away; an ADD leaves nothing', async (context) => {
    skipUnless(context, !isResident, 'a worker that closes a registry gives back the room of its journal');
    await using rig = await Rig.create();
    await using disk = await mountDisk(rig);
    const store = `${disk.path}/registry.db`;
    const scene = await createScene(rig, store);
    await disk.fill('blocks');

    const { required, bestEffort, del, isUndone, gone } = await use(rig, store, scene);
    const during = names(rig, store);
    await disk.empty();
    await rig.del(confOf(rig, store, 'required'), scene.old);

    expect(required.error).toMatchObject({ code: 11, msg: expect.stringContaining('full') });
    expect([isUndone, bestEffort.status, bestEffort.stderr]).toEqual([true, 0, nameless(scene.late)]);
    expect(del.error).toMatchObject({ code: 11, msg: expect.stringContaining(store) });
    expect([gone, during]).toEqual([detached, [expect.stringContaining(scene.old)]]);
    expect(names(rig, store)).toEqual([]);
  });

  test('on which no registry is yet: nothing half made is left, and with room the next ADD makes it', async () => {
    await using rig = await Rig.create();
    await using disk = await mountDisk(rig);
    const store = `${disk.path}/registry.db`;
    const scene = await createScene(rig);
    await disk.fill('blocks');

    const { required, bestEffort, isUndone } = await use(rig, store, scene);
    const left = readdirSync(disk.path).filter((name) => !name.startsWith('ballast'));
    await disk.empty();
    await rig.del(confOf(rig, store, 'required'), scene.late);
    await rig.add(confOf(rig, store, 'required'), scene.later);

    expect([required.status, isUndone]).toEqual([1, true]);
    expect([bestEffort.status, bestEffort.stderr]).toEqual([0, nameless(scene.late)]);
    expect(left).toEqual([]);
    expect(names(rig, store)).toEqual([expect.stringContaining(scene.later)]);
  });
});

const holder = `
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("ready", flush=True)
time.sleep(25)
`;

test('a registry that another process has locked is waited for, and then answered like a full disk', async () => {
  await using rig = await Rig.create();
  const scene = await createScene(rig);
  let answers: readonly Answer[];
  {
    await using _holder = await startBeside('/usr/bin/python3', ['-c', holder, rig.store]);
    answers = await Promise.all([
      rig.cni('ADD', confOf(rig, rig.store, 'required'), scene.later),
      rig.cni('ADD', confOf(rig, rig.store, 'best-effort'), scene.late),
      rig.cni('DEL', confOf(rig, rig.store, 'best-effort'), scene.old),
    ]);
  }
  const [required, bestEffort, del] = answers;
  const links = [await linkNames(scene.later), await linkNames(scene.old)];
  await rig.del(confOf(rig, rig.store, 'required'), scene.old);

  expect([required?.error?.code, del?.error?.code]).toEqual([11, 11]);
  expect([bestEffort?.status, bestEffort?.stderr]).toEqual([0, nameless(scene.late)]);
  expect([links, Object.keys(rig.leases())]).toEqual([[[], []], [expect.any(String)]]);
  expect(names(rig)).toEqual([]);
});
