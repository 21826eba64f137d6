import * as yaml from "js-yaml";
import { AmoskysError } from "../core/errors.ts";

const textBytesMax = 1 << 20;

/** A blank line, a comment or a document mark. The parser does not take a document of nothing else. */
const emptyLine = /^\s*(#.*|---|\.\.\.)?\s*$/;

/**
 * Parses one YAML document with limits on size, depth and aliases; an empty one is null. `file` is named where it
 * cannot be read.
 */
export function parseYaml(text: string, file: string): unknown {
  if (text.length > textBytesMax) {
    throw new AmoskysError("config_invalid", `${file} is larger than ${textBytesMax} bytes`, {
      hint: `ls -l ${file}`,
    });
  }
  if (text.split("\n").every((line) => emptyLine.test(line))) return null;
  try {
    return yaml.load(text, { filename: file, maxDepth: 32, maxAliases: 32 });
  } catch (caught) {
    if (caught instanceof yaml.YAMLException) {
      const at = caught.mark ? ` at line ${caught.mark.line + 1}, column ${caught.mark.column + 1}` : "";
      // the words of the text stay out of it: one of them may be a secret
      const reason = caught.reason.replace(/\s*["'!<].*$/s, "");
      throw new AmoskysError("config_invalid", `${file} is no valid YAML${at}: ${reason}`, {
        hint: `correct ${file}; a text that begins with * & ! or @ stands in quotes`,
      });
    }
    throw caught;
  }
}

/** Writes a document as YAML. */
export function formatYaml(document: unknown): string {
  return yaml.dump(document, { lineWidth: 120 });
}
