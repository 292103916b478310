import { expect, test } from 'vitest';
import { longestReport, parseReport, type Report } from '../../../lib/resident/report.ts';
import { createReportReader } from '../../../lib/resident/report-reader.ts';

const ms = { queue: 0.1, ipam: 1.2, links: 0.8, rules: 0.3, registry: 0.5, waiting: 0.2, other: 0.4 };
const report: Report = { plugin: 'bridge', verb: 'ADD', code: 0, ms };

test('what a worker writes is read as it was meant', () => {
  expect(parseReport(JSON.stringify(report))).toEqual(report);
});

test.each([
  '',
  'nonsense',
  'null',
  '[]',
  JSON.stringify({ ...report, plugin: 1 }),
  JSON.stringify({ ...report, verb: undefined }),
  JSON.stringify({ ...report, code: -1 }),
  JSON.stringify({ ...report, code: 0.5 }),
  JSON.stringify({ ...report, ms: undefined }),
  JSON.stringify({ ...report, ms: { ...ms, rules: undefined } }),
  JSON.stringify({ ...report, ms: { ...ms, rules: -1 } }),
  JSON.stringify({ ...report, ms: { ...ms, rules: '1' } }),
  JSON.stringify({ ...report, plugin: 'x'.repeat(longestReport) }),
])('%j is no report', (line) => {
  expect(parseReport(line)).toBeUndefined();
});

test('reports may arrive in any pieces, and among other things', () => {
  const told: Report[] = [];
  const read = createReportReader((each) => told.push(each));
  const bytes = Buffer.from(
    `${JSON.stringify(report)}\nnonsense\n${JSON.stringify({ ...report, code: 11 })}\n`,
  );

  for (const byte of bytes) read(Buffer.from([byte]));
  read(bytes);

  expect(told.map(({ code }) => code)).toEqual([0, 11, 0, 11]);
});

test('a line without end is let go, and the next one read', () => {
  const told: Report[] = [];
  const read = createReportReader((each) => told.push(each));

  for (let piece = 0; piece < 100; piece++) read(Buffer.alloc(longestReport, 'x'));
  read(Buffer.from(`\n${JSON.stringify(report)}\n`));

  expect(told).toEqual([report]);
});
