import type { z } from "zod";
import { nearest } from "../core/nearest.ts";

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

/** Each problem of a parse as one line: the path, what is wrong, and the nearest name that is known. */
export function describeProblems(error: z.ZodError, schema: z.ZodType): string[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map(String).join(".");
    if (issue.code !== "unrecognized_keys") return [`${path || "the whole"}: ${issue.message}`];
    const shape = (schemaAt(schema, issue.path) as { shape?: Record<string, unknown> } | undefined)?.shape ?? {};
    return issue.keys.map((key) => {
      const meant = nearest(key, Object.keys(shape));
      const where = path ? `${path}.${key}` : key;
      return `${where} is unknown${meant ? `; did you mean ${meant}?` : ""}`;
    });
  });
}
