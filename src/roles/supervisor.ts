import { AmoskysError } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";
import type { RoleStatus } from "./role-status.ts";
import type { SupervisedRole } from "./supervised-role.ts";

const readyMsMax = 10_000;
const pollMs = 100;
const drainMs = 12_000;

/** All roles of a home. The bus starts first and stops last, so that agents can deliver what they hold. */
export class Supervisor {
  readonly #bus: SupervisedRole | undefined;
  readonly #agents: readonly SupervisedRole[];
  #isStopping = false;

  constructor(roles: readonly SupervisedRole[]) {
    this.#bus = roles.find(({ role }) => role === "bus");
    this.#agents = roles.filter((role) => role !== this.#bus);
  }

  get #all(): readonly SupervisedRole[] {
    return this.#bus ? [this.#bus, ...this.#agents] : this.#agents;
  }

  #find(name: string): SupervisedRole {
    const role = this.#all.find((candidate) => candidate.role === name);
    if (role) return role;
    const names = this.#all.map((candidate) => candidate.role);
    const meant = nearest(name, names);
    throw new AmoskysError("usage", `"${name}" is no role of this home; there are ${names.join(", ")}`, {
      hint: meant ? `did you mean ${meant}?` : "amoskys status",
    });
  }

  /** Starts the bus, waits until it is ready or has failed, then starts the agents; what is to stop starts nothing. */
  async startAll(): Promise<void> {
    if (this.#bus) {
      this.#bus.start();
      await this.#untilReady(this.#bus);
    }
    if (this.#isStopping) return;
    for (const agent of this.#agents) agent.start();
  }

  async #untilReady(role: SupervisedRole): Promise<void> {
    for (let waitedMs = 0; waitedMs < readyMsMax; waitedMs += pollMs) {
      await role.refresh();
      if (role.status().state !== "starting") return;
      await Bun.sleep(pollMs);
    }
  }

  /** Stops all for good: agents drain first. */
  async end(): Promise<void> {
    this.#isStopping = true;
    await this.#stopAll();
  }

  async #stopAll(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.stop(drainMs)));
    await this.#bus?.stop(drainMs);
  }

  killAll(): void {
    for (const role of this.#all) role.kill();
  }

  start(name: string): void {
    this.#find(name).start();
  }

  async stop(name: string): Promise<void> {
    await this.#find(name).stop(drainMs);
  }

  /** Restarts one role; without a name all of them: agents end, the bus restarts and is ready, agents start. */
  async restart(name: string | undefined): Promise<void> {
    if (name === undefined) {
      await this.#stopAll();
      await this.startAll();
      return;
    }
    const role = this.#find(name);
    await role.stop(drainMs);
    role.start();
    await this.#untilReady(role);
  }

  async refresh(): Promise<void> {
    await Promise.all(this.#all.map((role) => role.refresh()));
  }

  status(): RoleStatus[] {
    return this.#all.map((role) => role.status());
  }
}
