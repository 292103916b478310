import { describe, expect, test } from 'vitest';
import type { Write } from '../../../../lib/etcd/etcd.ts';
import { writeShared } from '../../../../lib/mirror/etcd/shared-keys.ts';
import { EtcdInMemory } from '../../../support/etcd-in-memory.ts';

const noEnd = new AbortController().signal;

/** Somebody does something between each look and the write that follows it. */
class DisturbedEtcd extends EtcdInMemory {
  readonly disturbances: (() => void)[] = [];

  override async getAll(...asked: Parameters<EtcdInMemory['getAll']>) {
    const found = await super.getAll(...asked);
    this.disturbances.shift()?.();
    return found;
  }
}

const write = (etcd: EtcdInMemory, ...writes: readonly Write[]) =>
  writeShared({ etcd, isOwn: ({ value }) => value.startsWith('mine') }, writes, noEnd);
const put = (key: string, value = 'mine'): Write => ({ kind: 'put', key, value });
const gone = (key: string): Write => ({ kind: 'delete', key });
const standing = (etcd: EtcdInMemory) => [...etcd.keys].map(([key, { value }]) => `${key} ${value}`);

describe('a write of shared keys', () => {
  test('takes free ones, replaces and removes own ones, and leaves those of others', async () => {
    const etcd = new EtcdInMemory();
    etcd.write('/own', 'mine of before');
    etcd.write('/former', 'mine');
    etcd.write('/taken', 'theirs');
    etcd.write('/asked', 'theirs');

    await write(
      etcd,
      put('/free'),
      put('/own'),
      gone('/former'),
      put('/taken'),
      gone('/asked'),
      gone('/never'),
    );

    expect(standing(etcd)).toEqual(['/own mine', '/taken theirs', '/asked theirs', '/free mine']);
    expect(etcd.commits.map(({ writes }) => writes.map(({ key }) => key))).toEqual([
      ['/free', '/own', '/former'],
    ]);
  });

  test('leaves a key that another takes between the look and the write, and does the rest', async () => {
    const etcd = new DisturbedEtcd();
    etcd.disturbances.push(() => etcd.write('/b', 'theirs'));

    await write(etcd, put('/a'), put('/b'), put('/c'));

    expect(standing(etcd)).toEqual(['/b theirs', '/a mine', '/c mine']);
  });

  test('removes nothing that another has taken between the look and the write', async () => {
    const etcd = new DisturbedEtcd();
    etcd.write('/a', 'mine');
    etcd.disturbances.push(() => {
      etcd.keys.delete('/a');
      etcd.write('/a', 'theirs');
    });

    await write(etcd, gone('/a'));

    expect(standing(etcd)).toEqual(['/a theirs']);
  });

  test('fails where the keys change for ever, instead of trying for ever', async () => {
    const etcd = new DisturbedEtcd();
    for (let time = 0; time < 100; time++) etcd.disturbances.push(() => etcd.write('/a', `mine ${time}`));

    await expect(write(etcd, put('/a'))).rejects.toThrow(
      'etcd at http://memory:2379: kv/txn: /a and 0 more keys change all the time',
    );
    expect(etcd.disturbances.length).toBe(80);
  });
});
