import { expect, test } from 'vitest';
import { planClearing, planRestore } from '../../../lib/rules/restore.ts';
import { chain, kernelWith, recordOf, shared } from './fixture.ts';

const [a, b] = [recordOf('a', { port: 1 }), recordOf('b', { port: 2 })];

test('a kernel that has everything lacks nothing', () => {
  const listed = kernelWith([...shared, ...a.rules.own, ...b.rules.own]);

  expect(planRestore([a, b], listed)).toEqual({ shared: [], own: [], conflicts: [] });
});

test('an empty kernel lacks what is common once, in its order, and what each has', () => {
  const { shared: common, own } = planRestore([a, b], kernelWith([]));

  expect(common).toEqual(shared);
  expect(own).toEqual([
    { record: a, lacking: a.rules.own },
    { record: b, lacking: b.rules.own },
  ]);
});

test('of a chain that was altered or emptied, the chain alone is lacking', () => {
  for (const altered of [[], ['second', 'first'], ['first', 'second', 'third']]) {
    const rest = shared.filter(({ kind }) => kind !== 'write-chain');
    const listed = kernelWith([...rest, chain('in', altered), ...a.rules.own]);

    expect(planRestore([a], listed)).toMatchObject({ shared: [{ chain: 'in' }], own: [] });
  }
});

test('an empty chain that is to be there is lacking where it is not', () => {
  const record = { ...a, rules: { shared: [], own: [chain('own_a', [])] } };

  expect(planRestore([record], kernelWith([])).own).toHaveLength(1);
  expect(planRestore([record], kernelWith([chain('own_a', [])])).own).toHaveLength(0);
});

test('one element that is gone is the only thing that is lacking', () => {
  const [own, element, port] = a.rules.own;
  const listed = kernelWith([...shared, ...[own, port].flatMap((rule) => rule ?? [])]);

  expect(planRestore([a], listed)).toEqual({
    shared: [],
    own: [{ record: a, lacking: [element] }],
    conflicts: [],
  });
});

test('of two versions of a chain either is right, and where both are gone the one that most have is written', () => {
  const newer = (record: typeof a) => ({ ...record, rules: { shared: [chain('in', ['newer'])], own: [] } });
  const records = [{ ...a, rules: { shared, own: [] } }, newer(b), newer(recordOf('c'))];
  const rest = shared.filter(({ kind }) => kind !== 'write-chain');

  for (const version of [chain('in', ['first', 'second']), chain('in', ['newer'])])
    expect(planRestore(records, kernelWith([...rest, version])).shared).toEqual([]);
  expect(planRestore(records, kernelWith(rest)).shared).toEqual([chain('in', ['newer'])]);
});

test('a host port that another attachment has by now is a conflict, which names both', () => {
  const [first, late] = [recordOf('first'), recordOf('late')];
  const listed = kernelWith([...shared, ...first.rules.own, ...late.rules.own.slice(0, 2)]);
  const held = kernelWith([...shared, ...first.rules.own.slice(0, 2), ...late.rules.own]);

  expect(planRestore([first], listed).conflicts).toEqual([]);
  expect(planRestore([first], held).conflicts).toEqual([
    "container first, interface eth0, of network net: host port 8080/tcp is net/late/eth0's by now",
  ]);
});

test('of a container that is no more everything goes, elements before the chain that they lead to', () => {
  const listed = kernelWith([...shared, ...a.rules.own, ...b.rules.own]);

  expect(planClearing([a], listed)).toEqual([
    expect.objectContaining({ kind: 'delete-element', set: 'ports', key: ['1'] }),
    expect.objectContaining({ kind: 'delete-element', set: 'checked', key: ['"a"'] }),
    expect.objectContaining({ kind: 'delete-chain', chain: 'own_a' }),
  ]);
});

test('what is gone already, and what its successor has under the same key, is not removed', () => {
  const [gone, successor] = [recordOf('gone'), recordOf('successor')];

  expect(planClearing([gone], kernelWith([...shared, ...successor.rules.own]))).toEqual([]);
});
