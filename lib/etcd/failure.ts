import { PemUnreadable } from '../http/endpoint.ts';
import { isOfHttp, isOfTls, reasonOf } from '../http/reason.ts';
import { EtcdError } from './etcd.ts';
import { type JsonObject, Malformed } from './wire.ts';

/** Which call has failed, and where. */
export type Asked = { readonly call: string; readonly endpoint: string };

/** What every member would answer, so that asking another one is idle. */
export class Verdict extends EtcdError {}

/** The token is of no use (any more): its time is over, the server has begun anew, or rights were changed. */
export class TokenRefused extends Verdict {
  constructor(endpoint: string, message: string) {
    super('refused', endpoint, message);
  }
}

/** What holds for this moment only: an election is under way, or the server is ending. */
export class NotNow extends EtcdError {
  constructor(endpoint: string, message: string) {
    super('unreachable', endpoint, message);
  }
}

/** What the gateway says of a call that failed: a status code of gRPC, and a sentence. */
export type Refusal = { readonly code: number | undefined; readonly message: string };

/** The failure in an answer, or in one line of a stream; undefined where there is none. */
export function parseRefusal({ error, code, message }: JsonObject): Refusal | undefined {
  if (typeof error === 'object' && error !== null) return parseRefusal(fieldsOfStreamError(error));
  const said = message ?? error;
  if (typeof said !== 'string') return undefined;
  return { code: typeof code === 'number' ? code : undefined, message: said };
}

/** Releases differ in how they name the code within a stream. */
function fieldsOfStreamError(error: object): JsonObject {
  const { grpc_code, code = grpc_code, message } = error as JsonObject;
  return { code, message: message ?? 'the stream failed' };
}

/** What a refusal means for the caller. */
export function toFailure({ code, message }: Refusal, { call, endpoint }: Asked): EtcdError {
  const text = `etcd at ${endpoint}: ${call}: ${message}`;
  if (isOfToken(code, message)) return new TokenRefused(endpoint, text);
  if (message.includes('requested lease not found')) return new Verdict('lease-lost', endpoint, text);
  if (message.includes('has been compacted')) return new Verdict('compacted', endpoint, text);
  if (code === grpc.permissionDenied || message.includes('authentication failed'))
    return new Verdict('refused', endpoint, text);
  if (code === undefined || ofThisMember.has(code)) return new EtcdError('failed', endpoint, text);
  if (ofThisMoment.has(code)) return new NotNow(endpoint, text);
  return new Verdict('failed', endpoint, text);
}

/** https://grpc.io/docs/guides/status-codes */
const grpc = {
  cancelled: 1,
  unknown: 2,
  deadlineExceeded: 4,
  permissionDenied: 7,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

const ofThisMoment: ReadonlySet<number> = new Set([grpc.cancelled, grpc.deadlineExceeded, grpc.unavailable]);
const ofThisMember: ReadonlySet<number> = new Set([grpc.unknown, grpc.internal, grpc.dataLoss]);

/** Calls without a token are told "user name is empty" once authentication has been turned on. */
function isOfToken(code: number | undefined, message: string): boolean {
  return (
    code === grpc.unauthenticated ||
    /invalid auth token|revision of auth store is old|user name is empty/.test(message)
  );
}

/** What went wrong with a connection or an answer, in the same terms. */
export function toEtcdError(cause: unknown, { call, endpoint }: Asked): EtcdError {
  if (cause instanceof EtcdError) return cause;
  const text = `etcd at ${endpoint}: ${call}: ${reasonOf(cause)}`;
  if (cause instanceof Malformed || isOfHttp(cause)) return new EtcdError('failed', endpoint, text, cause);
  if (cause instanceof PemUnreadable) return new EtcdError('refused', endpoint, text, cause);
  if (isOfTls(cause))
    return new EtcdError('refused', endpoint, `${text} (tls: see ca, cert and key, and the scheme)`, cause);
  return new EtcdError('unreachable', endpoint, text, cause);
}

/** One failure for the endpoints that all have failed; of the kinds the most telling. */
export function allFailed(call: string, failures: readonly EtcdError[]): EtcdError {
  const [only] = failures;
  if (only !== undefined && failures.length === 1) return only;
  const telling = failures.find(({ kind }) => kind !== 'unreachable') ?? only;
  // Sorted, since the order in which they were asked changes, and the same state is to have the same message.
  const reasons = failures.map(({ message }) => message).sort();
  return new EtcdError(
    telling?.kind ?? 'unreachable',
    telling?.endpoint ?? '',
    reasons.length === 0 ? `etcd: ${call}: not asked` : reasons.join('; '),
    telling,
  );
}
