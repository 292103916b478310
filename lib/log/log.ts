import { escapeControls } from './controls.ts';

/** What is said beside a message: texts and numbers by name. */
export type LogFields = Readonly<Record<string, string | number | boolean>>;

/** A daemon's log. */
export type Log = {
  readonly info: (message: string, fields?: LogFields) => void;
  readonly warn: (message: string, fields?: LogFields) => void;
  readonly error: (message: string, fields?: LogFields) => void;
};

export type LogFormat = 'text' | 'json';

/**
 * One line for each message, with its level as systemd reads it (sd-daemon(3)) in text, and with the time in JSON.
 * Control characters of what is logged are escaped: names come from outside.
 */
export function createLog(write: (line: string) => void, format: LogFormat): Log {
  const at =
    (level: keyof Log) =>
    (message: string, fields: LogFields = {}) =>
      write(format === 'json' ? toJsonLine(level, message, fields) : toTextLine(level, message, fields));
  return { info: at('info'), warn: at('warn'), error: at('error') };
}

const priorities: Readonly<Record<keyof Log, string>> = { info: '<6>', warn: '<4>', error: '<3>' };

function toJsonLine(level: string, message: string, fields: LogFields): string {
  return `${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`;
}

function toTextLine(level: keyof Log, message: string, fields: LogFields): string {
  const beside = Object.entries(fields).map(([name, value]) => ` ${name}=${shown(String(value))}`);
  return `${priorities[level]}${escapeControls(message)}${beside.join('')}\n`;
}

function shown(value: string): string {
  return /^[\w.:/@-]+$/.test(value) ? value : `"${escapeControls(value.replaceAll('"', '\\"'))}"`;
}
