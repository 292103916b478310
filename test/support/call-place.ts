import { mkdirSync, readlinkSync } from 'node:fs';
import { execa } from 'execa';
import { recordsDirectory } from '../../lib/rules/records.ts';

/** What of a place differs from the usual one. */
export type CallPlaceOptions = {
  /** Lines of sh that mount more, before all else. */
  readonly mounts?: string;
  /** Whether rules are recorded where they are for everybody, or else in this place alone. */
  readonly sharesRecords?: boolean;
};

/** What of a rig its place needs: the namespace of the host, and the directory. */
export type CallHost = { readonly host: string; readonly dir: string };

/**
 * Where an agent and its callers are: the network namespace of a rig's host, and a mount namespace with a /run/fairlead of
 * its own, for the client knows one place only where to look for the agent. What is mounted outside later arrives there.
 */
export class CallPlace implements AsyncDisposable {
  readonly host: string;
  /** What is its own on the disk. */
  readonly dir: string;
  readonly #holder: Holder;

  private constructor(host: string, dir: string, holder: Holder) {
    this.host = host;
    this.dir = dir;
    this.#holder = holder;
  }

  /** Resolves when it can be entered. */
  static async hold({ host, dir }: CallHost, options: CallPlaceOptions = {}): Promise<CallPlace> {
    const own = `${dir}/serving`;
    return new CallPlace(host, own, await holdNamespaces(host, `${own}/run`, options));
  }

  /** The process that holds the namespaces. */
  get pid(): number {
    return this.#holder.pid;
  }

  /** Where its /run/fairlead is seen from outside. */
  get runDir(): string {
    return `${this.dir}/run`;
  }

  /** The arguments of `nsenter` that run a command line there. */
  entering(...words: readonly string[]): readonly string[] {
    return ['--target', `${this.pid}`, '--net', '--mount', ...words];
  }

  /** Lets go of the namespaces: they end with the last process that is there. */
  async end(): Promise<void> {
    await this.#holder.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}

type Holder = { readonly pid: number; readonly end: () => Promise<void> };

/**
 * $1 is the mount namespace of everybody else, in which nothing may be mounted. Nothing goes back to it from here, either.
 * What was noted for the host's kernel may have to be where it is for all. Ends with its stdin: with us, whatever happens.
 */
const script = `
own=$(readlink /proc/self/ns/mnt)
[ "$own" != "$1" ] || { echo 'it has no mount namespace of its own' >&2; exit 1; }
mount --make-rslave /
eval "$2"
[ -z "$4" ] || mount --bind "$4" "$3/rules"
mount --rbind "$3" /run/fairlead
echo ready
read _ || true`;

/** @returns when all is mounted: who enters before that by the process's id is still where everybody is */
async function holdNamespaces(host: string, run: string, options: CallPlaceOptions): Promise<Holder> {
  mkdirSync(recordsDirectory, { recursive: true, mode: 0o700 });
  mkdirSync(options.sharesRecords === true ? `${run}/rules` : run, { recursive: true });
  const holder = startHolder(host, run, options);
  await new Promise<void>((resolve, reject) => {
    holder.stdout.on('data', (chunk: Buffer) => {
      if (chunk.includes('ready')) resolve();
    });
    holder.then(({ stderr }) => reject(new Error(`the namespaces of ${host} were not made: ${stderr}`)));
  });
  return {
    pid: holder.pid ?? 0,
    end: async () => {
      holder.stdin.end();
      await holder;
    },
  };
}

/** `ip netns exec` makes the mount namespace, with the sysfs of the network namespace. By its path: a test may have another. */
function startHolder(host: string, run: string, { mounts = '', sharesRecords = false }: CallPlaceOptions) {
  const others = readlinkSync('/proc/self/ns/mnt');
  const args = [others, mounts, run, sharesRecords ? recordsDirectory : ''];
  return execa('/usr/sbin/ip', ['netns', 'exec', host, 'sh', '-ec', script, 'sh', ...args], {
    reject: false,
  });
}
