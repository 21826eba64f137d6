import type { BusAnswer, BusProbe } from "../collectors/bus/index.ts";
import type { BusClient } from "../transport/index.ts";

/** How the bus collector asks its bus: GetHealth and GetStatus over the agent's own mutual TLS. */
export function createBusProbe(client: BusClient, address: string): BusProbe {
  return {
    address,
    async ask(signal): Promise<BusAnswer> {
      const [health, status] = await Promise.all([client.getHealth(signal), client.getStatus(signal)]);
      return {
        overall: health.overallStatus,
        components: health.componentHealth,
        atMs: Number(health.timestampNs / 1_000_000n),
        version: status.serviceVersion,
        uptimeSeconds: Number(status.uptimeSeconds),
        connections: status.connectedDevices,
        eventsTotal: Number(status.totalEventsProcessed),
        load: status.currentLoad,
        figures: status.serviceMetrics,
      };
    },
  };
}
