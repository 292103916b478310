import { badRequest } from './api-error.ts';

/** What a request asks for. */
export type Target = {
  /** The decoded segments of the path, without the empty one that a slash at the end makes. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
};

/**
 * A request's target in origin or absolute form (RFC 9112, section 3.2). Dots are left as they are: nothing here is a
 * file, and `URL` would take "%2e%2e" for a step upwards.
 * @throws ApiError 400
 */
export function parseTarget(target: string): Target {
  const origin = target.replace(/^https?:\/\/[^/?#]*/i, '');
  const [path = '', query = ''] = splitOnce(origin.replace(/#.*$/, ''), '?');
  const segments = path.split('/').slice(1);
  if (segments.at(-1) === '') segments.pop();
  decode(query, 'the query');
  return {
    segments: segments.map((segment) => decode(segment, 'the path')),
    query: new URLSearchParams(query),
  };
}

function splitOnce(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function decode(text: string, where: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badRequest(
      `${where} has a "%" that does not begin an encoded UTF-8 character`,
      'encode "%" itself as %25',
    );
  }
}
