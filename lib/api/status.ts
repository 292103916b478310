import { messageOf } from '../errors/cni-error.ts';
import type { ApiParts } from './parts.ts';
import { json, type Reply } from './reply.ts';
import type { ApiRequest } from './route.ts';

/** `GET /healthz`: 200 where the registry can be read and is shown as it is, 503 where anything is wrong. */
export function healthz({ caller }: ApiRequest, parts: ApiParts): Reply {
  const problems = [...registryProblems(parts), ...(parts.health.problems?.() ?? [])];
  const status = problems.length === 0 ? 200 : 503;
  const word = problems.length === 0 ? 'ok' : 'failing';
  // A prober without a token learns whether the agent is well, and nothing about what it serves.
  if (caller.name === nobody.name) return json({ status: word }, status);
  const { view, topics } = parts;
  const detail = { revision: view.revision, instances: view.size, watchers: topics.count };
  return json({ status: word, ...detail, problems }, status);
}

/** Who asks without a token where none is needed. */
export const nobody = { name: '', access: 'read', namespaces: [] } as const;

/** `GET /metrics`: in the format that Prometheus scrapes. */
export async function metrics(_request: ApiRequest, parts: ApiParts): Promise<Reply> {
  const content = await parts.metrics.metrics();
  return { status: 200, body: { type: parts.metrics.contentType, content } };
}

function registryProblems({ store, view }: ApiParts): readonly string[] {
  try {
    const revision = store.revision();
    view.refresh();
    const shown = view.storeRevision;
    return shown < revision ? [`the registry is at revision ${revision}, and ${shown} is shown`] : [];
  } catch (error) {
    return [messageOf(error)];
  }
}
