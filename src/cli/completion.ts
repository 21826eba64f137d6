import { Argument, Command, type Option } from "commander";
import type { CliContext } from "./context.ts";

/** What may stand for a value: one of these words, the name of a file, or what nobody can guess. */
type Values = readonly string[] | "file" | "any";

interface Word {
  readonly word: string;
  readonly description: string;
  /** What follows an option; undefined: nothing does. */
  readonly values?: Values | undefined;
}

/** What may follow a command: its subcommands and options, and what its arguments are. */
interface Place {
  /** `""` for the program, `/bus/serve` below. */
  readonly path: string;
  readonly words: readonly Word[];
  readonly operands: Values;
}

/** Names of values, as `--help` has them, that are files. */
const fileNames = /^(file|path|dir)$/;

function valuesOf(name: string, choices: readonly string[] | undefined): Values {
  if (choices) return choices;
  return fileNames.test(name) ? "file" : "any";
}

function optionWord({ long, description, flags, required, optional, argChoices }: Option): Word[] {
  if (!long) return [];
  const name = /[<[]([^>\].]+)/.exec(flags)?.[1] ?? "";
  return [{ word: long, description, values: required || optional ? valuesOf(name, argChoices) : undefined }];
}

function placesOf(command: Command, path = ""): Place[] {
  const help = command.createHelp();
  const children = help.visibleCommands(command).filter((child) => child.name() !== "help");
  const [operand] = command.registeredArguments;
  const operands = operand ? valuesOf(operand.name(), operand.argChoices) : "any";
  const words = [
    ...children.map((child) => ({ word: child.name(), description: child.description() })),
    ...help.visibleOptions(command).flatMap(optionWord),
  ];
  return [{ path, words, operands }, ...children.flatMap((child) => placesOf(child, `${path}/${child.name()}`))];
}

/** Options that take a value; one name takes the same everywhere, but where a command says otherwise. */
function valueCases(places: readonly Place[]): { pattern: string; values: Values }[] {
  const global = places.find(({ path }) => path === "")?.words ?? [];
  const own = places.flatMap(({ path, words }) => (path === "" ? [] : words.map((word) => ({ path, ...word }))));
  return [...own, ...global.map((word) => ({ path: "*", ...word }))].flatMap(({ path, word, values }) =>
    values === undefined ? [] : [{ pattern: `${path === "*" ? "*" : `"${path}"`}" ${word}"`, values }],
  );
}

function wordList(place: Place): string {
  const operands = typeof place.operands === "string" ? [] : place.operands;
  return [...operands, ...place.words.map(({ word }) => word)].join(" ");
}

function paths(places: readonly Place[], quote: string, separator: string): string {
  return places
    .filter(({ path }) => path !== "")
    .map(({ path }) => quote + path + quote)
    .join(separator);
}

/** What bash does for a value: words, files, or nothing. */
function bashValues(values: Values): string {
  if (values === "file") return 'COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null';
  return values === "any" ? "COMPREPLY=()" : `COMPREPLY=($(compgen -W "${values.join(" ")}" -- "$cur"))`;
}

function bashPlace(place: Place): string {
  const words = `COMPREPLY=($(compgen -W "${wordList(place)}" -- "$cur"))`;
  if (place.operands !== "file") return words;
  return `case "$cur" in -*) ${words} ;; *) ${bashValues("file")} ;; esac`;
}

function bash(places: readonly Place[]): string {
  return `_amoskys() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" path="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path/$word" in
      ${paths(places, '"', "|")}) path="$path/$word" ;;
    esac
  done
  case "$path $prev" in
${valueCases(places)
  .map(({ pattern, values }) => `    ${pattern}) ${bashValues(values)}; return ;;`)
  .join("\n")}
  esac
  case "$path" in
${places.map((place) => `    "${place.path}") ${bashPlace(place)} ;;`).join("\n")}
  esac
}
complete -F _amoskys amoskys`;
}

function zshValues(values: Values): string {
  if (values === "file") return "_files";
  return values === "any" ? "_message value" : `compadd -- ${values.join(" ")}`;
}

function zshPlace(place: Place): string {
  return `compadd -- ${wordList(place)}${place.operands === "file" ? "; _files" : ""}`;
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
  case "$at \${words[CURRENT - 1]}" in
${valueCases(places)
  .map(({ pattern, values }) => `    ${pattern}) ${zshValues(values)}; return ;;`)
  .join("\n")}
  esac
  case "$at" in
${places.map((place) => `    "${place.path}") ${zshPlace(place)} ;;`).join("\n")}
  esac
}
compdef _amoskys amoskys`;
}

function fishValues(values: Values | undefined): string {
  if (values === undefined) return "";
  if (values === "file") return " -rF";
  return values === "any" ? " -x" : ` -x -a '${values.join(" ")}'`;
}

function fish(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, words }) =>
    words.map(({ word, description, values }) => {
      const kind = word.startsWith("--") ? `-l ${word.slice(2)}${fishValues(values)}` : `-f -a ${word}`;
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
