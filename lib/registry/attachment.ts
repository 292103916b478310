import type { Proof } from '../attach/liveness.ts';
import type { Declaration } from './declaration.ts';
import type { ContainerOwner, Instance } from './instance.ts';

/** What keys an attachment in one machine's registry. */
export type AttachmentKey = Pick<ContainerOwner, 'network' | 'containerId' | 'ifName'>;

/** What the registry remembers of an attachment. */
export type AttachmentRecord = AttachmentKey & {
  readonly host: string;
  readonly networkLabel: string;
  readonly proof: Proof;
  /** The gateways of its addresses, in canonical text: where this machine's agent answers it. */
  readonly gateways: readonly string[];
  /** What the plugins of the conflist have declared so far; a chained `register` completes it. */
  readonly declaration: Declaration;
};

/** The instance as planned: the store gives it its revision, and the labels that are free. */
export type InstanceDraft = Omit<Instance, 'revision' | 'service' | 'createdAtMs' | 'owner'>;

/** Registers all that one attachment offers. */
export type Registration = AttachmentKey & {
  readonly proof: Proof;
  /** When the call began, in microseconds of CLOCK_MONOTONIC: a DEL that began later wins over it. */
  readonly startedAtUs: number;
  readonly gateways: readonly string[];
  readonly declaration: Declaration;
  readonly instances: readonly InstanceDraft[];
};
