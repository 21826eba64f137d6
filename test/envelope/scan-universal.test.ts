import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type EnvelopeFacts,
  envelopeBytesMax,
  leafBytesMax,
  scanLeaf,
  scanStoredLeaf,
  scanUniversal,
  type UniversalScan,
  verifyStandalone,
} from "../../src/envelope/index.ts";
import { createTestVerifier } from "./keys.ts";
import { encode, long, madeEnvelope, universalType } from "./universal-arbitrary.ts";
import { fromHex, vectors } from "./vectors.ts";
import {
  bytesField,
  contentOf,
  insertField,
  joinFields,
  overlong,
  type RawField,
  rawField,
  splitFields,
  varint,
} from "./wire.ts";

const seeded = { seed: 20_261_121, numRuns: Number(process.env.AMOSKYS_LONG ? 9000 : 300) };
const verifier = createTestVerifier(vectors.agent, fromHex(vectors.seed));
const standalone = [...vectors.plain.map((vector) => vector.envelope), ...vectors.tree.envelopes_alone].map(fromHex);
const plainBytes = standalone[0] as Uint8Array;
const treeBytes = standalone[3] as Uint8Array;

function factsOf(scan: UniversalScan): EnvelopeFacts {
  if (!scan.ok) throw new Error(`${scan.fault}: ${scan.reason}`);
  return scan.facts;
}

function faultOf(scan: UniversalScan): string {
  return scan.ok ? "ok" : scan.fault;
}

/** Every field of the envelope that comes once, with its place. */
function singular(fields: readonly RawField[]): [RawField, number][] {
  return fields.flatMap((field, i): [RawField, number][] => (field.number === 13 ? [] : [[field, i]]));
}

/** All ways to write the same message in other bytes, by name. */
const reencodings: Readonly<Record<string, (fields: readonly RawField[]) => Uint8Array[]>> = {
  "another order": (fields) =>
    fields.slice(1).flatMap((field, i) => {
      const before = fields[i] as RawField;
      if (before.number === field.number) return [];
      return [joinFields([...fields.slice(0, i), field, before, ...fields.slice(i + 2)])];
    }),
  "an overlong tag": (fields) =>
    fields.map((field, i) => {
      const bytes = Buffer.concat([overlong(varint(field.number * 8 + field.wireType)), field.value]);
      return joinFields(fields.with(i, { ...field, bytes }));
    }),
  "an overlong varint or length": (fields) =>
    fields.flatMap((field, i) => {
      const size = field.value.findIndex((byte) => byte < 0x80) + 1;
      if (field.wireType === 1 || size === 10) return [];
      const value = Buffer.concat([overlong(field.value.subarray(0, size)), field.value.subarray(size)]);
      return [joinFields(fields.with(i, rawField(field.number, field.wireType, value)))];
    }),
  "a field twice": (fields) => singular(fields).map(([field, i]) => joinFields(fields.toSpliced(i, 0, field))),
  "a default value": (fields) => {
    const missing = (number: number) => !fields.some((field) => field.number === number);
    return [
      ...[9, 11, 12, 14].filter(missing).map((number) => bytesField(number, new Uint8Array())),
      ...[15, 16, 17, 106].filter(missing).map((number) => rawField(number, 0, Uint8Array.of(0))),
    ].map((field) => joinFields(insertField(fields, field)));
  },
  "another wire type": (fields) =>
    singular(fields).map(([field, i]) => {
      const other =
        field.wireType === 2
          ? rawField(field.number, 0, Uint8Array.of(1))
          : bytesField(field.number, new Uint8Array(field.value));
      return joinFields(fields.with(i, other));
    }),
};

describe("scanUniversal and envelopes of another protobuf implementation", () => {
  test("what protobufjs writes is canonical and gives the facts it was made of", () => {
    fc.assert(
      fc.property(madeEnvelope, (made) => {
        const bytes = encode(made);
        const facts = factsOf(scanUniversal(bytes));
        const { agent, epoch, sequence, tsNs, kind } = made;
        const payload = splitFields(bytes).find(({ number }) => [4, 5, 6, 7, 103, 105].includes(number));
        expect(facts).toMatchObject({ agent, epoch, sequence, tsNs, kind, version: "2" });
        expect(facts.key).toBe(made.message.idempotency_key as string);
        expect(facts.retryCount).toBe((made.message.retry_count as number | undefined) ?? 0);
        expect(facts.synthetic).toBe(made.message.is_synthetic === true);
        expect(facts.prevSig).toEqual((made.message.prev_sig as Uint8Array | undefined) ?? new Uint8Array());
        expect(facts.proof?.path.length).toBe((made.message.proof as { path: [] } | undefined)?.path.length);
        expect(Buffer.from(facts.payload).equals(contentOf(payload))).toBe(true);
        const { sig: _sig, proof: _proof, ...signed } = made.message;
        expect(facts.leafBytes()).toEqual(new Uint8Array(universalType.encode(signed).finish()));
        expect(scanStoredLeaf(facts.leafBytes()).ok).toBe(true);
      }),
      seeded,
    );
  });

  for (const [name, reencode] of Object.entries(reencodings)) {
    test(`the same message with ${name} is non_canonical`, () => {
      fc.assert(
        fc.property(madeEnvelope, (made) => {
          for (const bytes of reencode(splitFields(encode(made))))
            expect(faultOf(scanUniversal(bytes))).toBe("non_canonical");
        }),
        { ...seeded, numRuns: Math.ceil(seeded.numRuns / 3) },
      );
      for (const vector of standalone) {
        const all = reencode(splitFields(vector));
        expect(all.length).toBeGreaterThan(0);
        expect(all.map((bytes) => faultOf(scanUniversal(bytes)))).toEqual(all.map(() => "non_canonical"));
      }
    });
  }

  test("the unchanged fields, put together again, pass: the re-encodings fail for what they change", () => {
    for (const vector of standalone) expect(scanUniversal(joinFields(splitFields(vector))).ok).toBe(true);
  });

  test("a payload with its maps in another order is the agent's affair", () => {
    const device = (labels: Record<string, string>) => ({
      ...universalType.toObject(universalType.decode(plainBytes)),
      flow: undefined,
      device_telemetry: { metadata: { capabilities: labels } },
    });
    const one = universalType.encode(device({ a: "1", b: "2" })).finish();
    const other = universalType.encode(device({ b: "2", a: "1" })).finish();
    expect(Buffer.compare(one, other)).not.toBe(0);
    expect(scanUniversal(one).ok).toBe(true);
    expect(scanUniversal(other).ok).toBe(true);
  });

  test("unknown fields are kept and signed", () => {
    const fields = splitFields(plainBytes);
    for (const field of [
      bytesField(18, Buffer.from("later")),
      rawField(50, 0, varint(0)),
      rawField(99, 5, new Uint8Array(4)),
      rawField(2 ** 29 - 1, 1, new Uint8Array(8)),
    ]) {
      const bytes = joinFields(insertField(insertField(fields, field), field));
      const facts = factsOf(scanUniversal(bytes));
      expect(facts.leafBytes()).toEqual(joinFields(splitFields(bytes).filter(({ number }) => number !== 8)));
      expect(verifyStandalone(facts, verifier, "ever")).toBe(false);
    }
    expect(verifyStandalone(factsOf(scanUniversal(plainBytes)), verifier, "ever")).toBe(true);
  });
});

describe("scanUniversal", () => {
  const made = universalType.toObject(universalType.decode(plainBytes));
  const encodeWith = (changes: Record<string, unknown>) =>
    new Uint8Array(universalType.encode({ ...made, ...changes }).finish());
  const scanWith = (changes: Record<string, unknown>) => scanUniversal(encodeWith(changes));

  test("takes 131,072 bytes and not one more", () => {
    const fill = (length: number) => scanWith({ certificate_chain: "x".repeat(length) });
    const base = joinFields(splitFields(plainBytes)).length;
    const room = envelopeBytesMax - base - 4;
    expect(faultOf(fill(room))).toBe("ok");
    expect(fill(room)).toMatchObject({ ok: true });
    expect(faultOf(fill(room + 1))).toBe("too_large");
  });

  const cases: [name: string, changes: Record<string, unknown>, expected: string, extra?: RawField][] = [
    ["no payload", { flow: undefined }, "missing"],
    ["two payloads", { process: { pid: long(1n) } }, "non_canonical"],
    ["an empty payload", { flow: {} }, "ok"],
    ["no agent", { agent: undefined }, "non_canonical"],
    ["an agent that is no name", { agent: "../agent" }, "non_canonical"],
    ["no epoch", { epoch: undefined }, "non_canonical"],
    ["another epoch than the key's", { epoch: long(1n) }, "non_canonical"],
    ["another sequence than the key's", { sequence: long(2n) }, "non_canonical"],
    ["no sequence", { sequence: undefined }, "non_canonical"],
    ["a key in upper case", { idempotency_key: "0123456789ABCDEF.0000000000000001" }, "non_canonical"],
    ["a key without its zeros", { idempotency_key: "0123456789abcdef.1" }, "non_canonical"],
    ["the last sequence", lastSequence(2n ** 53n - 1n), "ok"],
    ["a sequence beyond it", lastSequence(2n ** 53n), "non_canonical"],
    ["the last stamp", { ts_ns: long(2n ** 63n - 1n) }, "ok"],
    ["a stamp beyond it", { ts_ns: long(2n ** 63n) }, "undecodable"],
    ["an unknown algorithm", { signing_algorithm: "ed25519-v3" }, "undecodable"],
    ["a proof on a plain envelope", { proof: { size: long(2n) } }, "non_canonical"],
    ["a tree's envelope without proof", { signing_algorithm: "ed25519-v2-tree" }, "non_canonical"],
    ["a loss record that ends before it begins", { flow: undefined, loss: loss(5n, 4n, 1n) }, "undecodable"],
    ["a loss record that counts too many", { flow: undefined, loss: loss(4n, 5n, 3n) }, "undecodable"],
    ["a loss record of none", { flow: undefined, loss: loss(4n, 5n, 0n) }, "undecodable"],
    ["a parked record without digest", { flow: undefined, parked: { sequence: long(1n) } }, "undecodable"],
    ["a retry_count beyond 32 bits", { retry_count: undefined }, "non_canonical", rawField(15, 0, varint(2n ** 32n))],
    ["a bool of 2", {}, "non_canonical", rawField(106, 0, Uint8Array.of(2))],
    ["the largest retry_count", {}, "ok", rawField(15, 0, varint(2n ** 32n - 1n))],
    ["a proof without a tree", proof({ size: long(1n), path: [] }), "undecodable"],
    ["a proof behind the last leaf", proof({ index: long(5n), size: long(5n) }), "undecodable"],
    ["a proof of too large a tree", proof({ size: long(513n) }), "undecodable"],
    ["a proof of half a hash", proof({ size: long(2n), path: [new Uint8Array(16)] }), "undecodable"],
    ["a proof that is too long", proof({ size: long(512n), path: hashes(10) }), "undecodable"],
    ["a proof of the largest tree", proof({ size: long(512n), path: hashes(9) }), "ok"],
    ["v2 fields under a legacy algorithm", { signing_algorithm: "Ed25519" }, "non_canonical"],
  ];
  for (const [name, changes, expected, extra] of cases) {
    test(`${name}: ${expected}`, () => {
      const fields = splitFields(encodeWith(changes));
      expect(faultOf(scanUniversal(joinFields(extra ? insertField(fields, extra) : fields)))).toBe(expected);
    });
  }

  function hashes(count: number): Uint8Array[] {
    return Array.from({ length: count }, () => new Uint8Array(32));
  }

  function proof(fields: Record<string, unknown>) {
    return { signing_algorithm: "ed25519-v2-tree", proof: fields };
  }

  function lastSequence(sequence: bigint) {
    return { sequence: long(sequence), idempotency_key: `${vectors.epoch}.${sequence.toString(16).padStart(16, "0")}` };
  }

  function loss(first: bigint, last: bigint, count: bigint) {
    return { first_sequence: long(first), last_sequence: long(last), count: long(count) };
  }

  test("text that is no UTF-8 is undecodable", () => {
    const fields = splitFields(plainBytes);
    for (const number of [1, 11, 12]) {
      const bytes = joinFields(
        insertField(
          fields.filter((f) => f.number !== number),
          bytesField(number, Uint8Array.of(0xff)),
        ),
      );
      expect(faultOf(scanUniversal(bytes))).toBe("undecodable");
    }
  });

  test("garbage gives a fault, never an exception", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const scan of [scanUniversal(bytes), scanLeaf(bytes), scanStoredLeaf(bytes)]) {
          if (!scan.ok) expect(["too_large", "non_canonical", "undecodable", "missing"]).toContain(scan.fault);
        }
      }),
      { ...seeded, numRuns: seeded.numRuns * 4 },
    );
  });
});

describe("scanUniversal and envelopes of earlier agents", () => {
  const message = {
    version: "v1",
    ts_ns: long(5n),
    idempotency_key: "run-1",
    process: { pid: long(7n) },
    sig: Buffer.alloc(64, 1),
  };
  const bytes = new Uint8Array(universalType.encode(message).finish());

  test.each([
    ["no signing_algorithm", bytes],
    ["Ed25519", new Uint8Array(universalType.encode({ ...message, signing_algorithm: "Ed25519" }).finish())],
    ["fields in another order", joinFields(splitFields(bytes).toReversed())],
    ["default values", joinFields(insertField(splitFields(bytes), rawField(15, 0, Uint8Array.of(0))))],
    ["an overlong varint", joinFields(splitFields(bytes).with(1, rawField(2, 0, Uint8Array.of(0x85, 0))))],
  ])("%s is read", (_name, legacy) => {
    const facts = factsOf(scanUniversal(legacy));
    expect(facts).toMatchObject({ key: "run-1", tsNs: 5n, kind: "process", agent: "", epoch: "", sequence: 0 });
  });

  test("keys that differ by a byte order mark stay two keys", () => {
    const marked = universalType.encode({ ...message, idempotency_key: "\ufeffrun-1" }).finish();
    expect(factsOf(scanUniversal(marked)).key).toBe("\ufeffrun-1");
  });

  test("an empty signature is none", () => {
    expect(factsOf(scanUniversal(universalType.encode({ ...message, sig: [] }).finish())).sig).toBeUndefined();
  });

  test("a field that comes twice is refused", () => {
    for (const field of splitFields(bytes)) {
      expect(faultOf(scanUniversal(joinFields([...splitFields(bytes), field])))).toBe("non_canonical");
    }
  });

  test("no payload is missing, and the reason says the word that old clients look for", () => {
    const scan = scanUniversal(universalType.encode({ version: "v1" }).finish());
    expect(scan).toMatchObject({ ok: false, fault: "missing", reason: expect.stringContaining("missing") });
  });
});

describe("scanLeaf", () => {
  const leaf = fromHex(vectors.tree.leaf_bytes[0] ?? "");

  test("takes leaves of trees only", () => {
    expect(scanLeaf(leaf).ok).toBe(true);
    expect(faultOf(scanLeaf(fromHex(vectors.plain[0]?.leaf_bytes ?? "")))).toBe("non_canonical");
    expect(scanStoredLeaf(fromHex(vectors.plain[0]?.leaf_bytes ?? "")).ok).toBe(true);
  });

  test("refuses a signature or a proof inside", () => {
    for (const number of [8, 104]) {
      const fields = splitFields(treeBytes).filter((field) => field.number !== number);
      expect(faultOf(scanLeaf(joinFields(fields)))).toBe("non_canonical");
    }
  });

  test("leaves room for signature and proof", () => {
    const fields = splitFields(leaf);
    const filled = (length: number) =>
      joinFields(insertField(fields, bytesField(11, new Uint8Array(length).fill(120))));
    const room = leafBytesMax - leaf.length - 4;
    expect(filled(room).length).toBe(leafBytesMax);
    expect(faultOf(scanLeaf(filled(room)))).toBe("ok");
    expect(faultOf(scanLeaf(filled(room + 1)))).toBe("too_large");
  });
});
