import { describe, expect, test } from 'vitest';
import type { Change, Instance } from '../../lib/registry/instance.ts';
import { isLabel } from '../../lib/registry/label.ts';
import {
  draftOf,
  proofOf,
  registerNumbered,
  registrationOf,
  type TemporaryStore,
  temporaryStore,
} from '../support/registrations.ts';

const c1 = { network: 'net', containerId: 'c1', ifName: 'eth0' };
const two = [draftOf({ id: 'c1-1' }), draftOf({ id: 'c1-2', address: 'fd00::2' })];
const idsOf = (instances: readonly Instance[]) => instances.map(({ id }) => id);
/** The history, each change as `+<commits> <kind> <id>`, from so many commits after the beginning. */
const toldSince = ({ store, first }: TemporaryStore, commits = 0) =>
  store
    .changesSince(first + commits)
    ?.map(({ revision, kind, instance }: Change) => `+${revision - first} ${kind} ${instance.id}`);

describe('register', () => {
  test('makes the instances, and remembers the attachment', () => {
    using temporary = temporaryStore();
    const { store } = temporary;
    const registration = registrationOf({ instances: two, declaration: { service: 'web' } });

    const registered = store.register(registration);

    expect(registered).toEqual([
      {
        ...two[0],
        service: 'web',
        revision: temporary.first + 1,
        createdAtMs: expect.closeTo(Date.now(), -4),
        owner: {
          kind: 'container',
          node: store.node,
          ...c1,
          networkLabel: 'net',
          host: 'c1',
          gateways: ['10.1.0.1'],
        },
      },
      expect.objectContaining({ id: 'c1-2', revision: temporary.first + 1 }),
    ]);
    expect([store.instances(), store.ofAttachment(c1)]).toEqual([registered, registered]);
    expect(store.get('c1-2')).toEqual(registered[1]);
    expect(store.attachment(c1)).toEqual({
      ...c1,
      networkLabel: 'net',
      host: 'c1',
      proof: registration.proof,
      gateways: ['10.1.0.1'],
      declaration: { service: 'web' },
    });
    expect(store.attachments()).toEqual([store.attachment(c1)]);
  });

  test('again replaces all that the attachment offered, and nothing of others', () => {
    using temporary = temporaryStore();
    const { store } = temporary;
    store.register(registrationOf({ instances: two }));
    registerNumbered(store, 7);

    store.register(registrationOf({ instances: [draftOf({ id: 'c1-3', address: '10.1.0.3' })] }));

    expect(idsOf(store.instances())).toEqual(['c7-1', 'c1-3']);
    expect(store.attachments()).toHaveLength(2);
  });

  test('of nothing leaves an attachment without a name', () => {
    using temporary = temporaryStore();
    temporary.store.register(registrationOf({ instances: [] }));

    expect([temporary.store.instances(), temporary.store.revision()]).toEqual([[], temporary.first]);
    expect(temporary.store.attachment(c1)).toMatchObject(c1);
  });

  test('takes an address from whoever had it in that network, and from nobody else', () => {
    using temporary = temporaryStore();
    const { store } = temporary;
    store.register(registrationOf({ instances: two }));
    store.register(registrationOf({ network: 'other', instances: [draftOf({ id: 'other-1' })] }));
    store.put(draftOf({ id: 'api-1' }));

    store.register(registrationOf({ containerId: 'c2', instances: [draftOf({ id: 'c2-1' })] }));

    expect(idsOf(store.instances())).toEqual(['c1-2', 'other-1', 'api-1', 'c2-1']);
    expect(toldSince(temporary, 3)).toEqual(['+4 remove c1-1', '+4 put c2-1']);
  });

  test('takes several names for one port, and the same port twice', () => {
    using temporary = temporaryStore();
    const instances = ['http', 'grpc', 'metrics'].map((portName) => draftOf({ id: 'c1-1', portName }));

    const registered = temporary.store.register(registrationOf({ instances }));

    expect(registered.map(({ portName }) => portName)).toEqual(['http', 'grpc', 'metrics']);
    expect(new Set(idsOf(registered)).size).toBe(3);
  });
});

describe('withdraw', () => {
  test('takes all away that the attachment offers, and returns it', () => {
    using temporary = temporaryStore();
    const { store } = temporary;
    const registered = store.register(registrationOf({ instances: two }));
    store.register(
      registrationOf({ ifName: 'eth1', instances: [draftOf({ id: 'c1-9', address: '10.1.0.9' })] }),
    );

    expect(store.withdraw(c1, 2_000_000)).toEqual(registered);
    expect(idsOf(store.instances())).toEqual(['c1-9']);
    expect([store.attachment(c1), store.attachments().length]).toEqual([undefined, 1]);
  });

  test('twice, or of what was never there, finds nothing and changes nothing', () => {
    using temporary = temporaryStore();
    const { store } = temporary;
    store.register(registrationOf());
    store.withdraw(c1, 2_000_000);

    expect(store.withdraw(c1, 3_000_000)).toEqual([]);
    expect(store.withdraw({ ...c1, containerId: 'never' }, 3_000_000)).toEqual([]);
    expect(store.revision()).toBe(temporary.first + 2);
  });

  test('has an ADD refused that began before it, with code 11, and none that began after it', () => {
    using temporary = temporaryStore();
    const { store } = temporary;
    store.withdraw(c1, 2_000_000);

    expect(() => store.register(registrationOf({ startedAtUs: 1_999_999 }))).toThrow(
      expect.objectContaining({
        code: 11,
        message: expect.stringContaining('has begun after this one'),
      }),
    );
    expect([store.instances(), store.attachments()]).toEqual([[], []]);
    expect(store.register(registrationOf({ containerId: 'c2', startedAtUs: 1 }))).toHaveLength(1);
    expect(store.register(registrationOf({ startedAtUs: 2_000_001 }))).toHaveLength(1);
  });

  test('refuses an ADD also by another process, and also after a second DEL that began earlier', () => {
    using temporary = temporaryStore();
    const other = temporary.reopen();
    temporary.store.withdraw(c1, 3_000_000);
    other.withdraw(c1, 2_000_000);

    expect(() => other.register(registrationOf({ startedAtUs: 2_500_000 }))).toThrow('has begun after');
  });

  test('is passed over where an ADD that began later has made what is there', () => {
    using temporary = temporaryStore();
    const { store } = temporary;
    const registered = store.register(registrationOf({ startedAtUs: 3_000_000 }));

    expect(store.withdraw(c1, 2_000_000)).toEqual([]);
    expect(() => store.register(registrationOf({ startedAtUs: 2_500_000 }))).toThrow('has begun after');
    expect(store.instances()).toEqual(registered);
  });

  test('is forgotten an hour later, when another DEL comes', () => {
    using temporary = temporaryStore();
    const { store } = temporary;
    store.withdraw(c1, 2_000_000);
    store.withdraw({ ...c1, containerId: 'c2' }, 3_603_000_000);

    expect(store.register(registrationOf({ startedAtUs: 1_000_000 }))).toHaveLength(1);
  });

  test('with a proof leaves what was attached anew meanwhile', () => {
    using temporary = temporaryStore();
    const { store } = temporary;
    store.register(registrationOf({ proof: proofOf('c1', 2) }));

    expect(store.withdraw(c1, 2_000_000, proofOf('c1', 1))).toEqual([]);
    expect(store.attachments()).toHaveLength(1);
    expect(store.withdraw(c1, 2_000_000, proofOf('c1', 2))).toHaveLength(1);
    expect(store.attachments()).toEqual([]);
  });

  test('of a dead container refuses no ADD of the one that is started anew under the same id', () => {
    using temporary = temporaryStore();
    const { store } = temporary;
    store.register(registrationOf({ proof: proofOf('c1', 1) }));
    const startedAtUs = 2_000_000;
    store.withdraw(c1, startedAtUs + 1, proofOf('c1', 1));

    expect(store.register(registrationOf({ proof: proofOf('c1', 2), startedAtUs }))).toHaveLength(1);
  });
});

describe('what is registered over the API', () => {
  test('is there until it is removed, and the same id again replaces it', () => {
    using temporary = temporaryStore();
    const { store } = temporary;
    const first = store.put(draftOf({ id: 'db-1', serviceName: 'db' }));
    const second = store.put(draftOf({ id: 'db-1', serviceName: 'db', weight: 9 }));

    expect(first).toMatchObject({
      service: 'db',
      revision: temporary.first + 1,
      owner: { kind: 'api', node: store.node },
    });
    expect(second).toEqual({ ...first, weight: 9, revision: temporary.first + 2 });
    expect(store.instances()).toEqual([second]);
    expect([store.remove(['db-1', 'nobody']), store.remove(['db-1'])]).toEqual([[second], []]);
    expect(toldSince(temporary)).toEqual(['+1 put db-1', '+2 put db-1', '+3 remove db-1']);
  });

  test("never takes a container's id", () => {
    using temporary = temporaryStore();
    temporary.store.register(registrationOf());

    expect(() => temporary.store.put(draftOf({ id: 'c1-1' }))).toThrow(expect.objectContaining({ code: 7 }));
    expect(temporary.store.get('c1-1')?.owner.kind).toBe('container');
  });

  test('a container never loses its id to it: it gets another one', () => {
    using temporary = temporaryStore();
    temporary.store.put(draftOf({ id: 'c1-1', address: '10.9.0.1' }));

    const [registered] = temporary.store.register(registrationOf());

    expect(registered?.id).toMatch(/^c1-1-net-c1-eth0-.*[0-9a-f]{8}$/);
    expect(isLabel(registered?.id ?? '')).toBe(true);
    expect(temporary.store.get('c1-1')?.address).toBe('10.9.0.1');
  });
});

describe('update', () => {
  test('changes what it names and nothing else, in one commit for many', () => {
    using temporary = temporaryStore();
    const { store } = temporary;
    const [one, other] = store.register(registrationOf({ instances: two }));

    const updated = store.updateAll(
      new Map([
        ['c1-1', { status: 'critical' }],
        ['nobody', { status: 'critical' }],
        ['c1-2', { weight: 7 }],
      ]),
    );

    expect(updated).toEqual([
      { ...one, status: 'critical', revision: temporary.first + 2 },
      { ...other, weight: 7, revision: temporary.first + 2 },
    ]);
    expect([store.instances(), store.revision()]).toEqual([updated, temporary.first + 2]);
    expect(store.update('nobody', { weight: 1 })).toBeUndefined();
    expect(store.revision()).toBe(temporary.first + 2);
  });
});
