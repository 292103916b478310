import type { Additions } from '../../lib/capability/additions.ts';
import { noRules } from '../../lib/rules/rules.ts';

/** What an ADD is planned with whose configuration asks for nothing beside attaching. */
export const nothingAdded: Additions = { rules: noRules, steps: [], flows: [], amend: (result) => result };
