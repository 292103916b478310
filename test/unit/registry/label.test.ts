import { describe, expect, test } from 'vitest';
import {
  isLabel,
  shortContainerId,
  toHashedLabel,
  toLabel,
  toNetworkLabel,
} from '../../../lib/registry/label.ts';
import { Random } from '../../support/random.ts';

const hex64 = '0123456789abcdef'.repeat(4);

describe('toLabel', () => {
  test.each([
    ['web', 'web'],
    ['Web', 'web'],
    ['my_app', 'my-app'],
    ['my.app', 'my-app'],
    ['--a--', 'a'],
    ['a--b', 'a--b'],
    ['über', 'ber'],
    ['3scale', '3scale'],
    ['a'.repeat(63), 'a'.repeat(63)],
  ])('folds %j to %j', (name, label) => {
    expect(toLabel(name)).toBe(label);
  });

  test('cuts what is too long to 63 characters that end with a hash of the whole', () => {
    const one = toLabel(`${'a'.repeat(80)}1`);
    const other = toLabel(`${'a'.repeat(80)}2`);

    expect(one).toMatch(/^a{54}-[0-9a-f]{8}$/);
    expect(other).not.toBe(one);
    expect(toLabel(`${'a'.repeat(80)}1`)).toBe(one);
  });

  test.each(['', '.', '___', '---', '日本'])('gives %j a label that is not empty', (name) => {
    expect(toLabel(name)).toMatch(/^x-[0-9a-f]{8}$/);
  });

  test('gives names without any letter of ours labels of their own', () => {
    expect(toLabel('日本')).not.toBe(toLabel('中国'));
  });

  test('never gives anything but a label, whatever the name', () => {
    const random = new Random();
    const characters = ['a', 'Z', '0', '-', '_', '.', '/', ' ', 'ß', '\u0000', '😀', 'İ'];
    for (let round = 0; round < 2_000; round++) {
      const name = Array.from({ length: random.below(90) }, () => random.pick(characters)).join('');
      expect(isLabel(toLabel(name)), JSON.stringify(name)).toBe(true);
      expect(isLabel(toHashedLabel(name)), JSON.stringify(name)).toBe(true);
      expect(isLabel(toNetworkLabel(name)), JSON.stringify(name)).toBe(true);
    }
  });
});

describe('toHashedLabel', () => {
  test('tells names apart that fold to the same label', () => {
    expect(toLabel('my.app')).toBe(toLabel('my_app'));
    expect(toHashedLabel('my.app')).toMatch(/^my-app-[0-9a-f]{8}$/);
    expect(toHashedLabel('my.app')).not.toBe(toHashedLabel('my_app'));
  });

  test('has no "-" before that of the hash where the cut falls behind one', () => {
    expect(toHashedLabel(`${'a'.repeat(53)}.${'b'.repeat(20)}`)).toMatch(/^a{53}-[0-9a-f]{8}$/);
  });
});

describe('toNetworkLabel', () => {
  test.each(['svc', 'node', 'addr', 'SVC', '_addr_'])('does not leave %j the label of the zone', (name) => {
    expect(toNetworkLabel(name)).toMatch(/^(svc|node|addr)-[0-9a-f]{8}$/);
  });

  test('leaves other networks their plain label', () => {
    expect(toNetworkLabel('service')).toBe('service');
    expect(toNetworkLabel('My_Net')).toBe('my-net');
  });
});

describe('shortContainerId', () => {
  test.each([
    [hex64, '0123456789ab'],
    [hex64.slice(0, 32), '0123456789ab'],
    [`default-${hex64}`, '0123456789ab'],
    [`k8s.io-${hex64}`, '0123456789ab'],
    [hex64.slice(0, 31), hex64.slice(0, 31)],
    ['cnitool-77383ca0a0715733ca6f', 'cnitool-77383ca0a0715733ca6f'],
    ['web', 'web'],
    ['my-web-1', 'my-web-1'],
    ['3f2504e0-4f89-11d3-9a0c-0305e82c3301', '3f2504e0-4f89-11d3-9a0c-0305e82c3301'],
  ])('knows %s as %s', (id, short) => {
    expect(shortContainerId(id)).toBe(short);
  });

  test('drops the name of a containerd namespace that has a "-" in it, too', () => {
    expect(shortContainerId(`my-space-${hex64}`)).toBe('0123456789ab');
  });
});

test.each([
  ['a', true],
  ['a-b', true],
  ['a'.repeat(63), true],
  ['a'.repeat(64), false],
  ['', false],
  ['-a', false],
  ['a-', false],
  ['A', false],
  ['a.b', false],
  ['a_b', false],
])('%j is a label: %s', (text, expected) => {
  expect(isLabel(text)).toBe(expected);
});
