/** Error codes of the CNI specification 1.1.0, section "Error"; 100 and above are the plugin's own. */
export const ErrorCode = {
  incompatibleVersion: 1,
  invalidEnvironment: 4,
  ioFailure: 5,
  decodingFailure: 6,
  invalidConfig: 7,
  ownNamespace: 8,
  tryAgainLater: 11,
  pluginNotAvailable: 50,
  internal: 999,
} as const;

export type ErrorCodeValue = (typeof ErrorCode)[keyof typeof ErrorCode];

/** A failure as a container runtime is to see it: a code, one line that says what happened, and details. */
export class CniError extends Error {
  readonly code: number;
  readonly details: string | undefined;

  constructor(code: number, message: string, options: { details?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CniError';
    this.code = code;
    this.details = options.details;
  }
}

/** Any thrown value as a CniError: those of ours unchanged, everything else with the general code 999. */
export function toCniError(error: unknown): CniError {
  if (error instanceof CniError) return error;
  return new CniError(ErrorCode.internal, messageOf(error), { cause: error });
}

/** The one line that describes any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Runs `work` and says what was being done in front of whatever it throws; the innermost code is kept.
 * @throws CniError
 */
export function inContext<T>(doing: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { code, message, details } = toCniError(error);
    throw new CniError(code, `${doing}: ${message}`, {
      cause: error,
      ...(details === undefined ? {} : { details }),
    });
  }
}
