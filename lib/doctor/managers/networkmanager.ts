import type { ConfigFile } from './config-files.ts';
import { isOfGlob } from './glob.ts';
import type { ManagedLink } from './managed-link.ts';
import { parseIni } from './parse-ini.ts';

/**
 * Whether NetworkManager is told to leave a link alone: NetworkManager.conf(5), "unmanaged-devices" and "Device List
 * Format".
 * @param files in the order in which it reads them
 */
export function isLeftToOthers(files: readonly ConfigFile[], link: ManagedLink): boolean {
  const specs = files
    .flatMap(({ text }) => parseIni(text))
    .filter(({ section, key }) => section === 'keyfile' && key === 'unmanaged-devices')
    .reduce<readonly string[]>((said, { adds, value }) => [...(adds ? said : []), ...value.split(/[;,]/)], [])
    .map((spec) => spec.trim());
  const exceptions = specs
    .filter((spec) => spec.startsWith('except:'))
    .map((spec) => spec.slice('except:'.length));
  return specs.some((spec) => isOf(spec, link)) && !exceptions.some((spec) => isOf(spec, link));
}

/** Those by MAC, bus or the like can be of no link that is made and removed all the time. */
function isOf(spec: string, { name, kind }: ManagedLink): boolean {
  const [, by, value = spec] = /^([a-z][a-z0-9-]*):(.*)$/.exec(spec) ?? [];
  if (spec === '*') return true;
  if (by === 'type' || by === 'driver') return isOfGlob(value, kind);
  if (by !== undefined && by !== 'interface-name') return false;
  if (value.startsWith('=')) return value.slice(1) === name;
  return isOfGlob(value.replace(/^~/, ''), name);
}
