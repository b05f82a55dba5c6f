import type { ThemeWords } from '../language.js';

/** Something fails, or is tried again. */
export const error: ThemeWords = {
  triggers:
    'aborted, another attempt, attributeerror, bad gateway, cannot, connection reset, could not, couldnt, ' +
    'crashed, denied, did not work, didnt work, does not work, econnrefused, enoent, error, errors, etimedout, ' +
    'exception, exit code, exit status, failed, failing, fails, failure, filenotfounderror, forbidden, ' +
    'importerror, invalid, keyerror, modulenotfounderror, new attempt, no luck, no such, not found, once more, ' +
    'one more time, permissionerror, rate limit, rate limited, re-running, refused, rerun, rerunning, retry, ' +
    'retrying, segmentation fault, stack trace, syntaxerror, timed out, timeout, too many requests, traceback, ' +
    'try again, try it again, try that again, trying again, typeerror, unable, unauthorized, unavailable, ' +
    'unreachable, valueerror',
  beside: 'again attempt attempting call calling command internal run running same server still tool trying',
};
