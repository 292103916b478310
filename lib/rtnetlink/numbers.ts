import type { IfName } from '../net/ifname.ts';

/** The kernel's numbers for what an operation has names of; undefined for what is not there. */
export type Numbers = {
  /** Of an interface of the namespace in which the operation is carried out. */
  readonly indexOf: (link: IfName) => number | undefined;
  /** An open file descriptor of the network namespace at a path. */
  readonly netnsOf: (path: string) => number | undefined;
};
