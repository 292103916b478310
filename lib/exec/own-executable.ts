/** The executable that runs: also when another file has taken its path meanwhile. */
export const ownExecutable = '/proc/self/exe';
