import { existsSync } from 'node:fs';
import type { TestContext } from 'vitest';
import type { ServerPlace } from './registry-server.ts';
import { skipUnless } from './skip.ts';
import { toolPath } from './tool-path.ts';

/** Directories, as scripts/registry-servers-java.sh makes them; EUREKA and NACOS name others. */
export const eurekaPath = toolPath('eureka', '4.1.3-1.10.1');
export const nacosPath = toolPath('nacos', '2.3.2-3.1.0');

/** Skips a test where there is no Eureka. */
export function requireEureka(context: TestContext): void {
  requireJavaServer(context, eurekaPath, 'EUREKA');
}

/** Skips a test where there is no Nacos. */
export function requireNacos(context: TestContext): void {
  requireJavaServer(context, nacosPath, 'NACOS');
}

/** Where a server's own files are, and that it asks no DNS: some want the names of the machine's addresses. */
export function toSystemProperties({ netns }: ServerPlace, directory: string) {
  return {
    'java.io.tmpdir': directory,
    'user.home': directory,
    'jdk.net.hosts.file': '/etc/hosts',
    // On the machine's loopback there is but 127.0.0.1 to listen on.
    'java.net.preferIPv4Stack': String(netns === undefined),
  };
}

/** What `java` is given before anything else: soon there, small, and in need of nobody. */
export function javaArguments(megabytes: number, properties: Readonly<Record<string, string>>) {
  return [
    ...[`-Xmx${megabytes}m`, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
    // Its file would be left in /tmp by a process that is killed.
    '-XX:-UsePerfData',
    ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
  ];
}

function requireJavaServer(context: TestContext, path: string, variable: string): void {
  const directories = (process.env.PATH ?? '').split(':');
  const isThere = existsSync(path) && directories.some((each) => existsSync(`${each}/java`));
  skipUnless(context, isThere, `there is no java, or nothing at ${path}; ${variable} may name another`);
}
