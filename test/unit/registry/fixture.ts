import type { Plugin } from '../../../lib/cni/dispatch.ts';
import { parseResult } from '../../../lib/cni/result-parse.ts';
import type { RegistrarParts } from '../../../lib/registry/registrar.ts';
import type { Store } from '../../../lib/registry/store.ts';
import { type StoreTrouble, storeFailure } from '../../../lib/registry/store-failure.ts';
import { withRegistry } from '../../../lib/registry/with-registry.ts';
import { addEnvironment, toCall } from '../../support/calls.ts';
import { temporaryStore } from '../../support/registrations.ts';
import { scriptMachine } from '../../support/scripted-machine.ts';

export const ip = { address: '10.1.0.2/24', gateway: '10.1.0.1' };
export const ip6 = { address: 'fd00::2/64', gateway: 'fd00::1' };
const bootProc = { '/proc/sys/kernel/random/boot_id': 'boot-of-tests' };

/**
 * A plugin that attaches nothing, over a real store. `broken` is what opening the store throws, `failing` what the plugin
 * throws by its verbs, `namesAt` how many instances there were when the plugin was last called.
 */
export function createFixture({ broken, completes = false }: { broken?: unknown; completes?: boolean } = {}) {
  const temporary = temporaryStore();
  const calls: string[] = [];
  const warnings: string[] = [];
  const failing = new Map<string, unknown>();
  const namesAt = new Map<string, number>();
  const note = (verb: string) => {
    calls.push(verb);
    if (broken === undefined) namesAt.set(verb, temporary.store.instances().length);
    if (failing.has(verb)) throw failing.get(verb);
  };
  const plugin: Plugin = {
    name: 'bridge',
    add: ({ conf }) => {
      note('add');
      return conf.prevResult() ?? parseResult({ ips: [ip] }, 'result', '1.1.0');
    },
    del: () => note('del'),
    check: () => note('check'),
    gc: () => note('gc'),
    status: () => note('status'),
  };
  let nowUs = 1_000_000;
  const parts: RegistrarParts = {
    machine: scriptMachine({ proc: bootProc }),
    openStore: (): Store => {
      if (broken !== undefined) throw broken;
      return temporary.store;
    },
    warn: (message) => warnings.push(message),
    nowUs: () => nowUs++,
  };
  const wrapped = withRegistry(plugin, parts, { completes });
  return { ...temporary, plugin: wrapped, calls, namesAt, warnings, failing };
}

export const key = { network: 'net', containerId: 'c1', ifName: 'eth0' };
export const callOf = (conf: object = {}, args = '') => toCall(conf, addEnvironment({ CNI_ARGS: args }));
export const withResult = (...ips: readonly object[]) => ({ prevResult: { cniVersion: '1.1.0', ips } });
export const broken = (trouble: StoreTrouble) => storeFailure('/r.db', trouble, 'it happened');
