import type { AttachmentCall } from '../../lib/cni/dispatch.ts';
import { type Environment, parseAttachment, parsePluginPath } from '../../lib/cni/invocation.ts';
import { parseNetConf } from '../../lib/cni/netconf.ts';

/** The environment of a valid ADD; fields given replace those. */
export function addEnvironment(changes: Environment = {}): Environment {
  return {
    CNI_COMMAND: 'ADD',
    CNI_CONTAINERID: 'c1',
    CNI_NETNS: '/run/netns/c1',
    CNI_IFNAME: 'eth0',
    CNI_PATH: '/opt/cni/bin',
    ...changes,
  };
}

/** The call that dispatch would make of a configuration and an environment. */
export function toCall(conf: object, env: Environment = addEnvironment()): AttachmentCall {
  return {
    conf: parseNetConf({ cniVersion: '1.1.0', name: 'net', type: 'bridge', ...conf }),
    pluginPath: parsePluginPath(env),
    env,
    attachment: parseAttachment(env),
  };
}
