import type { RecordData, RecordTypeName, ResourceRecord } from './record.ts';
import { Rcode } from './wire.ts';

/** What is answered, before it is written down. */
export type Answer = {
  /** One of `Rcode`. */
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly answers: readonly ResourceRecord[];
  readonly authority: readonly ResourceRecord[];
  readonly additional: readonly ResourceRecord[];
};

/** What a name has, by type; a name that exists and has nothing is one that others stand below. */
export type Contents = {
  readonly sets: { readonly [type in RecordTypeName]?: () => readonly RecordData[] };
  /** The addresses of the names in a set of this type. */
  readonly additional?: { readonly [type in RecordTypeName]?: () => readonly ResourceRecord[] };
};

export const emptyContents: Contents = { sets: {} };

/** An answer without any record, of nobody's zone. */
export function bareAnswer(rcode: number): Answer {
  return { rcode, authoritative: false, answers: [], authority: [], additional: [] };
}

/** That a name, or a type of it, does not exist; the SOA says how long that may be remembered. */
export function negativeAnswer(rcode: number, soa: ResourceRecord): Answer {
  return { ...bareAnswer(rcode), authoritative: true, authority: [soa] };
}

export function positiveAnswer(
  answers: readonly ResourceRecord[],
  additional: readonly ResourceRecord[],
): Answer {
  return { ...bareAnswer(Rcode.noError), authoritative: true, answers, additional };
}
