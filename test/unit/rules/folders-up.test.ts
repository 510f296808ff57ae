import { expect, it } from "vitest";
import { foldersUp } from "../../../rules/text/folders-up";

it("a path's folders are the path itself first, and the root last", () => {
  expect(foldersUp("/srv/config repo/nixos")).toEqual(["/srv/config repo/nixos", "/srv/config repo", "/srv", "/"]);
  expect(foldersUp("/")).toEqual(["/"]);
});
