import type { Plugin } from '../../lib/cni/dispatch.ts';
import type { SelectIpam } from '../../lib/cni/ipam.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { add } from './add.ts';
import { check } from './check.ts';
import { del } from './del.ts';
import { gc } from './gc.ts';
import { status } from './status.ts';

/** The plugin `bridge` on a machine. */
export function createBridge(machine: Machine, selectIpam: SelectIpam): Plugin {
  return {
    name: 'bridge',
    add: (call) => add(call, machine, selectIpam),
    del: (call) => del(call, machine, selectIpam),
    check: (call) => check(call, machine, selectIpam),
    gc: (call) => gc(call, machine, selectIpam),
    status: (call) => status(call, machine, selectIpam),
  };
}
