import { openCapabilities } from '../capability/additions.ts';
import { endpointOf } from '../capability/endpoint.ts';
import type { AttachmentCall } from '../cni/dispatch.ts';
import type { Result } from '../cni/result.ts';
import { checkRules } from '../rules/check-rules.ts';
import type { AttachParts } from './parts.ts';

/**
 * CHECK of what an attachment of ours has beside its link: rules, and what the capabilities have made.
 * @throws CniError code 999 naming the first thing that is not as ADD left it
 */
export function checkAdditions(
  call: AttachmentCall,
  result: Result,
  parts: AttachParts & { readonly kind: { readonly name: string } },
): void {
  const { conf, attachment } = call;
  checkRules({ ...attachment, network: conf.name, plugin: parts.kind.name }, parts);
  const endpoint = endpointOf(conf.name, attachment, result);
  for (const { check } of openCapabilities(call, parts.capabilities)) check(endpoint, parts.machine);
}
