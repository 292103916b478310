import { notFound } from './api-error.ts';
import type { ApiParts } from './parts.ts';
import { json, type Reply } from './reply.ts';
import type { ApiRequest } from './route.ts';

/** `GET /v1/cni`: how CNI calls are served. @throws ApiError 404 where they are not */
export function getCni(_request: ApiRequest, { cni }: ApiParts): Reply {
  if (cni !== undefined) return json(cni());
  throw notFound(
    'this agent serves no CNI calls',
    'the block "cni" of the configuration of the agent has it serve them; {} is enough',
  );
}
