/** Whether a home is activated while its user's manager starts. */
import { expect, it } from "vitest";
import { managerStart } from "../../../../rules/decision/manager-start";

const service = "nixos-hm-auto-update";
const starting = { state: "starting", jobs: [`${service}.service`], service, age: 5, waited: 0 };

it.each(["running", "degraded", "offline", "unknown", "", "stopping"])(
  "a manager that says %j does not delay it",
  (state) => {
    expect(managerStart({ ...starting, state })).toBe("activate");
  },
);

it.each([
  ["only the agent's own service is starting, which its end completes", {}, "defer"],
  ["nothing has a job", { jobs: [] }, "defer"],
  ["another unit is starting", { jobs: ["slow.service", "default.target"] }, "wait"],
  ["another unit takes long", { jobs: ["slow.service"], waited: 10 }, "defer"],
  ["the manager has not reached its basic target", { state: "initializing", jobs: ["basic.target"] }, "wait"],
  ["the start does not end", { jobs: ["stuck.service"], age: 901 }, "activate"],
])("where %s", (_, more, expected) => {
  expect(managerStart({ ...starting, ...more })).toBe(expected);
});
