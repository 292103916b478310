import { readFileSync } from 'node:fs';
import { CniError, ErrorCode, messageOf } from '../../lib/errors/cni-error.ts';
import type { MirrorConfig } from '../../lib/mirror/config.ts';
import { parseMirrorsJson } from '../../lib/mirror/mirrors-json.ts';
import type { AgentOptions } from './ask-agent.ts';

/** How the commands about mirrors find the agent, the registry, and the file in which its mirrors are configured. */
export type MirrorsOptions = AgentOptions & { readonly store: string; readonly mirrors: string };

/**
 * The mirrors of a file; what opens them is loaded only now.
 * @throws CniError code 7 naming file and field
 */
export async function readMirrors(path: string): Promise<readonly MirrorConfig[]> {
  const { parseMirrors } = await import('../../lib/mirror/config.ts');
  try {
    return parseMirrors(parseMirrorsJson(readFileSync(path, 'utf8'), 'the file'));
  } catch (error) {
    throw new CniError(ErrorCode.invalidConfig, `${path}: ${messageOf(error)}`, { cause: error });
  }
}
