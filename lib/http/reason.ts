/** Why a connection or an answer failed, in one line. A host with several addresses fails with one error for each, and none of its own. */
export function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(reasonOf).join(', ');
  // OpenSSL ends its messages with a line break.
  return (cause instanceof Error ? cause.message : String(cause)).trim();
}

/** Failures of the network are named as the kernel names them (ECONNREFUSED); those of certificates and TLS are not. */
export function isOfTls(cause: unknown): boolean {
  const code = codeOf(cause);
  return /^(EPROTO$|ERR_(SSL|TLS|OSSL)_)/.test(code) || /^(?!E|HPE_|ABORT_)./.test(code);
}

/** What Node's parser of HTTP, or of gzip, could not take. */
export function isOfHttp(cause: unknown): boolean {
  return /^(HPE|Z)_/.test(codeOf(cause));
}

function codeOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : '';
}
