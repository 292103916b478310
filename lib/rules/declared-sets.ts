import { admissionShared } from '../firewall/admission.ts';
import { crossingRules, routedRules } from '../firewall/isolation.ts';
import type { AddSet } from '../nft/operation.ts';
import { sharedRules } from '../portmap/shared.ts';
import { spoofCheckShared } from '../spoofcheck/spoofcheck.ts';

/** All sets and maps that attachments have elements in, as the rules that make them declare them. */
export const declaredSets: readonly AddSet[] = [
  ...sharedRules,
  ...admissionShared,
  ...routedRules,
  ...crossingRules,
  ...spoofCheckShared,
].filter((rule) => rule.kind === 'add-set');
