// Two programs in one file, as with the executable: `host` supervises a role and obeys lines on stdin; `role` is what
// it starts. The host's waits before a restart are told and shortened, so that none of them is waited for.
const [part, ...words] = process.argv.slice(2);

function tell(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** What the role says last, and how it ends. */
function runRole(how: string): void {
  process.on("SIGTERM", () => {
    if (how !== "deaf") process.exit(0);
  });
  if (how === "deaf" || how === "stay") {
    setInterval(() => {}, 1000);
    return;
  }
  process.stderr.write(`a line of no use\namoskys: ended with ${how}\nTry: mend ${how}\n`);
  process.exit(Number(how));
}

async function runHost(how: string, shareOfWaits: number): Promise<void> {
  // the role, which is started often, needs nothing of it
  const { SupervisedRole } = await import("../../src/roles/supervised-role.ts");
  const wait = globalThis.setTimeout;
  const shortened = (run: () => void, ms = 0) => {
    tell({ waitMs: ms });
    return wait(run, ms * shareOfWaits);
  };
  globalThis.setTimeout = Object.assign(shortened, wait) as typeof setTimeout;
  const now = performance.now.bind(performance);
  let aheadMs = 0;
  performance.now = () => now() + aheadMs;
  const role = new SupervisedRole({
    role: "tested",
    args: () => ["role", how],
    dataDir: "/nonexistent",
    healthHost: "127.0.0.1",
    environment: { ...process.env, BUN_OPTIONS: "--preload=/nonexistent.ts" },
    onChange: () => tell(role.status()),
  });
  for await (const line of console) {
    const [command, argument] = line.split(" ");
    if (command === "start") role.start();
    else if (command === "stop") await role.stop(Number(argument)).then(() => tell({ isStopped: true }));
    else if (command === "later") aheadMs += Number(argument);
  }
  role.kill();
}

export {};

if (part === "host") await runHost(String(words[0]), Number(words[1]));
else if (part === "role") runRole(String(words[0]));
