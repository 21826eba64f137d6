import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { encodePublishTree, sealGroup } from "../../src/envelope/index.ts";
import { BusHome } from "../roles/bus-process.ts";
import { amoskys, executable } from "../support/amoskys.ts";
import { flowBody } from "../support/test-bus.ts";

let home: BusHome;

beforeAll(async () => {
  home = await new BusHome([executable]).prepare();
});

afterAll(() => home.remove());

describe("amoskys bus", () => {
  test("help says what there is, with examples and exit statuses", async () => {
    const { status, stdout } = await amoskys(["bus", "serve", "--help"]);
    expect(status).toBe(0);
    for (const part of ["--host", "--port", "--overload", "Example:", "Exit status:"]) expect(stdout).toContain(part);
  });

  test.each([
    [["bus", "serve", "--port", "99999"], "65535"],
    [["bus", "serve", "--port", "http"], "65535"],
    [["bus", "serve", "--overload", "atuo"], "Allowed choices are on, off, auto"],
    [["bus", "sevre"], "serve"],
  ])("%p is a mistake: exit status 2", async (args, text) => {
    const { status, stdout, stderr } = await amoskys(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain(text);
  });

  test("status without a bus says that it cannot be reached", async () => {
    const { status, stderr } = await home.run(["bus", "status"]);
    expect(status).toBe(13);
    expect(stderr).toContain("Try:");
  });

  test("status of a running bus is a page for people, or one JSON document", async () => {
    const { port } = await home.start();
    const client = home.connect(port as number);
    const leaves = Array.from({ length: 5 }, (_, i) => ({ tsNs: 1n, body: flowBody(i) }));
    const input = { epoch: "00000000000000ab", firstSequence: 1, prevSig: new Uint8Array(), leaves };
    await client.publishTree(encodePublishTree(sealGroup(input, home.signer())));
    const page = await home.run(["bus", "status"]);
    expect(page).toMatchObject({ status: 0, stderr: "" });
    expect(page.stdout).toMatch(/^Bus localhost:\d+: HEALTHY, version \S+, up /);
    expect(page.stdout).toContain("5 events stored since the start");
    expect(page.stdout).toMatch(/^certificate_validity +HEALTHY +the server certificate ends /m);
    expect(page.stdout).not.toContain("\u001b");
    const json = await home.run(["bus", "status", "--json"]);
    expect(json.status).toBe(0);
    expect(JSON.parse(json.stdout)).toMatchObject({
      address: `localhost:${port}`,
      health: { overallStatus: "HEALTHY", componentHealth: { disk_space: { status: "HEALTHY" } } },
      status: { schema: 1, totalEventsProcessed: "5", serviceMetrics: { records: "5" } },
    });
    expect((await home.end("SIGTERM")).status).toBe(0);
  });

  test("status as an operator that is trusted no more is refused with 12", async () => {
    await home.start();
    writeFileSync(home.paths.trustMap, "agents: {}\n");
    await Bun.sleep(1500);
    const { status, stderr } = await home.run(["bus", "status"]);
    expect(status).toBe(12);
    expect(stderr).toContain("Try:");
    await home.end("SIGTERM");
  }, 20_000);
});
