import type { Api } from '../../lib/api/server.ts';
import type { DnsServer } from '../../lib/dns/server.ts';
import type { Log } from '../../lib/log/log.ts';
import { identifyFile } from '../../lib/registry/set-aside.ts';
import type { Store } from '../../lib/registry/store.ts';
import type { RegistryView } from '../../lib/registry/view.ts';
import type { AgentConfig } from './config.ts';
import { createGatewayFollower } from './gateways.ts';
import type { AgentParts } from './parts.ts';
import { checkFile } from './registry.ts';
import type { Task } from './upkeep.ts';

/** While somebody waits for changes, they are looked for often; DNS and the API look by themselves before each answer. */
const watchedMs = 20;
const unwatchedMs = 50;
/** A gateway that could not be had is tried again so often. */
const gatewayRetryMs = 1_000;
const fileCheckMs = 1_000;
/** Reading all pages takes tens of milliseconds, in which nothing else is done. */
const pageCheckMs = 60_000;
const checkpointMs = 5_000;

export type TaskParts = {
  readonly config: AgentConfig;
  readonly parts: AgentParts;
  readonly log: Log;
  readonly store: Store;
  readonly view: RegistryView;
  readonly dns: DnsServer;
  readonly api: Api;
  readonly reconcile: () => void;
  /** Ends the session. */
  readonly end: (why: string) => void;
};

/** What an agent does again and again beside answering. */
export function tasksOf(of: TaskParts): readonly Task[] {
  const { config, parts, store, view, api, reconcile } = of;
  const { gatewayPort } = config.dns;
  return [
    {
      name: 'following the registry',
      everyMs: () => (api.watcherCount() > 0 ? watchedMs : unwatchedMs),
      run: () => {
        view.refresh();
      },
    },
    ...(gatewayPort === undefined ? [] : [followGateways(gatewayPort, of)]),
    { name: 'reconciling', everyMs: () => config.sweepMs, run: reconcile },
    watchFile(of),
    {
      name: 'checking the pages of the registry',
      everyMs: () => pageCheckMs,
      run: () => checkFile(config.store, parts, 'pages'),
    },
    { name: 'writing the journal back', everyMs: () => checkpointMs, run: () => store.checkpoint() },
  ];
}

/** At once when the registry has changed, and now and then for what could not be had. */
function followGateways(port: number, { view, store, dns, log }: TaskParts): Task {
  const follow = createGatewayFollower({ port, dns, store, log });
  let seen = { revision: -1, atMs: Number.NEGATIVE_INFINITY };
  return {
    name: 'following the gateways',
    everyMs: () => watchedMs,
    run: async () => {
      view.refresh();
      const now = { revision: view.storeRevision, atMs: performance.now() };
      if (now.revision === seen.revision && now.atMs - seen.atMs < gatewayRetryMs) return;
      seen = now;
      await follow();
    },
  };
}

/** What is open must be what plugins write to, together with its journal, and what they can read. */
function watchFile({ config, parts, end }: TaskParts): Task {
  const identify = () => [config.store, `${config.store}-wal`].map(identifyFile).join();
  const opened = identify();
  return {
    name: 'watching the file of the registry',
    everyMs: () => fileCheckMs,
    run: () => {
      if (identify() !== opened) end('the file was removed or replaced');
      else checkFile(config.store, parts, 'header');
    },
  };
}
