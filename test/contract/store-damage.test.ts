import { mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { openStore } from '../../lib/registry/sqlite-store.ts';
import type { Store } from '../../lib/registry/store.ts';
import { StoreFailure } from '../../lib/registry/store-failure.ts';
import { Random } from '../support/random.ts';
import { bootId, registerNumbered, registrationOf, temporaryStore } from '../support/registrations.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const garbage = Buffer.from(Array.from({ length: 10_000 }, (_, at) => (at * 37 + 11) % 256));

describe('files', () => {
  test('the registry, its journal and its index are readable by their owner only', () => {
    using temporary = temporaryStore();
    temporary.store.register(registrationOf());

    const modes = readdirSync(temporary.dir)
      .filter((name) => name.startsWith('registry.db'))
      .map((name) => [name, (statSync(`${temporary.dir}/${name}`).mode & 0o777).toString(8)]);

    expect(modes.sort()).toEqual([
      ['registry.db', '600'],
      ['registry.db-shm', '600'],
      ['registry.db-wal', '600'],
    ]);
  });

  test('a store that is made leaves nothing beside itself but the id of the machine', () => {
    using temporary = temporaryStore();
    const { node } = temporary.store;

    expect(readdirSync(temporary.dir).filter((name) => !/^registry\.db(-wal|-shm)?$/.test(name))).toEqual([
      'node-id',
    ]);
    expect(node).toMatch(/^[0-9a-f]{16}$/);
    expect(temporary.reopen().node).toBe(node);
  });
});

describe('a file that is no registry is refused, and stays as it is', () => {
  test.each([
    ['an empty file', '', 'corrupt'],
    ['a file of bytes', garbage, 'corrupt'],
    ['a text', 'hello', 'corrupt'],
    ['a header and nothing more', 'SQLite format 3\0', 'corrupt'],
  ])('%s', (_, content, trouble) => {
    using dir = temporaryDirectory();
    const path = `${dir.path}/registry.db`;
    writeFileSync(path, content);

    expect(() => openStore({ path, bootId })).toThrow(failure(trouble, path));
    expect(readFileSync(path)).toEqual(Buffer.from(content));
    expect(readdirSync(dir.path)).toEqual(['registry.db']);
  });

  test('a registry of a layout that is not known is nobody’s to set aside', () => {
    using temporary = temporaryStore();
    using database = new DatabaseSync(temporary.path);
    database.exec('PRAGMA user_version = 2');

    expect(() => temporary.reopen()).toThrow(failure('unreadable', 'it has layout 2'));
  });

  test('a registry that was cut off in the middle', () => {
    using temporary = temporaryStore();
    for (let number = 0; number < 50; number++) registerNumbered(temporary.store, number);
    temporary.store.checkpoint();
    truncateSync(temporary.path, 8192);

    expect(() => temporary.reopen().verify()).toThrow(failure('corrupt', temporary.path));
  });
});

describe('a place where no registry can be made is a failure of the store, for the policy to judge', () => {
  test('a directory that cannot be made', () => {
    using dir = temporaryDirectory();
    writeFileSync(`${dir.path}/file`, '');

    expect(() => openStore({ path: `${dir.path}/file/below/registry.db`, bootId })).toThrow(StoreFailure);
  });

  test('a directory in the place of the file', () => {
    using dir = temporaryDirectory();
    mkdirSync(`${dir.path}/registry.db`);

    expect(() => openStore({ path: `${dir.path}/registry.db`, bootId })).toThrow(StoreFailure);
  });

  test.each([
    ['', 'an empty node-id, as a power failure leaves it'],
    ['zzz\n', 'a node-id of something else'],
  ])('a damaged node-id (%j: %s)', (content) => {
    using temporary = temporaryStore();
    writeFileSync(`${temporary.dir}/node-id`, content);

    expect(() => temporary.reopen().node).toThrow(StoreFailure);
    expect(readFileSync(`${temporary.dir}/node-id`, 'utf8')).toBe(content);
  });
});

describe('verify', () => {
  test('is silent over a registry that is well', () => {
    using temporary = temporaryStore();
    for (let number = 0; number < 50; number++) registerNumbered(temporary.store, number);

    expect(() => temporary.store.verify()).not.toThrow();
  });

  test.each(['instances', 'attachments', 'changes'])('finds a record of %s that cannot be read', (table) => {
    using temporary = temporaryStore();
    registerNumbered(temporary.store, 1);
    using database = new DatabaseSync(temporary.path);
    database.exec(`UPDATE ${table} SET record = '{"id":"c1'`);

    expect(() => temporary.store.verify()).toThrow(failure('corrupt', 'a record cannot be read'));
  });
});

const operations: Record<string, (store: Store) => unknown> = {
  verify: (store) => store.verify(),
  instances: (store) => store.instances(),
  attachments: (store) => store.attachments(),
  changes: (store) => store.changesSince(store.revision() - 80),
  register: (store) => registerNumbered(store, 70),
  'register again': (store) => registerNumbered(store, 30),
  withdraw: (store) => store.withdraw({ network: 'net', containerId: 'c40', ifName: 'eth0' }, 6_000_000),
};

test('over a file with damaged pages every operation either works or says that the store is damaged', () => {
  using dir = temporaryDirectory();
  const whole = wholeRegistry();
  const random = new Random();
  const others: unknown[] = [];
  let damages = 0;
  for (let round = 0; round < 60; round++) {
    const path = `${dir.path}/r${round}.db`;
    writeFileSync(path, damaged(whole, random));
    for (const [name, operate] of Object.entries(operations)) {
      const error = failureOf(path, operate);
      if (error instanceof StoreFailure && error.trouble === 'corrupt') damages++;
      else if (error !== undefined) others.push([round, name, String(error), `SEED=${random.seed}`]);
    }
  }

  expect(others).toEqual([]);
  expect(damages).toBeGreaterThan(60);
});

function failure(trouble: string, message: string) {
  return expect.objectContaining({ trouble, message: expect.stringContaining(message) });
}

/** The bytes of a registry with live and withdrawn containers. */
function wholeRegistry(): Buffer {
  using temporary = temporaryStore();
  for (let number = 0; number < 60; number++) registerNumbered(temporary.store, number);
  for (let number = 0; number < 20; number++)
    temporary.store.withdraw({ network: 'net', containerId: `c${number}`, ifName: 'eth0' }, 5_000_000);
  temporary.store.checkpoint();
  return readFileSync(temporary.path);
}

/** One page inverted or emptied, or eight bytes anywhere changed. */
function damaged(whole: Buffer, random: Random): Buffer {
  const bytes = Buffer.from(whole);
  const start = random.below(bytes.length / 4096) * 4096;
  const page = bytes.subarray(start, start + 4096);
  const kind = random.below(3);
  if (kind === 0) page.fill(0);
  if (kind === 1) invert(page);
  if (kind === 2)
    for (let count = 0; count < 8; count++) bytes.writeUInt8(random.below(256), random.below(bytes.length));
  return bytes;
}

function invert(page: Buffer): void {
  for (const [at, byte] of page.entries()) page.writeUInt8(byte ^ 0xff, at);
}

function failureOf(path: string, operate: (store: Store) => unknown): unknown {
  try {
    using store = openStore({ path, bootId });
    operate(store);
    return undefined;
  } catch (error) {
    return error;
  }
}
