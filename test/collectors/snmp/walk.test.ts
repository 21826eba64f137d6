import { describe, expect, test } from "bun:test";
import { ReadingBudget } from "../../../src/collectors/snmp/reading-budget.ts";
import { openSession } from "../../../src/collectors/snmp/session.ts";
import { numberOf } from "../../../src/collectors/snmp/values.ts";
import { type WalkedColumns, type WalkOptions, walkColumns } from "../../../src/collectors/snmp/walk.ts";
import { Secret } from "../../../src/config/index.ts";
import { type EncodedVarbind, element, integer, type ParsedRequest, response } from "../../support/ber-writer.ts";
import { HostileAgent } from "./hostile-agent.ts";

const column = "1.3.6.1.2.1.2.2.1.10";
const endOfMibView = element(0x82);

interface Walked extends WalkedColumns {
  readonly requests: number;
}

/** Walks columns of an agent that answers each GETBULK with what `next` says follows. */
async function walk(
  answer: (request: ParsedRequest) => Uint8Array,
  {
    columns = [column],
    rowsMax = 100,
    repetitions = 10,
    budget = new ReadingBudget(1).open(),
  }: Partial<WalkOptions> & { columns?: string[] } = {},
): Promise<Walked> {
  const agent = await HostileAgent.open((request) => [answer(request)]);
  const session = await openSession({
    address: "127.0.0.1",
    family: 4,
    port: agent.port,
    access: { version: "2c", community: new Secret("public") },
    timeoutMs: 60,
    retries: 0,
  });
  try {
    const found = await walkColumns(session, columns, { rowsMax, repetitions, budget });
    return { ...found, requests: agent.requests };
  } finally {
    session.close();
    agent.close();
  }
}

const answers = ({ community, requestId }: ParsedRequest, varbinds: readonly EncodedVarbind[]) =>
  response(community, requestId, varbinds);

const indexOf = (oid: string) => Number(oid.split(".").at(-1));

/** An agent that has `rows` rows in the column; without a number, endlessly many. */
function table(rows = Infinity) {
  return (request: ParsedRequest) => {
    const asked = request.oids[0] as string;
    let row = asked === column ? 0 : indexOf(asked);
    const found: EncodedVarbind[] = [];
    for (let i = 0; i < request.repetitions; i += 1) {
      row += 1;
      if (row > rows) found.push({ oid: `${column}.${rows}`, value: endOfMibView });
      else found.push({ oid: `${column}.${row}`, value: integer(row * 7, 65) });
    }
    return answers(request, found);
  };
}

describe("a walk", () => {
  test("reads a column to its end", async () => {
    const { columns, failure, isCut, requests } = await walk(table(25));
    expect(failure).toBeUndefined();
    expect(isCut).toBe(false);
    expect([...(columns.get(column) ?? [])].map(([index, value]) => [index, numberOf(value)])).toEqual(
      Array.from({ length: 25 }, (_, i) => [String(i + 1), (i + 1) * 7]),
    );
    expect(requests).toBe(3);
  });

  test("ends where the column ends and another begins", async () => {
    const { columns, failure } = await walk((request) =>
      answers(request, [
        { oid: `${column}.1`, value: integer(1) },
        { oid: "1.3.6.1.2.1.2.2.1.11.1", value: integer(2) },
      ]),
    );
    expect(failure).toBeUndefined();
    expect([...(columns.get(column) ?? []).keys()]).toEqual(["1"]);
  });

  test("a table without end is cut at the limit, in as many packets as that takes", async () => {
    const { columns, isCut, failure, requests } = await walk(table(), { rowsMax: 95 });
    expect(columns.get(column)?.size).toBe(95);
    expect([isCut, failure]).toEqual([true, undefined]);
    expect(requests).toBe(10);
  });

  test.each([
    ["stays at one OID", () => `${column}.5`],
    ["goes back", (asked: string) => `${column}.${asked === column ? 5 : 4}`],
    ["goes back in numbers that grow as text", (asked: string) => `${column}.${asked === column ? 10 : 9}`],
    ["begins before the question", () => "1.3.6.1.2.1.1.1.0"],
    ["answers with the column itself", () => column],
  ])("an agent that %s: an error that names the OID, after one more packet at most", async (_what, next) => {
    const { failure, requests } = await walk((request) =>
      answers(request, [{ oid: next(request.oids[0] as string), value: integer(1) }]),
    );
    expect(failure).toMatchObject({ code: "answer_invalid", details: { oid: column } });
    expect(failure?.message).toContain("do not increase");
    expect(failure?.message).toContain(column);
    expect(requests).toBeLessThanOrEqual(2);
  });

  test("what was read before the failure is kept, and other columns are whole", async () => {
    // more columns than one packet takes: the second packet's worth is not touched by the first one's failure
    const columns = Array.from({ length: 6 }, (_, i) => `1.3.6.1.9.${i + 1}`);
    const { columns: found, failure } = await walk(
      (request) => {
        const isBad = request.oids[0]?.startsWith(columns[0] as string);
        return answers(
          request,
          request.oids.map((oid) => {
            const [parent, index] = columns.includes(oid) ? [oid, 1] : [oid.slice(0, oid.lastIndexOf(".")), 2];
            if (index === 2) return { oid: isBad ? `${parent}.1` : oid, value: isBad ? integer(1) : endOfMibView };
            return { oid: `${parent}.1`, value: integer(1) };
          }),
        );
      },
      { columns },
    );
    expect(failure?.code).toBe("answer_invalid");
    expect(columns.map((name) => found.get(name)?.size)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  test("asks for less where the answer would be too big, down to one", async () => {
    const asked: number[] = [];
    const whole = table(3);
    const { columns, failure } = await walk((request) => {
      asked.push(request.repetitions);
      if (request.repetitions > 1) return response(request.community, request.requestId, [], { errorStatus: 1 });
      return whole(request);
    });
    expect(failure).toBeUndefined();
    expect(columns.get(column)?.size).toBe(3);
    expect(asked.slice(0, 5)).toEqual([10, 5, 3, 2, 1]);
  });

  test("an answer with more rows than were asked for is refused", async () => {
    const generous = (request: ParsedRequest) => table()({ ...request, repetitions: request.repetitions + 1 });
    const { failure, columns, requests } = await walk(generous);
    expect(failure).toMatchObject({ code: "answer_invalid" });
    expect(failure?.message).toContain("it has 11 rows in place of 10");
    expect([columns.get(column)?.size, requests]).toEqual([0, 1]);
  });

  test("a table beyond the budget of its device ends there, and what was read is kept", async () => {
    const budget = { take: (bytes: number) => large(bytes), close() {} };
    const whole = new ReadingBudget(1).open();
    const large = (bytes: number) => whole.take(bytes + (1 << 20));
    const { failure, columns } = await walk(table(), { budget });
    whole.close();
    expect(failure?.message).toBe("Its tables have more than 16 MiB: the rest is not read");
    expect(columns.get(column)?.size).toBe(15);
  });

  test("an agent that finds one row too big, or answers nothing, ends the walk", async () => {
    const tooBig = await walk((request) => response(request.community, request.requestId, [], { errorStatus: 1 }));
    expect(tooBig.failure?.message).toContain(`refuses ${column}: error status 1`);
    expect(tooBig.requests).toBe(5);
    const empty = await walk((request) => answers(request, []));
    expect(empty.failure?.message).toBe(`An empty answer in a walk of ${column}`);
    expect(empty.requests).toBe(1);
  });
});
