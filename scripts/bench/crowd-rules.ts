import { createHash } from 'node:crypto';
import { inside, must, mustInside } from '../../test/support/process.ts';
import { addressesOf, type Outcome } from './call.ts';
import { hostPortOf, mappedPorts } from './conflist.ts';
import type { Host } from './host.ts';
import type { Attachment } from './network.ts';

/** A container, and where it is. */
export type Attached = { readonly attachment: Attachment; readonly added: Outcome };

/**
 * Gives containers that have but their interfaces the iptables rules of one that the reference's plugins have attached
 * whole, all at once: by the plugins themselves it would take minutes, for each of them reads all rules.
 * @param before the rules without that one, as `saveRules` answers them
 */
export async function copyRules(
  host: Host,
  { before, pattern, to }: { before: readonly string[]; pattern: Attached; to: readonly Attached[] },
): Promise<void> {
  const known = new Set(before);
  const added = (await saveRules(host)).filter((line) => !known.has(line));
  const own = ownChains(added);
  const copied = to.flatMap((each) => added.map((line) => copyLine(line, { own, pattern, to: each })));
  const text = ['*nat', ...copied.filter(isChain), ...copied.filter((line) => !isChain(line)), 'COMMIT', ''];
  await must('nsenter', inside(host.name, 'iptables-restore', '--noflush'), text.join('\n'));
}

/** The chains and rules of a host's NAT table. */
export async function saveRules({ name }: Host): Promise<readonly string[]> {
  const lines = (await mustInside(name, 'iptables-save', '-t', 'nat')).split('\n');
  return lines.filter((line) => isChain(line) || line.startsWith('-A '));
}

function isChain(line: string): boolean {
  return line.startsWith(':');
}

function ownChains(added: readonly string[]): readonly string[] {
  return added.filter(isChain).flatMap((line) => /^:(\S+)/.exec(line)?.[1] ?? []);
}

type Copy = { readonly own: readonly string[]; readonly pattern: Attached; readonly to: Attached };

function copyLine(line: string, { own, pattern, to }: Copy): string {
  const replacements = [
    [pattern.attachment.containerId, to.attachment.containerId],
    [addressOf(pattern), addressOf(to)],
    ...mappedPorts.map((_, offset) => [portOf(pattern, offset), portOf(to, offset)]),
    ...own.map((chain) => [chain, renamed(chain, to)]),
  ].map(([from = '', by = '']) => [from, by] as const);
  // In one pass: what stands for one of them is not to be taken for another.
  const words = new Map(replacements);
  return line.replace(/[\w.-]+/g, (word) => words.get(word) ?? word);
}

function addressOf({ added }: Attached): string {
  return addressesOf(added)[0] ?? '';
}

function portOf({ attachment }: Attached, offset: number): string {
  return String(hostPortOf(attachment) + offset);
}

/** As long as it was: the hash at its end is another. */
function renamed(chain: string, { attachment }: Attached): string {
  const [, head = '', hash = ''] = /^(.*-)([0-9a-f]+)$/.exec(chain) ?? [];
  const other = createHash('sha512').update(`${chain} ${attachment.containerId}`).digest('hex');
  return `${head}${other.slice(0, hash.length)}`;
}
