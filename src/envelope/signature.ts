/** Signs for one agent with Ed25519. */
export interface Signer {
  readonly agent: string;
  /** 64 bytes. */
  sign(message: Uint8Array): Uint8Array;
}

/** Knows the public keys of agents. */
export interface SignatureVerifier {
  /** Whether one of the agent's keys that are valid at `atMs` (default: now) made the signature. */
  verifySignature(agent: string, message: Uint8Array, sig: Uint8Array, atMs?: number): boolean;
}
