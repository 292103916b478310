import { createJudge } from '../attach/liveness.ts';
import type { Machine } from '../exec/machine.ts';
import type { AttachmentRecord } from './attachment.ts';
import type { Store } from './store.ts';

/** An attachment that was withdrawn although no DEL came, and why. */
export type Swept = { readonly attachment: AttachmentRecord; readonly because: string };

/**
 * Withdraws what is registered of containers that are proven dead: their namespace is gone or another one, or the machine
 * has started anew since.
 * @param atUs microseconds of CLOCK_MONOTONIC
 */
export function sweepDead(store: Store, machine: Machine, atUs: number): readonly Swept[] {
  const judge = createJudge(machine);
  return store.attachments().flatMap((attachment) => {
    const liveness = judge(attachment.proof);
    if (liveness.state !== 'dead') return [];
    store.withdraw(attachment, atUs, attachment.proof);
    return [{ attachment, because: liveness.because }];
  });
}
