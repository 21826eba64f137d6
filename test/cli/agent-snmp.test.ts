import { afterAll, describe, expect, test } from "bun:test";
import { createSocket, type Socket } from "node:dgram";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { amoskys } from "../support/amoskys.ts";
import { SnmprecResponder } from "../support/snmprec-responder.ts";

const home = mkdtempSync(join(tmpdir(), "amoskys-agent-snmp-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

function configure(text: string): void {
  mkdirSync(join(home, "config"), { recursive: true });
  writeFileSync(join(home, "config/amoskys.yaml"), text);
}

const secrets = ["c0mmunity-one", "auth-password-two", "priv-password-three", "c0mmunity-four"];
const [one, two, three, four] = secrets;

describe("amoskys agent snmp", () => {
  test("--print --once: one line of JSON for each device", async () => {
    writeFileSync(
      join(home, "r.snmprec"),
      "1.3.6.1.2.1.1.3.0|67|100\n1.3.6.1.2.1.1.5.0|4|edge\n1.3.6.1.2.1.2.2.1.2.7|4|eth7\n",
    );
    const responder = await SnmprecResponder.open(join(home, "r.snmprec"));
    // the file of the first generation lies in the home, and the command runs elsewhere
    writeFileSync(
      join(home, "devices.yaml"),
      `devices: [{name: old, host: 127.0.0.1, port: ${responder.port}, community: public, version: "2c"}]`,
    );
    configure(
      `snmp: {devices_file: devices.yaml, devices: [{host: 127.0.0.1, port: ${responder.port}, community: ${one}}]}`,
    );
    try {
      const { status, stdout, stderr } = await amoskys(["--home", home, "agent", "snmp", "--print", "--once"]);
      expect([status, stderr]).toEqual([0, ""]);
      const lines = stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as { kind: string; event: { deviceId: string } });
      expect(lines.map(({ kind, event }) => `${kind} ${event.deviceId}`).toSorted()).toEqual([
        "device edge",
        "device old",
      ]);
      expect(stdout).toContain('"eth7"');
    } finally {
      responder.close();
    }
  });

  test("devices that are silent, refuse or lie: one line each with what to do, and the good one is whole", async () => {
    writeFileSync(join(home, "good.snmprec"), "1.3.6.1.2.1.1.3.0|67|100\n1.3.6.1.2.1.1.5.0|4|good\n");
    const good = await SnmprecResponder.open(join(home, "good.snmprec"));
    const liar = createSocket("udp4");
    liar.on("message", (bytes, { port, address }) => liar.send(bytes.subarray(0, 20), port, address));
    const silent = createSocket("udp4");
    const ports = await Promise.all([liar, silent].map((socket) => boundPort(socket)));
    const closed = await boundPort(createSocket("udp4"), true);
    const devices = [good.port, ...ports, closed].map((port, i) => {
      const name = ["good", "liar", "silent", "closed"][i];
      return `{name: ${name}, host: 127.0.0.1, port: ${port}, community: public}`;
    });
    configure(`snmp: {profile: minimal, timeout_s: 0.3, retries: 1, devices: [${devices.join(", ")}]}`);
    try {
      const { status, stdout, stderr } = await amoskys(["--home", home, "agent", "snmp", "--print", "--once"]);
      expect(status).toBe(0);
      const states = stdout
        .trimEnd()
        .split("\n")
        .map(
          (line) => JSON.parse(line) as { event: { deviceId: string; events: { statusData?: { status: string } }[] } },
        )
        .map(({ event }) => `${event.deviceId} ${event.events[0]?.statusData?.status}`);
      expect(states.toSorted()).toEqual(["closed OFFLINE", "good ONLINE", "liar DEGRADED", "silent OFFLINE"]);
      const lines = stderr.trimEnd().split("\n");
      expect(lines).toHaveLength(3);
      expect(lines.find((line) => line.includes("snmp: liar:"))).toContain("its answer is not valid: a length beyond");
      expect(lines.find((line) => line.includes("snmp: silent:"))).toContain("check address, port and community");
      expect(lines.find((line) => line.includes("snmp: closed:"))).toContain("nothing listens on that port");
    } finally {
      good.close();
      liar.close();
      silent.close();
    }
  });

  test("nothing to poll: status 10, and what to set", async () => {
    configure("snmp: {}");
    const { status, stderr } = await amoskys(["--home", home, "agent", "snmp", "--print", "--once"]);
    expect(status).toBe(10);
    expect(stderr).toContain("There is no device to poll");
    expect(stderr).toContain("Try: set snmp.devices");
  });

  test("secrets print masked, in every form of config show", async () => {
    configure(`snmp:
  devices:
    - {host: a, community: ${one}}
    - {host: b, version: "3", user: {name: u, auth: sha, auth_password: ${two}, priv: aes, priv_password: ${three}}}
  discovery: {community: ${four}}
`);
    for (const flags of [[], ["--json"], ["--origin"], ["--origin", "--json"]]) {
      const { status, stdout, stderr } = await amoskys(["--home", home, "config", "show", ...flags]);
      expect([status, stderr]).toEqual([0, ""]);
      expect(secrets.filter((secret) => stdout.includes(secret))).toEqual([]);
      expect(stdout.split("********").length).toBe(secrets.length + 1);
    }
  });

  test("a secret from the environment stays text, whatever it looks like; what was masked is no secret", async () => {
    configure("snmp: {}");
    const environment = { AMOSKYS_SNMP__DISCOVERY__COMMUNITY: "007" };
    const shown = await amoskys(["--home", home, "config", "show", "--origin"], { environment });
    expect(shown.stdout).toContain('snmp.discovery.community: "********"  # AMOSKYS_SNMP__DISCOVERY__COMMUNITY');
    configure("snmp: {devices: [{host: a, community: '********'}]}");
    const { status, stderr } = await amoskys(["--home", home, "config", "show"]);
    expect(status).toBe(10);
    expect(stderr).toContain("snmp.devices.0.community is the mask of a secret, not the secret");
  });

  test("a wrong device is told by its path, without its secrets", async () => {
    configure(
      `snmp:
  devices:
    - {host: "a b", community: ${one}}
    - {host: b, version: 3, user: {name: u, auth: sha, auth_password: ${two}}, communty: ${four}}`,
    );
    const { status, stderr } = await amoskys(["--home", home, "config", "show"]);
    expect(status).toBe(10);
    expect(stderr).toContain("snmp.devices.0.host is no host name or address");
    expect(secrets.filter((secret) => stderr.includes(secret))).toEqual([]);
  });
});

/** Binds a socket to a free port of loopback; `closes` leaves the port to nobody. */
async function boundPort(socket: Socket, closes = false): Promise<number> {
  await new Promise<void>((ready) => socket.bind(0, "127.0.0.1", ready));
  const { port } = socket.address();
  if (closes) await new Promise<void>((closed) => socket.close(closed));
  return port;
}
