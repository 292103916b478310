import { mkdirSync } from 'node:fs';
import type { Context } from './context.ts';
import { Host } from './host.ts';
import { addNamespace, removeNamespace } from './namespaces.ts';
import { endRun } from './run.ts';

/** The hosts, containers and files of one case. Disposing removes them all, whatever has failed. */
export class Rig implements AsyncDisposable {
  readonly dir: string;
  readonly #name: string;
  readonly #interruption: AbortSignal;
  readonly #stack = new AsyncDisposableStack();
  #made = 0;

  constructor({ run, interruption }: Context, name: string) {
    this.#name = `${run.id}-${name}`;
    this.#interruption = interruption;
    this.dir = `${run.dir}/${name}`;
    mkdirSync(this.dir);
    this.#stack.defer(() => endRun({ dir: this.dir }));
  }

  /** Ends whatever is started for this case before its time. */
  get interruption(): AbortSignal {
    return this.#interruption;
  }

  /** Has something disposed of with the rig, before whatever the rig had until now. */
  own<T extends AsyncDisposable>(resource: T): T {
    return this.#stack.use(resource);
  }

  /** A network namespace that stands for a host, with a process in it that calls plugins and measures them. */
  async host(): Promise<Host> {
    return this.#stack.use(new Host(await this.#namespace('h'), this.#interruption));
  }

  /** A network namespace for a container. @returns its path */
  container(): Promise<string> {
    return this.#namespace('c');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async #namespace(kind: string): Promise<string> {
    this.#interruption.throwIfAborted();
    const name = `${this.#name}-${kind}${++this.#made}`;
    // Deferred first: a namespace that was made half-way must go, too.
    this.#stack.defer(() => removeNamespace(name));
    return addNamespace(name);
  }
}
