import type { HostRelease } from '../blocks/release-host.ts';
import { CniError } from '../errors/cni-error.ts';
import { EtcdError } from '../etcd/etcd.ts';
import { ApiError, badRequest, notFound } from './api-error.ts';
import type { ApiParts, ApiRouted } from './parts.ts';
import { readFlag } from './query.ts';
import { json, type Reply } from './reply.ts';
import type { ApiRequest } from './route.ts';
import { requireRouted } from './routed.ts';

/** `GET /v1/ipam`: the cluster's addresses, and this machine's part. @throws ApiError 404 where it has none */
export function getIpam(_request: ApiRequest, parts: ApiParts): Reply {
  return json(requireRouted(parts).ipam());
}

/**
 * `DELETE /v1/ipam/hosts/:host`: takes its blocks and loans from a host that is gone for good; one that is alive, or
 * was ten minutes ago, only with `force=1`.
 */
export async function releaseHost(request: ApiRequest, parts: ApiParts): Promise<Reply> {
  const routed = requireRouted(parts);
  requireWholeCluster(request);
  const host = readHost(request);
  const outcome = await release(routed, host, readFlag(request.query, 'force'));
  if (outcome.kind !== 'released') throw refusal(outcome, host);
  const { node, blocks, loans } = outcome;
  return json({ node, blocks, loans });
}

/** Addresses belong to no namespace: who may touch some namespaces only has no business with a host's. */
function requireWholeCluster({ caller }: ApiRequest): void {
  if (caller.namespaces === undefined) return;
  throw new ApiError(403, `the token ${caller.name} opens some namespaces only, and a host has all of them`, {
    hint: 'use a token without "namespaces"',
  });
}

function readHost({ params }: ApiRequest): string {
  const host = params.host ?? '';
  if (host !== '' && host.length <= 255 && !/[\p{Cc}/]/u.test(host)) return host;
  throw badRequest(
    'host: expected the name or the id of a host',
    '"fairlead ipam" lists the hosts with both',
  );
}

async function release(routed: ApiRouted, host: string, force: boolean): Promise<HostRelease> {
  try {
    return await routed.releaseHost(host, { force });
  } catch (cause) {
    if (!(cause instanceof CniError || cause instanceof EtcdError)) throw cause;
    throw new ApiError(503, cause.message, {
      hint: 'see that etcd is reached; nothing, or a part, was released: asking again is safe',
      headers: { 'Retry-After': '1' },
      cause,
    });
  }
}

const stopContainers = 'its containers must be stopped, not only its agent';

function refusal(outcome: Exclude<HostRelease, { kind: 'released' }>, host: string): ApiError {
  switch (outcome.kind) {
    case 'unknown':
      return notFound(`there is no host ${host}`, '"fairlead ipam" lists the hosts');
    case 'ambiguous':
      return new ApiError(409, `there are several hosts named ${host}: ${outcome.nodes.join(', ')}`, {
        hint: 'give the id of the one that is meant',
      });
    case 'alive':
      return new ApiError(409, `${outcome.name} is alive: its containers use what it has`, {
        hint: `${stopContainers}; force=1 (--force) takes all the same, and its containers lose their ways`,
      });
    case 'recent':
      return new ApiError(
        409,
        `${outcome.name} was there ${outcome.secondsAgo} s ago: its containers may run on`,
        {
          hint: `${stopContainers}; then force=1 (--force) takes what it has, or wait for ten minutes`,
        },
      );
  }
}
