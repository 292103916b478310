import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectEtcd } from '../../lib/etcd/client.ts';
import { BlocksCluster, type BlocksHost, blocksOf, loansOf, startEtcd } from '../support/blocks-cluster.ts';
import { type Mishap, MishapEtcd } from '../support/blocks-mishap.ts';
import { until } from '../support/until.ts';

const quick = { spare: 2, releaseAfterMs: 100 };
/** One that never arrives is like one that nobody has made. */
const mishaps: readonly Mishap[] =
  process.env.SOAK === '1' ? ['unanswered', 'late', 'never'] : ['unanswered', 'late'];

/** The lender claims, confirms, tells and lends, … */
const lenderWrites = [1, 2, 3, 4, 5];
/** The borrower wants, wants more, and gives back. */
const borrowerWrites = [1, 2, 3];

const casesOf = (writes: readonly number[]) =>
  mishaps.flatMap((mishap) => writes.map((at) => ({ mishap, at })));

let etcd: Awaited<ReturnType<typeof startEtcd>>;
beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd[Symbol.asyncDispose]());

/** The cluster ends with an error where an address was ever two hosts'. */
const createCluster = (test: string) => new BlocksCluster(etcd.servers, `/${test}`);
const createFaulty = (options: ConstructorParameters<typeof MishapEtcd>[1]) =>
  new MishapEtcd(connectEtcd(etcd.servers.config), options);

describe.concurrent('hosts of which one write goes wrong', { timeout: 60_000 }, () => {
  test.each(casesOf(lenderWrites))('come to the same: write $at of the lender is $mishap', async (fate) => {
    await using cluster = createCluster(`lender-${fate.mishap}-${fate.at}`);
    await using faulty = createFaulty(fate);
    const lender = cluster.join(1, quick, { etcd: faulty.etcd });
    const borrower = await live(cluster, lender, () => cluster.join(2, quick));

    await comeToRest(cluster, lender, borrower);

    await faulty.hasHappened();
  });

  test.each(casesOf(borrowerWrites))(
    'come to the same: write $at of the borrower is $mishap',
    async (fate) => {
      await using cluster = createCluster(`borrower-${fate.mishap}-${fate.at}`);
      await using faulty = createFaulty(fate);
      const lender = cluster.join(1, quick);
      const borrower = await live(cluster, lender, () => cluster.join(2, quick, { etcd: faulty.etcd }));

      await comeToRest(cluster, lender, borrower);

      await faulty.hasHappened();
    },
  );

  test.each(casesOf(lenderWrites))(
    'come to the same: the lender ends at write $at, which is $mishap',
    async (fate) => {
      await using cluster = createCluster(`ended-${fate.mishap}-${fate.at}`);
      let lender: BlocksHost | undefined;
      const onMishap = () => {
        void lender?.stop();
        lender = cluster.join(1, quick);
      };
      await using faulty = createFaulty({ ...fate, onMishap });
      lender = cluster.join(1, quick, { etcd: faulty.etcd });
      const borrower = await live(cluster, lender, () => cluster.join(2, quick));

      await comeToRest(cluster, lender, borrower);

      await faulty.hasHappened();
    },
  );
});

/** One block for two hosts: what one has not, it borrows of the other; containers come and go on both. */
async function live(cluster: BlocksCluster, lender: BlocksHost, join: () => BlocksHost): Promise<BlocksHost> {
  await cluster.putPool('a', { cidr: '10.50.0.0/29', blockSize: 29 });
  await until(() => lender.containers.shared > 0, 'the share of the lender');
  lender.addMany(2);
  const borrower = join();
  await until(
    () => borrower.containers.shared >= 2,
    'what was lent',
    () => borrower.log.join('\n'),
  );
  borrower.addMany(2);
  await until(
    () => borrower.containers.shared >= 4,
    'more that was lent',
    () => borrower.log.join('\n'),
  );
  for (const container of borrower.containers.leased.values()) borrower.containers.del(container);
  return borrower;
}

async function comeToRest(cluster: BlocksCluster, lender: BlocksHost, borrower: BlocksHost): Promise<void> {
  const table = await cluster.until(
    (now) =>
      loansOf(now, borrower).length === 2 && now.blocks.values().every(({ wanted }) => wanted.size === 0),
    'two addresses to stay lent',
  );
  expect(blocksOf(table, lender)).toEqual(['10.50.0.0-29']);
  await until(
    () => lender.containers.shared === 6 && borrower.containers.shared === 2,
    'shares that have all of the block',
    () => [...lender.log, '', ...borrower.log].join('\n'),
  );
}
