import { statSync, unlinkSync } from 'node:fs';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { runAll, withLaterFailures } from '../errors/collect.ts';
import { ifExists, onFiles } from '../errors/system-error.ts';
import { type LockWait, withFlock } from '../files/flock.ts';
import { digestFile } from './digest.ts';
import { requireSpace, requireWritable, resolveDirectory } from './directory.ts';
import { type InstalledBuild, readBuild } from './installed-build.ts';
import { commandName } from './names.ts';
import { describeForeign, type Observed, observeDirectory } from './observe.ts';
import { type Places, placesIn } from './places.ts';
import {
  countCopied,
  findObjections,
  foreignNames,
  type InstallFacts,
  type InstallWish,
  type NameChange,
  type Part,
  planChanges,
  planInstall,
  type Source,
} from './plan-install.ts';
import { carryOut, type Step } from './step.ts';

/** An installation that is asked for. */
export type InstallRequest = {
  readonly dir: string;
  /** The executable to install: a file of ours. */
  readonly executable: string;
  /** The client of the agent, which is to have the plugins' names; without it, they are the executable's. */
  readonly client?: string | undefined;
  readonly wish: InstallWish;
  readonly isDryRun: boolean;
};

/** What an installation did, or would do. */
export type Installation = {
  /** Without symbolic links. */
  readonly dir: string;
  readonly build: InstalledBuild;
  readonly changes: readonly NameChange[];
  readonly steps: readonly Step[];
};

/**
 * Gives one copy of the executable its names in a CNI directory, or one of the client those of the plugins.
 * @throws CniError, having changed nothing, where something stands against it; after a failed step what is done stays,
 * and the next call completes it
 */
export function install(request: InstallRequest, wait: LockWait): Installation {
  const dir = resolveDirectory(request.dir);
  requireWritable(dir);
  return withFlock(dir, wait, () => {
    const facts = gatherFacts(placesIn(dir), request);
    const bytes = countCopied(facts);
    if (bytes > 0) requireSpace(dir, bytes);
    const steps = planInstall(facts);
    if (!request.isDryRun) applySteps(steps, facts.places, request.wish.names);
    return { dir, build: readSource(request.executable).build, changes: planChanges(facts), steps };
  });
}

function gatherFacts(places: Places, request: InstallRequest): InstallFacts {
  const { wish, executable } = request;
  const { build } = readSource(executable);
  const observed = observeDirectory(places, wish.names);
  refuse(findObjections({ places, build, wish, observed }));
  const giveWay = foreignNames({ wish, observed }).map(({ name, seen }) =>
    describeForeign(name, `${places.dir}/${name}`, seen),
  );
  return { places, parts: divide(places, request, observed), wish, observed, giveWay };
}

/** The executable's own name first: a client falls back to it, and must not find an earlier one. */
function divide(
  places: Places,
  { executable, client, wish }: InstallRequest,
  observed: Observed,
): readonly Part[] {
  const toPart = (path: string, staged: string, names: readonly string[]) => {
    const source = readSource(path);
    return { source, staged, names, same: findSame(places, source, observed) };
  };
  if (client === undefined) return [toPart(executable, places.staged, wish.names)];
  return [
    toPart(executable, places.staged, [commandName]),
    toPart(
      client,
      places.stagedClient,
      wish.names.filter((name) => name !== commandName),
    ),
  ];
}

function readSource(path: string): Source {
  return onFiles(`reading ${path}`, () => {
    const build = readBuild(path);
    if (build !== undefined) return { path, build, size: statSync(path).size };
    throw new CniError(
      ErrorCode.internal,
      `${path} is no built executable: install from one, see "npm run build"`,
    );
  });
}

function refuse(objections: readonly string[]): void {
  const [first, ...others] = objections;
  if (first === undefined) return;
  throw new CniError(
    ErrorCode.invalidConfig,
    first,
    others.length === 0 ? {} : { details: others.join('\n  ') },
  );
}

/** A name whose file is the source's, byte for byte: a damaged one with the same end must not be taken for it. */
function findSame({ dir }: Places, { path, build, size }: Source, { seen }: Observed): string | undefined {
  const candidates = [...seen].flatMap(([name, found]) =>
    found.kind === 'ours' && found.build.id === build.id && found.size === size ? [{ name, ...found }] : [],
  );
  const files = [...new Map(candidates.map((found) => [found.inode, found.name])).values()];
  const source = files.length === 0 ? '' : digestFile(path);
  return files.find((name) => digestFile(`${dir}/${name}`) === source);
}

/** Carries out the steps; a failure takes away what has no name yet, which may be all that the disk had room for. */
function applySteps(steps: readonly Step[], places: Places, names: readonly string[]): void {
  try {
    for (const step of steps) carryOut(step);
  } catch (error) {
    throw withLaterFailures(error, sweep(observeDirectory(places, names).leftovers));
  }
}

function sweep(leftovers: readonly string[]) {
  return runAll(
    leftovers.map((path) => ({ doing: `removing ${path}`, run: () => ifExists(() => unlinkSync(path)) })),
  );
}
