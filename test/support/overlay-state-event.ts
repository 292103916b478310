/** Something that can happen now; done, it says what has come of it. */
export type Event = { readonly what: string; readonly happen: () => Promise<string> };

/** Nothing is to be told of what has come of it. */
export function quietly(happen: () => Promise<unknown>): Event['happen'] {
  return async () => {
    await happen();
    return '';
  };
}
