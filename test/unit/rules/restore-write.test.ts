import { expect, test } from 'vitest';
import type { Command, Outcome } from '../../../lib/exec/command.ts';
import { writeMissing } from '../../../lib/rules/restore-write.ts';
import { recordOf, shared } from './fixture.ts';

const own = ['a', 'b', 'c', 'd', 'e'].map((id, at) => {
  const record = recordOf(id, { port: at + 1 });
  return { record, lacking: record.rules.own };
});

/** An nft that refuses every script in which one of these texts stands. */
function refusing(...texts: readonly string[]) {
  const scripts: string[] = [];
  const run = async ({ stdin = '' }: Command): Promise<Outcome> => {
    scripts.push(stdin);
    const isRefused = texts.some((text) => stdin.includes(text));
    return { status: isRefused ? 1 : 0, stdout: '', stderr: isRefused ? 'Error: File exists' : '' };
  };
  return { run, scripts };
}

test('everything is written in one transaction, what is common first', async () => {
  const { run, scripts } = refusing();

  expect(await writeMissing({ shared, own }, run)).toEqual({ restored: own, failures: [] });

  expect(scripts).toHaveLength(1);
  expect(scripts[0]?.indexOf('add set bridge fairlead checked')).toBeLessThan(
    scripts[0]?.indexOf('create element inet fairlead_portmap ports') ?? -1,
  );
});

test('what one attachment cannot have keeps none of the others from theirs', async () => {
  const { run } = refusing('net/c/eth0');

  const { restored, failures } = await writeMissing({ shared, own }, run);

  expect(restored.map(({ record }) => record.owner.containerId)).toEqual(['a', 'b', 'd', 'e']);
  expect(failures).toEqual([
    expect.stringMatching(/^container c, interface eth0, of network net: .*File exists/),
  ]);
});

test('where what is common cannot be written nothing else is tried', async () => {
  const { run, scripts } = refusing('add set bridge fairlead checked');

  const { restored, failures } = await writeMissing({ shared, own }, run);

  expect(restored).toEqual([]);
  expect(failures).toEqual([expect.stringContaining('File exists')]);
  expect(scripts).toHaveLength(2);
});

test('where nothing can be written not everything is tried', async () => {
  const { run, scripts } = refusing('');
  const many = Array.from({ length: 500 }, (_, at) => {
    const record = recordOf(`c${at}`, { port: at + 1 });
    return { record, lacking: record.rules.own };
  });

  const { restored, failures } = await writeMissing({ shared: [], own: many }, run);

  expect(restored).toEqual([]);
  expect(failures).toHaveLength(500);
  expect(scripts.length).toBeLessThan(50);
});

test('nothing missing starts no process', async () => {
  const { run, scripts } = refusing();

  await writeMissing({ shared: [], own: [] }, run);

  expect(scripts).toEqual([]);
});
