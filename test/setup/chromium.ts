import { chromium, type Browser } from "playwright-core";

/** Debian's Chromium, without a window. A test's root is no user whom its sandbox protects. */
export function launchChromium(...args: string[]): Promise<Browser> {
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", ...args] });
}
