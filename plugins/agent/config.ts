import type { ApiToken } from '../../lib/api/access.ts';
import type { BlocksSettings } from '../../lib/blocks/settings.ts';
import { Fields, parseText, unexpected } from '../../lib/cni/fields.ts';
import { dnsPort, parseServerAddress, type ServerAddress } from '../../lib/dns/server-address.ts';
import { type EtcdConfig, parseEtcdConfig } from '../../lib/etcd/config.ts';
import { type AlertRule, parseAlertRule } from '../../lib/health/alert-rule.ts';
import type { RateLimit } from '../../lib/limit/rate-limiter.ts';
import type { LogFormat } from '../../lib/log/log.ts';
import type { OverlaySettings } from '../../lib/overlay/settings.ts';
import { parseStorePath, parseZone } from '../../lib/registry/config.ts';
import { parseDuration } from '../../lib/registry/duration.ts';
import { defaultZone } from '../../lib/registry/instance.ts';
import { defaultResultsDir } from '../../lib/registry/restore.ts';
import { defaultStorePath } from '../../lib/registry/schema.ts';
import type { RoutingSettings } from '../../lib/routing/settings.ts';
import { parseAgentBlocksConfig } from './blocks-config.ts';
import { type CniSettings, parseCniConfig } from './cni-config.ts';
import { type DiscoveryConfig, parseDiscoveryConfig } from './discovery-config.ts';
import { parseAgentOverlayConfig } from './overlay-config.ts';
import { defaultRouting, parseAgentRoutingConfig } from './routing-config.ts';

/** Where the API is served. */
export type ApiListener =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly address: string; readonly port: number };

/** The files of the API's TLS; with `ca` callers need a certificate of it. */
export type TlsFiles = { readonly cert: string; readonly key: string; readonly ca?: string };

/** A token of the API: its text, or the file that holds it. */
export type TokenSource = Omit<ApiToken, 'token'> & { readonly token?: string; readonly file?: string };

/** The agent's configuration; README.md lists the fields. */
export type AgentConfig = {
  readonly store: string;
  readonly zone: string;
  readonly dns: {
    readonly listen: readonly ServerAddress[];
    /** Answers at every gateway of a registered container, on this port; undefined: does not. */
    readonly gatewayPort: number | undefined;
    readonly upstreams: readonly ServerAddress[];
    /** A file like resolv.conf that names more upstreams. */
    readonly resolvConf: string | undefined;
    readonly ttlSeconds: number;
    readonly negativeTtlSeconds: number;
    readonly visibility: 'network' | 'all';
    readonly rate: RateLimit | undefined;
  };
  readonly api: {
    readonly listen: readonly ApiListener[];
    readonly tokens: readonly TokenSource[];
    readonly tls: TlsFiles | undefined;
    readonly plaintext: boolean;
    readonly rate: RateLimit | undefined;
  };
  readonly health: { readonly concurrency: number };
  readonly alerts: readonly AlertRule[];
  readonly sweepMs: number;
  readonly resultsDir: string;
  /** Whether rules of attachments that others take away are put back. */
  readonly rules: boolean;
  /** How CNI calls are served; undefined where they are not. */
  readonly cni: CniSettings | undefined;
  readonly log: LogFormat;
  /** The file of outside registries; undefined: the usual one, where it is there; false: none. */
  readonly mirrors: string | false | undefined;
  /** The store that the hosts of a cluster share; undefined on a host of its own. */
  readonly etcd: EtcdConfig | undefined;
  readonly overlay: OverlaySettings | undefined;
  readonly discovery: DiscoveryConfig | undefined;
  readonly blocks: BlocksSettings | undefined;
  /** How the ways to other hosts' blocks are learned; without `blocks` there are none. */
  readonly routing: RoutingSettings;
};

const defaultApi = 'unix:/run/fairlead/api.sock';
const seconds = { min: 0, max: 3600 };

/**
 * @param json the configuration file's content; {} without one
 * @throws CniError code 7 naming the field
 */
export function parseAgentConfig(json: unknown): AgentConfig {
  const fields = new Fields(json, '');
  fields.only(
    ...['store', 'zone', 'dns', 'api', 'health', 'alerts', 'sweepInterval', 'resultsDir', 'rules'],
    ...['cni', 'log', 'mirrors', 'etcd', ...clusterFields],
  );
  const cni = fields.object('cni');
  return {
    store: fields.parsed('store', 'an absolute path', parseStorePath) ?? defaultStorePath,
    zone: fields.parsed('zone', 'a domain such as fairlead.internal', parseZone) ?? defaultZone,
    dns: parseDnsConfig(fields.object('dns') ?? new Fields({}, 'dns')),
    api: parseApiConfig(fields.object('api') ?? new Fields({}, 'api')),
    health: {
      concurrency: fields.object('health')?.integer('concurrency', { min: 1, max: 10_000 }) ?? 200,
    },
    alerts: fields.array('alerts', (item, path) => parseAlertRule(new Fields(item, path))) ?? [],
    sweepMs: durationOf(fields, 'sweepInterval') ?? 10_000,
    resultsDir: fields.parsed('resultsDir', 'an absolute path', parseStorePath) ?? defaultResultsDir,
    rules: fields.boolean('rules') ?? true,
    cni: cni === undefined ? undefined : parseCniConfig(cni),
    log:
      fields.parsed('log', '"text" or "json"', (text) =>
        text === 'text' || text === 'json' ? text : undefined,
      ) ?? 'text',
    mirrors:
      fields.raw('mirrors') === false ? false : fields.parsed('mirrors', 'an absolute path', parseStorePath),
    ...parseClusterConfig(fields),
  };
}

/** What hosts share over etcd. */
const clusterFields = ['overlay', 'discovery', 'blocks', 'routing'] as const;

type ClusterConfig = Pick<AgentConfig, 'etcd' | (typeof clusterFields)[number]>;

function parseClusterConfig(fields: Fields): ClusterConfig {
  const [etcd, overlay, discovery, blocks, routing] = (['etcd', ...clusterFields] as const).map((name) =>
    fields.object(name),
  );
  if (etcd === undefined && clusterFields.some((name) => fields.has(name))) return fields.missing('etcd');
  if (routing !== undefined && blocks === undefined) return fields.missing('blocks');
  return {
    etcd: etcd === undefined ? undefined : parseEtcdConfig(etcd),
    overlay: overlay === undefined ? undefined : parseAgentOverlayConfig(overlay),
    discovery: discovery === undefined ? undefined : parseDiscoveryConfig(discovery),
    blocks: blocks === undefined ? undefined : parseAgentBlocksConfig(blocks),
    routing: routing === undefined ? defaultRouting : parseAgentRoutingConfig(routing),
  };
}

function parseDnsConfig(fields: Fields): AgentConfig['dns'] {
  fields.only('listen', 'upstreams', 'resolvConf', 'ttl', 'negativeTtl', 'visibility', 'rateLimit');
  const listen = (fields.array('listen', parseDnsListener) ?? [gateways(dnsPort)]).flat();
  return {
    listen: listen.filter((each) => each.kind === 'address').map(({ address, port }) => ({ address, port })),
    gatewayPort: listen.find((each) => each.kind === 'gateways')?.port,
    upstreams: fields.array('upstreams', parseServer) ?? [],
    resolvConf: fields.parsed('resolvConf', 'an absolute path', parseStorePath),
    ttlSeconds: fields.integer('ttl', seconds) ?? 1,
    negativeTtlSeconds: fields.integer('negativeTtl', seconds) ?? 0,
    visibility:
      fields.parsed('visibility', '"network" or "all"', (text) =>
        text === 'network' || text === 'all' ? text : undefined,
      ) ?? 'network',
    rate: parseRate(fields),
  };
}

type DnsListener =
  | ({ readonly kind: 'address' } & ServerAddress)
  | { readonly kind: 'gateways'; readonly port: number };

function gateways(port: number): DnsListener[] {
  return [{ kind: 'gateways', port }];
}

/** `gateways`, `gateways:5300`, `none`, or an address with or without a port. */
function parseDnsListener(item: unknown, path: string): DnsListener[] {
  const text = parseText(item, path);
  if (text === 'none') return [];
  const [, port] = /^gateways(?::(\d{1,5}))?$/.exec(text) ?? [undefined];
  if (text.startsWith('gateways')) {
    const number = Number(port ?? dnsPort);
    if (/^gateways(:\d{1,5})?$/.test(text) && number >= 1 && number <= 65_535) return gateways(number);
    throw unexpected(path, 'gateways, or gateways:PORT', item);
  }
  return [{ kind: 'address', ...parseServer(item, path) }];
}

/** `10.0.0.1`, `10.0.0.1:5300`, `fd00::1`, `[fd00::1]:5300`. */
function parseServer(item: unknown, path: string): ServerAddress {
  const server = parseServerAddress(parseText(item, path));
  if (server !== undefined) return server;
  throw unexpected(path, 'an address such as 127.0.0.1:5300 or [fd00::1]:53', item);
}

function parseApiConfig(fields: Fields): AgentConfig['api'] {
  fields.only('listen', 'tokens', 'tls', 'plaintext', 'rateLimit');
  const tls = fields.object('tls');
  return {
    listen: (fields.array('listen', parseApiListener) ?? [parseApiListener(defaultApi, '')]).flat(),
    tokens: fields.array('tokens', parseToken) ?? [],
    tls: tls === undefined ? undefined : parseTls(tls),
    plaintext: fields.boolean('plaintext') ?? false,
    rate: parseRate(fields),
  };
}

/** `unix:/run/fairlead/api.sock`, `tcp:127.0.0.1:8600`, or `none`. */
function parseApiListener(item: unknown, path: string): ApiListener[] {
  const text = parseText(item, path);
  if (text === 'none') return [];
  if (/^tcp:.+:\d+$/.test(text) && (text.includes(']:') || text.split(':').length === 3))
    return [{ kind: 'tcp', ...parseServer(text.slice(4), path) }];
  const socket = text.startsWith('unix:') ? parseStorePath(text.slice(5)) : undefined;
  if (socket !== undefined && socket.length < 108) return [{ kind: 'unix', path: socket }];
  throw unexpected(path, 'unix:/an/absolute/path of at most 107 characters, or tcp:ADDRESS:PORT', item);
}

function parseTls(fields: Fields): TlsFiles {
  const path = (name: string) => fields.parsed(name, 'an absolute path', parseStorePath);
  const ca = path('ca');
  return {
    cert: path('cert') ?? fields.missing('cert'),
    key: path('key') ?? fields.missing('key'),
    ...(ca === undefined ? {} : { ca }),
  };
}

const shortestToken = 16;

function parseToken(item: unknown, path: string): TokenSource {
  const fields = new Fields(item, path);
  const token = fields.string('token');
  const file = fields.parsed('file', 'an absolute path', parseStorePath);
  const namespaces = fields.strings('namespaces');
  if ((token === undefined) === (file === undefined))
    throw unexpected(path, 'either token or file', 'both or none');
  if (token !== undefined && token.length < shortestToken)
    throw unexpected(fields.at('token'), `at least ${shortestToken} characters`, '(not shown)');
  const access = fields.parsed('access', '"read" or "write"', (text) =>
    text === 'read' || text === 'write' ? text : undefined,
  );
  return {
    name: fields.string('name') ?? fields.missing('name'),
    access: access ?? 'read',
    ...(token === undefined ? {} : { token }),
    ...(file === undefined ? {} : { file }),
    ...(namespaces === undefined ? {} : { namespaces }),
  };
}

function parseRate(fields: Fields): RateLimit | undefined {
  const rate = fields.object('rateLimit');
  if (rate === undefined) return undefined;
  const most = { min: 1, max: 10_000_000 };
  const perSecond = rate.integer('perSecond', most) ?? rate.missing('perSecond');
  return { perSecond, burst: rate.integer('burst', most) ?? perSecond };
}

function durationOf(fields: Fields, name: string): number | undefined {
  return fields.parsed(name, 'a duration such as "10s"', parseDuration);
}
