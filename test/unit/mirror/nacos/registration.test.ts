import { expect, test } from 'vitest';
import { parseCatalogue } from '../../../../lib/mirror/nacos/host.ts';
import { parseContent, renderRegistration, toContent } from '../../../../lib/mirror/nacos/registration.ts';
import type { Instance } from '../../../../lib/registry/instance.ts';
import { instanceOf } from '../../../support/registry.ts';

const options = { group: 'DEFAULT_GROUP', cluster: 'DEFAULT', ttlMs: 30_000, node: '1111111111111111' };

function render(said: Partial<Instance> = {}) {
  return renderRegistration(instanceOf({ tags: ['v1'], meta: { b: '1', a: '2' }, ...said }), options);
}

/** What the server lists of an entry, with its own order of names, and what else a test says. */
function listed({ content }: { readonly content: string }, said: object = {}): string | undefined {
  const { enabled, weight, metadata } = parseContent(content);
  const host = {
    ...{ ip: '10.1.0.2', port: 80, weight, enabled, healthy: true },
    metadata: Object.fromEntries(Object.entries(metadata).reverse()),
    ...said,
  };
  const page = [
    { serviceName: 'web', groupName: 'DEFAULT_GROUP', clusterMap: { DEFAULT: { hosts: [host] } } },
  ];
  const [service] = parseCatalogue(page);
  return service?.hosts.map(toContent)[0];
}

test('an instance stands where it is reached, in the group of its namespace', () => {
  expect(
    [render(), render({ namespace: 'shop', address: 'fd00::2', port: 0 })].map(({ key }) => key),
  ).toEqual(['10.1.0.2#80#DEFAULT#DEFAULT_GROUP@@web', 'fd00::2#0#DEFAULT#shop@@web']);
});

test('one that is not passing is enabled for nobody, and no weight is greater than Nacos takes', () => {
  const enabled = (['passing', 'critical', 'draining', 'maintenance'] as const).map((status) => {
    return parseContent(render({ status }).content).enabled;
  });

  expect(enabled).toEqual([true, false, false, false]);
  expect(parseContent(render({ weight: 65_535 }).content).weight).toBe(10_000);
});

test('what the server lists is the same text as long as nobody has changed it', () => {
  for (const entry of [render(), render({ status: 'critical' }), render({ weight: 0, tags: [], meta: {} })])
    expect(listed(entry)).toBe(entry.content);
});

test('a changed weight, more or less metadata, and an ill instance that is enabled, are differences', () => {
  const [well, ill] = [render(), render({ status: 'critical' })];
  const { metadata } = parseContent(well.content);

  expect(listed(well, { weight: 2 })).not.toBe(well.content);
  expect(listed(well, { metadata: { ...metadata, more: '1' } })).not.toBe(well.content);
  expect(listed(well, { metadata: {} })).not.toBe(well.content);
  expect(listed(ill, { enabled: true })).not.toBe(ill.content);
});

test('a passing instance that an operator has taken out of the answers is none', () => {
  expect(listed(render(), { enabled: false })).toBe(render().content);
});
