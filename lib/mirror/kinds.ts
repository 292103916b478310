import { etcdKind } from './etcd/kind.ts';
import type { RegistryKind } from './mirror.ts';

/** Every kind of outside registry, by the `type` of its configuration. */
export const kinds: ReadonlyMap<string, RegistryKind<unknown>> = new Map(
  [etcdKind].map((each): [string, RegistryKind<unknown>] => [each.kind, each as RegistryKind<unknown>]),
);
