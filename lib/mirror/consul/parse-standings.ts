import { isText, Json } from './json.ts';
import { toSorted } from './metadata.ts';
import { serviceIdPrefix } from './service-id.ts';
import type { Standing, StandingCheck } from './standing.ts';

/**
 * A machine's services, from a Consul agent's answers to `/v1/agent/services` and `/v1/agent/checks`, in the same form in
 * which they are written.
 */
export function parseStandings(node: string, services: unknown, checks: unknown): readonly Standing[] {
  const checksOf = parseChecks(checks);
  const prefix = serviceIdPrefix(node);
  return Object.values(Object(services))
    .map((service: unknown) => parseService(new Json(service), checksOf))
    .filter(({ id }) => id.startsWith(prefix));
}

function parseService(service: Json, checksOf: ReadonlyMap<string, readonly StandingCheck[]>): Standing {
  const id = service.text('ID');
  const weights = service.object('Weights');
  return {
    id,
    name: service.text('Service'),
    address: service.text('Address'),
    port: service.number('Port'),
    tags: service.list('Tags').filter(isText),
    meta: toSorted(service.texts('Meta')),
    weights: { passing: weights.number('Passing'), warning: weights.number('Warning') },
    otherAddresses: parseOtherAddresses(service),
    enableTagOverride: service.boolean('EnableTagOverride'),
    checks: (checksOf.get(id) ?? []).toSorted((one, other) => (one.id < other.id ? -1 : 1)),
  };
}

/** Consul itself fills in the service's own address as that of its LAN and WAN. */
function parseOtherAddresses(service: Json): string {
  const isOther = ([, value]: readonly [string, unknown]) => {
    const tagged = new Json(value);
    return (
      tagged.text('Address') !== service.text('Address') || tagged.number('Port') !== service.number('Port')
    );
  };
  const others = service.object('TaggedAddresses').entries().filter(isOther);
  return others.length === 0 ? '' : JSON.stringify(others);
}

function parseChecks(checks: unknown): ReadonlyMap<string, readonly StandingCheck[]> {
  const each = Object.values(Object(checks)).map((check: unknown) => new Json(check));
  const grouped = Map.groupBy(each, (check) => check.text('ServiceID'));
  return new Map([...grouped].map(([id, of]) => [id, of.map(parseCheck)]));
}

function parseCheck(check: Json): StandingCheck {
  const type = check.text('Type');
  return {
    id: check.text('CheckID'),
    type,
    name: check.text('Name'),
    notes: check.text('Notes'),
    status: type === 'alias' ? '' : check.text('Status'),
  };
}
