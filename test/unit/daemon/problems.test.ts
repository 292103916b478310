import { expect, test } from 'vitest';
import { Problems } from '../../../lib/daemon/problems.ts';
import { recordLog } from '../overlay/recorded-log.ts';

test('a problem is logged when it comes and when it has gone, and not in between', () => {
  const { log, lines } = recordLog();
  const problems = new Problems(log);

  problems.set('etcd', ['away']);
  problems.set('etcd', ['away']);
  expect(problems.all).toEqual(['etcd: away']);
  problems.set('etcd', []);
  problems.set('etcd', []);

  expect(problems.all).toEqual([]);
  expect(lines).toEqual(['warn: etcd: away', 'info: etcd: is well again']);
});

test('of several problems of a topic each is logged once', () => {
  const { log, lines } = recordLog();
  const problems = new Problems(log);

  problems.set('leases', ['a']);
  problems.set('leases', ['a', 'b']);

  expect(problems.all).toEqual(['leases: a', 'leases: b']);
  expect(lines).toEqual(['warn: leases: a', 'warn: leases: b']);
});

test('of very many problems of a topic the first are logged and told, and how many more there are', () => {
  const { log, lines } = recordLog();
  const problems = new Problems(log);

  problems.set(
    'keys',
    Array.from({ length: 50 }, (_, at) => `${at}`),
  );

  expect([lines.length, lines.at(-1)]).toEqual([21, 'warn: keys: and 30 more']);
  expect([problems.all.length, problems.all.at(-1)]).toEqual([21, 'keys: and 30 more']);
});

test('what work throws is the problem of its topic until it succeeds', async () => {
  const { log } = recordLog();
  const problems = new Problems(log);
  const fail = () => {
    throw new Error('no space left');
  };

  problems.try('subnet.env', fail);
  await problems.during('the kernel', async () => fail());
  expect(problems.all).toEqual(['subnet.env: no space left', 'the kernel: no space left']);

  problems.try('subnet.env', () => undefined);
  await problems.during('the kernel', async () => undefined);
  expect(problems.all).toEqual([]);
});
