import { expect, test } from 'vitest';
import {
  groupedService,
  parseKey,
  parseServiceName,
  toKey,
  toServiceName,
} from '../../../../lib/mirror/nacos/place.ts';

const config = { group: 'DEFAULT_GROUP' };

test('a namespace is a group, and the default one is the configured group', () => {
  const named = ['default', 'shop'].map((namespace) => {
    return toServiceName(groupedService({ namespace, service: 'web' }, config), config);
  });

  expect(named).toEqual(['web', 'shop@@web']);
  expect(named.map((name) => parseServiceName(name, config))).toEqual([
    { group: 'DEFAULT_GROUP', service: 'web' },
    { group: 'shop', service: 'web' },
  ]);
});

test("a key is Nacos's own id of an instance, and is read back whatever the service is called", () => {
  const place = { ip: 'fd00::2', port: 0, cluster: 'c-1', group: 'g:1.x', service: 'a#b@@c' };

  expect(toKey(place)).toBe('fd00::2#0#c-1#g:1.x@@a#b@@c');
  expect(parseKey(toKey(place))).toEqual(place);
});

test.each(['', 'web', '10.1.0.2#80#DEFAULT#web', '10.1.0.2#x#DEFAULT#g@@web'])('"%s" is no key', (key) => {
  expect(parseKey(key)).toBeUndefined();
});
