import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import { type Instance, isHealthy, type Status } from '../../lib/registry/instance.ts';
import { toLabel } from '../../lib/registry/label.ts';
import type { RegistryView } from '../../lib/registry/view.ts';
import { type Paint, toTable } from './terminal.ts';

/** A service as the overview shows it. */
export type ServiceSummary = {
  readonly namespace: string;
  readonly service: string;
  readonly instances: number;
  readonly healthy: number;
  /** "80/tcp", "http:80/tcp". */
  readonly ports: readonly string[];
  readonly tags: readonly string[];
};

/** All services, or those of one namespace, in alphabetical order. */
export function summarise(view: RegistryView, namespace: string | undefined): readonly ServiceSummary[] {
  return view
    .services()
    .filter((each) => namespace === undefined || each.namespace === namespace)
    .map(({ namespace: own, service, instances }) => ({
      namespace: own,
      service,
      instances: instances.length,
      healthy: instances.filter(isHealthy).length,
      ports: distinct(instances.map(portText)),
      tags: distinct(instances.flatMap(({ tags }) => tags)),
    }))
    .sort((one, other) => sortKey(one).localeCompare(sortKey(other)));
}

export function renderServices(services: readonly ServiceSummary[], paint: Paint): string {
  if (services.length === 0) return 'no services';
  return toTable(
    ['NAMESPACE', 'SERVICE', 'HEALTHY', 'PORTS', 'TAGS'],
    services.map(({ namespace, service, instances, healthy, ports, tags }) => [
      namespace,
      service,
      paint(healthy === instances ? 'green' : healthy === 0 ? 'red' : 'yellow', `${healthy}/${instances}`),
      ports.join(' ') || '-',
      tags.join(' ') || '-',
    ]),
  );
}

/**
 * The instances of a service.
 * @throws CniError where there is none of that name
 */
export function findService(view: RegistryView, name: string, namespace: string): readonly Instance[] {
  const instances = view.ofService({ namespace, service: toLabel(name) });
  if (instances.length > 0) return instances;
  const elsewhere = view.services().filter(({ service }) => service === toLabel(name));
  const hint =
    elsewhere.length === 0
      ? '"fairlead services" lists those there are'
      : `there is one in namespace ${elsewhere.map((each) => each.namespace).join(', ')}`;
  throw new CniError(
    ErrorCode.internal,
    `service ${JSON.stringify(name)} is not in namespace ${namespace}; ${hint}`,
  );
}

export function renderInstances(instances: readonly Instance[], paint: Paint): string {
  return toTable(
    ['ID', 'ADDRESS', 'PORT', 'STATUS', 'WEIGHT', 'NETWORK', 'CONTAINER', 'TAGS'],
    instances.map((instance) => {
      const { id, address, status, weight, tags, owner } = instance;
      const [network, container] = owner.kind === 'container' ? [owner.network, owner.host] : ['-', '-'];
      const state = paint(colours[status], status);
      return [
        id,
        address,
        portText(instance) ?? '-',
        state,
        String(weight),
        network,
        container,
        tags.join(' '),
      ];
    }),
  );
}

/** How a status is shown where colours are. */
export const colours: Readonly<Record<Status, 'green' | 'red' | 'yellow'>> = {
  passing: 'green',
  critical: 'red',
  draining: 'yellow',
  maintenance: 'yellow',
};

function portText({ port, portName, transport }: Instance): string | undefined {
  if (port === 0) return undefined;
  return `${portName === '' ? '' : `${portName}:`}${port}/${transport}`;
}

function distinct(texts: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(texts.filter((text) => text !== undefined))].sort();
}

function sortKey({ namespace, service }: ServiceSummary): string {
  return `${namespace}/${service}`;
}
