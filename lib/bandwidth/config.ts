import type { Fields } from '../cni/fields.ts';
import type { NetConf } from '../cni/netconf.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';

/** The limit of one direction. */
export type Limit = {
  /** Bits a second. */
  readonly rate: number;
  /** Bytes. */
  readonly burst: number;
};

/** The limits of a container's interface; undefined where there is none. */
export type Bandwidth = {
  /** Of what the container receives. */
  readonly ingress: Limit | undefined;
  /** Of what the container sends. */
  readonly egress: Limit | undefined;
};

/**
 * The limits that a configuration asks for: its own fields where it has any, `runtimeConfig.bandwidth` otherwise.
 * @throws CniError code 7
 */
export function parseBandwidth({ fields }: NetConf): Bandwidth {
  const source = sourceOf(fields);
  if (source === undefined) return { ingress: undefined, egress: undefined };
  refuseSubnets(source);
  return { ingress: parseLimit(source, 'ingress'), egress: parseLimit(source, 'egress') };
}

const names = ['ingressRate', 'ingressBurst', 'egressRate', 'egressBurst'];

function sourceOf(fields: Fields): Fields | undefined {
  const isOwn = names.some((name) => fields.raw(name) !== undefined);
  return isOwn ? fields : fields.object('runtimeConfig')?.object('bandwidth');
}

/** Where a limit holds for some networks only, one for all would be another thing than was asked for. */
function refuseSubnets(fields: Fields): void {
  const found = ['shapedSubnets', 'unshapedSubnets'].find((name) => (fields.strings(name) ?? []).length > 0);
  if (found === undefined) return;
  throw new CniError(
    ErrorCode.invalidConfig,
    `${fields.at(found)}: is not supported: a limit holds for all that the interface sends or receives; remove the field`,
  );
}

/** A rate below a byte a second would let nothing through; whatever is written in whole numbers is read exactly. */
const rateBounds = { min: 8, max: Number.MAX_SAFE_INTEGER };

/** The kernel holds it in 32 bits, in bytes. */
const burstBounds = { min: 8, max: 8 * (2 ** 32 - 1) - 1 };

/** Zero is no limit, as for the reference. */
function parseLimit(fields: Fields, direction: 'ingress' | 'egress'): Limit | undefined {
  const [rateName, burstName] = [`${direction}Rate`, `${direction}Burst`];
  const rate = parseOrZero(fields, rateName, rateBounds);
  const burst = parseOrZero(fields, burstName, burstBounds);
  if (rate === 0 && burst === 0) return undefined;
  if (rate === 0) throw needs(fields, burstName, rateName);
  if (burst === 0) throw needs(fields, rateName, burstName);
  return { rate, burst: Math.floor(burst / 8) };
}

function parseOrZero(fields: Fields, name: string, bounds: { min: number; max: number }): number {
  return fields.raw(name) === 0 ? 0 : (fields.integer(name, bounds) ?? 0);
}

function needs(fields: Fields, given: string, missing: string): CniError {
  return new CniError(
    ErrorCode.invalidConfig,
    `${fields.at(given)}: needs ${missing} beside it; set both, or none for no limit`,
  );
}
