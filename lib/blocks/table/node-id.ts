import type { NodeId } from './block.ts';

/** Undefined for what is no host's id: it stands in keys. */
export function parseNodeId(text: string): NodeId | undefined {
  return /^[\w.:-]{1,64}$/.test(text) ? text : undefined;
}
