import type { IfName } from '../net/ifname.ts';
import type { OuterWish } from './kernel/outer-wish.ts';
import type { OverlayMode } from './kernel/plane.ts';

/** What an operator has decided of a host's part in an overlay; the rest is in etcd, for all hosts. */
export type OverlaySettings = {
  /** Below it are Flannel's keys in etcd; without a slash at its end. */
  readonly prefix: string;
  readonly outer: OuterWish;
  readonly mode: OverlayMode;
  /** In mode l2, the bridge that the VXLAN device joins. */
  readonly bridge: IfName;
  readonly leaseTtlSeconds: number;
  readonly subnetFile: string;
  /** Where it is remembered across boots which subnet this host had. */
  readonly stateFile: string;
  /** Whether the agent masquerades what leaves the overlay, instead of the plugins. */
  readonly ipMasq: boolean;
  /** How often the kernel is compared with what it should be, in milliseconds, whether anything was heard or not. */
  readonly resyncMs: number;
};
