import { describe, expect, it } from "vitest";
import { evaluate, hasNix, homeManager, image, inside, nixpkgsLib } from "../../nix/tests/image";
import { parseRange } from "../../rules/decision/window";

const cases = "nix/tests/modules.nix";
const realLib = `import ${nixpkgsLib}/lib`;

describe.skipIf(!hasNix)("nix/modules", () => {
  it("evaluate with every option set, unset and wrong", async () => {
    const result = await evaluate(cases, { lib: "null" });
    expect(result).toMatchObject({ with: expect.stringContaining("stub lib") as string, failures: [] });
  });

  it.skipIf(nixpkgsLib === undefined)("come out the same, case by case, with nixpkgs' own lib", async () => {
    const stub = (await evaluate(cases, { lib: "null" })) as object;
    expect(await evaluate(cases, { lib: realLib })).toEqual({ ...stub, with: "nixpkgs' lib" });
  });

  it.skipIf(nixpkgsLib === undefined || homeManager === undefined)(
    "come out the same, case by case, among Home Manager's own modules",
    async () => {
      const stub = (await evaluate(cases, { lib: "null" })) as object;
      const real = await evaluate(cases, { lib: realLib, homeManager: homeManager ?? "null" });
      expect(real).toEqual({ ...stub, with: "nixpkgs' lib and Home Manager's modules" });
    },
  );
});

/** Whether each text is one for systemd, and whether the options' types take it. */
async function accepted(kind: "calendar" | "timespan", texts: string[]): Promise<Record<string, [boolean, boolean]>> {
  const type = { calendar: "calendarEvent", timespan: "timeSpan" }[kind];
  const ours = (await evaluate("nix/tests/types.nix", {
    texts: nixList(texts),
    type: JSON.stringify(type),
  })) as boolean[];
  const words = texts.map((text) => `'${text}'`).join(" ");
  const theirs = await inside(
    `for text in ${words}; do if systemd-analyze ${kind} "$text" >/dev/null 2>&1; then echo yes; else echo no; fi; done`,
  );
  const verdicts = theirs.split("\n").map((word) => word === "yes");
  return Object.fromEntries(texts.map((text, index) => [text, [verdicts[index] ?? false, ours[index] ?? false]]));
}

const nixList = (texts: string[]) => `[ ${texts.map((text) => JSON.stringify(text)).join(" ")} ]`;
const all = (texts: string[], verdict: boolean) => Object.fromEntries(texts.map((text) => [text, [verdict, verdict]]));

describe.skipIf(image === undefined)("the options' types", () => {
  it("take the times that systemd takes", async () => {
    const events = [
      ...["weekly", "daily", "quarterly", "Sat 04:00", "Mon..Fri 07:30", "sat,sun 10:00", "*:0/10", "*-*-01 03:00:00"],
      ...["2026-12-24", "12-24 18:00", "Mon *-*~07/1", "04:00 Europe/Berlin", "*-*-* 00,12:00 UTC", "Friday"],
    ];
    const spans = ["5min", "1h 30min", "1h30min", "90", "1.5h", "0", "2 weeks", "500ms"];
    expect(await accepted("calendar", events)).toEqual(all(events, true));
    expect(await accepted("timespan", spans)).toEqual(all(spans, true));
  });

  it("refuse what systemd refuses", async () => {
    const events = [
      "",
      "fortnightly",
      "Mon 25:00",
      "04:60",
      "2026-13-01",
      "Mo..Fri 07:00",
      "Mon..Tue..Wed 07:00",
      "7",
      "04:00 nowhere",
      "every day",
    ];
    const spans = ["", "soon", "-5min", "5 minuets", "min", "1h,30min"];
    expect(await accepted("calendar", events)).toEqual(all(events, false));
    expect(await accepted("timespan", spans)).toEqual(all(spans, false));
  });
});

describe.skipIf(!hasNix)("the type of a window", () => {
  it("takes what the agent reads, and refuses what it refuses", async () => {
    const good = [
      "22:00-05:00",
      "Mon..Fri 22:00-05:00",
      "sat,Sunday 0:00-24:00 UTC",
      "Fri..Mon,Wed 03:00-04:30 Europe/Berlin",
    ];
    const bad = [
      "",
      "22:00",
      "25:00-05:00",
      "22:00-24:01",
      "24:00-05:00",
      "24:30-05:00",
      "10:60-11:00",
      "Mon..Tue..Wed 22:00-05:00",
      "Mo..Fr 22:00-05:00",
      "22:00-05:00 nowhere",
      "22-05",
      "Mon",
    ];
    const texts = [...good, ...bad];
    const byType = await evaluate("nix/tests/types.nix", { texts: nixList(texts), type: '"window"' });
    const byAgent = texts.map((text) => {
      try {
        return parseRange(text) instanceof Object;
      } catch {
        return false;
      }
    });
    expect(byAgent).toEqual(texts.map((text) => good.includes(text)));
    expect(byType).toEqual(byAgent);
  });
});
