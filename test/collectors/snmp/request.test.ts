import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { encodeRequest } from "../../../src/collectors/snmp/request.ts";
import { element, integer, octets, oid, parseRequest, sequence } from "../../support/ber-writer.ts";

const pduTags = { get: 0xa0, getNext: 0xa1, getBulk: 0xa5 } as const;

describe("encodeRequest", () => {
  test("is byte for byte what the tests' own writer makes of it, and says what was asked", () => {
    const part = fc.oneof(fc.nat(300), fc.constantFrom(16_383, 16_384, 2 ** 31, 2 ** 32 - 1));
    const name = fc.array(part, { minLength: 1, maxLength: 30 }).map((parts) => ["1.3", ...parts].join("."));
    const request = fc.record({
      version: fc.constantFrom(0 as const, 1 as const),
      community: fc.uint8Array({ maxLength: 200 }),
      pdu: fc.constantFrom("get" as const, "getNext" as const, "getBulk" as const),
      id: fc.oneof(fc.nat(2 ** 31 - 1), fc.constantFrom(0, 127, 128, 255, 256, 32_767, 32_768, 2 ** 31 - 1)),
      oids: fc.array(name, { maxLength: 30 }),
      repetitions: fc.nat(200),
    });
    fc.assert(
      fc.property(request, (asked) => {
        const { version, community, pdu, id, oids, repetitions } = asked;
        const list = sequence(...oids.map((text) => sequence(oid(text), element(5))));
        const body = element(pduTags[pdu], integer(id), integer(0), integer(repetitions), list);
        const bytes = encodeRequest(asked);
        const expected = sequence(integer(version), octets(community), body);
        expect(Buffer.compare(bytes, expected)).toBe(0);
        expect(parseRequest(bytes)).toMatchObject({ pdu: pduTags[pdu], requestId: id, repetitions, oids });
      }),
    );
  });
});
