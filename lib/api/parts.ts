import type { Picker } from '../balance/balancer.ts';
import type { HostRelease } from '../blocks/release-host.ts';
import type { IpamStatus } from '../blocks/status.ts';
import type { MirrorStatus } from '../mirror/status.ts';
import type { OverlayStatus } from '../overlay/status.ts';
import type { Status } from '../registry/instance.ts';
import type { Store } from '../registry/store.ts';
import type { RegistryView } from '../registry/view.ts';
import type { CniStatus } from '../resident/status.ts';
import type { BgpStatus } from '../routing/bgp-status.ts';
import type { RoutingStatus } from '../routing/router.ts';
import type { Refusals } from '../xds/refusals.ts';
import type { CandidateLists } from './candidate-lists.ts';
import type { ConsulIndexes } from './consul-index.ts';
import type { History } from './history.ts';
import type { InstanceTexts } from './instance-text.ts';
import type { ApiLimits } from './limits.ts';
import type { RevisionCache } from './revision-cache.ts';
import type { Topics } from './topics.ts';
import type { WatchTexts } from './watch-text.ts';

/** What a heartbeat has done: it counted, no such instance is on this machine, or the instance has no TTL check. */
export type HeartbeatOutcome = 'ok' | 'unknown' | 'no-ttl';

/** The agent's health checks, as far as the API has to do with them. */
export type ApiHealth = {
  readonly heartbeat: (id: string, status: Extract<Status, 'passing' | 'critical'>) => HeartbeatOutcome;
  /** What is wrong with the agent besides its registry, one line each; such an agent is not healthy. */
  readonly problems?: () => readonly string[];
};

/** What `/metrics` shows: a `Registry` of prom-client. */
export type ApiMetrics = { readonly contentType: string; readonly metrics: () => Promise<string> };

/** The machine as the Consul-shaped answers describe it. */
export type ApiNode = {
  readonly name: string;
  /** Where the machine itself is reached; empty where nobody said. */
  readonly address: string;
  readonly datacenter: string;
  readonly version: string;
};

/** The cluster's addresses and the ways to them, as far as the API has to do with them. */
export type ApiRouted = {
  readonly ipam: () => IpamStatus;
  readonly routes: () => RoutingStatus;
  /** Undefined where the agent writes the routes itself, and there is no BIRD. */
  readonly bgp: () => Promise<BgpStatus | undefined>;
  /** @param host its name or its id */
  readonly releaseHost: (host: string, how: { readonly force: boolean }) => Promise<HostRelease>;
};

/** What the agent gives to the API. */
export type ApiServices = {
  /** For writing, and for history. */
  readonly store: Store;
  /** For reading; it has a store of its own, since SQLite tells no connection of its own writes. */
  readonly view: RegistryView;
  readonly picker: Picker;
  readonly metrics: ApiMetrics;
  readonly health: ApiHealth;
  readonly node: ApiNode;
  /** Undefined where the machine is in no overlay. */
  readonly overlay: () => OverlayStatus | undefined;
  /** Undefined where the machine has no part in the cluster's addresses. */
  readonly routed?: ApiRouted | undefined;
  /** How the outside registries stand; undefined where nobody serves any. */
  readonly mirrors?: (() => readonly MirrorStatus[]) | undefined;
  /** How CNI calls are served; undefined where nobody serves any. */
  readonly cni?: (() => CniStatus) | undefined;
  /** Below it services have names in DNS; `fairlead.internal` unless set. */
  readonly zone?: string;
  readonly limits: ApiLimits;
};

/** What the routes work with. */
export type ApiParts = ApiServices & {
  readonly topics: Topics;
  readonly history: History;
  readonly indexes: ConsulIndexes;
  readonly instanceTexts: InstanceTexts;
  readonly candidateLists: CandidateLists;
  readonly watchTexts: WatchTexts;
  readonly answers: RevisionCache;
  readonly refusals: Refusals;
};
