import { inside, must } from './process.ts';

/** Where a DNS server of a test answers, over UDP and TCP. */
export type DnsPlace = {
  readonly netns?: string | undefined;
  readonly address: string;
  readonly port: number;
};

/** The real `dig`, once: `dig(server.dns, 'web.example', 'SRV', '+short')`. @returns its stdout */
export function dig({ netns, address, port }: DnsPlace, ...args: readonly string[]): Promise<string> {
  const options = [`@${address}`, '-p', String(port), '+time=2', '+tries=1', ...args];
  return netns === undefined ? must('dig', options) : must('nsenter', inside(netns, 'dig', ...options));
}
