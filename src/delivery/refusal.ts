import { AmoskysError } from "../core/errors.ts";
import { printable } from "../core/escape.ts";

function add(agent: string): string {
  return `amoskys trust add ${agent} --key certs/${agent}.ed25519.pub (where the bus runs)`;
}

/** `trust add` refuses a name that is there. */
function addAnew(agent: string): string {
  return `amoskys trust remove ${agent}, then: ${add(agent)}`;
}

/** How to mend what the bus has against an identity, by the code of its answer. */
const hintOfCode: Readonly<Record<string, (agent: string) => string>> = {
  unknown_agent: add,
  unknown_key: addAnew,
  bad_signature: addAnew,
  revoked: (agent) => `amoskys trust list (where the bus runs), then amoskys certs gen ${agent}`,
  expired: () => "amoskys certs check",
  not_permitted: addAnew,
};

/** The error that an answer of class identity amounts to. */
export function identityRefused(agent: string, code: string, reason: string): AmoskysError {
  const why = reason === "" ? code : `${code}: ${printable(reason).slice(0, 200)}`;
  const hint = Object.hasOwn(hintOfCode, code) ? hintOfCode[code]?.(agent) : undefined;
  return new AmoskysError("identity_refused", `The bus refuses the identity ${agent} (${why})`, {
    hint: hint ?? "amoskys certs check",
    details: { code },
  });
}

/** The error that an answer of class wait amounts to. */
export function askedToWait(code: string, reason: string): AmoskysError {
  const why = reason === "" ? code : `${code}: ${printable(reason).slice(0, 200)}`;
  return new AmoskysError("unreachable", `The bus asks to wait (${why})`, { details: { code } });
}
