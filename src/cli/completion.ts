import { Argument, Command } from "commander";
import type { CliContext } from "./context.ts";

/** What may follow a command: its subcommands and options, each with a description. */
interface Place {
  /** `""` for the program, `/bus/serve` below. */
  readonly path: string;
  readonly words: readonly { readonly word: string; readonly description: string }[];
}

function placesOf(command: Command, path = ""): Place[] {
  const help = command.createHelp();
  const options = help
    .visibleOptions(command)
    .flatMap(({ long, description }) => (long ? [{ word: long, description }] : []));
  const children = help.visibleCommands(command).filter((child) => child.name() !== "help");
  const words = [...children.map((child) => ({ word: child.name(), description: child.description() })), ...options];
  return [{ path, words }, ...children.flatMap((child) => placesOf(child, `${path}/${child.name()}`))];
}

function wordList(place: Place): string {
  return place.words.map(({ word }) => word).join(" ");
}

function paths(places: readonly Place[], quote: string, separator: string): string {
  return places
    .filter(({ path }) => path !== "")
    .map(({ path }) => quote + path + quote)
    .join(separator);
}

function bash(places: readonly Place[]): string {
  return `_amoskys() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" path="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path/$word" in
      ${paths(places, '"', "|")}) path="$path/$word" ;;
    esac
  done
  case "$path" in
${places.map((place) => `    "${place.path}") COMPREPLY=($(compgen -W "${wordList(place)}" -- "$cur")) ;;`).join("\n")}
  esac
}
complete -o default -F _amoskys amoskys`;
}

function zsh(places: readonly Place[]): string {
  return `#compdef amoskys
_amoskys() {
  local at="" word
  for word in "\${words[@]:1:$((CURRENT - 2))}"; do
    case "$at/$word" in
      ${paths(places, '"', "|")}) at="$at/$word" ;;
    esac
  done
  case "$at" in
${places.map((place) => `    "${place.path}") compadd -- ${wordList(place)} ;;`).join("\n")}
  esac
  _files
}
compdef _amoskys amoskys`;
}

function fish(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, words }) =>
    words.map(({ word, description }) => {
      const kind = word.startsWith("--") ? `-l ${word.slice(2)}` : `-f -a ${word}`;
      const text = description.replaceAll("'", "\\'");
      return `complete -c amoskys -n 'test "$(__amoskys_path)" = "${path}"' ${kind} -d '${text}'`;
    }),
  );
  return `function __amoskys_path
  set -l at ""
  for word in (commandline -opc)[2..]
    switch "$at/$word"
      case ${paths(places, "'", " ")}
        set at "$at/$word"
    end
  end
  echo $at
end
${lines.join("\n")}`;
}

const shells = { bash, zsh, fish };

/** `amoskys completion SHELL`: the script, made from the commands themselves. */
export function completionCommand(context: CliContext): Command {
  return new Command("completion")
    .description("print the completion script of a shell")
    .addArgument(new Argument("<shell>").choices(Object.keys(shells)))
    .addHelpText("after", "\nExample:\n  source <(amoskys completion bash)\n\nExit status: 0 ok, 2 unknown shell")
    .action((shell: keyof typeof shells, _options: object, command: Command) => {
      const program = command.parent as Command;
      context.output.print(shells[shell](placesOf(program)));
    });
}
