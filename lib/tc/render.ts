import { joinWords } from '../iproute/words.ts';
import type { AddTokenBucket, RedirectIngress, TcOperation } from './operation.ts';

/**
 * The line of `tc -batch -` for one operation. Like `ip`, it is cut at white space and takes a `#` for a comment, so each
 * word is checked.
 */
export function renderTc(operation: TcOperation): string {
  return joinWords('tc', tcWords(operation));
}

function tcWords(operation: TcOperation): readonly string[] {
  switch (operation.kind) {
    case 'add-token-bucket':
      return addTokenBucket(operation);
    case 'add-ingress-qdisc':
      return ['qdisc', 'add', 'dev', operation.link, 'handle', 'ffff:', 'ingress'];
    case 'redirect-ingress':
      return redirectIngress(operation);
    case 'delete-root-qdisc':
      return ['qdisc', 'del', 'dev', operation.link, 'root'];
    case 'delete-ingress-qdisc':
      return ['qdisc', 'del', 'dev', operation.link, 'ingress'];
  }
}

/** `limit` instead of `latency`, of which tc makes a limit that overflows 32 bits unnoticed. */
function addTokenBucket({ link, rate, burst, limit }: AddTokenBucket): readonly string[] {
  const bucket = ['tbf', 'rate', `${rate}bit`, 'burst', `${burst}b`, 'limit', `${limit}b`];
  return ['qdisc', 'add', 'dev', link, 'root', 'handle', '1:', ...bucket];
}

/** u32, which has matched everything (0 under the mask 0) for longer than there has been `matchall`. */
function redirectIngress({ link, to }: RedirectIngress): readonly string[] {
  return [
    ...['filter', 'add', 'dev', link, 'parent', 'ffff:', 'protocol', 'all', 'pref', '1'],
    ...['u32', 'match', 'u32', '0', '0', 'flowid', '1:1'],
    ...['action', 'mirred', 'egress', 'redirect', 'dev', to],
  ];
}
