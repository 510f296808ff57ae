/** People who look at a fleet: one whose webhook takes its messages, and one with the dashboard's page open in a real Chromium. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { Browser } from "playwright-core";
import { launchChromium } from "../setup/chromium";

/** Takes messages as Slack does. */
export class Webhook {
  /** In the order in which they came. */
  readonly messages: string[] = [];
  private readonly server: Server = createServer((request, response) => {
    void text(request).then((body) => {
      this.messages.push((JSON.parse(body) as { text: string }).text);
      response.end("ok");
    });
  });

  /** Answers its address. */
  async start(): Promise<string> {
    await new Promise<void>((listening) => this.server.listen(0, "127.0.0.1", listening));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

/** Run by the page: says each headline that it shows. */
const noteHeadlines = `addEventListener("DOMContentLoaded", () => {
  const note = () => noteHeadline(document.querySelector("h1")?.textContent ?? "");
  note();
  new MutationObserver(note).observe(document.body, { subtree: true, childList: true, characterData: true });
})`;

export class WatchedPage {
  /** Each headline that the page has shown, in order, none twice in a row. */
  readonly headlines: string[] = [];

  private constructor(private readonly browser: Browser) {}

  static async open(url: string): Promise<WatchedPage> {
    const browser = await launchChromium();
    const watched = new WatchedPage(browser);
    const page = await browser.newPage();
    await page.exposeFunction("noteHeadline", (headline: string) => {
      if (watched.headlines.at(-1) !== headline) watched.headlines.push(headline);
    });
    await page.addInitScript(noteHeadlines);
    await page.goto(url);
    return watched;
  }

  /** What the page shows now, as text. */
  async shows(): Promise<string> {
    const [page] = this.browser.contexts().flatMap((context) => context.pages());
    return (await page?.locator("body").innerText()) ?? "";
  }

  close(): Promise<void> {
    return this.browser.close();
  }
}
