import type { Instance } from '../../registry/instance.ts';

/** Where an entry is: `<base>/<service>/<child>`. */
export type Place = { readonly service: string; readonly child: string };

/** How instances are written below a service's node. All pure. */
export type Layout = {
  /** What an instance is called there. */
  readonly childOf: (instance: Instance, node: string) => string;
  readonly write: (instance: Instance, place: Place) => string;
  /** Undefined for what is not healthy, or nothing that this machine could register. @param registry for the ids of what others wrote */
  readonly read: (text: string, place: Place, registry: string) => Instance | undefined;
  /** Whether the name alone tells that an entry is this machine's; `unknown` where only its data does. */
  readonly isOwnName: (child: string, node: string) => boolean | 'unknown';
  /** Which machine wrote it, by its data; undefined for none of ours. */
  readonly writerOf: (text: string) => string | undefined;
};
