/** What the tool says that a VM does next: by the VM's own rules, from what is known outside. */
import fc from "fast-check";
import { expect, it, test } from "vitest";
import { approvalKey, controlKey } from "../../../../rules/contract";
import { predict, type KnownOfVm, type Prediction } from "../../../../rules/decision/prediction";
import { approval, good, hold, old, other, report } from "../../cli/fleet-samples";
import type { Control } from "../../../../rules/rollout/control-item";

const instance = { fleet: "devs", stack: "dev", host: "a", wave: "rest", repository: "https://x/y", branch: "main" };

/** A VM of wave `rest` that runs the old revision, where the good one is approved. */
function known(changes: Partial<KnownOfVm> = {}, control: Partial<Control> = {}, item: object = {}): KnownOfVm {
  return {
    name: "a",
    state: "RUNNING",
    item: JSON.stringify({ ...instance, follow: "approved", ...item }),
    projectMetadata: {
      [approvalKey("devs", "dev", "rest")]: JSON.stringify(approval(good)),
      [controlKey("devs", "dev")]: JSON.stringify(control),
    },
    report: report({ revision: old, approved: old }),
    ...changes,
  };
}

const failed = { revision: old, outcome: "failed", stage: "build", error: "builder\nsaid no" } as const;

test.each<[string, KnownOfVm, Partial<Prediction>]>([
  [
    "is behind",
    known(),
    {
      next: "update",
      when: "now",
      revision: good,
      text: "updates to bbbbbbb: wave rest approved bbbbbbb; deployed aaaaaaa",
    },
  ],
  [
    "is there",
    known({ report: report() }),
    { next: "stay", when: null, text: expect.stringContaining("running it") as string },
  ],
  ["has never reported", known({ report: null }), { next: "update", revision: good }],
  [
    "is stopped",
    known({ state: "TERMINATED" }),
    { next: "update", when: "boot", text: expect.stringMatching(/^at its next boot: updates to bbbbbbb/) as string },
  ],
  ["is held", known({}, { holds: [hold("wave:rest")] }), { next: "held", text: "stays: held by eve@desk: demo" }],
  [
    "is held on itself",
    known({ report: report({ revision: old, outcome: "held" }) }),
    { next: "held", text: "stays: held on the VM itself" },
  ],
  [
    "is pinned",
    known({}, { pins: { a: other } }),
    { next: "update", revision: other, text: expect.stringContaining("pinned to ccccccc") as string },
  ],
  [
    "refuses it",
    known({ report: report(failed) }),
    {
      next: "refuse",
      revision: good,
      text: expect.stringMatching(/build failed before; a newer approval or fleet retry/) as string,
    },
  ],
  ["may try it again", known({ report: report(failed) }, { retry: [good] }), { next: "retry", revision: good }],
  [
    "tries by itself",
    known({ report: report({ ...failed, transient: true }) }),
    { next: "retry", when: "now", text: "tries bbbbbbb again: build failed: said no" },
  ],
  [
    "keeps failing",
    known({
      report: report({
        ...failed,
        transient: true,
        failing: { tries: 4, since: "2026-01-01T08:00:00Z", nextTry: "2026-01-02T10:00:00Z" },
      }),
    }),
    { next: "wait", when: null, text: "tries bbbbbbb again at boot or once a day: build keeps failing: said no" },
  ],
  [
    "waits for its window",
    known({
      report: report({ revision: old, outcome: "deferred", waiting: { for: "window", until: "2026-01-02T04:00:00Z" } }),
    }),
    { next: "wait", text: "goes to bbbbbbb, and waits for its window until 2026-01-02T04:00:00Z" },
  ],
  [
    "is building",
    known({
      report: report({ revision: old, approved: old, progress: { stage: "build", since: "2026-01-01T12:00:00Z" } }),
    }),
    { next: "update", text: expect.stringContaining("is at the stage build of bbbbbbb") as string },
  ],
  ["is of another source", known({}, {}, { branch: "next" }), { next: "update" }],
  [
    "is undone",
    known({ report: report({ revision: old }) }, { instead: { rest: { [good]: "previous" } } }),
    { next: "stay" },
  ],
  [
    "has left its fleet",
    known({ item: undefined }),
    { next: "wait", text: expect.stringContaining("left its fleet") as string },
  ],
  [
    "has an item that no one can read",
    known({ item: "{" }),
    { next: "wait", text: expect.stringContaining("not readable") as string },
  ],
])("a VM that %s", (_, given, prediction) => {
  expect(predict(given)).toMatchObject(prediction);
});

it("an approval of another source is waited for", () => {
  const text = JSON.stringify({ ...approval(good), repository: "https://x/y", branch: "next" });
  const projectMetadata = { [approvalKey("devs", "dev", "rest")]: text };
  expect(predict(known({ projectMetadata }))).toMatchObject({
    next: "wait",
    text: expect.stringContaining("is for branch next") as string,
  });
});

it("a VM that follows its branch goes to the head at its boot alone", () => {
  const follows = { follow: "branch" };
  const running = { report: report() };
  expect(predict(known(running, {}, follows))).toMatchObject({
    next: "stay",
    atBoot: { revision: null, text: "goes to the head of main at its next boot" },
  });
  expect(predict(known({ ...running, head: other }, {}, follows))).toMatchObject({
    next: "stay",
    atBoot: { revision: other, text: "goes to ccccccc at its next boot: branch main is at ccccccc; deployed bbbbbbb" },
  });
  expect(predict(known({ ...running, head: other, ahead: 3 }, {}, follows)).atBoot).toEqual({
    revision: other,
    text: "branch is 3 ahead; goes there at the next boot",
  });
  expect(predict(known({ ...running, head: good }, {}, follows))).toMatchObject({ next: "stay", atBoot: null });
  expect(predict(known({ ...running, head: other, state: "TERMINATED" }, {}, follows))).toMatchObject({
    next: "update",
    when: "boot",
    revision: other,
  });
});

it("never throws, and says one line, whatever VMs and metadata say", () => {
  const text = fc.oneof(fc.string(), fc.json());
  fc.assert(
    fc.property(text, text, text, fc.dictionary(fc.string(), fc.anything()), (item, approved, control, said) => {
      const projectMetadata = {
        [approvalKey("devs", "dev", "rest")]: approved,
        [controlKey("devs", "dev")]: control,
      };
      const whole = { ...report(), ...said };
      for (const given of [known({ item }), known({ projectMetadata }), known({ report: whole })])
        expect(predict(given).text).not.toMatch(/\n/);
    }),
  );
});
