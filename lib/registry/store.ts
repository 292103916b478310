import type { Proof } from '../attach/liveness.ts';
import type { AttachmentKey, AttachmentRecord, InstanceDraft, Registration } from './attachment.ts';
import type { Change, Instance } from './instance.ts';

/** What may be changed of an instance once it is registered. */
export type InstanceUpdate = Partial<
  Pick<Instance, 'weight' | 'status' | 'tags' | 'meta' | 'endpoint' | 'check'>
>;

/**
 * The registry of one machine. Synchronous: a plugin has nothing else to do meanwhile, and a transaction takes well
 * under a millisecond. Every method throws a StoreFailure when the store itself fails.
 */
export type Store = Disposable & {
  /** Absolute path of the file. */
  readonly path: string;
  /** The id of the machine. */
  readonly node: string;
  /**
   * Replaces all that the attachment offers, in one transaction; whoever had its addresses in that network loses them.
   * @throws CniError code 11 where a DEL or another ADD of this attachment has begun since
   */
  readonly register: (registration: Registration) => readonly Instance[];
  /**
   * Takes all away that the attachment offers, and has an ADD that began before `atUs` (microseconds of CLOCK_MONOTONIC)
   * refused. What is not registered is withdrawn already; what an ADD has made that began later stays.
   * @param proof given by whoever has found it dead: what was attached anew meanwhile, with another proof, stays
   */
  readonly withdraw: (key: AttachmentKey, atUs: number, proof?: Proof) => readonly Instance[];
  /** Registers what no plugin has attached; the same id again replaces. */
  readonly put: (draft: InstanceDraft) => Instance;
  /** Undefined where there is no such instance. */
  readonly update: (id: string, update: InstanceUpdate) => Instance | undefined;
  /**
   * The same for many, in one transaction; what is not there is passed over.
   * @param mayChange asked inside of the transaction, with the instance as it is
   */
  readonly updateAll: (
    updates: ReadonlyMap<string, InstanceUpdate>,
    mayChange?: (instance: Instance) => boolean,
  ) => readonly Instance[];
  /** Returns what was there. */
  readonly remove: (ids: readonly string[]) => readonly Instance[];
  readonly get: (id: string) => Instance | undefined;
  /** All of them, in the order of their registration. */
  readonly instances: () => readonly Instance[];
  /** What one attachment offers. */
  readonly ofAttachment: (key: AttachmentKey) => readonly Instance[];
  readonly attachment: (key: AttachmentKey) => AttachmentRecord | undefined;
  /** Whether it is attached, or has gone not long ago: what is neither, nobody has told of. */
  readonly hasKnown: (key: AttachmentKey) => boolean;
  readonly attachments: () => readonly AttachmentRecord[];
  /** Every gateway of an attachment, once, in canonical text. */
  readonly gateways: () => readonly string[];
  /** Grows by one with every transaction that changed something. */
  readonly revision: () => number;
  /** In order; undefined where the history does not reach back so far: read everything. */
  readonly changesSince: (revision: number) => readonly Change[] | undefined;
  /** Differs from the last answer when another connection has written since; costs a few microseconds. */
  readonly dataVersion: () => number;
  /** Up to which revision an outside registry has been told; undefined where this store has never told it anything. */
  readonly mirrored: (mirror: string) => number | undefined;
  /**
   * Of names that are the same before an `@`, only the last one set is remembered.
   * @param refused the instances that the registry does not take at the moment, with its reason
   */
  readonly setMirrored: (mirror: string, revision: number, refused?: ReadonlyMap<string, string>) => void;
  /** Why an outside registry does not take instances, by their ids. */
  readonly refusals: (mirror: string) => ReadonlyMap<string, string>;
  /** @throws StoreFailure where a page of the file is damaged */
  readonly checkPages: () => void;
  /** The same, and reads every record. */
  readonly verify: () => void;
  /** Moves the journal into the file, so that no plugin must. */
  readonly checkpoint: () => void;
  /** Leaves the file to others; a second time does nothing. The last one to leave it writes the journal back. */
  readonly close: () => void;
};
