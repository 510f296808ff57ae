/** The source of the VMs' systems: the config repository, and what the VMs follow in it. */
import * as z from "zod";
import { branch, directory, operatorRepository, repository, subdirectory } from "./git";

export const sourceKeys = {
  repository,
  branch: branch.default("main"),
  subdirectory: subdirectory.optional(),
  resolveFrom: operatorRepository.optional(),
};

export const followKeys = {
  directory: directory.default("/etc/nixos"),
  follow: z.enum(["branch", "approved"]).default("branch"),
};

/** Where the program itself reads the config repository, and the key of the setting for that. */
export interface Source {
  key: "repository" | "resolveFrom";
  repository: string;
  branch: string;
  /** The folder that contains the flake; absent for the top. */
  subdirectory?: string;
}

/** The source, if its own keys are right. */
export function findSource(values: unknown): Source | undefined {
  const known = z.object(sourceKeys).safeParse(values);
  if (!known.success) return undefined;
  const { repository, branch, subdirectory, resolveFrom } = known.data;
  const flake = { branch, ...(subdirectory === undefined ? {} : { subdirectory }) };
  return resolveFrom === undefined
    ? { key: "repository", repository, ...flake }
    : { key: "resolveFrom", repository: resolveFrom, ...flake };
}
