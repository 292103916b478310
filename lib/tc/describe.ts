import type { TcOperation } from './operation.ts';

/** What an operation does, in words for an operator who reads that it failed. */
export function describeTc(operation: TcOperation): string {
  switch (operation.kind) {
    case 'add-token-bucket':
      return `limiting what ${operation.link} sends to ${operation.rate} bits a second (the kernel needs CONFIG_NET_SCH_TBF)`;
    case 'add-ingress-qdisc':
      return `making room for a limit on what ${operation.link} receives (the kernel needs CONFIG_NET_SCH_INGRESS)`;
    case 'redirect-ingress':
      return `leading what ${operation.link} receives through ${operation.to} (the kernel needs CONFIG_NET_CLS_U32 and CONFIG_NET_ACT_MIRRED)`;
    case 'delete-root-qdisc':
      return `lifting the limit on what ${operation.link} sends`;
    case 'delete-ingress-qdisc':
      return `lifting the limit on what ${operation.link} receives`;
  }
}
