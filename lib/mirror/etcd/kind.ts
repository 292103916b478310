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
    const mirror = createEtcdMirror({ ...options, ...config, etcd });
    return {
      name: mirror.name,
      render: (instance) => mirror.render(instance),
      put: (entries, signal) => mirror.put(entries, signal),
      remove: (keys, signal) => mirror.remove(keys, signal),
      listOwn: (signal) => mirror.listOwn(signal),
      run: (onLost, signal) => mirror.run(onLost, signal),
      nameOf: (service) => mirror.nameOf(service),
      query: (name, signal) => mirror.query(name, signal),
      watch: (name, signal) => mirror.watch(name, signal),
      watchNames: (signal) => mirror.watchNames(signal),
      [Symbol.asyncDispose]: () => etcd[Symbol.asyncDispose](),
    };
  },
};
