import { type Instance, isHealthy } from '../../registry/instance.ts';
import type { ServiceKey } from '../../registry/view.ts';
import type { EtcdRecord } from './record.ts';
import type { RecordChanges } from './record-table.ts';

/** What a step has changed for those who read services. */
export type IndexChanges = {
  /** The names of the services whose instances are others now. */
  readonly services: ReadonlySet<string>;
  /** A service has come or gone. */
  readonly hasOtherNames: boolean;
};

/** The name of a service among all namespaces: `web.default`. */
export function toServiceName({ namespace, service }: ServiceKey): string {
  return `${service}.${namespace}`;
}

/** A machine speaks for its own instances only: it may have the right to write nowhere else. */
export function isOwners({ node, instance }: EtcdRecord): boolean {
  return instance.owner.node === node;
}

/** Records by their services; a change costs what it changes, however much else there is. */
export class ServiceIndex {
  readonly #services = new Map<string, Map<string, Instance>>();
  readonly #serviceOf = new Map<string, string>();

  /** Of all services, in order. */
  names(): readonly string[] {
    return [...this.#services.keys()].sort();
  }

  /** A service's healthy instances; one that has not changed is the same object from step to step. */
  healthy(name: string): readonly Instance[] {
    return [...(this.#services.get(name)?.values() ?? [])].filter(isHealthy);
  }

  apply({ put, removed }: Pick<RecordChanges, 'put' | 'removed'>): IndexChanges {
    const changes = { services: new Set<string>(), hasOtherNames: false };
    for (const { node, id } of removed) this.#place(`${node}/${id}`, undefined, changes);
    for (const record of put) {
      const instance = isOwners(record) ? record.instance : undefined;
      this.#place(`${record.node}/${record.instance.id}`, instance, changes);
    }
    return changes;
  }

  /** Where it was in another service it leaves that one; an undefined one is in none. */
  #place(record: string, instance: Instance | undefined, changes: Changes): void {
    const former = this.#serviceOf.get(record);
    const name = instance === undefined ? undefined : toServiceName(instance);
    if (former !== undefined && former !== name) this.#leave(record, former, changes);
    if (name === undefined || instance === undefined) return;
    const service = this.#services.get(name);
    changes.services.add(name);
    changes.hasOtherNames ||= service === undefined;
    this.#services.set(name, (service ?? new Map<string, Instance>()).set(record, instance));
    this.#serviceOf.set(record, name);
  }

  #leave(record: string, name: string, changes: Changes): void {
    const service = this.#services.get(name);
    service?.delete(record);
    this.#serviceOf.delete(record);
    changes.services.add(name);
    if (service?.size !== 0) return;
    this.#services.delete(name);
    changes.hasOtherNames = true;
  }
}

type Changes = { readonly services: Set<string>; hasOtherNames: boolean };
