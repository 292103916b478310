import { existsSync } from 'node:fs';
import { readBootId } from '../../lib/attach/liveness.ts';
import { createMachine, type Machine } from '../../lib/exec/machine.ts';
import { createInNetns } from '../../lib/exec/netns.ts';
import { noShortcut } from '../../lib/exec/shortcut.ts';
import { createSpawnSyncRunner } from '../../lib/exec/spawn-runner.ts';
import type { Instance } from '../../lib/registry/instance.ts';
import { openStore } from '../../lib/registry/sqlite-store.ts';
import type { Store } from '../../lib/registry/store.ts';
import type { Rig } from './rig.ts';

/** The machine that the tests run on, for what reads the store in the test's own process. */
export const realMachine: Machine = createMachine({
  run: createSpawnSyncRunner(process.env.PATH),
  shortcut: noShortcut,
  startDetached: () => {
    throw new Error('a test in process starts nothing');
  },
  inNetns: createInNetns(() => process.abort()),
});

/** The rig's registry, or another file, as a plugin would open it. */
export function openRegistry(path: string): Store {
  return openStore({ path, bootId: readBootId(realMachine) });
}

/** What is registered; undefined where there is no registry at all. */
export function registered(rig: Pick<Rig, 'store'>, path = rig.store): readonly Instance[] | undefined {
  if (!existsSync(path)) return undefined;
  using store = openRegistry(path);
  store.verify();
  return store.instances();
}

/** The same, each as `service address:port` in alphabetical order. */
export function names(rig: Pick<Rig, 'store'>, path = rig.store): readonly string[] {
  return (registered(rig, path) ?? [])
    .map(({ service, address, port }) => `${service} ${address}${port === 0 ? '' : `:${port}`}`)
    .sort();
}
