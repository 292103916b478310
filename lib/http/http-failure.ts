import { PemUnreadable } from './endpoint.ts';
import { isOfHttp, isOfTls, reasonOf } from './reason.ts';

/** Which call has failed, and where. */
export type AskedHttp = { readonly what: string; readonly endpoint: string; readonly call: string };

/** A call that has not brought what was asked for; its message names registry, endpoint and call. */
export class HttpFailure extends Error {
  /**
   * `unreachable`: no answer in time; it may work later. `refused`: who we are, or who they are, is not accepted.
   * `failed`: an answer that says so, or one that nobody understands.
   */
  readonly kind: 'unreachable' | 'refused' | 'failed';
  /** Of the answer; undefined where there was none. */
  readonly status: number | undefined;

  constructor(
    { what, endpoint, call }: AskedHttp,
    {
      kind,
      status,
      because,
      cause,
    }: Pick<HttpFailure, 'kind'> & {
      readonly status?: number;
      readonly because: string;
      readonly cause?: unknown;
    },
  ) {
    super(`${what} at ${endpoint}: ${call}: ${because}`, { cause });
    this.kind = kind;
    this.status = status;
  }

  /** What an answer's status means; 401 and 403 are refusals. */
  static ofStatus(asked: AskedHttp, status: number, text: string): HttpFailure {
    const kind = status === 401 || status === 403 ? 'refused' : 'failed';
    return new HttpFailure(asked, { kind, status, because: `HTTP ${status}${excerpt(text)}` });
  }

  /** One failure for the endpoints that all have failed. */
  static ofAll(failures: readonly HttpFailure[]): HttpFailure {
    const telling = failures.find(({ kind }) => kind !== 'unreachable') ?? failures[0];
    if (telling === undefined) throw new Error('no endpoint was asked');
    // Sorted, since the order in which they were asked changes, and the same state is to have the same message.
    if (failures.length > 1)
      telling.message = [...new Set(failures.map(({ message }) => message))].sort().join('; ');
    return telling;
  }
}

/** What went wrong with a connection or an answer. */
export function toHttpFailure(cause: unknown, asked: AskedHttp): HttpFailure {
  if (cause instanceof HttpFailure) return cause;
  const because = reasonOf(cause);
  if (isOfHttp(cause))
    return new HttpFailure(asked, { kind: 'failed', because: `${because} (is this HTTP?)`, cause });
  if (cause instanceof PemUnreadable) return new HttpFailure(asked, { kind: 'refused', because, cause });
  if (isOfTls(cause)) {
    const hint = `${because} (tls: see ca, cert and key, and the scheme)`;
    return new HttpFailure(asked, { kind: 'refused', because: hint, cause });
  }
  return new HttpFailure(asked, { kind: 'unreachable', because, cause });
}

/** Enough to tell what it is; control characters would spoil a log. */
function excerpt(text: string): string {
  const shown = text
    .trim()
    .slice(0, 120)
    .replace(/[\p{C}\s]+/gu, ' ');
  return shown === '' ? '' : ` ${JSON.stringify(shown)}`;
}
