import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import nacl from "tweetnacl";
import type { SignatureVerifier, Signer } from "../../src/envelope/index.ts";

function privateKey(seed: Uint8Array): KeyObject {
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
}

/** Signs with the runtime's Ed25519. */
export function createTestSigner(agent: string, seed: Uint8Array): Signer {
  const key = privateKey(seed);
  return { agent, sign: (message) => new Uint8Array(sign(null, message, key)) };
}

/** Knows one agent by its seed; verifies with the runtime's Ed25519. */
export function createTestVerifier(agent: string, seed: Uint8Array): SignatureVerifier {
  const key = createPublicKey(privateKey(seed));
  return { verifySignature: (name, message, sig) => name === agent && verify(null, message, key, sig) };
}

/** Knows one agent by its public key; verifies with tweetnacl. */
export function createIndependentVerifier(agent: string, publicKey: Uint8Array): SignatureVerifier {
  return {
    verifySignature: (name, message, sig) =>
      name === agent && sig.length === 64 && nacl.sign.detached.verify(message, sig, publicKey),
  };
}
