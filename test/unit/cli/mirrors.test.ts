import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { expect, test } from 'vitest';
import type { MirrorStatus } from '../../../lib/mirror/status.ts';
import { parseMirrorSummaries } from '../../../lib/mirror/summary.ts';
import { toldKey } from '../../../lib/mirror/told.ts';
import { addMirrors } from '../../../plugins/cli/mirrors.ts';
import { registerNumbered, type TemporaryStore, temporaryStore } from '../../support/registrations.ts';
import { createRig } from '../api/rig.ts';

/** What the command prints, without the spaces that align columns. */
async function mirrors({ path, store }: TemporaryStore, ...args: readonly string[]): Promise<string> {
  let printed = '';
  const program = new Command('fairlead').exitOverride().configureOutput({ writeErr: () => {} });
  addMirrors(program, {
    writeStdout: (text) => {
      printed += text;
    },
    writeStderr: () => {},
    isTerminal: false,
    openStore: () => store,
    nowUs: () => 0,
    onInterrupt: () => {},
  });
  await program.parseAsync(['mirrors', '--store', path, ...args], { from: 'user' });
  return printed.replaceAll(/ +/g, ' ').replaceAll(/ $/gm, '');
}

const heading = 'NAME TYPE STATE LAG ENTRIES REFUSED IMPORTED LAST-DELIVERY ERROR';

test('without an agent, file and registry say how far each mirror is behind', async () => {
  using temporary = temporaryStore();
  registerNumbered(temporary.store, 1);
  const configured = [
    { name: 'main', type: 'etcd' },
    { name: 'old', type: 'consul' },
    { name: 'zoo', type: 'zookeeper' },
  ];
  const [main, old] = parseMirrorSummaries({ mirrors: configured });
  if (main === undefined || old === undefined) throw new Error('two mirrors at least');
  const refused = new Map([['c1-1', 'too long']]);
  temporary.store.setMirrored(toldKey(main, 'none'), temporary.store.revision(), refused);
  temporary.store.setMirrored(toldKey(old, 'held'), temporary.store.revision());
  registerNumbered(temporary.store, 2);
  const file = `${temporary.dir}/mirrors.json`;
  const read = { name: 'read', type: 'nacos', write: false };
  writeFileSync(file, JSON.stringify({ mirrors: [...configured, read] }));
  const where = ['--mirrors', file, '--api', `unix:${temporary.dir}/none`];
  const ended = 'its entries are those of an agent that has ended: they live no longer than their ttl';

  expect((await mirrors(temporary, ...where)).split('\n')).toEqual([
    heading,
    'main etcd no agent 1 - 1 - -',
    `old consul no agent - - 0 - - ${ended}`,
    'zoo zookeeper no agent - - 0 - -',
    '',
  ]);
  expect(JSON.parse(await mirrors(temporary, '--json', ...where))).toEqual([
    { name: 'main', kind: 'etcd', state: 'no agent', lag: 1, refusedCount: 1, lastError: '' },
    { name: 'old', kind: 'consul', state: 'no agent', refusedCount: 0, lastError: ended },
    { name: 'zoo', kind: 'zookeeper', state: 'no agent', refusedCount: 0, lastError: '' },
  ]);
});

test('with one, it says what it knows, and what a registry has said moves no cursor', async () => {
  const status: readonly MirrorStatus[] = [
    {
      name: 'main',
      kind: 'consul',
      state: 'failing',
      lag: 3,
      entries: 12,
      refused: [],
      refusedCount: 0,
      lastError: 'consul at http://127.0.0.1:8500: \u001b[2J',
      deliveredAtMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    },
    {
      name: 'spare',
      kind: 'nacos',
      state: 'delivered',
      lag: 0,
      entries: 1,
      refused: [{ key: 'a', because: 'not that name' }],
      refusedCount: 1,
      imports: { namespace: 'nacos', isConnected: true, services: 2, instances: 5, lastError: '' },
      lastError: '',
    },
  ];
  using temporary = temporaryStore();
  await using rig = await createRig({ mirrors: () => status });
  const where = ['--api', `unix:${rig.socket}`];

  expect((await mirrors(temporary, ...where)).split('\n')).toEqual([
    heading,
    'main consul failing 3 12 0 - 2026-01-02T03:04:05.000Z consul at http://127.0.0.1:8500: \\u001b[2J',
    'spare nacos delivered 0 1 1 2 services, 5 instances - not that name',
    '',
  ]);
  expect(JSON.parse(await mirrors(temporary, '--json', ...where))).toEqual(status);
});
