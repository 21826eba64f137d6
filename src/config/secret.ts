import { inspect } from "node:util";
import { z } from "zod";

/** What is printed in place of a secret. */
const mask = "********";

/** A password or the like: readable by who asks for it, and a mask wherever it is printed, logged or serialized. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The secret itself, for the one place that needs it. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return mask;
  }

  toJSON(): string {
    return mask;
  }

  [inspect.custom](): string {
    return mask;
  }
}

/** The schema of a secret text. What `config show` prints in its place is refused: a mask never becomes a secret. */
export function secretText(): z.ZodType<Secret> {
  return z.union([z.instanceof(Secret), z.string().min(1)]).transform((value, context) => {
    if (value instanceof Secret) return value;
    if (value !== mask) return new Secret(value);
    context.addIssue({ code: "custom", message: "is the mask of a secret, not the secret" });
    return z.NEVER;
  });
}

/** A plain copy of a configuration, secrets masked. */
export function maskSecrets(value: unknown): unknown {
  if (value instanceof Secret) return mask;
  if (Array.isArray(value)) return value.map(maskSecrets);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, maskSecrets(inner)]));
}
