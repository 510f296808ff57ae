/** Is the fleet well? */
import { useEffect, useState } from "preact/hooks";
import type { FleetStatus } from "../../status/status";
import { detailsText, type Verdict } from "../model/fleet";
import { driftCounts } from "../model/tiles";
import { ago, minute } from "../model/text";
import { VerdictSign } from "./icons";
import type { Connection } from "./live";
import { plural } from "../../../rules/text/text";
import { driftWord } from "../../../rules/text/sentences";

interface Props {
  status: FleetStatus;
  verdict: Verdict;
  title: string;
  details: string[];
  connection: Connection;
  problem: string;
}

const connectionText: Record<Connection, string> = { file: "Read", live: "Live, read", lost: "Connection lost; read" };

export function Head({ status, verdict, title, details, connection, problem }: Props) {
  const counts = driftCounts(status.vms);
  return (
    <header class={`head verdict-${verdict}`}>
      <div class="head-row">
        <p class="fleet">
          <span>{status.fleet}</span>
          <span class="quiet"> / {status.stack}</span>
        </p>
        <p class={`read read-${connection}`}>
          <span class="dot" aria-hidden="true" />
          {connectionText[connection]} <ReadAt at={status.at} />
        </p>
      </div>
      <div class="verdict" role="status" aria-live="polite">
        <VerdictSign verdict={verdict} />
        <h1>{title}</h1>
        <p>{detailsText(details)}</p>
      </div>
      {problem === "" ? null : (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <ShareBar counts={counts} total={status.vms.length} />
      <p class="hidden">
        {plural(status.vms.length, "VM")}:{" "}
        {counts.map(({ drift, count: number }) => `${number} ${driftWord[drift]}`).join(", ")}
      </p>
    </header>
  );
}

/** How the VMs are divided among the states; a picture of the counts that the filter's buttons have in words. */
function ShareBar({ counts, total }: { counts: ReturnType<typeof driftCounts>; total: number }) {
  let from = 0;
  return (
    <svg class="bar" viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden="true">
      <rect class="bar-empty" width="1000" height="8" />
      {counts.map(({ drift, count: number }) => {
        // One VM among a thousand is still to be seen.
        const width = Math.max(4, (number / Math.max(1, total)) * 1000);
        const x = from;
        from += width;
        return <rect key={drift} class={`fill tone-${drift}`} x={x} width={Math.max(1, width - 2)} height="8" />;
      })}
    </svg>
  );
}

/** The time of the last look, and how long ago that was by this machine's clock. */
function ReadAt({ at }: { at: string }) {
  const [now, tick] = useState(Date.now);
  useEffect(() => {
    tick(Date.now());
    const timer = setInterval(() => tick(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, [at]);
  return (
    <time dateTime={at} title={`${minute(at)} UTC`}>
      {ago(at, now) || minute(at)}
    </time>
  );
}
