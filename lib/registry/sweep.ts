import { createJudge } from '../attach/liveness.ts';
import type { Machine } from '../exec/machine.ts';
import type { AttachmentRecord } from './attachment.ts';
import type { Store } from './store.ts';

/** An attachment whose container is dead although no DEL came, and why that is known. */
export type Dead = { readonly attachment: AttachmentRecord; readonly because: string };

/**
 * What is registered of containers that are proven dead: their namespace is gone or another one, or the machine has
 * started anew since.
 */
export function findDead(store: Pick<Store, 'attachments'>, machine: Machine): readonly Dead[] {
  const judge = createJudge(machine);
  return store.attachments().flatMap((attachment) => {
    const liveness = judge(attachment.proof);
    return liveness.state === 'dead' ? [{ attachment, because: liveness.because }] : [];
  });
}

/**
 * Withdraws what is dead, but for what was attached anew since it was looked at.
 * @param atUs microseconds of CLOCK_MONOTONIC
 */
export function withdrawDead(store: Pick<Store, 'withdraw'>, dead: readonly Dead[], atUs: number): void {
  for (const { attachment } of dead) store.withdraw(attachment, atUs, attachment.proof);
}

/** Withdraws all that is dead. @returns what that was */
export function sweepDead(store: Store, machine: Machine, atUs: number): readonly Dead[] {
  const dead = findDead(store, machine);
  withdrawDead(store, dead, atUs);
  return dead;
}
