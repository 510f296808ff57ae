/** The page in a real Chromium: behaviour, accessibility, hostile text, memory. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { renderPage, type PageCode } from "../../cli/dashboard/page";
import { DashboardServer } from "../../cli/dashboard/server";
import { bundlePage } from "../../tools/bundle-page";
import { launchChromium } from "../setup/chromium";
import { until } from "../setup/until";
import {
  documentOf,
  failed,
  hostile,
  longNames,
  now,
  rolling,
  well,
  type Sample,
} from "../unit/cli/dashboard/documents";

const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
/** Where pictures are kept for people to look at; without it they are only taken. */
const pictures = process.env["NIXOS_FLEET_PICTURES"];

let browser: Browser;
let code: PageCode;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "fleet-page-"));
  if (pictures !== undefined) mkdirSync(pictures, { recursive: true });
  [browser, code] = await Promise.all([launchChromium("--enable-precise-memory-info"), bundlePage()]);
});
afterAll(async () => {
  await browser.close();
  rmSync(directory, { recursive: true });
});

const samples = {
  "3 VMs": well(3),
  "200 VMs": rolling(200),
  "1,000 VMs": rolling(1_000),
  "a failed rollout": failed(12),
  "long names": longNames(),
  "hostile text": hostile(),
} satisfies Record<string, Sample>;

const noteFirstTiles = `new MutationObserver((_, observer) => {
  window.firstTiles = document.querySelectorAll(".tile").length;
  if (window.firstTiles > 0) observer.disconnect();
}).observe(document, { childList: true, subtree: true })`;

interface Look {
  width?: number;
  scheme?: "light" | "dark";
  /** Whether the page notes in `window.firstTiles` how many tiles its first change of the document drew. */
  firstTiles?: boolean;
}

/** A page of a sample, as a file; what it logs as an error fails the test that asks for it. */
async function open(sample: Sample, { width = 1_440, scheme = "light", firstTiles = false }: Look = {}, hash = "") {
  const file = join(directory, "fleet.html");
  writeFileSync(file, renderPage(documentOf(sample), code).html);
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("request", (request) => /^https?:/.test(request.url()) && errors.push(`loads ${request.url()}`));
  await page.clock.setFixedTime(now);
  if (firstTiles) await page.addInitScript(noteFirstTiles);
  await page.goto(pathToFileURL(file).href + hash);
  await page.locator("h1").waitFor();
  return { page, errors, [Symbol.asyncDispose]: () => context.close() };
}

const number = (page: Page, script: string) => page.evaluate<number>(script);

/** axe looks at each element; of a thousand tiles, the same again and again, the first say as much. */
const takeOtherTiles = `window.others = Array.from(document.querySelectorAll(".tiles > li:nth-child(n+4)"), (tile) => [tile.parentElement, tile]);
  window.others.forEach(([, tile]) => tile.remove())`;
const putThemBack = "window.others.forEach(([list, tile]) => list.append(tile))";

describe.each(Object.entries(samples))("a page of %s", (name, sample) => {
  let opened: Awaited<ReturnType<typeof open>>;
  // One page for all looks: its script asks for neither the width nor the scheme.
  beforeAll(async () => {
    opened = await open(sample);
    await until("all tiles", 5, async () => (await opened.page.locator(".tile").count()) === sample.vms.length);
  });
  afterAll(() => opened[Symbol.asyncDispose]());

  it.each([
    [1_440, "light"],
    [820, "dark"],
    [390, "light"],
  ] as const)(
    "at a width of %d, %s, loads nothing, does not scroll sideways, and axe finds nothing",
    async (width, scheme) => {
      const { page, errors } = opened;
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme: scheme });
      if (pictures !== undefined) await page.screenshot({ path: join(pictures, `${name}-${width}-${scheme}.png`) });
      expect(errors).toEqual([]);
      expect(await number(page, "document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
      await page.evaluate(takeOtherTiles);
      expect(await violations(page)).toEqual([]);
      await page.evaluate(putThemBack);
      if (sample.vms.length > 20) return;
      await page.locator(".tile").first().click();
      expect(await violations(page)).toEqual([]);
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
      expect(errors).toEqual([]);
    },
  );
});

/** What axe finds, a line each. It is run by the debugger, since the page's policy allows no script but its own. */
async function violations(page: Page): Promise<string[]> {
  if (await page.evaluate("window.axe === undefined")) await page.evaluate(axe);
  const found = await page.evaluate<{ id: string; nodes: { html: string; failureSummary: string }[] }[]>(
    "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)",
  );
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`),
  );
}

describe("the page", () => {
  it("is looked at by axe: an element with a fault is found", async () => {
    await using opened = await open(well(3));
    await opened.page.evaluate("document.querySelector('main').append(document.createElement('img'))");
    expect(await violations(opened.page)).toEqual([expect.stringMatching(/^image-alt: /)]);
  });

  it("shows text of VMs as text only", async () => {
    await using opened = await open(hostile(), {}, "#vm=dev-alice");
    expect(await opened.page.evaluate("window.hit")).toBeUndefined();
    expect(await opened.page.locator("dialog pre").textContent()).toContain("<img src=x onerror");
    expect(await opened.page.locator("img").count()).toBe(0);
    // What the policy forbids does not happen, even where the page's own code would do it.
    const attempt =
      "(() => { try { document.body.innerHTML = '<b>x</b>'; return 'done' } catch (error) { return error.name } })()";
    expect(await opened.page.evaluate(attempt)).toBe("TypeError");
  });

  it("filters by state and words, says how many it shows, and keeps that in its address", async () => {
    await using opened = await open(failed(12));
    const { page } = opened;
    await page.keyboard.press("/");
    await page.keyboard.type("dev-a");
    await page.getByText("1 of 12 VMs shown").waitFor();
    await page.getByRole("searchbox").fill("");
    await page.getByRole("button", { name: /^unknown/ }).click();
    expect(await page.locator(".tile .name").allTextContents()).toEqual(["dev-carol"]);
    expect(page.url()).toMatch(/#state=unknown$/);
    await page.reload();
    expect(await page.locator(".tile .name").allTextContents()).toEqual(["dev-carol"]);
    await page.getByRole("searchbox").fill("nothing like this");
    await page.getByRole("button", { name: "Show all" }).click();
    expect(await page.locator(".tile").count()).toBe(12);
  });

  it("is used by the keyboard: arrows among tiles, Enter for details, Escape back to the tile", async () => {
    await using opened = await open(failed(12));
    const { page } = opened;
    const focused = () => page.evaluate("document.activeElement.querySelector('.name')?.textContent");
    await page.locator(".tile").first().focus();
    await page.keyboard.press("ArrowRight");
    expect(await focused()).toBe("dev-carol");
    await page.keyboard.press("Home");
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "dev-alice" });
    await dialog.getByText("fleet-demo.service is failed").first().waitFor();
    expect(await dialog.getByText(/a newer approval or fleet retry changes that/).count()).toBe(1);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    expect(await focused()).toBe("dev-alice");
  });

  it("draws a first picture of 1,000 VMs with few of them, so that it comes soon, and then all", async () => {
    await using opened = await open(samples["1,000 VMs"], { firstTiles: true });
    const { page } = opened;
    await until("all tiles", 5, async () => (await page.locator(".tile").count()) === 1000);
    expect(await number(page, "window.firstTiles")).toBeLessThanOrEqual(80);
    expect(await number(page, "window.firstTiles")).toBeGreaterThan(20);
  });
});

/** Counts in `window.heard` what a page hears from its server. */
const countNews = `{
  const listen = EventSource.prototype.addEventListener;
  window.heard = 0;
  EventSource.prototype.addEventListener = function (name, take) {
    listen.call(this, name, (event) => { window.heard += 1; take(event); });
  };
}`;

/** VMs, updates, and by how many MB the memory may grow. A thousand VMs' updates take a minute: for `--all`. */
const follows: [number, number, number][] = [[20, 200, 1]];
if (process.env["NIXOS_FLEET_LONG"] !== undefined) follows.push([20, 500, 2], [1_000, 500, 2]);

describe("a live page", () => {
  it.each(follows)(
    "follows a rollout of %d VMs, and its memory stays flat over %d updates",
    async (size, count, most) => {
      const [calm, open_] = [documentOf(well(size)), documentOf(rolling(size))];
      const server = new DashboardServer(code, () => Promise.resolve(calm));
      const context = await browser.newContext();
      try {
        const page = await context.newPage();
        await page.addInitScript(countNews);
        await page.goto(await server.start(0));
        await page.getByRole("heading", { name: "All well" }).waitFor();
        await until("the connection", 10, () => server.watched);
        server.publish(open_);
        await page.getByRole("heading", { name: "Rolling out" }).waitFor();
        const client = await context.newCDPSession(page);
        const heap = async () => {
          await client.send("HeapProfiler.collectGarbage");
          return (await client.send("Runtime.getHeapUsage")).usedSize / 1e6;
        };
        const updates = async (rounds: number) => {
          for (let round = 0; round < rounds; round += 1) {
            server.publish(round % 2 === 0 ? calm : open_);
            await page.evaluate("new Promise((resolve) => setTimeout(resolve))");
          }
          server.publish(failedNow);
          await page.getByRole("heading", { name: "Needs attention", exact: true }).waitFor();
        };
        const failedNow = documentOf(failed(size));
        await updates(50);
        const before = await heap();
        const heard = await number(page, "window.heard");
        await updates(count);
        const after = await heap();
        // A page that is too slow would be disconnected, and miss some.
        expect((await number(page, "window.heard")) - heard).toBe(count + 1);
        console.log(`heap of ${size} VMs: ${before.toFixed(1)} MB, after ${count} updates ${after.toFixed(1)} MB`);
        expect(after - before).toBeLessThan(most);
        await server.stop();
        await page.getByText(/^Connection lost/).waitFor();
      } finally {
        await context.close();
        await server.stop().catch(() => undefined);
      }
    },
  );
});
