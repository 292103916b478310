import { statSync } from 'node:fs';
import type { FileIdentity, Hello } from './protocol.ts';

/** The namespaces and the root of this process: a caller that has others goes its own way. */
export function whereWeAre(): Omit<Hello, 'buildId'> {
  return {
    netNamespace: identify('/proc/self/ns/net'),
    mountNamespace: identify('/proc/self/ns/mnt'),
    root: identify('/'),
  };
}

/** In some file systems, inodes have more digits than a number can. */
function identify(path: string): FileIdentity {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev}:${ino}`;
}
