import { dirname } from 'node:path';
import { connectEtcd } from '../../lib/etcd/client.ts';
import type { Log } from '../../lib/log/log.ts';
import { Overlay } from '../../lib/overlay/overlay.ts';
import { Imports } from '../../lib/registry/imports.ts';
import { readNodeId } from '../../lib/registry/node-id.ts';
import { RulesKeeper } from '../../lib/rules/keeper.ts';
import { CniCalls } from './cni-calls.ts';
import { addCniMetrics } from './cni-metrics.ts';
import type { AgentConfig } from './config.ts';
import { type Discovery, startDiscovery } from './discovery.ts';
import { type Mirrors, type MirrorsOptions, startMirrors } from './mirrors.ts';
import { readMirrors } from './mirrors-config.ts';
import type { AgentParts } from './parts.ts';
import { RoutedNetwork } from './routed-network.ts';

/** What an agent does beside its registry, most of it with other hosts; it outlives the registry's file. */
export type Cluster = AsyncDisposable & {
  readonly overlay: Overlay | undefined;
  /** Undefined where this host has no part in the cluster's addresses. */
  readonly routed: RoutedNetwork | undefined;
  readonly discovery: Discovery | undefined;
  /** Undefined where no outside registry is configured. */
  readonly mirrors: Mirrors | undefined;
  /** What others have registered; undefined where nobody is asked. */
  readonly imports: Imports | undefined;
  /** Undefined where rules that others take away are none of this agent's business. */
  readonly rules: RulesKeeper | undefined;
  /** Undefined where CNI calls are executed by the runtime's own processes only. */
  readonly cni: CniCalls | undefined;
};

/**
 * Joins the other hosts, as far as the configuration says so.
 * @throws CniError where a file of the configuration cannot be read
 */
export function joinCluster(config: AgentConfig, parts: AgentParts, log: Log): Cluster {
  const { overlay: settings, discovery: sharing, store, blocks, routing, mirrors: file } = config;
  const { machine, run, listen } = parts;
  const node = readNodeId(dirname(store));
  const stack = new AsyncDisposableStack();
  const etcd = config.etcd === undefined ? undefined : stack.use(connectEtcd(config.etcd));
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
  stack.use(mirrors);
  const rules = config.rules ? new RulesKeeper({ ...parts, log }) : undefined;
  const cni = openCalls(config, parts, log);
  for (const each of [overlay, routed, rules, cni]) stack.use(keepRunning(each));
  return {
    overlay,
    routed,
    discovery,
    mirrors,
    rules,
    cni,
    imports: discovery !== undefined || mirrors?.isImporting === true ? imports : undefined,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function openCalls(
  { cni: settings, log: logFormat }: AgentConfig,
  { startWorker, processMetrics }: AgentParts,
  log: Log,
): CniCalls | undefined {
  if (settings === undefined) return undefined;
  const calls = new CniCalls({ settings, startWorker, log, logFormat });
  addCniMetrics(processMetrics, calls);
  return calls;
}

function openMirrors(
  file: AgentConfig['mirrors'],
  options: Omit<MirrorsOptions, 'mirrors'>,
): Mirrors | undefined {
  const mirrors = file === false ? [] : readMirrors(file);
  return mirrors.length === 0 ? undefined : startMirrors({ ...options, mirrors });
}

/** What works until its signal. */
type Running = { readonly run: (signal: AbortSignal) => Promise<void> };

function keepRunning(follower: Running | undefined): AsyncDisposable | undefined {
  if (follower === undefined) return undefined;
  const ended = new AbortController();
  const running = follower.run(ended.signal);
  return {
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await running;
    },
  };
}
