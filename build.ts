/** Builds dist/amoskys for this host: `bun build.ts`; with `--if-needed` only where a source is newer. */
import { statSync } from "node:fs";

const outfile = "dist/amoskys";

function newestSourceMs(): number {
  const inputs = ["package.json", "bun.lock", "build.ts", ...new Bun.Glob("src/**/*").scanSync(".")];
  return Math.max(...inputs.map((path) => statSync(path).mtimeMs));
}

function isFresh(): boolean {
  const built = statSync(outfile, { throwIfNoEntry: false });
  return built !== undefined && built.mtimeMs >= newestSourceMs();
}

if (process.argv.includes("--if-needed") && isFresh()) process.exit(0);

const result = await Bun.build({
  entrypoints: ["src/main.ts"],
  minify: true,
  bytecode: true,
  // commands load what they need when they run; in one piece all of it would be decoded at every start
  splitting: true,
  format: "esm",
  target: "bun",
  // a compiled program must not take code or settings from the directory it happens to be started in
  compile: { outfile, autoloadBunfig: false, autoloadDotenv: false },
});
if (!result.success) {
  for (const log of result.logs) process.stderr.write(`${log}\n`);
  process.exit(1);
}
