// Control characters (C0, DEL, C1), line and paragraph separators, and the characters that change the direction of
// text (Unicode UAX #9): none of them may reach a terminal or a log from the outside.
const unsafe = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/g;

/** A value as JSON whose text is safe to print: what JSON leaves raw of the unsafe characters is escaped too. */
export function printableJson(value: unknown, replacer?: (key: string, value: unknown) => unknown): string {
  return JSON.stringify(value, replacer).replace(unsafe, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Makes a string from the outside safe to print: unsafe characters appear as `\xNN` or `\u{NNNN}`. */
export function printable(text: string): string {
  return text.replace(unsafe, (c) => {
    const code = c.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}
