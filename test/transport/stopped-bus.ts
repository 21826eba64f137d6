// A bus in a process of its own, for tests that stop it with a signal. Prints its port; material comes as JSON.
import { systemClock } from "../../src/core/clock.ts";
import { silentObserver } from "../../src/core/observer.ts";
import { createBusServer, type TlsMaterial } from "../../src/transport/index.ts";

const server = createBusServer({
  host: "127.0.0.1",
  port: 0,
  tls: JSON.parse(await Bun.stdin.text()) as TlsMaterial,
  events: async () => new Uint8Array(),
  services: {
    getHealth: async () => ({ overallStatus: "HEALTHY" }),
    getStatus: async () => ({}),
    async *subscribe(_peer, _request, signal) {
      yield { id: 1n };
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
  },
  observer: silentObserver,
  clock: systemClock,
});
await server.start();
process.stdout.write(`${server.port}\n`);
