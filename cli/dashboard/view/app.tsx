/** The whole page. */
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import type { PageDocument } from "../document";
import { verdictOf } from "../model/fleet";
import { rolloutView } from "../model/rollout";
import { readPlace, writePlace, type Place } from "./address";
import { Detail } from "./detail";
import { Head } from "./head";
import { follow, type Connection } from "./live";
import { Side } from "./side";
import { Rollout } from "./rollout";
import { Timeline } from "./timeline";
import { Vms } from "./vms";

export function App({ first, events }: { first: PageDocument; events: string | undefined }) {
  const [shown, show] = useState(first);
  const [connection, connect] = useState<Connection>(events === undefined ? "file" : "live");
  const [problem, setProblem] = useState("");
  const [place, setPlace] = useState(readPlace);

  useEffect(() => {
    if (events === undefined) return undefined;
    return follow(events, first, { document: show, connection: connect, problem: setProblem });
  }, [events, first]);

  useEffect(() => {
    const moved = () => setPlace(readPlace());
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);

  const go = useCallback((change: Partial<Place>) => {
    setPlace((before) => {
      const next = { ...before, ...change };
      writePlace(next);
      return next;
    });
  }, []);
  const open = useCallback((vm: string) => go({ vm }), [go]);
  const close = useCallback(() => go({ vm: "" }), [go]);
  const filter = useCallback((one: Place["filter"]) => go({ filter: one }), [go]);

  const rollout = useMemo(() => rolloutView(shown), [shown]);
  const verdict = useMemo(() => verdictOf(shown, rollout), [shown, rollout]);
  const now = Date.parse(shown.status.at);
  const detailed = place.vm === "" ? undefined : shown.status.vms.find(({ name }) => name === place.vm);
  return (
    <>
      <a class="skip" href="#vms-title">
        Skip to the VMs
      </a>
      <Head status={shown.status} {...verdict} connection={connection} problem={problem} />
      <main>
        <Rollout rollout={rollout} open={open} />
        <div class="columns">
          <Vms vms={shown.status.vms} now={now} filter={place.filter} setFilter={filter} open={open} />
          <div class="side">
            <Side document={shown} now={now} />
            <Timeline history={shown.history} now={now} />
          </div>
        </div>
      </main>
      <footer>
        <p>
          Read-only. The same as <code>fleet status --json</code> and <code>fleet history</code>.
        </p>
      </footer>
      {detailed === undefined ? null : <Detail vm={detailed} status={shown.status} now={now} close={close} />}
    </>
  );
}
