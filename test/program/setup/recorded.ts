/** What a stack's state holds, in a form that a test can spell out. */

/** A resource's type and its inputs. */
export type Recorded = [type: string, inputs: Record<string, unknown>];

/** A resource's own name. */
export function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::");
}

/** Inputs without what the engine adds; the random end of a name that Pulumi made is `*`, and links are relative. */
export function readable(inputs: Record<string, unknown>): Record<string, unknown> {
  const made = Array.isArray(inputs["__defaults"]) && inputs["__defaults"].includes("name");
  const own = Object.entries(inputs).filter(([key]) => !key.startsWith("__") && !(made && key === "name"));
  const written = JSON.stringify(Object.fromEntries(own))
    .replace(/https:\/\/www\.googleapis\.com\/compute\/v1\/projects\/local-project\//g, "")
    .replace(/(devs-[a-z-]+)-[0-9a-f]{7}"/g, '$1-*"');
  return JSON.parse(written) as Record<string, unknown>;
}
