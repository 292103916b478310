import type { RegistryKind } from '../mirror.ts';
import { type EurekaConfig, eurekaFields, parseEurekaConfig } from './config.ts';
import { EurekaRegistry } from './eureka-registry.ts';

/** Netflix's Eureka, and Spring Cloud's, which differ only in their paths. */
export const eurekaKind: RegistryKind<EurekaConfig> = {
  kind: 'eureka',
  fields: eurekaFields,
  parse: parseEurekaConfig,
  open: (config, options) => new EurekaRegistry(config, options),
};
