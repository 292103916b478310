/** Error numbers of linux/errno.h that say something other than that it did not work. */
export const errno = {
  permission: 1,
  absent: 2,
  interrupted: 4,
  tryAgain: 11,
  invalid: 22,
  protocolUnsupported: 93,
  notSupported: 95,
  familyUnsupported: 97,
} as const;

/** An error number with which a request ended, in words. */
export function describeErrno(number: number): string {
  return number === errno.permission ? 'not permitted: run with CAP_NET_ADMIN' : `error ${number}`;
}
