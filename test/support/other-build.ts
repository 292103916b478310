import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { execa } from 'execa';
import { temporaryDirectory } from './temporary-directory.ts';

const root = resolve(import.meta.dirname, '../..');

/** What the build script reads, beside node_modules. */
const sources = ['package.json', 'tsconfig.json', 'plugins', 'ipam', 'lib', 'scripts'];

const patienceMs = 120_000;

/** Builds this tree's sources once more, as another version. The executables, and the client, go with the scope. */
export async function buildOther(version: string): Promise<{ readonly binDir: string } & Disposable> {
  using stack = new DisposableStack();
  const { path } = stack.use(temporaryDirectory());
  for (const name of sources) cpSync(`${root}/${name}`, `${path}/${name}`, { recursive: true });
  symlinkSync(`${root}/node_modules`, `${path}/node_modules`);
  const described = JSON.parse(readFileSync(`${path}/package.json`, 'utf8')) as object;
  writeFileSync(`${path}/package.json`, JSON.stringify({ ...described, version }));
  await execa('scripts/with-node', ['node', 'scripts/build.ts'], { cwd: path, timeout: patienceMs });
  const kept = stack.move();
  return { binDir: `${path}/dist/bin`, [Symbol.dispose]: () => kept.dispose() };
}
