import type { SubnetEnv } from '../overlay/subnet-env/subnet-env.ts';
import { readSubnetEnv } from '../overlay/subnet-env/subnet-env-file.ts';
import { type Trouble, toTrouble } from './trouble.ts';

/** The file in which an agent or flanneld says what this host has of the overlay. */
export type SubnetFile = { readonly path: string } & (
  | { readonly kind: 'absent' }
  | Trouble
  | { readonly kind: 'read'; readonly env: SubnetEnv }
);

export function readSubnetFile(path: string): SubnetFile {
  try {
    const env = readSubnetEnv(path);
    return env === undefined ? { path, kind: 'absent' } : { path, kind: 'read', env };
  } catch (error) {
    return { path, ...toTrouble(error) };
  }
}
