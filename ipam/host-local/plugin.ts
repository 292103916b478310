import type { Plugin } from '../../lib/cni/dispatch.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { add } from './add.ts';
import { check } from './check.ts';
import { del } from './del.ts';
import { gc } from './gc.ts';
import { status } from './status.ts';

/** The IPAM plugin `host-local` on a machine. */
export function createHostLocal(machine: Machine): Plugin {
  return {
    name: 'host-local',
    add: (call) => add(call, machine),
    del: (call) => del(call, machine),
    check: (call) => check(call, machine),
    gc: (call) => gc(call, machine),
    status: (call) => status(call, machine),
  };
}
