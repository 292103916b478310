import { expect, test } from 'vitest';
import { Fields } from '../../../lib/cni/fields.ts';
import { fits, parseAlertRule } from '../../../lib/health/alert-rule.ts';

const parse = (rule: object) => parseAlertRule(new Fields(rule, 'alerts[0]'));

test('a rule is read with its defaults', () => {
  expect(parse({ minHealthy: 2 })).toEqual({
    name: '*/*',
    service: '*',
    namespace: '*',
    minHealthy: 2,
    forMs: 30_000,
  });
  const webhook = 'https://alerts.example/hook?token=1';
  expect(
    parse({ name: 'n', service: 'web-*', namespace: 'default', maxCriticalRatio: 0.25, for: '0', webhook }),
  ).toEqual({
    name: 'n',
    service: 'web-*',
    namespace: 'default',
    maxCriticalRatio: 0.25,
    forMs: 0,
    webhook: new URL(webhook),
  });
});

test.each([
  [{}, 'alerts[0]: expected minHealthy or maxCriticalRatio'],
  [{ minHealthy: 0 }, 'alerts[0].minHealthy: expected a whole number from 1'],
  [{ maxCriticalRatio: 50 }, 'alerts[0].maxCriticalRatio: expected a number from 0'],
  [{ minHealthy: 1, for: 'soon' }, 'alerts[0].for: expected a duration'],
  [{ minHealthy: 1, service: 'We b' }, 'alerts[0].service: expected a label'],
  [{ minHealthy: 1, webhook: 'file:///etc/passwd' }, 'alerts[0].webhook: expected an http or https URL'],
  [{ minHealthy: 1, webhook: 'not a url' }, 'alerts[0].webhook: expected an http or https URL'],
])('%j is refused, naming the field', (rule, message) => {
  expect(() => parse(rule)).toThrow(message);
});

test('"*" in a pattern stands for any part of a label, and nothing else has a meaning', () => {
  expect(fits('*', 'web')).toBe(true);
  expect(fits('web-*', 'web-1')).toBe(true);
  expect(fits('web-*', 'web')).toBe(false);
  expect(fits('*-db-*', 'a-db-1')).toBe(true);
  expect(fits('web', 'web-1')).toBe(false);
});
