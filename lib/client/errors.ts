/** There is nobody to call: no instance is known, none is healthy, or the circuits of all are open. */
export class NoHealthyInstance extends Error {
  readonly service: string;

  constructor(service: string, reason: string, cause?: unknown) {
    super(`${service}: ${reason}`, cause === undefined ? undefined : { cause });
    this.name = 'NoHealthyInstance';
    this.service = service;
  }
}

/** One try took longer than its timeout. */
export class CallTimedOut extends Error {
  readonly service: string;
  readonly instanceId: string;
  readonly timeoutMs: number;

  constructor(service: string, instanceId: string, timeoutMs: number) {
    super(`${service}: ${instanceId} did not answer within ${timeoutMs} ms`);
    this.name = 'CallTimedOut';
    this.service = service;
    this.instanceId = instanceId;
    this.timeoutMs = timeoutMs;
  }
}

/** This caller calls the service more often than it was told it may. */
export class RateLimited extends Error {
  readonly service: string;
  /** Until the next call may be made. */
  readonly retryAfterMs: number;

  constructor(service: string, retryAfterMs: number) {
    super(`${service}: called too often; the next call may be made in ${retryAfterMs} ms`);
    this.name = 'RateLimited';
    this.service = service;
    this.retryAfterMs = retryAfterMs;
  }
}

/** What became of one try. */
export type FailedTry = { readonly instanceId: string; readonly error: unknown };

/** Every try of a call has failed. */
export class AllFailed extends Error {
  readonly service: string;
  /** In the order in which they were made. */
  readonly tries: readonly FailedTry[];
  /** The errors of the tries. */
  readonly causes: readonly unknown[];

  constructor(service: string, tries: readonly FailedTry[]) {
    const listed = tries.map(({ instanceId, error }) => `${instanceId}: ${textOf(error)}`).join('; ');
    super(`${service}: all ${tries.length} tries failed: ${listed}`, { cause: tries.at(-1)?.error });
    this.name = 'AllFailed';
    this.service = service;
    this.tries = tries;
    this.causes = tries.map(({ error }) => error);
  }
}

/** The agent did not answer, or did not do what it was asked. */
export class AgentFailure extends Error {
  /** Of its answer; undefined where there was none. */
  readonly status: number | undefined;

  constructor(
    message: string,
    { status, cause }: { readonly status?: number; readonly cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'AgentFailure';
    this.status = status;
  }

  /** Whether the agent has said no, so that asking again will not help. */
  get isRefusal(): boolean {
    const { status = 0 } = this;
    return status >= 400 && status < 500 && status !== 408 && status !== 429;
  }
}

/** The client was disposed of while something was waiting for it. */
export class ClientClosed extends Error {
  constructor() {
    super('the client has been closed');
    this.name = 'ClientClosed';
  }
}

/** One line for any thrown value. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
