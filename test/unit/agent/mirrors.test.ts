import { expect, test } from 'vitest';
import { parseMirrors } from '../../../lib/mirror/config.ts';
import { Imports } from '../../../lib/registry/imports.ts';
import { hold } from '../../../lib/registry/presence.ts';
import { startMirrors } from '../../../plugins/agent/mirrors.ts';
import { temporaryStore } from '../../support/registrations.ts';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

test('a mirror that waits for another agent says so', async () => {
  using temporary = temporaryStore();
  const { path: storePath, store } = temporary;
  const mirrors = parseMirrors({
    mirrors: [{ name: 'main', type: 'consul', endpoints: ['http://[::1]:1'] }],
  });
  using _ = hold('agent', storePath);

  await using started = startMirrors({
    mirrors,
    storePath,
    node: store.node,
    log,
    imports: new Imports({ node: store.node, firstRevision: 0 }),
  });
  await using _delivery = started.deliverFrom(store, () => undefined);

  expect(started.status()).toMatchObject([
    { state: 'beginning', lastError: expect.stringContaining(`a process holds ${temporary.dir}/agent.lock`) },
  ]);
});
