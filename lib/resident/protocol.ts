import type { Environment } from '../cni/invocation.ts';

// What client and worker say to each other on a stream socket: plugins/resident/README.md has it as a table.

/** What tells a file, a namespace among them, from others: device and inode. */
export type FileIdentity = string;

/** Who serves: a caller that would see another build, or another part of the machine, goes its own way. */
export type Hello = {
  readonly buildId: string;
  readonly netNamespace: FileIdentity;
  readonly mountNamespace: FileIdentity;
  readonly root: FileIdentity;
};

/** A call as its caller has it. */
export type CallRequest = {
  /** The name that the client was called by. */
  readonly name: string;
  /** The directory it was called in. */
  readonly directory: string;
  readonly env: Environment;
  readonly stdin: string;
  /** CLOCK_MONOTONIC when the client began, in microseconds. */
  readonly startedAtUs: number;
};

/** How a call ended. */
export type CallAnswer = { readonly status: number; readonly stdout: string; readonly stderr: string };

const protocolVersion = 1;
const helloForm = new RegExp(
  `^fairlead-cni ${protocolVersion} ([0-9a-f]{32}) (\\d+:\\d+) (\\d+:\\d+) (\\d+:\\d+)\n$`,
);

/** Longer than any greeting. */
export const longestHello = 256;

/** The variable that what a worker executes has. A client among that takes no worker: all may be waiting for such a call. */
export const fromWorker = 'FAIRLEAD_FROM_WORKER';

/** The agent's first line. */
export function renderHello({ buildId, netNamespace, mountNamespace, root }: Hello): string {
  return `fairlead-cni ${protocolVersion} ${buildId} ${netNamespace} ${mountNamespace} ${root}\n`;
}

/** Undefined for what is no greeting of this version of the protocol. */
export function parseHello(line: string): Hello | undefined {
  const [, buildId, netNamespace, mountNamespace, root] = helloForm.exec(line) ?? [];
  if (buildId === undefined || netNamespace === undefined) return undefined;
  if (mountNamespace === undefined || root === undefined) return undefined;
  return { buildId, netNamespace, mountNamespace, root };
}

/** Of a request's parts, in bytes. */
export type RequestSizes = {
  readonly name: number;
  readonly directory: number;
  readonly env: number;
  readonly stdin: number;
  readonly startedAtUs: number;
};

/** Four lengths of 32 bits and a time of 64, little-endian. */
export const requestHeaderBytes = 24;

/** Of all parts together. A configuration has some kilobytes; what is larger, the executables take. */
export const mostRequestBytes = 4 * 1024 * 1024;

/** @param header as many bytes as a request's header has */
export function decodeSizes(header: Buffer): RequestSizes {
  return {
    name: header.readUInt32LE(0),
    directory: header.readUInt32LE(4),
    env: header.readUInt32LE(8),
    stdin: header.readUInt32LE(12),
    startedAtUs: Number(header.readBigUInt64LE(16)),
  };
}

/** How many bytes follow a request's header. */
export function bodyBytesOf({ name, directory, env, stdin }: RequestSizes): number {
  return name + directory + env + stdin;
}

/** @param body as many bytes as the sizes say; what is no UTF-8 becomes U+FFFD, as in the executables */
export function decodeRequest(body: Buffer, sizes: RequestSizes): CallRequest {
  let at = 0;
  const next = (length: number) => {
    at += length;
    return body.toString('utf8', at - length, at);
  };
  return {
    name: next(sizes.name),
    directory: next(sizes.directory),
    env: parseVariables(next(sizes.env)),
    stdin: next(sizes.stdin),
    startedAtUs: sizes.startedAtUs,
  };
}

/** As getenv(3) has it: of two of one name, the first counts. */
function parseVariables(text: string): Environment {
  const env: Record<string, string> = Object.create(null);
  for (const variable of text.split('\0')) {
    const equals = variable.indexOf('=');
    if (equals <= 0) continue;
    env[variable.slice(0, equals)] ??= variable.slice(equals + 1);
  }
  return env;
}

/** Told before anything is done: from here on, the client does not execute the call by itself. */
export const begun = Buffer.from('B');

const answerMark = 'R'.charCodeAt(0);
const answerHeaderBytes = 13;

/** An answer as the client reads it. */
export function encodeAnswer({ status, stdout, stderr }: CallAnswer): Buffer {
  const [out, err] = [Buffer.from(stdout), Buffer.from(stderr)];
  const header = Buffer.alloc(answerHeaderBytes);
  header.writeUInt8(answerMark, 0);
  header.writeUInt32LE(status, 1);
  header.writeUInt32LE(out.length, 5);
  header.writeUInt32LE(err.length, 9);
  return Buffer.concat([header, out, err]);
}
