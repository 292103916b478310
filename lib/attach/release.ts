import type { Capability } from '../capability/capability.ts';
import type { AttachmentCall } from '../cni/dispatch.ts';
import type { Ipam } from '../cni/ipam.ts';
import { type CleanupStep, failuresOf, throwCollected } from '../errors/collect.ts';
import { hasInterface } from '../exec/machine.ts';
import { type RulesParts, removeRules } from '../rules/remove-rules.ts';
import { releaseForeign } from '../takeover/foreign.ts';
import { detach, isAttached } from './detach.ts';
import { ownHostEnd } from './host-end.ts';

/** What an attachment is released from. */
export type Holding = {
  readonly ipam: () => Ipam | undefined;
  /** What IPAM is told, whose attachment is the plugin's. */
  readonly ipamCall: AttachmentCall;
  /** The name of the plugin. */
  readonly plugin: string;
  readonly capabilities: readonly Capability[];
};

/**
 * Takes an attachment away: rules and link, then the lease. Needs no namespace, no CNI_ARGS and no previous result, and
 * succeeds where nothing is left. A lease is kept while its link cannot be removed: the address is still in use.
 * @throws CniError after having done all that could be done
 */
export function release(holding: Holding, parts: RulesParts): void {
  const { ipam, ipamCall } = holding;
  const { attachment } = ipamCall;
  const failures = detach(attachment, stepsOf(holding, parts), parts.machine);
  const mayRelease = failures.length === 0 || !isAttached(attachment, parts.machine);
  throwCollected([...failures, ...(mayRelease ? failuresOf(() => ipam()?.del(ipamCall)) : [])]);
}

function stepsOf(holding: Holding, parts: RulesParts): readonly CleanupStep[] {
  const { ipamCall, capabilities } = holding;
  const isOurs = hasInterface(parts.machine, ownHostEnd(ipamCall));
  return [
    { doing: 'removing rules', run: () => removeAllRules(holding, isOurs, parts) },
    ...capabilities.map(({ name, release: releaseIts }) => ({
      doing: `removing what ${name} has made`,
      run: () => releaseIts(ipamCall, parts.machine),
    })),
  ];
}

/** What we have neither recorded nor attached may be of the reference's plugins. */
function removeAllRules(
  { ipamCall, plugin, capabilities }: Holding,
  isOurs: boolean,
  parts: RulesParts,
): void {
  const { conf, attachment } = ipamCall;
  const owner = { ...attachment, network: conf.name, plugin };
  if (removeRules(owner, parts) || isOurs) return;
  const kinds = [
    'masquerade',
    'spoofcheck',
    ...capabilities.flatMap(({ foreign }) => foreign ?? []),
  ] as const;
  releaseForeign(ipamCall, kinds, parts.machine);
}
