import type { How } from '../balance/balancer.ts';
import { strategies } from '../balance/strategy.ts';
import { ApiError } from './api-error.ts';
import type { ApiParts } from './parts.ts';
import { readAll, readText, readWord } from './query.ts';
import { noContent, type Reply, renderedJson } from './reply.ts';
import type { ApiRequest } from './route.ts';
import { findInstance, findService } from './services.ts';
import { requireBody } from './write.ts';

const defaultStrategy = 'round-robin';

/** `GET /v1/services/:name/pick`: one healthy instance, chosen by a strategy. */
export function pick(request: ApiRequest, parts: ApiParts): Reply {
  const { view, picker, instanceTexts, candidateLists } = parts;
  view.refresh();
  const how = readHow(request);
  const { fitting, list } = candidateLists.of(findService(request, view), {
    port: readText(request.query, 'port'),
    family: readWord(request.query, 'family', ['4', '6']),
    tags: readAll(request.query, 'tag'),
  });
  const picked = list.length === 0 ? undefined : picker.pick(list, how);
  if (picked === undefined) throw nothingHealthy(request.params.name ?? '', fitting);
  return renderedJson(instanceTexts.of(picked));
}

/** `POST /v1/services/:name/:id/report`: what became of a request to a picked instance, for the next choice. */
export function report(request: ApiRequest, { view, picker }: ApiParts): Reply {
  const body = requireBody(request.body);
  view.refresh();
  const { id } = findInstance(request, view);
  const latencyMs = body.integer('LatencyMs', { min: 0, max: 86_400_000 });
  const finished = body.boolean('Finished');
  picker.report({
    id,
    failed: body.boolean('Failed') ?? false,
    ...(latencyMs === undefined ? {} : { latencyMs }),
    ...(finished === undefined ? {} : { finished }),
  });
  return noContent;
}

function readHow({ query, caller }: ApiRequest): How {
  const key = readText(query, 'key');
  const except = readAll(query, 'except').flatMap((ids) => ids.split(','));
  return {
    strategy: readWord(query, 'strategy', strategies) ?? defaultStrategy,
    caller: readText(query, 'caller') ?? caller.name,
    ...(key === undefined ? {} : { key }),
    ...(except.length === 0 ? {} : { except: new Set(except) }),
  };
}

function nothingHealthy(name: string, fitting: number): ApiError {
  const found =
    fitting === 0 ? 'no instance of it fits' : `none of the ${fitting} that fit is to be used now`;
  return new ApiError(503, `the service ${JSON.stringify(name)} has nothing to pick: ${found}`, {
    hint: `GET /v1/services/${encodeURIComponent(name)} shows its instances and their status`,
    headers: { 'Retry-After': '1' },
  });
}
