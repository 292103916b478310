import { type Claim, type Claimant, countDistinct, isBy, toShown } from './claim.ts';
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
 * What other machines have, in memory, as they tell it or outside registries do. Ids are unique here: where two machines
 * have taken the same for a service, the one whose own id comes first is shown, on every machine the same; where it is two
 * services' both are shown, the second under an id made for it, so that nobody hides what is another's.
 */
export class Imports {
  readonly #node: string;
  readonly #claims = new Map<string, readonly Claim[]>();
  /** What each source has told: one of many that says it anew costs no more than what it tells. */
  readonly #bySource = new Map<string, Map<string, { readonly node: string; readonly id: string }>>();
  readonly #shown = new Map<string, Instance>();
  /** Under which ids it is shown what claims an id. */
  readonly #shownIds = new Map<string, readonly string[]>();
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
    return this.#claims.values().reduce((sum, claims) => sum + countDistinct(claims), 0) - this.size;
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
    const gone = [...(this.#bySource.get(source) ?? [])]
      .filter(([key]) => !told.has(key))
      .map(([, claimed]): ImportChange => ({ kind: 'remove', ...claimed }));
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
    const bySource = this.#bySource.get(source) ?? new Map();
    this.#bySource.set(source, bySource.set(`${node}/${told.id}`, { node, id: told.id }));
  }

  #unclaim(id: string, claimant: Claimant): void {
    const others = (this.#claims.get(id) ?? []).filter((claim) => !isBy(claim, claimant));
    if (others.length === 0) this.#claims.delete(id);
    else this.#claims.set(id, others);
    const bySource = this.#bySource.get(claimant.source);
    bySource?.delete(`${claimant.node}/${id}`);
    if (bySource?.size === 0) this.#bySource.delete(claimant.source);
  }

  /** Removals first: a new owner of an address must not meet the old one there. */
  #show(touched: readonly string[]): void {
    const revision = this.#revision + 1;
    const before = touched.flatMap((id) => this.#shownIds.get(id) ?? []);
    const wanted = touched.flatMap((id) => this.#want(id));
    const kept = new Set(wanted.map(({ id }) => id));
    const gone = before.filter((id) => !kept.has(id));
    const changes = [
      ...gone.flatMap((id) => this.#remove(id, revision)),
      ...wanted.flatMap((instance) => this.#put(instance, revision)),
    ];
    if (changes.length === 0) return;
    this.#revision = revision;
    this.#remember(changes);
  }

  #want(id: string): readonly Instance[] {
    const wanted = toShown(this.#claims.get(id) ?? []);
    if (wanted.length === 0) this.#shownIds.delete(id);
    else
      this.#shownIds.set(
        id,
        wanted.map((instance) => instance.id),
      );
    return wanted;
  }

  #remove(id: string, revision: number): readonly Change[] {
    const instance = this.#shown.get(id);
    this.#shown.delete(id);
    return instance === undefined ? [] : [{ revision, kind: 'remove', instance }];
  }

  #put(instance: Instance, revision: number): readonly Change[] {
    const shown = this.#shown.get(instance.id);
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
