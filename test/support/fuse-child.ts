/**
 * Answers for a file system behind FUSE until it is ended (linux/fuse.h); run as a process of its own. Arguments: mount
 * point, type, bsize, frsize, and `silent` where it is to leave the question how full it is without an answer.
 */
import { openSync, readFileSync, readSync, writeSync } from "node:fs";

const [folder = "", type = "", bsize = "", frsize = "", silent] = process.argv.slice(2);
const [LOOKUP, FORGET, GETATTR, STATFS, INIT, INTERRUPT, BATCH_FORGET] = [1, 2, 3, 17, 26, 36, 42];
const [ENOENT, ENOSYS] = [2, 38];

const fd = openSync("/dev/fuse", "r+");
const options = `fd=3,rootmode=40000,user_id=0,group_id=0,allow_other`;
Bun.spawn(["mount", "-i", "-t", type, "-o", options, "amoskys-test", folder], {
  stdio: ["ignore", "ignore", "inherit", fd],
});

// until then the device has nothing to read
while (!readFileSync("/proc/self/mountinfo", "utf8").includes(folder)) Bun.sleepSync(5);

const request = Buffer.alloc(1 << 18);
for (;;) {
  readSync(fd, request);
  const opcode = request.readUInt32LE(4);
  if (opcode === FORGET || opcode === BATCH_FORGET || opcode === INTERRUPT) continue;
  if (opcode === STATFS && silent) continue;
  const body = answerTo(opcode);
  const error = body ? 0 : -(opcode === LOOKUP ? ENOENT : ENOSYS);
  const head = Buffer.alloc(16);
  head.writeUInt32LE(16 + (body?.length ?? 0), 0);
  head.writeInt32LE(error, 4);
  request.copy(head, 8, 8, 16);
  writeSync(fd, Buffer.concat(body ? [head, body] : [head]));
}

function answerTo(opcode: number): Buffer | undefined {
  if (opcode === INIT) {
    const body = Buffer.alloc(64);
    for (const [at, value] of [7, 31, 4096, 0, 0, 4096, 1].entries()) body.writeUInt32LE(value, at * 4);
    return body;
  }
  if (opcode === GETATTR) {
    const body = Buffer.alloc(104);
    body.writeBigUInt64LE(1n, 16);
    body.writeUInt32LE(0o40755, 76);
    body.writeUInt32LE(2, 80);
    return body;
  }
  if (opcode !== STATFS) return undefined;
  const body = Buffer.alloc(80);
  for (const [at, value] of [1000n, 600n, 500n, 70n, 60n].entries()) body.writeBigUInt64LE(value, at * 8);
  body.writeUInt32LE(Number(bsize), 40);
  body.writeUInt32LE(Number(frsize), 48);
  return body;
}
