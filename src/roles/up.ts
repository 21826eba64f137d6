import { rmSync } from "node:fs";
import { resolve } from "node:path";
import type { LoadedConfig } from "../config/index.ts";
import { AmoskysError } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";
import { collectorCommandName, collectorNames } from "./collector-registry.ts";
import { type Config, type ConfigSource, loadHomeConfig } from "./config.ts";
import { askUp, type ControlRequest, controlPath, openControlSocket } from "./control-socket.ts";
import { prepareHome } from "./prepare-home.ts";
import type { RoleStatus } from "./role-status.ts";
import { SupervisedRole } from "./supervised-role.ts";
import { Supervisor } from "./supervisor.ts";

const refreshMs = 1000;

export interface UpOptions {
  readonly source: ConfigSource;
  /** Instead of those of the configuration. */
  readonly roles?: readonly string[] | undefined;
  /** Interfaces of the flow agent; empty: all that are up. */
  readonly interfaces: readonly string[];
  /** Hears what was made for a home that was empty. */
  onPrepared(lines: readonly string[]): void;
  /** Hears how the roles are doing, about once a second and at every change. */
  onStatus(roles: readonly RoleStatus[]): Promise<void>;
}

/** `origin`: where the configuration has them from; undefined where the command line says them. */
function assertRoles(names: readonly string[], origin: string | undefined): void {
  const known = ["bus", ...collectorNames];
  const wrong = names.find((name) => !known.includes(name));
  if (wrong === undefined) return;
  const meant = nearest(wrong, known);
  const right = names.map((name) => (name === wrong ? (meant ?? "flow") : name));
  const message = `"${wrong}" is no role; there are ${known.join(", ")}`;
  throw origin === undefined
    ? new AmoskysError("usage", message, { hint: `amoskys up --roles ${right.join(",")}` })
    : new AmoskysError("config_invalid", `up.roles (${origin}): ${message}`, { hint: "amoskys config check" });
}

function superviseRole(role: string, loaded: LoadedConfig<Config>, options: UpOptions, onChange: () => void) {
  const { home, file, environment } = options.source;
  const dataDir = resolve(home, loaded.config.storage.data_dir);
  const settings = ["--home", home, ...(file === undefined ? [] : ["--config", file])];
  // a bus that chose a free port keeps it when it is started again, since its agents know it
  const busArgs = (port: number | undefined) => [
    "bus",
    "serve",
    ...(port === undefined ? [] : ["--port", String(port)]),
  ];
  const interfaces = role === "flow" ? options.interfaces.flatMap((name) => ["--iface", name]) : [];
  return new SupervisedRole({
    role,
    args: (port) => [
      ...settings,
      ...(role === "bus" ? busArgs(port) : ["agent", collectorCommandName(role), ...interfaces]),
    ],
    dataDir,
    healthHost: loaded.config.observability.host,
    environment,
    onChange,
  });
}

async function change({ command, role }: ControlRequest, supervisor: Supervisor): Promise<void> {
  if (command === "restart") await supervisor.restart(role);
  else if (command === "start") supervisor.start(role ?? "");
  else if (command === "stop") await supervisor.stop(role ?? "");
  else throw new AmoskysError("usage", "Unknown control command");
}

/** Answers control requests; changes happen one after the other. */
function createObey(supervisor: Supervisor, down: () => void): (request: ControlRequest) => Promise<RoleStatus[]> {
  let changes: Promise<unknown> = Promise.resolve();
  return async (request) => {
    if (request.command === "down") down();
    else if (request.command !== "status") {
      const changed = changes.then(() => change(request, supervisor));
      changes = changed.catch(() => {});
      await changed;
    }
    await supervisor.refresh();
    return supervisor.status();
  };
}

async function assertAlone(dataDir: string): Promise<void> {
  const other = await askUp(dataDir, { command: "status" });
  if (!other) return;
  throw new AmoskysError("log_locked", `amoskys up runs in this home already (pid ${other.pid})`, {
    hint: "amoskys status, or amoskys down",
  });
}

/** Runs the roles of a home until it is told to end: a first signal or `down` drains, a second signal interrupts. */
export async function runUp(options: UpOptions): Promise<void> {
  const loaded = loadHomeConfig(options.source);
  const names = options.roles ?? loaded.config.up.roles;
  assertRoles(names, options.roles ? undefined : loaded.origins.get("up.roles"));
  const dataDir = resolve(options.source.home, loaded.config.storage.data_dir);
  await assertAlone(dataDir);
  options.onPrepared(await prepareHome(options.source.home, loaded, names));

  const asked = Promise.withResolvers<void>();
  const insisted = Promise.withResolvers<never>();
  insisted.promise.catch(() => {});
  let signals = 0;
  let failure: unknown;
  // who watched has gone, or cannot be told: end as asked, then say why
  const fail = (caught: unknown) => {
    failure ??= caught;
    asked.resolve();
  };
  const show = () => void options.onStatus(supervisor.status()).catch(fail);
  const supervisor = new Supervisor(names.map((role) => superviseRole(role, loaded, options, () => show())));
  const onSignal = () => {
    signals += 1;
    if (signals === 1) asked.resolve();
    else insisted.reject(new AmoskysError("interrupted", "Interrupted before everything was drained"));
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, onSignal);
  const control = await openControlSocket(dataDir, createObey(supervisor, asked.resolve));
  const timer = setInterval(() => void supervisor.refresh().then(show, fail), refreshMs);
  try {
    supervisor.startAll().catch(fail);
    await asked.promise;
    await Promise.race([supervisor.end(), insisted.promise]);
  } finally {
    supervisor.killAll();
    clearInterval(timer);
    control.close();
    rmSync(controlPath(dataDir), { force: true });
  }
  if (failure) throw failure;
  show();
}
