import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { errnoName, systemError } from "../../src/native/system-error.ts";

const failed = (name: keyof typeof constants.errno, capability?: string) =>
  systemError({
    call: "socket(AF_PACKET)",
    errno: constants.errno[name],
    what: 'Cannot capture on "eth0"',
    ...(capability && { capability }),
  });

describe("system error", () => {
  test("a missing privilege names its capability and sudo", () => {
    for (const name of ["EPERM", "EACCES"] as const) {
      const error = failed(name, "CAP_NET_RAW");
      expect(error.code).toBe("privilege_missing");
      expect(error.message).toBe('Cannot capture on "eth0": CAP_NET_RAW is missing');
      expect(error.hint).toContain("sudo");
      expect(error.hint).toContain("CAP_NET_RAW");
      expect(error.exitStatus).toBe(14);
    }
  });

  test.each([
    ["ENODEV", "unknown_interface", 2],
    ["EAFNOSUPPORT", "facility_missing", 14],
    ["ENOSYS", "facility_missing", 14],
    ["ENOPROTOOPT", "facility_missing", 14],
    ["EINVAL", "internal", 1],
    ["ENOMEM", "internal", 1],
  ] as const)("%s is %s", (name, code, exitStatus) => {
    const error = failed(name);
    expect(error.code).toBe(code);
    expect(error.exitStatus).toBe(exitStatus);
    expect(error.message).toContain(name);
    expect(error.details.call).toBe("socket(AF_PACKET)");
  });

  test("a number without a name is shown as it is", () => {
    expect(errnoName(99_999)).toBe("errno 99999");
    expect(errnoName(constants.errno.ENODEV)).toBe("ENODEV");
  });
});
