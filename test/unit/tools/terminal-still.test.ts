import { expect, it } from "vitest";
import { terminalStill } from "../../../tools/terminal-still";

it("draws a terminal's lines with their colours, and its text as text", () => {
  const drawn = terminalStill(
    "\u001b[32m$\u001b[0m fleet status\n\u001b[1;31mfailed\u001b[22m <b>\u001b[39m & more\n",
    "A <look>",
  );
  const texts = [...drawn.matchAll(/<text [^>]*>(.*)<\/text>/g)].map(([, text]) => text);
  expect(texts).toEqual([
    '<tspan class="green">$</tspan> fleet status',
    '<tspan class="bold red">failed</tspan><tspan class="red"> &lt;b&gt;</tspan> &amp; more',
  ]);
  expect(drawn).toContain("<title>A &lt;look&gt;</title>");
});
