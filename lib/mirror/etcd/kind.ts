import { connectEtcd } from '../../etcd/client.ts';
import type { RegistryKind } from '../mirror.ts';
import { type EtcdMirrorConfig, etcdMirrorFields, parseEtcdMirrorConfig } from './config.ts';
import { createEtcdMirror } from './etcd-mirror.ts';

/** etcd v3: records of ours, and, where it is asked for, what CoreDNS answers from. */
export const etcdKind: RegistryKind<EtcdMirrorConfig> = {
  kind: 'etcd',
  fields: etcdMirrorFields,
  parse: parseEtcdMirrorConfig,
  open: (config, options) => {
    const etcd = connectEtcd(config.etcd);
    return createEtcdMirror({ ...options, ...config, etcd, release: () => etcd[Symbol.asyncDispose]() });
  },
};
