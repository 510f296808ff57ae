/** How many HTTP requests git makes for what the agent asks of it: counted at a server of git's own, so that no assumption has to be kept. */
import { createServer } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { answerGit } from "../../local/git-http-backend";

/** Requests to learn a branch's head, and to fetch one commit after that. */
export async function gitRequests(): Promise<{ check: number; fetch: number }> {
  const folder = mkdtempSync(join(tmpdir(), "git-requests-"));
  let count = 0;
  const server = createServer((request, response) => {
    count += 1;
    answerGit(folder, request, response);
  });
  try {
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/config`;
    const [config, mirror] = [join(folder, "config"), join(folder, "mirror")];
    await execa`git init --quiet --initial-branch=main ${config}`;
    await execa({ cwd: config })`git -c user.name=a -c user.email=a@b commit --quiet --allow-empty --message x`;
    await execa`git init --quiet --bare ${mirror}`;
    const requests = async (...args: string[]) => {
      count = 0;
      await execa("git", args, { cwd: mirror });
      return count;
    };
    const check = await requests("ls-remote", "--exit-code", "--", url, "refs/heads/main");
    return { check, fetch: await requests("fetch", "--quiet", url, "+refs/heads/main:refs/heads/fetched") };
  } finally {
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
  }
}
