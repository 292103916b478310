import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { ifExists } from '../../lib/errors/system-error.ts';
import { listNamespaces, removeNamespace } from './namespaces.ts';

/** One run of the bench: what its namespaces and its directory are named after. */
export type Run = {
  /** `fl-bench-<pid>-<start time>`: says by itself whose it is, and so whether that process is still there. */
  readonly id: string;
  /** For all files of the run. */
  readonly dir: string;
};

/**
 * Begins a run: removes what a killed earlier run has left, and makes the directory.
 * @throws Error while another run is under way: each would measure the other
 */
export async function beginRun(): Promise<Run> {
  for (const id of new Set([...listNamespaces(), ...listDirectories()].flatMap(toRunId))) {
    if (isUnderWay(id)) throw new Error(`another run of the bench is under way (process ${pidOf(id)})`);
    await removeLeftovers(id);
  }
  const id = `fl-bench-${process.pid}-${startTime(process.pid)}`;
  const run = { id, dir: `${tmpdir()}/${id}` };
  mkdirSync(run.dir, { mode: 0o700 });
  return run;
}

/** Removes the run's directory; a namespace is removed by who has made it. */
export function endRun({ dir }: Pick<Run, 'dir'>): void {
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
}

async function removeLeftovers(id: string): Promise<void> {
  for (const name of listNamespaces()) {
    if (toRunId(name).includes(id)) await removeNamespace(name);
  }
  if (listDirectories().includes(id)) endRun({ dir: `${tmpdir()}/${id}` });
}

/** Only root's own: whoever else makes one of such a name might exchange parts of it while it is removed. */
function listDirectories(): readonly string[] {
  return readdirSync(tmpdir()).filter(
    (name) => toRunId(name).length > 0 && ifExists(() => lstatSync(`${tmpdir()}/${name}`).uid) === 0,
  );
}

/** The run that a name belongs to; none for a name of another kind. */
function toRunId(name: string): readonly string[] {
  return /^fl-bench-\d+-\d+(?=-|$)/.exec(name) ?? [];
}

function pidOf(id: string): number {
  return Number(id.split('-').at(-2));
}

function isUnderWay(id: string): boolean {
  return startTime(pidOf(id)) === id.split('-').at(-1);
}

/** In clock ticks after boot (proc(5), field 22): with the process id it tells a process from every other of this boot. */
function startTime(pid: number): string | undefined {
  const stat = ifExists(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}
