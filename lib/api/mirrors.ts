import type { ApiParts } from './parts.ts';
import { json, type Reply } from './reply.ts';
import type { ApiRequest } from './route.ts';

/** `GET /v1/mirrors`: how each outside registry stands. */
export function getMirrors(_request: ApiRequest, { mirrors }: ApiParts): Reply {
  return json(mirrors?.() ?? []);
}
