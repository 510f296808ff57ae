/** The VMs as tiles, with search and filter. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { VmStatus } from "../../status/status";
import { driftMeaning } from "../model/states";
import { driftCounts, grouped, hasHomeTrouble, keeps, noFilter, tileOf, type Filter } from "../model/tiles";
import { DriftSign } from "./icons";
import { TileCard } from "./tile";
import { plural } from "../../../rules/text/text";
import { driftWord } from "../../../rules/text/sentences";

interface Props {
  vms: readonly VmStatus[];
  now: number;
  filter: Filter;
  setFilter: (filter: Filter) => void;
  open: (vm: string) => void;
}

/** Tiles that the first picture has; the others follow at once, so that a thousand VMs do not keep the page blank. */
const firstTiles = 80;
/** From so many VMs on, those that are well take one line each. */
const denseFrom = 60;

export function Vms({ vms, now, filter, setFilter, open }: Props) {
  const [limit, setLimit] = useState(firstTiles);
  useEffect(() => {
    const timer = requestAnimationFrame(() => setTimeout(() => setLimit(Infinity)));
    return () => cancelAnimationFrame(timer);
  }, []);
  const kept = useMemo(() => vms.filter((vm) => keeps(filter, vm)), [vms, filter]);
  const groups = useMemo(() => grouped(kept.map((vm) => tileOf(vm, now))), [kept, now]);
  let left = limit;
  return (
    <section class={`vms${vms.length >= denseFrom ? " dense" : ""}`} aria-labelledby="vms-title">
      <div class="section-head">
        <h2 id="vms-title" tabIndex={-1}>
          VMs
        </h2>
        <p role="status" aria-live="polite">
          {kept.length === vms.length
            ? plural(vms.length, "VM")
            : `${kept.length} of ${plural(vms.length, "VM")} shown`}
        </p>
      </div>
      <Toolbar vms={vms} filter={filter} setFilter={setFilter} />
      <div onKeyDown={moveAmongTiles}>
        {groups.map(({ name, tiles }) => {
          const some = tiles.slice(0, Math.max(0, left));
          left -= some.length;
          return (
            <div class="group" key={name}>
              <h3>
                {name} <span class="quiet">{tiles.length}</span>
              </h3>
              <ul class={name === "Current" || name === "Stopped" ? "tiles calm" : "tiles"} aria-label={name}>
                {some.map((tile, at) => (
                  <TileCard key={tile.name} tile={tile} first={at === 0} open={open} />
                ))}
              </ul>
            </div>
          );
        })}
        {kept.length === 0 ? (
          <p class="empty">
            No VM fits.{" "}
            <button type="button" class="link" onClick={() => setFilter(noFilter)}>
              Show all
            </button>
          </p>
        ) : null}
      </div>
    </section>
  );
}

function Toolbar({ vms, filter, setFilter }: Pick<Props, "vms" | "filter" | "setFilter">) {
  const search = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      const typing = event.target instanceof Element && event.target.closest("input, select, dialog") !== null;
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      search.current?.focus();
    };
    addEventListener("keydown", focus);
    return () => removeEventListener("keydown", focus);
  }, []);
  const waves = useMemo(() => [...new Set(vms.flatMap(({ wave }) => wave ?? []))].sort(), [vms]);
  const homes = useMemo(() => vms.filter(hasHomeTrouble).length, [vms]);
  const toggle = (drift: Filter["drift"]) => setFilter({ ...filter, drift: filter.drift === drift ? "" : drift });
  return (
    <div class="toolbar" role="search">
      <label class="search">
        <span class="hidden">Search VMs by name, owner, wave, revision or reason</span>
        <input
          ref={search}
          type="search"
          placeholder="Search VMs  ( / )"
          value={filter.text}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => setFilter({ ...filter, text: event.currentTarget.value })}
        />
      </label>
      {waves.length < 2 ? null : (
        <label class="choose">
          <span class="hidden">Wave</span>
          <select value={filter.wave} onChange={(event) => setFilter({ ...filter, wave: event.currentTarget.value })}>
            <option value="">all waves</option>
            {waves.map((wave) => (
              <option key={wave} value={wave}>
                {wave}
              </option>
            ))}
          </select>
        </label>
      )}
      <div class="chips" role="group" aria-label="Filter by state">
        {driftCounts(vms).map(({ drift, count: number }) => (
          <button
            key={drift}
            type="button"
            class="chip"
            aria-pressed={filter.drift === drift}
            title={driftMeaning[drift]}
            onClick={() => toggle(drift)}
          >
            <DriftSign drift={drift} />
            {driftWord[drift]} <span class="number">{number}</span>
          </button>
        ))}
        {homes === 0 ? null : (
          <button type="button" class="chip" aria-pressed={filter.drift === "homes"} onClick={() => toggle("homes")}>
            homes <span class="number">{homes}</span>
          </button>
        )}
      </div>
    </div>
  );
}

/** One tile of each group is a stop of the Tab key; the arrow keys go on from there. */
function moveAmongTiles(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const { currentTarget, target, key } = event;
  const steps: Record<string, number> = {
    ArrowRight: 1,
    ArrowLeft: -1,
    ArrowDown: 1,
    ArrowUp: -1,
    Home: -Infinity,
    End: Infinity,
  };
  const step = steps[key];
  if (step === undefined || !(target instanceof HTMLElement) || !target.matches(".tile")) return;
  const tiles = [...currentTarget.querySelectorAll<HTMLElement>(".tile")];
  const here = target.getBoundingClientRect();
  const at = tiles.indexOf(target);
  let next: HTMLElement | undefined;
  if (key === "ArrowDown" || key === "ArrowUp") {
    // The nearest tile of the next row, by its left edge.
    const others = (key === "ArrowDown" ? tiles.slice(at + 1) : tiles.slice(0, at).reverse()).slice(0, 60);
    const row = others.find((tile) => tile.getBoundingClientRect().top !== here.top)?.getBoundingClientRect().top;
    const ofRow = others.filter((tile) => tile.getBoundingClientRect().top === row);
    const away = (tile: HTMLElement) => Math.abs(tile.getBoundingClientRect().left - here.left);
    next = ofRow.sort((a, b) => away(a) - away(b))[0];
  } else {
    next = tiles[Math.min(tiles.length - 1, Math.max(0, at + step))];
  }
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}
