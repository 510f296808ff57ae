import { expect } from "vitest";
import type { CommandResult } from "../../setup/command-result";
import type { Program } from "./program";

/** Runs `pulumi up`, which must end as expected. @returns what it printed */
export async function upEnds(program: Program, ends: "well" | "badly" = "well"): Promise<string> {
  return outputOf(await program.run("up"), ends);
}

/** Runs `up`, `refresh` or another command of the engine, which must succeed. @returns what it printed */
export async function succeeds(program: Program, command: string, ...flags: string[]): Promise<string> {
  return outputOf(await program.run(command, ...flags), "well");
}

/** Runs a command of the tool, which must succeed. @returns what it printed */
export async function fleetSucceeds(program: Program, ...args: string[]): Promise<string> {
  return outputOf(await program.fleet(...args), "well");
}

function outputOf({ exitCode, text }: CommandResult, ends: "well" | "badly"): string {
  expect(exitCode === 0 ? "well" : "badly", text).toBe(ends);
  return text;
}
