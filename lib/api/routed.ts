import { notFound } from './api-error.ts';
import type { ApiParts, ApiRouted } from './parts.ts';

/** What this machine has to do with the cluster's addresses. @throws ApiError 404 where that is nothing */
export function requireRouted({ routed }: Pick<ApiParts, 'routed'>): ApiRouted {
  if (routed !== undefined) return routed;
  throw notFound(
    "this machine has no part in the cluster's addresses",
    'the block "blocks" of the configuration of the agent gives it one',
  );
}
