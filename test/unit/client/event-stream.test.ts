import { expect, test } from 'vitest';
import { EventStreamParser, type ServerEvent } from '../../../lib/client/event-stream.ts';

const stream = [
  '\ufeffretry: 1000',
  '',
  ': a comment',
  'event: snapshot',
  'id: 7',
  'data: {"a":1}',
  '',
  'data:two',
  'data: lines',
  'unknown: field',
  '',
  ': alive',
  'id: 9',
  '',
  'event: nothing',
  '',
  '',
].join('\n');

const events: readonly ServerEvent[] = [
  { event: 'snapshot', data: '{"a":1}' },
  { event: 'message', data: 'two\nlines' },
];

test.each([
  ['LF', '\n'],
  ['CR LF', '\r\n'],
  ['CR', '\r'],
])('wherever a stream with %s is cut, the same events come out', (_name, ending) => {
  const text = stream.replaceAll('\n', ending);
  for (let size = 1; size <= text.length; size++) {
    const parser = new EventStreamParser();
    const found: ServerEvent[] = [];
    for (let at = 0; at < text.length; at += size) found.push(...parser.push(text.slice(at, at + size)));
    expect(found, `pieces of ${size}`).toEqual(events);
    expect(parser.lastEventId).toBe('9');
    expect(parser.retryMs).toBe(1_000);
  }
});

test('an id counts although its event has no data, and one with a NUL does not', () => {
  const parser = new EventStreamParser();
  parser.push('id: 5\n\nid: 6\0\n\n');
  expect(parser.lastEventId).toBe('5');
});

test('a long event in many pieces is read in time that grows with its length only', () => {
  const parser = new EventStreamParser();
  const startedAtMs = performance.now();
  for (let piece = 0; piece < 20_000; piece++) parser.push(piece === 0 ? 'data: ' : 'x'.repeat(1_000));
  expect(parser.push('\n\n')[0]?.data).toHaveLength(19_999_000);
  expect(performance.now() - startedAtMs).toBeLessThan(2_000);
});

test('an event without end is refused before it fills the memory', () => {
  const parser = new EventStreamParser();
  const piece = 'x'.repeat(16 * 1024 * 1024);
  expect(() => {
    for (let turn = 0; turn < 5; turn++) parser.push(piece);
  }).toThrow('an event is longer than');
});
