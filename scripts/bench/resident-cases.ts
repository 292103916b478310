import type { ResidentCase } from './resident-case.ts';

/** The cases by name; a crowd comes last, for the kernel is long at work to remove it. */
export const residentCases = {
  bare: { short: 'bare', name: 'bare' },
  ipMasq: { short: 'ipmasq', name: 'ipMasq', ipMasq: true },
  ports: { short: 'ports', name: 'ipMasq + 2 host ports', ipMasq: true, hasPorts: true },
  leases: { short: 'leases', name: 'bare, 10,000 leases', leases: 10_000 },
  burst: { short: 'burst', name: 'ipMasq, 50 at once (wall)', ipMasq: true, isBurst: true },
  crowd: {
    short: 'crowd',
    name: 'ipMasq + 2 host ports, 1,000 attached',
    ipMasq: true,
    hasPorts: true,
    attached: 1_000,
  },
  fewer: {
    short: 'fewer',
    name: 'ipMasq + 2 host ports, 100 attached',
    ipMasq: true,
    hasPorts: true,
    attached: 100,
  },
} as const satisfies Readonly<Record<string, ResidentCase>>;
