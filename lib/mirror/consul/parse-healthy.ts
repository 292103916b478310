import type { Instance } from '../../registry/instance.ts';
import { type Native, toInstanceOrNone, weightMarking } from '../markings.ts';
import { outsideName } from '../service-name.ts';
import { isText, Json } from './json.ts';
import { serviceIdPrefix } from './service-id.ts';

/** The instances in an answer to `/v1/health/service/<name>?passing=1`; those that nobody can use are left out. */
export function parseHealthy(json: readonly unknown[], registry: string): readonly Instance[] {
  return json.flatMap((entry) => parseEntry(new Json(entry), registry) ?? []);
}

function parseEntry(entry: Json, registry: string): Instance | undefined {
  return toInstanceOrNone(() => toNative(entry), registry);
}

function toNative(entry: Json): Native {
  const [node, service] = [entry.object('Node'), entry.object('Service')];
  const { [weightMarking]: weight, ...meta } = Object.fromEntries(service.texts('Meta'));
  const [id, name] = [service.text('ID'), service.text('Service')];
  return {
    service: name,
    isPlaceOf: (claim) => id === serviceIdPrefix(claim.node) + claim.id && name === outsideName(claim),
    key: `${node.text('Node')}/${id}`,
    // A service without an address of its own is at its node's.
    address: service.text('Address') || node.text('Address'),
    port: service.number('Port'),
    status: 'passing',
    weight: weight === '0' ? 0 : service.object('Weights').number('Passing') || 1,
    tags: service.list('Tags').filter(isText),
    meta,
  };
}
