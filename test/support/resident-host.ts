import { copyFileSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { binDir } from './binaries.ts';
import { CallAgent, type CallAgentOptions } from './call-agent.ts';
import { CallPlace } from './call-place.ts';
import { mustInside, run } from './process.ts';
import { type Answer, type Conf, Rig, toEnvironment, type Verb } from './rig.ts';

/** A rig, a place for agents and callers on its host, and a client by the name of bridge. */
export class ResidentHost implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly rig: Rig;
  readonly place: CallPlace;
  readonly containers: readonly string[];

  private constructor({ stack, rig, place, containers }: Parts) {
    this.#stack = stack;
    this.rig = rig;
    this.place = place;
    this.containers = containers;
  }

  static async create(count = 1): Promise<ResidentHost> {
    await using stack = new AsyncDisposableStack();
    const rig = stack.use(await Rig.create());
    const containers = await rig.containers(count);
    await mustInside(rig.host, 'ip', 'link', 'set', 'lo', 'up');
    mkdirSync(`${rig.dir}/bin`);
    copyFileSync(`${binDir}/fairlead-client`, `${rig.dir}/bin/bridge`);
    symlinkSync(`${binDir}/fairlead`, `${rig.dir}/bin/fairlead`);
    const place = stack.use(await CallPlace.hold(rig));
    return new ResidentHost({ stack: stack.move(), rig, place, containers });
  }

  /** Where this host's /run/fairlead is seen from outside. */
  get runDir(): string {
    return this.place.runDir;
  }

  /** The arguments of `nsenter` that run a command line in this host's namespaces. */
  entering(...words: readonly string[]): readonly string[] {
    return this.place.entering(...words);
  }

  /** The client. */
  get client(): string {
    return `${this.rig.dir}/bin/bridge`;
  }

  /** A call through the client. */
  async cni(verb: Verb, conf: Conf, container: string): Promise<Answer> {
    return run({
      file: 'nsenter',
      args: this.entering(this.client),
      stdin: JSON.stringify({ registry: { store: this.rig.store }, ...conf }),
      env: toEnvironment(verb, container, {}),
      timeoutMs: 40_000,
    });
  }

  /** An agent over the rig's registry; it ends with the host at the latest. */
  async startAgent({ config, ...options }: CallAgentOptions = {}): Promise<CallAgent> {
    const { store } = this.rig;
    return this.#stack.use(await CallAgent.start(this.place, { ...options, config: { store, ...config } }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

type Parts = Pick<ResidentHost, 'rig' | 'place' | 'containers'> & { readonly stack: AsyncDisposableStack };

/** What is in a directory, but for files that a rename is about to move. */
export function namesIn(dir: string): readonly string[] {
  return readdirSync(dir).filter((name) => !name.startsWith('.'));
}
