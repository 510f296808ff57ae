/** Texts that are secrets by their form. */
const FORMS: readonly (readonly [kind: string, form: RegExp])[] = [
  ["a private key", /-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY( BLOCK)?-----/],
  ["an access token", /\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40}|glpat-[\w-]{20}|ya29\.[\w-]{20})/],
  ["a cloud access key", /\b(AKIA|ASIA)[A-Z0-9]{16}\b/],
  ["a URL with a password", /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]+:[^\s/@$]+@/],
];

/** What kind of secret a text holds, never the secret itself. */
export function secretKind(text: string): string | undefined {
  return FORMS.find(([, form]) => form.test(text))?.[0];
}
