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

const namespaces = ['net', 'mnt', 'user'] as const;

/**
 * Whether a process has our network, mounts and user namespace: root of a container must have nothing carried out by
 * root of the host. Not so for a process that has ended, or that we cannot see.
 */
export function livesHere(pid: number): boolean {
  const of = (process: number | 'self') =>
    namespaces.map((name) => identify(`/proc/${process}/ns/${name}`)).join();
  try {
    return pid > 0 && of(pid) === of('self');
  } catch {
    return false;
  }
}

/** In some file systems, inodes have more digits than a number can. */
function identify(path: string): FileIdentity {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev}:${ino}`;
}
