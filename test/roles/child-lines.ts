import { join } from "node:path";

/** A program of this folder as a process of its own, which takes lines and tells JSON lines. */
export class ChildLines<Told> {
  /** What it has told so far. */
  readonly told: Told[] = [];
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;

  constructor(file: string, args: readonly string[]) {
    this.#child = Bun.spawn([process.execPath, join(import.meta.dir, file), ...args], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    void this.#read();
  }

  async #read(): Promise<void> {
    let text = "";
    for await (const chunk of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (text + chunk).split("\n");
      text = lines.pop() ?? "";
      this.told.push(...lines.map((line) => JSON.parse(line) as Told));
    }
  }

  tell(line: string): void {
    this.#child.stdin.write(`${line}\n`);
    this.#child.stdin.flush();
  }

  /** Ends its input, which ends it. */
  async end(): Promise<void> {
    this.#child.stdin.end();
    await this.#child.exited;
  }
}
