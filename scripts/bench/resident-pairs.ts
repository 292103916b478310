import { messageOf } from '../../lib/errors/cni-error.ts';
import { alternate } from './alternate.ts';
import { burstRoundsOf } from './burst.ts';
import { type Contender, createContender, type Measured } from './contender.ts';
import { type Context, roundsOf } from './context.ts';
import type { CallAgent } from './resident-agent.ts';
import {
  type ByPath,
  createSamples,
  openCase,
  type Path,
  paths,
  type ResidentCase,
  type Sides,
} from './resident-case.ts';
import { Rig } from './rig.ts';

/** A case with what came of it on each path. */
export type ResidentPairs = { readonly what: ResidentCase; readonly measured: ByPath<Measured> };

/** Pairs of a case on all paths, alternating, each on a host of its own. */
export async function measureCase(
  what: ResidentCase,
  sides: Sides,
  context: Context,
): Promise<ResidentPairs> {
  await using rig = new Rig(context, `both-${what.short}`);
  let agent: CallAgent | undefined;
  const open = async (path: Path) => {
    const opened = await openCase(rig, { sides, path, what }, context);
    agent ??= opened.agent;
    return createSamples(rig, what, opened);
  };
  const contenders: Contender[] = [];
  for (const path of paths) contenders.push(await createContender(() => open(path), context.interruption));
  const rounds = what.isBurst === true ? burstRoundsOf : roundsOf;
  await alternate(contenders, rounds(context, `both paths, ${what.name}`));
  const measured = contenders.map((contender) => contender.measured());
  const entries = paths.map((path, at) => [path, measured[at]] as const);
  return { what, measured: await onlyServed(Object.fromEntries(entries) as ByPath<Measured>, agent) };
}

/** What the agent has not carried out was measured as if it had. */
async function onlyServed(
  measured: ByPath<Measured>,
  agent: CallAgent | undefined,
): Promise<ByPath<Measured>> {
  try {
    await agent?.requireServed();
    return measured;
  } catch (error) {
    return { ...measured, resident: { kind: 'failed', because: messageOf(error) } };
  }
}
