import type { Labels } from '../../lib/dns/name.ts';
import type { ResourceRecord } from '../../lib/dns/record.ts';
import { wholeScope } from '../../lib/dns/scope.ts';
import { Rcode, RecordClass, RecordType } from '../../lib/dns/wire.ts';
import { answerQuestion } from '../../lib/dns/zone.ts';
import { createZone, type Zone } from '../../lib/dns/zone-config.ts';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import { parseAddress, reverseName } from '../../lib/net/address.ts';
import type { RegistryView } from '../../lib/registry/view.ts';

/** Types that can be asked for by name. */
export const resolvableTypes = ['A', 'AAAA', 'SRV', 'TXT', 'PTR'] as const;

export type ResolvableType = (typeof resolvableTypes)[number];

/** One record of an answer. */
export type Resolved = { readonly name: string; readonly type: string; readonly data: string };

/** What is asked: a name, complete or not, or an address. */
export type Asked = {
  readonly name: string;
  readonly zone: string;
  readonly namespace: string;
  /** Undefined: both kinds of address; of an address, its name. */
  readonly type: ResolvableType | undefined;
};

/**
 * What the agent's DNS would answer a program on this machine. A name without the zone is looked for as a container's
 * resolver does: as a service of the namespace, as `service.namespace`, and as `container.network`.
 * @throws CniError where no such name is registered
 */
export function resolve(view: RegistryView, asked: Asked): readonly Resolved[] {
  const zone = createZone({ zone: asked.zone });
  const types = typesOf(asked);
  for (const labels of candidates(asked, zone)) {
    const answers = types.map((type) =>
      answerQuestion(
        { labels, type: RecordType[type], class: RecordClass.IN },
        { view, zone, scope: wholeScope },
      ),
    );
    if (answers.some(({ rcode }) => rcode === Rcode.noError))
      return answers.flatMap((answer) => answer.answers).map(toResolved);
  }
  throw new CniError(
    ErrorCode.internal,
    `${asked.name} is not registered; "fairlead services" lists the services there are`,
  );
}

function typesOf({ name, type }: Asked): readonly ResolvableType[] {
  if (type !== undefined) return [type];
  if (parseAddress(name) !== undefined) return ['PTR'];
  return name.startsWith('_') ? ['SRV'] : ['A', 'AAAA'];
}

function candidates({ name, namespace }: Asked, { labels: zone }: Zone): readonly Labels[] {
  const address = parseAddress(name);
  if (address !== undefined) return [reverseName(address).split('.')];
  const labels = name.toLowerCase().replace(/\.$/, '').split('.');
  const isComplete = labels.slice(-zone.length).join('.') === zone.join('.');
  if (isComplete) return [labels];
  return [[...labels, namespace, 'svc'], [...labels, 'svc'], labels].map((each) => [...each, ...zone]);
}

function toResolved({ name, data }: ResourceRecord): Resolved {
  return { name: name.join('.'), type: data.type, data: textOf(data) };
}

function textOf(data: ResourceRecord['data']): string {
  switch (data.type) {
    case 'A':
    case 'AAAA':
      return data.address;
    case 'SRV':
      return `${data.priority} ${data.weight} ${data.port} ${data.target.join('.')}`;
    case 'TXT':
      return data.strings.map((text) => JSON.stringify(text)).join(' ');
    case 'PTR':
    case 'NS':
      return data.target.join('.');
    default:
      return JSON.stringify(data);
  }
}
