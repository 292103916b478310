import { hash64 } from '../net/hash.ts';

/** Octets of one DNS label at most (RFC 1035, section 2.3.4). */
const longestLabel = 63;

/** Labels below the zone that have a meaning of their own; a network of such a name gets the hash. */
const reservedNetworks: ReadonlySet<string> = new Set(['svc', 'node', 'addr']);

/**
 * A name as one DNS label: lower case, everything but letters, digits and "-" becomes "-", what is too long is cut and
 * ends with a hash of the whole. Never empty.
 */
export function toLabel(name: string): string {
  const folded = name
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, '-')
    .replace(/^-+|-+$/g, '');
  if (folded === '') return `x-${shortHash(name)}`;
  return folded.length <= longestLabel ? folded : toHashedLabel(name);
}

/** The label of a name whose plain label another name has taken: cut, with a hash of the whole at its end. */
export function toHashedLabel(name: string): string {
  const hash = shortHash(name);
  const folded = name
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, '-')
    .replace(/^-+/g, '')
    .slice(0, longestLabel - hash.length - 1)
    .replace(/-+$/g, '');
  return `${folded === '' ? 'x' : folded}-${hash}`;
}

/** A network's label, which is never one of the zone's own. */
export function toNetworkLabel(network: string): string {
  const label = toLabel(network);
  return reservedNetworks.has(label) ? toHashedLabel(network) : label;
}

/**
 * What people call a container: an id of 32 hex digits or more is known by its first 12, with or without what a runtime
 * puts before it (`default-` of nerdctl); an id that somebody chose stays whole.
 */
export function shortContainerId(containerId: string): string {
  return /^(?:[\w.-]+-)?([0-9a-f]{12})[0-9a-f]{20,}$/.exec(containerId)?.[1] ?? containerId;
}

/** Whether a text is a DNS label as this registry writes them. */
export function isLabel(text: string): boolean {
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text);
}

function shortHash(text: string): string {
  return hash64(text).slice(0, 8);
}
