import type { Change, ContainerOwner, Instance } from '../registry/instance.ts';
import type { RegistryView } from '../registry/view.ts';

/** What an asker may know of: everything, or only what containers offer on the networks with these labels. */
export type Scope =
  | { readonly kind: 'all' }
  | { readonly kind: 'networks'; readonly labels: ReadonlySet<string> };

/** Whether containers see only the networks that they are on, or everything as the host does. */
export type Visibility = 'network' | 'all';

export const wholeScope: Scope = { kind: 'all' };

/** What was registered over the API is on no network: everybody sees it. */
export function isVisible({ owner }: Instance, scope: Scope): boolean {
  return owner.kind === 'api' || seesNetwork(scope, owner.networkLabel);
}

export function seesNetwork(scope: Scope, networkLabel: string): boolean {
  return scope.kind === 'all' || scope.labels.has(networkLabel);
}

export function visibleOf(instances: readonly Instance[], scope: Scope): readonly Instance[] {
  return scope.kind === 'all' ? instances : instances.filter((instance) => isVisible(instance, scope));
}

/** The same text for scopes that show the same. */
export function scopeKey(scope: Scope): string {
  return scope.kind === 'all' ? '*' : [...scope.labels].sort().join('/');
}

/** Which networks each container is on, followed from change to change: a container asks by one address, and sees them all. */
export class ContainerNetworks implements Disposable {
  readonly #view: RegistryView;
  readonly #instancesOf = new Map<string, Map<string, string>>();
  readonly #containerOf = new Map<string, string>();
  /** By gateway: the network of each instance that has it. */
  readonly #networksAt = new Map<string, Map<string, string>>();
  readonly #stop: () => void;

  constructor(view: RegistryView) {
    this.#view = view;
    for (const instance of view.all()) this.#learn(instance);
    this.#stop = view.onChange((changes) => this.#follow(changes));
  }

  /**
   * What the asker at this address may know of: a container what is on its networks; whoever else asks at a network's
   * gateway, a container without a name perhaps, what is on that network; another host's container what is on its networks;
   * and everybody else, this machine's own programs among them, everything. Another host may have given an address to one
   * of its containers that is somebody else's here: so it comes last.
   * @param address canonical text
   * @param listener the address that was asked, in canonical text
   */
  scopeOf(address: string, listener: string): Scope {
    const found = this.#view.atAddress(address);
    const own = found.filter((instance) => !this.#view.isImported(instance));
    return (
      this.#scopeOfContainers(own) ??
      this.#scopeAt(address, listener) ??
      this.#scopeOfContainers(found) ??
      wholeScope
    );
  }

  [Symbol.dispose](): void {
    this.#stop();
  }

  /** All networks of the containers that have these instances; undefined where no container is among them. */
  #scopeOfContainers(instances: readonly Instance[]): Scope | undefined {
    const owners = instances.map(({ owner }) => owner);
    const containers = new Set(owners.filter((owner) => owner.kind === 'container').map(containerKey));
    if (containers.size === 0) return undefined;
    const networks = [...containers].flatMap((key) => [...(this.#instancesOf.get(key)?.values() ?? [])]);
    return { kind: 'networks', labels: new Set(networks) };
  }

  /** This machine asks its own gateway from that very address. Undefined where the listener is no gateway. */
  #scopeAt(address: string, listener: string): Scope | undefined {
    if (address === listener) return wholeScope;
    const networks = this.#networksAt.get(listener);
    return networks && { kind: 'networks', labels: new Set(networks.values()) };
  }

  #follow(changes: readonly Change[]): void {
    for (const { kind, instance } of changes) {
      this.#forget(instance);
      if (kind === 'put') this.#learn(instance);
    }
  }

  #learn({ id, owner }: Instance): void {
    if (owner.kind !== 'container') return;
    const key = containerKey(owner);
    const instances = this.#instancesOf.get(key) ?? new Map<string, string>();
    instances.set(id, owner.networkLabel);
    for (const gateway of owner.gateways ?? []) {
      const networks = this.#networksAt.get(gateway) ?? new Map<string, string>();
      this.#networksAt.set(gateway, networks.set(id, owner.networkLabel));
    }
    this.#instancesOf.set(key, instances);
    this.#containerOf.set(id, key);
  }

  #forget({ id, owner }: Instance): void {
    const gateways = owner.kind === 'container' ? (owner.gateways ?? []) : [];
    for (const gateway of gateways) {
      this.#networksAt.get(gateway)?.delete(id);
      if (this.#networksAt.get(gateway)?.size === 0) this.#networksAt.delete(gateway);
    }
    const key = this.#containerOf.get(id);
    if (key === undefined) return;
    const instances = this.#instancesOf.get(key);
    instances?.delete(id);
    if (instances?.size === 0) this.#instancesOf.delete(key);
    this.#containerOf.delete(id);
  }
}

function containerKey({ node, containerId }: ContainerOwner): string {
  return `${node}/${containerId}`;
}
