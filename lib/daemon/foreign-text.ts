const longest = 200;

/** What somebody else has written, as far as a line of a log has room for it: a key of etcd may have megabytes. */
export function cutForeign(text: string): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}
