import { expect, test } from 'vitest';
import { HealthScheduler } from '../../../lib/health/scheduler.ts';
import type { InstanceDraft } from '../../../lib/registry/attachment.ts';
import type { HealthCheck } from '../../../lib/registry/health-check.ts';
import { openStore } from '../../../lib/registry/sqlite-store.ts';
import { RegistryView } from '../../../lib/registry/view.ts';
import { instanceOf } from '../../support/registry.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { serveHttp } from './servers.ts';

const check: HealthCheck = {
  probe: { kind: 'http', scheme: 'http', path: '/' },
  intervalMs: 300,
  timeoutMs: 150,
  rise: 1,
  fall: 2,
  initial: 'passing',
};

async function waitMsFor(isTrue: () => boolean): Promise<number> {
  const startedAtMs = performance.now();
  while (!isTrue() && performance.now() - startedAtMs < 5_000) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return performance.now() - startedAtMs;
}

test('over a real store and real servers, the silent one is out of the answers within interval × fall + 1 s, and back', async () => {
  using dir = temporaryDirectory();
  const location = { path: `${dir.path}/registry.db`, bootId: 'boot' };
  using writing = openStore(location);
  using reading = openStore(location);
  let isSilent = false;
  await using flaky = await serveHttp((_request, response) => {
    if (!isSilent) response.end('well');
  });
  await using steady = await serveHttp((_request, response) => response.end('well'));
  for (const [id, { target }] of Object.entries({ flaky, steady })) {
    const { revision, owner, createdAtMs, service, ...draft } = instanceOf({ id, check, ...target });
    writing.put(draft satisfies InstanceDraft);
  }
  const view = new RegistryView(reading);
  using _scheduler = new HealthScheduler({
    node: writing.node,
    view,
    setStatus: (updates) => writing.updateAll(updates),
    remove: (ids) => writing.remove(ids),
  });
  const healthy = () => {
    view.refresh();
    return [...view.all()].filter(({ status }) => status === 'passing').map(({ id }) => id);
  };
  await waitMsFor(() => flaky.connections() > 1);
  expect(healthy()).toEqual(['flaky', 'steady']);
  isSilent = true;
  expect(await waitMsFor(() => healthy().length === 1)).toBeLessThan(300 * 2 + 1_000);
  expect(healthy()).toEqual(['steady']);
  isSilent = false;
  expect(await waitMsFor(() => healthy().length === 2)).toBeLessThan(1_300);
});
