import { describe, expect, test } from "bun:test";
import { runCaptureWorker } from "../../../src/collectors/flow/capture-worker.ts";
import { namespaceObstacle } from "../../support/network-namespace.ts";

const source = (path: string) => JSON.stringify(new URL(`../../../${path}`, import.meta.url).pathname);

describe("capture worker", () => {
  test("does not block the main thread", async () => {
    expect(await runCaptureWorker({}).catch((caught) => caught)).toMatchObject({ code: "internal" });
  });

  test.skipIf(namespaceObstacle() !== undefined)("without CAP_NET_RAW it says which privilege is missing", () => {
    const program = `
      const { createCaptureSource } = await import(${source("src/collectors/flow/capture-source.ts")});
      const { captureThreads } = await import(${source("test/support/capture-thread.ts")});
      const { silentObserver } = await import(${source("src/core/observer.ts")});
      const source = createCaptureSource(
        { interfaces: [], ringBytes: 1 << 20, promiscuous: true,
          engine: { idleTimeoutS: 1, activeTimeoutS: 1, flowsMax: 16 } },
        { observer: silentObserver, spawnWorker: captureThreads() }, () => {});
      const caught = await source.start().catch((error) => error);
      await source.stop(1000);
      process.stdout.write(JSON.stringify({ code: caught.code, hint: caught.hint }));`;
    const argv = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw", process.execPath, "-e", program];
    const child = Bun.spawnSync(argv);
    expect(JSON.parse(child.stdout.toString())).toEqual({
      code: "privilege_missing",
      hint: expect.stringMatching(/sudo.*CAP_NET_RAW/),
    });
  });
});
