/** What an agent may meet, as texts and answers: mostly what is right, and everything that can go wrong with it. */
import fc from "fast-check";
import { parseObject } from "../../../rules/text/json";
import type { Answer } from "../../../rules/metadata";

const digit = (text: string) => text.repeat(40);
/** Revisions; the agents know only the first three. */
export const [A, B, C, D] = [digit("a"), digit("b"), digit("c"), digit("d")];
const digest = "0".repeat(64);
export const origin = "git://x/y";

/** What a system's agent decides from, before anything of it is read. */
export interface SystemSituation {
  /** Undefined where no server answers at all. */
  answers: { attributes: Answer; name: Answer; instance: Answer } | undefined;
  google: boolean;
  joined: boolean;
  state: string;
  hold: string;
  trial: string;
  settings: string;
  current: string;
  profile: string;
  boot: string;
  force: boolean;
  right: "head" | "approved";
  wanted: string;
  head: string | undefined;
  descends: boolean | undefined;
}

export const often = <T>(usual: fc.Arbitrary<T>, weight: number, rare: fc.Arbitrary<T>) =>
  fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: rare });
export const revision = fc.constantFrom(A, B, C);
export const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
export const sometimes = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
/** A value of a type that a field does not have. */
const nonsense = fc.constantFrom<unknown>(7, true, "", "main", [], {}, { url: {} }, ["x"], "latest", null);

/** An object in which, rarely, one field is something else, is gone or is new. */
export function malformed(usual: fc.Arbitrary<object>, weight = 30): fc.Arbitrary<object> {
  return often(
    usual,
    weight,
    fc.tuple(usual, fc.nat(), nonsense, fc.constantFrom("other", "gone", "new")).map(([object, which, value, how]) => {
      const names = Object.keys(object);
      const name = how === "new" ? "freeze" : (names[which % Math.max(names.length, 1)] ?? "freeze");
      const rest = Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));
      return how === "gone" ? rest : { ...object, [name]: value };
    }),
  );
}

/** JSON that, rarely, is cut short or is none. */
export function text(value: fc.Arbitrary<object>, weight = 60): fc.Arbitrary<string> {
  const whole = value.map((one) => JSON.stringify(one));
  return often(
    whole,
    weight,
    fc.oneof(
      fc.tuple(whole, fc.nat()).map(([one, length]) => one.slice(0, length % (one.length + 1))),
      fc.constantFrom("", "null", "[]", "7", '"x"', "{"),
    ),
  );
}

const repository = often(fc.constant(origin), 8, fc.constant("git://x/other"));
export const home = malformed(
  fc
    .record({
      user: fc.constantFrom("eve", "bob", "constructor", "__proto__"),
      attribute: fc.constantFrom("eve", "bob"),
      repository: sometimes(fc.constantFrom("git://x/home", "git://x/other")),
      branch: sometimes(fc.constantFrom("main", "next")),
    })
    .map(withoutUndefined),
  200,
);
const homes = fc.array(home, { maxLength: 3 });
const homeRevisions = fc.dictionary(
  fc.constantFrom("git://x/home#main", "git://x/other#main", "git://x/home#next"),
  fc.record({ revision, lock: fc.constant(digest) }),
  { maxKeys: 2 },
);

const instance = malformed(
  fc
    .record({
      contract: sometimes(fc.constantFrom(1, 2)),
      fleet: often(fc.constant("devs"), 40, fc.constant("others")),
      stack: fc.constant("dev"),
      host: often(fc.constant("dev-alice"), 8, fc.constant("dev-bob")),
      wave: often(optional(fc.constant("rest")), 10, fc.constantFrom("canary", "constructor")),
      repository,
      branch: often(fc.constant("main"), 8, fc.constant("next")),
      directory: fc.constant("/etc/nixos"),
      follow: fc.constantFrom("branch", "approved"),
      knownHosts: sometimes(fc.constant("x ssh-ed25519 AAAA")),
      homes,
    })
    .map(withoutUndefined),
  60,
);

const approval = malformed(
  fc
    .record({
      revision,
      lock: fc.constant(digest),
      repository: sometimes(repository),
      branch: sometimes(often(fc.constant("main"), 8, fc.constant("next"))),
      homes: sometimes(homeRevisions),
      manifest: sometimes(fc.constant({ url: "https://x/m", sha256: digest })),
      urgent: sometimes(fc.boolean()),
    })
    .map(withoutUndefined),
  60,
);

const longText = fc.constantFrom("demo", "", "x".repeat(400), "it's\nbroken");
const hold = malformed(
  fc
    .record({
      scope: often(
        fc.constantFrom("fleet", "wave:rest", "wave:canary", "vm:dev-alice", "vm:dev-bob"),
        20,
        fc.constantFrom("zone:a", "wave:"),
      ),
      revision: sometimes(revision),
      by: fc.constantFrom("ann", "the gate"),
      why: longText,
      at: fc.constant("2026-01-01T00:00:00Z"),
    })
    .map(withoutUndefined),
  60,
);
const control = malformed(
  fc
    .record({
      holds: fc.oneof(
        { weight: 4, arbitrary: fc.constant([]) },
        { weight: 1, arbitrary: fc.array(hold, { maxLength: 2 }) },
      ),
      pins: fc.dictionary(fc.constantFrom("dev-alice", "dev-bob", "constructor"), revision, { maxKeys: 1 }),
      instead: fc.dictionary(
        fc.constantFrom("rest", "canary"),
        fc.dictionary(revision, fc.oneof(revision, fc.constant("previous")), { maxKeys: 1 }),
        { maxKeys: 1 },
      ),
      retry: fc.array(revision, { maxLength: 1 }),
    })
    .map((one) => one as object),
  40,
);

/** One time in four all waves agree, so that no rollout is open. */
const approvals = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.dictionary(fc.constantFrom("canary", "rest", "last", "constructor"), text(approval), { maxKeys: 3 }),
  },
  { weight: 2, arbitrary: text(approval).map((one) => ({ canary: one, rest: one })) },
  { weight: 3, arbitrary: text(approval).map((one) => ({ rest: one })) },
);

const prefix = "nixos-fleet--devs--dev--";
const attributes = fc.tuple(approvals, fc.option(text(control), { nil: undefined, freq: 2 })).map(([waves, item]) => ({
  "ssh-keys": "x",
  ...Object.fromEntries(Object.entries(waves).map(([wave, value]) => [prefix + wave, value])),
  ...(item === undefined ? {} : { [`${prefix}--control`]: item }),
}));

/** An answer that, rarely, is another status, no answer, or part of one. */
function answer(body: fc.Arbitrary<string>, weight = 100): fc.Arbitrary<Answer> {
  const whole = body.map((one): Answer => ({ status: 200, body: one }));
  return often(
    whole,
    weight,
    fc.oneof(
      fc.constantFrom<Answer>({ status: 503, body: "" }, { status: 429, body: "slow down" }, { status: 500, body: "" }),
      fc.constantFrom<Answer>({ status: 404, body: "not found" }, { status: 200, body: "" }),
      fc
        .tuple(body, fc.nat())
        .map(([one, length]): Answer => ({ status: 200, body: one.slice(0, length % (one.length + 1)) })),
    ),
  );
}

const answers = fc.record({
  attributes: answer(attributes.map((one) => JSON.stringify(one))),
  name: answer(fc.constant("dev-alice"), 200),
  instance: fc.oneof(
    { weight: 20, arbitrary: answer(text(instance)) },
    { weight: 1, arbitrary: fc.constant<Answer>({ status: 404, body: "" }) },
  ),
});

const time = fc.constant("2026-01-01T00:00:00Z");
const paths = fc.constantFrom("/nix/store/a", "/nix/store/b");
const refusal = malformed(
  fc
    .record({
      revision,
      repository: sometimes(repository),
      attribute: sometimes(fc.constantFrom("dev-alice", "dev-bob", "eve")),
      stage: fc.constantFrom("build", "switch", "health"),
      error: fc.constantFrom("boom", "it's\nbad"),
      rolledBack: fc.boolean(),
      at: time,
    })
    .map(withoutUndefined),
  60,
);
export const state = malformed(
  fc
    .record({
      revision: often(revision, 8, fc.constant("")),
      repository: sometimes(repository),
      attribute: sometimes(often(fc.constantFrom("dev-alice", "eve"), 10, fc.constant("dev-bob"))),
      lock: fc.constant("l"),
      deployed: fc.constant("/nix/store/a"),
      previous: optional(revision),
      approved: optional(revision),
      succeeded: often(time, 60, fc.constant("yesterday")),
      outcome: fc.constantFrom("unchanged", "updated", "failed"),
      at: time,
      refused: fc.oneof(
        { weight: 2, arbitrary: fc.constant([]) },
        { weight: 1, arbitrary: fc.array(refusal, { maxLength: 2 }) },
      ),
    })
    .map(withoutUndefined),
  60,
);
export const localHold = fc.oneof(
  { weight: 20, arbitrary: fc.constant("") },
  { weight: 1, arbitrary: fc.constantFrom('{"by":"ann","why":"demo"}', "{}", "{", '{"by":"","why":7}') },
);
const settings = fc.oneof(
  { weight: 2, arbitrary: fc.constant("") },
  {
    weight: 2,
    arbitrary: text(
      fc
        .record({
          repository: sometimes(repository),
          host: sometimes(fc.constantFrom("dev-alice", "laptop")),
          branch: sometimes(fc.constantFrom("main", "next")),
          metricsDirectory: sometimes(fc.constant("/var/lib/m")),
        })
        .map(withoutUndefined),
    ),
  },
);

const anySituation: fc.Arbitrary<SystemSituation> = fc.record({
  answers: often<SystemSituation["answers"]>(answers, 30, fc.constant(undefined)),
  google: fc.boolean(),
  joined: fc.boolean(),
  state: fc.oneof({ weight: 10, arbitrary: text(state) }, { weight: 1, arbitrary: fc.constant("") }),
  hold: localHold,
  trial: fc.constantFrom("", "", "", '{"mode":"boot","path":"/nix/store/a","boot":"now"}', "{"),
  settings,
  current: often(fc.constant("/nix/store/a"), 6, paths),
  profile: often(fc.constant("/nix/store/a"), 6, paths),
  boot: often(fc.constant("now"), 10, fc.constant("later")),
  force: often(fc.constant(false), 10, fc.constant(true)),
  right: fc.constantFrom("head", "head", "approved"),
  wanted: often(fc.constant(""), 30, revision),
  head: often<string | undefined>(fc.constantFrom(A, B, C, D), 9, fc.constant(undefined)),
  descends: optional(fc.boolean()),
});

/** Half of them have acted on what their wave is approved for, which then is nothing new. */
export const systemSituation = fc
  .tuple(anySituation, fc.boolean())
  .map(([situation, settled]) => (settled ? afterApproval(situation) : situation));

function afterApproval(situation: SystemSituation): SystemSituation {
  const { wave } = parseObject(situation.answers?.instance?.body ?? "") ?? {};
  const item = parseObject(situation.answers?.attributes?.body ?? "")?.[prefix + String(wave)];
  const approved = parseObject(typeof item === "string" ? item : "")?.["revision"];
  const state = parseObject(situation.state);
  return state === undefined || approved === undefined
    ? situation
    : { ...situation, state: JSON.stringify({ ...state, approved }) };
}

export function withoutUndefined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined));
}
