import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readMessage } from "../../../src/collectors/snmp/snmp-message.ts";
import { element, integer, octets, response, sequence } from "../../support/ber-writer.ts";

const answer = response("public", 77, [
  { oid: "1.3.6.1.2.1.1.1.0", value: octets("a device") },
  { oid: "1.3.6.1.2.1.1.3.0", value: integer(5_000_000, 67) },
]);

const security = octets(
  sequence(octets("engine"), integer(3), integer(4), octets("user"), octets("0123456789ab"), octets("saltsalt")),
);

function secured(flags: number, body: Uint8Array): Buffer {
  return sequence(
    integer(3),
    sequence(integer(9), integer(65_507), octets(Uint8Array.of(flags)), integer(3)),
    security,
    body,
  );
}

describe("readMessage", () => {
  test("reads the frame of v2c, and leaves what a datagram has beyond it", () => {
    const reading = readMessage(Buffer.concat([answer, Buffer.from("rest")]));
    expect(reading).toMatchObject({
      ok: true,
      message: { version: 1, id: 77, pdu: { tag: 0xa2 }, end: answer.length },
    });
  });

  test("reads the frame of v3, with the PDU where it is not encrypted", () => {
    const report = element(0xa8, integer(1), integer(0), integer(0), sequence());
    const plain = secured(0, sequence(octets("engine"), octets(""), report));
    expect(readMessage(plain)).toMatchObject({
      ok: true,
      message: { version: 3, id: 9, pdu: { tag: 0xa8 }, flags: 0 },
    });
    const encrypted = secured(3, octets("bytes without a meaning"));
    expect(readMessage(encrypted)).toMatchObject({
      ok: true,
      message: { version: 3, id: 9, pdu: undefined, flags: 3 },
    });
  });

  test("every truncation is a fault with its place", () => {
    for (let length = 0; length < answer.length; length += 1) {
      const reading = readMessage(answer.subarray(0, length));
      expect(reading).toMatchObject({ ok: false, reason: expect.any(String) });
      if (!reading.ok) expect(reading.offset).toBeLessThanOrEqual(length);
    }
  });

  test("every length that is one off is a fault", () => {
    // places of the length bytes of all constructed elements, found by walking down the first of each
    const places = [1];
    const list = answer.indexOf(Buffer.from([0x30]), 2);
    places.push(answer.indexOf(Buffer.from([0xa2])) + 1, list + 1, list + 3, list + 5);
    for (const at of places) {
      for (const off of [-1, 1]) {
        const copy = Buffer.from(answer);
        copy[at] = (copy[at] as number) + off;
        expect(readMessage(copy).ok).toBe(false);
      }
    }
  });

  test("every OID is read as it was written", () => {
    const part = fc.oneof(fc.nat(300), fc.constantFrom(16_383, 16_384, 2 ** 31, 2 ** 32 - 1));
    const oids = fc.array(part, { maxLength: 20 }).map((parts) => ["1.3", ...parts].join("."));
    fc.assert(
      fc.property(fc.array(oids, { maxLength: 5 }), (names) => {
        const varbinds = names.map((oid) => ({ oid, value: integer(1) }));
        const reading = readMessage(response("public", 1, varbinds));
        expect(reading.ok && reading.message.pdu?.varbinds.map(({ oid }) => oid)).toEqual(names);
      }),
    );
  });

  test("any bytes: an answer, and no exception", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(typeof readMessage(bytes).ok).toBe("boolean");
      }),
      { numRuns: 2000 },
    );
  });

  test("any change of a byte: an answer whose end lies in the datagram", () => {
    fc.assert(
      fc.property(fc.nat(answer.length - 1), fc.nat(255), (at, value) => {
        const copy = Buffer.from(answer);
        copy[at] = value;
        const reading = readMessage(copy);
        if (reading.ok) expect(reading.message.end).toBeLessThanOrEqual(copy.length);
      }),
      { numRuns: 2000 },
    );
  });
});
