import { hash64 } from '../net/hash.ts';
import type { Instance } from './instance.ts';

/** Begins the names of sources that go after all others. */
const outsidePrefix = 'outside/';

/**
 * The name of a source that is a service of an outside registry: anybody who may write it there may say there what an
 * instance's id and machine are, so what the machines themselves tell goes first.
 */
export function outsideSource(registry: string, service: string): string {
  return `${outsidePrefix}${registry}/${service}`;
}

/** Through whom an instance is known: two registries may tell of the same one. */
export type Claimant = { readonly source: string; readonly node: string };
/** An instance under the id that it says is its own, as it was told and as it would be shown. */
export type Claim = Claimant & { readonly told: Instance; readonly instance: Instance };

export function isBy(claim: Claim, { source, node }: Claimant): boolean {
  return claim.source === source && claim.node === node;
}

/**
 * What is shown of those that claim one id: of each service the first, and that of the first service under the id itself.
 * Pure.
 */
export function toShown(claims: readonly Claim[]): readonly Instance[] {
  const firsts = claims.length > 1 ? firstOfEachService(claims) : claims;
  return firsts.map(({ instance }, at) =>
    at === 0 && !isMadeId(instance.id) ? instance : withMadeId(instance),
  );
}

function byClaimant(one: Claim, other: Claim): number {
  return rankOf(one) < rankOf(other) ? -1 : 1;
}

function rankOf({ node, source }: Claimant): string {
  return `${source.startsWith(outsidePrefix) ? 1 : 0} ${node} ${source}`;
}

function firstOfEachService(claims: readonly Claim[]): readonly Claim[] {
  const services = new Set<string>();
  return claims.toSorted(byClaimant).filter(({ instance }) => {
    const service = serviceOf(instance);
    const isFirst = !services.has(service);
    services.add(service);
    return isFirst;
  });
}

/** How many instances claim an id: two sources may tell of the same one. */
export function countDistinct(claims: readonly Claim[]): number {
  if (claims.length === 1) return 1;
  return new Set(claims.map(({ node, instance }) => `${node} ${serviceOf(instance)}`)).size;
}

function serviceOf({ namespace, service }: Instance): string {
  return `${namespace}/${service}`;
}

/** Before the hash of an id that was made here; whoever chooses such an id himself is shown under a made one, too. */
const madeMark = '---';

function isMadeId(id: string): boolean {
  return id.includes(madeMark);
}

function withMadeId(instance: Instance): Instance {
  const readable = instance.id.replace(/-+/g, '-').slice(0, 44).replace(/-$/, '');
  return { ...instance, id: `${readable}${madeMark}${hash64(`${instance.id}/${serviceOf(instance)}`)}` };
}
