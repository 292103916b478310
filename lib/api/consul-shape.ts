import type { Instance, Status } from '../registry/instance.ts';
import type { ApiNode } from './parts.ts';

/** Who describes the instances: the machine, and the id under which they name it. */
export type Describer = { readonly node: ApiNode; readonly nodeId: string };

/** An entry of Consul's `/v1/health/service/:service`. */
export function toHealthEntry(instance: Instance, describer: Describer) {
  return {
    Node: toNode(instance, describer),
    Service: toService(instance),
    Checks: [toCheck(instance, describer)],
  };
}

/** An entry of Consul's `/v1/catalog/service/:service`. */
export function toCatalogEntry(instance: Instance, describer: Describer) {
  const { ID, Node, Address, Datacenter, TaggedAddresses } = toNode(instance, describer);
  const { Service, Tags, Meta, Port, Weights } = toService(instance);
  return {
    ID,
    Node,
    Address,
    Datacenter,
    TaggedAddresses,
    NodeMeta: {},
    ServiceKind: '',
    ServiceID: instance.id,
    ServiceName: Service,
    ServiceTags: Tags,
    ServiceAddress: instance.address,
    ServiceTaggedAddresses: toTaggedAddresses(instance),
    ServiceWeights: Weights,
    ServiceMeta: Meta,
    ServicePort: Port,
    ServiceEnableTagOverride: false,
    Namespace: instance.namespace,
    ...toIndexes(instance),
  };
}

/** What Consul's `/v1/agent/self` is asked for: the datacenter, and who answers. */
export function toSelf({ node, nodeId }: Describer) {
  const { name, address, datacenter, version } = node;
  return {
    Config: { Datacenter: datacenter, NodeName: name, NodeID: nodeId, Server: true, Version: version },
    Member: { Name: name, Addr: address, Status: 1, Tags: { dc: datacenter, role: 'consul' } },
    Meta: {},
    Stats: {},
  };
}

function toNode(instance: Instance, { node, nodeId }: Describer) {
  const { owner } = instance;
  const isOurs = owner.node === nodeId;
  const address = isOurs ? node.address : '';
  return {
    ID: owner.node,
    Node: isOurs ? node.name : owner.node,
    Address: address,
    Datacenter: node.datacenter,
    TaggedAddresses: address === '' ? {} : { lan: address, wan: address },
    Meta: {},
    ...toIndexes(instance),
  };
}

function toService(instance: Instance) {
  const { id, service, namespace, address, port, tags, meta, weight } = instance;
  return {
    ID: id,
    // The label, not the name as it was given: the catalog's keys are asked for again.
    Service: service,
    Tags: tags,
    Address: address,
    TaggedAddresses: toTaggedAddresses(instance),
    Meta: meta,
    Port: port,
    Weights: { Passing: weight, Warning: weight },
    EnableTagOverride: false,
    Namespace: namespace,
    ...toIndexes(instance),
  };
}

function toTaggedAddresses({ family, address, port }: Instance) {
  return { [`lan_ipv${family}`]: { Address: address, Port: port } };
}

/** Consul has no draining: whoever takes "warning" would still send new traffic there. */
function toCheck(instance: Instance, describer: Describer) {
  const { id, service, namespace, tags, status, check } = instance;
  const isMaintenance = status === 'maintenance';
  return {
    Node: toNode(instance, describer).Node,
    CheckID: isMaintenance ? `_service_maintenance:${id}` : `service:${id}`,
    Name: isMaintenance ? 'Service Maintenance Mode' : `Service '${service}' check`,
    Status: status === 'passing' ? 'passing' : 'critical',
    Notes: '',
    Output: outputs[status],
    ServiceID: id,
    ServiceName: service,
    ServiceTags: tags,
    Namespace: namespace,
    Type: check?.probe.kind ?? '',
    ExposedPort: 0,
    Definition: {},
    ...toIndexes(instance),
  };
}

const outputs: Readonly<Record<Status, string>> = {
  passing: '',
  critical: 'its check fails, or its heartbeat stays away',
  draining: 'draining: serves whom it serves, and takes nobody new',
  maintenance: 'set to maintenance by an operator',
};

function toIndexes({ revision }: Instance) {
  return { CreateIndex: revision + 1, ModifyIndex: revision + 1 };
}
