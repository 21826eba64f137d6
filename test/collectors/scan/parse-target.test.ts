import { describe, expect, test } from "bun:test";
import { parseTarget, resolvedTarget } from "../../../src/collectors/scan/parse-target.ts";
import { AmoskysError } from "../../../src/core/errors.ts";

function refusal(text: string): string {
  try {
    parseTarget(text);
  } catch (caught) {
    return caught instanceof AmoskysError && caught.code === "usage" ? caught.message : String(caught);
  }
  return "";
}

describe("parseTarget", () => {
  test.each([
    "10.0.0.0/16",
    "100.64.0.0/16",
    "172.31.255.0/24",
    "192.168.1.7",
    "169.254.0.0/16",
    "127.0.0.0/30",
    "fd00::/112",
    "::1",
  ])("takes %s", (text) => expect(refusal(text)).toBe(""));

  test.each(["8.8.8.0/24", "172.32.0.0/24", "192.169.0.0/30", "2001:db8::/120", "11.0.0.0/31"])(
    "%s is not private, and refused",
    (text) => expect(refusal(text)).toContain("is not private"),
  );

  test.each(["10.0.0.0/8", "0.0.0.0/0", "fc00::/7", "192.0.0.0/2"])("%s is too large or no host", (text) =>
    expect(refusal(text)).toMatch(/more than 65536 addresses|no address of a host/),
  );

  test.each(["224.0.0.1", "255.255.255.255", "0.0.0.0", "::", "ff02::1", "::ffff:8.8.8.8"])("%s is no host", (text) =>
    expect(refusal(text)).toContain("no address of a host"),
  );

  test.each([
    "",
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0/24",
    "10.0.0.1/24/24",
    "fe80::1%eth0",
    "010.0.0.1",
    "10.0.0",
    "-a.example",
    "a..b",
    "a b",
    `${"a".repeat(64)}.example`,
  ])("%p is nothing that is known", (text) => expect(refusal(text)).toContain("is no address"));

  test.each(["10.77.0.2-20", "10.77.0.2-10.77.0.20", "1-2"])("%s is no name, and is not looked up", (text) =>
    expect(refusal(text)).toBe(`"${text}" is no target: ranges are written as CIDR, such as 10.77.0.0/27`),
  );

  test.each(["printer", "printer.example.org", "printer.example.org.", "7.rack.example", "localhost", "a-b_c.d2"])(
    "%s is a name",
    (text) => expect(parseTarget(text)).toEqual({ name: text }),
  );

  test.each(["fe80::1", "fe80::/120", "febf:ffff::1"])("%s cannot be reached without its interface", (text) => {
    expect(refusal(text)).toBe(
      `${text} is link-local: only with an interface does it mean a host, so it is not scanned`,
    );
  });

  test("an address that is named by itself may be any host's", () => {
    expect(refusal("192.0.2.7")).toBe("");
  });
});

describe("resolvedTarget", () => {
  test.each(["10.1.2.3", "172.16.0.1", "192.168.0.1", "100.64.0.1", "127.0.0.1", "::1", "fd00::1"])(
    "%s may be scanned",
    (text) => expect(resolvedTarget(text)).toMatchObject({ family: text.includes(":") ? 6 : 4 }),
  );
  test.each(["8.8.8.8", "2001:db8::1", "0.0.0.0", "::ffff:10.0.0.1", "10.0.0.0/8", "name"])("%s may not", (text) => {
    expect(resolvedTarget(text)).toBe("not_private");
  });
  test.each(["fe80::1", "fe80::1%eth0", "febf::1"])("%s may not, without its interface", (text) => {
    expect(resolvedTarget(text)).toBe("link_local");
  });
});
