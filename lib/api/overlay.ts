import { ApiError } from './api-error.ts';
import type { ApiParts } from './parts.ts';
import { json, type Reply } from './reply.ts';
import type { ApiRequest } from './route.ts';

/** `GET /v1/overlay`: this machine's part in the overlay. @throws ApiError 404 where it has none */
export function getOverlay(_request: ApiRequest, { overlay }: ApiParts): Reply {
  const status = overlay();
  if (status !== undefined) return json(status);
  throw new ApiError(404, 'this machine is in no overlay', {
    hint: 'the block "overlay" of the configuration of the agent puts it into one',
  });
}
