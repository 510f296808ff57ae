/** Words that docs, comments, messages and names do not use: archaic, or read twice. Each with its reason and what to write instead. */

export interface BannedWord {
  /** Words and phrases, in lower case unless they are names. */
  words: readonly string[];
  reason: string;
  instead: string;
}

const archaic = "archaic";
const riddle = "says something else at first sight";
const oldName = "an old name";

export const bannedWords: readonly BannedWord[] = [
  { words: ["anew", "afresh", "once more"], reason: archaic, instead: "again" },
  { words: ["mend", "mends", "mended", "mending"], reason: archaic, instead: "fix or repair" },
  { words: ["befall", "befalls", "befell", "befallen"], reason: archaic, instead: "happen to" },
  { words: ["becomes of", "become of", "became of"], reason: archaic, instead: "happens to" },
  { words: ["likewise"], reason: archaic, instead: "also, or in the same way" },
  { words: ["beforehand"], reason: archaic, instead: "before, first or already" },
  { words: ["seldom"], reason: archaic, instead: "rarely" },
  { words: ["in vain"], reason: archaic, instead: "without success" },
  { words: ["heed", "heeds", "heeded"], reason: archaic, instead: "respect or follow" },
  { words: ["vanish", "vanishes", "vanished"], reason: archaic, instead: "disappear, or be deleted" },
  {
    words: ["hence", "thus", "thereby", "therein", "whereof", "whereby"],
    reason: archaic,
    instead: "so, by this, in it",
  },
  {
    words: ["upon", "unto", "whilst", "amongst", "lest"],
    reason: archaic,
    instead: "on, to, while, among, so that not",
  },
  { words: ["hearken", "whosoever", "whatsoever", "nought", "forthwith"], reason: archaic, instead: "the common word" },
  { words: ["told"], reason: "hides what is sent to whom", instead: "gets, reports, shows; or the name of the value" },
  { words: ["hear of", "hears of", "heard of"], reason: "hides what is read", instead: "see, or report" },
  { words: ["asked by"], reason: "not the field's word", instead: "requested by" },
  { words: ["is no home", "are no home"], reason: riddle, instead: "not a Home Manager generation" },
  { words: ["is denied", "are denied"], reason: riddle, instead: "sandboxing, unit by unit" },
  { words: ["so that who", "who works on"], reason: riddle, instead: "people who" },
  { words: ["swallow", "swallows", "swallowed"], reason: riddle, instead: "ignore or consume" },
  { words: ["spoil", "spoils", "spoilt", "spoiled"], reason: riddle, instead: "corrupt or malformed" },
  { words: ["sick", "sickness", "ill"], reason: "of people, not machines", instead: "unhealthy, or health error" },
  { words: ["suffer", "suffers", "suffered"], reason: "of people, not machines", instead: "runFault, or meets" },
  { words: ["blow", "blows", "strike", "strikes"], reason: oldName, instead: "interruption, inject" },
  { words: ["ward", "wards", "bed", "beds"], reason: oldName, instead: "VmPool, Lease" },
  { words: ["take in", "takes in", "took in", "taken in"], reason: riddle, instead: "apply" },
  {
    words: ["complain", "complains", "complaint", "complaints"],
    reason: oldName,
    instead: "error, message or violation",
  },
  { words: ["goOn", "letGo", "putOff"], reason: oldName, instead: "resume, revertProfile, defer" },
  { words: ["lookAt", "deployKeyKeys"], reason: oldName, instead: "readExisting, deployKeySchema" },
];

export interface BannedUse {
  line: number;
  found: string;
  word: BannedWord;
}

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

/** A word on its own or as part of a name in camel or snake case; a phrase also where a line of a comment ends within it. */
function formsOf(word: string): string {
  const phrase = (text: string) => text.split(" ").join("\\s+(?:(?:\\*|#|//|>)\\s+)?");
  const own = `(?<![A-Za-z])(?:${phrase(word)}|${phrase(capital(word))})(?![${word.includes(" ") ? "A-Z" : ""}a-z])`;
  return word.includes(" ") ? own : `${own}|(?<=[a-z])${capital(word)}(?![a-z])`;
}

/** The first word of each form is looked for first: a plain search is many times faster than the expression. */
const searched = bannedWords.flatMap((word) =>
  word.words.map((form) => ({
    word,
    first: (form.split(" ")[0] ?? form).toLowerCase(),
    forms: new RegExp(formsOf(form), "g"),
  })),
);

/** Every use of a banned word in a text, in the order of its lines. Pure. */
export function findBannedWords(text: string): BannedUse[] {
  const lower = text.toLowerCase();
  return searched
    .filter(({ first }) => lower.includes(first))
    .flatMap(({ word, forms }) =>
      [...text.matchAll(forms)].map((match) => ({
        line: text.slice(0, match.index).split("\n").length,
        found: match[0].replace(/\s+(?:(?:\*|#|\/\/|>)\s+)?/g, " "),
        word,
      })),
    )
    .sort((one, other) => one.line - other.line);
}

/** `docs/x.md:3: "anew" is archaic; write: again`. */
export function bannedUseText(file: string, { line, found, word }: BannedUse): string {
  return `${file}:${line}: "${found}" (${word.reason}); write: ${word.instead}`;
}
