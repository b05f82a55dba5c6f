import { FulcrumError } from '../../errors.js';
import type { Finding } from '../../ports.js';

export function ok(what: string, detail: string): Finding {
  return { what, status: 'ok', detail, mend: '' };
}

/** What `look` found is ok; what it could not look at is bad. A finding of its own stands as it is. */
export async function found(
  what: string,
  mend: string,
  look: () => Promise<string | Finding>,
): Promise<Finding> {
  try {
    const detail = await look();
    return typeof detail === 'string' ? ok(what, detail) : detail;
  } catch (error) {
    if (!(error instanceof FulcrumError)) throw error;
    return { what, status: 'bad', detail: error.message, mend };
  }
}
