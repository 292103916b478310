import { messageOf } from '../errors/cni-error.ts';
import { RateLimiter } from '../limit/rate-limiter.ts';
import type { Log } from '../log/log.ts';
import { Refusals } from '../xds/refusals.ts';
import { createAuthenticator } from './access.ts';
import { CandidateLists } from './candidate-lists.ts';
import { ConsulIndexes } from './consul-index.ts';
import { createRequestListener, type Observed } from './exchange.ts';
import { History } from './history.ts';
import { InstanceTexts } from './instance-text.ts';
import { type ApiListen, checkListen, type Listener, openListener } from './listener.ts';
import type { ApiParts, ApiServices } from './parts.ts';
import { RevisionCache } from './revision-cache.ts';
import { Topics } from './topics.ts';
import { renderChangeEvents, WatchTexts } from './watch-text.ts';

/** How long answers that are on their way may take when the API ends, in milliseconds. */
const farewellMs = 250;

export type ApiOptions = ApiServices & {
  readonly listen: readonly ApiListen[];
  readonly log: Log;
  /** Told of every request, for metrics. */
  readonly observe?: (observed: Observed) => void;
};

/** The API while it serves; disposing of it ends all watches at once and removes the socket's file. */
export type Api = AsyncDisposable & {
  /** Paths and URLs, in the order of `listen`. */
  readonly addresses: readonly string[];
  /** How many wait for changes: while it is not 0, the view should be refreshed every few hundredths of a second. */
  readonly watcherCount: () => number;
};

/**
 * Serves the registry over HTTP on every listener, or on none.
 * @throws CniError code 7 for a listener that would be unsafe, code 5 for one that cannot be opened
 */
export async function startApi(options: ApiOptions): Promise<Api> {
  for (const listening of options.listen) checkListen(listening);
  const parts = createParts(options);
  const stopFollowing = follow(parts);
  const listeners: Listener[] = [];
  try {
    for (const listening of options.listen) listeners.push(await open(listening, options, parts));
  } catch (error) {
    stopFollowing();
    await Promise.all(listeners.map(closeListener));
    throw error;
  }
  const addresses = listeners.map(({ where }) => where);
  options.log.info('the API listens', { on: addresses.join(', ') });
  return {
    addresses,
    watcherCount: () => parts.topics.count,
    [Symbol.asyncDispose]: async () => {
      stopFollowing();
      parts.topics.end();
      await Promise.all(listeners.map(closeListener));
    },
  };
}

function createParts(options: ApiOptions): ApiParts {
  const { store, view, picker, metrics, health, node, overlay, routed, mirrors, cni, zone, limits } = options;
  view.refresh();
  const instanceTexts = new InstanceTexts();
  const history = new History(view);
  const answers = new RevisionCache(view);
  return {
    ...{
      store,
      view,
      picker,
      metrics,
      health,
      node,
      overlay,
      routed,
      mirrors,
      cni,
      ...(zone === undefined ? {} : { zone }),
      limits,
      instanceTexts,
      history,
      answers,
    },
    candidateLists: new CandidateLists(),
    refusals: new Refusals(options.log),
    topics: new Topics((changes) => renderChangeEvents(changes, instanceTexts)),
    indexes: new ConsulIndexes(view),
    watchTexts: new WatchTexts({ view, history, answers, instanceTexts }),
  };
}

/** Watchers are told last: what they then ask for must know of the change. */
function follow({ view, history, indexes, topics }: ApiParts): () => void {
  return view.onChange((changes, revision) => {
    history.follow(changes);
    indexes.follow(changes, revision);
    topics.publish(changes);
  });
}

async function open(listening: ApiListen, options: ApiOptions, parts: ApiParts): Promise<Listener> {
  const { log, observe = () => {}, limits } = options;
  const entrance = {
    parts,
    authenticate: listening.kind === 'unix' ? undefined : createAuthenticator(listening.tokens),
    limiter: new RateLimiter(limits.rate),
    log,
    observe,
  };
  const listener = await openListener(listening, createRequestListener(entrance), limits);
  listener.server.on('error', (error) => log.error('the API', { on: listener.where, why: messageOf(error) }));
  warnOfCrowds(listener, log, limits.connections);
  return listener;
}

/** Once a minute at most: whoever is turned away comes back at once. */
function warnOfCrowds({ server, where }: Listener, log: Log, connections: number): void {
  let saidMs = Number.NEGATIVE_INFINITY;
  server.on('drop', () => {
    if (performance.now() - saidMs < 60_000) return;
    saidMs = performance.now();
    log.warn('the API has as many connections as are allowed, and turns others away', {
      on: where,
      connections,
    });
  });
}

/** New connections are refused at once; answers that are on their way get a moment. */
async function closeListener({ server, remove }: Listener): Promise<void> {
  remove();
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  const sweep = setInterval(() => server.closeIdleConnections(), farewellMs / 25);
  const end = setTimeout(() => server.closeAllConnections(), farewellMs);
  await promise;
  clearInterval(sweep);
  clearTimeout(end);
}
