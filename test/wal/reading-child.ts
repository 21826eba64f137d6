import { writeSync } from "node:fs";
import { openLogReader } from "../../src/wal/index.ts";

// Reads a whole log again and again until it is killed. Argument: path.
const reader = openLogReader(process.argv[2] as string);
for (let round = 0; ; round += 1) {
  for (let afterId = 0; ; ) {
    const page = reader.records({ afterId, limit: 200 });
    const last = page.at(-1);
    if (!last) break;
    afterId = last.id;
  }
  if (round === 0) writeSync(1, "read\n");
}
