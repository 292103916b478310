import { formatCidr } from '../../net/cidr.ts';
import { overlayMasquerade } from './masquerade.ts';
import type { Target } from './target.ts';

/** Tells of every change of the network, one a line; of the FDB's among the neighbours. */
export const networkMonitor = {
  file: 'ip',
  args: ['-o', 'monitor', 'label', 'link', 'address', 'route', 'neigh'],
} as const;

/** What of the kernel is listened for. */
export type Heard = {
  /** The overlay's devices, of which everything counts. */
  readonly devices: ReadonlySet<string>;
  /** Those among them that learn MACs. Each is a line, and whoever sends into the overlay may invent thousands a second. */
  readonly learning: ReadonlySet<string>;
  /** Of what routes: where one is replaced only the new one is told, which may be anybody's. */
  readonly destinations: ReadonlySet<string>;
  /** The interface of the underlay, of which the link and its addresses count. */
  readonly outer: string | undefined;
};

/** What to listen for while the kernel is kept as the target says; the underlay may be that of the default route. */
export function heardOf({ planes }: Pick<Target, 'planes'>, outer: string | undefined): Heard {
  return {
    devices: new Set(planes.map(({ plane }) => plane.device)),
    learning: new Set(planes.flatMap(({ plane }) => (plane.mode === 'l2' ? [plane.device] : []))),
    destinations: new Set([
      'default',
      ...planes.flatMap(({ peers }) => peers.map(({ subnet }) => formatCidr(subnet))),
    ]),
    outer,
  };
}

/** Whether a line of a monitor may tell of something that the overlay depends on. */
export function concerns(line: string, { devices, learning, destinations, outer }: Heard): boolean {
  const [, label, text = ''] = /^\[(\w+)\](.*)/.exec(line) ?? [];
  const words = text.split(/[\s@]+|:\s/);
  if (label === 'NEIGH' && words.some((word) => learning.has(word))) return words.includes('PERMANENT');
  if (words.some((word) => devices.has(word))) return true;
  if (label === 'ROUTE') return words.some((word) => destinations.has(word));
  return label !== 'NEIGH' && outer !== undefined && words.includes(outer);
}

/** Tells of every rule that goes, be it by a flush of all rules, as a firewall's reload makes it. */
export const ruleMonitor = { file: 'nft', args: ['monitor', 'destroy', 'rules'] } as const;

/** Whether a line of that monitor tells of the overlay's masquerade. */
export function concernsMasquerade(line: string): boolean {
  const { table, chain } = overlayMasquerade([]);
  return line.startsWith(`delete rule ${table.family} ${table.name} ${chain} `);
}
