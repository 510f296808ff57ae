/** An image without the agent, in a folder: a real sh, git and ssh-keygen, with stand-ins for curl, Nix and the network. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digest as sha256 } from "../../../infra/config/digest";
import { startupScript } from "../../../infra/startup";
import { Repository } from "../agent/scratch";
import { curl, flatten, nix } from "./first-boot-programs";

export const repository = "https://git.internal/config.git";
export const manifestUrl = "https://cache.internal/manifest.json";
export const systemPath = "/nix/store/00000000000000000000000000000000-system";

export class FirstBootImage {
  readonly root = mkdtempSync(join(tmpdir(), "first-boot-"));
  readonly source = new Repository(this.in("source"));
  readonly head: string;
  /** The VM's item of metadata. */
  readonly instance: Record<string, unknown>;
  readonly approval: Record<string, unknown>;
  manifest = JSON.stringify({ vm: systemPath });

  constructor() {
    for (const folder of ["bin", "served", "run/nixos-fleet", "etc"]) mkdirSync(this.in(folder), { recursive: true });
    this.source.git("config", "uploadpack.allowAnySHA1InWant", "true");
    this.head = this.source.commit("lock\n");
    this.fake("curl", curl(this.root));
    this.fake("nix", nix(this.root));
    this.fake("nix-store", nix(this.root));
    this.fake("git", this.git());
    this.instance = { fleet: "devs", stack: "dev", host: "vm", branch: "main", wave: "canary", repository };
    this.approval = { revision: this.head, lock: sha256("lock\n") };
  }

  in(...names: string[]): string {
    return join(this.root, ...names);
  }

  read(name: string): string {
    return existsSync(this.in(name)) ? readFileSync(this.in(name), "utf8") : "";
  }

  /** Puts a program on PATH. */
  fake(name: string, text: string): void {
    writeFileSync(this.in("bin", name), text);
    chmodSync(this.in("bin", name), 0o755);
  }

  /** git, for which the repository is on this machine. */
  private git(): string {
    const real = execFileSync("which", ["git"], { encoding: "utf8" }).trim();
    return `#!/bin/bash
env >>${this.root}/git-environment
printf '%s\\n' "git $*" >>${this.root}/git-calls
theirs=${repository} here=${this.source.url}
exec ${real} "\${@/#"$theirs"/"$here"}"
`;
  }

  private serve(url: string, text: string): void {
    writeFileSync(this.in("served", url.replaceAll("/", "_")), text);
  }

  /** The first boot, below the folder instead of /run and /etc, up to where the agent takes over. */
  boot(env: Record<string, string> = {}) {
    const metadata = "http://metadata/computeMetadata/v1";
    this.serve(`${metadata}/instance/attributes/nixos-fleet`, JSON.stringify(this.instance));
    this.serve(`${metadata}/project/attributes/nixos-fleet--devs--dev--canary`, JSON.stringify(this.approval));
    this.serve(manifestUrl, this.manifest);
    const { instance, approval } = this;
    const files = { instance, approval, manifest: JSON.parse(this.manifest) as unknown };
    for (const [name, value] of Object.entries(files)) flatten(this.in(`fields/${name}.json`), value);
    const text = startupScript()
      .replaceAll(/(?<=[= ])\/(?=run\/|etc\/)/g, `${this.root}/`)
      .replaceAll('"$path/sw"', `"${this.root}/of-nix-store/sw"`);
    writeFileSync(this.in("script"), text);
    return spawnSync("sh", [this.in("script"), "bootstrap"], {
      env: {
        PATH: `${this.in("bin")}:${process.env["PATH"] ?? ""}`,
        ...{ GCE_METADATA_HOST: "metadata", GIT_CONFIG_SYSTEM: "/dev/null", GIT_CONFIG_GLOBAL: "/dev/null" },
        ...env,
      },
      encoding: "utf8",
    });
  }

  remove(): void {
    rmSync(this.root, { recursive: true });
  }
}
