import { chmodSync, linkSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { expect } from 'vitest';
import { ifExists } from '../../lib/errors/system-error.ts';
import { renderHello } from '../../lib/resident/protocol.ts';
import { must } from './process.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** The build that the clients of these tests are of. */
export const buildId = '0123456789abcdef0123456789abcdef';

/** In place of the executable: tells how it was called, in parts that 0x01 separates. */
const standIn = `#include <stdio.h>
int main(int count, char **words, char **env) {
  for (int at = 0; at < count; at++) printf("%s%c", words[at], 0);
  putchar(1);
  for (; *env; env++) printf("%s%c", *env, 0);
  putchar(1);
  for (int byte; (byte = getchar()) != EOF;) putchar(byte);
  return 7;
}
`;

/** How the executable was called. */
export type Executed = {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly stdin: Buffer;
};

/** A call of the client; by default a DEL without anything on stdin. */
export type ClientCall = {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: Buffer | string;
  readonly cwd?: string;
  /** Words before the client's path: what changes something of its process, and executes it. */
  readonly prefix?: readonly string[];
  /** Instead of the client's path. */
  readonly file?: string;
};

/** How a call ended. */
export type ClientEnd = {
  readonly status: number | undefined;
  readonly stdout: Buffer;
  readonly stderr: string;
};

/**
 * A directory with a compiled client by a plugin's name, the stand-in beside it, and a mount namespace in which the
 * directory's run is /run.
 */
export class ClientStage implements AsyncDisposable {
  readonly #directory: ReturnType<typeof temporaryDirectory>;
  readonly #holder: Holder;

  private constructor(directory: ReturnType<typeof temporaryDirectory>, holder: Holder) {
    this.#directory = directory;
    this.#holder = holder;
  }

  static async open(): Promise<ClientStage> {
    const directory = temporaryDirectory();
    const { path } = directory;
    for (const name of ['bin', 'run', 'run/fairlead']) mkdirSync(`${path}/${name}`);
    for (const each of [path, `${path}/run/fairlead`]) chmodSync(each, 0o755);
    const id = `-DBUILD_ID="${buildId}"`;
    const source = 'plugins/resident/client.c';
    const warnings = ['-std=c11', '-Wall', '-Wextra', '-Wpedantic', '-Werror'];
    await must('cc', [...warnings, '-Os', '-static', id, '-o', `${path}/client`, source]);
    linkSync(`${path}/client`, `${path}/bin/bridge`);
    await must('cc', ['-x', 'c', '-o', `${path}/bin/fairlead`, '-'], standIn);
    return new ClientStage(directory, await holdNamespace(`${path}/run`));
  }

  get dir(): string {
    return this.#directory.path;
  }

  get socket(): string {
    return `${this.dir}/run/fairlead/cni.sock`;
  }

  /** What the client expects to be greeted with. */
  get hello(): string {
    const of = `/proc/${this.#holder.pid}`;
    return renderHello({
      buildId,
      netNamespace: identify(`${of}/ns/net`),
      mountNamespace: identify(`${of}/ns/mnt`),
      root: identify(`${of}/root/`),
    });
  }

  /** Starts a call; its process is the client's, which has entered the namespace before. */
  start({
    env = { CNI_COMMAND: 'DEL' },
    stdin = '',
    cwd = '/tmp',
    prefix = [],
    file = `${this.dir}/bin/bridge`,
  }: ClientCall) {
    const enter = [`--mount=/proc/${this.#holder.pid}/ns/mnt`, `--wdns=${cwd}`];
    return execa('nsenter', [...enter, ...prefix, file], {
      env: { PATH: process.env.PATH ?? '', ...env },
      extendEnv: false,
      input: Buffer.from(stdin),
      encoding: 'buffer',
      reject: false,
      maxBuffer: 1e9,
      stripFinalNewline: false,
      timeout: 25_000,
      killSignal: 'SIGKILL',
    });
  }

  async call(call: ClientCall = {}): Promise<ClientEnd> {
    const { exitCode, stdout, stderr } = await this.start(call);
    return { status: exitCode, stdout: Buffer.from(stdout), stderr: Buffer.from(stderr).toString() };
  }

  /** What clients have noted, without the time. */
  recorded(): readonly string[] {
    const text = ifExists(() => readFileSync(this.fallbacks, 'utf8')) ?? '';
    const lines = text.split('\n').slice(0, -1);
    return lines.map((line) => line.replace(/^[1-9]\d{9} /, ''));
  }

  get fallbacks(): string {
    return `${this.dir}/run/fairlead/cni.fallbacks`;
  }

  write(path: string, text: string): void {
    writeFileSync(`${this.dir}/${path}`, text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#holder.kill();
    await this.#holder.ended;
    this.#directory[Symbol.dispose]();
  }
}

/** A mount namespace with that directory in place of /run, which ends with its stdin: with us, whatever happens. */
async function holdNamespace(run: string) {
  const script = 'mount --bind "$1" /run && echo ready && read _';
  const args = ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', run];
  const holder = execa('unshare', args, { reject: false });
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once('data', () => resolve());
    holder.then(({ stderr }) => reject(new Error(`no mount namespace: ${stderr}`)));
  });
  return { pid: holder.pid ?? 0, ended: holder.then(() => undefined), kill: () => holder.kill() };
}

type Holder = Awaited<ReturnType<typeof holdNamespace>>;

/** @throws where it was not the stand-in that answered */
export function parseExecuted({ status, stdout }: ClientEnd): Executed {
  const args = stdout.indexOf(1);
  const env = stdout.indexOf(1, args + 1);
  if (status !== 7 || args < 0 || env < 0) throw new Error(`status ${status}: ${stdout.subarray(0, 300)}`);
  const words = (part: Buffer) => part.toString().split('\0').slice(0, -1);
  return {
    args: words(stdout.subarray(0, args)),
    env: words(stdout.subarray(args + 1, env)),
    stdin: stdout.subarray(env + 1),
  };
}

/** What the client prints for an error must be what `dispatch` would. */
export function expectError({ status, stdout }: ClientEnd, code: number, msg: RegExp): void {
  const answer = JSON.parse(stdout.toString());
  expect(answer).toEqual({ cniVersion: '1.0.0', code, msg: expect.stringMatching(msg) });
  expect(stdout.toString()).toBe(JSON.stringify(answer, null, 4));
  expect(status).toBe(1);
}

/** Device and inode, which in an overlay have more digits than a number of JavaScript. */
function identify(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev}:${ino}`;
}
