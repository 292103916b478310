import { overlayProtocol } from './wish.ts';

/** Tells of every change, one a line; of the FDB's among the neighbours. */
export const monitor = {
  file: 'ip',
  args: ['-o', 'monitor', 'label', 'link', 'address', 'route', 'neigh'],
} as const;

/** What of the kernel is listened for. */
export type Heard = {
  /** The overlay's devices, of which everything counts. */
  readonly devices: ReadonlySet<string>;
  /** The interface of the underlay, of which the link and its addresses count. */
  readonly outer: string | undefined;
};

/** Whether a line of a monitor may tell of something that the overlay depends on. */
export function concerns(line: string, { devices, outer }: Heard): boolean {
  const words = line.split(/[\s:@]+/);
  if (words.some((word) => devices.has(word))) return true;
  const isOfLink = line.startsWith('[LINK]') || line.startsWith('[ADDR]');
  return (
    outer !== undefined && words.includes(outer) && (isOfLink || line.includes(`proto ${overlayProtocol}`))
  );
}
