import { describe, expect, test } from 'vitest';
import { Imports } from '../../../lib/registry/imports.ts';
import type { Change, Instance } from '../../../lib/registry/instance.ts';
import type { Store } from '../../../lib/registry/store.ts';
import { RegistryView } from '../../../lib/registry/view.ts';
import { Random } from '../../support/random.ts';
import { draftOf, registerNumbered, temporaryStore } from '../../support/registrations.ts';
import { containerOwner, instanceOf } from '../../support/registry.ts';

const web = { namespace: 'default', service: 'web' };
const firstRevision = 5_000;

/** An instance of another host. */
function foreign(said: Partial<Instance> = {}): Instance {
  return instanceOf({ id: 'far-1', address: '10.2.0.2', owner: { kind: 'api', node: 'n2' }, ...said });
}

/** A store, other hosts' instances, and a view over both. */
function createRig() {
  const temporary = temporaryStore();
  const { store, reopen } = temporary;
  const imports = new Imports({ node: store.node, firstRevision });
  const view = new RegistryView(reopen(), imports);
  return {
    store,
    imports,
    view,
    put: (...instances: readonly Instance[]) =>
      imports.apply(
        'etcd',
        instances.map((instance) => ({ kind: 'put', instance })),
      ),
    remove: (id: string, node = 'n2') => imports.apply('etcd', [{ kind: 'remove', node, id }]),
    fresh: () => new RegistryView(reopen(), imports),
    [Symbol.dispose]: () => temporary[Symbol.dispose](),
  };
}

const idsOf = (instances: Iterable<Instance>) => [...instances].map(({ id }) => id);
const inShort = ({ kind, instance }: Change) => `${kind} ${instance.id} of ${instance.owner.node}`;

describe('instances of other hosts', () => {
  test('are found like those of this one, which come first', () => {
    using rig = createRig();
    const owner = containerOwner({ node: 'n2', network: 'net', containerId: 'c9' });
    rig.put(foreign({ owner, address: '10.1.0.1' }));
    registerNumbered(rig.store, 1);
    rig.view.refresh();

    expect(idsOf(rig.view.ofService(web))).toEqual(['c1-1', 'far-1']);
    expect(idsOf(rig.view.atAddress('10.1.0.1'))).toEqual(['c1-1', 'far-1']);
    expect(idsOf(rig.view.ofHost('net', 'c9'))).toEqual(['far-1']);
    expect([
      rig.view.size,
      rig.view.isImported({ id: 'far-1' }),
      rig.view.isImported({ id: 'c1-1' }),
    ]).toEqual([2, true, false]);
  });

  test('that are there already are in a view that is made later', () => {
    using rig = createRig();
    rig.put(foreign());

    expect(idsOf(rig.fresh().all())).toEqual(['far-1']);
  });

  test('come, change and go as the listeners are told, at the revisions of the view', () => {
    using rig = createRig();
    const told: (readonly [string, number, number])[] = [];
    rig.view.onChange((changes, revision) => {
      for (const change of changes) told.push([inShort(change), change.revision, revision]);
    });
    const { revision: begin } = rig.view;
    rig.put(foreign());
    rig.view.refresh();
    registerNumbered(rig.store, 1);
    rig.put(foreign({ weight: 9 }));
    rig.view.refresh();
    rig.remove('far-1');
    rig.view.refresh();

    expect(told).toEqual([
      ['put far-1 of n2', begin + 1, begin + 1],
      [`put c1-1 of ${rig.store.node}`, begin + 2, begin + 3],
      ['put far-1 of n2', begin + 3, begin + 3],
      ['remove far-1 of n2', begin + 4, begin + 4],
    ]);
  });

  test('that move to another service are told as gone from the old one', () => {
    using rig = createRig();
    rig.put(foreign());
    rig.view.refresh();
    const told: string[] = [];
    rig.view.onChange((changes) =>
      told.push(...changes.map((each) => `${each.kind} ${each.instance.service}`)),
    );

    rig.put(foreign({ service: 'api' }));
    rig.view.refresh();

    expect(told).toEqual(['remove web', 'put api']);
    expect(rig.view.ofService(web)).toEqual([]);
  });

  test('are compared as a whole where too much has happened since the last look', () => {
    using rig = createRig();
    rig.put(foreign({ id: 'goes' }), foreign({ id: 'stays' }));
    rig.view.refresh();
    let changes = 0;
    rig.view.onChange((told) => {
      changes += told.length;
    });
    const many = Array.from({ length: 6_000 }, (_, at) => foreign({ id: `new-${at}` }));

    rig.imports.replace('etcd', [foreign({ id: 'stays' }), ...many]);
    rig.view.refresh();

    expect([changes, rig.view.size, rig.view.get('goes')]).toEqual([6_001, 6_001, undefined]);
  });

  test('wake nobody who looks again when nothing has happened', () => {
    using rig = createRig();
    rig.put(foreign());
    rig.view.refresh();
    let calls = 0;
    rig.view.onChange(() => calls++);
    rig.put(foreign({ revision: 99 }));

    expect([rig.view.refresh(), calls]).toEqual([false, 0]);
  });
});

describe('the revision', () => {
  test('grows over both, and the store has its own', () => {
    using rig = createRig();
    const { revision, storeRevision } = rig.view;
    rig.put(foreign());
    registerNumbered(rig.store, 1);
    rig.view.refresh();

    expect(revision).toBe(storeRevision + firstRevision);
    expect([rig.view.revision, rig.view.storeRevision]).toEqual([revision + 2, storeRevision + 1]);
  });

  test('without imports is the store’s, with its history', () => {
    using temporary = temporaryStore();
    registerNumbered(temporary.store, 1);
    const view = new RegistryView(temporary.reopen());
    registerNumbered(temporary.store, 2);

    expect(view.revision).toBe(temporary.store.revision() - 1);
    expect(view.storedChangesSince(temporary.first)?.map(inShort)).toEqual([
      `put c1-1 of ${temporary.store.node}`,
    ]);
  });

  test('with imports has no history in the store, which knows only half of it', () => {
    using rig = createRig();
    registerNumbered(rig.store, 1);
    rig.view.refresh();

    expect(rig.view.storedChangesSince(rig.view.storeRevision - 1)).toBeUndefined();
  });
});

describe('an id that is this host’s and another’s', () => {
  const own = (rig: { readonly store: Store }) => rig.store.put(draftOf({ id: 'same', address: '10.1.0.9' }));
  const other = foreign({ id: 'same', address: '10.2.0.9' });

  test.each(['own first', 'other first'])('is shown of this host (%s)', (order) => {
    using rig = createRig();
    if (order === 'own first') own(rig);
    else rig.put(other);
    rig.view.refresh();
    if (order === 'own first') rig.put(other);
    else own(rig);
    rig.view.refresh();

    expect([rig.view.get('same')?.address, rig.view.isImported({ id: 'same' }), rig.view.size]).toEqual([
      '10.1.0.9',
      false,
      1,
    ]);
    expect([rig.view.atAddress('10.2.0.9'), rig.view.ofService(web).length]).toEqual([[], 1]);
  });

  test('is shown of the other when this host’s has gone, and listeners are told of both', () => {
    using rig = createRig();
    own(rig);
    rig.put(other);
    rig.view.refresh();
    const told: string[] = [];
    rig.view.onChange((changes) => told.push(...changes.map(inShort)));
    rig.store.remove(['same']);
    rig.view.refresh();

    expect(told).toEqual([`remove same of ${rig.store.node}`, 'put same of n2']);
    expect([rig.view.get('same')?.address, rig.view.isImported({ id: 'same' })]).toEqual(['10.2.0.9', true]);
    expect(rig.view.atAddress('10.1.0.9')).toEqual([]);
  });

  test('passes to the other as something else, even where both say the same', () => {
    using rig = createRig();
    rig.store.put(draftOf({ id: 'same', address: other.address }));
    rig.put(other);
    rig.view.refresh();
    const told: string[] = [];
    rig.view.onChange((changes) => told.push(...changes.map(inShort)));
    rig.store.remove(['same']);
    rig.view.refresh();

    expect(told).toEqual([`remove same of ${rig.store.node}`, 'put same of n2']);
  });

  test('stays this host’s when the other’s changes and goes', () => {
    using rig = createRig();
    own(rig);
    rig.put(other);
    rig.view.refresh();
    rig.put({ ...other, weight: 9 });
    rig.view.refresh();
    rig.remove('same');

    expect([rig.view.refresh(), rig.view.get('same')?.address]).toEqual([false, '10.1.0.9']);
  });
});

test('whatever happens on either side, the view is what a fresh one is, and its listeners can follow it', () => {
  const random = new Random();
  for (let walk = 0; walk < 8; walk++) {
    using rig = createRig();
    const followed = new Map<string, Instance>();
    let revision = rig.view.revision;
    rig.view.onChange((changes, last) => {
      for (const change of changes) {
        expect(change.revision).toBeGreaterThanOrEqual(revision);
        revision = change.revision;
        if (change.kind === 'put') followed.set(change.instance.id, change.instance);
        else followed.delete(change.instance.id);
      }
      expect(revision).toBeLessThanOrEqual(last);
    });
    for (let round = 0; round < 120; round++) {
      changeAtRandom(rig, random);
      if (random.below(3) > 0) continue;
      const before = rig.view.revision;
      if (rig.view.refresh()) expect(rig.view.revision).toBeGreaterThan(before);
    }
    rig.view.refresh();

    expectSame(rig.view, rig.fresh());
    expect(sorted(followed.values())).toEqual(sorted(rig.view.all()));
  }
});

type Rig = ReturnType<typeof createRig>;

/** Few ids and addresses, so that they meet. */
function changeAtRandom({ store, imports, put, remove }: Rig, random: Random): void {
  const number = random.below(5);
  const node = random.pick(['n2', 'n3']);
  const id = `api-${number}`;
  const address = `10.1.0.${random.below(4)}`;
  const service = random.pick(['web', 'api']);
  const key = { network: 'net', containerId: `c${number}`, ifName: 'eth0' };
  const owner = containerOwner({ node, containerId: `c${number}` });
  const steps = [
    () => registerNumbered(store, number, { weight: random.below(3) }),
    () => void store.withdraw(key, 0),
    () => void store.put(draftOf({ id, address, serviceName: service })),
    () => void store.remove([id]),
    () => void store.update(id, { weight: random.below(3) }),
    () => put(foreign({ id, address, service, owner: { kind: 'api', node } })),
    () => put(foreign({ id: `c${number}-1`, address, service, owner })),
    () => remove(id, node),
    () => remove(`c${number}-1`, node),
    () => imports.replace('etcd', [foreign({ id, address, owner }), foreign({ id: 'far', service })]),
  ];
  random.pick(steps)();
}

function expectSame(view: RegistryView, fresh: RegistryView): void {
  expect(sorted(view.all())).toEqual(sorted(fresh.all()));
  expect(view.revision).toBe(fresh.revision);
  for (const service of ['web', 'api'])
    expectSameLists(view, fresh, (each) => each.ofService({ namespace: 'default', service }));
  for (let number = 0; number < 5; number++) {
    expectSameLists(view, fresh, (each) => each.atAddress(`10.1.0.${number}`));
    expectSameLists(view, fresh, (each) => each.ofHost('net', `c${number}`));
  }
  expect([...view.all()].filter((each) => view.isImported(each)).length).toBe(
    [...fresh.all()].filter((each) => fresh.isImported(each)).length,
  );
}

function expectSameLists(
  view: RegistryView,
  fresh: RegistryView,
  ask: (view: RegistryView) => readonly Instance[],
): void {
  expect(sorted(ask(view))).toEqual(sorted(ask(fresh)));
  const isImported = ask(view).map((instance) => view.isImported(instance));
  expect(isImported).toEqual(isImported.toSorted());
}

function sorted(instances: Iterable<Instance>): readonly Instance[] {
  return [...instances].sort((one, other) => (one.id < other.id ? -1 : 1));
}
