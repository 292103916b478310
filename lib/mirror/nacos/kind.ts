import type { RegistryKind } from '../mirror.ts';
import { type NacosConfig, nacosFields, parseNacosConfig } from './config.ts';
import { createNacosRegistry } from './nacos-registry.ts';

/** Nacos: ephemeral instances over HTTP, kept by heartbeats. */
export const nacosKind: RegistryKind<NacosConfig> = {
  kind: 'nacos',
  fields: nacosFields,
  parse: parseNacosConfig,
  open: (config, { name, node }) => createNacosRegistry({ ...config, name, node }),
};
