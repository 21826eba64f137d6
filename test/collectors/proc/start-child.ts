/** Makes two rounds and says what became of them; run by tests as a process of its own, without a privilege. */
import { procCollector, procConfigSchema } from "../../../src/collectors/proc/index.ts";
import { silentObserver } from "../../../src/core/observer.ts";
import { Collected, contextFor } from "./run-collector.ts";

const collected = new Collected();
const logged: string[] = [];
const observer = { ...silentObserver, log: (_level: string, message: string) => void logged.push(message) };
const config = procConfigSchema.parse({ interval_s: 0.1, top: 1 });
const collector = procCollector.create({ config, once: false }, { ...contextFor(collected), observer });
await collector.start();
while (collected.devices.length < 2) await Bun.sleep(10);
await collector.stop(1000);
const processes = collected.processes.map(({ pid, ppid, exe, args }) => ({
  pid: Number(pid),
  ppid: Number(ppid),
  exe,
  args,
}));
process.stdout.write(JSON.stringify({ health: collector.health(), logged, processes }));
process.exit(0);
