/** Takes secrets out of texts that others get to see: errors, traces, logs. */
export type Redact = (text: string) => string;

/** Shorter ones would be found where nothing was given away. */
const fewestCharacters = 4;

export function redactor(secrets: readonly (string | null | undefined)[]): Redact {
  const known = secrets.filter((secret) => secret != null && secret.length >= fewestCharacters) as string[];
  return (text) => known.reduce((so, secret) => so.replaceAll(secret, '***'), text);
}
