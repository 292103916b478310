import type { AttachmentCall, NetworkCall } from '../cni/dispatch.ts';
import type { NetConf } from '../cni/netconf.ts';
import type { Result } from '../cni/result.ts';
import type { Machine } from '../exec/machine.ts';
import type { Flow } from '../plan/flow.ts';
import type { Plan } from '../plan/operation.ts';
import type { Rules } from '../rules/rules.ts';
import type { ForeignRules } from '../takeover/foreign.ts';
import type { Endpoint } from './endpoint.ts';

/**
 * Something that a conflist may ask for beside attaching a container: host ports, a limit of bandwidth, who may come in.
 * One implementation with two doors: a main plugin asks for it in its own transaction, and the executable of that name
 * for what the plugins before it have attached.
 */
export type Capability = {
  /** The executable's name. */
  readonly name: string;
  /**
   * What the configuration asks for; undefined for nothing.
   * @throws CniError code 7
   */
  readonly open: (conf: NetConf) => Wanted | undefined;
  /**
   * What goes at DEL beside its rules, which are recorded, and beside what goes with the container's interface. Needs no
   * namespace and no previous result, and costs no process where there is nothing.
   * @throws CniError
   */
  readonly release: (call: AttachmentCall, machine: Machine) => void;
  /**
   * The same for all attachments of the network that are not valid any more.
   * @throws CniError
   */
  readonly collect: (call: NetworkCall, machine: Machine) => void;
  /** What the reference's plugin of this name leaves of an attachment that DEL is to take over; undefined for nothing. */
  readonly foreign: ForeignRules | undefined;
};

/** Programs of iproute2 and nftables. */
export type ToolName = 'ip' | 'nft' | 'tc';

/** What a configuration asks for, understood. */
export type Wanted = {
  /** May look at the machine, and changes nothing. */
  readonly rules: (endpoint: Endpoint, machine: Machine) => Rules;
  /** What there is to do that is no rule; it comes when the container is attached. May look at the machine, and changes nothing. */
  readonly steps: (endpoint: Endpoint, machine: Machine) => Plan;
  /** The flows whose way the rules change: conntrack leads them the old one until it forgets them. */
  readonly flows: (endpoint: Endpoint) => readonly Flow[];
  /** The result with what the steps have changed in it. */
  readonly amend: (result: Result, endpoint: Endpoint) => Result;
  /**
   * CHECK of what is no rule.
   * @throws CniError code 999 naming what is not as it was left
   */
  readonly check: (endpoint: Endpoint, machine: Machine) => void;
  /** The programs that it cannot do without, for STATUS. */
  readonly tools: readonly ToolName[];
};

/** What is wanted where only some of it is: the rest is nothing. */
export const nothingWanted: Wanted = {
  rules: () => ({ shared: [], own: [] }),
  steps: () => [],
  flows: () => [],
  amend: (result) => result,
  check: () => undefined,
  tools: [],
};
