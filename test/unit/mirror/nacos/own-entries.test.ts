import { beforeEach, expect, test, vi } from 'vitest';
import type { Host } from '../../../../lib/mirror/nacos/host.ts';
import { OwnEntries } from '../../../../lib/mirror/nacos/own-entries.ts';
import { toKey } from '../../../../lib/mirror/nacos/place.ts';
import { toContent } from '../../../../lib/mirror/nacos/registration.ts';

const web: Host = {
  ...{ group: 'DEFAULT_GROUP', service: 'web', cluster: 'DEFAULT', ip: '10.1.0.2', port: 80 },
  ...{ healthy: true, enabled: true, weight: 1, metadata: { 'fairlead-node': '1111111111111111' } },
};
const key = toKey(web);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  return () => vi.useRealTimers();
});

/** What this process knows when it has written `web`. */
function written(): OwnEntries {
  const own = new OwnEntries();
  own.written(key, toContent(web));
  return own;
}

test('a list that does not show what was just written is older than that, for two seconds at most', () => {
  const own = written();

  const soon = [own.isSettling([]), own.isSettling([{ ...web, weight: 7 }]), own.isSettling([web])];
  vi.advanceTimersByTime(2_001);

  expect(soon).toEqual([true, true, false]);
  expect(own.isSettling([])).toBe(false);
});

test('a list that still shows what was just taken away is older than that', () => {
  const own = written();
  own.removed(key);

  expect([own.isSettling([web]), own.isSettling([])]).toEqual([true, false]);
});

test('what is not listed any more is known no more, and what is listed is', () => {
  const own = written();
  const other = { ...web, port: 81 };

  own.adopt([other]);

  expect(own.keys()).toEqual([toKey(other)]);
});

test('something lies over an entry that is listed otherwise than it was written', () => {
  const [same, changed, found] = [written(), written(), new OwnEntries()];

  same.adopt([web]);
  changed.adopt([{ ...web, weight: 7 }]);
  found.adopt([{ ...web, weight: 7 }]);

  expect([same, changed, found].map((own) => own.overlay(key))).toEqual([
    ...[undefined, { isTakenOut: false }, undefined],
  ]);
});

test('an operator who takes an instance out, and puts it back, is heard also where something lies over it', () => {
  const own = written();

  own.adopt([{ ...web, weight: 7, enabled: false }]);
  const out = own.overlay(key);
  own.adopt([web]);

  expect([out, own.overlay(key)]).toEqual([{ isTakenOut: true }, { isTakenOut: false }]);
});

test('that an instance is ill is not the wish of an operator', () => {
  const own = written();
  const ill = { ...web, metadata: { ...web.metadata, 'fairlead-status': 'critical' } };

  own.adopt([{ ...web, weight: 7 }]);
  own.adopt([{ ...ill, enabled: false }]);

  expect(own.overlay(key)).toEqual({ isTakenOut: false });
});
