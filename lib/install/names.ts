/** The plugins that the executable plays, each when it is called by that name; what is built and installed. */
export const pluginNames = [
  'bandwidth',
  'bridge',
  'firewall',
  'host-local',
  'loopback',
  'portmap',
  'ptp',
  'register',
  'routed',
  'static',
  'tuning',
  'vxlan-overlay',
] as const;

/** The name by which the executable is the command line. */
export const commandName = 'fairlead';

/** All names of the executable; the command line's last, so that what is interrupted can be called again from there. */
export const installedNames: readonly string[] = [...pluginNames, commandName];
