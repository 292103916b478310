import { describe, expect, test } from 'vitest';
import type { Labels } from '../../../lib/dns/name.ts';
import { ContainerNetworks } from '../../../lib/dns/scope.ts';
import { RecordClass, RecordType } from '../../../lib/dns/wire.ts';
import { answerQuestion } from '../../../lib/dns/zone.ts';
import { createZone } from '../../../lib/dns/zone-config.ts';
import { Imports } from '../../../lib/registry/imports.ts';
import type { ContainerOwner, Instance } from '../../../lib/registry/instance.ts';
import { containerOwner, createViewFixture, instanceOf } from '../../support/registry.ts';

const gateway = '10.1.0.1';

/** A container of this host, in the network `blue` but for what a test says. */
function own(id: string, address: string, said: Partial<ContainerOwner> = {}): Instance {
  const network = said.network ?? 'blue';
  const owner = containerOwner({ network, containerId: id, gateways: [gateway], ...said });
  return instanceOf({ id, address, owner });
}

/** The same of another host. */
function foreign(id: string, address: string, said: Partial<ContainerOwner> = {}): Instance {
  return own(id, address, { node: 'far', ...said });
}

function createRig(owned: readonly Instance[], imported: readonly Instance[]) {
  const imports = new Imports({ node: 'node-of-tests', firstRevision: 1 });
  imports.replace('etcd', imported);
  const fixture = createViewFixture(owned, imports);
  const networks = new ContainerNetworks(fixture.view);
  const seenBy = (address: string, listener = gateway) => {
    const scope = networks.scopeOf(address, listener);
    return scope.kind === 'all' ? 'all' : [...scope.labels].sort();
  };
  const ask = (name: string, type: 'A' | 'PTR', address: string): readonly string[] => {
    const labels: Labels = name.split('.');
    const scope = networks.scopeOf(address, gateway);
    const question = { labels, type: RecordType[type], class: RecordClass.IN };
    const { answers } = answerQuestion(question, { view: fixture.view, zone: createZone(), scope });
    return answers.map(({ data }) => {
      if (data.type === 'A') return data.address;
      return data.type === 'PTR' ? data.target.join('.') : data.type;
    });
  };
  return { ...fixture, imports, seenBy, ask };
}

describe('a container of this host', () => {
  const { ask } = createRig(
    [own('c1', '10.1.0.2')],
    [foreign('c2', '10.2.0.2'), foreign('c3', '10.3.0.2', { network: 'red' })],
  );

  test('finds those of other hosts in its own network, by service, name and address', () => {
    expect(ask('web.default.svc.fairlead.internal', 'A', '10.1.0.2')).toEqual(['10.1.0.2', '10.2.0.2']);
    expect(ask('c2.blue.fairlead.internal', 'A', '10.1.0.2')).toEqual(['10.2.0.2']);
    expect(ask('2.0.2.10.in-addr.arpa', 'PTR', '10.1.0.2')).toEqual(['c2.blue.fairlead.internal']);
  });

  test('finds none of a network that it is not on', () => {
    expect(ask('c3.red.fairlead.internal', 'A', '10.1.0.2')).toEqual([]);
    expect(ask('2.0.3.10.in-addr.arpa', 'PTR', '10.1.0.2')).toEqual([]);
  });
});

describe('an address that a container has here and another one elsewhere', () => {
  const same = '10.1.0.2';

  test('is asked from by the one that is here', () => {
    const { seenBy } = createRig([own('c1', same)], [foreign('c2', same, { network: 'red' })]);

    expect(seenBy(same)).toEqual(['blue']);
  });

  test('has the name of the one that is here', () => {
    const { ask } = createRig([own('z9', same)], [foreign('a1', same)]);

    expect(ask('2.0.1.10.in-addr.arpa', 'PTR', same)).toEqual(['z9.blue.fairlead.internal']);
  });

  test('is, without a name here, that of somebody on the network at whose gateway it asks', () => {
    const { seenBy } = createRig([own('c1', '10.1.0.3')], [foreign('c2', same, { network: 'red' })]);

    expect(seenBy(same)).toEqual(['blue']);
  });
});

test('a gateway that another network has elsewhere does not show that network here', () => {
  const { seenBy } = createRig([own('c1', '10.1.0.2')], [foreign('c2', '10.2.0.2', { network: 'red' })]);

  expect(seenBy('10.1.0.77')).toEqual(['blue']);
});

test('a container of another host that asks elsewhere than at a gateway sees its networks', () => {
  const { seenBy } = createRig([], [foreign('c2', '10.2.0.2', { network: 'red' })]);

  expect(seenBy('10.2.0.2', '192.0.2.1')).toEqual(['red']);
  expect(seenBy('10.2.0.9', '192.0.2.1')).toBe('all');
});

test('what comes and goes elsewhere is followed', () => {
  const { seenBy, imports, view } = createRig([], []);
  imports.apply('etcd', [{ kind: 'put', instance: foreign('c2', '10.2.0.2', { network: 'red' }) }]);
  view.refresh();
  const there = seenBy('10.2.0.2', '192.0.2.1');
  imports.apply('etcd', [{ kind: 'remove', node: 'far', id: 'c2' }]);
  view.refresh();

  expect([there, seenBy('10.2.0.2', '192.0.2.1')]).toEqual([['red'], 'all']);
});
