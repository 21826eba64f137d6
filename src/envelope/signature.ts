/** Signs for one agent with Ed25519. */
export interface Signer {
  readonly agent: string;
  /** 64 bytes. */
  sign(message: Uint8Array): Uint8Array;
}

/**
 * When a key must hold: at a moment, milliseconds since the Unix epoch, or `ever`, by which also keys count that have
 * ended or are revoked. That is for records that outlive their keys, never for what comes in.
 */
export type KeyMoment = number | "ever";

/** Knows the public keys of agents. */
export interface SignatureVerifier {
  /** Whether one of the agent's keys that hold at a moment made the signature. */
  verifySignature(agent: string, message: Uint8Array, sig: Uint8Array, at: KeyMoment): boolean;
}
