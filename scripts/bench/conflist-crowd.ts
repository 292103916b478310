import { type Attaching, attachingOf } from './attaching.ts';
import { attachingBy, type Conflist } from './conflist.ts';
import type { Context } from './context.ts';
import { attachCrowd, planCrowd } from './crowd.ts';
import { copyRules, saveRules } from './crowd-rules.ts';
import type { Attachment } from './network.ts';
import type { Rig } from './rig.ts';

/**
 * Attaches so many containers by a conflist, or has a host look as if they had been. Another must have come and gone
 * before: what all share stands then.
 */
export async function crowdConflist(
  { rig, conflist, count }: { rig: Rig; conflist: Conflist; count: number },
  context: Context,
): Promise<void> {
  const crowd = await planCrowd(rig, count);
  const attaching = attachingBy(conflist);
  if (conflist.network.side.name === 'ours') await attachCrowd({ attaching, crowd }, context);
  else await imitateCrowd({ conflist, attaching, crowd }, context);
}

/** The first by the conflist; the others' interfaces by its first plugin, and their rules as the first has them. */
async function imitateCrowd(
  { conflist, attaching, crowd }: { conflist: Conflist; attaching: Attaching; crowd: readonly Attachment[] },
  context: Context,
): Promise<void> {
  const [first, ...others] = crowd;
  if (first === undefined) return;
  const { network } = conflist;
  const before = await saveRules(network.host);
  const added = await network.host.call(attaching.toAdd(first));
  const bare = attachingOf({ ...network, ipMasq: false });
  const outcomes = await attachCrowd({ attaching: bare, crowd: others }, context);
  const to = others.flatMap((attachment, at) => {
    const outcome = outcomes[at];
    return outcome === undefined ? [] : [{ attachment, added: outcome }];
  });
  await copyRules(network.host, { before, pattern: { attachment: first, added }, to });
}
