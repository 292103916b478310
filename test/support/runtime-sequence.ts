import { readFileSync } from 'node:fs';
import type { HostCall, RuntimeHost } from './runtime-host.ts';

/** One call that a runtime makes. In `env` and `stdin`, `$netns` and `$prevResult` stand for what is known later. */
export type RecordedCall = {
  /** What happens to the container before it. */
  readonly first?: 'remove the namespace';
  /** The executable. */
  readonly plugin: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: object;
  /** What the answer must have in it. */
  readonly result?: object | string;
  /** What holds after it. */
  readonly then?: {
    /** The URLs that the container answers at, asked on the host. */
    readonly answers: readonly string[];
    /** What is registered, each as `service address:port`. */
    readonly names: readonly string[];
  };
};

/** The calls that a runtime makes for one container, in order. */
export type Sequence = {
  readonly runtime: string;
  /** From where it is known. */
  readonly source: string;
  readonly calls: readonly RecordedCall[];
};

/** What the placeholders stand for. */
export type Known = { readonly netns: string; readonly prevResult: unknown };

export function readSequence(file: string): Sequence {
  return JSON.parse(readFileSync(file, 'utf8')) as Sequence;
}

/** A recorded value with everything filled in. */
export function fillIn(recorded: unknown, known: Known): unknown {
  if (recorded === '$prevResult') return known.prevResult;
  if (recorded === '$netns') return known.netns;
  if (Array.isArray(recorded)) return recorded.map((item) => fillIn(item, known));
  if (typeof recorded !== 'object' || recorded === null) return recorded;
  return Object.fromEntries(Object.entries(recorded).map(([key, value]) => [key, fillIn(value, known)]));
}

/** Makes a recorded call on a host. */
export function playCall(host: RuntimeHost, { plugin, env, stdin }: RecordedCall, known: Known) {
  const call: HostCall = {
    env: fillIn(env, known) as Record<string, string>,
    stdin: JSON.stringify(fillIn(stdin, known)),
  };
  return host.run([`/opt/cni/bin/${plugin}`], call);
}
