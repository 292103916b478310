import type { Plugin } from '../cni/dispatch.ts';
import { add } from './add.ts';
import { check } from './check.ts';
import { del } from './del.ts';
import { gc } from './gc.ts';
import type { PointToPointParts } from './parts.ts';
import { status } from './status.ts';

/** The plugin of a kind, on a machine. */
export function createPointToPointPlugin(parts: PointToPointParts): Plugin {
  return {
    name: parts.kind.name,
    add: (call) => add(call, parts),
    del: (call) => del(call, parts),
    check: (call) => check(call, parts),
    gc: (call) => gc(call, parts),
    status: (call) => status(call, parts),
  };
}
