import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { amoskys } from "../support/amoskys.ts";

const root = mkdtempSync(join(tmpdir(), "amoskys-config-cli-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function home(name: string, text: string): string {
  const path = join(root, name);
  mkdirSync(join(path, "config"), { recursive: true });
  writeFileSync(join(path, "config/amoskys.yaml"), text);
  return path;
}

describe("amoskys config", () => {
  test("show --origin says where each value came from", async () => {
    const path = home("origin", "eventbus: {port: 7}");
    const environment = { BUS_HARD_MAX: "9" };
    const { stdout } = await amoskys(["--home", path, "config", "show", "--origin"], { environment });
    expect(stdout).toContain("eventbus.port: 7  # config/amoskys.yaml\n");
    expect(stdout).toContain("eventbus.hard_max: 9  # BUS_HARD_MAX\n");
    expect(stdout).toContain('eventbus.host: "0.0.0.0"  # default\n');
  });

  test("what show prints is a configuration that gives the same", async () => {
    const first = await amoskys(["--home", home("first", "agent: {send_rate: 5}"), "config", "show"]);
    const second = await amoskys(["--home", home("second", first.stdout), "config", "show"]);
    expect(second).toEqual(first);
  });

  test("a typo: one line with the path and the nearest name, status 10", async () => {
    const { status, stderr } = await amoskys(["--home", home("typo", "eventbus: {prot: 1}"), "config", "check"]);
    expect(status).toBe(10);
    expect(stderr).toContain("config/amoskys.yaml: eventbus.prot is unknown; did you mean port?\nTry: ");
  });

  test("the example is a configuration, and all of it is defaults", async () => {
    const example = join(import.meta.dir, "../../config/amoskys.example.yaml");
    const shown = await amoskys(["--home", root, "--config", example, "config", "show"]);
    const defaults = await amoskys(["--home", root, "config", "show"]);
    const sizes = (text: string) => text.replace("200000000", "209715200");
    expect(sizes(shown.stdout)).toBe(defaults.stdout);
  });
});
