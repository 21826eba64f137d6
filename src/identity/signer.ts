import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { isAgentName } from "../core/agent-name.ts";
import { AmoskysError } from "../core/errors.ts";
import { readPrivateFile } from "./private-file.ts";

/** Length of a seed, and of a public key, in bytes (RFC 8032, section 5.1.5). */
export const seedBytes = 32;

/** PKCS #8 of an Ed25519 key up to the seed itself (RFC 8410, section 7). */
const pkcs8Prefix = Buffer.from("302e020100300506032b657004220420", "hex");

/** Signs for one agent; the private key never leaves it. */
export interface AgentSigner {
  readonly agent: string;
  /** Raw Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The 64-byte Ed25519 signature of the message (RFC 8032, pure). */
  sign(message: Uint8Array): Uint8Array;
}

export interface LoadSignerOptions {
  /** `NAME.ed25519`: the raw seed of 32 bytes. */
  readonly seedPath: string;
  readonly agent: string;
  /** Lets the file's group read it (Kubernetes secrets with an fsGroup); default false. */
  readonly allowGroupRead?: boolean;
}

/** A signer over a seed of 32 bytes. Throws `identity_invalid` for another length or no name of an agent. */
export function createSigner(agent: string, seed: Uint8Array): AgentSigner {
  if (!isAgentName(agent)) {
    throw new AmoskysError("identity_invalid", "the name of the signing agent must match [A-Za-z0-9._-]{1,64}");
  }
  if (seed.length !== seedBytes) {
    throw new AmoskysError("identity_invalid", `a signing seed is ${seedBytes} bytes, this one is ${seed.length}`);
  }
  const pkcs8 = Buffer.concat([pkcs8Prefix, seed]);
  const key: KeyObject = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  pkcs8.fill(0);
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return {
    agent,
    publicKey: new Uint8Array(spki.subarray(spki.length - seedBytes)),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  };
}

/**
 * Loads the signing key of an agent. Throws `identity_invalid` where the file is missing, is not exactly a seed, or
 * could have been read or replaced by others.
 */
export function loadSigner(options: LoadSignerOptions): AgentSigner {
  const seed = readPrivateFile(options.seedPath, {
    bytesMax: seedBytes,
    ...(options.allowGroupRead === undefined ? {} : { allowGroupRead: options.allowGroupRead }),
  });
  try {
    return createSigner(options.agent, seed);
  } catch (caught) {
    const { message } = AmoskysError.from(caught);
    throw new AmoskysError("identity_invalid", `${options.seedPath}: ${message}`, {
      hint: `amoskys certs check`,
      cause: caught,
    });
  } finally {
    seed.fill(0);
  }
}
