import { Command } from "commander";

/** What stands below the help of a command that only holds others. */
export function groupHelp(example: string): string {
  return `\nExample:\n  ${example}\n\nExit status: that of the command below; 2 there is no such command`;
}

/** A command that only holds others. */
export function commandGroup(
  name: string,
  description: string,
  example: string,
  commands: readonly Command[],
): Command {
  const group = new Command(name).description(description).addHelpText("after", groupHelp(example));
  for (const command of commands) group.addCommand(command);
  return group;
}
