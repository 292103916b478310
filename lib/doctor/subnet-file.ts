import { messageOf } from '../errors/cni-error.ts';
import type { SubnetEnv } from '../overlay/subnet-env.ts';
import { readSubnetEnv } from '../overlay/subnet-env-file.ts';

/** The file in which an agent or flanneld says what this host has of the overlay. */
export type SubnetFile = { readonly path: string } & (
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly because: string }
  | { readonly kind: 'read'; readonly env: SubnetEnv }
);

export function readSubnetFile(path: string): SubnetFile {
  try {
    const env = readSubnetEnv(path);
    return env === undefined ? { path, kind: 'absent' } : { path, kind: 'read', env };
  } catch (error) {
    return { path, kind: 'unreadable', because: messageOf(error) };
  }
}
