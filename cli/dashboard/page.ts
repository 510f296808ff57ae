/**
 * The page as one file: markup, style and script in it, the document as data. Its content security policy names the digests of exactly this
 * script and this style, allows nothing from elsewhere, and forbids text to become markup (trusted types).
 */
import { createHash } from "node:crypto";
import type { PageDocument } from "./document";
import { detailsText, verdictOf } from "./model/fleet";
import { rolloutView } from "./model/rollout";

/** The page's own code, bundled. */
export interface PageCode {
  script: string;
  style: string;
}

/** Where a page that goes on gets its news; the page in a file has none. */
interface Live {
  /** From the page's own address. */
  events: string;
}

interface Page {
  html: string;
  /** Also for the header of a server's answer. */
  policy: string;
}

const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%233454d1'/%3E%3Cpath d='M4 8.5l2.6 2.6L12 5.4' fill='none' stroke='white' stroke-width='2'/%3E%3C/svg%3E";

export function renderPage(document: PageDocument, { script, style }: PageCode, live?: Live): Page {
  const policy = [
    "default-src 'none'",
    `script-src '${digest(script)}'`,
    `style-src '${digest(style)}'`,
    "img-src data:",
    `connect-src ${live === undefined ? "'none'" : "'self'"}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
  const { fleet, stack } = document.status;
  const html = [
    "<!doctype html>",
    '<html lang="en">',
    "<head>",
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    '<meta name="referrer" content="no-referrer">',
    '<meta name="robots" content="noindex">',
    ...(live === undefined ? [] : [`<meta name="fleet-events" content="${escaped(live.events)}">`]),
    `<title>${escaped(`${fleet}/${stack}`)} · fleet</title>`,
    `<link rel="icon" href="${icon}">`,
    `<style>${style}</style>`,
    "</head>",
    "<body>",
    `<div id="page">${head(document)}</div>`,
    "<noscript>The rest of this page needs JavaScript. fleet status shows the same in a terminal.</noscript>",
    `<script type="application/json" id="document">${asData(document)}</script>`,
    `<script>${script}</script>`,
    "</body>",
    "</html>",
    "",
  ].join("\n");
  return { html, policy };
}

/** How the fleet is, as text: seen before the script has read the data of a thousand VMs, and if no script runs. The script draws over it. */
function head(document: PageDocument): string {
  const { fleet, stack } = document.status;
  const { verdict, title, details } = verdictOf(document, rolloutView(document));
  return [
    `<header class="head verdict-${verdict}">`,
    `<div class="head-row"><p class="fleet">${escaped(`${fleet} / ${stack}`)}</p></div>`,
    `<div class="verdict"><h1>${escaped(title)}</h1><p>${escaped(detailsText(details))}</p></div>`,
    "</header>",
  ].join("");
}

function digest(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** JSON in which nothing ends the element that it stands in. */
function asData(document: PageDocument): string {
  return JSON.stringify(document).replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
