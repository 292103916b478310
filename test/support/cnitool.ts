import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { Outcome } from '../../lib/exec/command.ts';
import { run } from './process.ts';
import type { Conf, Rig } from './rig.ts';

const root = resolve(import.meta.dirname, '../..');
const cache = process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache`;
/** Where the demo keeps it, too. */
const directory = `${cache}/fairlead/cnitool-v1.3.0`;

/** Compiling takes half a minute, and longer where a Go must be fetched first. */
const compileTimeoutMs = 180_000;

/** The path of the CNI project's cnitool, compiled unless it is there; undefined where it cannot be had. */
export async function findCnitool(): Promise<string | undefined> {
  const script = `. scripts/setup.sh; arm_cleanups; need_cnitool ${directory}`;
  const { status } = await run({
    file: 'bash',
    args: ['-euo', 'pipefail', '-c', `cd ${root}; ${script}`],
    env: { PATH: process.env.PATH, HOME: homedir() },
    timeoutMs: compileTimeoutMs,
  });
  return status === 0 ? `${directory}/cnitool` : undefined;
}

/** What cnitool is told beside the conflist. */
export type CnitoolOptions = { readonly args?: string; readonly capabilities?: object };

/** cnitool with the rig's host as its host, one conflist, and a /var/lib/cni of the rig's own. */
export type Cnitool = {
  readonly call: (verb: string, container: string, options?: CnitoolOptions) => Promise<Outcome>;
  /** Where libcni keeps what it was answered. */
  readonly resultsDir: string;
};

export function createCnitool(rig: Rig, binary: string, plugins: readonly Conf[]): Cnitool {
  const [confDir, stateDir] = [`${rig.dir}/net.d`, `${rig.dir}/cni`];
  for (const dir of [confDir, stateDir]) mkdirSync(dir);
  writeFileSync(`${confDir}/10-net.conflist`, JSON.stringify({ cniVersion: '1.1.0', name: 'net', plugins }));
  // cnitool asks nobody where to keep its results: it gets a /var/lib of its own.
  rig.way.mount(`mount -t tmpfs tmpfs /var/lib; mkdir /var/lib/cni; mount --bind '${stateDir}' /var/lib/cni`);
  return {
    resultsDir: `${stateDir}/results`,
    call: async (verb, container, { args, capabilities } = {}) => {
      const entered = await rig.way.entering(binary);
      return run({
        ...entered,
        args: [...(entered.args ?? []), verb, 'net', `/run/netns/${container}`],
        env: {
          PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
          NETCONFPATH: confDir,
          CNI_PATH: rig.way.binDir,
          ...(args === undefined ? {} : { CNI_ARGS: args }),
          ...(capabilities === undefined ? {} : { CAP_ARGS: JSON.stringify(capabilities) }),
        },
      });
    },
  };
}
