import { createServer } from "node:net";
import type { BaseConfig } from "../config/index.ts";
import type { ErrorCode } from "../core/errors.ts";
import { errnoOf } from "../core/errors.ts";
import { findPortHolder } from "../transport/index.ts";
import { type DoctorCheck, makeCheck } from "./doctor-check.ts";

/** A role of this home that runs now. */
export interface RunningRole {
  readonly role: string;
  readonly pid: number;
}

/** A port that the configuration names. */
export interface NamedPort {
  /** The setting. */
  readonly setting: string;
  readonly host: string;
  readonly port: number;
  /** A role cannot run without it; others take another one. */
  readonly needed: boolean;
}

/** The ports of the roles that a home is to run; 0, which means any, is left out. */
export function configuredPorts(config: BaseConfig): NamedPort[] {
  const { eventbus, agent, observability, up } = config;
  const page = (setting: string, port: number | undefined): NamedPort[] =>
    port ? [{ setting, host: observability.host, port, needed: false }] : [];
  const bus: NamedPort[] = [
    ...(eventbus.port ? [{ setting: "eventbus.port", host: eventbus.host, port: eventbus.port, needed: true }] : []),
    ...page("eventbus.health_port", eventbus.health_port),
    ...page("eventbus.metrics_port_1", eventbus.metrics_port_1),
    ...page("eventbus.metrics_port_2", eventbus.metrics_port_2),
  ];
  const agents = [...page("agent.health_port", agent.health_port), ...page("agent.metrics_port", agent.metrics_port)];
  return [...(up.roles.includes("bus") ? bus : []), ...(up.roles.some((role) => role !== "bus") ? agents : [])];
}

/** The errno name that listening there ends with, or undefined where it works. Listens for a moment. */
export function tryListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error) => resolve(errnoOf(error) ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

interface PortTrouble {
  readonly text: string;
  readonly fatal: boolean;
  readonly code: ErrorCode;
  readonly hint: string;
}

function troubleOf(named: NamedPort, errno: string, running: readonly RunningRole[]): PortTrouble | undefined {
  const { setting, host, port, needed: fatal } = named;
  const hint = `another port in ${setting}`;
  if (errno === "EACCES") {
    const text = `${setting} ${port} takes CAP_NET_BIND_SERVICE`;
    return { text, fatal, code: "privilege_missing", hint: `sudo amoskys, or ${hint}` };
  }
  if (errno !== "EADDRINUSE") {
    return { text: `${setting}: ${host}:${port} cannot be had (${errno})`, fatal, code: "config_invalid", hint };
  }
  const holder = findPortHolder(port);
  if (holder && running.some(({ pid }) => pid === holder.pid)) return undefined;
  const who = holder ? `${holder.command} (pid ${holder.pid})` : "somebody else";
  return { text: `${setting} ${port} is held by ${who}`, fatal, code: "port_in_use", hint: `end it, or ${hint}` };
}

/** Whether the ports of the configuration are free, or held by this home's own roles. */
export function checkPorts(config: BaseConfig, running: readonly RunningRole[]): Promise<DoctorCheck> {
  return makeCheck("ports", "the bus cannot be reached", async () => {
    const ports = configuredPorts(config);
    const troubles: PortTrouble[] = [];
    const own: number[] = [];
    for (const named of ports) {
      const errno = await tryListen(named.host, named.port);
      if (errno === undefined) continue;
      const trouble = troubleOf(named, errno, running);
      if (trouble) troubles.push(trouble);
      else own.push(named.port);
    }
    const free = ports.map(({ port }) => port).filter((port) => !own.includes(port));
    const worst = troubles.find(({ fatal }) => fatal) ?? troubles[0];
    if (!worst) {
      const held = own.length > 0 ? `${own.join(", ")} in use by this home's roles` : "";
      const open = free.length > 0 ? `${free.join(", ")} free` : "";
      return { status: "ok", found: [open, held].filter((part) => part !== "").join("; ") || "none are set" };
    }
    return {
      status: worst.fatal ? "fail" : "warn",
      found: troubles.map(({ text }) => text).join("; "),
      lost: worst.fatal ? "the bus does not start" : "pages of health and metrics are on other ports",
      hint: worst.hint,
      ...(worst.fatal && { code: worst.code }),
    };
  });
}
