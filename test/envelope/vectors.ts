import vectors from "../fixtures/envelope-vectors.json" with { type: "json" };

/** The bytes behind a hexadecimal text. */
export function fromHex(text: string): Uint8Array {
  return Uint8Array.fromHex(text);
}

export { vectors };
