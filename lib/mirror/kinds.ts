import { consulKind } from './consul/kind.ts';
import { etcdKind } from './etcd/kind.ts';
import { eurekaKind } from './eureka/kind.ts';
import type { RegistryKind } from './mirror.ts';
import { nacosKind } from './nacos/kind.ts';
import { zookeeperKind } from './zookeeper/kind.ts';

/** Every kind of outside registry, by the `type` of its configuration. */
export const kinds: ReadonlyMap<string, RegistryKind<unknown>> = new Map(
  [consulKind, etcdKind, eurekaKind, nacosKind, zookeeperKind].map(
    (each): [string, RegistryKind<unknown>] => [each.kind, each as RegistryKind<unknown>],
  ),
);
