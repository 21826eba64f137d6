import { expect, test } from "bun:test";
import { figureText } from "../../src/cli/bus-status.ts";

test.each([
  ["log_bytes", "1572864", "1.5 MiB"],
  ["last_commit_ms", "1769860800000", "2026-01-31T12:00:00.000Z"],
  ["last_commit_ms", "0", "-"],
  ["uptime_ms", "725000", "12m 5s"],
  ["stored_total", "12345", "12,345"],
  ["mode", "\u001bauto", "\\x1bauto"],
])("%s %s is %s for a person", (name, value, text) => {
  expect(figureText(name, value)).toBe(text);
});
