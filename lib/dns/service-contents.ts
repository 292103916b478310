import type { Family } from '../net/address.ts';
import { type Instance, isHealthy } from '../registry/instance.ts';
import type { RegistryView } from '../registry/view.ts';
import type { Contents } from './answer.ts';
import type { Labels } from './name.ts';
import type { RecordData, ResourceRecord } from './record.ts';

/** What turns instances into records. */
export type Publication = {
  readonly view: RegistryView;
  /** The zone's own labels. */
  readonly zone: Labels;
  readonly ttlSeconds: number;
};

/** What a name that stands for many has: who is healthy, each address once. */
export function balancedContents(named: readonly Instance[], publication: Publication): Contents {
  return contentsOf(named.filter(isHealthy), publication);
}

/** More records fit into no message: 65,535 octets, of which the shortest record takes 16. */
const mostRecords = 4096;

function contentsOf(instances: readonly Instance[], publication: Publication): Contents {
  const withPort = instances.filter(({ port }) => port !== 0).slice(0, mostRecords);
  return {
    sets: {
      A: () => addressRecords(withTraffic(instances), 4),
      AAAA: () => addressRecords(withTraffic(instances), 6),
      SRV: () => srvRecords(withPort, publication.zone),
      TXT: () => textRecords(instances),
    },
    additional: { SRV: () => targetAddresses(withPort, publication) },
  };
}

/**
 * What a name that stands for one instance has, whatever its health: who asks by such a name wants this one and no
 * other, and an address's PTR must lead back to it.
 */
export function instanceContents(named: readonly Instance[], publication: Publication): Contents {
  const { sets, additional } = contentsOf(named, publication);
  return {
    sets: { ...sets, A: () => addressRecords(named, 4), AAAA: () => addressRecords(named, 6) },
    ...(additional === undefined ? {} : { additional }),
  };
}

/** What `_port._transport` of a service has. */
export function portContents(named: readonly Instance[], publication: Publication): Contents {
  const { sets, additional } = balancedContents(named, publication);
  return {
    sets: sets.SRV === undefined ? {} : { SRV: sets.SRV },
    ...(additional === undefined ? {} : { additional }),
  };
}

/** What a container's own name has, whatever its health: it is an entry of an address book, not a balancer. */
export function hostContents(instances: readonly Instance[]): Contents {
  return {
    sets: {
      A: () => addressRecords(instances, 4),
      AAAA: () => addressRecords(instances, 6),
      TXT: () => textRecords(instances),
    },
  };
}

/** Without those of weight 0, as long as there are others. */
function withTraffic(instances: readonly Instance[]): readonly Instance[] {
  const weighted = instances.filter(({ weight }) => weight > 0);
  return weighted.length === 0 ? instances : weighted;
}

function addressRecords(instances: readonly Instance[], wanted: Family): readonly RecordData[] {
  const addresses = instances.filter(({ family }) => family === wanted).map(({ address }) => address);
  return [...new Set(addresses)].map(toAddressRecord);
}

function toAddressRecord(address: string): RecordData {
  return { type: address.includes(':') ? 'AAAA' : 'A', address };
}

/** An instance with an address of each family is two in the registry, and one here. */
function srvRecords(instances: readonly Instance[], zone: Labels): readonly RecordData[] {
  const records = instances.map((instance): [string, RecordData] => {
    const { weight, port } = instance;
    const target = targetOf(instance, zone);
    return [`${port} ${target.join('.')}`, { type: 'SRV', priority: 0, weight, port, target }];
  });
  return [...new Map(records).values()];
}

/** The name by which an instance alone is known: what its PTR says, and its SRV record. */
export function targetOf({ id, service, namespace, owner }: Instance, zone: Labels): Labels {
  return owner.kind === 'container'
    ? [owner.host, owner.networkLabel, ...zone]
    : [id, service, namespace, 'svc', ...zone];
}

/** SRV records at most whose targets' addresses are sent along: an answer with more is long enough. */
const mostWithAddresses = 100;

function targetAddresses(instances: readonly Instance[], publication: Publication): ResourceRecord[] {
  if (instances.length > mostWithAddresses) return [];
  const { view, zone, ttlSeconds } = publication;
  const byTarget = new Map(
    instances.map((instance) => [targetOf(instance, zone).join('.'), instance] as const),
  );
  return [...byTarget.values()].flatMap((instance) => {
    const { owner } = instance;
    const same = owner.kind === 'container' ? view.ofHost(owner.networkLabel, owner.host) : [instance];
    const name = targetOf(instance, zone);
    return [...new Set(same.map(({ address }) => address))].map((address) => ({
      name,
      ttlSeconds,
      data: toAddressRecord(address),
    }));
  });
}

/** A record for each instance that says something, those that say the same together (RFC 6763, section 6, has the form). */
function textRecords(instances: readonly Instance[]): readonly RecordData[] {
  const records = instances.map(stringsOf).filter((strings) => strings.length > 0);
  const distinct = new Map(records.map((strings) => [strings.join('\0'), strings]));
  return [...distinct.values()].map((strings) => ({ type: 'TXT', strings }));
}

function stringsOf({ tags, endpoint, meta }: Instance): readonly string[] {
  return [
    ...tags.map((tag) => `tag=${tag}`),
    ...(endpoint === '' ? [] : [`endpoint=${endpoint}`]),
    ...Object.entries(meta).map(([key, value]) => `${key}=${value}`),
  ];
}
