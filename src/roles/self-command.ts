/** The command that starts this program again: the compiled executable, or Bun with the entry when run from source. */
export function selfCommand(...args: string[]): string[] {
  return Bun.isStandaloneExecutable ? [process.execPath, ...args] : [process.execPath, Bun.main, ...args];
}
