/** The system's decision, rule by rule. */
import { describe, expect, it } from "vitest";
import { sourceTable } from "../decide-source-table";
import { decideTable } from "./decide-table";
import { steeringTable } from "./decide-steering-table";
import { decideCase } from "./cases";

const tables = [decideTable, steeringTable, sourceTable].flatMap((table) => Object.entries(table));

describe.each(tables)("%s", (_, table) => {
  it.each(table)("%s", (_, given, wanted) => {
    expect(decideCase(given)).toMatchObject(wanted);
  });
});
