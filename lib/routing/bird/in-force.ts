import { CniError, ErrorCode } from '../../errors/cni-error.ts';
import { readConfig } from './config-file.ts';
import { type BirdControl, tellBird } from './control.ts';
import { type BirdState, parseState, type ReplyLine } from './reply.ts';

/** The first version whose configuration has channels. */
const oldestMajor = 2;

/** Has BIRD read its configuration again whenever that may differ from what it works by. */
export class ConfigInForce {
  readonly #control: BirdControl;
  readonly #path: string;
  /** Which run of BIRD has read which text. */
  #read = '';
  #state: BirdState | undefined;

  constructor(control: BirdControl, path: string) {
    this.#control = control;
    this.#path = path;
  }

  /** As it was when it last answered; undefined where it does not. */
  get state(): BirdState | undefined {
    return this.#state;
  }

  /**
   * Told once for each text and each run of BIRD: a run that began with the text finds nothing changed.
   * @throws CniError where BIRD does not answer, is too old, or does not take the configuration
   */
  async ensure(): Promise<void> {
    this.#state = undefined;
    const state = parseState(await tellBird('show status', this.#control));
    this.#state = state;
    requireVersion(state);
    const read = `${state.startedAt}\n${readConfig(this.#path)}`;
    if (read === this.#read) return;
    this.#requireOwnFile(await tellBird('configure', this.#control));
    this.#read = read;
  }

  /** BIRD reads the file that it was started with, whatever we write. */
  #requireOwnFile(answer: readonly ReplyLine[]): void {
    const [file] = answer.flatMap(({ text }) => /^Reading configuration from (.+)$/.exec(text)?.[1] ?? []);
    if (file === undefined || file === this.#path) return;
    throw new CniError(
      ErrorCode.invalidConfig,
      `BIRD reads ${file} and not ${this.#path}: start it with "-c ${this.#path}", or name its file in the agent's configuration`,
    );
  }
}

function requireVersion({ version }: BirdState): void {
  if (version !== undefined && Number.parseInt(version, 10) >= oldestMajor) return;
  throw new CniError(
    ErrorCode.invalidConfig,
    `BIRD is of version ${version ?? 'unknown'}: version ${oldestMajor} or later is needed (package bird2), or use mode "direct"`,
  );
}
