/** The open rollout, wave by wave. */
import type { RolloutView, WaveView } from "../model/rollout";
import { waveWord } from "../model/rollout";
import { WaveSign } from "./icons";

/** VMs that a wave names; the list of VMs has all. */
const mostPending = 5;

export function Rollout({ rollout, open }: { rollout: RolloutView | null; open: (vm: string) => void }) {
  return (
    <section class="rollout" aria-labelledby="rollout-title">
      <div class="section-head">
        <h2 id="rollout-title">{rollout?.open === true ? "Open rollout" : "Rollout"}</h2>
        {rollout === null ? null : (
          <p>
            <code title={rollout.full}>{rollout.revision}</code>
            {rollout.open ? "" : " is approved for every wave, and every wave passed"}
          </p>
        )}
        {rollout?.urgent == null ? null : <p class="urgent">urgent, past windows and pauses: {rollout.urgent}</p>}
      </div>
      {rollout === null ? (
        <p class="empty">Nothing is approved yet.</p>
      ) : (
        <ol class="waves">
          {rollout.waves.map((wave) => (
            <Wave key={wave.name} wave={wave} target={rollout.revision} open={open} />
          ))}
        </ol>
      )}
    </section>
  );
}

function Wave({ wave, target, open }: { wave: WaveView; target: string; open: (vm: string) => void }) {
  const { name, state, revision, total, done, failed, budget, proof, pending, why } = wave;
  const more = pending.length - mostPending;
  return (
    <li class={`wave wave-${state}`}>
      <div class="wave-head">
        <WaveSign state={state} />
        <h3>{name}</h3>
        <p class="wave-state">{waveWord[state]}</p>
      </div>
      <Progress name={name} target={target} done={done} failed={failed} total={total} />
      <p class="wave-line">
        {done} of {total} run <code>{target}</code>
        {revision === "" || revision === target ? null : (
          <span class="quiet">
            {" "}
            · approved: <code>{revision}</code>
          </span>
        )}
      </p>
      {budget === "" && proof === "" ? null : (
        <p class="wave-line quiet">{[budget, proof].filter((part) => part !== "").join(" · ")}</p>
      )}
      {why === "" ? null : (
        <p class="wave-why" tabIndex={0}>
          {why}
        </p>
      )}
      {pending.length === 0 ? null : (
        <div class="pending">
          <h4>Waiting for</h4>
          <ul>
            {pending.slice(0, mostPending).map(({ vm, why: reason }) => (
              <li key={vm}>
                <button type="button" class="link" onClick={() => open(vm)}>
                  {vm}
                </button>{" "}
                <span class="quiet">{reason}</span>
              </li>
            ))}
            {more > 0 ? <li class="quiet">and {more} more</li> : null}
          </ul>
        </div>
      )}
    </li>
  );
}

function Progress({
  name,
  target,
  done,
  failed,
  total,
}: Record<"done" | "failed" | "total", number> & { name: string; target: string }) {
  const share = (number: number) => (total === 0 ? 0 : (number / total) * 100);
  return (
    <svg
      class="progress"
      viewBox="0 0 100 6"
      preserveAspectRatio="none"
      role="img"
      aria-label={`wave ${name}: ${done} of ${total} run ${target}, ${failed} failed`}
    >
      <rect class="bar-empty" width="100" height="6" />
      <rect class="fill tone-accent" width={share(done)} height="6" />
      <rect class="fill tone-failed" x={share(done)} width={share(failed)} height="6" />
    </svg>
  );
}
