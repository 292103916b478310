import { writeFileSync } from 'node:fs';
import type { InstanceDraft, Registration } from '../../lib/registry/attachment.ts';
import { openStore } from '../../lib/registry/sqlite-store.ts';
import type { Store } from '../../lib/registry/store.ts';
import { instanceOf } from './registry.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** The boot in which the tests' stores are opened. */
export const bootId = 'boot-of-tests';

/** What a plugin would have planned: passing, at 10.1.0.2:80 of service `web`, but for what a test says. */
export function draftOf(said: Partial<InstanceDraft> = {}): InstanceDraft {
  const { revision: _, service, owner: __, createdAtMs: ___, ...draft } = instanceOf(said);
  return { ...draft, serviceName: said.serviceName ?? service };
}

/** Container `c1` of network `net` with one instance, by an ADD that began at 1 s, but for what a test says. */
export function registrationOf(said: Partial<Registration> = {}): Registration {
  const containerId = said.containerId ?? 'c1';
  return {
    network: 'net',
    containerId,
    ifName: 'eth0',
    proof: proofOf(containerId),
    startedAtUs: 1_000_000,
    gateways: ['10.1.0.1'],
    declaration: {},
    instances: [draftOf({ id: `${containerId}-1` })],
    ...said,
  };
}

/** The proof of a container that lives in the tests' boot. */
export function proofOf(containerId: string, inode = 1): Registration['proof'] {
  return { bootId, netns: { path: `/run/netns/${containerId}`, device: 4, inode } };
}

/** Registers a container with one instance at an address of its own, 10.1.x.y for the number. */
export function registerNumbered(store: Store, number: number, said: Partial<InstanceDraft> = {}): void {
  const address = `10.1.${number >> 8}.${number & 255}`;
  const instances = [draftOf({ id: `c${number}-1`, address, ...said })];
  store.register(registrationOf({ containerId: `c${number}`, instances }));
}

/**
 * A store in a directory of its own. `first` is the revision at which it began; `reopen` gives another connection to it,
 * in the boot given.
 */
export type TemporaryStore = Disposable & {
  readonly dir: string;
  readonly path: string;
  readonly store: Store;
  readonly first: number;
  readonly reopen: (boot?: string) => Store;
};

/** @param node the id of the machine whose store it is, where a test must know it: 16 hex digits */
export function temporaryStore(node?: string): TemporaryStore {
  const dir = temporaryDirectory();
  if (node !== undefined) writeFileSync(`${dir.path}/node-id`, `${node}\n`);
  const path = `${dir.path}/registry.db`;
  const opened: Store[] = [];
  const reopen = (boot = bootId) => {
    const store = openStore({ path, bootId: boot, firstRevision: Date.now() });
    opened.push(store);
    return store;
  };
  const store = reopen();
  return {
    dir: dir.path,
    path,
    store,
    first: store.revision(),
    reopen,
    [Symbol.dispose]: () => {
      try {
        for (const each of opened) each.close();
      } finally {
        dir[Symbol.dispose]();
      }
    },
  };
}
