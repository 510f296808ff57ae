/** The rules of a VM's first boot, until its agent takes over. */
import { unit, type Mutant } from "./mutant";

const rule = (name: string, before: string, after: string): Mutant => ({
  rule: `first boot: ${name}`,
  file: "infra/startup.sh",
  before,
  after,
  tests: unit("infra/first-boot"),
});

export const startupMutants: readonly Mutant[] = [
  rule("only a commit that a signer signed (signature check)", '[ -s "$run/signers" ] || return 0', "return 0"),
  {
    ...rule("an image without gpg reads OpenPGP signers", "    get_program gpg gnupg^out\n", ""),
    tests: unit("infra/first-boot-gpg"),
  },
  rule(
    "nothing of a revision runs before it is verified",
    "      fetch\n      verify\n",
    "      get_prebuilt || { fetch && verify; }\n",
  ),
  rule(
    "with signers the agent is the signed commit's (manifest)",
    '{ [ ! -s "$run/signers" ] && get_prebuilt; } || get_agent',
    "get_prebuilt || get_agent",
  ),
  rule(
    "only a revision that a branch contains",
    '[ -n "$(in_repository for-each-ref --contains="$revision" "$1" 2>/dev/null)" ]',
    'in_repository fetch --quiet -- "$repository" "$revision"',
  ),
  rule(
    "only a revision that a branch contains still, at a second try",
    '--contains="$revision" "$1"',
    '--contains="$revision"',
  ),
  rule("only the approved lock (digest check)", '[ -z "$lock" ] ||', "true ||"),
  rule("only the approved manifest (digest check)", '= "$digest" ] || return 1', '= "$digest" ] || true'),
  rule("a manifest names store paths alone", "/nix/store/*[!A-Za-z0-9+._?=-]*) return 1 ;;", ""),
  rule("a manifest names nothing but store paths", "/nix/store/?*-?*) ;; *) return 1 ;;", ""),
  rule(
    "only a git server's URL",
    "http://* | https://* | ssh://* | git://* | [A-Za-z0-9]*@*:*) ;;\n      *) die",
    "*) ;;\n      x) die",
  ),
];
