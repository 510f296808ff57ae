/** One VM as a tile. */
import { memo } from "./memo";
import type { Tile } from "../model/tiles";
import { DriftSign } from "./icons";
import { driftWord } from "../../../rules/text/sentences";

interface Props {
  tile: Tile;
  /** Whether the Tab key stops here. */
  first: boolean;
  open: (vm: string) => void;
}

export const TileCard = memo<Props>(
  ({ tile, first, open }) => {
    const { name, drift, current, desired, age, homes, why, wave } = tile;
    return (
      <li>
        <button
          type="button"
          class={`tile tile-${drift}`}
          tabIndex={first ? 0 : -1}
          aria-haspopup="dialog"
          onClick={() => open(name)}
        >
          <span class="tile-head">
            <DriftSign drift={drift} />
            <span class="name" title={name}>
              {name}
            </span>
            <span class="tile-state">{driftWord[drift]}</span>
          </span>
          <span class="tile-facts">
            <code>
              {current}
              {desired === "" ? "" : ` → ${desired}`}
            </code>
            {age === "" ? null : <span class="age">{age}</span>}
          </span>
          {homes.length === 0 && wave === "" ? null : (
            <span class="tile-homes">
              {homes.map(({ user, text, drift: home }) => (
                <span key={user} class={home === "failed" || home === "unknown" ? "home bad" : "home"}>
                  {user} <code>{text}</code>
                </span>
              ))}
              {wave === "" ? null : <span class="of-wave">{wave}</span>}
            </span>
          )}
          {why === "" ? null : <span class="why">{why}</span>}
        </button>
      </li>
    );
  },
  (a, b) => a.first === b.first && a.open === b.open && JSON.stringify(a.tile) === JSON.stringify(b.tile),
);
