import { Gauge, type Registry } from 'prom-client';
import type { MirrorStatus } from '../../lib/mirror/status.ts';
import type { Mirrors } from './mirrors.ts';

type Measure = {
  readonly name: string;
  readonly help: string;
  readonly of: (status: MirrorStatus) => number;
};

const measures: readonly Measure[] = [
  {
    name: 'fairlead_mirror_up',
    help: 'Whether the last delivery to the outside registry went well, and lasts: 1, or 0.',
    of: ({ state }) => Number(state === 'delivered' || state === 'delivering'),
  },
  {
    name: 'fairlead_mirror_lag',
    help: 'Revisions of the registry that the outside registry was not told of.',
    of: ({ lag }) => lag ?? 0,
  },
  {
    name: 'fairlead_mirror_entries',
    help: "This host's entries that are to stand in the outside registry.",
    of: ({ entries }) => entries,
  },
  {
    name: 'fairlead_mirror_refused',
    help: 'Entries that the outside registry does not take.',
    of: ({ refusedCount }) => refusedCount,
  },
  {
    name: 'fairlead_mirror_delivered_seconds',
    help: 'When the last delivery went well, in seconds since 1970; 0: never.',
    of: ({ deliveredAtMs = 0 }) => deliveredAtMs / 1000,
  },
  {
    name: 'fairlead_mirror_imported',
    help: 'Instances that are imported from the outside registry.',
    of: ({ imports }) => imports?.instances ?? 0,
  },
];

/** One value for each outside registry, by its name and kind. */
export function addMirrorMetrics(registry: Registry, mirrors: Pick<Mirrors, 'status'>): void {
  for (const { name, help, of } of measures)
    new Gauge({
      name,
      help,
      labelNames: ['mirror', 'kind'],
      registers: [registry],
      collect() {
        for (const status of mirrors.status())
          this.set({ mirror: status.name, kind: status.kind }, of(status));
      },
    });
}
