import { CniError, ErrorCode, messageOf } from '../errors/cni-error.ts';

/**
 * Text as JSON data.
 * @param what what the text is, for the error ("the configuration on stdin")
 * @throws CniError code 6
 */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CniError(ErrorCode.decodingFailure, `${what} is not JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
