import { additionsAt, openCapabilities } from '../capability/additions.ts';
import { endpointOf } from '../capability/endpoint.ts';
import type { AttachmentCall } from '../cni/dispatch.ts';
import type { Result } from '../cni/result.ts';
import { checkRules } from '../rules/check-rules.ts';
import { isWithoutRules } from '../rules/rules.ts';
import type { AttachParts } from './parts.ts';

/**
 * CHECK of what an attachment of ours has beside its link: rules, and what the capabilities have made.
 * @param hasFilters whether the network itself needs rules for what it has leased
 * @throws CniError code 999 naming the first thing that is not as ADD left it
 */
export function checkAdditions(
  call: AttachmentCall,
  result: Result,
  hasFilters: boolean,
  parts: AttachParts & { readonly kind: { readonly name: string } },
): void {
  const { conf, attachment } = call;
  const { machine } = parts;
  const endpoint = endpointOf(conf.name, attachment, result);
  const wanted = openCapabilities(call, parts.capabilities);
  const isExpected = hasFilters || !isWithoutRules(additionsAt(wanted, endpoint, machine).rules);
  const owner = { ...attachment, network: conf.name, plugin: parts.kind.name };
  for (const { check } of wanted) check(endpoint, machine);
  checkRules({ owner, isExpected }, parts);
}
