// node test/support/register-many.ts STORE PREFIX COUNT: registers so many containers, each in a transaction of its own,
// and withdraws every fourth of them again. Prints "ready", and after each commit its revision.

import type { Change } from '../../lib/registry/instance.ts';
import { openStore } from '../../lib/registry/sqlite-store.ts';
import { bootId, draftOf, registrationOf } from './registrations.ts';

const [path = '', prefix = '', count = '0'] = process.argv.slice(2);
const store = openStore({ path, bootId });
const tell = (revision: unknown) => process.stdout.write(`${revision}\n`);
tell('ready');
for (let number = 0; number < Number(count); number++) {
  const containerId = `${prefix}-${number}`;
  const address = `10.${prefix.length}.${(number >> 8) & 255}.${number & 255}`;
  const instances = [80, 443].map((port) => draftOf({ id: `${containerId}-${port}`, address, port }));
  const registration = registrationOf({ network: `net-${prefix}`, containerId, instances });
  const [first] = store.register(registration);
  tell(first?.revision);
  if (number % 4 !== 3) continue;
  store.withdraw(registration, 2_000_000);
  const withdrawn = store.changesSince((first?.revision ?? 0) - 1)?.find(isRemovalOf(containerId));
  tell(withdrawn?.revision);
}

function isRemovalOf(containerId: string): (change: Change) => boolean {
  return ({ kind, instance }) => kind === 'remove' && instance.id.startsWith(`${containerId}-`);
}
