import { AmoskysError } from "../core/errors.ts";
import type { ConfigSource } from "./config.ts";
import { askUp } from "./control-socket.ts";
import { dataPlace } from "./data-place.ts";
import { type RoleStatus, readRoleStatus } from "./role-status.ts";
import { listRunFiles, type RunFile } from "./run-file.ts";

/** The roles of a home: as its `up` sees them, and those that were started by hand. */
export async function homeStatus(source: ConfigSource): Promise<RoleStatus[]> {
  const { dataDir, healthHost } = dataPlace(source);
  const supervised = (await askUp(dataDir, { command: "status" }))?.roles ?? [];
  const known = new Set(supervised.map(({ role }) => role));
  const byHand = listRunFiles(dataDir).filter(({ role }) => !known.has(role));
  const read = ({ role }: RunFile) => readRoleStatus(dataDir, role, healthHost);
  const roles = [...supervised, ...(await Promise.all(byHand.map(read))).filter((status) => status !== undefined)];
  if (roles.length > 0) return roles;
  throw new AmoskysError("unreachable", `Nothing of AMOSKYS runs in ${source.home}`, { hint: "amoskys up" });
}
