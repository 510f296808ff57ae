/** What must be true of a commit before anything in it is evaluated, on real repositories and real signatures. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UpdateFailure } from "../../../../agent/driver";
import { Mirror } from "../../../../agent/git/mirror";
import { verify, type VerifyOptions } from "../../../../agent/git/verify";
import { originOf } from "./origin";
import { Repository, Scratch, x509 } from "../scratch";

let scratch: Scratch;
let source: Repository;
let mirror: Mirror;

beforeEach(() => {
  scratch = new Scratch();
  source = new Repository(scratch.in("origin"));
  mirror = new Mirror(scratch.in("state/mirror.git"));
  for (const name of ["infra", "stranger"])
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", scratch.in(name)]);
});
afterEach(() => scratch.remove());

/** Commits a flake.lock, signed by someone or no one. */
function commit(text: string, signer?: "infra" | "stranger"): string {
  const key =
    signer === undefined ? [] : ["-c", "gpg.format=ssh", "-c", `user.signingKey=${scratch.in(signer)}.pub`, "-S"];
  return source.commit(text, "flake.lock", ...key);
}

/** What asks for nothing. */
const none = () => ({
  lock: undefined,
  deployed: undefined,
  signers: undefined,
  explicit: false,
  runFolder: scratch.in("run"),
});

async function refusal(options: Partial<VerifyOptions> & { revision: string }): Promise<string | undefined> {
  await mirror.fetch(originOf(source.url), options.revision);
  try {
    await verify({ mirror, ...none(), ...options });
    return undefined;
  } catch (error) {
    if (error instanceof UpdateFailure && error.stage === "verify") return error.message;
    throw error;
  }
}

const allowed = () => `infra@example.com ${readFileSync(scratch.in("infra.pub"), "utf8").trim()}`;

describe("the lock's digest", () => {
  it("is the approved one, or the commit is refused", async () => {
    const revision = commit("one\n");
    const lock = createHash("sha256").update("one\n").digest("hex");
    expect(await refusal({ revision, lock })).toBeUndefined();
    expect(await refusal({ revision, lock: "0".repeat(64) })).toBe(
      `flake.lock at ${revision.slice(0, 7)} has digest ${lock}, approved is ${"0".repeat(64)}`,
    );
  });
});

describe("a branch that was rewritten", () => {
  it("is refused, unless that very revision is approved", async () => {
    commit("base");
    const deployed = commit("deployed");
    expect(await refusal({ revision: deployed })).toBeUndefined();
    source.git("reset", "--quiet", "--hard", "HEAD~1");
    const revision = commit("rewritten");
    expect(await refusal({ revision, deployed })).toContain("does not descend from");
    expect(await refusal({ revision, deployed, explicit: true })).toBeUndefined();
  });
});

describe("signers", () => {
  it("have signed what is deployed", async () => {
    const revision = commit("one", "infra");
    expect(await refusal({ revision, signers: allowed() })).toBeUndefined();
  });

  it.each([undefined, "stranger"] as const)("are not %s", async (signer) => {
    const revision = commit("one", signer);
    expect(await refusal({ revision, signers: allowed() })).toContain("carries no good signature of a signer");
  });

  it("sign by SSH or OpenPGP: gpgsm accepts everyone whom the machine trusts for other purposes", async () => {
    scratch.fake("gpgsm", x509.gpgsm);
    const revision = source.commit("one", "flake.lock", ...x509.sign(scratch.in("bin/gpgsm")));
    expect(await refusal({ revision, signers: allowed() })).toContain("carries no good signature of a signer");
  });

  it("count for commits of the time that their line names, such as before someone left", async () => {
    const revision = commit("one", "infra");
    const until = (day: string) => allowed().replace(" ", ` valid-before="${day}" `);
    expect(await refusal({ revision, signers: until("20991231") })).toBeUndefined();
    expect(await refusal({ revision, signers: until("20200101") })).toContain("carries no good signature of a signer");
  });

  it("have signed every commit since the deployed one", async () => {
    const deployed = commit("deployed");
    const between = commit("between");
    const revision = commit("head", "infra");
    expect(await refusal({ revision, deployed, signers: allowed() })).toContain(between.slice(0, 7));
    expect(await refusal({ revision, signers: allowed() })).toBeUndefined();
  });

  it.each(["rev-list", "rev-parse --quiet", "verify-commit"])("are refused where git fails at %s", async (command) => {
    const deployed = commit("deployed", "infra");
    commit("between");
    const revision = commit("head", "infra");
    await refusal({ revision });
    scratch.fake("git", `case "$*" in *"${command}"*) exit 137 ;; esac; PATH=\${PATH#*:} exec git "$@"`);
    const verifying = verify({ mirror, ...none(), revision, deployed, signers: allowed() });
    await expect(verifying).rejects.toThrow("git cannot tell whether");
  });

  it("are asked again where git has no space for a signature, as in a /tmp that someone filled", async () => {
    const revision = commit("head", "infra");
    await refusal({ revision });
    const full = "error: could not create temporary file: No space left on device";
    scratch.fake(
      "git",
      `case "$*" in *verify-commit*) echo "${full}" >&2; exit 1 ;; esac; PATH=\${PATH#*:} exec git "$@"`,
    );
    await expect(verify({ mirror, ...none(), revision, signers: allowed() })).rejects.toMatchObject({ cause: "space" });
  });
});
