import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Outcome } from '../../lib/exec/command.ts';
import type { CniResult } from './rig.ts';
import type { RuntimeHost } from './runtime-host.ts';

/** Where the example configurations are, one for each runtime and each main plugin. */
export const conflistsDir = resolve(import.meta.dirname, '../../scripts/conflists');

/** The names of all example configurations' files. */
export function exampleConflists(): readonly string[] {
  return readdirSync(conflistsDir).filter((name) => /\.conf(list)?$/.test(name));
}

/** An example as its runtime reads it; what tests look at. */
export type Example = { readonly file: string; readonly name: string; readonly cniVersion: string };

export function readExample(fileName: string): Example {
  const file = `${conflistsDir}/${fileName}`;
  return { ...(JSON.parse(readFileSync(file, 'utf8')) as Omit<Example, 'file'>), file };
}

/** cnitool on a host, for one network. */
export type HostCnitool = (verb: string, container: string, capabilities?: object) => Promise<Outcome>;

export function createHostCnitool(host: RuntimeHost, binary: string, network: string): HostCnitool {
  return (verb, container, capabilities = {}) =>
    host.run([binary, verb, network, `/run/netns/${container}`], {
      env: {
        NETCONFPATH: '/etc/cni/net.d',
        CNI_PATH: '/opt/cni/bin',
        CAP_ARGS: JSON.stringify(capabilities),
      },
    });
}

/** The first address of a result, in any version of the specification, without its length. */
export function firstAddress(result: CniResult): string {
  const address = result.ips?.[0]?.address ?? result.ip4?.ip ?? '';
  return address.split('/')[0] ?? '';
}
