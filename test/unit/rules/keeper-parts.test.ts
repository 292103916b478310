import { expect, test } from 'vitest';
import { FinishedAdds } from '../../../lib/rules/keeper-adds.ts';
import { HeardChanges } from '../../../lib/rules/keeper-heard.ts';
import { LastingLacks } from '../../../lib/rules/keeper-lacks.ts';
import { mayChangeNetwork } from '../../../lib/rules/keeper-permission.ts';
import { planRestore } from '../../../lib/rules/restore.ts';
import { kernelWith, recordOf, shared } from './fixture.ts';

const nobody: ReadonlyMap<string, number> = new Map();
const a = recordOf('a');
const empty = kernelWith([]);

test('an ADD whose rules nobody has seen is under way for five seconds, and over then', () => {
  const adds = new FinishedAdds();

  expect(adds.take([a], { listed: empty, come: nobody, nowMs: 0 })).toEqual([]);
  expect(adds.take([a], { listed: empty, come: nobody, nowMs: 4_999 })).toEqual([]);
  expect(adds.take([a], { listed: empty, come: nobody, nowMs: 5_000 })).toEqual([a]);
});

test.each([
  ['one of its rules has been seen', kernelWith(a.rules.own.slice(1, 2)), nobody],
  ['the kernel has told of its elements', empty, new Map([['net/a/eth0', 7]])],
])('an ADD is over as soon as %s, and stays so', (_, listed, come) => {
  const adds = new FinishedAdds();

  expect(adds.take([a], { listed, come, nowMs: 0 })).toEqual([a]);
  expect(adds.take([a], { listed: empty, come: nobody, nowMs: 1 })).toEqual([a]);
});

test('an ADD that comes after a DEL is a new one', () => {
  const adds = new FinishedAdds();
  adds.take([a], { listed: kernelWith(a.rules.own), come: nobody, nowMs: 0 });
  adds.take([], { listed: empty, come: nobody, nowMs: 1 });

  expect(adds.take([a], { listed: empty, come: nobody, nowMs: 2 })).toEqual([]);
});

test('elements that came before the record are of an earlier ADD of the same container', () => {
  const adds = new FinishedAdds();
  const again = { ...a, atMs: 8 };
  const come = new Map([['net/a/eth0', 7]]);
  adds.take([a], { listed: empty, come, nowMs: 0 });

  expect(adds.take([again], { listed: empty, come, nowMs: 1 })).toEqual([]);
  expect(adds.take([again], { listed: empty, come: new Map([['net/a/eth0', 8]]), nowMs: 2 })).toEqual([
    again,
  ]);
});

test('what is missing counts after a quarter of a second, from the look at which it was first missing', () => {
  const lacks = new LastingLacks();
  const missing = planRestore([a], empty);
  const nothing = planRestore([a], kernelWith([...shared, ...a.rules.own]));

  expect(lacks.take(missing, 0)).toMatchObject({ shared: [], own: [] });
  expect(lacks.take(missing, 249)).toMatchObject({ shared: [], own: [] });
  expect(lacks.take(missing, 250)).toEqual(missing);
  expect(lacks.take(nothing, 260)).toMatchObject({ shared: [], own: [] });
  expect(lacks.isAny).toBe(false);
  expect(lacks.take(missing, 600)).toMatchObject({ shared: [], own: [] });
  expect(lacks.isAny).toBe(true);
});

test('lines of the monitor wake only for what goes from tables of ours', () => {
  const heard = new HeardChanges();
  const wakes = (line: string) => heard.hear(line);

  expect(wakes('delete table inet fairlead')).toBe(true);
  expect(wakes('delete element inet fairlead_portmap ports { 80 }')).toBe(true);
  expect(wakes('delete rule bridge fairlead from_port handle 4')).toBe(true);
  expect(wakes('# ERROR: We lost some netlink events!')).toBe(true);
  expect(wakes('delete table ip filter')).toBe(false);
  expect(wakes('delete table inet fairleader')).toBe(false);
  expect(wakes('add element inet fairlead s { "a" }')).toBe(false);
  expect(wakes('delete')).toBe(false);
});

test('who took the tables is told, and not who has taken an element since, as each DEL does', () => {
  const heard = new HeardChanges();
  for (const line of [
    'delete element inet fairlead s { "a" }',
    '# new generation 3 by process 5 (nft)',
    'delete rule inet fairlead masq handle 2',
    'delete table inet fairlead',
    '# new generation 4 by process 812 (firewalld)',
    'delete element inet fairlead s { "b" }',
    '# new generation 5 by process 6 (nft)',
    'delete table ip filter',
    '# new generation 6 by process 7 (iptables)',
  ])
    heard.hear(line);

  expect(heard.takeCulprit()).toBe('firewalld (process 812)');
  expect(heard.takeCulprit()).toBeUndefined();
});

test('a process that calls itself something strange is only a program', () => {
  const heard = new HeardChanges();
  heard.hear('delete table inet fairlead');
  heard.hear('# new generation 4 by process 8 (a\u001b[31m "b)');

  expect(heard.takeCulprit()).toBe('a program (process 8)');
});

test('the owners of elements that have come are known by their comments', () => {
  const heard = new HeardChanges();
  heard.hear('add element bridge fairlead checked { "veth1" comment "net/a/eth0" }');
  heard.hear('create element inet fairlead_portmap ports { 80 comment "net/b/eth0" : 10.0.0.2 }');
  heard.hear('add element inet other s { "veth1" comment "net/c/eth0" }');

  expect([...heard.takeCome().keys()]).toEqual(['net/a/eth0', 'net/b/eth0']);
});

test.each([
  ['CapEff:\t000001ffffffffff', true],
  ['CapEff:\t0000000000001000', true],
  ['CapEff:\t0000000000000400', false],
  ['CapEff:\t0000000000000000', false],
  ['', true],
])('a process with %j may change the network: %s', (status, may) => {
  expect(mayChangeNetwork({ readProc: () => `Name:\tfairlead\n${status}\nSeccomp:\t0` })).toBe(may);
});
