import type { Fields } from '../cni/fields.ts';
import { unexpected } from '../cni/fields.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import type { IfName } from '../net/ifname.ts';

/** A kernel setting of the container's network namespace. */
export type Sysctl = {
  /** As the configuration has it. */
  readonly name: string;
  /** Below /proc/sys/net; may hold the placeholder of the interface's name. */
  readonly path: string;
  readonly value: string;
};

/** Stands for the interface's name. */
const placeholder = 'IFNAME';

/**
 * The settings of a field `sysctl`, in its order. Names are in dots or in slashes; where a name begins with slashes its
 * dots are dots, so that an interface's name may have one.
 * @throws CniError code 7 for a name outside `net`, a value that is no line, or one setting under two names
 */
export function parseSysctls(fields: Fields): readonly Sysctl[] {
  const raw = fields.raw('sysctl') ?? {};
  const path = fields.at('sysctl');
  if (typeof raw !== 'object' || Array.isArray(raw))
    throw unexpected(path, 'an object of names and values', raw);
  const sysctls = Object.entries(raw).map(([name, value]) =>
    parseSysctl(name, value, `${path}[${JSON.stringify(name)}]`),
  );
  refuseTwice(sysctls, path);
  return sysctls;
}

/** The path below /proc/sys/net of a setting at an interface. */
export function sysctlPathAt({ path }: Sysctl, ifName: IfName): string {
  // A function: in a text, `$&` would have a meaning.
  return path.replace(placeholder, () => ifName);
}

function parseSysctl(name: string, value: unknown, at: string): Sysctl {
  const segments = splitName(name);
  if (segments[0] !== 'net' || segments.length < 3 || !segments.every(isSegment)) {
    throw unexpected(at, 'a name below net, such as net.ipv4.conf.IFNAME.arp_filter', name);
  }
  return { name, path: segments.slice(1).join('/'), value: parseValue(value, at) };
}

function splitName(name: string): readonly string[] {
  const isSlashed = /^[^.]*\//.test(name);
  return (isSlashed ? name : name.replaceAll('.', '/')).split('/');
}

/** One that is `.` or `..` would lead out of the directory. */
function isSegment(text: string): boolean {
  return /^[\w.:@+-]+$/.test(text) && !/^\.+$/.test(text);
}

function parseValue(value: unknown, at: string): string {
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text === 'string' && /^[\x20-\x7e\t]{1,1000}$/.test(text)) return text;
  throw unexpected(at, 'a number, or a text of one line', value);
}

function refuseTwice(sysctls: readonly Sysctl[], path: string): void {
  const names = new Map<string, string>();
  for (const sysctl of sysctls) {
    const other = names.get(sysctl.path);
    if (other !== undefined) {
      throw new CniError(
        ErrorCode.invalidConfig,
        `${path}: ${other} and ${sysctl.name} are the same setting; remove one of them`,
      );
    }
    names.set(sysctl.path, sysctl.name);
  }
}
