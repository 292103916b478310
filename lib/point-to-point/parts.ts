import type { AttachParts } from '../attach/parts.ts';
import type { PointToPointKind } from './kind.ts';

/** What a verb of a plugin works with whose containers have point-to-point links. */
export type PointToPointParts = AttachParts & { readonly kind: PointToPointKind };
