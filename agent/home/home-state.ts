/** What a home's agent reports. The files belong to the user: they may contain anything, and reading one may never end. */
import { stateOf, type AgentState } from "../../rules/agent-state";
import { contract } from "../../rules/contract";
import { parseObject } from "../../rules/text/json";
import { type Account, asUser } from "./users";

/** Where a home's agent leaves its state for root: in the usual place, or where a custom state folder cannot hide it. */
export function homeStateFiles({ uid, home }: Pick<Account, "uid" | "home">): string[] {
  const folder = contract.paths.homeState;
  return [`/run/user/${uid}/${folder}/state.json`, `${home}/.local/state/${folder}/state.json`];
}

interface HomeState {
  /** The newest state, if one can be read. */
  state?: AgentState;
  /** Whether a file does not answer, such as a pipe, or a mount whose server is gone. */
  hangs: boolean;
}

/** Reads the state as the user, up to the maximum size of a report. */
export async function readHomeState(account: Account): Promise<HomeState> {
  const states: AgentState[] = [];
  for (const file of homeStateFiles(account)) {
    const { stdout, limit } = await asUser(account, ["head", "--bytes=100000", "--", file]);
    if (limit !== undefined) return { hangs: true };
    const state = parseObject(stdout);
    if (state !== undefined) states.push(stateOf(state));
  }
  const [newest] = states.sort((one, other) => (other.at ?? "").localeCompare(one.at ?? ""));
  return newest === undefined ? { hangs: false } : { state: newest, hangs: false };
}
