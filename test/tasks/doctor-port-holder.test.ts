import { describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import { findPortHolder, listeningInodes } from "../../src/tasks/doctor-port-holder.ts";

const row = (slot: number, local: string, state: string, inode: number) =>
  `  ${slot}: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0 100`;
const table = [
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
  row(0, "0100007F:1F90", "0A", 11111),
  row(1, "0100007F:1F90", "01", 22222),
  row(2, "00000000:0050", "0A", 33333),
].join("\n");

describe("doctor: port holder", () => {
  test("finds listeners of a port alone", () => {
    expect(listeningInodes(table, 8080)).toEqual(["11111"]);
    expect(listeningInodes(table, 80)).toEqual(["33333"]);
    expect(listeningInodes(table, 81)).toEqual([]);
  });

  test.each(["", "\n\n", "garbage", "0: :0050", "0: 00000000:0050 x 0A"])("finds none in %p", (text) => {
    expect(listeningInodes(text, 80)).toEqual([]);
  });

  test("finds this process by a port it listens on, over IPv4 and IPv6", async () => {
    for (const host of ["127.0.0.1", "::1"]) {
      const server = createServer();
      const failed = await new Promise<boolean>((resolve) => {
        server.once("error", () => resolve(true));
        server.listen({ host, port: 0 }, () => resolve(false));
      });
      if (failed) continue;
      const { port } = server.address() as { port: number };
      expect(findPortHolder(port)?.pid).toBe(process.pid);
      expect(findPortHolder(port)?.name).not.toBe("");
      await new Promise((resolve) => server.close(resolve));
      expect(findPortHolder(port)).toBeUndefined();
    }
  });
});
