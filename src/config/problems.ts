import type { z } from "zod";
import { nearest } from "../core/nearest.ts";

type Issue = z.core.$ZodIssue;

/** The schema below a path, through defaults and options. */
function schemaAt(schema: unknown, path: readonly PropertyKey[]): unknown {
  let current = unwrap(schema);
  for (const key of path) {
    const shape = (current as { shape?: Record<PropertyKey, unknown> } | undefined)?.shape;
    current = unwrap(shape?.[key]);
  }
  return current;
}

function unwrap(schema: unknown): unknown {
  let current = schema as { def?: { innerType?: unknown } } | undefined;
  while (current?.def?.innerType) current = current.def.innerType as typeof current;
  return current;
}

const typeTexts: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
};

/** What the branches of a union ask for: its words, where it has some. */
function unionText(branches: readonly (readonly Issue[])[]): string {
  const issues = branches.flat();
  const words = issues.flatMap((issue) => (issue.code === "invalid_value" ? issue.values.map(String) : []));
  if (words.length > 0) return `must be one of ${words.join(", ")}`;
  const types = issues.flatMap((issue) => (issue.code === "invalid_type" ? [typeTexts[issue.expected]] : []));
  return types.length > 0 ? `must be ${types.filter(Boolean).join(" or ")}` : "is not what is expected here";
}

/** What is wrong with a value, in our words. */
function issueText(issue: Issue): string {
  switch (issue.code) {
    case "too_small":
      if (issue.origin === "string" || issue.origin === "array") return "must not be empty";
      return `must be ${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}`;
    case "too_big":
      return `must be ${issue.inclusive === false ? "less than" : "at most"} ${issue.maximum}`;
    case "invalid_type":
      return `must be ${typeTexts[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
    case "invalid_union":
      return unionText(issue.errors);
    default:
      return issue.message;
  }
}

/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  /** Dotted. */
  readonly path: string;
  /** The path and what is wrong with it. */
  readonly text: string;
}

/**
 * Each problem of a parse: the path, what is wrong, and the nearest name that is known. `variableOf` names the variable
 * of the environment that a path came from, if it did.
 */
export function describeProblems(
  error: z.ZodError,
  schema: z.ZodType,
  variableOf: (path: string) => string | undefined,
): ConfigProblem[] {
  const named = (path: string) => {
    const variable = variableOf(path);
    return variable === undefined ? path : `${path} (${variable})`;
  };
  return error.issues.flatMap((issue) => {
    const path = issue.path.map(String).join(".");
    if (issue.code !== "unrecognized_keys") {
      // a part of a list comes from where the list came from
      const setting = issue.path.filter((key) => typeof key === "string").join(".");
      const at = setting === path ? named(path) : `${path}${named(setting).slice(setting.length)}`;
      return [{ path: setting, text: `${at || "the whole"} ${issueText(issue)}` }];
    }
    const shape = (schemaAt(schema, issue.path) as { shape?: Record<string, unknown> } | undefined)?.shape ?? {};
    return issue.keys.map((key) => {
      const meant = nearest(key, Object.keys(shape));
      const where = path ? `${path}.${key}` : key;
      return { path: where, text: `${named(where)} is unknown${meant ? `; did you mean ${meant}?` : ""}` };
    });
  });
}
