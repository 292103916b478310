/** `host:port`, an IPv6 address in brackets; with a scheme where one is given. */
export function serverUrl(address: string, port: number, scheme?: 'http' | 'https'): string {
  const authority = `${address.includes(':') ? `[${address}]` : address}:${port}`;
  return scheme === undefined ? authority : `${scheme}://${authority}`;
}
