/** The startup script with an OpenPGP signer, on an image without the agent and without gpg. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digest as sha256 } from "../../../infra/config/digest";
import { FirstBootImage } from "./first-boot-image";
import { nix } from "./first-boot-programs";

describe.skipIf(!existsSync("/usr/bin/gpg"))("with an OpenPGP signer, on an image without gpg", () => {
  let image: FirstBootImage;
  const gpg = (...args: string[]) =>
    execFileSync("gpg", ["--homedir", image.in("gpg"), "--batch", "--quiet", ...args], { encoding: "utf8" });
  const bootWithoutGpg = () => image.boot({ PATH: `${image.in("bin")}:${image.in("programs")}` });

  beforeEach(() => {
    image = new FirstBootImage();
    mkdirSync(image.in("gpg"), { mode: 0o700 });
    gpg("--passphrase", "", "--quick-generate-key", "infra@example.com", "ed25519", "sign", "never");
    image.instance["signers"] = gpg("--armor", "--export", "infra@example.com");
    image.fake("signing-gpg", `#!/bin/sh\nexec gpg --homedir ${image.in("gpg")} --batch "$@"\n`);
    mkdirSync(image.in("programs"));
    execFileSync("bash", ["-c", 'ln -s -t "$1" /usr/bin/*; rm "$1"/gpg', "bash", image.in("programs")]);
  });
  afterEach(() => {
    execFileSync("gpgconf", ["--homedir", image.in("gpg"), "--kill", "all"]);
    image.remove();
  });

  it("gets gpg from nixpkgs, and builds the agent out of a commit that the signer signed", () => {
    const gnupg = image.in("gnupg");
    const has = `mkdir -p ${gnupg}/bin && ln -sfn /usr/bin/gpg ${gnupg}/bin/gpg && echo ${gnupg}; exit`;
    image.fake("nix", nix(image.root).replace("\n", `\ncase "$*" in *'nixpkgs#gnupg^out') ${has} ;; esac\n`));
    expect(bootWithoutGpg().stderr).toContain("the commit carries no good signature of a signer");
    const sign = ["-c", `gpg.program=${image.in("bin/signing-gpg")}`, "-c", "user.signingKey=infra@example.com", "-S"];
    image.approval["revision"] = image.source.commit("signed\n", "flake.lock", ...sign);
    image.approval["lock"] = sha256("signed\n");
    expect(bootWithoutGpg()).toMatchObject({ status: 0, stdout: "agent: nix\n" });
  });

  it("says so if there is none to be had", () => {
    image.fake("nix", nix(image.root).replace("\n", `\ncase "$*" in *' nixpkgs#'*) exit 1 ;; esac\n`));
    const { status, stdout, stderr } = bootWithoutGpg();
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain("nixos-fleet: this image has no gpg, and nixpkgs#gnupg^out cannot be had");
  });
});
