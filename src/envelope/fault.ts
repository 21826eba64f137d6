/** Why an envelope is refused: the ack codes of class "this record" that its bytes alone can earn. */
export type EnvelopeFault = "too_large" | "non_canonical" | "undecodable" | "missing";

/** The answer of a parser that refuses: the ack's code, and one line for a person (no outside text in it). */
export interface Refused {
  readonly ok: false;
  readonly fault: EnvelopeFault;
  readonly reason: string;
}

/** A parser's refusal. */
export function refuse(fault: EnvelopeFault, reason: string): Refused {
  return { ok: false, fault, reason };
}
