import { setTimeout } from 'node:timers/promises';
import { messageOf } from '../../lib/errors/cni-error.ts';
import { createLog } from '../../lib/log/log.ts';
import { joinCluster } from './cluster.ts';
import type { AgentConfig } from './config.ts';
import { createProcessMetrics } from './metrics.ts';
import type { AgentParts } from './parts.ts';
import { runSession, type Surroundings } from './session.ts';

/**
 * The node's daemon: DNS, API, health checks and reconciliation over one registry, until it is stopped. A registry that
 * is damaged or replaced under it is opened anew, which takes milliseconds.
 * @throws CniError where it cannot begin: an address is taken, a file cannot be read
 */
export async function runAgent(
  config: AgentConfig,
  parts: Omit<AgentParts, 'processMetrics'>,
): Promise<void> {
  const log = createLog(parts.writeLog, config.log);
  const stopping = new AbortController();
  parts.onStop((why) => {
    log.info('stopping', { why });
    stopping.abort();
  });
  const warn = (message: string) => log.warn(message);
  const all = { ...parts, warn, processMetrics: createProcessMetrics() };
  await using cluster = joinCluster(config, all, log);
  await runSessions(config, { parts: all, log, cluster, signal: stopping.signal });
  log.info('stopped');
}

/** A session shorter than this has not helped: the next one waits for longer. */
const shortSessionMs = 10_000;
const longestPauseMs = 30_000;

async function runSessions(config: AgentConfig, surroundings: Surroundings): Promise<void> {
  const { log, signal } = surroundings;
  let pauseMs = 0;
  for (let session = 1; !signal.aborted; session++) {
    const startedAtMs = performance.now();
    const why = await runSession(config, surroundings).catch((error: unknown) => {
      // Who has just started the agent is to be told; later a disk may be full, which passes.
      if (session === 1) throw error;
      return messageOf(error);
    });
    if (signal.aborted) return;
    const wasShort = performance.now() - startedAtMs < shortSessionMs;
    pauseMs = wasShort ? Math.min(longestPauseMs, pauseMs * 2 + 100) : 0;
    log.warn('opening the registry anew', { why, pauseMs });
    await setTimeout(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}
