import { hash64 } from '../net/hash.ts';
import { defaultNamespace } from '../registry/instance.ts';
import { isLabel, toHashedLabel, toLabel } from '../registry/label.ts';
import type { ServiceKey } from '../registry/view.ts';

/**
 * The name of a service where a registry has but one level of names: `web`, and `web--shop` for the namespace `shop`; a DNS
 * label. No two services have the same one: who may write the one must not join the other.
 */
export function outsideName({ namespace, service }: ServiceKey): string {
  const name = namespace === defaultNamespace ? service : `${service}--${namespace}`;
  const isPlain = ![service, namespace].some((label) => label.includes('--'));
  return isPlain && isLabel(name) ? name : toDistinctLabel(`${service}/${namespace}`);
}

/**
 * The label here of a service that others have written: its own name where that is one. Any other name's ends with a hash, by
 * which the API finds it, and a name that looks like such a label is no exception.
 */
export function toForeignLabel(name: string): string {
  return isLabel(name) && !/-[0-9a-f]{8}$/.test(name) ? name : toHashedLabel(name);
}

/** What is left of a label before three hyphens and 16 hex digits. */
const longestReadable = 44;

/** Three hyphens stand in no other name: labels neither begin nor end with one, and services that have two come here. */
function toDistinctLabel(name: string): string {
  const readable = toLabel(name).replace(/-+/g, '-').slice(0, longestReadable).replace(/-$/, '');
  return `${readable}---${hash64(name)}`;
}
