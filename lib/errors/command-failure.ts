/** What is known of a process that did not do what it was told. */
export type CommandFailureFacts = {
  readonly argv: readonly string[];
  readonly stdin: string | undefined;
  /** Exit status, or the signal's name, or undefined where the process did not start. */
  readonly status: number | string | undefined;
  readonly stderr: string;
  /** The operation in words ("adding 10.1.0.2/24 to eth0"), where one line of a batch is to blame. */
  readonly operation?: string | undefined;
  /** The line of stdin that failed, counted from 0, where the tool named it. */
  readonly line?: number | undefined;
};

/** A command failed: keeps its argv, stdin and failing line; the message is one line for the operator. */
export class CommandFailure extends Error {
  readonly facts: CommandFailureFacts;

  constructor(facts: CommandFailureFacts) {
    super(describe(facts));
    this.name = 'CommandFailure';
    this.facts = facts;
  }
}

function describe({ argv, status, stderr, operation, stdin, line }: CommandFailureFacts): string {
  const reason = firstReason(stderr) ?? (status === undefined ? 'did not start' : `ended with ${status}`);
  const script = line === undefined ? undefined : stdin?.split('\n')[line];
  const what = script === undefined ? argv.join(' ') : `${argv[0]} ${script}`;
  return operation === undefined ? `${what}: ${reason}` : `${operation}: ${reason} (${what})`;
}

/** The first line of stderr that gives a reason, without the tool's own prefix. */
function firstReason(stderr: string): string | undefined {
  return stderr
    .split('\n')
    .map((line) => line.replace(/^(RTNETLINK answers|Error): /, '').trim())
    .find((line) => line !== '' && !line.startsWith('Command failed'));
}

/** Whether what was thrown tells of a process of this program. */
export function isFailureOf(program: string, error: unknown): boolean {
  const causes = [error, error instanceof Error ? error.cause : undefined];
  return causes.some((cause) => cause instanceof CommandFailure && cause.facts.argv[0] === program);
}
