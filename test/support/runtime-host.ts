import { copyFileSync } from 'node:fs';
import { basename } from 'node:path';
import { execa } from 'execa';
import type { Outcome } from '../../lib/exec/command.ts';
import { binDir, isResident } from './binaries.ts';
import { CallAgent } from './call-agent.ts';
import { requireServed } from './call-served.ts';
import { run } from './process.ts';

/** What a process of the host is given beside its command line. */
export type HostCall = {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly timeoutMs?: number;
};

/**
 * A host as a container runtime finds it: /opt/cni/bin, /etc/cni/net.d, /etc/fairlead, /var/lib/cni, /var/lib/fairlead
 * and /run are its own. Disposing ends what runs there, containers too, and removes all of it.
 */
export type RuntimeHost = AsyncDisposable & {
  /** The name of its network namespace, and of all else of it that has a name. */
  readonly name: string;
  /** Where all its files are. */
  readonly dir: string;
  /** The registry of a configuration that names none. */
  readonly store: string;
  /** Runs a command there, to its end. */
  readonly run: (commandLine: readonly string[], call?: HostCall) => Promise<Outcome>;
  /** The same for a command that must succeed. @returns its stdout */
  readonly must: (commandLine: readonly string[], call?: HostCall) => Promise<string>;
  /** The arguments of `nsenter` that run a command line there. */
  readonly entering: (...commandLine: readonly string[]) => readonly string[];
  /** Puts a file among the CNI configurations. */
  readonly addConflist: (file: string) => void;
};

/** What a host is made of. */
export type RuntimeHostOptions = {
  /** Begins its name: `fl-…`. */
  readonly prefix: string;
  /** Where the plugins are that its CNI directory gets; our executables unless set. */
  readonly plugins?: string;
  /** Whether containerd runs there, with its CRI. */
  readonly withContainerd?: boolean;
};

const script = `${import.meta.dirname}/runtime-host.sh`;
const systemPath = '/usr/sbin:/usr/bin:/sbin:/bin';

/** Makes a host, which takes a second; one with containerd takes three. */
export async function startRuntimeHost(options: RuntimeHostOptions): Promise<RuntimeHost> {
  const { prefix, plugins = binDir, withContainerd = false } = options;
  const child = execa('bash', [script, prefix, plugins, ...(withContainerd ? ['cri'] : [])], {
    reject: false,
    detached: true,
  });
  const close = async () => {
    child.stdin.end();
    await child;
  };
  try {
    const host = toHost(await readyLine(child), close);
    return isResident && plugins === binDir ? await serveCalls(host) : host;
  } catch (error) {
    await close();
    throw error;
  }
}

/** Starts an agent there, but for the calls alone. Disposing asks it whether it has served them all. */
async function serveCalls(host: RuntimeHost): Promise<RuntimeHost> {
  const agent = await CallAgent.start(host, { config: { rules: false }, binDir: '/opt/cni/bin' });
  const close = async () => {
    await using _host = host;
    await using served = agent;
    if ((await requireServed(served)) === 0) throw new Error('no call of the runtime has reached the agent');
  };
  return { ...host, [Symbol.asyncDispose]: close };
}

type Child = { readonly stdout: NodeJS.ReadableStream } & PromiseLike<{ readonly stderr?: unknown }>;

/** Its stdout stays open: what the script prints at its end must not kill it. */
function readyLine(child: Child): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
      const words = /^ready (\S+) (\S+) (\S+)$/m.exec(printed);
      if (words !== null) resolve(words.slice(1));
    });
    child.then(({ stderr }) => reject(new Error(`the host for a runtime was not made: ${printed}${stderr}`)));
  });
}

function toHost(
  [name = '', dir = '', holder = '']: readonly string[],
  close: () => Promise<void>,
): RuntimeHost {
  const namespaces = [
    `--net=/run/netns/${name}`,
    `--mount=/proc/${holder}/ns/mnt`,
    `--uts=/proc/${holder}/ns/uts`,
  ];
  const entering = (...commandLine: readonly string[]) => [...namespaces, ...commandLine];
  const runThere: RuntimeHost['run'] = (commandLine, { env, ...call } = {}) =>
    run({ file: 'nsenter', args: entering(...commandLine), env: { PATH: systemPath, ...env }, ...call });
  return {
    name,
    dir,
    store: `${dir}/registry/registry.db`,
    entering,
    run: runThere,
    must: async (commandLine, call) => {
      const { status, stdout, stderr } = await runThere(commandLine, call);
      if (status === 0) return stdout;
      throw new Error(`${commandLine.join(' ')}: ${status} ${stderr}${stdout}`);
    },
    addConflist: (file) => copyFileSync(file, `${dir}/cni-conf/${basename(file)}`),
    [Symbol.asyncDispose]: close,
  };
}
