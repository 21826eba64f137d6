// Two programs in one file, as with the executable: `host` supervises a bus and two agents and obeys lines on stdin;
// `role` is what it starts, with a health page that answers after a while.
import { join } from "node:path";

const [part, ...words] = process.argv.slice(2);

function tell(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function runRole(dataDir: string, name: string, readyMs: number): Promise<void> {
  const { startTicks, writeRunFile } = await import("../../src/roles/run-file.ts");
  process.on("SIGTERM", () => setTimeout(() => process.exit(0), 50));
  await Bun.sleep(readyMs);
  const page = { status: "healthy", state: "active", ready: true, message: "well", events_total: 1 };
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => Response.json(page) });
  const { pid } = process;
  const start_ticks = startTicks(pid);
  writeRunFile(dataDir, { role: name, pid, start_ticks, started_ms: 0, health_ports: [Number(server.port)] });
}

async function runHost(dataDir: string, busReadyMs: number): Promise<void> {
  const { SupervisedRole } = await import("../../src/roles/supervised-role.ts");
  const { Supervisor } = await import("../../src/roles/supervisor.ts");
  const { AmoskysError } = await import("../../src/core/errors.ts");
  // in another order than the one they have to start in
  const roles = ["flow", "bus", "proc"].map((role) => {
    const readyMs = role === "bus" ? busReadyMs : 0;
    const supervised: InstanceType<typeof SupervisedRole> = new SupervisedRole({
      role,
      args: () => ["role", dataDir, role, String(readyMs)],
      dataDir,
      healthHost: "127.0.0.1",
      environment: process.env,
      onChange: () => tell({ role, state: supervised.status().state }),
    });
    return supervised;
  });
  const supervisor = new Supervisor(roles);
  const obey = async (command: string, role: string | undefined): Promise<void> => {
    if (command === "startAll") await supervisor.startAll();
    else if (command === "end") await supervisor.end();
    else if (command === "restart") await supervisor.restart(role);
    else if (command === "stop") await supervisor.stop(role ?? "");
  };
  for await (const line of console) {
    const [command = "", role] = line.split(" ");
    void obey(command, role).then(
      () => tell({ done: line, states: supervisor.status().map(({ state }) => state) }),
      (caught: unknown) => {
        const { code, message, hint } = AmoskysError.from(caught);
        tell({ done: line, error: { code, message, hint } });
      },
    );
  }
  supervisor.killAll();
}

if (part === "host") await runHost(join(String(words[0]), "data"), Number(words[1]));
else if (part === "role") await runRole(String(words[0]), String(words[1]), Number(words[2]));
