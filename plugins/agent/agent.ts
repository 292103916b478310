import { createLog, type Log } from '../../lib/log/log.ts';
import type { AgentConfig } from './config.ts';
import type { AgentParts } from './parts.ts';
import { runSession } from './session.ts';

/**
 * The node's daemon: DNS, API, health checks and reconciliation over one registry, until it is stopped. A registry that
 * is damaged or replaced under it is opened anew, which takes milliseconds.
 * @throws CniError where it cannot begin: an address is taken, a file cannot be read
 */
export async function runAgent(config: AgentConfig, parts: AgentParts): Promise<void> {
  const log = createLog(parts.writeLog, config.log);
  const stopping = new AbortController();
  parts.onStop((why) => {
    log.info('stopping', { why });
    stopping.abort();
  });
  await runSessions(config, { ...parts, warn: (message) => log.warn(message) }, log, stopping.signal);
  log.info('stopped');
}

async function runSessions(
  config: AgentConfig,
  parts: AgentParts,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const why = await runSession(config, { parts, log, signal });
    if (!signal.aborted) log.warn('opening the registry anew', { why });
  }
}
