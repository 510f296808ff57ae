/** A certificate for Google's host names or the local cloud's own. The machines trust it. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

interface Certificate {
  key: string;
  cert: string;
  /** The files of the certificate. */
  file: string;
}

/** Reads the key and the certificate from a folder, or makes them. */
export function certificate(folder: string, names: readonly string[]): Certificate {
  const [key, cert] = [path.join(folder, "tls.key"), path.join(folder, "tls.crt")];
  if (!existsSync(cert)) {
    const alternatives = `subjectAltName=${names.map((name) => `DNS:${name}`).join(",")}`;
    const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "365"];
    const about = ["-subj", "/CN=nixos-fleet local cloud", "-addext", alternatives, "-keyout", key, "-out", cert];
    execFileSync("openssl", ["req", "-x509", ...kind, ...about], { stdio: "ignore" });
  }
  return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8"), file: cert };
}
