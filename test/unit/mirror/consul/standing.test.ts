import { expect, test } from 'vitest';
import { toConsulMeta } from '../../../../lib/mirror/consul/metadata.ts';
import { parseStandings } from '../../../../lib/mirror/consul/parse-standings.ts';
import { toRegistration } from '../../../../lib/mirror/consul/registration.ts';
import { toStanding } from '../../../../lib/mirror/consul/standing.ts';
import { containerOwner, instanceOf } from '../../../support/registry.ts';

const options = { node: 'ab12', session: 'held', deregisterAfterMs: 3_600_000 } as const;

test('an ill instance has a check of its own beside the one that follows its host', () => {
  const standing = toStanding(instanceOf({ status: 'draining', weight: 0 }), options);

  expect(toRegistration(standing, options)).toMatchObject({
    ID: 'fairlead-ab12-web-1',
    Name: 'web',
    Address: '10.1.0.2',
    Port: 80,
    Weights: { Passing: 1, Warning: 1 },
    Checks: [
      {
        CheckID: 'fairlead-ab12-web-1:host',
        AliasService: 'fairlead-agent-ab12',
        Status: 'passing',
        DeregisterCriticalServiceAfter: '3600000ms',
      },
      { CheckID: 'fairlead-ab12-web-1:status', Notes: 'draining', TTL: '87600h', Status: 'critical' },
    ],
  });
});

test('an entry of a process without a session follows nothing', () => {
  expect(toStanding(instanceOf(), { ...options, session: 'none' }).checks).toEqual([]);
});

test('another time after which entries are deregistered is another text', () => {
  const never = toStanding(instanceOf(), { ...options, deregisterAfterMs: 'never' });

  expect(JSON.stringify(never)).not.toBe(JSON.stringify(toStanding(instanceOf(), options)));
  expect(JSON.stringify(toRegistration(never, { ...options, deregisterAfterMs: 'never' }))).not.toContain(
    'Deregister',
  );
});

test('what does not fit is left out, the markings last', () => {
  const many = Object.fromEntries(Array.from({ length: 80 }, (_, at) => [`k${at}`, 'v']));
  const meta = { ...many, 'a key': 'v', long: 'ä'.repeat(257), fits: 'ä'.repeat(256) };

  const there = toConsulMeta(instanceOf({ meta: { ...meta, 'fairlead-node': 'forged' } }));

  expect(Object.keys(there)).toHaveLength(64);
  expect(there).toMatchObject({ 'fairlead-id': 'web-1', 'fairlead-node': 'node-of-tests', fits: meta.fits });
  expect(there).not.toHaveProperty('a key');
  expect(there).not.toHaveProperty('long');
  expect(Object.keys(there)).toEqual(Object.keys(there).toSorted());
});

test('a container whose identifiers do not fit is told without any of them', () => {
  const owner = containerOwner({ containerId: 'c'.repeat(513) });

  const there = toConsulMeta(instanceOf({ owner }));

  expect(there).not.toHaveProperty('fairlead-container');
  expect(there).not.toHaveProperty('fairlead-network');
});

test("an agent's answer is read as what was written, without others' services", () => {
  const standing = toStanding(instanceOf({ tags: ['b', 'a'], meta: { z: '1', a: '2' } }), options);
  const own = { Address: '10.1.0.2', Port: 80 };
  const service = {
    ...{ ID: standing.id, Service: 'web', ...own, Tags: ['b', 'a'], Meta: standing.meta },
    ...{ TaggedAddresses: { lan_ipv4: own, wan_ipv4: own }, Weights: { Passing: 1, Warning: 1 } },
  };
  const check = { CheckID: `${standing.id}:host`, Name: 'host', Type: 'alias', Status: 'critical' };
  const checks = { c: { ...check, Notes: standing.checks[0]?.notes, ServiceID: standing.id } };
  const services = { [standing.id]: service, other: { ...service, ID: 'fairlead-cd34-web-1' } };

  expect(parseStandings('ab12', services, checks)).toEqual([standing]);
});

test.each([
  ['an address for others', { TaggedAddresses: { wan: { Address: '192.0.2.1', Port: 80 } } }],
  ['tags that others may change', { EnableTagOverride: true }],
  ['no weights', { Weights: null }],
])('an answer with %s is another text', (_, said) => {
  const standing = toStanding(instanceOf(), { ...options, session: 'none' });
  const service = {
    ...{ ID: standing.id, Service: 'web', Address: '10.1.0.2', Port: 80, Tags: [], Meta: standing.meta },
    ...{ Weights: { Passing: 1, Warning: 1 }, EnableTagOverride: false },
  };
  const read = (one: object) => JSON.stringify(parseStandings('ab12', { a: one }, {}));

  expect(read(service)).toBe(JSON.stringify([standing]));
  expect(read({ ...service, ...said })).not.toBe(JSON.stringify([standing]));
});
