import type { Change, Instance } from './instance.ts';
import { isSameInstance } from './mirror-equality.ts';

/** What a source tells of one instance of one machine. */
export type ImportChange =
  | { readonly kind: 'put'; readonly instance: Instance }
  | { readonly kind: 'remove'; readonly node: string; readonly id: string };

export type ImportsOptions = {
  /** The id of this machine, whose own instances are left out. */
  readonly node: string;
  /** Where the revision begins; the time in milliseconds lies above all that an earlier process has counted to. */
  readonly firstRevision: number;
};

/** Changes that are kept for a view that has fallen behind. */
const mostKept = 4_096;

/**
 * What other machines have, in memory, as outside registries tell it. Ids are unique here: where two machines have taken
 * the same, the one whose own id comes first is shown, on every machine the same.
 */
export class Imports {
  readonly #node: string;
  readonly #claims = new Map<string, readonly Claim[]>();
  readonly #shown = new Map<string, Instance>();
  readonly #kept: Change[] = [];
  /** What is kept follows on from this revision without a gap. */
  #from: number;
  #revision: number;

  constructor({ node, firstRevision }: ImportsOptions) {
    this.#node = node;
    this.#from = firstRevision;
    this.#revision = firstRevision;
  }

  /** Grows with every step that has changed what is shown. */
  get revision(): number {
    return this.#revision;
  }

  get size(): number {
    return this.#shown.size;
  }

  /** Instances that are not shown, since another machine's has their id. */
  get hidden(): number {
    return this.#claims.values().reduce((sum, claims) => sum + distinctNodes(claims) - 1, 0);
  }

  get(id: string): Instance | undefined {
    return this.#shown.get(id);
  }

  instances(): readonly Instance[] {
    return [...this.#shown.values()];
  }

  /** In order; undefined where that is not remembered any more: read everything. */
  changesSince(revision: number): readonly Change[] | undefined {
    if (revision < this.#from || revision > this.#revision) return undefined;
    const first = this.#kept.findLastIndex((change) => change.revision <= revision) + 1;
    return this.#kept.slice(first);
  }

  /** These are all that the source has. */
  replace(source: string, instances: readonly Instance[]): void {
    const told = new Set(instances.map(({ owner, id }) => `${owner.node}/${id}`));
    const gone = [...this.#claims.values()]
      .flat()
      .filter((claim) => claim.source === source && !told.has(`${claim.node}/${claim.instance.id}`))
      .map(({ node, instance: { id } }): ImportChange => ({ kind: 'remove', node, id }));
    const put = instances.map((instance): ImportChange => ({ kind: 'put', instance }));
    this.apply(source, [...gone, ...put]);
  }

  apply(source: string, changes: readonly ImportChange[]): void {
    const touched = new Set<string>();
    for (const change of changes) {
      if (change.kind === 'remove') this.#unclaim(change.id, { source, node: change.node });
      else this.#claim(source, change.instance);
      touched.add(change.kind === 'remove' ? change.id : change.instance.id);
    }
    this.#show([...touched]);
  }

  #claim(source: string, told: Instance): void {
    const instance = toImported(told, this.#node);
    const { node } = told.owner;
    if (instance === undefined) {
      this.#unclaim(told.id, { source, node });
      return;
    }
    const claims = this.#claims.get(told.id) ?? [];
    const known = claims.find((claim) => isBy(claim, { source, node }));
    if (known !== undefined && (known.told === told || isSameInstance(known.instance, instance))) return;
    const others = claims.filter((claim) => claim !== known);
    this.#claims.set(told.id, [...others, { source, node, told, instance }]);
  }

  #unclaim(id: string, claimant: Claimant): void {
    const others = (this.#claims.get(id) ?? []).filter((claim) => !isBy(claim, claimant));
    if (others.length === 0) this.#claims.delete(id);
    else this.#claims.set(id, others);
  }

  /** Removals first: a new owner of an address must not meet the old one there. */
  #show(touched: readonly string[]): void {
    const revision = this.#revision + 1;
    const steps = touched.map((id) => ({ shown: this.#shown.get(id), wanted: this.#winnerOf(id) }));
    const changes = [
      ...steps.flatMap(({ shown, wanted }) => (shown && !wanted ? this.#remove(shown, revision) : [])),
      ...steps.flatMap(({ shown, wanted }) => (wanted ? this.#put(wanted, shown, revision) : [])),
    ];
    if (changes.length === 0) return;
    this.#revision = revision;
    this.#remember(changes);
  }

  #winnerOf(id: string): Instance | undefined {
    const claims = this.#claims.get(id) ?? [];
    const [first] = claims.length > 1 ? claims.toSorted(byClaimant) : claims;
    return first?.instance;
  }

  #remove(instance: Instance, revision: number): Change {
    this.#shown.delete(instance.id);
    return { revision, kind: 'remove', instance };
  }

  #put(instance: Instance, shown: Instance | undefined, revision: number): readonly Change[] {
    if (shown !== undefined && isSameInstance(shown, instance)) return [];
    this.#shown.set(instance.id, instance);
    return [{ revision, kind: 'put', instance }];
  }

  #remember(changes: readonly Change[]): void {
    for (const change of changes) this.#kept.push(change);
    if (this.#kept.length <= mostKept) return;
    const dropped = this.#kept.splice(0, this.#kept.length - mostKept / 2);
    this.#from = dropped.at(-1)?.revision ?? this.#from;
  }
}

/** Through whom an instance is known: two registries may tell of the same one. */
type Claimant = { readonly source: string; readonly node: string };
type Claim = Claimant & { readonly told: Instance; readonly instance: Instance };

function isBy(claim: Claim, { source, node }: Claimant): boolean {
  return claim.source === source && claim.node === node;
}

function byClaimant(one: Claim, other: Claim): number {
  const [first, second] = [`${one.node} ${one.source}`, `${other.node} ${other.source}`];
  return first < second ? -1 : 1;
}

function distinctNodes(claims: readonly Claim[]): number {
  return claims.length === 1 ? 1 : new Set(claims.map(({ node }) => node)).size;
}

/**
 * The instance as it is shown here; undefined for what is this machine's own, and for what only its own machine can
 * reach. Its gateways are left out: the same address may be another network's gateway here.
 */
function toImported(instance: Instance, ownNode: string): Instance | undefined {
  const { owner } = instance;
  if (owner.node === ownNode || ownToEachMachine.test(instance.address)) return undefined;
  if (owner.kind === 'api' || owner.gateways === undefined) return instance;
  const { gateways: _, ...shown } = owner;
  return { ...instance, owner: shown };
}

/** Loopback, link-local and multicast (RFC 6890) mean something else on every machine. */
const ownToEachMachine = /^(127\.|169\.254\.|22[4-9]\.|23\d\.|::1$|fe[89ab][0-9a-f]:|ff[0-9a-f]{2}:)/;
