import { alternate, type Series } from './alternate.ts';
import { burstRoundsOf, burstSize, createBursts } from './burst.ts';
import { attachingBy, type Conflist, type Extent, type Form } from './conflist.ts';
import { crowdConflist } from './conflist-crowd.ts';
import { proveConflist } from './conflist-proof.ts';
import { type BothMeasured, type Contender, createContender, type Measured } from './contender.ts';
import { type Context, roundsOf, type Side } from './context.ts';
import { openNetwork } from './network.ts';
import { createPairsOf } from './pairs.ts';
import { Rig } from './rig.ts';
import { measureSandboxes } from './sandboxes.ts';
import type { PairSample } from './statistics.ts';

/** Who is measured: whose plugins, and for how much of a conflist. */
export type Entry = {
  readonly side: Side['name'];
  readonly extent: Extent;
  readonly form: Form;
  /** How many containers have the same already. */
  readonly attached: number;
};

/** What came of one. */
export type ConflistPairs = Entry & { readonly measured: Measured };

/** Whole conflists: one container after the other, and many at once. */
export type ConflistFigures = {
  readonly pairs: readonly ConflistPairs[];
  /** 50 at once, with host ports; wall times. */
  readonly burst: BothMeasured;
  /** A pod with host ports by containerd: from RunPodSandbox to its answer, and the same of StopPodSandbox. */
  readonly sandboxes: BothMeasured;
};

/** Measures what runtimes call for a container: not one plugin, but all that a conflist asks for. */
export async function measureConflists(context: Context): Promise<ConflistFigures> {
  return {
    burst: await measureBursts(context),
    sandboxes: await measureSandboxes(context),
    pairs: await measurePairs(context),
  };
}

const forms = [
  { side: 'ours', form: 'one plugin' },
  { side: 'ours', form: 'a plugin each' },
  { side: 'reference', form: 'a plugin each' },
] as const;

/** All in the same rounds, each on a host of its own. */
async function measurePairs(context: Context): Promise<readonly ConflistPairs[]> {
  await using rig = new Rig(context, 'conflist');
  const attached = context.isQuick ? 100 : 1_000;
  const alone = (['ports', 'whole'] as const).flatMap((extent) => {
    return forms.map((each): Entry => ({ ...each, extent, attached: 0 }));
  });
  const among = [forms[0], forms[2]].map((each): Entry => ({ ...each, extent: 'ports', attached }));
  const contenders: (Entry & { readonly contender: Contender })[] = [];
  for (const entry of [...alone, ...among]) {
    const open = () => openPairs(rig, entry, context);
    contenders.push({ ...entry, contender: await createContender(open, context.interruption) });
  }
  const all = contenders.map(({ contender }) => contender);
  await alternate(all, roundsOf(context, 'conflists'));
  return contenders.map(({ contender, ...entry }) => ({ ...entry, measured: contender.measured() }));
}

async function openPairs(rig: Rig, entry: Entry, context: Context): Promise<Series<PairSample>> {
  const { attached, extent } = entry;
  const conflist = await openConflist(rig, entry, context);
  const attaching = attachingBy(conflist);
  context.progress.tell(`conflists: proving ${attaching.name}`);
  await proveConflist(rig, attaching, extent);
  await crowdConflist({ rig, conflist, count: attached }, context);
  return createPairsOf(rig, attaching);
}

async function openConflist(
  rig: Rig,
  { side, extent, form }: Omit<Entry, 'attached'>,
  context: Context,
): Promise<Conflist> {
  return { network: await openNetwork(rig, context[side], { ipMasq: true }), extent, form };
}

async function measureBursts(context: Context): Promise<BothMeasured> {
  await using rig = new Rig(context, 'conflist-burst');
  const open = ({ side, form }: (typeof forms)[number]) =>
    createContender(async () => {
      const attaching = attachingBy(await openConflist(rig, { side, form, extent: 'ports' }, context));
      await proveConflist(rig, attaching, 'ports');
      return createBursts(rig, attaching);
    }, context.interruption);
  const [ours, reference] = [await open(forms[0]), await open(forms[2])];
  await alternate([ours, reference], burstRoundsOf(context, `conflists, ${burstSize} at once`));
  return { ours: ours.measured(), reference: reference.measured() };
}
