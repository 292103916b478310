import { type Fields, unexpected } from '../cni/fields.ts';
import { endpointsType } from './load-assignment.ts';

/** What Envoy asks for (envoy.service.discovery.v3.DiscoveryRequest), as far as the answer goes by it. */
export type DiscoveryRequest = {
  /** Of the last answer that was taken; empty before the first. */
  readonly version: string;
  /** At least one, and each once. */
  readonly resourceNames: readonly string[];
  /** Who asks, for the log. */
  readonly nodeId: string;
  /** Why the last answer was not taken; undefined where it was. */
  readonly refusal: string | undefined;
};

/** Envoy asks for one; without a bound, one request could have the whole registry rendered many times over. */
const mostResources = 128;

/**
 * The JSON of a request, whose fields may have their names of the .proto or of proto3's JSON mapping: Envoy sends the
 * former (1.40 does), other clients the latter.
 * @throws CniError code 7
 */
export function parseDiscoveryRequest(fields: Fields): DiscoveryRequest {
  requireType(fields);
  const refused = fields.object(spelling(fields, 'error_detail'));
  return {
    version: fields.string(spelling(fields, 'version_info')) ?? '',
    resourceNames: parseResourceNames(fields),
    nodeId: fields.object('node')?.string('id') ?? '',
    refusal: refused === undefined ? undefined : (refused.string('message') ?? ''),
  };
}

function requireType(fields: Fields): void {
  const name = spelling(fields, 'type_url');
  const type = fields.string(name) ?? '';
  if (type !== '' && type !== endpointsType) throw unexpected(fields.at(name), endpointsType, type);
}

/** Not to name any would mean all, which no client asks of EDS. */
function parseResourceNames(fields: Fields): readonly string[] {
  const name = spelling(fields, 'resource_names');
  const names = [...new Set(fields.strings(name))];
  if (names.length > 0 && names.length <= mostResources) return names;
  throw unexpected(fields.at(name), `a list of 1 to ${mostResources} names of services`, names);
}

/** The one of a field's two names that is there. */
function spelling(fields: Fields, name: string): string {
  return fields.has(name) ? name : name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}
