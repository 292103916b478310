import { collect } from '../attach/collect.ts';
import type { NetworkCall } from '../cni/dispatch.ts';
import type { BridgeParts } from './parts.ts';

/** Removes what this network has of attachments that are not valid any more. */
export function gc(call: NetworkCall, parts: BridgeParts): void {
  collect(parts.kind.openRemoval(call).ipamCall, parts.kind.name, parts);
}
