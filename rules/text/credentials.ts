/** Credentials in URLs. */

const SECRET_QUERY = /[?&](\w*(token|password|passwd|secret|key|pat))=/i;

/** Whether a URL contains a credential: a password, any user name over HTTP (often the token itself), or a token in its query. */
export function holdsSecret(url: string): boolean {
  const [, scheme = "", user] = /^([a-z+]+):\/\/(?:([^/@]*)@)?/i.exec(url) ?? [];
  if (user !== undefined && (user.includes(":") || scheme !== "ssh")) return true;
  return SECRET_QUERY.test(url);
}

/** A text with the credentials of its URLs removed. */
export function withoutCredentials(text: string): string {
  return text
    .replace(/([a-z+]+:\/\/)([^/@\s"]*)@/gi, (whole, scheme: string, user: string) =>
      scheme.toLowerCase() === "ssh://" && !user.includes(":") ? whole : `${scheme}***@`,
    )
    .replace(/([?&]\w*(?:token|password|passwd|secret|key|pat)=)[^&\s"]+/gi, "$1***");
}
