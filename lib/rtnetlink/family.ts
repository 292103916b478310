import type { Family } from '../net/address.ts';

/** AF_INET and AF_INET6. */
export const familyNumber: Readonly<Record<Family, number>> = { 4: 2, 6: 10 };

/** RT_SCOPE_… of linux/rtnetlink.h: how far what has it is from this host; `nowhere` leaves that open. */
export const scopeNumber = { universe: 0, link: 253, host: 254, nowhere: 255 } as const;
