/** What an agent does with `fetch`. */

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Posts JSON, or bytes with headers of their own. */
export async function postTo(
  url: string,
  path: string,
  payload: object | string,
  headers: Record<string, string> = { 'content-type': 'application/json' },
): Promise<Answer> {
  const body = typeof payload === 'string' ? payload : JSON.stringify(payload);
  return answerOf(await fetch(new URL(path, url), { method: 'POST', headers, body }));
}

export async function getFrom(url: string, path: string): Promise<Answer> {
  return answerOf(await fetch(new URL(path, url)));
}

async function answerOf(response: Response): Promise<Answer> {
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
