import { expect, test } from "bun:test";
import { connectedNetworks, isInAny } from "../../../src/collectors/scan/unplugged-networks.ts";

const head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";
const route = (destination: string, gateway: string, mask: string) =>
  `eth0\t${destination}\t${gateway}\t0001\t0\t0\t0\t${mask}\t0\t0\t0`;

test("connected networks alone: no default route, no route with a gateway, nothing that is no route", () => {
  const lines = [
    head,
    route("00000000", "0100630A", "00000000"),
    route("0000620A", "0100630A", "00FFFFFF"),
    route("0000630A", "00000000", "00FFFFFF"),
    route("00000000", "00000000", "00000000"),
    "eth0\tnothing",
    "",
  ];
  const networks = connectedNetworks(lines.join("\n"));
  expect(networks).toEqual([{ interface: "eth0", first: 0x0a630000n, last: 0x0a6300ffn }]);
  const isIn = (address: string) => isInAny(address, networks);
  expect(["10.99.0.0", "10.99.0.255", "10.98.255.255", "10.99.1.0", "::a63:1"].map(isIn)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});
