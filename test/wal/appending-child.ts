import { writeSync } from "node:fs";
import { AmoskysError } from "../../src/core/errors.ts";
import { openLog } from "../../src/wal/index.ts";
import { sampleBatch, settleGroup } from "./sample-log.ts";

// Appends groups of three, settles every fourth one later, and prunes, until it is killed or has made its rounds. Says
// `ack SEQUENCE` as soon as an append has returned and `error CODE` when one has thrown; then it tries again.
const [path = "", rounds = "Infinity", checkpointBytes = "32768"] = process.argv.slice(2);
const log = openLog({ path, role: "agent", budgetBytes: 1 << 30, checkpointBytes: Number(checkpointBytes) });
const say = (line: string) => writeSync(1, `${line}\n`);
let next = (log.sources()[0]?.highest ?? 0) + 1;
for (let i = 0; i < Number(rounds); i += 1) {
  try {
    const { groupIds } = log.append(sampleBatch(next, 3, { length: 300 }));
    say(`ack ${next}`);
    next += 3;
    const [id = 0] = groupIds;
    if (id % 4 === 0) settleGroup(log, id - 3);
    if (id % 20 === 0) log.prune();
  } catch (caught) {
    say(`error ${AmoskysError.from(caught).code}`);
  }
}
log.close();
