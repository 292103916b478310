import { readFileSync } from 'node:fs';
import { ifExists } from '../../errors/system-error.ts';
import { replaceFile } from '../../files/replace-file.ts';
import { formatCidr, parseCidr } from '../../net/cidr.ts';
import type { Subnets } from '../lease/lease.ts';

/**
 * The subnets that this host had last, maybe before a boot. A file that is damaged costs no more than the preference for
 * a subnet, so it counts as none.
 */
export function readRemembered(path: string): Subnets {
  try {
    const { subnets }: { subnets?: unknown } = JSON.parse(ifExists(() => readFileSync(path, 'utf8')) ?? '{}');
    return toSubnets(Array.isArray(subnets) ? subnets : []);
  } catch {
    return {};
  }
}

function toSubnets(texts: readonly unknown[]): Subnets {
  const parsed = texts.map((text) => parseCidr(String(text))).filter((cidr) => cidr !== undefined);
  return Object.fromEntries(parsed.map((cidr) => [cidr.address.family, cidr]));
}

/**
 * Appears whole or not at all.
 * @throws CniError code 5
 */
export function writeRemembered(path: string, subnets: Subnets): void {
  const text = `${JSON.stringify({ subnets: Object.values(subnets).map(formatCidr) })}\n`;
  replaceFile({ path, text, mode: 0o644 }, `overlay.stateFile: writing ${path}`);
}
