/** Where the VMs' systems come from: the config repository, and what the VMs follow in it. */
import { z } from "zod";
import { branch, directory, operatorRepository, repository } from "./git";

export const sourceKeys = {
  repository,
  branch: branch.default("main"),
  resolveFrom: operatorRepository.optional(),
};

export const followKeys = {
  directory: directory.default("/etc/nixos"),
  follow: z.enum(["branch", "approved"]).default("branch"),
};

/** Where the program itself reads the config repository, and the key that says so. */
export interface Source {
  key: "repository" | "resolveFrom";
  repository: string;
  branch: string;
}

/** The source, whenever its own keys are right. */
export function findSource(values: unknown): Source | undefined {
  const known = z.object(sourceKeys).safeParse(values);
  if (!known.success) return undefined;
  const { repository, branch, resolveFrom } = known.data;
  return resolveFrom === undefined
    ? { key: "repository", repository, branch }
    : { key: "resolveFrom", repository: resolveFrom, branch };
}
