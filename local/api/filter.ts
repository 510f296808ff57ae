import { ApiError } from "./errors";
import { isObject } from "../../rules/text/json";

/**
 * Compute's list filters: `labels.team=web AND (status!=RUNNING OR name:dev*)`, adjacent comparisons meaning AND, the older
 * `name eq "dev-.*"` (a regular expression that must match all of the value), NOT and `-`.
 */
type Predicate = (resource: unknown) => boolean;

type Token = { text: string; quoted: boolean };

/** @throws ApiError 400 if the text is not a filter. */
export function parseFilter(filter: string): Predicate {
  const tokens = tokenize(filter);
  if (tokens.length === 0) {
    return () => true;
  }
  const parser = new Parser(tokens, filter);
  return parser.all();
}

function tokenize(filter: string): Token[] {
  const tokens: Token[] = [];
  const pattern = /\s+|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(!=|<=|>=|[()=<>:])|([^\s"'()=<>:!]+)/gy;
  while (pattern.lastIndex < filter.length) {
    const match = pattern.exec(filter);
    if (match === null) {
      throw unreadable(filter);
    }
    const quoted = match[1] ?? match[2];
    if (quoted !== undefined) {
      tokens.push({ text: quoted.replaceAll(/\\(.)/g, "$1"), quoted: true });
    } else if (match[3] !== undefined || match[4] !== undefined) {
      tokens.push({ text: match[0], quoted: false });
    }
  }
  return tokens;
}

class Parser {
  private at = 0;

  constructor(
    private readonly tokens: Token[],
    private readonly filter: string,
  ) {}

  all(): Predicate {
    const predicate = this.disjunction();
    if (this.at < this.tokens.length) {
      throw unreadable(this.filter);
    }
    return predicate;
  }

  private disjunction(): Predicate {
    const parts = [this.conjunction()];
    while (this.take("OR")) {
      parts.push(this.conjunction());
    }
    return (resource) => parts.some((part) => part(resource));
  }

  private conjunction(): Predicate {
    const parts = [this.term()];
    while (this.take("AND") || this.startsTerm()) {
      parts.push(this.term());
    }
    return (resource) => parts.every((part) => part(resource));
  }

  private term(): Predicate {
    if (this.take("NOT") || this.take("-")) {
      const negated = this.term();
      return (resource) => !negated(resource);
    }
    if (this.take("(")) {
      const inner = this.disjunction();
      if (!this.take(")")) {
        throw unreadable(this.filter);
      }
      return inner;
    }
    return this.comparison();
  }

  private comparison(): Predicate {
    const [field, operator, value] = [this.next(), this.next(), this.next()];
    const compare = comparisons[operator.text];
    if (compare === undefined || operator.quoted) {
      throw unreadable(this.filter);
    }
    const negated = !field.quoted && field.text.startsWith("-");
    const path = (negated ? field.text.slice(1) : field.text).split(".");
    return (resource) => compare(lookUp(resource, path), value.text) !== negated;
  }

  private startsTerm(): boolean {
    const token = this.tokens[this.at];
    return token !== undefined && (token.quoted || ![")", "OR"].includes(token.text));
  }

  private take(text: string): boolean {
    const token = this.tokens[this.at];
    if (token === undefined || token.quoted || token.text !== text) {
      return false;
    }
    this.at += 1;
    return true;
  }

  private next(): Token {
    const token = this.tokens[this.at++];
    if (token === undefined) {
      throw unreadable(this.filter);
    }
    return token;
  }
}

const comparisons: Record<string, (actual: string | undefined, wanted: string) => boolean> = {
  "=": equals,
  "!=": (actual, wanted) => !equals(actual, wanted),
  eq: matches,
  ne: (actual, wanted) => !matches(actual, wanted),
  ":": has,
  "<": (actual, wanted) => order(actual, wanted) < 0,
  "<=": (actual, wanted) => order(actual, wanted) <= 0,
  ">": (actual, wanted) => order(actual, wanted) > 0,
  ">=": (actual, wanted) => order(actual, wanted) >= 0,
};

function equals(actual: string | undefined, wanted: string): boolean {
  return actual !== undefined && wildcard(wanted).test(actual);
}

/** `key:*` tests whether there is any value. Other patterns test whether a value has the text as a word or, with `*`, matches it. */
function has(actual: string | undefined, wanted: string): boolean {
  if (actual === undefined) {
    return false;
  }
  return wanted.includes("*") ? wildcard(wanted).test(actual) : actual.toLowerCase().includes(wanted.toLowerCase());
}

function matches(actual: string | undefined, wanted: string): boolean {
  try {
    return actual !== undefined && new RegExp(`^(?:${wanted})$`).test(actual);
  } catch {
    throw unreadable(wanted);
  }
}

function order(actual: string | undefined, wanted: string): number {
  if (actual === undefined) {
    return Number.NaN;
  }
  const numbers = Number(actual) - Number(wanted);
  return Number.isNaN(numbers) ? actual.localeCompare(wanted) : numbers;
}

function wildcard(text: string): RegExp {
  return new RegExp(`^${text.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`, "s");
}

function lookUp(resource: unknown, path: string[]): string | undefined {
  let value = resource;
  for (const part of path) {
    value = isObject(value) ? value[part] : undefined;
  }
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : undefined;
}

function unreadable(filter: string): ApiError {
  return new ApiError(400, "invalid", `Invalid value for field 'filter': '${filter}'. Invalid list filter expression.`);
}
