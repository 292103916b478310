import type { ZooKeeperClient } from '../../zookeeper/client.ts';
import { type Acl, type NewNode, openAcl } from '../../zookeeper/operation.ts';
import { isZooKeeperError } from '../../zookeeper/zookeeper-error.ts';
import type { Access } from './config.ts';
import type { Place } from './layout.ts';

export type TreeOptions = {
  readonly client: ZooKeeperClient;
  /** Without a slash at the end. */
  readonly base: string;
  readonly access: Access;
};

/** The nodes below the base: their paths, and those above the entries. */
export class Tree {
  readonly base: string;
  readonly acl: Acl;
  readonly #client: ZooKeeperClient;

  constructor({ client, base, access }: TreeOptions) {
    this.base = base;
    this.acl = acls[access];
    this.#client = client;
  }

  /** A key is a path below the base. */
  pathOf(key: string): string {
    return `${this.base}/${key}`;
  }

  /** An entry's node, which goes with the session. */
  entryNode(key: string, content: string): NewNode {
    return { path: this.pathOf(key), data: Buffer.from(content), mode: 'ephemeral', acl: this.acl };
  }

  /** Makes the node of a service, and what is above it. @throws ZooKeeperError */
  async makeService(service: string): Promise<void> {
    const names = this.pathOf(service).split('/').slice(1);
    // From below: nearly always only the last is missing.
    for (let depth = names.length; depth > 0; depth--) {
      if (await this.#makeParent(`/${names.slice(0, depth).join('/')}`)) return this.#makeBelow(names, depth);
    }
  }

  async #makeBelow(names: readonly string[], depth: number): Promise<void> {
    for (let below = depth + 1; below <= names.length; below++)
      await this.#makeParent(`/${names.slice(0, below).join('/')}`);
  }

  /** @returns whether it is there now; not so where what is above it is missing */
  async #makeParent(path: string): Promise<boolean> {
    try {
      await this.#create(path, 'container');
    } catch (error) {
      if (isZooKeeperError(error, 'NONODE')) return false;
      if (!isZooKeeperError(error, 'NODEEXISTS')) throw error;
    }
    return true;
  }

  /** Servers before 3.5 have no containers: what they keep stays, empty. */
  async #create(path: string, mode: 'container' | 'persistent'): Promise<void> {
    try {
      await this.#client.create({ path, data: Buffer.alloc(0), mode, acl: this.acl });
    } catch (error) {
      if (mode === 'persistent' || !isZooKeeperError(error, 'UNIMPLEMENTED')) throw error;
      await this.#create(path, 'persistent');
    }
  }
}

const everything = 31;
const reading = 1;
/** ZooKeeper replaces it by whom the connection has authenticated. */
const user = { permissions: everything, scheme: 'auth', id: '' };

const acls: Readonly<Record<Access, Acl>> = {
  open: openAcl,
  protected: [user, { permissions: reading, scheme: 'world', id: 'anyone' }],
  private: [user],
};

/** A key as its parts; undefined for what is no key. */
export function parseKey(key: string): Place | undefined {
  const [service = '', child = '', ...others] = key.split('/');
  return isNodeName(service) && isNodeName(child) && others.length === 0 ? { service, child } : undefined;
}

/** What may be the name of a node: names come from elsewhere, too. */
export function isNodeName(name: string): boolean {
  return /^[^/\p{C}]{1,255}$/u.test(name) && name !== '.' && name !== '..';
}
