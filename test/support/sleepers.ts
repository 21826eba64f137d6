/** Starts forks of one shell that wait; they end with its standard input. */
export async function startSleepers(count: number): Promise<Bun.Subprocess<"pipe", "pipe">> {
  const script = `i=0; while [ $i -lt ${count} ]; do (read x <&3) & i=$((i+1)); done; echo ready; read x <&3`;
  const child = Bun.spawn(["sh", "-c", `exec 3<&0; ${script}`], { stdin: "pipe", stdout: "pipe" });
  await child.stdout.getReader().read();
  return child;
}
