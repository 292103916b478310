import type { BlockHolderOptions } from '../holder-options.ts';
import { parseShare, type Share } from './share.ts';

/** What the run before this one leased from; undefined where that cannot be told, or was of another network. */
export function shareBefore({
  readShare,
  settings,
}: Pick<BlockHolderOptions, 'readShare' | 'settings'>): Share | undefined {
  try {
    const share = parseShare(readShare() ?? '', 'the share');
    return share.network === settings.network ? share : undefined;
  } catch {
    return undefined;
  }
}
