import type { Result, ResultIp } from '../cni/result.ts';
import { formatAddress } from '../net/address.ts';
import { hash64 } from '../net/hash.ts';
import type { AttachmentKey, InstanceDraft } from './attachment.ts';
import type { Declaration, DeclaredPort, ServiceDeclaration } from './declaration.ts';
import { defaultNamespace, defaultWeight } from './instance.ts';
import { shortContainerId, toLabel } from './label.ts';

/** A container's interface, on the machine whose id is `node`. */
export type PlannedAttachment = AttachmentKey & { readonly node: string };

const noPort: DeclaredPort = { name: '', port: 0, transport: 'tcp' };

/** Every service, alias, port and address of the attachment as an instance of its own. */
export function planInstances(
  attachment: PlannedAttachment,
  declaration: Declaration,
  result: Result,
): readonly InstanceDraft[] {
  const addresses = addressesOf(attachment, result);
  return portsOf(declaration).flatMap((port) => {
    const said = { ...declaration, ...declaration.perPort?.[port.port] };
    const meta = { ...declaration.meta, ...declaration.perPort?.[port.port]?.meta };
    if (said.ignore === true) return [];
    const named = withAliases({ ...said, meta }, aliasesOf(attachment, said, declaration));
    return named.flatMap((each) =>
      addresses.map((ip) => draftOf(attachment, each, { port, ip, declaration })),
    );
  });
}

/** Without those that are a name of the container's already: its own, or its service's. */
function aliasesOf(
  { containerId }: AttachmentKey,
  { service }: ServiceDeclaration,
  { aliases = [] }: Declaration,
): readonly string[] {
  const known = [shortContainerId(containerId), service ?? ''].map((name) => name.toLowerCase());
  return aliases.filter((alias) => !known.includes(alias.toLowerCase()));
}

/** Whoever reports by itself does so for the instance under its own name: under the others it would be missed. */
function withAliases(said: ServiceDeclaration, aliases: readonly string[]): readonly ServiceDeclaration[] {
  const { check, ...unchecked } = said;
  const shared = check?.probe.kind === 'ttl' ? unchecked : said;
  return [said, ...aliases.map((service) => ({ ...shared, service }))];
}

/** Those declared, and those that labels speak of; a container without ports is found by its address alone. */
function portsOf({ ports = [], perPort = {} }: Declaration): readonly DeclaredPort[] {
  const labelled = Object.keys(perPort)
    .map(Number)
    .filter((number) => !ports.some(({ port }) => port === number))
    .map((port): DeclaredPort => ({ name: '', port, transport: 'tcp' }));
  const all = [...new Map([...ports, ...labelled].map((each) => [JSON.stringify(each), each])).values()];
  return all.length === 0 ? [noPort] : all;
}

/** The addresses of the attachment's own interface; a result that names no interface has none but its own. */
function addressesOf(
  { ifName }: Pick<AttachmentKey, 'ifName'>,
  { interfaces, ips }: Result,
): readonly ResultIp[] {
  return ips.filter(({ interface: index }) => {
    const found = index === undefined ? undefined : interfaces[index];
    return found === undefined || found.name === ifName;
  });
}

type Place = { readonly port: DeclaredPort; readonly ip: ResultIp; readonly declaration: Declaration };

function draftOf(
  attachment: PlannedAttachment,
  said: ServiceDeclaration,
  { port, ip, declaration }: Place,
): InstanceDraft {
  const { address } = ip.address;
  const text = formatAddress(address);
  return {
    id: idOf(attachment, said, { port, text }),
    namespace: declaration.namespace ?? defaultNamespace,
    serviceName: said.service ?? shortContainerId(attachment.containerId),
    address: text,
    family: address.family,
    port: port.port,
    portName: port.name,
    transport: port.transport,
    weight: said.weight ?? defaultWeight,
    tags: said.tags ?? [],
    meta: said.meta ?? {},
    endpoint: '',
    status: said.check?.initial ?? 'passing',
    ...(said.check === undefined ? {} : { check: said.check }),
  };
}

/** The id that labels ask for, or the container's name; always with a hash of what makes the instance one of its own. */
function idOf(
  { node, network, containerId, ifName }: PlannedAttachment,
  { service, id }: ServiceDeclaration,
  { port, text }: { port: DeclaredPort; text: string },
): string {
  const key = [node, network, containerId, ifName, service, port.port, port.transport, port.name, text];
  const readable = toLabel(id ?? shortContainerId(containerId)).slice(0, longestReadable);
  return `${readable.replace(/-+$/, '')}-${hash64(key.join('/')).slice(0, 8)}`;
}

/** What is left of a label before "-" and 8 hex digits. */
const longestReadable = 54;
