import { type Contents, emptyContents } from './answer.ts';
import type { Labels } from './name.ts';
import type { ResourceRecord } from './record.ts';
import type { Zone } from './zone-config.ts';
import type { Lookup } from './zone-names.ts';

/** Who asks, of which zone, and where. */
export type Asking = Pick<Lookup, 'view' | 'scope'> & {
  readonly zone: Zone;
  /** The address that was asked, in canonical text: there the zone's name server is, as far as this asker is concerned. */
  readonly listener?: string;
};

/** The name server's label below the zone. */
const nameServerLabel = 'ns';

/** What the zone itself and its name server have; undefined for every other name. */
export function findOfApex(below: Labels, asking: Asking): Contents | undefined {
  if (below.length === 0) return apexContents(asking);
  return below.length === 1 && below[0] === nameServerLabel ? nameServerContents(asking) : undefined;
}

function apexContents(asking: Asking): Contents {
  const { labels, ttlSeconds } = asking.zone;
  const target = [nameServerLabel, ...labels];
  const { A = () => [], AAAA = () => [] } = nameServerContents(asking).sets;
  return {
    sets: {
      SOA: () => [soaOf(labels, asking).data],
      NS: () => [{ type: 'NS', target }],
    },
    additional: { NS: () => [...A(), ...AAAA()].map((data) => ({ name: target, ttlSeconds, data })) },
  };
}

function nameServerContents({ listener }: Asking): Contents {
  if (listener === undefined) return emptyContents;
  return listener.includes(':')
    ? { sets: { AAAA: () => [{ type: 'AAAA', address: listener }] } }
    : { sets: { A: () => [{ type: 'A', address: listener }] } };
}

/** The SOA record that goes with the absence of others; its serial is the registry's revision. */
export function soaOf(name: Labels, { view, zone }: Asking): ResourceRecord {
  return {
    name,
    ttlSeconds: zone.negativeTtlSeconds,
    data: {
      type: 'SOA',
      primary: [nameServerLabel, ...zone.labels],
      mailbox: ['hostmaster', ...zone.labels],
      serial: Math.max(view.revision, 0) >>> 0,
      minimum: zone.negativeTtlSeconds,
    },
  };
}
