/** The names that ssh-keyscan and known_hosts give the server of a repository. */
import { expect, it } from "vitest";
import { sshServer } from "../../../rules/deploy-keys";

it.each([
  ["git@git.example.com:infra/config.git", "git.example.com", "git.example.com"],
  ["ssh://git@git.example.com/infra/config.git", "git.example.com", "git.example.com"],
  ["ssh://git@git.example.com:2222/infra/config.git", "-p 2222 git.example.com", "[git.example.com]:2222"],
])("of %s", (repository, keyscan, knownHosts) => expect(sshServer(repository)).toEqual({ keyscan, knownHosts }));

it.each(["https://git.example.com/infra/config.git", "git://git.example.com/config.git", "/srv/config.git", ""])(
  "%j is not reached by SSH",
  (repository) => expect(sshServer(repository)).toBeUndefined(),
);
