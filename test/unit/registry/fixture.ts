import type { Plugin } from '../../../lib/cni/dispatch.ts';
import { parseResult } from '../../../lib/cni/result-parse.ts';
import type { Command, Outcome } from '../../../lib/exec/command.ts';
import type { TellingParts } from '../../../lib/registry/outside/outside.ts';
import type { Store } from '../../../lib/registry/store.ts';
import { type StoreTrouble, storeFailure } from '../../../lib/registry/store-failure.ts';
import { withRegistry } from '../../../lib/registry/with-registry.ts';
import { addEnvironment, toCall } from '../../support/calls.ts';
import { temporaryStore } from '../../support/registrations.ts';
import { scriptMachine } from '../../support/scripted-machine.ts';

export const ip = { address: '10.1.0.2/24', gateway: '10.1.0.1' };
export const ip6 = { address: 'fd00::2/64', gateway: 'fd00::1' };
const bootProc = { '/proc/sys/kernel/random/boot_id': 'boot-of-tests' };

type FixtureOptions = {
  readonly broken?: unknown;
  readonly completes?: boolean;
  /** How the process ends that is to deliver to mirrors. */
  readonly deliver?: (command: Command, store: Store) => Partial<Outcome>;
  /** Instead of sleeping. */
  readonly sleep?: (store: Store) => void;
};

/**
 * A plugin that attaches nothing, over a real store. `broken` is what opening the store throws, `failing` what the plugin
 * throws by its verbs, `namesAt` how many instances there were when the plugin was last called,
 * `delivered` the processes that were to deliver to mirrors.
 */
export function createFixture({ broken, completes = false, deliver, sleep }: FixtureOptions = {}) {
  const temporary = temporaryStore();
  const calls: string[] = [];
  const warnings: string[] = [];
  const delivered: Command[] = [];
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
  const parts: TellingParts = {
    machine: {
      ...scriptMachine({
        proc: bootProc,
        answer: (command) => {
          delivered.push(command);
          return deliver?.(command, temporary.store);
        },
      }),
      sleep: () => sleep?.(temporary.store),
    },
    openStore: (): Store => {
      if (broken !== undefined) throw broken;
      return temporary.store;
    },
    warn: (message) => warnings.push(message),
    executable: '/opt/cni/bin/bridge',
    nowUs: () => nowUs++,
  };
  const wrapped = withRegistry(plugin, parts, { completes });
  return { ...temporary, plugin: wrapped, calls, namesAt, warnings, failing, delivered };
}

export const key = { network: 'net', containerId: 'c1', ifName: 'eth0' };
export const callOf = (conf: object = {}, args = '') => toCall(conf, addEnvironment({ CNI_ARGS: args }));
export const withResult = (...ips: readonly object[]) => ({ prevResult: { cniVersion: '1.1.0', ips } });
export const broken = (trouble: StoreTrouble) => storeFailure('/r.db', trouble, 'it happened');
