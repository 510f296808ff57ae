import { checkConfig, type Checked } from "../../../infra/config/fleet-config";

/** The settings of a stack with one VM, `dev-alice`, and these keys, the project's own where they name no namespace. */
export function checkSettings(keys: Record<string, unknown>): Checked {
  const all = { repository: "https://git.example.com/config.git", vms: [{ name: "dev-alice" }], ...keys };
  const written = Object.entries<unknown>(all)
    .filter(([, value]) => value !== undefined)
    .map(
      ([key, value]) =>
        [
          key.includes(":") ? key : `nixos-fleet:${key}`,
          typeof value === "string" ? value : JSON.stringify(value),
        ] as const,
    );
  return checkConfig(
    { "gcp:project": "acme-dev", "gcp:region": "europe-west1", ...Object.fromEntries(written) },
    "dev",
  );
}
