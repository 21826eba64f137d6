import { Command } from "commander";
import { AmoskysError } from "../core/errors.ts";
import { printable } from "../core/escape.ts";
import { nearest } from "../core/nearest.ts";
import { commandPath } from "./usage-error.ts";

/** The command below another; throws `usage` with the nearest that there is. */
function childOf(command: Command, name: string): Command {
  const children = command.commands;
  const found = children.find((child) => child.name() === name);
  if (found) return found;
  const names = children.map((child) => child.name());
  const meant = nearest(name, names);
  const path = commandPath(command);
  const more = meant ? `; did you mean ${meant}?` : names.length > 0 ? `; there are ${names.join(", ")}` : "";
  throw new AmoskysError("usage", `${path} has no command "${printable(name)}"${more}`, {
    hint: meant ? `${path} ${meant} --help` : `${path} --help`,
  });
}

/** `amoskys help COMMAND..`: commander's own knows one level. */
export function helpCommand(): Command {
  return new Command("help")
    .description("show the help of a command")
    .argument("[command...]", "the words of the command")
    .addHelpText("after", "\nExample:\n  amoskys help events query\n\nExit status: 0 shown, 2 no such command")
    .action((names: string[], _options: object, command: Command) => {
      names.reduce(childOf, command.parent as Command).outputHelp();
    });
}
