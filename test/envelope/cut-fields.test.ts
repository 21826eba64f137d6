import { describe, expect, test } from "bun:test";
import { keepFields } from "../../src/envelope/cut-fields.ts";
import { bytesField, joinFields } from "./wire.ts";

const fields = [1, 2, 3, 4, 5].map((number) => bytesField(number, new Uint8Array(number)));
const bytes = joinFields(fields);

describe("keepFields", () => {
  test.each([[[1, 2, 3, 4, 5]], [[2, 4]], [[1]], [[5]], [[3, 4]], [[]]])("keeps %p", (numbers) => {
    const kept = keepFields(bytes, (field) => numbers.includes(field));
    expect(kept).toEqual(joinFields(fields.filter(({ number }) => numbers.includes(number))));
  });

  test("copies nothing where all is kept", () => {
    expect(keepFields(bytes, () => true).buffer).toBe(bytes.buffer);
  });
});
