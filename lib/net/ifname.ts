import { hash64 } from './hash.ts';

/** The name of a network interface, safe in a path below /proc/sys/net and in an `ip` or `nft` script. */
export type IfName = string & { readonly __brand: 'IfName' };

/** IFNAMSIZ of the kernel, less its closing zero, in bytes. */
const longestName = 15;

/**
 * Why a text cannot name an interface, or undefined where it can.
 * Stricter than the kernel: what `ip -batch` or `nft` would read as a quote, a comment or an escape is refused.
 */
export function ifNameProblem(text: string): string | undefined {
  if (text === '') return 'is empty';
  if (new TextEncoder().encode(text).length > longestName) return `is longer than ${longestName} bytes`;
  if (text === '.' || text === '..') return 'must not be . or ..';
  // Below /proc/sys/net these are no interfaces, and the kernel refuses links of these names.
  if (text === 'all' || text === 'default') return 'is reserved by the kernel';
  if (!/^[\x21-\x7e]+$/.test(text))
    return 'has white space, a control character or a character outside ASCII';
  const refused = /[/:#"'\\%*@]/.exec(text)?.[0];
  return refused === undefined ? undefined : `has the character ${refused}`;
}

/** Undefined where `ifNameProblem` finds one. */
export function parseIfName(text: string): IfName | undefined {
  return ifNameProblem(text) === undefined ? (text as IfName) : undefined;
}

/**
 * The host end of an attachment's veth pair: `veth` and 8 hex digits, derived, so that DEL needs no memory.
 * @param containerId CNI_CONTAINERID
 * @param ifName the interface's name inside the container
 */
export function hostVethName(containerId: string, ifName: IfName): IfName {
  return `veth${hash64(`${containerId}/${ifName}`).slice(0, 8)}` as IfName;
}
