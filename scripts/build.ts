import { createHash } from 'node:crypto';
import {
  appendFile,
  chmod,
  copyFile,
  glob,
  link,
  mkdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { build, type Plugin } from 'esbuild';
import { execa } from 'execa';
import { buildIdLength } from '../lib/exec/build.ts';
import { clientName } from '../lib/install/client.ts';
import { renderClientEnd, renderEnd } from '../lib/install/installed-build.ts';
import { pluginNames } from '../lib/install/names.ts';
import { startFlags } from './start-flags.ts';

// Makes dist/bin/fairlead, a Node single-executable application, a hard link to it for each plugin, the client of the
// agent and dist/client.

const out = 'dist/bin';
const work = 'dist/build';
const residentClient = 'plugins/resident/client.c';
const placeholder = 'f'.repeat(buildIdLength);

/**
 * One CommonJS file: of the forms that Node takes, the fastest to load. The id is a hash of what it is made from, so
 * the same source with the same Node gives the same id.
 */
async function bundle(): Promise<{ id: string; version: string }> {
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
  const outfile = `${work}/fairlead.cjs`;
  await build({
    entryPoints: ['plugins/main.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node26',
    minifyWhitespace: true,
    minifyIdentifiers: true,
    // Its third part, of the syntax, inlines what is used once: of a `using` declaration nothing remains but the value.
    minifySyntax: false,
    legalComments: 'none',
    // proper-lockfile's graceful-fs queues asynchronous calls when descriptors run out; its synchronous calls, the
    // only ones used, are those of node:fs, and loading it costs every ADD 1 ms.
    alias: { 'graceful-fs': 'node:fs' },
    plugins: [withoutSignalHandlers],
    define: {
      __FAIRLEAD_BUILD__: JSON.stringify(placeholder),
      __FAIRLEAD_VERSION__: JSON.stringify(version),
    },
  });
  const text = await readFile(outfile, 'utf8');
  const id = createHash('sha256')
    .update(process.versions.node)
    .update(text)
    .update(await readFile(residentClient))
    .digest('hex')
    .slice(0, buildIdLength);
  await writeFile(outfile, text.replaceAll(placeholder, id));
  return { id, version };
}

/**
 * proper-lockfile would remove its locks on SIGTERM. A plugin works synchronously, where a JavaScript handler only
 * delays the signal; and the lock of a process that was ended is stale after 2 s anyway.
 */
const withoutSignalHandlers: Plugin = {
  name: 'without-signal-handlers',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^signal-exit$/ }, ({ path, importer }) =>
      importer.includes('/proper-lockfile/') ? { path, namespace: 'no-handlers' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'no-handlers' }, () => ({
      contents: 'module.exports = () => () => {};',
    }));
  },
};

/** Before the injection: afterwards strip would take the application away, too. */
async function stripNode(): Promise<void> {
  await copyFile(process.execPath, `${work}/node`);
  await chmod(`${work}/node`, 0o755);
  const { failed } = await execa('strip', [`${work}/node`], { reject: false });
  if (failed)
    console.error(
      'strip is not installed (package binutils): the executable will be 30 MB larger than need be',
    );
}

/**
 * With a startup snapshot rather than a code cache: the cache holds what was compiled before anything ran, the
 * snapshot what the warm-up has compiled. Measured: 7 ms less for an ADD, although an empty one starts 2 ms later.
 */
async function inject(): Promise<void> {
  const config = `${work}/sea.json`;
  await writeFile(
    config,
    JSON.stringify({
      main: `${work}/fairlead.cjs`,
      executable: `${work}/node`,
      output: `${work}/fairlead`,
      disableExperimentalSEAWarning: true,
      useSnapshot: true,
      // A runtime's NODE_OPTIONS must not run code in a plugin; a runtime gives no arguments, by which the agent has its own.
      execArgvExtension: 'cli',
      execArgv: startFlags,
    }),
  );
  await execa(process.execPath, ['--build-sea', config]);
}

async function finish(built: { id: string; version: string }): Promise<void> {
  await appendFile(`${work}/fairlead`, renderEnd(built));
  await chmod(`${work}/fairlead`, 0o755);
  await rename(`${work}/fairlead`, `${out}/fairlead`);
  for (const name of pluginNames) await link(`${out}/fairlead`, `${out}/${name}`);
}

/**
 * dist/bin/fairlead-client: static, so that its start loads nothing. The C compiler need not be there, nor be able to link
 * statically.
 */
async function buildResidentClient(built: { id: string; version: string }): Promise<void> {
  const output = `${work}/${clientName}`;
  const id = `-DBUILD_ID="${built.id}"`;
  const args = ['-std=c11', '-Os', '-static', '-s', '-Wl,--build-id=none', id, '-o', output, residentClient];
  const { failed, code, stderr } = await execa('cc', args, { reject: false });
  if (failed) {
    const reason = code === 'ENOENT' ? 'no C compiler (cc)' : `cc: ${`${stderr}`.split('\n')[0]}`;
    console.error(`${reason}: no ${clientName} is built; the executables are complete without it`);
    return;
  }
  await appendFile(output, renderClientEnd(built));
  await rename(output, `${out}/${clientName}`);
}

/**
 * dist/client: the client for programs in TypeScript and JavaScript. The compiler rewrites what files import from each
 * other, but not in declarations.
 */
async function buildClient(): Promise<void> {
  await execa('tsc', ['--project', 'scripts/tsconfig.client.json']);
  for await (const path of glob('dist/client/**/*.d.ts')) {
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replaceAll(/(from '\.[^']*)\.ts'/g, "$1.js'"));
  }
}

const startedAt = performance.now();
await rm('dist', { recursive: true, force: true });
await mkdir(out, { recursive: true });
await mkdir(work, { recursive: true });
const built = await bundle();
await stripNode();
await inject();
await Promise.all([finish(built), buildResidentClient(built), buildClient()]);
await rm(work, { recursive: true });
const { size } = await stat(`${out}/fairlead`);
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
console.log(
  `dist/bin/fairlead: ${(size / 1e6).toFixed(0)} MB, build ${built.id.slice(0, 12)}, Node ${process.versions.node}, in ${seconds} s`,
);
