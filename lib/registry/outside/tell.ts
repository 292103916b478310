import { CniError, ErrorCode, messageOf } from '../../errors/cni-error.ts';
import { type MirrorSummary, needsAgent } from '../../mirror/summary.ts';
import { findTold } from '../../mirror/told.ts';
import type { Instance } from '../instance.ts';
import type { Store } from '../store.ts';
import { runDelivery } from './delivering-process.ts';
import { isAgentThere, type Outside, type TellingParts, titleOf } from './outside.ts';
import { findUnconfirmed, isTold, type News, type Unconfirmed } from './unconfirmed.ts';

/**
 * Sees to it that outside registries have what an ADD has registered: an agent delivers it, or, where none runs, we do. Of
 * those that are required, it waits for the confirmation.
 * @param registered by one transaction
 * @throws CniError code 11 where one that is required has not confirmed in time, 999 where it does not take it
 */
export function tellRegistered(outside: Outside, registered: readonly Instance[], parts: TellingParts): void {
  const [first] = registered;
  if (first === undefined) return;
  const news = { revision: first.revision, ids: registered.map(({ id }) => id) };
  const isRequired = outside.required.length > 0;
  try {
    judge(bring(outside, news, parts), outside, parts);
  } catch (error) {
    if (isRequired) throw error;
    warnOfFailure(error, parts);
  }
}

/**
 * Delivers what was withdrawn, where no agent does; what cannot be delivered stays for the next delivery.
 * @param mirrors those that are told; all unless said
 */
export function tellWithdrawn(
  outside: Outside,
  parts: TellingParts,
  mirrors: readonly MirrorSummary[] = outside.mirrors,
): void {
  if (mirrors.length === 0) return;
  const forgiving = { ...outside, mirrors, required: [] };
  try {
    const revision = parts.openStore(outside.store).revision();
    judge(bring(forgiving, { revision, ids: [] }, parts), forgiving, parts);
  } catch (error) {
    warnOfFailure(error, parts);
  }
}

/** The outside registries that have been told what was registered. */
export function toldOf(
  { mirrors, store: path }: Outside,
  [first]: readonly Instance[],
  { openStore }: TellingParts,
): readonly MirrorSummary[] {
  if (first === undefined) return [];
  const store = openStore(path);
  return mirrors.filter((mirror) => isTold(store, mirror, first));
}

/** An agent sees the commit by itself; then all there is to do is to wait for those that are required. */
function bring(outside: Outside, news: News, parts: TellingParts): readonly Unconfirmed[] {
  return isAgentThere(outside.store) ? awaitAgent(outside, news, parts) : deliver(outside, news, parts);
}

const pollMs = 5;

function awaitAgent(
  { required, store: path, file, timeoutMs }: Outside,
  news: News,
  { machine, openStore }: TellingParts,
): readonly Unconfirmed[] {
  if (required.length === 0) return [];
  const store = openStore(path);
  const isConfirmed = (mirror: MirrorSummary) => isTold(store, mirror, news);
  for (let waitedMs = 0; waitedMs < timeoutMs && !required.every(isConfirmed); waitedMs += pollMs)
    machine.sleep(pollMs);
  const reasonOf = (mirror: MirrorSummary) => ({
    because: `the agent has not confirmed within ${timeoutMs / 1000} s; ${adviceFor(mirror, { store, file })}`,
    code: ErrorCode.tryAgainLater,
  });
  return findUnconfirmed(required, news, { store, reasonOf });
}

/** Another place under the same name is nothing that the agent could confirm. */
function adviceFor(mirror: MirrorSummary, { store, file }: { store: Store; file: string }): string {
  return findTold(store, mirror) === undefined
    ? `it has not delivered to it as ${file} says now, which it reads when it starts; see "fairlead mirrors"`
    : 'see "fairlead mirrors"';
}

function deliver(outside: Outside, news: News, parts: TellingParts): readonly Unconfirmed[] {
  const mirrors = outside.mirrors.filter((mirror) => !needsAgent(mirror));
  if (mirrors.length === 0) return [];
  const reasonOf = runDelivery(outside, { revision: news.revision, mirrors }, parts);
  return findUnconfirmed(mirrors, news, { store: parts.openStore(outside.store), reasonOf });
}

/** @throws CniError where one of them is required */
function judge(unconfirmed: readonly Unconfirmed[], { required }: Outside, { warn }: TellingParts): void {
  const describe = ({ mirror, because }: Unconfirmed) => `${titleOf(mirror)}: ${because}`;
  const failed = unconfirmed.filter(({ mirror }) => required.includes(mirror));
  const [first] = failed;
  if (first !== undefined)
    throw new CniError(first.code, `not confirmed by ${failed.map(describe).join('; ')}`);
  for (const each of unconfirmed) warn(`not delivered yet to ${describe(each)}`);
}

function warnOfFailure(error: unknown, { warn }: TellingParts): void {
  warn(`outside registries are not told yet: ${messageOf(error)}`);
}
