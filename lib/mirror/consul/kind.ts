import type { RegistryKind } from '../mirror.ts';
import { type ConsulConfig, consulFields, parseConsulConfig } from './config.ts';
import { ConsulRegistry } from './consul-registry.ts';

/** Consul, by the API of this host's own agent. */
export const consulKind: RegistryKind<ConsulConfig> = {
  kind: 'consul',
  fields: consulFields,
  parse: parseConsulConfig,
  open: (config, options) => new ConsulRegistry(config, options),
};
