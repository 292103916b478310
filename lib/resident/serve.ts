import { closeSync, readSync, writeSync } from 'node:fs';
import { messageOf } from '../errors/cni-error.ts';
import { errnoOf } from '../errors/system-error.ts';
import type { Log } from '../log/log.ts';
import type { Calls } from './calls.ts';
import {
  begun,
  bodyBytesOf,
  type CallAnswer,
  type CallRequest,
  decodeRequest,
  decodeSizes,
  encodeAnswer,
  mostRequestBytes,
  requestHeaderBytes,
} from './protocol.ts';
import { livesHere } from './where.ts';

/** What one connection is served with. */
export type Serving = {
  /** The greeting. */
  readonly hello: string;
  readonly calls: Pick<Calls, 'peer' | 'limitWaiting' | 'hasGone'>;
  /** What must be there before a call is begun. @throws where it is not; the caller then goes its own way */
  readonly prepare: (request: CallRequest) => void;
  readonly carryOut: (request: CallRequest, caller: Caller) => CarriedOut;
  readonly log: Log;
};

/** Who waits for an answer. */
export type Caller = { readonly hasGone: () => boolean };

/** A call that was carried out; disposing of it lets the next one of its attachment begin. */
export type CarriedOut = Disposable & {
  readonly answer: CallAnswer;
  /** To be called where the caller has gone before it had its answer. */
  readonly takeBack: () => void;
};

/** For each part of what a caller sends and is sent. */
const patienceMs = 2_000;

/** Serves one caller, and closes the connection. What is wrong with a caller is logged, and stops nobody else. */
export function serveConnection(connection: number, serving: Serving): void {
  const { calls, carryOut, log } = serving;
  try {
    calls.limitWaiting(connection, patienceMs);
    const request = receive(connection, serving);
    if (request === undefined) return;
    using done = carryOut(request, { hasGone: () => calls.hasGone(connection) });
    if (!isTaken(connection, encodeAnswer(done.answer), log)) done.takeBack();
  } finally {
    closeSync(connection);
  }
}

/** A call that its caller knows to be begun; undefined where the caller has given up, or sends something else. */
function receive(connection: number, { hello, calls, prepare, log }: Serving): CallRequest | undefined {
  const peer = calls.peer(connection);
  if (peer?.user !== 0) {
    log.warn('a caller that is not root was refused', { user: peer?.user ?? 'unknown' });
    return undefined;
  }
  try {
    writeAll(connection, Buffer.from(hello));
    const header = readExactly(connection, requestHeaderBytes);
    // Another build, or another namespace, is what a caller closes for before it has sent anything.
    if (header === undefined) return undefined;
    if (!livesHere(peer.pid)) throw new Error(`process ${peer.pid} has not our namespaces, or has ended`);
    const request = receiveBody(connection, header);
    prepare(request);
    writeAll(connection, begun);
    return request;
  } catch (error) {
    log.warn('a caller was dropped before its call had begun', { why: explain(error) });
    return undefined;
  }
}

function receiveBody(connection: number, header: Buffer): CallRequest {
  const sizes = decodeSizes(header);
  const bytes = bodyBytesOf(sizes);
  if (bytes > mostRequestBytes) throw new Error(`its request has ${bytes} bytes, above ${mostRequestBytes}`);
  const body = readExactly(connection, bytes);
  if (body === undefined) throw new Error('its request has no end');
  return decodeRequest(body, sizes);
}

/** @returns undefined where the other end has closed before the first byte @throws where it has closed later, or is too slow */
function readExactly(connection: number, length: number): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(length);
  const deadline = performance.now() + patienceMs;
  for (let at = 0; at < length; ) {
    const read = orAgain(() => readSync(connection, bytes, at, length - at, null));
    if (read === 0 && at === 0) return undefined;
    if (read === 0) throw new Error(`it has closed after ${at} of ${length} bytes`);
    at += read;
    if (at < length && performance.now() > deadline)
      throw new Error(`it has not sent all in ${patienceMs / 1000} s`);
  }
  return bytes;
}

function writeAll(connection: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += orAgain(() => writeSync(connection, bytes, at));
}

/** A child that ends interrupts what has a time limit (signal(7)). */
function orAgain<T>(work: () => T): T {
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (errnoOf(error) !== 'EINTR') throw error;
    }
  }
}

function isTaken(connection: number, answer: Buffer, log: Log): boolean {
  try {
    writeAll(connection, answer);
    return true;
  } catch (error) {
    log.warn('a caller has gone before it had its answer', { why: explain(error) });
    return false;
  }
}

function explain(error: unknown): string {
  return errnoOf(error) === 'EAGAIN' ? `it has kept us waiting for ${patienceMs / 1000} s` : messageOf(error);
}
