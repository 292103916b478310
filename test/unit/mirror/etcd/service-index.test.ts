import { describe, expect, test } from 'vitest';
import { ServiceIndex } from '../../../../lib/mirror/etcd/service-index.ts';
import type { Instance } from '../../../../lib/registry/instance.ts';
import { instanceOf } from '../../../support/registry.ts';

const recordOf = (said: Partial<Instance> = {}, node = 'n1') => ({
  node,
  instance: instanceOf({ owner: { kind: 'api', node: 'n1' }, ...said }),
});
const put = (...records: readonly ReturnType<typeof recordOf>[]) => ({ put: records, removed: [] });
const removed = (...ids: readonly string[]) => ({ put: [], removed: ids.map((id) => ({ node: 'n1', id })) });

function indexOf(...records: readonly ReturnType<typeof recordOf>[]): ServiceIndex {
  const index = new ServiceIndex();
  index.apply(put(...records));
  return index;
}

const idsOf = (index: ServiceIndex, name: string) => index.healthy(name).map(({ id }) => id);

describe('the index of services', () => {
  test('names the services whose instances have changed, and no others', () => {
    const index = indexOf(
      recordOf({ id: 'web-1' }),
      recordOf({ id: 'api-1', service: 'api' }),
      recordOf({ id: 'dns-1', service: 'dns' }),
    );

    const changed = index.apply(put(recordOf({ id: 'web-1', weight: 2 }), recordOf({ id: 'web-2' })));
    const gone = index.apply(removed('api-1', 'never-there'));

    expect([...changed.services, changed.hasOtherNames]).toEqual(['web.default', false]);
    expect([...gone.services, gone.hasOtherNames]).toEqual(['api.default', true]);
    expect(index.names()).toEqual(['dns.default', 'web.default']);
    expect(index.healthy('web.default').map(({ weight }) => weight)).toEqual([2, 1]);
  });

  test('takes an instance that has another service now out of the former one', () => {
    const index = indexOf(recordOf({ id: 'web-1' }), recordOf({ id: 'web-2' }));

    const { services, hasOtherNames } = index.apply(put(recordOf({ id: 'web-1', namespace: 'shop' })));

    expect([[...services].sort(), hasOtherNames]).toEqual([['web.default', 'web.shop'], true]);
    expect([idsOf(index, 'web.default'), idsOf(index, 'web.shop')]).toEqual([['web-2'], ['web-1']]);
  });

  test('gives what is ill in no answer, but keeps the name of its service', () => {
    const index = indexOf(recordOf({ status: 'critical' }));

    expect([index.healthy('web.default'), index.names()]).toEqual([[], ['web.default']]);
  });

  test('leaves out what a machine says of another, also where it has said it of itself before', () => {
    const index = indexOf(recordOf({}, 'n1'), recordOf({ id: 'web-2' }, 'n2'));
    const before = idsOf(index, 'web.default');

    index.apply(put(recordOf({ owner: { kind: 'api', node: 'n3' } }, 'n1')));

    expect([before, idsOf(index, 'web.default'), index.names()]).toEqual([['web-1'], [], []]);
  });
});
