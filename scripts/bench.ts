import { resolve } from 'node:path';
import { judgeConflists } from './bench/conflist-goals.ts';
import { renderConflists } from './bench/conflist-tables.ts';
import { measureConflists } from './bench/conflists.ts';
import type { Context } from './bench/context.ts';
import type { Goal } from './bench/goal.ts';
import { judge } from './bench/goals.ts';
import { Interrupted, watchSignals } from './bench/interruption.ts';
import { type Options, parseOptions, usage } from './bench/options.ts';
import { type Files, writeFiles } from './bench/output.ts';
import { measureOverlay } from './bench/overlay.ts';
import { judgeOverlay } from './bench/overlay-goals.ts';
import { renderOverlay } from './bench/overlay-tables.ts';
import { renderPlot } from './bench/plot.ts';
import { createProgress } from './bench/progress.ts';
import { checkRequirements, referenceDir } from './bench/requirements.ts';
import { judgeResident } from './bench/resident-goals.ts';
import { measureResident } from './bench/resident-paths.ts';
import { renderResident } from './bench/resident-tables.ts';
import { measureAll, type Results } from './bench/results.ts';
import { measureRouted } from './bench/routed.ts';
import { judgeRouted } from './bench/routed-goals.ts';
import { renderRouted } from './bench/routed-tables.ts';
import { beginRun, endRun } from './bench/run.ts';
import { renderGoals, renderTables } from './bench/table.ts';

// Measures our plugins and the reference's side by side: npm run bench -- --help

const root = resolve(import.meta.dirname, '..');
const interruption = watchSignals();

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2), root);
  if (options === undefined) {
    process.stdout.write(usage);
    return;
  }
  checkRequirements(options.binDir);
  if (options.only === 'overlay') return printSection(options, sections.overlay);
  if (options.only === 'routed') return printSection(options, sections.routed);
  if (options.only === 'resident') return printSection(options, sections.resident);
  if (options.only === 'conflist') return printSection(options, sections.conflist);
  const files = toFiles(await during(options, measureAll));
  writeFiles(root, 'dist/bench', files);
  if (options.publishes) writeFiles(root, 'test/bench', files);
  process.stdout.write(files[options.printsJson ? 'results.json' : 'table.md']);
}

/** A part of the bench that can be run alone. */
type Section<Figures> = {
  readonly measure: (context: Context) => Promise<Figures>;
  readonly judge: (figures: Figures) => readonly Goal[];
  readonly render: (figures: Figures) => string;
};

const sections = {
  overlay: { measure: measureOverlay, judge: judgeOverlay, render: renderOverlay },
  routed: { measure: measureRouted, judge: judgeRouted, render: renderRouted },
  resident: { measure: measureResident, judge: judgeResident, render: renderResident },
  conflist: { measure: measureConflists, judge: judgeConflists, render: renderConflists },
};

async function printSection<Figures>(options: Options, section: Section<Figures>): Promise<void> {
  const figures = await during(options, section.measure);
  const goals = section.judge(figures);
  const text = options.printsJson
    ? JSON.stringify({ ...figures, goals }, undefined, 2)
    : [section.render(figures), renderGoals(goals)].join('\n\n');
  process.stdout.write(`${text}\n`);
}

async function during<T>(
  { binDir, isQuick, rounds }: Options,
  work: (context: Context) => Promise<T>,
): Promise<T> {
  const run = await beginRun();
  try {
    return await work({
      run,
      ours: { name: 'ours', binDir },
      reference: { name: 'reference', binDir: referenceDir },
      rounds,
      isQuick,
      interruption,
      progress: createProgress(process.stderr),
    });
  } finally {
    endRun(run);
  }
}

function toFiles(results: Results): Files {
  const goals = judge(results);
  return {
    'results.json': `${JSON.stringify({ ...results, goals }, undefined, 2)}\n`,
    'table.md': `${renderTables(results, goals)}\n`,
    'growth.svg': renderPlot(results),
  };
}

/** What was cut off by a signal fails in many ways; the signal is the cause. */
function fail(error: unknown): void {
  const cause = interruption.aborted ? interruption.reason : error;
  process.stderr.write(`\nbench: ${cause instanceof Error ? cause.message : String(cause)}\n`);
  process.exitCode = cause instanceof Interrupted ? cause.exitStatus : 1;
}

main().catch(fail);
