import type { AttachParts } from '../attach/parts.ts';
import type { BridgeKind } from './network.ts';

/** What a verb of a plugin works with whose containers are ports of a bridge. */
export type BridgeParts = AttachParts & { readonly kind: BridgeKind };
