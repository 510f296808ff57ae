/**
 * The dashboard's page of 1,000 VMs in a real Chromium, beside an empty fleet's: when the first picture is there (Chromium's
 * first-contentful-paint) and when all tiles are. Milliseconds since the page was asked for, the middle of the rounds, pair by pair.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { renderTable } from "../cli/command-line/table";
import { renderPage, type PageCode } from "../cli/dashboard/page";
import { bundlePage } from "../tools/bundle-page";
import { launchChromium } from "../test/setup/chromium";
import { documentOf, rolling, type Sample } from "../test/unit/cli/dashboard/documents";
import { median } from "./statistics/median";

const VMS = 1_000;
const LIMIT = 3;

interface Times {
  first: number;
  whole: number;
}

async function timesOf(browser: Browser, file: string, vms: number): Promise<Times> {
  const context = await browser.newContext({ viewport: { width: 1_440, height: 900 } });
  try {
    const page = await context.newPage();
    await page.goto(pathToFileURL(file).href);
    // Not by Playwright's waitForFunction, whose later looks call eval, which the page's policy forbids.
    return await page.evaluate<Times>(`new Promise((resolve) => {
      const look = () => {
        const [paint] = performance.getEntriesByName("first-contentful-paint");
        const isWhole = document.querySelectorAll(".tile").length === ${vms};
        if (paint && isWhole) resolve({ first: paint.startTime, whole: performance.now() });
        else requestAnimationFrame(look);
      };
      look();
    })`);
  } finally {
    await context.close();
  }
}

async function measure(browser: Browser, code: PageCode, directory: string, rounds: number) {
  const write = (name: string, sample: Sample) => {
    const file = join(directory, name);
    writeFileSync(file, renderPage(documentOf(sample), code).html);
    return file;
  };
  const [none, many] = [write("empty.html", { approvals: {}, vms: [] }), write("full.html", rolling(VMS))];
  const pairs: { empty: Times; full: Times }[] = [];
  for (let round = 0; round < rounds; round++)
    pairs.push({ empty: await timesOf(browser, none, 0), full: await timesOf(browser, many, VMS) });
  return pairs;
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "bench-page-"));
  const browser = await launchChromium();
  try {
    const rounds = process.argv.includes("--quick") ? 3 : 9;
    const pairs = await measure(browser, await bundlePage(), directory, rounds);
    const row = (name: string, of: (times: Times) => number) => [
      name,
      median(pairs.map(({ empty }) => of(empty))).toFixed(0),
      median(pairs.map(({ full }) => of(full))).toFixed(0),
      `${median(pairs.map(({ empty, full }) => of(full) / of(empty))).toFixed(2)}×`,
    ];
    const rows = [row("the first picture", ({ first }) => first), row("all tiles", ({ whole }) => whole)];
    const header = ["UNTIL", "EMPTY (MS)", `${VMS} VMS (MS)`, "RATIO"];
    for (const line of renderTable(header, rows, false)) console.log(line);
    console.log(`limit: the first picture at most ${LIMIT}× an empty page's`);
    if (median(pairs.map(({ empty, full }) => full.first / empty.first)) > LIMIT) process.exitCode = 1;
  } finally {
    await browser.close();
    rmSync(directory, { recursive: true });
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
