import { expect, test } from 'vitest';
import type { Instance } from '../../lib/registry/instance.ts';
import type { Store } from '../../lib/registry/store.ts';
import { draftOf, registrationOf, temporaryStore } from '../support/registrations.ts';

/** What is added, each at an address of its own. */
type Added = { readonly network?: string; readonly containerId?: string; readonly serviceName?: string };

/** A store, and a way to add containers to it and to take them away. */
function createStore() {
  const temporary = temporaryStore();
  let count = 0;
  const add = ({ network = 'net', containerId = `c${count}`, serviceName = 'web' }: Added) => {
    const instances = [draftOf({ id: `i${count}`, address: `10.1.0.${count++}`, serviceName })];
    return temporary.store.register(registrationOf({ network, containerId, instances }))[0];
  };
  const remove = ({ network = 'net', containerId = '' }: Added) =>
    temporary.store.withdraw({ network, containerId, ifName: 'eth0' }, 2_000_000);
  return { ...temporary, add, remove };
}

const hashed = /^my-app-[0-9a-f]{8}$/;

const labelsOf = (store: Store) =>
  store
    .attachments()
    .map(({ networkLabel, host }) => `${networkLabel} ${host}`)
    .sort();

function networkLabelOf(instance: Instance | undefined): string | undefined {
  return instance?.owner.kind === 'container' ? instance.owner.networkLabel : undefined;
}

test('of two containers whose names fold together the later one gets the hash', () => {
  using created = createStore();
  created.add({ containerId: 'my.app' });
  created.add({ containerId: 'my_app' });

  expect(labelsOf(created.store)).toEqual(['net my-app', expect.stringMatching(/^net my-app-[0-9a-f]{8}$/)]);
});

test('so does the later one of two networks, in which containers keep their plain names', () => {
  using created = createStore();
  const first = created.add({ network: 'my.app', containerId: 'c1' });
  const second = created.add({ network: 'my_app', containerId: 'c1' });
  const third = created.add({ network: 'my_app', containerId: 'c2' });

  expect(first?.owner).toMatchObject({ networkLabel: 'my-app', host: 'c1' });
  expect(second?.owner).toMatchObject({ networkLabel: expect.stringMatching(hashed), host: 'c1' });
  expect(networkLabelOf(third)).toBe(networkLabelOf(second));
});

test('so does the later one of two services; the name as it was given is kept beside it', () => {
  using created = createStore();
  const first = created.add({ serviceName: 'my.app' });
  const second = created.add({ serviceName: 'my_app' });

  expect(first).toMatchObject({ service: 'my-app', serviceName: 'my.app' });
  expect(second).toMatchObject({ service: expect.stringMatching(hashed), serviceName: 'my_app' });
});

test('a name is the same service however it is written', () => {
  using created = createStore();

  expect([
    created.add({ serviceName: 'Web' })?.service,
    created.add({ serviceName: 'WEB' })?.service,
  ]).toEqual(['web', 'web']);
});

test('in another namespace it is another service', () => {
  using temporary = temporaryStore();
  temporary.store.put(draftOf({ id: 'a', serviceName: 'my.app', namespace: 'shop' }));

  expect(temporary.store.put(draftOf({ id: 'b', serviceName: 'my_app' })).service).toBe('my-app');
});

test('two interfaces of a container have one host', () => {
  using temporary = temporaryStore();
  temporary.store.register(registrationOf());
  const instances = [draftOf({ id: 'x', address: '10.1.0.3' })];
  temporary.store.register(registrationOf({ ifName: 'eth1', instances }));

  expect(labelsOf(temporary.store)).toEqual(['net c1', 'net c1']);
});

test.each(['svc', 'node', 'addr'])('a network called %s does not hide that part of the zone', (network) => {
  using created = createStore();

  expect(networkLabelOf(created.add({ network }))).toMatch(new RegExp(`^${network}-[0-9a-f]{8}$`));
});

test('a label is free again once its container has gone', () => {
  using created = createStore();
  created.add({ containerId: 'my.app' });
  created.remove({ containerId: 'my.app' });
  created.add({ containerId: 'my_app' });

  expect(labelsOf(created.store)).toEqual(['net my-app']);
});

test('all instances of one service have one label, also when the service that had the plain one has gone', () => {
  using created = createStore();
  created.add({ containerId: 'first', serviceName: 'my.app' });
  const second = created.add({ serviceName: 'my_app' });
  created.remove({ containerId: 'first' });
  const third = created.add({ serviceName: 'my_app' });

  expect(third?.service).toBe(second?.service);
});

test('all containers of one network have one label, also when the network that had the plain one has gone', () => {
  using created = createStore();
  created.add({ containerId: 'first', network: 'my.app' });
  const second = created.add({ network: 'my_app' });
  created.remove({ containerId: 'first', network: 'my.app' });
  const third = created.add({ network: 'my_app' });

  expect(networkLabelOf(third)).toBe(networkLabelOf(second));
});
