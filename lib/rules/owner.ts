import type { AttachmentId } from '../cni/invocation.ts';
import { hash64 } from '../net/hash.ts';

/** nft takes comments of at most 127 bytes. */
const mostBytes = 127;

/**
 * The comment that tells whose an element is. Compared as a whole, never taken apart: one that would be too long is cut
 * and hashed.
 */
export function ownerComment(network: string, { containerId, ifName }: AttachmentId): string {
  const comment = `${network}/${containerId}/${ifName}`;
  return comment.length <= mostBytes ? comment : `${comment.slice(0, mostBytes - 17)}~${hash64(comment)}`;
}

/** What the names of an attachment's own chains begin with: nft lists chains without their comments. */
export function ownChainPrefix(comment: string): string {
  return `own_${hash64(comment)}_`;
}
