import { describe, expect, test } from 'vitest';
import { parseRecord, renderRecord } from '../../../lib/rules/record.ts';
import { recordOf } from './fixture.ts';

const record = recordOf('a');
const path = '/run/fairlead/rules/1/x.bridge.json';

test('a record is read as it was written', () => {
  expect(parseRecord(renderRecord(record), path)).toEqual(record);
});

/** The record as JSON, with one change at a path such as `rules.own.0.chain`. */
function changed(at: string, value: unknown): string {
  const json = JSON.parse(renderRecord(record));
  const steps = at.split('.');
  const last = steps.pop() ?? '';
  const parent = steps.reduce((object, step) => object[step], json);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return JSON.stringify(json);
}

describe('a record is refused', () => {
  test.each([
    ['that is empty', ''],
    ['that is cut off', renderRecord(record).slice(0, -20)],
    ['that is a list', '[]'],
    ['that is null', 'null'],
  ])('%s', (_, text) => {
    expect(() => parseRecord(text, path)).toThrow();
  });

  test.each([
    ['of another version', 'version', 2],
    ['without a version', 'version', undefined],
    ['without an owner', 'owner', undefined],
    ['with a path for a container', 'owner.containerId', '../../etc'],
    ['with a path for a plugin', 'owner.plugin', 'a/b'],
    ['with a path for an interface', 'owner.ifName', '../eth0'],
    ['with a line feed in its network', 'owner.network', 'a\nb'],
    ['without a proof', 'proof', undefined],
    ['with a negative inode', 'proof.netns.inode', -1],
    ["with a rule in somebody else's table", 'own.0.table', { family: 'inet', name: 'filter' }],
    ['with a rule in another family', 'own.0.table', { family: 'ip', name: 'fairlead' }],
    ['with a rule of an unknown kind', 'own.0.kind', 'delete-table'],
    ['with a chain that ends a statement', 'own.0.chain', 'a; flush ruleset'],
    ['with a rule that ends a statement', 'own.0.rules', [{ text: 'accept; flush ruleset', comment: '' }]],
    ['with a rule of two lines', 'own.0.rules', [{ text: 'accept\nflush ruleset', comment: '' }]],
    ['with a rule that comments the rest out', 'own.0.rules', [{ text: 'accept # ', comment: '' }]],
    ['with a rule that escapes', 'own.0.rules', [{ text: 'accept \\', comment: '' }]],
    ['with a hook that does not exist', 'shared.2.hook', { type: 'nat', hook: 'egress', priority: '0' }],
    ['with a hook that ends a statement', 'shared.2.hook', { type: 'nat', hook: 'input', priority: '0; }' }],
    ['with a key of two lines', 'own.1.key', ['"a"\n']],
    ['with an empty key', 'own.1.key', ['']],
    ['with a key that is no text', 'own.1.key', [8080]],
    ['with an element without a key', 'own.1.key', undefined],
    ['with a value that ends a statement', 'own.2.value', ['10.0.0.2 }; flush ruleset']],
    ['with a set that is no name', 'own.1.set', '@all'],
    ['with a comment of another alphabet', 'own.1.comment', 'ü'],
    ['with a set of unknown shape', 'shared.0.types', undefined],
    ['with rules that are no list', 'own', {}],
    ['with an unknown protocol of a flow', 'flows.0.protocol', 'icmp'],
    ['with a port that does not exist', 'flows.0.port', 65_536],
    ['with an address that is none', 'flows.0.address', '10.0.0'],
  ])('%s', (_, at, value) => {
    expect(() => parseRecord(changed(at, value), path)).toThrow();
  });
});
