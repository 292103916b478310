import { expect, test } from 'vitest';
import { toMetadata } from '../../../../lib/mirror/nacos/metadata.ts';
import type { Instance } from '../../../../lib/registry/instance.ts';
import { containerOwner, instanceOf } from '../../../support/registry.ts';

const node = '1111111111111111';

function metadata(said: Partial<Instance> = {}) {
  return toMetadata(instanceOf(said), { node, ttlMs: 30_000 });
}

function characters(pairs: Readonly<Record<string, string>>): number {
  return Object.entries(pairs).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
}

test('the server is told when an instance that is silent is ill, a little before its time is over, and when it is gone', () => {
  expect(metadata()).toMatchObject({
    'preserved.heart.beat.interval': '10000',
    'preserved.heart.beat.timeout': '27000',
    'preserved.ip.delete.timeout': '60000',
  });
});

test('what Nacos has no field for is marked, and nothing where it is the usual', () => {
  const said = metadata({ status: 'draining', tags: ['a,b', 'c'], weight: 10_001 });

  expect(said).toMatchObject({
    'fairlead-status': 'draining',
    'fairlead-tags': '["a,b","c"]',
    'fairlead-weight': '10001',
  });
  expect(Object.keys(metadata({ weight: 10_000 }))).not.toContain('fairlead-weight');
  expect(Object.keys(metadata())).not.toContain('fairlead-status');
});

test('metadata that would speak to the server, or for this machine, is left out', () => {
  const meta = { 'preserved.heart.beat.timeout': '1', 'fairlead-node': 'x', owner: 'team' };

  const said = metadata({ meta });

  expect([said['preserved.heart.beat.timeout'], said['fairlead-node'], said.owner]).toEqual([
    ...['27000', node, 'team'],
  ]);
});

test('its own metadata is taken as far as there is room', () => {
  const meta = Object.fromEntries(Array.from({ length: 64 }, (_, at) => [`k${at}`, 'x'.repeat(50)]));

  const said = metadata({ meta: { ...meta, last: 'y' } });

  expect(characters(said)).toBeLessThanOrEqual(1024);
  expect(characters(said)).toBeGreaterThan(1024 - 53);
  expect(Object.keys(said)).toContain('last');
});

test('whatever an instance is, its identity fits, and its owner is there as a whole or not at all', () => {
  const label = 'x'.repeat(63);
  const names = {
    id: label,
    namespace: label,
    service: label,
    serviceName: 'n'.repeat(255),
    portName: label,
  };
  const owner = containerOwner({ containerId: 'c'.repeat(512), network: 'w'.repeat(512), ifName: 'eth0' });

  const said = metadata({ ...names, status: 'maintenance', transport: 'sctp', endpoint: `/${label}`, owner });

  expect(characters(said)).toBeLessThanOrEqual(1024);
  expect(said).toMatchObject({
    ...{ 'fairlead-node': node, 'fairlead-id': label, 'fairlead-namespace': label },
    ...{ 'fairlead-service': label, 'fairlead-transport': 'sctp', 'fairlead-status': 'maintenance' },
  });
  expect(Object.keys(said).filter((name) => /network|container|host|interface/.test(name))).toEqual([]);
});
