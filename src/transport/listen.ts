import type { Server } from "node:net";
import { AmoskysError, errnoOf } from "../core/errors.ts";
import { findPortHolder } from "./port-holder.ts";

function listenError(caught: unknown, host: string, port: number): AmoskysError {
  const where = `${host}:${port}`;
  const details = { host, port };
  switch (errnoOf(caught)) {
    case "EADDRINUSE": {
      const holder = findPortHolder(port);
      const by = holder ? ` by ${holder.command} (pid ${holder.pid})` : "";
      return new AmoskysError("port_in_use", `Cannot listen on ${where}: the port is in use${by}`, {
        hint: "stop what holds it, or choose another one (eventbus.port, or bus serve --port)",
        cause: caught,
        details: { ...details, holder },
      });
    }
    case "EACCES":
    case "EPERM":
      return new AmoskysError("privilege_missing", `Cannot listen on ${where}: ports below 1024 need a privilege`, {
        hint: "choose another one (eventbus.port, or bus serve --port), or give the process CAP_NET_BIND_SERVICE",
        cause: caught,
        details,
      });
    default: {
      const why = caught instanceof Error ? caught.message : String(caught);
      return new AmoskysError("config_invalid", `Cannot listen on ${where}: ${why}`, {
        hint: "amoskys config show --origin",
        cause: caught,
        details,
      });
    }
  }
}

/**
 * Listens, alone (no SO_REUSEPORT), and answers the port. Throws `port_in_use` with the holder in its details,
 * `privilege_missing`, or `config_invalid` where the host is not an address of this one.
 */
export function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (caught: unknown) => reject(listenError(caught, host, port));
    server.once("error", failed);
    server.listen({ host, port, exclusive: true }, () => {
      server.off("error", failed);
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : port);
    });
  });
}
