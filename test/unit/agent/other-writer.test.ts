import { expect, test } from 'vitest';
import { OtherWriter } from '../../../plugins/agent/other-writer.ts';

const createWriter = () =>
  new OtherWriter({ node: '1111111111111111', path: '/var/lib/fairlead/registry.db' });

test('strangers in two comparisons in a row are told, with the file to look at', () => {
  const writer = createWriter();
  writer.note(['a']);
  const afterOne = writer.problem;

  writer.note(['b']);

  expect(afterOne).toBe('');
  expect(writer.problem).toBe(
    "another process writes entries of this machine's id, 1111111111111111: is /var/lib/fairlead/node-id a copy of " +
      "another machine's? Remove that file on one of them, and restart that one's agent",
  );
});

test('what was left over once is no sign of another', () => {
  const writer = createWriter();
  for (const strangers of [['a'], [], ['b']]) writer.note(strangers);

  expect(writer.problem).toBe('');
});

test('it is over when there are no strangers any more', () => {
  const writer = createWriter();
  for (const strangers of [['a'], ['a'], ['a'], []]) writer.note(strangers);

  expect(writer.problem).toBe('');
});
