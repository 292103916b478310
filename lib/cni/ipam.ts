import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { withLaterFailures } from '../errors/collect.ts';
import type { Machine } from '../exec/machine.ts';
import { findPlugin, parseDelegateResult, runDelegate } from './delegate.ts';
import type { AttachmentCall, NetworkCall, Plugin } from './dispatch.ts';
import { unexpected } from './fields.ts';
import type { Result } from './result.ts';

/** The IPAM plugin of a network, wherever it runs. */
export type Ipam = Pick<Plugin, 'add' | 'del' | 'check' | 'gc' | 'status'>;

/** Chooses the IPAM plugin that a configuration names; undefined where it names none. */
export type SelectIpam = (call: NetworkCall) => Ipam | undefined;

/** What an IPAM plugin is chosen from. */
export type IpamChoices = {
  readonly machine: Machine;
  /** The IPAM plugins of this build, by type. */
  readonly builtIn: ReadonlyMap<string, Ipam>;
  /** Whether the executable at a path is of this very build. */
  readonly isSameBuild: (path: string) => boolean;
};

/**
 * Step 3 of an ADD begins here. Where the binary that CNI_PATH has under the plugin's name is of this build, the
 * plugin runs in this process; otherwise it is executed, as the specification says.
 */
export function createSelectIpam({ machine, builtIn, isSameBuild }: IpamChoices): SelectIpam {
  return ({ conf, pluginPath }) => {
    const type = conf.fields.object('ipam')?.string('type') ?? '';
    if (type === '') return undefined;
    // It would be executed with this configuration and execute itself, without end.
    if (type === conf.type) throw unexpected('ipam.type', 'an IPAM plugin', type);
    const path = findPlugin(type, pluginPath, 'ipam.type');
    const own = builtIn.get(type);
    return own !== undefined && isSameBuild(path) ? own : asExecutable(path, machine);
  };
}

function asExecutable(path: string, machine: Machine): Ipam {
  const run = (verb: 'DEL' | 'CHECK' | 'GC' | 'STATUS') => (call: NetworkCall) => {
    runDelegate(path, verb, call, machine);
  };
  return {
    add: (call) => addOrClean(path, call, machine),
    del: run('DEL'),
    check: run('CHECK'),
    gc: run('GC'),
    status: run('STATUS'),
  };
}

/** An ADD that fails may have done half of its work, so it gets its DEL. */
function addOrClean(path: string, call: AttachmentCall, machine: Machine): Result {
  try {
    const result = parseDelegateResult(path, runDelegate(path, 'ADD', call, machine), call);
    if (result.ips.length > 0) return result;
    throw new CniError(ErrorCode.internal, `${path} answered without any address`);
  } catch (error) {
    try {
      runDelegate(path, 'DEL', call, machine);
    } catch (later) {
      throw withLaterFailures(error, [later]);
    }
    throw error;
  }
}
