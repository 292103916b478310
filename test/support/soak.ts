import { existsSync, readdirSync } from 'node:fs';
import { expect, type TestContext } from 'vitest';
import { executablesDir } from './binaries.ts';
import { processesIn } from './call-place-processes.ts';
import { bridgeConf } from './confs.ts';
import { leftovers, nothing } from './leftovers.ts';
import type { ResidentHost } from './resident-host.ts';
import type { Conf, Rig } from './rig.ts';
import { openRegistry } from './rig-registry.ts';
import { requirePrograms, skipUnless } from './skip.ts';
import { until } from './until.ts';

/** Skips a test where there is no client, or nobody to call it. */
export async function requireSoakParts(context: TestContext): Promise<void> {
  skipUnless(
    context,
    existsSync(`${executablesDir}/fairlead-client`),
    'the build has no client: there was no C compiler',
  );
  await requirePrograms(context, 'python3');
}

/** A container has rules of all kinds, and a host port of its own. Addresses are soon used again. */
export function soakConf(rig: Rig): Conf {
  return bridgeConf(rig, {
    ipMasq: true,
    macspoofchk: true,
    ipspoofchk: true,
    capabilities: { portMappings: true },
    registry: { store: rig.store },
  });
}

/** Of attachments, of agents and of workers. */
export async function expectNothingLeft({ rig, place, runDir }: ResidentHost): Promise<void> {
  await until(
    () => processesIn(place).length === 0,
    'all processes to end: ',
    () => processesIn(place).join('\n'),
  );
  await until(
    async () => JSON.stringify(await leftovers(rig)) === JSON.stringify(nothing),
    'links to go',
  ).catch(() => undefined);
  expect(await leftovers(rig)).toEqual(nothing);
  expect(recordedRules(runDir)).toEqual([]);
  expect(readdirSync(runDir).filter((name) => !knownFiles.includes(name))).toEqual([]);
  using store = openRegistry(rig.store);
  store.verify();
  expect([store.instances(), store.attachments()]).toEqual([[], []]);
}

/** What may be there without an agent. */
const knownFiles = ['cni.lock', 'cni.fallbacks', 'rules'];

/** Of attachments; what a network's containers share stays with the network, as its bridge does. */
function recordedRules(runDir: string): readonly string[] {
  return readdirSync(`${runDir}/rules`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('shared.'))
    .map(({ name }) => name);
}
