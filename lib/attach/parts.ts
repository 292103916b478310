import type { Capability } from '../capability/capability.ts';
import type { SelectIpam } from '../cni/ipam.ts';
import type { RulesParts } from '../rules/remove-rules.ts';

/** What a verb of a plugin works with that attaches containers. */
export type AttachParts = RulesParts & {
  readonly selectIpam: SelectIpam;
  /** What a configuration may ask for beside attaching. */
  readonly capabilities: readonly Capability[];
};
