import { describe, expect, test } from 'vitest';
import type { Change, Instance } from '../../../lib/registry/instance.ts';
import { RegistryView, type ViewedStore } from '../../../lib/registry/view.ts';
import { containerOwner, createViewFixture, instanceOf } from '../../support/registry.ts';

const web = { namespace: 'default', service: 'web' };
const idsOf = (instances: Iterable<Instance>) => [...instances].map(({ id }) => id);

describe('indexes', () => {
  const owner = containerOwner({ network: 'blue', containerId: 'c1' });
  const instances = [
    instanceOf({ id: 'a', owner }),
    instanceOf({ id: 'b', service: 'api', address: 'fd00::2', owner }),
    instanceOf({ id: 'c', namespace: 'shop', owner: containerOwner({ network: 'red', containerId: 'c1' }) }),
    instanceOf({ id: 'd', status: 'critical' }),
  ];
  const { view } = createViewFixture(instances);

  test('an instance is found by its id', () => {
    expect(view.get('b')).toEqual(instances[1]);
    expect(view.get('x')).toBeUndefined();
    expect([view.size, idsOf(view.all())]).toEqual([4, ['a', 'b', 'c', 'd']]);
  });

  test('by its service within a namespace, healthy or not', () => {
    expect(idsOf(view.ofService(web))).toEqual(['a', 'd']);
    expect(idsOf(view.ofService({ namespace: 'shop', service: 'web' }))).toEqual(['c']);
    expect(view.ofService({ namespace: 'shop', service: 'api' })).toEqual([]);
  });

  test('by its container within a network', () => {
    expect(idsOf(view.ofHost('blue', 'c1'))).toEqual(['a', 'b']);
    expect(idsOf(view.ofHost('red', 'c1'))).toEqual(['c']);
    expect(view.ofHost('green', 'c1')).toEqual([]);
  });

  test('by its address', () => {
    expect(idsOf(view.atAddress('fd00::2'))).toEqual(['b']);
    expect(idsOf(view.atAddress('10.1.0.2'))).toEqual(['a', 'c', 'd']);
  });

  test('namespaces and networks are there as long as an instance is in them', () => {
    expect([view.hasNamespace('shop'), view.hasNamespace('toys')]).toEqual([true, false]);
    expect([view.hasNetwork('red'), view.hasNetwork('green')]).toEqual([true, false]);
  });

  test('services are listed with their instances', () => {
    const listed = view
      .services()
      .map(({ namespace, service, instances: all }) => [namespace, service, idsOf(all)]);

    expect(listed.sort()).toEqual([
      ['default', 'api', ['b']],
      ['default', 'web', ['a', 'd']],
      ['shop', 'web', ['c']],
    ]);
  });
});

describe('following the store', () => {
  test('nothing is read while nobody has written', () => {
    const { view } = createViewFixture([instanceOf()]);

    expect(view.refresh()).toBe(false);
  });

  test('what was removed is in no index any more', () => {
    const { view, remove } = createViewFixture([
      instanceOf({ id: 'a', namespace: 'shop', owner: containerOwner({ network: 'red' }) }),
    ]);
    remove('a');

    expect(view.refresh()).toBe(true);
    expect([view.size, view.get('a'), view.services()]).toEqual([0, undefined, []]);
    expect(view.ofHost('red', 'c1')).toEqual([]);
    expect(view.atAddress('10.1.0.2')).toEqual([]);
    expect([view.hasNamespace('shop'), view.hasNetwork('red')]).toEqual([false, false]);
  });

  test('an instance that changes keeps its place in the order', () => {
    const { view, put } = createViewFixture(['a', 'b', 'c'].map((id) => instanceOf({ id })));
    put(instanceOf({ id: 'a', weight: 9, status: 'critical' }));
    view.refresh();

    expect(idsOf(view.ofService(web))).toEqual(['a', 'b', 'c']);
    expect(view.ofService(web)[0]).toMatchObject({ weight: 9, status: 'critical', revision: 2 });
  });

  test('an instance that moves is found where it is now, and not where it was', () => {
    const { view, put } = createViewFixture([
      instanceOf({ id: 'a', owner: containerOwner({ network: 'red' }) }),
    ]);
    put(
      instanceOf({
        id: 'a',
        service: 'api',
        address: '10.1.0.9',
        owner: containerOwner({ network: 'blue', containerId: 'c2' }),
      }),
    );
    view.refresh();

    expect([view.ofService(web), view.atAddress('10.1.0.2'), view.ofHost('red', 'c1')]).toEqual([[], [], []]);
    expect(idsOf(view.ofService({ ...web, service: 'api' }))).toEqual(['a']);
    expect([idsOf(view.atAddress('10.1.0.9')), idsOf(view.ofHost('blue', 'c2'))]).toEqual([['a'], ['a']]);
    expect([view.hasNetwork('red'), view.hasNetwork('blue')]).toEqual([false, true]);
  });

  test('a list that was given out never changes; asked again, a list that has not changed is the same', () => {
    const { view, put, remove } = createViewFixture(['a', 'b'].map((id) => instanceOf({ id })));
    const before = view.ofService(web);
    const copy = structuredClone(before);
    expect(view.ofService(web)).toBe(before);

    put(instanceOf({ id: 'c' }), instanceOf({ id: 'a', weight: 9 }));
    view.refresh();
    const between = view.ofService(web);
    remove('b');
    view.refresh();

    expect(before).toEqual(copy);
    expect(between.map(({ id, weight }) => `${id}:${weight}`)).toEqual(['a:9', 'b:1', 'c:1']);
    expect(idsOf(view.ofService(web))).toEqual(['a', 'c']);
  });

  test('several commits are followed at once, the last of one instance wins', () => {
    const { view, put, remove } = createViewFixture();
    put(instanceOf({ id: 'a' }));
    remove('a');
    put(instanceOf({ id: 'a', weight: 3 }));
    put(instanceOf({ id: 'b' }));
    remove('b');
    view.refresh();

    expect([...view.all()]).toEqual([instanceOf({ id: 'a', weight: 3, revision: 4 })]);
    expect(view.revision).toBe(6);
  });
});

describe('listeners', () => {
  test('are given the changes and the revision after the view has changed, until they end it', () => {
    const { view, put } = createViewFixture();
    const heard: (readonly [readonly Change[], number, number])[] = [];
    const end = view.onChange((changes, revision) => heard.push([changes, revision, view.size]));
    put(instanceOf({ id: 'a' }));
    view.refresh();
    end();
    put(instanceOf({ id: 'b' }));
    view.refresh();

    const instance = instanceOf({ id: 'a', revision: 2 });
    expect(heard).toEqual([[[{ revision: 2, kind: 'put', instance }], 2, 1]]);
  });

  test('are not called where nothing has changed', () => {
    const { view, remove } = createViewFixture();
    let calls = 0;
    view.onChange(() => calls++);
    remove('nobody');

    expect(view.refresh()).toBe(false);
    expect(calls).toBe(0);
  });
});

describe('a history that does not reach back so far', () => {
  /** A store that has forgotten its history. */
  function createForgetful(first: readonly Instance[]) {
    let state = { revision: 1, instances: first };
    const store: ViewedStore = {
      dataVersion: () => state.revision,
      revision: () => state.revision,
      instances: () => state.instances,
      changesSince: () => undefined,
    };
    const set = (revision: number, instances: readonly Instance[]) => {
      state = { revision, instances };
    };
    return { view: new RegistryView(store), set };
  }

  test('is made up for by comparing: listeners get exactly what has changed, removals first', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((id) => instanceOf({ id })) as [Instance, Instance, Instance];
    const { view, set } = createForgetful([a, b]);
    const heard: Change[] = [];
    view.onChange((changes) => heard.push(...changes));
    const changed = { ...b, weight: 9, revision: 700 };
    set(900, [changed, { ...c, revision: 800 }]);

    expect(view.refresh()).toBe(true);
    expect(heard.map(({ kind, instance, revision }) => [kind, instance.id, revision])).toEqual([
      ['remove', 'a', 900],
      ['put', 'b', 900],
      ['put', 'c', 900],
    ]);
    expect([view.revision, view.get('b')?.weight, idsOf(view.all())]).toEqual([900, 9, ['b', 'c']]);
  });

  test('and is no reason to tell anybody of changes that there are not', () => {
    const a = instanceOf({ id: 'a' });
    const { view, set } = createForgetful([a]);
    let calls = 0;
    view.onChange(() => calls++);
    set(900, [a]);

    expect([view.refresh(), calls, view.revision]).toEqual([false, 0, 900]);
  });

  test('a store that has begun anew, at a lower revision, is followed, too', () => {
    const { view, set } = createForgetful([instanceOf({ id: 'a', revision: 1 })]);
    set(500, [instanceOf({ id: 'a', revision: 400, weight: 5 })]);
    view.refresh();
    set(2, [instanceOf({ id: 'b', revision: 2 })]);
    view.refresh();

    expect([view.revision, idsOf(view.all())]).toEqual([2, ['b']]);
  });
});
