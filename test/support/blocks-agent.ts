import { connectEtcd } from '../../lib/etcd/client.ts';
import type { EtcdConfig } from '../../lib/etcd/config.ts';
import { type BlocksPlace, createHolder } from './blocks-holder.ts';

/** What the process is told as its only argument, in JSON. */
export type BlocksAgentTask = { readonly place: BlocksPlace; readonly etcd: EtcdConfig };

// A process of its own, to be killed at any moment: the holder of one host, until then.
const [, , task = ''] = process.argv;
const { place, etcd } = JSON.parse(task) as BlocksAgentTask;
const log = (message: string, fields: object = {}) => {
  process.stderr.write(`${message} ${JSON.stringify(fields)}\n`);
};
const holder = createHolder(place, {
  etcd: connectEtcd(etcd),
  log: { info: log, warn: log, error: log },
});
await holder.run(new AbortController().signal);
