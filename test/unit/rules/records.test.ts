import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openRecords } from '../../../lib/rules/records.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { recordOf } from './fixture.ts';

const record = recordOf('a');
/** The directory of the host whose namespace has this inode. */
const name = '1';

test('what was put is got, listed, and gone when it is removed; to remove it twice is no error', () => {
  using directory = temporaryDirectory();
  const records = openRecords(directory.path, () => 1);

  records.put(record);

  expect(records.get(record.owner)).toEqual({
    kind: 'recorded',
    record: { ...record, atMs: expect.any(Number) },
  });
  expect(records.list()).toEqual([{ ...record, atMs: expect.any(Number) }]);
  records.remove(record.owner);
  records.remove(record.owner);
  expect(records.get(record.owner)).toEqual({ kind: 'none' });
  expect(records.list()).toEqual([]);
});

test('two plugins, interfaces, networks and hosts have records of their own', () => {
  using directory = temporaryDirectory();
  const records = openRecords(directory.path, () => 1);
  const others = [
    { plugin: 'portmap' },
    { ifName: record.owner.ifName, network: 'other' },
    { containerId: 'b' },
  ];
  for (const change of [{}, ...others]) records.put({ ...record, owner: { ...record.owner, ...change } });

  expect(records.list()).toHaveLength(4);
  expect(openRecords(directory.path, () => 2).list()).toEqual([]);
});

test('where no record was ever kept nothing is known, and after prepare it is known that there are no rules', () => {
  using directory = temporaryDirectory();
  const records = openRecords(directory.path, () => 1);

  expect(records.get(record.owner)).toEqual({ kind: 'unknown' });
  records.prepare();
  expect(records.get(record.owner)).toEqual({ kind: 'none' });
});

test('a damaged record tells nothing, and keeps none of the others from being listed', () => {
  using directory = temporaryDirectory();
  const records = openRecords(directory.path, () => 1);
  records.put(record);
  records.put(recordOf('b'));
  const dir = `${directory.path}/${name}`;
  const [file = ''] = readdirSync(dir);

  for (const text of ['', '{', '{}', 'null', '{"version": 1}']) {
    writeFileSync(`${dir}/${file}`, text);
    expect(records.list()).toHaveLength(1);
  }
  const damaged = [record, recordOf('b')].filter(({ owner }) => records.get(owner).kind === 'unknown');
  expect(damaged).toHaveLength(1);
  mkdirSync(`${dir}/directory.json`);
  expect(records.list()).toHaveLength(1);
});

test('only its owner may read a record', () => {
  using directory = temporaryDirectory();
  openRecords(directory.path, () => 1).put(record);

  expect(statSync(`${directory.path}/${name}`).mode & 0o777).toBe(0o700);
  const [file = ''] = readdirSync(`${directory.path}/${name}`);
  expect(statSync(`${directory.path}/${name}/${file}`).mode & 0o777).toBe(0o600);
});

test('a container id may be longer than the name of a file', () => {
  using directory = temporaryDirectory();
  const records = openRecords(directory.path, () => 1);
  const long = { ...record, owner: { ...record.owner, containerId: 'x'.repeat(2_000) } };

  records.put(long);

  expect(records.get(long.owner)).toEqual({
    kind: 'recorded',
    record: { ...long, atMs: expect.any(Number) },
  });
});
