import { describe, expect, test } from 'vitest';
import { outsideName, toForeignLabel } from '../../../lib/mirror/service-name.ts';
import { isLabel } from '../../../lib/registry/label.ts';

const long = 'a'.repeat(63);

describe('the name of a service in an outside registry', () => {
  test.each([
    [{ namespace: 'default', service: 'web' }, 'web'],
    [{ namespace: 'default', service: 'web-shop' }, 'web-shop'],
    [{ namespace: 'shop', service: 'web' }, 'web--shop'],
    [{ namespace: 'default', service: long }, long],
  ])('of %j is %s', (service, name) => {
    expect(outsideName(service)).toBe(name);
  });

  test('is a label, and no other has the same, whatever hyphens they are made of', () => {
    const labels = ['a', 'b', 'a-b', 'a--b', 'b--a', 'a---b', 'a--b--a', 'default', 'a--default', long];
    const names = labels.flatMap((service) => labels.map((namespace) => outsideName({ namespace, service })));
    const services = [...new Set([...labels, ...names])];

    const all = services.flatMap((service) => labels.map((namespace) => outsideName({ namespace, service })));

    expect(all.every(isLabel)).toBe(true);
    expect(new Set(all).size).toBe(services.length * labels.length);
  });
});

describe('the label of a service of others', () => {
  test('is its name where that is a label', () => {
    expect(['web', 'web--shop', long].map(toForeignLabel)).toEqual(['web', 'web--shop', long]);
  });

  test('is never that of another', () => {
    const names = [
      'pay-api',
      'pay.api',
      'pay_api',
      'Pay-API',
      'pay api',
      '-pay-api',
      'pay-api-01234567',
      `${long}x`,
      `${long}y`,
      '',
      'ä',
    ];
    const labels = names.map(toForeignLabel);

    expect(labels.every(isLabel)).toBe(true);
    expect(new Set([...labels, ...labels.slice(1).map(toForeignLabel)]).size).toBe(2 * names.length - 1);
  });
});
