import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const systemPath = '/usr/sbin:/usr/bin:/sbin:/bin';

/** `ip`, `bridge` and `nft` behind wrappers that note each call, for a process that lives longer than a test waits. */
export class CountedTools {
  readonly #dir: string;

  /** @param dir where the wrappers are to be */
  constructor(dir: string) {
    this.#dir = dir;
    mkdirSync(dir);
    for (const tool of ['ip', 'bridge', 'nft']) {
      writeFileSync(`${dir}/${tool}`, wrapper(dir, tool));
      chmodSync(`${dir}/${tool}`, 0o755);
    }
  }

  /** Has what is started meanwhile find the wrappers first. */
  async during<T>(start: () => Promise<T>): Promise<T> {
    const { PATH } = process.env;
    process.env.PATH = `${this.#dir}:${PATH}`;
    try {
      return await start();
    } finally {
      process.env.PATH = PATH;
    }
  }

  /** The calls since they were forgotten last. */
  get calls(): readonly string[] {
    return existsSync(this.#file) ? readFileSync(this.#file, 'utf8').trim().split('\n') : [];
  }

  /** Begins to count anew when there has been no call for a second. */
  async forget(): Promise<void> {
    for (let before = -1; before < this.calls.length; await sleep(1_000)) before = this.calls.length;
    rmSync(this.#file, { force: true });
  }

  get #file(): string {
    return `${this.#dir}/calls`;
  }
}

/** A short line is appended whole, whoever else writes. */
function wrapper(dir: string, tool: string): string {
  return `#!/bin/sh\necho "${tool} $*" >> ${dir}/calls\nPATH=${systemPath} exec ${tool} "$@"\n`;
}
