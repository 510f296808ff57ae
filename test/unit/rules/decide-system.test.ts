/** The system's decision, rule by rule. */
import { describe, expect, it } from "vitest";
import { decideTable } from "./decide-table";
import { steeringTable } from "./decide-steering-table";
import { decideCase } from "./cases";

describe.each([...Object.entries(decideTable), ...Object.entries(steeringTable)])("%s", (_, table) => {
  it.each(table)("%s", (_, given, wanted) => {
    expect(decideCase(given)).toMatchObject(wanted);
  });
});
