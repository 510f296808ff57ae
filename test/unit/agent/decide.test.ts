/** The system agent's decision, rule by rule. */
import { describe, expect, it } from "vitest";
import { decideAll } from "./decide-cases";
import { decideTable } from "./decide-table";

describe.each(Object.entries(decideTable))("%s", (_, table) => {
  const answers = decideAll(table.map(([, given]) => given));
  it.each(table.map(([name, , wanted], index) => [name, wanted, answers[index]] as const))(
    "%s",
    (_, wanted, answer) => {
      expect(answer).toMatchObject(wanted);
    },
  );
});
