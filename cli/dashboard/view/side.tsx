/** What is held, and how old the lock is. */
import { useMemo } from "preact/hooks";
import type { PageDocument } from "../document";
import { holdViews, lockViews, type LockView } from "../model/fleet";
import { revisionLabel } from "../model/text";
import { plural } from "../../../rules/text/text";

export function Side({ document, now }: { document: PageDocument; now: number }) {
  const holds = useMemo(() => holdViews(document.status, now), [document.status, now]);
  const lock = useMemo(() => lockViews(document.lock, now), [document.lock, now]);
  return (
    <>
      <section class="panel" aria-labelledby="holds-title">
        <div class="section-head">
          <h2 id="holds-title">Holds and pins</h2>
          <p>{holds.length === 0 ? "" : holds.length}</p>
        </div>
        {holds.length === 0 ? <p class="empty">Nothing is held, pinned or rolled back.</p> : null}
        <ul class="holds">
          {holds.map(({ what, by, why, since }) => (
            <li key={what}>
              <p>{what}</p>
              <p class="quiet">{[by === "" ? "" : `by ${by}`, since].filter((part) => part !== "").join(", ")}</p>
              <p class="why">{why}</p>
            </li>
          ))}
        </ul>
      </section>
      <section class="panel" aria-labelledby="lock-title">
        <div class="section-head">
          <h2 id="lock-title">Age of the lock</h2>
          <p>{document.lock === null ? "" : <code>{revisionLabel(document.lock.revision)}</code>}</p>
        </div>
        {lock.length === 0 ? <p class="empty">The lock of the approved revision is not known here.</p> : null}
        <ul class="lock">
          {lock.map((one) => (
            <Input key={one.input} {...one} />
          ))}
        </ul>
      </section>
    </>
  );
}

function Input({ input, source, revision, days, share }: LockView) {
  return (
    <li title={source}>
      <span class="input">{input}</span>
      <code>{revision}</code>
      <span class="days">{days === null ? "no date" : days === 0 ? "today" : plural(days, "day")}</span>
      <svg class="progress" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        <rect class="bar-empty" width="100" height="4" />
        <rect class="fill tone-quiet" width={share * 100} height="4" />
      </svg>
    </li>
  );
}
