import { type Json, listOf, objectOf, optionalText, parseObjects, textOf } from '../iproute/json.ts';

/** A queueing discipline of a link. */
export type Qdisc = {
  /** "tbf", "noqueue", "ingress", … */
  readonly kind: string;
  readonly isRoot: boolean;
  /** Of a token bucket: bytes a second. */
  readonly rate: number | undefined;
  /** Of a token bucket, in bytes, as exactly as the kernel's clock ticks. */
  readonly burst: number | undefined;
};

/** Output of `tc -j qdisc show dev …`. */
export function parseQdiscs(text: string): readonly Qdisc[] {
  return parseObjects(text).map((qdisc) => {
    const options = objectOf(qdisc.options);
    return {
      kind: textOf(qdisc.kind),
      isRoot: qdisc.root === true,
      rate: optionalNumber(options.rate),
      burst: optionalNumber(options.burst),
    };
  });
}

/** Output of `tc -j filter show dev … ingress`: the links that all packets of any protocol are led to, in order. */
export function parseRedirects(text: string): readonly string[] {
  return parseObjects(text).flatMap((filter) => {
    const { match, actions } = objectOf(filter.options);
    if (filter.protocol !== 'all' || !matchesAll(objectOf(match))) return [];
    const target = redirectOf(objectOf(listOf(actions)[0]));
    return target === undefined ? [] : [target];
  });
}

function matchesAll({ value, mask }: Json): boolean {
  return value === '0' && mask === '0';
}

function redirectOf({ kind, mirred_action, direction, to_dev }: Json): string | undefined {
  const isRedirect = kind === 'mirred' && mirred_action === 'redirect' && direction === 'egress';
  return isRedirect ? optionalText(to_dev) : undefined;
}

function optionalNumber(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
