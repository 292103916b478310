// node test/support/register-many.ts STORE PREFIX COUNT: registers so many containers, each in a transaction of its own,
// and prints the revision of each. Withdraws every fourth of them again.

import { openStore } from '../../lib/registry/sqlite-store.ts';
import { bootId, draftOf, registrationOf } from './registrations.ts';

const [path = '', prefix = '', count = '0'] = process.argv.slice(2);
const store = openStore({ path, bootId });
for (let number = 0; number < Number(count); number++) {
  const containerId = `${prefix}-${number}`;
  const address = `10.${prefix.length}.${number >> 8}.${number & 255}`;
  const instances = [80, 443].map((port) => draftOf({ id: `${containerId}-${port}`, address, port }));
  const registration = registrationOf({ network: `net-${prefix}`, containerId, instances });
  const [first] = store.register(registration);
  const withdrawn = number % 4 === 3 ? store.withdraw(registration, 2_000_000) : [];
  process.stdout.write(`${first?.revision} ${withdrawn.length}\n`);
}
