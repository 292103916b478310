import { SecretReader } from '../../http/secret.ts';
import { ZooKeeperClient } from '../../zookeeper/client.ts';
import type { RegistryKind } from '../mirror.ts';
import {
  type Authentication,
  parseZooKeeperConfig,
  type ZooKeeperMirrorConfig,
  zookeeperFields,
} from './config.ts';
import { layoutOf } from './layout-of.ts';
import { ZooKeeperMirror } from './zookeeper-mirror.ts';

/** ZooKeeper, as clients of Curator, Spring Cloud or registrator's layout read it. */
export const zookeeperKind: RegistryKind<ZooKeeperMirrorConfig> = {
  kind: 'zookeeper',
  fields: zookeeperFields,
  parse: parseZooKeeperConfig,
  open: ({ servers, tls, auth, ttlMs, timeoutMs, base, access, format }, options) => {
    const client = new ZooKeeperClient({
      servers,
      tls,
      credentials: () => readCredentials(auth),
      sessionTimeoutMs: ttlMs,
      timeoutMs,
    });
    return new ZooKeeperMirror({ ...options, client, base, access, layout: layoutOf(format) });
  },
};

/** Read for each connection: files are replaced while the agent runs. */
async function readCredentials(auth: Authentication | undefined): Promise<string | undefined> {
  return auth && `${auth.user}:${await new SecretReader(auth.password).read()}`;
}
