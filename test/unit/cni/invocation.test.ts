import { expect, test } from 'vitest';
import { parseAttachment, parsePluginPath, parseVerb } from '../../../lib/cni/invocation.ts';
import { addEnvironment } from '../../support/calls.ts';

test('every missing variable is named in one error', () => {
  expect(() => parseVerb({ CNI_COMMAND: 'ADD', CNI_PATH: '/x' })).toThrow(
    /CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME/,
  );
});

test('DEL needs no namespace, GC and STATUS no container, VERSION nothing', () => {
  expect(parseVerb({ ...addEnvironment({ CNI_COMMAND: 'DEL' }), CNI_NETNS: undefined })).toBe('DEL');
  expect(parseVerb({ CNI_COMMAND: 'GC', CNI_PATH: '/x' })).toBe('GC');
  expect(parseVerb({ CNI_COMMAND: 'VERSION' })).toBe('VERSION');
});

test('an unknown verb is refused with those that there are', () => {
  expect(() => parseVerb({ CNI_COMMAND: 'UPDATE' })).toThrow(/CNI_COMMAND.*ADD, DEL.*"UPDATE"/);
});

test.each([
  ['CNI_CONTAINERID', '../etc'],
  ['CNI_CONTAINERID', '-c'],
  ['CNI_CONTAINERID', 'a b'],
  ['CNI_IFNAME', 'a/b'],
  ['CNI_IFNAME', '..'],
  ['CNI_IFNAME', 'sixteen-letters-'],
  ['CNI_NETNS', '/run/netns/a b'],
  ['CNI_NETNS', '/run/netns/a#b'],
  ['CNI_NETNS', '/run/netns/a\nlink del dev eth0'],
  ['CNI_ARGS', 'IP'],
  ['CNI_ARGS', '=x'],
  ['CNI_ARGS', 'FOO=1'],
])('%s=%j is refused by name with code 4', (name, value) => {
  expect(() => parseAttachment(addEnvironment({ [name]: value }))).toThrow(
    expect.objectContaining({ code: 4, message: expect.stringContaining(name) }),
  );
});

test('unknown CNI_ARGS are let through with IgnoreUnknown', () => {
  const { args } = parseAttachment(
    addEnvironment({ CNI_ARGS: 'IgnoreUnknown=true;FOO=a=b;K8S_POD_NAME=web' }),
  );
  expect([...args]).toEqual([
    ['IgnoreUnknown', 'true'],
    ['FOO', 'a=b'],
    ['K8S_POD_NAME', 'web'],
  ]);
});

test('CNI_PATH is split at colons', () => {
  expect(parsePluginPath({ CNI_PATH: '/a:/b::' })).toEqual(['/a', '/b']);
});
