import { resolve } from "node:path";
import { AmoskysError } from "../core/errors.ts";
import { type ConfigSource, loadHomeConfig } from "./config.ts";
import { askUp } from "./control-socket.ts";
import { type RoleStatus, readRoleStatus } from "./role-status.ts";
import { listRunFiles, type RunFile } from "./run-file.ts";

/** The roles of a home: as its `up` sees them, else those that were started by hand. */
export async function homeStatus(source: ConfigSource): Promise<RoleStatus[]> {
  const { config } = loadHomeConfig(source);
  const dataDir = resolve(source.home, config.storage.data_dir);
  const answer = await askUp(dataDir, { command: "status" });
  if (answer) return answer.roles;
  const read = ({ role }: RunFile) => readRoleStatus(dataDir, role, config.observability.host);
  const running = (await Promise.all(listRunFiles(dataDir).map(read))).filter((status) => status !== undefined);
  if (running.length === 0) {
    throw new AmoskysError("unreachable", `Nothing of AMOSKYS runs in ${source.home}`, { hint: "amoskys up" });
  }
  return running;
}
