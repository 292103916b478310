import type { Log } from '../../../lib/log/log.ts';

/** A log that keeps what it is told, as "level message: reason". */
export function createTestLog(): { readonly log: Log; readonly messages: readonly string[] } {
  const messages: string[] = [];
  const at =
    (level: keyof Log): Log['info'] =>
    (message, fields) =>
      messages.push(`${level} ${message}: ${fields?.reason}`);
  return { log: { info: at('info'), warn: at('warn'), error: at('error') }, messages };
}
