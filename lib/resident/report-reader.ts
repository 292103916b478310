import { longestReport, parseReport, type Report } from './report.ts';

/**
 * Takes what a worker writes, in pieces that may end anywhere, and tells each report. What is no report is passed over, also
 * a line without end, of which no more than a report's length is kept.
 */
export function createReportReader(tell: (report: Report) => void): (piece: Buffer) => void {
  let rest = '';
  return (piece) => {
    const lines = `${rest}${piece.toString('latin1')}`.split('\n');
    rest = (lines.pop() ?? '').slice(0, longestReport + 1);
    for (const line of lines) {
      const report = parseReport(line);
      if (report !== undefined) tell(report);
    }
  };
}
