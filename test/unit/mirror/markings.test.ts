import { describe, expect, test } from 'vitest';
import {
  isForeign,
  isOurs,
  type Native,
  ownerOf,
  toInstance,
  toInstanceOrNone,
  toMarkings,
} from '../../../lib/mirror/markings.ts';
import { containerOwner, instanceOf } from '../../support/registry.ts';

const node = '1111111111111111';
const ours = instanceOf({
  ...{ revision: 0, namespace: 'shop', portName: 'http', transport: 'udp', endpoint: '/x', createdAtMs: 5 },
  owner: containerOwner({ node }),
});

/** What a registry tells of that instance, where its place is as the markings say. */
function native(said: Partial<Native> = {}): Native {
  const { address, port, status, weight, tags } = ours;
  const told = { service: 'web--shop', key: 'k', address, port, status, weight, tags };
  return { ...told, isPlaceOf: () => true, meta: { ...toMarkings(ours), zone: 'z' }, ...said };
}

describe('an instance whose markings agree with its place', () => {
  test('is as its machine has it, with the metadata that is no marking', () => {
    expect(toInstance(native(), 'main')).toEqual({ ...ours, meta: { zone: 'z' } });
    expect(isForeign(toInstance(native(), 'main'))).toBe(false);
  });

  test('is asked for by machine, id and service', () => {
    const asked: unknown[] = [];
    isOurs(native({ isPlaceOf: (claim) => asked.push(claim) > 0 }));

    expect(asked).toEqual([{ node, id: 'web-1', namespace: 'shop', service: 'web' }]);
  });

  test('is none where another marking is nonsense', () => {
    const meta = { ...toMarkings(ours), 'fairlead-network': '../x' };

    expect(toInstanceOrNone(() => native({ meta }), 'main')).toBeUndefined();
  });
});

describe('a foreign instance', () => {
  test.each<[string, Partial<Native>]>([
    ['stands elsewhere', { isPlaceOf: () => false }],
    ['has no markings', { meta: { zone: 'z' } }],
    ['has the marking of a machine alone', { meta: { 'fairlead-node': node, zone: 'z' } }],
    ...['0', 'outside-main', '111111111111111G', `${node}1`, node.replaceAll('1', 'A')].map(
      (id): [string, Partial<Native>] => [
        `says of its machine ${id}`,
        { meta: { ...toMarkings(ours), 'fairlead-node': id, zone: 'z' } },
      ],
    ),
  ])('is one that %s; nothing but its own metadata is left', (_, said) => {
    const instance = toInstance(native(said), 'main');

    expect(isForeign(instance)).toBe(true);
    expect(instance).toMatchObject({
      ...{ namespace: 'default', service: 'web--shop', portName: '', endpoint: '', meta: { zone: 'z' } },
      owner: { kind: 'api', node: 'outside-main' },
    });
  });

  test('has an id of its own in each registry, service and place there', () => {
    const meta = {};
    const ids = [
      toInstance(native({ meta }), 'main'),
      toInstance(native({ meta }), 'other'),
      toInstance(native({ meta, key: 'l' }), 'main'),
      toInstance(native({ meta, service: 'web.shop' }), 'main'),
    ].map(({ id }) => id);

    expect(new Set(ids).size).toBe(4);
    expect(toInstance(native({ meta }), 'main').id).toBe(ids[0]);
  });

  test('keeps its name beside the label, which no other name has', () => {
    const found = ['pay.api', 'pay-api'].map((service) => toInstance(native({ meta: {}, service }), 'main'));

    expect(found.map(({ serviceName }) => serviceName)).toEqual(['pay.api', 'pay-api']);
    expect(found.map(({ service }) => service)).toEqual([
      expect.stringMatching(/^pay-api-[0-9a-f]{8}$/),
      'pay-api',
    ]);
  });
});

test('the owner that an entry says is any label, for those who look for their own', () => {
  expect([{ 'fairlead-node': 'n1' }, { 'fairlead-node': '../x' }, {}].map(ownerOf)).toEqual([
    'n1',
    undefined,
    undefined,
  ]);
});
