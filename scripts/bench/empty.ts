import { chmod, copyFile, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { startFlags } from '../start-flags.ts';
import { createSeries, type Series } from './alternate.ts';
import { toolPath } from './call.ts';
import type { Rig } from './rig.ts';

/** Executables that do nothing: what every call of ours pays before it begins. */
export type Empties = {
  /** The least that a single executable can be. */
  readonly bare: string;
  /** One that starts from a snapshot, as ours does. */
  readonly snapshot: string;
};

const mains = {
  bare: 'process.reallyExit(0);',
  snapshot: "require('node:v8').startupSnapshot.setDeserializeMainFunction(() => process.reallyExit(0));",
};

/** Builds both from the stripped Node that runs this, with the settings of scripts/build.ts. */
export async function buildEmpties(dir: string): Promise<Empties> {
  await copyFile(process.execPath, `${dir}/node`);
  await chmod(`${dir}/node`, 0o755);
  // Without strip (package binutils) the project's build leaves its executable unstripped, too.
  await execa('strip', [`${dir}/node`], { reject: false });
  return { bare: await buildEmpty(dir, 'bare'), snapshot: await buildEmpty(dir, 'snapshot') };
}

async function buildEmpty(dir: string, kind: keyof Empties): Promise<string> {
  const output = `${dir}/empty-${kind}`;
  await writeFile(`${output}.cjs`, mains[kind]);
  const config = {
    main: `${output}.cjs`,
    executable: `${dir}/node`,
    output,
    disableExperimentalSEAWarning: true,
    useSnapshot: kind === 'snapshot',
    execArgvExtension: 'none',
    execArgv: kind === 'snapshot' ? startFlags : ['--no-warnings'],
  };
  await writeFile(`${output}.json`, JSON.stringify(config));
  await execa(process.execPath, ['--build-sea', `${output}.json`]);
  await chmod(output, 0o755);
  return output;
}

/** Calls of an executable, in milliseconds. */
export async function createCalls(rig: Rig, file: string): Promise<Series<number>> {
  const host = await rig.host();
  return createSeries(async () => (await host.call({ file, env: { PATH: toolPath }, stdin: '' })).tookMs);
}
