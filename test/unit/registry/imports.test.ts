import { describe, expect, test } from 'vitest';
import { outsideSource } from '../../../lib/registry/claim.ts';
import { type ImportChange, Imports } from '../../../lib/registry/imports.ts';
import type { Change, Instance } from '../../../lib/registry/instance.ts';
import { Random } from '../../support/random.ts';
import { containerOwner, instanceOf } from '../../support/registry.ts';

const importsOf = (firstRevision = 100) => new Imports({ node: 'n1', firstRevision });

/** Registered over the API of another host, `n2` but for what a test says. */
function foreign(said: Partial<Instance> & { readonly node?: string } = {}): Instance {
  const { node = 'n2', ...rest } = said;
  return instanceOf({ owner: { kind: 'api', node }, ...rest });
}

const put = (instance: Instance): ImportChange => ({ kind: 'put', instance });
const remove = (id: string, node = 'n2'): ImportChange => ({ kind: 'remove', node, id });
const idsOf = (imports: Imports) => imports.instances().map(({ id }) => id);
const inShort = (changes: readonly Change[] | undefined) =>
  changes?.map(({ revision, kind, instance }) => `${revision} ${kind} ${instance.id}`);

describe('what a source tells', () => {
  test('is shown, changed and taken away, one revision for each step', () => {
    const imports = importsOf(100);
    imports.apply('etcd', [put(foreign({ id: 'a' })), put(foreign({ id: 'b' }))]);
    imports.apply('etcd', [put(foreign({ id: 'a', status: 'critical' }))]);
    imports.apply('etcd', [remove('b')]);

    expect([imports.size, imports.get('a')?.status, imports.get('b')]).toEqual([1, 'critical', undefined]);
    expect(inShort(imports.changesSince(100))).toEqual([
      '101 put a',
      '101 put b',
      '102 put a',
      '103 remove b',
    ]);
    expect(inShort(imports.changesSince(102))).toEqual(['103 remove b']);
  });

  test('as a whole takes the place of all that it has told before, and of nothing of another source', () => {
    const imports = importsOf();
    imports.apply('etcd', [put(foreign({ id: 'a' })), put(foreign({ id: 'b' }))]);
    imports.apply('consul', [put(foreign({ id: 'c' }))]);

    imports.replace('etcd', [foreign({ id: 'b' }), foreign({ id: 'd' })]);

    expect(idsOf(imports).sort()).toEqual(['b', 'c', 'd']);
    expect(inShort(imports.changesSince(102))).toEqual(['103 remove a', '103 put d']);
  });

  test('of this host itself is left out', () => {
    const imports = importsOf();
    imports.apply('etcd', [put(foreign({ node: 'n1' }))]);
    imports.replace('etcd', [foreign({ id: 'b', node: 'n1' })]);

    expect([imports.size, imports.revision]).toEqual([0, 100]);
  });

  test.each([
    '127.0.0.1',
    '127.8.0.1',
    '169.254.0.5',
    '224.0.0.1',
    '239.1.1.1',
    '::1',
    'fe80::1',
    'febf::1',
    'ff02::1',
  ])('at %s is left out: it would be another host here', (address) => {
    const imports = importsOf();
    imports.apply('etcd', [put(foreign({ address }))]);

    expect(imports.size).toBe(0);
  });

  test.each([
    '10.1.0.2',
    '12.7.0.1',
    '169.253.0.1',
    '223.0.0.1',
    '240.0.0.1',
    'fd00::1',
    'fec0::1',
    '2001:db8::ff02',
  ])('at %s is shown', (address) => {
    const imports = importsOf();
    imports.apply('etcd', [put(foreign({ address }))]);

    expect(imports.get('web-1')?.address).toBe(address);
  });

  test('of an instance that moves to an address that only its host reaches takes it away', () => {
    const imports = importsOf();
    imports.apply('etcd', [put(foreign())]);
    imports.apply('etcd', [put(foreign({ address: '127.0.0.1' }))]);

    expect(imports.size).toBe(0);
  });

  test('of gateways is left out: the same address may be the gateway of another network here', () => {
    const imports = importsOf();
    const owner = containerOwner({ node: 'n2', gateways: ['10.1.0.1'] });
    imports.apply('etcd', [put(instanceOf({ owner }))]);

    expect(imports.get('web-1')?.owner).toEqual(containerOwner({ node: 'n2' }));
  });
});

describe('what says the same as before', () => {
  test('is no change, whatever its revision and the order of its fields', () => {
    const imports = importsOf();
    imports.apply('etcd', [put(foreign({ revision: 7, meta: { a: '1', b: '2' } }))]);
    const { id, ...rest } = foreign({ revision: 900, meta: { b: '2', a: '1' } });

    imports.apply('etcd', [put({ ...rest, id })]);
    imports.replace('etcd', [foreign({ revision: 901, meta: { a: '1', b: '2' } })]);

    expect(imports.revision).toBe(101);
  });

  test.each([
    { weight: 2 },
    { tags: ['x'] },
    { meta: { a: '' } },
    { status: 'draining' },
    { createdAtMs: 5 },
  ] as const)('but for %o is one', (said) => {
    const imports = importsOf();
    imports.apply('etcd', [put(foreign())]);
    imports.apply('etcd', [put(foreign(said))]);

    expect(imports.revision).toBe(102);
  });

  test('by two sources is shown until neither tells it any more', () => {
    const imports = importsOf();
    imports.apply('etcd', [put(foreign())]);
    imports.apply('consul', [put(foreign({ revision: 5 }))]);
    imports.apply('etcd', [remove('web-1')]);
    const between = [imports.revision, imports.size];
    imports.apply('consul', [remove('web-1')]);

    expect([between, imports.size]).toEqual([[101, 1], 0]);
  });
});

describe('an id that two hosts have taken', () => {
  test.each([
    ['n2', 'n3'],
    ['n3', 'n2'],
  ])('is shown of the same one, whoever comes first (%s, %s)', (first, second) => {
    const imports = importsOf();
    imports.apply('etcd', [put(foreign({ node: first, address: '10.0.0.1' }))]);
    imports.apply('etcd', [put(foreign({ node: second, address: '10.0.0.2' }))]);

    expect([imports.get('web-1')?.owner.node, imports.size, imports.hidden]).toEqual(['n2', 1, 1]);
  });

  test('is shown of the other when the one is gone', () => {
    const imports = importsOf();
    imports.apply('etcd', [put(foreign({ node: 'n2' })), put(foreign({ node: 'n3' }))]);
    imports.apply('etcd', [remove('web-1', 'n2')]);

    expect([imports.get('web-1')?.owner.node, imports.hidden]).toEqual(['n3', 0]);
  });
});

describe('what an outside registry tells', () => {
  const [web, other] = [outsideSource('consul', 'web'), outsideSource('consul', 'harmless')];
  const shown = (imports: Imports) =>
    imports
      .instances()
      .map(({ service, address }) => `${service} ${address}`)
      .sort();

  test('of an instance goes after what its own host tells, whatever machine it says it is of', () => {
    const imports = importsOf();
    imports.replace(web, [foreign({ node: 'n0', address: '6.6.6.6' })]);
    imports.replace(web, [foreign({ node: 'n0', address: '6.6.6.6' }), foreign({ address: '6.6.6.7' })]);
    imports.apply('etcd', [put(foreign())]);

    expect(shown(imports)).toEqual(['web 10.1.0.2']);
  });

  test.each([
    ['n0', [other, web]],
    ['n2', [other, web]],
    ['n2', [web, other]],
    ['n3', [web, other]],
  ] as const)('of one service hides nothing of another by taking its id (%s, %j)', (node, order) => {
    const imports = importsOf();
    const told = {
      [web]: foreign(),
      [other]: foreign({ node, service: 'harmless', address: '6.6.6.6' }),
    };
    for (const source of order) imports.replace(source, [told[source] as Instance]);
    const both = [shown(imports), imports.hidden];
    imports.replace(other, []);

    expect(both).toEqual([['harmless 6.6.6.6', 'web 10.1.0.2'], 0]);
    expect(imports.get('web-1')?.address).toBe('10.1.0.2');
    expect(imports.size).toBe(1);
  });

  test('under an id as they are made here takes that of nobody', () => {
    const imports = importsOf();
    imports.replace(other, [foreign({ service: 'harmless', address: '6.6.6.6', node: 'n0' })]);
    imports.replace(web, [foreign()]);
    const made = imports.instances().find(({ service }) => service === 'web')?.id;

    imports.replace(other, [
      foreign({ service: 'harmless', address: '6.6.6.6', node: 'n0' }),
      foreign({ id: made ?? '', service: 'harmless', address: '6.6.6.7', node: 'n0' }),
    ]);

    expect(made).toMatch(/^web-1---[0-9a-f]{16}$/);
    expect(shown(imports)).toEqual(['harmless 6.6.6.6', 'harmless 6.6.6.7', 'web 10.1.0.2']);
  });
});

describe('the history', () => {
  test('does not reach back beyond the beginning, nor into the future', () => {
    const imports = importsOf(100);
    imports.apply('etcd', [put(foreign())]);

    expect([imports.changesSince(99), imports.changesSince(102)]).toEqual([undefined, undefined]);
    expect(imports.changesSince(101)).toEqual([]);
  });

  test('forgets what is long ago, and never the end of a step whose beginning it has forgotten', () => {
    const imports = importsOf(100);
    const many = Array.from({ length: 5_000 }, (_, at) => foreign({ id: `web-${at}` }));
    imports.replace('etcd', many);
    imports.apply('etcd', [remove('web-3')]);

    expect(imports.changesSince(100)).toBeUndefined();
    expect(inShort(imports.changesSince(101))).toEqual(['102 remove web-3']);
  });

  test('leads from any revision to what is shown, whatever has happened', () => {
    const random = new Random();
    const imports = importsOf(0);
    const states = new Map([[0, new Map<string, Instance>()]]);
    for (let round = 0; round < 400; round++) {
      stepAtRandom(imports, random);
      states.set(imports.revision, new Map(imports.instances().map((each) => [each.id, each])));
    }

    for (const [revision, state] of states)
      expect(sorted(follow(state, imports.changesSince(revision)))).toEqual(sorted(imports.instances()));
  });
});

/** What somebody has who knew that much and was told these changes. */
function follow(
  state: ReadonlyMap<string, Instance>,
  changes: readonly Change[] | undefined,
): Iterable<Instance> {
  const reached = new Map(state);
  for (const { kind, instance } of changes ?? []) {
    if (kind === 'put') reached.set(instance.id, instance);
    else expect(reached.delete(instance.id)).toBe(true);
  }
  return reached.values();
}

function stepAtRandom(imports: Imports, random: Random): void {
  const source = random.pick(['etcd', 'consul', outsideSource('consul', 'web')]);
  const node = random.pick(['n1', 'n2', 'n3']);
  const id = `web-${random.below(6)}`;
  const service = random.pick(['web', 'api']);
  const instance = foreign({ id, node, service, weight: random.below(3) });
  switch (random.below(6)) {
    case 0:
      imports.replace(source, random.below(2) === 0 ? [] : [instance]);
      break;
    case 1:
      imports.apply(source, [remove(id, node)]);
      break;
    default:
      imports.apply(source, [put(instance), ...(random.below(4) === 0 ? [remove(id, 'n2')] : [])]);
  }
}

function sorted(instances: Iterable<Instance>): readonly Instance[] {
  return [...instances].sort((one, other) => (one.id < other.id ? -1 : 1));
}
