/** What came of work that is done under a lock, by one that does not wait for it. */
export type Tried<T> =
  | { readonly kind: 'done'; readonly answer: T }
  /** Somebody else has the lock: nothing was done. */
  | { readonly kind: 'locked' };
