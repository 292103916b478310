import type { Log } from '../../../lib/log/log.ts';

/** A log that keeps what it is told, as "level: message". */
export function recordLog(): { readonly log: Log; readonly lines: readonly string[] } {
  const lines: string[] = [];
  const at = (level: keyof Log) => (message: string) => {
    lines.push(`${level}: ${message}`);
  };
  return { log: { info: at('info'), warn: at('warn'), error: at('error') }, lines };
}
