import type { IfName } from '../net/ifname.ts';

/** Lets through what a link sends no faster than a rate: a token bucket filter as the link's root qdisc. */
export type AddTokenBucket = {
  readonly kind: 'add-token-bucket';
  readonly link: IfName;
  /** Bits a second. */
  readonly rate: number;
  /** Bytes that may go at once after a pause. */
  readonly burst: number;
  /** Bytes that may wait, those of the burst among them; what comes beyond is dropped. */
  readonly limit: number;
};

/** Leads all that a link receives to another link, which sends it, and takes it for received by the first. */
export type RedirectIngress = {
  readonly kind: 'redirect-ingress';
  readonly link: IfName;
  readonly to: IfName;
};

/** What `tc` does; one line of its batch each. Nothing that is there already is replaced. */
export type TcOperation =
  | AddTokenBucket
  /** Makes room for filters over what a link receives. */
  | { readonly kind: 'add-ingress-qdisc'; readonly link: IfName }
  | RedirectIngress
  /** Takes the root qdisc away: the kernel's usual one comes back. */
  | { readonly kind: 'delete-root-qdisc'; readonly link: IfName }
  /** Takes the filters over what a link receives away, too. */
  | { readonly kind: 'delete-ingress-qdisc'; readonly link: IfName };
