import { once } from 'node:events';
import { NetnsProcess } from './netns-process.ts';

/** What runs, and where. */
export type HelperOptions = {
  /** The name of a network namespace. */
  readonly netns: string;
  /** A file beside this one, which answers each message with one. */
  readonly script: string;
  readonly interruption: AbortSignal;
};

/** A process of the bench's own in a network namespace; it is asked one thing after the other. */
export class Helper<Request extends object, Answer> implements AsyncDisposable {
  readonly #name: string;
  readonly #process: NetnsProcess;
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ netns, script, interruption }: HelperOptions) {
    this.#name = `${script} in ${netns}`;
    this.#process = new NetnsProcess({
      place: { netns },
      argv: [process.execPath, `${import.meta.dirname}/${script}`],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      interruption,
    });
  }

  get pid(): number {
    return this.#process.child.pid ?? Number.NaN;
  }

  /** Whoever asks while another is being answered waits. */
  ask(request: Request): Promise<Answer> {
    const answered = this.#turn.then(() => this.#exchange(request));
    this.#turn = answered.catch(() => undefined);
    return answered;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]();
  }

  async #exchange(request: Request): Promise<Answer> {
    const { child, ended } = this.#process;
    const answered = once(child, 'message', { signal: ended });
    if (child.connected) child.send(request);
    const [answer] = (await answered.catch((cause: unknown) => {
      throw new Error(`the bench's process ${this.#name} has ended before its time`, { cause });
    })) as [Answer];
    return answer;
  }
}
