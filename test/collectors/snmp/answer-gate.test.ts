import { afterEach, describe, expect, spyOn, test } from "bun:test";
import { AnswerGate } from "../../../src/collectors/snmp/answer-gate.ts";
import { encodeRequest } from "../../../src/collectors/snmp/request.ts";
import { openSession } from "../../../src/collectors/snmp/session.ts";
import { Secret } from "../../../src/config/index.ts";
import { octets, response } from "../../support/ber-writer.ts";
import { HostileAgent } from "./hostile-agent.ts";

const community = "s3cret-community";
const sysDescr = "1.3.6.1.2.1.1.1.0";
const open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

/** Sockets of the next gates are real ones, whose kernel has no room as long as `isFull`. */
function fullSockets(): { isFull: boolean; drain(): void } {
  const real = Bun.udpSocket.bind(Bun);
  const kernel = { isFull: true, drain: () => {} };
  const opening = spyOn(Bun, "udpSocket").mockImplementation((async (options: Bun.udp.SocketOptions<"buffer">) => {
    const socket = await real(options);
    // what the runtime calls when there is room again
    kernel.drain = () => void options.socket?.drain?.(socket);
    const send = socket.send.bind(socket);
    socket.send = (...datagram: Parameters<typeof send>) => !kernel.isFull && send(...datagram);
    return socket;
  }) as typeof Bun.udpSocket);
  open.push({ close: () => opening.mockRestore() });
  return kernel;
}

async function answering(): Promise<HostileAgent> {
  const agent = await HostileAgent.open(({ requestId }) => [
    response(community, requestId, [{ oid: sysDescr, value: octets("a device") }]),
  ]);
  open.push(agent);
  return agent;
}

async function ask(port: number, retries: number, timeoutMs = 60) {
  const access = { version: "2c", community: new Secret(community) } as const;
  const session = await openSession({ address: "127.0.0.1", family: 4, port, access, timeoutMs, retries });
  open.push(session);
  return session.get([sysDescr]);
}

describe("a question that the kernel has no room for", () => {
  test("goes when there is room again, before its time is over", async () => {
    const kernel = fullSockets();
    const agent = await answering();
    const asked = ask(agent.port, 0, 5000);
    await Bun.sleep(10);
    expect(agent.requests).toBe(0);
    kernel.isFull = false;
    kernel.drain();
    expect(await asked).toHaveLength(1);
    expect(agent.requests).toBe(1);
  });

  test("goes with the next try", async () => {
    const kernel = fullSockets();
    const asked = ask((await answering()).port, 1);
    setTimeout(() => {
      kernel.isFull = false;
    }, 20);
    expect(await asked).toHaveLength(1);
  });

  test("and never goes, is a fault of this host and not the device's", async () => {
    fullSockets();
    const agent = await answering();
    const caught = await ask(agent.port, 1).catch((error: unknown) => error);
    expect(caught).toMatchObject({ code: "unreachable", details: { errno: "ENOBUFS" } });
    expect(agent.requests).toBe(0);
  });

  test("is forgotten with its question", async () => {
    fullSockets();
    const options = { address: "127.0.0.1", family: 4, port: 9, version: 1, flags: 0 } as const;
    const gate = await AnswerGate.open({ ...options, community: Buffer.from(community), onDiscard() {} });
    open.push(gate);
    gate.send(encodeRequest({ pdu: "get", oids: [sysDescr], version: 1, community: Buffer.from(community), id: 7 }), 7);
    expect(gate.isUnsent).toBe(true);
    gate.forget(7);
    expect(gate.isUnsent).toBe(false);
  });
});
