/** Where Envoy's own API is, in its namespace. */
export const adminPort = 9901;
/** Where Envoy takes the requests that it passes on, in its namespace. */
export const listenerPort = 10_000;

/** How Envoy reaches the agent: where, and what the agent asks of its callers there. */
export type AgentAccess =
  | { readonly socket: string }
  | { readonly address: string; readonly port: number; readonly ca: string; readonly token: string };

export type Subscription = {
  readonly agent: AgentAccess;
  /** What the agent is asked for the endpoints of. */
  readonly resource: string;
  readonly refreshDelay: string;
  readonly requestTimeout: string;
};

/** The configuration of an Envoy that passes requests on to the endpoints which it asks the agent for over REST. */
export function renderEnvoyConfig({ agent, resource, refreshDelay, requestTimeout }: Subscription): string {
  const source = {
    api_type: 'REST',
    transport_api_version: 'V3',
    cluster_names: ['agent'],
    refresh_delay: refreshDelay,
    request_timeout: requestTimeout,
  };
  const eds = {
    service_name: resource,
    // So long Envoy waits for a first answer before it takes requests.
    eds_config: { resource_api_version: 'V3', initial_fetch_timeout: '3s', api_config_source: source },
  };
  return JSON.stringify({
    node: { id: 'envoy-of-tests', cluster: 'tests' },
    admin: { address: socketAddress('127.0.0.1', adminPort) },
    static_resources: {
      listeners: [toListener('backends')],
      clusters: [
        { name: 'agent', connect_timeout: '1s', ...toAgentCluster(agent) },
        { name: 'backends', type: 'EDS', connect_timeout: '1s', eds_cluster_config: eds },
      ],
    },
  });
}

function toAgentCluster(agent: AgentAccess): object {
  if ('socket' in agent) return { load_assignment: assignmentOf({ pipe: { path: agent.socket } }) };
  const { address, port, ca, token } = agent;
  const tls = {
    sni: address,
    common_tls_context: { validation_context: { trusted_ca: { filename: ca } } },
  };
  return {
    load_assignment: assignmentOf(socketAddress(address, port)),
    transport_socket: {
      name: 'envoy.transport_sockets.tls',
      typed_config: { '@type': typeOf('transport_sockets.tls.v3.UpstreamTlsContext'), ...tls },
    },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': typeOf('upstreams.http.v3.HttpProtocolOptions'),
        explicit_http_config: { http_protocol_options: {} },
        http_filters: [bearing(token), upstreamCodec],
      },
    },
  };
}

/** A REST subscription has no headers of its own: those that are always the same are added on the way to the agent. */
function bearing(token: string): object {
  const header = { key: 'authorization', value: `Bearer ${token}` };
  const mutations = {
    request_mutations: [{ append: { header, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' } }],
  };
  return {
    name: 'token',
    typed_config: { '@type': typeOf('filters.http.header_mutation.v3.HeaderMutation'), mutations },
  };
}

const upstreamCodec = {
  name: 'codec',
  typed_config: { '@type': typeOf('filters.http.upstream_codec.v3.UpstreamCodec') },
};

function toListener(cluster: string): object {
  const manager = {
    '@type': typeOf('filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'backends',
    route_config: {
      virtual_hosts: [
        { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster } }] },
      ],
    },
    http_filters: [{ name: 'router', typed_config: { '@type': typeOf('filters.http.router.v3.Router') } }],
  };
  const filter = { name: 'http', typed_config: manager };
  return {
    name: 'requests',
    address: socketAddress('127.0.0.1', listenerPort),
    filter_chains: [{ filters: [filter] }],
  };
}

function assignmentOf(address: object): object {
  return { cluster_name: 'agent', endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] };
}

function socketAddress(address: string, port: number): object {
  return { socket_address: { address, port_value: port } };
}

function typeOf(extension: string): string {
  return `type.googleapis.com/envoy.extensions.${extension}`;
}
