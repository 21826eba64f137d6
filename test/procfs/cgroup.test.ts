import { describe, expect, test } from "bun:test";
import { containerIdOf, parseCgroup } from "../../src/procfs/index.ts";

const id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const other = id.replaceAll("0", "f");

describe("containerIdOf", () => {
  test.each([
    ["Docker, cgroupfs", `/docker/${id}`],
    ["Docker, systemd", `/system.slice/docker-${id}.scope`],
    ["Docker, with an init of its own", `/docker/${id}/init.scope`],
    ["Docker in Docker: the inner one", `/docker/${other}/docker/${id}`],
    ["ECS", `/ecs/0b69c5c0e2f1/${id}`],
    [
      "containerd, systemd",
      `/kubepods.slice/kubepods-burstable.slice/kubepods-pod1_2.slice/cri-containerd-${id}.scope`,
    ],
    ["containerd, cgroupfs", `/kubepods/besteffort/pod2f4b1f3c-6f0b-4f6e-8f0e-1b1b1b1b1b1b/${id}`],
    ["containerd, systemd names in cgroupfs", `/system.slice/kubepods-burstable-pod1.slice:cri-containerd:${id}`],
    ["nerdctl", `/system.slice/nerdctl-${id}.scope`],
    ["CRI-O", `/kubepods.slice/kubepods-pod1.slice/crio-${id}.scope`],
    ["CRI-O, inner group", `/kubepods.slice/kubepods-pod1.slice/crio-${id}.scope/container`],
    ["Podman", `/machine.slice/libpod-${id}.scope`],
    ["Podman, of a user", `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${id}.scope/container`],
    ["Podman, cgroupfs", `/libpod_parent/libpod-${id}`],
  ])("%s", (_what, path) => {
    expect(containerIdOf(path)).toBe(id);
  });

  test.each([
    ["none", "/"],
    ["a service", "/system.slice/ssh.service"],
    ["a monitor of CRI-O", `/kubepods.slice/crio-conmon-${id}.scope`],
    ["a monitor of Podman", `/machine.slice/libpod-conmon-${id}.scope`],
    ["too short an id", `/docker/${id.slice(1)}`],
    ["too long an id", `/docker/${id}0`],
    ["upper case", `/docker/${id.toUpperCase()}`],
    ["another word before it", `/x/evil-${id}.scope`],
  ])("%s", (_what, path) => {
    expect(containerIdOf(path)).toBe("");
  });
});

describe("parseCgroup", () => {
  test("the unified tree first, then systemd's, then the first controller with a place", () => {
    expect(parseCgroup("0::/user.slice/a b:c\n").path).toBe("/user.slice/a b:c");
    expect(parseCgroup("3:memory:/m\n1:name=systemd:/s\n0::/\n")).toEqual({
      path: "/s",
      containerId: "",
      isUnified: false,
    });
    expect(parseCgroup("0::/a\n").isUnified).toBe(true);
    expect([parseCgroup(""), parseCgroup("4:memory:/m\n")].some(({ isUnified }) => isUnified)).toBe(false);
    expect(parseCgroup("9:name=systemd:/\n4:memory:/m\n3:cpu:/c\n0::/\n").path).toBe("/m");
    expect(parseCgroup("9:name=systemd:/\n0::/\n").path).toBe("/");
  });

  test("a container is found in any tree", () => {
    expect(parseCgroup(`4:memory:/docker/${id}\n0::/\n`).containerId).toBe(id);
  });

  test("what is none says nothing", () => {
    for (const text of ["", "\n", "garbage", "::", "a:b"]) expect(parseCgroup(text).containerId).toBe("");
    expect(parseCgroup("").path).toBe("");
  });
});
