/** Rollouts and what people did, newest first. */
import { useMemo, useState } from "preact/hooks";
import type { HistoryEntry } from "../../history-entry";
import { timeline, timelineSummary, type TimelineItem } from "../model/timeline";
import { ago, minute } from "../model/text";
import { OutcomeSign } from "./icons";

const shownFirst = 8;

export function Timeline({ history, now }: { history: readonly HistoryEntry[]; now: number }) {
  const items = useMemo(() => timeline(history), [history]);
  const [all, setAll] = useState(false);
  const shown = all ? items : items.slice(0, shownFirst);
  return (
    <section class="panel" aria-labelledby="timeline-title">
      <div class="section-head">
        <h2 id="timeline-title">Timeline</h2>
        <p>{items.length === 0 ? "" : timelineSummary(items)}</p>
      </div>
      {items.length === 0 ? <p class="empty">No entries in the last 30 days.</p> : null}
      <ol class="timeline">
        {shown.map((item) => (
          <Item key={`${item.at} ${item.title}`} item={item} now={now} />
        ))}
      </ol>
      {items.length > shown.length ? (
        <button type="button" class="link more" onClick={() => setAll(true)}>
          {items.length - shown.length} more
        </button>
      ) : null}
    </section>
  );
}

function Item({ item, now }: { item: TimelineItem; now: number }) {
  const { at, by, title, outcome, took, why, waves } = item;
  const word = outcome === "started" ? "open" : outcome === "done" ? "" : outcome;
  return (
    <li class={waves.length > 0 ? "event" : "event action"}>
      <OutcomeSign outcome={outcome} />
      <div>
        <p class="event-title">
          {title}
          {word === "" ? null : <span class={`outcome outcome-${outcome}`}> {word}</span>}
        </p>
        <p class="quiet">
          <time dateTime={at} title={`${minute(at)} UTC`}>
            {ago(at, now) || minute(at)}
          </time>{" "}
          by {by}
          {took === "" ? "" : ` · took ${took}`}
        </p>
        {why === "" ? null : <p class="event-why">{why}</p>}
        {waves.length === 0 ? null : (
          <ul class="event-waves">
            {waves.map((wave) => (
              <li key={wave.name}>
                <OutcomeSign outcome={wave.outcome} />
                <span>{wave.name}</span>
                <span class="quiet">{[wave.counts, wave.took].filter((part) => part !== "").join(" · ")}</span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </li>
  );
}
