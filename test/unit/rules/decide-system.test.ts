/** The system's decision, rule by rule: the agents' tables. */
import { describe, expect, it } from "vitest";
import { decideTable } from "../agent/decide-table";
import { steeringTable } from "../agent/decide-steering-table";
import { decideCase } from "./system-input";

describe.each([...Object.entries(decideTable), ...Object.entries(steeringTable)])("%s", (_, table) => {
  it.each(table)("%s", (_, given, wanted) => {
    expect(decideCase(given)).toMatchObject(wanted);
  });
});
