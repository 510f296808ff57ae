/** What root knows about homes without asking their users: the reports that it published for them, and since when homes have not run. */
import { join } from "node:path";
import { contract } from "../../rules/contract";
import { missedHomes } from "../../rules/missed-homes";
import type { Report } from "../../rules/report";
import { isString } from "../../rules/text/json";
import { isThere, writeFileAtomic, readObject } from "../host/files";
import { readHomes } from "../home/homes";
import { now } from "../host/time";
import { homeKey, publishedFile, publishedReport } from "./publish";

export interface HomeNews {
  user: string;
  /** The user's own claim, or root's statement instead. */
  report?: Report;
  /** For how long it is known that the home has not run since the machine requested a run. */
  secondsSilent: number;
}

/** Called once an hour. Nothing is known if the metadata server takes no reports. */
export function homeNews(runFolder: string): HomeNews[] {
  const { homes = [], at } = readHomes(runFolder);
  if (at === undefined || !isThere(publishedFile(runFolder, contract.guestAttributes.system))) return [];
  const reports = homes.map(({ user }) => [user, publishedReport(runFolder, homeKey(user))] as const);
  const time = now();
  const since = missedSince(
    runFolder,
    at,
    Object.fromEntries(reports.map(([user, report]) => [user, report?.at])),
    time,
  );
  return reports.map(([user, report]) => {
    const missed = since[user];
    const secondsSilent = missed === undefined ? 0 : Math.floor((Date.parse(time) - Date.parse(missed)) / 1000);
    return { user, ...(report === undefined ? {} : { report }), secondsSilent };
  });
}

/** A file stores the start time. A reboot deletes the file together with all that the homes reported. */
function missedSince(
  runFolder: string,
  asked: string,
  ran: Record<string, string | undefined>,
  time: string,
): Record<string, string> {
  const file = join(runFolder, "homes-missed.json");
  const before = Object.entries(readObject(file) ?? {}).filter(([, at]) => isString(at) === undefined);
  const after = missedHomes(Object.fromEntries(before) as Record<string, string>, asked, ran, time);
  writeFileAtomic(file, JSON.stringify(after));
  return after;
}
