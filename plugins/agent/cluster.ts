import { dirname } from 'node:path';
import { connectEtcd } from '../../lib/etcd/client.ts';
import type { Log } from '../../lib/log/log.ts';
import { Overlay } from '../../lib/overlay/overlay.ts';
import { Imports } from '../../lib/registry/imports.ts';
import { readNodeId } from '../../lib/registry/node-id.ts';
import type { AgentConfig } from './config.ts';
import { type Discovery, startDiscovery } from './discovery.ts';
import { type Mirrors, type MirrorsOptions, startMirrors } from './mirrors.ts';
import { readMirrors } from './mirrors-config.ts';
import type { AgentParts } from './parts.ts';
import { RoutedNetwork } from './routed-network.ts';

/** What an agent has in common with those of other hosts; it outlives the registry's file. */
export type Cluster = AsyncDisposable & {
  readonly overlay: Overlay | undefined;
  /** Undefined where this host has no part in the cluster's addresses. */
  readonly routed: RoutedNetwork | undefined;
  readonly discovery: Discovery | undefined;
  /** Undefined where no outside registry is configured. */
  readonly mirrors: Mirrors | undefined;
  /** What others have registered; undefined where nobody is asked. */
  readonly imports: Imports | undefined;
};

/**
 * Joins the other hosts, as far as the configuration says so.
 * @throws CniError where a file of the configuration cannot be read
 */
export function joinCluster(
  { etcd: config, overlay: settings, discovery: sharing, store, blocks, routing, mirrors: file }: AgentConfig,
  parts: AgentParts,
  log: Log,
): Cluster {
  const { machine, run, listen } = parts;
  const node = readNodeId(dirname(store));
  const stack = new AsyncDisposableStack();
  const etcd = config === undefined ? undefined : stack.use(connectEtcd(config));
  const overlay =
    etcd === undefined || settings === undefined
      ? undefined
      : new Overlay({ settings, etcd, machine, run, listen, node, log });
  const routed =
    etcd === undefined || blocks === undefined
      ? undefined
      : new RoutedNetwork({ blocks, routing, etcd, parts, node, overlay, log });
  const imports = new Imports({ node, firstRevision: Date.now() });
  const discovery =
    etcd === undefined || sharing === undefined
      ? undefined
      : stack.use(startDiscovery({ etcd, config: sharing, node, log, imports }));
  const mirrors = openMirrors(file, { storePath: store, node, log, imports });
  if (mirrors !== undefined) stack.use(mirrors);
  if (overlay !== undefined) stack.use(keepRunning(overlay));
  if (routed !== undefined) stack.use(keepRunning(routed));
  return {
    overlay,
    routed,
    discovery,
    mirrors,
    imports: discovery !== undefined || mirrors?.isImporting === true ? imports : undefined,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function openMirrors(
  file: AgentConfig['mirrors'],
  options: Omit<MirrorsOptions, 'mirrors'>,
): Mirrors | undefined {
  const mirrors = file === false ? [] : readMirrors(file);
  return mirrors.length === 0 ? undefined : startMirrors({ ...options, mirrors });
}

/** What follows the cluster until its signal. */
type Running = { readonly run: (signal: AbortSignal) => Promise<void> };

function keepRunning(follower: Running): AsyncDisposable {
  const ended = new AbortController();
  const running = follower.run(ended.signal);
  return {
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await running;
    },
  };
}
