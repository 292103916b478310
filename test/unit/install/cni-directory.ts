import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { type InstallRequest, install } from '../../../lib/install/install.ts';
import { renderClientEnd, renderEnd } from '../../../lib/install/installed-build.ts';
import { installedNames } from '../../../lib/install/names.ts';
import { uninstall } from '../../../lib/install/uninstall.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/** How the lock of a directory is waited for: nobody else has it. */
const wait = { sleep: () => undefined, patienceMs: 0 };

/** A CNI directory of a test's own, and executables beside it: a few bytes that end as a build of ours does. */
export class CniDirectory implements Disposable {
  readonly #parent = temporaryDirectory();
  readonly dir = `${this.#parent.path}/bin`;

  constructor() {
    mkdirSync(this.dir);
  }

  /** An executable of ours. @returns its path */
  executable(version: string, text = `program ${version} `): string {
    const path = `${this.#parent.path}/fairlead-${version}`;
    writeFileSync(path, text + renderEnd({ id: idOf(version), version }));
    return path;
  }

  /** The client of that version. @returns its path */
  client(version: string): string {
    const path = `${this.#parent.path}/client-${version}`;
    writeFileSync(path, `client ${version} ${renderClientEnd({ id: idOf(version), version })}`);
    return path;
  }

  /** A plugin of somebody else. */
  foreign(name: string, text = `foreign ${name}`): void {
    writeFileSync(this.path(name), text);
    chmodSync(this.path(name), 0o755);
  }

  path(name: string): string {
    return `${this.dir}/${name}`;
  }

  install(
    executable: string,
    wish: Partial<InstallRequest['wish'] & { isDryRun: boolean; client: string }> = {},
  ) {
    const { isDryRun = false, client, ...rest } = wish;
    return install(
      {
        dir: this.dir,
        executable,
        client,
        wish: { names: installedNames, replace: false, force: false, ...rest },
        isDryRun,
      },
      wait,
    );
  }

  uninstall(isDryRun = false) {
    return uninstall({ dir: this.dir, isDryRun }, wait);
  }

  /** All that is in it, hidden files too: name → content, a link's target, or what is in a directory. */
  content(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      readdirSync(this.dir, { recursive: true, encoding: 'utf8' })
        .sort()
        .map((name) => [name, describe(this.path(name))]),
    );
  }

  /** How many files our names are links to. */
  copies(): number {
    const present = installedNames.filter((name) => existsSync(this.path(name)));
    return new Set(present.map((name) => lstatSync(this.path(name)).ino)).size;
  }

  [Symbol.dispose](): void {
    this.#parent[Symbol.dispose]();
  }
}

function describe(path: string): string {
  const stats = lstatSync(path);
  if (stats.isSymbolicLink()) return `-> ${readlinkSync(path)}`;
  return stats.isDirectory() ? '(directory)' : readFileSync(path, 'utf8');
}

/** The build id of the executables of a version. */
export function idOf(version: string): string {
  return Buffer.from(version).toString('hex').padEnd(32, '0').slice(0, 32);
}
