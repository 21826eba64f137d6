import { expect, test } from "bun:test";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/running-home.ts";
import { mountSmallDisk } from "../support/small-disk.ts";
import { BusWatchHome, timeoutSeconds } from "./bus-watch-home.ts";

const lowBytes = 12 << 20;

/** Fills a file system up to so many bytes. */
function fill(folder: string, leftBytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const bytes = bavail * bsize - leftBytes;
  if (bytes > 0) writeFileSync(join(folder, `filler-${leftBytes}`), Buffer.alloc(bytes));
}

test("a bus whose disk fills up answers but does not commit: that is told, and that it is over", async () => {
  const disk = mountSmallDisk(64 << 20);
  if (!disk) return;
  const home = new BusWatchHome(`storage: {storage_dir: "${disk.folder}", bus_free_bytes_min: ${lowBytes}}\n`);
  try {
    await home.start();
    fill(disk.folder, 1.5 * lowBytes);
    await home.untilNews((all) => all.length === 2);
    fill(disk.folder, 0);
    const fullMs = Date.now();
    const page = await eventually("the agent sees that nothing is committed", async () => {
      const now = await home.page();
      return now.status === "degraded" && now.checks.data_collection?.message.includes("does not commit") && now;
    });
    expect(page.checks.data_collection?.message).toContain("answers but does not commit: the disk of the log ");
    const rounds = page.figures.rounds ?? 0;
    await eventually("two more looks", async () => ((await home.page()).figures.rounds ?? 0) >= rounds + 2);
    const emptiedMs = Date.now();
    for (const leftBytes of [1.5 * lowBytes, 0]) rmSync(join(disk.folder, `filler-${leftBytes}`));
    const news = await home.untilNews((all) => all.length >= 4);
    const [, low, full, over] = news;
    expect(news.map(({ status }) => status)).toEqual(["ONLINE", "DEGRADED", "DEGRADED", "ONLINE"]);
    expect(low?.line).toMatch(/^answers but is degraded: disk_space: .* MiB left; it was well for /);
    expect(full?.line).toMatch(/^answers but does not commit: the disk .*; it was degraded \(disk_space\) for /);
    expect(over?.line).toMatch(/^answers in .*; it was not committing for /);
    // a look has the time at which it began
    expect(full?.atMs).toBeGreaterThanOrEqual(fullMs - timeoutSeconds * 1000);
    expect(full?.atMs).toBeLessThan(emptiedMs);
    expect(over?.atMs).toBeGreaterThanOrEqual(emptiedMs - timeoutSeconds * 1000);
    // the looks in between are stored too: nothing of the outage is lost
    const stuck = (await home.looks()).filter(({ event: { events } }) =>
      events.some(({ metricData: m }) => m?.metricName === "bus.commits" && !m.numericValue),
    );
    expect(stuck.length).toBeGreaterThanOrEqual(2);
  } finally {
    await home.remove();
    disk.unmount();
  }
});
