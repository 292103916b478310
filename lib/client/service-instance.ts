/** An instance of a service as the agent's API shows it, as far as callers need it. */
export type ServiceInstance = {
  readonly id: string;
  readonly namespace: string;
  readonly service: string;
  /** An IP address. */
  readonly host: string;
  readonly family: 4 | 6;
  /** 0 where the service has no port. */
  readonly port: number;
  readonly portName: string;
  readonly protocol: string;
  /** Host and port as they stand in a URL: "10.1.0.2:80", "[fd00::2]:80". */
  readonly authority: string;
  readonly weight: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  /** A path or URL that the service tells its callers; empty where there is none. */
  readonly endpoint: string;
  readonly status: string;
  /** The same for all instances of one container's interface. */
  readonly attachment: string;
};

/** One change of a service. */
export type ServiceChange = { readonly kind: 'put' | 'remove'; readonly instance: ServiceInstance };

/** @throws Error where the JSON is not what the agent sends */
export function parseSnapshot(json: string): readonly ServiceInstance[] {
  return listOf(json, 'instances').map(parseInstance);
}

/** @throws Error where the JSON is not what the agent sends */
export function parseChanges(json: string): readonly ServiceChange[] {
  return listOf(json, 'changes').map((change) => {
    const { kind, instance } = objectOf(change);
    if (kind !== 'put' && kind !== 'remove') throw malformed('kind', kind);
    return { kind, instance: parseInstance(instance) };
  });
}

/** @throws Error where the value is not an instance as the agent shows it */
export function parseInstance(value: unknown): ServiceInstance {
  const fields = objectOf(value);
  const { id, host, port } = fields;
  if (typeof id !== 'string') throw malformed('id', id);
  if (typeof host !== 'string') throw malformed('host', host);
  if (typeof port !== 'number') throw malformed('port', port);
  const isV6 = host.includes(':');
  const authorityHost = isV6 ? `[${host}]` : host;
  return {
    id,
    host,
    port,
    family: isV6 ? 6 : 4,
    authority: port === 0 ? authorityHost : `${authorityHost}:${port}`,
    namespace: text(fields.namespace),
    service: text(fields.service),
    portName: text(fields.portName),
    protocol: text(fields.protocol),
    weight: typeof fields.weight === 'number' ? fields.weight : 1,
    tags: Array.isArray(fields.tags) ? fields.tags.map(String) : [],
    meta: metaOf(fields.meta),
    endpoint: text(fields.endpoint),
    status: text(fields.status),
    attachment: attachmentOf(id, fields.owner),
  };
}

function attachmentOf(id: string, owner: unknown): string {
  if (typeof owner !== 'object' || owner === null) return id;
  const { kind, node, network, containerId, interface: ifName } = owner as Record<string, unknown>;
  return kind === 'container' ? [node, network, containerId, ifName].map(text).join('/') : id;
}

function listOf(json: string, name: string): readonly unknown[] {
  const list = objectOf(JSON.parse(json))[name];
  if (!Array.isArray(list)) throw malformed(name, list);
  return list;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw malformed('an object', value);
  return value as Record<string, unknown>;
}

function metaOf(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, text(each)]));
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function malformed(what: string, found: unknown): Error {
  return new Error(
    `the agent sent ${JSON.stringify(found) ?? 'nothing'} for ${what}: is this a Fairlead agent?`,
  );
}
