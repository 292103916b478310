import type { Instance, Status } from '../../registry/instance.ts';
import type { ServiceKey } from '../../registry/view.ts';
import { nodeMarking, ownMeta, statusMarking, tagsMarking, toMarkings, weightMarking } from '../markings.ts';
import type { Entry } from '../mirror.ts';
import { outsideName } from '../service-name.ts';
import { objectOf, parseMetadata, type RawInstance } from './instance-info.ts';

/** Whose entries are written, and how long they live without being renewed. */
export type Registrant = { readonly node: string; readonly ttlMs: number };

/** Where an entry stands. */
export type Place = { readonly app: string; readonly instanceId: string };

/** What a client of Eureka goes by. */
export type EurekaStatus = 'UP' | 'DOWN' | 'OUT_OF_SERVICE';

const eurekaStatuses: Readonly<Record<Status, EurekaStatus>> = {
  passing: 'UP',
  critical: 'DOWN',
  draining: 'OUT_OF_SERVICE',
  maintenance: 'OUT_OF_SERVICE',
};

/** What an instance is in Eureka; its content is what is sent. Pure. */
export function renderRegistration(instance: Instance, registrant: Registrant): Entry {
  const place = toPlace(instance, registrant);
  return { key: toKey(place), content: JSON.stringify(toRegistration(instance, place, registrant)) };
}

/**
 * What the registry has, written as `renderRegistration` writes it: the same text where nobody has changed anything. A
 * status that an operator has set over the instance's own (`overriddenStatus`) is the operator's, and no change of ours.
 */
export function toContent(raw: RawInstance): string {
  const metadata = parseMetadata(raw.metadata);
  const isOverridden = overrideOf(raw) !== 'UNKNOWN';
  return JSON.stringify(
    inOrder({ ...raw, metadata, status: isOverridden ? ownStatus(metadata) : raw.status }),
  );
}

/** Where a machine's instance stands. */
export function toPlace(
  { id, ...service }: ServiceKey & Pick<Instance, 'id'>,
  { node }: Pick<Registrant, 'node'>,
): Place {
  return { app: toApp(outsideName(service)), instanceId: `${node}:${id}` };
}

/** The name of a service in Eureka, where it is written in upper case whoever registers it. */
export function toApp(name: string): string {
  return name.toUpperCase();
}

/** Under which secure name all entries of a machine are found, whatever their service. */
export function ownIndex(node: string): string {
  return `fairlead-${node}`;
}

/** Unique: the name of a service has no slash. */
export function toKey({ app, instanceId }: Place): string {
  return `${app}/${instanceId}`;
}

/** Undefined for what is not this machine's. */
export function parseOwnKey(key: string, node: string): Place | undefined {
  const [app = '', instanceId = ''] = key.split('/', 2);
  return app !== '' && instanceId.startsWith(`${node}:`) ? { app, instanceId } : undefined;
}

/** The key of an entry that the registry has; undefined for what is not this machine's. */
export function keyOf(raw: RawInstance, node: string): string | undefined {
  const key = `${raw.app}/${raw.instanceId}`;
  return parseOwnKey(key, node) && key;
}

/** The status that an entry's content says. */
export function statusIn(content: string): string {
  return String((JSON.parse(content) as RawInstance).status);
}

/** The same entry with another status. */
export function withStatus(content: string, status: EurekaStatus): string {
  return JSON.stringify({ ...JSON.parse(content), status });
}

function toRegistration(instance: Instance, { app, instanceId }: Place, { node, ttlMs }: Registrant) {
  const { address, family, port, endpoint } = instance;
  return inOrder({
    instanceId,
    // What clients put between `http://` and the port.
    hostName: family === 6 ? `[${address}]` : address,
    app,
    ipAddr: address,
    vipAddress: outsideName(instance),
    // Eureka lists a service, everything, or what has a name: this one makes the machine's own entries one list.
    secureVipAddress: ownIndex(node),
    status: eurekaStatuses[instance.status],
    port: { $: port, '@enabled': port > 0 },
    securePort: { $: 0, '@enabled': false },
    homePageUrl: /^https?:\/\//.test(endpoint) ? endpoint : undefined,
    dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
    leaseInfo: toLeaseInfo(ttlMs),
    metadata: toMetadata(instance, node),
  });
}

/** Eureka takes an entry that was renewed at least once away only after twice its duration. */
function toLeaseInfo(ttlMs: number) {
  return {
    renewalIntervalInSecs: Math.max(1, Math.round(ttlMs / 3_000)),
    durationInSecs: Math.floor(ttlMs / 2_000),
  };
}

function toMetadata(instance: Instance, node: string): Readonly<Record<string, string>> {
  const { status, tags, weight } = instance;
  return {
    ...ownMeta(instance),
    ...toMarkings(instance),
    [nodeMarking]: node,
    ...(status === 'passing' ? {} : { [statusMarking]: status }),
    ...(tags.length === 0 ? {} : { [tagsMarking]: JSON.stringify(tags) }),
    ...(weight === 1 ? {} : { [weightMarking]: String(weight) }),
  };
}

/** All that is written, in one order, and as the registry writes it. */
function inOrder(raw: RawInstance): RawInstance {
  const [lease, center] = [objectOf(raw.leaseInfo), objectOf(raw.dataCenterInfo)];
  return {
    instanceId: raw.instanceId,
    hostName: raw.hostName,
    app: raw.app,
    ipAddr: raw.ipAddr,
    vipAddress: raw.vipAddress,
    secureVipAddress: raw.secureVipAddress,
    status: raw.status,
    port: toPort(raw.port),
    securePort: toPort(raw.securePort),
    homePageUrl: raw.homePageUrl,
    dataCenterInfo: { '@class': center?.['@class'], name: center?.name },
    leaseInfo: {
      renewalIntervalInSecs: lease?.renewalIntervalInSecs,
      durationInSecs: lease?.durationInSecs,
    },
    metadata: sorted(objectOf(raw.metadata) ?? {}),
  };
}

function toPort(value: unknown) {
  const { $: port, '@enabled': enabled } = objectOf(value) ?? {};
  return { $: Number(port), '@enabled': String(enabled) };
}

/** The registry's order is that of a hash table. */
function sorted(pairs: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(pairs).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** Servers write its name in either way. */
function overrideOf(raw: RawInstance): unknown {
  return raw.overriddenStatus ?? raw.overriddenstatus ?? 'UNKNOWN';
}

function ownStatus(metadata: Readonly<Record<string, string>>): string {
  const marked = metadata[statusMarking] ?? 'passing';
  return Object.entries(eurekaStatuses).find(([status]) => status === marked)?.[1] ?? 'UNKNOWN';
}
