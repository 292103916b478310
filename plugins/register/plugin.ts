import type { AttachmentCall, Plugin } from '../../lib/cni/dispatch.ts';
import type { Result } from '../../lib/cni/result.ts';
import type { TellingParts } from '../../lib/registry/outside/outside.ts';
import { withRegistry } from '../../lib/registry/with-registry.ts';

/**
 * The plugin `register`, chained after any other: it attaches nothing, and registers what the plugins before it have
 * attached. README.md says how.
 */
export function createRegister(parts: TellingParts): Plugin {
  const nothing = () => undefined;
  return withRegistry(
    {
      name: 'register',
      add: previousResult,
      del: nothing,
      check: previousResult,
      gc: nothing,
      status: nothing,
    },
    parts,
    { completes: true },
  );
}

/** @throws CniError code 7 where no plugin stands before it */
function previousResult({ conf }: AttachmentCall): Result {
  return conf.prevResult() ?? conf.fields.missing('prevResult');
}
