import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { StoreFailure } from '../registry/store-failure.ts';

type ApiErrorFacts = {
  /** What the caller can do about it. */
  readonly hint?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Fields beside `error` in the answer. */
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
};

/** A request that is not answered as asked, with the HTTP status that says so (RFC 9110, section 15). */
export class ApiError extends Error {
  readonly status: number;
  readonly hint: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(status: number, message: string, { hint, headers, facts, cause }: ApiErrorFacts = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'ApiError';
    this.status = status;
    this.hint = hint;
    this.headers = headers ?? {};
    this.facts = facts ?? {};
  }
}

/** 400: the request itself is wrong, and sending it again will not help. */
export function badRequest(message: string, hint?: string): ApiError {
  return new ApiError(400, message, hint === undefined ? {} : { hint });
}

/** 404 */
export function notFound(message: string, hint: string): ApiError {
  return new ApiError(404, message, { hint });
}

/** Any thrown value as the error that the caller is told; what nobody foresaw is 500 and stays in `cause`. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (!(error instanceof CniError)) return unforeseen(error);
  const { code, message, details } = error;
  if (error instanceof StoreFailure || code === ErrorCode.tryAgainLater) return unavailable(error);
  if (code === ErrorCode.invalidConfig || code === ErrorCode.decodingFailure) {
    return badRequest(message, details);
  }
  return unforeseen(error);
}

/**
 * The body of every error:
 * `{"error": {"status": 404, "message": "what happened", "hint": "what to do"}}`; `hint` only where there is one.
 */
export function renderError({ status, message, hint, facts }: ApiError): string {
  const error = { status, message, ...(hint === undefined ? {} : { hint }) };
  // What a caller has sent is shown on somebody's terminal: nothing in it may turn the line around.
  return JSON.stringify({ error, ...facts }).replace(/[\p{Cf}\p{Zl}\p{Zp}\x7f-\x9f]/gu, escapeUnits);
}

function escapeUnits(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

function unavailable(error: CniError): ApiError {
  return new ApiError(503, error.message, {
    hint: 'the registry cannot be used now; try again',
    headers: { 'Retry-After': '1' },
    cause: error,
  });
}

function unforeseen(cause: unknown): ApiError {
  return new ApiError(500, 'the agent failed to answer', {
    hint: "the agent's log says why",
    cause,
  });
}
