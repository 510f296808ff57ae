/** One VM in detail, in a dialog beside the page: Escape closes it, and the browser keeps the keyboard in it. */
import { useEffect, useRef } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { holdsOn } from "../../../rules/rollout/control-item";
import { own } from "../../../rules/text/json";
import { driftWord, holdText } from "../../../rules/text/sentences";
import type { Report } from "../../../rules/report";
import type { FleetStatus, VmStatus } from "../../status/status";
import { driftMeaning } from "../model/states";
import { ago, minute, revisionLabel } from "../model/text";
import { DriftSign } from "./icons";

interface Props {
  vm: VmStatus;
  status: FleetStatus;
  now: number;
  close: () => void;
}

export function Detail({ vm, status, now, close }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const one = dialog.current;
    one?.showModal();
    return () => one?.close();
  }, []);
  const { system, next } = vm;
  const approved = own(status.approvals, vm.wave);
  const holds = holdsOn(status.control, vm, approved);
  const pin = own(status.control.pins, vm.name);
  return (
    <dialog
      ref={dialog}
      class="detail"
      aria-labelledby="detail-title"
      onClose={close}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <div class="detail-body">
        <header class="detail-head">
          <DriftSign drift={vm.drift} />
          <h2 id="detail-title">{vm.name}</h2>
          <button type="button" class="close" aria-label="Close" onClick={close}>
            <svg viewBox="0 0 16 16" aria-hidden="true">
              <path d="M4 4l8 8M12 4l-8 8" />
            </svg>
          </button>
        </header>
        <p class="lead">
          <strong>{driftWord[vm.drift]}</strong>: {vm.reason ?? driftMeaning[vm.drift]}
        </p>
        <h3>Next</h3>
        <p>{next.text}</p>
        {next.atBoot === null ? null : <p class="quiet">At its next boot: {next.atBoot.text}</p>}
        {system?.outcome === "failed" ? <Failure title="Last failure" report={system} now={now} /> : null}
        <h3>System</h3>
        <dl>
          <Fact name="Runs">{system === null ? "has not reported" : <Revision full={system.revision} />}</Fact>
          <Fact name="Desired">{vm.wanted === null ? "nothing is approved" : <Revision full={vm.wanted} />}</Fact>
          {approved === undefined || approved === vm.wanted ? null : (
            <Fact name="Approved">
              <Revision full={approved} />
            </Fact>
          )}
          {pin === undefined ? null : (
            <Fact name="Pinned">
              <Revision full={pin} />
            </Fact>
          )}
          {holds.map((hold) => (
            <Fact key={hold.scope} name="Held">
              {holdText(hold)}, {ago(hold.at, now)}
            </Fact>
          ))}
          {system === null ? null : (
            <>
              <Fact name="Last update">
                {system.outcome}, <When at={system.at} now={now} />
              </Fact>
              {system.progress === undefined ? null : (
                <Fact name="Under way">
                  {system.progress.stage}, since <When at={system.progress.since} now={now} />
                </Fact>
              )}
              <Fact name="Booted">
                <When at={system.bootedAt} now={now} />
                {system.rebootRequired ? ", needs a reboot" : ""}
              </Fact>
              <Fact name="System">
                <code class="path">{system.toplevel}</code>
              </Fact>
              <Fact name="Agent">{system.agent}</Fact>
            </>
          )}
          <Fact name="Wave">{vm.wave ?? "none"}</Fact>
          <Fact name="Owner">{vm.owner ?? "–"}</Fact>
          <Fact name="Instance">
            {vm.state}, {vm.zone}
          </Fact>
        </dl>
        {Object.entries(vm.homeDrift).map(([user, home]) => {
          const report = own(vm.homes, user);
          return (
            <section key={user} aria-label={`Home of ${user}`}>
              <h3 class="home-title">
                <DriftSign drift={home.drift} /> Home of {user}
              </h3>
              <p>
                {driftWord[home.drift]}
                {home.reason === null ? "" : `: ${home.reason}`}
                {report == null ? null : (
                  <span class="quiet">
                    {" "}
                    · <code>{revisionLabel(report.revision)}</code> · <When at={report.at} now={now} />
                  </span>
                )}
              </p>
              {report?.outcome === "failed" ? <Failure title="" report={report} now={now} /> : null}
            </section>
          );
        })}
      </div>
    </dialog>
  );
}

function Failure({ title, report, now }: { title: string; report: Report; now: number }) {
  const { stage, rolledBack, failing, error = "", transient, at } = report;
  return (
    <>
      {title === "" ? null : <h3>{title}</h3>}
      <p>
        {stage ?? "update"} failed{rolledBack ? ", rolled back" : ""} <When at={at} now={now} />
        {transient === true ? "; it passes by itself, so the VM tries again" : ""}
        {failing === undefined ? "" : `; ${failing.tries} times since ${minute(failing.since)}`}
      </p>
      {error === "" ? null : (
        <pre tabIndex={0} role="region" aria-label="What it said">
          {error}
        </pre>
      )}
    </>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Revision({ full }: { full: string }) {
  return full === "previous" ? <>what it ran before</> : <code class="path">{full}</code>;
}

function When({ at, now }: { at: string; now: number }) {
  return (
    <time dateTime={at} title={`${minute(at)} UTC`}>
      {ago(at, now) || "at an unknown time"}
    </time>
  );
}
