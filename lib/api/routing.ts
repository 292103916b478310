import { notFound } from './api-error.ts';
import type { ApiParts } from './parts.ts';
import { json, type Reply } from './reply.ts';
import type { ApiRequest } from './route.ts';
import { requireRouted } from './routed.ts';

/** `GET /v1/routes`: the ways to the other machines' blocks. @throws ApiError 404 where there are no blocks */
export function getRoutes(_request: ApiRequest, parts: ApiParts): Reply {
  return json(requireRouted(parts).routes());
}

/** `GET /v1/bgp`: what BIRD says of its neighbours. @throws ApiError 404 where the agent writes the routes itself */
export async function getBgp(_request: ApiRequest, parts: ApiParts): Promise<Reply> {
  const status = await requireRouted(parts).bgp();
  if (status !== undefined) return json(status);
  throw notFound(
    'this machine speaks no BGP: its agent writes the routes itself',
    '"routing": {"mode": "bird"} in the configuration of the agent leaves them to BIRD',
  );
}
