import type { ConfigFile } from './config-files.ts';
import { isOfGlob } from './glob.ts';
import type { ManagedLink } from './managed-link.ts';
import { parseIni, type Setting } from './parse-ini.ts';

/** What systemd-networkd does with a link. */
export type Treatment =
  /** The first file that is for the link says so, or no file is for it. */
  { readonly kind: 'left' | 'unknown' } | { readonly kind: 'managed'; readonly path: string };

/** By the first file in the order of names that is for the link: systemd.network(5). */
export function treatmentOf(files: readonly ConfigFile[], link: ManagedLink): Treatment {
  const file = files
    .toSorted((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1))
    .map(({ path, text }) => ({ path, settings: parseIni(text) }))
    .find(({ settings }) => isFor(settings, link));
  if (file === undefined) return { kind: 'unknown' };
  const isLeft = lastOf(file.settings, 'Link', 'Unmanaged');
  return isTrue(isLeft) ? { kind: 'left' } : { kind: 'managed', path: file.path };
}

/** Whether it removes routes that it has not made: networkd.conf(5), which is so unless it is said otherwise. */
export function removesRoutes(files: readonly ConfigFile[]): boolean {
  const value = lastOf(
    files.flatMap(({ text }) => parseIni(text)),
    'Network',
    'ManageForeignRoutes',
  );
  return value === undefined || isTrue(value);
}

function nameOf({ path }: ConfigFile): string {
  return path.split('/').at(-1) ?? path;
}

function lastOf(settings: readonly Setting[], section: string, key: string): string | undefined {
  return settings.findLast((setting) => setting.section === section && setting.key === key)?.value;
}

function isTrue(value: string | undefined): boolean {
  return /^(1|yes|true|on|y|t)$/i.test(value ?? '');
}

/** All conditions have to hold; a file without any is for no link. */
function isFor(settings: readonly Setting[], link: ManagedLink): boolean {
  const conditions = settings.filter(({ section }) => section === 'Match');
  return conditions.length > 0 && conditions.every((condition) => holds(condition, link));
}

/** Of veth pairs, which are Ethernet, also that type; the others are types of their own. */
const types: Readonly<Record<string, string>> = { veth: 'ether' };

function holds({ key, value }: Setting, { name, kind }: ManagedLink): boolean {
  if (key === 'Name') return isOneOf(value, name);
  if (key === 'Kind' || key === 'Driver') return isOneOf(value, kind);
  if (key === 'Type') return isOneOf(value, types[kind] ?? kind);
  // Addresses, hosts and the like: not what a link is matched by that is made and removed all the time.
  return false;
}

function isOneOf(value: string, text: string): boolean {
  const isNot = value.startsWith('!');
  const patterns = (isNot ? value.slice(1) : value).split(/\s+/);
  return patterns.some((pattern) => isOfGlob(pattern, text)) !== isNot;
}
