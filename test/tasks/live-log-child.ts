/** Writes a log until its input ends: first 3,000 records, then a few again and again. `bun live-log-child.ts PATH`. */
import { LogWriterFixture } from "./log-fixture.ts";

const writer = new LogWriterFixture(process.argv[2] as string, { role: "bus" });
for (let i = 0; i < 30; i += 1) writer.flows(100);
process.stdout.write("ready\n");
const timer = setInterval(() => writer.flows(3), 2);
process.stdin.on("end", () => {
  clearInterval(timer);
  writer.log.close();
});
process.stdin.resume();
