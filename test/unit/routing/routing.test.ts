import { expect, test } from 'vitest';
import type { Reachability, Router } from '../../../lib/routing/router.ts';
import { Routing } from '../../../lib/routing/routing.ts';
import { reachabilityOf } from '../../support/routing.ts';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Announces nothing, and says why. */
function refusingRouter(tried: Reachability[]): Router {
  return {
    apply: async (wish) => {
      tried.push(wish);
      return ['somebody has a route'];
    },
    status: () => ({
      ...{ mode: 'direct', announced: [], routes: [], problems: [] },
      drift: { repairs: 0, last: [] },
    }),
  };
}

test('who has a new aim learns how it stands when it has been tried', async () => {
  const tried: Reachability[] = [];
  const stop = new AbortController();
  const { promise: ended } = Promise.withResolvers<string>();
  const routing = new Routing({
    router: refusingRouter(tried),
    host: {
      run: async () => ({ status: 0, stdout: '', stderr: '' }),
      readProc: () => undefined,
      writeProc: () => undefined,
    },
    listen: () => ({ ended, [Symbol.asyncDispose]: async () => undefined }),
    log: silent,
    resyncMs: 10_000,
  });
  const running = routing.run(stop.signal);
  const wish = reachabilityOf(1, [{ number: 1 }]);

  const { announced, problems } = await routing.aimAt(wish);

  expect(tried).toContain(wish);
  expect(announced).toEqual([]);
  expect(problems).toContain('routes: somebody has a route');
  stop.abort();
  await running;
});
