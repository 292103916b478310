import { readPassword } from '../password.ts';
import type { BirdSettings, PasswordSource } from '../settings.ts';

/** Passwords as they are rendered. */
export type BirdPasswords = {
  /** Of the sessions between the hosts. */
  readonly hosts: string | undefined;
  /** Of the configured peers, in their order. */
  readonly peers: readonly (string | undefined)[];
};

/** Read for each comparison: a password that was changed is in force with the next one. @throws CniError */
export function readPasswords({ password, peers }: BirdSettings): BirdPasswords {
  return { hosts: readIfAny(password), peers: peers.map((peer) => readIfAny(peer.password)) };
}

function readIfAny(source: PasswordSource | undefined): string | undefined {
  return source === undefined ? undefined : readPassword(source);
}
