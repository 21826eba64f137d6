import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ethernet, icmp, ipv4, ipv6, tcp, udp } from "../../packet/build-frame.ts";
import { runCapture, TestEngine } from "./run-engine.ts";

const corpora = process.env.AMOSKYS_CORPORA;
if (corpora === undefined) process.stderr.write("AMOSKYS_CORPORA is not set: the Community ID baseline is left out\n");

function idOf(frame: Uint8Array): string | undefined {
  const t = new TestEngine();
  t.feed(1, frame);
  return t.all()[0]?.communityId;
}

describe("Community ID", () => {
  // from the specification's README and baseline
  test("is the specification's for TCP, UDP, ICMP and ICMPv6, in both directions", () => {
    const [a, b] = ["128.232.110.120", "66.35.250.204"];
    const tcpFlow = "1:LQU9qZlK+B5F3KDmev6m5PMibrg=";
    const there = ipv4({ protocol: 6, src: a, dst: b }, tcp(34_855, 80, { flags: 16 }));
    const back = ipv4({ protocol: 6, src: b, dst: a }, tcp(80, 34_855, { flags: 16 }));
    expect([idOf(ethernet(0x0800, there)), idOf(ethernet(0x0800, back))]).toEqual([tcpFlow, tcpFlow]);
    const dns = ipv4({ protocol: 17, src: "192.168.1.52", dst: "8.8.8.8" }, udp(54_585, 53));
    expect(idOf(ethernet(0x0800, dns))).toBe("1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
    const ping = ipv4({ protocol: 1, src: "192.168.0.89", dst: "192.168.0.1" }, icmp(8, 0));
    const pong = ipv4({ protocol: 1, src: "192.168.0.1", dst: "192.168.0.89" }, icmp(0, 0));
    const echo = "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=";
    expect([idOf(ethernet(0x0800, ping)), idOf(ethernet(0x0800, pong))]).toEqual([echo, echo]);
    const exceeded = ipv4({ protocol: 1, src: "10.0.0.1", dst: "10.0.0.2" }, icmp(11, 0));
    expect(idOf(ethernet(0x0800, exceeded))).toBe("1:YHxtAirCG//0OzkcVAukqKQN9xM=");
    const [c, d] = ["fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea"];
    const solicit = ipv6({ next: 58, src: c, dst: d }, icmp(135, 0));
    const advert = ipv6({ next: 58, src: d, dst: c }, icmp(136, 0));
    const neighbour = "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=";
    expect([idOf(ethernet(0x86dd, solicit)), idOf(ethernet(0x86dd, advert))]).toEqual([neighbour, neighbour]);
  });

  test("leaves ports out for other protocols", () => {
    const rsvp = ipv4({ protocol: 46, src: "10.1.12.1", dst: "10.1.12.2" }, new Uint8Array(8));
    expect(idOf(ethernet(0x0800, rsvp))).toBe("1:KHlLkgoJW7ifUTyTSgyVfkFHzKw=");
  });
});

interface BaselineRow {
  readonly proto: number;
  readonly saddr: string;
  readonly daddr: string;
  readonly sport: number | null;
  readonly dport: number | null;
  readonly communityid: string;
}

describe.skipIf(corpora === undefined)("Community ID baseline", () => {
  const root = join(corpora ?? "", "community-id");
  const rows: BaselineRow[] =
    corpora === undefined ? [] : JSON.parse(readFileSync(join(root, "baseline_deflt.json"), "utf8"));

  /** A packet of the row; the baseline gives ICMP as type and the type that answers it, or the code. */
  function frameOf({ proto, saddr, daddr, sport, dport }: BaselineRow): Uint8Array {
    const [s, d] = [sport ?? 0, dport ?? 0];
    const transport = proto === 6 ? tcp(s, d, { flags: 16 }) : proto === 1 || proto === 58 ? icmp(s, d) : udp(s, d);
    if (!saddr.includes(":")) return ethernet(0x0800, ipv4({ protocol: proto, src: saddr, dst: daddr }, transport));
    return ethernet(0x86dd, ipv6({ next: proto, src: saddr, dst: daddr }, transport));
  }

  test("agrees on every row", () => {
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.map((row) => idOf(frameOf(row)))).toEqual(rows.map((row) => row.communityid));
  });

  test("agrees on the captures", () => {
    const known = new Set(rows.map((row) => row.communityid));
    for (const name of readdirSync(join(root, "pcaps"))) {
      const { flows } = runCapture(readFileSync(join(root, "pcaps", name)));
      expect(flows.length).toBeGreaterThan(0);
      for (const flow of flows) expect(known.has(flow.communityId)).toBe(true);
    }
  });
});
