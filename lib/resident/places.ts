/** Where the agent takes calls; the client knows no other place. */
export const callSocketPath = '/run/fairlead/cni.sock';

/** The file of which each attachment has a byte, that its calls lock. */
export const turnsPath = '/run/fairlead/cni.lock';

/** Where clients note the calls that they have executed by themselves. */
export const fallbacksPath = '/run/fairlead/cni.fallbacks';

/** The word after which the executable is a worker of the agent. */
export const workerCommand = 'cni-worker';
