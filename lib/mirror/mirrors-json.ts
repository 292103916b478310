import { CniError, ErrorCode, messageOf } from '../errors/cni-error.ts';

/**
 * The text of a file of mirrors as JSON data. The error does not quote it, as the parser's own would: it may be a secret.
 * @param what what the text is, for the error
 * @throws CniError code 6
 */
export function parseMirrorsJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const [where = ''] = / at position \d+(?: \(line \d+ column \d+\))?/.exec(messageOf(error)) ?? [];
    throw new CniError(ErrorCode.decodingFailure, `${what} is not JSON${where}`);
  }
}
