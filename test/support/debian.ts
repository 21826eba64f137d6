import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const binaries = ["usr/bin", "usr/sbin", "bin", "sbin"];

function run(command: string[], cwd: string): void {
  const { exitCode, stderr } = Bun.spawnSync(command, { cwd, stdout: "ignore", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString().trim().split("\n").at(-1)}`);
}

/** Downloads packages and unpacks them into one folder: nothing is configured and no daemon starts. */
function unpack(packages: readonly string[], folder: string): void {
  mkdirSync(join(folder, ".."), { recursive: true });
  const draft = mkdtempSync(`${folder}-`);
  if (readdirSync("/var/lib/apt/lists").length < 3) run(["apt-get", "update"], draft);
  run(["apt-get", "download", "-o", "APT::Sandbox::User=root", ...packages], draft);
  for (const name of readdirSync(draft)) {
    if (!name.endsWith(".deb")) continue;
    run(["dpkg", "-x", name, "."], draft);
    rmSync(join(draft, name));
  }
  try {
    renameSync(draft, folder);
  } catch {
    // another test was faster; what it unpacked is the same
    rmSync(draft, { recursive: true, force: true });
  }
}

/**
 * Path of a peer program that tests measure themselves against: the installed one, or unpacked from Debian packages
 * into a folder that is kept between runs. Without root or apt: undefined and a line that says so; with CI=true that
 * is an
 * error, so that nothing is skipped there.
 */
export function peerProgram(command: string, packages: readonly string[]): string | undefined {
  const installed = Bun.which(command, { PATH: `${process.env.PATH}:/usr/sbin:/sbin` });
  if (installed) return installed;
  const folder = join(tmpdir(), `amoskys-peers-${process.getuid?.()}`, packages.join("+"));
  const find = () => binaries.map((bin) => join(folder, bin, command)).find((path) => existsSync(path));
  try {
    if (!find()) unpack(packages, folder);
    const found = find();
    if (!found) throw new Error(`${packages.join(", ")} has no ${command}`);
    return found;
  } catch (caught) {
    const reason = `${command} is not here: ${(caught as Error).message}`;
    if (process.env.CI === "true") throw new Error(reason);
    process.stderr.write(`skipped: ${reason}\n`);
    return undefined;
  }
}
