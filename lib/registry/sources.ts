import type { AttachmentCall } from '../cni/dispatch.ts';
import { Fields } from '../cni/fields.ts';
import { parseAliases } from './aliases.ts';
import type { RegistryConfig } from './config.ts';
import { parseTransport } from './config.ts';
import { type Declaration, type DeclaredPort, mergeDeclarations } from './declaration.ts';
import { parseServiceLabels, type Warn } from './service-labels.ts';

type Labels = readonly (readonly [string, string])[];

/**
 * What is said of the container, from all sources; for each field the first one wins: `args.cni.labels`, the labels of
 * Mesos, the pod's annotations, CNI_ARGS, the `registry` block. Ports that nobody has declared are those of the port
 * mappings.
 * @throws CniError code 7 where the runtime's aliases are no names
 */
export function collectDeclaration(call: AttachmentCall, config: RegistryConfig, warn: Warn): Declaration {
  const { fields } = call.conf;
  const args = [...call.attachment.args];
  const said = mergeDeclarations([
    parseServiceLabels(cniLabels(fields), warn),
    parseServiceLabels(mesosLabels(fields), warn),
    parseServiceLabels(podAnnotations(fields), warn),
    parseServiceLabels(args, warn),
    podOf(args),
    config.declaration,
    aliasesOf(call),
  ]);
  if (said.ports !== undefined) return said;
  const mapped = mappedPorts(fields);
  return mapped.length === 0 ? said : { ...said, ports: mapped };
}

/** The conventions of the specification's CONVENTIONS.md: a list of {key, value}; a plain object is taken, too. */
function cniLabels(fields: Fields): Labels {
  return labelsOf(fields.object('args')?.object('cni')?.raw('labels'));
}

function mesosLabels(fields: Fields): Labels {
  const info = fields.object('args')?.object('org.apache.mesos')?.object('network_info');
  return labelsOf(info?.object('labels')?.raw('labels'));
}

function podAnnotations(fields: Fields): Labels {
  return labelsOf(fields.object('runtimeConfig')?.raw('io.kubernetes.cri.pod-annotations'));
}

/** What is neither a list of keys and values nor an object of texts is no label of ours to refuse. */
function labelsOf(raw: unknown): Labels {
  if (typeof raw !== 'object' || raw === null) return [];
  const pairs: readonly (readonly [unknown, unknown])[] = Array.isArray(raw)
    ? raw.map(pairOf)
    : Object.entries(raw);
  return pairs.filter((pair): pair is readonly [string, string] =>
    pair.every((part) => typeof part === 'string'),
  );
}

function pairOf(item: unknown): [unknown, unknown] {
  if (!isObject(item)) return [undefined, undefined];
  const label = new Fields(item, '');
  return [label.raw('key'), label.raw('value') ?? ''];
}

/** A pod is known by its name and namespace rather than by its sandbox's id. */
function podOf(args: Labels): Declaration {
  const find = (name: string) => args.find(([key]) => key.toUpperCase() === name)?.[1] ?? '';
  const pod = [
    ['SERVICE_NAME', find('K8S_POD_NAME')],
    ['SERVICE_NAMESPACE', find('K8S_POD_NAMESPACE')],
  ] as const;
  return parseServiceLabels(pod, () => undefined);
}

function aliasesOf({ conf }: AttachmentCall): Declaration {
  const aliases = parseAliases(conf);
  return aliases.length === 0 ? {} : { aliases };
}

/** The container's side of each mapping: those who ask by name reach the container itself. */
function mappedPorts(fields: Fields): readonly DeclaredPort[] {
  const mapped = fields.object('runtimeConfig')?.raw('portMappings') ?? mesosMappings(fields);
  if (!Array.isArray(mapped)) return [];
  const ports = mapped.map(portOf).filter((port) => port !== undefined);
  return ports.filter(
    (port, at) =>
      ports.findIndex((other) => other.port === port.port && other.transport === port.transport) === at,
  );
}

function mesosMappings(fields: Fields): unknown {
  const info = fields.object('args')?.object('org.apache.mesos')?.object('network_info');
  return info?.raw('port_mappings');
}

/** The mapping itself is the port mapper's to refuse. */
function portOf(item: unknown): DeclaredPort | undefined {
  if (!isObject(item)) return undefined;
  const mapping = new Fields(item, '');
  const port = mapping.raw('containerPort') ?? mapping.raw('container_port');
  const transport = parseTransport(String(mapping.raw('protocol') ?? 'tcp'));
  if (!isPort(port) || transport === undefined) return undefined;
  return { name: '', port, transport };
}

function isPort(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
