import { parseYaml } from "../config/index.ts";
import { isAgentName } from "../core/agent-name.ts";
import { AmoskysError } from "../core/errors.ts";
import { printable } from "../core/escape.ts";
import { nearest } from "../core/nearest.ts";
import { type LegacyForm, legacyForms, type Permission, permissions, type Validity } from "./trust-map.ts";

/** A key as a trust map names it: by the file that holds it. */
export interface DeclaredKey extends Validity {
  readonly path: string;
}

/** An entry as the file says it, before any key file is read. */
export interface TrustDeclaration extends Validity {
  readonly name: string;
  readonly keys: readonly DeclaredKey[];
  readonly permissions: ReadonlySet<Permission>;
  readonly rateLimit: number | undefined;
  readonly legacy: LegacyForm | undefined;
}

type Node = Readonly<Record<string, unknown>>;

const times = ["not_before", "not_after", "revoked_at"] as const;
const keyFields = ["public_key_path", ...times];
const entryFields = [...keyFields, "keys", "permissions", "rate_limit", "legacy"];

/** RFC 3339 with a zone, or a day, which begins at midnight UTC. */
const time = /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:\d\d))?$/;

/** What is wrong with a document, gathered until all of it was looked at. */
export class TrustProblems {
  readonly #lines: string[] = [];
  readonly #shownMax = 10;

  add(path: string, why: string): void {
    this.#lines.push(`${printable(path)} ${why}`);
  }

  /** Throws one `identity_invalid` that names every problem; does nothing where there is none. */
  throwIfAny(file: string): void {
    const count = this.#lines.length;
    if (count === 0) return;
    const shown = this.#lines.slice(0, this.#shownMax).join("; ");
    const more = count > this.#shownMax ? `; and ${count - this.#shownMax} more` : "";
    throw new AmoskysError("identity_invalid", `${file}${count > 1 ? ` has ${count} problems` : ""}: ${shown}${more}`, {
      hint: `correct ${file}`,
      details: { problems: this.#lines },
    });
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a name may stand in a trust map: an agent's name, and none that every JavaScript object carries. */
export function isTrustName(name: string): boolean {
  return isAgentName(name) && !(name in Object.prototype);
}

/** Reads the declarations of one document. */
class DocumentReader {
  readonly problems = new TrustProblems();
  readonly #seen = new Set<unknown>();

  declarations(document: unknown): TrustDeclaration[] {
    if (!this.#node(document, "the document", ["agents"])) return [];
    const { agents } = document;
    if (!this.#node(agents, "agents")) return [];
    return Object.entries(agents).flatMap(([name, value]) => {
      if (isTrustName(name)) return [this.#entry(name, value, `agents.${name}`)];
      this.problems.add(`agents.${name.slice(0, 80)}`, "is no name of an agent ([A-Za-z0-9._-], at most 64)");
      return [];
    });
  }

  #entry(name: string, value: unknown, path: string): TrustDeclaration {
    const node: Node =
      typeof value === "string"
        ? { public_key_path: value }
        : this.#node(value, path, entryFields)
          ? value
          : { permissions: [] };
    const entry = {
      name,
      keys: this.#keys(node, path),
      permissions: this.#permissions(node.permissions, `${path}.permissions`),
      rateLimit: this.#rate(node.rate_limit, `${path}.rate_limit`),
      legacy: this.#oneOf(node.legacy, legacyForms, `${path}.legacy`),
      ...this.#validity(node, path),
    };
    if (entry.permissions.has("publish") && entry.keys.length === 0 && entry.legacy !== "unsigned") {
      this.problems.add(path, "may publish but names no key (public_key_path or keys)");
    }
    return entry;
  }

  #keys(node: Node, path: string): DeclaredKey[] {
    const { keys = [] } = node;
    const never = { notBeforeMs: undefined, notAfterMs: undefined, revokedAtMs: undefined };
    const declared: DeclaredKey[] = [];
    // dates of an entry with one key in the short form are the entry's own
    if (node.public_key_path !== undefined) {
      declared.push({ path: this.#path(node.public_key_path, `${path}.public_key_path`), ...never });
    }
    if (!Array.isArray(keys)) {
      this.problems.add(`${path}.keys`, "must be a list");
      return declared;
    }
    this.#once(keys, `${path}.keys`);
    for (const [index, key] of keys.entries()) {
      const at = `${path}.keys[${index}]`;
      if (typeof key === "string") declared.push({ path: this.#path(key, at), ...never });
      else if (this.#node(key, at, keyFields)) {
        const file = this.#path(key.public_key_path, `${at}.public_key_path`);
        declared.push({ path: file, ...this.#validity(key, at) });
      }
    }
    return declared;
  }

  #permissions(value: unknown, path: string): ReadonlySet<Permission> {
    if (value === undefined) return new Set(["publish"]);
    if (!Array.isArray(value)) {
      this.problems.add(path, `must be a list of ${permissions.join(", ")}`);
      return new Set();
    }
    this.#once(value, path);
    return new Set(value.flatMap((each, index) => this.#oneOf(each, permissions, `${path}[${index}]`) ?? []));
  }

  #rate(value: unknown, path: string): number | undefined {
    if (value === undefined) return undefined;
    if (typeof value !== "number" || !Number.isFinite(value) || value < 0) {
      this.problems.add(path, "must be a number of events a second, 0 for no limit");
      return undefined;
    }
    return value === 0 ? undefined : value;
  }

  #validity(node: Node, path: string): Validity {
    const [notBeforeMs, notAfterMs, revokedAtMs] = times.map((name) => this.#time(node[name], `${path}.${name}`));
    if (notBeforeMs !== undefined && notAfterMs !== undefined && notAfterMs < notBeforeMs) {
      this.problems.add(path, "ends (not_after) before it begins (not_before)");
    }
    return { notBeforeMs, notAfterMs, revokedAtMs };
  }

  #time(value: unknown, path: string): number | undefined {
    if (value === undefined) return undefined;
    const parts = typeof value === "string" ? time.exec(value) : undefined;
    const ms = parts ? Date.parse(value as string) : Number.NaN;
    // a day that its month does not have would be counted on into the next month
    const day = parts ? new Date(Date.UTC(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]))).getUTCDate() : 0;
    if (!Number.isNaN(ms) && day === Number(parts?.[3])) return ms;
    this.problems.add(path, "must be a time such as 2026-01-31T12:00:00Z");
    return undefined;
  }

  #path(value: unknown, path: string): string {
    if (typeof value === "string" && value.length > 0 && !value.includes("\0")) return value;
    this.problems.add(path, "must be the path of a public key file");
    return "";
  }

  #oneOf<T extends string>(value: unknown, known: readonly T[], path: string): T | undefined {
    if (value === undefined || known.includes(value as T)) return value as T | undefined;
    const meant = typeof value === "string" ? nearest(value, known) : undefined;
    this.problems.add(path, meant ? `is unknown; did you mean ${meant}?` : `must be one of ${known.join(", ")}`);
    return undefined;
  }

  /** Whether a value is a map, with no other keys than `known`. */
  #node(value: unknown, path: string, known?: readonly string[]): value is Node {
    if (!isNode(value)) {
      this.problems.add(path, "must be a map");
      return false;
    }
    this.#once(value, path);
    for (const key of known ? Object.keys(value) : []) {
      if (known?.includes(key)) continue;
      const meant = nearest(key, known ?? []);
      const at = known?.[0] === "agents" ? key : `${path}.${key}`;
      this.problems.add(at.slice(0, 200), `is unknown${meant ? `; did you mean ${meant}?` : ""}`);
    }
    return true;
  }

  /** An alias (`*name`) shows as one value in two places; a small file can say very much with them. */
  #once(value: unknown, path: string): void {
    if (this.#seen.has(value)) this.problems.add(path, "is a YAML alias, which a trust map may not use");
    this.#seen.add(value);
  }
}

/**
 * The entries that a trust map's text declares, in the old form (`NAME: path`), the newer one (`NAME: {public_key_path,
 * permissions, rate_limit}`) and ours. Throws `identity_invalid` with every problem at once; `file` names the text.
 */
export function parseTrustDocument(text: string, file: string): TrustDeclaration[] {
  let document: unknown;
  try {
    document = parseYaml(text, file);
  } catch (caught) {
    throw new AmoskysError("identity_invalid", AmoskysError.from(caught).message, {
      hint: `correct ${file}`,
      cause: caught,
    });
  }
  const reader = new DocumentReader();
  const declarations = reader.declarations(document);
  reader.problems.throwIfAny(file);
  return declarations;
}
