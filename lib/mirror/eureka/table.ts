import {
  type Applications,
  type InstanceInfo,
  parseInstanceInfo,
  type RawInstance,
} from './instance-info.ts';

/** All that a registry has, as it is told: first everything, then what has changed. */
export class Table {
  readonly #services = new Map<string, Map<string, InstanceInfo>>();
  /** Of each service the same list for as long as nothing has changed. */
  readonly #lists = new Map<string, readonly InstanceInfo[]>();
  #names: readonly string[] | undefined;

  /** In the order of their ids. */
  instancesOf(app: string): readonly InstanceInfo[] {
    const list = this.#lists.get(app) ?? [...(this.#services.get(app)?.values() ?? [])].sort(byId);
    this.#lists.set(app, list);
    return list;
  }

  /** In order; the same list for as long as they are the same. */
  names(): readonly string[] {
    this.#names ??= [...this.#services.keys()].sort();
    return this.#names;
  }

  replace({ instances }: Applications): void {
    this.#services.clear();
    this.#lists.clear();
    this.#names = undefined;
    for (const raw of instances) this.#apply(raw);
  }

  /** @returns whether the registry now has as many instances of each status as the server says */
  update({ instances, hashCode }: Applications): boolean {
    for (const raw of instances) this.#apply(raw);
    return this.#hashCode() === hashCode;
  }

  #apply(raw: RawInstance): void {
    const info = parseInstanceInfo(raw);
    if (info === undefined) return;
    const { app, instanceId } = info;
    if (info.actionType === 'DELETED') this.#delete(app, instanceId);
    else this.#set(info);
    this.#lists.delete(app);
  }

  #set(info: InstanceInfo): void {
    const service = this.#services.get(info.app);
    if (service !== undefined) {
      service.set(info.instanceId, info);
      return;
    }
    this.#services.set(info.app, new Map([[info.instanceId, info]]));
    this.#names = undefined;
  }

  #delete(app: string, instanceId: string): void {
    const service = this.#services.get(app);
    service?.delete(instanceId);
    if (service?.size !== 0) return;
    this.#services.delete(app);
    this.#names = undefined;
  }

  /** As the server counts. */
  #hashCode(): string {
    const counts = new Map<string, number>();
    for (const service of this.#services.values())
      for (const { status } of service.values()) counts.set(status, (counts.get(status) ?? 0) + 1);
    return [...counts]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([status, count]) => `${status}_${count}_`)
      .join('');
  }
}

function byId(one: InstanceInfo, other: InstanceInfo): number {
  return one.instanceId < other.instanceId ? -1 : 1;
}
