import { expect, test } from "bun:test";
import type { CapabilityName } from "../../src/native/index.ts";
import { checkPrivileges } from "../../src/tasks/doctor-privileges.ts";

const held =
  (...names: CapabilityName[]) =>
  () =>
    new Set(names);

test("all that the agents can use is there, be it by CAP_SYS_ADMIN", async () => {
  const found = "CAP_NET_RAW, CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE";
  const well = { name: "privileges", status: "ok", found } as const;
  expect(await checkPrivileges([], held("CAP_NET_RAW", "CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE"))).toEqual(well);
  expect(await checkPrivileges([], held("CAP_NET_RAW", "CAP_SYS_ADMIN", "CAP_SYS_PTRACE"))).toEqual(well);
});

test("what a role of the home cannot run without is a failure, all else a warning", async () => {
  const withoutRaw = held("CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE");
  expect(await checkPrivileges(["bus", "scan"], withoutRaw)).toEqual({
    name: "privileges",
    status: "warn",
    found: "no CAP_NET_RAW",
    lost:
      "agent flow sees no packets of interfaces (files can still be read with --read); " +
      "agent scan finds hosts by TCP alone, and no hardware addresses",
    hint: "sudo amoskys, or a service with AmbientCapabilities=CAP_NET_RAW",
  });
  expect(await checkPrivileges(["flow"], withoutRaw)).toMatchObject({ status: "fail", code: "privilege_missing" });
  expect(await checkPrivileges(["syscall"], held("CAP_NET_RAW", "CAP_BPF", "CAP_SYS_PTRACE"))).toEqual({
    name: "privileges",
    status: "fail",
    found: "no CAP_PERFMON",
    lost: "agent syscall does not run",
    hint: "sudo amoskys, or a service with AmbientCapabilities=CAP_PERFMON",
    code: "privilege_missing",
  });
  expect(await checkPrivileges(["proc"], held("CAP_NET_RAW", "CAP_SYS_ADMIN"))).toMatchObject({
    status: "warn",
    found: "no CAP_SYS_PTRACE",
  });
});
