import { abreast } from '../abreast.ts';
import type { NacosClient, Page } from './client.ts';
import type { Host, Listed } from './host.ts';
import { type GroupedService, toGroupedName } from './place.ts';

/** Services in one page with their instances: some megabytes where they are large. */
const pageSize = 50;
/** Services in one page of names. */
const namesPageSize = 500;
/** More than a server could hold: one that never ends its list is not to be listened to for ever. */
const mostPages = 5_000;
/** Calls under way at once. */
const width = 16;
/** Asking for so many services one by one costs as much as one page of them. */
const servicesForAPage = 5;

/** What is registered in one namespace of Nacos, whether clients are given it or not. */
export class Catalogue {
  readonly #client: NacosClient;
  /** How many services there were when they were counted last. */
  #count: number | undefined;

  constructor(client: NacosClient) {
    this.#client = client;
  }

  /** All instances of these services, by the cheaper of two ways; others may be among them. */
  async ofServices(services: readonly GroupedService[], signal: AbortSignal): Promise<readonly Host[]> {
    const distinct = [...new Map(services.map((service) => [toGroupedName(service), service])).values()];
    const pages = Math.ceil((this.#count ?? Number.POSITIVE_INFINITY) / pageSize);
    if (pages * servicesForAPage < distinct.length) return this.everything(signal);
    const found = await abreast(distinct, width, (service) => this.#client.hosts(service, signal));
    return found.flat();
  }

  /** All instances of all services. @param isWanted the others are forgotten page by page */
  async everything(
    signal: AbortSignal,
    isWanted: (host: Host) => boolean = () => true,
  ): Promise<readonly Host[]> {
    const hosts: Host[] = [];
    let count = 0;
    const pages = allPages<Listed>((pageNo) => this.#client.catalogue(pageNo, pageSize, signal));
    for await (const page of pages) {
      count += page.length;
      hosts.push(...page.flatMap((listed) => listed.hosts.filter(isWanted)));
    }
    this.#count = count;
    return hosts;
  }

  /** The services that have instances. */
  async services(signal: AbortSignal): Promise<readonly GroupedService[]> {
    const services: GroupedService[] = [];
    const pages = allPages((pageNo) => this.#client.services(pageNo, namesPageSize, signal));
    for await (const page of pages) services.push(...page);
    return services;
  }
}

async function* allPages<T>(read: (pageNo: number) => Promise<Page<T>>): AsyncGenerator<readonly T[]> {
  for (let pageNo = 1; pageNo <= mostPages; pageNo++) {
    const { items, isLast } = await read(pageNo);
    yield items;
    if (isLast) return;
  }
  throw new Error(`nacos: the list of services has no end after ${mostPages} pages`);
}
