/**
 * The page, drawn by Preact: 4 kB, well kept, and it writes text as text nodes, never as markup. Components redraw only what changed, which
 * a thousand tiles need; a chart library is not worth its weight for bars.
 */
import { render } from "preact";
import type { PageDocument } from "../document";
import { App } from "./app";
import { events } from "./live";

const root = document.getElementById("page");
const data = document.getElementById("document");
if (root !== null && data !== null)
  render(<App first={JSON.parse(data.textContent) as PageDocument} events={events()} />, root);
