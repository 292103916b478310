import type { Plugin } from '../cni/dispatch.ts';
import type { Machine } from '../exec/machine.ts';
import { add } from './add.ts';
import { check } from './check.ts';
import { del } from './del.ts';

/** The plugin `loopback` on a machine. It keeps nothing, so that there is nothing to collect or to run out of. */
export function createLoopback(machine: Machine): Plugin {
  const nothing = () => undefined;
  return {
    name: 'loopback',
    add: (call) => add(call, machine),
    del: (call) => del(call, machine),
    check: (call) => check(call, machine),
    gc: nothing,
    status: nothing,
  };
}
