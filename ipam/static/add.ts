import type { AttachmentCall } from '../../lib/cni/dispatch.ts';
import type { Result } from '../../lib/cni/result.ts';
import { parseStaticConfig } from './config.ts';

/**
 * The addresses that the configuration gives. Nothing is leased: who configures them sees to it that nobody else has them.
 * @throws CniError code 7
 */
export function add({ conf, attachment }: AttachmentCall): Result {
  return { interfaces: [], ...parseStaticConfig(conf, attachment) };
}
