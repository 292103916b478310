import { readFileSync } from 'node:fs';
import { ifExists, onFiles } from '../../lib/errors/system-error.ts';
import { type MirrorConfig, parseMirrors } from '../../lib/mirror/config.ts';
import { parseMirrorsJson } from '../../lib/mirror/mirrors-json.ts';
import { defaultMirrorsPath } from '../../lib/mirror/summary.ts';

/**
 * The outside registries of this machine; none where nobody has named a file and the usual one is not there.
 * @param path undefined: the usual one
 * @throws CniError where the file cannot be read, or a field of it is wrong
 */
export function readMirrors(path: string | undefined): readonly MirrorConfig[] {
  const from = path ?? defaultMirrorsPath;
  const read = () => readFileSync(from, 'utf8');
  const text = onFiles(`mirrors: reading ${from}`, () => (path === undefined ? ifExists(read) : read()));
  return text === undefined ? [] : parseMirrors(parseMirrorsJson(text, from));
}
