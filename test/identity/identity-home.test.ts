import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertNotPartial, identityFiles, identityPaths, identityState } from "../../src/identity/identity-home.ts";

describe("identityPaths", () => {
  test("the usual places of a home, or others", () => {
    expect(identityPaths("/srv/a")).toEqual({
      home: "/srv/a",
      certs: "/srv/a/certs",
      trustMap: "/srv/a/config/trust_map.yaml",
    });
    const other = identityPaths("/srv/a", { certs: "keys", trustMap: "/etc/amoskys/trust.yaml" });
    expect(other).toMatchObject({ certs: "/srv/a/keys", trustMap: "/etc/amoskys/trust.yaml" });
  });

  test("the files of a name", () => {
    expect(identityFiles(identityPaths("/h"), "web-1")).toEqual({
      cert: "/h/certs/web-1.crt",
      key: "/h/certs/web-1.key",
      seed: "/h/certs/web-1.ed25519",
      publicKey: "/h/certs/web-1.ed25519.pub",
    });
  });
});

test("a home that does not exist is empty, which is no error", () => {
  const state = identityState(identityPaths("/nonexistent/home"), { bus: true, agent: "agent" });
  expect(state).toEqual({ kind: "empty" });
  expect(() => assertNotPartial(identityPaths("/nonexistent/home"), state)).not.toThrow();
});

test("a host whose files are another agent's is told to take that name", () => {
  const home = mkdtempSync(join(tmpdir(), "amoskys-home-"));
  mkdirSync(join(home, "certs"));
  for (const file of ["ca.crt", "web-1.crt", "web-1.key", "web-1.ed25519"])
    writeFileSync(join(home, "certs", file), "");
  const paths = identityPaths(home);
  expect(identityState(paths, { bus: false, agent: "agent" })).toMatchObject({
    kind: "partial",
    hint: "set agent.name to web-1 in config/amoskys.yaml: its certificate is here",
  });
  expect(identityState(paths, { bus: false, agent: "web-1" })).toEqual({ kind: "complete" });
  rmSync(home, { recursive: true });
});
