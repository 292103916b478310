import { readFileSync, statSync } from 'node:fs';
import { CniError, ErrorCode, messageOf } from '../../errors/cni-error.ts';
import { parseMirrorsJson } from '../../mirror/mirrors-json.ts';
import { type MirrorSummary, parseMirrorSummaries } from '../../mirror/summary.ts';

/**
 * The outside registries that this machine writes to; none where there is no such file.
 * @throws CniError code 7 naming file and field
 */
export function readMirrorsFile(path: string): readonly MirrorSummary[] {
  try {
    // Asked first, since an exception is what would cost most where there are no mirrors.
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return [];
    return parseMirrorSummaries(parseMirrorsJson(readFileSync(path, 'utf8'), 'the file'));
  } catch (error) {
    throw new CniError(ErrorCode.invalidConfig, `${path}: ${messageOf(error)}`, { cause: error });
  }
}
